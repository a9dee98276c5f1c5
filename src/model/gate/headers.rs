//! What response headers say about rate limits. Pure.
//!
//! OpenAI: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, the reset as a time to go (`12ms`, `6m0s`).
//! OpenRouter: `x-ratelimit-{limit,remaining,reset}`, the reset in milliseconds since 1970.
//! Anthropic: `anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`, the reset as an RFC 3339 time; where it
//! gives no `tokens`, the stricter of `input-tokens` and `output-tokens`.
//! Gateways mix these, so each form of a reset is read everywhere.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::time::Duration;

use jiff::Timestamp;

/// The time that limits are given for, where nothing else can be told, seconds.
const MINUTE: f64 = 60.0;
/// Resets that point to a longer time than this show limits per hour or day, seconds.
const LONGER: f64 = 2.0 * MINUTE;

/// The longest time, seconds, that anything is believed to take to come back. Limits of days occur; what lies further
/// off is a mistake, and a request that is sent too early is rejected, no more.
const LONGEST: f64 = 86_400.0;

/// Numbers from here on are times since 1970, in seconds (of 2001) or milliseconds, and not times to go.
const EPOCH_SECONDS: f64 = 1e9;
const EPOCH_MILLISECONDS: f64 = 1e12;

/// What a response says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RateLimitHeaders {
    /// Of requests.
    pub(super) requests: Option<Limit>,
    /// Of tokens.
    pub(super) tokens: Option<Limit>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    /// The most at once.
    pub(super) limit: f64,
    /// What is left of it.
    pub(super) remaining: f64,
    /// What comes back in a second.
    pub(super) per_second: f64,
    /// When it is renewed, where nothing is left of it.
    pub(super) renewed_in: Option<Duration>,
}

impl RateLimitHeaders {
    /// Reads headers, which `get` looks up by their name in lower case. `now` is what dates are compared with.
    pub(crate) fn read<'a>(get: impl Fn(&str) -> Option<&'a str>, now: Timestamp) -> Self {
        let openai = |what: &str| {
            let field = |part: &str| get(&format!("x-ratelimit-{part}-{what}"));
            limit(field("limit"), field("remaining"), field("reset").and_then(|text| reset(text, now)))
        };
        let unnamed = || {
            let field = |part: &str| get(&format!("x-ratelimit-{part}"));
            limit(field("limit"), field("remaining"), field("reset").and_then(|text| reset(text, now)))
        };
        let anthropic = |what: &str| {
            let field = |part: &str| get(&format!("anthropic-ratelimit-{what}-{part}"));
            limit(field("limit"), field("remaining"), field("reset").and_then(|text| reset(text, now)))
        };
        let stricter = || {
            let both = [anthropic("input-tokens"), anthropic("output-tokens")];
            both.into_iter().flatten().min_by(|a, b| a.remaining.total_cmp(&b.remaining))
        };
        Self {
            requests: openai("requests").or_else(|| anthropic("requests")).or_else(unnamed),
            tokens: openai("tokens").or_else(|| anthropic("tokens")).or_else(stricter),
        }
    }
}

fn limit(limit: Option<&str>, remaining: Option<&str>, reset: Option<f64>) -> Option<Limit> {
    let limit = amount(limit?)?;
    if limit < 1.0 {
        return None;
    }
    let remaining = remaining.and_then(amount).unwrap_or(limit).min(limit);
    let used = limit - remaining;
    let per_minute = limit / MINUTE;
    // The reset is when all is back. Where that takes longer than a minute's limit would, it is one of hours or days.
    let per_second = match reset.map(|reset| reset.min(LONGEST)) {
        Some(reset) if used > 0.0 && reset > 0.0 && limit * reset / used > LONGER => used / reset,
        Some(_) | None => per_minute,
    };
    let renewed_in = reset.filter(|_| remaining < 1.0).and_then(|reset| Duration::try_from_secs_f64(reset).ok());
    Some(Limit { limit, remaining, per_second, renewed_in })
}

/// A count; `None` for what is none. Negative ones occur (a limit that was overdrawn).
fn amount(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(|number| number.max(0.0))
}

/// A time to go in seconds: `1s`, `6m0s`, `12ms`, `1h2m3.5s`, or a bare number of seconds.
fn time_to_go(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    if let Some(seconds) = amount(rest) {
        return Some(seconds);
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += amount(number)? * unit;
        rest = tail;
    }
    Some(sum).filter(|sum| sum.is_finite())
}

