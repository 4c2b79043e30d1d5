//! `/incident timeline`: what happened, in order, by whom. Comes from the views.

use super::{Among, seen, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{CommandSpec, Flag, Kind},
    },
    domain::{id::IncidentId, page::Target, timeline::of_incident},
    text::{self, refusal},
};

/// `/incident timeline [INCIDENT] [--limit N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident timeline", "Shows what happened, in order, by whom.")
        .takes(which_argument())
        .flag(Flag::valued("limit", Kind::Number(1, 500), "how many entries at most, the newest").or("50"))
        .example("/incident timeline INC-7")
        .example("/incident timeline INC-7 --limit 10")
}

/// Shows it.
///
/// # Errors
/// When the views do not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: IncidentId = which(call, Among::Open).await?;
    let limit = call.limit();
    let keys = call.scene(move |scene| scene.state.incidents.get(&id).map(|it| of_incident(it))).await?;
    let keys = keys.ok_or_else(|| crate::command::Reply::refused(refusal::unknown(Target::Incident(id))))?;
    call.catch_up().await?;
    // Not every record has something to say: a few more are read than are shown.
    let records = call.desk.views.latest(&keys, limit.saturating_mul(3)).await.map_err(Call::views_down)?;
    let archived = call.desk.views.begins_in_an_archive(&keys).await.map_err(Call::views_down)?;
    let entries = text::fold::entries(&records, &call.caller.zone);
    let skipped = entries.len().saturating_sub(limit);
    let newest = entries.get(skipped..).unwrap_or_default().to_vec();
    seen(call, id, move |scene, it| text::incident::timeline(scene, it, &newest, archived)).await
}
