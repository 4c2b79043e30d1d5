//! Markdown as people read it in a card: without its marks, paragraph by paragraph. Never runs anything of it, and never
//! keeps an address: links are buttons.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The same text without marks: one line a paragraph, `- ` before items, code with two blanks before it.
pub(super) fn read(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut reading = Reading::default();
    for event in Parser::new_ext(markdown, options) {
        reading.event(event);
    }
    reading.text.trim().to_owned()
}

#[derive(Default)]
struct Reading {
    text: String,
    /// Lists around, each with the number of its next item when it has numbers.
    lists: Vec<Option<u64>>,
    code: bool,
}

impl Reading {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::List(first)) => self.lists.push(first),
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.apart();
                }
            }
            Event::Start(Tag::Item) => self.item(),
            Event::Start(Tag::CodeBlock(_)) => {
                self.apart();
                self.code = true;
            }
            Event::End(TagEnd::CodeBlock) => {
                self.code = false;
                self.apart();
            }
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Table) if self.lists.is_empty() => {
                self.apart();
            }
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => self.line(),
            Event::Start(Tag::TableCell) if !self.text.is_empty() && !self.text.ends_with('\n') => {
                self.text.push_str(" · ");
            }
            Event::Text(words) if self.code => {
                for line in words.lines() {
                    self.line();
                    self.text.push_str("  ");
                    self.text.push_str(line);
                }
            }
            Event::Text(words) | Event::Code(words) => self.text.push_str(&words),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.line(),
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.line();
        let depth = self.lists.len().saturating_sub(1);
        self.text.push_str(&"  ".repeat(depth));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.text.extend([&number.to_string(), ". "]);
                *number += 1;
            }
            _ => self.text.push_str("- "),
        }
    }

    /// A new line, unless one has just begun.
    fn line(&mut self) {
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// An empty line.
    fn apart(&mut self) {
        self.line();
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn marks_go_and_words_stay() {
        for (markdown, expected) in [
            ("Take the *step* that\nfits `you`.", "Take the step that fits you."),
            ("- [One](#one)\n- **Two**\n\nAfter.", "- One\n- Two\n\nAfter."),
            ("1. a\n2. b\n   - c\n", "1. a\n2. b\n  - c"),
            ("On its host:\n\n```sh\nls\n  pwd\n```\nEnd.", "On its host:\n\n  ls\n    pwd\n\nEnd."),
            ("| a | b |\n|---|---|\n| 1 | 2 |\n", "a · b\n1 · 2"),
            ("<b>html</b> [x](javascript:alert)", "html x"),
            ("", ""),
        ] {
            assert_eq!(read(markdown), expected, "{markdown}");
        }
    }
}
