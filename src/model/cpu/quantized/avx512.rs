//! Micro-kernels of quantised matrices for AVX-512 VNNI: an instruction multiplies 64 unsigned weights with signed
//! activations and adds up the products.

use super::activations::{PreparedActivationRow, PreparedActivations};
use super::layout::{
    COLUMNS_PER_BLOCK, LANES_PER_BLOCK, PREFETCH_AHEAD_BYTES, PackedTile, TileScales, lanes_per_scale,
};
use super::unpack::UnpackedBlocks;
use crate::model::cpu::ggml::QK_K;
use crate::model::cpu::tile::{ColumnQuad, TileColumn};
use std::arch::x86_64::*;

/// The largest number of activation rows that share one pass over the weights, so that their sums stay in registers.
pub(super) const MAX_ROWS_PER_PASS: usize = 8;

/// Calls `$f::<parameters, rows> $args` with the number of rows as a constant, because registers cannot be indexed by a
/// variable.
macro_rules! dispatch_row_count {
    ($f:ident::<$($parameter:ident),*>, $rows:expr, $args:tt) => {
        match $rows {
            1 => $f::<$($parameter,)* 1> $args,
            2 => $f::<$($parameter,)* 2> $args,
            3 => $f::<$($parameter,)* 3> $args,
            4 => $f::<$($parameter,)* 4> $args,
            5 => $f::<$($parameter,)* 5> $args,
            6 => $f::<$($parameter,)* 6> $args,
            7 => $f::<$($parameter,)* 7> $args,
            _ => $f::<$($parameter,)* MAX_ROWS_PER_PASS> $args,
        }
    };
}

/// Computes the products of a packed tile with up to [`MAX_ROWS_PER_PASS`] rows of activations, one for each of `sums`. Weights are
/// unpacked in registers.
///
/// # Safety
/// The machine has AVX-512 F, BW and VNNI. The tile is of a type with `BITS` bits that is a k-quant if `K_QUANT`, and
/// has as many columns as the operand, which was made for that type.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn multiply_packed_rows<const BITS: usize, const K_QUANT: bool>(
    tile: &PackedTile,
    operand: &PreparedActivations,
    sums: &mut [TileColumn],
) {
    // SAFETY: the caller promises as much; `M` is the number of sums, or all of a group.
    unsafe { dispatch_row_count!(multiply_packed::<BITS, K_QUANT>, sums.len(), (tile, operand, sums)) }
}

/// Computes [`multiply_packed_rows`] for a constant number of `M` rows.
///
/// # Safety
/// The requirements of [`multiply_packed_rows`] hold; there are `M` sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_packed<const BITS: usize, const K_QUANT: bool, const M: usize>(
    tile: &PackedTile,
    operand: &PreparedActivations,
    out: &mut [TileColumn],
) {
    let width = const { lanes_per_scale(BITS) };
    let rows: [_; M] = std::array::from_fn(|i| operand.row_from_column(i, 0));
    let mut sums = [_mm512_setzero_ps(); M];
    for block in 0..tile.lanes.len() / BITS {
        // SAFETY: a block has `BITS` lanes, 32 columns, and `LANES_PER_BLOCK / width` starts, scales and minima; a prefetch
        // may be given any address.
        unsafe {
            let lanes = tile.lanes.as_ptr().add(block * BITS);
            for lane in 0..BITS {
                _mm_prefetch::<_MM_HINT_T0>(lanes.add(lane).wrapping_byte_add(PREFETCH_AHEAD_BYTES).cast());
            }
            for part in 0..LANES_PER_BLOCK / width {
                let place = block * (LANES_PER_BLOCK / width) + part;
                let mut dots = load_initial_sums(&rows, place);
                for group in part * width..(part + 1) * width {
                    let weights = unpack_lane::<BITS>(lanes, group);
                    dots = add_lane_products(dots, weights, &rows, block * COLUMNS_PER_BLOCK + group * 4);
                }
                let weight_scales = load_scales::<BITS, K_QUANT>(&tile.scales, place, tile.stride);
                sums = add_scaled_dots(sums, dots, weight_scales, &rows, block);
                if let Some(minima) = &tile.minima {
                    let minima = load_scales::<BITS, K_QUANT>(minima, place, tile.stride);
                    sums = subtract_minima(sums, minima, &rows, place);
                }
            }
        }
    }
    for (sum, out) in sums.iter().zip(out) {
        // SAFETY: `TileColumn` is 64 bytes, aligned.
        unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
    }
}

