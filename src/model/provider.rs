//! What providers say about a failure, in body and headers, in their many forms. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::size::Sizes;

/// The most characters of a provider's own words that are shown.
const MAX_CHARS: usize = 300;
/// The most errors of a list that are shown.
const MOST_OF_A_LIST: usize = 3;
/// A `code` or `type` is no longer than this; a longer one is a sentence.
const LONGEST_CODE: usize = 100;
/// Where servers put their words, the most telling first: OAuth, OpenAI and most, AWS, FastAPI, Chinese gateways,
/// Cloudflare, RFC 9457.
const MESSAGE_FIELDS: [&str; 10] = [
    "error_description",
    "message",
    "Message",
    "detail",
    "msg",
    "error",
    "errors",
    "error_message",
    "errorMessage",
    "title",
];

/// The longest pause that is told apart from longer ones. What is added to such a time must not overflow.
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How deep errors are looked for in each other: gateways wrap what another gateway wrapped.
const DEEPEST: usize = 8;
/// The most characters of a provider's words that are looked at.
const MAX_TEXT: usize = 8_000;

/// Codes and words of refusals of size.
const TOO_LARGE: [&str; 6] = [
    "request too large",
    "request_too_large",
    "request entity too large",
    "payload too large",
    "string_above_max_length",
    "exceeds the maximum number of tokens",
];
const CONTEXT: [&str; 11] = [
    "context_length_exceeded",
    "exceed_context_size",
    "context length",
    "context window",
    "context size",
    "context limit",
    "maximum context",
    "maximum prompt length",
    "`max_new_tokens` must be",
    "prompt is too long",
    "input is too long",
];
/// llama.cpp; Hugging Face; TGI and others in front of vLLM.
const LOADING: [&str; 5] =
    ["loading model", "model is loading", "is currently loading", "model is still loading", "model_loading"];
/// OpenAI and what follows it, Gemini, Anthropic.
const KEY: [&str; 5] =
    ["invalid_api_key", "incorrect api key", "api key not valid", "api_key_invalid", "authentication_error"];
/// OpenAI, DeepSeek, Azure, vLLM and Ollama, litellm, SiliconFlow.
const NO_MODEL: [&str; 9] = [
    "model_not_found",
    "model_not_exist",
    "unknown_model",
    "invalid_model",
    "unknown model",
    "no such model",
    "model does not exist",
    "invalid model name",
    "model not exist",
];

/// What a provider says about a failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ProviderError {
    /// Its words; empty where it gave none.
    pub(super) message: String,
    /// The same words, lower case and not shortened, for what is looked up in them.
    text: String,
    /// `code`, `type` and `status`, lower case, in one text with blanks between: providers disagree on which says what.
    pub(super) codes: String,
    /// The parameter that it complains of.
    pub(super) param: Option<String>,
    /// A status inside of the body.
    pub(super) status: Option<u16>,
}

impl ProviderError {
    /// From the body of a response.
    pub(super) fn from_body(body: &str) -> Self {
        Self::of_text(body, 0)
    }

    /// From the value of an `error` field, or from a whole body.
    pub(super) fn from_value(error: &Value) -> Self {
        Self::of_value(error, 0)
    }

