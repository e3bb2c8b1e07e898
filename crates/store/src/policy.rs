//! Revisions of the settings: which were in force, since when, and where they came from.

use std::path::Path;

use exchange::moment::Moment;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::StoreError;

/// Stands where a secret was.
const WITHHELD: &str = "(withheld)";

/// Words in a key's name that make its value a secret.
const SECRET_KEYS: [&str; 5] = ["secret", "password", "token", "private_key", "api_key"];

/// Settings that came into force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevisionRecord {
    /// The policy's content hash.
    pub revision: String,
    /// Since when.
    pub at: Moment,
    /// Where they came from, as in `file palisade.toml` or `SIGHUP`.
    pub origin: String,
    /// The settings file's text.
    pub settings: String,
}

impl RevisionRecord {
    /// The same, with literal secrets and passwords in URLs replaced. References such as
    /// `${env:NAME}` stay: they tell nothing.
    pub(crate) fn with_secrets_withheld(&self) -> Self {
        let settings = self.settings.lines().map(withhold).collect::<Vec<_>>().join("\n");
        Self { settings, ..self.clone() }
    }
}

/// One line of a settings file without its secrets. A line that names a secret and holds anything
/// else than a reference is cut after its first `=`: too much is better than too little.
fn withhold(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let names_secret = SECRET_KEYS.iter().any(|key| lower.contains(key));
    let assignment = line.split_once('=').filter(|_| names_secret && !lower.contains("= \"${"));
    if let Some((key, _)) = assignment {
        return format!("{key}= \"{WITHHELD}\"");
    }
    let Some((scheme, rest)) = line.split_once("://") else {
        return line.to_owned();
    };
    let authority = rest.split(['/', '"', '\'', ' ']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((credentials, _)) => match rest.split_at_checked(credentials.len()) {
            Some((_, host)) => format!("{scheme}://{WITHHELD}{host}"),
            None => format!("{scheme}://{WITHHELD}"),
        },
        None => line.to_owned(),
    }
}

/// `false` when the newest revision is the same.
pub(crate) fn record(
    transaction: &Transaction<'_>,
    record: &RevisionRecord,
) -> rusqlite::Result<bool> {
    let newest: Option<String> = transaction
        .query_row("SELECT revision FROM policy_revision ORDER BY id DESC LIMIT 1", [], |row| {
            row.get(0)
        })
        .optional()?;
    if newest.as_deref() == Some(record.revision.as_str()) {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO policy_revision (revision, at, origin, settings) VALUES (?1, ?2, ?3, ?4)",
        params![record.revision, record.at.micros(), record.origin, record.settings],
    )?;
    Ok(true)
}

/// The newest revisions, newest first.
pub(crate) fn read(
    connection: &Connection,
    path: &Path,
    limit: u32,
) -> Result<Vec<RevisionRecord>, StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "reading policy revisions", source);
    let mut statement = connection
        .prepare_cached(
            "SELECT revision, at, origin, settings FROM policy_revision ORDER BY id DESC LIMIT ?1",
        )
        .map_err(sql)?;
    let rows = statement
        .query_map([limit], |row| {
            Ok(RevisionRecord {
                revision: row.get(0)?,
                at: Moment::from_micros(row.get(1)?),
                origin: row.get(2)?,
                settings: row.get(3)?,
            })
        })
        .map_err(sql)?;
    rows.map(|row| row.map_err(sql)).collect()
}

#[cfg(test)]
mod tests {
    use super::withhold;

    #[test]
    fn secrets_are_withheld_and_references_stay() {
        let cases = [
            ("secret = \"hunter2\"", "secret = \"(withheld)\""),
            ("jwt = { secret = \"hunter2\" }", "jwt = \"(withheld)\""),
            ("secret = \"${env:JWT}\"", "secret = \"${env:JWT}\""),
            ("store = \"postgres://u:p@db/x\"", "store = \"postgres://(withheld)@db/x\""),
            ("upstreams = [\"http://127.0.0.1:9000\"]", "upstreams = [\"http://127.0.0.1:9000\"]"),
            ("# a comment", "# a comment"),
        ];
        for (line, expected) in cases {
            assert_eq!(withhold(line), expected);
        }
        assert_eq!(cases.len(), 6);
    }
}
