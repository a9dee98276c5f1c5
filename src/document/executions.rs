//! How many EXECUTION_TASKs a SUBPLAN plans: the line that opens its Execution Strategy.
//!
//! The prompt demands one exact form; people write many, so reading is tolerant and never fails.

use crate::markdown::lines;

use super::{
    ExecutionPart,
    prose::{list_item, plain, words},
};

/// The most executions that one SUBPLAN may plan.
pub const MAX_EXECUTIONS: u32 = 9;

/// The rule for the opening line of an Execution Strategy, as prompts and findings state it.
pub const EXECUTION_COUNT_RULE: &str = "Begin the Execution Strategy section with one line that says how many EXECUTION_TASKs \
    carry out this SUBPLAN, in exactly one of these forms: `Executions: 1`, `Executions: N in parallel` or `Executions: N in \
    sequence`, with N from 2 to 9; where N is 2 or more, the next lines are a numbered list that gives the purpose of each \
    execution, one line each.";

/// The executions that a SUBPLAN plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionCount {
    /// The number the text gives, not capped; `None` where it gives none, which means one.
    pub declared: Option<u32>,
    /// The text says that they follow one another. Where it says nothing, they may run at the same time.
    pub in_sequence: bool,
    /// One part per execution, at least one and at most [`MAX_EXECUTIONS`].
    pub parts: Vec<ExecutionPart>,
}

/// The parts of [`execution_count`].
pub fn planned_executions(execution_strategy: &str) -> Vec<ExecutionPart> {
    execution_count(execution_strategy).parts
}

/// Reads the body of an Execution Strategy section.
pub fn execution_count(execution_strategy: &str) -> ExecutionCount {
    let mut prose = lines(execution_strategy).filter(|line| !line.in_fence && !line.is_blank()).map(|line| line.text);
    let mut first = true;
    let found = prose.by_ref().find_map(|line| {
        let statement = statement(line, first);
        first = false;
        statement
    });
    let Some(Statement { count, rest }) = found else {
        return ExecutionCount { declared: None, in_sequence: false, parts: parts(1, Vec::new()) };
    };
    let said = rest.to_lowercase();
    let in_sequence =
        count > 1 && ["sequen", "in series", "serial", "one after", "in order"].iter().any(|word| said.contains(word));
    let of = count.clamp(1, MAX_EXECUTIONS);
    let purposes =
        if of == 1 { Vec::new() } else { inline_purposes(&rest, of).unwrap_or_else(|| listed_purposes(prose)) };
    ExecutionCount { declared: Some(count), in_sequence, parts: parts(of, purposes) }
}

fn parts(of: u32, purposes: Vec<String>) -> Vec<ExecutionPart> {
    let mut purposes = purposes.into_iter();
    (1..=of).map(|number| ExecutionPart { number, of, purpose: purposes.next().unwrap_or_default() }).collect()
}

struct Statement {
    count: u32,
    /// What follows the label or the number, for "in parallel" and inline purposes.
    rest: String,
}

/// Labels whose value is the number of executions.
const LABELS: &[&str] = &[
    "executions",
    "execution",
    "execution count",
    "executions planned",
    "planned executions",
    "execution tasks",
    "number of executions",
    "number of execution tasks",
    "total executions",
];

/// Labels whose value may be about something else, so that it has to speak of executions itself.
const LOOSE_LABELS: &[&str] =
    &["type", "execution type", "strategy", "execution strategy", "execution plan", "plan", "mode"];

/// Reads a line such as `Executions: 3 in parallel`; without a label only the `first` line is trusted.
fn statement(line: &str, first: bool) -> Option<Statement> {
    let line = plain(line);
    if let Some((label, value)) = line.split_once(':') {
        let label = words(label).join(" ");
        let speaks_of_executions = || words(value).iter().any(|word| is_execution(word));
        if LABELS.contains(&label.as_str()) || (LOOSE_LABELS.contains(&label.as_str()) && speaks_of_executions()) {
            // A value without a number ("see below") says nothing.
            let count = words(value).iter().find_map(|word| number(word))?;
            return Some(Statement { count, rest: value.to_owned() });
        }
    }
    // "3 executions in parallel", "Two sequential EXECUTION_TASKs": the number right before the word, or one word apart.
    let words = words(&line);
    let at = words.iter().position(|word| is_execution(word)).filter(|at| first && *at <= 8)?;
    let count = words[..at].iter().rev().take(2).find_map(|word| number(word))?;
    Some(Statement { count, rest: line })
}

