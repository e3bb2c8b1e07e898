//! Opening the file: who may, whether it is ours and whole, and how SQLite is to treat it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::keys::{self, KeyName};
use crate::migrate;
use crate::reader::Reader;

/// What `file` and we ourselves recognise a database by: "Pali" in SQLite's `application_id`.
const APPLICATION_ID: i64 = 0x5061_6c69;

/// How long a writer waits for a backup or a shell that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes to which the write-ahead log shrinks after a checkpoint.
const WAL_BYTES_KEPT: i64 = 64 << 20;

/// Tables that are checked whole on opening: small ones, on which everything else rests. A
/// journal of gigabytes is checked as it is read.
const CHECKED: [&str; 6] =
    ["endpoint", "finding", "finding_history", "key", "policy_revision", "state"];

/// How to open a database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The file never grows beyond this many bytes; writing fails with [`StoreError::Full`]
    /// instead. `None`: only the disk is the limit.
    pub bytes_max: Option<u64>,
}

/// The file, and the lock that keeps other processes out.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    _lock: File,
}

impl Database {
    /// Opens or creates the file; returns the connection that writes.
    pub(crate) fn open(path: &Path, options: Options) -> Result<(Self, Connection), StoreError> {
        let lock = lock(path)?;
        prepare_file(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = |source| StoreError::from_sqlite(path, "opening", source);
        let mut connection = Connection::open_with_flags(path, flags).map_err(sql)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
        recognise(path, &connection)?;
        configure(&connection, options).map_err(sql)?;
        migrate::run(path, &mut connection)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql)?;
        check(path, &connection)?;
        Ok((Self { path: path.to_owned(), _lock: lock }, connection))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that can only read.
    pub(crate) fn reader(&self) -> Result<Reader, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = |source| StoreError::from_sqlite(&self.path, "opening for reading", source);
        let connection = Connection::open_with_flags(&self.path, flags).map_err(sql)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
        Ok(Reader::new(connection, self.path.clone()))
    }
}

/// A key of a database that another process may have open.
pub(crate) fn peek_key(path: &Path, name: KeyName) -> Result<Vec<u8>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = |source| StoreError::from_sqlite(path, "reading a key", source);
    let connection = Connection::open_with_flags(path, flags).map_err(sql)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
    recognise(path, &connection)?;
    let key = keys::get(&connection, name).map_err(sql)?;
    let missing =
        || StoreError::Damaged { path: path.to_owned(), what: format!("it has no {name} key") };
    key.ok_or_else(missing)
}

/// Excludes other processes by a lock on a file beside the database, which the operating system
/// releases however this process ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let file = private().open(&lock).map_err(|source| StoreError::Io {
        path: lock.clone(),
        doing: "creating the lock file; does its directory exist, and may this user write there?",
        source,
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned(), lock }),
        Err(TryLockError::Error(source)) => {
            Err(StoreError::Io { path: lock, doing: "locking", source })
        }
    }
}

/// Options to create a file that only its owner may read, keeping what it holds.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Makes sure that the file exists, that only its owner may read it, since it holds keys, and
/// that it is SQLite's. The files beside it inherit its mode from SQLite.
fn prepare_file(path: &Path) -> Result<(), StoreError> {
    let io = |doing| move |source| StoreError::Io { path: path.to_owned(), doing, source };
    let mut file = private().open(path).map_err(io("opening"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(0o600);
        file.set_permissions(permissions).map_err(io("restricting who may read it"))?;
    }
    let mut head = Vec::with_capacity(16);
    file.by_ref().take(16).read_to_end(&mut head).map_err(io("reading"))?;
    if head.is_empty() || head == b"SQLite format 3\0" {
        return Ok(());
    }
    Err(StoreError::Foreign {
        path: path.to_owned(),
        what: "it does not begin as an SQLite file does".to_owned(),
    })
}

/// Refuses databases of other programs and of newer versions.
fn recognise(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "recognising the database", source);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let id = number("application_id").map_err(sql)?;
    let format = number("user_version").map_err(sql)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(sql)?;
    if tables > 0 && id != APPLICATION_ID {
        let what = format!("application id {id:#010x} with {tables} tables and indexes");
        return Err(StoreError::Foreign { path: path.to_owned(), what });
    }
    if format > migrate::FORMAT {
        let path = path.to_owned();
        return Err(StoreError::Newer { path, found: format, known: migrate::FORMAT });
    }
    Ok(())
}

fn configure(connection: &Connection, options: Options) -> rusqlite::Result<()> {
    // takes effect only while the file is empty
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "secure_delete", "FAST")?;
    if let Some(bytes) = options.bytes_max {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// Looks for damage in the tables that everything rests on.
fn check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let sql = |source| StoreError::from_sqlite(path, "checking the database", source);
    for table in CHECKED {
        let verdict: String = connection
            .query_row(&format!("PRAGMA quick_check('{table}')"), [], |row| row.get(0))
            .map_err(sql)?;
        if verdict != "ok" {
            let what = format!("table {table}: {verdict}");
            return Err(StoreError::Damaged { path: path.to_owned(), what });
        }
    }
    Ok(())
}
