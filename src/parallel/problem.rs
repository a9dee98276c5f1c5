//! What is wrong with a parallel.json, where, and what to do about it.
//!
//! The rest of the module raises [`Raised`] problems that know their JSON path only; [`super::position`] turns them into
//! [`Problem`]s with line and column once there is something to report. Nothing here decides what is wrong.

use std::{borrow::Cow, fmt, fmt::Write as _};

use serde::Serialize;

use crate::document::Severity;

/// Problems kept per severity. A broken generator can produce millions; nobody reads them, and each costs memory.
const KEPT: usize = 1_000;

/// Problems that [`render`] shows.
const SHOWN: usize = 20;

/// One thing that is wrong in a parallel.json, or in the PLAN that one is written from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable code such as `unknown-dependency`.
    pub code: &'static str,
    /// Errors keep a run from starting; warnings are only reported.
    pub severity: Severity,
    /// JSON path such as `levels[1].achievements[0].dependencies[2]`; empty for the file as a whole.
    pub path: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column, counted in characters, not in bytes.
    pub column: usize,
    /// One sentence without position.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
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
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Problem { code, line, column, message, hint, path, severity: _ } = problem;
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    pub(super) path: Path,
    pub(super) anchor: Anchor,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Raised {
    pub(super) fn error(code: &'static str, path: Path, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, path, anchor: Anchor::Value, message: message.into(), hint: None }
    }

    pub(super) fn warning(code: &'static str, path: Path, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Collects problems up to a bound per severity, so that warnings never crowd out an error.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) errors: Vec<Raised>,
    pub(super) warnings: Vec<Raised>,
}

impl Collector {
    pub(super) fn push(&mut self, raised: Raised) {
        let list = match raised.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < KEPT {
            list.push(raised);
        }
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

    fn problem(line: usize, hint: Option<&str>) -> Problem {
        Problem {
            code: "some-code",
            severity: if hint.is_some() { Severity::Error } else { Severity::Warning },
            path: String::new(),
            line,
            column: 7,
            message: "something".to_owned(),
            hint: hint.map(str::to_owned),
        }
    }

    #[test]
    fn problems_are_rendered_one_a_line_with_their_hints() {
        let text = render(&[problem(3, Some("do this")), problem(4, None)], "a\u{1b}.json");
        assert_eq!(
            text,
            "a\\u{1b}.json:3:7: error[some-code]: something\n  hint: do this\na\\u{1b}.json:4:7: warning[some-code]: something\n"
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
        for _ in 0..3 * KEPT {
            collector.push(Raised::warning("w", vec![], ""));
        }
        collector.push(Raised::error("e", vec![], ""));
        assert_eq!((collector.errors.len(), collector.warnings.len()), (1, KEPT));
    }
}
