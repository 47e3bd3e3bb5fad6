//! Quality checks of translations: each visible defect becomes a finding, with its places and values.
//!
//! Each check of a pair is a function from a [`CheckedPair`] to findings. A new check is a new file, a line in
//! `QUALITY_CHECKS` and a variant of [`Flag`]. Defects that only a whole document shows are found by
//! [`check_document`], and [`trust_score`] sums up what is known of a segment in one number.

mod consistency;
mod copied;
mod damaged;
mod incomplete;
mod length;
mod name;
mod negation;
mod quantities;
mod references;
mod repair;
mod repetition;
#[cfg(test)]
mod tests;
mod thai_left;
mod trust;

pub use consistency::check_document;
pub use repair::{ExpectedText, Repair, list_expected_texts, list_repairs, list_settled_places};
pub use trust::trust_score;

use crate::document::{Finding, Findings, FinishReason, Flag};
use repair::Repairer;

/// A source, its translation, and what is known of how the translation was made.
#[derive(Clone, Copy, Debug)]
pub struct CheckedPair<'a> {
    /// The Thai text.
    pub source: &'a str,
    /// The English text.
    pub target: &'a str,
    /// The reason why the search ended the translation; `Stop` if nothing is known.
    pub finish: FinishReason,
    /// The examples in the model's prompt, each a Thai text and its translation; empty if there are none.
    pub examples: &'a [(String, String)],
}

/// All quality checks, in any order. After [`Flag::Empty`] the remaining checks are skipped.
const QUALITY_CHECKS: [fn(&CheckedPair) -> Vec<Finding>; 10] = [
    incomplete::check_truncated,
    incomplete::check_empty,
    repetition::check_repetition,
    damaged::check_damaged,
    thai_left::check_untranslated_thai,
    length::check_length,
    negation::check_negation,
    name::check_name,
    copied::check_copied_example,
    quantities::check_quantities,
];

/// The checks that know what is right.
const REPAIRERS: [Repairer; 1] = [Repairer {
    list_expected: quantities::list_expected_quantities,
    list_repairs: quantities::list_quantity_repairs,
    list_places: quantities::list_quantity_places,
}];

/// Checks one translation and returns the findings. A source that was copied, or that is blank, gets none.
///
/// [`Flag::NoThai`], [`Flag::Divided`], [`Flag::Mended`] and [`Flag::Similar`] never come from here: they say how a
/// segment was made, which only the translator and the memory know.
pub fn check_translation(pair: &CheckedPair) -> Findings {
    let mut findings = Vec::new();
    if pair.finish != FinishReason::Copy && !pair.source.trim().is_empty() {
        for check in QUALITY_CHECKS {
            findings.extend(check(pair));
            if findings.last().is_some_and(|finding| finding.flag == Flag::Empty) {
                break;
            }
        }
    }
    findings.into()
}
