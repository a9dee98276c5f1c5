//! The codes of errors, for programs. They are stable: none is renamed, and docs/guide.md lists them.

/// Makes [`ErrorCode`] from one row per code: variant, name, explanation.
macro_rules! codes {
    ($($variant:ident $name:literal $explanation:literal)*) => {
        /// What kind of error a command ended with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ErrorCode {
            $(#[doc = $explanation] $variant,)*
        }

        impl ErrorCode {
            /// Every code with its name and what it means, in one sentence.
            #[cfg(test)]
            pub(super) const ALL: &[(&str, &str)] = &[$(($name, $explanation)),*];

            /// The name by which programs know it.
            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    Usage "usage" "The command line cannot be understood."
    Invalid "invalid" "Something else that was given cannot be used."
    NoPlan "no-plan" "There is no PLAN where one was named."
    Plan "plan" "The PLAN cannot be used."
    ParallelJson "parallel-json" "The parallel.json is missing or cannot be used."
    Planning "planning" "What was asked for cannot be planned."
    Settings "settings" "A setting or a file of settings is wrong."
    Template "template" "A prompt template is wrong."
    Untrusted "untrusted" "A project's file asks for something that the user has not agreed to."
    NoKey "no-key" "The server needs an API key, and there is none."
    NoTerminal "no-terminal" "Something has to be asked, and there is no terminal."
    Unreadable "unreadable" "A file or directory cannot be read."
    Exists "exists" "A file is there already and was not replaced."
    Changed "changed" "A file was changed at the same moment and was left as it is."
    NotWritten "not-written" "A file cannot be written."
    Held "held" "Another process holds the plan."
    NoLock "no-lock" "The plan cannot be locked."
    Action "action" "The achievement cannot do that now."
    Incomplete "incomplete" "Something was left undone."
    Stopped "stopped" "The provider keeps the command from going on."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_guide() {
        let guide = include_str!("../../docs/guide.md");
        for (name, explanation) in ErrorCode::ALL {
            let row = format!("| `{name}` | {explanation} |");
            assert!(guide.contains(&row), "docs/guide.md lacks the row\n{row}");
        }
        let names: std::collections::BTreeSet<&str> = ErrorCode::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }
}
