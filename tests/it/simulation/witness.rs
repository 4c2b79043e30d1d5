//! Who checks the promises. Knows only what the outside knows: what was answered with yes, what left, and what the
//! disk says afterwards. Never asks the engine whether the engine is right.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use watchbell::{
    domain::{
        alert::{AlertStatus, Report},
        delivery::DeliveryKind,
        event::{Actor, Event, PageStop, Record, ResolvedBy, TraceId},
        facts::Dispatch,
        id::{DeliveryId, GroupId, PageId, Seq},
        incident::IncidentStatus,
        intent::Now,
        page::{PageReason, Subject, Target},
        quiet::QuietEvent,
        response::ResponseEvent,
        state::{State, Timer},
    },
    engine::core::replay,
};

use super::{
    course, goes_on::GoesOn, held::Holds, hush::Hushes, news::News, pagers, runs::Runs, shifts::Shifts, tasks,
};
use crate::world::{World, lost};

/// As long as a late duplicate of an ended alert is not news (ARCHITECTURE.md, "Deduplication").
const ENDED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// The same when a person said that it is over, and its source may not know.
const OVER_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The last word about an alert.
#[derive(Clone, Copy)]
struct Word {
    status: AlertStatus,
    /// When it started.
    since: Timestamp,
    /// When it was said (engine time).
    at: Timestamp,
    /// Whether a person said it.
    by_person: bool,
}

#[derive(Default)]
pub struct Witness {
    /// What the disk must hold for ever: everything up to the last answer.
    kept: Vec<Record>,
    /// What the sources were told yes to: alert → last word.
    said: BTreeMap<String, Word>,
    /// Alerts of reports that got no answer: true or not, until a newer firing is answered.
    doubtful: BTreeMap<String, Timestamp>,
    /// Pages that an answered acknowledgement ended.
    ended: BTreeSet<PageId>,
    /// Groups whose page ended loudly or by somebody's will.
    settled: BTreeSet<GroupId>,
    /// Pages that took the place of a group's page.
    stand_ins: BTreeMap<GroupId, PageId>,
    /// Groups that somebody has taken, and that have not become worse since.
    taken: BTreeSet<GroupId>,
    /// Pages of each group or request, as the journal tells.
    pages: BTreeMap<PageId, Subject>,
    /// What is in the outbox on the disk.
    queued: BTreeSet<DeliveryId>,
    /// Attempts that left, to tell duplicates.
    left: BTreeMap<DeliveryId, (String, u32)>,
    keys: BTreeMap<String, DeliveryId>,
    /// What silences keep quiet.
    hushes: Hushes,
    /// Pages that run, as the journal tells.
    live: BTreeSet<PageId>,
    /// The merge that was decided last: its trace.
    merging: Option<TraceId>,
    /// Tasks that are open, and when somebody is to be reminded.
    tasks: tasks::Tasks,
    /// What nobody has and nobody hears.
    holds: Holds,
    /// Who stands in for whom.
    shifts: Shifts,
    /// What alerts start.
    runs: Runs,
    /// What fires after people resolved it.
    news: News,
    /// What people opened, and is not mitigated after all.
    goes_on: GoesOn,
}

impl Witness {
    /// Reads what is new on the disk.
    pub fn read(&mut self, world: &World) {
        for record in world.records_after(Seq(self.kept.len() as u64)) {
            let clock = self.kept.last().map_or(Timestamp::MIN, Record::engine_time);
            assert_eq!(record.seq, Seq(self.kept.len() as u64 + 1), "sequences have a gap");
            assert!(record.engine_time() >= clock, "engine time went back");
            self.declared_over(&record);
            self.hushes.event(&record.event, record.engine_time());
            self.holds.read(&record, &self.hushes);
            self.shifts.read(&record);
            self.runs.read(&record, &self.hushes);
            self.news.read(&record, &self.hushes);
            self.goes_on.read(&record, &self.news, &self.hushes);
            self.merge(&record);
            self.tasks.read(&record);
            self.event(&record.event);
            self.kept.push(record);
        }
    }

