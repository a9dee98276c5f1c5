//! Compares a file with the tables of [`super::shape`] and raises everything that does not fit, each with its path.
//!
//! What needs more than one value to judge (ids that are unknown, cycles, levels) is for [`super::check`].

use std::borrow::Cow;

use super::{
    Status,
    node::{Member, Node, whole},
    problem::{Anchor, Collector, Path, Raised, Segment, printable},
    rules::{
        DUPLICATE_KEY, HUGE_NUMBER, INVALID_ID, INVALID_NUMBER, INVALID_STATUS, INVALID_TIME, INVALID_WORD,
        MISSING_FIELD, Rule, Severity, UNSUPPORTED_VERSION, WRONG_TYPE,
    },
    shape::{Field, Finder, MOST_FIELDS, Need, Shape, status_words},
    time::{InvalidTime, check_time},
};
use crate::plan::{AchievementId, Hours};

/// What to do about a number that cannot be meant.
const MEANT: &str = "write the number that is meant, or null";

/// Raises whatever in `node`, which stands at `path` and was read by the table `fields`, does not fit it. The path is lent,
/// and given back as it was.
pub(super) fn validate(node: &Node<'_>, fields: &'static [Field], path: &mut Path, problems: &mut Collector) {
    Validator { problems, path, severity: Severity::Error }.object(node, fields);
}

/// The same for the file as a whole, which was read by another table than that of its form.
pub(super) fn validate_root(node: &Node<'_>, fields: &'static [Field], problems: &mut Collector) {
    let mut finder = Finder::new(fields);
    let place = |member: &Member<'_>| finder.find(&member.key).map(|(at, _)| at);
    let mut validator = Validator { problems, path: &mut Vec::new(), severity: Severity::Error };
    validator.members(node, fields, place);
}

/// The positions of members whose values do not fit the fields of their names.
pub(super) fn unfit(node: &Node<'_>, fields: &'static [Field]) -> Vec<usize> {
    let Node::Object(members) = node else { return Vec::new() };
    let mut finder = Finder::new(fields);
    let is_unfit = |Member { key, value, .. }: &Member<'_>| {
        let Some((_, field)) = finder.find(key) else { return false };
        let mut problems = Collector::default();
        if *value != Node::Null {
            let path = &mut Vec::new();
            Validator { problems: &mut problems, path, severity: Severity::Error }.field(field, value);
        }
        !problems.errors.is_empty()
    };
    let unfit: Vec<bool> = members.iter().map(is_unfit).collect();
    unfit.iter().enumerate().filter(|(_, unfit)| **unfit).map(|(at, _)| at).collect()
}

struct Validator<'a> {
    problems: &'a mut Collector,
    path: &'a mut Path,
    severity: Severity,
}

