//! Bytes from before a change, each in a file of `.planwave/blobs/` that has their hash for a name.
//!
//! A blob is whole before anything relies on it, is checked against its name when it is read, and is never changed.

use std::io::{self, Read as _};

use cap_fs_ext::MetadataExt as _;

use super::{Existing, PlanDir, StoreError, WriteError};
use crate::history::Digest;

const FOLDER: &str = PlanDir::BLOBS;

pub(super) fn path_of(blob: Digest) -> String {
    format!("{FOLDER}/{blob}")
}

/// Keeps these bytes, synced.
pub(super) fn put(dir: &PlanDir, blob: Digest, bytes: &[u8]) -> Result<(), WriteError> {
    if has(dir, blob, bytes) {
        return Ok(());
    }
    dir.write(&path_of(blob), bytes, Existing::Replace)
}

/// Keeps the bytes of a file that is about to lose its name, which were read just now: a second name for it is enough.
/// The names are durable after [`sync`].
pub(super) fn put_file(dir: &PlanDir, blob: Digest, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
    if has(dir, blob, bytes) {
        return Ok(());
    }
    let link = || -> io::Result<bool> {
        dir.dir().create_dir_all(FOLDER)?;
        let _ = dir.dir().remove_file(path_of(blob));
        // A link would get the second name itself.
        if !dir.dir().symlink_metadata(path)?.is_file() {
            return Ok(false);
        }
        // The bytes of a document that a person wrote may not be on the disk yet.
        dir.dir().open(path)?.sync_all()?;
        dir.dir().hard_link(path, path_of(blob))?;
        // Somebody may have written into the file meanwhile.
        Ok(dir.dir().read(path_of(blob))? == bytes)
    };
    // File systems without hard links get a copy.
    if link().unwrap_or(false) { Ok(()) } else { dir.write(&path_of(blob), bytes, Existing::Replace) }
}

/// Makes the names of all blobs durable.
pub(super) fn sync(dir: &PlanDir) -> Result<(), WriteError> {
    let folder = dir.dir().open_dir(FOLDER).and_then(|folder| folder.sync());
    match folder {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(WriteError::Io { path: dir.shown(FOLDER), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether the blob is there: these bytes, under no other name through which they could be changed. Whatever else has its name
/// gives way to a new one.
fn has(dir: &PlanDir, blob: Digest, bytes: &[u8]) -> bool {
    let there = || -> io::Result<bool> {
        let file = dir.dir().open(path_of(blob))?;
        let metadata = file.metadata()?;
        if metadata.nlink() > 1 || metadata.len() != bytes.len() as u64 {
            return Ok(false);
        }
        let mut there = Vec::with_capacity(bytes.len());
        file.take(metadata.len()).read_to_end(&mut there)?;
        Ok(there == bytes)
    };
    there().unwrap_or(false)
}

/// The bytes of a blob; `None` where there is none, or where it holds other bytes.
pub(super) fn get(dir: &PlanDir, blob: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    match dir.read(&path_of(blob)) {
        Ok(bytes) => Ok((Digest::of(&bytes) == blob).then_some(bytes)),
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every blob and its size.
pub(super) fn all(dir: &PlanDir) -> Result<Vec<(Digest, u64)>, StoreError> {
    let failed = |source| StoreError::Io { path: dir.shown(FOLDER), source };
    let entries = match dir.dir().read_dir(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut blobs = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if let Some(blob) = entry.file_name().to_str().and_then(Digest::parse) {
            blobs.push((blob, entry.metadata().map_err(failed)?.len()));
        }
    }
    Ok(blobs)
}
