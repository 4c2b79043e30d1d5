//! Runbooks as people use them: the real process, fakes of what it asks, scripts that it starts, people with tokens.
//! Never against anything but this machine.

mod attacks;
mod crash;
mod erased;
mod promises;
mod secrets;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{http, ports, process::until, server::Server, watchbell::Watchbell};

const TOKEN: &str = "s3cret-token-of-qflow";

const HEALTH: &str = r#"---
command: /shop health
summary: Health of the shop.
role: viewer
sources: [answers, cpu, disk]
examples: [/shop health]
---

# Health

## It answers

```http
#| name: answers
#| expect: status == 200 and json.status == "healthy"
GET {{ qflow.url }}/health
```

## CPU is low

```promql
#| name: cpu
#| expect: value < 70
#| unit: "%"
cpu_percent
```

## The disk has room

```run
#| name: disk
#| reads: true
#| expect: code == 0 and json.free > 10
look
```

## What it stands on

```run
#| when: answers.ok and cpu.ok
#| reads: true
echoes {{ answers.json.status }} "{{ disk.json.free }}"
```
"#;

const RESTART: &str = r"---
command: /shop restart
summary: Restarts the shop.
role: responder
arguments:
  - name: component
examples: [/shop restart engine]
---

# Restart

## Restart it

```run
#| name: restart
#| approve: operator
restart {{ component }}
```

## It answers again

```http
#| expect: status == 200
GET {{ qflow.url }}/health
```
";

const SLOW: &str = r"---
command: /shop slow
summary: Takes its time.
role: responder
examples: [/shop slow]
---

# Slow

## A long step

```run
#| timeout: 5m
slow
```
";

const EACH_SECOND: &str = r#"---
command: /shop tick
summary: Looks each second.
role: viewer
examples: [/shop tick]
schedule: "* * * * * *"
timezone: Europe/Madrid
channel: '#shop'
run_as: bot
---

# Tick

## It answers

```http
#| expect: status == 200
GET {{ qflow.url }}/health
```
"#;

/// A folder with a configuration, runbooks and scripts, and the process.
struct Shop {
    folder: TempDir,
    watchbell: Watchbell,
    qflow: Server,
    prometheus: Server,
}

impl Shop {
    /// `cpu` is what Prometheus says; none: nobody answers there.
    fn open(status: &'static str, cpu: Option<&'static str>) -> Self {
        Self::with(status, cpu, &[("health", HEALTH), ("restart", RESTART), ("slow", SLOW)])
    }

    fn with(status: &'static str, cpu: Option<&'static str>, runbooks: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let prometheus = Server::start(move |_| {
            let result = json!([{"metric": {}, "value": [1_795_403_462.5, cpu.unwrap_or_default()]}]);
            let data = json!({"status": "success", "data": {"resultType": "vector", "result": result}});
            (200, data.to_string())
        });
        let elsewhere = prometheus.port;
        let qflow = Server::start(move |request| match request.path.as_str() {
            "/leads-elsewhere" => (302, format!("http://127.0.0.1:{elsewhere}/stolen")),
            "/leads-to-metadata" => (302, "http://169.254.169.254/latest/meta-data".to_owned()),
            _ => {
                // Whoever echoes what it was sent must not make a secret public.
                let said = request.header("authorization").unwrap_or("nobody").to_owned();
                (200, json!({"status": status, "said": said, "heard": request.body}).to_string())
            }
        });
        let port = if cpu.is_some() { prometheus.port } else { ports::free() };
        let root = folder.path();
        let marks = root.join("marks");
        let slow = format!("echo begun >> {}\nexec sleep 300", marks.display());
        let restart = format!("echo \"$1\" >> {}\necho \"restarted $1\"", marks.display());
        for (name, text) in [
            ("look", "echo '{\"free\": 42}'"),
            ("echoes", "echo \"$1 and $2\""),
            ("restart", &restart),
            ("slow", &slow),
        ] {
            script(root, name, text);
        }
        for (name, text) in attacks::SCRIPTS {
            script(root, name, &text.replace("ROOT", &root.display().to_string()));
        }
        fs::create_dir_all(root.join("commands")).expect("a folder");
        for (name, text) in runbooks {
            fs::write(root.join(format!("commands/{name}.md")), text).expect("a runbook");
        }
        let config = format!(
            r#"
[api]
tokens = [
  {{ person = "ana", token = "token-of-ana-0001" }},
  {{ person = "ben", token = "token-of-ben-0002" }},
  {{ person = "cyd", token = "token-of-cyd-0003" }},
  {{ person = "dee", token = "token-of-dee-0004" }},
]
[person.ana]
name = "Ana Ruiz"
roles = ["responder", "operator"]
[person.ben]
name = "Ben Weiss"
roles = ["operator"]
[person.cyd]
roles = ["operator"]
[person.dee]
roles = ["admin"]
[person.bot]
name = "The shop's bot"
roles = ["viewer"]
[environment.production]
default = true
qflow = {{ url = "http://127.0.0.1:{}", token = "{TOKEN}" }}
values = {{ runs_on = "kubernetes" }}
prometheus = {{ url = "http://127.0.0.1:{port}" }}
[environment.staging]
values = {{ namespace = "shop" }}
[runbook]
scripts = "{}"
"#,
            qflow.port,
            root.join("scripts").display()
        );
        let watchbell = Watchbell::here(root, &config);
        Self { folder, watchbell, qflow, prometheus }
    }

