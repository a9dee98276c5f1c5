//! What has been done to a plan directory: the records that operations leave in `.planwave/runs/`, what taking one of
//! them back would change, what all of it has cost, and what is old enough to go.
//!
//! Pure: text and values in, values out. Reading, writing and restoring files belongs to `store`.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod bill;
mod calls;
mod plan_path;
mod record;
mod retention;
mod run_id;
mod taking_back;
mod timeline;
mod unlisted;

pub use bill::{Bill, BillKey, BillLine, Charge};
pub use calls::{CallLog, Rejection};
pub use plan_path::PlanPath;
pub use record::{Change, ChangeKind, Digest, End, FileChange, Header, Kind, Record, RecordError, Tallied, VERSION};
pub use retention::{KEPT_OPERATIONS, Kept, Removal, Stored, removal};
pub use run_id::{RunId, RunRef, in_order};
pub use taking_back::{Found, NOT_WRITTEN, Restore, Step, TakingBack, Untouchable, taking_back};
pub use timeline::{State, Timeline, Verb};
pub use unlisted::{Taped, unlisted};
