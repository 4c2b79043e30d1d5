//! What a run knows: arguments, the environment, built-in words, results of earlier steps. Its `Debug` shows names
//! alone, because values may be secrets.

use std::{collections::BTreeMap, fmt};

use minijinja::{Value, value::Serde};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::names;
use crate::{
    command::{CommandSpec, Value as Argument},
    config::Environment,
    domain::duration,
};

/// Values by name.
#[derive(Clone, Default)]
pub struct Scope {
    values: BTreeMap<String, Value>,
}

impl Scope {
    /// Gives a name its value.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        self.values.insert(name.to_owned(), Value::from(Serde(value)));
    }

    /// The arguments and flags of a call; what is absent is none.
    pub fn arguments(&mut self, spec: &CommandSpec, given: &BTreeMap<String, Argument>) {
        let names = spec.arguments.iter().map(|argument| (&argument.name, false));
        let flags = spec.flags.iter().map(|flag| (&flag.name, flag.kind.is_none()));
        let mut all = BTreeMap::new();
        for (name, switch) in names.chain(flags) {
            let value = match given.get(&**name) {
                Some(argument) => written(argument),
                None if switch => Value::from(false),
                None => Value::from(()),
            };
            all.insert(names::variable(name), value);
        }
        let arguments = Value::from_pairs(all.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.values.extend(all);
        self.values.insert(names::ARGUMENTS.to_owned(), arguments);
    }

    /// The environment's name and its services, with their secrets: only what leaves in a header or a body may ask
    /// for those, which was proved when the runbook was read.
    pub fn environment(&mut self, name: &str, environment: &Environment) {
        self.set("environment", name);
        self.set(names::VALUES, &environment.values);
        for (service, what) in &environment.services {
            let secret = |secret: &Option<secrecy::SecretString>| {
                secret.as_ref().map_or(Value::from(()), |secret| Value::from(secret.expose_secret()))
            };
            let fields = [
                ("url", Value::from(what.url.expose().as_str().trim_end_matches('/'))),
                ("user", what.user.as_deref().map_or(Value::from(()), Value::from)),
                ("token", secret(&what.token)),
                ("password", secret(&what.password)),
            ];
            self.values.insert(service.clone(), Value::from_pairs(fields));
        }
    }

    /// The same with the fields of a step's own result standing bare, as its `expect` sees them.
    #[must_use]
    pub fn with(&self, fields: impl Serialize) -> Self {
        let mut values = self.values.clone();
        let fields = Value::from(Serde(fields));
        if let Ok(keys) = fields.try_iter() {
            for key in keys {
                if let (Some(name), Ok(value)) = (key.as_str(), fields.get_item(&key)) {
                    values.insert(name.to_owned(), value);
                }
            }
        }
        Self { values }
    }

    /// As expressions see it.
    pub(super) fn value(&self) -> Value {
        Value::from_pairs(self.values.iter().map(|(name, value)| (name.clone(), value.clone())))
    }
}

/// An argument as templates write it.
pub(super) fn written(argument: &Argument) -> Value {
    match argument {
        Argument::Person(id) => Value::from(id.as_str()),
        Argument::Nobody => Value::from(()),
        Argument::Schedule(id) => Value::from(id.as_str()),
        Argument::Severity(id) => Value::from(id.as_str()),
        Argument::Incident(id) => Value::from(id.to_string()),
        Argument::Alert(id) => Value::from(id.to_string()),
        Argument::Override(id) => Value::from(id.to_string()),
        Argument::Target(target) => Value::from(target.to_string()),
        Argument::Whom(whom) => Value::from(match whom {
            crate::domain::intent::Whom::Person(id) => id.to_string(),
            crate::domain::intent::Whom::Team(id) => id.to_string(),
            crate::domain::intent::Whom::Policy(id) => id.to_string(),
        }),
        Argument::Status(status) => Value::from(status.as_str()),
        Argument::IncidentRole(role) => Value::from(role.as_str()),
        Argument::Time(at) => Value::from(at.to_string()),
        Argument::Duration(wait) => Value::from(duration::written(*wait)),
        Argument::Number(number) => Value::from(*number),
        Argument::Text(text) => Value::from(text.as_str()),
        Argument::Group(id) => Value::from(id.to_string()),
        Argument::Silence(id) => Value::from(id.to_string()),
        Argument::Run(id) => Value::from(id.to_string()),
        Argument::Task(id) => Value::from(id.to_string()),
        Argument::Deployment(id) => Value::from(id.to_string()),
        Argument::Given => Value::from(true),
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.values.keys()).finish()
    }
}
