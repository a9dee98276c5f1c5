//! Which lines of a PLAN define its achievements.
//!
//! The same lines also stand in indexes, progress lists and notes. A definition stands at column 0, outside of code
//! fences and comments, in a section that [`Place`] takes for one; what of that is still a list is told apart here.

use std::collections::{BTreeMap, BTreeSet};

use crate::markdown::{self, Line, clean_heading};

use super::{
    AchievementId, Cause, NearMiss, PlanError, fields,
    heading::{self, Definition, DefinitionLine},
    place::{Place, priority},
    seeming,
};

/// A definition with its place.
#[derive(Debug)]
pub(super) struct Defined<'a> {
    pub(super) definition: Definition,
    /// 1-based line.
    pub(super) line: usize,
    /// The X of the `### Priority X` heading above.
    pub(super) priority: Option<String>,
    /// Raw markdown below the line, up to the next definition or section.
    pub(super) body: &'a str,
}

/// What the structure of a PLAN says.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    /// In the order of the file.
    pub(super) definitions: Vec<Defined<'a>>,
    /// Text of the first H1 as written; empty where there is none.
    pub(super) title: &'a str,
    /// The H2 sections that hold no definition.
    pub(super) other_sections: Vec<RawSection<'a>>,
}

/// An H2 section as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawSection<'a> {
    /// Heading as written.
    pub(super) heading: &'a str,
    /// 1-based line of the heading.
    pub(super) line: usize,
    pub(super) body: &'a str,
    /// 1-based line of the heading whose achievements stand here: its own, or that of the H1 above.
    holder: Option<usize>,
}

/// A line with the form of a definition, in a section that may hold definitions.
#[derive(Debug)]
struct Candidate<'a> {
    read: DefinitionLine,
    line: usize,
    /// 1-based line of its section's heading.
    section: usize,
    priority: Option<String>,
    body: &'a str,
    /// Whether the line right above or right below is a candidate too, as in a list.
    in_list: bool,
    /// Whether nothing describes it; see [`fields::describes`].
    bare: bool,
}

/// Finds the definitions.
pub(super) fn read(text: &str) -> Result<Outline<'_>, PlanError> {
    let mut scan = Scan::default();
    for line in markdown::lines(text) {
        scan.line(text, line);
    }
    scan.end_body(text, text.len());
    scan.end_section(text, text.len());
    let Scan { lines, title, sections, tracking, candidates, first_holder, near_miss, .. } = scan;
    let definitions = choose(candidates, &tracking)?;
    if definitions.is_empty() {
        return Err(PlanError::NoAchievement { lines, section: first_holder, near_miss });
    }
    let holders: BTreeSet<usize> = definitions.iter().map(|(section, _)| *section).collect();
    Ok(Outline {
        definitions: definitions.into_iter().map(|(_, defined)| defined).collect(),
        title: title.unwrap_or_default(),
        other_sections: sections
            .into_iter()
            .filter(|section| section.holder.is_none_or(|holder| !holders.contains(&holder)))
            .collect(),
    })
}

#[derive(Debug, Default)]
struct Scan<'a> {
    lines: usize,
    title: Option<&'a str>,
    /// The H2 sections; the body of the last one begins at `section_body` while it is open.
    sections: Vec<RawSection<'a>>,
    section_body: Option<usize>,
    place: Place,
    /// Line of the first section in which achievements can be defined.
    first_holder: Option<usize>,
    /// Those of the holders that are lists by their heading.
    tracking: BTreeSet<usize>,
    priority: Option<String>,
    candidates: Vec<Candidate<'a>>,
    /// Where the body of the last candidate begins, while it is open.
    body: Option<usize>,
    near_miss: Option<NearMiss>,
}

impl<'a> Scan<'a> {
    fn line(&mut self, text: &'a str, line: Line<'a>) {
        self.lines = line.number;
        if let Some(heading) = line.heading() {
            self.heading_line(text, line, heading);
        }
        let hidden = line.in_fence || line.in_comment;
        let read = if hidden { None } else { heading::read(line.text) };
        match (read, self.place.holder) {
            (Some(read), Some(holder)) => {
                if read == DefinitionLine::Several {
                    self.miss(line, seeming::read(line.text).map(|seeming| seeming.cause));
                }
                self.candidate(text, line, read, holder.line);
            }
            (Some(DefinitionLine::One(_) | DefinitionLine::BadId(_)), None) => self.miss(line, Some(Cause::Section)),
            (Some(DefinitionLine::Several), None) => {}
            (None, _) => {
                let seeming = if hidden { None } else { seeming::read(line.text) };
                if seeming.is_some() || looks_like_one(line.text) {
                    self.miss(line, seeming.map(|seeming| seeming.cause));
                }
            }
        }
    }

    fn heading_line(&mut self, text: &'a str, line: Line<'a>, heading: markdown::Heading<'a>) {
        self.place.enter(line.number, heading);
        if let Some(holder) = self.place.holder {
            self.first_holder = self.first_holder.or(Some(holder.line));
            if holder.tracking {
                self.tracking.insert(holder.line);
            }
        }
        match heading.level {
            1 => {
                self.end_body(text, line.start);
                self.end_section(text, line.start);
                self.title = self.title.or(Some(heading.text));
                self.priority = None;
            }
            2 => {
                self.end_body(text, line.start);
                self.end_section(text, line.start);
                let holder = self.place.holder.map(|holder| holder.line);
                self.sections.push(RawSection { heading: heading.text, line: line.number, body: "", holder });
                self.section_body = Some(line.next);
                self.priority = holder.filter(|holder| *holder != line.number).and_then(|_| priority(heading.text));
            }
            3 => {
                if let Some(priority) = priority(heading.text) {
                    self.end_body(text, line.start);
                    self.priority = Some(priority);
                } else if fields::is_label(heading.text) {
                    // `### Deliverables` within an achievement belongs to it.
                } else {
                    self.end_body(text, line.start);
                    if !looks_like_one(heading.text) {
                        self.priority = None;
                    }
                }
            }
            _ => {}
        }
    }

