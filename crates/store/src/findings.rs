//! Findings as they are now, and what became of each.

use std::path::Path;

use analysis::findings::{Finding, Fingerprint, Status};
use exchange::moment::Moment;
use rusqlite::{Connection, Row, Transaction, params};

use crate::error::StoreError;

/// Somebody's decision about a finding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Triage {
    /// Which finding.
    pub fingerprint: Fingerprint,
    /// Its status from now on.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// What happened to a finding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HistoryWhat {
    /// It came up.
    Opened,
    /// New evidence brought it back.
    Reopened,
    /// Its grounds are gone.
    Resolved,
    /// Somebody gave it another status.
    Triaged,
}

impl HistoryWhat {
    const ALL: [Self; 4] = [Self::Opened, Self::Reopened, Self::Resolved, Self::Triaged];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Resolved => "resolved",
            Self::Triaged => "triaged",
        }
    }
}

/// One line of a finding's history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryEntry {
    /// When.
    pub at: Moment,
    /// What happened.
    pub what: HistoryWhat,
    /// The finding's status from then on.
    pub status: Status,
    /// Who; empty when nobody did it but the evidence.
    pub by: String,
    /// Why; empty likewise.
    pub reason: String,
}

/// A finding in its written form.
pub(crate) struct FindingRow {
    fingerprint: i64,
    rule: String,
    severity: &'static str,
    status: &'static str,
    at: i64,
    row: String,
    what: Option<HistoryWhat>,
}

impl FindingRow {
    pub(crate) fn of(
        at: Moment,
        finding: &Finding,
        what: Option<HistoryWhat>,
    ) -> Result<Self, StoreError> {
        let row = serde_json::to_string(finding)
            .map_err(|source| StoreError::Unwritable { what: "a finding", source })?;
        Ok(Self {
            fingerprint: finding.fingerprint.0 as i64,
            rule: finding.rule.to_string(),
            severity: finding.severity.as_str(),
            status: finding.status.as_str(),
            at: at.micros(),
            row,
            what,
        })
    }
}

pub(crate) fn upsert(transaction: &Transaction<'_>, row: &FindingRow) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO finding (fingerprint, rule, severity, status, updated, row)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (fingerprint) DO UPDATE SET rule = excluded.rule,
             severity = excluded.severity, status = excluded.status,
             updated = excluded.updated, row = excluded.row",
        )?
        .execute(params![row.fingerprint, row.rule, row.severity, row.status, row.at, row.row])?;
    let Some(what) = row.what else {
        return Ok(());
    };
    let entry = params![row.fingerprint, row.at, what.as_str(), row.status, "", ""];
    remember(transaction, entry)
}

/// Gives a finding another status; `false` when there is no such finding.
pub(crate) fn triage(transaction: &Transaction<'_>, triage: &Triage) -> rusqlite::Result<bool> {
    let fingerprint = triage.fingerprint.0 as i64;
    let status = triage.status.as_str();
    let found = transaction.execute(
        "UPDATE finding SET status = ?2, updated = ?3 WHERE fingerprint = ?1",
        params![fingerprint, status, triage.at.micros()],
    )?;
    if found == 0 {
        return Ok(false);
    }
    let what = HistoryWhat::Triaged.as_str();
    let entry = params![fingerprint, triage.at.micros(), what, status, triage.by, triage.reason];
    remember(transaction, entry)?;
    Ok(true)
}

fn remember(transaction: &Transaction<'_>, entry: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO finding_history (fingerprint, at, what, status, by, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(entry)?;
    Ok(())
}

/// Findings by fingerprint: all, or one.
pub(crate) fn read(
    connection: &Connection,
    path: &Path,
    only: Option<Fingerprint>,
) -> Result<Vec<Finding>, StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "reading findings", source);
    let mut statement = connection
        .prepare_cached(
            "SELECT status, row FROM finding WHERE ?1 IS NULL OR fingerprint = ?1
             ORDER BY fingerprint",
        )
        .map_err(sql)?;
    let rows = statement
        .query_map([only.map(|only| only.0 as i64)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .map_err(sql)?;
    rows.map(|row| {
        let (status, row) = row.map_err(sql)?;
        let damaged = |why: String| StoreError::Damaged {
            path: path.to_owned(),
            what: format!("a finding: {why}"),
        };
        let mut finding: Finding =
            serde_json::from_str(&row).map_err(|error| damaged(error.to_string()))?;
        finding.status = parse_status(&status).ok_or_else(|| damaged(format!("`{status}`")))?;
        Ok(finding)
    })
    .collect()
}

/// What became of a finding, oldest first.
pub(crate) fn history(
    connection: &Connection,
    path: &Path,
    fingerprint: Fingerprint,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let entries = entries(
        connection,
        path,
        "SELECT fingerprint, at, what, status, by, reason FROM finding_history
         WHERE fingerprint = ?1 ORDER BY id",
        fingerprint.0 as i64,
    )?;
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

/// What people decided after this entry of the history.
pub(crate) fn triage_after(
    connection: &Connection,
    path: &Path,
    id: i64,
) -> Result<Vec<Triage>, StoreError> {
    let entries = entries(
        connection,
        path,
        "SELECT fingerprint, at, what, status, by, reason FROM finding_history
         WHERE id > ?1 AND what = 'triaged' ORDER BY id",
        id,
    )?;
    let triage = |(fingerprint, entry): (Fingerprint, HistoryEntry)| Triage {
        fingerprint,
        status: entry.status,
        reason: entry.reason,
        by: entry.by,
        at: entry.at,
    };
    Ok(entries.into_iter().map(triage).collect())
}

fn entries(
    connection: &Connection,
    path: &Path,
    query: &str,
    parameter: i64,
) -> Result<Vec<(Fingerprint, HistoryEntry)>, StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "reading the history of findings", source);
    let mut statement = connection.prepare_cached(query).map_err(sql)?;
    let rows = statement.query_map([parameter], entry).map_err(sql)?;
    rows.map(|row| row.map_err(sql)).collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(Fingerprint, HistoryEntry)> {
    let (what, status) = (row.get::<_, String>(2)?, row.get::<_, String>(3)?);
    let unknown = |column, word: &str| {
        let why = format!("unknown word `{word}`").into();
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why)
    };
    let known = HistoryWhat::ALL.into_iter().find(|known| known.as_str() == what);
    Ok((
        Fingerprint(row.get::<_, i64>(0)? as u64),
        HistoryEntry {
            at: Moment::from_micros(row.get(1)?),
            what: known.ok_or_else(|| unknown(2, &what))?,
            status: parse_status(&status).ok_or_else(|| unknown(3, &status))?,
            by: row.get(4)?,
            reason: row.get(5)?,
        },
    ))
}

fn parse_status(word: &str) -> Option<Status> {
    [Status::New, Status::InProgress, Status::Suppressed, Status::Resolved]
        .into_iter()
        .find(|status| status.as_str() == word)
}
