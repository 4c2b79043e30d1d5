//! A morning with the repository's own runbooks: at nine the check finds that a part of Qflow is away, a guide says what
//! to do, a second person agrees to a restart, and it helped. Never waits for the time of day: the clock begins at nine.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use regex::Regex;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use watchbell::{
    app::{App, Options},
    cli::client::{
        Client, Place, address,
        live::{Frame, Said},
    },
    text::lines,
};

use super::{
    logbook::{parameter, parts},
    programs::{Called, Programs},
    site::{Ground, Plan, token},
};
use crate::peer::{
    SOON,
    process::until,
    server::{Reply, Request},
};

/// A Tuesday on which ana is on call, some seconds before the check.
const BEGINS: &str = "2026-03-10T08:59:57+01:00[Europe/Madrid]";
/// Where the check speaks.
const OPS: &str = "#qflow-ops";
/// How long something may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often a run is looked at that asks somebody or ends.
const LOOK: Duration = Duration::from_millis(100);

/// What is called to restart the part that is away.
pub const RESTART: [&str; 7] = [
    "kubectl",
    "-n",
    "qflow",
    "rollout",
    "restart",
    "deployment/qflow-validation",
    "--kubeconfig=/etc/watchbell/production.kubeconfig",
];

/// Whether a call is that restart.
pub fn restarts(call: &Called) -> bool {
    call.iter().any(|word| word == "restart")
}

/// A Prometheus that does not reach the validation until somebody restarts it; all else is well.
pub fn prometheus(programs: &Programs, request: &Request) -> Reply {
    let (path, parameters) = parts(request);
    let query = parameter(&parameters, "query").unwrap_or_default();
    let number = |name| parameter(&parameters, name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(1);
    let value = match query {
        query if query.contains("cpu_usage") => "41",
        query if query.contains("memory_usage") => "52.5",
        query if query.contains("flows_completed") => "99.2",
        query if query.contains("connections_active") => "7",
        _ => "0",
    };
    let result = if path.last().is_some_and(|last| last == "query_range") {
        let (start, step) = (number("start"), number("step"));
        let values: Vec<Value> = (0..40).map(|at| json!([start + at * step, value])).collect();
        json!({"resultType": "matrix", "result": [{"metric": {}, "values": values}]})
    } else if query.starts_with("up") {
        let again = programs.calls().iter().any(restarts);
        let part = |(name, up): (&str, bool)| {
            let labels = json!({"__name__": "up", "job": "qflow", "instance": format!("{name}:9090")});
            json!({"metric": labels, "value": [1_795_403_462.5, if up { "1" } else { "0" }]})
        };
        let parts = [("qflow-engine", true), ("qflow-network", true), ("qflow-validation", again)].map(part);
        json!({"resultType": "vector", "result": parts})
    } else {
        json!({"resultType": "vector", "result": [{"metric": {}, "value": [1_795_403_462.5, value]}]})
    };
    (200, json!({"status": "success", "data": result}).to_string())
}

/// A Watchbell on this ground, whose clock shows a moment before nine.
pub async fn before_nine(ground: &Ground) -> App {
    let begins: jiff::Zoned = BEGINS.parse().expect("an instant");
    let options = Options {
        data_dir: Some(ground.folder().join("data")),
        listen: Some(([127, 0, 0, 1], 0).into()),
        commands: Some(ground.commands()),
        begins_at: Some(begins.timestamp()),
        ..Options::default()
    };
    App::start(ground.loaded(), options).await.expect("it starts")
}

/// What the bot said by itself, as somebody at a terminal sees it: of a message that is edited, the last form.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Said>>>);

impl Heard {
    fn take(&self, said: Said) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|known| known.delivery == said.delivery && known.to == said.to) {
            Some(known) => *known = said,
            None => all.push(said),
        }
    }

    fn find(&self, to: &str, words: &[&str]) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = all.iter().filter(|said| said.to == to).map(|said| lines::card(&said.card));
        texts.into_iter().find(|text| words.iter().all(|word| text.contains(word)))
    }

    fn all(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<_> =
            all.iter().map(|said| [said.to.clone(), lines::card(&said.card)].join(": ")).collect();
        all.join("\n")
    }
}

/// The conversation, as it is told.
struct Story {
    client: Client,
    heard: Heard,
    told: String,
}

impl Story {
    fn begin(app: &App) -> (Self, JoinHandle<()>) {
        let place = Place { url: address(app.address), source: "is that of the test".to_owned() };
        let client = Client::new(place, None, None).expect("a client");
        let heard = Heard::default();
        let (listener, ear) = (client.speaking_as("ana").with_token(token("ana").into()), heard.clone());
        let listening = tokio::spawn(async move {
            let mut live = listener.live(None).await.unwrap_or_else(|failure| panic!("{failure}"));
            while let Ok(frame) = live.next().await {
                if let Frame::Message(said) = frame {
                    ear.take(said);
                }
            }
        });
        (Self { client, heard, told: String::new() }, listening)
    }

    fn heading(&mut self, text: &str) {
        self.told.extend(["## ", text, "\n\n"]);
    }

    fn tell(&mut self, who: &str, text: &str) {
        let lines: Vec<String> =
            text.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect();
        self.told.extend([who, "\n", &lines.join("\n"), "\n\n"]);
    }

