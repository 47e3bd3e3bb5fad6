//! Weight matrices for the CPU: exact repacks of GGUF blocks, and their product with float32 activations.
//!
//! A matrix of `(rows, columns)` is kept in tiles of 16 rows, so that one vector instruction feeds 16 outputs.
//! Weights are 8-bit integers with a scale (and for some types a minimum) for each block of 16 or 32 columns, as in the
//! GGUF file: Q4_0, Q5_0, Q8_0, Q4_K, Q5_K and Q6_K lose nothing. Activations are rounded to 8 bits with a scale for each
//! 32 columns (ggml's Q8_0), or taken as they are ([`Activations`]); other types of weights are rounded likewise, or kept
//! in float32.
//!
//! Each output depends on its own row of activations alone, summed in a fixed order: a product is the same bit for
//! bit whatever rows it is batched with. candle's own kernels differ between one row and many, quantize Q8_0's
//! activations by 256 columns, and keep the unpacked weights as well.

use super::gguf::RawTensor;
use super::kernel::{Target, parallel, round_blocks, round_row};
use super::product::{self, Grouped, IntegerRows, IntegerTile, Kernel, PAIR};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result, bail};
use half::f16;
use memmap2::Mmap;
use rayon::prelude::*;
use std::ops::Deref;
use std::sync::Arc;

/// Rows of a tile.
pub(super) const TILE: usize = 16;
/// Columns of a block of activations.
const BLOCK: usize = 32;
/// Rows of activations that share one pass over a tile of blocks.
const GROUP: usize = 8;

/// Four columns of the 16 rows of a tile, as the unsigned `weight + 128`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Lane(pub [u8; 4 * TILE]);

/// One value for each row of a tile.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Column(pub [f32; TILE]);

/// How activations enter a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// Rounded to 8 bits: several times as fast, at about a third of a percent of rounding in each.
    Int8,
    /// As they are: the reference.
    F32,
}

/// Plain values, in memory of their own or in a mapped file.
pub(super) enum Buffer<T> {
    Owned(Vec<T>),
    /// `len` values from byte `start` on, which is a multiple of their alignment.
    Mapped {
        map: Arc<Mmap>,
        start: usize,
        len: usize,
    },
}

/// Types of which any bytes are a value.
///
/// # Safety
/// No padding, no invalid bit patterns.
pub(super) unsafe trait Plain: Copy {}
// SAFETY: arrays of bytes and of floats, as long as their alignment.
unsafe impl Plain for Lane {}
// SAFETY: as above.
unsafe impl Plain for Column {}

impl<T: Plain> Buffer<T> {
    /// `len` values of a map from byte `start` on; none where they do not lie in it, aligned.
    pub fn mapped(map: &Arc<Mmap>, start: usize, len: usize) -> Option<Self> {
        let bytes = map.get(start..start.checked_add(len.checked_mul(size_of::<T>())?)?)?;
        bytes.as_ptr().cast::<T>().is_aligned().then(|| Self::Mapped {
            map: map.clone(),
            start,
            len,
        })
    }

    /// The values as bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `Plain` types have no padding.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), size_of_val::<[T]>(self)) }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(values) => values,
            // SAFETY: `mapped` checked bounds and alignment, any bytes are a value, and the map is read only.
            Self::Mapped { map, start, len } => unsafe {
                std::slice::from_raw_parts(map.as_ptr().add(*start).cast(), *len)
            },
        }
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self::Owned(values)
    }
}

/// A weight matrix of `(rows, columns)`.
pub struct Packed {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Columns that share a scale: 16, 32, or the whole row ([`Packed::from_floats`]).
    block: usize,
    /// `(rows / 16, columns / 4)`.
    pub(super) lanes: Buffer<Lane>,
    /// `(rows / 16, columns / block)`.
    pub(super) scales: Buffer<Column>,
    /// As `scales`, or empty: what is taken from `scale * weight`.
    minima: Vec<Column>,
    /// `(rows / 16, columns)`, for float weights that are not to be rounded; the three above are then empty.
    floats: Vec<Column>,
    activations: Activations,
    kernel: Kernel,
}

/// Activations of `(rows, columns)` rounded to 8 bits.
struct Rounded {
    columns: usize,
    values: Vec<i8>,
    /// `(rows, columns / 32)`.
    scales: Vec<f32>,
    /// `(rows, columns / 16)`: sums of `values`.
    sums: Vec<i32>,
}

