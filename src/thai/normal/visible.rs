//! The visible text of a source: what a person sees of it, with its layout, for the splitter and for readers of layouts.

use super::glyph::{is_private, map_private_glyphs};
use super::invisible::{drop_invisible_chars, is_invisible, is_no_break_space};
use super::torn::{is_inline_space, join_torn_words};
use super::{NIKHAHIT, NormalisationRule, SARA_AA, SARA_AM, SourceChar};
use super::{apply_rules, compose_accents, compose_sara_am, drop_repeated_vowels, is_accent};
use super::{is_repeatable_vowel, is_thai_mark, mark_rank, move_marks_before_vowels, order_vowels_and_tone_marks};
use crate::span::Span;
use std::borrow::Cow;
use std::ops::Range;

/// The rules that make the visible text of a source: those of normalisation that change neither words nor layout.
const VISIBLE_TEXT_RULES: &[NormalisationRule] = &[
    drop_invisible_chars,
    map_private_glyphs,
    compose_accents,
    replace_unusual_spaces,
    join_torn_words,
    move_marks_before_vowels,
    compose_sara_am,
    order_vowels_and_tone_marks,
    drop_repeated_vowels,
];

/// The text that a person sees of a source: without invisible characters, with marks composed and in order, with torn
/// words joined. Lines, spaces and tabs stay, since tables and sentences are told by them.
///
/// Whatever decides by characters (the splitter, the reader of plain text) reads the visible text, so that two sources
/// that look alike are treated alike, and maps what it finds back to the source.
///
/// ```
/// use plae::thai::VisibleText;
///
/// let source = "น\u{e4d}\u{e49}\u{200b}า \u{200b}ใส";
/// let visible = VisibleText::new(source);
/// assert_eq!(visible.text(), "น้ำ ใส");
/// let end = visible.text().find(' ').unwrap();
/// assert_eq!(visible.source_span(0..end).of(source), "น\u{e4d}\u{e49}\u{200b}า");
/// ```
#[derive(Clone, Debug)]
pub struct VisibleText<'a> {
    text: Cow<'a, str>,
    /// For each character of `text`, where it starts and which source it stands for; empty if `text` is the source.
    chars: Vec<VisibleChar>,
}

/// A character of a visible text, with the source bytes that it stands for.
#[derive(Clone, Copy, Debug)]
struct VisibleChar {
    /// The byte offset of the character in the visible text.
    at: usize,
    /// The first source byte that this character or a later one stands for.
    source_start: usize,
    /// The end of the last source byte that this character or an earlier one stands for.
    source_end: usize,
}

impl<'a> VisibleText<'a> {
    /// Makes the visible text of a source.
    pub fn new(source: &'a str) -> Self {
        if is_visible_text(source) {
            return Self {
                text: Cow::Borrowed(source),
                chars: Vec::new(),
            };
        }
        let mut text = String::with_capacity(source.len());
        let mut chars = Vec::new();
        let mut source_end = 0;
        for SourceChar { c, source } in apply_rules(VISIBLE_TEXT_RULES, source) {
            source_end = source.end.max(source_end);
            chars.push(VisibleChar {
                at: text.len(),
                source_start: source.start,
                source_end,
            });
            text.push(c);
        }
        let mut source_start = source.len();
        for char in chars.iter_mut().rev() {
            source_start = source_start.min(char.source_start);
            char.source_start = source_start;
        }
        Self {
            text: Cow::Owned(text),
            chars,
        }
    }

    /// Returns the visible text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the source bytes that a byte range of the visible text stands for. Source characters that are not
    /// visible at the ends of the range are not in the span. Ranges without overlap give spans without overlap.
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let end = self.source_end(range.end);
        let first = self.chars.partition_point(|char| char.at < range.start);
        let start = self.chars.get(first).map_or(range.start, |char| char.source_start);
        let start = if self.chars.is_empty() {
            range.start
        } else {
            start.max(self.source_end(range.start))
        };
        Span::new(start.min(end), end)
    }

    /// Returns the end of the source bytes that the visible text up to byte `at` stands for.
    pub fn source_end(&self, at: usize) -> usize {
        if self.chars.is_empty() && !self.text.is_empty() {
            return at;
        }
        let count = self.chars.partition_point(|char| char.at < at);
        count.checked_sub(1).map_or(0, |last| self.chars[last].source_end)
    }
}

/// Whether no rule of [`VISIBLE_TEXT_RULES`] changes a text. May say no where a closer look would say yes.
fn is_visible_text(text: &str) -> bool {
    let is_plain = |c: char| {
        let is_unusual = is_invisible(c) || is_private(c) || is_unusual_space(c) || is_accent(c);
        !is_unusual && !matches!(c, '&' | NIKHAHIT)
    };
    let fit = |before: char, c: char| match c {
        'เ' => before != 'เ',
        _ if is_thai_mark(c) && is_thai_mark(before) => mark_rank(before) < mark_rank(c),
        _ if is_thai_mark(c) => !before.is_whitespace() && !matches!(before, 'ะ' | SARA_AA | SARA_AM),
        'ะ' | SARA_AA | SARA_AM => !before.is_whitespace() && before != c,
        _ => before != c || !is_repeatable_vowel(c),
    };
    let mut before = '\0';
    text.chars()
        .all(|c| is_plain(c) && fit(std::mem::replace(&mut before, c), c))
}

/// Whether a character is a no-break space, or a control character without white space.
fn is_unusual_space(c: char) -> bool {
    is_no_break_space(c) || c.is_control() && !c.is_whitespace()
}

/// Replaces no-break spaces and control characters by spaces. Beside another space of the line they are dropped instead,
/// as nothing is aligned by both.
fn replace_unusual_spaces(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    for run in chars.chunk_by(|a, b| is_any_space(a.c) && is_any_space(b.c)) {
        let has_usual = run.iter().any(|char| !is_unusual_space(char.c));
        let space = |char: &SourceChar| SourceChar { c: ' ', ..*char };
        let (usual, unusual): (Vec<SourceChar>, Vec<SourceChar>) =
            run.iter().partition(|char| !is_unusual_space(char.c));
        out.extend(usual);
        if !has_usual {
            out.extend(unusual.iter().map(space));
        }
    }
    out
}

/// Whether a character is white space within a line, or a control character.
fn is_any_space(c: char) -> bool {
    is_inline_space(c) || is_unusual_space(c)
}
