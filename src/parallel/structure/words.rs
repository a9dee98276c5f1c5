//! A computed structure in the words of parallel.json: its fields, in the order of design.md.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Bottleneck, Clash, Draft, Level, Origin, Structure, Times};
use crate::{
    parallel::{
        rewrite::{Field, NewAchievement, NewLevel, Takeover},
        schedule::tidy,
    },
    plan::{AchievementId, Hours},
};

/// The version of the leveled form that is written.
const VERSION: &str = "1.0.0";

/// Ids named in a sentence; more are counted.
const NAMED: usize = 8;

/// Everything that a parallel.json of this structure says.
pub(in crate::parallel) struct FileFields {
    /// Before the levels.
    pub(in crate::parallel) head: Vec<Field>,
    /// The levels.
    pub(in crate::parallel) levels: Vec<NewLevel>,
    /// After the levels.
    pub(in crate::parallel) tail: Vec<Field>,
}

/// Puts a structure into fields. `now` is an RFC 3339 time in UTC.
pub(in crate::parallel) fn fields(structure: &Structure, plan: &str, now: &str) -> FileFields {
    use Takeover::{IfAbsent, Replace};
    FileFields {
        head: vec![
            ("version", json!(VERSION), IfAbsent),
            ("plan", json!(plan), IfAbsent),
            ("created", json!(now), IfAbsent),
            ("updated", json!(now), Replace),
        ],
        levels: structure.levels.iter().map(|level| new_level(structure, level)).collect(),
        tail: vec![
            ("parallelization_strategy", strategy(structure), Replace),
            ("execution_instructions", json!(instructions(structure)), Replace),
            ("validation_rules", structure.levels.iter().map(|level| rules(structure, level)).collect(), Replace),
        ],
    }
}

/// What a file says of a structure beside its levels and achievements.
pub(in crate::parallel) struct Parts {
    /// By level: its number, `description` and `reason`.
    pub(in crate::parallel) levels: Vec<(u32, String, String)>,
    /// `parallelization_strategy`.
    pub(in crate::parallel) strategy: Value,
    /// `execution_instructions`, one a level.
    pub(in crate::parallel) instructions: Vec<Value>,
    /// `validation_rules`, one a level.
    pub(in crate::parallel) rules: Vec<Value>,
}

/// The parts of a structure, as [`fields`] has them.
pub(in crate::parallel) fn parts(structure: &Structure) -> Parts {
    let of_level = |level: &Level| (level.number, description(level.number), reason(structure, level));
    Parts {
        levels: structure.levels.iter().map(of_level).collect(),
        strategy: strategy(structure),
        instructions: instructions(structure),
        rules: structure.levels.iter().map(|level| rules(structure, level)).collect(),
    }
}

/// What a level of this number depends on.
pub(in crate::parallel) fn description(number: u32) -> String {
    match number {
        0 | 1 => NO_DEPENDENCIES.to_owned(),
        2 => DEPENDS_ON_FIRST.to_owned(),
        number => format!("{DEPENDS_ON_LEVELS}{}", number - 1),
    }
}

