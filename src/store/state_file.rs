//! Files in the user's own state directory, such as the rate limits that were learned. They belong to no plan.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    atomic::{self, Existing},
    disk::Directory,
};
use crate::bounded;

/// No such file is larger, bytes; what is, is another file by accident.
const LARGEST: u64 = 1 << 20;

/// One file of the user's state.
#[derive(Clone, Debug)]
pub struct StateFile {
    directory: PathBuf,
    name: &'static str,
}

impl StateFile {
    /// In a directory that is made when it is needed.
    pub fn new(directory: PathBuf, name: &'static str) -> Self {
        Self { directory, name }
    }

    /// The file, for messages.
    pub fn path(&self) -> PathBuf {
        self.directory.join(self.name)
    }

    /// Its text; `None` where there is no file.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read, or is too large to be what it should be.
    pub fn read(&self) -> io::Result<Option<String>> {
        match bounded::read_text(&self.path(), LARGEST) {
            Ok(text) => Ok(Some(text)),
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
            atomic::write(&directory, Path::new(self.name), &self.path(), text.as_bytes(), Existing::Replace, |_| {
                false
            });
        written.map_err(|error| io::Error::other(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_whole_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = StateFile::new(directory.path().join("state").join("planwave"), "limits.json");
        assert_eq!(file.read().unwrap(), None);
        file.write("one").unwrap();
        file.write("two").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("two"));
        std::fs::write(file.path(), vec![b'x'; 2 << 20]).unwrap();
        assert!(file.read().is_err());
    }
}
