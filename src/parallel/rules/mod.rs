//! The rules of parallel.json: each with a code that stays, a severity, an explanation with an example, and whether
//! `validate --fix` repairs it.
//!
//! Only a table. What breaks a rule is found elsewhere in `parallel`; `planwave explain-rule` and `docs/rules.md` are made
//! from this table alone. The first digit of a code says what the rule is about: 1 the file as such, 2 ids,
//! 3 dependencies, 4 levels, 5 fields that follow from others, 6 the plan directory, 7 the PLAN, 8 independence.

mod dependencies;
mod file;
mod levels;
mod page;
mod surroundings;

pub(super) use dependencies::*;
pub(super) use file::*;
pub(super) use levels::*;
pub use page::{explain_rule, rules_page, rules_table};
pub(super) use surroundings::*;

use serde::Serialize;

/// How much a broken rule weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used as it is, or a run would do something else than it says.
    Error,
    /// The file works, but says something that is not so.
    Warning,
    /// Worth knowing; nothing has to be done.
    Note,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One rule.
pub struct Rule {
    /// `PW` and three digits; never given to another rule.
    pub code: &'static str,
    /// A few words with hyphens, for people who grep.
    pub name: &'static str,
    /// How much it weighs. Where a value is of no consequence, a problem may weigh less than its rule.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// Why the rule is there and what to do about a breach; a paragraph.
    pub explanation: &'static str,
    /// JSON (or text) that breaks it, or shows it.
    pub example: &'static str,
    /// What `validate --fix` does about it; `None` where there is no single right answer.
    pub fix: Option<&'static str>,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Rule {}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.name)
    }
}

/// Every rule, by code.
pub static RULES: &[&Rule] = &[
    &EMPTY_FILE,
    &NOT_UTF8,
    &SYNTAX,
    &NOT_A_NUMBER,
    &DUPLICATE_KEY,
    &UNKNOWN_FORM,
    &UNSUPPORTED_VERSION,
    &WRONG_TYPE,
    &MISSING_FIELD,
    &INVALID_NUMBER,
    &HUGE_NUMBER,
    &INVALID_ID,
    &INVALID_STATUS,
    &INVALID_WORD,
    &INVALID_TIME,
    &ESTIMATE_UNREADABLE,
    &BYTE_ORDER_MARK,
    &OLD_FORM,
    &NO_ACHIEVEMENTS,
    &BOTH_FORMS,
    &DUPLICATE_ID,
    &SLUG_COLLISION,
    &UNKNOWN_DEPENDENCY,
    &SELF_DEPENDENCY,
    &DUPLICATE_DEPENDENCY,
    &CYCLE,
    &SAME_LEVEL,
    &LATER_LEVEL,
    &CHAIN_IN_LEVEL,
    &UNKNOWN_OPTIONAL_DEPENDENCY,
    &DUPLICATE_LEVEL,
    &LEVEL_GAP,
    &EMPTY_LEVEL,
    &PARALLEL_ALONE,
    &PARALLELISM_TOO_HIGH,
    &PARALLELISM_OF_ONE,
    &BLOCKS_MISMATCH,
    &TIMES,
    &DERIVED,
    &PATH_OUTSIDE,
    &PATH_MISSING,
    &PATH_UNRECORDED,
    &STATUS_STALE,
    &PLAN_NAME,
    &NOT_IN_FILE,
    &NOT_IN_PLAN,
    &TITLE_DIFFERS,
    &DECLARED_DEPENDENCY,
    &NO_PLAN,
    &PLAN_UNREADABLE,
    &SHARED_DELIVERABLE,
    &SHARED_RESOURCE,
];

/// The rule of a code or a name, in whichever case.
pub fn rule(text: &str) -> Option<&'static Rule> {
    let text = text.trim();
    let is_it = |rule: &&&'static Rule| rule.code.eq_ignore_ascii_case(text) || rule.name.eq_ignore_ascii_case(text);
    RULES.iter().find(is_it).copied()
}

/// The rule whose code or name is nearest to a text that is neither.
pub fn nearest_rule(text: &str) -> Option<&'static Rule> {
    let word: String = text.trim().chars().take(40).collect::<String>().to_ascii_lowercase();
    let distance = |rule: &Rule| {
        let code = strsim::damerau_levenshtein(&word, &rule.code.to_ascii_lowercase());
        code.min(strsim::damerau_levenshtein(&word, rule.name))
    };
    RULES.iter().copied().min_by_key(|rule| distance(rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_names_are_unique() {
        let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        assert!(codes.iter().all(|code| code.len() == 5 && code.starts_with("PW")), "{codes:?}");
        let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn every_rule_is_explained_in_sentences() {
        for rule in RULES {
            assert!(rule.explanation.ends_with('.') && rule.explanation.len() > 60, "{}", rule.code);
            assert!(!rule.title.ends_with('.') && rule.title.len() < 80, "{}", rule.code);
            assert!(!rule.example.trim().is_empty(), "{}", rule.code);
        }
    }

    #[test]
    fn rules_are_found_by_code_and_by_name() {
        assert_eq!(rule("pw304").map(|rule| rule.name), Some("cycle"));
        assert_eq!(rule(" Cycle ").map(|rule| rule.code), Some("PW304"));
        assert_eq!(rule("PW999"), None);
        assert_eq!(nearest_rule("PW3O4").map(|rule| rule.code), Some("PW304"));
        assert_eq!(nearest_rule("cycles").map(|rule| rule.code), Some("PW304"));
    }
}
