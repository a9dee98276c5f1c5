//! About how many tokens a text has, without a tokenizer's tables. Pure, linear.
//!
//! For deciding what goes into a prompt, never for what it costs: the tables of a real tokenizer take 0.1 s to build and
//! 70 MB to keep, and a prompt that depends on them would change with the model. The rules follow how byte pair encodings
//! cut text before they merge (words with the space before them, groups of three digits, runs of punctuation), and
//! reckon rather too much than too little.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// Letters of a token, in a word that is not one token as a whole.
const LETTERS: usize = 7;
/// Digits of a token.
const DIGITS: usize = 3;
/// Characters of a token in a run of punctuation.
const MARKS: usize = 2;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Mark,
    Space,
    Break,
    /// Letters with accents, scripts without spaces, scripts that tokenizers know less of, emoji.
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' => Self::Lower,
            'A'..='Z' => Self::Upper,
            '0'..='9' => Self::Digit,
            '\n' | '\r' => Self::Break,
            ' ' | '\t' => Self::Space,
            '!'..='~' => Self::Mark,
            // Greek, Cyrillic, Armenian.
            '\u{370}'..'\u{590}' if character.is_alphabetic() => Self::Lower,
            _ => Self::Other,
        }
    }

    /// Whether a character of this kind goes on with what one of kind `before` began. A capital begins a word.
    fn continues(self, before: Self) -> bool {
        self == before || (self, before) == (Self::Lower, Self::Upper)
    }
}

/// Tokens of a text, about: between as many and half as many again as OpenAI's `o200k_base` counts in prose and code in
/// Latin script. Random letters and digits have more.
pub fn reckoned_tokens(text: &str) -> usize {
    let mut tokens = 0;
    let mut characters = text.chars().peekable();
    while let Some(first) = characters.next() {
        let mut kind = Kind::of(first);
        let mut length = 1_usize;
        let mut bytes = first.len_utf8();
        while let Some(next) = characters.next_if(|next| Kind::of(*next).continues(kind)) {
            kind = Kind::of(next);
            length += 1;
            bytes += next.len_utf8();
        }
        tokens += match kind {
            Kind::Upper | Kind::Lower => length.div_ceil(LETTERS),
            Kind::Digit => length.div_ceil(DIGITS),
            Kind::Mark => length.div_ceil(MARKS),
            // The last space belongs to the word behind it.
            Kind::Space => usize::from(length > 1),
            Kind::Break => 1,
            Kind::Other => bytes.div_ceil(2),
        };
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Tokenizer;

    #[test]
    fn prose_and_code_are_reckoned_with_too_many_rather_than_too_few() {
        let texts = [
            include_str!("../../docs/guide.md"),
            include_str!("../../docs/architecture.md"),
            include_str!("../../examples/parcel-tracker/PLAN_PARCEL-TRACKER.md"),
            include_str!("../../prompts/subplan.md"),
            include_str!("level.rs"),
            "- 3.1 Component 12 of layer 3\n  - `src/layer_3/component_12.rs`\n  - `tests/layer_3_component_12.rs`\n",
            "Größe prüfen, Übergänge schärfen, Ränder glätten",
            "Проверка качества документов и их сроков",
            "质量检查和文档生成的计划，需要在下周之前完成。",
        ];
        for text in texts {
            let exact = Tokenizer::O200kBase.count(text);
            let reckoned = reckoned_tokens(text);
            assert!(
                reckoned >= exact && reckoned <= exact * 5 / 2,
                "{reckoned} for {exact}: {}",
                &text[..text.floor_char_boundary(40)]
            );
        }
    }

    #[test]
    fn runs_are_reckoned_as_tokenizers_cut_them() {
        let cases = [
            ("", 0),
            ("a word", 2),
            ("incomprehensible", 3),
            ("camelCase", 2),
            ("HTTPServer", 2),
            ("1234567", 3),
            ("a  b", 3),
            ("a\n\n\nb", 3),
            ("----", 2),
            ("é", 1),
            ("質量", 3),
            ("🚀", 2),
        ];
        for (text, tokens) in cases {
            assert_eq!(reckoned_tokens(text), tokens, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_part_has_no_more_than_the_whole(text in "\\PC{0,60}", at in 0_usize..60) {
            let at = text.floor_char_boundary(at);
            prop_assert!(reckoned_tokens(&text[..at]) <= reckoned_tokens(&text));
            prop_assert!(reckoned_tokens(&text) <= reckoned_tokens(&text[..at]) + reckoned_tokens(&text[at..]));
        }
    }
}
