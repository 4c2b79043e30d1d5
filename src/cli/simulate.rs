//! `watchbell simulate`: what would become of an alert, and whom it would wake. Asks a running server; without one the
//! configuration alone, and says so. Never sends anything, and changes nothing.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    Common, clean,
    client::{Client, Failure},
    on_runtime,
    run::{DONE, NOT_THERE, REFUSED, Reach, say},
};
use crate::{
    command,
    domain::{
        config::Config,
        explain::{self, Note, Question},
        id::PersonId,
        intent::Now,
        labels::Labels,
        state::State,
    },
    engine::clock,
    runbook::Library,
    text,
};

/// What `watchbell simulate` is given.
#[derive(Debug, Clone, clap::Args)]
pub struct SimulateArgs {
    /// Where the server is, and who asks: times are read and told in their zone.
    #[command(flatten)]
    pub reach: Reach,
    /// The labels of the alert: 'service="qflow",severity="critical"'
    #[arg(long, value_name = "LABELS")]
    pub labels: String,
    /// When it comes: 2026-03-29T02:30 in your zone, or with an offset [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Which integration sends it [default: the first one]
    #[arg(long, value_name = "NAME")]
    pub integration: Option<String>,
    /// Do not ask a server: answer from the configuration alone
    #[arg(long)]
    pub offline: bool,
    /// Print JSON, as POST /api/v1/simulate answers
    #[arg(long)]
    pub json: bool,
}

/// Answers. Exits 0 when it did, 1 when what was asked cannot be read, 2 when the server that answers cannot now.
#[must_use]
pub fn run(common: &Common, args: &SimulateArgs) -> ExitCode {
    // What cannot be read is refused here, before anybody is asked.
    let labels = match explain::labels(&args.labels) {
        Ok(labels) => labels,
        Err(no) => return refuse(&format!("--labels: {}", text::explain::not_labels(&args.labels, &no))),
    };
    if args.offline {
        return alone(common, args, labels, None);
    }
    let client = match args.reach.client(common) {
        Ok(client) => client,
        Err(why) => return refuse(&why),
    };
    let mut answer = None;
    let _ = on_runtime(async {
        answer = Some(ask(&client, args).await);
        ExitCode::SUCCESS
    });
    match answer {
        Some(Ok(told)) => print(&told, args.json),
        Some(Err(Failure::NotThere { place, .. })) if args.reach.server.is_none() => {
            alone(common, args, labels, Some(place.url.as_str()))
        }
        Some(Err(failure)) => {
            say(&format!("watchbell: {failure}"));
            ExitCode::from(if failure.is_absence() { NOT_THERE } else { REFUSED })
        }
        None => ExitCode::FAILURE,
    }
}

async fn ask(client: &Client, args: &SimulateArgs) -> Result<Value, Failure> {
    let asked = json!({"labels": args.labels, "at": args.at, "integration": args.integration});
    client.tell("simulate", &asked).await
}

/// From the configuration alone.
fn alone(common: &Common, args: &SimulateArgs, labels: Labels, absent: Option<&str>) -> ExitCode {
    let Ok(loaded) = common.load().inspect_err(|mistakes| {
        say(&format!(
            "watchbell: the configuration has mistakes ({}): `watchbell check` shows them",
            mistakes.summary()
        ));
    }) else {
        return ExitCode::from(REFUSED);
    };
    if let Some(place) = absent {
        say(&format!("watchbell: no server answers at {place}, so the configuration alone is asked"));
    }
    // What starts by itself is part of the answer; runbooks with mistakes are left out of it.
    let mut config = Config::clone(&loaded.config);
    Library::load(common.commands_dir().as_deref(), &loaded).set_up(&mut config);
    let config = &config;
    let zone = match zone(config, args.reach.person.as_deref()) {
        Ok(zone) => zone,
        Err(why) => return refuse(&why),
    };
    let now = clock::wall();
    let (at, odd) = match args.at.as_deref().map(|written| command::meant(written, &zone, now)) {
        None => (now, None),
        Some(Some(found)) => found,
        Some(None) => {
            return refuse(&format!(
                "--at: `{}` is no instant: write 2026-03-29T02:30, or 2026-03-29T02:30:00Z",
                clean::line(args.at.as_deref().unwrap_or_default())
            ));
        }
    };
    let integration = match command::integration(config, args.integration.as_deref()) {
        Ok(integration) => integration,
        Err(nearest) => {
            let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
            return refuse(&format!("--integration: there is no integration of this name{hint}"));
        }
    };
    let question = Question { integration, labels, now: Now { engine: at, civil: at }, open: false };
    let ground = explain::ground(&State::default(), config, &question);
    let mut told = explain::simulate(ground, config, &question);
    told.notes.push(Note::ConfigurationAlone);
    told.notes.extend(odd);
    let words = text::explain::document(&told, &zone);
    match serde_json::to_value(&told) {
        Ok(Value::Object(mut document)) => {
            document.insert("text".to_owned(), Value::String(words));
            print(&Value::Object(document), args.json)
        }
        _ => ExitCode::FAILURE,
    }
}

/// The zone of whoever asks; that of this machine when nobody is named.
fn zone(config: &Config, person: Option<&str>) -> Result<TimeZone, String> {
    let Some(person) = person else { return Ok(TimeZone::try_system().unwrap_or(TimeZone::UTC)) };
    let found = config.people.get(&PersonId::from(person));
    found.map(|one| one.zone.clone()).ok_or_else(|| {
        format!("--as: nobody is called `{}`: name a person of people.toml", clean::line(person))
    })
}

fn print(told: &Value, json: bool) -> ExitCode {
    let shown = if json {
        clean::json(&serde_json::to_string_pretty(told).unwrap_or_default())
    } else {
        clean::lines(told.get("text").and_then(Value::as_str).unwrap_or_default())
    };
    if writeln!(io::stdout().lock(), "{shown}").is_err() {
        say("watchbell: the answer could not be printed");
    }
    ExitCode::from(DONE)
}

fn refuse(why: &str) -> ExitCode {
    say(&format!("watchbell: {why}"));
    ExitCode::from(REFUSED)
}
