//! Replaces or removes a file only where it still holds the bytes that were read, so that what a person saves at the same
//! moment is not lost.
//!
//! The file is read once more immediately before. Where the system can have two files change names in one step, what came out
//! is read again and put back where it is not what was expected, so nothing between the look and the step is lost either.
//! While a file has come out, it has a name that tells whose it is: a crash then leaves it for [`leftovers`].

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::disk::{Directory, is_not_offered};
use crate::history::Digest;

const PREFIX: &str = ".planwave-";

/// Between the number and the name of the file that has come out.
const OF: &str = ".out.";

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Puts `temporary` in the place of `name`, which must hold `expected`. False where it does not; then it is left as it is,
/// and `temporary` is there still.
pub(super) fn replace(folder: &Directory, temporary: &Path, name: &Path, expected: Digest) -> io::Result<bool> {
    if digest(folder, name)? != Some(expected) {
        return Ok(false);
    }
    let aside = aside_name(name);
    folder.rename(temporary, &aside)?;
    match folder.exchange(&aside, name) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            folder.rename(&aside, temporary)?;
            return Ok(false);
        }
        Err(error) => {
            // The look was a moment ago, and no more can be had here.
            let renamed = if is_not_offered(&error) { folder.rename(&aside, name) } else { Err(error) };
            if renamed.is_err() {
                folder.rename(&aside, temporary)?;
            }
            return renamed.map(|()| true);
        }
    }
    if digest(folder, &aside)? == Some(expected) {
        // What has to be kept of it is kept by whoever announced this.
        folder.remove_file(&aside)?;
        return Ok(true);
    }
    let ours = digest(folder, name)?;
    folder.exchange(&aside, name)?;
    if digest(folder, &aside)? == ours {
        folder.rename(&aside, temporary)?;
    } else {
        // Saved twice within the moment: the newer one has the name, the one before stays beside it.
        folder.exchange(&aside, name)?;
        keep_beside(folder, &aside, name)?;
    }
    Ok(false)
}

/// Removes a file that must hold `expected`. False where it does not; then it is left as it is. None there is true.
pub(super) fn remove(folder: &Directory, name: &Path, expected: Digest) -> io::Result<bool> {
    match digest(folder, name)? {
        None => return Ok(true),
        Some(found) if found != expected => return Ok(false),
        Some(_) => {}
    }
    let aside = aside_name(name);
    match folder.rename(name, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        renamed => renamed?,
    }
    if digest(folder, &aside)? == Some(expected) {
        folder.remove_file(&aside)?;
        return Ok(true);
    }
    match give_name(folder, &aside, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => keep_beside(folder, &aside, name).map(|_| false),
        given => given.map(|()| false),
    }
}

/// What a crash left of files that had come out, and the names of the files that they are of.
pub(super) fn leftovers(folder: &Directory) -> Vec<(PathBuf, PathBuf)> {
    let entries = folder.read_dir(".").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let split = |left: String| {
        let (_, of) = left.strip_prefix(PREFIX)?.split_once(OF)?;
        Some((PathBuf::from(&left), PathBuf::from(of)))
    };
    names.filter_map(split).collect()
}

/// Gives a file the name that belongs to it where that is free, else one beside that, and says which.
pub(super) fn put_back(folder: &Directory, left: &Path, name: &Path) -> io::Result<PathBuf> {
    match give_name(folder, left, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => keep_beside(folder, left, name),
        given => given.map(|()| name.to_path_buf()),
    }
}

