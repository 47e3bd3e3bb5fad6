//! Maintenance of a memory: counting, deleting, compacting.

use super::Memory;
use super::system::model_name;
use crate::error::Result;
use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

/// Counts of everything in a memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Size on disk, with what waits in the write-ahead log.
    pub bytes: u64,
    /// Translations by machines.
    pub machine: i64,
    /// Translations by people.
    pub human: i64,
    /// Different sources.
    pub sources: i64,
    /// Sources with more than one translation.
    pub shared: i64,
    /// When the first translation was made; none in an empty memory.
    pub oldest: Option<Timestamp>,
    /// When the last translation was made; none in an empty memory.
    pub newest: Option<Timestamp>,
    /// Systems that have translations, in the order in which they were first seen.
    pub systems: Vec<SystemStats>,
}

/// Counts of one system's translations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemStats {
    /// Name of the model.
    pub model: String,
    /// The system's description, JSON; an older memory may have another text.
    pub system: String,
    /// Translations.
    pub entries: i64,
    /// Translations with a flag, or without text.
    pub flagged: i64,
    /// When the first of them was made.
    pub oldest: Option<Timestamp>,
    /// When the last of them was made.
    pub newest: Option<Timestamp>,
}

/// Chooses the translations that [`Memory::prune`] deletes; every condition that is set has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneFilter {
    /// Translations made at this time or before it.
    pub until: Option<Timestamp>,
    /// Translations by a system whose description, as in [`SystemStats::system`], contains this text.
    pub system: Option<String>,
    /// Only translations with a flag or without text.
    pub flagged: bool,
    /// People's translations, which have neither system nor flags, instead of machines'.
    pub human: bool,
}

/// SQL for a machine's translation that deserves a second look.
const FLAGGED: &str = "(flags <> '[]' OR trim(target) = '')";

impl Memory {
    /// Counts everything in the memory.
    ///
    /// # Errors
    /// The database's, as in all methods.
    pub fn stats(&self) -> Result<Stats> {
        let connection = self.connection();
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
        let (systems, (human, oldest, newest), sources, shared) = self.explain(counted())?;
        Ok(Stats {
            bytes: self.bytes(),
            machine: systems.iter().map(|system| system.entries).sum(),
            human,
            sources,
            shared,
            oldest: systems.iter().filter_map(|system| system.oldest).chain(oldest).min(),
            newest: systems.iter().filter_map(|system| system.newest).chain(newest).max(),
            systems,
        })
    }

    /// Size on disk, with what waits in the write-ahead log.
    pub fn bytes(&self) -> u64 {
        let length = |suffix: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            std::fs::metadata(path).map_or(0, |file| file.len())
        };
        length("") + length("-wal")
    }

    /// Deletes the translations that `filter` chooses, or only counts them if `dry_run`. Returns their number.
    ///
    /// A system keeps its number even if none of its translations is left, for the sake of runs that are under way.
    pub fn prune(&self, filter: &PruneFilter, dry_run: bool) -> Result<i64> {
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
        let connection = self.connection_for_teaching();
        let asked = params![until, filter.system, filter.flagged];
        self.explain(if dry_run {
            connection.query_row(&format!("SELECT count(*) {rest}"), asked, |row| row.get(0))
        } else {
            connection
                .execute(&format!("DELETE {rest}"), asked)
                .map(|count| count as i64)
        })
    }

    /// Gives the space of deleted translations back to the disk. Meanwhile it needs as much free space again.
    ///
    /// # Errors
    /// The database's, also where another program is writing; what is stored stays.
    pub fn compact(&self) -> Result<()> {
        self.explain(
            self.connection()
                .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"),
        )
    }
}
