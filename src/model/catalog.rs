//! What is known of models: prices, limits, tokenizers, and which parameters they take.
//!
//! It is data: `config/models.toml`, embedded, and a file of the user's on top. Every entry that matches a model
//! contributes the fields it has; the more specific entry wins, and the user's over ours. What no entry says is unknown.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use reqwest::Url;
use serde::Deserialize;

use super::{Tokenizer, Usage, gate::PerMinute};

/// The embedded data.
const BUILT_IN: &str = include_str!("../../config/models.toml");

/// Everything known of one model at one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFacts {
    /// The entry of `[providers]` that the server belongs to.
    pub provider: String,
    /// `None`: unknown, and so is every cost.
    pub prices: Option<Prices>,
    /// The day the prices were taken, `YYYY-MM-DD`.
    pub prices_taken: Option<String>,
    /// Tokens of prompt and answer together.
    pub context_window: Option<u32>,
    /// The most tokens of an answer.
    pub max_output: Option<u32>,
    /// Its rate limits.
    pub limits: PerMinute,
    /// How its text is counted.
    pub tokenizer: Tokenizer,
    /// What it takes.
    pub params: Params,
}

/// Prices in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Prompt tokens that were not in the provider's cache.
    pub input: f64,
    /// Prompt tokens that were; absent where the provider gives no discount.
    pub cached: Option<f64>,
    /// Prompt tokens that the provider puts into its cache, where that costs more than `input`.
    pub cache_write: Option<f64>,
    /// Answer tokens, reasoning included.
    pub output: f64,
}

impl Prices {
    /// The cost of some tokens in US dollars. Cached tokens are part of `input` and cost less.
    ///
    /// How many tokens were put into the cache is not reported by all servers, so where that costs extra, every prompt
    /// token that was not cached is taken to be one: the cost is never understated.
    pub fn cost(&self, usage: &Usage) -> f64 {
        let cached = usage.cached.min(usage.input);
        let fresh = usage.input - cached;
        let fresh_price = self.cache_write.unwrap_or(self.input).max(self.input);
        let sum = fresh as f64 * fresh_price
            + cached as f64 * self.cached.unwrap_or(self.input)
            + usage.output as f64 * self.output;
        sum / 1e6
    }
}

/// Which parameters a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// The name of the cap on output tokens.
    pub token_cap: TokenCap,
    /// `reasoning_effort`.
    pub reasoning_effort: bool,
    /// `temperature`.
    pub temperature: bool,
    /// `prompt_cache_key`.
    pub prompt_cache_key: bool,
    /// `stream_options.include_usage`.
    pub include_usage: bool,
    /// `response_format`.
    pub structured: Structured,
    /// A message of the role `system`; without it, its text begins the user's first message.
    pub system_role: bool,
}

impl Default for Params {
    /// What every server takes.
    fn default() -> Self {
        Self {
            token_cap: TokenCap::default(),
            reasoning_effort: false,
            temperature: false,
            prompt_cache_key: false,
            include_usage: false,
            structured: Structured::default(),
            system_role: true,
        }
    }
}

/// How far a model can be held to a JSON Schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// To a strict schema.
    Strict,
    /// To JSON, whatever is in it.
    JsonObject,
    /// Not at all.
    #[default]
    None,
}

/// The name of the cap on output tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenCap {
    /// Current OpenAI models.
    MaxCompletionTokens,
    /// Everybody else.
    #[default]
    MaxTokens,
}

/// Entries of one or two files.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The user's first, then ours.
    files: Vec<File>,
    /// The project's.
    project: Option<File>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    providers: BTreeMap<String, ProviderEntry>,
    #[serde(default)]
    models: BTreeMap<String, ModelEntry>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    #[serde(default)]
    hosts: Vec<String>,
    taken: Option<Date>,
    /// Where the prices stand; for people.
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(default)]
    params: ParamsEntry,
    /// By model; prices hold for this provider only.
    #[serde(default)]
    prices: BTreeMap<String, PriceEntry>,
    /// By model; they differ from contract to contract, so they are for the user's own file.
    #[serde(default)]
    limits: BTreeMap<String, LimitsEntry>,
}

