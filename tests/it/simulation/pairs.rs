//! Every short course of what people and alerts do to a group, an incident and a flood: silences, snoozes, taking, merging,
//! resolving, opening again; and some long ones. After each step nobody is paged twice for one thing, and nobody is
//! forgotten. Never another course in another run.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    delivery::Outcome,
    event::{Actor, Event, Record},
    group::Group,
    id::{GroupId, IncidentId},
    incident::IncidentStatus,
    intent::{IncidentIntent, Intent},
    matcher::Matcher,
    page::{PageReason, Subject, Target},
    prose::Prose,
    quiet::{QuietEvent, QuietIntent, SilenceKind},
    response::ResponseIntent,
};

use super::{
    dice::Dice,
    witness::{Witness, somebody},
};
use crate::world::{World, config, report, signal};

const G1: GroupId = GroupId(1);
const ONE: IncidentId = IncidentId(1);
const TWO: IncidentId = IncidentId(2);

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// All alerts are silenced for half an hour.
    Silences,
    /// Those of a pod are, for half an hour: it is one that comes.
    SilencesPod,
    /// Somebody ends the last silence.
    EndsSilence,
    Snoozes,
    TakesGroup,
    /// The one of the other route.
    TakesOtherGroup,
    TakesIncident,
    /// The second one.
    TakesOther,
    Mitigates,
    /// Somebody says that it is not mitigated, perhaps because that was said too early.
    GoesBack,
    /// Somebody writes how it stands, and changes nothing by that.
    Tells,
    Resolves,
    Reopens,
    /// The first incident is merged into the other one, or the other way round.
    Merges,
    MergesBack,
    /// An alert of the pod comes.
    Joins,
    /// One joins the group of the other route.
    JoinsOther,
    /// It is worse than the others.
    Worsens,
    /// What fires has a newer start.
    Restarts,
    /// The alert that opened the group ends.
    Ends,
    /// Half an hour and a bit.
    Waits,
}

const ALL: [Does; 21] = [
    Does::Silences,
    Does::SilencesPod,
    Does::EndsSilence,
    Does::Snoozes,
    Does::TakesGroup,
    Does::TakesOtherGroup,
    Does::TakesIncident,
    Does::TakesOther,
    Does::Mitigates,
    Does::GoesBack,
    Does::Tells,
    Does::Resolves,
    Does::Reopens,
    Does::Merges,
    Does::MergesBack,
    Does::Joins,
    Does::JoinsOther,
    Does::Worsens,
    Does::Restarts,
    Does::Ends,
    Does::Waits,
];

/// Where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// Two groups with an incident each.
    Alone,
    /// A flood, and a group of another route.
    Flood,
    /// A flood whose group that opened it has ended: the others are taken one by one.
    Rest,
    /// Somebody opened the first incident by hand, and a group opened the other one.
    ByHand,
    /// Somebody opened the first incident for a group that pages nobody.
    ForGroup,
}

impl Begins {
    const ALL: [Self; 5] = [Self::Alone, Self::Flood, Self::Rest, Self::ByHand, Self::ForGroup];
}

struct Course {
    world: World,
    witness: Witness,
}

impl Course {
    fn new(begins: Begins) -> Self {
        let mut config = config::config();
        // Pages that begin by themselves after a while are about something else.
        config.severities.values_mut().for_each(|severity| severity.unresolved.clear());
        let mut other = config.routes.iter().find(|route| route.id.as_str() == "qflow").unwrap().clone();
        other.id = "other".into();
        other.matchers = vec![Matcher::parse("service=other").unwrap()];
        config.routes.push(other);
        if begins == Begins::ForGroup {
            let route = config.routes.iter_mut().find(|route| route.id.as_str() == "qflow").unwrap();
            (route.page, route.incident) = (None, false);
        }
        let mut course = Self { world: World::with(config), witness: Witness::default() };
        let many = match begins {
            Begins::Alone | Begins::ForGroup => 1,
            Begins::Flood | Begins::Rest => 12,
            Begins::ByHand => 0,
        };
        let named = |number: usize| format!("Down{number}");
        let names: Vec<String> = (0..many).map(named).collect();
        let all = names.iter().map(|name| labels(name, "critical", None)).collect();
        course.report(Firing, all);
        course.passes(SignedDuration::from_secs(11));
        let (severity, title) = ("P1".into(), Prose::new("it is slow", [0; 16]));
        match begins {
            Begins::ByHand => course.incident(IncidentIntent::Open { severity, title, channel: None }),
            Begins::ForGroup => course.incident(IncidentIntent::OpenFor { group: G1, severity, title }),
            Begins::Alone | Begins::Flood | Begins::Rest => {}
        }
        course.report(Firing, vec![labels("Other", "critical", None)]);
        course.passes(SignedDuration::from_secs(11));
        if begins == Begins::Rest {
            course.report(Resolved, vec![labels("Down0", "critical", None)]);
        }
        course
    }

