//! Learning from edited outputs: translations that people changed in plae's outputs are stored in the memory as
//! people's translations.

use super::unit::to_one_line;
use super::{EditedOutput, Memory, TranslationUnit};
use crate::error::Result;
use crate::thai::has_thai;
use jiff::Timestamp;
use rusqlite::OptionalExtension;
use std::collections::HashMap;

/// Counts of the segments of an edited output, by what the memory learned from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnCounts {
    /// Number of segments whose translation was stored as a person's new translation.
    pub new: usize,
    /// Number of segments that are unchanged: still a machine's translation, or one that people had made before.
    pub same: usize,
    /// Number of segments whose source is not in the memory, so that it is unknown whether they were edited.
    pub unknown: usize,
    /// Number of segments without Thai in the source or without a translation.
    pub empty: usize,
    /// Number of segments that are edited differently from an earlier segment with the same source; the last edit is
    /// stored.
    pub contradicted: usize,
}

impl std::ops::AddAssign for LearnCounts {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.same += other.same;
        self.unknown += other.unknown;
        self.empty += other.empty;
        self.contradicted += other.contradicted;
    }
}

/// Selects the translations that machines made of a source, and those of people that were replaced; the parameters are
/// the source normalised, and as it is.
///
/// Machine translations are looked up system by system, in the order of the table's key; a system may have stored the
/// source without normalising it.
pub(super) const EARLIER_TARGETS_SQL: &str = "SELECT target FROM replaced WHERE source = ?1 UNION ALL \
     SELECT target FROM system CROSS JOIN machine ON machine.system = system.id AND machine.source IN (?1, ?2)";

/// Lists the texts that a machine's translation, given after its source, may have become on its way to an output.
pub type PrintedForms<'a> = &'a dyn Fn(&str, &str) -> Vec<String>;

impl Memory {
    /// Stores those pairs of an edited output as people's translations whose target differs from all translations that
    /// the memory has or had for the source. With `all`, unchanged pairs are stored, too, since a person has read and
    /// approved them. A target that is one of the `printed` forms of a translation in the memory is unchanged, too.
    ///
    /// # Errors
    /// The errors of the database.
    pub fn learn_edited(&self, edited: &EditedOutput, all: bool, printed: PrintedForms) -> Result<LearnCounts> {
        let now = Timestamp::now();
        let mut lesson = LearnCounts::default();
        let mut new: HashMap<String, String> = HashMap::new();
        let connection = self.lock_connection();
        let mut compare = || {
            let mut human = connection.prepare_cached("SELECT target FROM human WHERE source = ?1")?;
            let mut earlier = connection.prepare_cached(EARLIER_TARGETS_SQL)?;
            for segment in &edited.segments {
                let source = &segment.source;
                let unit = TranslationUnit::from_person(source, &segment.target, now);
                if unit.target.is_empty() || !has_thai(&unit.source) {
                    lesson.empty += 1;
                    continue;
                }
                let before: Option<String> = human.query_row([&unit.source], |row| row.get(0)).optional()?;
                let is_same = |other: &str| edited.normalise_quotes(other) == edited.normalise_quotes(&unit.target);
                if before.as_deref().is_some_and(is_same) {
                    lesson.same += 1;
                    continue;
                }
                let targets = earlier.query_map([&unit.source, source], |row| row.get::<_, String>(0))?;
                let targets: Vec<String> = targets.collect::<rusqlite::Result<_>>()?;
                let is_printed =
                    |target: &String| printed(source, target).iter().any(|form| is_same(&to_one_line(form)));
                let is_unedited =
                    targets.iter().any(|target| is_same(&to_one_line(target))) || targets.iter().any(is_printed);
                // If several rows have the same source, an unedited row does not undo an edited one.
                if is_unedited && (!all || new.contains_key(&unit.source)) {
                    lesson.same += 1;
                    continue;
                }
                if !all && targets.is_empty() && before.is_none() {
                    lesson.unknown += 1;
                    continue;
                }
                match new.insert(unit.source, unit.target.clone()) {
                    None => lesson.new += 1,
                    Some(other) if other == unit.target => lesson.same += 1,
                    Some(_) => lesson.contradicted += 1,
                }
            }
            Ok(())
        };
        self.to_crate_result(compare())?;
        drop(connection);
        let pairs: Vec<(&str, &str)> = new.iter().map(|(source, target)| (&**source, &**target)).collect();
        self.store_human_translations(&pairs)?;
        Ok(lesson)
    }
}
