//! An argument that is a secret, with the real process: it arrives where it is meant, and nothing that leaves or stays
//! holds it in any form.

use std::{fs, path::Path, time::Duration};

use base64::Engine as _;
use serde_json::Value;

use super::{Shop, text, until};

const LOGIN: &str = r#"---
command: /shop login
summary: Shows somebody's pin to the shop.
role: responder
arguments:
  - name: user
  - name: pin
    secret: true
examples: [/shop login ana pin-of-ana]
---

# Login

## Send it

```http
#| name: sent
#| reads: true
#| expect: status == 200 and pin != "none"
POST {{ qflow.url }}/login
X-Pin: {{ pin }}

{"user": "{{ user }}", "pin": "{{ pin }}"}
```

## Hand it over

```run
#| name: handed
#| when: pin is not none
#| approve: operator
keeps {{ user }} {{ pin }}
```

## It comes back

```run
#| reads: true
echoes {{ user }} {{ pin }}
```
"#;

const PIN: &str = r#"s3cr/et"pin"*~7"#;

/// What is written somewhere below a folder; the configuration and the scripts' own notes are not Watchbell's.
pub fn written(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            all += &written(&entry);
        } else {
            all += &String::from_utf8_lossy(&fs::read(&entry).unwrap_or_default());
        }
    }
    all
}

/// The forms in which a secret may stand somewhere.
pub fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    vec![secret.to_owned(), json[1..json.len() - 1].to_owned(), base64, percent, hex::encode(secret)]
}

pub fn holds_none_of(what: &str, text: &str, secret: &str) {
    for form in forms(secret) {
        assert!(!text.contains(&form), "{what} holds the secret");
    }
}

fn nothing_holds_it(shop: &Shop) {
    holds_none_of("a file", &written(&shop.folder.path().join("data")), PIN);
    holds_none_of("the log", &fs::read_to_string(shop.folder.path().join("log")).unwrap_or_default(), PIN);
    for command in ["/runbook runs", "/runbook runs R-1", "/help shop login"] {
        holds_none_of(command, &shop.says("ben", command).to_string(), PIN);
    }
}

#[test]
fn a_secret_arrives_and_is_seen_nowhere() {
    let shop = Shop::with("fine", None, &[("login", LOGIN)]);
    let dry = shop.says("ana", &format!("/shop login ana '{PIN}' --dry-run"));
    assert!(text(&dry).contains("would do: keeps ana •••"), "{dry}");
    holds_none_of("a dry run", &dry.to_string(), PIN);

    let asks = shop.says("ana", &format!("/shop login ana '{PIN}'"));
    assert!(text(&asks).contains("waits for an answer") && text(&asks).contains("•••"), "{asks}");
    holds_none_of("the question", &asks.to_string(), PIN);
    let sent = shop.qflow.heard().into_iter().rfind(|request| request.path == "/login").expect("a request");
    assert_eq!(sent.header("x-pin"), Some(PIN));
    let body: Value = serde_json::from_str(&sent.body).expect("JSON");
    assert_eq!((&body["user"], &body["pin"]), (&Value::from("ana"), &Value::from(PIN)));

    assert_eq!(shop.says("ben", "/runbook approve R-2")["ok"], true);
    let done = until(Duration::from_secs(20), || {
        let runs = text(&shop.says("ana", "/runbook runs"));
        (runs.matches("passed").count() == 2).then_some(())
    });
    assert!(done.is_some(), "{}", text(&shop.says("ana", "/runbook runs")));
    assert_eq!(shop.args(), ["ana", PIN], "the program has it as it was written");
    let kept = shop.kept();
    assert!(kept.contains("ana and •••"), "what echoes it is covered");
    assert!(kept.contains("keeps ana •••"), "who agrees sees that there is one");
    nothing_holds_it(&shop);
}

#[test]
fn a_slip_does_not_show_a_secret_again() {
    let shop = Shop::with("fine", None, &[("login", LOGIN)]);
    for (line, says) in [
        (format!("/shop login ana '{PIN}' {PIN}"), "is too much"),
        (format!("/shop login ana --{PIN}"), "There is no flag"),
        (format!("/shop login ana --pin {PIN}"), "There is no flag"),
        (format!("/shop lgoin ana '{PIN}'"), "/shop login"),
        (format!("/shop login '{PIN}'"), "PIN is missing"),
        (format!("/shop login --ask '{PIN}'"), "/shop login"),
        ("/shop login ana tiny5".to_owned(), "at least 6 characters"),
    ] {
        let reply = shop.says("ana", &line);
        assert_eq!(reply["ok"], false, "{reply}");
        assert!(text(&reply).contains(says), "{says}: {reply}");
        holds_none_of(&line, &reply.to_string(), PIN);
        assert!(!reply.to_string().contains("tiny5"), "{reply}");
    }
    let help = text(&shop.says("ana", "/help shop login"));
    assert!(help.contains("neither shown again nor kept"), "{help}");
    assert!(!shop.kept().contains("\"R-1\""), "nothing was started");
    assert!(shop.qflow.heard().is_empty());
    nothing_holds_it(&shop);
}

#[test]
fn a_run_that_was_told_a_secret_ends_with_the_process_and_says_why() {
    let mut shop = Shop::with("fine", None, &[("login", LOGIN)]);
    let asks = text(&shop.says("ana", &format!("/shop login ana '{PIN}'")));
    assert!(asks.contains("waits for an answer"), "{asks}");
    shop.watchbell.start_again();
    shop.until_runs_say("failed");
    let kept = shop.kept();
    assert!(kept.contains("it was told a secret, which is not kept"), "it says why");
    assert_eq!(shop.says("ben", "/runbook approve R-1")["ok"], false, "there is nothing left to agree to");
    assert!(shop.args().is_empty(), "nothing was done with ••• in its place");
    nothing_holds_it(&shop);
}
