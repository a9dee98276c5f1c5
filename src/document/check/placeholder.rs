//! Finds text that was to be replaced and is still there.
//!
//! A marker in a code span or a code fence is talked about, not left behind; so is one that the sentence around it
//! calls a marker. Everything else counts.

use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
};

use crate::markdown::lines;

use super::{
    stand_in::{self, is_stand_in},
    unwrap::unwrap,
};
use crate::document::prose::excerpt;

/// The markers of the document templates that are in use, as they are spelled there.
pub(super) const TEMPLATE_MARKERS: &[&str] = &["[TO BE FILLED", "[FILL:"];

/// What models leave in answers, in lower case.
const ANSWER_MARKERS: &[&str] =
    &["[to be filled", "[fill", "[insert", "[placeholder", "[tbd", "[todo", "[your ", "<insert", "lorem ipsum", "{{"];

/// A placeholder and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// 1-based.
    pub(super) line: usize,
    /// The beginning of the text at fault, on one line.
    pub(super) text: String,
}

/// True for a file that does not count as a document: an empty one, or one that still holds a marker of the document
/// templates (`[TO BE FILLED`, `[FILL:`).
pub fn is_placeholder(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() || template_marker(text).is_some()
}

/// The first marker of the document templates, if one is left; also where the whole document stands in a code fence.
pub(super) fn template_marker(text: &str) -> Option<Found> {
    if !TEMPLATE_MARKERS.iter().any(|marker| memchr::memmem::find(text.as_bytes(), marker.as_bytes()).is_some()) {
        return None;
    }
    first_template_marker(text).or_else(|| {
        let inner = unwrap(text);
        if inner.fenced { first_template_marker(inner.text) } else { None }
    })
}

fn first_template_marker(text: &str) -> Option<Found> {
    lines(text).filter(|line| !line.in_fence && line.text.contains('[')).find_map(|line| {
        let prose = without_code(line.text);
        let (at, _) = markers(&prose, TEMPLATE_MARKERS).next()?;
        Some(Found { line: line.number, text: excerpt(&line.text[at..], 50) })
    })
}

/// Everything in an answer that was to be replaced, at most `most` of it. What stands in `source`, the PLAN's own words,
/// in the same form is content: an achievement about templates speaks of `{{ name }}`.
///
/// The markers by which documents count as placeholders on disk are none of that.
pub(super) fn in_answer(text: &str, source: &str, most: usize) -> Vec<Found> {
    let plan = source;
    // Few answers hold anything that is looked up in it.
    let plan_in_lower_case = OnceCell::new();
    let is_said =
        |part: &str| plan_in_lower_case.get_or_init(|| plan.to_ascii_lowercase()).contains(&part.to_ascii_lowercase());
    let source = if may_hold_marker(source) { source.to_ascii_lowercase() } else { String::new() };
    let mut own: HashSet<&str> = HashSet::new();
    for marker in ANSWER_MARKERS.iter().filter(|_| !source.is_empty()) {
        own.extend(source.match_indices(marker).map(|(at, marker)| whole_marker(&source[at..], marker)));
    }
    let is_own = |line: &str, lower: &str, (at, marker): (usize, &str)| {
        let template = TEMPLATE_MARKERS.iter().any(|template| line[at..].starts_with(template));
        !template && own.contains(whole_marker(&lower[at..], marker))
    };
    lines(text)
        .filter(|line| !line.in_fence)
        .filter_map(|line| {
            let suspicious = may_hold_marker(line.text);
            let lower = if suspicious { line.text.to_ascii_lowercase() } else { String::new() };
            let prose = without_code(&lower);
            // To prepare the search for each marker takes longer than to search a line.
            let looked_for: &[&str] = if suspicious { ANSWER_MARKERS } else { &[] };
            let left = markers(&prose, looked_for).find(|found| !is_own(line.text, &lower, *found));
            let alone = || is_stand_in(line.text).then_some(0);
            let asked = || {
                let mut asked = stand_in::requests(line.text).into_iter();
                asked.find(|range| !is_said(&line.text[range.clone()])).map(|range| range.start)
            };
            let at = left.map(|(at, _)| at).or_else(alone).or_else(asked)?;
            Some(Found { line: line.number, text: excerpt(&line.text[at..], 50) })
        })
        .take(most)
        .collect()
}

