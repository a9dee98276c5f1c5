//! The numbers in a refusal of size: what a model or a limit has room for, and what was asked for. Pure.
//!
//! No server has fields for them, so they are looked up beside the words that servers put around them. It must not decide
//! whether a message is such a refusal: that is `provider`.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// The smallest cap on output tokens that a document is asked for with.
pub(super) const SMALLEST_CAP: u64 = 1_024;
/// Tokens between what was counted and the window: chat formats add some that servers do not count the same way twice.
const MARGIN: u64 = 32;

/// Sizes in tokens, as far as a server told them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Prompt and answer together.
    pub(super) window: Option<u64>,
    /// The longest prompt, where that has a bound of its own.
    pub(super) longest_prompt: Option<u64>,
    /// The largest cap on output tokens that is taken.
    pub(super) largest_cap: Option<u64>,
    /// The prompt that was sent.
    pub(super) prompt: Option<u64>,
    /// The tokens a minute that are allowed.
    pub(super) per_minute: Option<u64>,
    /// What of them this request would have taken.
    pub(super) requested: Option<u64>,
}

/// Where a number stands.
enum At {
    /// Right behind the words.
    Behind(&'static str),
    /// Right before the words.
    Before(&'static str),
}
use At::{Before, Behind};

/// OpenAI and what repeats its words, vLLM, TGI, Anthropic, llama.cpp, Mistral.
const WINDOW: [At; 9] = [
    Behind("maximum context length is "),
    Behind("maximum context length of "),
    Before(" maximum context length"),
    Behind("context window of "),
    Behind("context length of "),
    Behind("available context size ("),
    Behind("`max_new_tokens` must be <= "),
    Before(" maximum context window"),
    Before(", decrease input length or `max_tokens`"),
];
/// xAI, Gemini, Anthropic.
const LONGEST_PROMPT: [At; 3] =
    [Behind("maximum prompt length is "), Behind("maximum number of tokens allowed ("), Behind(" tokens > ")];
/// OpenAI, DeepSeek, Groq, Anthropic.
const LARGEST_CAP: [At; 5] = [
    Behind("this model supports at most "),
    Behind("valid range of max_tokens is [1, "),
    Behind("`max_tokens` must be less than or equal to `"),
    Behind("max_tokens must be less than or equal to "),
    Before(", which is the maximum allowed number of output tokens"),
];
/// vLLM, OpenAI, OpenRouter, TGI, Anthropic, llama.cpp, Mistral.
const PROMPT: [At; 9] = [
    Before(" input tokens"),
    Before(" in the messages"),
    Before(" of text input"),
    Before(" `inputs` tokens"),
    Behind("exceed context limit: "),
    Behind("request ("),
    Behind("prompt contains "),
    Behind("prompt is too long: "),
    Behind("input token count ("),
];
/// OpenAI and Groq.
const PER_MINUTE: [At; 2] = [Behind("(tpm): limit "), Behind("tokens per min: limit ")];
const REQUESTED: [At; 1] = [Behind(", requested ")];

impl Sizes {
    /// Reads a message in lower case.
    pub(super) fn read(text: &str) -> Self {
        let find = |places: &[At]| places.iter().find_map(|place| place.number(text));
        Self {
            window: find(&WINDOW),
            longest_prompt: find(&LONGEST_PROMPT),
            largest_cap: find(&LARGEST_CAP),
            prompt: find(&PROMPT),
            per_minute: find(&PER_MINUTE),
            requested: find(&REQUESTED),
        }
    }

    /// Whether one request would take more tokens than a minute has, which no wait cures.
    pub(super) fn is_beyond_a_minute(&self) -> bool {
        self.per_minute.zip(self.requested).is_some_and(|(limit, requested)| requested > limit)
    }

    /// The cap on output tokens with which a prompt of about `prompt` tokens fits, where it is smaller than `cap` and large
    /// enough for a document.
    pub(super) fn fitting_cap(&self, prompt: u64, cap: u64) -> Option<u64> {
        // A small cap of the user's own is meant.
        let least = SMALLEST_CAP.min(cap / 2).max(1);
        let beside = |prompt: u64| {
            let room = self.window.map_or(u64::MAX, |window| window.saturating_sub(prompt.saturating_add(MARGIN)));
            room.min(self.largest_cap.unwrap_or(u64::MAX))
        };
        // Our count is an upper bound. It comes first, so that the same prompt gets the same cap whether its own refusal or
        // another's told the window.
        let counted = std::iter::once(prompt).chain(self.prompt);
        counted.map(beside).find(|fitting| (least..cap).contains(fitting))
    }

    /// What of both holds for every request.
    pub(super) fn and(self, other: Self) -> Self {
        let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        let (window, largest_cap) = (least(self.window, other.window), least(self.largest_cap, other.largest_cap));
        Self { window, largest_cap, ..Self::default() }
    }
}

impl At {
    fn number(&self, text: &str) -> Option<u64> {
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, ',' | '_');
        let digits = match self {
            Self::Behind(words) => {
                let rest = &text[text.find(words)? + words.len()..];
                let rest = rest.strip_prefix("at least ").or_else(|| rest.strip_prefix("about ")).unwrap_or(rest);
                &rest[..rest.find(|c| !is_digit(c)).unwrap_or(rest.len())]
            }
            Self::Before(words) => {
                // The first place where there is a number before the words.
                let starts = text.match_indices(words).map(|(start, _)| &text[..start]);
                let mut numbers = starts.map(|rest| &rest[rest.trim_end_matches(is_digit).len()..]);
                numbers.find(|digits| !digits.is_empty())?
            }
        };
        digits.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_many_servers() {
        let window = |window, prompt| Sizes { window: Some(window), prompt, ..Sizes::default() };
        for (text, sizes) in [
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 30000. This model's maximum context length is 16384 tokens and your request has 878 input tokens (30000 > 16384 - 878).",
                window(16_384, Some(878)),
            ),
            (
                "This model's maximum context length is 8192 tokens. However, you requested 9,000 tokens (1,000 in the messages, 8,000 in the completion).",
                window(8_192, Some(1_000)),
            ),
            (
                "This model's maximum context length is 16384 tokens. However, you requested 30000 output tokens and your prompt contains at least 1 input tokens, for a total of at least 30001 tokens.",
                window(16_384, Some(1)),
            ),
            (
                "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens (8000 of text input, 132000 in the output).",
                window(131_072, Some(8_000)),
            ),
            (
                "input length and `max_tokens` exceed context limit: 197202 + 21333 > 200000, decrease input length or `max_tokens` and try again",
                window(200_000, Some(197_202)),
            ),
            (
                "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3000 `inputs` tokens and 2000 `max_new_tokens`",
                window(4_096, Some(3_000)),
            ),
            (
                "Prompt contains 33000 tokens, too large for model with 32768 maximum context length",
                window(32_768, Some(33_000)),
            ),
            (
                "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
                Sizes { largest_cap: Some(16_384), ..Sizes::default() },
            ),
            (
                "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
                Sizes { largest_cap: Some(8_192), ..Sizes::default() },
            ),
            (
                "max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for claude-x",
                Sizes { largest_cap: Some(32_000), ..Sizes::default() },
            ),
            (
                "prompt is too long: 210000 tokens > 200000 maximum",
                Sizes { longest_prompt: Some(200_000), prompt: Some(210_000), ..Sizes::default() },
            ),
            (
                "Request too large for m on tokens per min (TPM): Limit 6000, Requested 34850. The input or output tokens must be reduced",
                Sizes { per_minute: Some(6_000), requested: Some(34_850), ..Sizes::default() },
            ),
            (
                "Rate limit reached for m on tokens per min (TPM): Limit 10000, Used 9000, Requested 2000. Please try again in 6s.",
                Sizes { per_minute: Some(10_000), requested: Some(2_000), ..Sizes::default() },
            ),
            ("slow down", Sizes::default()),
            ("maximum context length is too long", Sizes::default()),
        ] {
            let read = Sizes::read(&text.to_lowercase());
            assert_eq!(read, sizes, "{text}");
            assert_eq!(read.is_beyond_a_minute(), text.contains("34850"));
        }
    }

    #[test]
    fn a_cap_that_fits_is_found_where_there_is_one() {
        let sizes = Sizes { window: Some(16_384), ..Sizes::default() };
        let told = Sizes { prompt: Some(14_000), ..sizes };
        for (sizes, prompt, cap, fitting) in [
            (sizes, 1_000, 30_000, Some(15_352)),
            (sizes, 15_000, 30_000, Some(1_352)),
            (sizes, 15_800, 30_000, None),
            (told, 15_800, 30_000, Some(2_352)),
            // A small cap of the user's own is no smaller than wanted.
            (sizes, 16_000, 400, Some(352)),
            (sizes, 1_000, 8_000, None),
            (sizes, u64::MAX, 30_000, None),
            (Sizes { largest_cap: Some(8_192), ..sizes }, 1_000, 30_000, Some(8_192)),
            (Sizes::default(), 1_000, 30_000, None),
        ] {
            assert_eq!(sizes.fitting_cap(prompt, cap), fitting, "{sizes:?} {prompt} {cap}");
        }
    }
}
