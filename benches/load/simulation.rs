//! What a program without any overhead would take: planwave's own schedule, driven in virtual time with the latencies
//! that the server really gave. What the measured time is above that is the program's doing alone.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    io::{BufRead as _, BufReader},
    path::Path,
};

use planwave::engine::{Node as Item, Order, Schedule};

use super::{
    server::{TOOK, wanted},
    workload::Node,
};

/// Expected output tokens of a SUBPLAN and of an EXECUTION_TASK, by which the planner ranks.
const WEIGHTS: [u64; 2] = [2_000, 1_600];

/// Microseconds from a request to the last byte of its answer, by achievement and whether it is an EXECUTION_TASK.
pub(crate) type Latencies = HashMap<((u32, u32), bool), u64>;

/// Reads what the server noted in the answers on a tape. Lines are searched, not parsed: a tape has gigabytes.
pub(crate) fn latencies(tape: &Path) -> Latencies {
    let lines = BufReader::new(std::fs::File::open(tape).expect("a tape")).lines().skip(1);
    lines
        .filter_map(|line| {
            let line = line.expect("a line");
            let document = wanted(line.as_bytes())?;
            let digits = &line[line.rfind(TOOK)? + TOOK.len()..];
            let end = digits.find(|c: char| !c.is_ascii_digit())?;
            Some((document, digits[..end].parse().ok()?))
        })
        .collect()
}

/// Seconds of the whole run.
pub(crate) fn ideal(nodes: &[Node], concurrency: usize, order: Order, latencies: &Latencies) -> f64 {
    let items = items(nodes);
    let latency = |item: usize| latencies.get(&(nodes[item / 2].id, item % 2 == 1)).copied().unwrap_or_default();
    let mut schedule = Schedule::new(&items, order);
    let mut running = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < concurrency {
            let Some(item) = schedule.start_next() else { break };
            running.push(Reverse((now + latency(item), item)));
        }
        let Some(Reverse((end, item))) = running.pop() else { break };
        now = end;
        schedule.accept(item);
    }
    assert_eq!(schedule.left(), 0, "every item was worked");
    now as f64 / 1e6
}

/// SUBPLAN and EXECUTION_TASK of each achievement, as the planner makes them.
fn items(nodes: &[Node]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::with_capacity(nodes.len() * 2);
    for (index, node) in nodes.iter().enumerate() {
        let level = node.id.0;
        let subplan = node.needs.iter().map(|need| need * 2).collect();
        let execution = node.needs.iter().map(|need| need * 2 + 1).chain([index * 2]).collect();
        items.extend([subplan, execution].map(|needs| Item { needs, level, rank: 0 }));
    }
    // The longest path behind each item; items stand behind what they need.
    for index in (0..items.len()).rev() {
        items[index].rank += WEIGHTS[index % 2];
        let rank = items[index].rank;
        for need in items[index].needs.clone() {
            items[need].rank = items[need].rank.max(rank);
        }
    }
    items
}
