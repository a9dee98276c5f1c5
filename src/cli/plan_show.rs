//! `plan show`: what was understood of a PLAN, as text and as JSON. Pure: it neither reads files nor prints.

use std::fmt::Write as _;

use console::measure_text_width;
use serde_json::{Value, json};

use crate::plan::{Achievement, AchievementId, Hours, Plan};
use crate::report::truncate;

/// Narrower terminals are written for as if they had this many columns.
const NARROWEST: usize = 30;
/// Lines of a goal that are shown; the PLAN has the rest.
const GOAL_LINES: usize = 3;
/// Columns before everything that belongs to an achievement.
const INDENT: usize = 4;

/// The PLAN as JSON: `plan`, and `achievements[]` with every field that was read except the raw body.
pub fn to_json(plan: &Plan) -> Value {
    json!({ "plan": plan.name, "achievements": plan.achievements })
}

/// The PLAN as text without colours, one block an achievement, for a terminal of `width` columns.
///
/// `sanitize` takes control characters out of text that comes from the PLAN.
pub fn render_text(plan: &Plan, width: usize, sanitize: fn(&str) -> String) -> String {
    let page = Page { width: width.max(NARROWEST), sanitize };
    let mut out = String::new();
    let title = if plan.title.is_empty() { String::new() } else { format!(": {}", plan.title) };
    page.wrapped(&mut out, 0, "", &format!("PLAN {}{title}", plan.name), usize::MAX);
    page.wrapped(&mut out, 0, "", &totals(plan), usize::MAX);
    for achievement in &plan.achievements {
        out.push('\n');
        page.achievement(&mut out, achievement);
    }
    out
}

fn totals(plan: &Plan) -> String {
    let estimates: Vec<Hours> = plan.achievements.iter().filter_map(|a| a.estimated_hours).collect();
    let sum = estimates.iter().fold(Hours { low: 0.0, high: 0.0 }, |sum, hours| Hours {
        low: sum.low + hours.low,
        high: sum.high + hours.high,
    });
    let count = plan.achievements.len();
    let noun = if count == 1 { "achievement" } else { "achievements" };
    match count - estimates.len() {
        missing if missing == count => format!("{count} {noun}, no estimates"),
        0 => format!("{count} {noun}, {}", hours(sum)),
        missing => format!("{count} {noun}, {} ({missing} without estimate)", hours(sum)),
    }
}

