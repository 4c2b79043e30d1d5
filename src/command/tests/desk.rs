//! A desk with an engine, views in a folder that goes away, and a clock in the test's hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use crate::{
    command::{Call, Caller, Commands, Desk, Registry, Reply, complete, parse::parse, run},
    domain::{
        alert::{AlertStatus, Report, Signal},
        config::{Config, Integration, IntegrationKind, Policy, Route, Severity, Unrouted},
        delivery::Channel,
        event::TraceId,
        id::{PersonId, PolicyId},
        intent::Now,
        labels::Labels,
        matcher::Matcher,
        page::{PageTarget, StepPlan},
        person::{Person, Role, Team, Urgency},
        schedule::{Handoff, Layer, Restriction, Schedule},
        state::State,
    },
    engine::{
        Rejected,
        clock::Clock,
        core::Core,
        run::{Parts, Prepared, Running},
    },
    journal::{Journal as _, MemoryJournal},
    metrics::Metrics,
    views::Views,
};

/// A clock that the test moves.
#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Clock for Hand {
    fn now(&mut self) -> (Now, Option<SignedDuration>) {
        let now = *self.0.lock().unwrap();
        (Now { engine: now, civil: now }, None)
    }
}

/// Everything that a conversation needs.
pub struct Room {
    pub desk: Desk,
    pub config: Arc<Config>,
    clock: Hand,
    trace: AtomicU64,
    running: Running,
    _views: tempfile::TempDir,
}

/// Monday, 10:00 in Madrid: ana's week.
pub fn start() -> Timestamp {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

impl Room {
    pub fn open() -> Self {
        Self::with(config())
    }

    /// With another configuration.
    pub fn with(config: Config) -> Self {
        let config = Arc::new(config);
        let journal = MemoryJournal::default();
        let reader = journal.reader();
        let core = Core::open(Box::new(journal), Arc::clone(&config), State::default()).unwrap();
        let clock = Hand(Arc::new(Mutex::new(start())));
        let parts = Parts {
            clock: Box::new(clock.clone()),
            outbox: None,
            after_batch: Box::new(|_, _| {}),
            metrics: Metrics::default(),
            trace: TraceId::default(),
            instance: "desk".into(),
        };
        let running = Prepared::default().start(core, parts).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk {
            engine: running.engine.clone(),
            views: Views::start(folder.path().join("views"), reader, |_| {}),
            commands: Commands::new(Registry::builtin()),
            salt: Arc::new(|| [7; 16]),
            upkeep: None,
            release: "0.1.0".to_owned(),
            care: crate::command::Care::default(),
        };
        Self { desk, config, clock, trace: AtomicU64::new(1), running, _views: folder }
    }

    pub fn pass(&self, time: SignedDuration) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(time).unwrap();
    }

    pub fn caller(&self, who: &str) -> Caller {
        match who {
            "operator" => Caller::operator(TimeZone::UTC),
            who => Caller::person(&PersonId::from(who), &self.config).unwrap(),
        }
    }

    pub async fn say(&self, who: &str, text: &str) -> Reply {
        let trace = TraceId(self.trace.fetch_add(1, Ordering::Relaxed));
        run(&self.desk, self.caller(who), None, text, trace).await.unwrap()
    }

    /// The same, when it may not be taken.
    pub async fn try_say(&self, who: &str, text: &str) -> Result<Reply, Rejected> {
        run(&self.desk, self.caller(who), None, text, TraceId(0)).await
    }

    /// A call of a command that was understood and has not run.
    pub async fn call(&self, who: &str, text: &str) -> Call<'_> {
        let (registry, caller) = (self.desk.commands.current(), self.caller(who));
        let now = self.desk.engine.read(|look| look.now.civil).await.unwrap();
        let parsed = parse(&registry, crate::command::ground(&self.config, &caller, now), text).unwrap();
        let (config, trace) = (Arc::clone(&self.config), TraceId(0));
        Call { desk: &self.desk, registry, config, caller, channel: None, trace, now, parsed }
    }

    /// What may stand at the end of a text.
    pub async fn offers(&self, who: &str, text: &'static str) -> Vec<String> {
        let (registry, caller) = (self.desk.commands.current(), self.caller(who));
        let offers = self.desk.engine.read(move |look| complete(&registry, look, &caller, text, text.len()));
        offers.await.unwrap().into_iter().map(|offer| offer.text).collect()
    }

    /// The engine takes nothing more.
    pub async fn stop(&self) {
        self.desk.engine.stop();
        self.running.ended.clone().wait_for(Option::is_some).await.unwrap();
    }

    /// The same, written in a channel.
    pub async fn say_in(&self, channel: &str, who: &str, text: &str) -> Reply {
        let trace = TraceId(self.trace.fetch_add(1, Ordering::Relaxed));
        run(&self.desk, self.caller(who), Some(channel.into()), text, trace).await.unwrap()
    }

    /// The reply as text, with its outcome before it.
    pub async fn said(&self, who: &str, text: &str) -> String {
        let reply = self.say(who, text).await;
        format!("{}\n{}", if reply.ok { "done" } else { "refused" }, reply.text)
    }

    pub async fn report(&self, status: AlertStatus, name: &str, severity: &str) {
        let labels = [("alertname", name), ("service", "qflow"), ("severity", severity)];
        let annotations = [
            ("summary", "Qflow does not answer"),
            ("runbook_url", "https://example.com/runbooks/qflow"),
            ("dashboard_url", "javascript:alert(1)"),
        ];
        let signal = Signal {
            status,
            fingerprint: name.to_owned(),
            labels: labels.into_iter().collect(),
            annotations: annotations.into_iter().collect::<Labels>(),
            starts_at: start(),
            ends_at: (status == AlertStatus::Resolved).then(|| start() + SignedDuration::from_mins(30)),
            graph: Some("http://prometheus.example.com/graph?g0.expr=up".to_owned()),
        };
        let report = Report {
            integration: "prometheus".into(),
            source_group: None,
            status,
            truncated: 0,
            source: Some("http://alertmanager.example.com".into()),
            signals: vec![signal],
        };
        self.desk.engine.report(TraceId(99), report).await.unwrap();
    }
}

