//! What a run did, after it: a row per item, sums, and what to type next. Pure; linear in the rows.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use super::{
    Style,
    columns::{left, paragraph, right, usable, words_beside, wrap},
    confirm::{documents, token_range},
    format::{about, cost, count, count_of, duration, percent},
    sanitize, truncate,
};
use crate::{
    document::Clash,
    engine::{ItemOutcome, Summary, SummaryRow, Totals},
    event::{Overdraft, Reviews},
    model::Usage,
};

/// Rows listed where there is no terminal whose height tells how many fit.
const ROWS: usize = 40;
/// Rows listed on a terminal, however low it is.
const LEAST_ROWS: usize = 5;
/// Of rows that need attention so many are listed, whether they fit or not.
const LISTED: usize = 100;
/// What is shown of a reason, columns.
const REASON: usize = 600;
const OUTCOME: usize = "not started".len();
const TOKENS: usize = 9;
/// The column of the sums.
const INDENT: usize = 11;

/// What a [`Summary`] does not know and its reader needs.
#[derive(Clone, Debug)]
pub struct SummaryContext<'a> {
    /// The plan argument as it was typed, for commands to type next.
    pub plan: &'a str,
    /// What else was typed and has to be typed again, such as `--level`, `1`.
    pub selection: &'a [String],
    /// The level to generate next, where there is one.
    pub next_level: Option<u32>,
    /// What the next run would do and cost, after a run that its budget stopped.
    pub left: Option<Totals>,
    /// Where the documents are.
    pub directory: &'a str,
    /// The model asked.
    pub model: &'a str,
    /// The answers came from a tape: nothing was spent now.
    pub replay: bool,
    /// Columns of a line.
    pub width: usize,
    /// Lines of the terminal, where it is one.
    pub height: Option<usize>,
    /// Colours or not.
    pub style: Style,
}

/// The summary for a person.
pub fn summary_text(summary: &Summary, context: &SummaryContext<'_>) -> String {
    let width = usable(context.width);
    let mut below = String::new();
    sums(&mut below, summary, context, width);
    next(&mut below, summary, context);
    let room = context.height.map_or(ROWS, |height| {
        // Besides: the heading, the line that counts the rest, an empty line, and the prompt behind it all.
        height.saturating_sub(below.lines().count() + 4).max(LEAST_ROWS)
    });
    let mut out = String::new();
    rows(&mut out, &summary.rows, room, width, context.style);
    out.push_str(&below);
    out
}

/// The summary for a program.
pub fn summary_json(summary: &Summary) -> serde_json::Value {
    // Its keys are text and it holds nothing that JSON has not, so there is no error to report.
    serde_json::to_value(summary).unwrap_or_default()
}

fn needs_attention(row: &SummaryRow) -> bool {
    !matches!(row.outcome, ItemOutcome::Done | ItemOutcome::Skipped)
}

/// In which order rows come where there is no room for all: what needs attention first.
fn rank(outcome: ItemOutcome) -> u8 {
    match outcome {
        ItemOutcome::Failed => 0,
        ItemOutcome::Blocked => 1,
        ItemOutcome::NotStarted => 2,
        ItemOutcome::Done => 3,
        ItemOutcome::Skipped => 4,
    }
}

/// A table of the rows in their order, or, where they are more than there is `room` for, of those that need attention and of
/// as many others as fit.
fn rows(out: &mut String, rows: &[SummaryRow], room: usize, width: usize, style: Style) {
    if rows.is_empty() {
        return;
    }
    let mut order: Vec<&SummaryRow> = rows.iter().collect();
    let mut shown = order.len();
    if shown > room {
        order.sort_by_key(|row| rank(row.outcome));
        let urgent = order.partition_point(|row| needs_attention(row));
        shown = urgent.min(LISTED.max(room));
    }
    let considered = &order[..shown.max(room).min(order.len())];
    let item = considered.iter().map(|row| row.item.to_string().len()).max().unwrap_or(0).max("ITEM".len());
    let mut table = String::new();
    for row in &order[..shown] {
        line(&mut table, row, item, width, style);
    }
    // Reasons take several lines, the others one each.
    let others = room.saturating_sub(table.lines().count()).min(order.len() - shown);
    for row in &order[shown..shown + others] {
        line(&mut table, row, item, width, style);
    }
    let head = format!("{}  {}  {}", left("ITEM", item), left("OUTCOME", OUTCOME), right("TOKENS", TOKENS));
    out.push_str(&format!("{}\n{table}", style.bold(head)));
    let rest = &order[shown + others..];
    if !rest.is_empty() {
        let parts: Vec<String> = rest
            .chunk_by(|a, b| a.outcome == b.outcome)
            .map(|same| format!("{} {}", count_of(same.len()), same[0].outcome))
            .collect();
        out.push_str(&format!("… and {} more: {}\n", count_of(rest.len()), parts.join(", ")));
    }
    out.push('\n');
}

