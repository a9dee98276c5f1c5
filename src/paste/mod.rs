//! Answers that people paste: one text that holds several documents, each between marker lines.
//!
//! Pure: text in, documents out. The same markers are named in `prompts/batch.md`; nothing else may spell them.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// What a marker line begins with; the file's path follows.
pub const BEGIN: &str = "=== FILE:";
/// What such a line ends with.
pub const END: &str = "===";
/// The line behind a document.
pub const CLOSE: &str = "=== END OF FILE ===";

/// One document of a pasted answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The path that its marker names, as it stands there.
    pub path: &'a str,
    /// What stands between the markers.
    pub body: &'a str,
    /// 1-based line of the marker.
    pub line: usize,
    /// Whether its end is marked. Where it is not, the answer may have been cut.
    pub closed: bool,
}

/// Splits an answer into its documents, in their order. Text outside of the markers is dropped: people paste greetings
/// and code fences along. A document ends at its closing marker, at the next file's marker, or with the text.
pub fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    // The open document: its path, its line, and where its body begins.
    let mut open: Option<(&str, usize, usize)> = None;
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        let marker = marker(line);
        if matches!(marker, Marker::None) {
            continue;
        }
        if let Some((path, line, from)) = open.take() {
            let closed = matches!(marker, Marker::Close);
            pieces.push(Piece { path, body: &text[from..start], line, closed });
        }
        if let Marker::File(path) = marker {
            open = Some((path, index + 1, at));
        }
    }
    if let Some((path, line, from)) = open {
        pieces.push(Piece { path, body: &text[from..], line, closed: false });
    }
    pieces
}

enum Marker<'a> {
    File(&'a str),
    Close,
    None,
}

/// Reads a line as a marker. Chat programs and models put emphasis, quotes or a heading's `#` around it.
fn marker(line: &str) -> Marker<'_> {
    let decoration = |c: char| c.is_whitespace() || matches!(c, '*' | '`' | '#' | '>');
    let line = line.trim_matches(decoration);
    if !line.starts_with(END) {
        return Marker::None;
    }
    if line.eq_ignore_ascii_case(CLOSE) {
        return Marker::Close;
    }
    let Some((begin, rest)) = line.split_at_checked(BEGIN.len()) else { return Marker::None };
    if !begin.eq_ignore_ascii_case(BEGIN) {
        return Marker::None;
    }
    match rest.strip_suffix(END) {
        Some(path) => Marker::File(path.trim_matches(decoration)),
        None => Marker::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str) -> Vec<(&str, &str, usize, bool)> {
        split(text).into_iter().map(|piece| (piece.path, piece.body, piece.line, piece.closed)).collect()
    }

    #[test]
    fn documents_are_found_between_their_markers() {
        let text = "Sure!\n=== FILE: subplans/A.md ===\n## Objective\nx\n=== END OF FILE ===\n\nand\n\
                    === FILE: subplans/B.md ===\r\ny\r\n=== END OF FILE ===\r\nDone.\n";
        assert_eq!(
            pieces(text),
            [("subplans/A.md", "## Objective\nx\n", 2, true), ("subplans/B.md", "y\r\n", 8, true)]
        );
    }

    #[test]
    fn an_end_that_is_missing_is_told() {
        let text = "=== FILE: A ===\nx\n=== FILE: B ===\ny";
        assert_eq!(pieces(text), [("A", "x\n", 1, false), ("B", "y", 3, false)]);
        assert_eq!(pieces("=== FILE: A ==="), [("A", "", 1, false)]);
    }

    #[test]
    fn decoration_around_markers_is_read_over_and_other_lines_are_text() {
        let text = "```markdown\n**=== FILE: `a b.md` ===**\nTitle\n===\n=== FILE: no end\n=== file\n> === end of file ===\n```\n";
        assert_eq!(pieces(text), [("a b.md", "Title\n===\n=== FILE: no end\n=== file\n", 2, true)]);
        assert_eq!(pieces("no marker at all"), []);
        assert_eq!(pieces("=== END OF FILE ===\n"), []);
    }

    proptest! {
        /// Whatever lies between proper markers comes back unchanged.
        #[test]
        fn what_was_put_in_comes_out(bodies in prop::collection::vec("([a-z#`*=> ]{0,20}\n){0,6}", 0..5), between in "[a-z \n]{0,20}") {
            prop_assume!(bodies.iter().all(|body| body.lines().all(|line| matches!(marker(line), Marker::None))));
            let mut text = format!("{between}\n");
            for (index, body) in bodies.iter().enumerate() {
                text.push_str(&format!("{BEGIN} f{index}.md {END}\n{body}{CLOSE}\n{between}\n"));
            }
            let found = split(&text);
            prop_assert_eq!(found.len(), bodies.len());
            for (index, (piece, body)) in found.iter().zip(&bodies).enumerate() {
                prop_assert_eq!(piece.path, format!("f{index}.md"));
                prop_assert_eq!(piece.body, body.as_str());
                prop_assert!(piece.closed);
            }
        }

        /// Any text is split without a panic, and no piece holds a marker.
        #[test]
        fn any_text_is_split(text in "(=== FILE: |===|=== END OF FILE ===|\n|\r|\\PC){0,60}") {
            for piece in split(&text) {
                prop_assert!(piece.body.split_inclusive('\n').all(|line| matches!(marker(line), Marker::None)));
            }
        }
    }
}
