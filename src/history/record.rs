//! The record of one operation, as it stands in `undo.jsonl`: a header, a line per change, an end.
//!
//! Each change is written and synced before it is made. So a record without an end is that of an operation that was
//! interrupted, and a file that still has the hash from before was not changed. A last line without its line feed was
//! not synced; nothing has been done on its account, and it does not count.

use std::{collections::HashMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{PlanPath, RunId};
use crate::tape::Usage;

/// The version of the format that this planwave writes, and the newest it reads.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub record: u32,
    /// [`RunId`] as text.
    pub id: String,
    /// What people typed, such as `run my-plan --level 1`.
    pub command: String,
    /// When the operation began.
    pub began: Timestamp,
    /// Which kind it is.
    pub kind: Kind,
    /// The model that a run asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether a run's answers come from a tape, so that they cost nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
}

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `planwave run`.
    Run,
    /// Another command that changes files.
    Command,
    /// Takes back the operation with this number, a run or a command.
    Undo(u64),
    /// Takes back the undo with this number.
    Redo(u64),
}

/// The SHA-256 of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The bytes themselves.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut digest = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no SHA-256 in lower-case hexadecimal"))
    }
}

/// One line of a record between header and end: what is about to happen to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What kind of change.
    pub change: ChangeKind,
    /// The file.
    pub path: PlanPath,
    /// Hash of the bytes from before; a blob of that name holds them. `None` where there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// Hash of the bytes afterwards. `None` where the file is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// Unix permission bits from before, where there was a file and the system has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// There was no file.
    Created,
    /// Another file, or an empty one, gave way.
    Replaced,
    /// The file goes.
    Removed,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// When the operation ended.
    pub end: Timestamp,
    /// What a run did, in sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Tallied>,
    /// Hash of parallel.json as the operation left it, where it changed it; a blob of that name holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<Digest>,
    /// Whether `parallel` has only what this operation changed: others changed the file in the meantime.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// A run's sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tallied {
    /// Items done.
    pub done: usize,
    /// Items that failed.
    pub failed: usize,
    /// Items blocked by a failure.
    pub blocked: usize,
    /// Items that were not started.
    pub not_started: usize,
    /// Tokens of every answer.
    pub usage: Usage,
    /// Answers without usage.
    pub unmetered: usize,
    /// US dollars; `None` where the model's prices are unknown.
    pub cost: Option<f64>,
}

/// After all changes of a taking back stand in its record, and before the first is made.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    ready: usize,
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RunId,
    /// Its first line.
    pub header: Header,
    /// Its changes in order; a file can have several.
    pub changes: Vec<Change>,
    /// Whether every change that was planned stands in the record; asked of takings back only.
    pub ready: bool,
    /// Its last line; `None` where the operation is under way or was interrupted.
    pub end: Option<End>,
    /// The 1-based numbers of lines that cannot be read.
    pub damaged: Vec<usize>,
}

/// What an operation did to one file, all its changes taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: PlanPath,
    /// Before the first change.
    pub before: Option<Digest>,
    /// After the last.
    pub after: Option<Digest>,
    /// What the file was in between; after a crash it may still be.
    pub between: Vec<Option<Digest>>,
    /// Permission bits from before.
    pub mode: Option<u32>,
    /// Whether somebody else changed the file while the operation was under way.
    pub disturbed: bool,
}

/// A record that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No whole line: the operation was interrupted before it did anything.
    #[error("the record is empty")]
    Empty,
    /// The first line is no header of a record.
    #[error("line 1 is not the header of a record")]
    NotARecord,
    /// Written by a newer planwave.
    #[error("the record has format version {found}; this planwave reads version {VERSION}")]
    Version {
        /// The version it has.
        found: u32,
    },
}

impl RecordError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::NotARecord => {
                Some(String::from("the operation cannot be taken back; its documents are not affected"))
            }
            Self::Version { .. } => Some(String::from("use a newer planwave")),
        }
    }
}

/// A line of JSON with its line feed. These types have string keys and no fallible serializer, so this cannot fail; an
/// empty line is passed over.
fn line_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

impl Header {
    /// The line for the record, with its line feed.
    pub fn to_line(&self) -> String {
        line_of(self)
    }
}

impl Change {
    /// The line for the record, with its line feed.
    pub fn to_line(&self) -> String {
        line_of(self)
    }
}

impl End {
    /// The line for the record, with its line feed.
    pub fn to_line(&self) -> String {
        line_of(self)
    }
}

impl Record {
    /// The line that says that `changes` changes stand above it and no more will come.
    pub fn ready_line(changes: usize) -> String {
        line_of(&Ready { ready: changes })
    }

