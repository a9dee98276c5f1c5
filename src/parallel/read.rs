//! From the bytes of a parallel.json to a [`ParallelFile`], or to everything that keeps it from being one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use super::{
    Entry, Failure, Form, LevelInfo, ParallelFile, Status,
    file::{Place, Stated},
    graph::Adjacency,
    lexical::odd_numbers,
    node::{Node, Sink},
    position::{Cursor, Locator, at, place},
    problem::{Collector, Path, Problem, Raised, printable},
    rules::{
        BOTH_FORMS, BYTE_ORDER_MARK, EMPTY_FILE, ESTIMATE_UNREADABLE, HUGE_NUMBER, NOT_A_NUMBER, NOT_UTF8, SYNTAX,
        UNKNOWN_FORM, WRONG_TYPE,
    },
    shape::{ACHIEVEMENT, EITHER, FLAT, FLAT_ACHIEVEMENT, Field, Item, LEVEL, LEVELED},
    times::StatedTimes,
    validate::{validate, validate_root},
};
use crate::{
    document::Stage,
    plan::{AchievementId, Hours, IdMap},
};

const BOM: &str = "\u{feff}";

/// What to do without a usable file.
const HOW_TO_GET_ONE: &str = "write one with `planwave analyze <PLAN> --declared`";

/// Reads a file that can be used.
pub(super) fn parse(text: Cow<'_, [u8]>) -> Result<ParallelFile, Vec<Problem>> {
    let file = salvage(text)?;
    if file.errors.is_empty() { Ok(file) } else { Err([file.errors, file.warnings, file.notes].concat()) }
}

/// Reads what can be understood of a file; what was not is among its `errors`.
pub(super) fn salvage(text: Cow<'_, [u8]>) -> Result<ParallelFile, Vec<Problem>> {
    let mut text = decode(text).map_err(|problem| vec![problem])?;
    let bom = text.starts_with(BOM);
    if bom {
        text.drain(..BOM.len());
    }
    let source = text.as_str();
    if source.trim().is_empty() {
        // Never an empty default: it would be written back over what was lost.
        let empty = Raised::new(&EMPTY_FILE, vec![], "the file is empty");
        let hint = format!("restore it from a backup or from version control, or delete it and {HOW_TO_GET_ONE}");
        return Err(vec![at(empty.hint(hint), (1, 1))]);
    }
    let mut reader = Reader::default();
    let (mut odd, blanked);
    let root = match Node::read(source, EITHER, &mut reader) {
        Ok(root) => {
            odd = Vec::new();
            root
        }
        Err(error) => {
            // Numbers that are none are reported, all of them, and the rest is read as if there were others.
            (odd, blanked) = without_odd_numbers(source);
            if odd.is_empty() {
                return Err(vec![syntax(source, &error)]);
            }
            reader = Reader::default();
            Node::read(&blanked, EITHER, &mut reader).map_err(|error| {
                let mut problems = place(source, std::mem::take(&mut odd));
                problems.push(syntax(&blanked, &error));
                problems
            })?
        }
    };
    let form = match form(&root) {
        Ok(form) => form,
        Err(raised) => return Err(place(source, odd.into_iter().chain([raised]).collect())),
    };
    let (mut list, others, plan_name) = match form {
        Form::Leveled => (reader.leveled, reader.flat, root.text("plan")),
        Form::Flat => (reader.flat, reader.leveled, root.text("plan_name")),
    };
    match form {
        Form::Leveled => validate_root(&root, LEVELED, &mut list.problems),
        Form::Flat => validate_root(&root, FLAT, &mut list.problems),
    }
    if bom {
        let mark = Raised::new(&BYTE_ORDER_MARK, vec![], "the file begins with a byte order mark; it is kept");
        list.problems.push(mark.hint("save it as UTF-8 without a mark where other programs read it as well"));
    }
    if let Some(problem) = both_forms(form, &list, &others) {
        list.problems.push(problem);
    }
    let Collector { mut errors, mut warnings, notes } = std::mem::take(&mut list.problems);
    if !odd.is_empty() {
        // What stands there instead of them is nobody's fault.
        let paths: HashSet<&Path> = odd.iter().map(|raised| &raised.path).collect();
        errors.retain(|raised| !paths.contains(&raised.path));
        warnings.retain(|raised| !paths.contains(&raised.path));
        errors.extend(odd);
    }
    let by_id = list.by_id();
    match form {
        Form::Leveled => list.settle_levels(&by_id),
        Form::Flat => list.compute_levels(&by_id),
    }
    let List { entries, places, stated, levels, settled: _, path: _, problems: _ } = list;
    let plan_name = plan_name.map(str::to_owned);
    let times = root.get("parallelization_strategy").map(StatedTimes::of).unwrap_or_default();
    let (errors, warnings, notes) = (place(source, errors), place(source, warnings), place(source, notes));
    Ok(ParallelFile {
        source: text,
        bom,
        form,
        plan_name,
        entries,
        places,
        stated,
        levels,
        by_id,
        times,
        errors,
        warnings,
        notes,
        locator: Locator::default(),
        edited: BTreeMap::new(),
        root_edits: Vec::new(),
    })
}

