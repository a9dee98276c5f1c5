//! Secrets that must reach neither a tape nor a message, found again in the spellings that servers and proxies give
//! them. Pure.
//!
//! The last line of defence, not the first: secrets are in types that do not print them, and recorded headers are chosen
//! by name. It must not take for a secret what is none: whatever it masks in a recorded request keeps that request from
//! being recognised later.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{borrow::Cow, ops::Range};

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

use super::{ExtraHeader, ModelConfig};

/// What stands where a secret was.
const MASK: &str = "***";
/// The shortest secret that is looked for; a shorter one would also be found where it is none.
const SHORTEST: usize = 6;
/// The shortest API key that is looked for in texts. A shorter one is masked in settings and headers, which are never shown.
const SHORTEST_KEY: usize = 8;
/// From this length on, a key is no word that stands in a PLAN by chance.
const LONGEST_WORD: usize = 20;
/// What is given as a key to servers that want none, in lower case. They are words of the documentation of these servers, and
/// stand in prompts and answers as words like others.
const PLACEHOLDERS: [&str; 32] = [
    "ollama",
    "lm-studio",
    "lmstudio",
    "llama.cpp",
    "llamacpp",
    "llama-cpp",
    "localai",
    "local-ai",
    "localhost",
    "local",
    "vllm",
    "none",
    "null",
    "no-key",
    "nokey",
    "no-key-required",
    "sk-no-key-required",
    "not-needed",
    "not-required",
    "not-used",
    "unused",
    "dummy",
    "dummy-key",
    "fake-key",
    "placeholder",
    "changeme",
    "anything",
    "test-key",
    "your-api-key",
    "api-key",
    "api_key",
    "password",
];
/// The shortest value of a header that is taken for a secret although the header's name does not say so.
const SHORTEST_UNNAMED: usize = 16;

/// Spellings of secrets, the longest first: a part must not be masked before the whole.
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// The key, the headers and the proxy's password of a configuration.
    pub(super) fn of(config: &ModelConfig) -> Self {
        let mut plain: Vec<String> = Vec::new();
        let key = config.api_key.iter().map(|key| key.expose_secret().trim().to_owned());
        plain.extend(key.filter(|key| key.len() >= SHORTEST_KEY && !config.key_is_a_word && !is_placeholder(key)));
        plain.extend(config.headers.iter().flat_map(of_header));
        plain.extend(config.extra_body.iter().filter(|(name, _)| names_a_secret(name)).filter_map(of_field));
        plain.extend(config.proxy.iter().flat_map(|proxy| of_proxy(proxy.expose_secret())));
        let mut spellings: Vec<String> = plain
            .iter()
            .filter(|secret| secret.len() >= SHORTEST)
            .flat_map(|secret| spellings(secret))
            .filter(|spelling| spelling.len() >= SHORTEST)
            .collect();
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Self(spellings.into_iter().map(SecretString::from).collect())
    }

    /// A message without any of them, nor the beginning of one where a server's words were cut short (`…`).
    pub(super) fn scrub_message(&self, text: String) -> String {
        let text = self.scrub(text);
        let mut clean = String::with_capacity(text.len());
        for (index, part) in text.split('…').enumerate() {
            if index > 0 {
                let begun = self.0.iter().filter_map(|secret| begun(&clean, secret.expose_secret())).max();
                if let Some(length) = begun {
                    clean.truncate(clean.len() - length);
                    clean.push_str(MASK);
                }
                clean.push('…');
            }
            clean.push_str(part);
        }
        clean
    }

    /// The body of an answer without any of them where the pieces of a stream, put together, hold one. What one piece
    /// holds as a whole stays: that is [`Secrets::scrub`]'s.
    pub(super) fn scrub_pieces<'a>(&self, body: &'a str) -> Cow<'a, str> {
        let mut cuts: Vec<Range<usize>> = Vec::new();
        for field in ["\"content\"", "\"refusal\""] {
            let pieces = if self.0.is_empty() { Vec::new() } else { pieces(body, field) };
            let joined: String = pieces.iter().map(|piece| &body[piece.clone()]).collect();
            for secret in &self.0 {
                for (at, found) in joined.match_indices(secret.expose_secret()) {
                    cuts.extend(within(&pieces, at..at + found.len()));
                }
            }
        }
        if cuts.is_empty() {
            return Cow::Borrowed(body);
        }
        cuts.sort_by_key(|cut| cut.start);
        let (mut clean, mut done) = (String::with_capacity(body.len()), 0);
        for cut in cuts {
            if cut.start >= done {
                clean.push_str(&body[done..cut.start]);
                clean.push_str(MASK);
            }
            done = done.max(cut.end);
        }
        clean.push_str(&body[done..]);
        Cow::Owned(clean)
    }

    /// Whether one of them stands in a text.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| memmem::find(text.as_bytes(), secret.expose_secret().as_bytes()).is_some())
    }

    /// A text without any of them.
    pub(super) fn scrub(&self, mut text: String) -> String {
        for secret in &self.0 {
            let secret = secret.expose_secret();
            if memmem::find(text.as_bytes(), secret.as_bytes()).is_some() {
                text = text.replace(secret, MASK);
            }
        }
        text
    }
}

