//! The rules for abbreviations: the dot of an abbreviation mostly does not end a sentence.

use super::{NoCutRule, begins_with_word, is_closing_sign, is_consonant, is_digit, is_latin};
use crate::thai::is_letter;
use crate::thai::lexicon::{
    LATIN_ABBREVIATIONS, LATIN_LETTER_NAMES, LEADING_ABBREVIATIONS, SENTENCE_OPENERS, TITLE_ABBREVIATIONS,
    TRAILING_ABBREVIATIONS,
};
use crate::thai::line::Line;

/// Returns [`NoCutRule::Abbreviation`] if a cut at a gap (the white space between two chunks of text) is forbidden because
/// the dot before it belongs to an abbreviation.
pub fn forbid_cut_after_abbreviation(line: &Line, gap: usize) -> Option<NoCutRule> {
    let mut next = line.chunk(gap + 1).chars();
    // An abbreviation written with spaces: `มี. ค.`, `พ. ศ.`
    let spaced = next.next().is_some_and(is_consonant)
        && next.next() == Some('.')
        && line.chunk(gap).chars().rev().nth(1).is_some_and(is_letter);
    let forbidden = spaced
        || match abbreviation_before_gap(line, gap)? {
            AbbreviationKind::Leading => true,
            AbbreviationKind::Trailing => !begins_with_word(line, gap + 1, &SENTENCE_OPENERS),
        };
    forbidden.then_some(NoCutRule::Abbreviation)
}

/// Whether an abbreviation can be the last word of a sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AbbreviationKind {
    /// A word that belongs to the abbreviation always follows, so no sentence ends with it.
    Leading,
    /// The abbreviation may be the last word of a sentence.
    Trailing,
}

/// Returns the kind of the abbreviation whose dot stands right before a gap (the white space between two chunks of
/// text), or `None` if there is no abbreviation before the gap.
pub fn abbreviation_before_gap(line: &Line, gap: usize) -> Option<AbbreviationKind> {
    let left = line.chunk(gap).trim_end_matches(is_closing_sign);
    if !left.ends_with('.') || left.ends_with("..") {
        return None;
    }
    let tail_at = left
        .char_indices()
        .rev()
        .take(24)
        .take_while(|&(_, c)| c == '.' || is_letter(c) && !matches!(c, 'ฯ' | 'ๆ'))
        .last()
        .map(|(at, _)| at)?;
    let (head, tail) = left.split_at(tail_at);
    if tail == "." {
        return latin_abbreviation(left, line.chunk(gap + 1));
    }
    let after_number =
        head.ends_with(is_digit) || head.is_empty() && gap > 0 && line.chunk(gap - 1).ends_with(is_digit);
    for (at, _) in tail.char_indices() {
        let form = &tail[at..];
        let dots = form.matches('.').count();
        // A short form without a space before it may as well be the end of a word.
        let alone = at == 0 || tail[..at].ends_with('.');
        let word = alone
            || line
                .word_boundaries
                .binary_search(&(line.chunks[gap].start + tail_at + at))
                .is_ok();
        if word && LATIN_LETTER_NAMES.contains(form) {
            return Some(AbbreviationKind::Leading);
        }
        if !alone
            && dots < 2
            && form.chars().count() < 4
            && !(word && form.chars().count() == 3 && TRAILING_ABBREVIATIONS.contains(form))
        {
            continue;
        }
        if TITLE_ABBREVIATIONS.contains(form) || LEADING_ABBREVIATIONS.contains(form) {
            return Some(if after_number {
                AbbreviationKind::Trailing
            } else {
                AbbreviationKind::Leading
            });
        }
        if TRAILING_ABBREVIATIONS.contains(form) {
            return Some(AbbreviationKind::Trailing);
        }
        let consonants = form.chars().all(|c| c == '.' || is_consonant(c));
        let longest = form.split('.').map(|part| part.chars().count()).max().unwrap_or(0);
        if consonants && longest <= 5 && (dots > 1 || alone) {
            return Some(AbbreviationKind::Trailing);
        }
    }
    None
}

/// Returns the kind of the abbreviation in Latin letters whose dot ends `left`, or `None` if `left` does not end with
/// one. `right` is the text after the space.
fn latin_abbreviation(left: &str, right: &str) -> Option<AbbreviationKind> {
    let word = left
        .trim_end_matches('.')
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .next()?;
    let initial = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase());
    let initials = word.len() <= 7 && word.split('.').all(|part| part.len() == 1) && !word.starts_with(is_digit);
    if initial || initials || LATIN_ABBREVIATIONS.contains(word.to_ascii_lowercase().as_str()) {
        return Some(AbbreviationKind::Leading);
    }
    // No English sentence ends at a dot that a lower-case word follows.
    (word.ends_with(is_latin) && right.starts_with(|c: char| c.is_ascii_lowercase()))
        .then_some(AbbreviationKind::Leading)
}
