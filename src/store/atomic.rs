//! The one way in which project state is written: whole or not at all.
//!
//! A temporary file in the same directory, synced, then put in place in one step, then the directory synced. A file
//! that is there is left alone unless replacing it was asked for; that decision and the step are one system call, so
//! no other process can slip in between.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use cap_std::fs::{Dir, Metadata, OpenOptions, Permissions};

/// What to do where the file is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and fail with [`WriteError::Exists`], unless it is blank: an empty file or a placeholder is no document.
    Keep,
    /// Put the new one in its place, with the old one's permissions.
    Replace,
}

/// Nothing was written, and what was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file is there and was not to be replaced.
    #[error("{} already exists and was not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody broke parallel.json while the run was going; it is left as it is.
    #[error("{} was changed during the run and cannot be read any more: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The first problem found.
        problem: String,
    },
    /// The system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl WriteError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some(String::from("use --force to replace documents that exist")),
            Self::Invalid { .. } => Some(String::from(
                "mend the file, then run the same command again: the documents are on disk and count",
            )),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(String::from(
                    "free some space, then run the same command again: only what is missing is generated",
                )),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some(String::from("make the plan directory writable, then run the same command again"))
                }
                _ => None,
            },
        }
    }

    /// Whether every further write will fail the same way, so that going on would only waste money.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Io { .. })
    }
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to `path` below `dir`. `shown` is the path for messages, `is_blank` tells what counts as nothing.
pub(super) fn write(
    dir: &Dir,
    path: &Path,
    shown: &Path,
    bytes: &[u8],
    existing: Existing,
    is_blank: impl Fn(&[u8]) -> bool,
) -> Result<(), WriteError> {
    let failed = |source: io::Error| WriteError::Io { path: shown.to_path_buf(), source };
    let folder = folder_of(dir, path).map_err(failed)?;
    let Some(name) = path.file_name().map(Path::new) else {
        return Err(failed(io::Error::from(io::ErrorKind::InvalidFilename)));
    };
    let there = folder.symlink_metadata(name).ok();
    let existing = match (existing, &there) {
        (Existing::Keep, Some(metadata)) if blank_on_disk(&folder, name, metadata, is_blank) => Existing::Replace,
        (Existing::Keep, Some(_)) => return Err(WriteError::Exists { path: shown.to_path_buf() }),
        (Existing::Keep | Existing::Replace, _) => existing,
    };
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = PathBuf::from(format!(".planwave-{}-{number}.tmp", std::process::id()));
    let permissions = there.filter(Metadata::is_file).map(|metadata| metadata.permissions());
    let result = write_temporary(&folder, &temporary, bytes, permissions)
        .and_then(|()| put_in_place(&folder, &temporary, name, existing));
    if result.is_err() {
        // Whatever went wrong is reported; a temporary that cannot be removed either does no harm.
        let _ = folder.remove_file(&temporary);
    }
    match result {
        Ok(()) => sync_folder(&folder).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && existing == Existing::Keep => {
            Err(WriteError::Exists { path: shown.to_path_buf() })
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes an empty file into a folder and takes it away again.
pub(super) fn try_out(dir: &Dir, folder: &Path) -> io::Result<()> {
    let folder = folder_of(dir, &folder.join("any"))?;
    let name = PathBuf::from(format!(".planwave-{}-probe.tmp", std::process::id()));
    folder.open_with(&name, OpenOptions::new().write(true).create_new(true))?;
    folder.remove_file(&name)
}

/// The folder that `path` lies in; made where it is missing.
fn folder_of(dir: &Dir, path: &Path) -> io::Result<Dir> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return dir.try_clone();
    };
    match dir.open_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            dir.create_dir_all(parent)?;
            dir.open_dir(parent)
        }
        opened => opened,
    }
}

/// Whether a small regular file is there and is blank. It is looked at just before the write, so that what somebody
/// has filled in since the run was planned stays.
fn blank_on_disk(folder: &Dir, name: &Path, metadata: &Metadata, is_blank: impl Fn(&[u8]) -> bool) -> bool {
    let small = metadata.is_file() && metadata.len() <= super::scan::PLACEHOLDER_LIMIT;
    small && folder.read(name).is_ok_and(|bytes| is_blank(&bytes))
}

fn write_temporary(folder: &Dir, temporary: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let mut file = folder.open_with(temporary, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_all()
}

fn put_in_place(folder: &Dir, temporary: &Path, name: &Path, existing: Existing) -> io::Result<()> {
    match existing {
        Existing::Replace => folder.rename(temporary, folder, name),
        Existing::Keep => match folder.hard_link(temporary, folder, name) {
            Ok(()) => folder.remove_file(temporary),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // A file system without hard links (FAT, some network shares): look, then rename.
            Err(_) if folder.symlink_metadata(name).is_ok() => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            Err(_) => folder.rename(temporary, folder, name),
        },
    }
}

/// Makes the new name itself durable. Windows has no counterpart and needs none: NTFS journals names.
#[cfg(unix)]
fn sync_folder(folder: &Dir) -> io::Result<()> {
    // The handle itself cannot be synced: it is opened for paths only.
    folder.open(".")?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Dir) -> io::Result<()> {
    Ok(())
}
