//! Cards in a terminal: a bar in the colour of the tone, a bold title, fields and tables aligned, buttons as numbers.
//! Never lets through what commands a terminal: every text is made harmless before it is coloured.

use jiff::{Timestamp, tz::TimeZone};
use nu_ansi_term::{Color, Style};
use unicode_width::UnicodeWidthStr;

use crate::{
    cli::clean,
    text::{
        card::{Button, Card, Tone},
        control,
    },
};

/// Columns that a column of a table keeps when there is not enough room.
const NARROWEST: usize = 8;
/// Columns that a card has at least; what is narrower breaks it anywhere.
const NARROW: usize = 40;
/// The bar and the blank beside it.
const BAR: usize = 2;

/// How cards are drawn.
#[derive(Debug, Clone)]
pub struct Paint {
    colours: bool,
    width: Width,
    zone: TimeZone,
}

/// How wide lines may be.
#[derive(Debug, Clone, Copy)]
enum Width {
    /// So many columns; lines are as long as they are when this is [`usize::MAX`].
    Columns(usize),
    /// As wide as the terminal is at that moment.
    Terminal,
}

impl Paint {
    /// For a terminal of `width` columns ([`usize::MAX`]: no terminal), with times in `zone`.
    #[must_use]
    pub fn new(colours: bool, width: usize, zone: TimeZone) -> Self {
        Self { colours, width: Width::Columns(width), zone }
    }

    /// For the standard output of this process: colours when it is a terminal and `NO_COLOR` is not set.
    #[must_use]
    pub fn of_stdout() -> Self {
        use std::io::IsTerminal as _;
        let terminal = std::io::stdout().is_terminal();
        let colours = crate::config::colours(&crate::cli::environment, terminal);
        let width = if terminal { Width::Terminal } else { Width::Columns(usize::MAX) };
        Self { colours, width, zone: TimeZone::try_system().unwrap_or(TimeZone::UTC) }
    }

    /// Columns that there are now.
    fn columns(&self) -> usize {
        let now = || terminal_size::terminal_size().map_or(100, |(columns, _)| usize::from(columns.0));
        match self.width {
            Width::Columns(columns) => columns,
            Width::Terminal => now(),
        }
        .max(NARROW)
    }

    /// Whether colours are used.
    #[must_use]
    pub fn colours(&self) -> bool {
        self.colours
    }

    /// Several cards that belong together; their buttons are counted through.
    #[must_use]
    pub fn cards(&self, cards: &[Card]) -> String {
        let mut buttons = 0;
        let shown: Vec<String> = cards
            .iter()
            .map(|card| {
                let shown = self.card(card, buttons, None);
                buttons += card.buttons.len();
                shown
            })
            .collect();
        shown.join("\n\n")
    }

    /// One card; its buttons are counted from `before` + 1. `to` stands beside the title: a channel or a person.
    #[must_use]
    pub fn card(&self, card: &Card, before: usize, to: Option<&str>) -> String {
        let room = self.columns().saturating_sub(BAR);
        let mut title = wrap(&clean::line(&card.title), room);
        for line in &mut title {
            *line = self.with(Style::new().bold(), line);
        }
        if let (Some(last), Some(to)) = (title.last_mut(), to) {
            last.push_str(&self.dim(&format!("  {}", clean::line(to))));
        }
        let mut blocks = vec![title, wrap_all(&card.text, room)];
        blocks.push(self.fields(card, room));
        blocks.push(self.table(&card.table, room));
        blocks.push(wrap_all(&card.document, room));
        blocks.push(self.links(card));
        blocks.push(self.buttons(&card.buttons, before, room));
        // Title and sentences stand together; whatever is bigger gets air around it.
        let mut lines: Vec<String> = Vec::new();
        for (index, block) in blocks.into_iter().enumerate().filter(|(_, block)| !block.is_empty()) {
            if index > 2 && lines.len() > 1 {
                lines.push(String::new());
            }
            lines.extend(block);
        }
        let bar = self.with(bar(card.tone), "┃");
        let lines: Vec<String> =
            lines.iter().map(|line| format!("{bar} {line}").trim_end().to_owned()).collect();
        lines.join("\n")
    }

    /// One line about an event: what it is `about` (`INC-7`), and whose word it is, where its sentence does not say so.
    #[must_use]
    pub fn event(&self, at: Timestamp, about: Option<&str>, by: &str, text: &str) -> String {
        let time = at.to_zoned(self.zone.clone()).strftime("%H:%M:%S");
        let about = about.filter(|about| !names(text, about));
        let about = about.map(|about| format!("{} ", clean::line(about))).unwrap_or_default();
        let by = Some(by).filter(|by| !matches!(*by, "" | "watchbell") && !names(text, by));
        let by = by.map(|by| format!("{}: ", clean::line(by))).unwrap_or_default();
        self.dim(&format!("{time}  {about}{by}{}", clean::line(text)))
    }

