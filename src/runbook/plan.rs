//! What is decided when a run starts, and what a run knows: made of the plan alone, so that it is the same after a
//! restart. Never lets a secret into the plan.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    Runbook, guide,
    matter::{ABOUT, DRY_RUN, INCIDENT, STEP},
    model::Action,
    scope::{Scope, written},
    world::secrets::COVERED,
};
use crate::{
    command::{CommandSpec, Kind, Value as Argument},
    config::Environment,
    domain::{
        config::Config,
        event::Actor,
        id::{ChannelName, GroupId, IncidentId},
        matcher::Matcher,
        person::Role,
        prose::{Echo, Prose},
        run::{ASK_FOR, ActionKind, Approvals, PlannedStep, Run, RunBecause, RunPlan},
        state::State,
    },
};

/// Who wants a run, why, and about what.
pub(super) struct Wanted<'a> {
    pub by: Actor,
    /// What the token allows at most that was shown.
    pub most: Option<Role>,
    pub because: RunBecause,
    pub given: &'a BTreeMap<String, Argument>,
    pub environment: String,
    pub incident: Option<IncidentId>,
    pub group: Option<GroupId>,
    pub channels: Vec<ChannelName>,
    pub salt: &'a (dyn Fn() -> [u8; 16] + Send + Sync),
}

/// The plan of a run, its questions and locks with their values.
pub(super) fn plan(runbook: &Runbook, wanted: Wanted<'_>, scope: &Scope) -> RunPlan {
    let own =
        |name: &String| name != DRY_RUN && name != STEP && name != ABOUT && name != runbook.environment_flag;
    let said = wanted.given.iter().filter(|(name, _)| own(name));
    let args = said.map(|(name, value)| {
        let secret = runbook.spec.secrets().any(|secret| *secret == name.as_str());
        let value = if secret { COVERED.to_owned() } else { written(value).to_string() };
        (name.clone(), Prose::new(&value, (wanted.salt)()))
    });
    RunPlan {
        runbook: runbook.command(),
        digest: runbook.digest.clone(),
        title: runbook.title.clone(),
        args: args.collect(),
        environment: wanted.environment,
        by: wanted.by,
        most: wanted.most,
        run_as: runbook.by_itself.run_as.clone(),
        because: wanted.because,
        group: wanted.group,
        incident: wanted.incident,
        channels: wanted.channels,
        dry: wanted.given.contains_key(DRY_RUN),
        role: runbook.spec.role,
        ask_for: ASK_FOR,
        steps: steps(runbook, scope),
        part: None,
        links: guide::links_of_all(runbook, wanted.given),
    }
}

fn steps(runbook: &Runbook, scope: &Scope) -> Vec<PlannedStep> {
    let with_heading = runbook
        .steps
        .iter()
        .flat_map(|step| step.actions.iter().map(move |action| (step.title.as_str(), action)));
    let mut indexes = 1_u32..;
    with_heading
        .zip(&mut indexes)
        .map(|((heading, action), index)| step(runbook, heading, action, index, scope))
        .collect()
}

fn step(runbook: &Runbook, heading: &str, action: &Action, index: u32, scope: &Scope) -> PlannedStep {
    use super::names::ActKind;
    let settings = &action.settings;
    // What a value is missing for stands there as it is written: people read it, and locks meet all the same.
    let filled = |template: &super::Template| template.render(scope).unwrap_or_else(|_| template.source());
    PlannedStep {
        index,
        name: settings.name.clone().unwrap_or_else(|| format!("step-{index}")),
        heading: heading.to_owned(),
        action: match action.act.kind() {
            ActKind::Http => ActionKind::Http,
            ActKind::Promql => ActionKind::Promql,
            ActKind::Logs => ActionKind::Logs,
            ActKind::Trace => ActionKind::Trace,
            ActKind::Run => ActionKind::Run,
            ActKind::Chat => ActionKind::Chat,
        },
        changes: action.changes,
        retries: settings.retry.map_or(0, |retry| retry.times),
        approve: settings.approve.map(|needs| Approvals { role: needs.role, count: needs.people.into() }),
        confirm: settings.confirm.as_ref().map(|question| filled(question).into()),
        lock: settings.lock.as_ref().map(|lock| filled(lock).as_str().into()),
        role: settings.role.unwrap_or(runbook.spec.role),
    }
}

