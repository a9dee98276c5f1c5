//! The layers laid over each other: the last one that says something about a key wins.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    api_key::KeySource,
    error::SettingsError,
    file,
    keys::{KEYS, Key, Kind, masked},
    narrow::narrowed,
    origin::{FileOwner, Origin},
    overrides::Overrides,
    server_url::ServerUrl,
    sources::Sources,
    trust::{Claim, ClaimKind},
    values::{Model, Settings},
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
    /// What the user has to agree to before anything is sent.
    pub claims: Vec<Claim>,
    /// All that the files of projects ask for, whether or not it was agreed to, and whether or not it is in effect.
    pub all_claims: Vec<Claim>,
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
    let mut strangers = Vec::new();
    for project in sources.project_files() {
        if let Some(claim) = project.owner_claim() {
            let granted = sources.grants.cover(&claim);
            strangers.push(claim);
            if !granted {
                continue;
            }
        }
        layers.lay(file::assignments(project, FileOwner::Project)?);
    }
    let project = layers.clone();
    layers.lay(variables::own(&sources.environment)?);
    layers.lay(overrides.assignments()?);

    layers.check_deciders(&own)?;
    let settings = layers.settings()?;
    let open = |claims: &[Claim]| claims.iter().filter(|claim| !sources.grants.cover(claim)).cloned().collect();
    let named = |layers: &Layers| layers.named_server(&own, &settings.model, sources);
    let claims: Vec<Claim> = strangers.iter().cloned().chain(named(&layers)).collect();
    let all_claims = strangers.iter().cloned().chain(named(&project)).collect();
    let warnings = strangers.iter().filter(|claim| !sources.grants.cover(claim)).map(Claim::to_string).collect();
    Ok(Loaded { settings, entries: layers.entries(), warnings, claims: open(&claims), all_claims })
}

/// The values so far, by the key's place in [`KEYS`] and the entry.
#[derive(Clone, Default)]
struct Layers(BTreeMap<(usize, Option<String>), (Value, Origin)>);

impl Layers {
    fn lay(&mut self, assignments: Vec<Assignment>) {
        for Assignment { key, entry, value, origin } in assignments {
            let index = KEYS.iter().position(|known| known == key).unwrap_or(KEYS.len());
            let place = (index, entry);
            let own = self.0.get(&place).filter(|_| key.table == "context" && origin.is_project_file());
            let value = match own {
                Some((own, _)) => narrowed(key, own, &value),
                None => Some(value),
            };
            if let Some(value) = value {
                self.0.insert(place, (value, origin));
            }
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

    /// Which secret is sent, to whom, and what is run for it, is for the user to decide: a project's file, which may be
    /// somebody else's, can only repeat what the user says.
    fn check_deciders(&self, own: &Self) -> Result<(), SettingsError> {
        for (place, (value, origin)) in self.0.iter().filter(|(_, (_, origin))| origin.is_project_file()) {
            let (index, entry) = place;
            let Some(key) = KEYS.get(*index) else { continue };
            let said = own.0.get(place).is_some_and(|(own, _)| own == value);
            if let (Some(says), false) = (key.users(entry.as_deref()), said) {
                let (origin, variable) = (origin.clone(), key.variable());
                return Err(SettingsError::NotInProjectFile {
                    origin,
                    key: key.path_with(entry.as_deref()),
                    says,
                    variable,
                });
            }
        }
        Ok(())
    }

    /// The server that a project's file names and the user's own settings do not, with what would go there.
    ///
    /// A team's gateway may stand in its repository. But whoever wrote the file gets what is sent, so the user has to agree.
    fn named_server(&self, own: &Self, model: &Model, sources: &Sources) -> Option<Claim> {
        let place = (KEYS.iter().position(|key| key.kind == Kind::Url)?, None);
        let (value, origin) = self.0.get(&place).filter(|(_, origin)| origin.is_project_file())?;
        let url = ServerUrl::parse(value.as_str()?)?;
        let own_url = own.0.get(&place).and_then(|(value, _)| ServerUrl::parse(value.as_str()?));
        if own_url.is_some_and(|own| own.server() == url.server()) {
            return None;
        }
        let directory = sources.project_files().find(|file| origin.is_of(&file.name))?.place.clone();
        let headers = KEYS.iter().position(|key| key.kind == Kind::Headers)?;
        let mut secrets = Vec::new();
        let variable = sources.environment.get(&model.api_key_env).is_some_and(|key| !key.trim().is_empty());
        if model.api_key_command.is_some() || variable {
            secrets.push(format!("the API key from {}", KeySource::of(model)));
        }
        if self.0.range((headers, None)..(headers + 1, None)).any(|(_, (_, origin))| !origin.is_project_file()) {
            secrets.push("your extra headers".to_owned());
        }
        let mut sends = match secrets.as_slice() {
            [] => "prompts".to_owned(),
            [one] => format!("prompts and {one}"),
            several => format!("prompts, {}", several.join(" and ")),
        };
        if !url.is_https() && !url.is_loopback() {
            sends.push_str(", in the clear,");
        }
        Some(Claim { directory, kind: ClaimKind::Server { origin: origin.clone(), server: url.server(), sends } })
    }
}
