//! How far the file of a project may move what the user, or planwave itself, says. Pure.
//!
//! Such a file may be somebody else's. So it can make a run stricter, cheaper and safer, never the other way round.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::Value;

use super::narrow::Globs;

/// How far a project's file may move a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reach {
    /// To any value.
    Any,
    /// Nowhere; saying something else than the user is an error. The words say what the key decides.
    Users(&'static str),
    /// Nowhere, because either direction could cost something: what it says is left out.
    Kept,
    /// To a smaller number.
    Lower,
    /// To a smaller number, where 0 stands for no bound at all.
    LowerFromNone,
    /// To a larger number.
    Raise,
    /// To this value of a switch.
    Switch(bool),
    /// To a word that comes later in this list.
    Later(&'static [&'static str]),
    /// To what both take in.
    Narrow(Globs),
    /// Only where the user says nothing: what the user names is in effect beside it, and first.
    Beside,
}

impl Reach {
    /// Whether the user's value may be replaced by a project's.
    pub(super) fn allows(self, users: Option<&Value>, project: &Value) -> bool {
        let Some(users) = users.filter(|users| *users != project) else { return true };
        let numbers = || Some((users.as_f64()?, project.as_f64()?));
        match self {
            Self::Any | Self::Users(_) | Self::Beside | Self::Narrow(_) => true,
            Self::Later(words) => {
                let place = |value: &Value| words.iter().position(|word| Some(*word) == value.as_str());
                place(project) >= place(users)
            }
            Self::Kept => false,
            Self::Switch(to) => project.as_bool() == Some(to),
            Self::Lower => numbers().is_some_and(|(users, project)| project <= users),
            Self::Raise => numbers().is_some_and(|(users, project)| project >= users),
            Self::LowerFromNone => {
                let bound = |number: f64| if number > 0.0 { number } else { f64::INFINITY };
                numbers().is_some_and(|(users, project)| bound(project) <= bound(users))
            }
        }
    }

    /// What a project's file may do, to stand after "a project's file".
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Any => "may set it",
            Self::Users(_) | Self::Kept => "cannot set it alone",
            Self::Lower | Self::LowerFromNone => "may only lower it",
            Self::Raise => "may only raise it",
            Self::Switch(true) => "may only turn it on",
            Self::Switch(false) => "may only turn it off",
            Self::Later(_) | Self::Narrow(_) => "may only narrow it",
            Self::Beside => "adds to it",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_project_moves_a_value_in_one_direction_only() {
        // The user's, the project's, and whether it may be.
        let cases = [
            (Reach::Any, json!(1), json!(2), true),
            (Reach::Lower, json!(5), json!(4), true),
            (Reach::Lower, json!(5), json!(5), true),
            (Reach::Lower, json!(5), json!(5.0), true),
            (Reach::Lower, json!(5), json!(5.5), false),
            (Reach::Lower, json!(5), json!(0), true),
            (Reach::LowerFromNone, json!(5), json!(0), false),
            (Reach::LowerFromNone, json!(5), json!(6), false),
            (Reach::LowerFromNone, json!(5), json!(0.5), true),
            (Reach::LowerFromNone, json!(0), json!(6), true),
            (Reach::LowerFromNone, json!(0), json!(0.0), true),
            (Reach::Kept, json!(30), json!(29), false),
            (Reach::Kept, json!(30), json!(31), false),
            (Reach::Kept, json!(30), json!(30), true),
            (Reach::Raise, json!(500), json!(499), false),
            (Reach::Raise, json!(500), json!(501), true),
            (Reach::Switch(true), json!(true), json!(false), false),
            (Reach::Switch(true), json!(false), json!(true), true),
            (Reach::Switch(false), json!(true), json!(false), true),
            (Reach::Switch(false), json!(false), json!(true), false),
            (Reach::Later(&["auto", "paths", "none"]), json!("paths"), json!("none"), true),
            (Reach::Later(&["auto", "paths", "none"]), json!("paths"), json!("auto"), false),
        ];
        for (reach, users, project, allowed) in cases {
            assert_eq!(reach.allows(Some(&users), &project), allowed, "{reach:?} {users} {project}");
        }
    }
}
