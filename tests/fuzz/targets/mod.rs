//! The targets: what each reads, and what has to hold of the result.

mod answer;
mod headers;
mod own_folder;
mod own_tape;
mod parallel;
mod paste;
mod plan;
mod stream;
mod tape;

use std::hash::{DefaultHasher, Hash, Hasher as _};

use crate::drive::Target;

/// Those that read from memory.
pub(crate) const ALL: [&Target; 7] = [
    &answer::TARGET,
    &headers::TARGET,
    &parallel::TARGET,
    &paste::TARGET,
    &plan::TARGET,
    &stream::TARGET,
    &tape::TARGET,
];

/// One number for a kind of outcome.
fn kind(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A count, roughly: what has twice as many is of another kind.
fn about(count: usize) -> u32 {
    (count + 1).ilog2()
}

/// How many lines a text has; a text without any counts as one.
fn line_count(text: &[u8]) -> usize {
    text.split_inclusive(|byte| *byte == b'\n').count().max(1)
}
