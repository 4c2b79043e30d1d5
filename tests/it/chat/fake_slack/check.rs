//! Slack's documented rules for what it is sent: sizes, counts, required fields, bare marks. Never knows why something
//! was sent.

use serde_json::Value;

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Everything that is wrong with a message's body.
pub fn message(body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let text = body["text"].as_str().unwrap_or_default();
    let empty = body["blocks"].as_array().is_none_or(Vec::is_empty);
    if text.is_empty() && empty {
        faults.push("no_text".to_owned());
    }
    if units(text) > 40_000 {
        faults.push("msg_too_long".to_owned());
    }
    if pings(text) {
        faults.push(format!("a bare mark in `text`: {text}"));
    }
    if body["link_names"] == true || body["parse"].as_str().is_some_and(|parse| parse != "none") {
        faults.push("names would be linked".to_owned());
    }
    if !empty {
        blocks(&body["blocks"], 50, &mut faults);
    }
    faults
}

/// Whether markup pings somebody.
pub fn pings(markup: &str) -> bool {
    ["<!", "<@", "<#"].iter().any(|mark| markup.contains(mark))
}

fn blocks(list: &Value, most: usize, faults: &mut Vec<String>) {
    let Some(list) = list.as_array() else {
        return faults.push("invalid_blocks_format".to_owned());
    };
    if list.is_empty() || list.len() > most {
        faults.push(format!("{} blocks", list.len()));
    }
    let mut ids = std::collections::BTreeSet::new();
    for block in list {
        if let Some(id) = block["block_id"].as_str()
            && (id.is_empty() || units(id) > 255 || !ids.insert(id.to_owned()))
        {
            faults.push(format!("block_id {id}"));
        }
        match block["type"].as_str() {
            Some("header") => text(&block["text"], 150, true, faults),
            Some("section") => {
                let fields = block["fields"].as_array().cloned().unwrap_or_default();
                if block["text"].is_null() && fields.is_empty() || fields.len() > 10 {
                    faults.push(format!("a section with {} fields", fields.len()));
                }
                if !block["text"].is_null() {
                    text(&block["text"], 3_000, false, faults);
                }
                for field in &fields {
                    text(field, 2_000, false, faults);
                }
            }
            Some("context") => {
                let elements = block["elements"].as_array().cloned().unwrap_or_default();
                if elements.is_empty() || elements.len() > 10 {
                    faults.push("context elements".to_owned());
                }
                for element in &elements {
                    text(element, 3_000, false, faults);
                }
            }
            Some("divider") => {}
            Some("actions") => actions(block, faults),
            // Fifty blocks are a message's, and a message has no inputs.
            Some("input") if most > 50 => {
                text(&block["label"], 2_000, true, faults);
                element(&block["element"], faults);
            }
            other => faults.push(format!("block type {other:?}")),
        }
    }
}

fn text(object: &Value, most: usize, plain_only: bool, faults: &mut Vec<String>) {
    let said = object["text"].as_str().unwrap_or_default();
    if units(said) == 0 || units(said) > most {
        faults.push(format!("a text of {} units where {most} are the most", units(said)));
    }
    match object["type"].as_str() {
        Some("plain_text") => {
            if object.get("verbatim").is_some() {
                faults.push("plain_text has no verbatim".to_owned());
            }
            if said.contains(['<', '>']) {
                faults.push(format!("not escaped: {said}"));
            }
        }
        Some("mrkdwn") if !plain_only => {
            if object.get("emoji").is_some() {
                faults.push("mrkdwn has no emoji".to_owned());
            }
            if said.matches("```").count() % 2 == 1 {
                faults.push(format!("an open code block: {said}"));
            }
        }
        other => faults.push(format!("text type {other:?}")),
    }
}

fn actions(block: &Value, faults: &mut Vec<String>) {
    let elements = block["elements"].as_array().cloned().unwrap_or_default();
    if elements.is_empty() || elements.len() > 25 {
        faults.push(format!("{} elements", elements.len()));
    }
    let mut ids = std::collections::BTreeSet::new();
    for one in &elements {
        let id = one["action_id"].as_str().unwrap_or_default();
        if id.is_empty() || units(id) > 255 || !ids.insert(id.to_owned()) {
            faults.push(format!("action_id `{id}`"));
        }
        element(one, faults);
    }
}

fn element(one: &Value, faults: &mut Vec<String>) {
    let short = |value: &Value, most: usize| {
        value.as_str().is_none_or(|said| units(said) <= most && !said.is_empty())
    };
    match one["type"].as_str() {
        Some("button") => {
            text(&one["text"], 75, true, faults);
            if !short(&one["value"], 2_000) || !short(&one["url"], 3_000) {
                faults.push("a button's value".to_owned());
            }
        }
        Some("static_select") => {
            let options = one["options"].as_array().cloned().unwrap_or_default();
            if options.is_empty() || options.len() > 100 {
                faults.push(format!("{} options", options.len()));
            }
            if !one["placeholder"].is_null() {
                text(&one["placeholder"], 150, true, faults);
            }
            for option in &options {
                text(&option["text"], 75, true, faults);
                if !short(&option["value"], 150) || option["value"].is_null() {
                    faults.push("an option's value".to_owned());
                }
            }
        }
        Some("plain_text_input") => {
            if !one["placeholder"].is_null() {
                text(&one["placeholder"], 150, true, faults);
            }
            if !short(&one["initial_value"], 3_000)
                || one["max_length"].as_u64().is_some_and(|max| max > 3_000)
            {
                faults.push("an input's value".to_owned());
            }
        }
        other => faults.push(format!("element {other:?}")),
    }
}

/// Everything that is wrong with a view.
pub fn view(view: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if view["type"] != "modal" {
        faults.push("not a modal".to_owned());
    }
    for part in ["title", "submit", "close"] {
        text(&view[part], 24, true, &mut faults);
    }
    if view["private_metadata"].as_str().is_some_and(|data| units(data) > 3_000) {
        faults.push("private_metadata".to_owned());
    }
    if view["callback_id"].as_str().is_some_and(|id| units(id) > 255) {
        faults.push("callback_id".to_owned());
    }
    blocks(&view["blocks"], 100, &mut faults);
    faults
}

/// The words of a message as a person reads them, line by line, and the words on what can be pressed.
pub fn words(body: &Value) -> (String, Vec<String>, bool) {
    let (mut lines, mut labels, mut ping) = (Vec::new(), Vec::new(), false);
    let mut read = |object: &Value, lines: &mut Vec<String>| {
        let said = object["text"].as_str().unwrap_or_default();
        ping |= object["type"] == "mrkdwn" && pings(said);
        lines.push(super::unescape(said));
    };
    let empty = Vec::new();
    for block in body["blocks"].as_array().unwrap_or(&empty) {
        if block["text"].is_object() {
            read(&block["text"], &mut lines);
        }
        for field in block["fields"].as_array().unwrap_or(&empty) {
            read(field, &mut lines);
        }
        for element in block["elements"].as_array().unwrap_or(&empty) {
            match element["type"].as_str() {
                Some("button") => {
                    labels.push(element["text"]["text"].as_str().unwrap_or_default().to_owned());
                }
                Some("static_select") => {
                    for option in element["options"].as_array().unwrap_or(&empty) {
                        labels.push(option["text"]["text"].as_str().unwrap_or_default().to_owned());
                    }
                }
                _ => read(element, &mut lines),
            }
        }
    }
    if lines.is_empty() {
        lines.push(super::unescape(body["text"].as_str().unwrap_or_default()));
    }
    (lines.join("\n"), labels, ping || pings(body["text"].as_str().unwrap_or_default()))
}
