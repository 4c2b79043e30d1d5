//! Cards as lines of plain text: what `watchbell run` prints and what the API calls `text`. Never lets a character
//! through that does something to a terminal instead of being seen.

use super::{
    card::{Card, Field},
    control,
    plain::{self, plain},
};

/// At most this many characters of one cell of a table are shown.
const CELL: usize = 200;

/// Several cards, an empty line between them; buttons are counted through.
#[must_use]
pub fn cards(cards: &[Card]) -> String {
    let mut buttons = 0;
    let texts: Vec<String> = cards.iter().map(|card| lines(card, &mut buttons)).collect();
    texts.join("\n\n")
}

/// One card.
#[must_use]
pub fn card(card: &Card) -> String {
    lines(card, &mut 0)
}

fn lines(card: &Card, buttons: &mut usize) -> String {
    let mut blocks = vec![plain(&card.title, usize::MAX)];
    blocks.extend(paragraph(&card.text));
    blocks.extend(fields(&card.fields));
    blocks.extend(table(&card.table));
    blocks.extend(document(&card.document));
    let links = card
        .links
        .iter()
        .map(|link| format!("{}: {}", plain(&link.text, CELL), plain(&link.url, usize::MAX)));
    blocks.extend(joined(links));
    blocks.extend(joined(card.buttons.iter().map(|button| {
        *buttons += 1;
        let command = control::written(&button.command);
        format!("[{buttons}] {}: {}", plain(&button.label, CELL), plain(&command, usize::MAX))
    })));
    blocks.retain(|block| !block.is_empty());
    // A sentence or two stand right under the title; everything bigger gets air around it.
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let tight = index == 0 || (index == 1 && !card.text.is_empty());
        text.push_str(if index == 0 {
            ""
        } else if tight {
            "\n"
        } else {
            "\n\n"
        });
        text.push_str(block);
    }
    text
}

/// Lines stay lines; what is harmful in them goes.
fn paragraph(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| plain::lines(text.strip_suffix('\n').unwrap_or(text)))
}

fn document(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| plain::aligned(text.strip_suffix('\n').unwrap_or(text)))
}

fn fields(fields: &[Field]) -> Option<String> {
    let width = fields.iter().map(|field| width(&plain(&field.name, CELL))).max().unwrap_or_default();
    joined(fields.iter().map(|field| {
        let name = plain(&field.name, CELL);
        format!("  {name}{}  {}", blanks(width, &name), plain(&field.value, usize::MAX))
    }))
}

fn table(rows: &[Vec<String>]) -> Option<String> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell, CELL)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or_default()
        })
        .collect();
    joined(rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", blanks(*width, cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }))
}

fn joined(lines: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn blanks(to: usize, text: &str) -> String {
    " ".repeat(to.saturating_sub(width(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::card::{Button, Link};

    #[test]
    fn a_card_is_lines_with_everything_aligned_and_nothing_harmful() {
        let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.to_owned() };
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let button = |label: &str, command: &str| Button::new(label.to_owned(), command.to_owned());
        let all = Card {
            title: "INC-7 \u{1b}[31mdatabase is down".to_owned(),
            text: "Two\nlines.".to_owned(),
            fields: vec![field("Severity", "P1"), field("Lead", "ana\u{202e}")],
            table: vec![row(["id", "title"]), row(["INC-7", "down"])],
            document: "# Head\n\n  code".to_owned(),
            links: vec![Link { text: "Graph".to_owned(), url: "https://example.com".to_owned() }],
            buttons: vec![button("Acknowledge", "/ack INC-7")],
            ..Card::default()
        };
        let second =
            Card { title: "Next".to_owned(), buttons: vec![button("Show", "/x")], ..Card::default() };
        insta::assert_snapshot!(cards(&[all, second]), @r"
        INC-7 [31mdatabase is down
        Two
        lines.

          Severity  P1
          Lead      ana

        id     title
        INC-7  down

        # Head

          code

        Graph: https://example.com

        [1] Acknowledge: /ack INC-7

        Next

        [2] Show: /x
        ");
    }
}
