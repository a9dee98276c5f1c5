//! Mends what needs no model: headings at another level, a missing number of executions, an exact duplicate of a
//! section, remarks behind the end. Everything that is mended is said.

use std::ops::Range;

use crate::{
    document::{
        Finding, SectionSpec, Stage,
        executions::execution_count,
        sections::{is_known, same_name, section_name},
    },
    markdown::lines,
};

use super::{chat, codes::Code, counts};

/// A body with what was mended in it.
pub(super) struct Mended {
    pub(super) body: String,
    /// What was mended, as warnings.
    pub(super) said: Vec<Finding>,
}

/// Mends an unwrapped body.
pub(super) fn mend(body: &str, stage: Stage, specs: &[SectionSpec]) -> Mended {
    let mut mended = Mended { body: body.to_owned(), said: Vec::new() };
    mended.level_headings(specs);
    mended.drop_duplicates(specs);
    if stage == Stage::Subplan {
        mended.add_count(specs);
    }
    mended.drop_remark();
    mended
}

/// The level of sections.
const LEVEL: u8 = 2;

/// A heading, or a line in bold that stands for one.
struct Mark {
    line: usize,
    start: usize,
    end: usize,
    next: usize,
    /// 0 for a line in bold.
    level: u8,
    name: String,
}

fn marks(body: &str) -> Vec<Mark> {
    lines(body)
        .filter_map(|line| {
            let (level, name) = match line.heading() {
                Some(heading) => (heading.level, section_name(heading.text)),
                None if line.in_fence || line.in_comment => return None,
                None => (0, bold_line(line.text)?),
            };
            Some(Mark { line: line.number, start: line.start, end: line.end, next: line.next, level, name })
        })
        .collect()
}

/// `**Approach:**` alone on a line, where it names a section.
fn bold_line(line: &str) -> Option<String> {
    let inner = line.trim_end().trim_end_matches(':').strip_prefix("**")?.strip_suffix("**")?;
    let name = section_name(inner);
    (!inner.contains("**") && is_known(&name)).then_some(name)
}

impl Mended {
    fn level_headings(&mut self, specs: &[SectionSpec]) {
        let marks = marks(&self.body);
        let is_expected = |mark: &&Mark| specs.iter().any(|spec| same_name(&mark.name, &spec.name));
        // Where all sections stand one level too high, what is below them goes down with them.
        let high = marks.iter().filter(is_expected).filter(|mark| mark.level == 1).count();
        let all_high = high > 1 && !marks.iter().filter(is_expected).any(|mark| mark.level == LEVEL);
        let mut levels: Vec<(usize, u8)> = Vec::new();
        if all_high {
            let first = marks.iter().position(|mark| is_expected(&mark)).unwrap_or(0);
            levels.extend(
                (first..marks.len()).filter(|at| marks[*at].level > 0).map(|at| (at, (marks[at].level + 1).min(6))),
            );
        }
        for spec in specs {
            let here = |at: &usize| same_name(&marks[*at].name, &spec.name);
            let found: Vec<usize> = (0..marks.len()).filter(here).collect();
            if found.iter().any(|at| marks[*at].level == LEVEL)
                || (all_high && found.iter().any(|at| marks[*at].level == 1))
            {
                continue;
            }
            // A heading goes before a line in bold, and the highest before others.
            let best = found.into_iter().min_by_key(|at| if marks[*at].level == 0 { 7 } else { marks[*at].level });
            if let Some(at) = best {
                levels.retain(|(other, _)| *other != at);
                levels.push((at, LEVEL));
            }
        }
        levels.sort_unstable();
        let mut out = String::with_capacity(self.body.len() + 16);
        let mut kept = 0;
        let mut names: Vec<&str> = Vec::new();
        let mut first = None;
        for (at, level) in &levels {
            let mark = &marks[*at];
            out.push_str(&self.body[kept..mark.start]);
            let text = self.body[mark.start..mark.end].trim();
            let text = if mark.level == 0 { mark.name.as_str() } else { text.trim_start_matches('#').trim_start() };
            out.push_str(&"#".repeat(usize::from(*level)));
            out.push(' ');
            out.push_str(text);
            kept = mark.end;
            if is_expected(&mark) {
                names.push(&mark.name);
                first = first.or(Some(mark.line));
            }
        }
        if levels.is_empty() {
            return;
        }
        let message = format!("Made level-2 headings of what stood at another level: {}.", names.join(", "));
        self.said.push(Code::HeadingLevel.warning(first, message));
        out.push_str(&self.body[kept..]);
        self.body = out;
    }

    fn drop_duplicates(&mut self, specs: &[SectionSpec]) {
        let marks: Vec<Mark> = marks(&self.body).into_iter().filter(|mark| (1..=LEVEL).contains(&mark.level)).collect();
        let end = |at: usize| marks.get(at + 1).map_or(self.body.len(), |next| next.start);
        let text = |at: usize| self.body[marks[at].next.min(end(at))..end(at)].split_whitespace();
        let mut dropped: Vec<(Range<usize>, Finding)> = Vec::new();
        for at in 1..marks.len() {
            let expected = specs.iter().any(|spec| same_name(&marks[at].name, &spec.name));
            let same = |other: &usize| same_name(&marks[*other].name, &marks[at].name) && text(*other).eq(text(at));
            if expected && marks[at].level == LEVEL && (0..at).any(|other| same(&other)) {
                let message =
                    format!("Dropped the section `{}` that stood there twice, word for word.", marks[at].name);
                dropped.push((marks[at].start..end(at), Code::SectionDuplicate.warning(None, message)));
            }
        }
        for (range, said) in dropped.into_iter().rev() {
            self.body.replace_range(range, "");
            self.said.push(said);
        }
        self.body.truncate(self.body.trim_end().len());
    }

    fn add_count(&mut self, specs: &[SectionSpec]) {
        let Some(strategy) = specs.iter().find(|spec| spec.key == "execution_strategy") else { return };
        let marks = marks(&self.body);
        let Some(at) = marks.iter().position(|mark| mark.level == LEVEL && same_name(&mark.name, &strategy.name))
        else {
            return;
        };
        let end = marks[at + 1..]
            .iter()
            .find(|mark| (1..=LEVEL).contains(&mark.level))
            .map_or(self.body.len(), |next| next.start);
        let next = marks[at].next;
        let Some(strategy) = self.body.get(next..end).filter(|text| !text.trim().is_empty()) else { return };
        if execution_count(strategy).declared.is_some() || counts::plans_several(strategy) {
            return;
        }
        self.said.push(Code::ExecutionCountMissing.warning(
            Some(marks[at].line),
            "Added `Executions: 1`: the Execution Strategy does not say how many executions it plans.",
        ));
        self.body.insert_str(next, "\nExecutions: 1\n");
    }

    fn drop_remark(&mut self) {
        let Some(at) = chat::closing_remark(&self.body) else { return };
        let remark = self.body[at..].trim().trim_start_matches('-').trim().replace('\n', " ");
        let message = format!("Took a remark off the end: \"{}\".", crate::document::prose::excerpt(&remark, 90));
        self.said.push(Code::Postamble.warning(None, message));
        self.body.truncate(at);
        self.body.truncate(self.body.trim_end().len());
    }
}
