//! Putting an answer together from the pieces of a stream. Pure.
//!
//! Servers differ, so everything here is optional and what is unknown is passed over; a field of an odd type must not
//! cost an answer that was paid for.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{FinishReason, frame::Frame, provider::ProviderError, surrogates, usage::Reported};

/// One piece of a streamed answer, or a whole answer of a server that does not stream. Only what is used is kept, and
/// text is borrowed where it holds no escapes: an answer comes in hundreds of pieces.
#[derive(Debug, Default, Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<Value>,
    /// Groq's extension, with the usage in it.
    #[serde(default)]
    x_groq: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

impl<'a> Chunk<'a> {
    /// The text, where the piece brings nothing else.
    fn only_text(&self) -> Option<&'a str> {
        let Self { choices, usage: None, x_groq: None, error: None } = self else { return None };
        let [
            Choice {
                index: None | Some(0),
                delta: Some(delta),
                message: None,
                finish_reason: None,
                native_finish_reason: None,
                usage: None,
                error: None,
            },
        ] = choices.as_deref()?
        else {
            return None;
        };
        match delta {
            Piece { content: Some(Text(Cow::Borrowed(text))), refusal: None, usage: None } => Some(text),
            Piece { .. } => None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<i64>,
    /// In a stream.
    #[serde(default, borrow)]
    delta: Option<Piece<'a>>,
    /// In a whole answer.
    #[serde(default, borrow)]
    message: Option<Piece<'a>>,
    #[serde(default)]
    finish_reason: Option<Value>,
    /// What the API behind a router said; the router's own word may be `stop` all the same.
    #[serde(default)]
    native_finish_reason: Option<Value>,
    /// Moonshot's place for it.
    #[serde(default)]
    usage: Option<Value>,
    /// OpenRouter reports what broke off behind it here.
    #[serde(default)]
    error: Option<Value>,
}

impl Choice<'_> {
    /// Why the model stopped. A limit or a filter that the API behind a router names outweighs the router's `stop`.
    fn finish(&self) -> Option<FinishReason> {
        let read = |word: &Option<Value>| FinishReason::read(word.as_ref()?.as_str()?);
        let said = read(&self.finish_reason);
        match (said, read(&self.native_finish_reason)) {
            (Some(FinishReason::Stop), Some(native @ (FinishReason::Length | FinishReason::ContentFilter))) => {
                Some(native)
            }
            (said, _) => said,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Piece<'a> {
    #[serde(default, borrow)]
    content: Option<Text<'a>>,
    #[serde(default, borrow)]
    refusal: Option<Text<'a>>,
    #[serde(default)]
    usage: Option<Value>,
}

impl Piece<'_> {
    fn has_text(&self) -> bool {
        [&self.content, &self.refusal].into_iter().flatten().any(|Text(text)| !text.is_empty())
    }
}

/// Text, or a list of parts with text; whatever else a server may send is no text.
#[derive(Debug, Default)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut all = String::new();
        while let Some(Text(part)) = parts.next_element()? {
            all.push_str(&part);
        }
        Ok(Cow::Owned(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut text = Cow::default();
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            if name == "text" {
                let Text(found) = fields.next_value()?;
                text = found;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(text)
    }
}

/// The data of an event is no JSON of the shape of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// An answer so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) refusal: String,
    pub(super) finish: Option<FinishReason>,
    /// What the server counted.
    pub(super) reported: Option<Reported>,
    /// Characters of `text`.
    pub(super) chars: usize,
    /// Whether text came behind a `finish_reason`: a server that says `stop` with every piece says nothing.
    went_on: bool,
    /// Whether halves of characters came, so that there are placeholders in the text.
    halves: bool,
    /// What stood around the last text.
    frame: Frame,
}

impl Answer {
    /// Adds the data of one event. The outer error says that it is no JSON, the inner one is the server's own.
    pub(super) fn read(&mut self, data: &[u8]) -> Result<Result<(), ProviderError>, Unreadable> {
        if let Some(text) = self.frame.text(data) {
            self.add_text(&text);
            return Ok(Ok(()));
        }
        // Checked as a whole, which is quicker than each of its strings on its own.
        let data = std::str::from_utf8(data).map_err(|_| Unreadable)?;
        let mended;
        let mut data = data;
        let mut read: Result<Chunk<'_>, _> = serde_json::from_str(data);
        if read.is_err()
            && let Some(whole) = surrogates::mend(data)
        {
            self.halves = true;
            mended = whole;
            data = &mended;
            read = serde_json::from_str(data);
        }
        // A list of errors, say.
        let Ok(chunk) = read else { return error_in(data).map_or(Err(Unreadable), |error| Ok(Err(error))) };
        if chunk.choices.is_none() && chunk.usage.is_none() && chunk.x_groq.is_none() {
            return Ok(error_in(data).map_or(Ok(()), Err));
        }
        if let Some(text) = chunk.only_text() {
            self.frame.learn(data, text);
        }
        Ok(self.add(chunk))
    }