fn decode(text: Cow<'_, [u8]>) -> Result<String, Problem> {
    // The text of a large file is taken over, not copied.
    String::from_utf8(text.into_owned()).map_err(|error| {
        let (text, error) = (error.as_bytes(), error.utf8_error());
        let valid = text.get(..error.valid_up_to()).unwrap_or_default();
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        let position = Cursor::new(valid).advance(valid.len());
        let raised = Raised::new(&NOT_UTF8, vec![], "the file is not UTF-8 from here on");
        let utf16 = text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]);
        let what = if utf16 { "it looks like UTF-16: " } else { "" };
        at(raised.hint(format!("{what}save it as UTF-8")), position)
    })
}

/// What is no number, and the text with others in their places, of the same length.
fn without_odd_numbers(source: &str) -> (Vec<Raised>, String) {
    let mut blanked = String::with_capacity(source.len());
    let mut raised = Vec::new();
    let mut from = 0;
    for (range, problem) in odd_numbers(source) {
        blanked.push_str(source.get(from..range.start).unwrap_or_default());
        blanked.push('0');
        blanked.extend(std::iter::repeat_n(' ', range.len().saturating_sub(1)));
        from = range.end;
        raised.push(problem);
    }
    blanked.push_str(source.get(from..).unwrap_or_default());
    (raised, blanked)
}

fn syntax(source: &str, error: &serde_json::Error) -> Problem {
    // serde_json counts columns in bytes, and column 0 stands for the line break before the line.
    let line_start = match error.line() {
        0 | 1 => 0,
        line => source.match_indices('\n').nth(line - 2).map_or(source.len(), |(at, _)| at + 1),
    };
    let offset = (line_start + error.column().saturating_sub(1)).min(source.len());
    let position = Cursor::new(source).advance(offset);
    let full = error.to_string();
    let message = full.rfind(" at line ").map_or(full.as_str(), |end| &full[..end]);
    let line_start = line_start.min(source.len());
    let line = source[line_start..].lines().next().unwrap_or_default();
    let hint = if line.starts_with("<<<<<<<") || line.starts_with("=======") || line.starts_with(">>>>>>>") {
        Some("a merge conflict is unresolved here")
    } else if message.contains("trailing comma") {
        Some("remove the comma before the closing bracket")
    } else if error.is_eof() {
        Some("the file ends early: restore it from a backup or from version control")
    } else if line.trim_start().starts_with("//") || line.trim_start().starts_with("/*") {
        Some("JSON has no comments")
    } else {
        Some("there, or just before, a quote, comma, colon or bracket is missing or too much")
    };
    let bytes = source.as_bytes().get(offset.saturating_sub(1)..).unwrap_or_default();
    let begins = |words: &[&str]| words.iter().any(|word| bytes.starts_with(word.as_bytes()));
    let (rule, hint) = if begins(&["-I", "-N"])
        || bytes.get(1..).is_some_and(|rest| rest.starts_with(b"NaN") || rest.starts_with(b"Inf"))
    {
        (&NOT_A_NUMBER, Some("JSON has no NaN and no Infinity: write the number that is meant, or null"))
    } else if message.contains("number out of range") {
        (&HUGE_NUMBER, Some("write the number that is meant, or null"))
    } else {
        (&SYNTAX, hint)
    };
    let mut raised = Raised::new(rule, vec![], printable(message, 200));
    raised.hint = hint.map(str::to_owned);
    at(raised, position)
}

fn form(root: &Node<'_>) -> Result<Form, Raised> {
    if !matches!(root, Node::Object(_)) {
        let message = format!("expected an object, found {}", root.describe());
        let hint = format!("a parallel.json is one object that lists achievements by level; {HOW_TO_GET_ONE}");
        return Err(Raised::new(&WRONG_TYPE, vec![], message).hint(hint));
    }
    match (root.get("levels"), root.get("achievements")) {
        (Some(Node::List(_)), _) => Ok(Form::Leveled),
        (_, Some(Node::List(_))) => Ok(Form::Flat),
        (Some(_), _) => Ok(Form::Leveled),
        (None, Some(_)) => Ok(Form::Flat),
        (None, None) => Err(Raised::new(&UNKNOWN_FORM, vec![], "neither `levels` nor `achievements` is in the file")
            .hint(format!("a parallel.json lists achievements by level; {HOW_TO_GET_ONE}"))),
    }
}