pub fn config() -> Config {
    let person = |id: &str, name: &str, zone: &str, role| Person {
        id: id.into(),
        name: name.to_owned(),
        zone: TimeZone::get(zone).unwrap(),
        role,
        contacts: if id == "eve" { Vec::new() } else { vec![("hook".into(), Channel::Hook)] },
        urgent: Vec::new(),
        routine: Vec::new(),
    };
    let people = [
        person("ana", "Ana Ruiz", "Europe/Madrid", Role::Admin),
        person("ben", "Ben Okafor", "UTC", Role::Responder),
        person("chi", "Chi Nguyen", "Asia/Ho_Chi_Minh", Role::Responder),
        person("eve", "Eve Smith", "UTC", Role::Viewer),
    ];
    let severity = |id: &str, name: &str, minutes: i64, page: Option<&str>| Severity {
        id: id.into(),
        name: name.to_owned(),
        means: "A major function is impaired".to_owned(),
        labels: vec![Matcher::parse(&format!("severity=\"{id}\"")).unwrap()],
        urgency: if page.is_some() { Urgency::Urgent } else { Urgency::Routine },
        page: page.map(PolicyId::from),
        acknowledge_within: Some(SignedDuration::from_mins(minutes)),
        update_every: page.map(|_| SignedDuration::from_mins(minutes)),
        unresolved: page.map(|_| (SignedDuration::from_hours(1), "ops".into())).into_iter().collect(),
    };
    let severities = [severity("P1", "High", 60, Some("ops")), severity("P3", "Low", 1440, None)];
    let step = |page: Vec<PageTarget>| StepPlan { page, wait: SignedDuration::from_mins(5) };
    let steps = vec![
        step(vec![PageTarget::Schedule("primary".into())]),
        step(vec![PageTarget::Person("chi".into()), PageTarget::Channel("#engineering".into())]),
    ];
    let policy = Policy { id: "ops".into(), rounds: 2, steps };
    let route = Route {
        id: "qflow".into(),
        matchers: vec![Matcher::parse("service=\"qflow\"").unwrap()],
        group_by: vec!["alertname".to_owned()],
        group_wait: SignedDuration::ZERO,
        group_interval: None,
        repeat_interval: None,
        channels: vec!["#qflow-alerts".into()],
        page: Some("ops".into()),
        severity: None,
        incident: true,
        goes_on: false,
    };
    Config {
        digest: "test".to_owned(),
        people: people.into_iter().map(|one| (one.id.clone(), one)).collect(),
        teams: BTreeMap::from([(
            "ops".into(),
            Team { id: "ops".into(), channel: None, members: vec!["ben".into()] },
        )]),
        schedules: [schedule("primary", &["ana", "ben"], &[]), schedule("hours", &["chi"], &["office"])]
            .into_iter()
            .map(|one| (one.id.clone(), one))
            .collect(),
        policies: BTreeMap::from([(policy.id.clone(), policy)]),
        severities: severities.into_iter().map(|one| (one.id.clone(), one)).collect(),
        integrations: BTreeMap::from([(
            "prometheus".into(),
            Integration { id: "prometheus".into(), kind: IntegrationKind::Alertmanager, service: None },
        )]),
        routes: vec![route],
        unrouted: Unrouted { channels: vec!["#alerts".into()], page: None },
        maintenance: Vec::new(),
        automatic: BTreeSet::new(),
        triggers: Vec::new(),
        offers: BTreeMap::new(),
        platforms: BTreeMap::new(),
        strangers: BTreeMap::new(),
    }
}

fn schedule(id: &str, people: &[&str], only: &[&str]) -> Schedule {
    let office = Restriction {
        days: (civil::Weekday::Monday, civil::Weekday::Friday),
        from: civil::time(9, 0, 0, 0),
        until: civil::time(17, 0, 0, 0),
    };
    Schedule {
        id: id.into(),
        team: None,
        zone: TimeZone::get("Europe/Madrid").unwrap(),
        layers: vec![Layer {
            people: people.iter().map(|&id| id.into()).collect(),
            start: civil::date(2026, 1, 5),
            handoff: Handoff::Weekly(civil::Weekday::Monday, civil::time(9, 0, 0, 0)),
            only: only.iter().map(|_| office.clone()).collect(),
        }],
    }
}