impl Packed {
    /// Packs a tensor of a GGUF file.
    ///
    /// # Errors
    /// When the number of columns is not a multiple of 32 or the bytes are not whole blocks.
    pub fn new(tensor: RawTensor, activations: Activations) -> Result<Self> {
        let RawTensor {
            dtype,
            rows,
            columns,
            bytes,
        } = tensor;
        let row_bytes = columns / dtype.block_size() * dtype.type_size();
        if matches!(dtype, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16) && bytes.len() == rows * row_bytes {
            return Self::from_blocks(rows, columns, activations, &floats(dtype, bytes, rows * columns)?);
        }
        if columns == 0 || columns % BLOCK != 0 {
            bail!("rows of {columns} values do not divide into blocks of {BLOCK}");
        }
        if bytes.len() != rows * row_bytes {
            bail!("{} bytes for {rows} rows of {row_bytes}", bytes.len());
        }
        let mut this = Self {
            rows,
            columns,
            block: if dtype == GgmlDType::Q6K { 16 } else { BLOCK },
            lanes: Vec::new().into(),
            scales: Vec::new().into(),
            minima: Vec::new(),
            floats: Vec::new(),
            activations,
            kernel: Kernel::detect(),
        };
        let row = |row: usize| &bytes[row * row_bytes..][..row_bytes];
        match activations {
            Activations::F32 if !is_exact(dtype) => this.pack_floats(dtype, row)?,
            _ => {
                let with_minima = matches!(dtype, GgmlDType::Q4K | GgmlDType::Q5K);
                this.pack_integers(with_minima, |at, values, scales, minima| {
                    unpack_row(dtype, row(at), values, scales, minima)
                })?;
            }
        }
        Ok(this)
    }

    /// Fills the matrix from what `unpack` writes of each row: values, and of each block the scale and the minimum.
    fn pack_integers(
        &mut self,
        with_minima: bool,
        unpack: impl Fn(usize, &mut [i8], &mut [f32], &mut [f32]) -> Result<()> + Sync,
    ) -> Result<()> {
        let (rows, columns) = (self.rows, self.columns);
        let (tiles, groups, blocks) = (rows.div_ceil(TILE), columns / 4, columns / self.block);
        // Without minima, one column a tile to walk along with and to throw away.
        let minima_step = if with_minima { blocks } else { 1 };
        let mut lanes = vec![Lane([128; 4 * TILE]); tiles * groups];
        let mut scales = vec![Column([0.0; TILE]); tiles * blocks];
        let mut minima = vec![Column([0.0; TILE]); tiles * minima_step];
        (
            lanes.par_chunks_mut(groups),
            scales.par_chunks_mut(blocks),
            minima.par_chunks_mut(minima_step),
        )
            .into_par_iter()
            .enumerate()
            .try_for_each_init(
                || (vec![0i8; columns], vec![0f32; blocks], vec![0f32; blocks]),
                |(values, scales, mins), (tile, (lanes, tile_scales, tile_minima))| -> Result<()> {
                    for lane in 0..TILE.min(rows - tile * TILE) {
                        unpack(tile * TILE + lane, values, scales, mins)?;
                        for (group, four) in lanes.iter_mut().zip(values.as_chunks::<4>().0) {
                            for (j, value) in four.iter().enumerate() {
                                group.0[lane * 4 + j] = (*value as u8) ^ 0x80;
                            }
                        }
                        for (column, scale) in tile_scales.iter_mut().zip(scales.iter()) {
                            column.0[lane] = *scale;
                        }
                        for (column, min) in tile_minima.iter_mut().zip(mins.iter()) {
                            column.0[lane] = *min;
                        }
                    }
                    Ok(())
                },
            )?;
        (self.lanes, self.scales) = (lanes.into(), scales.into());
        if with_minima {
            self.minima = minima;
        }
        Ok(())
    }

