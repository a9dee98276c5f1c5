//! What a run would do and cost, for a person to read before agreeing to it. Pure; linear in what it prints.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::HashMap;

use console::measure_text_width;

use super::{
    code_base::repository_line,
    columns::{cell, left, list, paragraph, right, usable, words_beside},
    confirm::{documents, token_range},
    format::{about, cost, count, count_of, hours, percent, plural},
    sanitize,
};
use crate::{
    engine::{DocumentForecast, Forecast, LevelForecast, SkippedForecast, Totals},
    model::gate::Bounds,
};

/// Documents printed of a level; nobody reads more, and `--json` has all.
const DOCUMENTS: usize = 200;
/// Dependencies printed of a document.
const DEPENDENCIES: usize = 12;
/// Skipped items printed one by one; more are grouped by their reason.
const SKIPPED: usize = 20;
/// Items named of a group of skipped ones.
const NAMED: usize = 6;
/// Column of what belongs to a document's line.
const INDENT: usize = 6;
/// Below this many columns a dependency may be broken behind its id: it does not fit on a line.
const NARROW: usize = 60;
const ESTIMATE: usize = 9;
const PROMPT: usize = 8;
const ANSWER: usize = 15;

/// [`forecast_text`], and that it was only that.
pub fn dry_run_text(forecast: &Forecast, width: usize) -> String {
    format!("{}\nnothing sent, nothing written\n", forecast_text(forecast, width))
}

/// Level by level what would be created, what is skipped and why, and the sums; for a line of `width` columns.
///
/// Paths are never cut: they may stick out, so that they can be copied.
pub fn forecast_text(forecast: &Forecast, width: usize) -> String {
    let width = usable(width);
    let mut out = String::new();
    let heading = format!("{} with {}; tokens counted with {}", forecast.plan, forecast.model, forecast.tokenizer);
    paragraph(&mut out, "", 0, &sanitize(&heading), width);
    out.push('\n');
    if forecast.levels.iter().any(|level| !level.documents.is_empty()) {
        table(&mut out, &forecast.levels, width);
    }
    skipped(&mut out, &forecast.skipped, width);
    totals(&mut out, forecast, width);
    if !forecast.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &forecast.warnings {
        paragraph(&mut out, "warning:", "warning: ".len(), &sanitize(warning), width);
    }
    out
}

/// Fewest columns that a title is worth showing in.
const LEAST_TITLE: usize = 10;

/// Which columns there are, and the widths of the two that depend on the content; the others are fixed.
///
/// Where a line is too narrow for all, ESTIMATE is left out, then ANSWER, then TITLE.
struct Layout {
    item: usize,
    title: Option<usize>,
    estimate: bool,
    answer: bool,
}

impl Layout {
    fn of(levels: &[LevelForecast], width: usize) -> Self {
        let shown = levels.iter().flat_map(|level| level.documents.iter().take(DOCUMENTS));
        let (mut item, mut longest) = ("ITEM".len(), "TITLE".len());
        for document in shown {
            item = item.max(document.call.to_string().len());
            longest = longest.max(measure_text_width(&sanitize(&document.title)));
        }
        let with = |estimate: bool, answer: bool| {
            let numbers = if estimate { ESTIMATE + 1 } else { 0 } + PROMPT + if answer { 1 + ANSWER } else { 0 };
            let fixed = "  ".len() + item + "  ".len() + "  ".len() + numbers;
            let title = width.checked_sub(fixed).filter(|room| *room >= longest.min(LEAST_TITLE))?;
            Some(Self { item, title: Some(title.min(longest)), estimate, answer })
        };
        with(true, true).or_else(|| with(false, true)).or_else(|| with(false, false)).unwrap_or(Self {
            item,
            title: None,
            estimate: false,
            answer: false,
        })
    }

