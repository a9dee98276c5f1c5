//! Words by Unicode segmentation, as numbers that can be compared, and phrases made of them.
//!
//! A word is the hash of its letters in lower case. Han characters and most kana are words of their own, so every length
//! that is counted in words depends on the language ([`super::language`]).

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use unicode_segmentation::UnicodeSegmentation as _;

/// A set of words or of phrases. Its numbers are hashes already, and the same in every run.
pub(super) type HashSet = std::collections::HashSet<u64, FixedState>;

const SEED: FixedState = FixedState::with_seed(0x7061_7274);

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Equal for words that differ in case only.
    pub(super) hash: u64,
    /// Whether a digit is in it.
    pub(super) digit: bool,
    /// Whether it is a word of its own only because its script puts no spaces between words.
    pub(super) unspaced: bool,
    /// Whether it can mean something: no single digit or letter, and no id.
    pub(super) meant: bool,
    /// Whether it is a name as code has them, which says something wherever it stands.
    pub(super) named: bool,
}

impl Word {
    fn new(text: &str) -> Self {
        let (mut digit, mut unspaced, mut letters) = (false, false, 0_usize);
        for c in text.chars() {
            digit |= c.is_numeric();
            unspaced |= is_unspaced(c);
            letters += usize::from(c.is_alphabetic());
        }
        let amount = text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit());
        let named = letters > 1 && text.contains(['_', '.', ':']);
        Self { hash: hash_of(text), digit, unspaced, meant: letters > 1 || unspaced || amount, named }
    }

    /// The word, or what stands for any number: a prompt is rendered with other numbers than its template shows.
    pub(super) fn without_number(self) -> u64 {
        if self.digit { ANY } else { self.hash }
    }
}

/// Stands for any value in the phrases of a template.
pub(super) const ANY: u64 = 1;

/// Kana, Han characters and their extensions.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    text.unicode_words().map(Word::new)
}

/// The number of a word, without regard to case and to the form of its apostrophe.
pub(super) fn hash_of(word: &str) -> u64 {
    // Nearly all words fit; the bytes of each character are hashed as they come.
    let mut buffer = [0_u8; 64];
    if word.is_ascii() && word.len() <= buffer.len() {
        let lower = &mut buffer[..word.len()];
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        return SEED.hash_one(&*lower);
    }
    let lower = word.to_lowercase().replace('\u{2019}', "'");
    SEED.hash_one(lower.as_bytes())
}

/// The number of a phrase.
pub(super) fn phrase(words: &[u64]) -> u64 {
    SEED.hash_one(words)
}

/// The phrases of one length that a text has, within its paragraphs.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrases {
    length: usize,
    found: HashSet,
}

impl Phrases {
    /// An empty set of phrases of `length` words.
    pub(super) fn new(length: usize) -> Self {
        Self { length: length.max(1), found: HashSet::default() }
    }

    /// Adds the phrases of one paragraph.
    pub(super) fn add(&mut self, words: &[u64]) {
        self.found.extend(words.windows(self.length).map(phrase));
    }

    /// Leaves out the phrases that another set has too.
    pub(super) fn remove(&mut self, others: &Self) {
        self.found.retain(|phrase| !others.found.contains(phrase));
    }

    /// The places in a paragraph at which such a phrase begins.
    pub(super) fn places<'a>(&'a self, words: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
        let windows = words.windows(self.length.max(1)).enumerate();
        windows.filter(|(_, words)| self.found.contains(&phrase(words))).map(|(at, _)| at)
    }

    /// How many words a phrase has.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// Fixed phrases of any length, found in one pass.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_first: std::collections::HashMap<u64, Vec<Entry>, FixedState>,
}

#[derive(Debug)]
struct Entry {
    words: Vec<u64>,
    /// Whether it counts only where a sentence begins.
    first: bool,
}

impl Table {
    /// Reads phrases; `^` in front of one says that it counts only where a sentence begins.
    pub(super) fn new<'a>(phrases: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self::default();
        for text in phrases {
            let first = text.starts_with('^');
            let words: Vec<u64> = words(text).map(|word| word.hash).collect();
            if let Some(begin) = words.first() {
                table.by_first.entry(*begin).or_default().push(Entry { words, first });
            }
        }
        table
    }

    /// The place and length of the first phrase in a sentence.
    pub(super) fn find(&self, sentence: &[u64]) -> Option<(usize, usize)> {
        sentence.iter().enumerate().find_map(|(at, word)| {
            let entries = self.by_first.get(word)?;
            let found =
                entries.iter().find(|entry| (at == 0 || !entry.first) && sentence[at..].starts_with(&entry.words));
            found.map(|entry| (at, entry.words.len()))
        })
    }

    /// Whether a phrase is anywhere in a text, also where it counts only at the beginning of a sentence.
    pub(super) fn may_be_in(&self, text: &[u64]) -> bool {
        text.iter().enumerate().any(|(at, word)| {
            self.by_first
                .get(word)
                .is_some_and(|entries| entries.iter().any(|entry| text[at..].starts_with(&entry.words)))
        })
    }

    /// Whether a phrase is in a sentence.
    pub(super) fn is_in(&self, sentence: &[u64]) -> bool {
        self.find(sentence).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(text: &str) -> Vec<u64> {
        words(text).map(|word| word.hash).collect()
    }

    #[test]
    fn words_are_those_of_unicode_in_any_script() {
        for (text, count) in [
            ("the archive, of messages", 4),
            ("`parcel_tracker/archive.py` is read", 4),
            ("Größe über 3,5 Meter", 4),
            ("don't", 1),
            ("每条消息", 4),
            ("データを読む", 4),
            ("— 🎯 —", 0),
            ("", 0),
        ] {
            assert_eq!(words(text).count(), count, "{text}");
        }
        assert_eq!(hashes("Don\u{2019}t ÜBER"), hashes("don't über"));
        assert!(words("12ms").all(|word| word.digit) && words("每").all(|word| word.unspaced));
    }

    #[test]
    fn phrases_are_found_where_they_begin() {
        let mut phrases = Phrases::new(3);
        phrases.add(&hashes("one two three four"));
        let text = hashes("zero One two three, four five");
        assert_eq!(phrases.places(&text).collect::<Vec<_>>(), [1, 2]);
        let mut others = Phrases::new(3);
        others.add(&hashes("two three four"));
        phrases.remove(&others);
        assert_eq!(phrases.places(&text).collect::<Vec<_>>(), [1]);
        assert_eq!(phrases.places(&hashes("one two")).count(), 0);
    }

    #[test]
    fn a_table_finds_fixed_phrases() {
        let table = Table::new(["feel free", "^shall i", "do you want", "告诉我"]);
        for text in ["Please feel free to ask", "Shall I go on?", "and do you want it", "请告诉我"] {
            assert!(table.is_in(&hashes(text)), "{text}");
        }
        for text in ["free feel", "Where shall I", "do you", ""] {
            assert!(!table.is_in(&hashes(text)), "{text}");
        }
    }
}
