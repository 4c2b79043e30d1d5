//! What runbooks do by themselves, as the rules of the house know it: which start for which groups, which answer, which
//! are offered; and the proof that a route runs what there is. Never lets anything run for which nobody stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Library, Runbook, model::ByItself};
use crate::{
    command::{Answer, Call, Execute, Ground, Registry, Reply, Wrong, understand},
    config::{Loaded, Mistake, list},
    domain::{
        config::{Config, Trigger, TriggeredBy},
        id::{RouteId, SeverityId},
        intent::Whom,
        page::PageTarget,
        person::Role,
        run::{Budget, RunOffer},
    },
    text::{runbook as words, usage},
};

/// How long an automatic answer has to help, unless it says otherwise.
const JUDGE_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// What routes run, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct OfRoutes {
    /// Which route, which runbook, and its command with its arguments.
    runs: Vec<(RouteId, String, String)>,
    /// What a route names that cannot run.
    pub mistakes: Vec<Mistake>,
}

impl Library {
    /// The same configuration with what the runbooks do by themselves.
    pub fn set_up(&self, config: &mut Config) {
        let identities = self.runbooks().filter_map(|runbook| runbook.by_itself.run_as.clone());
        config.automatic = identities.collect();
        config.triggers = self.triggers();
        config.offers = self.offers();
    }

    /// Those of routes first: somebody wrote them beside that very alert.
    fn triggers(&self) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        for (route, runbook, line) in &self.of_routes.runs {
            let answer = self.get(runbook).and_then(|runbook| answer(&runbook.by_itself));
            let (runbook, line) = (runbook.clone(), line.clone());
            triggers.push(Trigger { runbook, line, by: TriggeredBy::Route(route.clone()), answer });
        }
        for runbook in self.runbooks().filter(|runbook| !runbook.by_itself.on_alert.is_empty()) {
            let by = TriggeredBy::Alert(runbook.by_itself.on_alert.clone());
            let (line, answer) = (runbook.command(), answer(&runbook.by_itself));
            triggers.push(Trigger { runbook: runbook.command(), line, by, answer });
        }
        triggers
    }

    fn offers(&self) -> BTreeMap<SeverityId, Vec<RunOffer>> {
        let mut offers: BTreeMap<SeverityId, Vec<RunOffer>> = BTreeMap::new();
        for runbook in self.runbooks() {
            let asks = runbook.spec.arguments.iter().any(|argument| argument.required);
            let severities: BTreeSet<&SeverityId> = runbook.by_itself.on_incident.iter().collect();
            for severity in severities {
                let offer = RunOffer { runbook: runbook.command(), title: runbook.title.clone(), asks };
                offers.entry(severity.clone()).or_default().push(offer);
            }
        }
        offers
    }

    /// What is wrong with the commands that routes run, with its place in the configuration.
    pub fn mistakes_of_routes(&self) -> impl Iterator<Item = &Mistake> {
        self.of_routes.mistakes.iter()
    }

    /// Proves what routes run.
    pub(super) fn prove_routes(&mut self, loaded: &Loaded) {
        let diagnostics = &loaded.settings.diagnostics;
        if diagnostics.is_empty() {
            return;
        }
        let pack =
            |runbook: &Arc<Runbook>| (Arc::clone(&runbook.spec), Arc::new(Nothing) as Arc<dyn Execute>);
        let (registry, _) = Registry::builtin().with_all(self.runbooks().map(pack).collect());
        let mut of_routes = OfRoutes::default();
        for (route, one) in
            diagnostics.iter().flat_map(|(route, all)| all.iter().map(move |one| (route, one)))
        {
            match self.prove(&one.line, &registry, &loaded.config) {
                Ok(runbook) => of_routes.runs.push((route.clone(), runbook.command(), one.line.clone())),
                Err(Fault { what, nearest, remedy }) => {
                    of_routes.mistakes.push(one.at.saying(what, nearest, remedy));
                }
            }
        }
        self.of_routes = of_routes;
    }

    fn prove(&self, line: &str, registry: &Registry, config: &Config) -> Result<&Arc<Runbook>, Fault> {
        let (zone, now) = (TimeZone::UTC, Timestamp::UNIX_EPOCH);
        let ground = Ground { config, zone: &zone, now, me: None, anchor: now };
        let say = |what: String, remedy: &str| Fault { what, nearest: None, remedy: remedy.to_owned() };
        let spec = match understand(registry, ground, line) {
            Ok(parsed) if parsed.spec.secrets().any(|name| parsed.values.contains_key(&**name)) => {
                let what = format!("{} is told a secret here, which would be kept", parsed.spec.name());
                return Err(say(what, "give its service the token: [environment.…]"));
            }
            Ok(parsed) => parsed.spec,
            Err(Wrong::Usage { spec, problem, .. }) => {
                let why = usage::sentence(&problem);
                let what = format!("`{line}` is not complete: {}", why.trim_end_matches('.'));
                return Err(say(what, &format!("it is written {}", spec.usage())));
            }
            Err(Wrong::Unknown { nearest, .. }) => {
                return Err(self.unknown(line, nearest.into_iter().next().map(|near| near.name)));
            }
            Err(_) => return Err(self.unknown(line, None)),
        };
        let Some(runbook) = self.get(&spec.name()) else {
            let what = format!("{} is built in, and a route runs runbooks", spec.name());
            return Err(say(what, "write a runbook whose step calls it: a chat block"));
        };
        if runbook.actions().next().is_none() {
            let what = format!("{} has nothing that runs", runbook.command());
            return Err(say(what, "it is there to be read: link it in the alert's annotations"));
        }
        let remedy = "write run_as: name in its front matter, a person with roles of its own";
        alone(runbook).map_or(Ok(runbook), |what| Err(say(what, remedy)))
    }

    /// No command is called that, or its file has mistakes.
    fn unknown(&self, line: &str, nearest: Option<String>) -> Fault {
        let begins = |command: &str| {
            line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let broken = self.broken().iter().find(|broken| broken.command.as_deref().is_some_and(begins));
        if let Some(broken) = broken {
            let what = format!("`{line}` has mistakes and cannot run");
            return Fault { what, nearest: None, remedy: format!("mend its file: {}", broken.file) };
        }
        let known: Vec<String> = self.runbooks().map(|runbook| runbook.command()).collect();
        let remedy = format!("runbooks are {}", list(known.iter().map(String::as_str)));
        Fault { what: format!("there is no runbook `{line}`"), nearest, remedy }
    }
}

