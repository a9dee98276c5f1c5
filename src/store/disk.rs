//! Files and folders below a directory, as the rest of the store uses them: cap-std's handles, through which no name and
//! no symbolic link leads out.
//!
//! Reading goes straight through. Whatever changes the disk is a method here, so that tests can have each of them fail
//! (`faults`). It must not decide anything.

use std::{
    fs::TryLockError,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Deref,
    path::Path,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, Metadata, OpenOptions, Permissions},
};

use super::faults::{Effect, Faults};

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
    faults: Faults,
}

/// An open file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    faults: Faults,
}

/// For reading.
impl Deref for Directory {
    type Target = Dir;

    fn deref(&self) -> &Dir {
        &self.dir
    }
}

impl Directory {
    /// Opens a folder that the user named. Nothing else is opened by a path that leads anywhere.
    pub(super) fn open_ambient(path: &Path) -> io::Result<Self> {
        Ok(Self { dir: Dir::open_ambient_dir(path, ambient_authority())?, faults: Faults::default() })
    }

    /// The same, where tests may have effects fail.
    pub(super) fn open_plan(path: &Path) -> io::Result<Self> {
        Ok(Self { faults: Faults::of_process(), ..Self::open_ambient(path)? })
    }

    /// The bytes that a test wants to be left on the disk.
    pub(super) fn space(&self) -> Option<u64> {
        self.faults.space()
    }

    /// Another handle of the same folder.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { dir: self.dir.try_clone()?, faults: self.faults.clone() })
    }

    /// Opens a folder.
    pub(super) fn open_dir(&self, path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        self.faults.check(Effect::Open, path)?;
        Ok(Self { dir: self.dir.open_dir(path)?, faults: self.faults.below(path) })
    }

    /// Opens a file for reading.
    pub(super) fn open(&self, path: impl AsRef<Path>) -> io::Result<DiskFile> {
        let path = path.as_ref();
        self.faults.check(Effect::Open, path)?;
        Ok(DiskFile { file: self.dir.open(path)?, faults: self.faults.below(path) })
    }

    /// Opens a file for writing, or makes it, as `options` say.
    pub(super) fn open_with(&self, path: impl AsRef<Path>, options: &OpenOptions) -> io::Result<DiskFile> {
        let path = path.as_ref();
        self.faults.check(Effect::Create, path)?;
        Ok(DiskFile { file: self.dir.open_with(path, options)?, faults: self.faults.below(path) })
    }

    /// Makes a folder, and those it lies in, where it is missing.
    pub(super) fn create_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        if self.dir.is_dir(path) {
            return Ok(());
        }
        self.faults.check(Effect::Create, path)?;
        match self.dir.create_dir_all(path) {
            // Something else is there, such as a link that leads out: opening it says what.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.dir.open_dir(path).map(drop),
            made => made,
        }
    }

    /// Gives a file another name, in place of what has it.
    pub(super) fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Rename, to.as_ref())?;
        self.dir.rename(from, &self.dir, to)
    }

    /// Gives a file in this folder another name there, in one step with the look whether that is free. Not every system
    /// and file system can.
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    pub(super) fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(Effect::Rename, to)?;
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
        self.dir.hard_link(from, &self.dir, to)
    }

    /// Removes a file.
    pub(super) fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Remove, path.as_ref())?;
        self.dir.remove_file(path)
    }

    /// Removes a folder with everything in it.
    pub(super) fn remove_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Remove, path.as_ref())?;
        self.dir.remove_dir_all(path)
    }

    /// Removes a folder that is empty.
    pub(super) fn remove_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Remove, path.as_ref())?;
        self.dir.remove_dir(path)
    }

    /// The folder itself as a file that can be locked.
    #[cfg(unix)]
    pub(super) fn itself(&self) -> io::Result<DiskFile> {
        Ok(DiskFile { file: self.dir.open(".")?, faults: self.faults.clone() })
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

impl DiskFile {
    /// A file that was opened elsewhere, by a name that the user gave.
    pub(super) fn elsewhere(file: std::fs::File) -> Self {
        Self { file: File::from_std(file), faults: Faults::default() }
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
        self.faults.check(Effect::Sync, Path::new(""))?;
        self.file.sync_all()
    }

    /// Makes bytes durable.
    pub(super) fn sync_data(&self) -> io::Result<()> {
        self.faults.check(Effect::Sync, Path::new(""))?;
        self.file.sync_data()
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
        if let Err(error) = self.faults.check(Effect::Write, Path::new("")) {
            // A full disk takes what fits.
            let _ = self.file.write(&bytes[..bytes.len() / 2]);
            return Err(error);
        }
        self.file.write(bytes)
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
