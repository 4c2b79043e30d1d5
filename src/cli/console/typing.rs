//! What a person types over several lines, and what of it is remembered. Never remembers a line that tells a command
//! something in secret, nor one of which nobody could say whether it does.

use std::borrow::Cow;

use reedline::{
    FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery,
    ValidationResult, Validator,
};

/// A line goes on when its last character is `\`, or when a quote is open.
pub(super) struct GoesOn;

impl Validator for GoesOn {
    fn validate(&self, line: &str) -> ValidationResult {
        if goes_on(line) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}

/// Whether more is to come. An apostrophe in a word (`it's down`) opens nothing, as for the server.
fn goes_on(line: &str) -> bool {
    if line.ends_with('\\') {
        return true;
    }
    if !line.trim_start().starts_with('/') {
        return false;
    }
    let (mut open, mut before) = (None, ' ');
    for char in line.chars() {
        match open {
            Some(quote) if char == quote => open = None,
            None if matches!(char, '"' | '\'') && before.is_whitespace() => open = Some(char),
            _ => {}
        }
        before = char;
    }
    open.is_some_and(|quote| line.matches(quote).count() % 2 == 1)
}

/// What was typed, as one text: a `\` at the end of a line joins it with the next one.
pub(super) fn joined(typed: &str) -> Cow<'_, str> {
    if typed.contains("\\\n") { Cow::Owned(typed.replace("\\\n", " ")) } else { Cow::Borrowed(typed) }
}

/// Says whether a line tells a command something in secret.
pub(super) type IsSecret = Box<dyn Fn(&str) -> bool + Send>;

/// A history that forgets secrets at once.
pub(super) struct Discreet {
    pub kept: FileBackedHistory,
    pub is_secret: IsSecret,
}

impl History for Discreet {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        if (self.is_secret)(&item.command_line) {
            return Ok(item);
        }
        self.kept.save(item)
    }
    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.kept.load(id)
    }
    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.kept.count(query)
    }
    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.kept.search(query)
    }
    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.kept.update(id, updater)
    }
    fn clear(&mut self) -> Result<()> {
        self.kept.clear()
    }
    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.kept.delete(id)
    }
    fn sync(&mut self) -> std::io::Result<()> {
        self.kept.sync()
    }
    fn session(&self) -> Option<HistorySessionId> {
        self.kept.session()
    }
}

#[cfg(test)]
mod tests {
    use reedline::SearchDirection;

    use super::*;

    #[test]
    fn a_line_goes_on_while_a_quote_is_open_or_it_says_so() {
        for (line, expected) in [
            ("/incident open P1 database is down", false),
            ("/incident open P1 it's down", false),
            ("/incident note \"first line", true),
            ("/incident note \"first line\nsecond line\"", false),
            ("/incident note 'open", true),
            ("/incident note first \\", true),
            ("/incident note first \\\nsecond", false),
            ("the 5\" disk is full", false),
            ("", false),
        ] {
            assert_eq!(goes_on(line), expected, "{line:?}");
        }
        assert_eq!(joined("/a b \\\nc"), "/a b  c");
        assert_eq!(joined("/a \"b\nc\""), "/a \"b\nc\"");
    }

    #[test]
    fn a_line_with_a_secret_is_not_remembered() {
        let kept = FileBackedHistory::new(10).unwrap();
        let is_secret: IsSecret = Box::new(|line| line.starts_with("/qflow auth login"));
        let mut history = Discreet { kept, is_secret };
        for line in ["/status", "/qflow auth login s3cret", "/ack"] {
            drop(history.save(HistoryItem::from_command_line(line)));
        }
        let all = history.search(SearchQuery::everything(SearchDirection::Forward, None)).unwrap();
        let lines: Vec<&str> = all.iter().map(|item| item.command_line.as_str()).collect();
        assert_eq!(lines, ["/status", "/ack"]);
    }
}
