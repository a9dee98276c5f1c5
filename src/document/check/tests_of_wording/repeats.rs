//! Echoes, copies, repetitions, and sections that say nothing.

use super::*;

#[test]
fn good_documents_of_several_languages_have_no_fault() {
    for (text, stage) in [(SUBPLAN, Subplan), (EXECUTION, Execution), (GERMAN, Subplan), (CHINESE, Subplan)] {
        let Judged { body, findings } = judged(text, stage);
        let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?} in\n{text}");
        assert_eq!(body, text.trim_end(), "nothing is mended in it");
    }
}

#[test]
fn tags_of_the_prompt_are_found() {
    let bad = [
        and(SUBPLAN, "Objective", "<achievement id=\"1.1\">\nA reader.\n</achievement>"),
        behind(SUBPLAN, "</siblings>"),
        format!("<document>\n\n{SUBPLAN}\n</document>"),
        and(GERMAN, "Approach", "<\\/dependency>"),
    ];
    let good = [
        and(SUBPLAN, "Approach", "```xml\n<plan>\n</plan>\n```"),
        and(SUBPLAN, "Approach", "The template has a `<subplan>` element."),
        and(SUBPLAN, "Approach", "<details>\n\nWind moves the level by 0.4 m.\n\n</details>"),
        and(SUBPLAN, "Approach", "The tests hold this:\n\n<task>\n\nIt is a line of `prompts.txt`."),
    ];
    check(Code::PromptTag, Subplan, &bad, &good);
}

#[test]
fn words_of_the_prompt_are_found_wherever_they_stand() {
    let templates = Templates::load(&[]).unwrap();
    // The longest paragraphs of the templates, whatever they say today.
    let mut echoes: Vec<&str> = templates
        .literals()
        .flat_map(|text| text.split("\n\n"))
        .filter(|text| !text.starts_with(['#', '<', '`', '-']))
        .collect();
    echoes.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut bad: Vec<String> = echoes[..6].iter().map(|echo| with(SUBPLAN, "Approach", echo)).collect();
    bad.push(and(SUBPLAN, "Testing Strategy", "[section-missing] The section `## Approach` is missing."));
    let good = [
        and(SUBPLAN, "Approach", "The deliverables of the PLAN are polled, stored and tested in this order."),
        and(SUBPLAN, "Approach", "See [gap-handling] below: a gap is closed from its old end."),
        and(GERMAN, "Approach", "Begonnen wird mit dem Pegel von Büsum, weil er am häufigsten ausfällt."),
    ];
    check(Code::PromptEcho, Subplan, &bad, &good);
}

#[test]
fn words_of_the_users_own_templates_are_an_echo_too() {
    let own = String::from("Every level is told to the harbour master by telephone before noon. {{ document }}");
    let templates = Templates::load(&[(crate::prompts::TemplateName::System, own)]).unwrap();
    let echo = and(SUBPLAN, "Approach", "Every level is told to the harbour master by telephone before noon.");
    let found = judged_with(&echo, Subplan, &templates);
    assert!(found.findings.iter().any(|finding| finding.code == Code::PromptEcho) && !found.is_quotable());
    assert!(errors(&echo, Subplan).is_empty(), "with the program's templates they are the author's words");
}

#[test]
fn what_is_copied_from_the_plan_is_found() {
    let goal = "Harbours of the northern coast get a page with the tides of the next week, computed from the constants of their own gauge and \
                corrected by what the gauge measured during the last three hours.";
    let levels = "Levels of all gauges arrive every ten minutes and survive an outage of the agency's server for a whole day without gaps.";
    let bad = [
        with(SUBPLAN, "Approach", &format!("{goal} {levels}")),
        with(SUBPLAN, "Objective", &format!("{levels}\n\n{goal}")),
        with(
            &with(&with(SUBPLAN, "Objective", levels), "Approach", goal),
            "Testing Strategy",
            &format!("{levels} {goal}"),
        ),
    ];
    let good = [
        and(SUBPLAN, "Objective", "It has to survive an outage of the agency's server for a whole day."),
        and(SUBPLAN, "Approach", &format!("> {levels}\n\nSo 156 rows are the least that a day needs.")),
        and(SUBPLAN, "Deliverables", &format!("- `notes.md`: {goal}")),
    ];
    check(Code::Copied, Subplan, &bad, &good);
}

#[test]
fn sections_that_say_the_same_are_found() {
    let text =
        "The reader of levels asks the agency for every gauge, stores the rows and closes what an outage left open.";
    let german =
        "Der Leser fragt das Amt nach jedem Pegel, legt die Zeilen ab und schließt, was ein Ausfall offen ließ.";
    let alike = |what: &str| {
        format!(
            "Here {what} of the reader is about polling fourteen gauges at the agency, keeping rows by minute, and closing gaps after outages."
        )
    };
    let bad = [
        with(&with(SUBPLAN, "Objective", text), "Expected Results", text),
        with(&with(GERMAN, "Approach", german), "Testing Strategy", german),
        with(
            &with(&with(SUBPLAN, "Objective", &alike("purpose")), "Approach", &alike("method")),
            "Testing Strategy",
            &alike("proof"),
        ),
    ];
    let good = [
        with(SUBPLAN, "Objective", text),
        with(
            &with(SUBPLAN, "Objective", &alike("purpose")),
            "Expected Results",
            &format!("{} A week shows no gap above 10 minutes in `levels.db`.", alike("proof")),
        ),
        and(
            SUBPLAN,
            "Dependencies and Coordination",
            "- `tides/gauge.py`: class `GaugeReader` with `poll` and `backfill`",
        ),
    ];
    check(Code::SectionRepeated, Subplan, &bad, &good);
}

