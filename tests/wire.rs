//! Model access against real sockets on loopback: what is sent, what is repeated, what is recorded.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "wire/doctor.rs"]
mod doctor;
#[path = "wire/faults.rs"]
mod faults;
#[path = "wire/hostile.rs"]
mod hostile;
#[path = "wire/limits.rs"]
mod limits;
#[path = "wire/requests.rs"]
mod requests;
#[path = "wire/support.rs"]
mod support;
#[path = "wire/tape.rs"]
mod tape;
