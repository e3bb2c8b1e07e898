//! The access log: a line for every exchange, written by a thread of its own.
//!
//! Workers put entries into a bounded queue and never wait for it. What finds the queue full, and
//! what cannot be written, is dropped and counted: a full or hanging disk costs lines, not traffic.

mod entry;
mod line;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use policy::document::access_log::{LogFormat, LogPaths};

pub(crate) use self::entry::{Draft, Entry, Told};
use self::writer::Writer;
use crate::limits::ACCESS_LOG_ENTRIES_MAX;

/// Where the log is written, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogSettings {
    /// The file. It is made if it is not there, for its owner and group.
    pub file: PathBuf,
    /// How a line is written.
    pub format: LogFormat,
    /// How much of a path is written.
    pub paths: LogPaths,
}

/// What was not written, for metrics; goes on over reloads.
#[derive(Debug, Default)]
pub(crate) struct LogCounts {
    pub(crate) dropped: AtomicU64,
    pub(crate) waiting: AtomicUsize,
}

/// An access log that is being written. Dropping it writes what is in its queue.
#[derive(Debug)]
pub struct AccessLog {
    settings: LogSettings,
    shared: Arc<Shared>,
    thread: Thread,
}

/// What workers and the writer have in common.
#[derive(Debug)]
struct Shared {
    queue: Mutex<Vec<Entry>>,
    counts: Arc<LogCounts>,
    closed: AtomicBool,
    reopen: AtomicBool,
    /// The writer has ended.
    ended: AtomicBool,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Vec<Entry>> {
        // a queue of values is whole after any panic
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessLog {
    /// Opens the file and starts the writer.
    ///
    /// # Errors
    /// What the system says about the file, or about another thread.
    pub fn start(settings: LogSettings, metrics: &crate::metrics::Metrics) -> io::Result<Self> {
        let file = writer::open(&settings.file)?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            counts: metrics.access_log(),
            closed: AtomicBool::new(false),
            reopen: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let writer = Writer::new(file, settings.clone(), Arc::clone(&shared));
        let named = std::thread::Builder::new().name("access-log".to_owned());
        let thread = named.spawn(move || writer.run())?.thread().clone();
        Ok(Self { settings, shared, thread })
    }

    /// What it was started with.
    #[must_use]
    pub fn settings(&self) -> &LogSettings {
        &self.settings
    }

    /// Opens the file anew before the next line: who rotates logs has moved the old one.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }

    /// Writes what is in the queue, and nothing more. Waits so long for that at the most.
    pub fn finish(&self, within: Duration) {
        self.close();
        let begun = Instant::now();
        while !self.shared.ended.load(Ordering::SeqCst) && begun.elapsed() < within {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }

    /// Hands an entry over, or drops it and counts that.
    fn send(&self, entry: Entry) {
        let mut queue = self.shared.queue();
        if queue.len() < ACCESS_LOG_ENTRIES_MAX {
            queue.push(entry);
            self.shared.counts.waiting.store(queue.len(), Ordering::Relaxed);
        } else {
            self.shared.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.close();
    }
}
