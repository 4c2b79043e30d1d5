//! `/alert list`: what fires, or what ended last. Never waits long for the views.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    domain::event::Event,
    text,
};

/// `/alert list [--ended] [--limit N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/alert list", "Lists the alerts that fire, the newest first.")
        .flag(Flag::switch("ended", "those that ended instead, the last one first"))
        .flag(Flag::valued("limit", Kind::Number(1, 200), "how many at most").or("25"))
        .example("/alert list")
        .example("/alert list --ended --limit 10")
}

/// Lists them.
///
/// # Errors
/// When the views do not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let limit = call.limit();
    if !call.has("ended") {
        return Ok(Reply::done(call.scene(move |scene| text::alert::list(scene, limit)).await?));
    }
    call.catch_up().await?;
    let ended = call.desk.views.ended_alerts(None, limit).await.map_err(Call::views_down)?;
    let ended: Vec<_> = ended
        .into_iter()
        .filter_map(|one| match (one.fired.event, one.resolved.event) {
            (Event::AlertFired(fired), Event::AlertResolved { ends_at, .. }) => Some((*fired, ends_at)),
            _ => None,
        })
        .collect();
    Ok(Reply::done(call.scene(move |scene| text::alert::ended_list(scene, &ended)).await?))
}
