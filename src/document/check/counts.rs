//! Checks what an Execution Strategy says of its executions: how many, listed and named alike, each with a purpose.

use crate::{
    document::{
        Finding, Section,
        executions::{EXECUTION_COUNT_RULE, ExecutionCount, MAX_EXECUTIONS, execution_count},
        prose::{list_item, plain},
        sections::{all, find},
    },
    markdown::lines,
    plan::Hours,
};

use super::{
    codes::Code,
    words::{HashSet, words},
};

/// Checks the Execution Strategy of a SUBPLAN, with the estimate that the PLAN gives for all of the work.
pub(super) fn check(sections: &[Section<'_>], estimate: Option<Hours>) -> Option<Finding> {
    let section = find(sections, &all(&[], "execution_strategy"))?;
    let count = execution_count(section.body);
    let line = Some(section.line);
    let wrong = |message: String| Some(Code::ExecutionCount.error(line, format!("{message} {EXECUTION_COUNT_RULE}")));
    if repeats_forms(section.body) {
        return wrong(String::from(
            "The Execution Strategy repeats the forms of its first line instead of choosing one.",
        ));
    }
    let listed = listed(section.body);
    match count.declared {
        None if listed.named > 1 => wrong(format!("The Execution Strategy does not say how many executions it plans, and names {}.", listed.named)),
        None => Some(Code::ExecutionCountMissing.warning(
            line,
            format!("The Execution Strategy does not say how many executions it plans; one is assumed. {EXECUTION_COUNT_RULE}"),
        )),
        Some(0) => wrong(String::from("The Execution Strategy plans no execution.")),
        Some(declared) if declared > MAX_EXECUTIONS => {
            // A number too large to be read counts as the largest there is.
            let declared = if declared == u32::MAX { String::from("far too many") } else { declared.to_string() };
            wrong(format!("The Execution Strategy plans {declared} executions; at most {MAX_EXECUTIONS} are possible."))
        }
        Some(declared) => {
            let named = u32::try_from(listed.named).unwrap_or(u32::MAX);
            let items = u32::try_from(listed.items).unwrap_or(u32::MAX);
            if named > 1 && named != declared {
                return wrong(format!("The Execution Strategy plans {} and names {named}.", executions(declared)));
            }
            if declared > 1 && items > declared && listed.numbered {
                return wrong(format!("The Execution Strategy plans {} and lists {items}.", executions(declared)));
            }
            if let Some(said) = said_elsewhere(section.body, declared) {
                return wrong(format!("The Execution Strategy plans {} and speaks of {said} further down.", executions(declared)));
            }
            purposes(&count, line).or_else(|| too_many(declared, estimate, line))
        }
    }
}

/// Whether an Execution Strategy without a number speaks of more than one execution.
pub(super) fn plans_several(body: &str) -> bool {
    listed(body).named > 1 || repeats_forms(body) || said_elsewhere(body, 1).is_some()
}

fn executions(count: u32) -> String {
    format!("{count} execution{}", if count == 1 { "" } else { "s" })
}

fn purposes(count: &ExecutionCount, line: Option<usize>) -> Option<Finding> {
    let several: Vec<_> = count.parts.iter().filter(|part| part.of > 1).collect();
    let wrong = |message: String| Some(Code::ExecutionPurpose.error(line, format!("{message} {EXECUTION_COUNT_RULE}")));
    if let Some(silent) = several.iter().find(|part| part.purpose.is_empty()) {
        return wrong(format!(
            "The Execution Strategy plans {} executions and gives no purpose for number {}.",
            silent.of, silent.number
        ));
    }
    let is_empty_talk = |purpose: &str| {
        const TALK: [&str; 24] = [
            "purpose",
            "purposes",
            "of",
            "the",
            "execution",
            "executions",
            "execution_task",
            "first",
            "second",
            "third",
            "part",
            "task",
            "for",
            "this",
            "one",
            "number",
            "zweck",
            "ausführung",
            "der",
            "objetivo",
            "propósito",
            "but",
            "de",
            "l'exécution",
        ];
        let known: HashSet = TALK.iter().map(|word| super::words::hash_of(word)).collect();
        words(purpose).all(|word| !word.meant || known.contains(&word.hash))
    };
    if let Some(empty) = several.iter().find(|part| is_empty_talk(&part.purpose)) {
        return Some(Code::ExecutionCount.error(
            line,
            format!(
                "The purpose of execution {} says nothing: \"{}\". {EXECUTION_COUNT_RULE}",
                empty.number, empty.purpose
            ),
        ));
    }
    let key = |purpose: &str| -> Vec<u64> { words(purpose).filter(|word| !word.digit).map(|word| word.hash).collect() };
    let alike = several.iter().enumerate().find(|(index, part)| {
        several[..*index].iter().any(|other| {
            key(&other.purpose) == key(&part.purpose)
                && other.purpose.trim_end_matches('.').eq_ignore_ascii_case(part.purpose.trim_end_matches('.'))
        })
    });
    let (_, part) = alike?;
    Some(Code::ExecutionCount.error(
        line,
        format!(
            "Two executions have the same purpose: \"{}\". Say what each is for, or plan fewer. {EXECUTION_COUNT_RULE}",
            part.purpose
        ),
    ))
}

/// The shortest execution that is worth a document of its own, hours.
const SHORTEST: f64 = 0.5;

fn too_many(declared: u32, estimate: Option<Hours>, line: Option<usize>) -> Option<Finding> {
    let hours = estimate?.high;
    let too_many = declared > 2 && hours / f64::from(declared) < SHORTEST;
    too_many.then(|| {
        let message = format!("The Execution Strategy plans {declared} executions for {hours} hours of work. Plan so many that each takes half an hour at least. {EXECUTION_COUNT_RULE}");
        Code::ExecutionCount.error(line, message)
    })
}

/// Whether the forms of the rule stand there themselves: `Executions: N in parallel`.
fn repeats_forms(body: &str) -> bool {
    lines(body).filter(|line| !line.in_fence).any(|line| {
        let text = plain(line.text);
        let letters = text.matches("Executions: N ").count();
        letters > 0 || (text.matches("Executions: ").count() > 1 && text.contains(" or "))
    })
}

/// What an Execution Strategy lists.
#[derive(Default)]
struct Listed {
    /// Executions called by a number: `EXECUTION_02`, `Execution 2:`.
    named: usize,
    /// Items of the first list, where it is numbered.
    items: usize,
    numbered: bool,
}

fn listed(body: &str) -> Listed {
    let mut listed = Listed::default();
    let mut numbers = std::collections::BTreeSet::new();
    let mut in_list = true;
    let mut first = true;
    for line in lines(body).filter(|line| !line.in_fence && !line.is_blank()) {
        let item = list_item(line.text);
        let text = plain(item.map_or(line.text, |item| item.text));
        // What counts is what a line begins with; others are mentioned.
        numbers.extend(number_of_execution(&text));
        match item {
            Some(item) if item.indent < 2 && in_list => {
                listed.numbered = line.text.trim_start().starts_with(|c: char| c.is_ascii_digit());
                listed.items += usize::from(listed.numbered);
            }
            Some(_) => {}
            None if line.text.starts_with([' ', '\t']) => {}
            None => in_list = first || (in_list && listed.items == 0),
        }
        first = false;
    }
    listed.named = numbers.len();
    listed
}

/// The number of an execution that a text begins with.
fn number_of_execution(text: &str) -> Option<u32> {
    let lower = text.to_lowercase();
    let rest = ["execution_task", "execution"].iter().find_map(|word| lower.strip_prefix(word))?;
    let rest = rest.trim_start_matches(['_', ' ', '#']);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let ends =
        rest[digits.len()..].starts_with([':', ' ', '.', ')', '-', '*', '(', '–', '—']) || rest.len() == digits.len();
    digits.parse().ok().filter(|number| ends && (1..=20).contains(number))
}

/// Another number of executions that the text speaks of: "the three executions".
fn said_elsewhere(body: &str, declared: u32) -> Option<u32> {
    const NUMBERS: [&str; 9] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let mut prose = lines(body).filter(|line| !line.in_fence && !line.is_blank());
    prose.next();
    prose.find_map(|line| {
        let lower = plain(line.text).to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
        words.windows(3).find_map(|words| {
            // With the article it is these executions; "two executions were considered" is something else.
            let [article, number, noun] = words else { return None };
            let all = ["the", "these", "all"].contains(article) && matches!(*noun, "executions" | "execution_tasks");
            let number = NUMBERS
                .iter()
                .zip(1..)
                .find(|(name, _)| *name == number)
                .map(|(_, value)| value)
                .or_else(|| number.parse().ok())?;
            (all && number != declared && number > 1).then_some(number)
        })
    })
}
