//! Clean-up of decoded text, with the results of transformers.

/// Whether Python's `str.strip` treats a character as white space.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Drops spaces before punctuation and English contractions (`clean_up_tokenization` of transformers), for models that
/// ask for clean-up in their settings.
pub fn clean_up_tokenization(text: &str) -> String {
    const CLEANUP_RULES: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    CLEANUP_RULES
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
