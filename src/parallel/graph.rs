//! The dependency graph over the achievements of a file: order, levels, cycles.
//!
//! Nodes are indices, edges are dependencies. Everything is iterative: a chain of 100,000 achievements must not
//! overflow the stack, which is why cycles come from petgraph's `kosaraju_scc` and not from its recursive `tarjan_scc`.

use std::collections::VecDeque;

use petgraph::{
    algo::kosaraju_scc,
    graph::{DiGraph, NodeIndex},
};

use crate::plan::{AchievementId, IdMap};

/// Edges looked at in search of the shortest cycle of one component. Finding the shortest of all takes time
/// proportional to nodes times edges; past this bound the shortest so far is good enough to act on.
const CYCLE_BUDGET: usize = 2_000_000;

/// Lists of node indices, one per node, in two allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Adjacency {
    starts: Vec<usize>,
    targets: Vec<usize>,
}

impl Adjacency {
    /// Builds the lists in order; within a list, repeated targets and those not below `nodes` are dropped.
    pub(super) fn new<I: IntoIterator<Item = usize>>(nodes: usize, lists: impl IntoIterator<Item = I>) -> Self {
        let mut seen_by = vec![usize::MAX; nodes];
        let mut starts = Vec::with_capacity(nodes + 1);
        let mut targets = Vec::new();
        starts.push(0);
        for (node, list) in lists.into_iter().take(nodes).enumerate() {
            for target in list {
                if let Some(seen) = seen_by.get_mut(target)
                    && *seen != node
                {
                    *seen = node;
                    targets.push(target);
                }
            }
            starts.push(targets.len());
        }
        starts.resize(nodes + 1, targets.len());
        Self { starts, targets }
    }

    /// The same edges the other way round; each list is in ascending order.
    pub(super) fn inverse(&self) -> Self {
        let mut starts = vec![0; self.len() + 1];
        for &target in &self.targets {
            starts[target + 1] += 1;
        }
        for node in 0..self.len() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; self.targets.len()];
        for node in 0..self.len() {
            for &target in self.of(node) {
                targets[next[target]] = node;
                next[target] += 1;
            }
        }
        Self { starts, targets }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn of(&self, node: usize) -> &[usize] {
        match (self.starts.get(node), self.starts.get(node + 1)) {
            (Some(&start), Some(&end)) => &self.targets[start..end],
            (_, _) => &[],
        }
    }

    /// Edges from dependency to dependent, so that petgraph's order is the order of work.
    fn petgraph(&self) -> DiGraph<(), (), usize> {
        let mut graph = DiGraph::with_capacity(self.len(), self.targets.len());
        for _ in 0..self.len() {
            graph.add_node(());
        }
        for node in 0..self.len() {
            for &dependency in self.of(node) {
                graph.add_edge(NodeIndex::new(dependency), NodeIndex::new(node), ());
            }
        }
        graph
    }

    /// Every node after its dependencies; `None` where there is a cycle. The order is that of petgraph's `toposort`, without a
    /// graph of its own in between.
    pub(super) fn order(&self) -> Option<Vec<usize>> {
        /// How far a node is.
        #[derive(Clone, Copy)]
        enum Mark {
            New,
            /// On the way from where the search began to where it is.
            Open,
            Done,
        }
        let dependents = self.inverse();
        let mut marks = vec![Mark::New; self.len()];
        let mut backwards = Vec::with_capacity(self.len());
        let mut stack = Vec::new();
        for root in 0..self.len() {
            stack.push(root);
            while let Some(&node) = stack.last() {
                match marks[node] {
                    Mark::New => {
                        marks[node] = Mark::Open;
                        for &next in dependents.of(node).iter().rev() {
                            match marks[next] {
                                Mark::New => stack.push(next),
                                Mark::Open => return None,
                                Mark::Done => {}
                            }
                        }
                    }
                    Mark::Open => {
                        marks[node] = Mark::Done;
                        backwards.push(node);
                        stack.pop();
                    }
                    Mark::Done => drop(stack.pop()),
                }
            }
        }
        backwards.reverse();
        Some(backwards)
    }

