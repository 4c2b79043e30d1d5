//! Storms: when more groups want a card in one channel than anybody can read, they share one. What a storm is, and what
//! its card is made from. Never about pages: whoever is paged is paged in a storm as on any other day.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    facts::{Facts, IncidentFacts, Standing},
    group::Group,
    id::{ChannelName, DeliveryId, GroupId, IncidentId, SeverityId, StormId},
    page::Subject,
    person::Urgency,
    state::State,
};

/// So many groups get a card of their own in one channel within [`WINDOW`]; with the next one a storm begins. Ten fit on
/// a screen and can be taken one by one; each is a message and then some edits, and platforms take about one a second.
pub const CARDS: usize = 10;
/// In which those count.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// It is calm again when fewer than [`CARDS`] groups have joined within this time: longer than [`WINDOW`], so that what
/// comes in gusts is one storm.
pub const CALM: SignedDuration = SignedDuration::from_mins(5);
/// From one edit of a storm's card to the next. Slack takes about fifty edits a minute over all channels, and the groups
/// with cards of their own need most of them.
pub const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// A storm in one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// Its id.
    pub id: StormId,
    /// Where.
    pub channel: ChannelName,
    /// When it began (civil time).
    pub began_at: Timestamp,
    /// When it was calm again (civil time); none: it rages.
    pub over_at: Option<Timestamp>,
    /// Open groups that have no card of their own there.
    pub groups: BTreeSet<GroupId>,
    /// How many groups joined it, those that have ended included.
    pub joined: u64,
    /// How many alerts have been in the groups that have ended.
    pub alerts_ended: u64,
    /// When the last groups joined (engine time): at most [`CARDS`] instants.
    pub lately: VecDeque<Timestamp>,
    /// Revision of its card; 0: none was posted yet.
    pub card_revision: u32,
    /// When its card is posted again (engine time).
    pub card_due: Option<Timestamp>,
    /// Cards that are in the outbox.
    pub cards: BTreeSet<DeliveryId>,
}

impl Storm {
    /// When it is over unless more groups join (engine time).
    #[must_use]
    pub fn calm_at(&self) -> Option<Timestamp> {
        let (first, last) = (self.lately.front()?, self.lately.back()?);
        let calm = *first + CALM;
        let ended = self.groups.is_empty().then(|| *last + WINDOW);
        self.over_at.is_none().then(|| ended.map_or(calm, |ended| ended.min(calm)))
    }
}

/// What the card of a storm says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StormFacts {
    /// Its id.
    pub id: StormId,
    /// Where.
    pub channel: ChannelName,
    /// When it began (civil time).
    pub began_at: Timestamp,
    /// When it was calm again (civil time).
    pub over_at: Option<Timestamp>,
    /// How many of its groups fire.
    pub groups_firing: u64,
    /// How many groups have been in it.
    pub groups_seen: u64,
    /// How many of their alerts fire.
    pub alerts_firing: u64,
    /// How many alerts have been in them.
    pub alerts_seen: u64,
    /// Groups that fire by severity, the worst first.
    pub severities: Vec<(Option<SeverityId>, u64)>,
    /// How many of them nobody has taken.
    pub untaken: u64,
    /// For how many of these a policy ran to its end.
    pub unanswered: u64,
    /// The worst, and of these the newest: at most [`StormFacts::MOST`].
    pub groups: Vec<StormGroup>,
    /// The incidents that they belong to, open ones, the newest first: at most [`StormFacts::INCIDENTS`].
    pub incidents: Vec<StormIncident>,
}

impl StormFacts {
    /// How many groups are named; the others are counted.
    pub const MOST: usize = 10;
    /// How many incidents are named. One route opens five in a storm.
    pub const INCIDENTS: usize = 5;
    /// How many severities are told apart.
    const SEVERITIES: usize = 6;
}

/// A group that the card of a storm names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StormGroup {
    /// Its id.
    pub id: GroupId,
    /// What people call it.
    pub title: String,
    /// How bad.
    pub severity: Option<SeverityId>,
    /// How many of its alerts fire.
    pub firing: usize,
    /// Who took it.
    pub taken_by: Option<String>,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
}

/// An incident that the card of a storm names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StormIncident {
    /// What is known of it.
    pub incident: IncidentFacts,
    /// Whether somebody took it, and all its groups.
    pub taken: bool,
}

