//! `doctor`'s tests of model access.

use planwave::model::{
    Catalog, ModelConfig,
    doctor::{ProbeOutcome, ProbeResult, probe},
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_partial_json, method, path},
};

use crate::support::{bodies, config, error, good, sse, stream, without_port};

async fn run(config: &ModelConfig) -> Vec<ProbeResult> {
    let facts = Catalog::built_in().unwrap().facts(&config.model, &config.base_url);
    probe(config, &facts, &|_| {}).await
}

fn outcomes(results: &[ProbeResult]) -> Vec<(&'static str, ProbeOutcome)> {
    results.iter().map(|result| (result.name, result.outcome)).collect()
}

async fn server(models: ResponseTemplate, schema: ResponseTemplate, plain: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path("/v1/models")).respond_with(models).mount(&server).await;
    Mock::given(method("POST"))
        .and(body_partial_json(serde_json::json!({"response_format": {"type": "json_schema"}})))
        .respond_with(schema)
        .mount(&server)
        .await;
    Mock::given(method("POST")).respond_with(plain).mount(&server).await;
    server
}

#[tokio::test]
async fn all_is_well() {
    let schema = stream(&[r#"{"choices":[{"delta":{"content":"{\"ok\":true}"},"finish_reason":"stop"}]}"#]);
    let server = server(error(200, r#"{"data":[{"id":"gpt-5-mini"}]}"#), sse(schema), sse(good())).await;
    let results = run(&config(&server.uri())).await;
    let pass = ProbeOutcome::Pass;
    assert_eq!(
        outcomes(&results),
        [("key", pass), ("server", pass), ("model", pass), ("streaming", pass), ("usage", pass), ("schema", pass)]
    );
    assert!(!format!("{results:?}").contains("canary"));
    let sent: Vec<_> =
        server.received_requests().await.unwrap().into_iter().filter(|sent| sent.method.as_str() == "POST").collect();
    assert_eq!(sent.len(), 2);
    for request in sent {
        assert_eq!(request.body_json::<serde_json::Value>().unwrap()["max_completion_tokens"], 16);
    }
}

#[tokio::test]
async fn a_simple_server_is_good_enough() {
    let plain = error(200, r#"{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}"#);
    let server = server(error(404, ""), error(400, r#"{"error":"response_format is not supported"}"#), plain).await;
    let (pass, warn) = (ProbeOutcome::Pass, ProbeOutcome::Warn);
    assert_eq!(
        outcomes(&run(&config(&server.uri())).await),
        [("key", pass), ("server", pass), ("model", pass), ("streaming", warn), ("usage", warn), ("schema", warn)]
    );
}

#[tokio::test]
async fn a_missing_model_is_named_with_what_there_is() {
    let missing = error(404, r#"{"error":{"message":"model 'gpt-5-mini' not found"}}"#);
    let server =
        server(error(200, r#"{"data":[{"id":"qwen3:8b"},{"id":"gpt-oss:20b"}]}"#), missing.clone(), missing).await;
    let results = run(&config(&server.uri())).await;
    let (pass, warn, fail, skipped) =
        (ProbeOutcome::Pass, ProbeOutcome::Warn, ProbeOutcome::Fail, ProbeOutcome::Skipped);
    assert_eq!(
        outcomes(&results),
        [
            ("key", pass),
            ("server", warn),
            ("model", fail),
            ("streaming", skipped),
            ("usage", skipped),
            ("schema", skipped)
        ]
    );
    assert_eq!(results[1].hint.as_deref(), Some("it offers qwen3:8b, gpt-oss:20b"));
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let server = server(error(200, "{}"), sse(good()), sse(good())).await;
    let mut config = config("https://api.openai.com");
    config.api_key = None;
    let results = run(&config).await;
    assert_eq!(
        (results[0].outcome, results[0].detail.as_str()),
        (ProbeOutcome::Fail, "there is no API key for api.openai.com")
    );
    assert!(results[1..].iter().all(|result| result.outcome == ProbeOutcome::Skipped));
    assert!(bodies(&server).await.is_empty());
}

#[tokio::test]
async fn where_nobody_is_the_rest_is_not_tried() {
    // Bound and not listened on for long: the port is free again.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let results = run(&config(&format!("http://{address}"))).await;
    let (server, rest) = (&results[1], &results[2..]);
    assert_eq!((server.name, server.outcome), ("server", ProbeOutcome::Fail));
    assert!(without_port(&server.detail).starts_with("127.0.0.1 cannot be reached: "), "{}", server.detail);
    assert_eq!(rest.len(), 4);
    assert!(rest.iter().all(|result| result.outcome == ProbeOutcome::Skipped && result.detail.contains("not tested")));
}

#[tokio::test]
async fn answers_without_text_are_no_health() {
    let refusal = r#"{"choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#;
    for body in ["{}", refusal] {
        let answer = || error(200, body);
        let server = server(error(200, r#"{"data":[]}"#), answer(), answer()).await;
        let results = run(&config(&server.uri())).await;
        assert_eq!(outcomes(&results)[2], ("model", ProbeOutcome::Fail), "{body}: {results:?}");
    }
}
