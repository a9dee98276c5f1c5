//! Each rule about what an answer says: bodies that nobody would want, and such that only look like them.

mod repeats;
mod strangers;

use super::*;
use crate::{
    document::{Severity, Stage::Execution, Stage::Subplan},
    plan::{AchievementId, Hours, Plan, PlanName},
    prompts::Templates,
};

const PLAN: &str = "\
# PLAN: Tide tables

## Goal

Harbours of the northern coast get a page with the tides of the next week, computed from the constants of their own gauge and
corrected by what the gauge measured during the last three hours.

## Constraints

- Prompts in the tests are written as `<task>` elements.

## Achievements

**Achievement 1.1**: Gauge Reader

- **Goal**: Levels of all gauges arrive every ten minutes and survive an outage of the agency's server for a whole day without gaps.
- **Deliverables**:
  - `tides/gauge.py`: polls the agency
  - `tests/test_gauge.py`: its tests
- **Effort**: 2 hours

**Achievement 1.2**: Tide Page

- **Goal**: Show the tides.
- **Deliverables**:
  - `web/page.html`: the page
  - `web/chart.js`: the curve
- **Effort**: 3-4 hours
- **Dependencies**: 1.1
";

const SUBPLAN: &str = "\
## Objective

Skippers see how high the water stands in their harbour, also on a day when the agency is down. Until now the harbour master reads a
paper table that nobody corrects for wind.

## Deliverables

- `tides/gauge.py`: class `GaugeReader` with `poll` and `backfill`
- `tests/test_gauge.py`: cases for outages, duplicates and clock changes

## Approach

1. Ask `/v1/levels?since=` for each of the 14 gauges; the agency keeps 30 hours, so `since` is the last stored minute.
2. Store rows in `levels.db`, keyed by gauge and minute, because the agency repeats rows after an outage.
3. After an outage `backfill` asks in steps of 6 hours; a single large answer is cut by its proxy at 2 MB.

Decided against websockets: the agency's gateway drops them every 15 minutes.

## Execution Strategy

Executions: 1

One class and one table; two people would wait for each other.

## Testing Strategy

- `FakeAgency` answers with a gap of 26 hours: afterwards `levels.db` has 156 rows for that gauge.
- The same answer twice leaves the number of rows as it is.
- A clock that jumps back on 25 October gives 6 rows per hour, none twice.

Run `pytest tests/test_gauge.py`.

## Expected Results

- No gap longer than 10 minutes in a week with three simulated outages.
- `poll` takes less than 400 ms for 14 gauges.

## Dependencies and Coordination

- Needs nothing.
- Gives `GaugeReader.latest` to 1.2, which must not open `levels.db` itself.
";

const EXECUTION: &str = "\
## SUBPLAN Context

The SUBPLAN wants levels of 14 gauges in one table, complete even after a day without the agency's server.

## Objective

`GaugeReader.poll` stores what arrives and `backfill` closes gaps of up to 30 hours.

## Instructions

1. Create `levels.db` with the key (gauge, minute). Check: a second insert of a row changes nothing.
2. Write `poll` with a timeout of 5 seconds. Check: a server that never answers costs 5 seconds.
3. Write `backfill` in steps of 6 hours. Check: a gap of 26 hours needs five requests.

## Iteration Log

### Iteration 1

- Will try: steps 1 to 3 in order.
- To measure: requests per gauge after a gap of 26 hours.
- Stop when all tests passed twice in a row.

## Learning Summary

- Does the agency repeat rows after every outage, or only after long ones?
- How far may its clock be off?

## Coordination

Gives `latest` to 1.2. Leaves `web/` alone.

## Completion Checklist

- [ ] `tides/gauge.py` polls all gauges
- [ ] `tests/test_gauge.py` covers gaps, repetitions and clock changes
- [ ] All tests passed on a machine without network
";

const GERMAN: &str = "\
## Objective

Wer ausläuft, sieht den Wasserstand seines Hafens auch dann, wenn der Server des Amtes einen Tag lang schweigt. Bisher hängt eine
gedruckte Tafel aus, die niemand um den Wind berichtigt.

## Deliverables

- `tides/gauge.py`: Klasse `GaugeReader`
- `tests/test_gauge.py`: Lücken, Wiederholungen, Zeitumstellung

## Approach

1. Die 14 Pegel werden über `/v1/levels?since=` abgefragt; das Amt hält 30 Stunden vor.
2. Zeilen liegen in `levels.db` unter Pegel und Minute, weil das Amt nach einem Ausfall wiederholt.
3. `backfill` fragt in Schritten von 6 Stunden, denn der Proxy schneidet bei 2 MB ab.

