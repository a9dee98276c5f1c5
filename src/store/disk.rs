//! Files and folders below a directory, as the rest of the store uses them: cap-std's handles, through which no name and
//! no symbolic link leads out.
//!
//! Reading goes straight through. Whatever changes the disk is a method here, so that tests can have each of them fail
//! (`faults`). It must not decide anything.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Deref,
    path::Path,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, OpenOptions, Permissions},
};

use super::faults::{Effect, Faults};

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

    /// Gives a file a second name, which must be free.
    pub(super) fn hard_link(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.faults.check(Effect::Rename, to.as_ref())?;
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

    /// Sets who may do what with a file.
    #[cfg(unix)]
    pub(super) fn set_permissions(&self, path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
        self.faults.check(Effect::Write, path.as_ref())?;
        self.dir.set_permissions(path, permissions)
    }

    /// Makes the names in the folder durable. Windows has no counterpart and needs none: NTFS journals names.
    #[cfg(unix)]
    pub(super) fn sync(&self) -> io::Result<()> {
        self.faults.check(Effect::SyncFolder, Path::new(""))?;
        // The handle itself cannot be synced: it is opened for paths only.
        self.dir.open(".")?.sync_all()
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

    /// The system's handle, for locking.
    pub(super) fn into_std(self) -> std::fs::File {
        self.file.into_std()
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
        self.faults.check(Effect::Write, Path::new(""))?;
        self.file.set_permissions(permissions)
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
