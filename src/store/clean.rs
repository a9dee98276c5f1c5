//! Frees room in `.planwave/`: records, blobs and answers on the tape that nothing needs any more.
//!
//! What goes is decided by `history::removal`. The costs of a run whose record goes are kept in `.planwave/bill.jsonl`, so
//! that the bill stays whole.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, BufReader, BufWriter, Write as _},
};

use cap_std::fs::OpenOptions;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Events, PlanDir, Price, RecordsError, RunLock, StoreError, WriteError, blobs, lines::Lines, records};
use crate::history::{Bill, Charge, Digest, Kept, Kind, Record, Removal, RunId, Stored, removal};

const TAPE: &str = ".planwave/tape.jsonl";
const NEW_TAPE: &str = ".planwave/.planwave-0-0.tmp";
const BILL: &str = ".planwave/bill.jsonl";

/// What could go, and what will.
#[derive(Debug)]
pub struct Cleaning {
    ids: HashMap<u64, RunId>,
    removal: Removal,
    /// Line of each exchange on the tape, by its position among them.
    tape_lines: Vec<usize>,
    /// Records that cannot be read, a sentence each; they stay.
    pub unreadable: Vec<String>,
}

/// What was, or would be, removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Freed {
    /// Records of operations.
    pub operations: usize,
    /// Blobs.
    pub blobs: usize,
    /// Exchanges on the tape.
    pub exchanges: usize,
    /// Bytes freed.
    pub bytes: u64,
    /// Bytes of records, blobs and tape that are left.
    pub left: u64,
}

impl Cleaning {
    /// Looks at what there is. What is from before `older_than` may go; so may, the oldest first, what is more than
    /// `max_bytes`.
    pub fn plan(dir: &PlanDir, older_than: Timestamp, max_bytes: u64) -> Result<Self, StoreError> {
        let mut unreadable = Vec::new();
        let mut stored = Vec::new();
        let mut ids = HashMap::new();
        let mut newest_run: Option<Record> = None;
        for id in dir.operations()? {
            match dir.record(&id) {
                Ok(record) => {
                    stored.push(stored_of(dir, &record)?);
                    if newest_run.is_none() && record.header.kind == Kind::Run {
                        newest_run = Some(record);
                    }
                }
                Err(error @ RecordsError::Damaged { .. }) if dir.never_began(&id, &error) => {}
                Err(error @ RecordsError::Damaged { .. }) => unreadable.push(error.to_string()),
                Err(RecordsError::Store(error)) => return Err(error),
            }
            ids.insert(id.number(), id);
        }
        let (tape_lines, tape) = exchanges(dir)?;
        let on_disk: HashMap<Digest, u64> = blobs::all(dir)?.into_iter().collect();
        let needed = newest_run.filter(|run| run.end.is_none()).map(|run| run.header.began);
        let kept = Kept { blobs: &on_disk, tape: &tape, tape_needed_since: needed, older_than, max_bytes };
        let mut removal = removal(&stored, &kept);
        if !unreadable.is_empty() {
            // Nobody knows which of them a record that cannot be read would need.
            let known: HashSet<Digest> = stored.iter().flat_map(|record| record.blobs.iter().copied()).collect();
            let spared: Vec<Digest> = removal.blobs.iter().copied().filter(|blob| !known.contains(blob)).collect();
            for blob in spared {
                removal.blobs.remove(&blob);
                let bytes = on_disk.get(&blob).copied().unwrap_or_default();
                removal.freed -= bytes;
                removal.left += bytes;
            }
        }
        Ok(Self { ids, removal, tape_lines, unreadable })
    }

    /// Puts what only the tape knows of a run beside the run's record, before either goes.
    fn complete_events(&self, dir: &PlanDir, lock: &RunLock, price: Price<'_>) -> Result<(), WriteError> {
        let events = Events::new(dir, price);
        let mut ids: Vec<&RunId> = self.ids.values().collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let mut until = None;
        for id in ids {
            if let Ok(record) = dir.record(id) {
                events.complete(&record, until, lock)?;
                until = record.asked_since(until);
            }
        }
        Ok(())
    }

    /// What it frees.
    pub fn freed(&self) -> Freed {
        Freed {
            operations: self.removal.records.len(),
            blobs: self.removal.blobs.len(),
            exchanges: self.removal.exchanges.len(),
            bytes: self.removal.freed,
            left: self.removal.left,
        }
    }

    /// Removes it. Interrupted at any point, it leaves what a second one removes.
    ///
    /// `price` is for what a run that was killed has paid for and not written down.
    pub fn perform(&self, dir: &PlanDir, lock: &RunLock, price: Price<'_>) -> Result<(), WriteError> {
        self.complete_events(dir, lock, price)?;
        let ids: Vec<&RunId> = self.removal.records.iter().filter_map(|number| self.ids.get(number)).collect();
        keep_bill(dir, &ids)?;
        for id in ids {
            let folder = records::folder_of(id);
            // The record itself last: a folder without one counts as an operation that did nothing.
            dir.remove(&format!("{folder}/{}", records::EVENTS))?;
            dir.remove(&format!("{folder}/{}", records::CHANGES))?;
            let removed = dir.dir().remove_dir_all(&folder);
            removed.map_err(|source| WriteError::Io { path: dir.shown(&folder), source })?;
        }
        for blob in &self.removal.blobs {
            dir.remove(&blobs::path_of(*blob))?;
        }
        if self.removal.exchanges.is_empty() {
            return Ok(());
        }
        let lines: BTreeSet<usize> =
            self.removal.exchanges.iter().filter_map(|place| self.tape_lines.get(*place).copied()).collect();
        cut_tape(dir, &lines).map_err(|source| WriteError::Io { path: dir.shown(TAPE), source })
    }
}

