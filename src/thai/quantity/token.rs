//! The tokenizer for quantities: cuts a text into numerals, words of the lexicon, other words and symbols.

use super::amount::Amount;
use super::kind::{Numeral, TokenKind};
use super::lexicon;
use crate::thai::{has_thai, is_letter};
use icu_segmenter::WordSegmenter;

/// A token of a text: a numeral, a word or a symbol. White space and invisible characters belong to no token.
#[derive(Clone, Copy, Debug)]
pub struct QuantityToken {
    /// Byte offset in the text at which the token starts.
    pub start: usize,
    /// Byte offset in the text at which the token ends.
    pub end: usize,
    /// Whether there is no white space between this token and the token before it.
    pub is_glued: bool,
    /// What the token means in a quantity.
    pub kind: TokenKind,
}

/// Most digits that an amount may have before its decimal point; longer numerals are read as codes.
const MAX_WHOLE_DIGITS: usize = 18;
/// Most digits that an amount may have after its decimal point; longer numerals are read as codes.
const MAX_DECIMALS: usize = 12;

/// Cuts a text into tokens.
pub fn cut_into_tokens(text: &str) -> Vec<QuantityToken> {
    // Only Thai words are looked up at word boundaries.
    let mut boundaries: Vec<usize> = Vec::new();
    if has_thai(text) {
        boundaries.extend(WordSegmenter::new_dictionary(Default::default()).segment_str(text));
        boundaries.extend(lexicon::certain_word_boundaries(text));
        boundaries.sort_unstable();
    }
    let mut tokens: Vec<QuantityToken> = Vec::new();
    let mut at = 0;
    let mut glued = false;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        if c.is_whitespace() && c != '\n' || is_invisible(c) {
            at += c.len_utf8();
            glued &= is_invisible(c);
            continue;
        }
        let mut push = |kind, end| {
            tokens.push(QuantityToken {
                start: at,
                end,
                is_glued: glued,
                kind,
            });
            (at, glued) = (end, true);
        };
        if is_digit(c) {
            let (kind, end) = numeral_token(text, start);
            push(kind, end);
        } else if is_letter(c) {
            let word_end = boundaries[boundaries.partition_point(|&boundary| boundary <= start)..]
                .first()
                .copied()
                .unwrap_or(text.len());
            let entries = adjacent_lexicon_entries(text, start, &boundaries);
            if entries.is_empty() {
                // The word ends with its Thai letters: digits may follow without a word boundary.
                let thai = text[start..word_end].find(|c| !is_letter(c));
                push(TokenKind::Word, thai.map_or(word_end, |len| start + len));
            }
            for (kind, end) in entries {
                push(kind, end);
            }
        } else if c.is_alphabetic() {
            let end = latin_word_end(text, start);
            push(lexicon::lookup_latin_word(&text[start..end]), end);
        } else if let Some(end) = character_reference_end(text, start) {
            push(TokenKind::Symbol('\''), end);
        } else {
            let kind = match lexicon::currency_of_symbol(c) {
                Some(code) => TokenKind::Currency(code),
                None if c == '%' || c == '٪' || c == '％' => TokenKind::Percent,
                None if c == '\n' => TokenKind::LineBreak,
                None => TokenKind::Symbol(c),
            };
            push(kind, start + c.len_utf8());
        }
    }
    tokens
}

/// Cuts a Thai word that starts at byte `start` into entries of the lexicon that follow each other without a gap.
/// Returns each entry with the byte offset of its end. Returns nothing if the entries do not end at a word boundary.
fn adjacent_lexicon_entries(text: &str, start: usize, boundaries: &[usize]) -> Vec<(TokenKind, usize)> {
    /// Maximum number of lexicon entries that one word may be split into.
    const MAX_ENTRIES_PER_WORD: usize = 8;
    let mut found = Vec::new();
    let mut at = start;
    while found.len() < MAX_ENTRIES_PER_WORD {
        let Some((kind, end)) = lexicon::lookup_thai_word(text, at) else {
            return Vec::new();
        };
        found.push((kind, end));
        let next = text[end..].chars().next();
        let inside_syllable = next.is_some_and(is_dependent_sign);
        // The dot of an abbreviation is a boundary too.
        if !inside_syllable
            && (boundaries.binary_search(&end).is_ok() || text[..end].ends_with('.') || !next.is_some_and(is_letter))
        {
            return found;
        }
        at = end;
    }
    Vec::new()
}

/// Whether a character is a Thai vowel or mark with which no word can begin.
fn is_dependent_sign(c: char) -> bool {
    matches!(c, '\u{e30}'..='\u{e3a}' | '\u{e45}' | '\u{e47}'..='\u{e4e}')
}

