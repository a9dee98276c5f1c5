//! Mends what has one right answer: the repairs of `validate --fix`, as edits of the text.
//!
//! In steps, each of which reads what the one before wrote: form, dependencies, levels, and at last the fields that follow
//! from others. What is found wrong is computed by the same functions that report it.

use serde_json::{Value, json};

use super::{
    Form, ParallelFile, Problem, Surroundings,
    check::{Found, find},
    computed::{parallelism_of, places_along},
    derived::Derived,
    edit::{MemberChange, Splice, Style, apply_splices, member_splices},
    lint::{blocks, parallelism, right_paths, right_status, times},
    list::{ListLayout, change_list},
    migrate::migrate,
    position::{Locator, is_key},
    problem::Path,
    structure,
};

/// The text with everything mended that can be, and `updated` set to the given RFC 3339 time if anything was. A repair
/// of what was repaired changes nothing.
///
/// # Errors
///
/// What keeps the file from being read: nothing of it is repaired.
pub fn repair(text: &[u8], around: &Surroundings<'_>, updated: &str) -> Result<String, Vec<Problem>> {
    let mut file = ParallelFile::parse(text)?;
    let before = file.to_text();
    if file.form == Form::Flat
        && find(&file).problems.errors.is_empty()
        && let Some(text) = migrate(before.as_bytes(), updated)?
    {
        file = ParallelFile::parse(text.as_bytes())?;
    }
    for step in [repeated, moved, emptied] {
        file = again(&file, &step(&file))?;
    }
    file = again(&file, &derived(&file))?;
    let splices = fields(&file, around);
    file = again(&file, &splices)?;
    if file.to_text() == before {
        return Ok(before);
    }
    let mut edit = Edit::of(&file);
    edit.set(&[], &[("updated", Some(Value::from(updated)))]);
    file = again(&file, &edit.splices)?;
    Ok(file.to_text())
}

fn again(file: &ParallelFile, splices: &[Splice]) -> Result<ParallelFile, Vec<Problem>> {
    if splices.is_empty() {
        return Ok(file.clone());
    }
    let text = apply_splices(&file.source, splices);
    ParallelFile::parse(if file.bom { format!("\u{feff}{text}") } else { text }.as_bytes())
}

/// Edits of one text.
pub(super) struct Edit<'a> {
    pub(super) source: &'a str,
    pub(super) style: Style,
    pub(super) locator: Locator,
    pub(super) splices: Vec<Splice>,
}

impl<'a> Edit<'a> {
    pub(super) fn of(file: &'a ParallelFile) -> Self {
        let source = file.source.as_str();
        Self { source, style: Style::of(source), locator: Locator::default(), splices: Vec::new() }
    }

    /// Sets members of the object at `path`; each object may be changed once.
    pub(super) fn set(&mut self, path: &[super::problem::Segment], changes: &[MemberChange<'_>]) {
        let Some(range) = self.locator.value(self.source, path) else { return };
        let members = self.locator.children(self.source, range.start);
        self.splices.extend(member_splices(self.source, range, members, changes, &self.style));
    }
}

/// Dependencies that are named more than once.
fn repeated(file: &ParallelFile) -> Vec<Splice> {
    let mut edit = Edit::of(file);
    for (index, entry) in file.entries.iter().enumerate() {
        let mut seen = std::collections::HashSet::new();
        let once: Vec<_> = entry.dependencies.iter().filter(|id| seen.insert(**id)).collect();
        if once.len() < entry.dependencies.len() {
            edit.set(&file.places[index].path(), &[("dependencies", Some(json!(once)))]);
        }
    }
    edit.splices
}

/// Achievements that stand before or beside what they depend on.
fn moved(file: &ParallelFile) -> Vec<Splice> {
    let Found { dependencies, order, sound, .. } = find(file);
    let Some(order) = order.filter(|_| sound.graph && file.form == Form::Leveled) else { return Vec::new() };
    let mut places = vec![0; file.entries.len()];
    for (place, level) in file.levels.iter().enumerate() {
        level.entries.iter().for_each(|&entry| places[entry] = place);
    }
    // A level of one achievement cannot be worked on in parallel either, and was not meant to hold a chain.
    let may_chain = |level: &super::LevelInfo| !level.can_parallelize && level.entries.len() > 1;
    let may_chain: Vec<bool> = file.levels.iter().map(may_chain).collect();
    let new = places_along(&dependencies, &order, &places, &may_chain);
    if new == places {
        return Vec::new();
    }
    Moves { file, edit: Edit::of(file), old: &places, new: &new }.splices().unwrap_or_default()
}

struct Moves<'a> {
    file: &'a ParallelFile,
    edit: Edit<'a>,
    /// The place of each entry among the levels by number, from 0; places beyond them are new levels.
    old: &'a [usize],
    new: &'a [usize],
}

