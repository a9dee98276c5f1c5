//! Reads what operations have left in `.planwave/runs/`. Readers take no lock: a record only ever grows.

use std::io::{self, BufReader};

use jiff::Timestamp;

use super::{PlanDir, StoreError, lines::Lines};
use crate::{
    history::{Digest, Record, RecordError, RunId, in_order},
    tape::Exchange,
};

pub(super) const FOLDER: &str = ".planwave/runs";
pub(super) const CHANGES: &str = "undo.jsonl";
pub(super) const EVENTS: &str = "events.jsonl";

pub(super) fn folder_of(id: &RunId) -> String {
    format!("{FOLDER}/{id}")
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The system refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is damaged.
    #[error("{path}: {source}")]
    Damaged {
        /// The file as the user would name it.
        path: String,
        /// What is wrong.
        source: RecordError,
    },
}

impl RecordsError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Damaged { source, .. } => source.hint(),
        }
    }

    /// Whether the record holds nothing.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Damaged { source: RecordError::Empty, .. })
    }
}

impl PlanDir {
    /// The ids of all operations on record, newest first. Folders whose number no operation can have had are left out.
    pub fn operations(&self) -> Result<Vec<RunId>, StoreError> {
        let failed = |source| StoreError::Io { path: self.shown(FOLDER), source: self.explained(source) };
        let entries = match self.dir().read_dir(FOLDER) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            ids.extend(entry.map_err(failed)?.file_name().to_str().and_then(RunId::parse));
        }
        Ok(in_order(ids))
    }

    /// The record of an operation.
    pub fn record(&self, id: &RunId) -> Result<Record, RecordsError> {
        let path = format!("{}/{CHANGES}", folder_of(id));
        let damaged = |source| RecordsError::Damaged { path: self.shown(&path).display().to_string(), source };
        let bytes = match self.read(&path) {
            Ok(bytes) => bytes,
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let record = Record::parse(&String::from_utf8_lossy(&bytes)).map_err(damaged)?;
        // A record that was copied to another place is not that place's.
        if record.id == *id { Ok(record) } else { Err(damaged(RecordError::NotARecord)) }
    }

    /// Whether a record that cannot be read is that of an operation that was interrupted before it did anything. One that
    /// is empty beside events has lost what it held.
    pub fn never_began(&self, id: &RunId, error: &RecordsError) -> bool {
        error.is_empty() && self.events(id).is_ok_and(|events| events.is_none_or(|events| events.is_empty()))
    }

    /// The events of a run, lines of JSON; `None` where there are none.
    pub fn events(&self, id: &RunId) -> Result<Option<String>, StoreError> {
        match self.read(&format!("{}/{EVENTS}", folder_of(id))) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Bytes that an operation replaced or removed; `None` where they are not kept (any more).
    pub fn blob(&self, blob: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        super::blobs::get(self, blob)
    }

    /// An exchange on the plan's own tape; `None` where it is not there (any more).
    pub fn exchange(&self, key: &str, at: Timestamp) -> Result<Option<Exchange>, StoreError> {
        const TAPE: &str = ".planwave/tape.jsonl";
        let failed = |source| StoreError::Io { path: self.shown(TAPE), source };
        let file = match self.dir().open(TAPE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let mut lines = Lines::new(BufReader::new(file));
        while let Some(line) = lines.next().map_err(failed)? {
            // Reading a line as JSON is what takes time.
            let text = String::from_utf8_lossy(line.bytes.unwrap_or_default());
            if text.contains(key)
                && let Ok(exchange) = Exchange::parse_line(&text)
                && exchange.key == key
                && exchange.at == at
            {
                return Ok(Some(exchange));
            }
        }
        Ok(None)
    }
}
