//! The order of the house: openings, lengths, forbidden calls, leftovers. Never about taste that rustfmt or
//! clippy already settle.

use std::fs;

use crate::source::{Kind, Source, Token, files, package, relative, sources};

/// Lines of a file without its tests, and with them.
const LINES: usize = 500;
const LINES_WITH_TESTS: usize = 700;

/// Files that may be longer: (path, lines with tests, why).
const LONGER: &[(&str, usize, &str)] = &[(
    "src/domain/event.rs",
    850,
    "the vocabulary of the journal is one list: every event that is kept for ever",
)];

/// Folders and files that talk to a terminal.
const TERMINAL: &[&str] = &["src/cli/", "src/cli.rs", "src/main.rs"];

/// Words from pattern books.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Helpers", "Util", "Utils", "Handler2"];

/// Starts of paths that exist on one machine only: people's folders, and wherever this checkout is.
const MACHINE_PATHS: &[&str] = &["/root/", "/home/", "/Users/", "C:\\Users", env!("CARGO_MANIFEST_DIR")];

type Rule = fn(&Source) -> Vec<(usize, String)>;

/// What a rule must refuse, and what it must let pass.
type Samples = &'static [(&'static str, &'static str)];

/// Every rule with its name and samples in pairs: one that it must refuse, one that it must let pass.
const RULES: &[(&str, Rule, Samples)] = &[
    (
        "opening",
        opening,
        &[("use std::fs;\n", "//! What it does, and what it must never do.\nuse std::fs;\n")],
    ),
    (
        "calls that panic",
        panics,
        &[
            ("fn f() { g().unwrap() }", "fn f() {\n    // cannot fail: g is constant\n    g().unwrap()\n}"),
            ("fn f() { g().expect(\"g\") }", "fn f() { g().expect(\"g\"); // cannot fail: constant\n}"),
            ("fn f() { panic!(\"no\") }", "#[cfg(test)]\nmod tests { fn f() { panic!() } }"),
            ("fn f() { unreachable!() }", "fn f() { g().unwrap_or_default() }"),
        ],
    ),
    (
        "leftovers",
        leftovers,
        &[
            ("// TODO later\n", "// Says \"to do\".\n"),
            ("/// FIXME\nfn f() {}", "fn f() { let todo = 1; }"),
            ("fn f() { todo!() }", "fn f() { \"TODO\"; }"),
            ("fn f() { dbg!(1); }", "fn f() { tracing::debug!(1); }"),
        ],
    ),
    (
        "printing",
        printing,
        &[
            ("fn f() { println!(\"x\") }", "// println!(\"x\")\nfn f() { writeln!(out, \"x\") }"),
            ("fn f() { eprint!(\"x\") }", "#[cfg(test)]\nmod tests { fn f() { eprintln!() } }"),
        ],
    ),
    (
        "exceptions",
        exceptions,
        &[
            ("#[allow(dead_code)]\nfn f() {}", "#[expect(dead_code, reason = \"soon\")]\nfn f() {}"),
            ("#![expect(unused)]", "#[must_use]\nfn f() { g.expect(1) }"),
        ],
    ),
    (
        "names",
        names,
        &[
            ("struct PageManager;", "struct Escalation;"),
            ("mod deliver_utils;\ntrait StringUtils {}", "enum Delivery {}"),
        ],
    ),
];

/// A file says what it does before anything else.
fn opening(source: &Source) -> Vec<(usize, String)> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![(1, "open the file with `//!`: what it does, and what it must never do".to_owned())]
}

/// A call that may end the process needs its reason beside it.
fn panics(source: &Source) -> Vec<(usize, String)> {
    let code = source.code();
    let is = |at: usize, text: &str| code.get(at).is_some_and(|token| token.is(text));
    let mut faults = Vec::new();
    for (at, token) in code.iter().enumerate() {
        let call = at > 0 && is(at - 1, ".") && is(at + 1, "(") && (token.is("unwrap") || token.is("expect"));
        let macro_call =
            is(at + 1, "!") && ["panic", "unreachable", "unimplemented"].iter().any(|m| token.is(m));
        if (call || macro_call) && !token.test && !explained(source, token.line) {
            faults.push((token.line, format!("`{}` without `// cannot fail: …` here or above", token.text)));
        }
    }
    faults
}

