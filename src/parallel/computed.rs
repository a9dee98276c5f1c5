//! Fields that follow from others: levels, `blocks`, `can_parallelize`, `max_parallelism`. Who writes or checks a
//! parallel.json computes them here, so that there is one answer.
//!
//! Nodes are indices; `dependencies[i]` lists the nodes that node `i` depends on.

use super::graph::Adjacency;

/// The nodes that depend on each node, ascending, each once; indices beyond the list are ignored.
pub fn inverse(dependencies: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let dependents = edges(dependencies).inverse();
    (0..dependents.len()).map(|node| dependents.of(node).to_vec()).collect()
}

/// `blocks` of each node by a name of one's own: what depends on it, in the order of `names`.
pub fn blocks_of<T: Copy>(names: &[T], dependencies: &[Vec<usize>]) -> Vec<Vec<T>> {
    let named = |nodes: Vec<usize>| nodes.into_iter().filter_map(|node| names.get(node).copied()).collect();
    inverse(dependencies).into_iter().map(named).collect()
}

/// `can_parallelize` and `max_parallelism` of a level of `achievements`, of which one depends on another if `chained`.
pub fn parallelism_of(achievements: usize, chained: bool) -> (bool, u32) {
    let parallel = achievements > 1 && !chained;
    (parallel, if parallel { u32::try_from(achievements).unwrap_or(u32::MAX) } else { 1 })
}

/// The places (from 0) of nodes that stand in places already, moved to later ones only as far as their dependencies ask.
///
/// A node stands after all of its dependencies; beside one only in a place that may hold a chain. It goes to the next
/// place then, even where that is a new one. Whoever was put into a late place on purpose stays there.
///
/// `None` where there is a cycle.
pub fn levels_after(dependencies: &[Vec<usize>], places: &[usize], may_chain: &[bool]) -> Option<Vec<usize>> {
    let edges = edges(dependencies);
    let order = edges.order()?;
    Some(places_along(&edges, &order, places, may_chain))
}

/// As [`levels_after`], for edges whose order is known.
pub(super) fn places_along(edges: &Adjacency, order: &[usize], places: &[usize], may_chain: &[bool]) -> Vec<usize> {
    let mut places = places.to_vec();
    for &node in order {
        let Some(highest) = edges.of(node).iter().filter_map(|&other| places.get(other).copied()).max() else {
            continue;
        };
        if let Some(place) = places.get_mut(node) {
            let beside = *place == highest && may_chain.get(highest) == Some(&true);
            if *place <= highest && !beside {
                *place = highest + 1;
            }
        }
    }
    places
}

fn edges(dependencies: &[Vec<usize>]) -> Adjacency {
    Adjacency::new(dependencies.len(), dependencies.iter().map(|list| list.iter().copied()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_are_the_inverse() {
        let dependencies = [vec![], vec![0, 0, 9], vec![1, 0]];
        assert_eq!(blocks_of(&["a", "b", "c"], &dependencies), [vec!["b", "c"], vec!["c"], vec![]]);
    }

    #[test]
    fn one_achievement_or_a_chain_is_not_parallel() {
        assert_eq!(
            [parallelism_of(1, false), parallelism_of(3, true), parallelism_of(3, false)],
            [(false, 1), (false, 1), (true, 3)]
        );
    }

    #[test]
    fn nodes_move_only_as_far_as_they_have_to() {
        type Row<'a> = (&'a [Vec<usize>], &'a [usize], &'a [bool], &'a [usize]);
        let table: [Row<'_>; 5] = [
            // In order already; the second was put late on purpose.
            (&[vec![], vec![0]], &[0, 3], &[false; 4], &[0, 3]),
            // Beside its dependency: to the next place, unless the place is a chain.
            (&[vec![], vec![0]], &[0, 0], &[false], &[0, 1]),
            (&[vec![], vec![0]], &[0, 0], &[true], &[0, 0]),
            // Before its dependency: after it, and what follows moves on.
            (&[vec![1], vec![], vec![0]], &[0, 1, 1], &[false, false], &[2, 1, 3]),
            (&[vec![1], vec![]], &[0, 1], &[true, true], &[2, 1]),
        ];
        for (dependencies, places, chains, expected) in table {
            assert_eq!(levels_after(dependencies, places, chains).as_deref(), Some(expected), "{dependencies:?}");
        }
        assert_eq!(levels_after(&[vec![1], vec![0]], &[0, 0], &[]), None);
    }

    proptest! {
        #[test]
        fn moved_places_are_sound_and_stay(
            lists in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..20),
            places in prop::collection::vec(0_usize..6, 20),
            chains in prop::collection::vec(any::<bool>(), 6),
        ) {
            let below = |(node, list): (usize, Vec<prop::sample::Index>)| -> Vec<usize> {
                list.into_iter().filter(|_| node > 0).map(|index| index.index(node)).collect()
            };
            let dependencies: Vec<Vec<usize>> = lists.into_iter().enumerate().map(below).collect();
            let places = &places[..dependencies.len()];
            let moved = levels_after(&dependencies, places, &chains).unwrap();
            for (node, list) in dependencies.iter().enumerate() {
                prop_assert!(moved[node] >= places[node]);
                for &needs in list {
                    let chain = chains.get(moved[node]).copied().unwrap_or(false);
                    prop_assert!(moved[needs] < moved[node] || (chain && moved[needs] == moved[node]));
                }
            }
            prop_assert_eq!(levels_after(&dependencies, &moved, &chains), Some(moved));
        }
    }
}
