//! What people read of a rule: one explanation, the list, and the page `docs/rules.md`.

use std::fmt::Write as _;

use super::{RULES, Rule};

/// What the first digit of a code is about.
const FAMILIES: [(char, &str); 8] = [
    ('1', "The file and its values"),
    ('2', "Ids"),
    ('3', "Dependencies"),
    ('4', "Levels"),
    ('5', "Fields that follow from others"),
    ('6', "The plan directory"),
    ('7', "The PLAN"),
    ('8', "Independence"),
];

/// One rule, for a terminal of `width` columns.
pub fn explain_rule(rule: &Rule, width: usize) -> String {
    let mut text = format!("{} {}: {}\n", rule.code, rule.name, rule.severity.as_str());
    text.push_str(&folded(rule.title, width));
    text.push('\n');
    text.push_str(&folded(rule.explanation, width));
    let _ = writeln!(text, "\nExample:\n    {}\n", rule.example);
    text.push_str(&folded(&fix(rule), width));
    text
}

/// Every rule, one a line.
pub fn rules_table() -> String {
    let mut text = String::new();
    for rule in RULES {
        let fix = if rule.fix.is_some() { "fix" } else { "" };
        let _ = writeln!(text, "{} {:<7} {fix:<3} {}", rule.code, rule.severity.as_str(), rule.name);
    }
    text
}

/// The page of all rules, as markdown.
pub fn rules_page() -> String {
    let mut text = String::from(
        "# Rules of parallel.json\n\n`planwave validate` checks a parallel.json, and what stands around it, by these rules. \
         `planwave explain-rule CODE` prints one\nof them, `planwave validate --fix` repairs what has a single right answer. \
         An error makes the exit code 1; warnings and notes do not.\n\nThis page is generated from `src/parallel/rules`.\n",
    );
    for (digit, family) in FAMILIES {
        let _ = write!(text, "\n## {family}\n\n| code | name | severity | `--fix` |\n|---|---|---|---|\n");
        let of_family = || RULES.iter().filter(|rule| rule.code.chars().nth(2) == Some(digit));
        for rule in of_family() {
            let fix = if rule.fix.is_some() { "yes" } else { "" };
            let (code, name, severity) = (rule.code, rule.name, rule.severity.as_str());
            let _ = writeln!(text, "| [{code}](#{}-{name}) | {name} | {severity} | {fix} |", code.to_lowercase());
        }
        for rule in of_family() {
            let Rule { code, name, title, explanation, example, .. } = rule;
            let _ = write!(
                text,
                "\n### {code} {name}\n\n**{title}.** {explanation}\n\n```text\n{example}\n```\n\n{}\n",
                fix(rule)
            );
        }
    }
    text
}

fn fix(rule: &Rule) -> String {
    match rule.fix {
        Some(what) => format!("`--fix` {what}."),
        None => "`--fix` leaves it alone.".to_owned(),
    }
}

/// Lines of at most `width` columns, broken at spaces.
fn folded(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let columns = word.chars().count();
        if used > 0 {
            let fits = used + 1 + columns <= width;
            out.push(if fits { ' ' } else { '\n' });
            used = if fits { used + 1 } else { 0 };
        }
        out.push_str(word);
        used += columns;
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_current() {
        let page = include_str!("../../../docs/rules.md");
        let hint = "write it anew: cargo run -- explain-rule --markdown > docs/rules.md";
        assert!(page.replace("\r\n", "\n") == rules_page(), "docs/rules.md is not current; {hint}");
    }

    #[test]
    fn every_family_has_its_rules() {
        for rule in RULES {
            assert!(FAMILIES.iter().any(|(digit, _)| rule.code.chars().nth(2) == Some(*digit)), "{}", rule.code);
        }
        assert!(rules_table().lines().all(|line| line.len() < 80));
    }
}
