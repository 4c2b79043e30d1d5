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
    pub process: Process,
    /// From the start of the process to the first time that it said it is ready.
    pub started_in: Duration,
}

impl Subject {
    /// Starts it and waits until it is ready. `phone`: the port to which every alert is handed at once; without it
    /// nobody is told.
    pub fn start(
        kind: Kind,
        binary: &Path,
        folder: &Path,
        grouping: Grouping,
        phone: Option<u16>,
    ) -> Result<Self, String> {
        let (port, mut process) = match kind {
            Kind::Alertmanager => {
                let server = Alertmanager::start(folder, &alertmanager(grouping, phone));
                (server.port, server.process)
            }
            Kind::Watchbell => {
                // The child runs in its own folder.
                let binary =
                    binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
                let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
                let server = Watchbell::start(&binary, &folder, &watchbell(grouping, phone));
                (server.port, server.process)
            }
        };
        let ready = until(Duration::from_secs(30), || {
            let ready = http::get(port, kind.ready()).is_ok_and(|answer| answer.ok());
            (ready || process.ended().is_some()).then_some(ready)
        });
        let started_in = process.since.elapsed();
        if ready != Some(true) {
            return Err(format!("is not ready:\n{}", process.tail()));
        }
        Ok(Self { kind, port, process, started_in })
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

/// Alertmanager: told at once or to nobody.
fn alertmanager(grouping: Grouping, phone: Option<u16>) -> String {
    let hook = phone.map_or_else(String::new, |port| {
        format!("  webhook_configs:\n  - url: http://127.0.0.1:{port}/page\n    send_resolved: true\n")
    });
    let group_by = if grouping == Grouping::Each { "['...']" } else { "['service']" };
    format!(
        "route:\n  receiver: phone\n  group_by: {group_by}\n  group_wait: 0s\n  group_interval: 5m\n  \
         repeat_interval: 4h\nreceivers:\n- name: phone\n{hook}"
    )
}

/// Watchbell: the same, with one person who is always on call.
pub fn watchbell(grouping: Grouping, phone: Option<u16>) -> String {
    let group_by = if grouping == Grouping::Each { "[\"alertname\", \"instance\"]" } else { "[\"service\"]" };
    let page = if phone.is_some() { "page = \"bench\"\n" } else { "" };
    format!(
        "[person.ana]\nname = \"Ana Ruiz\"\nroles = [\"responder\", \"operator\"]\n\
         contacts = {{ hook = \"http://127.0.0.1:{}/page\" }}\nurgent = [\"now: hook\"]\nroutine = [\"now: hook\"]\n\n\
         [policy.bench]\nsteps = [{{ page = [\"person:ana\"], wait = \"1h\" }}]\n\n\
         [integration.bench]\nkind = \"alertmanager\"\ntoken = \"bench-token\"\n\n\
         [[route]]\nname = \"bench\"\nmatch = ['service=\"bench\"']\ngroup_by = {group_by}\n\
         group_wait = \"0s\"\n{page}",
        phone.unwrap_or(9),
    )
}
