use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Result<Plan, PlanError> {
    parse(PlanName::parse("TEST").unwrap(), text.as_bytes())
}

/// The one achievement with this body.
fn with_body(body: &str) -> Achievement {
    let mut plan = parsed(&format!("## Achievements\n\n**Achievement 1.1**: T\n\n{body}\n\n---\n\n## Next\n")).unwrap();
    assert_eq!(plan.achievements.len(), 1, "{body}");
    plan.achievements.remove(0)
}

fn ids(plan: &Plan) -> Vec<String> {
    plan.achievements.iter().map(|achievement| achievement.id.to_string()).collect()
}

const LISTED: &str = "\
# 🎯 PLAN: Road Works

intro

## Goal

Build.

## 📋 Achievement Index

**Achievement 1.1**: Old title (2h)
**Achievement 1.2**: Other (3h)

## ✅ Completed Achievements

**Achievement 1.1**: Survey done

- took a day

## 🎯 Desirable Achievements (Priority Order)

**Achievement 1.1**: Survey (2h)
**Achievement 1.2**: Digging (3h)

**Progress**: 0/2

### 🔴 Priority 0: CRITICAL

**Achievement 1.1**: Survey

- Effort: 2 hours

```text
**Achievement 1.9**: Decoy
## Not a section
```

### Priority 2.5 - Later

**Achievement 1.2**: Digging

Dig until **Achievement 1.1** is met.

**Achievement 1.1/1.2**: both need care

### Notes

**Achievement 1.3.1: Paving** ⏱️ 30 min

## Tracking

### Achievement 1.1: Survey
**Achievement 1.4**: Elsewhere
";

#[test]
fn definitions_are_told_from_lists() {
    let plan = parsed(LISTED).unwrap();
    assert_eq!(plan.title, "Road Works");
    let found: Vec<_> =
        plan.achievements.iter().map(|a| (a.id.to_string(), a.title.as_str(), a.priority.as_deref(), a.line)).collect();
    let expected = [
        ("1.1".to_owned(), "Survey", Some("0"), 29),
        ("1.2".to_owned(), "Digging", Some("2.5"), 40),
        ("1.3.1".to_owned(), "Paving", None, 48),
    ];
    assert_eq!(found, expected);
    assert!(plan.achievements[0].body.ends_with("## Not a section\n```"), "{}", plan.achievements[0].body);
    assert_eq!(plan.achievements[1].body, "Dig until **Achievement 1.1** is met.");
    assert_eq!(plan.achievements[2].estimated_hours, Some(Hours { low: 0.5, high: 0.5 }));
    let sections: Vec<_> = plan.sections.iter().map(|s| (s.heading.as_str(), s.line)).collect();
    assert_eq!(sections, [("Goal", 5), ("Achievement Index", 9), ("Completed Achievements", 14), ("Tracking", 50)]);
    assert_eq!(plan.sections[0].body, "Build.");
}

#[test]
fn what_counts_as_the_achievements_section() {
    for (name, text, expected) in [
        ("any case, any emoji", "## 🎯 ACHIEVEMENTS\n**Achievement 1.1**: A\n", "1.1"),
        (
            "two of them",
            "## Core Achievements\n**Achievement 1.1**: A\n- a\n\n## More Achievements\n**Achievement 2.1**: B\n- b\n",
            "1.1 2.1",
        ),
        (
            "a list of ideas defines nothing",
            "## Achievements\n**Achievement 1.1**: A\n- a\n\n## Future Achievements\n**Achievement 2.1**: B\n",
            "1.1",
        ),
        (
            "a tracking heading where there is no other",
            "## Achievements Overview\n**Achievement 1.1**: A\n- a\n",
            "1.1",
        ),
        ("definitions without bodies", "## Achievements\n**Achievement 1.1**: A\n**Achievement 1.2**: B\n", "1.1 1.2"),
        ("one without a body", "## Achievements\n**Achievement 1.1**: A\n- a\n\n**Achievement 1.2**: B\n", "1.1 1.2"),
        (
            "a fence that is never closed",
            "## Achievements\n**Achievement 1.1**: A\n```\na\n\n**Achievement 1.2**: B\n- b\n",
            "1.1 1.2",
        ),
        (
            "an index within",
            "## Achievements\n**Achievement 1.1**: A\n\n**Achievement 1.2**: B\n\n### Priority 1\n\n**Achievement 1.1**: A\n- a\n\n**Achievement 1.2**: B\n- b\n",
            "1.1 1.2",
        ),
    ] {
        assert_eq!(ids(&parsed(text).unwrap()).join(" "), expected, "{name}");
    }
}

