//! `/incident task add`: something is to be done.

use jiff::Timestamp;

use super::super::{Among, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{id::PersonId, intent::Intent, person::Role, response::ResponseIntent},
    text::{self, scene::Scene},
};

/// `/incident task add [INCIDENT] [--owner PERSON] [--due UNTIL|DURATION] TEXT…`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task add", "Writes down what is to be done for an incident.")
        .role(Role::Responder)
        .takes(which_argument())
        .flag(Flag::valued("owner", Kind::Person, "who does it, and is told"))
        .flag(Flag::valued("due", Kind::Until, "until when, or how long from now"))
        .takes(Argument::required("text", Kind::Text, "what is to be done"))
        .example("/incident task add INC-7 --owner ben --due 30m restore the backup")
        .example("/incident task add INC-7 \"restore the backup\" --owner ben --due 30m")
}

/// Writes it down.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let written: String = call.need("text")?;
    let (owner, due): (Option<PersonId>, Option<Timestamp>) = (call.get("owner"), call.get("due"));
    let incident = which(call, Among::Open).await?;
    let what = ResponseIntent::AddTask { incident, text: call.prose(&written), owner, due };
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Response { what, by }).await?;
    let plain = text::reply::kept(format!("The task of {incident} is kept."));
    let say = move |scene: &Scene<'_>| {
        let task = scene.state.tasks.get(&super::added(&accepted.events)?)?;
        Some(text::task::changed(scene, task, &text::task::added(task.id, incident)))
    };
    Ok(call.done(plain, say).await)
}
