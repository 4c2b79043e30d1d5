//! Journals of earlier releases are read for ever: `tests/journals/` holds one of each, and the state that it tells.
//! Never changes a sample; a release adds its own by playing its day again with `WATCHBELL_SAMPLE` naming the folder.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use watchbell::{
    domain::state::State,
    engine::core::Core,
    journal::{self, FileJournal, Journal as _, Options},
};

use crate::{
    peer::{
        load::{self, INTEGRATION},
        process::until,
        server::{Request, Server},
        watchbell::Watchbell,
    },
    source::package,
    world,
};

/// Longer than the minute after which a severity may remind at the earliest.
const SOON: Duration = Duration::from_mins(2);

/// Every kind of event that a server writes on such a day; a stepped clock would need another machine.
const KINDS: [&str; 31] = [
    "alert_changed",
    "alert_fired",
    "alert_resolved",
    "attempt_failed",
    "attempt_started",
    "configuration_loaded",
    "delivered",
    "delivery_cancelled",
    "delivery_queued",
    "group_acknowledged",
    "group_closed",
    "group_joined",
    "group_notified",
    "group_opened",
    "group_raised",
    "incident_acknowledged",
    "incident_opened",
    "incident_reopened",
    "incident_resolved",
    "note_added",
    "override_added",
    "override_removed",
    "page_started",
    "page_stopped",
    "page_unanswered",
    "reminded",
    "response",
    "role_assigned",
    "severity_changed",
    "status_changed",
    "step_taken",
];

