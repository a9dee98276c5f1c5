//! Putting the achievements of a file into other levels: what is computed changes, everything else stays to the byte.

use serde_json::{Value, json};

use super::*;
use crate::plan::{Achievement, Plan, PlanName};

const NOW: &str = "2025-02-03T04:05:06Z";

const FILE: &str = r#"{
  "version": "1.0.0",
  "plan": "P",
  "team": {"lead": "Ada", "rate": 1.50},
  "updated": "2024-01-01T00:00:00Z",
  "levels": [
    {
      "level": 1,
      "description": "Foundations",
      "room": "B12",
      "achievements": [
        {
          "id": "1.1",
          "title": "Old title",
          "status": "complete",
          "dependencies": [],
          "ticket": 17,
          "actual_hours": 3.250
        },
        {
          "id": "1.2",
          "status": "in_progress",
          "executor": "Bo",
          "started_at": "2024-01-02T00:00:00Z",
          "dependencies": [],
          "estimated_hours": "5 hours"
        }
      ]
    },
    {
      "level": 2,
      "can_parallelize": false,
      "achievements": [
        {
          "id": "2.1",
          "dependencies": ["1.1", "1.2"],
          "dependency_notes": {
            "1.1": { "kind": "technical", "reason": "x", "source": "model" },
            "1.2": { "kind": "knowledge", "reason": "Bo said so", "source": "manual", "when": "2024-01-03" }
          },
          "emoji": "\ud83d\ude80"
        }
      ]
    }
  ]
}
"#;

fn plan(achievements: &[Needs<'_>]) -> Plan {
    let achievement = |(line, (text, dependencies)): (usize, &Needs<'_>)| Achievement {
        id: id(text),
        title: format!("Title of {text}"),
        priority: None,
        estimated_hours: Some(Hours { low: 1.0, high: 2.0 }),
        goal: None,
        deliverables: vec![format!("`src/{text}.rs`")],
        success_criteria: vec![],
        approach: None,
        dependencies: dependencies.iter().map(|text| id(text)).collect(),
        dependencies_text: None,
        blocks: vec![],
        line: line + 10,
        body: String::new(),
    };
    Plan {
        name: PlanName::parse("P").unwrap(),
        title: String::new(),
        sections: vec![],
        achievements: achievements.iter().enumerate().map(achievement).collect(),
    }
}

fn releveled(text: &str, achievements: &[Needs<'_>]) -> String {
    let file = parsed(text);
    let status = |id: AchievementId| file.get(id).map(|entry| entry.status).unwrap_or_default();
    let basis = Basis::new(&plan(achievements), Some(&file), &status).unwrap();
    file.relevel(&basis.structure(), "P", NOW)
}

const NEW: &[Needs<'_>] = &[("1.1", &[]), ("1.2", &["1.1"]), ("2.1", &[]), ("2.2", &["1.1"])];

#[test]
fn statuses_executors_times_unknown_fields_and_what_is_made_by_hand_stay() {
    let text = releveled(FILE, NEW);
    let file = parsed(&text);
    assert_eq!(file.check(), Checked::default(), "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    let at = |pointer: &str| value.pointer(pointer).unwrap_or(&Value::Null).clone();
    // 1.2 is in level 2 now, with all that it had; 2.1 keeps the dependency that Bo wrote, and loses the model's.
    assert_eq!(at("/levels/0/achievements/0/id"), "1.1");
    assert_eq!(
        (at("/levels/1/achievements/0/executor"), at("/levels/1/achievements/0/estimated_hours")),
        (json!("Bo"), json!("5 hours"))
    );
    assert_eq!(
        (at("/levels/1/achievements/0/status"), at("/levels/1/achievements/1/id")),
        (json!("in_progress"), json!("2.2"))
    );
    assert_eq!(at("/levels/2/achievements/0/dependencies"), json!(["1.2"]));
    assert_eq!(
        at("/levels/2/achievements/0/dependency_notes"),
        json!({"1.2": {"kind": "knowledge", "reason": "Bo said so", "source": "manual", "when": "2024-01-03"}})
    );
    assert_eq!((at("/levels/0/description"), at("/levels/0/room")), (json!("Foundations"), json!("B12")));
    assert_eq!((at("/levels/1/can_parallelize"), at("/levels/1/max_parallelism")), (json!(true), json!(2)));
    assert_eq!((at("/updated"), at("/created")), (json!(NOW), json!(NOW)));
    // What is complete is not touched but for `blocks`.
    assert_eq!(
        (at("/levels/0/achievements/0/title"), at("/levels/0/achievements/0/blocks")),
        (json!("Old title"), json!(["1.2", "2.2"]))
    );
    // Spellings survive.
    for kept in [r#""rate": 1.50"#, r#""actual_hours": 3.250"#, r#""emoji": "\ud83d\ude80""#, r#""ticket": 17"#] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    let indents = text.lines().map(|line| line.len() - line.trim_start().len());
    assert!(indents.into_iter().all(|indent| indent % 2 == 0), "{text}");
    // A second time, nothing is left to change.
    assert_eq!(releveled(&text, NEW), text);
}

#[test]
fn any_layout_is_kept() {
    let compact = serde_json::from_str::<Value>(FILE).unwrap().to_string();
    let crlf = FILE.replace('\n', "\r\n");
    let bom = format!("\u{feff}{FILE}");
    let expected: Value = serde_json::from_str(&releveled(FILE, NEW)).unwrap();
    for (text, lines) in [(compact.as_str(), 1), (&crlf, 0), (&bom, 0)] {
        let after = releveled(text, NEW);
        let value: Value = serde_json::from_str(after.trim_start_matches('\u{feff}')).unwrap();
        assert_eq!(value, expected);
        assert_eq!(after.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        assert!(lines == 0 || after.lines().count() == lines, "{after}");
        assert!(!text.contains("\r\n") || after.matches('\n').count() == after.matches("\r\n").count(), "{after:?}");
    }
}

#[test]
fn what_the_plan_does_not_know_stays() {
    let text = releveled(FILE, &[("2.1", &[])]);
    let file = parsed(&text);
    assert_eq!(file.check(), Checked::default(), "{text}");
    assert_eq!(file.entries().len(), 3);
    assert_eq!(file.get(id("1.2")).map(|entry| entry.status), Some(Status::InProgress));
}

#[test]
fn what_cannot_hold_together_is_reported_before_anybody_is_asked() {
    let file = parsed(FILE);
    let status = |_| Status::NotStarted;
    // Bo's 2.1 → 1.2, and the PLAN's 1.2 → 2.1.
    let problems =
        Basis::new(&plan(&[("1.1", &[]), ("1.2", &["2.1"]), ("2.1", &[])]), Some(&file), &status).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.rule.name).collect::<Vec<_>>(), ["cycle"]);
}