/// Limits per minute.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsEntry {
    rpm: Option<u32>,
    tpm: Option<u32>,
}

impl LimitsEntry {
    fn apply(self, limits: &mut PerMinute) {
        // Zero is what settings write for "unknown".
        let limit = |number: Option<u32>| number.filter(|number| *number > 0).map(f64::from);
        limits.requests = limit(self.rpm).or(limits.requests);
        limits.tokens = limit(self.tpm).or(limits.tokens);
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    input: Dollars,
    cached: Option<Dollars>,
    cache_write: Option<Dollars>,
    output: Dollars,
    /// Where it is not the provider's day.
    taken: Option<Date>,
}

impl PriceEntry {
    fn prices(&self) -> Prices {
        let Self { input, cached, cache_write, output, taken: _ } = self;
        let number = |price: &Option<Dollars>| price.map(|price| price.0);
        Prices { input: input.0, cached: number(cached), cache_write: number(cache_write), output: output.0 }
    }
}

/// US dollars; checked while the file is read, since only then is the line known.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
struct Dollars(f64);

impl TryFrom<f64> for Dollars {
    type Error = &'static str;

    fn try_from(price: f64) -> Result<Self, Self::Error> {
        if price.is_finite() && price >= 0.0 { Ok(Self(price)) } else { Err("a price is negative or no number") }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    context_window: Option<u32>,
    max_output: Option<u32>,
    tokenizer: Option<Tokenizer>,
    #[serde(default)]
    params: ParamsEntry,
    /// Whichever provider serves it; for the user's own file.
    prices: Option<PriceEntry>,
    /// Requests per minute, whichever provider serves it; for the user's own file.
    rpm: Option<u32>,
    /// Tokens per minute.
    tpm: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamsEntry {
    token_cap: Option<TokenCap>,
    reasoning_effort: Option<bool>,
    temperature: Option<bool>,
    prompt_cache_key: Option<bool>,
    include_usage: Option<bool>,
    structured: Option<Structured>,
    system_role: Option<bool>,
}

impl ParamsEntry {
    fn apply(&self, params: &mut Params) {
        params.token_cap = self.token_cap.unwrap_or(params.token_cap);
        params.reasoning_effort = self.reasoning_effort.unwrap_or(params.reasoning_effort);
        params.temperature = self.temperature.unwrap_or(params.temperature);
        params.prompt_cache_key = self.prompt_cache_key.unwrap_or(params.prompt_cache_key);
        params.include_usage = self.include_usage.unwrap_or(params.include_usage);
        params.structured = self.structured.unwrap_or(params.structured);
        params.system_role = self.system_role.unwrap_or(params.system_role);
    }
}

/// A models.toml that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct CatalogError {
    /// 1-based.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl CatalogError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("the file has the form of planwave's own config/models.toml, and needs only what differs".to_owned())
    }
}

impl Catalog {
    /// The embedded catalog.
    pub fn built_in() -> Result<Self, CatalogError> {
        Ok(Self { files: vec![parse_file(BUILT_IN)?], project: None })
    }

    /// With a file of the user's on top.
    pub fn over(mut self, user_toml: &str) -> Result<Self, CatalogError> {
        self.files.insert(0, parse_file(user_toml)?);
        Ok(self)
    }

    /// With a project's file, which may be somebody else's: its prices and limits count only where no other file has one.
    pub fn under(self, project_toml: &str) -> Result<Self, CatalogError> {
        Ok(Self { project: Some(parse_file(project_toml)?), ..self })
    }

