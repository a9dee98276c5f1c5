//! What a project's file says that the user has to agree to before anything is sent, and what the user has agreed to.
//!
//! Pure; [`Grants`] are kept as JSON in a file of the user's own state directory.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::origin::Origin;

/// The name of the file of grants in planwave's state directory.
pub const GRANTS_FILE: &str = "trust.json";

/// Something that a project's file says, or whose file it is, that the user has not agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The directory of the file, without symbolic links: what a grant holds for.
    pub directory: PathBuf,
    /// What it is.
    pub kind: ClaimKind,
}

/// What the user has to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// The file names a server that the user's own settings do not name.
    Server {
        /// Where it is named.
        origin: Origin,
        /// The server, without user, password and query.
        server: String,
        /// What would go there, such as `prompts and the API key from OPENAI_API_KEY`.
        sends: String,
    },
    /// The file belongs to another user of this machine, so nothing of it is used.
    Owner {
        /// The file as shown to a person.
        file: String,
        /// The user's number.
        owner: u32,
    },
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ClaimKind::Server { origin, server, sends } => write!(
                f,
                "{origin} sets model.base_url to {server}, which your own settings do not name: {sends} would go there"
            ),
            ClaimKind::Owner { file, owner } => {
                write!(f, "{file} belongs to another user (number {owner}), so its settings are not used")
            }
        }
    }
}

/// What the user has agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Servers, each for the files of one directory.
    #[serde(default)]
    servers: BTreeSet<ServerGrant>,
    /// Files of other users.
    #[serde(default)]
    files: BTreeSet<FileGrant>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerGrant {
    directory: PathBuf,
    server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileGrant {
    directory: PathBuf,
    owner: u32,
}

impl Grants {
    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// It is no such file.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The text of the file.
    ///
    /// # Errors
    ///
    /// A directory's name is not Unicode.
    pub fn to_text(&self) -> Result<String, String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        Ok(format!("{text}\n"))
    }

    /// Whether the user has agreed to it.
    pub fn cover(&self, claim: &Claim) -> bool {
        let directory = claim.directory.clone();
        match &claim.kind {
            ClaimKind::Server { server, .. } => {
                self.servers.contains(&ServerGrant { directory, server: server.clone() })
            }
            ClaimKind::Owner { owner, .. } => self.files.contains(&FileGrant { directory, owner: *owner }),
        }
    }

    /// Notes that the user agrees.
    pub fn add(&mut self, claim: &Claim) {
        let directory = claim.directory.clone();
        match &claim.kind {
            ClaimKind::Server { server, .. } => {
                self.servers.insert(ServerGrant { directory, server: server.clone() });
            }
            ClaimKind::Owner { owner, .. } => {
                self.files.insert(FileGrant { directory, owner: *owner });
            }
        }
    }

    /// Takes back all that was agreed to for the files of a directory; one line about each.
    pub fn revoke(&mut self, directory: &Path) -> Vec<String> {
        let gone = self.lines().filter(|(of, _)| *of == directory).map(|(_, line)| line).collect();
        self.servers.retain(|grant| grant.directory != directory);
        self.files.retain(|grant| grant.directory != directory);
        gone
    }

    /// The directory and the words of each grant, in a fixed order.
    pub fn lines(&self) -> impl Iterator<Item = (&Path, String)> {
        let servers = self.servers.iter().map(|ServerGrant { directory, server }| {
            (directory.as_path(), format!("{server} for {}", directory.display()))
        });
        let files = self.files.iter().map(|FileGrant { directory, owner }| {
            (directory.as_path(), format!("planwave.toml of user {owner} in {}", directory.display()))
        });
        servers.chain(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(directory: &str, server: &str) -> Claim {
        let origin = Origin::Default;
        let kind = ClaimKind::Server { origin, server: server.to_owned(), sends: String::from("prompts") };
        Claim { directory: PathBuf::from(directory), kind }
    }

    fn owner(directory: &str, owner: u32) -> Claim {
        let kind = ClaimKind::Owner { file: String::from("planwave.toml"), owner };
        Claim { directory: PathBuf::from(directory), kind }
    }

    #[test]
    fn a_grant_holds_for_one_directory_and_one_server_or_owner() {
        let granted = [server("/a", "https://one.example/v1"), owner("/a", 7)];
        let mut grants = Grants::default();
        granted.iter().for_each(|claim| grants.add(claim));
        let others = [
            server("/a", "https://two.example/v1"),
            server("/a", "http://one.example/v1"),
            server("/a", "https://one.example:8443/v1"),
            server("/a/b", "https://one.example/v1"),
            owner("/a", 8),
            owner("/b", 7),
        ];
        let again = Grants::parse(&grants.to_text().unwrap()).unwrap();
        assert_eq!(again, grants);
        assert!(granted.iter().all(|claim| again.cover(claim)));
        assert!(!others.iter().any(|claim| again.cover(claim)));
        assert_eq!(grants.revoke(Path::new("/b")), [""; 0]);
        let gone = ["https://one.example/v1 for /a", "planwave.toml of user 7 in /a"];
        assert_eq!(grants.revoke(Path::new("/a")), gone);
        assert_eq!(grants, Grants::default());
    }

    #[test]
    fn what_is_no_file_of_grants_is_not_taken_for_one() {
        for text in ["", "[1]", "{\"servers\": [1]}", "{\"server\": []}", "{\"files\": [{\"directory\": \"/a\"}]}"] {
            assert!(Grants::parse(text).is_err(), "{text}");
        }
        assert_eq!(Grants::parse("{}").unwrap(), Grants::default());
    }
}
