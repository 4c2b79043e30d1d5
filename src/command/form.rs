//! Forms from specs: whoever calls a command without what it needs is asked for it, with what is known filled in.
//! Pure, and nothing but the spec says what is asked; never offers what the command would not read.

use std::collections::BTreeMap;

use super::{
    Caller, complete,
    read::{self, Ground, Value},
    spec::{Argument, CommandSpec, Kind},
    words::{self, Word},
};
use crate::{
    domain::{
        id::{GroupId, IncidentId, SeverityId},
        offer,
    },
    engine::Look,
    text::{
        self,
        card::{Choice, Form, Input},
    },
};

/// Inputs that every platform's forms have room for.
const INPUTS: usize = 5;
/// Characters of a command that every platform's buttons have room for.
const BUTTON: usize = 100;
/// A list that is longer is a text: no platform shows it.
const CHOICES: usize = 100;

/// A form, and the command that asks for it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// The form.
    pub form: Form,
    /// Opens it: `/incident status --ask INC-7`.
    pub again: String,
}

/// The form of a command with what was written after its path; none when it takes nothing that could be asked for.
#[must_use]
pub fn form(spec: &CommandSpec, tail: &str, look: &Look<'_>, caller: &Caller) -> Option<Asking> {
    // What may be a secret is not shown a second time, and stays out of what the platform keeps of a form.
    let tail = if spec.is_confidential() { "" } else { tail };
    let known = Known::read(spec, tail, super::ground(look.config, caller, look.now.civil));
    let about = About::of(&known, look);
    let mut command = vec![spec.name()];
    let mut again = vec![spec.name(), "--ask".to_owned()];
    command.extend(known.flags.iter().cloned());
    again.extend(known.flags.iter().cloned());
    let mut inputs = Vec::new();
    for argument in &spec.arguments {
        let given = known.arguments.get(&*argument.name);
        match given.filter(|_| identifies(&argument.kind)) {
            Some((_, written)) => {
                command.push(written.clone());
                again.push(written.clone());
            }
            // Which incident is meant is known where it is written, or asked for afterwards.
            None if identifies(&argument.kind) && !argument.required => {}
            None => {
                command.push(format!("{{{}}}", argument.name));
                inputs.push(input(argument, given, &about, look));
            }
        }
    }
    inputs.truncate(INPUTS);
    if inputs.is_empty() {
        return None;
    }
    let subjects: Vec<&str> =
        known.subjects(spec).chain(known.flags.iter().skip(1).map(String::as_str)).collect();
    let path: Vec<&str> = spec.path.iter().map(AsRef::as_ref).collect();
    let form = Form {
        title: text::form::title(&path, &subjects),
        send: text::form::send().to_owned(),
        command: command.join(" "),
        inputs,
    };
    // What is known of the rest is asked for again rather than lost with the button.
    let whole = format!("{} --ask {tail}", spec.name()).trim_end().to_owned();
    let fits = whole.encode_utf16().count() <= BUTTON && !tail.contains('\n');
    Some(Asking { form, again: if fits { whole } else { again.join(" ") } })
}

/// Whether a value says what the command is about: such a one is not asked for once it is known.
fn identifies(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Incident
            | Kind::Group
            | Kind::Alert
            | Kind::Override
            | Kind::Silence
            | Kind::Deployment
            | Kind::Task
            | Kind::Target
    )
}

/// What was written already: read as far as it can be, and never refused.
#[derive(Default)]
struct Known {
    arguments: BTreeMap<String, (Value, String)>,
    /// As written.
    flags: Vec<String>,
    values: Vec<Value>,
}

impl Known {
    fn read(spec: &CommandSpec, tail: &str, mut ground: Ground<'_>) -> Self {
        let words = words::split(tail);
        let (mut known, mut rest) = (Self::default(), words.as_slice());
        for argument in &spec.arguments {
            rest = known.take_flags(spec, rest, ground);
            let Some(first) = rest.first() else { break };
            if argument.kind == Kind::Text {
                let written = match rest {
                    [only] => only.text.as_str(),
                    _ => tail.get(first.start..).unwrap_or_default().trim_end(),
                };
                let value = Value::Text(written.to_owned());
                known.arguments.insert(argument.name.to_string(), (value, written.to_owned()));
                break;
            }
            // A bare number before other words may be the beginning of a text.
            let bare = identifies(&argument.kind) && rest.len() > 1;
            if bare && first.text.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let Ok((value, used)) = read::read(&argument.name, &argument.kind, rest, ground) else {
                continue;
            };
            if let Value::Time(at) = value {
                ground.anchor = at;
            }
            let taken = rest.get(..used).unwrap_or_default();
            let written = taken.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            known.values.push(value.clone());
            known.arguments.insert(argument.name.to_string(), (value, written));
            rest = rest.get(used..).unwrap_or_default();
        }
        known.take_flags(spec, rest, ground);
        known
    }

