//! A progress bar on standard error, for what takes longer than a second and is watched.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before this: most jobs are over by then.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Progress in bytes of the input.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    wanted: bool,
    shown: bool,
}

impl Progress {
    /// A bar over `bytes`, or a spinner where the size is not known.
    pub(crate) fn new(bytes: Option<u64>, quiet: bool) -> Self {
        let bar = match bytes {
            Some(bytes) => ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden()),
            None => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        let form = if bytes.is_some() {
            "read   {bar:30} {percent:>3} %  {binary_bytes_per_sec}  {msg}"
        } else {
            "read   {spinner} {binary_bytes}  {binary_bytes_per_sec}  {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        let ci = crate::settings::environment("CI").is_some();
        let wanted = !quiet && !ci && std::io::stderr().is_terminal();
        Self { bar, started: Instant::now(), wanted, shown: false }
    }

    /// So many bytes of the input are done, with so many exchanges in them.
    pub(crate) fn at(&mut self, bytes: u64, exchanges: u64) {
        if self.wanted && !self.shown && self.started.elapsed() >= SHOWN_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown = true;
        }
        if self.shown {
            self.bar.set_position(bytes);
            self.bar.set_message(format!("{exchanges} exchanges"));
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
