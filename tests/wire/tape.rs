//! Recording and replaying.

use std::sync::Arc;

use planwave::{
    model::{Message, Model, Role, Scope, Source, Usage},
    tape::{Exchange, Header, Origin, ReplayIndex, Tape, request_key},
};

use crate::support::{GOOD_TEXT, Memory, ask, bodies, config, good, model, request, server, sse};

#[tokio::test]
async fn a_recorded_exchange_has_all_that_matters_and_no_more() {
    let answer = sse(good())
        .insert_header("x-request-id", "req-1")
        .insert_header("x-ratelimit-remaining-requests", "99")
        .insert_header("set-cookie", "session=secret");
    let server = server(vec![answer]).await;
    let tape = Arc::new(Memory::default());
    let completion = ask(&model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)))).await.unwrap();

    let [exchange]: [Exchange; 1] = tape.exchanges().try_into().unwrap();
    assert_eq!(exchange.request, bodies(&server).await[0]);
    assert_eq!(exchange.key, request_key("POST", "/chat/completions", &exchange.request));
    assert_eq!((exchange.method.as_str(), exchange.path.as_str(), exchange.status), ("POST", "/chat/completions", 200));
    assert_eq!((exchange.body.as_str(), exchange.complete), (good().as_str(), true));
    assert_eq!(exchange.usage, Some(Usage { input: 2100, cached: 2048, output: 30, reasoning: 12, at_least: false }));
    assert_eq!((exchange.at, u128::from(exchange.latency_ms)), (completion.at, completion.latency.as_millis()));
    let headers: Vec<_> = exchange.headers.keys().map(String::as_str).collect();
    assert_eq!(headers, ["content-type", "x-ratelimit-remaining-requests", "x-request-id"]);
    assert!(!tape.lines()[0].contains(&server.address().to_string()), "the host is not part of an exchange");
}

#[tokio::test]
async fn replay_answers_in_any_order_with_another_base_url_and_no_key() {
    let server = server(vec![sse(good().replace("Größe", "one")), sse(good().replace("Größe", "two"))]).await;
    let tape = Arc::new(Memory::default());
    let live = model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)));
    let (one, two) = (request("Task 1"), request("Task 2"));
    let first = live.complete(&one, &|_| {}).await.unwrap();
    let second = live.complete(&two, &|_| {}).await.unwrap();
    assert_ne!(first.text, second.text);

    let mut elsewhere = config("https://api.openai.com");
    elsewhere.api_key = None;
    elsewhere.headers.clear();
    let replay = model(elsewhere, tape.replay(), None);
    assert_eq!(replay.complete(&two, &|_| {}).await.unwrap(), second);
    assert_eq!(replay.complete(&one, &|_| {}).await.unwrap(), first);
    assert_eq!(replay.complete(&one, &|_| {}).await.unwrap(), first);
}

#[tokio::test]
async fn a_request_that_is_not_on_the_tape_shows_what_differs() {
    let server = server(vec![sse(good())]).await;
    let tape = Arc::new(Memory::default());
    ask(&model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)))).await.unwrap();

    let mut other = config("http://127.0.0.1:1");
    other.reasoning_effort = Some("high".to_owned());
    let mut request = request("Task 1");
    request.messages[1] = Message { role: Role::User, content: vec![Arc::from("Shared part.\nTask 9")] };
    let failure = model(other, tape.replay(), None).complete(&request, &|_| {}).await.unwrap_err();
    assert_eq!((failure.scope, failure.requests, failure.status), (Scope::NotOnTape, 0, None));
    assert_eq!(failure.message, "the request is not on the tape");
    assert_eq!(
        failure.hint.unwrap(),
        "the nearest request is on line 2 of the tape:\n\
         reasoning_effort: absent on the tape, \"high\" now\n\
         messages[1] (user), line 2:\n\
         - Task 1\n\
         + Task 9"
    );
}

#[tokio::test]
async fn an_answer_that_could_not_be_recorded_is_the_last_one() {
    let server = server(vec![sse(good())]).await;
    let tape = Arc::new(Memory::full());
    let completion = ask(&model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)))).await.unwrap();
    // It is paid for, so it is handed on; whoever asked learns that it must not go on.
    assert_eq!(completion.text, GOOD_TEXT);
    let failure = completion.unrecorded.unwrap();
    assert_eq!((failure.scope, failure.requests), (Scope::Storage, 1));
    assert!(failure.message.contains("tape: no space left on device"), "{failure}");

    // An error is not asked again either: its repeat might be an answer.
    let server = crate::support::server(vec![wiremock::ResponseTemplate::new(503), sse(good())]).await;
    let failure = ask(&model(config(&server.uri()), Source::Live, Some(tape))).await.unwrap_err();
    assert_eq!((failure.scope, failure.requests), (Scope::Storage, 1));
}

#[tokio::test]
async fn a_tape_written_by_hand_replays() {
    let handwritten = model(config("http://127.0.0.1:1"), Source::Replay(Arc::new(empty())), None);
    let miss = ask(&handwritten).await.unwrap_err();
    assert_eq!(miss.hint.as_deref(), Some("the tape has no exchange"));

    // Its author takes the request from a recording, and needs no more than this of the rest.
    let server = server(vec![sse(good())]).await;
    ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap();
    let body = &bodies(&server).await[0];
    let line = serde_json::json!({
        "key": request_key("POST", "/chat/completions", body),
        "at": "2026-11-01T12:00:00Z",
        "method": "POST",
        "path": "/chat/completions",
        "request": body,
        "status": 200,
        "body": good(),
    });
    let tape = Tape::parse(&format!("{}\n{line}\n", header().to_line())).unwrap();
    let replay = Source::Replay(Arc::new(ReplayIndex::new(tape)));
    let completion = ask(&model(config("http://127.0.0.1:1"), replay, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.at.to_string().as_str()), (GOOD_TEXT, "2026-11-01T12:00:00Z"));
}

fn header() -> Header {
    Header::new(Origin::Handwritten, None, "2026-11-01T00:00:00Z".parse().unwrap())
}

fn empty() -> ReplayIndex {
    ReplayIndex::new(Tape::parse(&header().to_line()).unwrap())
}
