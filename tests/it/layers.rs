//! The layers of the house: imports go down only, and adapters never reach into each other.
//! Never lists a file: a new folder must be given its layer here, once.

use crate::source::{Source, sources};

/// The folders (or single files) of `src`, from the ground up, with what each may import beside itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    // Shared ground: no I/O of its own beyond what its name says, and nothing above the domain.
    ("text", &["domain"]),
    ("links", &["domain"]),
    ("pictures", &["domain"]),
    ("config", &["domain", "links"]),
    ("memory", &[]),
    ("metrics", &["domain"]),
    ("observe", &["domain"]),
    ("journal", &["domain"]),
    ("views", &["domain", "memory", "journal"]),
    ("engine", &["domain", "journal", "metrics"]),
    // The adapters, all alike; whom of their siblings they may ask stands in SIBLINGS.
    ("web", BELOW_ADAPTERS),
    ("chat", BELOW_ADAPTERS),
    ("command", BELOW_ADAPTERS),
    ("runbook", BELOW_ADAPTERS),
    ("intake", BELOW_ADAPTERS),
    ("notify", BELOW_ADAPTERS),
    // The top: `app` wires, `cli` and `main` start it.
    ("app", EVERYTHING),
    ("cli", EVERYTHING),
    ("main", EVERYTHING),
];

const BELOW_ADAPTERS: &[&str] =
    &["domain", "text", "config", "links", "pictures", "metrics", "observe", "journal", "views", "engine"];

const EVERYTHING: &[&str] = &[
    "domain", "text", "config", "links", "pictures", "metrics", "observe", "journal", "views", "engine",
    "web", "chat", "command", "runbook", "intake", "notify", "app", "cli",
];

/// Adapters that may ask a sibling, and why. Only by what the sibling's `mod.rs` names; never by its insides.
const SIBLINGS: &[(&str, &str, &str)] = &[
    ("web", "command", "POST /api/v1/commands hands the text over"),
    ("web", "intake", "POST /hooks/{integration} hands the body over"),
    ("web", "chat", "the live feed shows the cards that the console shows, and Slack may come by HTTP"),
    ("chat", "command", "what is written in chat is a command"),
    ("runbook", "command", "a runbook is a command, and its steps may call others"),
];

/// Words that a folder must not know: what it promises is that they are absent.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "domain",
        &[
            "tokio",
            "async",
            "await",
            "HashMap",
            "HashSet",
            "Instant",
            "SystemTime",
            "getrandom",
            "thread",
            "fs",
            "net",
            "env",
            "reqwest",
            "sled",
            "axum",
            "tracing",
        ],
        "the domain is pure: no async, no I/O, no clock, no random numbers, no hash order, no log",
    ),
    ("text", &["tokio", "async", "await", "fs", "net"], "text is pure: it renders, and asks nobody"),
];

/// Crates that one folder alone may name.
const ONE_PLACE: &[(&str, &[&str], &str)] = &[
    ("sled", &["views"], "sled is behind the views, so that its panics are contained in one place"),
    ("serenity", &["chat", "app"], "a chat vendor's library stays in its adapter"),
    ("slack_morphism", &["chat", "app"], "a chat vendor's library stays in its adapter"),
    ("reedline", &["cli", "chat"], "only the console reads from a terminal"),
    ("clap", &["cli", "main"], "only the command line parses flags"),
    ("minijinja", &["runbook"], "templates of runbooks are proved and made safe in one place"),
    ("pulldown_cmark", &["runbook"], "Markdown from outside is read in one place"),
];

/// Everything that is wrong with one file; `insides` are the modules of each layer's folder.
fn faults(source: &Source, insides: &[(String, String)]) -> Vec<String> {
    let module = source.module();
    let Some(layer) = module.first() else {
        // lib.rs names the layers; it is not part of one.
        return Vec::new();
    };
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| name == layer) else {
        return vec![format!("{}: `{layer}` has no layer; give it one in tests/it/layers.rs", source.path)];
    };
    let mut faults = Vec::new();
    for import in source.imports().iter().filter(|import| !import.test) {
        let Some(target) = import.path.first().filter(|target| *target != layer) else { continue };
        // A test macro or a constant of the crate's root is in no layer.
        if !LAYERS.iter().any(|(name, _)| name == target) {
            continue;
        }
        let place = format!("{}:{}: `{}`", source.path, import.line, import.path.join("::"));
        let sibling = SIBLINGS.iter().any(|(from, to, _)| from == layer && to == target);
        if !sibling && !allowed.contains(&target.as_str()) {
            faults.push(format!("{place}: {layer} must not import {target}; imports go down only"));
        } else if sibling
            && import.path.get(1).is_some_and(|inner| insides.contains(&(target.clone(), inner.clone())))
        {
            faults.push(format!("{place}: ask {target} by what its mod.rs names, not by its insides"));
        }
    }
    for token in source.code().iter().filter(|token| !token.test) {
        for (folder, words, why) in FORBIDDEN {
            if folder == layer && words.iter().any(|word| token.is(word)) {
                faults.push(format!("{}:{}: `{}`: {why}", source.path, token.line, token.text));
            }
        }
        for (word, folders, why) in ONE_PLACE {
            if token.is(word) && !folders.contains(&layer.as_str()) {
                faults.push(format!("{}:{}: `{word}`: {why}", source.path, token.line));
            }
        }
    }
    faults
}

