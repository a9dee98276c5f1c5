//! The generated plan, the answers to it, and the latencies: pure functions of ids and a seed, so that the server and
//! the program that computes the floor agree without talking to each other.

use std::fmt::Write as _;

/// Shape of the latency distribution: the standard deviation of its logarithm.
const SIGMA: f64 = 0.4;

/// One generated achievement.
pub(crate) struct Node {
    pub(crate) id: (u32, u32),
    /// Indices of earlier nodes.
    pub(crate) needs: Vec<usize>,
}

/// `size` achievements in levels of at most 1,000 and at least 5 levels; each depends on two of the level before.
pub(crate) fn nodes(size: usize) -> Vec<Node> {
    let width = (size / 10).clamp(20, 1_000);
    (0..size)
        .map(|index| {
            let (level, place) = (index / width, index % width);
            let needs = match level {
                0 => Vec::new(),
                _ => {
                    let before = (level - 1) * width;
                    let mut needs: Vec<usize> =
                        (0..2).map(|pick| before + (hash(index as u64 * 2 + pick) % width as u64) as usize).collect();
                    needs.sort_unstable();
                    needs.dedup();
                    needs
                }
            };
            Node { id: (level as u32 + 1, place as u32 + 1), needs }
        })
        .collect()
}

/// The PLAN's text.
pub(crate) fn plan(nodes: &[Node]) -> String {
    let mut text =
        String::from("# PLAN: Load\n\n## Goal\n\nMeasure how planwave behaves under load.\n\n## Achievements\n\n");
    for node in nodes {
        let (level, place) = node.id;
        let needs: Vec<String> = node.needs.iter().map(|need| name(nodes[*need].id)).collect();
        let needs = if needs.is_empty() { String::from("None") } else { needs.join(", ") };
        let _ = write!(
            text,
            "**Achievement {level}.{place}**: Component {place} of layer {level}\n\n\
             - **Goal**: Provide component {place} so that the layer above can rely on it without knowing how it works\n\
             - **Deliverables**:\n  - `src/layer_{level}/component_{place}.rs`\n  - `tests/layer_{level}_component_{place}.rs`\n\
             - **Success Criteria**:\n  - The component answers every request of its interface\n  - Its tests pass\n\
             - **Effort**: 2-3 hours\n- **Dependencies**: {needs}\n\n"
        );
    }
    text
}

fn name(id: (u32, u32)) -> String {
    format!("{}.{}", id.0, id.1)
}

/// A document body that passes the checks, of the size of a real one.
pub(crate) fn answer(id: (u32, u32), execution: bool) -> String {
    let (level, place) = id;
    let deliverables = format!(
        "- `src/layer_{level}/component_{place}.rs` holds the component and its documentation.\n\
         - `tests/layer_{level}_component_{place}.rs` holds its tests, one per rule of the interface.\n"
    );
    let step = |n: usize| {
        format!(
            "{n}. Read the interface, write down what each request may ask and what it must answer, then make the \
             smallest change that answers one more of them and run the tests before the next.\n"
        )
    };
    let steps: String = (1..=12).map(step).collect();
    let sections: [(&str, String); 7] = if execution {
        [
            (
                "SUBPLAN Context",
                format!("Component {place} of layer {level} is built request by request.\n\n{deliverables}"),
            ),
            (
                "Objective",
                String::from("Have the component answer every request of its interface, with tests to show it."),
            ),
            ("Instructions", steps),
            (
                "Iteration Log",
                String::from("### Iteration 1\n\nWill try the first three requests and measure how many tests pass.\n"),
            ),
            (
                "Learning Summary",
                String::from("- Which requests were unclear in the interface?\n- Which tests were worth keeping?\n"),
            ),
            (
                "Coordination",
                String::from("Leaves the other components of the layer alone; gives the interface to the layer above."),
            ),
            (
                "Completion Checklist",
                format!(
                    "- [ ] `src/layer_{level}/component_{place}.rs` is written\n- [ ] `tests/layer_{level}_component_{place}.rs` passes\n"
                ),
            ),
        ]
    } else {
        [
            (
                "Objective",
                format!(
                    "Component {place} of layer {level} answers every request of its interface, so that the layer above can rely on it."
                ),
            ),
            ("Deliverables", deliverables),
            ("Approach", steps),
            (
                "Execution Strategy",
                String::from("Executions: 1\n\nThe work is small enough for one person to do in one go."),
            ),
            (
                "Testing Strategy",
                String::from(
                    "`cargo test layers` sends each request of the interface once whole, once with a field missing and once oversized.",
                ),
            ),
            (
                "Expected Results",
                String::from(
                    "Every request is answered as the interface says, and 1,000 of them take less than 5 seconds.",
                ),
            ),
            (
                "Dependencies and Coordination",
                String::from("Takes the interfaces of the layer below; leaves the siblings of the layer alone."),
            ),
        ]
    };
    let mut body = String::new();
    for (heading, text) in sections {
        let _ = write!(body, "## {heading}\n\n{}\n\n", text.trim_end());
    }
    body
}

/// Seconds from request to last byte: lognormal with this mean.
pub(crate) fn latency(id: (u32, u32), execution: bool, mean: f64) -> f64 {
    let seed = (u64::from(id.0) << 34) | (u64::from(id.1) << 1) | u64::from(execution);
    let uniform = |salt: u64| (hash(seed ^ salt) >> 11) as f64 / (1_u64 << 53) as f64;
    // Box and Muller's transform of two uniform numbers into a normal one.
    let normal = (-2.0 * uniform(0x5151).max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * uniform(0xA3A3)).cos();
    mean * (SIGMA * normal - SIGMA * SIGMA / 2.0).exp()
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn hash(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The shortest possible times of a run, seconds.
pub(crate) struct Floor {
    /// `max(sum of latencies / concurrency, critical path)`, the floor of a run without barriers.
    pub(crate) free: f64,
    /// The same per level, added up: what a run that ends each level before the next cannot beat.
    pub(crate) leveled: f64,
}

pub(crate) fn floor(nodes: &[Node], concurrency: usize, mean: f64) -> Floor {
    let of = |node: &Node, execution| latency(node.id, execution, mean);
    let (mut subplan_end, mut execution_end) = (vec![0.0_f64; nodes.len()], vec![0.0_f64; nodes.len()]);
    let (mut sum, mut critical) = (0.0, 0.0_f64);
    let mut levels: Vec<(f64, f64)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let (subplan, execution) = (of(node, false), of(node, true));
        let after = |ends: &[f64]| node.needs.iter().map(|need| ends[*need]).fold(0.0, f64::max);
        subplan_end[index] = after(&subplan_end) + subplan;
        execution_end[index] = after(&execution_end).max(subplan_end[index]) + execution;
        sum += subplan + execution;
        critical = critical.max(execution_end[index]);
        levels.resize(levels.len().max(node.id.0 as usize), (0.0, 0.0));
        let level = &mut levels[node.id.0 as usize - 1];
        level.0 += subplan + execution;
        level.1 = level.1.max(subplan + execution);
    }
    let slots = concurrency as f64;
    Floor { free: critical.max(sum / slots), leveled: levels.iter().map(|(sum, chain)| chain.max(sum / slots)).sum() }
}
