//! The database of an archive: which articles are done, with which settings, and which output files plae may write.

use super::ArticleList;
use super::record::ArticleRecord;
use crate::database::{self, WriteDurability, sqlite_error};
use crate::error::Result;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// SQL that creates the archive's tables if they are missing.
const CREATE_TABLES_SQL: &str = "
    -- An article of an archive, by its place below the input directory: what was read, how, and what came of it.
    CREATE TABLE IF NOT EXISTS article (
        place TEXT PRIMARY KEY, sha256 TEXT NOT NULL, manner TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    -- A file of the output directory that is plae's to write; the hash of what it wrote last, if anything.
    CREATE TABLE IF NOT EXISTS output (path TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID;
    -- What else is known of the archive, by name.
    CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// The progress of an archive, in an SQLite database that may also hold the translation memory.
///
/// An article's entry is written after its outputs, and both can be made again from the memory. The database is
/// therefore opened with [`WriteDurability::Normal`]: a write need not have reached the disk before the next one.
pub struct ArchiveState {
    connection: Mutex<Connection>,
    path: PathBuf,
}

/// What the database stores of an article that an earlier run translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoneArticle {
    /// SHA-256 of the article's source when it was translated, in hexadecimal.
    pub sha256: String,
    /// The settings with which the article was translated: a [`super::StoredSettings`] as JSON; in old archives another text.
    pub manner: String,
}

/// Whether plae may write a given path below the output directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputOwnership {
    /// The path is not plae's: the database does not list it, since another program's file was there first.
    NotOurs,
    /// The path is plae's to write, and plae has not yet recorded a file there.
    Unwritten,
    /// The path is plae's to write; holds the SHA-256, in hexadecimal, of the file that plae last wrote there.
    Written(String),
}

