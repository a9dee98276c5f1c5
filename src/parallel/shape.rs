//! The fields of both forms of parallel.json, as tables: what reading keeps, what a value must be, and the order in which
//! absent fields are written. `config/parallel.schema.json` is generated from them by [`super::schema`].

use super::Status;

/// What a value must be. `null` counts as absent everywhere.
#[derive(Debug)]
pub(super) enum Shape {
    /// Never looked at, and kept as it is.
    Anything,
    /// Text.
    Text,
    /// The version of the format, as text.
    Version,
    /// A path relative to the plan directory.
    Path,
    /// An RFC 3339 time in UTC.
    Time,
    /// `true` or `false`.
    Bool,
    /// A whole number from this one to [`u32::MAX`].
    Whole(u32),
    /// A number that is not negative, or text.
    Hours,
    /// As [`Self::Hours`], of many achievements.
    Total,
    /// An achievement's id, as text.
    Id,
    /// One of [`Status::ALL`].
    Status,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A long list of objects, whose elements are handed over one by one while the file is read.
    Each(Item, &'static [Field]),
    /// An object with these fields and any others.
    Object(&'static [Field]),
    /// Anything; where it is an object, these fields of it are read.
    Loose(&'static [Field]),
    /// An object whose keys are ids of achievements.
    ById(&'static Shape),
}

/// What an element of [`Shape::Each`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A level; its achievements were handed over before it.
    Level,
    /// An achievement of the leveled form.
    Achievement,
    /// An achievement of the flat form.
    FlatAchievement,
}

/// No table has more fields.
pub(super) const MOST_FIELDS: usize = 24;

/// One field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) need: Need,
    /// A value of another shape is reported and then ignored: nothing is generated from it.
    pub(super) lenient: bool,
    /// What it is, for the schema; empty where its name says it.
    pub(super) about: &'static str,
}

/// Whether a field has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Without it the file cannot be used.
    Required,
    /// A file without it works, and fits the schema; the lack is noted.
    Expected,
    /// It may be left out.
    Optional,
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, need: Need::Optional, lenient: false, about }
}

const fn expected(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, need: Need::Expected, lenient: false, about }
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, need: Need::Required, lenient: false, about }
}

const fn lenient(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Optional, lenient: true, about: "" }
}

/// The kinds of dependency that `dependency_notes` tells apart.
pub(super) const KINDS: &[&str] = &["technical", "knowledge", "resource"];

/// Where a dependency came from.
pub(super) const SOURCES: &[&str] = &["declared", "model", "manual"];

/// The words of [`crate::document::Stage`].
pub(super) const STAGES: &[&str] = &["subplan", "execution"];

/// `failure` of an achievement.
pub(super) static FAILURE: &[Field] = &[
    required("stage", Shape::Word(STAGES), "The document that could not be generated."),
    optional("reason", Shape::Text, "One sentence for a person."),
    optional("attempts", Shape::Whole(0), "Answers asked for, rejected ones included."),
    optional("at", Shape::Time, ""),
];

static NOTE: Shape = Shape::Object(&[
    optional("kind", Shape::Word(KINDS), "What is needed of it: its output, what was learnt, or something both use."),
    optional("reason", Shape::Text, "Why, best quoted from the PLAN."),
    optional("source", Shape::Word(SOURCES), "Who says so; a manual one is never changed by an analysis."),
]);

/// `touches` of an achievement.
pub(super) static TOUCHES: &[Field] =
    &[optional("files", Shape::List(&TEXT), ""), optional("resources", Shape::List(&TEXT), "")];

static TEXT: Shape = Shape::Text;
static ID: Shape = Shape::Id;
static PATH: Shape = Shape::Path;

/// An achievement of the leveled form, in the order of design.md.
pub(super) static ACHIEVEMENT: &[Field] = &[
    required("id", Shape::Id, ""),
    optional("title", Shape::Text, ""),
    optional("status", Shape::Status, ""),
    optional("dependencies", Shape::List(&ID), "What must exist before it."),
    optional("optional_dependencies", Shape::List(&ID), "What would help, without being waited for."),
    optional("dependency_notes", Shape::ById(&NOTE), "Why it depends on what, by the id of the dependency."),
    optional(
        "blocks",
        Shape::List(&ID),
        "The inverse of dependencies, for readers; where they disagree, dependencies hold.",
    ),
    optional("estimated_hours", Shape::Hours, ""),
    optional("actual_hours", Shape::Hours, ""),
    optional("started_at", Shape::Time, ""),
    optional("completed_at", Shape::Time, ""),
    optional("executor", Shape::Text, "Who works on it: a person, a team, a coding agent."),
    optional("assigned_at", Shape::Time, ""),
    optional("deliverables", Shape::List(&TEXT), "What there is when it is done; files in backticks."),
    optional("critical", Shape::Bool, "Whether the plan fails without it."),
    optional(
        "touches",
        Shape::Object(TOUCHES),
        "What the achievement changes or takes for itself: two that touch the same are not worked on at the same time.",
    ),
    optional("subplan_path", Shape::Path, ""),
    optional("execution_paths", Shape::List(&PATH), ""),
    optional("failure", Shape::Object(FAILURE), "Why generating a document failed for good."),
];

