//! Headers and parameters by which a gateway is told where to pass a request on, or on whose account. Pure.
//!
//! On the way to a server that the user has named, a project's file could otherwise send prompts somewhere else: gateways take
//! the address of another server from a header (`x-portkey-custom-host`, `Helicone-Target-Url`) or from a field of the body
//! (LiteLLM's `api_base`), and keep what they saw for the account whose key a header holds.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::Value;

use super::keys::{Key, Kind};

/// How words end that name a place.
const PLACES: [&str; 11] =
    ["host", "url", "uri", "base", "endpoint", "proxy", "forward", "forwarded", "target", "upstream", "webhook"];

/// What names of headers contain that hold somebody's credentials.
const CREDENTIALS: [&str; 8] = ["auth", "key", "token", "secret", "password", "cookie", "credential", "signature"];

/// Headers that say who asks, as a URL or not.
const SENDERS: [&str; 4] = ["http-referer", "referer", "origin", "user-agent"];

/// Whether an entry of a table can send requests on to another place than the server that is asked.
pub(super) fn steers(key: &Key, entry: &str, value: &Value) -> bool {
    match key.kind {
        Kind::Headers => {
            let credentials = CREDENTIALS.iter().any(|part| entry.contains(part));
            !SENDERS.contains(&entry) && (credentials || names_a_place(entry) || holds_a_url(value))
        }
        Kind::Parameters => names_a_place(entry) || holds_a_url(value),
        _ => false,
    }
}

fn names_a_place(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| PLACES.iter().any(|place| word.ends_with(place)))
}

fn holds_a_url(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("://"),
        Value::Array(items) => items.iter().any(holds_a_url),
        Value::Object(fields) => fields.iter().any(|(name, value)| names_a_place(name) || holds_a_url(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_sends_requests_on_is_known() {
        let headers = Key::find("model", "extra_headers").unwrap();
        let parameters = Key::find("model", "extra_parameters").unwrap();
        for (name, value, expected) in [
            ("x-portkey-custom-host", "evil.example", true),
            ("helicone-target-url", "evil.example", true),
            ("x-forwarded-host", "evil.example", true),
            ("forwarded", "host=evil.example", true),
            ("helicone-auth", "Bearer x", true),
            ("x-portkey-api-key", "x", true),
            ("x-portkey-config", "{\"custom_host\":\"https://evil.example\"}", true),
            ("http-referer", "https://team.example", false),
            ("x-title", "planwave", false),
            ("x-team", "blue", false),
        ] {
            assert_eq!(steers(headers, name, &json!(value)), expected, "{name}");
        }
        for (name, value, expected) in [
            ("api_base", json!("evil.example"), true),
            ("apiBase", json!("evil.example"), true),
            ("base_url", json!("evil.example"), true),
            ("tools", json!([{"type": "mcp", "server_url": "evil.example"}]), true),
            ("metadata", json!({"to": "https://evil.example"}), true),
            ("service_tier", json!("flex"), false),
            ("response_format", json!({"type": "json_object"}), false),
            ("temperature", json!(0.2), false),
            ("seed", json!(7), false),
        ] {
            assert_eq!(steers(parameters, name, &value), expected, "{name}");
        }
    }
}
