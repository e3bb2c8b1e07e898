//! Keys that must be the same in every run. The file is readable by its owner only.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// What a key is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyName {
    /// Signs what the console hands out.
    Console,
    /// Makes pseudonyms of values from traffic.
    Pseudonym,
}

impl fmt::Display for KeyName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Console => "console",
            Self::Pseudonym => "pseudonym",
        })
    }
}

pub(crate) fn get_or_insert(
    transaction: &Transaction<'_>,
    name: KeyName,
    fresh: &[u8],
) -> rusqlite::Result<Vec<u8>> {
    if let Some(kept) = get(transaction, name)? {
        return Ok(kept);
    }
    let name = name.to_string();
    transaction.execute("INSERT INTO key (name, bytes) VALUES (?1, ?2)", params![name, fresh])?;
    Ok(fresh.to_vec())
}

/// The key, if there is one.
pub(crate) fn get(connection: &Connection, name: KeyName) -> rusqlite::Result<Option<Vec<u8>>> {
    let name = name.to_string();
    connection
        .query_row("SELECT bytes FROM key WHERE name = ?1", [&name], |row| row.get(0))
        .optional()
}
