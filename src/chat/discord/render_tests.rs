//! Whatever a card holds, its rendering keeps to every documented limit. Never about how it looks in detail.

use proptest::prelude::*;

use super::*;
use crate::text::card::{Button, Choice, Field, Input, Link, Select};

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Everything that Discord would refuse.
fn violations(rendered: &Rendered) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, size: usize, least: usize, most: usize| {
        if size < least || size > most {
            wrong.push(format!("{what}: {size}"));
        }
    };
    let embed = &rendered.embed;
    check("content", length(&rendered.content), 0, limit::CONTENT);
    check("title", length(&text(embed, "title")), 0, limit::TITLE);
    check("description", length(&text(embed, "description")), 0, limit::DESCRIPTION);
    let footer = embed.get("footer").map(|footer| text(footer, "text")).unwrap_or_default();
    check("footer", length(&footer), 0, limit::FOOTER);
    let fields = list(embed, "fields");
    check("fields", fields.len(), 0, limit::FIELDS);
    let mut all = length(&text(embed, "title")) + length(&text(embed, "description")) + length(&footer);
    for field in &fields {
        check("name", length(text(field, "name").trim()), 1, limit::FIELD_NAME);
        check("value", length(text(field, "value").trim()), 1, limit::FIELD_VALUE);
        all += length(&text(field, "name")) + length(&text(field, "value"));
    }
    check("embed", all, 1, limit::EMBEDS);
    check("rows", rendered.components.len(), 0, limit::ROWS);
    let mut ids = std::collections::BTreeSet::new();
    for row in &rendered.components {
        let parts = list(row, "components");
        check("row", parts.len(), 1, limit::BUTTONS);
        for part in &parts {
            let (id, url) = (text(part, "custom_id"), text(part, "url"));
            check("url", length(&url), 0, limit::URL);
            if url.is_empty() {
                check("custom_id", length(&id), 1, limit::CUSTOM_ID);
                check("another with this id", usize::from(!ids.insert(id)), 0, 0);
            }
            if part.get("type") == Some(&json!(2)) {
                check("label", length(text(part, "label").trim()), 1, limit::LABEL);
                continue;
            }
            check("select in a row", parts.len(), 1, 1);
            check("placeholder", length(&text(part, "placeholder")), 0, limit::PLACEHOLDER);
            let options = list(part, "options");
            check("options", options.len(), 1, limit::OPTIONS);
            for option in options {
                check("option", length(text(&option, "label").trim()), 1, limit::OPTION);
                check("value", length(&text(&option, "value")), 1, limit::OPTION);
            }
        }
    }
    wrong
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ".{0,40}",
        1 => "[a@*`_ 😀\n]{0,3000}",
        1 => Just(String::new()),
        1 => Just("```".repeat(700)),
    ]
}

fn command() -> impl Strategy<Value = String> {
    prop_oneof![4 => "/[a-z ]{1,20}", 1 => "/[a-z ]{90,120}", 1 => ".{0,9}"]
}

fn button() -> impl Strategy<Value = Button> {
    let form =
        Form { title: "Note".into(), send: "Send".into(), command: "/note {t}".into(), inputs: vec![] };
    (words(), command(), any::<bool>()).prop_map(move |(label, command, with)| Button {
        label,
        command,
        form: with.then(|| form.clone()),
    })
}

fn several<S: Strategy>(one: S, most: usize) -> impl Strategy<Value = Vec<S::Value>> {
    proptest::collection::vec(one, 0..most)
}

