//! Text made safe for Discord: it shows as it was written, pings nobody and formats nothing, within a length. Never
//! cuts an escape in two, and counts as Discord's clients do (UTF-16 units, which is never less than its server's).

use unicode_width::UnicodeWidthStr;

use crate::text::plain::plain;

/// What stands where something was cut.
const CUT: char = '…';
/// A cell of a table is not wider than this.
const CELL: usize = 48;
/// What is put between backticks so that they close nothing.
const GAP: char = '\u{200b}';

/// How long Discord finds a text.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Text for a place without markup (labels, options, names), on one line.
pub(super) fn label(text: &str, max: usize) -> String {
    cut(plain(text, usize::MAX).chars().map(String::from), max)
}

/// Text for a place with markup, as it was written.
pub(super) fn markdown(text: &str, max: usize) -> String {
    cut(pieces(text).into_iter(), max)
}

/// As many pieces as fit, with the mark at the end when some did not.
fn cut(pieces: impl Iterator<Item = String>, max: usize) -> String {
    let mut kept: Vec<String> = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let size = length(&piece);
        if used + size > max {
            while used + CUT.len_utf16() > max {
                let Some(last) = kept.pop() else { return String::new() };
                used -= length(&last);
            }
            kept.push(CUT.to_string());
            break;
        }
        used += size;
        kept.push(piece);
    }
    kept.concat()
}

/// The text in pieces that must not be cut: a character with its escape, or an address that may be followed.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            pieces.push("\n".to_owned());
        }
        let mut begins = true;
        let mut number = false;
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 {
                pieces.push(" ".to_owned());
            }
            if is_address(word) {
                pieces.push(word.to_owned());
                begins = false;
                continue;
            }
            for char in word.chars() {
                let list = begins && (matches!(char, '-' | '+') || (number && matches!(char, '.' | ')')));
                let escaped = list
                    || matches!(char, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '@' | '#' | '[' | ']');
                pieces.push(if escaped { format!("\\{char}") } else { char.to_string() });
                number = begins && char.is_ascii_digit();
                begins = number;
            }
        }
    }
    pieces
}

/// Whether a word is an http address that Discord shows as written and that holds no markup.
fn is_address(word: &str) -> bool {
    let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
    let inner = |c: char| c.is_ascii_alphanumeric() || "-._/?#=&%+,:;".contains(c);
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest.chars().all(inner)
            // Two of them are markup wherever they stand.
            && !rest.contains("__")
            && rest.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
    })
}

/// Whether a link may be offered.
pub(super) fn is_link(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
}

/// Lines between fences that they cannot close, within `max`, and how many lines did not fit. Nothing, when not even
/// one fits.
pub(super) fn fenced(lines: &[String], max: usize) -> (String, usize) {
    let mut block = String::from("```\n");
    let mut kept = 0;
    for line in lines {
        let line = harmless_fence(line);
        if length(&block) + length(&line) + 4 > max {
            break;
        }
        block.push_str(&line);
        block.push('\n');
        kept += 1;
    }
    if kept == 0 {
        return (String::new(), lines.len());
    }
    block.push_str("```");
    (block, lines.len() - kept)
}

fn harmless_fence(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for char in line.chars() {
        if char == '`' && safe.ends_with('`') {
            safe.push(GAP);
        }
        safe.push(char);
    }
    safe
}

/// The rows of a table with their columns below each other.
pub(super) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell, CELL)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_shows_as_it_was_written() {
        for (text, expected) in [
            ("plain words, 50 % (really)", "plain words, 50 % (really)"),
            ("@everyone @here", "\\@everyone \\@here"),
            ("<@1> <@&2> <#3> <t:0>", "\\<\\@1\\> \\<\\@&2\\> \\<\\#3\\> \\<t:0\\>"),
            ("*a* _b_ ~~c~~ ||d|| `e`", "\\*a\\* \\_b\\_ \\~\\~c\\~\\~ \\|\\|d\\|\\| \\`e\\`"),
            ("[a](https://x.example.com/y)", "\\[a\\](https://x.example.com/y)"),
            ("- a\n+ b\n1. c\na - b 1.5", "\\- a\n\\+ b\n1\\. c\na - b 1.5"),
            ("see https://x.example.com/a_b?c=d now", "see https://x.example.com/a_b?c=d now"),
            ("https://x.example.com/*a*", "https://x.example.com/\\*a\\*"),
            ("javascript://x", "javascript://x"),
        ] {
            assert_eq!(markdown(text, 4000), expected, "{text:?}");
        }
        assert_eq!(markdown("ab***", 6), "ab\\*…", "an escape is never cut in two");
        assert_eq!(label("a\nb 😀😀", 6), "a b 😀".to_owned().replace("😀", "…"));
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        let (block, left) = fenced(&["a ``` b".into(), "c".into()], 40);
        assert_eq!((block.matches("```").count(), left), (2, 0));
        assert_eq!(fenced(&["x".repeat(50)], 20), (String::new(), 1));
        assert_eq!(fenced(&["abc".into(), "x".repeat(50)], 20).1, 1);
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![vec!["a".into(), "b".into()], vec!["日本".into(), "c".into()], vec!["d".into()]];
        assert_eq!(aligned(&rows), ["a     b", "日本  c", "d"]);
    }

    #[test]
    fn only_http_is_a_link() {
        for (url, link) in
            [("https://a.example.com/x", true), ("javascript:alert(1)", false), ("https://", false)]
        {
            assert_eq!(is_link(url), link, "{url}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_allowed(text in ".*", max in 0_usize..60) {
            prop_assert!(length(&markdown(&text, max)) <= max);
            prop_assert!(length(&label(&text, max)) <= max);
            let (block, _) = fenced(&[text], max);
            prop_assert!(length(&block) <= max);
        }
    }
}