/// What is wrong with a command that a route runs.
struct Fault {
    what: String,
    nearest: Option<String>,
    remedy: String,
}

/// Why a runbook cannot run without an identity of its own: nobody stands for what it does.
fn alone(runbook: &Runbook) -> Option<String> {
    if runbook.by_itself.run_as.is_some() {
        return None;
    }
    let of_steps = runbook.actions().filter_map(|action| action.settings.role);
    let role = of_steps.chain([runbook.spec.role]).max().unwrap_or_default();
    let command = runbook.command();
    if role > Role::Viewer {
        return Some(format!("{command} needs the role {role}, and runs here as nobody"));
    }
    runbook.changes().then(|| format!("{command} changes something, and runs here as nobody"))
}

/// The budget of a runbook that answers by itself.
fn answer(by_itself: &ByItself) -> Option<Budget> {
    let budget = by_itself.budget?;
    let (page, target) = match &by_itself.page {
        Some(Whom::Policy(policy)) => (Some(policy.clone()), None),
        Some(Whom::Team(team)) => (None, Some(PageTarget::Team(team.clone()))),
        Some(Whom::Person(person)) => (None, Some(PageTarget::Person(person.clone()))),
        None => (None, None),
    };
    Some(Budget {
        most: budget.runs,
        window: budget.window,
        cool_down: by_itself.cool_down.unwrap_or(SignedDuration::ZERO),
        judge_within: by_itself.judge_within.unwrap_or(JUDGE_WITHIN),
        page,
        target,
    })
}

/// A command that is only a name: what a route runs is proved before anything can run.
struct Nothing;

impl Execute for Nothing {
    fn execute<'a>(&'a self, _: &'a Call<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(Reply::refused(words::gone()))))
    }
}
