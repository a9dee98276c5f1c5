//! Where values stand in the text of a JSON file: from a path to bytes, from bytes to line and column.
//!
//! It works on text that a JSON parser has accepted, and only when a position is needed: loading a sound file never
//! comes here. On any other text its answers are meaningless, but it does not panic.

use std::{collections::HashMap, ops::Range};

use super::problem::{Anchor, Problem, Raised, Segment, display_path};

/// No underline needs more columns.
const MOST_COLUMNS: usize = 200;

/// A direct member of an object or an element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// The bytes of the key with its quotes; empty in a list.
    pub(super) key: Range<usize>,
    /// The bytes of the value.
    pub(super) value: Range<usize>,
}

/// Finds values by path, and remembers the children of each container it went through, so that many look-ups in one
/// file cost a few passes over it altogether. All calls on one locator must be with the same text.
#[derive(Clone, Debug, Default)]
pub(super) struct Locator {
    root: Option<Range<usize>>,
    children: HashMap<usize, Vec<Child>>,
}

impl Locator {
    /// The bytes of the value at `path`; `None` where there is no such value. Of two members of one name, the first.
    pub(super) fn value(&mut self, source: &str, path: &[Segment]) -> Option<Range<usize>> {
        let root = self.root.get_or_insert_with(|| {
            let start = skip_space(source.as_bytes(), 0);
            start..value_end(source.as_bytes(), start)
        });
        let mut range = root.clone();
        for segment in path {
            let children = self.children(source, range.start);
            let child = match segment {
                Segment::Index(index) => children.get(*index),
                Segment::Key(key) => children.iter().find(|child| is_key(source, child, key)),
            };
            range = child?.value.clone();
        }
        Some(range)
    }

    /// The children of the object or list that starts at `at`; none where something else starts there.
    pub(super) fn children(&mut self, source: &str, at: usize) -> &[Child] {
        self.children.entry(at).or_insert_with(|| children(source, at))
    }

    fn range(&mut self, source: &str, path: &[Segment], anchor: Anchor) -> Option<Range<usize>> {
        match anchor {
            // What is missing stands where its holder stands.
            Anchor::Value => (0..=path.len()).rev().find_map(|length| self.value(source, &path[..length])),
            Anchor::Member(index) => {
                let holder = self.value(source, path.split_last()?.1)?;
                Some(self.children(source, holder.start).get(index)?.key.clone())
            }
        }
    }
}

/// Looks up the positions of problems and sorts them by position.
pub(super) fn place(source: &str, raised: Vec<Raised>) -> Vec<Problem> {
    if raised.is_empty() {
        return Vec::new();
    }
    let mut locator = Locator::default();
    let mut placed: Vec<(Range<usize>, Raised)> = raised
        .into_iter()
        .map(|raised| (locator.range(source, &raised.path, raised.anchor).unwrap_or(0..0), raised))
        .collect();
    placed.sort_by_key(|(range, _)| range.start);
    let mut cursor = Cursor::new(source);
    let place = |(range, raised): (Range<usize>, Raised)| {
        let width = width(source, &range);
        Problem { width, ..at(raised, cursor.advance(range.start)) }
    };
    placed.into_iter().map(place).collect()
}

/// The problem at a known line and column.
pub(super) fn at(raised: Raised, (line, column): (usize, usize)) -> Problem {
    let Raised { rule, severity, path, anchor: _, message, hint, fixable } = raised;
    Problem { rule, severity, path: display_path(&path), line, column, width: 1, message, hint, fixable }
}

/// The characters of a value that stand on its first line; of an object or list, the bracket.
fn width(source: &str, range: &Range<usize>) -> usize {
    let value = source.get(range.clone()).unwrap_or_default();
    if value.starts_with('{') || (value.starts_with('[') && value.contains('\n')) {
        return 1;
    }
    value.chars().take(MOST_COLUMNS).take_while(|c| *c != '\n').count().max(1)
}

/// Turns ascending byte offsets into lines and columns in one pass, whatever the length of the lines.
pub(super) struct Cursor<'a> {
    source: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, offset: 0, line: 1, column: 1 }
    }

    /// The line and column (in characters) of an offset that is not before the last one asked for.
    pub(super) fn advance(&mut self, offset: usize) -> (usize, usize) {
        let offset = (0..=offset.min(self.source.len())).rfind(|&at| self.source.is_char_boundary(at)).unwrap_or(0);
        let passed = self.source.get(self.offset..offset).unwrap_or_default();
        match passed.rfind('\n') {
            Some(last) => {
                self.line += passed.bytes().filter(|b| *b == b'\n').count();
                self.column = 1 + passed[last + 1..].chars().count();
            }
            None => self.column += passed.chars().count(),
        }
        self.offset = self.offset.max(offset);
        (self.line, self.column)
    }
}

