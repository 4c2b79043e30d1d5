//! Runbooks that run by themselves because of alerts: the real process, alerts over its webhook, a telephone that is
//! paged, scripts that leave marks. Never against anything but this machine.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{http, process::until, server::Server, watchbell::Watchbell};

const PATIENCE: Duration = Duration::from_secs(30);
const OF_ANA: &str = "token-of-ana-0001";

/// Looks, because of an alert; `labels` shows which alert is meant.
const LOOK: &str = r#"---
command: /shop look
summary: Looks around.
role: viewer
arguments:
  - name: part
    default: all
examples: [/shop look]
on_alert: ['alertname="ShopSlow"']
run_as: bot
---

# A look around

## Who is slow

```run
#| reads: true
mark look {{ part }} "{{ labels.instance }}" {{ group.id }}
```
"#;

/// Looks, because a route says so; it needs no identity.
const DISK: &str = r"---
command: /shop disk
summary: Looks at a disk.
role: viewer
arguments:
  - name: part
examples: [/shop disk data]
channel: '#disks'
---

# Disk

## Its room

```run
#| reads: true
mark disk {{ part }}
```
";

/// Mends, and says itself whether it helped.
const MEND: &str = r#"---
command: /shop mend
summary: Mends the shop.
role: operator
examples: [/shop mend]
on_alert: ['alertname="ShopDown"']
run_as: fixer
budget: 1 in 1h
helped: mended
judge_within: WITHIN
page: ben
---

# Mend it

## Restart it

```run
mark mend
```

## It answers again

```http
#| name: mended
#| expect: status == 200 and json.fine
GET {{ shop.url }}/fine
```
"#;

/// Is to be done by somebody who may not.
const FORBIDDEN: &str = r#"---
command: /shop forbidden
summary: Needs more than its identity has.
role: operator
examples: [/shop forbidden]
on_alert: ['alertname="ShopDown"']
run_as: bot
---

# Forbidden

## Restart it

```run
mark forbidden
```
"#;

/// Takes until somebody says that the shop is fine.
const SLOW: &str = r#"---
command: /shop slow
summary: Looks for long.
role: viewer
examples: [/shop slow]
on_alert: ['alertname=~"Queue.*"']
run_as: bot
---

# Slow

## Look for long

```run
#| reads: true
slow "{{ labels.alertname }}"
```
"#;

/// Is offered.
const EMERGENCY: &str = r"---
command: /shop emergency
summary: What to do when the shop is down.
role: viewer
examples: [/shop emergency]
on_incident: [P1]
---

# The shop is down

## Look

```run
#| reads: true
mark emergency
```
";

struct Shop {
    folder: TempDir,
    watchbell: Watchbell,
    /// Where ben is paged.
    phone: Server,
    _service: Server,
}

impl Shop {
    /// `within`: how long an answer has to help.
    fn open(within: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        // The shop is fine when somebody says so.
        let fine = root.join("fine");
        let shop = Server::start(move |_| (200, json!({"fine": fine.exists()}).to_string()));
        let phone = Server::start(|_| (200, "{}".to_owned()));
        script(root, "mark", &format!("echo \"$@\" >> {}", root.join("marks").display()));
        let wait = "for _ in $(seq 600); do [ -e \"$FINE\" ] && exit 0; sleep 0.05; done; exit 1";
        let (marks, fine) = (root.join("marks"), root.join("fine"));
        let slow = format!("echo \"$@\" >> {}; FINE={}; {wait}", marks.display(), fine.display());
        script(root, "slow", &slow);
        fs::create_dir_all(root.join("commands")).expect("a folder");
        let mend = MEND.replace("WITHIN", within);
        let runbooks = [
            ("look", LOOK),
            ("disk", DISK),
            ("mend", &mend),
            ("forbidden", FORBIDDEN),
            ("emergency", EMERGENCY),
            ("slow", SLOW),
        ];
        for (name, text) in runbooks {
            fs::write(root.join(format!("commands/{name}.md")), text).expect("a runbook");
        }
        let config = config(shop.port, phone.port, &root.join("scripts"));
        let watchbell = Watchbell::here(root, &config);
        Self { folder, watchbell, phone, _service: shop }
    }

