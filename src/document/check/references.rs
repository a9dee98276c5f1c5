//! Finds sentences that send the reader to another achievement's document.
//!
//! A document has to be usable on its own. Naming a dependency, its SUBPLAN or what it delivers is fine; "see …",
//! "as described in …", "read … first" is not.

use crate::{
    document::{FileRole, Folder, Names},
    markdown::lines,
    plan::AchievementId,
};

/// A sentence that makes another document required reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// 1-based line of the mention.
    pub(super) line: usize,
    /// The document, as the text names it.
    pub(super) document: String,
}

/// Words between "see" and the document it speaks of are at most this many.
const REACH: usize = 12;

const SENDS: &[&str] = &[
    "see",
    "read",
    "reading",
    "refer",
    "refers",
    "referring",
    "consult",
    "study",
    "review",
    "check",
    "follow",
    "per",
    "according",
    "described",
    "defined",
    "specified",
    "documented",
    "detailed",
    "explained",
    "outlined",
    "listed",
    "found",
];

/// Words that do the same from behind: "SUBPLAN_X_32.md must be read first".
const SENDS_FROM_BEHIND: &[&str] = &["read", "consulted", "details"];

const NEGATIONS: &[&str] = &["not", "don't", "never", "without", "no", "needn't", "avoid"];

/// At most `most` references in `text` to documents of achievements other than `own`.
pub(super) fn to_others(text: &str, own: AchievementId, names: &Names, most: usize) -> Vec<Reference> {
    if !may_mention(text) {
        return Vec::new();
    }
    let mut reader = Reader { own, names, found: Vec::new(), sentence: Sentence::default() };
    for line in lines(text) {
        if reader.found.len() >= most {
            break;
        }
        let starts_anew = line.in_fence
            || line.is_blank()
            || line.heading().is_some()
            || line.text.trim_start().starts_with(['-', '*', '+', '|', '>']);
        if starts_anew {
            reader.sentence = Sentence::default();
        }
        if !line.in_fence {
            line.text.split_whitespace().for_each(|word| reader.word(word, line.number));
        }
    }
    reader.found.truncate(most);
    reader.found
}

/// Whether a text can speak of any document at all: not without one of these words.
fn may_mention(text: &str) -> bool {
    let bytes = text.as_bytes();
    let subplan = |at: usize| bytes[at..].get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"subplan"));
    memchr::memmem::find(bytes, b"EXECUTION_TASK_").is_some() || memchr::memchr2_iter(b's', b'S', bytes).any(subplan)
}

struct Reader<'a> {
    own: AchievementId,
    names: &'a Names,
    found: Vec<Reference>,
    sentence: Sentence,
}

/// What has been read of a sentence; positions count its words.
#[derive(Default)]
struct Sentence {
    position: usize,
    negated_at: Option<usize>,
    sends_at: Option<usize>,
    /// The last id, for "the 3.2 SUBPLAN".
    id: Option<(AchievementId, usize)>,
    /// The word "SUBPLAN" whose id is still to come, for "the SUBPLAN of 3.2".
    subplan_at: Option<usize>,
    /// A mention that nothing has sent the reader to so far.
    idle: Option<(Reference, usize)>,
}

