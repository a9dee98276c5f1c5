//! Which operations still stand and which have been taken back, read from the newest record to the oldest.
//!
//! A record can only be taken back by a newer one, so what is known of a record is complete when it is reached, and the
//! newest few records can be judged without reading all the others.

use std::collections::HashMap;

use super::{Kind, Record};

/// The verbs that take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Takes back a run or a command.
    Undo,
    /// Takes back an undo.
    Redo,
}

impl Verb {
    /// As typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::Redo => "redo",
        }
    }

    /// The kind of the operation that takes back the one with this number.
    pub fn kind(self, number: u64) -> Kind {
        match self {
            Self::Undo => Kind::Undo(number),
            Self::Redo => Kind::Redo(number),
        }
    }
}

/// What has become of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It ended, and what it changed stands.
    Standing,
    /// It is under way or was interrupted.
    Unfinished,
    /// The operation with this number took it back.
    TakenBack(u64),
}

/// Takes records from the newest to the oldest.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    taken_back: HashMap<u64, u64>,
}

impl Timeline {
    /// Takes the next older record and says what has become of it.
    pub fn add(&mut self, record: &Record) -> State {
        let number = record.id.number();
        let state = match self.taken_back.get(&number) {
            Some(by) => State::TakenBack(*by),
            None if record.end.is_none() => State::Unfinished,
            None => State::Standing,
        };
        if let (State::Standing, Some(target)) = (state, record.takes_back()) {
            self.taken_back.entry(target).or_insert(number);
        }
        state
    }

    /// Whether a record of this state is what a verb without a number means, where it is the newest such one.
    pub fn offers(verb: Verb, record: &Record, state: State) -> bool {
        let kind = match record.header.kind {
            Kind::Run | Kind::Command => Verb::Undo,
            Kind::Undo(_) => Verb::Redo,
            Kind::Redo(_) => return false,
        };
        let stands = match (state, kind) {
            (State::Standing, _) | (State::Unfinished, Verb::Undo) => true,
            (State::Unfinished, Verb::Redo) | (State::TakenBack(_), _) => false,
        };
        kind == verb && stands && !record.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64, kind: &str, ended: bool) -> Record {
        let mut text = format!(
            r#"{{"record":1,"id":"20260101T000000Z-{number}","command":"x","began":"2026-01-01T00:00:00Z","kind":{kind}}}"#
        );
        text.push('\n');
        text.push_str(&format!("{{\"change\":\"created\",\"path\":\"a\",\"after\":\"{}\"}}\n", "0".repeat(64)));
        if ended {
            text.push_str("{\"end\":\"2026-01-01T00:00:01Z\"}\n");
        }
        Record::parse(&text).unwrap()
    }

    /// The states of records given from the oldest on, and what undo and redo without a number mean.
    fn judge(records: &[(String, bool)]) -> (Vec<String>, Option<u64>, Option<u64>) {
        let mut timeline = Timeline::default();
        let mut states = Vec::new();
        let (mut undo, mut redo) = (None, None);
        for (index, (kind, ended)) in records.iter().enumerate().rev() {
            let number = index as u64 + 1;
            let record = record(number, kind, *ended);
            let state = timeline.add(&record);
            if Timeline::offers(Verb::Undo, &record, state) {
                undo = undo.or(Some(number));
            }
            if Timeline::offers(Verb::Redo, &record, state) {
                redo = redo.or(Some(number));
            }
            states.push(match state {
                State::Standing => String::from("+"),
                State::Unfinished => String::from("?"),
                State::TakenBack(by) => format!("-{by}"),
            });
        }
        states.reverse();
        (states, undo, redo)
    }

    #[test]
    fn takings_back_are_taken_back_in_turn() {
        let run = |ended| (String::from("\"run\""), ended);
        let undo = |number, ended| (format!("{{\"undo\":{number}}}"), ended);
        let redo = |number| (format!("{{\"redo\":{number}}}"), true);
        let states = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut records = vec![run(true), run(true)];
        assert_eq!(judge(&records), (states("+ +"), Some(2), None));
        records.push(undo(2, true));
        assert_eq!(judge(&records), (states("+ -3 +"), Some(1), Some(3)));
        records.push(undo(1, true));
        assert_eq!(judge(&records), (states("-4 -3 + +"), None, Some(4)));
        records.push(redo(4));
        assert_eq!(judge(&records), (states("+ -3 + -5 +"), Some(1), Some(3)));
        assert_eq!(judge(&[run(false), undo(1, false)]), (states("? ?"), Some(1), None));
    }
}
