//! The database of an archive: which articles are done, with which settings, and which output files plae may write.

use super::ArticleList;
use super::record::{ArticleRecord, GoneSource, WrittenOutput};
use crate::database::{self, WriteDurability, sqlite_error};
use crate::error::Result;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// SQL that creates the archive's tables if they are missing.
const CREATE_TABLES_SQL: &str = "
    -- An article of an archive, by its place below the input directory: what was read, how, and what came of it.
    CREATE TABLE IF NOT EXISTS article (
        place TEXT PRIMARY KEY, sha256 TEXT NOT NULL, manner TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    -- A file of the output directory that plae wrote, and its hash. Older versions claimed paths before writing them,
    -- without a hash.
    CREATE TABLE IF NOT EXISTS output (path TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID;
    -- The hash of a file that plae was about to put at a path when it was last heard of.
    CREATE TABLE IF NOT EXISTS pending (
        path TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (path, sha256)
    ) WITHOUT ROWID;
    -- An article whose source the last run did not find, and the place of the same source under another name.
    CREATE TABLE IF NOT EXISTS gone (place TEXT PRIMARY KEY, renamed_to TEXT) WITHOUT ROWID;
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
#[derive(Clone, Debug, PartialEq)]
pub struct DoneArticle {
    /// The settings with which the article was translated: a [`super::StoredSettings`] as JSON; in old archives another
    /// text; empty if the article failed.
    pub manner: String,
    /// The result of the article's last run.
    pub record: ArticleRecord,
}

/// The database's knowledge of the file at one path below the output directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownOutput {
    /// SHA-256, in hexadecimal, of each content that plae may have put there last.
    pub hashes: Vec<String>,
    /// Whether an older version of plae claimed the path, and may have written to it.
    pub is_claimed: bool,
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

    /// Looks up what plae may have written to `path`, which is relative to the output directory.
    pub fn find_known_output(&self, path: &str) -> Result<KnownOutput> {
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare_cached(
                "SELECT sha256 FROM output WHERE path = ?1 UNION ALL SELECT sha256 FROM pending WHERE path = ?1",
            )?;
            let mut known = KnownOutput::default();
            for hash in statement.query_map([path], |row| row.get::<_, Option<String>>(0))? {
                match hash? {
                    Some(hash) => known.hashes.push(hash),
                    None => known.is_claimed = true,
                }
            }
            Ok(known)
        };
        self.to_crate_result(found())
    }

    /// Stores that a file with this SHA-256 is about to be put at `path`. The entry is on the disk before the file is,
    /// so that even after a power failure the file is known as plae's.
    pub fn add_pending_output(&self, path: &str, sha256: &str) -> Result<()> {
        let connection = self.lock_connection();
        let add = || {
            connection.pragma_update(None, "synchronous", "FULL")?;
            let added = connection
                .prepare_cached("INSERT OR IGNORE INTO pending (path, sha256) VALUES (?1, ?2)")?
                .execute([path, sha256]);
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            added.map(drop)
        };
        self.to_crate_result(add())
    }

    /// Stores the SHA-256 of the file that plae has put at `path`.
    pub fn store_output(&self, path: &str, sha256: &str) -> Result<()> {
        let mut connection = self.lock_connection();
        let mut store = || {
            let transaction = connection.transaction()?;
            store_output_in(&transaction, path, sha256)?;
            transaction.commit()
        };
        self.to_crate_result(store())
    }

    /// Forgets a file that plae wrote to `path` and that is removed.
    pub fn forget_output(&self, path: &str) -> Result<()> {
        let connection = self.lock_connection();
        let forget = || {
            connection.execute("DELETE FROM output WHERE path = ?1", [path])?;
            connection.execute("DELETE FROM pending WHERE path = ?1", [path])
        };
        self.to_crate_result(forget()).map(drop)
    }

    /// Looks up the article whose path below the input directory is `place`; none if no run recorded it.
    pub fn find_done_article(&self, place: &str) -> Result<Option<DoneArticle>> {
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare_cached("SELECT manner, record FROM article WHERE place = ?1")?;
            let done = |row: &rusqlite::Row| {
                Ok(DoneArticle {
                    manner: row.get(0)?,
                    record: parse_record(&row.get::<_, String>(1)?)?,
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
            let json = to_json(record)?;
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO article (place, sha256, manner, record) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![record.place, record.sha256, manner, json])?;
            for written in record.outputs.iter().filter(|written| !written.outdated) {
                store_output_in(&transaction, &written.path, &written.sha256)?;
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
                transaction.execute_batch(
                    "INSERT OR REPLACE INTO main.output SELECT * FROM other.output WHERE sha256 IS NOT NULL;
                     INSERT OR IGNORE INTO main.pending SELECT * FROM other.pending;
                     DELETE FROM main.gone WHERE place IN (SELECT place FROM other.article);
                     INSERT OR REPLACE INTO main.gone SELECT * FROM other.gone;",
                )?;
                transaction.execute("INSERT OR IGNORE INTO main.fact SELECT * FROM other.fact", [])?;
                transaction.execute("INSERT OR REPLACE INTO main.article SELECT * FROM other.article", [])
            },
        ))
    }

    /// Copies from another archive's database at `other` the articles that this one does not have or has as failed, and
    /// the outputs that it lacks of articles that both have from the same source with the same settings.
    ///
    /// `copy_output` copies one output's file before its article's entry is stored. Its second argument is the SHA-256
    /// of the file that this archive has at that path, if it has one.
    ///
    /// Returns two numbers of articles: those copied, and those that both archives have, but from different sources or
    /// with different settings.
    pub fn import_missing_articles(
        &self,
        other: &Path,
        copy_output: &mut dyn FnMut(&WrittenOutput, Option<&str>) -> Result<()>,
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
                "SELECT theirs.place, theirs.sha256, theirs.manner, theirs.record, own.record \
                 FROM other.article AS theirs LEFT JOIN main.article AS own ON own.place = theirs.place \
                 WHERE own.place IS NULL OR json_extract(own.record, '$.error') IS NOT NULL \
                 OR (own.sha256, own.manner) IS (theirs.sha256, theirs.manner)",
            )?;
            let mut article = transaction.prepare("INSERT OR REPLACE INTO main.article VALUES (?1, ?2, ?3, ?4)")?;
            let mut output =
                transaction.prepare("INSERT OR REPLACE INTO main.output (path, sha256) VALUES (?1, ?2)")?;
            let mut gone = transaction
                .prepare("INSERT OR IGNORE INTO main.gone SELECT place, renamed_to FROM other.gone WHERE place = ?1")?;
            let mut rows = articles.query([])?;
            let mut taken = 0;
            while let Some(row) = rows.next()? {
                let [place, sha256, manner, json] = [0, 1, 2, 3].map(|column| row.get::<_, String>(column));
                let (place, sha256, manner, theirs) = (place?, sha256?, manner?, parse_record(&json?)?);
                let own = row.get::<_, Option<String>>(4)?;
                let own = own.as_deref().map(parse_record).transpose()?;
                let (record, copied) = join_records(own.as_ref(), theirs);
                if own.is_some() && copied.is_empty() && record.error.is_none() {
                    continue;
                }
                for written in &copied {
                    let standing = own
                        .iter()
                        .flat_map(|own| &own.outputs)
                        .find(|own| own.path == written.path);
                    // The articles copied before the error stay.
                    if let Err(error) = copy_output(written, standing.map(|own| &*own.sha256)) {
                        return Ok(Err(error));
                    }
                    output.execute([&written.path, &written.sha256])?;
                }
                article.execute([&place, &sha256, &manner, &to_json(&record)?])?;
                gone.execute([&place])?;
                taken += 1;
            }
            transaction.execute("INSERT OR IGNORE INTO main.fact SELECT * FROM other.fact", [])?;
            Ok(Ok((taken, kept as usize)))
        });
        self.to_crate_result(adopted)?
    }

    /// Calls `on_record` with the record of every article, the worst first: failed articles, then those with the
    /// largest share of flagged segments, then those with the lowest mean trust and score.
    ///
    /// # Errors
    /// Database errors, and the first error that `on_record` returns.
    pub fn for_each_record(&self, on_record: &mut dyn FnMut(ArticleRecord) -> Result<()>) -> Result<()> {
        let connection = self.lock_connection();
        let statement = connection.prepare(
            "SELECT record, gone.place IS NOT NULL, renamed_to FROM article LEFT JOIN gone USING (place) ORDER BY \
             json_extract(record, '$.error') IS NULL, \
             json_extract(record, '$.flagged') * 1.0 / max(json_extract(record, '$.segments'), 1) DESC, \
             json_extract(record, '$.trust'), json_extract(record, '$.score'), article.place",
        );
        let mut statement = self.to_crate_result(statement)?;
        let mut rows = self.to_crate_result(statement.query([]))?;
        while let Some(row) = self.to_crate_result(rows.next())? {
            let json: String = self.to_crate_result(row.get(0))?;
            let mut record = self.to_crate_result(parse_record(&json))?;
            if self.to_crate_result(row.get(1))? {
                let renamed_to = self.to_crate_result(row.get(2))?;
                record.gone = Some(GoneSource { renamed_to });
            }
            on_record(record)?;
        }
        Ok(())
    }

    /// Lists the places of all articles.
    pub fn list_places(&self) -> Result<Vec<String>> {
        let connection = self.lock_connection();
        let list = || {
            let mut statement = connection.prepare("SELECT place FROM article ORDER BY place")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        self.to_crate_result(list())
    }

    /// Finds an article other than the one at `place` that was made from the same source and whose place is accepted.
    pub fn find_same_source(&self, place: &str, accepts: &dyn Fn(&str) -> bool) -> Result<Option<String>> {
        let connection = self.lock_connection();
        let find = || {
            let mut statement = connection.prepare_cached(
                "SELECT other.place FROM article JOIN article AS other ON other.sha256 = article.sha256 \
                 WHERE article.place = ?1 AND article.sha256 != '' AND other.place != ?1 ORDER BY other.place",
            )?;
            for other in statement.query_map([place], |row| row.get::<_, String>(0))? {
                let other = other?;
                if accepts(&other) {
                    return Ok(Some(other));
                }
            }
            Ok(None)
        };
        self.to_crate_result(find())
    }

    /// Stores which articles are gone, each with the place of the same source if it was renamed; all others are not.
    pub fn store_gone_articles(&self, gone: &[(&str, Option<&str>)]) -> Result<()> {
        let mut connection = self.lock_connection();
        let mut store = || {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM gone", [])?;
            for (place, renamed_to) in gone {
                transaction
                    .prepare_cached("INSERT INTO gone (place, renamed_to) VALUES (?1, ?2)")?
                    .execute(params![place, renamed_to])?;
            }
            transaction.commit()
        };
        self.to_crate_result(store())
    }

    /// Forgets the article at `place`.
    pub fn forget_article(&self, place: &str) -> Result<()> {
        let connection = self.lock_connection();
        let forget = || {
            connection.execute("DELETE FROM gone WHERE place = ?1", [place])?;
            connection.execute("DELETE FROM article WHERE place = ?1", [place])
        };
        self.to_crate_result(forget()).map(drop)
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
                 DELETE FROM pending WHERE path NOT IN (SELECT name FROM own);
                 DELETE FROM gone;
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

/// Stores the hash of the file at `path`, which is no longer pending.
fn store_output_in(transaction: &Transaction, path: &str, sha256: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO output (path, sha256) VALUES (?1, ?2)")?
        .execute([path, sha256])?;
    transaction
        .prepare_cached("DELETE FROM pending WHERE path = ?1")?
        .execute([path])
        .map(drop)
}

/// Joins the record that this archive has of an article, if any, and another archive's. Returns the record to store, and
/// the outputs whose files are to be copied from the other archive.
fn join_records(own: Option<&ArticleRecord>, theirs: ArticleRecord) -> (ArticleRecord, Vec<WrittenOutput>) {
    let lacks = |record: &ArticleRecord, path: &str| record.outputs.iter().all(|output| output.path != path);
    match own {
        Some(own) if own.error.is_none() => {
            let theirs = theirs.outputs.into_iter();
            let copied: Vec<_> = theirs.filter(|output| lacks(own, &output.path)).collect();
            let mut record = own.clone();
            record.outputs.extend(copied.iter().cloned());
            (record, copied)
        }
        _ => {
            let mut record = theirs;
            let copied = record.outputs.clone();
            let left = own.into_iter().flat_map(|own| &own.outputs);
            let left: Vec<_> = left.filter(|output| lacks(&record, &output.path)).cloned().collect();
            record.outputs.extend(left);
            (record, copied)
        }
    }
}

fn to_json(record: &ArticleRecord) -> rusqlite::Result<String> {
    serde_json::to_string(record).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn parse_record(json: &str) -> rusqlite::Result<ArticleRecord> {
    serde_json::from_str(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}
