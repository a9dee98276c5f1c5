//! Whatever reads what others wrote, fed with millions of broken inputs: the PLAN, parallel.json, tapes, event streams,
//! the headers and errors of providers, pasted and received answers. Nothing may panic, and what is read has to keep
//! the promises of its documentation.
//!
//! `cargo test` tries a few thousand inputs of each kind, always the same ones. By hand any number:
//!
//! ```text
//! PLANWAVE_FUZZ_CASES=1000000 PLANWAVE_FUZZ_SEED=7 cargo test --release --test fuzz -- --nocapture
//! cargo test --release --test fuzz -- --ignored --nocapture   # does the time grow no faster than the input?
//! ```
//!
//! An input that fails is made smaller and saved; its path is printed. Once mended, it goes to `seeds/<target>/`, all
//! of which are tried first in each run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and by hand it says how far it came"
)]

// The readers below the model's interface are no part of the library's; they are pure and need nothing around them
// but these two types.
use planwave::model::{Retry, Scope};
#[path = "../../src/model/failure.rs"]
#[expect(dead_code, reason = "only failures that servers put into words are made here")]
mod failure;
#[path = "../../src/model/gate/headers.rs"]
mod headers;
#[path = "../../src/model/provider.rs"]
#[expect(dead_code, reason = "only what reads the words of servers is tried here")]
mod provider;
#[path = "../../src/model/size.rs"]
#[expect(dead_code, reason = "only what reads the words of servers is tried here")]
mod size;
#[path = "../../src/model/sse.rs"]
mod sse;

mod drive;
mod growth;
mod mutate;
mod targets;
