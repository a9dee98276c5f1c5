//! The part of a prompt that all items of a level share, held to a token budget.
//!
//! Detail is dropped in this order until it fits: deliverables of siblings, from the last sibling to the first;
//! titles of siblings, from the last to the first; PLAN sections, from the last to the first.

use serde::Serialize;

use super::{TemplateError, Templates};
use crate::document::Stage;
use crate::plan::{Achievement, AchievementId, Plan, PlanName, PlanSection};

/// Headings of PLAN sections that tell what the work is about. Everything else (status, tracking, indexes,
/// instructions to whoever executes the PLAN) is noise for a document of one achievement.
const CONTEXT_WORDS: [&str; 9] =
    ["goal", "purpose", "overview", "problem", "scope", "constraint", "architecture", "convention", "specification"];

/// The share of the budget that PLAN sections may take.
const PLAN_SHARE: usize = 2;

/// The values of the `level` template, already held to the budget.
#[derive(Clone, Debug, Serialize)]
pub struct LevelPrompt<'a> {
    plan: PlanContext<'a>,
    level: u32,
    siblings: Vec<Sibling<'a>>,
    /// What all prompts carry of the code base, as text; empty where that is nothing. It has a budget of its own.
    pub repository: String,
    /// Siblings whose titles were dropped.
    more: usize,
    /// What was dropped, for the dry run.
    #[serde(skip)]
    pub dropped: Vec<String>,
}

impl LevelPrompt<'_> {
    /// Whether some of the level's achievements are not listed.
    pub fn lists_all(&self) -> bool {
        self.more == 0
    }
}

#[derive(Clone, Debug, Serialize)]
struct PlanContext<'a> {
    name: &'a PlanName,
    title: &'a str,
    sections: Vec<SectionContext<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct SectionContext<'a> {
    heading: &'a str,
    body: String,
}

/// One achievement of the level.
#[derive(Clone, Debug, Serialize)]
pub struct Sibling<'a> {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: &'a str,
    /// The first line of each of its deliverables; what stands below is detail that siblings need not know.
    pub deliverables: Vec<&'a str>,
}

impl<'a> Sibling<'a> {
    /// What the others are told of an achievement.
    pub fn new(achievement: &'a Achievement) -> Self {
        let deliverables = achievement.deliverables.iter().filter_map(|text| text.lines().next()).collect();
        Self { id: achievement.id, title: &achievement.title, deliverables }
    }
}

/// Puts together what the items of `level` share, within `budget` tokens as `count` counts them.
///
/// Linear in the size of the level. What is left always fits the budget, except that the frame of the template
/// itself is never cut.
pub fn level_prompt<'a>(
    (templates, stage): (&Templates, Stage),
    plan: &'a Plan,
    level: u32,
    mut siblings: Vec<Sibling<'a>>,
    budget: usize,
    count: &dyn Fn(&str) -> usize,
) -> Result<LevelPrompt<'a>, TemplateError> {
    let mut dropped = Vec::new();
    let mut prompt = LevelPrompt {
        plan: PlanContext { name: &plan.name, title: &plan.title, sections: Vec::new() },
        level,
        siblings: Vec::new(),
        more: 0,
        repository: String::new(),
        dropped: Vec::new(),
    };
    let frame = count(&templates.level(stage, &prompt)?);
    let mut room = budget.saturating_sub(frame);

    let plan_room = room / PLAN_SHARE;
    let sections = context_sections(plan, plan_room, count, &mut dropped);
    room -= sections.iter().map(|section| section_tokens(section, count)).sum::<usize>().min(room);
    prompt.plan.sections = sections;

    let titles: Vec<usize> = siblings.iter().map(|s| count(&format!("- {} {}\n", s.id, s.title))).collect();
    let details: Vec<usize> =
        siblings.iter().map(|s| s.deliverables.iter().map(|d| count(&format!("  - {d}\n"))).sum()).collect();
    let titles_kept = fitting(&titles, room.saturating_sub(if titles.iter().sum::<usize>() > room { 8 } else { 0 }));
    let room_for_details = room.saturating_sub(titles[..titles_kept].iter().sum());
    // No title goes before all deliverables have gone.
    let all_listed = titles_kept == siblings.len();
    let details_kept = if all_listed { fitting(&details, room_for_details) } else { 0 };

    if details[details_kept..].iter().any(|tokens| *tokens > 0) {
        let without = details[details_kept..].iter().filter(|tokens| **tokens > 0).count();
        dropped.push(format!("deliverables of {without} siblings"));
    }
    if titles_kept < siblings.len() {
        dropped.push(format!("titles of {} siblings", siblings.len() - titles_kept));
    }
    prompt.more = siblings.len() - titles_kept;
    siblings.truncate(titles_kept);
    for sibling in siblings.iter_mut().skip(details_kept) {
        sibling.deliverables.clear();
    }
    prompt.siblings = siblings;
    prompt.dropped = dropped;
    Ok(prompt)
}

