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
///
/// Markers in a code fence of a document are text where they come in pairs: the document quotes another. A fence that is never
/// closed, or that swallows the end of its document, hides nothing.
pub fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    // The open document: its path, its line, and where its body begins.
    let mut open: Option<(&str, usize, usize)> = None;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut at = 0;
    // The first line behind the quotation or fence that is being read.
    let mut fenced = 0;
    // By character: fences of how many of it need not be looked for again up to which line.
    let mut vain = [(usize::MAX, 0); 2];
    for (index, line) in lines.iter().copied().enumerate() {
        let start = at;
        at += line.len();
        if index < fenced {
            continue;
        }
        if let (Some(_), Some((c, count, _))) = (&open, fence(line)) {
            let vain = &mut vain[usize::from(c == '~')];
            if count < vain.0 || index >= vain.1 {
                match behind_fence(&lines, index, (c, count)) {
                    Ok(behind) => fenced = behind,
                    Err(until) => *vain = (count, until),
                }
            }
            continue;
        }
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

/// The character of a code fence's line, how often it stands there, and whether something follows.
fn fence(line: &str) -> Option<(char, usize, bool)> {
    let line = line.trim();
    let first = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(first);
    let count = line.len() - rest.len();
    // A marker in backticks is none.
    (count >= 3 && !rest.contains(first)).then_some((first, count, !rest.is_empty()))
}

/// The line behind the fence that opens on this one. The error is the line up to which it is not closed, or at which what it
/// holds of markers turns out to be no pairs.
fn behind_fence(lines: &[&str], opens: usize, (wanted, least): (char, usize)) -> Result<usize, usize> {
    let mut quoting = false;
    for (index, line) in lines.iter().enumerate().skip(opens + 1) {
        if let Some((c, count, false)) = fence(line)
            && c == wanted
            && count >= least
        {
            return if quoting { Err(index) } else { Ok(index + 1) };
        }
        match (marker(line), quoting) {
            (Marker::None, _) => {}
            (Marker::File(_), false) => quoting = true,
            (Marker::Close, true) => quoting = false,
            (Marker::File(_), true) | (Marker::Close, false) => return Err(index),
        }
    }
    Err(lines.len())
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

    #[test]
    fn a_document_may_quote_another_in_a_fence() {
        let quoted = "x\n```text\n=== FILE: B ===\nno\n=== END OF FILE ===\n```\ny\n";
        let text = format!("=== FILE: A ===\n{quoted}=== END OF FILE ===\n=== FILE: B ===\nz\n=== END OF FILE ===\n");
        assert_eq!(pieces(&text), [("A", quoted, 1, true), ("B", "z\n", 10, true)]);
        // A fence that was cut swallows nothing, and one around a whole document is none of its own.
        let cut = "=== FILE: A ===\n```sh\nx\n=== END OF FILE ===\n=== FILE: B ===\n```\nz\n```\n=== END OF FILE ===\n";
        assert_eq!(pieces(cut), [("A", "```sh\nx\n", 1, true), ("B", "```\nz\n```\n", 5, true)]);
        let around = "```markdown\n=== FILE: A ===\nx\n=== END OF FILE ===\n```\n";
        assert_eq!(pieces(around), [("A", "x\n", 2, true)]);
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

        /// Any text without fences is split without a panic, and no piece holds a marker.
        #[test]
        fn any_text_is_split(text in "(=== FILE: |===|=== END OF FILE ===|\n|\r|\\PC){0,60}") {
            for piece in split(&text) {
                prop_assert!(piece.body.split_inclusive('\n').all(|line| matches!(marker(line), Marker::None)));
            }
        }
    }
}
