//! The one way in which project state is written: whole or not at all.
//!
//! A temporary file in the same directory, synced, then put in place in one step, then the directory synced. A file
//! that is there is left alone unless replacing it was asked for; that decision and the step are one system call, so
//! no other process can slip in between.

use std::{
    borrow::Cow,
    collections::HashSet,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use cap_std::fs::{Metadata, OpenOptions, Permissions};

use super::{
    advice,
    disk::{Directory, DiskFile},
    lines::is_gone,
    swap,
};
use crate::history::{Digest, PlanPath};

/// What to do where the file is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and fail with [`WriteError::Exists`], unless it is blank: an empty file or a placeholder is no document.
    Keep,
    /// Put the new one in its place, with the old one's permissions. Where its name is a link to a file in the directory, that
    /// file gives way, and the link stays.
    Replace,
    /// The same, only where the file still holds these bytes; otherwise leave it and fail with [`WriteError::Changed`].
    ReplaceOnly(Digest),
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
    /// Somebody changed the file since it was read; what they wrote is there.
    #[error("{} was changed at the same moment and was left as it is", path.display())]
    Changed {
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
            Self::Changed { .. } => Some(String::from("run the same command again")),
            Self::Invalid { .. } => Some(String::from(
                "mend the file, then run the same command again: the documents are on disk and count",
            )),
            Self::Io { source, .. } => advice::for_disk(source).map(str::to_owned),
        }
    }

    /// The same error once more, for another file of a batch.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Exists { path } => Self::Exists { path: path.clone() },
            Self::Changed { path } => Self::Changed { path: path.clone() },
            Self::Invalid { path, problem } => Self::Invalid { path: path.clone(), problem: problem.clone() },
            Self::Io { path, source } => Self::Io { path: path.clone(), source: advice::again(source) },
        }
    }

    /// Whether planwave's own folder was removed while it was at work.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_gone(source))
    }

    /// Whether every further write will fail the same way, so that going on would only waste money.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Io { .. })
    }
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A file to be written.
#[derive(Clone, Debug)]
pub(super) struct Write<'a> {
    /// Relative to the directory.
    pub(super) path: &'a Path,
    /// The path for messages.
    pub(super) shown: PathBuf,
    pub(super) bytes: &'a [u8],
    pub(super) existing: Existing,
    /// Unix permission bits where no file is there now.
    pub(super) mode: Option<u32>,
}

/// What is about to be done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement<'a> {
    /// Relative to the directory.
    pub(super) path: &'a Path,
    /// Whether something that is there gives way.
    pub(super) replaces: bool,
}

