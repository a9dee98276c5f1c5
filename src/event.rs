//! What happens in a run, as typed events. Progress bars, the plain log, the NDJSON stream, the summary and the bill all
//! read this one stream; nothing else leaves the engine. Every event is read back as it was written.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    document::{Clash, Finding, Stage},
    plan::AchievementId,
    tape::{PromptCut, Usage},
};

/// One achievement at one stage: the unit of generation, retry and failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemId {
    /// The achievement.
    pub achievement: AchievementId,
    /// The stage.
    pub stage: Stage,
}

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{} {}", self.achievement, self.stage))
    }
}

/// One document of an item: an execution item has a part per EXECUTION_TASK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallId {
    /// The item.
    #[serde(flatten)]
    pub item: ItemId,
    /// The part, from 1.
    pub part: u32,
    /// How many parts the item has.
    pub parts: u32,
}

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.parts > 1 { f.pad(&format!("{} {}/{}", self.item, self.part, self.parts)) } else { self.item.fmt(f) }
    }
}

/// One thing that happened in a run.
///
/// As NDJSON each has a field `event` with the name in snake case; times are RFC 3339 UTC, durations milliseconds,
/// costs US dollars.
#[expect(clippy::large_enum_variant, reason = "the summary is the last event of a run; there is one of it")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// The run's id.
        run: String,
        /// The plan's name.
        plan: String,
        /// The model asked.
        model: String,
        /// Items to generate.
        items: usize,
        /// The most calls in flight at once.
        concurrency: usize,
        /// Wall-clock time.
        at: Timestamp,
    },
    /// A call begins (attempt 1) or an answer is asked for again (attempt 2 and on).
    CallStarted {
        /// The call.
        call: CallId,
        /// The achievement's title.
        title: String,
        /// From 1.
        attempt: u32,
    },
    /// Some of an answer arrived. Not in the NDJSON stream.
    #[serde(skip)]
    CallProgress {
        /// The call.
        call: CallId,
        /// Characters of the answer so far.
        chars: usize,
    },
    /// The provider or the network failed, and the request is sent again after a pause.
    CallRetrying {
        /// The call.
        call: CallId,
        /// What went wrong.
        reason: String,
        /// The pause, milliseconds.
        delay_ms: u64,
    },
    /// A request is about to be sent. In the run's own journal only: it is there before the request is.
    Sending {
        /// The call; `None` where the question is about the plan as a whole.
        call: Option<CallId>,
        /// The key of the request.
        key: String,
        /// The time.
        at: Timestamp,
    },
    /// A request that was about to be sent was not. In the run's own journal only.
    Unsent {
        /// The key of the request.
        key: String,
        /// The time.
        at: Timestamp,
    },
    /// The request is held back for now.
    CallHeld {
        /// The call.
        call: CallId,
        /// What it waits for, as a noun.
        reason: String,
        /// Until when; `None` where that depends on other answers.
        until: Option<Timestamp>,
        /// Requests that wait behind it.
        behind: usize,
    },
    /// The cap on output tokens is lowered for this call, because prompt and cap together do not fit the model.
    CapLowered {
        /// The call.
        call: CallId,
        /// The cap that was to be sent.
        from: u64,
        /// The one that is.
        to: u64,
    },
    /// An answer of the server came to its end, whole or not, taken or not. The bill is made of these.
    Exchange {
        /// The call; `None` where the question was about the plan as a whole.
        call: Option<CallId>,
        /// Which answer to the call it belongs to, from 1; several where the request was repeated.
        attempt: u32,
        /// The key of its request; with `at`, its place on the tape.
        key: String,
        /// When its last byte came.
        at: Timestamp,
        /// HTTP status; 0 where the request was given up before the server was heard of.
        status: u16,
        /// Whether its body came to its end.
        #[serde(default)]
        complete: bool,
        /// Whether a request was sent for it; what comes from a tape was paid for before.
        #[serde(default)]
        sent: bool,
        /// Tokens, where the server said.
        usage: Option<Usage>,
        /// Cost in US dollars, where tokens and the model's prices are known.
        cost: Option<f64>,
        /// From request to last byte, milliseconds.
        #[serde(default)]
        latency_ms: u64,
    },
    /// A whole answer arrived.
    CallFinished {
        /// The call.
        call: CallId,
        /// From 1.
        attempt: u32,
        /// Tokens, where the server said.
        usage: Option<Usage>,
        /// Cost in US dollars, where the model's prices are known.
        cost: Option<f64>,
        /// From request to last byte, milliseconds.
        latency_ms: u64,
        /// HTTP requests sent, retries included.
        requests: u32,
    },
    /// The answer was there already: an earlier run paid for it, and nothing was sent.
    CallRemembered {
        /// The call.
        call: CallId,
        /// From 1.
        attempt: u32,
    },
    /// An answer fell short; it is asked for again while attempts are left.
    AnswerRejected {
        /// The call.
        call: CallId,
        /// From 1.
        attempt: u32,
        /// What fell short.
        findings: Vec<Finding>,
    },
    /// A second opinion on an answer that passed the checks (`model.review`).
    AnswerReviewed {
        /// The call.
        call: CallId,
        /// From 1.
        attempt: u32,
        /// How it was judged.
        verdict: Verdict,
        /// Faults that the review names and no passage of the document shows; they count for nothing.
        ignored: usize,
    },
    /// An answer did not come whole; something is done about it.
    AnswerCut {
        /// The call.
        call: CallId,
        /// From 1.
        attempt: u32,
        /// What is done.
        #[serde(flatten)]
        remedy: Remedy,
    },
    /// A document is on disk.
    DocumentWritten {
        /// The call.
        call: CallId,
        /// Path relative to the plan directory.
        path: String,
        /// Warnings of the checks.
        warnings: Vec<Finding>,
    },
    /// All documents of an item are on disk.
    ItemDone {
        /// The item.
        item: ItemId,
    },
    /// An item failed for good.
    ItemFailed {
        /// The item.
        item: ItemId,
        /// One sentence.
        reason: String,
        /// Answers asked for.
        attempts: u32,
    },
    /// An item cannot be generated because something it needs failed.
    ItemBlocked {
        /// The item.
        item: ItemId,
        /// What failed.
        by: ItemId,
    },
    /// No more calls are started.
    Stopping {
        /// Why: interrupted, quota, bad key.
        reason: String,
    },
    /// The last event of a run.
    RunFinished {
        /// Everything in sums.
        summary: Summary,
    },
}

