//! The achievements that a text such as a Dependencies line names.
//!
//! Numbers with dots are also versions, sizes and priorities; a number in prose counts only where it is an achievement
//! of this PLAN and stands where one would name it.

use std::{
    collections::{BTreeSet, HashSet},
    ops::Bound,
};

use super::{AchievementId, items};

/// What a Dependencies or Blocks text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct References {
    /// The ids named, each once, in order.
    pub(super) ids: Vec<AchievementId>,
    /// The text, where it says more than ids.
    pub(super) prose: Option<String>,
}

/// A range (`1.1-1.9`) of more ids than this gives only its two ends.
const LONGEST_RANGE: usize = 100;

/// Reads `text` for the achievement `own`; `known` are the ids of the PLAN.
///
/// Text that is only ids, "Achievement", list words and notes in parentheses names each of its ids, known or not, so
/// that a mistyped one is reported later. In other text an unknown id is left alone: it may be another PLAN's.
pub(super) fn read(text: &str, own: AchievementId, known: &BTreeSet<AchievementId>) -> References {
    let text = text.trim();
    let words = text.replace("**", "").replace('`', "");
    let prose = Some(text.to_owned());
    if items::is_nothing(text) {
        return References::default();
    }
    match behind_none(words.trim()) {
        Some("") => return References::default(),
        Some(_) => return References { ids: Vec::new(), prose },
        None => {}
    }
    let tokens = tokens(&words);
    let listed = is_list(&tokens);
    let ids = named(&tokens, listed, own, known);
    let only_ids = listed && tokens.iter().all(|token| token.depth == 0);
    References { ids, prose: prose.filter(|_| !only_ids) }
}

