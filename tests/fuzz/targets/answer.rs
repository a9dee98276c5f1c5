//! What is made of a model's answer: taken out of its wrapping, checked, taken apart; or read as dependencies.

use std::{hint::black_box, sync::LazyLock};

use planwave::{
    discovery,
    document::{
        Code, Expected, MAX_EXECUTIONS, Material, Names, Stage, check_answer, check_document, digest, judge_answer,
        planned_executions, sections, unwrap_answer,
    },
    plan::{self, AchievementId, PlanName},
    prompts::Templates,
};

use super::{kind, line_count};
use crate::drive::Target;

pub(super) const TARGET: Target = Target {
    name: "answer",
    more: &[],
    tokens: &[
        "## Objective\n",
        "## Deliverables\n",
        "## Approach\n",
        "## Execution Strategy\n",
        "## Testing Strategy\n",
        "## Expected Results\n",
        "## SUBPLAN Context\n",
        "## Iteration Log\n",
        "Executions: 3\n",
        "<think>",
        "</think>\n",
        "```markdown\n",
        "```\n",
        "~~~",
        "---\n",
        "**Label**: value\n",
        "title: x\n",
        "- [ ] ",
        "[TO BE FILLED",
        "[FILL:",
        "TODO",
        "I'm sorry, I cannot",
        "SUBPLAN_FUZZ_12.md",
        "EXECUTION_TASK_FUZZ_11_01.md",
        "`part.rs`",
        "1. ",
        "## ",
        "{\"achievements\":[",
        "{\"id\":\"1.1\",\"needs\":[",
        "\"hidden_conflicts\":[",
        "]}",
        "\"evidence\":\"x\"",
        "\n\n",
    ],
    cases: 300,
    check,
    read,
    frame: ("## Objective\n\nReach it.\n\n## Deliverables\n\n", "\n## Approach\n\nSteps.\n"),
};

#[test]
fn answers() {
    TARGET.run();
}

/// The program's own prompts and a small PLAN.
static MATERIAL: LazyLock<Material> = LazyLock::new(|| {
    let plan = b"# PLAN: Fuzz\n\n## Achievements\n\n**Achievement 1.1**: Part\n\n- **Goal**: Have the part\n";
    let plan = plan::parse(PlanName::parse("FUZZ").unwrap(), plan).unwrap();
    Material::new(Templates::load(&[]).unwrap().literals(), &plan)
});

fn expected<'a>(
    stage: Stage,
    achievement: AchievementId,
    deliverables: &'a [String],
    source: &'a str,
    names: &'a Names,
) -> Expected<'a> {
    Expected {
        stage,
        achievement,
        deliverables,
        source,
        names,
        title: "Part",
        estimate: None,
        sections: stage.sections(),
        material: &MATERIAL,
    }
}

fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let body = unwrap_answer(&text);
    let id = AchievementId::parse("1.1").unwrap();
    let names = Names::new(PlanName::parse("FUZZ").unwrap(), [id]);
    let deliverables = [String::from("`part.rs`"), String::from("A report")];
    for stage in [Stage::Subplan, Stage::Execution] {
        let expected = expected(stage, id, &deliverables, &text, &names);
        black_box(judge_answer(&text, &expected));
        black_box((check_answer(&body, &expected), check_document(&body, stage, stage.sections())));
    }
    black_box((digest(&body), planned_executions(&body)));
    let _ = black_box(discovery::parse_answer(&text));
}

fn check(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let body = unwrap_answer(&text);
    assert!(!body.contains('\r'));
    assert_eq!(unwrap_answer(&body), body, "unwrapped twice");
    let lines = line_count(body.as_bytes());
    let ids = ["1.1", "1.2", "11.1"].map(|id| AchievementId::parse(id).unwrap());
    let names = Names::new(PlanName::parse("FUZZ").unwrap(), ids);
    let deliverables = [String::from("`part.rs`"), String::from("A report")];
    let mut codes = Vec::new();
    for stage in [Stage::Subplan, Stage::Execution] {
        let expected = expected(stage, ids[0], &deliverables, "TODO", &names);
        let judged = judge_answer(&text, &expected);
        let judged_lines = line_count(judged.body.as_bytes());
        for finding in &judged.findings {
            assert!(finding.code != Code::Unknown);
            assert!(
                finding.line.is_none_or(|line| (1..=judged_lines).contains(&line)),
                "{finding:?} of {judged_lines} lines"
            );
        }
        for finding in check_answer(&body, &expected).into_iter().chain(check_document(&body, stage, stage.sections()))
        {
            assert!(finding.code != Code::Unknown, "{finding:?}");
            assert!(finding.line.is_none_or(|line| (1..=lines).contains(&line)), "{finding:?} of {lines} lines");
            codes.push(finding.code);
        }
    }
    let mut above = 0;
    for section in sections(&body) {
        assert!(section.line > above && section.line <= lines && body.contains(section.body));
        above = section.line;
    }
    let digest = digest(&body);
    for parts in [&digest.parts, &planned_executions(&body)] {
        let count = u32::try_from(parts.len()).unwrap();
        assert!((1..=MAX_EXECUTIONS).contains(&count), "{count} executions");
        assert!(parts.iter().zip(1..).all(|(part, number)| part.number == number && part.of == count));
    }
    let dependencies = discovery::parse_answer(&text);
    codes.sort_unstable();
    codes.dedup();
    kind((
        codes,
        digest.parts.len(),
        dependencies.map(|answer| answer.achievements.len()).map_err(|faults| faults.len().min(9)),
    ))
}