    /// Beside the point.
    #[must_use]
    pub fn dim(&self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// To the point.
    #[must_use]
    pub fn bold(&self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// In the colour of a tone.
    #[must_use]
    pub fn toned(&self, tone: Tone, text: &str) -> String {
        self.with(bar(tone), text)
    }

    fn with(&self, style: Style, text: &str) -> String {
        if self.colours && !text.is_empty() { style.paint(text).to_string() } else { text.to_owned() }
    }

    fn fields(&self, card: &Card, room: usize) -> Vec<String> {
        let fields: Vec<(String, String)> =
            card.fields.iter().map(|field| (clean::line(&field.name), clean::line(&field.value))).collect();
        let widest = fields.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
        let mut lines = Vec::new();
        for (name, value) in fields {
            for (index, part) in wrap(&value, room.saturating_sub(widest + 2)).into_iter().enumerate() {
                let name = if index == 0 { name.as_str() } else { "" };
                lines.push(format!("{}  {part}", self.dim(&padded(name, widest))));
            }
        }
        lines
    }

    fn table(&self, rows: &[Vec<String>], room: usize) -> Vec<String> {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| clean::line(cell)).collect()).collect();
        let widths = column_widths(&rows, room);
        rows.iter()
            .enumerate()
            .map(|(index, row)| {
                let last = row.len().saturating_sub(1);
                let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                    let cell = cut(cell, *width);
                    if column == last { cell } else { padded(&cell, *width) }
                });
                let line = cells.collect::<Vec<_>>().join("  ").trim_end().to_owned();
                if index == 0 { self.with(Style::new().underline(), &line) } else { line }
            })
            .collect()
    }

    fn links(&self, card: &Card) -> Vec<String> {
        let widest = card.links.iter().map(|link| clean::line(&link.text).width()).max().unwrap_or_default();
        card.links
            .iter()
            .map(|link| {
                let name = self.dim(&padded(&clean::line(&link.text), widest));
                format!("{name}  {}", self.with(Style::new().fg(Color::Blue), &clean::line(&link.url)))
            })
            .collect()
    }

    fn buttons(&self, buttons: &[Button], before: usize, room: usize) -> Vec<String> {
        let mut lines: Vec<(usize, String)> = Vec::new();
        for (number, button) in (before + 1..).zip(buttons) {
            let (number, label) = (format!("[{number}]"), clean::line(&button.label));
            let command = clean::line(&control::written(&button.command));
            let wide = number.width() + label.width() + command.width() + 2;
            let shown = format!(
                "{} {label} {}",
                self.with(Style::new().bold().fg(Color::Cyan), &number),
                self.dim(&command)
            );
            match lines.last_mut() {
                Some((taken, line)) if *taken + 3 + wide <= room => {
                    *taken += 3 + wide;
                    line.push_str("   ");
                    line.push_str(&shown);
                }
                _ => lines.push((wide, shown)),
            }
        }
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

/// Whether a sentence names a thing or somebody.
fn names(text: &str, name: &str) -> bool {
    let of_name = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
    text.split(|char| !of_name(char)).any(|word| word.trim_end_matches('.') == name)
}

fn bar(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new().fg(Color::Blue),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Warning => Style::new().fg(Color::Yellow),
        Tone::Critical => Style::new().bold().fg(Color::Red),
    }
}

/// The columns' widths; when they are too wide together, the widest give way.
fn column_widths(rows: &[Vec<String>], room: usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or_default()
        })
        .collect();
    let gaps = 2 * columns.saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(text.width())))
}

/// At most `width` columns, `…` included when something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut line = String::new();
    for char in text.chars() {
        if line.width() + char.to_string().width() + 1 > width {
            break;
        }
        line.push(char);
    }
    line.push('…');
    line
}

/// Paragraphs: lines stay lines, long ones are broken between words.
fn wrap_all(text: &str, room: usize) -> Vec<String> {
    let clean = clean::lines(text);
    clean.trim_end().lines().flat_map(|line| wrap(line, room)).collect()
}

