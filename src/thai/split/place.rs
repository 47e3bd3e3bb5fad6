//! The places at which a line may be cut, and the choice among them.

use crate::thai::cuts::{self, Cut};
use crate::thai::is_letter;
use crate::thai::line::Line;
use crate::thai::rule::{self, Rule};
use crate::thai::scorer::Scorer;
use std::ops::Range;

/// A place at which a line may be cut: a space, or a word boundary in a long run without spaces.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Byte offset in the line at which the segment before the place ends.
    pub end: usize,
    /// Byte offset in the line at which the segment after the place starts.
    pub next: usize,
    /// `end` in characters.
    pub end_chars: usize,
    /// `next` in characters.
    pub next_chars: usize,
    /// Log-odds that a sentence ends here, before any penalty.
    pub score: f32,
    /// The rule that forbids a cut here.
    pub forbidden_by: Option<Rule>,
    /// The score that the search for the best cuts uses; `None` where it must not cut.
    search_score: Option<f32>,
}

/// The penalty, in log-odds, of a cut at a place whose soft rule gives way.
const SOFT_RULE_PENALTY: f32 = -6.0;
/// The penalty, in log-odds, of a cut at a word boundary inside a run without spaces.
const NO_SPACE_PENALTY: f32 = -12.0;
/// The penalty, in log-odds, of a cut at a place whose strict rule gives way.
const STRICT_RULE_PENALTY: f32 = -40.0;

/// The places of a line in order, and the indices of those at which it is cut.
pub fn choose_cuts(line: &Line, scorer: &Scorer, max_chars: usize) -> (Vec<Place>, Vec<usize>) {
    let forbidden = rule::forbidden_cuts(line, max_chars);
    let mut places = gap_places(line, &forbidden, &scorer.scores(line, &forbidden));
    let length = line.text.chars().count();
    relax_rules(&mut places, length, max_chars, SOFT_RULE_PENALTY, Rule::is_soft);
    places = with_word_boundaries(line, places, length, max_chars);
    relax_rules(&mut places, length, max_chars, STRICT_RULE_PENALTY, |_| true);
    let (indices, open): (Vec<usize>, Vec<Cut>) = places
        .iter()
        .enumerate()
        .filter_map(|(index, place)| {
            let (end, next) = (place.end_chars, place.next_chars);
            place.search_score.map(|score| (index, Cut { end, next, score }))
        })
        .unzip();
    let cuts = cuts::best_cuts(&open, length, &scorer.prior, max_chars);
    (places, cuts.into_iter().map(|cut| indices[cut]).collect())
}

/// One place for each gap of a line, given the rule that forbids a cut there and its score.
pub fn gap_places(line: &Line, forbidden: &[Option<Rule>], scores: &[f32]) -> Vec<Place> {
    let mut chars = 0;
    let mut at = 0;
    let gaps = forbidden.iter().zip(scores).enumerate();
    gaps.map(|(gap, (&forbidden_by, &score))| {
        let (end, next) = (line.chunks[gap].end, line.chunks[gap + 1].start);
        let end_chars = chars + line.text[at..end].chars().count();
        let next_chars = end_chars + line.text[end..next].chars().count();
        (at, chars) = (next, next_chars);
        Place {
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

/// Adds word boundaries to the stretches between two open places that are longer than `max_chars`.
fn with_word_boundaries(line: &Line, places: Vec<Place>, length: usize, max_chars: usize) -> Vec<Place> {
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
            add_word_boundaries(line, start..end, start_chars, stretch, &mut all);
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

/// Appends the forbidden places of one stretch and, at some distance from them, the word boundaries between two Thai
/// letters, in the line's order. The stretch starts after `chars` characters of the line.
fn add_word_boundaries(line: &Line, range: Range<usize>, mut chars: usize, forbidden: &[Place], all: &mut Vec<Place>) {
    /// Characters around a forbidden space within which a date or a name may still go on.
    const CLEARANCE: usize = 12;
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
            clear_from = place.next_chars + CLEARANCE;
        }
        chars += line.text[at..word].chars().count();
        at = word;
        if chars < clear_from
            || forbidden
                .peek()
                .is_some_and(|place| place.end_chars < chars + CLEARANCE)
        {
            continue;
        }
        let before = line.text[..word].chars().next_back();
        let after = line.text[word..].chars().next();
        // Neither after a vowel that is written before its consonant nor before one that is written after or above it.
        if let (Some(before), Some(after)) = (before, after)
            && is_letter(before)
            && is_letter(after)
            && !('เ'..='ไ').contains(&before)
            && !matches!(after, 'ะ'..='ฺ' | 'ๅ'..='๎' | 'ฯ')
        {
            let score = NO_SPACE_PENALTY + word_bonus(&line.text[word..following]);
            all.push(Place {
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

/// Opens the places whose rule `yields`, with `penalty` added to their score, in the stretches between two open places
/// that are longer than `max_chars`.
fn relax_rules(places: &mut [Place], length: usize, max_chars: usize, penalty: f32, yields: impl Fn(Rule) -> bool) {
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

/// The bonus, in log-odds, of a cut without a space before this word: conjunctions and prepositions begin phrases.
fn word_bonus(word: &str) -> f32 {
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
