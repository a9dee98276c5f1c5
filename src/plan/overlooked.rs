//! What in a PLAN its author may have meant otherwise: it would be lost without a word.

use std::{collections::BTreeSet, fmt};

use crate::markdown::{self, Line};

use super::{
    Achievement, AchievementId, Cause, Plan,
    heading::{self, DefinitionLine},
    parse::decode,
    place::Place,
    seeming::{self, Seeming},
};

/// At most so many lines that look like definitions are named: where there are more, one slip is behind all of them.
const MOST_NAMED: usize = 10;

/// Something that may not be as its author meant it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlooked {
    /// 1-based line of the PLAN.
    pub line: usize,
    /// What stands there.
    pub doubt: Doubt,
}

/// Why a line may not be as its author meant it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The line looks like the definition of an achievement that the PLAN does not define.
    Definition {
        /// The achievement that it seems to define.
        id: AchievementId,
        /// The line, cut to 80 characters.
        text: String,
        /// Why it does not count.
        cause: Cause,
        /// The achievement whose text it and what stands below it are taken for, if any.
        below: Option<AchievementId>,
    },
    /// The line is the first of more such lines than are named.
    MoreDefinitions {
        /// How many there are beyond those that are named.
        count: usize,
    },
    /// A code fence begins in an achievement and holds the definitions of achievements that the PLAN does not define.
    Fenced {
        /// The achievement in which the fence begins.
        below: AchievementId,
        /// The achievements that its lines seem to define.
        ids: Vec<AchievementId>,
    },
    /// A code fence begins and is never closed.
    OpenFence,
    /// An HTML comment begins and is never closed.
    OpenComment,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition { id, text, cause, below } => {
                write!(f, "`{text}` looks like achievement {id} and is not read as one, because {cause}; ")?;
                match cause {
                    Cause::Section => f.write_str("move it under such a heading")?,
                    Cause::Undescribed => f.write_str("say below it what it is to reach")?,
                    Cause::Several => write!(f, "give each a line of its own, as `**Achievement {id}**: Title`")?,
                    Cause::Struck => write!(
                        f,
                        "write `**Achievement {id}**: Title` at the start of a line, or put what is given up in a comment \
                         `<!-- … -->`"
                    )?,
                    Cause::Heading
                    | Cause::Listed
                    | Cause::Indented
                    | Cause::Quoted
                    | Cause::Table
                    | Cause::Html
                    | Cause::NotBold
                    | Cause::Beginning
                    | Cause::Id
                    | Cause::Colon => write!(f, "write `**Achievement {id}**: Title` at the start of a line")?,
                }
                match below {
                    Some(below) => write!(f, " (as it is, what stands below it counts as text of {below})"),
                    None => f.write_str(" (as it is, what stands below it is of no achievement)"),
                }
            }
            Self::MoreDefinitions { count } => write!(
                f,
                "this and {} look like achievements and are not read as such",
                match count.saturating_sub(1) {
                    0 => String::from("no other line"),
                    1 => String::from("one more line"),
                    more => format!("{more} more lines"),
                }
            ),
            Self::Fenced { below, ids } => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "the code fence that begins here, below achievement {below}, holds what looks like the definition \
                     of {}, which therefore does not count; if it should, close the fence before it",
                    ids.join(", ")
                )
            }
            Self::OpenFence => f.write_str(
                "the code fence that begins here is never closed; what follows, up to the next achievement or section, \
                 is read as code",
            ),
            Self::OpenComment => f.write_str(
                "the comment `<!--` that begins here is never closed, so it is none: what follows is read as usual",
            ),
        }
    }
}

