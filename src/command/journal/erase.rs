//! `/journal erase`: words of people are erased where they stand. Never says which words those were.

use super::{failed, upkeep};
use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    domain::{
        id::{PersonId, Seq},
        person::Role,
    },
    engine::upkeep::Outcome,
    journal::erase::Wanted,
    text::upkeep as words,
};

/// `/journal erase [--person PERSON] [--seq N] [--before TIME] [--dry-run]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/journal erase", "Erases what a person wrote, or the words of one event.")
        .role(Role::Admin)
        // Whoever has left is in no configuration any more: any word is taken.
        .flag(Flag::valued("person", Kind::Word, "whose words: all notes, titles, reasons, messages"))
        .flag(Flag::valued("seq", Kind::Number(1, u64::MAX), "the words of this event"))
        .flag(Flag::valued("before", Kind::Time, "only what was written before this"))
        .flag(Flag::switch("dry-run", "only look how much that is"))
        .example("/journal erase --person ana --dry-run")
        .example("/journal erase --seq 4711")
}

/// Erases.
///
/// # Errors
/// When nothing was named, or the disk refuses.
pub async fn run(call: &Call<'_>) -> Answer {
    let person = call.get::<String>("person").map(|name| PersonId::from(name.trim_start_matches('@')));
    let seq = call.get::<u64>("seq").map(Seq);
    if person.is_none() && seq.is_none() {
        return Err(Reply::refused(words::erase_what()).into());
    }
    let dry = call.has("dry-run");
    let wanted = Wanted { person, seq, before: call.get("before"), ..Wanted::default() };
    let by = call.caller.actor.clone();
    let outcome = upkeep(call)?.erase(wanted, dry, by, call.trace).await.map_err(failed)?;
    let Outcome { erased, torn, unread, plain, live, archives } = outcome;
    let done = words::Erasure { erased, dry, torn, unread, plain, live, archives };
    Ok(Reply::done(words::erasure(&done, &call.caller.zone)))
}
