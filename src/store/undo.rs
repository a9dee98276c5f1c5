//! Takes an operation back: as one transaction that can be finished after a crash, and itself be taken back.
//!
//! Everything is checked before anything changes. Then each change is announced in a record of its own, all of them
//! with one sync, and only then made. After a crash that record says what is left to do.

use std::{collections::HashMap, io, path::Path};

use jiff::Timestamp;

use super::{
    Begin, Edited, Existing, Intent, Journal, PARALLEL_FILE, PlanDir, RunLock, StoreError, WriteError, blobs, edit,
    journal, lines::LineFile, records,
};
use crate::{
    history::{
        Change, Digest, Found, Kind, NOT_WRITTEN, PlanPath, Record, Restore, Step, TakingBack, Untouchable, Verb,
        taking_back,
    },
    parallel,
};

/// What taking an operation back will do, with the bytes that only come about by it.
#[derive(Debug)]
pub struct Prepared {
    plan: TakingBack,
    /// The merged parallel.json.
    merged: HashMap<PlanPath, Vec<u8>>,
}

impl Prepared {
    /// Looks at every file that `target` changed. `later` are the newer records, newest first.
    ///
    /// # Errors
    ///
    /// A file of planwave's own cannot be read. What stands in the way in the plan directory is part of the result.
    pub fn new(dir: &PlanDir, target: &Record, later: &[Record]) -> Result<Self, StoreError> {
        let mut plan = taking_back(target, later, &|path| found(dir, path));
        let mut merged = HashMap::new();
        let mut steps = Vec::with_capacity(plan.steps.len());
        for step in std::mem::take(&mut plan.steps) {
            match check(dir, &step)? {
                Ok(text) => {
                    merged.extend(text.map(|text| (step.path.clone(), text)));
                    steps.push(step);
                }
                Err(reason) => plan.untouchable.push(Untouchable { path: step.path, reason }),
            }
        }
        plan.steps = steps;
        Ok(Self { plan, merged })
    }

    /// What will be done, and what stands in the way.
    pub fn plan(&self) -> &TakingBack {
        &self.plan
    }

    /// Does it.
    pub fn perform(&self, dir: &PlanDir, lock: &RunLock, begin: &Begin<'_>) -> Result<Performed, WriteError> {
        self.perform_observed(dir, lock, begin, &mut |_| Ok(()))
    }

    /// As [`Self::perform`]; `observe` is called before each write and can make it fail.
    fn perform_observed(
        &self,
        dir: &PlanDir,
        lock: &RunLock,
        begin: &Begin<'_>,
        observe: &mut dyn FnMut(&str) -> Result<(), WriteError>,
    ) -> Result<Performed, WriteError> {
        observe("record")?;
        let journal = Journal::begin(dir, lock, begin)?;
        // What comes about by a merge is kept as well: finishing after a crash needs it.
        for bytes in self.merged.values() {
            observe("merged")?;
            blobs::put(dir, Digest::of(bytes), bytes)?;
        }
        let intents: Vec<Intent<'_>> = self
            .plan
            .steps
            .iter()
            .map(|step| Intent {
                path: step.path.as_str(),
                after: match step.restore {
                    Restore::Remove => None,
                    Restore::Overwrite(blob) | Restore::Recreate(blob) => Some(blob),
                    Restore::Merge { .. } => self.merged.get(&step.path).map(|bytes| Digest::of(bytes)),
                },
                existing: Existing::Replace,
            })
            .collect();
        observe("intents")?;
        journal.intend(dir, &intents)?;
        observe("ready")?;
        journal.ready(dir)?;
        let mut left = Vec::new();
        for (step, intent) in self.plan.steps.iter().zip(&intents) {
            observe(step.path.as_str())?;
            match make(dir, &step.path, step.now, intent.after, step.mode) {
                Err(WriteError::Changed { .. }) if step.path.as_str() == PARALLEL_FILE => {
                    if !merge_anew(dir, &journal, step.now, intent.after)? {
                        left.push(step.path.clone());
                    }
                }
                Err(WriteError::Changed { .. }) => left.push(step.path.clone()),
                made => made?,
            }
        }
        sync_folders(dir, self.plan.steps.iter().map(|step| &step.path))?;
        observe("end")?;
        journal.finish(dir, Timestamp::now(), None)?;
        Ok(Performed { number: journal.id().number(), left })
    }
}

/// What a taking back came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// Its own number.
    pub number: u64,
    /// Files that somebody changed at that moment; what they wrote is there.
    pub left: Vec<PlanPath>,
}

