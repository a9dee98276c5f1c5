//! The layers laid over each other: the last one that says something about a key wins.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    error::SettingsError,
    file,
    keys::{KEYS, Key, Kind, masked},
    origin::{FileOwner, Origin},
    overrides::Overrides,
    server_url::ServerUrl,
    sources::Sources,
    values::Settings,
    variables,
};

/// A checked value for a key, or for an entry of a key that is a table.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) key: &'static Key,
    pub(super) entry: Option<String>,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Settings, and where each value came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every value as it may be printed, in the order of `config/default.toml`.
    pub entries: Vec<Entry>,
    /// What the user should know before anything is sent, a sentence each.
    pub warnings: Vec<String>,
}

/// One value as it may be printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The table, such as `run`.
    pub table: &'static str,
    /// The key without its table; for an entry of a table in it, `extra_headers.x-title`.
    pub name: String,
    /// The value; what may be secret is masked.
    pub shown: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Entry {
    /// `run.concurrency`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }
}

impl Loaded {
    /// Where the value of a key such as `run.concurrency` came from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entries.iter().find(|entry| entry.key() == key).map(|entry| &entry.origin)
    }

    /// Whether the server may be asked at all: plain HTTP to another machine has to be allowed by name.
    ///
    /// Not part of [`load`], so that commands that send nothing work with any address.
    pub fn check_endpoint(&self) -> Result<(), SettingsError> {
        let model = &self.settings.model;
        if model.base_url.is_https() || model.base_url.is_loopback() || model.allow_insecure_http {
            return Ok(());
        }
        let origin = self.origin("model.base_url").cloned().unwrap_or(Origin::Default);
        Err(SettingsError::InsecureUrl { origin, host: model.base_url.host().to_owned() })
    }
}

/// Reads every layer and lays them over each other.
///
/// # Errors
///
/// The first thing that is wrong, in the order of the layers and then of the lines.
pub fn load(sources: &Sources, overrides: &Overrides) -> Result<Loaded, SettingsError> {
    let mut layers = Layers::default();
    layers.lay(file::defaults()?);
    layers.lay(variables::well_known(&sources.environment)?);
    if let Some(user) = &sources.user_file {
        layers.lay(file::assignments(user, FileOwner::User)?);
    }
    let own = layers.clone();
    for project in [&sources.project_file, &sources.plan_file].into_iter().flatten() {
        layers.lay(file::assignments(project, FileOwner::Project)?);
    }
    layers.lay(variables::own(&sources.environment)?);
    layers.lay(overrides.assignments()?);

    let settings = layers.settings()?;
    let warnings = layers.redirections(&own);
    Ok(Loaded { settings, entries: layers.entries(), warnings })
}

/// The values so far, by the key's place in [`KEYS`] and the entry.
#[derive(Clone, Default)]
struct Layers(BTreeMap<(usize, Option<String>), (Value, Origin)>);

impl Layers {
    fn lay(&mut self, assignments: Vec<Assignment>) {
        for Assignment { key, entry, value, origin } in assignments {
            let index = KEYS.iter().position(|known| known == key).unwrap_or(KEYS.len());
            self.0.insert((index, entry), (value, origin));
        }
    }

    fn settings(&self) -> Result<Settings, SettingsError> {
        // Indexing makes the tables; it cannot meet another type, because a key is either a table or a value.
        let mut root = Value::Object(Map::new());
        for key in KEYS.iter().filter(|key| key.kind.is_table()) {
            root[key.table][key.name] = Value::Object(Map::new());
        }
        for ((index, entry), (value, _)) in &self.0 {
            let Some(key) = KEYS.get(*index) else { continue };
            match entry {
                None => root[key.table][key.name] = value.clone(),
                Some(entry) => root[key.table][key.name][entry] = value.clone(),
            }
        }
        serde_json::from_value(root).map_err(|error| SettingsError::Defect { reason: error.to_string() })
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (index, key) in KEYS.iter().enumerate() {
            let before = entries.len();
            for ((_, entry), (value, origin)) in self.0.range((index, None)..(index + 1, None)) {
                let name = entry.as_deref().map_or(key.name.to_owned(), |entry| key.name_with(entry));
                let shown = match entry {
                    Some(entry) if key.kind == Kind::Parameters => masked(entry, value),
                    Some(_) | None => key.kind.shown(value),
                };
                entries.push(Entry { table: key.table, name, shown, origin: origin.clone() });
            }
            if entries.len() == before {
                // Only a table that nobody filled has no value.
                let shown = Value::Object(Map::new());
                entries.push(Entry { table: key.table, name: key.name.to_owned(), shown, origin: Origin::Default });
            }
        }
        entries
    }

    /// A sentence for each server to which a project's file sends what the user's own settings would send elsewhere.
    ///
    /// The API key goes there with it, and the file may be somebody else's.
    fn redirections(&self, own: &Self) -> Vec<String> {
        let urls = self.0.iter().filter_map(|((index, entry), value)| Some((KEYS.get(*index)?, (index, entry), value)));
        urls.filter(|(key, ..)| matches!(key.kind, Kind::Url | Kind::ProxyUrl))
            .filter(|(_, _, (_, origin))| origin.is_project_file())
            .filter_map(|(key, (index, entry), (value, origin))| {
                let url = ServerUrl::parse(value.as_str()?)?;
                let before =
                    own.0.get(&(*index, entry.clone())).and_then(|(value, _)| ServerUrl::parse(value.as_str()?));
                let same = before.is_some_and(|before| before.origin() == url.origin());
                let sentence =
                    format!("{origin} sets {} to {}: prompts and the API key go there", key.path(), url.origin());
                (!same && !url.is_loopback()).then_some(sentence)
            })
            .collect()
    }
}
