//! Quality checks for a translation that is cut off, or missing altogether.

use super::CheckedPair;
use crate::document::{Finding, FinishReason, Flag};

/// Flags a translation that ended because it reached the maximum number of tokens.
pub(super) fn check_truncated(pair: &CheckedPair) -> Vec<Finding> {
    Vec::from_iter((pair.finish == FinishReason::Length).then(|| Flag::Truncated.into()))
}

/// Flags a translation without visible text.
pub(super) fn check_empty(pair: &CheckedPair) -> Vec<Finding> {
    Vec::from_iter(pair.target.trim().is_empty().then(|| Flag::Empty.into()))
}
