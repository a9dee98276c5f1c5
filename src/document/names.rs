//! File names of the plan directory: which name a document gets, and what a name that is already there stands for.
//!
//! Only the form of `docs/architecture.md` ("The plan directory") is written; the older spellings that real plans
//! use are read as well. It must not look at the disk: names in, names out.

use std::collections::HashMap;

use crate::plan::{AchievementId, IdMap, PlanName};

use super::Stage;

/// The slugs of one plan's achievements: ids as they stand in file names.
///
/// A slug is the id without its dots (`3.1` → `31`). Where two ids of the plan would share one (1.11 and 11.1), all
/// of them take the form `1_11`, which cannot collide.
#[derive(Clone, Debug)]
pub struct Slugs {
    ids: IdMap<()>,
    /// The ids by their short form, as [`AchievementId::short_slug_number`]. `None`: the form is shared, so it names none.
    by_short: HashMap<u128, Option<AchievementId>, foldhash::fast::RandomState>,
}

impl Slugs {
    /// Takes the ids of a whole plan; an id that comes twice counts once.
    pub fn new(ids: impl IntoIterator<Item = AchievementId>) -> Self {
        let ids: IdMap<()> = ids.into_iter().map(|id| (id, ())).collect();
        let mut by_short = HashMap::with_capacity_and_hasher(ids.len(), Default::default());
        for &id in ids.keys() {
            by_short.entry(id.short_slug_number()).and_modify(|known| *known = None).or_insert(Some(id));
        }
        Self { ids, by_short }
    }

    /// The slug that planwave writes for `id`. An id outside the plan gets one too, and never one of the plan's own.
    pub fn slug(&self, id: AchievementId) -> String {
        if self.collides(id) { id.long_slug() } else { id.short_slug() }
    }

    /// The achievement a slug names: `31`, `3_1` or the older `3.1`. A short form that two ids share names neither.
    pub fn resolve(&self, slug: &str) -> Option<AchievementId> {
        if slug.bytes().all(|byte| byte.is_ascii_digit()) {
            // A longer one is no id's.
            let digits = Some(slug).filter(|slug| (1..=30).contains(&slug.len()))?;
            let number = digits.bytes().fold(1, |number, byte| number * 10 + u128::from(byte - b'0'));
            return self.by_short.get(&number).copied().flatten();
        }
        // With separators the spelling is unique.
        let id = match (slug.contains('_'), slug.contains('.')) {
            (true, true) => return None,
            (true, false) => AchievementId::parse(&slug.replace('_', ".")),
            (false, _) => AchievementId::parse(slug),
        };
        id.ok().filter(|id| self.ids.contains_key(id))
    }

    /// True where `id` has to be written in the long form.
    fn collides(&self, id: AchievementId) -> bool {
        matches!(self.by_short.get(&id.short_slug_number()), Some(owner) if *owner != Some(id))
    }
}

/// The folders of a plan directory that hold documents and verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    /// `subplans/`
    Subplans,
    /// `execution/`
    Execution,
    /// `execution/feedbacks/`
    Feedbacks,
}

impl Folder {
    /// Every folder.
    pub const ALL: [Self; 3] = [Self::Subplans, Self::Execution, Self::Feedbacks];

    /// Its path below the plan directory, `/` as separator.
    pub fn path(self) -> &'static str {
        match self {
            Self::Subplans => "subplans",
            Self::Execution => "execution",
            Self::Feedbacks => "execution/feedbacks",
        }
    }

    /// What the names of files that count there begin with.
    pub fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Subplans => &["SUBPLAN_"],
            Self::Execution => &["EXECUTION_TASK_", "SKIPPED_"],
            Self::Feedbacks => &["APPROVED_", "FIX_", "SKIPPED_"],
        }
    }
}

