//! How positions are packed: one entry of sled holds what one batch brought for one bucket of keys. Never holds
//! anything but sequences and positions.
//!
//! An entry of sled costs several microseconds whatever its size, so a storm must not cost two entries per alert.
//! Alerts of neighbouring numbers share a bucket, as do a few neighbouring groups; whoever reads one of them
//! skips the others. The entry's key is the bucket and the first sequence in it, so entries of a bucket lie in
//! order and never overlap.

use std::collections::BTreeMap;

use crate::{
    domain::{
        event::Record,
        id::{AlertId, GroupId, Seq},
        timeline::{Key, visit_keys},
    },
    journal::Position,
};

/// A bucket as bytes: the key with the low bits of its number left out.
pub(super) type Bucket = [u8; Key::BYTES];

/// Bytes of an entry's key: bucket and first sequence.
pub(super) const BLOCK_KEY: usize = Key::BYTES + 8;
/// Bytes of one item: sequence, low bits of the number, position.
const ITEM: usize = 8 + 1 + Position::BYTES;
/// Items in one entry at most: sled copies a page of several entries with every insertion.
const ITEMS: usize = 64;

/// Where a key is filed: its bucket and what tells it from the others there.
pub(super) fn place(key: Key) -> (Bucket, u8) {
    let (bucket, low) = match key {
        Key::Alert(AlertId(number)) => (Key::Alert(AlertId(number >> 6)), number & 0x3f),
        Key::Group(GroupId(number)) => (Key::Group(GroupId(number >> 3)), number & 0x07),
        Key::Incident(_)
        | Key::Page(_)
        | Key::Storm(_)
        | Key::OnCall
        | Key::Ended
        | Key::Run(_)
        | Key::Runs
        | Key::Announcements
        | Key::Silences
        | Key::Audit => (key, 0),
    };
    (bucket.to_bytes(), u8::try_from(low).unwrap_or_default())
}

/// The key of the entry of `bucket` whose first sequence is `seq`.
pub(super) fn block_key(bucket: Bucket, seq: Seq) -> [u8; BLOCK_KEY] {
    let mut key = [0; BLOCK_KEY];
    let (head, tail) = key.split_at_mut(Key::BYTES);
    head.copy_from_slice(&bucket);
    tail.copy_from_slice(&seq.0.to_be_bytes());
    key
}

/// The first sequence in the entry with this key; none when it is not a key.
pub(super) fn first_seq(key: &[u8]) -> Option<Seq> {
    if key.len() != BLOCK_KEY {
        return None;
    }
    key.last_chunk().map(|seq| Seq(u64::from_be_bytes(*seq)))
}

/// One item of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) seq: Seq,
    pub(super) low: u8,
    pub(super) position: Position,
}

/// The items of an entry, by sequence.
pub(super) fn items(value: &[u8]) -> impl DoubleEndedIterator<Item = Item> {
    value.chunks_exact(ITEM).filter_map(|bytes| {
        let (seq, rest) = bytes.split_first_chunk()?;
        let (low, rest) = rest.split_first()?;
        let (position, _) = rest.split_first_chunk()?;
        Some(Item {
            seq: Seq(u64::from_be_bytes(*seq)),
            low: *low,
            position: Position::from_bytes(*position),
        })
    })
}

/// What some consecutive events bring, by bucket.
#[derive(Default)]
pub(super) struct Batch {
    blocks: BTreeMap<Bucket, Vec<u8>>,
    /// How many events.
    pub(super) events: usize,
    /// The last of them.
    pub(super) last: Option<(Seq, Position, u64)>,
}

impl Batch {
    /// Takes the next event.
    pub(super) fn add(&mut self, record: &Record, position: Position) {
        visit_keys(&record.event, |key| {
            let (bucket, low) = place(key);
            let block = self.blocks.entry(bucket).or_default();
            block.extend_from_slice(&record.seq.0.to_be_bytes());
            block.push(low);
            block.extend_from_slice(&position.to_bytes());
        });
        self.events += 1;
        self.last = Some((record.seq, position, mark(record)));
    }

    /// The entries, sorted by bucket and sequence.
    pub(super) fn blocks(&self) -> impl Iterator<Item = ([u8; BLOCK_KEY], &[u8])> {
        self.blocks.iter().flat_map(|(bucket, block)| {
            split(block).filter_map(|part| {
                let seq = Seq(u64::from_be_bytes(*part.first_chunk()?));
                Some((block_key(*bucket, seq), part))
            })
        })
    }
}

/// Parts of at most [`ITEMS`] items; items of one sequence (an alert that is in two groups of one bucket) stay
/// together, or two entries would have one key.
fn split(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let seq_at = |item: usize| rest.get(item * ITEM..item * ITEM + 8);
        let mut end = ITEMS;
        while seq_at(end).is_some() && seq_at(end) == seq_at(end - 1) {
            end += 1;
        }
        let (part, tail) = rest.split_at_checked(end * ITEM).unwrap_or((rest, &[]));
        rest = tail;
        Some(part)
    })
}

/// Tells a record from another one with the same sequence, when a journal was replaced by another.
pub(super) fn mark(record: &Record) -> u64 {
    let at = record.at.as_nanosecond().to_be_bytes();
    checksum(&at, &record.trace.0.to_be_bytes())
}

/// A checksum of one entry. Sums of it do not depend on the order; it need not withstand anybody, only accidents.
pub(super) fn checksum(key: &[u8], value: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut sum = 0xCBF2_9CE4_8422_2325_u64;
    for part in [key, value] {
        let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
        for bytes in part.chunks(8) {
            let word = bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
            sum = (sum ^ word).wrapping_mul(ODD);
            sum ^= sum >> 32;
        }
        sum = (sum ^ len).wrapping_mul(ODD);
        sum ^= sum >> 29;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::IncidentId;

    #[test]
    fn neighbours_share_a_bucket_and_are_still_told_apart() {
        let of = |n| place(Key::Alert(AlertId(n)));
        assert_eq!(of(64).0, of(127).0);
        assert_ne!(of(63).0, of(64).0);
        assert_ne!(of(64).1, of(65).1);
        assert_ne!(place(Key::Incident(IncidentId(1))).0, place(Key::Incident(IncidentId(2))).0);
        assert_eq!(first_seq(&block_key(of(7).0, Seq(99))), Some(Seq(99)));
        assert_eq!(first_seq(&[0]), None);
    }

    #[test]
    fn long_blocks_are_split_but_never_inside_a_sequence() {
        let item = |seq: u64| {
            let mut item = seq.to_be_bytes().to_vec();
            item.resize(ITEM, 0);
            item
        };
        let seqs = |copies: u64| (0..200).map(move |n| n / copies);
        for copies in [1, 2, 3, 100, 200] {
            let block: Vec<u8> = seqs(copies).flat_map(item).collect();
            let parts: Vec<Vec<Seq>> =
                split(&block).map(|part| items(part).map(|item| item.seq).collect()).collect();
            assert_eq!(parts.concat(), seqs(copies).map(Seq).collect::<Vec<_>>());
            for pair in parts.windows(2) {
                assert!(pair[0].last() < pair[1].first(), "{copies} copies");
            }
        }
    }

    #[test]
    fn every_bit_counts_in_the_checksum() {
        let value: Vec<u8> = (0..50).collect();
        let sum = checksum(b"key", &value);
        assert_ne!(sum, checksum(b"ke", &[b"y", &value[..]].concat()));
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(b"key", &flipped), sum, "bit {bit}");
        }
    }
}
