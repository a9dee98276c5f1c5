//! What can go wrong with a request, whether it is worth sending again, and how to say it. Pure.
//!
//! The statuses and headers are those of OpenAI's SDKs: 408, 409, 429 and 5xx are sent again, `x-should-retry` overrides
//! the status, `retry-after-ms` is read before `retry-after`.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::time::Duration;

use super::{
    Retry, Scope,
    provider::{ProviderError, RetryHints, clean},
    size::{SMALLEST_CAP, Sizes},
};

/// One request that failed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// No connection: the name is unknown, nobody listens, TLS failed.
    Unreachable {
        /// The innermost cause.
        cause: String,
    },
    /// Nothing came for too long.
    Silent {
        /// How long was waited.
        waited: Duration,
    },
    /// The answer broke off.
    Cut {
        /// The innermost cause, where the transport gave one.
        cause: Option<String>,
    },
    /// An answer with a status other than 2xx.
    Status {
        /// The status.
        status: u16,
        /// What the headers say about repeating.
        hints: RetryHints,
        /// What the body says.
        error: ProviderError,
    },
    /// An error event inside of a stream that began well.
    InStream(ProviderError),
    /// A stream that is not the JSON it should be.
    Garbled,
    /// A success without a body, or with nothing but white space in it.
    Empty {
        /// The status.
        status: u16,
    },
    /// A web page instead of an answer.
    WebPage,
    /// A compressed body, which was not asked for and is not unpacked: a small one can hold a huge one.
    Encoded {
        /// What the server calls it.
        encoding: String,
    },
    /// Something else than an answer.
    Foreign {
        /// What the server calls it, where it says.
        content_type: Option<String>,
    },
    /// An answer beyond all bounds.
    TooLarge {
        /// The bound, bytes.
        limit: usize,
    },
    /// The exchange could not be put on the tape.
    Tape {
        /// Why.
        cause: String,
    },
    /// The request is not on the tape that is replayed.
    NotOnTape {
        /// How it differs from the nearest, where that was looked for.
        difference: Option<String>,
    },
    /// The request could not be built.
    Request {
        /// Why.
        cause: String,
    },
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it again, not before this time where the server asked for one.
    Repeat {
        /// What the server asked for.
        after: Option<Duration>,
        /// How far the failure reaches once no repeat is left.
        scope: Scope,
    },
    /// Give up.
    Final(Scope),
}

impl Failure {
    /// Whether it is worth sending again.
    pub(super) fn judge(&self, retry: &Retry) -> Verdict {
        const AGAIN: Verdict = Verdict::Repeat { after: None, scope: Scope::Call };
        match self {
            // A certificate does not get better by waiting.
            Self::Unreachable { cause } if is_about_a_certificate(cause) => Verdict::Final(Scope::Run),
            // When nobody answers several times in a row, nobody answers the other calls either.
            Self::Unreachable { .. } => Verdict::Repeat { after: None, scope: Scope::Run },
            Self::Silent { .. } | Self::Cut { .. } | Self::Garbled => AGAIN,
            // 204 is what the server means to say; a 200 without a body is a gateway in trouble.
            Self::Empty { status: 204 } => Verdict::Final(Scope::Call),
            Self::Encoded { .. } | Self::Foreign { .. } | Self::Empty { .. } => AGAIN,
            Self::Status { status, hints, error } => judge_status(*status, hints, error, retry),
            Self::InStream(error) => match error.status {
                Some(status) => judge_status(status, &RetryHints::default(), error, retry),
                None if error.is_about_money() || error.is_about_the_key() => Verdict::Final(Scope::Run),
                None if error.is_about_size() || error.codes.contains("invalid_request") => Verdict::Final(Scope::Call),
                // The request was accepted, so the trouble is the server's.
                None => AGAIN,
            },
            Self::Tape { .. } => Verdict::Final(Scope::Storage),
            Self::WebPage | Self::Request { .. } => Verdict::Final(Scope::Run),
            Self::TooLarge { .. } => Verdict::Final(Scope::Call),
            Self::NotOnTape { .. } => Verdict::Final(Scope::NotOnTape),
        }
    }

    /// Whether a limiter rejected it: the gate waits then, and the request is none the worse for it.
    pub(super) fn is_rejection(&self) -> bool {
        self.status() == Some(429)
    }