impl Event {
    /// Whether it is for the run's own journal and nobody else.
    pub fn is_a_note(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::Unsent { .. })
    }
}

/// How a document was judged by a second opinion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is wrong with it.
    Pass,
    /// Something is, and a passage shows it.
    Fail,
    /// There is no verdict: the answer cannot be read, or did not come.
    Unknown,
}

/// How many documents were judged how, at first sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviews {
    /// Nothing was wrong with so many.
    pub passed: usize,
    /// So many went back once.
    pub failed: usize,
    /// Of so many there is no verdict.
    pub unknown: usize,
}

impl Reviews {
    /// Whether nothing was reviewed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a verdict.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Fail => &mut self.failed,
            Verdict::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// What a run did, in sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// A row per item that was to be generated or was skipped, in the order of level, id and stage.
    pub rows: Vec<SummaryRow>,
    /// Documents written.
    pub documents: usize,
    /// Items done.
    pub done: usize,
    /// Items that failed.
    pub failed: usize,
    /// Items that could not start because something they need failed.
    pub blocked: usize,
    /// Items that were not started because the run stopped.
    pub not_started: usize,
    /// Items that the planner skipped.
    pub skipped: usize,
    /// Tokens of every answer, those rejected or asked for again included.
    pub usage: Usage,
    /// Answers for which the server gave no usage, and requests that were given up; their tokens are not in `usage`.
    pub unmetered: usize,
    /// Cost in US dollars; `None` where the model's prices are unknown.
    pub cost: Option<f64>,
    /// How far the run's bounds were passed, by what the server counted.
    pub over_budget: Option<Overdraft>,
    /// Answers that an earlier run paid for: nothing was sent for them, and they are in none of the sums here.
    pub remembered: usize,
    /// HTTP requests sent, retries included.
    pub requests: u64,
    /// Wall time, milliseconds.
    pub wall_ms: u64,
    /// Sum of the latencies of all calls: what one call after the other would have taken, milliseconds.
    pub sequential_ms: u64,
    /// Why the run stopped before its end, where it did.
    pub stopped: Option<String>,
    /// What kind of stop that was.
    pub stop_kind: Option<StopKind>,
    /// Answers that did not come whole and what was done about each, a sentence each, in the order of happening.
    pub cuts: Vec<String>,
    /// Documents whose server did not say that the answer is whole, relative to the plan directory.
    pub unclear: Vec<String>,
    /// What second opinions said of the documents (`model.review`).
    #[serde(default, skip_serializing_if = "Reviews::is_none")]
    pub reviews: Reviews,
    /// What the server counted of the first prompt that it cut, where it cut any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cut: Option<PromptCut>,
    /// What became of EXECUTION_TASKs that a replaced SUBPLAN does not plan any more, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<String>,
    /// What does not fit between documents of one level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clashes: Vec<Clash>,
    /// What the user can do about failures, each advice once.
    pub hints: Vec<String>,
}

