//! A quality check for Thai letters that are left in a translation.

use super::TranslatedPair;
use crate::document::Flag;
use crate::thai::has_thai;

/// Flags a translation that contains any Thai letter.
pub(super) fn check_untranslated_thai(pair: &TranslatedPair) -> Option<Flag> {
    has_thai(pair.target).then_some(Flag::ThaiLeft)
}