    fn report(&mut self, status: watchbell::domain::alert::AlertStatus, all: Vec<Vec<(&str, &str)>>) {
        let now = self.world.now();
        let signals = all.iter().map(|labels| signal(status, labels, now.civil)).collect();
        let report = report(signals);
        self.world.want(Intent::Report(report.clone())).expect("a report is taken");
        self.witness.read(&self.world);
        self.witness.reported(&report, now);
    }

    fn passes(&mut self, time: SignedDuration) {
        self.world.pass(time, |_| Outcome::Receipt("200 OK".into()));
        self.witness.read(&self.world);
    }

    /// What is refused changes nothing.
    fn wants(&mut self, intent: Intent) {
        let _ = self.world.want(intent);
        self.witness.read(&self.world);
    }

    fn silences(&mut self, matchers: &str) {
        let until = self.world.now().civil + SignedDuration::from_mins(30);
        let comment = Prose::new("why", [0; 16]);
        let (kind, matchers, by) = (SilenceKind::Silence, vec![matchers.to_owned()], somebody("ana"));
        self.wants(Intent::Quiet(QuietIntent::Add { kind, matchers, comment, from: None, until, by }));
    }

    fn takes(&mut self, target: Target) {
        let before = self.world.state().next.page;
        if self.world.want(Intent::Acknowledge { target, by: somebody("ben") }).is_ok() {
            self.witness.read(&self.world);
            self.witness.acknowledged(target, before, &self.world);
        }
    }

    fn incident(&mut self, what: IncidentIntent) {
        self.wants(Intent::Incident { what, by: somebody("ana") });
    }

    fn does(&mut self, what: Does) {
        let group = self.world.state().groups.keys().next().copied().unwrap_or(G1);
        match what {
            Does::Silences => self.silences("severity=~\"critical|page\""),
            Does::SilencesPod => self.silences("pod=b"),
            Does::EndsSilence => {
                let (silence, kind) = (self.world.state().quiet.last, SilenceKind::Silence);
                self.wants(Intent::Quiet(QuietIntent::End { silence, kind, by: somebody("ana") }));
            }
            Does::Snoozes => {
                let wait = SignedDuration::from_mins(20);
                self.wants(Intent::Quiet(QuietIntent::Snooze { group, wait, by: somebody("chi") }));
            }
            Does::TakesGroup => self.takes(Target::Group(group)),
            Does::TakesOtherGroup => {
                let other = self.world.state().groups.values().find(|group| group.title == "Other");
                if let Some(other) = other.map(|group| group.id) {
                    self.takes(Target::Group(other));
                }
            }
            Does::TakesIncident => self.takes(Target::Incident(ONE)),
            Does::TakesOther => self.takes(Target::Incident(TWO)),
            Does::Tells => {
                let text = Some(Prose::new("nothing new", [0; 16]));
                self.incident(IncidentIntent::Status { incident: ONE, status: None, text });
            }
            Does::Mitigates => {
                let status = Some(IncidentStatus::Mitigated);
                self.incident(IncidentIntent::Status { incident: ONE, status, text: None });
            }
            Does::GoesBack => {
                let status = Some(IncidentStatus::Investigating);
                self.incident(IncidentIntent::Status { incident: ONE, status, text: None });
            }
            Does::Resolves => self.incident(IncidentIntent::Resolve { incident: ONE, text: None }),
            Does::Reopens => self.incident(IncidentIntent::Reopen { incident: ONE, text: None }),
            Does::Merges | Does::MergesBack => {
                let (incident, into) = if what == Does::Merges { (ONE, TWO) } else { (TWO, ONE) };
                let what = ResponseIntent::Merge { incident, into };
                self.wants(Intent::Response { what, by: somebody("ana") });
            }
            Does::Joins => self.report(Firing, vec![labels(self.opener(), "critical", Some("b"))]),
            Does::JoinsOther => self.report(Firing, vec![labels("Other", "critical", Some("b"))]),
            Does::Worsens => self.report(Firing, vec![labels(self.opener(), "page", Some("b"))]),
            Does::Restarts => {
                self.passes(SignedDuration::from_secs(1));
                self.report(Firing, vec![labels(self.opener(), "critical", None)]);
            }
            Does::Ends => self.report(Resolved, vec![labels(self.opener(), "critical", None)]),
            Does::Waits => self.passes(SignedDuration::from_secs(31 * 60)),
        }
        self.passes(SignedDuration::from_secs(1));
        self.witness.look(&self.world);
        self.look();
        self.look_by_hand();
    }