#[test]
fn errors_name_the_line_and_what_to_do() {
    let long = "a\n".repeat(MAX_PLAN_BYTES / 2 + 1);
    let cases: [(&str, Vec<u8>, usize, &str); 15] = [
        ("empty", vec![], 1, "no achievement found in 0 lines"),
        ("no section", b"# T\n\ntext\n".to_vec(), 3, "no achievement found in 3 lines"),
        ("empty section", b"# T\n## Achievements\ntext\n".to_vec(), 2, "no achievement found in 3 lines"),
        (
            "elsewhere",
            b"## Goals\n**Achievement 1.1**: A\n**Achievement 1.2**: B\n".to_vec(),
            2,
            "no achievement found in 3 lines; line 2 under \"Goals\" (and 1 more) looks like one, but does not count, \
             because no `## ` heading above it contains \"Achievements\"",
        ),
        (
            "as a heading",
            b"## Achievements\n\n### Achievement 1.1: A\n".to_vec(),
            3,
            "no achievement found in 3 lines; line 3 under \"Achievements\" looks like one, but does not count, because it is a heading",
        ),
        (
            "with an odd id",
            b"## Achievements\n**Achievement 1-2**: A\n".to_vec(),
            2,
            "no achievement found in 2 lines; line 2 under \"Achievements\" looks like one, but does not count, because its id is not written with dots",
        ),
        ("one line", b"text".to_vec(), 1, "no achievement found in 1 line"),
        ("of an old system", b"# T\rtext\r\xFF".to_vec(), 3, "line 3 is not UTF-8 text"),
        (
            "twice",
            b"## Achievements\n**Achievement 1.1**: A\n- a\n\n**Achievement 1.1**: B\n- b\n".to_vec(),
            5,
            "achievement 1.1 is defined twice: at line 2 and at line 5",
        ),
        (
            "twice, no bodies",
            b"## Achievements\n**Achievement 1.1**: A\n**Achievement 1.1**: B\n".to_vec(),
            3,
            "achievement 1.1 is defined twice: at line 2 and at line 3",
        ),
        (
            "twice, one body",
            b"## Achievements\n**Achievement 1.1**: A\n- a\n\n**Achievement 1.1**: B\n".to_vec(),
            5,
            "achievement 1.1 is defined twice: at line 2 and at line 5",
        ),
        (
            "bad id",
            b"## Achievements\n**Achievement 1**: A\n".to_vec(),
            2,
            "line 2: `1` is not an achievement id: expected two or three numbers such as 1.1 or 3.5.1",
        ),
        ("bad UTF-8", b"ok\n\xFF".to_vec(), 2, "line 2 is not UTF-8 text"),
        ("binary", b"ok\n\nx\0".to_vec(), 3, "line 3 holds a NUL character; this is no text file"),
        (
            "too large",
            long.into_bytes(),
            MAX_PLAN_BYTES / 2 + 1,
            "the file has 16777218 bytes; a PLAN may have 16777216, which it passes at line 8388609",
        ),
    ];
    for (name, source, line, message) in cases {
        let error = parse(PlanName::parse("TEST").unwrap(), &source).unwrap_err();
        assert_eq!((error.line(), error.to_string().as_str()), (Some(line), message), "{name}");
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{name}");
    }
}

#[test]
fn what_is_wrong_with_an_id_is_told_with_the_id_that_was_meant() {
    for (token, message, hint) in [
        (
            "1.01",
            "line 2: `1.01` is not an achievement id: one of its numbers begins with a zero",
            "**Achievement 1.1**",
        ),
        ("1.14.", "line 2: `1.14.` is not an achievement id: it ends with a dot", "**Achievement 1.14**"),
        (
            "1.12345678901",
            "line 2: `1.12345678901` is not an achievement id: one of its numbers has more than nine digits",
            "at most nine digits",
        ),
    ] {
        let error = parsed(&format!("## Achievements\n**Achievement {token}**: A\n")).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.hint().unwrap().contains(hint), "{error}: {:?}", error.hint());
    }
}

