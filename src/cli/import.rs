//! `planwave import`: takes in what people pasted: splits it by file, checks it like any answer, writes what is good,
//! and asks again for the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    code_base::ContextAge,
    failure::{Exit, Failure},
    global::Global,
    own_folder, pretty,
    project::{self, Project},
    prompt::{Destination, import_command, paper, text as prompt_text},
    run::{Prepared, prepare},
    terminal::{err, out, say_merged},
};
use crate::{
    document::{Code, FileRole, Finding, Folder, Names, Stage},
    engine::{PaperCall, Selection, SkipReason, Wish, paper_calls},
    model::key_finder,
    parallel::{Change, Status, derive_status, whole_seconds},
    paste::{BEGIN, END, Piece, split},
    plan::AchievementId,
    prompts::Fault,
    report::{plural, sanitize, shell_word},
    settings::{self, Loaded, Sources},
    store::{Existing, Operation, PlanDir, WriteError},
};

/// The largest file that is read as an answer: 64 MiB.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// `planwave import`.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Files with pasted answers; `-` reads standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The whole answer is this one document, such as subplans/SUBPLAN_X_31.md.
    #[arg(long = "as", value_name = "DOCUMENT")]
    one: Option<String>,
    /// Replace documents that exist.
    #[arg(long)]
    force: bool,
    /// Print what was done as JSON, the prompt for what is missing in it.
    #[arg(long, conflicts_with_all = ["out", "clipboard"])]
    json: bool,
    #[command(flatten)]
    destination: Destination,
}

/// What has become of the answers, for a program.
#[derive(Serialize)]
struct Imported {
    written: Vec<String>,
    missing: Vec<String>,
    rejected: Vec<Rejected>,
    /// Documents that were not asked for, or of another plan.
    misplaced: usize,
    prompts: Vec<String>,
}

/// A document that was not accepted.
#[derive(Serialize)]
struct Rejected {
    document: String,
    code: &'static str,
    message: String,
}

/// One document of the answers, recognised.
struct Offer<'a> {
    piece: Piece<'a>,
    /// The file that it was pasted into, as typed.
    source: String,
    id: AchievementId,
    stage: Stage,
    /// Its path by the plan's own names.
    path: String,
}

pub(super) fn run(arguments: &ImportArguments, global: &Global) -> Result<Exit, Failure> {
    let (loaded, sources) = project::settings(Some(&arguments.plan), &global.overrides())?;
    let now = Timestamp::now();
    let project = Project::open(&arguments.plan)?;
    let dir = Arc::clone(&project.dir);
    arguments.destination.check(&dir)?;
    let names = project.leveled()?.names;
    let texts = arguments.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, Failure>>()?;
    let (offers, mut unknown) = recognise(arguments, &texts, &names)?;
    let holder = format!("process {} (import) since {}", std::process::id(), whole_seconds(now));
    let lock = own_folder::lock(&dir, &holder)?;
    let operation = Operation::begin(&dir, &lock, "import", now)?;
    let import = Import {
        arguments,
        loaded: &loaded,
        dir: &dir,
        operation: &operation,
        created: whole_seconds(now),
        holds_key: holds_key(&loaded, &sources, &dir)?,
    };
    let mut taken = Taken::default();
    // SUBPLANs first: the EXECUTION_TASKs of the same answer are planned from them.
    for stage in [Stage::Subplan, Stage::Execution] {
        let offers: Vec<&Offer<'_>> = offers.iter().filter(|offer| offer.stage == stage).collect();
        if !offers.is_empty() {
            import.take(stage, &offers, &mut taken)?;
        }
    }
    operation.finish()?;
    unknown += taken.misplaced;
    let (written, missing) = (taken.written.len(), taken.missing.len());
    err(&format!("{} written, {missing} missing\n", plural(taken.written.len(), "document")));
    if arguments.json {
        let Taken { written, missing, rejected, misplaced: _, prompts } = taken;
        out(&pretty(&Imported { written, missing, rejected, misplaced: unknown, prompts })?)?;
    } else if !taken.prompts.is_empty() {
        arguments.destination.deliver(&taken.prompts.join("\n\n"))?;
    }
    // One document that was asked for by name is all that was asked for.
    let left = if arguments.one.is_some() { usize::from(written == 0) } else { missing };
    Ok(if left + unknown > 0 { Exit::Incomplete } else { Exit::Done })
}

