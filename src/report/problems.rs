//! Problems of a parallel.json for people: by rule, each with the line it stands on. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::BTreeMap, fmt::Write as _};

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{
    columns::{usable, wrap},
    plural, sanitize,
    sanitize::is_unsafe,
    truncate,
};
use crate::parallel::{MOST_PROBLEMS, Problem, Severity};

/// Problems of one rule that are shown with their line; whoever has more of them has made one mistake many times.
const SHOWN: usize = 50;

/// Columns before the value that are shown of a line that has to be cut.
const BEFORE: usize = 24;

/// Longer lines are cut here: the renderer cuts too, but looks at all of the line, which may be the whole file.
const LONGEST_LINE: usize = 2_000;

/// How problems are shown.
#[derive(Clone, Copy, Debug)]
pub struct ProblemsView {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether there are colours.
    pub coloured: bool,
    /// Whether those beyond the first of a rule are listed, one a line.
    pub all: bool,
}

/// Shows the problems found in `source`, which people know as `file`. Empty where there is none.
pub fn problems_text(problems: &[Problem], source: &str, file: &str, view: ProblemsView) -> String {
    let file = sanitize(file);
    let width = usable(view.width);
    let mut by_rule: BTreeMap<(Severity, &str), Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        by_rule.entry((problem.severity, problem.rule.code)).or_default().push(problem);
    }
    let shown = by_rule.values().flat_map(|list| list.iter().take(SHOWN)).map(|problem| problem.line);
    let lines = lines(source, shown);
    let renderer = if view.coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(width);
    let mut text = String::new();
    for list in by_rule.values() {
        for problem in list.iter().take(SHOWN) {
            text.push_str(&snippet(problem, &lines, &file, width, &renderer));
            text.push_str("\n\n");
        }
        let Some(rest) = list.get(SHOWN..).filter(|rest| !rest.is_empty()) else { continue };
        let Some(rule) = list.first().map(|problem| problem.rule) else { continue };
        if view.all {
            for problem in rest {
                let Problem { line, column, message, severity, .. } = problem;
                let row =
                    format!("{file}:{line}:{column}: {}[{}]: {}", severity.as_str(), rule.code, sanitize(message));
                text.push_str(&truncate(&row, width.max(file.len() + 60)));
                text.push('\n');
            }
        } else {
            let _ = writeln!(text, "… and {} of {} {}; `--all` lists them", more(rest.len()), rule.code, rule.name);
        }
        text.push('\n');
    }
    text
}

fn more(count: usize) -> String {
    format!("{} more", super::count(u64::try_from(count).unwrap_or(u64::MAX)))
}

/// `2 errors, 1 warning; --fix repairs 2 of them`.
pub fn problems_summary(problems: &[Problem]) -> String {
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let some = |(severity, word): (Severity, &str)| match count(severity) {
        0 => None,
        number if number >= MOST_PROBLEMS => Some(format!("at least {}", plural(number, word))),
        number => Some(plural(number, word)),
    };
    let said: Vec<String> = kinds.into_iter().filter_map(some).collect();
    let fixable = problems.iter().filter(|problem| problem.fixable).count();
    let fix = match (fixable, problems.len()) {
        (0, _) => String::new(),
        (1, 1) => "; `--fix` repairs it".to_owned(),
        (fixable, all) if fixable == all => "; `--fix` repairs them".to_owned(),
        (fixable, _) => format!("; `--fix` repairs {fixable} of them"),
    };
    if said.is_empty() { "no problems".to_owned() } else { format!("{}{fix}", said.join(", ")) }
}

/// The lines of these numbers, and the one after each, in one pass over the text.
fn lines<'a>(source: &'a str, numbers: impl Iterator<Item = usize>) -> BTreeMap<usize, &'a str> {
    let mut wanted: BTreeMap<usize, &'a str> =
        numbers.flat_map(|number| [number, number + 1]).map(|n| (n, "")).collect();
    let last = wanted.last_key_value().map_or(0, |(number, _)| *number);
    let mut end = 0;
    for (line, number) in source.split('\n').take(last).zip(1..) {
        if let Some(wanted) = wanted.get_mut(&number) {
            *wanted = line.trim_end_matches('\r');
        }
        end = number;
    }
    wanted.retain(|number, _| *number <= end);
    wanted
}

