//! Writes a parallel.json from the dependencies that a PLAN declares itself.

use super::{Basis, Problem, Status, write_anew};
use crate::plan::Plan;

/// Whether no achievement of the PLAN names a dependency by id. A file written from such a PLAN has a single level, which
/// is most likely not what is meant: the caller should say so.
pub fn declares_nothing(plan: &Plan) -> bool {
    plan.achievements.iter().all(|achievement| achievement.dependencies.is_empty())
}

/// Writes the leveled form 1.0.0 for a PLAN: levels computed, `blocks` the inverse of `dependencies`, every status
/// `not_started`. `created` is an RFC 3339 time in UTC. The text is indented by two spaces and ends with a line feed.
///
/// # Errors
///
/// Those of [`Basis::new`]: what the PLAN declares and cannot mean.
pub fn declared(plan: &Plan, created: &str) -> Result<String, Vec<Problem>> {
    let basis = Basis::new(plan, None, &|_| Status::NotStarted)?;
    Ok(write_anew(&basis.structure(), plan.name.as_str(), created))
}
