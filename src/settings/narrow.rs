//! What a project's file may say about the code that prompts carry: less than the user says, never more.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::Value;

use super::keys::Key;

/// The value of a setting of `[context]` where the user says `own` and a project's file says `project`; `None` where the
/// user's stays.
pub(super) fn narrowed(key: &Key, own: &Value, project: &Value) -> Option<Value> {
    let value = match key.name {
        "mode" => return (width(project) < width(own)).then(|| project.clone()),
        "shared_tokens" | "item_tokens" => return (project.as_u64() < own.as_u64()).then(|| project.clone()),
        // What either leaves out is left out.
        "exclude" => items(own).iter().chain(items(project)).cloned().collect(),
        // What both take in: each is a list of its own, and a file has to match one glob of each.
        "include" if !items(own).is_empty() && !items(project).is_empty() => {
            let lists: Vec<Value> =
                if items(own).iter().all(Value::is_string) { vec![own.clone()] } else { items(own).to_vec() };
            lists.into_iter().chain([project.clone()]).collect()
        }
        "include" if items(project).is_empty() => return None,
        _ => project.clone(),
    };
    Some(value)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn width(mode: &Value) -> u8 {
    match mode.as_str() {
        Some("auto") => 2,
        Some("paths") => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_project_narrows_and_never_widens() {
        for (name, own, project, value) in [
            ("mode", json!("auto"), json!("paths"), Some(json!("paths"))),
            ("mode", json!("none"), json!("auto"), None),
            ("mode", json!("paths"), json!("none"), Some(json!("none"))),
            ("shared_tokens", json!(4000), json!(100), Some(json!(100))),
            ("item_tokens", json!(4000), json!(9000), None),
            ("exclude", json!(["a"]), json!(["b"]), Some(json!(["a", "b"]))),
            ("exclude", json!(["a"]), json!([]), Some(json!(["a"]))),
            ("include", json!([]), json!(["b"]), Some(json!(["b"]))),
            ("include", json!(["a"]), json!([]), None),
            ("include", json!(["a"]), json!(["b"]), Some(json!([["a"], ["b"]]))),
            ("include", json!([["a"], ["b"]]), json!(["c"]), Some(json!([["a"], ["b"], ["c"]]))),
            ("root", json!(""), json!("/x"), Some(json!("/x"))),
        ] {
            let key = Key::find("context", name).unwrap();
            assert_eq!(narrowed(key, &own, &project), value, "{name} {own} {project}");
        }
    }
}
