//! The keys there are and what each accepts: the one place that files, variables and flags are checked against.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::{
    narrow::Globs,
    reach::Reach::{self, Any, Beside, Kept, Later, Lower, LowerFromNone, Narrow, Raise, Switch, Users},
    redact::MASK,
    server_url::ServerUrl,
};

/// One key of the settings.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    /// The table it stands in.
    pub(super) table: &'static str,
    /// Its name in the table.
    pub(super) name: &'static str,
    /// What it accepts.
    pub(super) kind: Kind,
    /// How far a project's file may move it.
    pub(super) reach: Reach,
}

/// What a key accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// One line of text, perhaps empty.
    Text,
    /// One line of text.
    Name,
    /// Printable ASCII, perhaps empty: what can stand in a header or a URL.
    Token,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An `http` or `https` URL without a query.
    Url,
    /// A proxy's URL, or empty.
    ProxyUrl,
    /// A whole number between the two, both included.
    Whole(u64, u64),
    /// Seconds, fractions allowed, up to this many.
    Seconds(u64),
    /// The same, and 0 for no time at all.
    SecondsOrNone(u64),
    /// US dollars, fractions allowed.
    Dollars,
    /// `true` or `false`.
    Switch,
    /// A path, perhaps empty.
    Path,
    /// The name of an environment variable.
    Variable,
    /// Program and arguments, perhaps none.
    Command,
    /// A list of globs, perhaps empty.
    Globs,
    /// A table of HTTP headers.
    Headers,
    /// A table of any values.
    Parameters,
}

/// A key, and how far a project's file, which may be somebody else's, can move it. `model.base_url` is anybody's to set: a
/// team's gateway belongs in its repository, and the user has to agree to it before anything is sent.
const fn key(table: &'static str, name: &'static str, kind: Kind, reach: Reach) -> Key {
    Key { table, name, kind, reach }
}

/// Seconds.
const DAY: u64 = 86_400;
/// Nobody's budget is larger.
const MOST_DOLLARS: f64 = 10_000_000.0;

/// Every key, in the order of `config/default.toml`.
pub(super) static KEYS: &[Key] = &[
    key("model", "provider", Kind::Name, Any),
    key("model", "name", Kind::Name, Any),
    key("model", "base_url", Kind::Url, Any),
    key("model", "api_key_env", Kind::Variable, Users("which of your secrets is sent as the API key")),
    key("model", "api_key_command", Kind::Command, Users("which program is run on your machine")),
    key("model", "organization", Kind::Token, Any),
    key("model", "project", Kind::Token, Any),
    key("model", "api_version", Kind::Token, Any),
    key("model", "reasoning_effort", Kind::Token, Any),
    key("model", "review", Kind::Choice(&["off", "same"]), Later(&["same", "off"])),
    key("model", "max_output_tokens", Kind::Whole(0, 10_000_000), LowerFromNone),
    key("model", "proxy", Kind::ProxyUrl, Users("through which machine prompts and the API key go")),
    key("model", "allow_insecure_http", Kind::Switch, Users("whether the API key may cross the network in the clear")),
    key("model", "models_file", Kind::Path, Beside),
    key("model", "extra_headers", Kind::Headers, Any),
    key("model", "extra_parameters", Kind::Parameters, Any),
    key("timeouts", "connect_seconds", Kind::Seconds(DAY), Lower),
    key("timeouts", "first_token_seconds", Kind::Seconds(DAY), Lower),
    key("timeouts", "idle_seconds", Kind::Seconds(DAY), Lower),
    key("timeouts", "call_seconds", Kind::Seconds(DAY), Lower),
    key("retry", "max_retries", Kind::Whole(0, 100), Lower),
    key("retry", "base_delay_ms", Kind::Whole(1, 600_000), Raise),
    key("retry", "max_delay_ms", Kind::Whole(1, 600_000), Raise),
    key("retry", "run_percent", Kind::Whole(0, 1_000), Lower),
    key("retry", "failures_in_a_row", Kind::Whole(0, 100_000), LowerFromNone),
    key("retry", "rejected_seconds", Kind::Seconds(DAY), Lower),
    key("limits", "requests_per_minute", Kind::Whole(0, 10_000_000), LowerFromNone),
    key("limits", "tokens_per_minute", Kind::Whole(0, 1_000_000_000_000), LowerFromNone),
    key("limits", "remember", Kind::Switch, Switch(false)),
    key("run", "concurrency", Kind::Whole(1, 10_000), Lower),
    key("run", "order", Kind::Choice(&["level", "ready"]), Any),
    key("run", "stage", Kind::Choice(&["subplan", "execution", "both"]), Any),
    key("run", "max_attempts", Kind::Whole(1, 100), Lower),
    key("run", "max_cost", Kind::Dollars, LowerFromNone),
    key("run", "max_tokens", Kind::Whole(0, 1_000_000_000_000), LowerFromNone),
    key("run", "grace_seconds", Kind::SecondsOrNone(DAY), Kept),
    key("run", "strict", Kind::Switch, Switch(true)),
    key("prompts", "directory", Kind::Path, Any),
    key("prompts", "shared_tokens", Kind::Whole(100, 10_000_000), Lower),
    key("prompts", "repair_tokens", Kind::Whole(100, 10_000_000), Lower),
    key("context", "mode", Kind::Choice(&["auto", "paths", "none"]), Later(&["auto", "paths", "none"])),
    key("context", "shared_tokens", Kind::Whole(0, 10_000_000), Lower),
    key("context", "item_tokens", Kind::Whole(0, 10_000_000), Lower),
    key("context", "include", Kind::Globs, Narrow(Globs::Include)),
    key("context", "exclude", Kind::Globs, Narrow(Globs::Exclude)),
    key("context", "root", Kind::Path, Any),
    key("documents", "executor", Kind::Text, Any),
    key("documents", "language", Kind::Text, Any),
    key("documents", "instructions", Kind::Path, Any),
    key("documents", "sections", Kind::Path, Any),
    key("init", "patterns_directory", Kind::Path, Any),
    key("tape", "local", Kind::Switch, Switch(true)),
    key("output", "color", Kind::Choice(&["auto", "always", "never"]), Any),
    key("output", "progress", Kind::Choice(&["auto", "plain", "none"]), Any),
    key("log", "level", Kind::Choice(&["off", "error", "warn", "info", "debug", "trace"]), Any),
];