fn line(out: &mut String, row: &SummaryRow, item: usize, width: usize, style: Style) {
    let outcome = left(&row.outcome.to_string(), OUTCOME);
    let outcome = match row.outcome {
        ItemOutcome::Done => style.good(outcome),
        ItemOutcome::Failed => style.bad(outcome),
        ItemOutcome::Blocked | ItemOutcome::NotStarted => style.warning(outcome),
        ItemOutcome::Skipped => style.dim(outcome),
    };
    let spent = row.usage.input + row.usage.output;
    let tokens = if spent > 0 { count(spent) } else { String::new() };
    let indent = item + 2 + OUTCOME + 2 + TOKENS + 2;
    let room = width.saturating_sub(indent).max(12);
    let head = format!("{}  {outcome}  {}", left(&row.item.to_string(), item), right(&tokens, TOKENS));
    let title = sanitize(&row.title);
    let reason = row.reason.as_deref().map(sanitize);
    let detail = match (row.outcome, reason) {
        (ItemOutcome::Failed, Some(reason)) if row.attempts > 1 => {
            vec![format!("{} ({} attempts in all)", truncate(&reason, REASON), row.attempts)]
        }
        (ItemOutcome::Blocked, Some(by)) => vec![format!("by {}", truncate(&by, REASON))],
        (_, Some(reason)) => vec![truncate(&reason, REASON).into_owned()],
        (_, None) => vec![],
    };
    let lines = match detail.first() {
        Some(detail) => wrap(detail, room),
        None => vec![truncate(&title, room).into_owned()],
    };
    for (number, text) in lines.iter().enumerate() {
        let head = if number == 0 { head.clone() } else { " ".repeat(indent - 2) };
        out.push_str(format!("{head}  {text}").trim_end());
        out.push('\n');
    }
}

fn sums(out: &mut String, summary: &Summary, context: &SummaryContext<'_>, width: usize) {
    let outcomes = [
        (summary.done, "done"),
        (summary.failed, "failed"),
        (summary.blocked, "blocked"),
        (summary.not_started, "not started"),
        (summary.skipped, "skipped"),
    ];
    let some: Vec<String> =
        outcomes.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", count_of(*n))).collect();
    let items = if some.is_empty() { "nothing to do".to_owned() } else { some.join(", ") };
    paragraph(out, "Items", INDENT, &items, width);
    if summary.documents > 0 {
        let written = format!("{} written, in subplans/ and execution/ of", count_of(summary.documents));
        // The directory is one word here: it is there to be copied.
        let directory = sanitize(context.directory).into_owned();
        let words: Vec<String> = written.split(' ').map(str::to_owned).chain([directory]).collect();
        words_beside(out, "Documents", INDENT, &words, width);
    }
    if let Some(reason) = &summary.stopped {
        paragraph(out, "Stopped", INDENT, &sanitize(reason), width);
    }
    if let Some(overdraft) = &summary.over_budget {
        paragraph(out, "Budget", INDENT, &passed(overdraft), width);
    }
    if let Some(left) = &context.left {
        let cost = left.cost_expected.map_or_else(|| String::from("cost unknown"), about);
        let text = format!("{} for {} tokens ({cost})", documents(left), token_range(left));
        paragraph(out, "Left", INDENT, &text, width);
    }
    cuts(out, &summary.cuts, width);
    unclear(out, &summary.unclear, width);
    if !summary.reviews.is_none() {
        paragraph(out, "Reviews", INDENT, &reviews(&summary.reviews), width);
    }
    if let Some(cut) = summary.prompt_cut {
        paragraph(out, "Warning", INDENT, &format!("{cut}; the model does not see the whole task then"), width);
    }
    for sentence in &summary.surplus {
        paragraph(out, "Also", INDENT, &sanitize(sentence), width);
    }
    clashes(out, &summary.clashes, width);
    hints(out, &summary.hints, width);
    if summary.remembered > 0 {
        let text = format!(
            "{} from the tape, paid for earlier; `--fresh` asks again",
            super::plural(summary.remembered, "answer")
        );
        paragraph(out, "Kept", INDENT, &text, width);
    }
    if summary.requests == 0 && summary.usage == Usage::default() && summary.unmetered == 0 {
        return;
    }
    paragraph(out, "Tokens", INDENT, &tokens(summary), width);
    paragraph(out, "Cost", INDENT, &sanitize(&spent(summary, context)), width);
    paragraph(out, "Time", INDENT, &time(summary, context.replay), width);
}