    fn line(&self, item: &str, title: &str, [estimate, prompt, answer]: [&str; 3]) -> String {
        let mut line = format!("  {}  ", left(item, self.item));
        if let Some(width) = self.title {
            line.push_str(&cell(title, width));
            line.push_str("  ");
        }
        if self.estimate {
            line.push_str(&right(estimate, ESTIMATE));
            line.push(' ');
        }
        line.push_str(&right(prompt, PROMPT));
        if self.answer {
            line.push(' ');
            line.push_str(&right(answer, ANSWER));
        }
        line.push('\n');
        line
    }

    /// What the reader has to know of the columns.
    fn legend(&self) -> &'static str {
        match (self.title, self.answer, self.estimate) {
            (Some(_), true, true) => "PROMPT and ANSWER are tokens; ANSWER is what is expected and the cap.",
            (Some(_), true, false) => {
                "PROMPT and ANSWER are tokens; ANSWER is what is expected and the cap. There is no room for ESTIMATE; \
                 --json has it."
            }
            (Some(_), false, _) => "PROMPT is tokens. There is no room for ESTIMATE and ANSWER; --json has them.",
            (None, ..) => "PROMPT is tokens. There is no room for TITLE, ESTIMATE and ANSWER; --json has them.",
        }
    }
}

fn table(out: &mut String, levels: &[LevelForecast], width: usize) {
    let layout = Layout::of(levels, width);
    out.push_str(&layout.line("ITEM", "TITLE", ["ESTIMATE", "PROMPT", "ANSWER"]));
    let mut estimated = false;
    for level in levels.iter().filter(|level| !level.documents.is_empty()) {
        let number = plural(level.documents.len(), "document");
        let shared = count_of(level.shared_tokens);
        let label = format!("Level {}:", level.level);
        let text = format!("{number}; {shared} tokens of each prompt are shared");
        paragraph(out, &label, label.len() + 1, &text, width);
        if !level.shared_dropped.is_empty() {
            let dropped = level.shared_dropped.join(", ");
            paragraph(out, "  dropped to fit:", 18, &sanitize(&dropped), width);
        }
        for document in level.documents.iter().take(DOCUMENTS) {
            estimated |= document.estimated;
            describe(out, document, &layout, width);
        }
        let more = level.documents.len().saturating_sub(DOCUMENTS);
        if more > 0 {
            paragraph(out, "  …", 4, &format!("and {} more (use --json for all)", count_of(more)), width);
        }
        out.push('\n');
    }
    paragraph(out, "", 0, layout.legend(), width);
    if estimated {
        let legend = "an estimate: the SUBPLAN that the prompt will quote, and that says how many EXECUTIONs there \
                      are, does not exist yet.";
        paragraph(out, "~", 2, legend, width);
    }
    out.push('\n');
}

fn describe(out: &mut String, document: &DocumentForecast, layout: &Layout, width: usize) {
    let mark = if document.estimated { "~" } else { "" };
    let estimate = document.estimated_hours.map(hours).unwrap_or_default();
    let prompt = format!("{mark}{}", count_of(document.prompt_tokens));
    let answer = format!("{}–{}", count_of(document.expected_output), count_of(document.largest_output));
    let title = sanitize(&document.title);
    out.push_str(&layout.line(&document.call.to_string(), &title, [&estimate, &prompt, &answer]));
    let mut path = vec![sanitize(&document.path).into_owned()];
    if document.overwrites {
        path.push(String::from(" (overwrites what is there)"));
    }
    if document.remembered {
        path.push(String::from(" (answered from the tape)"));
    } else if document.answers_before > 0 {
        path.push(format!(" (goes on behind {} on the tape)", plural(document.answers_before as usize, "answer")));
    }
    words_beside(out, "", INDENT, &path, width);
    if document.dependencies.is_empty() {
        return;
    }
    let shown = document.dependencies.iter().take(DEPENDENCIES).map(|dependency| {
        let when = if dependency.in_run { ", in this run" } else { "" };
        format!("{} ({}{when})", dependency.id, sanitize(&dependency.status))
    });
    let mut needs: Vec<String> = shown.collect();
    let more = document.dependencies.len().saturating_sub(DEPENDENCIES);
    if more > 0 {
        needs.push(format!("and {} more", count_of(more)));
    }
    let label = format!("{}needs", " ".repeat(INDENT));
    if width < NARROW {
        paragraph(out, &label, label.len() + 1, &needs.join(", "), width);
    } else {
        list(out, &label, label.len() + 1, &needs, width);
    }
}

