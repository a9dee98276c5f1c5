//! The dependencies of a plan as a picture: lines for a terminal, Mermaid for markdown, DOT for Graphviz. Pure; linear in
//! achievements and dependencies.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    Style,
    columns::{left, list, usable},
    sanitize, truncate,
};
use crate::{
    parallel::Status,
    plan::{AchievementId, PlanName},
};

/// A plan's achievements and what each depends on.
#[derive(Clone, Debug, Serialize)]
pub struct Dag {
    /// The plan's name.
    pub plan: PlanName,
    /// Those of one level stand together, levels in their order.
    pub achievements: Vec<DagNode>,
}

/// An achievement in a [`Dag`].
#[derive(Clone, Debug, Serialize)]
pub struct DagNode {
    /// Its id.
    pub id: AchievementId,
    /// Its title; empty where there is none.
    pub title: String,
    /// Its level, from 1.
    pub level: u32,
    /// Where it stands.
    pub status: Status,
    /// What it depends on.
    pub dependencies: Vec<AchievementId>,
}

impl Dag {
    fn levels(&self) -> impl Iterator<Item = &[DagNode]> {
        self.achievements.chunk_by(|a, b| a.level == b.level)
    }

    fn edges(&self) -> impl Iterator<Item = (AchievementId, AchievementId)> {
        self.achievements.iter().flat_map(|node| node.dependencies.iter().map(|needed| (*needed, node.id)))
    }
}

/// An achievement a line, below its level, and what it depends on below it.
pub fn dag_text(dag: &Dag, width: usize, style: Style) -> String {
    let width = usable(width);
    let column = dag.achievements.iter().map(|node| node.id.to_string().len()).max().unwrap_or(0);
    let status = dag.achievements.iter().map(|node| node.status.words().len()).max().unwrap_or(0);
    let indent = 2 + column + 2;
    let mut out = String::new();
    for level in dag.levels() {
        if !out.is_empty() {
            out.push('\n');
        }
        let number = level.first().map_or(0, |node| node.level);
        out.push_str(&format!("{}\n", style.bold(format!("Level {number}"))));
        for node in level {
            let title = sanitize(&node.title);
            let words = left(node.status.words(), if title.is_empty() { 0 } else { status });
            let words = match node.status {
                Status::Complete | Status::Skipped => style.good(words),
                Status::Failed => style.bad(words),
                Status::InProgress => style.warning(words),
                Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated => style.dim(words),
            };
            let room = width.saturating_sub(indent + status + 2);
            let line = format!("  {}  {words}  {}", left(&node.id.to_string(), column), truncate(&title, room));
            out.push_str(line.trim_end());
            out.push('\n');
            if !node.dependencies.is_empty() {
                let needs: Vec<String> = node.dependencies.iter().map(ToString::to_string).collect();
                list(&mut out, &format!("{}needs", " ".repeat(indent)), indent + "needs ".len(), &needs, width);
            }
        }
    }
    out
}

/// A flowchart in the language of Mermaid, <https://mermaid.js.org/syntax/flowchart.html>.
pub fn dag_mermaid(dag: &Dag) -> String {
    let mut out = String::from("flowchart LR\n");
    for level in dag.levels() {
        let number = level.first().map_or(0, |node| node.level);
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "  subgraph level{number}[\"Level {number}\"]");
        for node in level {
            let label = mermaid_text(&label(node));
            let _ = writeln!(out, "    {}[\"{label}\"]:::{}", name(node.id), node.status);
        }
        out.push_str("  end\n");
    }
    for (from, to) in dag.edges() {
        let _ = writeln!(out, "  {} --> {}", name(from), name(to));
    }
    for (status, fill) in FILLS {
        let _ = writeln!(out, "  classDef {status} fill:{fill},color:#000000");
    }
    out
}

/// A digraph in the language of Graphviz, <https://graphviz.org/doc/info/lang.html>.
pub fn dag_dot(dag: &Dag) -> String {
    let mut out = format!("digraph \"{}\" {{\n  rankdir=LR\n  node [shape=box, style=filled]\n", dag.plan);
    for level in dag.levels() {
        let number = level.first().map_or(0, |node| node.level);
        let _ = writeln!(out, "  subgraph cluster_{number} {{\n    label=\"Level {number}\"");
        for node in level {
            let label = label(node).replace('\\', r"\\").replace('"', "\\\"");
            let fill = FILLS.iter().find(|(status, _)| *status == node.status).map_or("#ffffff", |(_, fill)| fill);
            let _ = writeln!(out, "    \"{}\" [label=\"{label}\", fillcolor=\"{fill}\"]", node.id);
        }
        out.push_str("  }\n");
    }
    for (from, to) in dag.edges() {
        let _ = writeln!(out, "  \"{from}\" -> \"{to}\"");
    }
    out.push_str("}\n");
    out
}

