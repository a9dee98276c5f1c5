//! Whose `.planwave` it is. It holds answers that save money and records that change files back, so one that came with somebody
//! else's repository must not be believed.
//!
//! A secret in the user's own state directory signs a mark in each folder that this user's planwave begins, or that the user
//! adopts. The mark holds a random id and its signature, so a folder may be moved and copied; several users of one folder have a
//! line each. Without a mark of this user's, whatever lies in the folder counts as not there (`disk`).

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use cap_std::fs::OpenOptions;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{
    Existing, PlanDir, WriteError,
    atomic::{self, is_temporary},
    disk::Directory,
    own_folder::OWN_FOLDER,
};
use crate::bounded;

/// The name of the secret in the user's state directory.
const SECRET: &str = "secret";

/// The mark.
pub(super) const MARK: &str = ".planwave/owner";

pub(super) const GITIGNORE: &str = ".planwave/.gitignore";

/// What the version of a mark's line is, and what is signed with its id.
const VERSION: &str = "planwave-1";

/// No mark is larger, in bytes.
const LARGEST_MARK: u64 = 64 * 1024;

/// How many folders are kept that were moved aside.
const MOST_ASIDE: u32 = 10_000;

/// The place of the secret by which a user's planwave knows its own folders.
#[derive(Clone, Debug, Default)]
pub struct OwnershipKey {
    directory: Option<PathBuf>,
    /// Every folder counts as own.
    #[cfg(test)]
    credulous: bool,
}

/// Why nothing in a `.planwave` is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It has no mark of this user's.
    Unmarked,
    /// It is a link, or no folder.
    NoFolder,
    /// Nobody can tell, for the secret cannot be read: why.
    NoSecret(String),
}

impl fmt::Display for Foreign {
    /// A sentence about the folder, without it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmarked => {
                f.write_str("was not made by your planwave, so its answers and undo records are not used")
            }
            Self::NoFolder => f.write_str("is a link, or not a folder, so nothing in it is used"),
            Self::NoSecret(reason) => write!(
                f,
                "may not be yours, so its answers and undo records are not used: what tells is missing, {reason}"
            ),
        }
    }
}

/// What adopting a folder came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// There is no folder, or nothing in it.
    Nothing,
    /// It was this user's already.
    Already,
    /// It is now.
    Now,
}

impl OwnershipKey {
    /// The secret lies in this directory, and is made there when it is first needed. Without a directory no folder can be known
    /// again.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            #[cfg(test)]
            credulous: false,
        }
    }

    /// A key to which every folder is own.
    #[cfg(test)]
    pub(super) fn credulous() -> Self {
        Self { directory: None, credulous: true }
    }

    #[cfg(test)]
    fn is_credulous(&self) -> bool {
        self.credulous
    }

    #[cfg(not(test))]
    fn is_credulous(&self) -> bool {
        false
    }

    fn directory(&self) -> io::Result<&Path> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no home directory is known");
        self.directory.as_deref().ok_or_else(missing)
    }

    /// The secret; `None` where there is none yet.
    fn read(&self) -> io::Result<Option<String>> {
        let path = self.directory()?.join(SECRET);
        let explained = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let text = match bounded::read_text(&path, 1024) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(explained)?,
        };
        keep_private(&path);
        let secret = text.trim();
        let sound = secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        match sound {
            true => Ok(Some(secret.to_owned())),
            false => Err(explained(io::Error::other("this is not the secret that planwave wrote; remove the file"))),
        }
    }

    fn read_or_make(&self) -> io::Result<String> {
        if let Some(secret) = self.read()? {
            return Ok(secret);
        }
        let directory = self.directory()?;
        let make = || -> io::Result<()> {
            std::fs::create_dir_all(directory)?;
            let folder = Directory::open_ambient(directory)?;
            let temporary = PathBuf::from(format!(".planwave-{}-secret.tmp", std::process::id()));
            let mut options = OpenOptions::new().write(true).create_new(true).clone();
            #[cfg(unix)]
            cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = folder.open_with(&temporary, &options)?;
            let written = io::Write::write_all(&mut file, format!("{}\n", random()?).as_bytes())
                .and_then(|()| file.sync_all())
                // Where another process was faster, its secret counts.
                .and_then(|()| atomic::put_in_place(&folder, &temporary, Path::new(SECRET), Existing::Keep));
            if written.is_err() {
                let _ = folder.remove_file(&temporary);
            }
            match written {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                written => written.and_then(|_| folder.sync()),
            }
        };
        make()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.join(SECRET).display())))?;
        self.read()?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Takes from others what they may do with the secret.
