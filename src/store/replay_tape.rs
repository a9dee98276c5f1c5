//! Tapes that the user names. They are read line by line, whatever their size: an index is kept, and each answer is read when it
//! is asked for.

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    ops::ControlFlow,
    path::Path,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use super::lines::{Line, Lines};
use crate::tape::{Exchange, Header, ReplayIndex, Tape, TapeEntry, TapeError, TapeLines, TapeReader};

/// What cannot be read a second time, such as a pipe, is held in memory up to so many bytes.
const LARGEST_STREAM: u64 = 256 * 1024 * 1024;

/// A tape that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The system refused.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is no text.
    #[error("it is not UTF-8, so it is no tape")]
    NotText,
    /// No line of a tape is that long.
    #[error("line {line} is longer than any answer")]
    TooLong {
        /// Its number, from 1.
        line: usize,
    },
    /// It is no tape, or damaged.
    #[error(transparent)]
    Tape(#[from] TapeError),
}

impl ReplayError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tape(error) => error.hint(),
            Self::TooLong { .. } => Some(String::from("remove the line, or name another tape")),
            Self::Io(_) | Self::NotText => None,
        }
    }
}

/// The answers of a tape.
///
/// # Errors
///
/// The file cannot be read, or is no tape as a whole.
pub fn replay_index(path: &Path) -> Result<ReplayIndex, ReplayError> {
    let (file, is_file) = open(path)?;
    if !is_file {
        let mut exchanges = Vec::new();
        let (header, torn) = each(file.take(LARGEST_STREAM), |line, exchange, _| {
            exchanges.push((line, exchange));
            ControlFlow::Continue(())
        })?;
        return Ok(ReplayIndex::new(Tape { header, exchanges, torn }));
    }
    let (mut entries, mut places) = (Vec::new(), Vec::new());
    each(&file, |line, exchange, place| {
        entries.push(TapeEntry::of(line, &exchange));
        places.push(place);
        ControlFlow::Continue(())
    })?;
    Ok(ReplayIndex::elsewhere(entries, Box::new(OnDisk { file: Mutex::new(file), places })))
}

/// The exchange of this key and time on a tape.
///
/// # Errors
///
/// As for [`replay_index`], up to the line of the exchange.
pub fn find_on_tape(path: &Path, key: &str, at: Timestamp) -> Result<Option<Exchange>, ReplayError> {
    let mut found = None;
    let (file, is_file) = open(path)?;
    each(file.take(if is_file { u64::MAX } else { LARGEST_STREAM }), |_, exchange, _| {
        if exchange.key == key && exchange.at == at {
            found = Some(exchange);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Opens a file, and tells whether it is one that ends.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let file = File::open(path)?;
    let is_file = file.metadata()?.is_file();
    Ok((file, is_file))
}

/// Where a line is: its offset and its length.
type Place = (u64, u64);

fn each(
    reader: impl io::Read,
    mut take: impl FnMut(usize, Exchange, Place) -> ControlFlow<()>,
) -> Result<(Header, Option<usize>), ReplayError> {
    let mut lines = Lines::new(BufReader::with_capacity(256 * 1024, reader));
    let mut tape = TapeReader::default();
    while let Some(Line { number, offset, length, bytes, .. }) = lines.next()? {
        let bytes = bytes.ok_or(ReplayError::TooLong { line: number })?;
        let line = std::str::from_utf8(bytes).map_err(|_| ReplayError::NotText)?;
        if let Some((number, exchange)) = tape.take(line)?
            && take(number, exchange, (offset, length)).is_break()
        {
            break;
        }
    }
    Ok(tape.end()?)
}

/// A file and where its exchanges are in it.
#[derive(Debug)]
struct OnDisk {
    file: Mutex<File>,
    places: Vec<Place>,
}

impl TapeLines for OnDisk {
    fn exchange(&self, position: usize) -> Option<Exchange> {
        let (offset, length) = *self.places.get(position)?;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).ok()?;
        }
        Exchange::parse_line(std::str::from_utf8(&bytes).ok()?.trim_end()).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tape::{Origin, request_key};

    fn line(text: &str, status: u16) -> String {
        let request = json!({"model": "m", "messages": [text]});
        let line = json!({
            "key": "k", "at": "2026-11-01T00:00:00Z", "method": "POST", "path": "/p", "request": request,
            "status": status, "body": text,
        });
        line.to_string()
    }

    fn tape(lines: &[String]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let header = Header::new(Origin::Recorded, None, "2026-11-01T00:00:00Z".parse().unwrap()).to_line();
        std::fs::write(file.path(), format!("{header}\r\n{}", lines.concat())).unwrap();
        file
    }

    #[test]
    fn a_file_answers_as_the_same_tape_in_memory() {
        let lines = [
            line("a", 500) + "\n",
            String::from("\n{\"given_up\":[\"k\"],\"item\":\"1.1 subplan\"}\n"),
            line("b", 200) + "\r\n",
            line("a", 200) + "\n",
            String::from("{\"key\":\"torn"),
        ];
        let file = tape(&lines);
        let index = replay_index(file.path()).unwrap();
        let held = ReplayIndex::new(Tape::parse(&std::fs::read_to_string(file.path()).unwrap()).unwrap());
        assert_eq!((index.len(), held.len()), (3, 3));
        for text in ["a", "b", "a", "a", "c"] {
            let key = request_key("POST", "/p", &json!({"model": "m", "messages": [text]}));
            assert_eq!(index.has_more(&key), held.has_more(&key));
            assert_eq!(index.answer(&key), held.answer(&key), "{text}");
        }
        for request in [json!({"model": "m", "messages": ["b!"]}), Value::Null] {
            assert_eq!(index.nearest(&request), held.nearest(&request));
        }
        let at = "2026-11-01T00:00:00Z".parse().unwrap();
        assert_eq!(find_on_tape(file.path(), "k", at).unwrap().unwrap().body, "a");
        assert_eq!(find_on_tape(file.path(), "other", at).unwrap(), None);
    }

    #[test]
    fn what_is_no_tape_is_refused() {
        for (lines, said) in [
            (vec![String::from("{}\n"), line("a", 200)], "line 2"),
            (vec![line("a", 200) + "\n", String::from("\u{0}\n")], "line 3"),
        ] {
            let error = replay_index(tape(&lines).path()).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(replay_index(file.path()), Err(ReplayError::Tape(TapeError::Empty))));
        #[cfg(unix)]
        for endless in [
            replay_index(Path::new("/dev/zero")).map(drop),
            find_on_tape(Path::new("/dev/zero"), "k", Timestamp::UNIX_EPOCH).map(drop),
        ] {
            assert!(matches!(endless, Err(ReplayError::TooLong { line: 1 })));
        }
        std::fs::write(file.path(), [0xff, b'\n']).unwrap();
        assert!(matches!(replay_index(file.path()), Err(ReplayError::NotText)));
    }
}
