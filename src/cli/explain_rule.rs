//! `planwave explain-rule`: what a rule of parallel.json is about.

use clap::Args;

use super::{
    failure::{Exit, Failure},
    terminal::{out, width},
};
use crate::{
    parallel::{explain_rule, nearest_rule, rule, rules_page, rules_table},
    report::{sanitize, truncate},
};

#[derive(Debug, Args)]
pub(super) struct ExplainRuleArguments {
    /// A code such as PW304, or a name such as cycle; without one, every rule is listed.
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Print every rule with its explanation, as markdown.
    #[arg(long, conflicts_with = "code")]
    markdown: bool,
}

pub(super) fn run(arguments: &ExplainRuleArguments) -> Result<Exit, Failure> {
    let text = match &arguments.code {
        None if arguments.markdown => rules_page(),
        None => rules_table(),
        Some(code) => match rule(code) {
            Some(rule) => explain_rule(rule, width()),
            None => {
                let code = sanitize(code);
                let nearest = nearest_rule(&code);
                return Err(Failure::invalid(format!("there is no rule `{}`", truncate(&code, 40))).hint(nearest.map(
                    |rule| format!("did you mean {} {}? `planwave explain-rule` lists all", rule.code, rule.name),
                )));
            }
        },
    };
    out(&text)?;
    Ok(Exit::Done)
}
