//! Every code once failing and once passing, and properties over generated documents.

use proptest::prelude::*;

use super::*;
use crate::document::{Header, Severity, digest, render_document};
use crate::plan::PlanName;

const SUBPLAN: &str = "\
## Objective

Import the daily feeds so that the report shows yesterday's figures.

## Deliverables

- `src/feeds.rs`: reads a feed
- Error messages for broken feeds

## Approach

Read each feed as a stream, check every row against the schema, and collect what is wrong with it.

### Order of work

Reader first, then the checks.

## Execution Strategy

Executions: 1

## Testing Strategy

Unit tests per rule with `a.csv`, `b.csv`, `c.csv` and `d.csv`; `cargo test feeds` reads one feed of every carrier to its end.

## Expected Results

All 12 feeds of the sample week (3,400 rows) are imported in 20 seconds without a loss.

## Dependencies and Coordination

None.
";

const EXECUTION: &str = "\
## SUBPLAN Context

The SUBPLAN wants the daily feeds imported as streams.

## Objective

Write the reader of daily rows in `src/feeds.rs` and its tests.

## Instructions

1. Define the row type and its parser with good error messages for broken feeds.
2. Run the tests.

## Iteration Log

Iteration 1: not started.

## Learning Summary

None yet.

## Coordination

N/A

## Completion Checklist

- [ ] Reader written
- [ ] Tests pass
";

/// The prompts of the program, and a PLAN that says nothing.
static MATERIAL: std::sync::LazyLock<Material> = std::sync::LazyLock::new(|| material(""));

/// The prompts of the program, and a PLAN with one section of this text.
pub(super) fn material(text: &str) -> Material {
    let plan = format!(
        "# PLAN: Demo\n\n## Goal\n\n{text}\n\n## Achievements\n\n**Achievement 3.1**: Feeds\n\n- **Goal**: Feeds\n"
    );
    let plan = crate::plan::parse(PlanName::parse("DEMO").unwrap(), plan.as_bytes()).unwrap();
    Material::new(crate::prompts::Templates::load(&[]).unwrap().literals(), &plan)
}

fn body(stage: Stage) -> &'static str {
    match stage {
        Stage::Subplan => SUBPLAN,
        Stage::Execution => EXECUTION,
    }
}

fn id(text: &str) -> AchievementId {
    AchievementId::parse(text).unwrap()
}

fn answer(text: &str, stage: Stage, deliverables: &[&str]) -> Vec<Finding> {
    let names = Names::new(PlanName::parse("DEMO").unwrap(), ["1.1", "3.1", "3.2"].map(id));
    let deliverables: Vec<String> = deliverables.iter().map(ToString::to_string).collect();
    let source = "Readers of {{ feed }} lines.";
    check_answer(
        text,
        &Expected {
            stage,
            achievement: id("3.1"),
            deliverables: &deliverables,
            source,
            names: &names,
            title: "Feeds",
            estimate: None,
            sections: stage.sections(),
            material: &MATERIAL,
        },
    )
}

fn codes(findings: &[Finding], severity: Severity) -> Vec<&'static str> {
    for finding in findings {
        assert!(Code::parse(finding.code.as_str()).is_some(), "{} is not explained", finding.code);
        assert!(finding.message.ends_with(['.', '`']), "no sentence: {}", finding.message);
    }
    findings.iter().filter(|finding| finding.severity == severity).map(|finding| finding.code.as_str()).collect()
}

fn errors(text: &str, stage: Stage) -> Vec<&'static str> {
    codes(&answer(text, stage, &["`src/feeds.rs`", "Error messages"]), Severity::Error)
}

#[test]
fn good_answers_pass() {
    let quoting = SUBPLAN.replacen("## Deliverables\n", "## Deliverables\n\nTemplates with {{ feed }}.\n", 1);
    assert_ne!(quoting, SUBPLAN);
    assert_eq!(errors(&quoting, Stage::Subplan), [""; 0]);
    assert_eq!(errors(SUBPLAN, Stage::Subplan), [""; 0]);
    assert_eq!(errors(EXECUTION, Stage::Execution), [""; 0]);
}

/// A section from its heading to the next.
fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.find(&format!("## {name}\n")).unwrap();
    let end = text[start + 3..].find("\n## ").map_or(text.len(), |at| start + 3 + at + 1);
    &text[start..end]
}