/// When a limit is renewed, in seconds from now: a time to go, a date, or a time since 1970.
fn reset(text: &str, now: Timestamp) -> Option<f64> {
    let text = text.trim();
    let at = match amount(text) {
        Some(number) if number >= EPOCH_MILLISECONDS => Timestamp::from_millisecond(number as i64).ok()?,
        Some(number) if number >= EPOCH_SECONDS => Timestamp::from_second(number as i64).ok()?,
        Some(seconds) => return Some(seconds),
        None => match text.parse().ok().or_else(|| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())) {
            Some(at) => at,
            None => return time_to_go(text),
        },
    };
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> RateLimitHeaders {
        let map: BTreeMap<&str, &str> = headers.iter().copied().collect();
        RateLimitHeaders::read(|name| map.get(name).copied(), "2026-11-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn durations() {
        let cases = [
            ("1s", Some(1.0)),
            ("6m0s", Some(360.0)),
            ("12ms", Some(0.012)),
            ("1h2m3.5s", Some(3723.5)),
            ("2d", Some(172_800.0)),
            ("7.66", Some(7.66)),
            ("0s", Some(0.0)),
            ("", None),
            ("soon", None),
            ("5 parsecs", None),
            ("1s2", None),
            ("1.2.3s", None),
            ("5", Some(5.0)),
        ];
        for (text, seconds) in cases {
            assert_eq!(time_to_go(text), seconds, "{text:?}");
        }
    }

    #[test]
    fn limits_of_two_dialects() {
        let openai = read(&[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-limit-tokens", "200000"),
            ("x-ratelimit-remaining-tokens", "150000"),
            ("x-ratelimit-reset-tokens", "15s"),
        ]);
        assert_eq!(
            openai.requests,
            Some(Limit { limit: 500.0, remaining: 499.0, per_second: 500.0 / 60.0, renewed_in: None })
        );
        assert_eq!(
            openai.tokens,
            Some(Limit { limit: 200_000.0, remaining: 150_000.0, per_second: 200_000.0 / 60.0, renewed_in: None })
        );
        let daily = read(&[
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "8.64s"),
        ]);
        assert_eq!(
            daily.requests,
            Some(Limit { limit: 10_000.0, remaining: 9_999.0, per_second: 1.0 / 8.64, renewed_in: None })
        );
        let anthropic = read(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-01T00:01:00Z"),
            ("anthropic-ratelimit-input-tokens-limit", "30000"),
            ("anthropic-ratelimit-input-tokens-remaining", "20000"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
            ("anthropic-ratelimit-output-tokens-remaining", "100"),
        ]);
        assert_eq!(
            anthropic.requests,
            Some(Limit {
                limit: 50.0,
                remaining: 0.0,
                per_second: 50.0 / 60.0,
                renewed_in: Some(Duration::from_secs(60))
            })
        );
        assert_eq!(anthropic.tokens.map(|limit| limit.limit), Some(8_000.0));
    }

    #[test]
    fn a_reset_has_many_forms() {
        // Noon of 1 November 2026 is 12 hours away.
        for text in
            ["12h", "43200", "1793534400", "1793534400000", "2026-11-01T12:00:00Z", "Sun, 01 Nov 2026 12:00:00 GMT"]
        {
            for headers in [
                ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
                ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
                [
                    "anthropic-ratelimit-requests-limit",
                    "anthropic-ratelimit-requests-remaining",
                    "anthropic-ratelimit-requests-reset",
                ],
            ] {
                let limit = read(&[(headers[0], "50"), (headers[1], "0"), (headers[2], text)]).requests;
                let renewed = limit.and_then(|limit| limit.renewed_in);
                assert_eq!(renewed, Some(Duration::from_secs(43_200)), "{text} {headers:?}");
            }
        }
        let some_left = read(&[
            ("x-ratelimit-limit", "50"),
            ("x-ratelimit-remaining", "1"),
            ("x-ratelimit-reset", "1793534400000"),
        ]);
        assert_eq!(some_left.requests.and_then(|limit| limit.renewed_in), None);
        let passed = read(&[
            ("x-ratelimit-limit", "50"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1600000000000"),
        ]);
        assert_eq!(passed.requests.and_then(|limit| limit.renewed_in), Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_nothing() {
        assert_eq!(read(&[]), RateLimitHeaders::default());
        for limit in ["", "many", "NaN", "inf", "0", "-3"] {
            assert_eq!(read(&[("x-ratelimit-limit-requests", limit)]).requests, None, "{limit:?}");
        }
        let overdrawn = read(&[("x-ratelimit-limit-tokens", "10"), ("x-ratelimit-remaining-tokens", "-5")]);
        assert_eq!(overdrawn.tokens.map(|limit| limit.remaining), Some(0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// Whatever a server sends, the result is a limit that can be reckoned with, or none.
        #[test]
        fn any_text_is_read(limit in "\\PC{0,12}|[0-9.e+-]{0,20}", remaining in "[0-9.e+-]{0,20}", reset in "\\PC{0,20}|([0-9.]{1,9}(ms|s|m|h|d)){0,4}") {
            let announced = read(&[
                ("x-ratelimit-limit-requests", &limit), ("x-ratelimit-remaining-requests", &remaining),
                ("x-ratelimit-reset-requests", &reset), ("anthropic-ratelimit-tokens-limit", &limit),
                ("anthropic-ratelimit-tokens-remaining", &remaining), ("anthropic-ratelimit-tokens-reset", &reset),
            ]);
            for limit in [announced.requests, announced.tokens].into_iter().flatten() {
                prop_assert!(limit.limit.is_finite() && limit.limit >= 1.0);
                prop_assert!((0.0..=limit.limit).contains(&limit.remaining));
                prop_assert!(limit.per_second.is_finite() && limit.per_second > 0.0);
            }
        }
    }
}
