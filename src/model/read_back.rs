//! The text of an answer that is on a tape, for people to look at.

use super::{
    answer::Answer,
    sse::{self, Events},
};

/// The text of an answer by the body of its response, as much of it as there is; `None` where it holds none.
pub fn answer_text(body: &str) -> Option<String> {
    let mut answer = Answer::default();
    let mut add = |data: &[u8]| {
        // What cannot be read is passed over here: the run has judged it.
        let _ = answer.read(data);
    };
    if sse::first_byte(body.as_bytes()) == Some(b'{') {
        add(sse::without_mark(body.as_bytes()));
    } else {
        let mut events = Events::default();
        while let Some(data) = events.next(body.as_bytes()) {
            add(&data);
        }
        if let Some(data) = events.rest(body.as_bytes()) {
            add(&data);
        }
    }
    answer.close(true);
    let text = if answer.text.is_empty() { answer.refusal } else { answer.text };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_objects_and_nothing() {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: [DONE]\n\n";
        assert_eq!(answer_text(stream).as_deref(), Some("ab"));
        assert_eq!(answer_text(&stream[..60]).as_deref(), Some("a"));
        assert_eq!(answer_text(r#"{"choices":[{"message":{"content":"whole"}}]}"#).as_deref(), Some("whole"));
        assert_eq!(answer_text(r#"{"choices":[{"message":{"refusal":"no"}}]}"#).as_deref(), Some("no"));
        for nothing in ["", "<html>", "data: x\n\n", "{}"] {
            assert_eq!(answer_text(nothing), None);
        }
    }
}
