//! From the text of an answer to its findings. Servers without Structured Outputs fence their JSON, talk around it and
//! leave fields out; all of that is read, and what cannot be read is named.

use std::str::FromStr as _;

use serde_json::{Map, Value};

use super::Fault;
use crate::{parallel::Kind, plan::AchievementId};

/// What a model found, as it said it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// By achievement.
    pub achievements: Vec<Finding>,
    /// Pairs that look independent and are not.
    pub conflicts: Vec<Conflict>,
}

/// What a model found of one achievement.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which.
    pub id: AchievementId,
    /// What it needs.
    pub needs: Vec<Need>,
    /// What would help it, and the passage of the PLAN that shows it, where there is one.
    pub optional: Vec<(AchievementId, String)>,
    /// Files it creates or changes.
    pub files: Vec<String>,
    /// What else only one can use at a time.
    pub resources: Vec<String>,
    /// Whether the plan fails without it; `None` where the answer does not say.
    pub critical: Option<bool>,
}

/// A dependency, as a model said it.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// What is needed.
    pub id: AchievementId,
    /// In which way.
    pub kind: Kind,
    /// The passage of the PLAN; not checked yet.
    pub reason: String,
}

/// Two achievements that touch the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// One.
    pub first: AchievementId,
    /// The other.
    pub second: AchievementId,
    /// The thing.
    pub over: String,
}

/// Reads an answer.
///
/// # Errors
///
/// Everything in it that cannot be read; where it is no JSON at all, that one fault.
pub fn parse_answer(text: &str) -> Result<Answer, Vec<Fault>> {
    let malformed = |what: String| vec![Fault::Malformed { what }];
    let json = json_of(text).ok_or_else(|| malformed("there is no JSON object in the answer".to_owned()))?;
    let root: Value =
        serde_json::from_str(json).map_err(|error| malformed(format!("the answer is no JSON: {error}")))?;
    let Some(Value::Array(achievements)) = root.get("achievements") else {
        return Err(malformed("the list `achievements` is missing".to_owned()));
    };
    let mut faults = Vec::new();
    let mut answer = Answer::default();
    for (at, value) in achievements.iter().enumerate() {
        let place = match value.get("id").and_then(Value::as_str) {
            Some(id) => format!("achievement `{}`", shown(id)),
            None => format!("achievements[{at}]"),
        };
        let mut reader = Reader { place, faults: &mut faults };
        answer.achievements.extend(reader.finding(value));
    }
    for (at, value) in list(root.get("hidden_conflicts")).iter().enumerate() {
        let mut reader = Reader { place: format!("hidden_conflicts[{at}]"), faults: &mut faults };
        answer.conflicts.extend(reader.conflict(value));
    }
    if faults.is_empty() { Ok(answer) } else { Err(faults) }
}

/// The JSON object in an answer: without a byte order mark, reasoning in front, a fence, or words around it.
pub(crate) fn json_of(text: &str) -> Option<&str> {
    let mut text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.starts_with("<think") {
        text = text.split_once("</think").map_or("", |(_, rest)| rest);
    }
    let (start, end) = (text.find('{')?, text.rfind('}')?);
    text.get(start..=end)
}

struct Reader<'a> {
    place: String,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn wrong(&mut self, what: &str) {
        self.faults.push(Fault::Malformed { what: format!("{}: {what}", self.place) });
    }

    fn finding(&mut self, value: &Value) -> Option<Finding> {
        let fields = self.object(value)?;
        let id = self.id(fields, "id")?;
        let needs = list(fields.get("dependencies")).iter().filter_map(|value| self.need(value)).collect();
        let optional = list(fields.get("optional_dependencies"))
            .iter()
            .filter_map(|value| match value {
                Value::String(text) => self.parsed(text).map(|id| (id, String::new())),
                value => {
                    let fields = self.object(value)?;
                    Some((self.id(fields, "id")?, text(fields, "reason")))
                }
            })
            .collect();
        let critical = fields.get("critical").and_then(Value::as_bool);
        Some(Finding {
            id,
            needs,
            optional,
            files: texts(fields, "files"),
            resources: texts(fields, "resources"),
            critical,
        })
    }

    fn need(&mut self, value: &Value) -> Option<Need> {
        let fields = self.object(value)?;
        let id = self.id(fields, "id")?;
        let word = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
        let kinds = [Kind::Technical, Kind::Knowledge, Kind::Resource];
        let Some(kind) = kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word.trim())) else {
            self.wrong(&format!(
                "the kind of its dependency {id} is `{}`, not technical, knowledge or resource",
                shown(word)
            ));
            return None;
        };
        Some(Need { id, kind, reason: text(fields, "reason") })
    }

    fn conflict(&mut self, value: &Value) -> Option<Conflict> {
        let fields = self.object(value)?;
        Some(Conflict {
            first: self.id(fields, "first")?,
            second: self.id(fields, "second")?,
            over: text(fields, "over"),
        })
    }

    fn object<'v>(&mut self, value: &'v Value) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong("an object is expected here");
        }
        object
    }

    fn id(&mut self, fields: &Map<String, Value>, name: &str) -> Option<AchievementId> {
        match fields.get(name).and_then(Value::as_str) {
            Some(text) => self.parsed(text),
            None => {
                self.wrong(&format!("`{name}` is missing, or is not text"));
                None
            }
        }
    }

    fn parsed(&mut self, text: &str) -> Option<AchievementId> {
        let id = AchievementId::from_str(text.trim()).ok();
        if id.is_none() {
            self.wrong(&format!("`{}` is no achievement id", shown(text)));
        }
        id
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn texts(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    let each = list(fields.get(name)).iter().filter_map(Value::as_str).map(|text| text.trim().to_owned());
    each.filter(|text| !text.is_empty()).collect()
}

/// A word of an answer, short enough for a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