/// The direct children of the container that starts at byte `at`.
pub(super) fn children(source: &str, at: usize) -> Vec<Child> {
    let bytes = source.as_bytes();
    let keyed = match bytes.get(at) {
        Some(b'{') => true,
        Some(b'[') => false,
        Some(_) | None => return Vec::new(),
    };
    let mut found = Vec::new();
    let mut here = skip_space(bytes, at + 1);
    while !matches!(bytes.get(here), Some(b'}' | b']') | None) {
        let mut key = here..here;
        if keyed {
            key.end = value_end(bytes, here);
            here = skip_space(bytes, key.end);
            here = skip_space(bytes, here + 1); // the colon
        }
        let end = value_end(bytes, here);
        found.push(Child { key, value: here..end });
        here = skip_space(bytes, end.max(here + 1));
        if bytes.get(here) == Some(&b',') {
            here = skip_space(bytes, here + 1);
        }
    }
    found
}

/// Whether the key of `child` is `name`, escapes in the text resolved.
pub(super) fn is_key(source: &str, child: &Child, name: &str) -> bool {
    let quoted = source.get(child.key.clone()).unwrap_or_default();
    let Some(raw) = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    if raw.contains('\\') { serde_json::from_str::<String>(quoted).is_ok_and(|key| key == name) } else { raw == name }
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// The end of the value that starts at `from`; iterative, since a file may be nested deeper than any stack.
fn value_end(bytes: &[u8], from: usize) -> usize {
    match bytes.get(from) {
        None => bytes.len(),
        Some(b'"') => string_end(bytes, from),
        Some(b'{' | b'[') => {
            let mut depth = 0_usize;
            let mut here = from;
            while let Some(byte) = bytes.get(here) {
                match byte {
                    b'"' => {
                        here = string_end(bytes, here);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return here + 1;
                        }
                    }
                    _ => {}
                }
                here += 1;
            }
            bytes.len()
        }
        Some(_) => {
            let rest = bytes.get(from..).unwrap_or_default();
            let ends = |b: &u8| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
            from + rest.iter().position(ends).unwrap_or(rest.len())
        }
    }
}

/// The end of the string that starts at `from`.
pub(super) fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut here = from + 1;
    while let Some(byte) = bytes.get(here) {
        match byte {
            b'"' => return here + 1,
            b'\\' => here += 2,
            _ => here += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parallel::rules::CYCLE;

    const SOURCE: &str = "{\n  \"a\": [1, {\"b\\u0062\": \"}\\\"]\"}],\r\n\t\"ü\": null , \"a\": true\n}\n";

    #[test]
    fn values_are_found_by_path() {
        let table: [(&[Segment], Option<&str>); 7] = [
            (&["a".into(), 0.into()], Some("1")),
            (&["a".into(), 1.into(), "bb".into()], Some("\"}\\\"]\"")),
            (&["a".into()], Some("[1, {\"b\\u0062\": \"}\\\"]\"}]")),
            (&["ü".into()], Some("null")),
            (&["a".into(), 2.into()], None),
            (&["a".into(), "b".into()], None),
            (&["ü".into(), "x".into()], None),
        ];
        let mut locator = Locator::default();
        for (path, expected) in table {
            let found = locator.value(SOURCE, path).map(|range| &SOURCE[range]);
            assert_eq!(found, expected, "{path:?}");
        }
    }

    #[test]
    fn problems_are_placed_in_order_with_columns_in_characters() {
        let raised = |path| Raised::new(&CYCLE, path, "");
        let second_a = Raised { anchor: Anchor::Member(2), ..raised(vec!["a".into()]) };
        let all =
            vec![second_a, raised(vec!["ü".into()]), raised(vec!["a".into(), 1.into(), "bb".into()]), raised(vec![])];
        let places: Vec<_> = place(SOURCE, all).iter().map(|p| (p.path.clone(), p.line, p.column, p.width)).collect();
        let expected = [("", 1, 1, 1), ("a[1].bb", 2, 24, 6), ("ü", 3, 7, 4), ("a", 3, 14, 3)];
        assert_eq!(places, expected.map(|(path, line, column, width)| (path.to_owned(), line, column, width)));
    }

    #[test]
    fn depth_is_no_obstacle() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(value_end(deep.as_bytes(), 0), deep.len());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[\\[\\]{}:,\"\\\\ a1\n]{0,40}", at in 0_usize..50) {
            for child in children(&text, at) {
                prop_assert!(child.value.start >= at);
            }
            let mut cursor = Cursor::new(&text);
            cursor.advance(at);
        }
    }
}
