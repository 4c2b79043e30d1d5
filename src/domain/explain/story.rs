//! Tells from events what became of groups and their pages. Never decides: what no event says is not told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Attempt, Comments, DeliveryStory, Ended, EndedBecause, Fate, GroupStory, Known, PageEnd, PageStory,
    PersonStory, QuietChange, QuietMoment, Raised, Reminded, StepStory, Taken, duty, quiet::About,
};
use crate::domain::{
    config::Config,
    delivery::{Delivery, DeliveryKind},
    event::{AlertFired, Event, GroupOpened, PageStarted, PageStop, Paged, Record, StepTaken, Try},
    group::Group,
    id::{AlertId, DeliveryId, GroupId, IncidentId, PageId},
    page::{Page, Subject},
    quiet::QuietEvent,
    response::ResponseEvent,
    schedule::Override,
};

/// What stands in the state beside the events: deliveries that are not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which delivery.
    pub id: DeliveryId,
    /// Whether an attempt is under way.
    pub leaving: bool,
}

impl From<&Delivery> for Standing {
    fn from(delivery: &Delivery) -> Self {
        Self { id: delivery.id, leaving: delivery.leaving }
    }
}

/// Takes events one after the other and knows afterwards what became of an alert.
pub struct Teller<'a> {
    config: &'a Config,
    overrides: &'a [Override],
    comments: &'a Comments,
    alert: AlertId,
    known: Option<Known>,
    fired: Option<AlertFired>,
    groups: BTreeMap<GroupId, GroupStory>,
    pages: BTreeMap<PageId, (Subject, PageStory)>,
    page_of: BTreeMap<DeliveryId, PageId>,
}

impl<'a> Teller<'a> {
    /// Tells of this alert. `overrides` and `comments`: as they are known now; an override never changes the past.
    #[must_use]
    pub fn new(
        config: &'a Config,
        overrides: &'a [Override],
        comments: &'a Comments,
        alert: AlertId,
    ) -> Self {
        let (groups, pages, page_of) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { config, overrides, comments, alert, known: None, fired: None, groups, pages, page_of }
    }

    /// A group that was open before the first event, as the state has it at `now` (civil time). `civil`: an engine instant
    /// as a civil one.
    pub fn stands(&mut self, group: &Group, now: Timestamp, civil: impl Fn(Timestamp) -> Timestamp) {
        let story = GroupStory {
            id: group.id,
            joined: true,
            title: group.title.clone(),
            key: group.key.clone(),
            labels: group.labels.clone(),
            route: group.route.clone(),
            severity: group.severity.clone(),
            urgency: group.urgency,
            channels: group.channels.to_vec(),
            policy: group.page.as_ref().map(|plan| plan.policy.clone()),
            opened_at: Some(group.opened_at),
            waits_until: group.wait_until.map(&civil),
            alerts: group.seen,
            raised: Vec::new(),
            incident: group.incident,
            joined_in_flood: false,
            covered_by: group.covered_by,
            quiet: self.quiet_so_far(group, now, &civil),
            acknowledged: group
                .acknowledged
                .iter()
                .map(|(by, at)| Taken { at: *at, by: by.clone() })
                .collect(),
            closed_at: None,
            runbooks: group.due.iter().cloned().collect(),
            reminders: Vec::new(),
            pages: Vec::new(),
        };
        self.groups.insert(group.id, story);
    }

    fn quiet_so_far(
        &self,
        group: &Group,
        at: Timestamp,
        civil: impl Fn(Timestamp) -> Timestamp,
    ) -> Vec<QuietMoment> {
        let hush = group.hush.as_ref().map(|hush| QuietChange::Quiet {
            by: hush.by.iter().map(|one| self.comments.tell(one)).collect(),
            until: civil(hush.until),
            untold: !group.is_told(),
        });
        let snooze = group.snooze.as_ref();
        let snooze =
            snooze.map(|one| QuietChange::Snoozed { by: one.by.to_string(), until: civil(one.until) });
        hush.into_iter().chain(snooze).map(|what| QuietMoment { at, what }).collect()
    }

    /// A page that ran before the first event; its steps so far are not told.
    pub fn runs(&mut self, page: &Page) {
        let story = PageStory {
            id: page.id,
            started_at: page.started_at,
            policy: page.plan.policy.clone(),
            reason: page.reason.clone(),
            urgency: page.urgency,
            steps: Vec::new(),
            deliveries: Vec::new(),
            end: None,
        };
        self.pages.insert(page.id, (page.subject, story));
    }

