//! The head of a generated document, which planwave writes itself so that names, ids and dates are never a model's guess.
//!
//! It must not judge the body; that is `check`.

use jiff::{Timestamp, tz::TimeZone};

use crate::plan::{AchievementId, Hours};

use super::{ExecutionPart, Stage};

/// What stands above the body of a document.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// The plan's name.
    pub plan: &'a str,
    /// The achievement.
    pub achievement: AchievementId,
    /// The achievement's title.
    pub title: &'a str,
    /// Which document this is.
    pub stage: Stage,
    /// The achievement's level, where it is known.
    pub level: Option<u32>,
    /// Path of the SUBPLAN relative to the plan directory; only an EXECUTION_TASK has it.
    pub subplan: Option<&'a str>,
    /// Which of the planned executions this is; only an EXECUTION_TASK has it.
    pub part: Option<&'a ExecutionPart>,
    /// The achievement's estimate.
    pub estimate: Option<Hours>,
    /// When the answer arrived, RFC 3339; written to the minute in UTC. Any other text is written as it is.
    pub created: &'a str,
    /// Who works on it.
    pub executor: Option<&'a str>,
}

/// Puts the header above `body`: a whole document with Unix line ends, one final newline and no control characters.
pub fn render_document(header: &Header<'_>, body: &str) -> String {
    let mut text = String::with_capacity(body.len() + 512);
    let kind = match header.stage {
        Stage::Subplan => "SUBPLAN",
        Stage::Execution => "EXECUTION_TASK",
    };
    let title = one_line(header.title);
    let separator = if title.is_empty() { "" } else { " - " };
    text.push_str(&format!("# {kind}: Achievement {}{separator}{title}\n\n", header.achievement));
    for (label, value) in fields(header) {
        // Two spaces at the end: markdown's line break, as people write these headers.
        text.push_str(&format!("**{label}**: {}  \n", one_line(&value)));
    }
    text.push_str("\n---\n\n");
    push_clean(&mut text, body.trim_matches(['\n', '\r', '\u{feff}']));
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn fields(header: &Header<'_>) -> Vec<(&'static str, String)> {
    let mut fields = vec![("PLAN", header.plan.to_owned()), ("Achievement", header.achievement.to_string())];
    if let Some(level) = header.level {
        fields.push(("Level", level.to_string()));
    }
    if let Some(path) = header.subplan {
        fields.push(("SUBPLAN", path.to_owned()));
    }
    if let Some(part) = header.part {
        fields.push(("Execution", format!("{:02} of {:02}", part.number, part.of)));
        if !part.purpose.is_empty() {
            fields.push(("Purpose", part.purpose.clone()));
        }
    }
    if let Some(estimate) = header.estimate {
        fields.push(("Estimate", hours(estimate)));
    }
    fields.push(("Created", to_the_minute(header.created)));
    let status = match header.stage {
        Stage::Subplan => "Design",
        Stage::Execution => "Ready for execution",
    };
    fields.push(("Status", status.to_owned()));
    fields.push(("Executor", header.executor.unwrap_or("not assigned").to_owned()));
    fields
}

/// `2 hours`, `1.5-3 hours`.
fn hours(estimate: Hours) -> String {
    let number = |hours: f64| {
        // Two decimals hold a quarter of an hour; minutes such as 20 are rounded.
        let text = format!("{hours:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (low, high) = (number(estimate.low), number(estimate.high));
    match (low == high, high == "1") {
        (true, true) => "1 hour".to_owned(),
        (true, false) => format!("{high} hours"),
        (false, _) => format!("{low}-{high} hours"),
    }
}

fn to_the_minute(created: &str) -> String {
    match created.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => created.to_owned(),
    }
}

/// A value that cannot break out of its line.
fn one_line(value: &str) -> String {
    let printable: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Appends `text` with Unix line ends and without control characters other than tab and newline.
fn push_clean(out: &mut String, text: &str) {
    // 0xc2 begins, among others, the control characters beyond ASCII. Most texts have nothing to clean.
    let suspicious = |b: u8| (b.is_ascii_control() && !matches!(b, b'\n' | b'\t')) || b == 0xc2;
    if !text.bytes().any(suspicious) {
        return out.push_str(text);
    }
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(stage: Stage) -> Header<'static> {
        Header {
            plan: "DEMO",
            achievement: AchievementId::parse("3.1").unwrap(),
            title: "Import\tthe\nfeeds",
            stage,
            level: None,
            subplan: None,
            part: None,
            estimate: Some(Hours { low: 2.0, high: 3.5 }),
            created: "2026-01-31T23:59:58.5+01:00",
            executor: None,
        }
    }

    #[test]
    fn a_subplan_has_its_header_and_one_final_newline() {
        let text = render_document(&header(Stage::Subplan), "\r\n## Objective\r\n\r\nRead\u{7} feeds.\u{1b}\r\n\r\n");
        insta::assert_snapshot!(text, @r"
        # SUBPLAN: Achievement 3.1 - Import the feeds

        **PLAN**: DEMO  
        **Achievement**: 3.1  
        **Estimate**: 2-3.5 hours  
        **Created**: 2026-01-31 22:59 UTC  
        **Status**: Design  
        **Executor**: not assigned  

        ---

        ## Objective

        Read feeds.
        ");
        assert!(text.ends_with("feeds.\n") && !text.contains('\r'));
    }

    #[test]
    fn a_body_loses_its_control_characters() {
        for (body, written) in [
            ("Read\u{7} feeds.", "Read feeds."),
            ("Read\u{85} feeds.", "Read feeds."),
            ("Read\rfeeds.", "Read\nfeeds."),
            ("Read\tfeeds.\n\n- \u{a7} 1", "Read\tfeeds.\n\n- \u{a7} 1"),
        ] {
            let text = render_document(&header(Stage::Subplan), body);
            assert_eq!(text.split_once("\n---\n\n").map(|(_, body)| body), Some(format!("{written}\n").as_str()));
        }
    }

    #[test]
    fn an_execution_names_its_subplan_and_part() {
        let part = ExecutionPart { number: 2, of: 3, purpose: "The\nparser".to_owned() };
        let header = Header {
            level: Some(4),
            subplan: Some("subplans/SUBPLAN_DEMO_31.md"),
            part: Some(&part),
            estimate: Some(Hours { low: 1.0, high: 1.0 }),
            executor: Some("team blue"),
            created: "some day",
            ..header(Stage::Execution)
        };
        insta::assert_snapshot!(render_document(&header, "body"), @r"
        # EXECUTION_TASK: Achievement 3.1 - Import the feeds

        **PLAN**: DEMO  
        **Achievement**: 3.1  
        **Level**: 4  
        **SUBPLAN**: subplans/SUBPLAN_DEMO_31.md  
        **Execution**: 02 of 03  
        **Purpose**: The parser  
        **Estimate**: 1 hour  
        **Created**: some day  
        **Status**: Ready for execution  
        **Executor**: team blue  

        ---

        body
        ");
    }

    #[test]
    fn estimates_read_like_a_persons() {
        let table =
            [(1.0, 1.0, "1 hour"), (2.0, 2.0, "2 hours"), (0.5, 0.75, "0.5-0.75 hours"), (10.0, 20.0, "10-20 hours")];
        for (low, high, expected) in table {
            assert_eq!(hours(Hours { low, high }), expected);
        }
    }
}
