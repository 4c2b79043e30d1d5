//! Maintenance that comes again and again: its next time stands in the state, so that it begins and ends by a timer.
//! Never changes what people have asked for.

use std::sync::Arc;

use jiff::Timestamp;

use super::Decision;
use crate::domain::{
    config::PlannedMaintenance,
    event::{Actor, Title},
    quiet::{Silence, SilenceAdded, SilenceKind},
};

impl Decision<'_> {
    /// Every planned maintenance stands in the state with its present or its next time, and nothing else does: after a
    /// start, after a changed configuration, when the wall clock was moved, and when one is over.
    pub(super) fn plan_maintenance(&mut self) {
        let config = self.config;
        let planned: Vec<Arc<Silence>> =
            self.state.quiet.silences.values().filter(|silence| silence.planned.is_some()).cloned().collect();
        let mut missing: Vec<&PlannedMaintenance> = Vec::new();
        let mut wrong = planned.clone();
        for plan in &config.maintenance {
            let stands = planned.iter().find(|silence| self.is_as_planned(plan, silence));
            match stands {
                Some(silence) => wrong.retain(|one| one.id != silence.id),
                None => missing.push(plan),
            }
        }
        // What replaces something is there before that is over, so that nobody is woken between the two.
        for plan in missing {
            self.add_planned(plan);
        }
        for silence in wrong {
            self.end_silence(&silence, Some(Actor::Watchbell));
        }
    }

    /// The present or the next time of a plan, in engine time. One that a person has ended early comes again next time.
    fn next_time(&self, plan: &PlannedMaintenance) -> Option<(Timestamp, Timestamp)> {
        let mut at = self.now.civil;
        let ended = self.state.quiet.ended.values();
        let ended = ended.filter(|silence| silence.planned.as_ref() == Some(&plan.name));
        let early = ended.filter_map(|silence| match &silence.ended {
            Some((_, Some(Actor::Watchbell) | None)) | None => None,
            Some(_) => Some(silence.ends),
        });
        if let Some(ends) = early.max().filter(|ends| *ends > self.now.engine) {
            at = at.checked_add(ends.duration_since(self.now.engine)).ok()?;
        }
        let (from, until) = plan.when.at(&plan.zone, at)?;
        self.engine_time(from).zip(self.engine_time(until))
    }

    fn is_as_planned(&self, plan: &PlannedMaintenance, silence: &Silence) -> bool {
        let same = silence.planned.as_ref() == Some(&plan.name)
            && silence.matchers == plan.matchers
            && silence.comment.as_str() == plan.comment
            && silence.channels == plan.channels;
        // One that has begun need not have begun when it was planned: the server may have been down.
        let next = self.next_time(plan);
        let due = next.is_some_and(|(from, until)| {
            let begun = silence.begun && from <= self.now.engine;
            until == silence.ends && (from == silence.starts || begun)
        });
        same && due
    }

    fn add_planned(&mut self, plan: &PlannedMaintenance) {
        let Some((from, until)) = self.next_time(plan) else { return };
        self.begin_silence(SilenceAdded {
            silence: self.state.quiet.last.next(),
            kind: SilenceKind::Maintenance,
            matchers: plan.matchers.iter().map(ToString::to_string).collect(),
            by: Actor::Watchbell,
            comment: Title::Derived(plan.comment.clone()),
            planned: Some(plan.name.clone()),
            channels: plan.channels.clone(),
            starts: from.max(self.now.engine),
            ends: until,
        });
    }
}