    /// The alert of the first group that is open.
    fn opener(&self) -> &'static str {
        match self.world.state().groups.values().next().map(|group| group.title.as_str()) {
            Some("Down1") => "Down1",
            _ => "Down0",
        }
    }

    /// Nobody is paged twice for one thing, for what is quiet, or for what somebody has; and somebody is for the rest.
    fn look(&self) {
        let state = self.world.state();
        for group in state.groups.values() {
            let own = state.pages.values().filter(|page| page.subject.group() == Some(group.id)).count();
            let covered = group.covered_by.and_then(|page| state.pages.get(&page)).is_some();
            assert!(own + usize::from(covered) <= 1, "{} is paged for twice", group.id);
            let quiet = group.hush.is_some() || group.acknowledged.is_some();
            assert!(own == 0 || !quiet, "{} is paged for, and is quiet or taken", group.id);
            let incident = group.incident.and_then(|id| state.incidents.get(&id));
            let runs = incident.is_none_or(|one| {
                matches!(one.status, IncidentStatus::Investigating | IncidentStatus::Identified)
            });
            let waits = group.is_told() && group.page.is_some() && !quiet && runs;
            // A page of another group is for that one alone.
            let of_incident =
                |one: IncidentId| state.pages.values().any(|page| page.subject == Subject::Incident(one));
            let of_incident = group.incident.is_some_and(of_incident);
            assert!(
                !waits || own > 0 || covered || of_incident || self.is_over(group),
                "{} is forgotten: {:?}",
                group.id,
                group
            );
        }
        // What is mitigated pages nobody, unless somebody asked to be paged after a while.
        for page in state.pages.values().filter(|page| page.reason != PageReason::SnoozeOver) {
            let incident = page.subject.incident().and_then(|id| state.incidents.get(&id));
            let mitigated = incident.is_some_and(|one| one.status == IncidentStatus::Mitigated);
            assert!(!mitigated, "{} pages for what is mitigated: {:?}", page.id, page.reason);
        }
        for page in state.pages.values().filter(|page| !page.held && page.by == Actor::Watchbell) {
            let Subject::Incident(id) = page.subject else { continue };
            let open = &state.incidents[&id].response.open_groups;
            // What somebody opened goes on whatever becomes of the alerts, and so does what goes on without alerts.
            if self.is_by_hand(id) || page.reason == PageReason::NotMitigated {
                continue;
            }
            let mut all = open.iter().filter_map(|id| state.groups.get(id));
            let waits = |group: &Group| group.hush.is_none() && group.acknowledged.is_none();
            assert!(all.any(|group| waits(group)), "{} pages for nobody: {:?}", page.id, page.reason);
        }
    }

    /// What somebody opened and nobody has is paged for until somebody takes it, or the page ended loudly. Whoever snoozed the
    /// group for which it was opened has it until then.
    fn look_by_hand(&self) {
        let state = self.world.state();
        for incident in state.open_incidents.iter().filter_map(|id| state.incidents.get(id)) {
            let runs = incident.status != IncidentStatus::Mitigated && incident.acknowledged.is_none();
            let pages = || state.pages.values().any(|page| page.subject.incident() == Some(incident.id));
            let snoozed = |event: &Event| match event {
                Event::Quiet(quiet) => match &**quiet {
                    QuietEvent::Snoozed(snoozed) => incident.opened_for == Some(snoozed.group),
                    _ => false,
                },
                _ => false,
            };
            let put_off = || self.world.events().iter().any(snoozed);
            // For what was merged into it a group of that may have paged, until somebody took that group.
            let own = incident.opened_by != Actor::Watchbell && incident.response.merged.is_empty();
            let forgotten = runs && own && !pages();
            assert!(
                !forgotten || self.is_loudly_over(|id| id == incident.id) || put_off(),
                "{} is forgotten: somebody opened it, and nobody is paged",
                incident.id
            );
        }
    }

    fn is_by_hand(&self, id: IncidentId) -> bool {
        let state = self.world.state();
        let known = &state.incidents[&id];
        let mut all = known.response.merged.iter().chain([&id]).filter_map(|id| state.incidents.get(id));
        all.any(|one| one.opened_by != Actor::Watchbell)
    }

    /// People opened it again, and know of it; or the page that was for it ended loudly.
    fn is_over(&self, group: &Group) -> bool {
        let of_group = |event: &Event| match event {
            Event::PageUnanswered { subject: Subject::Group(one, _), .. } => *one == group.id,
            _ => false,
        };
        self.is_loudly_over(|id| group.incident == Some(id)) || self.world.events().iter().any(of_group)
    }

    fn is_loudly_over(&self, is: impl Fn(IncidentId) -> bool) -> bool {
        let state = self.world.state();
        let of_its = |incident: IncidentId| is(state.goes_on_in(incident));
        self.world.events().iter().any(|event| match event {
            Event::IncidentReopened { incident, .. } => of_its(*incident),
            Event::PageUnanswered { subject: Subject::Incident(one), .. } => of_its(*one),
            _ => false,
        })
    }
}

