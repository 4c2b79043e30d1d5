//! The six actions: their blocks read into types, and rendered for whoever runs them. Never does what they say.

mod chat;
mod http;
mod json;
mod logs;
mod promql;
mod run;
mod trace;

pub use chat::ChatAct;
pub use http::{HttpAct, Request};
pub use logs::{LogsAct, LogsQuery, Search};
pub use promql::PromqlAct;
pub use run::{Program, RunAct};
pub use trace::{TraceAct, TraceCall};

pub(super) use chat::begins as chat_begins;

use std::collections::BTreeSet;

use super::{compile::Compiler, names::ActKind, notes::Written};

/// What an action block does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A request.
    Http(HttpAct),
    /// A query of Prometheus.
    Promql(PromqlAct),
    /// A query of Elasticsearch or OpenSearch.
    Logs(LogsAct),
    /// A query of Jaeger.
    Trace(TraceAct),
    /// Programs, one after the other.
    Run(RunAct),
    /// Another command of the bot.
    Chat(ChatAct),
}

impl Act {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ActKind {
        match self {
            Self::Http(_) => ActKind::Http,
            Self::Promql(_) => ActKind::Promql,
            Self::Logs(_) => ActKind::Logs,
            Self::Trace(_) => ActKind::Trace,
            Self::Run(_) => ActKind::Run,
            Self::Chat(_) => ActKind::Chat,
        }
    }
}

/// What may be called and started.
#[derive(Debug, Default)]
pub(super) struct Permitted {
    /// Programs of `[runbook] programs` and executables of the scripts' folder.
    pub programs: BTreeSet<String>,
    /// Hosts of the environments and of `[runbook] hosts`.
    pub hosts: BTreeSet<String>,
}

/// Reads the body of a block.
pub(super) fn read(
    kind: ActKind,
    body: Written<'_>,
    compiler: &Compiler<'_>,
    permitted: &Permitted,
) -> Option<Act> {
    match kind {
        ActKind::Http => http::read(body, compiler, permitted).map(Act::Http),
        ActKind::Promql => promql::read(body, compiler).map(Act::Promql),
        ActKind::Logs => logs::read(body, compiler).map(Act::Logs),
        ActKind::Trace => trace::read(body, compiler).map(Act::Trace),
        ActKind::Run => run::read(body, compiler, permitted).map(Act::Run),
        ActKind::Chat => chat::read(body, compiler).map(Act::Chat),
    }
}

/// `key: value` lines; a line that is none is a mistake, and so is a key that is not known or stands there twice.
fn settings<'w>(
    lines: &[Written<'w>],
    known: &[&str],
    compiler: &Compiler<'_>,
    what: &str,
) -> Vec<(&'w str, Written<'w>)> {
    let mut found: Vec<(&str, Written<'_>)> = Vec::new();
    for line in lines.iter().filter(|line| !line.text().trim().is_empty()) {
        let Some((key, value)) = line.pair() else {
            let remedy =
                format!("write `key: value`; {what} has {}", crate::config::list(known.iter().copied()));
            compiler.notes.mistake(line.trimmed().at(), "this is no `key: value`", remedy);
            continue;
        };
        if !known.contains(&key.text()) {
            let said = format!("{what} has no `{}`", key.text());
            let remedy = format!("it has {}", crate::config::list(known.iter().copied()));
            compiler.notes.unknown(key.at(), key.text(), said, known.iter().copied(), remedy);
        } else if value.text().is_empty() {
            compiler.notes.mistake(
                key.at(),
                format!("`{}` has no value", key.text()),
                "write it, or take it out",
            );
        } else if key.text() != "tag" && found.iter().any(|(other, _)| *other == key.text()) {
            compiler.notes.mistake(key.at(), format!("`{}` is there twice", key.text()), "keep one of them");
        } else {
            found.push((key.text(), value));
        }
    }
    found
}
