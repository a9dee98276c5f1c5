//! Tests of the layers together: precedence, origins, every kind of error, and the completeness of the defaults.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    keys::{KEYS, Kind},
    *,
};
use crate::context::ContextMode;

/// Sources with the given variables and files (user, project, plan); an empty text is no file.
fn sources(variables: &[(&str, &str)], user: &str, project: &str, plan: &str) -> Sources {
    let file = |name: &str, directory: &str, text: &str| {
        let file = SourceFile {
            name: name.into(),
            directory: PathBuf::from(directory),
            place: PathBuf::from(directory),
            text: text.into(),
            ..SourceFile::default()
        };
        (!text.is_empty()).then_some(file)
    };
    Sources {
        environment: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        user_file: file("~/.config/planwave/config.toml", "/home/me/.config/planwave", user),
        project_file: file("planwave.toml", "/work", project),
        plan_file: file("plan/planwave.toml", "/work/plan", plan),
        grants: Grants::default(),
    }
}

fn loaded(sources: &Sources) -> Loaded {
    load(sources, &Overrides::default()).unwrap()
}

/// What `config show` would say of a key.
fn shown(loaded: &Loaded, key: &str) -> (Value, String) {
    let entry = loaded.entries.iter().find(|entry| entry.key() == key).unwrap();
    (entry.shown.clone(), entry.origin.to_string())
}

/// Origin and message, and the hint.
fn failure(sources: &Sources) -> (String, String) {
    let error = load(sources, &Overrides::default()).unwrap_err();
    (error.to_string(), error.hint().unwrap_or_default())
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let settings = loaded(&Sources::default()).settings;
    assert_eq!(settings.model.provider, None);
    assert_eq!(settings.model.name, "gpt-5-mini");
    assert_eq!(settings.model.base_url.expose(), "https://api.openai.com/v1");
    assert_eq!(settings.model.api_key_env, "OPENAI_API_KEY");
    assert_eq!(settings.model.api_key_command, None);
    assert_eq!(settings.model.max_output_tokens, None);
    assert_eq!(settings.model.proxy, None);
    assert!(settings.model.extra_headers.is_empty() && settings.model.extra_parameters.is_empty());
    let [connect, idle, call] = [5, 120, 1800].map(Duration::from_secs);
    assert_eq!(settings.timeouts, Timeouts { connect, first_token: Duration::from_secs(600), idle, call });
    let [base_delay, max_delay] = [500, 8000].map(Duration::from_millis);
    let rejected = Duration::from_secs(600);
    let retry = Retry { max_retries: 5, base_delay, max_delay, run_percent: 20, failures_in_a_row: 20, rejected };
    assert_eq!(settings.retry, retry);
    let limits = Limits { requests_per_minute: None, tokens_per_minute: None, remember: true };
    assert_eq!(settings.limits, limits);
    let run = Run {
        concurrency: 8,
        order: Order::Level,
        stage: StageChoice::Both,
        max_attempts: 3,
        max_cost: None,
        max_tokens: None,
        grace: Duration::from_secs(30),
        strict: false,
    };
    assert_eq!(settings.run, run);
    assert_eq!(settings.prompts, Prompts { directory: None, shared_tokens: 8000, repair_tokens: 6000 });
    let context = CodeBase {
        mode: ContextMode::Auto,
        shared_tokens: 4000,
        item_tokens: 4000,
        include: Vec::new(),
        exclude: Vec::new(),
        root: None,
    };
    assert_eq!(settings.context, context);
    assert_eq!(
        settings.documents,
        Documents { executor: None, language: String::from("en"), instructions: None, sections: None }
    );
    assert!(settings.tape.local);
    assert_eq!(settings.output, Output { color: Color::Auto, progress: ProgressStyle::Auto });
    assert_eq!(settings.log, Log { level: LogLevel::Warn });
}

#[test]
fn defaults_file_and_keys_and_types_name_the_same_settings() {
    // The types: `deny_unknown_fields` and no serde defaults, so that loading fails for a key too many or too few.
    let loaded = loaded(&Sources::default());
    assert!(loaded.entries.iter().all(|entry| entry.origin == Origin::Default));

    let text = include_str!("../../config/default.toml");
    let root = toml::de::DeTable::parse(text).unwrap();
    let mut in_file = Vec::new();
    for (table, content) in root.get_ref() {
        for name in content.get_ref().as_table().unwrap().keys() {
            in_file.push(format!("{}.{}", table.get_ref(), name.get_ref()));
        }
    }
    let known: Vec<String> = KEYS.iter().map(keys::Key::path).collect();
    assert_eq!(in_file, known, "and in the same order");

    // A comment stands before each key or directly before the key above it.
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')) {
        let explained = lines[..at].iter().rev().take_while(|line| !line.is_empty()).any(|line| line.starts_with("# "));
        assert!(explained, "no comment explains {line}");
    }
}

#[test]
fn every_key_has_a_variable_of_its_own() {
    let variables: BTreeSet<String> = KEYS.iter().map(keys::Key::variable).collect();
    assert_eq!(variables.len(), KEYS.len());
    assert!(variables.contains("PLANWAVE_RUN_CONCURRENCY"));
}

#[test]
fn words_of_choices_are_those_of_their_types() {
    fn words<T: clap::ValueEnum>() -> Vec<String> {
        T::value_variants().iter().filter_map(|word| Some(word.to_possible_value()?.get_name().to_owned())).collect()
    }
    let types = [
        ("model.review", words::<Review>()),
        ("run.order", words::<Order>()),
        ("run.stage", words::<StageChoice>()),
        ("context.mode", words::<ContextMode>()),
        ("output.color", words::<Color>()),
        ("output.progress", words::<ProgressStyle>()),
        ("log.level", words::<LogLevel>()),
    ];
    let choices = KEYS.iter().filter_map(|key| match key.kind {
        Kind::Choice(words) => Some((key.path(), words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())),
        _ => None,
    });
    assert_eq!(choices.collect::<Vec<_>>(), types.clone().map(|(key, words)| (key.to_owned(), words)));

    for (key, words) in types {
        let (table, name) = key.split_once('.').unwrap();
        for word in words {
            let file = format!("[{table}]\n{name} = \"{word}\"");
            assert_eq!(
                shown(&loaded(&sources(&[], &file, "", "")), key).0,
                word,
                "the type reads what the check allows"
            );
        }
    }
}

