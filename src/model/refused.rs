//! Which of the fields that planwave sends a server refuses, by the words of its error. Pure.
//!
//! Servers that check requests strictly name the field, in whichever shape their errors have, so the whole body is
//! searched. It must not decide what is sent instead.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// What a server refuses of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// `stream_options`.
    pub(super) stream_options: bool,
    /// A message of the role `system`.
    pub(super) system_role: bool,
}

/// In words that name the role alone: those of the chat templates that vLLM, Text Generation Inference and llama.cpp apply,
/// of OpenAI (with the place of the message), and of Google's for a model that takes none.
const SYSTEM_ROLE: [&str; 8] = [
    "system role not supported",
    "system role is not supported",
    "system message is not supported",
    "system messages are not supported",
    "does not support system",
    "does not support 'system'",
    "conversation roles must alternate",
    "developer instruction is not enabled",
];

impl Refused {
    /// Reads the body of an error. Only an error about the request itself refuses something of it.
    pub(super) fn read(status: u16, body: &str) -> Self {
        // Servers that pass on an exception of the code behind them answer 500.
        if !matches!(status, 400 | 404 | 415 | 422 | 500 | 501) {
            return Self::default();
        }
        let body = body.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| body.contains(word));
        Self { stream_options: names(&["stream_options", "include_usage"]), system_role: names(&SYSTEM_ROLE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_field_is_found_in_any_shape_of_error() {
        let none = Refused::default();
        let options = Refused { stream_options: true, ..none };
        let system = Refused { system_role: true, ..none };
        for (status, body, expected) in [
            (
                422,
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
                options,
            ),
            (400, r#"{"error":{"message":"Unrecognized request argument supplied: stream_options"}}"#, options),
            (500, r#"[{'loc': ('body', 'stream_options', 'include_usage')}]"#, options),
            (400, r#"{"error":{"message":"System role not supported","type":"BadRequestError","code":400}}"#, system),
            (
                400,
                r#"{"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model."}}"#,
                system,
            ),
            (
                400,
                r#"{"object":"error","message":"Conversation roles must alternate user/assistant/user/assistant/..."}"#,
                system,
            ),
            (401, r#"{"error":{"message":"stream_options: no"}}"#, none),
            (429, "stream_options", none),
            (400, r#"{"error":{"message":"The system is overloaded"}}"#, none),
            (400, "", none),
        ] {
            assert_eq!(Refused::read(status, body), expected, "{status} {body}");
        }
    }
}
