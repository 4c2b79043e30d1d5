//! Buttons, lists and forms as Discord's components. Pure. Never makes a control whose command would not fit into
//! it, and never two with the same id in one message.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    escape::{is_link, label, length},
    render::limit,
};
use crate::text::{
    card::{Button, Card, Form, Input, Link, Select},
    discord::{NOTHING, and_more},
};

/// Begins the custom id of a button that shows a form first; its command follows.
pub(super) const WITH_FORM: &str = "f:";
/// Begins the custom id of a button that opens a form which is kept in memory.
pub(super) const OPENS: &str = "o:";
/// Begins the custom id of a form that holds its command.
pub(super) const HOLDS: &str = "w:";
/// Begins the custom id of a form that is kept in memory.
pub(super) const KEPT: &str = "k:";
/// At most this many rows are kept for lists when there are many buttons.
const ROWS_FOR_LISTS: usize = 2;

/// The controls of a card.
#[derive(Debug, Default)]
pub(super) struct Controls {
    /// Rows of components.
    pub rows: Vec<Value>,
    /// Commands that have no button: their label and the command.
    pub in_words: Vec<(String, String)>,
    /// Links that have no button.
    links_in_words: Vec<String>,
    /// Choices that have no place.
    pub left_out: usize,
    /// Forms behind buttons, by custom id.
    pub forms: Vec<(String, Form)>,
}

impl Controls {
    pub(super) fn shown_in_words(&self, link: &Link) -> bool {
        self.links_in_words.contains(&link.url)
    }
}

/// The controls of a card.
pub(super) fn controls(card: &Card) -> Controls {
    let mut made = Controls::default();
    let lists: Vec<Value> =
        card.selects.iter().enumerate().filter_map(|(n, s)| list(n, s, &mut made)).collect();
    let rows_for_buttons = limit::ROWS - lists.len().min(ROWS_FOR_LISTS);
    let mut ids = BTreeSet::new();
    let mut buttons = Vec::new();
    for button in &card.buttons {
        let id = custom_id(button);
        if ids.contains(&id) {
            continue;
        }
        let full = buttons.len() == rows_for_buttons * limit::BUTTONS;
        let known = button.command.starts_with('/') || button.command.starts_with(OPENS);
        if full || !known || length(&id) > limit::CUSTOM_ID {
            made.in_words.push((button.label.clone(), button.command.clone()));
            continue;
        }
        let style = if buttons.is_empty() { 1 } else { 2 };
        buttons.push(json!({ "type": 2, "style": style, "label": words(&button.label), "custom_id": id }));
        if let Some(form) = &button.form {
            made.forms.push((id.clone(), form.clone()));
        }
        ids.insert(id);
    }
    for link in &card.links {
        let full = buttons.len() == rows_for_buttons * limit::BUTTONS;
        if full || !is_link(&link.url) || length(&link.url) > limit::URL {
            made.links_in_words.push(link.url.clone());
            continue;
        }
        buttons.push(json!({ "type": 2, "style": 5, "label": words(&link.text), "url": link.url }));
    }
    made.rows = buttons.chunks(limit::BUTTONS).map(|row| json!({ "type": 1, "components": row })).collect();
    for list in lists {
        if made.rows.len() < limit::ROWS {
            made.rows.push(json!({ "type": 1, "components": [list] }));
        } else {
            made.left_out += 1;
        }
    }
    made
}

fn words(text: &str) -> String {
    let text = label(text, limit::LABEL);
    if text.trim().is_empty() { NOTHING.to_owned() } else { text }
}

fn custom_id(button: &Button) -> String {
    if button.form.is_some() { format!("{WITH_FORM}{}", button.command) } else { button.command.clone() }
}

/// A list to choose from; none when nothing can be chosen.
fn list(number: usize, select: &Select, made: &mut Controls) -> Option<Value> {
    let mut taken = BTreeSet::new();
    let mut options = Vec::new();
    let mut left = 0;
    for choice in &select.choices {
        if taken.contains(&choice.command) {
            continue;
        }
        let fits = choice.command.starts_with('/') && length(&choice.command) <= limit::OPTION;
        if !fits || options.len() == limit::OPTIONS {
            left += 1;
            continue;
        }
        taken.insert(choice.command.clone());
        let name = label(&choice.label, limit::OPTION);
        let name = if name.trim().is_empty() { NOTHING.to_owned() } else { name };
        options.push(json!({ "label": name, "value": choice.command }));
    }
    if options.is_empty() {
        made.left_out += left;
        return None;
    }
    let more = if left > 0 { format!(" ({})", and_more(left)) } else { String::new() };
    let name = label(&select.label, limit::PLACEHOLDER - length(&more));
    Some(json!({
        "type": 3, "custom_id": format!("s{number}"), "placeholder": format!("{name}{more}"), "options": options,
    }))
}

/// A form as Discord opens it, under this custom id.
pub(super) fn modal(form: &Form, custom_id: &str) -> Value {
    let title = label(&form.title, limit::FORM_TITLE);
    let inputs: Vec<Value> = form.inputs.iter().take(limit::INPUTS).map(input).collect();
    json!({
        "custom_id": custom_id,
        "title": if title.trim().is_empty() { NOTHING.to_owned() } else { title },
        "components": inputs,
    })
}

/// The custom id that holds a form's command, when it fits.
pub(super) fn holding(form: &Form) -> Option<String> {
    let id = format!("{HOLDS}{}", form.command);
    (length(&id) <= limit::CUSTOM_ID).then_some(id)
}

fn input(input: &Input) -> Value {
    let name = label(&input.label, limit::FORM_TITLE);
    let name = if name.trim().is_empty() { label(&input.name, limit::FORM_TITLE) } else { name };
    let chosen = !input.choices.is_empty()
        && input.choices.len() <= limit::OPTIONS
        && input
            .choices
            .iter()
            .all(|one| !one.value.trim().is_empty() && length(&one.value) <= limit::OPTION);
    let mut inner = if chosen {
        let mut seen = BTreeSet::new();
        let options: Vec<Value> = input
            .choices
            .iter()
            .filter(|choice| seen.insert(&choice.value))
            .map(|choice| {
                let name = label(&choice.label, limit::OPTION);
                let name = if name.trim().is_empty() { NOTHING.to_owned() } else { name };
                json!({ "label": name, "value": choice.value, "default": choice.value == input.value })
            })
            .collect();
        json!({ "type": 3, "custom_id": input.name, "required": !input.optional, "options": options })
    } else {
        json!({
            "type": 4, "custom_id": input.name, "required": !input.optional,
            "style": if input.long { 2 } else { 1 }, "max_length": limit::INPUT,
        })
    };
    let hint = label(&input.hint, limit::OPTION);
    if let Some(inner) = inner.as_object_mut() {
        if !hint.is_empty() {
            inner.insert("placeholder".into(), hint.into());
        }
        if !chosen && !input.value.is_empty() {
            let value: String = input.value.chars().take(limit::INPUT / 2).collect();
            inner.insert("value".into(), value.into());
        }
    }
    json!({ "type": 18, "label": name, "component": inner })
}
