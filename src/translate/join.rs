//! Joins the translations of a sentence's parts into one translation.

/// English words that are no names: they are capitalised only at the start of a sentence.
const NON_NAME_WORDS: &str = "A About According After All Also Although An And As At Because Before Both But By During For From Had Has Have \
    He Her His How However If In Including Into Is It Its Of On Or She Since So Than That The Their Then There \
    These They This Through To Until Was We When Where Which While Who With";

/// Joins the translations of a sentence's parts by spaces. A model writes each part as a sentence of its own. So where
/// the preceding part does not end like a sentence, a common first word such as `The` loses its capital letter.
pub fn join_translations(parts: &[String]) -> String {
    let mut whole = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let goes_on = whole.ends_with(|last: char| last.is_alphanumeric() || [',', ';'].contains(&last));
        if !whole.is_empty() {
            whole.push(' ');
        }
        let word = part
            .split(|char: char| !char.is_alphabetic())
            .next()
            .unwrap_or_default();
        if goes_on && NON_NAME_WORDS.split(' ').any(|small| small == word) {
            whole.extend([&word.to_lowercase(), &part[word.len()..]])
        } else {
            whole.push_str(part)
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::join_translations;

    #[test]
    fn parts_are_joined_as_one_sentence_where_they_are_one() {
        let join = |parts: &[&str]| join_translations(&parts.iter().map(|part| part.to_string()).collect::<Vec<_>>());
        assert_eq!(
            join(&["To keep it safe", "And to use it", "", "Bangkok grew."]),
            "To keep it safe and to use it Bangkok grew."
        );
        assert_eq!(join(&["It rained.", "The river rose"]), "It rained. The river rose");
        assert_eq!(join(&["In 2023,", "The river rose"]), "In 2023, the river rose");
        assert_eq!(join(&["They said", "Theresa left"]), "They said Theresa left");
        assert_eq!(join(&["", "The river"]), "The river");
        assert_eq!(join(&[]), "");
    }
}
