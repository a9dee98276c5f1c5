//! The one gate in front of a model at a provider: rate limits, budget, and when to stop.
//!
//! `core` and what it is made of are pure state machines over times and events; `door` makes tasks wait. It must
//! not send anything, and must not know what a request is for.

mod breaker;
mod bucket;
mod budget;
mod core;
mod door;
mod headers;
mod pace;
mod remembered;
#[cfg(test)]
mod storm;

pub use breaker::Patience;
pub use budget::{Bill, Bounds};
pub(super) use core::{Closed, End, Need, WaitReason};
pub use core::{PerMinute, Policy};
pub use door::Gate;
pub(super) use door::{Held, Pass, Permit};
pub use remembered::{Place, Remembered};