/// Whether a run was told a secret, which its plan does not hold.
pub(super) fn was_told_a_secret(spec: &CommandSpec, plan: &RunPlan) -> bool {
    spec.secrets().any(|secret| plan.args.iter().any(|(name, _)| *secret == name.as_str()))
}

/// Whether words were erased that a run was told or has said: it has nothing left to go on with.
pub(super) fn lost_words(run: &Run) -> bool {
    let erased = |echo: &Echo| matches!(echo, Echo::Words(words) if words.is_erased());
    run.plan.args.iter().any(|(_, value)| value.is_erased())
        || run.steps.iter().filter_map(|step| step.result.as_ref()).any(erased)
}

/// The secrets that a run is told.
pub(super) fn secrets(spec: &CommandSpec, given: &BTreeMap<String, Argument>) -> Vec<SecretString> {
    let told = spec.secrets().filter_map(|name| given.get(&**name));
    told.map(|value| written(value).to_string().into()).collect()
}

/// What a run was told, read back from its plan.
pub(super) fn given(spec: &CommandSpec, plan: &RunPlan) -> BTreeMap<String, Argument> {
    let one = |(name, value): &(String, Prose)| {
        let argument = spec.arguments.iter().find(|one| one.name == *name).map(|one| Some(&one.kind));
        let flag = || spec.flags.iter().find(|one| one.name == *name).map(|one| one.kind.as_ref());
        let value = match argument.or_else(flag)? {
            None => Argument::Given,
            Some(Kind::Number(..)) => Argument::Number(value.as_str().parse().ok()?),
            Some(_) => Argument::Text(value.as_str().to_owned()),
        };
        Some((name.clone(), value))
    };
    plan.args.iter().filter_map(one).collect()
}

/// What a run is about, as its templates see it.
pub(super) struct About<'a> {
    pub by: &'a Actor,
    pub incident: Option<IncidentId>,
    pub group: Option<GroupId>,
    /// What an alert meets that is meant, of those of the group.
    pub matchers: &'a [Matcher],
    pub channel: Option<&'a ChannelName>,
    pub now: Timestamp,
}

/// What a run knows before its first step.
pub(super) fn scope(
    spec: &CommandSpec,
    given: &BTreeMap<String, Argument>,
    environment: (&str, &Environment),
    about: &About<'_>,
    state: &State,
    config: &Config,
) -> Scope {
    let mut scope = Scope::default();
    scope.arguments(spec, given);
    scope.environment(environment.0, environment.1);
    scope.set("now", about.now.to_string());
    scope.set("channel", about.channel.map(ToString::to_string));
    let incident = about.incident.and_then(|id| state.incidents.get(&id)).map(|incident| {
        BTreeMap::from([
            ("id", incident.id.to_string()),
            ("title", incident.title.to_string()),
            ("severity", incident.severity.to_string()),
            ("status", incident.status.as_str().to_owned()),
        ])
    });
    let named = spec.arguments.iter().map(|one| &one.name).chain(spec.flags.iter().map(|one| &one.name));
    // The one that was named, if the runbook asks for one.
    if !named.into_iter().any(|name| name == INCIDENT) {
        scope.set(INCIDENT, incident);
    }
    let group = about.group.and_then(|id| state.groups.get(&id));
    scope.set(
        "group",
        group.map(|group| {
            BTreeMap::from([
                ("id", group.id.to_string()),
                ("route", group.route.as_ref().map(ToString::to_string).unwrap_or_default()),
                ("summary", group.title.clone()),
            ])
        }),
    );
    let alerts = || group.into_iter().flat_map(|group| &group.firing).filter_map(|id| state.alerts.get(id));
    let meant = alerts().find(|alert| about.matchers.iter().all(|matcher| matcher.matches(&alert.labels)));
    let first = meant.or_else(|| alerts().next());
    scope.set("labels", first.map(|alert| &alert.labels).cloned().unwrap_or_default());
    scope.set("annotations", first.map(|alert| &alert.annotations).cloned().unwrap_or_default());
    let person = if let Actor::Person(id) = about.by { config.people.get(id) } else { None };
    let name = person.map_or_else(|| about.by.to_string(), |person| person.name.clone());
    scope.set("person", BTreeMap::from([("id", about.by.to_string()), ("name", name)]));
    scope
}
