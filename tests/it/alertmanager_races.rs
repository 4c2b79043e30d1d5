//! What a real Alertmanager does when it is cut short, refused, kept waiting, restarted or doubled: one firing stays one
//! page, and what is over is over. Never a model of Alertmanager: only the network between the two is played.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::peer::{
    SOON,
    alertmanager::{self, Alertmanager},
    http, load,
    process::{installed, until},
    server::{HANGS_UP, Request, Server},
    watchbell::Watchbell,
};

/// Longer than Alertmanager waits for a receiver (ten seconds when its group interval is shorter).
const TOO_LONG: Duration = Duration::from_secs(14);

/// Watchbell with one phone, and what lies between it and Alertmanager.
struct House {
    folder: tempfile::TempDir,
    phone: Server,
    watchbell: Arc<Watchbell>,
    /// What Alertmanager sends goes through here.
    between: Server,
}

impl House {
    /// `upset` decides by the number of the message (from 0) what becomes of the answer, after Watchbell has it.
    fn open(upset: impl Fn(usize) -> Upset + Send + Sync + 'static) -> Self {
        assert!(installed(alertmanager::PROGRAM), "scripts/install installs {}", alertmanager::PROGRAM);
        let folder = tempfile::tempdir().expect("a folder");
        let phone = Server::start(|_| (200, String::new()));
        let config = format!(
            r#"
{}
[policy.ops]
steps = [{{ page = ["person:ana"], wait = "1h" }}]
[integration.prometheus]
kind = "alertmanager"
token = "a-token-of-the-test"
[[route]]
name = "all"
match = ['service="qflow"']
group_by = ["service"]
group_wait = "0s"
page = "ops"
"#,
            load::person("ana", "Ana Ruiz", phone.port)
        );
        let watchbell = Arc::new(Watchbell::here(&folder.path().join("watchbell"), &config));
        let (port, count) = (watchbell.port, AtomicUsize::new(0));
        let between = Server::start(move |request| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let upset = upset(number);
            if upset == Upset::Lost {
                return (HANGS_UP, String::new());
            }
            let token =
                [("Authorization", "Bearer a-token-of-the-test"), ("Content-Type", "application/json")];
            let answer = http::ask(port, "POST", "/hooks/prometheus", &token, &request.body);
            let answer = answer.expect("Watchbell answers");
            assert_eq!(answer.status, 202, "{}: {}", request.body, answer.body);
            match upset {
                Upset::Fine | Upset::Lost => (answer.status, answer.body),
                Upset::Refused => (500, "not today".to_owned()),
                Upset::Late => {
                    thread::sleep(TOO_LONG);
                    (answer.status, answer.body)
                }
            }
        });
        Self { folder, phone, watchbell, between }
    }

    fn alertmanager(&self, name: &str, more: &str) -> Alertmanager {
        Alertmanager::start(&self.folder.path().join(name), &self.told(more)).ready()
    }

    /// Every message at once, groups by service.
    fn told(&self, more: &str) -> String {
        format!(
            "route:\n  receiver: watchbell\n  group_by: [service]\n  group_wait: 0s\n  group_interval: 1s\n  \
             repeat_interval: 1h\nreceivers:\n- name: watchbell\n  webhook_configs:\n  \
             - url: http://127.0.0.1:{}/hook\n    send_resolved: true\n{more}",
            self.between.port
        )
    }

    /// How many messages Alertmanager has sent that speak of this alert in this state.
    fn sent(&self, alert: &str, status: &str) -> usize {
        let says = |request: &&Request| {
            let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
            let all = body["alerts"].as_array().cloned().unwrap_or_default();
            all.iter().any(|it| it["labels"]["alertname"] == alert && it["status"] == status)
        };
        self.between.heard().iter().filter(says).count()
    }

    fn firing(&self) -> Vec<String> {
        let alerts = self.watchbell.items("/api/v1/alerts?status=firing");
        let mut names: Vec<String> = alerts
            .iter()
            .filter_map(|alert| alert["labels"]["alertname"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    /// Waits until exactly these fire.
    fn expect_firing(&self, names: &[&str]) {
        until(SOON, || (self.firing() == names).then_some(())).unwrap_or_else(|| {
            panic!("{:?} fire and not {names:?}\n{:#?}", self.firing(), self.between.heard())
        });
    }

    fn pages(&self) -> usize {
        self.phone.heard().iter().filter(|request| request.is_page()).count()
    }

    fn groups(&self, status: &str) -> usize {
        self.watchbell.items(&format!("/api/v1/groups?status={status}")).len()
    }

    fn expect_closed(&self) {
        until(SOON, || (self.groups("open") == 0).then_some(()))
            .unwrap_or_else(|| panic!("a group is open: {:#?}", self.between.heard()));
    }
}

/// What becomes of an answer on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upset {
    /// It arrives.
    Fine,
    /// The message itself is lost.
    Lost,
    /// Watchbell took the message; Alertmanager hears 500.
    Refused,
    /// Watchbell took the message; its answer comes when Alertmanager has given up.
    Late,
}

/// What Prometheus would say: `began` names the firing, and an alert that is over ended a second ago, or right after it
/// began.
fn say(alertmanager: &Alertmanager, began: Timestamp, names: &[&str], over: bool) {
    let alerts: Vec<Value> = names
        .iter()
        .map(|name| {
            let mut alert = json!({
                "labels": {"alertname": name, "service": "qflow", "severity": "critical"},
                "annotations": {"summary": format!("{name} is wrong")},
                "startsAt": began.to_string(),
            });
            if over {
                let ended =
                    (now() - SignedDuration::from_secs(1)).max(began + SignedDuration::from_millis(1));
                alert["endsAt"] = json!(ended.to_string());
            }
            alert
        })
        .collect();
    let answer = http::post(alertmanager.port, "/api/v2/alerts", &Value::from(alerts).to_string());
    assert!(answer.as_ref().is_ok_and(http::Answer::ok), "{answer:?}");
}

#[expect(clippy::disallowed_methods, reason = "a real Alertmanager looks at the real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// When the firings of a test began: a minute ago.
fn a_minute_ago() -> Timestamp {
    now() - SignedDuration::from_mins(1)
}

/// Starts it again in the same folder after `kill -9`: it has kept nothing.
fn again(house: &House, mut alertmanager: Alertmanager, folder: &str) -> Alertmanager {
    alertmanager.process.kill();
    drop(std::fs::remove_dir_all(Path::new(house.folder.path()).join(folder).join("data")));
    house.alertmanager(folder, "")
}

#[test]
#[ignore = "starts the real Alertmanager: scripts/test"]
fn groups_that_were_cut_short_end_as_a_whole() {
    let house = House::open(|_| Upset::Fine);
    let alertmanager = house.alertmanager("alertmanager", "    max_alerts: 2\n");
    let began = a_minute_ago();
    say(&alertmanager, began, &["Y", "Z"], false);
    house.expect_firing(&["Y", "Z"]);
    // Whichever two are told now, all four are known in the end, or the two that were cut off never were.
    say(&alertmanager, began, &["A", "B"], false);
    until(SOON, || (house.between.heard().len() >= 2).then_some(())).expect("the second message");
    let known = house.firing();
    say(&alertmanager, began, &["A", "B", "Y", "Z"], true);
    house.expect_closed();
    let last = house.between.heard().pop().expect("a message");
    let said: Value = serde_json::from_str(&last.body).expect("JSON");
    assert_eq!(
        (&said["status"], &said["truncatedAlerts"]),
        (&json!("resolved"), &json!(2)),
        "Alertmanager did not cut the end short: {said}"
    );
    assert!(known.len() >= 2 && house.firing().is_empty(), "{known:?}, then {:?}", house.firing());
    assert_eq!(house.pages(), 1);
}

#[test]
#[ignore = "starts the real Alertmanager: scripts/test"]
fn a_part_of_a_group_ends_and_fires_again() {
    let house = House::open(|_| Upset::Fine);
    let alertmanager = house.alertmanager("alertmanager", "");
    let began = a_minute_ago();
    say(&alertmanager, began, &["A", "B", "C"], false);
    house.expect_firing(&["A", "B", "C"]);
    say(&alertmanager, began, &["B"], true);
    house.expect_firing(&["A", "C"]);
    assert_eq!(house.groups("open"), 1, "what still fires keeps the group open");
    // The same one again, with a new start: part of the same group, and nobody is paged twice for it.
    let again = now();
    say(&alertmanager, again, &["B"], false);
    house.expect_firing(&["A", "B", "C"]);
    say(&alertmanager, again, &["B"], true);
    say(&alertmanager, began, &["A", "C"], true);
    house.expect_closed();
    assert_eq!(house.pages(), 1);
}

#[test]
#[ignore = "starts the real Alertmanager: scripts/test"]
fn what_is_sent_again_after_500_or_a_broken_connection_is_known() {
    let house = House::open(|number| match number {
        0 | 1 => Upset::Refused,
        2 => Upset::Lost,
        _ => Upset::Fine,
    });
    let alertmanager = house.alertmanager("alertmanager", "");
    let began = a_minute_ago();
    say(&alertmanager, began, &["A"], false);
    until(SOON, || (house.sent("A", "firing") >= 4).then_some(())).expect("Alertmanager tries again");
    house.expect_firing(&["A"]);
    assert_eq!((house.pages(), house.watchbell.items("/api/v1/groups").len()), (1, 1));
    say(&alertmanager, began, &["A"], true);
    house.expect_closed();
    assert_eq!(house.pages(), 1);
}

#[test]
#[ignore = "starts the real Alertmanager: scripts/test"]
fn an_answer_that_comes_too_late_doubles_nothing() {
    let house = House::open(|number| if number == 0 { Upset::Late } else { Upset::Fine });
    let alertmanager = house.alertmanager("alertmanager", "");
    let began = a_minute_ago();
    say(&alertmanager, began, &["A"], false);
    // The page does not wait for any of that.
    house.phone.wait(SOON, Request::is_page).expect("ana is paged");
    until(TOO_LONG + SOON, || (house.sent("A", "firing") >= 2).then_some(()))
        .expect("Alertmanager gives up and sends the same again");
    say(&alertmanager, began, &["A"], true);
    house.expect_closed();
    assert_eq!((house.pages(), house.watchbell.items("/api/v1/groups").len()), (1, 1));
}

#[test]
#[ignore = "starts the real Alertmanager: scripts/test"]
fn an_alertmanager_that_was_killed_and_forgot_everything_pages_nobody_anew() {
    let house = House::open(|_| Upset::Fine);
    let alertmanager = house.alertmanager("alertmanager", "");
    let began = a_minute_ago();
    say(&alertmanager, began, &["A", "B"], false);
    house.expect_firing(&["A", "B"]);
    let alertmanager = again(&house, alertmanager, "alertmanager");
    // Prometheus says it again; Alertmanager does not know that it told us.
    let before = house.between.heard().len();
    say(&alertmanager, began, &["A", "B"], false);
    until(SOON, || (house.between.heard().len() > before).then_some(())).expect("it is told again");
    house.expect_firing(&["A", "B"]);
    say(&alertmanager, began, &["A", "B"], true);
    house.expect_closed();
    assert_eq!((house.pages(), house.watchbell.items("/api/v1/groups").len()), (1, 1));
}

#[test]
#[ignore = "starts the real Alertmanager: scripts/test"]
fn two_alertmanagers_that_say_the_same_are_one_alarm() {
    let house = House::open(|_| Upset::Fine);
    let (one, two) = (house.alertmanager("one", ""), house.alertmanager("two", ""));
    let began = a_minute_ago();
    say(&one, began, &["A"], false);
    // The other one's Prometheus saw it fifteen seconds later.
    say(&two, began + SignedDuration::from_secs(15), &["A"], false);
    until(SOON, || (house.sent("A", "firing") >= 2).then_some(())).expect("both tell it");
    house.expect_firing(&["A"]);
    // One says that it is over, a little later the other, too: one end.
    say(&one, began, &["A"], true);
    house.expect_closed();
    say(&two, began + SignedDuration::from_secs(15), &["A"], true);
    until(SOON, || (house.sent("A", "resolved") >= 2).then_some(())).expect("both tell the end");
    house.expect_closed();
    assert_eq!((house.pages(), house.watchbell.items("/api/v1/groups").len()), (1, 1));
}
