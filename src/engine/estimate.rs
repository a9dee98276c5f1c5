//! Works out the forecast: counts the very prompts that the run would send.
//!
//! Pure. What cannot be known before the run (a SUBPLAN that does not exist yet) is stood in for by a stated
//! allowance, and the document is marked as an estimate.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    CallId, DependencyForecast, DocumentForecast, Forecast, ItemId, LevelForecast, SkippedForecast, Totals,
    briefing::Briefing,
    planner::{Documents, PlannedItem, RunPlan, expected_output},
};
use crate::{
    document::{Digest, ExecutionPart, Names, Stage},
    model::{Prices, Request, Usage},
    parallel::Graph,
    plan::AchievementId,
    prompts::TemplateError,
};

/// Tokens that the digest of a SUBPLAN not yet written will add to its EXECUTION_TASK's prompt: objective, approach,
/// deliverables and strategy are most of a document.
const DIGEST_ALLOWANCE: usize = 1_800;

/// Tokens that objective and deliverables of a dependency's SUBPLAN not yet written will add to a prompt.
const GIST_ALLOWANCE: usize = 200;

/// A common prefix shorter than this is not cached (OpenAI's documentation on prompt caching; so do the field notes).
const SHORTEST_CACHED_PREFIX: usize = 1_024;

/// Cached prefixes grow in steps of this many tokens (same source).
const CACHE_STEP: usize = 128;

/// What the forecast is told of the model.
pub struct ModelOutlook<'a> {
    /// Its name.
    pub name: &'a str,
    /// The tokenizer's name.
    pub tokenizer: &'a str,
    /// Counts tokens.
    pub count: &'a (dyn Fn(&str) -> usize + Sync),
    /// Its prices.
    pub prices: Option<Prices>,
    /// The date of the prices.
    pub prices_taken: Option<String>,
    /// The cap on an answer's tokens.
    pub max_output_tokens: u32,
}

/// Whether a document's first request has been answered before, so that it is not sent again.
pub type Remembered<'a> = &'a (dyn Fn(&Request) -> bool + Sync);

/// Counts every prompt of the run. Shared parts are counted once; own parts on all cores.
pub fn forecast(
    run: &RunPlan,
    briefing: &Briefing,
    graph: &Graph,
    names: &Names,
    digests: &HashMap<AchievementId, Digest>,
    model: &ModelOutlook<'_>,
    remembered: Option<Remembered<'_>>,
) -> Result<Forecast, TemplateError> {
    let digests: HashMap<AchievementId, Arc<Digest>> =
        digests.iter().map(|(id, digest)| (*id, Arc::new(digest.clone()))).collect();
    let in_run: HashMap<ItemId, usize> = run.items.iter().enumerate().map(|(index, item)| (item.id, index)).collect();
    let mut shared_tokens: HashMap<(u32, Stage), usize> = HashMap::new();
    for item in &run.items {
        shared_tokens.entry((item.level, item.id.stage)).or_insert_with(|| {
            let shared = briefing.shared(item.level, item.id.stage);
            shared.map_or(0, |shared| (model.count)(&shared.system) + (model.count)(&shared.level))
        });
    }
    let book =
        Book { run, briefing, graph, names, digests: &digests, in_run: &in_run, shared_tokens, model, remembered };
    let documents = book.all_documents()?;

    let mut levels: BTreeMap<u32, LevelForecast> = BTreeMap::new();
    for (item, mut documents) in run.items.iter().zip(documents) {
        let level =
            levels.entry(item.level).or_insert_with(|| LevelForecast { level: item.level, ..Default::default() });
        let tokens = book.shared(item.level, item.id.stage);
        if let Some(shared) = briefing.shared(item.level, item.id.stage)
            && tokens >= level.shared_tokens
        {
            level.shared_tokens = tokens;
            level.shared_dropped.clone_from(&shared.dropped);
        }
        level.documents.append(&mut documents);
    }
    let levels: Vec<LevelForecast> = levels.into_values().collect();
    let totals = book.totals(&levels);
    let mut warnings = run.warnings.clone();
    if totals.estimated_executions > 0 {
        warnings.push(String::from(
            "a SUBPLAN that does not exist yet may plan up to 9 EXECUTIONs; one each is counted here",
        ));
    }
    let skipped = run
        .skipped
        .iter()
        .map(|item| SkippedForecast { item: item.id, title: item.title.clone(), reason: item.reason.to_string() })
        .collect();
    Ok(Forecast {
        plan: briefing.plan().name.to_string(),
        model: model.name.to_owned(),
        tokenizer: model.tokenizer.to_owned(),
        prices_taken: model.prices_taken.clone(),
        levels,
        skipped,
        warnings,
        totals,
        budget: None,
    })
}

struct Book<'a> {
    run: &'a RunPlan,
    briefing: &'a Briefing,
    graph: &'a Graph,
    names: &'a Names,
    digests: &'a HashMap<AchievementId, Arc<Digest>>,
    in_run: &'a HashMap<ItemId, usize>,
    /// Tokens of what the items of a level and stage share.
    shared_tokens: HashMap<(u32, Stage), usize>,
    model: &'a ModelOutlook<'a>,
    remembered: Option<Remembered<'a>>,
}

