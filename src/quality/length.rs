//! A quality check for translations that are far too short or too long for their source.

use super::CheckedPair;
use super::references::decode_references;
use crate::document::{Finding, Flag};

/// Minimum number of English characters that a source leads to expect for its translation to be checked. Translations of
/// shorter sources may have any length.
const MIN_EXPECTED_CHARS: f64 = 50.0;
/// Deviation from the expected length, in units of [`length_deviation`], below which part of the source seems to be
/// missing. Of the untouched translations of FLORES dev by people, Google and Microsoft, 2, 0 and 3 of 997 lie below it, and
/// 4 of 5 of those that lost a half. Chosen on all of these lines.
const OMISSION_BELOW: f64 = -3.42;
/// Deviation above which the translation seems to say more than the source: 0, 0 and 1 of 997.
const ADDITION_ABOVE: f64 = 4.5;

/// Flags a translation whose length is out of proportion to its source.
pub(super) fn check_length(pair: &CheckedPair) -> Vec<Finding> {
    let expected = expected_length(pair.source);
    let length = decode_references(pair.target).chars().count();
    let deviation = length_deviation(length, expected);
    let flag = if expected < MIN_EXPECTED_CHARS {
        return Vec::new();
    } else if deviation < OMISSION_BELOW {
        Flag::Omission
    } else if deviation > ADDITION_ABOVE {
        Flag::Addition
    } else {
        return Vec::new();
    };
    let detail = format!("{length} characters, about {expected:.0} expected");
    vec![Finding::new(flag, None, None, detail)]
}

/// Returns the number of English characters to expect for a Thai text. Fitted by least squares to lines 1 to 500 of FLORES
/// dev and their translations by people, Google and Microsoft.
fn expected_length(source: &str) -> f64 {
    let of_char = |c: char| match c {
        // Consonants.
        '\u{e01}'..='\u{e2e}' => 0.95,
        // Vowels, tone marks and other signs.
        '\u{e30}'..='\u{e4e}' => 0.88,
        '0'..='9' => 0.25,
        ' ' => 1.8,
        c if c.is_alphabetic() => 0.6,
        _ => 0.0,
    };
    14.0 + source.chars().map(of_char).sum::<f64>()
}

/// Computes how far a length is from the expected one. Chance makes the square of the distance grow in proportion to the
/// length, the translator's manner in proportion to its square.
fn length_deviation(length: usize, expected: f64) -> f64 {
    (length as f64 - expected) / (expected * (1.0 + expected / 150.0)).sqrt()
}