fn is_placeholder(key: &str) -> bool {
    PLACEHOLDERS.contains(&key.to_ascii_lowercase().as_str())
}

/// Whether a key is a word of the PLAN, so that masking it would hide what the documents are about.
pub fn is_word_of(key: &SecretString, plan: &str) -> bool {
    let key = key.expose_secret().trim();
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let stands_alone =
        |(at, found): (usize, &str)| !plan[..at].ends_with(inner) && !plan[at + found.len()..].starts_with(inner);
    !key.is_empty() && key.chars().count() < LONGEST_WORD && plan.match_indices(key).any(stands_alone)
}

/// Tells whether a key stands in a text, in any spelling; never for a placeholder or a word of the PLAN.
pub fn key_finder(key: SecretString, plan: &str) -> impl Fn(&str) -> bool + use<> {
    let key_is_a_word = is_word_of(&key, plan);
    let secrets = Secrets::of(&ModelConfig { api_key: Some(key), key_is_a_word, ..ModelConfig::default() });
    move |text| secrets.are_in(text)
}

/// Where the texts of this field stand in a body, without their quotes.
fn pieces(body: &str, field: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, name) in body.match_indices(field) {
        let behind = &body[at + name.len()..];
        let Some(text) = behind.trim_start().strip_prefix(':').and_then(|rest| rest.trim_start().strip_prefix('"'))
        else {
            continue;
        };
        let start = body.len() - text.len();
        let mut escaped = false;
        let end = text.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        // One that begins within another is part of it.
        if let Some(end) = end
            && found.last().is_none_or(|last| last.end <= start)
        {
            found.push(start..start + end);
        }
    }
    found
}

/// The parts of a body that a range of its joined pieces comes from.
fn within(pieces: &[Range<usize>], joined: Range<usize>) -> Vec<Range<usize>> {
    let mut before = 0;
    let mut parts = Vec::new();
    for piece in pieces {
        let from = joined.start.max(before);
        let to = joined.end.min(before + piece.len());
        if from < to {
            parts.push(piece.start + from - before..piece.start + to - before);
        }
        before += piece.len();
    }
    parts
}

/// How many bytes at the end of `text` are the beginning of `secret`, where they are enough to tell.
fn begun(text: &str, secret: &str) -> Option<usize> {
    let begins = |length: &usize| secret.get(..*length).is_some_and(|begin| text.ends_with(begin));
    (SHORTEST..secret.len()).rev().find(begins)
}

/// A text among the parameters of a request's body.
fn of_field((_, value): (&String, &serde_json::Value)) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn names_a_secret(name: &str) -> bool {
    const NAMES: [&str; 8] = ["auth", "key", "token", "secret", "password", "cookie", "credential", "signature"];
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

/// What of a header is secret. Many carry the name of a team or a program, which stands in every other prompt, too.
fn of_header(header: &ExtraHeader) -> Vec<String> {
    let named = names_a_secret(&header.name);
    let value = header.value.expose_secret().trim();
    let looks_so = |word: &str| {
        let has = |of: fn(&u8) -> bool| word.as_bytes().iter().any(of);
        word.len() >= SHORTEST_UNNAMED
            && !word.contains("://")
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_alphabetic)
    };
    // `Bearer x`: a server that complains of it says `x`.
    value
        .split_ascii_whitespace()
        .filter(|word| looks_so(word) || (named && !is_scheme(word)))
        .map(str::to_owned)
        .collect()
}