/// Waits as short as they may be, so that everything that can be due is due within little more than a minute.
fn config(phone: u16) -> String {
    format!(
        r##"
[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
page = "qflow"
acknowledge_within = "1m"
update_every = "1h"
unresolved = [{{ after = "1h", page = "qflow" }}]

[severity.P2]
name = "Medium"
means = "Something works worse than it should"
labels = ['severity="warning"']
urgency = "routine"
acknowledge_within = "1m"

{}
[person.ben]
name = "Ben Okafor"
roles = ["responder"]
contacts = {{ hook = "http://127.0.0.1:{phone}/ben" }}
urgent = ["now: hook", "1m: chat"]
routine = ["now: hook"]

[team.ops]
members = ["ana", "ben"]

[schedule.primary]
team = "ops"
timezone = "Europe/Madrid"
[[schedule.primary.layer]]
people = ["ana"]
start = 2026-01-05
handoff = "weekly Mon 09:00"

[policy.qflow]
steps = [
  {{ page = ["schedule:primary"], wait = "1s" }},
  {{ page = ["person:ben", "channel:#engineering"], wait = "1s" }},
]

{INTEGRATION}
[[route]]
name = "qflow"
match = ['service="qflow"']
group_by = ["cluster"]
group_wait = "0s"
channel = "#qflow-alerts"
page = "qflow"
incident = true

[unrouted]
channel = "#alerts"
"##,
        load::person("ana", "Ana Ruiz", phone)
    )
}

/// One alert of the service, in a cluster.
fn alert(status: &str, name: &str, cluster: &str, severity: &str) -> String {
    json!({
        "version": "4", "groupKey": format!("{{}}:{{cluster=\"{cluster}\"}}"), "status": status,
        "externalURL": "https://alertmanager.example.com",
        "alerts": [{
            "status": status,
            "startsAt": "2026-11-01T09:00:00Z",
            "labels": {"alertname": name, "service": "qflow", "cluster": cluster, "severity": severity},
            "annotations": {
                "summary": format!("{name} in {cluster}"),
                "runbook_url": "https://runbooks.example.com/qflow",
            },
            "generatorURL": "https://prometheus.example.com/graph",
        }],
    })
    .to_string()
}

/// A day of the example team, played in a minute or two.
struct Day {
    watchbell: Watchbell,
    phone: Server,
}

impl Day {
    fn begin(folder: &Path) -> Self {
        // Ben's phone has no reception at first.
        let phone = Server::start(|request| {
            let page = request.path == "/ben" && request.body.contains("\"attempt\":1,");
            (if page { 503 } else { 200 }, String::new())
        });
        let watchbell = Watchbell::here(folder, &config(phone.port));
        Self { watchbell, phone }
    }

    fn alert(&self, body: &str) {
        let answer = load::send(self.watchbell.port, body).expect("an answer");
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    fn says(&self, person: &str, text: &str) {
        let reply = self.watchbell.command(person, text);
        assert_eq!(reply["ok"], true, "{text}: {reply}");
    }

    /// Waits until somebody's phone rings.
    fn rings(&self, person: &str, words: &str) {
        let rings = |request: &Request| request.path == format!("/{person}") && request.body.contains(words);
        let rang = self.phone.wait(SOON, rings);
        assert!(rang.is_some(), "{person} hears no `{words}`:\n{}", self.watchbell.process.tail());
    }

    /// How many events of a kind there are.
    fn count(&self, kind: &str) -> usize {
        kinds(&self.watchbell).iter().filter(|known| *known == kind).count()
    }

    /// Waits until the journal has so many events of a kind.
    fn has(&self, kind: &str, count: usize) {
        let found = until(SOON, || (self.count(kind) >= count).then_some(()));
        assert!(found.is_some(), "no {count} `{kind}`: {:?}", kinds(&self.watchbell));
    }

    fn play(&self) {
        // Nobody takes the first one: the policy runs to its end. One more joins, changes, a worse one raises it.
        self.alert(&alert("firing", "QflowErrors", "north", "warning"));
        self.rings("ana", "QflowErrors");
        self.has("page_unanswered", 1);
        self.alert(&alert("firing", "QflowErrors", "north", "warning").replace("09:00:00Z", "09:30:00Z"));
        self.alert(&alert("firing", "QflowServiceDown", "north", "critical"));
        self.has("group_raised", 1);
        self.has("reminded", 1);
        // Ana takes all of it.
        self.says("ana", "/ack INC-1");
        self.says("ana", "/incident role INC-1 scribe ben");
        self.says("ana", "/incident status INC-1 mitigated \"traffic goes to the replica\"");
        self.says("ben", "/incident note INC-1 rolled back to 2.4.1");
        self.says("ana", "/incident severity INC-1 P2");
        // Ben is asked for help; he takes it before his phone has reception again.
        let failed = self.count("attempt_failed");
        self.says("ana", "/page ben the database needs you");
        self.has("attempt_failed", failed + 1);
        self.says("ben", "/ack");
        self.says("ana", "/oncall override primary ben 2h");
        self.says("ana", "/oncall override remove OV-1");
        self.says("ana", "/oncall override primary ben 8h");
        // It ends, comes back, and ends.
        for (name, severity) in [("QflowErrors", "warning"), ("QflowServiceDown", "critical")] {
            self.alert(&alert("resolved", name, "north", severity).replace("09:00:00Z", "09:30:00Z"));
        }
        self.has("group_closed", 1);
        self.says("ana", "/incident resolve INC-1 disk replaced");
        self.says("ben", "/incident reopen INC-1 errors are back");
        self.says("ana", "/incident resolve INC-1 second disk replaced");
        // What is not over when the day ends: a storm, of which one group was taken, and one that nobody routes.
        self.storm();
        self.says("ana", "/ack G-2");
        self.alert(&alert("firing", "Strange", "east", "warning").replace("\"qflow\"", "\"other\""));
        self.has("alert_fired", self.count("group_opened") + 1);
    }

    /// One cluster after the other breaks, until one joins the incident of another.
    fn storm(&self) {
        for number in 1..20 {
            let opened = self.count("incident_opened") + self.count("group_joined");
            self.alert(&alert("firing", "QflowServiceDown", &format!("west-{number}"), "critical"));
            let told = until(SOON, || {
                (self.count("incident_opened") + self.count("group_joined") > opened).then_some(())
            });
            assert!(told.is_some(), "west-{number} opens no incident and joins none");
            if self.count("group_joined") > 0 {
                return;
            }
        }
        panic!("twenty clusters break, and none joins the incident of another");
    }
}

/// The kinds of all events so far.
fn kinds(watchbell: &Watchbell) -> Vec<String> {
    let exported = watchbell.other(&["journal", "export"]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let text = String::from_utf8_lossy(&exported.stdout).into_owned();
    let kind = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        record["event"].as_object().and_then(|event| event.keys().next().cloned()).expect("an event")
    };
    text.lines().map(kind).collect()
}

#[test]
#[ignore = "plays a minute in real time: scripts/test"]
fn a_day_provokes_every_kind_of_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut day = Day::begin(folder.path());
    day.play();
    let kinds: BTreeSet<String> = kinds(&day.watchbell).into_iter().collect();
    assert_eq!(kinds, KINDS.map(str::to_owned).into());
    let end = day.watchbell.process.stop(SOON);
    assert!(end.is_some_and(|end| end.success()), "{}", day.watchbell.process.tail());
    let told = told(&folder.path().join("data"));
    assert!(told.contains("INC-1 resolved"), "{told}");

    let Some(kept) = env::var_os("WATCHBELL_SAMPLE").map(PathBuf::from) else { return };
    assert!(!kept.exists(), "{} is there already: samples do not change", kept.display());
    copy(&folder.path().join("data"), &kept);
    fs::write(kept.join("state.txt"), told).expect("the state");
}

/// Copies the segments of a data folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("journal")).expect("a folder");
    let mut segments = 0;
    for entry in fs::read_dir(from.join("journal")).expect("a journal") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let name = path.file_name().expect("a name");
            fs::copy(&path, to.join("journal").join(name)).expect("a copy");
            segments += 1;
        }
    }
    assert!(segments > 0, "no segments in {}", from.display());
}