/// Brings what taking back changes in parallel.json into what somebody else wrote there at the same moment. False where
/// both changed the same fields; then it is left as it is.
fn merge_anew(
    dir: &PlanDir,
    journal: &Journal,
    expected: Option<Digest>,
    after: Option<Digest>,
) -> Result<bool, WriteError> {
    let bytes = |blob: Option<Digest>| blob.and_then(|blob| blobs::get(dir, blob).ok().flatten());
    let (Some(expected), Some(after)) = (bytes(expected), bytes(after)) else { return Ok(false) };
    let intend = |intent: Intent<'_>| journal.intend(dir, &[intent]);
    let merged = edit::edit(dir, PARALLEL_FILE, &intend, &mut |now| {
        let Ok(text) = parallel::take_back(&after, &expected, now) else { return Ok(None) };
        // Finishing after a crash needs it.
        blobs::put(dir, Digest::of(text.as_bytes()), text.as_bytes())?;
        Ok::<_, WriteError>(Some(text))
    })?;
    if merged == Edited::Unchanged {
        return Ok(false);
    }
    journal.note_own(dir, &after)?;
    Ok(true)
}

/// What is left to do of a taking back that was interrupted.
#[derive(Debug)]
pub struct Unfinished {
    record: Record,
    left: Vec<Change>,
    /// Permission bits of files that come back.
    modes: HashMap<PlanPath, u32>,
    /// Files that somebody has changed since, and that stay.
    pub untouchable: Vec<Untouchable>,
}

impl Unfinished {
    /// Looks at `record`; `None` where it is no taking back, has ended, or was interrupted before it changed anything.
    pub fn of(dir: &PlanDir, record: Record) -> Option<Self> {
        if !is_unfinished(&record) {
            return None;
        }
        let (mut left, mut untouchable) = (Vec::new(), Vec::new());
        // Of several changes of a file the last one counts: those before it were not made.
        let last: HashMap<&PlanPath, &Change> = record.changes.iter().map(|change| (&change.path, change)).collect();
        for change in record.changes.iter().filter(|change| last.get(&change.path) == Some(change)) {
            if !change.path.is_written() {
                untouchable.push(Untouchable { path: change.path.clone(), reason: String::from(NOT_WRITTEN) });
                continue;
            }
            match found(dir, &change.path) {
                Found::Bytes(now) if now == change.after => {}
                Found::Bytes(now) if now == change.before => left.push(change.clone()),
                Found::Bytes(_) => {
                    let reason = String::from("was changed since");
                    untouchable.push(Untouchable { path: change.path.clone(), reason });
                }
                Found::Unreadable(reason) => untouchable.push(Untouchable { path: change.path.clone(), reason }),
            }
        }
        let modes = modes_before(dir, &record);
        Some(Self { record, left, modes, untouchable })
    }

    /// The record of the taking back.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Whether it was this verb that was interrupted.
    pub fn is_of(&self, verb: Verb) -> bool {
        match self.record.header.kind {
            Kind::Undo(_) => verb == Verb::Undo,
            Kind::Redo(_) => verb == Verb::Redo,
            Kind::Run | Kind::Command => false,
        }
    }

    /// Whether all that is missing is the line that says so.
    pub fn is_complete(&self) -> bool {
        self.left.is_empty() && self.untouchable.is_empty()
    }

    /// How many files are left to restore.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Does what is left, and ends the record. Gives the files that somebody changed at that moment.
    pub fn finish(&self, dir: &PlanDir, _lock: &RunLock) -> Result<Vec<PlanPath>, WriteError> {
        let mut left = Vec::new();
        for change in &self.left {
            match make(dir, &change.path, change.before, change.after, self.modes.get(&change.path).copied()) {
                Err(WriteError::Changed { .. }) => left.push(change.path.clone()),
                made => made?,
            }
        }
        sync_folders(dir, self.left.iter().map(|change| &change.path))?;
        let path = format!("{}/{}", records::folder_of(&self.record.id), records::CHANGES);
        let failed = |source| WriteError::Io { path: dir.shown(&path), source };
        let options = cap_std::fs::OpenOptions::new().read(true).append(true).clone();
        let mut file = dir.dir().open_with(&path, &options).and_then(LineFile::new).map_err(failed)?;
        let parallel = self.record.changes.iter().rfind(|change| change.path.as_str() == PARALLEL_FILE);
        journal::end(dir, parallel.and_then(|change| change.after), None, Timestamp::now(), None, |line| {
            file.append(line.as_bytes()).map_err(failed)
        })?;
        Ok(left)
    }
}

/// The permission bits that files had before the operation that `record` takes back.
fn modes_before(dir: &PlanDir, record: &Record) -> HashMap<PlanPath, u32> {
    let target = record.takes_back().and_then(|number| {
        let id = dir.operations().ok()?.into_iter().find(|id| id.number() == number)?;
        dir.record(&id).ok()
    });
    let files = target.iter().flat_map(Record::files);
    files.filter_map(|file| Some((file.path, file.mode?))).collect()
}