/// Schemes of RFC 9110 (11.1) that begin the value of a header.
fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "digest", "negotiate", "token", "apikey"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// User and password of a proxy's URL, as it is written there and as `Proxy-Authorization` has it.
fn of_proxy(url: &str) -> Vec<String> {
    let Some((user, password)) = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next()?.rsplit_once('@'))
        .and_then(|(user, _)| user.split_once(':'))
    else {
        return Vec::new();
    };
    vec![password.to_owned(), format!("{user}:{password}")]
}

/// A secret as it stands in plain text, in JSON, in a URL, and within any text that was encoded as base64.
fn spellings(secret: &str) -> Vec<String> {
    let in_url = |hex: fn(u8) -> String| -> String {
        secret
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
                _ => hex(byte),
            })
            .collect()
    };
    let mut all = vec![secret.to_owned(), in_url(|byte| format!("%{byte:02X}")), in_url(|byte| format!("%{byte:02x}"))];
    // Once in JSON, with and without what need not be escaped; and JSON within JSON, as a body is in a tape's line and an
    // error in a gateway's error.
    for once in [in_json(secret), in_json(secret).replace('/', "\\/")] {
        let twice = in_json(&once);
        all.extend([in_json(&twice), twice, once]);
    }
    // What stands before it decides how it falls into groups of three; whole groups are the same wherever they stand.
    for skipped in 0..3 {
        let Some(groups) = secret.as_bytes().get(skipped..) else { continue };
        let whole = groups.len() - groups.len() % 3;
        for alphabet in [b"+/", b"-_"] {
            all.push(base64(&groups[..whole], *alphabet));
        }
    }
    all
}

