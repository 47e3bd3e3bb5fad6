//! Quality checks for a translation that is cut off, or missing altogether.

use super::Pair;
use crate::document::{FinishReason, Flag};

/// Flags a translation that ended because it reached the maximum number of tokens.
pub(super) fn check_truncated(pair: &Pair) -> Option<Flag> {
    (pair.finish == FinishReason::Length).then_some(Flag::Truncated)
}

/// Flags a translation without visible text.
pub(super) fn check_empty(pair: &Pair) -> Option<Flag> {
    pair.target.trim().is_empty().then_some(Flag::Empty)
}