/// Whether one of [`ANSWER_MARKERS`] can stand in a text; most lines are told from that by a look at their bytes.
fn may_hold_marker(text: &str) -> bool {
    let bytes = text.as_bytes();
    let lorem = |at: usize| bytes[at..].get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"lorem"));
    memchr::memchr3(b'[', b'<', b'{', bytes).is_some() || memchr::memchr2_iter(b'l', b'L', bytes).any(lorem)
}

/// The marker that `text` begins with, to where it is closed, or else to the end of its word.
fn whole_marker<'a>(text: &'a str, marker: &str) -> &'a str {
    /// A marker with what it asks for is not longer; behind that no close is searched for.
    const LONGEST: usize = 200;
    let begin = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST).last();
    let line = text[..begin.unwrap_or(0)].split('\n').next().unwrap_or_default();
    let close = match marker.chars().next() {
        Some('[') => "]",
        Some('<') => ">",
        Some('{') => "}}",
        Some(_) | None => return &text[..marker.len()],
    };
    let closed = line.find(close).map(|at| &line[..at + close.len()]);
    closed.unwrap_or_else(|| line.split_whitespace().next().unwrap_or(line))
}

/// The markers in `prose` that are left behind rather than talked about, with their offsets.
fn markers<'a>(prose: &'a str, markers: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> + 'a {
    let places = markers.iter().flat_map(move |marker| prose.match_indices(marker));
    places.filter_map(|(at, marker)| {
        let behind = &prose[at + marker.len()..];
        // `[filled in]` is no `[fill`.
        let whole_word = !marker.ends_with(char::is_alphanumeric) || !behind.starts_with(char::is_alphanumeric);
        let rest = behind.bytes().take(200).position(|b| b == b']').map_or(behind, |close| &behind[close + 1..]);
        // `[todo](list.md)` is a link; what says that it is to be filled is a placeholder wherever it points.
        let link = rest.starts_with('(') && marker.starts_with('[') && !marker.to_ascii_lowercase().contains("fill");
        (whole_word && !link && !talked_about(&prose[..at], rest)).then_some((at, marker))
    })
}

/// "No `[FILL:` markers are left": the word before or the word behind says that the marker itself is meant.
fn talked_about(before: &str, behind: &str) -> bool {
    const BEFORE: &[&str] = &[
        "no",
        "any",
        "all",
        "every",
        "each",
        "remaining",
        "leftover",
        "unfilled",
        "literal",
        "replace",
        "remove",
        "containing",
    ];
    const BEHIND: &[&str] = &["marker", "markers", "placeholder", "placeholders", "tag", "tags", "stub", "stubs"];
    // No word of the lists is longer than this window, and a walk to the end of a huge line would cost too much.
    const WINDOW: usize = 24;
    let quoted = before.ends_with(['"', '\'', '\u{201c}', '\u{2018}']);
    let tail = before.char_indices().rev().take(WINDOW).last().map_or("", |(at, _)| &before[at..]).to_lowercase();
    let head: String = behind.chars().take(WINDOW).collect::<String>().to_lowercase();
    let last = tail.split_whitespace().next_back().unwrap_or_default();
    let next = head.split_whitespace().next().unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
    quoted || BEFORE.contains(&last) || BEHIND.contains(&next)
}