/// A text as it stands between the quotes of a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// Base64 (RFC 4648) of whole groups of three bytes; `last` are the characters for 62 and 63.
fn base64(bytes: &[u8], last: [u8; 2]) -> String {
    let character = |index: u32| match u8::try_from(index & 63).unwrap_or_default() {
        index @ 0..=25 => b'A' + index,
        index @ 26..=51 => b'a' + (index - 26),
        index @ 52..=61 => b'0' + (index - 52),
        62 => last[0],
        _ => last[1],
    };
    bytes
        .chunks_exact(3)
        .map(|group| group.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
        .flat_map(|group| [18, 12, 6, 0].map(|shift| char::from(character(group >> shift))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(key: &str, headers: &[(&str, &str)], proxy: Option<&str>) -> Secrets {
        let headers =
            headers.iter().map(|(name, value)| ExtraHeader { name: (*name).into(), value: SecretString::from(*value) });
        Secrets::of(&ModelConfig {
            api_key: Some(SecretString::from(key)),
            headers: headers.collect(),
            proxy: proxy.map(SecretString::from),
            ..ModelConfig::default()
        })
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let secrets = secrets("sk/can\"ary+1234", &[], None);
        for said in [
            r#"bad key sk/can"ary+1234!"#,
            r#"{"m":"sk/can\"ary+1234"}"#,
            r#"{"m":"sk\/can\"ary+1234"}"#,
            r#"{"body":"{\"m\":\"sk/can\\\"ary+1234\"}"}"#,
            r#"{"body":"{\"m\":\"sk\\/can\\\"ary+1234\"}"}"#,
            "location: /login?key=sk%2Fcan%22ary%2B1234&x",
            "location: /login?key=sk%2fcan%22ary%2b1234&x",
        ] {
            let clean = secrets.scrub(said.to_owned());
            assert!(clean.contains("***") && !clean.contains("can") && !clean.contains("1234"), "{clean}");
        }
    }

    #[test]
    fn a_secret_is_found_within_base64() {
        // `Bearer `, `user:` and nothing before it; made with coreutils.
        let secrets = secrets("sk-canary-0123456789", &[], None);
        for (said, left) in [
            ("c2stY2FuYXJ5LTAxMjM0NTY3ODk=", "***ODk="),
            ("QmVhcmVyIHNrLWNhbmFyeS0wMTIzNDU2Nzg5", "QmVhcmVyIHNr***"),
            ("YTpzay1jYW5hcnktMDEyMzQ1Njc4OQ==", "YTpz***OQ=="),
        ] {
            let clean = secrets.scrub(said.to_owned());
            assert!(clean.contains("***") && clean.len() <= left.len() + 3, "{clean} is more than {left}");
        }
        assert_eq!(base64(b"\xfb\xff\xfe", *b"+/"), "+//+");
        assert_eq!(base64(b"\xfb\xff\xfe", *b"-_"), "-__-");
    }

    #[test]
    fn what_headers_and_proxies_carry_is_secret_where_it_looks_so() {
        let headers = [
            ("Authorization", "Bearer abc-secret"),
            ("x-gateway", "gateway-canary-77"),
            ("x-title", "planwave"),
            ("http-referer", "https://example.com/plans/2026"),
        ];
        let secrets = secrets("none", &headers, Some("http://me:pass-word@proxy.example:8080"));
        let text = "Bearer abc-secret gateway-canary-77 planwave https://example.com/plans/2026 none me pass-word";
        assert_eq!(
            secrets.scrub(text.to_owned()),
            "Bearer *** *** planwave https://example.com/plans/2026 none me ***"
        );
    }

    #[test]
    fn a_secret_in_pieces_is_found() {
        let secrets = secrets("sk-can\"ary-0123", &[], None);
        let whole = "at sk-can\"ary-0123, and sk-can\"ary-0123.";
        for field in ["content", "refusal"] {
            for cut in 1..12 {
                let letters: Vec<char> = whole.chars().collect();
                let event = |piece: &[char]| {
                    let delta = serde_json::json!({ field: piece.iter().collect::<String>() });
                    format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": delta}]}))
                };
                let body: String = letters.chunks(cut).map(event).collect();
                let clean = secrets.scrub_pieces(&body);
                let text = crate::model::answer_text(&clean).unwrap_or_default();
                assert!(!text.contains("ary") && !text.contains("0123"), "{text}");
                let kept: String = text.chars().filter(|c| *c != '*').collect();
                assert_eq!(kept, "at , and .", "pieces of {cut}");
            }
        }
        for nothing in ["", "data: x\n\n", "\"content\"", "\"content\": \"", "\"content\":\"sk-can"] {
            assert!(matches!(secrets.scrub_pieces(nothing), Cow::Borrowed(text) if text == nothing));
        }
    }

    #[test]
    fn a_secret_that_was_cut_short_is_none_any_more() {
        let secrets = secrets("sk-canary-0123456789", &[], None);
        for (said, clean) in [
            ("bad key: sk-canary-012…", "bad key: ***…"),
            ("bad key: sk-…", "bad key: sk-…"),
            ("`sk-canary-0…` and so…on", "`***…` and so…on"),
            ("sk-canary-0123456789…", "***…"),
            ("…", "…"),
        ] {
            assert_eq!(secrets.scrub_message(said.to_owned()), clean);
        }
    }

    #[test]
    fn the_longer_of_two_is_masked_as_a_whole() {
        let secrets = secrets("sk-123456789", &[("x-key", "sk-123456789-tail")], None);
        assert_eq!(secrets.scrub("sk-123456789-tail sk-123456789".to_owned()), "*** ***");
    }

    #[test]
    fn a_placeholder_for_a_key_is_a_word_like_others() {
        for key in ["ollama", "localhost", "LM-Studio", "sk-no-key-required", "1234567"] {
            let text = format!("install it with {key}");
            assert_eq!(secrets(key, &[], None).scrub(text.clone()), text);
        }
        for key in ["12345678", "hunter2!", "password123", "sk-no-key-required-1"] {
            assert_eq!(secrets(key, &[], None).scrub(format!("it is {key}.")), "it is ***.", "{key}");
        }
        assert!(PLACEHOLDERS.iter().all(|word| *word == word.to_lowercase()));
    }

    #[test]
    fn a_key_that_is_a_word_of_the_plan_is_known() {
        let is = |key: &str, plan: &str| is_word_of(&SecretString::from(key), plan);
        assert!(is("parcel-tracker", "# PLAN: parcel-tracker\n"));
        assert!(is("keyboard", "A `keyboard`, please."));
        for (key, plan) in [
            ("keyboard", "keyboards"),
            ("keyboard", "my-keyboard"),
            ("keyboard", ""),
            ("", "text"),
            // What is as long as this was pasted there by accident.
            ("sk-0123456789abcdefghi", "the key is sk-0123456789abcdefghi ."),
        ] {
            assert!(!is(key, plan), "{key} {plan}");
        }
        let config = ModelConfig {
            api_key: Some(SecretString::from("keyboard")),
            key_is_a_word: true,
            ..ModelConfig::default()
        };
        assert_eq!(Secrets::of(&config).scrub("a keyboard".to_owned()), "a keyboard");
    }
}
