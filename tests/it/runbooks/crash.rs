//! `kill -9` after every event of a run, with the real process and real programs: what only reads is done again, what
//! changes something never is unasked, and no run stays in the middle.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Shop, http, text, until};

const RENEW: &str = r"---
command: /shop renew
summary: Renews the shop in four steps.
role: responder
examples: [/shop renew]
---

# Renew

## It answers

```http
#| name: answers
#| expect: status == 200
GET {{ qflow.url }}/health
```

## The first change

```run
#| name: first
restart first
```

## The second change, when somebody agrees

```run
#| name: second
#| when: first.ok
#| approve: operator
restart second
```

## It answers again

```http
#| expect: status == 200
GET {{ qflow.url }}/health
```
";

/// How often a word stands in a text.
fn count(text: &str, word: &str) -> usize {
    text.matches(word).count()
}

/// Runs until the journal holds this many events of the run, then kills; false: the run was over before.
fn kill_after(shop: &mut Shop, events: usize) -> bool {
    let port = shop.watchbell.port;
    let asks = move |person: &'static str, text: &'static str| {
        let token = if person == "ana" { "Bearer token-of-ana-0001" } else { "Bearer token-of-ben-0002" };
        let headers = [("Authorization", token), ("Content-Type", "application/json")];
        // The answer is lost with the process.
        drop(http::ask(port, "POST", "/api/v1/commands", &headers, &format!(r#"{{"text": "{text}"}}"#)));
    };
    let starts = thread::spawn(move || asks("ana", "/shop renew"));
    let mut agrees = None;
    let until = Instant::now() + Duration::from_secs(30);
    let over = loop {
        let journal = String::from_utf8_lossy(&shop.watchbell.journal()).into_owned();
        if count(&journal, r#""run":"R-1""#) >= events {
            break false;
        }
        if journal.contains(r#""ended":{"verdict""#) {
            break true;
        }
        if agrees.is_none() && journal.contains("approval_asked") {
            agrees = Some(thread::spawn(move || asks("ben", "/runbook approve R-1")));
        }
        assert!(Instant::now() < until, "{journal}");
        thread::sleep(Duration::from_millis(1));
    };
    shop.watchbell.process.kill();
    starts.join().expect("it ends");
    if let Some(agrees) = agrees {
        agrees.join().expect("it ends");
    }
    !over
}

#[test]
fn a_run_that_is_killed_after_any_of_its_events_is_taken_up_or_asks_and_doubles_nothing() {
    let mut seen = [0_usize; 3];
    for events in 1.. {
        let mut shop = Shop::with("healthy", Some("42"), &[("renew", RENEW)]);
        if !kill_after(&mut shop, events) {
            assert!(events > 8, "a run of four steps has more events than {events}");
            break;
        }
        shop.watchbell.start_again();
        let mut asked = false;
        let settled = until(Duration::from_secs(30), || {
            let said = text(&shop.says("ana", "/runbook runs"));
            if said.contains("waits for a decision") {
                asked = true;
                let before = shop.marks();
                thread::sleep(Duration::from_millis(150));
                assert_eq!(shop.marks(), before, "it was done again unasked after event {events}");
                assert_eq!(shop.says("ben", "/runbook continue R-1 --skip")["ok"], true);
            } else if said.contains("waits for an answer") {
                drop(shop.says("ben", "/runbook approve R-1"));
            }
            ["passed", "failed"].into_iter().find(|verdict| said.contains(verdict))
        });
        let verdict = settled
            .unwrap_or_else(|| panic!("after event {events}: {}", text(&shop.says("ana", "/runbook runs"))));
        let marks = shop.marks();
        for change in ["first", "second"] {
            assert!(count(&marks, change) <= 1, "{change} was done twice after event {events}: {marks}");
        }
        if verdict == "passed" {
            assert_eq!(marks, "first\nsecond\n", "after event {events}");
            assert!(!asked, "what nobody knows passed after event {events}");
            seen[0] += 1;
        } else {
            assert!(asked, "it failed and nobody was asked after event {events}: {marks}");
            seen[1] += 1;
        }
        seen[2] += 1;
    }
    assert!(seen[0] >= 4 && seen[1] >= 2, "of {} crashes, {} passed and {} asked", seen[2], seen[0], seen[1]);
}