fn labels<'a>(name: &'a str, severity: &'a str, pod: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let service = if name == "Other" { "other" } else { "qflow" };
    let mut labels = vec![("alertname", name), ("service", service), ("severity", severity)];
    labels.extend(pod.map(|pod| ("pod", pod)));
    labels
}

fn play(begins: Begins, all: &[Does]) {
    let mut course = Course::new(begins);
    for what in all {
        course.does(*what);
    }
    course.does(Does::Waits);
    course.witness.replays(&course.world);
    let started = |record: &Record| match &record.event {
        Event::PageStarted(started) => {
            Some(format!("{} {} {:?}", record.at, started.subject, started.reason))
        }
        _ => None,
    };
    let pages: Vec<String> = course.world.records().iter().filter_map(started).collect();
    assert!(pages.len() <= 4 + all.len(), "a flood is one page: {pages:?}");
}

/// Plays courses; says which break something.
fn broken(begins: Begins, courses: impl Iterator<Item = Vec<Does>>) -> Vec<String> {
    let broken = courses.filter_map(|course| {
        let why = super::silent::caught(|| play(begins, &course)).err()?;
        let words: String = super::sabotage::words(&*why).chars().take(900).collect();
        Some(format!("{begins:?} {course:?}: {words}"))
    });
    broken.collect()
}

fn every(steps: u32) -> impl Iterator<Item = Vec<Does>> {
    let many = ALL.len();
    (0..many.pow(steps))
        .map(move |number| (0..steps).map(|step| ALL[number / many.pow(step) % many]).collect())
}

#[test]
fn whatever_follows_on_what_nobody_is_forgotten_and_nobody_is_paged_twice() {
    let steps = super::setting("WATCHBELL_STEPS").map_or(2, |steps| u32::try_from(steps).unwrap_or(2));
    for begins in Begins::ALL {
        let before = std::time::Instant::now();
        let broken = broken(begins, every(steps));
        println!("{begins:?}: every course of {steps} steps in {:?}", before.elapsed());
        assert!(broken.is_empty(), "{} courses: {:#?}", broken.len(), &broken[..broken.len().min(12)]);
    }
}

#[test]
fn in_long_courses_nobody_is_forgotten_and_nobody_is_paged_twice() {
    let many = super::setting("WATCHBELL_COURSES").unwrap_or(100);
    for begins in Begins::ALL {
        let long = |seed| {
            let mut dice = Dice::new(seed);
            (0..8).map(|_| dice.pick(&ALL)).collect()
        };
        let broken = broken(begins, (0..many).map(long));
        assert!(broken.is_empty(), "{} courses: {:#?}", broken.len(), &broken[..broken.len().min(12)]);
    }
}