fn skipped(out: &mut String, skipped: &[SkippedForecast], width: usize) {
    if skipped.is_empty() {
        return;
    }
    out.push_str(&format!("Skipped: {}\n", plural(skipped.len(), "item")));
    if skipped.len() <= SKIPPED {
        let label = skipped.iter().map(|skip| skip.item.to_string().len()).max().unwrap_or(0);
        for skip in skipped {
            paragraph(out, &format!("  {}", skip.item), label + 4, &sanitize(&skip.reason), width);
        }
    } else {
        grouped(out, skipped, width);
    }
    out.push('\n');
}

/// One entry per reason, in the order in which the reasons first occur.
fn grouped(out: &mut String, skipped: &[SkippedForecast], width: usize) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<(&str, Vec<&SkippedForecast>)> = Vec::new();
    for skip in skipped {
        let place = *places.entry(&skip.reason).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, members)) => members.push(skip),
            None => groups.push((&skip.reason, vec![skip])),
        }
    }
    for (reason, members) in groups.iter().take(SKIPPED) {
        let mut names: Vec<String> = members.iter().take(NAMED).map(|skip| skip.item.to_string()).collect();
        let more = members.len().saturating_sub(NAMED);
        if more > 0 {
            names.push(format!("and {} more", count_of(more)));
        }
        let text = format!("{} ({}): {}", sanitize(reason), count_of(members.len()), names.join(", "));
        paragraph(out, "", 2, &text, width);
    }
    let rest: usize = groups.iter().skip(SKIPPED).map(|(_, members)| members.len()).sum();
    if rest > 0 {
        let text = format!("and {} more for other reasons (use --json for all)", count_of(rest));
        paragraph(out, "  …", 4, &text, width);
    }
}

fn totals(out: &mut String, forecast: &Forecast, width: usize) {
    let totals = &forecast.totals;
    if totals.subplans + totals.executions == 0 {
        out.push_str("Nothing to create.\n");
        return;
    }
    let mut all = documents(totals);
    if totals.estimated_executions > 0 {
        all.push_str(&format!(" ({} estimated)", count_of(totals.estimated_executions)));
    }
    if totals.remembered > 0 {
        all.push_str(&format!("; {} of them from the tape, paid for earlier", count_of(totals.remembered)));
    }
    paragraph(out, "Total", 8, &all, width);
    let mut sum = format!("{}; prompts {}", token_range(totals), count_of(totals.prompt_tokens));
    if totals.cached_tokens > 0 {
        let share = percent(totals.cached_tokens as u64, totals.prompt_tokens as u64);
        sum.push_str(&format!(", up to {share}% of them from the provider's cache"));
    }
    paragraph(out, "Tokens", 8, &sum, width);
    paragraph(out, "Cost", 8, &sanitize(&cost_range(totals, forecast)), width);
    if let Some(bounds) = &forecast.budget {
        paragraph(out, "Budget", 8, &budget(totals, *bounds), width);
    }
    if let Some(repository) = &forecast.repository {
        paragraph(out, "", 0, &repository_line(repository), width);
    }
}

