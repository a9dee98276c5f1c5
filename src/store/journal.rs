//! Writes the record of one operation: each change is announced, and on the disk, before it is made.
//!
//! Whoever changes files of the plan directory calls [`Journal::intend`] with everything that a batch is about to change,
//! then changes it. One call costs one sync, and one for each file whose bytes have to be kept.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cap_std::fs::{Metadata, OpenOptions};
use jiff::Timestamp;

use super::{
    Existing, PARALLEL_FILE, PlanDir, RunLock, StoreError, WriteError, blobs,
    disk::DiskFile,
    edit::{self, Statuses},
    lines::LineFile,
    records,
};
use crate::{
    document::is_placeholder,
    history::{Change, ChangeKind, Digest, End, Header, Kind, PlanPath, Record, RunId, Tallied, VERSION},
    plan::AchievementId,
    tape::whole_milliseconds,
};

/// A change that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    /// The file, relative to the plan directory.
    pub path: &'a str,
    /// Hash of its new bytes; `None` where it is to be removed.
    pub after: Option<Digest>,
    /// What will be done where it is there already.
    pub existing: Existing,
}

/// What an operation says of itself when it begins.
#[derive(Clone, Debug)]
pub struct Begin<'a> {
    /// What people typed.
    pub command: &'a str,
    /// When it began.
    pub began: Timestamp,
    /// Which kind it is.
    pub kind: Kind,
    /// The model that a run asks.
    pub model: Option<&'a str>,
    /// Whether answers come from a tape.
    pub replay: bool,
}

/// The record of an operation under way. Where it is dropped without [`Journal::finish`], the operation was interrupted,
/// and can be taken back all the same.
#[derive(Debug)]
pub struct Journal {
    id: RunId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: LineFile,
    changes: usize,
    /// What each file was left as by this operation.
    left: HashMap<String, Option<Digest>>,
    own: Own,
}

/// What the operation changed in parallel.json, whatever others changed there in the meantime.
#[derive(Debug, Default)]
struct Own {
    /// The file before the first change.
    before: Option<Digest>,
    changes: BTreeMap<AchievementId, crate::parallel::Change>,
    updated: String,
    /// What the file would be with what the operation changed and nothing else, where that is known as a whole.
    left: Option<Digest>,
    /// Whether somebody else changed the file between two changes of this operation.
    disturbed: bool,
}

impl Journal {
    /// Begins a record. Only who holds the directory's lock may.
    pub fn begin(dir: &PlanDir, _lock: &RunLock, begin: &Begin<'_>) -> Result<Self, WriteError> {
        let id = next_id(dir, begin.began)?;
        let folder = records::folder_of(&id);
        let path = format!("{folder}/{}", records::CHANGES);
        let failed = |source| WriteError::Io { path: dir.shown(&path), source: dir.explained(source) };
        let header = Header {
            record: VERSION,
            id: id.to_string(),
            command: begin.command.to_owned(),
            began: whole_milliseconds(begin.began),
            kind: begin.kind,
            model: begin.model.map(str::to_owned),
            replay: begin.replay,
        };
        let open = || -> io::Result<LineFile> {
            let first = !dir.dir().is_dir(records::FOLDER);
            dir.dir().create_dir_all(&folder)?;
            let options = OpenOptions::new().read(true).append(true).create_new(true).clone();
            let mut file = LineFile::watched(dir.dir().open_with(&path, &options)?, dir.dir(), &path)?;
            file.append(header.to_line().as_bytes())?;
            // Each folder's name is in the one above it.
            for folder in [folder.as_str(), records::FOLDER].into_iter().chain(first.then_some(".planwave")) {
                dir.dir().open_dir(folder)?.sync()?;
            }
            Ok(file)
        };
        let file = open().map_err(|error| {
            // Nothing was done, so there is no record of it.
            let _ = dir.dir().remove_dir_all(&folder);
            failed(error)
        })?;
        let state = State { file, changes: 0, left: HashMap::new(), own: Own::default() };
        Ok(Self { id, state: Mutex::new(state) })
    }

    /// The operation's id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Where the events of a run go, relative to the plan directory.
    pub fn events_path(&self) -> String {
        format!("{}/{}", records::folder_of(&self.id), records::EVENTS)
    }

