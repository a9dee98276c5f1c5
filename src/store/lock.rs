//! One run at a time: an OS lock on a file in `.planwave/`, which the kernel releases when its holder dies.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use cap_std::fs::OpenOptions;

use super::{PlanDir, advice};

/// The file that is locked.
const LOCK: &str = ".planwave/lock";

/// Between two tries. Commands hold the lock for some milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// Held for as long as it lives.
#[derive(Debug)]
pub struct RunLock {
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
    pub fn take(plan_dir: &PlanDir, holder: &str) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: plan_dir.shown(LOCK), source: plan_dir.explained(source) };
        let dir = plan_dir.dir();
        dir.create_dir_all(".planwave").map_err(failed)?;
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let mut file = dir.open_with(LOCK, &options).map_err(failed)?.into_std();
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
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}
