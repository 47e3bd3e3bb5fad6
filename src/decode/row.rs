//! One row of logits: finds its log-sum-exp and its best columns in two vectorised passes. A column is the place of one
//! token of the output vocabulary.

use crate::model::cpu::simd::{block_maxima, max_of_values, sum_shifted_exp};

/// Number of adjacent columns in a block. The largest logit of each block is kept, so that most of a row need not be
/// read again.
const LOGITS_PER_BLOCK: usize = 128;

/// A row of logits, with the maxima and the normaliser that the search needs of it.
pub(super) struct LogitRow<'a> {
    logits: &'a [f32],
    /// Largest logit of each block of [`LOGITS_PER_BLOCK`] columns.
    blocks: Vec<f32>,
    most: f32,
    log_sum: f32,
}

/// A column of a row of logits, and the value that replaces its logit; negative infinity forbids the token. Lists of
/// patches are sorted by column, without duplicates.
pub(super) type LogitPatch = (usize, f32);

impl<'a> LogitRow<'a> {
    /// Reads a row of logits; `None` if it holds a NaN or positive infinity, or nothing finite.
    pub fn read(logits: &'a [f32]) -> Option<Self> {
        let blocks = block_maxima(logits, LOGITS_PER_BLOCK);
        let most = max_of_values(&blocks);
        let log_sum = sum_shifted_exp(logits, most).ln();
        (most.is_finite() && log_sum.is_finite()).then_some(Self {
            logits,
            blocks,
            most,
            log_sum,
        })
    }

    pub fn logit_at(&self, column: usize) -> f32 {
        self.logits[column]
    }

    pub fn log_probability(&self, column: usize) -> f32 {
        self.to_log_probability(self.logits[column])
    }

    /// Turns a logit into a log-probability, in torch's order of operations, so that rounding agrees with its
    /// `log_softmax`.
    pub fn to_log_probability(&self, logit: f32) -> f32 {
        (logit - self.most) - self.log_sum
    }

    /// Finds at least the `count` best columns of the row, with their values; fewer only if no more columns have a
    /// value above negative infinity. They are sorted best first, equal values by column.
    ///
    /// The value of a patched column is its patch. That of any other column is `value(logit)`, where `value` never
    /// decreases as the logit grows.
    pub fn best_columns(&self, count: usize, patches: &[LogitPatch], value: impl Fn(f32) -> f32) -> Vec<LogitPatch> {
        let blocks = self.unpatched_maxima(patches);
        // The `count`-th largest logit of all is at least the `count`-th largest of the block maxima.
        let mut floor = f32::NEG_INFINITY;
        if count <= blocks.len() {
            let mut sorted = blocks.clone();
            floor = *sorted.select_nth_unstable_by(count.max(1) - 1, |a, b| b.total_cmp(a)).1;
        }
        self.columns_at_least(floor, &blocks, patches, value)
    }

    /// Finds the columns whose values lie at most `range` below the highest value, and possibly some patched columns
    /// whose values are lower; sorted like [`Self::best_columns`].
    pub fn columns_within_range(&self, range: f32, patches: &[LogitPatch]) -> Vec<LogitPatch> {
        let blocks = self.unpatched_maxima(patches);
        let most = patches
            .iter()
            .fold(max_of_values(&blocks), |most, patch| most.max(patch.1));
        self.columns_at_least(most - range, &blocks, patches, |logit| logit)
    }

    /// Computes the largest logit of each block of [`LOGITS_PER_BLOCK`] columns, leaving out patched columns.
    fn unpatched_maxima(&self, patches: &[LogitPatch]) -> Vec<f32> {
        let mut blocks = self.blocks.clone();
        for patches in patches.chunk_by(|a, b| a.0 / LOGITS_PER_BLOCK == b.0 / LOGITS_PER_BLOCK) {
            let block = patches[0].0 / LOGITS_PER_BLOCK;
            blocks[block] = unpatched_slices(self.block_logits(block), block * LOGITS_PER_BLOCK, patches)
                .map(max_of_values)
                .fold(f32::NEG_INFINITY, f32::max);
        }
        blocks
    }

    /// Finds all patched columns that are not forbidden and all other columns with a logit of at least `floor`, best
    /// first. `blocks` has the largest unpatched logit of each block.
    fn columns_at_least(
        &self,
        floor: f32,
        blocks: &[f32],
        patches: &[LogitPatch],
        value: impl Fn(f32) -> f32,
    ) -> Vec<LogitPatch> {
        let mut best: Vec<LogitPatch> = patches
            .iter()
            .copied()
            .filter(|patch| patch.1 > f32::NEG_INFINITY)
            .collect();
        for (block, most) in blocks.iter().enumerate() {
            if *most < floor {
                continue;
            }
            for (i, logit) in self.block_logits(block).iter().enumerate() {
                let column = block * LOGITS_PER_BLOCK + i;
                if *logit >= floor
                    && *logit > f32::NEG_INFINITY
                    && patches.binary_search_by_key(&column, |patch| patch.0).is_err()
                {
                    best.push((column, value(*logit)));
                }
            }
        }
        best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        best
    }

