//! A plan's own tape on disk: whatever damage lies between good lines, the good ones come back, and the damage is kept
//! in the side file. With `TMPDIR` in memory a million of them takes minutes.

use std::{cell::RefCell, path::Path};

use planwave::{
    model::Memory as _,
    plan::PlanName,
    store::{LocalTape, OwnershipKey, PlanDir, RunLock},
    tape::{Exchange, Header, Origin, item_key, skim},
};
use tempfile::TempDir;

use super::{about, kind, tape};
use crate::{drive::Target, mutate::Random};

pub(super) const TARGET: Target = Target {
    name: "tape",
    more: &[],
    tokens: tape::TOKENS,
    // Each is synced to the disk.
    cases: 60,
    check,
    read,
    frame: ("", ""),
};

#[test]
fn own_tapes() {
    TARGET.run();
}

thread_local! {
    static PLACE: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

fn read(input: &[u8]) {
    check(input);
}

fn check(input: &[u8]) -> u64 {
    PLACE.with_borrow_mut(|place| {
        let place = place.get_or_insert_with(|| {
            let place = tempfile::tempdir().unwrap();
            std::fs::create_dir(place.path().join(".planwave")).unwrap();
            place
        });
        read_back(place.path(), input)
    })
}

fn read_back(place: &Path, damage: &[u8]) -> u64 {
    let header = Header::new(Origin::Recorded, None, "2026-11-01T00:00:00Z".parse().unwrap()).to_line();
    let good = [exchange("first"), exchange("second"), exchange("third")];
    let mut bytes = format!("{header}\n{}\n", good[0].to_line()).into_bytes();
    bytes.extend_from_slice(damage);
    bytes.extend_from_slice(format!("\n \t{}\n{}\r\n", good[1].to_line(), good[2].to_line()).as_bytes());
    let mut random = Random::of(damage);
    let torn = random.below(good[2].to_line().len());
    bytes.extend_from_slice(&good[2].to_line().as_bytes()[..torn]);

    let (tape, side) = (place.join(".planwave/tape.jsonl"), place.join(".planwave/tape.damaged.jsonl"));
    std::fs::write(&tape, &bytes).unwrap();
    let _ = std::fs::remove_file(&side);
    let key = OwnershipKey::new(Some(place.join("state")));
    let dir = PlanDir::without_plan(place, PlanName::parse("FUZZ").unwrap(), key).unwrap();
    dir.adopt(&RunLock::of_any(&dir, "fuzz").unwrap().unwrap()).unwrap();
    let opened = LocalTape::open(&dir, &header).unwrap();
    for exchange in &good {
        let key = item_key("POST", "/p", &exchange.request);
        assert_eq!(opened.answers.recall(&key).as_ref(), Some(exchange));
    }
    let damaged: Vec<&[u8]> = damage.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let damaged: Vec<&[u8]> = damaged.into_iter().filter(|line| !line.is_empty() && !is_readable(line)).collect();
    assert_eq!((opened.found.damaged.len(), opened.found.torn), (damaged.len(), torn as u64));
    let kept = std::fs::read(&side).unwrap_or_default();
    let expected: Vec<u8> = damaged.iter().flat_map(|line| [line, &b"\n"[..]]).flatten().copied().collect();
    assert_eq!(kept, expected);
    let answers = opened.found.answers;
    drop(opened);
    let again = LocalTape::open(&dir, &header).unwrap().found;
    assert_eq!((again.answers, again.damaged.len(), again.torn), (answers, 0, 0));
    kind((about(answers), about(damaged.len()), torn == 0))
}

fn is_readable(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| skim(line).is_ok())
}

fn exchange(text: &str) -> Exchange {
    let request = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    serde_json::from_value(serde_json::json!({
        "key": "k", "item_key": item_key("POST", "/p", &request), "at": "2026-11-01T00:00:00Z", "method": "POST",
        "path": "/p", "request": request, "status": 200, "body": "data: [DONE]\n\n",
    }))
    .unwrap()
}
