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
mod left;
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

use std::{collections::BTreeSet, mem};

use super::{
    config::Config,
    elsewhere::Ends,
    event::{Event, TraceId},
    facts::Dispatch,
    id::IncidentId,
    intent::{Intent, Now, Refusal},
    state::{Stamp, State},
    upkeep::LeftOut,
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
    /// A refusal of which nothing is written here: whoever counts them says later how many there were.
    pub left_out: Option<LeftOut>,
    /// A fault of the rules: it was refused after these events had happened. They stand, as the state has them already.
    pub refused: Option<Refusal>,
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
    let mut decision = Decision::begins(state, config, now, trace);
    match intent {
        Intent::From { origin, intent } => {
            if decision.state.taken.contains_key(&origin) {
                return Err(Refusal::Repeated);
            }
            let Decided { events, refused, left_out, .. } =
                decide(decision.state, config, *intent, now, trace)?;
            decision.events = events;
            // To refuse it twice does no harm, and it would be an event for each.
            if left_out.is_none() {
                decision.emit(Event::InteractionTaken(origin));
            }
            Ok(Decided { events: decision.events, refused, left_out, ..Decided::default() })
        }
        Intent::ByToken { token, by, intent } => {
            let Decided { events, refused, left_out, .. } =
                decide(decision.state, config, *intent, now, trace)?;
            decision.events = events;
            // What changed nothing needs nobody to answer for it.
            if !decision.events.is_empty() {
                decision.emit(Event::TokenUsed { token, by });
            }
            Ok(Decided { events: decision.events, refused, left_out, ..Decided::default() })
        }
        Intent::Report(report) => {
            let late = decision.report(report);
            let decided = decision.closes(Ok(()))?;
            Ok(Decided { late, ..decided })
        }
        Intent::Permit(delivery) => decision.permit(delivery),
        intent => {
            let answer = decision.follow(intent);
            decision.closes(answer)
        }
    }
}

/// A decision while it is made.
struct Decision<'a> {
    state: &'a mut State,
    config: &'a Config,
    now: Now,
    trace: TraceId,
    events: Vec<Event>,
    left_out: Option<LeftOut>,
    /// Incidents that were mitigated and are not any more.
    run_again: BTreeSet<IncidentId>,
}

impl<'a> Decision<'a> {
    fn begins(state: &'a mut State, config: &'a Config, now: Now, trace: TraceId) -> Self {
        let run_again = BTreeSet::new();
        Self { state, config, now, trace, events: Vec::new(), left_out: None, run_again }
    }
}

impl Decision<'_> {
    /// What follows from an intent that stands for itself.
    fn follow(&mut self, intent: Intent) -> Result<(), Refusal> {
        match intent {
            Intent::Due => self.due(),
            Intent::Outcome { delivery, attempt, outcome } => self.outcome(delivery, attempt, &outcome),
            Intent::Configured { release, instance, by, changes } => {
                let instance = Some(instance).filter(|_| self.state.instance.is_empty());
                let digest = self.config.digest.clone();
                self.emit(Event::ConfigurationLoaded { digest, release, instance, by, changes });
                self.end_links_of_nobody();
                self.plan_maintenance();
            }
            Intent::ClockStepped { by } => {
                self.emit(Event::ClockStepped { by_ms: i64::try_from(by.as_millis()).unwrap_or(i64::MAX) });
                self.plan_maintenance();
            }
            Intent::Acknowledge { target, by } => self.acknowledge(target, &by)?,
            Intent::Page { whom, reason, by } => self.page_on_request(whom, reason, by)?,
            Intent::Announce { channel, text, by } => self.announce(channel, text, by),
            Intent::Incident { what, by } => self.incident(what, by)?,
            Intent::Room { channel, what } => self.in_room(channel, what)?,
            Intent::Link(what) => self.link(what)?,
            Intent::Run(what) => self.run(what).map_err(Refusal::Run)?,
            Intent::ReadGuide(read) => self.read_guide(read)?,
            Intent::AddOverride { schedule, person, from, until, by } => {
                self.add_override(schedule, person, from, until, by)?;
            }
            Intent::RemoveOverride { id, by } => self.remove_override(id, by)?,
            Intent::Quiet(what) => self.quiet(what)?,
            Intent::Swap(wanted) => self.swap(*wanted)?,
            Intent::Deployed(told) => self.deployed(*told),
            Intent::Response { what, by } => self.respond(what, by)?,
            Intent::Upkeep(what) => self.look_after(what),
            // They are answered otherwise, by whoever asks this.
            Intent::From { .. } | Intent::ByToken { .. } | Intent::Report(_) | Intent::Permit(_) => {}
        }
        Ok(())
    }

    /// The end of a decision. A refusal changes nothing: one that comes after an event is a fault, and what happened
    /// stands all the same, because the state has it already and the journal must say what the state is.
    fn closes(mut self, answer: Result<(), Refusal>) -> Result<Decided, Refusal> {
        let refused = match answer {
            Err(refusal) if self.events.is_empty() => return Err(refusal),
            answer => answer.err(),
        };
        for incident in mem::take(&mut self.run_again) {
            self.page_what_is_left(incident);
        }
        self.hold_or_go_on();
        self.offer_runbooks();
        self.look_after_rooms();
        Ok(Decided { events: self.events, refused, left_out: self.left_out, ..Decided::default() })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_changes_nothing_and_what_happened_before_a_faulty_one_stands() {
        let now = Now { engine: jiff::Timestamp::UNIX_EPOCH, civil: jiff::Timestamp::UNIX_EPOCH };
        let (mut state, config) = (State::default(), Config::default());
        let trace = TraceId(1);
        let none = Decision::begins(&mut state, &config, now, trace);
        assert_eq!(none.closes(Err(Refusal::NoIncidentHere)), Err(Refusal::NoIncidentHere));
        let mut half = Decision::begins(&mut state, &config, now, trace);
        half.emit(Event::ClockStepped { by_ms: 1 });
        let decided = half.closes(Err(Refusal::NoIncidentHere)).unwrap();
        assert_eq!(decided.events, [Event::ClockStepped { by_ms: 1 }]);
        assert_eq!(decided.refused, Some(Refusal::NoIncidentHere));
        assert_eq!(state.seq.0, 1, "the state has it, and so will the journal");
    }
}
