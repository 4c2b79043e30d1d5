//! Storms: what their events make of the state, and which changes their cards show.
//! Never decides when one begins; that comes with the events.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::change::{Armed, rearm};
use crate::domain::{
    event::Event,
    group::Group,
    id::{ChannelName, GroupId, IncidentId, StormId},
    state::{CardOf, Stamp, State, Timer},
    storm::{CARDS, PAUSE, Storm, WINDOW},
};

/// How many storms are remembered, so that their cards stay true.
const KEPT: usize = 100;

impl State {
    pub(super) fn storm_moved(&mut self, event: &Event, stamp: &Stamp) {
        match event {
            Event::StormBegan { storm, channel } => self.storm_began(*storm, channel, stamp),
            Event::StormJoined { storm, group } => {
                let clock = self.clock;
                self.change_group(*group, |group| {
                    group.storms.insert(*storm);
                });
                self.change_storm(*storm, |storm| {
                    if storm.groups.insert(*group) {
                        storm.joined += 1;
                    }
                    storm.lately.push_back(clock);
                    while storm.lately.len() > CARDS {
                        storm.lately.pop_front();
                    }
                });
                self.storm_changed(*storm);
            }
            Event::StormEnded { storm } => {
                self.raging.retain(|_, raging| raging != storm);
                self.change_storm(*storm, |storm| storm.over_at = Some(stamp.at));
                self.storm_changed(*storm);
            }
            _ => {}
        }
    }

    fn storm_began(&mut self, id: StormId, channel: &ChannelName, stamp: &Stamp) {
        let storm = Storm {
            id,
            channel: channel.clone(),
            began_at: stamp.at,
            over_at: None,
            groups: BTreeSet::new(),
            joined: 0,
            alerts_ended: 0,
            lately: VecDeque::new(),
            card_revision: 0,
            card_due: None,
            cards: BTreeSet::new(),
        };
        self.last_storm = self.last_storm.max(id);
        self.raging.insert(channel.clone(), id);
        self.storms.insert(id, Arc::new(storm));
        while self.storms.len() > KEPT {
            let over = |storm: &&Arc<Storm>| storm.over_at.is_some() && storm.cards.is_empty();
            let Some(oldest) = self.storms.values().find(over).map(|storm| storm.id) else { return };
            self.change_storm(oldest, |storm| storm.card_due = None);
            self.storms.remove(&oldest);
            self.posted.remove(&CardOf::Storm(oldest));
        }
    }

    pub(super) fn change_storm(&mut self, id: StormId, change: impl FnOnce(&mut Storm)) {
        let Some(storm) = self.storms.get_mut(&id) else { return };
        let storm = Arc::make_mut(storm);
        let before = storm_timers(storm);
        change(storm);
        let after = storm_timers(storm);
        rearm(&mut self.timers, &before, &after);
    }

    /// Its card shows something that is not so any more: it says so at once the first time, then after a while.
    fn storm_changed(&mut self, id: StormId) {
        let clock = self.clock;
        self.change_storm(id, |storm| {
            let due = if storm.card_revision == 0 { clock } else { clock + PAUSE };
            storm.card_due.get_or_insert(due);
        });
    }

    /// The same for the storms that tell of a group.
    pub(super) fn storms_changed(&mut self, group: GroupId) {
        let storms = self.groups.get(&group).map(|group| group.storms.clone()).unwrap_or_default();
        for storm in storms {
            self.storm_changed(storm);
        }
    }

    /// The same for the storms that tell of an incident.
    pub(super) fn storms_of_incident_changed(&mut self, incident: IncidentId) {
        let groups =
            self.incidents.get(&incident).into_iter().flat_map(|incident| &incident.response.open_groups);
        let storms: BTreeSet<StormId> = groups
            .filter_map(|group| self.groups.get(group))
            .flat_map(|group| group.storms.iter().copied())
            .collect();
        for storm in storms {
            self.storm_changed(storm);
        }
    }

    /// A group has ended.
    pub(super) fn storms_left(&mut self, group: &Group) {
        for storm in &group.storms {
            self.change_storm(*storm, |storm| {
                storm.groups.remove(&group.id);
                storm.alerts_ended += group.seen;
            });
            self.storm_changed(*storm);
        }
    }

    /// A group gets a card of its own in a channel; the first one counts towards the next storm there.
    pub(super) fn card_of_its_own(&mut self, group: GroupId, channel: &ChannelName) {
        let mut first = false;
        self.change_group(group, |group| first = group.carded.insert(channel.clone()));
        if !first {
            return;
        }
        let clock = self.clock;
        let lately = self.new_cards.entry(channel.clone()).or_default();
        lately.retain(|at| clock < *at + WINDOW);
        lately.push_back(clock);
        while lately.len() > CARDS {
            lately.pop_front();
        }
    }
}

fn storm_timers(storm: &Storm) -> [Armed; 2] {
    [
        storm.card_due.map(|due| (due, Timer::StormCard(storm.id))),
        storm.calm_at().map(|due| (due, Timer::StormCalm(storm.id))),
    ]
}
