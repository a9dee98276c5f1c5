//! What can be taken up now, the most worthwhile first.

use crate::parallel::Graph;

use super::Standings;

/// Counting what an achievement holds up ends here: the whole closure of every candidate would take time proportional to
/// the square of the plan.
pub const HELD_UP_MOST: usize = 1_000;

/// An achievement, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Its graph index.
    pub node: usize,
    /// How many unfinished achievements depend on it, directly or not; [`HELD_UP_MOST`] stands for that many or more.
    pub holds_up: usize,
    /// Graph indices of the achievements that wait for nothing else.
    pub unlocks: Vec<usize>,
}

/// Ranks achievements by what waits for them: those that hold up most first, then those that unlock most at once, then
/// by level and id.
pub fn ranked(graph: &Graph, standings: &Standings, nodes: impl IntoIterator<Item = usize>) -> Vec<Ranked> {
    let mut search = Search { graph, standings, reached_by: vec![usize::MAX; graph.len()], queue: Vec::new() };
    let mut ranked: Vec<Ranked> = nodes
        .into_iter()
        .map(|node| Ranked { node, holds_up: search.held_up(node), unlocks: unlocks(graph, standings, node) })
        .collect();
    ranked.sort_by_key(|Ranked { node, holds_up, unlocks }| {
        (usize::MAX - holds_up, usize::MAX - unlocks.len(), graph.level(*node), graph.id(*node))
    });
    ranked
}

/// The dependents whose last open dependency it is.
fn unlocks(graph: &Graph, standings: &Standings, node: usize) -> Vec<usize> {
    let open = |dependent: usize| standings.open_dependencies(graph, dependent).take(2).count();
    let waits = |dependent: &usize| standings.status(*dependent).is_open() && open(*dependent) == 1;
    graph.dependents(node).iter().copied().filter(waits).collect()
}

struct Search<'a> {
    graph: &'a Graph,
    standings: &'a Standings,
    /// By graph index: the search that reached it last.
    reached_by: Vec<usize>,
    queue: Vec<usize>,
}

impl Search<'_> {
    fn held_up(&mut self, start: usize) -> usize {
        let mut count = 0;
        self.queue.clear();
        self.queue.push(start);
        while let Some(node) = self.queue.pop() {
            for &dependent in self.graph.dependents(node) {
                if self.reached_by[dependent] == start || self.standings.status(dependent).is_done() {
                    continue;
                }
                self.reached_by[dependent] = start;
                count += 1;
                if count == HELD_UP_MOST {
                    return count;
                }
                self.queue.push(dependent);
            }
        }
        count
    }
}