    fn send(&self, status: &str, labels: &Value) {
        let alert = json!({
            "status": status, "labels": labels, "annotations": {}, "startsAt": "2026-03-01T09:00:00Z",
            "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-03-01T09:30:00Z" },
            "generatorURL": "", "fingerprint": labels.to_string(),
        });
        let body = json!({
            "version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": status, "receiver": "watchbell",
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": [alert],
        });
        let answer = self.watchbell.post("/hooks/prometheus", &body.to_string());
        assert_eq!(answer.status, 202, "{}", answer.body);
    }

    fn fires(&self, labels: &Value) {
        self.send("firing", labels);
    }

    fn says(&self, text: &str) -> String {
        let authorization = format!("Bearer {OF_ANA}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let body = json!({"text": text}).to_string();
        let answer = http::ask(self.watchbell.port, "POST", "/api/v1/commands", &headers, &body);
        let answer =
            answer.unwrap_or_else(|error| panic!("{text}: {error}\n{}", self.watchbell.process.tail()));
        answer.json()["text"].as_str().unwrap_or_default().to_owned()
    }

    fn json(&self, path: &str) -> Value {
        let authorization = format!("Bearer {OF_ANA}");
        let answer = http::ask(self.watchbell.port, "GET", path, &[("Authorization", &authorization)], "");
        answer.expect("an answer").json()
    }

    fn marks(&self) -> String {
        fs::read_to_string(self.folder.path().join("marks")).unwrap_or_default()
    }

    fn until_marks(&self, mark: &str) {
        let seen = until(PATIENCE, || self.marks().lines().any(|line| line == mark).then_some(()));
        assert!(seen.is_some(), "no mark `{mark}`: {}\n{}", self.marks(), self.watchbell.process.tail());
    }

    fn until_says(&self, command: &str, words: &str) -> String {
        let seen = until(PATIENCE, || {
            let text = self.says(command);
            text.contains(words).then_some(text)
        });
        seen.unwrap_or_else(|| panic!("no {words}: {}", self.says(command)))
    }

    /// The journal's lines that have all of these words in them.
    fn kept(&self, words: &[&str]) -> usize {
        let journal = String::from_utf8_lossy(&self.watchbell.journal()).into_owned();
        journal.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    fn until_kept(&self, words: &[&str]) {
        let seen = until(PATIENCE, || (self.kept(words) > 0).then_some(()));
        assert!(seen.is_some(), "nothing of {words:?}\n{}", self.watchbell.process.tail());
    }

    fn pages(&self) -> Vec<String> {
        let pages = self.phone.heard().into_iter().filter(crate::peer::server::Request::is_page);
        pages.map(|request| request.body).collect()
    }

    fn until_paged(&self) -> String {
        let page = self.phone.wait(PATIENCE, crate::peer::server::Request::is_page);
        page.unwrap_or_else(|| panic!("nobody is paged\n{}", self.watchbell.process.tail())).body
    }
}

fn config(shop: u16, phone: u16, scripts: &Path) -> String {
    format!(
        r##"
[api]
tokens = [{{ person = "ana", token = "{OF_ANA}" }}]
[integration.prometheus]
kind = "alertmanager"
[severity.P1]
labels = ['severity="critical"']
[person.ana]
roles = ["operator"]
[person.ben]
roles = ["operator"]
contacts = {{ hook = "http://127.0.0.1:{phone}/page" }}
urgent = ["now: hook"]
routine = ["now: hook"]
[person.bot]
roles = ["viewer"]
[person.fixer]
roles = ["operator"]
[[route]]
name = "disks"
match = ['alertname="DiskFull"']
group_wait = "0s"
channel = "#ops"
severity = "P1"
incident = true
run = ["/shop disk data"]
[[route]]
name = "shop"
match = ['service="shop"']
group_by = ["alertname"]
group_wait = "2s"
channel = "#shop"
[environment.production]
default = true
shop = {{ url = "http://127.0.0.1:{shop}" }}
[runbook]
scripts = "{}"
"##,
        scripts.display()
    )
}

fn script(root: &Path, name: &str, text: &str) {
    let folder = root.join("scripts");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn an_alert_starts_its_runbook_once_and_its_timeline_says_so() {
    let shop = Shop::open("10m");
    let slow = |instance: &str| json!({"alertname": "ShopSlow", "service": "shop", "instance": instance});
    shop.fires(&slow("till-1"));
    shop.until_marks("look all till-1 G-1");
    shop.fires(&slow("till-2"));
    shop.fires(&slow("till-3"));
    let runs = shop.until_says("/runbook runs", "passed");
    assert!(runs.contains("bot") && runs.matches("R-").count() >= 1 && !runs.contains("R-2"), "{runs}");
    assert_eq!(shop.marks(), "look all till-1 G-1\n", "one group starts it once");
    let streams = shop.kept(&["delivery_queued", "\"card\"", "#shop", "\"run\":\"R-1\""]);
    assert!(streams > 0, "it streams into the group's channel");
}

#[test]
fn a_route_runs_its_runbook_into_the_timeline_of_the_incident_that_it_opens() {
    let shop = Shop::open("10m");
    shop.fires(&json!({"alertname": "DiskFull", "instance": "db-1"}));
    shop.until_marks("disk data");
    let timeline = until(PATIENCE, || {
        let timeline = shop.json("/api/v1/incidents/INC-1/timeline").to_string();
        timeline.contains("R-1 ended as passed").then_some(timeline)
    });
    let timeline = timeline.unwrap_or_else(|| panic!("{}", shop.json("/api/v1/incidents/INC-1/timeline")));
    assert!(timeline.contains("R-1 started for G-1: Disk (/shop disk)"), "{timeline}");
    assert!(shop.kept(&["\"card\"", "#disks"]) > 0, "its own channel is where it streams");
    // The incident offers what its severity offers; nobody is paged for that.
    assert!(timeline.contains("Offered for P1: The shop is down (/shop emergency)"), "{timeline}");
    let shown = shop.says("/incident show INC-1");
    assert!(shown.contains("/shop emergency"), "{shown}");
    assert!(shop.pages().is_empty());
}

#[test]
fn an_answer_that_helps_pages_nobody_and_the_next_one_is_over_its_budget() {
    let shop = Shop::open("10m");
    shop.fires(&json!({"alertname": "ShopDown", "service": "shop"}));
    shop.until_marks("mend");
    // Its check fails at first; that it does is no reason to page.
    shop.until_kept(&["\"ended\"", "\"judge_due\""]);
    assert!(shop.pages().is_empty());
    fs::write(shop.folder.path().join("fine"), "").expect("a file");
    shop.until_kept(&["\"judged\":{\"helped\":true}"]);
    assert!(shop.pages().is_empty(), "it helped: {:?}", shop.pages());

    shop.send("resolved", &json!({"alertname": "ShopDown", "service": "shop"}));
    shop.fires(&json!({"alertname": "ShopDown", "service": "shop", "instance": "till-2"}));
    let page = shop.until_paged();
    assert!(page.contains("\"ben\""), "{page}");
    shop.until_kept(&["run_held_back", "/shop mend", "as often as it may"]);
    shop.until_kept(&["page_started", "held_back", "/shop mend"]);
    shop.until_kept(&["delivery_queued", "\"notice\":{\"held_back\""]);
    assert_eq!(shop.marks().matches("mend").count(), 1);
}

#[test]
fn an_answer_that_does_not_help_pages_also_when_the_process_was_killed_meanwhile() {
    let mut shop = Shop::open("6s");
    shop.fires(&json!({"alertname": "ShopDown", "service": "shop"}));
    shop.until_kept(&["\"ended\"", "\"judge_due\""]);
    shop.watchbell.process.kill();
    assert_eq!(shop.kept(&["\"judged\""]), 0);
    shop.watchbell.start_again();
    let page = shop.until_paged();
    assert!(page.contains("\"ben\""), "{page}");
    shop.until_kept(&["page_started", "not_helped"]);
    assert_eq!(shop.marks().matches("mend").count(), 1, "it is not done again");
}

#[test]
fn an_answer_is_judged_by_its_check_after_the_process_was_killed() {
    let mut shop = Shop::open("10m");
    shop.fires(&json!({"alertname": "ShopDown", "service": "shop"}));
    shop.until_kept(&["\"ended\"", "\"judge_due\""]);
    shop.watchbell.process.kill();
    fs::write(shop.folder.path().join("fine"), "").expect("a file");
    shop.watchbell.start_again();
    shop.until_kept(&["\"judged\":{\"helped\":true}"]);
    assert!(shop.pages().is_empty());
}

#[test]
fn an_identity_without_the_role_starts_nothing_and_that_is_said() {
    let shop = Shop::open("10m");
    shop.fires(&json!({"alertname": "ShopDown", "service": "shop"}));
    shop.until_kept(&["run_held_back", "/shop forbidden", "operator"]);
    shop.until_kept(&["delivery_queued", "#shop", "\"notice\":{\"held_back\""]);
    assert!(!shop.marks().contains("forbidden"));
}

#[test]
fn what_was_due_when_the_process_was_killed_is_done_after_it_started_again() {
    let mut shop = Shop::open("10m");
    shop.fires(&json!({"alertname": "ShopSlow", "service": "shop", "instance": "till-1"}));
    // The group still collects: nothing of the runbook has begun.
    shop.watchbell.process.kill();
    assert_eq!((shop.marks().as_str(), shop.kept(&["run_due"])), ("", 0));
    shop.watchbell.start_again();
    shop.until_marks("look all till-1 G-1");
    shop.until_says("/runbook runs", "passed");
    shop.watchbell.start_again();
    assert_eq!(shop.marks(), "look all till-1 G-1\n", "done once");
}

#[test]
fn only_some_run_at_once_and_those_that_wait_have_their_turn_after_a_kill() {
    let mut shop = Shop::open("10m");
    for number in 0..10 {
        shop.fires(&json!({"alertname": format!("Queue{number}"), "service": "shop"}));
    }
    let begun = |shop: &Shop| {
        let marks = shop.marks();
        marks.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert!(until(PATIENCE, || (begun(&shop) >= 8).then_some(())).is_some(), "{}", shop.marks());
    let due = || (shop.kept(&["\"run_due\""]) == 10).then_some(());
    assert!(until(PATIENCE, due).is_some(), "all are due");
    shop.watchbell.process.kill();
    assert_eq!((begun(&shop), shop.kept(&["\"started\""])), (8, 8), "{}", shop.marks());
    fs::write(shop.folder.path().join("fine"), "").expect("a file");
    shop.watchbell.start_again();
    let ended = || (shop.kept(&["\"ended\"", "passed"]) == 10).then_some(());
    assert!(until(PATIENCE, ended).is_some(), "{}", shop.says("/runbook runs"));
    assert_eq!((begun(&shop), shop.kept(&["\"started\""])), (10, 10));
}

#[test]
fn a_route_that_runs_what_cannot_run_is_told_so_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    script(root, "mark", "true");
    fs::create_dir_all(root.join("commands")).expect("a folder");
    fs::create_dir_all(root.join("config")).expect("a folder");
    fs::write(root.join("commands/disk.md"), DISK).expect("a runbook");
    let guarded = DISK.replace("/shop disk", "/shop guarded").replace("role: viewer", "role: operator");
    fs::write(root.join("commands/guarded.md"), guarded).expect("a runbook");
    let changes =
        DISK.replace("/shop disk", "/shop changes").replace("#| reads: true", "#| approve: operator");
    fs::write(root.join("commands/changes.md"), changes).expect("a runbook");
    let nobody = LOOK.replace("run_as: bot\n", "");
    fs::write(root.join("commands/look.md"), nobody).expect("a runbook");
    for (run, says) in [
        ("/shop dusk data", "there is no runbook `/shop dusk data`"),
        ("/shop disk", "is not complete: PART is missing"),
        ("/shop guarded data", "/shop guarded needs the role operator, and runs here as nobody"),
        ("/shop changes data", "/shop changes changes something, and runs here as nobody"),
        ("/incident list", "/incident list is built in, and a route runs runbooks"),
        ("/shop look", "`/shop look` has mistakes and cannot run"),
        ("/shop disk data", ""),
    ] {
        let config = config(1, 2, &root.join("scripts")).replace("/shop disk data", run);
        fs::write(root.join("config/watchbell.toml"), config).expect("its configuration");
        let mut check = std::process::Command::new(crate::peer::watchbell::here());
        let checked = check.arg("check").current_dir(root).output().expect("it runs");
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(said.contains(says), "{run}: {said}");
        assert_eq!(
            says.is_empty(),
            !said.contains("watchbell.toml:26:8: mistake"),
            "its place in the file: {run}: {said}"
        );
        assert!(said.contains("with `on_alert` it runs by itself, and nobody says as whom"), "{said}");
        assert_eq!(checked.status.code(), Some(1), "{said}");
        if run.contains("dusk") {
            assert!(said.contains("did you mean `/shop disk`"), "{said}");
        }
    }
}