/// How many of `sizes`, from the first on, fit in `room`.
fn fitting(sizes: &[usize], room: usize) -> usize {
    let mut used = 0;
    sizes
        .iter()
        .take_while(|size| {
            used += **size;
            used <= room
        })
        .count()
}

fn context_sections<'a>(
    plan: &'a Plan,
    room: usize,
    count: &dyn Fn(&str) -> usize,
    dropped: &mut Vec<String>,
) -> Vec<SectionContext<'a>> {
    let mut used = 0;
    let mut kept = Vec::new();
    let mut left_out = 0_usize;
    for section in plan.sections.iter().filter(|section| is_context(section)) {
        let whole = SectionContext { heading: &section.heading, body: without_rule(&section.body).to_owned() };
        let tokens = section_tokens(&whole, count);
        if used + tokens <= room {
            used += tokens;
            kept.push(whole);
        } else if let Some(cut) = cut_section(section, room - used, count) {
            dropped.push(format!("the end of the PLAN's section {}", section.heading));
            used = room;
            kept.push(cut);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        dropped.push(format!("{left_out} sections of the PLAN"));
    }
    kept
}

fn is_context(section: &PlanSection) -> bool {
    let heading = section.heading.to_lowercase();
    !section.body.is_empty() && CONTEXT_WORDS.iter().any(|word| heading.contains(word))
}

/// Without the rule that separates a section from the next one in the PLAN.
fn without_rule(body: &str) -> &str {
    let body = body.trim_end();
    body.strip_suffix("---").filter(|rest| rest.is_empty() || rest.ends_with('\n')).map_or(body, str::trim_end)
}

fn section_tokens(section: &SectionContext<'_>, count: &dyn Fn(&str) -> usize) -> usize {
    count(&format!("[{}]\n{}\n\n", section.heading, section.body))
}

/// The first lines of a section that fit, where that is worth having at all.
fn cut_section<'a>(section: &'a PlanSection, room: usize, count: &dyn Fn(&str) -> usize) -> Option<SectionContext<'a>> {
    const FRAME: usize = 40;
    const WORTH_HAVING: usize = 100;
    if room < FRAME + WORTH_HAVING {
        return None;
    }
    let lines: Vec<usize> = section.body.lines().map(|line| count(line) + 1).collect();
    let kept = fitting(&lines, room - FRAME);
    let mut body: Vec<&str> = section.body.lines().take(kept).collect();
    if body.iter().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1 {
        body.push("```");
    }
    body.push("[the rest is left out]");
    (kept > 0).then(|| SectionContext { heading: &section.heading, body: body.join("\n") })
}

