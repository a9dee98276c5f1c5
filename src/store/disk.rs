//! Files and folders below a directory, as the rest of the store uses them: cap-std's handles, through which no name and
//! no symbolic link leads out.
//!
//! Whatever changes the disk is a method here, so that tests can have each of them fail (`faults`). In planwave's own folder
//! no link is followed at all (`own_folder`), whatever is done there. It must not decide anything.

use std::{
    fs::TryLockError,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, Metadata, OpenOptions, Permissions, ReadDir},
};

use super::{
    faults::{Effect, Faults},
    own_folder::{self, is_own},
    room::{Room, Share, is_full},
};

/// What the room that is set aside is called in tests' faults.
const SPARE: &str = "spare";

/// Whether a file system refuses an operation because it has no such thing, and not because of this file: `EINVAL`, `ENOSYS`,
/// `EOPNOTSUPP`.
pub(super) fn is_not_offered(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || (error.kind() == io::ErrorKind::InvalidInput && error.raw_os_error().is_some())
}

/// Whether two accounts are of the same file. Systems that do not tell never say otherwise.
#[cfg(unix)]
pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use cap_std::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
pub(super) fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Directory {
    dir: Dir,
    /// Whether it is planwave's own folder, or lies in it.
    own: bool,
    /// Whether planwave's own folder, seen from here, is this user's. Until it is, nothing in it is there.
    believed: Arc<AtomicBool>,
    faults: Faults,
    room: Arc<Room>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    faults: Faults,
    room: Arc<Room>,
    share: Share,
}

/// Where a path leads: the folder in which its last name stands.
struct Place<'a> {
    /// `None`: this folder.
    folder: Option<Dir>,
    this: &'a Dir,
    name: std::borrow::Cow<'a, Path>,
    own: bool,
}

impl Place<'_> {
    fn dir(&self) -> &Dir {
        self.folder.as_ref().unwrap_or(self.this)
    }
}

impl Directory {
    /// Opens a folder that the user named. Nothing else is opened by a path that leads anywhere.
    pub(super) fn open_ambient(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        let believed = Arc::new(AtomicBool::new(true));
        Ok(Self { dir, own: false, believed, faults: Faults::default(), room: Arc::default() })
    }

    /// The same, where tests may have effects fail.
    pub(super) fn open_plan(path: &Path) -> io::Result<Self> {
        Ok(Self { faults: Faults::of_process(), ..Self::open_ambient(path)? })
    }