/// One line, broken between words; what follows keeps its indentation. A long word stays whole.
fn wrap(line: &str, room: usize) -> Vec<String> {
    if line.width() <= room {
        return vec![line.to_owned()];
    }
    let indent = " ".repeat(line.len() - line.trim_start_matches(' ').len());
    let mut lines = Vec::new();
    let mut current = indent.clone();
    for word in line.split_whitespace() {
        let begun = current.len() > indent.len();
        if begun && current.width() + 1 + word.width() > room {
            lines.push(std::mem::replace(&mut current, indent.clone()));
        } else if begun {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::card::{Field, Link};

    fn field(name: &str, value: &str) -> Field {
        Field { name: name.to_owned(), value: value.to_owned() }
    }

    fn card() -> Card {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        Card {
            title: "P1: CheckoutDown \u{1b}[2J(G-1)".to_owned(),
            tone: Tone::Critical,
            text: "Nobody can pay: the checkout answers with errors since a minute, and carts fill up.\nBusy \u{202e}hour.".to_owned(),
            fields: vec![field("Firing", "1 of 1"), field("service", "checkout"), field("名前", "データベース")],
            table: vec![
                row(["id", "title", "who"]),
                row(["INC-1", "The checkout of the whole shop is down for everybody", "ana"]),
                row(["INC-22", "検索が遅い", "ben"]),
            ],
            links: vec![Link { text: "Runbook".to_owned(), url: "https://example.com/checkout".to_owned() }],
            buttons: vec![
                Button::new("Acknowledge".to_owned(), "/ack G-1".to_owned()),
                Button::new("Show".to_owned(), "/incident show INC-1".to_owned()),
            ],
            ..Card::default()
        }
    }

    fn paint(colours: bool, width: usize) -> Paint {
        Paint::new(colours, width, TimeZone::UTC)
    }

    #[test]
    fn a_card_without_colours() {
        let expected = [
            "┃ P1: CheckoutDown [2J(G-1)  #shop",
            "┃ Nobody can pay: the checkout answers with errors since a",
            "┃ minute, and carts fill up.",
            "┃ Busy hour.",
            "┃ Firing   1 of 1",
            "┃ service  checkout",
            "┃ 名前     データベース",
            "┃",
            &format!("┃ id      {:45}  who", "title"),
            "┃ INC-1   The checkout of the whole shop is down for e…  ana",
            &format!("┃ INC-22  検索が遅い{}  ben", " ".repeat(35)),
            "┃",
            "┃ Runbook  https://example.com/checkout",
            "┃",
            "┃ [1] Acknowledge /ack G-1   [2] Show /incident show INC-1",
        ];
        assert_eq!(paint(false, 60).card(&card(), 0, Some("#shop")), expected.join("\n"));
    }

    #[test]
    fn a_card_with_colours() {
        let card = Card {
            title: "INC-1 is resolved".to_owned(),
            tone: Tone::Good,
            fields: vec![field("By", "ben")],
            buttons: vec![Button::new("Reopen", "/incident reopen INC-1")],
            ..Card::default()
        };
        let shown = paint(true, 80).card(&card, 2, None).replace('\u{1b}', "^");
        let expected = [
            "^[32m┃^[0m ^[1mINC-1 is resolved^[0m",
            "^[32m┃^[0m ^[2mBy^[0m  ben",
            "^[32m┃^[0m",
            "^[32m┃^[0m ^[1;36m[3]^[0m Reopen ^[2m/incident reopen INC-1^[0m",
        ];
        assert_eq!(shown, expected.join("\n"));
    }

    #[test]
    fn an_event_is_one_dim_line() {
        let at = "2026-03-01T12:03:04Z".parse().unwrap();
        for (about, by, text, expected) in [
            (Some("G-1"), "ana", "ana took\nG-1", "12:03:04  ana took G-1"),
            (Some("INC-1"), "ana", "the banana is ripe", "12:03:04  INC-1 ana: the banana is ripe"),
            (None, "shop", "Down fired", "12:03:04  shop: Down fired"),
            (Some("INC-1"), "watchbell", "Paged ben for INC-1.", "12:03:04  Paged ben for INC-1."),
            (Some("INC-1"), "", "INC-12 joined", "12:03:04  INC-1 INC-12 joined"),
        ] {
            assert_eq!(paint(false, 80).event(at, about, by, text), expected);
        }
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_but_for_what_cannot_be_broken() {
        for width in [40, 60, 80, 200] {
            for line in paint(false, width).cards(&[card(), card()]).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn buttons_of_several_cards_are_counted_through() {
        let shown = paint(false, 200).cards(&[card(), card()]);
        assert!(shown.contains("[3] Acknowledge") && shown.contains("[4] Show"), "{shown}");
    }
}
