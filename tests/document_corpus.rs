//! Real documents under the loose profile, and in the readers that take prompts' material from them.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and says when it is skipped")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use planwave::{
    document::{
        FileRole, Folder, Names, Severity, Stage, Stranger, check_document, digest, is_placeholder, stage_of_file_name,
        unwrap_answer,
    },
    plan::{AchievementId, PlanName},
};

/// The corpus, or `None` where it is not there (a fresh clone); tests that need it say so and pass.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PLANWAVE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpus at {}", folder.display());
    None
}

fn documents(folder: &Path, found: &mut Vec<(PathBuf, Stage, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            documents(&path, found);
        } else if let Some(stage) = path.file_name().and_then(|name| stage_of_file_name(name.to_str()?)) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, stage, text));
        }
    }
}

fn all_documents() -> Option<Vec<(PathBuf, Stage, String)>> {
    let mut found = Vec::new();
    documents(&corpus()?, &mut found);
    assert!(found.len() >= 20, "only {} documents in the corpus", found.len());
    Some(found)
}

#[test]
fn real_documents_pass_and_are_no_placeholders() {
    let Some(documents) = all_documents() else { return };
    for (path, stage, text) in &documents {
        let errors: Vec<_> = check_document(text, *stage, stage.sections())
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        assert!(!is_placeholder(text), "{}", path.display());
    }
}

#[test]
fn a_placeholder_left_in_a_section_of_a_real_document_is_found() {
    let Some(documents) = all_documents() else { return };
    for (path, stage, text) in &documents {
        for marker in ["[TO BE FILLED]", "[FILL: what is needed]"] {
            // Behind the first heading, where it is in no fence.
            let at = text.find("\n## ").and_then(|at| text[at + 1..].find('\n').map(|end| at + 2 + end)).unwrap();
            let left = format!("{}\n{marker}\n{}", &text[..at], &text[at..]);
            assert!(is_placeholder(&left), "{}", path.display());
            let found = check_document(&left, *stage, stage.sections());
            assert!(
                found.iter().any(|finding| finding.code.as_str() == "placeholder"),
                "{}: {found:?}",
                path.display()
            );
        }
    }
}

#[test]
fn a_real_document_in_a_fence_is_rejected_and_can_be_unwrapped() {
    let Some(documents) = all_documents() else { return };
    for (path, stage, text) in &documents {
        let fenced = format!("```markdown\n{text}\n```\n");
        let found = check_document(&fenced, *stage, stage.sections());
        assert!(found.iter().any(|finding| finding.code.as_str() == "fenced"), "{}: {found:?}", path.display());
        assert_eq!(unwrap_answer(&fenced), unwrap_answer(text), "{}", path.display());
    }
}

#[test]
fn real_subplans_give_their_objective_deliverables_and_executions() {
    let Some(documents) = all_documents() else { return };
    for (path, _, text) in documents.iter().filter(|(_, stage, _)| *stage == Stage::Subplan) {
        let digest = digest(text);
        let name = path.display();
        assert!(digest.objective.split_whitespace().count() > 10, "{name}: {}", digest.objective);
        assert!((2..=8).contains(&digest.deliverables.len()), "{name}: {:?}", digest.deliverables);
        assert!(digest.approach.lines().count() > 10, "{name}");
        assert!(!digest.execution_strategy.is_empty(), "{name}");
        assert_eq!(digest.parts.len(), 1, "{name}: every SUBPLAN of the corpus plans one execution");
    }
}

#[test]
fn real_file_names_are_read() {
    let Some(corpus) = corpus() else { return };
    let name = "PARALLEL-EXECUTION-AUTOMATION";
    let ids =
        ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3"].map(|id| AchievementId::parse(id).unwrap());
    let read = |plan: &str| {
        let names = Names::new(PlanName::parse(plan).unwrap(), ids);
        let (mut roles, mut strangers) = (Vec::new(), Vec::new());
        for folder in Folder::ALL {
            for entry in fs::read_dir(corpus.join("plans").join(name).join(folder.path())).unwrap() {
                let file = entry.unwrap().file_name().into_string().unwrap();
                roles.extend(names.classify(folder, &file));
                strangers.extend(names.stranger(Some(folder), &file));
            }
        }
        (roles, strangers)
    };
    let (roles, strangers) = read(name);
    for id in ids {
        assert!(roles.contains(&FileRole::Subplan(id)), "{id}");
        assert!(roles.contains(&FileRole::Execution { id, number: 1 }), "{id}");
    }
    let approved = |roles: &[FileRole]| roles.iter().filter(|role| matches!(role, FileRole::Approved(_))).count();
    assert_eq!((roles.len(), approved(&roles), strangers), (24, 6, vec![]));
    // Verdicts name no plan; the documents of one plan are none of another's.
    let (roles, strangers) = read("SOME_OTHER_PLAN_2");
    assert_eq!((roles.len(), approved(&roles)), (6, 6));
    assert_eq!(strangers, vec![Stranger::OfPlan(name.to_owned()); 18]);
}
