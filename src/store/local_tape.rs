//! The plan directory's own tape: every answer that was paid for, found again by its request.
//!
//! What was received is on it before anything else is done with it, so a run that was cut short goes on where it ended:
//! its requests are the same, and their answers are here. Answers are read from the file when they are asked for; in
//! memory are only their keys and places.

use std::{
    collections::HashMap,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use cap_std::fs::OpenOptions;

use super::{
    PlanDir, TapeFile,
    disk::DiskFile,
    lines::{Line, Lines},
};
use crate::{
    model::{Memory, Recorder as _},
    tape::{Exchange, Skimmed, TapeError, check_header, item_key, skim},
};

/// Where the tape lies.
const TAPE: &str = ".planwave/tape.jsonl";

/// Where lines go that cannot be read any more.
const DAMAGED: &str = ".planwave/tape.damaged.jsonl";

/// How many damaged lines are moved when a tape is opened. Whatever is beyond is passed over until the next time.
const MOST_DAMAGED: usize = 10_000;

/// The plan's own tape, to go on writing, and what it remembers.
#[derive(Debug)]
pub struct LocalTape {
    /// Takes further lines.
    pub file: TapeFile,
    /// Answers by their requests.
    pub answers: TapeMemory,
    /// What was found when it was opened.
    pub found: Found,
}

/// What was found on the tape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Answers that can be used.
    pub answers: usize,
    /// Bytes of a last line that was cut short; they are gone, for nobody was told that they were written.
    pub torn: u64,
    /// 1-based numbers of other lines that cannot be read. They are in the side file now.
    pub damaged: Vec<usize>,
    /// Lines that are longer than any answer. They are left where they are and passed over.
    pub too_long: usize,
}

/// Answers on the tape, by request.
#[derive(Debug)]
pub struct TapeMemory {
    file: Mutex<DiskFile>,
    places: HashMap<String, Place>,
    copy_to: Option<Arc<TapeFile>>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    length: usize,
}

impl LocalTape {
    /// Opens the tape, or begins one with `header`. A torn last line is cut off, one that lacks only its end gets it; damaged
    /// lines, the first included, go to a side file. Whoever calls this holds the run lock.
    ///
    /// # Errors
    ///
    /// What the system says, and `InvalidData` where the tape is one of a newer planwave: it is left alone.
    pub fn open(plan_dir: &PlanDir, header: &str) -> io::Result<Self> {
        Self::read(plan_dir, header).map_err(|error| plan_dir.explained(error))
    }

    fn read(plan_dir: &PlanDir, header: &str) -> io::Result<Self> {
        let dir = plan_dir.dir();
        dir.create_dir_all(".planwave")?;
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let mut file = dir.open_with(TAPE, &options)?;
        let Reading { places, damaged, torn, open_end, too_long } = Reading::of(&file)?;
        if open_end {
            // What is appended must not become a part of it.
            file.seek(SeekFrom::End(0))?;
            file.write_all(b"\n")?;
            file.sync_data()?;
        }
        if !damaged.is_empty() {
            let mut side = dir.open_with(DAMAGED, OpenOptions::new().append(true).create(true))?;
            let mut bytes = Vec::new();
            for line in &damaged {
                file.seek(SeekFrom::Start(line.offset))?;
                bytes.clear();
                (&file).take(line.length).read_to_end(&mut bytes)?;
                bytes.push(b'\n');
                side.write_all(&bytes)?;
            }
            side.sync_all()?;
            // Blank lines are passed over. Where this is cut short, the line is still damaged and moved the next time.
            for line in &damaged {
                let mut blank = vec![b' '; usize::try_from(line.length).unwrap_or_default()];
                // A tape whose header is damaged gets another where there is room; without one its answers count as well.
                if let Some(start) = blank.get_mut(..header.len()).filter(|_| line.number == 1) {
                    start.copy_from_slice(header.as_bytes());
                }
                file.seek(SeekFrom::Start(line.offset))?;
                file.write_all(&blank)?;
            }
            file.sync_data()?;
        }
        let damaged = damaged.iter().map(|line| line.number).collect();
        let found = Found { answers: places.len(), torn, damaged, too_long };
        let answers = TapeMemory { file: Mutex::new(file), places, copy_to: None };
        Ok(Self { file: TapeFile::local(plan_dir, header)?, answers, found })
    }

