//! What a file says of the time a plan takes, compared with what follows from estimates and levels.

use serde_json::{Value, json};

use super::{
    node::Node,
    schedule::{Times, tidy},
    structure,
};
use crate::plan::{AchievementId, Hours};

/// Differences up to this many hours are rounding.
const ROUNDING: f64 = 0.06;

/// What a file says in `parallelization_strategy`, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StatedTimes {
    own: Stated,
    older: Stated,
    /// The achievements without an estimate, ascending.
    without_estimate: Vec<AchievementId>,
    /// What was done already when the times were computed, ascending: they are the times of the rest.
    left_out: Vec<AchievementId>,
}

/// The times of one spelling.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stated {
    sequential: Option<Hours>,
    parallel: Option<Hours>,
    saved: Option<Hours>,
    /// Both ends of the percentage.
    percent: Option<Hours>,
    critical: Option<Hours>,
}

/// The names that the times have.
struct Names {
    sequential: &'static str,
    parallel: &'static str,
    saved: &'static str,
    percent: &'static str,
    critical: &'static str,
    /// How hours and percentages are written.
    hours: fn(Hours) -> Value,
    share: fn(Hours) -> Value,
}

/// As `analyze` writes them.
static OWN: Names = Names {
    sequential: "sequential_hours",
    parallel: "parallel_hours",
    saved: "time_saved_hours",
    percent: "time_saved_percent",
    critical: "critical_path_hours",
    hours: structure::hours,
    share: |percent| json!(percent.low as u32),
};

/// As older tools wrote them; those had no time of the critical path.
static OLDER: Names = Names {
    sequential: "total_sequential_time",
    parallel: "total_parallel_time",
    saved: "time_saved",
    percent: "reduction_percentage",
    critical: "",
    hours: |hours| Value::from(text(hours)),
    share: |Hours { low, high }| Value::from(if low == high { format!("{low}%") } else { format!("{low}-{high}%") }),
};

impl StatedTimes {
    pub(super) fn of(node: &Node<'_>) -> Self {
        let stated = |names: &Names| {
            let hours = |name| match node.get(name)? {
                Node::Number(number) => Hours::single(*number),
                Node::Text(text) => Hours::of_field(&text.replace('%', "")),
                Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) | Node::Skipped => None,
            };
            Stated {
                sequential: hours(names.sequential),
                parallel: hours(names.parallel),
                saved: hours(names.saved),
                percent: hours(names.percent),
                critical: hours(names.critical),
            }
        };
        let ids = |name| {
            let ids = node.get(name).map(Node::as_list).unwrap_or_default();
            let ids = ids.iter().filter_map(Node::as_text).filter_map(|text| AchievementId::parse(text).ok());
            let mut ids: Vec<AchievementId> = ids.collect();
            ids.sort_unstable();
            ids
        };
        Self {
            own: stated(&OWN),
            older: stated(&OLDER),
            without_estimate: ids("without_estimate"),
            left_out: ids("left_out"),
        }
    }

    /// Whether the times are those of the rest of the work, without this achievement.
    pub(super) fn is_without(&self, id: AchievementId) -> bool {
        self.left_out.binary_search(&id).is_ok()
    }

    /// Whether there are times, and those achievements are the ones that have no estimate.
    pub(super) fn leaves_out(&self, missing: impl Iterator<Item = AchievementId>) -> bool {
        if self.own == Stated::default() && self.older == Stated::default() {
            return false;
        }
        let mut missing: Vec<AchievementId> = missing.collect();
        missing.sort_unstable();
        missing == self.without_estimate
    }

    /// The fields that do not fit, with what they should say. A parallel time that a better schedule could reach is
    /// believed.
    pub(super) fn wrong(&self, times: &Times) -> Vec<(&'static str, Value)> {
        [self.own.wrong(times, &OWN), self.older.wrong(times, &OLDER)].concat()
    }
}

