//! One gateway session: what of it was heard, and where it goes on after a cut. Pure. Never takes an event twice,
//! and never resumes behind one that is still missing.

use std::collections::BTreeSet;

/// Events that are remembered by number.
const KEPT: usize = 1_000;

/// A session, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Its id; none: a new one is needed.
    pub id: Option<String>,
    /// Where it is resumed.
    pub resume_url: Option<String>,
    /// What was heard of it.
    pub heard: Sequence,
}

/// Which events of a session were heard.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// All up to here are taken as heard.
    floor: u64,
    /// All up to here were heard.
    upto: u64,
    seen: BTreeSet<u64>,
}

impl Sequence {
    /// Whether this one was not heard yet.
    pub(super) fn is_new(&self, number: u64) -> bool {
        number > self.floor && !self.seen.contains(&number)
    }

    /// It was heard.
    pub(super) fn accept(&mut self, number: u64) {
        self.seen.insert(number);
        while self.seen.contains(&(self.upto + 1)) {
            self.upto += 1;
        }
        while self.seen.len() > KEPT {
            self.floor = self.seen.pop_first().unwrap_or(self.floor);
            self.upto = self.upto.max(self.floor);
        }
    }

    /// The last one before the first that is missing: what a heartbeat and a resume name.
    pub(super) fn upto(&self) -> u64 {
        self.upto
    }

    /// Everything was sent again: what is missing now will not come. How many that are.
    pub(super) fn settle(&mut self) -> u64 {
        let newest = self.seen.last().copied().unwrap_or(self.upto).max(self.upto);
        let heard = self.seen.range(self.upto + 1..).count() as u64;
        let missing = (newest - self.upto).saturating_sub(heard);
        self.upto = newest;
        missing
    }
}

/// What a closed connection means for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// It can be resumed.
    Resume,
    /// A new one is needed.
    Anew,
    /// The token is not valid.
    Token,
    /// An intent is not switched on.
    Intents,
}

/// By the code: <https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes>.
pub(super) fn closed(code: Option<u16>) -> Closed {
    match code {
        Some(4_004) => Closed::Token,
        Some(4_013 | 4_014) => Closed::Intents,
        // A clean close by Discord ends the session, and so do these.
        Some(1_000 | 1_001 | 4_003 | 4_006 | 4_007 | 4_009 | 4_010 | 4_011 | 4_012) => Closed::Anew,
        _ => Closed::Resume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(sequence: &mut Sequence, numbers: &[u64]) -> Vec<u64> {
        let mut fresh = Vec::new();
        for number in numbers {
            if sequence.is_new(*number) {
                sequence.accept(*number);
                fresh.push(*number);
            }
        }
        fresh
    }

    #[test]
    fn nothing_is_heard_twice_and_a_gap_is_asked_for_again() {
        let mut sequence = Sequence::default();
        assert_eq!(take(&mut sequence, &[1, 2, 2, 4, 5, 1]), [1, 2, 4, 5]);
        assert_eq!(sequence.upto(), 2);
        assert_eq!(take(&mut sequence, &[3, 4, 5, 6]), [3, 6]);
        assert_eq!(sequence.upto(), 6);
    }

    #[test]
    fn what_never_comes_is_counted_once() {
        let mut sequence = Sequence::default();
        take(&mut sequence, &[1, 2, 5, 7]);
        assert_eq!((sequence.settle(), sequence.upto(), sequence.settle()), (3, 7, 0));
        assert_eq!(take(&mut sequence, &[5, 6, 8]), [6, 8], "late is not lost");
        assert_eq!(sequence.upto(), 8);
    }

    #[test]
    fn memory_is_bounded() {
        let mut sequence = Sequence::default();
        take(&mut sequence, &[1]);
        take(&mut sequence, &(3..5_000).collect::<Vec<_>>());
        assert_eq!((sequence.seen.len(), sequence.upto()), (KEPT, 4_999));
        assert!(!sequence.is_new(2));
    }

    #[test]
    fn a_code_says_how_to_go_on() {
        for (code, expected) in [
            (None, Closed::Resume),
            (Some(1_006), Closed::Resume),
            (Some(4_000), Closed::Resume),
            (Some(4_008), Closed::Resume),
            (Some(1_000), Closed::Anew),
            (Some(4_007), Closed::Anew),
            (Some(4_009), Closed::Anew),
            (Some(4_004), Closed::Token),
            (Some(4_014), Closed::Intents),
        ] {
            assert_eq!(closed(code), expected, "{code:?}");
        }
    }
}
