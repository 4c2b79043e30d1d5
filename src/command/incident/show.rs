//! `/incident show`: one incident in full.

use super::{Among, seen, which, which_argument};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::timeline::of_incident,
    text,
};

/// `/incident show [INCIDENT]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/incident show",
        "Shows an incident: who has it, whom it pages, its alerts, what is due.",
    )
    .takes(which_argument())
    .example("/incident show INC-7")
}

/// Shows it.
///
/// # Errors
/// When there is none, or several are open and none was named.
pub async fn run(call: &Call<'_>) -> Answer {
    let id = which(call, Among::Open).await?;
    let keys = call.scene(move |scene| scene.state.incidents.get(&id).map(|it| of_incident(it))).await?;
    // What stands on the card is true without the views, too.
    let archived = call.desk.views.begins_in_an_archive(&keys.unwrap_or_default()).await.unwrap_or(false);
    seen(call, id, move |scene, it| {
        let mut card = text::incident::card(scene, it);
        if archived {
            let note = text::upkeep::in_an_archive(scene.state);
            card.text = if card.text.is_empty() { note } else { format!("{}\n{note}", card.text) };
        }
        card
    })
    .await
}