/// Gives a file a free name beside another's.
fn keep_beside(folder: &Directory, file: &Path, name: &Path) -> io::Result<PathBuf> {
    for number in 1..1000 {
        let kept = PathBuf::from(format!("{}.kept-{number}", name.display()));
        match give_name(folder, file, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            given => return given.map(|()| kept),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

fn give_name(folder: &Directory, file: &Path, name: &Path) -> io::Result<()> {
    match folder.rename_new(file, name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => super::atomic::link_new(folder, file, name),
        given => given,
    }
}

/// The hash of a file; `None` where there is none.
pub(super) fn digest(folder: &Directory, name: &Path) -> io::Result<Option<Digest>> {
    let read = folder.metadata(name).and_then(|metadata| {
        // A pipe would be waited for, perhaps for ever.
        if metadata.is_file() { folder.read(name) } else { Err(io::Error::other("it is no regular file")) }
    });
    match read {
        Ok(bytes) => Ok(Some(Digest::of(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn aside_name(name: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(format!("{PREFIX}{}-{number}{OF}{}", std::process::id(), name.display()))
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// How a person's editor saves.
    #[derive(Clone, Copy, Debug)]
    enum Save {
        /// A new file takes the name.
        Renamed,
        /// The same file gets other bytes.
        InPlace,
    }

    fn save(at: &std::path::Path, how: Save) {
        match how {
            Save::Renamed => {
                std::fs::write(at.join("editor~"), "theirs").unwrap();
                std::fs::rename(at.join("editor~"), at.join("file")).unwrap();
            }
            Save::InPlace => std::fs::write(at.join("file"), "theirs").unwrap(),
        }
    }

    /// Has a person save while `act` is done, again and again: what they saved is there, whoever was first.
    fn race(how: Save, act: impl Fn(&Directory) -> bool + Sync) {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let dir = Directory::open_ambient(root.path()).unwrap();
        for round in 0..500 {
            std::fs::write(root.path().join("file"), "before").unwrap();
            std::fs::write(root.path().join("new"), "ours").unwrap();
            let barrier = Barrier::new(2);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    barrier.wait();
                    // Every offset within the few system calls of the other side.
                    for _ in 0..round * 7 % 600 {
                        std::hint::spin_loop();
                    }
                    save(root.path(), how);
                });
                barrier.wait();
                act(&dir)
            });
            let texts: Vec<String> = std::fs::read_dir(root.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("file"))
                .map(|path| std::fs::read_to_string(path).unwrap())
                .collect();
            assert!(texts.iter().any(|text| text == "theirs"), "round {round}, {how:?}: {texts:?}");
            assert_eq!(leftovers(&dir), [], "round {round}");
        }
    }

    #[test]
    fn what_a_person_saves_while_a_file_is_replaced_or_removed_is_there() {
        for how in [Save::Renamed, Save::InPlace] {
            let expected = Digest::of(b"before");
            race(how, |dir| replace(dir, Path::new("new"), Path::new("file"), expected).unwrap());
            race(how, |dir| remove(dir, Path::new("file"), expected).unwrap());
        }
    }

    #[test]
    fn other_bytes_stay_and_the_new_file_waits_under_its_own_name() {
        let root = tempfile::tempdir().unwrap();
        let dir = Directory::open_ambient(root.path()).unwrap();
        for there in [Some("theirs"), None] {
            std::fs::write(root.path().join("new"), "ours").unwrap();
            if let Some(text) = there {
                std::fs::write(root.path().join("file"), text).unwrap();
            }
            let expected = Digest::of(b"before");
            assert!(!replace(&dir, Path::new("new"), Path::new("file"), expected).unwrap());
            assert_eq!(remove(&dir, Path::new("file"), expected).unwrap(), there.is_none());
            assert_eq!(std::fs::read_to_string(root.path().join("file")).ok().as_deref(), there);
            assert_eq!(std::fs::read_to_string(root.path().join("new")).unwrap(), "ours");
            let _ = std::fs::remove_file(root.path().join("file"));
        }
    }

    #[test]
    fn what_a_crash_left_goes_back_or_beside() {
        let root = tempfile::tempdir().unwrap();
        let dir = Directory::open_ambient(root.path()).unwrap();
        for (there, expected) in [(false, "file"), (true, "file.kept-1"), (true, "file.kept-2")] {
            let aside = aside_name(Path::new("file"));
            std::fs::write(root.path().join(&aside), "theirs").unwrap();
            if there {
                std::fs::write(root.path().join("file"), "newer").unwrap();
            }
            assert_eq!(leftovers(&dir), [(aside.clone(), PathBuf::from("file"))]);
            assert_eq!(put_back(&dir, &aside, Path::new("file")).unwrap(), Path::new(expected));
            assert_eq!(std::fs::read_to_string(root.path().join(expected)).unwrap(), "theirs");
        }
    }
}
