//! What a file says of its levels as a whole, beside what follows from them: `description` and `reason` of levels, the
//! critical path and bottlenecks, `execution_instructions`, `validation_rules`.
//!
//! Only what has the form in which `analyze` writes it is compared, with what `analyze` would write for these levels. What
//! people and other tools put there is theirs: it is neither judged here nor touched.

use std::collections::{HashMap, HashSet};

use memchr::memmem;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Form, ParallelFile, Status,
    edit::{MemberChange, Splice, edit_object},
    graph::Adjacency,
    problem::Path,
    repair::Edit,
    rewrite::{Field, Listing, Takeover, take_over},
    structure::{
        Dependency, Draft, Kind, Origin, Pair, Parts, Structure, is_description, is_reason, is_rule, is_summary, parts,
    },
};
use crate::plan::AchievementId;

const STRATEGY: &str = "parallelization_strategy";
const INSTRUCTIONS: &str = "execution_instructions";
const RULES: &str = "validation_rules";

/// The fields of one level's instructions but `level`.
const OF_INSTRUCTIONS: [&str; 6] = ["order", "at_the_same_time", "waits_for", "sync_points", "groups", "apart"];

/// The same of one level's rules.
const OF_RULES: [&str; 1] = ["rules"];

/// A file, what it says of its levels, and what it should say.
pub(super) struct Derived<'a> {
    file: &'a ParallelFile,
    stored: Stored,
    right: Parts,
    /// Positions of the levels with achievements, by ascending number, where they are those of `right`.
    levels: Option<Vec<usize>>,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default, rename = "parallelization_strategy")]
    strategy: Value,
    #[serde(default, rename = "execution_instructions")]
    instructions: Value,
    #[serde(default, rename = "validation_rules")]
    rules: Value,
    #[serde(default)]
    levels: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    description: Value,
    #[serde(default)]
    reason: Value,
}

impl<'a> Derived<'a> {
    /// Computes what should stand in a file whose graph is sound. `None` where the file says nothing of this, and where
    /// there are levels that `analyze` does not write.
    pub(super) fn of(file: &'a ParallelFile, dependencies: &Adjacency) -> Option<Self> {
        let source = file.source.as_bytes();
        let says = [STRATEGY, INSTRUCTIONS, RULES].iter().any(|name| memmem::find(source, name.as_bytes()).is_some());
        // An empty level with fields of its own stays, and takes a number.
        let odd = || file.levels.iter().any(|level| level.entries.is_empty() && level.own_fields);
        if !says || file.form == Form::Flat || file.entries.is_empty() || odd() || has_chain(file, dependencies) {
            return None;
        }
        let stored: Stored = serde_json::from_str(&file.source).ok()?;
        if !is_instructions(&stored.instructions) && !is_rules(&stored.rules) && !is_strategy(&stored.strategy) {
            return None;
        }
        let structure = Structure::compute(drafts(file), &pairs(file)).ok()?;
        let levels = same_levels(file, &structure);
        Some(Self { file, stored, right: parts(&structure), levels })
    }

    /// What is wrong: where it stands, and what it is.
    pub(super) fn stale(&self) -> Vec<(Path, String)> {
        let mut stale: Vec<(Path, String)> = Vec::new();
        for (position, name, _) in self.words() {
            let number = self.file.levels.iter().find(|level| level.position == Some(position));
            let number = number.map_or(0, |level| level.number);
            stale.push((vec!["levels".into(), position.into(), name.into()], format!("`{name}` of level {number}")));
        }
        let strategy = self.strategy().into_iter();
        stale.extend(strategy.map(|(name, _)| (vec![STRATEGY.into(), name.into()], format!("`{name}`"))));
        for list in self.lists() {
            stale.extend(list.stale());
        }
        stale
    }

