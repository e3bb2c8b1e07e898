//! The thread that writes: lines in large pieces, and what happens when they cannot be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use super::{LogSettings, Shared, line};
use crate::limits::{ACCESS_LOG_PERIOD, ACCESS_LOG_PIECE_BYTES};

/// Opens a log at its end. A pipe that nobody reads must not hold anybody up: it takes nothing.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(nonblocking).open(path)
}

/// What writes.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    settings: LogSettings,
    shared: Arc<Shared>,
    piece: Vec<u8>,
    /// The last line is not whole.
    torn: bool,
    failing: bool,
}

impl Writer {
    pub(super) fn new(file: File, settings: LogSettings, shared: Arc<Shared>) -> Self {
        Self { file, settings, shared, piece: Vec::new(), torn: false, failing: false }
    }

    /// Writes until the log is closed and its queue empty.
    pub(super) fn run(mut self) {
        loop {
            // in this order: what came before the end is written
            let closed = self.shared.closed.load(Ordering::SeqCst);
            if self.shared.reopen.swap(false, Ordering::SeqCst) {
                self.reopen();
            }
            let entries = std::mem::take(&mut *self.shared.queue());
            self.shared.counts.waiting.store(0, Ordering::Relaxed);
            for entry in &entries {
                line::write(entry, &self.settings, &mut self.piece);
                if self.piece.len() >= ACCESS_LOG_PIECE_BYTES {
                    self.flush();
                }
            }
            self.flush();
            if closed && entries.is_empty() {
                break;
            }
            if entries.is_empty() {
                thread::park_timeout(ACCESS_LOG_PERIOD);
            }
        }
        self.shared.ended.store(true, Ordering::SeqCst);
    }

    fn reopen(&mut self) {
        match open(&self.settings.file) {
            Ok(file) => (self.file, self.torn) = (file, false),
            Err(error) => {
                let file = self.settings.file.display();
                tracing::warn!("the access log {file} stays as it is: {error}");
            }
        }
    }

    /// Writes the piece. Lines of which not all bytes were taken are lost, and a line end makes
    /// sure that no other line is lost with them.
    fn flush(&mut self) {
        if self.piece.is_empty() {
            return;
        }
        if self.torn {
            self.piece.insert(0, b'\n');
        }
        let mut taken = 0;
        let outcome = loop {
            let rest = self.piece.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match self.file.write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let lost = self.piece.get(taken..).unwrap_or_default();
        let lost = lost.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.shared.counts.dropped.fetch_add(lost, Ordering::Relaxed);
        if taken > 0 {
            self.torn = self.piece.get(taken - 1).is_some_and(|byte| *byte != b'\n');
        }
        self.piece.clear();
        self.tell(outcome);
    }

    /// Says once that it fails, and once that it does so no longer.
    fn tell(&mut self, outcome: io::Result<()>) {
        let file = self.settings.file.display();
        match (&outcome, self.failing) {
            (Err(error), false) => tracing::warn!("the access log {file} loses lines: {error}"),
            (Ok(()), true) => tracing::info!("the access log {file} is written again"),
            _ => {}
        }
        self.failing = outcome.is_err();
    }
}
