//! A runbook as a document: front matter, headings, prose, links, action blocks, each with its place. Never knows
//! what a block means.

use std::{collections::BTreeMap, ops::Range};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{names::ActKind, notes::Body};

/// A document cut into its parts; all places are bytes of the file.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Between the two `---`.
    pub front: Option<Range<usize>>,
    /// What stands below each heading; the first may have none.
    pub sections: Vec<Section>,
}

/// A heading and what stands below it, up to the next one.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// Its words; empty before the first heading.
    pub heading: String,
    /// 1 to 6; 0 before the first heading.
    pub level: u8,
    /// As code hosts link to it.
    pub anchor: String,
    pub at: Range<usize>,
    /// Markdown without the action blocks.
    pub prose: String,
    pub links: Vec<RawLink>,
    pub blocks: Vec<Block>,
}

/// A link as it is written.
#[derive(Debug)]
pub(super) struct RawLink {
    pub text: String,
    pub to: String,
    pub at: Range<usize>,
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// The language that is written; an action, or not.
    pub language: String,
    pub kind: Option<ActKind>,
    /// The line with the language.
    pub at: Range<usize>,
    pub body: Body,
}

/// Cuts a file.
pub(super) fn read(text: &str) -> Document {
    let (front, start) = front(text);
    let mut reading =
        Reading { text, start, document: Document { front, ..Document::default() }, ..Reading::default() };
    reading.document.sections.push(Section { at: start..start, ..Section::default() });
    reading.prose_from = start;
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let rest = text.get(start..).unwrap_or_default();
    for (event, range) in Parser::new_ext(rest, options).into_offset_iter() {
        reading.event(event, range.start + start..range.end + start);
    }
    reading.end_prose(text.len());
    reading.document
}

/// The front matter, and where the document begins.
fn front(text: &str) -> (Option<Range<usize>>, usize) {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return (None, 0) };
    let mut at = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            return (Some(first.len()..at), at + line.len());
        }
        at += line.len();
    }
    (None, 0)
}

#[derive(Default)]
struct Reading<'t> {
    text: &'t str,
    start: usize,
    document: Document,
    /// Quotes and lists around: a heading inside of them is text.
    depth: usize,
    heading: Option<String>,
    link: Option<RawLink>,
    block: Option<Block>,
    prose_from: usize,
    anchors: BTreeMap<String, usize>,
}

