//! The packed layout of a quantised matrix: what belongs to a tile of 16 rows lies together, at the bits of its type.
//!
//! A tile is a run of [`Lane`]s: first its weights, then its scales, then its minima where the type has any. Scales and
//! minima are `d` of all blocks or super-blocks, `(blocks, 16)` in float16, and then for k-quants the integers of all
//! sub-blocks, `(sub-blocks, 16)` in 8 bits.
//!
//! The weights of a block of 32 columns are `bits` lanes. For 8 bits they are eight unpacked lanes of four columns
//! each. For fewer, four lanes hold the lower four bits, of two unpacked lanes each, and the others the higher bits of
//! all eight: one lane has one bit of eight, or two bits of four.

use crate::model::cpu::ggml::{QK_K, QuantType, Row, RowScales};
use crate::model::cpu::pages::{cast, cast_mut};
use crate::model::cpu::tile::{Lane, TILE};
use half::f16;

/// Columns of a block: activations share a scale over as many.
pub(in crate::model::cpu) const BLOCK: usize = 32;
/// Unpacked lanes of a block.
pub(super) const BLOCK_LANES: usize = BLOCK / 4;

/// Says where the parts of a tile lie, for a type and a number of columns.
#[derive(Clone, Copy)]
pub(super) struct TileLayout {
    quant: QuantType,
    columns: usize,
}

/// 16 rows of a packed matrix.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    /// The weights, [`QuantType::bits`] lanes for each block.
    pub lanes: &'a [Lane],
    pub scales: Scales<'a>,
    pub minima: Option<Scales<'a>>,
    /// Bytes from one tile to the next.
    pub stride: usize,
}

/// Scales or minima of 16 rows.
#[derive(Clone, Copy)]
pub(super) struct Scales<'a> {
    /// `d` or `dmin` of each block or super-block.
    pub d: &'a [[f16; TILE]],
    /// The integer of each sub-block, which multiplies `d`; empty for types that are not k-quants.
    pub sub_scales: &'a [[i8; TILE]],
}

impl Scales<'_> {
    /// Gives one row's scale of the block or sub-block numbered `index`, of `block_columns` columns.
    pub fn get(&self, index: usize, block_columns: usize, row: usize) -> f32 {
        match self.sub_scales.get(index) {
            Some(sub_scales) => self.d[index * block_columns / QK_K][row].to_f32() * f32::from(sub_scales[row]),
            None => self.d[index][row].to_f32(),
        }
    }
}

impl TileLayout {
    /// Lays out tiles of so many columns.
    ///
    /// # Panics
    /// When rows do not divide into whole blocks or super-blocks.
    pub fn new(quant: QuantType, columns: usize) -> Self {
        assert!(
            columns > 0 && columns.is_multiple_of(quant.d_columns()),
            "{quant:?}: rows of {columns} columns"
        );
        Self { quant, columns }
    }

    /// Gives the type of the weights.
    pub fn quant(self) -> QuantType {
        self.quant
    }

    /// Counts the columns of the matrix.
    pub fn columns(self) -> usize {
        self.columns
    }

    /// Counts the lanes of a tile's weights.
    fn weight_lanes(self) -> usize {
        self.columns / BLOCK * self.quant.bits()
    }

    /// Counts a tile's `d` and its integers of sub-blocks.
    fn scale_counts(self) -> [usize; 2] {
        let sub_scales = if self.quant.is_k_quant() {
            self.columns / self.quant.block_columns()
        } else {
            0
        };
        [self.columns / self.quant.d_columns(), sub_scales]
    }

    /// Counts the lanes that `d` and the integers of sub-blocks take.
    fn scale_lanes(self) -> [usize; 2] {
        let [d, sub_scales] = self.scale_counts();
        [d * size_of::<[f16; TILE]>(), sub_scales * size_of::<[i8; TILE]>()]
            .map(|bytes| bytes.div_ceil(size_of::<Lane>()))
    }

    /// Counts the lanes of a whole tile.
    pub fn tile_lanes(self) -> usize {
        let [d, sub_scales] = self.scale_lanes();
        self.weight_lanes() + (d + sub_scales) * (1 + usize::from(self.quant.has_minima()))
    }

