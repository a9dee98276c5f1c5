//! The engine: plans a run, works its items, owns their state, and emits events. It never prints.

mod event;

pub use event::{CallId, Event, ItemId, Summary, SummaryRow};
