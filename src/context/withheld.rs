//! Names of what is never sent: keys and environments, vendored code, files that only a program reads.

use super::listing::{extension, file_name};

/// Endings of keys, certificates and password stores.
const SECRET_EXTENSIONS: &[&str] = &[
    "age",
    "asc",
    "cer",
    "cert",
    "crt",
    "csr",
    "der",
    "gpg",
    "jks",
    "kdb",
    "kdbx",
    "key",
    "keystore",
    "keytab",
    "mobileprovision",
    "ovpn",
    "p12",
    "p7b",
    "p8",
    "pem",
    "pfx",
    "pgp",
    "ppk",
    "tfstate",
    "tfvars",
    "truststore",
];

/// Names of files in which programs keep passwords and tokens, in lower case.
const SECRET_NAMES: &[&str] = &[
    ".boto",
    ".dockercfg",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".s3cfg",
    ".vault-token",
    ".yarnrc.yml",
    "_netrc",
    "auth.json",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.yaml",
    "credentials.yml",
    "kubeconfig",
    "master.key",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "terraform.tfstate.backup",
];

/// Beginnings of such names.
const SECRET_BEGINNINGS: &[&str] =
    &[".env", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa", "service-account", "service_account"];

/// Folders in which programs keep keys.
const SECRET_FOLDERS: &[&str] = &[".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh"];

/// Folders of code that others wrote, of what tools keep there, and of version control.
const CLOSED_FOLDERS: &[&str] = &[
    ".bzr",
    ".cache",
    ".dart_tool",
    ".eggs",
    ".git",
    ".gradle",
    ".hg",
    ".jj",
    ".local",
    ".mypy_cache",
    ".next",
    ".nox",
    ".nuxt",
    ".parcel-cache",
    ".planwave",
    ".pnpm-store",
    ".pytest_cache",
    ".ruff_cache",
    ".svelte-kit",
    ".svn",
    ".terraform",
    ".tox",
    ".turbo",
    ".venv",
    ".yarn",
    "3rdparty",
    "__pycache__",
    "bower_components",
    "carthage",
    "elm-stuff",
    "jspm_packages",
    "node_modules",
    "pods",
    "site-packages",
    "third-party",
    "third_party",
    "thirdparty",
    "vendor",
    "vendored",
    "venv",
    "zig-cache",
];

/// Whether a file of this name may hold a key or a password. Such files are neither named nor read.
pub fn is_withheld_name(path: &str) -> bool {
    let name = file_name(path).to_lowercase();
    SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || SECRET_NAMES.contains(&name.as_str())
        || SECRET_EXTENSIONS.contains(&extension(&name))
}

/// Whether a folder of this name is not looked into.
pub fn is_closed_folder(name: &str) -> bool {
    let name = name.to_lowercase();
    CLOSED_FOLDERS.contains(&name.as_str()) || SECRET_FOLDERS.contains(&name.as_str())
}

/// Whether a file is one of planwave's own: a PLAN, a document, a verdict. They are no code, and prompts quote them anyway.
pub(crate) fn is_plan_document(path: &str) -> bool {
    const BEGINNINGS: &[&str] = &["SUBPLAN_", "EXECUTION_TASK_", "APPROVED_", "FIX_", "SKIPPED_", "PLAN_"];
    let name = file_name(path);
    name == "parallel.json" || (name.ends_with(".md") && BEGINNINGS.iter().any(|start| name.starts_with(start)))
}

/// Endings of files that are no text, or text that nobody reads.
const UNREAD_EXTENSIONS: &[&str] = &[
    "7z", "a", "avi", "bin", "bmp", "bz2", "class", "db", "dll", "doc", "docx", "dylib", "eot", "exe", "gif", "gz",
    "ico", "jar", "jpeg", "jpg", "lib", "lock", "map", "mov", "mp3", "mp4", "o", "obj", "ogg", "onnx", "otf",
    "parquet", "pdf", "png", "ppt", "pptx", "pyc", "pyo", "rar", "rlib", "snap", "so", "sqlite", "sqlite3", "sum",
    "svg", "tar", "tgz", "tiff", "ttf", "war", "wasm", "wav", "webm", "webp", "whl", "woff", "woff2", "xls", "xlsx",
    "xz", "zip", "zst",
];

/// Names of files that a package manager writes.
const UNREAD_NAMES: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "go.sum", "uv.lock"];

/// Whether a file is named in the tree but its content is of no use to a reader.
pub(super) fn is_unread(path: &str) -> bool {
    let name = file_name(path).to_lowercase();
    UNREAD_EXTENSIONS.contains(&extension(&name))
        || UNREAD_NAMES.contains(&name.as_str())
        || name.ends_with(".min.js")
        || name.ends_with(".min.css")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_environments_are_known_by_name() {
        for name in [
            ".env",
            ".env.local",
            ".envrc",
            "config/.ENV",
            "a/server.pem",
            "id_rsa",
            "id_ed25519.pub",
            ".npmrc",
            "deploy/prod.key",
            "x.p12",
            "Credentials.json",
            "terraform.tfstate",
            "prod.tfvars",
            "secrets.yaml",
            "service-account-prod.json",
        ] {
            assert!(is_withheld_name(name), "{name}");
        }
        for name in ["src/env.rs", "environment.ts", "keys.rs", "monkey", "README.md", "src/secrets.rs", "cert_test.go"]
        {
            assert!(!is_withheld_name(name), "{name}");
        }
        for folder in ["node_modules", "vendor", ".git", ".ssh", "Pods", ".planwave"] {
            assert!(is_closed_folder(folder), "{folder}");
        }
        assert!(!is_closed_folder("src") && !is_closed_folder(".github"));
        assert!(is_unread("Cargo.lock") && is_unread("a/app.min.js") && !is_unread("src/lock.rs"));
        assert!(is_plan_document("docs/PLAN_X.md") && is_plan_document("a/SUBPLAN_X_11.md"));
        assert!(!is_plan_document("PLANNING.md") && !is_plan_document("src/PLAN_X.rs"));
    }
}