    /// Finds the parts of a tile.
    pub fn split(self, tile: &[Lane]) -> Tile<'_> {
        let ([d, sub_scales], lengths) = (self.scale_counts(), self.scale_lanes());
        let (lanes, rest) = tile.split_at(self.weight_lanes());
        let scales = |lanes| {
            let (first, second) = <[Lane]>::split_at(lanes, lengths[0]);
            Scales {
                d: &cast(first)[..d],
                sub_scales: &cast(second)[..sub_scales],
            }
        };
        let (first, second) = rest.split_at(lengths[0] + lengths[1]);
        Tile {
            lanes,
            scales: scales(first),
            minima: self.quant.has_minima().then(|| scales(second)),
            stride: size_of_val(tile),
        }
    }

    /// Packs a decoded row as row `at` of a tile, whose bytes for that row are zero.
    pub fn store_row(self, tile: &mut [Lane], at: usize, row: &Row) {
        let (lanes, rest) = tile.split_at_mut(self.weight_lanes());
        let blocks = lanes.chunks_exact_mut(self.quant.bits());
        for (lanes, values) in blocks.zip(row.values.as_chunks::<BLOCK>().0) {
            pack_block(lanes, at, values);
        }
        let [d, sub_scales] = self.scale_lanes();
        let parts = rest.chunks_exact_mut(d + sub_scales);
        for (lanes, RowScales { d: from, sub_scales }) in parts.zip([&row.scales, &row.minima]) {
            let (first, second) = lanes.split_at_mut(d);
            for (to, from) in cast_mut::<_, [f16; TILE]>(first).iter_mut().zip(from) {
                to[at] = *from;
            }
            for (to, from) in cast_mut::<_, [i8; TILE]>(second).iter_mut().zip(sub_scales) {
                to[at] = *from;
            }
        }
    }

    /// Copies rows, each given by its tile and its number there, into the first rows of a tile.
    pub fn copy_rows(self, to: &mut [Lane], rows: &[(&[Lane], usize)]) {
        let [d, sub_scales] = self.scale_lanes();
        let (weights, mut scales) = to.split_at_mut(self.weight_lanes());
        copy_values::<4>(weights, rows, 0);
        let mut first = self.weight_lanes();
        while !scales.is_empty() {
            let (these, rest) = scales.split_at_mut(d + sub_scales);
            let (these_d, these_sub_scales) = these.split_at_mut(d);
            copy_values::<2>(these_d, rows, first);
            copy_values::<1>(these_sub_scales, rows, first + d);
            first += d + sub_scales;
            scales = rest;
        }
    }
}

/// Packs one row's values of a block into the block's lanes, of which there are as many as bits.
fn pack_block(lanes: &mut [Lane], row: usize, values: &[u8; BLOCK]) {
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
        for j in 0..BLOCK_LANES / each {
            for (to, q) in to.0[row * 4..].iter_mut().zip(four(i * BLOCK_LANES / each + j)) {
                *to |= (q >> 4) << (j * each);
            }
        }
    }
}

/// Copies values of `N` bytes, one a row, from the lanes of other tiles, from lane `first` of them on.
fn copy_values<const N: usize>(to: &mut [Lane], rows: &[(&[Lane], usize)], first: usize) {
    for (at, to) in to.iter_mut().enumerate() {
        let to = to.0.as_chunks_mut::<N>().0;
        // A lane that holds more than one value of a row holds those of all 16 rows first.
        for (part, to) in to.chunks_exact_mut(TILE).enumerate() {
            for (to, (from, old)) in to.iter_mut().zip(rows) {
                *to = from[first + at].0.as_chunks::<N>().0[part * TILE + old];
            }
        }
    }
}

/// Bytes of a tile that kernels prefetch ahead of what they read.
#[cfg(target_arch = "x86_64")]
pub(super) const PREFETCH_AHEAD: usize = 2048;

/// Counts the unpacked lanes that share a scale, for kernels that know a type by its bits: [`QuantType::block_columns`]
/// / 4.
#[cfg(target_arch = "x86_64")]
pub(super) const fn lanes_per_scale(bits: usize) -> usize {
    match bits {
        4 | 5 | 8 => BLOCK_LANES,
        6 => BLOCK_LANES / 2,
        _ => panic!("no type has so many bits"),
    }
}