    /// What is known of a model at a server.
    pub fn facts(&self, model: &str, base_url: &str) -> ModelFacts {
        let host =
            Url::parse(base_url.trim()).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        self.facts_of(model.trim(), self.provider(&host))
    }

    /// What is known of a model at a provider that is named; `None` where no file describes that provider.
    pub fn facts_at(&self, model: &str, provider: &str) -> Option<ModelFacts> {
        let known = self.provider_names().any(|name| name == provider);
        known.then(|| self.facts_of(model.trim(), provider.to_owned()))
    }

    /// The providers that the files describe, in alphabetical order.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        let names: std::collections::BTreeSet<&str> =
            self.all().flat_map(|file| file.providers.keys()).map(String::as_str).collect();
        names.into_iter()
    }

    fn all(&self) -> impl Iterator<Item = &File> {
        self.files.iter().chain(&self.project)
    }

    fn facts_of(&self, model: &str, provider: String) -> ModelFacts {
        let blank = ModelFacts { provider, ..ModelFacts::default() };
        let project = lay(self.project.as_slice(), blank, model);
        // Prices are one thing: where another file has any, nothing of a project's is mixed in.
        let below = ModelFacts { prices: None, prices_taken: None, limits: PerMinute::default(), ..project.clone() };
        let mut facts = lay(&self.files, below, model);
        if facts.prices.is_none() {
            (facts.prices, facts.prices_taken) = (project.prices, project.prices_taken);
        }
        facts.limits.requests = facts.limits.requests.or(project.limits.requests);
        facts.limits.tokens = facts.limits.tokens.or(project.limits.tokens);
        facts
    }

    /// The provider of a host: the entry with the longest matching pattern. A project's patterns count for hosts that no
    /// other file knows by more than the pattern for all.
    fn provider(&self, host: &str) -> String {
        let of = |files: &[File]| {
            let entries = files.iter().flat_map(|file| &file.providers);
            let patterns =
                entries.flat_map(|(name, entry)| entry.hosts.iter().map(move |pattern| (pattern.len(), pattern, name)));
            let fitting = patterns.filter(|(_, pattern, _)| matches(pattern, host));
            fitting
                .max_by_key(|(length, _, _)| *length)
                .map(|(_, pattern, name)| (pattern.as_str() == "*", name.clone()))
        };
        let found = match (of(&self.files), of(self.project.as_slice())) {
            (Some((false, known)), _) => Some(known),
            (known, theirs) => theirs.or(known).map(|(_, name)| name),
        };
        found.unwrap_or_else(|| "other".to_owned())
    }
}

/// Lays what files know of a model over `facts`, the last file first.
fn lay(files: &[File], mut facts: ModelFacts, model: &str) -> ModelFacts {
    // From the least specific to the most: each overwrites what it knows better.
    let at_provider = files.iter().rev().filter_map(|file| file.providers.get(&facts.provider));
    for entry in at_provider.collect::<Vec<_>>() {
        entry.params.apply(&mut facts.params);
        // Patterns do not count here, since a price must not be guessed.
        for fit in exact(&entry.prices, model) {
            fit.price(fit.entry, entry.taken, &mut facts);
        }
        for fit in matching(&entry.limits, model) {
            fit.entry.apply(&mut facts.limits);
        }
    }
    for file in files.iter().rev() {
        for fit in matching(&file.models, model) {
            let entry = fit.entry;
            facts.context_window = entry.context_window.or(facts.context_window);
            facts.max_output = entry.max_output.or(facts.max_output);
            facts.tokenizer = entry.tokenizer.unwrap_or(facts.tokenizer);
            entry.params.apply(&mut facts.params);
            LimitsEntry { rpm: entry.rpm, tpm: entry.tpm }.apply(&mut facts.limits);
            if let Some(price) = &entry.prices {
                fit.price(price, None, &mut facts);
            }
        }
    }
    facts
}

fn parse_file(text: &str) -> Result<File, CatalogError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        CatalogError { line: before.matches('\n').count() + 1, reason: error.message().trim().replace('\n', "; ") }
    })
}