    /// Whether no link is followed at this path: it is planwave's own folder, or lies in it.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        self.own || is_own(path)
    }

    /// The bytes that a test wants to be left on the disk.
    pub(super) fn space(&self) -> Option<u64> {
        self.faults.space()
    }

    /// Another handle of the same folder.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        let (believed, room) = (Arc::clone(&self.believed), Arc::clone(&self.room));
        Ok(Self { dir: self.dir.try_clone()?, own: self.own, believed, faults: self.faults.clone(), room })
    }

    /// Another handle, which sees planwave's own folder whosever it is.
    pub(super) fn unguarded(&self) -> io::Result<Self> {
        Ok(Self { believed: Arc::new(AtomicBool::new(true)), ..self.try_clone()? })
    }

    /// Whether planwave's own folder counts as this user's.
    pub(super) fn believes(&self) -> bool {
        self.believed.load(Ordering::Acquire)
    }

    /// What is in planwave's own folder is there from now on.
    pub(super) fn believe(&self) {
        self.believed.store(true, Ordering::Release);
    }

    /// Nothing in planwave's own folder is there from now on.
    pub(super) fn disbelieve(&self) {
        self.believed.store(false, Ordering::Release);
    }

    /// Where a path leads. In planwave's own folder the way there is walked without following links.
    fn place<'a>(&'a self, path: &'a Path) -> io::Result<Place<'a>> {
        if !self.is_own(path) {
            return Ok(Place { folder: None, this: &self.dir, name: path.into(), own: false });
        }
        if !self.own && !self.believes() {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        let (name, folder) = own_folder::folder_and_name(&self.dir, path)?;
        Ok(Place { folder, this: &self.dir, name, own: true })
    }

    /// What is at a path; links are followed, but in planwave's own folder.
    pub(super) fn metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        let place = self.place(path.as_ref())?;
        if place.own { place.dir().symlink_metadata(&place.name) } else { place.dir().metadata(&place.name) }
    }

    /// What is at a path; of a link, the link itself.
    pub(super) fn symlink_metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        let place = self.place(path.as_ref())?;
        place.dir().symlink_metadata(&place.name)
    }

    /// Whether a folder is there.
    pub(super) fn is_dir(&self, path: impl AsRef<Path>) -> bool {
        self.metadata(path).is_ok_and(|metadata| metadata.is_dir())
    }

    /// The bytes of a file.
    pub(super) fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_unobserved(path.as_ref())?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The names in a folder.
    pub(super) fn read_dir(&self, path: impl AsRef<Path>) -> io::Result<ReadDir> {
        let place = self.place(path.as_ref())?;
        if place.own {
            own_folder::open_folder(place.dir(), &place.name)?.entries()
        } else {
            place.dir().read_dir(&place.name)
        }
    }

    /// Where a path leads that may be a link.
    pub(super) fn canonicalize(&self, path: impl AsRef<Path>) -> io::Result<PathBuf> {
        self.dir.canonicalize(path)
    }

    /// Opens a folder.
    pub(super) fn open_dir(&self, path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        self.faults.check(Effect::Open, path)?;
        let place = self.place(path)?;
        let dir = if place.own {
            own_folder::open_folder(place.dir(), &place.name)?
        } else {
            place.dir().open_dir(&place.name)?
        };
        let (believed, room) = (Arc::clone(&self.believed), Arc::clone(&self.room));
        Ok(Self { dir, own: place.own, believed, faults: self.faults.below(path), room })
    }

    /// Opens a file for reading.
    pub(super) fn open(&self, path: impl AsRef<Path>) -> io::Result<DiskFile> {
        let path = path.as_ref();
        self.faults.check(Effect::Open, path)?;
        Ok(self.file(path, self.open_unobserved(path)?))
    }

    fn open_unobserved(&self, path: &Path) -> io::Result<File> {
        let place = self.place(path)?;
        if place.own {
            own_folder::open_file(place.dir(), &place.name, OpenOptions::new().read(true), false)
        } else {
            place.dir().open(&place.name)
        }
    }

    /// Opens a file for writing, or makes it, as `options` say.
    pub(super) fn open_with(&self, path: impl AsRef<Path>, options: &OpenOptions) -> io::Result<DiskFile> {
        let path = path.as_ref();
        let file = self.with_room(|| {
            self.faults.check(Effect::Create, path)?;
            let place = self.place(path)?;
            if place.own {
                own_folder::open_file(place.dir(), &place.name, options, true)
            } else {
                place.dir().open_with(&place.name, options)
            }
        })?;
        Ok(self.file(path, file))
    }

    fn file(&self, path: &Path, file: File) -> DiskFile {
        DiskFile { file, faults: self.faults.below(path), room: Arc::clone(&self.room), share: Share::Rest }
    }

    /// Does something once more where the disk is full and there is room that was set aside.
    fn with_room<T>(&self, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let given = self.room.given();
        match act() {
            Err(error) if is_full(&error) && (self.room.give_back(Share::Rest) || self.room.given() > given) => {
                self.faults.room_given_back();
                act()
            }
            done => done,
        }
    }

    /// Sets room aside for what is going to be written, in a file of this folder.
    pub(super) fn set_room_aside(&self, bytes: u64) -> io::Result<()> {
        self.faults.check(Effect::Create, Path::new(SPARE))?;
        self.room.set_aside(self.dir.try_clone()?, bytes)
    }

    /// What was set aside.
    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Makes a folder, and those it lies in, where it is missing.
    pub(super) fn create_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        if self.is_dir(path) {
            return Ok(());
        }
        let made = self.with_room(|| {
            self.faults.check(Effect::Create, path)?;
            if self.is_own(path) { self.create_own(path) } else { self.dir.create_dir_all(path) }
        });
        match made {
            // Something else is there, such as a link that leads out: opening it says what.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.open_dir(path).map(drop),
            made => made,
        }
    }

    /// Makes the folders of a path in planwave's own, one after another.
    fn create_own(&self, path: &Path) -> io::Result<()> {
        let parents = path.ancestors().filter(|parent| !parent.as_os_str().is_empty());
        for folder in parents.collect::<Vec<_>>().into_iter().rev() {
            let place = self.place(folder)?;
            match place.dir().create_dir(&place.name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder != path => {}
                made => made?,
            }
        }
        Ok(())
    }

    /// Gives a file another name, in place of what has it.
    pub(super) fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Rename, to.as_ref())?;
        let (from, to) = (self.place(from.as_ref())?, self.place(to.as_ref())?);
        from.dir().rename(&from.name, to.dir(), &to.name)
    }

    /// Gives a file in this folder another name there, in one step with the look whether that is free. Not every system
    /// and file system can.
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    pub(super) fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(Effect::NewName, to)?;
        // Both are names without a directory, so this cannot lead out of the folder, which cap-std has opened.
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        rustix::fs::renameat_with(&self.dir, from, &self.dir, to, flags).map_err(io::Error::from)
    }

    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    pub(super) fn rename_new(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Has two files in this folder change names, in one step. Not every system and file system can.
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    pub(super) fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.faults.check(Effect::Exchange, other)?;
        // Names without a directory, as in `rename_new`.
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        rustix::fs::renameat_with(&self.dir, one, &self.dir, other, flags).map_err(io::Error::from)
    }

    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    pub(super) fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Gives a file a second name, which must be free.
    pub(super) fn hard_link(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Link, to.as_ref())?;
        let (from, to) = (self.place(from.as_ref())?, self.place(to.as_ref())?);
        from.dir().hard_link(&from.name, to.dir(), &to.name)
    }

    /// Removes a file.
    pub(super) fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Remove, path.as_ref())?;
        let place = self.place(path.as_ref())?;
        place.dir().remove_file(&place.name)
    }

    /// Removes a folder with everything in it.
    pub(super) fn remove_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Remove, path.as_ref())?;
        let place = self.place(path.as_ref())?;
        place.dir().remove_dir_all(&place.name)
    }

    /// Removes a folder that is empty.
    pub(super) fn remove_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Remove, path.as_ref())?;
        let place = self.place(path.as_ref())?;
        place.dir().remove_dir(&place.name)
    }

    /// The folder itself as a file that can be locked.
    #[cfg(unix)]
    pub(super) fn itself(&self) -> io::Result<DiskFile> {
        Ok(self.file(Path::new(""), self.dir.open(".")?))
    }

    /// Windows cannot open one so, and does not let a folder with an open file go.
    #[cfg(not(unix))]
    pub(super) fn itself(&self) -> io::Result<DiskFile> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Makes the names in the folder durable. Windows has no counterpart and needs none: NTFS journals names. Nor do file
    /// systems that refuse to sync a folder as such (SMB, some of FUSE): there the server looks after names.
    #[cfg(unix)]
    pub(super) fn sync(&self) -> io::Result<()> {
        // The handle itself cannot be synced: it is opened for paths only.
        let synced = self
            .faults
            .check(Effect::SyncFolder, Path::new(""))
            .and_then(|()| self.dir.open("."))
            .and_then(|folder| folder.sync_all());
        match synced {
            Err(error) if is_not_offered(&error) => Ok(()),
            synced => synced,
        }
    }

    #[cfg(not(unix))]
    pub(super) fn sync(&self) -> io::Result<()> {
        self.faults.check(Effect::SyncFolder, Path::new(""))
    }
}

