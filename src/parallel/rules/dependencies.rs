//! 3xx: dependencies.

use super::{Rule, Severity::*};

pub(in crate::parallel) static UNKNOWN_DEPENDENCY: Rule = Rule {
    code: "PW301",
    name: "unknown-dependency",
    severity: Error,
    title: "A dependency is not in the file",
    explanation: "`dependencies` names achievements of the same file. An id that is not there is a slip, or the achievement \
        was removed and its dependents were forgotten. Add it, or take it out of `dependencies`.",
    example: "{ \"id\": \"2.1\", \"dependencies\": [\"1.9\"] }        and no 1.9 anywhere",
    fix: None,
};

pub(in crate::parallel) static SELF_DEPENDENCY: Rule = Rule {
    code: "PW302",
    name: "self-dependency",
    severity: Error,
    title: "An achievement depends on itself",
    explanation: "It could never start. Most often another id was meant, which is why this is not repaired unasked.",
    example: "{ \"id\": \"2.1\", \"dependencies\": [\"2.1\"] }",
    fix: None,
};

pub(in crate::parallel) static DUPLICATE_DEPENDENCY: Rule = Rule {
    code: "PW303",
    name: "duplicate-dependency",
    severity: Warning,
    title: "A dependency is named more than once",
    explanation: "Naming it once is enough; the others change nothing, and make readers look for a difference.",
    example: "{ \"id\": \"2.1\", \"dependencies\": [\"1.1\", \"1.1\"] }",
    fix: Some("keeps the first mention"),
};

pub(in crate::parallel) static CYCLE: Rule = Rule {
    code: "PW304",
    name: "cycle",
    severity: Error,
    title: "Dependencies form a cycle",
    explanation: "Each achievement of the cycle waits for the next, so none can start. For each knot of achievements that \
        depend on each other one cycle is shown, the shortest; a knot may hold more, which show once this one is cut. The \
        suggested edge is the one that goes furthest against the order of levels, else the one from a lower id to a higher: \
        it is the least likely to be meant.",
    example: "1.1 needs 2.1, 2.1 needs 1.1",
    fix: None,
};

pub(in crate::parallel) static SAME_LEVEL: Rule = Rule {
    code: "PW305",
    name: "same-level",
    severity: Error,
    title: "A dependency stands in the same level, which is to be worked on in parallel",
    explanation: "The achievements of a level with `can_parallelize: true` are worked on at the same time, so none of them can \
        wait for another. Move the dependent to a later level, or say that the level is a chain: `can_parallelize: false`.",
    example: "level 2, can_parallelize true: 2.1 and 2.2, and 2.2 needs 2.1",
    fix: Some("moves the dependent to the first level after its dependencies, unless the graph has errors of its own"),
};

pub(in crate::parallel) static LATER_LEVEL: Rule = Rule {
    code: "PW306",
    name: "later-level",
    severity: Error,
    title: "A dependency stands in a later level",
    explanation: "Levels are worked on in ascending order, so what an achievement needs has to stand in an earlier one.",
    example: "1.1 in level 1 needs 2.1 in level 2",
    fix: Some("moves the dependent to the first level after its dependencies, unless the graph has errors of its own"),
};

pub(in crate::parallel) static CHAIN_IN_LEVEL: Rule = Rule {
    code: "PW307",
    name: "chain-in-level",
    severity: Warning,
    title: "A level with a chain does not say that it is one",
    explanation: "Where `can_parallelize` is left out and an achievement of the level depends on another of it, the level \
        counts as a chain and is worked on in the order of dependencies. Saying so leaves no doubt.",
    example: "{ \"level\": 1, \"achievements\": [1.1, and 1.2 which needs 1.1] }",
    fix: Some("sets `can_parallelize` to false"),
};

pub(in crate::parallel) static UNKNOWN_OPTIONAL_DEPENDENCY: Rule = Rule {
    code: "PW308",
    name: "unknown-optional-dependency",
    severity: Warning,
    title: "An optional dependency is not in the file",
    explanation: "Optional dependencies help without being waited for; one that is not there helps nobody.",
    example: "{ \"id\": \"2.1\", \"optional_dependencies\": [\"1.9\"] }        and no 1.9 anywhere",
    fix: None,
};
