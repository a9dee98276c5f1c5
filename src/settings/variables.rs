//! Environment variables as assignments: planwave's own, and those that other tools made people set.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    error::SettingsError,
    file::{checked, wrong},
    keys::{self, KEYS, Key, Kind},
    layers::Assignment,
    origin::Origin,
};

/// Variables that OpenAI's own SDKs read, and the keys they stand for.
const WELL_KNOWN: [(&str, &str, &str); 3] = [
    ("OPENAI_BASE_URL", "model", "base_url"),
    ("OPENAI_ORG_ID", "model", "organization"),
    ("OPENAI_PROJECT_ID", "model", "project"),
];

/// Variables with planwave's prefix that are no settings: where the tests find the corpus.
const NOT_SETTINGS: [&str; 1] = ["PLANWAVE_CORPUS"];

/// The assignments of variables that other tools read too.
pub(super) fn well_known(environment: &BTreeMap<String, String>) -> Result<Vec<Assignment>, SettingsError> {
    let mut found = Vec::new();
    for (variable, table, name) in WELL_KNOWN {
        if let (Some(text), Some(key)) = (set(environment, variable), Key::find(table, name)) {
            found.push(checked(key, None, Some(Value::from(text)), Origin::Variable(variable.to_owned()))?);
        }
    }
    Ok(found)
}

/// The assignments of `PLANWAVE_*`.
pub(super) fn own(environment: &BTreeMap<String, String>) -> Result<Vec<Assignment>, SettingsError> {
    let mut found = Vec::new();
    let own = environment.keys().filter(|name| name.starts_with("PLANWAVE_") && !NOT_SETTINGS.contains(&name.as_str()));
    for name in own {
        let Some(key) = KEYS.iter().find(|key| key.variable() == *name) else {
            return Err(SettingsError::UnknownVariable { name: name.clone(), nearest: nearest(name) });
        };
        let Some(text) = set(environment, name) else { continue };
        let origin = Origin::Variable(name.clone());
        let value = value(key.kind, text);
        match (key.kind.is_table(), value) {
            (false, value) => found.push(checked(key, None, Some(value), origin)?),
            (true, Value::Object(entries)) => {
                for (entry, value) in entries {
                    found.push(checked(key, Some(&entry), Some(value), origin.clone())?);
                }
            }
            (true, value) => return Err(in_json(wrong(key, None, Some(value), origin))),
        }
    }
    Ok(found)
}

fn set<'a>(environment: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    environment.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// The text of a variable as the type that its key wants; where it is none, the text, for the check to refuse.
fn value(kind: Kind, text: &str) -> Value {
    let plain = text.trim();
    let read = match kind {
        Kind::Whole(..) => plain.parse::<u64>().ok().map(Value::from),
        Kind::Seconds(_) => plain.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number),
        Kind::Switch => plain.parse::<bool>().ok().map(Value::from),
        Kind::Command | Kind::Headers | Kind::Parameters => serde_json::from_str(text).ok(),
        Kind::Text
        | Kind::Name
        | Kind::Token
        | Kind::Choice(_)
        | Kind::Url
        | Kind::ProxyUrl
        | Kind::Path
        | Kind::Variable => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}

fn in_json(error: SettingsError) -> SettingsError {
    match error {
        SettingsError::WrongValue { origin, key, expected, found, .. } => {
            let hint = Some("write it as JSON, for example {\"name\": \"value\"}".to_owned());
            SettingsError::WrongValue { origin, key, expected, found, hint }
        }
        other => other,
    }
}

fn nearest(name: &str) -> Option<String> {
    // A variable meant for the key itself is answered with where keys belong, not with the name of a similar setting.
    let secret = name.ends_with("_API_KEY") || keys::names_a_secret(name.trim_start_matches("PLANWAVE_"));
    if secret { None } else { keys::nearest_variable(name) }
}
