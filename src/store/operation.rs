//! One command's changes to a plan directory, so that they belong together and can be taken back together.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use super::{
    Begin, Edited, Existing, Intent, Journal, PARALLEL_FILE, PlanDir, RunLock, WriteError,
    edit::{self, Statuses},
};
use crate::{
    history::{Digest, Kind},
    parallel::Change,
    plan::AchievementId,
};

/// The changes of one command. Only who holds the directory's lock may make any.
///
/// An operation that changes nothing leaves no record.
#[derive(Debug)]
pub struct Operation<'a> {
    dir: &'a PlanDir,
    lock: Option<&'a RunLock>,
    command: String,
    began: Timestamp,
    journal: OnceLock<Arc<Journal>>,
}

impl<'a> Operation<'a> {
    /// Begins the changes of `command`, which is what people typed, such as `complete 3.1`.
    pub fn begin(dir: &'a PlanDir, lock: &'a RunLock, command: &str, began: Timestamp) -> Result<Self, WriteError> {
        tracing::debug!(command, %began, "operation");
        Ok(Self { dir, lock: Some(lock), command: command.to_owned(), began, journal: OnceLock::new() })
    }

    /// Changes that belong to an operation under way, such as what a run sets right before its first call. The other one
    /// ends them.
    pub fn within(dir: &'a PlanDir, journal: Arc<Journal>, began: Timestamp) -> Self {
        Self { dir, lock: None, command: String::new(), began, journal: OnceLock::from(journal) }
    }

    /// Writes a file atomically.
    pub fn write(&self, path: &str, bytes: &[u8], existing: Existing) -> Result<(), WriteError> {
        self.intend(Intent { path, after: Some(Digest::of(bytes)), existing })?;
        self.dir.write(path, bytes, existing)
    }

    /// Changes a file that people edit, too: `change` makes the new text of what is there, `None` where it stays as it is.
    /// Where somebody else changes it at the same moment, it is asked again with what is there then.
    pub fn edit<E: From<WriteError>>(
        &self,
        path: &str,
        mut change: impl FnMut(&[u8]) -> Result<Option<String>, E>,
    ) -> Result<Edited, E> {
        let mut first = None;
        let edited = edit::edit(self.dir, path, &|intent| self.intend(intent), &mut |bytes| {
            let text = change(bytes)?;
            if first.is_none() {
                first.clone_from(&text);
            }
            Ok::<_, E>(text)
        })?;
        if let (Edited::Merged, Some(first), Some(journal)) = (edited, first, self.journal.get())
            && path == PARALLEL_FILE
        {
            journal.note_own(self.dir, first.as_bytes())?;
        }
        Ok(edited)
    }

    /// Applies changes to parallel.json as it is now, so that what others changed in the meantime stays. `updated` is an
    /// RFC 3339 time.
    pub fn change_parallel(
        &self,
        changes: &BTreeMap<AchievementId, Change>,
        updated: &str,
    ) -> Result<Edited, WriteError> {
        let intend = |intent: Intent<'_>| self.intend(intent);
        let (edited, made) = edit::change_parallel(self.dir, &intend, changes, Statuses::Count, updated)?;
        if let Some(journal) = self.journal.get() {
            journal.note_changes(made, updated);
        }
        Ok(edited)
    }

    /// Removes a file; none there is no error.
    pub fn remove(&self, path: &str) -> Result<(), WriteError> {
        self.intend(Intent { path, after: None, existing: Existing::Replace })?;
        self.dir.remove(path)
    }

    /// Ends the changes.
    pub fn finish(self) -> Result<(), WriteError> {
        tracing::debug!(command = self.command, began = %self.began, "operation ends");
        match (self.lock, self.journal.get()) {
            (Some(_), Some(journal)) => journal.finish(self.dir, Timestamp::now(), None),
            (None, _) | (_, None) => Ok(()),
        }
    }

    fn intend(&self, intent: Intent<'_>) -> Result<(), WriteError> {
        let journal = match (self.journal.get(), self.lock) {
            (Some(journal), _) => journal,
            (None, Some(lock)) => {
                let Self { command, began, .. } = self;
                let begin = Begin { command, began: *began, kind: Kind::Command, model: None, replay: false };
                let journal = Arc::new(Journal::begin(self.dir, lock, &begin)?);
                self.journal.get_or_init(|| journal)
            }
            // `within` has filled it.
            (None, None) => return Ok(()),
        };
        journal.intend(self.dir, &[intent])
    }
}