#[test]
fn each_shortcoming_of_an_answer_has_its_code() {
    use Stage::{Execution, Subplan};
    let replaced = |stage: Stage, old: &str, new: &str| {
        assert!(body(stage).contains(old), "{old}");
        body(stage).replace(old, new)
    };
    let without = |stage: Stage, name: &str| replaced(stage, section(body(stage), name), "");
    let approach = section(SUBPLAN, "Approach");
    let table: Vec<(Stage, String, &[&str])> = vec![
        (Subplan, String::new(), &["empty"]),
        (Subplan, "---\n\n***\n".to_owned(), &["empty"]),
        (Subplan, "I'm sorry, but I can't help with that.".to_owned(), &["refusal"]),
        (Subplan, without(Subplan, "Testing Strategy"), &["section-missing"]),
        (Execution, without(Execution, "Iteration Log"), &["section-missing"]),
        (Subplan, without(Subplan, "Dependencies and Coordination"), &["section-missing"]),
        (Subplan, replaced(Subplan, "## Testing", "### Testing"), &["section-missing"]),
        (Subplan, format!("{}\n{}", without(Subplan, "Objective"), section(SUBPLAN, "Objective")), &["section-order"]),
        (Subplan, format!("{SUBPLAN}\n{approach}"), &["section-duplicate"]),
        (Subplan, replaced(Subplan, approach, "## Approach\n\n"), &["section-empty"]),
        (Subplan, replaced(Subplan, approach, "## Approach\n\n### Phase 1\n\n"), &["section-empty"]),
        (Subplan, replaced(Subplan, approach, "## Approach\n\nTBD\n\n"), &["section-empty", "placeholder"]),
        (Subplan, replaced(Subplan, approach, "## Approach\n\n...\n\n"), &["section-empty"]),
        (Subplan, replaced(Subplan, approach, "## Approach\n\nN/A\n\n"), &["section-empty"]),
        (Subplan, replaced(Subplan, approach, "## Approach\n\nStep by step.\n\n"), &["section-empty"]),
        (Execution, replaced(Execution, "Iteration 1: not started.", ""), &["section-empty"]),
        (Subplan, replaced(Subplan, "Reader first", "[FILL: order]"), &["placeholder"]),
        (Subplan, replaced(Subplan, "Reader first", "TODO: write this. Reader first"), &["placeholder"]),
        (Subplan, replaced(Subplan, "Reader first", "Reader first (details to be determined)"), &["placeholder"]),
        (Subplan, replaced(Subplan, "Reader first", "_TODO_: say which comes first"), &["placeholder"]),
        (Subplan, replaced(Subplan, "Reader first", "The list of todos first"), &[]),
        (Subplan, replaced(Subplan, "Reader first", "Reader `[FILL: order]` first"), &[]),
        (Execution, replaced(Execution, "None yet", "[TO BE FILLED]"), &["section-empty", "placeholder"]),
        (Execution, replaced(Execution, "None yet", "TODO"), &["section-empty", "placeholder"]),
        (Subplan, replaced(Subplan, "feeds.rs", "reader.rs"), &["deliverable-missing"]),
        (Subplan, replaced(Subplan, "None.", "See SUBPLAN_DEMO_32 for the schema."), &["not-self-contained"]),
        (Subplan, replaced(Subplan, "None.", "Needs the schema of 3.2."), &[]),
        (Subplan, replaced(Subplan, "Reader first", "```sh\nmake\n\nReader first"), &["fence-unbalanced"]),
        (Subplan, replaced(Subplan, "Reader first", "```sh\nmake\n```\n\nReader first"), &[]),
        (Subplan, replaced(Subplan, "Executions: 1", "Executions: 12 in parallel"), &["execution-count"]),
        (Subplan, replaced(Subplan, "Executions: 1", "Executions: 99999999999999999999"), &["execution-count"]),
        (Subplan, replaced(Subplan, "Executions: 1", "Executions: 0 for now"), &["execution-count"]),
        (Subplan, replaced(Subplan, "Executions: 1", "Executions: 2 in sequence"), &["execution-purpose"]),
        (Subplan, replaced(Subplan, "Executions: 1", "Executions: 2 in sequence\n\n1. Reader\n2. Checks"), &[]),
        (Subplan, replaced(Subplan, "Dependencies and", "🔗 Dependencies &"), &[]),
        (Subplan, replaced(Subplan, "\n## ", "\n# ").replacen("## ", "# ", 1), &[]),
        (
            Subplan,
            replaced(Subplan, "\n## ", "\n### ").replacen("## ", "### ", 1).replace("### Order", "#### Order"),
            &[],
        ),
        (Subplan, replaced(Subplan, "## Approach", "## 3. **Approach**:"), &[]),
    ];
    for (stage, text, expected) in table {
        assert_eq!(errors(&text, stage), *expected, "{text}");
    }
}