    fn pack_floats<'a>(&mut self, dtype: GgmlDType, row_bytes: impl Fn(usize) -> &'a [u8] + Sync) -> Result<()> {
        let (rows, columns) = (self.rows, self.columns);
        self.floats = vec![Column([0.0; TILE]); rows.div_ceil(TILE) * columns];
        self.floats
            .par_chunks_mut(columns)
            .enumerate()
            .try_for_each(|(tile, to)| {
                for lane in 0..TILE.min(rows - tile * TILE) {
                    for (column, value) in to
                        .iter_mut()
                        .zip(floats(dtype, row_bytes(tile * TILE + lane), columns)?)
                    {
                        column.0[lane] = value;
                    }
                }
                Ok(())
            })
    }

    /// Packs float32 weights: as they are, or in 8 bits with one scale a row, for activations with one scale a row.
    ///
    /// `row` gives the values of each row.
    pub fn from_floats<'a>(
        rows: usize,
        columns: usize,
        activations: Activations,
        row: impl Fn(usize) -> &'a [f32] + Sync,
    ) -> Self {
        let tiles = rows.div_ceil(TILE);
        let groups = columns.div_ceil(4);
        let mut this = Self::of_rows(rows, columns, Vec::new().into(), Vec::new().into());
        this.activations = activations;
        match activations {
            Activations::F32 => {
                this.floats = vec![Column([0.0; TILE]); tiles * columns];
                this.floats.par_chunks_mut(columns).enumerate().for_each(|(tile, to)| {
                    for lane in 0..TILE.min(rows - tile * TILE) {
                        for (column, value) in to.iter_mut().zip(row(tile * TILE + lane)) {
                            column.0[lane] = *value;
                        }
                    }
                });
            }
            Activations::Int8 => {
                let mut lanes = vec![Lane([128; 4 * TILE]); tiles * groups];
                let mut scales = vec![Column([0.0; TILE]); tiles];
                lanes.par_chunks_mut(groups).zip(&mut scales).enumerate().for_each_init(
                    Vec::new,
                    |values, (tile, (lanes, scales))| {
                        values.resize(groups * 4, 0i8);
                        for lane in 0..TILE.min(rows - tile * TILE) {
                            scales.0[lane] = round_row(row(tile * TILE + lane), values);
                            for (group, four) in lanes.iter_mut().zip(values.as_chunks::<4>().0) {
                                for (j, value) in four.iter().enumerate() {
                                    group.0[lane * 4 + j] = (*value as u8) ^ 0x80;
                                }
                            }
                        }
                    },
                );
                (this.lanes, this.scales) = (lanes.into(), scales.into());
            }
        }
        this
    }

    /// Packs float32 weights `(rows, columns)`: as they are, or in 8 bits with one scale for each 32 columns (GGUF's Q8_0),
    /// whose activations are rounded by blocks too, as large decoder-only models need; one scale a row where the columns
    /// do not divide.
    pub fn from_blocks(rows: usize, columns: usize, activations: Activations, values: &[f32]) -> Result<Self> {
        let row = |row: usize| &values[row * columns..][..columns];
        if activations == Activations::F32 || !columns.is_multiple_of(BLOCK) {
            return Ok(Self::from_floats(rows, columns, activations, row));
        }
        let mut this = Self::of_rows(rows, columns, Vec::new().into(), Vec::new().into());
        this.block = BLOCK;
        this.pack_integers(false, |at, values, scales, _| {
            let mut sums = vec![0; columns / 16];
            round_blocks(row(at), values, scales, &mut sums);
            Ok(())
        })?;
        Ok(this)
    }

    /// A matrix in 8 bits with one scale a row, packed before.
    pub(super) fn of_rows(rows: usize, columns: usize, lanes: Buffer<Lane>, scales: Buffer<Column>) -> Self {
        Self {
            rows,
            columns,
            block: columns,
            lanes,
            scales,
            minima: Vec::new(),
            floats: Vec::new(),
            activations: Activations::Int8,
            kernel: Kernel::detect(),
        }
    }

    /// The matrix of these rows alone.
    pub fn select(&self, rows: &[u32]) -> Self {
        let tiles = rows.len().div_ceil(TILE);
        let (groups, blocks) = (self.columns.div_ceil(4), self.columns / self.block);
        let columns = |from: &[Column], step: usize| -> Vec<Column> {
            if from.is_empty() {
                return Vec::new();
            }
            let mut to = vec![Column([0.0; TILE]); tiles * step];
            for (new, old) in rows.iter().map(|row| *row as usize).enumerate() {
                let from = &from[old / TILE * step..][..step];
                for (to, from) in to[new / TILE * step..].iter_mut().zip(from) {
                    to.0[new % TILE] = from.0[old % TILE];
                }
            }
            to
        };
        let mut lanes = Vec::new();
        if !self.lanes.is_empty() {
            lanes = vec![Lane([128; 4 * TILE]); tiles * groups];
            for (new, old) in rows.iter().map(|row| *row as usize).enumerate() {
                let from = &self.lanes[old / TILE * groups..][..groups];
                for (to, from) in lanes[new / TILE * groups..].iter_mut().zip(from) {
                    to.0[new % TILE * 4..][..4].copy_from_slice(&from.0[old % TILE * 4..][..4]);
                }
            }
        }
        Self {
            rows: rows.len(),
            columns: self.columns,
            block: self.block,
            lanes: lanes.into(),
            scales: columns(&self.scales, blocks).into(),
            minima: columns(&self.minima, blocks),
            floats: columns(&self.floats, self.columns),
            activations: self.activations,
            kernel: self.kernel,
        }
    }

    /// One row in float32, times `scale`.
    pub fn row(&self, row: usize, scale: f32, out: &mut Vec<f32>) {
        let (tile, lane) = (row / TILE, row % TILE);
        if !self.floats.is_empty() {
            out.extend(
                self.floats[tile * self.columns..][..self.columns]
                    .iter()
                    .map(|column| column.0[lane] * scale),
            );
            return;
        }
        let groups = self.columns.div_ceil(4);
        let lanes = &self.lanes[tile * groups..][..groups];
        let blocks = self.columns / self.block;
        let end = out.len() + self.columns;
        for (block, lanes) in lanes.chunks(self.block.div_ceil(4)).enumerate() {
            let d = self.scales[tile * blocks + block].0[lane];
            let min = self
                .minima
                .get(tile * blocks + block)
                .map_or(0.0, |column| column.0[lane]);
            for four in lanes {
                out.extend(
                    four.0[lane * 4..][..4]
                        .iter()
                        .map(|q| (d * (i32::from(*q) - 128) as f32 - min) * scale),
                );
            }
        }
        // Lanes hold four columns each, the last perhaps fewer.
        out.truncate(end);
    }

    /// The weights of a tile in float32, `(columns, 16)`.
    fn tile_floats(&self, tile: usize) -> Vec<Column> {
        let mut out = vec![Column([0.0; TILE]); self.columns];
        let mut row = Vec::with_capacity(self.columns);
        for lane in 0..TILE.min(self.rows - tile * TILE) {
            row.clear();
            self.row(tile * TILE + lane, 1.0, &mut row);
            for (column, value) in out.iter_mut().zip(&row) {
                column.0[lane] = *value;
            }
        }
        out
    }

    /// `activations` `(m, columns)` times this matrix transposed: `(m, rows)`.
    pub fn product(&self, activations: &[f32]) -> Vec<f32> {
        self.product_plus(activations, None)
    }

    /// The product, with `bias` of `rows` values added to each row.
    pub fn product_plus(&self, activations: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let m = activations.len() / self.columns;
        let mut out: Vec<f32> = Vec::with_capacity(m * self.rows);
        let writer = Writer {
            target: Target::new(out.as_mut_ptr()),
            rows: self.rows,
            bias,
        };
        match self.activations {
            Activations::F32 => self.float_product(activations, m, &writer),
            Activations::Int8 if self.block == self.columns => self.row_product(activations, m, &writer),
            Activations::Int8 => self.block_product(activations, m, &writer),
        }
        // SAFETY: each of the three writes every tile of every row.
        unsafe { out.set_len(m * self.rows) };
        out
    }

    fn float_product(&self, activations: &[f32], m: usize, writer: &Writer) {
        let (grouped, _) = Grouped::new(m, self.columns, |row, to| {
            for (to, value) in to.zip(&activations[row * self.columns..]) {
                *to = *value;
            }
        });
        let tiles = self.rows.div_ceil(TILE);
        parallel(tiles.div_ceil(PAIR), m * self.rows * self.columns / 8, |pairs| {
            for first in pairs.map(|pair| pair * PAIR) {
                let last = tiles.min(first + PAIR);
                let unpacked: Vec<Vec<Column>> = match self.floats.is_empty() {
                    true => (first..last).map(|tile| self.tile_floats(tile)).collect(),
                    false => Vec::new(),
                };
                let weights = |tile: usize| match unpacked.get(tile - first) {
                    Some(unpacked) => unpacked.as_slice(),
                    None => &self.floats[tile * self.columns..][..self.columns],
                };
                let pair = [weights(first), weights(last - 1)];
                let mut sums = [[Column([0.0; TILE]); PAIR]; product::GROUP];
                for (row, count, values) in grouped.groups() {
                    product::floats(self.kernel, &pair[..last - first], count, values, &mut sums);
                    for (i, sums) in sums[..count].iter().enumerate() {
                        for (tile, sum) in (first..last).zip(sums) {
                            writer.write(row + i, tile, sum);
                        }
                    }
                }
            }
        });
    }

    fn row_product(&self, activations: &[f32], m: usize, writer: &Writer) {
        let groups = self.columns.div_ceil(4);
        let rows = IntegerRows::new(self.kernel, activations, self.columns);
        let tiles = self.rows.div_ceil(TILE);
        parallel(tiles.div_ceil(PAIR), m * self.rows * self.columns / 32, |pairs| {
            for first in pairs.map(|pair| pair * PAIR) {
                let last = tiles.min(first + PAIR);
                let tile = |tile: usize| IntegerTile {
                    lanes: &self.lanes[tile * groups..][..groups],
                    scales: &self.scales[tile],
                };
                let pair = [tile(first), tile(last - 1)];
                rows.products(&pair[..last - first], |row, tile, sum| {
                    writer.write(row, first + tile, sum)
                });
            }
        });
    }

    fn block_product(&self, activations: &[f32], m: usize, writer: &Writer) {
        let rounded = Rounded::new(activations, self.columns);
        parallel(self.rows.div_ceil(TILE), m * self.rows * self.columns / 32, |tiles| {
            for tile in tiles {
                for first in (0..m).step_by(GROUP) {
                    let count = GROUP.min(m - first);
                    let mut sums = [Column([0.0; TILE]); GROUP];
                    self.tile_product(tile, &rounded, first, &mut sums[..count]);
                    for (i, sum) in sums[..count].iter().enumerate() {
                        writer.write(first + i, tile, sum);
                    }
                }
            }
        });
    }

    fn tile_product(&self, tile: usize, rounded: &Rounded, first: usize, sums: &mut [Column]) {
        let (groups, blocks) = (self.columns / 4, self.columns / self.block);
        let view = TileView {
            lanes: &self.lanes[tile * groups..][..groups],
            scales: &self.scales[tile * blocks..][..blocks],
            minima: self.minima.get(tile * blocks..(tile + 1) * blocks).unwrap_or_default(),
            groups_per_block: self.block / 4,
        };
        match self.kernel {
            // SAFETY: the features were detected when the kernel was chosen.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni => unsafe {
                match sums.len() {
                    1 => avx512::product::<1>(&view, rounded, first, sums),
                    2 => avx512::product::<2>(&view, rounded, first, sums),
                    3 => avx512::product::<3>(&view, rounded, first, sums),
                    4 => avx512::product::<4>(&view, rounded, first, sums),
                    5 => avx512::product::<5>(&view, rounded, first, sums),
                    6 => avx512::product::<6>(&view, rounded, first, sums),
                    7 => avx512::product::<7>(&view, rounded, first, sums),
                    _ => avx512::product::<8>(&view, rounded, first, sums),
                }
            },
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => {
                for (i, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: as above.
                    unsafe { avx2::product(&view, rounded, first + i, sum) };
                }
            }
            Kernel::Portable => {
                for (i, sum) in sums.iter_mut().enumerate() {
                    portable_product(&view, rounded, first + i, sum);
                }
            }
        }
    }
}

