//! What in a PLAN its author may have meant otherwise: it would be lost without a word.

use std::{collections::BTreeSet, fmt};

use crate::markdown::{self, Line};

use super::{
    Achievement, AchievementId, Plan,
    heading::{self, DefinitionLine},
    parse::decode,
};

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
        /// The achievement that the line is taken to belong to.
        below: AchievementId,
        /// The achievement that it seems to define.
        id: AchievementId,
        /// The line, cut to 80 characters.
        text: String,
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
            Self::Definition { below, id, text } => write!(
                f,
                "below achievement {below} a line looks like the definition of {id}, but does not count: `{text}`; \
                 a definition begins at the start of a line, as in `**Achievement {id}**: Title`"
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
    // Where the fence begins that is open, and the achievement above it.
    let mut fence: Option<(usize, Option<AchievementId>)> = None;
    for line in lines.filter(|line| !line.in_comment) {
        let below = bodies.holder(&line);
        if !line.in_fence {
            fence = None;
            let id = below.and_then(|below| Some((below, seeming_id(line.text).filter(|id| !known.contains(id))?)));
            if let Some((below, id)) = id {
                let text = line.text.trim().chars().take(80).collect();
                found.push(Overlooked { line: line.number, doubt: Doubt::Definition { below, id, text } });
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
                Doubt::Definition { below, id, .. } => (line, format!("{below} {id}")),
                other => (line, other.to_string()),
            })
            .collect();
        let expected = [(9, "1.1 1.2"), (10, "1.1 1.3"), (11, "1.1 1.4"), (15, "1.1 1.6")];
        assert_eq!(lines, expected.map(|(line, text)| (line, text.to_owned())));
        assert!(found(text)[0].1.to_string().contains("below achievement 1.1"), "{}", found(text)[0].1);
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