    /// The edits that put it right.
    pub(super) fn splices(&self) -> Vec<Splice> {
        let mut edit = Edit::of(self.file);
        let mut by_level: HashMap<usize, Vec<MemberChange<'_>>> = HashMap::new();
        for (position, name, right) in self.words() {
            by_level.entry(position).or_default().push((name, Some(json!(right))));
        }
        for (position, changes) in by_level {
            edit.set(&["levels".into(), position.into()], &changes);
        }
        let strategy: Vec<MemberChange<'_>> =
            self.strategy().into_iter().map(|(name, right)| (name, Some(right.clone()))).collect();
        edit.set(&[STRATEGY.into()], &strategy);
        for list in self.lists().iter().filter(|list| !list.stale().is_empty()) {
            edit.splices.extend(list.splice(&mut Edit::of(self.file)));
        }
        edit.splices
    }

    /// The words of levels that are wrong: the position of the level, the field, what it should say.
    fn words(&self) -> Vec<(usize, &'static str, &str)> {
        let mut wrong = Vec::new();
        for (&position, (_, description, reason)) in self.levels.iter().flatten().zip(&self.right.levels) {
            let Some(said) = self.stored.levels.get(position) else { continue };
            let wrongly = |stored: &Value, is_ours: fn(&str) -> bool, right: &str| {
                stored.as_str().is_some_and(|text| is_ours(text) && text != right)
            };
            if wrongly(&said.description, is_description, description) {
                wrong.push((position, "description", description.as_str()));
            }
            if wrongly(&said.reason, is_reason, reason) {
                wrong.push((position, "reason", reason.as_str()));
            }
        }
        wrong
    }

    /// The fields of the strategy that are wrong, times aside.
    fn strategy(&self) -> Vec<(&'static str, &Value)> {
        if !is_strategy(&self.stored.strategy) {
            return Vec::new();
        }
        let wrong = |name: &&'static str| {
            let (stored, right) = (self.stored.strategy.get(*name)?, self.right.strategy.get(*name)?);
            let ours = *name != "summary" || stored.as_str().is_some_and(is_summary);
            (ours && !stored.is_null() && stored != right).then_some((*name, right))
        };
        ["summary", "critical_path", "bottlenecks", "without_estimate"].iter().filter_map(wrong).collect()
    }

    /// The two lists that have an element a level, where they are ours.
    fn lists(&self) -> Vec<List<'_>> {
        let mut lists = Vec::new();
        if is_instructions(&self.stored.instructions) {
            let (stored, right) = (elements(&self.stored.instructions), self.right.instructions.as_slice());
            lists.push(List { name: INSTRUCTIONS, members: &OF_INSTRUCTIONS, stored, right });
        }
        if is_rules(&self.stored.rules) {
            let (stored, right) = (elements(&self.stored.rules), self.right.rules.as_slice());
            lists.push(List { name: RULES, members: &OF_RULES, stored, right });
        }
        lists
    }
}

/// A list with an element a level.
struct List<'a> {
    name: &'static str,
    members: &'static [&'static str],
    stored: &'a [Value],
    right: &'a [Value],
}