    /// What the bot said somewhere, once it says all of these words.
    async fn reads(&mut self, to: &str, words: &[&str]) -> String {
        let heard = self.heard.clone();
        let what = format!("{words:?} in {to}");
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(text) = heard.find(to, words) {
                    return text;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        let text = found.await.unwrap_or_else(|_| panic!("never {what}:\n{}", self.heard.all()));
        self.tell(&format!("{to}, Watchbell:"), &text);
        text
    }

    async fn asks(&self, person: &str, command: &str) -> (bool, String) {
        let client = self.client.speaking_as(person).with_token(token(person).into());
        let reply = client.command(command, Some(OPS)).await;
        let reply = reply.unwrap_or_else(|failure| panic!("{command}: {failure}"));
        (reply.ok, reply.text)
    }

    /// A command, and its answer.
    async fn tries(&mut self, person: &str, command: &str) -> (bool, String) {
        let (ok, text) = self.asks(person, command).await;
        self.tell(&format!("{person}> {command}"), &text);
        (ok, text)
    }

    /// One that is done.
    async fn says(&mut self, person: &str, command: &str) -> String {
        let (ok, text) = self.tries(person, command).await;
        assert!(ok, "{command}: {text}");
        text
    }

    /// Waits until a command answers with these words.
    async fn until(&self, command: &str, words: &str) {
        let answered = async {
            while !self.asks("ana", command).await.1.contains(words) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, answered).await;
        assert!(in_time.is_ok(), "{command} never says: {words}");
    }
}

/// The same whenever and however fast it is played: no minutes, no durations, and steps that ran at once in the order
/// in which they are written.
fn timeless(told: &str) -> String {
    let mut told = told.to_owned();
    for (what, instead) in [
        (r"\b(\d\d):\d\d:\d\d\b", "$1:mm:ss"),
        (r"\b(\d\d):\d\d\b", "$1:mm"),
        (r"(\(|after |Took  +|\| )(\d+m )?[\d.]+s\b", "$1…s"),
        (r"\bin \d+ ms\b", "in … ms"),
    ] {
        told = Regex::new(what).expect("a pattern").replace_all(&told, instead).into_owned();
    }
    let step = Regex::new(r"\bStep (\d+) of R-(\d+) ").expect("a pattern");
    let place = |line: &&str| {
        let found = step.captures(line)?;
        Some((found[2].parse::<u32>().ok()?, found[1].parse::<u32>().ok()?))
    };
    let mut lines: Vec<&str> = told.lines().collect();
    for steps in lines.chunk_by_mut(|one, other| place(one).is_some() && place(other).is_some()) {
        steps.sort_by_key(place);
    }
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_morning_of_qflow() {
    let plan = Plan { told: Some(prometheus), ..Plan::default() };
    let ground = tokio::task::spawn_blocking(move || Ground::open(&plan)).await.expect("a ground");
    let app = before_nine(&ground).await;
    let (mut story, listening) = Story::begin(&app);

    story.heading("Nine o'clock: the morning check runs by itself");
    let check = story.reads(OPS, &["Morning health check: failed"]).await;
    let disagree = "The sources disagree. Not as it should be: Prometheus reaches all of Qflow.";
    assert!(check.contains(disagree), "{check}");
    story.reads(OPS, &["INC-1", "Acknowledge"]).await;
    let page = until(SOON, || ground.phone.heard().into_iter().find(Request::is_page)).expect("a page");
    let page: Value = serde_json::from_str(&page.body).expect("a page");
    story.tell("ana's telephone rings:", page["summary"].as_str().unwrap_or_default());
    story.until("/incident timeline INC-1", "Hook to ana arrived").await;

    story.heading("Ana takes it, and the guide");
    story.says("ana", "/incident ack INC-1").await;
    story.says("ana", "/troubleshoot service-startup").await;
    let ports = story.says("ana", "/troubleshoot service-startup --step ports").await;
    assert!(ports.contains("not so: instance=qflow-validation:9090"), "{ports}");

    story.heading("A restart waits for a second person");
    story.says("ana", "/qflow restart --component validation").await;
    story.says("ana", "/runbook approve R-3").await;
    let (ok, own) = story.tries("ana", "/runbook approve R-3").await;
    assert!(!ok, "ana approved what she asked for: {own}");
    let restarted = || ground.programs.calls().into_iter().filter(restarts).collect::<Vec<_>>();
    assert_eq!(restarted(), Vec::<Called>::new(), "nobody else has said yes");
    let (ok, said) = story.asks("ben", "/runbook approve R-3").await;
    assert!(ok, "{said}");
    story.told += "ben> /runbook approve R-3\n\n";
    story.reads(OPS, &["R-3 Restart: passed"]).await;
    assert_eq!(restarted(), [RESTART], "once, and nothing else");

    story.heading("It helped, and it is over");
    let verified = story.says("ana", "/qflow health verify").await;
    assert!(verified.contains("Health of Qflow: passed"), "{verified}");
    let shown = story.says("ana", "/incident show INC-1").await;
    assert!(
        shown.contains("Qflow does not start, at “Ports” (ana,"),
        "where they stand in the guide: {shown}"
    );
    story.says("ana", "/incident resolve INC-1 the validation hung and was restarted").await;
    story.until("/incident timeline INC-1", "that it is over arrived").await;
    story.says("ana", "/incident timeline INC-1").await;
    story.says("ana", "/incident postmortem INC-1").await;
    insta::assert_snapshot!(timeless(&story.told));

    listening.abort();
    app.stop().await;
    drop(ground);
}
