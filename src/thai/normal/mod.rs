//! Normalisation: rewrites Thai text in the one form that a translation model expects, and remembers for each character
//! the source bytes that it stands for.
//!
//! Only a model's input and the keys of the translation memory are normalised; documents keep their source unchanged.

mod glyph;
mod invisible;
mod script;
mod torn;
mod visible;

use super::is_letter;
use crate::span::Span;
pub use glyph::has_lost_chars;
use glyph::map_private_glyphs;
use icu_normalizer::ComposingNormalizerBorrowed;
use invisible::drop_invisible_chars;
pub use invisible::{is_invisible, is_no_break_space};
use script::separate_scripts;
use std::borrow::Cow;
use std::ops::Range;
use torn::join_torn_words;
pub use visible::VisibleText;

/// A normalisation rule: takes the characters of a text, and replaces, joins or drops some of them.
type NormalisationRule = fn(Vec<SourceChar>) -> Vec<SourceChar>;

/// The normalisation rules in the order in which they are applied. Each rule is idempotent, and so is the whole list.
///
/// [`map_private_glyphs`], [`compose_accents`] and [`compose_sara_am`] only choose one of several encodings of the same
/// text. The other rules may lose something: a zero-width space may mark the end of a word; a vowel may be repeated for
/// emphasis; joining a torn word is a guess. NFKC is not applied, since it takes SARA AM apart. Quotation marks, dashes
/// and ฯลฯ (et cetera) are kept as they are.
const NORMALISATION_RULES: &[NormalisationRule] = &[
    drop_invisible_chars,
    map_private_glyphs,
    narrow_full_width_chars,
    map_thai_digits,
    separate_scripts,
    compose_accents,
    collapse_spaces,
    join_torn_words,
    move_marks_before_vowels,
    compose_sara_am,
    order_vowels_and_tone_marks,
    drop_repeated_vowels,
    attach_repetition_mark,
];

/// Normalises a text for a model: characters that look alike are encoded alike, invisible characters are dropped,
/// spaces are single.
///
/// Returns the text itself, borrowed, if it is in this form already.
pub fn normalise_thai(text: &str) -> Cow<'_, str> {
    let normal = NormalisedText::new(text);
    if normal.text == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(normal.text)
    }
}

/// A normalised text that knows which bytes of the source each of its characters stands for.
///
/// ```
/// use plae::thai::NormalisedText;
///
/// let normal = NormalisedText::new("ปี  ๒๕๖๖");
/// assert_eq!(normal.text(), "ปี 2566");
/// let year = normal.text().find("2566").unwrap();
/// assert_eq!(normal.source_span(year..year + 4).of("ปี  ๒๕๖๖"), "๒๕๖๖");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalisedText {
    text: String,
    /// For each character of `text`, its byte offset there and the span of source bytes that it stands for.
    chars: Vec<(usize, Span)>,
}

impl NormalisedText {
    /// Normalises `source` with the rules of [`normalise_thai`], and keeps for each character the source bytes that it
    /// stands for.
    pub fn new(source: &str) -> Self {
        let mut text = String::with_capacity(source.len());
        let chars = apply_rules(NORMALISATION_RULES, source)
            .into_iter()
            .map(|SourceChar { c, source }| {
                text.push(c);
                (text.len() - c.len_utf8(), source)
            })
            .collect();
        Self { text, chars }
    }

    /// Returns the normalised text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the source bytes that a byte range of the normalised text stands for.
    ///
    /// The span reaches from the first to the last source byte of all characters in the range, since normalisation may
    /// reorder marks. A character that the range contains only in part counts as inside. Source characters that were
    /// dropped at the ends of the range are not in the span. An empty range gives the empty span before the next
    /// character.
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let (start, end) = (range.start.min(self.text.len()), range.end.min(self.text.len()));
        let first = self.chars.partition_point(|&(at, _)| at <= start);
        let last = self.chars.partition_point(|&(at, _)| at < end);
        let inside = self.chars.get(first.saturating_sub(1)..last).unwrap_or_default();
        if start < end
            && let Some(span) = inside.iter().map(|&(_, source)| source).reduce(enclosing_span)
        {
            return span;
        }
        let next = self.chars.get(self.chars.partition_point(|&(at, _)| at < start));
        let at = match next {
            Some((_, source)) => source.start,
            None => self.chars.iter().map(|(_, source)| source.end).max().unwrap_or(0),
        };
        Span::new(at, at)
    }
}

/// A character that the normalisation rules work on, with the span of source bytes that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SourceChar {
    c: char,
    source: Span,
}