impl List<'_> {
    /// The stored element that should be the same as each right one: the first of its level.
    fn counterparts(&self) -> Vec<Option<usize>> {
        let mut first: HashMap<u64, usize> = HashMap::new();
        for (at, element) in self.stored.iter().enumerate() {
            if let Some(level) = level_of(element) {
                first.entry(level).or_insert(at);
            }
        }
        self.right.iter().map(|right| level_of(right).and_then(|level| first.get(&level).copied())).collect()
    }

    fn stale(&self) -> Vec<(Path, String)> {
        let mut stale = Vec::new();
        let counterparts = self.counterparts();
        for (right, at) in self.right.iter().zip(&counterparts) {
            let level = level_of(right).unwrap_or_default();
            let Some(at) = *at else {
                stale.push((vec![self.name.into()], format!("that `{}` has nothing of level {level}", self.name)));
                continue;
            };
            let wrong = |name: &&&'static str| !same(name, self.stored[at].get(**name), right.get(**name));
            if let Some(name) = self.members.iter().find(wrong) {
                let path = vec![self.name.into(), at.into()];
                stale.push((path, format!("`{name}` of level {level} in `{}`", self.name)));
            }
        }
        let known: HashSet<usize> = counterparts.into_iter().flatten().collect();
        for (at, element) in self.stored.iter().enumerate().filter(|(at, _)| !known.contains(at)) {
            let ours = |name: &&'static str| element.get(*name).is_some_and(|value| !same(name, Some(value), None));
            if self.members.iter().any(ours) {
                let level = level_of(element).unwrap_or_default();
                stale.push((vec![self.name.into(), at.into()], format!("level {level} in `{}`", self.name)));
            }
        }
        stale
    }

    /// The whole list anew: what is somebody else's in an element stays with it.
    fn splice(&self, edit: &mut Edit<'_>) -> Option<Splice> {
        let source = edit.source;
        let range = edit.locator.value(source, &[self.name.into()])?;
        let items: Vec<_> =
            edit.locator.children(source, range.start).iter().map(|child| child.value.clone()).collect();
        let listing = Listing::of(source, Some(&range), &items, &edit.style, 2);
        let counterparts = self.counterparts();
        let mut texts = Vec::new();
        for (right, at) in self.right.iter().zip(&counterparts) {
            let at = at.and_then(|at| Some((self.stored.get(at)?, source.get(items.get(at)?.clone())?)));
            texts.push(match at {
                Some((stored, text)) => self.put_right(text, stored, right, edit),
                None => listing.render(self.fields(&Value::Null, right), &edit.style),
            });
        }
        let known: HashSet<usize> = counterparts.into_iter().flatten().collect();
        for (at, stored) in self.stored.iter().enumerate().filter(|(at, _)| !known.contains(at)) {
            let text = source.get(items.get(at)?.clone())?;
            let nothing = json!({ "level": stored.get("level") });
            let left = self.put_right(text, stored, &nothing, edit);
            let says = serde_json::from_str::<Map<String, Value>>(&left).is_ok_and(|left| left.len() > 1);
            texts.extend(says.then_some(left));
        }
        Some(Splice { range, text: listing.list(&texts) })
    }

    fn fields(&self, stored: &Value, right: &Value) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for name in ["level"].iter().chain(self.members) {
            let own = own_sentences(name, stored.get(*name));
            let value = match right.get(*name) {
                Some(Value::Array(sentences)) if !own.is_empty() => sentences.iter().chain(own).cloned().collect(),
                Some(value) => value.clone(),
                None if !own.is_empty() => own.into_iter().cloned().collect(),
                None => continue,
            };
            fields.push((name, value, if *name == "waits_for" { Takeover::Exactly } else { Takeover::Replace }));
        }
        fields
    }

    fn put_right(&self, text: &str, stored: &Value, right: &Value, edit: &Edit<'_>) -> String {
        let fields = self.fields(stored, right);
        let gone = self.members.iter().filter(|name| fields.iter().all(|(field, ..)| field != *name));
        let gone: Vec<MemberChange<'_>> = gone.map(|name| (*name, None)).collect();
        edit_object(&take_over(text, &fields, &edit.style), &gone, &edit.style)
    }
}

/// Whether a member says what it should; what is absent, or somebody else's, says nothing.
fn same(name: &str, stored: Option<&Value>, right: Option<&Value>) -> bool {
    match (name, stored, right) {
        // Pairs that must be kept apart are read from here; of many that touch one thing, not all are named.
        ("apart", _, Some(_)) | (_, None | Some(Value::Null), None) => true,
        ("rules", Some(Value::Array(stored)), right) => {
            let ours = stored.iter().filter(|text| text.as_str().is_some_and(is_rule));
            ours.eq(right.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default())
        }
        (_, stored, right) => stored == right,
    }
}