/// An answer's name for messages, and its text.
fn read(path: &Path) -> Result<(String, String), Failure> {
    let mut bytes = Vec::new();
    let (shown, result) = if path == Path::new("-") {
        (String::from("standard input"), std::io::stdin().take(LARGEST_ANSWER + 1).read_to_end(&mut bytes))
    } else {
        let opened = std::fs::File::open(path);
        (path.display().to_string(), opened.and_then(|file| file.take(LARGEST_ANSWER + 1).read_to_end(&mut bytes)))
    };
    result.map_err(|error| Failure::invalid(format!("cannot read {shown}: {error}")))?;
    if bytes.len() as u64 > LARGEST_ANSWER {
        return Err(Failure::invalid(format!("{shown} is larger than 64 MiB, so it is no answer")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::invalid(format!("{shown}:{line}: not UTF-8")).hint(String::from("save the answer as UTF-8 text"))
    })?;
    // Pasted by way of Windows, a text has other line ends and a byte order mark; documents have neither.
    Ok((shown, text.trim_start_matches('\u{feff}').replace("\r\n", "\n")))
}

/// Tells which documents the answers hold. The second value counts those that are none of this plan, each reported.
fn recognise<'a>(
    arguments: &ImportArguments,
    texts: &'a [(String, String)],
    names: &Names,
) -> Result<(Vec<Offer<'a>>, usize), Failure> {
    let mut offers: Vec<Offer<'a>> = Vec::new();
    let mut unknown = 0;
    if let Some(path) = &arguments.one {
        let [(source, text)] = texts else {
            return Err(Failure::invalid("`--as` names one document, so there can be only one file"));
        };
        let Some((id, stage, path)) = identify(path, names) else {
            return Err(Failure::invalid(format!("{} is no document of this plan", sanitize(path)))
                .hint(String::from("a document is named such as subplans/SUBPLAN_X_31.md")));
        };
        // Markers do no harm where they name the same document.
        let piece = match &split(text)[..] {
            [piece] => *piece,
            _ => Piece { path: "", body: text, line: 1, closed: true },
        };
        return Ok((vec![Offer { piece, source: source.clone(), id, stage, path }], 0));
    }
    for (source, text) in texts {
        let pieces = split(text);
        if pieces.is_empty() {
            let shown = sanitize(source);
            if text.trim_start().trim_start_matches("```json").trim_start().starts_with('{') {
                let plan = shell_word(&arguments.plan.display().to_string());
                return Err(Failure::invalid(format!("{shown} holds no document, but perhaps dependencies"))
                    .hint(format!("`planwave analyze {plan} --from-response {}` takes them in", shell_word(source))));
            }
            return Err(Failure::invalid(format!("{shown} holds no document: there is no line `{BEGIN} … {END}`"))
                .hint(String::from(
                    "where the whole answer is one document, name it: `--as subplans/SUBPLAN_X_31.md`",
                )));
        }
        for piece in pieces {
            let Some((id, stage, path)) = identify(piece.path, names) else {
                unknown += 1;
                let (line, path) = (piece.line, sanitize(piece.path));
                err(&format!("{}:{line}: {path} is no document of this plan; not written\n", sanitize(source)));
                continue;
            };
            if let Some(earlier) = offers.iter_mut().find(|offer| offer.path == path) {
                // One that was cut is asked for again, and the answer pasted below it.
                let later = piece.closed && !earlier.piece.closed;
                let counts = if later { "the later one counts, which has an end" } else { "the first one counts" };
                err(&format!("{}:{}: {path} comes again; {counts}\n", sanitize(source), piece.line));
                if later {
                    (earlier.piece, earlier.source) = (piece, source.clone());
                }
                continue;
            }
            offers.push(Offer { piece, source: source.clone(), id, stage, path });
        }
    }
    Ok((offers, unknown))
}

