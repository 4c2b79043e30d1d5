//! What Discord's documentation demands of a request; whatever breaks it is a violation that fails the test. Never
//! lenient.

use serde_json::{Value, json};

fn size(text: &str) -> usize {
    text.encode_utf16().count()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

struct Rules(Vec<String>);

impl Rules {
    fn within(&mut self, what: &str, size: usize, least: usize, most: usize) {
        if size < least || size > most {
            self.0.push(format!("{what} is {size}, not {least} to {most}"));
        }
    }

    fn needs(&mut self, what: &str, holds: bool) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }
}

/// A message that is posted, edited or answered.
pub fn message(body: &Value, posted: bool) -> Vec<String> {
    let mut rules = Rules(Vec::new());
    rules.within("content", size(text(body, "content")), 0, 2_000);
    rules.needs("allowed_mentions lets something ping", body["allowed_mentions"] == json!({ "parse": [] }));
    let (embeds, rows) = (list(body, "embeds"), list(body, "components"));
    let empty =
        text(body, "content").trim().is_empty() && embeds.is_empty() && list(body, "attachments").is_empty();
    rules.needs("the message is empty", !empty);
    rules.within("embeds", embeds.len(), 0, 10);
    if posted {
        rules.within("nonce", size(text(body, "nonce")), 1, 25);
        rules.needs("the nonce is not enforced", body["enforce_nonce"] == true);
    }
    let mut all = 0;
    for embed in embeds {
        let (title, description) = (size(text(embed, "title")), size(text(embed, "description")));
        let footer = size(text(&embed["footer"], "text"));
        rules.within("title", title, 0, 256);
        rules.within("description", description, 0, 4_096);
        rules.within("footer", footer, 0, 2_048);
        rules.within("fields", list(embed, "fields").len(), 0, 25);
        all += title + description + footer;
        for field in list(embed, "fields") {
            rules.within("field name", size(text(field, "name").trim()), 1, 256);
            rules.within("field value", size(text(field, "value").trim()), 1, 1_024);
            all += size(text(field, "name")) + size(text(field, "value"));
        }
    }
    rules.within("all embeds", all, 0, 6_000);
    rules.within("rows", rows.len(), 0, 5);
    let mut ids = Vec::new();
    for row in rows {
        rules.needs("a row is no row", row["type"] == 1);
        rules.within("row", list(row, "components").len(), 1, 5);
        for part in list(row, "components") {
            component(&mut rules, part);
            if part["style"] != 5 {
                ids.push(text(part, "custom_id").to_owned());
            }
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    rules.needs("two components have one custom_id", ids.len() == count);
    rules.0
}

fn component(rules: &mut Rules, part: &Value) {
    match part["type"].as_u64() {
        Some(2) if part["style"] == 5 => rules.within("url", size(text(part, "url")), 1, 512),
        Some(2) => {
            rules.within("custom_id", size(text(part, "custom_id")), 1, 100);
            rules.within("label", size(text(part, "label").trim()), 1, 80);
        }
        Some(3) => {
            rules.within("custom_id", size(text(part, "custom_id")), 1, 100);
            rules.within("options", list(part, "options").len(), 1, 25);
            rules.within("placeholder", size(text(part, "placeholder")), 0, 150);
            for option in list(part, "options") {
                rules.within("option", size(text(option, "label").trim()), 1, 100);
                rules.within("value", size(text(option, "value")), 1, 100);
            }
        }
        Some(4) => {
            rules.within("custom_id", size(text(part, "custom_id")), 1, 100);
            rules.within("placeholder", size(text(part, "placeholder")), 0, 100);
            rules.within("value", size(text(part, "value")), 0, 4_000);
            rules.needs("an input without a style", part["style"].is_u64());
        }
        other => rules.0.push(format!("a component of type {other:?}")),
    }
}

/// A form that is opened.
pub fn modal(body: &Value) -> Vec<String> {
    let mut rules = Rules(Vec::new());
    rules.within("modal title", size(text(body, "title").trim()), 1, 45);
    rules.within("modal custom_id", size(text(body, "custom_id")), 1, 100);
    rules.within("inputs", list(body, "components").len(), 1, 5);
    for part in list(body, "components") {
        rules.needs("an input without a label", part["type"] == 18);
        rules.within("input label", size(text(part, "label").trim()), 1, 45);
        component(&mut rules, &part["component"]);
    }
    rules.0
}

/// Commands that are registered.
pub fn commands(body: &Value) -> Vec<String> {
    let mut rules = Rules(Vec::new());
    let all = body.as_array().cloned().unwrap_or_default();
    rules.needs("commands are no list", body.is_array());
    rules.within("commands", all.len(), 0, 100);
    for command in &all {
        named(&mut rules, command);
        options(&mut rules, command, 0);
    }
    rules.0
}

fn named(rules: &mut Rules, value: &Value) {
    let name = text(value, "name");
    rules.within("name", size(name), 1, 32);
    let good = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || "-_".contains(c);
    rules.needs("a name with wrong letters", name.chars().all(good));
    rules.within("description", size(text(value, "description")), 1, 100);
}

fn options(rules: &mut Rules, of: &Value, depth: usize) {
    let all = list(of, "options");
    rules.within("options", all.len(), 0, 25);
    rules.within("levels", depth, 0, 2);
    let mut optional = false;
    for option in all {
        named(rules, option);
        let kind = option["type"].as_u64().unwrap_or_default();
        rules.within("option type", usize::try_from(kind).unwrap(), 1, 11);
        if kind <= 2 {
            options(rules, option, depth + 1);
            continue;
        }
        rules.needs("required after optional", !(optional && option["required"] == true));
        optional |= option["required"] != true;
        rules.within("choices", list(option, "choices").len(), 0, 25);
        rules.needs(
            "choices and autocomplete",
            list(option, "choices").is_empty() || option["autocomplete"] != true,
        );
    }
}