#[test]
fn bare_carriage_returns_end_lines_where_nothing_else_does() {
    let text = "# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: A\n\n- **Goal**: g\n";
    assert_eq!(parsed(&text.replace('\n', "\r")), parsed(text));
    let beside = parsed(&text.replace("g\n", "g\rh\n")).unwrap();
    assert_eq!(beside.achievements[0].body, "- **Goal**: g\rh");
}

#[test]
fn achievements_under_an_h1_are_read() {
    let first = "**Achievement 1.1**: A\n\nx\n";
    for (text, expected, sections) in [
        (
            format!("# Achievements\n\n## Priority 1: Now\n\n{first}\n## Notes\n\ny\n"),
            vec![("1.1", Some("1"))],
            vec!["Notes"],
        ),
        (
            format!(
                "# PLAN: X\n\n## Goal\n\ng\n\n# 🎯 Achievements\n\n{first}\n## Priority 2\n\n**Achievement 2.1**: B\n\n# Notes\n\n## Priority 3\n"
            ),
            vec![("1.1", None), ("2.1", Some("2"))],
            vec!["Goal", "Priority 3"],
        ),
        (
            format!("# Achievements of the Team\n\n## Achievements\n\n{first}\n## Priority 1\n\nx\n"),
            vec![("1.1", None)],
            vec!["Priority 1"],
        ),
    ] {
        let plan = parsed(&text).unwrap();
        let found: Vec<_> = plan.achievements.iter().map(|a| (a.id.to_string(), a.priority.as_deref())).collect();
        assert_eq!(
            found,
            expected.into_iter().map(|(id, priority)| (id.to_owned(), priority)).collect::<Vec<_>>(),
            "{text}"
        );
        assert_eq!(plan.sections.iter().map(|s| s.heading.as_str()).collect::<Vec<_>>(), sections, "{text}");
    }
    assert!(parsed(&format!("# PLAN: Achievements\n\n## Priority 1\n\n{first}")).is_err());
}

#[test]
fn utf16_is_recognised() {
    let source: Vec<u8> = "\u{FEFF}# PLAN".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = parse(PlanName::parse("TEST").unwrap(), &source).unwrap_err();
    assert_eq!(error, PlanError::NotUtf8 { line: 1, utf16: true });
}

#[test]
fn everything_that_is_said_of_an_achievement_is_title_and_body() {
    assert_eq!(with_body("- Goal: Do it").text(), "T\n- Goal: Do it");
}

#[test]
fn goals_are_read_in_every_form() {
    for (body, goal) in [
        ("- **Goal**: Do it", Some("Do it")),
        ("- Goal: Do it", Some("Do it")),
        ("**Purpose**: Do it", Some("Do it")),
        ("**Purpose:** Do it", Some("Do it")),
        ("**Description**:\n\nDo it\nwell.\n\nOther prose.", Some("Do it well.")),
        ("- **Issue**: It is\n  broken\n- **Fix**: mend", Some("It is broken")),
        ("🎯 **Goal** (short): Do it", Some("Do it")),
        ("#### Goal\n\nDo it", Some("Do it")),
        ("### Goal: Do it", Some("Do it")),
        ("- *Goal*: Do it", Some("Do it")),
        ("  - Goal: Do it\n  - Effort: 1 h", Some("Do it")),
        ("- **Description**: how\n- **Goal**: Do it", Some("Do it")),
        ("- Do it\n- Goal-driven: no", None),
        ("- **What**:\n  - Goal: nested", None),
        ("```\nGoal: in code\n```", None),
    ] {
        assert_eq!(with_body(body).goal.as_deref(), goal, "{body}");
    }
}