impl Reader<'_> {
    fn word(&mut self, raw: &str, line: usize) {
        let edge = |c: char| !c.is_alphanumeric();
        let word = raw.trim_matches(edge);
        let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("\u{2019}s")).unwrap_or(word);
        // No word that is compared below is longer; the rest is file names. All of them are ASCII.
        let mut buffer = [0_u8; 24];
        let lower = lower_ascii(word, &mut buffer);
        self.sentence.position += 1;
        let position = self.sentence.position;
        let near = |at: Option<usize>, reach: usize| at.is_some_and(|at| position - at <= reach);

        if NEGATIONS.contains(&lower) {
            self.sentence.negated_at = Some(position);
        } else if SENDS.contains(&lower) && !near(self.sentence.negated_at, 4) {
            self.sentence.sends_at = Some(position);
        }
        if SENDS_FROM_BEHIND.contains(&lower)
            && !near(self.sentence.negated_at, 4)
            && let Some((reference, _)) = self.sentence.idle.take_if(|(_, at)| position - *at <= 8)
        {
            self.found.push(reference);
        }

        if let Some(other) = self.named_file(word) {
            self.mention(other, line);
        } else if let Some(id) = id_of(word) {
            if near(self.sentence.subplan_at.take(), 5) && id != self.own {
                self.mention(format!("the SUBPLAN of {id}"), line);
            }
            self.sentence.id = Some((id, position));
        } else if matches!(lower, "subplan" | "subplans") {
            match self.sentence.id.filter(|(_, at)| position - *at <= 2) {
                Some((id, _)) if id != self.own => self.mention(format!("the SUBPLAN of {id}"), line),
                Some(_) => {}
                None => self.sentence.subplan_at = Some(position),
            }
        } else if !matches!(lower, "of" | "for" | "the" | "achievement" | "achievements" | "to" | "from") {
            self.sentence.subplan_at = None;
        }

        let closed = raw.trim_end_matches(['"', '\'', ')', '*', '`', '\u{201d}']);
        if closed.ends_with(['.', '!', '?', ';']) {
            self.sentence = Sentence::default();
        }
    }

    /// The file name of a SUBPLAN or EXECUTION_TASK of another achievement.
    fn named_file(&self, word: &str) -> Option<String> {
        if !word.contains('_') {
            return None;
        }
        let file = word.rsplit(['/', '\\']).next()?;
        if file.len() > 255 {
            return None;
        }
        let folder = match (file.starts_with("SUBPLAN_"), file.starts_with("EXECUTION_TASK_")) {
            (true, _) => Folder::Subplans,
            (_, true) => Folder::Execution,
            (false, false) => return None,
        };
        let stem = file.strip_suffix(".md").unwrap_or(file);
        let other = match self.names.classify(folder, &format!("{stem}.md")) {
            Some(FileRole::Subplan(id) | FileRole::Execution { id, .. }) => id != self.own,
            Some(FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_)) => false,
            // A document of another plan; a pattern such as `SUBPLAN_<NAME>` is none.
            None => stem.ends_with(|c: char| c.is_ascii_digit()),
        };
        other.then(|| file.to_owned())
    }

    fn mention(&mut self, document: String, line: usize) {
        let reference = Reference { line, document };
        let position = self.sentence.position;
        if self.sentence.sends_at.is_some_and(|at| position - at <= REACH) {
            self.found.push(reference);
        } else {
            self.sentence.idle = Some((reference, position));
        }
    }
}

/// An ASCII word in lower case; nothing for one that is longer than the buffer, or not ASCII.
fn lower_ascii<'b>(word: &str, buffer: &'b mut [u8; 24]) -> &'b str {
    let Some(room) = buffer.get_mut(..word.len()).filter(|_| word.is_ascii()) else { return "" };
    room.copy_from_slice(word.as_bytes());
    room.make_ascii_lowercase();
    std::str::from_utf8(room).unwrap_or_default()
}