    /// The answers on the tape as it is, to look something up. Only reads, so it needs no lock.
    ///
    /// # Errors
    ///
    /// As for [`LocalTape::open`], and `NotFound` where there is no tape.
    pub fn answers(plan_dir: &PlanDir) -> io::Result<TapeMemory> {
        let file = plan_dir.dir().open(TAPE)?;
        let places = Reading::of(&file)?.places;
        Ok(TapeMemory { file: Mutex::new(file), places, copy_to: None })
    }
}

/// Where a tape's answers are, and what is wrong with it.
#[derive(Default)]
struct Reading {
    places: HashMap<String, Place>,
    damaged: Vec<DamagedLine>,
    torn: u64,
    /// Whether the last line is whole but for its end.
    open_end: bool,
    too_long: usize,
}

struct DamagedLine {
    number: usize,
    offset: u64,
    length: u64,
}

impl Reading {
    fn of(file: &DiskFile) -> io::Result<Self> {
        let mut reading = Self::default();
        let mut lines = Lines::new(BufReader::with_capacity(256 * 1024, file));
        while let Some(Line { number, offset, length, bytes, ended }) = lines.next()? {
            let Some(line) = bytes else {
                // Without its end it is cut off like any other.
                if ended {
                    reading.too_long += 1
                } else {
                    reading.torn = length
                }
                continue;
            };
            if !ended {
                if number == 1 {
                    refuse_newer(line)?;
                }
                if !is_whole(line) {
                    reading.torn = length;
                    break;
                }
                reading.open_end = true;
            }
            let blank = line.len() - line.trim_ascii_start().len();
            reading.take(number, offset + blank as u64, line.trim_ascii())?;
        }
        Ok(reading)
    }

    fn take(&mut self, number: usize, offset: u64, line: &[u8]) -> io::Result<()> {
        if line.is_empty() || number == 1 && refuse_newer(line)? {
            return Ok(());
        }
        match std::str::from_utf8(line).ok().and_then(|line| skim(line).ok()) {
            Some(Skimmed::Exchange { key, usable: true }) => {
                self.places.insert(key.into_owned(), Place { offset, length: line.len() });
            }
            Some(Skimmed::Exchange { usable: false, .. }) => {}
            Some(Skimmed::GivenUp(keys)) => {
                for key in keys {
                    self.places.remove(&*key);
                }
            }
            None if self.damaged.len() < MOST_DAMAGED => {
                self.damaged.push(DamagedLine { number, offset, length: line.len() as u64 });
            }
            None => {}
        }
        Ok(())
    }
}

/// Whether a line is a header of this format.
///
/// # Errors
///
/// `InvalidData` for one of a newer format. Whatever else stands in its place says nothing against the lines below.
fn refuse_newer(line: &[u8]) -> io::Result<bool> {
    match check_header(&String::from_utf8_lossy(line)) {
        Ok(()) => Ok(true),
        Err(error @ TapeError::Version { .. }) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        Err(TapeError::Empty | TapeError::NotATape | TapeError::Line { .. }) => Ok(false),
    }
}

/// Whether a line without its end is a whole one: half a line of JSON is none, and an exchange has to be filed under the key
/// of its request.
fn is_whole(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    match skim(line) {
        Ok(Skimmed::Exchange { key, .. }) => Exchange::parse_line(line)
            .is_ok_and(|exchange| item_key(&exchange.method, &exchange.path, &exchange.request) == *key),
        Ok(Skimmed::GivenUp(_)) => true,
        Err(_) => check_header(line).is_ok(),
    }
}

impl TapeMemory {
    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no answer.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Puts each answer that is recalled onto another tape as well.
    pub fn copy_to(&mut self, tape: Option<Arc<TapeFile>>) {
        self.copy_to = tape;
    }
}