/// An entry that is a model's.
struct Fit<'a, T> {
    entry: &'a T,
    /// The day in the model's name, where the entry has the name without it.
    dated: Option<Date>,
}

impl<T> Fit<'_, T> {
    /// Notes a price. What a version costs that came after the price was `taken` (by the price itself, or else by its
    /// table) is unknown.
    fn price(&self, price: &PriceEntry, table: Option<Date>, facts: &mut ModelFacts) {
        let taken = price.taken.or(table);
        if self.dated.zip(taken).is_some_and(|(dated, taken)| dated > taken) {
            return;
        }
        facts.prices = Some(price.prices());
        facts.prices_taken = taken.map(|taken| taken.to_string());
    }
}

/// The entries for a model, the least specific first: patterns by length, then its name without a date, then its name.
fn matching<'a, T>(entries: &'a BTreeMap<String, T>, model: &str) -> Vec<Fit<'a, T>> {
    let mut patterns: Vec<_> =
        entries.iter().filter(|(name, _)| name.contains('*') && matches(name, bare(model))).collect();
    patterns.sort_by_key(|(name, _)| name.len());
    patterns.into_iter().map(|(_, entry)| Fit { entry, dated: None }).chain(exact(entries, model)).collect()
}

/// The entries that name the model, the least specific first: its name without a date, without its maker, as it is.
fn exact<'a, T>(entries: &'a BTreeMap<String, T>, model: &str) -> impl Iterator<Item = Fit<'a, T>> {
    let dateless = without_date(bare(model)).and_then(|(name, dated)| Some(Fit { entry: entries.get(name)?, dated }));
    let bare = (bare(model) != model).then(|| entries.get(bare(model))).flatten();
    let named = [bare, entries.get(model)].into_iter().flatten().map(|entry| Fit { entry, dated: None });
    dateless.into_iter().chain(named)
}

/// `openai/gpt-5` as `gpt-5`: routers put the maker's name in front.
fn bare(model: &str) -> &str {
    model.rsplit_once('/').map_or(model, |(_, name)| name)
}

/// `gpt-5-2025-08-07` as `gpt-5` and its day, `gpt-4-0613` as `gpt-4`; `None` where the name does not end in a day that
/// there is in a calendar.
fn without_date(model: &str) -> Option<(&str, Option<Date>)> {
    let split = |length: usize| {
        let (name, date) = model.split_at_checked(model.len().checked_sub(length)?)?;
        Some((name, date.strip_prefix('-')?))
    };
    let full = |year: &str, month: &str, day: &str| Date::new(digits(year)?, digits(month)?, digits(day)?).ok();
    if let Some((name, date)) = split("-2025-08-07".len())
        && let [year, month, day] = date.split('-').collect::<Vec<_>>()[..]
        && [year.len(), month.len(), day.len()] == [4, 2, 2]
    {
        return full(year, month, day).map(|day| (name, Some(day)));
    }
    if let Some((name, date)) = split("-20250807".len())
        && let (Some(year), Some(month), Some(day)) = (date.get(..4), date.get(4..6), date.get(6..))
        && let Some(day) = full(year, month, day)
    {
        return Some((name, Some(day)));
    }
    let (name, date) = split("-0613".len())?;
    // Of no year that is known, so any month and day will do; this year has a 29 February.
    full("2024", date.get(..2)?, date.get(2..)?).map(|_| (name, None))
}