/// What second opinions said.
fn reviews(reviews: &Reviews) -> String {
    let counts =
        [(reviews.passed, "passed"), (reviews.failed, "went back once"), (reviews.unknown, "without a verdict")];
    let said = counts.into_iter().filter(|(count, _)| *count > 0);
    said.map(|(count, what)| format!("{} {what}", count_of(count))).collect::<Vec<_>>().join(", ")
}

/// What does not fit between documents of a level, and what mends it. The commands are there to be copied, so they are
/// not broken.
fn clashes(out: &mut String, clashes: &[Clash], width: usize) {
    const SHOWN: usize = 10;
    for clash in clashes.iter().take(SHOWN) {
        paragraph(out, "Clash", INDENT, &sanitize(&clash.message), width);
        out.push_str(&format!("{:INDENT$}{}\n", "", sanitize(&clash.command)));
    }
    if clashes.len() > SHOWN {
        paragraph(out, "", INDENT, &format!("and {} more (`--json` has all)", count_of(clashes.len() - SHOWN)), width);
    }
}

/// What did not come whole, a line each.
fn cuts(out: &mut String, cuts: &[String], width: usize) {
    const SHOWN: usize = 10;
    for (number, cut) in cuts.iter().take(SHOWN).enumerate() {
        paragraph(out, if number == 0 { "Cut" } else { "" }, INDENT, &sanitize(cut), width);
    }
    if cuts.len() > SHOWN {
        paragraph(out, "", INDENT, &format!("and {} more", count_of(cuts.len() - SHOWN)), width);
    }
}