    /// Whether there is nothing in it that a person could read.
    pub(super) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    fn of_value(error: &Value, depth: usize) -> Self {
        match error {
            _ if depth > DEEPEST => Self::default(),
            Value::String(text) => Self::of_text(text, depth),
            // One error per faulty field, or a list of one.
            Value::Array(list) => {
                let mut all = list.iter().map(|each| Self::of_value(each, depth + 1)).filter(|each| !each.is_silent());
                let Some(mut first) = all.next() else { return Self::default() };
                for other in all.take(MOST_OF_A_LIST - 1) {
                    first.message = clean(&format!("{}; {}", first.message, other.message));
                    first.text.push_str(&format!("; {}", other.text));
                }
                first
            }
            Value::Object(fields) => Self::of_fields(fields, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::default(),
        }
    }

    fn of_fields(fields: &Map<String, Value>, depth: usize) -> Self {
        // A gateway's own words say less than those of the provider behind it.
        let inner = fields.get("metadata").and_then(|metadata| metadata.get("raw"));
        let nested = fields.get("error").filter(|error| error.is_object() || error.is_array());
        let named = MESSAGE_FIELDS.iter().filter_map(|name| fields.get(*name));
        let mut errors = inner.into_iter().chain(nested).chain(named).map(|value| Self::of_value(value, depth + 1));
        let mut this = errors.find(|error| !error.is_silent()).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        for name in ["code", "type", "status", "error"] {
            let code = text(name).filter(|code| !code.contains(char::is_whitespace) && code.len() < LONGEST_CODE);
            if let Some(code) = code {
                this.codes.push_str(&code.to_lowercase());
                this.codes.push(' ');
            }
        }
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let statuses = ["code", "statusCode", "status"].iter().filter_map(|name| fields.get(*name).and_then(number));
        let mut statuses = statuses.filter_map(|code| u16::try_from(code).ok());
        this.status = this.status.or_else(|| statuses.find(|code| (400..600).contains(code)));
        // FastAPI names the place in the request: `["body", "stream_options"]`.
        let place = fields.get("loc").and_then(Value::as_array);
        let place: Vec<String> = place.into_iter().flatten().filter_map(place_part).collect();
        this.param = this.param.or_else(|| text("param").map(clean)).or_else(|| place.first().map(|part| clean(part)));
        if !place.is_empty() && !this.is_silent() {
            this.message = clean(&format!("{} ({})", this.message, place.join(".")));
        }
        this
    }

    fn of_text(text: &str, depth: usize) -> Self {
        let text = text.trim();
        if depth > DEEPEST {
            return Self::default();
        }
        if let Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) = serde_json::from_str::<Value>(text)
        {
            return Self::of_value(&value, depth + 1);
        }
        if text.starts_with('<') {
            return Self::plain(html_title(text).unwrap_or_default());
        }
        // Another's error as text, behind some words of the gateway's.
        if let Some(start) = text.find(['{', '[']) {
            let end = text.rfind(['}', ']']).map_or(text.len(), |end| end + 1);
            if let Some(Ok(value)) = text.get(start..end).map(serde_json::from_str::<Value>) {
                let inner = Self::of_value(&value, depth + 1);
                if !inner.is_silent() {
                    return inner;
                }
            }
        }
        if text.starts_with(['{', '[']) {
            // A broken object tells a person nothing; a line of plain text does.
            return Self::default();
        }
        Self::plain(text)
    }

    fn plain(text: &str) -> Self {
        let mut this = Self {
            message: clean(text),
            text: text.chars().take(MAX_TEXT).collect::<String>().to_lowercase(),
            ..Self::default()
        };
        // One word with an underscore is a code, not a sentence.
        if !text.contains(char::is_whitespace) && text.contains('_') {
            this.codes = text.to_lowercase();
            this.codes.push(' ');
        }
        this
    }

    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.codes.contains(word) || self.text.contains(word))
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

    /// Whether the request is larger than the model or a limit can ever take.
    pub(super) fn is_about_size(&self) -> bool {
        let sizes = self.sizes();
        sizes.is_beyond_a_minute() || sizes.largest_cap.is_some() || self.is_about_context() || self.says(&TOO_LARGE)
    }

    pub(super) fn is_about_context(&self) -> bool {
        self.says(&CONTEXT)
    }

    /// The numbers in its words.
    pub(super) fn sizes(&self) -> Sizes {
        Sizes::read(&self.text)
    }

    /// Whether the server is there, but not yet its model.
    pub(super) fn is_loading(&self) -> bool {
        self.says(&LOADING)
    }

    /// Whether the key is refused, whatever the status.
    pub(super) fn is_about_the_key(&self) -> bool {
        self.says(&KEY)
    }

    /// Its words without what differs from one request to the next: numbers and ids.
    pub(super) fn kind(&self) -> String {
        let words = self.text.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
        words.collect::<Vec<_>>().join(" ")
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
        self.says(&NO_MODEL)
    }

    /// Whether it may be about the model's name.
    pub(super) fn is_about_the_model(&self) -> bool {
        self.says(&["model_not_found", "deploymentnotfound", "model"])
    }
}

