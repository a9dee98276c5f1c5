//! The plan directory on disk: the only module that writes project state.
//!
//! Everything goes through one directory handle (cap-std), so that no name and no symbolic link can lead a read or a
//! write out of the plan directory, and every write is atomic through one helper. It must not print or decide what is
//! generated.

mod advice;
mod atomic;
mod blobs;
mod clean;
mod disk;
mod edit;
mod events;
mod faults;
mod good_copy;
mod journal;
mod kept_context;

mod lines;
mod local_tape;
mod locate;
mod lock;
mod new_plan;
mod oddity;
mod operation;
mod own_folder;
mod ownership;
mod plan_dir;
mod records;
mod replay_tape;
mod repository;
mod room;
mod scan;
mod state_file;
mod swap;
mod tape_file;
mod undo;
mod writer;

pub use advice::for_disk as disk_advice;
pub use atomic::{Existing, WriteError};
pub use clean::{Cleaning, Freed};
pub use edit::Edited;
pub use events::{Events, Price};
pub use good_copy::GoodCopy;
pub use journal::{Begin, Intent, Journal};

pub use local_tape::{Found, LocalTape, TapeMemory};
pub use locate::{LocateError, Located, locate};
pub use lock::{LockError, RunLock};
pub use new_plan::{add_plan, create_plan_dir};
pub use oddity::Oddity;
pub use operation::Operation;
pub use ownership::{Adopted, Foreign, OwnershipKey};
pub use plan_dir::{Leftovers, PlanDir, StoreError};
pub use records::RecordsError;
pub use replay_tape::{ReplayError, find_on_tape, replay_index};
pub use repository::Repository;
pub use scan::{AchievementFiles, Listing, Scan, Verdicts};
pub use state_file::StateFile;
pub use tape_file::{TapeFile, Tapes};
pub use undo::{Performed, Prepared, Unfinished, is_unfinished};
pub use writer::DocumentWriter;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use crate::{parallel::Change, plan::AchievementId};

const PARALLEL_FILE: &str = "parallel.json";

/// Where a run's documents and its parallel.json go. The engine gets it as a constructor argument.
pub trait DocumentStore: Send + Sync {
    /// Writes a document whole, and resolves when it is on the disk. `replace` says whether a document that is there
    /// gives way.
    fn write_document(&self, path: String, text: String, replace: bool) -> BoxFuture<'_, Result<(), WriteError>>;

    /// Reads a document that was written before.
    fn read_document(&self, path: String) -> BoxFuture<'_, Result<String, StoreError>>;

    /// Says that the caller can do nothing before the documents it handed over are written. A store that does not hold
    /// documents back need not listen.
    fn hurry(&self) {}

    /// What a run has to stop for though documents can still be written: no more than what is in flight can be.
    fn trouble(&self) -> Option<WriteError> {
        None
    }

    /// Applies changes to parallel.json as it is on disk now, so that what people changed in the meantime stays.
    /// `updated` is an RFC 3339 time.
    fn update_parallel(&self, changes: &BTreeMap<AchievementId, Change>, updated: &str) -> Result<(), WriteError>;
}
