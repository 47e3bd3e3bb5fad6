//! Thai sentence splitting: from the text of one block to the byte ranges of its sentences.
//!
//! Thai ends a sentence with a space, but writes spaces elsewhere too. Each line is split by itself, in these steps:
//!
//! 1. Every space of the line is a candidate for a cut.
//! 2. The rules of `rule` forbid some candidates: inside a date, a name, a quotation.
//! 3. The learned `scorer` gives each of the others the log-odds that a sentence ends there.
//! 4. Where a stretch without an allowed space is longer than [`SplitOptions::max_chars`], first the soft rules give way,
//!    then word boundaries become candidates too, and last of all the strict rules give way.
//! 5. `cuts` chooses the cuts whose scores, together with a prior on the lengths of the segments, have the highest sum.

mod place;
#[cfg(test)]
pub(super) mod tests;

use super::line::Line;
pub use super::rule::Rule;
use super::scorer::{self, Lexicon, Scorer};
use super::{features, rule};
use serde::Serialize;
use std::ops::Range;

/// Options of the splitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// The longest segment in characters; a single longer word stays whole. Default 350.
    pub max_chars: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { max_chars: 350 }
    }
}

/// A place that was considered for a cut, as `plae split --explain` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Byte offset in the text at which the segment before the place ends; white space may follow.
    pub offset: usize,
    /// Log-odds that a sentence ends here; a positive score speaks for a cut.
    pub score: f32,
    /// Whether the text is cut here.
    pub cut: bool,
    /// The reason for the decision.
    pub reason: Reason,
}

/// The reason for which a candidate was cut at or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Cut: a line ends here.
    Newline,
    /// The sign of the score decided: cut if it is positive, else not.
    Score,
    /// The lengths of the segments decided, against the score.
    Length,
    /// Not cut: a rule forbids it.
    #[serde(untagged)]
    Rule(Rule),
}

/// Splits the text of one block into sentences.
///
/// Returns trimmed byte ranges in the text's order, none of them empty. Between two of them there is only white space,
/// or nothing where a long run without spaces was cut between two words.
pub fn sentences(text: &str, options: &SplitOptions) -> Vec<Range<usize>> {
    sentences_with_scorer(scorer::built_in(), text, options)
}

/// Like [`sentences`], but with a scorer other than the built-in one.
pub fn sentences_with_scorer(scorer: &Scorer, text: &str, options: &SplitOptions) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    for_each_line(text, |at, line| {
        let (places, cuts) = place::choose_cuts(&Line::new(line), scorer, options.max_chars);
        let mut start = 0;
        for place in cuts.iter().map(|&cut| &places[cut]) {
            sentences.push(at + start..at + place.end);
            start = place.next;
        }
        sentences.push(at + start..at + line.len());
    });
    sentences
}

/// Splits a text that is too long for a model into parts that fit.
///
/// `count_tokens` gives the number of tokens of a part; no part has more than `max_tokens`, unless it is a single
/// character. A text that fits is returned as one part. Otherwise [`SplitOptions::max_chars`] is lowered until all parts
/// fit; the ranges are like those of [`sentences`].
pub fn split_to_fit(text: &str, max_tokens: usize, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    // A stack of the ranges still to be looked at; the first in the text is on top.
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

/// A space at which no rule forbids a cut, with the features that a scorer sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Byte offset in the text at which the space starts.
    pub offset: usize,
    /// Character offset at which the space starts.
    pub end: usize,
    /// Character offset at which the text after the space starts.
    pub next: usize,
    /// Hashed features, for [`Scorer::score`].
    pub features: Vec<u32>,
}

/// The spaces of a line at which no rule forbids a cut: the examples that a scorer is trained on.
pub fn open_gaps(line: &str, lexicon: &Lexicon, options: &SplitOptions) -> Vec<Gap> {
    let line = Line::new(line);
    let forbidden = rule::forbidden_cuts(&line, options.max_chars);
    let phrases = features::Phrases::new(&line, &forbidden, lexicon);
    let places = place::gap_places(&line, &forbidden, &vec![0.0; forbidden.len()]);
    let open = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.forbidden_by.is_none());
    open.map(|(gap, place)| Gap {
        offset: place.end,
        end: place.end_chars,
        next: place.next_chars,
        features: phrases.features(&line, gap),
    })
    .collect()
}

/// Splits the text of one block as [`sentences`] does and returns every place that was considered, with the reason for
/// the decision there.
pub fn explain(text: &str, options: &SplitOptions) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut last = None;
    for_each_line(text, |at, line| {
        if let Some(offset) = last.replace(at + line.len()) {
            candidates.push(Candidate {
                offset,
                score: 0.0,
                cut: true,
                reason: Reason::Newline,
            });
        }
        let (places, cuts) = place::choose_cuts(&Line::new(line), scorer::built_in(), options.max_chars);
        let mut cuts = cuts.iter().peekable();
        for (index, place) in places.iter().enumerate() {
            let cut = cuts.next_if(|&&cut| cut == index).is_some();
            // Word boundaries are worth telling only where they were cut at.
            if !cut && place.next == place.end {
                continue;
            }
            let reason = match place.forbidden_by {
                Some(rule) if !cut => Reason::Rule(rule),
                None if cut == (place.score > 0.0) => Reason::Score,
                _ => Reason::Length,
            };
            candidates.push(Candidate {
                offset: at + place.end,
                score: place.score,
                cut,
                reason,
            });
        }
    });
    candidates
}

/// Calls `visit` with each line that is not blank, trimmed, and its byte offset in the text.
fn for_each_line<'a>(text: &'a str, mut visit: impl FnMut(usize, &'a str)) {
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = line.trim();
        if !line.is_empty() {
            visit(line.as_ptr() as usize - text.as_ptr() as usize, line);
        }
    }
}