/// Nearly no word is an id, so that most are not even tried.
fn id_of(word: &str) -> Option<AchievementId> {
    word.starts_with(|c: char| c.is_ascii_digit()).then(|| AchievementId::parse(word).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanName;

    fn found(text: &str) -> Vec<(usize, String)> {
        let id = |text: &str| AchievementId::parse(text).unwrap();
        let names = Names::new(PlanName::parse("DEMO").unwrap(), ["3.1", "3.2", "4.1"].map(id));
        to_others(text, id("3.1"), &names, 5)
            .into_iter()
            .map(|reference| (reference.line, reference.document))
            .collect()
    }

    #[test]
    fn required_reading_is_found() {
        for (text, document) in [
            ("See SUBPLAN_DEMO_32 for the schema.", "SUBPLAN_DEMO_32"),
            ("Read `subplans/SUBPLAN_DEMO_32.md` first.", "SUBPLAN_DEMO_32.md"),
            ("The format is as described in\n`SUBPLAN_DEMO_32.md`.", "SUBPLAN_DEMO_32.md"),
            ("Refer to the SUBPLAN of 3.2 for details.", "the SUBPLAN of 3.2"),
            ("Refer to the SUBPLAN for Achievement 3.2.", "the SUBPLAN of 3.2"),
            ("Follow the 3.2 SUBPLAN.", "the SUBPLAN of 3.2"),
            ("According to Achievement 3.2's SUBPLAN, tests come first.", "the SUBPLAN of 3.2"),
            ("- **Required reading**: SUBPLAN_DEMO_41.md", "SUBPLAN_DEMO_41.md"),
            ("SUBPLAN_DEMO_32.md must be read before this one.", "SUBPLAN_DEMO_32.md"),
            ("Consult EXECUTION_TASK_DEMO_32_01.md.", "EXECUTION_TASK_DEMO_32_01.md"),
            ("Check SUBPLAN_OTHER-PLAN_77.md.", "SUBPLAN_OTHER-PLAN_77.md"),
        ] {
            let found: Vec<String> = found(text).into_iter().map(|(_, document)| document).collect();
            assert_eq!(found, [document], "{text}");
        }
        assert_eq!(found("a\n\nsee SUBPLAN_DEMO_32"), [(3, "SUBPLAN_DEMO_32".to_owned())]);
    }

    /// A sentence with `words` words in its gap, and the most with which it still sends the reader somewhere, or with which a
    /// negation still holds.
    #[test]
    fn what_belongs_together_stands_close_by() {
        let sentence = |parts: [&str; 2], words: usize, word: &str| {
            format!("Now then, well: {} {}{}", parts[0], format!("{word} ").repeat(words), parts[1])
        };
        let table = [
            (["See", "SUBPLAN_DEMO_32"], "very", 11, 1),
            (["SUBPLAN_DEMO_32", "consulted"], "very", 7, 1),
            (["Not", "read SUBPLAN_DEMO_32"], "very", 3, 0),
            (["SUBPLAN_DEMO_32 not", "consulted"], "very", 3, 0),
            (["See SUBPLAN", "3.2"], "the", 4, 1),
            (["Follow 3.2", "SUBPLAN"], "the", 1, 1),
        ];
        for (parts, word, most, count) in table {
            assert_eq!(found(&sentence(parts, most, word)).len(), count, "{parts:?} {most}");
            assert_eq!(found(&sentence(parts, most + 1, word)).len(), 1 - count, "{parts:?} {}", most + 1);
        }
    }

    #[test]
    fn a_file_name_has_a_length_that_a_file_can_have() {
        let name = |length: usize| format!("SUBPLAN_{}1", "A".repeat(length - 9));
        assert_eq!(found(&format!("see {}", name(255))).len(), 1);
        assert_eq!(found(&format!("see {}", name(256))), []);
    }

    #[test]
    fn naming_a_dependency_is_fine() {
        for text in [
            "Depends on 3.2, which delivers `schema.json`.",
            "Depends on SUBPLAN_DEMO_32.md being complete.",
            "Coordinate with the SUBPLAN of 3.2.",
            "Read SUBPLAN_DEMO_31.md first.",
            "See the SUBPLAN of 3.1.",
            "Do not read SUBPLAN_DEMO_32.md.",
            "Works without reading SUBPLAN_DEMO_32.md.",
            "Check the tests. SUBPLAN_DEMO_32 comes later.",
            "See the tests.\n\n- SUBPLAN_DEMO_32 comes later",
            "See the tests\n\nSUBPLAN_DEMO_32 comes later",
            "See the tests\n- SUBPLAN_DEMO_32 comes later",
            "See the tests\n### SUBPLAN_DEMO_32 comes later",
            "See the tests\n```\nmake\n```\nSUBPLAN_DEMO_32 comes later",
            "SUBPLAN_DEMO_32 need not be read.",
            "Follow the 3.1 SUBPLAN.",
            "Write a file named `SUBPLAN_<NAME>_<SLUG>.md`; see the table.",
            "```\nsee SUBPLAN_DEMO_32\n```",
            "Read the feeds from 3.2 and check them.",
            "Run EXECUTION_TASK_DEMO_31_02.md after this; see below.",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