    /// The sets of two or more nodes that all depend on each other, each ascending, by their smallest node.
    fn knots(&self) -> Vec<Vec<usize>> {
        let mut knots: Vec<Vec<usize>> = kosaraju_scc(&self.petgraph())
            .into_iter()
            .filter(|component| component.len() > 1)
            .map(|component| {
                let mut nodes: Vec<usize> = component.into_iter().map(NodeIndex::index).collect();
                nodes.sort_unstable();
                nodes
            })
            .collect();
        knots.sort_unstable();
        knots
    }

    /// One cycle per set of nodes that depend on each other (the shortest, within [`CYCLE_BUDGET`]), and each node that
    /// depends on itself. In a cycle each node depends on the next, and the last on the first; it begins at its
    /// smallest node.
    pub(super) fn cycles(&self) -> Vec<Vec<usize>> {
        let mut search = CycleSearch::new(self);
        let mut cycles: Vec<Vec<usize>> = self.knots().iter().map(|knot| search.shortest(knot)).collect();
        cycles.extend((0..self.len()).filter(|&node| self.of(node).contains(&node)).map(|node| vec![node]));
        cycles
    }

    /// The smallest level of each node, from 1, with dependencies that lie on a cycle left out.
    pub(super) fn levels(&self) -> Vec<u32> {
        match self.order() {
            Some(order) => self.levels_along(&order),
            None => {
                let mut knot_of = vec![usize::MAX; self.len()];
                for (number, knot) in self.knots().iter().enumerate() {
                    for &node in knot {
                        knot_of[node] = number;
                    }
                }
                let cut = |node: usize, dependency: usize| {
                    node == dependency || (knot_of[node] != usize::MAX && knot_of[node] == knot_of[dependency])
                };
                let lists = (0..self.len()).map(|node| self.of(node).iter().copied().filter(move |&d| !cut(node, d)));
                let acyclic = Self::new(self.len(), lists);
                acyclic.order().map_or_else(|| vec![1; self.len()], |order| acyclic.levels_along(&order))
            }
        }
    }

    fn levels_along(&self, order: &[usize]) -> Vec<u32> {
        let mut levels = vec![1_u32; self.len()];
        for &node in order {
            let highest = self.of(node).iter().map(|&dependency| levels[dependency]).max().unwrap_or(0);
            levels[node] = highest.saturating_add(1);
        }
        levels
    }
}

/// Breadth-first searches that share their memory.
struct CycleSearch<'a> {
    edges: &'a Adjacency,
    /// The search that reached a node last, and from where.
    reached: Vec<(usize, usize)>,
    stamp: usize,
}

impl<'a> CycleSearch<'a> {
    fn new(edges: &'a Adjacency) -> Self {
        Self { edges, reached: vec![(0, 0); edges.len()], stamp: 0 }
    }

    fn shortest(&mut self, knot: &[usize]) -> Vec<usize> {
        let mut best: Vec<usize> = Vec::new();
        let mut budget = CYCLE_BUDGET;
        for &start in knot {
            // The first search has to end: a component always has a cycle through each of its nodes.
            let mut spent = 0;
            let most = if best.is_empty() { (usize::MAX, usize::MAX) } else { (best.len(), budget) };
            if let Some(cycle) = self.through(start, most, &mut spent) {
                best = cycle;
            }
            // With nothing left, or where two depend on each other, each further search ends after its first node.
            budget = budget.saturating_sub(spent);
        }
        let smallest = best.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
        best.rotate_left(smallest);
        best
    }

    /// The shortest cycle through `start` that is shorter than the bound, if it is found within the budget of edges.
    fn through(
        &mut self,
        start: usize,
        (shorter_than, budget): (usize, usize),
        spent: &mut usize,
    ) -> Option<Vec<usize>> {
        self.stamp += 1;
        let mut queue = VecDeque::from([(start, 1_usize)]);
        while let Some((node, length)) = queue.pop_front() {
            if length >= shorter_than {
                return None;
            }
            for &next in self.edges.of(node) {
                *spent += 1;
                if next == node {
                    continue; // a self dependency is reported on its own
                }
                if next == start {
                    return Some(self.walk_back(start, node));
                }
                if self.reached[next].0 != self.stamp {
                    self.reached[next] = (self.stamp, node);
                    queue.push_back((next, length + 1));
                }
            }
            if *spent > budget {
                return None;
            }
        }
        None
    }

