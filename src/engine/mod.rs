//! The engine: plans a run, works its items, owns their state, and emits events. It never prints.

mod briefing;
mod call;
mod cut;
mod discover;
mod estimate;
mod event;
mod forecast;
mod paper;
mod planner;
mod question;
mod recall;
mod run;
mod save;
mod schedule;
mod space;
mod state;
mod summary;
mod worker;

pub use briefing::{Briefing, Shared};
pub use cut::Remedy;
pub use discover::{Discovery, Inquired, Inquiry, Undiscovered, discover};
pub use estimate::{ModelOutlook, forecast};
pub use event::{CallId, Event, ItemId, StopKind, Summary, SummaryRow};
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
pub use space::SpaceNeeded;
pub use state::{ItemState, Signal};
pub use worker::{Accepted, Call, Limits, Outcome, PROMPT_CUT_HINT, Rejected, work};
