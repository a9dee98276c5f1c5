//! What an answer was given to read: the prompts' own words and the PLAN. An answer must not merely repeat them.

use std::collections::HashSet as StdSet;

use crate::{
    document::sections::letters_of,
    markdown::lines,
    plan::{AchievementId, Plan},
};

use super::{
    deliverables,
    reading::Reading,
    words::{Phrases, Word},
};

/// Words of the prompt in a row that no document has by chance, and the same where a script has no spaces.
const ECHO: usize = 8;
const ECHO_UNSPACED: usize = 14;

/// Names of tags that models know from other prompts and put around an answer.
const USUAL_TAGS: [&str; 30] = [
    "plan",
    "plan-section",
    "siblings",
    "sibling",
    "achievement",
    "achievements",
    "subplan",
    "execution",
    "execution_task",
    "dependency",
    "dependencies",
    "inventory",
    "fixed-dependencies",
    "material",
    "task",
    "context",
    "document",
    "documents",
    "instructions",
    "instruction",
    "output",
    "answer",
    "response",
    "result",
    "example",
    "rules",
    "system",
    "user",
    "assistant",
    "prompt",
];

/// Elements of HTML that markdown may hold.
const HTML: [&str; 22] = [
    "a",
    "b",
    "blockquote",
    "br",
    "center",
    "code",
    "details",
    "div",
    "em",
    "hr",
    "i",
    "img",
    "kbd",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "summary",
    "table",
    "td",
    "ul",
];

/// The prompts' own words and the PLAN, prepared for [`judge_answer`](super::judge_answer). Made once for all answers.
#[derive(Clone, Debug)]
pub struct Material {
    /// Phrases of the prompts that the PLAN does not have, of two lengths.
    pub(super) prompt: [Phrases; 2],
    /// Phrases of the PLAN.
    pub(super) plan: Phrases,
    /// Names of tags of prompts that the PLAN does not use.
    tags: StdSet<String>,
    /// Headings of the prompts, as their letters.
    headings: StdSet<String>,
    /// The PLAN's text in lower case, for what is content because the PLAN says it too.
    plan_text: String,
    /// The achievements of the PLAN.
    pub(super) achievements: Vec<Known>,
}

/// What is known of an achievement.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: AchievementId,
    /// The letters of its title.
    title: String,
    /// The names of the files that it delivers.
    pub(super) files: Vec<String>,
}

impl Material {
    /// Takes the literal text of the prompts, in which values are left out, and the PLAN.
    pub fn new<'a>(literals: impl IntoIterator<Item = &'a str>, plan: &Plan) -> Self {
        let mut text = String::new();
        for section in &plan.sections {
            text.push_str(&format!("## {}\n\n{}\n\n", section.heading, section.body));
        }
        for achievement in &plan.achievements {
            text.push_str(&format!("{}\n\n", achievement.text()));
        }
        let reading = Reading::new(&text);
        let mut plan_phrases = Phrases::new(reading.language.run);
        let mut own = [Phrases::new(ECHO), Phrases::new(ECHO_UNSPACED)];
        for paragraph in &reading.paragraphs {
            let words = reading.words(paragraph);
            plan_phrases.add(&words.iter().map(|word| word.hash).collect::<Vec<u64>>());
            own.iter_mut().for_each(|own| own.add(&without_numbers(words)));
        }
        let plan_text = text.to_lowercase();
        let mut prompt = [Phrases::new(ECHO), Phrases::new(ECHO_UNSPACED)];
        let mut tags: StdSet<String> = USUAL_TAGS.iter().map(ToString::to_string).collect();
        let mut headings = StdSet::new();
        for literal in literals {
            for line in lines(literal) {
                tags.extend(line.text.split('<').filter_map(|text| tag_name(text.strip_prefix('/').unwrap_or(text))));
                headings.extend(line.heading().map(|heading| letters_of(heading.text)));
            }
            let reading = Reading::new(literal);
            for paragraph in &reading.paragraphs {
                let words = reading.words(paragraph);
                let unspaced = words.iter().filter(|word| word.unspaced).count() * 3 > words.len();
                prompt[usize::from(unspaced)].add(&without_numbers(words));
            }
        }
        prompt.iter_mut().zip(&own).for_each(|(prompt, own)| prompt.remove(own));
        tags.retain(|tag| !HTML.contains(&tag.as_str()) && !plan_text.contains(&format!("<{tag}")));
        // One word can be the heading of anything.
        headings.retain(|heading| heading.len() > 4 && !plan_text.contains(heading.as_str()));
        let files_of = |text: &String| deliverables::wanted_names(text.lines().next().unwrap_or_default());
        let achievements = plan.achievements.iter().map(|achievement| Known {
            id: achievement.id,
            title: letters_of(&achievement.title),
            files: achievement.deliverables.iter().flat_map(files_of).collect(),
        });
        let achievements = achievements.collect();
        Self { prompt, plan: plan_phrases, tags, headings, plan_text, achievements }
    }

    /// Whether the PLAN holds a text, whatever its case.
    pub(super) fn plan_has(&self, text: &str) -> bool {
        self.plan_text.contains(&text.to_lowercase())
    }

    /// The letters of an achievement's title.
    pub(super) fn title(&self, id: AchievementId) -> Option<&str> {
        self.achievements.iter().find(|known| known.id == id).map(|known| known.title.as_str())
    }

    /// Whether a line is only a tag of the prompt.
    pub(super) fn is_tag(&self, line: &str) -> bool {
        let inner = line.trim().strip_prefix('<').and_then(|line| line.strip_suffix('>'));
        let Some(inner) = inner.filter(|inner| !inner.contains(['<', '>'])) else { return false };
        let inner = inner.strip_prefix('/').or_else(|| inner.strip_prefix("\\/")).unwrap_or(inner);
        tag_name(inner).is_some_and(|name| self.tags.contains(&name))
    }

    /// Whether a heading is one of the prompts'.
    pub(super) fn is_heading(&self, heading: &str) -> bool {
        self.headings.contains(&letters_of(heading))
    }
}

/// The words of a paragraph, in which any number stands for any other.
pub(super) fn without_numbers(words: &[Word]) -> Vec<u64> {
    words.iter().map(|word| word.without_number()).collect()
}

/// The name that a tag begins with, in lower case.
fn tag_name(inner: &str) -> Option<String> {
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(inner.len());
    let name = &inner[..end];
    let ends = inner[end..].starts_with(['>', ' ', '/']) || end == inner.len();
    (ends && name.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| name.to_ascii_lowercase())
}