    fn add_text(&mut self, text: &str) {
        self.went_on |= self.finish.is_some() && !text.is_empty();
        if self.halves {
            surrogates::append(&mut self.text, text);
        } else {
            self.text.push_str(text);
        }
        self.chars += text.chars().count();
    }

    /// Adds a piece; the error is one that the server reports in the stream.
    fn add(&mut self, chunk: Chunk<'_>) -> Result<(), ProviderError> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(ProviderError::from_value(&error));
        }
        self.count(chunk.usage.as_ref());
        self.count(chunk.x_groq.as_ref().and_then(|extension| extension.get("usage")));
        let Some(choices) = chunk.choices else { return Ok(()) };
        for mut choice in choices.into_iter().filter(|choice| matches!(choice.index, None | Some(0))) {
            if let Some(error) = choice.error.take().filter(|error| !error.is_null()) {
                return Err(ProviderError::from_value(&error));
            }
            self.count(choice.usage.as_ref());
            let finish = choice.finish();
            if let Some(piece) = choice.delta.or(choice.message) {
                self.count(piece.usage.as_ref());
                self.went_on |= self.finish.is_some() && piece.has_text();
                if let Some(Text(content)) = &piece.content {
                    self.add_text(content);
                }
                if let Some(Text(refusal)) = &piece.refusal {
                    self.refusal.push_str(refusal);
                }
            }
            self.finish = finish.or(self.finish.take());
        }
        Ok(())
    }

    fn count(&mut self, usage: Option<&Value>) {
        let Some(more) = usage.and_then(Reported::read) else { return };
        self.reported = Some(self.reported.map_or(more, |before| before.and(more)));
    }

    /// Whether the server's `finish_reason` tells that the answer is whole. One that comes with every piece does not.
    pub(super) fn has_ended(&self) -> bool {
        self.finish.is_some() && !self.went_on
    }

    /// No more comes: what a half of a character waited for will not. `done` says that the stream came to `[DONE]`, which
    /// makes up for a `finish_reason` that says nothing.
    pub(super) fn close(&mut self, done: bool) {
        if self.halves {
            self.text = surrogates::settle(&self.text);
            self.refusal = surrogates::settle(&self.refusal);
        }
        if self.went_on && !done {
            self.finish = None;
        }
    }

    /// Whether anything of the answer has come.
    pub(super) fn has_begun(&self) -> bool {
        !self.text.is_empty() || !self.refusal.is_empty()
    }
}

