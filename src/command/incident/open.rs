//! `/incident open`: a new incident, which pages by its severity's policy.

use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{
        event::Event,
        id::SeverityId,
        intent::{IncidentIntent, Intent},
        person::Role,
    },
    text::{self, scene::Scene},
};

/// `/incident open SEVERITY [--group GROUP] TITLE…`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident open", "Opens an incident and pages by its severity's policy.")
        .role(Role::Responder)
        .takes(Argument::required("severity", Kind::Severity, "how bad it is"))
        .takes(Argument::required("title", Kind::Text, "what is wrong, in a few words"))
        .flag(Flag::valued("group", Kind::Group, "the group of alerts that it is about"))
        .example("/incident open P1 database is down")
        .example("/incident open P1 --group G-17 database is down")
}

/// Opens it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let severity: SeverityId = call.need("severity")?;
    let title: String = call.need("title")?;
    let title = call.prose(&title);
    let what = match call.get("group") {
        Some(group) => IncidentIntent::OpenFor { group, severity, title },
        // A room of a platform has its own name for a channel that may be among the others already: what is said there
        // is answered there.
        None => {
            let channel = call.channel.clone().filter(|channel| channel.platform().is_none());
            IncidentIntent::Open { severity, title, channel }
        }
    };
    let accepted = call.submit(Intent::Incident { what, by: call.caller.actor.clone() }).await?;
    let opened = accepted.events.iter().find_map(|event| match event {
        Event::IncidentOpened(opened) => Some(opened.incident),
        _ => None,
    });
    let id = opened.ok_or_else(|| call.missing("title"))?;
    let say = move |scene: &Scene<'_>| {
        Some(text::incident::opened(scene, scene.state.incidents.get(&id)?, &accepted.events))
    };
    Ok(call.done(text::reply::kept(format!("{id} is open.")), say).await)
}