    fn walk_back(&self, start: usize, last: usize) -> Vec<usize> {
        let mut cycle = vec![last];
        let mut node = last;
        while node != start {
            node = self.reached[node].1;
            cycle.push(node);
        }
        cycle.reverse();
        cycle
    }
}

/// Computes the smallest level of each node, from 1: one more than the highest level among its dependencies.
///
/// `dependencies[i]` lists the nodes that node `i` depends on; indices beyond the list are ignored.
///
/// # Errors
///
/// Where there is a cycle, the nodes of one: each depends on the next, and the last on the first.
pub fn compute_levels(dependencies: &[Vec<usize>]) -> Result<Vec<u32>, Vec<usize>> {
    let edges = Adjacency::new(dependencies.len(), dependencies.iter().map(|list| list.iter().copied()));
    match edges.order() {
        Some(order) => Ok(edges.levels_along(&order)),
        None => Err(edges.cycles().into_iter().next().unwrap_or_default()),
    }
}

/// The graph of a file that was checked: no cycle, no unknown id. Nodes are the indices of the file's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    ids: Vec<AchievementId>,
    levels: Vec<u32>,
    index: IdMap<usize>,
    dependencies: Adjacency,
    dependents: Adjacency,
    topological: Vec<usize>,
}

impl Graph {
    /// Puts together what the check of a file has found; `order` has every node after its dependencies.
    pub(super) fn new(
        nodes: Vec<(AchievementId, u32)>,
        index: IdMap<usize>,
        (dependencies, dependents): (Adjacency, Adjacency),
        order: Vec<usize>,
    ) -> Self {
        let (ids, levels): (Vec<_>, Vec<u32>) = nodes.into_iter().unzip();
        let mut topological = order;
        // A stable sort: within a level the order of dependencies stays.
        topological.sort_by_key(|&node| levels[node]);
        Self { ids, levels, index, dependencies, dependents, topological }
    }

