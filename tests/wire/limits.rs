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

/// vLLM's words; the cap alone leaves no room for the prompt.
struct SmallWindow(u64);

impl Respond for SmallWindow {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: serde_json::Value = request.body_json().unwrap();
        let cap = body["max_completion_tokens"].as_u64().unwrap();
        if cap + 20 <= self.0 {
            return sse(good());
        }
        let message = format!(
            "'max_tokens' is too large: {cap}. This model's maximum context length is {} tokens and your request has 20 input tokens",
            self.0
        );
        error(400, &serde_json::json!({"error": {"message": message, "code": 400}}).to_string())
    }
}

#[tokio::test]
async fn a_cap_that_does_not_fit_is_lowered_once_for_all_and_replayed() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(SmallWindow(4_096)).mount(&server).await;
    let tape = Arc::new(crate::support::Memory::default());
    let live = model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)));
    let lowered = std::sync::Mutex::new(Vec::new());
    let mut answers = Vec::new();
    for task in ["Task 1", "Task 2"] {
        let wanted = planwave::model::Request { max_output_tokens: 9_000, ..request(task) };
        let said = |progress| {
            if let planwave::model::Progress::CapLowered { from, to } = progress {
                lowered.lock().unwrap().push((from, to));
            }
        };
        answers.push(live.complete(&wanted, &said).await.unwrap());
    }
    let lowered = lowered.into_inner().unwrap();
    assert!(
        lowered.len() == 2 && lowered.iter().all(|(from, to)| *from == 9_000 && (3_000..4_076).contains(to)),
        "{lowered:?}"
    );
    assert_eq!(answers.iter().map(|answer| answer.requests).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(answers[0].lowered_cap.map(u64::from), Some(lowered[0].1));

    let replay = model(config(&server.uri()), tape.replay(), None);
    for (task, answer) in ["Task 2", "Task 1"].into_iter().zip(answers.iter().rev()) {
        let wanted = planwave::model::Request { max_output_tokens: 9_000, ..request(task) };
        assert_eq!(replay.complete(&wanted, &|_| {}).await.unwrap().text, answer.text);
    }
}

#[tokio::test]
async fn a_request_beyond_a_limit_per_minute_fails_at_once() {
    let words = r#"{"error":{"message":"Request too large on tokens per min (TPM): Limit 6000, Requested 34850.","code":"rate_limit_exceeded"}}"#;
    let server = server(vec![error(429, words)]).await;
    let model = model(config(&server.uri()), Source::Live, None);
    for _ in 0..5 {
        let failure = ask(&model).await.unwrap_err();
        assert_eq!((failure.scope, failure.requests), (Scope::Call, 1), "of this call only, however often: {failure}");
        assert!(failure.hint.unwrap().contains("`model.max_output_tokens`"));
    }
}

#[tokio::test]
async fn the_same_refusal_of_the_first_calls_is_that_of_all() {
    let refused = || error(400, r#"{"error":{"message":"No connected db.","type":"no_db_connection"}}"#);
    let always = server(vec![refused()]).await;
    let model_1 = model(config(&always.uri()), Source::Live, None);
    let mut scopes = Vec::new();
    for _ in 0..4 {
        scopes.push(ask(&model_1).await.unwrap_err().scope);
    }
    assert_eq!(scopes, [Scope::Call, Scope::Call, Scope::Run, Scope::Run]);

    let after_one = server(vec![sse(good()), refused()]).await;
    let model_2 = model(config(&after_one.uri()), Source::Live, None);
    ask(&model_2).await.unwrap();
    for _ in 0..4 {
        assert_eq!(ask(&model_2).await.unwrap_err().scope, Scope::Call);
    }
}

#[tokio::test]
async fn a_model_that_is_being_loaded_is_waited_for() {
    let loading = || error(503, r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#);
    let server = server((0..12).map(|_| loading()).chain([sse(good())]).collect()).await;
    let mut config = config(&server.uri());
    config.retry.max_retries = 1;
    assert_eq!(ask(&model(config.clone(), Source::Live, None)).await.unwrap().requests, 13);

    let never = crate::support::server(vec![loading()]).await;
    config.base_url = format!("{}/v1", never.uri());
    config.patience.rejected_for = std::time::Duration::from_millis(30);
    let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
    assert_eq!(failure.scope, Scope::Run, "{failure}");
    assert!(failure.message.contains("Loading model"), "{failure}");
}

/// OpenRouter's way to say that what is behind it broke off: within the choice.
#[tokio::test]
async fn an_error_within_a_choice_is_the_servers() {
    let streamed = crate::support::stream(&[
        r#"{"choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":CODE,"message":"hung up"}}]}"#,
    ]);
    let whole = r#"{"choices":[{"index":0,"error":{"code":CODE,"message":"hung up"},"finish_reason":"error","message":{"content":"half"}}]}"#;
    for body in [streamed.as_str(), whole] {
        for (code, requests) in [("502", 6), ("400", 1)] {
            let body = body.replace("CODE", code);
            let kind = if body.starts_with('{') { "application/json" } else { "text/event-stream" };
            let server = server(vec![ResponseTemplate::new(200).set_body_raw(body, kind)]).await;
            let failure = ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap_err();
            assert_eq!((failure.requests, failure.scope), (requests, Scope::Call), "{code}: {failure}");
            assert!(failure.message.ends_with(": hung up"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_server_on_this_machine_that_does_not_run_is_given_up_soon() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut config = config(&address);
    config.retry = planwave::model::Retry { max_retries: 1_000, ..planwave::model::Retry::default() };
    let began = std::time::Instant::now();
    let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
    let took = began.elapsed().as_secs_f64();
    assert_eq!(failure.scope, Scope::Run, "{failure}");
    assert!((2.5..10.0).contains(&took), "{took} s");
}
