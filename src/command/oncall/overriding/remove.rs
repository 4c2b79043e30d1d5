//! `/oncall override remove`: an override ends now, or never begins.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{event::Event, id::OverrideId, intent::Intent, person::Role, schedule::Override},
    text,
};

/// `/oncall override remove OVERRIDE`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/oncall override remove",
        "Takes an override back; whoever is on call without it counts again.",
    )
    .role(Role::Responder)
    .takes(Argument::required("override", Kind::Override, "which override"))
    .example("/oncall override remove OV-3")
}

/// Takes it back.
///
/// # Errors
/// When there is none, or it is over.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: OverrideId = call.need("override")?;
    let before = call.overrides().await?;
    let accepted = call.submit(Intent::RemoveOverride { id, by: call.caller.actor.clone() }).await?;
    let removed = |event: &Event| match event {
        Event::OverrideRemoved { id: other, .. } if *other != id => Some(*other),
        _ => None,
    };
    let other = accepted.events.iter().find_map(removed);
    let gone = |one: &Override| one.id == id || Some(one.id) == other;
    let (removed, others): (Vec<_>, Vec<_>) = before.into_iter().partition(gone);
    let one = removed.iter().find(|one| one.id == id);
    let shift = one.and_then(|one| {
        let schedule = call.config.schedules.get(&one.schedule)?;
        Some(schedule.shift_at(call.now.max(one.from), &others))
    });
    let mut card = text::oncall::override_removed(id, one, shift.as_ref());
    if let Some(other) = other {
        card.text = format!("{}\n{}", card.text, text::swap::other_half(other));
    }
    Ok(Reply::done(card))
}
