//! What the documents say is true: their links lead somewhere, their commands are commands.
//! Never runs what a document says; every command is only read by the command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
};

use clap::Parser as _;
use watchbell::{cli::Cli, command::Registry, domain::person::Role};

use crate::{
    peer::{
        http,
        load::{self, INTEGRATION},
        watchbell::Watchbell,
    },
    source::{files, package, relative},
};

/// Every document of the repository: at the top and below `docs`.
fn documents() -> Vec<(String, String)> {
    let root = package();
    let mut paths: Vec<PathBuf> = fs::read_dir(&root)
        .expect("the package's folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files(&root.join("docs"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths.iter().map(|path| (relative(&root, path), fs::read_to_string(path).expect("a document"))).collect()
}

/// The `watchbell …` commands in the fenced blocks of a document, with their lines.
fn commands(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut fence: Option<bool> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            fence = match fence {
                None => Some(["", "sh", "bash", "shell", "console"].contains(&language.trim())),
                Some(_) => None,
            };
            continue;
        }
        if fence != Some(true) {
            continue;
        }
        let line = line.strip_prefix("$ ").unwrap_or(line);
        let starts = ["cargo run --release -- ", "cargo run -- ", "./watchbell ", "watchbell "];
        if let Some(rest) = starts.iter().find_map(|start| line.strip_prefix(start)) {
            found.push((at + 1, words(rest)));
        }
    }
    found
}

/// Words as a shell would cut them: quotes, a comment at the end, `&`, `|` and `>` end the command.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None if "&|>;".contains(c) || (c == '#' && word.is_none()) => break,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Links to files of the repository: `](CHANGELOG.md)`, `](docs/a.md#part)`.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // What stands in a fenced block is an example; a longer fence may hold shorter ones.
    let mut fence: Option<usize> = None;
    for (at, line) in text.lines().enumerate() {
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        if ticks >= 3 {
            fence = match fence {
                None => Some(ticks),
                Some(open) if ticks >= open => None,
                open => open,
            };
        }
        if fence.is_some() {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((at + 1, target.to_owned()));
            }
        }
    }
    found
}