/// Whether a name is one that an unfinished write leaves behind.
pub(super) fn is_temporary(name: &str) -> bool {
    let middle = name.strip_prefix(".planwave-").and_then(|name| name.strip_suffix(".tmp"));
    middle.is_some_and(|middle| !middle.is_empty() && middle.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

/// Writes one file below `dir`. `is_blank` tells what counts as nothing.
pub(super) fn write(
    dir: &Directory,
    path: &Path,
    shown: &Path,
    bytes: &[u8],
    existing: Existing,
    is_blank: impl Fn(&[u8]) -> bool,
) -> Result<(), WriteError> {
    let one = Write { path, shown: shown.to_path_buf(), bytes, existing, mode: None };
    let mut results = write_all(dir, &[one], &is_blank, &mut |_| Ok(()));
    results.pop().unwrap_or(Ok(()))
}

/// Writes files below `dir`, each with the guarantees of a file written alone, and the result of each in their order.
///
/// All are written and synced under temporary names; then `announce` is told what is about to be put in place, and may
/// forbid it all; then each is put in place; then each folder is synced, once.
pub(super) fn write_all(
    dir: &Directory,
    writes: &[Write<'_>],
    is_blank: &dyn Fn(&[u8]) -> bool,
    announce: &mut dyn FnMut(&[Placement<'_>]) -> Result<(), WriteError>,
) -> Vec<Result<(), WriteError>> {
    let mut folders = Folders { dir, open: Vec::new() };
    let mut taken = HashSet::new();
    let mut results: Vec<Result<Staged, WriteError>> = writes
        .iter()
        // A document of the same batch is no blank file, even where it takes the place of one.
        .map(|write| stage(&mut folders, write, is_blank, !taken.insert(write.path)))
        .collect();
    for (write, result) in writes.iter().zip(&mut results) {
        if let Ok(staged) = result
            && let Err(error) = staged.sync()
        {
            *result = Err(staged.give_up(&folders, write, error));
        }
    }
    let ready = writes.iter().zip(&results).filter_map(|(write, result)| {
        let staged = result.as_ref().ok()?;
        Some(Placement { path: write.path, replaces: staged.existing != Existing::Keep && staged.there })
    });
    let ready: Vec<Placement<'_>> = ready.collect();
    let announced = if ready.is_empty() { Ok(()) } else { announce(&ready) };
    let mut touched = vec![false; folders.open.len()];
    for (write, result) in writes.iter().zip(&mut results) {
        let Ok(staged) = result else { continue };
        let placed = match &announced {
            Ok(()) => match put_in_place(folders.get(staged), &staged.temporary, &staged.name, staged.existing) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    staged.remove(&folders);
                    Err(WriteError::Changed { path: write.shown.clone() })
                }
                Err(error) => Err(staged.give_up(&folders, write, error)),
            },
            Err(error) => {
                staged.remove(&folders);
                Err(error.again())
            }
        };
        match placed {
            Ok(()) => touched[staged.folder] = true,
            Err(error) => *result = Err(error),
        }
    }
    let synced: Vec<io::Result<()>> = folders
        .open
        .iter()
        .zip(touched)
        .map(|((_, folder), touched)| if touched { folder.sync() } else { Ok(()) })
        .collect();
    let end = |(write, result): (&Write<'_>, Result<Staged, WriteError>)| match &synced[result?.folder] {
        Ok(()) => Ok(()),
        Err(error) => Err(failed(write, advice::again(error))),
    };
    writes.iter().zip(results).map(end).collect()
}

fn failed(write: &Write<'_>, source: io::Error) -> WriteError {
    WriteError::Io { path: write.shown.clone(), source }
}

/// The folders of a batch, each opened once.
struct Folders<'a> {
    dir: &'a Directory,
    open: Vec<(PathBuf, Directory)>,
}

impl Folders<'_> {
    /// The place in `open` of the folder that `path` lies in.
    fn of(&mut self, path: &Path) -> io::Result<usize> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if let Some(at) = self.open.iter().position(|(known, _)| known == parent) {
            return Ok(at);
        }
        self.open.push((parent.to_owned(), folder_of(self.dir, path)?));
        Ok(self.open.len() - 1)
    }

    fn get(&self, staged: &Staged) -> &Directory {
        &self.open[staged.folder].1
    }
}

/// A file under its temporary name.
struct Staged {
    folder: usize,
    temporary: PathBuf,
    name: PathBuf,
    /// Until it is synced.
    file: Option<DiskFile>,
    existing: Existing,
    /// Whether something had the name before.
    there: bool,
}

impl Staged {
    fn sync(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.sync_all())
    }

    /// Takes the temporary away again.
    fn remove(&self, folders: &Folders<'_>) {
        // Whatever went wrong is reported; a temporary that cannot be removed either does no harm.
        let _ = folders.get(self).remove_file(&self.temporary);
    }

    fn give_up(&self, folders: &Folders<'_>, write: &Write<'_>, error: io::Error) -> WriteError {
        self.remove(folders);
        if error.kind() == io::ErrorKind::AlreadyExists && self.existing == Existing::Keep {
            WriteError::Exists { path: write.shown.clone() }
        } else {
            failed(write, error)
        }
    }
}

/// Writes a file under a temporary name. `taken` says that its name is going to be taken by another of the batch.
fn stage(
    folders: &mut Folders<'_>,
    write: &Write<'_>,
    is_blank: &dyn Fn(&[u8]) -> bool,
    taken: bool,
) -> Result<Staged, WriteError> {
    let path = behind_link(folders, write).map_err(|error| failed(write, error))?;
    let at = folders.of(&path).map_err(|error| failed(write, error))?;
    let folder = &folders.open[at].1;
    let Some(name) = path.file_name().map(PathBuf::from) else {
        return Err(failed(write, io::Error::from(io::ErrorKind::InvalidFilename)));
    };
    let there = folder.symlink_metadata(&name).ok();
    let existing = match (write.existing, &there) {
        (Existing::Keep, Some(metadata)) if !taken && blank_on_disk(folder, &name, metadata, is_blank) => {
            Existing::Replace
        }
        (Existing::Keep, Some(_)) => return Err(WriteError::Exists { path: write.shown.clone() }),
        (Existing::Keep | Existing::Replace | Existing::ReplaceOnly(_), _) => write.existing,
    };
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = PathBuf::from(format!(".planwave-{}-{number}.tmp", std::process::id()));
    // Nobody sets permissions in planwave's own folder.
    let kept = |metadata: &&Metadata| metadata.is_file() && !folders.dir.is_own(&path);
    let permissions = match &there {
        Some(metadata) => Some(metadata).filter(kept).map(Metadata::permissions),
        None => write.mode.and_then(permissions_of),
    };
    let mut staged = Staged { folder: at, temporary, name, file: None, existing, there: there.is_some() || taken };
    match write_temporary(folder, &staged.temporary, write.bytes, permissions) {
        Ok(file) => staged.file = Some(file),
        Err(error) => return Err(staged.give_up(folders, write, error)),
    }
    Ok(staged)
}

