//! What servers say of the tokens that a call took, and how much of it can be true. Pure.
//!
//! Servers differ in where they put their counts and in what they leave out: reasoning is missing in `completion_tokens`
//! and counted in `total_tokens`, a stream has running totals in every piece, or everything is zero. A bill that is too low
//! lets a run pass its budget, so whatever contradicts itself counts as the largest that it can mean, and as a lower bound.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::{Value, value::RawValue};

use super::{PromptCut, Tokenizer, Usage};

/// Counts above this are no counts: twice the largest context window that any model has.
const LARGEST: u64 = 20_000_000;

/// Where a response, or a piece of one, may have its usage: OpenAI's place; Moonshot's; Groq's.
pub(super) const PLACES: [&str; 6] = [
    "/usage",
    "/choices/0/usage",
    "/choices/0/delta/usage",
    "/choices/0/message/usage",
    "/x_groq/usage",
    "/message/usage",
];

/// Names of the same count with different servers.
const INPUT: [&str; 2] = ["/prompt_tokens", "/input_tokens"];
const OUTPUT: [&str; 2] = ["/completion_tokens", "/output_tokens"];
const TOTAL: [&str; 1] = ["/total_tokens"];
/// OpenAI's two, Moonshot's, DeepSeek's.
const CACHED: [&str; 4] = [
    "/prompt_tokens_details/cached_tokens",
    "/input_tokens_details/cached_tokens",
    "/cached_tokens",
    "/prompt_cache_hit_tokens",
];
/// OpenAI's two, Perplexity's.
const REASONING: [&str; 3] =
    ["/completion_tokens_details/reasoning_tokens", "/output_tokens_details/reasoning_tokens", "/reasoning_tokens"];

/// The counts of one server for one call, as far as they can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    input: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
    total: Option<u64>,
    /// A count was negative or larger than any count can be.
    impossible: bool,
}

impl Reported {
    /// Reads a `usage` object; `None` where it has no counts.
    pub(super) fn read(usage: &Value) -> Option<Self> {
        let mut impossible = false;
        let mut count = |names: &[&str]| {
            let number = names.iter().find_map(|name| number(usage.pointer(name)?))?;
            let possible = number.is_finite() && (0.0..=LARGEST as f64).contains(&number);
            impossible |= !possible;
            possible.then_some(number as u64)
        };
        let (input, output, total) = (count(&INPUT), count(&OUTPUT), count(&TOTAL));
        let (cached, reasoning) = (count(&CACHED), count(&REASONING));
        let any = input.is_some() || output.is_some() || total.is_some() || impossible;
        any.then_some(Self { input, cached, output, reasoning, total, impossible })
    }

    /// Together with what a later piece of the same answer says. Totals only grow, and some servers end with a piece
    /// that has none of them.
    pub(super) fn and(self, later: Self) -> Self {
        Self {
            input: self.input.max(later.input),
            cached: self.cached.max(later.cached),
            output: self.output.max(later.output),
            reasoning: self.reasoning.max(later.reasoning),
            total: self.total.max(later.total),
            impossible: self.impossible || later.impossible,
        }
    }

    /// The tokens that this means. Where the counts contradict each other, it is a lower bound.
    pub(super) fn usage(self) -> Usage {
        let Self { input, cached, output, reasoning, total, impossible } = self;
        let mut at_least = impossible || input.is_none() || output.is_none();
        let (mut input, mut output) = (input.unwrap_or_default(), output.unwrap_or_default());
        let (cached, reasoning) = (cached.unwrap_or_default(), reasoning.unwrap_or_default());
        if reasoning > output {
            // Left out: it would be a part of the answer's tokens otherwise.
            output += reasoning;
            at_least = true;
        }
        if cached > input {
            input += cached;
            at_least = true;
        }
        if let Some(more) = total.and_then(|total| total.checked_sub(input + output)).filter(|more| *more > 0) {
            output += more;
            at_least = true;
        }
        Usage { input, cached, output, reasoning, at_least }
    }
}

