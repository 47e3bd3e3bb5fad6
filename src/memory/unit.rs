//! Translation units: single translations of a memory, as they are exchanged with other memories and other tools.

use super::system::model_name;
use super::{Memory, from_json, to_json};
use crate::document::{Finding, FinishReason};
use crate::error::Result;
use crate::thai::{has_thai, normalise_thai};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

/// A translation unit: a source text, a translation of it, and who made the translation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranslationUnit {
    /// The Thai text as the model reads it: normalised, unless normalisation was switched off for a machine's
    /// translation.
    pub source: String,
    /// The English text.
    pub target: String,
    /// Time at which the translation was made, to the second.
    #[serde(default = "Timestamp::now")]
    pub made: Timestamp,
    /// Details of the machine's translation; none for a person's translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineDetails>,
}

/// How a machine made a translation: by which system, and with what result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineDetails {
    /// The system's description, JSON; of units that an older plae made, another text.
    pub system: String,
    /// Mean natural log-probability of the output tokens.
    #[serde(default)]
    pub score: Option<f64>,
    /// Why the model's output ended.
    pub finish: FinishReason,
    /// What looked wrong with the translation when it was made.
    #[serde(default)]
    pub flags: Vec<Finding>,
    /// Number of tokens of the source.
    #[serde(default)]
    pub source_tokens: usize,
    /// Number of tokens of the output.
    #[serde(default)]
    pub target_tokens: usize,
}

/// Counts of the units given to [`Memory::add_units`], by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddCounts {
    /// Number of units that the memory did not have and that were stored.
    pub new: usize,
    /// Number of people's translations that replaced a person's older translation.
    pub replaced: usize,
    /// Number of units that were not stored, because the memory has them already.
    pub known: usize,
    /// Number of people's translations that were not stored, because the memory has another one of the same source that
    /// is as new or newer.
    pub contradicted: usize,
    /// Number of translations by people that were left out, because the source has no Thai or the target is empty.
    pub useless: usize,
}

impl std::ops::AddAssign for AddCounts {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.replaced += other.replaced;
        self.known += other.known;
        self.contradicted += other.contradicted;
        self.useless += other.useless;
    }
}

impl TranslationUnit {
    /// Makes the unit of a person's translation. The source is normalised, as it is for a lookup, and the target is put
    /// on one line.
    pub fn from_person(source: &str, target: &str, made: Timestamp) -> Self {
        Self {
            source: normalise_thai(source).into_owned(),
            target: to_one_line(target),
            made,
            machine: None,
        }
    }

    /// Returns who made the translation: the model's name, or `a person`.
    pub fn maker_name(&self) -> String {
        match &self.machine {
            None => "a person".to_owned(),
            Some(machine) => model_name(&machine.system),
        }
    }

    /// Reads a unit from a row of the query [`UNITS`].
    pub(super) fn read(row: &Row) -> rusqlite::Result<Self> {
        let machine = match row.get(3)? {
            None => None,
            Some(system) => Some(MachineDetails {
                system,
                score: row.get(4)?,
                finish: from_json(row, 5)?,
                flags: from_json(row, 6)?,
                source_tokens: row.get::<_, u32>(7)? as usize,
                target_tokens: row.get::<_, u32>(8)? as usize,
            }),
        };
        Ok(Self {
            source: row.get(0)?,
            target: row.get(1)?,
            made: Timestamp::from_second(row.get(2)?).unwrap_or_default(),
            machine,
        })
    }
}

/// SQL that copies a person's translation of the source `?1` to the table of replaced translations, unless it equals
/// the new target `?2`.
pub(super) const INSERT_REPLACED_SQL: &str = "INSERT OR IGNORE INTO replaced (source, target) \
    SELECT source, target FROM human WHERE source = ?1 AND target <> ?2";