/// Modules inside each folder: `("web", "api")`.
fn insides(sources: &[Source]) -> Vec<(String, String)> {
    sources
        .iter()
        .filter_map(|source| match source.module().as_slice() {
            [layer, inner, ..] => Some((layer.clone(), inner.clone())),
            _ => None,
        })
        .collect()
}

#[test]
fn imports_go_down_only() {
    let sources = sources("src");
    let insides = insides(&sources);
    let faults: Vec<String> = sources.iter().flat_map(|source| faults(source, &insides)).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_table_itself_goes_down_only() {
    for (at, (layer, allowed)) in LAYERS.iter().enumerate() {
        for target in *allowed {
            let below = LAYERS.iter().position(|(name, _)| name == target);
            let top = ["app", "cli", "main"].contains(layer);
            assert!(
                top || below.is_some_and(|below| below < at),
                "{layer} may import {target}, which is not below"
            );
        }
    }
    for (from, to, _) in SIBLINGS {
        let back = SIBLINGS.iter().any(|(other, target, _)| other == to && target == from);
        assert!(!back, "{from} and {to} import each other");
    }
}

#[test]
fn every_rule_of_the_layers_can_fail() {
    let insides = [("command".to_owned(), "parser".to_owned()), ("text".to_owned(), "card".to_owned())];
    // (file, its text, what is said about it; empty: nothing is wrong)
    let cases = [
        ("src/domain/a.rs", "use super::labels::Labels;", ""),
        ("src/domain/a.rs", "use crate::engine::Engine;", "domain must not import engine"),
        ("src/domain/a.rs", "fn f() { crate::journal::open() }", "domain must not import journal"),
        ("src/domain/a.rs", "use super::super::text::card::Card;", "domain must not import text"),
        ("src/domain/a.rs", "use std::collections::HashMap;", "no hash order"),
        ("src/domain/a.rs", "use std::{fs, path::Path};", "no I/O"),
        ("src/domain/a.rs", "async fn f() {}", "no async"),
        ("src/domain/a.rs", "/// Uses no HashMap.\nfn f() -> &'static str { \"sled\" }", ""),
        ("src/domain/a.rs", "#[cfg(test)]\nmod tests { use crate::journal::Memory; }", ""),
        ("src/journal/a.rs", "use crate::{domain::id::Seq, views::Views};", "journal must not import views"),
        ("src/views/a.rs", "use crate::text::line;", "views must not import text"),
        ("src/views/a.rs", "use crate::journal::Journal; use sled::Db;", ""),
        ("src/engine/a.rs", "use crate::views::Views;", "engine must not import views"),
        ("src/engine/a.rs", "use crate::metrics::Metrics;", ""),
        ("src/text/a.rs", "use crate::config::Loaded;", "text must not import config"),
        ("src/config/a.rs", "use crate::domain::config::Config;", ""),
        ("src/config/a.rs", "use crate::engine::Engine;", "config must not import engine"),
        ("src/web/a.rs", "use crate::{engine::Engine, text::card::Card, command::Desk};", ""),
        ("src/web/a.rs", "use crate::command::parser::parse;", "not by its insides"),
        ("src/web/a.rs", "use crate::notify::Hook;", "web must not import notify"),
        ("src/web/a.rs", "use crate::app::App;", "web must not import app"),
        ("src/web/a.rs", "use sled::Tree;", "contained in one place"),
        ("src/command/a.rs", "use crate::web::Page;", "command must not import web"),
        ("src/app.rs", "use crate::{cli::Flags, web::Web, notify::Hook};", ""),
        ("src/main.rs", "fn main() { watchbell::cli::main() }", ""),
        ("src/helpers/a.rs", "", "`helpers` has no layer"),
        ("src/lib.rs", "pub mod domain; pub use engine::Engine;", ""),
    ];
    for (path, text, expected) in cases {
        let said = faults(&Source::new(path, text), &insides).join("\n");
        let as_expected = if expected.is_empty() { said.is_empty() } else { said.contains(expected) };
        assert!(as_expected, "{path} `{text}`\n  expected: {expected:?}\n  said: {said:?}");
    }
}
