//! What a runbook promises to people, with the real process: who may agree, what is asked first, what is tried again,
//! what is not kept, and what is said of a time when Watchbell was away.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{EACH_SECOND, RESTART, Shop, http, text, until};

const TWO: &str = r"---
command: /shop twice
summary: Needs two others.
role: responder
examples: [/shop twice]
---

# Twice

## Do it

```run
#| approve: 2 operator
restart twice
```
";

const SNEAK: &str = r"---
command: /shop sneak
summary: Says yes to a run in a step.
role: operator
arguments:
  - name: run
examples: [/shop sneak R-1]
---

# Sneak

## Say yes

```chat
/runbook approve {{ run }}
```
";

/// Says yes each second, as somebody who could if it were really them.
const ROBOT: &str = r#"---
command: /shop robot
summary: Says yes to everything.
role: operator
examples: [/shop robot]
schedule: "* * * * * *"
run_as: cyd
---

# Robot

## Say yes

```chat
#| name: first
#| on_fail: continue
/runbook approve R-1
```

```chat
#| on_fail: continue
/runbook approve R-2
```

```chat
#| on_fail: continue
/runbook approve R-3
```
"#;

fn run_of(said: &str) -> String {
    let at = said.find("R-").unwrap_or_else(|| panic!("no run: {said}"));
    said[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

#[test]
fn two_approvals_are_two_people_and_no_trick_makes_one_of_them_two() {
    let mut shop = Shop::with("fine", None, &[("two", TWO), ("sneak", SNEAK)]);
    let asks = text(&shop.says("ana", "/shop twice"));
    assert!(asks.contains("waits for an answer"), "{asks}");
    assert_eq!(shop.says("ana", "/runbook approve R-1")["ok"], false, "who asks does not approve");
    assert_eq!(shop.says("ben", "/runbook approve R-1")["ok"], true);
    assert_eq!(shop.says("ben", "/runbook approve R-1")["ok"], false, "the same person twice");
    assert_eq!(shop.marks(), "");
    // A step of somebody's runbook is not that person, whoever they are.
    for person in ["ana", "ben", "cyd"] {
        let sneaks = shop.says(person, "/shop sneak R-1");
        assert!(!text(&sneaks).contains("passed"), "{sneaks}");
        assert_eq!(shop.marks(), "", "{person} agreed by a runbook");
    }
    let nobody = http::post(shop.watchbell.port, "/api/v1/commands", r#"{"text": "/runbook approve R-1"}"#);
    assert_eq!(nobody.expect("an answer").status, 401, "nobody is no approver");
    // One token is one person, whoever it says that it is.
    let claims = r#"{"text": "/runbook approve R-1", "person": "cyd"}"#;
    let headers = [("Authorization", "Bearer token-of-ben-0002"), ("Content-Type", "application/json")];
    let claimed = http::ask(shop.watchbell.port, "POST", "/api/v1/commands", &headers, claims);
    let claimed = claimed.expect("an answer");
    assert!(claimed.status != 200 || claimed.json()["ok"] == false, "{}", claimed.body);
    assert_eq!(shop.marks(), "");
    // What was agreed to stays so over a restart, and is still one person.
    shop.watchbell.start_again();
    shop.until_runs_say("waits for an answer");
    assert_eq!(shop.says("ben", "/runbook approve R-1")["ok"], false, "twice, with a restart between");
    assert_eq!(shop.marks(), "");
    assert_eq!(shop.says("cyd", "/runbook approve R-1")["ok"], true);
    let done = until(Duration::from_secs(20), || (shop.marks() == "twice\n").then_some(()));
    assert!(done.is_some(), "{}", text(&shop.says("ana", "/runbook runs")));
}

#[test]
fn an_automatic_identity_approves_nothing() {
    let shop = Shop::with("fine", None, &[("restart", RESTART), ("robot", ROBOT)]);
    let asks = text(&shop.says("ana", "/shop restart engine"));
    assert!(asks.contains("waits for an answer"), "{asks}");
    let run = run_of(&asks);
    let robots = || text(&shop.says("ana", "/runbook runs --limit 100")).matches("/shop robot").count();
    let before = robots();
    let tried = until(Duration::from_secs(20), || (robots() >= before + 3).then_some(()));
    assert!(tried.is_some(), "it runs each second: {}", text(&shop.says("ana", "/runbook runs")));
    assert!(text(&shop.says("ana", &format!("/runbook runs {run}"))).contains("waits for an answer"));
    assert_eq!(shop.marks(), "");
}

#[test]
fn the_local_operator_without_a_token_approves_nothing() {
    let mut shop = Shop::with("fine", None, &[("restart", RESTART)]);
    let asks = text(&shop.says("ana", "/shop restart engine"));
    assert!(asks.contains("waits for an answer"), "{asks}");
    shop.watchbell.process.kill();
    let file = shop.folder.path().join("config/watchbell.toml");
    let config = fs::read_to_string(&file).expect("its configuration");
    let (before, rest) = config.split_once("[api]").expect("tokens");
    let (_, after) = rest.split_once("]\n[person.ana]").expect("people");
    fs::write(&file, format!("{before}[person.ana]{after}")).expect("its configuration");
    shop.watchbell.start_again();
    for person in ["", "ben"] {
        let reply = shop.watchbell.command(person, "/runbook approve R-1");
        assert_eq!(reply["ok"], false, "as `{person}`: {reply}");
    }
    assert!(text(&shop.watchbell.command("", "/runbook runs R-1")).contains("waits for an answer"));
    assert_eq!(shop.marks(), "");
}

const FAILS: &str = r"---
command: /shop fails
summary: Tries again, and gives up.
role: operator
examples: [/shop fails]
---

# Fails

## Try it

```run
#| name: tried
#| retry: 2 every 1s
fails
```

## Never

```run
restart never
```
";

#[test]
fn a_change_is_tried_as_often_as_it_says_and_no_more() {
    let shop = Shop::with("fine", None, &[("fails", FAILS)]);
    let dry = text(&shop.says("ana", "/shop fails --dry-run"));
    assert!(dry.contains("would do: fails"), "{dry}");
    assert_eq!(shop.marks(), "");
    let said = text(&shop.says("ana", "/shop fails"));
    assert!(said.contains("failed"), "{said}");
    assert_eq!(shop.marks(), "tried\ntried\ntried\n", "once and twice again, and nothing after it");
    let journal = String::from_utf8_lossy(&shop.watchbell.journal()).into_owned();
    assert!(journal.contains("\"attempt\":3") && !journal.contains("\"attempt\":4"), "attempts are counted");
}

const QUIET: &str = r#"---
command: /shop quiet
summary: Asks first, and hides a number.
role: responder
examples: [/shop quiet]
---

# Quiet

## Ask

```run
#| name: asked
#| confirm: Restart {{ environment }}?
restart asked
```

## Hide

```run
#| name: hidden
#| reads: true
#| redact: "[0-9]{4}-[0-9]{4}-[0-9]{4}"
prints
```

## Hand on

```run
#| reads: true
echoes "{{ hidden.stdout }}" end
```
"#;

#[test]
fn a_question_is_answered_first_and_what_is_redacted_is_not_kept() {
    let shop = Shop::with("fine", None, &[("quiet", QUIET)]);
    let asks = text(&shop.says("ana", "/shop quiet"));
    assert!(asks.contains("waits for an answer") && asks.contains("Restart production?"), "{asks}");
    assert_eq!(shop.marks(), "");
    assert_eq!(shop.says("ana", "/runbook approve R-1")["ok"], true, "whoever runs it answers it");
    shop.until_runs_say("passed");
    assert_eq!(shop.marks(), "asked\n");
    let said = text(&shop.says("ana", "/runbook runs R-1"));
    let kept = shop.kept();
    assert!(kept.contains("card ••• of ana"), "the rest is there");
    // The whole beginning of it: four digits alone are in some hash of a journal by chance.
    assert!(!kept.contains("4111-1111") && !said.contains("4111-1111"), "{said}");
    let refuses = text(&shop.says("ana", "/shop quiet"));
    assert!(refuses.contains("waits for an answer"), "{refuses}");
    assert_eq!(shop.says("ana", "/runbook refuse R-2")["ok"], true);
    shop.until_runs_say("refused");
    assert_eq!(shop.marks(), "asked\n", "a no is a no");
}

#[test]
fn a_file_that_changed_while_watchbell_was_away_ends_its_run() {
    let mut shop = Shop::with("fine", None, &[("restart", RESTART)]);
    let asks = text(&shop.says("ana", "/shop restart engine"));
    assert!(asks.contains("waits for an answer"), "{asks}");
    shop.watchbell.process.kill();
    let changed = RESTART.replace("restart {{ component }}", "restart everything");
    fs::write(shop.folder.path().join("commands/restart.md"), changed).expect("a runbook");
    shop.watchbell.start_again();
    shop.until_runs_say("failed");
    let said = text(&shop.says("ana", "/runbook runs R-1"));
    assert!(said.contains("changed while Watchbell was away"), "{said}");
    assert_eq!(shop.says("ben", "/runbook approve R-1")["ok"], false, "there is nothing left to agree to");
    assert_eq!(shop.marks(), "");
}

#[test]
fn times_that_passed_while_watchbell_was_away_are_noted_and_not_made_up_for() {
    let mut shop = Shop::with("fine", None, &[("tick", EACH_SECOND)]);
    shop.until_runs_say("passed");
    shop.watchbell.process.kill();
    let (killed, runs) = (Instant::now(), |kept: &str| kept.matches("\"started\"").count());
    let before = runs(&shop.kept());
    assert!(!shop.kept().contains("run_missed"));
    // Its times pass.
    assert!(
        until(Duration::from_secs(20), || (killed.elapsed() >= Duration::from_secs(4)).then_some(()))
            .is_some()
    );
    shop.watchbell.start_again();
    let noted = until(Duration::from_secs(20), || {
        let kept = shop.kept();
        let line = kept.lines().find(|line| line.contains("run_missed"))?.to_owned();
        Some((line, runs(&kept)))
    });
    let (line, started) = noted.unwrap_or_else(|| panic!("{}", shop.watchbell.process.tail()));
    assert!(line.contains("/shop tick"), "{line}");
    let times = line.split("\"times\":").nth(1).and_then(|rest| rest.split([',', '}']).next()?.parse().ok());
    assert!(times.is_some_and(|times: u64| times >= 3), "{line}");
    assert!(started <= before + 2, "what was missed is not made up for: {started} after {before}");
}
