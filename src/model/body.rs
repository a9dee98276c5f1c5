//! The JSON of a chat request: the [`Request`] in the words that the server knows. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::{Map, Value, json};

use super::{Message, ModelConfig, Params, Request, ResponseSchema, Role, Structured, TokenCap};

/// Builds the body. Fields keep this order, so that tapes are easy to read.
pub(super) fn build(request: &Request, config: &ModelConfig, params: &Params) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(config.model.as_str()));
    body.insert("messages".to_owned(), messages(&request.messages, params.system_role));
    let cap = match params.token_cap {
        TokenCap::MaxCompletionTokens => "max_completion_tokens",
        TokenCap::MaxTokens => "max_tokens",
    };
    body.insert(cap.to_owned(), Value::from(request.max_output_tokens));
    if let (true, Some(effort)) = (params.reasoning_effort, effort(config, request.less_reasoning)) {
        body.insert("reasoning_effort".to_owned(), Value::from(effort));
    }
    if let (true, Some(temperature)) = (params.temperature, config.temperature) {
        body.insert("temperature".to_owned(), Value::from(temperature));
    }
    if let Some(format) =
        request.response_schema.as_deref().and_then(|schema| response_format(schema, params.structured))
    {
        body.insert("response_format".to_owned(), format);
    }
    if let (true, Some(key)) = (params.prompt_cache_key, &request.cache_key) {
        body.insert("prompt_cache_key".to_owned(), Value::from(key.as_str()));
    }
    body.insert("stream".to_owned(), Value::Bool(true));
    if params.include_usage {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    for (name, value) in &config.extra_body {
        if value.is_null() {
            body.shift_remove(name);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
    Value::Object(body)
}

fn response_format(ResponseSchema { name, schema }: &ResponseSchema, structured: Structured) -> Option<Value> {
    match structured {
        Structured::None => None,
        Structured::JsonObject => Some(json!({"type": "json_object"})),
        Structured::Strict => {
            Some(json!({"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": schema}}))
        }
    }
}

/// What `reasoning_effort` can be with current models, least first; OpenAI's default is the middle one.
const EFFORTS: [&str; 5] = ["minimal", "low", "medium", "high", "xhigh"];
const DEFAULT_EFFORT: usize = 2;

/// How hard to think: as configured, or some steps less.
fn effort(config: &ModelConfig, less: u8) -> Option<&str> {
    let configured = config.reasoning_effort.as_deref();
    if less == 0 {
        return configured;
    }
    // A word that is not known has no step below it but the least of the known ones that every such model takes.
    let place = configured.map_or(Some(DEFAULT_EFFORT), |word| EFFORTS.iter().position(|known| *known == word));
    let place = place.map_or(1, |place| place.saturating_sub(usize::from(less)));
    EFFORTS.get(place).copied()
}

/// Whether a model can be told to think less than it would with so many steps less already.
pub(super) fn can_think_less(config: &ModelConfig, params: &Params, less: u8) -> bool {
    params.reasoning_effort && effort(config, less.saturating_add(1)) != effort(config, less)
}

/// What is set but not sent, because the model does not take it.
pub(super) fn not_sent(config: &ModelConfig, params: &Params) -> Vec<&'static str> {
    let unsent = [
        (config.reasoning_effort.is_some() && !params.reasoning_effort, "reasoning_effort"),
        (config.temperature.is_some() && !params.temperature, "temperature"),
    ];
    unsent.into_iter().filter_map(|(unsent, name)| unsent.then_some(name)).collect()
}

/// What stands between texts that were messages of their own.
const BETWEEN: &str = "\n\n";