#[test]
fn loops_are_found() {
    let step = "- Poll the gauge and store the row in the table of levels.\n";
    let bad = [
        with(SUBPLAN, "Approach", &step.repeat(20)),
        with(SUBPLAN, "Testing Strategy", &"store the level of the gauge ".repeat(30)),
        with(GERMAN, "Approach", &"Der Pegel wird gelesen und in der Tabelle abgelegt. ".repeat(20)),
        with(CHINESE, "Approach", &"读取水位并写入表格。".repeat(40)),
    ];
    let rows: String = (1..40).map(|n| format!("| gauge {n} | levels of the gauge | every ten minutes |\n")).collect();
    let code = "```text\nsame line of words again\n".to_owned() + &"same line of words again\n".repeat(40) + "```";
    let good =
        [and(SUBPLAN, "Approach", &rows), and(SUBPLAN, "Approach", &code), and(SUBPLAN, "Approach", &step.repeat(3))];
    check(Code::Loop, Subplan, &bad, &good);
}

#[test]
fn sections_that_fit_any_achievement_are_found() {
    let bad = [
        with(
            SUBPLAN,
            "Approach",
            "The approach is to follow the best practices and to implement all of the deliverables step by step, in order.",
        ),
        with(
            SUBPLAN,
            "Testing Strategy",
            "All tests are written and all of the tests have to be executed successfully.",
        ),
        with(SUBPLAN, "Expected Results", "All of the success criteria are met, as described in the PLAN."),
        with(
            GERMAN,
            "Approach",
            "Der Ansatz ist, die Anforderungen Schritt für Schritt umzusetzen und die Ergebnisse zu testen und zu dokumentieren.",
        ),
        with(
            SUBPLAN,
            "Objective",
            "The objective of this achievement 1.1 is to achieve the Gauge Reader and what it needs.",
        ),
    ];
    let good = [
        with(SUBPLAN, "Objective", "Skippers trust the level shown in their harbour, wind included."),
        with(SUBPLAN, "Expected Results", "No row twice; gaps close within 30 minutes of the server's return."),
        with(GERMAN, "Testing Strategy", "`FakeAgency` lässt 26 Stunden aus, wiederholt Zeilen und stellt die Uhr um."),
    ];
    check(Code::SaysNothing, Subplan, &bad, &good);
    let steps = "1. Read the SUBPLAN.\n2. Implement the functionality of the task.\n3. Write the tests and the documentation.\n4. Submit it for review.";
    assert!(errors(&with(EXECUTION, "Instructions", steps), Execution).contains(&Code::SaysNothing));
}

#[test]
fn short_subplans_without_facts_are_found() {
    let bare = |approach: &str| {
        let text = with(
            &with(SUBPLAN, "Approach", approach),
            "Testing Strategy",
            "Outages of the agency are played with recorded answers, whole and torn.",
        );
        with(&text, "Expected Results", "A week with outages shows no gap in the table of levels.")
    };
    let bad = [
        bare("Poll the agency, keep rows by gauge and minute, and close gaps after an outage in small portions."),
        bare(
            "Levels go through a queue into a table; what the agency repeats is dropped by its key, and gaps are closed from the old end.",
        ),
        with(
            &with(
                &with(
                    GERMAN,
                    "Approach",
                    "Pegel abfragen, Zeilen nach Minute ablegen, Lücken nach einem Ausfall in kleinen Teilen schließen, damit nichts verloren geht.",
                ),
                "Testing Strategy",
                "Ausfälle werden mit aufgezeichneten Antworten des Amtes nachgespielt.",
            ),
            "Expected Results",
            "Eine Woche mit Ausfällen zeigt keine Lücke in der Tabelle der Pegel.",
        ),
    ];
    let long = "The agency answers late at spring tide, so each gauge has a timer of its own and a slow one delays none of its neighbours. ".repeat(2)
        + "Whoever runs the harbour reads one line a day about what was missing, and why. Rows carry the minute of measurement, not of arrival, since both differ by as much as an hour \
           after an outage, and skippers would see a tide that never was. Gaps are closed from their old end, because the agency forgets that one first. Where it has forgotten, the gap \
           stays open, visible in the curve as a dashed piece, and nobody interpolates what was not measured. Wind is left to the page, which knows the forecast; the reader stores what \
           the gauge saw and nothing else. A second reader on another machine may run at the same time, since the key makes repeated rows harmless.";
    let good = [bare(&long), SUBPLAN.to_owned(), GERMAN.to_owned(), CHINESE.to_owned()];
    check(Code::Thin, Subplan, &bad, &good);
}
