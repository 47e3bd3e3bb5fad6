//! Micro-kernels of quantised matrices for AVX2: an instruction multiplies 32 weights and adds the products in pairs in
//! 16 bits.
//!
//! As many pairs of unsigned weights as stay in range are summed in 16 bits before they are added in 32. Weights of 8
//! bits would overflow, so their signs are moved to the activations.

use super::activations::{PreparedActivationRow, PreparedActivations};
use super::layout::{
    COLUMNS_PER_BLOCK, LANES_PER_BLOCK, PREFETCH_AHEAD_BYTES, PackedTile, TileScales, lanes_per_scale,
};
use super::unpack::UnpackedBlocks;
use crate::model::cpu::ggml::QK_K;
use crate::model::cpu::tile::{TILE_ROWS, TileColumn};
use half::f16;
use std::arch::x86_64::*;

/// Computes the products of a packed tile with one row of activations, into `out`. Weights are unpacked in registers.
///
/// # Safety
/// The machine has AVX2, FMA and F16C. The tile is of a type with `BITS` bits, fewer than 8, that is a k-quant if
/// `K_QUANT`, and has as many columns as the operand, which was made for that type.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn multiply_packed_row<const BITS: usize, const K_QUANT: bool>(
    tile: &PackedTile,
    operand: &PreparedActivations,
    out: &mut TileColumn,
) {
    // Lanes whose pairs stay in range of 16 bits.
    let chain = const {
        let chain = 1 << (7 - BITS);
        if chain < lanes_per_scale(BITS) {
            chain
        } else {
            lanes_per_scale(BITS)
        }
    };
    let width = const { lanes_per_scale(BITS) };
    let row = operand.row_from_column(0, 0);
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_ps(); 2];
    for block in 0..tile.lanes.len() / BITS {
        // SAFETY: a block has `BITS` lanes of two halves each, 32 columns, and `LANES_PER_BLOCK / width` starts, scales and
        // minima; a prefetch may be given any address.
        unsafe {
            let lanes = tile.lanes.as_ptr().add(block * BITS).cast::<__m256i>();
            for lane in 0..BITS {
                _mm_prefetch::<_MM_HINT_T0>(lanes.add(lane * 2).wrapping_byte_add(PREFETCH_AHEAD_BYTES).cast());
            }
            let values = row.values.as_ptr().add(block * COLUMNS_PER_BLOCK).cast::<i32>();
            let mut dots = [[_mm256_setzero_si256(); 2]; 2];
            for (part, dots) in dots.iter_mut().enumerate().take(LANES_PER_BLOCK / width) {
                *dots = [_mm256_set1_epi32(*row.starts.get_unchecked(block * (LANES_PER_BLOCK / width) + part)); 2];
            }
            let mut pairs = [_mm256_setzero_si256(); 2];
            for group in 0..LANES_PER_BLOCK {
                let four = _mm256_set1_epi32(values.add(group).read_unaligned());
                for half in 0..2 {
                    let weights = unpack_half_lane::<BITS>(lanes.add(half), group);
                    pairs[half] = _mm256_add_epi16(pairs[half], _mm256_maddubs_epi16(weights, four));
                    if (group + 1) % chain == 0 {
                        let dot = &mut dots[group / width][half];
                        *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(pairs[half], ones));
                        pairs[half] = _mm256_setzero_si256();
                    }
                }
            }
            let scale = _mm256_set1_ps(*row.scales.get_unchecked(block));
            for (part, dots) in dots.iter().enumerate().take(LANES_PER_BLOCK / width) {
                let place = block * (LANES_PER_BLOCK / width) + part;
                for half in 0..2 {
                    let weight_scales = load_scales::<BITS, K_QUANT>(&tile.scales, place, half, tile.stride);
                    let dot = _mm256_cvtepi32_ps(dots[half]);
                    sums[half] = _mm256_fmadd_ps(dot, _mm256_mul_ps(weight_scales, scale), sums[half]);
                    if let Some(minima) = &tile.minima {
                        let minima = load_scales::<BITS, K_QUANT>(minima, place, half, tile.stride);
                        let scaled = _mm256_set1_ps(*row.scaled.get_unchecked(place));
                        sums[half] = _mm256_fnmadd_ps(minima, scaled, sums[half]);
                    }
                }
            }
        }
    }
    for (half, sum) in sums.iter().enumerate() {
        // SAFETY: a `TileColumn` holds 16 floats, aligned.
        unsafe { _mm256_store_ps(out.0.as_mut_ptr().add(half * TILE_ROWS / 2), *sum) };
    }
}