/// Colours on which black can be read.
const FILLS: [(Status, &str); 7] = [
    (Status::NotStarted, "#f2f2f2"),
    (Status::SubplanCreated, "#e3ecfa"),
    (Status::ExecutionCreated, "#c9dcf7"),
    (Status::InProgress, "#fdeeb5"),
    (Status::Complete, "#cdebc9"),
    (Status::Failed, "#f8c9c4"),
    (Status::Skipped, "#dddddd"),
];

fn label(node: &DagNode) -> String {
    sanitize(&format!("{} {}", node.id, node.title)).trim_end().to_owned()
}

/// A node's name; Mermaid takes no dots in one, and a few words (`end`) for its own.
fn name(id: AchievementId) -> String {
    format!("a{}", id.to_string().replace('.', "_"))
}

/// A text between quotes, in which nothing is markup: whatever could be is written by its number.
fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '#' | '&' | '<' | '>' | '`' | '*' | '_' | '\\' | ';') {
            let _ = write!(out, "#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag() -> Dag {
        let id = |text: &str| AchievementId::parse(text).unwrap();
        let node = |text: &str, title: &str, level, status, needs: &[&str]| DagNode {
            id: id(text),
            title: title.to_owned(),
            level,
            status,
            dependencies: needs.iter().map(|text| id(text)).collect(),
        };
        Dag {
            plan: PlanName::parse("X-Y").unwrap(),
            achievements: vec![
                node("1.1", "The parser", 1, Status::Complete, &[]),
                node("1.2", "", 1, Status::InProgress, &[]),
                node(
                    "2.1",
                    "A \"quoted\" <b>title</b> \\ of `code`; it is longer than a line can hold\u{1b}[2J",
                    2,
                    Status::NotStarted,
                    &["1.1", "1.2"],
                ),
            ],
        }
    }

    #[test]
    fn lines_for_a_terminal() {
        insta::assert_snapshot!(dag_text(&dag(), 80, Style::default()), @r#"
        Level 1
          1.1  complete     The parser
          1.2  in progress

        Level 2
          2.1  not started  A "quoted" <b>title</b> \ of `code`; it is longer than a li…
               needs 1.1, 1.2
        "#);
        let plain = dag_text(&dag(), 40, Style::default());
        assert!(plain.lines().all(|line| console::measure_text_width(line) <= 40), "{plain}");
        assert_eq!(console::strip_ansi_codes(&dag_text(&dag(), 40, Style::new(true))), plain);
    }

    #[test]
    fn mermaid_and_dot_hold_titles_as_text() {
        insta::assert_snapshot!(dag_mermaid(&dag()), @r#"
        flowchart LR
          subgraph level1["Level 1"]
            a1_1["1.1 The parser"]:::complete
            a1_2["1.2"]:::in_progress
          end
          subgraph level2["Level 2"]
            a2_1["2.1 A #34;quoted#34; #60;b#62;title#60;/b#62; #92; of #96;code#96;#59; it is longer than a line can hold"]:::not_started
          end
          a1_1 --> a2_1
          a1_2 --> a2_1
          classDef not_started fill:#f2f2f2,color:#000000
          classDef subplan_created fill:#e3ecfa,color:#000000
          classDef execution_created fill:#c9dcf7,color:#000000
          classDef in_progress fill:#fdeeb5,color:#000000
          classDef complete fill:#cdebc9,color:#000000
          classDef failed fill:#f8c9c4,color:#000000
          classDef skipped fill:#dddddd,color:#000000
        "#);
        insta::assert_snapshot!(dag_dot(&dag()), @r##"
        digraph "X-Y" {
          rankdir=LR
          node [shape=box, style=filled]
          subgraph cluster_1 {
            label="Level 1"
            "1.1" [label="1.1 The parser", fillcolor="#cdebc9"]
            "1.2" [label="1.2", fillcolor="#fdeeb5"]
          }
          subgraph cluster_2 {
            label="Level 2"
            "2.1" [label="2.1 A \"quoted\" <b>title</b> \\ of `code`; it is longer than a line can hold", fillcolor="#f2f2f2"]
          }
          "1.1" -> "2.1"
          "1.2" -> "2.1"
        }
        "##);
    }

    #[test]
    fn every_status_has_a_colour() {
        assert!(Status::ALL.into_iter().all(|status| FILLS.iter().any(|(known, _)| *known == status)));
    }
}
