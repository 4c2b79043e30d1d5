//! `/incident …`: one file per command. Never decides what follows from a change; the engine does.

pub(super) mod ack;
pub(super) mod assign;
pub(super) mod handover;
pub(super) mod impact;
pub(super) mod link;
pub(super) mod list;
pub(super) mod merge;
pub(super) mod note;
pub(super) mod open;
pub(super) mod postmortem;
pub(super) mod reopen;
pub(super) mod resolve;
pub(super) mod role;
pub(super) mod severity;
pub(super) mod show;
pub(super) mod status;
pub(super) mod task;
pub(super) mod timeline;

use super::{
    Answer, Call, Reply, Undone,
    spec::{Argument, Kind},
};
use crate::{
    domain::{
        event::Event,
        id::IncidentId,
        incident::Incident,
        intent::{IncidentIntent, Intent},
        page::Target,
        response::ResponseIntent,
    },
    text::{self, card::Card, refusal, scene::Scene},
};

/// Which incidents a command can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// Those that are open.
    Open,
    /// Those that are resolved.
    Resolved,
    /// All of them.
    All,
}

impl Among {
    fn has(self, incident: &Incident) -> bool {
        match self {
            Self::Open => incident.is_open(),
            Self::Resolved => !incident.is_open(),
            Self::All => true,
        }
    }
}

/// The argument that names an incident.
pub(super) fn which_argument() -> Argument {
    Argument::optional("incident", Kind::Incident, "which incident; not needed when only one can be meant")
}

/// The incident that was named, or the only one that can be meant: of the channel in which it is written, if any is
/// told there.
pub(super) async fn which(call: &Call<'_>, among: Among) -> Result<IncidentId, Undone> {
    if let Some(incident) = call.get("incident") {
        return Ok(incident);
    }
    let channel = call.channel.clone();
    let found: Vec<(IncidentId, String)> = call
        .scene(move |scene| {
            let newest = || scene.state.incidents.values().rev().filter(|incident| among.has(incident));
            let here = |incident: &Incident| channel.as_ref().is_some_and(|it| incident.is_told_in(it));
            let some_here = newest().any(|incident| here(incident));
            let meant = newest().filter(|incident| !some_here || here(incident));
            meant.take(11).map(|incident| (incident.id, incident.title.to_string())).collect()
        })
        .await?;
    match found.as_slice() {
        [] => Err(Reply::refused(text::incident::none_meant(among == Among::Open)).into()),
        [(only, _)] => Ok(*only),
        several => {
            let (name, tail) = (call.parsed.spec.name(), &call.parsed.tail);
            let command = |id: IncidentId| format!("{name} {id} {tail}").trim_end().to_owned();
            Err(Reply::refused(text::incident::choose(several, command)).into())
        }
    }
}

/// Does something to an incident and says what followed.
async fn change(
    call: &Call<'_>,
    incident: IncidentId,
    what: IncidentIntent,
    say: impl FnOnce(&Scene<'_>, &Incident, &[Event]) -> Card + Send + 'static,
) -> Answer {
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Incident { what, by }).await?;
    let plain = text::reply::kept(format!("{incident} is changed."));
    let say =
        move |scene: &Scene<'_>| Some(say(scene, scene.state.incidents.get(&incident)?, &accepted.events));
    Ok(call.done(plain, say).await)
}

/// Does something to what belongs to an incident and says what followed.
async fn respond(
    call: &Call<'_>,
    incident: IncidentId,
    what: ResponseIntent,
    say: impl FnOnce(&Scene<'_>, &Incident, &[Event]) -> Card + Send + 'static,
) -> Answer {
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Response { what, by }).await?;
    let plain = text::reply::kept(format!("{incident} is changed."));
    let say =
        move |scene: &Scene<'_>| Some(say(scene, scene.state.incidents.get(&incident)?, &accepted.events));
    Ok(call.done(plain, say).await)
}

/// Makes a card of an incident as it is now.
pub(super) async fn seen(
    call: &Call<'_>,
    id: IncidentId,
    say: impl FnOnce(&Scene<'_>, &Incident) -> Card + Send + 'static,
) -> Answer {
    let card = call.scene(move |scene| Some(say(scene, scene.state.incidents.get(&id)?))).await?;
    card.map(Reply::done).ok_or_else(|| Reply::refused(refusal::unknown(Target::Incident(id))).into())
}
