//! Who is paged, who is spared, what was already leaving: said after an acknowledgement, a page or a change of an
//! incident. Never says more than events and state do.

use std::collections::BTreeSet;

use super::{
    card::{Card, Field, Tone},
    control,
    scene::{Scene, button, enumerate, field},
};
use crate::domain::{
    delivery::Channel,
    event::{Actor, Event, PageStop, Plan},
    id::{DeliveryId, GroupId, IncidentId, PageId, PersonId},
    page::{Page, PageTarget, Subject, Target},
};

/// What events mean for the people who are paged, or no longer are.
#[must_use]
pub fn fields(scene: &Scene<'_>, events: &[Event]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut nobody = Vec::new();
    let mut spared: BTreeSet<&PersonId> = BTreeSet::new();
    let mut leaving: Vec<DeliveryId> = Vec::new();
    let mut stopped = false;
    for event in events {
        match event {
            Event::PageStarted(started) => {
                let page = scene.state.pages.get(&started.page);
                let value = page.map(|page| paged(scene, page));
                let value = value.unwrap_or_else(|| format!("by policy {}", started.plan.policy));
                fields.push(field("Pages now", value));
                // A page that reached nobody may be over already; its plan still says whom it meant.
                let paged = page.map(|page| page.paged.clone()).unwrap_or_default();
                let console_only = console_only(scene, paged, &started.plan);
                if !console_only.is_empty() {
                    let value = format!("{}: only if a console of theirs is open", enumerate(console_only));
                    fields.push(field("Uncertain", value));
                }
            }
            Event::StepTaken(step) => nobody.extend(step.nobody.iter().map(super::nobody::nobody)),
            Event::PageStopped { why, spared: people, leaving: attempts, .. } => {
                stopped = true;
                // Whoever takes it knows about themselves.
                let taker = if let PageStop::Acknowledged(by) = why { by.person() } else { None };
                spared.extend(people.iter().filter(|person| Some(*person) != taker));
                leaving.extend(attempts);
            }
            _ => {}
        }
    }
    if !nobody.is_empty() {
        fields.push(field("Not reached", nobody.join("; ")));
    }
    if stopped {
        let whom =
            if spared.is_empty() { "nobody else was to be paged".to_owned() } else { enumerate(spared) };
        fields.push(field("Spared", whom));
    }
    if !leaving.is_empty() {
        let attempts = leaving.iter().map(|delivery| recipient(scene, *delivery));
        fields.push(field("Already leaving", enumerate(attempts)));
    }
    fields
}

/// Those whom a page has paged, or means by name, and whom nothing but chat reaches: in this release the terminal, and
/// nobody knows here whether theirs is open.
fn console_only(scene: &Scene<'_>, paged: BTreeSet<PersonId>, plan: &Plan) -> BTreeSet<PersonId> {
    let mut people = paged;
    if people.is_empty() {
        let first = plan.steps.first().map(|step| step.page.as_slice()).unwrap_or_default();
        for target in first {
            match target {
                PageTarget::Person(person) => people.extend([person.clone()]),
                PageTarget::Team(team) => {
                    let members = scene.config.teams.get(team).map(|team| team.members.as_slice());
                    people.extend(members.unwrap_or_default().iter().cloned());
                }
                PageTarget::Schedule(_) | PageTarget::Channel(_) => {}
            }
        }
    }
    people.retain(|person| {
        let contacts = scene.config.people.get(person).map(|person| person.contacts.as_slice());
        contacts
            .is_some_and(|all| !all.is_empty() && all.iter().all(|(_, channel)| *channel == Channel::Chat))
    });
    people
}

/// Whom a page has paged, or is about to, and when it goes on.
fn paged(scene: &Scene<'_>, page: &Page) -> String {
    let targets =
        |step: u32| page.plan.steps.get(usize::try_from(step).ok()?).map(|step| meant(scene, &step.page));
    if page.round == 0 {
        return targets(0).unwrap_or_else(|| format!("by policy {}", page.plan.policy));
    }
    let now = if page.paged.is_empty() {
        targets(page.step.saturating_sub(1))
    } else {
        Some(enumerate(&page.paged))
    };
    let now = now.unwrap_or_default();
    if page.held {
        return format!("{now}; it stands still, because nothing of it is heard");
    }
    let due = scene.near(scene.civil(page.next_at));
    match targets(page.step) {
        Some(then) => format!("{now}; at {due} {then}, unless somebody takes it"),
        None => now,
    }
}

/// Targets with whom they mean at this instant: `ana (schedule:primary)`.
#[must_use]
pub fn meant(scene: &Scene<'_>, targets: &[PageTarget]) -> String {
    enumerate(targets.iter().map(|target| match target {
        PageTarget::Schedule(id) => {
            let schedule = scene.config.schedules.get(id);
            let overrides = scene.state.overrides_of(id);
            let person = schedule.and_then(|schedule| schedule.on_call(scene.now.civil, &overrides));
            person.map_or_else(|| format!("nobody ({target})"), |person| format!("{person} ({target})"))
        }
        PageTarget::Team(team) => format!("team {team}"),
        PageTarget::Person(person) => person.to_string(),
        PageTarget::Channel(channel) => channel.to_string(),
    }))
}

