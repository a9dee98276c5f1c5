//! Lines that look like the definition of an achievement and have not the form of one.
//!
//! Only the form is judged here, line by line; whether the achievement is defined elsewhere is the caller's to know.

use std::fmt;

use crate::markdown::is_decoration;

use super::{AchievementId, fields, heading};

/// Why a line that looks like the definition of an achievement is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// `### Achievement 1.2: Title`.
    Heading,
    /// `- **Achievement 1.2**: Title`.
    Listed,
    /// `  **Achievement 1.2**: Title`.
    Indented,
    /// `> **Achievement 1.2**: Title`.
    Quoted,
    /// `| **Achievement 1.2**: Title |`.
    Table,
    /// `<b>Achievement 1.2</b>: Title`.
    Html,
    /// `~~**Achievement 1.2**: Title~~`.
    Struck,
    /// `Achievement 1.2: Title`, or in emphasis of some other kind.
    NotBold,
    /// `🎯 **Achievement 1.2**: Title`, `**Achievement #1.2**: Title`: something else stands in the form.
    Beginning,
    /// `**Achievement 1-2**: Title`.
    Id,
    /// `**Achievement 1.2/1.3**: Title`.
    Several,
    /// `**Achievement 1.2** Title`.
    Colon,
    /// The form is right, and no heading above says that achievements are defined here.
    Section,
    /// The form and the section are right; but nothing in the section describes an achievement, as something in another does.
    Undescribed,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Heading => "it is a heading",
            Self::Listed => "it stands in a list",
            Self::Indented => "it is indented",
            Self::Quoted => "it stands in a quotation",
            Self::Table => "it stands in a table",
            Self::Html => "it is written in HTML",
            Self::Struck => "it is struck through",
            Self::NotBold => "it is not in bold (`**`)",
            Self::Beginning => "it does not begin with `**Achievement` and the id",
            Self::Id => "its id is not written with dots",
            Self::Several => "it names several achievements",
            Self::Colon => "there is no colon between id and title",
            Self::Section => "no `## ` heading above it contains \"Achievements\"",
            Self::Undescribed => "its section only lists achievements, while another one describes them",
        })
    }
}

/// A line that looks like a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeming {
    /// The achievements that it seems to define; several only where it names several.
    pub(super) ids: Vec<AchievementId>,
    /// Why it does not.
    pub(super) cause: Cause,
}

/// How much is peeled off the beginning of a line at most, so that none costs more than a walk over it.
const MOST_MARKS: usize = 12;

/// Reads a line as something that looks like a definition; `None` for a definition and for a line that only mentions an
/// achievement. What tells the two apart is emphasis, a heading, or a colon behind an id at the start of a line.
pub(super) fn read(line: &str) -> Option<Seeming> {
    let marks = Marks::of(line);
    let (word, rest) = marks.behind.split_at_checked("achievement".len())?;
    if !word.eq_ignore_ascii_case("achievement") {
        return None;
    }
    let between = rest.trim_start_matches(|c: char| {
        c.is_whitespace() || is_decoration(c) || matches!(c, ':' | '#' | '№' | '(' | '[')
    });
    let gap = &rest[..rest.len() - between.len()];
    let end = between.find(|c: char| !(c.is_ascii_digit() || is_joint(c))).unwrap_or(between.len());
    let token = between[..end].trim_end_matches(|c: char| !c.is_ascii_digit());
    let (ids, odd_id) = ids(token)?;
    let behind = &between[token.len()..];
    let cause = marks.cause.or((gap != " ").then_some(Cause::Beginning)).or(odd_id);
    let mentioned = match marks.emphasis {
        // Without emphasis, `- Achievement 1.2: …` names what is needed or done more often than it defines anything.
        None => !marks.plain || !is_separated(behind),
        Some(Emphasis::Weak) => !is_separated(behind),
        Some(Emphasis::Strong) => false,
    };
    if mentioned && marks.cause != Some(Cause::Heading) {
        return None;
    }
    let cause = match cause {
        Some(cause) => cause,
        None if marks.emphasis.is_none() => Cause::NotBold,
        None if heading::read(line).is_some() => return None,
        None => Cause::Colon,
    };
    Some(Seeming { ids, cause })
}

/// What joins the numbers of an id, or several ids.
fn is_joint(c: char) -> bool {
    matches!(c, '.' | '-' | '–' | '—' | '_' | ',' | '/' | '&' | '+')
}

