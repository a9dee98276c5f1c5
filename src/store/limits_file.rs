//! The file of the user's in which rate limits are kept across runs. It belongs to no plan, and losing it costs a few
//! rejected requests, so nothing about it is ever a reason to fail.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    atomic::{self, Existing},
    disk::Directory,
};

/// The file's name in the user's state directory.
const NAME: &str = "limits.json";

/// No such file is larger, bytes; what is, is another file by accident.
const LARGEST: u64 = 1 << 20;

/// Where limits are kept.
#[derive(Clone, Debug)]
pub struct LimitsFile {
    directory: PathBuf,
}

impl LimitsFile {
    /// In a directory that is made when it is needed.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The file, for messages.
    pub fn path(&self) -> PathBuf {
        self.directory.join(NAME)
    }

    /// Its text; `None` where there is no file.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read, or is too large to be what it should be.
    pub fn read(&self) -> io::Result<Option<String>> {
        match std::fs::metadata(self.path()) {
            Ok(metadata) if metadata.len() > LARGEST => Err(io::Error::other("it is too large")),
            Ok(_) => std::fs::read_to_string(self.path()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn write(&self, text: &str) -> io::Result<()> {
        std::fs::create_dir_all(&self.directory)?;
        let directory = Directory::open_ambient(&self.directory)?;
        let written =
            atomic::write(&directory, Path::new(NAME), &self.path(), text.as_bytes(), Existing::Replace, |_| false);
        written.map_err(|error| io::Error::other(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_whole_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = LimitsFile::new(directory.path().join("state").join("planwave"));
        assert_eq!(file.read().unwrap(), None);
        file.write("one").unwrap();
        file.write("two").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("two"));
        std::fs::write(file.path(), vec![b'x'; 2 << 20]).unwrap();
        assert!(file.read().is_err());
    }
}
