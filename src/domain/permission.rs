//! Who may do what: the role that somebody holds against the role that something needs. Never decides by anything
//! but roles, and never lets the local operator count as an approval.

use super::{config::Config, event::Actor, id::PersonId, person::Role};

/// What somebody may do on a chat platform whose account is nobody's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strangers {
    /// Look, as a viewer does.
    #[default]
    Look,
    /// Nothing but say who they are.
    Nothing,
}

impl Strangers {
    /// The words of the configuration.
    pub const WORDS: [(&'static str, Self); 2] = [("look", Self::Look), ("nothing", Self::Nothing)];
}

/// Somebody may not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    /// The role that it needs.
    pub needed: Role,
    /// The role that they have.
    pub held: Role,
    /// Who has the role that it needs, up to [`NotAllowed::MOST`] people, those with the weakest sufficient
    /// role first.
    pub ask: Vec<PersonId>,
}

impl NotAllowed {
    /// How many people are named.
    pub const MOST: usize = 3;
}

/// The role that somebody holds. A person who is no longer configured may look.
#[must_use]
pub fn role_of(actor: &Actor, config: &Config) -> Role {
    match actor {
        Actor::Person(person) => config.people.get(person).map_or(Role::Viewer, |person| person.role),
        // Whoever sits at a server without tokens could change its files as well.
        Actor::Operator | Actor::Watchbell => Role::Admin,
        Actor::Integration(_) => Role::Viewer,
    }
}

/// Whether somebody may do what needs this role.
///
/// # Errors
/// [`NotAllowed`]: with whom to ask.
pub fn check(actor: &Actor, needed: Role, config: &Config) -> Result<(), NotAllowed> {
    let held = role_of(actor, config);
    if held >= needed {
        return Ok(());
    }
    let mut able: Vec<_> = config.people.values().filter(|person| person.role >= needed).collect();
    able.sort_by(|a, b| a.role.cmp(&b.role).then_with(|| a.id.cmp(&b.id)));
    Err(NotAllowed {
        needed,
        held,
        ask: able.into_iter().take(NotAllowed::MOST).map(|p| p.id.clone()).collect(),
    })
}

/// Whether somebody's yes counts as an approval that needs this role: only a person's does, and only for what
/// another one asked for.
#[must_use]
pub fn counts_as_approval(approver: &Actor, requester: &Actor, needed: Role, config: &Config) -> bool {
    let is_person = matches!(approver, Actor::Person(person) if config.people.contains_key(person));
    is_person && approver != requester && role_of(approver, config) >= needed
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::person::Person;

    fn config() -> Config {
        let person = |id: &str, role| Person {
            id: id.into(),
            name: id.to_owned(),
            zone: TimeZone::UTC,
            role,
            contacts: Vec::new(),
            urgent: Vec::new(),
            routine: Vec::new(),
        };
        let people = [
            person("ana", Role::Admin),
            person("ben", Role::Operator),
            person("chi", Role::Responder),
            person("eve", Role::Viewer),
        ];
        Config { people: people.into_iter().map(|p| (p.id.clone(), p)).collect(), ..Config::default() }
    }

    #[test]
    fn each_role_includes_the_ones_before_it_and_a_refusal_names_whom_to_ask() {
        let config = config();
        for (who, needed, ask) in [
            ("eve", Role::Viewer, None),
            ("eve", Role::Responder, Some(vec!["chi", "ben", "ana"])),
            ("chi", Role::Responder, None),
            ("chi", Role::Operator, Some(vec!["ben", "ana"])),
            ("ben", Role::Admin, Some(vec!["ana"])),
            ("ana", Role::Admin, None),
            ("gone", Role::Responder, Some(vec!["chi", "ben", "ana"])),
        ] {
            let answer = check(&Actor::Person(who.into()), needed, &config).err();
            let asked = answer.map(|no| no.ask.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(asked, ask.map(|ids| ids.into_iter().map(str::to_owned).collect()), "{who} {needed}");
        }
    }

    #[test]
    fn the_local_operator_may_everything_but_never_approves() {
        let config = config();
        let ana = Actor::Person("ana".into());
        let ben = Actor::Person("ben".into());
        assert_eq!(check(&Actor::Operator, Role::Admin, &config), Ok(()));
        for (approver, requester, expected) in [
            (&Actor::Operator, &ana, false),
            (&ana, &ana, false),
            (&ben, &ana, true),
            (&ana, &Actor::Operator, true),
        ] {
            assert_eq!(counts_as_approval(approver, requester, Role::Operator, &config), expected);
        }
    }
}
