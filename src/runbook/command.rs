//! Runbooks as commands, and the commands about runbooks. Never knows what a runbook does: `start` is the one way in.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{
    act::Act,
    executor::Executor,
    library::{Broken, Library},
    model::Runbook,
    start::start,
};
use crate::{
    command::{Answer, Argument, Call, CommandSpec, Execute, Kind, Registry, Reply},
    config::nearest,
    domain::duration,
    text::runbook::{self as words, BrokenLine, Line, StepLine},
};

type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// The commands about runbooks.
pub(super) fn specs() -> [CommandSpec; 2] {
    [
        CommandSpec::new("/runbook list", "Lists the runbooks, and those that cannot be used.")
            .takes(Argument::optional(
                "word",
                Kind::Word,
                "only those that have it in their command or summary",
            ))
            .example("/runbook list")
            .example("/runbook list health"),
        CommandSpec::new("/runbook show", "Shows what a runbook does, step by step.")
            .takes(Argument::required("name", Kind::Text, "its command"))
            .example("/runbook show watchbell health"),
    ]
}

impl Library {
    /// The same commands with every runbook, and with those about runbooks. Without an executor they are names alone.
    #[must_use]
    pub fn register(self: &Arc<Self>, registry: Registry, executor: Option<&Executor>) -> Registry {
        let [list, show] = specs();
        let mut packs: Vec<(Arc<CommandSpec>, Arc<dyn Execute>)> = vec![
            (Arc::new(list), Arc::new(List(Arc::clone(self)))),
            (Arc::new(show), Arc::new(Show(Arc::clone(self)))),
        ];
        for runbook in self.runbooks() {
            packs.push((Arc::clone(&runbook.spec), Arc::new(Start(Arc::clone(runbook), executor.cloned()))));
        }
        let (registry, refused) = registry.with_all(packs);
        // The library has proved that no path is taken.
        for why in refused {
            tracing::warn!(why, "a runbook is no command");
        }
        registry
    }
}

/// Starts a runbook, where something runs; a guide without actions is shown.
struct Start(Arc<Runbook>, Option<Executor>);

impl Execute for Start {
    fn execute<'a>(&'a self, call: &'a Call<'a>) -> Answering<'a> {
        Box::pin(async move {
            match &self.1 {
                Some(executor) if self.0.actions().next().is_some() => start(call, &self.0, executor).await,
                _ => Ok(Reply::done(show(&self.0))),
            }
        })
    }
}

/// `/runbook list [WORD]`
struct List(Arc<Library>);

impl Execute for List {
    fn execute<'a>(&'a self, call: &'a Call<'a>) -> Answering<'a> {
        Box::pin(async move {
            let word = call.get::<String>("word").map(|word| word.to_lowercase());
            let has = |text: &str| word.as_ref().is_none_or(|word| text.to_lowercase().contains(word));
            let lines: Vec<Line> = self
                .0
                .runbooks()
                .filter(|runbook| has(&runbook.command()) || has(&runbook.spec.summary))
                .map(|runbook| Line {
                    usage: runbook.command(),
                    summary: runbook.spec.summary.to_string(),
                    role: runbook.spec.role.to_string(),
                    changes: runbook.changes(),
                })
                .collect();
            let broken: Vec<BrokenLine> = self.0.broken().iter().filter_map(broken_line).collect();
            Ok(Reply::done(words::list(&lines, &broken, word.as_deref())))
        })
    }
}

fn broken_line(broken: &Broken) -> Option<BrokenLine> {
    let first = broken.mistakes.first()?;
    Some(BrokenLine {
        command: broken.command.clone(),
        at: format!("{}:{}:{}", first.file, first.line, first.column),
        what: first.what.clone(),
        count: broken.mistakes.len(),
    })
}

/// `/runbook show NAME…`
struct Show(Arc<Library>);

impl Execute for Show {
    fn execute<'a>(&'a self, call: &'a Call<'a>) -> Answering<'a> {
        Box::pin(async move {
            let written = call.need::<String>("name")?;
            let path: Vec<String> =
                written.trim_start_matches('/').split_whitespace().map(str::to_lowercase).collect();
            let name = format!("/{}", path.join(" "));
            let called = |runbook: &&Arc<Runbook>| {
                runbook
                    .spec
                    .paths()
                    .any(|known| known.iter().map(|word| &**word).eq(path.iter().map(String::as_str)))
            };
            if let Some(runbook) = self.0.runbooks().find(called) {
                return Ok(Reply::done(show(runbook)));
            }
            let broken =
                self.0.broken().iter().find(|broken| broken.command.as_deref() == Some(name.as_str()));
            if let Some(broken) = broken {
                let mistakes: Vec<String> = broken.mistakes.iter().map(ToString::to_string).collect();
                return Err(Reply::refused(words::broken(&broken.file, mistakes.join("\n"))).into());
            }
            let known: Vec<String> = self.0.runbooks().map(|runbook| runbook.command()).collect();
            let near = nearest(&name, known.iter().map(String::as_str));
            Err(Reply::refused(words::unknown(&name, near)).into())
        })
    }
}

fn show(runbook: &Runbook) -> crate::text::card::Card {
    let mut facts = vec![
        ("who".to_owned(), runbook.spec.role.to_string()),
        ("file".to_owned(), runbook.file.clone()),
        ("version".to_owned(), runbook.digest.chars().take(12).collect()),
    ];
    if let Some(schedule) = &runbook.by_itself.schedule {
        let zone = schedule.zone.iana_name().unwrap_or("UTC");
        facts.push(("schedule".to_owned(), format!("{} ({zone})", schedule.pattern)));
    }
    let matchers: Vec<String> = runbook.by_itself.on_alert.iter().map(ToString::to_string).collect();
    if !matchers.is_empty() {
        facts.push(("on alert".to_owned(), matchers.join(", ")));
    }
    if let Some(budget) = runbook.by_itself.budget {
        let budget = format!("{} in {}", budget.runs, duration::brief(budget.window));
        facts.push(("answers by itself".to_owned(), budget));
    }
    let severities: Vec<String> = runbook.by_itself.on_incident.iter().map(ToString::to_string).collect();
    if !severities.is_empty() {
        facts.push(("offered for".to_owned(), severities.join(", ")));
    }
    if let Some(identity) = &runbook.by_itself.run_as {
        facts.push(("runs as".to_owned(), identity.to_string()));
    }
    let steps: Vec<StepLine> = runbook
        .steps
        .iter()
        .map(|step| StepLine { title: step.title.clone(), does: step.actions.iter().map(does).collect() })
        .collect();
    let spec = &runbook.spec;
    words::show(&spec.usage(), &spec.summary, facts, &runbook.intro, &steps, &runbook.command())
}

/// What an action does, on one line, as it is written.
fn does(action: &super::model::Action) -> String {
    let mut line = match &action.act {
        Act::Http(http) => http.line(),
        Act::Promql(promql) => format!("promql {}", promql.source()),
        Act::Logs(logs) => format!("logs {}", logs.source()),
        Act::Trace(trace) => format!("trace {}", trace.source()),
        Act::Run(run) => run.programs.iter().map(super::Program::source).collect::<Vec<_>>().join("; "),
        Act::Chat(chat) => chat.source(),
    };
    if let Some(expect) = &action.settings.expect {
        line = format!("{line} — expects {}", expect.text());
    }
    if let Some(approve) = action.settings.approve {
        line = format!("{line} — approved by {} {}", approve.people, approve.role);
    }
    if let Some(wait) = action.settings.timeout {
        line = format!("{line} — within {}", duration::brief(wait));
    }
    line
}