    fn candidate(&mut self, text: &'a str, line: Line<'a>, read: DefinitionLine, section: usize) {
        self.end_body(text, line.start);
        let mut in_list = false;
        if let Some(above) = self.candidates.last_mut().filter(|above| above.line + 1 == line.number) {
            above.in_list = true;
            in_list = true;
        }
        let priority = self.priority.clone();
        self.candidates.push(Candidate { read, line: line.number, section, priority, body: "", in_list, bare: true });
        self.body = Some(line.next);
    }

    fn end_body(&mut self, text: &'a str, end: usize) {
        if let (Some(begin), Some(candidate)) = (self.body.take(), self.candidates.last_mut()) {
            candidate.body = &text[begin..end];
            candidate.bare = !fields::describes(candidate.body);
        }
    }

    fn end_section(&mut self, text: &'a str, end: usize) {
        if let (Some(begin), Some(section)) = (self.section_body.take(), self.sections.last_mut()) {
            section.body = &text[begin..end];
        }
    }

    fn miss(&mut self, line: Line<'a>, cause: Option<Cause>) {
        match &mut self.near_miss {
            Some(miss) => miss.count += 1,
            None => {
                let above = self.sections.last().filter(|_| self.section_body.is_some());
                let heading = above.map(|section| clean_heading(section.heading));
                self.near_miss = Some(NearMiss { line: line.number, count: 1, heading, cause });
            }
        }
    }
}

/// Whether a line speaks of an achievement in a form that does not define it (`### Achievement 1.1`, `- **Achievement 1.1**`).
fn looks_like_one(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '#' | '-' | '*' | '+' | '>'));
    text.split_at_checked("achievement ".len()).is_some_and(|(word, rest)| {
        word.eq_ignore_ascii_case("achievement ") && rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Tells definitions from lists, and refuses ids that are none or that are defined twice.
///
/// 1. Sections whose heading says that they are a list (`Completed Achievements`) count only where no other section
///    describes an achievement; then, sections that describe none count only where no section describes any.
/// 2. Of several lines with one id, those that stand in a list do not count where one does not.
fn choose<'a>(
    candidates: Vec<Candidate<'a>>,
    tracking: &BTreeSet<usize>,
) -> Result<Vec<(usize, Defined<'a>)>, PlanError> {
    let described = |c: &Candidate<'_>| !c.bare && !c.in_list && matches!(c.read, DefinitionLine::One(_));
    let describing: BTreeSet<usize> = candidates.iter().filter(|c| described(c)).map(|c| c.section).collect();
    let preferred: BTreeSet<usize> = describing.difference(tracking).copied().collect();
    let untracked = candidates.iter().any(|c| !tracking.contains(&c.section));
    let counts = |section: usize| match (preferred.is_empty(), describing.is_empty()) {
        (false, _) => preferred.contains(&section),
        (true, false) => describing.contains(&section),
        (true, true) => !untracked || !tracking.contains(&section),
    };

    let mut listed: Vec<bool> = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let bare = |other: Option<&Candidate<'_>>| other.is_some_and(|o| o.bare && o.section == candidate.section);
        let among_bare = bare(candidates.get(index + 1)) || (index > 0 && bare(candidates.get(index - 1)));
        listed.push(candidate.in_list || (candidate.bare && among_bare));
    }

    // First line of each id that stands in no list, and of each that does.
    let mut defined: BTreeMap<AchievementId, usize> = BTreeMap::new();
    let mut only_listed: BTreeMap<AchievementId, (usize, Option<usize>)> = BTreeMap::new();
    for (candidate, listed) in candidates.iter().zip(&listed).filter(|(c, _)| counts(c.section)) {
        match &candidate.read {
            DefinitionLine::One(one) if *listed => {
                let entry = only_listed.entry(one.id).or_insert((candidate.line, None));
                if entry.0 != candidate.line {
                    entry.1 = entry.1.or(Some(candidate.line));
                }
            }
            DefinitionLine::One(one) => {
                if let Some(first) = defined.insert(one.id, candidate.line) {
                    return Err(PlanError::Duplicate { id: one.id, first, second: candidate.line });
                }
            }
            DefinitionLine::BadId(invalid) => {
                return Err(PlanError::InvalidId { line: candidate.line, invalid: invalid.clone() });
            }
            DefinitionLine::Several => {}
        }
    }
    let twice = only_listed.iter().filter(|(id, _)| !defined.contains_key(id));
    let twice = twice.filter_map(|(id, (first, second))| second.map(|second| (second, *first, *id))).min();
    if let Some((second, first, id)) = twice {
        return Err(PlanError::Duplicate { id, first, second });
    }

    let kept = candidates.into_iter().zip(listed).filter(|(candidate, _)| counts(candidate.section));
    let kept = kept.filter_map(|(candidate, listed)| match candidate.read {
        DefinitionLine::One(one) if !listed || !defined.contains_key(&one.id) => Some((
            candidate.section,
            Defined { definition: one, line: candidate.line, priority: candidate.priority, body: candidate.body },
        )),
        DefinitionLine::One(_) | DefinitionLine::Several | DefinitionLine::BadId(_) => None,
    });
    Ok(kept.collect())
}
