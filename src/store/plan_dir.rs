//! A plan directory behind one handle.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    Existing, Listing, Scan, WriteError,
    advice::{self, OUTSIDE_HINT, is_outside},
    atomic::{self, Placement, Write},
    disk::Directory,
    locate::{LocateError, Located, locate},
    own_folder::OWN_FOLDER,
    ownership::{self, OwnershipKey},
    room,
    scan::Depth,
    swap,
};
use crate::{
    document::Names,
    history::Digest,
    plan::{AchievementId, PlanName},
};

/// Files larger than this are refused unread: no PLAN, parallel.json or document is that large.
const LARGEST_FILE: u64 = 256 * 1024 * 1024;

/// An open plan directory. Cheap to share; all paths are relative to it.
#[derive(Debug)]
pub struct PlanDir {
    dir: Directory,
    located: Located,
    key: OwnershipKey,
}

/// What interrupted writes had left behind.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Unfinished files that were removed.
    pub removed: usize,
    /// What a person had saved at the moment of the interruption, and where it is now.
    pub kept: Vec<PathBuf>,
}

/// Reading the plan directory failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no PLAN where the user pointed.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No sensible file is that large.
    #[error("{} has {bytes} bytes; nothing planwave reads is that large", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Something has the name of a document and is none.
    #[error("{} has the name of a document, but is {what}", path.display())]
    InTheWay {
        /// Where it is.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
}

impl StoreError {
    /// Whether other files cannot be read either, so that going on would only waste money.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Io { source, .. } if !is_outside(source) && source.kind() != io::ErrorKind::NotFound)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Locate(error) => error.hint(),
            Self::Io { source, .. } if is_outside(source) => Some(String::from(OUTSIDE_HINT)),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(String::from("check the permissions"))
            }
            Self::Io { source, .. } => advice::for_disk(source).map(str::to_owned),
            Self::TooLarge { .. } => Some(String::from("is this the file you meant?")),
            Self::InTheWay { .. } => Some(String::from("remove it, or put the document itself there")),
        }
    }
}

impl PlanDir {
    /// The folder of bytes from before a change.
    pub const BLOBS: &str = ".planwave/blobs";

