//! Inner loops of matrix products on the CPU: packed rows of activations times tiles of 16 rows of weights.
//!
//! Each sum runs over the columns in their order, by itself: it is the same bit for bit whatever is computed beside it,
//! and for integers whatever the instruction set.

use super::packed::{Column, Lane, TILE};

/// Rows of activations that share one pass over the weights.
pub(super) const GROUP: usize = 12;
/// Tiles that share one pass over the activations.
pub(super) const PAIR: usize = 2;

/// The instructions in use, found at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                return Self::Avx512Vnni;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}

/// Rows of activations, regrouped so that a kernel reads them from front to back: `(groups, columns, rows of the group)`.
pub(super) struct Grouped<T> {
    values: Vec<T>,
    columns: usize,
    /// Where each group's rows start, and the end.
    bounds: Vec<usize>,
}

impl<T: Copy + Default> Grouped<T> {
    /// `rows` is `(m, columns)`.
    pub fn new(rows: &[T], columns: usize) -> Self {
        let m = rows.len() / columns;
        // Groups of nearly one size: 8 and 8 rather than 12 and 4.
        let groups = m.div_ceil(GROUP).max(1);
        let bounds: Vec<usize> = (0..=groups).map(|group| group * m / groups).collect();
        let mut values = vec![T::default(); rows.len()];
        for bound in bounds.windows(2) {
            let count = bound[1] - bound[0];
            let to = &mut values[bound[0] * columns..bound[1] * columns];
            for (i, row) in rows[bound[0] * columns..bound[1] * columns]
                .chunks_exact(columns)
                .enumerate()
            {
                for (to, value) in to.iter_mut().skip(i).step_by(count).zip(row) {
                    *to = *value;
                }
            }
        }
        Self {
            values,
            columns,
            bounds,
        }
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
pub(super) type Sums<T> = [[T; PAIR]; GROUP];

/// Four consecutive columns of 16 rows: 16 sums.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Totals(pub [i32; TILE]);

/// `sums[row][tile] = rows * tiles`, in float32. `tiles` holds one or two tiles of `(columns, 16)`.
pub(super) fn floats(kernel: Kernel, tiles: &[&[Column]], rows: usize, values: &[f32], sums: &mut Sums<Column>) {
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

/// `sums[row][tile] = rows * tiles`, with four signed columns of a row in each `i32`; `totals` are the sums of each row's
/// columns, which take the 128 back that is in every stored weight.
pub(super) fn integers(kernel: Kernel, tiles: &[&[Lane]], totals: &[i32], values: &[i32], sums: &mut Sums<Totals>) {
    match kernel {
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512Vnni => unsafe { avx512::integers(tiles, totals, values, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => unsafe { avx2::integers(tiles, totals.len(), values, sums) },
        Kernel::Portable => {
            for (tile, lanes) in tiles.iter().enumerate() {
                for (row, (sums, total)) in sums.iter_mut().zip(totals).enumerate() {
                    sums[tile].0 = [-128 * total; TILE];
                    portable_integers(lanes, totals.len(), &values[row..], &mut sums[tile]);
                }
            }
        }
    }
}

fn portable_integers(lanes: &[Lane], step: usize, values: &[i32], sums: &mut Totals) {
    for (lane, four) in lanes.iter().zip(values.iter().step_by(step)) {
        let four = four.to_le_bytes().map(|byte| i32::from(byte as i8));
        for (sum, weights) in sums.0.iter_mut().zip(lane.0.as_chunks::<4>().0) {
            *sum += (0..4).map(|j| i32::from(weights[j]) * four[j]).sum::<i32>();
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Column, GROUP, Lane, PAIR, Sums, Totals};
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
    pub(super) unsafe fn floats(tiles: &[&[Column]], rows: usize, values: &[f32], sums: &mut Sums<Column>) {
        // SAFETY: the caller's promise.
        unsafe {
            match tiles {
                [a, b] => by_rows!(float_block, rows, 2, ([a, b], values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
                _ => by_rows!(float_block, rows, 1, ([tiles[0]], values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn float_block<const M: usize, const T: usize>(
        tiles: [&[Column]; T],
        values: &[f32],
        out: &mut Sums<Column>,
    ) {
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
    pub(super) unsafe fn integers(tiles: &[&[Lane]], totals: &[i32], values: &[i32], sums: &mut Sums<Totals>) {
        let rows = totals.len();
        // SAFETY: the caller's promise.
        unsafe {
            match tiles {
                [a, b] => by_rows!(integer_block, rows, 2, ([a, b], totals, values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
                _ => by_rows!(integer_block, rows, 1, ([tiles[0]], totals, values, sums), [1 2 3 4 5 6 7 8 9 10 11]),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn integer_block<const M: usize, const T: usize>(
        tiles: [&[Lane]; T],
        totals: &[i32],
        values: &[i32],
        out: &mut Sums<Totals>,
    ) {
        const { assert!(T <= PAIR && M <= GROUP) };
        let mut sums: [_; M] = std::array::from_fn(|row| [_mm512_set1_epi32(-128 * totals[row]); T]);
        let weights: [*const Lane; T] = tiles.map(<[Lane]>::as_ptr);
        let mut row = values.as_ptr();
        for group in 0..tiles[0].len() {
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
        for (sums, out) in sums.iter().zip(out) {
            for (sum, out) in sums.iter().zip(out) {
                // SAFETY: `Totals` is 64 bytes, aligned.
                unsafe { _mm512_store_si512(out.0.as_mut_ptr().cast(), *sum) };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! Signs are moved to the activations, which keeps the 16-bit sums in range.
    use super::{Column, Lane, Sums, Totals};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn floats(tiles: &[&[Column]], rows: usize, values: &[f32], sums: &mut Sums<Column>) {
        for (tile, weights) in tiles.iter().enumerate() {
            for first in (0..rows).step_by(4) {
                let (values, sums) = (&values[first..], &mut sums[first..]);
                // SAFETY: the caller's promise.
                unsafe {
                    match rows - first {
                        1 => float_block::<1>(tile, weights, rows, values, sums),
                        2 => float_block::<2>(tile, weights, rows, values, sums),
                        3 => float_block::<3>(tile, weights, rows, values, sums),
                        _ => float_block::<4>(tile, weights, rows, values, sums),
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
        out: &mut [[Column; super::PAIR]],
    ) {
        let mut sums = [[_mm256_setzero_ps(); 2]; M];
        for (weights, row) in weights.iter().zip(values.chunks(step)) {
            // SAFETY: `Column` holds 16 floats, 64-byte aligned; every chunk has `M` values at least.
            unsafe {
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
    pub(super) unsafe fn integers(tiles: &[&[Lane]], rows: usize, values: &[i32], sums: &mut Sums<Totals>) {
        for (tile, lanes) in tiles.iter().enumerate() {
            for first in (0..rows).step_by(4) {
                let (values, sums) = (&values[first..], &mut sums[first..]);
                // SAFETY: the caller's promise.
                unsafe {
                    match rows - first {
                        1 => integer_block::<1>(tile, lanes, rows, values, sums),
                        2 => integer_block::<2>(tile, lanes, rows, values, sums),
                        3 => integer_block::<3>(tile, lanes, rows, values, sums),
                        _ => integer_block::<4>(tile, lanes, rows, values, sums),
                    }
                }
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn integer_block<const M: usize>(
        tile: usize,
        lanes: &[Lane],
        step: usize,
        values: &[i32],
        out: &mut [[Totals; super::PAIR]],
    ) {
        let (flip, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
        let mut sums = [[_mm256_setzero_si256(); 2]; M];
        for (lane, row) in lanes.iter().zip(values.chunks(step)) {
            let lane = lane.0.as_ptr().cast::<__m256i>();
            for half in 0..2 {
                // SAFETY: a lane is two aligned halves of 32 bytes; every chunk has `M` values at least.
                unsafe {
                    let weights = _mm256_xor_si256(_mm256_load_si256(lane.add(half)), flip);
                    let sizes = _mm256_abs_epi8(weights);
                    for (i, sums) in sums.iter_mut().enumerate() {
                        let four = _mm256_set1_epi32(*row.as_ptr().add(i));
                        let pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(four, weights));
                        sums[half] = _mm256_add_epi32(sums[half], _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
        }
        for (sums, out) in sums.iter().zip(out) {
            for (sum, out) in sums.iter().zip(out[tile].0.as_chunks_mut::<8>().0) {
                // SAFETY: eight integers, in a `Totals`, aligned to 32 bytes.
                unsafe { _mm256_store_si256(out.as_mut_ptr().cast(), *sum) };
            }
        }
    }
}
