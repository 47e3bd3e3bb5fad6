//! The packed layout of a quantised matrix: everything of a tile of 16 rows is contiguous, in the bits of its GGUF
//! type.
//!
//! A tile is a run of [`ColumnQuad`]s: first its weights, then its scales, then its minima if the type has any. Scales and
//! minima are first the float16 `d` of all blocks or super-blocks, `(blocks, 16)`, and then for k-quants the 8-bit
//! integers of all sub-blocks, `(sub-blocks, 16)`.
//!
//! The weights of a block of 32 columns take one lane for each bit of the type. With 8 bits these are eight unpacked
//! lanes of four columns each. With fewer, the first four lanes hold the lower four bits, each those of two unpacked
//! lanes. The other lanes hold the higher bits: one bit of eight unpacked lanes, or two bits of four.

use crate::model::cpu::ggml::{QK_K, QuantType, QuantizedRow, QuantizedRowScales};
use crate::model::cpu::pages::{cast_slice, cast_slice_mut};
use crate::model::cpu::tile::{ColumnQuad, TILE_ROWS};
use half::f16;

/// Number of columns in a block, over which activations share a scale.
pub(in crate::model::cpu) const COLUMNS_PER_BLOCK: usize = 32;
/// Number of lanes that a block of 32 columns has when it is unpacked to a byte for each weight.
pub(super) const LANES_PER_BLOCK: usize = COLUMNS_PER_BLOCK / 4;

/// Computes where the parts of a packed tile lie, for a quantised type and a number of columns.
#[derive(Clone, Copy)]
pub(super) struct TileLayout {
    quant: QuantType,
    columns: usize,
}

/// The parts of a packed tile: 16 rows of a quantised matrix.
#[derive(Clone, Copy)]
pub(super) struct PackedTile<'a> {
    /// The packed weights, [`QuantType::bits_per_value`] lanes for each block of 32 columns.
    pub lanes: &'a [ColumnQuad],
    pub scales: TileScales<'a>,
    pub minima: Option<TileScales<'a>>,
    /// Number of bytes from the start of one tile to the next.
    pub stride: usize,
}

/// Scales or minima of a tile's 16 rows.
#[derive(Clone, Copy)]
pub(super) struct TileScales<'a> {
    /// The float16 `d` or `dmin` of each block or super-block.
    pub d: &'a [[f16; TILE_ROWS]],
    /// The integer of each sub-block, which multiplies `d`; empty for types that are not k-quants.
    pub sub_scales: &'a [[i8; TILE_ROWS]],
}

impl TileScales<'_> {
    /// Computes the scale or minimum that row `row` of the tile has in the block or sub-block numbered `index`, which
    /// has `block_columns` columns.
    pub fn value_at(&self, index: usize, block_columns: usize, row: usize) -> f32 {
        match self.sub_scales.get(index) {
            Some(sub_scales) => self.d[index * block_columns / QK_K][row].to_f32() * f32::from(sub_scales[row]),
            None => self.d[index][row].to_f32(),
        }
    }
}

impl TileLayout {
    /// Makes the layout for tiles of a quantised type and `columns` columns.
    ///
    /// # Panics
    /// If the columns do not divide into whole blocks or super-blocks.
    pub fn new(quant: QuantType, columns: usize) -> Self {
        assert!(
            columns > 0 && columns.is_multiple_of(quant.columns_per_f16_scale()),
            "{quant:?}: rows of {columns} columns"
        );
        Self { quant, columns }
    }

    /// Gives the quantised type of the weights.
    pub fn quant_type(self) -> QuantType {
        self.quant
    }

    /// Gives the number of columns of the matrix.
    pub fn column_count(self) -> usize {
        self.columns
    }

    /// Computes the number of lanes that a tile's weights take.
    fn weight_lane_count(self) -> usize {
        self.columns / COLUMNS_PER_BLOCK * self.quant.bits_per_value()
    }

    /// Computes how many float16 `d` and how many integers of sub-blocks a row has.
    fn scale_counts(self) -> [usize; 2] {
        let sub_scales = if self.quant.is_k_quant() {
            self.columns / self.quant.block_columns()
        } else {
            0
        };
        [self.columns / self.quant.columns_per_f16_scale(), sub_scales]
    }

    /// Computes the numbers of lanes that a tile's float16 `d` and its integers of sub-blocks take.
    fn scale_lane_counts(self) -> [usize; 2] {
        let [d, sub_scales] = self.scale_counts();
        [
            d * size_of::<[f16; TILE_ROWS]>(),
            sub_scales * size_of::<[i8; TILE_ROWS]>(),
        ]
        .map(|bytes| bytes.div_ceil(size_of::<ColumnQuad>()))
    }

    /// Computes the number of lanes in a tile: its weights, scales and minima.
    pub fn tile_lane_count(self) -> usize {
        let [d, sub_scales] = self.scale_lane_counts();
        self.weight_lane_count() + (d + sub_scales) * (1 + usize::from(self.quant.has_minima()))
    }

