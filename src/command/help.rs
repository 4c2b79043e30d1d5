//! `/help`, and what is said when a text is no command. Everything comes from the specs: a command without words
//! about itself does not exist.

use super::{
    Answer, Call, Registry, Reply,
    parse::{LONGEST, Wrong, entry},
    spec::{Argument, CommandSpec, Flag, Kind},
};
use crate::{
    domain::person::Role,
    text::{self, card::Card, help::CommandHelp, usage},
};

/// `/help`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/help", "Lists the commands, or explains one.")
        .alias("/watchbell help")
        .takes(Argument::optional(
            "command",
            Kind::Text,
            "the command to explain, or the beginning of several",
        ))
        .example("/help incident open")
}

/// More commands than this are listed by their families.
const MOST_LISTED: usize = 60;

/// Answers `/help`.
///
/// # Errors
/// When no command is called that.
#[expect(clippy::unused_async, reason = "every command is awaited alike")]
pub async fn run(call: &Call<'_>) -> Answer {
    let held = call.caller.role(&call.config);
    let topic = call.get::<String>("command").unwrap_or_default();
    let Some(card) = help(&call.registry, held, &topic) else {
        let ground = super::ground(&call.config, &call.caller, call.now);
        return match super::parse::parse(&call.registry, ground, &topic) {
            Err(no) => Err(wrong(&call.registry, &no, held).into()),
            Ok(_) => Err(Reply::refused(usage::unknown(&topic, &[])).into()),
        };
    };
    Ok(Reply::done(card))
}

/// Help for a command (`incident open`), for all that begin with some words (`incident`), or for everything (an
/// empty topic). None: no command begins like that.
#[must_use]
pub fn help(registry: &Registry, held: Role, topic: &str) -> Option<Card> {
    let topic = super::parse::bare(topic, registry);
    let words: Vec<String> = topic.split_whitespace().map(str::to_lowercase).collect();
    if let Some((entry, taken)) = registry.find(&words)
        && taken == words.len()
    {
        return Some(explained(registry, &entry.spec, held));
    }
    let specs: Vec<&CommandSpec> = registry.under(&words).map(AsRef::as_ref).collect();
    let commands = listed(&specs, words.len());
    let title = if words.is_empty() { "Commands".to_owned() } else { format!("/{} …", words.join(" ")) };
    (!commands.is_empty()).then(|| text::help::list(&title, &commands, held))
}

/// One command in full. `/me` is a command, and `/me link` begins with it.
fn explained(registry: &Registry, spec: &CommandSpec, held: Role) -> Card {
    let path: Vec<String> = spec.path.iter().map(ToString::to_string).collect();
    let more: Vec<&CommandSpec> = registry.under(&path).map(AsRef::as_ref).collect();
    text::help::command(&describe(spec), &listed(&more, path.len()), held)
}

/// The answer to a text that is no command.
#[must_use]
pub fn wrong(registry: &Registry, wrong: &Wrong, held: Role) -> Reply {
    match wrong {
        Wrong::Empty => help(registry, held, "").map_or_else(|| Reply::with(true, Vec::new()), Reply::done),
        Wrong::HelpWanted(spec) => Reply::done(explained(registry, spec, held)),
        Wrong::TooLong { length } => Reply::refused(usage::too_long(*length, LONGEST)),
        Wrong::Unknown { written, nearest } => {
            // One slip in a command that is told a secret, and what follows may be that.
            let group: Vec<String> =
                written.trim_start_matches('/').split(' ').take(1).map(str::to_lowercase).collect();
            let may = |near: &usage::Suggestion| entry(registry, &near.name).map(|entry| &entry.spec);
            let mut meant = nearest.iter().filter_map(may).chain(registry.under(&group));
            if !meant.any(|spec| spec.is_confidential()) {
                return Reply::refused(usage::unknown(written, nearest));
            }
            let bare =
                |near: &usage::Suggestion| usage::Suggestion { command: near.name.clone(), ..near.clone() };
            Reply::refused(usage::unknown(written, &nearest.iter().map(bare).collect::<Vec<_>>()))
        }
        Wrong::Incomplete { group, commands } => {
            let specs: Vec<&CommandSpec> = commands.iter().map(AsRef::as_ref).collect();
            let depth = group.split_whitespace().count();
            Reply::refused(text::help::incomplete(group, &listed(&specs, depth)))
        }
        Wrong::Asked { spec, tail: _ } => {
            Reply { lacks: true, ..Reply::refused(usage::asked(&spec.usage(), &spec.summary)) }
        }
        Wrong::Usage { spec, problem, tail: _ } => {
            let examples: Vec<&str> = spec.examples.iter().map(|example| &**example).collect();
            let lacks = matches!(problem, usage::Problem::Missing { .. });
            let problem = if spec.is_confidential() { problem.covered() } else { problem.clone() };
            Reply { lacks, ..Reply::refused(usage::wrong(&spec.usage(), &examples, &problem)) }
        }
    }
}

/// Commands as a list has them. When there are more than anybody reads, those that share their next word are one line.
fn listed(specs: &[&CommandSpec], depth: usize) -> Vec<CommandHelp> {
    let one = |spec: &CommandSpec| CommandHelp { usage: spec.brief(), ..describe(spec) };
    if specs.len() <= MOST_LISTED {
        return specs.iter().map(|spec| one(spec)).collect();
    }
    let word = |spec: &CommandSpec| spec.path.get(depth).cloned();
    let families = specs.chunk_by(|a, b| word(a).is_some() && word(a) == word(b));
    let line = |family: &[&CommandSpec]| match family {
        [] => None,
        [only] => Some(one(only)),
        [first, ..] => {
            let path: Vec<&str> = first.path.iter().take(depth + 1).map(|word| &**word).collect();
            let mut next: Vec<String> =
                family.iter().filter_map(|spec| spec.path.get(depth + 1).map(ToString::to_string)).collect();
            next.dedup();
            let role = family.iter().map(|spec| spec.role).min().unwrap_or_default();
            let usage = format!("/{} …", path.join(" "));
            let summary = text::help::family(family.len(), &next);
            Some(CommandHelp { usage, summary, role, ..describe(first) })
        }
    };
    families.filter_map(line).collect()
}

/// A spec in words. It takes the spec apart, so that whatever a spec will say one day must be said here too.
fn describe(spec: &CommandSpec) -> CommandHelp {
    let CommandSpec { path: _, aliases, summary, arguments, flags, role, examples, anybody: _ } = spec;
    CommandHelp {
        name: spec.name(),
        usage: spec.usage(),
        summary: summary.to_string(),
        role: *role,
        parts: arguments.iter().map(argument).chain(flags.iter().map(flag)).collect(),
        examples: examples.iter().map(ToString::to_string).collect(),
        aliases: aliases.iter().map(|path| format!("/{}", path.join(" "))).collect(),
    }
}

fn argument(argument: &Argument) -> (String, String) {
    let Argument { name: _, kind: _, required: _, default, secret, about } = argument;
    (argument.placeholder(), described(about, default.as_deref(), *secret))
}

fn flag(flag: &Flag) -> (String, String) {
    let Flag { name: _, kind: _, default, secret, about } = flag;
    (flag.placeholder(), described(about, default.as_deref(), *secret))
}

fn described(about: &str, default: Option<&str>, secret: bool) -> String {
    if secret {
        return text::help::secret(about);
    }
    default.map_or_else(|| about.to_owned(), |default| format!("{about} ({default} when absent)"))
}
