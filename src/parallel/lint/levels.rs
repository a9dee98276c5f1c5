//! 2xx and 4xx: slugs, the numbers of levels, and what levels say of working in parallel.

use std::collections::HashMap;

use crate::parallel::{
    Form, LevelInfo, ParallelFile,
    check::{Sound, field},
    computed::parallelism_of,
    problem::{Path, Raised},
    rules::{LEVEL_GAP, PARALLEL_ALONE, PARALLELISM_OF_ONE, PARALLELISM_TOO_HIGH, SLUG_COLLISION},
};
use crate::plan::AchievementId;

pub(super) fn find(file: &ParallelFile, sound: Sound, raise: &mut impl FnMut(Raised)) {
    slugs(file, raise);
    if file.form == Form::Leveled {
        numbers(file, sound, raise);
        file.levels.iter().for_each(|level| parallel(file, level, raise));
    }
}

fn slugs(file: &ParallelFile, raise: &mut impl FnMut(Raised)) {
    let mut by_slug: HashMap<u128, AchievementId, foldhash::fast::RandomState> =
        HashMap::with_capacity_and_hasher(file.entries.len(), Default::default());
    let name = if file.form == Form::Leveled { "id" } else { "achievement_id" };
    for (index, entry) in file.entries.iter().enumerate() {
        let first = *by_slug.entry(entry.id.short_slug_number()).or_insert(entry.id);
        if first != entry.id {
            let (a, b) = (first, entry.id);
            let message = format!("{a} and {b} are both {} without dots", a.short_slug());
            let hint = format!("their files are named with {} and {}", a.long_slug(), b.long_slug());
            raise(Raised::new(&SLUG_COLLISION, field(file, index, name), message).hint(hint));
        }
    }
}

fn member(level: &LevelInfo, name: &'static str) -> Path {
    vec!["levels".into(), level.position.unwrap_or(0).into(), name.into()]
}

fn numbers(file: &ParallelFile, sound: Sound, raise: &mut impl FnMut(Raised)) {
    let mut expected = 1;
    for level in &file.levels {
        // Of several gaps each is told once, and one number that stands twice is no gap.
        if level.number > expected {
            let message = match (expected, level.number) {
                (1, number) => format!("levels begin with {number}, not with 1"),
                (expected, number) => format!("level {number} follows level {}", expected - 1),
            };
            let raised = Raised::new(&LEVEL_GAP, member(level, "level"), message);
            raise(raised.hint("number the levels 1, 2, 3 …").fixable_if(sound.levels));
        }
        expected = level.number.saturating_add(1);
    }
}

/// What `can_parallelize` and `max_parallelism` of a level should be; `None` where the file says nothing wrong.
pub(in crate::parallel) fn parallelism(file: &ParallelFile, level: &LevelInfo) -> (Option<bool>, Option<u32>) {
    let count = level.entries.len();
    if count == 0 {
        return (None, None);
    }
    let can = match level.declared_parallel {
        Some(true) if count == 1 => Some(false),
        None if chained(file, level) => Some(false),
        Some(_) | None => None,
    };
    let serial = !can.unwrap_or(level.can_parallelize);
    let (_, most) = parallelism_of(count, serial);
    (can, level.max_parallelism.filter(|max| *max > most).map(|_| most))
}

/// Whether an achievement of the level depends on another of it.
fn chained(file: &ParallelFile, level: &LevelInfo) -> bool {
    let inside = |id| file.get(id).is_some_and(|other| other.level == level.number);
    let depends = |&entry: &usize| {
        let entry = &file.entries[entry];
        entry.dependencies.iter().any(|&id| id != entry.id && inside(id))
    };
    level.entries.iter().any(depends)
}

fn parallel(file: &ParallelFile, level: &LevelInfo, raise: &mut impl FnMut(Raised)) {
    let (can, max) = parallelism(file, level);
    let LevelInfo { number, entries, .. } = level;
    if can == Some(false) && level.declared_parallel == Some(true) {
        let message = format!("level {number} has one achievement, so nothing of it is worked on at the same time");
        raise(Raised::new(&PARALLEL_ALONE, member(level, "can_parallelize"), message).hint("set it to false"));
    }
    let Some(stated) = level.max_parallelism else { return };
    if let Some(most) = max {
        let why = match entries.len() {
            count if most == 1 && count > 1 => "cannot be worked on in parallel".to_owned(),
            1 => "has one achievement".to_owned(),
            count => format!("has {count} achievements"),
        };
        let message = format!("`max_parallelism` is {stated}, and level {number} {why}");
        raise(
            Raised::new(&PARALLELISM_TOO_HIGH, member(level, "max_parallelism"), message)
                .hint(format!("set it to {most}")),
        );
    } else if stated == 1 && entries.len() > 1 && level.declared_parallel == Some(true) {
        let message = format!("level {number} can be worked on in parallel, but by one at a time");
        let hint = "raise `max_parallelism`, or set `can_parallelize` to false";
        raise(Raised::new(&PARALLELISM_OF_ONE, member(level, "max_parallelism"), message).hint(hint));
    }
}
