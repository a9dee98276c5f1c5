//! Estimates as people write them: `2-3 hours`, `~30 min`, `1.5h – 2h`, `1 day`, `1h 30m`, `1/2 hour`, `1½ h`.
//!
//! The one reader of them, for PLANs and for parallel.json.
//!
//! A day counts 8 hours and a week 40: estimates are working time.

use super::Hours;

/// More than this is no estimate of one achievement: 10,000 hours are five years of one person.
const MOST_HOURS: f64 = 10_000.0;

/// Words instead of a number, tried where no number has a unit.
const IN_WORDS: [(&str, f64); 6] =
    [("half an hour", 0.5), ("half a day", 4.0), ("an hour", 1.0), ("one hour", 1.0), ("a day", 8.0), ("one day", 8.0)];

/// Units in hours.
const UNITS: [(&[&str], f64); 4] = [
    (&["hours", "hour", "h", "hr", "hrs"], 1.0),
    (&["minutes", "min", "mins", "minute", "m"], 1.0 / 60.0),
    (&["day", "days", "d"], 8.0),
    (&["week", "weeks", "w", "wk", "wks"], 40.0),
];

/// Fractions that are one character.
const FRACTIONS: [(char, f64); 9] = [
    ('¼', 0.25),
    ('½', 0.5),
    ('¾', 0.75),
    ('⅓', 1.0 / 3.0),
    ('⅔', 2.0 / 3.0),
    ('⅛', 0.125),
    ('⅜', 0.375),
    ('⅝', 0.625),
    ('⅞', 0.875),
];

impl Hours {
    /// A single number of hours; `None` where it is none that an achievement can take.
    pub(crate) fn single(number: f64) -> Option<Self> {
        hours(number, number)
    }

    /// The value of a field that is an estimate: "4-6", "2-3 hours", "~30 min", "1h (rough)". Without a unit, numbers
    /// are hours. `None` where the text says something else.
    pub(crate) fn of_field(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(|c: char| is_approximation(c) || matches!(c, '⏱' | '\u{fe0f}'));
        let (hours, rest) = amount(text).or_else(|| bare(text))?;
        let rest = rest.strip_prefix('.').unwrap_or(rest).trim_start();
        (rest.is_empty() || rest.starts_with(['(', '[', ',', ';'])).then_some(hours)
    }
}

/// The first amount of time that `text` names: one value, or a range. Linear in the text.
pub(super) fn find(text: &str) -> Option<Hours> {
    let mut at = 0;
    while let Some(offset) = text[at..].find(|c: char| c.is_ascii_digit() || is_fraction(c)) {
        let start = at + offset;
        let found = amount(&text[start..]);
        match (found, before(&text[..start])) {
            (Some((hours, _)), Before::Nothing) => return Some(hours),
            // Less than no time is a difference; the other end of its range is, too.
            (Some((_, rest)), Before::Minus) => at = text.len() - rest.len(),
            (Some(_), Before::Word) | (None, _) => {
                let rest = text[start..].trim_start_matches(|c: char| c.is_ascii_digit() || is_fraction(c));
                at = text.len() - rest.len();
            }
        }
    }
    let words =
        text.trim_start_matches(is_approximation).get(..12.min(text.len())).unwrap_or(text).to_ascii_lowercase();
    IN_WORDS.iter().find(|(name, _)| words.starts_with(name)).map(|(_, hours)| Hours { low: *hours, high: *hours })
}

/// What a number stands behind.
enum Before {
    Nothing,
    Minus,
    /// `v1.5h` and `GPT4` are names, `24/7` is no fraction; what follows a dot is part of a number too (`.5 h` is not written).
    Word,
}

fn before(text: &str) -> Before {
    let mut before = text.chars().rev();
    let last = before.next();
    let second = before.next();
    match last {
        Some('-' | '−') if second.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '*' | ':')) => Before::Minus,
        Some('/' | '⁄') if second.is_some_and(|c| c.is_ascii_digit()) => Before::Word,
        Some(c) if c.is_alphanumeric() || matches!(c, '.' | ',' | '_') => Before::Word,
        Some(_) | None => Before::Nothing,
    }
}

