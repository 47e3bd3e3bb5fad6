//! A quality check for Thai letters that are left in a translation.

use super::Pair;
use crate::document::Flag;
use crate::thai::has_thai;

/// Flags a translation that contains any Thai letter.
pub(super) fn check_thai_left(pair: &Pair) -> Option<Flag> {
    has_thai(pair.target).then_some(Flag::ThaiLeft)
}