/// Paths that something is said of; not all where they are many.
fn some_of(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
    let more = paths.len() - shown.len();
    let more = if more > 0 { format!(" and {} more", count_of(more)) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// What was accepted although its server did not say that it is whole.
fn unclear(out: &mut String, paths: &[String], width: usize) {
    if paths.is_empty() {
        return;
    }
    let text = format!(
        "the server did not say that {} whole (no finish_reason); look at how {}: {}",
        if paths.len() == 1 {
            String::from("this document is")
        } else {
            format!("{} documents are", count_of(paths.len()))
        },
        if paths.len() == 1 { "it ends" } else { "they end" },
        some_of(paths),
    );
    paragraph(out, "Warning", INDENT, &sanitize(&text), width);
}

/// The first hints. One of several lines shows something (what differs from a tape), and its lines stay as they are.
fn hints(out: &mut String, hints: &[String], width: usize) {
    const SHOWN: usize = 3;
    for hint in hints.iter().take(SHOWN) {
        let mut lines = hint.lines();
        paragraph(out, "Hint", INDENT, &sanitize(lines.next().unwrap_or_default()), width);
        for line in lines {
            out.push_str(&format!("{:INDENT$}{}\n", "", sanitize(line)));
        }
    }
    if hints.len() > SHOWN {
        paragraph(out, "", INDENT, &format!("and {}", plural_more(hints.len() - SHOWN)), width);
    }
}

fn plural_more(number: usize) -> String {
    if number == 1 { String::from("1 more hint") } else { format!("{number} more hints") }
}

/// How far the bounds of the run were passed.
fn passed(overdraft: &Overdraft) -> String {
    let tokens = overdraft.tokens.map(|tokens| format!("{} tokens", count(tokens)));
    let dollars = overdraft.cost.map(|dollars| cost(Some(dollars)));
    let parts: Vec<String> = tokens.into_iter().chain(dollars).collect();
    format!("passed by {}: the server counted more than was set aside", parts.join(" and "))
}

fn tokens(summary: &Summary) -> String {
    let usage = summary.usage;
    let mut text = format!("{}{} in", at_least(usage), count(usage.input));
    if usage.cached > 0 {
        text.push_str(&format!(" ({} cached, {}%)", count(usage.cached), percent(usage.cached, usage.input)));
    }
    text.push_str(&format!(", {} out", count(usage.output)));
    if usage.reasoning > 0 {
        text.push_str(&format!(" ({} reasoning)", count(usage.reasoning)));
    }
    match summary.unmetered {
        0 => text,
        1 => text + "; 1 answer without usage is not counted",
        number => format!("{text}; {} answers without usage are not counted", count_of(number)),
    }
}

/// In front of sums that may be larger: the server's counts cannot be true, so what was sent and received was counted.
fn at_least(usage: Usage) -> &'static str {
    if usage.at_least { "at least " } else { "" }
}

fn spent(summary: &Summary, context: &SummaryContext<'_>) -> String {
    match (summary.cost, context.replay) {
        (None, _) => format!("unknown (no prices for {})", context.model),
        (_, false) if summary.unmetered > 0 && summary.usage == Usage::default() => {
            String::from("unknown (the server counted no tokens)")
        }
        (amount, false) if summary.unmetered > 0 => {
            let without = super::plural(summary.unmetered, "answer");
            format!("{} and what {without} without usage cost", cost(amount))
        }
        (amount, false) => format!("{}{}", at_least(summary.usage), cost(amount)),
        (amount, true) => format!("nothing was spent now; {} for the answers on the tape", cost(amount)),
    }
}

fn time(summary: &Summary, replay: bool) -> String {
    let (wall, sequential) = (summary.wall_ms, summary.sequential_ms);
    let text = duration(wall);
    if replay {
        return format!("{text} to replay; the taped calls took {} one after the other", duration(sequential));
    }
    // Below a tenth more, the comparison says nothing.
    if wall == 0 || sequential / 11 * 10 <= wall {
        return text;
    }
    let factor = sequential as f64 / wall as f64;
    format!("{text}; one after the other it would be {} ({factor:.1} times as long)", duration(sequential))
}

fn next(out: &mut String, summary: &Summary, context: &SummaryContext<'_>) {
    let plan = shell_word(context.plan);
    let open = summary.failed + summary.blocked + summary.not_started;
    let (command, effect) = if open > 0 {
        let words = context.selection.iter().map(|argument| shell_word(argument));
        let command: Vec<String> = ["planwave".to_owned(), "run".to_owned(), plan].into_iter().chain(words).collect();
        (command.join(" "), "takes up what is not done, and only that")
    } else if let Some(level) = context.next_level {
        (format!("planwave run {plan} --level {level}"), "generates the next level")
    } else {
        (format!("planwave next {plan}"), "shows what can be worked on now")
    };
    // Never wrapped: it is there to be copied.
    out.push_str(&format!("\n{}{}\n", left("Next", INDENT), context.style.bold(command)));
    out.push_str(&format!("{}{}\n", " ".repeat(INDENT), context.style.dim(effect)));
}

/// An argument as it has to be typed into a shell to arrive unchanged.
pub fn shell_word(argument: &str) -> String {
    let argument = sanitize(argument);
    let plain = |c: char| c.is_alphanumeric() || "-_./:\\@%+=,~".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.into_owned();
    }
    if cfg!(windows) { format!("\"{argument}\"") } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;
    use crate::{
        document::Stage,
        report::{events_for_tests::item, sanitize::is_unsafe},
    };

    fn row(id: &str, stage: Stage, outcome: ItemOutcome, reason: Option<&str>) -> SummaryRow {
        SummaryRow {
            item: item(id, stage),
            title: format!("Write the {id} that everything else of this plan is going to need"),
            level: 1,
            outcome,
            reason: reason.map(str::to_owned),
            paths: vec![],
            usage: match outcome {
                ItemOutcome::Done | ItemOutcome::Failed => {
                    Usage { input: 7_200, cached: 4_096, output: 1_834, reasoning: 640, at_least: false }
                }
                _ => Usage::default(),
            },
            attempts: if outcome == ItemOutcome::Failed { 3 } else { 1 },
        }
    }

    fn mixed() -> Summary {
        Summary {
            rows: vec![
                row("1.1", Stage::Subplan, ItemOutcome::Done, None),
                row(
                    "1.1",
                    Stage::Execution,
                    ItemOutcome::Failed,
                    Some(
                        "section-missing: the section Objective is \u{1b}[31mmissing, and so is everything else that was asked for",
                    ),
                ),
                row("1.2", Stage::Subplan, ItemOutcome::Skipped, Some("exists")),
                row("1.2", Stage::Execution, ItemOutcome::Blocked, Some("1.1 execution")),
                row("1.3", Stage::Subplan, ItemOutcome::NotStarted, None),
            ],
            documents: 1,
            done: 1,
            failed: 1,
            blocked: 1,
            not_started: 1,
            skipped: 1,
            usage: Usage { input: 14_400, cached: 8_192, output: 3_668, reasoning: 1_280, at_least: false },
            unmetered: 2,
            cost: Some(0.03124),
            requests: 5,
            wall_ms: 64_000,
            sequential_ms: 320_000,
            stopped: Some("the provider says: quota exceeded".into()),
            ..Summary::default()
        }
    }

    fn context(selection: &[String]) -> SummaryContext<'_> {
        SummaryContext {
            plan: "./my plan",
            selection,
            next_level: Some(2),
            left: None,
            directory: "./my plan",
            model: "gpt-5",
            replay: false,
            width: 80,
            height: None,
            style: Style::default(),
        }
    }

    #[test]
    fn a_mixed_run_at_80_columns() {
        let selection = ["--level".to_owned(), "1".to_owned()];
        insta::assert_snapshot!(summary_text(&mixed(), &context(&selection)), @r"
        ITEM           OUTCOME         TOKENS
        1.1 subplan    done             9,034  Write the 1.1 that everything else of th…
        1.1 execution  failed           9,034  section-missing: the section Objective is
                                               missing, and so is everything else that
                                               was asked for (3 attempts in all)
        1.2 subplan    skipped                 exists
        1.2 execution  blocked                 by 1.1 execution
        1.3 subplan    not started             Write the 1.3 that everything else of th…

        Items      1 done, 1 failed, 1 blocked, 1 not started, 1 skipped
        Documents  1 written, in subplans/ and execution/ of ./my plan
        Stopped    the provider says: quota exceeded
        Tokens     14,400 in (8,192 cached, 56%), 3,668 out (1,280 reasoning); 2 answers
                   without usage are not counted
        Cost       $0.0312 and what 2 answers without usage cost
        Time       1m 04s; one after the other it would be 5m 20s (5.0 times as long)

        Next       planwave run './my plan' --level 1
                   takes up what is not done, and only that
        ");
    }

    #[test]
    fn all_done_from_a_tape_without_prices() {
        let mut summary = mixed();
        summary.rows.truncate(1);
        (summary.failed, summary.blocked, summary.not_started, summary.skipped) = (0, 0, 0, 0);
        (summary.unmetered, summary.stopped) = (0, None);
        let replay = SummaryContext { replay: true, plan: "demo", directory: "demo", ..context(&[]) };
        insta::assert_snapshot!(summary_text(&summary, &replay), @r"
        ITEM         OUTCOME         TOKENS
        1.1 subplan  done             9,034  Write the 1.1 that everything else of this…

        Items      1 done
        Documents  1 written, in subplans/ and execution/ of demo
        Tokens     14,400 in (8,192 cached, 56%), 3,668 out (1,280 reasoning)
        Cost       nothing was spent now; $0.0312 for the answers on the tape
        Time       1m 04s to replay; the taped calls took 5m 20s one after the other

        Next       planwave run demo --level 2
                   generates the next level
        ");
        summary.cost = None;
        summary.unmetered = 1;
        let live = SummaryContext { replay: false, next_level: None, ..replay };
        insta::assert_snapshot!(summary_text(&summary, &live), @r"
        ITEM         OUTCOME         TOKENS
        1.1 subplan  done             9,034  Write the 1.1 that everything else of this…

        Items      1 done
        Documents  1 written, in subplans/ and execution/ of demo
        Tokens     14,400 in (8,192 cached, 56%), 3,668 out (1,280 reasoning); 1 answer
                   without usage is not counted
        Cost       unknown (no prices for gpt-5)
        Time       1m 04s; one after the other it would be 5m 20s (5.0 times as long)

        Next       planwave next demo
                   shows what can be worked on now
        ");
    }

    #[test]
    fn nothing_to_do() {
        let summary = Summary::default();
        insta::assert_snapshot!(summary_text(&summary, &SummaryContext { next_level: None, ..context(&[]) }), @r"
        Items      nothing to do

        Next       planwave next './my plan'
                   shows what can be worked on now
        ");
    }

    #[test]
    fn many_rows_leave_those_that_need_attention() {
        let mut summary = mixed();
        summary.rows = (1..=10_000).map(|n| row(&format!("1.{n}"), Stage::Subplan, ItemOutcome::Done, None)).collect();
        summary.rows[41].outcome = ItemOutcome::Failed;
        summary.rows[41].reason = Some("refused".into());
        for row in &mut summary.rows[5_000..5_200] {
            row.outcome = ItemOutcome::Blocked;
            row.reason = Some("1.42 subplan".into());
        }
        let text = summary_text(&summary, &context(&[]));
        assert!(text.contains("1.42 subplan    failed           9,034  refused\n"), "{text}");
        assert_eq!(text.matches(" by 1.42 subplan\n").count(), LISTED - 1);
        assert!(text.contains("… and 9,900 more: 101 blocked, 9,799 done\n"), "{text}");
        assert!(text.lines().count() < 130);
    }

    #[test]
    fn a_terminal_shows_what_went_wrong_and_as_much_else_as_fits() {
        let mut summary = mixed();
        summary.rows = (1..=60).map(|n| row(&format!("1.{n}"), Stage::Subplan, ItemOutcome::Done, None)).collect();
        let of = |summary: &Summary, height| {
            summary_text(summary, &SummaryContext { height: Some(height), next_level: None, ..context(&[]) })
        };
        let text = of(&summary, 24);
        assert_eq!(text.lines().count(), 23, "{text}");
        assert!(text.starts_with("ITEM") && text.contains("\n1.10 subplan") && text.contains(" more: "), "{text}");
        summary.rows[30] = row("1.31", Stage::Subplan, ItemOutcome::Failed, Some("refused"));
        summary.rows[40] = row("1.41", Stage::Subplan, ItemOutcome::Blocked, Some("1.31 subplan"));
        summary.rows[50] = row("1.51", Stage::Subplan, ItemOutcome::Skipped, Some("exists"));
        let text = of(&summary, 24);
        assert_eq!(text.lines().count(), 23, "{text}");
        let order: Vec<&str> = text.lines().skip(1).take(4).map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(order, ["1.31", "1.41", "1.1", "1.2"], "{text}");
        assert!(text.contains("50 more: 49 done, 1 skipped\n"), "{text}");
        // There is always a table, and all of it where there is room.
        assert_eq!(of(&summary, 3).matches(" subplan  ").count(), LEAST_ROWS);
        let whole = of(&summary, 80);
        assert!(whole.contains("\n1.30 subplan  done") && !whole.contains(" more: "), "{whole}");
    }

    #[test]
    fn all_lines_fit_and_colours_add_none() {
        for width in [0, 40, 80, 200] {
            let plain = SummaryContext { width, ..context(&[]) };
            let coloured = SummaryContext { style: Style::new(true), ..plain.clone() };
            let text = summary_text(&mixed(), &plain);
            for line in text.lines().filter(|line| !line.contains("planwave run")) {
                assert!(measure_text_width(line) <= width.max(56), "{width}: {line:?}");
            }
            let coloured = summary_text(&mixed(), &coloured);
            assert_ne!(coloured, text);
            assert_eq!(console::strip_ansi_codes(&coloured), text);
        }
    }

    #[test]
    fn nothing_hidden_reaches_the_terminal() {
        let hostile = "\u{1b}[2J\u{202e}a\u{7}\nb\u{9b}31m";
        let mut summary = mixed();
        for row in &mut summary.rows {
            row.title = hostile.to_owned();
            row.reason = row.reason.as_ref().map(|_| hostile.to_owned());
        }
        summary.stopped = Some(hostile.to_owned());
        summary.cost = None;
        let selection = [hostile.to_owned()];
        let context = SummaryContext { plan: hostile, directory: hostile, model: hostile, ..context(&selection) };
        let text = summary_text(&summary, &context);
        assert!(!text.contains(|c| c != '\n' && is_unsafe(c)), "{text:?}");
        assert!(!text.contains("\nb"), "{text}");
    }

    #[test]
    fn arguments_are_quoted_where_a_shell_needs_it() {
        assert_eq!(shell_word("./plans/my-plan_1"), "./plans/my-plan_1");
        assert_eq!(shell_word("--level"), "--level");
        if cfg!(not(windows)) {
            assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
            assert_eq!(shell_word(""), "''");
        }
    }

    #[test]
    fn json_has_the_fields_of_the_summary() {
        let json = summary_json(&mixed());
        assert_eq!(json["rows"][1]["achievement"], "1.1");
        assert_eq!(json["rows"][1]["outcome"], "failed");
        assert_eq!(json["usage"]["cached"], 8_192);
    }
}
