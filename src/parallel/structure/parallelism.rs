//! Which achievements of a level can be worked on at the same time: those that touch nothing in common.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{Draft, Level};

/// Clashes that are named per level; the groups take account of all.
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

/// Splits each level into groups without clashes, by greedy colouring: the most urgent achievement first, each into the
/// first group where nothing it touches is taken. The fewest groups possible are not promised (that would be NP-hard); that
/// no group has a clash is.
pub(super) fn group(
    levels: &mut [Level],
    level_of: &[usize],
    drafts: &[Draft],
    pairs: &[(usize, usize, &str)],
    urgency: &[u64],
) {
    let mut partners: HashMap<usize, Vec<(usize, &str)>> = HashMap::new();
    for &(first, second, over) in pairs {
        if first != second && level_of[first] == level_of[second] {
            partners.entry(first).or_default().push((second, over));
            partners.entry(second).or_default().push((first, over));
        }
    }
    let mut group_of: Vec<usize> = vec![usize::MAX; drafts.len()];
    for level in levels {
        let mut order = level.members.clone();
        order.sort_by_key(|&node| (Reverse(urgency[node]), drafts[node].id));
        let mut taken: HashMap<String, Holders> = HashMap::new();
        let mut clashes: BTreeMap<(usize, usize), String> = BTreeMap::new();
        for node in order {
            let things = things(&drafts[node]);
            let mut barred = Groups::default();
            for thing in &things {
                if let Some(holders) = taken.get(thing) {
                    barred.add(&holders.groups);
                    note(&mut clashes, node, holders.last, thing);
                }
            }
            for &(other, over) in partners.get(&node).map(Vec::as_slice).unwrap_or_default() {
                if group_of[other] != usize::MAX {
                    barred.insert(group_of[other]);
                    note(&mut clashes, node, other, over);
                }
            }
            let group = barred.first_free();
            group_of[node] = group;
            for thing in things {
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
        level.clashes =
            clashes.into_iter().map(|((first, second), over)| Clash { first, second, over }).take(NAMED).collect();
    }
}

/// Remembers a clash with the last one that touched the same: of many that touch one file, each is named with another,
/// not with all others.
fn note(clashes: &mut BTreeMap<(usize, usize), String>, a: usize, b: usize, over: &str) {
    clashes.entry((a.min(b), a.max(b))).or_insert_with(|| over.to_owned());
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

/// What an achievement touches, spelled so that two spellings of one thing are the same.
fn things(draft: &Draft) -> Vec<String> {
    let Some(touches) = &draft.touches else { return Vec::new() };
    let files = touches.files.iter().map(|file| {
        let file = file.trim().trim_matches('`').replace('\\', "/");
        file.trim_start_matches("./").to_owned()
    });
    let resources = touches.resources.iter().map(|resource| {
        let words: Vec<&str> = resource.split_whitespace().collect();
        words.join(" ").trim_matches('`').to_lowercase()
    });
    let mut things: Vec<String> = files.chain(resources).filter(|thing| !thing.is_empty()).collect();
    things.sort_unstable();
    things.dedup();
    things
}
