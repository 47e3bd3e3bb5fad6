//! Inner loops of matrix products on the CPU: packed rows of activations times tiles of 16 rows of weights.
//!
//! Each sum runs over the columns in their order, by itself: it is the same bit for bit whatever is computed beside it,
//! and for integers whatever the instruction set.

use super::matrix::{Column, Lane, TILE};
use super::simd::round_row;
use rayon::prelude::*;
use std::iter::{Skip, StepBy};
use std::ops::Range;
use std::slice::IterMut;

/// Rows of activations that share one pass over the weights.
pub(in crate::model) const GROUP: usize = 12;
/// Tiles that share one pass over the activations.
pub(in crate::model) const PAIR: usize = 2;

/// The instructions in use, found at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// The fastest of this machine.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// All that this machine has, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.insert(0, Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                all.insert(0, Self::Avx512Vnni);
            }
        }
        all
    }
}

/// Values below which filling groups is not worth another thread.
const MIN_SHARED: usize = 2048;

/// Rows of activations, regrouped so that a kernel reads them from front to back: `(groups, columns, rows of the group)`.
pub(in crate::model) struct Grouped<T> {
    values: Vec<T>,
    columns: usize,
    /// Where each group's rows start, and the end.
    bounds: Vec<usize>,
}

impl<T: Copy + Default + Send> Grouped<T> {
    /// `fill` writes the `columns` values of each of `m` rows; what it gives comes back in the order of rows.
    pub fn new<R: Send>(
        m: usize,
        columns: usize,
        fill: impl Fn(usize, StepBy<Skip<IterMut<T>>>) -> R + Sync,
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
        let group = |(rows, to): (Range<usize>, &mut [T])| -> Vec<R> {
            let (first, count) = (rows.start, rows.len());
            rows.map(|row| fill(row, to.iter_mut().skip(row - first).step_by(count)))
                .collect()
        };
        let filled: Vec<Vec<R>> = if m * columns < MIN_SHARED {
            parts.into_iter().map(group).collect()
        } else {
            parts.into_par_iter().map(group).collect()
        };
        let this = Self {
            values,
            columns,
            bounds,
        };
        (this, filled.into_iter().flatten().collect())
    }

    /// Each group's first row, its number of rows, and its values `(columns, rows of the group)`.
    pub fn groups(&self) -> impl Iterator<Item = (usize, usize, &[T])> {
        self.bounds.windows(2).map(|bound| {
            let values = &self.values[bound[0] * self.columns..bound[1] * self.columns];
            (bound[0], bound[1] - bound[0], values)
        })
    }
}

/// Sums of one group of rows over up to [`PAIR`] tiles.
pub(in crate::model) type Sums = [[Column; PAIR]; GROUP];

/// A tile in 8 bits, four columns a lane, with the scale of each of its rows.
#[derive(Clone, Copy)]
pub(in crate::model) struct IntegerTile<'a> {
    pub lanes: &'a [Lane],
    pub scales: &'a Column,
}