/// The document that a path names. Models drop folders, so without one the file's name decides; the path is made from the
/// plan's own names, so nothing that was pasted can lead elsewhere.
fn identify(path: &str, names: &Names) -> Option<(AchievementId, Stage, String)> {
    let (folders, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
    // Whoever names another place means another document.
    let elsewhere = folders.starts_with(['/', '\\', '~']) || folders.split(['/', '\\']).any(|folder| folder == "..");
    let last = folders.rsplit(['/', '\\']).next().unwrap_or_default();
    if elsewhere || (!last.is_empty() && !["subplans", "execution"].contains(&last)) {
        return None;
    }
    for folder in [Folder::Subplans, Folder::Execution] {
        match names.classify(folder, name) {
            Some(FileRole::Subplan(id)) => return Some((id, Stage::Subplan, names.subplan(id))),
            Some(FileRole::Execution { id, number }) => {
                return Some((id, Stage::Execution, names.execution(id, number)));
            }
            Some(FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_)) | None => {}
        }
    }
    None
}

/// What has become of the answers.
#[derive(Default)]
struct Taken {
    written: Vec<String>,
    /// Documents of the same levels that were not there or not good.
    missing: Vec<String>,
    /// Why documents were not accepted.
    rejected: Vec<Rejected>,
    /// Documents that were not asked for.
    misplaced: usize,
    /// Prompts for what is missing.
    prompts: Vec<String>,
}

struct Import<'a> {
    arguments: &'a ImportArguments,
    loaded: &'a Loaded,
    dir: &'a PlanDir,
    operation: &'a Operation<'a>,
    /// An RFC 3339 time.
    created: String,
    /// Whether the user's API key stands in a text.
    holds_key: KeyFinder,
}

/// Whether the user's API key stands in a text.
type KeyFinder = Box<dyn Fn(&str) -> bool>;

/// Tells whether the user's API key stands in a text. No program is run for it: this command needs no key.
fn holds_key(loaded: &Loaded, sources: &Sources, dir: &PlanDir) -> Result<KeyFinder, Failure> {
    let model = &loaded.settings.model;
    let key = match model.api_key_command {
        Some(_) => None,
        None => settings::api_key(model, &sources.environment).ok().flatten(),
    };
    Ok(match key {
        Some(key) => Box::new(key_finder(key, &String::from_utf8_lossy(&dir.read_plan()?))),
        None => Box::new(|_| false),
    })
}