fn is_fraction(c: char) -> bool {
    !c.is_ascii() && FRACTIONS.iter().any(|(fraction, _)| *fraction == c)
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
        .find(|c: char| !(c.is_ascii_digit() || is_fraction(c) || matches!(c, '.' | '/' | '-' | '–' | '—' | '~' | ' ')))
        .unwrap_or(text.len());
    whole(&format!("{} h", text[..end].trim()))
}

/// A value or a range without a unit, in hours.
fn bare(text: &str) -> Option<(Hours, &str)> {
    let (low, rest) = number(text)?;
    let (high, rest) = range_mark(rest).and_then(number).unwrap_or((low, rest));
    Some((hours(low, high)?, rest))
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
    (0.0 <= low && high <= MOST_HOURS).then_some(Hours { low, high })
}

/// A number, `1.5` or `1 1/2`, with the `+` that may follow it.
fn number(text: &str) -> Option<(f64, &str)> {
    let (value, rest) = fraction(text).or_else(|| {
        let (whole, rest) = decimal(text)?;
        // `1½` and `1 1/2`, but not `1.5 1/2`.
        let mixed = fraction(rest.trim_start_matches(' ')).filter(|_| whole.fract() == 0.0);
        Some(mixed.map_or((whole, rest), |(part, rest)| (whole + part, rest)))
    })?;
    Some((value, rest.strip_prefix('+').unwrap_or(rest)))
}

/// `½` or `1/2`: less than one, and of a kind that people count time in.
fn fraction(text: &str) -> Option<(f64, &str)> {
    let first = text.chars().next()?;
    if let Some((character, value)) = FRACTIONS.iter().find(|(character, _)| *character == first) {
        return Some((*value, &text[character.len_utf8()..]));
    }
    let (numerator, rest) = digit(text)?;
    let (denominator, rest) = digit(rest.strip_prefix(['/', '⁄'])?)?;
    let counted = matches!(denominator, 2 | 3 | 4 | 5 | 6 | 8) && (1..denominator).contains(&numerator);
    counted.then(|| (f64::from(numerator) / f64::from(denominator), rest))
}

fn digit(text: &str) -> Option<(u32, &str)> {
    let digit = text.chars().next()?.to_digit(10)?;
    Some((digit, &text[1..]))
}

