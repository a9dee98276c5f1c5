//! Where a plan stands and what can be done next: the one derivation of statuses that every command and the engine use, what
//! is ready, blocked or held up, what is left, and the table of transitions.
//!
//! Pure: values in, values out. It must not look at the disk or a clock, and it must not print.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod action;
mod choice;
mod overview;
mod rank;
mod refresh;
mod remaining;
mod room;
mod standings;
mod transition;
mod verdict;

pub use action::{ActionError, Actor, Case, Effects, FileEffect, act, set_aside_names};
pub use choice::{NothingToClaim, choose, may_take};
pub use overview::{
    AchievementProgress, Blocked, Blocker, Counts, KeptApart, LevelProgress, Overview, Recommendation, Step, Titles,
};
pub use rank::{HELD_UP_MOST, Ranked, ranked};
pub use refresh::{Refreshed, refresh, remarks, times_wanted};
pub use remaining::{Remaining, remaining};
pub use room::{Obstacle, Room};
pub use standings::{Ground, Place, Remark, Standings};
pub use transition::{Action, next};

#[cfg(test)]
mod tests;
