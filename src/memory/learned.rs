//! Whether the memory has learned all that people edited in an output, so that the output can be written again.

use super::learn::{EARLIER_TARGETS_SQL, PrintedForms};
use super::unit::to_one_line;
use super::{EditedOutput, EditedSegment, Memory, TranslationUnit};
use crate::error::Result;
use crate::thai::has_thai;
use jiff::Timestamp;

impl Memory {
    /// Whether every translation in an edited output is one that the memory has or had for its source, by a person or
    /// a machine, so that [`Memory::learn_edited`] would find nothing new. A segment that the memory cannot learn, such
    /// as one without Thai, must be a copy of its source, and the file must have nothing but segments. `printed` is as in
    /// [`Memory::learn_edited`].
    ///
    /// # Errors
    /// The errors of the database.
    pub fn has_learned(&self, edited: &EditedOutput, printed: PrintedForms) -> Result<bool> {
        if !edited.has_segments_only {
            return Ok(false);
        }
        let now = Timestamp::now();
        let connection = self.lock_connection();
        let compare = || {
            let mut known = connection.prepare_cached(&format!(
                "SELECT target FROM human WHERE source = ?1 UNION ALL {EARLIER_TARGETS_SQL}"
            ))?;
            for EditedSegment { source, target, .. } in &edited.segments {
                let unit = TranslationUnit::from_person(source, target, now);
                let is_same =
                    |other: &str| edited.normalise_quotes(&to_one_line(other)) == edited.normalise_quotes(&unit.target);
                // A source without Thai is a copy, or a date that was translated by rule.
                let is_copy = || is_same(source) || printed(source, source).iter().any(|form| is_same(form));
                let mut is_known = !has_thai(&unit.source) && is_copy();
                if !is_known && has_thai(&unit.source) && !unit.target.is_empty() {
                    for target in known.query_map([&unit.source, source], |row| row.get::<_, String>(0))? {
                        let target = target?;
                        is_known |= is_same(&target) || printed(source, &target).iter().any(|form| is_same(form));
                    }
                }
                if !is_known {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        self.to_crate_result(compare())
    }
}