/// Whether a record is that of a taking back that began to change files and did not end.
pub fn is_unfinished(record: &Record) -> bool {
    matches!(record.header.kind, Kind::Undo(_) | Kind::Redo(_)) && record.ready && record.end.is_none()
}

fn found(dir: &PlanDir, path: &PlanPath) -> Found {
    if let Some(target) = dir.foreign_target(path.as_str()) {
        return Found::Unreadable(format!(
            "is a link to {}, which is not a file that planwave writes",
            target.display()
        ));
    }
    match dir.read(path.as_str()) {
        Ok(bytes) => Found::Bytes(Some(Digest::of(&bytes))),
        Err(StoreError::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Found::Bytes(None)
        }
        Err(StoreError::Io { source, .. }) => Found::Unreadable(format!("cannot be read: {source}")),
        Err(error @ (StoreError::TooLarge { .. } | StoreError::Locate(_) | StoreError::InTheWay { .. })) => {
            Found::Unreadable(error.to_string())
        }
    }
}

/// Whether a step can be made; the bytes of a merge, where it is one.
fn check(dir: &PlanDir, step: &Step) -> Result<Result<Option<Vec<u8>>, String>, StoreError> {
    let gone = || String::from("cannot be restored: its bytes from before are missing or damaged in .planwave/blobs");
    let other = || String::from("is no parallel.json, now or before, so the record cannot be right");
    let asked = is_other_json(&step.path)
        || step.path.as_str() == PARALLEL_FILE
            && dir.dir().symlink_metadata(PARALLEL_FILE).is_ok_and(|metadata| metadata.is_symlink());
    let fits = |bytes: &[u8]| !asked || is_parallel(bytes);
    if step.now.is_some() && !fits(&dir.read(step.path.as_str())?) {
        return Ok(Err(other()));
    }
    Ok(match step.restore {
        Restore::Remove => Ok(None),
        Restore::Overwrite(blob) | Restore::Recreate(blob) => match blobs::get(dir, blob)? {
            Some(bytes) if !fits(&bytes) => Err(other()),
            Some(_) => Ok(None),
            None => Err(gone()),
        },
        Restore::Merge { before, after } => match (blobs::get(dir, before)?, blobs::get(dir, after)?) {
            (Some(before), Some(after)) => {
                let now = dir.read(step.path.as_str())?;
                match parallel::take_back(&before, &after, &now) {
                    Ok(text) => Ok(Some(text.into_bytes())),
                    Err(error) => Err(format!("was changed since and cannot be taken back in part: {error}")),
                }
            }
            _ => Err(gone()),
        },
    })
}

/// Whether a file is JSON beside the plan's own parallel.json: only what it holds tells whether planwave writes it.
fn is_other_json(path: &PlanPath) -> bool {
    path.as_str() != PARALLEL_FILE && !path.as_str().contains('/')
}

/// Whether these are the bytes of a parallel.json, which may have errors.
fn is_parallel(bytes: &[u8]) -> bool {
    parallel::ParallelFile::salvage(bytes).is_ok_and(|file| !file.entries().is_empty())
}

/// Gives a file the bytes of a blob, or removes it. It must be what was found, or [`WriteError::Changed`] says that it is not.
fn make(
    dir: &PlanDir,
    path: &PlanPath,
    found: Option<Digest>,
    after: Option<Digest>,
    mode: Option<u32>,
) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: dir.shown(path.as_str()), source };
    let Some(blob) = after else {
        return found.map_or(Ok(()), |found| dir.remove_only(path.as_str(), found));
    };
    let bytes = match blobs::get(dir, blob) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(failed(io::Error::other("its bytes from before are gone"))),
        Err(error) => return Err(failed(io::Error::other(error.to_string()))),
    };
    let existing = found.map_or(Existing::Keep, Existing::ReplaceOnly);
    match dir.write_with_mode(path.as_str(), &bytes, existing, mode.map(|mode| mode & DOCUMENT_MODE)) {
        Err(WriteError::Exists { path }) => Err(WriteError::Changed { path }),
        written => written,
    }
}

/// The permission bits that a document can have: documents are not executable, whatever a record says.
const DOCUMENT_MODE: u32 = 0o666;

/// Makes removals durable: one sync for each folder.
fn sync_folders<'a>(dir: &PlanDir, paths: impl Iterator<Item = &'a PlanPath>) -> Result<(), WriteError> {
    let mut folders: Vec<&Path> = paths.filter_map(|path| Path::new(path.as_str()).parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match dir.dir().open_dir(folder).and_then(|opened| opened.sync()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(WriteError::Io { path: dir.path().join(folder), source });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "undo_tests.rs"]
mod tests;