impl Moves<'_> {
    fn splices(mut self) -> Option<Vec<Splice>> {
        let (file, source) = (self.file, self.edit.source);
        let count = self.new.iter().max()? + 1;
        let mut arriving: Vec<Vec<String>> = vec![Vec::new(); count.max(file.levels.len())];
        let mut leaving = vec![false; file.levels.len()];
        for (entry, (&old, &new)) in self.old.iter().zip(self.new).enumerate() {
            if old != new {
                let range = self.edit.locator.value(source, &file.places[entry].path())?;
                arriving.get_mut(new)?.push(source.get(range)?.to_owned());
                *leaving.get_mut(old)? = true;
            }
        }
        // Some level has an achievement to show how they are laid out: nothing moves where there is none.
        let model = file.levels.iter().find(|level| !level.entries.is_empty())?.position?;
        let model_path: Path = vec!["levels".into(), model.into()];
        let list = self.edit.locator.value(source, &[model_path.clone(), vec!["achievements".into()]].concat())?;
        let elements = self.edit.locator.children(source, list.start).to_vec();
        let layout = ListLayout::of(source, &list, &elements)?;
        let mut splices = Vec::new();
        for (place, level) in file.levels.iter().enumerate() {
            if !leaving[place] && arriving[place].is_empty() {
                continue;
            }
            let path: Path = vec!["levels".into(), level.position?.into(), "achievements".into()];
            let list = self.edit.locator.value(source, &path)?;
            let children = self.edit.locator.children(source, list.start);
            let mut stay = vec![true; children.len()];
            for &entry in &level.entries {
                if let Some(stay) = stay.get_mut(file.places[entry].index) {
                    *stay = self.new[entry] == place;
                }
            }
            let text =
                change_list(source, &list, children, |at| stay.get(at) == Some(&true), &arriving[place], &layout);
            splices.push(Splice { range: list, text });
        }
        let added: Vec<String> = arriving
            .iter()
            .skip(file.levels.len())
            .zip(file.levels.last()?.number + 1..)
            .filter_map(|(achievements, number)| self.level(&model_path, number, achievements, &layout))
            .collect();
        if !added.is_empty() {
            let levels = self.edit.locator.value(source, &["levels".into()])?;
            let children = self.edit.locator.children(source, levels.start);
            let end = children.last()?.value.end;
            let outer = ListLayout::of(source, &levels, children)?;
            let text: String = added.iter().map(|level| format!("{}{level}", outer.between())).collect();
            splices.push(Splice { range: end..end, text });
        }
        Some(splices)
    }

    /// A new level, laid out like the one at `model`.
    fn level(&mut self, model: &Path, number: u32, achievements: &[String], layout: &ListLayout<'_>) -> Option<String> {
        let source = self.edit.source;
        let range = self.edit.locator.value(source, model)?;
        let members = self.edit.locator.children(source, range.start);
        let (first, last) = (members.first()?, members.last()?);
        let lead = source.get(range.start + 1..first.key.start)?;
        let colon = source.get(first.key.end..first.value.start)?;
        let tail = source.get(last.value.end..range.end - 1)?;
        let between = if lead.is_empty() { ", ".to_owned() } else { format!(",{lead}") };
        let (can, max) = parallelism_of(achievements.len(), false);
        let text_of = |name: &str| -> Option<String> {
            let member = members.iter().find(|member| is_key(source, member, name))?;
            serde_json::from_str(source.get(member.value.clone())?).ok()
        };
        // What `analyze` says of its levels is said of new ones too; what it is exactly, a later step sees to.
        let description = text_of("description").filter(|text| structure::is_description(text));
        let description = description.map(|_| structure::description(number));
        let reason = text_of("reason").filter(|text| structure::is_reason(text));
        let said = |name: &str, text: Option<String>| text.map(|text| format!("\"{name}\"{colon}{}", json!(text)));
        let members: Vec<String> = [
            Some(format!("\"level\"{colon}{number}")),
            said("description", description),
            Some(format!("\"can_parallelize\"{colon}{can}")),
            Some(format!("\"max_parallelism\"{colon}{max}")),
            said("reason", reason),
            Some(format!("\"achievements\"{colon}{}", layout.write(achievements))),
        ]
        .into_iter()
        .flatten()
        .collect();
        Some(format!("{{{lead}{}{tail}}}", members.join(&between)))
    }
}

