//! Several files together: links, calls, duplicates, broken ones beside good ones, commands in chat.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;

use super::{LOADED, library, sound, with};
use crate::{
    command::{Ground, Registry, Value, parse},
    domain::duration,
    runbook::{ActKind, Destination, Library, OnFail, Scope, write_first},
};

fn file(command: &str, body: &str) -> String {
    format!("---\ncommand: {command}\nsummary: Does.\nrole: operator\n---\n# T\n\n{body}")
}

fn parsed(registry: &Registry, text: &str) -> Result<BTreeMap<String, Value>, String> {
    let now = "2026-03-02T09:00:00Z".parse().expect("an instant");
    let ground = Ground { config: &LOADED.config, zone: &TimeZone::UTC, now, me: None, anchor: now };
    parse(registry, ground, text).map(|parsed| parsed.values).map_err(|wrong| format!("{wrong:?}"))
}

#[test]
fn the_examples_of_the_repository_are_sound() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("commands");
    let mistakes: Vec<String> =
        Library::load(Some(&folder), &LOADED).mistakes().map(ToString::to_string).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    let library = Library::load(None, &LOADED);
    assert_eq!(library.left_out(), 0);
    assert!(library.get("/watchbell health").is_some() && library.get("/troubleshoot watchbell").is_some());
    let library = Arc::new(library);
    let registry = library.register(Registry::builtin(), None);
    for runbook in library.runbooks() {
        for example in &runbook.spec.examples {
            assert!(parsed(&registry, example).is_ok(), "{example}");
        }
    }
}

#[test]
fn links_become_buttons() {
    let a = file(
        "/a",
        "See [b](deep/b.md#step-two), [here](#last), [web](https://x.example/y) and [me](a.md).\n\n## Last\n",
    );
    let b = file("/b c", "## Step two\n\nBack to [a](../a.md).\n");
    let library = library(&[("a.md", &a), ("deep/b.md", &b)]);
    assert_eq!(library.broken().len(), 0, "{:?}", library.broken());
    let to: Vec<&Destination> = library.get("/a").unwrap().links.iter().map(|link| &link.to).collect();
    assert_eq!(to[0], &Destination::Runbook { command: "/b c".into(), step: Some(0) });
    assert_eq!(to[1], &Destination::Step(0));
    assert!(matches!(to[2], Destination::Web(_)) && to.len() == 3);
    let back = &library.get("/b c").unwrap().steps[0].links[0];
    assert_eq!(
        (back.text.as_str(), &back.to),
        ("a", &Destination::Runbook { command: "/a".into(), step: None })
    );
}

#[test]
fn a_broken_runbook_leaves_the_others_alone() {
    let good = file("/good", "See [bad](bad.md).\n");
    let bad = file("/bad", "```promql\n#| expect: valu\nup\n```\n");
    let twice = file("/good", "");
    let library = library(&[("a.md", &good), ("bad.md", &bad), ("c.md", &twice)]);
    assert_eq!(library.runbooks().map(|runbook| runbook.command()).collect::<Vec<_>>(), ["/good"]);
    let broken: Vec<(&str, &str)> = library
        .broken()
        .iter()
        .map(|broken| (broken.file.as_str(), broken.mistakes[0].what.as_str()))
        .collect();
    assert_eq!(broken[0], ("bad.md", "nothing is called `valu` here"));
    assert_eq!(broken[1], ("c.md", "/good is a command of commands/a.md already"));
    assert_eq!(library.broken()[0].command.as_deref(), Some("/bad"));
}

#[test]
fn runbooks_that_call_each_other_end() {
    let call = |to: &str| format!("```chat\n{to}\n```\n");
    let files = [
        ("a.md", file("/a", &call("/b"))),
        ("b.md", file("/b", &call("/c x"))),
        ("c.md", file("/c", &call("/a"))),
    ];
    let texts: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let says =
        |library: &Library| library.mistakes().any(|mistake| mistake.what.contains("come back to itself"));
    assert!(says(&library(&texts)));
    let straight = library(&[texts[0], texts[1], ("c.md", &file("/c", "```chat\n/incident list\n```\n"))]);
    assert!(!says(&straight) && straight.broken().is_empty(), "{:?}", straight.broken());
    // Whoever calls what may change something, may change something.
    assert!(straight.get("/a").unwrap().changes());
}

