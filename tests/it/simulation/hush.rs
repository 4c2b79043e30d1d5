//! What the outside knows of silences: whom they keep quiet at an instant. Knows events alone, never the rules.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use watchbell::domain::{
    event::Event,
    id::{AlertId, GroupId, PageId, SilenceId},
    labels::Labels,
    matcher::Matcher,
    quiet::QuietEvent,
};

/// A silence as it was wanted: conditions, from, until (engine time).
type Wanted = (Vec<Matcher>, Timestamp, Timestamp);

#[derive(Default)]
pub struct Hushes {
    silences: BTreeMap<SilenceId, Wanted>,
    alerts: BTreeMap<AlertId, (Labels, Vec<GroupId>)>,
    /// Groups of which people were told.
    told: BTreeSet<GroupId>,
    /// Pages that stopped because their group became quiet, or was snoozed.
    stopped: BTreeSet<PageId>,
}

impl Hushes {
    /// Takes an event in, with its engine time; complains about one that tells of what is quiet.
    pub fn event(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::Quiet(quiet) => match &**quiet {
                QuietEvent::Added(added) => {
                    let matchers = added.matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect();
                    self.silences.insert(added.silence, (matchers, added.starts, added.ends));
                }
                QuietEvent::Ended { silence, .. } => {
                    self.silences.remove(silence);
                }
                _ => {}
            },
            Event::AlertFired(fired) => {
                self.alerts.insert(fired.alert, (fired.labels.clone(), fired.groups.clone()));
            }
            Event::AlertResolved { alert, .. } => {
                self.alerts.remove(alert);
            }
            Event::GroupNotified { group } => {
                assert!(!self.keep(*group, at), "promise of quiet: {group} is told while it is quiet");
                self.told.insert(*group);
            }
            Event::PageStarted(started) => {
                let quiet = started.subject.group().is_some_and(|group| self.keep(group, at));
                assert!(
                    !quiet,
                    "promise of quiet: {} begins while its group is quiet: {started:?}",
                    started.page
                );
            }
            Event::PageStopped { page, why, .. } => {
                use watchbell::domain::event::PageStop;
                if matches!(why, PageStop::Quiet | PageStop::Snoozed(_)) {
                    self.stopped.insert(*page);
                }
            }
            _ => {}
        }
    }

    /// Whether silences keep a group quiet at an instant (engine time).
    pub fn keep(&self, group: GroupId, at: Timestamp) -> bool {
        let mut alerts = self.alerts.values().filter(|(_, groups)| groups.contains(&group)).peekable();
        alerts.peek().is_some() && alerts.all(|(labels, _)| self.keep_labels(labels, at))
    }

    /// Whether silences keep an alert quiet at an instant (engine time), or it fires no more.
    pub fn keep_alert(&self, alert: AlertId, at: Timestamp) -> bool {
        self.alerts.get(&alert).is_none_or(|(labels, _)| self.keep_labels(labels, at))
    }

    fn keep_labels(&self, labels: &Labels, at: Timestamp) -> bool {
        self.silences.values().any(|(matchers, from, until)| {
            *from <= at && at < *until && matchers.iter().all(|matcher| matcher.matches(labels))
        })
    }

    /// The same, and not since this very instant: what was due then may have come before.
    pub fn keep_since(&self, group: GroupId, at: Timestamp) -> bool {
        let before = at.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        self.keep(group, at) && self.keep(group, before)
    }

    /// A page leaves.
    pub fn page_leaves(&self, page: PageId, group: Option<GroupId>, at: Timestamp) {
        assert!(!self.stopped.contains(&page), "promise of quiet: {page} leaves after it was stopped");
        let quiet = group.is_some_and(|group| self.keep(group, at));
        assert!(!quiet, "promise of quiet: {page} leaves while its group is quiet");
    }

    /// A card leaves.
    pub fn card_leaves(&self, group: GroupId) {
        assert!(self.told.contains(&group), "promise of quiet: the card of {group} leaves before it is told");
    }

    /// What an alert is called by its source.
    pub fn fingerprint(&self, alert: AlertId) -> Option<String> {
        self.alerts.get(&alert).map(|(labels, _)| labels.to_string())
    }
}
