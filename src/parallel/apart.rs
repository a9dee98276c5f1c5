//! Who must not be worked on at the same time: achievements that touch the same file or take the same resource, and pairs
//! that an analysis found. Whoever plans, hands out or forecasts work asks here, so that there is one answer.

use std::collections::{HashMap, HashSet};

use memchr::memmem;
use serde::Deserialize;

use super::{ParallelFile, Touches, lint::claims::Claim};
use crate::plan::AchievementId;

/// What achievements need for themselves while they are worked on, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apart {
    /// By achievement: what it needs, as indices of `names`.
    things: Vec<Vec<usize>>,
    names: Vec<String>,
    /// From this one on, a thing stands for one pair.
    first_pair: usize,
}

/// Why an achievement has to wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict<'a> {
    /// Who has it now, as an index.
    pub holder: usize,
    /// What both need.
    pub over: &'a str,
}

impl Apart {
    /// Takes what each achievement touches, by index, and pairs of indices with what is between them. A pair that already
    /// touches the thing that is between them is none of its own.
    pub(super) fn new<'a>(
        touches: impl IntoIterator<Item = Option<&'a Touches>>,
        pairs: &[(usize, usize, &str)],
    ) -> Self {
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        let mut things: Vec<Vec<usize>> = touches
            .into_iter()
            .map(|touches| {
                let number = |name: String| {
                    *index.entry(name).or_insert_with_key(|name| {
                        names.push(name.clone());
                        names.len() - 1
                    })
                };
                touches.map(spelled).unwrap_or_default().into_iter().map(number).collect()
            })
            .collect();
        let first_pair = names.len();
        let mut seen = HashSet::new();
        for &(a, b, over) in pairs {
            let (first, second) = (a.min(b), a.max(b));
            if first == second || second >= things.len() {
                continue;
            }
            let known = index.get(&spelled_resource(over)).or_else(|| index.get(&spelled_file(over)));
            let touched = known.is_some_and(|thing| things[first].contains(thing) && things[second].contains(thing));
            if !touched && seen.insert((first, second)) {
                things[first].push(names.len());
                things[second].push(names.len());
                names.push(over.to_owned());
            }
        }
        Self { things, names, first_pair }
    }

    /// Whether nobody has to wait for anybody.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What an achievement needs for itself; nothing for an index that is none.
    pub(super) fn things(&self, node: usize) -> &[usize] {
        self.things.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn name(&self, thing: usize) -> &str {
        self.names.get(thing).map(String::as_str).unwrap_or_default()
    }

    /// Whether an achievement touches what a text claims.
    pub(super) fn holds(&self, node: usize, claim: Claim<'_>) -> bool {
        let things = self.things(node);
        !things.is_empty()
            && spelled(&claim.touches()).iter().all(|name| things.iter().any(|&thing| self.name(thing) == name))
    }

    /// How many things there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The pairs that touch nothing in common, with what is between them.
    pub(super) fn pairs(&self) -> Vec<(usize, usize, &str)> {
        let mut firsts: Vec<Option<usize>> = vec![None; self.names.len() - self.first_pair];
        let mut pairs = Vec::new();
        for (node, things) in self.things.iter().enumerate() {
            for &thing in things.iter().filter(|thing| self.is_pair(**thing)) {
                if let Some(first) = firsts[thing - self.first_pair].replace(node) {
                    pairs.push((first, node, self.name(thing)));
                }
            }
        }
        pairs
    }

    /// Whether a thing stands for one pair only.
    pub(super) fn is_pair(&self, thing: usize) -> bool {
        thing >= self.first_pair
    }
}

/// Who has which of the things now.
#[derive(Clone, Debug)]
pub struct Held<'a> {
    apart: &'a Apart,
    holders: Vec<Option<usize>>,
}

impl<'a> Held<'a> {
    /// Nobody has anything.
    pub fn new(apart: &'a Apart) -> Self {
        Self { apart, holders: vec![None; apart.len()] }
    }

    /// Gives an achievement what it needs, from whoever has it.
    pub fn take(&mut self, node: usize) {
        for &thing in self.apart.things(node) {
            self.holders[thing] = Some(node);
        }
    }

    /// Takes back what an achievement has.
    pub(super) fn release(&mut self, node: usize) {
        for &thing in self.apart.things(node) {
            if self.holders[thing] == Some(node) {
                self.holders[thing] = None;
            }
        }
    }

    /// The first thing of an achievement that another one has.
    pub(super) fn taken(&self, node: usize) -> Option<usize> {
        let is_taken = |thing: &usize| self.holders[*thing].is_some_and(|holder| holder != node);
        self.apart.things(node).iter().copied().find(is_taken)
    }

    pub(super) fn is_free(&self, thing: usize) -> bool {
        self.holders[thing].is_none()
    }

    /// What keeps an achievement from being worked on beside those that have been given what they need.
    pub fn conflict(&self, node: usize) -> Option<Conflict<'a>> {
        let thing = self.taken(node)?;
        Some(Conflict { holder: self.holders[thing]?, over: self.apart.name(thing) })
    }
}

impl Touches {
    /// Adds what another list has, unless it is here in some spelling.
    pub(super) fn add(&mut self, others: &Self) {
        add_missing(&mut self.files, &others.files, spelled_file);
        add_missing(&mut self.resources, &others.resources, spelled_resource);
    }
}

fn add_missing(list: &mut Vec<String>, others: &[String], spelled: fn(&str) -> String) {
    for other in others {
        if !list.iter().any(|known| spelled(known) == spelled(other)) {
            list.push(other.clone());
        }
    }
}

