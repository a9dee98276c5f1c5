//! `estimated_hours` as people write it: a number, or text such as "4-6", "2-3 hours", "~30 min", "1h (rough)".

use crate::plan::Hours;

/// More than this is no estimate of one achievement: 10,000 hours are five years of one person.
pub(super) const MOST: f64 = 10_000.0;

/// Reads text as hours; without a unit, numbers are hours. `None` where it is no estimate.
pub(super) fn parse(text: &str) -> Option<Hours> {
    let text = text.trim().trim_start_matches(['~', '≈', '<', '⏱', '\u{fe0f}', ' ']);
    let (first, rest) = number(text)?;
    let (first_unit, rest) = unit(rest);
    let (second, second_unit, rest) = match after_dash(rest).and_then(number) {
        Some((second, rest)) => {
            let (second_unit, rest) = unit(rest);
            (Some(second), second_unit, rest)
        }
        None => (None, None, rest),
    };
    let rest = rest.trim_start();
    if !(rest.is_empty() || rest.starts_with(['(', '[', ',', ';'])) {
        return None;
    }
    let last_unit = second_unit.or(first_unit).unwrap_or(1.0);
    let low = first * first_unit.unwrap_or(last_unit);
    let high = second.map_or(low, |second| second * last_unit);
    hours(low, high)
}

/// A single number of hours.
pub(super) fn single(number: f64) -> Option<Hours> {
    hours(number, number)
}

fn hours(low: f64, high: f64) -> Option<Hours> {
    (0.0 <= low && low <= high && high <= MOST).then_some(Hours { low, high })
}

fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || digits.ends_with('.') {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

/// How many hours the unit at the start of `text` is, where there is one.
fn unit(text: &str) -> (Option<f64>, &str) {
    let word = text.trim_start();
    let end = word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len());
    let (name, rest) = word.split_at(end);
    let hours = match name.to_ascii_lowercase().as_str() {
        "h" | "hr" | "hrs" | "hour" | "hours" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 1.0 / 60.0,
        _ => return (None, text),
    };
    (Some(hours), rest.strip_prefix('.').unwrap_or(rest))
}

fn after_dash(text: &str) -> Option<&str> {
    let text = text.trim_start();
    ["-", "–", "—", "to ", "..", "~"].into_iter().find_map(|dash| text.strip_prefix(dash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them() {
        let table = [
            ("4-6", Some((4.0, 6.0))),
            ("2-3 hours", Some((2.0, 3.0))),
            ("2 – 3h", Some((2.0, 3.0))),
            ("2 to 3 hrs", Some((2.0, 3.0))),
            ("~1.5 hours (rough)", Some((1.5, 1.5))),
            ("30 min", Some((0.5, 0.5))),
            ("30-90 minutes", Some((0.5, 1.5))),
            ("30 min - 1 hour", Some((0.5, 1.0))),
            ("3h", Some((3.0, 3.0))),
            (" 7 ", Some((7.0, 7.0))),
            ("", None),
            ("TBD", None),
            ("3-2", None),
            ("-1", None),
            ("1.", None),
            ("1.2.3", None),
            ("2 days", None),
            ("2 hours 30 minutes", None),
            ("99999999999999999999999999 hours", None),
            ("4-", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).map(|hours| (hours.low, hours.high)), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,20}") {
            if let Some(hours) = parse(&text) {
                assert!(hours.low <= hours.high && hours.low >= 0.0);
            }
        }
    }
}
