//! `/watchbell reload`: a changed configuration comes into force without a restart. Never a part of one: all of it is
//! right, or nothing is changed.

use crate::{
    command::{Answer, Call, Reply, Undone, care::NotReloaded, spec::CommandSpec},
    domain::person::Role,
    text::house,
};

/// `/watchbell reload`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/watchbell reload",
        "Reads configuration and runbooks anew; with a mistake nothing changes.",
    )
    .role(Role::Admin)
    .example("/watchbell reload")
}

/// Has it done.
///
/// # Errors
/// With every mistake; the configuration that was in force stays in force.
pub async fn run(call: &Call<'_>) -> Answer {
    let Some(caretaker) = call.desk.care.taker() else {
        return Err(Reply::refused(house::nothing_to_read()).into());
    };
    match caretaker.reload(call.caller.actor.clone(), call.trace).await {
        Ok(reloaded) => {
            let restart = &reloaded.at_restart;
            let card = house::reloaded(&reloaded.digest, &reloaded.changes, restart, &reloaded.warnings);
            Ok(Reply::done(card))
        }
        Err(NotReloaded::Mistakes { text, summary }) => {
            Err(Reply::refused(house::mistakes(text, &summary)).into())
        }
        Err(NotReloaded::Impossible(why)) => Err(Reply::refused(house::impossible(&why)).into()),
        Err(NotReloaded::NothingToRead) => Err(Reply::refused(house::nothing_to_read()).into()),
        Err(NotReloaded::NotTaken(rejected)) => Err(Undone::NotTaken(rejected)),
    }
}
