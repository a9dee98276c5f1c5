//! Chat formats in answers: tokens that end a message, and channels, which some servers pass on as text. Pure.
//!
//! A model's template writes messages with control tokens around them. A server that is set up for another template
//! does not know them and leaves them in the answer, often with the beginning of a message that nobody asked for.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// What ends a message: ChatML; Llama 3; Phi; Gemma; Llama 2, Mistral and their kin; GPT and Qwen; DeepSeek; Cohere; gpt-oss.
const ENDS: [&str; 15] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "<turn|>",
    "</s>",
    "[/INST]",
    "<|endoftext|>",
    "<|eos|>",
    "<｜end▁of▁sentence｜>",
    "<|END_OF_TURN_TOKEN|>",
    "<|return|>",
    "<|call|>",
];

/// What begins a message, in the same formats; a role may follow.
const BEGINNINGS: [&str; 14] = [
    "<|im_start|>",
    "<|start_header_id|>",
    "<|begin_of_text|>",
    "<|start|>",
    "<start_of_turn>",
    "<|turn>",
    "<s>",
    "[INST]",
    "<|assistant|>",
    "<|user|>",
    "<|system|>",
    "<｜Assistant｜>",
    "<｜User｜>",
    "<|START_OF_TURN_TOKEN|>",
];

/// What may stand between the token that begins a message and its text.
const BEHIND_A_BEGINNING: [&str; 8] =
    ["assistant", "model", "user", "system", "<|end_header_id|>", "<|im_sep|>", "<|CHATBOT_TOKEN|>", "<|message|>"];

/// Where the answer itself begins in gpt-oss's format: what stands before it are thoughts.
const FINAL: &str = "<|channel|>final";
const MESSAGE: &str = "<|message|>";
/// The same format from servers that drop its tokens and keep the words between them.
const BARE_THOUGHTS: &str = "analysis";
const BARE_FINAL: &str = "assistantfinal";

/// The message in an answer, without what its format put around it.
pub(super) fn content(text: String) -> String {
    let message = message(&text);
    if message.len() == text.len() { text } else { message.to_owned() }
}

fn message(text: &str) -> &str {
    let text = without_end(without_beginning(behind_thoughts(text)));
    // An answer that is all thoughts has no text.
    if text.trim_start().starts_with("<|channel|>") { "" } else { text }
}

fn behind_thoughts(text: &str) -> &str {
    let start = text.trim_start();
    if (start.starts_with("<|channel|>") || start.starts_with("<|start|>"))
        && let Some((_, last)) = start.rsplit_once(FINAL)
        && let Some((_, message)) = last.split_once(MESSAGE)
    {
        return message;
    }
    let bare = start.strip_prefix(BARE_THOUGHTS).and_then(|thoughts| thoughts.split_once(BARE_FINAL));
    bare.map_or(text, |(_, message)| message)
}

fn without_beginning(text: &str) -> &str {
    let mut kept = text;
    while let Some(rest) = behind_one_of(&BEGINNINGS, kept) {
        kept = rest;
        while let Some(rest) = behind_one_of(&BEHIND_A_BEGINNING, kept) {
            kept = rest;
        }
    }
    kept
}

fn behind_one_of<'a>(words: &[&str], text: &'a str) -> Option<&'a str> {
    words.iter().find_map(|word| text.trim_start().strip_prefix(word))
}

/// Up to the first token that ends the message: one behind which nothing comes but other tokens, or another message. One
/// that somebody writes about stands in the middle of a text.
fn without_end(text: &str) -> &str {
    let mut from = 0;
    while let Some((at, length)) = next_end(text, from) {
        let rest = text[at + length..].trim_start();
        if rest.is_empty() || is_token(rest) || is_other_message(rest) {
            return &text[..at];
        }
        from = at + length;
    }
    text
}

fn next_end(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    // Each of them begins with one of these.
    let starts = rest.char_indices().filter(|(_, c)| matches!(c, '<' | '['));
    let mut found = starts.filter_map(|(at, _)| {
        ENDS.iter().find(|token| rest[at..].starts_with(**token)).map(|token| (from + at, token.len()))
    });
    found.next()
}

fn is_token(text: &str) -> bool {
    ENDS.iter().chain(&BEGINNINGS).any(|token| text.starts_with(token))
}

/// A role on a line of its own: a message whose own token was dropped.
fn is_other_message(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default().trim().trim_end_matches(':');
    ["assistant", "user", "system", "model"].contains(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_taken_out_of_its_format() {
        let body = "## Objective\n\nReach it.";
        for around in [
            "BODY<|im_end|>",
            "BODY<|im_end|>\n",
            "BODY</s></s>",
            "BODY<end_of_turn>\n</s>",
            "BODY<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nAnything else?",
            "BODY<|im_end|>\n<|im_start|>user\nThanks!<|im_end|>",
            "BODY<|im_end|>\nuser\nThanks!",
            "BODY<｜end▁of▁sentence｜>",
            "<|im_start|>assistant\nBODY<|im_end|>",
            "<s>BODY</s>",
            "<|channel|>analysis<|message|>The user wants a plan.<|end|><|start|>assistant<|channel|>final<|message|>BODY<|return|>",
            "<|start|>assistant<|channel|>final<|message|>BODY",
            "<|channel|>final <|constrain|>markdown<|message|>BODY<|end|>",
            "analysisThe user wants a plan.assistantfinalBODY",
        ] {
            let answer = around.replace("BODY", body);
            assert_eq!(content(answer).trim(), body, "{around}");
        }
        assert_eq!(content("<|channel|>analysis<|message|>Thinking, and cut".to_owned()), "");
    }

    #[test]
    fn what_is_written_about_tokens_stays() {
        for text in [
            "",
            "Plain text.",
            "The parser drops `<|im_end|>` from answers, and `</s>` as well.",
            "Stop words are <|im_end|> and </s>, in this order.",
            "- `<|im_end|>`\n- `</s>`\n\nEach is tested.",
            "analysis of the module",
            "Send [INST] first.",
            "Html: <s>struck</s> out.",
        ] {
            assert_eq!(content(text.to_owned()), text);
        }
    }
}
