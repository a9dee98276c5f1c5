//! Environment variables as assignments: planwave's own, and those that other tools made people set.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    error::{SettingsError, WrongValue},
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
            let nearest = nearest(name);
            // The name of a variable can hold anything, and this one goes to a terminal.
            return Err(SettingsError::UnknownVariable { name: name.replace(char::is_control, "\u{fffd}"), nearest });
        };
        let Some(text) = set(environment, name) else { continue };
        let origin = Origin::Variable(name.clone());
        let value = value(key.kind, text);
        match (key.kind.is_table(), value) {
            (false, value) => {
                let typed = value.is_number().then_some(text.trim());
                found.push(checked(key, None, Some(value), origin).map_err(|error| as_typed(error, typed))?);
            }
            (true, Value::Object(entries)) => {
                for (entry, value) in entries {
                    found.push(checked(key, Some(&entry), Some(value), origin.clone())?);
                }
            }
            (true, value) => {
                let hint = Some("write it as JSON, for example {\"name\": \"value\"}".to_owned());
                return Err(WrongValue { hint, ..wrong(key, None, Some(value), origin) }.into());
            }
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
        Kind::Whole(..) | Kind::Seconds(_) | Kind::SecondsOrNone(_) | Kind::Dollars => number(plain),
        Kind::Switch => plain.parse::<bool>().ok().map(Value::from),
        Kind::Command | Kind::Globs | Kind::Headers | Kind::Parameters => serde_json::from_str(text).ok(),
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

fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<u64>().ok().map(Value::from);
    whole.or_else(|| Some(Value::Number(serde_json::Number::from_f64(text.parse().ok()?)?)))
}

/// Shows a number that is refused as it was typed: `-1` is read as -1.0.
fn as_typed(error: SettingsError, number: Option<&str>) -> SettingsError {
    match (error, number) {
        (SettingsError::WrongValue(wrong), Some(number)) => WrongValue { found: number.to_owned(), ..*wrong }.into(),
        (error, _) => error,
    }
}

fn nearest(name: &str) -> Option<String> {
    // A variable meant for the key itself is answered with where keys belong, not with the name of a similar setting.
    let secret = keys::names_a_secret(name.trim_start_matches("PLANWAVE_"));
    if secret { None } else { keys::nearest_variable(name) }
}