/// The messages as every server takes them: none is empty, and roles alternate. Strict chat templates refuse anything else,
/// and some refuse a system message, whose text then begins the user's.
fn messages(messages: &[Message], system_role: bool) -> Value {
    let mut said: Vec<(&str, String)> = Vec::with_capacity(messages.len());
    for message in messages {
        let role = match message.role {
            Role::System if system_role => "system",
            Role::System | Role::User => "user",
            Role::Assistant => "assistant",
        };
        let text = message.content.concat();
        if text.trim().is_empty() {
            continue;
        }
        match said.last_mut() {
            Some((last, before)) if *last == role => {
                before.push_str(BETWEEN);
                before.push_str(&text);
            }
            _ => said.push((role, text)),
        }
    }
    said.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn request() -> Request {
        Request {
            messages: vec![
                Message { role: Role::System, content: vec![Arc::from("rules")] },
                Message { role: Role::User, content: vec![Arc::from("shared "), Arc::from("own")] },
            ],
            max_output_tokens: 100,
            cache_key: Some("level-1".to_owned()),
            response_schema: None,
            less_reasoning: 0,
        }
    }

    fn config() -> ModelConfig {
        ModelConfig {
            model: "m".to_owned(),
            reasoning_effort: Some("low".to_owned()),
            temperature: Some(0.5),
            ..ModelConfig::default()
        }
    }

    #[test]
    fn a_schema_is_sent_as_far_as_the_model_takes_it() {
        let schema = ResponseSchema { name: "s".to_owned(), schema: json!({"type": "object"}) };
        let request = Request { response_schema: Some(Arc::new(schema)), ..request() };
        let table = [
            (Structured::None, Value::Null),
            (Structured::JsonObject, json!({"type": "json_object"})),
            (
                Structured::Strict,
                json!({"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": {"type": "object"}}}),
            ),
        ];
        for (structured, expected) in table {
            let body = build(&request, &config(), &Params { structured, ..Params::default() });
            assert_eq!(body.get("response_format").unwrap_or(&Value::Null), &expected, "{structured:?}");
        }
    }

    #[test]
    fn only_what_the_server_knows_is_sent() {
        let all = Params {
            token_cap: TokenCap::MaxCompletionTokens,
            reasoning_effort: true,
            temperature: true,
            prompt_cache_key: true,
            include_usage: true,
            structured: Structured::Strict,
            system_role: true,
        };
        assert_eq!(
            build(&request(), &config(), &all).to_string(),
            r#"{"model":"m","messages":[{"role":"system","content":"rules"},{"role":"user","content":"shared own"}],"max_completion_tokens":100,"reasoning_effort":"low","temperature":0.5,"prompt_cache_key":"level-1","stream":true,"stream_options":{"include_usage":true}}"#
        );
        assert_eq!(not_sent(&config(), &all), Vec::<&str>::new());

        let none = Params {
            token_cap: TokenCap::MaxTokens,
            reasoning_effort: false,
            temperature: false,
            prompt_cache_key: false,
            include_usage: false,
            structured: Structured::None,
            system_role: false,
        };
        assert_eq!(
            build(&request(), &config(), &none).to_string(),
            r#"{"model":"m","messages":[{"role":"user","content":"rules\n\nshared own"}],"max_tokens":100,"stream":true}"#
        );
        assert_eq!(not_sent(&config(), &none), ["reasoning_effort", "temperature"]);
    }

    #[test]
    fn roles_alternate_and_no_message_is_empty() {
        use Role::{Assistant, System, User};
        type Case<'a> = (&'a [(Role, &'a str)], bool, &'a str);
        let cases: [Case<'_>; 7] = [
            (&[(System, "r"), (User, "a"), (Assistant, "b"), (User, "c")], true, "system r|user a|assistant b|user c"),
            (&[(System, "r"), (User, "a"), (User, "c")], true, "system r|user a\n\nc"),
            (&[(System, "r"), (User, "a"), (Assistant, ""), (User, "c")], true, "system r|user a\n\nc"),
            (&[(System, "r"), (User, "a"), (Assistant, " \n"), (User, "c")], false, "user r\n\na\n\nc"),
            (&[(System, ""), (User, "a")], true, "user a"),
            (&[(User, "a"), (Assistant, "b"), (Assistant, "c"), (User, "d")], true, "user a|assistant b\n\nc|user d"),
            (&[], true, ""),
        ];
        for (said, system_role, expected) in cases {
            let message = |(role, text): &(Role, &str)| Message { role: *role, content: vec![Arc::from(*text)] };
            let sent = messages(&said.iter().map(message).collect::<Vec<_>>(), system_role);
            let shown = |it: &Value| format!("{} {}", it["role"].as_str().unwrap(), it["content"].as_str().unwrap());
            assert_eq!(sent.as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join("|"), expected);
        }
    }

    #[test]
    fn the_users_own_parameters_come_last() {
        let mut config = config();
        config.extra_body =
            serde_json::from_str(r#"{"service_tier":"flex","max_tokens":7,"stream_options":null}"#).unwrap();
        let params = Params { token_cap: TokenCap::MaxTokens, include_usage: true, ..Params::default() };
        let body = build(&request(), &config, &params);
        assert_eq!((&body["service_tier"], &body["max_tokens"]), (&json!("flex"), &json!(7)));
        assert!(body.get("stream_options").is_none());
    }
}
