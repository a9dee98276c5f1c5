//! One command's changes to a plan directory, so that they belong together.

use jiff::Timestamp;

use super::{Existing, PlanDir, RunLock, WriteError};

/// The changes of one command. Only who holds the directory's lock may make any.
#[derive(Debug)]
pub struct Operation<'a> {
    dir: &'a PlanDir,
    command: String,
    began: Timestamp,
}

impl<'a> Operation<'a> {
    /// Begins the changes of `command`, which is what people typed, such as `complete 3.1`.
    pub fn begin(dir: &'a PlanDir, _lock: &RunLock, command: &str, began: Timestamp) -> Result<Self, WriteError> {
        tracing::debug!(command, %began, "operation");
        Ok(Self { dir, command: command.to_owned(), began })
    }

    /// Writes a file atomically.
    pub fn write(&self, path: &str, bytes: &[u8], existing: Existing) -> Result<(), WriteError> {
        self.dir.write(path, bytes, existing)
    }

    /// Removes a file; none there is no error.
    pub fn remove(&self, path: &str) -> Result<(), WriteError> {
        self.dir.remove(path)
    }

    /// Ends the changes.
    pub fn finish(self) -> Result<(), WriteError> {
        tracing::debug!(command = self.command, began = %self.began, "operation ends");
        Ok(())
    }
}