#[test]
fn warnings_do_not_reject() {
    let warnings = |text: &str| codes(&answer(text, Stage::Subplan, &[]), Severity::Warning);
    assert_eq!(warnings(SUBPLAN), [""; 0]);
    assert_eq!(warnings(&SUBPLAN.replace("Executions: 1", "All in one go.")), ["execution-count-missing"]);
    assert_eq!(warnings(&format!("{SUBPLAN}{}", "\nword".repeat(1000))), ["too-long"]);
    assert_eq!(warnings(&SUBPLAN.replace("\n\n", "\n")), ["too-short"]);
}

#[test]
fn sizes_that_are_usual_are_not_mentioned() {
    let table = [
        (Stage::Subplan, 26, Some("too-short")),
        (Stage::Subplan, 27, None),
        (Stage::Subplan, 968, None),
        (Stage::Subplan, 969, Some("too-long")),
        (Stage::Execution, 15, Some("too-short")),
        (Stage::Execution, 16, None),
        (Stage::Execution, 1442, None),
        (Stage::Execution, 1443, Some("too-long")),
    ];
    for (stage, lines, code) in table {
        assert_eq!(
            size(&"a\n".repeat(lines), stage).map(|finding| finding.code.as_str()),
            code,
            "{stage} of {lines} lines"
        );
    }
    for (lines, said) in [(1, "has 1 line;"), (2, "has 2 lines;"), (969, "has 969 lines;")] {
        let found = size(&"a\n".repeat(lines), Stage::Subplan).unwrap();
        assert!(found.message.contains(said), "{}", found.message);
    }
}

#[test]
fn findings_say_where_and_what() {
    let missing = answer(&SUBPLAN.replace("## Testing", "### Testing"), Stage::Subplan, &[]);
    assert!(
        missing[0].message.contains("`## Testing Strategy`, after the section `Execution Strategy`"),
        "{}",
        missing[0].message
    );
    assert_eq!(missing[0].line, Some(22));
    let deliverables = answer(SUBPLAN, Stage::Subplan, &["`a1.rs`", "`src/feeds.rs`", "Migration **tooling**"]);
    assert!(deliverables[0].message.contains("\"a1.rs\"; \"Migration tooling\""), "{}", deliverables[0].message);
    assert!(deliverables[0].message.starts_with("These deliverables of the PLAN are not mentioned: \"a1.rs\""));
    let deliverables = answer(SUBPLAN, Stage::Subplan, &["`a1.rs`", "`src/feeds.rs`"]);
    assert!(
        deliverables[0].message.starts_with("The PLAN's deliverable \"a1.rs\" is not mentioned."),
        "{}",
        deliverables[0].message
    );
    let placeholder = answer(&SUBPLAN.replace("Reader first", "[FILL: order]"), Stage::Subplan, &[]);
    assert_eq!(placeholder[0].line, Some(16));
    let many = answer(&format!("{SUBPLAN}{}", "\n- [FILL: x]".repeat(50)), Stage::Subplan, &[]);
    assert_eq!(many.iter().filter(|finding| finding.code == Code::Placeholder).count(), 5);
}