impl Key {
    /// The key called `table.name`, where there is one.
    pub(super) fn find(table: &str, name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.table == table && key.name == name)
    }

    /// `table.name`.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }

    /// `name.entry`, for an entry of a table of the user's.
    pub(super) fn name_with(&self, entry: &str) -> String {
        format!("{}.{}", self.name, quoted(entry))
    }

    /// `table.name`, or `table.name.entry`.
    pub(super) fn path_with(&self, entry: Option<&str>) -> String {
        entry.map_or_else(|| self.path(), |entry| format!("{}.{}", self.table, self.name_with(entry)))
    }

    /// What the key, or its entry of this name, says that only the user may decide.
    pub(super) fn users(&self, entry: Option<&str>) -> Option<&'static str> {
        match (self.kind, entry) {
            // Many sites share an address, and this header is what tells them apart.
            (Kind::Headers, Some("host")) => Some("which of the sites at that address gets prompts and the API key"),
            _ => match self.reach {
                Users(says) => Some(says),
                Any | Kept | Lower | LowerFromNone | Raise | Switch(_) | Later(_) | Narrow(_) | Beside => None,
            },
        }
    }

    /// The variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("PLANWAVE_{}_{}", self.table, self.name).to_uppercase()
    }
}

impl Kind {
    /// Whether the key is a table that users fill; each entry is then a value of its own.
    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Headers | Self::Parameters)
    }

    /// Whether `value` is right; for a table, whether it is right for the entry called `entry`.
    pub(super) fn accepts(self, entry: Option<&str>, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text | Self::Path => text.is_some_and(is_line),
            Self::Name => text.is_some_and(|text| is_line(text) && !text.trim().is_empty()),
            Self::Token => text.is_some_and(|text| text.chars().all(|c| c.is_ascii_graphic())),
            Self::Choice(words) => text.is_some_and(|text| words.contains(&text)),
            Self::Url => text.and_then(ServerUrl::parse).is_some_and(|url| url.is_base()),
            Self::ProxyUrl => text.is_some_and(|text| text.is_empty() || ServerUrl::parse(text).is_some()),
            Self::Whole(least, most) => value.as_u64().is_some_and(|number| (least..=most).contains(&number)),
            Self::SecondsOrNone(most) => value.as_f64().is_some_and(|number| (0.0..=most as f64).contains(&number)),
            Self::Seconds(most) => value.as_f64().is_some_and(|number| (0.001..=most as f64).contains(&number)),
            Self::Dollars => value.as_f64().is_some_and(|number| (0.0..=MOST_DOLLARS).contains(&number)),
            Self::Switch => value.is_boolean(),
            Self::Variable => text.is_some_and(is_variable_name),
            Self::Command => value.as_array().is_some_and(|words| is_command(words)),
            Self::Globs => value.as_array().is_some_and(|globs| globs.iter().all(is_glob)),
            Self::Headers => {
                entry.is_some_and(|name| HeaderName::from_bytes(name.as_bytes()).is_ok())
                    && text.is_some_and(|text| HeaderValue::from_str(text).is_ok())
            }
            Self::Parameters => entry.is_some(),
        }
    }

    /// What the key accepts, to stand after "must be".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text => "one line of text".to_owned(),
            Self::Name => "one line of text that is not empty".to_owned(),
            Self::Token => "a text of printable ASCII characters without spaces".to_owned(),
            Self::Choice(words) => one_of(words),
            Self::Url => "a URL that begins with http:// or https://, without a query".to_owned(),
            Self::ProxyUrl => "a URL that begins with http://, https:// or socks5://, or an empty text".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {} to {}", grouped(least), grouped(most)),
            Self::SecondsOrNone(most) => format!("a number of seconds from 0 to {}", grouped(most)),
            Self::Seconds(most) => format!("a number of seconds from 0.001 to {}", grouped(most)),
            Self::Dollars => format!("a number of US dollars from 0 to {}", grouped(MOST_DOLLARS as u64)),
            Self::Switch => "true or false".to_owned(),
            Self::Path => "a path on one line".to_owned(),
            Self::Variable => {
                "the name of an environment variable in capitals, such as OPENAI_API_KEY, and not the key itself"
                    .to_owned()
            }
            Self::Command => "a list of texts: the program and its arguments, each on one line".to_owned(),
            Self::Globs => "a list of texts, each a glob such as `src/**` on one line".to_owned(),
            Self::Headers => "a table of HTTP headers: names, and texts of printable ASCII characters".to_owned(),
            Self::Parameters => "a table of numbers, texts, true or false, lists and tables (no dates)".to_owned(),
        }
    }

    /// Whether the value, even a wrong one, must not be printed.
    pub(super) fn is_secret(self) -> bool {
        match self {
            Self::Url | Self::ProxyUrl | Self::Variable | Self::Command | Self::Headers => true,
            Self::Text
            | Self::Name
            | Self::Token
            | Self::Choice(_)
            | Self::Whole(..)
            | Self::Seconds(_)
            | Self::SecondsOrNone(_)
            | Self::Dollars
            | Self::Switch
            | Self::Path
            | Self::Globs
            | Self::Parameters => false,
        }
    }

    /// An accepted value as it may be printed: what can carry a secret is masked.
    pub(super) fn shown(self, value: &Value) -> Value {
        match self {
            Self::Headers => Value::from(MASK),
            Self::Url | Self::ProxyUrl => match value.as_str().and_then(ServerUrl::parse) {
                Some(url) => Value::from(url.to_string()),
                None => Value::from(""),
            },
            Self::Command => {
                let words = value.as_array().map_or(&[][..], Vec::as_slice);
                words
                    .iter()
                    .enumerate()
                    .map(|(i, word)| if i == 0 { word.clone() } else { Value::from(MASK) })
                    .collect()
            }
            Self::Text
            | Self::Name
            | Self::Token
            | Self::Choice(_)
            | Self::Whole(..)
            | Self::Seconds(_)
            | Self::SecondsOrNone(_)
            | Self::Dollars
            | Self::Switch
            | Self::Path
            | Self::Globs
            | Self::Variable => value.clone(),
            Self::Parameters => without_secrets(value),
        }
    }
}