impl Import<'_> {
    /// Takes in the documents of one stage.
    fn take(&self, stage: Stage, offers: &[&Offer<'_>], taken: &mut Taken) -> Result<(), Failure> {
        let leveled = Project::open(&self.arguments.plan)?.leveled()?;
        let levels: BTreeSet<u32> = offers
            .iter()
            .filter_map(|offer| leveled.graph.index_of(offer.id))
            .map(|node| leveled.graph.level(node))
            .collect();
        let selection = Selection::Levels(levels.into_iter().collect());
        let wish = Wish { selection, stages: vec![stage], force: self.arguments.force, strict: false };
        let prepared = prepare(leveled, wish, self.loaded, ContextAge::Today)?;
        let calls = paper_calls(&prepared.planned.run);
        let paper = paper(&prepared, self.loaded);
        let mut open: BTreeMap<&str, PaperCall<'_>> = calls.iter().map(|call| (call.path, *call)).collect();
        let mut faults: Vec<(String, Finding)> = Vec::new();
        let mut changed: BTreeSet<AchievementId> = BTreeSet::new();
        for offer in offers {
            let Offer { piece, source, id, stage: _, path } = offer;
            let place = format!("{}:{}", sanitize(source), piece.line);
            let Some(call) = open.get(path.as_str()) else {
                taken.misplaced += usize::from(self.say_why_not(&prepared, offer, &place));
                continue;
            };
            if !piece.closed {
                err(&format!("{place}: the end of {path} is not marked: the answer may have been cut\n"));
            }
            let finished = if (self.holds_key)(piece.body) {
                let finding = Code::SecretInDocument.error(None, "The answer holds your API key. Take it out.");
                Err(vec![finding])
            } else {
                paper.finish(call, piece.body, &self.created)
            };
            match finished {
                Ok((text, warnings)) => {
                    let existing = if self.arguments.force { Existing::Replace } else { Existing::Keep };
                    match self.operation.write(path, text.as_bytes(), existing) {
                        Ok(()) => {}
                        Err(error @ WriteError::Exists { .. }) => {
                            err(&format!("{place}: {error}\n"));
                            taken.misplaced += 1;
                            continue;
                        }
                        Err(error) => return Err(error.into()),
                    }
                    err(&format!("wrote {}\n", sanitize(&self.dir.shown(path).display().to_string())));
                    for warning in warnings {
                        err(&format!("  warning: {}\n", sanitize(&warning.message)));
                    }
                    taken.written.push(path.clone());
                    changed.insert(*id);
                    open.remove(path.as_str());
                }
                Err(errors) => {
                    err(&format!("{place}: {path} is not accepted\n"));
                    for finding in errors {
                        err(&format!("  {}: {}\n", finding.code, sanitize(&finding.message)));
                        let message = finding.message.clone();
                        taken.rejected.push(Rejected { document: path.clone(), code: finding.code.as_str(), message });
                        faults.push((path.clone(), finding));
                    }
                }
            }
        }
        self.update_parallel(&prepared, &changed)?;
        // With `--force` the documents that exist may be replaced; they are not missing.
        open.retain(|path, call| !call.overwrites || faults.iter().any(|(faulty, _)| faulty == path));
        taken.missing.extend(open.keys().map(|path| (*path).to_owned()));
        let mut by_level: BTreeMap<u32, Vec<PaperCall<'_>>> = BTreeMap::new();
        for call in open.into_values() {
            by_level.entry(call.item.level).or_default().push(call);
        }
        let plan = shell_word(&self.arguments.plan.display().to_string());
        for (level, calls) in by_level {
            for call in &calls {
                err(&format!("missing {}\n", call.path));
            }
            let faults: Vec<Fault> = faults
                .iter()
                .filter(|(path, _)| calls.iter().any(|call| call.path == path))
                .map(|(path, finding)| Fault { path: path.clone(), message: finding.message.clone() })
                .collect();
            taken.prompts.push(prompt_text(&paper, &calls, &faults)?);
            let command = if faults.is_empty() { import_command(&plan, &calls) } else { import_command(&plan, &[]) };
            err(&format!("level {level}: here is the prompt for these only; then: {command}\n"));
        }
        Ok(())
    }

    /// Says why a document is not taken. A document that exists is none to complain of: an answer can be imported twice.
    fn say_why_not(&self, prepared: &Prepared, offer: &Offer<'_>, place: &str) -> bool {
        let skipped = prepared.planned.run.skipped.iter();
        let mut reasons = skipped
            .filter(|item| item.id.achievement == offer.id && item.id.stage == offer.stage)
            .map(|item| &item.reason);
        let path = &offer.path;
        let (text, complaint) = match reasons.next() {
            Some(SkipReason::Exists(_)) => (String::from("exists and is kept (`--force` replaces it)"), false),
            Some(reason) => (format!("is not written: {} {reason}", offer.id), true),
            None => (format!("is not written: the SUBPLAN of {} plans no such EXECUTION_TASK", offer.id), true),
        };
        err(&format!("{place}: {path} {text}\n"));
        complaint
    }

    /// Tells parallel.json of the documents that were written.
    fn update_parallel(&self, prepared: &Prepared, changed: &BTreeSet<AchievementId>) -> Result<(), Failure> {
        if changed.is_empty() {
            return Ok(());
        }
        let leveled = Project::open(&self.arguments.plan)?.leveled()?;
        let scan = self.dir.scan(&prepared.leveled.names)?;
        let file = leveled.file;
        let stored: BTreeMap<AchievementId, Status> =
            file.entries().iter().map(|entry| (entry.id, entry.status)).collect();
        let mut changes = BTreeMap::new();
        for id in changed {
            let files = scan.of_achievement(*id);
            let status = derive_status(files.evidence, stored.get(id).copied().unwrap_or_default(), false);
            let paths: Vec<String> = files.executions.values().cloned().collect();
            let change = Change {
                status: Some(status),
                subplan_path: files.subplan.clone(),
                execution_paths: (!paths.is_empty()).then_some(paths),
                failure: Some(None),
                ..Change::default()
            };
            changes.insert(*id, change);
        }
        let edited = self.operation.change_parallel(&changes, &self.created)?;
        say_merged(edited, &self.dir.shown("parallel.json").display().to_string());
        Ok(())
    }
}
