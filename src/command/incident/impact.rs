//! `/incident impact`: who was harmed, how, and when.

use jiff::Timestamp;

use super::{Among, respond, which, which_argument};
use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{page::Target, person::Role, response::ResponseIntent},
    text::{self, refusal},
};

/// `/incident impact [INCIDENT] [--started TIME] [--ended TIME] TEXT…`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident impact", "Says what an incident did to whom, and since when.")
        .role(Role::Responder)
        .takes(which_argument())
        .flag(Flag::valued("started", Kind::Past, "when it began; else when the incident was opened"))
        .flag(Flag::valued("ended", Kind::Past, "when it was over; leave it out while it goes on"))
        .takes(Argument::required("text", Kind::Text, "who could not do what"))
        .example("/incident impact INC-7 --started 10:00 --ended 10:40 checkout failed for EU customers")
        .example("/incident impact INC-7 --started 40m logins are slow")
}

/// Says it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let written: String = call.need("text")?;
    let (started, ended_at): (Option<Timestamp>, Option<Timestamp>) =
        (call.get("started"), call.get("ended"));
    let incident = which(call, Among::Open).await?;
    let opened = call.read(move |look| look.state.incidents.get(&incident).map(|it| it.opened_at)).await?;
    let opened = opened.ok_or_else(|| Reply::refused(refusal::unknown(Target::Incident(incident))))?;
    let (started_at, text) = (started.unwrap_or(opened), call.prose(&written));
    let what = ResponseIntent::SetImpact { incident, started_at, ended_at, text };
    respond(call, incident, what, |scene, it, events| {
        text::incident::changed(scene, it, &text::response::impact_set(scene, it), events)
    })
    .await
}
