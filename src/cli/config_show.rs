//! `planwave config show`: every setting and where it came from, as text or JSON.
//!
//! Pure: it takes loaded settings and gives text; it must not read anything or print. Values that may be secret arrive
//! masked, and of the API key only its length is known here.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::{Map, Value, json};

use crate::settings::{Entry, KeyState, Loaded};

/// Origins are aligned up to this column; longer lines push theirs to the right.
const WIDEST: usize = 56;

/// The settings as TOML with the origin of each value as a comment, then what is known of the API key.
pub fn text(loaded: &Loaded, key: &KeyState) -> String {
    let lines: Vec<(&Entry, String)> =
        loaded.entries.iter().map(|entry| (entry, format!("{} = {}", entry.name, toml(&entry.shown)))).collect();
    let widths = lines.iter().map(|(_, line)| console::measure_text_width(line));
    let column = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);

    let mut text = String::new();
    let mut table = "";
    for (entry, line) in &lines {
        if entry.table != table {
            let gap = if table.is_empty() { "" } else { "\n" };
            table = entry.table;
            text.push_str(&format!("{gap}[{table}]\n"));
        }
        let padding = column.saturating_sub(console::measure_text_width(line)) + 2;
        let notes: String = entry.notes.iter().map(|note| format!("; {note}")).collect();
        text.push_str(&format!("{line}{:padding$}# {}{notes}\n", "", entry.origin));
    }
    text.push_str(&format!("\n# API key: {}\n", key_in_words(key)));
    for warning in warnings(loaded) {
        text.push_str(&format!("# warning: {warning}\n"));
    }
    text
}

/// The settings as `{"<table>.<key>": {"value", "origin"}}`, in the same order, with `api_key` and `warnings` at the end.
pub fn json(loaded: &Loaded, key: &KeyState) -> Value {
    let entries = loaded.entries.iter();
    let mut all: Map<String, Value> = entries
        .map(|entry| {
            let mut value = json!({ "value": entry.shown, "origin": entry.origin.to_string() });
            if !entry.notes.is_empty() {
                value["notes"] = json!(entry.notes);
            }
            (entry.key(), value)
        })
        .collect();
    let (characters, error) = match &key.characters {
        Ok(characters) => (*characters, None),
        Err(error) => (None, Some(error.to_string())),
    };
    all.insert(
        "api_key".to_owned(),
        json!({
            "set": characters.is_some(),
            "characters": characters,
            "origin": key.source.to_string(),
            "needed": key.needed,
            "error": error,
        }),
    );
    all.insert("warnings".to_owned(), json!(warnings(loaded)));
    Value::Object(all)
}

/// What the user should know of the settings, and what waits for the user's trust.
fn warnings(loaded: &Loaded) -> Vec<String> {
    let mut all = loaded.warnings.clone();
    let claims = loaded.claims.iter().map(ToString::to_string);
    let new: Vec<String> = claims.filter(|claim| !all.contains(claim)).collect();
    all.extend(new);
    all
}

fn key_in_words(key: &KeyState) -> String {
    let source = &key.source;
    match (&key.characters, key.needed) {
        (Ok(Some(characters)), _) => format!("set ({characters} characters), from {source}"),
        (Ok(None), true) => format!("not set; {source} is empty, and the server needs one"),
        (Ok(None), false) => format!("not set; {source} is empty, and a server on this machine needs none"),
        (Err(error), _) => format!("not available: {error}"),
    }
}

