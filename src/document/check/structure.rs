//! Checks the sections of an answer: all there, in order, once each, with a real body.

use crate::document::{
    Finding, Section, SectionSpec,
    prose::{word_count, words},
    sections::{same_name, section_name},
};
use crate::markdown::lines;

use super::{codes::Code, stand_in::is_stand_in};

/// Checks `sections`, all sections of `text`, against those that the document has to have.
pub(super) fn check(text: &str, sections: &[Section<'_>], specs: &[SectionSpec]) -> Vec<Finding> {
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let expected = names.as_slice();
    let mut findings = Vec::new();
    let mut places = Vec::new();
    let mut deeper: Option<Vec<Option<(usize, u8)>>> = None;
    for (index, name) in expected.iter().enumerate() {
        let mut here = sections.iter().enumerate().filter(|(_, section)| same_name(&section.name, name));
        let Some((at, section)) = here.next() else {
            let deeper = deeper.get_or_insert_with(|| deeper_headings(text, expected));
            findings.push(missing(expected, index, deeper[index]));
            continue;
        };
        if let Some((_, again)) = here.next() {
            let message =
                format!("The section `{name}` is there twice (lines {} and {}). Keep one.", section.line, again.line);
            findings.push(Code::SectionDuplicate.error(Some(again.line), message));
        }
        places.push((at, section.line, *name));
        if let Some(why) = emptiness(section, specs[index].least_words, specs[index].may_be_none) {
            let message = format!("The section `{name}` {why}. Write its content.");
            findings.push(Code::SectionEmpty.error(Some(section.line), message));
        }
    }
    findings.extend(disorder(&places, expected));
    findings
}

/// Checks that the sections' places (index, line, name) ascend; they come in the order that is expected.
fn disorder(places: &[(usize, usize, &str)], expected: &[&str]) -> Option<Finding> {
    let mut found = places.to_vec();
    found.sort_unstable();
    let (_, (_, line, name)) = places.iter().zip(&found).find(|(wanted, found)| wanted != found)?;
    let message =
        format!("The section `{name}` (line {line}) stands in the wrong place. The order is: {}.", expected.join(", "));
    Some(Code::SectionOrder.error(Some(*line), message))
}

/// For each expected section, line and level of the first heading of its name, wherever it stands.
fn deeper_headings(text: &str, expected: &[&str]) -> Vec<Option<(usize, u8)>> {
    let mut found = vec![None; expected.len()];
    for line in lines(text) {
        let Some(heading) = line.heading() else { continue };
        let name = section_name(heading.text);
        if let Some(index) = expected.iter().position(|expected| same_name(expected, &name)) {
            found[index] = found[index].or(Some((line.number, heading.level)));
        }
    }
    found
}

/// `deeper` is a heading of the section's name at another level: one level too deep is the commonest reason.
fn missing(expected: &[&str], index: usize, deeper: Option<(usize, u8)>) -> Finding {
    let name = expected[index];
    let place = match index.checked_sub(1) {
        Some(before) => format!("after the section `{}`", expected[before]),
        None => "as the first section".to_owned(),
    };
    match deeper {
        Some((line, level)) => {
            let marks = "#".repeat(usize::from(level));
            let message = format!(
                "`{marks} {name}` (line {line}) stands inside of another section. Make it `## {name}`, {place}."
            );
            Code::SectionMissing.error(Some(line), message)
        }
        None => Code::SectionMissing.error(None, format!("The section `## {name}` is missing. Add it {place}.")),
    }
}

/// Why a section's body is none; `None` where it is one.
pub(super) fn emptiness(section: &Section<'_>, least: usize, may_be_none: bool) -> Option<String> {
    let body: String =
        section.body.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).take(4000).collect();
    let count = word_count(&body);
    if count == 0 {
        return Some(match section.body.trim().is_empty() {
            true => "has no body (sub-headings inside of a section begin with `###`)".to_owned(),
            false => "has headings and no text".to_owned(),
        });
    }
    if is_stand_in(body.trim()) || (is_nothing(body.trim()) && !may_be_none) {
        return Some(format!("says only \"{}\"", body.trim()));
    }
    (count < least).then(|| format!("has {count} of at least {least} words"))
}

/// "N/A", "None", "Coming soon": a body that says nothing.
fn is_nothing(body: &str) -> bool {
    const NOTHING: &[&str] = &[
        "n/a",
        "na",
        "none",
        "nothing",
        "not applicable",
        "pending",
        "placeholder",
        "coming soon",
        "see above",
        "same as above",
        "as above",
    ];
    body.len() <= 60 && NOTHING.contains(&words(body).join(" ").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::sections::sections;

    #[test]
    fn a_body_that_says_nothing_is_none_but_where_none_is_an_answer() {
        let dotted = |length: usize| format!("N/A{}", ".".repeat(length - 3));
        let table = [
            ("Deliverables", "N/A".to_owned(), true),
            ("Deliverables", "*Coming soon*".to_owned(), true),
            ("Deliverables", "None of the files is new".to_owned(), false),
            ("Deliverables", dotted(60), true),
            ("Deliverables", dotted(61), false),
            ("Coordination", "N/A".to_owned(), false),
            ("🔗 Iteration Log", "None".to_owned(), false),
            ("Coordination", "TBD".to_owned(), true),
        ];
        for (name, body, none) in table {
            let text = format!("## {name}\n\n{body}\n");
            let expected = none.then(|| format!("says only \"{body}\""));
            assert_eq!(
                emptiness(&sections(&text)[0], 1, name.contains("Coordination") || name.contains("Iteration")),
                expected,
                "{text}"
            );
        }
    }
}
