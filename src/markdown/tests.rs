use proptest::prelude::*;

use super::*;

/// The numbers of the lines that lie in a fence.
fn fenced(text: &str) -> Vec<usize> {
    lines(text).filter(|line| line.in_fence).map(|line| line.number).collect()
}

#[test]
fn fences_are_found_where_people_write_them() {
    for (name, text, inside) in [
        ("plain", "a\n```\nb\n```\nc", vec![2, 3, 4]),
        ("tildes", "~~~ rust\n```\n~~~\nc", vec![1, 2, 3]),
        ("nested, same length", "```md\n```sh\nx\n```\ny\n```\nz", vec![1, 2, 3, 4, 5, 6]),
        ("nested, longer outside", "````md\n```\nx\n````\nz", vec![1, 2, 3, 4]),
        ("closer may be longer", "```\nx\n`````\nz", vec![1, 2, 3]),
        ("two runs are no fence", "``\nx\n``", vec![]),
        ("inline code is no fence", "```a```\nx", vec![]),
        ("behind a list marker", "1. ```sh\n   x\n   ```\nz", vec![1, 2, 3]),
        ("a marker does not close", "```yaml\n- ```\n```\nz", vec![1, 2, 3]),
        ("indented", "- a\n    ```\n    x\n    ```\nz", vec![2, 3, 4]),
        ("CRLF", "```\r\nx\r\n```\r\nz", vec![1, 2, 3]),
        ("right behind a comment", "<!-- a -->\n```\nx\n```\nz", vec![2, 3, 4]),
        ("a template over several sections", "## A\n```md\n## T\n## U\n```\nz\n## B", vec![2, 3, 4, 5]),
    ] {
        assert_eq!(fenced(text), inside, "{name}");
        assert_eq!(fences_balanced(text), Ok(()), "{name}");
    }
}

#[test]
fn an_unclosed_fence_ends_with_its_section() {
    for (name, text, inside, line) in [
        ("at the end of the text", "a\n```\nb", vec![2, 3], 2),
        ("before a heading", "```sh\nx\n## B\ny", vec![1, 2], 1),
        ("before an achievement", "```sh\nx\n**Achievement 1.2**: B\ny", vec![1, 2], 1),
        (
            "before whole fences",
            "```sh\nx\n## B\n```\ny\n```\nz\n## C\n~~~\nw\n~~~\n",
            vec![1, 2, 4, 5, 6, 9, 10, 11],
            1,
        ),
        ("a heading of level 1 is a comment", "```sh\n# x\n## B\ny", vec![1, 2], 1),
        ("behind one that is closed in another section", "```\n## A\n```\nx\n## B\n```\ny", vec![1, 2, 3, 6, 7], 6),
        ("a run of another kind does not end it", "```sh\nx\n~~~\ny\n## B\nz", vec![1, 2, 3, 4], 1),
        ("a shorter run does not end it", "````sh\nx\n```\ny\n## B\nz", vec![1, 2, 3, 4], 1),
        ("the last one", "```\na\n```\n## B\n```\nb", vec![1, 2, 3, 5, 6], 5),
    ] {
        assert_eq!(fenced(text), inside, "{name}");
        assert_eq!(fences_balanced(text), Err(line), "{name}");
    }
}

#[test]
fn what_only_commonmark_finds_balanced_is_balanced() {
    let text = "```text\na line such as\n```python\nis content\n```\nz\n## B\ny";
    assert_eq!(fenced(text), [1, 2, 3, 4, 5]);
    assert_eq!(fences_balanced("```text\n```python\nx\n```\n## B\ny"), Ok(()));
}

#[test]
fn a_line_of_white_space_is_blank() {
    let blank: Vec<bool> = lines("\n \t\na\n  b\n").map(|line| line.is_blank()).collect();
    assert_eq!(blank, [true, true, false, false]);
}

#[test]
fn headings_stand_at_column_0_outside_of_fences() {
    let text = "# A\n ## B\n##C\n####### D\n## E ##\n```\n## F\n```\n###\tG\n#\n";
    let found: Vec<(usize, u8, &str)> =
        lines(text).filter_map(|line| line.heading().map(|h| (line.number, h.level, h.text))).collect();
    assert_eq!(found, [(1, 1, "A"), (5, 2, "E ##"), (9, 3, "G"), (10, 1, "")]);
}

#[test]
fn sections_reach_to_the_next_heading_of_their_level_or_above() {
    let text = "intro\n## A\na\n### A1\n```\n## no\n```\n## B\r\n\r\nb\r\n# H\nx\n## C";
    let found: Vec<(&str, usize, &str)> = sections(text, 2).iter().map(|s| (s.heading, s.line, s.body)).collect();
    assert_eq!(found, [("A", 2, "a\n### A1\n```\n## no\n```\n"), ("B", 8, "\r\nb\r\n"), ("C", 13, "")]);
    assert!(sections(text, 2).iter().all(|s| s.body_line == s.line + 1));
}

