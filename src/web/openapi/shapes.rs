//! The shapes of what is sent and answered (JSON Schema 2020-12). Never a field that is not sent: a test holds them
//! against real answers.

use serde_json::{Map, Value, json};

/// An object whose fields are all there; those whose name ends in `?` may be absent.
fn object(fields: &[(&str, Value)]) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, shape) in fields {
        match name.strip_suffix('?') {
            Some(name) => drop(properties.insert(name.to_owned(), shape.clone())),
            None => {
                properties.insert((*name).to_owned(), shape.clone());
                required.push(*name);
            }
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// The same, and it may have more.
fn open(fields: &[(&str, Value)]) -> Value {
    let mut shape = object(fields);
    if let Some(shape) = shape.as_object_mut() {
        shape.insert("additionalProperties".to_owned(), true.into());
    }
    shape
}

fn text() -> Value {
    json!({"type": "string"})
}
fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}
fn truth() -> Value {
    json!({"type": "boolean"})
}
fn instant() -> Value {
    json!({"type": "string", "format": "date-time"})
}
fn id(prefix: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{prefix}-[0-9]+$")})
}
fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}
fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}
fn map(of: Value) -> Value {
    json!({"type": "object", "additionalProperties": of})
}
/// Or null.
fn maybe(shape: Value) -> Value {
    json!({"anyOf": [shape, {"type": "null"}]})
}
fn named(shape: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{shape}")})
}
fn page(of: &str) -> Value {
    object(&[("items", list(named(of))), ("next", maybe(text()))])
}

/// All of them by name.
pub(super) fn all() -> Value {
    let mut shapes = Map::new();
    let mut add = |name: &str, shape: Value| drop(shapes.insert(name.to_owned(), shape));
    add("Problem", problem());
    add("Sent", json!({"type": "object", "description": "a message in the format of the source"}));
    add("Description", json!({"type": "object", "description": "an OpenAPI description"}));
    add("Command", command());
    add("Reply", reply());
    add(
        "Card",
        json!({"type": "object", "properties": {"title": text()}, "required": ["title"], "additionalProperties": true}),
    );
    add("Form", json!({"type": "object", "additionalProperties": true}));
    let completion = [("text", text()), ("start", number()), ("end", number()), ("about", text())];
    add("Completions", object(&[("items", list(object(&completion))), ("secret", truth())]));
    add("Incident", incident());
    add("Alert", alert());
    add("Group", group());
    add("Page", running_page());
    add("Entry", entry());
    add("Act", act());
    add("Silence", silence());
    add("Gaps", gaps());
    add("Question", object(&[("labels", text()), ("at?", maybe(text())), ("integration?", maybe(text()))]));
    add("Explanation", explanation());
    for (name, of) in [
        ("Silences", "Silence"),
        ("Incidents", "Incident"),
        ("Alerts", "Alert"),
        ("Groups", "Group"),
        ("Pages", "Page"),
        ("Acts", "Act"),
    ] {
        add(name, page(of));
    }
    add(
        "Timeline",
        object(&[
            ("items", list(named("Entry"))),
            ("next", maybe(text())),
            ("archived", truth()),
            ("archives", list(text())),
        ]),
    );
    let duty = [
        ("schedule", text()),
        ("people", list(text())),
        ("since", instant()),
        ("until", instant()),
        ("because", text()),
    ];
    add("OnCall", object(&[("at", instant()), ("schedules", list(object(&duty)))]));
    let views = [
        ("status", words(&["ready", "rebuilding", "broken"])),
        ("applied?", number()),
        ("behind?", number()),
        ("done?", number()),
        ("of?", number()),
        ("why?", text()),
    ];
    let readiness = [
        ("ready", truth()),
        ("reasons", list(text())),
        ("seq", maybe(number())),
        ("views", object(&views)),
        ("troubles", list(text())),
    ];
    add("Readiness", object(&readiness));
    Value::Object(shapes)
}

fn problem() -> Value {
    object(&[
        ("type", text()),
        ("title", text()),
        ("status", number()),
        ("detail", text()),
        ("field?", text()),
        ("remedy?", text()),
        ("trace?", text()),
    ])
}

fn command() -> Value {
    object(&[
        ("text", text()),
        ("person?", maybe(text())),
        ("channel?", maybe(text())),
        ("values?", map(text())),
    ])
}

fn reply() -> Value {
    object(&[("ok", truth()), ("text", text()), ("cards", list(named("Card"))), ("form?", named("Form"))])
}

fn incident() -> Value {
    object(&[
        ("id", id("INC")),
        ("title", text()),
        ("severity", text()),
        ("status", words(&["investigating", "identified", "mitigated", "resolved"])),
        ("commander", maybe(text())),
        ("roles", map(list(text()))),
        ("groups", list(id("G"))),
        ("channels", list(text())),
        ("opened_by", text()),
        ("opened_at", instant()),
        ("acknowledged_by", maybe(text())),
        ("acknowledged_at", maybe(instant())),
        ("mitigated_at", maybe(instant())),
        ("resolved_at", maybe(instant())),
        ("paged", list(text())),
        ("merged_into", maybe(id("INC"))),
        ("held", truth()),
        ("tasks?", list(task())),
        (
            "links?",
            list(object(&[("url", text()), ("title", maybe(text())), ("by", text()), ("at", instant())])),
        ),
        ("related?", list(id("INC"))),
        ("merged?", list(id("INC"))),
        (
            "impact?",
            maybe(object(&[
                ("text", text()),
                ("started_at", instant()),
                ("ended_at", maybe(instant())),
                ("by", text()),
            ])),
        ),
        ("groups_open?", number()),
        ("alerts_firing?", number()),
    ])
}

