//! Thai sentence splitting: from the text of one block to the byte ranges of its sentences.
//!
//! Thai ends a sentence with a space, but writes spaces elsewhere too. Each line is split by itself, in these steps:
//!
//! 1. Every space of the line becomes a candidate for a cut.
//! 2. The rules of `rule` forbid some candidates: those inside a date, a name or a quotation.
//! 3. The learned `scorer` gives each of the other candidates the log-odds that a sentence ends there.
//! 4. Where a stretch without an allowed space is longer than [`SplitOptions::max_chars`], more cuts are
//!    allowed, one kind after the other until the stretch can be cut: those that soft rules forbid, those at word
//!    boundaries, those that strict rules forbid.
//! 5. `cuts` chooses the cuts for which the sum of the scores and of a prior on the segments' lengths is
//!    highest.
//!
//! All of this is done on the [`VisibleText`], so that zero-width spaces or the order in which marks were typed change
//! no cut.

mod place;
#[cfg(test)]
pub(super) mod tests;

use super::line::Line;
pub use super::rule::NoCutRule;
use super::scorer::{self, Lexicon, Scorer};
use super::{VisibleText, features, rule};
use serde::Serialize;
use std::ops::Range;

/// Options of the sentence splitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// The most characters that a segment (one part of the split text) may have; a single word that is longer stays
    /// whole. Default 350.
    pub max_chars: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { max_chars: 350 }
    }
}

/// A position in a text at which the splitter considered a cut, with its decision. `plae split --explain` shows these.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConsideredCut {
    /// Byte offset in the text at which the segment before the cut would end; white space may follow.
    pub offset: usize,
    /// Log-odds that a sentence ends here; a positive score speaks for a cut.
    pub score: f32,
    /// Whether the text was cut here.
    pub cut: bool,
    /// Why the text was cut here, or why it was not.
    pub reason: CutReason,
}

/// Why the sentence splitter did or did not cut a text at a position that it considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutReason {
    /// A line ends here, so the text is cut.
    Newline,
    /// The sign of the score decided: a positive score means a cut, any other score none.
    Score,
    /// The lengths of the segments outweighed the score or a rule: the text is cut in spite of a low score or a rule,
    /// or not cut in spite of a positive score.
    Length,
    /// The given rule forbids a cut here, and the text is not cut.
    #[serde(untagged)]
    Rule(NoCutRule),
}

/// Splits the text of one block into sentences, with the built-in scorer.
///
/// Returns trimmed, non-empty byte ranges in the order of the text. There is only white space and what is not visible
/// between two ranges, or nothing where a long run without spaces was cut between two words.
pub fn sentences(text: &str, options: &SplitOptions) -> Vec<Range<usize>> {
    sentences_with_scorer(scorer::built_in_scorer(), text, options)
}

/// Splits text as [`sentences`] does, but with the given scorer instead of the built-in one.
pub fn sentences_with_scorer(scorer: &Scorer, text: &str, options: &SplitOptions) -> Vec<Range<usize>> {
    let mut sentences: Vec<Range<usize>> = Vec::new();
    let visible = VisibleText::new(text);
    for_each_line(visible.text(), |at, line| {
        let (places, cuts) = place::choose_cuts(&Line::new(line), scorer, options.max_chars);
        let mut start = 0;
        for place in cuts.iter().map(|&cut| &places[cut]) {
            sentences.push(at + start..at + place.end);
            start = place.next;
        }
        sentences.push(at + start..at + line.len());
    });
    let spans = sentences.into_iter().map(|range| visible.source_span(range));
    spans.map(|span| span.start..span.end).collect()
}

