//! `/alert …`: what fires and what fired. Never forgets an alert that is over by a
//! person's word alone: its source may start it anew.

pub(super) mod ack;
pub(super) mod explain;
pub(super) mod list;
pub(super) mod resolve;
pub(super) mod show;
pub(super) mod snooze;

use crate::{
    command::{Call, Undone},
    domain::{page::Target, timeline::Key},
    text::{card::Card, refusal, upkeep},
};

/// What is said of an alert or a group of which nothing is found: there never was one, or its beginning was archived.
async fn missing(call: &Call<'_>, target: Target) -> Result<Card, Undone> {
    let key = match target {
        Target::Alert(id) => Key::Alert(id),
        Target::Group(id) => Key::Group(id),
        Target::Incident(_) | Target::Page(_) => return Ok(refusal::unknown(target)),
    };
    let archived = call.desk.views.begins_in_an_archive(&[key]).await.map_err(Call::views_down)?;
    let known = move |scene: &crate::text::scene::Scene<'_>| {
        let next = &scene.state.next;
        let was = match key {
            Key::Alert(id) => id.0 > 0 && id < next.alert,
            Key::Group(id) => id.0 > 0 && id < next.group,
            _ => false,
        };
        if archived && was {
            upkeep::begins_in_an_archive(scene.state, target)
        } else {
            refusal::unknown(target)
        }
    };
    call.scene(known).await
}