    fn take_flags<'w>(&mut self, spec: &CommandSpec, mut rest: &'w [Word], ground: Ground<'_>) -> &'w [Word] {
        while let Some(word) = rest.first().filter(|word| !word.quoted)
            && let Some(name) = words::flag(&word.text)
            && let Some(flag) = spec.flags.iter().find(|flag| flag.name == name)
        {
            rest = rest.get(1..).unwrap_or_default();
            let Some(kind) = &flag.kind else {
                self.flags.push(format!("--{name}"));
                continue;
            };
            let Ok((value, 1)) = read::read(&flag.name, kind, rest, ground) else { return rest };
            let written = rest.first().map(|word| word.text.clone()).unwrap_or_default();
            self.flags.extend([format!("--{name}"), written]);
            self.values.push(value);
            rest = rest.get(1..).unwrap_or_default();
        }
        rest
    }

    fn subjects<'k>(&'k self, spec: &'k CommandSpec) -> impl Iterator<Item = &'k str> {
        let identifying = spec.arguments.iter().filter(|argument| identifies(&argument.kind));
        identifying.filter_map(|argument| Some(self.arguments.get(&*argument.name)?.1.as_str()))
    }
}

/// What is true of the thing that the command is about.
#[derive(Default)]
struct About {
    incident: Option<IncidentId>,
    status: Option<String>,
    severity: Option<SeverityId>,
    title: Option<String>,
}

impl About {
    fn of(known: &Known, look: &Look<'_>) -> Self {
        let mut about = Self::default();
        for value in &known.values {
            match value {
                Value::Incident(id) => about.incident(*id, look),
                Value::Group(id) => about.group(*id, look),
                _ => {}
            }
        }
        about
    }

    fn incident(&mut self, id: IncidentId, look: &Look<'_>) {
        let Some(incident) = look.state.incidents.get(&id) else { return };
        self.incident = Some(id);
        self.status = Some(incident.status.to_string());
        self.severity = Some(incident.severity.clone());
    }

    fn group(&mut self, id: GroupId, look: &Look<'_>) {
        let Some(group) = look.state.groups.get(&id) else { return };
        self.severity.clone_from(&group.severity);
        self.title = Some(text::plain::plain(&group.title, text::plain::NAME));
    }
}

fn input(argument: &Argument, given: Option<&(Value, String)>, about: &About, look: &Look<'_>) -> Input {
    let choices = choices(&argument.kind, about, look);
    let value = given.map(|(value, written)| canonical(value, written));
    let value = value.or_else(|| match argument.kind {
        Kind::Status => about.status.clone(),
        Kind::Severity => about.severity.as_ref().map(ToString::to_string),
        Kind::Text if argument.name == "title" => about.title.clone(),
        _ => None,
    });
    let value = value.or_else(|| argument.default.as_ref().map(ToString::to_string)).unwrap_or_default();
    Input {
        name: argument.name.to_string(),
        label: text::scene::capital(&argument.name),
        hint: argument.about.to_string(),
        value,
        optional: !argument.required,
        // What is called a text may have several lines; a title or a reason has one.
        long: argument.kind == Kind::Text && argument.name == "text",
        choices,
    }
}

/// As it stands among the choices.
fn canonical(value: &Value, written: &str) -> String {
    match value {
        Value::Person(id) => id.to_string(),
        Value::Nobody => "none".to_owned(),
        Value::Schedule(id) => id.to_string(),
        Value::Severity(id) => id.to_string(),
        Value::Status(status) => status.to_string(),
        Value::IncidentRole(role) => role.to_string(),
        _ => written.to_owned(),
    }
}

/// The values that there are; none: any text.
fn choices(kind: &Kind, about: &About, look: &Look<'_>) -> Vec<Choice> {
    let choice =
        |(value, about): (String, String)| Choice { label: text::form::choice(&value, &about), value };
    let mut choices: Vec<Choice> = match kind {
        Kind::Time
        | Kind::Until
        | Kind::Past
        | Kind::Duration
        | Kind::Number(..)
        | Kind::Word
        | Kind::Words
        | Kind::Matchers
        | Kind::Text => Vec::new(),
        Kind::Person | Kind::PersonOrNone => {
            let incident = about.incident.and_then(|id| look.state.incidents.get(&id));
            let people = offer::likely(look.state, look.config, incident.map(|it| &**it), look.now.civil);
            let named =
                people.into_iter().filter_map(|id| Some((id.to_string(), look.config.people.get(&id)?)));
            let named = named.map(|(id, person)| (id, person.name.clone()));
            let nobody = (*kind == Kind::PersonOrNone).then(|| ("none".to_owned(), "nobody".to_owned()));
            named.chain(nobody).map(choice).collect()
        }
        kind => complete::values(kind, look, "").into_iter().map(choice).collect(),
    };
    if choices.len() > CHOICES {
        choices.clear();
    }
    choices
}
