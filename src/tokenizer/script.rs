//! Which tokens English text can be made of.

/// Whether a token, its space marks aside, is one character, or has no letters but Latin ones.
///
/// Single characters of any script stay, so that every text can still be spelled, name and quotation alike.
pub fn serves_english(token: &str) -> bool {
    let mut characters = token.chars().filter(|c| *c != '\u{2581}' && *c != ' ');
    let Some(first) = characters.next() else {
        return true;
    };
    match characters.next() {
        None => true,
        Some(second) => [first, second]
            .into_iter()
            .chain(characters)
            .all(|c| !c.is_alphabetic() || is_latin(c)),
    }
}

/// Whether a letter is of the Latin script: the blocks of Unicode's Blocks.txt that hold it.
fn is_latin(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | 'a'..='z' | 'ª' | 'º' | 'À'..='\u{2ff}' | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1eff}'
        | '\u{2071}' | '\u{207f}' | '\u{2090}'..='\u{209c}' | '\u{2100}'..='\u{218f}' | '\u{24b6}'..='\u{24e9}'
        | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}' | '\u{fb00}'..='\u{fb06}'
        | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

#[cfg(test)]
mod tests {
    use super::serves_english;

    #[test]
    fn english_needs_latin_words_signs_and_single_characters() {
        for token in [
            "",
            "\u{2581}",
            "\u{2581}the",
            "n't",
            "\u{2581}café",
            "ﬁ",
            "1,000",
            "\u{2581}20",
            "...",
            "ก",
            "\u{2581}ก",
            "語",
            "่",
            "<0xE0>",
            "</s>",
            "€",
            "—",
            " a b",
        ] {
            assert!(serves_english(token), "{token:?}");
        }
        for token in ["กา", "\u{2581}การ", "ab\u{e01}", "\u{2581}привет", "日本", "αβ", "กๆ"] {
            assert!(!serves_english(token), "{token:?}");
        }
    }
}
