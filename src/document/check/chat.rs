//! Tells what belongs to a conversation and not to a document: control tokens, questions to the reader, closing remarks.

use crate::{
    document::{
        Finding,
        prose::{excerpt, list_item, word_count},
    },
    markdown::lines,
};

use super::{
    codes::Code,
    language::wording,
    material::Material,
    placeholder::without_code,
    reading::{Reading, Sentence, sentences},
    words::words,
};

/// Findings of one kind are at most this many.
const MOST: usize = 3;

/// Control tokens of chat templates, in lower case, wherever they stand in a line.
const TOKENS: [&str; 26] = [
    "<|",
    "|>",
    "<｜",
    "｜>",
    "[inst]",
    "[/inst]",
    "<<sys>>",
    "<</sys>>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<think>",
    "</think>",
    "<thinking>",
    "</thinking>",
    "<reasoning>",
    "</reasoning>",
    "<tool_call>",
    "</tool_call>",
    "[tool_calls]",
    "<function_calls>",
    "[/s]",
];

/// Who speaks, in lower case, where a line or a heading says nothing else in front of a colon.
const SPEAKERS: [&str; 9] =
    ["instruction", "response", "user", "assistant", "human", "system", "input", "ai", "user query"];

/// Lines outside of code with a control token, or with the name of a speaker.
pub(super) fn markers(body: &str, material: &Material) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in lines(body).filter(|line| !line.in_fence) {
        let Some(marker) = marker_in(line.text, line.heading().is_some()) else { continue };
        if material.plan_has(&marker) {
            continue;
        }
        let message = format!(
            "Line {} holds `{}`, which belongs to a conversation and not to a document. Take it out, with what belongs to it.",
            line.number,
            excerpt(&marker, 40)
        );
        findings.push(Code::ChatMarker.error(Some(line.number), message));
        if findings.len() == MOST {
            break;
        }
    }
    findings
}

fn marker_in(line: &str, heading: bool) -> Option<String> {
    if line.contains(['<', '[', '|']) {
        let lower = without_code(&line.to_lowercase());
        let token = TOKENS.iter().find(|token| match **token {
            // `<|` also stands in code that forgot its ticks; as a token it encloses one word.
            "<|" | "<｜" => lower.split(**token).skip(1).any(|rest| {
                let name = rest.split(['|', '｜']).next().unwrap_or_default();
                rest.len() > name.len() && !name.is_empty() && name.len() < 40 && !name.contains(char::is_whitespace)
            }),
            "|>" | "｜>" => false,
            token => lower.contains(token),
        });
        if let Some(token) = token {
            return Some((*token).to_owned());
        }
    }
    let text = line.trim().trim_start_matches('#').trim().replace("**", "");
    let (speaker, behind) = text.split_once(':')?;
    let speaks = SPEAKERS.contains(&speaker.trim().to_lowercase().as_str());
    // `Input: a CSV file` is text; as a heading, or with nothing behind it, it is a turn of a conversation.
    let turn = heading
        || (behind.trim().is_empty() && line.trim_start().starts_with(|c: char| c.is_alphabetic()))
        || ["user", "assistant", "human"].contains(&speaker.trim().to_lowercase().as_str())
            && line.starts_with(|c: char| c.is_alphabetic());
    (speaks && turn).then(|| format!("{}:", speaker.trim()))
}

/// Sentences that ask the reader for something.
pub(super) fn asks(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for paragraph in &reading.paragraphs {
        let words: Vec<u64> = reading.words(paragraph).iter().map(|word| word.hash).collect();
        // Most paragraphs hold no such phrase at all; the sentences of the others are looked at one by one.
        if !wording().asks.may_be_in(&words) {
            continue;
        }
        let asks = |sentence: &Sentence| wording().asks.is_in(&sentence.words);
        if let Some(sentence) = sentences(paragraph.text).into_iter().find(asks) {
            let text = excerpt(&sentence.text, 90);
            let message = format!(
                "Line {} asks the reader: \"{text}\". Nobody answers. Decide it yourself, and give the reason.",
                paragraph.line
            );
            findings.push(Code::Asks.error(Some(paragraph.line), message));
            if findings.len() == MOST {
                break;
            }
        }
    }
    findings
}