impl State {
    /// The storm that rages in a channel.
    #[must_use]
    pub fn raging_in(&self, channel: &ChannelName) -> Option<&Storm> {
        self.storms.get(self.raging.get(channel)?).map(AsRef::as_ref)
    }

    /// Whether another card would be more than a channel's readers can take in.
    #[must_use]
    pub fn is_crowded(&self, channel: &ChannelName, now: Timestamp) -> bool {
        let lately = self.new_cards.get(channel).into_iter().flatten();
        lately.filter(|at| now < **at + WINDOW).count() >= CARDS
    }

    /// What the card of a storm says, as it stands now.
    pub(super) fn storm_facts(&self, id: StormId) -> Facts {
        let known = self.storms.get(&id);
        let groups: Vec<&Group> = known
            .iter()
            .flat_map(|storm| &storm.groups)
            .filter_map(|group| self.groups.get(group).map(AsRef::as_ref))
            .collect();
        let severity = groups.iter().filter_map(|group| group.severity.as_ref()).min().cloned();
        let over = known.and_then(|storm| storm.over_at).filter(|_| groups.is_empty());
        let untaken = groups.iter().any(|group| group.acknowledged.is_none());
        let title = known.map_or_else(|| id.to_string(), |storm| storm.channel.to_string());
        Facts {
            subject: Subject::Storm(id),
            summary: title.clone(),
            title,
            severity,
            urgency: if untaken { Urgency::Urgent } else { Urgency::Routine },
            standing: over.map_or(Standing::Open, Standing::Resolved),
            incident: None,
            group: None,
            storm: known.map(|storm| self.storm_counts(storm, groups)),
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: None,
        }
    }

    fn storm_counts(&self, storm: &Storm, mut groups: Vec<&Group>) -> StormFacts {
        let mut severities: BTreeMap<(bool, Option<&SeverityId>), u64> = BTreeMap::new();
        for group in &groups {
            *severities.entry((group.severity.is_none(), group.severity.as_ref())).or_default() += 1;
        }
        let untaken = || groups.iter().filter(|group| group.acknowledged.is_none());
        let count = |groups: usize| u64::try_from(groups).unwrap_or(u64::MAX);
        let firing = groups.iter().map(|group| count(group.firing.len())).sum();
        let seen: u64 = groups.iter().map(|group| group.seen).sum();
        let unanswered = untaken().filter(|group| group.page.is_some() && group.pages.is_empty()).count();
        let (untaken, groups_firing) = (count(untaken().count()), count(groups.len()));
        let incidents = self.storm_incidents(&groups);
        // Ids sort the worst first; without a severity it is milder than any.
        groups.sort_by_key(|group| (group.severity.is_none(), group.severity.clone(), Reverse(group.id)));
        StormFacts {
            id: storm.id,
            channel: storm.channel.clone(),
            began_at: storm.began_at,
            over_at: storm.over_at,
            groups_firing,
            groups_seen: storm.joined,
            alerts_firing: firing,
            alerts_seen: seen + storm.alerts_ended,
            severities: severities
                .into_iter()
                .take(StormFacts::SEVERITIES)
                .map(|((_, severity), groups)| (severity.cloned(), groups))
                .collect(),
            untaken,
            unanswered: count(unanswered),
            groups: groups.iter().take(StormFacts::MOST).map(|group| storm_group(group)).collect(),
            incidents,
        }
    }

    fn storm_incidents(&self, groups: &[&Group]) -> Vec<StormIncident> {
        let incidents: BTreeSet<IncidentId> = groups.iter().filter_map(|group| group.incident).collect();
        let open = incidents.iter().rev().filter(|id| self.open_incidents.contains(*id));
        let named = open.take(StormFacts::INCIDENTS).filter_map(|id| {
            let taken = self.incidents.get(id)?.acknowledged.is_some()
                && !groups.iter().any(|group| group.incident == Some(*id) && group.acknowledged.is_none());
            Some(StormIncident { incident: self.incident_line(Some(*id))?, taken })
        });
        named.collect()
    }
}

fn storm_group(group: &Group) -> StormGroup {
    StormGroup {
        id: group.id,
        title: group.title.clone(),
        severity: group.severity.clone(),
        firing: group.firing.len(),
        taken_by: group.acknowledged.as_ref().map(|(by, _)| by.to_string()),
        incident: group.incident,
    }
}
