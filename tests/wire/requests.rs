//! What is sent.

use std::sync::Mutex;

use planwave::model::{FinishReason, Model, Progress, Source, Usage};
use secrecy::SecretString;
use serde_json::json;

use crate::support::{CANARY, GOOD_TEXT, ask, bodies, config, good, model, request, server, sse};

#[tokio::test]
async fn a_request_in_the_words_of_the_model() {
    let server = server(vec![sse(good())]).await;
    let mut config = config(&server.uri());
    config.reasoning_effort = Some("low".to_owned());
    config.temperature = Some(0.2);
    config.organization = Some("org-1".to_owned());
    config.project = Some("proj-1".to_owned());
    config.extra_body = serde_json::from_str(r#"{"service_tier":"flex"}"#).unwrap();
    let model = model(config, Source::Live, None);

    let chars = Mutex::new(Vec::new());
    let completion = model
        .complete(&request("Task 1"), &|progress| {
            if let Progress::Received { chars: count } = progress {
                chars.lock().unwrap().push(count);
            }
        })
        .await
        .unwrap();

    assert_eq!(completion.text, GOOD_TEXT);
    assert_eq!(completion.finish, FinishReason::Stop);
    assert_eq!(completion.refusal, None);
    assert_eq!(completion.usage, Some(Usage { input: 2100, cached: 2048, output: 30, reasoning: 12, at_least: false }));
    assert_eq!(completion.requests, 1);
    let chars = chars.into_inner().unwrap();
    assert!(chars.is_sorted() && chars.last() == Some(&GOOD_TEXT.chars().count()), "{chars:?}");

    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].url.path()), ("POST", "/v1/chat/completions"));
    let header = |name: &str| requests[0].headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("absent");
    assert_eq!(header("authorization"), format!("Bearer {CANARY}"));
    assert_eq!(header("openai-organization"), "org-1");
    assert_eq!(header("openai-project"), "proj-1");
    assert_eq!(header("x-gateway"), "gateway-canary-77");
    assert_eq!(header("content-type"), "application/json");
    assert!(header("user-agent").starts_with("planwave/"));
    assert_eq!(
        bodies(&server).await[0],
        json!({
            "model": "gpt-5-mini",
            "messages": [
                {"role": "system", "content": "You write documents."},
                {"role": "user", "content": "Shared part.\nTask 1"},
            ],
            "max_completion_tokens": 500,
            "reasoning_effort": "low",
            "stream": true,
            "stream_options": {"include_usage": true},
            "service_tier": "flex",
        })
    );
}

#[tokio::test]
async fn a_local_model_gets_the_old_names() {
    let server = server(vec![sse(good())]).await;
    let mut config = config(&server.uri());
    config.model = "qwen3:8b".to_owned();
    config.temperature = Some(0.2);
    config.api_key = None;
    ask(&model(config, Source::Live, None)).await.unwrap();

    let body = &bodies(&server).await[0];
    assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(500), &json!(0.2)));
    assert!(body.get("max_completion_tokens").is_none() && body.get("prompt_cache_key").is_none());
    assert!(!server.received_requests().await.unwrap()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn azure_has_its_own_path_and_header() {
    let server = server(vec![sse(good())]).await;
    let mut config = config(&server.uri());
    config.base_url = server.uri();
    config.api_version = Some("2024-10-21".to_owned());
    ask(&model(config, Source::Live, None)).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/openai/deployments/gpt-5-mini/chat/completions");
    assert_eq!(requests[0].url.query(), Some("api-version=2024-10-21"));
    assert_eq!(requests[0].headers["api-key"], CANARY);
    assert!(!requests[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_set() {
    let proxy = server(vec![sse(good())]).await;
    let mut config = config("http://model.invalid");
    config.allow_insecure_http = true;
    config.proxy = Some(SecretString::from(format!("http://me:word@{}", proxy.address())));
    ask(&model(config, Source::Live, None)).await.unwrap();
    let requests = proxy.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["host"], "model.invalid");
    assert!(requests[0].headers.contains_key("proxy-authorization"));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = server(vec![sse(good())]).await;
    // wiremock does not show connections; this relay takes one and refuses the second.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let through = format!("http://{}", listener.local_addr().unwrap());
    let target = server.address().to_string();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
        drop(listener);
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    let model = model(config(&through), Source::Live, None);
    for _ in 0..3 {
        ask(&model).await.unwrap();
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}
