//! planwave turns a PLAN into every SUBPLAN and EXECUTION_TASK it needs, one dependency level at a time.
//!
//! The library is layered, and dependencies point one way:
//!
//! ```text
//! cli ──► report, engine, settings ──► progress ──► model, store ──► discovery ──► prompts, tape, document, plan,
//!                                                                                  parallel, markdown
//! ```
//!
//! The modules at the right are pure: values in, values out. `docs/architecture.md` is the map.

pub mod bounded;
pub mod cli;
pub mod context;
pub mod discovery;
pub mod document;
pub mod engine;
pub mod event;
pub mod history;
pub mod markdown;
pub mod model;
pub mod parallel;
pub mod paste;
pub mod pattern;
pub mod plan;
pub mod progress;
pub mod prompts;
pub mod report;
pub mod settings;
pub mod store;
pub mod tape;
