//! What belongs to another document or to a conversation, and what is mended.

use super::*;

#[test]
fn titles_and_sections_of_other_documents_are_found() {
    let bad = [
        and(SUBPLAN, "Objective", "# SUBPLAN: Gauge Reader"),
        behind(SUBPLAN, "# Notes\n\nA reader of levels."),
        behind(GERMAN, "# The PLAN\n\nPLAN TIDES: Tide tables"),
    ];
    let good = [
        format!("# SUBPLAN: Gauge Reader\n\n{SUBPLAN}"),
        and(SUBPLAN, "Approach", "```sh\n# poll once\npython -m tides.gauge\n```"),
        and(SUBPLAN, "Approach", "### Order of work\n\nTable first, then `poll`."),
    ];
    check(Code::TitleInside, Subplan, &bad, &good);
    let bad = [
        behind(SUBPLAN, "## Effort\n\n2 hours\n\n## Blocks\n\n1.2"),
        behind(SUBPLAN, "**Achievement 1.2**: Tide Page\n\n- **Goal**: Show the tides."),
        behind(SUBPLAN, "## SUBPLAN Context\n\nA reader.\n\n## Instructions\n\n1. Poll.\n\n## Iteration Log\n\nNone."),
        behind(SUBPLAN, "## Level 1\n\nThese are worked on at the same time."),
        behind(SUBPLAN, "### Achievement 1.2: Tide Page\n\nShow the tides."),
    ];
    let good = [
        behind(SUBPLAN, "## Risks\n\n- The agency may change `/v1/levels` without notice; the test of formats tells."),
        and(SUBPLAN, "Dependencies and Coordination", "- Achievement 1.2 reads `latest` once a minute."),
        behind(SUBPLAN, "## Open Points\n\n- Whether Heligoland counts as a harbour of the northern coast."),
    ];
    check(Code::SecondDocument, Subplan, &bad, &good);
}

#[test]
fn documents_of_another_achievement_are_found() {
    let page = "- `web/page.html`: the page\n- `web/chart.js`: the curve";
    let bad = [
        with(SUBPLAN, "Deliverables", page),
        and(SUBPLAN, "Deliverables", page),
        with(
            GERMAN,
            "Deliverables",
            "- **`web/page.html`** (die Seite)\n- **`web/chart.js`** (die Kurve)\n- `tides/gauge.py`",
        ),
    ];
    let good = [
        and(SUBPLAN, "Deliverables", "- `web/page.html`: one line with the age of the level"),
        and(SUBPLAN, "Dependencies and Coordination", page),
        and(SUBPLAN, "Deliverables", "- `notes.md`: what `web/page.html` and `web/chart.js` may rely on"),
    ];
    check(Code::OtherAchievement, Subplan, &bad, &good);
}

#[test]
fn ids_that_the_plan_does_not_have_are_found() {
    let section = "Dependencies and Coordination";
    let bad = [
        with(SUBPLAN, section, "Needs 4.2 (Wind Service) and 1.2."),
        with(SUBPLAN, section, "- **Gives**: `latest` to achievement 3.1, and rows to 1.2."),
        with(GERMAN, section, "Hängt ab von 2.7 und blockiert 1.2."),
        with(SUBPLAN, section, "| needs | 5.1 |\n|---|---|\n| blocked by | 1.2 and 6.3 |"),
        with(CHINESE, section, "依赖于 7.1 的风速服务。"),
    ];
    let good = [
        with(
            SUBPLAN,
            section,
            "Needs Python 3.12 and SQLite 3.45; takes 1.5 hours of the agency's time. Gives `latest` to 1.2.",
        ),
        with(SUBPLAN, section, "Requires version 2.4 of the agency's interface, or newer. Nothing from 1.2."),
        with(SUBPLAN, section, "- Gives `latest` to 1.2, which needs 0.4 seconds for it, and 2.5 MB of rows a day."),
        with(GERMAN, section, "Braucht Python 3.12; gibt `latest` an 1.2, höchstens 2.5 MB am Tag."),
    ];
    check(Code::UnknownAchievement, Subplan, &bad, &good);
}