fn own_sentences<'v>(name: &str, stored: Option<&'v Value>) -> Vec<&'v Value> {
    if name != "rules" {
        return Vec::new();
    }
    let all = stored.map(elements).unwrap_or_default().iter();
    all.filter(|text| !text.as_str().is_some_and(is_rule)).collect()
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn level_of(element: &Value) -> Option<u64> {
    element.get("level")?.as_u64()
}

fn is_strategy(value: &Value) -> bool {
    ["critical_path", "bottlenecks", "without_estimate"]
        .iter()
        .all(|name| value.get(*name).is_some_and(Value::is_array))
}

fn is_instructions(value: &Value) -> bool {
    let ours =
        |element: &Value| element.get("order").is_some_and(Value::is_array) && element.get("waits_for").is_some();
    elements(value).iter().all(|element| level_of(element).is_some()) && elements(value).iter().any(ours)
}

fn is_rules(value: &Value) -> bool {
    let ours = |element: &Value| {
        let rules = element.get("rules").map(elements).unwrap_or_default();
        rules.iter().any(|rule| rule.as_str().is_some_and(is_rule))
    };
    elements(value).iter().all(|element| level_of(element).is_some()) && elements(value).iter().any(ours)
}

/// Whether an achievement depends on another of its level, and may.
fn has_chain(file: &ParallelFile, dependencies: &Adjacency) -> bool {
    let serial = file.levels.iter().filter(|level| !level.can_parallelize && level.entries.len() > 1);
    let beside = |entry: usize| {
        let level = file.entries[entry].level;
        dependencies.of(entry).iter().any(|&other| file.entries[other].level == level)
    };
    serial.flat_map(|level| &level.entries).any(|&entry| beside(entry))
}

/// The achievements of a file as `analyze` would have them, where they stand now.
fn drafts(file: &ParallelFile) -> Vec<Draft> {
    let says = memmem::find(file.source.as_bytes(), b"\"touches\"").is_some();
    let mut touches = if says { file.touches() } else { HashMap::new() };
    let dependency = |&needs: &AchievementId| Dependency {
        needs,
        kind: Kind::Technical,
        reason: String::new(),
        source: Origin::Declared,
    };
    let draft = |(index, entry): (usize, &super::Entry)| Draft {
        id: entry.id,
        title: String::new(),
        hours: entry.estimated_hours,
        deliverables: Vec::new(),
        status: if file.times.is_without(entry.id) { Status::Complete } else { Status::NotStarted },
        dependencies: entry.dependencies.iter().map(dependency).collect(),
        optional: Vec::new(),
        critical: Some(entry.critical),
        touches: touches.remove(&index),
        frozen: false,
        lowest_level: entry.level,
    };
    file.entries.iter().enumerate().map(draft).collect()
}

fn pairs(file: &ParallelFile) -> Vec<Pair> {
    let id = |node: usize| file.entries.get(node).map(|entry| entry.id);
    let pair = |(first, second, over): (usize, usize, &str)| {
        Some(Pair { first: id(first)?, second: id(second)?, over: over.to_owned() })
    };
    file.apart().pairs().into_iter().filter_map(pair).collect()
}

/// The positions of the file's levels that have achievements, where each holds the same as its counterpart.
fn same_levels(file: &ParallelFile, structure: &Structure) -> Option<Vec<usize>> {
    let drafts = structure.drafts();
    let number = |level: &super::Level| level.members.iter().map(|&node| (drafts[node].id, level.number)).collect();
    let numbers: Vec<Vec<(AchievementId, u32)>> = structure.levels().iter().map(number).collect();
    let numbers: HashMap<AchievementId, u32> = numbers.into_iter().flatten().collect();
    let filled = file.levels.iter().filter(|level| !level.entries.is_empty());
    filled
        .zip(1..)
        .map(|(level, right)| {
            let same = level.entries.iter().all(|&entry| numbers.get(&file.entries[entry].id) == Some(&right));
            level.position.filter(|_| same)
        })
        .collect()
}