    /// Splits a packed tile into its weights, scales and minima.
    pub fn split_tile(self, tile: &[ColumnQuad]) -> PackedTile<'_> {
        let ([d, sub_scales], lengths) = (self.scale_counts(), self.scale_lane_counts());
        let (lanes, rest) = tile.split_at(self.weight_lane_count());
        let scales = |lanes| {
            let (first, second) = <[ColumnQuad]>::split_at(lanes, lengths[0]);
            TileScales {
                d: &cast_slice(first)[..d],
                sub_scales: &cast_slice(second)[..sub_scales],
            }
        };
        let (first, second) = rest.split_at(lengths[0] + lengths[1]);
        PackedTile {
            lanes,
            scales: scales(first),
            minima: self.quant.has_minima().then(|| scales(second)),
            stride: size_of_val(tile),
        }
    }

    /// Packs a decoded row as row `at` of a tile. All bytes of that row in the tile must be zero before.
    pub fn store_row(self, tile: &mut [ColumnQuad], at: usize, row: &QuantizedRow) {
        let (lanes, rest) = tile.split_at_mut(self.weight_lane_count());
        let blocks = lanes.chunks_exact_mut(self.quant.bits_per_value());
        for (lanes, values) in blocks.zip(row.values.as_chunks::<COLUMNS_PER_BLOCK>().0) {
            pack_block(lanes, at, values);
        }
        let [d, sub_scales] = self.scale_lane_counts();
        let parts = rest.chunks_exact_mut(d + sub_scales);
        for (lanes, QuantizedRowScales { d: from, sub_scales }) in parts.zip([&row.scales, &row.minima]) {
            let (first, second) = lanes.split_at_mut(d);
            for (to, from) in cast_slice_mut::<_, [f16; TILE_ROWS]>(first).iter_mut().zip(from) {
                to[at] = *from;
            }
            for (to, from) in cast_slice_mut::<_, [i8; TILE_ROWS]>(second).iter_mut().zip(sub_scales) {
                to[at] = *from;
            }
        }
    }

    /// Copies matrix rows into the first rows of a tile. Each row is given by the tile it comes from and its number in
    /// that tile.
    pub fn copy_rows(self, to: &mut [ColumnQuad], rows: &[(&[ColumnQuad], usize)]) {
        let [d, sub_scales] = self.scale_lane_counts();
        let (weights, mut scales) = to.split_at_mut(self.weight_lane_count());
        copy_row_values::<4>(weights, rows, 0);
        let mut first = self.weight_lane_count();
        while !scales.is_empty() {
            let (these, rest) = scales.split_at_mut(d + sub_scales);
            let (these_d, these_sub_scales) = these.split_at_mut(d);
            copy_row_values::<2>(these_d, rows, first);
            copy_row_values::<1>(these_sub_scales, rows, first + d);
            first += d + sub_scales;
            scales = rest;
        }
    }
}

/// Packs one row's 32 values of a block into the block's lanes. The number of lanes is the number of bits of the type.
fn pack_block(lanes: &mut [ColumnQuad], row: usize, values: &[u8; COLUMNS_PER_BLOCK]) {
    let four = |i: usize| &values[i * 4..][..4];
    let bits = lanes.len();
    if bits == 8 {
        for (i, to) in lanes.iter_mut().enumerate() {
            to.0[row * 4..][..4].copy_from_slice(four(i));
        }
        return;
    }
    let (low, high) = lanes.split_at_mut(4);
    for (i, to) in low.iter_mut().enumerate() {
        for ((to, a), b) in to.0[row * 4..].iter_mut().zip(four(2 * i)).zip(four(2 * i + 1)) {
            *to = (a & 15) | (b << 4);
        }
    }
    let each = bits - 4;
    for (i, to) in high.iter_mut().enumerate() {
        for j in 0..LANES_PER_BLOCK / each {
            for (to, q) in to.0[row * 4..].iter_mut().zip(four(i * LANES_PER_BLOCK / each + j)) {
                *to |= (q >> 4) << (j * each);
            }
        }
    }
}

/// Copies the values that some rows have in other tiles, from lane `first` of those tiles on, to the lanes `to`. A
/// value has `N` bytes.
fn copy_row_values<const N: usize>(to: &mut [ColumnQuad], rows: &[(&[ColumnQuad], usize)], first: usize) {
    for (at, to) in to.iter_mut().enumerate() {
        let to = to.0.as_chunks_mut::<N>().0;
        // A lane that holds several values of each row holds the first value of all 16 rows, then the second, and so
        // on.
        for (part, to) in to.chunks_exact_mut(TILE_ROWS).enumerate() {
            for (to, (from, old)) in to.iter_mut().zip(rows) {
                *to = from[first + at].0.as_chunks::<N>().0[part * TILE_ROWS + old];
            }
        }
    }
}

/// Number of bytes that kernels prefetch ahead of the weights that they read.
#[cfg(target_arch = "x86_64")]
pub(super) const PREFETCH_AHEAD_BYTES: usize = 2048;

/// Computes the number of unpacked lanes that share a scale, for kernels that know a type by its number of bits: a
/// quarter of [`QuantType::block_columns`].
#[cfg(target_arch = "x86_64")]
pub(super) const fn lanes_per_scale(bits: usize) -> usize {
    match bits {
        4 | 5 | 8 => LANES_PER_BLOCK,
        6 => LANES_PER_BLOCK / 2,
        _ => panic!("no type has so many bits"),
    }
}
