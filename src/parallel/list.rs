//! Takes elements out of a list in JSON text and puts others in, and leaves every other byte alone.

use std::{borrow::Cow, ops::Range};

use super::position::Child;

/// What stands around the elements of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListLayout<'a> {
    lead: &'a str,
    between: Cow<'a, str>,
    tail: &'a str,
}

impl<'a> ListLayout<'a> {
    /// That of a list; `None` where it has no element to tell.
    pub(super) fn of(source: &'a str, list: &Range<usize>, children: &[Child]) -> Option<Self> {
        let text = |range: Range<usize>| source.get(range).unwrap_or_default();
        let (first, last) = (children.first()?, children.last()?);
        let lead = text(list.start + 1..first.value.start);
        let between = match children {
            [first, second, ..] => Cow::Borrowed(text(first.value.end..second.value.start)),
            _ if lead.is_empty() => Cow::Borrowed(", "),
            _ => Cow::Owned(format!(",{lead}")),
        };
        Some(Self { lead, between, tail: text(last.value.end..list.end.saturating_sub(1)) })
    }

    /// What stands between two elements.
    pub(super) fn between(&self) -> &str {
        &self.between
    }

    /// A list of these elements.
    pub(super) fn write<T: AsRef<str>>(&self, elements: &[T]) -> String {
        if elements.is_empty() {
            return "[]".to_owned();
        }
        let elements: Vec<&str> = elements.iter().map(AsRef::as_ref).collect();
        format!("[{}{}{}]", self.lead, elements.join(&self.between), self.tail)
    }
}

/// The list with the elements that `keep` names, as they are, and `added` after them. An empty list takes the layout given.
pub(super) fn change_list(
    source: &str,
    list: &Range<usize>,
    children: &[Child],
    keep: impl Fn(usize) -> bool,
    added: &[String],
    otherwise: &ListLayout<'_>,
) -> String {
    let text = |range: Range<usize>| source.get(range).unwrap_or_default();
    let Some(layout) = ListLayout::of(source, list, children) else { return otherwise.write(added) };
    let mut out = String::new();
    let mut last_kept: Option<usize> = None;
    for (at, child) in children.iter().enumerate().filter(|(at, _)| keep(*at)) {
        match last_kept {
            Some(last) if last + 1 == at => out.push_str(text(children[last].value.end..child.value.start)),
            Some(_) => out.push_str(&layout.between),
            None => {}
        }
        out.push_str(text(child.value.clone()));
        last_kept = Some(at);
    }
    for element in added {
        if !out.is_empty() {
            out.push_str(&layout.between);
        }
        out.push_str(element);
    }
    if out.is_empty() { "[]".to_owned() } else { format!("[{}{out}{}]", layout.lead, layout.tail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::position::children;

    #[test]
    fn elements_come_and_go_and_the_rest_stays() {
        let other = ListLayout { lead: "\n  ", between: Cow::Borrowed(",\n  "), tail: "\n" };
        let table: [(&str, &[usize], &[&str], &str); 7] = [
            ("[1, 2,3]", &[0, 1, 2], &[], "[1, 2,3]"),
            ("[1, 2,3]", &[0, 2], &["9"], "[1, 3, 9]"),
            ("[ 1 ]", &[0], &["9"], "[ 1, 9 ]"),
            ("[1]", &[0], &["9"], "[1, 9]"),
            ("[1, 2]", &[], &[], "[]"),
            ("[\n 1,\n 2\n]", &[1], &["9"], "[\n 2,\n 9\n]"),
            ("[]", &[], &["8", "9"], "[\n  8,\n  9\n]"),
        ];
        for (source, keep, added, expected) in table {
            let added: Vec<String> = added.iter().map(|text| (*text).to_owned()).collect();
            let children = children(source, 0);
            let changed = change_list(source, &(0..source.len()), &children, |at| keep.contains(&at), &added, &other);
            assert_eq!(changed, expected, "{source}");
        }
    }
}