#[test]
fn conversation_is_found() {
    let bad = [
        and(SUBPLAN, "Approach", "<think>\nWhich gauges are there?\n</think>"),
        behind(SUBPLAN, "[INST] Write it. [/INST]"),
        and(SUBPLAN, "Objective", "<|im_end|>"),
        behind(SUBPLAN, "### Response:\n\nSure."),
        and(GERMAN, "Approach", "User: Schreib den Ansatz."),
    ];
    let good = [
        and(SUBPLAN, "Approach", "The tokenizer drops `<|im_end|>` from names of harbours."),
        and(SUBPLAN, "Approach", "- Input: a JSON list of levels\n- Response: 204"),
        and(SUBPLAN, "Approach", "```text\nUser: hello\n</think>\n```"),
    ];
    check(Code::ChatMarker, Subplan, &bad, &good);
    let bad = [
        with(
            SUBPLAN,
            "Approach",
            "Could you please tell me which of the gauges are in use, and how the agency is reached?",
        ),
        and(SUBPLAN, "Objective", "Would you like a class or a script?"),
        and(GERMAN, "Approach", "Soll ich auch den Wind aufnehmen?"),
        and(SUBPLAN, "Approach", "Veuillez me communiquer la liste des ports."),
        and(CHINESE, "Approach", "请告诉我水位站的名单。"),
    ];
    let good = [
        and(SUBPLAN, "Approach", "The page asks \"Would you like an alarm?\" and stores the answer in `alarms.db`."),
        and(SUBPLAN, "Approach", "Whether a level is old is for the page to say; `age` tells it."),
        and(SUBPLAN, "Approach", "Open question for the agency: is 30 hours a promise? Until then 24 hours count."),
    ];
    check(Code::Asks, Subplan, &bad, &good);
}

