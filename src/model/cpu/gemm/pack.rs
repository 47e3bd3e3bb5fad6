//! Packing of activations for the micro-kernels: groups of rows that share one pass over the weights, column by column.

use crate::model::cpu::tile::{Column, Lane};
use rayon::prelude::*;
use std::iter::{Skip, StepBy};
use std::ops::Range;
use std::slice::IterMut;

/// The most rows of activations that share one pass over the weights.
pub(super) const GROUP: usize = 12;
/// The most tiles that share one pass over the activations.
pub(in crate::model::cpu) const PAIR: usize = 2;

/// Values below which packing is not worth another thread.
const MIN_SHARED: usize = 2048;

/// The places of one row of a group: every `rows of the group`-th value of the group's.
pub(super) type RowPlaces<'a, T> = StepBy<Skip<IterMut<'a, T>>>;

/// Rows of activations, packed so that a micro-kernel reads them from front to back: `(groups, columns, rows of the
/// group)`.
pub(in crate::model::cpu) struct PackedRows<T> {
    values: Vec<T>,
    columns: usize,
    /// The first row of each group, and the number of all rows.
    bounds: Vec<usize>,
}

/// A group of packed rows.
#[derive(Clone, Copy)]
pub(in crate::model::cpu) struct Group<'a, T> {
    /// The first of its rows.
    pub first: usize,
    /// The number of its rows, 1 to [`GROUP`].
    pub rows: usize,
    /// `(columns, rows)`.
    pub values: &'a [T],
}

impl<T: Copy + Default + Send> PackedRows<T> {
    /// Packs `m` rows: `fill` writes the `columns` values of each. Gives what it returns as well, in the order of rows.
    pub fn new<R: Send>(m: usize, columns: usize, fill: impl Fn(usize, RowPlaces<T>) -> R + Sync) -> (Self, Vec<R>) {
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
        let filled: Vec<Vec<R>> = if m * columns < MIN_SHARED {
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

    /// Gives the groups in the order of their rows; none is empty.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_, T>> {
        let groups = self.bounds.windows(2).map(|bound| Group {
            first: bound[0],
            rows: bound[1] - bound[0],
            values: &self.values[bound[0] * self.columns..bound[1] * self.columns],
        });
        groups.filter(|group| group.rows > 0)
    }
}

/// The sums of one group of rows with up to [`PAIR`] tiles.
pub(in crate::model::cpu) type Sums = [[Column; PAIR]; GROUP];

/// Sums of zero.
pub(in crate::model::cpu) const ZERO_SUMS: Sums = [[Column::ZERO; PAIR]; GROUP];

/// A tile in 8 bits, four columns a lane, with the scale of each of its rows.
#[derive(Clone, Copy)]
pub(in crate::model::cpu) struct Int8Tile<'a> {
    pub lanes: &'a [Lane],
    pub scales: &'a Column,
}

/// Scales and starts of the rows of one group.
pub(super) struct RowScales<'a> {
    pub scales: &'a [f32],
    /// Initial values of the integer sums.
    pub starts: &'a [i32],
}