fn is_execution(word: &str) -> bool {
    matches!(word, "execution" | "executions" | "execution_task" | "execution_tasks")
}

fn number(word: &str) -> Option<u32> {
    const WORDS: [&str; 9] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    if word == "single" {
        return Some(1);
    }
    let spelled = WORDS.iter().zip(1..).find(|(name, _)| **name == word).map(|(_, value)| value);
    spelled.or_else(|| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        // `2x`, `3`: but not `31_01`, which is a file name.
        let rest = &word[digits..];
        if digits == 0 || !matches!(rest, "" | "x") {
            return None;
        }
        Some(word[..digits].parse().unwrap_or(u32::MAX))
    })
}

/// `Executions: 2 in parallel: the parser; the printer`.
fn inline_purposes(rest: &str, of: u32) -> Option<Vec<String>> {
    let (_, list) = rest
        .split_once(" - ")
        .or_else(|| rest.split_once(" – "))
        .or_else(|| rest.split_once(" — "))
        .or_else(|| rest.split_once(':'))?;
    let split = |separator: char| -> Option<Vec<String>> {
        let pieces: Vec<String> =
            list.split(separator).map(|piece| piece.trim().trim_end_matches('.').to_owned()).collect();
        (u32::try_from(pieces.len()) == Ok(of) && pieces.iter().all(|piece| !piece.is_empty())).then_some(pieces)
    };
    split(';').or_else(|| split(','))
}

/// The list that follows the statement; a sentence in between that introduces the list is passed over.
fn listed_purposes<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut purposes: Vec<String> = Vec::new();
    let mut introduced = false;
    for line in lines {
        match list_item(line) {
            Some(item) if item.indent < 2 => purposes.push(purpose(item.text)),
            Some(_) => {}
            // What is indented below an item goes on about it.
            None if !purposes.is_empty() && line.starts_with([' ', '\t']) => {}
            None if !purposes.is_empty() || introduced => break,
            None => {
                let label = plain(line).to_lowercase();
                let about_something_else =
                    ["rationale", "reason", "why", "alternative", "duration", "order", "note", "phase"];
                if about_something_else.iter().any(|word| label.contains(word)) {
                    break;
                }
                introduced = true;
            }
        }
    }
    purposes
}

