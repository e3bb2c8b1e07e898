//! What can go wrong with a database, each with what to do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why something could not be kept or read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another connection held the file for too long.
    #[error(
        "{path}: locked by another program while {doing}; \
         close whatever has the file open (a backup, an SQLite shell) and try again"
    )]
    Busy {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// The file's structure or content is not what was written.
    #[error(
        "{path}: damaged: {what}; it is left as it is. Put a backup in its place, \
         or move it aside to begin with an empty one"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file belongs to something else.
    #[error(
        "{path}: not a database of Palisade ({what}); it is left as it is. \
         Name another file as `store` in the settings"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// No room.
    #[error(
        "{path}: full while {doing}: no space on the disk, or the file has reached its limit; \
         nothing was lost that had been acknowledged. Free space, or keep less"
    )]
    Full {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// Another process has the database open.
    #[error(
        "{path}: in use by another process, which holds {lock}; \
         stop it, or name another file as `store` in the settings"
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// The file by which one process excludes others.
        lock: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: {doing}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// The file was written by a newer version.
    #[error(
        "{path}: format {found}, but this version knows formats up to {known}; \
         use the version that wrote it, or a newer one"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// Something to be kept has no written form; a mistake of the program, not of the operator.
    #[error("{what} could not be written down: {source}")]
    Unwritable {
        /// What it was.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The file may only be read.
    #[error("{path}: read-only while {doing}; give this user the right to write to it")]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// SQLite reports something else.
    #[error("{path}: {doing}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: rusqlite::Error,
    },
    /// The thread that writes is gone.
    #[error("{path}: closed while {doing}; restart the program")]
    Stopped {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
}

impl StoreError {
    /// Sorts an error of SQLite by what the operator can do about it.
    pub(crate) fn from_sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path, doing },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, what: source.to_string() },
            Some(ErrorCode::NotADatabase) => Self::Foreign { path, what: source.to_string() },
            Some(ErrorCode::DiskFull) => Self::Full { path, doing },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path, doing },
            _ => Self::Sqlite { path, doing, source },
        }
    }
}
