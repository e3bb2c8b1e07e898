//! The one thread that writes: a bounded queue of work, one transaction each.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::StoreError;

/// Pieces of work that wait; whoever comes later waits too.
const QUEUE_MAX: usize = 64;

/// Niceness of the thread: traffic goes first where both want a core.
const NICENESS: i32 = 5;

/// What a committed transaction survives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Durability {
    /// The end of the process: the log is written, and synced at the next checkpoint.
    Process,
    /// The end of the machine's power: the log is synced at the commit, with all before it.
    Power,
}

impl Durability {
    const fn synchronous(self) -> &'static str {
        match self {
            Self::Process => "NORMAL",
            Self::Power => "FULL",
        }
    }
}

type Work = Box<dyn FnOnce(&mut Desk) + Send>;

/// What the thread works with.
struct Desk {
    connection: Connection,
    /// What the connection is set to; setting it anew for each commit costs as much as a small one.
    synchronous: Option<&'static str>,
}

impl Desk {
    fn set(&mut self, durability: Durability) -> rusqlite::Result<()> {
        let wanted = durability.synchronous();
        if self.synchronous != Some(wanted) {
            self.connection.pragma_update(None, "synchronous", wanted)?;
            self.synchronous = Some(wanted);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Writer {
    works: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Writer {
    pub(crate) fn start(connection: Connection, path: PathBuf) -> Result<Self, StoreError> {
        let (queue, work) = sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                // where it is not allowed, writing competes with what is written about
                rustix::process::nice(NICENESS).ok();
                write(connection, &work);
            })
            .map_err(|source| StoreError::Io {
                path: path.clone(),
                doing: "starting the thread that writes",
                source,
            })?;
        Ok(Self { works: Some(queue), thread: Some(thread), path })
    }

    /// Runs `work` in a transaction of its own and waits for the commit.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.queue(doing, move |desk| {
            desk.set(durability)?;
            let transaction =
                desk.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }

    /// Runs `work` on the writer's connection, outside any transaction.
    pub(crate) fn run_outside<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.queue(doing, move |desk| work(&mut desk.connection))
    }

    fn queue<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Desk) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Stopped { path: self.path.clone(), doing };
        let (reply, answer) = sync_channel(1);
        let work: Work = Box::new(move |desk| {
            // whoever asked may be gone; the work is done all the same
            let _ = reply.send(work(desk));
        });
        self.works.as_ref().ok_or_else(stopped)?.send(work).map_err(|_| stopped())?;
        answer
            .recv()
            .map_err(|_| stopped())?
            .map_err(|source| StoreError::from_sqlite(&self.path, doing, source))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.works = None;
        if let Some(thread) = self.thread.take() {
            // a panic of the writer has reached every caller as `Stopped` already
            let _ = thread.join();
        }
    }
}

fn write(connection: Connection, work: &Receiver<Work>) {
    let mut desk = Desk { connection, synchronous: None };
    while let Ok(work) = work.recv() {
        work(&mut desk);
    }
    // closing the last connection checkpoints; readers may be open, so it is asked for as well
    let _ = desk.connection.pragma_update(None, "wal_checkpoint", "TRUNCATE");
}
