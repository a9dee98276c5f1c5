//! What the commands about operations on record share: how one is named, and reading the newest of them.

use std::path::{Path, PathBuf};

use super::{failure::Failure, terminal::err};
use crate::{
    history::{Record, RunRef, State, Timeline},
    report::{sanitize, shell_word},
    store::{PlanDir, RecordsError},
};

/// An operation and a plan as typed: `[RUN] [PLAN]`. A single word that names no operation names the plan.
pub(super) fn run_and_plan(first: Option<&str>, second: Option<&Path>) -> Result<(Option<RunRef>, PathBuf), Failure> {
    match (first, second) {
        (None, _) => Ok((None, PathBuf::from("."))),
        (Some(word), None) => match RunRef::parse(word) {
            Some(run) => Ok((Some(run), PathBuf::from("."))),
            None => Ok((None, PathBuf::from(word))),
        },
        (Some(run), Some(plan)) => Ok((Some(run_ref(run)?), plan.to_path_buf())),
    }
}

/// The number or the id of an operation.
pub(super) fn run_ref(word: &str) -> Result<RunRef, Failure> {
    RunRef::parse(word).ok_or_else(|| {
        Failure::invalid(format!("`{}` names no operation", sanitize(word)))
            .hint(String::from("`planwave history` lists them; their number is enough"))
    })
}

/// Reads records from the newest on, up to the first that `enough` says yes to. Those that cannot be read are named on
/// standard error and passed over.
pub(super) fn newest(
    dir: &PlanDir,
    mut enough: impl FnMut(&Record, State) -> bool,
) -> Result<Vec<(Record, State)>, Failure> {
    let mut timeline = Timeline::default();
    let mut past = Vec::new();
    for id in dir.operations()? {
        match dir.record(&id) {
            Ok(record) => {
                say_damage(&record);
                let state = timeline.add(&record);
                let last = enough(&record, state);
                past.push((record, state));
                if last {
                    break;
                }
            }
            Err(error) if dir.never_began(&id, &error) => {}
            Err(error @ RecordsError::Damaged { .. }) => {
                let (number, said) = (id.number(), error.to_string());
                err(&format!("warning: {number} is left out, and cannot be undone: {}\n", sanitize(&said)));
            }
            Err(RecordsError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(past)
}

fn say_damage(record: &Record) {
    if let Some(line) = record.damaged.first() {
        let more = if record.damaged.len() > 1 { " and others" } else { "" };
        err(&format!("warning: the record of {} is damaged in line {line}{more}\n", record.id.number()));
    }
}

/// Where the last good copy of a broken parallel.json is, and how it is brought back.
pub(super) fn good_copy_hint(dir: &PlanDir) -> String {
    let shown = |path: &str| shell_word(&dir.shown(path).display().to_string());
    let plan = shell_word(&dir.path().display().to_string());
    let copy = if cfg!(windows) { "copy" } else { "cp" };
    match dir.last_good_copy() {
        Some(good) => format!(
            "mend the file, or bring back the last good copy, {} `{}` of {} UTC:\n    {copy} {} {}\n    planwave refresh {plan}",
            if good.before { "from before" } else { "left by" },
            good.command,
            good.began.strftime("%Y-%m-%d %H:%M"),
            shown(&good.path),
            shown("parallel.json"),
        ),
        None => format!(
            "mend the file; no earlier copy of it is on record. `planwave analyze {plan} --declared --force` writes it anew, \
             from the PLAN and the documents"
        ),
    }
}

/// There is no such operation.
pub(super) fn unknown(run: &RunRef) -> Failure {
    Failure::invalid(format!("there is no operation {run} on record"))
        .hint(String::from("`planwave history` lists those there are"))
}
