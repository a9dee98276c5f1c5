//! The layers laid over each other: the last one that says something about a key wins.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value};

use super::{
    api_key::KeySource,
    error::SettingsError,
    file,
    keys::{KEYS, Key, Kind, masked},
    named::NamedPath,
    narrow::narrowed,
    origin::{FileOwner, Origin},
    overrides::Overrides,
    reach::Reach,
    server_url::ServerUrl,
    sources::Sources,
    steering::steers,
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
    /// The paths that settings name, but for the models file of a project.
    paths: Vec<NamedPath>,
    /// The models file that a project's file names; it counts only where the user's and planwave's own say nothing.
    pub project_models_file: Option<NamedPath>,
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
    /// What the files of projects say of the key without effect, or beside its value.
    pub notes: Vec<String>,
}

impl Entry {
    /// `run.concurrency`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }
}

impl Loaded {
    /// The path that the user, or a project's file, gives a key such as `prompts.directory`.
    pub fn path(&self, key: &str) -> Option<&NamedPath> {
        self.paths.iter().find(|path| path.key == key)
    }

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
        Err(SettingsError::InsecureUrl { origin, host: model.base_url.name() })
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
    let mut passed = Passed::default();
    for project in sources.project_files() {
        if let Some(claim) = project.owner_claim() {
            let granted = sources.grants.cover(&claim);
            strangers.push(claim);
            if !granted {
                continue;
            }
        }
        passed.take(&mut layers, &own, file::assignments(project, FileOwner::Project)?);
    }
    let project = layers.clone();
    layers.lay(variables::own(&sources.environment)?);
    layers.lay(overrides.assignments()?);

    let paths = layers.paths(sources);
    let beside = passed.lay_beside(&mut layers);
    let project_models_file =
        beside.and_then(|Assignment { key, value, origin, .. }| named(key, &value, &origin, sources));
    passed.over.retain(|passed| project.holds(passed, &layers));
    let settings = layers.settings()?;
    let open = |claims: &[Claim]| claims.iter().filter(|claim| !sources.grants.cover(claim)).cloned().collect();
    let named = |layers: &Layers| layers.named_server(&own, &settings.model, sources);
    let named_server = named(&layers);
    layers.check_deciders(&own, named_server.is_some())?;
    let claims: Vec<Claim> = strangers.iter().cloned().chain(named_server).collect();
    let all_claims = strangers.iter().cloned().chain(named(&project)).collect();
    let strange = strangers.iter().filter(|claim| !sources.grants.cover(claim)).map(Claim::to_string);
    let warnings = strange.chain(passed.over.iter().filter_map(|passed| layers.warning(passed))).collect();
    let entries = layers.entries(&passed);
    Ok(Loaded { settings, entries, paths, project_models_file, warnings, claims: open(&claims), all_claims })
}

/// What files of projects say that is not laid over the user's values.
#[derive(Default)]
struct Passed {
    /// What they cannot move that way.
    over: Vec<Assignment>,
    /// What counts beside the user's own value.
    beside: Vec<Assignment>,
}

impl Passed {
    /// Lays what a project's file may say.
    fn take(&mut self, layers: &mut Layers, own: &Layers, assignments: Vec<Assignment>) {
        for mut assignment in assignments {
            if let (Reach::Narrow(globs), Some((now, _))) = (assignment.key.reach, layers.0.get(&place(&assignment))) {
                assignment.value = narrowed(globs, now, &assignment.value);
            }
            let users = own.0.get(&place(&assignment)).map(|(value, _)| value);
            if assignment.key.reach == Reach::Beside {
                self.beside.retain(|before| before.key != assignment.key);
                self.beside.push(assignment);
            } else if assignment.key.reach.allows(users, &assignment.value) {
                layers.lay(vec![assignment]);
            } else {
                self.over.push(assignment);
            }
        }
    }

    /// Shows what counts beside the user's own where the user says nothing; gives what the project says.
    fn lay_beside(&mut self, layers: &mut Layers) -> Option<Assignment> {
        let first = self.beside.first().cloned();
        let empty = |value: &(Value, Origin)| value.0 == "";
        self.beside.retain(|assignment| {
            let free = layers.0.get(&place(assignment)).is_none_or(empty);
            if free {
                layers.lay(vec![assignment.clone()]);
            }
            !free
        });
        first
    }

    /// What there is to say of one value.
    fn notes<'a>(&'a self, index: usize) -> impl Iterator<Item = String> + 'a {
        let of_key = move |assignment: &&Assignment| place(assignment).0 == index;
        let over = self.over.iter().filter(of_key).map(|Assignment { key, value, origin, .. }| {
            format!("{origin} says {}, but a project's file {}", key.kind.shown(value), key.reach.in_words())
        });
        let beside = self.beside.iter().filter(of_key);
        over.chain(beside.map(|Assignment { key, value, origin, .. }| {
            format!("{origin} adds {}, where this says nothing", key.kind.shown(value))
        }))
    }
}

