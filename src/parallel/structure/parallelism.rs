//! Which achievements of a level can be worked on at the same time: those that touch nothing in common.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{Draft, Level};
use crate::parallel::apart::Apart;

/// Clashes over what is touched that are named per level; the groups take account of all.
const NAMED: usize = 20;

/// Two achievements of a level that must not be worked on at the same time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// One, as an index.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// What both touch.
    pub over: String,
}

/// Splits what is left to do of each level into groups without clashes, by greedy colouring: the most urgent achievement
/// first, each into the first group where nothing it needs is taken. The fewest groups possible are not promised (that
/// would be NP-hard); that no group has a clash is.
///
/// Pairs that were found are all named, since `touches` does not tell of them; those of different levels in the higher one.
pub(super) fn group(
    levels: &mut [Level],
    level_of: &[usize],
    drafts: &[Draft],
    open: &[bool],
    apart: &Apart,
    urgency: &[u64],
) {
    let mut first_of_pair: HashMap<usize, usize> = HashMap::new();
    for (at, level) in levels.iter_mut().enumerate() {
        let mut order: Vec<usize> = level.members.iter().copied().filter(|&node| open[node]).collect();
        order.sort_by_key(|&node| (Reverse(urgency[node]), drafts[node].id));
        let mut taken: HashMap<usize, Holders> = HashMap::new();
        let mut touched: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut paired: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for node in order {
            let things = apart.things(node);
            let mut barred = Groups::default();
            for thing in things {
                if let Some(holders) = taken.get(thing) {
                    barred.add(&holders.groups);
                    // Of many that touch one file, each is named with another, not with all others.
                    let clashes = if apart.is_pair(*thing) { &mut paired } else { &mut touched };
                    clashes.entry((node.min(holders.last), node.max(holders.last))).or_insert(*thing);
                } else if apart.is_pair(*thing)
                    && let Some(other) = first_of_pair.insert(*thing, node)
                    && level_of[other] != at
                {
                    paired.insert((node.min(other), node.max(other)), *thing);
                }
            }
            let group = barred.first_free();
            for &thing in things {
                let holders = taken.entry(thing).or_default();
                holders.groups.insert(group);
                holders.last = node;
            }
            if level.groups.len() == group {
                level.groups.push(Vec::new());
            }
            level.groups[group].push(node);
        }
        level.groups.sort_by_key(|group| Reverse(group.len()));
        let clash = |((first, second), thing): ((usize, usize), usize)| Clash {
            first,
            second,
            over: apart.name(thing).to_owned(),
        };
        let mut clashes: Vec<Clash> = touched.into_iter().map(clash).take(NAMED).collect();
        clashes.extend(paired.into_iter().map(clash));
        clashes.sort();
        level.clashes = clashes;
    }
}

/// Who has taken a thing so far.
#[derive(Default)]
struct Holders {
    groups: Groups,
    last: usize,
}

/// A set of groups.
#[derive(Default)]
struct Groups(Vec<u64>);

impl Groups {
    fn insert(&mut self, group: usize) {
        if self.0.len() <= group / 64 {
            self.0.resize(group / 64 + 1, 0);
        }
        self.0[group / 64] |= 1 << (group % 64);
    }

    fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    fn first_free(&self) -> usize {
        match self.0.iter().position(|word| *word != u64::MAX) {
            Some(word) => word * 64 + self.0[word].trailing_ones() as usize,
            None => self.0.len() * 64,
        }
    }
}
