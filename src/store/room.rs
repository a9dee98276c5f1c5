//! Room on the disk that is set aside before anything is sent: a spare file, really allocated, that gives way when the disk
//! is full, so that what is on its way can still be written.
//!
//! A half of it is for the tape, whose lines are long, and the rest for everything else; otherwise the first answers on the
//! tape could leave none for the documents of the others.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use cap_std::fs::{Dir, File, OpenOptions};

/// Whose writing the room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Answers on the tape.
    Tape,
    /// Documents, records, parallel.json.
    Rest,
}

/// What is set aside in a plan directory, if anything is.
#[derive(Debug, Default)]
pub(super) struct Room {
    spare: Mutex<Option<Spare>>,
    /// How often some of it was given back.
    given: AtomicU32,
}

#[derive(Debug)]
struct Spare {
    folder: Dir,
    name: PathBuf,
    file: File,
    bytes: u64,
    /// Whether the tape's half is there still.
    whole: bool,
}

impl Room {
    /// Allocates a spare file in a folder, in place of one that is there.
    pub(super) fn set_aside(&self, folder: Dir, bytes: u64) -> io::Result<()> {
        self.end();
        // The name of a temporary: where a crash leaves it, it goes with the others.
        let name = PathBuf::from(format!(".planwave-{}-spare.tmp", std::process::id()));
        let file = folder.open_with(&name, OpenOptions::new().write(true).create_new(true))?;
        if let Err(error) = allocate(&file, bytes) {
            drop(file);
            folder.remove_file(&name)?;
            return Err(error);
        }
        *self.spare() = Some(Spare { folder, name, file, bytes, whole: true });
        Ok(())
    }

    /// Gives room back to whoever cannot write, as much as is meant for them. Whether there was any.
    pub(super) fn give_back(&self, share: Share) -> bool {
        let mut spare = self.spare();
        let given = match (&mut *spare, share) {
            (Some(Spare { file, bytes, whole: whole @ true, .. }), Share::Tape) => {
                *whole = false;
                file.set_len(*bytes / 2).is_ok()
            }
            (Some(_), Share::Rest) => true,
            (Some(_), Share::Tape) | (None, _) => false,
        };
        if given && share == Share::Rest {
            remove(spare.take());
        }
        if given {
            self.given.fetch_add(1, Ordering::Release);
        }
        given
    }

    /// Whether somebody has needed it.
    pub(super) fn is_used(&self) -> bool {
        self.given() > 0
    }

    /// How often room was given back: who failed meanwhile can try again, whoever it was given to.
    pub(super) fn given(&self) -> u32 {
        self.given.load(Ordering::Acquire)
    }

    /// Nothing is on its way any more.
    pub(super) fn end(&self) {
        remove(self.spare().take());
    }

    fn spare(&self) -> MutexGuard<'_, Option<Spare>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether an error says that the disk, or the user's part of it, is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn remove(spare: Option<Spare>) {
    if let Some(Spare { folder, name, file, .. }) = spare {
        // Where the name cannot be removed, the room is free all the same.
        let _ = file.set_len(0);
        drop(file);
        let _ = folder.remove_file(Path::new(&name));
    }
}

/// Gives a file its bytes on the disk.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(file, FallocateFlags::empty(), 0, bytes).map_err(io::Error::from) {
            Err(error) if super::disk::is_not_offered(&error) => {}
            allocated => return allocated,
        }
    }
    fill(file, bytes)
}

/// Writes what no file system can make smaller.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    let mut block = vec![0_u8; 64 * 1024];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = bytes;
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        file.write_all(&block[..length])?;
        left -= length as u64;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Dir) {
        let root = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(root.path(), cap_std::ambient_authority()).unwrap();
        (root, dir)
    }

    fn sizes(root: &tempfile::TempDir) -> Vec<u64> {
        std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect()
    }

    #[test]
    fn the_tape_gets_a_half_and_the_rest_is_for_documents() {
        let (root, dir) = folder();
        let room = Room::default();
        assert!(!room.give_back(Share::Rest) && !room.is_used());
        room.set_aside(dir, 10_000).unwrap();
        assert_eq!(sizes(&root), [10_000]);
        assert!(!room.is_used());
        assert!(room.give_back(Share::Tape) && room.is_used());
        assert_eq!(sizes(&root), [5_000]);
        assert!(!room.give_back(Share::Tape));
        assert!(room.give_back(Share::Rest));
        assert_eq!(sizes(&root), [0; 0]);
        assert!(!room.give_back(Share::Rest));
    }

    #[test]
    fn it_goes_with_whoever_set_it_aside() {
        let (root, dir) = folder();
        let room = Room::default();
        room.set_aside(dir.try_clone().unwrap(), 100).unwrap();
        room.set_aside(dir, 200).unwrap();
        assert_eq!(sizes(&root), [200]);
        drop(room);
        assert_eq!(sizes(&root), [0; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn it_takes_room_on_the_disk() {
        use std::os::unix::fs::MetadataExt as _;
        let (root, dir) = folder();
        for filled in [false, true] {
            let file = dir.open_with(format!("{filled}"), OpenOptions::new().write(true).create(true)).unwrap();
            let bytes = 1_000_000;
            if filled {
                fill(&file, bytes).unwrap()
            } else {
                allocate(&file, bytes).unwrap()
            }
            let metadata = std::fs::metadata(root.path().join(format!("{filled}"))).unwrap();
            assert_eq!(metadata.len(), bytes);
            assert!(metadata.blocks() * 512 >= bytes, "{} blocks", metadata.blocks());
        }
    }
}
