//! The reader of event streams: wherever the network cuts them, the events are those that the standard finds in the
//! whole.

use std::hint::black_box;

use planwave::model::answer_text;

use super::{about, kind};
use crate::{
    drive::Target,
    mutate::Random,
    sse::{self, Events},
};

pub(super) const TARGET: Target = Target {
    name: "stream",
    more: &[],
    tokens: &[
        "data: ",
        "data:",
        "data",
        "event: ping\n",
        "event:keepalive\n",
        "id: 1\n",
        "retry: 3\n",
        ": comment\n",
        "\n\n",
        "\r\n\r\n",
        "\r\r",
        "data: [DONE]\n\n",
        "[DONE]",
        "{\"choices\":[",
        "{\"delta\":{\"content\":\"x\"}}",
        "]}",
        "\"finish_reason\":\"stop\"",
        "\"usage\":{\"prompt_tokens\":1}",
        "{\"error\":{\"message\":\"m\"}}",
        "<html>",
        "{\"choices\":[{\"message\":{\"content\":\"whole\"}}]}",
        "\\ud800",
        "\\u0000",
        "\u{feff}",
        " ",
    ],
    cases: 2_000,
    check,
    read,
    frame: ("data: {\"choices\":[{\"delta\":{\"content\":\"", "\"}}]}\n\n"),
};

#[test]
fn streams() {
    TARGET.run();
}

fn read(body: &[u8]) {
    let mut events = Events::default();
    for end in (0..body.len()).step_by(1_000) {
        while black_box(events.next(&body[..end])).is_some() {}
        black_box(sse::has_done(&body[..end], 1_000));
    }
    black_box(events.rest(body));
    black_box(answer_text(&String::from_utf8_lossy(body)));
}

fn check(body: &[u8]) -> u64 {
    let expected = by_the_standard(body);
    let mut random = Random::of(body);
    let most = 1 + random.below(64);
    let (mut events, mut found, mut done) = (Events::default(), Vec::new(), false);
    let mut end = 0;
    while end < body.len() {
        let piece = (1 + random.below(most)).min(body.len() - end);
        end += piece;
        while let Some(data) = events.next(&body[..end]) {
            found.push(data.into_owned());
        }
        done |= sse::has_done(&body[..end], piece);
    }
    found.extend(events.rest(body).map(std::borrow::Cow::into_owned));
    assert_eq!(found, expected);
    assert!(done || !sse::has_done(body, body.len()), "the end was not seen");
    assert_eq!(events.rest(body), None);

    let text = String::from_utf8_lossy(body);
    assert!(sse::events_with(&text, "\"usage\"").all(|data| data.contains("\"usage\"")));
    let answer = answer_text(&text);
    assert!(answer.as_ref().is_none_or(|answer| !answer.is_empty()));
    let first = sse::first_byte(body).map(|byte| (byte == b'{', byte == b'<'));
    kind((about(found.len()), done, first, answer.map(|answer| about(answer.len()))))
}

/// "Interpreting an event stream" of the HTML standard for `data` and `event`, as simple as can be, and with what
/// planwave adds: an event at the end needs no blank line, keep-alives and `[DONE]` are none.
fn by_the_standard(body: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut found = Vec::new();
    let (mut data, mut idle) = (Vec::<&[u8]>::new(), false);
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, behind) = rest.split_at(end);
        rest = behind.strip_prefix(b"\r\n").unwrap_or_else(|| behind.get(1..).unwrap_or_default());
        if let Some(value) = line.strip_prefix(b"data:") {
            data.push(value.strip_prefix(b" ").unwrap_or(value));
        } else if let Some(value) = line.strip_prefix(b"event:") {
            idle = matches!(value.trim_ascii(), b"ping" | b"keepalive");
        }
        if line.is_empty() || rest.is_empty() {
            let event = std::mem::take(&mut data).join(&b'\n');
            let said = event.trim_ascii();
            if !std::mem::take(&mut idle) && !said.is_empty() && said != b"[DONE]" {
                found.push(event);
            }
        }
    }
    found
}
