//! A Watchbell with the repository's own runbooks and configuration, all of whose addresses lead to fakes. Never an
//! address of the real configuration is left in it.

use std::{
    fs,
    ops::Deref,
    os::unix,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use toml::{Table, Value as Toml};
use watchbell::{config::Loaded, runbook::Library};

use super::{
    alertmanager, api,
    api::Qflow,
    elasticsearch, jaeger, kubo,
    logbook::{self, Logbook},
    metrics::{Metrics, RULES},
    mood::Feels,
    neighbours::{NAMES, Neighbours},
    programs::Programs,
};
use crate::{
    peer::{
        http,
        process::until,
        prometheus::Prometheus,
        server::{Reply, Request, Server},
        watchbell::Watchbell,
    },
    source::package,
};

/// What differs between the sites of the tests.
#[derive(Default)]
pub struct Plan {
    /// How many environments there are beside those of the configuration: one for each line, so that it is seen who
    /// was asked for which.
    pub lines: usize,
    /// Whether Qflow's own limit of requests applies, there and in the configuration.
    pub limited: bool,
    /// Whether there is a Prometheus, with a month of values.
    pub prometheus: bool,
    /// Instead of both: what a Prometheus says to a request, knowing what programs were called before.
    pub told: Option<fn(&Programs, &Request) -> Reply>,
    /// How many more people there are, who look only.
    pub viewers: usize,
    /// What the configuration of the chat platform says, and whose account is whose there.
    pub chat: Option<(String, Vec<(&'static str, String)>)>,
}

/// All of it, running.
pub struct Site {
    pub watchbell: Watchbell,
    /// Its runbooks, as they are read there.
    pub library: Library,
    ground: Ground,
}

/// All that a Watchbell stands on, without one.
pub struct Ground {
    pub book: Logbook,
    pub qflow: Qflow,
    pub neighbours: Neighbours,
    pub kubo_feels: Feels,
    pub prometheus_feels: Feels,
    pub programs: Programs,
    /// Who is woken.
    pub phone: Server,
    /// What a Watchbell is told there.
    config: Table,
    /// The port of each service, by its name in the configuration.
    ports: Vec<(&'static str, u16)>,
    _servers: Vec<Server>,
    _prometheus: Option<Prometheus>,
    folder: TempDir,
}

impl Deref for Site {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Ground {
    pub fn open(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let book = Logbook::default();
        let qflow = Qflow::start(&book);
        qflow.set_limited(plan.limited);
        let neighbours = Neighbours::start(&book);
        let (kubo_feels, prometheus_feels) = (Feels::well(), Feels::well());
        let phone = Server::start(|_| (200, String::new()));
        let alerts = alertmanager::start(&book);
        let programs = Programs::install(root, &package().join("scripts"));
        let (front, prometheus, exporter) = match plan.told {
            None => measured(&book, root, plan.prometheus, alerts.port, &prometheus_feels),
            Some(told) => {
                let programs = programs.clone();
                (book.serve("prometheus", move |request| told(&programs, request)), None, None)
            }
        };
        let mut servers = vec![
            front,
            elasticsearch::start(&book),
            jaeger::start(&book),
            kubo::start(&book, kubo_feels.clone()),
            alerts,
        ];
        let names = ["prometheus", elasticsearch::SYSTEM, jaeger::SYSTEM, kubo::SYSTEM, alertmanager::SYSTEM];
        let mut ports = vec![(api::SYSTEM, qflow.server.port)];
        ports.extend(names.into_iter().zip(servers.iter().map(|server| server.port)));
        ports.extend(NAMES.iter().map(|(name, _)| (*name, neighbours.port(name))));
        servers.extend(exporter);

        unix::fs::symlink(package().join("commands"), root.join("commands")).expect("the runbooks");
        let config = config(plan, &ports, programs.folder(), phone.port);
        Self {
            config,
            book,
            qflow,
            neighbours,
            kubo_feels,
            prometheus_feels,
            programs,
            phone,
            ports,
            _servers: servers,
            _prometheus: prometheus,
            folder,
        }
    }

    /// A folder, for all that is written.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the runbooks.
    pub fn commands(&self) -> PathBuf {
        self.folder().join("commands")
    }

    /// What a Watchbell is told that starts here without a process of its own.
    pub fn loaded(&self) -> Loaded {
        let config = self.folder().join("config");
        fs::create_dir_all(&config).expect("a folder");
        fs::write(config.join("watchbell.toml"), self.config.to_string()).expect("the configuration");
        read(self.folder())
    }

    /// The service that listens on a port.
    pub fn service(&self, port: u16) -> Option<&'static str> {
        self.ports.iter().find(|(_, known)| *known == port).map(|(name, _)| *name)
    }
}

/// The configuration that stands in a folder.
fn read(root: &Path) -> Loaded {
    let loaded = watchbell::config::load(Some(&root.join("config")), &|_| None);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

impl Site {
    pub fn open(plan: &Plan) -> Self {
        let ground = Ground::open(plan);
        let watchbell = Watchbell::here(ground.folder(), &ground.config.to_string());
        let library = Library::load(Some(&ground.commands()), &read(ground.folder()));
        Self { watchbell, library, ground }
    }

    /// Says a command as a person, who shows their token.
    pub fn says(&self, person: &str, text: &str) -> Value {
        let token = format!("Bearer {}", token(person));
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
        let body = json!({"text": text}).to_string();
        let patience = Duration::from_mins(1);
        let answer =
            http::ask_within(patience, self.watchbell.port, "POST", "/api/v1/commands", &headers, &body);
        let answer =
            answer.unwrap_or_else(|error| panic!("{text}: {error}\n{}", self.watchbell.process.tail()));
        assert_eq!(answer.status, 200, "{text}: {}", answer.body);
        answer.json()
    }

    /// Waits until a run has this standing, and says how it stands in the list of runs.
    pub fn until_run(&self, run: &str, stands: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let found = until(Duration::from_mins(2), || {
            last = self.standing(run);
            stands(&last).then_some(())
        });
        assert!(found.is_some(), "{run}: {last}");
        last
    }

    /// How a run stands, as the list of runs says.
    pub fn standing(&self, run: &str) -> String {
        let runs = text(&self.says("ana", "/runbook runs --limit 50"));
        let named = format!("{run} ");
        runs.lines().find(|line| line.contains(&named)).unwrap_or_default().to_owned()
    }
}

/// The words of an answer.
pub fn text(reply: &Value) -> String {
    reply["text"].as_str().unwrap_or_default().to_owned()
}

/// Whether a run is under way and asks nobody, by its line in the list of runs.
pub fn runs(standing: &str) -> bool {
    standing.contains("  running  ")
}

/// The run that an answer is about: `R-7`.
pub fn run(said: &str) -> Option<String> {
    let at = said.find("R-")?;
    let digits: String = said[at + 2..].chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("R-{digits}"))
}

/// What a person shows to say who they are.
pub fn token(person: &str) -> String {
    format!("token-of-{person}-0001")
}

/// A Prometheus behind a door where everybody who comes is written down; without one,
/// whoever asks hears that Qflow is up, and 0 for all else.
fn measured(
    book: &Logbook,
    root: &Path,
    real: bool,
    alerts: u16,
    feels: &Feels,
) -> (Server, Option<Prometheus>, Option<Server>) {
    if !real {
        // Everything that is asked for is there, and of everything else there is nothing.
        let answer = |request: &Request| {
            let value = if request.path.contains("query=up") { "1" } else { "0" };
            let one = json!([{"metric": {"job": "qflow"}, "value": [1_795_403_462.5, value]}]);
            (200, json!({"status": "success", "data": {"resultType": "vector", "result": one}}).to_string())
        };
        return (book.serve("prometheus", answer), None, None);
    }
    let metrics = Metrics::new();
    let past = root.join("past.om");
    metrics.write_past(&past);
    let exporter = metrics.serve();
    let prometheus =
        Prometheus::with_past(&root.join("prometheus"), exporter.port, &past, RULES, alerts).scraped();
    let (port, mood) = (prometheus.port, feels.clone());
    let front = book.serve("prometheus", move |request| {
        let reply = match http::ask(port, &request.method, &request.path, &[], &request.body) {
            Ok(answer) => (answer.status, answer.body),
            Err(error) => (502, error.to_string()),
        };
        mood.colour(reply)
    });
    (front, Some(prometheus), Some(exporter))
}

/// The repository's configuration as one, with other addresses.
fn config(plan: &Plan, ports: &[(&'static str, u16)], programs: &Path, phone: u16) -> Table {
    let mut all = Table::new();
    let mut files: Vec<_> = fs::read_dir(package().join("config"))
        .expect("the configuration")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "toml")) {
        let text = fs::read_to_string(file).expect("a file of the configuration");
        let table: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for (name, value) in table {
            merge(&mut all, name, value);
        }
    }
    // Where it listens, the test says.
    all.remove("server");
    let environments = table(&mut all, "environment");
    for (name, environment) in environments.iter_mut() {
        let mood = if name == "production" { "" } else { name };
        redirect(environment, ports, mood, plan.limited);
    }
    let usual = environments["production"].clone();
    for line in 0..plan.lines {
        let (mut environment, name) = (usual.clone(), logbook::environment(line));
        environment.as_table_mut().expect("a table").remove("default");
        redirect(&mut environment, ports, &name, plan.limited);
        environments.insert(name, environment);
    }
    let people = table(&mut all, "person");
    for viewer in 0..plan.viewers {
        let person = Table::from_iter([("roles".to_owned(), vec!["viewer"].into())]);
        people.insert(format!("viewer{viewer}"), Toml::Table(person));
    }
    let mut tokens = Vec::new();
    for (id, person) in people.iter_mut() {
        let person = person.as_table_mut().expect("a person");
        if person.contains_key("contacts") {
            let hook = format!("http://127.0.0.1:{phone}/{id}");
            person.insert("contacts".to_owned(), Table::from_iter([("hook".to_owned(), hook.into())]).into());
            person.insert("urgent".to_owned(), vec!["now: hook"].into());
            person.insert("routine".to_owned(), vec!["now: hook"].into());
        }
        let token = Table::from_iter([
            ("person".to_owned(), id.clone().into()),
            ("token".to_owned(), token(id).into()),
        ]);
        tokens.push(Toml::Table(token));
    }
    if let Some((slack, accounts)) = &plan.chat {
        for (id, account) in accounts {
            let person = people.get_mut(*id).and_then(Toml::as_table_mut).expect("a person");
            person.insert("slack".to_owned(), account.clone().into());
        }
        all.insert("slack".to_owned(), Toml::Table(slack.parse().expect("a table")));
    }
    all.insert("api".to_owned(), Table::from_iter([("tokens".to_owned(), Toml::Array(tokens))]).into());
    // Scripts are started by their names too: none of the machine's own programs is.
    let runbook = table(&mut all, "runbook");
    runbook.insert("programs".to_owned(), Toml::Array(Vec::new()));
    runbook.insert("scripts".to_owned(), programs.display().to_string().into());
    all
}

fn merge(all: &mut Table, name: String, value: Toml) {
    match (all.get_mut(&name), value) {
        (Some(Toml::Table(known)), Toml::Table(more)) => {
            for (name, value) in more {
                merge(known, name, value);
            }
        }
        (Some(Toml::Array(known)), Toml::Array(more)) => known.extend(more),
        (_, value) => {
            all.insert(name, value);
        }
    }
}

fn table<'a>(all: &'a mut Table, name: &str) -> &'a mut Table {
    all.entry(name).or_insert_with(|| Table::new().into()).as_table_mut().expect("a table")
}

/// All services of an environment lead to the fakes, by a path that says which environment it is.
fn redirect(environment: &mut Toml, ports: &[(&'static str, u16)], line: &str, limited: bool) {
    let environment = environment.as_table_mut().expect("an environment");
    environment.retain(|_, value| value.get("url").is_none());
    for (name, port) in ports {
        let path = match line {
            "" => String::new(),
            line if line.starts_with("at-") => format!("/{line}"),
            line => format!("/at-{line}"),
        };
        let mut service =
            Table::from_iter([("url".to_owned(), format!("http://127.0.0.1:{port}{path}").into())]);
        if *name == api::SYSTEM {
            service.insert("token".to_owned(), api::TOKEN.into());
            if limited {
                let limit = [("requests".to_owned(), Toml::Integer(90)), ("within".to_owned(), "15m".into())];
                service.insert("limit".to_owned(), Table::from_iter(limit).into());
            }
        }
        environment.insert((*name).to_owned(), service.into());
    }
}