/// What a file of the plan directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileRole {
    /// The achievement's SUBPLAN.
    Subplan(AchievementId),
    /// One of the achievement's EXECUTION_TASKs.
    Execution {
        /// The achievement.
        id: AchievementId,
        /// Its number, from 1.
        number: u32,
    },
    /// The verdict that the achievement is complete.
    Approved(AchievementId),
    /// The verdict that the achievement must be fixed.
    Fix(AchievementId),
    /// The note that the achievement is left out on purpose.
    Skipped(AchievementId),
}

/// The file names of one plan.
#[derive(Clone, Debug)]
pub struct Names {
    plan: PlanName,
    slugs: Slugs,
}

impl Names {
    /// Takes the plan's name and the ids of all its achievements.
    pub fn new(plan: PlanName, ids: impl IntoIterator<Item = AchievementId>) -> Self {
        Self { plan, slugs: Slugs::new(ids) }
    }

    /// The plan's name.
    pub fn plan(&self) -> &PlanName {
        &self.plan
    }

    /// Whether an achievement of the plan has this id.
    pub fn has(&self, id: AchievementId) -> bool {
        self.slugs.ids.contains_key(&id)
    }

    /// The slugs of its achievements.
    pub fn slugs(&self) -> &Slugs {
        &self.slugs
    }

    /// Path of the achievement's SUBPLAN, relative to the plan directory.
    pub fn subplan(&self, id: AchievementId) -> String {
        format!("subplans/SUBPLAN_{}_{}.md", self.plan, self.slugs.slug(id))
    }

    /// Path of the achievement's EXECUTION_TASK `number` (from 1), relative to the plan directory.
    pub fn execution(&self, id: AchievementId, number: u32) -> String {
        format!("execution/EXECUTION_TASK_{}_{}_{number:02}.md", self.plan, self.slugs.slug(id))
    }

    /// Path of the verdict that the achievement is complete, relative to the plan directory.
    pub fn approved(&self, id: AchievementId) -> String {
        format!("execution/feedbacks/APPROVED_{}.md", self.slugs.slug(id))
    }

    /// Path of the verdict that the achievement must be fixed, relative to the plan directory.
    pub fn fix(&self, id: AchievementId) -> String {
        format!("execution/feedbacks/FIX_{}.md", self.slugs.slug(id))
    }

    /// Path of the note that the achievement is left out on purpose, relative to the plan directory.
    pub fn skipped(&self, id: AchievementId) -> String {
        format!("execution/SKIPPED_{}.md", self.slugs.slug(id))
    }

    /// What a name announces that counts for nothing where it stands: in `folder`, or in none of them. `None` for a name
    /// that counts, and for one that announces nothing. Copies set aside and resolved FIXes announce nothing.
    pub fn stranger(&self, folder: Option<Folder>, file_name: &str) -> Option<Stranger> {
        let stem = markdown_stem(file_name)?;
        let prefix = PREFIXES.iter().find(|prefix| stem.starts_with(**prefix))?;
        if folder.is_some_and(|folder| self.classify(folder, file_name).is_some()) {
            return None;
        }
        if let Some(home) = Folder::ALL.into_iter().find(|home| self.classify(*home, file_name).is_some()) {
            return Some(Stranger::Elsewhere(home));
        }
        let belongs = match *prefix {
            "SUBPLAN_" => folder == Some(Folder::Subplans),
            "EXECUTION_TASK_" => folder == Some(Folder::Execution),
            "SKIPPED_" => matches!(folder, Some(Folder::Execution | Folder::Feedbacks)),
            _ => folder == Some(Folder::Feedbacks),
        };
        let refused: &[&str] = if *prefix == "FIX_" { RESOLVED } else { &[] };
        let set_aside = |segment: &str| {
            let word = segment.to_ascii_uppercase();
            SET_ASIDE.contains(&word.as_str()) || refused.contains(&word.as_str())
        };
        // The words count behind the slug only: a plan's own name may hold one of them.
        let behind_slug = stem.rsplit('_').take_while(|segment| !segment.starts_with(|c: char| c.is_ascii_digit()));
        if !belongs || behind_slug.into_iter().any(set_aside) {
            return None;
        }
        let numbers = match *prefix {
            "SUBPLAN_" => Some(Numbers::None),
            "EXECUTION_TASK_" => Some(Numbers::One),
            _ => None,
        };
        let trailing = numbers.and_then(|numbers| self.trailing_slug(&stem[prefix.len()..], numbers));
        Some(trailing.map_or(Stranger::Nobodys, |found| Stranger::OfPlan(found.name.to_owned())))
    }