/// A number; some servers count in floats, others in text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A request, as far as its prompt is compared with what the server says of it.
pub(super) struct Prompt<'a> {
    /// Bytes of its messages.
    bytes: u64,
    /// Whether an earlier answer of the model is among them.
    has_answer: bool,
    request: &'a RawValue,
    tokenizer: Tokenizer,
}

impl<'a> Prompt<'a> {
    pub(super) fn new(bytes: u64, has_answer: bool, request: &'a RawValue, tokenizer: Tokenizer) -> Self {
        Self { bytes, has_answer, request, tokenizer }
    }

    /// Tokens of its messages. The request is read again for it, since this is seldom asked.
    fn tokens(&self) -> u64 {
        let request: Value = serde_json::from_str(self.request.get()).unwrap_or_default();
        texts(&request).map(|text| self.tokenizer.count(text) as u64).sum()
    }
}

/// The texts of a request's messages.
pub(super) fn texts(request: &Value) -> impl Iterator<Item = &str> {
    let messages = request.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.filter_map(|message| message.get("content")?.as_str())
}

/// How much larger our own count may be than that of the model's tokenizer, in percent, and tokens more than that.
const TOLERANCE_PERCENT: u64 = 200;
const TOLERANCE: u64 = 16;
/// Texts with fewer bytes per credible token than this need no counting.
const FEW_BYTES_PER_TOKEN: u64 = 3;

/// The tokens of a call, held against what was sent and received, and whether the server's own counts explain them. A count
/// that is too small for the text is replaced by ours, and is a lower bound then: nobody knows what the server did beside
/// the text that came. A text is counted only where its length gives reason to.
pub(super) fn credible(reported: Reported, prompt: &Prompt<'_>, answer: &str) -> (Usage, bool) {
    let mut usage = reported.usage();
    let mut explained = reported.input.is_some() && reported.output.is_some() && !reported.impossible;
    if usage.input == 0 && prompt.bytes > 0 {
        usage.input = prompt.tokens();
        (usage.at_least, explained) = (true, false);
    }
    let told = usage.output.saturating_sub(usage.reasoning);
    let credible = told.saturating_mul(TOLERANCE_PERCENT) / 100 + TOLERANCE;
    if answer.len() as u64 > credible.saturating_mul(FEW_BYTES_PER_TOKEN) {
        let received = prompt.tokenizer.count(answer) as u64;
        if received > credible {
            usage.output = received.saturating_add(usage.reasoning);
            (usage.at_least, explained) = (true, false);
        }
    }
    (usage, explained)
}

/// The share of our own count that the server's has to reach, in percent: no tokenizer in use gets by with a quarter less.
const WHOLE_PERCENT: u64 = 75;
/// The same where an earlier answer is in the prompt, of which some chat templates leave out the thoughts.
const WHOLE_PERCENT_WITH_ANSWER: u64 = 60;
/// Differences below this are chat formats and rounding, tokens.
const SMALL: u64 = 100;
/// Few texts have more bytes than this per token; only those that seem to are counted.
const MOST_BYTES_PER_TOKEN: u64 = 5;

/// Whether a server cut the prompt before the model saw it, by what it counted.
pub(super) fn prompt_cut(reported: Reported, prompt: &Prompt<'_>) -> Option<PromptCut> {
    // Zero says nothing. What came from a cache is left out by some servers.
    let told = reported.input.filter(|input| *input > 0)?.max(reported.cached.unwrap_or_default());
    if prompt.bytes <= told.saturating_mul(MOST_BYTES_PER_TOKEN) {
        return None;
    }
    let sent = prompt.tokens();
    let whole = if prompt.has_answer { WHOLE_PERCENT_WITH_ANSWER } else { WHOLE_PERCENT };
    let cut = told.saturating_mul(100) < sent.saturating_mul(whole) && sent - told >= SMALL;
    cut.then_some(PromptCut { reported: told, sent })
}