/// Where a product goes: `(m, rows)`.
struct Writer<'a> {
    target: Target,
    rows: usize,
    bias: Option<&'a [f32]>,
}

impl Writer<'_> {
    /// Writes a tile of one row. Each (row, tile) must be written by one thread only, below `m`.
    fn write(&self, row: usize, tile: usize, sum: &Column) {
        let width = TILE.min(self.rows - tile * TILE);
        // SAFETY: as the callers promise, within the reserved `m * rows`.
        let to = unsafe { self.target.part(row * self.rows + tile * TILE, width) };
        match self.bias {
            None => to.copy_from_slice(&sum.0[..width]),
            Some(bias) => {
                let bias = &bias[tile * TILE..][..width];
                for ((to, sum), bias) in to.iter_mut().zip(&sum.0).zip(bias) {
                    *to = sum + bias;
                }
            }
        }
    }
}

struct TileView<'a> {
    lanes: &'a [Lane],
    scales: &'a [Column],
    minima: &'a [Column],
    groups_per_block: usize,
}

impl Rounded {
    fn new(activations: &[f32], columns: usize) -> Self {
        let mut this = Self {
            columns,
            values: vec![0; activations.len()],
            scales: vec![0.0; activations.len() / BLOCK],
            sums: vec![0; activations.len() / 16],
        };
        let Self {
            values, scales, sums, ..
        } = &mut this;
        round_blocks(activations, values, scales, sums);
        this
    }

