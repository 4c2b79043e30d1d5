//! A card as Block Kit (<https://docs.slack.dev/reference/block-kit>). Pure. Never makes a message that Slack refuses
//! for its size: what has no room is shortened with `…` or counted.

use slack_morphism::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::words::{code, fit, link, pieces, quiet, size, split, unfenced};
use crate::text::{
    card::{Button, Card, Field, Select, Tone, lines_with_room},
    chat,
    plain::{aligned, lines, plain},
};

/// Characters of a text object.
pub const TEXT: usize = 3_000;
/// Characters of a header.
pub const HEADER: usize = 150;
/// Characters of one field of a section, and how many there are.
pub const FIELD: usize = 2_000;
const FIELDS: usize = 10;
/// Elements of an actions block.
pub const ELEMENTS: usize = 25;
/// Characters on a button, of an option and of its value, of a placeholder.
pub const LABEL: usize = 75;
/// Characters behind a button.
pub const VALUE: usize = 2_000;
/// Options of a select, and the characters behind one.
pub const OPTIONS: usize = 100;
/// Characters behind an option.
pub const OPTION_VALUE: usize = 150;

/// What a card may take of the fifty blocks of a message; all of it together stays below.
const TEXT_PIECES: usize = 3;
const FIELD_SECTIONS: usize = 4;
const DOCUMENT_PIECES: usize = 3;
const ACTION_BLOCKS: usize = 2;
const SELECTS: usize = 10;
/// A form in a button's value begins with this; a command with `/`.
pub(super) const FORM: &str = "form:";

/// A card as Slack takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// What notifications and screen readers say; escaped.
    pub text: String,
    /// The blocks; fifty at most.
    pub blocks: Vec<SlackBlock>,
}

impl Rendered {
    pub(super) fn content(self) -> SlackMessageContent {
        SlackMessageContent::new().with_text(self.text).with_blocks(self.blocks)
    }
}

/// Renders a card.
#[must_use]
pub fn render(card: &Card) -> Rendered {
    let title = plain(&card.title, 2_000);
    let text = lines(&card.text);
    let mut blocks = Vec::new();
    let mut missing = 0;
    if !title.is_empty() {
        blocks.push(SlackHeaderBlock::new(words(&format!("{}{title}", mark(card.tone)), HEADER)).into());
    }
    blocks.extend(pieces(&text, TEXT, TEXT_PIECES).into_iter().map(written));
    missing += fields(&card.fields, &mut blocks);
    missing += table(&card.table, card.newest_last, &mut blocks);
    let document = unfenced(&aligned(&card.document));
    blocks.extend(pieces(&document, TEXT - 8, DOCUMENT_PIECES).iter().map(|piece| marked(code(piece))));
    missing += links(card, &mut blocks);
    let mut commands = Vec::new();
    missing += buttons(&card.buttons, &mut blocks, &mut commands);
    missing += selects(&card.selects, &mut blocks);
    if !commands.is_empty() {
        blocks.extend(pieces(&commands.join("\n"), TEXT, 2).into_iter().map(written));
    }
    let cut = size(text.trim_end()) > TEXT * TEXT_PIECES || size(&document) > (TEXT - 8) * DOCUMENT_PIECES;
    if missing > 0 || cut {
        let note = SlackBlockPlainText::new(chat::more(missing, &card.whole)).with_emoji(false);
        blocks.push(SlackContextBlock::new(vec![note.into()]).into());
    }
    if blocks.is_empty() {
        blocks.push(written("–".to_owned()));
    }
    let said = if text.is_empty() { title.clone() } else { format!("{title}\n{text}") };
    Rendered { text: quiet(&said, TEXT), blocks }
}

/// A sign for the colour, which a header cannot have.
fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Good => "🟢 ",
        Tone::Warning => "🟠 ",
        Tone::Critical => "🔴 ",
    }
}

/// Text that Slack shows as it is.
pub(super) fn words(text: &str, max: usize) -> SlackBlockPlainTextOnly {
    SlackBlockPlainText::new(fit(text, max)).with_emoji(false).into()
}

fn written(escaped: String) -> SlackBlock {
    let text = SlackBlockPlainText::new(escaped).with_emoji(false);
    SlackSectionBlock::new().with_text(text.into()).into()
}

fn marked(markup: String) -> SlackBlock {
    let text = SlackBlockMarkDownText::new(markup).with_verbatim(true);
    SlackSectionBlock::new().with_text(text.into()).into()
}

