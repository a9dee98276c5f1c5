//! Reads files that somebody else may have chosen: regular files only, and no more of them than a bound.
//!
//! A device, a pipe or a sparse file where a small text is expected would otherwise hold the program up or fill its memory.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read as _, Result},
    path::Path,
};

/// All bytes of a regular file that has at most `limit` of them. Links to such a file are followed.
///
/// # Errors
///
/// What the system said; a file that is not regular; a file that is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    // Opening a device can have an effect, so it is looked at before. The file that was opened is what counts.
    regular(&std::fs::metadata(path)?)?;
    let file = open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    let too_large = || Error::new(ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"));
    if metadata.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// The same as text.
///
/// # Errors
///
/// Those of [`read`]; bytes that are not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn regular(metadata: &std::fs::Metadata) -> Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false if metadata.is_dir() => Err(Error::new(ErrorKind::IsADirectory, "it is a directory")),
        false => Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// Opens a file without waiting: between the look at it and the opening it can have become a pipe.
#[cfg(unix)]
fn open(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let bits = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(bits).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_the_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read_text(&path, 6).unwrap(), "12345");
        assert_eq!(read(&path, 4).unwrap_err().to_string(), "it is larger than 4 bytes");
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 5).unwrap_err().to_string(), "it is not UTF-8 text");
        assert_eq!(read(directory.path(), 5).unwrap_err().to_string(), "it is a directory");
        assert_eq!(read(&directory.path().join("none"), 5).unwrap_err().kind(), ErrorKind::NotFound);
        // A file of no size on the disk, and of more than any memory.
        std::fs::File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(read(&path, 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        for path in [Path::new("/dev/zero"), &link, &pipe] {
            assert_eq!(read(path, 10).unwrap_err().to_string(), "it is not a regular file", "{}", path.display());
            assert!(open(path).is_ok(), "{} holds nobody up", path.display());
        }
    }
}
