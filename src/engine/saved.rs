//! The state in parts, as snapshots hold it. Never forgets a field: what is not in a part of its own is in the rest.

use std::{collections::BTreeMap, mem, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        alert::Alert, delivery::Delivery, group::Group, incident::Incident, page::Page, response::Task,
        state::State,
    },
    journal::snapshot::InParts,
};

/// Things in one part.
const IN_PART: usize = 256;

/// A part of a state.
#[derive(Debug, Serialize, Deserialize)]
pub enum Part {
    /// Alerts that fire; where they are found by their keys follows from them.
    Alerts(Vec<Arc<Alert>>),
    /// Groups that are open; likewise.
    Groups(Vec<Arc<Group>>),
    /// All incidents.
    Incidents(Vec<Arc<Incident>>),
    /// Their tasks.
    Tasks(Vec<Arc<Task>>),
    /// Pages that run.
    Pages(Vec<Arc<Page>>),
    /// What is to leave.
    Deliveries(Vec<Arc<Delivery>>),
    /// All else, each piece of which is bounded.
    Rest(Box<State>),
}

impl InParts for State {
    type Part = Part;

    fn into_parts(mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        cut(&mut parts, mem::take(&mut self.alerts), Part::Alerts);
        cut(&mut parts, mem::take(&mut self.groups), Part::Groups);
        cut(&mut parts, mem::take(&mut self.incidents), Part::Incidents);
        cut(&mut parts, mem::take(&mut self.tasks), Part::Tasks);
        cut(&mut parts, mem::take(&mut self.pages), Part::Pages);
        cut(&mut parts, mem::take(&mut self.deliveries), Part::Deliveries);
        self.alert_keys.clear();
        self.group_keys.clear();
        parts.push(Part::Rest(Box::new(self)));
        parts
    }

    fn from_parts(parts: impl Iterator<Item = Part>) -> Self {
        let mut state = Self::default();
        let (mut alerts, mut groups, mut incidents) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tasks, mut pages, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Alerts(some) => alerts.extend(some),
                Part::Groups(some) => groups.extend(some),
                Part::Incidents(some) => incidents.extend(some),
                Part::Tasks(some) => tasks.extend(some),
                Part::Pages(some) => pages.extend(some),
                Part::Deliveries(some) => deliveries.extend(some),
                Part::Rest(rest) => state = *rest,
            }
        }
        // Built from all at once, a map has no room for what never comes.
        state.alert_keys = alerts.iter().map(|alert| (alert.key.clone(), alert.id)).collect();
        state.group_keys = groups.iter().map(|group| (group.key.clone(), group.id)).collect();
        state.alerts = alerts.into_iter().map(|alert| (alert.id, alert)).collect();
        state.groups = groups.into_iter().map(|group| (group.id, group)).collect();
        state.incidents = incidents.into_iter().map(|incident| (incident.id, incident)).collect();
        state.tasks = tasks.into_iter().map(|task| (task.id, task)).collect();
        state.pages = pages.into_iter().map(|page| (page.id, page)).collect();
        state.deliveries = deliveries.into_iter().map(|delivery| (delivery.id, delivery)).collect();
        state
    }
}

fn cut<K, T>(parts: &mut Vec<Part>, things: BTreeMap<K, Arc<T>>, part: fn(Vec<Arc<T>>) -> Part) {
    let things: Vec<_> = things.into_values().collect();
    parts.extend(things.chunks(IN_PART).map(|some| part(some.to_vec())));
}