/// The path of the file that a write replaces: where its name is a link, what that leads to, which must be there and inside
/// the directory.
fn behind_link<'a>(folders: &mut Folders<'_>, write: &Write<'a>) -> io::Result<Cow<'a, Path>> {
    let path = Cow::Borrowed(write.path);
    if write.existing == Existing::Keep || folders.dir.is_own(write.path) {
        return Ok(path);
    }
    let at = folders.of(write.path)?;
    let is_link = |name| folders.open[at].1.symlink_metadata(name).is_ok_and(|metadata| metadata.is_symlink());
    if !write.path.file_name().is_some_and(is_link) {
        return Ok(path);
    }
    match folders.dir.canonicalize(write.path) {
        Ok(real) if may_give_way(write.path, &real) => Ok(Cow::Owned(real)),
        Ok(real) => Err(io::Error::other(format!(
            "it is a link to {}, which is not a file that planwave writes: put the file itself there",
            real.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), "it is a link to a file that is not there"))
        }
        Err(error) => Err(error),
    }
}

/// Whether a file may be replaced by way of a link to it: one of the same name, or of a document's; where parallel.json is the
/// link, any JSON, for its content is read before. Any other is somebody else's, and a link to it may have come with the plan.
pub(super) fn may_give_way(link: &Path, target: &Path) -> bool {
    let hidden = |component: std::path::Component<'_>| component.as_os_str().to_string_lossy().starts_with('.');
    let same = link.file_name() == target.file_name();
    let path = target.to_str().map(|path| path.replace('\\', "/"));
    let json =
        link == Path::new(super::PARALLEL_FILE) && target.extension().is_some_and(|extension| extension == "json");
    let document = |path: &PlanPath| path.is_written() && path.as_str().contains('/');
    (same || json) && !target.components().any(hidden)
        || path.is_some_and(|path| PlanPath::parse(&path).is_some_and(|path| document(&path)))
}

/// Writes an empty file into a folder and takes it away again.
pub(super) fn try_out(dir: &Directory, folder: &Path) -> io::Result<()> {
    let made = dir.symlink_metadata(folder).is_err();
    let tried = folder_of(dir, &folder.join("any")).and_then(|folder| {
        let name = PathBuf::from(format!(".planwave-{}-probe.tmp", std::process::id()));
        folder.open_with(&name, OpenOptions::new().write(true).create_new(true))?;
        folder.remove_file(&name)
    });
    if made {
        // An empty folder says nothing; the first document makes it again.
        let _ = dir.remove_dir(folder);
    }
    tried
}

/// Whether a file can give way to another by a rename. One that is mounted by itself cannot, and cannot be given a second name
/// either.
pub(super) fn try_out_replacing(dir: &Directory, path: &Path) -> io::Result<()> {
    let link = PathBuf::from(format!(".planwave-{}-probe.tmp", std::process::id()));
    match dir.hard_link(path, &link) {
        Ok(()) => dir.remove_file(&link),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            Err(io::Error::from(io::ErrorKind::ResourceBusy))
        }
        // Hard links may be missing or forbidden for other reasons.
        Err(_) => Ok(()),
    }
}

