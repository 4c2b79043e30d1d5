//! What `/help` says. Never knows a command by name: everything comes from the specs.

use super::card::{Card, Field, Tone};
use crate::domain::person::Role;

/// A command as help shows it.
#[derive(Debug, Clone)]
pub struct CommandHelp {
    /// Its path: `/incident open`.
    pub name: String,
    /// How it is written.
    pub usage: String,
    /// What it does.
    pub summary: String,
    /// Who may use it.
    pub role: Role,
    /// What it is told, with what that is for; flags too.
    pub parts: Vec<(String, String)>,
    /// How it is used.
    pub examples: Vec<String>,
    /// Other paths.
    pub aliases: Vec<String>,
}

/// All commands, or those of a group, for somebody who holds a role.
#[must_use]
pub fn list(title: &str, commands: &[CommandHelp], held: Role) -> Card {
    let mut table = vec![vec!["command".to_owned(), "what it does".to_owned()]];
    let may = |command: &&CommandHelp| command.role <= held;
    table.extend(commands.iter().filter(may).map(|c| vec![c.usage.clone(), c.summary.clone()]));
    let text = "More about one: /help COMMAND. Everything works as `/watchbell …` too.";
    let text = format!("{text}{}", hidden(commands, held));
    Card { title: title.to_owned(), text, table, ..Card::default() }
}

/// How many of them are not shown, as a line below.
fn hidden(commands: &[CommandHelp], held: Role) -> String {
    match commands.iter().filter(|command| command.role > held).count() {
        0 => String::new(),
        1 => format!("\n1 more needs a stronger role than yours ({held})."),
        many => format!("\n{many} more need a stronger role than yours ({held})."),
    }
}

/// What a secret is for, and that it is one.
#[must_use]
pub fn secret(about: &str) -> String {
    format!("{about} (a secret: it is neither shown again nor kept)")
}

/// One command in full, and those that begin with it, for somebody who holds a role.
#[must_use]
pub fn command(command: &CommandHelp, more: &[CommandHelp], held: Role) -> Card {
    let field = |name: &str, value: String| Field { name: name.to_owned(), value };
    let mut fields: Vec<Field> =
        command.parts.iter().map(|(name, about)| field(name, about.clone())).collect();
    if !command.aliases.is_empty() {
        fields.push(field("also", command.aliases.join(", ")));
    }
    fields.push(field("who", who(command.role)));
    // Never buttons: an example is to be read, not to be run.
    fields.extend(command.examples.iter().map(|example| field("example", example.clone())));
    let may = more.iter().filter(|one| one.role <= held);
    fields.extend(may.map(|one| field(&one.usage, one.summary.clone())));
    let text = format!("{}{}", command.summary, hidden(more, held));
    Card { title: command.usage.clone(), text, fields, ..Card::default() }
}

fn who(role: Role) -> String {
    match role {
        Role::Viewer => "everybody".to_owned(),
        Role::Admin => "admin".to_owned(),
        role => format!("{role} and above"),
    }
}

/// Commands that begin alike: how many, and how they go on.
#[must_use]
pub fn family(count: usize, next: &[String]) -> String {
    const NAMED: usize = 12;
    let named = next.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if next.len() > NAMED { ", …" } else { "" };
    format!("{count} commands: {named}{more}")
}

/// The beginning of several commands.
#[must_use]
pub fn incomplete(group: &str, commands: &[CommandHelp]) -> Card {
    let table = std::iter::once(vec!["command".to_owned(), "what it does".to_owned()])
        .chain(commands.iter().map(|c| vec![c.usage.clone(), c.summary.clone()]))
        .collect();
    Card {
        title: format!("{group} needs one more word."),
        tone: Tone::Warning,
        text: "Nothing was changed. It goes on like this:".to_owned(),
        table,
        ..Card::default()
    }
}
