//! Micro-kernels of matrix products for AVX-512 VNNI: one or two weight tiles with up to 12 activation rows at a time,
//! so that all sums stay in registers.

use super::pack::{ActivationRowScales, GROUP, GroupSums, Int8Tile, MAX_TILES_PER_PASS};
use crate::model::cpu::tile::{ColumnQuad, TileColumn};
use std::arch::x86_64::*;

/// Calls `$f::<rows, tiles>` with the number of rows as a constant, because registers cannot be indexed by a variable.
macro_rules! dispatch_row_count {
    ($f:ident, $rows:expr, $tiles:literal, $args:tt, [$($n:literal)*]) => {
        match $rows {
            $($n => $f::<$n, $tiles> $args,)*
            _ => $f::<GROUP, $tiles> $args,
        }
    };
}

/// Computes in float32 the products of up to 12 activation rows with one or two weight tiles, into `sums[row][tile]`.
///
/// # Safety
/// The machine has AVX-512 F, BW and VNNI. There are one or two tiles of as many columns, `rows` is 1 to [`GROUP`], and
/// `values` is `(columns, rows)`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn matmul_f32(tiles: &[&[TileColumn]], rows: usize, values: &[f32], sums: &mut GroupSums) {
    // SAFETY: the caller promises as much; a constant is chosen for the number of rows at hand.
    unsafe {
        match tiles {
            [a, b] => {
                dispatch_row_count!(multiply_group_f32, rows, 2, ([a, b], values, sums), [1 2 3 4 5 6 7 8 9 10 11])
            }
            _ => {
                dispatch_row_count!(multiply_group_f32, rows, 1, ([tiles[0]], values, sums), [1 2 3 4 5 6 7 8 9 10 11])
            }
        }
    }
}

/// Computes [`matmul_f32`] for `T` weight tiles and `M` activation rows, both constants.
///
/// # Safety
/// The requirements of [`matmul_f32`] hold; `M` is the number of rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_group_f32<const M: usize, const T: usize>(
    tiles: [&[TileColumn]; T],
    values: &[f32],
    out: &mut GroupSums,
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
            // SAFETY: a `TileColumn` is 64 bytes, aligned.
            unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
        }
    }
}

/// Computes the products of up to 12 activation rows with one or two weight tiles, both in 8 bits and multiplied by
/// their scales, into `sums[row][tile]`.
///
/// # Safety
/// The machine has AVX-512 F, BW and VNNI. There are one or two tiles of as many lanes, 1 to [`GROUP`] rows with a
/// scale and a start each, and `values` is `(lanes, rows)`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn matmul_int8(tiles: &[Int8Tile], rows: &ActivationRowScales, values: &[i32], sums: &mut GroupSums) {
    let count = rows.starts.len();
    // SAFETY: the caller promises as much; a constant is chosen for the number of rows at hand.
    unsafe {
        match *tiles {
            [a, b] => {
                dispatch_row_count!(multiply_group_int8, count, 2, ([a, b], rows, values, sums), [1 2 3 4 5 6 7 8 9 10 11])
            }
            _ => {
                dispatch_row_count!(multiply_group_int8, count, 1, ([tiles[0]], rows, values, sums), [1 2 3 4 5 6 7 8 9 10 11])
            }
        }
    }
}

/// Computes [`matmul_int8`] for `T` weight tiles and `M` activation rows, both constants.
///
/// # Safety
/// The requirements of [`matmul_int8`] hold; `M` is the number of rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_group_int8<const M: usize, const T: usize>(
    tiles: [Int8Tile; T],
    rows: &ActivationRowScales,
    values: &[i32],
    out: &mut GroupSums,
) {
    const { assert!(T <= MAX_TILES_PER_PASS && M <= GROUP) };
    let mut sums: [_; M] = std::array::from_fn(|row| [_mm512_set1_epi32(rows.starts[row]); T]);
    let weights: [*const ColumnQuad; T] = tiles.map(|tile| tile.lanes.as_ptr());
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
            // SAFETY: a `TileColumn` is 64 bytes, aligned.
            unsafe {
                let scale = _mm512_mul_ps(_mm512_load_ps(tile.scales.0.as_ptr()), _mm512_set1_ps(*row_scale));
                _mm512_store_ps(out.0.as_mut_ptr(), _mm512_mul_ps(_mm512_cvtepi32_ps(*sum), scale));
            }
        }
    }
}