/// `2-3 h`; at most two decimals, for minutes.
fn hours(hours: Hours) -> String {
    let number = |value: f64| {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (low, high) = (number(hours.low), number(hours.high));
    if low == high { format!("{low} h") } else { format!("{low}-{high} h") }
}

fn join(ids: &[AchievementId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

struct Page {
    width: usize,
    sanitize: fn(&str) -> String,
}

impl Page {
    fn achievement(&self, out: &mut String, achievement: &Achievement) {
        self.wrapped(out, 0, &format!("{:<INDENT$}", format!("{} ", achievement.id)), &achievement.title, usize::MAX);
        let mut facts = Vec::new();
        facts.extend(achievement.priority.as_ref().map(|priority| format!("priority {priority}")));
        facts.push(achievement.estimated_hours.map_or_else(|| "no estimate".to_owned(), hours));
        facts.push(format!("line {}", achievement.line));
        self.wrapped(out, INDENT, "", &facts.join(" · "), usize::MAX);
        if let Some(goal) = &achievement.goal {
            self.wrapped(out, INDENT, "goal: ", goal, GOAL_LINES);
        }
        match (&achievement.dependencies_text, achievement.dependencies.as_slice()) {
            (None, []) => {}
            (None, ids) => self.wrapped(out, INDENT, "needs: ", &join(ids), usize::MAX),
            (Some(text), []) => self.wrapped(out, INDENT, "needs: ", &format!("no id, but \"{text}\""), GOAL_LINES),
            (Some(text), ids) => {
                self.wrapped(out, INDENT, "needs: ", &format!("{}, as in \"{text}\"", join(ids)), GOAL_LINES)
            }
        }
        if !achievement.blocks.is_empty() {
            self.wrapped(out, INDENT, "blocks: ", &join(&achievement.blocks), usize::MAX);
        }
        if !achievement.deliverables.is_empty() {
            self.wrapped(out, INDENT, "", &format!("deliverables ({}):", achievement.deliverables.len()), 1);
            for deliverable in &achievement.deliverables {
                self.wrapped(out, INDENT + 2, "- ", deliverable.lines().next().unwrap_or_default(), 1);
            }
        }
        if !achievement.success_criteria.is_empty() {
            self.wrapped(out, INDENT, "", &format!("success criteria: {}", achievement.success_criteria.len()), 1);
        }
    }

    /// Writes `text` behind `lead`, at most `most` lines of it; the following ones are indented as far as the text.
    /// What does not fit ends in an ellipsis. A word longer than a line is cut.
    fn wrapped(&self, out: &mut String, indent: usize, lead: &str, text: &str, most: usize) {
        let room = self.width.saturating_sub(indent + measure_text_width(lead)).max(1);
        let clean = (self.sanitize)(text);
        let mut lines: Vec<String> = Vec::new();
        let mut used = 0;
        let mut words = clean.split_whitespace();
        let full = loop {
            let Some(word) = words.next() else { break false };
            let width = measure_text_width(word);
            if let Some(line) = lines.last_mut().filter(|_| used + 1 + width <= room) {
                line.push(' ');
                line.push_str(word);
                used += 1 + width;
            } else if lines.len() == most {
                break true;
            } else {
                let word = truncate(word, room).into_owned();
                used = measure_text_width(&word);
                lines.push(word);
            }
        };
        if full && let Some(line) = lines.pop() {
            lines.push(truncate(&format!("{line} …"), room).into_owned());
        }
        let blank = " ".repeat(indent);
        let hanging = " ".repeat(measure_text_width(lead));
        for (index, line) in lines.iter().enumerate() {
            let begin = if index == 0 { lead } else { &hanging };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{blank}{begin}{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::{PlanName, parse};

    const PLAN: &str = "\
# PLAN: Road Works

## Achievements

### Priority 1: HIGH

**Achievement 1.1**: Survey

- **Goal**: Learn what lies below the road, which pipes are in use, whose they are, and which of them nobody remembers; then draw a map that the diggers can read in the rain without asking anyone what it means
- **Deliverables**:
  - a map
    - with legend
  - a list of owners that is much longer than one line of a terminal can ever show to anybody
- **Success Criteria**:
  - x
  - y
- **Effort**: 90-120 minutes
- **Dependencies**: None
- **Blocks**: 1.2, 1.3

**Achievement 1.2: Digging** ⏱️ 1 day

- **Dependencies**: 1.1

**Achievement 1.3: Paving**

- **Dependencies**: 1.1 (its map), and dry weather
";

    fn plan(text: &str) -> Plan {
        parse(PlanName::parse("ROAD").unwrap(), text.as_bytes()).unwrap()
    }

    #[test]
    fn text_fits_eighty_columns() {
        insta::assert_snapshot!(render_text(&plan(PLAN), 80, str::to_owned), @r#"
        PLAN ROAD: Road Works
        3 achievements, 9.5-10 h (1 without estimate)

        1.1 Survey
            priority 1 · 1.5-2 h · line 7
            goal: Learn what lies below the road, which pipes are in use, whose they
                  are, and which of them nobody remembers; then draw a map that the
                  diggers can read in the rain without asking anyone what it means
            blocks: 1.2, 1.3
            deliverables (2):
              - a map
              - a list of owners that is much longer than one line of a terminal can …
            success criteria: 2

        1.2 Digging
            priority 1 · 8 h · line 21
            needs: 1.1

        1.3 Paving
            priority 1 · no estimate · line 25
            needs: 1.1, as in "1.1 (its map), and dry weather"
        "#);
    }

    #[test]
    fn json_has_every_field_and_no_other() {
        let value = to_json(&plan(PLAN));
        let keys: Vec<&String> = value["achievements"][0].as_object().unwrap().keys().collect();
        let expected = [
            "id",
            "title",
            "priority",
            "estimated_hours",
            "goal",
            "deliverables",
            "success_criteria",
            "approach",
            "dependencies",
            "dependencies_text",
            "blocks",
            "line",
        ];
        assert_eq!(keys, expected);
        assert_eq!(value["plan"], "ROAD");
        assert_eq!(value["achievements"][0]["estimated_hours"], json!({ "low": 1.5, "high": 2.0 }));
        assert_eq!(value["achievements"][2]["estimated_hours"], Value::Null);
        assert_eq!(value["achievements"][0]["blocks"], json!(["1.2", "1.3"]));
        assert_eq!(value["achievements"][2]["dependencies_text"], "1.1 (its map), and dry weather");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(words in "((\\PC|[☁❤1‘‼ل]|[\u{fe00}-\u{fe0f}]|ا){1,50} ){1,20}", width in 0..120_usize) {
            let mut plan = plan(PLAN);
            plan.title.clone_from(&words);
            for achievement in &mut plan.achievements {
                achievement.title.clone_from(&words);
                achievement.goal = Some(words.clone());
                achievement.deliverables = vec![words.clone()];
                achievement.dependencies_text = Some(words.clone());
            }
            for line in render_text(&plan, width, str::to_owned).lines() {
                prop_assert!(measure_text_width(line) <= width.max(NARROWEST), "{}", line);
            }
        }

        #[test]
        fn what_fits_is_shown_whole(words in proptest::collection::vec("[a-zé]{1,9}", 1..40)) {
            let mut plan = plan(PLAN);
            plan.achievements.truncate(1);
            plan.achievements[0].title = words.join(" ");
            let text = render_text(&plan, 40, str::to_owned);
            let shown: Vec<&str> = text.split_whitespace().collect();
            prop_assert!(shown.windows(words.len()).any(|window| window == words));
        }
    }
}