/// What is touched, spelled so that two spellings of one thing are the same; each once.
fn spelled(touches: &Touches) -> Vec<String> {
    let files = touches.files.iter().map(|file| spelled_file(file));
    let resources = touches.resources.iter().map(|resource| spelled_resource(resource));
    let mut things: Vec<String> = files.chain(resources).filter(|thing| !thing.is_empty()).collect();
    things.sort_unstable();
    things.dedup();
    things
}

fn spelled_file(file: &str) -> String {
    let file = file.trim().trim_matches('`').replace('\\', "/");
    file.trim_start_matches("./").to_owned()
}

fn spelled_resource(resource: &str) -> String {
    let words: Vec<&str> = resource.split_whitespace().collect();
    words.join(" ").trim_matches('`').to_lowercase()
}

impl ParallelFile {
    /// Who must not be worked on at the same time, by what the file says: `touches` of achievements, and `apart` of
    /// `execution_instructions`. What of it does not have the form that planwave writes says nothing.
    pub fn apart(&self) -> Apart {
        let source = self.source.as_bytes();
        let says = |name: &str| memmem::find(source, name.as_bytes()).is_some();
        let touches = if says("\"touches\"") { self.touches() } else { HashMap::new() };
        let pairs = if says("\"apart\"") { self.said_pairs() } else { Vec::new() };
        if touches.is_empty() && pairs.is_empty() {
            return Apart::default();
        }
        let pairs: Vec<(usize, usize, &str)> =
            pairs.iter().map(|(first, second, over)| (*first, *second, over.as_str())).collect();
        Apart::new((0..self.entries.len()).map(|node| touches.get(&node)), &pairs)
    }

    /// `touches` by the index of an entry.
    pub(crate) fn touches(&self) -> HashMap<usize, Touches> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            levels: Vec<Level>,
        }
        #[derive(Deserialize)]
        struct Level {
            achievements: Vec<Achievement>,
        }
        #[derive(Deserialize)]
        struct Achievement {
            id: AchievementId,
            touches: Option<Said>,
        }
        #[derive(Deserialize)]
        struct Said {
            files: Option<Vec<String>>,
            resources: Option<Vec<String>>,
        }
        let Ok(file) = serde_json::from_str::<File>(&self.source) else { return HashMap::new() };
        let achievements = file.levels.into_iter().flat_map(|level| level.achievements);
        achievements
            .filter_map(|Achievement { id, touches }| {
                let Said { files, resources } = touches?;
                let touches = Touches { files: files.unwrap_or_default(), resources: resources.unwrap_or_default() };
                Some((*self.by_id.get(&id)?, touches))
            })
            .collect()
    }

    /// The pairs of `execution_instructions`, as indices of entries.
    fn said_pairs(&self) -> Vec<(usize, usize, String)> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            execution_instructions: Vec<Instructions>,
        }
        #[derive(Deserialize)]
        struct Instructions {
            #[serde(default)]
            apart: Vec<Said>,
        }
        #[derive(Deserialize)]
        struct Said {
            achievements: (AchievementId, AchievementId),
            #[serde(default)]
            over: String,
        }
        let Ok(file) = serde_json::from_str::<File>(&self.source) else { return Vec::new() };
        let all = file.execution_instructions.into_iter().flat_map(|instructions| instructions.apart);
        all.filter_map(|Said { achievements: (first, second), over }| {
            Some((*self.by_id.get(&first)?, *self.by_id.get(&second)?, over))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_keeps_its_achievements_apart() {
        let text = r#"{"levels": [
            {"level": 1, "achievements": [
                {"id": "1.1", "touches": {"files": ["./src/a.rs"], "resources": ["The  DB"]}},
                {"id": "1.2", "touches": {"files": ["`src\\a.rs`"], "resources": null}},
                {"id": "1.3", "touches": null}]},
            {"level": 2, "achievements": [{"id": "2.1", "touches": {"resources": ["the db"]}}, {"id": "2.2"}]}],
            "execution_instructions": [
                {"level": 1, "apart": [{"achievements": ["1.1", "1.2"], "over": "src/a.rs"}]},
                {"level": 2, "apart": [{"achievements": ["2.2", "1.3"], "over": "port 80"}]}]}"#;
        let apart = ParallelFile::parse(text.as_bytes()).unwrap().apart();
        let over = |a: usize, b: usize| {
            let mut held = Held::new(&apart);
            held.take(a);
            held.conflict(b).map(|conflict| (conflict.holder, conflict.over))
        };
        assert_eq!((over(0, 1), over(0, 3)), (Some((0, "src/a.rs")), Some((0, "the db"))));
        assert_eq!((over(2, 4), over(4, 2)), (Some((2, "port 80")), Some((4, "port 80"))));
        assert_eq!([over(0, 2), over(1, 3), over(0, 0), over(0, 99)], [None; 4]);
        assert_eq!(apart.len(), 3, "what both touch anyway is no pair of its own");
    }

    #[test]
    fn instructions_of_somebody_else_say_nothing() {
        for instructions in [r#""apart""#, r#"{"apart": 1}"#, r#"[{"apart": [["1.1", "1.2"]]}]"#, "null"] {
            let text = format!(
                r#"{{"levels": [{{"level": 1, "achievements": [{{"id": "1.1"}}]}}], "execution_instructions": {instructions}}}"#
            );
            assert!(ParallelFile::parse(text.as_bytes()).unwrap().apart().is_empty(), "{instructions}");
        }
    }
}
