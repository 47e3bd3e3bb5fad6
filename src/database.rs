//! The SQLite file that a memory and an archive share: opening it, adding their tables, telling its failures in words.
//!
//! Who keeps something in the file brings the tables for it: [`crate::memory`] and [`crate::archive`] each have a
//! schema of their own, and neither knows the other's.

use crate::error::{Error, Hint, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Marks a file as plae's (SQLite's `application_id`): `plae` in ASCII.
const APPLICATION_ID: i32 = 0x706c_6165;
/// Version of the layout (SQLite's `user_version`). A table that is added needs no new version; a table that changes does.
const LAYOUT_VERSION: i32 = 1;
/// How long a write of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// Page cache of a connection, in KiB, negative as SQLite wants it. Lookups are few beside the model's work, and SQLite's
/// default of 2 MB for each connection fills up only in long runs, whose memory is to stay flat.
const CACHE_SIZE: i64 = -256;

/// Says whether a finished write survives a power failure. A killed process loses nothing either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A write is on the disk before its call returns.
    Full,
    /// The last writes may be undone; the file stays consistent.
    Normal,
}

/// Opens the database at `path`, and makes the file and its directory where they are missing.
///
/// `schema` is SQL that makes the caller's tables where they are missing (`CREATE TABLE IF NOT EXISTS`). It is run at
/// every opening: an existing file gets the tables that were added since it was made.
///
/// # Errors
/// Of kind `Usage` for a file that is no memory, or that a newer plae made; of kind `Output` for one that is damaged,
/// locked or cannot be written.
pub fn open(path: &Path, durability: Durability, schema: &str) -> Result<Connection> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| crate::file::failure(path, error))?;
    }
    let failed = |error| failure(path, error);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .pragma_update(None, "cache_size", CACHE_SIZE)
        .map_err(failed)?;
    // A change of mode needs the file for itself, so it is made once only.
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    }
    claim(&mut connection, path, schema)?;
    connection.execute_batch(schema).map_err(failed)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection
        .pragma_update(None, "synchronous", synchronous)
        .map_err(failed)?;
    Ok(connection)
}

/// Marks a new file as plae's and makes its tables; refuses another program's file, and another layout.
fn claim(connection: &mut Connection, path: &Path, schema: &str) -> Result<()> {
    let failed = |error| failure(path, error);
    let pragma = |connection: &Connection, name: &str| -> Result<i32> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(failed)
    };
    if pragma(connection, "application_id")? != APPLICATION_ID {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        // Another process may have done it just now.
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

/// Runs `work` in one transaction, with the database at `path` attached as `other`.
pub fn with_attached<T>(
    connection: &mut Connection,
    path: &Path,
    work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // As bytes, since not every path is Unicode; SQLite takes them for the name as they are.
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

/// Words a failure of the database at `path` for its user, with a hint where one helps.
pub fn failure(path: &Path, error: rusqlite::Error) -> Error {
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
