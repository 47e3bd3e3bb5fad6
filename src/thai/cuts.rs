//! The best cuts of a line: dynamic programming over the places where it may be cut.

/// How natural a segment's length is, in the unit of the scores: 0 between the two bounds, negative outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LengthPrior {
    /// Segments of fewer characters are penalised, one of none by `brevity`, others in proportion.
    pub short: f32,
    pub brevity: f32,
    /// Segments of more characters are penalised, by `excess` for each 100 more.
    pub long: f32,
    pub excess: f32,
}

impl LengthPrior {
    /// The penalty of a segment of so many characters, 0 or less.
    pub fn penalty(&self, chars: usize) -> f32 {
        let chars = chars as f32;
        if chars < self.short {
            -self.brevity * (self.short - chars) / self.short
        } else {
            -self.excess * (chars - self.long).max(0.0) / 100.0
        }
    }
}

/// A place where a line may be cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Characters of the line before the place, and before what follows the white space there.
    pub end: usize,
    pub next: usize,
    /// What cutting here is worth, in log-odds.
    pub score: f32,
}

/// The places whose cuts maximise the sum of the scores and of the prior of each segment's length, in a line of `length`
/// characters, with no segment longer than `cap` that another place could shorten: their indices, in order.
pub fn best_cuts(places: &[Cut], length: usize, prior: &LengthPrior, cap: usize) -> Vec<usize> {
    // Node 0 is the line's start, node n + 1 its end; `best` holds a node's value and the node before it.
    let start = |node: usize| if node == 0 { 0 } else { places[node - 1].next };
    let mut best: Vec<(f64, usize)> = vec![(0.0, 0)];
    let mut first = 0;
    for node in 1..=places.len() + 1 {
        let (end, score) = places
            .get(node - 1)
            .map_or((length, 0.0), |place| (place.end, place.score));
        while first + 1 < node && end - start(first) > cap {
            first += 1;
        }
        // Of equal ways the one with the longer last segment: merging costs less than cutting.
        let (value, from) = (first..node)
            .rev()
            .map(|from| (best[from].0 + f64::from(prior.penalty(end - start(from))), from))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((0.0, node - 1));
        best.push((value + f64::from(score), from));
    }
    let mut cuts = Vec::new();
    let mut node = best[places.len() + 1].1;
    while node > 0 {
        cuts.push(node - 1);
        node = best[node].1;
    }
    cuts.reverse();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against every set of cuts.
        #[test]
        fn no_other_cuts_are_better(
            steps in prop::collection::vec((1usize..60, -30i8..30), 0..9),
            tail in 1usize..60, cap in 20usize..120,
        ) {
            let prior = LengthPrior { short: 40.0, brevity: 3.0, long: 80.0, excess: 10.0 };
            let mut at = 0;
            let places: Vec<Cut> = steps.iter().map(|&(chars, score)| {
                let end = at + chars;
                at = end + 1;
                Cut { end, next: at, score: f32::from(score) / 10.0 }
            }).collect();
            let length = at + tail;
            // How many segments are above the cap, then the value.
            let worth = |cuts: &[usize]| {
                let (mut start, mut over, mut sum) = (0, 0, 0.0);
                for place in cuts.iter().map(|&cut| places[cut]).chain([Cut { end: length, next: 0, score: 0.0 }]) {
                    let chars = place.end - start;
                    over += usize::from(chars > cap);
                    sum += f64::from(prior.penalty(chars)) + f64::from(place.score);
                    start = place.next;
                }
                (over, sum)
            };
            let found = worth(&best_cuts(&places, length, &prior, cap));
            for set in 0u32..1 << places.len() {
                let cuts: Vec<usize> = (0..places.len()).filter(|&place| set >> place & 1 == 1).collect();
                let other = worth(&cuts);
                // A place that leaves both sides above the cap may or may not be cut.
                prop_assert!(found.0 > 0 || other.0 > 0 || found.1 >= other.1 - 1e-6, "{found:?} {other:?} {cuts:?}");
                prop_assert!(found.0 == 0 || other.0 > 0, "{found:?} {other:?} {cuts:?}");
            }
        }
    }
}
