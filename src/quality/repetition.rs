//! A quality check for translations that repeat themselves: one phrase in an endless loop, or the same few words
//! throughout.

use super::CheckedPair;
use crate::document::{Finding, FinishReason, Flag};
use std::collections::HashMap;

/// Flags a translation that the search ended because of endless repetition, or that repeats itself far more than its
/// source.
pub(super) fn check_repetition(pair: &CheckedPair) -> Vec<Finding> {
    let repeats = pair.finish == FinishReason::Loop
        || repeats_more_than_source(pair.source, pair.target)
        || repeats_its_end(pair.target) && !repeats_its_end(pair.source);
    Vec::from_iter(repeats.then(|| Flag::Repetition.into()))
}

fn repeats_more_than_source(source: &str, target: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<char>>();
    let looped = repeated_share(&chars(target));
    if looped > 0.0 && looped > 2.0 * repeated_share(&chars(source)) {
        return true;
    }
    has_frequent_phrases(target)
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

/// Whether the last words of a text, at least four of them and 16 characters, stand directly before themselves once
/// more, apart from punctuation and capitals; or the last words up to three, twice more.
fn repeats_its_end(text: &str) -> bool {
    const MIN_TAIL_WORDS: usize = 4;
    const MIN_TAIL_CHARS: usize = 16;
    const MAX_TAIL_WORDS: usize = 60;
    let clean = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let words: Vec<String> = text
        .split_whitespace()
        .map(clean)
        .filter(|word| !word.is_empty())
        .collect();
    (1..=MAX_TAIL_WORDS.min(words.len() / 2)).any(|length| {
        let (rest, tail) = words.split_at(words.len() - length);
        let repeats = rest.rchunks_exact(length).take_while(|chunk| *chunk == tail).count();
        let chars: usize = tail.iter().map(|word| word.chars().count() + 1).sum();
        repeats >= 2 && chars > 3 || repeats == 1 && length >= MIN_TAIL_WORDS && chars > MIN_TAIL_CHARS
    })
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
