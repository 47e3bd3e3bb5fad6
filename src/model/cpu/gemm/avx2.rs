//! Micro-kernels of matrix products for AVX2. In 8 bits they multiply unsigned activations with signed weights, so that
//! the sums of two products stay within 16 bits.

use super::pack::{ActivationRowScales, GroupSums, Int8Tile, MAX_TILES_PER_PASS};
use crate::model::cpu::tile::TileColumn;
use std::arch::x86_64::*;

/// Computes in float32 the products of up to 12 activation rows with one or two weight tiles, into `sums[row][tile]`.
///
/// # Safety
/// The machine has AVX2 and FMA. `rows` is 1 to [`GROUP`](super::pack::GROUP), and `values` is `(columns, rows)` for
/// the columns of each of up to [`MAX_TILES_PER_PASS`] tiles.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn matmul_f32(tiles: &[&[TileColumn]], rows: usize, values: &[f32], sums: &mut GroupSums) {
    // Six rows leave registers for the weights and one value; two blocks of nearly one size rather than 6 and 2.
    let blocks = rows.div_ceil(6);
    for (tile, weights) in tiles.iter().enumerate() {
        for block in 0..blocks {
            let (first, last) = (block * rows / blocks, (block + 1) * rows / blocks);
            let (values, sums) = (&values[first..], &mut sums[first..]);
            // SAFETY: the caller promises the instructions; a block's rows are among the group's, which has values for
            // each.
            unsafe {
                match last - first {
                    1 => multiply_group_f32::<1>(tile, weights, rows, values, sums),
                    2 => multiply_group_f32::<2>(tile, weights, rows, values, sums),
                    3 => multiply_group_f32::<3>(tile, weights, rows, values, sums),
                    4 => multiply_group_f32::<4>(tile, weights, rows, values, sums),
                    5 => multiply_group_f32::<5>(tile, weights, rows, values, sums),
                    _ => multiply_group_f32::<6>(tile, weights, rows, values, sums),
                }
            }
        }
    }
}

/// Computes in float32 the products of one weight tile with `M` activation rows. `values` has `step` activations for
/// each column, of which the first `M` are used.
///
/// # Safety
/// The machine has AVX2 and FMA. There are at least `M` values in each `step`, also in the last if it is cut short, and
/// at least `M` rows of `out`.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_group_f32<const M: usize>(
    tile: usize,
    weights: &[TileColumn],
    step: usize,
    values: &[f32],
    out: &mut [[TileColumn; MAX_TILES_PER_PASS]],
) {
    let mut sums = [[_mm256_setzero_ps(); 2]; M];
    let columns = size_of_val(weights);
    for (weights, row) in weights.iter().zip(values.chunks(step)) {
        // SAFETY: a `TileColumn` holds 16 floats, aligned to 64 bytes; every chunk has at least `M` values; a prefetch may
        // be given any address.
        unsafe {
            let ahead = weights.0.as_ptr().wrapping_byte_add(MAX_TILES_PER_PASS * columns);
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
            // SAFETY: these are eight floats of a `TileColumn`, aligned to 32 bytes.
            unsafe { _mm256_store_ps(out.as_mut_ptr(), *sum) };
        }
    }
}

/// Computes the products of up to 12 activation rows with one or two weight tiles, both in 8 bits and multiplied by
/// their scales, into `sums[row][tile]`.
///
/// # Safety
/// The machine has AVX2 and FMA. There are up to [`MAX_TILES_PER_PASS`] tiles, up to [`GROUP`](super::pack::GROUP) rows with a scale
/// and a start each, and `values` is `(lanes, rows)` for the lanes of each tile.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn matmul_int8(
    tiles: &[Int8Tile],
    rows: &ActivationRowScales,
    values: &[[i32; 2]],
    sums: &mut GroupSums,
) {
    let count = rows.scales.len();
    for (index, tile) in tiles.iter().enumerate() {
        for first in (0..count).step_by(4) {
            let block = ActivationRowScales {
                scales: &rows.scales[first..],
                starts: &rows.starts[first..],
            };
            let (values, sums) = (&values[first..], &mut sums[first..]);
            // SAFETY: the caller promises the instructions; a block's rows are among the group's, which has entries for
            // each.
            unsafe {
                match count - first {
                    1 => multiply_group_int8::<1>(index, tile, count, &block, values, sums),
                    2 => multiply_group_int8::<2>(index, tile, count, &block, values, sums),
                    3 => multiply_group_int8::<3>(index, tile, count, &block, values, sums),
                    _ => multiply_group_int8::<4>(index, tile, count, &block, values, sums),
                }
            }
        }
    }
}

/// Computes in 8 bits the products of one weight tile with `M` activation rows. `values` has `step` entries for each
/// four columns, of which the first `M` are used.
///
/// # Safety
/// The machine has AVX2 and FMA. There are at least `M` entries in each `step`, also in the last if it is cut short,
/// and at least `M` rows of `rows` and of `out`.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_group_int8<const M: usize>(
    index: usize,
    tile: &Int8Tile,
    step: usize,
    rows: &ActivationRowScales,
    values: &[[i32; 2]],
    out: &mut [[TileColumn; MAX_TILES_PER_PASS]],
) {
    let ones = _mm256_set1_epi16(1);
    let mut sums: [_; M] = std::array::from_fn(|row| [_mm256_set1_epi32(rows.starts[row]); 2]);
    for (lane, row) in tile.lanes.iter().zip(values.chunks(step)) {
        let lane = lane.0.as_ptr().cast::<__m256i>();
        // SAFETY: a lane is two aligned halves of 32 bytes; every chunk has at least `M` entries; a prefetch may be
        // given any address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(
                lane.wrapping_byte_add(MAX_TILES_PER_PASS * size_of_val(tile.lanes))
                    .cast(),
            );
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
            // SAFETY: these are eight floats of a `TileColumn`, aligned to 32 bytes.
            unsafe {
                let scale = _mm256_mul_ps(_mm256_load_ps(scale.as_ptr()), _mm256_set1_ps(*row_scale));
                _mm256_store_ps(out.as_mut_ptr(), _mm256_mul_ps(_mm256_cvtepi32_ps(*sum), scale));
            }
        }
    }
}