/// Finds it, in the order of the lines. `source` is what `plan` was read from.
pub fn overlooked(plan: &Plan, source: &[u8]) -> Vec<Overlooked> {
    let Ok(text) = decode(source) else { return Vec::new() };
    let known: BTreeSet<AchievementId> = plan.achievements.iter().map(|achievement| achievement.id).collect();
    let mut found = Vec::new();
    let lines = markdown::lines(&text);
    found.extend(lines.unclosed_fence().map(|line| Overlooked { line, doubt: Doubt::OpenFence }));
    found.extend(lines.open_comment().map(|line| Overlooked { line, doubt: Doubt::OpenComment }));

    let mut bodies = Bodies::new(&plan.achievements);
    let mut place = Place::default();
    let mut seeming = Vec::new();
    // Where the fence begins that is open, and the achievement above it.
    let mut fence: Option<(usize, Option<AchievementId>)> = None;
    for line in lines.filter(|line| !line.in_comment) {
        let below = bodies.holder(&line);
        if !line.in_fence {
            fence = None;
            if let Some(heading) = line.heading() {
                place.enter(line.number, heading);
            }
            if let Some((id, cause)) = lost(line.text, below, &place, &known) {
                let text = line.text.trim().chars().take(80).collect();
                let doubt = Doubt::Definition { id, text, cause, below };
                seeming.push(Overlooked { line: line.number, doubt });
            }
            continue;
        }
        let (begin, above) = *fence.get_or_insert((line.number, below));
        let Some(below) = above else { continue };
        match heading::read(line.text) {
            Some(DefinitionLine::One(one)) if !known.contains(&one.id) => match found.last_mut() {
                Some(Overlooked { line, doubt: Doubt::Fenced { ids, .. } }) if *line == begin => ids.push(one.id),
                _ => found.push(Overlooked { line: begin, doubt: Doubt::Fenced { below, ids: vec![one.id] } }),
            },
            Some(DefinitionLine::One(_) | DefinitionLine::Several | DefinitionLine::BadId(_)) | None => {}
        }
    }
    if let Some(first) = seeming.get(MOST_NAMED) {
        let more = Overlooked { line: first.line, doubt: Doubt::MoreDefinitions { count: seeming.len() - MOST_NAMED } };
        seeming.truncate(MOST_NAMED);
        seeming.push(more);
    }
    found.extend(seeming);
    found.sort_by_key(|found| found.line);
    found
}

/// Tells to which achievement's body a line belongs; asked for line by line, from the first on.
struct Bodies<'a> {
    rest: &'a [Achievement],
    /// The achievement whose body is being passed, and how many of its lines are left; these begin with one that is not blank.
    current: Option<(AchievementId, usize)>,
    begun: bool,
}

impl<'a> Bodies<'a> {
    fn new(achievements: &'a [Achievement]) -> Self {
        Self { rest: achievements, current: None, begun: false }
    }

    fn holder(&mut self, line: &Line<'_>) -> Option<AchievementId> {
        if let Some((begins, rest)) = self.rest.split_first().filter(|(next, _)| next.line == line.number) {
            (self.current, self.rest) = (Some((begins.id, begins.body.lines().count())), rest);
            self.begun = false;
            return None;
        }
        let (id, left) = self.current.as_mut()?;
        self.begun |= !line.is_blank();
        if self.begun {
            *left = left.checked_sub(1)?;
        }
        Some(*id)
    }
}

