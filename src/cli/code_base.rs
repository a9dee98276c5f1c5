//! The code base around a plan: found, read, and gathered for prompts.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use super::{failure::Failure, project::Leveled};
use crate::{
    context::{Achieving, CodeContext, ContextChoice, ContextMode, Filter, Gathering, KnownPaths, gather},
    engine::{CodeBase, RunPlan},
    plan::{AchievementId, PlanSection},
    prompts::reckoned_tokens,
    settings::{CodeBase as ContextSettings, Loaded, Origin, git_excludes_file, home_directory},
    store::Repository,
};

/// Which context prompts carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContextAge {
    /// That of the last run, where it was interrupted or left something undone and this one goes on with it: what was asked
    /// in the same words is not paid for again.
    Kept,
    /// What is on the disk now.
    Today,
}

/// What prompts carry of the code base; `None` where there is none, or it is not to be sent.
pub(super) fn code_base(
    leveled: &Leveled,
    run: &RunPlan,
    loaded: &Loaded,
    age: ContextAge,
) -> Result<Option<CodeBase>, Failure> {
    let settings = &loaded.settings.context;
    if settings.mode == ContextMode::None || run.items.is_empty() {
        return Ok(None);
    }
    let choice = ContextChoice {
        mode: settings.mode,
        shared_tokens: settings.shared_tokens,
        item_tokens: settings.item_tokens,
        include: settings.include.clone(),
        exclude: settings.exclude.clone(),
    };
    let filter = Filter::new(&choice.include, &choice.exclude).map_err(|error| {
        Failure::invalid(format!("context.include and context.exclude: {error}"))
            .hint(String::from("globs are written as in a .gitignore file, such as `src/**`"))
    })?;
    let dir = &leveled.project.dir;
    let Some(repository) = repository(dir.path(), settings, loaded)? else { return Ok(None) };
    let listing = repository.list(git_excludes_file().as_deref());
    let touches = leveled.file.touches();
    let touched = |id: AchievementId| {
        let index = leveled.file.entries().iter().position(|entry| entry.id == id)?;
        touches.get(&index).map(|touches| touches.files.as_slice())
    };
    let plan = &leveled.project.plan;
    let achievements: Vec<Achieving<'_>> = plan
        .achievements
        .iter()
        .map(|achievement| Achieving {
            id: achievement.id,
            title: &achievement.title,
            deliverables: &achievement.deliverables,
            text: achievement.text(),
            touches: touched(achievement.id).unwrap_or_default(),
        })
        .collect();
    let wanted: BTreeSet<AchievementId> = run.items.iter().map(|item| item.id.achievement).collect();
    let context = gather(&Gathering {
        choice: &choice,
        filter: &filter,
        root: repository.shown(),
        listing: &listing,
        plan: plan.sections.iter().map(|PlanSection { body, .. }| body.as_str()).collect(),
        achievements: &achievements,
        wanted: &wanted,
        read: &|path| repository.read(path),
        count: &reckoned_tokens,
    });
    let known = KnownPaths::new(&listing, &repository.name()).map(Arc::new);
    let kept = (age == ContextAge::Kept).then(|| dir.kept_context()).flatten();
    let usable = |kept: &CodeContext| {
        kept.choice == choice
            && kept.root == context.root
            && kept.fits(&reckoned_tokens)
            && wanted.iter().any(|id| kept.items.contains_key(id))
    };
    Ok(Some(match kept.filter(|(_, kept)| usable(kept)) {
        Some((number, kept)) => CodeBase { context: context.continuing(&kept), known, kept_from: Some(number) },
        None => CodeBase { context, known, kept_from: None },
    }))
}

/// The repository that the settings name, or the one that the plan lies in.
fn repository(plan: &Path, settings: &ContextSettings, loaded: &Loaded) -> Result<Option<Repository>, Failure> {
    let around = || Repository::around(plan, home_directory().as_deref()).ok().flatten();
    let Some(root) = &settings.root else { return Ok(around()) };
    let refused = |reason: String| {
        Failure::invalid(format!("context.root is {}, {reason}", root.display()))
            .hint(String::from("name the folder of the code base, or leave it empty for the nearest folder with .git"))
    };
    let repository = Repository::at(root, plan).map_err(|error| refused(format!("which cannot be read: {error}")))?;
    if loaded.origin("context.root").is_some_and(Origin::is_project_file) {
        let within = around().is_some_and(|around| repository.root().starts_with(around.root()));
        if !within {
            return Err(refused(String::from(
                "outside of the plan's repository, and a planwave.toml of the project says so: what lies there would be sent",
            )));
        }
    }
    Ok(Some(repository))
}