/// The ids that a token stands for, and what is odd about its form.
fn ids(token: &str) -> Option<(Vec<AchievementId>, Option<Cause>)> {
    let plainly = |token: &str| match AchievementId::parse(token) {
        Ok(id) => Some(id),
        Err(invalid) => invalid.meant(),
    };
    if let Some(id) = plainly(token) {
        return Some((vec![id], None));
    }
    // No id is longer, several of them in a title are few, and a line can be long.
    if token.len() > 100 {
        return None;
    }
    if !token.contains('.')
        && let Some(id) = plainly(&token.replace(['-', '–', '—', '_', ','], "."))
    {
        return Some((vec![id], Some(Cause::Id)));
    }
    let ids: Option<Vec<AchievementId>> = token.split(|c: char| is_joint(c) && c != '.').map(plainly).collect();
    ids.map(|ids| (ids, Some(Cause::Several)))
}

/// Whether a title follows an id, or nothing does: a colon or a dash, behind the end of emphasis.
fn is_separated(behind: &str) -> bool {
    let mut behind = behind.trim_start_matches(|c: char| {
        c.is_whitespace() || is_decoration(c) || matches!(c, '*' | '_' | '~' | ')' | ']')
    });
    while let Some((_, rest)) = behind.strip_prefix("</").and_then(|tag| tag.split_once('>')) {
        behind = rest.trim_start();
    }
    behind.starts_with([':', '：']) || behind.strip_prefix(['-', '–', '—']).is_some_and(|rest| rest.starts_with(' '))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Emphasis {
    /// `*x*`, `_x_`.
    Weak,
    /// `**x**` and more, or a tag.
    Strong,
}

/// What stands before the first word of a line.
struct Marks<'a> {
    /// The first thing that no definition begins with.
    cause: Option<Cause>,
    emphasis: Option<Emphasis>,
    /// Whether the line begins with its word, or with nothing but emphasis and emoji before it.
    plain: bool,
    behind: &'a str,
}

impl<'a> Marks<'a> {
    fn of(line: &'a str) -> Self {
        let mut marks = Self { cause: None, emphasis: None, plain: true, behind: line };
        let text = line.trim_start();
        if text.len() < line.len() {
            marks.take(Cause::Indented, text);
            marks.plain = false;
        }
        for _ in 0..MOST_MARKS {
            marks.behind = marks.behind.trim_start();
            if !marks.one() {
                break;
            }
        }
        marks
    }

    fn take(&mut self, cause: Cause, behind: &'a str) {
        self.cause = self.cause.or(Some(cause));
        self.behind = behind;
    }

    /// Takes one mark off; false where none is left.
    fn one(&mut self) -> bool {
        let text = self.behind;
        let Some(first) = text.chars().next() else { return false };
        let (cause, behind) = match first {
            '>' => (Cause::Quoted, &text[1..]),
            '|' => (Cause::Table, &text[1..]),
            '#' => (Cause::Heading, text.trim_start_matches('#')),
            '<' => match tag(text) {
                Some(behind) => {
                    self.emphasis = Some(Emphasis::Strong);
                    self.take(Cause::Html, behind);
                    return true;
                }
                None => return false,
            },
            '~' if text.starts_with("~~") => (Cause::Struck, &text[2..]),
            '[' => (Cause::Beginning, without_box(text)),
            first if is_decoration(first) => (Cause::Beginning, text.trim_start_matches(is_decoration)),
            _ => match fields::behind_marker(text) {
                Some(behind) => (Cause::Listed, behind),
                None => return self.emphasised(first),
            },
        };
        self.plain &= cause == Cause::Beginning;
        self.take(cause, behind);
        true
    }

    fn emphasised(&mut self, mark: char) -> bool {
        if !matches!(mark, '*' | '_') {
            return false;
        }
        let text = self.behind;
        let behind = text.trim_start_matches(mark);
        let length = text.len() - behind.len();
        let nested = self.emphasis.is_some();
        self.emphasis = Some(if length == 1 && !nested { Emphasis::Weak } else { Emphasis::Strong });
        self.behind = behind;
        if mark != '*' || length != 2 {
            self.cause = self.cause.or(Some(Cause::NotBold));
        }
        true
    }
}

/// Behind a check box without a list marker, or behind the bracket that begins a link.
fn without_box(text: &str) -> &str {
    ["[ ]", "[x]", "[X]"].iter().find_map(|mark| text.strip_prefix(mark)).unwrap_or(&text[1..])
}

/// No tag that anybody writes around a title is longer, bytes.
const LONGEST_TAG: usize = 80;