/// Computes the float32 scales of 8 of a tile's 16 rows for the block or sub-block numbered `place`. Prefetches the
/// same scales of the next tile, which is `stride` bytes further.
///
/// # Safety
/// The machine has AVX2 and F16C; the scales are of a type with `BITS` bits that is a k-quant if `K_QUANT`, `place` is
/// among them, and `half` is 0 or 1.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn load_scales<const BITS: usize, const K_QUANT: bool>(
    scales: &TileScales,
    place: usize,
    half: usize,
    stride: usize,
) -> __m256 {
    let unit = if K_QUANT {
        place * lanes_per_scale(BITS) * 4 / QK_K
    } else {
        place
    };
    // SAFETY: the caller has the place; eight values of 16 and of 8 bits stand in either half. A prefetch may be given
    // any address.
    unsafe {
        let d = scales.d.as_ptr().add(unit).cast::<f16>().add(half * TILE_ROWS / 2);
        _mm_prefetch::<_MM_HINT_T0>(d.wrapping_byte_add(stride).cast());
        let d = _mm256_cvtph_ps(_mm_loadu_si128(d.cast()));
        if !K_QUANT {
            return d;
        }
        let sub_scales = scales
            .sub_scales
            .as_ptr()
            .add(place)
            .cast::<i8>()
            .add(half * TILE_ROWS / 2);
        _mm256_mul_ps(
            d,
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(sub_scales.cast()))),
        )
    }
}

/// Unpacks 8 of 16 rows of the lane numbered `group` of a block, like `unpack_block`. `lanes` points to the same half
/// of the block's first packed lane.
///
/// # Safety
/// The machine has AVX2; `lanes` points into a block of `BITS` lanes, at their first or their second half.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn unpack_half_lane<const BITS: usize>(lanes: *const __m256i, group: usize) -> __m256i {
    let low = _mm256_set1_epi8(15);
    // SAFETY: the caller has `BITS` lanes of two halves, aligned to 32 bytes.
    let nibbles = unsafe { _mm256_load_si256(lanes.add(group / 2 * 2)) };
    let four = match group % 2 {
        0 => _mm256_and_si256(nibbles, low),
        _ => _mm256_and_si256(_mm256_srli_epi16::<4>(nibbles), low),
    };
    let each = BITS - 4;
    if each == 0 {
        return four;
    }
    // SAFETY: as above: there are `BITS - 4` lanes of higher bits, and `group` is below 8.
    let high = unsafe { _mm256_load_si256(lanes.add((4 + group * each / LANES_PER_BLOCK) * 2)) };
    let mask = _mm256_set1_epi8((((1 << each) - 1) << 4) as i8);
    let moved = match group * each % LANES_PER_BLOCK {
        0 => _mm256_slli_epi16::<4>(high),
        1 => _mm256_slli_epi16::<3>(high),
        2 => _mm256_slli_epi16::<2>(high),
        3 => _mm256_slli_epi16::<1>(high),
        4 => high,
        5 => _mm256_srli_epi16::<1>(high),
        6 => _mm256_srli_epi16::<2>(high),
        _ => _mm256_srli_epi16::<3>(high),
    };
    _mm256_or_si256(four, _mm256_and_si256(moved, mask))
}

/// Adds to `sums` the products of an unpacked stretch of a tile with one row of activations for each sum. The products
/// of `CHAIN` lanes are summed in 16 bits before they are added in 32.
///
/// # Safety
/// The machine has AVX2 and FMA. `view` has `WIDTH` lanes for each scale, lies within the operand's columns, and is
/// of the type that the operand was made for.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply_unpacked_rows<const CHAIN: usize, const WIDTH: usize>(
    view: &UnpackedBlocks,
    operand: &PreparedActivations,
    sums: &mut [TileColumn],
) {
    debug_assert!(view.lanes_per_scale == WIDTH);
    for (group, sums) in sums.chunks_mut(4).enumerate() {
        let row = |i: usize| operand.row_from_column(group * 4 + i, view.start);
        // SAFETY: the caller promises as much; there are as many rows as sums.
        unsafe {
            match sums.len() {
                1 => multiply_unpacked::<CHAIN, WIDTH, 1>(view, &std::array::from_fn(row), sums),
                2 => multiply_unpacked::<CHAIN, WIDTH, 2>(view, &std::array::from_fn(row), sums),
                3 => multiply_unpacked::<CHAIN, WIDTH, 3>(view, &std::array::from_fn(row), sums),
                _ => multiply_unpacked::<CHAIN, WIDTH, 4>(view, &std::array::from_fn(row), sums),
            }
        }
    }
}

