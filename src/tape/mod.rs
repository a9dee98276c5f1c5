//! The tape: exchanges with a model, one JSON line each. Record, replay, resume and cache are this one format.
//!
//! Line 1 is the [`Header`]; every other line is an [`Exchange`] or, on a plan's own tape, a note ([`GivenUp`]). A tape holds no key: what identifies a request is a
//! hash of its canonical form ([`request_key`]) without host and headers, so a tape also answers for another base URL.
//!
//! Pure: text in, values out. Reading and writing files belongs to `store`; sending to `model`.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod difference;
mod escape;
mod exchange;
mod key;
mod note;
mod replay;
mod usage;

pub use exchange::{Exchange, ExchangeRef, Header, Origin, Tape, TapeError, TapeReader, check_header};
pub use key::{item_key, request_and_item_key, request_key};
pub use note::{GivenUp, Skimmed, skim};
pub use replay::{ReplayIndex, TapeEntry, TapeLines};
pub use usage::{PromptCut, Usage, may_be_charged};

/// A time to the millisecond, which is what tapes, events and records hold: no clock of this program tells more.
pub fn whole_milliseconds(at: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// The version of the format that this planwave writes, and the newest it reads.
pub const VERSION: u32 = 1;