fn task() -> Value {
    object(&[
        ("id", id("T")),
        ("text", text()),
        ("owner", maybe(text())),
        ("due_at", maybe(instant())),
        ("status", words(&["open", "done", "dropped"])),
        ("ended_by", maybe(text())),
        ("ended_at", maybe(instant())),
    ])
}

fn silence() -> Value {
    object(&[
        ("id", id("S")),
        ("kind", words(&["silence", "maintenance"])),
        ("status", words(&["active", "pending", "expired"])),
        ("matchers", list(text())),
        ("comment", text()),
        ("by", text()),
        ("planned?", text()),
        ("starts_at", instant()),
        ("ends_at", instant()),
        ("ended_at", maybe(instant())),
        ("ended_by", maybe(text())),
    ])
}

fn gaps() -> Value {
    let lack = [
        ("schedule", text()),
        ("from", instant()),
        ("until", instant()),
        ("what", words(&["nobody", "unreachable", "twice"])),
        ("person?", text()),
        ("other?", text()),
    ];
    object(&[("from", instant()), ("until", instant()), ("items", list(object(&lack)))])
}

/// Why an alert went where it went. What stands below a page or a route that takes it is for people who debug: it is told
/// as it is, and may grow.
fn explanation() -> Value {
    let known = [
        ("id", id("A")),
        ("of_group", truth()),
        ("fired_at", instant()),
        ("starts_at", instant()),
        ("severity", maybe(text())),
        ("fired_again", list(instant())),
        ("ended", maybe(open(&[]))),
        ("duplicates_until", maybe(instant())),
    ];
    let route = [
        ("place", maybe(number())),
        ("route", maybe(text())),
        ("matchers", list(text())),
        ("verdict", words(&["takes", "fails", "not_tried"])),
    ];
    let group = [
        ("id", id("G")),
        ("joined", truth()),
        ("title", text()),
        ("severity", maybe(text())),
        ("channels", list(text())),
        ("policy", maybe(text())),
        ("incident", maybe(id("INC"))),
        ("joined_in_flood", truth()),
        ("covered_by", maybe(id("PG"))),
        ("quiet", list(open(&[("at", instant()), ("change", text())]))),
        (
            "pages",
            list(open(&[("id", id("PG")), ("steps", list(open(&[]))), ("deliveries", list(open(&[])))])),
        ),
    ];
    let quiet = [("what", text()), ("by", text()), ("why", text()), ("until", maybe(instant()))];
    object(&[
        ("at", instant()),
        ("alert", maybe(object(&known))),
        ("integration", text()),
        ("labels", map(text())),
        ("routes", list(open(&route))),
        ("quiet", list(object(&quiet))),
        ("groups", list(open(&group))),
        ("notes", list(json!({"anyOf": [text(), open(&[])]}))),
        ("text", text()),
    ])
}

fn alert() -> Value {
    object(&[
        ("id", id("A")),
        ("name", text()),
        ("status", words(&["firing", "resolved"])),
        ("labels", map(text())),
        ("annotations", map(text())),
        ("severity", maybe(text())),
        ("starts_at", instant()),
        ("ends_at", maybe(instant())),
        ("group", maybe(id("G"))),
        ("groups", list(id("G"))),
        ("integration", text()),
        ("graph", maybe(text())),
        ("source", maybe(text())),
    ])
}

fn group() -> Value {
    object(&[
        ("id", id("G")),
        ("title", text()),
        ("status", words(&["open", "acknowledged", "closed"])),
        ("severity", maybe(text())),
        ("labels", map(text())),
        ("route?", text()),
        ("incident", maybe(id("INC"))),
        ("firing", list(id("A"))),
        ("seen", number()),
        ("channels?", list(text())),
        ("policy?", text()),
        ("quiet?", list(id("S"))),
        ("quiet_until?", instant()),
        ("snoozed_until?", instant()),
        ("opened_at", instant()),
        ("acknowledged_by", maybe(text())),
        ("acknowledged_at", maybe(instant())),
        ("closed_at", maybe(instant())),
        ("paged?", list(text())),
    ])
}

fn running_page() -> Value {
    let sending = [
        ("id", id("D")),
        ("kind", text()),
        ("to", text()),
        ("channel", text()),
        ("attempts", number()),
        ("due", instant()),
    ];
    object(&[
        ("id", id("PG")),
        ("status", words(&["running", "ended"])),
        ("subject", text()),
        ("group", maybe(id("G"))),
        ("incident", maybe(id("INC"))),
        ("severity?", maybe(text())),
        ("policy?", text()),
        ("reason?", text()),
        ("by?", text()),
        ("started_at?", instant()),
        ("round?", number()),
        ("step?", number()),
        ("next_at?", instant()),
        ("held?", truth()),
        ("paged?", list(text())),
        ("deliveries?", list(object(&sending))),
        ("acknowledged_by", maybe(text())),
        ("ended_at", maybe(instant())),
    ])
}

fn entry() -> Value {
    object(&[("seq", number()), ("at", instant()), ("kind", text()), ("by", text()), ("text", text())])
}

fn act() -> Value {
    object(&[
        ("seq", number()),
        ("at", instant()),
        ("what", words(&crate::domain::audit::What::WORDS.map(|(word, _)| word))),
        ("by", text()),
        ("token", maybe(text())),
        ("subject", maybe(text())),
        ("text", text()),
        ("trace", text()),
    ])
}
