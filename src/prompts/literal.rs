//! What a template says by itself, whatever values it is rendered with: the words that no document should repeat.

/// The text of a template without its values. Where a text is put in, a paragraph ends; where a short value is (an id, a
/// number), a digit stands for it.
pub(super) fn literal(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let close = match rest.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            Some(_) | None => {
                out.push('{');
                rest = &rest[1..];
                continue;
            }
        };
        let Some(end) = rest.find(close) else { break };
        let inner = &rest[2..end];
        match close {
            "}}" if !inner.contains('|') => out.push('0'),
            "#}" => {}
            _ => out.push_str("\n\n"),
        }
        rest = &rest[end + close.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_statements_come_out() {
        for (template, expected) in [
            ("Write item {{ item.id }} now.", "Write item 0 now."),
            ("Title: {{ item.title | data }} end", "Title: \n\n end"),
            ("a{% if b %} c{% endif %} d", "a\n\n c\n\n d"),
            ("a{# a note #} b { c } {", "a b { c } {"),
            ("{{ open", "{{ open"),
            ("", ""),
        ] {
            assert_eq!(literal(template), expected, "{template}");
        }
    }
}
