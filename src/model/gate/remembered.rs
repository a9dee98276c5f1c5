//! What is known of limits across runs: the text of one file of the user's, not of any plan. Pure.
//!
//! Limits belong to a provider, a model and a key. The key itself is never in the file: a few digits of a hash with
//! the file's own salt tell one from another and nothing more.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{fmt::Write as _, time::Duration};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    core::{Knowledge, Policy},
    door::Gate,
    headers::Limit,
    pace::Learned,
};
use crate::tape::whole_milliseconds;

/// The form of the file.
const VERSION: u32 = 1;
/// What is older is forgotten: limits change with contracts and tiers.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most entries; the oldest go.
const MOST: usize = 100;

/// Whose limits.
#[derive(Clone, Debug)]
pub struct Place {
    /// The server: scheme, host and port.
    pub server: String,
    /// The model's name.
    pub model: String,
    /// The key, where there is one.
    pub key: Option<SecretString>,
}

/// All that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    version: u32,
    salt: String,
    limits: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    server: String,
    model: String,
    /// A part of a salted hash.
    key: String,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    requests: Option<Kept>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tokens: Option<Kept>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    learned: Option<KeptPace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    limit: f64,
    per_second: f64,
    remaining: f64,
    /// When it is renewed, where nothing was left of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    renewed: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct KeptPace {
    per_second: f64,
    burst: f64,
    level: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    in_flight: Option<usize>,
}