#[cfg(unix)]
fn keep_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open {
        // Where this is refused, the file is another's, who can read it anyway.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
}

#[cfg(not(unix))]
fn keep_private(_: &Path) {}

/// 32 random bytes in hexadecimal.
fn random() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signer(secret: &str, id: &str) -> Option<Hmac<Sha256>> {
    let mut signer = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    signer.update(VERSION.as_bytes());
    signer.update(b" ");
    signer.update(id.as_bytes());
    Some(signer)
}

/// A new line of a mark.
fn new_line(secret: &str) -> io::Result<String> {
    let id = random()?;
    let signature = signer(secret, &id).map(|signer| hex(&signer.finalize().into_bytes()));
    Ok(format!("{VERSION} {id} {}\n", signature.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?))
}

/// Whether a line of a mark is signed with this secret.
fn is_signed(line: &str, secret: &str) -> bool {
    let mut words = line.split(' ');
    let (Some(VERSION), Some(id), Some(signature), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let (Some(signer), Some(signature)) = (signer(secret, id), crate::history::Digest::parse(signature)) else {
        return false;
    };
    signer.verify_slice(signature.as_bytes()).is_ok()
}

/// Looks whose folder it is; `None`: this user's, or there is nothing in it to believe. `dir` sees everything.
pub(super) fn judge(dir: &Directory, key: &OwnershipKey) -> Option<Foreign> {
    match dir.symlink_metadata(OWN_FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        _ if key.is_credulous() => return None,
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) | Err(_) => return Some(Foreign::NoFolder),
    }
    if is_bare(dir) {
        return None;
    }
    let Some(mark) = read_mark(dir) else { return Some(Foreign::Unmarked) };
    match key.read() {
        Ok(Some(secret)) if mark.lines().any(|line| is_signed(line, &secret)) => None,
        Ok(_) => Some(Foreign::Unmarked),
        Err(error) => Some(Foreign::NoSecret(error.to_string())),
    }
}

/// Whether a folder holds nothing that could be believed: a crash may have left it before it got its mark.
fn is_bare(dir: &Directory) -> bool {
    let Ok(entries) = dir.read_dir(OWN_FOLDER) else { return false };
    entries.into_iter().all(|entry| {
        entry.is_ok_and(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| matches!(name, "lock" | "changes.lock" | ".gitignore") || is_temporary(name))
        })
    })
}

fn read_mark(dir: &Directory) -> Option<String> {
    let metadata = dir.symlink_metadata(MARK).ok()?;
    (metadata.is_file() && metadata.len() <= LARGEST_MARK).then_some(())?;
    String::from_utf8(dir.read(MARK).ok()?).ok()
}

impl PlanDir {
    /// Why nothing in the directory's `.planwave` is used; `None` where it is this user's, or there is none.
    pub fn foreign(&self) -> Option<Foreign> {
        if self.dir().believes() { None } else { judge(&self.dir().unguarded().ok()?, self.key()) }
    }