    /// What the file `file_name` in `folder` is; `None` where it is nothing that counts.
    ///
    /// Besides the form that planwave writes, this reads: slugs with dots or underscores, suffixes after the slug or
    /// the number (`_V2`, `_RECOVERY`), the plan's NAME in another case or with `_` for `-`, and documents without a NAME.
    /// Those of another NAME are another plan's. Copies set aside (`_ARCHIVED`) do not count, nor does a FIX that says it
    /// is resolved.
    pub fn classify(&self, folder: Folder, file_name: &str) -> Option<FileRole> {
        let stem = markdown_stem(file_name)?;
        match folder {
            Folder::Subplans => self.subplan_of(stem.strip_prefix("SUBPLAN_")?).map(FileRole::Subplan),
            Folder::Execution => match stem.strip_prefix("EXECUTION_TASK_") {
                Some(rest) => self.execution_of(rest).map(|(id, number)| FileRole::Execution { id, number }),
                None => self.verdict_of(stem.strip_prefix("SKIPPED_")?, &[]).map(FileRole::Skipped),
            },
            Folder::Feedbacks => {
                if let Some(rest) = stem.strip_prefix("APPROVED_") {
                    self.verdict_of(rest, &[]).map(FileRole::Approved)
                } else if let Some(rest) = stem.strip_prefix("FIX_") {
                    self.verdict_of(rest, RESOLVED).map(FileRole::Fix)
                } else {
                    self.verdict_of(stem.strip_prefix("SKIPPED_")?, &[]).map(FileRole::Skipped)
                }
            }
        }
    }

    fn subplan_of(&self, rest: &str) -> Option<AchievementId> {
        match self.without_plan(rest) {
            Some(tail) => self.leading_slug(tail, Numbers::None, &[]).map(|(id, _)| id),
            None => None,
        }
        .or_else(|| self.nameless(rest, Numbers::None).map(|(id, _)| id))
    }

    fn execution_of(&self, rest: &str) -> Option<(AchievementId, u32)> {
        match self.without_plan(rest) {
            Some(tail) => self.leading_slug(tail, Numbers::One, &[]),
            None => None,
        }
        .or_else(|| self.nameless(rest, Numbers::One))
    }

    /// Verdicts carry the bare slug, but some people repeat the plan's name there.
    fn verdict_of(&self, rest: &str, refused: &[&str]) -> Option<AchievementId> {
        let tail = self.without_plan(rest).unwrap_or(rest);
        self.leading_slug(tail, Numbers::None, refused).map(|(id, _)| id)
    }