    /// A file for the events of a run, beside the record. It is not synced: what cannot be done without stands on the tape.
    pub fn events(&self, dir: &PlanDir) -> Result<impl io::Write + Send + use<>, WriteError> {
        let path = self.events_path();
        let options = OpenOptions::new().append(true).create(true).clone();
        let file: io::Result<DiskFile> = dir.dir().open_with(&path, &options);
        file.map_err(|source| WriteError::Io { path: dir.shown(&path), source })
    }

    /// Announces changes: when it returns, they and the bytes that they will overwrite are on the disk.
    ///
    /// A write that will be refused, because the file is there and is to be kept, is not announced, nor is one that
    /// changes nothing.
    pub fn intend(&self, dir: &PlanDir, intents: &[Intent<'_>]) -> Result<(), WriteError> {
        let mut state = self.state();
        // First: bytes that are kept would make a new folder.
        self.check_place(dir, &state)?;
        let mut lines = String::new();
        let mut announced = Vec::with_capacity(intents.len());
        for intent in intents {
            if let Some(change) = keep_old(dir, intent, &state.left)? {
                lines.push_str(&change.to_line());
                announced.push(change);
            }
        }
        if announced.is_empty() {
            return Ok(());
        }
        blobs::sync(dir)?;
        self.append(dir, &mut state, &lines)?;
        state.changes += announced.len();
        for change in announced.iter().filter(|change| change.path.as_str() == PARALLEL_FILE) {
            match state.left.get(PARALLEL_FILE) {
                Some(left) => state.own.disturbed |= *left != change.before,
                None => state.own.before = change.before,
            }
        }
        state.left.extend(announced.into_iter().map(|change| (change.path.as_str().to_owned(), change.after)));
        Ok(())
    }

    /// Says that every change is announced. A taking back that is interrupted after this can be finished.
    pub(super) fn ready(&self, dir: &PlanDir) -> Result<(), WriteError> {
        let mut state = self.state();
        let line = Record::ready_line(state.changes);
        self.append(dir, &mut state, &line)
    }

    /// Ends the record.
    pub fn finish(&self, dir: &PlanDir, ended: Timestamp, run: Option<Tallied>) -> Result<(), WriteError> {
        let mut state = self.state();
        self.check_place(dir, &state)?;
        let own = if state.own.disturbed { own_text(dir, &state.own) } else { None };
        let left = state.left.get(PARALLEL_FILE).copied().flatten();
        end(dir, left, own, ended, run, |line| self.append(dir, &mut state, line))
    }

    /// Notes what was changed in parallel.json.
    pub(super) fn note_changes(&self, changes: BTreeMap<AchievementId, crate::parallel::Change>, updated: &str) {
        let mut state = self.state();
        for (id, change) in changes {
            state.own.changes.entry(id).or_default().overlay(change);
        }
        updated.clone_into(&mut state.own.updated);
    }

    /// Notes what parallel.json would be had nobody else changed it.
    pub(super) fn note_own(&self, dir: &PlanDir, text: &[u8]) -> Result<(), WriteError> {
        let blob = Digest::of(text);
        blobs::put(dir, blob, text)?;
        let mut state = self.state();
        (state.own.left, state.own.disturbed) = (Some(blob), true);
        Ok(())
    }

    /// Whether the record is where it was begun.
    pub fn is_there(&self, dir: &PlanDir) -> bool {
        self.check(dir).is_ok()
    }

    /// Makes sure that the record is where it was begun.
    pub(super) fn check(&self, dir: &PlanDir) -> Result<(), WriteError> {
        self.check_place(dir, &self.state())
    }

    fn check_place(&self, dir: &PlanDir, state: &State) -> Result<(), WriteError> {
        state.file.check_place().map_err(|source| WriteError::Io { path: dir.shown(&self.path()), source })
    }

    fn path(&self) -> String {
        format!("{}/{}", records::folder_of(&self.id), records::CHANGES)
    }

    fn append(&self, dir: &PlanDir, state: &mut State, lines: &str) -> Result<(), WriteError> {
        let written = state.file.append(lines.as_bytes());
        written.map_err(|source| WriteError::Io { path: dir.shown(&self.path()), source })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the record would still hold what was announced.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What parallel.json would be had nobody else changed it; `None` where that cannot be told.
fn own_text(dir: &PlanDir, own: &Own) -> Option<Vec<u8>> {
    let bytes = |blob: Option<Digest>| blobs::get(dir, blob?).ok().flatten();
    if own.left.is_some() {
        return bytes(own.left);
    }
    let (text, _) = edit::changed(dir, &bytes(own.before)?, &own.changes, Statuses::Count, &own.updated).ok()?;
    Some(text.into_bytes())
}

/// Writes the end of a record; what parallel.json was left as, or would have been left as without others, is kept, so that it
/// can be taken back in part later.
pub(super) fn end(
    dir: &PlanDir,
    left: Option<Digest>,
    own: Option<Vec<u8>>,
    ended: Timestamp,
    run: Option<Tallied>,
    append: impl FnOnce(&str) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    if let Some(text) = own {
        let blob = Digest::of(&text);
        blobs::put(dir, blob, &text)?;
        return append(&End { end: whole_milliseconds(ended), run, parallel: Some(blob), own: true }.to_line());
    }
    let now = left.and_then(|left| dir.read(PARALLEL_FILE).ok().filter(|bytes| Digest::of(bytes) == left));
    let parallel = match (left, now) {
        (Some(left), Some(bytes)) => {
            blobs::put(dir, left, &bytes)?;
            Some(left)
        }
        _ => None,
    };
    append(&End { end: whole_milliseconds(ended), run, parallel, own: false }.to_line())
}

/// The change that an intent amounts to; the bytes that it will overwrite are kept. `None` where it changes nothing.
fn keep_old(
    dir: &PlanDir,
    intent: &Intent<'_>,
    left: &HashMap<String, Option<Digest>>,
) -> Result<Option<Change>, WriteError> {
    let failed = |source| WriteError::Io { path: dir.shown(intent.path), source };
    let Some(path) = PlanPath::parse(intent.path) else {
        return Err(failed(io::Error::other("this is no path inside the plan directory")));
    };
    let change = |change, before, mode| Change { change, path, before, after: intent.after, mode };
    let metadata = match dir.dir().metadata(intent.path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(intent.after.is_some().then(|| change(ChangeKind::Created, None, None)));
        }
        Err(error) => return Err(failed(error)),
    };
    if intent.existing == Existing::Keep && metadata.len() > super::scan::PLACEHOLDER_LIMIT {
        return Ok(None);
    }
    let bytes = dir.read(intent.path).map_err(|error| match error {
        StoreError::Io { source, .. } => failed(source),
        StoreError::TooLarge { .. } | StoreError::Locate(_) | StoreError::InTheWay { .. } => {
            failed(io::Error::other(error.to_string()))
        }
    })?;
    if intent.existing == Existing::Keep && !is_placeholder(&String::from_utf8_lossy(&bytes)) {
        return Ok(None);
    }
    let before = Digest::of(&bytes);
    if let Existing::ReplaceOnly(read) = intent.existing
        && read != before
    {
        return Err(WriteError::Changed { path: dir.shown(intent.path) });
    }
    if intent.after == Some(before) {
        return Ok(None);
    }
    if left.get(intent.path) != Some(&Some(before)) {
        match intent.after {
            Some(_) => blobs::put(dir, before, &bytes)?,
            None => blobs::put_file(dir, before, intent.path, &bytes)?,
        }
    }
    let kind = if intent.after.is_some() { ChangeKind::Replaced } else { ChangeKind::Removed };
    Ok(Some(change(kind, Some(before), mode_of(&metadata))))
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> Option<u32> {
    use cap_std::fs::PermissionsExt as _;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> Option<u32> {
    None
}

/// The id after the highest there is.
fn next_id(dir: &PlanDir, began: Timestamp) -> Result<RunId, WriteError> {
    let ids = dir.operations().map_err(|error| match error {
        StoreError::Io { path, source } => WriteError::Io { path, source },
        StoreError::TooLarge { .. } | StoreError::Locate(_) | StoreError::InTheWay { .. } => {
            WriteError::Io { path: dir.shown(records::FOLDER), source: io::Error::other(error.to_string()) }
        }
    })?;
    Ok(RunId::new(began, ids.first().map_or(0, RunId::number).saturating_add(1)))
}