/// Closing remarks that are still there.
pub(super) fn postamble(body: &str) -> Option<Finding> {
    let at = closing_remark(body)?;
    let line = body[..at].matches('\n').count() + 1;
    let text = excerpt(&body[at..].trim_start_matches(['-', '\n', ' ']).replace('\n', " "), 90);
    let message = format!(
        "Line {line} closes a conversation: \"{text}\". The document ends with its last section; take the remark out."
    );
    Some(Code::Postamble.error(Some(line), message))
}

/// A closing remark has at most so many words.
const REMARK_WORDS: usize = 70;

/// Where the remark begins with which a body ends, in bytes; `None` where it ends with the document.
pub(super) fn closing_remark(body: &str) -> Option<usize> {
    let mut found = None;
    let mut end = body.trim_end().len();
    // A remark may have several paragraphs, and a rule in front.
    for _ in 0..4 {
        let text = body[..end].trim_end();
        let start = text.rfind("\n\n").map_or(0, |at| at + 2);
        let block = &text[start..];
        if start == 0 || block.starts_with('#') {
            break;
        }
        let is_rule = matches!(block.trim(), "---" | "***" | "___");
        if !is_rule && !is_remark(block) && !is_report_object(block) {
            break;
        }
        if !is_rule || found.is_some() {
            found = Some(start);
        }
        end = start;
    }
    // A section must not lose all of its body.
    found.filter(|at| {
        let before = body[..*at].trim_end();
        !before.lines().last().unwrap_or_default().starts_with('#')
    })
}

fn is_remark(block: &str) -> bool {
    if block.starts_with(['|', '`', '#', '<']) || word_count(block) > REMARK_WORDS {
        return false;
    }
    let list = block.lines().any(|line| list_item(line).is_some());
    let bare = block.trim_start_matches(['*', '_', '(', '[', '>', ' ']);
    // `Note:` and the like in front say nothing about what follows.
    let text = match bare.split_once([':', '：']) {
        Some((label, rest)) if word_count(label) <= 2 && !rest.trim().is_empty() => {
            rest.trim_start_matches(['*', '_', ' '])
        }
        _ => bare,
    };
    let wording = wording();
    let found = sentences(text);
    let offers = found.iter().any(|sentence| wording.offers.is_in(&sentence.words));
    if offers {
        return !list;
    }
    // What names files, functions or other achievements has something to say.
    let speaks_of_itself = || {
        let about =
            found.first().filter(|sentence| wording.itself.find(&sentence.words).is_some_and(|(at, _)| at == 0));
        about.is_some_and(|sentence| {
            sentence.words.iter().any(|word| wording.provides.contains(word))
                || words(&sentence.text).any(|word| word.unspaced)
        })
    };
    !list && !block.contains('`') && !block.contains('/') && speaks_of_itself()
}

/// A fence with an object of JSON about the answer itself, such as programs are sent.
fn is_report_object(block: &str) -> bool {
    const KEYS: [&str; 12] = [
        "achievement",
        "achievement_id",
        "status",
        "subplan",
        "execution_task",
        "document",
        "result",
        "answer",
        "complete",
        "completed",
        "done",
        "success",
    ];
    let inner = block.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let Some((info, object)) = inner.and_then(|inner| inner.split_once('\n')) else { return false };
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(object) else { return false };
    matches!(info.trim(), "" | "json")
        && !object.is_empty()
        && object
            .keys()
            .all(|key| KEYS.contains(&key.to_lowercase().as_str()) || key == "id" || key == "message" || key == "title")
        && object.keys().any(|key| KEYS.contains(&key.to_lowercase().as_str()))
}
