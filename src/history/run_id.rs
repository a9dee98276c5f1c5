//! The id of a run or of another operation: when it began, and its number in the plan directory.

use std::fmt;

use jiff::Timestamp;

/// `20261012T154922Z-12`: the time in UTC, then a number that grows by one with each operation on the plan directory.
/// The number alone decides which came first, since clocks can be set back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId {
    number: u64,
    began: String,
}

/// Digits and letters of the time in an id.
const TIME_FORM: &str = "00000000T000000Z";

impl RunId {
    /// The id of the operation with this number.
    pub fn new(began: Timestamp, number: u64) -> Self {
        Self { number, began: began.strftime("%Y%m%dT%H%M%SZ").to_string() }
    }

    /// Reads a whole id; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (began, number) = text.rsplit_once('-')?;
        let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
        if began.len() != TIME_FORM.len() || !began.bytes().zip(TIME_FORM.bytes()).all(fits) {
            return None;
        }
        Some(Self { number: plain_number(number)?, began: began.to_owned() })
    }

    /// The number in the plan directory, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.began, self.number))
    }
}

/// How far a number can be from the next lower one: each operation takes the number after the highest, and `gc` removes the oldest.
const LARGEST_GAP: u64 = 1_000_000_000;

/// Ids newest first. A number that is too far from those below it is none that planwave gave, nor are those above it: they are
/// left out, so that they neither go before all others nor leave no number for the next one.
pub fn in_order(mut ids: Vec<RunId>) -> Vec<RunId> {
    ids.sort_unstable();
    let mut below = 0;
    let end = ids.iter().position(|id| {
        let far = id.number - below > LARGEST_GAP;
        below = id.number;
        far
    });
    ids.truncate(end.unwrap_or(ids.len()));
    ids.reverse();
    ids
}

/// Digits only and without leading zeros, so that one id has one spelling.
fn plain_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

/// How people name an operation: its number, or its whole id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRef {
    /// As `planwave history` shows it.
    Number(u64),
    /// As events show it.
    Id(RunId),
}

impl RunRef {
    /// Reads what somebody typed; `None` where it names no operation.
    pub fn parse(text: &str) -> Option<Self> {
        plain_number(text).map(Self::Number).or_else(|| RunId::parse(text).map(Self::Id))
    }

    /// Whether this operation is meant.
    pub fn means(&self, id: &RunId) -> bool {
        match self {
            Self::Number(number) => *number == id.number,
            Self::Id(named) => named == id,
        }
    }
}

impl fmt::Display for RunRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling_per_id() {
        let id = RunId::new("2026-10-12T15:49:22.9Z".parse().unwrap(), 12);
        assert_eq!(id.to_string(), "20261012T154922Z-12");
        assert_eq!(RunId::parse("20261012T154922Z-12"), Some(id.clone()));
        for text in ["", "12", "20261012T154922Z-", "20261012T154922Z-012", "20261012T154922Z-1x", "2026T1Z-1", "é-1"]
        {
            assert_eq!(RunId::parse(text), None, "{text}");
        }
        assert!(RunRef::parse("12").unwrap().means(&id));
        assert!(RunRef::parse("20261012T154922Z-12").unwrap().means(&id));
        assert!(!RunRef::parse("13").unwrap().means(&id));
        for text in ["", "0", "-1", "012", "3.1", "my-plan", "99999999999999999999999"] {
            assert_eq!(RunRef::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_nobody_gave_are_left_out() {
        let ids = |numbers: &[u64]| -> Vec<RunId> {
            numbers.iter().map(|number| RunId::new("2026-10-12T15:49:22Z".parse().unwrap(), *number)).collect()
        };
        let kept = |numbers: &[u64]| in_order(ids(numbers)).iter().map(RunId::number).collect::<Vec<_>>();
        assert_eq!(kept(&[]), Vec::<u64>::new());
        assert_eq!(kept(&[3, 900, 2, u64::MAX, 1]), [900, 3, 2, 1]);
        assert_eq!(kept(&[u64::MAX - 1, u64::MAX]), Vec::<u64>::new());
        assert_eq!(kept(&[LARGEST_GAP, 2 * LARGEST_GAP, 3 * LARGEST_GAP + 1]), [2 * LARGEST_GAP, LARGEST_GAP]);
        // Two of one number, from an operation that began twice in a copy.
        assert_eq!(kept(&[5, 5, 4]), [5, 5, 4]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = RunRef::parse(&text);
        }
    }
}
