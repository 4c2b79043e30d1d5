//! Guides: runbooks of which people choose a step. Here is where people stand in them while they work on an incident.
//! Never holds more than a few guides of an incident, and never what a step said: that is the run's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::Actor,
    id::{IncidentId, RunId},
};

/// Guides of one incident that are remembered; the oldest gives way.
pub const GUIDES: usize = 10;
/// Steps of one guide that are remembered; the oldest gives way.
pub const GUIDE_STEPS: usize = 50;

/// A guide as people went through it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guide {
    /// The command that it is.
    pub runbook: String,
    /// What people call it.
    pub title: String,
    /// The steps that people chose, each once; the last is where they stand.
    pub steps: Vec<GuideStep>,
}

/// A step that somebody chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideStep {
    /// As links point to it.
    pub anchor: String,
    /// Its heading.
    pub heading: String,
    /// Who.
    pub by: Actor,
    /// When (civil time).
    pub at: Timestamp,
    /// The run in which it was done; none: it was read.
    pub run: Option<RunId>,
}

/// Somebody read a step of a guide that does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideRead {
    /// For which incident.
    pub incident: IncidentId,
    /// The command that the guide is.
    pub runbook: String,
    /// What people call it.
    pub title: String,
    /// As links point to the step.
    pub anchor: String,
    /// Its heading.
    pub heading: String,
    /// Who.
    pub by: Actor,
}

/// Takes a step into the guides of an incident.
pub(super) fn take(guides: &mut Vec<Guide>, runbook: &str, title: &str, step: GuideStep) {
    let known = guides.iter().position(|guide| guide.runbook == runbook).map(|at| guides.remove(at));
    let mut guide = known.unwrap_or_else(|| Guide {
        runbook: runbook.to_owned(),
        title: String::new(),
        steps: Vec::new(),
    });
    title.clone_into(&mut guide.title);
    guide.steps.retain(|one| one.anchor != step.anchor);
    guide.steps.push(step);
    let more = guide.steps.len().saturating_sub(GUIDE_STEPS);
    guide.steps.drain(..more);
    guides.push(guide);
    let more = guides.len().saturating_sub(GUIDES);
    guides.drain(..more);
}

impl Guide {
    /// Where people stand.
    #[must_use]
    pub fn place(&self) -> Option<&GuideStep> {
        self.steps.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(anchor: &str) -> GuideStep {
        let at = Timestamp::UNIX_EPOCH;
        GuideStep { anchor: anchor.into(), heading: anchor.into(), by: Actor::Operator, at, run: None }
    }

    #[test]
    fn the_last_step_is_where_people_stand_and_old_ones_give_way() {
        let mut guides = Vec::new();
        for anchor in ["a", "b", "a"] {
            take(&mut guides, "/t", "T", step(anchor));
        }
        let anchors = |guide: &Guide| guide.steps.iter().map(|step| step.anchor.clone()).collect::<Vec<_>>();
        assert_eq!(anchors(&guides[0]), ["b", "a"]);
        for number in 0..GUIDES + 3 {
            take(&mut guides, &format!("/g {number}"), "G", step("a"));
        }
        assert_eq!(guides.len(), GUIDES);
        assert_eq!((&*guides[0].runbook, &*guides[GUIDES - 1].runbook), ("/g 3", "/g 12"));
        for number in 0..GUIDE_STEPS + 2 {
            take(&mut guides, "/g 5", "G", step(&number.to_string()));
        }
        let last = guides.last().unwrap();
        assert_eq!(
            (&*last.runbook, last.steps.len(), &*last.place().unwrap().anchor),
            ("/g 5", GUIDE_STEPS, "51")
        );
    }
}