    /// Computes the logarithm of the sum of all probabilities in the row after patches have replaced log-probabilities.
    pub fn log_total_probability(&self, patches: &[LogitPatch]) -> f32 {
        let replaced: f64 = patches
            .iter()
            .map(|patch| f64::from(self.log_probability(patch.0)).exp())
            .sum();
        let rest = if replaced < 0.5 {
            (1.0 - replaced).ln()
        } else {
            // A small difference would be mostly rounding error: sum up the remaining probabilities instead.
            let most = unpatched_slices(self.logits, 0, patches)
                .map(max_of_values)
                .fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = unpatched_slices(self.logits, 0, patches)
                .map(|gap| sum_shifted_exp(gap, most))
                .sum();
            f64::from(self.to_log_probability(most)) + f64::from(sum).ln()
        };
        let values = || patches.iter().map(|patch| f64::from(patch.1)).chain([rest]);
        let most = values()
            .filter(|value| !value.is_nan())
            .fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = values()
            .filter(|value| *value > f64::NEG_INFINITY)
            .map(|value| (value - most).exp())
            .sum();
        (most + sum.ln()) as f32
    }

    fn block_logits(&self, block: usize) -> &[f32] {
        let start = block * LOGITS_PER_BLOCK;
        &self.logits[start..(start + LOGITS_PER_BLOCK).min(self.logits.len())]
    }
}

/// Iterates over the runs of `values` between patched columns. The first of `values` is the column with the index
/// `start`.
fn unpatched_slices<'a>(values: &'a [f32], start: usize, patches: &'a [LogitPatch]) -> impl Iterator<Item = &'a [f32]> {
    let mut from = 0;
    patches
        .iter()
        .map(move |patch| patch.0 - start)
        .chain([values.len()])
        .map(move |to| {
            let gap = &values[from..to];
            from = to + 1;
            gap
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(n: usize) -> Vec<f32> {
        // Few different values: many equals.
        (0..n).map(|i| ((i * 7919) % 211) as f32 / 16.0 - 5.0).collect()
    }

    #[test]
    fn the_best_are_those_of_a_full_sort() {
        for n in [1, 5, 127, 128, 129, 1000, 5000] {
            let logits = logits(n);
            let row = LogitRow::read(&logits).unwrap();
            for step in [1, 3, 50, 10_000] {
                let patches: Vec<LogitPatch> = (0..n)
                    .step_by(step)
                    .map(|i| (i, if i % 2 == 0 { f32::NEG_INFINITY } else { logits[i] + 1.0 }))
                    .collect();
                let mut all: Vec<LogitPatch> = logits.iter().copied().enumerate().collect();
                for (column, value) in &patches {
                    all[*column].1 = *value;
                }
                all.retain(|patch| patch.1 > f32::NEG_INFINITY);
                all.sort_by(|a, b| b.1.total_cmp(&a.1));
                for range in [0.0, 0.5, 4.0, 100.0] {
                    let floor = all.first().map_or(0.0, |most| most.1) - range;
                    let mut near = row.columns_within_range(range, &patches);
                    near.retain(|patch| patch.1 >= floor);
                    let expected = all.iter().filter(|patch| patch.1 >= floor);
                    assert!(near.iter().eq(expected), "{n} {step} {range}");
                }
                for count in [1, 2, 8, 40, n] {
                    let mut best = row.best_columns(count, &patches, |logit| logit);
                    best.truncate(count);
                    assert_eq!(best, all[..count.min(all.len())], "{n} {step} {count}");
                }
                let sum: f64 = all
                    .iter()
                    .map(
                        |(column, value)| match patches.iter().find(|patch| patch.0 == *column) {
                            Some(_) => f64::from(*value).exp(),
                            None => f64::from(row.log_probability(*column)).exp(),
                        },
                    )
                    .sum();
                let log_mass = f64::from(row.log_total_probability(&patches));
                assert!(
                    (log_mass - sum.ln()).abs() < 1e-5 || (sum == 0.0 && log_mass == f64::NEG_INFINITY),
                    "{n} {step}: {log_mass} {sum}"
                );
            }
        }
    }

    #[test]
    fn a_small_rest_is_not_lost_to_rounding() {
        let logits = [30.0, 0.0, 0.0, 1.0];
        let row = LogitRow::read(&logits).unwrap();
        let patches = [(0, f32::NEG_INFINITY)];
        let expected = (2.0f64 + 1f64.exp()).ln() - 30.0;
        assert!((f64::from(row.log_total_probability(&patches)) - expected).abs() < 1e-5);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(LogitRow::read(&[1.0, f32::NAN, 3.0]).is_none());
        assert!(LogitRow::read(&[1.0, f32::INFINITY]).is_none());
        assert!(LogitRow::read(&[f32::NEG_INFINITY; 3]).is_none());
        assert!(LogitRow::read(&[]).is_none());
        let row = LogitRow::read(&[f32::NEG_INFINITY, 2.0]).map(|row| row.best_columns(2, &[], |logit| logit));
        assert_eq!(row, Some(vec![(1, 2.0)]));
    }
}
