//! Starts a runbook when nobody is there who asks for it: at its time, or for a group. It is its own identity then, and
//! whatever it needs to know stands in its command. Never starts what the engine did not take.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;

use super::{
    Runbook,
    executor::Executor,
    plan::{self, About, Wanted},
    run::{Said, look, tell},
    scope::Scope,
};
use crate::{
    command::{Desk, Ground, Value, understand},
    domain::{
        event::{Actor, Event},
        id::{ChannelName, GroupId, IncidentId},
        run::{RunBecause, RunIntent},
    },
    observe,
    text::runbook as words,
};

/// Why nothing was started.
pub(super) enum NotStarted {
    /// In words.
    Because(String),
    /// The house is ending.
    Stopped,
}

impl Executor {
    /// Starts a runbook by its command with its arguments; it goes on beside whoever called.
    pub(super) async fn start_alone(
        &self,
        desk: &Desk,
        runbook: &Arc<Runbook>,
        line: &str,
        because: RunBecause,
    ) -> Result<(), NotStarted> {
        let parsed = self.told(desk, runbook, line, because.group()).await?;
        let trace = observe::trace();
        let wanted = Wanted {
            by: identity(runbook),
            most: None,
            because,
            given: &parsed.given,
            environment: parsed.environment,
            incident: parsed.about.incident,
            group: parsed.about.group,
            channels: parsed.about.channels,
            salt: &*desk.salt,
        };
        let plan = plan::plan(runbook, wanted, &parsed.scope).salted(&*desk.salt);
        let started = tell(desk, trace, RunIntent::Start(Box::new(plan))).await;
        let started = started.map_err(|_| NotStarted::Stopped)?;
        let started = started.map_err(|no| NotStarted::Because(words::refused(no, &TimeZone::UTC)))?;
        let id = started.events.iter().find_map(|event| match event {
            Event::Run(event) => Some(event.run),
            _ => None,
        });
        let Some(id) = id else { return Ok(()) };
        let Ok(Some(run)) = look(desk, move |look| look.state.run(id).cloned()).await else {
            return Err(NotStarted::Stopped);
        };
        let running = self.running_of(desk, runbook, &run, parsed.given, trace, Said::default());
        if let Some(running) = running.await {
            self.spawn(running.go(0));
        }
        Ok(())
    }

    /// What it is told and what it is about.
    async fn told(
        &self,
        desk: &Desk,
        runbook: &Arc<Runbook>,
        line: &str,
        group: Option<GroupId>,
    ) -> Result<Told, NotStarted> {
        let (registry, line, by) = (desk.commands.current(), line.to_owned(), identity(runbook));
        let (runbook, world) = (Arc::clone(runbook), self.world());
        let seen = look(desk, move |look| {
            let now = look.now.civil;
            let me = by.person();
            let zone = me.and_then(|me| look.config.people.get(me)).map(|person| person.zone.clone());
            let zone = zone.unwrap_or(TimeZone::UTC);
            let ground = Ground { config: look.config, zone: &zone, now, me, anchor: now };
            // Its defaults are those of the command.
            let parsed =
                understand(&registry, ground, &line).map_err(|_| words::NEEDS_ARGUMENTS.to_owned())?;
            let environment = match parsed.values.get(runbook.environment_flag) {
                Some(Value::Text(named)) => Some(named.clone()),
                _ => runbook.environment.clone(),
            };
            // An alert that says where it comes from is not answered elsewhere.
            let said = group.and_then(|group| look.state.groups.get(&group));
            let said = said.map(|group| group.whereabouts.environments()).unwrap_or_default();
            let environment = match (environment, said) {
                (Some(named), _) => Some(named),
                (None, []) => None,
                (None, [one]) if world.environment(one).is_some() => Some(one.to_string()),
                (None, said) if runbook.changes() => return Err(words::another_environment(said)),
                (None, _) => None,
            };
            let named = environment.or_else(|| world.usual().map(str::to_owned)).unwrap_or_default();
            let environment =
                world.environment(&named).ok_or_else(|| words::no_environment(&named).title)?.clone();
            let open = group.and_then(|group| look.state.groups.get(&group));
            let incident = open.and_then(|group| group.incident);
            let channels = match (&runbook.by_itself.channel, open) {
                (Some(channel), _) => vec![channel.clone()],
                (None, Some(group)) => group.channels.to_vec(),
                (None, None) => Vec::new(),
            };
            let matchers = runbook.by_itself.on_alert.as_slice();
            let channel = channels.first();
            let about = About { by: &by, incident, group, matchers, channel, now };
            let (given, place) = (parsed.values, (named.as_str(), &environment));
            let scope = plan::scope(&parsed.spec, &given, place, &about, look.state, look.config);
            let about = Place { incident, group, channels };
            Ok(Told { given, environment: named, scope, about })
        });
        match seen.await {
            Ok(told) => told.map_err(NotStarted::Because),
            Err(_) => Err(NotStarted::Stopped),
        }
    }
}

/// Who it is; without an identity of its own it may look, and no more.
fn identity(runbook: &Runbook) -> Actor {
    runbook.by_itself.run_as.clone().map_or(Actor::Watchbell, Actor::Person)
}

/// What a runbook is told when nobody is there to tell it.
struct Told {
    given: BTreeMap<String, Value>,
    environment: String,
    scope: Scope,
    about: Place,
}

/// What a run is about, and where it streams.
struct Place {
    incident: Option<IncidentId>,
    group: Option<GroupId>,
    channels: Vec<ChannelName>,
}