#[test]
fn a_later_layer_wins_and_is_named() {
    let variables = [
        ("OPENAI_BASE_URL", "https://one.example/v1"),
        ("OPENAI_ORG_ID", "org-env"),
        ("PLANWAVE_RUN_MAX_ATTEMPTS", "6"),
        ("PLANWAVE_RUN_ORDER", "ready"),
        ("PLANWAVE_OUTPUT_COLOR", ""),
    ];
    let user = "[run]\nconcurrency = 6\nmax_attempts = 4\norder = \"level\"\nstrict = true\n[model]\norganization = \"org-user\"\n";
    let project = "# shared\n[run]\nconcurrency = 3\nmax_attempts = 3\n";
    let plan = "run.concurrency = 4\n";
    let flags = Overrides { order: Some(Order::Level), ..Overrides::default() };
    let loaded = load(&sources(&variables, user, project, plan), &flags).unwrap();
    let cases = [
        ("model.name", json!("gpt-5-mini"), "default"),
        ("model.base_url", json!("https://one.example/v1"), "OPENAI_BASE_URL"),
        ("model.organization", json!("org-user"), "~/.config/planwave/config.toml:7"),
        ("run.strict", json!(true), "~/.config/planwave/config.toml:5"),
        ("run.concurrency", json!(4), "plan/planwave.toml:1"),
        ("run.max_attempts", json!(6), "PLANWAVE_RUN_MAX_ATTEMPTS"),
        ("run.order", json!("level"), "--order"),
        ("output.color", json!("auto"), "default"),
    ];
    for (key, value, origin) in cases {
        assert_eq!(shown(&loaded, key), (value, origin.to_owned()), "{key}");
        assert_eq!(loaded.origin(key).unwrap().to_string(), origin);
    }
    assert_eq!(loaded.settings.run.concurrency, 4);
    assert_eq!(loaded.settings.run.order, Order::Level);
    assert_eq!(loaded.settings.model.organization.as_deref(), Some("org-user"));

    let project_only = self::loaded(&sources(&[], user, project, ""));
    assert_eq!(shown(&project_only, "run.concurrency"), (json!(3), "planwave.toml:3".to_owned()));
}

#[test]
fn every_flag_reaches_its_setting() {
    let flags = Overrides {
        model: Some("m".into()),
        concurrency: Some(64),
        order: Some(Order::Ready),
        stage: Some(StageChoice::Subplan),
        max_attempts: Some(1),
        max_cost: Some(0.5),
        max_tokens: Some(90_000),
        grace: Some(2.5),
        strict: Some(true),
        context: Some(ContextMode::None),
        executor: Some("Team Blue".into()),
        color: Some(Color::Never),
        progress: Some(ProgressStyle::Plain),
        log: Some(LogLevel::Trace),
    };
    let loaded = load(&Sources::default(), &flags).unwrap();
    let flagged = loaded.entries.iter().filter(|entry| entry.origin != Origin::Default);
    let flagged: Vec<String> =
        flagged.map(|entry| format!("{} = {} ({})", entry.key(), entry.shown, entry.origin)).collect();
    let expected = [
        "model.name = \"m\" (--model)",
        "run.concurrency = 64 (--concurrency)",
        "run.order = \"ready\" (--order)",
        "run.stage = \"subplan\" (--stage)",
        "run.max_attempts = 1 (--max-attempts)",
        "run.max_cost = 0.5 (--max-cost)",
        "run.max_tokens = 90000 (--max-tokens)",
        "run.grace_seconds = 2.5 (--grace)",
        "run.strict = true (--strict)",
        "context.mode = \"none\" (--no-context)",
        "documents.executor = \"Team Blue\" (--executor)",
        "output.color = \"never\" (--color)",
        "output.progress = \"plain\" (--progress)",
        "log.level = \"trace\" (--log)",
    ];
    assert_eq!(flagged, expected);
    let level: tracing::level_filters::LevelFilter = loaded.settings.log.level.into();
    assert_eq!(level, tracing::level_filters::LevelFilter::TRACE);
}

#[test]
fn a_project_narrows_the_code_that_is_sent_and_never_widens_it() {
    let user = "[context]\nmode = \"paths\"\nshared_tokens = 500\nexclude = [\"a/\"]\ninclude = [\"src/\"]\n";
    let wide = "[context]\nmode = \"auto\"\nshared_tokens = 9000\nitem_tokens = 9000\nexclude = []\ninclude = []\n";
    let context = |user: &str, project: &str, plan: &str| loaded(&sources(&[], user, project, plan)).settings.context;
    assert_eq!(context(user, wide, wide), context(user, "", ""));
    assert_eq!(context("", wide, ""), context("", "", ""));
    let narrow = "[context]\nmode = \"none\"\nshared_tokens = 100\nexclude = [\"b/\"]\ninclude = [\"src/x/\"]\n";
    let narrowed = context(user, narrow, wide);
    assert_eq!((narrowed.mode, narrowed.shared_tokens, narrowed.item_tokens), (ContextMode::None, 100, 4000));
    assert_eq!(narrowed.exclude, ["a/", "b/"]);
    assert_eq!(narrowed.include, [["src/"], ["src/x/"]]);
    // The user's own variables and flags have the last word.
    let last = sources(&[("PLANWAVE_CONTEXT_MODE", "auto"), ("PLANWAVE_CONTEXT_EXCLUDE", "[]")], "", narrow, "");
    let last = loaded(&last).settings.context;
    assert_eq!((last.mode, last.exclude), (ContextMode::Auto, Vec::new()));
    let wrong = sources(&[], "[context]\nexclude = \"a\"\n", "", "");
    assert_eq!(
        failure(&wrong),
        (
            String::from(
                "~/.config/planwave/config.toml:2: `context.exclude` must be a list of texts, each a glob such as `src/**` on one line, not the text \"a\""
            ),
            String::from("write it as a list, for example [\"src/**\"]")
        )
    );
}

