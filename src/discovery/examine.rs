//! Holds an answer against the inventory and the PLAN, and puts it together with what holds in any case.

use std::collections::{HashMap, HashSet};

use super::{
    Answer, Fault, Source,
    answer::{Conflict, Finding},
    fault::CycleEdge,
};
use crate::{
    parallel::{Basis, Dependency, Draft, Optional, Origin, Pair, Structure, Touches},
    plan::AchievementId,
};

/// What has come of an answer.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The achievements in levels.
    pub structure: Structure,
    /// Dependencies whose reason is not in the PLAN. They hold all the same: a wrong quotation is no wrong dependency.
    pub unquoted: Vec<(AchievementId, AchievementId)>,
    /// Pairs that look independent and are not.
    pub conflicts: Vec<Conflict>,
}

/// Checks an answer, and computes what follows from it.
///
/// Entries for achievements whose dependencies are not asked for are passed over. `plan` is the PLAN's text.
///
/// # Errors
///
/// Everything that is wrong; the cycles only where nothing else is, since they may follow from it.
pub fn examine(answer: Answer, basis: &Basis, plan: &Source) -> Result<Discovered, Vec<Fault>> {
    let faults = faults(&answer, basis);
    if !faults.is_empty() {
        return Err(faults);
    }
    let Answer { achievements, conflicts } = answer;
    let mut findings: HashMap<AchievementId, Finding> =
        achievements.into_iter().map(|finding| (finding.id, finding)).collect();
    let mut unquoted = Vec::new();
    let drafts: Vec<Draft> = basis
        .drafts()
        .iter()
        .map(|draft| match findings.remove(&draft.id) {
            Some(finding) if !draft.frozen => {
                let mut draft = merge(draft, finding, plan, &mut unquoted);
                basis.add_shared(&mut draft);
                draft
            }
            Some(_) | None => draft.clone(),
        })
        .collect();
    let pairs: Vec<Pair> = conflicts
        .iter()
        .map(|Conflict { first, second, over }| Pair { first: *first, second: *second, over: over.clone() })
        .collect();
    match Structure::compute(drafts.clone(), &pairs) {
        Ok(structure) => Ok(Discovered { structure, unquoted, conflicts }),
        Err(cycles) => Err(cycles.iter().map(|cycle| cycle_fault(cycle, &drafts, basis, &unquoted)).collect()),
    }
}

fn faults(answer: &Answer, basis: &Basis) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    let known = |place: &dyn Fn() -> String, id: AchievementId, faults: &mut Vec<Fault>| {
        if basis.get(id).is_none() {
            faults.push(Fault::UnknownId { place: place(), id });
        }
    };
    for finding in &answer.achievements {
        let id = finding.id;
        known(&|| "the list `achievements`".to_owned(), id, &mut faults);
        if !seen.insert(id) {
            faults.push(Fault::Repeated { id });
        }
        let others = finding.needs.iter().map(|need| need.id).chain(finding.optional.iter().map(|(id, _)| *id));
        let mut named = HashSet::new();
        for needs in others.filter(|needs| named.insert(*needs)) {
            if needs == id {
                faults.push(Fault::SelfDependency { id });
            } else {
                known(&|| id.to_string(), needs, &mut faults);
            }
        }
    }
    for Conflict { first, second, .. } in &answer.conflicts {
        for id in [first, second] {
            known(&|| "`hidden_conflicts`".to_owned(), *id, &mut faults);
        }
    }
    faults.extend(basis.open().filter(|draft| !seen.contains(&draft.id)).map(|draft| Fault::Missing { id: draft.id }));
    faults
}

/// An achievement with what a model found of it. What was written by hand or declared in the PLAN holds whatever the
/// model says; of what is declared, the model may say why.
fn merge(draft: &Draft, finding: Finding, plan: &Source, unquoted: &mut Vec<(AchievementId, AchievementId)>) -> Draft {
    let Finding { id, needs, optional, files, resources, critical } = finding;
    let mut draft = draft.clone();
    for need in needs {
        let quoted = plan.holds(&need.reason);
        match draft.dependencies.iter_mut().find(|dependency| dependency.needs == need.id) {
            Some(dependency) => {
                if dependency.source == Origin::Declared && quoted {
                    dependency.kind = need.kind;
                    dependency.reason = need.reason;
                }
            }
            None => {
                if !quoted {
                    unquoted.push((id, need.id));
                }
                draft.dependencies.push(Dependency {
                    needs: need.id,
                    kind: need.kind,
                    reason: need.reason,
                    source: Origin::Model,
                });
            }
        }
    }
    // An empty reason says nothing, and a note without one would say who found it only.
    draft.optional.extend(
        optional
            .into_iter()
            .map(|(id, reason)| Optional { id, note: (!reason.is_empty()).then_some((reason, Origin::Model)) }),
    );
    draft.touches = Some(Touches { files, resources });
    draft.critical = critical.or(draft.critical);
    draft
}

fn cycle_fault(
    cycle: &[AchievementId],
    drafts: &[Draft],
    basis: &Basis,
    unquoted: &[(AchievementId, AchievementId)],
) -> Fault {
    let by_id: HashMap<AchievementId, &Draft> = drafts.iter().map(|draft| (draft.id, draft)).collect();
    let next = cycle.iter().cycle().skip(1);
    let edge = |(from, needs): (&AchievementId, &AchievementId)| {
        let dependency = by_id.get(from)?.dependencies.iter().find(|dependency| dependency.needs == *needs)?;
        Some(CycleEdge {
            from: *from,
            needs: *needs,
            kind: dependency.kind,
            droppable: dependency.source == Origin::Model && basis.get(*from).is_some_and(|draft| !draft.frozen),
            quoted: !unquoted.contains(&(*from, *needs)),
        })
    };
    Fault::Cycle { edges: cycle.iter().zip(next).filter_map(edge).collect() }
}
