//! What Discord's documentation demands of a request; whatever breaks it is a violation that fails the test. Never
//! lenient.

use serde_json::{Value, json};

/// How Discord counts.
pub fn size(text: &str) -> usize {
    text.encode_utf16().count()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// What was broken so far.
pub struct Rules(pub Vec<String>);

/// How a message is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// In a channel.
    Posted,
    /// In the place of an earlier one.
    Edited,
    /// As the answer to an interaction.
    Answered,
}

impl Rules {
    /// Nothing else stands in it: what Discord does not know is a word that somebody wrote wrongly.
    pub fn only(&mut self, body: &Value, known: &[&str]) {
        let Some(body) = body.as_object() else { return self.0.push(format!("{body} is no object")) };
        for key in body.keys().filter(|key| !known.contains(&&***key)) {
            self.0.push(format!("`{key}` is not known there"));
        }
    }

    pub fn id(&mut self, body: &Value, key: &str) {
        let good = text(body, key).parse::<u64>().is_ok_and(|id| id > 0);
        self.needs(&format!("{key} is no id in quotes"), good);
    }

    pub fn within(&mut self, what: &str, size: usize, least: usize, most: usize) {
        if size < least || size > most {
            self.0.push(format!("{what} is {size}, not {least} to {most}"));
        }
    }

    pub fn needs(&mut self, what: &str, holds: bool) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }
}

/// A message that is posted, edited or answered.
pub fn message(body: &Value, said: Said, files: &[String]) -> Vec<String> {
    let mut rules = Rules(Vec::new());
    let mut known = vec!["content", "embeds", "components", "allowed_mentions", "attachments"];
    match said {
        Said::Posted => known.extend(["nonce", "enforce_nonce", "message_reference"]),
        Said::Answered => known.push("flags"),
        Said::Edited => {}
    }
    rules.only(body, &known);
    rules.needs("flags of another kind", body["flags"].is_null() || body["flags"] == 64);
    rules.needs("content is no text", body["content"].is_null() || body["content"].is_string());
    rules.within("content", size(text(body, "content")), 0, 2_000);
    rules.needs("allowed_mentions lets something ping", body["allowed_mentions"] == json!({ "parse": [] }));
    let (embeds, rows) = (list(body, "embeds"), list(body, "components"));
    attachments(&mut rules, body, files);
    let empty =
        text(body, "content").trim().is_empty() && embeds.is_empty() && list(body, "attachments").is_empty();
    rules.needs("the message is empty", !empty);
    rules.within("embeds", embeds.len(), 0, 10);
    if said == Said::Posted {
        rules.within("nonce", size(text(body, "nonce")), 1, 25);
        rules.needs("the nonce is not enforced", body["enforce_nonce"] == true);
    }
    if !body["message_reference"].is_null() {
        rules.id(&body["message_reference"], "message_id");
    }
    let mut all = 0;
    for embed in embeds {
        rules.needs("an embed of another kind", embed["type"].is_null() || embed["type"] == "rich");
        rules
            .needs("a colour that is none", embed["color"].as_u64().is_none_or(|colour| colour <= 0xFF_FFFF));
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
        let lists = list(row, "components").iter().filter(|part| part["type"] == 3).count();
        rules.needs("a list beside something else", lists == 0 || list(row, "components").len() == 1);
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

/// Files and what is said of them belong together.
fn attachments(rules: &mut Rules, body: &Value, files: &[String]) {
    let said = list(body, "attachments");
    rules.needs("a file of which nothing is said, or the other way round", said.len() == files.len());
    for (number, (one, file)) in said.iter().zip(files).enumerate() {
        rules.only(one, &["id", "filename", "description"]);
        rules.needs("files are numbered", one["id"] == number);
        rules.needs("a file by two names", text(one, "filename") == file);
        rules.within("description of a file", size(text(one, "description")), 0, 1_024);
    }
}

fn component(rules: &mut Rules, part: &Value) {
    match part["type"].as_u64() {
        Some(2) if part["style"] == 5 => {
            rules.within("url", size(text(part, "url")), 1, 512);
            rules.within("label", size(text(part, "label").trim()), 1, 80);
            rules.needs("a link with a custom_id", part["custom_id"].is_null());
            let schemes = ["http://", "https://", "discord://"];
            rules.needs("a link to nowhere", schemes.iter().any(|s| text(part, "url").starts_with(s)));
        }
        Some(2) => {
            rules.needs(
                "a button without a style",
                part["style"].as_u64().is_some_and(|s| (1..=4).contains(&s)),
            );
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
            rules.needs("an input without a style", part["style"] == 1 || part["style"] == 2);
            let longest = usize::try_from(part["max_length"].as_u64().unwrap_or(4_000)).unwrap();
            rules.within("max_length", longest, 1, 4_000);
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
    let mut names: Vec<&str> = all.iter().map(|command| text(command, "name")).collect();
    names.sort_unstable();
    names.dedup();
    rules.needs("two commands have one name", names.len() == all.len());
    for command in &all {
        named(&mut rules, command);
        rules.within("a command in all", weight(command), 1, 8_000);
        options(&mut rules, command, 0);
    }
    rules.0
}

/// Names, descriptions and values of choices count.
fn weight(value: &Value) -> usize {
    let own: usize = ["name", "description", "value"].iter().map(|key| size(text(value, key))).sum();
    let below = ["options", "choices"].iter().flat_map(|key| list(value, key));
    own + below.map(weight).sum::<usize>()
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
            rules.needs("a group in a group", kind == 1 || depth == 0);
            options(rules, option, depth + 1);
            continue;
        }
        rules.needs("required after optional", !(optional && option["required"] == true));
        optional |= option["required"] != true;
        rules.within("choices", list(option, "choices").len(), 0, 25);
        for choice in list(option, "choices") {
            rules.within("choice", size(text(choice, "name").trim()), 1, 100);
            rules.within("value", size(text(choice, "value")), 1, 100);
        }
        let texts = list(option, "choices").is_empty() && option["autocomplete"] != true;
        rules.needs("choices of what is neither text nor number", texts || [3, 4, 10].contains(&kind));
        rules.needs(
            "choices and autocomplete",
            list(option, "choices").is_empty() || option["autocomplete"] != true,
        );
    }
}
