//! Writes a parallel.json from the dependencies that a PLAN declares itself.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Problem, Rule, Severity, Status,
    check::{Described, describe_cycle},
    graph::Adjacency,
    rules::{CYCLE, DUPLICATE_ID, NO_ACHIEVEMENTS, SELF_DEPENDENCY, UNKNOWN_DEPENDENCY},
};
use crate::plan::{Achievement, AchievementId, Hours, Plan};

/// The version of the leveled form that is written.
const VERSION: &str = "1.0.0";

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
/// Dependencies on unknown ids or on the achievement itself, cycles, ids that occur twice, and a PLAN without
/// achievements; with the PLAN's lines, and without JSON paths.
pub fn declared(plan: &Plan, created: &str) -> Result<String, Vec<Problem>> {
    let achievements = &plan.achievements;
    let mut by_id: HashMap<AchievementId, usize> = HashMap::with_capacity(achievements.len());
    let mut problems = Vec::new();
    for (index, achievement) in achievements.iter().enumerate() {
        if let Some(first) = by_id.insert(achievement.id, index) {
            let line = achievements[first].line;
            let message = format!("achievement {} is defined twice, first on line {line}", achievement.id);
            problems.push(problem(&DUPLICATE_ID, achievement.line, message, "give one of them another id".to_owned()));
        }
    }
    if achievements.is_empty() {
        let hint = "achievements stand under a heading that contains \"Achievements\"".to_owned();
        problems.push(problem(&NO_ACHIEVEMENTS, 1, "the PLAN has no achievement".to_owned(), hint));
    }
    problems.extend(achievements.iter().flat_map(|achievement| misdirected(achievement, &by_id)));
    let known = |achievement: &Achievement| {
        achievement.dependencies.iter().filter_map(|id| by_id.get(id).copied()).collect::<Vec<_>>()
    };
    let edges = Adjacency::new(achievements.len(), achievements.iter().map(known));
    for cycle in edges.cycles() {
        if cycle.len() < 2 {
            continue; // reported above
        }
        let nodes: Vec<(AchievementId, u32)> = cycle.iter().map(|&node| (achievements[node].id, 0)).collect();
        let Described { message, hint, from, to: _ } = describe_cycle(&nodes);
        problems.push(problem(&CYCLE, achievements[cycle[from]].line, message, hint));
    }
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.line);
        return Err(problems);
    }
    let file = Writer { plan, dependents: edges.inverse(), dependencies: edges }.file(created);
    Ok(format!("{file:#}\n"))
}

fn problem(rule: &'static Rule, line: usize, message: String, hint: String) -> Problem {
    Problem {
        rule,
        severity: Severity::Error,
        path: String::new(),
        line,
        column: 1,
        width: 1,
        message,
        hint: Some(hint),
        fixable: false,
    }
}

/// What an achievement depends on but cannot.
fn misdirected(achievement: &Achievement, by_id: &HashMap<AchievementId, usize>) -> Vec<Problem> {
    let Achievement { id, dependencies, line, .. } = achievement;
    let mut problems = Vec::new();
    for needs in dependencies {
        if needs == id {
            let hint = format!("remove {id} from its dependencies");
            problems.push(problem(&SELF_DEPENDENCY, *line, format!("achievement {id} depends on itself"), hint));
        } else if !by_id.contains_key(needs) {
            let message = format!("achievement {id} depends on {needs}, which is not in the PLAN");
            problems.push(problem(
                &UNKNOWN_DEPENDENCY,
                *line,
                message,
                format!("define {needs}, or remove the dependency"),
            ));
        }
    }
    problems
}

struct Writer<'a> {
    plan: &'a Plan,
    dependencies: Adjacency,
    dependents: Adjacency,
}

impl Writer<'_> {
    fn file(&self, created: &str) -> Value {
        let mut by_level: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (node, level) in self.dependencies.levels().into_iter().enumerate() {
            by_level.entry(level).or_default().push(node);
        }
        let widest = by_level.values().map(Vec::len).max().unwrap_or(0);
        let count = by_level.len();
        let levels: Vec<Value> = by_level.into_iter().map(|(number, nodes)| self.level(number, &nodes)).collect();
        json!({
            "version": VERSION,
            "plan": self.plan.name,
            "created": created,
            "updated": created,
            "levels": levels,
            "parallelization_strategy": format!(
                "Levels computed from the dependencies that the PLAN declares: {count} levels, at most {widest} achievements at \
                 the same time."
            ),
            "execution_instructions": [
                "Work through the levels in ascending order.",
                "The achievements of one level can be worked on at the same time, unless its can_parallelize is false.",
            ],
            "validation_rules": [
                "Every dependency lies in an earlier level.",
                "blocks is the inverse of dependencies.",
            ],
        })
    }

    fn level(&self, number: u32, nodes: &[usize]) -> Value {
        let achievements: Vec<Value> = nodes.iter().map(|&node| self.achievement(node)).collect();
        let reason = match (number, nodes.len()) {
            (_, 1) => "There is only one achievement.",
            (1, _) => "None of them depends on another achievement.",
            (_, _) => "Their dependencies all lie in earlier levels.",
        };
        let description = match number {
            1 => "No dependencies".to_owned(),
            2 => "Depends on level 1".to_owned(),
            _ => format!("Depends on levels 1 to {}", number - 1),
        };
        json!({
            "level": number,
            "description": description,
            "can_parallelize": nodes.len() > 1,
            "max_parallelism": nodes.len(),
            "reason": reason,
            "achievements": achievements,
        })
    }

    fn achievement(&self, node: usize) -> Value {
        let achievement = &self.plan.achievements[node];
        let ids = |nodes: &[usize]| nodes.iter().map(|&node| self.plan.achievements[node].id).collect::<Vec<_>>();
        let dependencies = ids(self.dependencies.of(node));
        let reason = achievement.dependencies_text.as_deref().unwrap_or("Declared in the PLAN.");
        let note = |id: &AchievementId| {
            (id.to_string(), json!({ "kind": "technical", "reason": reason, "source": "declared" }))
        };
        let notes: Map<String, Value> = dependencies.iter().map(note).collect();
        json!({
            "id": achievement.id,
            "title": achievement.title,
            "status": Status::NotStarted,
            "dependencies": dependencies,
            "optional_dependencies": [],
            "dependency_notes": notes,
            "blocks": ids(self.dependents.of(node)),
            "estimated_hours": achievement.estimated_hours.map(hours),
            "actual_hours": null,
            "started_at": null,
            "completed_at": null,
            "executor": null,
            "assigned_at": null,
            "deliverables": achievement.deliverables,
            "subplan_path": null,
            "execution_paths": [],
            "failure": null,
        })
    }
}

/// A single value as a number, a range as text.
fn hours(Hours { low, high }: Hours) -> Value {
    if low == high { json!(tidy(low)) } else { json!(format!("{}-{} hours", tidy(low), tidy(high))) }
}

/// To two digits: 20 minutes are 0.33 hours, not 0.3333333333333333.
fn tidy(hours: f64) -> f64 {
    (hours * 100.0).round() / 100.0
}