impl Reading<'_> {
    fn section(&mut self) -> Option<&mut Section> {
        self.document.sections.last_mut()
    }

    fn end_prose(&mut self, at: usize) {
        let prose = self.text.get(self.prose_from..at).unwrap_or_default().trim();
        if let Some(section) = self.document.sections.last_mut().filter(|_| !prose.is_empty()) {
            if !section.prose.is_empty() {
                section.prose.push_str("\n\n");
            }
            section.prose.push_str(prose);
        }
        self.prose_from = at;
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) if self.depth == 0 => self.begin_section(level, range),
            Event::End(TagEnd::Heading(_)) if self.depth == 0 => self.end_heading(range.end),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => self.begin_block(&info, &range),
            Event::End(TagEnd::CodeBlock) => self.end_block(range),
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => self.depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => self.depth = self.depth.saturating_sub(1),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.link = Some(RawLink { text: String::new(), to: dest_url.into_string(), at: range });
            }
            Event::End(TagEnd::Link) => {
                let link = self.link.take();
                if let Some(section) = self.section() {
                    section.links.extend(link);
                }
            }
            Event::Text(words) | Event::Code(words) => self.words(&words, range),
            Event::SoftBreak | Event::HardBreak => self.words(" ", range),
            _ => {}
        }
    }

    fn words(&mut self, words: &str, range: Range<usize>) {
        if let Some(block) = &mut self.block {
            // The file's own bytes: what the parser gives may have other line ends.
            let text = self.text.get(range.clone()).unwrap_or_default();
            block.body.push(text, range.start);
            return;
        }
        for text in
            [self.heading.as_mut(), self.link.as_mut().map(|link| &mut link.text)].into_iter().flatten()
        {
            text.push_str(words);
        }
    }

    fn begin_section(&mut self, level: HeadingLevel, range: Range<usize>) {
        self.end_prose(range.start);
        let level = match level {
            HeadingLevel::H1 => 1,
            HeadingLevel::H2 => 2,
            HeadingLevel::H3 => 3,
            HeadingLevel::H4 => 4,
            HeadingLevel::H5 => 5,
            HeadingLevel::H6 => 6,
        };
        let at = range.start..range.start + self.text.get(range).unwrap_or_default().trim_end().len();
        self.document.sections.push(Section { level, at, ..Section::default() });
        self.heading = Some(String::new());
    }

    fn end_heading(&mut self, end: usize) {
        let heading = self.heading.take().unwrap_or_default();
        let anchor = slug(&heading);
        let count = self.anchors.entry(anchor.clone()).or_default();
        let anchor = if *count == 0 { anchor } else { format!("{anchor}-{count}") };
        *count += 1;
        if let Some(section) = self.section() {
            section.heading = heading;
            section.anchor = anchor;
        }
        self.prose_from = end;
    }

    fn begin_block(&mut self, info: &str, range: &Range<usize>) {
        let language =
            info.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default().to_owned();
        let kind = ActKind::ALL.into_iter().find(|kind| kind.as_str() == language);
        let line = self.text.get(range.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        let at = range.start..range.start + line.len();
        if kind.is_some() {
            self.end_prose(range.start);
        }
        self.block = Some(Block { language, kind, at, body: Body::default() });
    }

    fn end_block(&mut self, range: Range<usize>) {
        let Some(block) = self.block.take() else { return };
        if block.kind.is_some() {
            self.prose_from = range.end.max(self.start);
        }
        if let Some(section) = self.section() {
            section.blocks.push(block);
        }
    }
}

/// The anchor of a heading, as code hosts make it.
pub(super) fn slug(heading: &str) -> String {
    let letters = heading.trim().chars().flat_map(char::to_lowercase);
    letters
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_cut_into_steps_with_their_places() {
        let text = "---\ncommand: /a\n---\n# Title\n\nIntro.\n\n## CPU is < 70 %\nSee [b](b.md#x).\n\n```http\nGET x\n\ny\n```\nAfter.\n\n```sh\nls\n```\n\n1. Do\n\n   ```run\n   #| name: a\n   ls {{ x }}\n   ```\n\n> ## Quoted\n\n## CPU is < 70 %\n";
        let document = read(text);
        assert_eq!(text.get(document.front.unwrap()), Some("command: /a\n"));
        let headings: Vec<(&str, &str)> =
            document.sections.iter().map(|s| (s.heading.as_str(), s.anchor.as_str())).collect();
        assert_eq!(
            headings,
            [
                ("", ""),
                ("Title", "title"),
                ("CPU is < 70 %", "cpu-is--70-"),
                ("CPU is < 70 %", "cpu-is--70--1")
            ]
        );
        let step = &document.sections[2];
        assert!(step.prose.contains("After.") && step.prose.contains("```sh") && !step.prose.contains("GET"));
        assert_eq!((step.links[0].text.as_str(), step.links[0].to.as_str()), ("b", "b.md#x"));
        assert_eq!(step.blocks[0].body.text, "GET x\n\ny\n");
        let nested = &step.blocks[2];
        assert_eq!(nested.body.text, "#| name: a\nls {{ x }}\n");
        // A place inside of an indented block is that of the file.
        let second = nested.body.whole().lines()[1];
        assert_eq!(text.get(second.at()), Some("ls {{ x }}"));
    }

    #[test]
    fn front_matter_that_is_not_closed_is_none() {
        for text in ["", "---", "---\na: b\n", "# a\n---\n", " ---\na\n---\n"] {
            assert_eq!(read(text).front, None, "{text:?}");
        }
        assert_eq!(read("---\r\na: b\r\n---\r\n# T").front, Some(5..11));
    }
}
