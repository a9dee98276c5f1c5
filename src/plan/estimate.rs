//! Estimates as people write them: `2-3 hours`, `~30 min`, `1.5h – 2h`, `1 day`, `1h 30m`.
//!
//! A day counts 8 hours and a week 40: estimates are working time.

use super::Hours;

/// Estimates beyond this many hours are taken for something else.
const MOST_HOURS: f64 = 1_000_000.0;

/// Words instead of a number, tried where no number has a unit.
const IN_WORDS: [(&str, f64); 6] =
    [("half an hour", 0.5), ("half a day", 4.0), ("an hour", 1.0), ("one hour", 1.0), ("a day", 8.0), ("one day", 8.0)];

/// The first amount of time that `text` names: one value, or a range. Linear in the text.
pub(super) fn find(text: &str) -> Option<Hours> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + offset;
        // `v1.5h` and `GPT4` are names; so is what follows a dot (`.5 h` is not written).
        let inside_word =
            text[..start].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ',' | '_'));
        if !inside_word && let Some((hours, _)) = amount(&text[start..]) {
            return Some(hours);
        }
        at = start + bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let words =
        text.trim_start_matches(is_approximation).get(..12.min(text.len())).unwrap_or(text).to_ascii_lowercase();
    IN_WORDS.iter().find(|(name, _)| words.starts_with(name)).map(|(_, hours)| Hours { low: *hours, high: *hours })
}

/// The amount of time that is all `text` says, so that `(4-6h)` can be told from `(Phase 2)`.
pub(super) fn whole(text: &str) -> Option<Hours> {
    let text = text.trim().trim_start_matches(is_approximation);
    let (hours, rest) = amount(text)?;
    rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, '+' | '.')).is_empty().then_some(hours)
}

/// An amount without a unit, below a label that says that it is in hours.
pub(super) fn in_hours(text: &str) -> Option<Hours> {
    let text = text.trim_start_matches(is_approximation);
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '–' | '—' | '~' | ' ')))
        .unwrap_or(text.len());
    if end > 40 { None } else { whole(&format!("{} h", text[..end].trim())) }
}

fn is_approximation(c: char) -> bool {
    c.is_whitespace() || matches!(c, '~' | '≈' | '<' | '>' | '≤' | '≥')
}

/// Reads a value or a range that `text` begins with; gives what follows it.
fn amount(text: &str) -> Option<(Hours, &str)> {
    let (first, rest) = number(text)?;
    let (low, rest) = match unit(rest) {
        Some((scale, rest)) => smaller_part(first * scale, scale, rest),
        None => {
            let (second, rest) = number(range_mark(rest)?)?;
            let (scale, rest) = unit(rest)?;
            return Some((hours(first * scale, second * scale)?, rest));
        }
    };
    let second = range_mark(rest).and_then(number).and_then(|(second, rest)| {
        let (scale, rest) = unit(rest)?;
        Some(smaller_part(second * scale, scale, rest))
    });
    match second {
        Some((high, rest)) => Some((hours(low, high)?, rest)),
        None => Some((hours(low, low)?, rest)),
    }
}

/// Adds the minutes of `1h 30m` or `1 hour and 30 minutes`.
fn smaller_part(value: f64, scale: f64, rest: &str) -> (f64, &str) {
    let next = rest.trim_start();
    let next = next.strip_prefix("and ").map_or(next, str::trim_start);
    let part = number(next).and_then(|(part, rest)| unit(rest).map(|(smaller, rest)| (part, smaller, rest)));
    match part {
        Some((part, smaller, rest)) if smaller < scale => (value + part * smaller, rest),
        Some(_) | None => (value, rest),
    }
}

fn hours(a: f64, b: f64) -> Option<Hours> {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    (high <= MOST_HOURS).then_some(Hours { low, high })
}

/// A decimal number (at most 6 digits, at most 4 behind the point), with the `+` that may follow it.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take(8).take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix(['.', ',']).map_or(0, digits);
    // `1,5` is a decimal number; `1,500` may be either and is left alone.
    let thousands = fraction > 2 && text[whole..].starts_with(',');
    if whole == 0 || whole > 6 || fraction > 4 || thousands {
        return None;
    }
    let end = if fraction == 0 { whole } else { whole + 1 + fraction };
    let rest = &text[end..];
    text[..end].replace(',', ".").parse().ok().map(|value| (value, rest.strip_prefix('+').unwrap_or(rest)))
}

/// What stands between the two ends of a range.
fn range_mark(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let rest = text.strip_prefix(['-', '–', '—', '−', '~', '‑']).or_else(|| text.strip_prefix("to "))?;
    Some(rest.trim_start_matches(is_approximation))
}