/// Pieces that make every kind of trouble for the fence rules.
fn markdown_soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("```\n"),
        Just("```sh\n"),
        Just("````md\n"),
        Just("~~~\n"),
        Just("- ```\n"),
        Just("## H\n"),
        Just("**Achievement 1.1**: T\n"),
        Just("text\n"),
        Just("\r\n"),
        Just("é ✅"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn lines_cover_the_text(text in prop_oneof![any::<String>(), markdown_soup()]) {
        let mut at = 0;
        for (index, line) in lines(&text).enumerate() {
            prop_assert_eq!(line.number, index + 1);
            prop_assert_eq!(line.start, at);
            prop_assert_eq!(&text[line.start..line.end], line.text);
            prop_assert!(matches!(&text[line.end..line.next], "\n" | "\r\n" | ""));
            at = line.next;
        }
        prop_assert_eq!(at, text.len());
    }

    #[test]
    fn fences_are_in_order_and_whole_lines(text in markdown_soup()) {
        let starts: Vec<usize> = lines(&text).map(|line| line.start).chain([text.len()]).collect();
        let ranges = fences::Fences::find(&text).ranges;
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
        for range in ranges {
            prop_assert!(range.start < range.end);
            prop_assert!(starts.contains(&range.start) && starts.contains(&range.end));
        }
    }

    /// However broken the text before it: a section that is whole in itself is read as it would be alone.
    #[test]
    fn a_heading_behind_forgotten_fences_is_seen(count in 1..40_usize, bare in any::<bool>()) {
        let mut text = format!("```{}\nx\n", if bare { "" } else { "sh" });
        for _ in 0..count {
            text.push_str("## Whole\n```\ncode\n```\n");
        }
        prop_assert_eq!(lines(&text).filter(|line| line.heading().is_some()).count(), count);
    }
}

/// So that a text of nothing but broken fences takes no longer than it should.
#[test]
fn behind_many_broken_fences_none_reaches_over_sections() {
    let whole = "```md\n## T\n```\n";
    let behind =
        |broken: usize| fenced(&format!("{}{whole}", "~~~ sh\nx\n## S\n".repeat(broken))).split_off(broken * 2);
    assert_eq!(behind(15), [46, 47, 48]);
    assert_eq!(behind(16), [49, 51]);
}

/// The numbers of the lines that lie in a comment.
fn commented(text: &str) -> Vec<usize> {
    lines(text).filter(|line| line.in_comment).map(|line| line.number).collect()
}

#[test]
fn comments_are_found_outside_of_fences() {
    for (name, text, inside) in [
        ("one line", "a\n<!-- b -->\nc", vec![2]),
        ("indented, behind a marker, quoted", " <!-- a -->\n- <!-- b -->\n> <!-- c -->\nd", vec![1, 2, 3]),
        ("several lines, blank ones too", "a\n<!-- b\n\n## C\n-->\nd", vec![2, 3, 4, 5]),
        ("the line that ends it, with all on it", "<!--\na --> b\nc", vec![1, 2]),
        ("text beside it", "<!-- a --> b\nc <!-- d -->\n", vec![]),
        ("two on a line", "<!-- a --><!-- b\nc -->\nd", vec![1, 2]),
        ("the shortest", "<!-->\na\n<!--->\nb", vec![1, 3]),
        ("behind text, in its paragraph", "a <!-- b\nc\nd -->\ne", vec![2, 3]),
        ("behind text, not beyond its paragraph", "a <!-- b\n \nc -->\n", vec![]),
        ("behind text, not beyond its paragraph's later lines", "a <!-- b\nc\n\nd -->\n", vec![]),
        ("behind one in code", "`<!--` <!-- a\nb -->\nc", vec![2]),
        ("behind one in code far into its line", "some words `<!--` <!-- a\nb -->\nc", vec![2]),
        ("one line after the other", "<!-- a -->\n<!-- b -->\nc", vec![1, 2]),
        ("one behind the other", "a <!-- b\nc --> d <!-- e\nf -->\ng", vec![2, 3]),
        ("in code", "`<!--` a\n-->", vec![]),
        ("behind code", "`a` <!-- b\nc -->", vec![2]),
        ("in a fence", "```\n<!--\n```\na\n-->", vec![]),
        ("behind a fence", "```\n```\n<!--\na\n-->", vec![3, 4, 5]),
        ("never closed", "a\n<!-- b\nc", vec![]),
        ("CRLF", "<!--\r\na\r\n-->\r\nb", vec![1, 2, 3]),
    ] {
        assert_eq!(commented(text), inside, "{name}");
    }
}

#[test]
fn fences_in_comments_are_none() {
    let text = "<!--\n```\n-->\n## A\n```\na\n```\n<!--\n~~~\n-->\nb";
    assert_eq!(fenced(text), [5, 6, 7]);
    assert_eq!(commented(text), [1, 2, 3, 8, 9, 10]);
    assert_eq!(fences_balanced(text), Ok(()));
    // Behind a fence that reaches over sections, too.
    let text = "```\n## A\n```\n<!--\n```\n-->\na\n## B\nb";
    assert_eq!(fenced(text), [1, 2, 3]);
    assert_eq!(commented(text), [4, 5, 6]);
}

#[test]
fn the_first_comment_that_is_never_closed_is_named() {
    for (text, expected) in [
        ("<!-- a -->", Ok(())),
        ("a <!-- b", Ok(())),
        ("`<!--`", Ok(())),
        ("```\n<!--\n```", Ok(())),
        ("<!-- a -->\n<!-- b\n<!-- c", Err(2)),
        ("```\n## A\n```\n<!--\n## B", Err(4)),
    ] {
        assert_eq!(comments_closed(text), expected, "{text}");
    }
}

#[test]
fn a_heading_in_a_comment_is_none() {
    let names: Vec<&str> = sections("## A\n<!--\n## B\n-->\n## C\n", 2).iter().map(|section| section.heading).collect();
    assert_eq!(names, ["A", "C"]);
}
