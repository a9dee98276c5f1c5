//! What `history`, `undo`, `cost` and `gc` say. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use console::measure_text_width;
use jiff::Timestamp;

use super::{
    columns::{cell, left, right, usable, wrap},
    format::{cost, count, count_of, percent, plural, short_count},
    sanitize,
};
use crate::history::{BillLine, Restore, TakingBack};

/// Files named for each kind of change; the rest is counted.
const NAMED: usize = 20;

/// One operation in the list of `history`.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRow {
    /// Its number.
    pub number: u64,
    /// When it began.
    pub began: Timestamp,
    /// Items done, and all there were; of runs only.
    pub items: Option<(usize, usize)>,
    /// Documents and other files created or replaced.
    pub files: usize,
    /// Its tokens and costs; of runs only.
    pub bill: Option<BillLine>,
    /// What people typed.
    pub command: String,
    /// What has become of it, where it does not simply stand.
    pub note: Option<String>,
}

/// The list of `history`, in the order given.
pub fn past_text(rows: &[PastRow], width: usize) -> String {
    let heading = ["RUN", "BEGAN (UTC)", "ITEMS", "FILES", "TOKENS", "COST", "COMMAND"].map(str::to_owned);
    let table: Vec<[String; 7]> = [heading].into_iter().chain(rows.iter().map(cells)).collect();
    // The list is short: as many rows as were asked for.
    let widest = |column: usize| table.iter().map(|cells| measure_text_width(&cells[column])).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(widest);
    let room = usable(width).saturating_sub(widths.iter().sum::<usize>() + 2 * widths.len()).max(NARROWEST);
    let mut out = String::new();
    for [run, began, items, files, tokens, spent, command] in &table {
        let line = [
            right(run, widths[0]),
            left(began, widths[1]),
            right(items, widths[2]),
            right(files, widths[3]),
            right(tokens, widths[4]),
            right(spent, widths[5]),
            cell(command, room),
        ];
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// The narrowest column of commands.
const NARROWEST: usize = 12;

fn cells(row: &PastRow) -> [String; 7] {
    let items = row.items.map_or_else(String::new, |(done, all)| format!("{done}/{all}"));
    let (tokens, spent) = match &row.bill {
        Some(bill) => (short_count(bill.usage.input.saturating_add(bill.usage.output)), short_cost(bill)),
        None => (String::new(), String::new()),
    };
    let note = row.note.as_ref().map_or_else(String::new, |note| format!("{note}: "));
    [
        row.number.to_string(),
        row.began.strftime("%Y-%m-%d %H:%M").to_string(),
        items,
        count_of(row.files),
        tokens,
        spent,
        format!("{note}{}", sanitize(&row.command)),
    ]
}

/// A cost in few columns: `$1.25`, `$0.04`, `<$0.01`; `?` where it is unknown, and a `+` where some of it is.
fn short_cost(bill: &BillLine) -> String {
    let text = match bill.known_cost() {
        None => return String::from("?"),
        Some(0.0) => String::from("$0"),
        Some(amount) if amount < 0.005 => String::from("<$0.01"),
        Some(amount) if amount < 999.5 => format!("${amount:.2}"),
        Some(amount) => format!("${amount:.0}"),
    };
    if bill.is_partial() { format!("{text}+") } else { text }
}

/// The bill as a table with its sum. `heading` names what the lines are by.
pub fn bill_text(heading: &str, lines: &[(String, BillLine)], total: &BillLine, width: usize) -> String {
    const NUMBERS: usize = 54;
    let width = usable(width);
    let names = lines.iter().map(|(name, _)| measure_text_width(&sanitize(name))).max().unwrap_or(0);
    let room = names.max(heading.len()).max("Total".len()).min(width.saturating_sub(NUMBERS)).max(8);
    let line = |name: &str, cells: [&str; 5]| {
        let [calls, input, cached, output, spent] = cells;
        format!(
            "{}  {}  {}  {}  {}  {}\n",
            cell(name, room),
            right(calls, 5),
            right(input, 11),
            right(cached, 6),
            right(output, 10),
            right(spent, 11)
        )
    };
    let row = |name: &str, sum: &BillLine| {
        let cached = if sum.usage.cached > 0 {
            format!("{}%", percent(sum.usage.cached, sum.usage.input))
        } else {
            String::new()
        };
        let spent = match (sum.known_cost(), sum.is_partial()) {
            (Some(amount), true) => format!("{} + ?", cost(Some(amount))),
            (amount, _) => cost(amount),
        };
        line(name, [&count(sum.calls), &count(sum.usage.input), &cached, &count(sum.usage.output), &spent])
    };
    let mut out = line(heading, ["CALLS", "TOKENS IN", "CACHED", "TOKENS OUT", "COST"]);
    for (name, sum) in lines {
        out.push_str(&row(&sanitize(name), sum));
    }
    out.push_str(&row("Total", total));
    let mut remarks = Vec::new();
    let silent = total.unmetered.saturating_sub(total.in_flight);
    if silent > 0 {
        remarks.push(format!("{} without usage from the server: tokens and cost of them are unknown.", calls(silent)));
    }
    if total.in_flight > 0 {
        remarks.push(format!(
            "The sums are at least what was spent: {} sent and not heard of (under way, or planwave was killed).",
            calls(total.in_flight)
        ));
    }
    if total.usage.at_least {
        remarks.push(String::from(
            "The sums are at least what was spent: what the server counted cannot be true or broke off, so what was \
             sent and received was counted.",
        ));
    }
    if total.unpriced > 0 {
        remarks.push(format!("{} of a model whose prices are unknown.", calls(total.unpriced)));
    }
    if !remarks.is_empty() {
        out.push('\n');
    }
    for remark in remarks.iter().flat_map(|remark| wrap(remark, width)) {
        out.push_str(&remark);
        out.push('\n');
    }
    out
}

fn calls(number: u64) -> String {
    plural(usize::try_from(number).unwrap_or(usize::MAX), "call")
}

/// What taking back would do, a line per file.
pub fn taking_back_text(plan: &TakingBack) -> String {
    let mut out = String::new();
    for verb in ["remove", "bring back", "restore", "take back in part"] {
        let steps = plan.steps.iter().filter(|step| verb_of(&step.restore) == verb);
        let paths: Vec<&str> = steps.map(|step| step.path.as_str()).collect();
        let shown = if paths.len() <= NAMED + 1 { paths.len() } else { NAMED };
        for path in &paths[..shown] {
            out.push_str(&format!("  {verb} {}\n", sanitize(path)));
        }
        if paths.len() > shown {
            out.push_str(&format!("  {verb} {} more\n", count_of(paths.len() - shown)));
        }
    }
    if plan.already > 0 {
        let verb = if plan.already == 1 { "is" } else { "are" };
        out.push_str(&format!("  {} {verb} as before already\n", plural(plan.already, "file")));
    }
    out
}

fn verb_of(restore: &Restore) -> &'static str {
    match restore {
        Restore::Remove => "remove",
        Restore::Overwrite(_) => "restore",
        Restore::Recreate(_) => "bring back",
        Restore::Merge { .. } => "take back in part",
    }
}

/// What stands in the way of taking back, a line per file.
pub fn untouchable_text(plan: &TakingBack) -> String {
    let shown = if plan.untouchable.len() <= NAMED + 1 { plan.untouchable.len() } else { NAMED };
    let mut lines: Vec<String> = plan.untouchable[..shown]
        .iter()
        .map(|file| format!("{} {}", sanitize(file.path.as_str()), sanitize(&file.reason)))
        .collect();
    if plan.untouchable.len() > shown {
        lines.push(format!("… and {} more", count_of(plan.untouchable.len() - shown)));
    }
    lines.join("\n")
}

/// A size as people read it: `740 B`, `12 kB`, `3.4 MB`.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            return if tenths < 100 {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            } else {
                format!("{} {name}", tenths / 10)
            };
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Usage;

    fn sum(calls: u64, unmetered: u64, cost: f64) -> BillLine {
        let usage =
            Usage { input: calls * 7_200, cached: calls * 4_000, output: calls * 1_800, reasoning: 0, at_least: false };
        BillLine { calls, unmetered, in_flight: 0, unpriced: 0, usage, cost }
    }

    #[test]
    fn a_list_of_operations_at_80_columns() {
        let row = |number, items, bill, command: &str, note: Option<&str>| PastRow {
            number,
            began: "2026-10-12T15:49:22Z".parse().unwrap(),
            items,
            files: 14,
            bill,
            command: command.to_owned(),
            note: note.map(str::to_owned),
        };
        let rows = [
            row(1_204, None, None, "undo 1203", None),
            row(
                1_203,
                Some((9_998, 10_000)),
                Some(sum(10_000, 0, 312.4)),
                "run --all --order ready --concurrency 64",
                Some("undone"),
            ),
            row(2, Some((1, 3)), Some(sum(3, 1, 0.001)), "run --level 1", Some("unfinished")),
            row(1, None, None, "complete 3.1 \u{1b}[31m", None),
        ];
        insta::assert_snapshot!(past_text(&rows, 80), @r"
         RUN  BEGAN (UTC)            ITEMS  FILES  TOKENS     COST  COMMAND
        1204  2026-10-12 15:49                 14                   undo 1203
        1203  2026-10-12 15:49  9998/10000     14     90M  $312.40  undone: run --all -…
           2  2026-10-12 15:49         1/3     14     27k  <$0.01+  unfinished: run --l…
           1  2026-10-12 15:49                 14                   complete 3.1
        ");
    }

    #[test]
    fn a_bill_at_80_columns() {
        let lines = [
            (String::from("12  run --level 1 --model some-model"), sum(12, 0, 1.25)),
            (String::from("13  run --level 2"), sum(1, 1, 0.0)),
        ];
        let mut total = sum(13, 1, 1.25);
        total.unpriced = 2;
        insta::assert_snapshot!(bill_text("RUN", &lines, &total, 80), @r"
        RUN                         CALLS    TOKENS IN  CACHED  TOKENS OUT         COST
        12  run --level 1 --model…     12       86,400     55%      21,600        $1.25
        13  run --level 2               1        7,200     55%       1,800      unknown
        Total                          13       93,600     55%      23,400    $1.25 + ?

        1 call without usage from the server: tokens and cost of them are unknown.
        2 calls of a model whose prices are unknown.
        ");
    }

    #[test]
    fn sizes() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345, "12 kB"),
            (3_450_000, "3.4 MB"),
            (u64::MAX, "18446744073 GB"),
        ];
        for (bytes, text) in table {
            assert_eq!(bytes_text(bytes), text);
        }
    }
}