/// Returns the byte offset of the end of a numeric character reference such as `&#39;`, which some translators leave in
/// their text, if one starts at byte `start`.
fn character_reference_end(text: &str, start: usize) -> Option<usize> {
    let digits = text[start..].strip_prefix("&#")?;
    let len = digits
        .find(|c: char| !c.is_ascii_digit())
        .filter(|&len| (1..=4).contains(&len))?;
    digits[len..].starts_with(';').then_some(start + "&#;".len() + len)
}

/// Whether a character has no width; such characters may stand between the words of a number.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Whether a character is an Arabic or a Thai digit.
pub fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | '๐'..='๙')
}

/// Returns the value of an Arabic or Thai digit.
fn digit_value(c: char) -> u64 {
    match c {
        '๐'..='๙' => u64::from(c as u32 - '๐' as u32),
        _ => u64::from(c.to_digit(10).unwrap_or(0)),
    }
}

/// Reads a number in digits that starts at byte `start`, with commas between thousands and a decimal point. Digits with
/// two or more points are a code, such as a version. Returns the token's kind and the byte offset of its end.
fn numeral_token(text: &str, start: usize) -> (TokenKind, usize) {
    let run = |at: usize| text[at..].find(|c| !is_digit(c)).map_or(text.len(), |len| at + len);
    let count = |range: std::ops::Range<usize>| text[range].chars().count();
    let mut end = run(start);
    let mut grouped = false;
    while grouped || count(start..end) <= 3 {
        let Some(group) = text[end..].strip_prefix(',').map(|_| end + 1) else {
            break;
        };
        let next = run(group);
        if count(group..next) != 3 {
            break;
        }
        (end, grouped) = (next, true);
    }
    let whole_end = end;
    let mut points = 0;
    let mut tail = end..end;
    while text[end..].starts_with('.') && run(end + 1) > end + 1 {
        points += 1;
        tail = end + 1..run(end + 1);
        end = tail.end;
    }
    let digits = |range: std::ops::Range<usize>| text[range].chars().filter(|&c| c != ',').map(digit_value);
    let (whole, fraction) = (digits(start..whole_end), digits(tail.clone()));
    let (whole_count, tail_count) = (whole.clone().count(), fraction.clone().count());
    if points > 1 || whole_count > MAX_WHOLE_DIGITS || tail_count > MAX_DECIMALS {
        return (TokenKind::Code, end);
    }
    let fold = |digits: &mut dyn Iterator<Item = u64>| digits.fold(0u64, |sum, digit| sum * 10 + digit);
    let (mut whole, mut fraction) = (whole, fraction);
    let (whole, fraction) = (fold(&mut whole), fold(&mut fraction));
    let places = Amount::from_ratio(fraction.into(), 10u128.pow(tail_count as u32));
    let Some(amount) = places.and_then(|places| Amount::from_integer(whole).checked_add(places)) else {
        return (TokenKind::Code, end);
    };
    let numeral = Numeral {
        amount,
        whole,
        digits: whole_count as u8,
        decimals: (points == 1).then_some((fraction, tail_count as u8)),
        has_commas: grouped,
    };
    (TokenKind::Numeral(numeral), end)
}

/// Returns the byte offset at which the Latin word at byte `start` ends. Letters and accents belong to it, and so do
/// the apostrophe of o'clock, the dots of `a.m.` and the dollar sign of `US$`.
fn latin_word_end(text: &str, start: usize) -> usize {
    let is_part = |c: char| c.is_alphabetic() && !is_letter(c) || matches!(c, '\u{300}'..='\u{36f}');
    let letters = |at: usize| text[at..].find(|c| !is_part(c)).map_or(text.len(), |len| at + len);
    let mut end = letters(start);
    if text[start..end].eq_ignore_ascii_case("o") {
        for mark in ["'", "’"] {
            let clock = end + mark.len();
            if text[end..].starts_with(mark) && text[clock..].starts_with("clock") {
                return letters(clock);
            }
        }
    }
    let mut last = start;
    while text[last..end].chars().count() == 1 && text[end..].starts_with('.') && letters(end + 1) > end + 1 {
        last = end + 1;
        end = letters(last);
    }
    if last > start && text[end..].starts_with('.') && text[last..end].chars().count() == 1 {
        end += 1;
    }
    let dollar = &text[start..end];
    if text[end..].starts_with('$')
        && matches!(
            lexicon::lookup_latin_word(&format!("{dollar}$")),
            TokenKind::Currency(_)
        )
    {
        end += 1;
    }
    end
}