/// Whether a reason stands on the line or in the comment directly above it.
fn explained(source: &Source, line: usize) -> bool {
    let comments: Vec<&Token> = source.tokens.iter().filter(|token| token.kind == Kind::Comment).collect();
    let on = |line: usize| comments.iter().find(|comment| comment.line == line);
    let mut above = line;
    loop {
        if on(above).is_some_and(|comment| comment.text.contains("cannot fail:")) {
            return true;
        }
        above -= 1;
        if above == 0 || on(above).is_none() {
            return false;
        }
    }
}

/// Nothing is left for later without an issue.
fn leftovers(source: &Source) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for token in source.tokens.iter().filter(|token| token.kind == Kind::Comment) {
        for (offset, line) in token.text.lines().enumerate() {
            if ["TODO", "FIXME", "XXX", "HACK"].iter().any(|word| line.contains(word)) {
                faults.push((token.line + offset, format!("finish it or file an issue: `{}`", line.trim())));
            }
        }
    }
    let code = source.code();
    for pair in code.windows(2) {
        if pair[1].is("!") && (pair[0].is("todo") || pair[0].is("dbg")) {
            faults.push((pair[0].line, format!("`{}!` is left over", pair[0].text)));
        }
    }
    faults
}

/// Only the command line speaks to the terminal; everything else logs or answers.
fn printing(source: &Source) -> Vec<(usize, String)> {
    if TERMINAL.iter().any(|place| source.path.starts_with(place)) {
        return Vec::new();
    }
    let code = source.code();
    let prints = ["print", "println", "eprint", "eprintln"];
    code.windows(2)
        .filter(|pair| pair[1].is("!") && !pair[0].test && prints.iter().any(|print| pair[0].is(print)))
        .map(|pair| (pair[0].line, format!("`{}!`: only the command line prints", pair[0].text)))
        .collect()
}

/// An exception from a lint says why, and complains when it is not needed any more.
fn exceptions(source: &Source) -> Vec<(usize, String)> {
    let code = source.code();
    let mut faults = Vec::new();
    for at in 0..code.len() {
        let is = |n: usize, text: &str| code.get(at + n).is_some_and(|token| token.is(text));
        let open = if is(0, "#") && is(1, "[") {
            2
        } else if is(0, "#") && is(1, "!") && is(2, "[") {
            3
        } else {
            continue;
        };
        if is(open, "allow") {
            faults.push((code[at].line, "`allow` stays for ever; use `expect` with a reason".to_owned()));
        }
        if is(open, "expect") {
            let attribute = code[at + open..].iter().take_while(|token| !token.is("]"));
            if !attribute.into_iter().any(|token| token.is("reason")) {
                faults.push((code[at].line, "an exception needs its reason".to_owned()));
            }
        }
    }
    faults
}

/// Names come from the on-call room.
fn names(source: &Source) -> Vec<(usize, String)> {
    let code = source.code();
    code.windows(2)
        .filter(|pair| ["struct", "enum", "trait", "type"].iter().any(|word| pair[0].is(word)))
        .filter(|pair| EMPTY_NAMES.iter().any(|word| pair[1].text.ends_with(word)))
        .map(|pair| (pair[1].line, format!("`{}` says nothing; name it after what it does", pair[1].text)))
        .collect()
}

