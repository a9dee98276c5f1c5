//! Works out the forecast: counts the very prompts that the run would send.
//!
//! Pure. What cannot be known before the run (a SUBPLAN that does not exist yet, and whose answer is not on the plan's own
//! tape) is stood in for by a stated allowance, and the document is marked as an estimate.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    CallId, DependencyForecast, DocumentForecast, Forecast, ItemId, LevelForecast, Recall, RepositoryForecast,
    SkippedForecast, Totals,
    briefing::Briefing,
    call::{call_for, document_text},
    planner::{Documents, PlannedItem, RunPlan, Target, expected_output},
    recall::Recalled,
    review::{LARGEST_REVIEW, USUAL_REVIEW},
};
use crate::{
    document::{Digest, ExecutionPart, Names, Stage, digest},
    model::{Message, Prices, Usage},
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
    /// Whether it judges each document once more.
    pub review: bool,
}

/// Fewer items than this are not worth a thread.
const FEW: usize = 16;

/// Counts every prompt of the run. Shared parts are counted once; own parts on all cores. What `recall` answers is not sent,
/// and a SUBPLAN that it answers is known.
pub fn forecast(
    run: &RunPlan,
    briefing: &Briefing,
    graph: &Graph,
    names: &Arc<Names>,
    digests: &HashMap<AchievementId, Digest>,
    model: &ModelOutlook<'_>,
    recall: Option<Recall<'_>>,
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
    let book = Book { run, briefing, graph, names, digests: &digests, in_run: &in_run, shared_tokens, model, recall };
    let looks = book.all_items()?;

    let mut levels: BTreeMap<u32, LevelForecast> = BTreeMap::new();
    let mut warnings = run.warnings.clone();
    for (item, mut look) in run.items.iter().zip(looks) {
        let level =
            levels.entry(item.level).or_insert_with(|| LevelForecast { level: item.level, ..Default::default() });
        let tokens = book.shared(item.level, item.id.stage);
        if let Some(shared) = briefing.shared(item.level, item.id.stage)
            && tokens >= level.shared_tokens
        {
            level.shared_tokens = tokens;
            level.shared_dropped.clone_from(&shared.dropped);
        }
        level.documents.append(&mut look.documents);
        warnings.extend(look.given_up);
    }
    let levels: Vec<LevelForecast> = levels.into_values().collect();
    let totals = book.totals(&levels);
    if totals.estimated_executions > 0 {
        warnings.push(String::from(
            "a SUBPLAN that does not exist yet may plan up to 9 EXECUTIONs; one each is counted here",
        ));
    }
    if totals.reviews > 0 {
        warnings.push(format!(
            "each document that passes the checks is judged by a second call (`model.review`); {} are counted here",
            totals.reviews
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
        repository: briefing.code().map(|code| RepositoryForecast::of(code, run, model.count)),
        budget: None,
    })
}

struct Book<'a> {
    run: &'a RunPlan,
    briefing: &'a Briefing,
    graph: &'a Graph,
    names: &'a Arc<Names>,
    digests: &'a HashMap<AchievementId, Arc<Digest>>,
    in_run: &'a HashMap<ItemId, usize>,
    /// Tokens of what the items of a level and stage share.
    shared_tokens: HashMap<(u32, Stage), usize>,
    model: &'a ModelOutlook<'a>,
    recall: Option<Recall<'a>>,
}

/// What is known of an item before the run.
#[derive(Default)]
struct Look {
    documents: Vec<DocumentForecast>,
    /// What its SUBPLAN will say, where the tape has the answers that make it.
    subplan: Option<Arc<Digest>>,
    /// That the tape has nothing but rejected answers.
    given_up: Option<String>,
}

/// What the SUBPLANs of this run will say, as far as the tape has the answers that make them.
type ToCome = HashMap<AchievementId, Arc<Digest>>;

/// What goes into the forecast of one document.
struct Draft<'a> {
    /// Which EXECUTION_TASK; none is the SUBPLAN.
    part: Option<&'a ExecutionPart>,
    path: String,
    overwrites: bool,
    /// The own part of its prompt.
    own: String,
    /// Tokens of what its prompt will hold besides.
    allowance: usize,
}

