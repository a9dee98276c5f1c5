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

use super::{FinishReason, Usage, frame::Frame, provider::ProviderError};

/// One piece of a streamed answer, or a whole answer of a server that does not stream. Only what is used is kept, and
/// text is borrowed where it holds no escapes: an answer comes in hundreds of pieces.
#[derive(Debug, Default, Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

impl<'a> Chunk<'a> {
    /// The text, where the piece brings nothing else.
    fn only_text(&self) -> Option<&'a str> {
        let Self { choices, usage: None, error: None } = self else { return None };
        let [Choice { index: None | Some(0), delta: Some(delta), message: None, finish_reason: None, error: None }] =
            choices.as_deref()?
        else {
            return None;
        };
        match delta {
            Piece { content: Some(Text(Cow::Borrowed(text))), refusal: None } => Some(text),
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
    /// OpenRouter reports what broke off behind it here.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Piece<'a> {
    #[serde(default, borrow)]
    content: Option<Text<'a>>,
    #[serde(default, borrow)]
    refusal: Option<Text<'a>>,
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
    pub(super) usage: Option<Usage>,
    /// Characters of `text`.
    pub(super) chars: usize,
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
        let chunk: Chunk<'_> = match serde_json::from_str(data) {
            Ok(chunk) => chunk,
            // A list of errors, say.
            Err(_) => return error_in(data).map_or(Err(Unreadable), |error| Ok(Err(error))),
        };
        if chunk.choices.is_none() && chunk.usage.is_none() {
            return Ok(error_in(data).map_or(Ok(()), Err));
        }
        if let Some(text) = chunk.only_text() {
            self.frame.learn(data, text);
        }
        Ok(self.add(chunk))
    }

    fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.chars += text.chars().count();
    }

    /// Adds a piece; the error is one that the server reports in the stream.
    fn add(&mut self, chunk: Chunk<'_>) -> Result<(), ProviderError> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(ProviderError::from_value(&error));
        }
        if let Some(usage) = chunk.usage.as_ref().and_then(usage_of) {
            // Some servers send running totals with every piece: the last one counts.
            self.usage = Some(usage);
        }
        let Some(choices) = chunk.choices else { return Ok(()) };
        for choice in choices.into_iter().filter(|choice| matches!(choice.index, None | Some(0))) {
            if let Some(error) = choice.error.filter(|error| !error.is_null()) {
                return Err(ProviderError::from_value(&error));
            }
            if let Some(piece) = choice.delta.or(choice.message) {
                if let Some(Text(content)) = &piece.content {
                    self.add_text(content);
                }
                if let Some(Text(refusal)) = &piece.refusal {
                    self.refusal.push_str(refusal);
                }
            }
            if let Some(Value::String(reason)) = choice.finish_reason {
                self.finish = FinishReason::read(&reason).or(self.finish.take());
            }
        }
        Ok(())
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

/// A provider's `usage` object; `None` where it has no counts.
pub(super) fn usage_of(usage: &Value) -> Option<Usage> {
    let count = |path: &str| -> Option<u64> {
        let value = usage.pointer(path)?;
        // Some servers count in floats.
        value.as_u64().or_else(|| value.as_f64().filter(|count| *count >= 0.0).map(|count| count as u64))
    };
    let (input, output) = (count("/prompt_tokens"), count("/completion_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
        input: input.unwrap_or_default(),
        cached: count("/prompt_tokens_details/cached_tokens").unwrap_or_default(),
        output: output.unwrap_or_default(),
        reasoning: count("/completion_tokens_details/reasoning_tokens").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        assert_eq!(answer.usage, Some(Usage { input: 12, cached: 8, output: 7, reasoning: 0 }));
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
                prop_assert_eq!((&framed.finish, framed.usage), (&plain.finish, plain.usage));
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
    fn usage_without_counts_is_no_usage() {
        for usage in ["null", "{}", r#"{"prompt_tokens":"many"}"#, "3"] {
            assert_eq!(usage_of(&serde_json::from_str(usage).unwrap()), None);
        }
    }
}
