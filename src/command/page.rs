//! `/page`: somebody pages a person, a team or a policy, with a reason. Never decides who is on call.

use super::{
    Answer, Call,
    spec::{Argument, CommandSpec, Kind},
};
use crate::{
    domain::{
        intent::{Intent, Whom},
        person::Role,
    },
    text::{self, paging},
};

/// `/page PERSON|TEAM|POLICY REASON…`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/page", "Pages a person, everybody of a team, or by an escalation policy.")
        .role(Role::Responder)
        .takes(Argument::required(
            "whom",
            Kind::Whom,
            "a person, a team or a policy; team:ops when names are shared",
        ))
        .takes(Argument::required("reason", Kind::Text, "why, for whoever is woken by it"))
        .example("/page ana the database needs you")
        .example("/page policy:qflow customers report errors")
}

/// Pages.
///
/// # Errors
/// When nobody can be reached.
pub async fn run(call: &Call<'_>) -> Answer {
    let whom: Whom = call.need("whom")?;
    let reason: String = call.need("reason")?;
    let name = match &whom {
        Whom::Person(person) => person.to_string(),
        Whom::Team(team) => format!("team {team}"),
        Whom::Policy(policy) => format!("policy {policy}"),
    };
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Page { whom, reason: call.prose(&reason), by }).await?;
    let plain = text::reply::kept(format!("{name} is paged."));
    Ok(call.done(plain, move |scene| Some(paging::asked(scene, &name, &accepted.events))).await)
}