#[test]
fn documents_on_disk_are_held_to_less() {
    let header = "# SUBPLAN: Import\n\n**Status**: new\n\n---\n\n";
    let table: [(String, &[&str]); 19] = [
        (format!("{header}{SUBPLAN}"), &[]),
        (String::new(), &["empty"]),
        ("\u{feff}\n".to_owned(), &["empty"]),
        (format!("{header}I'm sorry, but I can't help with that."), &["refusal"]),
        (format!("{header}## Objective\n\n[TO BE FILLED]"), &["placeholder"]),
        (format!("{header}## Objective\n\nReplace `[TO BE FILLED]` everywhere."), &[]),
        (format!("```markdown\n{header}{SUBPLAN}```\n"), &["fenced"]),
        (format!("```markdown\n{header}## Objective\n\n[TO BE FILLED]\n```\n"), &["placeholder", "fenced"]),
        (format!("{header}Some words and no heading."), &["no-sections"]),
        (format!("{header}## Files\n\na.rs\n\n## Steps\n\nOne by one."), &["objective-missing"]),
        (format!("{header}## What We Build\n\nAn import.\n\n## Steps\n\nOne by one."), &[]),
        (format!("{header}**Goal**: import\n\n## Steps\n\nOne by one."), &[]),
        (format!("{header}## Objective\n\nTBD"), &["placeholder"]),
        (format!("{header}## Objective\n\n[Describe the objective here]\n\n## Risks\n\n- [Risk]"), &["placeholder"; 2]),
        (format!("{header}{SUBPLAN}").replace("Reader first, then the checks.", "TODO: write this."), &[]),
        (format!("{header}## Objective\n\nImport.\n\n## Iteration Log\n\n[Fill in during execution]"), &[]),
        (format!("{header}## Objective\n\nImport.\n\n## Notes\n\n- [x] done\n- [plan](x.md)"), &[]),
        (format!("{header}## Files\n\n{{{{files}}}}\n"), &["objective-missing", "placeholder"]),
        (format!("{header}## Objective\n\nImport.\n\n```sh\nmake"), &[]),
    ];
    for (text, expected) in table {
        assert_eq!(
            codes(&check_document(&text, Stage::Subplan, Stage::Subplan.sections()), Severity::Error),
            *expected,
            "{text}"
        );
    }
    let loose = |text: &str, stage| codes(&check_document(text, stage, stage.sections()), Severity::Warning);
    assert_eq!(loose(&format!("{header}{EXECUTION}"), Stage::Execution), [""; 0]);
    assert_eq!(loose(&format!("{header}{EXECUTION}").replace("None yet", "TBD"), Stage::Execution), ["section-empty"]);
    let open = format!("{header}{EXECUTION}").replace("None yet.", "[Fill in during execution]");
    assert_eq!(loose(&open, Stage::Execution), ["placeholder"]);
    let empty = format!("{header}{SUBPLAN}")
        .replace("All 12 feeds of the sample week (3,400 rows) are imported in 20 seconds without a loss.", "TBD");
    assert_eq!(loose(&empty, Stage::Subplan), [""; 0], "told once, as an error");
    let open_fence = format!("{header}{SUBPLAN}\n```sh\nmake\n");
    assert_eq!(loose(&open_fence, Stage::Subplan), ["fence-unbalanced"]);
    assert_eq!(loose("## Goal\n\nImport.\n", Stage::Subplan), ["section-missing", "section-missing", "too-short"]);
}

/// Sentences that a generated document's sections are made of.
fn sentences(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec("[b-df-hj-np-tv-z]{3,8}", words).prop_map(|words| words.join(" "))
}

/// Enough of them for a short SUBPLAN.
const FACTS: &str = "a1.rs b2.rs c3.rs d4.rs e5.rs f6.rs g7.rs h8.rs";

fn valid_subplan() -> impl Strategy<Value = (String, String, Vec<String>)> {
    let names = proptest::collection::vec("[a-z]{3,9}_[a-z]{3,6}\\.rs", 1..6);
    (sentences(10..30), names, sentences(20..60), 1_u32..10, any::<bool>(), sentences(10..20)).prop_map(
        |(objective, names, approach, count, sequence, rest)| {
            let deliverables: Vec<String> = names.iter().map(|name| format!("`src/{name}`")).collect();
            let list: String = deliverables.iter().map(|name| format!("- {name}\n")).collect();
            let how = if count == 1 { "" } else if sequence { " in sequence" } else { " in parallel" };
            let purposes: String = (1..=count).map(|n| format!("{n}. part {n} of the work\n")).collect();
            let body = format!(
                "## Objective\n\n{objective}\n\n## Deliverables\n\n{list}\n## Approach\n\n{approach}\n\n{FACTS}\n\n```sh\n# make\n```\n\n\
                 ## Execution Strategy\n\nExecutions: {count}{how}\n\n{purposes}\n## Testing Strategy\n\n{rest}\n\n\
                 ## Expected Results\n\n{FACTS}\n\nrows tables cells sheets.\n\n## Dependencies and Coordination\n\nNone\n"
            );
            (body, objective, deliverables)
        },
    )
}