/// Adds to `out` the products of an unpacked stretch of a tile with `M` rows of activations.
///
/// # Safety
/// The requirements of [`multiply_unpacked_rows`] hold; the rows start at the first column of `view`, and there are `M`
/// sums.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_unpacked<const CHAIN: usize, const WIDTH: usize, const M: usize>(
    view: &UnpackedBlocks,
    rows: &[PreparedActivationRow; M],
    out: &mut [TileColumn],
) {
    // Half a tile at a time: everything stays in registers.
    for half in 0..2 {
        let mut sums = [_mm256_setzero_ps(); M];
        for (sum, out) in sums.iter_mut().zip(out.iter()) {
            // SAFETY: a `TileColumn` holds 16 floats, aligned.
            *sum = unsafe { _mm256_load_ps(out.0.as_ptr().add(half * TILE_ROWS / 2)) };
        }
        for place in 0..view.scales.len() {
            let column = place * WIDTH * 4;
            // SAFETY: `place * WIDTH` counts the lanes; a start and `WIDTH * 4` columns of activations go with each
            // place.
            let dots = unsafe {
                let lanes = view.lanes.as_ptr().add(place * WIDTH).cast::<__m256i>().add(half);
                // The signs of 8 bits are the weights' own.
                let start = |row: &PreparedActivationRow| if CHAIN > 1 { *row.starts.get_unchecked(place) } else { 0 };
                accumulate_dots::<CHAIN, WIDTH, M>(
                    lanes,
                    std::array::from_fn(|i| _mm256_set1_epi32(start(&rows[i]))),
                    std::array::from_fn(|i| rows[i].values.as_ptr().add(column).cast()),
                )
            };
            // SAFETY: `place` counts the scales, and the minima where there are any.
            unsafe {
                let scales = _mm256_load_ps(view.scales.get_unchecked(place).0.as_ptr().add(half * TILE_ROWS / 2));
                for ((sum, row), dot) in sums.iter_mut().zip(rows).zip(dots) {
                    let scale = _mm256_set1_ps(*row.scales.get_unchecked(column / COLUMNS_PER_BLOCK));
                    *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(scales, scale), *sum);
                }
                if !view.minima.is_empty() {
                    let minima = view.minima.get_unchecked(place).0.as_ptr().add(half * TILE_ROWS / 2);
                    let minima = _mm256_load_ps(minima);
                    for (sum, row) in sums.iter_mut().zip(rows) {
                        let scaled = _mm256_set1_ps(*row.scaled.get_unchecked(place));
                        *sum = _mm256_fnmadd_ps(minima, scaled, *sum);
                    }
                }
            }
        }
        for (sum, out) in sums.iter().zip(out.iter_mut()) {
            // SAFETY: as above.
            unsafe { _mm256_store_ps(out.0.as_mut_ptr().add(half * TILE_ROWS / 2), *sum) };
        }
    }
}

/// Adds to `dots` the products of 8 matrix rows with each row's activations, over `WIDTH` lanes of four columns.
///
/// # Safety
/// The machine has AVX2; `WIDTH` lanes are at `lanes`, which points to either half of the first, and `WIDTH * 4` values
/// at each of `values`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn accumulate_dots<const CHAIN: usize, const WIDTH: usize, const M: usize>(
    lanes: *const __m256i,
    mut dots: [__m256i; M],
    values: [*const i32; M],
) -> [__m256i; M] {
    let (flip, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
    for part in 0..WIDTH / CHAIN {
        let mut pairs = [_mm256_setzero_si256(); M];
        for group in part * CHAIN..(part + 1) * CHAIN {
            // SAFETY: the caller has `WIDTH` lanes and as many fours of values.
            unsafe {
                let mut weights = _mm256_load_si256(lanes.add(group * 2));
                let mut sizes = weights;
                if CHAIN == 1 {
                    weights = _mm256_xor_si256(weights, flip);
                    sizes = _mm256_abs_epi8(weights);
                }
                for (pairs, values) in pairs.iter_mut().zip(values) {
                    let mut four = _mm256_set1_epi32(values.add(group).read_unaligned());
                    if CHAIN == 1 {
                        four = _mm256_sign_epi8(four, weights);
                    }
                    *pairs = _mm256_add_epi16(*pairs, _mm256_maddubs_epi16(sizes, four));
                }
            }
        }
        for (dot, pairs) in dots.iter_mut().zip(pairs) {
            *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(pairs, ones));
        }
    }
    dots
}