impl PlanDir {
    /// The costs of runs whose records are gone, and how many lines of them cannot be read.
    pub fn old_charges(&self) -> Result<(Vec<Charge>, usize), StoreError> {
        let bytes = match self.read(BILL) {
            Ok(bytes) => bytes,
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok((Vec::new(), 0));
            }
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        let (mut charges, mut damaged) = (Vec::new(), 0);
        for line in text.lines().filter(|line| !line.is_empty()) {
            match serde_json::from_str::<Charge>(line) {
                Ok(charge) => charges.push(charge),
                Err(_) => damaged += 1,
            }
        }
        Ok((charges, damaged))
    }
}

fn stored_of(dir: &PlanDir, record: &Record) -> Result<Stored, StoreError> {
    let folder = records::folder_of(&record.id);
    let size = |name| dir.dir().metadata(format!("{folder}/{name}")).map_or(0, |metadata| metadata.len());
    let undoable = matches!(record.header.kind, Kind::Run | Kind::Command) && !record.changes.is_empty();
    Ok(Stored {
        number: record.id.number(),
        began: record.header.began,
        bytes: size(records::CHANGES) + size(records::EVENTS),
        undoable,
        blobs: record.blobs().collect(),
    })
}

/// Puts the costs of these runs where they outlive their records.
fn keep_bill(dir: &PlanDir, ids: &[&RunId]) -> Result<(), WriteError> {
    let unread =
        |error: StoreError| WriteError::Io { path: dir.shown(BILL), source: io::Error::other(error.to_string()) };
    let (known, _) = dir.old_charges().map_err(unread)?;
    let known: HashSet<String> = known.into_iter().map(|charge| charge.run).collect();
    let mut bill = Bill::default();
    for id in ids.iter().filter(|id| !known.contains(&id.to_string())) {
        if let (Ok(record), Some(events)) = (dir.record(id), dir.events(id).map_err(unread)?) {
            bill.add_events(&record.header, &events);
        }
    }
    let mut lines = String::new();
    for charge in bill.charges() {
        // Text keys and finite numbers: this cannot fail.
        lines.push_str(&serde_json::to_string(charge).unwrap_or_default());
        lines.push('\n');
    }
    if lines.is_empty() {
        return Ok(());
    }
    // Whole or not at all, like every file: half a bill would never be completed.
    let old = match dir.read(BILL) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
        old => old.map_err(unread)?,
    };
    dir.write(BILL, &[old, lines.into_bytes()].concat(), super::Existing::Replace)
}

/// The line of each exchange on the tape, and its time and bytes.
type Answers = (Vec<usize>, Vec<(Timestamp, u64)>);

/// The tape's exchanges. Lines that cannot be read are nobody's to remove.
fn exchanges(dir: &PlanDir) -> Result<Answers, StoreError> {
    #[derive(Deserialize)]
    struct Exchange {
        at: Timestamp,
        #[expect(dead_code, reason = "a line without a key is no exchange")]
        key: String,
    }
    let failed = |source| StoreError::Io { path: dir.shown(TAPE), source };
    let file = match dir.dir().open(TAPE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        file => file.map_err(failed)?,
    };
    let (mut lines, mut facts) = (Vec::new(), Vec::new());
    let mut reader = Lines::new(BufReader::new(file));
    while let Some(line) = reader.next().map_err(failed)? {
        if let Some(Ok(exchange)) = line.bytes.map(serde_json::from_slice::<Exchange>) {
            lines.push(line.number);
            facts.push((exchange.at, line.length));
        }
    }
    Ok((lines, facts))
}

/// Writes the tape again without these lines, and puts it in the place of the old one.
fn cut_tape(dir: &PlanDir, lines: &BTreeSet<usize>) -> io::Result<()> {
    let mut reader = Lines::new(BufReader::new(dir.dir().open(TAPE)?));
    // What a crash left goes; what is there may be a link as well.
    dir.remove(NEW_TAPE).map_err(|error| io::Error::other(error.to_string()))?;
    let options = OpenOptions::new().write(true).create_new(true).clone();
    let mut writer = BufWriter::new(dir.dir().open_with(NEW_TAPE, &options)?);
    while let Some(line) = reader.next()? {
        // One that is longer than any answer is of no use and goes, too.
        if let Some(bytes) = line.bytes.filter(|_| !lines.contains(&line.number)) {
            writer.write_all(bytes)?;
        }
    }
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    drop((file, reader));
    dir.dir().rename(NEW_TAPE, TAPE)?;
    dir.dir().open_dir(".planwave")?.sync()
}
