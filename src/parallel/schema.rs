//! The JSON Schema of parallel.json, made from the tables of [`super::shape`]: `config/parallel.schema.json`.

use serde_json::{Map, Value, json};

use super::shape::{ACHIEVEMENT, Field, Item, LEVEL, LEVELED, Need, Shape, status_words};

/// The version of the schema itself: it grows with every change of what is accepted, the form of the file seldom does.
const SCHEMA_VERSION: &str = "1.0.0";

/// The schema of the leveled form, JSON Schema 2020-12, indented by two spaces.
pub fn schema() -> String {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:planwave:parallel.json:1.0.0",
        "version": SCHEMA_VERSION,
        "title": "parallel.json, leveled form 1.0.0",
        "description": "The leveled dependency graph of a PLAN with the status of each achievement. Unknown fields are \
            allowed everywhere and kept on every rewrite. What a schema cannot say is checked by `planwave validate`: ids are \
            unique, dependencies exist, have no cycle and lie in earlier levels (or in the same level where \
            can_parallelize is false).",
    });
    extend(&mut root, object(LEVELED, false));
    root["$defs"] = json!({
        "id": {
            "description": "Two or three numbers, compared as numbers: 1.1, 3.10, 3.5.1.",
            "type": "string",
            "pattern": r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){1,2}$",
        },
        "time": {
            "description": "RFC 3339 in UTC, such as 2025-01-31T12:00:00Z.",
            "type": ["string", "null"],
            "format": "date-time",
        },
        "hours": {
            "description": "Hours as a number, or text such as \"2-3 hours\" or \"30 minutes\".",
            "type": ["number", "string", "null"],
            "minimum": 0,
        },
        "status": {
            "description": "Where the achievement stands. \"blocked\" is derived from the dependencies and never stored.",
            "enum": or_null(&status_words()),
        },
        "level": object(LEVEL, false),
        "achievement": object(ACHIEVEMENT, false),
    });
    root["$defs"]["level"]["description"] = json!("Achievements whose dependencies all lie in earlier levels.");
    format!("{root:#}\n")
}

fn extend(value: &mut Value, other: Value) {
    if let (Value::Object(value), Value::Object(other)) = (value, other) {
        value.extend(other);
    }
}

/// Words, or `null`.
fn or_null(words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| json!(word)).chain([Value::Null]).collect()
}

fn object(fields: &'static [Field], nullable: bool) -> Value {
    let required: Vec<&str> =
        fields.iter().filter(|field| field.need == Need::Required).map(|field| field.name).collect();
    let properties: Map<String, Value> = fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let kind = if nullable { json!(["object", "null"]) } else { json!("object") };
    match required.as_slice() {
        [] => json!({ "type": kind, "properties": properties }),
        required => json!({ "type": kind, "required": required, "properties": properties }),
    }
}

fn property(field: &'static Field) -> Value {
    let mut value = if field.about.is_empty() { json!({}) } else { json!({ "description": field.about }) };
    // A field that is only read leniently may be anything.
    if !field.lenient {
        extend(&mut value, shape(&field.shape, field.need != Need::Required));
    }
    value
}

/// What a value may be; `null` counts as absent, so it may stand wherever the field may be left out.
fn shape(shape_of: &'static Shape, nullable: bool) -> Value {
    let kind = |name: &str| if nullable { json!([name, "null"]) } else { json!(name) };
    match shape_of {
        Shape::Anything => json!({}),
        Shape::Text => json!({ "type": kind("string") }),
        Shape::Version => json!({ "type": kind("string"), "pattern": r"^1(\..*)?$" }),
        Shape::Path => {
            json!({ "type": kind("string"), "$comment": "Relative to the plan directory, with forward slashes." })
        }
        Shape::Time => json!({ "$ref": "#/$defs/time" }),
        Shape::Bool => json!({ "type": kind("boolean") }),
        Shape::Whole(least) => json!({ "type": kind("integer"), "minimum": least, "maximum": u32::MAX }),
        Shape::Hours | Shape::Total => json!({ "$ref": "#/$defs/hours" }),
        Shape::Id => json!({ "$ref": "#/$defs/id" }),
        Shape::Status => json!({ "$ref": "#/$defs/status" }),
        Shape::Word(words) if nullable => json!({ "enum": or_null(words) }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::List(inner) => json!({ "type": kind("array"), "items": shape(inner, false) }),
        Shape::Each(item, _) => json!({ "type": kind("array"), "items": { "$ref": reference(*item) } }),
        Shape::Object(fields) => object(fields, nullable),
        Shape::Loose(fields) => json!({ "properties": object(fields, false)["properties"] }),
        Shape::ById(inner) => json!({
            "type": kind("object"),
            "propertyNames": { "$ref": "#/$defs/id" },
            "additionalProperties": shape(inner, true),
        }),
    }
}

fn reference(item: Item) -> &'static str {
    match item {
        Item::Level => "#/$defs/level",
        Item::Achievement | Item::FlatAchievement => "#/$defs/achievement",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_current() {
        let published = include_str!("../../config/parallel.schema.json").replace("\r\n", "\n");
        let hint = "write it anew: cargo run -- schema > config/parallel.schema.json";
        assert!(published == schema(), "config/parallel.schema.json is not current; {hint}");
    }
}