/// What a journal tells, from its first event on.
fn told(data: &Path) -> String {
    let verified = journal::verify(data, &mut |_| ControlFlow::Continue(())).expect("it can be read");
    assert!(verified.damage.is_empty() && verified.unfinished == 0, "{verified:?}");
    let (journal, opened) = FileJournal::open(data, Options::default()).expect("it opens");
    assert!(opened.torn.is_empty() && opened.damage.is_empty(), "{opened:?}");
    let head = journal.head().seq;
    let core = Core::open(Box::new(journal), Arc::new(world::config::config()), State::default());
    let core = core.expect("it replays");
    assert_eq!((core.state().seq, verified.read.seq), (head, head));
    summary(core.state())
}

/// The state in lines that stay the same while fields are added.
fn summary(state: &State) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a text grows");
    line(format!("{} events", state.seq));
    for alert in state.alerts.values() {
        line(format!("{} {} {:?} in {:?}", alert.id, alert.name(), alert.severity, alert.groups));
    }
    for group in state.groups.values() {
        let by = group.acknowledged.as_ref().map(|(by, _)| by.to_string());
        line(format!(
            "{} open: {}, {} seen, taken by {by:?}, paged {:?}",
            group.id, group.title, group.seen, group.paged
        ));
    }
    for group in state.closed_groups.values() {
        let by = group.acknowledged_by.as_ref().map(ToString::to_string);
        line(format!("{} closed: {}, {} seen, taken by {by:?}", group.id, group.title, group.seen));
    }
    for incident in state.incidents.values() {
        let by = incident.acknowledged.as_ref().map(|(by, _)| by.to_string());
        line(format!(
            "{} {}: {}, {}",
            incident.id,
            incident.status.as_str(),
            incident.severity,
            incident.title
        ));
        line(format!("  groups {:?}, taken by {by:?}, paged {:?}", incident.groups, incident.paged));
        line(format!("  roles {:?}", incident.roles));
    }
    line(format!("{} pages run, {} ended by request", state.pages.len(), state.closed_pages.len()));
    for delivery in state.deliveries.values() {
        line(format!("{} waits, key {}", delivery.id, delivery.key));
    }
    for (id, overriding) in &state.overrides {
        line(format!("{id} {} for {}", overriding.person, overriding.schedule));
    }
    let next = &state.next;
    line(format!(
        "next Next {{ alert: {}, group: {}, incident: {}, page: {}, delivery: {}, overriding: {} }}",
        next.alert, next.group, next.incident, next.page, next.delivery, next.overriding
    ));
    text
}

/// The samples, the oldest release first.
fn samples() -> Vec<PathBuf> {
    let folder = package().join("tests/journals");
    let entries = fs::read_dir(&folder).expect("the samples");
    let mut samples: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    samples.sort();
    assert!(!samples.is_empty(), "there is no sample in {}", folder.display());
    samples
}

#[test]
fn journals_of_every_release_are_read_for_ever() {
    for sample in samples() {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&sample, folder.path());
        let expected = fs::read_to_string(sample.join("state.txt")).expect("its state");
        assert_eq!(told(folder.path()), expected, "{}", sample.display());
    }
}

#[test]
fn the_server_goes_on_from_the_journal_of_every_release() {
    for sample in samples() {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&sample, &folder.path().join("data"));
        let watchbell = Watchbell::here(folder.path(), &config(9));
        let entries = watchbell.items("/api/v1/incidents/INC-1/timeline");
        let notes: Vec<&Value> = entries.iter().filter(|entry| entry["kind"] == "note").collect();
        assert_eq!(notes.len(), 1, "{entries:?}");
        assert_eq!((&notes[0]["by"], &notes[0]["text"]), (&json!("ben"), &json!("rolled back to 2.4.1")));
        let verified = watchbell.other(&["journal", "verify"]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success() && said.starts_with("whole:"), "{said}");
    }
}

#[test]
fn samples_hold_no_secret_and_no_address() {
    for sample in samples() {
        for entry in fs::read_dir(sample.join("journal")).expect("a journal") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a segment");
            for word in
                [load::TOKEN, "127.0.0.1", "localhost", "/tmp/", concat!("/ho", "me/"), concat!("/ro", "ot/")]
            {
                assert!(!text.contains(word), "{}: `{word}`", path.display());
            }
        }
    }
}
