//! Cases for Alertmanager's webhook: what a real one sends, what a broken one sends, and what an attacker sends.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// As a real Alertmanager 0.25 writes it: a firing group with one alert that is resolved already.
const REAL: &str = r#"{"receiver":"watchbell","status":"firing","alerts":[
{"status":"firing","labels":{"alertname":"DiskFull","instance":"db-1:9100","severity":"critical"},
 "annotations":{"summary":"disk of db-1 is 97 % full","runbook_url":"https://runbooks.example.com/disk"},
 "startsAt":"2026-11-23T07:00:00.123456789Z","endsAt":"0001-01-01T00:00:00Z",
 "generatorURL":"http://prometheus:9090/graph?g0.expr=disk+%3E+0.9&g0.tab=1","fingerprint":"c2f5a5c8d1e0b3a4"},
{"status":"resolved","labels":{"alertname":"DiskFull","instance":"db-2:9100"},"annotations":{},
 "startsAt":"2026-11-23T08:30:00+02:00","endsAt":"2026-11-23T06:45:00Z","generatorURL":"","fingerprint":"aa"}],
"groupLabels":{"alertname":"DiskFull"},"commonLabels":{"alertname":"DiskFull"},"commonAnnotations":{},
"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{}:{alertname=\"DiskFull\"}","truncatedAlerts":3}"#;

fn received() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

fn take(body: &[u8]) -> Result<Report, Problem> {
    read(&IntegrationId::new("prometheus"), body, received())
}

fn take_json(body: &Value) -> Result<Report, Problem> {
    take(body.to_string().as_bytes())
}

fn one_alert(alert: &Value) -> Result<Signal, Problem> {
    take_json(&json!({"version": "4", "alerts": [alert]}))
        .map(|report| report.signals.into_iter().next().unwrap())
}

