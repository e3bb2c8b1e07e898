//! Endpoints as the last assessment had them; those no longer told apart stay, as retired.

use std::path::Path;

use analysis::snapshot::Endpoint;
use exchange::endpoint::EndpointId;
use exchange::moment::Moment;
use rusqlite::{Connection, Transaction, params};

use crate::error::StoreError;

/// An endpoint in its written form.
pub(crate) struct EndpointRow {
    id: i64,
    texts: [String; 5],
    at: i64,
    row: String,
}

impl EndpointRow {
    pub(crate) fn of(at: Moment, endpoint: &Endpoint) -> Result<Self, StoreError> {
        let row = serde_json::to_string(endpoint)
            .map_err(|source| StoreError::Unwritable { what: "an endpoint", source })?;
        Ok(Self {
            id: endpoint.id.0 as i64,
            texts: [
                endpoint.service.to_string(),
                endpoint.host.to_string(),
                endpoint.method.to_string(),
                endpoint.template.to_string(),
                endpoint.state.to_string(),
            ],
            at: at.micros(),
            row,
        })
    }
}

pub(crate) fn upsert(transaction: &Transaction<'_>, row: &EndpointRow) -> rusqlite::Result<()> {
    let [service, host, method, template, state] = &row.texts;
    transaction
        .prepare_cached(
            "INSERT INTO endpoint
             (id, service, host, method, template, state, discovered, updated, row)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET service = excluded.service, host = excluded.host,
             method = excluded.method, template = excluded.template, state = excluded.state,
             updated = excluded.updated, retired = NULL, row = excluded.row",
        )?
        .execute(params![row.id, service, host, method, template, state, row.at, row.row])?;
    Ok(())
}

pub(crate) fn retire(
    transaction: &Transaction<'_>,
    at: Moment,
    id: EndpointId,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE endpoint SET retired = ?2, updated = ?2 WHERE id = ?1")?
        .execute(params![id.0 as i64, at.micros()])?;
    Ok(())
}

/// The endpoints that are not retired, by service, host, template and method.
pub(crate) fn read(connection: &Connection, path: &Path) -> Result<Vec<Endpoint>, StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "reading the inventory", source);
    let mut statement = connection
        .prepare_cached(
            "SELECT row FROM endpoint WHERE retired IS NULL
             ORDER BY service, host, template, method",
        )
        .map_err(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(sql)?;
    rows.map(|row| {
        serde_json::from_str(&row.map_err(sql)?).map_err(|error| StoreError::Damaged {
            path: path.to_owned(),
            what: format!("an endpoint: {error}"),
        })
    })
    .collect()
}
