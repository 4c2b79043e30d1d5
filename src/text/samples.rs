//! One event of every kind, for the tests of texts: what happens to two alerts on a March morning.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    announcement::Announced,
    delivery::{Channel, DeliveryKind, Notice, Recipient},
    event::{
        Actor, AlertFired, DeliveryQueued, Event, Expectations, FORMAT, GroupOpened, IncidentOpened, Nobody,
        NobodyBecause, PageStarted, PageStop, Paged, Plan, Record, Reminder, ResolvedBy, StepTaken, Title,
        TraceId, Try,
    },
    facts::IncidentFacts,
    id::{AlertId, AnnouncementId, DeliveryId, GroupId, IncidentId, OverrideId, PageId, Seq, StormId},
    incident::{IncidentRole, IncidentStatus},
    labels::Labels,
    page::{PageReason, PageTarget, StepPlan, Subject},
    person::Urgency,
    prose::Prose,
    response::ResponseFacts,
    room::{Author, MessageCaptured, Origin},
    storm::{StormFacts, StormGroup, StormIncident},
};
use crate::text::card::Card;

pub(in crate::text) mod deployments;
pub(crate) mod house;
mod quiet;
mod response;
pub(crate) mod runs;
mod swaps;
pub(crate) mod upkeep;

const GROUP: GroupId = GroupId(17);
const INCIDENT: IncidentId = IncidentId(7);
const SUBJECT: Subject = Subject::Group(GROUP, Some(INCIDENT));

pub(super) fn start() -> Timestamp {
    "2026-03-01T09:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn ana() -> Actor {
    Actor::Person("ana".into())
}

fn prose(text: &str) -> Prose {
    Prose::new(text, [3; 16])
}

fn to(person: &str, contact: &str) -> Recipient {
    Recipient::Person { person: person.into(), contact: contact.into() }
}

fn plan() -> Plan {
    let step =
        StepPlan { page: vec![PageTarget::Schedule("primary".into())], wait: SignedDuration::from_mins(5) };
    Plan { policy: "qflow".into(), rounds: 2, steps: vec![step] }
}

fn fired(alert: u64, labels: &[(&str, &str)], summary: &str) -> Event {
    let annotations: Labels =
        [("summary", summary)].into_iter().filter(|(_, text)| !text.is_empty()).collect();
    Event::AlertFired(Box::new(AlertFired {
        alert: AlertId(alert),
        key: "prometheus/a1".into(),
        integration: "prometheus".into(),
        source_group: None,
        labels: labels.iter().copied().collect(),
        annotations,
        starts_at: start(),
        graph: None,
        source: None,
        severity: Some("P1".into()),
        groups: vec![GROUP],
    }))
}

fn paged(person: &str, because: &str, tries: &[(&str, i64)]) -> Paged {
    let tries = tries.iter().map(|(contact, due)| Try {
        contact: (*contact).into(),
        channel: Channel::Hook,
        due: after(*due),
    });
    Paged { person: person.into(), because: because.into(), tries: tries.collect() }
}

fn step(round: u32, step: u32, people: Vec<Paged>, channels: &[&str], nobody: &[&str]) -> Event {
    Event::StepTaken(Box::new(StepTaken {
        page: PageId(3),
        subject: SUBJECT,
        round,
        step,
        people,
        channels: channels.iter().map(|channel| (*channel).into()).collect(),
        nobody: nobody
            .iter()
            .map(|target| Nobody { target: (*target).into(), why: NobodyBecause::Empty })
            .collect(),
        next_at: after(600),
    }))
}

fn started(reason: PageReason, by: Actor) -> Event {
    let (urgency, severity) = (Urgency::Urgent, Some("P1".into()));
    Event::PageStarted(Box::new(PageStarted {
        page: PageId(3),
        subject: SUBJECT,
        plan: plan(),
        urgency,
        severity,
        reason,
        by,
    }))
}

fn stopped(why: PageStop, spared: &[&str], leaving: &[u64]) -> Event {
    Event::PageStopped {
        page: PageId(3),
        subject: SUBJECT,
        why,
        spared: spared.iter().map(|person| (*person).into()).collect(),
        leaving: leaving.iter().copied().map(DeliveryId).collect(),
    }
}

fn delivered(to: Recipient, kind: DeliveryKind, attempt: u32, receipt: &str) -> Event {
    Event::Delivered {
        delivery: DeliveryId(5),
        subject: SUBJECT,
        to,
        kind,
        attempt,
        receipt: receipt.into(),
        message: None,
    }
}

