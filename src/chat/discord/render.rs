//! A card as Discord shows it: one embed with buttons and lists. Pure. Never exceeds a documented limit, never lets
//! markup or a mention through, and counts what it leaves out.

use serde_json::{Value, json};
use serenity::builder::{CreateEmbed, CreateEmbedFooter};

use super::{
    components::{Controls, controls},
    escape::{aligned, fenced, is_link, length, markdown},
};
use crate::text::{
    card::{Card, Form, Tone, lines_with_room},
    chat::more,
    discord::{NOTHING, write_it},
};

/// Discord's limits of a message: <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.
pub mod limit {
    /// Characters of a message's own text.
    pub const CONTENT: usize = 2_000;
    /// Characters of an embed's title.
    pub const TITLE: usize = 256;
    /// Characters of an embed's description.
    pub const DESCRIPTION: usize = 4_096;
    /// Fields of an embed.
    pub const FIELDS: usize = 25;
    /// Characters of a field's name.
    pub const FIELD_NAME: usize = 256;
    /// Characters of a field's value.
    pub const FIELD_VALUE: usize = 1_024;
    /// Characters of an embed's footer.
    pub const FOOTER: usize = 2_048;
    /// Characters in all embeds of a message.
    pub const EMBEDS: usize = 6_000;
    /// Rows of components.
    pub const ROWS: usize = 5;
    /// Buttons of a row.
    pub const BUTTONS: usize = 5;
    /// Characters on a button.
    pub const LABEL: usize = 80;
    /// Characters of what comes back when a button is pressed.
    pub const CUSTOM_ID: usize = 100;
    /// Characters of a link on a button.
    pub const URL: usize = 512;
    /// Choices of a list.
    pub const OPTIONS: usize = 25;
    /// Characters of a choice, and of its value.
    pub const OPTION: usize = 100;
    /// Characters of a list's own words.
    pub const PLACEHOLDER: usize = 150;
    /// Characters of a form's heading, and of an input's label.
    pub const FORM_TITLE: usize = 45;
    /// Inputs of a form.
    pub const INPUTS: usize = 5;
    /// Characters of an input.
    pub const INPUT: usize = 4_000;
}

/// Kept free for what is left out.
const RESERVED: usize = 160;
/// At most this much is for fields, so that the text keeps its place.
const FOR_FIELDS: usize = 2_400;

/// What becomes of a card.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The message's own text: what a telephone shows before the message is opened. Empty for a room.
    pub content: String,
    /// The embed.
    pub embed: Value,
    /// Rows of buttons and lists.
    pub components: Vec<Value>,
    /// The document in full, when it did not fit.
    pub document: Option<String>,
    /// The forms behind buttons, by custom id.
    pub forms: Vec<(String, Form)>,
}

impl Rendered {
    /// What is posted: pings nobody, whatever it says.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "content": self.content,
            "embeds": [self.embed],
            "components": self.components,
            "allowed_mentions": { "parse": [] },
        })
    }
}

/// Renders a card for a room.
#[must_use]
pub fn render(card: &Card) -> Rendered {
    let card = card.clone().harmless();
    let controls = controls(&card);
    let title = markdown(&card.title, limit::TITLE);
    let (fields, fields_left) = fields(&card);
    let for_fields: usize = fields.iter().map(|(name, value)| length(name) + length(value)).sum();
    let room = limit::EMBEDS.saturating_sub(length(&title) + for_fields + RESERVED).min(limit::DESCRIPTION);
    let description = description(&card, &controls, room);
    let mut embed = CreateEmbed::new().colour(colour(card.tone));
    let none = title.trim().is_empty() && description.text.is_empty() && fields.is_empty();
    if !title.trim().is_empty() || none {
        embed = embed.title(if none { NOTHING.to_owned() } else { title });
    }
    if !description.text.is_empty() {
        embed = embed.description(description.text);
    }
    embed = embed.fields(fields.into_iter().map(|(name, value)| (name, value, true)));
    let left = fields_left + controls.left_out + description.left_out;
    if left > 0 || description.shortened {
        embed = embed.footer(CreateEmbedFooter::new(more(left, &card.whole)));
    }
    Rendered {
        content: String::new(),
        embed: serde_json::to_value(embed).unwrap_or(Value::Null),
        components: controls.rows,
        document: description.cut.then(|| card.document.clone()),
        forms: controls.forms,
    }
}

/// Renders a card for a person's own conversation: a telephone shows its title without opening it.
#[must_use]
pub fn render_personal(card: &Card) -> Rendered {
    let content = markdown(&card.clone().harmless().title, limit::TITLE);
    Rendered { content, ..render(card) }
}

fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Plain => 0x0095_A5A6,
        Tone::Good => 0x002E_CC71,
        Tone::Warning => 0x00F1_C40F,
        Tone::Critical => 0x00E7_4C3C,
    }
}

/// The fields that fit, and how many do not.
fn fields(card: &Card) -> (Vec<(String, String)>, usize) {
    let mut kept = Vec::new();
    let mut used = 0;
    for field in &card.fields {
        let name = or_nothing(markdown(&field.name, limit::FIELD_NAME));
        let value = or_nothing(markdown(&field.value, limit::FIELD_VALUE));
        let size = length(&name) + length(&value);
        if kept.len() == limit::FIELDS || used + size > FOR_FIELDS {
            break;
        }
        used += size;
        kept.push((name, value));
    }
    let left = card.fields.len() - kept.len();
    (kept, left)
}

fn or_nothing(text: String) -> String {
    if text.trim().is_empty() { NOTHING.to_owned() } else { text }
}

#[derive(Default)]
struct Description {
    text: String,
    left_out: usize,
    cut: bool,
    /// The text ends with `…`.
    shortened: bool,
    max: usize,
}

impl Description {
    fn free(&self) -> usize {
        let gap = if self.text.is_empty() { 0 } else { 2 };
        self.max.saturating_sub(length(&self.text) + gap)
    }

    fn add(&mut self, paragraph: &str) {
        if paragraph.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(paragraph);
    }
}

/// The text, the commands without a button, the table, the document: in this order, as far as they fit.
fn description(card: &Card, controls: &Controls, max: usize) -> Description {
    let mut all = Description { max, ..Description::default() };
    let below = !card.table.is_empty() || !card.document.is_empty();
    let for_text = if below { all.free() / 2 } else { all.free() };
    all.add(&markdown(card.text.trim(), for_text));
    all.shortened = length(&markdown(card.text.trim(), usize::MAX)) > for_text;
    for (label, command) in &controls.in_words {
        let line = markdown(&write_it(label, command), usize::MAX);
        if length(&line) > all.free() {
            all.left_out += 1;
        } else {
            all.add(&line);
        }
    }
    for link in card.links.iter().filter(|link| controls.shown_in_words(link)) {
        let line = format!("{}: {}", markdown(&link.text, limit::LABEL), link.url);
        if !is_link(&link.url) || length(&line) > all.free() {
            all.left_out += 1;
        } else {
            all.add(&line);
        }
    }
    if !card.table.is_empty() {
        let (lines, room) = (aligned(&card.table), all.free());
        let fit = |lines: &[String]| lines.len() - fenced(lines, room).1;
        let shown = lines_with_room(lines, card.newest_last, fit);
        all.left_out += card.table.len() - shown.len();
        all.add(&fenced(&shown, room).0);
    }
    if !card.document.is_empty() {
        let lines: Vec<String> = card.document.lines().map(str::to_owned).collect();
        let (block, left) = fenced(&lines, all.free());
        all.add(&block);
        all.left_out += left;
        all.cut = left > 0;
    }
    all
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