/// That a leveled file has achievements of the flat form, too, which are ignored.
fn both_forms(form: Form, list: &List, others: &List) -> Option<Raised> {
    let ignored = others.entries.len();
    if form == Form::Flat || ignored == 0 {
        return None;
    }
    let here: HashSet<AchievementId> = list.entries.iter().map(|entry| entry.id).collect();
    let lost: Vec<AchievementId> =
        others.entries.iter().map(|entry| entry.id).filter(|id| !here.contains(id)).collect();
    let message = "achievements stand at the top as well as in `levels`; those at the top are ignored";
    let hint = match lost.as_slice() {
        [] => String::from("take the list at the top out: `levels` has all of it"),
        [id] => format!("put {id}, which stands only there, into a level, and take the list out"),
        [id, ..] => {
            format!(
                "put those that stand only there ({id} and {} more) into a level, and take the list out",
                lost.len() - 1
            )
        }
    };
    Some(Raised::new(&BOTH_FORMS, vec!["achievements".into()], message).hint(hint))
}

/// Collects achievements and levels while the file is read. Its form shows only at the end, and a leveled file may have
/// an unknown field that is called `achievements` as well.
#[derive(Default)]
struct Reader {
    leveled: List,
    flat: List,
}

impl Sink for Reader {
    fn take(&mut self, item: Item, index: usize, node: &Node<'_>) {
        match item {
            Item::Level => self.leveled.level(index, node),
            Item::Achievement => {
                // The level itself is handed over after its achievements.
                let place = Place { level: Some(self.leveled.levels.len()), index };
                self.leveled.entry(node, "id", ACHIEVEMENT, place);
            }
            Item::FlatAchievement => {
                self.flat.entry(node, "achievement_id", FLAT_ACHIEVEMENT, Place { level: None, index });
            }
        }
    }
}

/// The achievements and levels of one form.
#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    places: Vec<Place>,
    stated: Vec<Stated>,
    levels: Vec<LevelInfo>,
    /// How many entries belong to `levels`; the rest belongs to the level that is being read.
    settled: usize,
    /// The path of what is being read; kept for its memory.
    path: Path,
    problems: Collector,
}

impl List {
    fn level(&mut self, position: usize, node: &Node<'_>) {
        self.path.clear();
        self.path.extend(["levels".into(), position.into()]);
        validate(node, LEVEL, &mut self.path, &mut self.problems);
        let number = node.whole("level").unwrap_or(1);
        let entries = self.settled..self.entries.len();
        self.settled = entries.end;
        self.entries[entries.clone()].iter_mut().for_each(|entry| entry.level = number);
        self.levels.push(LevelInfo {
            number,
            description: node.text("description").map(str::to_owned),
            can_parallelize: true,
            declared_parallel: if let Some(Node::Bool(value)) = node.get("can_parallelize") {
                Some(*value)
            } else {
                None
            },
            max_parallelism: node.whole("max_parallelism"),
            own_fields: node.has_other_members(),
            position: Some(position),
            entries: entries.collect(),
        });
    }

