//! Reads the events of runs; those of a run that was killed, with the exchanges that only the tape has.

use std::{
    cell::OnceCell,
    io::{self, BufReader, Write as _},
};

use cap_std::fs::OpenOptions;
use jiff::Timestamp;

use super::{PlanDir, RunLock, StoreError, WriteError, lines::Lines, records};
use crate::{
    history::{Record, Taped, unlisted},
    tape::Usage,
};

const TAPE: &str = ".planwave/tape.jsonl";

/// US dollars for a model's tokens; `None` where its prices are unknown.
pub type Price<'a> = &'a dyn Fn(&str, &Usage) -> Option<f64>;

/// The events of a plan's runs. The tape is read once, and only where a run was interrupted.
pub struct Events<'a> {
    dir: &'a PlanDir,
    price: Price<'a>,
    tape: OnceCell<Vec<Taped>>,
}

impl<'a> Events<'a> {
    /// Of the runs of this plan.
    pub fn new(dir: &'a PlanDir, price: Price<'a>) -> Self {
        Self { dir, price, tape: OnceCell::new() }
    }

    /// The events of a run, a line of JSON each; `None` where it had none. `until` is when the next operation began.
    pub fn of(&self, record: &Record, until: Option<Timestamp>) -> Result<Option<String>, StoreError> {
        let Some(mut events) = self.dir.events(&record.id)? else { return Ok(None) };
        let missing = self.missing(record, until, &events)?;
        if !missing.is_empty() && !events.is_empty() && !events.ends_with('\n') {
            events.push('\n');
        }
        events.push_str(&missing);
        Ok(Some(events))
    }

    /// Writes down what only the tape has, so that the tape may be cut.
    pub fn complete(&self, record: &Record, until: Option<Timestamp>, _lock: &RunLock) -> Result<(), WriteError> {
        let path = format!("{}/{}", records::folder_of(&record.id), records::EVENTS);
        let failed = |source| WriteError::Io { path: self.dir.shown(&path), source };
        let whole = self.of(record, until).map_err(|error| failed(io::Error::other(error.to_string())))?;
        let before = self.dir.events(&record.id).map_err(|error| failed(io::Error::other(error.to_string())))?;
        let (Some(whole), Some(before)) = (whole, before) else { return Ok(()) };
        let Some(more) = whole.strip_prefix(&before).filter(|more| !more.is_empty()) else { return Ok(()) };
        let append = || -> io::Result<()> {
            let mut file = self.dir.dir().open_with(&path, OpenOptions::new().append(true))?;
            file.write_all(more.as_bytes())?;
            file.sync_all()
        };
        append().map_err(failed)
    }

    fn missing(&self, record: &Record, until: Option<Timestamp>, events: &str) -> Result<String, StoreError> {
        if record.end.is_some() || record.header.model.is_none() {
            return Ok(String::new());
        }
        let tape = match self.tape.get() {
            Some(tape) => tape,
            None => {
                let read = read(self.dir)?;
                self.tape.get_or_init(|| read)
            }
        };
        Ok(unlisted(&record.header, until, events, tape, self.price))
    }
}

fn read(dir: &PlanDir) -> Result<Vec<Taped>, StoreError> {
    let failed = |source| StoreError::Io { path: dir.shown(TAPE), source };
    let file = match dir.dir().open(TAPE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(failed)?,
    };
    let mut lines = Lines::new(BufReader::new(file));
    let mut taped = Vec::new();
    while let Some(line) = lines.next().map_err(failed)? {
        taped.extend(line.bytes.and_then(Taped::parse));
    }
    Ok(taped)
}
