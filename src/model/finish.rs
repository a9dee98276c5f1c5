//! Why a model stopped, in the words of many servers. Pure.
//!
//! OpenAI's words are four; compatible servers and gateways pass on those of the API behind them. What is not known here
//! is no clean end: it must never be taken for one.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde::{Deserialize, Serialize};

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The one clean end.
    Stop,
    /// Cut at the token cap.
    Length,
    /// Stopped by the provider's filter.
    ContentFilter,
    /// The answer came to its end, and the server did not say why.
    Unsaid,
    /// Something else, in the server's word: an error, a call of a tool, what nobody knows.
    Other(String),
}

/// Words for a clean end: OpenAI's; Anthropic's and Bedrock's `end_turn` and `stop_sequence`; `eos_token` of Text
/// Generation Inference and watsonx; `eos` of Together; Cohere's `COMPLETE`.
const CLEAN: [&str; 6] = ["stop", "endturn", "stopsequence", "eostoken", "eos", "complete"];

/// Words for a cut at a limit of tokens: OpenAI's (the last but one from its Responses API); `max_tokens` of Anthropic,
/// Bedrock, Gemini and Cohere; Mistral's `model_length`; Anthropic's for the end of the context.
const CUT: [&str; 5] = ["length", "maxtokens", "modellength", "maxoutputtokens", "modelcontextwindowexceeded"];

/// Words for an answer that was held back: OpenAI's; Anthropic's `refusal`; Bedrock's `content_filtered` and
/// `guardrail_intervened`; Gemini's `SAFETY`, `RECITATION`, `BLOCKLIST`, `PROHIBITED_CONTENT` and `SPII`; Cohere's
/// `ERROR_TOXIC`; Zhipu's `sensitive`.
const HELD_BACK: [&str; 11] = [
    "contentfilter",
    "refusal",
    "contentfiltered",
    "guardrailintervened",
    "safety",
    "recitation",
    "blocklist",
    "prohibitedcontent",
    "spii",
    "errortoxic",
    "sensitive",
];

impl FinishReason {
    /// Reads a `finish_reason`. `None` where it says nothing: older Ollama and SGLang send an empty text, others the
    /// word `null`, with every piece of an answer that goes on.
    pub(super) fn read(word: &str) -> Option<Self> {
        // `max_tokens`, `MAX_TOKENS` and `maxTokens` are one word.
        let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let plain = plain.as_str();
        if word.trim().is_empty() || plain == "null" {
            return None;
        }
        Some(if CLEAN.contains(&plain) {
            Self::Stop
        } else if CUT.contains(&plain) {
            Self::Length
        } else if HELD_BACK.contains(&plain) {
            Self::ContentFilter
        } else {
            Self::Other(word.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_servers() {
        use FinishReason::{ContentFilter, Length, Stop};
        let cases: [(&[&str], Option<FinishReason>); 4] = [
            (&["stop", "STOP", " stop ", "end_turn", "stop_sequence", "eos", "eos_token", "COMPLETE"], Some(Stop)),
            (
                &["length", "max_tokens", "MAX_TOKENS", "maxTokens", "model_length", "model_context_window_exceeded"],
                Some(Length),
            ),
            (
                &["content_filter", "content-filter", "SAFETY", "refusal", "guardrail_intervened", "RECITATION"],
                Some(ContentFilter),
            ),
            (&["", " ", "null"], None),
        ];
        for (words, expected) in cases {
            for word in words {
                assert_eq!(FinishReason::read(word), expected, "{word:?}");
            }
        }
        // Part of a known word is not the word, and what is unknown is kept as it came.
        for word in ["error", "tool_calls", "function_call", "tool_use", "abort", "pause_turn", "stopped", "…", "OTHER"]
        {
            assert_eq!(FinishReason::read(word), Some(FinishReason::Other(word.to_owned())));
        }
    }
}
