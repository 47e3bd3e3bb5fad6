//! Quality checks of single translations: each visible defect becomes a flag.
//!
//! Each check is a function from a `TranslatedPair` to a flag. A new check is a new file, a line in `QUALITY_CHECKS` and a variant of
//! [`Flag`].

mod damaged;
mod incomplete;
mod length;
mod repetition;
#[cfg(test)]
mod tests;
mod thai_left;

use crate::document::{FinishReason, Flag};

/// A source, its translation, and the reason why the search ended the translation.
struct TranslatedPair<'a> {
    source: &'a str,
    target: &'a str,
    finish: FinishReason,
}

/// All quality checks, in the order in which their flags are listed. After [`Flag::Empty`] the remaining checks are
/// skipped.
const QUALITY_CHECKS: [fn(&TranslatedPair) -> Option<Flag>; 6] = [
    incomplete::check_truncated,
    incomplete::check_empty,
    repetition::check_repetition,
    damaged::check_damaged,
    thai_left::check_untranslated_thai,
    length::check_length,
];

/// Checks one translation and returns the flags of its defects. A source that was copied, or that is blank, gets no
/// flags.
///
/// [`Flag::NoThai`], [`Flag::Divided`] and [`Flag::Similar`] never come from here: they say how a segment was made,
/// which only the translator and the memory know.
pub fn check_translation(source: &str, target: &str, finish: FinishReason) -> Vec<Flag> {
    let mut flags = Vec::new();
    if finish == FinishReason::Copy || source.trim().is_empty() {
        return flags;
    }
    let pair = TranslatedPair { source, target, finish };
    for check in QUALITY_CHECKS {
        flags.extend(check(&pair));
        if flags.last() == Some(&Flag::Empty) {
            break;
        }
    }
    flags
}
