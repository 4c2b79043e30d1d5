//! Text from a server before it reaches the terminal. Never lets a character through that does something to a
//! terminal instead of being seen.

use crate::text::plain::{aligned, plain};

/// One line.
#[must_use]
pub fn line(text: &str) -> String {
    plain(text, usize::MAX)
}

/// Lines stay lines, and keep their indentation and the blanks that align them.
#[must_use]
pub fn lines(text: &str) -> String {
    aligned(text.trim_end_matches('\n'))
}

/// JSON with every character that could do something to a terminal written as an escape: it says the same.
#[must_use]
pub fn json(text: &str) -> String {
    use std::fmt::Write as _;
    let mut clean = String::with_capacity(text.len());
    for char in text.chars() {
        if char == '\n' || char == ' ' || !plain(char.encode_utf8(&mut [0; 4]), usize::MAX).is_empty() {
            clean.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            // Writing into a String cannot fail.
            let _ = write!(clean, "\\u{unit:04x}");
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_commands_a_terminal_comes_through() {
        for (text, expected) in [
            ("a\u{1b}[2Jb", "a[2Jb"),
            ("a\n  b   c\r\n", "a\n  b   c"),
            ("x\ty", "x    y"),
            ("\u{9b}31mred \u{202e}tfel", "31mred tfel"),
            ("bell\u{7}", "bell"),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
        assert_eq!(line("a\nb"), "a b");
    }

    #[test]
    fn json_says_the_same_without_them() {
        let text =
            serde_json::to_string_pretty(&serde_json::json!({"a": "x\u{9b}y\u{202e}\u{e0001}é  b"})).unwrap();
        let clean = json(&text);
        assert!(clean.is_ascii() || !clean.contains(['\u{9b}', '\u{202e}', '\u{e0001}']), "{clean}");
        let [before, after] =
            [text, clean].map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
        assert_eq!(before, after);
    }
}
