//! Packing of activations for the micro-kernels of matrix products: groups of rows that share one pass over the
//! weights, stored column by column.

use crate::model::cpu::tile::{ColumnQuad, TileColumn};
use rayon::prelude::*;
use std::iter::{Skip, StepBy};
use std::ops::Range;
use std::slice::IterMut;

/// The largest number of activation rows that share one pass over the weights: with two tiles, their sums take 24 of 32
/// AVX-512 registers.
pub(super) const GROUP: usize = 12;
/// The largest number of weight tiles that share one pass over the activations.
pub(in crate::model::cpu) const MAX_TILES_PER_PASS: usize = 2;

/// Number of activation values below which a single thread packs them: more threads would cost more than they save.
const MIN_VALUES_FOR_THREADS: usize = 2048;

/// Iterates over the places of one row in a packed group of `n` rows: every `n`-th value of the group.
pub(super) type PackedRowValuesMut<'a, T> = StepBy<Skip<IterMut<'a, T>>>;

/// Activation rows, packed so that a micro-kernel reads memory from front to back: `(groups, columns, rows of the
/// group)`.
pub(in crate::model::cpu) struct PackedRows<T> {
    values: Vec<T>,
    columns: usize,
    /// Index of each group's first row, and at the end the number of all rows.
    bounds: Vec<usize>,
}

/// A group of up to [`GROUP`] packed activation rows, which share one pass over the weights.
#[derive(Clone, Copy)]
pub(in crate::model::cpu) struct RowGroup<'a, T> {
    /// Index of the group's first row among all activation rows.
    pub first: usize,
    /// Number of rows in the group, 1 to [`GROUP`].
    pub rows: usize,
    /// Packed activations of the group, `(columns, rows)`.
    pub values: &'a [T],
}

impl<T: Copy + Default + Send> PackedRows<T> {
    /// Packs `m` activation rows of `columns` values: `fill` gets the index of a row and the places that it must write.
    /// Also returns what `fill` returned for each row, in the order of rows.
    pub fn new<R: Send>(
        m: usize,
        columns: usize,
        fill: impl Fn(usize, PackedRowValuesMut<T>) -> R + Sync,
    ) -> (Self, Vec<R>) {
        // Groups of nearly one size, 8 and 8 rather than 12 and 4, and of fours, as AVX2 takes them.
        let (groups, fours) = (m.div_ceil(GROUP).max(1), m.div_ceil(4));
        let bounds: Vec<usize> = (0..=groups).map(|group| m.min(group * fours / groups * 4)).collect();
        let mut values = vec![T::default(); m * columns];
        let (mut rest, mut parts) = (&mut values[..], Vec::with_capacity(groups));
        for bound in bounds.windows(2) {
            let (part, later) = rest.split_at_mut((bound[1] - bound[0]) * columns);
            parts.push((bound[0]..bound[1], part));
            rest = later;
        }
        let fill_group = |(rows, to): (Range<usize>, &mut [T])| -> Vec<R> {
            let (first, count) = (rows.start, rows.len());
            rows.map(|row| fill(row, to.iter_mut().skip(row - first).step_by(count)))
                .collect()
        };
        let filled: Vec<Vec<R>> = if m * columns < MIN_VALUES_FOR_THREADS {
            parts.into_iter().map(fill_group).collect()
        } else {
            parts.into_par_iter().map(fill_group).collect()
        };
        let packed = Self {
            values,
            columns,
            bounds,
        };
        (packed, filled.into_iter().flatten().collect())
    }

    /// Iterates over the groups that are not empty, in the order of their rows.
    pub fn row_groups(&self) -> impl Iterator<Item = RowGroup<'_, T>> {
        let groups = self.bounds.windows(2).map(|bound| RowGroup {
            first: bound[0],
            rows: bound[1] - bound[0],
            values: &self.values[bound[0] * self.columns..bound[1] * self.columns],
        });
        groups.filter(|group| group.rows > 0)
    }
}

/// The products of one group of activation rows with up to [`MAX_TILES_PER_PASS`] weight tiles, as `sums[row][tile]`.
pub(in crate::model::cpu) type GroupSums = [[TileColumn; MAX_TILES_PER_PASS]; GROUP];

/// [`GroupSums`] that are all zero.
pub(in crate::model::cpu) const ZERO_GROUP_SUMS: GroupSums = [[TileColumn::ZERO; MAX_TILES_PER_PASS]; GROUP];

/// A tile of 16 weight rows in 8 bits: four columns in a [`ColumnQuad`], and one scale for each row.
#[derive(Clone, Copy)]
pub(in crate::model::cpu) struct Int8Tile<'a> {
    pub lanes: &'a [ColumnQuad],
    pub scales: &'a TileColumn,
}

/// Scales and initial sums of the 8-bit activation rows of one [`RowGroup`].
pub(super) struct ActivationRowScales<'a> {
    pub scales: &'a [f32],
    /// Initial value of each row's integer sums.
    pub starts: &'a [i32],
}
