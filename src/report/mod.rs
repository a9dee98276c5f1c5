//! What a run shows: progress on a terminal, a plain log, an NDJSON stream, the dry run and the summary.
//!
//! It reads `engine`'s values and knows nothing of how they came about. Text that came from a file or a model passes
//! through [`sanitize`] before it is shown. It decides nothing: whether there is a terminal, which width it has and
//! whether colours are wanted is told to it. Only [`Progress`], [`Plain`] and [`Ndjson`] write, each to where it is
//! told; everything else returns text.

mod analysis;
mod code_base;
mod columns;
mod confirm;
mod diff;
mod dry_run;
#[cfg(test)]
mod events_for_tests;
mod format;
mod frame;
mod graph;
mod json;
mod ndjson;
mod past;
mod plain;
mod problems;
mod progress;
mod sanitize;
mod status;
mod style;
mod summary;
mod tally;
mod waiting;

use jiff::Timestamp;

pub use analysis::{ask_text, difference_text, question_text, structure_text};
pub use code_base::{repository_line, repository_list};
pub use confirm::confirm_text;
pub use diff::diff_text;
pub use dry_run::{dry_run_text, forecast_text};
pub use format::{clock_time, cost, count, duration, elapsed, hours, plural, short_count};
pub use graph::{Dag, DagNode, dag_dot, dag_mermaid, dag_text};
pub use json::{json_line, json_pretty};
pub use ndjson::Ndjson;
pub use past::{PastRow, bill_text, bytes_text, past_text, taking_back_text, untouchable_text};
pub use plain::Plain;
pub use problems::{ProblemsView, problems_summary, problems_text};
pub use progress::{Progress, ProgressOptions, Size};
pub use sanitize::{sanitize, sanitize_block, truncate};
pub use status::{next_text, ready_text, status_text};
pub use style::Style;
pub use summary::{SummaryContext, shell_word, summary_json, summary_text};
pub use waiting::RunWaiting;

use crate::engine::Event;

/// Something that shows events, or keeps them. It must be quick and must never disturb the run.
pub trait Reporter: Send {
    /// Takes one event, in the order in which they happened.
    fn event(&mut self, event: &Event);

    /// A burst of events is over: what was kept back goes out.
    fn settle(&mut self) {}

    /// No more events will come: puts the terminal in order, flushes.
    fn finish(&mut self) {}
}

/// Several reporters that all get every event, in order.
#[derive(Default)]
pub struct Reporters(Vec<Box<dyn Reporter>>);

impl Reporters {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, reporter: impl Reporter + 'static) {
        self.0.push(Box::new(reporter));
    }
}

impl Reporter for Reporters {
    fn event(&mut self, event: &Event) {
        for reporter in &mut self.0 {
            reporter.event(event);
        }
    }

    fn settle(&mut self) {
        for reporter in &mut self.0 {
            reporter.settle();
        }
    }

    fn finish(&mut self) {
        for reporter in &mut self.0 {
            reporter.finish();
        }
    }
}

/// Tells the time; `jiff::Timestamp::now` outside of tests.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;