/// A value as TOML writes it on one line. `null`, which only a variable can bring in, has no TOML and stays as it is.
fn toml(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quote(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let pairs: Vec<String> =
                entries.iter().map(|(key, value)| format!("{} = {}", quote(key), toml(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// A text in quotes, without any character that could act on a terminal.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Controls, and the marks that reverse the direction of a line (Unicode Bidi_Control).
            c if c.is_control()
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                quoted.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{KeySource, Overrides, SettingsError, SourceFile, Sources, load};

    fn loaded(variables: &[(&str, &str)], user: &str, project: &str) -> Loaded {
        let file =
            |name: &str, text: &str| SourceFile { name: name.into(), text: text.into(), ..SourceFile::default() };
        let sources = Sources {
            environment: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            user_file: Some(file("~/.config/planwave/config.toml", user)),
            project_file: Some(file("planwave.toml", project)),
            ..Sources::default()
        };
        load(&sources, &Overrides { concurrency: Some(4), ..Overrides::default() }).unwrap()
    }

    fn state(characters: Result<Option<usize>, SettingsError>) -> KeyState {
        KeyState { source: KeySource::Variable("OPENAI_API_KEY".to_owned()), needed: true, characters }
    }

    const SECRETIVE: &str = "[model]\n\
        api_key_command = [\"vault\", \"secret-1\"]\n\
        proxy = \"http://me:secret-2@proxy.example:3128\"\n\
        extra_headers = { \"X-Gateway\" = \"secret-3\" }\n\
        extra_parameters = { stop = [\"a\\tb\", \"\\u001B[31m\\u202E\"], \"odd key\" = { a = 1.5, b = true } }\n";

    #[test]
    fn the_text_shows_every_value_with_its_origin_and_no_secret() {
        let project = "[model]\nbase_url = \"https://me:secret-4@gate.example/v1\"\n";
        let loaded = loaded(&[("PLANWAVE_RUN_ORDER", "ready")], SECRETIVE, project);
        insta::assert_snapshot!(text(&loaded, &state(Ok(Some(51)))), @r#"
        [model]
        provider = "auto"                                       # default
        name = "gpt-5-mini"                                     # default
        base_url = "https://***@gate.example/v1"                # planwave.toml:2
        api_key_env = "OPENAI_API_KEY"                          # default
        api_key_command = ["vault", "***"]                      # ~/.config/planwave/config.toml:2
        organization = ""                                       # default
        project = ""                                            # default
        api_version = ""                                        # default
        reasoning_effort = ""                                   # default
        review = "off"                                          # default
        max_output_tokens = 0                                   # default
        proxy = "http://***@proxy.example:3128"                 # ~/.config/planwave/config.toml:3
        allow_insecure_http = false                             # default
        models_file = ""                                        # default
        extra_headers.x-gateway = "***"                         # ~/.config/planwave/config.toml:4
        extra_parameters."odd key" = { "a" = 1.5, "b" = true }  # ~/.config/planwave/config.toml:5
        extra_parameters.stop = ["a\tb", "\u001B[31m\u202E"]    # ~/.config/planwave/config.toml:5

        [timeouts]
        connect_seconds = 5                                     # default
        first_token_seconds = 600                               # default
        idle_seconds = 120                                      # default
        call_seconds = 1800                                     # default

        [retry]
        max_retries = 5                                         # default
        base_delay_ms = 500                                     # default
        max_delay_ms = 8000                                     # default
        run_percent = 20                                        # default
        failures_in_a_row = 20                                  # default
        rejected_seconds = 600                                  # default

        [limits]
        requests_per_minute = 0                                 # default
        tokens_per_minute = 0                                   # default
        remember = true                                         # default

        [run]
        concurrency = 4                                         # --concurrency
        order = "ready"                                         # PLANWAVE_RUN_ORDER
        stage = "both"                                          # default
        max_attempts = 3                                        # default
        max_cost = 0                                            # default
        max_tokens = 0                                          # default
        grace_seconds = 30                                      # default
        strict = false                                          # default

        [prompts]
        directory = ""                                          # default
        shared_tokens = 8000                                    # default
        repair_tokens = 6000                                    # default

        [context]
        mode = "auto"                                           # default
        shared_tokens = 4000                                    # default
        item_tokens = 4000                                      # default
        include = []                                            # default
        exclude = []                                            # default
        root = ""                                               # default

        [documents]
        executor = ""                                           # default
        language = "en"                                         # default
        instructions = ""                                       # default
        sections = ""                                           # default

        [init]
        patterns_directory = ""                                 # default

        [tape]
        local = true                                            # default

        [output]
        color = "auto"                                          # default
        progress = "auto"                                       # default

        [log]
        level = "warn"                                          # default

        # API key: set (51 characters), from OPENAI_API_KEY
        # warning: planwave.toml:2 sets model.base_url to https://gate.example/v1, which your own settings do not name: prompts, the API key from the command vault and your extra headers would go there
        "#);
    }

    #[test]
    fn the_text_can_be_read_back() {
        let values = "[model]\nextra_parameters = { stop = [\"a\\tb\\n\\\"\\\\\", \"\\u001B\\u0085\\u007F\\u202Eü\"], \"odd key\" = { \"a.b\" = 1.5, c = true, d = {} } }\n\
                      reasoning_effort = \"low\"\n[run]\nstrict = true\n[timeouts]\nidle_seconds = 0.5\n";
        let first = loaded(&[], values, "");
        let printed = text(&first, &state(Ok(None)));
        assert!(!printed.contains(|c: char| c.is_control() && c != '\n'), "{printed}");
        let again = loaded(&[], &printed, "");
        let shown =
            |loaded: &Loaded| loaded.entries.iter().map(|entry| (entry.key(), entry.shown.clone())).collect::<Vec<_>>();
        assert_eq!(shown(&again), shown(&first));
    }

    #[test]
    fn the_json_has_value_and_origin_of_every_key() {
        let loaded = loaded(&[], SECRETIVE, "");
        let json = json(&loaded, &state(Ok(Some(51))));
        assert_eq!(json["run.concurrency"], json!({"value": 4, "origin": "--concurrency"}));
        assert_eq!(json["run.order"], json!({"value": "level", "origin": "default"}));
        let masked = json!({"value": "***", "origin": "~/.config/planwave/config.toml:4"});
        assert_eq!(json["model.extra_headers.x-gateway"], masked);
        assert_eq!(json["model.api_key_command"]["value"], json!(["vault", "***"]));
        let key = json!({"set": true, "characters": 51, "origin": "OPENAI_API_KEY", "needed": true, "error": null});
        assert_eq!(json["api_key"], key);
        assert_eq!(json["warnings"], json!([]));
        assert_eq!(json.as_object().unwrap().len(), loaded.entries.len() + 2);
        assert!(!json.to_string().contains("secret-"));
    }

    #[test]
    fn the_key_is_told_in_words() {
        let broken = SettingsError::UnusableKey { source_name: "OPENAI_API_KEY".to_owned() };
        let local = KeyState { needed: false, ..state(Ok(None)) };
        let command = KeyState { source: KeySource::Command("pass".to_owned()), ..state(Ok(Some(3))) };
        let cases = [
            (state(Ok(Some(51))), "set (51 characters), from OPENAI_API_KEY"),
            (command, "set (3 characters), from the command pass"),
            (state(Ok(None)), "not set; OPENAI_API_KEY is empty, and the server needs one"),
            (local, "not set; OPENAI_API_KEY is empty, and a server on this machine needs none"),
            (
                state(Err(broken)),
                "not available: the API key from OPENAI_API_KEY has a character that cannot be sent in a header, such as a line break or a space",
            ),
        ];
        for (state, expected) in cases {
            assert_eq!(key_in_words(&state), expected);
        }
    }
}
