//! Checks.

mod unwrap;

pub use unwrap::unwrap_answer;