/// The number that digits alone make.
fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Whether a text has the form of a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAI: &str = "https://api.openai.com/v1";

    #[test]
    fn a_projects_prices_and_limits_count_only_where_nobody_else_has_any() {
        let free = "prices = { input = 0, output = 0 }";
        let theirs = format!(
            "[providers.theirs]\nhosts = [\"api.openai.com\", \"api.openai.com*\", \"gw.example\"]\n\
             [providers.theirs.prices]\n\"gpt-5\" = {{ input = 0, output = 0 }}\n\
             [providers.openai.prices]\n\"gpt-5\" = {{ input = 0, output = 0 }}\n\
             [models.\"gpt-5\"]\nrpm = 9\ntpm = 9\nmax_output = 9\n{free}\n[models.mine]\n{free}\n[models.new]\nrpm = 7\n{free}\n"
        );
        let mine = "[models.mine]\nrpm = 3\nprices = { input = 1, output = 2 }";
        let catalog = Catalog::built_in().unwrap().over(mine).unwrap().under(&theirs).unwrap();
        let alone = Catalog::built_in().unwrap().over(mine).unwrap();
        let openai = "https://api.openai.com/v1";
        let (with, without) = (catalog.facts("gpt-5", openai), alone.facts("gpt-5", openai));
        assert_eq!(
            (with.prices, with.max_output, with.provider),
            (without.prices, without.max_output, without.provider)
        );
        // planwave's own list knows no limits, so these are the project's.
        assert_eq!((with.limits.requests, without.limits.requests), (Some(9.0), None));
        let mine = catalog.facts("mine", openai);
        assert_eq!((mine.prices.map(|prices| prices.output), mine.limits.requests), (Some(2.0), Some(3.0)));
        let new = catalog.facts("new", "https://gw.example/v1");
        assert_eq!((new.provider.as_str(), new.prices.map(|prices| prices.output)), ("theirs", Some(0.0)));
        assert_eq!(new.limits.requests, Some(7.0));
    }

    #[test]
    fn rate_limits_are_those_of_the_nearest_entry() {
        let user = r#"
            [models."gpt-5*"]
            rpm = 100
            tpm = 9000
            [models."gpt-5-mini"]
            rpm = 500
            [providers.openai.limits]
            "gpt-5-mini" = { rpm = 300 }
            "gpt-4.1" = { tpm = 7 }
        "#;
        let catalog = Catalog::built_in().unwrap().over(user).unwrap();
        let limits = |model: &str, url: &str| {
            let limits = catalog.facts(model, url).limits;
            (limits.requests, limits.tokens)
        };
        let openai = "https://api.openai.com/v1";
        assert_eq!(limits("gpt-5-mini", openai), (Some(500.0), Some(9000.0)));
        assert_eq!(limits("gpt-5-nano", openai), (Some(100.0), Some(9000.0)));
        assert_eq!(limits("gpt-4.1", openai), (None, Some(7.0)));
        assert_eq!(limits("gpt-4.1", "http://localhost/v1"), (None, None));
        assert_eq!(Catalog::built_in().unwrap().facts("gpt-5", openai).limits, PerMinute::default());
    }

    #[test]
    fn openai_models_are_known_with_and_without_date() {
        let catalog = Catalog::built_in().unwrap();
        for model in ["gpt-5-mini", "gpt-5-mini-2025-08-07"] {
            let facts = catalog.facts(model, OPENAI);
            assert_eq!(
                facts.prices,
                Some(Prices { input: 0.25, cached: Some(0.025), cache_write: None, output: 2.0 }),
                "{model}"
            );
            assert_eq!((facts.context_window, facts.max_output), (Some(400_000), Some(128_000)));
            assert_eq!(facts.params.token_cap, TokenCap::MaxCompletionTokens);
            assert!(facts.params.reasoning_effort && !facts.params.temperature && facts.params.prompt_cache_key);
            assert!(facts.prices_taken.is_some());
        }
        let old = catalog.facts("gpt-4.1", OPENAI);
        assert!(old.params.temperature && !old.params.reasoning_effort);
        for (model, structured) in [
            ("gpt-5-mini", Structured::Strict),
            ("gpt-4o-2024-08-06", Structured::Strict),
            ("gpt-4o-2024-05-13", Structured::JsonObject),
            ("gpt-4-turbo", Structured::JsonObject),
            ("gpt-4-0613", Structured::None),
            ("something-new", Structured::None),
        ] {
            assert_eq!(catalog.facts(model, OPENAI).params.structured, structured, "{model}");
        }
        assert_eq!(catalog.facts("gpt-4-0613", OPENAI).tokenizer, Tokenizer::Cl100kBase);
    }

    #[test]
    fn every_built_in_entry_is_reachable_and_sane() {
        let catalog = Catalog::built_in().unwrap();
        let file = parse_file(BUILT_IN).unwrap();
        for (provider, entry) in &file.providers {
            assert!(!entry.hosts.is_empty(), "{provider}");
            for (model, price) in &entry.prices {
                let prices = price.prices();
                assert!(entry.taken.is_some(), "{provider} has prices without a date");
                assert!(prices.cached.unwrap_or(0.0) <= prices.input && prices.input <= prices.output, "{model}");
                assert!(prices.cache_write.unwrap_or(prices.input) >= prices.input, "{model}");
                let facts = catalog.facts(model, &format!("https://{}/v1", entry.hosts[0]));
                assert_eq!(facts.prices, Some(prices), "{model}");
                assert!(facts.context_window.is_some(), "{model} has prices and no limit");
            }
        }
    }

    #[test]
    fn an_unknown_model_or_server_has_no_price() {
        let catalog = Catalog::built_in().unwrap();
        for (model, base) in [
            ("gpt-5-surprise", OPENAI),
            ("gpt-5-mini", "http://localhost:11434/v1"),
            ("gpt-5-mini", "https://gateway.example/v1"),
            ("", "nonsense"),
            // No day there is, and days after the prices were taken.
            ("gpt-5-mini-2025-13-07", OPENAI),
            ("gpt-5-mini-2025-02-29", OPENAI),
            ("gpt-5-mini-20250229", OPENAI),
            ("gpt-5-mini-1332", OPENAI),
            ("gpt-5-mini-2099-01-01", OPENAI),
            ("gpt-5-mini-20990101", OPENAI),
            ("openai/gpt-5-mini-2099-01-01", OPENAI),
        ] {
            let facts = catalog.facts(model, base);
            assert_eq!((facts.prices, facts.prices_taken), (None, None), "{model} at {base}");
        }
        // A price of a later day than its table's is known until that day.
        let own = r#"[models."mine"]
            prices = { input = 1, output = 2, taken = "2099-06-01" }"#;
        let own = Catalog::built_in().unwrap().over(own).unwrap();
        assert!(own.facts("mine-2099-06-01", OPENAI).prices.is_some());
        assert!(own.facts("mine-2099-06-02", OPENAI).prices.is_none());
        // What holds for the whole family is still known.
        assert!(!catalog.facts("gpt-5-surprise", OPENAI).params.temperature);
    }

    #[test]
    fn parameters_of_servers() {
        let catalog = Catalog::built_in().unwrap();
        let local = catalog.facts("qwen3:8b", "http://127.0.0.1:8080/v1");
        assert_eq!(local.provider, "other");
        assert_eq!(
            local.params,
            Params { token_cap: TokenCap::MaxTokens, temperature: true, include_usage: true, ..Params::default() }
        );
        assert_eq!(catalog.facts("x", "https://r.openai.azure.com").provider, "azure");
        let routed = catalog.facts("openai/gpt-5", "https://openrouter.ai/api/v1");
        assert_eq!((routed.provider.as_str(), routed.context_window), ("openrouter", Some(400_000)));
    }

    #[test]
    fn the_users_file_wins_field_by_field() {
        let user = r#"
            [providers.openai]
            taken = "2027-01-01"
            [providers.openai.prices]
            "gpt-5-mini" = { input = 1.0, output = 2.0 }
            [models."gpt-5*"]
            params = { temperature = true }
            [models."local-*"]
            prices = { input = 0, output = 0, taken = "2027-02-02" }
            [providers.ours]
            hosts = ["*.corp.example"]
            params = { token_cap = "max_completion_tokens" }
        "#;
        let catalog = Catalog::built_in().unwrap().over(user).unwrap();
        let facts = catalog.facts("gpt-5-mini", OPENAI);
        assert_eq!(facts.prices, Some(Prices { input: 1.0, cached: None, cache_write: None, output: 2.0 }));
        assert_eq!(facts.prices_taken.as_deref(), Some("2027-01-01"));
        assert!(facts.params.temperature && facts.params.reasoning_effort);
        assert_eq!(facts.context_window, Some(400_000));
        let local = catalog.facts("local-7b", "http://localhost/v1");
        assert_eq!(
            (local.prices.map(|prices| prices.output), local.prices_taken.as_deref()),
            (Some(0.0), Some("2027-02-02"))
        );
        let ours = catalog.facts("m", "https://llm.corp.example/v1");
        assert_eq!((ours.provider.as_str(), ours.params.token_cap), ("ours", TokenCap::MaxCompletionTokens));
    }

    #[test]
    fn a_wrong_file_names_its_line() {
        let cases = [
            ("\n[models.\"m\"]\ncontext = 3\n", 3, "unknown field `context`"),
            ("[models.m]\ntokenizer = \"p50k\"\n", 2, "unknown variant `p50k`"),
            ("[models\n", 1, "unclosed table"),
            ("[models.m]\nprices = { input = -1, output = 1 }\n", 2, "a price is negative"),
            (
                "\n\n[providers.p.prices]\na = { input = 1, output = 1 }\nb = { input = 1, output = nan }\n",
                5,
                "a price is",
            ),
            ("\n[models.m.prices]\ninput = 1\noutput = 1\ncached = -0.5\n", 5, "a price is negative"),
            ("[providers.p]\n\ntaken = \"some day\"\n", 3, "failed to parse"),
        ];
        for (text, line, reason) in cases {
            let error = Catalog::built_in().unwrap().over(text).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.reason.starts_with(reason), "{error}");
        }
    }

    #[test]
    fn costs() {
        let usage = Usage { input: 10_000, cached: 8_000, output: 1_000, reasoning: 400, at_least: false };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        let plain = Prices { input: 1.0, cached: Some(0.1), cache_write: None, output: 10.0 };
        assert!(near(plain.cost(&usage), 0.002 + 0.0008 + 0.01));
        assert!(near(Prices { cached: None, ..plain }.cost(&usage), 0.01 + 0.01));
        assert!(near(Prices { cache_write: Some(1.25), ..plain }.cost(&usage), 0.0025 + 0.0008 + 0.01));
        // A server that counts cached tokens apart does not make a cost negative.
        assert!(near(plain.cost(&Usage { cached: 20_000, ..usage }), 0.001 + 0.01));
    }

    #[test]
    fn patterns() {
        let cases = [
            ("*", "", true),
            ("gpt-5*", "gpt-5.1-mini", true),
            ("*.azure.com", "x.azure.com", true),
            ("*.azure.com", "azure.com", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c", false),
            ("exact", "exactly", false),
            ("ab*bc", "abc", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn dates_are_cut_off_and_nothing_else() {
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        for (model, base) in [
            ("gpt-5-2025-08-07", Some(("gpt-5", day("2025-08-07")))),
            ("gpt-4-0613", Some(("gpt-4", None))),
            ("claude-x-20250101", Some(("claude-x", day("2025-01-01")))),
            ("gpt-4-32k", None),
            ("-0613", Some(("", None))),
            ("größe-é", None),
            ("gpt-5-2025-8-007", None),
            ("gpt-5-+025-08-07", None),
            ("gpt-5-2025-08-32", None),
            ("x-0230", None),
        ] {
            assert_eq!(without_date(model), base, "{model}");
        }
    }
}
