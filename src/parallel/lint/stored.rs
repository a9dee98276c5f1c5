//! 6xx: what the file says of the plan directory, against what is there.

use crate::parallel::{
    Entry, Evidence, ParallelFile, Status,
    check::{Sound, field},
    derive_status,
    problem::{Raised, printable},
    rules::{PATH_MISSING, PATH_OUTSIDE, PATH_UNRECORDED, STATUS_STALE},
};

use super::{Documents, Surroundings};
use crate::document::Stage;

pub(super) fn find(file: &ParallelFile, around: &Surroundings<'_>, sound: Sound, raise: &mut impl FnMut(Raised)) {
    for (index, entry) in file.entries.iter().enumerate() {
        paths(file, index, around, sound, raise);
        if let Some(right) = right_status(file, index, around) {
            let message = format!("{} is stored as {}, and the files say {right}", entry.id, entry.status);
            let raised = Raised::new(&STATUS_STALE, field(file, index, "status"), message);
            raise(raised.hint(why(entry, around)).fixable_if(sound.ids));
        }
    }
}

static NOTHING: Documents = Documents {
    evidence: Evidence { approved: false, fix: false, skipped: false, subplan: false, executions: 0 },
    subplan: None,
    executions: Vec::new(),
    planned: 1,
};

/// The documents of an entry, where somebody looked.
fn documents<'a>(entry: &Entry, around: &'a Surroundings<'_>) -> Option<&'a Documents> {
    let all = around.documents.as_ref()?;
    Some(all.get(&entry.id).unwrap_or(&NOTHING))
}

/// The status that the files show, where the file has another one.
pub(in crate::parallel) fn right_status(
    file: &ParallelFile,
    index: usize,
    around: &Surroundings<'_>,
) -> Option<Status> {
    let (entry, stated) = (file.entries.get(index)?, file.stated.get(index)?);
    let documents = documents(entry, around)?;
    let open = entry.failure.as_ref().is_some_and(|failure| match failure.stage {
        Stage::Subplan => documents.subplan.is_none(),
        Stage::Execution => documents.executions.len() < documents.planned.max(1),
    });
    let right = derive_status(documents.evidence, entry.status, open);
    (stated.status && right != entry.status).then_some(right)
}

fn why(entry: &Entry, around: &Surroundings<'_>) -> &'static str {
    let evidence = documents(entry, around).unwrap_or(&NOTHING).evidence;
    if evidence.approved {
        "there is an APPROVED file"
    } else if evidence.fix {
        "there is a FIX file"
    } else if evidence.skipped {
        "there is a SKIPPED file"
    } else if evidence.executions > 0 {
        "there is an EXECUTION_TASK and no verdict"
    } else if evidence.subplan {
        "there is a SUBPLAN, and neither an EXECUTION_TASK nor a verdict"
    } else {
        "there is neither a document nor a verdict"
    }
}

/// Whether a path stays below the plan directory, by its form alone.
fn stays_inside(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let absolute = path.starts_with(['/', '\\']) || drive;
    !absolute && !path.split(['/', '\\']).any(|part| part == "..")
}

fn paths(file: &ParallelFile, index: usize, around: &Surroundings<'_>, sound: Sound, raise: &mut impl FnMut(Raised)) {
    let entry = &file.entries[index];
    let looked = around.documents.is_some();
    let subplan = entry.subplan_path.iter().map(|path| (path, None));
    let executions = entry.execution_paths.iter().enumerate().map(|(at, path)| (path, Some(at)));
    for (path, at) in subplan.chain(executions) {
        let place = || match at {
            None => field(file, index, "subplan_path"),
            Some(at) => [field(file, index, "execution_paths"), vec![at.into()]].concat(),
        };
        if !stays_inside(path) {
            let message = format!("`{}` leads out of the plan directory", printable(path, 80));
            let hint = "paths are relative to the plan directory, with forward slashes";
            raise(Raised::new(&PATH_OUTSIDE, place(), message).hint(hint).fixable_if(looked && sound.ids));
        } else if looked && around.missing.contains(path) {
            let message = format!("there is no file `{}`", printable(path, 80));
            let hint = "write the path of the document that is there, or remove it";
            raise(Raised::new(&PATH_MISSING, place(), message).hint(hint).fixable_if(sound.ids));
        }
    }
    if unrecorded(entry, around) {
        let message = format!("documents of {} are there, and the file does not name all of them", entry.id);
        let raised = Raised::new(&PATH_UNRECORDED, file.places[index].path(), message);
        raise(raised.hint("`planwave refresh` writes their paths").fixable_if(sound.ids));
    }
}

fn unrecorded(entry: &Entry, around: &Surroundings<'_>) -> bool {
    let Some(documents) = around.documents.as_ref().and_then(|all| all.get(&entry.id)) else { return false };
    let subplan = entry.subplan_path.is_none() && documents.subplan.is_some();
    subplan || documents.executions.iter().any(|path| !entry.execution_paths.contains(path))
}

/// The paths that should stand in the file where one of them is wrong: `subplan_path`, and `execution_paths`.
pub(in crate::parallel) fn right_paths(
    file: &ParallelFile,
    index: usize,
    around: &Surroundings<'_>,
) -> (Option<Option<String>>, Option<Vec<String>>) {
    let Some((entry, documents)) = file.entries.get(index).and_then(|entry| Some((entry, documents(entry, around)?)))
    else {
        return (None, None);
    };
    let bad = |path: &String| !stays_inside(path) || around.missing.contains(path);
    let subplan = match &entry.subplan_path {
        Some(path) if bad(path) => Some(documents.subplan.clone()),
        None if documents.subplan.is_some() => Some(documents.subplan.clone()),
        Some(_) | None => None,
    };
    let unnamed = documents.executions.iter().any(|path| !entry.execution_paths.contains(path));
    let executions = (unnamed || entry.execution_paths.iter().any(bad)).then(|| {
        let mut paths: Vec<String> = entry.execution_paths.iter().filter(|path| !bad(path)).cloned().collect();
        paths.extend(documents.executions.iter().filter(|path| !entry.execution_paths.contains(path)).cloned());
        paths.sort();
        paths
    });
    (subplan, executions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_or_do_not() {
        for inside in ["subplans/S.md", "a..b/c.md", "./x.md", ""] {
            assert!(stays_inside(inside), "{inside}");
        }
        for outside in ["/etc/passwd", "../x.md", "a/../../x.md", "..", "C:\\x.md", "c:x", "\\\\host\\x", "a\\..\\x"] {
            assert!(!stays_inside(outside), "{outside}");
        }
    }
}
