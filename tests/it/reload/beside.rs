//! What stands beside the rules and is read anew as well: runbooks, the mail server, other teams' pagers, whose words are
//! whose. Never a restart, and never half of it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{House, admin, config, phone, text};
use crate::peer::{
    SOON, load,
    process::until,
    server::{Request, Server},
    watchbell::Watchbell,
};

const RUNBOOK: &str = "---
command: /shop pin
summary: Says the pin.
role: viewer
examples: [/shop pin]
---

# Pin

## Say it

```run
#| reads: true
says pin
```
";

/// A house with this runbook.
fn with_runbook(config: &str) -> House {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), RUNBOOK);
    let watchbell = Watchbell::here(folder.path(), &format!("{config}\n[runbook]\nprograms = [\"says\"]\n"));
    House { folder, watchbell }
}

fn write(folder: &Path, runbook: &str) {
    fs::create_dir_all(folder.join("commands/shop")).expect("a folder");
    fs::write(folder.join("commands/shop/pin.md"), runbook).expect("a runbook");
}

#[test]
fn a_broken_runbook_refuses_all_of_it_and_what_was_in_force_stays() {
    let ana = phone();
    let right = config(&ana, "");
    let house = with_runbook(&right);
    let before = house.loaded();
    let shown = house.watchbell.command("", "/runbook show shop pin");
    assert_eq!(shown["ok"], true, "{shown}");
    let with_dev =
        format!("{right}\n[runbook]\nprograms = [\"says\"]\n{}", load::person("dev", "Dev", ana.port));
    for (broken, place, sentence) in [
        (RUNBOOK.replace("#| reads: true", "#| raeds: true"), "pin.md:13", "raeds"),
        (RUNBOOK.replace("says pin", "shouts pin"), "pin.md:14", "shouts"),
        (RUNBOOK.replace("command: /shop pin", "command: /ack"), "pin.md:2", "/ack"),
    ] {
        write(house.path(), &broken);
        house.says(&with_dev);
        let reply = house.watchbell.command("", "/watchbell reload");
        assert_eq!(reply["ok"], false, "{reply}");
        let said = text(&reply);
        for part in ["Nothing was changed", place, sentence, "stays in force"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(house.loaded(), before, "{said}");
        let still = house.watchbell.command("", "/runbook show shop pin");
        assert_eq!(still["text"], shown["text"], "as it was");
        let nobody = house.watchbell.command("", "/page dev the pin");
        assert_eq!(nobody["ok"], false, "the people are those from before: {nobody}");
    }
    write(house.path(), &RUNBOOK.replace("Says the pin.", "Says another pin."));
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], true, "{reply}");
    assert!(text(&reply).contains("Runbook: 1 changed (/shop pin)"), "{reply}");
    assert!(text(&house.watchbell.command("", "/help shop pin")).contains("another pin"));
}

#[test]
fn whoever_wants_what_only_admins_may_is_refused_and_that_stays() {
    let ana = phone();
    let more = "\n[api]\ntokens = [{ person = \"ana\", token = \"token-of-ana-number-one\" }, \
                { person = \"ana\", token = \"token-of-a-screen-0001\", name = \"screen\", role = \"viewer\" }, \
                { person = \"ben\", token = \"token-of-ben-number-one\" }]\n";
    let people = load::person("ben", "Ben", ana.port);
    let house = House::open(&format!("{}\n{people}", admin(&config(&ana, more))));
    let (admin, screen, ben) =
        ("token-of-ana-number-one", "token-of-a-screen-0001", "token-of-ben-number-one");
    for (token, line) in [
        (ben, "/watchbell reload"),
        (ben, "/journal erase --person ana"),
        (ben, "/audit"),
        (screen, "/watchbell reload"),
        (ben, "/help"),
    ] {
        let reply = house.command_as(token, line).json();
        assert_eq!(reply["ok"], line == "/help", "{line}: {reply}");
    }
    let bearer = format!("Bearer {ben}");
    let refused = crate::peer::http::ask(
        house.watchbell.port,
        "GET",
        "/api/v1/audit",
        &[("Authorization", &bearer)],
        "",
    );
    assert_eq!(refused.expect("an answer").status, 403);
    let audit = text(&house.command_as(admin, "/audit --what access").json());
    for part in [
        "ben wanted /watchbell reload",
        "ben wanted /journal erase",
        "ben wanted /audit",
        "ben wanted /api/v1/audit",
        "ana wanted /watchbell reload",
        "ana (screen)",
    ] {
        assert!(audit.contains(part), "{part}: {audit}");
    }
    assert_eq!(audit.matches("was refused").count(), 5, "{audit}");
    assert!(!audit.contains("/help"), "{audit}");
    assert_eq!(house.loaded(), 1);
}