impl Summary {
    /// Wall time.
    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    /// What one call after the other would have taken.
    pub fn sequential(&self) -> Duration {
        Duration::from_millis(self.sequential_ms)
    }
}

/// Why a run stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// The user said so.
    Interrupted,
    /// Every further call would fail: quota, bad key, unknown model.
    Provider,
    /// The budget has no room for another call.
    Budget,
    /// Documents or parallel.json cannot be written.
    Storage,
    /// A defect of planwave.
    Internal,
}

/// How far bounds were passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overdraft {
    /// Tokens above the bound, where that was passed.
    pub tokens: Option<u64>,
    /// US dollars above the bound, where that was passed.
    pub cost: Option<f64>,
}

/// What is done about an answer that did not come whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "remedy", rename_all = "snake_case")]
pub enum Remedy {
    /// It is asked for again, with more room.
    RaiseCap {
        /// The cap at which it was cut, tokens.
        from: u32,
        /// The new one.
        to: u32,
    },
    /// The rest is asked for.
    Continue {
        /// The cap at which it was cut, tokens.
        cap: u32,
    },
    /// It is asked for again, with less thinking: all its tokens went there.
    ThinkLess,
    /// The server called it whole and it is not: it breaks off within a sentence. The rest is asked for, once.
    Finish,
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RaiseCap { from, to } => {
                write!(f, "cut at the cap of {from} output tokens; asked for again with {to}")
            }
            Self::Continue { cap } => write!(f, "cut at the cap of {cap} output tokens; the rest was asked for"),
            Self::Finish => f.write_str("broken off within a sentence; the rest was asked for"),
            Self::ThinkLess => f.write_str("empty, its tokens went into reasoning; asked for again with less of it"),
        }
    }
}

/// How an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// All its documents are written.
    Done,
    /// It failed for good.
    Failed,
    /// Something it needs failed.
    Blocked,
    /// The run stopped before it was done.
    NotStarted,
    /// The planner left it out.
    Skipped,
}

impl std::fmt::Display for ItemOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::NotStarted => "not started",
            Self::Skipped => "skipped",
        })
    }
}

/// One item in a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The item.
    #[serde(flatten)]
    pub item: ItemId,
    /// The achievement's title.
    pub title: String,
    /// The item's level.
    pub level: u32,
    /// How it ended.
    pub outcome: ItemOutcome,
    /// The reason of a failure, what blocks it, or why it was skipped.
    pub reason: Option<String>,
    /// Documents written, relative to the plan directory.
    pub paths: Vec<String>,
    /// Tokens of all its answers.
    pub usage: Usage,
    /// Answers asked for.
    pub attempts: u32,
}

/// The events of a journal: one for each line that holds one. Damaged lines give the error of the reader, and the last
/// one does not count where it has no end, since that is what a crash leaves.
pub fn read_journal(text: &str) -> impl Iterator<Item = Result<Event, serde_json::Error>> {
    text.split_inclusive('\n').filter(|line| !line.trim().is_empty()).filter_map(|line| {
        match serde_json::from_str(line) {
            Err(_) if !line.ends_with('\n') => None,
            read => Some(read),
        }
    })
}
