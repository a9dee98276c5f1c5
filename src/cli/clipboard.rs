//! The system's clipboard, by the program that each system has for it.
//!
//! A library would have to stay alive to serve the text on X11 and Wayland; these programs do that by themselves.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// Programs that take the clipboard's text on standard input, the likeliest first.
#[cfg(target_os = "macos")]
const PROGRAMS: &[&[&str]] = &[&["pbcopy"]];
#[cfg(windows)]
const PROGRAMS: &[&[&str]] = &[&["clip.exe"]];
#[cfg(not(any(target_os = "macos", windows)))]
const PROGRAMS: &[&[&str]] =
    &[&["wl-copy"], &["xclip", "-selection", "clipboard"], &["xsel", "--clipboard", "--input"], &["clip.exe"]];

/// Puts `text` on the clipboard; the error is a sentence.
pub(super) fn copy(text: &str) -> Result<(), String> {
    let mut tried = Vec::new();
    for words in PROGRAMS {
        let Some((program, arguments)) = words.split_first() else { continue };
        match feed(program, arguments, text) {
            Ok(()) => return Ok(()),
            Err(error) => tried.push(format!("{program} ({error})")),
        }
    }
    Err(format!("no program for the clipboard works here: {}", tried.join(", ")))
}

fn feed(program: &str, arguments: &[&str], text: &str) -> std::io::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("it ended with {status}"))) }
}
