//! 5xx: fields that follow from others.

use serde_json::Value;

use crate::parallel::{
    Form, LevelInfo, ParallelFile,
    check::{Sound, field},
    derived::Derived,
    graph::Adjacency,
    problem::{Path, Raised},
    rules::{BLOCKS_MISMATCH, DERIVED, TIMES},
    schedule::{Bounds, Workload},
};
use crate::plan::{AchievementId, Hours};

pub(super) fn find(
    file: &ParallelFile,
    dependencies: &Adjacency,
    order: Option<&[usize]>,
    sound: Sound,
    raise: &mut impl FnMut(Raised),
) {
    for (index, right) in blocks(file, dependencies) {
        let id = file.entries[index].id;
        let message = match right.len() {
            0 => format!("nothing depends on {id}, and `blocks` lists something"),
            _ => format!("`blocks` of {id} is not the inverse of `dependencies`: {} on it", depend(&right)),
        };
        let raised = Raised::new(&BLOCKS_MISMATCH, field(file, index, "blocks"), message);
        raise(raised.hint("`dependencies` holds, and nothing acts on `blocks`").fixable_if(sound.ids));
    }
    if let Some(order) = order.filter(|_| sound.graph) {
        for (name, right) in times(file, dependencies, order) {
            let path: Path = vec!["parallelization_strategy".into(), name.into()];
            let message = format!("`{name}` does not fit the estimates and levels");
            let right = match right.as_str() {
                Some(text) => text.to_owned(),
                None => right.as_f64().unwrap_or_default().to_string(),
            };
            raise(Raised::new(&TIMES, path, message).hint(format!("it should be {right}")));
        }
        let stale = Derived::of(file, dependencies).map(|derived| derived.stale()).unwrap_or_default();
        for (path, what) in stale {
            let message = format!("{what} does not fit the levels, dependencies and estimates");
            raise(Raised::new(&DERIVED, path, message).hint("`dependencies` holds, and nothing acts on this"));
        }
    }
}

fn depend(ids: &[AchievementId]) -> String {
    let shown: Vec<String> = ids.iter().take(8).map(ToString::to_string).collect();
    let more = if ids.len() > shown.len() { format!(" and {} more", ids.len() - shown.len()) } else { String::new() };
    format!("{}{more} {}", shown.join(", "), if ids.len() == 1 { "depends" } else { "depend" })
}

/// The entries whose `blocks` is wrong, each with what it should be.
pub(in crate::parallel) fn blocks(file: &ParallelFile, dependencies: &Adjacency) -> Vec<(usize, Vec<AchievementId>)> {
    if file.stated.iter().all(|stated| stated.blocks.is_none()) {
        return Vec::new();
    }
    let dependents = dependencies.inverse();
    let mut wrong = Vec::new();
    for (index, stated) in file.stated.iter().enumerate() {
        let Some(blocks) = &stated.blocks else { continue };
        let right: Vec<AchievementId> = dependents.of(index).iter().map(|&node| file.entries[node].id).collect();
        if *blocks == right {
            continue;
        }
        let sorted = |ids: &[AchievementId]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids
        };
        if sorted(blocks) != sorted(&right) {
            wrong.push((index, right));
        }
    }
    wrong
}

/// The times of the strategy that do not add up, each with what it should be; none where an estimate is missing.
pub(in crate::parallel) fn times(
    file: &ParallelFile,
    dependencies: &Adjacency,
    order: &[usize],
) -> Vec<(&'static str, Value)> {
    let estimates: Vec<Option<Hours>> = file.entries.iter().map(|entry| entry.estimated_hours).collect();
    let open: Vec<bool> = file.entries.iter().map(|entry| !file.times.is_without(entry.id)).collect();
    let missing = file.entries.iter().zip(&open).filter(|(entry, open)| **open && entry.estimated_hours.is_none());
    let missing = missing.map(|(entry, _)| entry.id);
    if file.form == Form::Flat || !file.times.leaves_out(missing) {
        return Vec::new();
    }
    let mut level_of = vec![0; file.entries.len()];
    for (place, level) in file.levels.iter().enumerate() {
        level.entries.iter().for_each(|&entry| level_of[entry] = place);
    }
    let limits: Vec<usize> = file.levels.iter().map(LevelInfo::capacity).collect();
    let dependents = dependencies.inverse();
    let bounds = Bounds { level_of: &level_of, limits: &limits, apart: &file.apart(), running: &[] };
    let (times, _) = Workload::new(&estimates, &open, dependencies, &dependents, order).schedule(&bounds);
    times.map(|times| file.times.wrong(&times)).unwrap_or_default()
}
