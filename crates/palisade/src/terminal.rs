//! The two streams: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::args::{Color, Global};
use crate::settings::Trouble;

/// Whether standard output and standard error take colour.
static COLOR: OnceLock<(bool, bool)> = OnceLock::new();

/// Settles colour and logging, once, at the start.
pub(crate) fn init(global: &Global) {
    let wanted = |terminal: bool| match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && crate::settings::environment("NO_COLOR").is_none(),
    };
    let color = (wanted(io::stdout().is_terminal()), wanted(io::stderr().is_terminal()));
    COLOR.get_or_init(|| color);
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let filter = crate::settings::environment("PALISADE_LOG").unwrap_or_else(|| level.to_owned());
    let subscriber = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(color.1)
        .with_target(false)
        .with_env_filter(EnvFilter::new(filter))
        .finish();
    // fails only when somebody has set one before, which in this process nobody does
    tracing::subscriber::set_global_default(subscriber).ok();
}

/// Writes a result to standard output. A reader that has gone away is no error.
pub(crate) fn result(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Writes a line to standard error.
pub(crate) fn note(text: &str) {
    // where standard error is closed there is nobody to tell
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Writes what went wrong: place, expectation, remedy.
pub(crate) fn error(error: &anyhow::Error) {
    match error.downcast_ref::<Trouble>() {
        Some(trouble) => note(trouble.render(color_on_stderr()).trim_end()),
        None => note(&format!("error: {error:#}")),
    }
}

/// What went wrong, as text without colour.
pub(crate) fn plain(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Trouble>() {
        Some(trouble) => trouble.to_string(),
        None => format!("error: {error:#}"),
    }
}

/// True when results may be coloured.
pub(crate) fn color_on_stdout() -> bool {
    COLOR.get().is_some_and(|(stdout, _)| *stdout)
}

fn color_on_stderr() -> bool {
    COLOR.get().is_some_and(|(_, stderr)| *stderr)
}
