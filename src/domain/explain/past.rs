//! Why an alert that came went where it went: its own events and those of its groups, beside what is true now. Never
//! says what no event says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Comments, Explanation, Note, QuietLine, Standing, Teller, Verdict, quiet, routing};
use crate::domain::{
    apply::ENDED_FOR,
    config::Config,
    event::{AlertFired, Record},
    id::{GroupId, IncidentId},
    intent::Now,
    schedule::Override,
    state::State,
};

/// What the state says beside the events, copied out so that nobody waits while it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Present {
    /// The instant (civil time).
    pub at: Timestamp,
    /// Overrides, as far as they are remembered.
    pub overrides: Vec<Override>,
    /// Deliveries of its pages that are not finished.
    pub standing: Vec<Standing>,
    /// What keeps it quiet.
    pub quiet: Vec<QuietLine>,
    /// Why what kept it quiet was wanted.
    pub comments: Comments,
    /// How many alerts have been in each of its groups.
    pub seen: BTreeMap<GroupId, u64>,
    /// The incidents of its groups.
    pub incidents: BTreeSet<IncidentId>,
    /// Until when a late duplicate of its firing is passed over (civil time).
    pub duplicates_until: Option<Timestamp>,
}

/// What the state says of an alert.
#[must_use]
pub fn present(state: &State, now: Now, fired: &AlertFired) -> Present {
    let civil = |due: Timestamp| now.civil.checked_add(due.duration_since(now.engine)).unwrap_or(due);
    let mut present = Present {
        at: now.civil,
        overrides: state.overrides.values().cloned().collect(),
        standing: Vec::new(),
        quiet: quiet(state, &fired.labels, now),
        comments: Comments::about(state, &fired.labels),
        seen: BTreeMap::new(),
        incidents: BTreeSet::new(),
        duplicates_until: state
            .ended
            .get(&fired.key)
            .map(|ended| civil(ended.at.checked_add(ENDED_FOR).unwrap_or(ended.at)))
            .filter(|until| *until > now.civil),
    };
    for id in &fired.groups {
        let open = state.groups.get(id).map(|group| (group.seen, group.incident));
        let closed = || state.closed_groups.get(id).map(|group| (group.seen, group.incident));
        let Some((seen, incident)) = open.or_else(closed) else { continue };
        present.seen.insert(*id, seen);
        present.incidents.extend(incident);
        let pages = state.groups.get(id).into_iter().flat_map(|group| &group.pages);
        let own = incident.and_then(|incident| state.incidents.get(&incident));
        for page in pages.chain(own.into_iter().flat_map(|incident| &incident.pages)) {
            let deliveries = state.pages.get(page).into_iter().flat_map(|page| &page.deliveries);
            let standing = deliveries.filter_map(|id| state.deliveries.get(id));
            present.standing.extend(standing.map(|delivery| Standing::from(&**delivery)));
        }
    }
    present
}

/// Tells it. `records`: its own and those of its groups and their incidents, in their order.
#[must_use]
pub fn past(
    config: &Config,
    present: Present,
    fired: &AlertFired,
    of_group: bool,
    records: &[Record],
    mut notes: Vec<Note>,
) -> Option<Explanation> {
    let mut teller = Teller::new(config, &present.overrides, &present.comments, fired.alert);
    for record in records {
        teller.tell(record);
    }
    teller.standing(&present.standing);
    let mut known = teller.alert().map(|(_, known)| known.clone())?;
    known.of_group = of_group;
    known.duplicates_until = present.duplicates_until.filter(|_| known.ended.is_some());
    let mut groups = teller.groups();
    for group in &mut groups {
        group.alerts = present.seen.get(&group.id).copied().unwrap_or(group.alerts);
    }
    let routes = routing(config, &fired.integration, &fired.labels);
    let takes = routes.iter().filter(|line| matches!(line.verdict, Verdict::Takes(_)));
    let now: BTreeSet<_> = takes.map(|line| line.route.clone()).collect();
    let then: BTreeSet<_> = groups.iter().map(|group| group.route.clone()).collect();
    if groups.len() == fired.groups.len() && now != then {
        notes.push(Note::RoutesChanged);
    }
    Some(Explanation {
        at: present.at,
        alert: Some(known),
        integration: fired.integration.clone(),
        labels: fired.labels.clone(),
        routes,
        quiet: present.quiet,
        groups,
        notes,
    })
}

/// How long a late duplicate of what has ended is passed over.
#[must_use]
pub fn duplicates_for() -> SignedDuration {
    ENDED_FOR
}
