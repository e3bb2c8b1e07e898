//! The journal: observations in the order in which they were acknowledged.
//!
//! A batch becomes one segment ([`crate::segment`]). Segments carry the day of their newest
//! observation and are expired whole.

use std::fmt;
use std::path::Path;

use exchange::observation::Observation;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::StoreError;
use crate::segment::{self, Segment};

/// Where an observation is in the journal: how many were appended up to and including it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// What a replay went through.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Replayed {
    /// Position of the last observation in the journal.
    pub last: Position,
    /// Observations handed over.
    pub observations: u64,
    /// Positions that were asked for and are no longer in the journal.
    pub missing: u64,
}

/// Appends a segment; returns the position of the journal's last observation.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    segment: Option<&Segment>,
) -> rusqlite::Result<Position> {
    let before = end(transaction)?;
    let Some(segment) = segment else {
        return Ok(before);
    };
    let last = before.0 + segment.observations;
    transaction
        .prepare_cached("INSERT INTO journal (last, first, day, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![last as i64, before.0 as i64 + 1, segment.day, segment.body])?;
    Ok(Position(last))
}

/// The position of the last observation that was ever appended. Segments expire only when the
/// saved state contains them, so the larger of the two is never too small.
fn end(connection: &Connection) -> rusqlite::Result<Position> {
    let last = connection
        .prepare_cached(
            "SELECT max(coalesce((SELECT max(last) FROM journal), 0),
                        coalesce((SELECT position FROM state), 0))",
        )?
        .query_row([], |row| row.get::<_, i64>(0))?;
    Ok(Position(last as u64))
}

/// Hands over every observation after a position.
pub(crate) fn replay(
    connection: &Connection,
    path: &Path,
    after: Position,
    mut visit: impl FnMut(Observation),
) -> Result<Replayed, StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "replaying the journal", source);
    let mut replayed = Replayed { last: after, ..Replayed::default() };
    // one segment at a time, so that no read transaction holds up checkpoints for minutes
    while let Some((first, last, body)) = next(connection, replayed.last).map_err(sql)? {
        let expected = replayed.last.0 + 1;
        replayed.missing += first.saturating_sub(expected);
        let damaged = |why: String| StoreError::Damaged {
            path: path.to_owned(),
            what: format!("journal segment {first} to {last}: {why}"),
        };
        let mut position = first;
        segment::unpack(&body, |observation| {
            if position >= expected {
                visit(observation);
                replayed.observations += 1;
            }
            position += 1;
        })
        .map_err(&damaged)?;
        if position != last + 1 {
            return Err(damaged(format!("holds {} observations", position - first)));
        }
        replayed.last = Position(last);
    }
    Ok(replayed)
}

type Read = (u64, u64, Vec<u8>);

/// The segment that holds or follows the position after this one.
fn next(connection: &Connection, after: Position) -> rusqlite::Result<Option<Read>> {
    connection
        .prepare_cached(
            "SELECT first, last, body FROM journal WHERE last > ?1 ORDER BY last LIMIT 1",
        )?
        .query_row([after.0 as i64], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64, row.get(2)?))
        })
        .optional()
}
