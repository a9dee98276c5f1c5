//! What of the code base goes out, in a line and in full. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use super::{
    columns::{left, right},
    format::{count_of, plural},
    sanitize,
};
use crate::{context::Form, engine::RepositoryForecast};

/// Files listed; nobody reads more, and `--json` has all.
const LISTED: usize = 200;
/// Achievements named of a file.
const NAMED: usize = 6;

/// What goes out, in a line.
pub fn repository_line(repository: &RepositoryForecast) -> String {
    let paths = plural(repository.paths, "path");
    let files = plural(repository.file_count(), "file");
    let tokens = plural(repository.tokens, "token");
    let kept = repository
        .kept_from
        .map(|run| format!("; as it was for run {run}, which goes on (`--fresh-context` takes today's)"))
        .unwrap_or_default();
    let withheld = match repository.withheld.len() {
        0 => String::new(),
        number => format!("; {} left out for a secret", plural(number, "file")),
    };
    format!("repository: {paths}, {files}, {tokens}{withheld}{kept}; `--verbose` lists them")
}

/// Every file that goes out, a line each, and those that do not for what they hold.
pub fn repository_list(repository: &RepositoryForecast) -> String {
    let mut out = format!("Files of {} that prompts carry:\n", sanitize(&repository.root));
    let shown = &repository.files[..repository.files.len().min(LISTED)];
    let widest = shown.iter().map(|file| file.path.chars().count()).max().unwrap_or_default().min(60);
    for file in shown {
        let form = match file.form {
            Form::Whole => "whole",
            Form::Outline => "outline",
            Form::Head => "beginning",
        };
        let mut ids: Vec<String> = file.achievements.iter().take(NAMED).map(ToString::to_string).collect();
        if file.achievements.len() > NAMED {
            ids.push(format!("and {} more", file.achievements.len() - NAMED));
        }
        let of = if ids.is_empty() { String::from("all prompts") } else { ids.join(", ") };
        let path = left(&sanitize(&file.path), widest);
        let tokens = right(&count_of(file.tokens), 7);
        out.push_str(&format!("  {path}  {}  {tokens} tokens  {of}\n", left(form, "beginning".len())));
    }
    if repository.files.len() > LISTED {
        out.push_str(&format!("  … and {} more (`--json` has all)\n", count_of(repository.files.len() - LISTED)));
    }
    if shown.is_empty() {
        out.push_str("  none; only the tree goes out\n");
    }
    for file in &repository.withheld {
        out.push_str(&format!("  {} stays here: it holds {}\n", sanitize(&file.path), sanitize(&file.why)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::{ContextMode, WithheldFile},
        engine::FileForecast,
        plan::AchievementId,
    };

    fn file(path: &str, form: Form, tokens: usize, ids: &[&str]) -> FileForecast {
        let achievements = ids.iter().filter_map(|id| AchievementId::parse(id).ok()).collect();
        FileForecast { path: path.to_owned(), form, tokens, achievements }
    }

    #[test]
    fn what_goes_out_is_said_in_a_line_and_in_full() {
        let mut repository = RepositoryForecast {
            root: String::from("../.."),
            mode: ContextMode::Auto,
            paths: 214,
            files: vec![
                file("Cargo.toml", Form::Head, 400, &[]),
                file("src/a.rs", Form::Outline, 1_200, &["1.1", "1.2"]),
                file("src/a.rs", Form::Whole, 3_000, &["1.3"]),
            ],
            shared_tokens: 3_700,
            item_tokens: 3_000,
            tokens: 7_900,
            kept_from: None,
            withheld: Vec::new(),
        };
        assert_eq!(
            repository_line(&repository),
            "repository: 214 paths, 2 files, 7,900 tokens; `--verbose` lists them"
        );
        repository.kept_from = Some(7);
        repository.withheld =
            vec![WithheldFile { path: String::from("prod.yml"), why: String::from("a GitHub token (line 2)") }];
        assert_eq!(
            repository_line(&repository),
            "repository: 214 paths, 2 files, 7,900 tokens; 1 file left out for a secret; as it was for run 7, which goes on \
             (`--fresh-context` takes today's); `--verbose` lists them"
        );
        insta::assert_snapshot!(repository_list(&repository), @r"
        Files of ../.. that prompts carry:
          Cargo.toml  beginning      400 tokens  all prompts
          src/a.rs    outline      1,200 tokens  1.1, 1.2
          src/a.rs    whole        3,000 tokens  1.3
          prod.yml stays here: it holds a GitHub token (line 2)
        ");
    }
}