#[test]
fn closing_remarks_come_off_and_are_said() {
    for remark in [
        "Feel free to ask if you need any changes!",
        "---\n\nThis SUBPLAN provides a comprehensive plan for the reader of levels.\n\nLet me know what to change.",
        "Note: The document follows the rules and has no placeholders.",
        "*End of document*",
        "Ich hoffe, das hilft. Melden Sie sich gerne!",
        "希望对您有帮助，如有任何问题请随时联系。",
        "```json\n{\"achievement\": \"1.1\", \"status\": \"complete\"}\n```",
    ] {
        let Judged { body, findings } = judged(&behind(SUBPLAN, remark), Subplan);
        assert_eq!(body, SUBPLAN.trim_end(), "{remark}");
        assert_eq!(findings.iter().filter(|finding| finding.code == Code::Postamble).count(), 1, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{findings:?}");
    }
    for text in [
        "This document is read by `gauge_watch`, so its headings stay.",
        "The reader follows the agency's clock, not that of the machine.",
        "```json\n{\"gauge\": \"Husum\", \"level\": 3.2}\n```",
        "Note: rows of 25 October count twice in local time.",
    ] {
        let whole = behind(SUBPLAN, text);
        assert_eq!(judged(&whole, Subplan).body, whole.trim_end(), "{text}");
    }
}

#[test]
fn bodies_that_nobody_sees_are_found() {
    let approach = "1. Poll 14 gauges.\n2. Store rows.\n3. Close gaps after an outage in steps of 6 hours each.";
    let bad = [
        with(SUBPLAN, "Approach", &format!("<!--\n{approach}\n-->")),
        with(SUBPLAN, "Approach", &format!("```markdown\n{approach}\n```")),
        with(GERMAN, "Testing Strategy", "```\nLücken werden mit FakeAgency gespielt, 26 Stunden lang.\n```"),
    ];
    let good = [
        and(SUBPLAN, "Approach", "```sql\nCREATE TABLE level (gauge TEXT, minute INTEGER);\n```"),
        and(SUBPLAN, "Approach", "<!-- wind is left out -->"),
        behind(SUBPLAN, "## Commands\n\n```sh\npytest tests/test_gauge.py\n```"),
    ];
    check(Code::SectionHidden, Subplan, &bad, &good);
}

#[test]
fn counts_that_contradict_each_other_are_found() {
    let strategy = |text: &str| with(SUBPLAN, "Execution Strategy", text);
    let bad = [
        strategy("Executions: 1\n\n1. EXECUTION_01: the table\n2. EXECUTION_02: the gaps"),
        strategy("Executions: 2 in sequence\n\n1. Table\n2. Polling\n3. Gaps"),
        strategy("Executions: 2 in parallel\n\n1. Purpose of execution 1\n2. Purpose of execution 2"),
        strategy("Executions: 2 in parallel\n\n1. Table and polling\n2. Table and polling"),
        strategy("`Executions: 1`, `Executions: N in parallel` or `Executions: N in sequence`, with N from 2 to 9."),
        strategy(
            "Executions: 9 in parallel\n\n1. a1\n2. b2 rows\n3. c3 gaps\n4. polls\n5. keys\n6. clock\n7. proxy\n8. wind\n9. notes",
        ),
        strategy(
            "Executions: 2 in sequence\n\n1. Table and polling\n2. Gaps\n\nThe three executions follow one another.",
        ),
        strategy("- Execution 1: the table\n- Execution 2: the gaps"),
    ];
    let good = [
        strategy("Executions: 1\n\n1. The table comes first\n2. Then the gaps"),
        strategy(
            "Executions: 2 in sequence\n\n1. Table and polling\n2. Gaps\n\nTwo executions in parallel were weighed and dropped: both need the table.",
        ),
        strategy("Executions: 2 in parallel\n\n1. Polling of `tides/gauge.py`\n2. Closing of gaps"),
        strategy("Executions: 4 in sequence\n\n1. Table\n2. Polling\n3. Gaps\n4. Clock changes"),
    ];
    check(Code::ExecutionCount, Subplan, &bad, &good);
}

#[test]
fn work_that_is_reported_as_done_is_found() {
    let bad = [
        with(EXECUTION, "Completion Checklist", "- [x] `tides/gauge.py` polls all gauges\n- [ ] tests pass"),
        with(EXECUTION, "Iteration Log", "### Iteration 1\n\nAll tests passed after the key was changed."),
        with(EXECUTION, "Iteration Log", "### Iteration 1\n\n- Result: ✅ 14 gauges polled"),
        with(EXECUTION, "Learning Summary", "- We learned that the agency repeats rows after long outages only."),
        with(EXECUTION, "Iteration Log", "### Iteration 1 (completed)\n\nPolls 14 gauges and keeps the rows."),
        and(EXECUTION, "Coordination", "Status: COMPLETE"),
        with(EXECUTION, "Iteration Log", "Alle Tests bestanden, die Lücken wurden geschlossen."),
    ];
    let good = [
        EXECUTION.to_owned(),
        and(EXECUTION, "Instructions", "4. Run `pytest`. Check: all tests passed, none was skipped."),
        and(EXECUTION, "Iteration Log", "When the gap of 26 hours was closed twice, go on with the clock."),
        and(EXECUTION, "Learning Summary", "- Was the agency's clock ever off by more than a minute?"),
    ];
    check(Code::DoneAlready, Execution, &bad, &good);
    let reported = with(
        SUBPLAN,
        "Expected Results",
        "All tests passed on 2026-03-02; `poll` took 212 ms and closed 3 gaps. The achievement is COMPLETE.",
    );
    assert!(errors(&reported, Subplan).contains(&Code::DoneAlready));
}

#[test]
fn ends_in_the_middle_are_found() {
    let section = "Dependencies and Coordination";
    let bad = [
        with(
            SUBPLAN,
            section,
            "The reader gives its rows to 1.2 and needs nothing, since the agency's interface is open to everybody who ask",
        ),
        with(SUBPLAN, section, "- Needs nothing.\n- Gives `latest` to 1.2, and the"),
        with(
            SUBPLAN,
            section,
            "- Needs nothing.\n- Leaves `web/` alone.\n- Keeps `levels.db` to itself.\n- Gives the rows of the last thr",
        ),
        with(SUBPLAN, section, "- Needs nothing\n- Gives `GaugeReader.lat"),
        with(GERMAN, section, "Braucht nichts und gibt die Zeilen an 1.2, weil die Seite nur das Neueste zeigt und"),
        with(SUBPLAN, section, "- Needs nothing\n- "),
    ];
    let good = [
        with(SUBPLAN, section, "- Needs nothing\n- Gives `latest` to 1.2"),
        with(SUBPLAN, section, "**Needs**: nothing"),
        with(SUBPLAN, section, "Nothing is needed; `latest` goes to 1.2 (see above)."),
        with(SUBPLAN, section, "| gives | to |\n|---|---|\n| `latest` | 1.2 |"),
        with(CHINESE, section, "无需他人，`latest` 交给 1.2 使用。"),
        with(SUBPLAN, section, "- Needs nothing.\n- Gives rows to 1.2.\n- Leaves `web/` alone.\n- Keeps `levels.db`"),
    ];
    check(Code::Cut, Subplan, &bad, &good);
}

#[test]
fn what_needs_no_model_is_mended_and_said() {
    let warned = |text: &str, stage| -> Vec<Code> {
        let Judged { body: _, findings } = judged(text, stage);
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{findings:?} in\n{text}");
        findings.into_iter().map(|finding| finding.code).collect()
    };
    let mended = |text: &str| judged(text, Subplan).body;
    let good = SUBPLAN.trim_end();
    for text in [
        SUBPLAN.replace("## Testing Strategy", "### Testing Strategy"),
        SUBPLAN.replace("## Testing Strategy", "**Testing Strategy**"),
        SUBPLAN.replace("## ", "### "),
        SUBPLAN.replace("## ", "# "),
        SUBPLAN.replace("## Objective", "# Objective"),
    ] {
        assert_eq!(mended(&text), good, "{text}");
        assert_eq!(warned(&text, Subplan), [Code::HeadingLevel], "{text}");
    }
    let deeper = SUBPLAN.replace("Decided against", "### Order\n\nDecided against");
    assert_eq!(mended(&deeper.replace("## ", "# ")), deeper.trim_end());
    let counted = SUBPLAN.replace("Executions: 1\n\n", "");
    assert_eq!(mended(&counted), good);
    assert_eq!(warned(&counted, Subplan), [Code::ExecutionCountMissing]);
    let twice =
        format!("{SUBPLAN}\n{}", &SUBPLAN[SUBPLAN.find("## Approach").unwrap()..SUBPLAN.find("## Execution").unwrap()]);
    assert_eq!(mended(&twice), good);
    assert_eq!(warned(&twice, Subplan), [Code::SectionDuplicate]);
    assert_eq!(mended(&format!("{SUBPLAN}\n{SUBPLAN}")), good);
    let other = twice.replacen("14 gauges", "15 gauges", 1);
    assert!(
        errors(&other, Subplan).contains(&Code::SectionDuplicate),
        "two that differ are for the model to choose from"
    );
    // Whatever is mended is so for good.
    for text in [SUBPLAN, EXECUTION, &counted, &twice, &deeper] {
        let once = mended(text);
        assert_eq!(mended(&once), once);
    }
}

#[test]
fn echoes_and_answers_without_their_sections_are_not_quoted() {
    let quotable = |text: &str| judged(text, Subplan).is_quotable();
    let from = |section: &str| SUBPLAN[SUBPLAN.find(&format!("## {section}")).unwrap()..].to_owned();
    assert!(quotable(SUBPLAN) && quotable(&from("Execution Strategy")), "three sections are missing");
    assert!(!quotable(&from("Testing Strategy")), "four are");
    assert!(!quotable("") && !quotable("I cannot help with that."));
    assert!(!quotable(&behind(SUBPLAN, "</siblings>")));
}