    /// Reads the whole disk after a crash: everything that was kept before must still be there, unchanged.
    pub fn read_again(&mut self, world: &World) {
        let records = world.records_after(Seq(0));
        let gone = self.kept.len().saturating_sub(records.len());
        assert_eq!(gone, 0, "promise 1: {gone} answered events are gone");
        assert!(records[..self.kept.len()] == self.kept[..], "promise 1: an answered event changed");
        self.read(world);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::DeliveryQueued(queued) => {
                self.queued.insert(queued.delivery);
            }
            Event::Response(event) => match &**event {
                ResponseEvent::Covered { group, page, .. } => {
                    self.settled.remove(group);
                    self.stand_ins.insert(*group, *page);
                }
                // Who took it had what is resolved.
                ResponseEvent::FiredAnew { group, .. } => {
                    self.settled.remove(group);
                    self.taken.remove(group);
                }
                _ => {}
            },
            Event::PageStarted(started) => {
                self.live.insert(started.page);
                self.pages.insert(started.page, started.subject);
                if let Some(group) = started.subject.group() {
                    self.settled.remove(&group);
                    let woken = started.reason == PageReason::Fired && self.taken.contains(&group);
                    assert!(!woken, "promise 3: {} wakes somebody for {group}, which is taken", started.page);
                }
            }
            // Settles nothing: another page has begun for it, perhaps one of its incident.
            Event::PageStopped { page, subject, why: PageStop::Replaced(new), .. } => {
                for stand_in in self.stand_ins.values_mut().filter(|stand_in| *stand_in == page) {
                    *stand_in = *new;
                }
                self.stand_ins.extend(subject.group().map(|group| (group, *new)));
            }
            // Settles nothing: it pages anew as soon as it is heard, or when the snooze is over.
            Event::PageStopped { why: PageStop::Quiet | PageStop::Snoozed(_), .. } => {}
            Event::Quiet(quiet) => {
                if let QuietEvent::SnoozeOver { group } = &**quiet {
                    self.taken.remove(group);
                }
            }
            Event::PageUnanswered { page, subject } | Event::PageStopped { page, subject, .. } => {
                self.settled.extend(subject.group());
                let stood_in = self.stand_ins.iter().filter(|(_, stand_in)| *stand_in == page);
                self.settled.extend(stood_in.map(|(group, _)| *group));
            }
            // What fired before is over for those who resolved or mitigated it.
            Event::IncidentResolved { incident, .. }
            | Event::StatusChanged { incident, status: IncidentStatus::Mitigated, .. } => {
                self.settled.extend(self.news.groups_of(*incident));
            }
            Event::GroupRaised { group, .. } => {
                // Somebody who took something smaller is asked again.
                self.settled.remove(group);
                self.taken.remove(group);
            }
            _ => {}
        }
    }

    /// A person's word that an alert is over counts for longer than its source's.
    fn declared_over(&mut self, record: &Record) {
        let Event::AlertResolved { alert, by: ResolvedBy::Person(_), .. } = &record.event else { return };
        let word = self.hushes.fingerprint(*alert).and_then(|alert| self.said.get_mut(&alert));
        if let Some(word) = word {
            *word =
                Word { status: AlertStatus::Resolved, at: record.engine_time(), by_person: true, ..*word };
        }
    }

    /// What was paged for one incident is paged for the other; a merge ends nothing.
    fn merge(&mut self, record: &Record) {
        match &record.event {
            Event::Response(event) => {
                let ResponseEvent::Merged(merged) = &**event else { return };
                self.merging = Some(record.trace);
                for subject in self.pages.values_mut().filter(|one| one.incident() == Some(merged.incident)) {
                    *subject = match *subject {
                        Subject::Group(group, _) => Subject::Group(group, Some(merged.into)),
                        _ => Subject::Incident(merged.into),
                    };
                }
            }
            Event::PageStopped { page, why, .. } => {
                let lost = *why == PageStop::Resolved && self.merging == Some(record.trace);
                assert!(!lost, "promise 2: a merge ends {page} as if it were over");
                self.live.remove(page);
            }
            Event::PageUnanswered { page, .. } => {
                self.live.remove(page);
            }
            _ => {}
        }
    }

    /// A source was told yes.
    pub fn reported(&mut self, report: &Report, now: Now) {
        let at = now.engine;
        let (firing, resolved): (Vec<_>, Vec<_>) =
            report.signals.iter().partition(|one| one.status == AlertStatus::Firing);
        for signal in firing {
            let late = self.said.get(&signal.fingerprint).is_some_and(|word| match word.status {
                // A late duplicate, for half a minute.
                AlertStatus::Resolved => {
                    let long = if word.by_person { OVER_FOR } else { ENDED_FOR };
                    signal.starts_at <= word.since && at < word.at + long
                }
                AlertStatus::Firing => signal.starts_at < word.since,
            });
            if !late {
                let word =
                    Word { status: AlertStatus::Firing, since: signal.starts_at, at, by_person: false };
                self.said.insert(signal.fingerprint.clone(), word);
            }
            if self.doubtful.get(&signal.fingerprint).is_some_and(|start| signal.starts_at > *start) {
                self.doubtful.remove(&signal.fingerprint);
            }
        }
        for signal in resolved {
            if let Some(word) = self.said.get_mut(&signal.fingerprint)
                && word.status == AlertStatus::Firing
                && (signal.starts_at >= word.since || signal.ends_at.unwrap_or(now.civil) > word.since)
            {
                *word = Word { status: AlertStatus::Resolved, at, by_person: false, ..*word };
            }
        }
    }

    /// A source was told nothing: whether its report counts is open.
    pub fn unanswered(&mut self, report: &Report) {
        for signal in &report.signals {
            let latest = self.doubtful.entry(signal.fingerprint.clone()).or_insert(signal.starts_at);
            *latest = (*latest).max(signal.starts_at);
        }
    }

    /// An acknowledgement was answered with yes: these pages are over.
    /// `before`: the page that would have been next when it was asked; later ones are new pages.
    pub fn acknowledged(&mut self, target: Target, before: PageId, world: &World) {
        let groups: BTreeSet<GroupId> = match target {
            Target::Group(group) => BTreeSet::from([group]),
            Target::Alert(alert) => world
                .state()
                .alerts
                .get(&alert)
                .map(|alert| alert.groups.iter().copied().collect())
                .unwrap_or_default(),
            Target::Incident(incident) => {
                // One that fired anew after it was resolved is of another one.
                let state = world.state();
                let of_it = |group: &&GroupId| {
                    let open = state.groups.get(*group);
                    open.is_none_or(|group| group.incident == Some(incident))
                };
                let known = state.incidents.get(&incident);
                known.map(|one| one.groups.iter().filter(of_it).copied().collect()).unwrap_or_default()
            }
            Target::Page(page) => {
                self.pages.get(&page).and_then(|subject| subject.group()).into_iter().collect()
            }
        };
        let open = groups.iter().filter(|group| world.state().groups.contains_key(*group));
        self.taken.extend(open);
        for (page, subject) in self.pages.range(..before) {
            let over = match target {
                Target::Page(target) => *page == target,
                Target::Incident(incident) => {
                    subject.incident() == Some(incident)
                        || subject.group().is_some_and(|group| groups.contains(&group))
                }
                _ => subject.group().is_some_and(|group| groups.contains(&group)),
            };
            if over {
                self.ended.insert(*page);
            }
        }
    }

    /// Something leaves.
    pub fn leaves(&mut self, dispatch: &Dispatch, at: Timestamp) {
        let delivery = &dispatch.delivery;
        if let (DeliveryKind::Card, Some(group)) = (delivery.kind, delivery.subject.group()) {
            self.hushes.card_leaves(group);
        }
        if let (Some(page), DeliveryKind::Page) = (delivery.page, delivery.kind) {
            self.hushes.page_leaves(page, delivery.subject.group(), at);
            self.holds.page(page, delivery.subject, at, &self.hushes);
            assert!(
                !self.ended.contains(&page),
                "promise 3: {} of {page} leaves after its acknowledgement",
                delivery.id
            );
        }
        // And what other teams' pagers hear of its end.
        let of_a_page = delivery.kind == DeliveryKind::Page || delivery.channel.hears_the_end();
        assert_eq!(delivery.page.is_some(), of_a_page, "only pages belong to a page");
        let queued = self.queued.contains(&delivery.id);
        assert!(queued, "promise 2: {} leaves and is not in the outbox on the disk", delivery.id);
        if let Some((key, attempt)) = self.left.get(&delivery.id) {
            assert_eq!(*key, delivery.key, "promise 2: the same message leaves with another key");
            assert!(delivery.attempts > *attempt, "an attempt is counted twice");
        }
        let other = *self.keys.entry(delivery.key.clone()).or_insert(delivery.id);
        assert_eq!(other, delivery.id, "promise 2: two messages leave with one key");
        self.left.insert(delivery.id, (delivery.key.clone(), delivery.attempts));
    }

    /// Something leaves although nobody permitted it.
    pub fn leaves_as(&mut self, delivery: DeliveryId, page: Option<PageId>) {
        let over = page.is_some_and(|page| self.ended.contains(&page));
        assert!(!over, "promise 3: {delivery} leaves after its acknowledgement");
    }

    /// What must be true between any two steps.
    /// What the journal tells of a group, for whoever looks into a failure.
    fn about(&self, group: GroupId) -> String {
        let named = format!("{group:?}");
        let told = self.kept.iter().filter(|record| format!("{:?}", record.event).contains(&named));
        let lines = told.map(|record| format!("{} {} {:?}", record.seq, record.engine_time(), record.event));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn look(&self, world: &World) {
        let state = world.state();
        for (fingerprint, word) in self.said.iter().filter(|(alert, _)| !self.doubtful.contains_key(*alert)) {
            let key = format!("prometheus/{fingerprint}");
            let fires = state.alert_keys.contains_key(key.as_str());
            let should = word.status == AlertStatus::Firing;
            assert_eq!(fires, should, "promise 1: the last word about {fingerprint} is lost");
        }
        for page in &self.live {
            let runs = state.pages.contains_key(page);
            assert!(runs, "promise 2: {page} runs by the journal and nowhere else");
        }
        self.tasks.look(world);
        self.runs.look(world);
        self.holds.look(world, &self.hushes);
        self.news.look(world, &self.hushes);
        self.goes_on.look();
        let due = state.next_deadline();
        assert!(due.is_none_or(|due| due > world.engine), "something stands still: it was due at {due:?}");
        for group in state.groups.values() {
            assert!(!group.firing.is_empty(), "{} is open without an alert", group.id);
            let told = group.wait_until.is_none();
            let stand_in = self.stand_ins.get(&group.id);
            let runs = stand_in.is_some_and(|page| state.pages.contains_key(page))
                || state.pages.values().any(|page| page.subject.group() == Some(group.id));
            let quiet = group.acknowledged.is_some()
                || self.settled.contains(&group.id)
                || self.hushes.keep(group.id, world.engine);
            assert!(
                !told || group.page.is_none() || runs || quiet,
                "promise 2: nobody is paged for {}\n{}",
                group.id,
                self.about(group.id)
            );
            let waits =
                state.timers.contains(&(group.wait_until.unwrap_or_default(), Timer::GroupWait(group.id)));
            assert!(told || waits, "{} waits for ever", group.id);
        }
        assert_eq!(lost(world), BTreeSet::new(), "promise 2: deliveries are nowhere on their way");
    }

    /// Every page reached somebody, was ended by somebody's will, or ended loudly.
    pub fn reached(&self, world: &World) {
        let page_of: BTreeMap<DeliveryId, PageId> = self
            .kept
            .iter()
            .filter_map(|record| match &record.event {
                Event::DeliveryQueued(queued) => Some((queued.delivery, queued.page?)),
                _ => None,
            })
            .collect();
        let good: BTreeSet<PageId> = self
            .kept
            .iter()
            .filter_map(|record| match &record.event {
                Event::Delivered { delivery, .. } => page_of.get(delivery).copied(),
                Event::PageStopped { page, .. } | Event::PageUnanswered { page, .. } => Some(*page),
                _ => None,
            })
            .collect();
        for page in self.pages.keys() {
            assert!(good.contains(page), "promise 2: {page} reached nobody and nobody heard of it");
        }
        for page in self.pages.keys() {
            course::is_complete(*page, &self.kept);
        }
        pagers::are_told(&self.kept);
        let running: Vec<_> = world.state().pages.keys().collect();
        assert!(running.is_empty(), "after six calm hours {running:?} still run");
    }

    /// The replayed state equals the live one, also from a snapshot in the middle.
    pub fn replays(&self, world: &World) {
        let mut replayed = State::default();
        let mut half = None;
        for (index, record) in self.kept.iter().enumerate() {
            if index == self.kept.len() / 2 {
                half = Some(replayed.clone());
            }
            replay(&mut replayed, record);
        }
        assert!(replayed == *world.state(), "promise 6: the replayed state differs from the live one");
        let bytes = rmp_serde::to_vec_named(&half.unwrap_or_default()).unwrap();
        let mut from_snapshot: State = rmp_serde::from_slice(&bytes).unwrap();
        for record in self.kept.iter().skip(usize::try_from(from_snapshot.seq.0).unwrap()) {
            replay(&mut from_snapshot, record);
        }
        assert!(from_snapshot == replayed, "promise 6: the state from a snapshot differs");
    }
}

pub fn somebody(name: &str) -> Actor {
    Actor::Person(name.into())
}
