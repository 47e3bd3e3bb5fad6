//! Search: finds units that contain a text, and units whose sources are most similar to a text.

use super::unit::UNITS;
use super::{Memory, TranslationUnit};
use crate::error::{Error, Result};
use crate::thai::normalise_thai;
use rapidfuzz::distance::levenshtein::{Args, BatchComparator};
use rusqlite::params;
use serde::Serialize;

/// The least similarity, from 0 to 1, of the sources that [`Memory::find_nearest_units`] finds.
pub const LEAST_SIMILARITY: f64 = 0.5;

/// A unit that a search in a memory found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitMatch {
    /// Similarity of the unit's source to the text searched for, from 0 to 1: 1 - d / n with the edit distance d
    /// (Levenshtein 1966) and the length n of the longer text, both in characters. None for a unit found by
    /// [`Memory::find_units_containing`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
    /// The unit that was found.
    #[serde(flatten)]
    pub unit: TranslationUnit,
}

impl Memory {
    /// Finds units whose source contains the normalised `text`, or whose target contains `text` itself, in upper or
    /// lower case. Returns at most `limit` units, people's translations first.
    ///
    /// Every unit is read, since an index of character trigrams would miss the many Thai words of two characters.
    ///
    /// # Errors
    /// Kind `Usage` for a text of white space only.
    pub fn find_units_containing(&self, text: &str, limit: usize) -> Result<Vec<UnitMatch>> {
        let (source, target) = prepare_search_texts(text)?;
        let pattern = |text: &str| {
            let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            format!("%{literal}%")
        };
        let query =
            format!("SELECT * FROM ({UNITS}) WHERE source LIKE ?1 ESCAPE '\\' OR target LIKE ?2 ESCAPE '\\' LIMIT ?3");
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare(&query)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![pattern(&source), pattern(target), limit], |row| {
                Ok(UnitMatch {
                    similarity: None,
                    unit: TranslationUnit::read(row)?,
                })
            })?;
            rows.collect()
        };
        self.to_crate_result(found())
    }

    /// Finds the units whose sources are most similar to the normalised `text`: at most `limit` units, the most similar
    /// first, none with a similarity below [`LEAST_SIMILARITY`].
    ///
    /// # Errors
    /// Kind `Usage` for a text of white space only.
    pub fn find_nearest_units(&self, text: &str, limit: usize) -> Result<Vec<UnitMatch>> {
        let (source, _) = prepare_search_texts(text)?;
        let scorer = BatchComparator::new(source.chars());
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare(UNITS)?;
            let mut rows = statement.query([])?;
            let mut best: Vec<(f64, TranslationUnit)> = Vec::new();
            while let Some(row) = rows.next()? {
                let candidate = row.get_ref(0)?.as_str()?;
                let least = best
                    .get(limit.saturating_sub(1))
                    .map_or(LEAST_SIMILARITY, |(worst, _)| *worst);
                let args = Args::default().score_cutoff(least);
                let Some(similarity) = scorer.normalized_similarity_with_args(candidate.chars(), &args) else {
                    continue;
                };
                // After units of equal similarity, so that people's translations, which are read first, stay before
                // machines'.
                let place = best.partition_point(|(other, _)| *other >= similarity);
                if place < limit {
                    best.truncate(limit - 1);
                    best.insert(place, (similarity, TranslationUnit::read(row)?));
                }
            }
            Ok(best)
        };
        let best = self.to_crate_result(found())?;
        let matched = best.into_iter().map(|(similarity, unit)| UnitMatch {
            similarity: Some(similarity),
            unit,
        });
        Ok(matched.collect())
    }
}

/// Returns `text` as a source would have it (normalised) and as a target would have it (trimmed).
///
/// # Errors
/// Kind `Usage` for a text of white space only.
fn prepare_search_texts(text: &str) -> Result<(String, &str)> {
    let source = normalise_thai(text).into_owned();
    if source.is_empty() {
        Err(Error::usage("nothing to search for"))
    } else {
        Ok((source, text.trim()))
    }
}