impl ArchiveState {
    /// Opens the database at `path`, and creates it or the archive's tables if they are missing.
    ///
    /// # Errors
    /// The errors of [`database::open_database`]. All methods of `ArchiveState` fail if the database does.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(database::open_database(
                path,
                WriteDurability::Normal,
                CREATE_TABLES_SQL,
            )?),
            path: path.to_path_buf(),
        })
    }

    fn lock_connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn to_crate_result<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| sqlite_error(&self.path, error))
    }

    /// Records paths below the output directory as plae's to write, in one transaction. A path that is not recorded yet
    /// is left out if `is_free` returns false for it.
    pub fn claim_output_paths(
        &self,
        paths: impl Iterator<Item = String>,
        is_free: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        let mut connection = self.lock_connection();
        let claimed = || {
            let transaction = connection.transaction()?;
            {
                let mut known = transaction.prepare_cached("SELECT 1 FROM output WHERE path = ?1")?;
                let mut claim = transaction.prepare_cached("INSERT INTO output (path) VALUES (?1)")?;
                for path in paths {
                    if !known.exists([&path])? && is_free(&path) {
                        claim.execute([&path])?;
                    }
                }
            }
            transaction.commit()
        };
        self.to_crate_result(claimed())
    }

    /// Looks up whether plae may write `path`, which is relative to the output directory.
    pub fn find_output_ownership(&self, path: &str) -> Result<OutputOwnership> {
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare_cached("SELECT sha256 FROM output WHERE path = ?1")?;
            statement
                .query_row([path], |row| row.get::<_, Option<String>>(0))
                .optional()
        };
        Ok(match self.to_crate_result(found())? {
            None => OutputOwnership::NotOurs,
            Some(None) => OutputOwnership::Unwritten,
            Some(Some(hash)) => OutputOwnership::Written(hash),
        })
    }

    /// Looks up the article whose path below the input directory is `place`; none if no run recorded it.
    pub fn find_done_article(&self, place: &str) -> Result<Option<DoneArticle>> {
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare_cached("SELECT sha256, manner FROM article WHERE place = ?1")?;
            let done = |row: &rusqlite::Row| {
                Ok(DoneArticle {
                    sha256: row.get(0)?,
                    manner: row.get(1)?,
                })
            };
            statement.query_row([place], done).optional()
        };
        self.to_crate_result(found())
    }

    /// Replaces the settings ([`super::StoredSettings`] as JSON) that are stored for the article at `place`.
    pub fn set_article_settings(&self, place: &str, manner: &str) -> Result<()> {
        let connection = self.lock_connection();
        let set = connection.execute("UPDATE article SET manner = ?2 WHERE place = ?1", [place, manner]);
        self.to_crate_result(set).map(drop)
    }

    /// Stores the record of an article that was translated or that failed, and the hashes of its outputs. `manner` is
    /// the settings of the run as JSON, or empty for a failed article.
    pub fn store_article_record(&self, record: &ArticleRecord, manner: &str) -> Result<()> {
        let mut connection = self.lock_connection();
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
        self.to_crate_result(recorded())
    }

    /// Copies all entries from a shard's database at `other`, and returns the number of articles copied. The shard's
    /// articles and outputs replace those stored here, because they are newer; named values stored here are kept.
    pub fn import_shard(&self, other: &Path) -> Result<usize> {
        create_archive_tables(other)?;
        let mut connection = self.lock_connection();
        self.to_crate_result(database::with_attached_database(
            &mut connection,
            other,
            |transaction| {
                transaction.execute("INSERT OR REPLACE INTO main.output SELECT * FROM other.output", [])?;
                transaction.execute("INSERT OR IGNORE INTO main.fact SELECT * FROM other.fact", [])?;
                transaction.execute("INSERT OR REPLACE INTO main.article SELECT * FROM other.article", [])
            },
        ))
    }

    /// Copies from another archive's database at `other` the articles that this one does not have or has as failed.
    /// `copy_outputs` copies the output files of each article before its entry is stored.
    ///
    /// Returns two numbers of articles: those copied, and those that both archives have, but from different sources or
    /// with different settings.
    pub fn import_missing_articles(
        &self,
        other: &Path,
        copy_outputs: &mut dyn FnMut(&ArticleRecord) -> Result<()>,
    ) -> Result<(usize, usize)> {
        create_archive_tables(other)?;
        let mut connection = self.lock_connection();
        let adopted = database::with_attached_database(&mut connection, other, |transaction| {
            let kept = transaction.query_row(
                "SELECT count(*) FROM other.article AS theirs JOIN main.article AS own USING (place) \
                 WHERE (own.sha256, own.manner) IS NOT (theirs.sha256, theirs.manner) \
                 AND json_extract(own.record, '$.error') IS NULL AND json_extract(theirs.record, '$.error') IS NULL",
                [],
                |row| row.get::<_, u32>(0),
            )?;
            let mut articles = transaction.prepare(
                "SELECT theirs.place, theirs.sha256, theirs.manner, theirs.record FROM other.article AS theirs \
                 LEFT JOIN main.article AS own ON own.place = theirs.place \
                 WHERE own.place IS NULL OR json_extract(own.record, '$.error') IS NOT NULL",
            )?;
            let mut article = transaction.prepare("INSERT OR REPLACE INTO main.article VALUES (?1, ?2, ?3, ?4)")?;
            let mut output =
                transaction.prepare("INSERT OR REPLACE INTO main.output (path, sha256) VALUES (?1, ?2)")?;
            let mut rows = articles.query([])?;
            let mut taken = 0;
            while let Some(row) = rows.next()? {
                let [place, sha256, manner, json] = [0, 1, 2, 3].map(|column| row.get::<_, String>(column));
                let (place, sha256, manner, json) = (place?, sha256?, manner?, json?);
                let record = parse_record(&json)?;
                // The articles copied before the error stay.
                if let Err(error) = copy_outputs(&record) {
                    return Ok(Err(error));
                }
                article.execute([place, sha256, manner, json])?;
                for written in &record.outputs {
                    output.execute([&written.path, &written.sha256])?;
                }
                taken += 1;
            }
            transaction.execute("INSERT OR IGNORE INTO main.fact SELECT * FROM other.fact", [])?;
            Ok(Ok((taken, kept as usize)))
        });
        self.to_crate_result(adopted)?
    }

    /// Calls `on_record` with the record of every article, the worst first: failed articles, then those with the
    /// largest share of flagged segments, then those with the lowest mean score.
    ///
    /// # Errors
    /// Database errors, and the first error that `on_record` returns.
    pub fn for_each_record(&self, on_record: &mut dyn FnMut(ArticleRecord) -> Result<()>) -> Result<()> {
        let connection = self.lock_connection();
        let statement = connection.prepare(
            "SELECT record FROM article ORDER BY \
             json_extract(record, '$.error') IS NULL, \
             json_extract(record, '$.flagged') * 1.0 / max(json_extract(record, '$.segments'), 1) DESC, \
             json_extract(record, '$.score'), place",
        );
        let mut statement = self.to_crate_result(statement)?;
        let mut rows = self.to_crate_result(statement.query([]))?;
        while let Some(row) = self.to_crate_result(rows.next())? {
            let json: String = self.to_crate_result(row.get(0))?;
            on_record(self.to_crate_result(parse_record(&json))?)?;
        }
        Ok(())
    }

    /// Deletes all entries except those of `articles` and of their outputs, and closes the database.
    pub fn keep_only_articles(self, articles: &ArticleList) -> Result<()> {
        let mut connection = self.connection.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut removed = || {
            let transaction = connection.transaction()?;
            transaction.execute_batch("CREATE TEMP TABLE own (name TEXT PRIMARY KEY) WITHOUT ROWID")?;
            {
                let mut own = transaction.prepare("INSERT OR IGNORE INTO own VALUES (?1)")?;
                for article in articles.iter() {
                    own.execute([&article.place])?;
                    for (_, path) in &article.outputs {
                        own.execute([path])?;
                    }
                }
            }
            transaction.execute_batch(
                "DELETE FROM article WHERE place NOT IN (SELECT name FROM own);
                 DELETE FROM output WHERE path NOT IN (SELECT name FROM own);
                 DROP TABLE own;",
            )?;
            transaction.commit()
        };
        removed().map_err(|error| sqlite_error(&self.path, error))?;
        connection.close().map_err(|(_, error)| sqlite_error(&self.path, error))
    }

    /// Looks up a named value that the archive stores, such as the number of sentences translated so far.
    pub fn load_named_value(&self, name: &str) -> Result<Option<String>> {
        let connection = self.lock_connection();
        let value = connection
            .query_row("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get(0))
            .optional();
        self.to_crate_result(value)
    }

    /// Stores a value under `name`, and replaces the value stored under this name before.
    pub fn store_named_value(&self, name: &str, value: &str) -> Result<()> {
        let connection = self.lock_connection();
        let set = connection.execute(
            "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
            [name, value],
        );
        self.to_crate_result(set).map(drop)
    }
}

/// Creates the archive's tables in the database at `path` if it has only the tables of a translation memory.
fn create_archive_tables(path: &Path) -> Result<()> {
    database::open_database(path, WriteDurability::Normal, CREATE_TABLES_SQL).map(drop)
}

fn parse_record(json: &str) -> rusqlite::Result<ArticleRecord> {
    serde_json::from_str(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}
