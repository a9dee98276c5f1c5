//! The overview of all commands that `planwave --help` prints: grouped by what people are about to do.
//!
//! clap lists subcommands in one column; with as many as there are, people look for a group first.

use std::fmt::Write as _;

use clap::{CommandFactory as _, builder::Styles};

use super::arguments::CommandLine;

/// Every command, in the order in which people come to need them. A test holds this against the commands there are.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Begin a plan", &["demo", "init", "analyze", "plan", "validate", "migrate"]),
    ("Generate documents", &["run", "check", "prompt", "import"]),
    (
        "Work on achievements",
        &[
            "status", "graph", "next", "claim", "start", "complete", "fail", "retry", "skip", "assign", "release",
            "refresh",
        ],
    ),
    ("Look back, take back", &["history", "cost", "show", "replay-events", "undo", "redo", "gc"]),
    ("Set up", &["doctor", "config", "trust", "schema", "explain-rule", "completions"]),
];

/// The command line with its grouped overview.
pub(super) fn command() -> clap::Command {
    let command = CommandLine::command();
    let overview = overview(&command, &Styles::default());
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{overview}\n{{options}}{{after-help}}"
    ))
}

fn overview(command: &clap::Command, styles: &Styles) -> String {
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = String::new();
    for (group, names) in GROUPS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{header}{group}:{header:#}");
        for name in names {
            let about = command.find_subcommand(name).and_then(|found| found.get_about());
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {literal}{name:<13}{literal:#}  {about}");
        }
        text.push('\n');
    }
    let _ = write!(text, "{header}Options:{header:#}");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_stands_in_one_group() {
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let there: BTreeSet<String> =
            CommandLine::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert_eq!(listed.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), there);
        assert_eq!(listed.len(), there.len(), "a command is listed twice");
    }

    /// Nothing wraps the overview, so each line has to fit.
    #[test]
    fn the_overview_fits_80_columns() {
        let plain = Styles::plain();
        for line in overview(&CommandLine::command(), &plain).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }
}
