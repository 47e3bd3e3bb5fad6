//! A quality check for Thai letters that are left in a translation.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use crate::thai::has_thai;

/// Flags a translation that contains any Thai letter.
pub(super) fn check_untranslated_thai(pair: &CheckedPair) -> Vec<Finding> {
    Vec::from_iter(has_thai(pair.target).then(|| Flag::Untranslated.into()))
}
