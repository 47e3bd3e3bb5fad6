//! Learning: what people changed in plae's outputs becomes theirs.

use super::unit::one_line;
use super::{Edited, Memory, Unit};
use crate::error::Result;
use crate::thai::has_thai;
use jiff::Timestamp;
use rusqlite::OptionalExtension;
use std::collections::HashMap;

/// What was learned from a file, segment by segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// People's translations that are new in the memory.
    pub new: usize,
    /// As a machine made them, or as people did before: plae wrote them so.
    pub same: usize,
    /// Of a source that the memory does not have: nobody can say whether they were edited.
    pub unknown: usize,
    /// Without Thai in the source or anything in the target.
    pub empty: usize,
    /// Of those that are new, sources that stand several times with different edits; the last one counts.
    pub contradicted: usize,
}

impl std::ops::AddAssign for Lesson {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.same += other.same;
        self.unknown += other.unknown;
        self.empty += other.empty;
        self.contradicted += other.contradicted;
    }
}

impl Memory {
    /// Takes as people's translations the pairs whose target differs from all that stood there for the same source
    /// before, and with `all` every pair: somebody has read them.
    ///
    /// # Errors
    /// The database's.
    pub fn learn_edited(&self, edited: &Edited, all: bool) -> Result<Lesson> {
        let now = Timestamp::now();
        let mut lesson = Lesson::default();
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
                let is_same = |other: &str| edited.seen(other) == edited.seen(&unit.target);
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
        self.told(compare())?;
        drop(connection);
        let pairs: Vec<(&str, &str)> = new.iter().map(|(source, target)| (&**source, &**target)).collect();
        self.learn(&pairs)?;
        Ok(lesson)
    }
}