/// A file fits on a few screens.
fn too_long(source: &Source, longer: &[(&str, usize, &str)]) -> Option<String> {
    let lines = source.text.lines().count();
    let without = lines - source.test_lines().min(lines);
    let exception = longer.iter().find(|(path, _, _)| *path == source.path).map(|(_, limit, _)| *limit);
    match exception {
        Some(limit) if lines > limit => {
            Some(format!("{}: {lines} lines; its exception allows {limit}", source.path))
        }
        Some(_) if without <= LINES && lines <= LINES_WITH_TESTS => {
            Some(format!("{}: {lines} lines need no exception any more", source.path))
        }
        None if without > LINES || lines > LINES_WITH_TESTS => Some(format!(
            "{}: {without} lines, {lines} with tests; {LINES} and {LINES_WITH_TESTS} are a lot: split it",
            source.path
        )),
        _ => None,
    }
}

/// Paths of one machine, in any text.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, content) in text.lines().enumerate() {
        for start in MACHINE_PATHS {
            if content.contains(start) {
                faults.push(format!("{path}:{}: `{start}` exists on one machine only", line + 1));
            }
        }
    }
    faults
}

#[test]
fn the_house_is_in_order() {
    let mut faults = Vec::new();
    for source in sources("src") {
        for (_, rule, _) in RULES {
            let found = rule(&source);
            faults.extend(found.iter().map(|(line, what)| format!("{}:{line}: {what}", source.path)));
        }
        faults.extend(too_long(&source, LONGER));
    }
    for (path, _, _) in LONGER {
        assert!(package().join(path).exists(), "{path} is gone: take its exception out");
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn tests_are_in_order_too() {
    let mut faults = Vec::new();
    for folder in ["tests", "benches"] {
        for source in sources(folder) {
            for rule in [opening as Rule, exceptions, names] {
                let found = rule(&source);
                faults.extend(found.iter().map(|(line, what)| format!("{}:{line}: {what}", source.path)));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    let root = package();
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "scripts", "config", "commands", ".ci"] {
        files(&root.join(folder), &mut paths);
    }
    let top = fs::read_dir(&root).expect("the package's folder");
    paths.extend(top.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()));
    // This file holds the words itself; git's pointer to a worktree is not ours.
    paths.retain(|path| !path.ends_with("tests/it/tidiness.rs") && !path.ends_with(".git"));
    let mut faults = Vec::new();
    for path in paths {
        // What is no text has no line to fix.
        if let Ok(text) = fs::read_to_string(&path) {
            faults.extend(machine_paths(&relative(&root, &path), &text));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_rule_of_order_can_fail() {
    let samples =
        RULES.iter().flat_map(|(name, rule, pairs)| pairs.iter().map(move |pair| (name, rule, pair)));
    for (name, rule, (bad, good)) in samples {
        assert!(!rule(&Source::new("src/engine/a.rs", bad)).is_empty(), "{name} lets pass: {bad}");
        let found = rule(&Source::new("src/engine/a.rs", good));
        assert!(found.is_empty(), "{name} refuses: {good}\n{found:?}");
    }
    assert!(printing(&Source::new("src/cli/demo.rs", "fn f() { println!() }")).is_empty());

    let long = "//! Long.\n".to_owned() + &"fn f() {}\n".repeat(LINES);
    let tests = "#[cfg(test)]\nmod tests {\n".to_owned() + &"fn f() {}\n".repeat(LINES_WITH_TESTS) + "}\n";
    let short = "//! Short.\n".to_owned() + &"fn f() {}\n".repeat(LINES - 1);
    let exception = [("src/a.rs", 600, "a list")];
    let cases = [
        (short.clone(), &[][..], false),
        (long.clone(), &[][..], true),
        (short.clone() + &tests, &[][..], true),
        (short.clone() + "#[cfg(test)]\nmod tests {\n}\n", &[][..], false),
        (long.clone(), &exception[..], false),
        (long.clone() + &long, &exception[..], true),
        (short, &exception[..], true),
    ];
    for (number, (text, longer, expected)) in cases.iter().enumerate() {
        let said = too_long(&Source::new("src/a.rs", text), longer);
        assert_eq!(said.is_some(), *expected, "case {number}: {said:?}");
    }
    assert_eq!(machine_paths("a", "ok\nsee /root/x").len(), 1);
    assert!(machine_paths("a", "see /var/lib/watchbell and /tmp").is_empty());
}
