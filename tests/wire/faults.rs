//! What goes wrong, what is repeated, and what is said about it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use planwave::model::{FinishReason, Model, ModelConfig, Progress, Scope, Source};
use wiremock::ResponseTemplate;

use crate::support::{
    CANARY, GOOD_TEXT, Memory, PAUSE, Then, ask, bodies, config, error, good, model, raw, request, server, sse, stream,
    without_port,
};

const QUOTA: &str = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;

/// Answers, the requests they take, and what comes of them: `Ok(finish)`, or `Err(scope, part of the message)`.
type Case = (&'static str, Vec<ResponseTemplate>, u32, Result<FinishReason, (Scope, &'static str)>);

fn cases() -> Vec<Case> {
    let no_usage = stream(&[r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#]);
    let length = stream(&[r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"length"}]}"#]);
    let cut = good().split_once("Größe").unwrap().0.to_owned();
    let no_done = good().replace("data: [DONE]\n\n", "");
    let in_stream = |error: &str| stream(&[r#"{"choices":[{"delta":{"content":"x"}}]}"#, error]);
    let json = r##"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",
        "content":"# Objective"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":3}}"##;
    vec![
        ("500, then well", vec![error(500, "{}"), sse(good())], 2, Ok(FinishReason::Stop)),
        (
            "502 web page, 408, 409, then well",
            vec![error(502, "<html>"), error(408, ""), error(409, ""), sse(good())],
            4,
            Ok(FinishReason::Stop),
        ),
        (
            "429 with a time",
            vec![error(429, "{}").insert_header("retry-after-ms", "3"), sse(good())],
            2,
            Ok(FinishReason::Stop),
        ),
        (
            "always 503",
            vec![error(503, r#"{"error":{"message":"overloaded"}}"#)],
            6,
            Err((Scope::Call, "answered 503 (Service Unavailable): overloaded")),
        ),
        (
            "quota",
            vec![error(429, QUOTA)],
            1,
            Err((Scope::Run, "answered 429 (Too Many Requests): You exceeded your current quota")),
        ),
        (
            "asks to wait an hour",
            vec![error(429, "").insert_header("retry-after", "3600")],
            1,
            Err((Scope::Run, "answered 429")),
        ),
        (
            "401",
            vec![error(401, r#"{"error":{"message":"Incorrect API key provided"}}"#)],
            1,
            Err((Scope::Run, "Incorrect API key")),
        ),
        ("403", vec![error(403, "{}")], 1, Err((Scope::Run, "403 (Forbidden)"))),
        (
            "unknown model",
            vec![error(404, r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#)],
            1,
            Err((Scope::Run, "The model does not exist")),
        ),
        (
            "too long",
            vec![error(400, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#)],
            1,
            Err((Scope::Call, "too long")),
        ),
        (
            "told not to repeat",
            vec![error(500, "").insert_header("x-should-retry", "false")],
            1,
            Err((Scope::Call, "500")),
        ),
        (
            "told to repeat",
            vec![error(400, "").insert_header("x-should-retry", "true"), sse(good())],
            2,
            Ok(FinishReason::Stop),
        ),
        (
            "redirect",
            vec![ResponseTemplate::new(307).insert_header("location", "http://elsewhere.example/")],
            1,
            Err((Scope::Run, "307")),
        ),
        ("cut in an event, then well", vec![sse(cut), sse(good())], 2, Ok(FinishReason::Stop)),
        ("204", vec![ResponseTemplate::new(204)], 1, Err((Scope::Call, "127.0.0.1 answered 204 with nothing in it"))),
        (
            "always an empty body",
            vec![ResponseTemplate::new(200)],
            6,
            Err((Scope::Call, "127.0.0.1 answered 200 with nothing in it")),
        ),
        ("empty stream, then well", vec![sse(""), sse("\n\n"), sse(good())], 3, Ok(FinishReason::Stop)),
        ("no [DONE]", vec![sse(no_done)], 1, Ok(FinishReason::Stop)),
        (
            "no finish reason",
            vec![sse(stream(&[r#"{"choices":[{"delta":{"content":"x"}}]}"#]))],
            1,
            Ok(FinishReason::Unsaid),
        ),
        // Ollama once said so with every piece: it is no end, so a stream that stops there was cut.
        (
            "empty finish reasons, cut, then well",
            vec![
                sse("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"\"}]}\n\n"),
                sse(stream(&[r#"{"choices":[{"delta":{"content":"x"},"finish_reason":""}]}"#])),
            ],
            2,
            Ok(FinishReason::Unsaid),
        ),
        ("no usage", vec![sse(no_usage)], 1, Ok(FinishReason::Stop)),
        ("cut at the cap", vec![sse(length)], 1, Ok(FinishReason::Length)),
        (
            "JSON, not a stream",
            vec![ResponseTemplate::new(200).set_body_raw(json, "application/json")],
            1,
            Ok(FinishReason::Stop),
        ),
        (
            "JSON under another name",
            vec![ResponseTemplate::new(200).set_body_raw(json, "text/plain")],
            1,
            Ok(FinishReason::Stop),
        ),
        (
            "JSON error with 200",
            vec![error(200, r#"{"error":{"message":"bad","code":400}}"#)],
            1,
            Err((Scope::Call, "bad")),
        ),
        (
            "web page with 200",
            vec![ResponseTemplate::new(200).set_body_raw("<!doctype html>", "text/html")],
            1,
            Err((Scope::Run, "web page")),
        ),
        (
            "error in the stream, then well",
            vec![sse(in_stream(r#"{"error":{"message":"overloaded","code":502}}"#)), sse(good())],
            2,
            Ok(FinishReason::Stop),
        ),
        ("quota in the stream", vec![sse(in_stream(QUOTA))], 1, Err((Scope::Run, "You exceeded"))),
        ("garbled event, then well", vec![sse(in_stream("{nonsense")), sse(good())], 2, Ok(FinishReason::Stop)),
        (
            "comments of a router",
            vec![sse(format!(": PROCESSING\n\n: PROCESSING\n\n{}", good()))],
            1,
            Ok(FinishReason::Stop),
        ),
    ]
}

/// Each case live and again from its tape: the tape must lead to the same end, without a server.
#[tokio::test]
async fn each_fault_has_its_end_live_and_on_replay() {
    for (name, answers, requests, expected) in cases() {
        let server = server(answers).await;
        let tape = Arc::new(Memory::default());
        let live = ask(&model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)))).await;
        assert_eq!(server.received_requests().await.unwrap().len(), requests as usize, "{name}");
        match (&live, &expected) {
            (Ok(completion), Ok(finish)) => {
                assert_eq!((&completion.finish, completion.requests), (finish, requests), "{name}")
            }
            (Err(error), Err((scope, part))) => {
                assert_eq!((error.scope, error.requests), (*scope, requests), "{name}: {error}");
                assert!(without_port(&error.message).contains(part), "{name}: {error}");
                assert!(!error.message.contains(['{', '\n']), "{name}: {error}");
            }
            (live, expected) => panic!("{name}: {live:?} is not {expected:?}"),
        }
        assert_eq!(tape.lines().len(), requests as usize, "{name}: every exchange is on the tape");
        assert!(tape.lines().iter().all(|line| !line.contains("canary")), "{name}");
        assert!(!format!("{live:?}").contains("canary"), "{name}");

        // The same address, so that messages are the same; nothing is sent there.
        let mut nowhere = config(&server.uri());
        nowhere.api_key = None;
        drop(server);
        let replayed = ask(&model(nowhere, tape.replay(), None)).await;
        assert_eq!(replayed, live, "{name}");
    }
}

#[tokio::test]
async fn a_repeat_is_announced() {
    let server = server(vec![error(500, r#"{"error":{"message":"oops"}}"#), sse(good())]).await;
    let seen = Mutex::new(Vec::new());
    let model = model(config(&server.uri()), Source::Live, None);
    model
        .complete(&request("Task 1"), &|progress| {
            if let Progress::Retrying { reason, attempt, .. } = progress {
                seen.lock().unwrap().push((reason, attempt));
            }
        })
        .await
        .unwrap();
    let seen: Vec<_> =
        seen.into_inner().unwrap().into_iter().map(|(reason, attempt)| (without_port(&reason), attempt)).collect();
    assert_eq!(seen, [("127.0.0.1 answered 500 (Internal Server Error): oops".to_owned(), 1)]);
}

#[tokio::test]
async fn the_time_a_server_asks_for_is_the_least() {
    let server = server(vec![
        error(429, "").insert_header("retry-after-ms", "20").insert_header("retry-after", "60"),
        sse(good()),
    ])
    .await;
    let pause = Mutex::new(Duration::ZERO);
    model(config(&server.uri()), Source::Live, None)
        .complete(&request("Task 1"), &|progress| {
            if let Progress::Retrying { delay, .. } = progress {
                *pause.lock().unwrap() = delay;
            }
        })
        .await
        .unwrap();
    let pause = pause.into_inner().unwrap();
    assert!(pause > Duration::from_millis(20) && pause < Duration::from_secs(1), "{pause:?}");
}

#[tokio::test]
async fn a_refusal_is_no_text() {
    let refusal = stream(&[
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"refusal":"I cannot "}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"refusal":"help."},"finish_reason":"stop"}]}"#,
    ]);
    let server = server(vec![sse(refusal)]).await;
    let completion = ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.refusal.as_deref()), ("", Some("I cannot help.")));
}

#[tokio::test]
async fn nobody_there() {
    // Bound and not listened on for long: the port is free again.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tape = Arc::new(Memory::default());
    let failure =
        ask(&model(config(&format!("http://{address}")), Source::Live, Some(Arc::clone(&tape)))).await.unwrap_err();
    assert_eq!((failure.scope, failure.requests, failure.status), (Scope::Run, 6, None));
    assert!(without_port(&failure.message).starts_with("127.0.0.1 cannot be reached: "), "{failure}");
    assert!(tape.lines().is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_repeated_and_recorded_as_broken() {
    let whole = good();
    // In the middle of an event.
    let first = &whole[..whole.find("Größe").unwrap() + 2];
    let address = raw(vec![(vec![first.to_owned()], Then::Close), (vec![good()], Then::Hang)]).await;
    let tape = Arc::new(Memory::default());
    let live = ask(&model(config(&address), Source::Live, Some(Arc::clone(&tape)))).await.unwrap();
    assert_eq!((live.text.as_str(), live.requests), (GOOD_TEXT, 2));
    let complete: Vec<_> = tape.exchanges().iter().map(|exchange| (exchange.complete, exchange.body.len())).collect();
    assert_eq!(complete, [(false, first.len()), (true, good().len())]);
    assert_eq!(ask(&model(config("http://127.0.0.1:1"), tape.replay(), None)).await.unwrap(), live);
}

#[tokio::test]
async fn a_stream_cut_into_single_bytes_is_read() {
    let pieces = good().chars().map(String::from).collect();
    let address = raw(vec![(pieces, Then::Hang)]).await;
    let completion = ask(&model(config(&address), Source::Live, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.requests), (GOOD_TEXT, 1));
}

#[tokio::test]
async fn silence_is_given_up_and_repeated() {
    let begun = good()
        .split_once("data: [DONE]")
        .unwrap()
        .0
        .split_once("Größe")
        .unwrap()
        .0
        .rsplit_once("data:")
        .unwrap()
        .0
        .to_owned();
    let cases = [
        // Nothing at all; silence before the first text; silence in the middle.
        (vec![], Duration::from_millis(500), Duration::from_secs(60)),
        (vec![": waiting\n\n".to_owned()], Duration::from_millis(500), Duration::from_secs(60)),
        (vec![begun], Duration::from_secs(60), Duration::from_millis(500)),
    ];
    for (pieces, first_token, idle) in cases {
        let address = raw(vec![(pieces, Then::Hang), (vec![good()], Then::Hang)]).await;
        let mut config = config(&address);
        config.timeouts.first_token = first_token;
        config.timeouts.idle = idle;
        let completion = ask(&model(config, Source::Live, None)).await.unwrap();
        assert_eq!((completion.text.as_str(), completion.requests), (GOOD_TEXT, 2));
    }
}

#[tokio::test]
async fn a_model_may_think_longer_than_a_stream_may_pause() {
    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    let pieces = [PAUSE, role, PAUSE, &good()].map(str::to_owned).to_vec();
    let address = raw(vec![(pieces, Then::Hang)]).await;
    let mut config = config(&address);
    config.timeouts.idle = Duration::from_millis(10);
    assert_eq!(ask(&model(config, Source::Live, None)).await.unwrap().requests, 1);
}

#[tokio::test]
async fn a_call_has_an_end_and_what_came_is_kept() {
    let begun = stream(&[r#"{"choices":[{"delta":{"content":"paid for"}}]}"#]).replace("data: [DONE]\n\n", "");
    let address = raw(vec![(vec![begun.clone()], Then::Hang)]).await;
    let mut config = config(&address);
    config.timeouts.call = Duration::from_millis(200);
    let tape = Arc::new(Memory::default());
    let failure = ask(&model(config, Source::Live, Some(Arc::clone(&tape)))).await.unwrap_err();
    assert_eq!((failure.scope, failure.requests), (Scope::Call, 1));
    assert!(failure.message.contains("had not answered after"), "{failure}");
    while tape.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!((tape.exchanges()[0].complete, tape.exchanges()[0].body.as_str()), (false, begun.as_str()));
}

/// The exchanges that the bill hears of: status, and whether anything is known of the cost.
async fn billed(config: ModelConfig, patience: Duration) -> Vec<(u16, bool)> {
    let told = Mutex::new(Vec::new());
    let note = |progress| {
        if let Progress::Exchanged(exchanged) = progress {
            assert!(exchanged.sent);
            told.lock().unwrap().push((exchanged.status, exchanged.usage.is_some()));
        }
    };
    let (model, request) = (model(config, Source::Live, None), request("Task"));
    let _ = tokio::time::timeout(patience, model.complete(&request, &note)).await;
    told.into_inner().unwrap()
}

#[tokio::test]
async fn a_request_that_is_given_up_is_on_the_bill() {
    let (long, short) = (Duration::from_secs(60), Duration::from_millis(200));
    let begun = stream(&[r#"{"choices":[{"delta":{"content":"paid for"}}]}"#]).replace("data: [DONE]\n\n", "");
    // Connections are taken, and nothing is ever answered.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (pieces, status) in [(None, 0), (Some(vec![]), 200), (Some(vec![begun]), 200)] {
        // Given up by the timeout of silence, by that of the call, and by whoever waited.
        for (silence, call, patience) in [(short, long, long), (long, short, long), (long, long, short)] {
            let address = match &pieces {
                None => format!("http://{}", mute.local_addr().unwrap()),
                Some(pieces) => raw(vec![(pieces.clone(), Then::Hang)]).await,
            };
            let mut config = config(&address);
            config.retry.max_retries = 0;
            (config.timeouts.first_token, config.timeouts.idle, config.timeouts.call) = (silence, silence, call);
            assert_eq!(billed(config, patience).await, [(status, false)], "{silence:?} {call:?} {patience:?}");
        }
    }
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = config(&format!("http://{address}"));
    config.retry.max_retries = 0;
    assert_eq!(billed(config, long).await, [], "what never was sent costs nothing");
}

#[tokio::test]
async fn a_finished_answer_is_used_though_its_stream_never_ends() {
    let finished = good().split_once("data: [DONE]").unwrap().0.to_owned();
    let address = raw(vec![(vec![finished], Then::Close)]).await;
    let completion = ask(&model(config(&address), Source::Live, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.requests), (GOOD_TEXT, 1));
}

#[tokio::test]
async fn an_endless_answer_is_bounded() {
    let huge = stream(&[&format!(r#"{{"choices":[{{"delta":{{"content":"{}"}}}}]}}"#, "x".repeat(100_000))]);
    for answer in [sse(huge), error(200, &format!(r#"{{"x":"{}"}}"#, "x".repeat(100_000)))] {
        let server = server(vec![answer]).await;
        let mut config = config(&server.uri());
        config.max_response_bytes = 20_000;
        let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
        assert_eq!((failure.scope, failure.requests), (Scope::Call, 1));
        assert_eq!(without_port(&failure.message), "the answer of 127.0.0.1 is larger than 20000 bytes");
    }
}

#[tokio::test]
async fn a_huge_error_is_still_an_error() {
    let server = server(vec![error(400, &"x".repeat(3_000_000))]).await;
    let failure = ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap_err();
    assert_eq!((failure.status, failure.scope), (Some(400), Scope::Call));
    assert!(failure.message.chars().count() < 400);
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_taken_out() {
    let echo = format!(r#"{{"error":{{"message":"Bad key {CANARY} and gateway-canary-77"}}}}"#);
    let server = server(vec![error(401, &echo)]).await;
    let tape = Arc::new(Memory::default());
    let model = model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)));
    let failure = ask(&model).await.unwrap_err();
    assert!(failure.message.contains("Bad key *** and ***"), "{failure}");
    assert!(!tape.lines()[0].contains("canary"));
    assert!(!format!("{model:?} {:?}", config(&server.uri())).contains("canary"));
}

#[tokio::test]
async fn a_server_that_refuses_stream_options_is_asked_without_once() {
    let refused =
        error(422, r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"]}]}"#);
    let server = server(vec![refused, sse(good())]).await;
    let tape = Arc::new(Memory::default());
    let model = model(config(&server.uri()), Source::Live, Some(Arc::clone(&tape)));
    for _ in 0..2 {
        assert_eq!(ask(&model).await.unwrap().text, GOOD_TEXT);
    }
    let asked: Vec<bool> = bodies(&server).await.iter().map(|body| body.get("stream_options").is_some()).collect();
    assert_eq!(asked, [true, false, false]);
    let replayed = self::model(config("http://127.0.0.1:9"), tape.replay(), None);
    assert_eq!(ask(&replayed).await.unwrap().text, GOOD_TEXT);
}

#[tokio::test]
async fn a_byte_order_mark_in_pieces_and_a_stop_with_every_piece() {
    let piece = |text: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}]}}\n\n")
    };
    // A connection that breaks is no end, whatever the pieces said; the request is repeated.
    let broken = (vec![piece("one "), piece("two")], Then::Close);
    let address = raw(vec![broken, (vec![good()], Then::Close)]).await;
    let completion = ask(&model(config(&address), Source::Live, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.requests), (GOOD_TEXT, 2));
    let server = server(vec![sse(format!("\u{feff}{}", good()))]).await;
    let completion = ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.usage.map(|usage| usage.output)), (GOOD_TEXT, Some(30)));
    // A body that ends without `[DONE]` after such pieces is used, and nothing says that it is whole.
    let server = self::server(vec![sse(piece("one ") + &piece("two"))]).await;
    let completion = ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.finish), ("one two", FinishReason::Unsaid));
}
