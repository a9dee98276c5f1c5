//! The fields of both forms of parallel.json, as tables: what reading keeps, what a value must be, and the order in which
//! absent fields are written. `config/parallel.schema.json` says the same for other tools; a test compares the two.

use super::Status;

/// What a value must be. `null` counts as absent everywhere.
#[derive(Debug)]
pub(super) enum Shape {
    /// Never looked at, and kept as it is.
    Anything,
    /// Text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number from this one to [`u32::MAX`].
    Whole(u32),
    /// A number that is not negative, or text.
    Hours,
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

/// One field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// A value of another shape is reported and then ignored: nothing is generated from it.
    pub(super) lenient: bool,
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false, lenient: false }
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true, lenient: false }
}

const fn lenient(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false, lenient: true }
}

/// The kinds of dependency that `dependency_notes` tells apart.
pub(super) const KINDS: &[&str] = &["technical", "knowledge", "resource"];

/// Where a dependency came from.
pub(super) const SOURCES: &[&str] = &["declared", "model", "manual"];

/// The words of [`crate::document::Stage`].
pub(super) const STAGES: &[&str] = &["subplan", "execution"];

/// `failure` of an achievement.
pub(super) static FAILURE: &[Field] = &[
    required("stage", Shape::Word(STAGES)),
    optional("reason", Shape::Text),
    optional("attempts", Shape::Whole(0)),
    optional("at", Shape::Text),
];

static NOTE: Shape = Shape::Object(&[
    optional("kind", Shape::Word(KINDS)),
    optional("reason", Shape::Text),
    optional("source", Shape::Word(SOURCES)),
]);

/// `touches` of an achievement.
pub(super) static TOUCHES: &[Field] =
    &[optional("files", Shape::List(&TEXT)), optional("resources", Shape::List(&TEXT))];

static TEXT: Shape = Shape::Text;
static ID: Shape = Shape::Id;

/// An achievement of the leveled form, in the order of design.md.
pub(super) static ACHIEVEMENT: &[Field] = &[
    required("id", Shape::Id),
    optional("title", Shape::Text),
    optional("status", Shape::Status),
    optional("dependencies", Shape::List(&ID)),
    optional("optional_dependencies", Shape::List(&ID)),
    optional("dependency_notes", Shape::ById(&NOTE)),
    optional("blocks", Shape::List(&ID)),
    optional("estimated_hours", Shape::Hours),
    optional("actual_hours", Shape::Hours),
    optional("started_at", Shape::Text),
    optional("completed_at", Shape::Text),
    optional("executor", Shape::Text),
    optional("assigned_at", Shape::Text),
    optional("deliverables", Shape::List(&TEXT)),
    optional("critical", Shape::Bool),
    optional("touches", Shape::Object(TOUCHES)),
    optional("subplan_path", Shape::Text),
    optional("execution_paths", Shape::List(&TEXT)),
    optional("failure", Shape::Object(FAILURE)),
];

/// An achievement of the flat form: only what planwave reads or writes. That form never had a schema, so what is of no
/// consequence may be anything.
pub(super) static FLAT_ACHIEVEMENT: &[Field] = &[
    required("achievement_id", Shape::Id),
    lenient("title", Shape::Text),
    optional("status", Shape::Status),
    optional("dependencies", Shape::List(&ID)),
    lenient("optional_dependencies", Shape::List(&ID)),
    lenient("blocks", Shape::List(&ID)),
    lenient("estimated_hours", Shape::Hours),
    lenient("started_at", Shape::Text),
    lenient("completed_at", Shape::Text),
    lenient("executor", Shape::Text),
    lenient("assigned_at", Shape::Text),
    lenient("critical", Shape::Bool),
    lenient("subplan_path", Shape::Text),
    lenient("execution_paths", Shape::List(&TEXT)),
    lenient("failure", Shape::Object(FAILURE)),
];

/// A level.
pub(super) static LEVEL: &[Field] = &[
    required("level", Shape::Whole(1)),
    optional("description", Shape::Text),
    optional("can_parallelize", Shape::Bool),
    optional("max_parallelism", Shape::Whole(1)),
    optional("reason", Shape::Text),
    required("achievements", Shape::Each(Item::Achievement, ACHIEVEMENT)),
];

/// A file of the leveled form.
pub(super) static LEVELED: &[Field] = &[
    optional("version", Shape::Text),
    optional("plan", Shape::Text),
    optional("created", Shape::Text),
    optional("updated", Shape::Text),
    required("levels", Shape::Each(Item::Level, LEVEL)),
    optional("parallelization_strategy", Shape::Anything),
    optional("execution_instructions", Shape::Anything),
    optional("validation_rules", Shape::Anything),
];

/// A file of the flat form.
pub(super) static FLAT: &[Field] = &[
    lenient("plan_name", Shape::Text),
    required("achievements", Shape::Each(Item::FlatAchievement, FLAT_ACHIEVEMENT)),
];

/// What reading keeps of a file before its form is known.
pub(super) static EITHER: &[Field] = &[
    optional("version", Shape::Text),
    optional("plan", Shape::Text),
    optional("plan_name", Shape::Text),
    optional("created", Shape::Text),
    optional("updated", Shape::Text),
    optional("levels", Shape::Each(Item::Level, LEVEL)),
    optional("achievements", Shape::Each(Item::FlatAchievement, FLAT_ACHIEVEMENT)),
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const SCHEMA: &str = include_str!("../../config/parallel.schema.json");

    fn names(fields: &'static [Field]) -> impl Iterator<Item = &'static str> {
        fields.iter().map(|field| field.name)
    }

    fn keys(schema: &Value, pointer: &str) -> Vec<String> {
        schema.pointer(pointer).and_then(Value::as_object).expect(pointer).keys().cloned().collect()
    }

    fn words(schema: &Value, pointer: &str) -> Vec<String> {
        let list = schema.pointer(pointer).and_then(Value::as_array).expect(pointer);
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    #[test]
    fn the_published_schema_has_the_same_fields_in_the_same_order() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let table = [
            ("/properties", LEVELED),
            ("/$defs/level/properties", LEVEL),
            ("/$defs/achievement/properties", ACHIEVEMENT),
            ("/$defs/failure/properties", FAILURE),
            ("/$defs/touches/properties", TOUCHES),
        ];
        for (pointer, fields) in table {
            assert_eq!(keys(&schema, pointer), names(fields).collect::<Vec<_>>(), "{pointer}");
        }
    }

    #[test]
    fn the_published_schema_has_the_same_words_and_id_form() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert_eq!(words(&schema, "/$defs/status/enum"), status_words());
        assert_eq!(words(&schema, "/$defs/failure/properties/stage/enum"), STAGES);
        assert_eq!(words(&schema, "/$defs/dependency_note/properties/kind/enum"), [KINDS, &[]].concat());
        assert_eq!(words(&schema, "/$defs/dependency_note/properties/source/enum"), SOURCES);
        assert_eq!(
            schema.pointer("/$defs/id/pattern").and_then(Value::as_str),
            Some(r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){1,2}$")
        );
    }

    #[test]
    fn what_the_schema_requires_is_at_least_what_reading_requires() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let table = [
            ("/required", LEVELED),
            ("/$defs/level/required", LEVEL),
            ("/$defs/achievement/required", ACHIEVEMENT),
            ("/$defs/failure/required", FAILURE),
        ];
        for (pointer, fields) in table {
            let required = words(&schema, pointer);
            for field in fields.iter().filter(|field| field.required) {
                assert!(required.iter().any(|name| name == field.name), "{pointer}: {}", field.name);
            }
        }
    }
}