/// The line with its code spans blanked out; offsets stay.
pub(super) fn without_code(line: &str) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = line[at..].find('`') {
        let start = at + found;
        let len = line[start..].bytes().take_while(|b| *b == b'`').count();
        runs.push((start, len));
        at = start + len;
    }
    // For each run the next one of the same length, so that an unmatched run does not cost a walk.
    let mut next_of_length: HashMap<usize, usize> = HashMap::new();
    let mut closing: Vec<Option<usize>> = vec![None; runs.len()];
    for (index, (_, len)) in runs.iter().enumerate().rev() {
        closing[index] = next_of_length.insert(*len, index);
    }
    let mut out = String::with_capacity(line.len());
    let mut kept = 0;
    let mut index = 0;
    while index < runs.len() {
        if let Some(close) = closing[index] {
            let (start, end) = (runs[index].0, runs[close].0 + runs[close].1);
            out.push_str(&line[kept..start]);
            // The ticks stay, so that what stands before and behind is still told apart.
            out.extend(std::iter::repeat_n('`', end - start));
            kept = end;
            index = close;
        }
        index += 1;
    }
    out.push_str(&line[kept..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_on_disk() {
        for text in [
            "",
            "\u{feff}\n \t\n",
            "# SUBPLAN\n\n[TO BE FILLED]\n",
            "## Objective\n\n[FILL: one paragraph]",
            "- [FILL: a file]",
            "**Effort**: [FILL: hours]",
            "The objective is [TO BE FILLED: what].",
            "| Owner | [FILL: who] |",
            "**Each**: [FILL: who](x.md)",
            "```markdown\n# SUBPLAN: x\n\n## Objective\n\n[TO BE FILLED]\n```",
            "`code` and [FILL: x]",
            "an unmatched ` tick and [FILL: x]",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "## Objective\n\nReach it.",
            "Files that hold `[TO BE FILLED` do not count.",
            "``a ` [FILL: x]`` is a code span",
            "```\n[FILL: x]\n```\ntext",
            "No [FILL: …] markers are left.",
            "Look for [TO BE FILLED] placeholders.",
            "It searches for \"[FILL:\" in every file.",
            "Replace placeholder values with real ones.",
            "### Iteration 1: [Date]",
            "[fill] the gap",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn placeholders_in_answers() {
        for text in [
            "[To be filled]",
            "Owner: [Fill in the name]",
            "- [insert path here]",
            "Run <insert command>.",
            "Lorem ipsum dolor",
            "Hello {{ name }}",
            "[TBD]",
            "TBD",
            "- TODO.",
            "*To be determined*",
            "Ask [your team].",
            "It begins at once. TODO: write this.",
            "TBD: decide later.",
            "[Describe the approach here]",
            "[TO BE COMPLETED]",
            "[...]",
            "Then deploy (details to be determined).",
        ] {
            assert_eq!(in_answer(text, "", 9).len(), 1, "{text}");
        }
        for text in [
            "Use `{{ name }}` in templates.",
            "See [todo](docs/todo.md).",
            "The form is [filled in] by users.",
            "Resolve each TODO in the code.",
            "- [ ] Tests pass",
            "The linter lists `TODO: x` and other TODO comments.",
            "a < inserted b",
            "```\nTODO\n```",
        ] {
            assert_eq!(in_answer(text, "", 9), [], "{text}");
        }
        let found = in_answer("a\n[FILL: x]\n[TBD]", "", 1);
        assert_eq!(found, [Found { line: 2, text: "[FILL: x]".to_owned() }]);
    }

    #[test]
    fn what_the_plan_says_itself_is_no_placeholder() {
        const SOURCE: &str = "Replace `{{ name }}` and {{x\nby [your name], <insert> lorem ipsum\n[FILL: a] [TBD\nlists each todo: with (when: TBD)";
        for text in [
            "Hello {{ name }} and {{ NAME }}.",
            "Write {{x as it is",
            "Ask [your name] for <insert> now.",
            "Lorem ipsum dolor",
            "[tbd is what stands there",
            "TODO: is what such a line begins with",
            "(when: tbd)",
        ] {
            assert_eq!(in_answer(text, SOURCE, 9), [], "{text}");
        }
        for (text, left) in [
            ("Hello {{ other }}", "{{ other }}"),
            ("Hello {{ name }} and {{ other }}", "{{ other }}"),
            ("{{ name", "{{ name"),
            ("[TBD]", "[TBD]"),
            ("TBD", "TBD"),
            ("Ask [your boss].", "[your boss]."),
            // A document that holds one would not count as one.
            ("[FILL: a]", "[FILL: a]"),
        ] {
            let found: Vec<String> = in_answer(text, SOURCE, 9).into_iter().map(|found| found.text).collect();
            assert_eq!(found, [left], "{text}");
        }
        assert_eq!(in_answer("{{y}}", "{{z}}", 9).len(), 1, "another name is another marker");
        assert_eq!(in_answer("Say {{ name }} to them", "They say {{ name }}", 9), [], "at the end of the PLAN's text");
        let long = format!("[your {}é]", "x".repeat(192));
        assert_eq!(in_answer(&long, &long, 9), [], "cut within a character");
    }

    #[test]
    fn code_spans_are_blanked_without_moving_anything() {
        for (line, blank) in [
            ("a `b` c", "a ``` c"),
            ("``a ` b`` c", "````````` c"),
            ("` a ` ` b", "````` ` b"),
            ("é `ü` é", "é ```` é"),
            ("none", "none"),
        ] {
            assert_eq!(without_code(line), blank);
            assert_eq!(without_code(line).len(), line.len());
        }
    }
}
