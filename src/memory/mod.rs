//! Translation memory: translations of sentences on disk, found again by the source text and by the system (the model
//! and its settings) that made them.

mod absorb;
mod edited;
mod exchange;
mod learn;
mod learned;
mod maintenance;
mod search;
mod similar;
mod system;
mod unit;

pub use edited::{EditedFormat, EditedOutput, EditedSegment, read as read_edited};
pub use exchange::{ExchangeFormat, SkippedCounts, read, read_tmx_pairs, write};
pub use learn::{LearnCounts, PrintedForms};
pub use maintenance::{MemoryStats, PruneFilter, SystemStats};
pub use search::{LEAST_SIMILARITY, UnitMatch};
pub use unit::{AddCounts, MachineDetails, TranslationUnit};

use crate::database::{self, WriteDurability, sqlite_error};
use crate::document::{Finding, FinishReason};
use crate::error::Result;
use crate::file::to_hexadecimal;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use similar::HumanSources;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// SQL that creates the tables of a memory where they are missing.
const SCHEMA_SQL: &str = "
    -- What all translations of one kind have in common: model, precision, decoding, prompt, text processing.
    CREATE TABLE IF NOT EXISTS system (id INTEGER PRIMARY KEY, description TEXT NOT NULL UNIQUE);
    -- One translation by a machine; `source` is normalised, `made` in seconds since 1970.
    CREATE TABLE IF NOT EXISTS machine (
        system INTEGER NOT NULL REFERENCES system, source TEXT NOT NULL, target TEXT NOT NULL, score REAL,
        finish TEXT NOT NULL, flags TEXT NOT NULL, source_tokens INTEGER NOT NULL, target_tokens INTEGER NOT NULL,
        made INTEGER NOT NULL, PRIMARY KEY (system, source)
    ) WITHOUT ROWID;
    -- One translation by a person, whatever the machine.
    CREATE TABLE IF NOT EXISTS human (source TEXT PRIMARY KEY, target TEXT NOT NULL, made INTEGER NOT NULL)
        WITHOUT ROWID;
    -- What people wrote and then replaced: outputs that still have it were not edited.
    CREATE TABLE IF NOT EXISTS replaced (source TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (source, target))
        WITHOUT ROWID;
";

/// A translation memory: an SQLite file, which several threads and processes may use at once.
///
/// A translation is found by its normalised source and the system that made it, whatever document it stood in. A person's translation
/// outranks every machine's.
///
/// All methods return errors of the database: of kind `Output` where the file is damaged, locked or cannot be written.
pub struct Memory {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// Cache of the sources that people translated: filled at the first use, and cleared when this memory changes
    /// people's translations.
    human_sources: Mutex<Option<Arc<HumanSources>>>,
}

/// The number under which one memory stores the translations of a system; [`Memory::find_or_add_system`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemNumber(i64);

/// A translation as a memory stores it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTranslation {
    /// The English text.
    pub target: String,
    /// Mean natural log-probability of the output tokens; none for a person's translation.
    pub score: Option<f64>,
    /// Why the model's output ended; `Stop` for a person's translation.
    pub finish: FinishReason,
    /// What looked wrong with the translation when it was made.
    pub findings: Vec<Finding>,
    /// Number of tokens of the source; 0 for a person's translation.
    pub source_tokens: usize,
    /// Number of tokens of the output; 0 for a person's translation.
    pub target_tokens: usize,
    /// Whether a person wrote the translation.
    pub human: bool,
}

