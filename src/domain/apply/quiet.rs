//! Silences, quiet groups and snoozes: what their events make of the state. Never looks which alerts a silence is about.

use std::sync::Arc;

use jiff::Timestamp;

use super::change::rearm;
use crate::domain::{
    alert::Alert,
    id::{AlertKey, GroupId, SilenceId},
    matcher::Matcher,
    page::Page,
    quiet::{
        GroupHushed, GroupSnoozed, Hush, OVER_FOR, QuietEvent, REMEMBERED, REMEMBERED_ALERTS, Silence,
        SilenceAdded, Snooze,
    },
    state::{Ended, Stamp, State, Timer},
};

impl State {
    pub(super) fn quiet_changed(&mut self, event: &QuietEvent, stamp: &Stamp) {
        match event {
            QuietEvent::Added(added) => self.silence_added(added, stamp),
            QuietEvent::Began { silence } => self.change_silence(*silence, |silence| silence.begun = true),
            QuietEvent::Ended { silence, by } => {
                self.change_silence(*silence, |silence| silence.ended = Some((stamp.at, by.clone())));
                if let Some(over) = self.quiet.silences.remove(silence) {
                    self.quiet.ended.insert(*silence, over);
                }
                while self.quiet.ended.len() > REMEMBERED {
                    self.quiet.ended.pop_first();
                }
            }
            QuietEvent::Hushed(hushed) => self.group_hushed(hushed),
            QuietEvent::Woken { group, wait_until } => self.group_woken(*group, *wait_until),
            QuietEvent::Snoozed(snoozed) => self.group_snoozed(snoozed, stamp),
            QuietEvent::SnoozeOver { group } => {
                self.change_group(*group, |group| {
                    group.snooze = None;
                    group.acknowledged = None;
                    // Somebody wanted to be paged for it again.
                    group.over = false;
                    group.told_at(stamp.clock);
                });
                self.storms_changed(*group);
            }
            QuietEvent::Repeated { group } => {
                self.change_group(*group, |group| group.told_at(stamp.clock));
            }
            QuietEvent::Held { incident, pages } => {
                self.change_incident(*incident, |incident| {
                    incident.held.get_or_insert(stamp.clock);
                });
                for page in pages {
                    self.change_page(*page, stands_still);
                }
            }
            QuietEvent::GoesOn { incident, pages } => {
                self.change_incident(*incident, |incident| {
                    incident.moves_along(stamp.clock);
                    incident.held = None;
                });
                for page in pages {
                    self.change_page(*page, |page| {
                        page.held = false;
                        page.next_at = stamp.clock;
                    });
                }
            }
        }
    }

    fn silence_added(&mut self, added: &SilenceAdded, stamp: &Stamp) {
        let read: Option<Vec<Matcher>> =
            added.matchers.iter().map(|text| Matcher::parse(text).ok()).collect();
        let silence = Silence {
            id: added.silence,
            kind: added.kind,
            // One that cannot be read any more keeps nothing quiet: better woken than missed.
            matchers: read.unwrap_or_default(),
            by: added.by.clone(),
            comment: added.comment.clone(),
            planned: added.planned.clone(),
            channels: added.channels.clone(),
            starts: added.starts,
            ends: added.ends,
            begun: added.starts <= stamp.clock,
            ended: None,
        };
        self.quiet.last = self.quiet.last.max(silence.id);
        rearm(&mut self.timers, &[None], &[silence_timer(&silence)]);
        self.quiet.silences.insert(silence.id, Arc::new(silence));
    }

    fn change_silence(&mut self, id: SilenceId, change: impl FnOnce(&mut Silence)) {
        let Some(silence) = self.quiet.silences.get_mut(&id) else { return };
        let silence = Arc::make_mut(silence);
        let before = silence_timer(silence);
        change(silence);
        rearm(&mut self.timers, &[before], &[silence_timer(silence)]);
    }

    fn group_hushed(&mut self, hushed: &GroupHushed) {
        let hush = Hush { by: hushed.by.clone(), until: hushed.until };
        self.change_group(hushed.group, |group| {
            // Nobody was told of it yet: its wait goes on until it is heard.
            group.wait_until = group.wait_until.map(|_| hushed.until);
            group.card_due = None;
            group.hush = Some(Box::new(hush));
        });
        self.storms_changed(hushed.group);
    }

    fn group_woken(&mut self, id: GroupId, wait_until: Option<Timestamp>) {
        let clock = self.clock;
        self.change_group(id, |group| {
            group.hush = None;
            // "Unresolved for too long" counts from when it is heard.
            group.severe_since = clock;
            if group.wait_until.is_some() {
                group.wait_until = wait_until.or(group.wait_until);
            } else {
                group.told_at(clock);
            }
        });
        self.storms_changed(id);
    }

    fn group_snoozed(&mut self, snoozed: &GroupSnoozed, stamp: &Stamp) {
        self.change_group(snoozed.group, |group| {
            group.acknowledged = Some((snoozed.by.clone(), stamp.at));
            group.snooze = Some(Box::new(Snooze { by: snoozed.by.clone(), until: snoozed.until }));
        });
        self.storms_changed(snoozed.group);
    }

    /// A person said that it is over, and its source may not know yet.
    pub(super) fn declared_over(&mut self, alert: &Alert) {
        let over = Ended { starts_at: alert.starts_at, at: self.clock };
        self.quiet.over_order.push_back((alert.key.clone(), over.at));
        self.quiet.over.insert(alert.key.clone(), over);
        while let Some((oldest, at)) = self.quiet.over_order.front() {
            let counts = self.clock.duration_since(*at) < OVER_FOR;
            if counts && self.quiet.over_order.len() <= REMEMBERED_ALERTS {
                break;
            }
            if self.quiet.over.get(oldest).is_some_and(|over| over.at == *at) {
                self.quiet.over.remove(oldest);
            }
            self.quiet.over_order.pop_front();
        }
    }

    /// It fires anew.
    pub(super) fn heard_again(&mut self, key: &AlertKey) {
        self.quiet.over.remove(key);
    }
}

/// Whoever was to be reached by this step is, when the page goes on: the step is taken anew.
fn stands_still(page: &mut Page) {
    page.held = true;
    page.step = page.step.saturating_sub(1);
    page.pending.clear();
}

/// When a silence is looked at next.
fn silence_timer(silence: &Silence) -> Option<(Timestamp, Timer)> {
    let due = if silence.begun { silence.ends } else { silence.starts };
    silence.ended.is_none().then_some((due, Timer::Silence(silence.id)))
}
