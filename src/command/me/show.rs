//! `/me`: whom Watchbell takes the caller for, and what follows from it. Never shows an address.

use jiff::{SignedDuration, Timestamp};

use crate::{
    command::{Answer, Call, Known, Reply, spec::CommandSpec},
    domain::{
        event::Actor,
        id::PersonId,
        schedule::{Override, Schedule},
    },
    text::me::{self, Turns},
};

/// How far ahead the next shift is looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(60 * 24);

/// `/me`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/me", "Says whom Watchbell takes you for, and how you are reached.")
        .anybody()
        .example("/me")
}

/// Says it.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    if let Some(account) = call.caller.account.as_ref().filter(|account| account.known == Known::Nobody) {
        return Ok(Reply::done(me::stranger(&account.as_stranger(), account.may_look)));
    }
    let Actor::Person(id) = &call.caller.actor else { return Ok(Reply::done(me::operator())) };
    let Some(person) = call.config.people.get(id).cloned() else { return Ok(Reply::done(me::gone(id))) };
    let overrides = call.overrides().await?;
    let schedules = call.config.schedules.values();
    let turns: Vec<Turns> = schedules.map(|one| turns(one, id, call.now, &overrides)).collect();
    let account = call.caller.account.as_ref();
    let by_mail = account.filter(|account| account.known == Known::Mail).map(|account| account.channel);
    let token = call.caller.token.as_ref();
    let token = token.map(|shown| me::Token { name: shown.name.clone(), most: shown.most });
    let card = call.scene(move |scene| me::card(scene, &person, &turns, (by_mail, token.as_ref()))).await?;
    Ok(Reply::done(card))
}

/// The turn of somebody that runs, and the one that comes next.
fn turns(schedule: &Schedule, person: &PersonId, now: Timestamp, overrides: &[Override]) -> Turns {
    let until = now.checked_add(AHEAD).unwrap_or(now);
    let theirs = |who: Option<&PersonId>| who == Some(person);
    let running = Some(schedule.shift_at(now, overrides)).filter(|shift| theirs(shift.person.as_ref()));
    let shifts = schedule.shifts(now, until, overrides).into_iter();
    // The first one is the one that runs, whoever has it.
    let mut later = shifts.skip(1).filter(|shift| theirs(shift.person.as_ref()));
    Turns { schedule: schedule.id.clone(), now: running, next: later.next() }
}
