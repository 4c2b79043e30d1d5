//! `decide`: what follows from an intent. Pure: same state, configuration, intent and instant, same events.
//! Never refuses half-way: a refusal comes before the first event, so that a refused intent changes nothing.
//!
//! A decision applies each event at the moment it is decided, so that its second half sees its first (a report of
//! a hundred alerts opens one group, not a hundred). The journal gets the events afterwards; if it fails the
//! process ends, and the state with it.

mod acknowledge;
mod announce;
mod delivery;
mod deployment;
mod due;
mod elsewhere;
pub mod flood;
mod guide;
mod hold;
mod incident;
mod link;
mod maintenance;
mod merge;
mod oncall;
mod page;
mod quiet;
mod report;
mod response;
mod room;
pub mod route;
mod run;
mod run_ask;
mod run_draw;
mod run_due;
mod run_start;
mod snooze;
mod storm;
mod swap;
mod upkeep;

use super::{
    config::Config,
    elsewhere::Ends,
    event::{Event, TraceId},
    facts::Dispatch,
    intent::{Intent, Now, Refusal},
    state::{Stamp, State},
};

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decided {
    /// In their order; empty: nothing had to change.
    pub events: Vec<Event>,
    /// For a permit: what to send.
    pub dispatch: Option<Box<Dispatch>>,
    /// For a report: how many firings were late duplicates of what had just ended, and left no trace.
    pub late: usize,
}

/// Decides one intent and takes what follows into `state`.
///
/// # Errors
/// A [`Refusal`]; the state is unchanged then.
pub fn decide(
    state: &mut State,
    config: &Config,
    intent: Intent,
    now: Now,
    trace: TraceId,
) -> Result<Decided, Refusal> {
    let mut decision = Decision { state, config, now, trace, events: Vec::new() };
    match intent {
        Intent::From { origin, intent } => {
            if decision.state.taken.contains_key(&origin) {
                return Err(Refusal::Repeated);
            }
            decision.events = decide(decision.state, config, *intent, now, trace)?.events;
            decision.emit(Event::InteractionTaken(origin));
            return Ok(Decided { events: decision.events, ..Decided::default() });
        }
        Intent::ByToken { token, by, intent } => {
            decision.events = decide(decision.state, config, *intent, now, trace)?.events;
            // What changed nothing needs nobody to answer for it.
            if !decision.events.is_empty() {
                decision.emit(Event::TokenUsed { token, by });
            }
            return Ok(Decided { events: decision.events, ..Decided::default() });
        }
        Intent::Report(report) => {
            let late = decision.report(report);
            decision.hold_or_go_on();
            decision.offer_runbooks();
            decision.look_after_rooms();
            return Ok(Decided { events: decision.events, dispatch: None, late });
        }
        Intent::Due => decision.due(),
        Intent::Permit(delivery) => return decision.permit(delivery),
        Intent::Outcome { delivery, attempt, outcome } => decision.outcome(delivery, attempt, &outcome),
        Intent::Configured { release, instance, by, changes } => {
            let instance = Some(instance).filter(|_| decision.state.instance.is_empty());
            let digest = decision.config.digest.clone();
            decision.emit(Event::ConfigurationLoaded { digest, release, instance, by, changes });
            decision.end_links_of_nobody();
            decision.plan_maintenance();
        }
        Intent::ClockStepped { by } => {
            decision.emit(Event::ClockStepped { by_ms: i64::try_from(by.as_millis()).unwrap_or(i64::MAX) });
            decision.plan_maintenance();
        }
        Intent::Acknowledge { target, by } => decision.acknowledge(target, &by)?,
        Intent::Page { whom, reason, by } => decision.page_on_request(whom, reason, by)?,
        Intent::Announce { channel, text, by } => decision.announce(channel, text, by),
        Intent::Incident { what, by } => decision.incident(what, by)?,
        Intent::Room { channel, what } => decision.in_room(channel, what)?,
        Intent::Link(what) => decision.link(what)?,
        Intent::Run(what) => decision.run(what).map_err(Refusal::Run)?,
        Intent::ReadGuide(read) => decision.read_guide(read)?,
        Intent::AddOverride { schedule, person, from, until, by } => {
            decision.add_override(schedule, person, from, until, by)?;
        }
        Intent::RemoveOverride { id, by } => decision.remove_override(id, by)?,
        Intent::Quiet(what) => decision.quiet(what)?,
        Intent::Swap(wanted) => decision.swap(*wanted)?,
        Intent::Deployed(told) => decision.deployed(*told),
        Intent::Response { what, by } => decision.respond(what, by)?,
        Intent::Upkeep(what) => decision.look_after(what),
    }
    decision.hold_or_go_on();
    decision.offer_runbooks();
    decision.look_after_rooms();
    Ok(Decided { events: decision.events, ..Decided::default() })
}

/// A decision while it is made.
struct Decision<'a> {
    state: &'a mut State,
    config: &'a Config,
    now: Now,
    trace: TraceId,
    events: Vec<Event>,
}

impl Decision<'_> {
    fn emit(&mut self, event: Event) {
        let stamp = Stamp {
            seq: self.state.seq.next(),
            at: self.now.civil,
            clock: self.now.engine,
            trace: self.trace,
        };
        let ends = Ends::of(&event, self.state);
        self.state.apply(&event, &stamp);
        self.events.push(event);
        if let Some(ends) = ends {
            self.tell_elsewhere(&ends);
        }
    }
}
