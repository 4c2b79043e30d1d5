//! `/incident handover`: how an incident stands, for whoever takes it over.

use super::{Among, respond, which, which_argument};
use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    domain::{id::PersonId, intent::Refusal, page::Target, person::Role, response::ResponseIntent},
    text::{self, refusal, scene::Scene},
};

/// `/incident handover [INCIDENT] [--to PERSON]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/incident handover",
        "Sums up an incident for whoever is next, and gives the lead to them.",
    )
    .role(Role::Responder)
    .takes(which_argument())
    .flag(Flag::valued("to", Kind::Person, "who leads from now on, and is told how it stands"))
    .example("/incident handover INC-7")
    .example("/incident handover INC-7 --to chi")
}

/// Sums it up.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let to: Option<PersonId> = call.get("to");
    let incident = which(call, Among::Open).await?;
    let away = call.read(move |look| look.state.merged_away(look.state.incidents.get(&incident)?));
    if let Some(no) = away.await? {
        return Err(Reply::refused(refusal::card(&Refusal::Response(no), &call.caller.zone)).into());
    }
    let summary = move |scene: &Scene<'_>| {
        let ahead = scene.now.civil.duration_since(scene.now.engine);
        let facts = scene.state.handover(incident, ahead)?;
        Some(text::handover::card(scene, &facts))
    };
    let Some(to) = to else {
        let card = call.scene(summary).await?;
        let unknown = || Reply::refused(refusal::unknown(Target::Incident(incident))).into();
        return card.map(Reply::done).ok_or_else(unknown);
    };
    let by = call.caller.actor.clone();
    let what = ResponseIntent::HandOver { incident, to: to.clone() };
    respond(call, incident, what, move |scene, it, events| {
        let said = text::handover::given(incident, &to, &by);
        let mut card = summary(scene).unwrap_or_else(|| text::incident::changed(scene, it, &said, events));
        card.title = said;
        card
    })
    .await
}
