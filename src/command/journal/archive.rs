//! `/journal archive`: old segments go to another folder of the server's machine. Never one that a restart needs.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{failed, upkeep};
use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    domain::person::Role,
    text::upkeep as words,
};

/// `/journal archive --before TIME --to FOLDER`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/journal archive", "Moves old segments of the journal to another folder.")
        .role(Role::Admin)
        .flag(Flag::valued("before", Kind::Time, "segments whose events are all older than this"))
        .flag(Flag::valued("to", Kind::Word, "a folder on the server's machine, from the root on"))
        .example("/journal archive --before 2026-01-01 --to /srv/watchbell-archive")
}

/// Archives.
///
/// # Errors
/// When something is missing, the folder is no good, or the disk refuses.
pub async fn run(call: &Call<'_>) -> Answer {
    let (Some(before), Some(to)) = (call.get::<Timestamp>("before"), call.get::<String>("to")) else {
        return Err(Reply::refused(words::archive_what()).into());
    };
    let to = PathBuf::from(to);
    if !to.is_absolute() || to.to_string_lossy().contains(char::is_control) {
        return Err(Reply::refused(words::archive_what()).into());
    }
    let by = call.caller.actor.clone();
    let archived = upkeep(call)?.archive(before, &to, by, call.trace).await.map_err(failed)?;
    Ok(Reply::done(archived.map_or_else(words::nothing_to_archive, |done| words::archived(&done))))
}
