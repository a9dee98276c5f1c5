//! Everything that is settled before anything is sent: the plan of the run, its prompts, its model, and what it will cost.

use std::sync::Arc;

use crate::{
    cli::{
        code_base::{ContextAge, code_base},
        failure::Failure,
        model_setup::{self, ModelChoice},
        project::{Leveled, Planned},
        tapes::Answers,
    },
    document::{OutlineError, Outlines},
    engine::{
        self, Briefing, Coordination, Forecast, Limits, ModelOutlook, Recall, RepositoryForecast, SpaceNeeded, Wish,
    },
    model::{Remembering, gate::Bounds},
    prompts::{TemplateName, Templates},
    report::bytes_text,
    settings::{Loaded, Review},
    store::LocalTape,
};

/// Everything that is settled before anything is sent.
pub(in crate::cli) struct Prepared {
    pub(in crate::cli) leveled: Leveled,
    pub(in crate::cli) planned: Planned,
    pub(in crate::cli) briefing: Arc<Briefing>,
    pub(in crate::cli) choice: ModelChoice,
    pub(super) wish: Wish,
    pub(super) model_name: String,
    pub(super) bounds: Bounds,
    /// Whether each document is judged once more.
    review: bool,
}

impl Prepared {
    /// Counts what the run would send beyond what is `paid` for. Most of a dry run's work, so it is done only where
    /// somebody wants to see it.
    pub(in crate::cli) fn forecast(&self, paid: Option<&Paid>) -> Result<Forecast, Failure> {
        let Self { leveled, planned, briefing, choice, wish: _, model_name, bounds: _, review } = self;
        let tokenizer = choice.facts.tokenizer;
        let outlook = ModelOutlook {
            name: model_name,
            tokenizer: tokenizer.name(),
            count: &|text| tokenizer.count(text),
            prices: choice.facts.prices,
            prices_taken: choice.facts.prices_taken.clone(),
            max_output_tokens: choice.output_cap,
            review: *review,
        };
        let recall = paid.map(|paid| Recall { model: &paid.model, limits: &paid.limits });
        let Leveled { graph, names, .. } = leveled;
        let mut forecast = engine::forecast(&planned.run, briefing, graph, names, &planned.digests, &outlook, recall)?;
        forecast.warnings.extend(leveled.warnings.iter().cloned());
        forecast.budget = self.bounds.is_set().then_some(self.bounds);
        Ok(forecast)
    }

    /// What of the code base the run would send.
    pub(super) fn repository(&self) -> Option<RepositoryForecast> {
        let count = |text: &str| self.choice.facts.tokenizer.count(text);
        self.briefing.code().map(|code| RepositoryForecast::of(code, &self.planned.run, &count))
    }

    /// What is to be said where the disk may not hold what the run writes; `recorded` says whether the plan's own tape is
    /// written as well.
    pub(super) fn shortage(&self, recorded: bool) -> Option<String> {
        let dir = &self.leveled.project.dir;
        let parallel_json = self.leveled.file.to_text().len() as u64;
        let needed = SpaceNeeded::of(&self.planned.run, &self.briefing, parallel_json, recorded);
        // Where the system does not say, the first write that fails will.
        let free = dir.free_space().ok().filter(|free| *free < needed.total())?;
        let tape = match needed.tape {
            0 => String::new(),
            tape => format!(", {} of them for the tape", bytes_text(tape)),
        };
        let (free, all) = (bytes_text(free), bytes_text(needed.total()));
        Some(format!("there are {free} free at {}, and this run may write {all}{tape}", dir.path().display()))
    }
}

/// The answers on the plan's own tape, asked as the run will ask them.
pub(in crate::cli) struct Paid {
    model: Remembering,
    limits: Limits,
}

impl Paid {
    /// `None` where there is nothing, or where it is not to be used. A tape that cannot be read is the run's to report.
    pub(super) fn of(prepared: &Prepared, loaded: &Loaded, answers: &Answers, fresh: bool) -> Option<Self> {
        if fresh || !loaded.settings.tape.local || !matches!(answers, Answers::Network) {
            return None;
        }
        let memory = LocalTape::answers(&prepared.leveled.project.dir).ok().filter(|memory| !memory.is_empty())?;
        let choice = &prepared.choice;
        let configuration = model_setup::configuration(loaded, None);
        let model = Remembering::new(configuration, choice.facts.clone(), Arc::new(memory)).ok()?;
        Some(Self { model, limits: limits(loaded, choice) })
    }
}

