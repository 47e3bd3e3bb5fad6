//! Maintenance of a memory: counting, deleting, compacting.

use super::Memory;
use super::system::model_name;
use crate::error::Result;
use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

/// Counts of everything in a memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemoryStats {
    /// Size on disk in bytes, the write-ahead log included.
    pub bytes: u64,
    /// Number of translations by machines.
    pub machine: i64,
    /// Number of translations by people.
    pub human: i64,
    /// Number of different sources.
    pub sources: i64,
    /// Number of sources with more than one translation.
    pub shared: i64,
    /// Time at which the oldest translation was made; none in an empty memory.
    pub oldest: Option<Timestamp>,
    /// Time at which the newest translation was made; none in an empty memory.
    pub newest: Option<Timestamp>,
    /// Counts for each system that has translations, in the order in which the memory first saw the systems.
    pub systems: Vec<SystemStats>,
}

/// Counts of the translations that a memory has from one system (a model with its settings).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemStats {
    /// Name of the system's model.
    pub model: String,
    /// The system's description, JSON; an older memory may have another text.
    pub system: String,
    /// Number of the system's translations.
    pub entries: i64,
    /// Number of the system's translations that have a flag or no text.
    pub flagged: i64,
    /// Time at which the system's oldest translation was made.
    pub oldest: Option<Timestamp>,
    /// Time at which the system's newest translation was made.
    pub newest: Option<Timestamp>,
}

/// Conditions for the translations that [`Memory::prune_translations`] deletes; a translation is deleted if it meets all that are
/// set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneFilter {
    /// The latest time at which a translation may have been made to be deleted; none for any time.
    pub until: Option<Timestamp>,
    /// Text that the description of a translation's system, see [`SystemStats::system`], must contain; none for all
    /// systems.
    pub system: Option<String>,
    /// Whether only translations with a flag or without text are deleted.
    pub flagged: bool,
    /// Whether people's translations are deleted instead of machines'. People's have neither system nor flags, so that
    /// none is deleted if `system` or `flagged` is set.
    pub human: bool,
}

/// SQL condition for a machine's translation that has a flag or no text.
const FLAGGED: &str = "(trim(target) = '' OR flags <> '[]' AND EXISTS (SELECT 1 FROM json_each(flags) WHERE \
                       iif(type = 'object', json_extract(value, '$.flag'), value) NOT IN ('no-thai', 'divided', 'mended')))";

impl Memory {
    /// Counts the translations, sources and systems of the memory.
    ///
    /// # Errors
    /// The errors of the database, as in all methods.
    pub fn read_stats(&self) -> Result<MemoryStats> {
        let connection = self.lock_connection();
        let time = |second: Option<i64>| second.and_then(|second| Timestamp::from_second(second).ok());
        let counted = || {
            let transaction = connection.unchecked_transaction()?;
            let mut statement = transaction.prepare(&format!(
                "SELECT description, count(*), sum({FLAGGED}), min(made), max(made) \
                 FROM machine JOIN system ON system.id = machine.system GROUP BY system.id ORDER BY system.id"
            ))?;
            let systems = statement.query_map([], |row| {
                let system: String = row.get(0)?;
                Ok(SystemStats {
                    model: model_name(&system),
                    system,
                    entries: row.get(1)?,
                    flagged: row.get(2)?,
                    oldest: time(row.get(3)?),
                    newest: time(row.get(4)?),
                })
            })?;
            let systems: Vec<SystemStats> = systems.collect::<rusqlite::Result<_>>()?;
            let human = transaction.query_row("SELECT count(*), min(made), max(made) FROM human", [], |row| {
                Ok((row.get(0)?, time(row.get(1)?), time(row.get(2)?)))
            })?;
            let (sources, shared) = transaction.query_row(
                "SELECT count(*), coalesce(sum(entries > 1), 0) FROM (SELECT count(*) AS entries FROM \
                 (SELECT source FROM machine UNION ALL SELECT source FROM human) GROUP BY source)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok((systems, human, sources, shared))
        };
        let (systems, (human, oldest, newest), sources, shared) = self.to_crate_result(counted())?;
        Ok(MemoryStats {
            bytes: self.file_bytes(),
            machine: systems.iter().map(|system| system.entries).sum(),
            human,
            sources,
            shared,
            oldest: systems.iter().filter_map(|system| system.oldest).chain(oldest).min(),
            newest: systems.iter().filter_map(|system| system.newest).chain(newest).max(),
            systems,
        })
    }

    /// Returns the memory's size on disk in bytes, the write-ahead log included.
    pub fn file_bytes(&self) -> u64 {
        let length = |suffix: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            std::fs::metadata(path).map_or(0, |file| file.len())
        };
        length("") + length("-wal")
    }

    /// Deletes the translations that meet `filter`, or only counts them if `dry_run`. Returns their number.
    ///
    /// A system keeps its number even if none of its translations is left, since a running translation may still use
    /// the number.
    pub fn prune_translations(&self, filter: &PruneFilter, dry_run: bool) -> Result<i64> {
        let until = filter.until.map(Timestamp::as_second);
        let rest = if filter.human {
            "FROM human WHERE (?1 IS NULL OR made <= ?1) AND ?2 IS NULL AND NOT ?3".to_owned()
        } else {
            format!(
                "FROM machine WHERE (?1 IS NULL OR made <= ?1) \
             AND (?2 IS NULL OR system IN (SELECT id FROM system WHERE instr(description, ?2))) \
             AND (NOT ?3 OR {FLAGGED})"
            )
        };
        let connection = self.lock_connection_for_teaching();
        let asked = params![until, filter.system, filter.flagged];
        self.to_crate_result(if dry_run {
            connection.query_row(&format!("SELECT count(*) {rest}"), asked, |row| row.get(0))
        } else {
            connection
                .execute(&format!("DELETE {rest}"), asked)
                .map(|count| count as i64)
        })
    }

    /// Shrinks the memory's file by the space of deleted translations. Meanwhile as much free disk space is needed as
    /// the memory takes.
    ///
    /// # Errors
    /// The errors of the database, for example while another program is writing; the memory's contents stay intact.
    pub fn compact_file(&self) -> Result<()> {
        self.to_crate_result(
            self.lock_connection()
                .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"),
        )
    }
}
