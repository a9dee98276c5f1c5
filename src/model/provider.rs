//! What providers say about a failure, in body and headers, in their many forms. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

/// The most characters of a provider's own words that are shown.
const MAX_CHARS: usize = 300;

/// The longest pause that is told apart from longer ones. What is added to such a time must not overflow.
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What a provider says about a failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ProviderError {
    /// Its words; empty where it gave none.
    pub(super) message: String,
    /// `code` and `type`, lower case, in one text with blanks between: providers disagree on which says what.
    pub(super) codes: String,
    /// The parameter that it complains of.
    pub(super) param: Option<String>,
    /// A status inside of the body.
    pub(super) status: Option<u16>,
}

impl ProviderError {
    /// From the body of a response.
    pub(super) fn from_body(body: &str) -> Self {
        match serde_json::from_str::<Value>(body.trim()) {
            Ok(value) => Self::from_value(value.get("error").filter(|error| !error.is_null()).unwrap_or(&value)),
            // A web page or a broken object tells a person nothing; a line of plain text does.
            Err(_) if body.trim_start().starts_with(['<', '{', '[']) => Self::default(),
            Err(_) => Self { message: clean(body), ..Self::default() },
        }
    }

    /// From the value of an `error` field.
    pub(super) fn from_value(error: &Value) -> Self {
        match error {
            Value::String(text) => Self::from_text(text),
            Value::Array(list) => {
                list.first().map(|first| Self::from_value(first.get("error").unwrap_or(first))).unwrap_or_default()
            }
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str);
                let message = ["message", "detail", "msg", "error"].into_iter().find_map(text).unwrap_or_default();
                let mut this = Self::from_text(message);
                for name in ["code", "type"] {
                    if let Some(code) = text(name) {
                        this.codes.push_str(&code.to_lowercase());
                        this.codes.push(' ');
                    }
                }
                let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
                this.status = fields
                    .get("code")
                    .and_then(number)
                    .and_then(|code| u16::try_from(code).ok())
                    .filter(|code| (400..600).contains(code));
                this.param = text("param").map(clean);
                this
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::default(),
        }
    }

    fn from_text(text: &str) -> Self {
        if text.trim_start().starts_with(['{', '[']) {
            // A gateway that wraps another's error as text.
            return Self::from_body(text);
        }
        let mut this = Self { message: clean(text), ..Self::default() };
        // One word with an underscore is a code, not a sentence.
        if !text.contains(char::is_whitespace) && text.contains('_') {
            this.codes = text.to_lowercase();
        }
        this
    }

    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        words.iter().any(|word| self.codes.contains(word) || message.contains(word))
    }

    /// Whether it is about money, which no repeat brings back.
    pub(super) fn is_about_money(&self) -> bool {
        const CODES: [&str; 7] = [
            "insufficient_quota",
            "credit_balance",
            "billing_hard_limit",
            "billing_not_active",
            "insufficient_credits",
            "spend_limit",
            "spending_limit",
        ];
        CODES.iter().any(|code| self.codes.contains(code))
            || self.says(&[
                "exceeded your current quota",
                "credit balance",
                "insufficient credits",
                "insufficient balance",
                "spend limit",
            ])
    }

    pub(super) fn is_about_context(&self) -> bool {
        self.says(&[
            "context_length_exceeded",
            "context length",
            "context window",
            "context size",
            "prompt is too long",
        ])
    }

    pub(super) fn is_about_a_parameter(&self) -> bool {
        self.says(&[
            "unsupported_parameter",
            "unsupported_value",
            "unknown_parameter",
            "unsupported parameter",
            "unrecognized request argument",
            "extra inputs are not permitted",
        ])
    }

    /// Whether there is no such model, whatever the status.
    pub(super) fn names_no_model(&self) -> bool {
        ["model_not_found", "model_not_exist", "unknown_model", "invalid_model"]
            .iter()
            .any(|code| self.codes.contains(code))
    }

    /// Whether it may be about the model's name.
    pub(super) fn is_about_the_model(&self) -> bool {
        self.says(&["model_not_found", "deploymentnotfound", "model"])
    }
}

/// What response headers say about repeating.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RetryHints {
    /// `x-should-retry`.
    pub(super) should: Option<bool>,
    /// `retry-after-ms`, or else `retry-after`.
    pub(super) after: Option<Duration>,
}

impl RetryHints {
    /// Reads the headers kept on the tape. `now` is what a date in `retry-after` is compared with.
    pub(super) fn read(headers: &BTreeMap<String, String>, now: Timestamp) -> Self {
        let get = |name: &str| headers.get(name).map(|value| value.trim());
        let should = match get("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) | None => None,
        };
        let after = get("retry-after-ms")
            .and_then(|text| positive(text, 1e-3))
            .or_else(|| get("retry-after").and_then(|text| positive(text, 1.0).or_else(|| until(text, now))));
        Self { should, after }
    }
}

/// A number of units, as a time; `None` where it is none.
fn positive(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    Some(Duration::try_from_secs_f64(number * unit).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

/// An HTTP date (RFC 9110, 5.6.7), as the time from `now`; zero where it has passed.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default().min(LONGEST_PAUSE))
}

/// Without control characters, blanks in a row made one, and short.
pub(super) fn clean(text: &str) -> String {
    let mut short = String::new();
    let mut count = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if count > 0 {
            short.push(' ');
            count += 1;
        }
        for c in word.chars() {
            if count >= MAX_CHARS {
                short.push('…');
                return short;
            }
            short.push(c);
            count += 1;
        }
    }
    short
}
