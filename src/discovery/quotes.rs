//! Whether a reason stands in the PLAN, however its blanks, marks and quotation marks are set.

/// Characters of a passage that are worth looking for; less is found anywhere.
const SHORTEST: usize = 8;

/// A PLAN's text, prepared for looking up quotations.
#[derive(Clone, Debug)]
pub struct Source {
    text: String,
}

impl Source {
    /// Prepares a text.
    pub fn new(text: &str) -> Self {
        Self { text: normal(text) }
    }

    /// Whether a quotation is in the text. Parts around an ellipsis are looked for one by one, in order.
    pub fn holds(&self, quotation: &str) -> bool {
        let mut rest = self.text.as_str();
        let mut found = false;
        let quotation = quotation.replace("[...]", "…").replace("[…]", "…").replace("...", "…");
        for part in quotation.split('…').map(normal) {
            let part = part.trim_matches(|c: char| !c.is_alphanumeric());
            if part.is_empty() {
                continue;
            }
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
            found |= part.chars().count() >= SHORTEST;
        }
        found
    }
}

/// Lower case, one blank between words, no marks of emphasis, code or lists, one kind of quotation mark and dash.
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = text.replace("<\\/", "</");
    for c in text.chars() {
        match c {
            '*' | '_' | '`' | '#' | '>' | '|' => {}
            c if c.is_whitespace() || c.is_control() => blank(&mut out),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '‘' | '’' => out.push('\''),
            '–' | '—' | '−' | '‑' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    // The dash of a list item is no part of what it says.
    out.replace(" - ", " ").trim().to_owned()
}

fn blank(out: &mut String) {
    if !out.ends_with(' ') {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_found_however_it_is_set() {
        let source = Source::new(
            "# PLAN\n\n- **Dependencies**: needs the `schema.json` of 1.1\n  and   its tests — all of “them”\n| a | table |\n",
        );
        for quotation in [
            "needs the schema.json of 1.1 and its tests",
            "Needs the `schema.json`\nof 1.1",
            "\"its tests - all of \"them\"\"",
            "Dependencies: needs … its tests",
            "needs the schema.json [...] all of \"them\".",
            "**Dependencies**: needs the schema.json",
        ] {
            assert!(source.holds(quotation), "{quotation}");
        }
        for quotation in ["", "…", "1.1", "needs the schema.json of 1.2", "its tests … needs the schema.json"] {
            assert!(!source.holds(quotation), "{quotation}");
        }
    }
}