    /// Reads a record. Lines that cannot be read are listed, and whatever can be read is kept.
    ///
    /// # Errors
    ///
    /// There is no header that this planwave can read.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Version {
            record: u32,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Line {
            Change(Change),
            Ready(Ready),
            End(End),
        }
        // What follows the last line feed was not synced.
        let whole = text.rfind('\n').map_or("", |last| &text[..last]);
        let mut lines = whole.lines().enumerate().map(|(index, line)| (index + 1, line));
        let Some((_, first)) = lines.next().filter(|(_, first)| !first.is_empty()) else {
            return Err(RecordError::Empty);
        };
        let Version { record } = serde_json::from_str(first).map_err(|_| RecordError::NotARecord)?;
        if record == 0 || record > VERSION {
            return Err(RecordError::Version { found: record });
        }
        let header: Header = serde_json::from_str(first).map_err(|_| RecordError::NotARecord)?;
        let id = RunId::parse(&header.id).ok_or(RecordError::NotARecord)?;
        let mut read = Self { id, header, changes: Vec::new(), ready: false, end: None, damaged: Vec::new() };
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            match serde_json::from_str(line) {
                Ok(Line::Change(change)) => read.changes.push(change),
                Ok(Line::Ready(Ready { ready })) if ready == read.changes.len() => read.ready = true,
                Ok(Line::End(end)) => read.end = Some(end),
                Ok(Line::Ready(_)) | Err(_) => read.damaged.push(number),
            }
        }
        Ok(read)
    }

    /// What the operation did to each file, in the order in which it came to them. Files that are as before are left out.
    pub fn files(&self) -> Vec<FileChange> {
        let mut files: Vec<FileChange> = Vec::new();
        let mut places: HashMap<&PlanPath, usize> = HashMap::new();
        for change in &self.changes {
            let place = *places.entry(&change.path).or_insert_with(|| {
                files.push(FileChange {
                    path: change.path.clone(),
                    before: change.before,
                    after: change.before,
                    between: Vec::new(),
                    mode: change.mode,
                    disturbed: false,
                });
                files.len() - 1
            });
            let file = &mut files[place];
            if change.before != file.after {
                // A change that was announced but not made leaves the file as it was; anything else is not ours.
                file.disturbed |= change.before != file.before && !file.between.contains(&change.before);
                file.between.push(change.before);
            }
            if file.after != file.before {
                file.between.push(file.after);
            }
            file.after = change.after;
        }
        files.retain(|file| file.before != file.after || !file.between.is_empty());
        files
    }

    /// Since when no exchange on the tape is one of an older operation; `until` says so of the newer ones. Those that ask no
    /// model can have been done while a run went on.
    pub fn asked_since(&self, until: Option<Timestamp>) -> Option<Timestamp> {
        if self.header.model.is_some() { Some(self.header.began) } else { until }
    }

    /// The number of the operation that this one takes back: an earlier one, whatever stands in the record.
    pub fn takes_back(&self) -> Option<u64> {
        match self.header.kind {
            Kind::Undo(number) | Kind::Redo(number) => Some(number).filter(|number| *number < self.id.number()),
            Kind::Run | Kind::Command => None,
        }
    }

    /// The blobs that taking this back needs, those of a merge of parallel.json included.
    pub fn blobs(&self) -> impl Iterator<Item = Digest> + '_ {
        let merged = self.end.as_ref().and_then(|end| end.parallel);
        self.changes.iter().filter_map(|change| change.before).chain(merged)
    }

    /// Files created or replaced, parallel.json aside.
    pub fn documents(&self) -> usize {
        self.files().iter().filter(|file| file.after.is_some() && file.path.as_str() != "parallel.json").count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header {
            record: VERSION,
            id: String::from("20260101T000000Z-7"),
            command: String::from("complete 3.1"),
            began: "2026-01-01T00:00:00Z".parse().unwrap(),
            kind: Kind::Command,
            model: None,
            replay: false,
        }
    }

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
        let change = match (before, after) {
            (None, _) => ChangeKind::Created,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Replaced,
        };
        let digest = |text: Option<&str>| text.map(|text| Digest::of(text.as_bytes()));
        Change {
            change,
            path: PlanPath::parse(path).unwrap(),
            before: digest(before),
            after: digest(after),
            mode: Some(0o640),
        }
    }

    #[test]
    fn a_crash_at_any_byte_leaves_the_lines_before_it() {
        let changes = [change("a", None, Some("x")), change("b", Some("y"), None)];
        let end = End {
            end: "2026-01-01T00:00:05Z".parse().unwrap(),
            run: Some(Tallied::default()),
            parallel: None,
            own: false,
        };
        let lines = [header().to_line(), changes[0].to_line(), changes[1].to_line(), end.to_line()];
        let whole = lines.concat();
        for cut in 0..=whole.len() {
            let finished = (0..=lines.len()).rfind(|n| lines[..*n].concat().len() <= cut).unwrap();
            match (Record::parse(&whole[..cut]), finished) {
                (Err(error), 0) => assert_eq!(error, RecordError::Empty),
                (Ok(record), _) => {
                    assert_eq!(record.changes, changes[..(finished - 1).min(2)]);
                    assert_eq!(record.end.is_some(), finished == 4);
                    assert!(record.damaged.is_empty());
                }
                (Err(error), _) => panic!("{cut}: {error}"),
            }
        }
    }

    #[test]
    fn damage_is_named_and_passed_over() {
        let text = format!(
            "{}nonsense\n{}{{\"change\":\"created\",\"path\":\"../x\"}}\n{{\"ready\":5}}\n",
            header().to_line(),
            change("a", None, Some("x")).to_line()
        );
        let record = Record::parse(&text).unwrap();
        assert_eq!((record.changes.len(), record.damaged), (1, vec![2, 4, 5]));
        for (text, message) in [
            ("x\n", "line 1 is not the header of a record"),
            ("{\"record\":1}\n", "line 1 is not the header of a record"),
            ("{\"record\":9,\"new\":1}\n", "the record has format version 9; this planwave reads version 1"),
            ("", "the record is empty"),
        ] {
            assert_eq!(Record::parse(text).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Record::parse(&text);
            let _ = Record::parse(&(header().to_line() + &text));
            let _ = Digest::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_back(path in "[a-zé]{1,9}(/[a-zé. ]{1,9}x){0,2}", before: bool, after: bool, command: String) {
            let header = Header { command, ..header() };
            let change = change(&path, before.then_some("b"), after.then_some("a"));
            let record = Record::parse(&(header.to_line() + &change.to_line() + &Record::ready_line(1))).unwrap();
            prop_assert_eq!(record.header, header);
            prop_assert_eq!(&record.changes, std::slice::from_ref(&change));
            prop_assert!(record.ready);
        }
    }
}
