//! The SQLite file that a translation memory or an archive is stored in: opens it, creates its tables, and words its
//! failures.
//!
//! The tables are defined by their users: [`crate::memory`] and [`crate::archive`] each have a schema of their own, and
//! neither knows the other's.

use crate::error::{Error, Hint, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Marks a database file as plae's (SQLite's `application_id`): `plae` in ASCII.
const APPLICATION_ID: i32 = 0x706c_6165;
/// Version of the database layout (SQLite's `user_version`). Raise it when a table changes; a new table needs no new
/// version.
const LAYOUT_VERSION: i32 = 1;
/// How long to wait for another process that is writing to the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// Size of a connection's page cache in KiB, negative as SQLite wants it. It is smaller than SQLite's default of 2 MB
/// to keep memory flat in long runs; lookups are few compared with the model's work.
const NEGATIVE_PAGE_CACHE_KIB: i64 = -256;

/// Whether a finished write survives a power failure. If only the process is killed, nothing is lost either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteDurability {
    /// A write is on the disk before its call returns.
    Full,
    /// The last writes may be lost in a power failure, but the file stays consistent.
    Normal,
}

/// Opens the database at `path`; creates the file and its directory if they are missing.
///
/// `schema` is SQL that creates the caller's tables if they are missing (`CREATE TABLE IF NOT EXISTS`). It is run at
/// every opening, so that an existing file gets tables that were added later.
///
/// # Errors
/// Kind `Usage`, for a file that is not plae's or that has another version of the layout; of kind `Output`, for one
/// that is damaged, locked or cannot be written.
pub fn open_database(path: &Path, durability: WriteDurability, schema: &str) -> Result<Connection> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| crate::file::output_write_error(path, error))?;
    }
    let failed = |error| sqlite_error(path, error);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .pragma_update(None, "cache_size", NEGATIVE_PAGE_CACHE_KIB)
        .map_err(failed)?;
    // Changing the journal mode needs exclusive access, so it is done only once.
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    }
    claim_or_check_database(&mut connection, path, schema)?;
    connection.execute_batch(schema).map_err(failed)?;
    let synchronous = match durability {
        WriteDurability::Full => "FULL",
        WriteDurability::Normal => "NORMAL",
    };
    connection
        .pragma_update(None, "synchronous", synchronous)
        .map_err(failed)?;
    Ok(connection)
}

/// Marks a new file as plae's and creates its tables. Refuses a file of another program or of another layout version.
fn claim_or_check_database(connection: &mut Connection, path: &Path, schema: &str) -> Result<()> {
    let failed = |error| sqlite_error(path, error);
    let pragma = |connection: &Connection, name: &str| -> Result<i32> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(failed)
    };
    if pragma(connection, "application_id")? != APPLICATION_ID {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        // Another process may have marked the file in the meantime.
        if pragma(&transaction, "application_id")? != APPLICATION_ID {
            let tables: i64 = transaction
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
                .map_err(failed)?;
            if tables > 0 {
                return Err(Error::usage("is the database of another program").path(path));
            }
            transaction.execute_batch(schema).map_err(failed)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION_ID)
                .map_err(failed)?;
            transaction
                .pragma_update(None, "user_version", LAYOUT_VERSION)
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    match pragma(connection, "user_version")? {
        LAYOUT_VERSION => Ok(()),
        newer => {
            let message = format!("translation memory of layout {newer}, this plae reads {LAYOUT_VERSION}");
            Err(Error::usage(message)
                .path(path)
                .hint(Hint::OtherMemory("use the plae that made it")))
        }
    }
}

/// Runs `work` in one transaction, with the database at `path` attached under the name `other`.
pub fn with_attached_database<T>(
    connection: &mut Connection,
    path: &Path,
    work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // Bytes, because not every path is Unicode; SQLite takes them unchanged as the file name.
    connection.execute("ATTACH ?1 AS other", [path.as_os_str().as_encoded_bytes()])?;
    let run = |connection: &mut Connection| -> rusqlite::Result<T> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    };
    let done = run(connection);
    // A cached statement on the attached file would keep it attached.
    connection.flush_prepared_statement_cache();
    let detached = connection.execute("DETACH other", []);
    let done = done?;
    detached.map(|_| done)
}

/// Turns a database failure into an error about the file at `path`, in words for users, with a hint if one helps.
pub fn sqlite_error(path: &Path, error: rusqlite::Error) -> Error {
    let (message, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => (
            "the translation memory is damaged".to_owned(),
            "move it and its -wal file away and run again: a new one is made, and finished articles stay".into(),
        ),
        Some(ErrorCode::NotADatabase) => return Error::usage("is not a translation memory").path(path).source(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("locked by another program for {} s", BUSY_TIMEOUT.as_secs()),
            Hint::OtherMemory("end the other program"),
        ),
        Some(ErrorCode::DiskFull) => (
            "no space left on the device".to_owned(),
            "free some space and run again: what is stored stays".into(),
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            "the translation memory cannot be opened for writing".to_owned(),
            Hint::OtherMemory("make the file and its directory writable"),
        ),
        Some(ErrorCode::SystemIoFailure) => (
            "the translation memory cannot be read or written".to_owned(),
            "see whether the disk is full or failing; what is stored stays".into(),
        ),
        _ => {
            return Error::output(format!("translation memory: {error}"))
                .path(path)
                .source(error);
        }
    };
    Error::output(message).path(path).hint(hint).source(error)
}
