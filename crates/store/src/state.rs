//! The analyst, saved between runs, with the position of the journal that it contains.

use std::path::Path;

use exchange::moment::Moment;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::findings::{self, Triage};
use crate::journal::Position;

/// What the analyst is restored from.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The state saved last; `None` when there is none.
    pub state: Option<Vec<u8>>,
    /// The observations that it contains: replay those after it.
    pub position: Position,
    /// What people decided about findings since; set it after the replay, in this order.
    pub triage: Vec<Triage>,
}

pub(crate) fn save(
    transaction: &Transaction<'_>,
    bytes: &[u8],
    position: Position,
    at: Moment,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT OR REPLACE INTO state (id, position, triaged, saved, digest, bytes)
         VALUES (1, ?1, coalesce((SELECT max(id) FROM finding_history), 0), ?2, ?3, ?4)",
        params![position.0 as i64, at.micros(), Sha256::digest(bytes).as_slice(), bytes],
    )?;
    Ok(())
}

pub(crate) fn load(connection: &Connection, path: &Path) -> Result<Loaded, StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "loading the analyst's state", source);
    let found = connection
        .query_row("SELECT position, triaged, digest, bytes FROM state", [], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, Vec<u8>>(3)?,
            ))
        })
        .optional()
        .map_err(sql)?;
    let Some((position, triaged, digest, bytes)) = found else {
        let triage = findings::triage_after(connection, path, 0)?;
        return Ok(Loaded { triage, ..Loaded::default() });
    };
    if Sha256::digest(&bytes).as_slice() != digest {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            what: "the analyst's state does not match its digest".to_owned(),
        });
    }
    let triage = findings::triage_after(connection, path, triaged)?;
    Ok(Loaded { state: Some(bytes), position: Position(position as u64), triage })
}