/// SQL query for all units, people's translations first. The order of its join makes SQLite read machines' translations
/// in the order of their key.
pub(super) const UNITS: &str = "\
    SELECT source, target, made, NULL AS system, NULL AS score, NULL AS finish, NULL AS flags, NULL AS source_tokens, \
    NULL AS target_tokens FROM human \
    UNION ALL SELECT source, target, made, description, score, finish, flags, source_tokens, target_tokens \
    FROM machine CROSS JOIN system ON system.id = machine.system";

/// Puts `text` on one line: each run of white space and control characters becomes one space.
pub(super) fn to_one_line(text: &str) -> String {
    let is_space = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

impl Memory {
    /// Calls `on_unit` with every unit of the memory, people's translations first.
    ///
    /// # Errors
    /// The errors of the database, as in all methods; those of `on_unit`, which end the reading.
    pub fn for_each_unit(&self, on_unit: &mut dyn FnMut(&TranslationUnit) -> Result<()>) -> Result<()> {
        let connection = self.lock_connection();
        let mut statement = self.to_crate_result(connection.prepare(UNITS))?;
        let mut rows = self.to_crate_result(statement.query([]))?;
        while let Some(row) = self.to_crate_result(rows.next())? {
            on_unit(&self.to_crate_result(TranslationUnit::read(row))?)?;
        }
        Ok(())
    }

    /// Stores all units in one transaction. Machine units: insert if absent. Human units: replace if newer.
    pub fn add_units(&self, units: &[TranslationUnit]) -> Result<AddCounts> {
        let mut connection = self.lock_connection_for_teaching();
        let mut added = || {
            let transaction = connection.transaction()?;
            let tally = insert_units(&transaction, units)?;
            transaction.commit()?;
            Ok(tally)
        };
        self.to_crate_result(added())
    }
}

fn insert_units(transaction: &Transaction, units: &[TranslationUnit]) -> rusqlite::Result<AddCounts> {
    let mut tally = AddCounts::default();
    let mut known = transaction.prepare_cached("SELECT made, target FROM human WHERE source = ?1")?;
    let mut replaced = transaction.prepare_cached(INSERT_REPLACED_SQL)?;
    let mut human =
        transaction.prepare_cached("INSERT OR REPLACE INTO human (source, target, made) VALUES (?1, ?2, ?3)")?;
    let mut number = transaction.prepare_cached(
        "INSERT INTO system (description) VALUES (?1) ON CONFLICT DO UPDATE SET description = description RETURNING id",
    )?;
    let mut machine = transaction.prepare_cached(
        "INSERT INTO machine (system, source, target, score, finish, flags, source_tokens, target_tokens, made) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )?;
    let mut last: Option<(&str, i64)> = None;
    for unit in units {
        let made = unit.made.as_second();
        let Some(by) = &unit.machine else {
            let unit = TranslationUnit::from_person(&unit.source, &unit.target, unit.made);
            if unit.target.is_empty() || !has_thai(&unit.source) {
                tally.useless += 1;
                continue;
            }
            let before: Option<(i64, String)> = known
                .query_row([&unit.source], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if let Some((_, target)) = before.as_ref().filter(|(before, _)| *before >= made) {
                if *target == unit.target {
                    tally.known += 1;
                } else {
                    tally.contradicted += 1;
                }
                continue;
            }
            replaced.execute([&unit.source, &unit.target])?;
            human.execute(params![unit.source, unit.target, made])?;
            match before {
                None => tally.new += 1,
                Some(_) => tally.replaced += 1,
            }
            continue;
        };
        let system = match last {
            Some((description, id)) if description == by.system => id,
            _ => number.query_row([&by.system], |row| row.get(0))?,
        };
        last = Some((&by.system, system));
        let new = machine.execute(params![
            system,
            unit.source,
            unit.target,
            by.score,
            to_json(&by.finish)?,
            to_json(&by.flags)?,
            by.source_tokens as i64,
            by.target_tokens as i64,
            made,
        ])?;
        tally.new += new;
        tally.known += 1 - new;
    }
    Ok(tally)
}