proptest! {
    #[test]
    fn valid_documents_are_clean_and_read_back((body, objective, deliverables) in valid_subplan()) {
        let names: Vec<&str> = deliverables.iter().map(String::as_str).collect();
        let found = answer(&body, Stage::Subplan, &names);
        let rejected: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
        prop_assert!(rejected.is_empty(), "{rejected:?}");
        let unwrapped = unwrap_answer(&body);
        prop_assert_eq!(unwrapped.as_ref(), body.trim_end());
        for wrapped in [format!("```markdown\n{body}```\n"), format!("Here it is:\n\n```\n{body}\n```\nDone."), format!("# T\n\n{body}")] {
            let unwrapped = unwrap_answer(&wrapped);
            prop_assert_eq!(unwrapped.as_ref(), body.trim_end());
        }

        let header = Header {
            plan: "DEMO", achievement: id("3.1"), title: "Import", stage: Stage::Subplan, level: Some(1), subplan: None,
            part: None, estimate: None, created: "2026-01-31T08:00:00Z", executor: None,
        };
        let document = render_document(&header, &body);
        let digest = digest(&document);
        prop_assert_eq!(digest.objective, objective);
        prop_assert_eq!(digest.deliverables, deliverables);
        prop_assert_eq!(digest.in_sequence, body.contains("in sequence"));
        let planned = body.split("Executions: ").nth(1).and_then(|rest| rest[..1].parse::<usize>().ok()).unwrap();
        prop_assert_eq!(digest.parts.len(), planned);
        for part in digest.parts.iter().filter(|part| part.of > 1) {
            prop_assert_eq!(&part.purpose, &format!("part {} of the work", part.number));
        }
        prop_assert!(!is_placeholder(&document));
        let loose = check_document(&document, Stage::Subplan, Stage::Subplan.sections());
        prop_assert!(loose.iter().all(|finding| finding.severity == Severity::Warning), "{loose:?}");
    }

    #[test]
    fn one_section_less_is_one_finding_more((body, ..) in valid_subplan(), dropped in 0_usize..7) {
        let name = crate::document::SUBPLAN_SECTIONS[dropped];
        let text = body.replace(section(&body, name), "");
        let found = answer(&text, Stage::Subplan, &[]);
        prop_assert_eq!(codes(&found, Severity::Error), ["section-missing"]);
        prop_assert!(found[0].message.contains(name));
    }

    #[test]
    fn no_text_panics_a_check(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("## Objective".to_owned()), Just("## Approach".to_owned()), Just("# Title".to_owned()), Just("```".to_owned()),
                Just("```sh".to_owned()), Just("- [FILL: `x".to_owned()), Just("Executions: 2 in parallel".to_owned()),
                Just("see SUBPLAN_DEMO_32.md".to_owned()), Just("## Execution Strategy".to_owned()), Just("1. ".to_owned()),
                Just("I'm sorry, I can't".to_owned()), Just("**Label**: `value".to_owned()), ".{0,30}", "[#*`\\-\\[\\](){}<>:.|_ ]{0,12}",
            ],
            0..20,
        ),
        deliverable in ".{0,40}",
    ) {
        let text = lines.join("\n");
        for stage in [Stage::Subplan, Stage::Execution] {
            let body = unwrap_answer(&text);
            let strict = answer(&body, stage, &[&deliverable]);
            let loose = check_document(&text, stage, stage.sections());
            let places = [(&strict, body.lines().count()), (&loose, text.lines().count())];
            for (finding, count) in places.iter().flat_map(|(found, count)| found.iter().map(move |finding| (finding, *count))) {
                prop_assert!(finding.code != Code::Unknown);
                prop_assert!(finding.line.is_none_or(|line| (1..=count.max(1)).contains(&line)), "{:?}", finding);
                prop_assert!(!finding.message.contains('\n'), "{}", finding.message);
            }
            if is_placeholder(&text) {
                prop_assert!(loose.iter().any(|finding| finding.severity == Severity::Error), "a placeholder passes");
            }
        }
        let digest = digest(&text);
        prop_assert!((1..=9).contains(&digest.parts.len()));
    }
}