/// The achievement that a line seems to define while the PLAN defines it nowhere, and why the line does not.
///
/// What is not in the form of a definition is looked for in achievements and in the sections that define them; what is,
/// everywhere but in sections that are lists by their heading.
fn lost(
    line: &str,
    below: Option<AchievementId>,
    place: &Place,
    known: &BTreeSet<AchievementId>,
) -> Option<(AchievementId, Cause)> {
    let counts = place.holder.is_some_and(|holder| !holder.tracking);
    if below.is_none() && place.in_tracking {
        return None;
    }
    if let Some(DefinitionLine::One(one)) = heading::read(line) {
        let cause = if counts { Cause::Undescribed } else { Cause::Section };
        return (!known.contains(&one.id)).then_some((one.id, cause));
    }
    if below.is_none() && !counts {
        return None;
    }
    let Seeming { ids, cause } = seeming::read(line)?;
    ids.into_iter().find(|id| !known.contains(id)).map(|id| (id, cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PlanName, parse};

    fn found(text: &str) -> Vec<(usize, Doubt)> {
        let plan = parse(PlanName::parse("X").unwrap(), text.as_bytes()).unwrap();
        overlooked(&plan, text.as_bytes()).into_iter().map(|found| (found.line, found.doubt)).collect()
    }

    fn id(text: &str) -> AchievementId {
        text.parse().unwrap()
    }

    #[test]
    fn what_looks_like_a_definition_is_reported_and_mentions_are_not() {
        let text = "\u{feff}# PLAN: X\r\n\n## Achievements\n\n**Achievement 1.1**: A\n\n\n- Effort: 1 hour\n\
                    - **Achievement 1.2**: in a list\n  **Achievement 1.3**: indented\n* __Achievement 1.4__: underscored\n\
                    - needs Achievement 1.5 to be there\n- **Achievement 1.1** again\n\n+ **achievement 1.6.**\n---\n\n\
                    ## Next\n\n- **Achievement 1.7**: of another section\n";
        let lines: Vec<(usize, String)> = found(text)
            .into_iter()
            .map(|(line, doubt)| match doubt {
                Doubt::Definition { below: Some(below), id, .. } => (line, format!("{below} {id}")),
                other => (line, other.to_string()),
            })
            .collect();
        let expected = [(9, "1.1 1.2"), (10, "1.1 1.3"), (11, "1.1 1.4"), (15, "1.1 1.6")];
        assert_eq!(lines, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_definition_in_any_other_form_is_reported_wherever_its_author_may_have_meant_one() {
        let (first, third) =
            ("**Achievement 1.1**: A\n\n- **Goal**: a\n", "\n- **Goal**: b\n\n**Achievement 1.3**: C\n\nc\n");
        for (name, text, expected) in [
            (
                "a heading ends what is above it",
                format!("## Achievements\n{first}\n### Achievement 1.2: B\n{third}"),
                Some((6, Cause::Heading, None)),
            ),
            (
                "a deep one does not",
                format!("## Achievements\n{first}\n#### Achievement 1.2: B\n{third}"),
                Some((6, Cause::Heading, Some("1.1"))),
            ),
            (
                "other emphasis",
                format!("## Achievements\n{first}\n*Achievement 1.2*: B\n{third}"),
                Some((6, Cause::NotBold, Some("1.1"))),
            ),
            (
                "an id with a dash",
                format!("## Achievements\n{first}\n**Achievement 1-2**: B\n{third}"),
                Some((6, Cause::Id, None)),
            ),
            (
                "above the first",
                format!("## Achievements\n### Achievement 1.2: B\n{first}"),
                Some((2, Cause::Heading, None)),
            ),
            (
                "in another section",
                format!("## Achievements\n{first}\n## Phase 2\n\n**Achievement 1.2**: B\n{third}"),
                Some((8, Cause::Section, None)),
            ),
            (
                "a section that only lists",
                format!("## Achievements\n{first}\n## More Achievements\n\n**Achievement 1.2**: B\n"),
                Some((8, Cause::Undescribed, None)),
            ),
            (
                "a defined one is tracked",
                format!("## Achievements\n{first}\n### Achievement 1.1: B\n\n- **Achievement 1.1**: B\n"),
                None,
            ),
            ("an index", format!("## Achievement Index\n\n**Achievement 1.2**: B\n\n## Achievements\n{first}"), None),
            (
                "tracking",
                format!(
                    "## Achievements\n{first}\n## Completed Achievements\n\n### Achievement 1.2: B\n\n**Achievement 1.4**: D\n"
                ),
                None,
            ),
            (
                "notes elsewhere",
                format!("## Achievements\n{first}\n## Notes\n\n### Achievement 1.2: B\n\n- **Achievement 1.4**: D\n"),
                None,
            ),
        ] {
            let expected: Vec<(usize, Doubt)> = expected
                .into_iter()
                .flat_map(|(line, cause, below)| {
                    let text_of = |line: usize| text.lines().nth(line - 1).unwrap().to_owned();
                    let one = Doubt::Definition { id: id("1.2"), text: text_of(line), cause, below: below.map(id) };
                    // Where all of a section is lost, so is the one behind it.
                    let behind = (cause == Cause::Section).then(|| {
                        let text = text_of(line + 4);
                        (line + 4, Doubt::Definition { id: id("1.3"), text, cause, below: below.map(id) })
                    });
                    [(line, one)].into_iter().chain(behind)
                })
                .collect();
            assert_eq!(found(&text), expected, "{name}");
        }
    }

    #[test]
    fn a_lost_definition_is_told_with_text_reason_and_remedy() {
        let text = |line: &str| format!("## Achievements\n**Achievement 1.1**: A\nx\n\n{line}\n- y\n");
        for (line, sentence) in [
            (
                "### Achievement 1.2: B",
                "`### Achievement 1.2: B` looks like achievement 1.2 and is not read as one, because it is a heading; \
                 write `**Achievement 1.2**: Title` at the start of a line (as it is, what stands below it is of no achievement)",
            ),
            (
                "1. **Achievement 1.2**: B",
                "`1. **Achievement 1.2**: B` looks like achievement 1.2 and is not read as one, because it stands in a list; \
                 write `**Achievement 1.2**: Title` at the start of a line (as it is, what stands below it counts as text of 1.1)",
            ),
        ] {
            let found = found(&text(line));
            assert_eq!(found.iter().map(|(_, doubt)| doubt.to_string()).collect::<Vec<_>>(), [sentence]);
        }
    }

    #[test]
    fn many_lost_definitions_are_counted() {
        for (count, last) in [
            (10, None),
            (11, Some("this and no other line look")),
            (12, Some("this and one more line look")),
            (30, Some("this and 19 more lines look")),
        ] {
            let lines: String = (1..=count).map(|n| format!("### Achievement 2.{n}: B\n\nx\n\n")).collect();
            let found = found(&format!("## Achievements\n**Achievement 1.1**: A\nx\n\n{lines}"));
            assert_eq!(found.len(), count.min(11), "{count}");
            let more = found.get(10).map(|(line, doubt)| (*line, doubt.to_string()));
            assert_eq!(more.as_ref().map(|(line, _)| *line), last.map(|_| 45), "{count}");
            assert!(last.is_none_or(|last| more.unwrap().1.starts_with(last)), "{count}");
        }
    }

    #[test]
    fn a_definition_that_is_commented_out_is_no_slip() {
        let text =
            "## Achievements\n**Achievement 1.1**: A\nx\n<!--\n**Achievement 1.2**: B\n- **Achievement 1.3**: C\n-->\n";
        assert_eq!(found(text), []);
    }

    #[test]
    fn what_is_never_closed_is_reported_with_its_line() {
        let text = "## Achievements\n**Achievement 1.1**: A\n```sh\nx\n**Achievement 1.2**: B\ny\n";
        assert_eq!(found(text), [(3, Doubt::OpenFence)]);
        let text = "## Achievements\n<!-- later\n**Achievement 1.1**: A\nx\n";
        assert_eq!(found(text), [(2, Doubt::OpenComment)]);
    }

    #[test]
    fn a_fence_that_reaches_over_achievements_is_reported_once() {
        let text = "## Achievements\n**Achievement 1.1**: A\nx\n```\n**Achievement 1.2**: B\ny\n**Achievement 1.3**: C\n```\n\
                    **Achievement 1.4**: D\nz\n```\n**Achievement 1.4**: D\n```\n";
        assert_eq!(found(text), [(4, Doubt::Fenced { below: id("1.1"), ids: vec![id("1.2"), id("1.3")] })]);
        assert!(found(text)[0].1.to_string().contains("the definition of 1.2, 1.3,"));
        let text = "## Achievements\n**Achievement 1.1**: A\n```\n**Achievement 1.2**: B\n```\nx\n```\n**Achievement 1.3**: C\n```\n";
        let fenced = |line, text| (line, Doubt::Fenced { below: id("1.1"), ids: vec![id(text)] });
        assert_eq!(found(text), [fenced(3, "1.2"), fenced(7, "1.3")]);
        // An example above the achievements is meant as one.
        let text = "## Form\n```\n**Achievement 9.1**: Title\n```\n## Achievements\n**Achievement 1.1**: A\nx\n";
        assert_eq!(found(text), []);
    }
}
