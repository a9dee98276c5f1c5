//! Places of a PLAN that nobody has filled in yet.

use crate::markdown;

use super::{AchievementId, Plan};

/// The mark that `planwave init` leaves where somebody has to write.
const MARK: &str = "[FILL:";

/// The achievements with such a place, and whether the rest of the PLAN has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfilled {
    /// Achievements, in the order of the PLAN.
    pub achievements: Vec<AchievementId>,
    /// Headings of sections outside of the achievements.
    pub sections: Vec<String>,
}

/// Finds them, outside of code fences and code spans.
pub fn unfilled(plan: &Plan) -> Unfilled {
    let marked = |text: &str| {
        markdown::lines(text)
            .filter(|line| !line.in_fence)
            .any(|line| line.text.match_indices(MARK).any(|(at, _)| !line.text[..at].ends_with('`')))
    };
    let achievements = plan.achievements.iter().filter(|a| marked(&a.title) || marked(&a.body)).map(|a| a.id).collect();
    let sections = plan.sections.iter().filter(|s| marked(&s.body)).map(|s| s.heading.clone()).collect();
    Unfilled { achievements, sections }
}

impl Unfilled {
    /// A sentence for whoever is about to use the PLAN; `None` where everything is filled in.
    pub fn sentence(&self) -> Option<String> {
        let Self { achievements, sections } = self;
        let named: Vec<String> = sections.iter().cloned().chain(achievements.iter().map(ToString::to_string)).collect();
        if named.is_empty() {
            return None;
        }
        let mut list = named.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
        if named.len() > 6 {
            list.push_str(&format!(" and {} more", named.len() - 6));
        }
        Some(format!("places marked `{MARK} …]` are not filled in: {list}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PlanName, parse};

    #[test]
    fn marks_count_and_quotations_of_marks_do_not() {
        let text = "# PLAN: X\n\n## Goal\n\n[FILL: what]\n\n## Rules\n\nWrite no `[FILL: …]`.\n\n## Achievements\n\n\
                    **Achievement 1.1**: A\n\n- **Goal**: [FILL: what]\n\n**Achievement 1.2**: B\n\n- **Goal**: all there\n\n\
                    **Achievement 1.3**: C\n\n```\n[FILL: code]\n```\n";
        let plan = parse(PlanName::parse("X").unwrap(), text.as_bytes()).unwrap();
        let found = unfilled(&plan);
        assert_eq!(found.sentence().unwrap(), "places marked `[FILL: …]` are not filled in: Goal, 1.1");
        assert_eq!(Unfilled::default().sentence(), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        let sentence = |count: u32| {
            let achievements = (1..=count).map(|n| AchievementId::parse(&format!("1.{n}")).unwrap()).collect();
            Unfilled { achievements, sections: Vec::new() }.sentence().unwrap()
        };
        assert!(sentence(9).ends_with(": 1.1, 1.2, 1.3, 1.4, 1.5, 1.6 and 3 more"), "{}", sentence(9));
        assert!(sentence(6).ends_with(": 1.1, 1.2, 1.3, 1.4, 1.5, 1.6"), "{}", sentence(6));
    }
}
