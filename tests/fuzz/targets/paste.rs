//! The splitter of pasted answers.

use std::hint::black_box;

use planwave::paste::{BEGIN, CLOSE, END, split};

use super::{about, kind, line_count};
use crate::drive::Target;

pub(super) const TARGET: Target = Target {
    name: "paste",
    more: &[],
    tokens: &[
        "=== FILE: subplans/SUBPLAN_X_11.md ===\n",
        "=== FILE:",
        "===",
        "=== END OF FILE ===\n",
        "=== end of file ===",
        "**",
        "`",
        "> ",
        "# ",
        "```markdown\n",
        "```\n",
        "\n",
        "../../etc/passwd",
        "C:\\x",
        "## Objective\n",
        "= ",
        "====",
    ],
    cases: 2_000,
    check,
    read,
    frame: ("=== FILE: subplans/SUBPLAN_FUZZ_11.md ===\n", "\n=== END OF FILE ===\n"),
};

#[test]
fn pasted_answers() {
    TARGET.run();
}

fn read(input: &[u8]) {
    black_box(split(&String::from_utf8_lossy(input)));
}

fn check(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let pieces = split(&text);
    let mut end = 0;
    let mut rebuilt = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        // Its body is a part of the text, behind its marker and behind all pieces before it.
        let start = piece.body.as_ptr() as usize - text.as_ptr() as usize;
        assert_eq!(&text[start..start + piece.body.len()], piece.body);
        assert!(start >= end, "piece {index} begins within the one before it");
        assert_eq!(line_count(&text.as_bytes()[..start]), piece.line, "{piece:?}");
        let marker = text[..start].trim_end_matches('\n').rsplit('\n').next().unwrap();
        assert!(marker.contains(piece.path) && !piece.path.contains('\n'), "{marker:?} names {:?}", piece.path);
        end = start + piece.body.len();
        // What follows is a marker, or the end.
        let next = text[end..].lines().next().unwrap_or_default();
        assert!(text[end..].is_empty() || next.contains(END), "{next:?}");
        assert!(piece.closed || text[end..].is_empty() || pieces.get(index + 1).is_some(), "{piece:?}");
        rebuilt.push_str(&format!("{BEGIN} {} {END}\n{}", piece.path, piece.body));
        if piece.closed {
            rebuilt.push_str(&format!("{CLOSE}\n"));
        }
    }
    // Nothing between the markers is lost: what is put together from the pieces has the same pieces.
    let parts = |text| split(text).iter().map(|piece| (piece.path, piece.body, piece.closed)).collect::<Vec<_>>();
    let again: Vec<(String, String, bool)> =
        parts(&rebuilt).into_iter().map(|(path, body, closed)| (path.to_owned(), body.to_owned(), closed)).collect();
    let expected: Vec<(String, String, bool)> =
        pieces.iter().map(|piece| (piece.path.to_owned(), piece.body.to_owned(), piece.closed)).collect();
    assert_eq!(again, expected);
    let closed = pieces.iter().filter(|piece| piece.closed).count();
    kind((
        about(pieces.len()),
        about(closed),
        pieces.first().map(|piece| (about(piece.path.len()), about(piece.body.len()))),
    ))
}
