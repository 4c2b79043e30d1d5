//! Tells the story: headings, what happened, what a telephone shows, each with the seconds since the beginning. Never
//! moves the cursor: it reads as well in a file.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use super::phones::{Ring, Way};
use crate::{
    cli::{clean, console::paint::Paint},
    text::card::{Card, Tone},
};

/// The words of the story, as text.
pub struct Teller {
    /// How it looks.
    pub paint: Paint,
    begun: Instant,
}

impl Teller {
    /// Begins now.
    #[must_use]
    pub fn new(paint: Paint) -> Self {
        Self { paint, begun: Instant::now() }
    }

    /// Prints something. Nobody may be there to read it.
    pub fn print(text: &str) {
        let mut out = io::stdout().lock();
        drop(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// A step of the story.
    #[must_use]
    pub fn heading(&self, number: usize, text: &str) -> String {
        format!("\n{}", self.paint.bold(&format!("{number}. {text}")))
    }

    /// Something that happened and was looked at.
    #[must_use]
    pub fn sure(&self, text: &str) -> String {
        format!("{}  {} {text}", self.clock(), self.paint.toned(Tone::Good, "✓"))
    }

    /// Something that happens.
    #[must_use]
    pub fn tells(&self, text: &str) -> String {
        format!("{}    {text}", self.clock())
    }

    /// What a telephone shows.
    #[must_use]
    pub fn ring(&self, ring: &Ring) -> String {
        let (mark, tone) = match ring.way {
            Way::Push | Way::Call => ("☎", Tone::Critical),
            Way::Chat => ("✉", Tone::Good),
        };
        let who = format!("{:<4} {:<4}", clean::line(&ring.person), ring.way.as_str());
        format!(
            "{}  {} {}  {}",
            self.clock(),
            self.paint.toned(tone, mark),
            self.paint.bold(&who),
            clean::line(&ring.words)
        )
    }

    /// A command that somebody writes.
    #[must_use]
    pub fn command(&self, person: &str, text: &str) -> String {
        format!("{}    {}> {}", self.clock(), person, self.paint.bold(text))
    }

    /// What the bot answers.
    #[must_use]
    pub fn answer(&self, cards: &[Card]) -> String {
        let shown = self.paint.cards(cards);
        let lines: Vec<String> = shown.lines().map(|line| format!("        {line}")).collect();
        lines.join("\n")
    }

    fn clock(&self) -> String {
        self.paint.dim(&clock(self.begun.elapsed()))
    }
}

/// `0:07`
fn clock(elapsed: Duration) -> String {
    format!("{:>2}:{:02}", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn a_telephone_is_one_line() {
        let teller = Teller::new(Paint::new(false, usize::MAX, TimeZone::UTC));
        let ring = Ring { person: "ana".into(), way: Way::Push, words: "P1:\n\u{1b}Down".into(), ack: None };
        assert_eq!(teller.ring(&ring), " 0:00  ☎ ana  push  P1: Down");
        assert_eq!(clock(Duration::from_secs(75)), " 1:15");
    }
}
