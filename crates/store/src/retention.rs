//! How long the journal is kept: by age and by size, a little at a time.

use exchange::moment::Moment;
use rusqlite::{Connection, Transaction, params};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Segments deleted in one transaction, so that whoever appends waits for milliseconds.
const SEGMENTS_PER_STEP: i64 = 64;

/// Free pages given back to the file system after each step.
const PAGES_PER_STEP: i64 = 4_096;

/// What to keep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Days that an observation is kept.
    pub days: u32,
    /// Bytes in use in the file beyond which the oldest segments go, young or not.
    pub bytes_max: u64,
}

impl Default for Retention {
    /// A month, and 4 GiB.
    fn default() -> Self {
        Self { days: 30, bytes_max: 4 << 30 }
    }
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Expired {
    /// Segments.
    pub segments: u64,
    /// The observations in them.
    pub observations: u64,
}

impl Expired {
    pub(crate) const fn add(&mut self, other: Self) {
        self.segments += other.segments;
        self.observations += other.observations;
    }
}

/// Deletes the oldest segments that are over the limits, up to a handful. Only segments that the
/// saved state contains may go.
pub(crate) fn delete_some(
    transaction: &Transaction<'_>,
    now: Moment,
    limits: &Retention,
) -> rusqlite::Result<Expired> {
    let oldest_day = now.micros().div_euclid(MICROS_PER_DAY) - i64::from(limits.days);
    let over = bytes_in_use(transaction)? > limits.bytes_max;
    transaction
        .prepare_cached(
            "DELETE FROM journal WHERE last IN (
                SELECT last FROM journal
                WHERE last <= coalesce((SELECT position FROM state), 0) AND (day < ?1 OR ?2)
                ORDER BY last LIMIT ?3)
             RETURNING last - first + 1",
        )?
        .query_map(params![oldest_day, over, SEGMENTS_PER_STEP], |row| row.get::<_, i64>(0))?
        .try_fold(Expired::default(), |sum, observations| {
            let observations = sum.observations + observations? as u64;
            Ok(Expired { segments: sum.segments + 1, observations })
        })
}

/// Gives pages that became free back to the file system.
pub(crate) fn release_pages(connection: &mut Connection) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_PER_STEP})"))?;
    let mut rows = statement.query([])?;
    // each step frees one page and returns no row that matters
    while rows.next()?.is_some() {}
    Ok(())
}

/// Bytes of the file that hold something.
pub(crate) fn bytes_in_use(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok((pages * number("page_size")?) as u64)
}