    /// Takes one event.
    pub fn tell(&mut self, record: &Record) {
        let at = record.at;
        match &record.event {
            Event::AlertFired(fired) => self.alert_fired(fired, at),
            Event::AlertChanged { alert, starts_at: Some(_), .. } if *alert == self.alert => {
                if let Some(known) = &mut self.known {
                    known.fired_again.push(at);
                }
            }
            Event::AlertResolved { alert, ends_at, by, .. } if *alert == self.alert => {
                if let Some(known) = &mut self.known {
                    known.ended = Some(Ended { at, ends_at: *ends_at, by: by.clone() });
                }
            }
            Event::GroupOpened(opened) => self.group_opened(opened, record),
            Event::GroupRaised { group, from, to, urgency, .. } => self.group(*group, |story| {
                story.raised.push(Raised { at, from: from.clone(), to: to.clone() });
                story.severity = Some(to.clone());
                story.urgency = *urgency;
            }),
            Event::GroupAcknowledged { group, by } => self.group(*group, |story| {
                story.acknowledged.push(Taken { at, by: by.clone() });
            }),
            Event::GroupClosed { group } => self.group(*group, |story| story.closed_at = Some(at)),
            Event::GroupJoined { incident, group } => self.group(*group, |story| {
                story.incident = Some(*incident);
                story.joined_in_flood = true;
            }),
            Event::Response(event) => {
                if let ResponseEvent::Covered { group, page, .. } = &**event {
                    self.group(*group, |story| story.covered_by = Some(*page));
                }
            }
            Event::Quiet(event) => self.quiet(event, record),
            Event::IncidentOpened(opened) => {
                if let Some(group) = opened.group {
                    self.group(group, |story| story.incident = Some(opened.incident));
                }
            }
            Event::RunDue(due) => self.group(due.group, |story| story.runbooks.push(due.line.clone())),
            Event::Reminded { incident, what } => self.reminded(*incident, &Reminded { at, what: *what }),
            page => self.tell_of_page(page, record),
        }
    }

    fn tell_of_page(&mut self, event: &Event, record: &Record) {
        let at = record.at;
        match event {
            Event::PageStarted(started) => self.page_started(started, at),
            Event::StepTaken(taken) => self.step_taken(taken, record),
            Event::PageStopped { page, why, spared, leaving, .. } => {
                let why = match why {
                    PageStop::Acknowledged(by) => EndedBecause::Acknowledged(by.clone()),
                    PageStop::Resolved => EndedBecause::Resolved,
                    PageStop::Replaced(newer) => EndedBecause::Replaced(*newer),
                    PageStop::Quiet => EndedBecause::Quiet,
                    PageStop::Snoozed(by) => EndedBecause::Snoozed(by.clone()),
                };
                let end = PageEnd { at, why, spared: spared.clone(), leaving: leaving.clone() };
                self.page(*page, |story| story.end = Some(end));
            }
            Event::PageUnanswered { page, .. } => {
                let why = EndedBecause::Unanswered;
                let end = PageEnd { at, why, spared: Vec::new(), leaving: Vec::new() };
                self.page(*page, |story| story.end = Some(end));
            }
            Event::DeliveryQueued(queued) if queued.kind == DeliveryKind::Page => {
                let Some(page) = queued.page else { return };
                self.page_of.insert(queued.delivery, page);
                let story = DeliveryStory {
                    id: queued.delivery,
                    at,
                    to: queued.to.clone(),
                    channel: queued.channel,
                    attempts: Vec::new(),
                    fate: Fate::Waits,
                };
                self.page(page, |page| page.deliveries.push(story));
            }
            Event::Delivered { delivery, attempt, receipt, .. } => self.delivery(*delivery, |story| {
                story.fate = Fate::Arrived;
                story.attempts.push(Attempt {
                    at,
                    attempt: *attempt,
                    receipt: Some(receipt.clone()),
                    why: None,
                    retry_at: None,
                    next_contact: false,
                });
            }),
            Event::AttemptFailed { delivery, attempt, why, retry_at, next_contact, .. } => {
                let retry_at = retry_at.map(|due| civil(record, due));
                self.delivery(*delivery, |story| {
                    story.fate = if retry_at.is_some() { Fate::Waits } else { Fate::Failed };
                    story.attempts.push(Attempt {
                        at,
                        attempt: *attempt,
                        receipt: None,
                        why: Some(why.clone()),
                        retry_at,
                        next_contact: *next_contact,
                    });
                });
            }
            Event::DeliveryCancelled { delivery, .. } => {
                self.delivery(*delivery, |story| story.fate = Fate::Cancelled);
            }
            _ => {}
        }
    }

    fn alert_fired(&mut self, fired: &AlertFired, at: Timestamp) {
        let is_it = fired.alert == self.alert;
        for group in &fired.groups {
            self.group(*group, |story| {
                if is_it {
                    story.joined = story.alerts > 0;
                }
                story.alerts += 1;
            });
        }
        if is_it {
            self.known = Some(Known {
                id: fired.alert,
                of_group: false,
                fired_at: at,
                starts_at: fired.starts_at,
                severity: fired.severity.clone(),
                fired_again: Vec::new(),
                ended: None,
                duplicates_until: None,
            });
            self.fired = Some(fired.clone());
        }
    }