fn failed(to: Recipient, kind: DeliveryKind, why: &str, retry_at: Option<i64>, next_contact: bool) -> Event {
    Event::AttemptFailed {
        delivery: DeliveryId(5),
        subject: SUBJECT,
        to,
        kind,
        attempt: 1,
        why: why.into(),
        retry_at: retry_at.map(after),
        next_contact,
    }
}

fn cancelled(to: Recipient, kind: DeliveryKind, replaced: bool) -> Event {
    let (delivery, channel) = (DeliveryId(6), Channel::Ntfy);
    Event::DeliveryCancelled { delivery, subject: SUBJECT, to, kind, channel, replaced }
}

fn queued() -> Event {
    Event::DeliveryQueued(Box::new(DeliveryQueued {
        delivery: DeliveryId(5),
        kind: DeliveryKind::Notice,
        subject: SUBJECT,
        page: Some(PageId(3)),
        to: to("ana", "push"),
        channel: Channel::Ntfy,
        key: "k".into(),
        revision: 0,
        notice: Some(Notice::Status),
        said: None,
        room: None,
    }))
}

fn opened(route: Option<&str>, page: Option<Plan>) -> Event {
    Event::GroupOpened(Box::new(GroupOpened {
        group: GROUP,
        key: "r/x".into(),
        route: route.map(Into::into),
        labels: Labels::default(),
        title: "HighErrorRate cluster=eu".into(),
        severity: page.as_ref().map(|_| "P1".into()),
        urgency: Urgency::Urgent,
        channels: vec!["#qflow-alerts".into()],
        page,
        incident: Some("P1".into()),
        expect: Expectations::default(),
        wait_until: after(10),
        group_interval: None,
        repeat_interval: None,
    }))
}

fn incident_opened(title: Title, group: Option<GroupId>, by: Actor) -> Event {
    Event::IncidentOpened(Box::new(IncidentOpened {
        incident: INCIDENT,
        title,
        severity: "P1".into(),
        urgency: Urgency::Urgent,
        group,
        channels: vec![],
        expect: Expectations::default(),
        by,
    }))
}

