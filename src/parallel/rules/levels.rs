//! 4xx and 5xx: levels, and fields that follow from others.

use super::{Rule, Severity::*};

pub(in crate::parallel) static DUPLICATE_LEVEL: Rule = Rule {
    code: "PW401",
    name: "duplicate-level",
    severity: Error,
    title: "Two levels have the same number",
    explanation: "Levels are named by their number (`run --level 2`). Whether two of one number are one level, or one of them \
        is another level, only its author knows: merge them, or number them anew.",
    example: "[ { \"level\": 1, … }, { \"level\": 1, … } ]",
    fix: None,
};

pub(in crate::parallel) static LEVEL_GAP: Rule = Rule {
    code: "PW402",
    name: "level-gap",
    severity: Warning,
    title: "Level numbers do not go 1, 2, 3",
    explanation: "Levels are numbered from 1 without gaps. A gap works, but reads as if a level had got lost.",
    example: "levels 1, 2, 4",
    fix: Some("numbers the levels anew in their order"),
};

pub(in crate::parallel) static EMPTY_LEVEL: Rule = Rule {
    code: "PW403",
    name: "empty-level",
    severity: Warning,
    title: "A level has no achievement",
    explanation: "There is nothing to do in it. A level that holds fields of your own is not removed, since they would be \
        lost with it.",
    example: "{ \"level\": 3, \"achievements\": [] }",
    fix: Some("removes the level, unless it holds fields that planwave does not know"),
};

pub(in crate::parallel) static PARALLEL_ALONE: Rule = Rule {
    code: "PW404",
    name: "parallel-alone",
    severity: Note,
    title: "A level of one achievement says that it can be worked on in parallel",
    explanation: "With a single achievement there is nothing to be done at the same time, so `can_parallelize` is false.",
    example: "{ \"level\": 1, \"can_parallelize\": true, \"achievements\": [ { \"id\": \"1.1\" } ] }",
    fix: Some("sets `can_parallelize` to false"),
};

pub(in crate::parallel) static PARALLELISM_TOO_HIGH: Rule = Rule {
    code: "PW405",
    name: "parallelism-too-high",
    severity: Warning,
    title: "`max_parallelism` is more than the level allows",
    explanation: "No more achievements can be worked on at the same time than the level has, and in a level that cannot be \
        worked on in parallel just one. Readers plan people by this number.",
    example: "{ \"level\": 1, \"max_parallelism\": 8, \"achievements\": [1.1, 1.2] }",
    fix: Some("sets it to the most that the level allows"),
};

pub(in crate::parallel) static PARALLELISM_OF_ONE: Rule = Rule {
    code: "PW406",
    name: "parallelism-of-one",
    severity: Warning,
    title: "A parallel level allows one achievement at a time",
    explanation: "`can_parallelize: true` with `max_parallelism: 1` says two things at once. Raise the one, or set the other \
        to false.",
    example: "{ \"can_parallelize\": true, \"max_parallelism\": 1, \"achievements\": [1.1, 1.2] }",
    fix: None,
};

pub(in crate::parallel) static BLOCKS_MISMATCH: Rule = Rule {
    code: "PW501",
    name: "blocks-mismatch",
    severity: Warning,
    title: "`blocks` is not the inverse of `dependencies`",
    explanation: "`blocks` lists the achievements that depend on this one. It is there for readers; `dependencies` holds, and \
        planwave never acts on `blocks`. Some files list indirect dependents too, or were edited in one place only.",
    example: "1.1 blocks [\"2.1\"], and 2.1 has no dependencies",
    fix: Some("lists exactly the achievements that depend on it"),
};

pub(in crate::parallel) static TIMES: Rule = Rule {
    code: "PW502",
    name: "times",
    severity: Warning,
    title: "The times of the strategy do not add up",
    explanation: "Of `parallelization_strategy`: `sequential_hours` is the sum of all estimates; `parallel_hours` lies \
        between the longest chain of dependencies (`critical_path_hours`) and that sum; `time_saved_hours` is the difference; \
        `time_saved_percent` is its share. The same holds for the names of older tools: `total_sequential_time`, \
        `total_parallel_time`, `time_saved` and `reduction_percentage`. Times are those of the work without \
        what `left_out` names: what was done when they were computed. They are checked only where every achievement has an \
        estimate that can be read, those aside that `without_estimate` names.",
    example: "sequential 20 hours, parallel 12 hours, saved 10 hours",
    fix: Some("computes those that are wrong from the estimates and levels"),
};

pub(in crate::parallel) static DERIVED: Rule = Rule {
    code: "PW503",
    name: "derived",
    severity: Warning,
    title: "What follows from the levels is not what the file says",
    explanation: "`analyze` writes down what follows from dependencies and estimates: the critical path and the bottlenecks of \
        `parallelization_strategy`, `execution_instructions` (order, who waits for whom, sync points, groups), \
        `validation_rules`, and of each level its `description` and `reason`. Somebody who goes by them after the \
        dependencies have changed waits for the wrong ones. What people or other tools wrote in words of their own is not \
        compared, nor is a file with a chain within a level, since `analyze` writes none.",
    example: "the instructions of level 1 order [\"1.1\", \"1.2\"], and 1.2 stands in level 3",
    fix: Some("computes them anew; fields and sentences of your own in them stay"),
};
