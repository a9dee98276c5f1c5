//! Lines of a plan's own tape that are no exchange, and what has to be known of a line to remember it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A line that says: the answers to these requests led to no document, and the item was given up. A later run asks afresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The requests, by [`super::item_key`].
    pub given_up: Vec<String>,
    /// What was given up, for people who read the tape, such as `3.1 subplan`.
    pub item: String,
}

impl GivenUp {
    /// One line of JSON, without the line feed.
    pub fn to_line(&self) -> String {
        super::exchange::line_of(self)
    }
}

/// What a line of a tape is, without its large parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skimmed<'a> {
    /// An exchange.
    Exchange {
        /// Its item key, as it stands there, or else its key.
        key: Cow<'a, str>,
        /// Whether it is an answer that can be used: a success that came to its end.
        usable: bool,
    },
    /// Answers that are not to be used again, by key.
    GivenUp(Vec<Cow<'a, str>>),
}

/// Reads just enough of a line to tell what it is.
pub fn skim(line: &str) -> Result<Skimmed<'_>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Skim<'a> {
        #[serde(borrow, default)]
        key: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        item_key: Option<Cow<'a, str>>,
        #[serde(default)]
        status: u16,
        #[serde(default = "super::exchange::yes")]
        complete: bool,
        #[serde(borrow, default)]
        given_up: Option<Vec<Cow<'a, str>>>,
    }
    let Skim { key, item_key, status, complete, given_up } = serde_json::from_str(line)?;
    match (item_key.or(key), given_up) {
        (Some(key), _) => Ok(Skimmed::Exchange { key, usable: complete && (200..300).contains(&status) }),
        (None, Some(keys)) => Ok(Skimmed::GivenUp(keys)),
        (None, None) => Err(serde::de::Error::missing_field("key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let exchange = |status: u16, complete: bool| {
            format!(
                r#"{{"key":"k","at":"2026-11-01T00:00:00Z","method":"POST","path":"/p","request":{{"key":"inner"}},"status":{status},"complete":{complete},"body":""}}"#
            )
        };
        let usable = |line: &str| matches!(skim(line).unwrap(), Skimmed::Exchange { key, usable: true } if key == "k");
        assert!(usable(&exchange(200, true)));
        assert!(!usable(&exchange(200, false)));
        assert!(!usable(&exchange(429, true)));
        let note = GivenUp { given_up: vec![String::from("a"), String::from("b")], item: String::from("3.1 subplan") };
        assert_eq!(skim(&note.to_line()).unwrap(), Skimmed::GivenUp(vec!["a".into(), "b".into()]));
        for damaged in ["", "{}", "[]", "{\"key\":3}", "{\"key\":\"k\"", "nonsense"] {
            assert!(skim(damaged).is_err(), "{damaged}");
        }
    }
}
