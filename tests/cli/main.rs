//! The real binary, command by command: standard output, standard error and exit code in one snapshot, what was sent
//! to a server on loopback, and what is on disk afterwards.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod analyze;
mod code_base;
mod finish_reasons;
mod hostile;
mod hostile_servers;
mod house_style;
mod init;
mod invalid_input;
mod limits;
mod memory;
mod outputs;
mod own_folder;
mod paste;
mod plan_and_config;
mod replay;
mod review;
mod run;
mod security;
mod status;
mod trust;
mod undo;
mod validate;
mod working;
