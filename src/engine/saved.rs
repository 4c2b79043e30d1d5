//! The state in parts, as snapshots hold it. Never forgets a field: what is not in a part of its own is in the rest.

use std::{collections::BTreeMap, mem, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{alert::Alert, group::Group, state::State},
    journal::snapshot::InParts,
};

/// Alerts or groups in one part.
const IN_PART: usize = 256;

/// A part of a state.
#[derive(Debug, Serialize, Deserialize)]
pub enum Part {
    /// Alerts that fire; where they are found by their keys follows from them.
    Alerts(Vec<Arc<Alert>>),
    /// Groups that are open; likewise.
    Groups(Vec<Arc<Group>>),
    /// All else.
    Rest(Box<State>),
}

impl InParts for State {
    type Part = Part;

    fn into_parts(mut self) -> Vec<Part> {
        let alerts: Vec<_> = mem::take(&mut self.alerts).into_values().collect();
        let groups: Vec<_> = mem::take(&mut self.groups).into_values().collect();
        self.alert_keys.clear();
        self.group_keys.clear();
        let mut parts = vec![Part::Rest(Box::new(self))];
        parts.extend(alerts.chunks(IN_PART).map(|some| Part::Alerts(some.to_vec())));
        parts.extend(groups.chunks(IN_PART).map(|some| Part::Groups(some.to_vec())));
        parts
    }

    fn from_parts(parts: impl Iterator<Item = Part>) -> Self {
        let (mut state, mut alerts, mut groups) = (Self::default(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Alerts(some) => alerts.extend(some),
                Part::Groups(some) => groups.extend(some),
                Part::Rest(rest) => state = *rest,
            }
        }
        // Built from all at once, a map has no room for what never comes.
        state.alert_keys = alerts.iter().map(|alert| (alert.key.clone(), alert.id)).collect();
        state.group_keys = groups.iter().map(|group| (group.key.clone(), group.id)).collect();
        state.alerts = alerts.into_iter().map(|alert| (alert.id, alert)).collect::<BTreeMap<_, _>>();
        state.groups = groups.into_iter().map(|group| (group.id, group)).collect::<BTreeMap<_, _>>();
        state
    }
}
