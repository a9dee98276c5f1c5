//! Changes a file that people edit, too: reads it, makes the change, and writes only where the file is still what was read.
//! Else it reads again and makes the change in what is there now.

use std::{
    collections::BTreeMap,
    io, thread,
    time::{Duration, Instant},
};

use super::{Existing, Intent, Journal, PARALLEL_FILE, PlanDir, StoreError, WriteError};
use crate::{
    history::Digest,
    parallel::{Change, ParallelFile, Status},
    plan::AchievementId,
};

/// How often a file that somebody else writes at the same time is read again.
const ROUNDS: u32 = 20;

/// How long a file that cannot be read is waited for: some editors write it in pieces.
const PATIENCE: Duration = Duration::from_secs(2);

/// Before it is looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// There was nothing to change.
    Unchanged,
    /// It is written.
    Written,
    /// It is written into what somebody else wrote at the same moment.
    Merged,
}

/// Makes the new text of the bytes that are there; `None` where they stay as they are.
type Make<'a, E> = dyn FnMut(&[u8]) -> Result<Option<String>, E> + 'a;

/// Changes a file. `change` makes the new text of the bytes that are there, `None` where they stay as they are; `intend`
/// announces what will be written.
pub(super) fn edit<E: From<WriteError>>(
    dir: &PlanDir,
    path: &str,
    intend: &dyn Fn(Intent<'_>) -> Result<(), WriteError>,
    change: &mut Make<'_, E>,
) -> Result<Edited, E> {
    let mut round = 0;
    let mut unreadable_since: Option<Instant> = None;
    loop {
        let bytes = read(dir, path)?;
        let text = match change(&bytes) {
            Ok(Some(text)) if text.as_bytes() != bytes => text,
            Ok(_) => return Ok(Edited::Unchanged),
            Err(error) => {
                let elapsed = unreadable_since.get_or_insert_with(Instant::now).elapsed();
                thread::sleep(PAUSE);
                if elapsed < PATIENCE {
                    continue;
                }
                return Err(error);
            }
        };
        let existing = Existing::ReplaceOnly(Digest::of(&bytes));
        let intent = Intent { path, after: Some(Digest::of(text.as_bytes())), existing };
        match intend(intent).and_then(|()| dir.write(path, text.as_bytes(), existing)) {
            Ok(()) if round == 0 => return Ok(Edited::Written),
            Ok(()) => return Ok(Edited::Merged),
            Err(WriteError::Changed { .. }) if round < ROUNDS => {
                round += 1;
                tracing::debug!(path, round, "changed since it was read; read again");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a file; an editor may have taken it away for a moment.
fn read(dir: &PlanDir, path: &str) -> Result<Vec<u8>, WriteError> {
    let began = Instant::now();
    loop {
        let source = match dir.read(path) {
            Ok(bytes) => return Ok(bytes),
            Err(StoreError::Io { source, .. }) => source,
            Err(error @ (StoreError::TooLarge { .. } | StoreError::Locate(_) | StoreError::InTheWay { .. })) => {
                io::Error::other(error.to_string())
            }
        };
        if source.kind() != io::ErrorKind::NotFound || began.elapsed() > 4 * PAUSE {
            return Err(WriteError::Io { path: dir.shown(path), source });
        }
        thread::sleep(PAUSE);
    }
}

/// Applies changes to parallel.json as it is now, so that what others changed in the meantime stays. Gives those that were made.
pub(super) fn change_parallel(
    dir: &PlanDir,
    intend: &dyn Fn(Intent<'_>) -> Result<(), WriteError>,
    changes: &BTreeMap<AchievementId, Change>,
    statuses: Statuses,
    updated: &str,
) -> Result<(Edited, BTreeMap<AchievementId, Change>), WriteError> {
    let mut made = BTreeMap::new();
    let edited = edit(dir, PARALLEL_FILE, intend, &mut |bytes| {
        let (text, applied) = changed(dir, bytes, changes, statuses, updated)?;
        made = applied;
        Ok::<_, WriteError>(Some(text))
    })?;
    Ok((edited, made))
}

/// What statuses do where somebody has said meanwhile that an achievement is worked on, complete or skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statuses {
    /// Theirs stays.
    GiveWay,
    /// Ours counts.
    Count,
}

impl Journal {
    /// Applies what a run has done to parallel.json as it is now, so that what others changed in the meantime stays. `updated`
    /// is an RFC 3339 time.
    pub fn change_parallel(
        &self,
        dir: &PlanDir,
        changes: &BTreeMap<AchievementId, Change>,
        updated: &str,
    ) -> Result<Edited, WriteError> {
        let intend = |intent: Intent<'_>| self.intend(dir, &[intent]);
        let (edited, made) = change_parallel(dir, &intend, changes, Statuses::GiveWay, updated)?;
        self.note_changes(made, updated);
        Ok(edited)
    }
}

/// A parallel.json with changes, and which of them were made.
pub(super) fn changed(
    dir: &PlanDir,
    bytes: &[u8],
    changes: &BTreeMap<AchievementId, Change>,
    statuses: Statuses,
    updated: &str,
) -> Result<(String, BTreeMap<AchievementId, Change>), WriteError> {
    let mut file = ParallelFile::parse(bytes).map_err(|problems| WriteError::Invalid {
        path: dir.shown(PARALLEL_FILE),
        problem: problems.first().map(ToString::to_string).unwrap_or_default(),
    })?;
    let mut changes = changes.clone();
    for entry in file.entries() {
        if statuses == Statuses::GiveWay
            && let Some(change) = changes.get_mut(&entry.id)
        {
            give_way(entry.status, change);
        }
    }
    file.apply(&changes, updated);
    Ok((file.to_text(), changes))
}

/// Whoever works on an achievement, or is done with it, has gone further than its documents: their status stays.
fn give_way(status: Status, change: &mut Change) {
    let theirs = match status {
        Status::InProgress | Status::Complete | Status::Skipped => true,
        Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated | Status::Failed => false,
    };
    let ours = matches!(change.status, Some(Status::SubplanCreated | Status::ExecutionCreated | Status::Failed));
    if theirs && ours {
        change.status = None;
        change.failure = change.failure.take().filter(Option::is_none);
    }
}
