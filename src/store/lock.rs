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
    Foreign, PlanDir, WriteError, advice,
    disk::{Directory, DiskFile, is_same},
    own_folder::{OWN_FOLDER, Refused},
    ownership::{GITIGNORE, MARK, judge},
};

/// The file that is locked.
const LOCK: &str = ".planwave/lock";

/// The file that is locked for each change.
const CHANGES: &str = ".planwave/changes.lock";

/// How long that is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a file that is removed while it is being locked is made again.
const MOST_TRIES: u32 = 20;

/// Between two tries. Commands hold the lock for some milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// Held for as long as it lives: the lock of a run, which keeps out others that write documents; the lock for changes, which
/// guards each change of parallel.json and the beginning of each record; or both. A run lets go of the second while it asks.
#[derive(Debug)]
pub struct RunLock {
    /// The plan directory itself, where the system can lock it.
    _directory: Option<File>,
    /// The file, and those of folders that were moved aside: who waits for one of them must not go on in there.
    files: Vec<File>,
    moved_aside: Vec<PathBuf>,
    unmarked: Option<String>,
    /// The one for changes.
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

impl From<LockError> for WriteError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Io { path, source } => Self::Io { path, source },
            LockError::Held { ref directory, .. } | LockError::NoLocks { ref directory, .. } => {
                Self::Io { path: directory.join(CHANGES), source: io::Error::other(error.to_string()) }
            }
        }
    }
}

