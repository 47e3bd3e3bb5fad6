//! The search for the best set of cuts of a line: dynamic programming over the positions at which the line may be cut.

/// A prior on the length of segments (the parts into which a line is cut): a penalty, in log-odds, for segments that
/// are unusually short or long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LengthPrior {
    /// Length in characters below which a segment counts as short. The penalty grows linearly from 0 at this length to
    /// `short_penalty` at length 0.
    pub short: f32,
    /// Penalty of a segment of length 0, as a positive number of log-odds.
    pub short_penalty: f32,
    /// Length in characters above which a segment counts as long.
    pub long: f32,
    /// Penalty for each 100 characters of a segment beyond `long`, as a positive number of log-odds.
    pub long_penalty: f32,
}

impl LengthPrior {
    /// Returns the penalty, in log-odds, of a segment of `chars` characters: 0 for a usual length, a negative number
    /// for a segment that is short or long.
    pub fn length_penalty(&self, chars: usize) -> f32 {
        let chars = chars as f32;
        if chars < self.short {
            -self.short_penalty * (self.short - chars) / self.short
        } else {
            -self.long_penalty * (chars - self.long).max(0.0) / 100.0
        }
    }
}

/// A position at which a line may be cut into two segments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutCandidate {
    /// Offset in the line, in characters, at which the segment before the cut ends.
    pub end: usize,
    /// Offset in the line, in characters, at which the segment after the cut starts. The white space between `end` and
    /// `next` belongs to neither segment.
    pub next: usize,
    /// Log-odds that a sentence ends here; a positive number speaks for a cut.
    pub score: f32,
}

/// Chooses the cuts of a line for which the sum of the cuts' scores and the segments' length penalties is highest.
///
/// `places` are the positions at which the line may be cut, in ascending order, and `length` is the line's length in
/// characters. A segment is longer than `max_chars` characters only if `places` has no position that could shorten it.
/// Returns the indices in `places` of the chosen cuts, in ascending order.
pub fn best_cuts(places: &[CutCandidate], length: usize, prior: &LengthPrior, max_chars: usize) -> Vec<usize> {
    // Node 0 is the line's start, node n the cut `places[n - 1]`, the last node the line's end. `best` has for each
    // node the highest sum up to it, and the node before it on the way to that sum.
    let start = |node: usize| if node == 0 { 0 } else { places[node - 1].next };
    let mut best: Vec<(f64, usize)> = vec![(0.0, 0)];
    let mut first = 0;
    for node in 1..=places.len() + 1 {
        let (end, score) = places
            .get(node - 1)
            .map_or((length, 0.0), |place| (place.end, place.score));
        while first + 1 < node && end - start(first) > max_chars {
            first += 1;
        }
        // If two sums are equal, the one with the longer last segment is taken: too few cuts do less harm than too
        // many.
        let (value, from) = (first..node)
            .rev()
            .map(|from| (best[from].0 + f64::from(prior.length_penalty(end - start(from))), from))
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
        /// Compares the cuts that `best_cuts` chooses with every other set of cuts.
        #[test]
        fn no_other_cuts_are_better(
            steps in prop::collection::vec((1usize..60, -30i8..30), 0..9),
            tail in 1usize..60, cap in 20usize..120,
        ) {
            let prior = LengthPrior { short: 40.0, short_penalty: 3.0, long: 80.0, long_penalty: 10.0 };
            let mut at = 0;
            let places: Vec<CutCandidate> = steps.iter().map(|&(chars, score)| {
                let end = at + chars;
                at = end + 1;
                CutCandidate { end, next: at, score: f32::from(score) / 10.0 }
            }).collect();
            let length = at + tail;
            // The number of segments longer than `cap`, and the sum of scores and penalties.
            let worth = |cuts: &[usize]| {
                let (mut start, mut over, mut sum) = (0, 0, 0.0);
                for place in cuts.iter().map(|&cut| places[cut]).chain([CutCandidate { end: length, next: 0, score: 0.0 }]) {
                    let chars = place.end - start;
                    over += usize::from(chars > cap);
                    sum += f64::from(prior.length_penalty(chars)) + f64::from(place.score);
                    start = place.next;
                }
                (over, sum)
            };
            let found = worth(&best_cuts(&places, length, &prior, cap));
            for set in 0u32..1 << places.len() {
                let cuts: Vec<usize> = (0..places.len()).filter(|&place| set >> place & 1 == 1).collect();
                let other = worth(&cuts);
                // A cut that leaves both sides longer than `cap` may or may not be made.
                prop_assert!(found.0 > 0 || other.0 > 0 || found.1 >= other.1 - 1e-6, "{found:?} {other:?} {cuts:?}");
                prop_assert!(found.0 == 0 || other.0 > 0, "{found:?} {other:?} {cuts:?}");
            }
        }
    }
}
