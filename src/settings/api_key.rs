//! Gets the API key: from the user's command, or from an environment variable. It is never stored.

use std::{
    collections::BTreeMap,
    fmt,
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    error::SettingsError,
    redact::redact,
    values::{KeyCommand, Model},
};

/// How long the command may take; long enough to answer a password prompt of a key store's own window.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(10);

/// How long to wait for the complaint of a command that failed.
const COMPLAINT: Duration = Duration::from_secs(1);

/// No key is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Where the key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The program of `model.api_key_command`.
    Command(String),
    /// The variable named by `model.api_key_env`.
    Variable(String),
}

impl KeySource {
    /// The source that `model` names.
    pub fn of(model: &Model) -> Self {
        match &model.api_key_command {
            Some(command) => Self::Command(command.program.clone()),
            None => Self::Variable(model.api_key_env.clone()),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(program) => write!(f, "the command {}", program.replace(char::is_control, "\u{fffd}")),
            Self::Variable(name) => f.pad(name),
        }
    }
}

/// What can be said of the key without showing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Where it comes from, or would.
    pub source: KeySource,
    /// Whether the server has to be given one.
    pub needed: bool,
    /// Its length in characters; `None` where there is none; or why it cannot be had.
    pub characters: Result<Option<usize>, SettingsError>,
}

/// Looks for the key and tells what may be told of it.
pub fn key_state(model: &Model, environment: &BTreeMap<String, String>) -> KeyState {
    let characters = api_key(model, environment).map(|key| key.map(|key| key.expose_secret().chars().count()));
    KeyState { source: KeySource::of(model), needed: !model.base_url.is_loopback(), characters }
}

/// The API key: what `model.api_key_command` prints, or else the variable that `model.api_key_env` names.
///
/// `None` where there is no command and the variable is not set or empty. White space around the key is dropped.
///
/// # Errors
///
/// The command fails, takes longer than 10 seconds or prints nothing; the key cannot stand in a header.
pub fn api_key(model: &Model, environment: &BTreeMap<String, String>) -> Result<Option<SecretString>, SettingsError> {
    let key = match &model.api_key_command {
        Some(command) => run(command, PATIENCE)?,
        None => match environment.get(&model.api_key_env).map(|key| key.trim()) {
            None | Some("") => return Ok(None),
            Some(key) => SecretString::from(key),
        },
    };
    if !key.expose_secret().chars().all(|c| c.is_ascii_graphic()) {
        return Err(SettingsError::UnusableKey { source_name: KeySource::of(model).to_string() });
    }
    Ok(Some(key))
}

fn run(command: &KeyCommand, patience: Duration) -> Result<SecretString, SettingsError> {
    let failed = |reason: String| {
        let program = command.program.replace(char::is_control, "\u{fffd}");
        SettingsError::KeyCommand { program, reason }
    };
    let slow = || failed(format!("it took longer than {} seconds", patience.as_secs_f64()));
    let deadline = Instant::now() + patience;

    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    // Both pipes are drained while the command runs: a full one would stop it.
    let output = child.stdout.take().map(drain);
    let errors = child.stderr.take().map(drain);

    let status = match wait(&mut child, deadline) {
        Ok(Some(status)) => status,
        Ok(None) => return Err(slow()),
        Err(error) => return Err(failed(error.to_string())),
    };
    // A process that the command left behind can hold the pipes open; it gets the rest of the time, no more.
    let printed = receive(output, deadline).ok_or_else(slow)?;
    if printed.len() as u64 > LONGEST {
        return Err(failed(format!("it printed more than {LONGEST} bytes")));
    }
    let key = SecretString::from(printed.trim());
    if !status.success() {
        let complaint = receive(errors, deadline.min(Instant::now() + COMPLAINT)).unwrap_or_default();
        return Err(failed(describe(status, &complaint, &key)));
    }
    if key.expose_secret().is_empty() {
        return Err(failed("it printed nothing".to_owned()));
    }
    Ok(key)
}

/// Waits until the command has ended, or ends it at the deadline (`None`).
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(TICK);
    }
}