    fn without_plan<'a>(&self, rest: &'a str) -> Option<&'a str> {
        let head = rest.get(..self.plan.as_str().len()).filter(|head| self.is_name(head))?;
        rest[head.len()..].strip_prefix('_')
    }

    /// Whether it is the plan's name, in any case, `_` and `-` being the same.
    fn is_name(&self, name: &str) -> bool {
        let fold = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        name.bytes().map(fold).eq(self.plan.as_str().bytes().map(fold))
    }

    /// Reads `<SLUG>[_<NN>][_<SUFFIX>…]` from the start of `tail`.
    fn leading_slug(&self, tail: &str, numbers: Numbers, refused: &[&str]) -> Option<(AchievementId, u32)> {
        // The longest slug first: 1_11_01 is try 01 of 1.11, not of an achievement whose slug is 1.
        (1..=3).rev().find_map(|segments| {
            let end = nth_separator(tail, segments);
            let id = self.slugs.resolve(&tail[..end])?;
            let number = suffixes(tail[end..].strip_prefix('_').unwrap_or(""), numbers, refused)?;
            Some((id, number))
        })
    }

    /// Reads `<SLUG>[_<NN>]` with nothing before it.
    fn nameless(&self, rest: &str, numbers: Numbers) -> Option<(AchievementId, u32)> {
        self.trailing_slug(rest, numbers).filter(|found| found.name.is_empty()).map(|found| (found.id, found.number))
    }

    /// Reads `[<ANY NAME>_]<SLUG>[_<NN>]` from the end.
    ///
    /// A NAME may hold numbers itself, so only the last segment is taken for the slug (the last two or three where
    /// the id collides and therefore has the long form), and only the two suffixes that are known to follow a slug.
    fn trailing_slug<'a>(&self, rest: &'a str, numbers: Numbers) -> Option<Trailing<'a>> {
        if self.is_name(rest) {
            return None;
        }
        let mut rest = rest;
        while let Some((head, last)) = rest.rsplit_once('_') {
            if !is_revision(last) {
                break;
            }
            rest = head;
        }
        let (rest, number) = match numbers {
            Numbers::None => (rest, 0),
            Numbers::One => {
                let (head, last) = rest.rsplit_once('_')?;
                (head, execution_number(last)?)
            }
        };
        // The start of the text too: some leave the NAME out.
        let starts = rest.rmatch_indices('_').map(|(at, _)| at + 1).chain([0]).take(3);
        let (mut last, mut long) = (None, None);
        for (segments, start) in starts.enumerate() {
            let id = self.slugs.resolve(&rest[start..]).map(|id| (id, start));
            if segments == 0 {
                last = id;
            } else if let Some(id) = id.filter(|(id, _)| self.slugs.collides(*id)) {
                long = Some(id);
            }
        }
        let (id, start) = long.or(last)?;
        Some(Trailing { id, number, name: rest[..start].trim_end_matches('_') })
    }
}

/// What a name that counts for nothing announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// A document or verdict of the plan that counts in this folder only.
    Elsewhere(Folder),
    /// A document of the plan of this name.
    OfPlan(String),
    /// A document or verdict of no achievement of the plan.
    Nobodys,
}

/// A slug at the end of a name.
struct Trailing<'a> {
    id: AchievementId,
    number: u32,
    /// What stands before it.
    name: &'a str,
}

/// Which document a file's name announces, by its prefix.
pub fn stage_of_file_name(name: &str) -> Option<Stage> {
    let name = name.rsplit(['/', '\\']).next()?;
    let stem = markdown_stem(name)?;
    if stem.starts_with("SUBPLAN_") {
        Some(Stage::Subplan)
    } else if stem.starts_with("EXECUTION_TASK_") {
        Some(Stage::Execution)
    } else {
        None
    }
}

/// How many numbers follow the slug.
#[derive(Clone, Copy)]
enum Numbers {
    None,
    One,
}

/// What the names of documents and verdicts begin with.
const PREFIXES: &[&str] = &["SUBPLAN_", "EXECUTION_TASK_", "APPROVED_", "FIX_", "SKIPPED_"];

/// Suffixes of copies that were set aside; such a file is no evidence of anything.
const SET_ASIDE: &[&str] =
    &["ARCHIVED", "ARCHIVE", "BACKUP", "BAK", "DEPRECATED", "DRAFT", "OLD", "SUPERSEDED", "TEMPLATE"];

/// Suffixes by which a FIX says that what it asked for is done.
const RESOLVED: &[&str] = &["RESOLUTION", "RESOLVED", "FIXED", "DONE", "CLOSED"];

