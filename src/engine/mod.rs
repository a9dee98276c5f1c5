//! The engine: plans a run, works its items, owns their state, and emits events. It never prints.

mod event;
mod forecast;

pub use event::{CallId, Event, ItemId, Summary, SummaryRow};
pub use forecast::{DependencyForecast, DocumentForecast, Forecast, LevelForecast, SkippedForecast, Totals};