    fn entry(&mut self, node: &Node<'_>, id: &str, table: &'static [Field], place: Place) {
        self.path.clear();
        self.path.extend(place.steps());
        validate(node, table, &mut self.path, &mut self.problems);
        // In the order of the table, which is the quickest.
        let mut fields = node.fields(table);
        let mut text = |name| fields.get(name).and_then(Node::as_text);
        // Without an id there is an error, and nothing comes of the file.
        let Some(id) = text(id).and_then(|text| AchievementId::parse(text).ok()) else { return };
        let title = text("title").unwrap_or_default().to_owned();
        let status = fields.get("status");
        let list = |node: Option<&Node<'_>>| node.map(|node| ids(node.as_list())).unwrap_or_default();
        let dependencies = list(fields.get("dependencies"));
        let optional = list(fields.get("optional_dependencies"));
        let blocks = fields.get("blocks").filter(|node| matches!(node, Node::List(_))).map(|node| ids(node.as_list()));
        let estimated_hours = fields.get("estimated_hours").and_then(|node| self.estimate(node, place));
        let mut owned = |name| fields.get(name).and_then(Node::as_text).map(str::to_owned);
        let (started_at, completed_at) = (owned("started_at"), owned("completed_at"));
        let (executor, assigned_at) = (owned("executor"), owned("assigned_at"));
        let deliverables = fields.get("deliverables").map(|node| texts(node.as_list())).unwrap_or_default();
        let critical = matches!(fields.get("critical"), Some(Node::Bool(true)));
        let subplan_path = fields.get("subplan_path").and_then(Node::as_text).map(str::to_owned);
        let execution_paths = fields.get("execution_paths").map(|node| texts(node.as_list())).unwrap_or_default();
        let failure = fields.get("failure").and_then(failure);
        self.entries.push(Entry {
            id,
            title,
            level: 1,
            status: status.and_then(Node::as_text).and_then(Status::parse).unwrap_or_default(),
            dependencies,
            estimated_hours,
            subplan_path,
            execution_paths,
            failure,
            executor,
            assigned_at,
            started_at,
            completed_at,
            critical,
        });
        self.places.push(place);
        self.stated.push(Stated { status: status.is_some(), blocks, optional, deliverables });
    }

    fn estimate(&mut self, node: &Node<'_>, place: Place) -> Option<Hours> {
        match node {
            Node::Number(number) => Hours::single(*number),
            Node::Text(text) => {
                let hours = Hours::of_field(text);
                if hours.is_none() {
                    let path = [place.path(), vec!["estimated_hours".into()]].concat();
                    let message =
                        format!("`{}` cannot be read as hours; it counts as no estimate", printable(text, 40));
                    let hint = "write a number of hours, or text such as \"2-3 hours\" or \"30 minutes\"";
                    self.problems.push(Raised::new(&ESTIMATE_UNREADABLE, path, message).hint(hint));
                }
                hours
            }
            Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) | Node::Skipped => None,
        }
    }

    /// The first entry of each id; [`super::check`] reports the others.
    fn by_id(&self) -> IdMap<usize> {
        let mut by_id = IdMap::with_capacity_and_hasher(self.entries.len(), Default::default());
        for (index, entry) in self.entries.iter().enumerate() {
            by_id.entry(entry.id).or_insert(index);
        }
        by_id
    }

    /// Sorts the levels, and decides which of them can be worked on in parallel where the file does not say.
    fn settle_levels(&mut self, by_id: &IdMap<usize>) {
        let Self { entries, levels, .. } = self;
        levels.sort_by_key(|level| level.number);
        for level in levels {
            let inside = |id| by_id.get(id).is_some_and(|&other| entries[other].level == level.number);
            let chained = || level.entries.iter().any(|&entry| entries[entry].dependencies.iter().any(inside));
            level.can_parallelize = level.declared_parallel.unwrap_or_else(|| !chained());
        }
    }

    /// Gives each achievement of the flat form the smallest level that its dependencies allow.
    fn compute_levels(&mut self, by_id: &IdMap<usize>) {
        let known =
            |entry: &Entry| entry.dependencies.iter().filter_map(|id| by_id.get(id).copied()).collect::<Vec<_>>();
        let levels = Adjacency::new(self.entries.len(), self.entries.iter().map(known)).levels();
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (entry, number) in levels.into_iter().enumerate() {
            self.entries[entry].level = number;
            members.entry(number).or_default().push(entry);
        }
        self.levels = members
            .into_iter()
            .map(|(number, entries)| LevelInfo {
                number,
                description: None,
                can_parallelize: true,
                declared_parallel: None,
                max_parallelism: None,
                own_fields: false,
                position: None,
                entries,
            })
            .collect();
    }
}

fn ids(items: &[Node<'_>]) -> Vec<AchievementId> {
    let mut ids = Vec::with_capacity(items.len());
    ids.extend(items.iter().filter_map(Node::as_text).filter_map(|text| AchievementId::parse(text).ok()));
    ids
}

fn texts(items: &[Node<'_>]) -> Vec<String> {
    let mut texts = Vec::with_capacity(items.len());
    texts.extend(items.iter().filter_map(Node::as_text).map(str::to_owned));
    texts
}

fn failure(node: &Node<'_>) -> Option<Failure> {
    let stage =
        [Stage::Subplan, Stage::Execution].into_iter().find(|stage| node.text("stage") == Some(stage.as_str()))?;
    Some(Failure {
        stage,
        reason: node.text("reason").unwrap_or_default().to_owned(),
        attempts: node.whole("attempts").unwrap_or(0),
        at: node.text("at").unwrap_or_default().to_owned(),
    })
}
