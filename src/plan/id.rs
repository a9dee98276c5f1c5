//! Ids and names, parsed and never sanitised: what does not fit is refused.

use std::{collections::HashMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A map by id. Its hash is seeded, as the standard one is, and takes a tenth of the time.
pub type IdMap<T> = HashMap<AchievementId, T, foldhash::fast::RandomState>;

/// The id of an achievement: two or three numbers (`1.1`, `3.10`, `3.5.1`), ordered as numbers.
///
/// [`AchievementId::parse`] is the only way to make one, so a value of this type never holds a path separator,
/// a dot segment or any other text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AchievementId {
    parts: [u32; 3],
    len: u8,
}

/// The text is not an achievement id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an achievement id: {fault}")]
pub struct InvalidId {
    /// The offending text, cut to 40 characters.
    pub text: String,
    /// What is wrong with it.
    pub fault: IdFault,
}

/// Why a text is no achievement id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// Not two or three numbers.
    #[error("expected two or three numbers such as 1.1 or 3.5.1")]
    Form,
    /// A good id with a dot behind it.
    #[error("it ends with a dot")]
    TrailingDot,
    /// A number that begins with a zero.
    #[error("one of its numbers begins with a zero")]
    LeadingZero,
    /// A number of more than nine digits.
    #[error("one of its numbers has more than nine digits")]
    TooLarge,
}

impl InvalidId {
    /// The id that was meant, where that is plain.
    pub fn meant(&self) -> Option<AchievementId> {
        let without_zeros = |part: &str| match part.trim_start_matches('0') {
            "" if !part.is_empty() => String::from("0"),
            number => number.to_owned(),
        };
        let text = self.text.strip_suffix('.').unwrap_or(&self.text);
        let parts: Vec<String> = text.split('.').map(without_zeros).collect();
        AchievementId::parse(&parts.join(".")).ok()
    }
}

/// What is wrong with a text that [`AchievementId::parse`] refused.
fn fault(text: &str) -> IdFault {
    let numbers = |text: &str| {
        let count = text.split('.').take(4).count();
        (2..=3).contains(&count)
            && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    if text.strip_suffix('.').is_some_and(numbers) {
        IdFault::TrailingDot
    } else if !numbers(text) {
        IdFault::Form
    } else if text.split('.').any(|part| part.len() > 1 && part.starts_with('0')) {
        IdFault::LeadingZero
    } else {
        IdFault::TooLarge
    }
}

impl AchievementId {
    /// Parses two or three dot-separated decimal numbers below 10⁹, without signs, spaces or leading zeros.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        Self::read(text.as_bytes())
            .ok_or_else(|| InvalidId { text: text.chars().take(40).collect(), fault: fault(text) })
    }

    /// By hand, since a large parallel.json holds millions of ids.
    fn read(text: &[u8]) -> Option<Self> {
        let mut parts = [0_u32; 3];
        let mut len = 0_u8;
        for part in text.split(|byte| *byte == b'.') {
            let number = parts.get_mut(usize::from(len))?;
            if !(1..=9).contains(&part.len()) || (part.len() > 1 && part.first() == Some(&b'0')) {
                return None;
            }
            for byte in part {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                *number = *number * 10 + u32::from(digit);
            }
            len += 1;
        }
        (len >= 2).then_some(Self { parts, len })
    }

    /// The numbers, two or three of them.
    pub fn parts(&self) -> &[u32] {
        &self.parts[..usize::from(self.len)]
    }

    /// The id without its dots (`3.1` → `31`), as it stands in file names.
    ///
    /// Two ids of one plan can share it; [`crate::document::Slugs`] resolves that.
    pub fn short_slug(&self) -> String {
        self.joined("")
    }

    /// A number that two ids share exactly where they share [`AchievementId::short_slug`]: its digits behind a 1, which
    /// keeps zeros in front.
    pub(crate) fn short_slug_number(&self) -> u128 {
        let behind =
            |number: u128, part: &u32| number * 10_u128.pow(part.checked_ilog10().unwrap_or(0) + 1) + u128::from(*part);
        self.parts().iter().fold(1, behind)
    }

    /// The id with underscores (`1.11` → `1_11`), the form that cannot collide.
    pub fn long_slug(&self) -> String {
        self.joined("_")
    }

    fn joined(&self, separator: &str) -> String {
        let parts: Vec<String> = self.parts().iter().map(u32::to_string).collect();
        parts.join(separator)
    }
}

/// One write instead of five: maps by id are what large plans spend their time on.
impl std::hash::Hash for AchievementId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let [a, b, c] = self.parts.map(u128::from);
        state.write_u128(a | b << 32 | c << 64 | u128::from(self.len) << 96);
    }
}

impl PartialOrd for AchievementId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AchievementId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.parts().cmp(other.parts())
    }
}

impl fmt::Display for AchievementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.parts;
        let text = if self.len == 2 { format!("{a}.{b}") } else { format!("{a}.{b}.{c}") };
        f.pad(&text)
    }
}

impl fmt::Debug for AchievementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AchievementId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for AchievementId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AchievementId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The `<NAME>` of `PLAN_<NAME>.md`: ASCII letters, digits, `-`, `_` and inner `.`, at most 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PlanName(String);

