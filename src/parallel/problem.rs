//! What is wrong with a parallel.json, where, and what to do about it.
//!
//! The rest of the module raises [`Raised`] problems that know their JSON path only; [`super::position`] turns them into
//! [`Problem`]s with line and column once there is something to report. Nothing here decides what is wrong.

use std::{borrow::Cow, fmt, fmt::Write as _};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::rules::{Rule, Severity};

/// Problems kept per severity. A broken generator can produce millions; nobody reads them, and each costs memory.
pub const MOST_PROBLEMS: usize = 100_000;

/// Problems that [`render`] shows.
const SHOWN: usize = 20;

/// One thing that is wrong in a parallel.json, or in the PLAN that one is written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken.
    pub rule: &'static Rule,
    /// Errors keep a run from starting; the rest is only reported. Never more than the rule's own.
    pub severity: Severity,
    /// JSON path such as `levels[1].achievements[0].dependencies[2]`; empty for the file as a whole.
    pub path: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column, counted in characters, not in bytes.
    pub column: usize,
    /// How many characters of the line belong to the value; 1 where that is not known.
    pub width: usize,
    /// One sentence without position.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether [`super::repair`] mends this one.
    pub fixable: bool,
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Problem", 9)?;
        out.serialize_field("code", self.rule.code)?;
        out.serialize_field("rule", self.rule.name)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("path", &self.path)?;
        out.serialize_field("line", &self.line)?;
        out.serialize_field("column", &self.column)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("hint", &self.hint)?;
        out.serialize_field("fixable", &self.fixable)?;
        out.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// Renders problems for people, one `file:line:column: error[code]: message` each with its hint below.
///
/// At most 20 are shown, then how many more there are. The text ends with a newline unless `problems` is empty.
pub fn render(problems: &[Problem], file: &str) -> String {
    let file = printable(file, usize::MAX);
    let mut text = String::new();
    for problem in problems.iter().take(SHOWN) {
        let Problem { rule, severity, line, column, message, hint, path, .. } = problem;
        let (code, severity) = (rule.code, severity.as_str());
        let place = if path.is_empty() { String::new() } else { format!(" (at {})", printable(path, usize::MAX)) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{file}:{line}:{column}: {severity}[{code}]: {message}{place}");
        if let Some(hint) = hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    if problems.len() > SHOWN {
        let _ = writeln!(text, "… and {} more", problems.len() - SHOWN);
    }
    text
}

/// One step from a JSON value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    /// A member of an object.
    Key(Cow<'static, str>),
    /// An element of a list, from 0.
    Index(usize),
}

impl From<&'static str> for Segment {
    fn from(key: &'static str) -> Self {
        Self::Key(Cow::Borrowed(key))
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The steps from the file's root to a value.
pub(super) type Path = Vec<Segment>;

/// Writes a path the way people write it: `levels[1].achievements[0].id`.
pub(super) fn display_path(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        let _ = match segment {
            Segment::Index(index) => write!(text, "[{index}]"),
            Segment::Key(key) if !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                write!(text, "{}{key}", if text.is_empty() { "" } else { "." })
            }
            Segment::Key(key) => write!(text, "[\"{}\"]", printable(key, 40)),
        };
    }
    text
}

/// Which character a problem points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The first character of the value at the path.
    Value,
    /// The key of this member (from 0) of the object that holds the path's last step: a path cannot tell two members
    /// of the same name apart.
    Member(usize),
}

/// A problem whose position has not been looked up yet.
#[derive(Clone, Debug)]
pub(super) struct Raised {
    pub(super) rule: &'static Rule,
    pub(super) severity: Severity,
    pub(super) path: Path,
    pub(super) anchor: Anchor,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) fixable: bool,
}

impl Raised {
    pub(super) fn new(rule: &'static Rule, path: Path, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            path,
            anchor: Anchor::Value,
            message: message.into(),
            hint: None,
            fixable: rule.fix.is_some(),
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes it weigh no more than this.
    pub(super) fn at_most(mut self, severity: Severity) -> Self {
        self.severity = self.severity.max(severity);
        self
    }

    /// A repair needs more than what its rule says: only where `possible` will it be mended.
    pub(super) fn fixable_if(mut self, possible: bool) -> Self {
        self.fixable &= possible;
        self
    }
}

/// Collects problems up to a bound per severity, so that notes never crowd out an error.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) errors: Vec<Raised>,
    pub(super) warnings: Vec<Raised>,
    pub(super) notes: Vec<Raised>,
}

impl Collector {
    pub(super) fn push(&mut self, raised: Raised) {
        let list = match raised.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        };
        if list.len() < MOST_PROBLEMS {
            list.push(raised);
        }
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<Raised> {
        let Self { errors, warnings, notes } = self;
        [errors, warnings, notes].concat()
    }
}

/// Text from a file, made fit for one line of a terminal: control characters escaped, cut to `most` characters.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::rules::{CYCLE, EMPTY_LEVEL};

    fn problem(line: usize, hint: Option<&str>) -> Problem {
        Problem {
            rule: &CYCLE,
            severity: if hint.is_some() { Severity::Error } else { Severity::Warning },
            path: String::new(),
            line,
            column: 7,
            width: 1,
            message: "something".to_owned(),
            hint: hint.map(str::to_owned),
            fixable: false,
        }
    }

    #[test]
    fn problems_are_rendered_one_a_line_with_their_hints() {
        let text = render(&[problem(3, Some("do this")), problem(4, None)], "a\u{1b}.json");
        assert_eq!(
            text,
            "a\\u{1b}.json:3:7: error[PW304]: something\n  hint: do this\na\\u{1b}.json:4:7: warning[PW304]: something\n"
        );
        assert_eq!(problem(3, None).to_string(), "3:7: something");
        assert_eq!(render(&[], "x"), "");
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let text = render(&vec![problem(1, None); 23], "f");
        assert_eq!(text.lines().count(), 21);
        assert!(text.ends_with("… and 3 more\n"));
        assert!(!render(&vec![problem(1, None); 20], "f").contains("more"));
    }

    #[test]
    fn paths_read_as_people_write_them() {
        let path = ["levels".into(), 1.into(), "achievements".into(), 0.into(), "dependency_notes".into()];
        assert_eq!(display_path(&path), "levels[1].achievements[0].dependency_notes");
        assert_eq!(display_path(&["notes".into(), "2.1".into()]), "notes[\"2.1\"]");
        assert_eq!(display_path(&["a\nb".into(), "".into()]), "[\"a\\nb\"][\"\"]");
        assert_eq!(display_path(&[]), "");
    }

    #[test]
    fn warnings_do_not_crowd_out_errors() {
        let mut collector = Collector::default();
        for _ in 0..2 * MOST_PROBLEMS {
            collector.push(Raised::new(&EMPTY_LEVEL, vec![], ""));
        }
        collector.push(Raised::new(&CYCLE, vec![], ""));
        assert_eq!((collector.errors.len(), collector.warnings.len()), (1, MOST_PROBLEMS));
    }
}