fn card() -> impl Strategy<Value = Card> {
    let field = (words(), words()).prop_map(|(name, value)| Field { name, value });
    let link = (
        words(),
        prop_oneof!["https://x.example.com/[a-z]{0,9}", "https://x.example.com/[a-z]{600}", ".{0,9}"],
    )
        .prop_map(|(text, url)| Link { text, url });
    let select = (words(), several(button(), 40)).prop_map(|(label, choices)| Select { label, choices });
    let table = several(several(words(), 4), 60);
    (
        (words(), words(), several(field, 40), table, words()),
        (several(link, 8), several(button(), 40), several(select, 8)),
    )
        .prop_map(|((title, text, fields, table, document), (links, buttons, selects))| Card {
            title,
            tone: Tone::Critical,
            text,
            fields,
            table,
            document,
            links,
            buttons,
            selects,
            newest_last: true,
            whole: "/incident timeline INC-7".repeat(9),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_rendering_keeps_to_every_limit(card in card()) {
        prop_assert_eq!(violations(&render(&card)), Vec::<String>::new());
        prop_assert_eq!(violations(&render_personal(&card)), Vec::<String>::new());
    }
}

#[test]
fn a_command_that_is_too_long_for_a_button_is_shown_as_text() {
    let command = format!("/incident note INC-3 {}", "x".repeat(100));
    let card =
        Card { title: "T".into(), buttons: vec![Button::new("Note it", &*command)], ..Card::default() };
    let rendered = render(&card);
    assert_eq!(rendered.components, Vec::<Value>::new());
    assert_eq!(text(&rendered.embed, "description"), format!("Note it: {command}"));
}

#[test]
fn what_is_left_out_is_counted() {
    let field = |n: usize| Field { name: format!("n{n}"), value: "v".into() };
    let card = Card {
        title: "T".into(),
        fields: (0..37).map(field).collect(),
        table: (0..900).map(|n| vec![format!("row {n}"), "x".repeat(30)]).collect(),
        ..Card::default()
    };
    let rendered = render(&card);
    let shown = text(&rendered.embed, "description").matches("row ").count();
    assert_eq!(rendered.embed["footer"]["text"], format!("and {} more", 12 + 900 - shown));
    let newest = Card { newest_last: true, whole: "/x".into(), ..card };
    let rendered = render(&newest);
    let description = text(&rendered.embed, "description");
    assert!(description.contains("row 0 ") && description.contains("row 899 "), "{description}");
    assert!(!description.contains("row 1 "), "{description}");
    assert!(text(&rendered.embed["footer"], "text").ends_with("more. All of it: /x"));
}

#[test]
fn a_stranger_pings_nobody_and_formats_nothing() {
    let loud = "@everyone <@&5> **x** [y](https://evil.example.com)";
    let card = Card {
        title: loud.into(),
        text: loud.into(),
        fields: vec![Field { name: loud.into(), value: loud.into() }],
        ..Card::default()
    };
    let body = render_personal(&card).body();
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    let embed = &body["embeds"][0];
    for shown in [&body["content"], &embed["title"], &embed["description"], &embed["fields"][0]["name"]] {
        let shown = shown.as_str().unwrap_or_default();
        assert!(shown.starts_with("\\@everyone \\<\\@&5\\> \\*\\*x\\*\\* \\[y\\]("), "{shown}");
    }
}

#[test]
fn a_form_becomes_a_modal_within_limits() {
    let input = |name: &str, choices: Vec<Choice>| Input {
        name: name.into(),
        label: "l".repeat(99),
        hint: "h".repeat(200),
        value: "P1".into(),
        optional: true,
        long: false,
        choices,
    };
    let form = Form {
        title: "t".repeat(60),
        send: "Send".into(),
        command: "/incident note INC-3 {text}".into(),
        inputs: (0..7)
            .map(|n| {
                input(
                    &format!("i{n}"),
                    if n == 1 { ["P1", "P2"].map(|one| Choice::from(one.to_owned())).into() } else { vec![] },
                )
            })
            .collect(),
    };
    let modal = super::super::components::modal(&form, "w:x");
    assert_eq!((length(&text(&modal, "title")), list(&modal, "components").len()), (45, 5));
    let inputs = list(&modal, "components");
    assert_eq!(
        inputs[1]["component"]["options"][0],
        json!({ "label": "P1", "value": "P1", "default": true })
    );
    assert_eq!((length(&text(&inputs[0], "label")), &inputs[0]["component"]["value"]), (45, &json!("P1")));
}

#[test]
fn a_document_that_does_not_fit_is_handed_over_whole() {
    let document = "line of a postmortem\n".repeat(400);
    let rendered = render(&Card { title: "T".into(), document: document.clone(), ..Card::default() });
    assert_eq!(rendered.document, Some(document));
    let short = render(&Card { title: "T".into(), document: "# Short".into(), ..Card::default() });
    assert_eq!((short.document, text(&short.embed, "description")), (None, "```\n# Short\n```".to_owned()));
}

#[test]
fn the_card_of_a_storm_is_taken() {
    for card in crate::text::samples::storm_cards() {
        assert_eq!(violations(&render(&card)), Vec::<String>::new(), "{}", card.title);
    }
}
