//! The difference between a file as it is and as it would be, in the unified form. Pure.

use std::time::Duration;

use similar::{Algorithm, TextDiff};

use super::{Style, sanitize, truncate};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// Columns of a line that are shown; a file may be one line of many megabytes.
const COLUMNS: usize = 200;

/// Looking for the smallest difference of very different files takes too long; after this time any will do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows what changes from `old` to `new`; empty where nothing does.
pub fn diff_text(old: &str, new: &str, file: &str, style: Style) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(old, new);
    let unified = diff.unified_diff().context_radius(CONTEXT).to_string();
    if unified.is_empty() {
        return String::new();
    }
    let file = sanitize(file);
    let mut text = format!("--- {file}\n+++ {file}\n");
    for line in unified.lines() {
        let shown = line.trim_end_matches('\r');
        let clean = sanitize(shown);
        let line = truncate(&clean, COLUMNS);
        let line = match line.chars().next() {
            Some('+') => style.good(line),
            Some('-') => style.bad(line),
            Some('@') => style.dim(line),
            Some(_) | None => line.into_owned(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_their_surroundings() {
        let old = "a\nb\nc\nd\ne\u{1b}[2J\n";
        insta::assert_snapshot!(diff_text(old, &old.replace("b\n", "B\n"), "f", Style::default()), @r"
        --- f
        +++ f
        @@ -1,5 +1,5 @@
         a
        -b
        +B
         c
         d
         e
        ");
        assert_eq!(diff_text(old, old, "f", Style::default()), "");
        let long = "x".repeat(10_000);
        assert!(diff_text(&long, "y", "f", Style::default()).lines().all(|line| line.chars().count() <= COLUMNS));
    }
}
