//! One run at a time: an OS lock on a file in `.planwave/`, which the kernel releases when its holder dies.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use cap_fs_ext::MetadataExt as _;
use cap_std::fs::OpenOptions;

use super::{
    Foreign, PlanDir, WriteError, advice,
    disk::{Directory, DiskFile},
    own_folder::{OWN_FOLDER, Refused},
    ownership::judge,
};

/// The file that is locked.
const LOCK: &str = ".planwave/lock";

/// Between two tries. Commands hold the lock for some milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// How often the lock is looked for where its file is replaced at the same time.
const MOST_TRIES: u32 = 100;

/// Held for as long as it lives.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
    /// The locks of folders that were moved aside: who waits for one of them must not go on in there.
    _others: Vec<File>,
    moved_aside: Vec<PathBuf>,
    unmarked: Option<String>,
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
    ///
    /// A `.planwave` that is not this user's ([`PlanDir::foreign`]) is moved aside, unless somebody is at work in it, and another
    /// is begun.
    pub fn take(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: plan_dir.shown(LOCK), source: plan_dir.explained(source) };
        let dir = plan_dir.dir().unguarded().map_err(failed)?;
        let (mut others, mut moved_aside) = (Vec::new(), Vec::new());
        for _ in 0..MOST_TRIES {
            let foreign = judge(&dir, plan_dir.key());
            let locked = dir.create_dir_all(OWN_FOLDER).and_then(|()| open(&dir));
            let mut file = match (locked, &foreign) {
                // It may lead to a folder of the user's on another disk, so it is not moved.
                (Err(error), Some(Foreign::NoFolder)) => return Err(failed(error)),
                (Ok(file), _) => {
                    let Some(file) = lock(file, plan_dir, &dir)? else { continue };
                    if foreign.is_none() {
                        file
                    } else {
                        // Windows moves no folder in which a file is open.
                        others.extend((!cfg!(windows)).then_some(file));
                        moved_aside.push(plan_dir.move_own_folder_aside().map_err(failed)?);
                        continue;
                    }
                }
                // A lock that cannot be one; where the system refuses to open it, somebody may be at work in there.
                (Err(error), Some(_)) if Refused::of(&error).is_some() => {
                    moved_aside.push(plan_dir.move_own_folder_aside().map_err(failed)?);
                    continue;
                }
                (Err(error), _) => return Err(failed(error)),
            };
            introduce(&mut file, holder).map_err(failed)?;
            let unmarked = plan_dir.complete_own_folder().map_err(|error| match error {
                WriteError::Io { path, source } => LockError::Io { path, source },
                error @ (WriteError::Exists { .. } | WriteError::Invalid { .. }) => {
                    failed(io::Error::other(error.to_string()))
                }
            })?;
            return Ok(Self { _file: file, _others: others, moved_aside, unmarked });
        }
        Err(failed(io::Error::other("its file is replaced again and again")))
    }

    /// Takes the lock of the `.planwave` that is there, whosever it is; `None` where there is none.
    pub fn of_any(plan_dir: &PlanDir, holder: &str) -> Result<Option<Self>, LockError> {
        let failed = |source| LockError::Io { path: plan_dir.shown(LOCK), source: plan_dir.explained(source) };
        let dir = plan_dir.dir().unguarded().map_err(failed)?;
        if dir.symlink_metadata(OWN_FOLDER).is_err() {
            return Ok(None);
        }
        for _ in 0..MOST_TRIES {
            let file = open(&dir).map_err(failed)?;
            if let Some(mut file) = lock(file, plan_dir, &dir)? {
                introduce(&mut file, holder).map_err(failed)?;
                return Ok(Some(Self { _file: file, _others: Vec::new(), moved_aside: Vec::new(), unmarked: None }));
            }
        }
        Err(failed(io::Error::other("its file is replaced again and again")))
    }

    /// Where folders are now that were not this user's.
    pub fn moved_aside(&self) -> &[PathBuf] {
        &self.moved_aside
    }

    /// Why later commands will not know the folder as this user's.
    pub fn unmarked(&self) -> Option<&str> {
        self.unmarked.as_deref()
    }
}

fn open(dir: &Directory) -> io::Result<DiskFile> {
    dir.open_with(LOCK, OpenOptions::new().read(true).write(true).create(true))
}

/// Locks the file; `None` where it is not the one of that name any more.
fn lock(file: DiskFile, plan_dir: &PlanDir, dir: &Directory) -> Result<Option<File>, LockError> {
    let failed = |source| LockError::Io { path: plan_dir.shown(LOCK), source: plan_dir.explained(source) };
    let opened = file.metadata().map_err(failed)?;
    let file = file.into_std();
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Windows may forbid reading what another process has locked; the name is a nicety.
            let _ = file.take(500).read_to_string(&mut text);
            let holder = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            return Err(LockError::Held { directory: plan_dir.path().to_path_buf(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    match dir.open(LOCK).and_then(|file| file.metadata()) {
        Ok(now) => Ok(((now.dev(), now.ino()) == (opened.dev(), opened.ino())).then_some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Writes a line about who holds the lock.
fn introduce(file: &mut File, holder: &str) -> io::Result<()> {
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()))
}