fn recipient(scene: &Scene<'_>, delivery: DeliveryId) -> String {
    scene
        .state
        .deliveries
        .get(&delivery)
        .map_or_else(|| delivery.to_string(), |delivery| delivery.to.to_string())
}

/// Somebody took something.
#[must_use]
pub fn taken(scene: &Scene<'_>, target: Target, by: &Actor, events: &[Event]) -> Card {
    let mut groups: Vec<GroupId> = Vec::new();
    let mut incidents: Vec<IncidentId> = Vec::new();
    let mut requests: Vec<PageId> = Vec::new();
    for event in events {
        match event {
            Event::GroupAcknowledged { group, .. } => groups.push(*group),
            Event::IncidentAcknowledged { incident, .. } => incidents.push(*incident),
            Event::PageStopped { page, subject: Subject::Request(_), .. } => requests.push(*page),
            _ => {}
        }
    }
    let incident_names = incidents.iter().map(ToString::to_string);
    let names = incident_names
        .chain(groups.iter().map(ToString::to_string))
        .chain(requests.iter().map(ToString::to_string));
    let names: Vec<String> = names.collect();
    let what = if names.is_empty() { target.to_string() } else { enumerate(names) };
    let mut fields = titles(scene, &incidents, &groups);
    fields.extend(self::fields(scene, events));
    let buttons = incidents.first().map_or_else(Vec::new, |incident| {
        vec![
            button("Update…", control::asking("/incident status", incident)),
            button("Resolve…", control::asking("/incident resolve", incident)),
            button("Show", format!("/incident show {incident}")),
        ]
    });
    Card { title: format!("{by} has {what}."), tone: Tone::Good, fields, buttons, ..Card::default() }
}

/// What the things that were taken are called.
fn titles(scene: &Scene<'_>, incidents: &[IncidentId], groups: &[GroupId]) -> Vec<Field> {
    let incidents = incidents.iter().filter_map(|id| {
        let incident = scene.state.incidents.get(id)?;
        Some(field(&id.to_string(), format!("{} {}", incident.severity, incident.title)))
    });
    let groups =
        groups.iter().filter_map(|id| Some(field(&id.to_string(), &*scene.state.groups.get(id)?.title)));
    incidents.chain(groups).collect()
}

/// Somebody pages somebody.
#[must_use]
pub fn asked(scene: &Scene<'_>, whom: &str, events: &[Event]) -> Card {
    let page = events.iter().find_map(|event| match event {
        Event::PageStarted(started) => Some(started.page),
        _ => None,
    });
    let (id, buttons) = match page {
        Some(page) => (format!("{page}: "), vec![button("Acknowledge", format!("/ack {page}"))]),
        None => (String::new(), Vec::new()),
    };
    Card {
        title: format!("{id}{whom} is paged."),
        tone: Tone::Good,
        fields: fields(scene, events),
        buttons,
        ..Card::default()
    }
}

/// Everything that nobody has taken, or for which somebody is being paged all the same: incidents, groups that belong to
/// none of those, pages by request.
#[must_use]
pub fn untaken(scene: &Scene<'_>) -> Vec<(Target, String)> {
    let state = scene.state;
    let open = state.open_incidents.iter().filter_map(|id| state.incidents.get(id));
    let incidents = open.filter(|incident| {
        incident.acknowledged.is_none() || state.is_paged_for(Subject::Incident(incident.id))
    });
    let open: BTreeSet<IncidentId> = incidents.clone().map(|incident| incident.id).collect();
    let groups = state.groups.values().filter(|group| {
        let waits = group.acknowledged.is_none() && group.hush.is_none();
        let waits = waits || state.is_paged_for(Subject::Group(group.id, None));
        waits && group.incident.is_none_or(|incident| !open.contains(&incident))
    });
    let requests = state.pages.values().filter(|page| matches!(page.subject, Subject::Request(_)));
    incidents
        .map(|incident| (Target::Incident(incident.id), format!("{} {}", incident.severity, incident.title)))
        .chain(groups.map(|group| (Target::Group(group.id), group.title.clone())))
        .chain(requests.map(|page| (Target::Page(page.id), format!("page by {}", page.by))))
        .collect()
}

/// Nothing waits to be taken.
#[must_use]
pub fn nothing_to_take() -> Card {
    super::refusal::no(
        "Nothing waits to be taken.".to_owned(),
        "Everything that is open has been acknowledged.",
    )
}

/// Several things wait to be taken.
#[must_use]
pub fn choose(waiting: &[(Target, String)]) -> Card {
    const MOST: usize = 10;
    let mut card = super::refusal::no(
        format!("{} things wait to be taken: which one?", waiting.len()),
        "Nothing was acknowledged yet.",
    );
    let offer =
        |(target, title): &(Target, String)| button(format!("{target} {title}"), format!("/ack {target}"));
    card.buttons = waiting.iter().take(MOST).map(offer).collect();
    card
}