/// Computes the float32 scales of a tile's 16 rows for the block or sub-block numbered `place`. Prefetches the same
/// scales of the next tile, which is `stride` bytes further.
///
/// # Safety
/// The machine has AVX-512 F and BW; the scales are of a type with `BITS` bits that is a k-quant if `K_QUANT`, and
/// `place` is among them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn load_scales<const BITS: usize, const K_QUANT: bool>(
    scales: &TileScales,
    place: usize,
    stride: usize,
) -> __m512 {
    let unit = if K_QUANT {
        place * lanes_per_scale(BITS) * 4 / QK_K
    } else {
        place
    };
    // SAFETY: the caller has the place; 16 values of 16 and of 8 bits stand there. A prefetch may be given any address.
    unsafe {
        let d = scales.d.as_ptr().add(unit);
        _mm_prefetch::<_MM_HINT_T0>(d.wrapping_byte_add(stride).cast());
        let d = _mm512_cvtph_ps(_mm256_loadu_si256(d.cast()));
        if !K_QUANT {
            return d;
        }
        let sub_scales = scales.sub_scales.as_ptr().add(place);
        _mm_prefetch::<_MM_HINT_T0>(sub_scales.wrapping_byte_add(stride).cast());
        let sub_scales = _mm_loadu_si128(sub_scales.cast());
        _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(sub_scales)))
    }
}

/// Gives the initial value of each row's integer sums for the block or sub-block numbered `place`.
///
/// # Safety
/// The machine has AVX-512 F; the rows have a start numbered `place`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_initial_sums<const M: usize>(rows: &[PreparedActivationRow; M], place: usize) -> [__m512i; M] {
    // SAFETY: the caller has a start of that number.
    std::array::from_fn(|i| unsafe { _mm512_set1_epi32(*rows[i].starts.get_unchecked(place)) })
}

/// Adds to `dots` the products of a lane of weights with four activations of each row, from `column` on.
///
/// # Safety
/// The machine has AVX-512 F and VNNI; the rows have four values from `column` on.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn add_lane_products<const M: usize>(
    mut dots: [__m512i; M],
    weights: __m512i,
    rows: &[PreparedActivationRow; M],
    column: usize,
) -> [__m512i; M] {
    for i in 0..M {
        // SAFETY: the caller has four values there.
        let four = unsafe { rows[i].values.as_ptr().add(column).cast::<i32>().read_unaligned() };
        dots[i] = _mm512_dpbusd_epi32(dots[i], weights, _mm512_set1_epi32(four));
    }
    dots
}

/// Adds to `sums` the integer sums in `dots` times the scales of weights and activations.
///
/// # Safety
/// The machine has AVX-512 F; the rows have a block of that number.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn add_scaled_dots<const M: usize>(
    mut sums: [__m512; M],
    dots: [__m512i; M],
    scales: __m512,
    rows: &[PreparedActivationRow; M],
    block: usize,
) -> [__m512; M] {
    for i in 0..M {
        // SAFETY: the caller has a scale for the block.
        let scale = _mm512_set1_ps(unsafe { *rows[i].scales.get_unchecked(block) });
        sums[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[i]), _mm512_mul_ps(scales, scale), sums[i]);
    }
    sums
}

/// Subtracts from `sums` the minima of the weights times the sum of the activations: `min × Σ activations`.
///
/// # Safety
/// The machine has AVX-512 F; the rows have a sum numbered `place`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn subtract_minima<const M: usize>(
    mut sums: [__m512; M],
    minima: __m512,
    rows: &[PreparedActivationRow; M],
    place: usize,
) -> [__m512; M] {
    for i in 0..M {
        // SAFETY: the caller has a sum of that number.
        let scaled = _mm512_set1_ps(unsafe { *rows[i].scaled.get_unchecked(place) });
        sums[i] = _mm512_fnmadd_ps(minima, scaled, sums[i]);
    }
    sums
}

