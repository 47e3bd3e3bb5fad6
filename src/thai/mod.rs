//! Thai text: encodings, normalisation, sentence splitting, and numbers and dates (in English too).

pub mod cuts;
pub mod encoding;
mod features;
mod lexicon;
mod line;
mod normal;
pub mod quantity;
mod rule;
pub mod scorer;
pub mod split;

pub use normal::{NormalisedText, VisibleText, has_lost_chars, is_invisible, is_no_break_space, normalise_thai};

/// Whether a character is a Thai letter or mark: a consonant, vowel, tone mark or other sign, but not a Thai digit and
/// not ฿ ๏ ๚ ๛.
pub fn is_letter(c: char) -> bool {
    matches!(c, '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}')
}

/// Whether a text contains at least one Thai letter, and so has Thai to translate. Thai digits and the baht sign do not
/// count.
pub fn has_thai(text: &str) -> bool {
    text.chars().any(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thai_is_found_by_its_letters() {
        for (text, thai) in [
            ("", false),
            ("Bangkok 2023", false),
            ("๑๒๓ ฿", false),
            ("ก", true),
            ("price ๑๐๐ บาท", true),
            ("ที่", true),
            ("漢字", false),
            ("ລາວ", false),
            ("ลาว ລາວ", true),
        ] {
            assert_eq!(has_thai(text), thai, "{text}");
        }
    }
}