impl Memory {
    /// Opens the memory in the file `path`; creates the file and its directory if they are missing.
    ///
    /// # Errors
    /// Kind `Usage` for a file that is no memory, or one of a newer plae; of kind `Output` for a file that is
    /// damaged, locked or cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(database::open_database(path, WriteDurability::Full, SCHEMA_SQL)?),
            path: path.to_path_buf(),
            human_sources: Mutex::default(),
        })
    }

    /// Opens the memory in the file `path`, which must exist, for reading: a file or a directory that cannot be written is
    /// no error.
    ///
    /// # Errors
    /// Those of [`Memory::open`].
    pub fn open_for_reading(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(database::open_database_for_reading(path, SCHEMA_SQL)?),
            path: path.to_path_buf(),
            human_sources: Mutex::default(),
        })
    }

    /// Returns the path of the memory's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock_connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the database connection for a change of people's translations, and clears the cache of the sources that
    /// people translated.
    fn lock_connection_for_teaching(&self) -> MutexGuard<'_, Connection> {
        let connection = self.lock_connection();
        *self.human_sources.lock().unwrap_or_else(PoisonError::into_inner) = None;
        connection
    }

    /// Converts an error of the database to plae's error, which names the memory's path.
    fn to_crate_result<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| sqlite_error(&self.path, error))
    }

    /// Returns the number of a system in this memory; a system that is new to the memory gets a number.
    ///
    /// `description` is everything besides the source that decides a translation, as JSON with the model's name under
    /// `model.name`. `former` is the description that an older plae had of the same system, if it had one: translations
    /// stored under that description are moved to the system.
    ///
    /// # Errors
    /// The database's, as in all methods.
    pub fn find_or_add_system(&self, description: &str, former: Option<&str>) -> Result<SystemNumber> {
        let mut connection = self.lock_connection();
        let mut numbered = || {
            let own = find_system_id(&connection, description)?;
            let old = match former {
                Some(former) => find_system_id(&connection, former)?,
                None => None,
            };
            match (own, old) {
                (Some(own), None) => Ok(own),
                (Some(own), Some(old)) => {
                    // Both exist if translations were imported later under the former description.
                    move_translations(&mut connection, old, own)?;
                    Ok(own)
                }
                (None, _) => {
                    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                    if let Some(old) = old {
                        let rename = "UPDATE OR IGNORE system SET description = ?1 WHERE id = ?2";
                        transaction.execute(rename, params![description, old])?;
                    }
                    let insert = "INSERT INTO system (description) VALUES (?1) ON CONFLICT DO NOTHING";
                    transaction.execute(insert, [description])?;
                    let own = find_system_id(&transaction, description)?;
                    transaction.commit()?;
                    own.ok_or(rusqlite::Error::QueryReturnedNoRows)
                }
            }
        };
        self.to_crate_result(numbered()).map(SystemNumber)
    }

    /// Looks up normalised sources. Returns for each source a person's translation, else that of the system, else none.
    pub fn find_translations(&self, system: SystemNumber, sources: &[&str]) -> Result<Vec<Option<StoredTranslation>>> {
        let connection = self.lock_connection();
        let found = || {
            // One read transaction for all sources, instead of a lock for each.
            let transaction = connection.unchecked_transaction()?;
            let mut human = transaction.prepare_cached("SELECT target FROM human WHERE source = ?1")?;
            let mut machine = transaction.prepare_cached(
                "SELECT target, score, finish, flags, source_tokens, target_tokens FROM machine \
                 WHERE system = ?1 AND source = ?2",
            )?;
            let mut entries = Vec::with_capacity(sources.len());
            for source in sources {
                let by_person: Option<String> = human.query_row([source], |row| row.get(0)).optional()?;
                entries.push(match by_person {
                    Some(target) => Some(StoredTranslation::from_person(target)),
                    None => machine
                        .query_row(params![system.0, source], |row| {
                            Ok(StoredTranslation {
                                target: row.get(0)?,
                                score: row.get(1)?,
                                finish: from_json(row, 2)?,
                                findings: from_json(row, 3)?,
                                source_tokens: row.get::<_, u32>(4)? as usize,
                                target_tokens: row.get::<_, u32>(5)? as usize,
                                human: false,
                            })
                        })
                        .optional()?,
                });
            }
            Ok(entries)
        };
        self.to_crate_result(found())
    }

    /// Stores a system's translations of normalised sources in one transaction. A source that the system has already
    /// translated keeps its stored translation.
    pub fn store_translations(&self, system: SystemNumber, entries: &[(&str, &StoredTranslation)]) -> Result<()> {
        let now = jiff::Timestamp::now().as_second();
        let mut connection = self.lock_connection();
        let mut stored = || {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare_cached(
                    "INSERT INTO machine (system, source, target, score, finish, flags, source_tokens, target_tokens, made) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
                )?;
                for (source, entry) in entries {
                    statement.execute(params![
                        system.0,
                        source,
                        entry.target,
                        entry.score,
                        to_json(&entry.finish)?,
                        to_json(&entry.findings)?,
                        entry.source_tokens as i64,
                        entry.target_tokens as i64,
                        now,
                    ])?;
                }
            }
            transaction.commit()
        };
        self.to_crate_result(stored())
    }

    /// Stores a person's translations, given as pairs of source and target, in one transaction. They replace people's
    /// older translations of the same sources. Sources are normalised, and targets are put on one line.
    pub fn store_human_translations(&self, pairs: &[(&str, &str)]) -> Result<()> {
        let now = jiff::Timestamp::now();
        let units: Vec<TranslationUnit> = pairs
            .iter()
            .map(|(source, target)| TranslationUnit::from_person(source, target, now))
            .collect();
        let mut connection = self.lock_connection_for_teaching();
        let mut stored = || {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction
                    .prepare_cached("INSERT OR REPLACE INTO human (source, target, made) VALUES (?1, ?2, ?3)")?;
                let mut replaced = transaction.prepare_cached(unit::INSERT_REPLACED_SQL)?;
                for unit in &units {
                    replaced.execute([&unit.source, &unit.target])?;
                    statement.execute(params![unit.source, unit.target, unit.made.as_second()])?;
                }
            }
            transaction.commit()
        };
        self.to_crate_result(stored())
    }

    /// Returns the SHA-256 hash, in hexadecimal, of all translations by people, so that a change of any of them can be
    /// noticed.
    pub fn hash_human_translations(&self) -> Result<String> {
        let connection = self.lock_connection();
        let hashed = || {
            let mut statement = connection.prepare("SELECT source, target FROM human ORDER BY source")?;
            let mut rows = statement.query([])?;
            let mut hash = Sha256::new();
            while let Some(row) = rows.next()? {
                for column in 0..2 {
                    let text = row.get_ref(column)?.as_str()?;
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text);
                }
            }
            Ok(to_hexadecimal(&hash.finalize()))
        };
        self.to_crate_result(hashed())
    }
}

impl StoredTranslation {
    /// Makes the entry of a person's translation, with `target` as its text.
    fn from_person(target: String) -> Self {
        Self {
            target,
            score: None,
            finish: FinishReason::Stop,
            findings: Vec::new(),
            source_tokens: 0,
            target_tokens: 0,
            human: true,
        }
    }
}

fn find_system_id(connection: &Connection, description: &str) -> rusqlite::Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT id FROM system WHERE description = ?1")?;
    select.query_row([description], |row| row.get(0)).optional()
}

/// Moves all machine translations of the system `from` to the system `to`. Where both have translated a source, `to`
/// keeps its own translation. Nothing is written if `from` has none.
fn move_translations(connection: &mut Connection, from: i64, to: i64) -> rusqlite::Result<()> {
    let any = "SELECT 1 FROM machine WHERE system = ?1 LIMIT 1";
    if !connection.prepare_cached(any)?.exists([from])? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE OR IGNORE machine SET system = ?1 WHERE system = ?2", [to, from])?;
    transaction.execute("DELETE FROM machine WHERE system = ?1", [from])?;
    transaction.commit()
}

fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: DeserializeOwned>(row: &rusqlite::Row, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into()))
}

#[cfg(test)]
mod tests;