/// A value with the texts masked whose names say that they are secrets.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), masked(name, value))).collect(),
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The value of a field of this name, as it may be printed.
pub(super) fn masked(name: &str, value: &Value) -> Value {
    if value.is_string() && names_a_secret(name) { Value::from(MASK) } else { without_secrets(value) }
}

/// A wrong value in words. Texts of more than 20 characters are not quoted: an API key may have got there.
pub(super) fn describe(kind: Option<Kind>, value: &Value) -> String {
    let secret = kind.is_some_and(Kind::is_secret);
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) if !secret && text.chars().count() <= 20 => format!("the text {text:?}"),
        Value::String(text) => format!("a text of {} characters", grouped(text.chars().count() as u64)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

/// What to do about a wrong value, where it can be told.
pub(super) fn advice(kind: Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Choice(words), Value::String(text)) => {
            nearest(text, words.iter().copied()).map(|word| format!("did you mean `{word}`?"))
        }
        (Kind::Whole(..) | Kind::Seconds(_) | Kind::SecondsOrNone(_) | Kind::Dollars, Value::String(text))
            if text.trim().parse().is_ok_and(f64::is_finite) =>
        {
            Some("write the number without quotes".to_owned())
        }
        (Kind::Switch, Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            Some("write it without quotes".to_owned())
        }
        (Kind::Globs, Value::String(_)) => Some("write it as a list, for example [\"src/**\"]".to_owned()),
        (Kind::Command, Value::String(_)) => {
            Some("write it as a list, for example [\"pass\", \"show\", \"openai\"]".to_owned())
        }
        _ => None,
    }
}

