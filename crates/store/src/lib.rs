//! The only crate that keeps anything: one SQLite file with journal, inventory and findings.
//!
//! One thread writes, and every call that writes returns after its transaction is committed: what
//! was acknowledged survives the death of the process at any instant. Readers have connections of
//! their own and never make the writer wait. The journal holds observations in the order of their
//! positions; the analyst's state is saved together with the position it contains, so that state
//! and the journal behind it give back everything ([`Store::load`], [`Store::replay`]).

mod database;
mod error;
mod findings;
mod inventory;
mod journal;
mod keys;
mod migrate;
mod policy;
mod reader;
mod retention;
mod segment;
mod state;
mod writer;

use std::path::Path;

use analysis::change::Change;
use exchange::moment::Moment;
use exchange::observation::Observation;

pub use database::Options;
pub use error::StoreError;
pub use findings::{HistoryEntry, HistoryWhat, Triage};
pub use journal::{Position, Replayed};
pub use keys::KeyName;
pub use migrate::FORMAT;
pub use policy::RevisionRecord;
pub use reader::Reader;
pub use retention::{Expired, Retention};
pub use state::Loaded;

use database::Database;
use writer::{Durability, Writer};

/// Reads a key of a database that another process has open, without waiting for that process: who
/// takes over from it needs the key before it may write.
///
/// # Errors
/// When there is no such key yet, or the file is missing, of another program, of a newer format, or
/// cannot be read.
pub fn peek_key(path: &Path, name: KeyName) -> Result<Vec<u8>, StoreError> {
    database::peek_key(path, name)
}

/// An open database. Share it by reference or `Arc`; the file closes when it is dropped.
#[derive(Debug)]
pub struct Store {
    writer: Writer,
    database: Database,
}

impl Store {
    /// Opens the database at `path`, creating it when there is no file.
    ///
    /// # Errors
    /// When the file is damaged, of another program, of a newer format, in use by another
    /// process, or cannot be opened or written. Nothing is repaired or replaced silently.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let (database, connection) = Database::open(path, options)?;
        let writer = Writer::start(connection, database.path().to_owned())?;
        Ok(Self { writer, database })
    }

    /// Appends observations to the journal in one transaction and returns the position of the
    /// last of them. When this returns `Ok`, they are committed.
    ///
    /// # Errors
    /// When the file cannot be written: nothing of the batch is kept then.
    pub fn append(&self, batch: &[Observation]) -> Result<Position, StoreError> {
        let segment = segment::Segment::pack(batch)?;
        self.writer.run("appending to the journal", Durability::Process, move |transaction| {
            journal::append(transaction, segment.as_ref())
        })
    }

    /// Brings inventory and findings up to date with what an assessment found.
    ///
    /// # Errors
    /// When the file cannot be written: no change is kept then.
    pub fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let rows = changes.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
        self.writer.run("recording changes", Durability::Process, move |transaction| {
            rows.iter().try_for_each(|row| match row {
                Row::Endpoint(row) => inventory::upsert(transaction, row),
                Row::Retired(at, id) => inventory::retire(transaction, *at, *id),
                Row::Finding(row) => findings::upsert(transaction, row),
            })
        })
    }

    /// Keeps the analyst's state, which contains every observation up to `position`, every change
    /// of status by [`Store::triage`] so far, and nothing else.
    ///
    /// # Errors
    /// When the file cannot be written: the state saved before stays.
    pub fn save_state(
        &self,
        bytes: &[u8],
        position: Position,
        at: Moment,
    ) -> Result<(), StoreError> {
        let bytes = bytes.to_vec();
        self.writer.run("saving the analyst's state", Durability::Power, move |transaction| {
            state::save(transaction, &bytes, position, at)
        })
    }

    /// What the analyst is restored from: the state saved last, and what came after it. Follow it
    /// with [`Store::replay`] from [`Loaded::position`], then set the statuses of
    /// [`Loaded::triage`].
    ///
    /// # Errors
    /// When the state is damaged or cannot be read.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        self.reader()?.load()
    }

    /// Hands every observation after this position to `visit`, in order.
    ///
    /// # Errors
    /// When a segment of the journal is damaged or cannot be read.
    pub fn replay(
        &self,
        after: Position,
        visit: impl FnMut(Observation),
    ) -> Result<Replayed, StoreError> {
        self.reader()?.replay(after, visit)
    }

    /// Records that somebody gave a finding another status; `false` when there is no such finding.
    ///
    /// # Errors
    /// When the file cannot be written: the finding keeps its status then.
    pub fn triage(&self, triage: &Triage) -> Result<bool, StoreError> {
        let triage = triage.clone();
        self.writer.run("recording a triage", Durability::Power, move |transaction| {
            findings::triage(transaction, &triage)
        })
    }

    /// Records which settings came into force; `false` when they are those recorded last.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record_revision(&self, record: &RevisionRecord) -> Result<bool, StoreError> {
        let record = record.with_secrets_withheld();
        self.writer.run("recording a policy revision", Durability::Power, move |transaction| {
            policy::record(transaction, &record)
        })
    }

    /// The key of this name: the one kept before, or else `fresh`, which is kept from now on.
    ///
    /// # Errors
    /// When the file cannot be written, or holds a key of another length.
    pub fn key<const N: usize>(
        &self,
        name: KeyName,
        fresh: [u8; N],
    ) -> Result<[u8; N], StoreError> {
        let kept = self.writer.run("keeping a key", Durability::Power, move |transaction| {
            keys::get_or_insert(transaction, name, &fresh)
        })?;
        <[u8; N]>::try_from(kept.as_slice()).map_err(|_| StoreError::Damaged {
            path: self.database.path().to_owned(),
            what: format!("the {name} key has {} bytes instead of {N}", kept.len()),
        })
    }

    /// Deletes journal segments that are too old or too many, in small transactions between which
    /// others may write. Segments that no saved state contains stay.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn expire(&self, now: Moment, limits: &Retention) -> Result<Expired, StoreError> {
        let mut expired = Expired::default();
        loop {
            let limits = *limits;
            let step = self.writer.run("expiring the journal", Durability::Process, move |tx| {
                retention::delete_some(tx, now, &limits)
            })?;
            if step.segments == 0 {
                return Ok(expired);
            }
            self.writer.run_outside("returning free pages", retention::release_pages)?;
            expired.add(step);
        }
    }

    /// A connection for reading, apart from the writer's.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.database.reader()
    }
}

/// What one change means for the tables.
enum Row {
    Endpoint(inventory::EndpointRow),
    Retired(Moment, exchange::endpoint::EndpointId),
    Finding(Box<findings::FindingRow>),
}

impl Row {
    fn of(change: &Change) -> Result<Self, StoreError> {
        use findings::{FindingRow, HistoryWhat as What};
        let finding = |at, finding, what| {
            FindingRow::of(at, finding, what).map(|row| Self::Finding(Box::new(row)))
        };
        match change {
            Change::EndpointDiscovered { at, endpoint }
            | Change::EndpointUpdated { at, endpoint } => {
                inventory::EndpointRow::of(*at, endpoint).map(Self::Endpoint)
            }
            Change::EndpointRetired { at, id } => Ok(Self::Retired(*at, *id)),
            Change::FindingOpened { at, finding: row } => finding(*at, row, Some(What::Opened)),
            Change::FindingUpdated { at, finding: row } => finding(*at, row, None),
            Change::FindingReopened { at, finding: row } => finding(*at, row, Some(What::Reopened)),
            Change::FindingResolved { at, finding: row } => finding(*at, row, Some(What::Resolved)),
        }
    }
}