/// The limits of each call.
pub(super) fn limits(loaded: &Loaded, choice: &ModelChoice) -> Limits {
    Limits {
        max_attempts: loaded.settings.run.max_attempts,
        max_output_tokens: choice.output_cap,
        largest_output_tokens: choice.largest_cap,
        longest_quote: model_setup::longest_quote(loaded),
        prices: choice.facts.prices,
        review: loaded.settings.model.review == Review::Same,
    }
}

/// Plans the run and counts what it will cost.
pub(in crate::cli) fn prepare(
    leveled: Leveled,
    wish: Wish,
    loaded: &Loaded,
    age: ContextAge,
) -> Result<Prepared, Failure> {
    let choice = model_setup::choose(loaded)?;
    let templates = Templates::with_outlines(&template_overrides(loaded)?, outlines(loaded)?, instructions(loaded)?)?;
    let planned = leveled.plan(&wish)?;
    let code = code_base(&leveled, &planned.run, loaded, age)?;
    let briefing = Briefing::new(
        Arc::clone(&leveled.project.plan),
        Arc::clone(&leveled.graph),
        templates,
        &planned.run,
        loaded.settings.prompts.shared_tokens,
        code,
        Coordination::new(&leveled.file),
    )?;
    let model_name = loaded.settings.model.name.clone();
    let review = loaded.settings.model.review == Review::Same;
    let bounds = model_setup::bounds(loaded);
    Ok(Prepared { leveled, planned, briefing: Arc::new(briefing), choice, wish, model_name, bounds, review })
}

/// The most bytes of `documents.instructions`: they are sent with every prompt.
const LONGEST_INSTRUCTIONS: usize = 16 * 1024;

/// A team's own rules for documents.
fn instructions(loaded: &Loaded) -> Result<Option<String>, Failure> {
    let Some(file) = loaded.path("documents.instructions") else { return Ok(None) };
    let text = file.read()?;
    if text.len() > LONGEST_INSTRUCTIONS {
        return Err(Failure::invalid(format!(
            "`documents.instructions` is {}, which has {}; at most {} are sent with every prompt",
            file.path.display(),
            bytes_text(text.len() as u64),
            bytes_text(LONGEST_INSTRUCTIONS as u64)
        )));
    }
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.replace("\r\n", "\n")))
}

/// The sections that documents have, by the settings.
pub(in crate::cli) fn outlines(loaded: &Loaded) -> Result<Outlines, Failure> {
    let language = &loaded.settings.documents.language;
    let outlines =
        Outlines::built_in(language).map_err(|error| Failure::invalid(format!("documents.language: {error}")))?;
    let Some(file) = loaded.path("documents.sections") else { return Ok(outlines) };
    let wrong = |error: OutlineError| {
        Failure::invalid(format!("{}: {error}", file.path.display()))
            .hint(String::from("`documents.sections` names this file; docs/guide.md has its form"))
    };
    outlines.with_team(&file.read()?).map_err(wrong)
}

pub(in crate::cli) fn template_overrides(loaded: &Loaded) -> Result<Vec<(TemplateName, String)>, Failure> {
    let Some(directory) = loaded.path("prompts.directory") else {
        return Ok(Vec::new());
    };
    let mut overrides = Vec::new();
    for name in TemplateName::ALL {
        if let Some(text) = directory.read_in(name.file_name())? {
            overrides.push((name, text));
        }
    }
    if overrides.is_empty() {
        let names: Vec<&str> = TemplateName::ALL.iter().map(|name| name.file_name()).collect();
        return Err(Failure::invalid(format!(
            "`prompts.directory` is {}, which holds no template",
            directory.path.display()
        ))
        .hint(format!("a template there has one of these names: {}", names.join(", "))));
    }
    Ok(overrides)
}
