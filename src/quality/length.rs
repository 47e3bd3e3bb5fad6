//! Quality checks for translations that are too short or too long for their source.

use super::CheckedPair;
use crate::document::{Finding, Flag};

/// Minimum length in characters of a source whose translation is checked. Translations of shorter sources may have any
/// length.
const MIN_SOURCE_CHARS: usize = 40;
/// Least deviation from the expected length, in units of the square root of that length, of a sound translation.
/// Measured on the 997 references of FLORES dev and on two systems' outputs for them: below it lie 1, 0 and 4 lines,
/// those of the systems all with parts missing.
const MIN_LENGTH_DEVIATION: f64 = -4.9;
/// Greatest deviation from the expected length of a sound translation, in the same units; measured on the same lines.
const MAX_LENGTH_DEVIATION: f64 = 6.5;

/// Flags a translation that is much shorter or much longer than the source leads to expect.
pub(super) fn check_length(pair: &CheckedPair) -> Vec<Finding> {
    if pair.source.chars().count() < MIN_SOURCE_CHARS {
        return Vec::new();
    }
    let expected = expected_length(pair.source);
    let length = count_shown_chars(pair.target.trim()) as f64;
    let deviation = (length - expected) / expected.sqrt();
    let flag = if deviation < MIN_LENGTH_DEVIATION {
        Flag::Omission
    } else if deviation > MAX_LENGTH_DEVIATION {
        Flag::Addition
    } else {
        return Vec::new();
    };
    let detail = format!("{length:.0} characters, about {expected:.0} expected");
    vec![Finding::new(flag, None, None, detail)]
}

/// Estimates the number of characters of an English translation. The weights are fitted on lines 1 to 500 of FLORES
/// dev.
fn expected_length(source: &str) -> f64 {
    let weight = |c: char| match c {
        '\u{e01}'..='\u{e2e}' => 0.95,
        '\u{e30}'..='\u{e4e}' => 0.88,
        'A'..='Z' | 'a'..='z' => 0.6,
        ' ' => 1.8,
        c if c.is_numeric() => 0.25,
        _ => 0.0,
    };
    14.0 + source.chars().map(weight).sum::<f64>()
}

/// Counts the characters of a text, where a character reference of HTML such as `&#39;` counts as one.
fn count_shown_chars(text: &str) -> usize {
    let hidden = text.split('&').skip(1).map(|rest| match rest.find(';') {
        Some(length @ 2..=8)
            if rest[..length]
                .bytes()
                .all(|byte| byte == b'#' || byte.is_ascii_alphanumeric()) =>
        {
            length + 1
        }
        _ => 0,
    });
    text.chars().count() - hidden.sum::<usize>()
}
