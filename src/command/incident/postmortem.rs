//! `/incident postmortem`: the document of an incident, from its timeline. Comes from the views.

use super::{Among, seen, which, which_argument};
use crate::{
    command::{Answer, Call, Reply, spec::CommandSpec},
    domain::{deployment::SUSPECT, id::IncidentId, page::Target, response::Task, timeline::of_incident},
    text::{self, refusal},
};

/// How many records a postmortem is made from at most: the oldest.
const MOST: usize = 10_000;

/// `/incident postmortem [INCIDENT]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/incident postmortem",
        "Writes the postmortem of an incident in Markdown, from its timeline.",
    )
    .takes(which_argument())
    .example("/incident postmortem INC-7")
}

/// Writes it.
///
/// # Errors
/// When the views do not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: IncidentId = which(call, Among::All).await?;
    let keys = call.scene(move |scene| scene.state.incidents.get(&id).map(|it| of_incident(it))).await?;
    let keys = keys.ok_or_else(|| Reply::refused(refusal::unknown(Target::Incident(id))))?;
    call.catch_up().await?;
    let records = call.desk.views.records(&keys, None, MOST).await.map_err(Call::views_down)?;
    let archived = call.desk.views.begins_in_an_archive(&keys).await.map_err(Call::views_down)?;
    seen(call, id, move |scene, it| {
        let changes = scene.state.changes_before(it, SUSPECT);
        let in_civil = |task: &Task| Task { due: task.due.map(|due| scene.civil(due)), ..task.clone() };
        let tasks: Vec<Task> = scene.state.tasks_of(it).into_iter().map(in_civil).collect();
        let now = scene.now.civil;
        let mut document = text::postmortem::postmortem(it, &tasks, &changes, &records, now);
        if archived {
            let note = text::upkeep::in_an_archive(scene.state);
            document = text::postmortem::shortened(&document, &note);
        }
        text::incident::postmortem(it, document)
    })
    .await
}
