//! `planwave check`: the looser checks over documents on disk.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    pretty,
    project::{Project, settings},
    run as generation,
    terminal::{err, out},
};
use crate::{
    document::{Code, Finding, Names, Outlines, Severity, Stage, check_document, stage_of_file_name},
    report::{plural, sanitize},
    settings::Overrides,
};

/// What was found in one document.
#[derive(Serialize)]
struct Checked {
    file: String,
    stage: Stage,
    findings: Vec<Finding>,
}
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Plan directories, PLANs, or single documents.
    #[arg(value_name = "PLAN|FILE", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let mut checked = Vec::new();
    for path in &arguments.paths {
        match path.file_name().and_then(|name| name.to_str()).and_then(stage_of_file_name) {
            Some(stage) if path.is_file() => checked.push(check_file(path, stage)?),
            None if path.is_file() && !is_plan(path) => {
                return Err(Failure::invalid(format!("{} is no document and no plan", path.display())).hint(
                    String::from("documents are called SUBPLAN_<NAME>_<ID>.md or EXECUTION_TASK_<NAME>_<ID>_<NN>.md"),
                ));
            }
            _ => check_plan(path, &mut checked)?,
        }
    }
    let failed = checked.iter().filter(|document| has_errors(document)).count();
    if arguments.json {
        out(&pretty(&checked)?)?;
    } else if checked.is_empty() {
        err("nothing to check: there is no document yet; `planwave run` generates them\n");
    } else {
        out(&lines(&checked))?;
        let verdict = if failed == 0 { String::from("all pass") } else { format!("{failed} with errors") };
        err(&format!("{} checked, {verdict}\n", plural(checked.len(), "document")));
    }
    Ok(if failed > 0 { Exit::Incomplete } else { Exit::Done })
}

fn is_plan(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("PLAN_") || name.ends_with("parallel.json")
}

fn check_file(path: &Path, stage: Stage) -> Result<Checked, Failure> {
    // Documents lie in a folder of the plan directory.
    let outlines = outlines_of(path.parent().and_then(Path::parent))?;
    let bytes =
        std::fs::read(path).map_err(|error| Failure::invalid(format!("cannot read {}: {error}", path.display())))?;
    Ok(check_bytes(path.display().to_string(), stage, &outlines, &bytes))
}

/// The sections that the settings for a plan directory ask for.
fn outlines_of(plan_dir: Option<&Path>) -> Result<Outlines, Failure> {
    let plan_dir = plan_dir.filter(|dir| !dir.as_os_str().is_empty());
    generation::outlines(&settings(plan_dir, &Overrides::default())?.0)
}

fn check_bytes(file: String, stage: Stage, outlines: &Outlines, bytes: &[u8]) -> Checked {
    let findings = match std::str::from_utf8(bytes) {
        Ok(text) => check_document(text, stage, outlines.of(stage)),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            vec![Code::NotUtf8.error(Some(line), "The file is not UTF-8.")]
        }
    };
    Checked { file, stage, findings }
}

/// All documents of a plan, placeholders too.
fn check_plan(path: &Path, checked: &mut Vec<Checked>) -> Result<(), Failure> {
    let project = Project::open(path)?;
    let outlines = outlines_of(Some(project.dir.path()))?;
    let ids: Vec<_> = project.plan.achievements.iter().map(|achievement| achievement.id).collect();
    let names = Names::new(project.plan.name.clone(), ids.iter().copied());
    let scan = project.dir.scan(&names)?;
    for id in ids {
        let files = scan.of_achievement(id);
        let mut documents: Vec<&String> = files.subplan.iter().chain(files.executions.values()).collect();
        documents.extend(&files.placeholders);
        for document in documents {
            let name = Path::new(document).file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(stage) = stage_of_file_name(name) {
                let shown: PathBuf = project.dir.shown(document);
                checked.push(check_bytes(shown.display().to_string(), stage, &outlines, &project.dir.read(document)?));
            }
        }
    }
    Ok(())
}

fn has_errors(document: &Checked) -> bool {
    document.findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn lines(checked: &[Checked]) -> String {
    let mut text = String::new();
    for document in checked {
        for finding in &document.findings {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let message = sanitize(&finding.message);
            text.push_str(&format!("{}{line}: {severity}[{}]: {message}\n", sanitize(&document.file), finding.code));
        }
    }
    text
}