/// The folder that `path` lies in; made where it is missing.
fn folder_of(dir: &Directory, path: &Path) -> io::Result<Directory> {
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
fn blank_on_disk(folder: &Directory, name: &Path, metadata: &Metadata, is_blank: &dyn Fn(&[u8]) -> bool) -> bool {
    let small = metadata.is_file() && metadata.len() <= super::scan::PLACEHOLDER_LIMIT;
    small && folder.read(name).is_ok_and(|bytes| is_blank(&bytes))
}

fn write_temporary(
    folder: &Directory,
    temporary: &Path,
    bytes: &[u8],
    permissions: Option<Permissions>,
) -> io::Result<DiskFile> {
    let mut file = folder.open_with(temporary, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions
        && let Err(error) = file.set_permissions(permissions.clone())
        && allows_more(&file.metadata()?.permissions(), &permissions)
    {
        return Err(io::Error::new(io::ErrorKind::Unsupported, NoPermissions { source: error }));
    }
    file.start_writing_back();
    Ok(file)
}

/// A file system that keeps no permissions of its own, and would let others read what only its owner could.
#[derive(Debug, thiserror::Error)]
#[error("the file system cannot give it the permissions that the file had ({source}), and others could read it")]
struct NoPermissions {
    source: io::Error,
}

#[cfg(unix)]
fn permissions_of(mode: u32) -> Option<Permissions> {
    use cap_std::fs::PermissionsExt as _;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions_of(_: u32) -> Option<Permissions> {
    None
}

/// Whether somebody may do with a file what they were not to.
#[cfg(unix)]
fn allows_more(has: &Permissions, wanted: &Permissions) -> bool {
    use cap_std::fs::PermissionsExt as _;
    // To execute a document is no harm, and FAT has it on everything.
    has.mode() & !wanted.mode() & 0o666 != 0
}

#[cfg(not(unix))]
fn allows_more(_: &Permissions, _: &Permissions) -> bool {
    false
}

/// Gives a file its name. False where it was to replace certain bytes, and others are there.
pub(super) fn put_in_place(folder: &Directory, temporary: &Path, name: &Path, existing: Existing) -> io::Result<bool> {
    match existing {
        Existing::Replace => folder.rename(temporary, name).map(|()| true),
        Existing::ReplaceOnly(bytes) => swap::replace(folder, temporary, name, bytes),
        Existing::Keep => match folder.rename_new(temporary, name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => link_new(folder, temporary, name),
            result => result,
        }
        .map(|()| true),
    }
}

/// A hard link fails where the name is taken, too.
pub(super) fn link_new(folder: &Directory, temporary: &Path, name: &Path) -> io::Result<()> {
    match folder.hard_link(temporary, name) {
        Ok(()) => folder.remove_file(temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links (FAT, some network shares): an empty file takes the name, where it is free, and
        // gives way. A crash in between leaves it, and an empty file is no document.
        Err(_) => {
            folder.open_with(name, OpenOptions::new().write(true).create_new(true))?;
            folder.rename(temporary, name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, Directory) {
        let directory = tempfile::tempdir().unwrap();
        let dir = Directory::open_ambient(directory.path()).unwrap();
        (directory, dir)
    }

    fn one<'a>(path: &'a str, text: &'a str, existing: Existing) -> Write<'a> {
        Write { path: Path::new(path), shown: PathBuf::from(path), bytes: text.as_bytes(), existing, mode: None }
    }

    fn blank(bytes: &[u8]) -> bool {
        bytes.is_empty()
    }

    /// Every file below a folder with its text; temporaries would show.
    fn files(dir: &Directory, folder: &str) -> Vec<(String, String)> {
        let name = |entry: io::Result<cap_std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = dir.read_dir(folder).unwrap().map(name).collect();
        names.sort();
        let text = |name: String| (name.clone(), dir.read_to_string(format!("{folder}/{name}")).unwrap());
        names.into_iter().map(text).collect()
    }

    fn listed(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn each_file_of_a_batch_has_its_own_result() {
        let (_directory, dir) = scratch();
        dir.create_dir_all("a/folder").unwrap();
        dir.write("a/there", "old").unwrap();
        dir.write("a/empty", "").unwrap();
        dir.write("file", "no folder").unwrap();
        let writes = [
            one("a/new", "1", Existing::Keep),
            one("a/there", "2", Existing::Keep),
            one("a/empty", "3", Existing::Keep),
            one("file/x", "4", Existing::Keep),
            one("a/folder", "5", Existing::Replace),
            one("b/new", "6", Existing::Replace),
            one("a/empty", "7", Existing::Keep),
            one("a/new", "8", Existing::Keep),
        ];
        let results = write_all(&dir, &writes, &blank, &mut |_| Ok(()));
        let said: Vec<&str> = results
            .iter()
            .map(|result| match result {
                Ok(()) => "written",
                Err(WriteError::Exists { .. }) => "exists",
                Err(WriteError::Io { .. }) => "refused",
                Err(WriteError::Invalid { .. }) => "invalid",
                Err(WriteError::Changed { .. }) => "changed",
            })
            .collect();
        assert_eq!(said, ["written", "exists", "written", "refused", "refused", "written", "exists", "exists"]);
        dir.remove_dir("a/folder").unwrap();
        assert_eq!(files(&dir, "a"), listed(&[("empty", "3"), ("new", "1"), ("there", "old")]));
        assert_eq!(files(&dir, "b"), listed(&[("new", "6")]));
    }

    #[test]
    fn nothing_is_in_place_before_it_is_announced_and_nothing_after_a_refusal() {
        let (_directory, dir) = scratch();
        dir.create_dir("a").unwrap();
        dir.write("a/old", "old").unwrap();
        let writes = [one("a/new", "1", Existing::Keep), one("a/old", "2", Existing::Replace)];
        let mut announced = Vec::new();
        let results = write_all(&dir, &writes, &blank, &mut |placements| {
            announced = placements.iter().map(|p| (p.path.to_owned(), p.replaces)).collect();
            // Both are written, under other names, and the old one still stands.
            assert_eq!(dir.read_to_string("a/old").unwrap(), "old");
            let temporaries = files(&dir, "a").into_iter().filter(|(name, _)| name.ends_with(".tmp"));
            assert_eq!(temporaries.map(|(_, text)| text).collect::<String>().len(), 2);
            assert!(!dir.exists("a/new"));
            let source = io::Error::from(io::ErrorKind::StorageFull);
            Err(WriteError::Io { path: PathBuf::from("record"), source })
        });
        assert_eq!(announced, [(PathBuf::from("a/new"), false), (PathBuf::from("a/old"), true)]);
        assert!(
            results.iter().all(|result| matches!(result, Err(error) if error.is_fatal() && error.hint().is_some()))
        );
        assert_eq!(files(&dir, "a"), listed(&[("old", "old")]));
    }

    #[test]
    fn a_system_that_cannot_rename_without_replacing_links() {
        let (_directory, dir) = scratch();
        dir.create_dir("a").unwrap();
        for (temporary, name, done) in [("t1", "x", true), ("t2", "x", false)] {
            dir.write(format!("a/{temporary}"), temporary).unwrap();
            let folder = dir.open_dir("a").unwrap();
            let result = link_new(&folder, Path::new(temporary), Path::new(name));
            assert_eq!(result.map_err(|error| error.kind()).err(), (!done).then_some(io::ErrorKind::AlreadyExists));
        }
        assert_eq!(files(&dir, "a"), listed(&[("t2", "t2"), ("x", "t1")]));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay_what_they_were() {
        use std::os::unix::fs::PermissionsExt as _;
        let (directory, dir) = scratch();
        dir.write("old", "old").unwrap();
        let path = directory.path().join("old");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write(&dir, Path::new("old"), Path::new("old"), b"new", Existing::Replace, blank).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "new");
        // The file behind a link gives way to a new one, the link stays.
        dir.create_dir("kept").unwrap();
        dir.write("kept/first", "old").unwrap();
        let kept = directory.path().join("kept/first");
        std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("kept/first", directory.path().join("to")).unwrap();
        std::os::unix::fs::symlink("to", directory.path().join("first")).unwrap();
        write(&dir, Path::new("first"), Path::new("first"), b"new", Existing::Replace, blank).unwrap();
        assert_eq!(files(&dir, "kept"), listed(&[("first", "new")]));
        assert!(dir.symlink_metadata("first").unwrap().is_symlink());
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        // A file of another name is not replaced by way of a link, and nothing that is hidden is.
        std::fs::create_dir(directory.path().join(".git")).unwrap();
        for (name, target) in [("subplan", "PLAN_X.md"), ("config", ".git/config")] {
            std::fs::write(directory.path().join(target), "theirs").unwrap();
            std::os::unix::fs::symlink(target, directory.path().join(name)).unwrap();
            write(&dir, Path::new(name), Path::new(name), b"new", Existing::Replace, blank).unwrap_err();
            assert_eq!(std::fs::read_to_string(directory.path().join(target)).unwrap(), "theirs");
        }
        let outside = tempfile::NamedTempFile::new().unwrap();
        for (name, target) in
            [("out", outside.path()), ("gone", Path::new("kept/nothing")), ("self", Path::new("self"))]
        {
            std::os::unix::fs::symlink(target, directory.path().join(name)).unwrap();
            write(&dir, Path::new(name), Path::new(name), b"new", Existing::Replace, blank).unwrap_err();
            assert!(dir.symlink_metadata(name).unwrap().is_symlink());
        }
        assert_eq!(std::fs::read(outside.path()).unwrap(), b"");
        // Something that only has the name of the document is no document, and is left alone.
        std::os::unix::fs::symlink("/nowhere", directory.path().join("link")).unwrap();
        let refused = write(&dir, Path::new("link"), Path::new("link"), b"new", Existing::Keep, blank).unwrap_err();
        assert!(matches!(refused, WriteError::Exists { .. }));
    }
}
