//! Bodies that nobody would want, written by hand for achievement 1.2 of the example: each is refused, or written without its bad part.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use planwave::{
    document::{Expected, Judged, Material, Names, Severity, Stage, judge_answer},
    plan::{AchievementId, Plan, PlanName, parse},
    prompts::Templates,
};

/// The code that refuses each body, by the beginning of its file name; those that are mended have `mended`.
const CASES: &[(&str, &str)] = &[
    ("01", "says-nothing"),
    ("03", "title-inside"),
    ("05", "prompt-tag"),
    ("06", "prompt-echo"),
    ("09", "says-nothing"),
    ("10", "says-nothing"),
    ("12", "section-repeated"),
    ("13-", "other-achievement"),
    ("13b", "other-achievement"),
    ("14", "loop"),
    ("15-", "execution-count"),
    ("15b", "execution-count"),
    ("15c", "execution-count"),
    ("15d", "execution-count"),
    ("16", "says-nothing"),
    ("18b", "mended"),
    ("18c", "mended"),
    ("19", "title-inside"),
    ("20", "second-document"),
    ("23", "done-already"),
    ("24", "thin"),
    ("27", "section-hidden"),
    ("28", "section-hidden"),
    ("29", "section-repeated"),
    ("30", "asks"),
    ("32", "mended"),
    ("34", "section-repeated"),
    ("36", "second-document"),
    ("39b", "chat-marker"),
    ("41", "chat-marker"),
    ("43", "loop"),
    ("46", "unknown-achievement"),
    ("47", "mended"),
    ("50", "says-nothing"),
    ("x01", "says-nothing"),
    ("x03", "section-repeated"),
    ("x05", "says-nothing"),
    ("x06", "prompt-tag"),
];

fn judged(plan: &Plan, material: &Material, stage: Stage, answer: &str) -> Judged {
    let id = AchievementId::parse("1.2").unwrap();
    let own = plan.achievements.iter().find(|achievement| achievement.id == id).unwrap();
    let names = Names::new(plan.name.clone(), plan.achievements.iter().map(|achievement| achievement.id));
    let deliverables: Vec<String> =
        own.deliverables.iter().map(|text| text.lines().next().unwrap_or_default().to_owned()).collect();
    let expected = Expected {
        stage,
        achievement: id,
        deliverables: if stage == Stage::Subplan { &deliverables } else { &[] },
        source: &own.text(),
        names: &names,
        title: &own.title,
        estimate: own.estimated_hours,
        sections: stage.sections(),
        material,
    };
    judge_answer(answer, &expected)
}

#[test]
fn bad_bodies_are_refused_by_their_code_or_mended() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/cases/documents");
    if !folder.is_dir() {
        eprintln!("skipped: no cases at {}", folder.display());
        return;
    }
    let text = fs::read(root.join("examples/parcel-tracker/PLAN_PARCEL-TRACKER.md")).unwrap();
    let plan = parse(PlanName::parse("PARCEL-TRACKER").unwrap(), &text).unwrap();
    let material = Material::new(Templates::load(&[]).unwrap().literals(), &plan);
    let mut seen = 0;
    for (kind, stage) in [("subplan", Stage::Subplan), ("execution", Stage::Execution)] {
        for entry in fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Judged { body, findings } = judged(&plan, &material, stage, &fs::read_to_string(&path).unwrap());
            let codes: Vec<&str> = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Error)
                .map(|finding| finding.code.as_str())
                .collect();
            let case = CASES.iter().find(|(begin, _)| name.starts_with(begin));
            match case {
                None => assert!(codes.is_empty() && name.contains("good"), "{name}: {findings:?}"),
                Some((_, "mended")) => {
                    assert!(codes.is_empty() && !findings.is_empty(), "{name}: {findings:?}");
                    let good = fs::read_to_string(folder.join("subplan/00-good.md")).unwrap();
                    assert_eq!(body, good.trim_end(), "{name}");
                }
                Some((_, code)) => assert!(codes.contains(code), "{name}: {findings:?}"),
            }
            seen += usize::from(case.is_some());
        }
    }
    assert_eq!(seen, CASES.len());
}