    /// Whether the server is there, but its model is still being loaded: the gate waits, as for a limiter.
    pub(super) fn is_loading(&self) -> bool {
        self.status() == Some(503) && self.provider().is_some_and(ProviderError::is_loading)
    }

    /// Whether the request is larger than can ever be taken.
    pub(super) fn is_about_size(&self) -> bool {
        self.status() == Some(413) || self.provider().is_some_and(ProviderError::is_about_size)
    }

    /// What the provider said.
    pub(super) fn provider(&self) -> Option<&ProviderError> {
        match self {
            Self::Status { error, .. } | Self::InStream(error) => Some(error),
            Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Cut { .. }
            | Self::Garbled
            | Self::Empty { .. }
            | Self::WebPage
            | Self::Encoded { .. }
            | Self::Foreign { .. }
            | Self::TooLarge { .. }
            | Self::Tape { .. }
            | Self::NotOnTape { .. }
            | Self::Request { .. } => None,
        }
    }

    /// Whether nobody listens at the address.
    pub(super) fn is_refused_connection(&self) -> bool {
        matches!(self, Self::Unreachable { cause } if has_number(cause, &REFUSED))
    }

    /// Whether the provider may have worked, and may want money for it, although there is no answer.
    pub(super) fn may_be_billed(&self) -> bool {
        match self {
            Self::Silent { .. }
            | Self::Cut { .. }
            | Self::InStream(_)
            | Self::Garbled
            | Self::TooLarge { .. }
            | Self::Tape { .. } => true,
            // A gateway that gave up may have asked the model all the same.
            Self::Status { status, .. } => matches!(status, 408 | 500..=599),
            Self::Empty { status } => *status != 204,
            Self::Unreachable { .. }
            | Self::Encoded { .. }
            | Self::Foreign { .. }
            | Self::WebPage
            | Self::NotOnTape { .. }
            | Self::Request { .. } => false,
        }
    }

    /// HTTP status, where there was an answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::Empty { status } => Some(*status),
            Self::InStream(error) => error.status,
            Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Cut { .. }
            | Self::Garbled
            | Self::WebPage
            | Self::Encoded { .. }
            | Self::Foreign { .. }
            | Self::TooLarge { .. }
            | Self::Tape { .. }
            | Self::NotOnTape { .. }
            | Self::Request { .. } => None,
        }
    }

    /// One sentence. `server` is the host's name.
    pub(super) fn message(&self, server: &str) -> String {
        match self {
            Self::Unreachable { cause } if is_about_open_files(cause) => {
                format!("no connection to {server} could be opened: {}", clean(cause))
            }
            Self::Unreachable { cause } => format!("{server} cannot be reached: {}", clean(cause)),
            Self::Silent { waited } => format!("{server} sent nothing for {} s", waited.as_secs_f64().ceil()),
            Self::Cut { cause: Some(cause) } if !is_broken_connection(cause) => {
                format!("the answer of {server} broke off: {}", clean(cause))
            }
            Self::Cut { .. } => format!("the connection to {server} broke before the answer had ended"),
            Self::Status { status, error, .. } => {
                let reason = http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
                let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                let words = if error.message.is_empty() { String::new() } else { format!(": {}", error.message) };
                format!("{server} answered {status}{reason}{words}")
            }
            Self::InStream(error) if error.message.is_empty() => {
                format!("{server} reported an error in the middle of its answer")
            }
            Self::InStream(error) => {
                format!("{server} reported an error in the middle of its answer: {}", error.message)
            }
            Self::Garbled => format!("the answer of {server} is not the JSON that it should be"),
            Self::Empty { status } => format!("{server} answered {status} with nothing in it"),
            Self::WebPage => format!("{server} answered with a web page, not as a model API"),
            Self::Encoded { encoding } => {
                format!("{server} sent a compressed answer ({}), which was not asked for", clean(encoding))
            }
            Self::Foreign { content_type: Some(kind) } => {
                format!("{server} sent something else than an answer ({})", clean(kind))
            }
            Self::Foreign { content_type: None } => format!("{server} sent something else than an answer"),
            Self::TooLarge { limit } => format!("the answer of {server} is larger than {limit} bytes"),
            Self::Tape { cause } => format!("the answer could not be written to the tape: {}", clean(cause)),
            Self::NotOnTape { .. } => "the request is not on the tape".to_owned(),
            Self::Request { cause } => format!("the request could not be built: {}", clean(cause)),
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self, model: &str) -> Option<String> {
        let hint = match self {
            Self::Unreachable { cause } if is_about_a_certificate(cause) => CERTIFICATE.to_owned(),
            Self::Unreachable { cause } if is_about_open_files(cause) => OPEN_FILES.to_owned(),
            Self::Unreachable { .. } => {
                "check the base URL, the proxy and the network; `planwave doctor` tests them".to_owned()
            }
            Self::Silent { .. } => {
                "the model may need longer: raise `timeouts.first_token_seconds` or `timeouts.idle_seconds`".to_owned()
            }
            Self::Status { status, error, hints } => return status_hint(*status, error, hints, model),
            Self::InStream(error) if error.is_about_size() => size_hint(error),
            Self::InStream(error) if error.is_about_the_key() => KEY.to_owned(),
            Self::InStream(error) if error.is_about_money() => MONEY.to_owned(),
            Self::WebPage => "the base URL usually ends in /v1".to_owned(),
            Self::Encoded { .. } => "switch off compression in the proxy or gateway in front of the model".to_owned(),
            Self::Foreign { .. } | Self::Empty { .. } => "check the base URL; `planwave doctor` tests it".to_owned(),
            Self::TooLarge { .. } => {
                "lower `model.max_output_tokens`: the answer was longer than the cap allows".to_owned()
            }
            Self::Tape { .. } => {
                "free some space or make the tape writable, then run the same command again: only what is missing is asked for"
                    .to_owned()
            }
            Self::NotOnTape { difference: Some(difference) } => difference.clone(),
            Self::NotOnTape { difference: None } => {
                "other requests of this run differ from the tape in the same way".to_owned()
            }
            Self::Cut { .. } => TROUBLE.to_owned(),
            Self::InStream(_) | Self::Garbled | Self::Request { .. } => return None,
        };
        Some(hint)
    }
}