impl Stated {
    fn wrong(&self, times: &Times, names: &Names) -> Vec<(&'static str, Value)> {
        let mut wrong = Vec::new();
        if self.sequential.is_some_and(|stated| !same(stated, times.sequential)) {
            wrong.push((names.sequential, (names.hours)(times.sequential)));
        }
        if self.critical.is_some_and(|stated| !same(stated, times.critical)) {
            wrong.push((names.critical, (names.hours)(times.critical)));
        }
        let possible = |stated: &Hours| {
            let within = |low: f64, stated: f64, high: f64| low - ROUNDING <= stated && stated <= high + ROUNDING;
            within(times.critical.low, stated.low, times.sequential.low)
                && within(times.critical.high, stated.high, times.sequential.high)
        };
        let parallel = match self.parallel {
            Some(stated) if possible(&stated) => stated,
            Some(_) => {
                wrong.push((names.parallel, (names.hours)(times.parallel)));
                times.parallel
            }
            None => times.parallel,
        };
        // The rest follows from the parallel time as it will stand in the file.
        let times = Times { parallel, ..*times };
        let saved = times.saved();
        if self.saved.is_some_and(|stated| !same(stated, saved)) {
            wrong.push((names.saved, (names.hours)(saved)));
        }
        let (percent, most_off) = percent(&times, names);
        if self.percent.is_some_and(|stated| !within(stated, most_off)) {
            wrong.push((names.percent, (names.share)(percent)));
        }
        wrong
    }
}

/// What is saved in per cent, and the range in which a stated share may lie.
fn percent(times: &Times, names: &Names) -> (Hours, Hours) {
    let middle = f64::from(times.saved_percent());
    if names.percent == OWN.percent {
        let exactly = Hours { low: middle, high: middle };
        return (exactly, exactly);
    }
    let saved = times.saved();
    let share = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    let (a, b) = (share(saved.low, times.sequential.low), share(saved.high, times.sequential.high));
    let (low, high) = (a.min(b), a.max(b));
    // Some put the widest range there: the least that may be saved of the most, and the reverse.
    let least = low.min(share(saved.low, times.sequential.high));
    let most = high.max(share(saved.high, times.sequential.low));
    (Hours { low: low.round(), high: high.round() }, Hours { low: least, high: most })
}

/// Whether a share lies in a range, but for rounding to whole numbers.
fn within(stated: Hours, range: Hours) -> bool {
    stated.low >= range.low - 1.0 && stated.high <= range.high + 1.0
}

fn same(a: Hours, b: Hours) -> bool {
    (a.low - b.low).abs() <= ROUNDING && (a.high - b.high).abs() <= ROUNDING
}

/// `21-31 hours`, without a trailing zero.
fn text(hours: Hours) -> String {
    let (low, high) = (tidy(hours.low), tidy(hours.high));
    if low == high { format!("{low} hours") } else { format!("{low}-{high} hours") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(low: f64, high: f64) -> Hours {
        Hours { low, high }
    }

    #[test]
    fn what_does_not_add_up_is_named_with_what_it_should_be() {
        let times = Times { sequential: hours(20.0, 30.0), parallel: hours(12.0, 18.0), critical: hours(10.0, 15.0) };
        let some = |low, high| Some(hours(low, high));
        let stated =
            |sequential, parallel, saved, percent| Stated { sequential, parallel, saved, percent, critical: None };
        let critical = |low, high| Stated { critical: some(low, high), ..Stated::default() };
        let table: [(Stated, &Names, Value); 11] = [
            (stated(some(20.0, 30.0), some(12.0, 18.0), some(8.0, 12.0), some(40.0, 40.0)), &OLDER, json!([])),
            (stated(None, some(10.0, 16.0), some(10.0, 14.0), None), &OLDER, json!([])),
            (stated(some(21.0, 30.0), None, None, None), &OLDER, json!([["total_sequential_time", "20-30 hours"]])),
            (
                stated(None, some(5.0, 18.0), some(8.0, 9.0), None),
                &OLDER,
                json!([["total_parallel_time", "12-18 hours"], ["time_saved", "8-12 hours"]]),
            ),
            (stated(None, None, None, some(80.0, 90.0)), &OLDER, json!([["reduction_percentage", "40%"]])),
            (Stated::default(), &OLDER, json!([])),
            (stated(some(20.0, 30.0), some(12.0, 18.0), some(8.0, 12.0), some(40.0, 40.0)), &OWN, json!([])),
            (stated(None, some(10.0, 16.0), some(8.0, 14.0), None), &OWN, json!([["time_saved_hours", "10-14 hours"]])),
            (
                stated(some(20.0, 31.0), None, None, some(43.0, 43.0)),
                &OWN,
                json!([["sequential_hours", "20-30 hours"], ["time_saved_percent", 40]]),
            ),
            (critical(10.0, 15.0), &OWN, json!([])),
            (critical(9.0, 15.0), &OWN, json!([["critical_path_hours", "10-15 hours"]])),
        ];
        for (stated, names, expected) in table {
            assert_eq!(json!(stated.wrong(&times, names)), expected, "{stated:?}");
        }
    }
}
