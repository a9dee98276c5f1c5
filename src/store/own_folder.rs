//! Paths in planwave's own folder. It may have come with a repository that somebody else made, so no link in it is followed,
//! the folder itself included, and a file that is changed in place must be a regular one with no other name.

use std::{
    borrow::Cow,
    io,
    path::{Component, Path},
};

use cap_fs_ext::{DirExt as _, FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, File, Metadata, OpenOptions};

/// The folder, relative to the plan directory.
pub(super) const OWN_FOLDER: &str = ".planwave";

/// Whether a path of the plan directory is that folder, or lies in it.
pub(super) fn is_own(path: &Path) -> bool {
    path.components().next() == Some(Component::Normal(OWN_FOLDER.as_ref()))
}

/// Opens the folder in which `path` lies, without following a link, and gives the last name of the path.
pub(super) fn folder_and_name<'a>(dir: &'a Dir, path: &'a Path) -> io::Result<(Cow<'a, Path>, Option<Dir>)> {
    let mut folder: Option<Dir> = None;
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else { return Err(io::Error::from(io::ErrorKind::InvalidFilename)) };
        if components.peek().is_none() {
            return Ok((Cow::Borrowed(Path::new(name)), folder));
        }
        folder = Some(open_folder(folder.as_ref().unwrap_or(dir), Path::new(name))?);
    }
    Err(io::Error::from(io::ErrorKind::InvalidFilename))
}

/// Opens a folder that is no link.
pub(super) fn open_folder(dir: &Dir, name: &Path) -> io::Result<Dir> {
    dir.open_dir_nofollow(name).map_err(|error| explained(dir, name, error))
}

/// Opens a regular file that is no link. Where it is `changed`, it must have no other name either.
pub(super) fn open_file(dir: &Dir, name: &Path, options: &OpenOptions, changed: bool) -> io::Result<File> {
    let mut options = options.clone();
    options.follow(FollowSymlinks::No);
    // Opening a pipe would wait for whoever holds its other end.
    #[cfg(unix)]
    cap_fs_ext::OpenOptionsSyncExt::nonblock(&mut options, true);
    let file = dir.open_with(name, &options).map_err(|error| explained(dir, name, error))?;
    check(&file.metadata()?, changed)?;
    Ok(file)
}

/// Why something in the folder is not opened.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Refused {
    /// It is a link.
    #[error("{0} is a link, and no link is followed in {OWN_FOLDER}")]
    Link(String),
    /// It would be changed under its other name as well.
    #[error("it is a hard link: the file has another name, and would be changed there, too")]
    HardLink,
    /// It is a pipe, a device, a folder.
    #[error("it is not a regular file")]
    NotAFile,
}

impl Refused {
    /// What to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Link(_) => "remove the link, or put the file or folder itself in its place",
            Self::HardLink => "put a copy of the file in its place",
            Self::NotAFile => "remove it",
        }
    }

    /// Of an error of the store's.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

fn check(metadata: &Metadata, changed: bool) -> io::Result<()> {
    match () {
        () if !metadata.is_file() => Err(io::Error::other(Refused::NotAFile)),
        () if changed && metadata.nlink() > 1 => Err(io::Error::other(Refused::HardLink)),
        () => Ok(()),
    }
}

/// The same error, saying that there is a link where there is one: systems have several words for it.
fn explained(dir: &Dir, name: &Path, error: io::Error) -> io::Error {
    match dir.symlink_metadata(name) {
        Ok(metadata) if metadata.is_symlink() => io::Error::other(Refused::Link(name.display().to_string())),
        // A pipe without a reader.
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => io::Error::other(Refused::NotAFile),
        Ok(_) | Err(_) => error,
    }
}
