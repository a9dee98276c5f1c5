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
        let mut known: HashMap<Claim<'_>, usize> = HashMap::with_capacity(level.entries.len());
        let mut claimed: Vec<Claimed<'_>> = Vec::with_capacity(level.entries.len());
        for &index in level.entries.iter().filter(|&&index| is_open(&file.entries[index], around)) {
            claims_of(file, index, &plan, around, &mut |claim, source| {
                let at = *known.entry(claim).or_insert(claimed.len());
                match claimed.get_mut(at) {
                    None => claimed.push(Claimed { claim, first: (index, source), others: Vec::new() }),
                    Some(claimed) if claimed.last() != index => claimed.others.push((index, source)),
                    Some(_) => {}
                }
            });
        }
        for claimed in claimed.iter().filter(|claimed| !claimed.others.is_empty()) {
            raise(clash(file, claimed));
        }
    }
}

/// Who claims something, and where it says so.
struct Claimed<'a> {
    claim: Claim<'a>,
    first: (usize, &'static str),
    others: Vec<(usize, &'static str)>,
}

impl Claimed<'_> {
    fn last(&self) -> usize {
        self.others.last().unwrap_or(&self.first).0
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

fn claims_of<'a>(
    file: &'a ParallelFile,
    index: usize,
    plan: &HashMap<AchievementId, &'a Achievement>,
    around: &'a Surroundings<'_>,
    take: &mut impl FnMut(Claim<'a>, &'static str),
) {
    let id = file.entries[index].id;
    for text in &file.stated[index].deliverables {
        of_deliverable(text, &mut |claim| take(claim, "its deliverables"));
    }
    if let Some(achievement) = plan.get(&id) {
        for text in &achievement.deliverables {
            of_deliverable(text, &mut |claim| take(claim, "the PLAN"));
        }
        of_prose(&achievement.body, &mut |claim| take(claim, "the PLAN"));
    }
    for text in around.subplan_deliverables.get(&id).into_iter().flatten() {
        of_deliverable(text, &mut |claim| take(claim, "its SUBPLAN"));
    }
}

fn clash(file: &ParallelFile, claimed: &Claimed<'_>) -> Raised {
    let (rule, what) = match claimed.claim {
        Claim::File(path) => (&SHARED_DELIVERABLE, format!("write `{}`", printable(path, 80))),
        Claim::Resource("port", name) => (&SHARED_RESOURCE, format!("change port {}", printable(name, 80))),
        Claim::Resource(kind, name) => (&SHARED_RESOURCE, format!("change {kind} `{}`", printable(name, 80))),
    };
    let owners: Vec<_> = [&claimed.first].into_iter().chain(&claimed.others).collect();
    let named: Vec<String> =
        owners.iter().take(4).map(|&&(index, source)| format!("{} ({source})", file.entries[index].id)).collect();
    let more = if owners.len() > 4 { format!(" and {} more", owners.len() - 4) } else { String::new() };
    let last = owners.get(1).map_or(0, |owner| owner.0);
    let message = format!("{}{more} {what} in level {}", named.join(", "), file.entries[last].level);
    let path = if file.stated[last].deliverables.is_empty() {
        file.places[last].path()
    } else {
        field(file, last, "deliverables")
    };
    Raised::new(rule, path, message).hint("let one depend on the other, split it, or set `can_parallelize` to false")
}
