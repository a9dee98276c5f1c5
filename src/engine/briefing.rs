//! What each item is told: turns a run plan and what its dependencies have become into messages.
//!
//! Pure, and shared by the forecast and the dispatcher, so that what is counted is what is sent.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::HashMap, sync::Arc};

use super::{
    code_base::{CodeBase, PathRules},
    planner::{PlannedItem, RunPlan},
};
use crate::{
    document::{Digest, ExecutionPart, Material, Stage},
    model::{Message, Role},
    parallel::{Graph, Status},
    plan::{Achievement, AchievementId, Plan},
    prompts::{
        DependencyContext, ItemContext, OtherPart, PartContext, Reference, Sibling, SubplanContext, TemplateError,
        Templates, level_prompt, reckoned_tokens,
    },
};

/// The longest text taken over from another document, in characters. A SUBPLAN that a person wrote can have a thousand
/// lines; its dependents need its gist.
const LONGEST_EXCERPT: usize = 12_000;

/// The most deliverables taken over from another document.
const MOST_DELIVERABLES: usize = 40;

/// How many neighbours an item of a level too long to list is told of, on each side.
const NEIGHBOURS: usize = 5;

/// The prompt parts that the items of one level and stage share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Rules and skeleton.
    pub system: Arc<str>,
    /// PLAN context and siblings.
    pub level: Arc<str>,
    /// What was dropped to keep to the budget.
    pub dropped: Vec<String>,
    lists_all: bool,
}

/// Everything needed to write any item's prompt.
pub struct Briefing {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    templates: Templates,
    material: Arc<Material>,
    definitions: HashMap<AchievementId, usize>,
    statuses: Vec<&'static str>,
    /// Graph indices of each level's achievements, by id.
    levels: HashMap<u32, Vec<usize>>,
    shared: HashMap<(u32, Stage), Shared>,
    code: Option<CodeBase>,
    paths: Option<PathRules>,
    /// What all prompts carry of the code base.
    repository: String,
}

impl Briefing {
    /// Renders what the items of each level share, within `budget` tokens as [`reckoned_tokens`] has them. What all carry of
    /// the code base has a budget of its own.
    pub fn new(
        plan: Arc<Plan>,
        graph: Arc<Graph>,
        templates: Templates,
        run: &RunPlan,
        budget: usize,
        code: Option<CodeBase>,
    ) -> Result<Self, TemplateError> {
        let definitions: HashMap<AchievementId, usize> =
            plan.achievements.iter().enumerate().map(|(index, achievement)| (achievement.id, index)).collect();
        let mut levels: HashMap<u32, Vec<usize>> = HashMap::new();
        for node in 0..graph.len() {
            levels.entry(graph.level(node)).or_default().push(node);
        }
        for nodes in levels.values_mut() {
            nodes.sort_by_key(|node| graph.id(*node));
        }
        let mut statuses: Vec<&'static str> = run.statuses.iter().map(|status| told(*status).as_str()).collect();
        for item in run.items.iter().filter(|item| item.id.stage == Stage::Subplan) {
            // By the time anybody is told of it, this run has written its SUBPLAN. Not the live status: prompts must
            // not depend on which call happened to end first.
            statuses[item.node] = Status::SubplanCreated.as_str();
        }
        let material = Arc::new(Material::new(templates.literals(), &plan));
        let known = code.as_ref().and_then(|code| code.known.clone());
        let paths = known.map(|known| PathRules::new(known, &plan));
        let repository = code.as_ref().map(|code| code.context.shared_text()).unwrap_or_default();
        let shared = HashMap::new();
        let mut briefing =
            Self { plan, graph, templates, material, definitions, statuses, levels, shared, code, paths, repository };
        for item in &run.items {
            let key = (item.level, item.id.stage);
            if !briefing.shared.contains_key(&key) {
                let shared = briefing.render_shared(item.level, item.id.stage, budget)?;
                briefing.shared.insert(key, shared);
            }
        }
        Ok(briefing)
    }

    /// What the items of a level and stage share; `None` where the run has none.
    pub fn shared(&self, level: u32, stage: Stage) -> Option<&Shared> {
        self.shared.get(&(level, stage))
    }

    /// The templates, for what follows a rejected answer.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// What no answer should merely repeat.
    pub fn material(&self) -> &Arc<Material> {
        &self.material
    }

    /// The code base that prompts carry something of.
    pub fn code(&self) -> Option<&CodeBase> {
        self.code.as_ref()
    }

    /// What the paths of answers are held against.
    pub fn paths(&self) -> Option<&PathRules> {
        self.paths.as_ref()
    }

    /// The achievement an item is about.
    pub fn achievement(&self, item: &PlannedItem) -> &Achievement {
        &self.plan.achievements[item.definition]
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The achievements that an item's prompt quotes SUBPLANs of.
    pub fn dependencies(&self, item: &PlannedItem) -> impl Iterator<Item = AchievementId> + '_ {
        self.graph.dependencies(item.node).iter().map(|node| self.graph.id(*node))
    }

    /// The own part of a SUBPLAN's prompt. One of `several` has no task of its own.
    pub fn subplan(
        &self,
        item: &PlannedItem,
        digests: &dyn Fn(AchievementId) -> Option<Arc<Digest>>,
        several: bool,
    ) -> Result<String, TemplateError> {
        self.templates.subplan(&self.item_context(item, digests), several)
    }