/// Reads a pipe to its end on a thread of its own, keeping one byte more than [`LONGEST`] at most.
fn drain(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks has ended, too; what came before decides.
        let _ = pipe.by_ref().take(LONGEST + 1).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn receive(pipe: Option<mpsc::Receiver<String>>, deadline: Instant) -> Option<String> {
    pipe?.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// How the command ended, with the first line of what it complained of; the key is not in it.
fn describe(status: ExitStatus, complaint: &str, key: &SecretString) -> String {
    let line = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line: String = redact(line.trim(), std::slice::from_ref(key)).chars().take(200).collect();
    let ending = match status.code() {
        Some(code) => format!("it ended with exit code {code}"),
        None => "it was ended by a signal".to_owned(),
    };
    if line.is_empty() { ending } else { format!("{ending}: {}", line.replace(char::is_control, "\u{fffd}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Overrides, Sources, load};

    fn model(command: &[&str]) -> Model {
        let mut model = load(&Sources::default(), &Overrides::default()).unwrap().settings.model;
        let mut words = command.iter().map(|word| (*word).to_owned());
        model.api_key_command = words.next().map(|program| KeyCommand { program, arguments: words.collect() });
        model
    }

    fn environment(key: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("OPENAI_API_KEY".to_owned(), key.to_owned())])
    }

    fn exposed(key: Option<SecretString>) -> Option<String> {
        key.map(|key| key.expose_secret().to_owned())
    }

    #[test]
    fn the_variable_is_trimmed_and_checked() {
        let model = model(&[]);
        let cases = [("sk-1234", Some("sk-1234")), (" sk-1234\r\n", Some("sk-1234")), ("", None), (" \n", None)];
        for (value, expected) in cases {
            assert_eq!(exposed(api_key(&model, &environment(value)).unwrap()).as_deref(), expected, "{value:?}");
        }
        assert_eq!(exposed(api_key(&model, &BTreeMap::new()).unwrap()), None);
        for bad in ["sk-12\n34", "sk 1234", "sk-\u{fffd}", "schlüssel", "sk-12\u{1b}[31m"] {
            let error = api_key(&model, &environment(bad)).unwrap_err();
            assert_eq!(error, SettingsError::UnusableKey { source_name: "OPENAI_API_KEY".to_owned() });
            assert!(!error.to_string().contains(bad));
        }
    }

    #[test]
    fn the_state_tells_source_and_length_only() {
        let state = key_state(&model(&[]), &environment("sk-1234"));
        let source = KeySource::Variable("OPENAI_API_KEY".to_owned());
        assert_eq!(state, KeyState { source, needed: true, characters: Ok(Some(7)) });

        let mut local = model(&[]);
        local.base_url = crate::settings::ServerUrl::parse("http://localhost:1234/v1").unwrap();
        let state = key_state(&local, &BTreeMap::new());
        assert_eq!((state.needed, state.characters), (false, Ok(None)));
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let error = api_key(&model(&["planwave-no-such-program"]), &environment("sk-1234")).unwrap_err();
        let SettingsError::KeyCommand { program, reason } = &error else { panic!("{error}") };
        assert_eq!(program, "planwave-no-such-program");
        assert!(!reason.is_empty());
        assert!(error.hint().is_some_and(|hint| hint.contains("standard output")));
    }

    // The commands of these tests are shell scripts; the code they test has nothing of one system.
    #[cfg(unix)]
    mod with_a_shell {
        use super::*;

        fn printed(script: &str) -> Result<String, String> {
            let command = KeyCommand { program: "sh".to_owned(), arguments: vec!["-c".to_owned(), script.to_owned()] };
            match run(&command, PATIENCE) {
                Ok(key) => Ok(key.expose_secret().to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }

        #[test]
        fn the_command_goes_before_the_variable() {
            let key = api_key(&model(&["sh", "-c", "echo '  sk-from-command '"]), &environment("sk-from-variable"));
            assert_eq!(exposed(key.unwrap()).as_deref(), Some("sk-from-command"));
        }

        #[test]
        fn no_shell_sees_the_arguments() {
            let key = api_key(&model(&["echo", "$HOME;`id`"]), &BTreeMap::new());
            assert_eq!(exposed(key.unwrap()).as_deref(), Some("$HOME;`id`"));
        }

        #[test]
        fn failures_are_told_without_the_key() {
            let no_key =
                |reason: &str| Err(format!("the command `sh` (model.api_key_command) gave no API key: {reason}"));
            let cases = [
                ("true", no_key("it printed nothing")),
                ("echo; echo", no_key("it printed nothing")),
                ("exit 3", no_key("it ended with exit code 3")),
                ("kill -9 $$", no_key("it was ended by a signal")),
                ("echo; echo ' locked ' >&2; echo more >&2; exit 1", no_key("it ended with exit code 1: locked")),
                ("echo sk-1234; echo got sk-1234 >&2; exit 1", no_key("it ended with exit code 1: got ***")),
                ("printf '\\033[31mred' >&2; exit 1", no_key("it ended with exit code 1: \u{fffd}[31mred")),
            ];
            for (script, expected) in cases {
                assert_eq!(printed(script), expected, "{script}");
            }
        }

        #[test]
        fn what_is_far_too_long_is_no_key() {
            let said = printed("head -c 70000 /dev/zero | tr '\\0' k");
            assert!(said.as_ref().is_err_and(|said| said.ends_with("it printed more than 65536 bytes")), "{said:?}");
        }

        #[test]
        fn loud_commands_do_not_stop() {
            let noise =
                "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done";
            assert_eq!(printed(&format!("{noise}; echo sk-1234")), Ok("sk-1234".to_owned()));
        }

        #[test]
        fn a_command_that_hangs_is_ended() {
            // The second leaves a process behind that keeps the pipe open.
            for script in ["exec sleep 600", "echo sk-1234; sleep 2 &"] {
                let command =
                    KeyCommand { program: "sh".to_owned(), arguments: vec!["-c".to_owned(), script.to_owned()] };
                let error = run(&command, Duration::from_millis(100)).unwrap_err();
                let reason = "it took longer than 0.1 seconds".to_owned();
                assert_eq!(error, SettingsError::KeyCommand { program: "sh".to_owned(), reason }, "{script}");
            }
        }
    }
}
