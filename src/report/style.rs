//! Colours, where they are wanted. Whether they are (a terminal, `NO_COLOR`, a flag) is decided by the caller.

use std::fmt::Display;

/// Colours on or off; off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    enabled: bool,
}

impl Style {
    /// Colours if `enabled`.
    pub fn new(enabled: bool) -> Self {
        Self { enabled }
    }

    /// Whether there are colours.
    pub fn is_enabled(self) -> bool {
        self.enabled
    }

    /// What went well.
    pub fn good(self, text: impl Display) -> String {
        self.apply(text, console::Style::green)
    }

    /// What failed.
    pub fn bad(self, text: impl Display) -> String {
        self.apply(text, console::Style::red)
    }

    /// What needs attention.
    pub fn warning(self, text: impl Display) -> String {
        self.apply(text, console::Style::yellow)
    }

    /// What is of less interest.
    pub fn dim(self, text: impl Display) -> String {
        self.apply(text, console::Style::dim)
    }

    /// What stands out.
    pub fn bold(self, text: impl Display) -> String {
        self.apply(text, console::Style::bold)
    }

    /// `console` would look at the process's own terminal; the caller has already decided.
    fn apply(self, text: impl Display, style: impl FnOnce(console::Style) -> console::Style) -> String {
        style(console::Style::new()).force_styling(self.enabled).apply_to(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_where_wanted() {
        assert_eq!(Style::default().bad("x"), "x");
        assert_eq!(Style::new(true).bad("x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