#[test]
fn thousands_of_refused_calls_leave_a_few_events_and_how_many_they_were() {
    const CALLS: usize = 3_000;
    let ana = phone();
    let more = "\n[api]\ntokens = [{ person = \"ana\", token = \"token-of-ana-number-one\" }, \
                { person = \"ben\", token = \"token-of-ben-number-one\" }]\n";
    let people = load::person("ben", "Ben", ana.port);
    let mut house = House::open(&format!("{}\n{people}", admin(&config(&ana, more))));
    let events = |house: &House| {
        let journal = house.watchbell.journal();
        journal.split(|byte| *byte == b'\n').count()
    };
    let (before, bearer) = (events(&house), "Bearer token-of-ben-number-one");
    for number in 0..CALLS {
        let (port, headers) = (house.watchbell.port, [("Authorization", bearer)]);
        let refused = crate::peer::http::ask(port, "GET", "/api/v1/audit", &headers, "").expect("an answer");
        assert_eq!(refused.status, 403, "number {number}: {}", refused.body);
    }
    // On a slow machine they take more than one minute, and each has its ten and its number.
    assert!(events(&house) - before < CALLS / 20, "{} events", events(&house) - before);
    // An orderly end does not wait for the minute to be over.
    assert!(house.watchbell.process.stop(crate::peer::SOON).is_some());
    house.watchbell.start_again();
    let audit = text(&house.command_as("token-of-ana-number-one", "/audit --what access --limit 200").json());
    let each = audit.matches("ben wanted /api/v1/audit").count();
    let told = audit.split("ben was refused ").skip(1);
    let counted: usize = told
        .map(|told| match told.split_once(" more").expect("how many").0 {
            "once" => 1,
            times => times.trim_end_matches(" times").parse().expect("a number"),
        })
        .sum();
    assert_eq!(each + counted, CALLS, "{audit}");
}

