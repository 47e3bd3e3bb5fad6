//! A quality check for translations that repeat themselves: one phrase in an endless loop, or the same few words
//! throughout.

use super::CheckedPair;
use crate::document::{Finding, FinishReason, Flag};
use std::collections::HashMap;

/// Flags a translation that the search ended because of endless repetition, or that repeats itself far more than its
/// source.
pub(super) fn check_repetition(pair: &CheckedPair) -> Vec<Finding> {
    let repeats = pair.finish == FinishReason::Loop || repeats_more_than_source(pair.source, pair.target);
    Vec::from_iter(repeats.then(|| Flag::Repetition.into()))
}

fn repeats_more_than_source(source: &str, target: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<char>>();
    let looped = repeated_share(&chars(target));
    if looped > 0.0 && looped > 2.0 * repeated_share(&chars(source)) {
        return true;
    }
    has_frequent_phrases(target) || (has_repeated_words(target) && !repeats_a_phrase(source))
}

/// Whether a text says five words or more twice in a row, its last three words twice, or one or two words four times.
fn has_repeated_words(text: &str) -> bool {
    const MAX_PHRASE_WORDS: usize = 80;
    const MIN_PHRASE_WORDS: usize = 5;
    const MIN_LAST_WORDS: usize = 3;
    const MIN_COUNT_OF_SHORT_PHRASES: usize = 4;
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect();
    (1..=MAX_PHRASE_WORDS.min(words.len() / 2)).any(|length| {
        // Number of consecutive words that equal the one `length` words earlier.
        let mut run = 0;
        (length..words.len()).any(|index| {
            run = if words[index] == words[index - length] {
                run + 1
            } else {
                0
            };
            let is_at_end = index + 1 == words.len();
            run >= length && (length >= MIN_PHRASE_WORDS || length >= MIN_LAST_WORDS && is_at_end)
                || run >= length * (MIN_COUNT_OF_SHORT_PHRASES - 1)
        })
    })
}

/// Whether a Thai text says a phrase twice in a row: ten characters or more that are not spaces.
fn repeats_a_phrase(source: &str) -> bool {
    const PHRASE_CHARS: std::ops::RangeInclusive<usize> = 10..=120;
    let chars: Vec<char> = source.chars().filter(|c| !c.is_whitespace()).collect();
    let is_repeated = |&unit: &usize| {
        let mut run = 0;
        (unit..chars.len()).any(|index| {
            run = if chars[index] == chars[index - unit] {
                run + 1
            } else {
                0
            };
            run >= unit
        })
    };
    PHRASE_CHARS
        .filter(|unit| unit * 2 <= chars.len())
        .any(|unit| is_repeated(&unit))
}

/// Computes the share of a text, from 0 to 1, that is covered by its longest immediate repetition.
///
/// Only repetitions count of a unit of at most 120 characters, at least four times in a row and over at least 24
/// characters; without one, the share is 0.
fn repeated_share(text: &[char]) -> f64 {
    const MAX_REPEATED_UNIT_CHARS: usize = 120;
    const MIN_REPETITION_CHARS: usize = 24;
    const MIN_REPETITIONS: usize = 4;
    let mut longest = 0;
    for unit in 1..=MAX_REPEATED_UNIT_CHARS.min(text.len() / MIN_REPETITIONS) {
        // Number of consecutive characters that equal the one `unit` characters earlier.
        let mut run = 0;
        for index in unit..text.len() {
            run = if text[index] == text[index - unit] { run + 1 } else { 0 };
            if run + unit >= MIN_REPETITION_CHARS.max(unit * MIN_REPETITIONS) {
                longest = longest.max(run + unit);
            }
        }
    }
    longest as f64 / text.len().max(1) as f64
}

/// Whether more than half of a text's words lie in phrases of four words that occur at least three times. Always false
/// for a text of fewer than 24 words.
fn has_frequent_phrases(text: &str) -> bool {
    const PHRASE_WORDS: usize = 4;
    const MIN_PHRASE_COUNT: usize = 3;
    const MIN_TEXT_WORDS: usize = 24;
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if words.len() < MIN_TEXT_WORDS {
        return false;
    }
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for phrase in words.windows(PHRASE_WORDS) {
        *counts.entry(phrase).or_default() += 1;
    }
    // Phrases overlap: each word counts once.
    let (mut repeated, mut counted_to) = (0, 0);
    for (index, phrase) in words.windows(PHRASE_WORDS).enumerate() {
        if counts[phrase] >= MIN_PHRASE_COUNT {
            repeated += index + PHRASE_WORDS - counted_to.max(index);
            counted_to = index + PHRASE_WORDS;
        }
    }
    repeated * 2 > words.len()
}
