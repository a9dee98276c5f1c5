//! How many bytes a run may write, so that a disk that is too full is found before anything is paid for.
//!
//! Pure. An upper bound of what is usual: answers as long as the forecast expects and half as long again.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::HashMap;

use super::{
    briefing::Briefing,
    planner::{Documents, PlannedItem, RunPlan, expected_output},
};

/// Bytes of text for a token of an answer.
const TEXT: u64 = 5;

/// Bytes on the tape for a token of an answer: servers stream one or two tokens at a time, each in an event of some 250
/// bytes, and their quotation marks are escaped.
const EVENTS: u64 = 320;

/// Bytes of an item's own part of a prompt: its achievement, its SUBPLAN, what it depends on. As in the corpus, rounded up.
const OWN_PROMPT: u64 = 16 * 1024;

/// Bytes for records, events and whatever a file system rounds up.
const REST: u64 = 8 * 1024;

/// Bytes that are set aside for a token of each answer that may be in flight.
const SPARE: u64 = 8;

/// The least that is set aside for a call: a document and its record, each in blocks of their own.
const LEAST_SPARE: u64 = 64 * 1024;

/// The most that is set aside in all: 256 MiB.
const MOST_SPARE: u64 = 256 << 20;

/// Bytes to set aside before calls are sent: so many at once, each with this cap.
pub fn spare(calls: usize, cap: u32) -> u64 {
    (SPARE * u64::from(cap)).max(LEAST_SPARE).saturating_mul(calls as u64).min(MOST_SPARE)
}

/// Bytes that a run may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceNeeded {
    /// Documents, parallel.json, and what undo keeps.
    pub documents: u64,
    /// The plan's own tape.
    pub tape: u64,
}

impl SpaceNeeded {
    /// Of a run. `parallel_json` is that file's size; `recorded` says whether answers go onto the plan's own tape.
    pub fn of(run: &RunPlan, briefing: &Briefing, parallel_json: u64, recorded: bool) -> Self {
        // As it was and as it is, each once for undo, and once while it is written.
        let mut needed = Self { documents: parallel_json.saturating_mul(4), tape: 0 };
        let mut shared: HashMap<_, u64> = HashMap::new();
        for item in &run.items {
            let shared = shared.entry((item.level, item.id.stage)).or_insert_with(|| {
                let shared = briefing.shared(item.level, item.id.stage);
                shared.map_or(0, |shared| (shared.system.len() + shared.level.len()) as u64)
            });
            let tokens = u64::from(expected_output(item.id.stage)) * 3 / 2;
            let documents = documents(item);
            needed.documents += documents * (tokens * TEXT + REST);
            if recorded {
                needed.tape += documents * (tokens * EVENTS + *shared + OWN_PROMPT);
            }
        }
        needed
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.documents.saturating_add(self.tape)
    }
}

fn documents(item: &PlannedItem) -> u64 {
    match &item.documents {
        Documents::Subplan(_) | Documents::ExecutionsToCome => 1,
        Documents::Executions(parts) => parts.len() as u64,
    }
}