#[test]
fn deliverables_are_read_in_every_form() {
    for (body, expected) in [
        (
            "- **Deliverables**:\n  1. `a`\n  2. b\n     - b1\n       - b2\n     - b3\n  3. c\n- **Tests**: t",
            vec!["`a`", "b\n  - b1\n    - b2\n  - b3", "c"],
        ),
        ("**Deliverables**:\n\n- a\n- [x] b\n\n- c\n\n**Tests**: t\n\n- d", vec!["a", "b", "c"]),
        ("**Deliverables** (2):\n* a\n  goes on\n* b", vec!["a goes on", "b"]),
        ("- Deliverables: `a(x, y)`, b (c, d), and 10,000 e", vec!["`a(x, y)`", "b (c, d)", "10,000 e"]),
        ("- Deliverables: a, or so; b", vec!["a, or so", "b"]),
        ("- Deliverables: A guide. It shows a, b.", vec!["A guide. It shows a, b."]),
        ("- Deliverables: main part\n  - with flags", vec!["main part", "- with flags"]),
        ("- **Files**: `a.rs`, `b.rs`", vec!["`a.rs`", "`b.rs`"]),
        ("- **Files**: `a.rs`\n- **Deliverables**: b", vec!["b"]),
        ("- Deliverables:\n- a\n- b\n- **Effort**: 2 h", vec!["a", "b"]),
        ("**Deliverables**:\n\n**Code**:\n\n- a\n\n**Papers**:\n\n- b\n\n**Tests**: t\n- c", vec!["a", "b"]),
        ("**Deliverables**:\n- a\n- Effort: 2 hours\n", vec!["a"]),
        ("**Deliverables**:\n- a\n  ```sh\n  - x\n  ```\n- b", vec!["a\n  ```sh\n  - x\n  ```", "b"]),
        ("**Deliverables**:\n\n| File | For |\n|---|---|\n| `a` | x |\n| b | y |", vec!["`a` | x", "b | y"]),
        ("**Deliverables**:\n\n```\ntree, of, files\n```", vec![]),
        // A fence belongs to its item, however far to the left its content stands.
        (
            "- Deliverables:\n  - a.md\n    ````md\n    ```py\nx, y\n    ```\n    ````\n  - b.md\n- Effort: 2 h",
            vec!["a.md\n  ````md\n  ```py\n  x, y\n  ```\n  ````", "b.md"],
        ),
        // One that is indented no further than the list is none of its items'.
        (
            "- Deliverables:\n  - a.md\n  ````md\n  ```py\nx, y\n  ```\n  ````\n  - b.md\n- Effort: 2 h",
            vec!["a.md", "b.md"],
        ),
        ("**Deliverables**:\n- a\n\n```\ntree\nof files\n```\n\n- b", vec!["a", "b"]),
        ("**Deliverables**:\n- a\n\n| x | y |\n|---|---|\n| z | 5 |", vec!["a"]),
        ("**Deliverables**:\n- a\n| x | y |\n|---|---|\n| z | 5 |\n- b\n  goes on", vec!["a", "b goes on"]),
        ("**Deliverables**:\n- a\n\nProse that stands\nbeside the list.\n- b", vec!["a", "b"]),
        ("**Deliverables**:\n- a\n\n  | x | y |\n  |---|---|\n- b", vec!["a\n  | x | y |\n  |---|---|", "b"]),
        // Each with a heading of its own, and its text below.
        (
            "**Deliverables**:\n\n#### 1. Module\n\n**File**: `a.rs`\n\nIt reads.\n\n#### 2. Tests\n\n- b\n\n**Effort**: 2 h",
            vec!["Module (`a.rs`)\n  **File**: `a.rs`\n  It reads.", "Tests\n  - b"],
        ),
        (
            "#### Deliverables\n\n##### `a.rs`\n\nIt reads.\n\n##### `b.rs`\n\nIt writes.\n\n#### Notes\n\n- c",
            vec!["`a.rs`\n  It reads.", "`b.rs`\n  It writes."],
        ),
        ("#### Deliverables\n\n- a\n\n#### Notes\n\n- c", vec!["a"]),
        ("**Deliverables**: None", vec![]),
        ("- a\n- b", vec![]),
    ] {
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        if body.contains("main part") {
            expected[1] = "with flags".to_owned();
        }
        assert_eq!(with_body(body).deliverables, expected, "{body}");
    }
}

