//! The text of a new PLAN.

use std::fmt::Write as _;

use super::{Entry, Pattern};
use crate::plan::PlanName;

/// What a place to fill in begins with.
pub const FILL: &str = "[FILL: ";

/// Writes the PLAN. `created` is a date, such as `2026-01-02`.
pub fn skeleton(name: &PlanName, pattern: &Pattern, created: &str) -> String {
    let title = name.as_str().replace(['-', '_'], " ");
    let mut text = format!(
        "# PLAN: {title}\n\n\
         **Status**: Planning  \n\
         **Created**: {created}\n\n\
         ---\n\n\
         ## Goal\n\n\
         {FILL}what is different when this plan is done, and for whom]\n\n\
         ## Problem Statement\n\n\
         {FILL}what hurts today, with figures]\n\n\
         ## Scope\n\n\
         **In scope**\n\n- {FILL}what belongs to it]\n\n\
         **Out of scope**\n\n- {FILL}what people could expect and will not get]\n\n\
         ## Constraints\n\n\
         - {FILL}languages, versions, limits, rules that every achievement has to keep]\n\n\
         ## Achievements\n"
    );
    for (number, priority) in pattern.priorities.iter().enumerate() {
        // Ids tell the priority in most plans; here the heading follows them.
        let priority_number = priority.achievements.first().map_or(number, first_part);
        let _ = write!(text, "\n### Priority {priority_number}: {}\n", priority.title);
        for entry in &priority.achievements {
            push_achievement(&mut text, entry);
        }
    }
    text
}

fn first_part(entry: &Entry) -> usize {
    entry.id.parts().first().map_or(0, |part| usize::try_from(*part).unwrap_or(usize::MAX))
}

fn push_achievement(text: &mut String, entry: &Entry) {
    let Entry { id, title, estimate, depends_on, success } = entry;
    let needs: Vec<String> = depends_on.iter().map(ToString::to_string).collect();
    let needs = if needs.is_empty() { String::from("None") } else { needs.join(", ") };
    let _ = write!(
        text,
        "\n**Achievement {id}**: {title}\n\n\
         - **Goal**: {FILL}what it achieves, in one sentence]\n\
         - **Effort**: {estimate}\n\
         - **Dependencies**: {needs}\n\
         - **Approach**: {FILL}how, in two or three sentences; what to avoid]\n\
         - **Deliverables**:\n  - {FILL}a file, a command, a document]\n\
         - **Success Criteria**:\n  - {success}\n  - {FILL}how anyone can tell that it is done]\n"
    );
}
