//! A quality check for translations that are far too short or too long for their source.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use std::ops::RangeInclusive;

/// Minimum length in characters of a source whose translation is checked. Translations of shorter sources may have any
/// length.
const MIN_SOURCE_CHARS: usize = 40;
/// Number of English characters for each Thai character that a translation may have. Measured on the 1,997 references
/// of FLORES dev and PUD whose sources are long enough: the ratio lies between 0.55 and 2.07, for 98 % of them between
/// 0.73 and 1.60.
const PLAUSIBLE_LENGTH_RATIO: RangeInclusive<f64> = 0.5..=2.2;

/// Flags a translation whose length, in characters, is out of proportion to its source.
pub(super) fn check_length(pair: &CheckedPair) -> Vec<Finding> {
    let (source, target) = (pair.source.chars().count(), pair.target.chars().count());
    let ratio = target as f64 / source as f64;
    let flag = if source < MIN_SOURCE_CHARS || PLAUSIBLE_LENGTH_RATIO.contains(&ratio) {
        None
    } else if ratio < *PLAUSIBLE_LENGTH_RATIO.start() {
        Some(Flag::Omission)
    } else {
        Some(Flag::Addition)
    };
    Vec::from_iter(flag.map(Finding::from))
}