/// Whether a `description` is one of ours, of whichever level.
pub(in crate::parallel) fn is_description(text: &str) -> bool {
    let last = text.strip_prefix(DEPENDS_ON_LEVELS).filter(|last| !last.is_empty());
    [NO_DEPENDENCIES, DEPENDS_ON_FIRST].contains(&text)
        || last.is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a `reason` is one of ours, and nobody has added to it.
pub(in crate::parallel) fn is_reason(text: &str) -> bool {
    let whole = |rest: &str| {
        let ends = [" at the same time.", ": one at a time."].iter().any(|end| rest.ends_with(end));
        rest.is_empty() || (rest.starts_with(" But ") && ends)
    };
    text == ONLY_ONE
        || (text.starts_with("Only ") && text.ends_with(" is left to do."))
        || [NONE_DEPENDS, ALL_EARLIER].iter().any(|start| text.strip_prefix(start).is_some_and(whole))
}

/// Whether a sentence of `validation_rules` is one of ours.
pub(in crate::parallel) fn is_rule(text: &str) -> bool {
    text == TOUCH_THE_SAME
        || text.starts_with(BEGINS_WHEN)
        || text.starts_with(CRITICAL)
        || (text.starts_with(DONE_WHEN) && text.ends_with(DELIVERED))
}

/// Whether the `summary` of a strategy is ours.
pub(in crate::parallel) fn is_summary(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(" level") && text.ends_with(" at the same time.")
}

const NO_DEPENDENCIES: &str = "No dependencies";
const DEPENDS_ON_FIRST: &str = "Depends on level 1";
const DEPENDS_ON_LEVELS: &str = "Depends on levels 1 to ";
const ONLY_ONE: &str = "There is only one achievement.";
const NONE_DEPENDS: &str = "None of them depends on another achievement.";
const ALL_EARLIER: &str = "Their dependencies all lie in earlier levels.";
const BEGINS_WHEN: &str = "An achievement begins when everything it depends on, in levels 1 to ";
const TOUCH_THE_SAME: &str =
    "Achievements that touch the same are not worked on at the same time; those of one group touch nothing in common.";
const CRITICAL: &str = "Critical, not to be skipped: ";
const DONE_WHEN: &str = "The level is done when ";
const DELIVERED: &str = ", with every deliverable there.";

fn new_level(structure: &Structure, level: &Level) -> NewLevel {
    use Takeover::{IfAbsent, Replace};
    NewLevel {
        number: level.number,
        fields: vec![
            ("level", json!(level.number), Replace),
            ("description", json!(description(level.number)), IfAbsent),
            ("can_parallelize", json!(level.can_parallelize()), Replace),
            ("max_parallelism", json!(level.max_parallelism()), Replace),
            ("reason", json!(reason(structure, level)), Replace),
        ],
        achievements: level.members.iter().map(|&node| achievement(structure, node)).collect(),
    }
}

/// Why a level can or cannot be worked on in parallel.
fn reason(structure: &Structure, level: &Level) -> String {
    if level.members.len() == 1 {
        return ONLY_ONE.to_owned();
    }
    if let [only] = level.order.as_slice() {
        return format!("Only {} is left to do.", structure.drafts[*only].id);
    }
    let mut text = match level.number {
        1 => NONE_DEPENDS,
        _ => ALL_EARLIER,
    }
    .to_owned();
    if level.groups.len() > 1 {
        let clashes: Vec<String> = level.clashes.iter().take(3).map(|clash| clash_text(structure, clash)).collect();
        let more = level.clashes.len().saturating_sub(clashes.len());
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let most = match level.max_parallelism() {
            1 => "one at a time".to_owned(),
            most => format!("at most {most} at the same time"),
        };
        text.push_str(&format!(" But {}{more}: {most}.", clashes.join("; ")));
    }
    text
}

fn clash_text(structure: &Structure, clash: &Clash) -> String {
    let Clash { first, second, over } = clash;
    format!("{} and {} both touch {over}", structure.drafts[*first].id, structure.drafts[*second].id)
}

fn achievement(structure: &Structure, node: usize) -> NewAchievement {
    use Takeover::{Exactly, IfAbsent, Replace};
    let draft = &structure.drafts[node];
    let ids: Vec<AchievementId> = draft.dependencies.iter().map(|dependency| dependency.needs).collect();
    // What the PLAN says nothing of stays as a person may have written it.
    let unless_empty = |empty: bool| if empty { IfAbsent } else { Replace };
    let mut fields: Vec<Field> = vec![
        ("id", json!(draft.id), Replace),
        ("title", json!(draft.title), unless_empty(draft.title.is_empty())),
        ("status", json!(draft.status), IfAbsent),
        ("dependencies", json!(ids), Replace),
        ("optional_dependencies", draft.optional.iter().map(|optional| json!(optional.id)).collect(), Replace),
        ("dependency_notes", notes(draft), Exactly),
        ("blocks", json!(structure.ids(structure.dependents.of(node))), Replace),
        ("estimated_hours", draft.hours.map_or(Value::Null, hours), IfAbsent),
        ("actual_hours", Value::Null, IfAbsent),
        ("started_at", Value::Null, IfAbsent),
        ("completed_at", Value::Null, IfAbsent),
        ("executor", Value::Null, IfAbsent),
        ("assigned_at", Value::Null, IfAbsent),
        ("deliverables", json!(draft.deliverables), unless_empty(draft.deliverables.is_empty())),
        ("critical", json!(draft.critical), unless_empty(draft.critical.is_none())),
        ("touches", json!(draft.touches), unless_empty(draft.touches.is_none())),
        ("subplan_path", Value::Null, IfAbsent),
        ("execution_paths", json!([]), IfAbsent),
        ("failure", Value::Null, IfAbsent),
    ];
    if draft.frozen {
        for (name, _, takeover) in &mut fields {
            *takeover = if *name == "blocks" { Replace } else { Takeover::NewOnly };
        }
    }
    NewAchievement { id: draft.id, fields }
}

fn notes(draft: &Draft) -> Value {
    let note = |dependency: &super::Dependency| {
        let value = match dependency.source {
            // Whatever else its note says is the person's, and stays.
            Origin::Manual => json!({ "source": Origin::Manual }),
            source @ (Origin::Declared | Origin::Model) => {
                json!({ "kind": dependency.kind, "reason": dependency.reason, "source": source })
            }
        };
        (dependency.needs.to_string(), value)
    };
    // What would only help is of no kind.
    let optional = draft.optional.iter().filter_map(|optional| {
        let value = match optional.note.as_ref()? {
            (_, Origin::Manual) => json!({ "source": Origin::Manual }),
            (reason, source @ (Origin::Declared | Origin::Model)) => json!({ "reason": reason, "source": source }),
        };
        Some((optional.id.to_string(), value))
    });
    Value::Object(draft.dependencies.iter().map(note).chain(optional).collect::<Map<_, _>>())
}

/// The whole in figures. Times are written as `estimated_hours` is: a number, or text such as "16-23 hours".
fn strategy(structure: &Structure) -> Value {
    let levels = structure.levels.len();
    let widest = structure.widest();
    let times = structure.times;
    let of = |pick: fn(&Times) -> Hours| times.as_ref().map_or(Value::Null, |times| hours(pick(times)));
    let plural = if levels == 1 { "" } else { "s" };
    let without: Vec<AchievementId> =
        structure.open().filter(|draft| draft.hours.is_none()).map(|draft| draft.id).collect();
    let done: Vec<AchievementId> =
        structure.drafts.iter().filter(|draft| draft.status.is_done()).map(|draft| draft.id).collect();
    let bottleneck = |(id, bottleneck): (AchievementId, Bottleneck)| json!({ "id": id, "holds_up": bottleneck.holds_up, "directly": bottleneck.directly });
    let mut value = json!({
        "summary": format!("{levels} level{plural}, at most {widest} at the same time."),
        "sequential_hours": of(|times| times.sequential),
        "parallel_hours": of(|times| times.parallel),
        "time_saved_hours": of(Times::saved),
        "time_saved_percent": times.as_ref().map(Times::saved_percent),
        "critical_path": structure.critical_path().collect::<Vec<_>>(),
        "critical_path_hours": of(|times| times.critical),
        "bottlenecks": structure.bottlenecks().map(bottleneck).collect::<Vec<_>>(),
        "without_estimate": without,
    });
    // Without this nobody could tell later what the times are the times of.
    if !done.is_empty() {
        value["left_out"] = json!(done);
    }
    value
}

/// Who begins when, and who waits for whom, by level; only of what is left to do.
fn instructions(structure: &Structure) -> Vec<Value> {
    let mut sync_points = sync_points(structure);
    let of_level = |level: &Level| {
        let waits: Map<String, Value> = level
            .order
            .iter()
            .map(|&node| (node, open_needs(structure, node)))
            .filter(|(_, needs)| !needs.is_empty())
            .map(|(node, needs)| (structure.drafts[node].id.to_string(), json!(structure.ids(&needs))))
            .collect();
        let mut value = json!({
            "level": level.number,
            "order": structure.ids(&level.order),
            "at_the_same_time": level.max_parallelism(),
            "waits_for": waits,
            "sync_points": sync_points.remove(&level.number).unwrap_or_default(),
        });
        if level.groups.len() > 1 {
            value["groups"] = level.groups.iter().map(|group| json!(structure.ids(group))).collect();
        }
        if !level.clashes.is_empty() {
            let apart = |clash: &Clash| json!({ "achievements": structure.ids(&[clash.first, clash.second]), "over": clash.over });
            value["apart"] = level.clashes.iter().map(apart).collect();
        }
        value
    };
    structure.levels.iter().filter(|level| !level.order.is_empty()).map(of_level).collect()
}

/// What an achievement waits for, by id: in which order its dependencies are named means nothing.
fn open_needs(structure: &Structure, node: usize) -> Vec<usize> {
    let needs = structure.dependencies.of(node).iter().copied();
    let mut needs: Vec<usize> = needs.filter(|&needs| structure.open[needs]).collect();
    needs.sort_unstable();
    needs
}

/// What may begin once which achievements are complete, by the level of the last of these. Only what waits for exactly the
/// same shares a point: nobody waits longer than for what they need.
fn sync_points(structure: &Structure) -> BTreeMap<u32, Vec<Value>> {
    let mut level_of = vec![0; structure.drafts.len()];
    for level in &structure.levels {
        level.members.iter().for_each(|&node| level_of[node] = level.number);
    }
    let mut points: BTreeMap<(u32, Vec<usize>), Vec<usize>> = BTreeMap::new();
    for node in (0..structure.drafts.len()).filter(|&node| structure.open[node]) {
        let needs = open_needs(structure, node);
        if let Some(last) = needs.iter().map(|&needs| level_of[needs]).max() {
            points.entry((last, needs)).or_default().push(node);
        }
    }
    let mut by_level: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for ((level, needs), nodes) in points {
        let point = json!({ "when_complete": structure.ids(&needs), "may_start": structure.ids(&nodes) });
        by_level.entry(level).or_default().push(point);
    }
    by_level
}

/// What has to hold for a level to be worked on, and to be done.
fn rules(structure: &Structure, level: &Level) -> Value {
    let mut rules = Vec::new();
    if level.number > 1 {
        rules.push(format!("{BEGINS_WHEN}{}, is complete or skipped.", level.number - 1));
    }
    if level.groups.len() > 1 {
        rules.push(TOUCH_THE_SAME.to_owned());
    }
    let mut critical: Vec<usize> =
        level.members.iter().copied().filter(|&node| structure.drafts[node].critical == Some(true)).collect();
    // By id, in whichever order they stand in the level.
    critical.sort_unstable();
    if !critical.is_empty() {
        rules.push(format!("{CRITICAL}{}.", names(&structure.ids(&critical))));
    }
    rules.push(match level.members.len() {
        1 => format!("{DONE_WHEN}{} is complete{DELIVERED}", names(&structure.ids(&level.members))),
        count => format!("{DONE_WHEN}all {count} achievements are complete{DELIVERED}"),
    });
    json!({ "level": level.number, "rules": rules })
}

fn names(ids: &[AchievementId]) -> String {
    let mut names: Vec<String> = ids.iter().take(NAMED).map(ToString::to_string).collect();
    if ids.len() > NAMED {
        names.push(format!("{} more", ids.len() - NAMED));
    }
    names.join(", ")
}

/// A single value as a number, a range as text.
pub(in crate::parallel) fn hours(Hours { low, high }: Hours) -> Value {
    if low == high { json!(tidy(low)) } else { json!(format!("{}-{} hours", tidy(low), tidy(high))) }
}
