//! The nearest right word for one that is not known. Never guesses when nothing is near.

/// The word of `known` that `written` was probably meant to be.
#[must_use]
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = written.to_lowercase();
    known
        .into_iter()
        .filter(|word| *word != written)
        .map(|word| {
            let word_lower = word.to_lowercase();
            let near = strsim::jaro_winkler(&lower, &word_lower);
            let edits = strsim::damerau_levenshtein(&lower, &word_lower);
            (word, near, edits)
        })
        .filter(|(word, near, edits)| {
            // Of two letters one says nothing: P9 is no nearer to P0 than to P3.
            let length = word.chars().count();
            *edits == 0 || (length > 2 && (*near >= 0.85 || *edits == 1)) || (length > 4 && *edits == 2)
        })
        .max_by(|a, b| b.2.cmp(&a.2).then(a.1.total_cmp(&b.1)))
        .map(|(word, ..)| word)
}

/// `` `a`, `b` and `c` ``; at most ten, then how many more there are.
#[must_use]
pub fn list<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let shown: Vec<String> = words.iter().take(10).map(|word| format!("`{word}`")).collect();
    let more = words.len().saturating_sub(shown.len());
    match shown.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some(_) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Parts a sentence such as `x is no duration: write 5m` into what is wrong and what to do; `otherwise` when it
/// does not say what to do.
pub(super) fn part(sentence: &str, otherwise: &str) -> (String, String) {
    let at = [": write ", ": use "].iter().filter_map(|words| sentence.rfind(words)).max();
    match at.and_then(|at| Some((sentence.get(..at)?, sentence.get(at + 2..)?))) {
        Some((what, remedy)) => (what.to_owned(), remedy.to_owned()),
        None => (sentence.to_owned(), otherwise.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_nonsense_finds_none() {
        let known = ["ana", "ben", "chi", "primary", "secondary", "group_by", "group_wait", "P1"];
        for (written, expected) in [
            ("anna", Some("ana")),
            ("bne", Some("ben")),
            ("Primary", Some("primary")),
            ("primry", Some("primary")),
            ("groupby", Some("group_by")),
            ("p1", Some("P1")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }

    #[test]
    fn a_sentence_is_parted_into_fault_and_remedy() {
        let parted = part("`5`: no unit: write 5s", "");
        assert_eq!(parted, ("`5`: no unit".to_owned(), "write 5s".to_owned()));
        assert_eq!(part("too long", "be brief"), ("too long".to_owned(), "be brief".to_owned()));
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        assert_eq!(list([]), "none");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
        assert!(list(["x"; 12]).ends_with("`x` and 2 more"));
    }
}