    /// How many achievements there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no achievement.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The node of an id.
    pub fn index_of(&self, id: AchievementId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    /// The id of a node.
    ///
    /// # Panics
    ///
    /// As with any index: where `node` is not below [`Graph::len`].
    pub fn id(&self, node: usize) -> AchievementId {
        self.ids[node]
    }

    /// The nodes that `node` depends on, in the order of the file, each once; none for an index that is no node.
    pub fn dependencies(&self, node: usize) -> &[usize] {
        self.dependencies.of(node)
    }

    /// The nodes that depend on `node`, ascending; none for an index that is no node.
    pub fn dependents(&self, node: usize) -> &[usize] {
        self.dependents.of(node)
    }

    /// Dependencies and dependents of all nodes.
    pub(super) fn edges(&self) -> (&Adjacency, &Adjacency) {
        (&self.dependencies, &self.dependents)
    }

    /// The level of a node, from 1: as in the file, or computed for the flat form.
    ///
    /// # Panics
    ///
    /// As with any index: where `node` is not below [`Graph::len`].
    pub fn level(&self, node: usize) -> u32 {
        self.levels[node]
    }

    /// Every node after its dependencies, by ascending level.
    pub fn topological(&self) -> &[usize] {
        &self.topological
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_are_the_longest_way_down() {
        let table: [(Vec<Vec<usize>>, Vec<u32>); 4] = [
            (vec![], vec![]),
            (vec![vec![], vec![0], vec![0, 1], vec![]], vec![1, 2, 3, 1]),
            (vec![vec![1], vec![2, 2], vec![99]], vec![3, 2, 1]),
            (vec![vec![], vec![], vec![0, 1], vec![2, 0]], vec![1, 1, 2, 3]),
        ];
        for (dependencies, expected) in table {
            assert_eq!(compute_levels(&dependencies), Ok(expected), "{dependencies:?}");
        }
    }

    #[test]
    fn a_cycle_is_found_and_is_the_shortest() {
        // 0 → 1 → 2 → 3 → 0 and, shorter, 1 → 4 → 1.
        let dependencies = vec![vec![1], vec![2, 4], vec![3], vec![0], vec![1], vec![0]];
        assert_eq!(compute_levels(&dependencies), Err(vec![1, 4]));
        assert_eq!(compute_levels(&[vec![], vec![1]]), Err(vec![1]));
        // 0 → 1 → 2 → 0 comes first; that longer ones go through the nodes after it changes nothing.
        let dependencies = vec![vec![1], vec![2], vec![0, 3], vec![4], vec![5], vec![2]];
        assert_eq!(compute_levels(&dependencies), Err(vec![0, 1, 2]));
    }

    #[test]
    fn a_search_ends_when_its_edges_are_spent() {
        let lists = [vec![1], vec![2], vec![0]];
        let edges = Adjacency::new(3, lists.iter().map(|list| list.iter().copied()));
        // The last edge of the cycle is the third; what is spent is looked at after each node.
        for (budget, found) in [(0, None), (1, None), (2, Some(vec![0, 1, 2])), (3, Some(vec![0, 1, 2]))] {
            let mut spent = 0;
            let cycle = CycleSearch::new(&edges).through(0, (usize::MAX, budget), &mut spent);
            assert_eq!(cycle, found, "{budget}");
        }
    }

    #[test]
    fn a_graph_without_achievements_is_empty() {
        let graph = |nodes: Vec<(AchievementId, u32)>| {
            let order = (0..nodes.len()).collect();
            Graph::new(nodes, IdMap::default(), (Adjacency::default(), Adjacency::default()), order)
        };
        assert!(graph(vec![]).is_empty());
        assert!(!graph(vec![(AchievementId::parse("1.1").unwrap(), 1)]).is_empty());
    }

    #[test]
    fn each_knot_has_one_cycle() {
        let lists = [vec![1], vec![0], vec![3], vec![4], vec![2, 4, 0], vec![2]];
        let edges = Adjacency::new(6, lists.iter().map(|list| list.iter().copied()));
        assert_eq!(edges.cycles(), [vec![0, 1], vec![2, 3, 4], vec![4]]);
        assert_eq!(edges.levels(), [1, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn long_chains_and_long_cycles_need_no_stack() {
        let n = 100_000;
        let mut dependencies: Vec<Vec<usize>> = (0..n).map(|i: usize| i.checked_sub(1).into_iter().collect()).collect();
        assert_eq!(compute_levels(&dependencies).map(|levels| levels[n - 1]), Ok(100_000));
        dependencies[0].push(n - 1);
        assert_eq!(compute_levels(&dependencies).map_err(|cycle| cycle.len()), Err(n));
    }

    proptest! {
        #[test]
        fn the_inverse_has_the_same_edges_the_other_way_round(
            edges in prop::collection::vec((0_usize..12, 0_usize..14), 0..40),
        ) {
            let mut dependencies = vec![Vec::new(); 12];
            for &(from, to) in &edges {
                dependencies[from].push(to);
            }
            let inverse = Adjacency::new(12, dependencies.iter().map(|list| list.iter().copied())).inverse();
            for node in 0..14 {
                let dependents: Vec<usize> =
                    (0..12).filter(|&other| node < 12 && dependencies[other].contains(&node)).collect();
                prop_assert_eq!(inverse.of(node), dependents);
            }
        }

        #[test]
        fn the_order_is_that_of_petgraph(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..20)) {
            let mut dependencies = vec![Vec::new(); 12];
            for &(from, to) in &edges {
                dependencies[from].push(to);
            }
            let edges = Adjacency::new(12, dependencies);
            let sorted = petgraph::algo::toposort(&edges.petgraph(), None).ok();
            let sorted: Option<Vec<usize>> = sorted.map(|nodes| nodes.into_iter().map(NodeIndex::index).collect());
            prop_assert_eq!(edges.order(), sorted);
        }

        #[test]
        fn levels_and_cycles_agree_with_the_edges(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..30)) {
            let mut dependencies = vec![Vec::new(); 12];
            for &(from, to) in &edges {
                dependencies[from].push(to);
            }
            match compute_levels(&dependencies) {
                Ok(levels) => {
                    for (node, list) in dependencies.iter().enumerate() {
                        let below = list.iter().map(|&d| levels[d]).max().unwrap_or(0);
                        prop_assert_eq!(levels[node], below + 1);
                    }
                }
                Err(cycle) => {
                    prop_assert!(!cycle.is_empty());
                    for (at, &node) in cycle.iter().enumerate() {
                        let next = cycle[(at + 1) % cycle.len()];
                        prop_assert!(dependencies[node].contains(&next), "{} → {} of {:?}", node, next, cycle);
                    }
                }
            }
        }
    }
}