/// Names left, values right; each returns how many found no room.
fn fields(fields: &[Field], blocks: &mut Vec<SlackBlock>) -> usize {
    let text = |text: &str| -> SlackBlockText {
        SlackBlockPlainText::new(fit(&plain(text, FIELD), FIELD)).with_emoji(false).into()
    };
    for pairs in fields.chunks(FIELDS / 2).take(FIELD_SECTIONS) {
        let cells = pairs.iter().flat_map(|field| [text(&field.name), text(&field.value)]).collect();
        blocks.push(SlackSectionBlock::new().with_fields(cells).into());
    }
    fields.len().saturating_sub(FIELDS / 2 * FIELD_SECTIONS)
}

/// Aligned columns in a code block; the rows that find no room are counted.
fn table(rows: &[Vec<String>], newest_last: bool, blocks: &mut Vec<SlackBlock>) -> usize {
    /// Cells are not wider than this.
    const CELL: usize = 60;
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().take(12).map(|cell| unfenced(&plain(cell, CELL))).collect())
        .collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat((width + 2).saturating_sub(cell.width())));
        }
        super::words::escaped(line.trim_end())
    };
    let fit = |lines: &[String]| {
        let mut left = TEXT - 8;
        let has_room = |line: &&String| left.checked_sub(size(line) + 1).map(|less| left = less).is_some();
        lines.iter().take_while(has_room).count()
    };
    let shown = lines_with_room(cells.iter().map(line).collect(), newest_last, fit);
    let body = shown.join("\n");
    if !body.trim().is_empty() {
        blocks.push(marked(code(&body)));
    }
    rows.len() - shown.len()
}

fn links(card: &Card, blocks: &mut Vec<SlackBlock>) -> usize {
    let mut line = String::new();
    let mut missing = 0;
    for web in &card.links {
        // What leads nowhere good is not shown, nor missed.
        let Some(link) = link(&web.url, &plain(&web.text, 300)) else { continue };
        if size(&line) + size(&link) + 3 > TEXT {
            missing += 1;
            continue;
        }
        if !line.is_empty() {
            line.push_str(" · ");
        }
        line.push_str(&link);
    }
    if !line.is_empty() {
        blocks.push(marked(line));
    }
    missing
}

/// What stands behind a button: its form when that has room, else its command; none when neither has.
fn behind(button: &Button) -> Option<String> {
    let form = button.form.as_ref().and_then(|form| serde_json::to_string(form).ok());
    form.map(|form| format!("{FORM}{form}"))
        .filter(|value| size(value) <= VALUE)
        .or_else(|| Some(button.command.clone()))
        .filter(|value| !value.is_empty() && size(value) <= VALUE)
}

fn buttons(buttons: &[Button], blocks: &mut Vec<SlackBlock>, commands: &mut Vec<String>) -> usize {
    let mut elements: Vec<SlackActionBlockElement> = Vec::new();
    let mut missing = 0;
    for button in buttons {
        let Some(value) = behind(button) else {
            // The words before the command name the button; whoever wants it writes it.
            let (command, _) = split(&button.command, VALUE);
            commands.push(format!("{} {command}", chat::instead_of_button(&plain(&button.label, LABEL))));
            continue;
        };
        if elements.len() == ELEMENTS * ACTION_BLOCKS {
            missing += 1;
            continue;
        }
        let element = SlackBlockButtonElement::new(words(&plain(&button.label, LABEL), LABEL))
            .with_action_id(format!("press-{}", elements.len()).into())
            .with_value(value);
        elements.push(element.into());
    }
    let mut elements = elements.into_iter().peekable();
    while elements.peek().is_some() {
        blocks.push(SlackActionsBlock::new(elements.by_ref().take(ELEMENTS).collect()).into());
    }
    missing
}

/// One option of a list, or none when what stands behind it is too long for Slack.
pub(super) fn option(label: &str, value: &str) -> Option<SlackBlockChoiceItem<SlackBlockPlainTextOnly>> {
    (!value.is_empty() && size(value) <= OPTION_VALUE)
        .then(|| SlackBlockChoiceItem::new(words(&plain(label, LABEL), LABEL), value.to_owned()))
}

fn selects(selects: &[Select], blocks: &mut Vec<SlackBlock>) -> usize {
    let mut elements: Vec<SlackActionBlockElement> = Vec::new();
    let mut missing = 0;
    for select in selects {
        let mut options: Vec<_> =
            select.choices.iter().filter_map(|choice| option(&choice.label, &choice.command)).collect();
        options.truncate(OPTIONS);
        missing += select.choices.len() - options.len();
        if options.is_empty() {
            continue;
        }
        if elements.len() == SELECTS {
            missing += 1;
            continue;
        }
        let element = SlackBlockStaticSelectElement::new()
            .with_action_id(format!("choose-{}", elements.len()).into())
            .with_placeholder(words(&plain(&select.label, LABEL), LABEL))
            .with_options(options);
        elements.push(element.into());
    }
    if !elements.is_empty() {
        blocks.push(SlackActionsBlock::new(elements).into());
    }
    missing
}
