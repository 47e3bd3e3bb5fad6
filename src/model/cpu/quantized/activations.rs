//! Activations rounded to 8 bits by blocks of 32 columns (ggml's Q8_0), the form in which quantised matrices are
//! multiplied with them.

use super::layout::COLUMNS_PER_BLOCK;
use crate::model::cpu::ggml::QuantType;
use crate::model::cpu::simd::round_blocks_to_int8;
use rayon::prelude::*;

/// Activations of `(rows, columns)`, rounded to 8 bits with a scale for each 32 columns.
pub(super) struct RoundedActivations {
    columns: usize,
    values: Vec<i8>,
    /// Scale of each 32 columns, `(rows, columns / 32)`.
    scales: Vec<f32>,
    /// Sum of each 16 rounded values, `(rows, columns / 16)`.
    half_sums: Vec<i32>,
    /// Sum of each 32 rounded values times their scale, `(rows, columns / 32)`.
    scaled_sums: Vec<f32>,
}

/// Slices of the same rows of activations and of all fields of [`RoundedActivations`], which one thread fills:
/// activations, values, scales, half sums and scaled sums.
type RoundedActivationSlices<'a> = (
    ((&'a [f32], &'a mut [i8]), &'a mut [f32]),
    (&'a mut [i32], &'a mut [f32]),
);

impl RoundedActivations {
    /// Rounds `activations`, `(rows, columns)`.
    pub fn new(activations: &[f32], columns: usize) -> Self {
        /// Number of blocks that one thread rounds at a time; fewer are not worth another thread.
        const BLOCKS_PER_THREAD: usize = 1024;
        let blocks = activations.len() / COLUMNS_PER_BLOCK;
        let (mut values, mut scales) = (vec![0; activations.len()], vec![0.0; blocks]);
        let (mut half_sums, mut scaled_sums) = (vec![0; blocks * 2], vec![0.0; blocks]);
        let part = |(((activations, values), scales), (half_sums, scaled_sums)): RoundedActivationSlices| {
            round_blocks_to_int8(activations, values, scales, half_sums);
            for ((scaled, [a, b]), scale) in scaled_sums.iter_mut().zip(half_sums.as_chunks::<2>().0).zip(scales) {
                *scaled = *scale * (a + b) as f32;
            }
        };
        if blocks > BLOCKS_PER_THREAD {
            activations
                .par_chunks(BLOCKS_PER_THREAD * COLUMNS_PER_BLOCK)
                .zip(values.par_chunks_mut(BLOCKS_PER_THREAD * COLUMNS_PER_BLOCK))
                .zip(scales.par_chunks_mut(BLOCKS_PER_THREAD))
                .zip(
                    half_sums
                        .par_chunks_mut(BLOCKS_PER_THREAD * 2)
                        .zip(scaled_sums.par_chunks_mut(BLOCKS_PER_THREAD)),
                )
                .for_each(part)
        } else {
            part((
                ((activations, &mut values), &mut scales),
                (&mut half_sums, &mut scaled_sums),
            ))
        }
        Self {
            columns,
            values,
            scales,
            half_sums,
            scaled_sums,
        }
    }

    /// Prepares the activations for multiplication with matrices of a quantised type.
    pub fn prepare_for_type(&self, quant: QuantType) -> PreparedActivations<'_> {
        let offset = -i32::from(quant.value_offset());
        let starts = if quant.block_columns() == COLUMNS_PER_BLOCK {
            let sums = self.half_sums.as_chunks().0.iter();
            sums.map(|[a, b]| offset * (a + b)).collect()
        } else {
            assert_eq!(quant.block_columns() * 2, COLUMNS_PER_BLOCK, "sums are of 16 columns");
            self.half_sums.iter().map(|sum| offset * sum).collect()
        };
        PreparedActivations {
            rounded: self,
            scales_per_block: COLUMNS_PER_BLOCK / quant.block_columns(),
            starts,
        }
    }
}

/// Rounded activations together with the initial sums that a quantised type of weights needs.
pub(super) struct PreparedActivations<'a> {
    rounded: &'a RoundedActivations,
    /// Number of scales that the weights have for a block of 32 columns: 1, or 2 for Q6_K.
    scales_per_block: usize,
    /// Initial value of each integer sum, `(rows, columns / 32 * scales_per_block)`. It subtracts the offset that
    /// unsigned weights are stored with.
    starts: Vec<i32>,
}

impl PreparedActivations<'_> {
    /// Gives the activations of one row, from column `start` to its end.
    #[inline(always)]
    pub fn row_from_column(&self, row: usize, start: usize) -> PreparedActivationRow<'_> {
        let rounded = self.rounded;
        let (from, to) = (row * rounded.columns + start, (row + 1) * rounded.columns);
        PreparedActivationRow {
            values: &rounded.values[from..to],
            scales: &rounded.scales[from / COLUMNS_PER_BLOCK..to / COLUMNS_PER_BLOCK],
            starts: &self.starts
                [from / COLUMNS_PER_BLOCK * self.scales_per_block..to / COLUMNS_PER_BLOCK * self.scales_per_block],
            scaled: &rounded.scaled_sums[from / COLUMNS_PER_BLOCK..to / COLUMNS_PER_BLOCK],
        }
    }
}

/// One row of rounded activations, from some column on, for the kernels of one quantised type.
pub(super) struct PreparedActivationRow<'a> {
    pub values: &'a [i8],
    /// Scale of each 32 columns of the activations.
    pub scales: &'a [f32],
    /// Initial value of the integer sum for each scale of the weights.
    pub starts: &'a [i32],
    /// Sum of each 32 activations in float32, which the minima of the weights are multiplied with.
    pub scaled: &'a [f32],
}
