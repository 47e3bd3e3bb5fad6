//! A quality check for sources with characters that were lost before they were read, as PDF text layers lose them.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use crate::thai::has_lost_chars;

/// Flags a translation whose source has the replacement character U+FFFD, or a private-use character inside a word.
pub(super) fn check_damaged(pair: &CheckedPair) -> Vec<Finding> {
    let lost = has_lost_chars(pair.source).then(|| Flag::Encoding.into());
    Vec::from_iter(lost)
}
