//! `/audit`: who did what, from the journal. Never what machines did: that is on the timelines.

use jiff::{SignedDuration, Timestamp};

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    domain::{audit::What, id::PersonId, person::Role},
    text::{
        audit::{self, Asked},
        when::Times,
    },
    views::Act,
};

/// `/audit`
#[must_use]
pub fn spec() -> CommandSpec {
    let words = What::WORDS.map(|(word, _)| word.into());
    CommandSpec::new("/audit", "Says who did what.")
        .role(Role::Admin)
        .flag(Flag::valued("by", Kind::Person, "only what this person did"))
        .flag(Flag::valued("what", Kind::Choice(words.to_vec()), "only what is about this"))
        .flag(Flag::valued("since", Kind::Duration, "only so far back"))
        .flag(Flag::valued("limit", Kind::Number(1, 200), "how many, the newest").or("25"))
        .example("/audit --since 24h")
        .example("/audit --by ana --what config")
}

/// Says it.
///
/// # Errors
/// When the views do not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    call.catch_up().await?;
    let (by, limit) = (call.get::<PersonId>("by"), call.limit());
    let what = call.get::<String>("what");
    let what =
        what.and_then(|word| What::WORDS.iter().find(|(known, _)| *known == word)).map(|(_, what)| *what);
    let since: Option<Timestamp> =
        call.get::<SignedDuration>("since").and_then(|since| call.now.checked_sub(since).ok());
    let wanted = Act { by: by.clone(), what, since, before: None };
    let mut records = call.desk.views.acts(wanted, limit + 1).await.map_err(Call::views_down)?;
    let tokens = audit::tokens(&records);
    let times = Times::In(&call.caller.zone);
    let mut acts: Vec<_> =
        records.drain(..).filter_map(|record| audit::entry(&record, &tokens, times)).collect();
    let more = acts.len() > limit;
    acts.truncate(limit);
    acts.reverse();
    let asked = Asked { by: by.map(|by| by.to_string()), what, since };
    Ok(Reply::done(audit::card(&acts, &asked, more, &call.caller.zone)))
}