fn snippet(problem: &Problem, lines: &BTreeMap<usize, &str>, file: &str, width: usize, renderer: &Renderer) -> String {
    let Problem { rule, severity, path, line, column, width: columns, message, hint, fixable } = problem;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title =
        wrap(&sanitize(message), width.saturating_sub(severity.as_str().len() + rule.code.len() + 4)).join("\n");
    let number = line.to_string().len();
    let room = width.saturating_sub(number + 3);
    let cut = Cut::of(lines.get(line).copied().unwrap_or_default(), *column, *columns, room);
    let mut source = cut.text;
    // A bracket alone says nothing; what follows it does.
    if source.trim_end().ends_with(['{', '['])
        && let Some(next) = lines.get(&(line + 1))
    {
        source.push('\n');
        source.push_str(&Cut::of(next, 1, 1, room).text);
    }
    let snippet = Snippet::source(source)
        .line_start(*line)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(cut.start..cut.end));
    let note = |name: &str, text: &str| wrap(&sanitize(text), width.saturating_sub(number + 5 + name.len())).join("\n");
    let group = level.primary_title(title).id(rule.code);
    // The renderer takes the column from what it is shown, which is wrong where the line was cut.
    let mut group = if cut.skipped {
        group.element(Origin::path(file).line(*line).char_column(*column)).element(snippet)
    } else {
        group.element(snippet.path(file))
    };
    if !path.is_empty() {
        group = group.element(Level::NOTE.with_name("at").message(note("at", path)));
    }
    if let Some(hint) = hint {
        group = group.element(Level::HELP.message(note("help", hint)));
    }
    if *fixable && let Some(fix) = rule.fix {
        group = group.element(Level::NOTE.with_name("--fix").message(note("--fix", fix)));
    }
    renderer.render(&[group])
}

/// A line cut to what fits, one character for each of its own, and the bytes of the value in it.
struct Cut {
    text: String,
    start: usize,
    end: usize,
    /// Whether it does not begin with the line's beginning.
    skipped: bool,
}

impl Cut {
    fn of(line: &str, column: usize, columns: usize, room: usize) -> Self {
        let plain = |c: char| match c {
            '\t' => ' ',
            c if is_unsafe(c) => '\u{fffd}',
            c => c,
        };
        let value = column.saturating_sub(1);
        let (skip, take) = if line.chars().nth(LONGEST_LINE).is_none() {
            (0, LONGEST_LINE)
        } else {
            (value.saturating_sub(BEFORE), room.saturating_sub(2))
        };
        let mut text = String::new();
        let (mut start, mut end) = (None, None);
        if skip > 0 {
            text.push('…');
        }
        let mut left = false;
        for (at, c) in line.chars().enumerate().skip(skip) {
            if at >= skip + take {
                left = true;
                break;
            }
            if at == value {
                start = Some(text.len());
            }
            text.push(plain(c));
            if at < value + columns {
                end = Some(text.len());
            }
        }
        if left {
            text.push('…');
        }
        let start = start.unwrap_or(text.len());
        Self { end: end.unwrap_or(text.len()).max(start), text, start, skipped: skip > 0 }
    }
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;
    use proptest::prelude::*;

    use super::*;
    use crate::parallel::{ParallelFile, rule};

    const VIEW: ProblemsView = ProblemsView { width: 80, coloured: false, all: false };

    fn problem(line: usize, column: usize, width: usize, message: &str) -> Problem {
        let rule = rule("cycle").unwrap();
        Problem {
            rule,
            severity: rule.severity,
            path: "levels[0].achievements[0].dependencies[0]".to_owned(),
            line,
            column,
            width,
            message: message.to_owned(),
            hint: Some("remove 2.1 from the dependencies of 1.1".to_owned()),
            fixable: false,
        }
    }

