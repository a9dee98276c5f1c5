//! `planwave assign`: says who is to work on an achievement.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::{plan::AchievementId, progress::Action};

#[derive(Debug, Args)]
pub(super) struct AssignArguments {
    /// The achievement, such as 3.1.
    #[arg(value_name = "ID")]
    id: AchievementId,
    /// A person, a team, a coding agent.
    #[arg(value_name = "EXECUTOR", value_parser = NonEmptyStringValueParser::new())]
    executor: String,
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &AssignArguments, global: &Global) -> Result<Exit, Failure> {
    let AssignArguments { id, executor, plan, output } = arguments;
    let target = Target { id: *id, plan: plan.clone() };
    let wish = Wish { executor: Some(executor.clone()), ..Wish::default() };
    transition::run(Action::Assign, &target, wish, output, global)
}
