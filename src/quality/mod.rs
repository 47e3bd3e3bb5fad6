//! Quality checks: what is visibly wrong with one translation, as flags.
//!
//! Each check is one file with one function from a `Pair` to a flag. A new check is a new file, a line in `CHECKS` and
//! a variant of [`Flag`].

mod incomplete;
mod length;
mod repetition;
#[cfg(test)]
mod tests;
mod thai_left;

use crate::document::{Finish, Flag};

/// A source, its translation, and the reason why the model stopped.
struct Pair<'a> {
    source: &'a str,
    target: &'a str,
    finish: Finish,
}

/// The checks, in the order in which their flags are listed. None of them is asked after [`Flag::Empty`].
const CHECKS: [fn(&Pair) -> Option<Flag>; 5] = [
    incomplete::check_truncated,
    incomplete::check_empty,
    repetition::check,
    thai_left::check,
    length::check,
];

/// Checks one translation. A copy, and the translation of a blank source, has no flags.
///
/// [`Flag::NoThai`], [`Flag::Divided`] and [`Flag::Similar`] never come from here: they say how a segment was made, which
/// only the translator and the memory know.
pub fn check(source: &str, target: &str, finish: Finish) -> Vec<Flag> {
    let mut flags = Vec::new();
    if finish == Finish::Copy || source.trim().is_empty() {
        return flags;
    }
    let pair = Pair { source, target, finish };
    for check in CHECKS {
        flags.extend(check(&pair));
        if flags.last() == Some(&Flag::Empty) {
            break;
        }
    }
    flags
}