/// Every event in every form that reads differently.
#[expect(clippy::too_many_lines, reason = "a list")]
fn events() -> Vec<Event> {
    let push = || to("ana", "push");
    let expect = Expectations::default;
    let urgency = Urgency::Urgent;
    let many: Vec<(String, String)> = (0..40).map(|n| (format!("l{n:02}"), "v".repeat(n * 3))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut events = vec![
        Event::ConfigurationLoaded {
            digest: "3fa4b2c1d09e88aa".repeat(4),
            release: "0.1.0".into(),
            instance: None,
            by: None,
            changes: Vec::new(),
        },
        Event::ClockStepped { by_ms: -180_000 },
        fired(
            1,
            &[("alertname", "HighErrorRate"), ("service", "qflow"), ("severity", "critical")],
            "5 % of the\nrequests fail",
        ),
        fired(2, &[("alertname", "Evil\u{202E}\u{1b}[2J"), ("who", "@everyone | `x` <b>")], ""),
        fired(3, &many, ""),
        fired(4, &[], ""),
        opened(Some("critical"), Some(plan())),
        opened(None, None),
        Event::GroupNotified { group: GROUP },
        incident_opened(Title::Derived("HighErrorRate cluster=eu".into()), Some(GROUP), Actor::Watchbell),
        incident_opened(Title::Written(prose("database is down")), None, ana()),
        Event::GroupJoined { incident: INCIDENT, group: GroupId(18) },
        started(PageReason::Fired, Actor::Watchbell),
        started(PageReason::Raised, Actor::Watchbell),
        started(PageReason::Opened, ana()),
        started(PageReason::Unresolved(SignedDuration::from_hours(1)), Actor::Watchbell),
        started(PageReason::Asked(prose("please look at the queue")), ana()),
        started(PageReason::Assigned("ben".into()), ana()),
        step(
            1,
            1,
            vec![paged("ana", "schedule:primary", &[("chat", 0), ("push", 0), ("hook", 120)])],
            &[],
            &[],
        ),
        step(
            1,
            2,
            vec![paged("ben", "schedule:secondary", &[("chat", 0)]), paged("chi", "team:ops", &[])],
            &["#engineering"],
            &[],
        ),
        step(2, 1, vec![], &["#engineering", "#ops"], &["schedule:primary"]),
        queued(),
        Event::AttemptStarted { delivery: DeliveryId(5), attempt: 1 },
        delivered(push(), DeliveryKind::Page, 1, "200 OK"),
        delivered(to("ana", "chat"), DeliveryKind::Resolved, 2, ""),
        delivered(Recipient::Channel("#ops".into()), DeliveryKind::Card, 1, "posted"),
        failed(to("ana", "hook"), DeliveryKind::Page, "timed out after 10 s", Some(4), true),
        failed(push(), DeliveryKind::Page, "410 Gone: no such topic\u{7}", None, false),
        failed(Recipient::Channel("#ops".into()), DeliveryKind::Card, "channel_not_found", Some(120), false),
        failed(Recipient::Channel("#ops".into()), DeliveryKind::Notice, "channel_not_found", None, false),
        delivered(Recipient::Channel("slack:inc-7".into()), DeliveryKind::Room, 1, "made"),
        failed(
            Recipient::Channel("slack:inc-7".into()),
            DeliveryKind::Room,
            "missing_scope",
            Some(300),
            false,
        ),
        cancelled(Recipient::Channel("#ops".into()), DeliveryKind::Card, true),
        cancelled(push(), DeliveryKind::Page, false),
        Event::AlertChanged {
            alert: AlertId(1),
            integration: "prometheus".into(),
            annotations: None,
            starts_at: Some(start()),
            source_group: None,
            groups: vec![GROUP],
        },
        Event::AlertChanged {
            alert: AlertId(1),
            integration: "prometheus".into(),
            annotations: Some(Labels::default()),
            starts_at: None,
            source_group: None,
            groups: vec![GROUP],
        },
        Event::GroupRaised {
            group: GROUP,
            from: Some("P2".into()),
            to: "P1".into(),
            urgency,
            expect: expect(),
        },
        Event::GroupRaised { group: GROUP, from: None, to: "P1".into(), urgency, expect: expect() },
        Event::Reminded { incident: INCIDENT, what: Reminder::Acknowledge },
        Event::Reminded { incident: INCIDENT, what: Reminder::Update },
        Event::GroupAcknowledged { group: GROUP, by: ana() },
        Event::IncidentAcknowledged { incident: INCIDENT, by: Actor::Operator },
        stopped(PageStop::Acknowledged(ana()), &["ben", "chi"], &[5, 6]),
        stopped(PageStop::Resolved, &[], &[]),
        stopped(PageStop::Replaced(PageId(4)), &[], &[]),
        Event::PageUnanswered { page: PageId(3), subject: SUBJECT },
        Event::RoleAssigned {
            incident: INCIDENT,
            role: IncidentRole::Commander,
            to: Some("ana".into()),
            by: ana(),
        },
        Event::RoleAssigned {
            incident: INCIDENT,
            role: IncidentRole::Scribe,
            to: Some("ben".into()),
            by: ana(),
        },
        Event::RoleAssigned { incident: INCIDENT, role: IncidentRole::Scribe, to: None, by: ana() },
        Event::SeverityChanged {
            incident: INCIDENT,
            from: "P1".into(),
            to: "P0".into(),
            urgency,
            expect: expect(),
            by: ana(),
        },
        Event::StatusChanged {
            incident: INCIDENT,
            status: IncidentStatus::Identified,
            text: Some(prose("a bad deployment")),
            by: ana(),
        },
        Event::StatusChanged { incident: INCIDENT, status: IncidentStatus::Mitigated, text: None, by: ana() },
        Event::NoteAdded {
            incident: INCIDENT,
            text: prose("rolled back\nto 41, see https://example.com/d|41"),
            by: ana(),
        },
        Event::Announced(Box::new(Announced {
            id: AnnouncementId(1),
            channel: "#qflow-status".into(),
            text: prose("we are on it\nupdates each hour"),
            by: ana(),
            incident: Some(INCIDENT),
        })),
        Event::AlertResolved {
            alert: AlertId(1),
            name: "HighErrorRate".into(),
            groups: vec![GROUP],
            ends_at: start(),
            by: ResolvedBy::Source("prometheus".into()),
        },
        Event::AlertResolved {
            alert: AlertId(2),
            name: "HighErrorRate".into(),
            groups: vec![GROUP],
            ends_at: start(),
            by: ResolvedBy::SourceGroup("prometheus".into()),
        },
        Event::AlertResolved {
            alert: AlertId(3),
            name: "HighErrorRate".into(),
            groups: vec![GROUP],
            ends_at: start(),
            by: ResolvedBy::Person("ana".into()),
        },
        Event::GroupClosed { group: GROUP },
        Event::IncidentResolved { incident: INCIDENT, text: Some(prose("rolled back")), by: ana() },
        Event::IncidentReopened { incident: INCIDENT, text: None, by: ana() },
        Event::OverrideAdded {
            id: OverrideId(3),
            schedule: "primary".into(),
            person: "chi".into(),
            from: start(),
            until: after(3600),
            by: ana(),
        },
        Event::OverrideRemoved { id: OverrideId(3), by: ana() },
        Event::MessageCaptured(Box::new(MessageCaptured {
            incident: INCIDENT,
            channel: Channel::Slack,
            message: "C042/1700000000.000100".into(),
            author: Author::Person("chi".into()),
            text: prose("the disk was full"),
            written_at: start(),
            url: Some("https://example.slack.com/archives/C042/p1700000000000100".into()),
            by: ana(),
        })),
        Event::MessageChanged {
            incident: INCIDENT,
            channel: Channel::Slack,
            message: "C042/1700000000.000100".into(),
            text: Some(prose("the disk was nearly full")),
        },
        Event::MessageChanged {
            incident: INCIDENT,
            channel: Channel::Slack,
            message: "C042/1700000000.000100".into(),
            text: None,
        },
        Event::RoomJoined {
            incident: INCIDENT,
            channel: Channel::Discord,
            who: Author::Account("110000000000000042".into()),
        },
        Event::StormBegan { storm: StormId(2), channel: "#ops".into() },
        Event::StormJoined { storm: StormId(2), group: GROUP },
        Event::StormEnded { storm: StormId(2) },
        Event::InteractionTaken(Origin { channel: Channel::Slack, id: "Ev0PV52K25".into() }),
        Event::LinkOffered {
            person: "ana".into(),
            digest: "d".repeat(64),
            nonce: "0".repeat(32),
            until: after(600),
        },
        Event::LinkFailed { channel: Channel::Discord, account: "110000000000000042".into() },
        Event::AccountLinked {
            channel: Channel::Discord,
            account: "110000000000000042".into(),
            person: "ana".into(),
        },
        Event::AccountUnlinked {
            channel: Channel::Discord,
            account: "110000000000000042".into(),
            person: "ana".into(),
            by: Actor::Person("ben".into()),
        },
    ];
    events.extend(runs::events());
    events.extend(deployments::events());
    events.extend(response::events());
    events.extend(quiet::events());
    events.extend(house::events());
    events.extend(upkeep::events());
    events.push(swaps::swapped());
    events.extend(quiet::events());
    events
}

/// The card of a storm: at its height with names from outside, calm with something left, and over.
pub(crate) fn storm_cards() -> Vec<Card> {
    let group = |number: u64, title: &str, taken_by: Option<&str>, incident| StormGroup {
        id: GroupId(number),
        title: title.into(),
        severity: (number > 20).then(|| "P1".into()),
        firing: usize::try_from(number % 5 + 1).unwrap(),
        taken_by: taken_by.map(str::to_owned),
        incident,
    };
    let incident = IncidentFacts {
        id: INCIDENT,
        title: "HighErrorRate cluster=eu".into(),
        severity: "P1".into(),
        status: IncidentStatus::Investigating,
        change: None,
        commander: None,
        offered: Vec::new(),
        running: Vec::new(),
        response: ResponseFacts::default(),
        held: false,
    };
    let mut groups: Vec<StormGroup> =
        (12..20).map(|number| group(number, &"DiskFull host=db ".repeat(40), None, None)).collect();
    groups.insert(0, group(31, "Evil\u{202E}\u{1b}[2J @everyone <!channel> ```", None, Some(INCIDENT)));
    groups.insert(0, group(30, "Down host=db-1", Some("ana"), Some(INCIDENT)));
    let height = StormFacts {
        id: StormId(2),
        channel: "#ops".into(),
        began_at: start(),
        over_at: None,
        groups_firing: 1_234,
        groups_seen: 1_500,
        alerts_firing: 4_000,
        alerts_seen: 5_000,
        severities: vec![(Some("P1".into()), 34), (None, 1_200)],
        untaken: 1_233,
        unanswered: 12,
        groups,
        incidents: vec![StormIncident { incident, taken: false }],
    };
    let calm = StormFacts {
        over_at: Some(after(900)),
        groups_firing: 1,
        alerts_firing: 3,
        severities: vec![(Some("P1".into()), 1)],
        untaken: 0,
        unanswered: 0,
        groups: vec![group(30, "Down host=db-1", Some("ana"), Some(INCIDENT))],
        incidents: Vec::new(),
        ..height.clone()
    };
    let over = StormFacts {
        groups_firing: 0,
        alerts_firing: 0,
        severities: Vec::new(),
        groups: Vec::new(),
        ..calm.clone()
    };
    [height, calm, over].iter().map(super::storm::card).collect()
}

/// Those events as records, all at the same engine time, 10 s apart in civil time.
pub(crate) fn records() -> Vec<Record> {
    let record = |(seq, event)| Record {
        seq: Seq(seq),
        at: after(i64::try_from(seq).unwrap() * 10 - 10),
        clock: Some(start()),
        v: FORMAT,
        trace: TraceId(seq),
        last: true,
        event,
    };
    (1..).zip(events()).map(record).collect()
}
