//! Text from outside, made harmless to show: one line, no control characters, nothing that turns the reading
//! direction around, not too long. Never escapes for a platform; adapters do that with what they are given.

/// At most this many characters of a label or another name are shown.
pub const NAME: usize = 120;
/// At most this many characters of what a vendor answered are shown.
pub const ANSWER: usize = 200;
/// At most this many characters of what a person wrote are shown in a list.
pub const WORDS: usize = 2000;

/// `text` on one line of at most `max` characters (Unicode scalar values), `…` included when it was cut.
///
/// Line breaks, tabs and runs of blanks become one blank; control characters, bidirectional overrides and
/// invisible characters are left out.
#[must_use]
pub fn plain(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max.saturating_mul(4)));
    let mut count = 0;
    let mut blank = false;
    for char in text.chars() {
        if char.is_whitespace() {
            blank = true;
            continue;
        }
        if is_harmful(char) {
            continue;
        }
        let gap = usize::from(blank && count > 0);
        if count + gap + 1 > max {
            // The last character gives way to the mark that something is missing.
            while count + 1 > max && line.pop().is_some() {
                count -= 1;
            }
            if max > 0 {
                line.push('…');
            }
            return line;
        }
        if gap == 1 {
            line.push(' ');
        }
        line.push(char);
        count += gap + 1;
        blank = false;
    }
    line
}

/// The same for a text of several lines, which stay with the blanks that they begin with.
#[must_use]
pub fn lines(text: &str) -> String {
    let line = |line: &str| {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        format!("{indent}{}", plain(line, usize::MAX)).trim_end().to_owned()
    };
    let mut whole = text.lines().map(line).collect::<Vec<_>>().join("\n");
    if text.ends_with('\n') {
        whole.push('\n');
    }
    whole
}

/// The same for a text whose columns stand below each other: its blanks stay, a tab is four of them.
#[must_use]
pub fn aligned(text: &str) -> String {
    let line = |text: &str| {
        let mut line = String::with_capacity(text.len());
        let text = text.replace('\t', "    ").replace(char::is_whitespace, " ");
        for part in text.split_inclusive(' ') {
            let word = part.trim_end_matches(' ');
            line.push_str(&plain(word, usize::MAX));
            line.push_str(part.get(word.len()..).unwrap_or_default());
        }
        line.trim_end().to_owned()
    };
    let mut whole = text.lines().map(line).collect::<Vec<_>>().join("\n");
    if text.ends_with('\n') {
        whole.push('\n');
    }
    whole
}

/// Characters that do something instead of being seen. Joiners stay: many scripts and emoji need them.
fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{00AD}' | '\u{061C}' | '\u{180E}'
            | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_is_one_harmless_line() {
        for (text, max, expected) in [
            ("disk full", 20, "disk full"),
            ("  a\r\n\tb  ", 20, "a b"),
            ("\u{1b}[31mred\u{1b}[0m", 20, "[31mred[0m"),
            ("abc\u{202E}cba\u{0}", 20, "abccba"),
            ("za\u{200D}wj", 20, "za\u{200D}wj"),
            ("twelve chars", 12, "twelve chars"),
            ("twelve chars!", 12, "twelve char…"),
            ("ab cd", 3, "ab…"),
            ("ab", 0, ""),
            ("", 5, ""),
            ("@everyone", 20, "@everyone"),
        ] {
            assert_eq!(plain(text, max), expected, "{text:?} in {max}");
        }
    }

    proptest! {
        #[test]
        fn it_is_never_longer_and_never_holds_a_control_character(text in ".*", max in 0_usize..40) {
            let line = plain(&text, max);
            prop_assert!(line.chars().count() <= max);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_harmful(c)));
            prop_assert_eq!(plain(&line, max), line.clone());
        }
    }
}