/// Whether a key of this name would hold an API key.
pub(super) fn names_a_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let words = ["key", "secret", "password", "token", "authorization", "bearertoken", "accesstoken"];
    words.contains(&plain.as_str()) || plain.ends_with("apikey")
}

/// Whether a value has a place for an API key in it, or a text that is one by its form: those of the providers begin
/// with `sk-`, or follow `Bearer`.
pub(super) fn holds_a_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (text.starts_with("sk-") && text.len() >= 16) || text.starts_with("Bearer ")
        }
        Value::Array(items) => items.iter().any(holds_a_secret),
        Value::Object(fields) => fields.iter().any(|(name, value)| names_a_secret(name) || holds_a_secret(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The key most similar to `path`, which may lack its table or have the wrong one.
pub(super) fn nearest_key(path: &str) -> Option<String> {
    let leaf = path.rsplit('.').next().unwrap_or(path);
    if let Some(key) = KEYS.iter().find(|key| key.name == leaf) {
        return Some(key.path());
    }
    let mut paths: Vec<String> = KEYS.iter().map(Key::path).collect();
    if !path.contains('.') {
        let mut tables: Vec<&str> = KEYS.iter().map(|key| key.table).collect();
        tables.dedup();
        if let Some(table) = nearest(path, tables.into_iter()) {
            return Some(table.to_owned());
        }
        if let Some(name) = nearest(path, KEYS.iter().map(|key| key.name)) {
            return KEYS.iter().find(|key| key.name == name).map(Key::path);
        }
    }
    let position =
        nearest(path, paths.iter().map(String::as_str)).and_then(|best| paths.iter().position(|p| p == best));
    // The right word in the wrong table, with another ending: `connect_timeout` for `timeouts.connect_seconds`.
    let alike = || {
        let scored = KEYS.iter().map(|key| (strsim::jaro_winkler(leaf, key.name), key));
        let best = scored.filter(|(score, _)| *score >= 0.85).max_by(|a, b| a.0.total_cmp(&b.0));
        best.map(|(_, key)| key.path())
    };
    position.map(|index| paths.swap_remove(index)).or_else(alike)
}

/// The variable most similar to `name`.
pub(super) fn nearest_variable(name: &str) -> Option<String> {
    let prefix = "PLANWAVE_";
    let names: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let plain = name.strip_prefix(prefix).unwrap_or(name).to_uppercase();
    let best = nearest(&plain, names.iter().map(|name| name.trim_start_matches(prefix)))?;
    Some(format!("{prefix}{best}"))
}

/// The most similar of `candidates`, where one is similar enough to be meant.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison takes the product of both lengths; nothing that long is a misspelling.
    if word.len() > 100 {
        return None;
    }
    let scored = candidates.map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate));
    scored.filter(|(score, _)| *score >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// One piece of a key as TOML writes it, in quotes where it needs them.
pub(super) fn quoted(piece: &str) -> String {
    let bare = !piece.is_empty() && piece.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { piece.to_owned() } else { format!("{piece:?}") }
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_variable_name(text: &str) -> bool {
    // Capitals only: the API keys of several providers are themselves made of letters, digits and `_`.
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 64 && text.chars().all(allowed) && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn is_glob(glob: &Value) -> bool {
    glob.as_str().is_some_and(|glob| is_line(glob) && !glob.trim().is_empty() && glob.len() <= 1_000)
}

fn is_command(words: &[Value]) -> bool {
    let lines = words.iter().all(|word| word.as_str().is_some_and(is_line));
    lines && words.first().is_none_or(|program| program.as_str().is_some_and(|program| !program.trim().is_empty()))
}

fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
