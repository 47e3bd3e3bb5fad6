//! Learning: translations that people changed in plae's outputs are stored as people's.

use super::unit::one_line;
use super::{Edited, Memory, Unit};
use crate::error::Result;
use crate::thai::has_thai;
use jiff::Timestamp;
use rusqlite::OptionalExtension;
use std::collections::HashMap;

/// Counts of the segments of a file that was learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnCounts {
    /// Segments whose translation is new in the memory as a person's.
    pub new: usize,
    /// Segments as plae wrote them: a machine's translation, or one that people had made before.
    pub same: usize,
    /// Segments whose source the memory does not have: nobody can say whether they were edited.
    pub unknown: usize,
    /// Segments without Thai in the source or without a target.
    pub empty: usize,
    /// Segments that are edited differently from an earlier one of the same source; the last edit counts.
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

impl Memory {
    /// Stores the pairs of an edited output as people's translations if their target is none that plae wrote for the source.
    /// With `all` every pair is stored: somebody has read and approved them.
    ///
    /// # Errors
    /// The database's.
    pub fn learn_edited(&self, edited: &Edited, all: bool) -> Result<LearnCounts> {
        let now = Timestamp::now();
        let mut lesson = LearnCounts::default();
        let mut new: HashMap<String, String> = HashMap::new();
        let connection = self.connection();
        let mut compare = || {
            let mut human = connection.prepare_cached("SELECT target FROM human WHERE source = ?1")?;
            // Machines' system by system, since that is how the key is ordered; the source may not have been normalised.
            let mut earlier = connection.prepare_cached(
                "SELECT target FROM replaced WHERE source = ?1 UNION ALL SELECT target FROM system CROSS JOIN machine \
                 ON machine.system = system.id AND machine.source IN (?1, ?2)",
            )?;
            for (source, target) in &edited.pairs {
                let unit = Unit::person(source, target, now);
                if unit.target.is_empty() || !has_thai(&unit.source) {
                    lesson.empty += 1;
                    continue;
                }
                let before: Option<String> = human.query_row([&unit.source], |row| row.get(0)).optional()?;
                let is_same = |other: &str| edited.comparable(other) == edited.comparable(&unit.target);
                if before.as_deref().is_some_and(is_same) {
                    lesson.same += 1;
                    continue;
                }
                let targets = earlier.query_map([&unit.source, source], |row| row.get::<_, String>(0))?;
                let targets: Vec<String> = targets.collect::<rusqlite::Result<_>>()?;
                let is_unedited = targets.iter().any(|target| is_same(&one_line(target)));
                // Of several rows of one source, those that nobody edited say nothing.
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
        self.explain(compare())?;
        drop(connection);
        let pairs: Vec<(&str, &str)> = new.iter().map(|(source, target)| (&**source, &**target)).collect();
        self.learn(&pairs)?;
        Ok(lesson)
    }
}
