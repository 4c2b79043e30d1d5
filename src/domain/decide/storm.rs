//! Storms: which groups get a card of their own, which share one, when it begins and when it is over. Never touches a
//! page, and never lets a group pass in silence: it has its card, or it is counted on the storm's.

use super::Decision;
use crate::domain::{
    event::Event,
    group::Group,
    id::{ChannelName, GroupId, StormId},
    page::Subject,
};

impl Decision<'_> {
    /// The channels in which a group has its own card, or gets it now; in the others it joins the storm.
    pub(super) fn channels_for_its_card(&mut self, group: &Group) -> Vec<ChannelName> {
        let mut channels = Vec::with_capacity(group.channels.len());
        for channel in &group.channels {
            // A card that stands there goes on being edited, also in a storm.
            if group.carded.contains(channel) || !self.joins_storm(group.id, channel) {
                channels.push(channel.clone());
            }
        }
        channels
    }

    /// Whether a storm's card tells of the group in this channel; begins a storm when it has to.
    fn joins_storm(&mut self, group: GroupId, channel: &ChannelName) -> bool {
        let raging = self.state.raging.get(channel).copied();
        let storm = match raging {
            Some(storm) => storm,
            None if self.state.is_crowded(channel, self.now.engine) => {
                let storm = self.state.last_storm.next();
                self.emit(Event::StormBegan { storm, channel: channel.clone() });
                storm
            }
            None => return false,
        };
        let known = self.state.storms.get(&storm).is_some_and(|storm| storm.groups.contains(&group));
        if !known {
            self.emit(Event::StormJoined { storm, group });
        }
        true
    }

    /// A group that a storm left without a card gets its own when something happens to it afterwards.
    pub(super) fn post_first_card(&mut self, id: GroupId) {
        let bare = self.state.groups.get(&id).is_some_and(|group| {
            let told = group.is_told() && group.hush.is_none();
            told && group.channels.iter().any(|channel| !group.carded.contains(channel))
        });
        if bare {
            self.post_group_card(id);
        }
    }

    /// Whether the card of a storm tells a channel about this, so that no message of its own need.
    pub(super) fn storm_tells(&self, channel: &ChannelName, subject: Subject) -> bool {
        let storm = self.state.raging_in(channel);
        subject.group().zip(storm).is_some_and(|(group, storm)| storm.groups.contains(&group))
    }

    /// Posts the card of a storm as it is now; a revision that waits is replaced.
    pub(super) fn post_storm_card(&mut self, id: StormId) {
        let Some(storm) = self.state.storms.get(&id).cloned() else { return };
        let channels = vec![storm.channel.clone()];
        self.post_card(Subject::Storm(id), &storm.cards, channels, storm.card_revision + 1);
    }
}
