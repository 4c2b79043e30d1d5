//! What a card offers to choose from: who may lead an incident, how bad it may be. Pure. Never offers what a command
//! would refuse, and never a list that no platform shows.

use jiff::Timestamp;

use super::{
    config::Config,
    event::Actor,
    id::{PersonId, SeverityId},
    incident::Incident,
    page::Subject,
    person::Role,
    state::State,
};

/// What is offered beside a card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// Who may lead, the likely ones first: id and full name.
    pub leads: Vec<(PersonId, String)>,
    /// How bad it may be, the worst first: id and name.
    pub severities: Vec<(SeverityId, String)>,
}

impl Offers {
    /// How many of each are offered: Discord's lists take no more.
    pub const MOST: usize = 25;

    /// For a card about this, at this civil time.
    #[must_use]
    pub fn for_card(state: &State, config: &Config, subject: Subject, at: Timestamp) -> Self {
        let incident = if let Subject::Incident(id) = subject { state.incidents.get(&id) } else { None };
        incident.filter(|one| one.is_open()).map(|one| Self::of(state, config, one, at)).unwrap_or_default()
    }

    /// For an open incident, at this civil time.
    #[must_use]
    pub fn of(state: &State, config: &Config, incident: &Incident, at: Timestamp) -> Self {
        let lead = incident.commander();
        // What runs by itself leads nothing.
        let fits = |id: &PersonId| Some(id) != lead && !config.automatic.contains(id);
        let people = likely(state, config, Some(incident), at).into_iter().filter(fits);
        let named = |id: PersonId| {
            let person = config.people.get(&id).filter(|person| !person.contacts.is_empty())?;
            Some((id, person.name.clone()))
        };
        let others = config.severities.values().filter(|severity| severity.id != incident.severity);
        Self {
            leads: people.filter_map(named).take(Self::MOST).collect(),
            severities: others
                .take(Self::MOST)
                .map(|severity| (severity.id.clone(), severity.name.clone()))
                .collect(),
        }
    }
}

/// Everybody of the configuration, the likely ones first: who took the incident or has a role in it, whom it paged,
/// who is on call now, who may answer at all, everybody else.
#[must_use]
pub fn likely(state: &State, config: &Config, incident: Option<&Incident>, at: Timestamp) -> Vec<PersonId> {
    let mut order: Vec<PersonId> = Vec::new();
    let mut add = |id: &PersonId| {
        if config.people.contains_key(id) && !order.contains(id) {
            order.push(id.clone());
        }
    };
    if let Some(incident) = incident {
        if let Some((Actor::Person(person), _)) = &incident.acknowledged {
            add(person);
        }
        incident.roles.values().flatten().for_each(&mut add);
        incident.paged.iter().for_each(&mut add);
        incident.response.paged_for_groups.iter().for_each(&mut add);
    }
    for schedule in config.schedules.values() {
        let overrides = state.overrides_of(&schedule.id);
        schedule.on_call(at, &overrides).into_iter().for_each(&mut add);
    }
    let responders = config.people.values().filter(|person| person.role >= Role::Responder);
    responders.map(|person| &person.id).for_each(&mut add);
    config.people.keys().for_each(&mut add);
    order
}