impl Validator<'_> {
    fn raise(&mut self, rule: &'static Rule, message: String, hint: Option<String>) {
        let raised = Raised { hint, ..Raised::new(rule, self.path.clone(), message) };
        self.problems.push(raised.at_most(self.severity));
    }

    fn inside(&mut self, segment: impl Into<Segment>, visit: impl FnOnce(&mut Self)) {
        self.path.push(segment.into());
        visit(self);
        self.path.pop();
    }

    fn object(&mut self, node: &Node<'_>, fields: &'static [Field]) {
        self.members(node, fields, |member| member.field.map(usize::from));
    }

    /// `place` tells the place of a member's field among `fields`.
    fn members(
        &mut self,
        node: &Node<'_>,
        fields: &'static [Field],
        mut place: impl FnMut(&Member<'_>) -> Option<usize>,
    ) {
        let Node::Object(members) = node else { return self.wrong_type(node, "an object") };
        let (mut found, mut there) = ([false; MOST_FIELDS], [false; MOST_FIELDS]);
        let mut unknown = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let Some((known, field)) = place(member).and_then(|known| Some((known, fields.get(known)?))) else {
                unknown.push(at);
                continue;
            };
            if std::mem::replace(&mut found[known], true) {
                self.duplicate(members, at);
            } else if member.value != Node::Null {
                there[known] = true;
                self.field(field, &member.value);
            }
        }
        if unknown.len() > 1 {
            self.duplicates(members, unknown);
        }
        for (field, there) in fields.iter().zip(there) {
            if field.need != Need::Optional && !there {
                self.missing(node, field);
            }
        }
    }

    fn field(&mut self, field: &'static Field, value: &Node<'_>) {
        let outer = self.severity;
        if field.lenient {
            self.severity = Severity::Warning;
        }
        self.inside(field.name, |this| this.value(value, &field.shape));
        self.severity = outer;
    }

    fn value(&mut self, node: &Node<'_>, shape: &'static Shape) {
        match (shape, node) {
            (Shape::Anything, _) | (Shape::Text | Shape::Path, Node::Text(_)) | (Shape::Bool, Node::Bool(_)) => {}
            (Shape::Version, Node::Text(text)) => self.version(text),
            (Shape::Time, Node::Text(text)) => self.time(text),
            (Shape::Text | Shape::Version | Shape::Path, _) => self.wrong_type(node, "text"),
            (Shape::Time, _) => self.wrong_type(node, "a time such as \"2025-01-31T12:00:00Z\""),
            (Shape::Bool, _) => self.wrong_type(node, "true or false"),
            (Shape::Whole(least), Node::Number(number)) => {
                if whole(*number).is_none_or(|number| number < *least) {
                    let message = format!("`{number}` must be a whole number from {least} to {}", u32::MAX);
                    self.raise(&INVALID_NUMBER, message, Some(format!("write one, such as {}", least.max(&1))));
                }
            }
            (Shape::Whole(_), _) => self.wrong_type(node, "a whole number"),
            (Shape::Hours | Shape::Total, Node::Number(number)) => {
                if *number < 0.0 {
                    let message = format!("`{number}` hours is less than nothing");
                    self.raise(&INVALID_NUMBER, message, Some(MEANT.to_owned()));
                } else if matches!(shape, Shape::Hours) && Hours::single(*number).is_none() {
                    let message = format!("`{number}` hours is more than anybody works; it counts as no estimate");
                    let raised = Raised::new(&HUGE_NUMBER, self.path.clone(), message).hint(MEANT);
                    self.problems.push(raised.at_most(Severity::Warning));
                }
            }
            (Shape::Hours | Shape::Total, Node::Text(_)) => {}
            (Shape::Hours | Shape::Total, _) => {
                self.wrong_type(node, "a number of hours, or text such as \"2-3 hours\"")
            }
            (Shape::Id, Node::Text(text)) => self.id(text),
            (Shape::Id, Node::Number(number)) => {
                let hint = format!("write \"{number}\" in quotes; as a number, 3.10 and 3.1 would be the same");
                self.raise(&WRONG_TYPE, "expected an achievement id as text, found a number".to_owned(), Some(hint));
            }
            (Shape::Id, _) => self.wrong_type(node, "an achievement id such as \"1.1\""),
            (Shape::Status, Node::Text(text)) => self.status(text),
            (Shape::Status, _) => self.wrong_type(node, "a status"),
            (Shape::Word(words), Node::Text(text)) => {
                if !words.contains(&text.as_ref()) {
                    let message = format!("`{}` is none of: {}", printable(text, 40), words.join(", "));
                    self.raise(&INVALID_WORD, message, Some("write one of these".to_owned()));
                }
            }
            (Shape::Word(_), _) => self.wrong_type(node, "text"),
            (Shape::List(inner), Node::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.inside(index, |this| this.value(item, inner));
                }
            }
            // Its elements were validated when they were handed over.
            (Shape::Each(..), Node::List(_)) => {}
            (Shape::List(_) | Shape::Each(..), _) => self.wrong_type(node, "a list"),
            (Shape::Object(fields), _) | (Shape::Loose(fields), Node::Object(_)) => self.object(node, fields),
            (Shape::Loose(_), _) => {}
            (Shape::ById(inner), Node::Object(members)) => {
                self.duplicates(members, (0..members.len()).collect());
                for Member { key, value, .. } in members {
                    self.inside(owned(key), |this| {
                        this.id(key);
                        if *value != Node::Null {
                            this.value(value, inner);
                        }
                    });
                }
            }
            (Shape::ById(_), _) => self.wrong_type(node, "an object with ids as keys"),
        }
    }

    fn wrong_type(&mut self, node: &Node<'_>, expected: &str) {
        let hint = match (expected, node) {
            ("a list", _) => "put it in brackets: [ … ]",
            ("true or false", _) => "write one of the two words, without quotes",
            (expected, _) if expected.starts_with("an object") => "put it in braces: { … }",
            ("a whole number", Node::Text(_)) => "write it without quotes",
            (_, Node::Number(_) | Node::Bool(_)) if expected != "a whole number" => "put it in quotes",
            _ => "write that, or leave the field out where it is not required",
        };
        let message = format!("expected {expected}, found {}", node.describe());
        self.raise(&WRONG_TYPE, message, Some(hint.to_owned()));
    }

    fn missing(&mut self, node: &Node<'_>, field: &'static Field) {
        let Field { name, need, about, .. } = field;
        let other = match *name {
            "id" => "achievement_id",
            "achievement_id" => "id",
            "plan" => "plan_name",
            _ => "",
        };
        let hint = match node.get(other) {
            Some(_) => Some(format!("rename `{other}` to `{name}`; the two forms of the file differ")),
            None if about.is_empty() => Some(format!("add `{name}`")),
            None => Some(format!("it says: {about}")),
        };
        let severity = if *need == Need::Required { Severity::Error } else { Severity::Note };
        let raised = Raised { hint, ..Raised::new(&MISSING_FIELD, self.path.clone(), format!("`{name}` is missing")) };
        self.problems.push(raised.at_most(severity.max(self.severity)));
    }

    fn version(&mut self, text: &str) {
        if text != "1" && !text.starts_with("1.") {
            let message = format!("version `{}` is not one that this planwave reads", printable(text, 40));
            let hint = "it reads version 1; a newer planwave may read this file";
            self.raise(&UNSUPPORTED_VERSION, message, Some(hint.to_owned()));
        }
    }

    fn time(&mut self, text: &str) {
        match check_time(text) {
            Ok(()) => {}
            Err(InvalidTime::Offset(utc)) => {
                let message = format!("`{}` is not in UTC", printable(text, 40));
                self.raise(&INVALID_TIME, message, Some(format!("the same time in UTC is {utc}")));
            }
            Err(InvalidTime::Form) => {
                let message = format!("`{}` is not an RFC 3339 time", printable(text, 40));
                let hint = "write date, T, time and Z, such as 2025-01-31T12:00:00Z";
                self.raise(&INVALID_TIME, message, Some(hint.to_owned()));
            }
        }
    }

    fn id(&mut self, text: &str) {
        if AchievementId::parse(text).is_err() {
            let message = format!(
                "`{}` is not an achievement id: expected two or three numbers such as 1.1 or 3.5.1",
                printable(text, 40)
            );
            let hint = "numbers and dots alone, without leading zeros";
            self.raise(&INVALID_ID, message, Some(hint.to_owned()));
        }
    }

    fn status(&mut self, text: &str) {
        if Status::parse(text).is_some() {
            return;
        }
        let words = status_words();
        let message = format!("`{}` is not a status; the statuses are {}", printable(text, 40), words.join(", "));
        let hint = if text.eq_ignore_ascii_case("blocked") {
            "blocked is derived from the dependencies, never stored: write the achievement's own status".to_owned()
        } else {
            match nearest_status(text) {
                Some(word) => format!("did you mean `{word}`?"),
                None => "leave `status` out, and it is derived from the files of the plan directory".to_owned(),
            }
        };
        self.raise(&INVALID_STATUS, message, Some(hint));
    }

    /// Raises the repeated ones among these members.
    fn duplicates(&mut self, members: &[Member<'_>], mut among: Vec<usize>) {
        among.sort_by_key(|&at| (&members[at].key, at));
        let same = |pair: &&[usize]| members[pair[0]].key == members[pair[1]].key;
        let mut repeated: Vec<usize> = among.windows(2).filter(same).map(|pair| pair[1]).collect();
        repeated.sort_unstable();
        repeated.into_iter().for_each(|at| self.duplicate(members, at));
    }

    /// Two members of one name: JSON leaves open which one holds, so neither planwave nor anybody else can say.
    fn duplicate(&mut self, members: &[Member<'_>], at: usize) {
        let key = &members[at].key;
        let mut path = self.path.clone();
        path.push(owned(key));
        let message = format!("`{}` stands here a second time; only one of them can hold", printable(key, 40));
        let raised = Raised::new(&DUPLICATE_KEY, path, message).hint("keep the one that is right");
        self.problems.push(Raised { anchor: Anchor::Member(at), ..raised });
    }
}

fn owned(key: &str) -> Segment {
    Segment::Key(Cow::Owned(key.to_owned()))
}

/// The status that a word of another tool, or a slip, most likely means.
fn nearest_status(text: &str) -> Option<&'static str> {
    let word = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let known = match word.as_str() {
        "done" | "completed" | "approved" => Some(Status::Complete),
        "pending" | "todo" | "open" | "planned" => Some(Status::NotStarted),
        "started" | "wip" | "doing" => Some(Status::InProgress),
        "error" => Some(Status::Failed),
        _ => None,
    };
    if let Some(status) = known {
        return Some(status.as_str());
    }
    let distances = Status::ALL.map(|status| (strsim::damerau_levenshtein(&word, status.as_str()), status.as_str()));
    // Words of any length may come in; only a near miss is worth naming.
    distances.into_iter().min().filter(|(distance, _)| *distance <= 3).map(|(_, word)| word)
}
