//! The database file: opened, checked and laid out; its failures told in words.

use crate::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// `plae` in ASCII: marks a file as ours (SQLite's `application_id`).
const APPLICATION: i32 = 0x706c_6165;
/// Version of the layout (SQLite's `user_version`).
const VERSION: i32 = 1;
/// How long another process's write is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

const LAYOUT: &str = "
    -- What all translations of one kind have in common: model, precision, decoding, prompt, text processing.
    CREATE TABLE system (id INTEGER PRIMARY KEY, description TEXT NOT NULL UNIQUE);
    -- One translation by a machine; `source` is normalised, `made` in seconds since 1970.
    CREATE TABLE machine (
        system INTEGER NOT NULL REFERENCES system, source TEXT NOT NULL, target TEXT NOT NULL, score REAL,
        finish TEXT NOT NULL, flags TEXT NOT NULL, source_tokens INTEGER NOT NULL, target_tokens INTEGER NOT NULL,
        made INTEGER NOT NULL, PRIMARY KEY (system, source)
    ) WITHOUT ROWID;
    -- One translation by a person, whatever the machine.
    CREATE TABLE human (source TEXT PRIMARY KEY, target TEXT NOT NULL, made INTEGER NOT NULL) WITHOUT ROWID;
    -- An article of an archive, by its place below the input directory: what was read, how, and what came of it.
    CREATE TABLE article (
        place TEXT PRIMARY KEY, sha256 TEXT NOT NULL, manner TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    -- A file of the output directory that is plae's to write; the hash of what it wrote last, if anything.
    CREATE TABLE output (path TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID;
    -- What else is known of the archive, by name.
    CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// Added to memories of the same layout that were made without it.
const REPLACED: &str = "
    -- What people wrote and then replaced: outputs that still have it were not edited.
    CREATE TABLE IF NOT EXISTS replaced (source TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (source, target))
        WITHOUT ROWID;
";

/// How sure a write is when the power fails; a killed process loses nothing either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On the disk before the call returns.
    Full,
    /// The last writes may be undone; what stays is whole.
    Normal,
}

/// Opens the database at `path`, and makes it and its directory where they are missing.
///
/// # Errors
/// Of kind `Usage` for a file that is no memory, or of a newer plae; of kind `Output` for one that is damaged, locked or
/// cannot be written.
pub fn open(path: &Path, durability: Durability) -> Result<Connection> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| crate::file::failure(path, error))?;
    }
    let told = |error| failure(path, error);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(told)?;
    connection.busy_timeout(PATIENCE).map_err(told)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", CACHE).map_err(told)?;
    lay_out(&mut connection, path)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection
        .pragma_update(None, "synchronous", synchronous)
        .map_err(told)?;
    Ok(connection)
}

/// Of the database's pages in this process, in KiB below zero: lookups are few beside the model's work, and SQLite's own 2 MB for
/// each connection fill up only in long runs, whose memory is to stay flat.
const CACHE: i64 = -256;

/// Makes the tables of a new file, and refuses another program's.
fn lay_out(connection: &mut Connection, path: &Path) -> Result<()> {
    let told = |error| failure(path, error);
    let number = |connection: &Connection, name: &str| -> Result<i32> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| failure(path, error))
    };
    // A change of mode needs the file for itself, so it is made once only.
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(told)?;
    if mode != "wal" {
        connection.pragma_update(None, "journal_mode", "WAL").map_err(told)?;
    }
    if number(connection, "application_id")? != APPLICATION {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(told)?;
        // Another process may have made them just now.
        if number(&transaction, "application_id")? != APPLICATION {
            let tables: i64 = transaction
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
                .map_err(told)?;
            if tables > 0 {
                return Err(Error::usage("is the database of another program").path(path));
            }
            transaction.execute_batch(LAYOUT).map_err(told)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION)
                .map_err(told)?;
            transaction.pragma_update(None, "user_version", VERSION).map_err(told)?;
        }
        transaction.commit().map_err(told)?;
    }
    match number(connection, "user_version")? {
        VERSION => connection.execute_batch(REPLACED).map_err(told),
        newer => {
            let message = format!("translation memory of layout {newer}, this plae reads {VERSION}");
            Err(Error::usage(message)
                .path(path)
                .hint("use the plae that made it, or name another file with --memory"))
        }
    }
}

/// Runs `work` in one transaction, with the database at `path` attached as `other`.
pub fn beside<T>(
    connection: &mut Connection,
    path: &Path,
    work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // As bytes, which SQLite takes for a name as they are: not every path is Unicode.
    connection.execute("ATTACH ?1 AS other", [path.as_os_str().as_encoded_bytes()])?;
    let joined = |connection: &mut Connection| -> rusqlite::Result<T> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    };
    let done = joined(connection);
    // Statements on it would hold it.
    connection.flush_prepared_statement_cache();
    let detached = connection.execute("DETACH other", []);
    let done = done?;
    detached.map(|_| done)
}

/// What a failure of the database at `path` means to its user.
pub fn failure(path: &Path, error: rusqlite::Error) -> Error {
    let (message, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => (
            "the translation memory is damaged".to_owned(),
            "move it and its -wal file away and run again: a new one is made, and finished articles stay",
        ),
        Some(ErrorCode::NotADatabase) => return Error::usage("is not a translation memory").path(path).source(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("locked by another program for {} s", PATIENCE.as_secs()),
            "end the other program, or name another file with --memory",
        ),
        Some(ErrorCode::DiskFull) => (
            "no space left on the device".to_owned(),
            "free some space and run again: what is stored stays",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            "the translation memory cannot be opened for writing".to_owned(),
            "make the file and its directory writable, or name another file with --memory",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            "the translation memory cannot be read or written".to_owned(),
            "see whether the disk is full or failing; what is stored stays",
        ),
        _ => (format!("translation memory: {error}"), ""),
    };
    let told = Error::output(message).path(path).source(error);
    match hint {
        "" => told,
        hint => told.hint(hint),
    }
}
