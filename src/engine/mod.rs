//! The engine: plans a run, works its items, owns their state, and emits events. It never prints.

mod briefing;
mod call;
mod code_base;
mod coordination;
mod cut;
mod discover;
mod estimate;
mod forecast;
mod paper;
mod planner;
mod question;
mod recall;
mod review;
mod run;
mod save;
mod schedule;
mod space;
mod state;
mod summary;
mod worker;

pub use crate::event::{CallId, Event, ItemId, ItemOutcome, Remedy, Reviews, StopKind, Summary, SummaryRow, Verdict};
pub use briefing::{Briefing, Shared};
pub use code_base::{CodeBase, FileForecast, PathRules, RepositoryForecast};
pub use coordination::Coordination;
pub use discover::{Discovery, Inquired, Inquiry, Undiscovered, discover};
pub use estimate::{ModelOutlook, forecast};
pub use forecast::{DependencyForecast, DocumentForecast, Forecast, LevelForecast, SkippedForecast, Totals};
pub use paper::{Paper, PaperCall, paper_calls};
pub use planner::{
    Documents, PlannedItem, PlanningError, RunPlan, Selection, Situation, SkipReason, SkippedItem, Target, Wish,
    plan_run, subplans_to_read,
};
pub use question::{Question, QuestionError, question};
pub use recall::Recall;
pub use run::{Engine, Stop};
pub use schedule::{Node, Order, Schedule};
pub use space::{SpaceNeeded, spare};
pub use state::{ItemState, Signal};
pub use worker::{Accepted, Call, Limits, Outcome, PROMPT_CUT_HINT, Rejected, work};

use crate::model::{Exchanged, Prices, Progress};

/// The event of a call's progress that the bill has to know of; `None` for the rest.
pub fn event_for_the_bill(
    call: Option<CallId>,
    attempt: u32,
    progress: &Progress,
    prices: Option<&Prices>,
) -> Option<Event> {
    match progress {
        Progress::Sending { key, at } => Some(Event::Sending { call, key: key.to_string(), at: *at }),
        Progress::Unsent { key, at } => Some(Event::Unsent { key: key.to_string(), at: *at }),
        Progress::Exchanged(exchanged) => Some(exchange_event(call, attempt, exchanged.clone(), prices)),
        Progress::Received { .. } | Progress::Retrying { .. } | Progress::Held { .. } | Progress::CapLowered { .. } => {
            None
        }
    }
}

/// The event of an exchange, with what it cost.
fn exchange_event(call: Option<CallId>, attempt: u32, exchanged: Exchanged, prices: Option<&Prices>) -> Event {
    let Exchanged { key, at, status, complete, sent, usage, latency } = exchanged;
    let cost = usage.as_ref().and_then(|usage| prices.map(|prices| prices.cost(usage)));
    let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    Event::Exchange { call, attempt, key: key.to_string(), at, status, complete, sent, usage, cost, latency_ms }
}
