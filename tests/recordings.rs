//! Every tape in `recordings/`: no key and no secret on it, readable, consistent, and honest about its origin.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

use std::{fmt::Write as _, fs, path::PathBuf};

use planwave::tape::{Origin, ReplayIndex, Tape, request_key};

/// A secret that was found: what it looks like, and where it begins.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    kind: &'static str,
    line: usize,
}

/// Beginnings of keys, and how many characters of a key must follow before it counts as one and not as prose.
const PREFIXES: &[(&str, &str, usize)] = &[
    ("OpenAI-style key", "sk-", 16),
    ("GitHub token", "ghp_", 20),
    ("GitHub token", "github_pat_", 20),
    ("Slack token", "xoxb-", 10),
    ("Google key", "AIza", 30),
    ("AWS key id", "AKIA", 16),
    ("AWS key id", "ASIA", 16),
    ("Hugging Face token", "hf_", 20),
    ("JSON web token", "eyJ", 30),
    ("private key", "-----BEGIN", 0),
];

/// Headers and fields that carry secrets; in lower case.
const CARRIERS: &[&str] = &[
    "authorization",
    "bearer ",
    "proxy-authorization",
    "api-key",
    "api_key",
    "apikey",
    "set-cookie",
    "client_secret",
    "password=",
    "access_token",
];

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn scan(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        // On a tape, a line end inside of a text is an escape, and its letter must not count as part of a word.
        let line = &["\\n", "\\r", "\\t"].iter().fold(line.to_owned(), |line, escape| line.replace(escape, "  "));
        for (kind, prefix, least) in PREFIXES {
            let found = line.match_indices(prefix).any(|(at, _)| {
                // `task-` is no `sk-`.
                let begins = !line[..at].ends_with(is_key_char);
                let key = line[at + prefix.len()..].chars().take_while(|c| is_key_char(*c));
                begins && key.count() >= *least
            });
            if found {
                findings.push(Finding { kind, line: line_number });
            }
        }
        let lower = line.to_ascii_lowercase();
        if CARRIERS.iter().any(|carrier| lower.contains(carrier)) {
            findings.push(Finding { kind: "header or field that carries a secret", line: line_number });
        }
        // `https://name:password@host`
        let with_password = lower.match_indices("://").any(|(at, _)| {
            let authority = lower[at + 3..].split(['/', '"', '\\', ' ', '?']).next().unwrap_or_default();
            authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
        });
        if with_password {
            findings.push(Finding { kind: "URL with a password", line: line_number });
        }
    }
    findings
}

fn tapes() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let tapes: Vec<(PathBuf, String)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    assert!(!tapes.is_empty(), "{} holds no tape", folder.display());
    tapes
}

#[test]
fn no_tape_holds_a_secret() {
    for (path, text) in tapes() {
        assert_eq!(scan(&text), [], "{}", path.display());
    }
}

#[test]
fn the_scanner_finds_planted_secrets() {
    // Put together here, so that no scanner of repositories takes this file for a leak.
    let filler = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6";
    let planted = [
        format!("sk-{filler}"),
        format!("sk-proj-{filler}"),
        format!("\\nsk-ant-{filler}"),
        format!("ghp_{filler}"),
        format!("github_pat_{filler}"),
        format!("xoxb-{filler}"),
        format!("AIza{filler}"),
        format!("AKIA{}", &filler.to_uppercase()[..16]),
        format!("hf_{filler}"),
        format!("eyJ{filler}.eyJ{filler}"),
        String::from("-----BEGIN PRIVATE KEY-----"),
        format!("Bearer {filler}"),
        String::from("Authorization: Basic bmFtZTpwYXNz"),
        String::from("api-key: 0123456789abcdef"),
        String::from("x-api-key: 0123456789abcdef"),
        String::from("set-cookie: session=1"),
        String::from("https://me:secret@proxy.example.com:8080/"),
    ];
    let (_, tape) = &tapes()[0];
    let second_line = tape.lines().nth(1).unwrap();
    for secret in &planted {
        assert_ne!(scan(&format!("a {secret} b")), [], "{secret} on its own");
        // As it would be on a tape: in the middle of a string of a JSON line.
        let mut leaking = String::new();
        for (index, line) in tape.lines().enumerate() {
            let line = if index == 1 { line.replacen(". ", &format!(". {secret} "), 1) } else { line.to_owned() };
            writeln!(leaking, "{line}").unwrap();
        }
        assert!(second_line.contains(". "));
        assert!(scan(&leaking).iter().any(|finding| finding.line == 2), "{secret} on a tape");
    }
}

#[test]
fn the_scanner_leaves_prose_alone() {
    for harmless in
        ["a task-oriented approach", "sk-short", "EXECUTION_TASK-11", "see https://example.com/@name", "eyJust"]
    {
        assert_eq!(scan(harmless), [], "{harmless}");
    }
}

#[test]
fn tapes_are_readable_and_their_keys_are_those_of_their_requests() {
    for (path, text) in tapes() {
        let shown = path.display();
        let tape = Tape::parse(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(tape.torn, None, "{shown}");
        assert!(!tape.exchanges.is_empty(), "{shown}");
        assert!(text.ends_with('\n'), "{shown}");
        for (line, exchange) in &tape.exchanges {
            let expected = request_key(&exchange.method, &exchange.path, &exchange.request);
            assert_eq!(exchange.key, expected, "{shown}:{line}");
            assert!(exchange.complete, "{shown}:{line}");
        }
        let exchanges = tape.exchanges.clone();
        let index = ReplayIndex::new(tape);
        for (line, exchange) in exchanges {
            assert!(index.contains(&exchange.key), "{shown}:{line}");
        }
    }
}

/// None was recorded from a real server so far, and none may claim it. Whoever adds a real one lists it here.
#[test]
fn tapes_say_that_people_wrote_them() {
    const RECORDED: &[&str] = &[];
    for (path, text) in tapes() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let header = Tape::parse(&text).unwrap().header;
        let expected = if RECORDED.contains(&name) { Origin::Recorded } else { Origin::Handwritten };
        assert_eq!(header.origin, expected, "{name}");
        assert_eq!(header.server.is_some(), header.origin == Origin::Recorded, "{name}");
    }
}

/// The text that a streamed answer adds up to.
fn answer(body: &str) -> String {
    let events = body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let chunks = events.map(|data| serde_json::from_str::<serde_json::Value>(data).unwrap());
    chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_quick_starts_tape_holds_exactly_the_answers_in_examples() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("recordings/parcel-tracker.jsonl")).unwrap();
    let tape = Tape::parse(&text).unwrap();
    let mut on_tape: Vec<String> = tape.exchanges.iter().map(|(_, exchange)| answer(&exchange.body)).collect();
    let files = fs::read_dir(root.join("examples/parcel-tracker/answers")).unwrap();
    let mut in_files: Vec<String> =
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap().trim_end().to_owned()).collect();
    on_tape.sort();
    in_files.sort();
    assert!(on_tape == in_files, "the tape is stale: run `cargo run --example write_tape`");
}
