//! Discovery: what a model is asked about the dependencies of a PLAN, and what its answer is worth.
//!
//! Pure: it writes the question, reads an answer, holds it against the PLAN, and says how the outcome differs from a file
//! that is there. What follows from dependencies (levels, times) is `parallel`'s; asking is the engine's.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod answer;
mod difference;
mod examine;
mod fault;
mod prompt;
mod quotes;
mod schema;

pub(crate) use answer::json_of;
pub use answer::{Answer, Conflict, Finding, Need, parse_answer};
pub use difference::{Difference, EdgeChange, LevelChange, difference};
pub use examine::{Discovered, examine};
pub use fault::{CycleEdge, Fault, weakest};
pub use prompt::{Prompt, expected_tokens, fewest_tokens, prompt, repair};
pub use quotes::Source;
pub use schema::{NAME as SCHEMA_NAME, schema};

#[cfg(test)]
mod tests;
