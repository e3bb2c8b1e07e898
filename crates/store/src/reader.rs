//! A connection for reading.

use std::path::PathBuf;

use analysis::findings::{Finding, Fingerprint};
use analysis::snapshot::Endpoint;
use exchange::observation::Observation;
use rusqlite::Connection;

use crate::error::StoreError;
use crate::findings::HistoryEntry;
use crate::journal::{Position, Replayed};
use crate::policy::RevisionRecord;
use crate::state::Loaded;
use crate::{findings, inventory, journal, policy, retention, state};

/// A read-only connection. Each call sees the last committed state, whatever the writer does.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    pub(crate) const fn new(connection: Connection, path: PathBuf) -> Self {
        Self { connection, path }
    }

    /// As [`crate::Store::load`].
    ///
    /// # Errors
    /// When the state is damaged or cannot be read.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        state::load(&self.connection, &self.path)
    }

    /// As [`crate::Store::replay`].
    ///
    /// # Errors
    /// When a segment of the journal is damaged or cannot be read.
    pub fn replay(
        &self,
        after: Position,
        visit: impl FnMut(Observation),
    ) -> Result<Replayed, StoreError> {
        journal::replay(&self.connection, &self.path, after, visit)
    }

    /// All findings, by fingerprint.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        findings::read(&self.connection, &self.path, None)
    }

    /// One finding.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn finding(&self, fingerprint: Fingerprint) -> Result<Option<Finding>, StoreError> {
        Ok(findings::read(&self.connection, &self.path, Some(fingerprint))?.pop())
    }

    /// What became of a finding, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history(&self, fingerprint: Fingerprint) -> Result<Vec<HistoryEntry>, StoreError> {
        findings::history(&self.connection, &self.path, fingerprint)
    }

    /// The endpoints of the inventory, by service, host, template and method.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        inventory::read(&self.connection, &self.path)
    }

    /// The newest revisions of the settings, newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn revisions(&self, limit: u32) -> Result<Vec<RevisionRecord>, StoreError> {
        policy::read(&self.connection, &self.path, limit)
    }

    /// Bytes of the file that hold something.
    ///
    /// # Errors
    /// When SQLite cannot tell.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        retention::bytes_in_use(&self.connection)
            .map_err(|source| StoreError::from_sqlite(&self.path, "measuring the file", source))
    }
}
