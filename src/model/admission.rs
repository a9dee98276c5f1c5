//! What a request tells the gate, and what the gate's answer means to whoever asked. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use jiff::Timestamp;
use serde_json::Value;

use super::{
    ModelFacts, Progress, Scope,
    failure::{Failure, TROUBLE, Verdict, in_words},
    gate::{Bill, Bounds, Closed, End, Held, Need, WaitReason},
    usage::texts,
};

/// Bytes of a token, about; for limits per minute, which the provider's headers correct.
const BYTES_PER_TOKEN: u64 = 4;
/// What chat formats add to a prompt, tokens per message; OpenAI's add 3 or 4.
const PER_MESSAGE: u64 = 8;
/// What a prompt is taken to have at most, in percent of its count: with the model's own tokenizer, and with the nearest.
/// Tokenizers of other makers give up to half as many again for English; where one gives more, its first answer shows it.
const EXACT_PERCENT: u64 = 105;
const NEAR_PERCENT: u64 = 150;
/// An answer's cap where neither the request nor the catalogue has one.
const UNKNOWN_CAP: u64 = 128_000;

/// What a request will take. With `exact`, its tokens are counted and rounded up, since a budget depends on them.
pub(super) fn need(body: &Value, facts: &ModelFacts, exact: bool) -> Need {
    let texts = texts(body);
    let prompt = if exact {
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
        let percent = if has_tokenizer_of_openai(model) { EXACT_PERCENT } else { NEAR_PERCENT };
        texts.map(|text| (facts.tokenizer.count(text) as u64).saturating_mul(percent) / 100 + PER_MESSAGE).sum()
    } else {
        texts.map(|text| text.len() as u64 / BYTES_PER_TOKEN).sum()
    };
    let largest_answer = cap(body).or(facts.max_output.map(u64::from)).unwrap_or(UNKNOWN_CAP);
    Need { prompt, largest_answer }
}

/// The cap on an answer's tokens in a request.
pub(super) fn cap(body: &Value) -> Option<u64> {
    ["max_completion_tokens", "max_tokens"].iter().find_map(|name| body.get(name)?.as_u64())
}

/// Whether a model counts with one of the tokenizers that are known; the names are OpenAI's, perhaps behind a gateway's.
fn has_tokenizer_of_openai(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    ["gpt-", "chatgpt-", "o1", "o3", "o4"].iter().any(|start| name.starts_with(start))
}

/// How a failed request ended, as the gate counts it.
pub(super) fn end(failure: &Failure, verdict: Verdict, reason: &str) -> End {
    let after = match verdict {
        Verdict::Repeat { after, .. } => after,
        Verdict::Final(_) => None,
    };
    match (failure, verdict) {
        (_, Verdict::Repeat { .. }) if failure.is_rejection() => End::Rejected { after, reason: reason.to_owned() },
        (_, Verdict::Repeat { .. }) if failure.is_loading() => End::Loading { after, reason: reason.to_owned() },
        (_, Verdict::Repeat { .. }) => End::Failed { begun: failure.may_be_billed(), after, reason: reason.to_owned() },
        (_, Verdict::Final(_)) if failure.may_be_billed() => End::Abandoned,
        (_, Verdict::Final(_)) => End::Refused,
    }
}

/// What to say of a request that waits.
pub(super) fn held(Held { reason, left, behind }: Held, server: &str, now: Timestamp) -> Progress {
    let reason = match reason {
        WaitReason::Pause => format!("the end of a pause, after {server} turned a request away"),
        WaitReason::OwnLimit => String::from("your own rate limit (`limits`)"),
        WaitReason::ServerLimit => format!("the rate limit of {server}"),
        WaitReason::LearnedRate => format!("its turn at the rate that {server} was seen to take"),
        WaitReason::Answers => format!("a first word from {server} on the requests before it"),
        WaitReason::Budget => String::from("room in the budget, which answers under way may leave"),
    };
    let until = left.map(|left| now.checked_add(left).unwrap_or(Timestamp::MAX));
    Progress::Held { reason, until, behind }
}

