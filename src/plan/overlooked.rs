//! Lines that their author may have meant as definitions: they would otherwise be lost without a word.

use std::collections::BTreeSet;

use crate::markdown;

use super::{AchievementId, Plan};

/// A line below one achievement that looks like the definition of another, which the PLAN does not define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlooked {
    /// The achievement that the line is taken to belong to.
    pub below: AchievementId,
    /// The achievement that it seems to define.
    pub id: AchievementId,
    /// The line.
    pub text: String,
}

impl std::fmt::Display for Overlooked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { below, id, text } = self;
        write!(
            f,
            "below achievement {below} a line looks like the definition of {id}, but does not count: `{text}`; \
             a definition begins at the start of a line, as in `**Achievement {id}**: Title`"
        )
    }
}

/// Finds them: outside of code fences, behind list markers, indentation or other emphasis, with an id that is not defined.
pub fn overlooked(plan: &Plan) -> Vec<Overlooked> {
    let known: BTreeSet<AchievementId> = plan.achievements.iter().map(|achievement| achievement.id).collect();
    let mut found = Vec::new();
    for achievement in &plan.achievements {
        for line in markdown::lines(&achievement.body).filter(|line| !line.in_fence) {
            if let Some(id) = seeming_id(line.text).filter(|id| !known.contains(id)) {
                let text = line.text.trim().chars().take(80).collect();
                found.push(Overlooked { below: achievement.id, id, text });
            }
        }
    }
    found
}

/// The id of `- **Achievement 1.4**: Title` and its like: emphasis is what tells a definition from a mention.
fn seeming_id(line: &str) -> Option<AchievementId> {
    let line = line.trim_start().trim_start_matches(['-', '+', ' ']);
    let line = line.strip_prefix("* ").unwrap_or(line).trim_start();
    let inner = line.strip_prefix("**").or_else(|| line.strip_prefix("__"))?;
    let rest = inner.get("achievement ".len()..)?;
    if !inner[..inner.len() - rest.len()].eq_ignore_ascii_case("achievement ") {
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    AchievementId::parse(rest[..end].trim_end_matches('.')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PlanName, parse};

    #[test]
    fn what_looks_like_a_definition_is_reported_and_mentions_are_not() {
        let text = "# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: A\n\n- Effort: 1 hour\n\
                    - **Achievement 1.2**: in a list\n  **Achievement 1.3**: indented\n* __Achievement 1.4__: underscored\n\
                    - needs Achievement 1.5 to be there\n- **Achievement 1.1** again\n```\n- **Achievement 1.6**: fenced\n```\n";
        let plan = parse(PlanName::parse("X").unwrap(), text.as_bytes()).unwrap();
        let found: Vec<String> = overlooked(&plan).iter().map(|line| line.id.to_string()).collect();
        assert_eq!(found, ["1.2", "1.3", "1.4"]);
        assert!(overlooked(&plan)[0].to_string().contains("below achievement 1.1"));
    }
}
