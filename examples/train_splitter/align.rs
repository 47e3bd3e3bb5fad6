//! Finds the sentence boundaries of a Thai paragraph by alignment with the sentences of its English original.

use crate::data::Document;
use std::collections::BTreeMap;

/// Finds the boundaries that divide a Thai paragraph into as many segments as its English original has sentences, by
/// dynamic programming. `scores` has the log-odds of each of the document's gaps to be a boundary. Returns none where
/// no division has segments of similar lengths.
///
/// Segments are good if their lengths are proportional to those of the English sentences, if they contain the same
/// numbers, and if they end at spaces that score well or are doubled in the Thai text.
pub fn boundaries(document: &Document, scores: &[f32]) -> Option<Vec<usize>> {
    /// The largest difference between the length of a segment and the length expected from its English sentence, as the
    /// natural logarithm of their ratio.
    const MAX_DIFFERENCE: f64 = 1.1;
    /// The factor by which the squared difference of lengths (a logarithm of their ratio) lowers an alignment's value.
    const DIFFERENCE_COST: f64 = 3.0;
    /// Number of characters added to both lengths before they are compared, so that short segments may differ more.
    const SMOOTHING: f64 = 10.0;
    /// The gain, in log-odds, of a boundary at a space that is doubled in the Thai text.
    const DOUBLED_GAIN: f64 = 2.5;
    /// The cost of a number, such as 2023, that is in the wrong segment; a number in the right segment gains 1.
    const WRONG_NUMBER_COST: f64 = 2.0;

    let english = sentences(document.english.as_deref()?);
    let length = |text: &str| text.chars().count() as f64;
    let ratio = length(&document.text) / english.iter().map(|text| length(text)).sum::<f64>();
    let sentence_numbers: Vec<_> = english.iter().map(|text| numbers(text)).collect();
    let english_numbers: std::collections::BTreeSet<&str> = sentence_numbers
        .iter()
        .flat_map(|numbers| numbers.keys().copied())
        .collect();

    // The possible ends of segments, from the start of the text to its end. Each has the byte offsets before and after the
    // space, the character offsets before and after it, and the gain of a boundary there.
    let mut cuts = vec![(0, 0, 0, 0, 0.0)];
    for (gap, &score) in document.gaps.iter().zip(scores) {
        let doubled = if document.doubled.contains(&gap.offset) {
            DOUBLED_GAIN
        } else {
            0.0
        };
        cuts.push((
            gap.offset,
            gap.offset + 1,
            gap.end,
            gap.next,
            f64::from(score.clamp(-4.0, 4.0)) + doubled,
        ));
    }
    let end = document.text.len();
    cuts.push((end, end, document.text.chars().count(), 0, 0.0));
    let last = cuts.len() - 1;

    // For each number of sentences and each cut: the best value so far, and the cut before it.
    let mut best: Vec<Vec<Option<(f64, usize)>>> = vec![vec![None; cuts.len()]];
    best[0][0] = Some((0.0, 0));
    for (sentence, text) in english.iter().enumerate() {
        let wanted = (length(text) * ratio + SMOOTHING).ln();
        let mut row = vec![None; cuts.len()];
        for to in 1..=last {
            for from in 0..to {
                let Some((value, _)) = best[sentence][from] else {
                    continue;
                };
                let (start, start_chars) = (cuts[from].1, cuts[from].3);
                let (stop, _, stop_chars, _, gain) = cuts[to];
                let difference = ((stop_chars - start_chars) as f64 + SMOOTHING).ln() - wanted;
                if difference.abs() > MAX_DIFFERENCE {
                    continue;
                }
                let shared: f64 = numbers(&document.text[start..stop])
                    .into_iter()
                    .filter(|(number, _)| english_numbers.contains(number))
                    .map(|(number, count)| {
                        let right = count.min(sentence_numbers[sentence].get(number).copied().unwrap_or(0));
                        f64::from(right) - WRONG_NUMBER_COST * f64::from(count - right)
                    })
                    .sum();
                let value = value + shared + gain - DIFFERENCE_COST * difference * difference;
                if row[to].is_none_or(|(best, _)| value > best) {
                    row[to] = Some((value, from));
                }
            }
        }
        best.push(row);
    }
    let mut boundaries = Vec::new();
    let mut cut = last;
    for row in best.iter().skip(1).rev() {
        cut = row[cut]?.1;
        boundaries.push(cuts[cut].0);
    }
    // The last cut found is the start of the text, which is no boundary.
    boundaries.pop();
    boundaries.reverse();
    Some(boundaries)
}

/// Counts how often each number, written in digits, occurs in a text.
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

/// Splits an English text into sentences.
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
