//! A quality check for translations that take over text of the examples in the model's prompt.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use std::collections::HashSet;

/// Number of words in a row that a translation must share with an example to be flagged.
const MIN_SHARED_WORDS: usize = 5;
/// Number of capitalised words in a row, a person's or a place's name, that a translation must share with an example.
const MIN_SHARED_NAME_WORDS: usize = 2;

/// Flags a translation with a phrase or a name of an example.
pub(super) fn check_copied_example(pair: &CheckedPair) -> Vec<Finding> {
    if pair.examples.is_empty() {
        return Vec::new();
    }
    let phrases: Vec<Vec<&str>> = pair.examples.iter().map(|example| list_words(example)).collect();
    let target = list_words(pair.target);
    for count in [MIN_SHARED_WORDS, MIN_SHARED_NAME_WORDS] {
        let is_candidate = |words: &&[&str]| {
            let capitalised = |word: &&str| word.starts_with(char::is_uppercase) && word.chars().nth(1).is_some();
            count != MIN_SHARED_NAME_WORDS || words.iter().all(capitalised)
        };
        let known: HashSet<&[&str]> = phrases
            .iter()
            .flat_map(|words| words.windows(count))
            .filter(is_candidate)
            .collect();
        if let Some(words) = target
            .windows(count)
            .filter(is_candidate)
            .find(|words| known.contains(words))
        {
            return vec![Finding::new(Flag::CopiedExample, None, None, words.join(" "))];
        }
    }
    Vec::new()
}

/// Lists the words of a text without the punctuation around them.
fn list_words(text: &str) -> Vec<&str> {
    let words = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::FinishReason;

    #[test]
    fn phrases_and_names_of_examples_are_found() {
        let examples = ["Yesterday, Malee Suksan opened the new library in the village.".to_owned()];
        let is_flagged = |target| {
            let pair = CheckedPair {
                source: "ก",
                target,
                finish: FinishReason::Stop,
                examples: &examples,
            };
            !check_copied_example(&pair).is_empty()
        };
        assert!(is_flagged("The speaker was Malee Suksan."));
        assert!(is_flagged("He opened the new library in March."));
        assert!(!is_flagged(
            "The new library is large. Yesterday it rained in the village."
        ));
        assert!(!is_flagged(""));
    }
}
