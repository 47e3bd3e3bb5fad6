//! A quality check for sources with characters that were lost before they were read, as PDF text layers lose them.

use super::TranslatedPair;
use crate::document::Flag;
use crate::thai::has_lost_chars;

/// Flags a translation whose source has the replacement character U+FFFD, or a private-use character inside a word.
pub(super) fn check_damaged(pair: &TranslatedPair) -> Option<Flag> {
    has_lost_chars(pair.source).then_some(Flag::Damaged)
}
