//! Normalisation of private-use characters: glyphs of old Thai fonts, and bullets of symbol fonts.

use super::invisible::drop_invisible_chars;
use super::{SourceChar, chars_with_spans};

/// Replaces private-use characters of old Thai fonts, of symbol fonts and of PDF text layers by the standard characters
/// that they look like. A character of a symbol font that stands alone is taken for a bullet.
pub fn map_private_glyphs(mut chars: Vec<SourceChar>) -> Vec<SourceChar> {
    for index in 0..chars.len() {
        let c = chars[index].c;
        if !is_private(c) {
            continue;
        }
        let is_apart = |other: Option<&SourceChar>| other.is_none_or(|other| other.c.is_whitespace());
        let is_alone = is_apart(index.checked_sub(1).map(|before| &chars[before])) && is_apart(chars.get(index + 1));
        chars[index].c = match standard_char_for_thai_glyph(c).or_else(|| standard_char_for_symbol(c)) {
            Some(standard) => standard,
            None if is_alone && matches!(c, '\u{f020}'..='\u{f0ff}') => '•',
            None => c,
        };
    }
    chars
}

/// Whether a text has characters that were lost before plae read it: the replacement character U+FFFD, or inside a word
/// a private-use character without a known meaning.
pub fn has_lost_chars(text: &str) -> bool {
    if !text.chars().any(|c| c == char::REPLACEMENT_CHARACTER || is_private(c)) {
        return false;
    }
    let chars = map_private_glyphs(drop_invisible_chars(chars_with_spans(text)));
    let is_word_part = |other: Option<&SourceChar>| {
        other.is_some_and(|other| other.c.is_alphabetic() || super::is_thai_mark(other.c) || is_private(other.c))
    };
    chars.iter().enumerate().any(|(index, char)| {
        let before = index.checked_sub(1).map(|before| &chars[before]);
        char.c == char::REPLACEMENT_CHARACTER
            || is_private(char.c) && (is_word_part(before) || is_word_part(chars.get(index + 1)))
    })
}

/// Whether a character has no meaning but in one font. U+F8FF does not count: it is known as the logo of Apple.
pub fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8fe}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

/// Returns the standard Thai character for a private-use one of an old Thai font. Windows and Macintosh fonts used
/// private-use characters for shifted marks and for consonants without their lower part; the table is that of
/// HarfBuzz's `hb-ot-shaper-thai.cc`, inverted.
fn standard_char_for_thai_glyph(c: char) -> Option<char> {
    Some(match c {
        '\u{f700}' | '\u{f89e}' => 'ฐ',
        '\u{f70f}' | '\u{f89a}' => 'ญ',
        '\u{f701}' | '\u{f885}' => '\u{e34}',
        '\u{f702}' | '\u{f886}' => '\u{e35}',
        '\u{f703}' | '\u{f887}' => '\u{e36}',
        '\u{f704}' | '\u{f888}' => '\u{e37}',
        '\u{f710}' | '\u{f884}' => '\u{e31}',
        '\u{f711}' | '\u{f899}' => '\u{e4d}',
        '\u{f712}' | '\u{f889}' => '\u{e47}',
        '\u{f705}' | '\u{f70a}' | '\u{f713}' | '\u{f88a}' | '\u{f88b}' | '\u{f88c}' => '\u{e48}',
        '\u{f706}' | '\u{f70b}' | '\u{f714}' | '\u{f88d}' | '\u{f88e}' | '\u{f88f}' => '\u{e49}',
        '\u{f707}' | '\u{f70c}' | '\u{f715}' | '\u{f890}' | '\u{f891}' | '\u{f892}' => '\u{e4a}',
        '\u{f708}' | '\u{f70d}' | '\u{f716}' | '\u{f893}' | '\u{f894}' | '\u{f895}' => '\u{e4b}',
        '\u{f709}' | '\u{f70e}' | '\u{f717}' | '\u{f896}' | '\u{f897}' | '\u{f898}' => '\u{e4c}',
        '\u{f718}' | '\u{f89b}' => '\u{e38}',
        '\u{f719}' | '\u{f89c}' => '\u{e39}',
        '\u{f71a}' | '\u{f89d}' => '\u{e3a}',
        _ => return None,
    })
}

/// Returns the standard character for one of the fonts Symbol and Wingdings, which Word writes as U+F000 plus its
/// number in the font: the usual bullets, and the arrows and faces that Word puts in place of `-->` and `:)`.
fn standard_char_for_symbol(c: char) -> Option<char> {
    Some(match c {
        '\u{f06c}'
        | '\u{f06e}'
        | '\u{f06f}'
        | '\u{f071}'
        | '\u{f072}'
        | '\u{f075}'..='\u{f077}'
        | '\u{f09f}'
        | '\u{f0a7}'
        | '\u{f0a8}'
        | '\u{f0b2}'
        | '\u{f0b7}'
        | '\u{f0d8}' => '•',
        '\u{f0fc}' => '✓',
        '\u{f0fe}' => '☑',
        '\u{f0df}' | '\u{f0e7}' => '←',
        '\u{f0e0}' | '\u{f0e8}' | '\u{f0f0}' => '→',
        '\u{f04a}' => '☺',
        '\u{f04c}' => '☹',
        _ => return None,
    })
}
