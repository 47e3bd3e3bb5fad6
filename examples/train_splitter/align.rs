//! Sentence boundaries of a Thai paragraph, found by those of its English original.

use crate::data::Document;
use std::collections::BTreeMap;

/// The boundaries that part the paragraph into as many segments as the English has sentences, of like lengths and with the
/// same numbers, at spaces that score well or are doubled in the source. None where no way of parting it has like lengths.
pub fn boundaries(document: &Document, scores: &[f32]) -> Option<Vec<usize>> {
    /// How far apart two lengths may be, as the logarithm of their ratio, and what being apart costs.
    const FARTHEST: f64 = 1.1;
    const DISTANCE: f64 = 3.0;
    /// Characters added to both lengths.
    const SMOOTH: f64 = 10.0;
    /// What a doubled space is worth; a number in the right sentence is worth 1, and in a wrong one it costs this.
    const DOUBLED: f64 = 2.5;
    const WRONG: f64 = 2.0;

    let english = sentences(document.english.as_deref()?);
    let length = |text: &str| text.chars().count() as f64;
    let ratio = length(&document.text) / english.iter().map(|text| length(text)).sum::<f64>();
    let numbers_of: Vec<_> = english.iter().map(|text| numbers(text)).collect();
    let all: std::collections::BTreeSet<&str> = numbers_of.iter().flat_map(|numbers| numbers.keys().copied()).collect();

    // Place 0 is the start of the text, place n its end; for each: byte and character before and after, and its worth.
    let mut places = vec![(0, 0, 0, 0, 0.0)];
    for (gap, &score) in document.gaps.iter().zip(scores) {
        let doubled = if document.doubled.contains(&gap.offset) {
            DOUBLED
        } else {
            0.0
        };
        places.push((
            gap.offset,
            gap.offset + 1,
            gap.end,
            gap.next,
            f64::from(score.clamp(-4.0, 4.0)) + doubled,
        ));
    }
    let end = document.text.len();
    places.push((end, end, document.text.chars().count(), 0, 0.0));
    let last = places.len() - 1;

    // For each count of sentences and each place the best value, and the place before.
    let mut best: Vec<Vec<Option<(f64, usize)>>> = vec![vec![None; places.len()]];
    best[0][0] = Some((0.0, 0));
    for (sentence, text) in english.iter().enumerate() {
        let wanted = (length(text) * ratio + SMOOTH).ln();
        let mut row = vec![None; places.len()];
        for to in 1..=last {
            for from in 0..to {
                let Some((value, _)) = best[sentence][from] else {
                    continue;
                };
                let (start, start_chars) = (places[from].1, places[from].3);
                let (stop, _, stop_chars, _, worth) = places[to];
                let apart = ((stop_chars - start_chars) as f64 + SMOOTH).ln() - wanted;
                if apart.abs() > FARTHEST {
                    continue;
                }
                let shared: f64 = numbers(&document.text[start..stop])
                    .into_iter()
                    .filter(|(number, _)| all.contains(number))
                    .map(|(number, count)| {
                        let right = count.min(numbers_of[sentence].get(number).copied().unwrap_or(0));
                        f64::from(right) - WRONG * f64::from(count - right)
                    })
                    .sum();
                let value = value + shared + worth - DISTANCE * apart * apart;
                if row[to].is_none_or(|(best, _)| value > best) {
                    row[to] = Some((value, from));
                }
            }
        }
        best.push(row);
    }
    let mut boundaries = Vec::new();
    let mut place = last;
    for row in best.iter().skip(1).rev() {
        place = row[place]?.1;
        boundaries.push(places[place].0);
    }
    // The last of them is the start.
    boundaries.pop();
    boundaries.reverse();
    Some(boundaries)
}

/// How often each number stands in a text.
fn numbers(text: &str) -> BTreeMap<&str, u32> {
    let mut numbers = BTreeMap::new();
    for number in text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',') {
        let number = number.trim_matches(['.', ',']);
        if !number.is_empty() {
            *numbers.entry(number).or_default() += 1;
        }
    }
    numbers
}

/// The sentences of an English text.
fn sentences(text: &str) -> Vec<&str> {
    const ABBREVIATIONS: &[&str] = &[
        "St", "Mr", "Mrs", "Dr", "No", "vs", "Jr", "U.S", "Gen", "e.g", "i.e", "al", "etc",
    ];
    let mut sentences = Vec::new();
    let mut start = 0;
    for (space, _) in text.match_indices(' ') {
        let before = text[start..space].trim_end_matches(['"', '”', '’', ')', ']', '\'']);
        let opens = |c: char| c.is_uppercase() || c.is_ascii_digit() || "\"“‘([".contains(c);
        let word = before
            .trim_end_matches('.')
            .rsplit([' ', '('])
            .next()
            .unwrap_or_default();
        let abbreviated = before.ends_with('.') && (word.chars().count() == 1 || ABBREVIATIONS.contains(&word));
        if before.ends_with(['.', '!', '?']) && !abbreviated && text[space..].trim_start().starts_with(opens) {
            sentences.push(text[start..space].trim());
            start = space;
        }
    }
    sentences.push(text[start..].trim());
    sentences
}