/// Also said where requests failed in a row: in these words, so that one summary says it once.
pub(super) const TROUBLE: &str =
    "the provider or the network has trouble; run again later: only what is missing is asked for";
const MONEY: &str =
    "add credit or raise the limit with the provider; what is done stays done, and a later run goes on from there";
const CERTIFICATE: &str = "this system does not trust the server's certificate: check the base URL, or add the authority that issued it to the system's certificates (SSL_CERT_FILE names a file of others)";
const OPEN_FILES: &str =
    "raise the limit of open files (`ulimit -n`) or lower `--concurrency`, then run the same command again";
const CONTEXT: &str = "the prompt is too long for this model: lower the token budget of the shared part, or choose a model with a larger context";
const KEY: &str = "check the key: set OPENAI_API_KEY, or the command that prints it; `planwave doctor` tests it";

/// What to change about a request that is too large.
fn size_hint(error: &ProviderError) -> String {
    let sizes = error.sizes();
    match sizes {
        Sizes { per_minute: Some(limit), requested: Some(requested), .. } if requested > limit => format!(
            "lower `model.max_output_tokens`: the provider counts it with the prompt, {requested} tokens, and allows {limit} a minute"
        ),
        Sizes { largest_cap: Some(cap), .. } => format!("lower `model.max_output_tokens` to {cap}"),
        Sizes { window: Some(window), prompt: Some(prompt), .. } if prompt.saturating_add(SMALLEST_CAP) < window => {
            format!("lower `model.max_output_tokens` to less than {}", window - prompt)
        }
        Sizes { window: Some(_), prompt: Some(_), .. } | Sizes { longest_prompt: Some(_), .. } => CONTEXT.to_owned(),
        _ => format!(
            "lower `model.max_output_tokens`, where the prompt and the answer together are too much; otherwise {CONTEXT}"
        ),
    }
}