/// An achievement of the flat form: only what planwave reads or writes. That form never had a schema, so what is of no
/// consequence may be anything.
pub(super) static FLAT_ACHIEVEMENT: &[Field] = &[
    required("achievement_id", Shape::Id, ""),
    lenient("title", Shape::Text),
    optional("status", Shape::Status, ""),
    optional("dependencies", Shape::List(&ID), ""),
    lenient("optional_dependencies", Shape::List(&ID)),
    lenient("blocks", Shape::List(&ID)),
    lenient("estimated_hours", Shape::Total),
    lenient("started_at", Shape::Text),
    lenient("completed_at", Shape::Text),
    lenient("executor", Shape::Text),
    lenient("assigned_at", Shape::Text),
    lenient("critical", Shape::Bool),
    lenient("subplan_path", Shape::Path),
    lenient("execution_paths", Shape::List(&PATH)),
    lenient("failure", Shape::Object(FAILURE)),
];

/// A level.
pub(super) static LEVEL: &[Field] = &[
    required("level", Shape::Whole(1), "Its number; each occurs once."),
    optional("description", Shape::Text, ""),
    optional(
        "can_parallelize",
        Shape::Bool,
        "false allows a chain within the level. Absent, it counts as false where there is a chain.",
    ),
    optional("max_parallelism", Shape::Whole(1), "How many people or agents can work on the level at the same time."),
    optional("reason", Shape::Text, "Why the level can or cannot be worked on in parallel."),
    required("achievements", Shape::Each(Item::Achievement, ACHIEVEMENT), ""),
];

/// The times of `parallelization_strategy`, as `analyze` writes them and as older tools did; text such as "21-31 hours", or a
/// number of hours.
pub(super) static STRATEGY: &[Field] = &[
    lenient("sequential_hours", Shape::Total),
    lenient("parallel_hours", Shape::Total),
    lenient("time_saved_hours", Shape::Total),
    lenient("time_saved_percent", Shape::Whole(0)),
    lenient("critical_path_hours", Shape::Total),
    lenient("without_estimate", Shape::List(&ID)),
    lenient("left_out", Shape::List(&ID)),
    lenient("total_sequential_time", Shape::Total),
    lenient("total_parallel_time", Shape::Total),
    lenient("time_saved", Shape::Total),
    lenient("reduction_percentage", Shape::Text),
];

/// A file of the leveled form.
pub(super) static LEVELED: &[Field] = &[
    expected("version", Shape::Version, "Version of the format."),
    expected("plan", Shape::Text, "The <NAME> of PLAN_<NAME>.md."),
    optional("created", Shape::Time, ""),
    optional("updated", Shape::Time, ""),
    required("levels", Shape::Each(Item::Level, LEVEL), "Each level number occurs once."),
    optional(
        "parallelization_strategy",
        Shape::Loose(STRATEGY),
        "For readers. Of an object, its times are compared with the estimates: sequential_hours, parallel_hours, \
         time_saved_hours, time_saved_percent and critical_path_hours, and the older total_sequential_time, \
         total_parallel_time, time_saved and reduction_percentage.",
    ),
    optional(
        "execution_instructions",
        Shape::Anything,
        "For readers; of it, planwave takes the pairs in `apart`, which are not worked on at the same time.",
    ),
    optional("validation_rules", Shape::Anything, "For readers; planwave does not interpret it."),
];

/// A file of the flat form.
pub(super) static FLAT: &[Field] = &[
    lenient("plan_name", Shape::Text),
    required("achievements", Shape::Each(Item::FlatAchievement, FLAT_ACHIEVEMENT), ""),
];

/// What reading keeps of a file before its form is known.
pub(super) static EITHER: &[Field] = &[
    optional("version", Shape::Text, ""),
    optional("plan", Shape::Text, ""),
    optional("plan_name", Shape::Text, ""),
    optional("created", Shape::Text, ""),
    optional("updated", Shape::Text, ""),
    optional("levels", Shape::Each(Item::Level, LEVEL), ""),
    optional("achievements", Shape::Each(Item::FlatAchievement, FLAT_ACHIEVEMENT), ""),
    optional("parallelization_strategy", Shape::Loose(STRATEGY), ""),
];

/// Finds fields by name. Members mostly come in the order of the table, so the search goes on where the last one ended.
pub(super) struct Finder {
    fields: &'static [Field],
    next: usize,
}

impl Finder {
    pub(super) fn new(fields: &'static [Field]) -> Self {
        Self { fields, next: 0 }
    }

    /// The position of the field of this name and the field.
    pub(super) fn find(&mut self, name: &str) -> Option<(usize, &'static Field)> {
        let is_it = |field: &Field| field.name == name;
        let (before, after) = self.fields.split_at(self.next.min(self.fields.len()));
        let at = match after.iter().position(is_it) {
            Some(at) => before.len() + at,
            None => before.iter().position(is_it)?,
        };
        self.next = at + 1;
        Some((at, &self.fields[at]))
    }
}

/// The legal words of a status, for messages.
pub(super) fn status_words() -> Vec<&'static str> {
    Status::ALL.into_iter().map(Status::as_str).collect()
}
