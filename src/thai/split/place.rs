//! Finds the positions at which a line may be cut into sentences, and chooses among them.

use crate::thai::cuts::{self, CutCandidate};
use crate::thai::is_letter;
use crate::thai::line::Line;
use crate::thai::rule::{self, NoCutRule};
use crate::thai::scorer::Scorer;
use std::ops::Range;

/// A position at which a line may be cut: a space, or a word boundary in a long run without spaces.
#[derive(Clone, Copy, Debug)]
pub struct CutPlace {
    /// Offset in the line, in bytes, at which the segment before the cut ends.
    pub end: usize,
    /// Offset in the line, in bytes, at which the segment after the cut starts; equal to `end` at a word boundary
    /// without a space.
    pub next: usize,
    /// Offset in the line, in characters, at which the segment before the cut ends.
    pub end_chars: usize,
    /// Offset in the line, in characters, at which the segment after the cut starts.
    pub next_chars: usize,
    /// Log-odds that a sentence ends here, without the penalty for breaking a rule.
    pub score: f32,
    /// The splitting rule that forbids a cut here, if any.
    pub forbidden_by: Option<NoCutRule>,
    /// Score with penalties, in log-odds, which the search for the best cuts adds up; `None` if the line must not be
    /// cut here.
    search_score: Option<f32>,
}

/// Penalty, in log-odds, of a cut that a soft rule ([`NoCutRule::is_soft_rule`]) forbids but that a too long stretch makes
/// necessary.
const SOFT_RULE_PENALTY: f32 = -6.0;
/// Penalty, in log-odds, of a cut at a word boundary inside a run without spaces.
const NO_SPACE_PENALTY: f32 = -12.0;
/// Penalty, in log-odds, of a cut that a strict rule forbids but that a too long stretch makes necessary.
const STRICT_RULE_PENALTY: f32 = -40.0;

/// Finds the positions at which a line may be cut, in order, and returns them with the indices of those at which it is
/// cut. Segments have at most `max_chars` characters where possible.
pub fn choose_cuts(line: &Line, scorer: &Scorer, max_chars: usize) -> (Vec<CutPlace>, Vec<usize>) {
    let forbidden = rule::forbidden_cuts(line, max_chars);
    let mut places = cut_places_at_gaps(line, &forbidden, &scorer.score_gaps(line, &forbidden));
    let length = line.text.chars().count();
    allow_forbidden_cuts(
        &mut places,
        length,
        max_chars,
        SOFT_RULE_PENALTY,
        NoCutRule::is_soft_rule,
    );
    places = add_cuts_at_word_boundaries(line, places, length, max_chars);
    allow_forbidden_cuts(&mut places, length, max_chars, STRICT_RULE_PENALTY, |_| true);
    let (indices, open): (Vec<usize>, Vec<CutCandidate>) = places
        .iter()
        .enumerate()
        .filter_map(|(index, place)| {
            let (end, next) = (place.end_chars, place.next_chars);
            place
                .search_score
                .map(|score| (index, CutCandidate { end, next, score }))
        })
        .unzip();
    let cuts = cuts::best_cuts(&open, length, &scorer.prior, max_chars);
    (places, cuts.into_iter().map(|cut| indices[cut]).collect())
}

/// Makes a [`CutPlace`] for each gap of a line (the white space between two chunks of text), given the rule that forbids a
/// cut at each gap, if any, and the score of each gap.
pub fn cut_places_at_gaps(line: &Line, forbidden: &[Option<NoCutRule>], scores: &[f32]) -> Vec<CutPlace> {
    let mut chars = 0;
    let mut at = 0;
    let gaps = forbidden.iter().zip(scores).enumerate();
    gaps.map(|(gap, (&forbidden_by, &score))| {
        let (end, next) = (line.chunks[gap].end, line.chunks[gap + 1].start);
        let end_chars = chars + line.text[at..end].chars().count();
        let next_chars = end_chars + line.text[end..next].chars().count();
        (at, chars) = (next, next_chars);
        CutPlace {
            end,
            next,
            end_chars,
            next_chars,
            score,
            forbidden_by,
            search_score: forbidden_by.is_none().then_some(score),
        }
    })
    .collect()
}

