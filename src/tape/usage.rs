//! Token counts, as providers report them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tokens of one or more calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input: u64,
    /// Those of `input` that came from the provider's cache.
    pub cached: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// Those of `output` that were reasoning.
    pub reasoning: u64,
    /// Whether it may have been more: what the provider counted could not be true, or was not heard to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
}

/// Whether a provider may charge for a request, by the HTTP status of its answer (0 where nothing was heard of it) and what
/// it counted. An error is not charged for, unless tokens are counted beside it.
pub fn may_be_charged(status: u16, usage: Option<&Usage>) -> bool {
    status == 0 || (200..300).contains(&status) || usage.is_some()
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        // Saturating: the numbers come from a server.
        self.input = self.input.saturating_add(other.input);
        self.cached = self.cached.saturating_add(other.cached);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.at_least = self.at_least || other.at_least;
    }
}

/// A prompt of which the server counted far less than was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptCut {
    /// Tokens that the server counted.
    pub reported: u64,
    /// Tokens of what was sent, about.
    pub sent: u64,
}

impl fmt::Display for PromptCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server counted {} tokens of a prompt of about {}, so it has cut it", self.reported, self.sent)
    }
}
