//! What would happen if an alert came: it comes to a copy of the state, `decide` decides, and its timers run, while every
//! message goes and nobody answers. Never touches the real state, and has no rule of its own.

use jiff::{SignedDuration, Timestamp};

use super::{Comments, Explanation, Note, Teller, quiet, routing};
use crate::domain::{
    alert::{AlertStatus, Report, Signal},
    config::Config,
    decide::{
        decide,
        flood::{self, Flood},
        route,
    },
    delivery::{DeliveryKind, Outcome},
    event::{Event, FORMAT, Record, TraceId},
    id::{GroupId, IncidentId, IntegrationId, PageId},
    intent::{Intent, Now},
    labels::Labels,
    state::{State, Timer},
};

/// How long the course is followed.
const COURSE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many timers are followed at most.
const MOST: usize = 5_000;

/// What is asked: an alert, and when it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Who sends it.
    pub integration: IntegrationId,
    /// Its labels.
    pub labels: Labels,
    /// When it comes.
    pub now: Now,
    /// Whether what is open counts: at another instant than now nobody knows what will be.
    pub open: bool,
}

/// What of the state matters for a question: little, whatever the state holds. Who stands in, whose accounts are whose;
/// and when what is open counts, the groups that it would join, with their pages, and the open incidents.
#[must_use]
pub fn ground(state: &State, config: &Config, question: &Question) -> State {
    let mut ground = State {
        seq: state.seq,
        instance: state.instance.clone(),
        overrides: state.overrides.clone(),
        links: state.links.clone(),
        next: state.next.clone(),
        quiet: state.quiet.clone(),
        ..State::default()
    };
    if !question.open {
        // What was ended early was ended at its own time.
        ground.quiet.ended.clear();
        ground.timers.extend(state.timers.iter().filter(|(_, timer)| matches!(timer, Timer::Silence(_))));
        return ground;
    }
    ground.clock = state.clock;
    ground.due_lately = state.due_lately.clone();
    ground.answers = state.answers.clone();
    ground.open_incidents.clone_from(&state.open_incidents);
    for id in &state.open_incidents {
        ground.incidents.extend(state.incidents.get(id).map(|incident| (*id, incident.clone())));
    }
    for group in joins(state, config, question) {
        take_group(&mut ground, state, group);
    }
    take_flood(&mut ground, state, config, question);
    let ours: Vec<(Timestamp, Timer)> =
        state.timers.iter().filter(|(_, timer)| is_of(&ground, *timer)).copied().collect();
    ground.timers.extend(ours);
    ground
}

/// A group with its alerts, its pages and its incident; and of an incident that is held all its groups, because it goes on
/// when one of them is heard.
fn take_group(ground: &mut State, state: &State, group: GroupId) {
    take_alone(ground, state, group);
    let incident = ground.groups.get(&group).and_then(|known| known.incident);
    let held = incident.and_then(|id| state.incidents.get(&id)).filter(|incident| incident.held.is_some());
    for other in held.iter().flat_map(|incident| &incident.response.open_groups) {
        take_alone(ground, state, *other);
    }
}

fn take_alone(ground: &mut State, state: &State, group: GroupId) {
    let Some(known) = state.groups.get(&group) else { return };
    ground.group_keys.insert(known.key.clone(), group);
    ground.groups.insert(group, known.clone());
    for alert in &known.firing {
        ground.alerts.extend(state.alerts.get(alert).map(|one| (*alert, one.clone())));
    }
    let incident = known.incident.and_then(|incident| state.incidents.get(&incident));
    // Also one that people have resolved while its group still fires.
    ground.incidents.extend(incident.map(|one| (one.id, one.clone())));
    let of_incident = incident.into_iter().flat_map(|incident| &incident.pages);
    for page in known.pages.iter().chain(of_incident) {
        ground.pages.extend(state.pages.get(page).map(|one| (*page, one.clone())));
    }
}

/// What makes a flood: groups that collect beside it, and incidents that would take its group, with their pages.
fn take_flood(ground: &mut State, state: &State, config: &Config, question: &Question) {
    for route in route::taking(config, &question.labels).into_iter().flatten().filter(|route| route.incident)
    {
        for group in flood::collecting(state, Some(&route.id)) {
            take_group(ground, state, group);
        }
        for incident in flood::taking_groups(state, Some(&route.id), question.now.engine) {
            for page in &incident.pages {
                ground.pages.extend(state.pages.get(page).map(|one| (*page, one.clone())));
            }
            if let Some(group) = incident.response.open_groups.last() {
                take_group(ground, state, *group);
            }
        }
    }
}

/// The open groups that would take such an alert, each once.
fn joins(state: &State, config: &Config, question: &Question) -> Vec<GroupId> {
    let mut groups = Vec::new();
    for one in route::taking(config, &question.labels) {
        let labels = route::group_labels(one, &question.labels);
        let key = route::group_key(one, &question.integration, &labels);
        groups.extend(state.group_keys.get(&key).copied().filter(|group| !groups.contains(group)));
    }
    groups
}

