//! A quality check for translations that take over text of the examples in the model's prompt.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use std::collections::HashSet;

/// Number of words in a row that a translation must share with an example to be flagged.
const MIN_SHARED_WORDS: usize = 5;
/// Number of capitalised words in a row, a person's or a place's name, that a translation must share with an example.
const MIN_SHARED_NAME_WORDS: usize = 2;

/// Number of characters in a row that a source shares with the Thai of an example if both speak of the same thing.
const MIN_SHARED_SOURCE_CHARS: usize = 8;

/// Flags a translation with a phrase or a name of an example. A source that shares a phrase with the example's Thai may
/// share its translation too.
pub(super) fn check_copied_example(pair: &CheckedPair) -> Vec<Finding> {
    let target = list_words(pair.target);
    let copied = pair.examples.iter().find_map(|(thai, english)| {
        let shared = find_shared_words(&list_words(english), &target)?;
        (!shares_phrase(thai, pair.source)).then_some(shared)
    });
    Vec::from_iter(copied.map(|words| Finding::new(Flag::CopiedExample, None, None, words)))
}

/// Finds a phrase or a name of `example` in `target`; both are given as words.
fn find_shared_words(example: &[&str], target: &[&str]) -> Option<String> {
    let is_name = |words: &[&str]| {
        let is_capitalised = |word: &&str| word.starts_with(char::is_uppercase) && word.chars().nth(1).is_some();
        words.iter().all(is_capitalised)
    };
    let phrases: HashSet<&[&str]> = example.windows(MIN_SHARED_WORDS).collect();
    let names: HashSet<&[&str]> = example
        .windows(MIN_SHARED_NAME_WORDS)
        .filter(|words| is_name(words))
        .collect();
    let mut shared = target.windows(MIN_SHARED_WORDS).filter(|words| phrases.contains(words));
    let mut shared_names = target
        .windows(MIN_SHARED_NAME_WORDS)
        .filter(|words| names.contains(words));
    shared
        .next()
        .or_else(|| shared_names.next())
        .map(|words| words.join(" "))
}

/// Whether two texts have a phrase of [`MIN_SHARED_SOURCE_CHARS`] characters in common.
fn shares_phrase(a: &str, b: &str) -> bool {
    let chars = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<Vec<char>>();
    let (a, b) = (chars(a), chars(b));
    let phrases: HashSet<&[char]> = a.windows(MIN_SHARED_SOURCE_CHARS).collect();
    a == b
        || b.windows(MIN_SHARED_SOURCE_CHARS)
            .any(|phrase| phrases.contains(phrase))
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
        let examples = [(
            "เมื่อวาน มาลี สุขสันต์ เปิดห้องสมุดแห่งใหม่ในหมู่บ้าน".to_owned(),
            "Yesterday, Malee Suksan opened the new library in the village.".to_owned(),
        )];
        let is_flagged_for = |source, target| {
            let pair = CheckedPair {
                source,
                target,
                finish: FinishReason::Stop,
                examples: &examples,
            };
            !check_copied_example(&pair).is_empty()
        };
        let is_flagged = |target| is_flagged_for("ก", target);
        assert!(is_flagged("The speaker was Malee Suksan."));
        assert!(is_flagged("He opened the new library in March."));
        assert!(!is_flagged(
            "The new library is large. Yesterday it rained in the village."
        ));
        assert!(!is_flagged(""));
        assert!(!is_flagged_for("ประธานคือมาลี สุขสันต์", "The chair is Malee Suksan."));
    }
}
