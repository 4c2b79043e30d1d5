//! `/ack`: somebody takes a group, an incident, an alert or a page. Never asks who was paged: every responder may.

use super::{
    Answer, Call, Reply, Undone,
    spec::{Argument, CommandSpec, Kind},
};
use crate::{
    domain::{event::Event, id::AlertId, intent::Intent, page::Target, person::Role, timeline::Key},
    text::{self, paging, refusal},
};

/// `/ack [TARGET]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/ack",
        "Takes what pages: a group with the incident it opened, an incident with all its groups.",
    )
    .role(Role::Responder)
    .takes(Argument::optional(
        "target",
        Kind::Target,
        "what to take: G-17, INC-7, A-5 or PG-3; not needed when only one thing waits",
    ))
    .example("/ack G-17")
    .example("/ack")
}

/// Takes what is named, or the only thing that waits.
///
/// # Errors
/// When several things wait, or none; when somebody has it already.
pub async fn run(call: &Call<'_>) -> Answer {
    if let Some(target) = call.get("target") {
        return take(call, target).await;
    }
    let waiting = call.scene(paging::untaken).await?;
    match waiting.as_slice() {
        [] => Err(Reply::refused(paging::nothing_to_take()).into()),
        [(target, _)] => take(call, *target).await,
        several => Err(Reply::refused(paging::choose(several)).into()),
    }
}

/// Acknowledges a target and says who is spared and what was already leaving.
///
/// # Errors
/// The refusal in words.
pub(super) async fn take(call: &Call<'_>, target: Target) -> Answer {
    if let Target::Alert(alert) = target {
        still_fires(call, alert).await?;
    }
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Acknowledge { target, by: by.clone() }).await?;
    let plain = text::reply::kept(format!("{by} has {target}."));
    Ok(call.done(plain, move |scene| Some(paging::taken(scene, target, &by, &accepted.events))).await)
}

/// Refuses an alert that has ended, and says when: the engine knows only those that fire.
pub(super) async fn still_fires(call: &Call<'_>, alert: AlertId) -> Result<(), Undone> {
    let over = call.read(move |look| {
        let known = alert < look.state.next.alert;
        known && !look.state.alerts.contains_key(&alert)
    });
    if !over.await? {
        return Ok(());
    }
    call.catch_up().await?;
    let records = call.desk.views.records(&[Key::Alert(alert)], None, 100).await.map_err(Call::views_down)?;
    let ended = records.iter().find_map(|record| match record.event {
        Event::AlertResolved { ends_at, ref by, .. } => Some((ends_at, by.somebody())),
        _ => None,
    });
    // Without an end it is refused by the rules.
    let zone = &call.caller.zone;
    ended.map_or(Ok(()), |(at, by)| {
        Err(Reply::refused(refusal::alert_ended(alert, at, by.as_ref(), zone)).into())
    })
}
