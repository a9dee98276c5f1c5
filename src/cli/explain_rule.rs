//! `planwave explain-rule`: what a rule of parallel.json, or a check of documents, is about.

use clap::Args;

use super::{
    failure::{Exit, Failure},
    terminal::{out, width},
};
use crate::{
    document::Code,
    parallel::{explain_rule, nearest_rule, rule, rules_page, rules_table},
    report::{sanitize, truncate},
};

#[derive(Debug, Args)]
pub(super) struct ExplainRuleArguments {
    /// A code such as PW304, a name such as cycle, or the code of a document check such as prompt-echo; without one, every
    /// rule of parallel.json is listed.
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
            None if Code::parse(code).is_some_and(|code| code != Code::Unknown) => {
                let meaning = Code::parse(code).map(Code::explanation).unwrap_or_default();
                format!(
                    "{code} (a check of documents)\n\n{meaning}\nThe guide says which checks hold for answers and which for documents on disk.\n"
                )
            }
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
