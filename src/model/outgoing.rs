//! A request as it goes out, and the same request with a smaller cap on output tokens, where a server said that the
//! cap does not fit. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;

use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use super::{ModelFacts, admission, endpoint::CHAT_PATH, gate::Need, service::Keys, size::Sizes, usage};
use crate::tape::request_and_item_key;

/// The fields that hold the cap.
const CAPS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// A request, written down once for the wire and for the tape.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) keys: Arc<Keys>,
    pub(super) need: Need,
    pub(super) request: Arc<RawValue>,
    pub(super) asked: Asked,
}

/// What has to be known of a request when its answer is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Bytes of its messages.
    pub(super) prompt_bytes: u64,
    /// Whether an earlier answer is among them.
    pub(super) has_answer: bool,
    /// The cap on output tokens.
    pub(super) cap: Option<u64>,
}

impl Asked {
    fn of(body: &Value) -> Self {
        let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
        Self {
            prompt_bytes: usage::texts(body).map(|text| text.len() as u64).sum(),
            has_answer: messages.filter_map(|message| message.get("role")).any(|role| role == "assistant"),
            cap: CAPS.iter().find_map(|name| body.get(name)?.as_u64()),
        }
    }
}

impl Outgoing {
    /// With `exact`, its tokens are counted, since a budget depends on them.
    pub(super) fn new(body: &Value, facts: &ModelFacts, exact: bool) -> Self {
        let (key, item_key) = request_and_item_key("POST", CHAT_PATH, body);
        Self {
            keys: Arc::new(Keys { request: key.into(), item: item_key.into() }),
            need: admission::need(body, facts, exact),
            // A value without maps of odd keys can always be written.
            request: to_raw_value(body).unwrap_or_default().into(),
            asked: Asked::of(body),
        }
    }

    /// The cap on output tokens.
    pub(super) fn cap(&self) -> Option<u64> {
        self.asked.cap
    }

    /// The same without a field that is no part of its key; `None` where it has none.
    pub(super) fn without(&self, transport: &str) -> Option<Self> {
        let mut body: Value = serde_json::from_str(self.request.get()).ok()?;
        body.as_object_mut()?.shift_remove(transport)?;
        Some(Self { request: to_raw_value(&body).ok()?.into(), ..self.clone() })
    }

    /// The same with a smaller cap, where that is what it takes to fit.
    pub(super) fn fitted(&self, sizes: &Sizes, facts: &ModelFacts, exact: bool) -> Option<Self> {
        let cap = self.asked.cap?;
        let mut body: Value = serde_json::from_str(self.request.get()).ok()?;
        let prompt = admission::need(&body, facts, true).prompt;
        let fitting = sizes.fitting_cap(prompt, cap)?;
        let fields = body.as_object_mut()?;
        for name in CAPS {
            if let Some(field) = fields.get_mut(name) {
                *field = Value::from(fitting);
            }
        }
        Some(Self::new(&body, facts, exact))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_cap_changes() {
        let facts = ModelFacts::default();
        for name in CAPS {
            let body =
                json!({"model": "m", "messages": [{"role": "user", "content": "hello"}], name: 9_000, "top_p": 1});
            let whole = Outgoing::new(&body, &facts, false);
            let sizes = Sizes { largest_cap: Some(4_000), ..Sizes::default() };
            let fitted = whole.fitted(&sizes, &facts, false).unwrap();
            assert_eq!(fitted.request.get(), whole.request.get().replace("9000", "4000"));
            assert_eq!((fitted.cap(), fitted.need.largest_answer), (Some(4_000), 4_000));
            assert_ne!(fitted.keys.request, whole.keys.request);
            assert!(fitted.fitted(&sizes, &facts, false).is_none(), "it fits");
        }
        let uncapped = Outgoing::new(&json!({"messages": []}), &facts, false);
        assert!(uncapped.fitted(&Sizes { window: Some(2_000), ..Sizes::default() }, &facts, false).is_none());
    }
}
