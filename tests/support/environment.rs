//! The real binary in a directory of its own, with nothing of this machine's environment. Where it talks to a server it
//! has a key, and that key may be seen nowhere afterwards: not in what the binary prints (panics included), and in no file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Mutex,
};

use tempfile::TempDir;

use super::canary;

/// A temporary directory with a plan in `plan/`. When it is dropped, no file in it may hold a key.
pub(crate) struct TestEnv {
    root: TempDir,
    base_url: Option<String>,
    /// Files in which the test itself wrote a key.
    given: Mutex<BTreeSet<PathBuf>>,
}

impl TestEnv {
    /// A plan of the shape `needs` (see `plan_text`) with the parallel.json that it declares.
    pub(crate) fn with_plan(needs: &[Vec<usize>]) -> Self {
        Self::analyzed(tempfile::tempdir().unwrap(), &super::plan_text(needs))
    }

    /// The same where the system keeps files in memory, if there is such a place: for thousands of syncs that are not what is
    /// tried out.
    pub(crate) fn with_plan_in_memory(needs: &[Vec<usize>]) -> Self {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self::analyzed(root, &super::plan_text(needs))
    }

    /// A PLAN without a parallel.json.
    pub(crate) fn with_plan_text(text: &str) -> Self {
        Self::planned(tempfile::tempdir().unwrap(), text)
    }

    fn planned(root: TempDir, text: &str) -> Self {
        let env = Self { root, base_url: None, given: Mutex::default() };
        env.write("plan/PLAN_TEST.md", text);
        env
    }

    fn analyzed(root: TempDir, text: &str) -> Self {
        let env = Self::planned(root, text);
        let analyzed = env.run(&["analyze", "plan", "--declared"]);
        assert!(analyzed.ends_with("[exit 0]"), "{analyzed}");
        env
    }

    /// Where requests go.
    pub(crate) fn server(mut self, base_url: &str) -> Self {
        self.base_url = Some(base_url.to_owned());
        self
    }

    /// The path of a file.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        if canary::seen(text.as_bytes()).is_some() {
            self.given.lock().unwrap().insert(path.clone());
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Every file below a folder, with its bytes, by path relative to it.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let top = self.path(folder);
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&top).unwrap().to_string_lossy().replace('\\', "/");
                    files.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// The names of the documents in `plan/`.
    pub(crate) fn documents(&self) -> Vec<String> {
        let files = self.files("plan").into_keys();
        files.filter(|name| name.starts_with("subplans/") || name.starts_with("execution/")).collect()
    }

    /// Runs the binary in the directory: standard output, standard error, exit code.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.run_with(arguments, &[])
    }

    /// The same with more environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.command(arguments, variables).output().unwrap();
        for said in [&output.stdout, &output.stderr] {
            assert_eq!(canary::seen(said), None, "{arguments:?} says\n{}", String::from_utf8_lossy(said));
        }
        let mut text = self.tidy(&String::from_utf8_lossy(&output.stdout));
        if !output.stderr.is_empty() {
            text.push_str("------- stderr -------\n");
            text.push_str(&self.tidy(&String::from_utf8_lossy(&output.stderr)));
        }
        let code = output.status.code().map_or_else(|| String::from("killed"), |code| code.to_string());
        format!("{text}[exit {code}]")
    }

    /// The command itself.
    pub(crate) fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_planwave"));
        command.args(arguments).current_dir(self.root.path()).env_clear().env("HOME", self.root.path());
        // Sockets on Windows need this one.
        if let Some(root) = std::env::var_os("SYSTEMROOT") {
            command.env("SYSTEMROOT", root);
        }
        if let Some(base_url) = &self.base_url {
            command.env("PLANWAVE_MODEL_BASE_URL", base_url).env("OPENAI_API_KEY", canary::KEY);
        }
        for (name, value) in variables.iter().filter(|(name, _)| name.ends_with("API_KEY")) {
            let looked_for = value.is_empty() || value.contains(canary::KEY);
            assert!(looked_for, "{name} is a key that nothing looks for: use one of `canary`");
        }
        command.envs(variables.iter().copied()).stdin(std::process::Stdio::null());
        command
    }

    /// The files in which a key was left, with what gives it away.
    fn leaks(&self) -> Vec<(PathBuf, String)> {
        let given = self.given.lock().unwrap();
        let mut leaks = Vec::new();
        let mut folders = vec![self.root.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            // What a test has locked away cannot be looked at, and what it links to is looked at where it lies.
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                let name = path.strip_prefix(self.root.path()).unwrap_or(Path::new("")).to_string_lossy().into_owned();
                let held = (kind.is_file() && !given.contains(&path)).then(|| std::fs::read(&path).unwrap_or_default());
                leaks.extend(canary::seen(name.as_bytes()).map(|trace| (path.clone(), trace)));
                leaks.extend(held.and_then(|bytes| canary::seen(&bytes)).map(|trace| (path.clone(), trace)));
                if kind.is_dir() {
                    folders.push(path);
                }
            }
        }
        leaks
    }

    /// Paths of this machine and ports have no place in a snapshot.
    fn tidy(&self, text: &str) -> String {
        let mut text = text.replace(&self.root.path().display().to_string(), "[root]").replace('\\', "/");
        if let Some(base_url) = &self.base_url {
            text = text.replace(base_url, "[server]");
            let server = base_url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            if let Some((host, _port)) = server.rsplit_once(':') {
                text = text.replace(server, &format!("{host}:[port]"));
            }
        }
        text
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if !std::thread::panicking() {
            assert_eq!(self.leaks(), [], "files hold a key");
        }
    }
}