#[test]
fn commands_of_the_documents_parse() {
    let mut wrong = Vec::new();
    for (document, text) in documents() {
        for (line, words) in commands(&text) {
            let read = Cli::try_parse_from(std::iter::once("watchbell".to_owned()).chain(words.clone()));
            if let Err(said) = read.map(drop)
                && said.exit_code() != 0
            {
                wrong.push(format!("{document}:{line}: watchbell {}\n{said}", words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for (document, text) in documents() {
        let folder = package().join(&document).parent().expect("a folder").to_path_buf();
        for (line, target) in links(&text) {
            if !folder.join(&target).exists() {
                wrong.push(format!("{document}:{line}: {target} does not exist"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn documents_are_read_as_people_read_them() {
    let text = "watchbell outside\n```sh\n$ watchbell run --as ana '/page ben \"now\"' # says so\n\
                cargo run --release -- demo --script > out\nls\n```\n```toml\nwatchbell = 1\n```\n";
    let found = commands(text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], (3, ["run", "--as", "ana", "/page ben \"now\""].map(str::to_owned).to_vec()));
    assert_eq!(found[1].1, ["demo", "--script"]);
    let text = "See [a](A.md), [b](https://x.example/b) and [c](docs/c.md#part).";
    let found: Vec<String> = links(text).into_iter().map(|(_, target)| target).collect();
    assert_eq!(found, ["A.md", "docs/c.md"]);
}

#[test]
fn the_demonstration_is_shown_in_its_own_words() {
    let readme = fs::read_to_string(package().join("README.md")).expect("the README");
    let shown = readme.split("<!-- demo:").nth(1).and_then(|rest| rest.split("<!-- /demo -->").next());
    let shown = shown.expect("the part between the marks");
    let mut sources = Vec::new();
    files(&package().join("src/cli/demo"), &mut sources);
    let demo: String = sources.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let after = |start: &str| {
        let line = shown.lines().find_map(|line| line.split_once(start)).map(|(_, rest)| rest.trim_end());
        line.unwrap_or_else(|| panic!("no `{start}` in the README"))
    };
    // What its people and its alert say, whom it pages and how long it waits.
    let (alert, _) = after("INC-1 P1 ").split_once(' ').expect("a name and its labels");
    let (_, summary) = after(" fired (").split_once("): ").expect("labels and a summary");
    let words = [alert, summary, after("Status is identified: "), after("ben resolved INC-1: ")];
    for words in words {
        assert!(demo.contains(words), "the demonstration does not say `{words}`");
    }
    for (line, setting) in
        [("push now, call in ", "\"now: push\", \""), ("pages by shop in ", "group_wait = \"")]
    {
        let wait = after(line);
        assert!(demo.contains(&format!("{setting}{wait}")), "{line}{wait}: not as configured");
    }
}

/// Words of a list in the source: what stands in quotes between two marks.
fn words_between<'t>(source: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    let start = source.find(from).unwrap_or_else(|| panic!("{from} is gone")) + from.len();
    let list = &source[start..start + source[start..].find(to).expect("its end")];
    list.split('"').skip(1).step_by(2).collect()
}

#[test]
fn every_key_and_setting_of_a_runbook_is_documented() {
    let read = |path: &str| fs::read_to_string(package().join(path)).expect("a file");
    let (page, matter, settings) =
        (read("docs/runbooks.md"), read("src/runbook/matter.rs"), read("src/runbook/settings.rs"));
    let keys = words_between(&matter, "const KEYS", "];");
    let settings = words_between(&settings, "const KEYS", "];");
    let types = words_between(&matter, "const TYPES", "];");
    let arguments = words_between(&matter, "const ARGUMENT_KEYS", "];");
    assert!(keys.len() > 15 && settings.len() > 20 && types.len() > 10, "{keys:?} {settings:?}");
    let missing: Vec<&str> = [keys, settings, types, arguments]
        .concat()
        .into_iter()
        .filter(|word| !page.contains(&format!("`{word}`")))
        .collect();
    assert!(missing.is_empty(), "docs/runbooks.md does not say what these are: {missing:?}");
}

const ROLES: [Role; 4] = [Role::Viewer, Role::Responder, Role::Operator, Role::Admin];

/// The README's table of roles: what stands in backticks in the row of each.
fn roles() -> BTreeMap<Role, Vec<String>> {
    let readme = fs::read_to_string(package().join("README.md")).expect("the README");
    let table = readme.lines().skip_while(|line| *line != "| role | may |").skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let role = ROLES.into_iter().find(|role| role.to_string() == cells[0]);
        let named = cells[1].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (role.unwrap_or_else(|| panic!("there is no role {}", cells[0])), named)
    });
    rows.collect()
}

#[test]
fn the_readme_says_of_each_command_which_role_it_needs() {
    let roles = roles();
    assert_eq!(roles.keys().copied().collect::<Vec<_>>(), ROLES);
    let named: Vec<(&str, Role)> =
        roles.iter().flat_map(|(role, all)| all.iter().map(|one| (one.as_str(), *role))).collect();
    let covers = |name: &str, command: &str| {
        command.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let registry = Registry::builtin();
    let commands: Vec<(String, Role)> = registry.specs().map(|spec| (spec.name(), spec.role)).collect();
    assert!(commands.len() > 50, "{commands:?}");
    for (command, needed) in &commands {
        // The longest name that stands there; none: it is a look.
        let said = named.iter().filter(|(name, _)| covers(name, command)).max_by_key(|(name, _)| name.len());
        let said = said.map_or(Role::Viewer, |(_, role)| *role);
        assert_eq!(said, *needed, "the README says that {command} is for whoever is {said}");
    }
    for (name, _) in named.iter().filter(|(name, _)| name.starts_with('/')) {
        assert!(commands.iter().any(|(command, _)| covers(name, command)), "{name} is no command");
    }
}

#[test]
fn the_readme_says_which_calls_not_everybody_who_looks_may_make() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = format!("{INTEGRATION}\n[api]\ntokens = [");
    let token = |role: Role| format!("token-of-somebody-who-is-{role}");
    for role in ROLES {
        let _ = write!(config, "{{ person = \"{role}\", token = \"{}\" }}, ", token(role));
    }
    config += "]\n";
    for role in ROLES {
        let person = load::person(&role.to_string(), "Somebody", 9);
        config += &person.replace("[\"responder\", \"operator\"]", &format!("[\"{role}\"]"));
    }
    let watchbell = Watchbell::here(folder.path(), &config);
    let ask = |role: Role, path: &str| {
        let bearer = format!("Bearer {}", token(role));
        http::ask(watchbell.port, "GET", path, &[("Authorization", &bearer)], "").expect("an answer")
    };
    let document = ask(Role::Viewer, "/api/v1/openapi.json").json();
    let paths = document["paths"].as_object().expect("paths");
    let looks: Vec<&String> = paths
        .iter()
        .filter(|(path, calls)| path.starts_with("/api/") && calls.get("get").is_some())
        .map(|(path, _)| path)
        .collect();
    assert!(looks.len() > 15, "{looks:?}");
    let mut demand: BTreeMap<String, BTreeSet<Role>> = BTreeMap::new();
    for path in looks {
        let one: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { "INC-1" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for role in ROLES {
            let answer = ask(role, &one);
            assert_ne!(answer.status, 401, "{path}: {}", answer.body);
            if answer.status == 403 {
                demand.entry(format!("GET {path}")).or_default().insert(role);
            }
        }
    }
    let mut said: BTreeMap<String, BTreeSet<Role>> = BTreeMap::new();
    for (role, named) in roles() {
        for call in named.into_iter().filter(|name| name.starts_with("GET ")) {
            said.insert(call, ROLES.into_iter().filter(|weaker| *weaker < role).collect());
        }
    }
    assert_eq!(demand, said, "who is refused, and who should be by the README");
}
