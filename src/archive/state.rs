//! What an archive's own database knows: which articles are done, how, and which outputs are plae's.

use super::record::Record;
use crate::error::Result;
use crate::memory::database::{self, Durability, failure};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of an archive, in the file of its memory.
///
/// Each article's entry follows its outputs, and both can be made again from the memory: so a write need not reach the
/// disk before the next.
pub struct State {
    connection: Mutex<Connection>,
    path: PathBuf,
}

/// What is known of an article that was done before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Of its source.
    pub sha256: String,
    /// How it was read, translated and written.
    pub manner: String,
}

/// Whose a path below the output directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Something was there before plae.
    Foreign,
    /// plae's, and not yet written as far as is known.
    Open,
    /// plae's, with the hash of what it wrote last.
    Written(String),
}

impl State {
    /// Opens or makes it.
    ///
    /// # Errors
    /// Those of [`database::open`]; in all methods, the database's.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(database::open(path, Durability::Normal)?),
            path: path.to_path_buf(),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| failure(&self.path, error))
    }

    /// Makes paths below the output directory plae's to write, all at once, but for those of which `is_free` says no and
    /// that were not plae's before.
    pub fn claim<'p>(&self, paths: impl Iterator<Item = &'p str>, is_free: &dyn Fn(&str) -> bool) -> Result<()> {
        let mut connection = self.connection();
        let claimed = || {
            let transaction = connection.transaction()?;
            {
                let mut known = transaction.prepare_cached("SELECT 1 FROM output WHERE path = ?1")?;
                let mut claim = transaction.prepare_cached("INSERT INTO output (path) VALUES (?1)")?;
                for path in paths {
                    if !known.exists([path])? && is_free(path) {
                        claim.execute([path])?;
                    }
                }
            }
            transaction.commit()
        };
        self.told(claimed())
    }

    /// Whose a path is.
    pub fn owner(&self, path: &str) -> Result<Claim> {
        let connection = self.connection();
        let found = || {
            let mut statement = connection.prepare_cached("SELECT sha256 FROM output WHERE path = ?1")?;
            statement
                .query_row([path], |row| row.get::<_, Option<String>>(0))
                .optional()
        };
        Ok(match self.told(found())? {
            None => Claim::Foreign,
            Some(None) => Claim::Open,
            Some(Some(hash)) => Claim::Written(hash),
        })
    }

    /// What is known of the article at `place`.
    pub fn done(&self, place: &str) -> Result<Option<Done>> {
        let connection = self.connection();
        let found = || {
            let mut statement = connection.prepare_cached("SELECT sha256, manner FROM article WHERE place = ?1")?;
            let done = |row: &rusqlite::Row| {
                Ok(Done {
                    sha256: row.get(0)?,
                    manner: row.get(1)?,
                })
            };
            statement.query_row([place], done).optional()
        };
        self.told(found())
    }

    /// Notes an article as done, or as failed where its record says so, with the hashes of its outputs.
    pub fn record(&self, record: &Record, manner: &str) -> Result<()> {
        let mut connection = self.connection();
        let mut recorded = || {
            let json =
                serde_json::to_string(record).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO article (place, sha256, manner, record) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![record.place, record.sha256, manner, json])?;
            {
                let mut output =
                    transaction.prepare_cached("INSERT OR REPLACE INTO output (path, sha256) VALUES (?1, ?2)")?;
                for written in &record.outputs {
                    output.execute([&written.path, &written.sha256])?;
                }
            }
            transaction.commit()
        };
        self.told(recorded())
    }

    /// Every record, the worst first: failed ones, then those with the largest share of flagged segments, then those whose
    /// translations were least sure.
    pub fn each(&self, tell: &mut dyn FnMut(Record) -> std::io::Result<()>) -> Result<std::io::Result<()>> {
        let connection = self.connection();
        let mut read = || {
            let mut statement = connection.prepare(
                "SELECT record FROM article ORDER BY \
                 json_extract(record, '$.error') IS NULL, \
                 json_extract(record, '$.flagged') * 1.0 / max(json_extract(record, '$.segments'), 1) DESC, \
                 json_extract(record, '$.score'), place",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let record = serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
                })?;
                if let Err(error) = tell(record) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        };
        self.told(read())
    }

    /// A fact by its name.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        let connection = self.connection();
        let value = connection
            .query_row("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get(0))
            .optional();
        self.told(value)
    }

    /// Remembers a fact.
    pub fn set_fact(&self, name: &str, value: &str) -> Result<()> {
        let connection = self.connection();
        let set = connection.execute(
            "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
            [name, value],
        );
        self.told(set).map(drop)
    }
}