#[test]
fn a_real_message_is_read_in_full() {
    let report = take(REAL.as_bytes()).unwrap();
    assert_eq!(report.integration, IntegrationId::new("prometheus"));
    assert_eq!(report.source_group.as_deref(), Some(r#"{}:{alertname="DiskFull"}"#));
    assert_eq!((report.status, report.truncated), (AlertStatus::Firing, 3));
    assert_eq!(report.source.as_deref(), Some("http://alertmanager:9093/"));
    let [firing, resolved] = report.signals.as_slice() else { panic!("two alerts") };
    assert_eq!(firing.status, AlertStatus::Firing);
    assert_eq!(firing.fingerprint, "c2f5a5c8d1e0b3a4");
    assert_eq!(firing.labels.get("instance"), Some("db-1:9100"));
    assert_eq!(firing.annotations.get("summary"), Some("disk of db-1 is 97 % full"));
    assert_eq!(firing.starts_at.to_string(), "2026-11-23T07:00:00.123456789Z");
    assert_eq!(firing.ends_at, None);
    assert_eq!(firing.graph.as_deref(), Some("http://prometheus:9090/graph?g0.expr=disk+%3E+0.9&g0.tab=1"));
    assert_eq!(resolved.status, AlertStatus::Resolved);
    assert_eq!(resolved.starts_at.to_string(), "2026-11-23T06:30:00Z");
    assert_eq!(resolved.ends_at.unwrap().to_string(), "2026-11-23T06:45:00Z");
    assert_eq!(resolved.graph, None);
}

#[test]
fn what_every_alert_of_a_message_carries_is_short() {
    let message = |key: &str, url: &str| {
        take_json(&json!({"version": "4", "groupKey": key, "externalURL": url, "alerts": []})).unwrap()
    };
    let (key, url) = ("k".repeat(256), format!("http://a/{}", "u".repeat(1_991)));
    let kept = message(&key, &url);
    assert_eq!((kept.source_group.as_deref(), kept.source.as_deref()), (Some(&*key), Some(&*url)));
    let long = message(&format!("{key}1"), &format!("{url}u"));
    assert_eq!((long.source_group.as_deref().map(str::len), long.source), (Some(32), None));
    // Two long keys stay two groups.
    assert_ne!(long.source_group, message(&format!("{key}2"), &url).source_group);
    // Three letters of an address take nine once they are written as one.
    assert_eq!(message("", &format!("http://a/{}", "\u{20ac}".repeat(600))).source, None);
}

#[test]
fn what_is_missing_and_harmless_is_filled_in() {
    let report = take(br#"{"alerts":[]}"#).unwrap();
    assert_eq!((report.signals.len(), report.source_group, report.truncated), (0, None, 0));
    for status in ["firing", "resolved"] {
        let report =
            take_json(&json!({"version": 4, "groupKey": "", "alerts": [{"status": status}]})).unwrap();
        assert_eq!(report.signals[0].status, report.status);
        assert_eq!(report.signals[0].starts_at, received());
        assert_eq!(report.signals[0].fingerprint, fingerprint(&Labels::default()));
    }
    let odd = one_alert(&json!({
        "status": "resolved", "labels": null, "annotations": null, "startsAt": "0001-01-01T00:00:00Z",
        "endsAt": "", "generatorURL": "javascript:alert(1)", "fingerprint": "", "new": {"deep": [1, null]},
    }));
    let odd = odd.unwrap();
    assert!(odd.labels.is_empty() && odd.annotations.is_empty());
    assert_eq!((odd.starts_at, odd.ends_at, odd.graph), (received(), None, None));
}

#[test]
fn alerts_are_told_apart_by_their_labels_when_they_have_no_fingerprint() {
    let print =
        |labels: Value| one_alert(&json!({"status": "firing", "labels": labels})).unwrap().fingerprint;
    assert_eq!(print(json!({"a": "1", "b": "2"})), print(json!({"b": "2", "a": "1"})));
    assert_ne!(print(json!({"a": "1", "b": "2"})), print(json!({"a": "1b", "": "2"})));
    assert_ne!(print(json!({"a": "1"})), print(json!({"a": "2"})));
    assert_eq!(print(json!({"a": "1"})).len(), 16);
    for (sent, kept) in [("abc-1", true), ("a b", false), ("a/b", false), ("a\u{0}", false), ("ü", false)] {
        let signal = one_alert(&json!({"status": "firing", "fingerprint": sent})).unwrap();
        assert_eq!(signal.fingerprint == sent, kept, "{sent:?}");
    }
    let long = one_alert(&json!({"status": "firing", "fingerprint": "a".repeat(100_000)})).unwrap();
    assert_eq!(long.fingerprint.len(), 32);
}

#[test]
fn a_problem_names_the_field_as_it_was_sent_and_the_remedy() {
    let deep = format!("{{\"alerts\":{}", "[".repeat(100_000));
    let firing = r#"{"status":"firing"}"#;
    let many = format!(r#"{{"alerts":[{firing}{}]}}"#, format!(",{firing}").repeat(MOST_ALERTS));
    for (body, field, what) in [
        ("", None, "The body is empty"),
        (" \n", None, "The body is empty"),
        ("[]", None, "expected an object"),
        ("null", None, "expected an object"),
        ("5", None, "expected an object"),
        ("{", None, "not JSON"),
        (r#"{"alerts":[]} x"#, None, "not JSON"),
        ("\u{feff}{}", None, "not JSON"),
        ("{}", Some("alerts"), "is missing"),
        (r#"{"alerts":null}"#, Some("alerts"), "is missing"),
        (r#"{"alerts":{}}"#, Some("alerts"), "expected a list of alerts"),
        (r#"{"alerts":"x"}"#, Some("alerts"), "expected a list of alerts"),
        (r#"{"alerts":[5]}"#, Some("alerts[0]"), "expected an object"),
        (r#"{"alerts":[["firing"]]}"#, Some("alerts[0]"), "expected an object"),
        (r#"{"alerts":[{}]}"#, Some("alerts[0].status"), "is missing"),
        (r#"{"alerts":[{"status":"firing"},{"status":"odd"}]}"#, Some("alerts[1].status"), r#""odd""#),
        (r#"{"alerts":[{"status":7}]}"#, Some("alerts[0].status"), "expected a string"),
        (r#"{"alerts":[{"status":"firing","startsAt":"soon"}]}"#, Some("alerts[0].startsAt"), "RFC 3339"),
        (
            r#"{"alerts":[{"status":"firing","startsAt":17}]}"#,
            Some("alerts[0].startsAt"),
            "expected a string",
        ),
        (
            r#"{"alerts":[{"status":"firing","endsAt":"2026-13-01T00:00:00Z"}]}"#,
            Some("alerts[0].endsAt"),
            "RFC 3339",
        ),
        (
            r#"{"alerts":[{"status":"firing","startsAt":"2026-11-23"}]}"#,
            Some("alerts[0].startsAt"),
            "RFC 3339",
        ),
        (
            r#"{"alerts":[{"status":"firing","labels":{"x":1}}]}"#,
            Some("alerts[0].labels.x"),
            "expected a string",
        ),
        (
            r#"{"alerts":[{"status":"firing","labels":{"x":null}}]}"#,
            Some("alerts[0].labels.x"),
            "expected a string",
        ),
        (r#"{"alerts":[{"status":"firing","labels":[]}]}"#, Some("alerts[0].labels"), "values are strings"),
        (
            r#"{"alerts":[{"status":"firing","annotations":{"a":{}}}]}"#,
            Some("alerts[0].annotations.a"),
            "a string",
        ),
        (
            r#"{"alerts":[{"status":"firing","fingerprint":1}]}"#,
            Some("alerts[0].fingerprint"),
            "expected a string",
        ),
        (r#"{"version":"3","alerts":[]}"#, Some("version"), r#"expected "4""#),
        (r#"{"version":1,"alerts":[]}"#, Some("version"), r#"expected "4""#),
        (r#"{"status":"both","alerts":[]}"#, Some("status"), "firing"),
        (r#"{"truncatedAlerts":-1,"alerts":[]}"#, Some("truncatedAlerts"), "-1"),
        (r#"{"groupKey":{},"alerts":[]}"#, Some("groupKey"), "expected a string"),
        (r#"{"status":"firing","status":"firing","alerts":[]}"#, Some("status"), "duplicate field"),
        (r#"{"alerts":[{"labels":{},"labels":{}}]}"#, Some("alerts[0].labels"), "duplicate field"),
        (&deep, Some("alerts[0]"), "expected an object"),
        (&many, Some("alerts"), "more than 50000 alerts"),
    ] {
        let shown = body.chars().take(80).collect::<String>();
        let problem = take(body.as_bytes()).expect_err(&shown);
        assert_eq!(problem.field.as_deref(), field, "{shown}: {problem}");
        assert!(problem.what.contains(what), "{shown}: {problem}");
        assert!(problem.remedy.starts_with("Send ") && problem.to_string().len() < 600, "{problem}");
    }
}

#[test]
fn a_problem_repeats_little_and_nothing_that_could_act() {
    let name = format!("\u{1b}[2J{}", "n".repeat(10_000));
    let problem = one_alert(&json!({"status": "firing", "labels": {name: 1}})).unwrap_err();
    let shown = problem.to_string();
    assert!(problem.field.as_deref().unwrap().starts_with("alerts[0].labels."), "{shown}");
    assert!(shown.len() < 600 && !shown.chars().any(char::is_control), "{shown}");
    let problem = one_alert(&json!({"status": "x\r\n".repeat(1000)})).unwrap_err();
    assert!(problem.to_string().len() < 600 && !problem.to_string().chars().any(char::is_control));
}

#[test]
fn hostile_labels_are_kept_as_sent() {
    let hostile = "@everyone <!channel> \u{0}\u{1b}[31m\u{202e}\n`code` <script>";
    let labels: serde_json::Map<String, Value> =
        (0..10_000).map(|n| (format!("label_{n}"), hostile.into())).collect();
    let signal = one_alert(&json!({"status": "firing", "labels": labels})).unwrap();
    assert_eq!(signal.labels.len(), 10_000);
    assert!(signal.labels.iter().all(|(_, value)| value == hostile));
    let again = r#"{"alerts":[{"status":"firing","labels":{"a":"1","a":"2"}}]}"#;
    assert_eq!(take(again.as_bytes()).unwrap().signals[0].labels.to_string(), r#"{a="2"}"#);
}

#[test]
fn depth_in_what_is_ignored_does_no_harm() {
    let deep = format!(r#"{{"extra":{}{},"alerts":[]}}"#, "[".repeat(50_000), "]".repeat(50_000));
    // Either answer is right; what matters is that the stack holds.
    drop(take(deep.as_bytes()));
}

/// Any JSON, with the names that matter more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(firing|resolved|4|0001-01-01T00:00:00Z|9999-12-31T23:59:59Z|2026-01-01T00:00:00.1+14:00|.{0,12})"
            .prop_map(Value::from),
    ];
    let name =
        "(alerts|status|labels|annotations|startsAt|endsAt|fingerprint|version|groupKey|externalURL|.{0,4})";
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_a_report_or_a_problem(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(take(&body));
    }

    #[test]
    fn any_json_is_a_report_or_a_problem_with_a_remedy(body in any_json()) {
        if let Err(problem) = take_json(&body) {
            prop_assert!(!problem.what.is_empty() && !problem.remedy.is_empty());
        }
    }

    #[test]
    fn a_real_message_that_was_damaged_is_a_report_or_a_problem(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        let mut body = REAL.as_bytes().to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(body.len());
            match edit {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => body.truncate(at.max(1)),
            }
        }
        drop(take(&body));
    }

    #[test]
    fn what_was_taken_is_what_was_sent(
        labels in proptest::collection::btree_map(".*", ".*", 0..8),
        seconds in 0_i64..4_000_000_000,
        nanos in 0_i32..1_000_000_000,
    ) {
        let at = Timestamp::new(seconds, nanos).unwrap();
        let signal = one_alert(&json!({"status": "firing", "labels": labels, "startsAt": at.to_string()})).unwrap();
        prop_assert_eq!(signal.starts_at, at);
        prop_assert_eq!(signal.labels, labels.iter().collect::<Labels>());
    }
}
