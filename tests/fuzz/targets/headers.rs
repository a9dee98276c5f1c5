//! What providers say about limits and failures: a status, headers, a body. Nothing they say may make a run wait for
//! longer than it was told to.

use std::{collections::BTreeMap, hint::black_box, time::Duration};

use super::{about, kind};
use crate::{
    Retry,
    drive::Target,
    failure::{Failure, Verdict},
    headers::RateLimitHeaders,
    provider::{ProviderError, RetryHints},
};

pub(super) const TARGET: Target = Target {
    name: "headers",
    more: &[],
    tokens: &[
        "retry-after: ",
        "retry-after-ms: ",
        "x-should-retry: true\n",
        "x-should-retry: false\n",
        "1",
        "0.5",
        "1e308",
        "x-ratelimit-limit-requests: ",
        "x-ratelimit-remaining-requests: ",
        "x-ratelimit-reset-requests: ",
        "6m0s",
        "x-ratelimit-limit-tokens: ",
        "x-ratelimit-remaining-tokens: ",
        "x-ratelimit-reset-tokens: ",
        "12ms",
        "1h2m3.5s",
        "anthropic-ratelimit-requests-limit: ",
        "anthropic-ratelimit-requests-remaining: ",
        "9999999d",
        "anthropic-ratelimit-requests-reset: ",
        "anthropic-ratelimit-input-tokens-limit: ",
        "2026-11-01T00:00:20Z",
        "Sun, 01 Nov 2026 00:00:20 GMT",
        "9999-12-31T23:59:59Z",
        "-262143-01-01T00:00:00Z",
        "429\n",
        "500\n",
        "\n\n",
        "{\"error\":{\"message\":\"",
        "\"code\":\"insufficient_quota\"",
        "\"code\":\"429\"",
        "\"type\":\"",
        "[{\"error\":",
        "\"param\":\"temperature\"",
        "context length",
        "µs",
        "<html>",
        "{\"detail\":\"",
    ],
    cases: 2_000,
    check,
    read,
    frame: ("{\"error\":{\"message\":\"", "\"}}"),
};

/// A limit that is used up comes back within this time, whatever is announced.
const DAY: f64 = 86_400.0;

#[test]
fn rate_headers() {
    TARGET.run();
}

fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let now = "2026-11-01T00:00:00Z".parse().unwrap();
    black_box(ProviderError::from_body(&text));
    let names = ["retry-after", "x-ratelimit-limit-requests", "x-ratelimit-reset-requests"];
    black_box(RetryHints::read(&names.map(|name| (name.to_owned(), text.to_string())).into(), now));
    black_box(RateLimitHeaders::read(|_| Some(&text), now));
}

fn check(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let now = "2026-11-01T00:00:00Z".parse().unwrap();
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(429);
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.to_owned()))
        .collect();

    let announced = RateLimitHeaders::read(|name| headers.get(name).map(String::as_str), now);
    for limit in [announced.requests, announced.tokens].into_iter().flatten() {
        assert!(limit.limit >= 1.0 && (0.0..=limit.limit).contains(&limit.remaining), "{limit:?}");
        assert!(limit.limit.is_finite() && limit.per_second.is_finite() && limit.per_second > 0.0, "{limit:?}");
        let back = (limit.limit - limit.remaining) / limit.per_second;
        assert!(back <= DAY * 1.000_001, "{limit:?} is back after {back} s");
    }

    let hints = RetryHints::read(&headers, now);
    let error = ProviderError::from_body(body);
    let retry = Retry::default();
    let in_stream = Failure::InStream(error.clone());
    let failure = Failure::Status { status, hints, error };
    let verdict = failure.judge(&retry);
    if let Verdict::Repeat { after, .. } = verdict {
        assert!(after.is_none_or(|after| after <= retry.longest_wait), "{verdict:?}");
    }
    for failure in [&failure, &in_stream] {
        for said in [failure.message("api.test"), failure.hint("m").unwrap_or_default()] {
            assert!(!said.chars().any(char::is_control) && said.chars().count() < 700, "{said:?}");
        }
    }
    let kinds = (failure.is_rejection(), failure.may_be_billed(), in_stream.judge(&retry) == verdict);
    let after =
        hints.after.map(|after| about(usize::try_from(after.min(Duration::from_secs(1 << 20)).as_millis()).unwrap()));
    let limits = [announced.requests, announced.tokens].map(|limit| limit.map(|limit| limit.remaining < 1.0));
    kind((format!("{verdict:?}").len(), kinds, after, hints.should, limits, failure.hint("m").map(|hint| hint.len())))
}