impl RunLock {
    /// As [`RunLock::take`], trying again for as long as `patience` where somebody else has it.
    fn wait(plan_dir: &PlanDir, holder: &str, patience: Duration) -> Result<Self, LockError> {
        let began = Instant::now();
        loop {
            match Self::take(plan_dir, holder) {
                Err(LockError::Held { .. }) if began.elapsed() < patience => thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    /// Takes the lock of a plan directory or says who has it. `holder` is a line about this process.
    ///
    /// A `.planwave` that is not this user's ([`PlanDir::foreign`]) is moved aside, unless somebody is at work in it, and another
    /// is begun.
    pub fn take(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        let dir = unguarded(plan_dir)?;
        let mut lock = Self::of_directory(plan_dir, &dir)?;
        let made = dir.symlink_metadata(OWN_FOLDER).is_err();
        let taken = lock.take_own(plan_dir, &dir, holder).and_then(|()| lock.hold_changes(plan_dir, holder));
        if taken.is_err() && made {
            // Nothing was there before, and nothing has come of it.
            let _ = dir.remove_file(GITIGNORE);
            let _ = dir.remove_file(CHANGES);
            let _ = dir.remove_file(LOCK).and_then(|()| dir.remove_dir(OWN_FOLDER));
        }
        taken.map(|()| lock)
    }

    /// Takes the lock for changes alone: what a command needs that changes a status while a run may be going on. Where there is
    /// no `.planwave` with a mark of this user's yet, no run is, and both are taken: that begins one, or gives it the mark that a
    /// crash kept it from.
    pub fn for_changes(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        if plan_dir.dir().symlink_metadata(MARK).is_err() {
            return Self::wait(plan_dir, holder, PATIENCE);
        }
        let lock = Self::nothing(None);
        lock.hold_changes(plan_dir, holder)?;
        Ok(lock)
    }

    fn nothing(directory: Option<File>) -> Self {
        let changes = Mutex::default();
        Self { _directory: directory, files: Vec::new(), moved_aside: Vec::new(), unmarked: None, changes }
    }

    /// Holds the lock for changes from now on. Others hold it for some milliseconds, so they are waited for.
    pub fn hold_changes(&self, plan_dir: &PlanDir, holder: &str) -> Result<(), LockError> {
        let dir = unguarded(plan_dir)?;
        let began = Instant::now();
        // Where folders are locked and files are not, changes are guarded by what is compared right before they are made.
        let enough = self._directory.is_some();
        let mut file = loop {
            match lock_file(plan_dir, &dir, CHANGES, enough) {
                Err(LockError::Held { .. }) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
                taken => break taken?,
            }
        };
        introduce(&mut file, holder).map_err(|source| failed(plan_dir, source))?;
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    /// Lets others change what a run does not hold for itself.
    pub fn release_changes(&self) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Takes the lock of the `.planwave` that is there, whosever it is; `None` where there is none.
    pub fn of_any(plan_dir: &PlanDir, holder: &str) -> Result<Option<Self>, LockError> {
        let dir = unguarded(plan_dir)?;
        if dir.symlink_metadata(OWN_FOLDER).is_err() {
            return Ok(None);
        }
        let mut lock = Self::of_directory(plan_dir, &dir)?;
        let mut file = lock_file(plan_dir, &dir, LOCK, lock._directory.is_some())?;
        introduce(&mut file, holder).map_err(|source| failed(plan_dir, source))?;
        lock.files.push(file);
        Ok(Some(lock))
    }

    /// Where folders are now that were not this user's.
    pub fn moved_aside(&self) -> &[PathBuf] {
        &self.moved_aside
    }

    /// Why later commands will not know the folder as this user's.
    pub fn unmarked(&self) -> Option<&str> {
        self.unmarked.as_deref()
    }

    /// The lock of the directory itself, where there can be one.
    fn of_directory(plan_dir: &PlanDir, dir: &Directory) -> Result<Self, LockError> {
        // First, since it outlives the folder: nobody makes another one while its holder works.
        let directory = match dir.itself().map(DiskFile::try_lock) {
            Ok((file, Ok(()))) => Some(file),
            Ok((_, Err(TryLockError::WouldBlock))) => return Err(held(plan_dir, dir.open(LOCK).ok())),
            // Windows, and some network file systems, which lock files and not folders.
            Ok((_, Err(TryLockError::Error(_)))) | Err(_) => None,
        };
        Ok(Self::nothing(directory))
    }

    /// Takes the lock in this user's folder; another's is moved aside.
    fn take_own(&mut self, plan_dir: &PlanDir, dir: &Directory, holder: &str) -> Result<(), LockError> {
        let mut tries = 0;
        loop {
            let foreign = judge(dir, plan_dir.key());
            match (lock_file(plan_dir, dir, LOCK, self._directory.is_some()), foreign) {
                (Ok(mut file), None) => {
                    introduce(&mut file, holder).map_err(|source| failed(plan_dir, source))?;
                    self.files.push(file);
                    break;
                }
                // Windows moves no folder in which a file is open.
                (Ok(file), Some(_)) => self.files.extend((!cfg!(windows)).then_some(file)),
                // A link in the place of the folder may lead to one of the user's own, so it is not moved.
                (Err(error), Some(Foreign::NoFolder)) => return Err(error),
                // A lock that cannot be one. Where the system refuses to open it, somebody may be at work in there.
                (Err(LockError::Io { source, .. }), Some(_)) if Refused::of(&source).is_some() => {}
                (Err(error), _) => return Err(error),
            }
            tries += 1;
            if tries > MOST_TRIES {
                return Err(failed(plan_dir, io::Error::other("its folder is replaced again and again")));
            }
            let aside = plan_dir.move_own_folder_aside();
            self.moved_aside.push(aside.map_err(|source| failed(plan_dir, source))?);
        }
        self.unmarked = plan_dir.complete_own_folder().map_err(|error| match error {
            WriteError::Io { path, source } => LockError::Io { path, source },
            error => failed(plan_dir, io::Error::other(error.to_string())),
        })?;
        Ok(())
    }
}

fn failed(plan_dir: &PlanDir, source: io::Error) -> LockError {
    LockError::Io { path: plan_dir.shown(LOCK), source: plan_dir.explained(source) }
}

/// The directory, with planwave's folder in it whosever that is.
fn unguarded(plan_dir: &PlanDir) -> Result<Directory, LockError> {
    plan_dir.dir().unguarded().map_err(|source| failed(plan_dir, source))
}

/// Writes a line about who holds the lock.
fn introduce(file: &mut File, holder: &str) -> io::Result<()> {
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()))
}

/// Locks the file in planwave's folder. `enough` says that another lock keeps others out where this one cannot be had.
fn lock_file(plan_dir: &PlanDir, dir: &Directory, path: &str, enough: bool) -> Result<File, LockError> {
    let failed = |source| LockError::Io { path: plan_dir.shown(path), source: plan_dir.explained(source) };
    let mut tries = 0;
    loop {
        dir.create_dir_all(OWN_FOLDER).map_err(failed)?;
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let file = dir.open_with(path, &options).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        let (file, locked) = file.try_lock();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(plan_dir, dir.open(path).ok())),
            Err(TryLockError::Error(_)) if enough => {}
            Err(TryLockError::Error(source)) => {
                return Err(LockError::NoLocks { directory: plan_dir.path().to_path_buf(), source });
            }
        }
        // One that was removed between the opening and the locking keeps nobody out.
        tries += 1;
        if tries > MOST_TRIES || dir.symlink_metadata(path).is_ok_and(|there| is_same(&there, &opened)) {
            return Ok(file);
        }
    }
}

/// Somebody else has the lock; `file` says who.
fn held(plan_dir: &PlanDir, file: Option<DiskFile>) -> LockError {
    let mut text = String::new();
    // Windows may forbid reading what another process has locked; the name is a nicety.
    let _ = file.map(|file| file.take(500).read_to_string(&mut text));
    let holder = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    LockError::Held { directory: plan_dir.path().to_path_buf(), holder }
}