/// `sums[row][tile] = rows * tiles`, in float32. `tiles` holds one or two tiles of `(columns, 16)`.
pub(in crate::model) fn floats(kernel: Kernel, tiles: &[&[Column]], rows: usize, values: &[f32], sums: &mut Sums) {
    match kernel {
        // SAFETY: the features were detected when the kernel was chosen; the lengths agree by `Grouped`'s layout.
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512Vnni => unsafe { avx512::floats(tiles, rows, values, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => unsafe { avx2::floats(tiles, rows, values, sums) },
        Kernel::Portable => {
            for (tile, weights) in tiles.iter().enumerate() {
                for (row, sums) in sums.iter_mut().take(rows).enumerate() {
                    portable_floats(weights, rows, &values[row..], &mut sums[tile]);
                }
            }
        }
    }
}

fn portable_floats(weights: &[Column], step: usize, values: &[f32], sums: &mut Column) {
    sums.0 = [0.0; TILE];
    for (weights, x) in weights.iter().zip(values.iter().step_by(step)) {
        for (sum, weight) in sums.0.iter_mut().zip(weights.0) {
            // One rounding, where the machine has it; a call where it has not would cost more than it keeps.
            *sum = if cfg!(target_arch = "aarch64") {
                weight.mul_add(*x, *sum)
            } else {
                weight * x + *sum
            };
        }
    }
}

/// Rows of activations rounded to 8 bits with one scale each, four columns in an entry as the kernel wants them.
pub(in crate::model) struct IntegerRows {
    entries: Entries,
    scales: Vec<f32>,
    /// What the sums of each row start from, to take back what the kernel adds to every operand.
    starts: Vec<i32>,
}

enum Entries {
    /// Signed, against weights with 128 added to them.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Grouped<i32>),
    /// Absolute values, and what makes a stored weight the weight where the sign is plus, its complement where it is
    /// minus: `|x| * !w = x * w - |x|`.
    #[cfg(target_arch = "x86_64")]
    Avx2(Grouped<[i32; 2]>),
    /// As for AVX-512.
    Portable(Grouped<i32>),
}

impl IntegerRows {
    /// Rounds `activations`, `(rows, columns)`.
    pub fn new(kernel: Kernel, activations: &[f32], columns: usize) -> Self {
        let (m, groups) = (activations.len() / columns, columns.div_ceil(4));
        let round = |row: usize| {
            let mut rounded = vec![0i8; groups * 4];
            let scale = round_row(&activations[row * columns..][..columns], &mut rounded);
            (rounded, scale)
        };
        let signed_row = |row: usize, to: StepBy<Skip<IterMut<i32>>>| {
            let (rounded, scale) = round(row);
            (scale, signed(&rounded, to))
        };
        let (entries, rows) = match kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni => {
                let (grouped, rows) = Grouped::new(m, groups, signed_row);
                (Entries::Avx512Vnni(grouped), rows)
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => {
                let (grouped, rows) = Grouped::new(m, groups, |row, to| {
                    let (rounded, scale) = round(row);
                    (scale, split(&rounded, to))
                });
                (Entries::Avx2(grouped), rows)
            }
            Kernel::Portable => {
                let (grouped, rows) = Grouped::new(m, groups, signed_row);
                (Entries::Portable(grouped), rows)
            }
        };
        let (scales, starts) = rows.into_iter().unzip();
        Self {
            entries,
            scales,
            starts,
        }
    }

    /// The products with one or two tiles: `write` gets a row, the tile's number and the row's 16 values.
    pub fn products(&self, tiles: &[IntegerTile], mut write: impl FnMut(usize, usize, &Column)) {
        let mut sums = [[Column([0.0; TILE]); PAIR]; GROUP];
        let mut done = |first: usize, count: usize, sums: &Sums| {
            for (i, sums) in sums[..count].iter().enumerate() {
                for (tile, sum) in sums[..tiles.len()].iter().enumerate() {
                    write(first + i, tile, sum);
                }
            }
        };
        let scales = |first: usize, count: usize| RowScales {
            scales: &self.scales[first..first + count],
            starts: &self.starts[first..first + count],
        };
        match &self.entries {
            #[cfg(target_arch = "x86_64")]
            Entries::Avx512Vnni(grouped) => {
                for (first, count, values) in grouped.groups() {
                    // SAFETY: the features were detected when the kernel was chosen; the lengths agree by `Grouped`'s layout.
                    unsafe { avx512::integers(tiles, &scales(first, count), values, &mut sums) };
                    done(first, count, &sums);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Entries::Avx2(grouped) => {
                for (first, count, values) in grouped.groups() {
                    // SAFETY: as above.
                    unsafe { avx2::integers(tiles, &scales(first, count), values, &mut sums) };
                    done(first, count, &sums);
                }
            }
            Entries::Portable(grouped) => {
                for (first, count, values) in grouped.groups() {
                    for (index, tile) in tiles.iter().enumerate() {
                        for (row, sums) in sums.iter_mut().take(count).enumerate() {
                            let mut totals = [self.starts[first + row]; TILE];
                            portable_integers(tile.lanes, count, &values[row..], &mut totals);
                            for ((sum, total), scale) in sums[index].0.iter_mut().zip(totals).zip(tile.scales.0) {
                                *sum = total as f32 * (scale * self.scales[first + row]);
                            }
                        }
                    }
                    done(first, count, &sums);
                }
            }
        }
    }
}

/// Writes a row's entries as signed values, and gives what its sums start from.
fn signed<'a>(rounded: &[i8], to: impl Iterator<Item = &'a mut i32>) -> i32 {
    for (to, four) in to.zip(rounded.as_chunks::<4>().0) {
        *to = i32::from_le_bytes(four.map(|q| q as u8));
    }
    -128 * rounded.iter().map(|q| i32::from(*q)).sum::<i32>()
}

/// Writes a row's entries as absolute values and signs, and gives what its sums start from.
fn split<'a>(rounded: &[i8], to: impl Iterator<Item = &'a mut [i32; 2]>) -> i32 {
    let mut start = 0;
    for (to, four) in to.zip(rounded.as_chunks::<4>().0) {
        // All four at once: no byte carries into the next, as none is -128.
        let four = u32::from_le_bytes(four.map(|q| q as u8));
        let minus = four >> 7 & 0x0101_0101;
        let signs = minus * 0xff;
        let sizes = (four ^ signs) + minus;
        *to = [sizes, signs ^ 0x8080_8080].map(u32::cast_signed);
        let pairs = (sizes & signs & 0x00ff_00ff) + ((sizes & signs) >> 8 & 0x00ff_00ff);
        start += (pairs & 0xffff) + (pairs >> 16);
    }
    start.cast_signed()
}

/// Of the rows of one group.
struct RowScales<'a> {
    scales: &'a [f32],
    starts: &'a [i32],
}

fn portable_integers(lanes: &[Lane], step: usize, values: &[i32], sums: &mut [i32; TILE]) {
    for (lane, four) in lanes.iter().zip(values.iter().step_by(step)) {
        let four = four.to_le_bytes().map(|byte| i32::from(byte as i8));
        for (sum, weights) in sums.iter_mut().zip(lane.0.as_chunks::<4>().0) {
            *sum += (0..4).map(|j| i32::from(weights[j]) * four[j]).sum::<i32>();
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Column, GROUP, IntegerTile, PAIR, RowScales, Sums};
    use std::arch::x86_64::*;

    /// Calls `$f::<rows, tiles>` for the number of rows at hand.
    macro_rules! by_rows {
        ($f:ident, $rows:expr, $tiles:literal, $args:tt, [$($n:literal)*]) => {
            match $rows {
                $($n => $f::<$n, $tiles> $args,)*
                _ => $f::<GROUP, $tiles> $args,
            }
        };
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn floats(tiles: &[&[Column]], rows: usize, values: &[f32], sums: &mut Sums) {
        // SAFETY: the caller's promise.
        unsafe {
            match tiles {
                [a, b] => by_rows!(float_block, rows, 2, ([a, b], values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
                _ => by_rows!(float_block, rows, 1, ([tiles[0]], values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn float_block<const M: usize, const T: usize>(tiles: [&[Column]; T], values: &[f32], out: &mut Sums) {
        let mut sums = [[_mm512_setzero_ps(); T]; M];
        let weights: [*const f32; T] = tiles.map(|tile| tile.as_ptr().cast());
        let mut row = values.as_ptr();
        for column in 0..tiles[0].len() {
            // SAFETY: all tiles have as many columns, and `values` has `M` for each.
            unsafe {
                let weights = weights.map(|tile| _mm512_load_ps(tile.add(column * 16)));
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*row.add(i));
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = _mm512_fmadd_ps(x, weights, *sum);
                    }
                }
                row = row.add(M);
            }
        }
        for (sums, out) in sums.iter().zip(out) {
            for (sum, out) in sums.iter().zip(out) {
                // SAFETY: `Column` is 64 bytes, aligned.
                unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn integers(tiles: &[IntegerTile], rows: &RowScales, values: &[i32], sums: &mut Sums) {
        let count = rows.starts.len();
        // SAFETY: the caller's promise.
        unsafe {
            match *tiles {
                [a, b] => by_rows!(integer_block, count, 2, ([a, b], rows, values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
                _ => by_rows!(integer_block, count, 1, ([tiles[0]], rows, values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn integer_block<const M: usize, const T: usize>(
        tiles: [IntegerTile; T],
        rows: &RowScales,
        values: &[i32],
        out: &mut Sums,
    ) {
        const { assert!(T <= PAIR && M <= GROUP) };
        let mut sums: [_; M] = std::array::from_fn(|row| [_mm512_set1_epi32(rows.starts[row]); T]);
        let weights: [*const super::Lane; T] = tiles.map(|tile| tile.lanes.as_ptr());
        let mut row = values.as_ptr();
        for group in 0..tiles[0].lanes.len() {
            // SAFETY: all tiles have as many lanes, and `values` has `M` for each.
            unsafe {
                let weights = weights.map(|tile| _mm512_load_si512(tile.add(group).cast()));
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = _mm512_set1_epi32(*row.add(i));
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = _mm512_dpbusd_epi32(*sum, weights, x);
                    }
                }
                row = row.add(M);
            }
        }
        for ((sums, out), row_scale) in sums.iter().zip(out).zip(rows.scales) {
            for ((sum, out), tile) in sums.iter().zip(out).zip(tiles) {
                // SAFETY: `Column` is 64 bytes, aligned.
                unsafe {
                    let scale = _mm512_mul_ps(_mm512_load_ps(tile.scales.0.as_ptr()), _mm512_set1_ps(*row_scale));
                    _mm512_store_ps(out.0.as_mut_ptr(), _mm512_mul_ps(_mm512_cvtepi32_ps(*sum), scale));
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! Unsigned activations against signed weights: the sums of two products stay within 16 bits.
    use super::{Column, IntegerTile, PAIR, RowScales, Sums};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn floats(tiles: &[&[Column]], rows: usize, values: &[f32], sums: &mut Sums) {
        // Six rows leave registers for the weights and one value; two blocks of nearly one size rather than 6 and 2.
        let blocks = rows.div_ceil(6);
        for (tile, weights) in tiles.iter().enumerate() {
            for block in 0..blocks {
                let (first, last) = (block * rows / blocks, (block + 1) * rows / blocks);
                let (values, sums) = (&values[first..], &mut sums[first..]);
                // SAFETY: the caller's promise.
                unsafe {
                    match last - first {
                        1 => float_block::<1>(tile, weights, rows, values, sums),
                        2 => float_block::<2>(tile, weights, rows, values, sums),
                        3 => float_block::<3>(tile, weights, rows, values, sums),
                        4 => float_block::<4>(tile, weights, rows, values, sums),
                        5 => float_block::<5>(tile, weights, rows, values, sums),
                        _ => float_block::<6>(tile, weights, rows, values, sums),
                    }
                }
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn float_block<const M: usize>(
        tile: usize,
        weights: &[Column],
        step: usize,
        values: &[f32],
        out: &mut [[Column; PAIR]],
    ) {
        let mut sums = [[_mm256_setzero_ps(); 2]; M];
        let columns = size_of_val(weights);
        for (weights, row) in weights.iter().zip(values.chunks(step)) {
            // SAFETY: `Column` holds 16 floats, 64-byte aligned; every chunk has `M` values at least; no address is read
            // that could not be.
            unsafe {
                let ahead = weights.0.as_ptr().wrapping_byte_add(PAIR * columns);
                _mm_prefetch::<_MM_HINT_T1>(ahead.cast());
                let weights = [
                    _mm256_load_ps(weights.0.as_ptr()),
                    _mm256_load_ps(weights.0.as_ptr().add(8)),
                ];
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*row.as_ptr().add(i));
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = _mm256_fmadd_ps(x, weights, *sum);
                    }
                }
            }
        }
        for (sums, out) in sums.iter().zip(out) {
            for (sum, out) in sums.iter().zip(out[tile].0.as_chunks_mut::<8>().0) {
                // SAFETY: eight floats, in a `Column`, aligned to 32 bytes.
                unsafe { _mm256_store_ps(out.as_mut_ptr(), *sum) };
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn integers(tiles: &[IntegerTile], rows: &RowScales, values: &[[i32; 2]], sums: &mut Sums) {
        let count = rows.scales.len();
        for (index, tile) in tiles.iter().enumerate() {
            for first in (0..count).step_by(4) {
                let block = RowScales {
                    scales: &rows.scales[first..],
                    starts: &rows.starts[first..],
                };
                let (values, sums) = (&values[first..], &mut sums[first..]);
                // SAFETY: the caller's promise.
                unsafe {
                    match count - first {
                        1 => integer_block::<1>(index, tile, count, &block, values, sums),
                        2 => integer_block::<2>(index, tile, count, &block, values, sums),
                        3 => integer_block::<3>(index, tile, count, &block, values, sums),
                        _ => integer_block::<4>(index, tile, count, &block, values, sums),
                    }
                }
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn integer_block<const M: usize>(
        index: usize,
        tile: &IntegerTile,
        step: usize,
        rows: &RowScales,
        values: &[[i32; 2]],
        out: &mut [[Column; PAIR]],
    ) {
        let ones = _mm256_set1_epi16(1);
        let mut sums: [_; M] = std::array::from_fn(|row| [_mm256_set1_epi32(rows.starts[row]); 2]);
        for (lane, row) in tile.lanes.iter().zip(values.chunks(step)) {
            let lane = lane.0.as_ptr().cast::<__m256i>();
            // SAFETY: a lane is two aligned halves of 32 bytes; every chunk has `M` values at least; no address is read
            // that could not be.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(lane.wrapping_byte_add(PAIR * size_of_val(tile.lanes)).cast());
                let weights = [_mm256_load_si256(lane), _mm256_load_si256(lane.add(1))];
                for (i, sums) in sums.iter_mut().enumerate() {
                    let [sizes, signs] = *row.get_unchecked(i);
                    let (sizes, signs) = (_mm256_set1_epi32(sizes), _mm256_set1_epi32(signs));
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        let pairs = _mm256_maddubs_epi16(sizes, _mm256_xor_si256(weights, signs));
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
        }
        for ((sums, out), row_scale) in sums.iter().zip(out).zip(rows.scales) {
            let halves = tile.scales.0.as_chunks::<8>().0.iter();
            for ((sum, scale), out) in sums.iter().zip(halves).zip(out[index].0.as_chunks_mut::<8>().0) {
                // SAFETY: eight floats, in a `Column`, aligned to 32 bytes.
                unsafe {
                    let scale = _mm256_mul_ps(_mm256_load_ps(scale.as_ptr()), _mm256_set1_ps(*row_scale));
                    _mm256_store_ps(out.as_mut_ptr(), _mm256_mul_ps(_mm256_cvtepi32_ps(*sum), scale));
                }
            }
        }
    }
}