/// The name without `.md`, in whichever case the extension is written.
fn markdown_stem(file_name: &str) -> Option<&str> {
    let at = file_name.len().checked_sub(3)?;
    let extension = file_name.get(at..)?;
    extension.eq_ignore_ascii_case(".md").then(|| &file_name[..at])
}

/// Byte offset of the `n`th `_`, or the length where there are fewer. `n` is from 1.
fn nth_separator(text: &str, n: usize) -> usize {
    text.match_indices('_').nth(n - 1).map_or(text.len(), |(at, _)| at)
}

/// Reads what follows a slug: the number where one is due, and suffixes that are words. Gives the number, or 0.
fn suffixes(text: &str, numbers: Numbers, refused: &[&str]) -> Option<u32> {
    let mut number = None;
    for segment in text.split('_').filter(|segment| !segment.is_empty()) {
        let plain = segment.bytes().all(|b| b.is_ascii_digit());
        match (numbers, number) {
            (Numbers::One, None) if plain => number = Some(execution_number(segment)?),
            // A second number means that the slug was cut at the wrong place.
            (Numbers::None | Numbers::One, _) => {
                let word = segment.to_ascii_uppercase();
                if plain || SET_ASIDE.contains(&word.as_str()) || refused.contains(&word.as_str()) {
                    return None;
                }
            }
        }
    }
    match numbers {
        Numbers::None => Some(0),
        Numbers::One => number,
    }
}

fn execution_number(segment: &str) -> Option<u32> {
    let digits = (1..=4).contains(&segment.len()) && segment.bytes().all(|b| b.is_ascii_digit());
    let number = if digits { segment.parse().ok()? } else { 0 };
    (number > 0).then_some(number)
}