    /// Opens what the user named: a plan directory, a `PLAN_*.md`, or a parallel.json. A `.planwave` that is there already counts
    /// as somebody else's ([`PlanDir::open_as`]).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, OwnershipKey::default())
    }

    /// The same for the user of this key: a `.planwave` with the user's mark is used.
    pub fn open_as(path: &Path, key: OwnershipKey) -> Result<Self, StoreError> {
        Self::at(locate(path)?, key)
    }

    /// Opens a directory that may have no PLAN; `name` stands for the plan's.
    pub fn without_plan(directory: &Path, name: PlanName, key: OwnershipKey) -> Result<Self, StoreError> {
        let plan_file = format!("PLAN_{name}.md");
        Self::at(Located { directory: directory.to_path_buf(), name, plan_file }, key)
    }

    fn at(located: Located, key: OwnershipKey) -> Result<Self, StoreError> {
        let dir = Directory::open_plan(&located.directory)
            .map_err(|source| StoreError::Io { path: located.directory.clone(), source })?;
        if ownership::judge(&dir, &key).is_some() {
            dir.disbelieve();
        }
        Ok(Self { dir, located, key })
    }

    pub(super) fn key(&self) -> &OwnershipKey {
        &self.key
    }

    /// Whether there is a regular file at this path below the directory.
    pub fn is_file(&self, path: &str) -> bool {
        self.dir.metadata(path).is_ok_and(|metadata| metadata.is_file())
    }

    /// The directory as the user would name it.
    pub fn path(&self) -> &Path {
        &self.located.directory
    }

    /// The PLAN in it.
    pub fn located(&self) -> &Located {
        &self.located
    }

    /// Where a file of the plan lies, as the user would name it.
    pub fn shown(&self, path: &str) -> PathBuf {
        if self.located.directory == Path::new(".") { PathBuf::from(path) } else { self.located.directory.join(path) }
    }

    /// The error in words that name the directory, where a path led out of it.
    pub(super) fn explained(&self, error: io::Error) -> io::Error {
        if is_outside(&error) {
            let directory = std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_path_buf());
            let message = format!("a link in this path leads out of the plan directory, {}", directory.display());
            io::Error::new(io::ErrorKind::PermissionDenied, message)
        } else {
            error
        }
    }

    fn explained_write(&self, error: WriteError) -> WriteError {
        match error {
            WriteError::Io { path, source } => WriteError::Io { path, source: self.explained(source) },
            other => other,
        }
    }

    /// The PLAN's bytes.
    pub fn read_plan(&self) -> Result<Vec<u8>, StoreError> {
        self.read(&self.located.plan_file)
    }

    /// parallel.json's bytes, or `None` where there is none.
    pub fn read_parallel(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.read("parallel.json") {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes of a file.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        let failed = |source| StoreError::Io { path: self.shown(path), source: self.explained(source) };
        let metadata = self.dir.metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            // A pipe would be waited for, perhaps for ever.
            return Err(failed(io::Error::other("it is no regular file")));
        }
        let bytes = metadata.len();
        if bytes > LARGEST_FILE {
            return Err(StoreError::TooLarge { path: self.shown(path), bytes });
        }
        self.dir.read(path).map_err(failed)
    }

    /// What documents and verdicts there are, in one pass over the directory.
    pub fn scan(&self, names: &Names) -> Result<Scan, StoreError> {
        Scan::of(self, self.list()?, names, Depth::Documents)
    }

    /// The names in the folders of documents and verdicts.
    pub fn list(&self) -> Result<Listing, StoreError> {
        Listing::of(self)
    }

    /// As [`PlanDir::scan`], of a listing, as far as statuses need it: a document that cannot change a status is not opened, so it
    /// counts as one even where it is a placeholder. Of the achievements `in_full` every document is opened.
    pub fn survey(
        &self,
        listing: Listing,
        names: &Names,
        in_full: &HashSet<AchievementId>,
    ) -> Result<Scan, StoreError> {
        Scan::of(self, listing, names, Depth::Statuses(in_full))
    }

    /// When a file was last changed; `None` where it is not there or the system does not say.
    pub fn modified(&self, path: &str) -> Option<Timestamp> {
        let time = self.dir.metadata(path).ok()?.modified().ok()?.into_std();
        Timestamp::try_from(time).ok()
    }

    /// Where the file at `path` is a link: what it leads to in the directory, unless that is a file that planwave writes.
    pub(super) fn foreign_target(&self, path: &str) -> Option<PathBuf> {
        let link = Path::new(path);
        let target = self.dir.symlink_metadata(link).is_ok_and(|metadata| metadata.is_symlink());
        let target = target.then(|| self.dir.canonicalize(link).ok()).flatten()?;
        (!atomic::may_give_way(link, &target)).then_some(target)
    }

    /// Writes a file atomically.
    pub fn write(&self, path: &str, bytes: &[u8], existing: Existing) -> Result<(), WriteError> {
        self.write_with_mode(path, bytes, existing, None)
    }

    /// The same; `mode` has the Unix permission bits that a file gets where none is there.
    pub(super) fn write_with_mode(
        &self,
        path: &str,
        bytes: &[u8],
        existing: Existing,
        mode: Option<u32>,
    ) -> Result<(), WriteError> {
        tracing::debug!(path, bytes = bytes.len(), ?existing, "write");
        let one = Write { path: Path::new(path), shown: self.shown(path), bytes, existing, mode };
        let written = atomic::write_all(&self.dir, &[one], &is_blank, &mut |_| Ok(())).pop().unwrap_or(Ok(()));
        written.map_err(|error| self.explained_write(error))
    }

    /// Writes files atomically, each on its own; `announce` is told of all before any is put in place.
    pub(super) fn write_all(
        &self,
        writes: &[Write<'_>],
        announce: &mut dyn FnMut(&[Placement<'_>]) -> Result<(), WriteError>,
    ) -> Vec<Result<(), WriteError>> {
        tracing::debug!(documents = writes.len(), "write");
        let results = atomic::write_all(&self.dir, writes, &is_blank, announce);
        results.into_iter().map(|result| result.map_err(|error| self.explained_write(error))).collect()
    }

    /// Removes a file; none there is no error.
    pub fn remove(&self, path: &str) -> Result<(), WriteError> {
        tracing::debug!(path, "remove");
        match self.dir.remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(WriteError::Io { path: self.shown(path), source: self.explained(source) })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes a file that must hold these bytes; none there is no error.
    ///
    /// # Errors
    ///
    /// [`WriteError::Changed`] where it holds others, and is left as it is.
    pub(super) fn remove_only(&self, path: &str, bytes: Digest) -> Result<(), WriteError> {
        tracing::debug!(path, "remove");
        let at = Path::new(path);
        let parent = at.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let removed = match (at.file_name(), self.dir.open_dir(parent)) {
            (Some(name), Ok(folder)) => swap::remove(&folder, Path::new(name), bytes),
            (None, Ok(_)) => Err(io::Error::from(io::ErrorKind::InvalidFilename)),
            (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            (_, Err(error)) => Err(error),
        };
        match removed {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriteError::Changed { path: self.shown(path) }),
            Err(source) => Err(WriteError::Io { path: self.shown(path), source: self.explained(source) }),
        }
    }

    /// Removes what interrupted writes left behind, and tells what that was. The caller holds the lock, so none of it is
    /// anybody's any more.
    pub fn remove_temporaries(&self) -> Leftovers {
        let mut left = Leftovers::default();
        for folder in [".", "subplans", "execution", "execution/feedbacks", ".planwave", ".planwave/blobs"] {
            let Ok(entries) = self.dir.read_dir(folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let ours = name.to_str().is_some_and(atomic::is_temporary);
                left.removed += usize::from(ours && entry.remove_file().is_ok());
            }
            self.clear_out(folder, &mut left);
        }
        left
    }

    /// What had come out of its place when a crash came: bytes that are kept elsewhere, or that planwave itself made, go. A
    /// person's are put back.
    fn clear_out(&self, folder: &str, left: &mut Leftovers) {
        let Ok(opened) = self.dir.open_dir(folder) else { return };
        for (out, name) in swap::leftovers(&opened) {
            let Ok(Some(bytes)) = swap::digest(&opened, &out) else { continue };
            let is_kept = |blob| matches!(self.blob(blob), Ok(Some(_)));
            if is_kept(bytes)
                || swap::digest(&opened, &name).is_ok_and(|there| there == Some(bytes))
                || self.made(bytes)
            {
                left.removed += usize::from(opened.remove_file(&out).is_ok());
            } else if let Ok(kept) = swap::put_back(&opened, &out, &name) {
                let kept = Path::new(folder).join(kept);
                left.kept.push(self.shown(&kept.strip_prefix(".").unwrap_or(&kept).to_string_lossy()));
            }
        }
    }

    /// Whether an operation on record announced a file with these bytes.
    fn made(&self, bytes: Digest) -> bool {
        let records = self.operations().into_iter().flatten().filter_map(|id| self.record(&id).ok());
        let mut changes = records.flat_map(|record| record.changes);
        changes.any(|change| change.after == Some(bytes))
    }

    /// Makes a folder where it is missing, and makes sure that files can be written in it.
    pub fn check_writable(&self, folder: &str) -> Result<(), WriteError> {
        atomic::try_out(&self.dir, Path::new(folder))
            .map_err(|source| WriteError::Io { path: self.shown(folder), source: self.explained(source) })
    }

    /// Makes sure that a file that is there can be replaced.
    pub fn check_replaceable(&self, path: &str) -> Result<(), WriteError> {
        atomic::try_out_replacing(&self.dir, Path::new(path))
            .map_err(|source| WriteError::Io { path: self.shown(path), source: self.explained(source) })
    }

    /// Sets room aside on the disk, so that what is received can be written when it is full. Whoever holds the run lock may.
    ///
    /// # Errors
    ///
    /// The disk is full already. One on which no room can be set aside for another reason is no error.
    pub fn set_room_aside(&self, bytes: u64) -> Result<(), WriteError> {
        let set = self.dir.open_dir(OWN_FOLDER).and_then(|folder| folder.set_room_aside(bytes));
        match set {
            Err(source) if room::is_full(&source) => Err(WriteError::Io { path: self.shown(OWN_FOLDER), source }),
            Err(error) => {
                tracing::debug!(%error, "no room is set aside");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Gives back the room that was set aside.
    pub fn give_room_back(&self) {
        self.dir.room().end();
    }

    /// Says that the disk is full, where room that was set aside had to be used.
    pub(super) fn trouble(&self) -> Option<WriteError> {
        self.dir.room().is_used().then(|| WriteError::Io {
            path: self.path().to_path_buf(),
            source: io::Error::new(
                io::ErrorKind::StorageFull,
                "the disk is full; what is on its way goes into the room that was set aside for it",
            ),
        })
    }

    /// Bytes that can still be written where the directory lies.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn free_space(&self) -> io::Result<u64> {
        self.dir.space().map_or_else(|| fs4::available_space(self.path()), Ok)
    }

    pub(super) fn dir(&self) -> &Directory {
        &self.dir
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    crate::document::is_placeholder(&String::from_utf8_lossy(bytes))
}
