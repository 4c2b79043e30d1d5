//! What is measured: a fresh server in an empty folder, configured alike. Never one that ran before.

use std::{path::Path, time::Duration};

use crate::peer::{
    alertmanager::Alertmanager,
    http,
    process::{Process, until},
    watchbell::Watchbell,
};

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Alertmanager,
    Watchbell,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Alertmanager, Self::Watchbell];

    pub fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Watchbell => "watchbell",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Where alerts go.
    pub fn path(self) -> &'static str {
        match self {
            Self::Alertmanager => "/api/v2/alerts",
            Self::Watchbell => "/hooks/bench",
        }
    }

    fn ready(self) -> &'static str {
        match self {
            Self::Alertmanager => "/-/ready",
            Self::Watchbell => "/readyz",
        }
    }
}

/// How alerts are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Every alert is a group of its own.
    Each,
    /// All of them are one group: a storm.
    One,
}

/// A running server.
pub struct Subject {
    pub kind: Kind,
    pub port: u16,
    server: Server,
    /// From the start of the process to the first time that it said it is ready.
    pub started_in: Duration,
}

enum Server {
    Alertmanager(Alertmanager),
    Watchbell(Box<Watchbell>),
}

/// How a server is configured, alike for both.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub grouping: Grouping,
    /// How long a new group waits before somebody is told, seconds.
    pub wait: u32,
    /// The port to which alerts are handed; without it nobody is told.
    pub phone: Option<u16>,
}

impl Setting {
    /// Told at once, or nobody is told.
    pub fn new(grouping: Grouping, phone: Option<u16>) -> Self {
        Self { grouping, wait: 0, phone }
    }
}

impl Subject {
    /// Starts it and waits until it is ready.
    pub fn start(kind: Kind, binary: &Path, folder: &Path, setting: Setting) -> Result<Self, String> {
        let (port, server) = match kind {
            Kind::Alertmanager => {
                let server = Alertmanager::start(folder, &alertmanager(setting));
                (server.port, Server::Alertmanager(server))
            }
            Kind::Watchbell => {
                // The child runs in its own folder.
                let binary =
                    binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
                let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
                let server = Watchbell::start(&binary, &folder, &watchbell(setting));
                (server.port, Server::Watchbell(Box::new(server)))
            }
        };
        let mut subject = Self { kind, port, server, started_in: Duration::ZERO };
        let ready = until(Duration::from_secs(30), || {
            let ready = http::get(port, kind.ready()).is_ok_and(|answer| answer.ok());
            (ready || subject.process_mut().ended().is_some()).then_some(ready)
        });
        subject.started_in = subject.process().since.elapsed();
        if ready != Some(true) {
            return Err(format!("is not ready:\n{}", subject.process().tail()));
        }
        Ok(subject)
    }

    /// The process, whichever it is.
    pub fn process(&self) -> &Process {
        match &self.server {
            Server::Alertmanager(server) => &server.process,
            Server::Watchbell(server) => &server.process,
        }
    }

    fn process_mut(&mut self) -> &mut Process {
        match &mut self.server {
            Server::Alertmanager(server) => &mut server.process,
            Server::Watchbell(server) => &mut server.process,
        }
    }

    /// Watchbell's own side of it.
    pub fn watchbell(&mut self) -> Result<&mut Watchbell, String> {
        match &mut self.server {
            Server::Watchbell(server) => Ok(server),
            Server::Alertmanager(_) => Err("only Watchbell is asked for this".to_owned()),
        }
    }

    /// How many alerts it knows as active.
    pub fn active(&self) -> Option<usize> {
        let (path, name) = match self.kind {
            Kind::Alertmanager => ("/metrics", "alertmanager_alerts{state=\"active\"}"),
            Kind::Watchbell => ("/metrics", "watchbell_alerts_firing"),
        };
        let page = http::get(self.port, path).ok()?.body;
        let line = page.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse::<f64>().ok().map(|value| format!("{value:.0}"))?.parse().ok()
    }
}

/// Alertmanager: told after the wait or to nobody. What is only noise goes to nobody.
fn alertmanager(setting: Setting) -> String {
    let Setting { grouping, wait, phone } = setting;
    let hook = phone.map_or_else(String::new, |port| {
        format!("  webhook_configs:\n  - url: http://127.0.0.1:{port}/page\n    send_resolved: true\n")
    });
    let group_by = if grouping == Grouping::Each { "['...']" } else { "['service']" };
    format!(
        "route:\n  receiver: phone\n  group_by: {group_by}\n  group_wait: {wait}s\n  group_interval: 5m\n  \
         repeat_interval: 4h\n  routes:\n  - receiver: nobody\n    matchers: ['service=\"noise\"']\n\
         receivers:\n- name: nobody\n- name: phone\n{hook}"
    )
}

/// Watchbell: the same, with one person who is always on call.
pub fn watchbell(setting: Setting) -> String {
    let Setting { grouping, wait, phone } = setting;
    let group_by = if grouping == Grouping::Each { "[\"alertname\", \"instance\"]" } else { "[\"service\"]" };
    let page = if phone.is_some() { "page = \"bench\"\n" } else { "" };
    format!(
        "[person.ana]\nname = \"Ana Ruiz\"\nroles = [\"responder\", \"operator\"]\n\
         contacts = {{ hook = \"http://127.0.0.1:{}/page\" }}\nurgent = [\"now: hook\"]\nroutine = [\"now: hook\"]\n\n\
         [policy.bench]\nsteps = [{{ page = [\"person:ana\"], wait = \"1h\" }}]\n\n\
         [integration.bench]\nkind = \"alertmanager\"\ntoken = \"bench-token\"\n\n\
         [[route]]\nname = \"noise\"\nmatch = ['service=\"noise\"']\ngroup_by = {group_by}\ngroup_wait = \"0s\"\n\n\
         [[route]]\nname = \"bench\"\nmatch = ['service=\"bench\"']\ngroup_by = {group_by}\n\
         group_wait = \"{wait}s\"\n{page}",
        phone.unwrap_or(9),
    )
}