impl Book<'_> {
    fn shared(&self, level: u32, stage: Stage) -> usize {
        self.shared_tokens.get(&(level, stage)).copied().unwrap_or_default()
    }

    /// What is known of every item, in the items' order. Rendering and counting is most of a dry run's work, so it is shared
    /// between the cores.
    fn all_items(&self) -> Result<Vec<Look>, TemplateError> {
        let waves = match self.recall {
            Some(_) => self.waves(),
            // Nothing is known of what this run writes, so nothing has to be looked at before something else.
            None => vec![(0..self.run.items.len()).collect()],
        };
        let mut to_come = ToCome::new();
        let mut looks: Vec<Look> = Vec::new();
        looks.resize_with(self.run.items.len(), Look::default);
        for wave in waves {
            for (index, look) in wave.iter().zip(self.wave(&wave, &to_come)?) {
                if let Some(subplan) = &look.subplan {
                    to_come.insert(self.run.items[*index].id.achievement, Arc::clone(subplan));
                }
                looks[*index] = look;
            }
        }
        Ok(looks)
    }

    /// The items, each in a wave behind those of all that it needs.
    fn waves(&self) -> Vec<Vec<usize>> {
        let items = &self.run.items;
        let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
        for (index, item) in items.iter().enumerate() {
            item.needs.iter().for_each(|need| needed_by[*need].push(index));
        }
        let mut missing: Vec<usize> = items.iter().map(|item| item.needs.len()).collect();
        let mut wave: Vec<usize> = (0..items.len()).filter(|index| missing[*index] == 0).collect();
        let mut waves = Vec::new();
        while !wave.is_empty() {
            let mut next = Vec::new();
            for dependent in wave.iter().flat_map(|index| &needed_by[*index]) {
                missing[*dependent] -= 1;
                if missing[*dependent] == 0 {
                    next.push(*dependent);
                }
            }
            waves.push(std::mem::replace(&mut wave, next));
        }
        waves
    }

    /// Looks at items that do not need one another.
    fn wave(&self, wave: &[usize], to_come: &ToCome) -> Result<Vec<Look>, TemplateError> {
        let look = |index: &usize| self.look(&self.run.items[*index], to_come);
        if wave.len() < FEW {
            return wave.iter().map(look).collect();
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = wave.len().div_ceil(cores);
        let parts: Vec<Result<Vec<_>, TemplateError>> = std::thread::scope(|scope| {
            let workers: Vec<_> =
                wave.chunks(share).map(|indices| scope.spawn(move || indices.iter().map(look).collect())).collect();
            let joined = workers.into_iter().map(|worker| worker.join());
            joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut all = Vec::with_capacity(wave.len());
        for part in parts {
            all.extend(part?);
        }
        Ok(all)
    }

    fn look(&self, item: &PlannedItem, to_come: &ToCome) -> Result<Look, TemplateError> {
        let digests = |id: AchievementId| to_come.get(&id).or_else(|| self.digests.get(&id)).cloned();
        let unknown = |id: &AchievementId| {
            let subplan = ItemId { achievement: *id, stage: Stage::Subplan };
            self.in_run.contains_key(&subplan) && !to_come.contains_key(id)
        };
        let unknown = self.briefing.dependencies(item).filter(unknown).count();
        let mut look = Look::default();
        let own_subplan = || digests(item.id.achievement).unwrap_or_default();
        let execution = |subplan: &Digest, part: &ExecutionPart| {
            self.briefing.execution(item, &item.subplan_path, subplan, part, &digests, false)
        };
        match &item.documents {
            Documents::Subplan(Target { path, overwrites }) => {
                let own = self.briefing.subplan(item, &digests, false)?;
                let draft = Draft { part: None, path: path.clone(), overwrites: *overwrites, own, allowance: 0 };
                self.add(&mut look, item, unknown, draft);
            }
            Documents::Executions(parts) => {
                let subplan = own_subplan();
                for (part, Target { path, overwrites }) in parts {
                    let own = execution(&subplan, part)?;
                    let (path, overwrites) = (path.clone(), *overwrites);
                    self.add(&mut look, item, unknown, Draft { part: Some(part), path, overwrites, own, allowance: 0 });
                }
            }
            Documents::ExecutionsToCome => {
                let known = to_come.contains_key(&item.id.achievement);
                let (subplan, allowance) = if known { (own_subplan(), 0) } else { (Arc::default(), DIGEST_ALLOWANCE) };
                let one = [ExecutionPart { number: 1, of: 1, purpose: String::new() }];
                for part in if known { subplan.parts.as_slice() } else { &one } {
                    let own = execution(&subplan, part)?;
                    let path = self.names.execution(item.id.achievement, part.number);
                    let overwrites = item.executions_on_disk.contains(&path);
                    self.add(&mut look, item, unknown, Draft { part: Some(part), path, overwrites, own, allowance });
                }
            }
        }
        Ok(look)
    }

    /// Adds a document; `unknown` of the SUBPLANs that its prompt quotes are still to be written.
    fn add(&self, look: &mut Look, item: &PlannedItem, unknown: usize, draft: Draft<'_>) {
        let Draft { part, path, overwrites, own, allowance } = draft;
        let (number, parts) = part.map_or((1, 1), |part| (part.number, part.of));
        let call = CallId { item: item.id, part: number, parts };
        let mut document = DocumentForecast {
            call,
            title: self.briefing.achievement(item).title.clone(),
            path,
            dependencies: self.dependencies(item),
            estimated_hours: item.estimated_hours,
            estimated: allowance > 0,
            overwrites,
            prompt_tokens: self.shared(item.level, item.id.stage)
                + (self.model.count)(&own)
                + allowance
                + unknown * GIST_ALLOWANCE,
            expected_output: (expected_output(item.id.stage) as usize).min(self.model.max_output_tokens as usize),
            largest_output: self.model.max_output_tokens as usize,
            remembered: false,
            answers_before: 0,
        };
        // A prompt that is not known yet cannot be found.
        if let Some(recall) = self.recall.filter(|_| allowance == 0 && unknown == 0) {
            let asked = call_for(self.briefing, self.names, item, call, own);
            match recall.call(&asked, self.briefing.templates()) {
                Recalled::Accepted { body, at } => {
                    document.remembered = true;
                    look.subplan = (item.id.stage == Stage::Subplan)
                        .then(|| Arc::new(digest(&document_text(self.briefing, item, part, (at, None), &body))));
                }
                Recalled::GivenUp { reason } => {
                    document.remembered = true;
                    look.given_up = Some(format!("{call} will fail, by what is on the tape: {reason}"));
                }
                Recalled::Unanswered { request, answers } => {
                    document.answers_before = answers;
                    // What comes behind the first request: the answer that was rejected, and what is wrong with it.
                    let pieces =
                        |messages: &[Message]| messages.iter().map(|message| message.content.len()).sum::<usize>();
                    let more =
                        request.messages.iter().flat_map(|message| &message.content).skip(pieces(&asked.messages));
                    document.prompt_tokens += more.map(|text| (self.model.count)(text)).sum::<usize>();
                    document.largest_output = request.max_output_tokens as usize;
                }
            }
        }
        look.documents.push(document);
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
                if self.model.review {
                    // The prompt again, the document, and what to judge it by.
                    let rules = self.briefing.templates().review(stage, "").map_or(0, |text| (self.model.count)(&text));
                    totals.reviews += 1;
                    totals.prompt_tokens += document.prompt_tokens + document.expected_output + rules;
                    expected += USUAL_REVIEW;
                    largest += LARGEST_REVIEW.min(self.model.max_output_tokens) as usize;
                }
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
                at_least: false,
            };
            self.model.prices.map(|prices| prices.cost(&usage))
        };
        totals.cost_low = cost(totals.cached_tokens, expected);
        totals.cost_expected = cost(totals.cached_tokens / 2, expected);
        totals.cost_high = cost(0, largest);
        totals
    }
}
