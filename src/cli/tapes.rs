//! The tapes of a run: where answers come from, where they are kept, and what an earlier run left behind.

use std::{path::Path, sync::Arc};

use super::failure::Failure;
use crate::{
    model::{Memory, Recorder, Source},
    report::plural,
    store::{Found, LocalTape, PlanDir, ReplayError, TapeFile, Tapes, disk_advice, replay_index},
    tape::ReplayIndex,
};

/// Where answers come from and where they are kept.
pub(super) enum Answers {
    /// The network; kept on the plan's own tape and on the one asked for.
    Network,
    /// A tape.
    Replay(Arc<ReplayIndex>),
}

/// What a run wants of its tapes.
pub(super) struct Wanted<'a> {
    /// A new tape beside the plan's own.
    pub(super) record: Option<&'a Path>,
    /// Whether the plan has a tape of its own.
    pub(super) local: bool,
    /// Whether everything is asked for again, even what is on the plan's own tape.
    pub(super) fresh: bool,
    /// The first line of a new tape.
    pub(super) header: String,
}

/// The tapes of a run, open.
pub(super) struct Open {
    pub(super) source: Source,
    /// Takes every exchange.
    pub(super) recorder: Option<Arc<dyn Recorder>>,
    /// Answers of earlier runs.
    pub(super) memory: Option<Arc<dyn Memory>>,
    /// Takes notes for later runs.
    pub(super) notes: Option<Arc<dyn Recorder>>,
    /// What earlier runs left on the plan's own tape.
    pub(super) found: Found,
}

/// Opens the tapes. The caller holds the run lock.
pub(super) fn open(answers: Answers, dir: &PlanDir, wanted: Wanted<'_>) -> Result<Open, Failure> {
    if let Answers::Replay(tape) = answers {
        let source = Source::Replay(tape);
        return Ok(Open { source, recorder: None, memory: None, notes: None, found: Found::default() });
    }
    let Wanted { record, local, fresh, header } = wanted;
    let mut tapes = Vec::new();
    if let Some(path) = record {
        tapes.push(Arc::new(TapeFile::create(path, &header).map_err(|error| cannot_record(path, &error))?));
    }
    let mut open = Open { source: Source::Live, recorder: None, memory: None, notes: None, found: Found::default() };
    if local {
        let path = dir.shown(".planwave/tape.jsonl");
        let LocalTape { file, mut answers, found } =
            LocalTape::open(dir, &header).map_err(|error| cannot_record(&path, &error))?;
        let file = Arc::new(file);
        if !fresh {
            // A tape that was asked for is whole: it has what was paid for earlier, too.
            answers.copy_to(tapes.first().cloned());
            open.memory = Some(Arc::new(answers));
        }
        open.notes = Some(Arc::clone(&file) as Arc<dyn Recorder>);
        open.found = found;
        tapes.push(file);
    }
    if !tapes.is_empty() {
        open.recorder = Some(Arc::new(Tapes(tapes)));
    }
    Ok(open)
}

/// One line on what an earlier run left and what is done about it; `None` where there is nothing to say.
pub(super) fn recovery(found: &Found, temporaries: usize, fresh: bool) -> Option<String> {
    let mut parts = Vec::new();
    if found.torn > 0 {
        parts.push(String::from("the tape's last line was cut short and is gone"));
    }
    if let Some(lines) = damaged_lines(&found.damaged) {
        parts.push(format!("{lines} of the tape cannot be read and moved to .planwave/tape.damaged.jsonl"));
    }
    if found.too_long > 0 {
        let lines = plural(found.too_long, "line");
        parts.push(format!("{lines} of the tape longer than any answer, passed over"));
    }
    if temporaries > 0 {
        parts.push(format!("{} removed", plural(temporaries, "unfinished file")));
    }
    if parts.is_empty() && (found.answers == 0 || fresh) {
        return None;
    }
    if found.answers > 0 {
        let answers = plural(found.answers, "answer");
        parts.push(if fresh {
            format!("{answers} on the tape left aside (--fresh)")
        } else {
            format!("{answers} on the tape; what they answer is not asked again")
        });
    }
    Some(format!("found: {}", parts.join("; ")))
}

/// Lines by their numbers, the first of many only; `None` where there are none.
fn damaged_lines(numbers: &[usize]) -> Option<String> {
    const NAMED: usize = 10;
    let (last, before) = numbers.split_last()?;
    if before.is_empty() {
        return Some(format!("line {last}"));
    }
    let list = |numbers: &[usize]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Some(match numbers.split_at_checked(NAMED) {
        Some((named, more)) if !more.is_empty() => format!("lines {} and {} more", list(named), more.len()),
        Some(_) | None => format!("lines {} and {last}", list(before)),
    })
}

/// Opens a tape that is to be replayed.
pub(super) fn open_replay(path: &Path) -> Result<Answers, Failure> {
    replay_index(path).map(|index| Answers::Replay(Arc::new(index))).map_err(|error| unreadable(path, &error))
}

/// A tape that the user named cannot be read.
pub(super) fn unreadable(path: &Path, error: &ReplayError) -> Failure {
    let path = path.display();
    let said = match error {
        ReplayError::Io(error) => format!("cannot read {path}: {error}"),
        ReplayError::NotText => format!("{path} is not UTF-8, so it is no tape"),
        ReplayError::TooLong { .. } | ReplayError::Tape(_) => format!("{path}: {error}"),
    };
    Failure::invalid(said).hint(error.hint())
}

fn cannot_record(path: &Path, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Some(String::from("a tape is never overwritten: name another file, or remove this one"))
        }
        std::io::ErrorKind::InvalidData => Some(String::from("move the file away; a new tape is begun then")),
        _ => disk_advice(error).map(str::to_owned),
    };
    Failure::invalid(format!("cannot write the tape {}: {error}", path.display())).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_is_one_line_or_none() {
        let line = |answers, torn, damaged: &[usize], temporaries, fresh| {
            recovery(&Found { answers, torn, damaged: damaged.to_vec(), too_long: 0 }, temporaries, fresh)
        };
        assert_eq!(line(0, 0, &[], 0, false), None);
        assert_eq!(line(7, 0, &[], 0, true), None);
        assert_eq!(
            line(2, 0, &[], 0, false).unwrap(),
            "found: 2 answers on the tape; what they answer is not asked again"
        );
        assert_eq!(
            line(1, 9, &[4, 8], 1, true).unwrap(),
            "found: the tape's last line was cut short and is gone; lines 4 and 8 of the tape cannot be read and moved to \
             .planwave/tape.damaged.jsonl; 1 unfinished file removed; 1 answer on the tape left aside (--fresh)"
        );
    }

    #[test]
    fn damaged_lines_are_named() {
        let lines = |count: usize| damaged_lines(&(2..2 + count).collect::<Vec<_>>());
        assert_eq!(lines(0), None);
        assert_eq!(lines(1).unwrap(), "line 2");
        assert_eq!(lines(3).unwrap(), "lines 2, 3 and 4");
        assert_eq!(lines(10).unwrap(), "lines 2, 3, 4, 5, 6, 7, 8, 9, 10 and 11");
        assert_eq!(lines(12).unwrap(), "lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more");
    }
}
