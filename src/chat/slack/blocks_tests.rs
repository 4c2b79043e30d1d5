//! What a card becomes, and that no card becomes something that Slack refuses. Never needs a connection.

use proptest::prelude::*;
use serde_json::Value;

use super::{
    blocks::{ELEMENTS, FIELD, HEADER, LABEL, OPTION_VALUE, OPTIONS, TEXT, VALUE, render},
    words::size,
};
use crate::text::card::{Button, Card, Field, Form, Input, Link, Select, Tone};

/// Everything in which a message breaks Slack's documented limits.
fn faults(card: &Card) -> Vec<String> {
    let rendered = render(card);
    let blocks = serde_json::to_value(&rendered.blocks).unwrap();
    let mut faults = Vec::new();
    let mut check = |what: &str, holds: bool| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let blocks = blocks.as_array().unwrap();
    check("blocks", (1..=50).contains(&blocks.len()));
    check("text", (1..=TEXT).contains(&size(&rendered.text)) && !bare(&rendered.text));
    for block in blocks {
        let mut text = |value: &Value, max: usize| {
            let said = value["text"].as_str().unwrap_or_default();
            let marked = value["type"] == "mrkdwn";
            check(&format!("{} text of {}", block["type"], size(said)), (1..=max).contains(&size(said)));
            check("bare marks", marked || !bare(said));
        };
        match block["type"].as_str().unwrap() {
            "header" => text(&block["text"], HEADER),
            "section" => {
                if block["text"].is_object() {
                    text(&block["text"], TEXT);
                }
                let fields = list(block, "fields");
                for field in &fields {
                    text(field, FIELD);
                }
                check("fields", fields.len() <= 10 && (block["text"].is_object() || !fields.is_empty()));
            }
            "context" => list(block, "elements").iter().for_each(|element| text(element, TEXT)),
            "actions" => {
                let elements = list(block, "elements");
                check("elements", (1..=ELEMENTS).contains(&elements.len()));
                let mut ids = std::collections::BTreeSet::new();
                for element in &elements {
                    let id = element["action_id"].as_str().unwrap();
                    check("action id", ids.insert(id.to_owned()) && (1..=255).contains(&size(id)));
                    if element["type"] == "button" {
                        let label = size(element["text"]["text"].as_str().unwrap());
                        check("label", (1..=LABEL).contains(&label));
                        check("value", (1..=VALUE).contains(&size(element["value"].as_str().unwrap())));
                        continue;
                    }
                    let options = list(element, "options");
                    check("options", (1..=OPTIONS).contains(&options.len()));
                    check("placeholder", size(element["placeholder"]["text"].as_str().unwrap()) <= 150);
                    for option in options {
                        check(
                            "option",
                            (1..=LABEL).contains(&size(option["text"]["text"].as_str().unwrap())),
                        );
                        check(
                            "behind it",
                            (1..=OPTION_VALUE).contains(&size(option["value"].as_str().unwrap())),
                        );
                    }
                }
            }
            other => panic!("{other}"),
        }
    }
    faults
}

fn bare(text: &str) -> bool {
    text.contains(['<', '>'])
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,12}",
        Just("<!channel>".to_owned()),
        Just("```".to_owned()),
        Just("&amp;\n".to_owned()),
        Just("🔔".to_owned()),
        Just(" ".to_owned()),
    ];
    (proptest::collection::vec(piece, 0..6), 1_usize..900)
        .prop_map(|(pieces, times)| if times > 700 { pieces.concat().repeat(times) } else { pieces.concat() })
}

fn button() -> impl Strategy<Value = Button> {
    (text(), text(), proptest::option::of(text())).prop_map(|(label, command, form)| Button {
        label,
        command,
        form: form.map(|text| Form {
            title: text.clone(),
            send: text.clone(),
            command: text.clone(),
            inputs: vec![Input {
                name: "a".into(),
                label: text.clone(),
                hint: text,
                value: String::new(),
                optional: false,
                long: false,
                choices: Vec::new(),
            }],
        }),
    })
}

fn card() -> impl Strategy<Value = Card> {
    use proptest::collection::vec as list;
    let field = (text(), text()).prop_map(|(name, value)| Field { name, value });
    let link = (text(), prop_oneof![text(), Just("https://e.example/?a=<b>|c&d".to_owned())])
        .prop_map(|(text, url)| Link { text, url });
    let select = (text(), proptest::collection::vec(button(), 0..130))
        .prop_map(|(label, choices)| Select { label, choices });
    let head = (text(), text(), text(), list(field, 0..40), list(list(text(), 0..5), 0..30));
    let rest = (list(link, 0..12), list(button(), 0..70), list(select, 0..14));
    (head, rest).prop_map(|((title, text, document, fields, table), (links, buttons, selects))| Card {
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
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn no_card_becomes_something_that_slack_refuses(card in card()) {
        prop_assert_eq!(faults(&card), Vec::<String>::new());
    }
}

#[test]
fn a_card_as_slack_gets_it() {
    let card = Card {
        title: "P1: DiskFull @here".into(),
        tone: Tone::Critical,
        text: "db-1 is full <!channel>\nsince 09:00".into(),
        fields: vec![Field { name: "Service".into(), value: "qflow & co".into() }],
        table: vec![
            vec!["Group".into(), "Alert".into()],
            vec!["G-17".into(), "Día ```x".into()],
            vec!["G-170".into(), "<@U1>".into()],
        ],
        document: "# Postmortem\n```sh\nls\n```".into(),
        links: vec![
            Link { text: "runbook *now*".into(), url: "https://e.example/r?a=1&b=2".into() },
            Link { text: "bad".into(), url: "javascript:alert(1)".into() },
        ],
        buttons: vec![Button::new("Acknowledge", "/ack G-17"), Button::new("Long", "/x ".repeat(900))],
        selects: vec![Select {
            label: "Severity".into(),
            choices: vec![Button::new("P0", "/incident severity INC-3 P0")],
        }],
        newest_last: false,
        whole: "/never shown: nothing is left out".into(),
    };
    let rendered = render(&card);
    let whole = serde_json::json!({ "text": rendered.text, "blocks": rendered.blocks });
    insta::assert_snapshot!(serde_json::to_string_pretty(&whole).unwrap());
    assert_eq!(faults(&card), Vec::<String>::new());
    let empty = render(&Card::default());
    assert_eq!((empty.blocks.len(), empty.text.as_str()), (1, "–"));
}

#[test]
fn what_has_no_room_is_counted() {
    let card = Card {
        title: "Many".into(),
        fields: (0..24).map(|n| Field { name: n.to_string(), value: "x".into() }).collect(),
        table: (0..1_000).map(|n| vec![format!("G-{n}"), "x".repeat(20)]).collect(),
        buttons: (0..60).map(|n| Button::new(n.to_string(), format!("/ack G-{n}"))).collect(),
        ..Card::default()
    };
    let blocks = serde_json::to_value(render(&card).blocks).unwrap();
    let blocks = blocks.as_array().unwrap();
    let rows = blocks.iter().filter_map(|block| block["text"]["text"].as_str());
    let rows =
        rows.filter(|text| text.starts_with("```")).map(|text| text.lines().count() - 2).sum::<usize>();
    let missing = 4 + (1_000 - rows) + 10;
    assert_eq!(blocks.last().unwrap()["elements"][0]["text"], format!("and {missing} more"));
}

#[test]
fn the_card_of_a_storm_is_taken() {
    for card in crate::text::samples::storm_cards() {
        assert_eq!(faults(&card), Vec::<String>::new(), "{}", card.title);
    }
}
