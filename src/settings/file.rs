//! One configuration file as assignments: TOML in, checked values with their lines out.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::path::Path;

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{SettingsError, WrongValue},
    keys::{self, KEYS, Key, Kind},
    layers::Assignment,
    origin::{FileOwner, Origin},
    sources::SourceFile,
};

/// Headers that planwave makes from the API key; as extra headers they would be keys in a file.
const OWN_HEADERS: [&str; 2] = ["authorization", "api-key"];

/// Fields of a request that planwave makes itself, and what to set instead: what is shown before a run must be what is
/// sent.
const OWN_PARAMETERS: [(&str, &str); 5] = [
    ("model", "set `model.name`"),
    ("messages", "write templates of your own, see `prompts.directory`"),
    ("stream", "leave it out: servers that cannot stream are understood all the same"),
    ("max_tokens", "set `model.max_output_tokens`"),
    ("max_completion_tokens", "set `model.max_output_tokens`"),
];

/// The assignments of a file, in the order they stand in it.
pub(super) fn assignments(file: &SourceFile, owner: FileOwner) -> Result<Vec<Assignment>, SettingsError> {
    let locate = |line| Origin::File { name: file.name.clone(), line, owner };
    let mut found = read(&file.text, &file.name, &locate)?;
    for assignment in &mut found {
        if let (Kind::Command, Some(Value::String(program))) = (assignment.key.kind, assignment.value.get_mut(0)) {
            // A program that is given as a path belongs to this file, not to whatever directory is worked in.
            let path = Path::new(&*program);
            if path.is_relative() && path.components().count() > 1 {
                *program = file.directory.join(path).to_string_lossy().into_owned();
            }
        }
        if let (Kind::Path, Value::String(text)) = (assignment.key.kind, &mut assignment.value)
            && !text.is_empty()
        {
            *text = file.directory.join(&*text).to_string_lossy().into_owned();
        }
    }
    Ok(found)
}

/// The assignments of `config/default.toml`.
pub(super) fn defaults() -> Result<Vec<Assignment>, SettingsError> {
    read(include_str!("../../config/default.toml"), "config/default.toml", &|_| Origin::Default)
}

fn read(text: &str, name: &str, locate: &dyn Fn(usize) -> Origin) -> Result<Vec<Assignment>, SettingsError> {
    let lines = Lines::new(text);
    let root = DeTable::parse(text).map_err(|error| {
        let (line, column) = lines.position(text, error.span().map_or(0, |span| span.start));
        // The message alone: the error's Display would quote the line, and with it what may be a key.
        SettingsError::Syntax { file: name.to_owned(), line, column, reason: error.message().replace('\n', ", ") }
    })?;
    let reader = Reader { lines, locate };
    let mut found = Vec::new();
    for (table, content) in root.get_ref() {
        reader.table(table, content, &mut found)?;
    }
    Ok(found)
}

struct Reader<'a> {
    lines: Lines,
    locate: &'a dyn Fn(usize) -> Origin,
}

impl Reader<'_> {
    fn origin<T>(&self, spanned: &Spanned<T>) -> Origin {
        (self.locate)(self.lines.line(spanned.span().start))
    }

    fn table(
        &self,
        table: &Text<'_>,
        content: &Spanned<DeValue<'_>>,
        found: &mut Vec<Assignment>,
    ) -> Result<(), SettingsError> {
        let name = table.get_ref().as_ref();
        if !KEYS.iter().any(|key| key.table == name) {
            return Err(self.unknown(table, keys::quoted(name)));
        }
        let DeValue::Table(entries) = content.get_ref() else {
            return Err(SettingsError::from(WrongValue {
                origin: self.origin(table),
                key: name.to_owned(),
                expected: format!("a table, written as [{name}]"),
                // What stands here in place of a table is perhaps a key that lost its way.
                found: json(content).map_or("a date".to_owned(), |value| keys::describe(None, &value)),
                hint: (name == "model").then(|| "the model's name is set by `model.name`".to_owned()),
            }));
        };
        for (entry, value) in entries {
            let Some(key) = Key::find(name, entry.get_ref()) else {
                return Err(self.unknown(entry, format!("{name}.{}", keys::quoted(entry.get_ref()))));
            };
            self.value(key, entry, value, found)?;
        }
        Ok(())
    }

    fn value(
        &self,
        key: &'static Key,
        at: &Text<'_>,
        value: &Spanned<DeValue<'_>>,
        found: &mut Vec<Assignment>,
    ) -> Result<(), SettingsError> {
        if !key.kind.is_table() {
            found.push(checked(key, None, json(value), self.origin(at))?);
            return Ok(());
        }
        let DeValue::Table(entries) = value.get_ref() else {
            return Err(wrong(key, None, json(value), self.origin(at)).into());
        };
        for (name, value) in entries {
            found.push(checked(key, Some(name.get_ref()), json(value), self.origin(name))?);
        }
        Ok(())
    }

    fn unknown(&self, at: &Text<'_>, key: String) -> SettingsError {
        let origin = self.origin(at);
        if keys::names_a_secret(at.get_ref()) {
            return SettingsError::KeyInSettings { origin, key };
        }
        SettingsError::UnknownKey { origin, nearest: keys::nearest_key(&key), key }
    }
}

