//! Unpacking of quantised weights for many rows of activations: in a stretch of a tile, weights become whole bytes, and
//! scales and minima become float32.

use super::layout::{COLUMNS_PER_BLOCK, LANES_PER_BLOCK, PackedTile, TileScales};
use crate::model::cpu::ggml::{QK_K, QuantType};
use crate::model::cpu::simd::dispatch;
use crate::model::cpu::tile::{ColumnQuad, TILE_ROWS, TileColumn};
use half::f16;
use std::ops::Range;

/// Number of blocks of 32 columns that are unpacked at a time, few enough to stay in the first-level cache together
/// with their scales and activations.
pub(super) const MAX_UNPACKED_BLOCKS: usize = 24;

/// Scratch memory that one unpacked stretch of a tile is written to.
pub(super) struct UnpackBuffer {
    lanes: Vec<ColumnQuad>,
    scales: Vec<TileColumn>,
    minima: Vec<TileColumn>,
}

/// An unpacked stretch of a tile: some consecutive blocks of 32 columns of its 16 rows.
pub(super) struct UnpackedBlocks<'a> {
    /// Weights as unsigned bytes, eight lanes for each block of 32 columns.
    pub lanes: &'a [ColumnQuad],
    /// Scales of the weights, one for each [`UnpackedBlocks::lanes_per_scale`] lanes.
    pub scales: &'a [TileColumn],
    /// Minima of the weights, one for each scale; empty for types without minima.
    pub minima: &'a [TileColumn],
    /// Number of lanes that share a scale.
    pub lanes_per_scale: usize,
    pub quant: QuantType,
    /// Index, in the matrix, of the first of the consecutive columns that are unpacked.
    pub start: usize,
}

impl UnpackBuffer {
    /// Makes room for [`MAX_UNPACKED_BLOCKS`] blocks of any quantised type.
    pub fn new() -> Self {
        Self {
            lanes: vec![ColumnQuad([0; 4 * TILE_ROWS]); MAX_UNPACKED_BLOCKS * LANES_PER_BLOCK],
            scales: vec![TileColumn::ZERO; MAX_UNPACKED_BLOCKS * 2],
            minima: vec![TileColumn::ZERO; MAX_UNPACKED_BLOCKS * 2],
        }
    }

    /// Unpacks `blocks` blocks of a tile, at most [`MAX_UNPACKED_BLOCKS`], starting at the block numbered `first`. Weights
    /// of 8 bits are whole bytes already and are used in place.
    pub fn unpack_tile_blocks<'a>(
        &'a mut self,
        tile: PackedTile<'a>,
        quant: QuantType,
        first: usize,
        blocks: usize,
    ) -> UnpackedBlocks<'a> {
        let (bits, block_columns) = (quant.bits_per_value(), quant.block_columns());
        let packed = &tile.lanes[first * bits..][..blocks * bits];
        let places = first * COLUMNS_PER_BLOCK / block_columns..(first + blocks) * COLUMNS_PER_BLOCK / block_columns;
        let scales = &mut self.scales[..places.len()];
        compute_f32_scales(&tile.scales, places.clone(), block_columns, scales);
        let minima = match &tile.minima {
            Some(from) => {
                let minima = &mut self.minima[..places.len()];
                compute_f32_scales(from, places, block_columns, minima);
                minima
            }
            None => &mut [],
        };
        let lanes = match quant {
            QuantType::Q8_0 | QuantType::Q8K => packed,
            QuantType::Q4_0 | QuantType::Q5_0 | QuantType::Q4K | QuantType::Q5K | QuantType::Q6K => {
                let lanes = &mut self.lanes[..blocks * LANES_PER_BLOCK];
                unpack_weights(quant, packed, lanes);
                lanes
            }
        };
        UnpackedBlocks {
            lanes,
            scales,
            minima,
            lanes_per_scale: block_columns / 4,
            quant,
            start: first * COLUMNS_PER_BLOCK,
        }
    }
}

/// Unpacks a block of 32 columns, or only some of its rows, to eight lanes. `from` returns `N` bytes of the packed lane
/// with the given number; `to` gets the same `N` bytes of each unpacked lane.
#[inline(always)]
pub(super) fn unpack_block<'a, const N: usize>(
    bits: usize,
    from: impl Fn(usize) -> &'a [u8; N],
    mut to: impl FnMut(usize, [u8; N]),
) {
    /// Unpacks the lane numbered `I`, a constant so that shifts are by constants.
    #[inline(always)]
    fn unpack_lane<'a, const I: usize, const N: usize>(bits: usize, from: impl Fn(usize) -> &'a [u8; N]) -> [u8; N] {
        if bits == 8 {
            return *from(I);
        }
        let (low, each) = (from(I / 2), bits - 4);
        let mut lane = [0u8; N];
        for k in 0..N {
            lane[k] = if I.is_multiple_of(2) { low[k] & 15 } else { low[k] >> 4 };
        }
        if each > 0 {
            let (high, at) = (from(4 + I * each / LANES_PER_BLOCK), I * each % LANES_PER_BLOCK);
            for k in 0..N {
                let moved = if at < 4 {
                    high[k] << (4 - at)
                } else {
                    high[k] >> (at - 4)
                };
                lane[k] |= moved & ((16 << each) - 16);
            }
        }
        lane
    }
    to(0, unpack_lane::<0, N>(bits, &from));
    to(1, unpack_lane::<1, N>(bits, &from));
    to(2, unpack_lane::<2, N>(bits, &from));
    to(3, unpack_lane::<3, N>(bits, &from));
    to(4, unpack_lane::<4, N>(bits, &from));
    to(5, unpack_lane::<5, N>(bits, &from));
    to(6, unpack_lane::<6, N>(bits, &from));
    to(7, unpack_lane::<7, N>(bits, &from));
}

