//! The text of verdicts that a command writes.

use jiff::Timestamp;

use crate::{parallel::whole_seconds, plan::AchievementId};

/// What a verdict says.
pub(super) struct Verdict<'a> {
    /// `APPROVED`, `FIX` or `SKIPPED`.
    pub(super) word: &'static str,
    pub(super) id: AchievementId,
    pub(super) title: &'a str,
    pub(super) executor: Option<&'a str>,
    pub(super) at: Timestamp,
    /// The heading that the text stands under.
    pub(super) heading: &'static str,
    pub(super) text: Option<&'a str>,
}

impl Verdict<'_> {
    pub(super) fn render(&self) -> String {
        let Self { word, id, title, executor, at, heading, text } = self;
        let title = one_line(title);
        let title = if title.is_empty() { String::new() } else { format!(": {title}") };
        let mut document = format!("# {word}: Achievement {id}{title}\n\n- **Date**: {}\n", whole_seconds(*at));
        if let Some(executor) = executor {
            document.push_str(&format!("- **Executor**: {}\n", one_line(executor)));
        }
        if let Some(text) = text {
            document.push_str(&format!("\n## {heading}\n\n{}\n", text.trim()));
        }
        document
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
