//! No reader takes more than linear time: inputs of one thing over and over, at n, 2n, 4n and 8n. Times vary, even those
//! of the processor, so this runs by hand only.

use std::time::{Duration, Instant};

use crate::{drive::Target, targets::ALL};

/// Bytes of the smallest input.
const SMALLEST: usize = 64 * 1024;
/// How much longer an input of eight times the size may take; a square would be 64.
const MOST: f64 = 24.0;
/// Shorter times are not told from chance.
const NOTICEABLE: Duration = Duration::from_millis(4);

/// What any reader may meet. `{n}` stands for a number, another one each time.
const THINGS: &[&str] = &[
    "a",
    " ",
    "\n",
    "\r",
    "\t",
    "é",
    "\u{301}",
    "🚀",
    "\\",
    "\"",
    "'",
    "0",
    "1.",
    "[",
    "]",
    "{",
    "{\"a\":",
    "[[",
    "],[",
    "#",
    "# ",
    "# x\n",
    "## x\n",
    "###### \n",
    "`",
    "```",
    "```\n",
    "```sh\n",
    "````\n```\n",
    "~~~\n",
    "~~~x\n",
    "<!--",
    "<!--\n",
    "<!-- x",
    "-->",
    "--><!--",
    "`<!--`",
    "<",
    "<think>",
    "</think>\n",
    "*",
    "**",
    "**a**: ",
    "- ",
    "- a\n",
    "  - a\n",
    "> ",
    "1. ",
    "1) a\n",
    "|",
    "| a | b |\n",
    "---\n",
    "---",
    "===",
    "=== FILE: a ===\n",
    "=== FILE: a{n} ===\nx\n",
    "data:",
    "data: x\n",
    "data: x\n\n",
    "data: [DONE]",
    ": \n",
    "event: ping\n",
    "## Section {n}\n\ntext\n\n",
    "**Achievement 1.{n}**: T\n\n- **Dependencies**: 1.1\n\n",
    "**Achievement {n}",
    "Achievement 2.{n} ",
    "1.{n}, ",
    "- `part_{n}.rs`\n",
    "SUBPLAN_FUZZ_{n}.md ",
    "\"k{n}\":1,",
    "\"1.{n}\",",
    "{\"id\":\"1.{n}\"},",
    "[TO BE FILLED ",
    "TODO ",
    "{\"key\":\"k{n}\",\"given_up\":[]}\n",
    "1h",
    "1s2",
    "Executions: 3\n",
    "## Objective\n",
    "(",
    "https://x.y ",
    "a.b/c ",
    "### Priority {n}\n",
    "⏱️ 4-6 hours ",
    "2-3 ",
    "Execution {n}: x\n",
    "- [ ] x\n",
    "\u{feff}",
    "I cannot ",
    "...",
    "–",
];

#[test]
#[ignore = "measures times; by hand"]
fn time_grows_no_faster_than_the_input() {
    let mut worse = Vec::new();
    for target in ALL {
        let things = THINGS.iter().chain(target.tokens);
        for (thing, frame) in things.flat_map(|thing| [(*thing, ("", "")), (*thing, target.frame)]) {
            if thing.is_empty() {
                continue;
            }
            let times: Vec<Duration> =
                [1, 2, 4, 8].map(|factor| time(target, &input(thing, frame, factor * SMALLEST))).to_vec();
            let growth = times[3].as_secs_f64() / times[0].as_secs_f64().max(1e-6);
            if times[3] > NOTICEABLE && growth > MOST {
                let place = if frame.0.is_empty() { "alone" } else { "in its place" };
                // Once more, before anybody is alarmed.
                let again = time(target, &input(thing, frame, SMALLEST));
                let largest = time(target, &input(thing, frame, 8 * SMALLEST));
                if largest.as_secs_f64() / again.as_secs_f64().max(1e-6) <= MOST {
                    continue;
                }
                worse.push(format!("{}: {thing:?} {place}: {times:.1?}", target.name));
                println!("{}", worse.last().unwrap());
            }
        }
        println!("{}: done", target.name);
    }
    assert!(worse.is_empty(), "more than linear:\n{}", worse.join("\n"));
}

fn input(thing: &str, (before, behind): (&str, &str), size: usize) -> Vec<u8> {
    let mut text = before.to_owned();
    let mut number = 1;
    while text.len() < size {
        if thing.contains("{n}") {
            number += 1;
            text.push_str(&thing.replace("{n}", &number.to_string()));
        } else {
            text.push_str(thing);
        }
    }
    text.push_str(behind);
    text.into_bytes()
}

/// The least of three.
fn time(target: &Target, input: &[u8]) -> Duration {
    let one = || {
        let began = (Instant::now(), on_the_processor());
        (target.read)(input);
        match (began.1, on_the_processor()) {
            (Some(began), Some(ended)) => ended - began,
            _ => began.0.elapsed(),
        }
    };
    (0..3).map(|_| one()).min().unwrap()
}

/// How long this thread has been running so far, where the system says: others on the machine do not count.
fn on_the_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}