/// Takes `**Execution 01**: the parser` down to `the parser`.
fn purpose(item: &str) -> String {
    let item = plain(item);
    let numbered = |label: &str| {
        let words = words(label);
        let about = |word: &String| {
            is_execution(word) || word.starts_with("execution_task_") || word == "part" || word == "task"
        };
        words.first().is_some_and(about) && words.len() <= 3
    };
    let separators = [": ", " - ", " – ", " — "];
    let cut = separators.iter().filter_map(|separator| item.split_once(separator)).find(|(label, _)| numbered(label));
    cut.map_or_else(|| item.clone(), |(_, rest)| rest.to_owned()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(strategy: &str) -> (Option<u32>, bool, Vec<String>) {
        let count = execution_count(strategy);
        let of = u32::try_from(count.parts.len()).unwrap();
        for (part, number) in count.parts.iter().zip(1..) {
            assert_eq!((part.number, part.of), (number, of), "{strategy}");
        }
        (count.declared, count.in_sequence, count.parts.into_iter().map(|part| part.purpose).collect())
    }

    #[test]
    fn the_number_is_read_however_it_is_written() {
        let table: &[(&str, Option<u32>, bool, &[&str])] = &[
            ("", None, false, &[""]),
            ("Work through the phases.", None, false, &[""]),
            ("Executions: 1", Some(1), false, &[""]),
            ("Executions: 1\n\n1. Phase one\n2. Phase two", Some(1), false, &[""]),
            (
                "Executions: 2 in parallel\n1. The parser\n2. The printer",
                Some(2),
                false,
                &["The parser", "The printer"],
            ),
            (
                "Executions: 2 in sequence\n\n1. The parser\n2. The printer",
                Some(2),
                true,
                &["The parser", "The printer"],
            ),
            ("**Executions**: 3 (parallel)\n- a\n- b\n- c\n- d", Some(3), false, &["a", "b", "c"]),
            ("- **Executions:** three, one after the other\n\n* a\n* b", Some(3), true, &["a", "b", ""]),
            ("`Executions: 2 in sequence`\n1) a\n   more\n   - detail\n2) b", Some(2), true, &["a", "b"]),
            ("Executions: 2 in parallel: parser and lexer; printer.", Some(2), false, &["parser and lexer", "printer"]),
            ("Executions: 2 - parser, printer", Some(2), false, &["parser", "printer"]),
            (
                "Executions: 2 in sequence\n\nTheir purposes:\n\n1. **Execution 01**: a\n2. **Execution 02** - b",
                Some(2),
                true,
                &["a", "b"],
            ),
            ("Executions: 2\n\n**Rationale**:\n- it is big\n- it is split", Some(2), false, &["", ""]),
            ("**Execution Count**: Single", Some(1), false, &[""]),
            ("**Type**: Single EXECUTION (for now)", Some(1), false, &[""]),
            ("### Type: Two sequential EXECUTION_TASKs", Some(2), true, &["", ""]),
            ("**Type**: 2 hours of work", None, false, &[""]),
            ("### Single Execution Approach\n\nExecution order: 3", Some(1), false, &[""]),
            ("This SUBPLAN plans two parallel executions.\n\n- a\n- b", Some(2), false, &["a", "b"]),
            ("All at once.\n\nSplitting into 2 executions was considered.", None, false, &[""]),
            ("```\nExecutions: 4\n```\nExecutions: 1", Some(1), false, &[""]),
            ("**EXECUTION_TASK**: `EXECUTION_TASK_X_31_01.md`", None, false, &[""]),
            ("Executions: none yet", None, false, &[""]),
            ("Executions: 0", Some(0), false, &[""]),
            ("Executions: 1, in sequence with those of 3.2", Some(1), false, &[""]),
            ("Executions: as 31_01 says", None, false, &[""]),
            ("Executions: as many as x", None, false, &[""]),
            ("Executions: 2\n1. a\n  - detail\n2. b", Some(2), false, &["a", "b"]),
            ("Executions: 2\n\n1. a\n\nMore of them:\n\n2. b", Some(2), false, &["a", ""]),
            ("Executions: 2\n\nThey are small.\n\nThey share:\n\n- a\n- b", Some(2), false, &["", ""]),
            ("Executions: 2\n1. Parser: reads\n2. Part 2: prints", Some(2), false, &["Parser: reads", "prints"]),
            ("Executions: 2\n1. Task 1: a\n2. Task 2 of the two - b", Some(2), false, &["a", "Task 2 of the two - b"]),
        ];
        for (strategy, declared, in_sequence, purposes) in table {
            let expected = (*declared, *in_sequence, purposes.iter().map(ToString::to_string).collect());
            assert_eq!(summary(strategy), expected, "{strategy}");
        }
    }

    #[test]
    fn more_than_nine_are_capped_but_said() {
        let count = execution_count("Executions: 12 in parallel");
        assert_eq!((count.declared, count.parts.len()), (Some(12), 9));
        assert_eq!(execution_count("Executions: 99999999999").declared, Some(u32::MAX));
        assert_eq!(planned_executions("Executions: 4 in parallel").len(), 4);
    }

    #[test]
    fn the_forms_that_the_rule_names_are_the_forms_that_are_read() {
        for form in EXECUTION_COUNT_RULE.split('`').skip(1).step_by(2) {
            let line = form.replace('N', "4");
            let count = execution_count(&line);
            assert_eq!(count.declared, Some(if form.contains('N') { 4 } else { 1 }), "{line}");
            assert_eq!(count.in_sequence, form.contains("sequence"), "{line}");
        }
    }
}
