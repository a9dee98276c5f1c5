//! One run at a time: OS locks on the plan directory and on a file in `.planwave/`, which the kernel releases when their holder
//! dies. The one on the directory still holds where somebody removes `.planwave/`; the file is for systems that lock no folders.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use cap_std::fs::OpenOptions;

use super::{
    PlanDir, advice,
    disk::{DiskFile, is_same},
};

/// The file that is locked.
const LOCK: &str = ".planwave/lock";

/// The folder that it lies in.
const FOLDER: &str = ".planwave";

/// The file that is locked for each change.
const CHANGES: &str = ".planwave/changes.lock";

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a file that is removed while it is being locked is made again.
const MOST_TRIES: u32 = 20;

/// Between two tries. Commands hold the lock for changes for some milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// Held for as long as it lives: the lock of a run, which keeps out others that write documents; the lock for changes, which
/// guards each change of parallel.json and the beginning of each record; or both. A run lets go of the second while it asks.
#[derive(Debug)]
pub struct RunLock {
    /// The plan directory itself, where the system can lock it.
    _directory: Option<File>,
    /// `None` for a command that only changes statuses.
    _run: Option<File>,
    changes: Mutex<Option<File>>,
}

/// The lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another run holds {}{}", directory.display(), holder.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Held {
        /// The plan directory.
        directory: PathBuf,
        /// What the holder wrote of itself.
        holder: Option<String>,
    },
    /// Nothing would keep a second run out.
    #[error("the file system of {} has no file locks ({source}), so nothing would keep a second run out", directory.display())]
    NoLocks {
        /// The plan directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The file that is locked.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LockError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some(String::from("wait until it has ended, then run the same command again")),
            Self::NoLocks { .. } => Some(String::from(
                "work on a copy of the plan directory on a local disk, or mount the file system with locks (NFS: version 4, or `local_lock=flock` where one machine alone uses it)",
            )),
            Self::Io { source, .. } => {
                Some(advice::for_disk(source).unwrap_or("make the plan directory writable").to_owned())
            }
        }
    }
}

impl RunLock {
    /// Takes the lock of a plan directory or says who has it, and the one for changes with it. `holder` is a line about this
    /// process.
    pub fn take(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        let dir = plan_dir.dir();
        // First, since it outlives the folder: nobody makes another one while its holder works.
        let directory = match dir.itself().map(DiskFile::try_lock) {
            Ok((file, Ok(()))) => Some(file),
            Ok((_, Err(TryLockError::WouldBlock))) => return Err(held(plan_dir, LOCK)),
            // Windows, and some network file systems, which lock files and not folders.
            Ok((_, Err(TryLockError::Error(_)))) | Err(_) => None,
        };
        let run = lock_file(plan_dir, LOCK, holder, directory.is_some())?;
        let lock = Self { _directory: directory, _run: Some(run), changes: Mutex::default() };
        lock.hold_changes(plan_dir, holder)?;
        Ok(lock)
    }

    /// Takes the lock for changes alone: what a command needs that changes a status while a run may be going on. Others hold it
    /// for some milliseconds, so they are waited for.
    pub fn for_changes(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        let lock = Self { _directory: None, _run: None, changes: Mutex::default() };
        lock.hold_changes(plan_dir, holder)?;
        Ok(lock)
    }

    /// Holds the lock for changes from now on.
    pub fn hold_changes(&self, plan_dir: &PlanDir, holder: &str) -> Result<(), LockError> {
        let began = Instant::now();
        // Where folders are locked and files are not, changes are guarded by what is compared right before they are made.
        let enough = self._directory.is_some();
        let file = loop {
            match lock_file(plan_dir, CHANGES, holder, enough) {
                Err(LockError::Held { .. }) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
                taken => break taken?,
            }
        };
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    /// Lets others change what a run does not hold for itself.
    pub fn release_changes(&self) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Locks a file in planwave's folder. `enough` says that another lock keeps others out where this one cannot be had.
fn lock_file(plan_dir: &PlanDir, path: &str, holder: &str, enough: bool) -> Result<File, LockError> {
    let dir = plan_dir.dir();
    let made = dir.symlink_metadata(FOLDER).is_err();
    let locked = lock_existing(plan_dir, path, holder, enough);
    if locked.is_err() && made {
        // Nothing was there before, and nothing has come of it.
        let _ = dir.remove_file(path).and_then(|()| dir.remove_dir(FOLDER));
    }
    locked
}

fn lock_existing(plan_dir: &PlanDir, path: &str, holder: &str, enough: bool) -> Result<File, LockError> {
    let failed = |source| LockError::Io { path: plan_dir.shown(path), source: plan_dir.explained(source) };
    let dir = plan_dir.dir();
    let mut tries = 0;
    let mut file = loop {
        dir.create_dir_all(FOLDER).map_err(failed)?;
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let file = dir.open_with(path, &options).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        let (file, locked) = file.try_lock();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(plan_dir, path)),
            Err(TryLockError::Error(_)) if enough => {}
            Err(TryLockError::Error(source)) => {
                return Err(LockError::NoLocks { directory: plan_dir.path().to_path_buf(), source });
            }
        }
        // One that was removed between the opening and the locking keeps nobody out.
        tries += 1;
        if tries > MOST_TRIES || dir.symlink_metadata(path).is_ok_and(|there| is_same(&there, &opened)) {
            break file;
        }
    };
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
    Ok(file)
}

/// Somebody else has the lock; its file says who.
fn held(plan_dir: &PlanDir, path: &str) -> LockError {
    let mut text = String::new();
    // Windows may forbid reading what another process has locked; the name is a nicety.
    let _ = plan_dir.dir().open(path).map(|file| file.take(500).read_to_string(&mut text));
    let holder = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    LockError::Held { directory: plan_dir.path().to_path_buf(), holder }
}