/// Values on which templates are tried when they are loaded.
pub(super) fn sample_plan() -> Plan {
    use crate::plan::Hours;
    let ids = AchievementId::parse("1.1").into_iter();
    let achievements = ids.map(|id| Achievement {
        id,
        title: String::from("Title"),
        priority: Some(String::from("1")),
        estimated_hours: Some(Hours { low: 2.0, high: 3.0 }),
        goal: Some(String::from("Goal")),
        deliverables: vec![String::from("deliverable")],
        success_criteria: vec![String::from("criterion")],
        approach: Some(String::from("approach")),
        dependencies: Vec::new(),
        dependencies_text: Some(String::from("text")),
        blocks: Vec::new(),
        line: 1,
        body: String::from("body"),
    });
    Plan {
        name: PlanName::sample(),
        title: String::from("Title"),
        sections: vec![PlanSection { heading: String::from("Goal"), body: String::from("Goal"), line: 1 }],
        achievements: achievements.collect(),
    }
}

pub(super) fn sample_level(plan: &Plan) -> LevelPrompt<'_> {
    LevelPrompt {
        plan: PlanContext {
            name: &plan.name,
            title: &plan.title,
            sections: vec![SectionContext { heading: "Goal", body: String::from("Goal") }],
        },
        level: 1,
        siblings: plan.achievements.iter().map(Sibling::new).collect(),
        more: 1,
        repository: String::from("src/main.rs"),
        dropped: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn detail_is_dropped_in_the_stated_order() {
        let templates = Templates::load(&[]).unwrap();
        let mut plan = sample_plan();
        plan.sections.clear();
        let siblings = |n: u32| -> Vec<Sibling<'_>> {
            (1..=n)
                .map(|i| Sibling {
                    id: AchievementId::parse(&format!("1.{i}")).unwrap(),
                    title: "a title of five words",
                    deliverables: vec!["a deliverable of some five words"],
                })
                .collect()
        };
        let frame = words(
            &templates
                .level(
                    Stage::Subplan,
                    &level_prompt((&templates, Stage::Subplan), &plan, 1, vec![], 0, &words).unwrap(),
                )
                .unwrap(),
        );
        let of = |n: u32, room: usize| {
            let prompt =
                level_prompt((&templates, Stage::Subplan), &plan, 1, siblings(n), frame + room, &words).unwrap();
            let text = templates.level(Stage::Subplan, &prompt).unwrap();
            (prompt.dropped.clone(), words(&text).saturating_sub(frame), text)
        };
        let (dropped, _, text) = of(10, 1000);
        assert!(dropped.is_empty(), "{dropped:?}");
        assert_eq!(text.matches("a deliverable of").count(), 10);
        let (dropped, used, text) = of(10, 100);
        assert_eq!(dropped, ["deliverables of 6 siblings"]);
        assert_eq!((text.matches("a title of").count(), text.matches("a deliverable of").count()), (10, 4));
        assert!(used <= 100, "{used}");
        let (dropped, used, text) = of(1000, 100);
        assert_eq!(dropped[0], "deliverables of 1000 siblings");
        assert_eq!(dropped[1], "titles of 987 siblings");
        assert!(text.contains("- and 987 more"), "{text}");
        assert!(used <= 100, "{used}");
    }

    #[test]
    fn a_long_plan_section_is_cut_and_the_rest_left_out() {
        let templates = Templates::load(&[]).unwrap();
        let mut plan = sample_plan();
        let long = "word word word word word word word word word word\n".repeat(100);
        plan.sections = ["Goal", "Problem Statement", "Current Status", "Scope"]
            .into_iter()
            .map(|heading| PlanSection { heading: heading.into(), body: long.trim_end().into(), line: 1 })
            .collect();
        let prompt = level_prompt((&templates, Stage::Subplan), &plan, 1, vec![], 1000, &words).unwrap();
        assert_eq!(prompt.dropped, ["the end of the PLAN's section Goal", "2 sections of the PLAN"]);
        let text = templates.level(Stage::Subplan, &prompt).unwrap();
        assert!(text.contains("[the rest is left out]") && !text.contains("Current Status"));
        assert!(words(&text) <= 1000);
    }
}