/// Whether an answer went up to a limit of tokens: the cap that was sent, the most that the model gives, or its window.
/// Some servers say `stop` all the same.
pub(super) fn reached_a_limit(reported: Reported, caps: [Option<u64>; 2], window: Option<u64>) -> bool {
    let Some(output) = reported.output.filter(|output| *output > 0) else { return false };
    let all = reported.usage().output;
    // Some count the token that ends an answer, others do not.
    let at = |limit: u64, count: u64| count.abs_diff(limit) <= 1;
    caps.into_iter().flatten().any(|cap| at(cap, output) || at(cap, all))
        || window.zip(reported.input).is_some_and(|(window, input)| at(window, input.saturating_add(output)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usage(value: Value) -> Option<(u64, u64, u64, u64, bool)> {
        let usage = Reported::read(&value)?.usage();
        Some((usage.input, usage.cached, usage.output, usage.reasoning, usage.at_least))
    }

    #[test]
    fn what_can_be_true_is_believed_and_the_rest_is_a_lower_bound() {
        let cases = [
            (
                "OpenAI",
                json!({"prompt_tokens": 12, "completion_tokens": 7.0, "total_tokens": 19, "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": null}),
                (12, 8, 7, 0, false),
            ),
            ("text", json!({"prompt_tokens": "12", "completion_tokens": "7"}), (12, 0, 7, 0, false)),
            (
                "other names",
                json!({"input_tokens": 12, "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 3}}),
                (12, 0, 7, 3, false),
            ),
            (
                "DeepSeek",
                json!({"prompt_tokens": 12, "completion_tokens": 7, "prompt_cache_hit_tokens": 5}),
                (12, 5, 7, 0, false),
            ),
            (
                "a total that is too small",
                json!({"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 0}),
                (12, 0, 7, 0, false),
            ),
            ("only the prompt", json!({"prompt_tokens": 12}), (12, 0, 0, 0, true)),
            ("only the answer", json!({"completion_tokens": 7}), (0, 0, 7, 0, true)),
            ("only a total", json!({"total_tokens": 19}), (0, 0, 19, 0, true)),
            ("prompt and total", json!({"prompt_tokens": 12, "total_tokens": 19}), (12, 0, 7, 0, true)),
            (
                "thinking in the total",
                json!({"prompt_tokens": 900, "completion_tokens": 1100, "total_tokens": 11000}),
                (900, 0, 10_100, 0, true),
            ),
            (
                "thinking left out",
                json!({"prompt_tokens": 900, "completion_tokens": 1100, "completion_tokens_details": {"reasoning_tokens": 9000}}),
                (900, 0, 10_100, 9_000, true),
            ),
            (
                "both",
                json!({"prompt_tokens": 900, "completion_tokens": 1100, "total_tokens": 11000, "completion_tokens_details": {"reasoning_tokens": 9000}}),
                (900, 0, 10_100, 9_000, true),
            ),
            (
                "the cache left out",
                json!({"prompt_tokens": 10, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 90}}),
                (100, 90, 7, 0, true),
            ),
            ("negative", json!({"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6}), (0, 0, 0, 0, true)),
            ("absurd", json!({"prompt_tokens": 12, "completion_tokens": 9e18}), (12, 0, 0, 0, true)),
            (
                "absurd thinking",
                json!({"prompt_tokens": 12, "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 1e300}}),
                (12, 0, 7, 0, true),
            ),
        ];
        for (name, value, expected) in cases {
            assert_eq!(usage(value), Some(expected), "{name}");
        }
        for none in [json!(null), json!({}), json!({"prompt_tokens": "many"}), json!(3), json!([1])] {
            assert_eq!(usage(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn running_totals_only_grow() {
        let read = |value| Reported::read(&value).unwrap();
        let pieces = [
            json!({"prompt_tokens": 12}),
            json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}),
            json!({"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}),
            json!({"prompt_tokens": 0, "completion_tokens": 0}),
        ];
        let all = pieces.into_iter().map(read).reduce(Reported::and).unwrap();
        assert_eq!(all.usage(), Usage { input: 12, cached: 0, output: 7, reasoning: 0, at_least: false });
    }

    fn request(text: &str) -> Box<RawValue> {
        serde_json::value::to_raw_value(&json!({"messages": [{"role": "user", "content": text}]})).unwrap()
    }

    fn prompt<'a>(text: &str, request: &'a RawValue) -> Prompt<'a> {
        Prompt::new(text.len() as u64, false, request, Tokenizer::default())
    }

    fn counts(input: u64, output: u64, reasoning: u64) -> Reported {
        let some = |count: u64| Some(count);
        Reported { input: some(input), output: some(output), reasoning: some(reasoning), ..Reported::default() }
    }

    #[test]
    fn a_count_too_small_for_the_text_is_replaced_by_ours() {
        let tokenizer = Tokenizer::default();
        let answer = "The shelf can be read and written. ".repeat(100);
        let counted = tokenizer.count(&answer) as u64;
        let empty = request("");
        let of = |output, reasoning| {
            let (usage, explained) = credible(counts(9, output, reasoning), &prompt("", &empty), &answer);
            (usage.output, usage.at_least, explained)
        };
        assert_eq!(of(counted, 0), (counted, false, true));
        // Another tokenizer may need fewer.
        assert_eq!(of(counted * 7 / 10, 0), (counted * 7 / 10, false, true));
        assert_eq!(of(counted / 3, 0), (counted, true, false));
        assert_eq!(of(0, 0), (counted, true, false));
        // Most of what is told was thought, and what is left is too little.
        assert_eq!(of(counted, counted - 1), (counted + counted - 1, true, false));
        assert_eq!(of(9 * counted, 0), (9 * counted, false, true));
        // The server's own numbers explain this one.
        assert_eq!(of(counted, 9 * counted), (10 * counted, true, true));
        let none = credible(counts(0, 0, 0), &prompt("", &empty), "");
        assert_eq!(none, (Usage::default(), true));
        let sent = request("hello world");
        let (usage, explained) = credible(counts(0, 9, 0), &prompt("hello world", &sent), "");
        assert_eq!((usage.input, usage.at_least, explained), (2, true, false));
    }

    #[test]
    fn a_prompt_that_was_cut_is_told_by_its_count() {
        let text = "Each shelf knows what lies on it, and for how long. ".repeat(100);
        let request = request(&text);
        let sent = Tokenizer::default().count(&text) as u64;
        let of = |reported| prompt_cut(counts(reported, 5, 0), &prompt(&text, &request));
        assert_eq!(of(sent / 2), Some(PromptCut { reported: sent / 2, sent }));
        assert_eq!(of(sent * 7 / 10), Some(PromptCut { reported: sent * 7 / 10, sent }));
        for whole in [0, sent * 9 / 10, sent, 2 * sent] {
            assert_eq!(of(whole), None, "{whole} of {sent}");
        }
        let cached = Reported { cached: Some(sent - 7), ..counts(7, 5, 0) };
        assert_eq!(prompt_cut(cached, &prompt(&text, &request)), None);
        let repaired = Prompt { has_answer: true, ..prompt(&text, &request) };
        assert_eq!(prompt_cut(counts(sent * 7 / 10, 5, 0), &repaired), None);
        assert!(prompt_cut(counts(sent / 2, 5, 0), &repaired).is_some());
        let few = self::request("a short prompt of some words");
        assert_eq!(prompt_cut(counts(1, 5, 0), &prompt("a short prompt of some words", &few)), None);
    }

    #[test]
    fn a_limit_that_was_reached_is_seen() {
        let reached = |input, output, total| {
            let reported = Reported { total: Some(total), ..counts(input, output, 0) };
            reached_a_limit(reported, [Some(1_000), Some(500)], Some(4_096))
        };
        for (input, output, total, expected) in [
            (100, 1_000, 1_100, true),
            (100, 999, 1_099, true),
            (100, 500, 600, true),
            (3_396, 700, 4_096, true),
            (100, 700, 800, false),
            // What was thought is in the total alone.
            (100, 300, 1_100, true),
            // A server that does not keep to the cap was not stopped by it.
            (100, 1_100, 1_200, false),
            (100, 0, 100, false),
        ] {
            assert_eq!(reached(input, output, total), expected, "{input} {output} {total}");
        }
        assert!(!reached_a_limit(Reported::default(), [Some(0), None], Some(0)));
    }
}
