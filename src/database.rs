//! The SQLite file that a translation memory or an archive is stored in: opens it, creates its tables, and words its
//! failures.
//!
//! The tables are defined by their users: [`crate::memory`] and [`crate::archive`] each have a schema of their own, and
//! neither knows the other's.

use crate::error::{Error, Hint, Result};
use crate::file::describe_io_error;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
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
    refuse_foreign_file(path)?;
    let failed = |error| sqlite_error(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(path, flags).map_err(failed)?;
    claim_or_check_database(&mut connection, path, schema)?;
    // Changing the journal mode needs exclusive access, so it is done only once.
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    }
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

/// Opens the database at `path`, which must exist, to read it only: like [`open_database`], but a file or directory that
/// cannot be written is no error.
///
/// # Errors
/// Those of [`open_database`]; of kind `Output`, for a file in a directory that cannot be written whose last changes
/// stand in its write-ahead log.
pub fn open_database_for_reading(path: &Path, schema: &str) -> Result<Connection> {
    let error = match open_database(path, WriteDurability::Full, schema) {
        Err(error) if is_unwritable(&error) && !has_write_ahead_log(path) => error,
        opened => return opened,
    };
    let mut connection = connect(&immutable_uri(path), OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|_| error)?;
    claim_or_check_database(&mut connection, path, schema)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let uri_or_not = if flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        OpenFlags::SQLITE_OPEN_URI
    } else {
        OpenFlags::empty()
    };
    let connection = Connection::open_with_flags(path, flags | uri_or_not | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", NEGATIVE_PAGE_CACHE_KIB)?;
    Ok(connection)
}

/// Refuses a file that is not plae's, before anything of it or beside it is written. An absent or empty file passes,
/// and a file of a newer plae, whose version is checked later.
fn refuse_foreign_file(path: &Path) -> Result<()> {
    // A database begins with this text; the application's number stands at byte 68 (SQLite's file format, §1.3).
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    const APPLICATION_ID_AT: std::ops::Range<usize> = 68..72;
    let found = std::fs::metadata(path);
    match found {
        // Whatever SQLite says of a directory or of a path that cannot be reached, nothing is written there.
        Err(_) => return Ok(()),
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(found) if !found.is_file() => return Err(Error::usage("is not a file").path(path)),
        Ok(_) => {}
    }
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(100).read_to_end(&mut head))
        .map_err(|error| Error::output(describe_io_error(&error)).path(path).source(error))?;
    if head.is_empty() || head.get(APPLICATION_ID_AT) == Some(&APPLICATION_ID.to_be_bytes()) {
        return Ok(());
    }
    if !head.starts_with(MAGIC) {
        return Err(Error::usage("is not a translation memory").path(path));
    }
    // Either another program's database, or an empty one, or one of plae's whose mark is in the write-ahead log only.
    // `immutable` reads the file alone, and makes no files beside it.
    let uri = if has_write_ahead_log(path) {
        file_uri(path, "mode=ro")
    } else {
        immutable_uri(path)
    };
    let looked = connect(&uri, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| Ok((read_pragma(&connection, "application_id")?, count_tables(&connection)?)));
    match looked.map_err(|error| sqlite_error(path, error))? {
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        _ => Err(foreign_database_error(path)),
    }
}

fn foreign_database_error(path: &Path) -> Error {
    Error::usage("is the database of another program").path(path)
}

/// Whether the database at `path` has changes in a write-ahead log.
fn has_write_ahead_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Whether an error is one of a file or directory that cannot be written.
fn is_unwritable(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let code = source.and_then(|source| source.downcast_ref::<rusqlite::Error>()?.sqlite_error_code());
    matches!(
        code,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen)
    )
}

/// Returns the URI under which SQLite reads the file at `path` alone, without locks and without files beside it.
fn immutable_uri(path: &Path) -> PathBuf {
    file_uri(path, "immutable=1")
}

/// Returns the URI of a file for SQLite, which may also hold bytes that are no Unicode.
fn file_uri(path: &Path, query: &str) -> PathBuf {
    let mut uri = String::from("file:");
    let bytes = path.as_os_str().as_encoded_bytes();
    // After two slashes SQLite expects the name of a host, which may be empty.
    if bytes.starts_with(b"//") {
        uri.push_str("//");
    }
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"/-._".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri += &format!("%{byte:02X}");
        }
    }
    PathBuf::from(format!("{uri}?{query}"))
}

fn read_pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn count_tables(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

/// Marks a new file as plae's and creates its tables. Refuses a file of another program or of another layout version.
fn claim_or_check_database(connection: &mut Connection, path: &Path, schema: &str) -> Result<()> {
    let failed = |error| sqlite_error(path, error);
    let pragma = |connection: &Connection, name: &str| read_pragma(connection, name).map_err(failed);
    if pragma(connection, "application_id")? != APPLICATION_ID {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        // Another process may have marked the file in the meantime.
        if pragma(&transaction, "application_id")? != APPLICATION_ID {
            if count_tables(&transaction).map_err(failed)? > 0 {
                return Err(foreign_database_error(path));
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
