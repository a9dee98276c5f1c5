//! What every command about a plan begins with: the directory, the PLAN, its parallel.json, its settings.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{error_code::ErrorCode, failure::Failure, own_folder, past::good_copy_hint};
use crate::{
    document::{Digest, Names, digest},
    engine::{PlanningError, RunPlan, Situation, Wish, plan_run, subplans_to_read},
    parallel::{Checked, Graph, ParallelFile, not_in_plan},
    plan::{Achievement, AchievementId, Plan, overlooked, parse, unfilled},
    report::{plural, shell_word},
    settings::{Loaded, Overrides, Sources, load},
    store::{Listing, PlanDir},
};

/// A plan directory and what its files say.
#[derive(Clone)]
pub(super) struct Project {
    pub(super) dir: Arc<PlanDir>,
    pub(super) plan: Arc<Plan>,
    /// What in the PLAN may not be as its author meant it; each a line that begins with file and line.
    pub(super) warnings: Vec<String>,
}

/// A project with a parallel.json that can be used.
pub(super) struct Leveled {
    pub(super) project: Project,
    pub(super) file: ParallelFile,
    pub(super) graph: Arc<Graph>,
    pub(super) names: Arc<Names>,
    /// Warnings about parallel.json, each a line.
    pub(super) warnings: Vec<String>,
}

/// A planned run, and the SUBPLANs that it quotes.
#[derive(PartialEq)]
pub(super) struct Planned {
    pub(super) run: RunPlan,
    pub(super) digests: HashMap<AchievementId, Digest>,
}

/// What in the PLAN `shown` may not be as its author meant it; each a line that begins with file and line.
pub(super) fn doubts(plan: &Plan, bytes: &[u8], shown: &str) -> Vec<String> {
    overlooked(plan, bytes).iter().map(|found| format!("{shown}:{}: {}", found.line, found.doubt)).collect()
}

/// Says that the PLAN has achievements that parallel.json does not know: no status counts them, and nothing plans them.
fn unplanned(plan: &Plan, file: &ParallelFile, dir: &PlanDir) -> Option<String> {
    const NAMED: usize = 5;
    let missing: Vec<&Achievement> = plan.achievements.iter().filter(|a| file.get(a.id).is_none()).collect();
    let first = missing.first()?;
    let named: Vec<String> = missing.iter().take(NAMED).map(|achievement| achievement.id.to_string()).collect();
    let more = if missing.len() > NAMED { format!(" and {} more", missing.len() - NAMED) } else { String::new() };
    let place = format!("{}:{}", dir.shown(&dir.located().plan_file).display(), first.line);
    let plan = shell_word(&dir.path().display().to_string());
    Some(format!(
        "{place}: parallel.json lacks {} of the PLAN: {}{more}, which nothing counts or plans; `planwave analyze {plan}` puts \
         in what is missing, and so does `planwave analyze {plan} --declared` without a model",
        plural(missing.len(), "achievement"),
        named.join(", ")
    ))
}

impl Project {
    /// Opens what the user named and reads its PLAN.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Self::read(Arc::new(own_folder::open(path)?))
    }

    /// Reads the PLAN of a directory.
    pub(super) fn read(dir: Arc<PlanDir>) -> Result<Self, Failure> {
        let bytes = dir.read_plan()?;
        let located = dir.located();
        let shown = dir.shown(&located.plan_file).display().to_string();
        let plan = parse(located.name.clone(), &bytes).map_err(|error| Failure::plan(&error, &shown))?;
        let mut warnings = doubts(&plan, &bytes, &shown);
        warnings.extend(unfilled(&plan).sentence().map(|sentence| format!("{shown}: {sentence}")));
        Ok(Self { dir, plan: Arc::new(plan), warnings })
    }

    /// Where parallel.json is or belongs, as the user would name it.
    pub(super) fn parallel_path(&self) -> PathBuf {
        self.dir.shown("parallel.json")
    }

    /// Reads and checks parallel.json.
    pub(super) fn leveled(self) -> Result<Leveled, Failure> {
        let parallel = Parallel::read(&self.dir)?;
        Ok(self.with(parallel))
    }

    /// Takes a text for its parallel.json.
    pub(super) fn with_text(self, text: &str) -> Result<Leveled, Failure> {
        let shown = self.parallel_path().display().to_string();
        let file = ParallelFile::parse(text.as_bytes()).map_err(|problems| Failure::problems(&problems, &shown))?;
        Ok(self.with(Parallel::of(file, &shown)?))
    }

    fn with(self, parallel: Parallel) -> Leveled {
        let Parallel { file, graph, checked } = parallel;
        let shown = self.parallel_path().display().to_string();
        let mut warnings = self.warnings.clone();
        warnings.extend(checked.warnings.iter().map(|problem| format!("{shown}:{problem}")));
        if let Some(other) = file.plan_name().filter(|name| *name != self.plan.name.as_str()) {
            warnings.push(format!("{shown} is of the plan {other}, not of {}", self.plan.name));
        }
        warnings.extend(unplanned(&self.plan, &file, &self.dir));
        let ids = file.entries().iter().map(|entry| entry.id).chain(self.plan.achievements.iter().map(|a| a.id));
        let mut ids: Vec<AchievementId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let names = Arc::new(Names::new(self.plan.name.clone(), ids));
        Leveled { graph: Arc::new(graph), file, names, warnings, project: self }
    }
}

