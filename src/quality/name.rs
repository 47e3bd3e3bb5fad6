//! A quality check for names, addresses and handles in Latin letters that a translation lacks.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use regex::Regex;
use std::sync::LazyLock;

/// Addresses, handles, hashtags, and capitalised Latin words of five letters or more; or a text in round brackets, which
/// translations often leave out as a gloss.
static LATIN_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\([^()]*\)|(https?://[!-~]+|www\.[!-~]+|[A-Za-z0-9_.+-]+@[A-Za-z0-9_.-]+|[#@][A-Za-z0-9_]{2,}|[A-Z][A-Za-z0-9]{4,})").ok()
});

/// Flags each name of the source in Latin letters that the translation has in no spelling that is nearly the same.
///
/// The rule was chosen on the lines of FLORES dev.
pub(super) fn check_name(pair: &CheckedPair) -> Vec<Finding> {
    let Some(pattern) = LATIN_NAME.as_ref() else {
        return Vec::new();
    };
    let target = letters_and_digits(pair.target);
    let mut missing: Vec<Finding> = Vec::new();
    for found in pattern.captures_iter(pair.source).filter_map(|found| found.get(1)) {
        let name = found.as_str().trim_end_matches(['.', ',']);
        let wanted = letters_and_digits(name);
        // Of a word, four letters in a row are enough, for other spellings; of an address or handle, all are needed.
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_present = if is_word {
            wanted
                .as_bytes()
                .windows(4)
                .any(|part| target.as_bytes().windows(4).any(|other| other == part))
        } else {
            target.contains(&wanted)
        };
        if !is_present && missing.iter().all(|other| other.detail != name) {
            let span = (found.start()..found.start() + name.len()).into();
            missing.push(Finding::new(Flag::Name, Some(span), None, name));
        }
    }
    missing
}

/// Returns the ASCII letters and digits of a text, in lower case and without anything between them.
fn letters_and_digits(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::FinishReason;
    use proptest::prelude::*;

    fn list_missing(source: &str, target: &str) -> Vec<String> {
        let pair = CheckedPair {
            source,
            target,
            finish: FinishReason::Stop,
            examples: &[],
        };
        check_name(&pair).into_iter().map(|finding| finding.detail).collect()
    }

    #[test]
    fn missing_names_are_found_and_other_spellings_allowed() {
        let source = "เขาใช้ Telegram กับ Python (Guido) ดู https://example.org/a หรือ @plae";
        assert!(
            list_missing(
                source,
                "He uses Telegram's app with PYTHON; see https://example.org/a or @plae"
            )
            .is_empty()
        );
        assert_eq!(
            list_missing(source, "He uses it with Python; see the page"),
            ["Telegram", "https://example.org/a", "@plae"]
        );
    }

    proptest! {
        #[test]
        fn any_pair_can_be_checked(source in any::<String>(), target in any::<String>()) {
            list_missing(&source, &target);
            list_missing(&format!("{source}Abcd{target}"), &target);
        }
    }
}