/// Adds word boundaries as possible cuts wherever two neighbouring allowed cuts are more than `max_chars` characters
/// apart. `length` is the line's length in characters.
fn add_cuts_at_word_boundaries(line: &Line, places: Vec<CutPlace>, length: usize, max_chars: usize) -> Vec<CutPlace> {
    let mut all = Vec::with_capacity(places.len());
    let mut rest = places.as_slice();
    let (mut start, mut start_chars) = (0, 0);
    loop {
        let until = rest.iter().position(|place| place.search_score.is_some());
        let (stretch, after) = rest.split_at(until.unwrap_or(rest.len()));
        let (end, end_chars) = after
            .first()
            .map_or((line.text.len(), length), |place| (place.end, place.end_chars));
        if end_chars - start_chars > max_chars {
            push_stretch_word_boundaries(line, start..end, start_chars, stretch, &mut all);
        } else {
            all.extend_from_slice(stretch);
        }
        let Some((place, more)) = after.split_first() else {
            return all;
        };
        all.push(*place);
        (start, start_chars) = (place.next, place.next_chars);
        rest = more;
    }
}

/// Appends to `all` the forbidden places of one stretch of a line and, at some distance from them, its word boundaries
/// between two Thai letters, all in the order of the line. `range` is the stretch in bytes; `chars` characters of the
/// line stand before it.
fn push_stretch_word_boundaries(
    line: &Line,
    range: Range<usize>,
    mut chars: usize,
    forbidden: &[CutPlace],
    all: &mut Vec<CutPlace>,
) {
    /// Number of characters around a forbidden space within which no cut is added, since a date or a name may go on
    /// there.
    const MIN_CHARS_FROM_FORBIDDEN_CUT: usize = 12;
    let first = line.word_boundaries.partition_point(|&word| word <= range.start);
    let mut at = range.start;
    let mut forbidden = forbidden.iter().peekable();
    let mut clear_from = 0;
    for pair in line.word_boundaries[first..]
        .windows(2)
        .take_while(|pair| pair[0] < range.end)
    {
        let (word, following) = (pair[0], pair[1].min(range.end));
        while let Some(place) = forbidden.next_if(|place| place.end <= word) {
            all.push(*place);
            clear_from = place.next_chars + MIN_CHARS_FROM_FORBIDDEN_CUT;
        }
        chars += line.text[at..word].chars().count();
        at = word;
        if chars < clear_from
            || forbidden
                .peek()
                .is_some_and(|place| place.end_chars < chars + MIN_CHARS_FROM_FORBIDDEN_CUT)
        {
            continue;
        }
        let before = line.text[..word].chars().next_back();
        let after = line.text[word..].chars().next();
        // No cut after a vowel that is written before its consonant, or before one that is written after or above its
        // consonant.
        if let (Some(before), Some(after)) = (before, after)
            && is_letter(before)
            && is_letter(after)
            && !('เ'..='ไ').contains(&before)
            && !matches!(after, 'ะ'..='ฺ' | 'ๅ'..='๎' | 'ฯ')
        {
            let score = NO_SPACE_PENALTY + cut_bonus_before_word(&line.text[word..following]);
            all.push(CutPlace {
                end: word,
                next: word,
                end_chars: chars,
                next_chars: chars,
                score,
                forbidden_by: None,
                search_score: Some(score),
            });
        }
    }
    all.extend(forbidden);
}

/// Allows, with `penalty` (log-odds) added to the score, the cuts that a rule forbids, wherever two neighbouring
/// allowed cuts are more than `max_chars` characters apart. Only the rules for which `yields` is true give way.
fn allow_forbidden_cuts(
    places: &mut [CutPlace],
    length: usize,
    max_chars: usize,
    penalty: f32,
    yields: impl Fn(NoCutRule) -> bool,
) {
    let (mut from, mut start) = (0, 0);
    for index in 0..=places.len() {
        let (end, next, open) = places.get(index).map_or((length, length, true), |place| {
            (place.end_chars, place.next_chars, place.search_score.is_some())
        });
        if !open {
            continue;
        }
        if end - start > max_chars {
            for place in &mut places[from..index] {
                if place.forbidden_by.is_some_and(&yields) {
                    place.search_score = Some(place.score.min(0.0) + penalty);
                }
            }
        }
        (from, start) = (index + 1, next);
    }
}

/// Returns the bonus, in log-odds, for a cut without a space before `word`: conjunctions and prepositions begin
/// phrases, so that a cut before them does little harm.
fn cut_bonus_before_word(word: &str) -> f32 {
    match word {
        "และ" | "หรือ" | "ซึ่ง" | "โดย" | "แต่" | "เพื่อ" | "เมื่อ" | "เพราะ" | "เนื่องจาก" | "หาก" | "ทั้งนี้" | "จึง" | "ขณะ" => {
            4.0
        }
        "ที่" | "ใน" | "จาก" | "ของ" | "ให้" | "กับ" | "ด้วย" | "ได้" | "จะ" => {
            2.0
        }
        _ => 0.0,
    }
}
