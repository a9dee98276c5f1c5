//! Faults on purpose: has the n-th effect of a kind fail, so that tests see what a failing disk comes to.
//!
//! Only debug builds can; in a release build there is nothing of it. A test names the fault in [`VARIABLE`]: the kind of the
//! effect, which one of them (`7`, `7+` for that and all later ones, `7~` for that and all later ones until the room that was set
//! aside is given back), the number of the system's error, and a file that gets a line with the kind and the path of each
//! effect that was made to fail. `Rename@parallel.json` is only the renames of paths that end so. Several faults, as a strange
//! file system has them, are separated by `;`. Effects are counted for each plan directory that a process opens, so nothing is
//! shared, and nothing outlives the handle.

use std::{io, path::Path};

/// Where a fault is asked for: the one thing outside `settings` that is read from the environment. It does not begin as settings do.
#[cfg(debug_assertions)]
const VARIABLE: &str = "TEST_FAULT";

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A file or folder is opened.
    Open,
    /// A file or folder is made.
    Create,
    /// Bytes are written, or cut off.
    Write,
    /// A file is synced.
    Sync,
    /// A folder is synced.
    SyncFolder,
    /// A name is given.
    Rename,
    /// A name is given that must be free.
    NewName,
    /// Two files change names.
    Exchange,
    /// A file is given a second name.
    Link,
    /// A name is taken away.
    Remove,
    /// It is said who may do what with a file.
    Permissions,
    /// A file or folder is locked.
    Lock,
    /// The system is asked how many bytes are free; the number of the error is the answer.
    #[cfg(debug_assertions)]
    Space,
}

/// What is to fail below a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    #[cfg(debug_assertions)]
    wanted: Option<std::sync::Arc<debug::Faults>>,
    #[cfg(debug_assertions)]
    folder: std::path::PathBuf,
}

#[cfg(not(debug_assertions))]
impl Faults {
    pub(super) fn of_process() -> Self {
        Self::default()
    }

    #[inline]
    pub(super) fn below(&self, _: &Path) -> Self {
        Self::default()
    }

    #[inline]
    pub(super) fn check(&self, _: Effect, _: &Path) -> io::Result<()> {
        Ok(())
    }

    #[inline]
    pub(super) fn space(&self) -> Option<u64> {
        None
    }

    #[inline]
    pub(super) fn room_given_back(&self) {}
}

#[cfg(debug_assertions)]
impl Faults {
    /// What the process was started with.
    pub(super) fn of_process() -> Self {
        let wanted = std::env::var(VARIABLE).ok().and_then(|text| debug::Faults::parse(&text));
        Self { wanted: wanted.map(std::sync::Arc::new), folder: std::path::PathBuf::new() }
    }

    /// The same for what lies at a path.
    pub(super) fn below(&self, path: &Path) -> Self {
        // Nothing is joined where nothing will fail.
        let folder = if self.wanted.is_some() { self.folder.join(path) } else { std::path::PathBuf::new() };
        Self { wanted: self.wanted.clone(), folder }
    }

    /// Called before each effect; an error is what the system is made to say.
    pub(super) fn check(&self, effect: Effect, path: &Path) -> io::Result<()> {
        let Some(fault) = &self.wanted else { return Ok(()) };
        // Joining nothing would end in a slash.
        if path == Path::new("") {
            fault.check(effect, &self.folder)
        } else {
            fault.check(effect, &self.folder.join(path))
        }
    }

    /// How many bytes are to be free.
    pub(super) fn space(&self) -> Option<u64> {
        self.wanted.as_ref()?.space()
    }

    /// Room that was set aside can be written again.
    pub(super) fn room_given_back(&self) {
        if let Some(fault) = &self.wanted {
            fault.room_given_back();
        }
    }
}

#[cfg(debug_assertions)]
mod debug {
    use std::{
        fs, io,
        io::Write as _,
        path::{Path, PathBuf},
        sync::atomic::{AtomicBool, AtomicU64, Ordering},
    };

    use super::Effect;

    /// All faults of a process.
    #[derive(Debug)]
    pub(super) struct Faults(Vec<Fault>);

    #[derive(Debug)]
    struct Fault {
        effect: Effect,
        /// The end of the paths that are meant.
        of: String,
        number: u64,
        /// Whether all later ones fail, too.
        onwards: bool,
        /// Whether they stop failing when there is room again.
        full: bool,
        code: i32,
        log: PathBuf,
        seen: AtomicU64,
        over: AtomicBool,
    }

    impl Faults {
        pub(super) fn parse(text: &str) -> Option<Self> {
            text.split(';').map(Fault::parse).collect::<Option<Vec<_>>>().map(Self)
        }

        pub(super) fn space(&self) -> Option<u64> {
            let fault = self.0.iter().find(|fault| fault.effect == Effect::Space)?;
            u64::try_from(fault.code).ok()
        }

        pub(super) fn room_given_back(&self) {
            self.0.iter().filter(|fault| fault.full).for_each(|fault| fault.over.store(true, Ordering::Relaxed));
        }

        pub(super) fn check(&self, effect: Effect, path: &Path) -> io::Result<()> {
            self.0.iter().try_for_each(|fault| fault.check(effect, path))
        }
    }

    impl Fault {
        fn parse(text: &str) -> Option<Self> {
            let mut words = text.trim().splitn(4, ' ');
            let (effect, number, code, log) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let (effect, of) = effect.split_once('@').unwrap_or((effect, ""));
            let full = number.ends_with('~');
            Some(Self {
                effect: parse_effect(effect)?,
                of: of.to_owned(),
                number: number.trim_end_matches(['+', '~']).parse().ok()?,
                onwards: full || number.ends_with('+'),
                full,
                code: code.parse().ok()?,
                log: PathBuf::from(log),
                seen: AtomicU64::new(0),
                over: AtomicBool::new(false),
            })
        }

        fn check(&self, effect: Effect, path: &Path) -> io::Result<()> {
            if effect != self.effect || self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            if !path.to_string_lossy().ends_with(&self.of) {
                return Ok(());
            }
            let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
            if number != self.number && !(self.onwards && number > self.number) {
                return Ok(());
            }
            let mut log = fs::File::options().append(true).create(true).open(&self.log)?;
            // In one piece: several threads write.
            log.write_all(format!("{effect:?} {}\n", path.display()).as_bytes())?;
            Err(io::Error::from_raw_os_error(self.code))
        }
    }

    fn parse_effect(word: &str) -> Option<Effect> {
        use Effect::{
            Create, Exchange, Link, Lock, NewName, Open, Permissions, Remove, Rename, Space, Sync, SyncFolder, Write,
        };
        let all =
            [Open, Create, Write, Sync, SyncFolder, Rename, NewName, Exchange, Link, Remove, Permissions, Lock, Space];
        all.into_iter().find(|effect| format!("{effect:?}") == word)
    }
}
