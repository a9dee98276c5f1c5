//! One run at a time: OS locks on the plan directory and on a file in `.planwave/`, which the kernel releases when their holder
//! dies. The one on the directory still holds where somebody removes `.planwave/`; the file is for systems that lock no folders.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
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

/// How often a file that is removed while it is being locked is made again.
const MOST_TRIES: u32 = 20;

/// Between two tries. Commands hold the lock for some milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// Held for as long as it lives.
#[derive(Debug)]
pub struct RunLock {
    /// The plan directory itself, where the system can lock it.
    _directory: Option<File>,
    _file: File,
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
    /// As [`RunLock::take`], trying again for as long as `patience` where somebody else has it.
    pub fn wait(plan_dir: &PlanDir, holder: &str, patience: Duration) -> Result<Self, LockError> {
        let began = Instant::now();
        loop {
            match Self::take(plan_dir, holder) {
                Err(LockError::Held { .. }) if began.elapsed() < patience => thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    /// Takes the lock of a plan directory or says who has it. `holder` is a line about this process.
    pub fn take(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        let dir = plan_dir.dir();
        // First, since it outlives the folder: nobody makes another one while its holder works.
        let directory = match dir.itself().map(DiskFile::try_lock) {
            Ok((file, Ok(()))) => Some(file),
            Ok((_, Err(TryLockError::WouldBlock))) => return Err(held(plan_dir, dir.open(LOCK).ok())),
            // Windows, and some network file systems, which lock files and not folders.
            Ok((_, Err(TryLockError::Error(_)))) | Err(_) => None,
        };
        let made = dir.symlink_metadata(FOLDER).is_err();
        let taken = lock_file(plan_dir, holder, directory.is_some());
        if taken.is_err() && made {
            // Nothing was there before, and nothing has come of it.
            let _ = dir.remove_file(LOCK).and_then(|()| dir.remove_dir(FOLDER));
        }
        Ok(Self { _directory: directory, _file: taken? })
    }
}

/// Locks the file in planwave's folder. `enough` says that another lock keeps others out where this one cannot be had.
fn lock_file(plan_dir: &PlanDir, holder: &str, enough: bool) -> Result<File, LockError> {
    let failed = |source| LockError::Io { path: plan_dir.shown(LOCK), source: plan_dir.explained(source) };
    let dir = plan_dir.dir();
    let mut tries = 0;
    let mut file = loop {
        dir.create_dir_all(FOLDER).map_err(failed)?;
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let file = dir.open_with(LOCK, &options).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        let (file, locked) = file.try_lock();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(plan_dir, dir.open(LOCK).ok())),
            Err(TryLockError::Error(_)) if enough => {}
            Err(TryLockError::Error(source)) => {
                return Err(LockError::NoLocks { directory: plan_dir.path().to_path_buf(), source });
            }
        }
        // One that was removed between the opening and the locking keeps nobody out.
        tries += 1;
        if tries > MOST_TRIES || dir.symlink_metadata(LOCK).is_ok_and(|there| is_same(&there, &opened)) {
            break file;
        }
    };
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
    Ok(file)
}

/// Somebody else has the lock; `file` says who.
fn held(plan_dir: &PlanDir, file: Option<DiskFile>) -> LockError {
    let mut text = String::new();
    // Windows may forbid reading what another process has locked; the name is a nicety.
    let _ = file.map(|file| file.take(500).read_to_string(&mut text));
    let holder = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    LockError::Held { directory: plan_dir.path().to_path_buf(), holder }
}