    fn group_opened(&mut self, opened: &GroupOpened, record: &Record) {
        let story = GroupStory {
            id: opened.group,
            joined: false,
            title: opened.title.clone(),
            key: opened.key.clone(),
            labels: opened.labels.clone(),
            route: opened.route.clone(),
            severity: opened.severity.clone(),
            urgency: opened.urgency,
            channels: opened.channels.clone(),
            policy: opened.page.as_ref().map(|plan| plan.policy.clone()),
            opened_at: Some(record.at),
            waits_until: Some(civil(record, opened.wait_until)),
            alerts: 0,
            raised: Vec::new(),
            incident: None,
            joined_in_flood: false,
            covered_by: None,
            quiet: Vec::new(),
            acknowledged: Vec::new(),
            closed_at: None,
            runbooks: Vec::new(),
            reminders: Vec::new(),
            pages: Vec::new(),
        };
        self.groups.insert(opened.group, story);
    }

    fn page_started(&mut self, started: &PageStarted, at: Timestamp) {
        if let (Some(group), Some(incident)) = (started.subject.group(), started.subject.incident()) {
            self.group(group, |story| story.incident = Some(incident));
        }
        let story = PageStory {
            id: started.page,
            started_at: at,
            policy: started.plan.policy.clone(),
            reason: started.reason.clone(),
            urgency: started.urgency,
            steps: Vec::new(),
            deliveries: Vec::new(),
            end: None,
        };
        self.pages.insert(started.page, (started.subject, story));
    }

    fn step_taken(&mut self, taken: &StepTaken, record: &Record) {
        let person = |paged: &Paged| PersonStory {
            person: paged.person.clone(),
            because: paged.because.clone(),
            duty: duty(self.config, self.overrides, &paged.because, record.at),
            tries: paged.tries.iter().map(|one| Try { due: civil(record, one.due), ..one.clone() }).collect(),
        };
        let step = StepStory {
            at: record.at,
            round: taken.round,
            step: taken.step,
            people: taken.people.iter().map(person).collect(),
            channels: taken.channels.clone(),
            nobody: taken.nobody.clone(),
            next_at: civil(record, taken.next_at),
        };
        self.page(taken.page, |page| page.steps.push(step));
    }

    fn reminded(&mut self, incident: IncidentId, reminded: &Reminded) {
        for story in self.groups.values_mut().filter(|story| story.incident == Some(incident)) {
            if story.reminders.iter().all(|one| one.what != reminded.what) {
                story.reminders.push(reminded.clone());
            }
        }
    }

    fn quiet(&mut self, event: &QuietEvent, record: &Record) {
        match QuietMoment::of(event, record, self.comments) {
            Some((About::Group(group), moment)) => self.group(group, |story| story.quiet.push(moment)),
            Some((About::Incident(incident), moment)) => {
                for story in self.groups.values_mut().filter(|story| story.incident == Some(incident)) {
                    story.quiet.push(moment.clone());
                }
            }
            None => {}
        }
    }

    fn group(&mut self, id: GroupId, change: impl FnOnce(&mut GroupStory)) {
        if let Some(story) = self.groups.get_mut(&id) {
            change(story);
        }
    }

    fn page(&mut self, id: PageId, change: impl FnOnce(&mut PageStory)) {
        if let Some((_, story)) = self.pages.get_mut(&id) {
            change(story);
        }
    }

    fn delivery(&mut self, id: DeliveryId, change: impl FnOnce(&mut DeliveryStory)) {
        let page = self.page_of.get(&id).and_then(|page| self.pages.get_mut(page));
        let found = page.and_then(|(_, page)| page.deliveries.iter_mut().find(|one| one.id == id));
        if let Some(story) = found {
            change(story);
        }
    }

    /// What is under way now.
    pub fn standing(&mut self, standing: &[Standing]) {
        for one in standing.iter().filter(|one| one.leaving) {
            self.delivery(one.id, |story| story.fate = Fate::Leaving);
        }
    }

    /// The alert, as it came, and what is known of it; nothing when no event told of it.
    #[must_use]
    pub fn alert(&self) -> Option<(&AlertFired, &Known)> {
        self.fired.as_ref().zip(self.known.as_ref())
    }

    /// The groups of the alert in the order of its routes, with their pages and those of their incidents.
    #[must_use]
    pub fn groups(mut self) -> Vec<GroupStory> {
        let order = self.fired.take().map(|fired| fired.groups).unwrap_or_default();
        let mut stories: Vec<GroupStory> = order.iter().filter_map(|id| self.groups.remove(id)).collect();
        let mut told: BTreeSet<PageId> = BTreeSet::new();
        for story in &mut stories {
            for (id, (subject, page)) in &self.pages {
                let is_its = subject.group() == Some(story.id)
                    || matches!(subject, Subject::Incident(incident) if story.incident == Some(*incident));
                // The page of an incident of several groups is told with the first.
                if is_its && told.insert(*id) {
                    story.pages.push(page.clone());
                }
            }
        }
        stories
    }
}

/// An engine instant of a record as a civil one.
pub(super) fn civil(record: &Record, due: Timestamp) -> Timestamp {
    let ahead = due.duration_since(record.engine_time());
    record.at.checked_add(ahead).unwrap_or(due)
}