/// A unit and the hours it stands for.
fn unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\u{A0}', '\u{202F}']);
    let text = text.strip_prefix('-').unwrap_or(text); // a 2-hour task
    let letters = text.bytes().take(8).take_while(u8::is_ascii_alphabetic).count();
    let rest = &text[letters..];
    if rest.starts_with(|c: char| c.is_alphanumeric() && !c.is_ascii_digit()) {
        return None;
    }
    let scale = match text[..letters].to_ascii_lowercase().as_str() {
        "h" | "hr" | "hrs" | "hour" | "hours" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 1.0 / 60.0,
        "d" | "day" | "days" => 8.0,
        "w" | "wk" | "wks" | "week" | "weeks" => 40.0,
        _ => return None,
    };
    Some((scale, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn estimates_are_read_as_people_write_them() {
        for (text, low, high) in [
            ("2-3 hours", 2.0, 3.0),
            ("2 – 3 hours", 2.0, 3.0),
            ("2—3h", 2.0, 3.0),
            ("2 to 3 hrs", 2.0, 3.0),
            ("2~3 h", 2.0, 3.0),
            ("~2-3 hours", 2.0, 3.0),
            ("1-1.5 hours", 1.0, 1.5),
            ("1 hour", 1.0, 1.0),
            ("1 hr.", 1.0, 1.0),
            ("1,5-2 h", 1.5, 2.0),
            ("< 1 hour", 1.0, 1.0),
            ("2+ hours", 2.0, 2.0),
            ("4-6+ hours", 4.0, 6.0),
            ("30 minutes", 0.5, 0.5),
            ("30-45 min", 0.5, 0.75),
            ("90m", 1.5, 1.5),
            ("30 minutes - 1 hour", 0.5, 1.0),
            ("30min–2h", 0.5, 2.0),
            ("1h 30m", 1.5, 1.5),
            ("1h30m", 1.5, 1.5),
            ("1 hour and 15 minutes", 1.25, 1.25),
            ("1 day", 8.0, 8.0),
            ("1-2 days", 8.0, 16.0),
            ("1 week", 40.0, 40.0),
            ("half a day", 4.0, 4.0),
            ("~half an hour", 0.5, 0.5),
            ("an hour", 1.0, 1.0),
            ("2-3 hours (planning and 1 hour of design)", 2.0, 3.0),
            ("Medium (2-3 hours)", 2.0, 3.0),
            ("**2-3 hours**", 2.0, 3.0),
            ("Phase 1: 2h", 2.0, 2.0),
            ("3-2 hours", 2.0, 3.0),
            ("a 2-hour task", 2.0, 2.0),
            ("0 hours", 0.0, 0.0),
        ] {
            assert_eq!(find(text), Some(Hours { low, high }), "{text}");
        }
    }

    #[test]
    fn what_names_no_time_is_no_estimate() {
        for text in [
            "",
            "Ongoing",
            "TBD",
            "2-3",
            "Python 3.11",
            "v2h",
            "2 houses",
            "1234567 hours",
            "h",
            "12 mice",
            "1.23456 h",
            "½",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_can_name_the_unit() {
        assert_eq!(in_hours("~2-3 (rough)"), Some(Hours { low: 2.0, high: 3.0 }));
        assert_eq!(in_hours("1.5"), Some(Hours { low: 1.5, high: 1.5 }));
        assert_eq!(in_hours("many"), None);
    }

    #[test]
    fn only_a_whole_estimate_can_be_cut_from_a_title() {
        for (text, is_whole) in
            [("4-6h", true), ("~2 hours", true), ("Phase 2", false), ("2 hours max", false), ("", false)]
        {
            assert_eq!(whole(text).is_some(), is_whole, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_range_is_read_back(low in 0..400_u32, more in 0..400_u32, mark in "-|–|—| to | - ", unit in " ?(h|hr|hrs|hour|hours)", noise in "( \\([a-z ]*\\))?") {
            let high = low + more;
            let text = format!("{low}{mark}{high}{unit}{noise}");
            prop_assert_eq!(find(&text), Some(Hours { low: low.into(), high: high.into() }));
        }

        #[test]
        fn any_text_is_survived(text in "[0-9a-z.~–+ -]{0,40}|\\PC{0,40}") {
            if let Some(hours) = find(&text) {
                prop_assert!(hours.low <= hours.high && hours.low >= 0.0);
            }
            prop_assert!(whole(&text).is_none() || find(&text).is_some());
        }
    }
}