/// Levels without achievements, unless they hold fields of somebody else.
fn emptied(file: &ParallelFile) -> Vec<Splice> {
    let removable = |level: &&super::LevelInfo| level.entries.is_empty() && !level.own_fields;
    let gone: std::collections::HashSet<usize> =
        file.levels.iter().filter(removable).filter_map(|level| level.position).collect();
    if gone.is_empty() || file.form == Form::Flat || file.entries.is_empty() || !find(file).sound.levels {
        return Vec::new();
    }
    let mut edit = Edit::of(file);
    let Some(list) = edit.locator.value(edit.source, &["levels".into()]) else { return Vec::new() };
    let children = edit.locator.children(edit.source, list.start);
    let Some(layout) = ListLayout::of(edit.source, &list, children) else { return Vec::new() };
    let text = change_list(edit.source, &list, children, |at| !gone.contains(&at), &[], &layout);
    vec![Splice { range: list, text }]
}

/// What the file says of its levels as `analyze` does, and no longer right.
fn derived(file: &ParallelFile) -> Vec<Splice> {
    let Found { dependencies, sound, .. } = find(file);
    if !sound.graph {
        return Vec::new();
    }
    Derived::of(file, &dependencies).map(|derived| derived.splices()).unwrap_or_default()
}

/// Fields that follow from others, or from the plan directory.
fn fields(file: &ParallelFile, around: &Surroundings<'_>) -> Vec<Splice> {
    let Found { dependencies, order, sound, .. } = find(file);
    let mut edit = Edit::of(file);
    if file.form == Form::Leveled {
        for (place, level) in file.levels.iter().enumerate() {
            let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
            let (can, max) = parallelism(file, level);
            let mut changes: Vec<MemberChange<'_>> = Vec::new();
            changes.extend((sound.levels && level.number != number).then(|| ("level", Some(json!(number)))));
            changes.extend(can.map(|can| ("can_parallelize", Some(json!(can)))));
            changes.extend(max.map(|max| ("max_parallelism", Some(json!(max)))));
            if let (Some(position), false) = (level.position, changes.is_empty()) {
                edit.set(&["levels".into(), position.into()], &changes);
            }
        }
    }
    if let Some(order) = order.filter(|_| sound.graph) {
        let wrong = times(file, &dependencies, &order);
        let changes: Vec<MemberChange<'_>> = wrong.into_iter().map(|(name, right)| (name, Some(right))).collect();
        edit.set(&["parallelization_strategy".into()], &changes);
    }
    if sound.ids {
        let mut right_blocks = blocks(file, &dependencies).into_iter().peekable();
        for index in 0..file.entries.len() {
            let mut changes: Vec<MemberChange<'_>> = Vec::new();
            let blocks = right_blocks.next_if(|(of, _)| *of == index);
            changes.extend(blocks.map(|(_, ids)| ("blocks", Some(json!(ids)))));
            changes.extend(right_status(file, index, around).map(|status| ("status", Some(json!(status)))));
            let (subplan, executions) = right_paths(file, index, around);
            changes.extend(subplan.map(|path| ("subplan_path", Some(json!(path)))));
            changes.extend(executions.map(|paths| ("execution_paths", Some(json!(paths)))));
            if !changes.is_empty() {
                edit.set(&file.places[index].path(), &changes);
            }
        }
    }
    edit.splices
}