/// Tests look at what is there.
#[cfg(test)]
impl std::ops::Deref for Directory {
    type Target = Dir;

    fn deref(&self) -> &Dir {
        &self.dir
    }
}

impl DiskFile {
    /// A file that was opened elsewhere, by a name that the user gave.
    pub(super) fn elsewhere(file: std::fs::File) -> Self {
        Self { file: File::from_std(file), faults: Faults::default(), room: Arc::default(), share: Share::Rest }
    }

    /// The tape: it may use its own part of the room that was set aside.
    pub(super) fn into_tape(self) -> Self {
        Self { share: Share::Tape, ..self }
    }

    /// Whether there is room again, on a disk that was full; `given` is how often room had been given back before.
    fn has_room_again(&self, error: &io::Error, given: u32) -> bool {
        let again = is_full(error) && (self.room.give_back(self.share) || self.room.given() > given);
        if again {
            self.faults.room_given_back();
        }
        again
    }

    /// Locks it, unless somebody else has. The lock is held as long as the handle that this gives.
    pub(super) fn try_lock(self) -> (std::fs::File, Result<(), TryLockError>) {
        let fault = self.faults.check(Effect::Lock, Path::new(""));
        let file = self.file.into_std();
        let locked = fault.map_err(TryLockError::Error).and_then(|()| file.try_lock());
        (file, locked)
    }

    /// Makes bytes and metadata durable.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        self.synced(self.faults.check(Effect::Sync, Path::new("")).and_then(|()| self.file.sync_all()))
    }

    /// Some file systems find out only now that they are full. What was written is lost then, but not what comes after it.
    fn synced(&self, result: io::Result<()>) -> io::Result<()> {
        result.inspect_err(|error| {
            self.has_room_again(error, 0);
        })
    }

    /// Makes bytes durable.
    pub(super) fn sync_data(&self) -> io::Result<()> {
        self.synced(self.faults.check(Effect::Sync, Path::new("")).and_then(|()| self.file.sync_data()))
    }

    /// Cuts the file, or makes it longer.
    pub(super) fn set_len(&self, length: u64) -> io::Result<()> {
        self.faults.check(Effect::Write, Path::new(""))?;
        self.file.set_len(length)
    }

    /// Sets who may do what with it.
    pub(super) fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.faults.check(Effect::Permissions, Path::new(""))?;
        self.file.set_permissions(permissions)
    }

    /// What the system knows of it.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Lets the disk begin with the file while another is written, which makes the syncs that follow shorter.
    #[cfg(target_os = "linux")]
    pub(super) fn start_writing_back(&self) {
        // Advice only: what fails here fails again, and is seen, at the sync.
        let _ = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed);
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn start_writing_back(&self) {}
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let given = self.room.given();
        if let Err(error) = self.faults.check(Effect::Write, Path::new("")) {
            if !self.has_room_again(&error, given) {
                // A full disk takes what fits.
                let _ = self.file.write(&bytes[..bytes.len() / 2]);
                return Err(error);
            }
            self.faults.check(Effect::Write, Path::new(""))?;
        }
        match self.file.write(bytes) {
            Err(error) if self.has_room_again(&error, given) => self.file.write(bytes),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for DiskFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Read for &DiskFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(bytes)
    }
}

impl Seek for DiskFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
