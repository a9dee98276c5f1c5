//! Tells a body whose end is missing, by the way it ends.

use crate::{
    document::{
        Finding,
        prose::{excerpt, list_item, word_count},
    },
    markdown::lines,
};

use super::{codes::Code, language::wording, placeholder::without_code, words::words};

/// A body that ends in the middle of a sentence or word.
pub(super) fn cut(body: &str) -> Option<Finding> {
    let mut all: Vec<crate::markdown::Line<'_>> = lines(body).filter(|line| !line.is_blank()).collect();
    let last = all.pop()?;
    // A fence that is not closed has a finding of its own, and what a section lacks too.
    if last.in_fence || last.in_comment || last.heading().is_some() {
        return None;
    }
    let before: Vec<&str> = all
        .iter()
        .rev()
        .take_while(|line| line.number + 12 > last.number && !line.in_fence && line.heading().is_none())
        .map(|line| line.text)
        .collect();
    is_cut(last.text, &before).then(|| {
        let end: String = last.text.chars().rev().take(60).collect::<Vec<char>>().into_iter().rev().collect();
        let message =
            format!("The document ends in the middle of a sentence: \"…{}\". Write it to its end.", excerpt(&end, 60));
        Code::Cut.error(Some(last.number), message)
    })
}

/// `before` are the lines above the last, the nearest first.
fn is_cut(last: &str, before: &[&str]) -> bool {
    let text = last.trim_end();
    let item = list_item(last);
    if item.is_some_and(|item| item.text.is_empty()) || text.ends_with("- [ ]") || text.ends_with("- [") {
        return true;
    }
    if text.trim_start().starts_with('|') {
        return !text.ends_with('|') && before.first().is_some_and(|line| line.trim_end().ends_with('|'));
    }
    let open_code = text.matches('`').count() % 2 == 1;
    let prose = without_code(text);
    let open_strong =
        prose.matches("**").count() % 2 == 1 && !before.iter().any(|line| line.matches("**").count() % 2 == 1);
    let is_item = item.is_some()
        || before.iter().take_while(|line| !line.trim().is_empty()).any(|line| list_item(line).is_some());
    let opens = prose.matches(['(', '（']).count() > prose.matches([')', '）']).count() && is_item;
    if open_code || open_strong || opens {
        // The rest of a span may stand on the lines above.
        let above: String =
            before.iter().take_while(|line| list_item(line).is_none()).copied().collect::<Vec<_>>().concat();
        return above.matches('`').count().is_multiple_of(2) || !open_code;
    }
    let Some(end) = text.chars().last() else { return false };
    if ends_sentence(end) {
        return false;
    }
    if matches!(end, ',' | '、' | '，' | '/' | '=' | '+' | '&' | '(' | '[' | '{' | '（' | '「')
        || text.ends_with(" -")
        || text.ends_with(" –")
    {
        return true;
    }
    let final_word = words(text).last();
    if final_word.is_some_and(|word| wording().dangling.contains(&word.hash))
        && word_count(text) > 2
        && !text.ends_with('`')
    {
        return true;
    }
    // Where several items above end a sentence each, and this one does not, it did not come to its end.
    if let Some(item) = item {
        let items: Vec<&&str> =
            before.iter().filter(|line| list_item(line).is_some_and(|other| other.indent == item.indent)).collect();
        let ended = items
            .iter()
            .filter(|line| line.trim_end().chars().last().is_some_and(|end| matches!(end, '.' | ';' | '。' | '；')))
            .count();
        return items.len() >= 3 && ended == items.len() && !matches!(end, '`' | '*' | '_');
    }
    // A sentence of prose ends with a mark; what has a label or marks around it may do without.
    let labelled = text.contains("**") || text.contains("__") || text.starts_with(['*', '_', '<', '[', '!', '>']);
    !is_item && !labelled && word_count(text) > 3 && end.is_alphanumeric() && !is_pictorial(text)
}

fn ends_sentence(end: char) -> bool {
    matches!(
        end,
        '.' | '!'
            | '?'
            | ':'
            | ';'
            | '…'
            | ')'
            | ']'
            | '"'
            | '\''
            | '”'
            | '’'
            | '»'
            | '“'
            | '。'
            | '！'
            | '？'
            | '：'
            | '；'
            | '）'
            | '」'
            | '』'
            | '】'
            | '%'
    )
}

/// Arrows and emoji, as lines of signs have them.
fn is_pictorial(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '→' | '─' | '│' | '└' | '├') || c > '\u{1f000}')
}
