//! EXECUTION_TASKs that nobody plans any more: those of a SUBPLAN that this run replaced by one that plans fewer.
//!
//! They would be counted as work to do, so they go, as a part of the run's undo record. What somebody has changed is that
//! person's work; it stays and is named.

use std::{collections::HashMap, sync::Arc};

use crate::{
    cli::failure::Failure,
    document::{Names, Stage},
    engine::{Documents, ItemOutcome, RunPlan, Summary},
    history::Digest,
    store::{Journal, Operation, PlanDir, StoreError},
};

use jiff::Timestamp;

/// Takes them away, and says so in the summary. The caller holds the lock.
pub(super) fn take_away(
    dir: &PlanDir,
    names: &Names,
    run: &RunPlan,
    summary: &mut Summary,
    journal: &Arc<Journal>,
) -> Result<(), Failure> {
    // Numbers up to this one were written by this run, by achievement.
    let replaced = |item: &&crate::engine::PlannedItem| {
        item.documents == Documents::ExecutionsToCome && !item.executions_on_disk.is_empty()
    };
    let replaced: Vec<_> = run.items.iter().filter(replaced).map(|item| item.id).collect();
    if replaced.is_empty() {
        return Ok(());
    }
    let done = summary.rows.iter().filter(|row| row.outcome == ItemOutcome::Done && row.item.stage == Stage::Execution);
    let written: HashMap<_, _> = done.map(|row| (row.item, row.paths.len())).collect();
    let scan = dir.scan(names)?;
    let mut surplus = Vec::new();
    for item in replaced {
        let Some(written) = written.get(&item) else { continue };
        let files = scan.of_achievement(item.achievement);
        let more = files.executions.iter().filter(|(number, _)| **number as usize > *written);
        surplus.extend(more.map(|(_, path)| (path.clone(), *written)));
    }
    if surplus.is_empty() {
        return Ok(());
    }
    let left = left_by_planwave(dir)?;
    let operation = Operation::within(dir, Arc::clone(journal), Timestamp::now());
    for (path, written) in surplus {
        let planned = match written {
            1 => String::from("the new SUBPLAN plans 1 EXECUTION"),
            several => format!("the new SUBPLAN plans {several} EXECUTIONs"),
        };
        let now = Digest::of(&dir.read(&path)?);
        if left.get(&path) == Some(&Some(now)) {
            operation.remove(&path)?;
            summary.surplus.push(format!("{path} was removed, for {planned}; `planwave undo` brings it back"));
        } else {
            summary.surplus.push(format!(
                "{path} stays and is counted, though {planned}: it is not as planwave wrote it; remove it if nobody needs it"
            ));
        }
    }
    Ok(operation.finish()?)
}

/// What each file was left as by the last operation that changed it.
fn left_by_planwave(dir: &PlanDir) -> Result<HashMap<String, Option<Digest>>, StoreError> {
    let mut left = HashMap::new();
    // A record that cannot be read vouches for nothing.
    for record in dir.operations()?.iter().filter_map(|id| dir.record(id).ok()) {
        for change in record.changes.into_iter().rev() {
            left.entry(change.path.as_str().to_owned()).or_insert(change.after);
        }
    }
    Ok(left)
}