/// The error that stands in the place of an answer, in any of the forms that errors have. `None` where there is none.
fn error_in(data: &str) -> Option<ProviderError> {
    let error = ProviderError::from_value(&serde_json::from_str(data).ok()?);
    (!error.is_silent()).then_some(error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Usage, usage::PLACES};

    /// Pieces of many kinds, with and without something beside their text.
    const TEMPLATES: [&str; 10] = [
        r#"{"created":CREATED,"choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":TEXT}}],"usage":null}"#,
        r#"{"choices":[{"index":CREATED,"delta":{"content":TEXT}}]}"#,
        r#"{"choices":[{"delta":{"content":TEXT},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"delta":{"content":TEXT}}],"usage":{"prompt_tokens":1,"completion_tokens":CREATED}}"#,
        r#"{"choices":[{"delta":{"content":TEXT,"refusal":"no"}}]}"#,
        r#"{"choices":[{"delta":{"content":[{"type":"text","text":TEXT},{"text":TEXT}]}}]}"#,
        r#"{"choices":[{"delta":{"content":{"text":"x","text":TEXT}}}]}"#,
        r#"{"choices":[{"delta":{"content":TEXT}},{"delta":{"content":TEXT}}]}"#,
        r#"{"error":TEXT,"choices":[{"delta":{"content":TEXT}}]}"#,
    ];

    fn answer(chunks: &[&str]) -> Result<Answer, ProviderError> {
        let mut answer = Answer::default();
        for chunk in chunks {
            answer.read(chunk.as_bytes()).unwrap()?;
        }
        Ok(answer)
    }

    #[test]
    fn pieces_of_many_servers_make_an_answer() {
        let answer = answer(&[
            r#"{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"delta":{"content":"Größe"}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"of another choice"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":" ok"}],"reasoning_content":"hidden"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"new_field":{"a":1}}"#,
            r#"{"choices":null}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7.0,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":null}}"#,
        ])
        .unwrap();
        assert_eq!((answer.text.as_str(), answer.chars), ("Größe ok", 8));
        assert_eq!(answer.finish, Some(FinishReason::Stop));
        let usage = answer.reported.map(Reported::usage);
        assert_eq!(usage, Some(Usage { input: 12, cached: 8, output: 7, reasoning: 0, at_least: false }));
    }

    proptest! {
        #[test]
        fn a_frame_changes_nothing(
            pieces in prop::collection::vec((0..TEMPLATES.len(), "[a-z \"\\\\\n\u{e9}]{0,4}", 0..2_u8), 0..20),
        ) {
            let (mut framed, mut plain) = (Answer::default(), Answer::default());
            for (template, text, created) in pieces {
                let data = TEMPLATES[template].replace("TEXT", &serde_json::to_string(&text).unwrap());
                let data = data.replace("CREATED", &created.to_string());
                let expected = plain.add(serde_json::from_str(&data).unwrap());
                prop_assert_eq!(framed.read(data.as_bytes()).unwrap().is_ok(), expected.is_ok());
                prop_assert_eq!((&framed.text, &framed.refusal, framed.chars), (&plain.text, &plain.refusal, plain.chars));
                prop_assert_eq!((&framed.finish, framed.reported, framed.went_on), (&plain.finish, plain.reported, plain.went_on));
            }
        }
    }

    #[test]
    fn finish_reasons() {
        let cases = [
            ("length", FinishReason::Length),
            ("content_filter", FinishReason::ContentFilter),
            ("max_tokens", FinishReason::Length),
            ("tool_calls", FinishReason::Other("tool_calls".to_owned())),
        ];
        for (reason, expected) in cases {
            let chunk = format!(r#"{{"choices":[{{"finish_reason":"{reason}"}}]}}"#);
            assert_eq!(answer(&[&chunk]).unwrap().finish, Some(expected));
        }
    }

    #[test]
    fn errors_in_a_stream() {
        let cases = [
            (r#"{"error":{"message":"overloaded","code":502}}"#, "overloaded", Some(502)),
            (r#"{"error":"out of memory"}"#, "out of memory", None),
            (r#"{"object":"error","message":"too long","code":400}"#, "too long", Some(400)),
        ];
        for (chunk, message, status) in cases {
            let error = answer(&[chunk]).unwrap_err();
            assert_eq!((error.message.as_str(), error.status), (message, status));
        }
    }

    #[test]
    fn usage_is_found_where_servers_put_it() {
        let counts = r#"{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}"#;
        for place in [
            r#"{"choices":[],"usage":COUNTS}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop","usage":COUNTS}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"","usage":COUNTS}}]}"#,
            r#"{"choices":[{"message":{"content":"","usage":COUNTS}}]}"#,
            r#"{"choices":[],"x_groq":{"id":"req_1","usage":COUNTS}}"#,
        ] {
            let chunk = place.replace("COUNTS", counts);
            let usage = answer(&[&chunk]).unwrap().reported.map(Reported::usage);
            assert_eq!(usage.map(|usage| (usage.input, usage.output)), Some((12, 7)), "{place}");
            // The tape's reader goes by the same places.
            let value: Value = serde_json::from_str(&chunk).unwrap();
            assert!(PLACES.iter().any(|place| value.pointer(place).is_some_and(|it| it["total_tokens"] == 19)));
        }
        for usage in ["null", "{}", r#"{"prompt_tokens":"many"}"#, "3"] {
            assert_eq!(answer(&[&format!(r#"{{"choices":[],"usage":{usage}}}"#)]).unwrap().reported, None);
        }
    }

    #[test]
    fn a_limit_behind_a_router_outweighs_its_word() {
        for (said, native, expected) in [
            (r#""stop""#, r#""MAX_TOKENS""#, Some(FinishReason::Length)),
            (r#""stop""#, r#""SAFETY""#, Some(FinishReason::ContentFilter)),
            (r#""stop""#, r#""STOP""#, Some(FinishReason::Stop)),
            (r#""stop""#, r#""completed""#, Some(FinishReason::Stop)),
            (r#""length""#, r#""stop""#, Some(FinishReason::Length)),
            ("null", "null", None),
            (r#""stop""#, "7", Some(FinishReason::Stop)),
        ] {
            let chunk = format!(r#"{{"choices":[{{"finish_reason":{said},"native_finish_reason":{native}}}]}}"#);
            assert_eq!(answer(&[&chunk]).unwrap().finish, expected, "{said} {native}");
        }
    }

    #[test]
    fn a_reason_with_every_piece_says_nothing() {
        let piece =
            |text: &str| format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}},"finish_reason":"stop"}}]}}"#);
        let usage = r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        for (chunks, ended) in [
            (vec![piece("all")], true),
            (vec![piece("all"), usage.to_owned()], true),
            (vec![piece("a"), piece("b")], false),
            (vec![r#"{"choices":[{"delta":{"content":"a"}}]}"#.to_owned(), piece("b")], true),
        ] {
            let mut answer = answer(&chunks.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            assert_eq!(answer.has_ended(), ended, "{chunks:?}");
            answer.close(true);
            assert_eq!(answer.finish, Some(FinishReason::Stop));
            answer.close(false);
            assert_eq!(answer.finish.is_some(), ended);
        }
    }

    #[test]
    fn halves_of_a_character_in_two_events_are_one() {
        let mut answer = Answer::default();
        for text in [r"This \ud83d", r"\ude80 part \ud83d", "é"] {
            answer.read(format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#).as_bytes()).unwrap().unwrap();
        }
        answer.close(true);
        assert_eq!(answer.text, "This 🚀 part \u{fffd}é");
    }
}