/// A parallel.json without errors.
struct Parallel {
    file: ParallelFile,
    graph: Graph,
    checked: Checked,
}

impl Parallel {
    fn read(dir: &PlanDir) -> Result<Self, Failure> {
        let shown = dir.shown("parallel.json").display().to_string();
        let Some(bytes) = dir.read_parallel()? else {
            let plan = shell_word(&dir.path().display().to_string());
            let failure = Failure::invalid(format!("there is no {shown}")).code(ErrorCode::ParallelJson);
            return Err(failure.at(&shown, None).hint(format!(
                "`planwave analyze {plan} --declared` writes one from the dependencies that the PLAN declares"
            )));
        };
        let file = ParallelFile::parse(bytes)
            .map_err(|problems| Failure::problems(&problems, &shown).hint(good_copy_hint(dir)))?;
        Self::of(file, &shown)
    }

    fn of(file: ParallelFile, shown: &str) -> Result<Self, Failure> {
        let (checked, graph) = file.examine();
        match graph {
            Some(graph) => Ok(Self { file, graph, checked }),
            None => Err(Failure::problems(&checked.errors, shown)),
        }
    }
}

impl Leveled {
    /// Reads PLAN and parallel.json at the same time, and lists the documents: of a large plan the one takes as long as the
    /// others.
    pub(super) fn read(dir: &Arc<PlanDir>) -> Result<(Self, Listing), Failure> {
        let (project, (parallel, listing)) = std::thread::scope(|scope| {
            let others = scope.spawn(|| (Parallel::read(dir), dir.list()));
            let project = Project::read(Arc::clone(dir));
            (project, others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        Ok((project?.with(parallel?), listing?))
    }

    /// Looks at the disk and plans.
    pub(super) fn plan(&self, wish: &Wish) -> Result<Planned, Failure> {
        let dir = &self.project.dir;
        let scan = dir.scan(&self.names)?;
        scan.writable(dir)?;
        let mut digests = HashMap::new();
        let unread = HashMap::new();
        let situation = |digests| Situation {
            plan: &self.project.plan,
            file: &self.file,
            graph: &self.graph,
            scan: &scan,
            names: &self.names,
            digests,
        };
        for id in subplans_to_read(wish, &situation(&unread)).map_err(|error| self.planning(error))? {
            if let Some(path) = &scan.of_achievement(id).subplan {
                let bytes = dir.read(path)?;
                digests.insert(id, digest(&String::from_utf8_lossy(&bytes)));
            }
        }
        let run = plan_run(wish, &situation(&digests)).map_err(|error| self.planning(error))?;
        Ok(Planned { run, digests })
    }

    /// Why nothing can be planned, with the place in PLAN or parallel.json where the two disagree.
    fn planning(&self, error: PlanningError) -> Failure {
        let dir = &self.project.dir;
        let shown = self.project.parallel_path().display().to_string();
        let plan_file = &dir.located().plan_file;
        match error {
            PlanningError::NotInPlan(ids) => Failure::problems(&not_in_plan(&self.file, &ids, plan_file), &shown),
            PlanningError::NotInFile { id, line } => {
                let plan = dir.shown(plan_file).display().to_string();
                Failure::invalid(format!("{plan}:{line}: achievement {id} is not in {shown}, so it has no level yet"))
                    .hint(format!(
                        "`planwave analyze {0}` takes it in, and so does `planwave analyze {0} --declared` without a model",
                        shell_word(&dir.path().display().to_string())
                    ))
            }
            PlanningError::UnknownAchievement { .. } => {
                let hint = format!(
                    "`planwave plan show {}` lists the ids of the PLAN",
                    shell_word(&dir.path().display().to_string())
                );
                Failure::from(error).hint(hint)
            }
            PlanningError::UnknownLevel { .. } | PlanningError::Strict(_) => error.into(),
        }
    }
}

/// Loads the settings for a plan directory and the current working directory.
pub(super) fn settings(plan_dir: Option<&Path>, overrides: &Overrides) -> Result<(Loaded, Sources), Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::invalid(format!("cannot tell the working directory: {error}")))?;
    let sources = Sources::from_system(plan_dir, &here)?;
    let loaded = load(&sources, overrides)?;
    super::logging::start(loaded.settings.log.level);
    for entry in &loaded.entries {
        tracing::debug!(key = %entry.key(), value = %entry.shown, origin = %entry.origin, "setting");
    }
    Ok((loaded, sources))
}
