//! One response, the same in Slack, in Discord and in the terminal: an alert is taken, an incident is declared by form,
//! led, noted, updated by form, resolved, and written up. Here is what all three have in common, and the terminal;
//! the platforms' own files press the buttons. Never reaches a real platform.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::peer::{
    load::{self, INTEGRATION},
    watchbell::{Watchbell, here},
};

/// The configuration that all three share: an alert pages ana and opens no incident by itself. `people` are the
/// accounts of ana and ben.
pub fn config(platform: &str, ana: &str, ben: &str) -> String {
    format!(
        r##"
{platform}
[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
page = "all"

[severity.P2]
name = "Medium"
means = "A minor function is impaired"
labels = ['severity="warning"']
urgency = "routine"

[person.ana]
name = "Ana Ruiz"
{ana}
urgent = ["now: chat"]
routine = ["now: chat"]

[person.ben]
name = "Ben Okafor"
{ben}
urgent = ["now: chat"]
routine = ["now: chat"]

[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

{INTEGRATION}
[[route]]
name = "load"
match = ['severity="critical"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
channel = "#ops"

[unrouted]
channel = "#ops"
"##
    )
}

/// What people did, by the timeline: the same wherever they did it. A pinned message is a note there.
pub fn deeds(watchbell: &Watchbell) -> Vec<String> {
    let people =
        ["acknowledged", "incident_opened", "role", "note", "message", "status", "severity", "resolved"];
    let entries = watchbell.items("/api/v1/incidents/INC-1/timeline");
    let told = entries.iter().filter(|entry| people.iter().any(|kind| entry["kind"] == *kind));
    let told = told.filter(|entry| entry["by"] == "ana");
    let said = |entry: &Value| {
        let text = entry["text"].as_str().unwrap_or_default();
        // The pin says whose message it was; the note is the same sentence by itself.
        if ["note", "message"].iter().any(|kind| entry["kind"] == *kind) {
            format!("note: {}", text.contains("the disk was full"))
        } else {
            format!("{}: {text}", entry["kind"].as_str().unwrap_or_default())
        }
    };
    told.map(said).collect()
}

/// The list of every response.
pub const DEEDS: &[&str] = &[
    "acknowledged: ana acknowledged G-1",
    "incident_opened: INC-1 opened from G-1 with severity P2: the load is too much",
    "acknowledged: ana acknowledged INC-1",
    "role: ana gave ben the role commander",
    "note: true",
    "status: Status is identified: resolved the wrong thing first",
    "severity: ana changed the severity from P2 to P1",
    "resolved: ana resolved INC-1: disk enlarged",
];

/// A form's values, as they are filled in everywhere.
pub const DECLARED: &[(&str, &str)] = &[("severity", "P2"), ("title", "the load is too much")];
/// A text that begins with a status is a text, wherever it is written.
pub const UPDATED: &[(&str, &str)] = &[("status", "identified"), ("text", "resolved the wrong thing first")];
/// How it ended.
pub const RESOLVED: &[(&str, &str)] = &[("text", "disk enlarged")];

/// Says these lines to the console of a server as ana, and gives back what it printed and whether all was done.
fn console(watchbell: &Watchbell, lines: &[&str]) -> (String, bool) {
    let server = format!("http://127.0.0.1:{}", watchbell.port);
    let mut command = Command::new(here());
    command.args(["console", "--as", "ana", "--server", &server]);
    let mut console =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    console.stdin.take().unwrap().write_all(format!("{}\n", lines.join("\n")).as_bytes()).unwrap();
    let output = console.wait_with_output().unwrap();
    let printed =
        [output.stdout, output.stderr].map(|out| String::from_utf8_lossy(&out).into_owned()).concat();
    (printed, output.status.success())
}

/// The number of a button in what was printed.
fn button(printed: &str, label: &str) -> String {
    let found = printed.rsplit_once(&format!("] {label}")).and_then(|(before, _)| before.rsplit_once('['));
    found.unwrap_or_else(|| panic!("no button {label}: {printed}")).1.to_owned()
}

#[test]
fn a_response_in_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let watchbell = Watchbell::here(folder.path(), &config("", "", ""));
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    crate::peer::process::until(std::time::Duration::from_secs(20), || {
        (!watchbell.items("/api/v1/alerts").is_empty()).then_some(())
    })
    .expect("the alert is there");
    let look = |what: &str| console(&watchbell, &[what]).0;
    // Each begins with a look, so that the number of a button is known.
    let press = |what: &str, label: &str, then: &[&str]| {
        let number = button(&look(what), label);
        let lines: Vec<&str> = [what, &number].into_iter().chain(then.iter().copied()).collect();
        let (printed, done) = console(&watchbell, &lines);
        assert!(done, "{printed}");
        printed
    };
    press("/alert show A-1", "Acknowledge", &[]);
    let answers =
        |values: &[(&'static str, &'static str)]| values.iter().map(|(_, value)| *value).collect::<Vec<_>>();
    let opened = press("/alert show A-1", "Open incident…", &answers(DECLARED));
    assert!(opened.contains("[P1]") && opened.contains("[Load000001]"), "prefilled: {opened}");
    assert!(opened.contains("INC-1 is open: the load is too much"), "{opened}");
    // Lists and pins are chat's: here their commands are written.
    for command in ["/incident assign INC-1 ben", "/incident note INC-1 the disk was full"] {
        let (printed, done) = console(&watchbell, &[command]);
        assert!(done, "{printed}");
    }
    press("/incident show INC-1", "Update…", &answers(UPDATED));
    let dropped = press("/incident show INC-1", "Note…", &["cancel", "/incident severity INC-1 P1"]);
    assert!(dropped.contains("Nothing was done."), "{dropped}");
    press("/incident show INC-1", "Resolve…", &answers(RESOLVED));
    let written = press("/incident show INC-1", "Postmortem", &[]);
    assert!(written.contains("the disk was full") && written.contains("disk enlarged"), "{written}");
    assert_eq!(deeds(&watchbell), DEEDS);
    let bare = look("/watchbell");
    assert!(bare.contains("Watchbell is here, Ana Ruiz (ana)."), "{bare}");
}
