//! What is quiet in a play: what somebody silences, what is planned, and what is broken about it on purpose.

use jiff::SignedDuration;
use watchbell::domain::{
    config::{Config, PlannedMaintenance},
    id::SilenceId,
    matcher::Matcher,
    schedule::{Restriction, Times},
    state::Timer,
};

use super::{dice::Dice, play::Sabotage};
use crate::world::World;

/// The same world with a maintenance in the middle of every day, and a route that is told again and again.
pub fn with_quiet(mut config: Config) -> Config {
    config.maintenance = vec![PlannedMaintenance {
        name: "noon".into(),
        matchers: vec![Matcher::parse("service=noise").unwrap()],
        when: Times::Weekly(vec![Restriction::parse("Mon-Sun 11:00-12:00").unwrap()]),
        zone: jiff::tz::TimeZone::UTC,
        comment: "noon".into(),
        channels: vec!["#noise".into()],
    }];
    for route in &mut config.routes {
        route.group_interval = Some(SignedDuration::from_secs(30));
        if route.page.is_none() {
            route.repeat_interval = Some(SignedDuration::from_mins(45));
        }
    }
    config
}

/// Conditions that somebody writes: some mean much, some little, some nothing.
pub fn matchers(dice: &mut Dice, services: &[&str], severities: &[&str]) -> String {
    let service = dice.pick(&[services[0], services[1], services[2], services[3]]);
    let severity = dice.pick(&[severities[0], severities[1], severities[2], severities[3]]);
    match dice.below(5) {
        0 => format!("service={service} severity=\"{severity}\""),
        1 => format!("severity=~\"{severity}|none\""),
        2 => format!("{{alertname=\"Alert{}\",service!~\"x.*\"}}", dice.below(3)),
        3 => "team=~\".*\"".to_owned(),
        _ => format!("service={service}"),
    }
}

/// A broken memory: silences that nobody knows any more, or quiet groups at which nobody looks again.
pub fn break_memory(world: &mut World, sabotage: Sabotage) {
    match sabotage {
        Sabotage::ForgetSilence if !world.state().quiet.silences.is_empty() => world.break_state(|state| {
            state.quiet.silences.clear();
            state.timers.retain(|(_, timer)| !matches!(timer, Timer::Silence(_)));
        }),
        Sabotage::LoseWake if !world.state().quiet.silences.is_empty() => world.break_state(|state| {
            // One that is still to begin does.
            let begun = |id: &SilenceId| state.quiet.silences.get(id).is_some_and(|silence| silence.begun);
            let wakes = |timer: &Timer| match timer {
                Timer::Silence(id) => begun(id),
                timer => matches!(timer, Timer::GroupQuiet(_)),
            };
            state.timers.retain(|(_, timer)| !wakes(timer));
        }),
        _ => {}
    }
}
