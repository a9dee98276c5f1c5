//! A file of lines that only grows: what is appended is there as a whole and durable, or not at all.

use std::{
    io::{self, BufRead, Read, Seek as _, SeekFrom, Write as _},
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

/// No line of a tape is longer, in bytes: the reader of answers stops earlier.
pub(super) const LONGEST_LINE: u64 = 96 * 1024 * 1024;

/// Reads lines one after another. Of one that is longer than [`LONGEST_LINE`] nothing is kept, so that no file fills the memory.
pub(super) struct Lines<R> {
    reader: R,
    longest: u64,
    number: usize,
    offset: u64,
    line: Vec<u8>,
}

/// A line.
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Where it begins.
    pub(super) offset: u64,
    /// Its length with its end.
    pub(super) length: u64,
    /// Its bytes with its end; `None` where it is too long.
    pub(super) bytes: Option<&'a [u8]>,
    /// Whether it has a line feed.
    pub(super) ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, longest: LONGEST_LINE, number: 0, offset: 0, line: Vec::new() }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut length, mut ended) = (0, false);
        while !ended {
            let available = match self.reader.fill_buf() {
                Ok([]) => break,
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = memchr::memchr(b'\n', available);
            let used = end.map_or(available.len(), |end| end + 1);
            ended = end.is_some();
            length += used as u64;
            if length <= self.longest {
                self.line.extend_from_slice(&available[..used]);
            } else {
                self.line = Vec::new();
            }
            self.reader.consume(used);
        }
        if length == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += length;
        self.number += 1;
        let bytes = (length <= self.longest).then_some(self.line.as_slice());
        Ok(Some(Line { number: self.number, offset, length, bytes, ended }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_that_is_too_long_nothing_is_kept() {
        let text = format!("ab\n{}\n\ncd\n{}", "x".repeat(100), "y".repeat(11));
        for size in [1, 3, 7, 1000] {
            let mut lines = Lines { longest: 10, ..Lines::new(io::BufReader::with_capacity(size, text.as_bytes())) };
            let mut seen = Vec::new();
            while let Some(Line { number, offset, length, bytes, ended }) = lines.next().unwrap() {
                seen.push((number, offset, length, bytes.map(<[u8]>::to_vec), ended));
            }
            let kept = |text: &str| Some(text.as_bytes().to_vec());
            let expected = [
                (1, 0, 3, kept("ab\n"), true),
                (2, 3, 101, None, true),
                (3, 104, 1, kept("\n"), true),
                (4, 105, 3, kept("cd\n"), true),
                (5, 108, 11, None, false),
            ];
            assert_eq!(seen, expected, "{size}");
        }
    }
}