#[inline(always)]
fn unpack_weights_impl<const FMA: bool>(quant: QuantType, from: &[ColumnQuad], to: &mut [ColumnQuad]) {
    // A loop for each number of bits, so that its shifts are constants.
    macro_rules! unpack_bits {
        ($bits:literal) => {
            for (from, to) in from
                .as_chunks::<$bits>()
                .0
                .iter()
                .zip(to.as_chunks_mut::<LANES_PER_BLOCK>().0)
            {
                unpack_block($bits, |i| &from[i].0, |i, lane| to[i].0 = lane);
            }
        };
    }
    match quant {
        QuantType::Q4_0 | QuantType::Q4K => unpack_bits!(4),
        QuantType::Q5_0 | QuantType::Q5K => unpack_bits!(5),
        QuantType::Q6K => unpack_bits!(6),
        QuantType::Q8_0 | QuantType::Q8K => to.copy_from_slice(from),
    }
}

dispatch! {
    /// Unpacks whole blocks of weights to a byte for each weight.
    fn unpack_weights(quant: QuantType, from: &[ColumnQuad], to: &mut [ColumnQuad]) = unpack_weights_impl
}

/// Converts a float16 to float32, except for infinities and NaN.
#[inline(always)]
fn finite_f16_to_f32(half: f16) -> f32 {
    let bits = u32::from(half.to_bits());
    let size = bits & 0x7fff;
    // Below the smallest exponent values are whole multiples of 2^-24.
    let small = (size as i32 as f32 * (1.0 / 16_777_216.0)).to_bits();
    let large = (size << 13) + (112 << 23);
    f32::from_bits(if size < 0x400 { small } else { large } | (bits & 0x8000) << 16)
}

/// Converts float16 columns to float32 and writes them to every `step`-th column of `to`.
fn convert_columns_to_f32(from: &[[f16; TILE_ROWS]], to: &mut [TileColumn], step: usize) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("f16c") {
        // SAFETY: the feature was just detected.
        return unsafe { convert_columns_to_f32_f16c(from, to, step) };
    }
    for (from, to) in from.iter().zip(to.iter_mut().step_by(step)) {
        for (to, from) in to.0.iter_mut().zip(from) {
            *to = finite_f16_to_f32(*from);
        }
    }
}

/// Converts like [`convert_columns_to_f32`], with an instruction that takes eight values at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "f16c")]
fn convert_columns_to_f32_f16c(from: &[[f16; TILE_ROWS]], to: &mut [TileColumn], step: usize) {
    use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtph_ps, _mm256_store_ps};
    for (from, to) in from.iter().zip(to.iter_mut().step_by(step)) {
        for half in 0..2 {
            // SAFETY: there are 16 values on either side, of which each half is read and written once; a `TileColumn` is
            // aligned to 64 bytes, its halves to 32.
            unsafe {
                let halves = _mm_loadu_si128(from.as_ptr().add(half * TILE_ROWS / 2).cast());
                _mm256_store_ps(to.0.as_mut_ptr().add(half * TILE_ROWS / 2), _mm256_cvtph_ps(halves));
            }
        }
    }
}

#[inline(always)]
fn multiply_sub_scales_impl<const FMA: bool>(sub_scales: &[[i8; TILE_ROWS]], to: &mut [TileColumn], count: usize) {
    for (sub_scales, to) in sub_scales.chunks_exact(count).zip(to.chunks_exact_mut(count)) {
        let d = to[0].0;
        for (to, sub_scale) in to.iter_mut().zip(sub_scales) {
            for row in 0..TILE_ROWS {
                to.0[row] = d[row] * f32::from(sub_scale[row]);
            }
        }
    }
}

dispatch! {
    /// Computes the scales of all sub-blocks, `count` to a super-block. In `to`, the `d` of each super-block stands in
    /// the first of its `count` columns and is multiplied with the integer of each sub-block.
    fn multiply_sub_scales(sub_scales: &[[i8; TILE_ROWS]], to: &mut [TileColumn], count: usize) = multiply_sub_scales_impl
}

/// Computes in float32 the scales of the blocks or sub-blocks numbered `places`.
fn compute_f32_scales(scales: &TileScales, places: Range<usize>, block_columns: usize, to: &mut [TileColumn]) {
    if scales.sub_scales.is_empty() {
        return convert_columns_to_f32(&scales.d[places], to, 1);
    }
    let count = QK_K / block_columns;
    convert_columns_to_f32(&scales.d[places.start / count..], to, count);
    multiply_sub_scales(&scales.sub_scales[places], to, count);
}