type Text<'i> = Spanned<std::borrow::Cow<'i, str>>;

/// Makes an assignment of a value, or says why it is wrong. `None` as a value is one that JSON cannot hold.
pub(super) fn checked(
    key: &'static Key,
    entry: Option<&str>,
    value: Option<Value>,
    origin: Origin,
) -> Result<Assignment, SettingsError> {
    // HTTP does not tell upper case from lower case in names; layers must not either.
    let entry = entry.map(|name| if key.kind == Kind::Headers { name.to_ascii_lowercase() } else { name.to_owned() });
    if key.kind == Kind::Headers && entry.as_deref().is_some_and(|name| OWN_HEADERS.contains(&name)) {
        return Err(SettingsError::KeyInSettings { origin, key: key.path_with(entry.as_deref()) });
    }
    if let (Kind::Parameters, Some(name), Some(value)) = (key.kind, entry.as_deref(), &value) {
        if keys::names_a_secret(name) || keys::holds_a_secret(value) {
            return Err(SettingsError::KeyInSettings { origin, key: key.path_with(Some(name)) });
        }
        if let Some((_, instead)) = OWN_PARAMETERS.iter().find(|(own, _)| *own == name) {
            return Err(SettingsError::OwnParameter { origin, key: key.path_with(Some(name)), instead });
        }
        if multiplies(name, value) {
            return Err(SettingsError::Multiplies { origin, key: key.path_with(Some(name)) });
        }
    }
    match value {
        Some(value) if key.kind.accepts(entry.as_deref(), &value) => Ok(Assignment { key, entry, value, origin }),
        value => Err(wrong(key, entry.as_deref(), value, origin).into()),
    }
}

/// Parameters of which a server makes several answers to one request, all of them paid for: OpenAI's; those of Hugging Face's
/// servers; Google's in both spellings; Cohere's and AI21's.
const MULTIPLIERS: [&str; 11] = [
    "n",
    "best_of",
    "num_return_sequences",
    "num_beams",
    "beam_width",
    "use_beam_search",
    "candidate_count",
    "candidateCount",
    "num_generations",
    "num_completions",
    "numResults",
];

/// Whether a parameter asks for several answers: by its name, or by a count above one in an object that servers unpack.
fn multiplies(name: &str, value: &Value) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().any(|(name, value)| {
                (MULTIPLIERS.contains(&name.as_str()) && value.as_f64().is_some_and(|count| count > 1.0))
                    || within(value)
            }),
            Value::Array(items) => items.iter().any(within),
            _ => false,
        }
    }
    MULTIPLIERS.contains(&name) || within(value)
}

/// The error for a value that a key does not accept.
pub(super) fn wrong(key: &Key, entry: Option<&str>, value: Option<Value>, origin: Origin) -> WrongValue {
    WrongValue {
        origin,
        key: key.path_with(entry),
        expected: key.kind.expected(),
        found: value
            .as_ref()
            .map_or("a date or a number out of range".to_owned(), |value| keys::describe(Some(key.kind), value)),
        hint: value.as_ref().and_then(|value| keys::advice(key.kind, value)),
    }
}

/// A TOML value as JSON; `None` where it holds a date, or a number that JSON cannot hold.
///
/// The recursion ends: the parser refuses deep nesting.
fn json(value: &Spanned<DeValue<'_>>) -> Option<Value> {
    Some(match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Integer(number) => Value::from(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        DeValue::Float(number) => Value::Number(serde_json::Number::from_f64(number.as_str().parse().ok()?)?),
        DeValue::Datetime(_) => return None,
        DeValue::Array(items) => Value::Array(items.iter().map(json).collect::<Option<_>>()?),
        DeValue::Table(entries) => {
            let pairs = entries.iter().map(|(name, value)| Some((name.get_ref().to_string(), json(value)?)));
            Value::Object(pairs.collect::<Option<_>>()?)
        }
    })
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The 1-based line of a byte offset.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }

    /// The 1-based line and column of a byte offset; columns count characters.
    fn position(&self, text: &str, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.0.get(line - 1).copied().unwrap_or(0);
        (line, text.get(start..offset).map_or(0, |before| before.chars().count()) + 1)
    }
}
