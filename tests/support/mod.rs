//! What several test programs need: plans by the shape of their graph, and documents that pass the checks.

use std::fmt::Write as _;

pub(crate) mod canary;
pub(crate) mod environment;
pub(crate) mod server;

/// The text of a PLAN. `needs[i]` are the indices of what achievement i depends on; achievement i has the id
/// `level.place` that [`ids`] gives.
pub(crate) fn plan_text(needs: &[Vec<usize>]) -> String {
    let ids = ids(needs);
    let mut text = String::from("# PLAN: Test\n\n## Goal\n\nTry things out.\n\n## Desirable Achievements\n\n");
    for (index, needs) in needs.iter().enumerate() {
        let id = &ids[index];
        let needs: Vec<&str> = needs.iter().map(|need| ids[*need].as_str()).collect();
        let needs = if needs.is_empty() { String::from("None") } else { needs.join(", ") };
        let _ = write!(
            text,
            "**Achievement {id}**: Part {id}\n\n- **Goal**: Have part {id}\n- **Deliverables**:\n  - `part_{id}.rs`\n\
             - **Success Criteria**:\n  - Part {id} works\n- **Effort**: 2-3 hours\n- **Dependencies**: {needs}\n\n"
        );
    }
    text
}

/// Ids in which the first number is the level: one more than the highest of what an achievement depends on.
pub(crate) fn ids(needs: &[Vec<usize>]) -> Vec<String> {
    let mut levels: Vec<u32> = Vec::new();
    let mut places: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
    let mut ids = Vec::new();
    for needs in needs {
        let level = needs.iter().map(|need| levels[*need] + 1).max().unwrap_or(1);
        levels.push(level);
        let place = places.entry(level).or_default();
        *place += 1;
        ids.push(format!("{level}.{place}"));
    }
    ids
}

/// A SUBPLAN body for an achievement of [`plan_text`] that passes the checks. `executions` is the first line of its
/// execution strategy.
pub(crate) fn subplan_body(id: &str, executions: &str) -> String {
    body(&[
        (
            "Objective",
            format!("Part {id} is there and answers the layer above within 5 ms, so that its callers can be written."),
        ),
        ("Deliverables", format!("- `part_{id}.rs` with the whole part and its documentation")),
        ("Approach", steps()),
        ("Execution Strategy", format!("{executions}\n\nThe work is small and one person can hold all of it in mind.")),
        (
            "Testing Strategy",
            String::from(
                "`cargo test requests` sends each of the 6 requests, once whole and once with a field missing.",
            ),
        ),
        (
            "Expected Results",
            String::from("All 6 requests are answered as agreed, and 1,000 of them take less than 5 seconds."),
        ),
        (
            "Dependencies and Coordination",
            String::from("Takes the interfaces of the layer below and leaves its siblings alone."),
        ),
    ])
}

/// An EXECUTION_TASK body for an achievement of [`plan_text`] that passes the checks.
pub(crate) fn execution_body(id: &str) -> String {
    body(&[
        ("SUBPLAN Context", format!("Part {id} is built request by request in `part_{id}.rs`, with a test for each.")),
        ("Objective", format!("Have part {id} answer every request of its interface, with tests to show it.")),
        ("Instructions", steps()),
        (
            "Iteration Log",
            String::from("### Iteration 1\n\nWill try the first three requests and count passing tests."),
        ),
        ("Learning Summary", String::from("- Which requests were unclear?\n- Which tests were worth keeping?")),
        ("Coordination", String::from("Leaves the other parts alone and gives its interface to the layer above.")),
        ("Completion Checklist", format!("- [ ] `part_{id}.rs` is written\n- [ ] Its tests pass")),
    ])
}

fn steps() -> String {
    let steps = [
        "Read `interface.md` and list the 6 requests with what each may ask.",
        "Write the type `Request` with a variant for each of them in `requests.rs`.",
        "Write `answer`, which takes one request and gives the smallest reply that is right.",
        "Let `parse` refuse fields longer than 255 bytes, since the layer above never sends more.",
        "Keep replies in a map of 64 entries, because half of the requests come twice.",
        "Log each refused request with its reason, at most 10 a second.",
        "Run `cargo test requests` after every variant and commit what passes.",
        "Measure 1,000 requests in a loop; the slowest may take 5 ms.",
        "Write down in `interface.md` which fields are optional, and why.",
        "Remove the stub that answered with an error until now.",
    ];
    steps.iter().zip(1..).map(|(step, n)| format!("{n}. {step}\n")).collect()
}

fn body(sections: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (heading, body) in sections {
        let _ = write!(text, "## {heading}\n\n{}\n\n", body.trim_end());
    }
    text
}
