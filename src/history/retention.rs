//! What is old enough to go, and what must stay.
//!
//! The last [`KEPT_OPERATIONS`] operations that changed files stay, and with them every taking back since the oldest of
//! them, and each blob that any of these names: all of them can still be taken back and restored. Answers on the tape
//! stay that came since the newest run began, where that run has not ended: it can be resumed. Everything else goes
//! once it is older than the age, or, the oldest first, until what is left fits the size.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::Digest;

/// So many of the newest operations can always be taken back, however old and large.
pub const KEPT_OPERATIONS: usize = 20;

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub number: u64,
    /// When the operation began.
    pub began: Timestamp,
    /// Bytes of its folder.
    pub bytes: u64,
    /// Whether it is a run or a command that changed files.
    pub undoable: bool,
    /// The blobs that taking it back needs.
    pub blobs: Vec<Digest>,
}

/// What there is besides records, and what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Bytes of each blob on disk.
    pub blobs: &'a HashMap<Digest, u64>,
    /// Time and bytes of each exchange on the tape, in the order of the tape.
    pub tape: &'a [(Timestamp, u64)],
    /// The tape from here on is needed to resume a run.
    pub tape_needed_since: Option<Timestamp>,
    /// What is older goes.
    pub older_than: Timestamp,
    /// What is left should be no larger, bytes.
    pub max_bytes: u64,
}

/// What is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Records, by number.
    pub records: BTreeSet<u64>,
    /// Blobs.
    pub blobs: BTreeSet<Digest>,
    /// Exchanges of the tape, by position.
    pub exchanges: BTreeSet<usize>,
    /// Bytes freed.
    pub freed: u64,
    /// Bytes left.
    pub left: u64,
}

/// One thing that may go.
enum Candidate<'a> {
    Record(&'a Stored),
    Exchange(usize, u64),
}