/// Splits a text that is too long for a model into parts that fit.
///
/// `count_tokens` returns the number of tokens of a text. No part has more than `max_tokens` tokens, unless it is a
/// single character. A text that fits is returned as one part. Otherwise [`SplitOptions::max_chars`] is lowered until
/// all parts fit; the ranges are trimmed and ordered as those of [`sentences`].
pub fn split_to_fit(text: &str, max_tokens: usize, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    // A stack of the ranges that are still to be checked; the one that comes first in the text is on top.
    let mut rest = Vec::from_iter(std::iter::once(0..text.len()));
    while let Some(range) = rest.pop() {
        let part = &text[range.clone()];
        let tokens = count_tokens(part);
        let chars = part.chars().count();
        if tokens <= max_tokens || chars < 2 {
            parts.push(range);
            continue;
        }
        let options = SplitOptions {
            max_chars: SplitOptions::default()
                .max_chars
                .min(chars * max_tokens / tokens)
                .max(1),
        };
        let mut smaller = sentences(part, &options);
        if smaller.len() < 2 && smaller.iter().all(|smaller| smaller.len() == part.len()) {
            // The part is one word: cut it in the middle.
            let middle = part.ceil_char_boundary(part.len() / 2);
            let middle = if middle < part.len() {
                middle
            } else {
                part.floor_char_boundary(part.len() / 2)
            };
            smaller = vec![0..middle, middle..part.len()];
        }
        rest.extend(
            smaller
                .into_iter()
                .rev()
                .map(|smaller| range.start + smaller.start..range.start + smaller.end),
        );
    }
    parts
}

/// A space at which no splitting rule forbids a cut, with the features that a scorer computes its score from.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Offset in the line, in bytes, at which the space starts.
    pub offset: usize,
    /// Offset in the line, in characters, at which the space starts.
    pub end: usize,
    /// Offset in the line, in characters, at which the text after the space starts.
    pub next: usize,
    /// Hashed features of the words around the space, for [`Scorer::score_features`].
    pub features: Vec<u32>,
}

/// Finds the spaces of a line at which no splitting rule forbids a cut. A scorer is trained on them.
pub fn open_gaps(line: &str, lexicon: &Lexicon, options: &SplitOptions) -> Vec<Gap> {
    let line = Line::new(line);
    let forbidden = rule::forbidden_cuts(&line, options.max_chars);
    let phrases = features::LinePhrases::new(&line, &forbidden, lexicon);
    let places = place::cut_places_at_gaps(&line, &forbidden, &vec![0.0; forbidden.len()]);
    let open = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.forbidden_by.is_none());
    open.map(|(gap, place)| Gap {
        offset: place.end,
        end: place.end_chars,
        next: place.next_chars,
        features: phrases.gap_features(&line, gap),
    })
    .collect()
}

/// Splits the text of one block as [`sentences`] does, but returns every position at which the splitter considered a
/// cut, with the decision and its reason.
pub fn explain_cuts(text: &str, options: &SplitOptions) -> Vec<ConsideredCut> {
    let mut candidates: Vec<ConsideredCut> = Vec::new();
    let mut last = None;
    let visible = VisibleText::new(text);
    for_each_line(visible.text(), |at, line| {
        if let Some(offset) = last.replace(at + line.len()) {
            candidates.push(ConsideredCut {
                offset,
                score: 0.0,
                cut: true,
                reason: CutReason::Newline,
            });
        }
        let (places, cuts) = place::choose_cuts(&Line::new(line), scorer::built_in_scorer(), options.max_chars);
        let mut cuts = cuts.iter().peekable();
        for (index, place) in places.iter().enumerate() {
            let cut = cuts.next_if(|&&cut| cut == index).is_some();
            // A word boundary without a space is reported only if the text was cut there.
            if !cut && place.next == place.end {
                continue;
            }
            let reason = match place.forbidden_by {
                Some(rule) if !cut => CutReason::Rule(rule),
                None if cut == (place.score > 0.0) => CutReason::Score,
                _ => CutReason::Length,
            };
            candidates.push(ConsideredCut {
                offset: at + place.end,
                score: place.score,
                cut,
                reason,
            });
        }
    });
    for candidate in &mut candidates {
        candidate.offset = visible.source_end(candidate.offset);
    }
    candidates
}

/// Calls `visit` with the byte offset in the text and the trimmed text of each line that is not blank.
fn for_each_line<'a>(text: &'a str, mut visit: impl FnMut(usize, &'a str)) {
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = line.trim();
        if !line.is_empty() {
            visit(line.as_ptr() as usize - text.as_ptr() as usize, line);
        }
    }
}
