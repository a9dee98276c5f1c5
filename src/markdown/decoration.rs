//! What stands around the words of a heading or title: emoji, emphasis, closing `#`s.

/// Whether `c` is decoration at the edge of a heading: emoji, pictographs, arrows, and what joins or varies them.
///
/// Letters, digits, punctuation and mathematical operators (`≥ 90 %`) are not.
pub fn is_decoration(c: char) -> bool {
    // Unicode blocks: arrows; technical, box drawing, shapes, symbols, dingbats; more arrows and stars; emoji planes.
    matches!(c, '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{27BF}' | '\u{2900}'..='\u{297F}' | '\u{2B00}'..='\u{2BFF}')
        || matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{E0020}'..='\u{E007F}')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{20E3}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
        || matches!(c, '\u{203C}' | '\u{2049}' | '\u{2139}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}')
}

/// The words of a heading: without emoji and emphasis around it, closing `#`s, a trailing colon, and control characters.
///
/// `🎯 **Goal**: ##` gives `Goal`. What stands between words is kept.
pub fn clean_heading(text: &str) -> String {
    let text = text.trim();
    let closers = text.trim_end_matches('#');
    // `C#` keeps its `#`: closers stand alone or behind a space.
    let text = if closers.is_empty() || closers.ends_with([' ', '\t']) { closers } else { text };
    let edge = |c: char| c.is_whitespace() || c.is_control() || c == '*' || is_decoration(c);
    let text = without_keycaps(text.trim_start_matches(edge)).trim_start_matches(edge);
    let text = text.trim_end_matches(|c: char| edge(c) || c == ':');
    let words: String = text.replace("**", "");
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Drops keycap emoji (`1️⃣`: a digit with marks behind it) from the start.
fn without_keycaps(text: &str) -> &str {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let one_digit = text.len() - behind.len() == 1;
    if one_digit && behind.starts_with(['\u{FE0F}', '\u{20E3}']) { behind } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_lose_their_decoration_and_keep_their_words() {
        for (raw, clean) in [
            ("🎯 Goal", "Goal"),
            ("⚠️ **Risks**: ##", "Risks"),
            ("1️⃣ First", "First"),
            ("2. Second", "2. Second"),
            ("C#", "C#"),
            ("C# ##", "C#"),
            ("##", ""),
            ("≥ 90 % coverage ✅", "≥ 90 % coverage"),
            ("PLAN → SUBPLAN", "PLAN → SUBPLAN"),
            ("`code` and (notes)", "`code` and (notes)"),
            ("👩‍💻 Über uns", "Über uns"),
            ("a\u{1b}[31mb", "a [31mb"),
            ("*Risks*", "Risks"),
            ("\u{7}Goal\u{7}", "Goal"),
            ("", ""),
        ] {
            assert_eq!(clean_heading(raw), clean, "{raw}");
        }
    }
}