impl Memory for TapeMemory {
    fn recall(&self, key: &str) -> Option<Exchange> {
        let Place { offset, length } = *self.places.get(key)?;
        let mut bytes = vec![0; length];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).ok()?;
        }
        let exchange = Exchange::parse_line(std::str::from_utf8(&bytes).ok()?).ok()?;
        // What was sent decides, not what is written beside it.
        if item_key(&exchange.method, &exchange.path, &exchange.request) != key {
            return None;
        }
        if let Some(tape) = &self.copy_to {
            // Not waited for: the original is safe, and the tape is whole before it is closed.
            drop(tape.record(exchange.to_line()));
        }
        Some(exchange)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::store::OwnershipKey;
    use crate::tape::{GivenUp, Header, Origin, request_key};

    fn header() -> String {
        Header::new(Origin::Recorded, None, "2026-11-01T00:00:00Z".parse().unwrap()).to_line()
    }

    fn exchange(text: &str, status: u16, body: &str) -> Exchange {
        let request = json!({"model": "m", "messages": [text]});
        serde_json::from_value(json!({
            "key": request_key("POST", "/p", &request), "at": "2026-11-01T00:00:00Z", "method": "POST", "path": "/p",
            "request": request, "status": status, "body": body,
        }))
        .unwrap()
    }

    fn plan_dir(at: &Path) -> PlanDir {
        std::fs::write(at.join("PLAN_X.md"), "# PLAN\n").unwrap();
        PlanDir::open_as(at, OwnershipKey::credulous()).unwrap()
    }

    fn tape_of(lines: &[String]) -> tempfile::TempDir {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join(".planwave")).unwrap();
        std::fs::write(scratch.path().join(TAPE), lines.join("\n")).unwrap();
        scratch
    }

    #[test]
    fn answers_are_found_by_their_requests_and_those_given_up_are_not() {
        let (a, b, c) = (exchange("a", 200, "A"), exchange("b", 200, "B"), exchange("c", 429, "no"));
        let note = GivenUp { given_up: vec![b.key.clone()], item: String::from("1.1 subplan") };
        let again = exchange("a", 200, "A again");
        let lines = [
            header(),
            a.to_line(),
            String::new(),
            b.to_line(),
            c.to_line(),
            note.to_line(),
            again.to_line(),
            String::new(),
        ];
        let scratch = tape_of(&lines);
        let tape = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
        assert_eq!(tape.found, Found { answers: 1, torn: 0, damaged: vec![], too_long: 0 });
        assert_eq!(tape.answers.recall(&a.key).unwrap().body, "A again");
        assert_eq!(tape.answers.recall(&b.key), None);
        assert_eq!(tape.answers.recall(&c.key), None);
    }

    #[test]
    fn an_answer_that_comes_after_it_was_given_up_counts() {
        let a = exchange("a", 200, "second");
        let note = GivenUp { given_up: vec![a.key.clone()], item: String::from("1.1 subplan") };
        let first = exchange("a", 200, "first");
        let scratch = tape_of(&[header(), first.to_line(), note.to_line(), a.to_line(), String::new()]);
        let tape = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
        assert_eq!(tape.answers.recall(&a.key).unwrap().body, "second");
    }

    #[test]
    fn a_torn_line_is_cut_and_damaged_lines_are_moved_aside() {
        let (a, b) = (exchange("a", 200, "A"), exchange("b", 200, "B"));
        let damaged = &b.to_line()[..30];
        let torn = &b.to_line()[..40];
        let scratch =
            tape_of(&[header(), damaged.to_owned(), a.to_line(), String::from("\u{fffd} not JSON"), torn.to_owned()]);
        let tape = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
        assert_eq!(tape.found, Found { answers: 1, torn: 40, damaged: vec![2, 4], too_long: 0 });
        assert_eq!(tape.answers.recall(&a.key).unwrap(), a);
        drop(tape);
        let side = std::fs::read_to_string(scratch.path().join(DAMAGED)).unwrap();
        assert_eq!(side, format!("{damaged}\n\u{fffd} not JSON\n"));
        // They are reported once, and the tape is a whole one again.
        let again = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
        assert_eq!(again.found, Found { answers: 1, torn: 0, damaged: vec![], too_long: 0 });
        drop(again);
        let text = std::fs::read_to_string(scratch.path().join(TAPE)).unwrap();
        assert_eq!(crate::tape::Tape::parse(&text).unwrap().exchanges.len(), 1);
    }

    #[test]
    fn an_answer_whose_request_is_not_the_one_it_is_filed_under_is_not_used() {
        let mut wrong = exchange("a", 200, "A");
        wrong.key = exchange("b", 200, "").key;
        let scratch = tape_of(&[header(), wrong.to_line(), String::new()]);
        let tape = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
        assert_eq!(tape.answers.recall(&wrong.key), None);
    }

    #[test]
    fn a_tape_of_a_newer_format_is_left_alone() {
        for text in ["{\"tape\":9}\n", "{\"tape\":9}", "{\"tape\":9}\n{\"key\":"] {
            let scratch = tape_of(&[text.to_owned()]);
            let error = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(std::fs::read_to_string(scratch.path().join(TAPE)).unwrap(), text);
        }
    }

    #[test]
    fn without_its_header_a_tape_has_its_answers_all_the_same() {
        let (a, b) = (exchange("a", 200, "A"), exchange("b", 200, "B"));
        let broken = header().replace('{', "X");
        // The header is damaged, is too short to be mended, has become blank, or is lost.
        for (first, damaged, mended) in
            [(Some(broken.as_str()), 1, true), (Some("notes"), 1, false), (Some("  "), 0, false), (None, 0, false)]
        {
            let lines = first.map(str::to_owned).into_iter().chain([a.to_line(), b.to_line(), String::new()]);
            let scratch = tape_of(&lines.collect::<Vec<_>>());
            let tape = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
            assert_eq!(tape.found, Found { answers: 2, torn: 0, damaged: vec![1; damaged], too_long: 0 }, "{first:?}");
            assert_eq!(tape.answers.recall(&a.key).unwrap(), a);
            drop(tape);
            let side = std::fs::read_to_string(scratch.path().join(DAMAGED)).unwrap_or_default();
            assert_eq!(side, if damaged == 1 { format!("{}\n", first.unwrap()) } else { String::new() });
            let again = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
            assert_eq!(again.found, Found { answers: 2, torn: 0, damaged: vec![], too_long: 0 }, "{first:?}");
            let text = std::fs::read_to_string(scratch.path().join(TAPE)).unwrap();
            assert_eq!(crate::tape::Tape::parse(&text).is_ok(), mended, "{first:?}");
        }
    }

    #[test]
    fn a_last_line_that_lacks_only_its_end_is_kept() {
        let (a, b) = (exchange("a", 200, "A"), exchange("b", 200, "B"));
        let scratch = tape_of(&[header(), a.to_line()]);
        let dir = plan_dir(scratch.path());
        assert_eq!(LocalTape::answers(&dir).unwrap().recall(&a.key).unwrap(), a);
        let tape = LocalTape::open(&dir, &header()).unwrap();
        assert_eq!(tape.found, Found { answers: 1, torn: 0, damaged: vec![], too_long: 0 });
        drop(futures_util::FutureExt::now_or_never(tape.file.record(b.to_line())));
        drop(tape);
        let text = std::fs::read_to_string(scratch.path().join(TAPE)).unwrap();
        assert_eq!(text, format!("{}\n{}\n{}\n", header(), a.to_line(), b.to_line()));
        // A whole line of JSON that is no whole record, or not the one that it says it is, was not finished.
        let mut other = exchange("c", 200, "C");
        other.key.clone_from(&b.key);
        for last in [String::from("{}"), String::from("[1]"), other.to_line(), a.to_line()[..90].to_owned()] {
            let scratch = tape_of(&[header(), b.to_line(), last.clone()]);
            let tape = LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap();
            assert_eq!(
                tape.found,
                Found { answers: 1, torn: last.len() as u64, damaged: vec![], too_long: 0 },
                "{last}"
            );
        }
        // A header alone.
        let scratch = tape_of(&[header()]);
        drop(LocalTape::open(&plan_dir(scratch.path()), &header()).unwrap());
        assert_eq!(std::fs::read_to_string(scratch.path().join(TAPE)).unwrap(), format!("{}\n", header()));
    }
}
