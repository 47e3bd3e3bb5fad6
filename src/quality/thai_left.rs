//! A check for Thai letters in the translation.

use super::Pair;
use crate::document::Flag;
use crate::thai::has_thai;

/// Flags a translation with any Thai letter in it.
pub(super) fn check(pair: &Pair) -> Option<Flag> {
    has_thai(pair.target).then_some(Flag::ThaiLeft)
}
