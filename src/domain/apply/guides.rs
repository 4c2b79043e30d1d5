//! Guides: what was chosen in them becomes part of their incident. Never looks at a runbook: the event says it all.

use crate::domain::{
    guide::{self, GuideRead, GuideStep},
    run::{RunEvent, RunPlan},
    state::{Stamp, State},
};

impl State {
    pub(super) fn guide_read(&mut self, read: &GuideRead, stamp: &Stamp) {
        let step = GuideStep {
            anchor: read.anchor.clone(),
            heading: read.heading.clone(),
            by: read.by.clone(),
            at: stamp.at,
            run: None,
        };
        self.change_incident(read.incident, |incident| {
            guide::take(&mut incident.guides, &read.runbook, &read.title, step);
        });
    }

    /// A run that is a step of a guide is where people stand now.
    pub(super) fn guide_tried(&mut self, event: &RunEvent, plan: &RunPlan, stamp: &Stamp) {
        let (Some(incident), Some(part)) = (event.incident, &plan.part) else { return };
        let step = GuideStep {
            anchor: part.anchor.clone(),
            heading: part.heading.clone(),
            by: plan.by.clone(),
            at: stamp.at,
            run: Some(event.run),
        };
        self.change_incident(incident, |incident| {
            guide::take(&mut incident.guides, &plan.runbook, &part.guide, step);
        });
    }
}