#[test]
fn a_runbook_is_typed_through_and_through() {
    let runbook = sound(include_str!("everything.md"));
    let action = |name: &str| {
        runbook
            .actions()
            .find(|action| action.settings.name.as_deref() == Some(name))
            .unwrap_or_else(|| panic!("{name}"))
    };
    let restart = action("restart");
    assert!(restart.changes && !action("cpu").changes);
    assert_eq!(
        restart.uses.iter().copied().collect::<Vec<_>>(),
        [action("answers").number, action("cpu").number]
    );
    assert_eq!(restart.settings.on_fail, Some(OnFail::Goto(action("tell").number)));
    assert_eq!(restart.settings.on_pass, Some(action("again").number));
    assert_eq!(restart.settings.approve.map(|approve| approve.people), Some(2));
    assert_eq!(action("answers").act.kind(), ActKind::Http);
    assert!(action("answers").services.contains("qflow") && action("cpu").services.contains("prometheus"));
    assert_eq!(runbook.by_itself.helped, Some(action("again").number));
    let line = runbook.source.lines().nth(action("answers").line - 1);
    assert_eq!(line, Some("```http"));
    let schedule = runbook.by_itself.schedule.as_ref().unwrap();
    // Friday 10:00 in Madrid; Monday 09:00 is next, after the clocks went forward.
    let next = schedule.next("2026-03-27T09:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(next.to_string(), "2026-03-30T07:00:00Z");
    assert_eq!(runbook.digest.len(), 64);
    let confirm = restart.settings.confirm.as_ref().unwrap();
    let mut scope = Scope::default();
    scope.set("component", "engine");
    scope.environment("production", &LOADED.settings.environments["production"]);
    assert_eq!(confirm.render(&scope).unwrap(), "Restart engine in production?");
    let expect = action("answers").settings.expect.as_ref().unwrap();
    let result =
        serde_json::json!({ "status": 200, "elapsed": 0.2, "json": { "data": { "status": "healthy" } } });
    assert!(expect.holds(&scope.with(&result)).unwrap());
    assert!(expect.holds(&scope).is_err(), "a result that is not there holds nothing");
}

#[test]
fn a_runbook_is_a_command_like_any_other() {
    let library = Arc::new(library(&[("t.md", include_str!("everything.md"))]));
    let registry = library.register(Registry::builtin(), None);
    let values = parsed(&registry, "/t status NETWORK --since=2h --verbose --dry-run --env lab").unwrap();
    let mut scope = Scope::default();
    scope.arguments(&library.get("/t check").unwrap().spec, &values);
    assert_eq!(values.get("component"), Some(&Value::Text("network".into())));
    assert_eq!(values.get("since"), Some(&Value::Duration(duration::parse("2h").unwrap())));
    assert!(values.contains_key("dry-run"));
    assert!(parsed(&registry, "/t check --env nowhere").unwrap_err().contains("lab"));
    assert!(parsed(&registry, "/t chek").unwrap_err().contains("/t check"), "did you mean");
    assert!(parsed(&registry, "/runbook list health").is_ok());
}

#[test]
fn the_first_runbook_passes_its_check() {
    let folder = tempfile::tempdir().unwrap();
    for (name, command) in
        [("disk-full", "/disk-full"), ("shop/disk-full", "/shop disk-full"), ("/a b.md", "/a b")]
    {
        let path = write_first(folder.path(), name).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(sound(&text).command(), command);
        assert!(write_first(folder.path(), name).is_err(), "a file that is there stays");
    }
    for name in ["", "../x", "Disk", "a/../../b", "x y!"] {
        assert!(write_first(folder.path(), name).is_err(), "{name}");
    }
    let library = Library::load(Some(folder.path()), &LOADED);
    assert_eq!((library.runbooks().len(), library.broken().len()), (3, 0));
}

#[test]
fn a_folder_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("deep/.hidden")).unwrap();
    std::fs::write(root.join("README.md"), "# For people\n").unwrap();
    std::fs::write(root.join("deep/good.md"), with("")).unwrap();
    std::fs::write(root.join("deep/.hidden/x.md"), "nothing").unwrap();
    std::fs::write(root.join("latin.md"), [0xe9, b'\n']).unwrap();
    std::fs::write(root.join("large.md"), vec![b'a'; 300 * 1024]).unwrap();
    let library = Library::load(Some(root), &LOADED);
    assert_eq!(library.get("/t check").unwrap().file, "deep/good.md");
    let broken: Vec<&str> = library.broken().iter().map(|broken| broken.file.as_str()).collect();
    assert_eq!(broken, ["large.md", "latin.md"]);
    assert_eq!(Library::load(Some(&root.join("none")), &LOADED).broken().len(), 1);
}