/// Lists the characters of a source text, each with its own bytes as its span.
fn chars_with_spans(source: &str) -> Vec<SourceChar> {
    let char = |(at, c): (usize, char)| SourceChar {
        c,
        source: Span::new(at, at + c.len_utf8()),
    };
    source.char_indices().map(char).collect()
}

/// Applies rules to a source text, one after another.
fn apply_rules(rules: &[NormalisationRule], source: &str) -> Vec<SourceChar> {
    rules.iter().fold(chars_with_spans(source), |chars, rule| rule(chars))
}

/// Returns the smallest span that contains both spans.
fn enclosing_span(a: Span, b: Span) -> Span {
    Span::new(a.start.min(b.start), a.end.max(b.end))
}

/// Replaces each character `c` by `to(c)`; spans stay as they are.
fn map_chars(mut chars: Vec<SourceChar>, to: fn(char) -> char) -> Vec<SourceChar> {
    chars.iter_mut().for_each(|char| char.c = to(char.c));
    chars
}

/// Replaces full-width Latin letters, digits and punctuation by those of ordinary width.
fn narrow_full_width_chars(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    map_chars(chars, |c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from((c as u32 - 0xfee0) as u8),
        _ => c,
    })
}

/// Replaces the Thai digits ๐ to ๙ by the digits 0 to 9.
fn map_thai_digits(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    map_chars(chars, |c| match c {
        '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
        _ => c,
    })
}

/// Composes a letter and its combining accents into one character (NFC) where there is one.
fn compose_accents(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    const NFC_NORMALIZER: ComposingNormalizerBorrowed = ComposingNormalizerBorrowed::new_nfc();
    if !chars.iter().any(|char| is_accent(char.c)) {
        return chars;
    }
    let mut out = Vec::with_capacity(chars.len());
    for cluster in chars.chunk_by(|_, next| is_accent(next.c)) {
        match cluster.iter().map(|char| char.source).reduce(enclosing_span) {
            Some(source) if cluster.len() > 1 => {
                let text: String = cluster.iter().map(|char| char.c).collect();
                match NFC_NORMALIZER.normalize(&text) {
                    composed if composed == text => out.extend(cluster),
                    composed => out.extend(composed.chars().map(|c| SourceChar { c, source })),
                }
            }
            _ => out.extend(cluster),
        }
    }
    out
}

/// Replaces each run of white space and control characters by one space, and drops such runs at both ends of the text.
fn collapse_spaces(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let space = |c: char| c.is_whitespace() || c.is_control();
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    for SourceChar { c, source } in chars {
        if !space(c) {
            out.push(SourceChar { c, source });
        } else if let Some(last) = out.last_mut() {
            match last.c {
                ' ' => last.source = enclosing_span(last.source, source),
                _ => out.push(SourceChar { c: ' ', source }),
            }
        }
    }
    out.pop_if(|last| last.c == ' ');
    out
}

/// The vowel SARA AA, า.
const SARA_AA: char = '\u{e32}';
/// The vowel SARA AM, ำ.
const SARA_AM: char = '\u{e33}';
/// The mark NIKHAHIT, ํ, which is the first part of a decomposed SARA AM (ำ).
const NIKHAHIT: char = '\u{e4d}';

/// Puts tone marks and nikhahit that stand after a vowel that is written after its consonant before that vowel, where
/// they belong: `หญา้` becomes หญ้า.
fn move_marks_before_vowels(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let is_vowel = |char: &SourceChar| matches!(char.c, 'ะ' | SARA_AA | SARA_AM);
    let is_moved = |char: &SourceChar| is_tone_mark(char.c) || char.c == NIKHAHIT;
    let is_dependent = |char: &SourceChar| is_vowel(char) || is_thai_mark(char.c);
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    for run in chars.chunk_by(|a, b| is_dependent(a) && is_dependent(b)) {
        let follows_consonant = out.last().is_some_and(|last| is_consonant(last.c));
        let (marks, rest) = run.split_at(run.iter().position(is_vowel).unwrap_or(run.len()));
        out.extend(marks);
        if follows_consonant {
            let (moved, others): (Vec<SourceChar>, Vec<SourceChar>) = rest.iter().partition(|char| is_moved(char));
            out.extend(moved);
            out.extend(others);
        } else {
            out.extend(rest);
        }
    }
    out
}