fn judge_status(status: u16, hints: &RetryHints, error: &ProviderError, retry: &Retry) -> Verdict {
    let repeat = Verdict::Repeat { after: hints.after, scope: Scope::Call };
    // Before the header: a provider that wants its money says "retry" now and then.
    if status == 402 || (matches!(status, 400 | 403 | 429) && error.is_about_money()) {
        return Verdict::Final(Scope::Run);
    }
    // No wait makes a request smaller.
    if matches!(status, 400 | 413 | 422 | 429) && error.is_about_size() {
        return Verdict::Final(Scope::Call);
    }
    let worth_it = hints.should.unwrap_or(matches!(status, 408 | 409 | 429 | 500..=599));
    if worth_it {
        return if hints.after.is_some_and(|after| after > retry.longest_wait) {
            Verdict::Final(Scope::Run)
        } else {
            repeat
        };
    }
    match status {
        400 | 422 if error.names_no_model() || error.is_about_the_key() => Verdict::Final(Scope::Run),
        401 | 403 | 404 | 405 | 407 => Verdict::Final(Scope::Run),
        // Redirects are not followed: the key would go with them.
        300..=399 => Verdict::Final(Scope::Run),
        _ => Verdict::Final(Scope::Call),
    }
}

fn status_hint(status: u16, error: &ProviderError, hints: &RetryHints, model: &str) -> Option<String> {
    if error.is_about_money() || status == 402 {
        return Some(MONEY.to_owned());
    }
    let hint = match status {
        300..=399 => {
            "redirects are not followed, since the key would go with them: set the base URL to the new place".to_owned()
        }
        401 => KEY.to_owned(),
        400 | 403 | 422 if error.is_about_the_key() => KEY.to_owned(),
        403 => "the key may not use this model or this server: check its project, region and permissions".to_owned(),
        400 | 404 | 422 if error.names_no_model() || (status == 404 && error.is_about_the_model()) => {
            format!("check the model's name ({}); `planwave doctor` lists what the server offers", clean(model))
        }
        404 | 405 => "check the base URL; it usually ends in /v1".to_owned(),
        400 | 413 | 422 | 429 if error.is_about_size() => size_hint(error),
        413 => size_hint(error),
        400 | 422 if error.is_about_a_parameter() => {
            let which = error.param.as_deref().map(|param| format!(" `{param}`")).unwrap_or_default();
            format!(
                "tell planwave that this model does not take the parameter{which}: `params` under [models.\"{}\"] in your models.toml",
                clean(model)
            )
        }
        429 => match hints.after {
            Some(after) => {
                format!("the provider asks to wait {}; run again then, or lower --concurrency", in_words(after))
            }
            None => "lower --concurrency, or run again later: only what is missing is asked for".to_owned(),
        },
        500..=599 => TROUBLE.to_owned(),
        _ => return None,
    };
    Some(hint)
}

/// Whether a transport's words are about a certificate: those of rustls.
fn is_about_a_certificate(cause: &str) -> bool {
    cause.contains("peer certificate")
}

/// Whether a transport's words say that this process may open no more connections: the system's number is in them.
fn is_about_open_files(cause: &str) -> bool {
    has_number(cause, if cfg!(windows) { &[10_024] } else { &[23, 24] })
}

/// ECONNREFUSED on Linux, the BSDs and macOS, and Windows.
const REFUSED: [u32; 3] = [111, 61, 10_061];

/// Whether a transport's words have one of these numbers of the system's.
fn has_number(cause: &str, numbers: &[u32]) -> bool {
    numbers.iter().any(|number| cause.contains(&format!("(os error {number})")))
}

/// Whether a transport's words say no more than that the connection ended: those of hyper, rustls and the system.
fn is_broken_connection(cause: &str) -> bool {
    const WORDS: [&str; 9] = [
        "end of file before message",
        "unexpected eof",
        "unexpected end of file",
        "before message completed",
        "close_notify",
        "connection reset",
        "connection closed",
        "connection was forcibly closed",
        "broken pipe",
    ];
    let cause = cause.to_ascii_lowercase();
    WORDS.iter().any(|words| cause.contains(words))
}