/// What the run may cost, and whether that is enough for all of it.
fn budget(totals: &Totals, bounds: Bounds) -> String {
    let tokens = bounds.max_tokens.map(|most| (format!("{} tokens", count(most)), most as f64));
    let dollars = bounds.max_cost.map(|most| (cost(Some(most)), most));
    let ends = |low: usize, high: usize| Some((low as f64, high as f64));
    let each =
        [(dollars, totals.cost_expected.zip(totals.cost_high)), (tokens, ends(totals.low_tokens, totals.high_tokens))];
    let parts = each.into_iter().filter_map(|(bound, ends)| {
        let ((shown, most), (likely, largest)) = (bound?, ends?);
        let verdict = if largest <= most {
            "enough in any case"
        } else if likely <= most {
            "likely enough"
        } else {
            "not enough for all of it"
        };
        Some(format!("{shown}: {verdict}"))
    });
    parts.collect::<Vec<_>>().join("; ")
}

fn cost_range(totals: &Totals, forecast: &Forecast) -> String {
    if totals.remembered > 0 && totals.high_tokens == 0 {
        return String::from("nothing");
    }
    let (Some(low), Some(high)) = (totals.cost_low, totals.cost_high) else {
        return format!("unknown (no prices for {})", forecast.model);
    };
    let mut range = cost(Some(low));
    if cost(Some(high)) != range {
        range.push_str(&format!("–{}", cost(Some(high))));
        if let Some(expected) = totals.cost_expected {
            range.push_str(&format!(", {}", about(expected)));
        }
    }
    match &forecast.prices_taken {
        Some(date) => format!("{range} (prices of {date})"),
        None => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::Stage,
        engine::{CallId, DependencyForecast},
        plan::Hours,
        report::{events_for_tests::*, sanitize::is_unsafe},
    };

    fn document(call: CallId, title: &str, dependencies: Vec<DependencyForecast>) -> DocumentForecast {
        let path = match call.item.stage {
            Stage::Subplan => format!("subplans/SUBPLAN_DEMO_{}.md", call.item.achievement.short_slug()),
            Stage::Execution => format!(
                "execution/EXECUTION_TASK_A-PLAN-WITH-A-RATHER-LONG-NAME-AS-THEY-OCCUR_{}_{:02}.md",
                call.item.achievement.short_slug(),
                call.part
            ),
        };
        DocumentForecast {
            call,
            title: title.to_owned(),
            path,
            dependencies,
            estimated_hours: Some(Hours { low: 2.0, high: 3.0 }),
            estimated: false,
            overwrites: false,
            remembered: false,
            answers_before: 0,
            prompt_tokens: 2_840,
            expected_output: 1_900,
            largest_output: 8_000,
        }
    }

    fn needs(id: &str, status: &str, in_run: bool) -> DependencyForecast {
        DependencyForecast { id: id.parse().unwrap(), status: status.to_owned(), in_run }
    }

    fn skip(id: &str, reason: &str) -> SkippedForecast {
        SkippedForecast { item: item(id, Stage::Subplan), title: "Title".to_owned(), reason: reason.to_owned() }
    }

    fn two_levels() -> Forecast {
        let first = document(subplan("1.1"), "Set up the \u{1b}[31mrepository\u{1b}[0m", vec![]);
        let estimated =
            DocumentForecast { estimated: true, ..document(execution("1.1", 1, 1), "Set up the repository", vec![]) };
        let dependencies = vec![needs("1.1", "not_started", true), needs("0.9", "complete", false)];
        let second = DocumentForecast {
            overwrites: true,
            estimated_hours: None,
            largest_output: 128_000,
            ..document(subplan("2.10"), "Parse the configuration, with every layer and its errors", dependencies)
        };
        let many = (1..=15).map(|n| needs(&format!("1.{n}"), "subplan_created", false)).collect();
        let third = document(execution("2.10", 2, 3), "Parse 世界", many);
        Forecast {
            plan: "DEMO".into(),
            model: "gpt-5".into(),
            tokenizer: "o200k_base".into(),
            prices_taken: Some("2025-01-31".into()),
            repository: None,
            budget: None,
            levels: vec![
                LevelForecast {
                    level: 1,
                    shared_tokens: 2_140,
                    documents: vec![first, estimated],
                    ..Default::default()
                },
                LevelForecast { level: 2, ..Default::default() },
                LevelForecast {
                    level: 3,
                    shared_tokens: 8_000,
                    shared_dropped: vec!["deliverables of the siblings".into(), "titles of far siblings".into()],
                    documents: vec![second, third],
                },
            ],
            skipped: vec![skip("0.9", "complete"), skip("1.2", "blocked by 1.1 subplan, which failed")],
            warnings: vec!["1.1 depends on 0.7, which has no SUBPLAN yet: the text of the PLAN is used for it".into()],
            totals: Totals {
                reviews: 0,
                subplans: 2,
                executions: 2,
                estimated_executions: 1,
                remembered: 0,
                prompt_tokens: 11_360,
                cached_tokens: 6_000,
                low_tokens: 18_000,
                high_tokens: 43_360,
                cost_low: Some(0.0213),
                cost_expected: Some(0.0312),
                cost_high: Some(0.1402),
            },
        }
    }

    #[test]
    fn two_levels_at_80_columns() {
        insta::assert_snapshot!(dry_run_text(&two_levels(), 80), @r"
        DEMO with gpt-5; tokens counted with o200k_base

          ITEM                TITLE                    ESTIMATE   PROMPT          ANSWER
        Level 1: 2 documents; 2,140 tokens of each prompt are shared
          1.1 subplan         Set up the repository       2–3 h    2,840     1,900–8,000
              subplans/SUBPLAN_DEMO_11.md
          1.1 execution       Set up the repository       2–3 h   ~2,840     1,900–8,000
              execution/EXECUTION_TASK_A-PLAN-WITH-A-RATHER-LONG-NAME-AS-THEY-OCCUR_11_01.md

        Level 3: 2 documents; 8,000 tokens of each prompt are shared
          dropped to fit: deliverables of the siblings, titles of far siblings
          2.10 subplan        Parse the configurati…               2,840   1,900–128,000
              subplans/SUBPLAN_DEMO_210.md  (overwrites what is there)
              needs 1.1 (not_started, in this run), 0.9 (complete)
          2.10 execution 2/3  Parse 世界                  2–3 h    2,840     1,900–8,000
              execution/EXECUTION_TASK_A-PLAN-WITH-A-RATHER-LONG-NAME-AS-THEY-OCCUR_210_02.md
              needs 1.1 (subplan_created), 1.2 (subplan_created), 1.3 (subplan_created),
                    1.4 (subplan_created), 1.5 (subplan_created), 1.6 (subplan_created),
                    1.7 (subplan_created), 1.8 (subplan_created), 1.9 (subplan_created),
                    1.10 (subplan_created), 1.11 (subplan_created),
                    1.12 (subplan_created), and 3 more

        PROMPT and ANSWER are tokens; ANSWER is what is expected and the cap.
        ~ an estimate: the SUBPLAN that the prompt will quote, and that says how many
          EXECUTIONs there are, does not exist yet.

        Skipped: 2 items
          0.9 subplan  complete
          1.2 subplan  blocked by 1.1 subplan, which failed

        Total   2 SUBPLANs and 2 EXECUTIONs (1 estimated)
        Tokens  18,000–43,360; prompts 11,360, up to 52% of them from the provider's
                cache
        Cost    $0.0213–$0.14, about $0.03 (prices of 2025-01-31)

        warning: 1.1 depends on 0.7, which has no SUBPLAN yet: the text of the PLAN is
                 used for it

        nothing sent, nothing written
        ");
    }

    #[test]
    fn nothing_to_do() {
        let mut forecast = two_levels();
        forecast.levels.clear();
        forecast.warnings.clear();
        forecast.totals = Totals::default();
        insta::assert_snapshot!(dry_run_text(&forecast, 0), @r"
        DEMO with gpt-5; tokens counted with
        o200k_base

        Skipped: 2 items
          0.9 subplan  complete
          1.2 subplan  blocked by 1.1 subplan,
                       which failed

        Nothing to create.

        nothing sent, nothing written
        ");
    }

    #[test]
    fn many_skipped_items_are_grouped_by_reason() {
        let mut forecast = two_levels();
        forecast.levels.clear();
        forecast.warnings.clear();
        forecast.skipped = (1..=2_000).map(|n| skip(&format!("1.{n}"), "exists")).collect();
        forecast.skipped.extend((1..=30).map(|n| skip(&format!("2.{n}"), &format!("blocked by 1.{n} subplan"))));
        let text = forecast_text(&forecast, 80);
        assert!(text.contains("  exists (2,000): 1.1 subplan, 1.2 subplan, 1.3 subplan, 1.4 subplan, 1.5"), "{text}");
        assert!(text.contains("and 1,994 more\n"), "{text}");
        assert!(text.contains("  blocked by 1.19 subplan (1): 2.19 subplan\n"), "{text}");
        assert!(text.contains("  … and 11 more for other reasons (use --json for all)\n"), "{text}");
    }

    #[test]
    fn a_large_level_is_cut_and_its_paths_are_whole() {
        let mut forecast = two_levels();
        let documents: Vec<_> =
            (1..=10_000).map(|n| document(execution(&format!("1.{n}"), 1, 1), "T", vec![])).collect();
        forecast.levels = vec![LevelForecast { level: 1, documents, ..Default::default() }];
        let text = dry_run_text(&forecast, 80);
        assert!(text.contains("  … and 9,800 more (use --json for all)\n"));
        assert_eq!(text.matches("execution/EXECUTION_TASK_").count(), 200);
        for document in &forecast.levels[0].documents[..200] {
            assert!(text.contains(&format!("      {}\n", document.path)));
        }
        assert!(text.ends_with("\n\nnothing sent, nothing written\n"));
    }

    #[test]
    fn all_lines_but_paths_fit() {
        for width in [40, 60, 80, 120] {
            for line in dry_run_text(&two_levels(), width).lines().filter(|line| !line.contains(".md")) {
                assert!(measure_text_width(line) <= width, "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn columns_are_left_out_in_their_order_where_a_line_is_narrow() {
        let head = |width| {
            let text = dry_run_text(&two_levels(), width);
            text.lines().find(|line| line.contains("ITEM")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(head(68), "ITEM TITLE ESTIMATE PROMPT ANSWER");
        assert_eq!(head(67), "ITEM TITLE PROMPT ANSWER");
        assert_eq!(head(58), "ITEM TITLE PROMPT ANSWER");
        assert_eq!(head(57), "ITEM TITLE PROMPT");
        assert_eq!(head(42), "ITEM TITLE PROMPT");
        assert_eq!(head(41), "ITEM PROMPT");
    }

    #[test]
    fn two_levels_at_40_columns() {
        insta::assert_snapshot!(dry_run_text(&two_levels(), 40), @r"
        DEMO with gpt-5; tokens counted with
        o200k_base

          ITEM                  PROMPT
        Level 1: 2 documents; 2,140 tokens of
                 each prompt are shared
          1.1 subplan            2,840
              subplans/SUBPLAN_DEMO_11.md
          1.1 execution         ~2,840
              execution/EXECUTION_TASK_A-PLAN-WITH-A-RATHER-LONG-NAME-AS-THEY-OCCUR_11_01.md

        Level 3: 2 documents; 8,000 tokens of
                 each prompt are shared
          dropped to fit: deliverables of the
                          siblings, titles of
                          far siblings
          2.10 subplan           2,840
              subplans/SUBPLAN_DEMO_210.md
               (overwrites what is there)
              needs 1.1 (not_started, in this
                    run), 0.9 (complete)
          2.10 execution 2/3     2,840
              execution/EXECUTION_TASK_A-PLAN-WITH-A-RATHER-LONG-NAME-AS-THEY-OCCUR_210_02.md
              needs 1.1 (subplan_created), 1.2
                    (subplan_created), 1.3
                    (subplan_created), 1.4
                    (subplan_created), 1.5
                    (subplan_created), 1.6
                    (subplan_created), 1.7
                    (subplan_created), 1.8
                    (subplan_created), 1.9
                    (subplan_created), 1.10
                    (subplan_created), 1.11
                    (subplan_created), 1.12
                    (subplan_created), and 3
                    more

        PROMPT is tokens. There is no room for
        TITLE, ESTIMATE and ANSWER; --json has
        them.
        ~ an estimate: the SUBPLAN that the
          prompt will quote, and that says how
          many EXECUTIONs there are, does not
          exist yet.

        Skipped: 2 items
          0.9 subplan  complete
          1.2 subplan  blocked by 1.1 subplan,
                       which failed

        Total   2 SUBPLANs and 2 EXECUTIONs (1
                estimated)
        Tokens  18,000–43,360; prompts 11,360,
                up to 52% of them from the
                provider's cache
        Cost    $0.0213–$0.14, about $0.03
                (prices of 2025-01-31)

        warning: 1.1 depends on 0.7, which has
                 no SUBPLAN yet: the text of the
                 PLAN is used for it

        nothing sent, nothing written
        ");
    }

    #[test]
    fn costs_are_a_range_or_unknown() {
        let forecast = two_levels();
        let range = |cost_low, cost_expected, cost_high, prices_taken: Option<&str>| {
            let totals = Totals { cost_low, cost_expected, cost_high, ..Totals::default() };
            let prices_taken = prices_taken.map(str::to_owned);
            cost_range(&totals, &Forecast { prices_taken, ..forecast.clone() })
        };
        assert_eq!(range(Some(0.0), Some(0.0), Some(0.0), None), "$0.00");
        assert_eq!(
            range(Some(1.0), Some(2.0), Some(3.0), Some("2025-01-31")),
            "$1.00–$3.00, about $2.00 (prices of 2025-01-31)"
        );
        assert_eq!(range(None, None, Some(1.0), None), "unknown (no prices for gpt-5)");
        // What is on the tape costs nothing, whatever the model would.
        assert_eq!(cost_range(&Totals { remembered: 2, ..Totals::default() }, &forecast), "nothing");
    }

    #[test]
    fn nothing_hidden_reaches_the_terminal() {
        let hostile = "\u{1b}[2J\u{202e}a\u{7}\nb\u{9b}31m";
        let mut forecast = two_levels();
        forecast.levels[2].shared_dropped = vec![hostile.to_owned()];
        let document = &mut forecast.levels[2].documents[0];
        for text in [&mut document.title, &mut document.path, &mut document.dependencies[0].status] {
            *text = hostile.to_owned();
        }
        for text in [&mut forecast.plan, &mut forecast.model, &mut forecast.tokenizer, &mut forecast.warnings[0]] {
            *text = hostile.to_owned();
        }
        forecast.skipped[0].reason = hostile.to_owned();
        forecast.prices_taken = Some(hostile.to_owned());
        for many in [false, true] {
            if many {
                forecast.skipped = vec![forecast.skipped[0].clone(); SKIPPED + 1];
            }
            let text = dry_run_text(&forecast, 80);
            assert!(!text.contains(|c| c != '\n' && is_unsafe(c)), "{text:?}");
            assert!(!text.contains("\nb"), "{text}");
        }
    }

    #[test]
    fn a_forecast_is_flat_json() {
        let json = serde_json::to_value(two_levels()).unwrap();
        let document = &json["levels"][2]["documents"][1];
        assert_eq!(document["achievement"], "2.10");
        assert_eq!(document["stage"], "execution");
        assert_eq!(document["part"], 2);
        assert_eq!(document["dependencies"][0]["in_run"], false);
        assert_eq!(json["skipped"][0]["achievement"], "0.9");
    }
}
