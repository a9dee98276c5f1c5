//! What the checks know of languages: `config/wording.toml`, read once, and the language that a text is in.

use std::sync::LazyLock;

use serde::Deserialize;

use super::words::{HashSet, Table, Word, hash_of, words};

/// A language as its section of the table has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    #[serde(default)]
    unspaced: bool,
    run: usize,
    own: usize,
    thin: usize,
    #[serde(rename = "loop")]
    looped: usize,
    repeated: usize,
    stop: String,
    generic: String,
    asks: Vec<String>,
    offers: Vec<String>,
    itself: Vec<String>,
    provides: String,
    done: Vec<String>,
    done_log: Vec<String>,
    unless: String,
    needs: String,
    joins: String,
    units: String,
    dangling: String,
}

#[derive(Deserialize)]
struct File {
    language: Vec<Raw>,
}

/// One language.
#[derive(Debug)]
pub(super) struct Language {
    #[cfg_attr(not(test), expect(dead_code, reason = "named in tests"))]
    pub(super) name: String,
    /// Whether its script puts no spaces between words.
    unspaced: bool,
    /// Words in a row that are taken from the PLAN.
    pub(super) run: usize,
    /// Significant words of its own that a section has at least.
    pub(super) own: usize,
    /// Words outside of Deliverables below which a SUBPLAN needs facts.
    pub(super) thin: usize,
    /// Words from which on a section is looked at for loops.
    pub(super) looped: usize,
    /// Words of a section that can be a repetition of another.
    pub(super) repeated: usize,
    /// Words that mean nothing by themselves.
    stop: HashSet,
    /// Words that fit any document.
    generic: HashSet,
}

impl Language {
    /// Whether a word says something about the subject of a text.
    pub(super) fn is_significant(&self, word: Word) -> bool {
        let known = |language: &Self| language.stop.contains(&word.hash) || language.generic.contains(&word.hash);
        word.meant && !known(self) && !known(english())
    }
}

/// Phrases of all languages together: models fall back on English, and no phrase of one means another in the next.
#[derive(Debug)]
pub(super) struct Wording {
    languages: Vec<Language>,
    pub(super) asks: Table,
    pub(super) offers: Table,
    pub(super) itself: Table,
    pub(super) done: Table,
    pub(super) done_log: Table,
    pub(super) provides: HashSet,
    pub(super) unless: HashSet,
    pub(super) needs: HashSet,
    pub(super) joins: HashSet,
    pub(super) units: HashSet,
    pub(super) dangling: HashSet,
}

static WORDING: LazyLock<Wording> = LazyLock::new(|| {
    // A test reads the file; what does not parse would leave the phrases out and nothing else.
    let languages = toml::from_str::<File>(include_str!("../../../config/wording.toml")).map(|file| file.language);
    Wording::new(languages.unwrap_or_default())
});

/// For a text in a language that the table does not have: that of English, without its words.
static OTHER: LazyLock<Language> = LazyLock::new(|| Language {
    name: String::from("other"),
    unspaced: false,
    run: 6,
    own: 4,
    thin: 200,
    looped: 100,
    repeated: 12,
    stop: HashSet::default(),
    generic: HashSet::default(),
});

/// The table.
pub(super) fn wording() -> &'static Wording {
    &WORDING
}

fn english() -> &'static Language {
    WORDING.languages.first().unwrap_or(&OTHER)
}

impl Wording {
    fn new(raw: Vec<Raw>) -> Self {
        let set = |text: &dyn Fn(&Raw) -> &str| -> HashSet {
            raw.iter().flat_map(|language| text(language).split_whitespace()).map(hash_of).collect()
        };
        let table = |phrases: &dyn Fn(&Raw) -> &Vec<String>| {
            Table::new(raw.iter().flat_map(|language| phrases(language).iter().map(String::as_str)))
        };
        let hashes = |text: &str| words(text).map(|word| word.hash).collect();
        Self {
            asks: table(&|language| &language.asks),
            offers: table(&|language| &language.offers),
            itself: table(&|language| &language.itself),
            done: table(&|language| &language.done),
            done_log: table(&|language| &language.done_log),
            provides: set(&|language| &language.provides),
            unless: set(&|language| &language.unless),
            needs: set(&|language| &language.needs),
            joins: set(&|language| &language.joins),
            units: set(&|language| &language.units),
            dangling: set(&|language| &language.dangling),
            languages: raw
                .into_iter()
                .map(|language| Language {
                    unspaced: language.unspaced,
                    run: language.run,
                    own: language.own,
                    thin: language.thin,
                    looped: language.looped,
                    repeated: language.repeated,
                    stop: hashes(&language.stop),
                    generic: hashes(&language.generic),
                    name: language.name,
                })
                .collect(),
        }
    }
}

/// The language of a text, by its script and its commonest words.
pub(super) fn language_of(text: &[Word]) -> &'static Language {
    let unspaced = text.iter().filter(|word| word.unspaced).count();
    let is_unspaced = unspaced * 3 > text.len();
    let hits = |language: &Language| text.iter().filter(|word| language.stop.contains(&word.hash)).count();
    let candidates = wording().languages.iter().rev().filter(|language| language.unspaced == is_unspaced);
    let best = candidates.map(|language| (hits(language), language)).max_by_key(|(hits, _)| *hits);
    // The first of equals, which is English. Every tenth word of a text is one of these at least; of another language's, by chance, far fewer.
    best.filter(|(hits, _)| hits * 10 >= text.len()).map_or(&OTHER, |(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let file: File = toml::from_str(include_str!("../../../config/wording.toml")).unwrap();
        let names: Vec<&str> = file.language.iter().map(|language| language.name.as_str()).collect();
        assert_eq!(names, ["english", "german", "spanish", "french", "japanese", "chinese"]);
        assert!(wording().asks.is_in(&[hash_of("let"), hash_of("me"), hash_of("know")]));
    }

    #[test]
    fn a_language_is_told_by_its_words() {
        for (text, name) in [
            ("The archive keeps every message of a carrier, and no crash loses what was confirmed.", "english"),
            ("Das Archiv behält jede Nachricht, und kein Absturz verliert, was bestätigt wurde.", "german"),
            ("El archivo guarda cada mensaje y ningún fallo pierde lo que se confirmó.", "spanish"),
            ("L'archive garde chaque message, et aucune panne ne perd ce qui a été confirmé.", "french"),
            ("アーカイブはすべてのメッセージを保存し、確認されたものは失われません。", "japanese"),
            ("归档会保存承运商的每一条消息，崩溃不会丢失已经确认的内容。", "chinese"),
            ("Arkivet bevarer samtlige beskeder uforandret.", "other"),
            ("", "english"),
        ] {
            let text_words: Vec<Word> = words(text).collect();
            assert_eq!(language_of(&text_words).name, name, "{text}");
        }
    }
}