    /// The own part of an EXECUTION_TASK's prompt. `subplan` is the digest of the SUBPLAN at `path`.
    pub fn execution(
        &self,
        item: &PlannedItem,
        path: &str,
        subplan: &Digest,
        part: &ExecutionPart,
        digests: &dyn Fn(AchievementId) -> Option<Arc<Digest>>,
        several: bool,
    ) -> Result<String, TemplateError> {
        let others = subplan.parts.iter().filter(|other| other.number != part.number);
        let part = PartContext {
            number: part.number,
            of: part.of,
            label: format!("{:02}", part.number),
            purpose: part.purpose.clone(),
            others: others.map(|other| OtherPart { number: other.number, purpose: other.purpose.clone() }).collect(),
        };
        let subplan = SubplanContext {
            path: path.to_owned(),
            objective: excerpt(&subplan.objective),
            approach: excerpt(&subplan.approach),
            deliverables: deliverables(&subplan.deliverables),
            execution_strategy: excerpt(&subplan.execution_strategy),
        };
        self.templates.execution(&self.item_context(item, digests), &subplan, &part, several)
    }

    /// Puts an own part behind what its level shares.
    pub fn messages(&self, item: &PlannedItem, own: String) -> Vec<Message> {
        let shared = self.shared(item.level, item.id.stage);
        let (system, level) = shared.map_or_else(Default::default, |s| (Arc::clone(&s.system), Arc::clone(&s.level)));
        vec![
            Message { role: Role::System, content: vec![system] },
            Message { role: Role::User, content: vec![level, own.into()] },
        ]
    }

    /// Requests with the same key begin with the same text.
    pub fn cache_key(&self, item: &PlannedItem) -> String {
        format!("planwave-{}-{}-{}", self.plan.name, item.level, item.id.stage)
    }

    fn render_shared(&self, level: u32, stage: Stage, budget: usize) -> Result<Shared, TemplateError> {
        let system = self.templates.system(stage, false)?;
        let nodes = self.levels.get(&level).map(Vec::as_slice).unwrap_or_default();
        let siblings = nodes.iter().filter_map(|node| self.definition(self.graph.id(*node)).map(Sibling::new));
        let room = budget.saturating_sub(reckoned_tokens(&system));
        let mut chosen =
            level_prompt((&self.templates, stage), &self.plan, level, siblings.collect(), room, &reckoned_tokens)?;
        chosen.repository.clone_from(&self.repository);
        Ok(Shared {
            level: self.templates.level(stage, &chosen)?.into(),
            lists_all: chosen.lists_all(),
            dropped: chosen.dropped,
            system: system.into(),
        })
    }

    fn definition(&self, id: AchievementId) -> Option<&Achievement> {
        self.definitions.get(&id).map(|index| &self.plan.achievements[*index])
    }

    fn item_context<'a>(
        &'a self,
        item: &PlannedItem,
        digests: &dyn Fn(AchievementId) -> Option<Arc<Digest>>,
    ) -> ItemContext<'a> {
        let mut context = ItemContext::new(&self.plan.achievements[item.definition]);
        context.dependencies = self
            .graph
            .dependencies(item.node)
            .iter()
            .map(|node| {
                let id = self.graph.id(*node);
                let definition = self.definition(id);
                let digest = digests(id);
                let digest = digest.as_deref();
                DependencyContext {
                    id,
                    title: definition.map_or("", |achievement| &achievement.title),
                    status: self.statuses[*node],
                    goal: definition.and_then(|achievement| achievement.goal.as_deref()),
                    objective: digest.map(|digest| excerpt(&digest.objective)).unwrap_or_default(),
                    deliverables: match digest {
                        Some(digest) if !digest.deliverables.is_empty() => deliverables(&digest.deliverables),
                        _ => definition.map(|a| deliverables(&a.deliverables)).unwrap_or_default(),
                    },
                }
            })
            .collect();
        if let Some(code) = &self.code {
            context.files = code.context.item_text(item.id.achievement);
        }
        context.blocks = self.references(self.graph.dependents(item.node).iter().copied());
        if self.shared(item.level, item.id.stage).is_some_and(|shared| !shared.lists_all) {
            let nodes = self.levels.get(&item.level).map(Vec::as_slice).unwrap_or_default();
            let own = nodes.partition_point(|node| self.graph.id(*node) < item.id.achievement);
            let near = own.saturating_sub(NEIGHBOURS)..(own + NEIGHBOURS + 1).min(nodes.len());
            context.near = self.references(near.filter(|index| *index != own).map(|index| nodes[index]));
        }
        context
    }

    /// Ids and titles, at most as many as a person would read.
    fn references(&self, nodes: impl Iterator<Item = usize>) -> Vec<Reference<'_>> {
        let reference = |node| {
            let achievement = self.definition(self.graph.id(node))?;
            Some(Reference { id: achievement.id, title: achievement.title.as_str() })
        };
        nodes.take(MOST_DELIVERABLES).filter_map(reference).collect()
    }
}

/// A status as prompts tell it. Whether an EXECUTION_TASK exists says nothing to whoever plans a dependent, and it changes
/// while a run goes on: a run that was cut short would ask for the same thing in other words, and pay for it twice.
fn told(status: Status) -> Status {
    match status {
        Status::ExecutionCreated => Status::SubplanCreated,
        Status::NotStarted
        | Status::SubplanCreated
        | Status::InProgress
        | Status::Complete
        | Status::Failed
        | Status::Skipped => status,
    }
}

fn deliverables(all: &[String]) -> Vec<String> {
    all.iter().take(MOST_DELIVERABLES).map(|text| excerpt(text)).collect()
}

/// The beginning of a text, cut between lines where it is too long.
fn excerpt(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(LONGEST_EXCERPT) else {
        return text.to_owned();
    };
    let end = text[..cut].rfind('\n').unwrap_or(cut);
    format!("{}\n[the rest is left out]", &text[..end])
}
