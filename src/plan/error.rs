//! Why a file cannot be read as a PLAN.

use super::{AchievementId, Cause, InvalidId, MAX_PLAN_BYTES};

/// A file that cannot be read as a PLAN. The file's name is the caller's to add.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// More than [`MAX_PLAN_BYTES`].
    #[error("the file has {size} bytes; a PLAN may have {MAX_PLAN_BYTES}, which it passes at line {line}")]
    TooLarge {
        /// Size of the file in bytes.
        size: usize,
        /// 1-based line that holds the first byte too many.
        line: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("line {line} is not UTF-8 text")]
    NotUtf8 {
        /// 1-based line of the first bad byte.
        line: usize,
        /// Whether the file begins like UTF-16.
        utf16: bool,
    },
    /// A NUL character: a binary file, or UTF-16 without a mark.
    #[error("line {line} holds a NUL character; this is no text file")]
    Binary {
        /// 1-based line of the first NUL.
        line: usize,
    },
    /// A definition whose id cannot be read.
    #[error("line {line}: {invalid}")]
    InvalidId {
        /// 1-based line of the definition.
        line: usize,
        /// The id and what is wrong with it.
        invalid: InvalidId,
    },
    /// Two definitions of one id.
    #[error("achievement {id} is defined twice: at line {first} and at line {second}")]
    Duplicate {
        /// The id.
        id: AchievementId,
        /// 1-based line of the first definition.
        first: usize,
        /// 1-based line of the second.
        second: usize,
    },
    /// No definition at all.
    #[error("no achievement found in {lines} line{}{}", if *lines == 1 { "" } else { "s" }, describe_near_miss(near_miss.as_ref()))]
    NoAchievement {
        /// Number of lines that were searched.
        lines: usize,
        /// 1-based line of the achievements section, where there is one.
        section: Option<usize>,
        /// What looked like an achievement but does not count.
        near_miss: Option<NearMiss>,
    },
}

/// The first line that looks like an achievement but does not define one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// 1-based line.
    pub line: usize,
    /// How many such lines there are.
    pub count: usize,
    /// The H2 heading above it, cleaned; `None` above the first one.
    pub heading: Option<String>,
    /// Why it does not count, where its form or place tells.
    pub cause: Option<Cause>,
}

fn describe_near_miss(near_miss: Option<&NearMiss>) -> String {
    near_miss.map_or_else(String::new, |miss| {
        let place = miss.heading.as_ref().map_or_else(String::new, |heading| format!(" under \"{heading}\""));
        let others = match miss.count {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let why = miss.cause.map_or_else(String::new, |cause| format!(", because {cause}"));
        format!("; line {}{place}{others} looks like one, but does not count{why}", miss.line)
    })
}

impl PlanError {
    /// The 1-based line to look at.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::TooLarge { line, .. }
            | Self::NotUtf8 { line, .. }
            | Self::Binary { line }
            | Self::InvalidId { line, .. } => Some(*line),
            Self::Duplicate { second, .. } => Some(*second),
            Self::NoAchievement { lines, section, near_miss } => {
                let line = near_miss.as_ref().map(|miss| miss.line).or(*section);
                Some(line.unwrap_or((*lines).max(1)))
            }
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => Some("is this the right file? Split a PLAN that really is this large".to_owned()),
            Self::NotUtf8 { utf16: true, .. } => Some("the file looks like UTF-16; save it as UTF-8".to_owned()),
            Self::NotUtf8 { utf16: false, .. } => Some("save the file as UTF-8".to_owned()),
            Self::Binary { .. } => Some("give a PLAN_<NAME>.md, saved as UTF-8".to_owned()),
            Self::InvalidId { invalid, .. } => Some(match invalid.meant() {
                Some(id) => format!("write it as `**Achievement {id}**: Title`"),
                None => String::from(
                    "an id is two or three numbers of at most nine digits, joined by dots, as in `**Achievement 1.2**: Title`",
                ),
            }),
            Self::Duplicate { .. } => Some("give one of them an id of its own".to_owned()),
            Self::NoAchievement { section, .. } => {
                let form = "`**Achievement 1.1**: Title` or `**Achievement 1.1: Title**` at the start of a line, outside of code fences and comments";
                Some(match section {
                    Some(line) => format!("write achievements as {form}, in the achievements section at line {line}"),
                    None => {
                        format!("write achievements as {form}, under a `## ` heading that contains \"Achievements\"")
                    }
                })
            }
        }
    }
}
