//! Finds what somebody may have meant. Never guesses without telling: what it finds is only offered.

/// The candidate that is most like a word, when one is like enough.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (likeness(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, candidate)| candidate)
}

/// How alike two words are, from 0 to 1; a beginning counts for much.
#[must_use]
pub fn likeness(word: &str, candidate: &str) -> f64 {
    let candidate = candidate.to_lowercase();
    let typed = strsim::normalized_damerau_levenshtein(word, &candidate);
    let begun = word.chars().count() >= 3 && candidate.starts_with(word);
    if begun { typed.max(0.7) } else { typed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let people = ["ana", "ben", "chi", "vendor"];
        for (word, expected) in [
            ("anna", Some("ana")),
            ("BEN", Some("ben")),
            ("vedor", Some("vendor")),
            ("bem", Some("ben")),
            ("ven", Some("vendor")),
            ("zoe", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, people), expected, "{word}");
        }
    }
}