/// Adds to `sums` the products of an unpacked stretch of a tile with one row of activations for each sum.
///
/// # Safety
/// The machine has AVX-512 F, BW and VNNI. `view` has `WIDTH` lanes for each scale, lies within the operand's
/// columns, and is of the type that the operand was made for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn multiply_unpacked_rows<const WIDTH: usize>(
    view: &UnpackedBlocks,
    operand: &PreparedActivations,
    sums: &mut [TileColumn],
) {
    debug_assert!(view.lanes_per_scale == WIDTH);
    for (group, sums) in sums.chunks_mut(MAX_ROWS_PER_PASS).enumerate() {
        let first = group * MAX_ROWS_PER_PASS;
        // SAFETY: the caller promises as much; `M` is the number of sums, or all of a group.
        unsafe { dispatch_row_count!(multiply_unpacked::<WIDTH>, sums.len(), (view, operand, first, sums)) }
    }
}

/// Adds to `out` the products of an unpacked stretch of a tile with `M` rows of activations, from row `first` on.
///
/// # Safety
/// The requirements of [`multiply_unpacked_rows`] hold; there are `M` sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn multiply_unpacked<const WIDTH: usize, const M: usize>(
    view: &UnpackedBlocks,
    operand: &PreparedActivations,
    first: usize,
    out: &mut [TileColumn],
) {
    let rows: [_; M] = std::array::from_fn(|i| operand.row_from_column(first + i, view.start));
    // SAFETY: `TileColumn` is 64 bytes, aligned; the caller gives `M` of them.
    let mut sums: [_; M] = std::array::from_fn(|i| unsafe { _mm512_load_ps(out[i].0.as_ptr()) });
    for place in 0..view.scales.len() {
        let column = place * WIDTH * 4;
        let block = column / COLUMNS_PER_BLOCK;
        // SAFETY: `place` counts the scales, and the minima where there are any; `WIDTH` lanes go with each, four
        // columns of activations with a lane, and a start with each scale.
        unsafe {
            let mut dots = load_initial_sums(&rows, place);
            for group in 0..WIDTH {
                let weights = _mm512_load_si512(view.lanes.as_ptr().add(place * WIDTH + group).cast());
                dots = add_lane_products(dots, weights, &rows, column + group * 4);
            }
            let scales = _mm512_load_ps(view.scales.as_ptr().add(place).cast());
            sums = add_scaled_dots(sums, dots, scales, &rows, block);
            if !view.minima.is_empty() {
                let minima = _mm512_load_ps(view.minima.as_ptr().add(place).cast());
                sums = subtract_minima(sums, minima, &rows, place);
            }
        }
    }
    for (sum, out) in sums.iter().zip(out) {
        // SAFETY: `TileColumn` is 64 bytes, aligned.
        unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
    }
}

/// Unpacks the lane numbered `group` of a block whose packed lanes start at `lanes`, like `unpack_block`.
///
/// # Safety
/// The machine has AVX-512 F and BW; a block of `BITS` lanes is at `lanes`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn unpack_lane<const BITS: usize>(lanes: *const ColumnQuad, group: usize) -> __m512i {
    // SAFETY: the caller has `BITS` lanes, which are aligned to 64 bytes.
    let load = |lane: usize| unsafe { _mm512_load_si512(lanes.add(lane).cast()) };
    if BITS == 8 {
        return load(group);
    }
    let nibbles = load(group / 2);
    let low = _mm512_set1_epi8(15);
    let four = match group % 2 {
        0 => nibbles,
        _ => _mm512_srli_epi16::<4>(nibbles),
    };
    let each = BITS - 4;
    if each == 0 {
        return _mm512_and_si512(four, low);
    }
    let high = load(4 + group * each / LANES_PER_BLOCK);
    let moved = match group * each % LANES_PER_BLOCK {
        0 => _mm512_slli_epi16::<4>(high),
        1 => _mm512_slli_epi16::<3>(high),
        2 => _mm512_slli_epi16::<2>(high),
        3 => _mm512_slli_epi16::<1>(high),
        4 => high,
        5 => _mm512_srli_epi16::<1>(high),
        6 => _mm512_srli_epi16::<2>(high),
        _ => _mm512_srli_epi16::<3>(high),
    };
    let mask = _mm512_set1_epi8((((1 << each) - 1) << 4) as i8);
    // The four bits where `low` is set, the moved ones elsewhere, and none above.
    let mixed = _mm512_ternarylogic_epi64::<0xca>(low, four, moved);
    _mm512_and_si512(mixed, _mm512_or_si512(low, mask))
}