#[test]
fn the_words_of_somebody_who_has_left_are_still_found_and_erased() {
    let ana = phone();
    let right = config(&ana, "");
    let ben = load::person("ben", "Ben", ana.port);
    let house = House::open(&format!("{right}\n{ben}"));
    assert_eq!(house.watchbell.command("ben", "/incident open P1 zebra is down")["ok"], true);
    assert_eq!(house.watchbell.command("ben", "/incident note INC-1 zebra again")["ok"], true);
    assert_eq!(house.watchbell.command("ana", "/incident note INC-1 camel stays")["ok"], true);
    house.says(&right);
    assert_eq!(house.watchbell.command("", "/watchbell reload")["ok"], true);
    let who = house.watchbell.post("/api/v1/commands", &json!({"text": "/me", "person": "ben"}).to_string());
    assert_ne!(who.status, 200, "ben has left: {}", who.body);
    let erased = house.watchbell.command("", "/journal erase --person ben");
    assert_eq!(erased["ok"], true, "{erased}");
    assert!(text(&erased).contains("of ben erased"), "{erased}");
    let timeline = text(&house.watchbell.command("", "/incident timeline INC-1"));
    assert!(timeline.contains("camel stays") && !timeline.contains("zebra"), "{timeline}");
    let journal = String::from_utf8_lossy(&house.watchbell.journal()).into_owned();
    assert!(!journal.contains("zebra") && journal.contains("camel"), "{journal}");
    let verified = house.watchbell.other(&["journal", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

const KEY: &str = "0123456789abcdef0123456789ABCDEF";
const OTHER_KEY: &str = "abcdef0123456789abcdef0123456789";

#[test]
fn another_key_of_a_pager_counts_from_the_next_attempt_on_and_a_wrong_one_changes_nothing() {
    let pagerduty = Server::start(|request: &Request| {
        let event: Value = serde_json::from_str(&request.body).unwrap_or_default();
        if event["routing_key"] == KEY && event["event_action"] == "trigger" {
            return (503, String::new());
        }
        let taken =
            json!({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]});
        (202, taken.to_string())
    });
    let ana = phone();
    let with = |key: &str| {
        let vendor = format!(
            "[pagerduty]\nurl = \"http://127.0.0.1:{}\"\n[person.vendor]\nname = \"Vendor\"\n\
             contacts = {{ pager = {{ pagerduty = \"{key}\" }} }}\n",
            pagerduty.port
        );
        let right = config(&ana, "").replace("person:ana", "person:vendor");
        format!("{right}\n{vendor}")
    };
    let house = House::open(&with(KEY));
    let rings = |key: &'static str| {
        move |request: &Request| {
            let event: Value = serde_json::from_str(&request.body).unwrap_or_default();
            event["routing_key"] == key && event["event_action"] == "trigger"
        }
    };
    assert!(load::send(house.watchbell.port, &load::webhook(1)).expect("an answer").ok());
    assert!(pagerduty.wait(SOON, rings(KEY)).is_some(), "{}", house.watchbell.process.tail());
    let status = || text(&house.watchbell.command("", "/status"));
    let is_said = |status: &String| status.contains("PagerDuty  ") && status.contains("do not arrive");
    assert!(until(SOON, || Some(status()).filter(is_said)).is_some(), "{}", status());
    let before = house.loaded();
    // A key that can be none, and a place that can be none.
    for (wrong, sentence) in [
        (with("short"), "pager"),
        (with(KEY).replace("[pagerduty]\nurl = \"http", "[pagerduty]\nurl = \"ftp"), "pagerduty"),
        (with(KEY).replace("[pagerduty]\nurl", "[pagerduty]\nulr"), "`ulr`"),
    ] {
        house.says(&wrong);
        let reply = house.watchbell.command("", "/watchbell reload");
        assert_eq!(reply["ok"], false, "{reply}");
        let said = text(&reply);
        assert!(said.contains("Nothing was changed") && said.contains(sentence), "{sentence}: {said}");
        assert!(said.contains("watchbell.toml:") && !said.contains(KEY), "{said}");
    }
    assert_eq!(house.loaded(), before);
    house.says(&with(OTHER_KEY));
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], true, "{reply}");
    assert!(text(&reply).contains("Person: 1 changed (vendor)"), "{reply}");
    assert!(pagerduty.wait(SOON, rings(OTHER_KEY)).is_some(), "{}", house.watchbell.process.tail());
    let is_well = |status: &String| !status.contains("PagerDuty") && !status.contains("do not arrive");
    assert!(until(SOON, || Some(status()).filter(is_well)).is_some(), "{}", status());
    let journal = String::from_utf8_lossy(&house.watchbell.journal()).into_owned();
    for key in [KEY, OTHER_KEY] {
        assert!(!journal.contains(key) && !house.watchbell.process.tail().contains(key), "a key is shown");
        assert!(!reply.to_string().contains(key), "{reply}");
    }
}

#[test]
fn a_wrong_mail_server_changes_nothing() {
    let ana = phone();
    let right = config(&ana, "");
    let house = House::open(&right);
    let before = house.loaded();
    for (mail, sentence) in [
        ("smtp = \"http://mail.example.com\"\nfrom = \"bell@example.com\"", "smtp"),
        ("smtp = \"smtp://mail.example.com\"\nfrom = \"nobody\"", "from"),
        ("smtp = \"smtp://mail.example.com\"", "from"),
        (
            "smtp = \"smtps://bell@mail.example.com\"\nfrom = \"bell@example.com\"\npasswort = \"s3cret-word\"",
            "passwort",
        ),
    ] {
        house.says(&format!("{right}\n[mail]\n{mail}\n"));
        let reply = house.watchbell.command("", "/watchbell reload");
        assert_eq!(reply["ok"], false, "{mail}: {reply}");
        let said = text(&reply);
        assert!(said.contains("Nothing was changed") && said.contains(sentence), "{sentence}: {said}");
        assert_eq!(house.loaded(), before, "{said}");
    }
    let log = house.watchbell.process.tail();
    assert!(!log.contains("s3cret-word"), "{log}");
    assert!(load::send(house.watchbell.port, &load::webhook(1)).expect("an answer").ok());
    assert!(ana.wait(SOON, Request::is_page).is_some(), "pages go on");
}
