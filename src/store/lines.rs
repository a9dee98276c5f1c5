//! A file of lines that only grows: what is appended is there as a whole and durable, or not at all.

use std::{
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use super::disk::{Directory, DiskFile, is_same};

/// A file to which lines are appended. It must have been opened for reading and appending.
#[derive(Debug)]
pub(super) struct LineFile {
    file: DiskFile,
    /// Its length.
    whole: u64,
    /// Whether there may be half a line behind `whole`.
    torn: bool,
    /// Where it has its name, if that is to be looked at before each line.
    place: Option<(Directory, PathBuf)>,
}

/// A file in planwave's own folder has lost its name: somebody has removed or replaced the folder.
#[derive(Debug, thiserror::Error)]
#[error("`.planwave` was removed or replaced while planwave was at work; its tape and what undo needs are gone")]
pub(super) struct Gone;

/// Whether an error says that.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Gone>())
}

impl LineFile {
    /// Takes over a file. A last line without its end is cut off: a crash left it, and nobody was told that it was written.
    pub(super) fn new(mut file: DiskFile) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let whole = whole_lines(&mut file, length)?;
        if whole < length {
            file.set_len(whole)?;
        }
        Ok(Self { file, whole, torn: false, place: None })
    }

    /// The same for a file at a path below `dir`, to which nothing is appended once it has lost that name.
    pub(super) fn watched(file: DiskFile, dir: &Directory, path: &str) -> io::Result<Self> {
        Ok(Self { place: Some((dir.try_clone()?, PathBuf::from(path))), ..Self::new(file)? })
    }

    /// Makes sure that it has its name still.
    ///
    /// # Errors
    ///
    /// [`Gone`].
    pub(super) fn check_place(&self) -> io::Result<()> {
        let Some((dir, path)) = &self.place else { return Ok(()) };
        let named = self.file.metadata()?;
        match dir.symlink_metadata(path) {
            Ok(there) if is_same(&there, &named) => Ok(()),
            // Too many open files, and the like: it cannot be told.
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            Ok(_) | Err(_) => Err(io::Error::new(io::ErrorKind::NotFound, Gone)),
        }
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.whole == 0
    }

    /// Appends whole lines and makes them durable.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.append_each(std::iter::once(lines))
    }

    /// The same with one sync for all of them, and a write for each.
    pub(super) fn append_each<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        self.check_place()?;
        if self.torn {
            self.mend()?;
        }
        let written = self.write(lines);
        match written {
            Ok(length) => self.whole += length,
            // Half a line would spoil the one that comes after it. Where it cannot be cut off now, nothing is appended before
            // it can.
            Err(_) => self.torn = self.mend().is_err(),
        }
        written.map(|_| ())
    }

    fn write<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) -> io::Result<u64> {
        let mut length = 0;
        for lines in lines {
            self.file.write_all(lines)?;
            length += lines.len() as u64;
        }
        self.file.sync_data()?;
        Ok(length)
    }

    fn mend(&mut self) -> io::Result<()> {
        self.file.set_len(self.whole)?;
        self.torn = false;
        Ok(())
    }
}

/// The length of a file up to the end of its last whole line.
fn whole_lines(file: &mut DiskFile, length: u64) -> io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut end = length;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