/// The text cannot be a plan's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be a plan's name: use letters, digits, `-`, `_` and inner dots, at most 100 of them")]
pub struct InvalidPlanName {
    /// The offending text, cut to 100 characters.
    pub text: String,
}

impl PlanName {
    /// Parses a name; it can then stand in a file name on every system.
    pub fn parse(text: &str) -> Result<Self, InvalidPlanName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let edges = text.starts_with('.') || text.ends_with('.') || text.contains("..");
        if text.is_empty() || text.len() > 100 || edges || !text.chars().all(allowed) {
            return Err(InvalidPlanName { text: text.chars().take(100).collect() });
        }
        Ok(Self(text.to_owned()))
    }

    /// A name for sample values.
    pub(crate) fn sample() -> Self {
        Self(String::from("SAMPLE"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_as_numbers() {
        let mut ids: Vec<AchievementId> =
            ["3.10", "3.5.1", "3.5", "3.2", "10.1", "2.9"].iter().map(|t| t.parse().unwrap()).collect();
        ids.sort();
        let text: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["2.9", "3.2", "3.5", "3.5.1", "3.10", "10.1"]);
    }

    #[test]
    fn only_two_or_three_plain_numbers_are_ids() {
        for bad in
            ["", "1", "1.", ".1", "1.2.3.4", "1..2", "a.b", "1.2 ", "+1.2", "01.2", "1.02", "1.2/..", "9999999999.1"]
        {
            assert!(AchievementId::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(AchievementId::parse("999999999.1").unwrap().parts(), [999_999_999, 1]);
        assert_eq!(AchievementId::parse(&"é".repeat(41)).unwrap_err().text, "é".repeat(40));
        assert_eq!(AchievementId::parse("3.5.1").unwrap().short_slug(), "351");
        assert_eq!(AchievementId::parse("1.11").unwrap().long_slug(), "1_11");
        assert_eq!(AchievementId::parse("0.0").unwrap().to_string(), "0.0");
    }

    #[test]
    fn slugs_are_the_same_where_their_numbers_are() {
        let parts = ["0", "1", "10", "11", "101", "999999999"];
        let two = parts.iter().flat_map(|a| parts.iter().map(move |b| format!("{a}.{b}")));
        let ids: Vec<AchievementId> =
            two.flat_map(|two| [format!("{two}.1"), two]).map(|text| text.parse().unwrap()).collect();
        for a in &ids {
            for b in &ids {
                let same = a.short_slug_number() == b.short_slug_number();
                assert_eq!(same, a.short_slug() == b.short_slug(), "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_an_id_is_said() {
        for (text, fault, meant) in [
            ("1.01", IdFault::LeadingZero, Some("1.1")),
            ("01.0.10", IdFault::LeadingZero, Some("1.0.10")),
            ("1.00", IdFault::LeadingZero, Some("1.0")),
            ("1.14.", IdFault::TrailingDot, Some("1.14")),
            ("1.2.3.", IdFault::TrailingDot, Some("1.2.3")),
            ("1.9999999999", IdFault::TooLarge, None),
            ("0.9999999999", IdFault::TooLarge, None),
            ("1.9999999999.", IdFault::TrailingDot, None),
            ("1..", IdFault::Form, None),
            ("1.", IdFault::Form, None),
            ("1.2.3.4", IdFault::Form, None),
            ("1", IdFault::Form, None),
            ("1.2a", IdFault::Form, None),
            ("", IdFault::Form, None),
        ] {
            let invalid = AchievementId::parse(text).unwrap_err();
            assert_eq!((invalid.fault, invalid.meant().map(|id| id.to_string()).as_deref()), (fault, meant), "{text}");
        }
    }

    #[test]
    fn ids_that_differ_hash_differently() {
        use std::hash::BuildHasher as _;
        let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
        let ids = ["1.1", "1.2", "2.1", "1.1.0", "1.1.1", "1.2.1", "2.1.1"];
        let hashes: std::collections::HashSet<u64> =
            ids.iter().map(|text| hasher.hash_one(AchievementId::parse(text).unwrap())).collect();
        assert_eq!(hashes.len(), ids.len());
    }

    #[test]
    fn columns_of_ids_and_names_line_up() {
        let id = AchievementId::parse("3.5.1").unwrap();
        assert_eq!(format!("{id:>7}{id:7?}|{:<5}|", PlanName::parse("AB").unwrap()), "  3.5.13.5.1  |AB   |");
    }

    #[test]
    fn plan_names_cannot_leave_their_directory() {
        for bad in ["", "..", "a/b", "a\\b", ".hidden", "a..b", "nul\0", "ü", "trailing."] {
            assert!(PlanName::parse(bad).is_err(), "{bad}");
        }
        let longest = "A".repeat(100);
        assert_eq!(PlanName::parse(&longest).unwrap().as_str(), longest);
        assert_eq!(PlanName::parse(&"A".repeat(101)).unwrap_err().text, longest);
        assert_eq!(PlanName::parse("GRAPHRAG-VALIDATION_2.1").unwrap().as_str(), "GRAPHRAG-VALIDATION_2.1");
    }
}