/// Whether a timer belongs to what the alert would join.
fn is_of(ground: &State, timer: Timer) -> bool {
    let group = |id: GroupId| ground.groups.contains_key(&id);
    let page = |id: PageId| ground.pages.contains_key(&id);
    let incident = |id: IncidentId| ground.groups.values().any(|group| group.incident == Some(id));
    match timer {
        Timer::GroupWait(id)
        | Timer::GroupUnresolved(id)
        | Timer::GroupQuiet(id)
        | Timer::GroupSnooze(id)
        | Timer::GroupRepeat(id) => group(id),
        // They decide when what is quiet is heard.
        Timer::Silence(_) => true,
        Timer::PageTry(id) | Timer::PageStep(id) => page(id),
        Timer::IncidentUnresolved(id) | Timer::AcknowledgeLate(id) | Timer::UpdateLate(id) => incident(id),
        // Cards, rooms, runs and tasks wake nobody.
        Timer::TaskDue(_)
        | Timer::Card(_)
        | Timer::IncidentCard(_)
        | Timer::RoomsClose(_)
        | Timer::StormCard(_)
        | Timer::StormCalm(_)
        | Timer::RunAsk(_)
        | Timer::RunJudge(_)
        | Timer::RunCard(_) => false,
    }
}

/// Lets the alert come to this ground and follows what comes of it.
#[must_use]
pub fn simulate(mut ground: State, config: &Config, question: &Question) -> Explanation {
    let Question { integration, labels, now, .. } = question;
    if !question.open {
        arrive(&mut ground, config, *now);
    }
    let overrides: Vec<_> = ground.overrides.values().cloned().collect();
    let alert = ground.next.alert;
    let comments = Comments::about(&ground, labels);
    let mut teller = Teller::new(config, &overrides, &comments, alert);
    let civil = |due: Timestamp| later(now.civil, due.duration_since(now.engine));
    for group in ground.groups.values() {
        teller.stands(group, now.civil, civil);
    }
    for page in ground.pages.values() {
        teller.runs(page);
    }
    let mut notes = Vec::new();
    let twin = ground.alerts.values().find(|one| one.integration == *integration && one.labels == *labels);
    notes.extend(twin.map(|one| Note::FiresAlready(one.id)));
    let quiet = quiet(&ground, labels, *now);
    let routes = route::taking(config, labels).into_iter().flatten().filter(|route| route.incident);
    notes.extend(routes.map(|route| Note::Flood(Flood::near(&ground, &route.id, now.engine))));
    let goes_on = follow(ground, config, question, &mut teller);
    notes.extend(goes_on.then_some(Note::GoesOn { seconds: COURSE.as_secs() }));
    Explanation {
        at: now.civil,
        alert: None,
        integration: integration.clone(),
        labels: labels.clone(),
        routes: routing(config, integration, labels),
        quiet,
        groups: teller.groups(),
        notes,
    }
}

/// Brings the ground to another instant: what is planned is planned from there, and silences begin and end on the way.
fn arrive(ground: &mut State, config: &Config, now: Now) {
    let mut next = Intent::ClockStepped { by: SignedDuration::ZERO };
    for _ in 0..MOST {
        // Neither is ever refused.
        if decide(ground, config, next, now, TraceId(0)).is_err() {
            return;
        }
        if ground.next_deadline().is_none_or(|due| due > now.engine) {
            return;
        }
        next = Intent::Due;
    }
}

/// Runs the course; says whether it goes on after the time for which it is followed.
fn follow(mut state: State, config: &Config, question: &Question, teller: &mut Teller<'_>) -> bool {
    let begins = question.now;
    let mut decided = |state: &mut State, intent: Intent, now: Now| {
        let mut next = vec![intent];
        while let Some(intent) = next.pop() {
            let mut seq = state.seq;
            // A refusal changes nothing, and neither a report nor the clock is ever refused.
            let done = decide(state, config, intent, now, TraceId(0)).unwrap_or_default();
            for event in done.events {
                seq = seq.next();
                next.extend(arrives(&event));
                let (at, clock) = (now.civil, Some(now.engine));
                teller.tell(&Record { seq, at, clock, v: FORMAT, trace: TraceId(0), last: false, event });
            }
        }
    };
    decided(&mut state, Intent::Report(report(question)), begins);
    let end = later(begins.engine, COURSE);
    for _ in 0..MOST {
        let Some(due) = state.next_deadline() else { return false };
        if due > end {
            return matters(&state);
        }
        let engine = due.max(begins.engine);
        let civil = later(begins.civil, engine.duration_since(begins.engine));
        decided(&mut state, Intent::Due, Now { engine, civil });
    }
    true
}

/// Messages to people go at once and arrive: a permit for what is queued, a receipt for what leaves.
fn arrives(event: &Event) -> Option<Intent> {
    match event {
        Event::DeliveryQueued(queued) if queued.kind == DeliveryKind::Page => {
            Some(Intent::Permit(queued.delivery))
        }
        Event::AttemptStarted { delivery, attempt } => Some(Intent::Outcome {
            delivery: *delivery,
            attempt: *attempt,
            outcome: Outcome::Receipt(String::new()),
        }),
        _ => None,
    }
}

/// Whether anything is due yet that wakes somebody: reminders go on for as long as an incident does.
fn matters(state: &State) -> bool {
    state.timers.iter().any(|(_, timer)| {
        matches!(
            timer,
            Timer::PageTry(_) | Timer::PageStep(_) | Timer::GroupUnresolved(_) | Timer::IncidentUnresolved(_)
        )
    })
}

fn report(question: &Question) -> Report {
    let signal = Signal {
        status: AlertStatus::Firing,
        // No source has such a fingerprint, so it is the same as nothing that fires.
        fingerprint: "simulated".to_owned(),
        labels: question.labels.clone(),
        annotations: Labels::default(),
        starts_at: question.now.civil,
        ends_at: None,
        graph: None,
    };
    Report {
        integration: question.integration.clone(),
        source_group: None,
        status: AlertStatus::Firing,
        truncated: 0,
        source: None,
        signals: vec![signal],
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}