/// `V2` or `RECOVERY`: the suffixes that the file is the newer copy of its slug's document.
fn is_revision(segment: &str) -> bool {
    let version =
        segment.strip_prefix(['V', 'v']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    version || segment.eq_ignore_ascii_case("RECOVERY")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> AchievementId {
        AchievementId::parse(text).unwrap()
    }

    fn names(plan: &str, ids: &[&str]) -> Names {
        Names::new(PlanName::parse(plan).unwrap(), ids.iter().map(|text| id(text)))
    }

    #[test]
    fn slugs_lose_their_dots_unless_they_would_collide() {
        let slugs = Slugs::new(["1.1", "1.11", "11.1", "3.5.1", "2.10", "2.10"].map(id));
        let written: Vec<String> = ["1.1", "1.11", "11.1", "3.5.1", "2.10"].map(|text| slugs.slug(id(text))).into();
        assert_eq!(written, ["11", "1_11", "11_1", "351", "210"]);
        assert_eq!(slugs.resolve("111"), None, "shared by two ids");
        assert_eq!(slugs.resolve("1_11"), Some(id("1.11")));
        assert_eq!(slugs.resolve("11_1"), Some(id("11.1")));
        assert_eq!(slugs.resolve("3.5.1"), Some(id("3.5.1")));
        assert_eq!(slugs.resolve("2_10"), Some(id("2.10")));
        assert_eq!(slugs.resolve("99"), None);
        assert_eq!(slugs.slug(id("1.1.1")), "1_1_1", "an id outside the plan never takes a slug of the plan");
        assert_eq!(slugs.slug(id("9.9")), "99");
    }

    #[test]
    fn paths_are_those_of_the_contract() {
        let names = names("DEMO-PLAN", &["3.1", "1.11", "11.1"]);
        assert_eq!(names.subplan(id("3.1")), "subplans/SUBPLAN_DEMO-PLAN_31.md");
        assert_eq!(names.subplan(id("11.1")), "subplans/SUBPLAN_DEMO-PLAN_11_1.md");
        assert_eq!(names.execution(id("3.1"), 1), "execution/EXECUTION_TASK_DEMO-PLAN_31_01.md");
        assert_eq!(names.execution(id("1.11"), 12), "execution/EXECUTION_TASK_DEMO-PLAN_1_11_12.md");
    }

    #[test]
    fn real_spellings_are_read() {
        use FileRole::{Approved, Execution, Fix, Skipped, Subplan};
        let names = names("DEMO", &["1.1", "1.11", "11.1", "2.1", "3.1", "3.10", "3.5.1"]);
        let execution = |text, number| Some(Execution { id: id(text), number });
        let table = [
            (Folder::Subplans, "SUBPLAN_DEMO_31.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_31.MD", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_3.1.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_3_1.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_351.md", Some(Subplan(id("3.5.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_1_11.md", Some(Subplan(id("1.11")))),
            (Folder::Subplans, "SUBPLAN_DEMO_111.md", None),
            (Folder::Subplans, "SUBPLAN_DEMO_31_V2.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_31_RECOVERY.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_DEMO_31_ARCHIVED.md", None),
            (Folder::Subplans, "SUBPLAN_DEMO_31_V2_archived.md", None),
            (Folder::Subplans, "SUBPLAN_DEMO_99.md", None),
            (Folder::Subplans, "SUBPLAN_DEMO_31.txt", None),
            (Folder::Subplans, "SUBPLAN_DEMO.md", None),
            (Folder::Subplans, "SUBPLAN_OTHER_31.md", None),
            (Folder::Subplans, "SUBPLAN_OTHER_PLAN_21_31.md", None),
            (Folder::Subplans, "SUBPLAN_DEMO-MORE_31.md", None),
            (Folder::Subplans, "SUBPLAN_Demo_31.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_OTHER_31_V2.md", None),
            (Folder::Subplans, "SUBPLAN_OTHER_31_ARCHIVED.md", None),
            (Folder::Subplans, "SUBPLAN_31.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_1_11.md", Some(Subplan(id("1.11")))),
            (Folder::Subplans, "SUBPLAN_31_V2.md", Some(Subplan(id("3.1")))),
            (Folder::Subplans, "SUBPLAN_31_V.md", None),
            (Folder::Subplans, "SUBPLAN_31_VALID.md", None),
            (Folder::Subplans, "EXECUTION_TASK_DEMO_31_01.md", None),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_01.md", execution("3.1", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_3.1_02.md", execution("3.1", 2)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_310_01.md", execution("3.10", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_1_11_01.md", execution("1.11", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_11_1_12.md", execution("11.1", 12)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_11_01.md", execution("1.1", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_3_5_1_01.md", execution("3.5.1", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_01_V2.md", execution("3.1", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_RECOVERY_02.md", execution("3.1", 2)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_01_ARCHIVED.md", None),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_00.md", None),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31.md", None),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_0001.md", execution("3.1", 1)),
            (Folder::Execution, "EXECUTION_TASK_DEMO_31_20260131.md", None),
            (Folder::Execution, "EXECUTION_TASK_OTHER_31_02.md", None),
            (Folder::Execution, "EXECUTION_TASK_demo_1_11_02.md", execution("1.11", 2)),
            (Folder::Execution, "EXECUTION_TASK_31_02.md", execution("3.1", 2)),
            (Folder::Execution, "SKIPPED_31.md", Some(Skipped(id("3.1")))),
            (Folder::Execution, "APPROVED_31.md", None),
            (Folder::Feedbacks, "APPROVED_31.md", Some(Approved(id("3.1")))),
            (Folder::Feedbacks, "APPROVED_DEMO_31.md", Some(Approved(id("3.1")))),
            (Folder::Feedbacks, "APPROVED_31_V2.md", Some(Approved(id("3.1")))),
            (Folder::Feedbacks, "APPROVED_31_DRAFT.md", None),
            (Folder::Feedbacks, "FIX_21.md", Some(Fix(id("2.1")))),
            (Folder::Feedbacks, "FIX_2.1.md", Some(Fix(id("2.1")))),
            (Folder::Feedbacks, "FIX_21_RESOLUTION.md", None),
            (Folder::Feedbacks, "FIX_1_11.md", Some(Fix(id("1.11")))),
            (Folder::Feedbacks, "SKIPPED_31.md", Some(Skipped(id("3.1")))),
            (Folder::Feedbacks, "README.md", None),
            (Folder::Feedbacks, ".md", None),
            (Folder::Feedbacks, "é", None),
        ];
        for (folder, name, expected) in table {
            assert_eq!(names.classify(folder, name), expected, "{folder:?} {name}");
        }
    }

    #[test]
    fn names_that_count_for_nothing_are_told_apart() {
        let names = names("DEMO-A", &["1.1", "1.11", "11.1", "2.1"]);
        let other = |name: &str| Some(Stranger::OfPlan(name.to_owned()));
        let (subplans, execution, feedbacks) =
            (Some(Folder::Subplans), Some(Folder::Execution), Some(Folder::Feedbacks));
        let table = [
            (subplans, "SUBPLAN_DEMO-A_21.md", None),
            (subplans, "SUBPLAN_demo_a_21.md", None),
            (subplans, "SUBPLAN_DEMO-A_99.md", Some(Stranger::Nobodys)),
            (subplans, "SUBPLAN_DEMO-A_111.md", Some(Stranger::Nobodys)),
            (subplans, "SUBPLAN_DEMO-A_99_ARCHIVED.md", None),
            (subplans, "SUBPLAN_ZEBRA_21.md", other("ZEBRA")),
            (subplans, "SUBPLAN_DEMO-A-B_21_V2.md", other("DEMO-A-B")),
            (subplans, "SUBPLAN_DEMO_21.md", other("DEMO")),
            (subplans, "SUBPLAN_ZEBRA_9_11_1.md", other("ZEBRA_9")),
            (subplans, "SUBPLAN_ZEBRA_21_ARCHIVED.md", None),
            (subplans, "SUBPLAN_21.md", None),
            (subplans, "NOTES.md", None),
            (subplans, "EXECUTION_TASK_DEMO-A_21_01.md", Some(Stranger::Elsewhere(Folder::Execution))),
            (execution, "EXECUTION_TASK_DEMO-A_21.md", Some(Stranger::Nobodys)),
            (execution, "EXECUTION_TASK_ZEBRA_21_01.md", other("ZEBRA")),
            (execution, "EXECUTION_TASK_DEMO-A_21_01_ARCHIVED.md", None),
            (execution, "SKIPPED_77.md", Some(Stranger::Nobodys)),
            (execution, "APPROVED_21.md", Some(Stranger::Elsewhere(Folder::Feedbacks))),
            (execution, "APPROVED_77.md", None),
            (feedbacks, "FIX_21_RESOLUTION.md", None),
            (feedbacks, "FIX_77.md", Some(Stranger::Nobodys)),
            (feedbacks, "APPROVED_77.md", Some(Stranger::Nobodys)),
            (feedbacks, "APPROVED_21_V2.md", None),
            (feedbacks, "REVIEW_77.md", None),
            (None, "SUBPLAN_DEMO-A_21.md", Some(Stranger::Elsewhere(Folder::Subplans))),
            (None, "SKIPPED_21.md", Some(Stranger::Elsewhere(Folder::Execution))),
            (None, "SUBPLAN_ZEBRA_21.md", None),
            (None, "PLAN_DEMO-A.md", None),
        ];
        for (folder, name, expected) in table {
            assert_eq!(names.stranger(folder, name), expected, "{folder:?} {name}");
        }
    }

    #[test]
    fn verdicts_are_read_back() {
        let names = names("DEMO", &["3.1", "1.11", "11.1"]);
        for text in ["3.1", "1.11"] {
            let table = [
                (names.approved(id(text)), Folder::Feedbacks, FileRole::Approved(id(text))),
                (names.fix(id(text)), Folder::Feedbacks, FileRole::Fix(id(text))),
                (names.skipped(id(text)), Folder::Execution, FileRole::Skipped(id(text))),
            ];
            for (path, folder, role) in table {
                let name = path.strip_prefix(folder.path()).and_then(|rest| rest.strip_prefix('/')).unwrap();
                assert_eq!(names.classify(folder, name), Some(role), "{path}");
            }
        }
    }

    #[test]
    fn a_plans_own_name_is_never_taken_for_a_slug() {
        for plan in ["REWRITE_21", "REWRITE_2_1", "V2", "A_21_B"] {
            let names = names(plan, &["2.1", "3.1"]);
            assert_eq!(names.classify(Folder::Subplans, &format!("SUBPLAN_{plan}.md")), None, "{plan}");
            let role = names.classify(Folder::Subplans, &format!("SUBPLAN_{plan}_31.md"));
            assert_eq!(role, Some(FileRole::Subplan(id("3.1"))), "{plan}");
        }
    }

    #[test]
    fn stages_are_told_by_the_prefix() {
        assert_eq!(stage_of_file_name("a/b/SUBPLAN_X_31.md"), Some(Stage::Subplan));
        assert_eq!(stage_of_file_name("EXECUTION_TASK_X_31_01.md"), Some(Stage::Execution));
        assert_eq!(stage_of_file_name("PLAN_X.md"), None);
        assert_eq!(stage_of_file_name("SUBPLAN_X_31.txt"), None);
    }

    fn any_id() -> impl Strategy<Value = AchievementId> {
        // Few digits, so that slugs collide often.
        prop_oneof![
            (0_u32..13, 0_u32..130).prop_map(|(a, b)| format!("{a}.{b}")),
            (0_u32..13, 0_u32..13, 0_u32..13).prop_map(|(a, b, c)| format!("{a}.{b}.{c}")),
        ]
        .prop_map(|text| id(&text))
    }

    proptest! {
        #[test]
        fn every_written_name_is_read_back(
            plan in "[A-Z][A-Z0-9_-]{0,12}[A-Z0-9]",
            ids in proptest::collection::btree_set(any_id(), 1..60),
            number in 1_u32..100,
        ) {
            let names = Names::new(PlanName::parse(&plan).unwrap(), ids.iter().copied());
            let mut seen = std::collections::HashSet::new();
            for id in &ids {
                let subplan = names.subplan(*id);
                let file = subplan.strip_prefix("subplans/").unwrap();
                prop_assert_eq!(names.classify(Folder::Subplans, file), Some(FileRole::Subplan(*id)));
                let execution = names.execution(*id, number);
                let file = execution.strip_prefix("execution/").unwrap();
                let expected = FileRole::Execution { id: *id, number };
                prop_assert_eq!(names.classify(Folder::Execution, file), Some(expected), "{}", file);
                prop_assert!(seen.insert(subplan), "two achievements share a path");
            }
        }

        #[test]
        fn no_file_name_panics(name in ".{0,60}", rest in "[0-9_.]{0,12}") {
            let names = names("DEMO", &["1.1", "1.11", "11.1"]);
            for folder in Folder::ALL {
                let _ = names.classify(folder, &name);
                for prefix in ["SUBPLAN_", "EXECUTION_TASK_DEMO_", "FIX_", "APPROVED_", "SKIPPED_"] {
                    if let Some(role) = names.classify(folder, &format!("{prefix}{rest}.md")) {
                        let (FileRole::Subplan(id) | FileRole::Execution { id, .. } | FileRole::Approved(id)
                            | FileRole::Fix(id) | FileRole::Skipped(id)) = role;
                        prop_assert!(names.slugs().resolve(&id.long_slug()).is_some());
                    }
                }
            }
        }
    }
}