/// Decides what goes.
pub fn removal(records: &[Stored], kept: &Kept<'_>) -> Removal {
    let mut undoable: Vec<u64> = records.iter().filter(|record| record.undoable).map(|record| record.number).collect();
    undoable.sort_unstable_by(|a, b| b.cmp(a));
    let newest = records.iter().map(|record| record.number).max();
    // The newest record stays in any case: numbers go on from it.
    let stays_from = undoable.get(KEPT_OPERATIONS - 1).copied();
    let stays = |record: &Stored| stays_from.is_none_or(|from| record.number >= from) || Some(record.number) == newest;
    let mut users: HashMap<Digest, usize> = HashMap::new();
    for record in records {
        for blob in record.blobs.iter().collect::<HashSet<_>>() {
            *users.entry(*blob).or_default() += 1;
        }
    }
    let mut removal = Removal {
        left: records.iter().map(|record| record.bytes).sum::<u64>()
            + kept.blobs.values().sum::<u64>()
            + kept.tape.iter().map(|(_, bytes)| bytes).sum::<u64>(),
        ..Removal::default()
    };
    for (blob, bytes) in kept.blobs {
        if !users.contains_key(blob) {
            removal.take_blob(*blob, *bytes);
        }
    }
    let mut candidates: Vec<(Timestamp, Candidate<'_>)> = records
        .iter()
        .filter(|record| !stays(record))
        .map(|record| (record.began, Candidate::Record(record)))
        .chain(
            kept.tape
                .iter()
                .enumerate()
                .filter(|(_, (at, _))| kept.tape_needed_since.is_none_or(|since| *at < since))
                .map(|(place, (at, bytes))| (*at, Candidate::Exchange(place, *bytes))),
        )
        .collect();
    candidates.sort_by_key(|(at, _)| *at);
    for (at, candidate) in candidates {
        if at >= kept.older_than && removal.left <= kept.max_bytes {
            break;
        }
        match candidate {
            Candidate::Exchange(place, bytes) => {
                removal.exchanges.insert(place);
                removal.take(bytes);
            }
            Candidate::Record(record) => {
                removal.records.insert(record.number);
                removal.take(record.bytes);
                for blob in record.blobs.iter().collect::<HashSet<_>>() {
                    let left = users.entry(*blob).or_default();
                    *left = left.saturating_sub(1);
                    if let (0, Some(bytes)) = (*left, kept.blobs.get(blob)) {
                        removal.take_blob(*blob, *bytes);
                    }
                }
            }
        }
    }
    removal
}

impl Removal {
    fn take(&mut self, bytes: u64) {
        self.freed += bytes;
        self.left = self.left.saturating_sub(bytes);
    }

    fn take_blob(&mut self, blob: Digest, bytes: u64) {
        if self.blobs.insert(blob) {
            self.take(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn blob(number: u8) -> Digest {
        Digest::of(&[number])
    }

    proptest! {
        /// Sums add up, and nothing that a kept operation needs goes, whatever is asked for.
        #[test]
        fn what_an_undo_needs_stays(
            shape in prop::collection::vec((0_i64..100, any::<bool>(), prop::collection::vec(0_u8..40, 0..4)), 0..60),
            on_disk in prop::collection::vec(0_u8..50, 0..50),
            tape in prop::collection::vec((0_i64..100, 1_u64..50), 0..30),
            since in prop::option::of(0_i64..100),
            (older_than, max_bytes) in (0_i64..120, 0_u64..3_000),
        ) {
            let records: Vec<Stored> = shape
                .iter()
                .enumerate()
                .map(|(index, (began, undoable, blobs))| Stored {
                    number: index as u64 + 1,
                    began: at(*began),
                    bytes: 10,
                    undoable: *undoable,
                    blobs: blobs.iter().copied().map(blob).collect(),
                })
                .collect();
            let blobs: HashMap<Digest, u64> = on_disk.iter().map(|number| (blob(*number), 7)).collect();
            let tape: Vec<(Timestamp, u64)> = tape.iter().map(|(second, bytes)| (at(*second), *bytes)).collect();
            let kept = Kept {
                blobs: &blobs,
                tape: &tape,
                tape_needed_since: since.map(at),
                older_than: at(older_than),
                max_bytes,
            };
            let removal = removal(&records, &kept);

            let last: Vec<&Stored> = records.iter().rev().filter(|record| record.undoable).take(KEPT_OPERATIONS).collect();
            let oldest = last.last().map_or(1, |record| record.number);
            for record in records.iter().filter(|record| last.len() < KEPT_OPERATIONS || record.number >= oldest) {
                prop_assert!(!removal.records.contains(&record.number));
                for blob in &record.blobs {
                    prop_assert!(!removal.blobs.contains(blob));
                }
            }
            for record in records.iter().filter(|record| !removal.records.contains(&record.number)) {
                prop_assert!(record.blobs.iter().all(|blob| !removal.blobs.contains(blob)));
            }
            for place in &removal.exchanges {
                prop_assert!(since.is_none_or(|since| tape[*place].0 < at(since)));
            }
            let freed = removal.records.len() as u64 * 10
                + removal.blobs.len() as u64 * 7
                + removal.exchanges.iter().map(|place| tape[*place].1).sum::<u64>();
            let all = records.len() as u64 * 10
                + blobs.len() as u64 * 7
                + tape.iter().map(|(_, bytes)| bytes).sum::<u64>();
            prop_assert_eq!((removal.freed, removal.left), (freed, all - freed));
        }
    }

    #[test]
    fn age_first_then_size_from_the_oldest() {
        let record = |number: u64, began: i64| Stored {
            number,
            began: at(began),
            bytes: 10,
            undoable: true,
            blobs: vec![blob(number as u8)],
        };
        let records: Vec<Stored> = (1..=25).map(|number| record(number, number as i64)).collect();
        let blobs: HashMap<Digest, u64> = (1..=26).map(|number| (blob(number), 5)).collect();
        let kept = |older_than, max_bytes| Kept {
            blobs: &blobs,
            tape: &[],
            tape_needed_since: None,
            older_than: at(older_than),
            max_bytes,
        };
        let numbers = |removal: Removal| removal.records.into_iter().collect::<Vec<_>>();
        assert_eq!(numbers(removal(&records, &kept(3, 10_000))), [1, 2]);
        // 25 records and their blobs are 375 bytes; the blob that nobody names goes first.
        assert_eq!(numbers(removal(&records, &kept(0, 350))), [1, 2]);
        let all = removal(&records, &kept(100, 0));
        assert_eq!(all.blobs.len(), 6);
        assert_eq!(numbers(all), [1, 2, 3, 4, 5]);
    }
}