#[test]
fn criteria_and_approach_keep_their_text() {
    let read = with_body("- Success: a, b; c\n- **What**:\n  - x\n    - y\n\n  ```\n  z\n  ```\n- **Effort**: 2 h");
    assert_eq!(read.success_criteria, ["a, b; c"]);
    assert_eq!(read.approach.as_deref(), Some("- x\n  - y\n\n```\nz\n```"));
    let read = with_body(
        "**Acceptance Criteria**:\n- [ ] a\n- [x] b\n\n**What**: this\n\n**Implementation Approach** (short):\n\nthat\n\n- more",
    );
    assert_eq!(read.success_criteria, ["a", "b"]);
    assert_eq!(read.approach.as_deref(), Some("that\n\n- more"));
}

#[test]
fn estimates_are_found_where_they_stand() {
    for (body, hours) in [
        ("- Effort: 2-3 hours", Some((2.0, 3.0))),
        ("**Effort**: ~30 min (maybe)", Some((0.5, 0.5))),
        ("**Effort: 2 h**", Some((2.0, 2.0))),
        ("**Estimated Hours**: 2-3", Some((2.0, 3.0))),
        ("- **Effort**:\n  2 hours", Some((2.0, 2.0))),
        ("⏱️ 4 hours", Some((4.0, 4.0))),
        ("- **Plan**:\n  - Effort: 1 day", Some((8.0, 8.0))),
        ("- Effort: Ongoing", None),
        ("- Waits 2 hours", None),
    ] {
        let read = with_body(body).estimated_hours.map(|estimate| (estimate.low, estimate.high));
        assert_eq!(read, hours, "{body}");
    }
}

