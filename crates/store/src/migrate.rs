//! The format of the file: forward only, step by step, each step whole or not at all.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;

/// One step for each format: the first makes format 1 of an empty file. A step that has been
/// released is never changed; a new one is added behind it, with a database of the format before
/// it among the tests.
const STEPS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The format that this version writes.
pub const FORMAT: i64 = STEPS.len() as i64;

/// Brings the file to [`FORMAT`].
pub(crate) fn run(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    apply(connection, STEPS)
        .map_err(|source| StoreError::from_sqlite(path, "changing the file's format", source))
}

fn apply(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(format).unwrap_or_default();
    for (index, step) in steps.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn every_step_is_taken_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x)", "INSERT INTO a VALUES (1)"];
        apply(&mut connection, &steps[..1]).unwrap();
        assert_eq!(format(&connection), 1);
        apply(&mut connection, &steps).unwrap();
        apply(&mut connection, &steps).unwrap();
        let rows: i64 =
            connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!((format(&connection), rows), (2, 1));
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_of_itself() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)"];
        apply(&mut connection, &steps).unwrap_err();
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!((format(&connection), tables), (1, 1));
    }
}
