//! Under which heading a line of a PLAN stands, and whether achievements are defined there.

use crate::markdown::{Heading, clean_heading};

/// Words in the heading of a list that tells how achievements stand.
const TRACKING_WORDS: [&str; 16] = [
    "addition",
    "archive",
    "archived",
    "checklist",
    "completed",
    "done",
    "history",
    "index",
    "log",
    "overview",
    "progress",
    "statistics",
    "status",
    "summary",
    "tracker",
    "tracking",
];

/// A section in which achievements can be defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// 1-based line of its heading.
    pub(super) line: usize,
    /// Whether it is a list by its heading (`Completed Achievements`).
    pub(super) tracking: bool,
}

/// The section that is being passed; told of each heading, from the first on.
///
/// Achievements are defined under an H2 whose text contains "Achievements". A PLAN can also have an H1 of that kind in
/// place of it, with H2s for its priorities; the H1 with the plan's title is none, whatever the plan is about.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The H1 above, where it is such a section.
    above: Option<Holder>,
    /// The section that holds the lines that follow.
    pub(super) holder: Option<Holder>,
    /// Whether those lines stand in a list by its heading, of achievements or of anything.
    pub(super) in_tracking: bool,
}

impl Place {
    /// Passes the heading at `line`.
    pub(super) fn enter(&mut self, line: usize, heading: Heading<'_>) {
        match heading.level {
            1 => {
                self.above = holder(line, heading.text).filter(|_| !is_title(heading.text));
                self.holder = self.above;
            }
            2 => {
                let continued = self.above.filter(|_| priority(heading.text).is_some());
                self.holder = holder(line, heading.text).or(continued);
            }
            _ => return,
        }
        self.in_tracking = is_tracking(heading.text);
    }
}

fn holder(line: usize, heading: &str) -> Option<Holder> {
    let holds = heading.to_lowercase().contains("achievements");
    holds.then(|| Holder { line, tracking: is_tracking(heading) })
}

fn is_tracking(heading: &str) -> bool {
    let words = heading.to_lowercase();
    words.split(|c: char| !c.is_alphanumeric()).any(|word| TRACKING_WORDS.contains(&word))
}

/// `PLAN: …`, the title of a PLAN.
fn is_title(heading: &str) -> bool {
    clean_heading(heading)
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("plan"))
}

/// `Priority 3.5: …` → `3.5`.
pub(super) fn priority(heading: &str) -> Option<String> {
    let heading = clean_heading(heading);
    let (word, rest) = heading.split_at_checked("priority".len())?;
    let rest = rest.trim_start_matches([' ', '#']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let number = rest[..end].trim_end_matches('.');
    (word.eq_ignore_ascii_case("priority") && !number.is_empty()).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown::lines;

    #[test]
    fn achievements_are_defined_under_headings_that_say_so() {
        for (text, expected) in [
            ("## 🎯 Desirable ACHIEVEMENTS\n", Some((1, false))),
            ("## Completed Achievements\n", Some((1, true))),
            ("## Achievement Index\n", None),
            ("## Achievements\n## Goal\n", None),
            ("## Achievements\n### Goal\n", Some((1, false))),
            ("## Achievements\n## Priority 1\n", None),
            ("## Achievements\n# Next\n", None),
            ("# Achievements\n", Some((1, false))),
            ("# Achievements\n## Priority 1: A\n", Some((1, false))),
            ("# Achievements\n## Goal\n", None),
            ("# Achievements\n## Goal\n## Priority 2\n", Some((1, false))),
            ("# Achievements\n## More Achievements\n", Some((2, false))),
            ("# PLAN: Achievements\n## Priority 1\n", None),
            ("# 🎯 PLAN Achievements\n", None),
            ("# Achievements\n# Notes\n## Priority 1\n", None),
        ] {
            let mut place = Place::default();
            for line in lines(text) {
                place.enter(line.number, line.heading().unwrap());
            }
            assert_eq!(place.holder.map(|holder| (holder.line, holder.tracking)), expected, "{text}");
        }
    }
}