/// What to say to a request that is not sent: message, hint and scope.
pub(super) fn refusal(closed: Closed) -> (String, Option<String>, Scope) {
    match closed {
        Closed::Stopped => (String::from("the run stopped before this request was sent"), None, Scope::Stopped),
        Closed::Broken(reason) => (reason, Some(TROUBLE.to_owned()), Scope::Run),
        Closed::Far(wait) => {
            let reason = format!("the provider's limit is used up and renewed in {} only", in_words(wait));
            let hint = "run the same command again then: only what is missing is asked for; where the provider's headers \
                        are wrong, set `limits.remember = false` and `retry.rejected_seconds`";
            (reason, Some(hint.to_owned()), Scope::Run)
        }
        Closed::Budget { bounds, spent, needed } => {
            let hint = "raise the bound and run the same command again: only what is missing is asked for";
            (over_budget(bounds, spent, needed), Some(hint.to_owned()), Scope::Budget)
        }
    }
}

fn over_budget(bounds: Bounds, spent: Bill, needed: Bill) -> String {
    match bounds {
        Bounds { max_cost: Some(most), .. } if spent.cost + needed.cost > most => format!(
            "the budget of ${most} has no room for another request: ${:.4} is spent or may be, and the next could \
             cost up to ${:.4}",
            spent.cost, needed.cost
        ),
        Bounds { max_tokens, .. } => format!(
            "the budget of {} tokens has no room for another request: {} are spent or may be, and the next could take \
             up to {}",
            max_tokens.unwrap_or_default(),
            spent.tokens,
            needed.tokens
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_request_takes_is_read_from_what_is_sent() {
        let facts = ModelFacts { max_output: Some(9_000), ..ModelFacts::default() };
        let messages =
            json!([{"role": "system", "content": "hello world"}, {"role": "user", "content": "x".repeat(400)}]);
        let cases = [
            (json!({"messages": messages, "max_completion_tokens": 500}), 500),
            (json!({"messages": messages, "max_tokens": 600}), 600),
            (json!({"messages": messages}), 9_000),
            (json!({}), 9_000),
        ];
        for (body, largest_answer) in cases {
            assert_eq!(need(&body, &facts, false).largest_answer, largest_answer, "{body}");
        }
        let body = json!({"messages": messages, "max_tokens": 1});
        assert_eq!(need(&body, &facts, false).prompt, 2 + 100);
        let of = |model: &str| {
            let mut body = body.clone();
            body["model"] = json!(model);
            need(&body, &facts, true).prompt
        };
        assert_eq!((of("openai/gpt-5"), of("claude-4"), of("")), (16 + 2 + 52, 16 + 3 + 75, 16 + 3 + 75));
        assert!(need(&body, &facts, true).prompt >= 2 + 50 + 16, "two tokens, one for each eight x, and the format");
        assert_eq!(need(&json!({}), &ModelFacts::default(), true), Need { prompt: 0, largest_answer: UNKNOWN_CAP });
    }

    #[test]
    fn a_budget_is_told_in_the_unit_that_is_short() {
        let bounds = Bounds { max_cost: Some(0.5), max_tokens: Some(10_000) };
        let spent = Bill { tokens: 9_000, cost: 0.4712 };
        let closed = |needed| refusal(Closed::Budget { bounds, spent, needed }).0;
        assert_eq!(
            closed(Bill { tokens: 900, cost: 0.0681 }),
            "the budget of $0.5 has no room for another request: $0.4712 is spent or may be, and the next could cost up to $0.0681"
        );
        assert_eq!(
            closed(Bill { tokens: 1_900, cost: 0.001 }),
            "the budget of 10000 tokens has no room for another request: 9000 are spent or may be, and the next could take up to 1900"
        );
    }
}
