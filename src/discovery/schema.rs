//! The JSON Schema of an answer, within what strict Structured Outputs allow: an object at the root, every property
//! required, no others, no combinators (OpenAI's documentation of Structured Outputs; the field notes say the same).

use serde_json::{Value, json};

/// The schema's name, as it is sent.
pub const NAME: &str = "plan_dependencies";

/// What an answer has to look like.
pub fn schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let id = || text("An id of the inventory, such as 1.1.");
    let reason = || text("A passage of the PLAN, copied word for word, that shows it.");
    let texts =
        |description: &str| json!({ "type": "array", "description": description, "items": { "type": "string" } });
    let dependency = object(&[
        ("id", id()),
        ("kind", json!({ "type": "string", "enum": ["technical", "knowledge", "resource"] })),
        ("reason", reason()),
    ]);
    let optional = object(&[("id", id()), ("reason", reason())]);
    let achievement = object(&[
        ("id", id()),
        ("dependencies", json!({ "type": "array", "items": dependency })),
        ("optional_dependencies", json!({ "type": "array", "items": optional })),
        ("files", texts("Files it creates or changes.")),
        ("resources", texts("What else only one can use at a time.")),
        ("critical", json!({ "type": "boolean", "description": "Whether the plan fails without it." })),
    ]);
    let pair = object(&[
        ("first", id()),
        ("second", id()),
        ("over", text("The file, fixture or service that both touch.")),
        ("reason", reason()),
    ]);
    object(&[
        ("achievements", json!({ "type": "array", "items": achievement })),
        ("hidden_conflicts", json!({ "type": "array", "items": pair })),
    ])
}

fn object(properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
}