/// A part of the place in a request that FastAPI names, but for `body`, where all of it is.
fn place_part(part: &Value) -> Option<String> {
    match part {
        Value::String(name) if name == "body" => None,
        Value::String(name) => Some(name.clone()),
        Value::Number(index) => Some(index.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The title of a web page.
fn html_title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    page.get(start..end)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_server_are_found_in_every_shape() {
        let cases = [
            (
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
                "Extra inputs are not permitted (stream_options)",
            ),
            (r#"{"detail":"Model foo is not served here"}"#, "Model foo is not served here"),
            (r#"{"error":"model 'q:32b' not found"}"#, "model 'q:32b' not found"),
            (r#"[{"error":{"code":400,"message":"API key not valid."}}]"#, "API key not valid."),
            (
                r#"{"object":"error","message":{"detail":[{"loc":["body","a"],"msg":"no"},{"loc":["body","b",0],"msg":"never"}]}}"#,
                "no (a); never (b.0)",
            ),
            (r#"{"statusCode":401,"message":"Access denied"}"#, "Access denied"),
            (r#"{"error":{"message":"{\"error\":{\"message\":\"wait 2 seconds\"}}"}}"#, "wait 2 seconds"),
            (r#"{"error":{"message":"litellm.BadRequestError: {\"error\":{\"message\":\"inner\"}}"}}"#, "inner"),
            (r#""{\"error\":{\"message\":\"twice\"}}""#, "twice"),
            (r#"{"Message":"not authorized"}"#, "not authorized"),
            (r#"{"errors":[{"code":7003,"message":"No route"}],"success":false}"#, "No route"),
            (
                r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"too hot\"}}"}}}"#,
                "too hot",
            ),
            (r#"{"error":{"message":"Provider returned error","metadata":{"raw":"plain words"}}}"#, "plain words"),
            (r#"{"error":{"message":"Provider returned error","metadata":{"raw":{}}}}"#, "Provider returned error"),
            ("temperature must be 1", "temperature must be 1"),
            ("<html><head><TITLE>Attention Required! | Proxy</TITLE></head></html>", "Attention Required! | Proxy"),
            ("<html><body>no title</body></html>", ""),
            (r#"{"error":"invalid_token","error_description":"The token has expired"}"#, "The token has expired"),
            (r#"{"code":20012,"msg":"Model does not exist","data":null}"#, "Model does not exist"),
            ("{\"broken\":", ""),
            ("{}", ""),
            ("[]", ""),
            ("null", "null"),
        ];
        for (body, message) in cases {
            assert_eq!(ProviderError::from_body(body).message, message, "{body}");
        }
        // However deep, it ends.
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(ProviderError::from_body(&deep).message, "");
    }

    #[test]
    fn an_error_is_classified_wherever_it_stands() {
        for body in [
            r#"{"error":{"message":"maximum context length is 8192 tokens"}}"#,
            r#"{"error":{"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"maximum context length is 8192 tokens\"}}"}}}"#,
            r#"{"detail":[{"msg":"maximum context length is 8192 tokens","loc":["body","messages"]}]}"#,
            r#"[{"error":{"message":"maximum context length is 8192 tokens"}}]"#,
        ] {
            let error = ProviderError::from_body(body);
            assert!(error.is_about_size() && error.sizes().window == Some(8_192), "{body}");
        }
        let loading = ProviderError::from_body(r#"{"error":{"code":503,"message":"Loading model"}}"#);
        assert!(loading.is_loading() && loading.status == Some(503));
        let money = ProviderError::from_body(r#"{"message":{"error":{"code":"insufficient_quota","message":"no"}}}"#);
        assert!(money.is_about_money());
        let kinds = ["request 17 refused, id ab3", "request 18 refused, id cd4"];
        let [first, second] = kinds.map(|text| ProviderError::from_body(text).kind());
        assert_eq!(first, second, "numbers and ids make no other kind");
    }
}