    /// Gives the folder, which is this user's or empty, what it lacks of mark and `.gitignore`. The caller holds its lock. Gives the
    /// reason where it cannot have a mark.
    pub(super) fn complete_own_folder(&self) -> Result<Option<String>, WriteError> {
        self.dir().believe();
        if self.dir().symlink_metadata(GITIGNORE).is_err() {
            // Prompts and answers are not committed by accident.
            self.write(GITIGNORE, b"*\n", Existing::Replace)?;
        }
        if read_mark(self.dir()).is_none() && !self.key().is_credulous() {
            match self.key().read_or_make().and_then(|secret| new_line(&secret)) {
                Ok(line) => self.write(MARK, line.as_bytes(), Existing::Replace)?,
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
        Ok(None)
    }

    /// Moves another's folder, or whatever has its name, aside.
    pub(super) fn move_own_folder_aside(&self) -> io::Result<PathBuf> {
        let dir = self.dir().unguarded()?;
        for number in 1..=MOST_ASIDE {
            let name = format!("{OWN_FOLDER}.aside-{number}");
            if dir.symlink_metadata(&name).is_ok() {
                continue;
            }
            dir.rename(OWN_FOLDER, &name)?;
            // What was answered to somebody else is not committed by accident either. Nothing depends on it.
            let ignore = Path::new(&name).join(".gitignore");
            if dir.symlink_metadata(&name).is_ok_and(|metadata| metadata.is_dir())
                && let Ok(mut file) = dir.open_with(&ignore, OpenOptions::new().write(true).create_new(true))
            {
                let _ = io::Write::write_all(&mut file, b"*\n");
            }
            return Ok(self.shown(&name));
        }
        Err(io::Error::other(format!("there are {MOST_ASIDE} folders that were moved aside; remove some")))
    }

    /// Makes the folder this user's, whoever made it. The caller holds its lock ([`super::RunLock::of_any`]).
    ///
    /// # Errors
    ///
    /// It is a link; the secret cannot be read or made; the mark cannot be written.
    pub fn adopt(&self, _lock: &super::RunLock) -> Result<Adopted, WriteError> {
        let failed = |source| WriteError::Io { path: self.shown(MARK), source };
        let dir = self.dir().unguarded().map_err(failed)?;
        if dir.symlink_metadata(OWN_FOLDER).is_err() || is_bare(&dir) {
            return Ok(Adopted::Nothing);
        }
        let adopted = match judge(&dir, self.key()) {
            None => Adopted::Already,
            Some(Foreign::NoFolder) => return Err(failed(io::Error::other(Foreign::NoFolder.to_string()))),
            Some(Foreign::Unmarked | Foreign::NoSecret(_)) => {
                let secret = self.key().read_or_make().map_err(failed)?;
                let others = read_mark(&dir).unwrap_or_default();
                let others = others.lines().filter(|line| line.starts_with(VERSION));
                let mut lines: String = others.map(|line| format!("{line}\n")).collect();
                if lines.len() as u64 + 1024 > LARGEST_MARK {
                    lines.clear();
                }
                lines.push_str(&new_line(&secret).map_err(failed)?);
                self.dir().believe();
                self.write(MARK, lines.as_bytes(), Existing::Replace)?;
                Adopted::Now
            }
        };
        self.complete_own_folder()?;
        Ok(adopted)
    }

    /// Takes this user's lines out of the folder's mark; whether there were any.
    ///
    /// # Errors
    ///
    /// The mark cannot be written.
    pub fn disown(&self, _lock: &super::RunLock) -> Result<bool, WriteError> {
        let failed = |source| WriteError::Io { path: self.shown(MARK), source };
        let dir = self.dir().unguarded().map_err(failed)?;
        let (Some(mark), Some(secret)) = (read_mark(&dir), self.key().read().map_err(failed)?) else {
            return Ok(false);
        };
        let (own, others): (Vec<&str>, Vec<&str>) = mark.lines().partition(|line| is_signed(line, &secret));
        if own.is_empty() {
            return Ok(false);
        }
        self.dir().believe();
        let others: String = others.iter().map(|line| format!("{line}\n")).collect();
        self.write(MARK, others.as_bytes(), Existing::Replace)?;
        self.dir().disbelieve();
        Ok(true)
    }
}