/// What follows "None" or a like word that the text begins with: such a text names no dependency, whatever ids follow.
fn behind_none(text: &str) -> Option<&str> {
    ["no dependencies", "none", "n/a", "nothing", "nil"].iter().find_map(|word| {
        let (begin, rest) = text.split_at_checked(word.len())?;
        let is_word = begin.eq_ignore_ascii_case(word) && !rest.starts_with(char::is_alphanumeric);
        is_word.then(|| rest.trim_matches(|c: char| c.is_whitespace() || c == '.'))
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind<'a> {
    Id(AchievementId),
    Word(&'a str),
    Mark(char),
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind<'a>,
    /// Open parentheses around it; the parentheses themselves count as inside.
    depth: usize,
    /// Whether white space stands before it.
    spaced: bool,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut spaced = true;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = word_length(rest);
        if c.is_whitespace() {
            spaced = true;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if matches!(c, '(' | '[') {
            depth += 1;
        }
        let kind = if length == 0 {
            Kind::Mark(c)
        } else {
            AchievementId::parse(&rest[..length]).map_or(Kind::Word(&rest[..length]), Kind::Id)
        };
        tokens.push(Token { kind, depth, spaced });
        if matches!(c, ')' | ']') {
            depth = depth.saturating_sub(1);
        }
        spaced = false;
        rest = &rest[length.max(c.len_utf8())..];
    }
    tokens
}

/// Length in bytes of the word that `text` begins with; dots count as part of it before a further letter or digit.
fn word_length(text: &str) -> usize {
    let mut length = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inner = c == '.' && length > 0 && chars.peek().is_some_and(|next| next.is_alphanumeric());
        if !(c.is_alphanumeric() || c == '_' || inner) {
            break;
        }
        length += c.len_utf8();
    }
    length
}

fn is_keyword(word: &str) -> bool {
    word.eq_ignore_ascii_case("achievement") || word.eq_ignore_ascii_case("achievements")
}

fn is_connector(kind: Kind<'_>) -> bool {
    match kind {
        Kind::Id(_) => false,
        Kind::Word(word) => ["and", "or", "plus", "to", "through", "thru"].iter().any(|w| word.eq_ignore_ascii_case(w)),
        Kind::Mark(mark) => matches!(mark, ',' | ';' | '&' | '/' | '+' | '-' | '–' | '—'),
    }
}

/// Whether the tokens are a list of ids and nothing else, notes in parentheses aside.
fn is_list(tokens: &[Token<'_>]) -> bool {
    let mut outside = tokens.iter().filter(|token| token.depth == 0).map(|token| token.kind);
    let has_id = tokens.iter().any(|token| token.depth == 0 && matches!(token.kind, Kind::Id(_)));
    has_id
        && outside.all(|kind| match kind {
            Kind::Id(_) => true,
            Kind::Word(word) => is_keyword(word) || is_connector(kind),
            Kind::Mark(mark) => is_connector(kind) || mark == '.' || crate::markdown::is_decoration(mark),
        })
}

fn named(
    tokens: &[Token<'_>],
    listed: bool,
    own: AchievementId,
    known: &BTreeSet<AchievementId>,
) -> Vec<AchievementId> {
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    let mut add = |id: AchievementId| {
        if seen.insert(id) {
            ids.push(id);
        }
    };
    let elsewhere = clauses_of_other_plans(tokens);
    // The last id: its index, itself, and whether its place was one where an achievement is named.
    let mut last: Option<(usize, AchievementId, bool)> = None;
    for (index, token) in tokens.iter().enumerate() {
        let Kind::Id(id) = token.kind else { continue };
        let continued = last.filter(|(at, ..)| tokens[at + 1..index].iter().all(|between| is_connector(between.kind)));
        let in_place = (listed && token.depth == 0)
            || match continued {
                // `Python 3.10, 3.11`: what the first is, the second is too.
                Some((_, _, in_place)) => in_place,
                None => is_place_of_id(tokens, index) && !is_denied(&tokens[..index], token.depth),
            };
        let certain = listed && token.depth == 0;
        let plausible = known.contains(&id) && id != own && !elsewhere[index] && !is_measure(&tokens[index + 1..]);
        if in_place && (certain || plausible) {
            if let Some((at, from, true)) = continued
                && is_range(&tokens[at + 1..index])
            {
                between(from, id, known).into_iter().for_each(&mut add);
            }
            add(id);
        }
        last = Some((index, id, in_place));
    }
    ids
}

/// Whether the token before lets an id be read as the name of an achievement.
fn is_place_of_id(tokens: &[Token<'_>], index: usize) -> bool {
    let Some(before) = index.checked_sub(1).map(|at| tokens[at]) else { return true };
    match before.kind {
        Kind::Id(_) => false,
        Kind::Word(word) => {
            const LEADS: [&str; 33] = [
                "achievement",
                "achievements",
                "after",
                "and",
                "both",
                "by",
                "complete",
                "completes",
                "completing",
                "either",
                "extends",
                "finish",
                "following",
                "from",
                "if",
                "needs",
                "of",
                "on",
                "once",
                "or",
                "plus",
                "require",
                "required",
                "requires",
                "see",
                "since",
                "then",
                "to",
                "until",
                "uses",
                "when",
                "where",
                "with",
            ];
            LEADS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
        }
        Kind::Mark('(' | '[' | ',' | ';' | ':' | '.' | '→') => true,
        // `python-3.11` is one name, `needs - 3.1` is not.
        Kind::Mark('&' | '/' | '+' | '-' | '–' | '—') => index == 1 || (before.spaced && tokens[index].spaced),
        Kind::Mark(mark) => crate::markdown::is_decoration(mark),
    }
}

/// Whether the clause before an id says that it is none of the dependencies: "independent of", "does not depend on".
fn is_denied(before: &[Token<'_>], depth: usize) -> bool {
    /// What denies by itself, where only one of `LINKS` stands between it and the id.
    const APART: [&str; 12] = [
        "alongside",
        "concurrently",
        "despite",
        "independent",
        "independently",
        "instead",
        "irrespective",
        "parallel",
        "regardless",
        "simultaneously",
        "unlike",
        "unrelated",
    ];
    const LINKS: [&str; 10] =
        ["achievement", "achievements", "any", "both", "either", "from", "of", "the", "to", "with"];
    /// Begins of words that say that something is needed, which a "not" before them denies.
    const NEEDS: [&str; 7] = ["block", "depend", "need", "prereq", "reli", "rely", "requir"];
    const NOT: [&str; 9] = ["cannot", "neither", "never", "no", "nor", "not", "nothing", "t", "without"];
    /// A "not" before these is no longer about the id: "not needed before 1.1 is done", "no tools but 1.1".
    const TURNS: [&str; 14] = [
        "after",
        "and",
        "before",
        "but",
        "except",
        "following",
        "if",
        "once",
        "only",
        "since",
        "then",
        "unless",
        "until",
        "when",
    ];
    /// No clause is longer; the rest of a text need not be looked at for each of its ids.
    const LONGEST_CLAUSE: usize = 24;

    let has = |words: &[&str], word: &str| words.iter().any(|one| word.eq_ignore_ascii_case(one));
    let clause = before.iter().rev().take(LONGEST_CLAUSE).filter(|token| token.depth <= depth);
    let mut clause = clause.map(|token| token.kind);
    let (mut linked, mut needed) = (true, false);
    while let Some(kind) = clause.next() {
        let word = match kind {
            Kind::Word(word) => word,
            Kind::Mark('\'' | '\u{2019}') => continue, // doesn't
            Kind::Mark(_) | Kind::Id(_) => break,
        };
        if linked && has(&APART, word) {
            return !matches!(clause.next(), Some(Kind::Word(word)) if has(&NOT, word));
        }
        if has(&NOT, word) {
            return needed;
        }
        if has(&TURNS, word) {
            break;
        }
        linked &= has(&LINKS, word);
        let lower = word.to_ascii_lowercase();
        needed |= NEEDS.iter().any(|begin| lower.starts_with(begin));
    }
    false
}

/// Whether what follows makes a number of the id: `1.5 hours`, `1.5-2.5 h`, `2.5 %`.
fn is_measure(after: &[Token<'_>]) -> bool {
    const UNITS: [&str; 20] = [
        "d", "day", "days", "gb", "h", "hour", "hours", "hr", "hrs", "kb", "mb", "min", "mins", "minutes", "ms", "s",
        "seconds", "times", "weeks", "x",
    ];
    let unit = match after {
        [mark, Token { kind: Kind::Id(_), .. }, unit, ..] if is_range(std::slice::from_ref(mark)) => Some(unit),
        [unit, ..] => Some(unit),
        [] => None,
    };
    match unit.map(|token| token.kind) {
        Some(Kind::Mark(mark)) => matches!(mark, '%' | '×'),
        Some(Kind::Word(word)) => UNITS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok(),
        Some(Kind::Id(_)) | None => false,
    }
}

/// For each token, whether its clause names another PLAN's file.
fn clauses_of_other_plans(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut elsewhere = vec![false; tokens.len()];
    let mut begin = 0;
    for end in 0..=tokens.len() {
        let ends = tokens.get(end).is_none_or(|token| matches!(token.kind, Kind::Mark(';' | '.')));
        if ends {
            let is_plan = |token: &Token<'_>| matches!(token.kind, Kind::Word(w) if w.contains("PLAN_"));
            let names_plan = tokens[begin..end].iter().any(is_plan);
            elsewhere[begin..end].fill(names_plan);
            begin = end;
        }
    }
    elsewhere
}

fn is_range(between: &[Token<'_>]) -> bool {
    match between {
        [Token { kind: Kind::Mark('-' | '–' | '—'), .. }] => true,
        [Token { kind: Kind::Word(word), .. }] => {
            ["to", "through", "thru"].iter().any(|mark| word.eq_ignore_ascii_case(mark))
        }
        _ => false,
    }
}

/// The known ids strictly between two ids that differ only in their last number.
fn between(from: AchievementId, to: AchievementId, known: &BTreeSet<AchievementId>) -> Vec<AchievementId> {
    let (a, b) = (from.parts(), to.parts());
    let siblings = a.len() == b.len() && a[..a.len() - 1] == b[..b.len() - 1];
    if !siblings || from >= to {
        return Vec::new();
    }
    let inner = known.range((Bound::Excluded(from), Bound::Excluded(to))).take(LONGEST_RANGE + 1);
    let inner: Vec<AchievementId> = inner.copied().collect();
    if inner.len() > LONGEST_RANGE {
        return Vec::new();
    }
    inner.into_iter().filter(|id| id.parts().len() == a.len()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> AchievementId {
        text.parse().unwrap()
    }

    fn known() -> BTreeSet<AchievementId> {
        ["1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.5", "2.7", "3.5.1", "3.5.2", "3.10", "3.11"].map(id).into()
    }

    fn of(text: &str) -> (String, Option<String>) {
        let read = read(text, id("9.9"), &known());
        let ids: Vec<String> = read.ids.iter().map(ToString::to_string).collect();
        (ids.join(" "), read.prose)
    }

    #[test]
    fn lists_of_ids_name_each_of_them() {
        for (text, ids) in [
            ("1.1", "1.1"),
            ("1.1, 1.2 and 2.1", "1.1 1.2 2.1"),
            ("Achievement 1.1", "1.1"),
            ("Achievements 1.1, 1.2.", "1.1 1.2"),
            ("Achievement 1.1; Achievement 2.1", "1.1 2.1"),
            ("**1.1**, `1.2`", "1.1 1.2"),
            ("1.1/1.2 & 2.1 + 2.5", "1.1 1.2 2.1 2.5"),
            ("Achievements 1.1-1.4", "1.1 1.2 1.3 1.4"),
            ("1.2 – 1.4", "1.2 1.3 1.4"),
            ("1.1 through 1.3, 2.1", "1.1 1.2 1.3 2.1"),
            ("1.1-2.1", "1.1 2.1"),
            ("1.1, 1.1", "1.1"),
            ("8.8", "8.8"),
            ("9.9", "9.9"),
            ("✅ 1.1", "1.1"),
        ] {
            assert_eq!(of(text), (ids.to_owned(), None), "{text}");
        }
    }

    #[test]
    fn prose_names_known_achievements_and_is_kept() {
        for (text, ids) in [
            ("1.1 (schema), 1.2 (checker)", "1.1 1.2"),
            ("8.8 (to come)", "8.8"),
            ("Achievement 2.7 (Test Work) should be complete", "2.7"),
            ("Achievement 8.8 (Test Work) should be complete", ""),
            ("Achievement 1.1 in PLAN_OTHER.md, if done; then 1.2", "1.2"),
            ("Requires Python 3.11", ""),
            ("Python 3.10, 3.11 or 3.11 and 1.1", ""),
            ("needs python-3.11; after 1.1", "1.1"),
            ("v1.1 of the schema, tool>=1.2", ""),
            ("All of priority 1 (1.1, 1.2, 1.3)", "1.1 1.2 1.3"),
            ("1.1 - the schema", "1.1"),
            ("must wait 1.5 hours after 1.1", "1.1"),
            ("some time (1.1-1.5 hours)", ""),
            ("Runs after 1.1-1.3 are done", "1.1 1.2 1.3"),
            ("Priority 1.1 work", ""),
            ("Achievement 9.9 itself after 1.1", "1.1"),
            ("see [1.1](#one)", "1.1"),
            ("None (can run next to 1.2)", ""),
            ("N/A: foundation for 1.2", ""),
            ("a database", ""),
            ("None at all", ""),
            ("Achievements", ""),
            ("needs at least ...1.1", "1.1"),
            ("–1.1 first", "1.1"),
            ("the tool -1.1", ""),
            ("After 1.1, 1.2 hours of work", "1.1"),
            ("independent of 1.2", ""),
            ("Independent of 1.2, needs 1.1", "1.1"),
            ("Independent of 1.2 and 1.3; after 1.1", "1.1"),
            ("Independently from Achievement 1.2", ""),
            ("not independent of 1.2", "1.2"),
            ("not dependent on 1.2", ""),
            ("It does not depend on the output of achievement 1.2.", ""),
            ("Doesn't need 1.2 but needs 1.1", "1.1"),
            ("It doesn\u{2019}t require 1.2 or 1.3", ""),
            ("needs 1.1 and does not need 1.2", "1.1"),
            ("No dependency on 1.2 (Parser); uses 1.1", "1.1"),
            ("can start without waiting for 1.2, once 1.1 is there", "1.1"),
            ("unlike 1.2, after 1.1", "1.1"),
            ("Unlike: 1.1", "1.1"),
            ("1.1 (independent of 1.2)", "1.1"),
            ("runs in parallel with 1.2 after 1.1", "1.1"),
            ("do not start until 1.1 is done", "1.1"),
            ("not ready, needs 1.1", "1.1"),
            ("Not started: requires 1.1", "1.1"),
            ("cannot be used until after 1.1", "1.1"),
            ("must not begin, depends on 1.1", "1.1"),
            ("not only needs 1.1", "1.1"),
            ("follows the parallel work of 1.1", "1.1"),
            ("No tools needed after 1.1", "1.1"),
            ("not blocked by 1.2", ""),
        ] {
            assert_eq!(of(text), (ids.to_owned(), Some(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn nothing_is_said_in_many_words() {
        for text in [
            "",
            " ",
            "None",
            "none.",
            "**None**",
            "N/A",
            "n/a",
            "-",
            "—",
            "Nothing",
            "No dependencies",
            "No dependencies .",
            "Nil",
        ] {
            assert_eq!(of(text), (String::new(), None), "{text}");
        }
    }

    #[test]
    fn a_long_range_gives_its_ends() {
        let known: BTreeSet<AchievementId> = (1..=500).map(|n| id(&format!("1.{n}"))).collect();
        assert_eq!(read("1.1-1.500", id("2.1"), &known).ids, [id("1.1"), id("1.500")]);
        assert_eq!(read("1.1-1.102", id("2.1"), &known).ids.len(), 102);
    }

    #[test]
    fn word_lists_are_sorted() {
        // A word that is out of place would not be found.
        for word in ["achievement", "both", "if", "since", "with"] {
            assert_eq!(of(&format!("y {word} 1.1 y")).0, "1.1", "{word}");
        }
        for unit in ["d", "gb", "mb", "times", "x"] {
            assert_eq!(of(&format!("y after 1.1 {unit}")).0, "", "{unit}");
        }
    }

    proptest! {
        #[test]
        fn ids_in_a_list_come_back(ids in proptest::collection::vec((0..30_u32, 0..30_u32, proptest::option::of(0..9_u32)), 1..8), mark in ", | and |; | & ") {
            let ids: Vec<AchievementId> = ids.iter().map(|(a, b, c)| {
                id(&c.map_or_else(|| format!("{a}.{b}"), |c| format!("{a}.{b}.{c}")))
            }).collect();
            let text: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let mut once = Vec::new();
            ids.iter().for_each(|id| if !once.contains(id) { once.push(*id) });
            let read = read(&text.join(&mark), id("99.1"), &known());
            prop_assert_eq!(read, References { ids: once, prose: None });
        }

        #[test]
        fn any_text_is_survived(text in "[0-9.,; ()-]{0,40}|\\PC{0,40}") {
            let read = read(&text, id("9.9"), &known());
            let unique: BTreeSet<_> = read.ids.iter().collect();
            prop_assert_eq!(unique.len(), read.ids.len());
        }
    }
}