impl Book<'_> {
    fn shared(&self, level: u32, stage: Stage) -> usize {
        self.shared_tokens.get(&(level, stage)).copied().unwrap_or_default()
    }

    /// The documents of every item, in the items' order. Rendering and counting is most of a dry run's work, so it is
    /// shared between the cores.
    fn all_documents(&self) -> Result<Vec<Vec<DocumentForecast>>, TemplateError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = self.run.items.len().div_ceil(cores).max(1);
        let parts: Vec<Result<Vec<_>, TemplateError>> = std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .run
                .items
                .chunks(share)
                .map(|items| scope.spawn(|| items.iter().map(|item| self.documents(item)).collect()))
                .collect();
            let joined = workers.into_iter().map(|worker| worker.join());
            joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut all = Vec::with_capacity(self.run.items.len());
        for part in parts {
            all.extend(part?);
        }
        Ok(all)
    }

    fn documents(&self, item: &PlannedItem) -> Result<Vec<DocumentForecast>, TemplateError> {
        let digests = |id: AchievementId| self.digests.get(&id).cloned();
        let to_come = |id: AchievementId| self.in_run.contains_key(&ItemId { achievement: id, stage: Stage::Subplan });
        let unknown = self.briefing.dependencies(item).filter(|id| to_come(*id)).count();
        let shared = self.shared(item.level, item.id.stage);
        let document =
            |part: u32, parts: u32, path: String, overwrites, own: String, allowance: usize| DocumentForecast {
                call: CallId { item: item.id, part, parts },
                title: self.briefing.achievement(item).title.clone(),
                path,
                dependencies: self.dependencies(item),
                estimated_hours: item.estimated_hours,
                estimated: allowance > 0,
                overwrites,
                prompt_tokens: shared + (self.model.count)(&own) + allowance + unknown * GIST_ALLOWANCE,
                expected_output: (expected_output(item.id.stage) as usize).min(self.model.max_output_tokens as usize),
                largest_output: self.model.max_output_tokens as usize,
                // A prompt that is not known yet cannot be found.
                remembered: allowance == 0 && unknown == 0 && self.remembered(item, own),
            };
        Ok(match &item.documents {
            Documents::Subplan(target) => {
                let own = self.briefing.subplan(item, &digests)?;
                vec![document(1, 1, target.path.clone(), target.overwrites, own, 0)]
            }
            Documents::Executions(parts) => {
                let none = Arc::new(Digest::default());
                let subplan = digests(item.id.achievement).unwrap_or(none);
                let mut documents = Vec::with_capacity(parts.len());
                for (part, target) in parts {
                    let own = self.briefing.execution(item, &item.subplan_path, &subplan, part, &digests)?;
                    documents.push(document(part.number, part.of, target.path.clone(), target.overwrites, own, 0));
                }
                documents
            }
            Documents::ExecutionsToCome => {
                let part = ExecutionPart { number: 1, of: 1, purpose: String::new() };
                let own = self.briefing.execution(item, &item.subplan_path, &Digest::default(), &part, &digests)?;
                let path = self.names.execution(item.id.achievement, 1);
                let overwrites = item.executions_on_disk.contains(&path);
                vec![document(1, 1, path, overwrites, own, DIGEST_ALLOWANCE)]
            }
        })
    }

    fn remembered(&self, item: &PlannedItem, own: String) -> bool {
        self.remembered.is_some_and(|remembered| {
            let messages = self.briefing.messages(item, own);
            remembered(&Request::opening(messages, self.model.max_output_tokens, self.briefing.cache_key(item)))
        })
    }

    fn dependencies(&self, item: &PlannedItem) -> Vec<DependencyForecast> {
        self.graph
            .dependencies(item.node)
            .iter()
            .map(|node| {
                let id = self.graph.id(*node);
                DependencyForecast {
                    id,
                    status: self.run.statuses[*node].to_string(),
                    in_run: self.in_run.contains_key(&ItemId { achievement: id, stage: item.id.stage }),
                }
            })
            .collect()
    }

    fn totals(&self, levels: &[LevelForecast]) -> Totals {
        let mut totals = Totals::default();
        // The first call of each group of prompts with one prefix pays for it in full.
        let mut seen: HashMap<(u32, Stage), ()> = HashMap::new();
        let (mut expected, mut largest) = (0, 0);
        for level in levels {
            for document in &level.documents {
                let stage = document.call.item.stage;
                match stage {
                    Stage::Subplan => totals.subplans += 1,
                    Stage::Execution => {
                        totals.executions += 1;
                        totals.estimated_executions += usize::from(document.estimated);
                    }
                }
                if document.remembered {
                    totals.remembered += 1;
                    continue;
                }
                totals.prompt_tokens += document.prompt_tokens;
                expected += document.expected_output;
                largest += document.largest_output;
                if seen.insert((level.level, stage), ()).is_some() {
                    let prefix = self.shared(level.level, stage);
                    if prefix >= SHORTEST_CACHED_PREFIX {
                        totals.cached_tokens += prefix / CACHE_STEP * CACHE_STEP;
                    }
                }
            }
        }
        totals.low_tokens = totals.prompt_tokens + expected;
        totals.high_tokens = totals.prompt_tokens + largest;
        let cost = |cached: usize, output: usize| {
            let usage = Usage {
                input: totals.prompt_tokens as u64,
                cached: cached as u64,
                output: output as u64,
                reasoning: 0,
            };
            self.model.prices.map(|prices| prices.cost(&usage))
        };
        totals.cost_low = cost(totals.cached_tokens, expected);
        totals.cost_expected = cost(totals.cached_tokens / 2, expected);
        totals.cost_high = cost(0, largest);
        totals
    }
}