/// A decimal number, at most 4 digits behind the point.
fn decimal(text: &str) -> Option<(f64, &str)> {
    // What is cut here is beyond all estimates.
    let digits = |text: &str| text.bytes().take(8).take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix(['.', ',']).map_or(0, digits);
    // `1,5` is a decimal number; `1,500` may be either and is left alone.
    let thousands = fraction > 2 && text[whole..].starts_with(',');
    if whole == 0 || fraction > 4 || thousands {
        return None;
    }
    let end = if fraction == 0 { whole } else { whole + 1 + fraction };
    let number = &text[..end];
    let value = if number.contains(',') { number.replace(',', ".").parse() } else { number.parse() };
    value.ok().map(|value| (value, &text[end..]))
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
    let word = &text[..letters];
    let (_, scale) = UNITS.iter().find(|(names, _)| names.iter().any(|name| name.eq_ignore_ascii_case(word)))?;
    Some((*scale, rest))
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
            ("\u{a0}½ hour", 0.5, 0.5),
            ("~half an hour", 0.5, 0.5),
            ("an hour", 1.0, 1.0),
            ("2-3 hours (planning and 1 hour of design)", 2.0, 3.0),
            ("Medium (2-3 hours)", 2.0, 3.0),
            ("**2-3 hours**", 2.0, 3.0),
            ("Phase 1: 2h", 2.0, 2.0),
            ("3-2 hours", 2.0, 3.0),
            ("a 2-hour task", 2.0, 2.0),
            ("0 hours", 0.0, 0.0),
            ("1/2 hour", 0.5, 0.5),
            ("½ hour", 0.5, 0.5),
            ("~½ day", 4.0, 4.0),
            ("1½ hours", 1.5, 1.5),
            ("1 ½ hours", 1.5, 1.5),
            ("1 1/2 hours", 1.5, 1.5),
            ("1/2-3/4 h", 0.5, 0.75),
            ("½–1 hour", 0.5, 1.0),
            ("1-1½ h", 1.0, 1.5),
            ("3⁄4 hour", 0.75, 0.75),
            ("1/4+ h", 0.25, 0.25),
            ("Phase 1/2: 3 hours", 3.0, 3.0),
            ("on 1/2/2025: 3 hours", 3.0, 3.0),
            ("- 3 hours", 3.0, 3.0),
            ("max-2 hours", 2.0, 2.0),
            ("design/2 hours", 2.0, 2.0),
            ("⅔ hour", 2.0 / 3.0, 2.0 / 3.0),
            ("⅓ day", 8.0 / 3.0, 8.0 / 3.0),
            ("30 minutes - 90 minutes", 0.5, 1.5),
            ("30 min 1 hour", 0.5, 0.5),
            ("1 h 1 h", 1.0, 1.0),
            ("1,25 h", 1.25, 1.25),
            ("1.2345 h", 1.2345, 1.2345),
            ("2 hours, -1 hour with help", 2.0, 2.0),
            ("-1-2 hours, then 3 hours", 3.0, 3.0),
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
            "1/2",
            "-3 hours",
            "(-3 hours)",
            "−3 h",
            "-½ hour",
            "24/7 h",
            "3/2 hours",
            "0/2 hours",
            "1/2.5 hours",
            "1/25 hours",
            "1,500 hours",
            "123456789 hours",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_can_name_the_unit() {
        assert_eq!(in_hours("~2-3 (rough)"), Some(Hours { low: 2.0, high: 3.0 }));
        assert_eq!(in_hours("1.5"), Some(Hours { low: 1.5, high: 1.5 }));
        assert_eq!(in_hours("1/2"), Some(Hours { low: 0.5, high: 0.5 }));
        assert_eq!(in_hours("½ - 1 (rough)"), Some(Hours { low: 0.5, high: 1.0 }));
        assert_eq!(in_hours("-3"), None);
        assert_eq!(in_hours("many"), None);
    }

    #[test]
    fn only_a_whole_estimate_can_be_cut_from_a_title() {
        for (text, is_whole) in [
            ("4-6h", true),
            ("~2 hours", true),
            ("Phase 2", false),
            ("2 hours max", false),
            ("2 hours.", true),
            ("2h +", true),
            ("", false),
        ] {
            assert_eq!(whole(text).is_some(), is_whole, "{text}");
        }
    }

    #[test]
    fn a_field_is_an_estimate_with_or_without_a_unit() {
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
            ("1/2", Some((0.5, 0.5))),
            ("½-1", Some((0.5, 1.0))),
            ("⏱️ 1 hr.", Some((1.0, 1.0))),
            ("2, or 3 with tests", Some((2.0, 2.0))),
            ("TBD", None),
            ("2 people", None),
            (".5 hours", None),
            ("10001", None),
            ("-3 hours", None),
            ("3-2", Some((2.0, 3.0))),
            ("-1", None),
            ("1.", Some((1.0, 1.0))),
            ("1.2.3", None),
            ("2 days", Some((16.0, 16.0))),
            ("2 hours 30 minutes", Some((2.5, 2.5))),
            ("99999999999999999999999999 hours", None),
            ("4-", None),
        ];
        for (text, expected) in table {
            assert_eq!(Hours::of_field(text).map(|hours| (hours.low, hours.high)), expected, "{text:?}");
        }
    }

    #[test]
    fn a_number_of_hours_is_one_that_work_can_take() {
        for (number, is_one) in
            [(0.0, true), (10_000.0, true), (10_000.5, false), (-1.0, false), (f64::NAN, false), (f64::INFINITY, false)]
        {
            assert_eq!(Hours::single(number).is_some(), is_one, "{number}");
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
        fn any_text_is_survived(text in "[0-9a-z.~–+ /½-]{0,40}|\\PC{0,40}") {
            for hours in [find(&text), Hours::of_field(&text)].into_iter().flatten() {
                prop_assert!(hours.low <= hours.high && hours.low >= 0.0);
            }
            prop_assert!(whole(&text).is_none() || find(&text).is_some());
        }
    }
}
