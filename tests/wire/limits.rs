//! Rate limits and budgets over real sockets: what the gate makes of what servers say.

use std::sync::Arc;

use planwave::model::{Model, Scope, Source, gate::Bounds};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::support::{ask, config, error, good, model, request, server, sse, without_port};

#[tokio::test]
async fn rejections_do_not_count_as_repeats_and_end_for_everybody() {
    let busy = || error(429, "{}").insert_header("retry-after-ms", "5");
    let server = server((0..9).map(|_| busy()).chain([sse(good())]).collect()).await;
    let mut config = config(&server.uri());
    config.retry.max_retries = 0;
    let model = Arc::new(model(config, Source::Live, None));
    let calls = (0..4).map(|_| {
        let model = Arc::clone(&model);
        tokio::spawn(async move { ask(&model).await.unwrap().requests })
    });
    let mut requests = 0;
    for call in calls.collect::<Vec<_>>() {
        requests += call.await.unwrap();
    }
    assert_eq!(requests, 13, "nine rejected, four answered");
}

/// Says that two requests are left and rejects what comes beyond.
struct Strict(std::sync::atomic::AtomicU32);

impl Respond for Strict {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let left = 2_u32.saturating_sub(number);
        sse(good())
            .insert_header("x-ratelimit-limit-requests", "3")
            .insert_header("x-ratelimit-remaining-requests", left.to_string().as_str())
            .insert_header("x-ratelimit-reset-requests", "60s")
    }
}

#[tokio::test]
async fn what_the_headers_allow_is_not_passed() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Strict(0.into())).mount(&server).await;
    let model = Arc::new(model(config(&server.uri()), Source::Live, None));
    for _ in 0..3 {
        ask(&model).await.unwrap();
    }
    // The fourth would have to wait for twenty seconds; the run is stopped instead.
    let waiting = tokio::spawn({
        let model = Arc::clone(&model);
        async move { ask(&model).await }
    });
    tokio::task::yield_now().await;
    model.stop();
    let failure = waiting.await.unwrap().unwrap_err();
    assert_eq!((failure.scope, failure.requests), (Scope::Stopped, 0));
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_budget_holds_with_many_in_flight() {
    let server = server(vec![sse(good())]).await;
    let mut config = config(&server.uri());
    // An answer is billed with 2,130 tokens; a request can take about 520.
    config.bounds = Bounds { max_cost: None, max_tokens: Some(10_000) };
    let model = Arc::new(model(config, Source::Live, None));
    let calls = (0..20).map(|_| {
        let model = Arc::clone(&model);
        tokio::spawn(async move { model.complete(&request("Task 1"), &|_| {}).await })
    });
    let mut refused = 0;
    for call in calls.collect::<Vec<_>>() {
        if let Err(error) = call.await.unwrap() {
            assert_eq!(error.scope, Scope::Budget);
            assert!(error.message.starts_with("the budget of 10000 tokens has no room"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_row_of_failures_stops_everything() {
    let server = server(vec![error(500, r#"{"error":{"message":"oops"}}"#)]).await;
    let mut config = config(&server.uri());
    config.patience.failures_in_a_row = 4;
    let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
    assert_eq!((failure.scope, failure.requests), (Scope::Run, 4));
    assert!(
        without_port(&failure.message)
            .starts_with("4 requests in a row failed and none succeeded; the last: 127.0.0.1 answered 500")
    );
}

#[tokio::test]
async fn a_call_that_the_run_may_not_repeat_says_so() {
    let server = server(vec![error(500, "{}")]).await;
    let mut config = config(&server.uri());
    config.retry.max_retries = 100;
    config.patience.failures_in_a_row = 0;
    config.patience.repeat_percent = 0;
    let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
    assert_eq!((failure.scope, failure.requests), (Scope::Call, 21), "{failure}");
    assert!(failure.message.ends_with("; not sent again, for the repeats of this run are used up"), "{failure}");
    assert!(failure.hint.unwrap().ends_with("or raise `retry.run_percent`"));
}
