//! Numbers as people read them. Pure; the same wording everywhere.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use jiff::Timestamp;

use crate::plan::Hours;

/// A whole number with its thousands apart: `7,200`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// [`count`] of something counted in memory.
pub(super) fn count_of(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// A number in at most four characters and a letter: `850`, `3.8k`, `38k`, `1.2M`.
pub fn short_count(number: u64) -> String {
    for (unit, letter) in [(1_000_000_000, 'G'), (1_000_000, 'M'), (1_000, 'k')] {
        // From where rounding reaches the unit: 999,500 is 1.0M and not 1000k.
        if number >= unit - unit / 2_000 {
            let tenths = rounded(number, unit / 10);
            return match tenths {
                0..100 => format!("{}.{}{letter}", tenths / 10, tenths % 10),
                _ => format!("{}{letter}", count(rounded(number, unit))),
            };
        }
    }
    number.to_string()
}

fn rounded(number: u64, unit: u64) -> u64 {
    number / unit + u64::from(number % unit >= unit.div_ceil(2))
}

/// How much of `whole` is `part`, in per cent rounded down, so that 100 means all of it.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    let share = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0);
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// US dollars: `$0.0312` below ten cents, `$0.42` and `$1,234.50` above; `unknown` for `None` or what is no amount.
pub fn cost(dollars: Option<f64>) -> String {
    match dollars {
        Some(amount) if amount.is_finite() && amount >= 0.0 => amount_text(amount),
        Some(_) | None => "unknown".to_owned(),
    }
}

fn amount_text(amount: f64) -> String {
    match amount {
        0.0 => "$0.00".to_owned(),
        amount if amount < 0.00005 => "less than $0.0001".to_owned(),
        amount if amount < 0.09995 => format!("${amount:.4}"),
        amount => cents(amount),
    }
}

fn cents(amount: f64) -> String {
    let text = format!("{amount:.2}");
    match text.split_once('.') {
        Some((whole, cents)) => format!("${}.{cents}", whole.parse().map_or_else(|_| whole.to_owned(), count)),
        None => format!("${text}"),
    }
}

/// US dollars to the cent, for a sentence: `about $0.03`, `less than $0.01`.
pub(super) fn about(dollars: f64) -> String {
    match dollars {
        0.0 => "$0.00".to_owned(),
        amount if amount < 0.005 => "less than $0.01".to_owned(),
        amount => format!("about {}", cents(amount)),
    }
}

/// A duration in words: `0.4s`, `12.3s`, `1m 04s`, `2h 05m`.
pub fn duration(milliseconds: u64) -> String {
    let tenths = rounded(milliseconds, 100);
    if tenths < 600 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    let seconds = rounded(milliseconds, 1_000);
    match seconds {
        0..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", count(seconds / 3_600), seconds % 3_600 / 60),
    }
}

/// A duration as a clock shows it, whole seconds: `00:31`, `1:02:03`.
pub fn elapsed(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0..3_600 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60),
    }
}

/// The time of day, UTC: `12:03:04`.
pub fn clock_time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// An estimate in hours: `2–3 h`, `0.5 h`.
pub fn hours(estimate: Hours) -> String {
    let text = |hours: f64| {
        let text = format!("{hours:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (low, high) = (text(estimate.low), text(estimate.high));
    if low == high { format!("{low} h") } else { format!("{low}–{high} h") }
}

/// A number and its noun: `1 item`, `3 items`, `2,100 items`.
pub fn plural(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count_of(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers() {
        let table = [(0, "0"), (999, "999"), (1_000, "1,000"), (7_200, "7,200"), (1_234_567, "1,234,567")];
        for (number, text) in table {
            assert_eq!(count(number), text);
        }
        let table = [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (3_849, "3.8k"),
            (9_949, "9.9k"),
            (9_950, "10k"),
            (38_400, "38k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (1_250_000, "1.3M"),
            (12_000_000, "12M"),
            (2_000_000_000, "2.0G"),
            (u64::MAX, "18,446,744,074G"),
        ];
        for (number, text) in table {
            assert_eq!(short_count(number), text, "{number}");
        }
        assert_eq!((percent(0, 0), percent(999, 1_000), percent(2, 3), percent(u64::MAX, 1)), (0, 99, 66, u64::MAX));
        assert_eq!((plural(0, "item"), plural(1, "item")), ("0 items".into(), "1 item".into()));
    }

    #[test]
    fn amounts() {
        let table = [
            (Some(0.0), "$0.00"),
            (Some(-0.0), "$0.00"),
            (Some(0.00001), "less than $0.0001"),
            (Some(0.03123), "$0.0312"),
            (Some(0.09996), "$0.10"),
            (Some(0.424), "$0.42"),
            (Some(1234.5), "$1,234.50"),
            (Some(f64::NAN), "unknown"),
            (Some(f64::INFINITY), "unknown"),
            (Some(-1.0), "unknown"),
            (None, "unknown"),
        ];
        for (amount, text) in table {
            assert_eq!(cost(amount), text, "{amount:?}");
        }
        let table = [
            (0.0, "$0.00"),
            (0.004, "less than $0.01"),
            (0.005, "about $0.01"),
            (0.0312, "about $0.03"),
            (0.0949, "about $0.09"),
            (0.0951, "about $0.10"),
            (12.345, "about $12.35"),
            (1_234.5, "about $1,234.50"),
        ];
        for (amount, text) in table {
            assert_eq!(about(amount), text, "{amount:?}");
        }
    }

    #[test]
    fn times() {
        let table = [
            (0, "0.0s"),
            (49, "0.0s"),
            (12_345, "12.3s"),
            (59_949, "59.9s"),
            (59_950, "1m 00s"),
            (64_000, "1m 04s"),
            (3_599_499, "59m 59s"),
            (3_599_500, "1h 00m"),
            (7_500_000, "2h 05m"),
        ];
        for (milliseconds, text) in table {
            assert_eq!(duration(milliseconds), text, "{milliseconds}");
        }
        assert_eq!((elapsed(31_999), elapsed(3_723_000)), ("00:31".into(), "1:02:03".into()));
        assert_eq!(clock_time("2025-02-03T12:03:04.9Z".parse().unwrap()), "12:03:04");
        let estimate = |low, high| hours(Hours { low, high });
        assert_eq!((estimate(2.0, 3.0), estimate(0.75, 0.75)), ("2–3 h".into(), "0.75 h".into()));
        assert_eq!(estimate(10.0, 12.5), "10–12.5 h");
    }

    proptest! {
        #[test]
        fn a_count_keeps_its_digits(number: u64) {
            prop_assert_eq!(count(number).replace(',', "").parse::<u64>(), Ok(number));
        }

        #[test]
        fn short_counts_stay_short_and_near(number in 0_u64..999_000_000_000) {
            let text = short_count(number);
            prop_assert!(text.len() <= 4, "{text}");
            let (digits, unit) = match text.as_bytes().last() {
                Some(b'k') => (&text[..text.len() - 1], 1e3),
                Some(b'M') => (&text[..text.len() - 1], 1e6),
                Some(b'G') => (&text[..text.len() - 1], 1e9),
                _ => (text.as_str(), 1.0),
            };
            let shown = digits.parse::<f64>().unwrap() * unit;
            let exact = number as f64;
            prop_assert!((shown - exact).abs() <= exact * 0.051, "{text}");
        }

        #[test]
        fn costs_never_panic(amount: f64) {
            prop_assert!(!cost(Some(amount)).is_empty());
            prop_assert!(!about(amount).is_empty());
        }
    }
}
