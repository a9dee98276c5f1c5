//! 8xx: achievements of one parallel level that get in each other's way.

use std::collections::HashMap;

use crate::parallel::{
    Entry, ParallelFile, Status,
    check::field,
    problem::{Raised, printable},
    rules::{SHARED_DELIVERABLE, SHARED_RESOURCE},
};
use crate::plan::{Achievement, AchievementId};

use super::{
    Surroundings,
    claims::{Claim, of_deliverable, of_prose},
};

pub(super) fn find(file: &ParallelFile, around: &Surroundings<'_>, raise: &mut impl FnMut(Raised)) {
    let plan: HashMap<AchievementId, &Achievement> = around
        .plan
        .map(|plan| plan.achievements.iter().map(|achievement| (achievement.id, achievement)).collect())
        .unwrap_or_default();
    for level in file.levels.iter().filter(|level| level.can_parallelize && level.entries.len() > 1) {
        let mut claimed: HashMap<Claim, usize> = HashMap::new();
        let mut claims: Vec<(Claim, Vec<(usize, &'static str)>)> = Vec::new();
        for &index in level.entries.iter().filter(|&&index| is_open(&file.entries[index], around)) {
            for (claim, source) in claims_of(file, index, &plan, around) {
                let at = *claimed.entry(claim).or_insert_with_key(|claim| {
                    claims.push((claim.clone(), Vec::new()));
                    claims.len() - 1
                });
                let owners = &mut claims[at].1;
                if owners.last().is_none_or(|(last, _)| *last != index) {
                    owners.push((index, source));
                }
            }
        }
        for (claim, owners) in claims.iter().filter(|(_, owners)| owners.len() > 1) {
            raise(clash(file, claim, owners));
        }
    }
}

/// Whether there is still something to do.
fn is_open(entry: &Entry, around: &Surroundings<'_>) -> bool {
    let evidence = around.documents.as_ref().map(|all| all.get(&entry.id).map(|documents| documents.evidence));
    match evidence {
        Some(evidence) => !evidence.is_some_and(|evidence| evidence.approved || evidence.skipped),
        None => !matches!(entry.status, Status::Complete | Status::Skipped),
    }
}

fn claims_of(
    file: &ParallelFile,
    index: usize,
    plan: &HashMap<AchievementId, &Achievement>,
    around: &Surroundings<'_>,
) -> Vec<(Claim, &'static str)> {
    let id = file.entries[index].id;
    let mut claims = Vec::new();
    let mut add = |from: Vec<Claim>, source| claims.extend(from.into_iter().map(|claim| (claim, source)));
    for text in &file.stated[index].deliverables {
        add(of_deliverable(text), "its deliverables");
    }
    if let Some(achievement) = plan.get(&id) {
        for text in &achievement.deliverables {
            add(of_deliverable(text), "the PLAN");
        }
        add(of_prose(&achievement.body), "the PLAN");
    }
    for text in around.subplan_deliverables.get(&id).into_iter().flatten() {
        add(of_deliverable(text), "its SUBPLAN");
    }
    claims
}

fn clash(file: &ParallelFile, claim: &Claim, owners: &[(usize, &'static str)]) -> Raised {
    let (rule, what) = match claim {
        Claim::File(path) => (&SHARED_DELIVERABLE, format!("write `{}`", printable(path, 80))),
        Claim::Resource(name) => (&SHARED_RESOURCE, format!("change {}", printable(name, 80))),
    };
    let named: Vec<String> =
        owners.iter().take(4).map(|(index, source)| format!("{} ({source})", file.entries[*index].id)).collect();
    let more = if owners.len() > 4 { format!(" and {} more", owners.len() - 4) } else { String::new() };
    let last = owners.get(1).map_or(0, |(index, _)| *index);
    let message = format!("{}{more} {what} in level {}", named.join(", "), file.entries[last].level);
    let path = if file.stated[last].deliverables.is_empty() {
        file.places[last].path()
    } else {
        field(file, last, "deliverables")
    };
    Raised::new(rule, path, message).hint("let one depend on the other, split it, or set `can_parallelize` to false")
}
