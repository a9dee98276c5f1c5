//! What to do when the system refuses a file: one place, so that the same refusal gets the same advice wherever it is met.

use std::{io, path::Path};

use super::{
    lines::{Gone, is_gone},
    own_folder::Refused,
};

/// What to do where [`super::PlanDir`] told of a link.
pub(super) const OUTSIDE_HINT: &str =
    "planwave keeps to the plan directory: put the file or folder itself there in place of the link";

/// Whether the directory handle refused a path because it leads out of the directory. The system's own refusals have a
/// number.
pub(super) fn is_outside(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && code_of(error).is_none()
}

/// What to do about a file that could not be opened or written; `None` where the system's words are all there is.
pub fn for_disk(error: &io::Error) -> Option<&'static str> {
    if is_outside(error) {
        return Some(OUTSIDE_HINT);
    }
    if is_gone(error) || wrapped(error).is_some_and(is_gone) {
        return Some("run the same command again: only what is missing is generated, and a new `.planwave` is begun");
    }
    if let Some(refused) = Refused::of(error) {
        return Some(refused.hint());
    }
    match error.kind() {
        io::ErrorKind::ResourceBusy => Some(
            "the file seems to be mounted by itself, as containers do, and can only be replaced where its directory is mounted: mount that",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some("free some space, then run the same command again: only what is missing is generated")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("make the plan directory writable, then run the same command again")
        }
        _ if is_out_of_files(error) => Some(
            "raise the limit of open files (`ulimit -n`) or lower `--concurrency`, then run the same command again",
        ),
        _ if is_damage(error) => {
            Some("the disk or its connection has a fault: see to it, then run the same command again")
        }
        _ => None,
    }
}

/// `EMFILE` and `ENFILE`, for which Rust has no kind.
fn is_out_of_files(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[4] } else { &[23, 24] };
    code_of(error).is_some_and(|code| codes.contains(&code))
}

/// `EIO`, on Windows `ERROR_CRC` and `ERROR_IO_DEVICE`.
fn is_damage(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[23, 1117] } else { &[5] };
    code_of(error).is_some_and(|code| codes.contains(&code))
}

fn code_of(error: &io::Error) -> Option<i32> {
    error.raw_os_error().or_else(|| wrapped(error)?.raw_os_error())
}

fn wrapped(error: &io::Error) -> Option<&io::Error> {
    Some(&error.get_ref()?.downcast_ref::<AtPath>()?.source)
}

/// The same error once more, since the system's cannot be cloned.
pub(super) fn again(error: &io::Error) -> io::Error {
    if is_gone(error) {
        return io::Error::new(error.kind(), Gone);
    }
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}

/// The same error, which names the file.
pub(super) fn with_path(error: &io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), AtPath { path: path.to_path_buf(), source: again(error) })
}

/// An error of the system, and the file that it is about.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
struct AtPath {
    path: std::path::PathBuf,
    source: io::Error,
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_a_disk_has_its_advice() {
        for (code, part) in [
            (28, "free some space"),
            (122, "free some space"),
            (27, "free some space"),
            (30, "writable"),
            (13, "writable"),
            (24, "limit of open files"),
            (23, "limit of open files"),
            (5, "has a fault"),
            (16, "mounted by itself"),
        ] {
            if code == 122 && !cfg!(target_os = "linux") {
                continue;
            }
            let error = io::Error::from_raw_os_error(code);
            assert!(for_disk(&error).unwrap().contains(part), "{error}");
            let named = with_path(&again(&error), Path::new("a/tape.jsonl"));
            assert_eq!(for_disk(&named), for_disk(&error));
            assert_eq!(named.to_string(), format!("a/tape.jsonl: {error}"));
        }
        assert_eq!(for_disk(&io::Error::other("else")), None);
    }
}