    fn row(&self, row: usize) -> (&[i8], &[f32], &[i32]) {
        (
            &self.values[row * self.columns..][..self.columns],
            &self.scales[row * self.columns / BLOCK..][..self.columns / BLOCK],
            &self.sums[row * self.columns / 16..][..self.columns / 16],
        )
    }
}

/// The same product without special instructions.
fn portable_product(tile: &TileView, rounded: &Rounded, row: usize, sum: &mut Column) {
    let (values, scales, sums) = rounded.row(row);
    let width = tile.groups_per_block;
    for (block, (lanes, weight_scales)) in tile.lanes.chunks(width).zip(tile.scales).enumerate() {
        let column = block * width * 4;
        let scale = scales[column / BLOCK];
        let block_sum: i32 = sums[column / 16..(column + width * 4) / 16].iter().sum();
        let mut dots = [-128 * block_sum; TILE];
        for (group, lane) in lanes.iter().enumerate() {
            let a = &values[column + group * 4..][..4];
            for (dot, w) in dots.iter_mut().zip(lane.0.as_chunks::<4>().0) {
                *dot += (0..4).map(|j| i32::from(w[j]) * i32::from(a[j])).sum::<i32>();
            }
        }
        let weights = weight_scales.0.iter().zip(&dots);
        for (sum, (weight_scale, dot)) in sum.0.iter_mut().zip(weights) {
            *sum = (*dot as f32).mul_add(weight_scale * scale, *sum);
        }
        if let Some(minima) = tile.minima.get(block) {
            for (sum, min) in sum.0.iter_mut().zip(minima.0) {
                *sum = (-min).mul_add(scale * block_sum as f32, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! 64 multiply-adds an instruction: unsigned weights against signed activations, the offset of 128 taken back first.
    use super::{BLOCK, Column, Rounded, TileView};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn product<const M: usize>(tile: &TileView, rounded: &Rounded, first: usize, out: &mut [Column]) {
        let rows: [_; M] = std::array::from_fn(|i| rounded.row(first + i));
        let width = tile.groups_per_block;
        let mut sums = [_mm512_setzero_ps(); M];
        for block in 0..tile.scales.len() {
            let column = block * width * 4;
            let mut block_sums = [0i32; M];
            let mut dots = [_mm512_setzero_si512(); M];
            for i in 0..M {
                // SAFETY: there is a sum for each 16 columns.
                unsafe {
                    block_sums[i] = *rows[i].2.get_unchecked(column / 16);
                    if width == BLOCK / 4 {
                        block_sums[i] += *rows[i].2.get_unchecked(column / 16 + 1);
                    }
                }
                dots[i] = _mm512_set1_epi32(-128 * block_sums[i]);
            }
            for group in 0..width {
                // SAFETY: `block * width + group` counts the tile's lanes, and four columns of activations go with each.
                unsafe {
                    let lane = tile.lanes.as_ptr().add(block * width + group);
                    let weights = _mm512_load_si512(lane.cast());
                    for i in 0..M {
                        let four = rows[i]
                            .0
                            .as_ptr()
                            .add(column + group * 4)
                            .cast::<i32>()
                            .read_unaligned();
                        dots[i] = _mm512_dpbusd_epi32(dots[i], weights, _mm512_set1_epi32(four));
                    }
                }
            }
            // SAFETY: `block` counts the tile's blocks; `Column` is 64 bytes, aligned.
            unsafe {
                let scales = _mm512_load_ps(tile.scales.as_ptr().add(block).cast());
                for i in 0..M {
                    let scale = _mm512_set1_ps(*rows[i].1.get_unchecked(column / BLOCK));
                    sums[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[i]), _mm512_mul_ps(scales, scale), sums[i]);
                }
                if !tile.minima.is_empty() {
                    let minima = _mm512_load_ps(tile.minima.as_ptr().add(block).cast());
                    for i in 0..M {
                        let scale = *rows[i].1.get_unchecked(column / BLOCK) * block_sums[i] as f32;
                        sums[i] = _mm512_fnmadd_ps(minima, _mm512_set1_ps(scale), sums[i]);
                    }
                }
            }
        }
        for (sum, out) in sums.iter().zip(out) {
            // SAFETY: `Column` is 64 bytes, aligned.
            unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! 32 multiply-adds in two instructions; signs are moved to the activations, which keeps the 16-bit sums in range.
    use super::{BLOCK, Column, Rounded, TILE, TileView};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn product(tile: &TileView, rounded: &Rounded, row: usize, out: &mut Column) {
        let (values, scales, block_sums) = rounded.row(row);
        let width = tile.groups_per_block;
        let (flip, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
        let mut sums = [_mm256_setzero_ps(); 2];
        for block in 0..tile.scales.len() {
            let column = block * width * 4;
            let scale = scales[column / BLOCK];
            let mut dots = [_mm256_setzero_si256(); 2];
            for group in 0..width {
                // SAFETY: `block * width + group` counts the tile's lanes, and four columns of activations go with each.
                unsafe {
                    let four = values.as_ptr().add(column + group * 4).cast::<i32>().read_unaligned();
                    let four = _mm256_set1_epi32(four);
                    let lane = tile.lanes.as_ptr().add(block * width + group).cast::<__m256i>();
                    for (half, dot) in dots.iter_mut().enumerate() {
                        let weights = _mm256_xor_si256(_mm256_load_si256(lane.add(half)), flip);
                        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(four, weights));
                        *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
            let columns = |column: &Column| {
                let at = column.0.as_ptr();
                // SAFETY: `Column` holds 16 floats, 64-byte aligned.
                unsafe { [_mm256_load_ps(at), _mm256_load_ps(at.add(TILE / 2))] }
            };
            for ((sum, dot), weight) in sums.iter_mut().zip(dots).zip(columns(&tile.scales[block])) {
                let scales = _mm256_mul_ps(weight, _mm256_set1_ps(scale));
                *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scales, *sum);
            }
            if let Some(minima) = tile.minima.get(block) {
                let total: i32 = block_sums[column / 16..(column + width * 4) / 16].iter().sum();
                let total = _mm256_set1_ps(scale * total as f32);
                for (sum, min) in sums.iter_mut().zip(columns(minima)) {
                    *sum = _mm256_fnmadd_ps(min, total, *sum);
                }
            }
        }
        for (out, sum) in out.0.as_chunks_mut::<{ TILE / 2 }>().0.iter_mut().zip(sums) {
            // SAFETY: eight floats, in a `Column`, aligned to 32 bytes.
            unsafe { _mm256_store_ps(out.as_mut_ptr(), sum) };
        }
    }
}

/// One row of GGUF blocks as integers, scales and minima (ggml `ggml-quants.c`, `dequantize_row_*`).
fn unpack_row(dtype: GgmlDType, bytes: &[u8], values: &mut [i8], scales: &mut [f32], minima: &mut [f32]) -> Result<()> {
    let half = |bytes: &[u8]| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    let blocks = bytes.chunks_exact(dtype.type_size());
    match dtype {
        GgmlDType::Q8_0 => {
            for (i, block) in blocks.enumerate() {
                scales[i] = half(block);
                for (to, q) in values[i * 32..][..32].iter_mut().zip(&block[2..]) {
                    *to = *q as i8;
                }
            }
        }
        GgmlDType::Q4_0 => {
            for (i, block) in blocks.enumerate() {
                scales[i] = half(block);
                for j in 0..16 {
                    values[i * 32 + j] = (block[2 + j] & 15) as i8 - 8;
                    values[i * 32 + 16 + j] = (block[2 + j] >> 4) as i8 - 8;
                }
            }
        }
        GgmlDType::Q5_0 => {
            for (i, block) in blocks.enumerate() {
                scales[i] = half(block);
                let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
                for j in 0..16 {
                    let fifth = |bit: usize| (((high >> bit) & 1) << 4) as u8;
                    values[i * 32 + j] = ((block[6 + j] & 15) | fifth(j)) as i8 - 16;
                    values[i * 32 + 16 + j] = ((block[6 + j] >> 4) | fifth(j + 16)) as i8 - 16;
                }
            }
        }
        GgmlDType::Q4K | GgmlDType::Q5K => {
            let five = dtype == GgmlDType::Q5K;
            for (i, block) in blocks.enumerate() {
                let (d, least, packed) = (half(block), half(&block[2..]), &block[4..16]);
                let (high, low) = if five {
                    (&block[16..48], &block[48..])
                } else {
                    (&block[..0], &block[16..])
                };
                for sub in 0..8 {
                    let (scale, min) = if sub < 4 {
                        (packed[sub] & 63, packed[sub + 4] & 63)
                    } else {
                        (
                            (packed[sub + 4] & 15) | ((packed[sub - 4] >> 6) << 4),
                            (packed[sub + 4] >> 4) | ((packed[sub] >> 6) << 4),
                        )
                    };
                    scales[i * 8 + sub] = d * f32::from(scale);
                    minima[i * 8 + sub] = least * f32::from(min);
                    for j in 0..32 {
                        let byte = low[sub / 2 * 32 + j];
                        let nibble = if sub % 2 == 0 { byte & 15 } else { byte >> 4 };
                        let fifth = if five { ((high[j] >> sub) & 1) << 4 } else { 0 };
                        values[i * 256 + sub * 32 + j] = (nibble | fifth) as i8;
                    }
                }
            }
        }
        GgmlDType::Q6K => {
            for (i, block) in blocks.enumerate() {
                let d = half(&block[208..]);
                for sub in 0..16 {
                    scales[i * 16 + sub] = d * f32::from(block[192 + sub] as i8);
                }
                for part in 0..2 {
                    let (low, high) = (&block[part * 64..][..64], &block[128 + part * 32..][..32]);
                    for j in 0..32 {
                        let six = |nibble: u8, shift: u8| ((nibble & 15) | (((high[j] >> shift) & 3) << 4)) as i8 - 32;
                        let to = &mut values[i * 256 + part * 128..][..128];
                        to[j] = six(low[j], 0);
                        to[32 + j] = six(low[32 + j], 2);
                        to[64 + j] = six(low[j] >> 4, 4);
                        to[96 + j] = six(low[32 + j] >> 4, 6);
                    }
                }
            }
        }
        _ => {
            let floats = floats(dtype, bytes, values.len())?;
            let rounded = Rounded::new(&floats, floats.len());
            values.copy_from_slice(&rounded.values);
            scales.copy_from_slice(&rounded.scales);
        }
    }
    Ok(())
}

/// Whether [`unpack_row`] keeps every value of this type.
fn is_exact(dtype: GgmlDType) -> bool {
    use GgmlDType::{Q4_0, Q4K, Q5_0, Q5K, Q6K, Q8_0};
    matches!(dtype, Q4_0 | Q5_0 | Q8_0 | Q4K | Q5K | Q6K)
}

/// A row of any type in float32.
fn floats(dtype: GgmlDType, bytes: &[u8], columns: usize) -> Result<Vec<f32>> {
    let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype)?;
    QTensor::new(storage, columns)?.dequantize(&Device::Cpu)?.to_vec1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Tensor;

    /// Values that look like weights, the same at every run.
    fn noise(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let step = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        std::iter::repeat_with(step).take(count).collect()
    }

    fn quantized(dtype: GgmlDType, rows: usize, columns: usize) -> (QTensor, Vec<f32>) {
        let weights = Tensor::from_vec(noise(rows * columns, 7), (rows, columns), &Device::Cpu).unwrap();
        let tensor = QTensor::quantize(&weights, dtype).unwrap();
        let floats = tensor
            .dequantize(&Device::Cpu)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        (tensor, floats)
    }

    const TYPES: [GgmlDType; 8] = [
        GgmlDType::Q4_0,
        GgmlDType::Q5_0,
        GgmlDType::Q8_0,
        GgmlDType::Q4K,
        GgmlDType::Q5K,
        GgmlDType::Q6K,
        GgmlDType::F16,
        GgmlDType::F32,
    ];

    #[test]
    fn rows_equal_the_files_own_values() {
        for dtype in TYPES {
            let (rows, columns) = (37, 512);
            let (tensor, floats) = quantized(dtype, rows, columns);
            let bytes = tensor.data().unwrap();
            let packed = Packed::new(
                RawTensor {
                    dtype,
                    rows,
                    columns,
                    bytes: &bytes,
                },
                Activations::Int8,
            )
            .unwrap();
            let exact = !matches!(dtype, GgmlDType::F16 | GgmlDType::F32);
            for row in 0..rows {
                let mut out = Vec::new();
                packed.row(row, 1.0, &mut out);
                for (a, b) in out.iter().zip(&floats[row * columns..]) {
                    let allowed = if exact { 1e-6 } else { 0.5 / 127.0 };
                    assert!((a - b).abs() <= allowed, "{dtype:?} row {row}: {a} for {b}");
                }
            }
        }
    }

    #[test]
    fn products_agree_with_float32_and_between_kernels_and_batches() {
        for dtype in TYPES {
            let (rows, columns, m) = (50, 256, 19);
            let (tensor, floats) = quantized(dtype, rows, columns);
            let bytes = tensor.data().unwrap();
            let mut packed = Packed::new(
                RawTensor {
                    dtype,
                    rows,
                    columns,
                    bytes: &bytes,
                },
                Activations::Int8,
            )
            .unwrap();
            let x = noise(m * columns, 3);
            let all = packed.product(&x);
            for i in 0..m {
                let single = packed.product(&x[i * columns..][..columns]);
                assert_eq!(
                    single,
                    all[i * rows..][..rows],
                    "{dtype:?}: row {i} depends on its batch"
                );
                for row in 0..rows {
                    let terms = x[i * columns..][..columns].iter().zip(&floats[row * columns..]);
                    let expected: f32 = terms.map(|(a, b)| a * b).sum();
                    let got = all[i * rows + row];
                    assert!(
                        (got - expected).abs() < 0.06,
                        "{dtype:?} ({i}, {row}): {got} for {expected}"
                    );
                }
            }
            let float = RawTensor {
                dtype,
                rows,
                columns,
                bytes: &bytes,
            };
            let float = Packed::new(float, Activations::F32).unwrap();
            let exact = float.product(&x);
            for i in 0..m {
                assert_eq!(
                    float.product(&x[i * columns..][..columns]),
                    exact[i * rows..][..rows],
                    "{dtype:?}: row {i}"
                );
                for row in 0..rows {
                    let terms = x[i * columns..][..columns].iter().zip(&floats[row * columns..]);
                    let expected: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    assert!(
                        (f64::from(exact[i * rows + row]) - expected).abs() < 1e-5,
                        "{dtype:?} ({i}, {row})"
                    );
                }
            }
            packed.kernel = Kernel::Portable;
            let portable = packed.product(&x);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                packed.kernel = Kernel::Avx2;
                assert_eq!(packed.product(&x), portable, "{dtype:?}: AVX2");
            }
            for (a, b) in all.iter().zip(&portable) {
                assert!((a - b).abs() < 1e-4, "{dtype:?}: {a} against portable {b}");
            }
        }
    }

    #[test]
    fn rows_of_floats_agree_with_float32_and_between_kernels_and_batches() {
        // Columns that fill neither lanes nor vectors, rows that do not fill a tile.
        for (rows, columns, m) in [(50, 65, 27), (16, 8, 1), (7, 30, 13)] {
            let (weights, x) = (noise(rows * columns, 5), noise(m * columns, 9));
            let bias = noise(rows, 11);
            let pack = |activations| {
                Packed::from_floats(rows, columns, activations, |row| &weights[row * columns..][..columns])
            };
            let picked: Vec<u32> = (0..rows as u32).filter(|row| row % 3 != 1).collect();
            for (activations, allowed) in [(Activations::F32, 1e-5), (Activations::Int8, 0.02)] {
                let mut packed = pack(activations);
                let all = packed.product_plus(&x, Some(&bias));
                let some = packed.select(&picked).product(&x);
                for i in 0..m {
                    let x = &x[i * columns..][..columns];
                    let alone = packed.product_plus(x, Some(&bias));
                    assert_eq!(alone, all[i * rows..][..rows], "row {i} depends on its batch");
                    for row in 0..rows {
                        let terms = x.iter().zip(&weights[row * columns..]);
                        let expected = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
                        let got = f64::from(all[i * rows + row] - bias[row]);
                        assert!(
                            (got - expected).abs() < allowed,
                            "{activations:?} ({i}, {row}): {got} for {expected}"
                        );
                    }
                    let plain = packed.product(x);
                    for (row, got) in picked.iter().zip(&some[i * picked.len()..]) {
                        assert_eq!(*got, plain[*row as usize], "{activations:?}");
                    }
                }
                let mut out = Vec::new();
                packed.row(rows - 1, 2.0, &mut out);
                assert_eq!(out.len(), columns);
                for (got, weight) in out.iter().zip(&weights[(rows - 1) * columns..]) {
                    assert!((got - 2.0 * weight).abs() < 0.01);
                }
                let mut kernels = vec![Kernel::Portable];
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    kernels.push(Kernel::Avx2);
                }
                for kernel in kernels {
                    packed.kernel = kernel;
                    for (got, expected) in packed.product_plus(&x, Some(&bias)).iter().zip(&all) {
                        let allowed = if activations == Activations::Int8 { 0.0 } else { 1e-5 };
                        assert!((got - expected).abs() <= allowed, "{kernel:?}: {got} for {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        let bytes = [0u8; 34];
        let raw = |rows, columns| RawTensor {
            dtype: GgmlDType::Q8_0,
            rows,
            columns,
            bytes: &bytes,
        };
        assert!(Packed::new(raw(1, 32), Activations::Int8).is_ok());
        assert!(Packed::new(raw(2, 32), Activations::F32).is_err());
        assert!(Packed::new(raw(1, 40), Activations::Int8).is_err());
    }
}