## Execution Strategy

Executions: 1

Eine Klasse und eine Tabelle; zu zweit würde man aufeinander warten.

## Testing Strategy

- `FakeAgency` lässt 26 Stunden aus; danach hat `levels.db` für diesen Pegel 156 Zeilen.
- Dieselbe Antwort zweimal ändert die Zahl der Zeilen nicht.

## Expected Results

- In einer Woche mit drei Ausfällen bleibt keine Lücke über 10 Minuten.
- `poll` braucht für 14 Pegel weniger als 400 ms.

## Dependencies and Coordination

Braucht nichts. Gibt `GaugeReader.latest` an 1.2.
";

const CHINESE: &str = "\
## Objective

出海的人随时能看到本港的水位，即使水文局的服务器停机一整天也不例外。目前港口只挂着一张纸质潮汐表，没有人按风力修正。

## Deliverables

- `tides/gauge.py`：类 `GaugeReader`
- `tests/test_gauge.py`：缺口、重复数据与时钟回拨

## Approach

1. 通过 `/v1/levels?since=` 查询 14 个水位站，水文局只保留 30 小时的数据。
2. 行写入 `levels.db`，主键是站点和分钟，因为停机之后水文局会重复发送。
3. `backfill` 每次补 6 小时，代理会在 2 MB 处截断较大的响应。

## Execution Strategy

Executions: 1

一个类加一张表，两个人只会互相等候。

## Testing Strategy

- `FakeAgency` 缺 26 小时，随后 `levels.db` 中该站应有 156 行。
- 同一响应发送两次，行数不变。

## Expected Results

- 一周内模拟三次停机，缺口都短于 10 分钟。
- 轮询 14 个站点少于 400 ms。

## Dependencies and Coordination

无需他人。`GaugeReader.latest` 交给 1.2 使用。
";

fn plan() -> Plan {
    crate::plan::parse(PlanName::parse("TIDES").unwrap(), PLAN.as_bytes()).unwrap()
}

fn judged(answer: &str, stage: Stage) -> Judged {
    judged_with(answer, stage, &Templates::load(&[]).unwrap())
}

fn judged_with(answer: &str, stage: Stage, templates: &Templates) -> Judged {
    let plan = plan();
    let own = &plan.achievements[0];
    let names = Names::new(plan.name.clone(), plan.achievements.iter().map(|achievement| achievement.id));
    let expected = Expected {
        stage,
        achievement: AchievementId::parse("1.1").unwrap(),
        deliverables: &[],
        source: &own.text(),
        names: &names,
        title: &own.title,
        estimate: Some(Hours { low: 2.0, high: 2.0 }),
        sections: templates.outlines().of(stage),
        material: &Material::new(templates.literals(), &plan),
    };
    judge_answer(answer, &expected)
}

fn errors(answer: &str, stage: Stage) -> Vec<Code> {
    let findings = judged(answer, stage).findings;
    findings.into_iter().filter(|finding| finding.severity == Severity::Error).map(|finding| finding.code).collect()
}

/// The document with another body in one section.
fn with(document: &str, section: &str, body: &str) -> String {
    let heading = format!("## {section}\n");
    let start = document.find(&heading).unwrap_or_else(|| panic!("no {section}")) + heading.len();
    let end = document[start..].find("\n## ").map_or(document.len(), |at| start + at + 1);
    format!("{}\n{body}\n\n{}", &document[..start], &document[end..])
}

/// The document with more behind the body of one section.
fn and(document: &str, section: &str, more: &str) -> String {
    let heading = format!("## {section}\n");
    let start = document.find(&heading).unwrap() + heading.len();
    let end = document[start..].find("\n## ").map_or(document.len(), |at| start + at + 1);
    format!("{}\n\n{more}\n\n{}", document[..end].trim_end(), &document[end..])
}

fn behind(document: &str, more: &str) -> String {
    format!("{document}\n{more}\n")
}

/// Each `bad` body has the code, each `good` one has no error at all.
#[track_caller]
fn check(code: Code, stage: Stage, bad: &[String], good: &[String]) {
    assert!(bad.len() >= 3 && good.len() >= 3, "{code}: {} bad, {} good", bad.len(), good.len());
    for text in bad {
        assert!(errors(text, stage).contains(&code), "{code} is not in {:?} of\n{text}", errors(text, stage));
    }
    for text in good {
        assert!(errors(text, stage).is_empty(), "{:?} in\n{text}", judged(text, stage).findings);
    }
}
