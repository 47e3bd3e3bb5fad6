//! Quality checks for a translation that is cut off, or missing altogether.

use super::TranslatedPair;
use crate::document::{FinishReason, Flag};

/// Flags a translation that ended because it reached the maximum number of tokens.
pub(super) fn check_truncated(pair: &TranslatedPair) -> Option<Flag> {
    (pair.finish == FinishReason::Length).then_some(Flag::Truncated)
}

/// Flags a translation without visible text.
pub(super) fn check_empty(pair: &TranslatedPair) -> Option<Flag> {
    pair.target.trim().is_empty().then_some(Flag::Empty)
}