/// The path that a key names; `None` where it names none. A project's file has to keep to its own directory.
fn named(key: &Key, value: &Value, origin: &Origin, sources: &Sources) -> Option<NamedPath> {
    let path = PathBuf::from(value.as_str().filter(|path| !path.is_empty())?);
    let file = sources.project_files().find(|file| origin.is_of(&file.name));
    Some(NamedPath { key: key.path(), path, origin: origin.clone(), within: file.map(|file| file.directory.clone()) })
}

/// The key's place in [`KEYS`], and the entry.
fn place(assignment: &Assignment) -> (usize, Option<String>) {
    let index = KEYS.iter().position(|known| known == assignment.key).unwrap_or(KEYS.len());
    (index, assignment.entry.clone())
}

/// What an entry says that [`steers`].
const PASSES_ON: &str = "to which other server, or on whose account, the server passes prompts on";

/// The values so far, by the key's place in [`KEYS`] and the entry.
#[derive(Clone, Default)]
struct Layers(BTreeMap<(usize, Option<String>), (Value, Origin)>);

impl Layers {
    fn lay(&mut self, assignments: Vec<Assignment>) {
        for assignment in assignments {
            self.0.insert(place(&assignment), (assignment.value, assignment.origin));
        }
    }

    /// Whether the user's value, which `passed` could not move, is the one in effect: in these layers and in `last`.
    fn holds(&self, passed: &Assignment, last: &Self) -> bool {
        let place = place(passed);
        let (now, then) = (self.0.get(&place), last.0.get(&place));
        now == then && now.is_some_and(|(_, origin)| !origin.is_project_file())
    }

    /// Says that a project's file cannot move a value, and which one stays.
    fn warning(&self, passed: &Assignment) -> Option<String> {
        let (stays, from) = self.0.get(&place(passed))?;
        let Assignment { key, entry, value, origin } = passed;
        let from = match from {
            Origin::Default => String::from("the default"),
            other => other.to_string(),
        };
        Some(format!(
            "{origin} sets {} to {}, but a project's file {}: {} ({from}) stays; your own configuration file or {} can set it",
            key.path_with(entry.as_deref()),
            key.kind.shown(value),
            key.reach.in_words(),
            key.kind.shown(stays),
            key.variable()
        ))
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

    /// The paths that keys name.
    fn paths(&self, sources: &Sources) -> Vec<NamedPath> {
        let all = self.0.iter().filter_map(|((index, _), (value, origin))| Some((KEYS.get(*index)?, value, origin)));
        all.filter(|(key, _, _)| key.kind == Kind::Path)
            .filter_map(|(key, value, origin)| named(key, value, origin, sources))
            .collect()
    }

    fn entries(&self, passed: &Passed) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (index, key) in KEYS.iter().enumerate() {
            let before = entries.len();
            for ((_, entry), (value, origin)) in self.0.range((index, None)..(index + 1, None)) {
                let name = entry.as_deref().map_or(key.name.to_owned(), |entry| key.name_with(entry));
                let shown = match entry {
                    Some(entry) if key.kind == Kind::Parameters => masked(entry, value),
                    Some(_) | None => key.kind.shown(value),
                };
                let notes = passed.notes(index).collect();
                entries.push(Entry { table: key.table, name, shown, origin: origin.clone(), notes });
            }
            if entries.len() == before {
                // Only a table that nobody filled has no value.
                let shown = Value::Object(Map::new());
                let (name, origin) = (key.name.to_owned(), Origin::Default);
                entries.push(Entry { table: key.table, name, shown, origin, notes: Vec::new() });
            }
        }
        entries
    }

    /// Which secret is sent, to whom, and what is run for it, is for the user to decide: a project's file, which may be
    /// somebody else's, can only repeat what the user says.
    ///
    /// Where the project names the `server`, too, its own gateway may pass requests on as it likes: the user has to agree to
    /// that server anyway.
    fn check_deciders(&self, own: &Self, server: bool) -> Result<(), SettingsError> {
        for (place, (value, origin)) in self.0.iter().filter(|(_, (_, origin))| origin.is_project_file()) {
            let (index, entry) = place;
            let Some(key) = KEYS.get(*index) else { continue };
            let said = own.0.get(place).is_some_and(|(own, _)| own == value);
            let steers = entry.as_deref().is_some_and(|entry| !server && steers(key, entry, value));
            let says = key.users(entry.as_deref()).or(steers.then_some(PASSES_ON));
            if let (Some(says), false) = (says, said) {
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