/// Behind the opening HTML tag that a text begins with.
fn tag(text: &str) -> Option<&str> {
    let (inner, behind) = text.strip_prefix('<')?.split_once('>')?;
    (inner.len() < LONGEST_TAG && inner.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_definition_says_why_it_is_none() {
        for (line, cause) in [
            ("### Achievement 1.2: Second", Cause::Heading),
            ("### Achievement 1.2", Cause::Heading),
            ("#### **Achievement 1.2** Second", Cause::Heading),
            ("### 🎯 Achievement 1.2 — Second", Cause::Heading),
            ("- **Achievement 1.2**: Second", Cause::Listed),
            ("1. **Achievement 1.2**: Second", Cause::Listed),
            ("- [ ] **Achievement 1.2**: Second", Cause::Listed),
            ("* __Achievement 1.2__: Second", Cause::Listed),
            ("+ **achievement 1.2.**", Cause::Listed),
            (" **Achievement 1.2**: Second", Cause::Indented),
            ("\t- **Achievement 1.2**: Second", Cause::Indented),
            ("> **Achievement 1.2**: Second", Cause::Quoted),
            ("| **Achievement 1.2**: Second |", Cause::Table),
            ("<b>Achievement 1.2</b>: Second", Cause::Html),
            ("<h3>Achievement 1.2 Second</h3>", Cause::Html),
            ("<b>Achievement 1.2</b>: Zweité", Cause::Html),
            ("~~**Achievement 1.2**: Second~~", Cause::Struck),
            ("*Achievement 1.2*: Second", Cause::NotBold),
            ("_Achievement 1.2_ - Second", Cause::NotBold),
            ("__Achievement 1.2__: Second", Cause::NotBold),
            ("***Achievement 1.2***: Second", Cause::NotBold),
            ("_**Achievement 1.2**: Second_", Cause::NotBold),
            ("Achievement 1.2: Second", Cause::NotBold),
            ("ACHIEVEMENT 1.2 – Second", Cause::NotBold),
            ("🎯 **Achievement 1.2**: Second", Cause::Beginning),
            ("🎯 Achievement 1.2: Second", Cause::Beginning),
            ("[ ] **Achievement 1.2**: Second", Cause::Beginning),
            ("[**Achievement 1.2**](#second): Second", Cause::Beginning),
            ("**🎯 Achievement 1.2**: Second", Cause::Beginning),
            ("**Achievement #1.2**: Second", Cause::Beginning),
            ("**Achievement: 1.2** Second", Cause::Beginning),
            ("**Achievement1.2**: Second", Cause::Beginning),
            ("**Achievement\u{a0}1.2**: Second", Cause::Beginning),
            ("**Achievement 1-2**: Second", Cause::Id),
            ("**Achievement 1_2: Second**", Cause::Id),
            ("**Achievement 1.2** Second", Cause::Colon),
            ("**Achievement 1.2**", Cause::Colon),
        ] {
            let expected = Seeming { ids: vec!["1.2".parse().unwrap()], cause };
            assert_eq!(read(line), Some(expected), "{line}");
        }
        let both = Seeming { ids: ["1.2", "1.3"].map(|id| id.parse().unwrap()).to_vec(), cause: Cause::Several };
        assert_eq!(read("**Achievement 1.2/1.3**: Both"), Some(both.clone()));
        assert_eq!(read("### Achievement 1.2-1.3: Both"), Some(Seeming { cause: Cause::Heading, ..both }));
    }

    #[test]
    fn definitions_and_mentions_do_not() {
        for line in [
            "**Achievement 1.2**: Second",
            "**Achievement 1.2: Second** ⏱️ 4-6 hours",
            "Achievement 1.2 has to be there",
            "Achievement 1.2",
            "- Achievement 1.2: done",
            "- ✅ Achievement 1.2: done",
            "  Achievement 1.2: as in a list",
            "> Achievement 1.2: quoted",
            "| Achievement 1.2 | done |",
            "*Achievement 1.2* is needed",
            "needs **Achievement 1.2**: it is",
            "**Achievements 1.2 and 1.3**: both",
            "**Achievement Index**: 1.2",
            "### Achievements",
            "### Achievement 2",
            "Achievement 3 of 5: yes",
            "<!-- Achievement 1.2: x",
            "< 5",
            "<",
            "<>",
            "<1> Achievement 1.2</1>: x",
            "<1>**Achievement 1.2**: x",
            "~ Achievement 1.2: Second",
            "~é",
            "",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        // A line of a hundred ids is a list of them.
        let many = |count: usize| vec!["1.2"; count].join("/");
        assert!(read(&format!("**Achievement {}**: all", many(20))).is_some());
        assert_eq!(read(&format!("**Achievement {}**: all", many(40))), None);
        for piece in ["#", "> ", "- ", "*", "<b>", "✅", "**Achievement ", "1.", "1-", "[", "~~", "**Achievement 1.1-"]
        {
            assert!(read(&piece.repeat(10_000)).is_none_or(|seeming| seeming.ids.len() < 50), "{piece}");
        }
    }
}