#[test]
fn tables_of_the_user_are_merged_entry_by_entry() {
    let user = "[model.extra_headers]\nX-Title = \"mine\"\nX-Gateway = \"g-secret\"\n[model.extra_parameters]\nseed = 1\nnested = { a = [1, 2.5, true], b = {} }\n";
    let project = "[model]\nextra_headers = { x-title = \"theirs\" }\nextra_parameters = { seed = 2 }\n";
    let variables = [("PLANWAVE_MODEL_EXTRA_HEADERS", r#"{"X-Trace": "on"}"#)];
    let loaded = loaded(&sources(&variables, user, project, ""));
    let headers: Vec<_> =
        loaded.settings.model.extra_headers.iter().map(|(k, v)| (k.as_str(), v.expose_secret())).collect();
    assert_eq!(headers, [("x-gateway", "g-secret"), ("x-title", "theirs"), ("x-trace", "on")]);
    let parameters = Value::Object(loaded.settings.model.extra_parameters.clone());
    assert_eq!(parameters, json!({"seed": 2, "nested": {"a": [1, 2.5, true], "b": {}}}));
    assert_eq!(shown(&loaded, "model.extra_headers.x-title"), (json!("***"), "planwave.toml:2".into()));
    assert_eq!(
        shown(&loaded, "model.extra_headers.x-gateway"),
        (json!("***"), "~/.config/planwave/config.toml:3".into())
    );
    assert_eq!(shown(&loaded, "model.extra_headers.x-trace"), (json!("***"), "PLANWAVE_MODEL_EXTRA_HEADERS".into()));
    assert_eq!(shown(&loaded, "model.extra_parameters.seed"), (json!(2), "planwave.toml:3".into()));
}

#[test]
fn paths_are_relative_to_the_file_that_names_them() {
    let loaded = loaded(&sources(
        &[("PLANWAVE_MODEL_MODELS_FILE", "here/models.toml")],
        "[model]\nmodels_file = \"models.toml\"\n",
        "[prompts]\ndirectory = \"templates\"\n",
        "",
    ));
    assert_eq!(loaded.settings.prompts.directory, Some(PathBuf::from("/work").join("templates")));
    assert_eq!(loaded.settings.model.models_file, Some(PathBuf::from("here/models.toml")));
    // A program, too, where it is a path; a name is looked up.
    for (program, expected) in
        [("./key", "/home/me/.config/planwave/./key"), ("pass", "pass"), ("/bin/key", "/bin/key")]
    {
        let user = format!("[model]\napi_key_command = [\"{program}\", \"./as-it-is\"]\n");
        let command = self::loaded(&sources(&[], &user, "", "")).settings.model.api_key_command.unwrap();
        assert_eq!((command.program.as_str(), command.arguments[0].as_str()), (expected, "./as-it-is"));
    }
}

#[test]
fn variables_are_read_as_the_type_of_their_key() {
    let loaded = loaded(&sources(
        &[
            ("PLANWAVE_TIMEOUTS_IDLE_SECONDS", "0.25"),
            ("PLANWAVE_TIMEOUTS_CALL_SECONDS", " 60 "),
            ("PLANWAVE_RUN_STRICT", "true"),
            ("PLANWAVE_MODEL_NAME", "4"),
            ("PLANWAVE_MODEL_API_KEY_COMMAND", r#"["pass", "show", "openai"]"#),
            ("PLANWAVE_MODEL_EXTRA_PARAMETERS", r#"{"seed": 7, "stop": ["a"]}"#),
            ("PLANWAVE_CORPUS", "/somewhere"),
            ("PLANWAVEX", "not ours"),
        ],
        "",
        "",
        "",
    ));
    assert_eq!(loaded.settings.timeouts.idle, Duration::from_millis(250));
    assert_eq!(loaded.settings.timeouts.call, Duration::from_secs(60));
    assert!(loaded.settings.run.strict);
    assert_eq!(loaded.settings.model.name, "4");
    let command = loaded.settings.model.api_key_command.unwrap();
    assert_eq!(
        (command.program.as_str(), command.arguments.as_slice()),
        ("pass", &["show".into(), "openai".into()][..])
    );
    assert_eq!(Value::Object(loaded.settings.model.extra_parameters), json!({"seed": 7, "stop": ["a"]}));
}

#[test]
fn wrong_files_are_refused_with_place_and_hint() {
    let at = "~/.config/planwave/config.toml";
    let cases = [
        ("[run]\nconcurency = 4", "2: unknown key `run.concurency`", "did you mean `run.concurrency`?"),
        ("concurrency = 4", "1: unknown key `concurrency`", "did you mean `run.concurrency`?"),
        ("[model]\nconcurrency = 4", "2: unknown key `model.concurrency`", "did you mean `run.concurrency`?"),
        ("\n\n[modle]\nname = \"x\"", "3: unknown key `modle`", "did you mean `model`?"),
        ("[run]\nzzzzzz = 1", "2: unknown key `run.zzzzzz`", "`planwave config show` lists every key"),
        (
            "[run]\n\"a\\u001Bb.c\" = 1",
            "2: unknown key `run.\"a\\u{1b}b.c\"`",
            "`planwave config show` lists every key",
        ),
        (
            "[run]\nconcurrency = \"8\"",
            "2: `run.concurrency` must be a whole number from 1 to 10,000, not the text \"8\"",
            "write the number without quotes",
        ),
        ("[run]\nconcurrency = 0", "2: `run.concurrency` must be a whole number from 1 to 10,000, not 0", ""),
        ("[run]\nconcurrency = -1", "2: `run.concurrency` must be a whole number from 1 to 10,000, not -1", ""),
        ("[run]\nconcurrency = 2.5", "2: `run.concurrency` must be a whole number from 1 to 10,000, not 2.5", ""),
        ("[run.concurrency]\nx = 1", "1: `run.concurrency` must be a whole number from 1 to 10,000, not a table", ""),
        (
            "[run]\norder = \"levle\"",
            "2: `run.order` must be `level` or `ready`, not the text \"levle\"",
            "did you mean `level`?",
        ),
        ("[run]\nstage = 1", "2: `run.stage` must be `subplan`, `execution` or `both`, not 1", ""),
        (
            "[run]\nstrict = \"true\"",
            "2: `run.strict` must be true or false, not the text \"true\"",
            "write it without quotes",
        ),
        (
            "[timeouts]\nidle_seconds = 0",
            "2: `timeouts.idle_seconds` must be a number of seconds from 0.001 to 86,400, not 0",
            "",
        ),
        (
            "[timeouts]\nidle_seconds = inf",
            "2: `timeouts.idle_seconds` must be a number of seconds from 0.001 to 86,400, not a date or a number out of range",
            "",
        ),
        (
            "model = \"gpt-5\"",
            "1: `model` must be a table, written as [model], not the text \"gpt-5\"",
            "the model's name is set by `model.name`",
        ),
        ("[model]\nname = \"\"", "2: `model.name` must be one line of text that is not empty, not an empty text", ""),
        (
            "[model]\nbase_url = \"user:secret@example.com\"",
            "2: `model.base_url` must be a URL that begins with http:// or https://, without a query, not a text of 23 characters",
            "",
        ),
        (
            "[model]\napi_key_env = \"sk-abc\"",
            "2: `model.api_key_env` must be the name of an environment variable in capitals, such as OPENAI_API_KEY, and not the key itself, not a text of 6 characters",
            "",
        ),
        (
            "[model]\napi_key_command = \"pass show openai\"",
            "2: `model.api_key_command` must be a list of texts: the program and its arguments, each on one line, not a text of 16 characters",
            "write it as a list, for example [\"pass\", \"show\", \"openai\"]",
        ),
        (
            "[model]\nextra_headers = 3",
            "2: `model.extra_headers` must be a table of HTTP headers: names, and texts of printable ASCII characters, not 3",
            "",
        ),
        (
            "[model.extra_headers]\n\"a b\" = \"c\"",
            "2: `model.extra_headers.\"a b\"` must be a table of HTTP headers: names, and texts of printable ASCII characters, not a text of 1 characters",
            "",
        ),
        (
            "[model.extra_parameters]\nwhen = 2024-01-01",
            "2: `model.extra_parameters.when` must be a table of numbers, texts, true or false, lists and tables (no dates), not a date or a number out of range",
            "",
        ),
        (
            "[run]\nconcurrency = ",
            "2:15: not valid TOML: string values must be quoted, expected literal string",
            "see https://toml.io for the notation; texts need quotes",
        ),
    ];
    for (text, message, hint) in cases {
        let expected = (format!("{at}:{message}"), hint.to_owned());
        assert_eq!(failure(&sources(&[], text, "", "")), expected, "{text}");
    }
}

const KEY_HINT: &str = "put the key in the environment variable OPENAI_API_KEY (or name another one in model.api_key_env), \
                        or let model.api_key_command print it";

#[test]
fn keys_in_files_and_variables_are_refused_and_not_repeated() {
    let key = "sk-proj-0123456789abcdef";
    let files = [
        (format!("[model]\napi_key = \"{key}\""), "model.api_key"),
        (format!("api_key = \"{key}\""), "api_key"),
        (format!("[model]\nOPENAI_API_KEY = \"{key}\""), "model.OPENAI_API_KEY"),
        (format!("[model]\ntoken = \"{key}\""), "model.token"),
        (format!("[model.extra_headers]\nAuthorization = \"Bearer {key}\""), "model.extra_headers.authorization"),
        (format!("[model.extra_headers]\nApi-Key = \"{key}\""), "model.extra_headers.api-key"),
        ("[model.extra_parameters]\napi_key = \"x\"".to_owned(), "model.extra_parameters.api_key"),
        (format!("[model.extra_parameters]\nmetadata = {{ k = [\"{key}\"] }}"), "model.extra_parameters.metadata"),
        ("[model.extra_parameters]\nproxy = { litellm_api_key = \"x\" }".to_owned(), "model.extra_parameters.proxy"),
    ];
    for (text, name) in files {
        let line = text.lines().count();
        let expected =
            format!("planwave.toml:{line}: `{name}` looks like a place for an API key, and planwave takes none there");
        assert_eq!(failure(&sources(&[], "", &text, "")), (expected, KEY_HINT.to_owned()), "{text}");
    }
    // Wherever else it is put by mistake, an error does not repeat it.
    let mistakes = [
        format!("[model]\napi_key_env = \"{key}\""),
        format!("[model]\nbase_url = \"{key}\""),
        format!("[model]\nmax_output_tokens = \"{key}\""),
        format!("[run]\norder = \"{key}\""),
        format!("model = \"{key}\""),
        format!("[model]\nname = {key}"),
        format!("[model]\nname = \"{key}"),
        format!("[model]\nname = \"a\"\nname = \"{key}\""),
    ];
    for text in mistakes {
        let (message, hint) = failure(&sources(&[], &text, "", ""));
        assert!(!message.contains(key) && !hint.contains(key), "{message}");
    }
    for variable in ["PLANWAVE_MODEL_API_KEY", "PLANWAVE_API_KEY", "PLANWAVE_TOKEN"] {
        let expected = (format!("unknown environment variable `{variable}`"), KEY_HINT.to_owned());
        let (message, hint) = failure(&sources(&[(variable, key)], "", "", ""));
        assert_eq!((message, hint), expected);
    }
}

#[test]
fn wrong_variables_are_refused_with_name_and_hint() {
    let cases = [
        (
            "PLANWAVE_RUN_CONCURENCY",
            "4",
            "unknown environment variable `PLANWAVE_RUN_CONCURENCY`",
            "did you mean `PLANWAVE_RUN_CONCURRENCY`?",
        ),
        (
            "PLANWAVE_ZZ",
            "",
            "unknown environment variable `PLANWAVE_ZZ`",
            "PLANWAVE_<TABLE>_<KEY> sets a key; `planwave config show` lists every key",
        ),
        (
            "PLANWAVE_RUN_CONCURRENCY",
            "many",
            "PLANWAVE_RUN_CONCURRENCY: `run.concurrency` must be a whole number from 1 to 10,000, not the text \"many\"",
            "",
        ),
        (
            "PLANWAVE_RUN_CONCURRENCY",
            "2.5",
            "PLANWAVE_RUN_CONCURRENCY: `run.concurrency` must be a whole number from 1 to 10,000, not 2.5",
            "",
        ),
        (
            "PLANWAVE_RUN_CONCURRENCY",
            " -1 ",
            "PLANWAVE_RUN_CONCURRENCY: `run.concurrency` must be a whole number from 1 to 10,000, not -1",
            "",
        ),
        (
            "PLANWAVE_RUN_GRACE_SECONDS",
            "1e9",
            "PLANWAVE_RUN_GRACE_SECONDS: `run.grace_seconds` must be a number of seconds from 0 to 86,400, not 1e9",
            "",
        ),
        (
            "PLANWAVE_RUN_STRICT",
            "yes",
            "PLANWAVE_RUN_STRICT: `run.strict` must be true or false, not the text \"yes\"",
            "",
        ),
        (
            "PLANWAVE_MODEL_EXTRA_HEADERS",
            "X-Title: a",
            "PLANWAVE_MODEL_EXTRA_HEADERS: `model.extra_headers` must be a table of HTTP headers: names, and texts of printable ASCII characters, not a text of 10 characters",
            "write it as JSON, for example {\"name\": \"value\"}",
        ),
        (
            "OPENAI_BASE_URL",
            "api.example.com",
            "OPENAI_BASE_URL: `model.base_url` must be a URL that begins with http:// or https://, without a query, not a text of 15 characters",
            "",
        ),
    ];
    for (name, value, message, hint) in cases {
        let expected = (message.to_owned(), hint.to_owned());
        assert_eq!(failure(&sources(&[(name, value)], "", "", "")), expected, "{name}={value}");
    }
}

#[test]
fn flags_are_checked_like_files() {
    let flags = Overrides { concurrency: Some(0), ..Overrides::default() };
    let error = load(&Sources::default(), &flags).unwrap_err();
    assert_eq!(error.to_string(), "--concurrency: `run.concurrency` must be a whole number from 1 to 10,000, not 0");
}

#[test]
fn what_the_user_decides_no_file_of_somebody_else_does() {
    let (mine, theirs) = ("~/.config/planwave/config.toml:2", "planwave.toml:2");
    // The key, the line that sets it, its variable with another value, and what it says.
    let cases = [
        (
            "model.api_key_env",
            "api_key_env = \"AWS_SECRET_ACCESS_KEY\"",
            ("PLANWAVE_MODEL_API_KEY_ENV", "TEAM_KEY"),
            "which of your secrets is sent as the API key",
        ),
        (
            "model.api_key_command",
            "api_key_command = [\"sh\"]",
            ("PLANWAVE_MODEL_API_KEY_COMMAND", "[\"pass\"]"),
            "which program is run on your machine",
        ),
        (
            "model.proxy",
            "proxy = \"http://127.0.0.1:3128\"",
            ("PLANWAVE_MODEL_PROXY", "http://proxy.example:3128"),
            "through which machine prompts and the API key go",
        ),
        (
            "model.allow_insecure_http",
            "allow_insecure_http = true",
            ("PLANWAVE_MODEL_ALLOW_INSECURE_HTTP", "false"),
            "whether the API key may cross the network in the clear",
        ),
        (
            "model.extra_headers.host",
            "extra_headers = { Host = \"evil.example\" }",
            ("PLANWAVE_MODEL_EXTRA_HEADERS", "{\"host\": \"good.example\"}"),
            "which of the sites at that address gets prompts and the API key",
        ),
    ];
    for (key, line, variable, says) in cases {
        let text = format!("[model]\n{line}");
        let refused = |file: &str| {
            let message = format!("{file}: `{key}` cannot be set by a project's file alone, because it says {says}");
            (message, format!("set it in your own configuration file or in {}, or remove it here", variable.0))
        };
        assert_eq!(failure(&sources(&[], "", &text, "")), refused(theirs));
        assert_eq!(failure(&sources(&[], "", "", &text)), refused("plan/planwave.toml:2"));
        // The user says so: alone, or as well as the project. Or the user says something else, and later.
        let origin = |variables, user, project| shown(&loaded(&sources(variables, user, project, "")), key).1;
        assert_eq!(origin(&[], &text, ""), mine);
        assert_eq!(origin(&[], &text, &text), theirs);
        assert_eq!(origin(&[variable], "", &text), variable.0);
    }
    // What a gateway is told to pass on, at a server of the user's; at its own, a project may say so.
    for line in [
        "extra_headers = { Helicone-Target-Url = \"https://evil.example\" }",
        "extra_parameters = { api_base = \"x\" }",
    ] {
        let text = format!("[model]\n{line}\n");
        let (message, _) = failure(&sources(&[], "", &text, ""));
        assert!(
            message.contains("cannot be set by a project's file alone, because it says to which other"),
            "{message}"
        );
        assert_eq!(loaded(&sources(&[], &text, &text, "")).claims.len(), 0);
        let both = format!("{text}base_url = \"https://gate.example/v1\"");
        assert_eq!(loaded(&sources(&[], "", &both, "")).claims.len(), 1);
        // To repeat the user's server is not to name one.
        let repeated = format!("{text}base_url = \"https://api.openai.com/v1\"");
        assert!(load(&sources(&[], "", &repeated, ""), &Overrides::default()).is_err());
    }
    // What is so anyway may be said by anybody.
    let harmless = "[model]\napi_key_env = \"OPENAI_API_KEY\"\nproxy = \"\"\nallow_insecure_http = false\n";
    assert_eq!(loaded(&sources(&[], "", harmless, "")).warnings, [""; 0]);
    // The user's proxy cannot be taken away either.
    let proxy = "[model]\nproxy = \"http://proxy.example:3128\"";
    assert!(failure(&sources(&[], proxy, "[model]\nproxy = \"\"", "")).0.contains("model.proxy"));
}

#[test]
fn a_server_that_only_a_projects_file_names_needs_the_users_trust() {
    let there = "[model]\nbase_url = \"https://u:p@evil.example/v1\"";
    let clear = "[model]\nbase_url = \"http://evil.example/v1\"";
    let here = "[model]\nbase_url = \"http://localhost:8000/v1\"";
    let (header, command) = ("[model.extra_headers]\nx-key = \"s\"", "[model]\napi_key_command = [\"pass\"]");
    let key = ("OPENAI_API_KEY", "sk-1234");
    // Variables, the user's file, the project's, and what is said.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, Option<&'a str>);
    let cases: [Case<'_>; 16] = [
        (&[key], "", "", None),
        (&[], "", there, Some("https://evil.example/v1: prompts would go there")),
        (
            &[key],
            "",
            there,
            Some("https://evil.example/v1: prompts and the API key from OPENAI_API_KEY would go there"),
        ),
        (
            &[],
            command,
            there,
            Some("https://evil.example/v1: prompts and the API key from the command pass would go there"),
        ),
        (&[], header, there, Some("https://evil.example/v1: prompts and your extra headers would go there")),
        (
            &[key],
            header,
            there,
            Some(
                "https://evil.example/v1: prompts, the API key from OPENAI_API_KEY and your extra headers would go there",
            ),
        ),
        (&[], "", clear, Some("http://evil.example/v1: prompts, in the clear, would go there")),
        // A server on this machine gets no secret silently either.
        (&[], "", here, Some("http://localhost:8000/v1: prompts would go there")),
        (
            &[key],
            "",
            here,
            Some("http://localhost:8000/v1: prompts and the API key from OPENAI_API_KEY would go there"),
        ),
        (
            &[key],
            "",
            "[model]\nbase_url = \"http://localhost:1/v1\"\n[model.extra_headers]\nx-key = \"s\"",
            Some("http://localhost:1/v1: prompts and the API key from OPENAI_API_KEY would go there"),
        ),
        // The user names the same server: nothing is redirected. Another path can be another tenant's.
        (&[key], "[model]\nbase_url = \"https://evil.example/v1/\"", there, None),
        (
            &[],
            "[model]\nbase_url = \"https://evil.example/other\"",
            there,
            Some("https://evil.example/v1: prompts would go there"),
        ),
        (&[key, ("OPENAI_BASE_URL", "https://evil.example/v1")], "", there, None),
        // The user's own word is later.
        (&[key, ("PLANWAVE_MODEL_BASE_URL", "https://good.example/v1")], "", there, None),
        (&[key], there, "", None),
        (&[("OPENAI_API_KEY", " ")], "", here, Some("http://localhost:8000/v1: prompts would go there")),
    ];
    for (variables, user, project, expected) in cases {
        let loaded = loaded(&sources(variables, user, project, ""));
        let said = |rest: &str| {
            let (url, what) = rest.split_once(": ").unwrap();
            format!("planwave.toml:2 sets model.base_url to {url}, which your own settings do not name: {what}")
        };
        let claims: Vec<String> = loaded.claims.iter().map(ToString::to_string).collect();
        assert_eq!(claims, Vec::from_iter(expected.map(said)), "{variables:?} {user} {project}");
    }
}

#[test]
fn a_projects_file_lowers_a_bound_and_lifts_none() {
    let (user_name, project_name) = ("~/.config/planwave/config.toml", "planwave.toml");
    // The key, what the user says ("" for nothing), what the project says, and the effective value.
    let cases = [
        ("run.max_cost", "5", "0", "5"),
        ("run.max_cost", "5", "5.5", "5"),
        ("run.max_cost", "5", "0.5", "0.5"),
        ("run.max_cost", "", "0.5", "0.5"),
        ("run.max_tokens", "1000", "0", "1000"),
        ("run.max_tokens", "1000", "1001", "1000"),
        ("run.max_tokens", "", "1001", "1001"),
        ("run.max_attempts", "", "4", "3"),
        ("run.max_attempts", "5", "4", "4"),
        ("run.concurrency", "", "64", "8"),
        ("run.concurrency", "64", "16", "16"),
        ("run.grace_seconds", "", "0", "30"),
        ("run.grace_seconds", "", "86400", "30"),
        ("run.strict", "true", "false", "true"),
        ("run.strict", "", "true", "true"),
        ("retry.max_retries", "", "100", "5"),
        ("retry.max_retries", "", "0", "0"),
        ("retry.base_delay_ms", "", "1", "500"),
        ("retry.max_delay_ms", "", "1", "8000"),
        ("retry.max_delay_ms", "", "9000", "9000"),
        ("retry.run_percent", "", "1000", "20"),
        ("retry.failures_in_a_row", "", "0", "20"),
        ("retry.failures_in_a_row", "0", "7", "7"),
        ("retry.rejected_seconds", "", "86400", "600"),
        ("timeouts.call_seconds", "", "86400", "1800"),
        ("timeouts.call_seconds", "", "60", "60"),
        ("timeouts.first_token_seconds", "", "601", "600"),
        ("timeouts.idle_seconds", "", "121", "120"),
        ("timeouts.connect_seconds", "", "6", "5"),
        ("limits.requests_per_minute", "60", "0", "60"),
        ("limits.requests_per_minute", "60", "30", "30"),
        ("limits.tokens_per_minute", "60", "61", "60"),
        ("limits.remember", "false", "true", "false"),
        ("limits.remember", "", "false", "false"),
        ("model.max_output_tokens", "4000", "0", "4000"),
        ("model.max_output_tokens", "4000", "2000", "2000"),
        ("prompts.shared_tokens", "", "8001", "8000"),
        ("prompts.repair_tokens", "", "100", "100"),
        ("tape.local", "", "false", "true"),
        ("tape.local", "false", "true", "true"),
    ];
    for (key, user, project, effective) in cases {
        let line = |value: &str| if value.is_empty() { String::new() } else { format!("{key} = {value}\n") };
        for place in [project_name, "plan/planwave.toml"] {
            let theirs = line(project);
            let (project_text, plan_text) = if place == project_name { (&*theirs, "") } else { ("", &*theirs) };
            let loaded = loaded(&sources(&[], &line(user), project_text, plan_text));
            let moved = project == effective;
            let (value, origin) = shown(&loaded, key);
            let from = match (moved, user) {
                (true, _) => format!("{place}:1"),
                (false, "") => String::from("default"),
                (false, _) => format!("{user_name}:1"),
            };
            assert_eq!((value.to_string().as_str(), origin), (effective, from), "{key}: {user} and {project}");
            let notes = &loaded.entries.iter().find(|entry| entry.key() == key).unwrap().notes;
            assert_eq!((loaded.warnings.len(), notes.len()), (usize::from(!moved), usize::from(!moved)), "{key}");
            if !moved {
                let warning = &loaded.warnings[0];
                let begin = format!("{place}:1 sets {key} to {project}, but a project's file ");
                assert!(warning.starts_with(&begin) && warning.contains(" stays; "), "{warning}");
            }
        }
        // The user's own word, wherever it stands, goes either way, and nothing is to be said.
        let variable = format!("PLANWAVE_{}", key.replace('.', "_").to_uppercase());
        let loaded = loaded(&sources(&[(&variable, project)], &line(user), &line(project), ""));
        assert_eq!(shown(&loaded, key), (serde_json::from_str(project).unwrap(), variable));
        assert_eq!(loaded.warnings, [""; 0], "{key}");
    }
    // Each number and switch has a direction; what has none costs nothing.
    for key in KEYS.iter().filter(|key| key.reach == reach::Reach::Any) {
        let free = matches!(
            key.kind,
            Kind::Text
                | Kind::Name
                | Kind::Token
                | Kind::Choice(_)
                | Kind::Url
                | Kind::Headers
                | Kind::Parameters
                | Kind::Path
        );
        assert!(free, "{}", key.path());
    }
}

#[test]
fn a_projects_models_file_stands_beside_the_users() {
    let (mine, theirs) = ("[model]\nmodels_file = \"mine.toml\"", "[model]\nmodels_file = \"theirs.toml\"");
    let both = loaded(&sources(&[], mine, theirs, ""));
    let file = |path: Option<&NamedPath>| path.map(|path| path.path.display().to_string());
    let mine_path = String::from("/home/me/.config/planwave/mine.toml");
    assert_eq!(file(both.path("model.models_file")), Some(mine_path.clone()));
    assert_eq!(file(both.project_models_file.as_ref()).as_deref(), Some("/work/theirs.toml"));
    let entry = both.entries.iter().find(|entry| entry.key() == "model.models_file").unwrap();
    assert_eq!((entry.shown.clone(), entry.notes.len()), (json!(mine_path), 1));
    let alone = loaded(&sources(&[], "", theirs, ""));
    assert_eq!(file(alone.path("model.models_file")), None);
    assert_eq!(shown(&alone, "model.models_file"), (json!("/work/theirs.toml"), "planwave.toml:2".into()));
}

#[test]
fn a_grant_holds_for_the_directory_of_the_file_and_the_server() {
    let there = "[model]\nbase_url = \"https://u:p@evil.example/v1\"";
    let elsewhere = "[model]\nbase_url = \"https://evil.example:8443/v1\"";
    let mut granted = sources(&[], "", there, "");
    for claim in loaded(&granted).claims {
        granted.grants.add(&claim);
    }
    let open = |project: &str, plan: &str| {
        let sources = Sources { grants: granted.grants.clone(), ..sources(&[], "", project, plan) };
        loaded(&sources).claims.len()
    };
    assert_eq!((open(there, ""), open(elsewhere, ""), open("", there), open(there, there)), (0, 1, 1, 1));
    // What is not in effect is not in the way, but it is there to be agreed to.
    let mine = ("PLANWAVE_MODEL_BASE_URL", "https://good.example/v1");
    let mine = loaded(&sources(&[mine], "", there, ""));
    assert_eq!((mine.claims.len(), mine.all_claims.len()), (0, 1));
}

#[test]
fn a_file_of_another_user_is_left_out_until_it_is_trusted() {
    let mut theirs = sources(&[], "", "[run]\nconcurrency = 2\n[model]\nbase_url = \"https://a.example/v1\"", "");
    theirs.project_file.as_mut().unwrap().stranger = Some(7);
    let before = loaded(&theirs);
    let said = "planwave.toml belongs to another user (number 7), so its settings are not used";
    assert_eq!(before.warnings, [said]);
    assert_eq!((before.claims.len(), before.settings.run.concurrency), (1, 8));
    theirs.grants.add(&before.claims[0]);
    let after = loaded(&theirs);
    assert_eq!((after.warnings.len(), after.settings.run.concurrency), (0, 2));
    assert!(matches!(after.claims[0].kind, ClaimKind::Server { .. }), "the server it names is a question of its own");
    // Not even its errors are told before.
    theirs.project_file.as_mut().unwrap().text = String::from("no toml");
    assert!(load(&theirs, &Overrides::default()).is_err());
    theirs.grants = Grants::default();
    assert!(load(&theirs, &Overrides::default()).is_ok());
}

#[test]
fn plain_http_to_another_machine_has_to_be_allowed() {
    let check = |text: &str| loaded(&sources(&[], text, "", "")).check_endpoint();
    assert_eq!(check(""), Ok(()));
    assert_eq!(check("[model]\nbase_url = \"http://127.0.0.1:8080/v1\""), Ok(()));
    assert_eq!(check("[model]\nbase_url = \"http://box.lan/v1\"\nallow_insecure_http = true"), Ok(()));
    let error = check("[model]\nbase_url = \"http://u:secret@box.lan/v1\"").unwrap_err();
    let message =
        "~/.config/planwave/config.toml:2: `model.base_url` sends prompts and the API key in the clear to box.lan";
    assert_eq!(error.to_string(), message);
}

#[test]
fn nothing_secret_is_printed_by_debug() {
    let text = "[model]\nbase_url = \"https://me:hidden1@example.com/v1\"\nproxy = \"http://me:hidden2@proxy\"\n\
                api_key_command = [\"vault\", \"hidden3\"]\nextra_headers = { x-key = \"hidden4\" }\n";
    let sources = sources(&[("OPENAI_API_KEY", "hidden5")], text, "", "");
    let loaded = loaded(&sources);
    let printed = format!("{loaded:?} {sources:?}");
    for secret in ["hidden1", "hidden2", "hidden3", "hidden4", "hidden5"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert_eq!(loaded.settings.model.base_url.expose(), "https://me:hidden1@example.com/v1");
}

#[test]
fn deep_nesting_and_odd_line_ends_are_no_trouble() {
    let deep = format!("[model.extra_parameters]\na = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(failure(&sources(&[], &deep, "", "")).0.contains("not valid TOML"));
    let windows = "\u{feff}# a comment\r\n[run]\r\nconcurrency = 5\r\n";
    let loaded = loaded(&sources(&[], windows, "", ""));
    assert_eq!(shown(&loaded, "run.concurrency"), (json!(5), "~/.config/planwave/config.toml:3".into()));
}

fn variable_name() -> impl Strategy<Value = String> {
    let known = (0..KEYS.len()).prop_map(|index| KEYS[index].variable());
    prop_oneof![9 => known, 1 => "PLANWAVE_[A-Z_]{0,12}", 1 => "PLANWAVE_\\PC{0,8}"]
}

fn variable_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        proptest::sample::select(vec![
            "true",
            "ready",
            "both",
            "[]",
            "{}",
            "[\"a\"]",
            "{\"a\": 1}",
            "null",
            "https://a.b/c"
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn any_variables_are_taken_or_refused(variables in proptest::collection::btree_map(variable_name(), variable_value(), 0..4)) {
        let sources = Sources { environment: variables.clone(), ..Sources::default() };
        match load(&sources, &Overrides::default()) {
            Ok(loaded) => {
                for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
                    let key = KEYS.iter().find(|key| key.variable() == *name).unwrap();
                    let expected = Origin::Variable(name.clone());
                    let set = loaded.entries.iter().any(|entry| entry.origin == expected);
                    // An empty table sets nothing.
                    let empty = key.kind.is_table() && value.trim() == "{}";
                    prop_assert!(set || empty);
                }
            }
            Err(error) => {
                prop_assert!(!matches!(error, SettingsError::Defect { .. }), "{error}");
                prop_assert!(!error.to_string().contains(char::is_control));
            }
        }
    }

    #[test]
    fn any_file_is_taken_or_refused(text in "([a-z_.\\[\\]=\"{}0-9# \\n-]|model|run|name|extra_parameters|\\PC){0,60}") {
        let sources = sources(&[], &text, "", "");
        if let Err(error) = load(&sources, &Overrides::default()) {
            prop_assert!(!matches!(error, SettingsError::Defect { .. }), "{error}");
            prop_assert!(!error.to_string().contains(char::is_control));
        }
    }
}

#[test]
fn what_is_shown_before_a_run_is_what_is_sent() {
    for (text, name, hint) in [
        ("model = \"gpt-5-pro\"", "model", "set `model.name`"),
        ("max_tokens = 9", "max_tokens", "set `model.max_output_tokens`"),
    ] {
        let (message, said) = failure(&sources(&[], "", &format!("[model.extra_parameters]\n{text}"), ""));
        let expected = format!("planwave.toml:2: `model.extra_parameters.{name}` is a field that planwave sets itself");
        assert_eq!((message, said), (expected, hint.to_owned()));
    }
}

#[test]
fn several_answers_to_a_request_are_not_asked_for() {
    for (text, name) in [
        ("n = 2", "n"),
        ("n = 1", "n"),
        ("best_of = 4", "best_of"),
        ("num_return_sequences = 3", "num_return_sequences"),
        ("use_beam_search = true", "use_beam_search"),
        ("generation_config = { candidate_count = 8 }", "generation_config"),
        ("extra_body = { options = [{ n = 2 }] }", "extra_body"),
    ] {
        let (message, hint) = failure(&sources(&[], "", &format!("[model.extra_parameters]\n{text}"), ""));
        let key = format!("planwave.toml:2: `model.extra_parameters.{name}`");
        assert_eq!(message, format!("{key} asks for several answers to each request, and planwave uses one"));
        assert!(hint.starts_with("remove it"), "{hint}");
    }
    let harmless = "seed = 7\nmetadata = { n = \"x\", name = \"n\" }\noptions = { n = 1 }";
    loaded(&sources(&[], "", &format!("[model.extra_parameters]\n{harmless}"), ""));
}

#[test]
fn a_key_of_another_table_is_suggested() {
    let (_, hint) = failure(&sources(&[], "", "[model]\nconnect_timeout = 1", ""));
    assert_eq!(hint, "did you mean `timeouts.connect_seconds`?");
}