/// A wait, as a person would say it: `45 s`, `12 min`, `3 h 20 min`, `4 days`.
pub(super) fn in_words(wait: Duration) -> String {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    let minutes = seconds.div_ceil(60);
    match minutes {
        0..=2 => format!("{seconds} s"),
        3..=119 => format!("{minutes} min"),
        120..=2_879 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        120..=2_879 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes.div_ceil(24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_said_in_units_that_people_use() {
        for (seconds, words) in [
            (0.0, "0 s"),
            (0.2, "1 s"),
            (120.0, "120 s"),
            (120.5, "3 min"),
            (7_140.0, "119 min"),
            (7_200.0, "2 h"),
            (11_999.0, "3 h 20 min"),
            (172_740.0, "47 h 59 min"),
            (172_800.0, "2 days"),
            (200_000.0, "3 days"),
            (1e15, "11574074075 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs_f64(seconds)), words, "{seconds}");
        }
        assert!(in_words(Duration::MAX).ends_with(" days"));
    }

    #[test]
    fn a_broken_connection_is_told_in_plain_words() {
        for cause in [
            "unexpected EOF during chunk size line",
            "connection closed before message completed",
            "peer closed connection without sending TLS close_notify: https://docs.rs/rustls",
            "Connection reset by peer (os error 104)",
        ] {
            let failure = Failure::Cut { cause: Some(cause.to_owned()) };
            assert_eq!(failure.message("api.test"), "the connection to api.test broke before the answer had ended");
            assert!(failure.hint("m").is_some());
        }
        let other = Failure::Cut { cause: Some("invalid gzip header".to_owned()) };
        assert_eq!(other.message("api.test"), "the answer of api.test broke off: invalid gzip header");
    }

    fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let hints = RetryHints::read(&headers, "2026-11-01T00:00:00Z".parse().unwrap());
        Failure::Status { status, hints, error: ProviderError::from_body(body) }
    }

    fn repeat(after_ms: Option<u64>) -> Verdict {
        Verdict::Repeat { after: after_ms.map(Duration::from_millis), scope: Scope::Call }
    }

    #[test]
    fn verdicts() {
        let money = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        let anthropic = r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
        let too_large = r#"{"error":{"message":"Rate limit reached on tokens per min (TPM): Limit 6000, Requested 34850.","type":"tokens","code":"rate_limit_exceeded"}}"#;
        let unsupported = r#"{"error":{"message":"Unsupported parameter: 'temperature'","code":"unsupported_parameter","param":"temperature"}}"#;
        let cases: Vec<(Failure, Verdict)> = vec![
            (status(408, &[], ""), repeat(None)),
            (status(409, &[], ""), repeat(None)),
            (status(429, &[], "{}"), repeat(None)),
            (status(500, &[], "<html>"), repeat(None)),
            (status(529, &[], ""), repeat(None)),
            (status(429, &[("retry-after-ms", "250"), ("retry-after", "9")], ""), repeat(Some(250))),
            (status(429, &[("retry-after-ms", "soon"), ("retry-after", "1.5")], ""), repeat(Some(1500))),
            (status(503, &[("retry-after", "Sun, 01 Nov 2026 00:00:20 GMT")], ""), repeat(Some(20_000))),
            (status(503, &[("retry-after", "Sun, 01 Nov 2020 00:00:20 GMT")], ""), repeat(Some(0))),
            (status(503, &[("retry-after", "-1")], ""), repeat(None)),
            (status(429, &[("retry-after", "3600")], ""), Verdict::Final(Scope::Run)),
            (status(429, &[("retry-after", "18000000000000000000")], ""), Verdict::Final(Scope::Run)),
            (status(429, &[("retry-after-ms", "1e308")], ""), Verdict::Final(Scope::Run)),
            (status(429, &[("retry-after", "inf")], ""), repeat(None)),
            (status(500, &[("x-should-retry", "false")], ""), Verdict::Final(Scope::Call)),
            (status(400, &[("x-should-retry", "true")], ""), repeat(None)),
            (status(429, &[("x-should-retry", "true")], money), Verdict::Final(Scope::Run)),
            (status(400, &[], anthropic), Verdict::Final(Scope::Run)),
            (status(402, &[], ""), Verdict::Final(Scope::Run)),
            (status(429, &[], too_large), Verdict::Final(Scope::Call)),
            (status(429, &[("x-should-retry", "true")], too_large), Verdict::Final(Scope::Call)),
            (status(413, &[], ""), Verdict::Final(Scope::Call)),
            (status(429, &[], &too_large.replace("34850", "400")), repeat(None)),
            (status(400, &[], r#"[{"error":{"message":"API key not valid."}}]"#), Verdict::Final(Scope::Run)),
            (Failure::InStream(ProviderError::from_body(too_large)), Verdict::Final(Scope::Call)),
            (status(401, &[], ""), Verdict::Final(Scope::Run)),
            (status(403, &[], ""), Verdict::Final(Scope::Run)),
            (status(404, &[], ""), Verdict::Final(Scope::Run)),
            (status(302, &[], ""), Verdict::Final(Scope::Run)),
            (status(400, &[], unsupported), Verdict::Final(Scope::Call)),
            (status(422, &[], ""), Verdict::Final(Scope::Call)),
            (Failure::InStream(ProviderError::from_body(money)), Verdict::Final(Scope::Run)),
            (Failure::InStream(ProviderError::from_body(r#"{"error":{"message":"overloaded"}}"#)), repeat(None)),
            (
                Failure::InStream(ProviderError::from_body(r#"{"error":{"code":400,"message":"bad"}}"#)),
                Verdict::Final(Scope::Call),
            ),
            (Failure::Cut { cause: None }, repeat(None)),
            (
                Failure::Unreachable { cause: "Connection refused".to_owned() },
                Verdict::Repeat { after: None, scope: Scope::Run },
            ),
            (
                Failure::Unreachable { cause: "invalid peer certificate: UnknownIssuer".to_owned() },
                Verdict::Final(Scope::Run),
            ),
            (Failure::NotOnTape { difference: None }, Verdict::Final(Scope::NotOnTape)),
        ];
        for (failure, verdict) in cases {
            assert_eq!(failure.judge(&Retry::default()), verdict, "{failure:?}");
        }
    }

    #[test]
    fn a_message_is_one_clean_sentence() {
        let long = "word ".repeat(200);
        let cases = [
            (
                500,
                "<html><body>Bad gateway</body></html>".to_owned(),
                "s answered 500 (Internal Server Error)".to_owned(),
            ),
            (
                500,
                "upstream\r\n\u{1b}[31mfailed".to_owned(),
                "s answered 500 (Internal Server Error): upstream [31mfailed".to_owned(),
            ),
            (
                400,
                r#"{"error":{"message":"{\"error\":{\"message\":\"inner\"}}"}}"#.to_owned(),
                "s answered 400 (Bad Request): inner".to_owned(),
            ),
            (
                404,
                r#"{"error":"model \"x\" not found, try pulling it first"}"#.to_owned(),
                "s answered 404 (Not Found): model \"x\" not found, try pulling it first".to_owned(),
            ),
            (
                404,
                r#"[{"error":{"code":404,"message":"gone"}}]"#.to_owned(),
                "s answered 404 (Not Found): gone".to_owned(),
            ),
            (
                422,
                r#"{"detail":"bad field"}"#.to_owned(),
                "s answered 422 (Unprocessable Entity): bad field".to_owned(),
            ),
            (400, r#"{"unknown":{"shape":1}}"#.to_owned(), "s answered 400 (Bad Request)".to_owned()),
            (
                499,
                long,
                format!(
                    "s answered 499: {}…",
                    "word ".repeat(60).trim_end().chars().chain(" ".chars()).take(300).collect::<String>()
                ),
            ),
        ];
        for (code, body, message) in cases {
            assert_eq!(status(code, &[], &body).message("s"), message);
        }
    }

    #[test]
    fn hints_say_what_to_do() {
        let cases = [
            (status(401, &[], ""), "OPENAI_API_KEY"),
            (
                status(404, &[], r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#),
                "model's name (gpt-x)",
            ),
            (status(404, &[], ""), "ends in /v1"),
            (
                status(400, &[], r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#),
                "larger context",
            ),
            (
                status(400, &[], r#"{"error":{"message":"no","code":"unsupported_parameter","param":"max_tokens"}}"#),
                "parameter `max_tokens`: `params` under [models.\"gpt-x\"] in your models.toml",
            ),
            (status(429, &[("retry-after", "600")], ""), "wait 10 min"),
            (status(413, &[], ""), "lower `model.max_output_tokens`"),
            (
                status(429, &[], "Request too large on tokens per min (TPM): Limit 6000, Requested 34850."),
                "lower `model.max_output_tokens`: the provider counts it with the prompt, 34850 tokens, and allows 6000 a minute",
            ),
            (
                status(400, &[], "This model supports at most 16384 completion tokens"),
                "`model.max_output_tokens` to 16384",
            ),
            (
                status(400, &[], "maximum context length is 16384 tokens and your request has 878 input tokens"),
                "lower `model.max_output_tokens` to less than 15506",
            ),
            (status(429, &[], r#"{"error":{"message":"Insufficient credits"}}"#), "add credit"),
        ];
        for (failure, part) in cases {
            let hint = failure.hint("gpt-x").unwrap();
            assert!(hint.contains(part), "{hint}");
        }
    }
}
