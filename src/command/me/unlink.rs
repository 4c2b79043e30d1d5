//! `/me unlink`: an account that was tied by a code is nobody's again. Somebody else's only by an admin.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{
        delivery::Channel, event::Actor, id::PersonId, intent::Intent, link::LinkIntent, permission,
        person::Role,
    },
    text::me,
};

/// `/me unlink PLATFORM [PERSON]`
#[must_use]
pub fn spec() -> CommandSpec {
    let platforms = vec![Channel::Slack.as_str().into(), Channel::Discord.as_str().into()];
    CommandSpec::new("/me unlink", "Unties your account on a platform; an admin may untie somebody else's.")
        .takes(Argument::required("platform", Kind::Choice(platforms), "where the account is"))
        .takes(Argument::optional("person", Kind::Person, "whose; an admin may say so"))
        .example("/me unlink slack")
        .example("/me unlink discord ben")
}

/// Unties it.
///
/// # Errors
/// When there is none, or the caller may not.
pub async fn run(call: &Call<'_>) -> Answer {
    let platform: String = call.need("platform")?;
    let channel = if platform == Channel::Slack.as_str() { Channel::Slack } else { Channel::Discord };
    let by = call.caller.actor.clone();
    let person: PersonId = match (call.get("person"), &by) {
        (Some(person), _) => person,
        (None, Actor::Person(person)) => person.clone(),
        (None, _) => return Err(Reply::refused(me::nobody_links()).into()),
    };
    if by.person() != Some(&person)
        && let Err(no) = permission::check(&by, Role::Admin, &call.config)
    {
        return Err(Reply::refused(me::not_yours(no.held, &no.ask)).into());
    }
    let end = LinkIntent::End { person: person.clone(), channel, by };
    call.submit(Intent::Link(end)).await?;
    Ok(Reply::done(me::unlinked(person.as_str(), channel)))
}
