//! `/alert show`: one alert with its labels, its group and its links; one that ended comes from the views.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{event::Event, id::AlertId, page::Target, timeline::Key},
    text,
};

/// `/alert show ALERT`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/alert show",
        "Shows an alert: labels, annotations, group, incident, runbook, graph and source.",
    )
    .takes(Argument::required("alert", Kind::Alert, "which alert"))
    .example("/alert show A-5")
}

/// Shows it.
///
/// # Errors
/// When there never was such an alert, or the views do not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: AlertId = call.need("alert")?;
    let firing =
        call.scene(move |scene| Some(text::alert::card(scene, scene.state.alerts.get(&id)?))).await?;
    if let Some(card) = firing {
        return Ok(Reply::done(card));
    }
    call.catch_up().await?;
    // How it fired, and how it ended, however often it changed between.
    let key = [Key::Alert(id)];
    let mut records = call.desk.views.records(&key, None, 1).await.map_err(Call::views_down)?;
    records.extend(call.desk.views.latest(&key, 1).await.map_err(Call::views_down)?);
    let mut fired = None;
    let mut end = None;
    for record in records {
        match record.event {
            Event::AlertFired(event) => fired = Some(event),
            Event::AlertResolved { ends_at, by, .. } => end = Some((ends_at, by)),
            _ => {}
        }
    }
    let Some(fired) = fired else {
        return Err(Reply::refused(super::missing(call, Target::Alert(id)).await?).into());
    };
    let card = call.scene(move |scene| {
        let (ends_at, by) = end.unzip();
        text::alert::ended(scene, &fired, ends_at, by.as_ref())
    });
    Ok(Reply::done(card.await?))
}
