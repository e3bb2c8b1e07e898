//! Other programs: shown before they run, and an error when they fail.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, bail};

/// A command line as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end with this terminal; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    println!("xtask: {line}");
    let status = command.status().with_context(|| format!("{line} did not start"))?;
    if !status.success() {
        bail!("{line} failed: {status}");
    }
    Ok(())
}

/// Like [`run`], and hands every line of both outputs, free of colour codes, to `read`.
pub(crate) fn run_reading(command: &mut Command, read: impl FnMut(&str)) -> Result<()> {
    let line = shown(command);
    println!("xtask: {line}");
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{line} did not start"))?;
    let (sender, lines) = mpsc::channel();
    let stdout = child.stdout.take().context("the pipe asked for is not there")?;
    let stderr = child.stderr.take().context("the pipe asked for is not there")?;
    forward_lines(stdout, sender.clone());
    forward_lines(stderr, sender);
    lines.iter().inspect(|line| println!("{line}")).map(|line| plain(&line)).for_each({
        let mut read = read;
        move |line| read(&line)
    });
    let status = child.wait()?;
    if !status.success() {
        bail!("{line} failed: {status}");
    }
    Ok(())
}

/// Sends the lines of a pipe from a thread of their own; the channel closes with the pipe.
fn forward_lines(pipe: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
}

/// A line without its `ESC [ … letter` colour codes.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(letter);
        }
    }
    text
}

/// Whether a program answers to `--version` or the given arguments.
pub(crate) fn answers(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// `cargo` at the root of the repository.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_codes_are_removed() {
        assert_eq!(plain("\u{1b}[32;1m     Summary\u{1b}[0m [ 1.0s]"), "     Summary [ 1.0s]");
    }

    #[test]
    fn both_outputs_are_read_and_failure_is_an_error() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let failure = run_reading(&mut command, |line| lines.push(line.to_owned())).unwrap_err();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert!(failure.to_string().contains("exit status: 3"), "{failure}");
    }
}
