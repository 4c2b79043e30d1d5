//! A form in a terminal: one question after the other, a line each. Pure. Never invents a value: an empty line takes
//! what stands there already, or leaves out what may be left out.

use std::collections::BTreeMap;

use crate::text::card::{Form, Input};

/// The word that drops a form.
const DROP: &str = "cancel";
/// Values of a list that are named.
const NAMED: usize = 12;

/// A form that is being filled in.
#[derive(Debug, Clone)]
pub struct Asking {
    form: Form,
    values: BTreeMap<String, String>,
}

/// What follows from a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This is asked now.
    Question(String),
    /// All is known: the command and the values of its places.
    Send(String, BTreeMap<String, String>),
    /// It was dropped.
    Dropped,
}

impl Asking {
    /// Begins; none: the form asks for nothing.
    #[must_use]
    pub fn begin(form: Form) -> Option<(Self, String)> {
        let question = form.inputs.first().map(question)?;
        let begun = format!("{} ({DROP}: nothing is done)\n{question}", form.title);
        Some((Self { form, values: BTreeMap::new() }, begun))
    }

    /// Takes a line.
    pub fn take(&mut self, line: &str) -> Next {
        let line = line.trim();
        if line == DROP {
            return Next::Dropped;
        }
        if let Some(input) = self.form.inputs.get(self.values.len()) {
            let value = if line.is_empty() { &input.value } else { line };
            if value.trim().is_empty() && !input.optional {
                return Next::Question(question(input));
            }
            self.values.insert(input.name.clone(), value.to_owned());
        }
        match self.form.inputs.get(self.values.len()) {
            Some(input) => Next::Question(question(input)),
            None => Next::Send(self.form.command.clone(), self.values.clone()),
        }
    }
}

/// `Severity (how bad it is): P0, P1, P2 [P1]`
fn question(input: &Input) -> String {
    let hint = if input.hint.is_empty() { String::new() } else { format!(" ({})", input.hint) };
    let named: Vec<&str> = input.choices.iter().take(NAMED).map(|choice| choice.value.as_str()).collect();
    let more = if input.choices.len() > NAMED { " …" } else { "" };
    let named = if named.is_empty() { String::new() } else { format!(" {}{more}", named.join(", ")) };
    let default = match (input.value.is_empty(), input.optional) {
        (false, _) => format!(" [{}]", input.value),
        (true, true) => " [nothing]".to_owned(),
        (true, false) => String::new(),
    };
    format!("{}{hint}:{named}{default}", input.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::card::Choice;

    fn input(name: &str, value: &str, optional: bool, choices: &[&str]) -> Input {
        Input {
            name: name.into(),
            label: name.into(),
            hint: String::new(),
            value: value.into(),
            optional,
            long: false,
            choices: choices.iter().map(|one| Choice::from((*one).to_owned())).collect(),
        }
    }

    fn form() -> Form {
        Form {
            title: "Status INC-1".into(),
            send: "Send".into(),
            command: "/incident status INC-1 {status} {text}".into(),
            inputs: vec![
                input("status", "identified", true, &["identified", "mitigated"]),
                input("text", "", false, &[]),
            ],
        }
    }

    #[test]
    fn it_asks_line_by_line_and_an_empty_line_takes_what_stands_there() {
        let (mut asking, begun) = Asking::begin(form()).unwrap();
        assert_eq!(
            begun,
            "Status INC-1 (cancel: nothing is done)\nstatus: identified, mitigated [identified]"
        );
        assert_eq!(asking.take(""), Next::Question("text:".into()));
        assert_eq!(asking.take("  "), Next::Question("text:".into()), "it is needed");
        let values = [("status", "identified"), ("text", "a full disk")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(asking.take(" a full disk "), Next::Send(form().command, values));
        assert_eq!(Asking::begin(form()).unwrap().0.take("cancel"), Next::Dropped);
        assert!(Asking::begin(Form { inputs: Vec::new(), ..form() }).is_none());
    }
}