#[test]
fn dependencies_are_ids_and_prose() {
    for (body, expected, prose, blocks) in [
        ("- **Dependencies**: None\n- **Blocks**: 1.2, 1.3", "", None, "1.2 1.3"),
        ("**Depends on**: Achievement 1.2", "1.2", None, ""),
        ("- Requires:\n  - 1.2\n  - 1.3 (late)", "1.2 1.3", Some("1.2; 1.3 (late)"), ""),
        ("**Prerequisites**: a database", "", Some("a database"), ""),
        ("**Dependencies**: N/A  \n**Blocks**: None", "", None, ""),
    ] {
        let read = with_body(body);
        let join = |ids: &[AchievementId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let got = (join(&read.dependencies), read.dependencies_text.as_deref(), join(&read.blocks));
        assert_eq!(got, (expected.to_owned(), prose, blocks.to_owned()), "{body}");
    }
}

/// Files that are one thing over and over, in every place, are no trouble; work that grows with the square of the size
/// would not end here.
#[test]
fn large_files_of_one_thing_are_read() {
    let head = "## Achievements\n**Achievement 1.1**: A\n";
    for piece in [
        "#",
        "`",
        "*",
        "- ",
        "a",
        "```\n",
        "```a\n## x\n",
        "## \n",
        "\n",
        "(1h)",
        "**(1h)",
        "✅ DONE - ",
        "**Achievement ",
        "1.1, ",
        "- Goal: x\n",
        "**a**:\n",
        "✅",
    ] {
        let many = piece.repeat(64 * 1024 / piece.len());
        assert!(parsed(&many).is_err(), "{piece:?}");
        for text in [format!("{head}{many}"), format!("{head}- Dependencies: {many}")] {
            assert_eq!(parsed(&text).map(|plan| ids(&plan)), Ok(vec!["1.1".to_owned()]), "{piece:?}");
        }
        let title = parsed(&format!("## Achievements\n**Achievement 1.1**: {many}"));
        assert!(title.is_ok(), "{piece:?}");
    }
}

/// An achievement as the generator made it, and how it is to be written down.
#[derive(Clone, Debug)]
struct Made {
    title: String,
    minutes: Option<(u32, u32)>,
    goal: Option<String>,
    deliverables: Vec<String>,
    depends_on: Vec<prop::sample::Index>,
    bold_form: bool,
    paragraphs: bool,
    decoy: Option<u8>,
}

fn words() -> impl Strategy<Value = String> {
    // Plain words: what can be taken for a label or a status is not what this tests.
    proptest::collection::vec("[b-z]{4}[0-9]?|é(ab)?|`x_y`", 1..6).prop_map(|words| format!("Q{}", words.join(" ")))
}

fn made() -> impl Strategy<Value = Made> {
    let minutes = proptest::option::of((1..100_u32, 0..50_u32).prop_map(|(low, more)| (low, low + more)));
    let lists =
        (proptest::collection::vec(words(), 0..5), proptest::collection::vec(any::<prop::sample::Index>(), 0..3));
    (words(), minutes, proptest::option::of(words()), lists, any::<(bool, bool)>(), proptest::option::of(0..6_u8))
        .prop_map(|(title, minutes, goal, (deliverables, depends_on), (bold_form, paragraphs), decoy)| Made {
            title,
            minutes,
            goal,
            deliverables,
            depends_on,
            bold_form,
            paragraphs,
            decoy,
        })
}

/// Lines that look like definitions and are none.
fn decoy(kind: u8, id: &str) -> String {
    match kind {
        0 => format!("```md\n**Achievement {id}**: Decoy\n- Goal: decoy\n```\n"),
        1 => format!("```md\n```sh\nx\n```\n## Achievements\n**Achievement {id}**: Decoy\n```\n"),
        2 => format!("- **Achievement {id}**: Decoy\n"),
        3 => format!("### Achievement {id}: Decoy\n"),
        4 => format!("**Achievement {id}** is no decoy.\n"),
        _ => format!("  **Achievement {id}**: Decoy\n"),
    }
}

fn written(all: &[Made], ids: &[String], crlf: bool) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("\u{FEFF}# PLAN: Made\n\n## Achievement Index\n\n");
    for id in ids {
        writeln!(text, "**Achievement {id}**: Decoy (9h)").unwrap();
    }
    text.push_str("\n## 🎯 Desirable Achievements\n");
    for (index, (made, id)) in all.iter().zip(ids).enumerate() {
        if index % 3 == 0 {
            write!(text, "\n### Priority {index}: HIGH\n").unwrap();
        }
        let title = if made.bold_form {
            format!("**Achievement {id}: {}**", made.title)
        } else {
            format!("**Achievement {id}**: {} ✅ **COMPLETE**", made.title)
        };
        let (start, list) = if made.paragraphs { ("", "") } else { ("- ", "  ") };
        write!(text, "\n{title}\n\n").unwrap();
        if let Some(goal) = &made.goal {
            write!(text, "{start}**Goal**: {goal}\n\n").unwrap();
        }
        if let Some((low, high)) = made.minutes {
            write!(text, "{start}**Effort**: {low}-{high} min\n\n").unwrap();
        }
        if !made.deliverables.is_empty() {
            write!(text, "{start}**Deliverables**:\n\n").unwrap();
            made.deliverables.iter().for_each(|item| writeln!(text, "{list}- {item}\n{list}  - more").unwrap());
            text.push('\n');
        }
        let named: Vec<&str> = made.depends_on.iter().map(|at| at.get(ids).as_str()).collect();
        writeln!(
            text,
            "{start}**Dependencies**: {}\n",
            if named.is_empty() { "None".to_owned() } else { named.join(", ") }
        )
        .unwrap();
        text.push_str(&made.decoy.map_or_else(String::new, |kind| decoy(kind, id)));
    }
    text.push_str("\n## Tracking\n\n");
    for id in ids {
        write!(text, "### Achievement {id}: Decoy\n\n**Achievement {id}**: Decoy\n- Goal: decoy\n\n").unwrap();
    }
    if crlf { text.replace('\n', "\r\n") } else { text }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_written_is_read_back(all in proptest::collection::vec(made(), 1..12), three_parts in any::<bool>(), crlf in any::<bool>()) {
        let ids: Vec<String> = (1..=all.len()).map(|n| if three_parts { format!("3.5.{n}") } else { format!("1.{n}") }).collect();
        let plan = parsed(&written(&all, &ids, crlf)).unwrap();
        prop_assert_eq!(&plan.title, "Made");
        prop_assert_eq!(plan.achievements.len(), all.len());
        for ((read, made), (index, id)) in plan.achievements.iter().zip(&all).zip(ids.iter().enumerate()) {
            prop_assert_eq!(&read.id.to_string(), id);
            prop_assert_eq!(&read.title, &made.title);
            prop_assert_eq!(&read.goal, &made.goal);
            prop_assert_eq!(read.priority.clone(), Some((index / 3 * 3).to_string()));
            let minutes = read.estimated_hours.map(|hours| ((hours.low * 60.0).round(), (hours.high * 60.0).round()));
            prop_assert_eq!(minutes, made.minutes.map(|(low, high)| (f64::from(low), f64::from(high))));
            let deliverables: Vec<String> = made.deliverables.iter().map(|item| format!("{item}\n  - more")).collect();
            prop_assert_eq!(&read.deliverables, &deliverables);
            let mut named: Vec<String> = Vec::new();
            for at in &made.depends_on {
                let id = at.get(&ids);
                if !named.contains(id) { named.push(id.clone()); }
            }
            prop_assert_eq!(read.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(), named);
            prop_assert_eq!(&read.dependencies_text, &None);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let read = parse(PlanName::parse("TEST").unwrap(), &bytes);
        prop_assert!(read.is_err_and(|error| error.line().is_some() && error.hint().is_some()));
    }

    /// Pieces of PLANs in any order: never a panic, ids unique, lines right, bodies taken from the text.
    #[test]
    fn any_plan_is_survived(pieces in proptest::collection::vec(prop_oneof![
        Just("## Achievements\n"), Just("## Achievement Log\n"), Just("## Achievements Index\n"), Just("### Priority 1.5\n"),
        Just("# Achievements\n"), Just("## Priority 2\n"), Just("### Achievement 1.9: X\n"), Just("1. *Achievement 1.8*: Y\n"), Just("**Achievement 1-7**: Z\n"), Just("| a |\n"), Just("### Goal\n"),
        Just("**Achievement 1.1**: A\n"), Just("**Achievement 1.2: B** ⏱️ 1h\n"), Just("**Achievement 1.3** - C\n"), Just("**Achievement 1.1/1.2**: D\n"),
        Just("```\n"), Just("```sh\n"), Just("~~~\n"), Just("---\n"), Just("\r\n"), Just("- **Goal**: x\n"), Just("**Deliverables**:\n"),
        Just("- a\n"), Just("  - b\n"), Just("\t1. c\n"), Just("prose\n"), Just("**Depends on**: 1.1-1.3, x 1.2\n"), Just("- Effort: é2h"), Just("\u{1b}[31m✅"),
    ], 0..40)) {
        let text = pieces.concat();
        match parsed(&text) {
            Ok(plan) => {
                let unique: std::collections::BTreeSet<_> = plan.achievements.iter().map(|a| a.id).collect();
                prop_assert_eq!(unique.len(), plan.achievements.len());
                prop_assert!(!plan.achievements.is_empty());
                let normal = text.replace("\r\n", "\n");
                for found in overlooked(&plan, text.as_bytes()) {
                    prop_assert!((1..=normal.lines().count()).contains(&found.line), "{}", found.doubt);
                    if let Doubt::Definition { id, .. } = found.doubt {
                        prop_assert!(!unique.contains(&id));
                    }
                }
                for achievement in &plan.achievements {
                    let line = normal.lines().nth(achievement.line - 1).unwrap_or_default();
                    prop_assert!(line.contains(&format!("**Achievement {}", achievement.id)), "{}", line);
                    prop_assert!(normal.contains(&achievement.body));
                }
            }
            Err(error) => prop_assert!(error.line().is_some_and(|line| line <= text.lines().count().max(1))),
        }
    }
}

#[test]
fn what_is_commented_out_is_not_read() {
    for (name, text, expected) in [
        (
            "a block",
            "**Achievement 1.1**: A\nx\n\n<!--\n**Achievement 1.2**: B\ny\n\n## Old\n-->\n**Achievement 1.3**: C\nz",
            "1.1 1.3",
        ),
        (
            "one that begins beside it",
            "<!-- **Achievement 1.1**: A\n**Achievement 1.2**: B -->\n**Achievement 1.3**: C\nx",
            "1.3",
        ),
        ("in a list", "**Achievement 1.1**: A\n- x\n- <!--\n**Achievement 1.2**: B\n-->\n", "1.1"),
        ("within a paragraph", "**Achievement 1.1**: A\nx <!-- not\n**Achievement 1.2**: B\nthis -->\n", "1.1"),
        ("not over paragraphs", "**Achievement 1.1**: A\nx <!-- not\n\n**Achievement 1.2**: B\nthis -->\n", "1.1 1.2"),
        (
            "with a fence in it",
            "<!--\n```\n-->\n**Achievement 1.1**: A\nx\n<!--\n```\n-->\n**Achievement 1.2**: B\nx",
            "1.1 1.2",
        ),
        (
            "talked about in code",
            "**Achievement 1.1**: A\n`<!--` begins one\n**Achievement 1.2**: B\n`-->` ends it",
            "1.1 1.2",
        ),
        ("in a fence", "**Achievement 1.1**: A\n```html\n<!--\n```\n**Achievement 1.2**: B\nx\n-->", "1.1 1.2"),
        ("never closed", "**Achievement 1.1**: A\nx\n<!-- later\n**Achievement 1.2**: B\ny", "1.1 1.2"),
    ] {
        let plan = parsed(&format!("## Achievements\n\n{text}\n")).unwrap();
        assert_eq!(ids(&plan).join(" "), expected, "{name}");
    }
    let one = with_body("- Effort: 2 hours\n<!--\n- Goal: other\n- Dependencies: 9.9\n-->\n- Goal: this");
    assert_eq!(one.goal.as_deref(), Some("this"));
    assert_eq!(one.dependencies, []);
    assert!(one.body.contains("other"), "the raw body is kept");
}

#[test]
fn the_only_achievement_in_a_comment_is_told_of() {
    let error = parsed("## Achievements\n<!--\n**Achievement 1.1**: A\n-->\n").unwrap_err();
    assert_eq!(error.line(), Some(3));
    assert!(error.hint().unwrap().contains("comments"));
}

#[test]
fn a_list_that_a_text_follows_is_a_list_all_the_same() {
    let plan = parsed(
        "## Achievements\n\n**Achievement 1.1**: Old\n**Achievement 1.2**: Old\n- in two weeks\n\n\
         **Achievement 1.1**: A\n\nx\n\n**Achievement 1.2**: B\n\ny\n",
    )
    .unwrap();
    let titles: Vec<&str> = plan.achievements.iter().map(|achievement| achievement.title.as_str()).collect();
    assert_eq!(titles, ["A", "B"]);
}

#[test]
fn where_nothing_is_described_lists_define_unless_another_section_does() {
    let done = "## Completed Achievements\n\n**Achievement 1.9**: Z\n\n";
    assert_eq!(ids(&parsed(done).unwrap()), ["1.9"]);
    let both = format!("{done}## Achievements\n\n**Achievement 1.1**: A\n");
    assert_eq!(ids(&parsed(&both).unwrap()), ["1.1"]);
}

#[test]
fn a_priority_is_a_word_and_a_number() {
    for (heading, priority) in [
        ("Priority 2", Some("2")),
        ("🔴 PRIORITY #3.5.: Later", Some("3.5")),
        ("Priority", None),
        ("Priority: none", None),
        ("Overview 3", None),
    ] {
        let plan = parsed(&format!("## Achievements\n\n### {heading}\n\n**Achievement 1.1**: A\n\nx\n")).unwrap();
        assert_eq!(plan.achievements[0].priority.as_deref(), priority, "{heading}");
    }
}

#[test]
fn only_a_number_makes_a_line_look_like_an_achievement() {
    let message = |text: &str| parsed(text).unwrap_err().to_string();
    assert!(!message("# P\n\nAchievement records follow.\n").contains("looks like one"));
    assert!(!message("# P\n\nmeasured in 3 steps\n").contains("looks like one"));
    assert!(message("# P\n\n> Achievement 1.1: A\n").contains("line 3 looks like one"));
}

#[test]
fn the_rule_below_is_no_body() {
    assert_eq!(with_body("").body, "");
    assert_eq!(with_body("---\n\n***").body, "");
}

#[test]
fn the_largest_plan_is_read() {
    let mut source = vec![b'a'; MAX_PLAN_BYTES];
    assert!(parse::decode(&source).is_ok());
    source.push(b'a');
    assert_eq!(parse::decode(&source), Err(PlanError::TooLarge { size: MAX_PLAN_BYTES + 1, line: 1 }));
}
