//! Activations rounded to 8 bits by blocks of 32 columns (ggml's Q8_0), as quantised matrices are multiplied with them.

use super::layout::BLOCK;
use crate::model::cpu::ggml::QuantType;
use crate::model::cpu::simd::round_blocks;
use rayon::prelude::*;

/// Activations of `(rows, columns)` rounded to 8 bits, with a scale for each 32 columns.
pub(super) struct RoundedActivations {
    columns: usize,
    values: Vec<i8>,
    /// `(rows, columns / 32)`.
    scales: Vec<f32>,
    /// `(rows, columns / 16)`: sums of each 16 rounded values.
    half_sums: Vec<i32>,
    /// `(rows, columns / 32)`: sums of each 32 rounded values, times their scale.
    scaled_sums: Vec<f32>,
}

/// A part of the fields of [`RoundedActivations`]: activations, values and scales, sums and scaled sums.
type Part<'a> = (
    ((&'a [f32], &'a mut [i8]), &'a mut [f32]),
    (&'a mut [i32], &'a mut [f32]),
);

impl RoundedActivations {
    /// Rounds `activations`, `(rows, columns)`.
    pub fn new(activations: &[f32], columns: usize) -> Self {
        /// Blocks of a part: fewer are not worth another thread.
        const PART: usize = 1024;
        let blocks = activations.len() / BLOCK;
        let (mut values, mut scales) = (vec![0; activations.len()], vec![0.0; blocks]);
        let (mut half_sums, mut scaled_sums) = (vec![0; blocks * 2], vec![0.0; blocks]);
        let part = |(((activations, values), scales), (half_sums, scaled_sums)): Part| {
            round_blocks(activations, values, scales, half_sums);
            for ((scaled, [a, b]), scale) in scaled_sums.iter_mut().zip(half_sums.as_chunks::<2>().0).zip(scales) {
                *scaled = *scale * (a + b) as f32;
            }
        };
        if blocks > PART {
            activations
                .par_chunks(PART * BLOCK)
                .zip(values.par_chunks_mut(PART * BLOCK))
                .zip(scales.par_chunks_mut(PART))
                .zip(half_sums.par_chunks_mut(PART * 2).zip(scaled_sums.par_chunks_mut(PART)))
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

    /// Prepares the activations for a matrix of this type.
    pub fn for_type(&self, quant: QuantType) -> Operand<'_> {
        let offset = -i32::from(quant.offset());
        let starts = if quant.block_columns() == BLOCK {
            let sums = self.half_sums.as_chunks().0.iter();
            sums.map(|[a, b]| offset * (a + b)).collect()
        } else {
            assert_eq!(quant.block_columns() * 2, BLOCK, "sums are of 16 columns");
            self.half_sums.iter().map(|sum| offset * sum).collect()
        };
        Operand {
            rounded: self,
            scales_per_block: BLOCK / quant.block_columns(),
            starts,
        }
    }
}

/// Rounded activations together with what the type of the weights asks for.
pub(super) struct Operand<'a> {
    rounded: &'a RoundedActivations,
    /// Scales that the weights have for a block of 32 columns: 1, or 2 for Q6_K.
    scales_per_block: usize,
    /// `(rows, columns / 32 * scales_per_block)`: the initial value of each integer sum, which takes back the weights'
    /// offset.
    starts: Vec<i32>,
}

impl Operand<'_> {
    /// Gives one row, from column `start` on.
    #[inline(always)]
    pub fn row(&self, row: usize, start: usize) -> RoundedRow<'_> {
        let rounded = self.rounded;
        let (from, to) = (row * rounded.columns + start, (row + 1) * rounded.columns);
        RoundedRow {
            values: &rounded.values[from..to],
            scales: &rounded.scales[from / BLOCK..to / BLOCK],
            starts: &self.starts[from / BLOCK * self.scales_per_block..to / BLOCK * self.scales_per_block],
            scaled: &rounded.scaled_sums[from / BLOCK..to / BLOCK],
        }
    }
}

/// One row of an [`Operand`].
pub(super) struct RoundedRow<'a> {
    pub values: &'a [i8],
    /// One for each 32 columns.
    pub scales: &'a [f32],
    /// One for each scale of the weights.
    pub starts: &'a [i32],
    /// The sum of each 32 values times their scale, which minima are multiplied with.
    pub scaled: &'a [f32],
}
