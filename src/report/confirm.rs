//! The question before tokens are spent. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use super::{
    columns::{usable, words_beside},
    format::{about, count_of, plural},
};
use crate::engine::Totals;

/// Asks for consent to exactly the run of these totals, on one line where `width` columns are enough:
/// `Create 3 SUBPLANs and 3 EXECUTIONs for 7,200–9,100 tokens (about $0.03)? [y/N]`.
pub fn confirm_text(totals: &Totals, width: usize) -> String {
    let cost = match totals.cost_expected {
        Some(cost) if cost.is_finite() => about(cost),
        Some(_) | None => "cost unknown".to_owned(),
    };
    let noun = if totals.high_tokens == 1 { "token" } else { "tokens" };
    let what = documents(totals);
    let question = match totals.remembered {
        0 => format!("Create {what} for {} {noun} ({cost})?", token_range(totals)),
        some => {
            format!(
                "Create {what}, {} of them from the tape, for {} {noun} ({cost})?",
                count_of(some),
                token_range(totals)
            )
        }
    };
    let mut words: Vec<String> = question.split(' ').map(str::to_owned).collect();
    if let Some(last) = words.last_mut() {
        last.push_str(" [y/N]"); // where to answer stays with what is asked
    }
    let mut text = String::new();
    // One column is for the space before the cursor.
    words_beside(&mut text, "", 0, &words, usable(width) - 1);
    text.trim_end().to_owned()
}

/// `3 SUBPLANs and 1 EXECUTION`; `nothing` where there is none of either.
pub(super) fn documents(totals: &Totals) -> String {
    let kinds = [(totals.subplans, "SUBPLAN"), (totals.executions, "EXECUTION")];
    let some: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, kind)| plural(*n, kind)).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(" and ") }
}

/// `7,200–9,100`, or one number where both ends are the same.
pub(super) fn token_range(totals: &Totals) -> String {
    match (totals.low_tokens, totals.high_tokens) {
        (low, high) if low == high => count_of(high),
        (low, high) => format!("{}–{}", count_of(low), count_of(high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_what_there_is() {
        let totals = |subplans, executions, low_tokens, high_tokens, cost_expected| Totals {
            subplans,
            executions,
            low_tokens,
            high_tokens,
            cost_expected,
            ..Totals::default()
        };
        let table = [
            (
                totals(3, 3, 7_200, 9_100, Some(0.0312)),
                "Create 3 SUBPLANs and 3 EXECUTIONs for 7,200–9,100 tokens (about $0.03)? [y/N]",
            ),
            (totals(1, 0, 1, 1, Some(0.0)), "Create 1 SUBPLAN for 1 token ($0.00)? [y/N]"),
            (totals(0, 1, 900, 900, None), "Create 1 EXECUTION for 900 tokens (cost unknown)? [y/N]"),
            (
                totals(1_200, 1, 900, 1_000, Some(0.001)),
                "Create 1,200 SUBPLANs and 1 EXECUTION for 900–1,000 tokens (less than $0.01)? [y/N]",
            ),
            (totals(0, 0, 0, 0, Some(f64::NAN)), "Create nothing for 0 tokens (cost unknown)? [y/N]"),
            (
                Totals { remembered: 2, ..totals(2, 1, 900, 1_000, Some(0.001)) },
                "Create 2 SUBPLANs and 1 EXECUTION, 2 of them from the tape, for 900–1,000 tokens (less than $0.01)? [y/N]",
            ),
        ];
        for (totals, text) in table {
            assert_eq!(confirm_text(&totals, 120), text);
            for narrow in [0, 40, 60] {
                let wrapped = confirm_text(&totals, narrow);
                assert_eq!(wrapped.replace('\n', " "), text);
                assert!(wrapped.lines().all(|line| console::measure_text_width(line) < narrow.max(40)), "{wrapped}");
                assert!(wrapped.lines().last().unwrap().contains("? [y/N]"), "{wrapped}");
            }
        }
    }
}
