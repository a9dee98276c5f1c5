//! The level of section headings: two in every document that planwave writes, whichever a model chose.

use std::borrow::Cow;

use crate::{document::sections::section_level_of, markdown::lines};

/// The level of the sections; one is the title's.
const LEVEL: u8 = 2;
const DEEPEST: u8 = 6;

/// The text with its sections at level two; their sub-headings move with them.
pub(super) fn with_sections_at_two(text: &str) -> Cow<'_, str> {
    let found = section_level_of(text);
    if found == LEVEL {
        return Cow::Borrowed(text);
    }
    let mut moved = String::with_capacity(text.len() + 64);
    let mut copied = 0;
    for line in lines(text) {
        let Some(heading) = line.heading().filter(|heading| heading.level >= found) else { continue };
        moved.push_str(&text[copied..line.start]);
        let level = (heading.level + LEVEL - found).min(DEEPEST);
        moved.extend(std::iter::repeat_n('#', usize::from(level)));
        copied = line.start + usize::from(heading.level);
    }
    moved.push_str(&text[copied..]);
    Cow::Owned(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_move_to_level_two_with_what_is_below_them() {
        for (text, expected) in [
            ("# Objective\n\nA.\n\n## Why\n\n# Approach\n\nB.", "## Objective\n\nA.\n\n### Why\n\n## Approach\n\nB."),
            ("### Objective\n\n#### Why\n\n### Approach", "## Objective\n\n### Why\n\n## Approach"),
            ("# Objective\n\n```sh\n# Approach\n```\n\n# Approach\n\n###### Deep", "## Objective\n\n```sh\n# Approach\n```\n\n## Approach\n\n###### Deep"),
            ("# 🎯 1. **Objective**:\n\n# Approach", "## 🎯 1. **Objective**:\n\n## Approach"),
        ] {
            assert_eq!(with_sections_at_two(text), expected);
        }
        for text in ["", "No headings.", "# Title\n\n## Objective\n\n## Approach", "# Title\n\n## Mine"] {
            assert!(matches!(with_sections_at_two(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