    #[test]
    fn a_problem_shows_its_line_its_path_and_what_to_do() {
        let source = "{\n  \"a\": [\"2.1\"]\n}\n";
        let message =
            "dependencies form a cycle: 1.1 → 2.1 → 1.1 (each depends on the next), and that is a long way to say it";
        insta::assert_snapshot!(problems_text(&[problem(2, 9, 5, message)], source, "plan/parallel.json", VIEW), @r#"
        error[PW304]: dependencies form a cycle: 1.1 → 2.1 → 1.1 (each depends on the
                      next), and that is a long way to say it
         --> plan/parallel.json:2:9
          |
        2 |   "a": ["2.1"]
          |         ^^^^^
          |
          = at: levels[0].achievements[0].dependencies[0]
          = help: remove 2.1 from the dependencies of 1.1
        "#);
    }

    #[test]
    fn a_bracket_is_shown_with_the_line_after_it() {
        let source = "[\n  {\n    \"id\": 1\n  }\n]";
        insta::assert_snapshot!(problems_text(&[problem(2, 3, 1, "m")], source, "f", VIEW), @r#"
        error[PW304]: m
         --> f:2:3
          |
        2 |   {
          |   ^
        3 |     "id": 1
          |
          = at: levels[0].achievements[0].dependencies[0]
          = help: remove 2.1 from the dependencies of 1.1
        "#);
    }

    #[test]
    fn long_and_hostile_lines_are_cut_and_made_harmless() {
        let source =
            format!("{{\"a\": \"{}\u{1b}[31m\t\", \"b\": \"2.1\", \"c\": \"{}\"}}", "x".repeat(300), "y".repeat(300));
        let column = 1 + source.chars().position(|c| c == '2').unwrap();
        insta::assert_snapshot!(problems_text(&[problem(1, column, 3, "m\u{1b}[2J")], &source, "f", VIEW), @r#"
        error[PW304]: m
         --> f:1:323
          |
        1 | ...xxxxxxxxxxxxxxxxxx�[31m ", "b": "2.1", "c": "yyyyyyyyyyyyyyyyyyyyyyyyy...
          |                                     ^^^
          |
          = at: levels[0].achievements[0].dependencies[0]
          = help: remove 2.1 from the dependencies of 1.1
        "#);
    }

    #[test]
    fn many_of_one_kind_are_counted_or_listed() {
        let list: Vec<Problem> = (1..=53).map(|line| problem(line, 1, 1, "m")).collect();
        let source = "a\n".repeat(53);
        let text = problems_text(&list, &source, "f", VIEW);
        assert!(text.contains(" --> f:50:1\n"), "{text}");
        assert!(text.ends_with("… and 3 more of PW304 cycle; `--all` lists them\n\n"), "{text}");
        let text = problems_text(&list, &source, "f", ProblemsView { all: true, ..VIEW });
        assert!(
            text.ends_with("f:51:1: error[PW304]: m\nf:52:1: error[PW304]: m\nf:53:1: error[PW304]: m\n\n"),
            "{text}"
        );
        assert_eq!(problems_summary(&list), "53 errors");
        assert_eq!(problems_summary(&[]), "no problems");
        assert_eq!(problems_text(&[], "", "f", VIEW), "");
    }

    proptest! {
        #[test]
        fn any_text_and_place_is_survived_and_fits(
            source in "[a-z\"{}\n\r\t\u{1b}\u{202e}é世 ]{0,200}",
            places in prop::collection::vec((1_usize..6, 1_usize..150, 1_usize..200), 1..4),
        ) {
            let list: Vec<Problem> = places.into_iter().map(|(l, c, w)| problem(l, c, w, "message of some length")).collect();
            let text = problems_text(&list, &source, "f", VIEW);
            let harmless = !text.contains(['\u{1b}', '\u{202e}', '\r', '\t']);
            prop_assert!(harmless, "{:?}", text);
            // Wide characters are cut by number, so a line of them may take more columns.
            let wide = source.contains('世');
            for line in text.lines() {
                prop_assert!(wide || measure_text_width(line) <= 82, "{:?}", line);
            }
            if let Err(problems) = ParallelFile::parse(source.as_bytes()) {
                problems_text(&problems, &source, "f", VIEW);
            }
        }
    }
}
