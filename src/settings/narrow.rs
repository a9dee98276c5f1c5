//! Globs of a project's file beside those of the user: what both take in, and what either leaves out. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::Value;

/// What a list of globs is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Globs {
    /// Files have to match one.
    Include,
    /// Files that match one are left out.
    Exclude,
}

/// The value of a key where the user says `own` and a project's file says `project`.
pub(super) fn narrowed(globs: Globs, own: &Value, project: &Value) -> Value {
    match globs {
        Globs::Exclude => items(own).iter().chain(items(project)).cloned().collect(),
        Globs::Include if items(own).is_empty() => project.clone(),
        Globs::Include if items(project).is_empty() => own.clone(),
        // Each is a list of its own, and a file has to match one glob of each.
        Globs::Include if items(own).iter().all(Value::is_string) => Value::from(vec![own.clone(), project.clone()]),
        Globs::Include => items(own).iter().cloned().chain([project.clone()]).collect(),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn globs_of_a_project_narrow() {
        for (globs, own, project, value) in [
            (Globs::Exclude, json!(["a"]), json!(["b"]), json!(["a", "b"])),
            (Globs::Exclude, json!(["a"]), json!([]), json!(["a"])),
            (Globs::Include, json!([]), json!(["b"]), json!(["b"])),
            (Globs::Include, json!(["a"]), json!([]), json!(["a"])),
            (Globs::Include, json!(["a"]), json!(["b"]), json!([["a"], ["b"]])),
            (Globs::Include, json!([["a"], ["b"]]), json!(["c"]), json!([["a"], ["b"], ["c"]])),
        ] {
            assert_eq!(narrowed(globs, &own, &project), value, "{globs:?} {own} {project}");
        }
    }
}