/// Composes the vowel SARA AM: replaces U+0E4D and U+0E32 by ำ, even with a tone mark between them, and puts the tone
/// mark before ำ.
fn compose_sara_am(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    let mut rest = chars.as_slice();
    while let [char, after @ ..] = rest {
        rest = after;
        if !matches!(char.c, SARA_AM | SARA_AA) {
            out.push(*char);
            continue;
        }
        let marks = out.iter().rev().take_while(|char| is_thai_mark(char.c)).count();
        let decomposed = char.c == SARA_AA && out[out.len() - marks..].iter().any(|char| char.c == NIKHAHIT);
        if char.c != SARA_AM && !decomposed {
            out.push(*char);
            continue;
        }
        // Collect all marks of the letter, also those after ำ; a nikhahit becomes part of ำ.
        let mut run = out.split_off(out.len() - marks);
        let mut am = SourceChar {
            c: SARA_AM,
            source: char.source,
        };
        let behind = rest
            .iter()
            .take_while(|char| is_thai_mark(char.c) || char.c == SARA_AM)
            .count();
        run.extend(&rest[..behind]);
        rest = &rest[behind..];
        for mark in run {
            match mark.c {
                SARA_AM | NIKHAHIT => am.source = enclosing_span(am.source, mark.source),
                _ => out.push(mark),
            }
        }
        out.push(am);
    }
    out
}

/// Puts the marks on each consonant in order and drops repeated ones: first vowels, then the last of the tone marks,
/// then the signs that silence or shorten.
fn order_vowels_and_tone_marks(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    for run in chars.chunk_by(|a, b| is_thai_mark(a.c) && is_thai_mark(b.c)) {
        let mut run = run.to_vec();
        if run.len() > 1 {
            run.sort_by_key(|mark| mark_rank(mark.c));
        }
        let start = out.len();
        for mark in run {
            let same = |kept: &&mut SourceChar| kept.c == mark.c || is_tone_mark(kept.c) && is_tone_mark(mark.c);
            match out[start..].iter_mut().find(same) {
                Some(kept) => {
                    *kept = SourceChar {
                        c: mark.c,
                        source: enclosing_span(kept.source, mark.source),
                    }
                }
                None => out.push(mark),
            }
        }
    }
    out
}

/// Replaces two `เ` in a row by แ, and drops repetitions of a vowel that is a letter and no mark.
fn drop_repeated_vowels(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let merge = |kept: &mut SourceChar, c: char, source: Span| {
        *kept = SourceChar {
            c,
            source: enclosing_span(kept.source, source),
        }
    };
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    for SourceChar { c, source } in chars {
        match out.last_mut() {
            Some(last) if c == 'เ' && last.c == 'เ' => merge(last, 'แ', source),
            Some(last) if c == last.c && is_repeatable_vowel(c) => merge(last, c, source),
            _ => out.push(SourceChar { c, source }),
        }
        // Four เ in a row have become two แ.
        if let [.., before, last] = &mut out[..]
            && (before.c, last.c) == ('แ', 'แ')
        {
            merge(before, 'แ', last.source);
            out.pop();
        }
    }
    out
}

/// Drops the space before ๆ, which says that the word before it is repeated, and puts a space after it where a letter
/// follows.
fn attach_repetition_mark(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    for (index, &char) in chars.iter().enumerate() {
        let next = chars.get(index + 1).map(|next| next.c);
        match char.c {
            ' ' if next == Some('ๆ') && out.last().is_some_and(|last| is_letter(last.c)) => {}
            'ๆ' if next.is_some_and(|next| is_letter(next) && next != 'ๆ') => {
                let end = Span::new(char.source.end, char.source.end);
                out.extend([char, SourceChar { c: ' ', source: end }]);
            }
            _ => out.push(char),
        }
    }
    out
}

/// Whether a character is an accent that combines with the Latin letter before it.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Returns the place of a mark in the order in which the marks of one consonant are written: a vowel, a tone mark, a
/// sign that silences or shortens.
fn mark_rank(c: char) -> u8 {
    match c {
        '\u{e4c}' | '\u{e4e}' => 2,
        _ if is_tone_mark(c) => 1,
        _ => 0,
    }
}

/// Whether a character is a vowel that is a letter and no mark, which some writers repeat for emphasis.
fn is_repeatable_vowel(c: char) -> bool {
    matches!(c, 'แ'..='ไ' | 'ะ' | SARA_AA | SARA_AM)
}

/// Whether a character is a Thai consonant.
fn is_consonant(c: char) -> bool {
    ('ก'..='ฮ').contains(&c)
}

/// Whether a character is a Thai mark that is written above or below a consonant: a vowel, a tone mark or another sign.
fn is_thai_mark(c: char) -> bool {
    matches!(c, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

/// Whether a character is one of the four Thai tone marks.
fn is_tone_mark(c: char) -> bool {
    matches!(c, '\u{e48}'..='\u{e4b}')
}

#[cfg(test)]
mod tests;
