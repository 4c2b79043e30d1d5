//! `/silence …`: alerts about which nobody is told for a while. Never hides that they fire.

pub(super) mod add;
pub(super) mod expire;
pub(super) mod list;
pub(super) mod show;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Answer, Call, Reply, Undone,
    spec::{Argument, CommandSpec, Flag, Kind},
    time,
};
use crate::{
    domain::{
        config::Config,
        event::Event,
        group::Group,
        id::{GroupId, SilenceId},
        intent::{Intent, Refusal},
        labels::Labels,
        matcher::Matcher,
        quiet::{QuietEvent, QuietIntent, QuietRefusal, SilenceKind},
        state::State,
    },
    text::{
        self,
        quiet::{self, usage as quiet_usage},
        refusal,
    },
};

/// The arguments with which silences and maintenances are made.
pub(super) fn takes_times(spec: CommandSpec) -> CommandSpec {
    spec.takes(Argument::optional(
        "matchers",
        Kind::Matchers,
        "which alerts, all conditions together: service=qflow severity=~\"warning|info\"",
    ))
    .flag(Flag::valued("for", Kind::Duration, "for how long"))
    .flag(Flag::valued("until", Kind::Time, "until when, instead of --for"))
    .flag(Flag::valued("from", Kind::Time, "from when; now when absent"))
    .flag(Flag::valued("group", Kind::Group, "the labels of this group, instead of conditions"))
    .flag(Flag::valued("comment", Kind::Words, "why, for whoever wonders later"))
}

/// Makes one of them.
pub(super) async fn begin(call: &Call<'_>, kind: SilenceKind) -> Answer {
    let from: Option<Timestamp> = call.get("from");
    let until = match (call.get::<Timestamp>("until"), call.get("for")) {
        (Some(_), Some(_)) => return Err(Reply::refused(quiet_usage::both(kind)).into()),
        (Some(until), None) => until,
        (None, Some(length)) => time::later(from.unwrap_or(call.now), length)
            .ok_or_else(|| refused(call, QuietRefusal::TooLong))?,
        (None, None) => return Err(Reply::refused(quiet_usage::how_long(kind)).into()),
    };
    let group: Option<GroupId> = call.get("group");
    let matchers = match (call.get::<String>("matchers"), group) {
        (Some(written), None) => vec![written],
        (None, Some(group)) => labels_of(call, group, kind).await?,
        (None, None) => return Err(call.missing("matchers").into()),
        (Some(_), Some(_)) => return Err(Reply::refused(quiet_usage::both_wheres(kind)).into()),
    };
    let comment = match (call.words("comment"), group) {
        (Some(comment), _) => comment,
        (None, Some(group)) => call.prose(&quiet_usage::from_card(group)),
        (None, None) => return Err(Reply::refused(quiet_usage::comment(kind)).into()),
    };
    let by = call.caller.actor.clone();
    let what = QuietIntent::Add { kind, matchers, comment, from, until, by };
    let accepted = call.submit(Intent::Quiet(what)).await?;
    let id = accepted.events.iter().find_map(|event| match event {
        Event::Quiet(quiet) => match &**quiet {
            QuietEvent::Added(added) => Some(added.silence),
            _ => None,
        },
        _ => None,
    });
    let id = id.unwrap_or_default();
    let plain = text::reply::kept(format!("{id} is kept."));
    Ok(call.done(plain, move |scene| quiet::added(scene, id)).await)
}

/// Conditions that mean a group, and no other: what its alerts have in common of the labels by which alerts are grouped,
/// routed and told apart by severity, absent ones included.
async fn labels_of(call: &Call<'_>, id: GroupId, kind: SilenceKind) -> Result<Vec<String>, Undone> {
    let found = call.read(move |look| {
        let open = look.state.groups.get(&id).map(|group| meant_by(look.state, look.config, group));
        open.ok_or_else(|| match look.state.closed_groups.get(&id) {
            Some(closed) => {
                Refusal::GroupClosed { group: id, at: closed.closed_at, by: closed.ended_by.clone() }
            }
            None => Refusal::Unknown(crate::domain::page::Target::Group(id)),
        })
    });
    let matchers = found.await?.map_err(|no| Reply::refused(refusal::card(&no, &call.caller.zone)))?;
    if matchers.is_empty() {
        return Err(Reply::refused(quiet_usage::no_labels(id, kind)).into());
    }
    Ok(matchers)
}

/// See [`labels_of`].
fn meant_by(state: &State, config: &Config, group: &Group) -> Vec<String> {
    let route = config.routes.iter().find(|route| Some(&route.id) == group.route.as_ref());
    let grouped = route.into_iter().flat_map(|route| route.group_by.iter().map(String::as_str));
    let routed = route.into_iter().flat_map(|route| route.matchers.iter().map(Matcher::label));
    let severe = config.severities.values().flat_map(|severity| severity.labels.iter().map(Matcher::label));
    let names: BTreeSet<&str> =
        ["alertname"].into_iter().chain(grouped).chain(routed).chain(severe).collect();
    let alerts: Vec<_> = group.firing.iter().filter_map(|alert| state.alerts.get(alert)).collect();
    let shared = |name: &str| {
        let mut values = alerts.iter().map(|alert| alert.labels.get(name).unwrap_or_default());
        let first = values.next()?;
        values.all(|value| value == first).then(|| Matcher::equal(name, first))
    };
    let matchers: Vec<Matcher> = names.into_iter().filter_map(shared).collect();
    // Absent labels alone would mean nearly everything.
    let named = matchers.iter().any(|matcher| !matcher.matches(&Labels::default()));
    matchers.iter().filter(|_| named).map(ToString::to_string).collect()
}

/// Ends one of them.
pub(super) async fn end(call: &Call<'_>, kind: SilenceKind) -> Answer {
    let silence: SilenceId = call.need("silence")?;
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Quiet(QuietIntent::End { silence, kind, by })).await?;
    let plain = text::reply::kept(format!("{silence} is over."));
    let say = move |scene: &text::scene::Scene<'_>| {
        Some(quiet::ended(scene, scene.state.silence(silence)?, &accepted.events))
    };
    Ok(call.done(plain, say).await)
}

/// The list of a kind.
pub(super) async fn all(call: &Call<'_>, kind: SilenceKind) -> Answer {
    Ok(Reply::done(call.scene(move |scene| quiet::list(scene, kind)).await?))
}

fn refused(call: &Call<'_>, why: QuietRefusal) -> Undone {
    Reply::refused(refusal::card(&Refusal::Quiet(why), &call.caller.zone)).into()
}
