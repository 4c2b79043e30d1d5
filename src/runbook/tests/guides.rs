//! Guides: one step of a runbook by itself, and the links that lead on. Never a step that would need what it does not have.

use std::{collections::BTreeMap, sync::Arc};

use super::{library, sound, with};
use crate::{
    command::Value,
    domain::run::LinkTo,
    runbook::{Destination, OnFail, Runbook, guide},
};

const GUIDE: &str = "Choose [one](#one) or [two](#two).\n\n## One\n\n```http\n#| name: one\nGET {{ watchbell.url }}/1\n```\n\n\
    ## Two\n\nRead it.\n\n```http\n#| when: one.ok\n#| on_fail: three\nGET {{ watchbell.url }}/2\n```\n\n### Deeper\n\n\
    ```http\n#| on_pass: three\nGET {{ watchbell.url }}/3\n```\n\nSee [web](https://x.example/y) and [one](#one).\n\n\
    ## Three\n\n```http\n#| name: three\nGET {{ watchbell.url }}/4\n```\n";

/// The runbook that a run of this step would be.
fn part(runbook: &Arc<Runbook>, anchor: &str) -> Option<Arc<Runbook>> {
    let about = guide::About::new(runbook, anchor, &BTreeMap::new())?;
    guide::planned(runbook, Some(&about.part))
}

#[test]
fn a_step_by_itself_has_what_it_uses_and_ends_where_it_would_go_elsewhere() {
    let runbook = sound(&with(GUIDE).replace("role: operator", "role: operator\nguide: true"));
    assert!(runbook.is_guide() && runbook.spec.flags.iter().any(|flag| flag.name == "about"));
    let two = part(&runbook, "two").unwrap();
    let numbers: Vec<usize> = two.actions().map(|action| action.number).collect();
    assert_eq!(numbers, [0, 1, 2], "the step, what is below it, and what it uses");
    assert_eq!(
        two.steps.iter().map(|step| step.title.as_str()).collect::<Vec<_>>(),
        ["One", "Two", "Deeper"]
    );
    assert_eq!(two.left_out, ["three"]);
    let settings = |number: usize| &two.action(number).unwrap().settings;
    assert_eq!(two.action(1).unwrap().uses.iter().copied().collect::<Vec<_>>(), [0]);
    assert_eq!((settings(1).on_fail, settings(2).on_pass), (Some(OnFail::Stop), Some(3)));
    assert_eq!((two.digest.as_str(), two.title.as_str()), (runbook.digest.as_str(), "T: Two"));
    assert!(part(&runbook, "four").is_none());
}

#[test]
fn what_changes_something_is_never_done_because_another_step_uses_it() {
    let text = "See [b](#b).\n\n## A\n\n```http\n#| name: a\nPOST {{ watchbell.url }}/1\n```\n\n## B\n\n\
                ```http\n#| when: not a.ran\nGET {{ watchbell.url }}/2\n```\n";
    let runbook = sound(&with(text));
    let b = part(&runbook, "b").unwrap();
    assert_eq!(b.actions().count(), 1);
    assert!(!b.changes());
    assert_eq!(b.left_out, ["a"]);
}

#[test]
fn links_are_commands_with_what_the_guide_was_told() {
    let runbook = sound(&with(GUIDE).replace("role: operator", "role: operator\nguide: true"));
    let given = BTreeMap::from([
        ("part".to_owned(), Value::Text("the disk".into())),
        ("older-than".to_owned(), Value::Number(7)),
        ("dry-run".to_owned(), Value::Given),
        ("step".to_owned(), Value::Text("one".into())),
    ]);
    let about = guide::About::new(&runbook, "two", &given).unwrap();
    let to: Vec<(&str, &LinkTo)> = about.links.iter().map(|link| (link.words.as_str(), &link.to)).collect();
    let command =
        |step: &str| LinkTo::Command(format!("/t check{step} --older-than 7 --dry-run \"the disk\"").into());
    let web = LinkTo::Web("https://x.example/y".into());
    let expected = [
        ("web", &web),
        ("one", &command(" --step one")),
        ("Next: Three", &command(" --step three")),
        ("Back", &command("")),
    ];
    assert_eq!(to, expected);
    assert_eq!(about.part.prose, "Read it.\n\nDeeper\n\nSee web and one.");
    // What stands for itself when nothing is said is not said.
    let usual = BTreeMap::from([("older-than".to_owned(), Value::Number(5))]);
    let about = guide::About::new(&runbook, "one", &usual).unwrap();
    assert_eq!(about.links.last().unwrap().to, LinkTo::Command("/t check".into()));
}

#[test]
fn only_who_links_to_its_steps_has_a_flag_for_them() {
    let flags = |runbook: &Runbook| runbook.spec.flags.iter().any(|flag| flag.name == "step");
    let none = sound(&with("## A\n"));
    let inside = sound(&with("## A\n\nBack to [a](#a).\n"));
    assert_eq!((flags(&none), none.is_guide()), (false, false));
    assert_eq!((flags(&inside), inside.is_guide()), (true, false));
    let guide = with(GUIDE);
    let other = "---\ncommand: /other\nsummary: Does.\n---\n# O\n\nSee [two](t.md#two) and [all](t.md).\n";
    let both = library(&[("t.md", &guide), ("o.md", other)]);
    assert_eq!(both.broken().len(), 0, "{:?}", both.broken());
    let links = &both.get("/other").unwrap().links;
    let chosen = Some("two".to_owned());
    assert_eq!(links[0].to, Destination::Runbook { command: "/t check".into(), step: Some(1), chosen });
    let all = guide::links_of_all(both.get("/other").unwrap(), &BTreeMap::new());
    assert_eq!(all[0].to, LinkTo::Command("/t check --step two".into()));
    let own = "---\ncommand: /own\nsummary: Does.\nexamples: [/own 1]\narguments:\n  - name: step\n---\n# O\n\nSee [a](#a).\n\n## A\n";
    let own = library(&[("own.md", own)]);
    assert!(own.mistakes().any(|mistake| mistake.what.contains("an argument `step`")), "{:?}", own.broken());
}

#[test]
fn a_run_is_taken_up_as_it_was_planned() {
    let runbook = sound(&with(GUIDE));
    let about = guide::About::new(&runbook, "two", &BTreeMap::new()).unwrap();
    let whole = guide::planned(&runbook, None).unwrap();
    assert_eq!(whole.actions().count(), 4);
    let two = guide::planned(&runbook, Some(&about.part)).unwrap();
    assert_eq!(two.actions().count(), 3);
    let lost = crate::domain::run::Part { anchor: "gone".into(), ..about.part };
    assert!(guide::planned(&runbook, Some(&lost)).is_none());
}