impl Remembered {
    /// Nothing yet. `salt` is any text that no other file has.
    pub fn new(salt: String) -> Self {
        Self { version: VERSION, salt, limits: Vec::new() }
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// One sentence: it is not what this program wrote.
    pub fn parse(text: &str) -> Result<Self, String> {
        let this: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if this.version != VERSION {
            return Err(format!("its version is {}, not {VERSION}", this.version));
        }
        let sound = |number: f64| number.is_finite() && number >= 0.0;
        let kept = |kept: &Kept| {
            sound(kept.limit)
                && kept.limit >= 1.0
                && sound(kept.remaining)
                && sound(kept.per_second)
                && kept.per_second > 0.0
        };
        let pace = |pace: &KeptPace| {
            sound(pace.burst) && pace.level.is_finite() && sound(pace.per_second) && pace.per_second > 0.0
        };
        let all = this
            .limits
            .iter()
            .all(|entry| entry.requests.iter().chain(&entry.tokens).all(kept) && entry.learned.iter().all(pace));
        if all { Ok(this) } else { Err(String::from("a number in it cannot be")) }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        // Its keys are text and its numbers finite, so there is no error to report.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// A gate that begins with what is remembered of its place.
    pub fn gate(&self, policy: Policy, place: &Place, now: Timestamp) -> Gate {
        Gate::with(policy, self.knowledge(place, now))
    }

    fn knowledge(&self, place: &Place, now: Timestamp) -> Knowledge {
        let Some(entry) = self.limits.iter().find(|entry| self.is_of(entry, place) && !is_old(entry, now)) else {
            return Knowledge::default();
        };
        let since = Duration::try_from(now.duration_since(entry.at)).unwrap_or_default().as_secs_f64();
        let limit = |kept: Kept| Limit {
            limit: kept.limit,
            remaining: (kept.remaining + since * kept.per_second).min(kept.limit),
            per_second: kept.per_second,
            renewed_in: kept.renewed.and_then(|at| Duration::try_from(at.duration_since(now)).ok()),
        };
        let learned = entry.learned.map(|pace| Learned {
            per_second: pace.per_second,
            burst: pace.burst,
            level: (pace.level + since * pace.per_second).min(pace.burst),
            in_flight: pace.in_flight,
        });
        Knowledge { requests: entry.requests.map(limit), tokens: entry.tokens.map(limit), learned }
    }

    /// Notes what a gate has come to know. Old entries are dropped.
    pub fn note(&mut self, gate: &Gate, place: &Place, now: Timestamp) {
        self.put(gate.knowledge(), place, now);
    }

    fn put(&mut self, knowledge: Knowledge, place: &Place, now: Timestamp) {
        let kept = |limit: Limit| Kept {
            limit: limit.limit,
            per_second: limit.per_second,
            remaining: limit.remaining,
            renewed: limit.renewed_in.and_then(|wait| now.checked_add(wait).ok()).map(whole_milliseconds),
        };
        let entry = Entry {
            server: place.server.clone(),
            model: place.model.clone(),
            key: self.fingerprint(place),
            at: whole_milliseconds(now),
            requests: knowledge.requests.map(kept),
            tokens: knowledge.tokens.map(kept),
            learned: knowledge.learned.map(|learned| KeptPace {
                per_second: learned.per_second,
                burst: learned.burst,
                level: learned.level,
                in_flight: learned.in_flight,
            }),
        };
        let salt = std::mem::take(&mut self.salt);
        self.limits.retain(|old| {
            !is_old(old, now) && (&old.server, &old.model, &old.key) != (&entry.server, &entry.model, &entry.key)
        });
        self.salt = salt;
        if entry.requests.is_some() || entry.tokens.is_some() || entry.learned.is_some() {
            self.limits.insert(0, entry);
        }
        self.limits.truncate(MOST);
    }

    fn is_of(&self, entry: &Entry, place: &Place) -> bool {
        entry.server == place.server && entry.model == place.model && entry.key == self.fingerprint(place)
    }

    fn fingerprint(&self, place: &Place) -> String {
        let Some(key) = &place.key else { return String::from("none") };
        let mut hash = Sha256::new();
        for part in ["planwave limits", &self.salt, key.expose_secret().trim()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().iter().take(6).fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn is_old(entry: &Entry, now: Timestamp) -> bool {
    // A time in the future is a clock that was wrong.
    let age = now.duration_since(entry.at);
    age > KEPT || age < -SignedDuration::from_hours(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: &str) -> Place {
        Place { server: "api.example".to_owned(), model: "m".to_owned(), key: Some(SecretString::from(key.to_owned())) }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn known() -> Knowledge {
        Knowledge {
            requests: Some(Limit { limit: 60.0, remaining: 10.0, per_second: 1.0, renewed_in: None }),
            tokens: None,
            learned: Some(Learned { per_second: 2.0, burst: 40.0, level: 0.0, in_flight: Some(3) }),
        }
    }

    #[test]
    fn kept_by_place_without_the_key_and_refilled_with_time() {
        let noon = at("2026-11-01T12:00:00Z");
        let mut file = Remembered::new("salt".to_owned());
        file.put(known(), &place("sk-canary-1234567890"), noon);
        file.put(Knowledge::default(), &place("sk-other"), noon);
        let text = file.to_text();
        assert!(!text.contains("canary"), "{text}");
        let file = Remembered::parse(&text).unwrap();
        assert_eq!(file.limits.len(), 1, "nothing known is nothing to keep");

        let later = at("2026-11-01T12:00:15Z");
        let knowledge = file.knowledge(&place("sk-canary-1234567890\n"), later);
        assert_eq!(knowledge.requests.map(|limit| limit.remaining), Some(25.0));
        assert_eq!(knowledge.learned.map(|learned| (learned.level, learned.in_flight)), Some((30.0, Some(3))));
        assert_eq!(file.knowledge(&place("sk-other"), later), Knowledge::default());
        for old in ["2026-11-08T12:00:01Z", "2026-10-31T12:00:00Z"] {
            assert_eq!(file.knowledge(&place("sk-canary-1234567890"), at(old)), Knowledge::default());
        }
    }

    #[test]
    fn when_a_limit_is_renewed_is_kept() {
        let noon = at("2026-11-01T12:00:00Z");
        let seven_hours = Duration::from_secs(7 * 3_600);
        let used_up = Limit { limit: 50.0, remaining: 0.0, per_second: 50.0 / 25_200.0, renewed_in: Some(seven_hours) };
        let mut file = Remembered::new("salt".to_owned());
        file.put(Knowledge { requests: Some(used_up), ..Knowledge::default() }, &place("sk"), noon);
        let file = Remembered::parse(&file.to_text()).unwrap();
        let renewed_in = |time| file.knowledge(&place("sk"), at(time)).requests.and_then(|limit| limit.renewed_in);
        assert_eq!(renewed_in("2026-11-01T12:00:00Z"), Some(seven_hours));
        assert_eq!(renewed_in("2026-11-01T15:00:00Z"), Some(Duration::from_secs(4 * 3_600)));
        assert_eq!(renewed_in("2026-11-01T20:00:00Z"), None);
    }

    #[test]
    fn a_damaged_file_is_told() {
        let huge = r#"{"version":1,"salt":"","limits":[{"server":"","model":"","key":"","at":"2026-11-01T12:00:00Z","requests":{"limit":0,"per_second":1,"remaining":1}}]}"#;
        for (text, part) in [
            ("", "EOF"),
            ("{\"version\":2,\"salt\":\"\",\"limits\":[]}", "version is 2"),
            ("[]", "invalid"),
            (huge, "a number in it cannot be"),
        ] {
            let error = Remembered::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut file = Remembered::new("salt".to_owned());
        for number in 0..300 {
            file.put(known(), &place(&format!("key {number}")), at("2026-11-01T12:00:00Z"));
        }
        assert_eq!(file.limits.len(), MOST);
    }
}
