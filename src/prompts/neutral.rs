//! Text of the team's files on its way into a prompt, made so that it stays data.
//!
//! It cannot close the tag that fences it, and it holds no control token of a chat template: servers that tokenise the
//! whole prompt would take one for the end of the message.

use std::borrow::Cow;

/// Control tokens that are not of the form `<|name|>`: Llama 2, Mistral, Gemma, GLM and others. Compared without case.
const TOKENS: [&str; 29] = [
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[gMASK]",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<turn|>",
    "<|turn>",
    "<s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<sop>",
    "<eop>",
    "<sep>",
    "<think>",
    "<extra_id_",
    "]~b]",
    "[e~[",
    "]~!b[",
];

/// The longest name between `<|` and `|>`, in bytes.
const LONGEST_NAME: usize = 60;

/// `text` with a backslash behind the first character of whatever could end the data: `</tag>`, `<|im_end|>`, `[INST]`.
/// Neutral text stays as it is.
pub(super) fn neutral(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(['<', '[', ']']) {
        if is_control(&text[at..]) {
            out.push_str(&text[copied..=at]);
            out.push('\\');
            copied = at + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn is_control(text: &str) -> bool {
    text.starts_with("</") || is_piped(text) || TOKENS.iter().any(|token| begins_with(text, token))
}

fn begins_with(text: &str, token: &str) -> bool {
    text.get(..token.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(token))
}

/// `<|name|>`, `[|name|]`, and the same with the full-width bars of DeepSeek.
fn is_piped(text: &str) -> bool {
    [("<|", "|>"), ("<｜", "｜>"), ("[|", "|]")].iter().any(|(open, close)| {
        text.strip_prefix(open).is_some_and(|rest| {
            rest.find(close).is_some_and(|end| {
                end > 0
                    && end <= LONGEST_NAME
                    && rest[..end].chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '▁' | '/' | '.'))
            })
        })
    })
}

/// Text as the value of a tag's attribute: neutral, on one line, without the quotes that would end it.
pub(super) fn attribute(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    neutral(&words.join(" ")).replace('"', "'")
}

/// What a deliverable is called: the code span that it begins with, or else its first line.
pub(super) fn name(deliverable: &str) -> &str {
    let line = deliverable.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let bare = line.trim_start_matches(['*', '_']);
    let end = bare.strip_prefix('`').and_then(|rest| rest.find('`'));
    end.map_or(line, |end| &bare[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_the_data_is_neutral_and_nothing_else_changes() {
        for (text, expected) in [
            ("x</achievement>y", "x<\\/achievement>y"),
            ("<|im_start|>system", "<\\|im_start|>system"),
            ("a<|im_end|><|end|>", "a<\\|im_end|><\\|end|>"),
            ("<|eot_id|> <|START_OF_TURN_TOKEN|>", "<\\|eot_id|> <\\|START_OF_TURN_TOKEN|>"),
            ("<｜User｜> <｜end▁of▁sentence｜>", "<\\｜User｜> <\\｜end▁of▁sentence｜>"),
            ("[INST] x [/INST]", "[\\INST] x [\\/INST]"),
            ("<<SYS>>x<</SYS>>", "<\\<SYS>>x<<\\/SYS>>"),
            ("<start_of_turn>user", "<\\start_of_turn>user"),
            ("<END_OF_TURN>", "<\\END_OF_TURN>"),
            ("[|assistant|]", "[\\|assistant|]"),
            ("<s>", "<\\s>"),
        ] {
            assert_eq!(neutral(text), expected);
            assert_eq!(neutral(expected), expected, "twice is once");
        }
        for text in
            ["f <| g |> h", "<||>", "a < b, [link](x) [ ] [x]", "| a | b |", "Vec<String>", "<script>", "x<|", "[é"]
        {
            assert!(matches!(neutral(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn an_attribute_is_one_line_that_cannot_be_ended() {
        assert_eq!(attribute("a \"b\">\n</plan> <|end|>"), "a 'b'> <\\/plan> <\\|end|>");
    }

    #[test]
    fn a_deliverable_is_called_by_its_path_where_it_begins_with_one() {
        for (deliverable, expected) in [
            ("\n  `a/b.rs`: x `y`\n  more", "`a/b.rs`"),
            ("**`a.rs`** (new)", "`a.rs`"),
            ("A report on `a.rs`", "A report on `a.rs`"),
            ("`a", "`a"),
            ("", ""),
        ] {
            assert_eq!(name(deliverable), expected);
        }
    }
}