    fn says(&self, person: &str, text: &str) -> Value {
        says(self.watchbell.port, person, text)
    }

    /// What scripts wrote down.
    fn marks(&self) -> String {
        fs::read_to_string(self.folder.path().join("marks")).unwrap_or_default()
    }

    /// Waits until the card of the newest run says this.
    fn until_runs_say(&self, words: &str) -> String {
        let seen = until(Duration::from_secs(20), || {
            let text = text(&self.says("ana", "/runbook runs"));
            text.contains(words).then_some(text)
        });
        seen.unwrap_or_else(|| panic!("no {words}: {}", text(&self.says("ana", "/runbook runs"))))
    }

    /// Everything that was written down, and everything that was logged.
    fn kept(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&self.watchbell.journal()).into_owned() + &log
    }
}

fn script(root: &Path, name: &str, text: &str) {
    let folder = root.join("scripts");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

fn says(port: u16, person: &str, text: &str) -> Value {
    let token = match person {
        "ana" => "Bearer token-of-ana-0001",
        "ben" => "Bearer token-of-ben-0002",
        "dee" => "Bearer token-of-dee-0004",
        _ => "Bearer token-of-cyd-0003",
    };
    let headers = [("Authorization", token), ("Content-Type", "application/json")];
    let answer = http::ask(port, "POST", "/api/v1/commands", &headers, &json!({"text": text}).to_string());
    let answer = answer.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(answer.status, 200, "{text}: {}", answer.body);
    answer.json()
}

fn text(reply: &Value) -> String {
    reply["text"].as_str().unwrap_or_default().to_owned()
}

const SAYS: &str = r#"---
command: /shop watch
summary: Looks at the shop for a while.
role: responder
arguments:
  - flag: --duration
    type: duration
    default: 0s
examples: [/shop watch --duration 10m]
---

# Watch

## How it stands

```http
#| show: {{ json.status }} in {{ environment }} on {{ values.runs_on }}, {{ values.namespace is none }}
#| rows: headers
#| columns: name, value
#| follow: {{ duration }}
#| every: 1s
#| cache: 1s
GET {{ qflow.url }}/health
```

## Tell people

```chat
/announce #shop-status "The shop is {{ environment }} and well"
```
"#;

#[test]
fn a_step_says_its_answer_in_its_own_words_and_is_followed() {
    let shop = Shop::with("fine", None, &[("watch", SAYS)]);
    let once = text(&shop.says("ana", "/shop watch"));
    assert!(once.contains("fine in production on kubernetes, true"), "{once}");
    assert!(once.contains("content-length") && !once.contains("requestId"), "{once}");
    assert!(once.contains("It is on its way to #shop-status."), "{once}");
    let before = shop.qflow.heard().len();
    let watched = text(&shop.says("ana", "/shop watch --duration 3s"));
    assert!(watched.contains("passed"), "{watched}");
    let looks = shop.qflow.heard().len() - before;
    assert!((2..=5).contains(&looks), "it is looked at again and again, {looks} times");
    let kept = shop.kept();
    assert!(kept.contains("\"announced\"") && kept.contains("The shop is production and well"), "{kept}");
    let refused = text(&shop.says("ana", "/announce Ops hello"));
    assert!(refused.contains("Did you mean `#ops`?") && refused.contains("Nothing was posted"), "{refused}");
}

const MENDS: &str = r"---
command: /shop mend
summary: Looks, mends, and looks again.
role: operator
examples: [/shop mend]
---

# Mend

## Before

```http
#| name: before
#| cache: 1m
GET {{ qflow.url }}/health
```

## Mend it

```http
POST {{ qflow.url }}/mend
```

## After

```http
#| cache: 1m
GET {{ qflow.url }}/health
```
";

#[test]
fn what_was_seen_before_a_change_says_nothing_of_the_time_after_it() {
    let shop = Shop::with("fine", None, &[("mend", MENDS)]);
    for times in 1..=2 {
        let said = text(&shop.says("ana", "/shop mend"));
        assert!(said.contains("passed"), "{said}");
        let looks = shop.qflow.heard().iter().filter(|request| request.path == "/health").count();
        // The second run shares the look of the first before it changes something, and never after.
        assert_eq!(looks, times + 1, "{said}");
    }
}

#[test]
fn a_health_check_asks_everybody_and_keeps_its_secret() {
    let shop = Shop::open("healthy", Some("42"));
    let reply = shop.says("ana", "/shop health");
    let said = text(&reply);
    assert_eq!(reply["ok"], true, "{said}");
    assert!(said.contains("passed"), "{said}");
    assert!(said.contains("All 3 sources agree: it is as it should be."), "{said}");
    for line in ["✔ It answers: {", "✔ CPU is low: 42 %", "✔ The disk has room: {"] {
        assert!(said.contains(line), "what a step said in one line stands beside it: {said}");
    }
    assert!(!said.contains("## CPU is low"), "and not a second time: {said}");
    assert!(said.contains("healthy and 42"), "a later step has the results of earlier ones: {said}");
    let asked = shop.qflow.heard();
    let with = format!("Bearer {TOKEN}");
    assert!(asked.iter().any(|request| request.header("authorization") == Some(with.as_str())), "{asked:?}");
    assert!(said.contains("•••"), "what came back is covered: {said}");
    assert!(!reply.to_string().contains(TOKEN), "{reply}");
    assert!(!shop.kept().contains(TOKEN), "a secret was kept");
}

#[test]
fn a_check_that_fails_is_failed_and_a_service_that_is_down_is_unknown() {
    let shop = Shop::open("broken", None);
    let said = text(&shop.says("ana", "/shop health"));
    assert!(said.contains("failed"), "{said}");
    assert!(said.contains("expected status == 200 and json.status"), "{said}");
    let disagree = "The sources disagree. Not as it should be: It answers. As it should be: The disk has room. Unknown: CPU is low.";
    assert!(said.contains(disagree), "{said}");
    assert!(said.contains("unknown"), "nobody answered for the CPU: {said}");
    assert!(said.contains("\"free\": 42"), "what only reads is done all the same: {said}");
    assert!(said.contains("only when answers.ok and cpu.ok"), "{said}");
}

#[test]
fn a_restart_waits_for_somebody_else_and_a_dry_run_changes_nothing() {
    let shop = Shop::open("healthy", Some("42"));
    let dry = text(&shop.says("ana", "/shop restart engine --dry-run"));
    assert!(dry.contains("would do: restart engine"), "{dry}");
    assert!(dry.contains("(dry run): passed"), "{dry}");
    assert_eq!(shop.marks(), "", "a dry run changes nothing");

    let asks = text(&shop.says("ana", "/shop restart 'engine; rm -rf $(pwd)'"));
    assert!(asks.contains("waits for an answer"), "{asks}");
    let own = shop.says("ana", "/runbook approve R-2");
    assert_eq!(own["ok"], false, "the requester approved: {own}");
    assert_eq!(shop.marks(), "");
    let other = shop.says("ben", "/runbook approve R-2");
    assert_eq!(other["ok"], true, "{other}");
    let done = until(Duration::from_secs(20), || {
        let text = text(&shop.says("ana", "/runbook runs"));
        (text.matches("passed").count() == 2).then_some(())
    });
    assert!(done.is_some(), "{}", text(&shop.says("ana", "/runbook runs")));
    assert_eq!(shop.marks(), "engine; rm -rf $(pwd)\n", "one argument, done once");
}

#[test]
fn a_run_that_is_stopped_leaves_nothing_running() {
    let shop = Shop::open("healthy", Some("42"));
    let port = shop.watchbell.port;
    let caller = std::thread::spawn(move || text(&says(port, "ana", "/shop slow")));
    assert!(until(Duration::from_secs(20), || (shop.marks() == "begun\n").then_some(())).is_some());
    let stopped = shop.says("ben", "/runbook stop R-1");
    assert_eq!(stopped["ok"], true, "{stopped}");
    let said = caller.join().expect("an answer");
    assert!(said.contains("stopped by ben"), "{said}");
}

#[test]
fn a_change_that_was_running_when_the_process_was_killed_is_asked_about() {
    let mut shop = Shop::open("healthy", Some("42"));
    let port = shop.watchbell.port;
    let caller = std::thread::spawn(move || {
        let headers = [("Authorization", "Bearer token-of-ana-0001"), ("Content-Type", "application/json")];
        // The answer is lost with the process.
        drop(http::ask(port, "POST", "/api/v1/commands", &headers, r#"{"text": "/shop slow"}"#));
    });
    assert!(until(Duration::from_secs(20), || (shop.marks() == "begun\n").then_some(())).is_some());
    shop.watchbell.process.kill();
    caller.join().expect("it ends");
    shop.watchbell.start_again();
    shop.until_runs_say("waits for a decision");
    assert_eq!(shop.marks(), "begun\n", "it was begun a second time unasked");
    let skipped = shop.says("ana", "/runbook continue R-1 --skip");
    assert_eq!(skipped["ok"], true, "{skipped}");
    shop.until_runs_say("failed");
    assert_eq!(shop.marks(), "begun\n");
}

#[test]
fn a_runbook_runs_at_its_times_as_its_own_identity() {
    let shop = Shop::with("healthy", Some("42"), &[("tick", EACH_SECOND)]);
    let said = shop.until_runs_say("passed");
    assert!(said.contains("bot"), "{said}");
}
