//! Weight matrices for the CPU, and their product with float32 activations.
//!
//! A matrix of `(rows, columns)` is kept in tiles of 16 rows, so that one vector instruction feeds several outputs: in
//! float32, in 8 bits with one scale a row, or in blocks as in a GGUF file ([`super::quantized`]), of which Q4_0, Q5_0, Q8_0,
//! Q4_K, Q5_K and Q6_K lose nothing and others are rounded to 8 bits. Activations are rounded to 8 bits, or taken as they
//! are ([`Activations`]).
//!
//! Each output depends on its own row of activations alone, summed in a fixed order: a product is the same bit for
//! bit whatever rows it is batched with. candle's own kernels differ between one row and many, quantize Q8_0's
//! activations by 256 columns, and keep the unpacked weights as well.

use super::gemm::{self, Grouped, IntegerRows, IntegerTile, Kernel, PAIR};
use super::ggml::{Form, dequantize};
use super::pages::{Pages, Plain, cast};
use super::parallel::{SharedOutput, parallel_ranges};
use super::quantized::{self, BLOCK, Blocks};
use super::simd::round_row;
use crate::model::weights::gguf::RawTensor;
use candle_core::quantized::GgmlDType;
use candle_core::{Result, bail};
use memmap2::Mmap;
use rayon::prelude::*;
use std::ops::Deref;
use std::sync::Arc;

/// Rows of a tile.
pub(in crate::model) const TILE: usize = 16;
/// Four columns of the 16 rows of a tile, as unsigned bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(in crate::model) struct Lane(pub [u8; 4 * TILE]);

/// One value for each row of a tile.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(in crate::model) struct Column(pub [f32; TILE]);

/// How activations enter a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// Rounded to 8 bits: several times as fast, at about a third of a percent of rounding in each.
    Int8,
    /// As they are: the reference.
    F32,
}

/// Plain values, in memory of their own or in a mapped file.
pub(in crate::model) enum Buffer<T> {
    Owned(Pages<T>),
    /// `len` values from byte `start` on, which is a multiple of their alignment.
    Mapped {
        map: Arc<Mmap>,
        start: usize,
        len: usize,
    },
}

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
        cast::<T, [u8; 1]>(self).as_flattened()
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

impl<T> From<Pages<T>> for Buffer<T> {
    fn from(values: Pages<T>) -> Self {
        Self::Owned(values)
    }
}

/// A weight matrix of `(rows, columns)`.
pub struct Matrix {
    pub(in crate::model) rows: usize,
    pub(in crate::model) columns: usize,
    weights: Weights,
    activations: Activations,
    kernel: Kernel,
}

enum Weights {
    /// In 8 bits with one scale a row, for activations with one scale a row.
    Rows {
        /// `weight + 128`, `(rows / 16, columns / 4)`.
        lanes: Buffer<Lane>,
        /// `(rows / 16)`.
        scales: Buffer<Column>,
    },
    Blocks(Blocks),
    /// `(rows / 16, columns)`.
    Floats(Pages<Column>),
}

impl Matrix {
    /// Packs a tensor of a GGUF file, or the chosen rows of it.
    ///
    /// # Errors
    /// When the number of columns is not a multiple of 32 or the bytes are not whole blocks.
    pub fn from_gguf(tensor: RawTensor, chosen: Option<&[u32]>, activations: Activations) -> Result<Self> {
        let RawTensor {
            dtype,
            rows,
            columns,
            bytes,
        } = tensor;
        let by_floats = || -> Result<Self> {
            let all =
                Self::from_f32_block_scales(rows, columns, activations, &dequantize(dtype, bytes, rows * columns)?)?;
            Ok(all.keep_rows(chosen))
        };
        let row_bytes = columns / dtype.block_size() * dtype.type_size();
        if matches!(dtype, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16) && bytes.len() == rows * row_bytes {
            return by_floats();
        }
        if columns == 0 || columns % BLOCK != 0 {
            bail!("rows of {columns} values do not divide into blocks of {BLOCK}");
        }
        if bytes.len() != rows * row_bytes {
            bail!("{} bytes for {rows} rows of {row_bytes}", bytes.len());
        }
        let row = |at: usize| {
            let row = chosen.map_or(at, |chosen| chosen[at] as usize);
            &bytes[row * row_bytes..][..row_bytes]
        };
        let kept = chosen.map_or(rows, <[u32]>::len);
        let form = Form::of(dtype);
        let weights = match activations {
            Activations::F32 if form.is_none() => return by_floats(),
            _ => Blocks::new(form.unwrap_or(Form::EIGHT), kept, columns, |at, to| {
                to.read(dtype, row(at))
            })?,
        };
        Ok(Self::of(kept, columns, Weights::Blocks(weights), activations))
    }

    fn of(rows: usize, columns: usize, weights: Weights, activations: Activations) -> Self {
        Self {
            rows,
            columns,
            weights,
            activations,
            kernel: Kernel::detect(),
        }
    }

    /// Packs float32 weights: as they are, or in 8 bits with one scale a row, for activations with one scale a row.
    ///
    /// `row` gives the values of each row.
    pub fn from_f32_row_scales<'a>(
        rows: usize,
        columns: usize,
        activations: Activations,
        row: impl Fn(usize) -> &'a [f32] + Sync,
    ) -> Self {
        let tiles = rows.div_ceil(TILE);
        let groups = columns.div_ceil(4);
        let weights = match activations {
            Activations::F32 => {
                let mut floats = Pages::<Column>::zeroed(tiles * columns);
                floats.par_chunks_mut(columns).enumerate().for_each(|(tile, to)| {
                    for lane in 0..TILE.min(rows - tile * TILE) {
                        for (column, value) in to.iter_mut().zip(row(tile * TILE + lane)) {
                            column.0[lane] = *value;
                        }
                    }
                });
                Weights::Floats(floats)
            }
            Activations::Int8 => {
                let mut lanes = Pages::<Lane>::zeroed(tiles * groups);
                let mut scales = Pages::<Column>::zeroed(tiles);
                lanes
                    .par_chunks_mut(groups)
                    .zip(&mut *scales)
                    .enumerate()
                    .for_each_init(Vec::new, |values, (tile, (lanes, scales))| {
                        values.resize(groups * 4, 0i8);
                        lanes.fill(Lane([128; 4 * TILE]));
                        for lane in 0..TILE.min(rows - tile * TILE) {
                            scales.0[lane] = round_row(row(tile * TILE + lane), values);
                            for (group, four) in lanes.iter_mut().zip(values.as_chunks::<4>().0) {
                                for (j, value) in four.iter().enumerate() {
                                    group.0[lane * 4 + j] = (*value as u8) ^ 0x80;
                                }
                            }
                        }
                    });
                Weights::Rows {
                    lanes: lanes.into(),
                    scales: scales.into(),
                }
            }
        };
        Self::of(rows, columns, weights, activations)
    }

    /// Packs float32 weights `(rows, columns)`: as they are, or in 8 bits with one scale for each 32 columns (GGUF's Q8_0),
    /// whose activations are rounded by blocks too, as large decoder-only models need; one scale a row where the columns
    /// do not divide.
    pub fn from_f32_block_scales(
        rows: usize,
        columns: usize,
        activations: Activations,
        values: &[f32],
    ) -> Result<Self> {
        let row = |row: usize| &values[row * columns..][..columns];
        if activations == Activations::F32 || !columns.is_multiple_of(BLOCK) {
            return Ok(Self::from_f32_row_scales(rows, columns, activations, row));
        }
        let blocks = Blocks::new(Form::EIGHT, rows, columns, |at, to| {
            to.round(row(at));
            Ok(())
        })?;
        Ok(Self::of(rows, columns, Weights::Blocks(blocks), activations))
    }

    /// Counts the bytes of an 8-bit matrix with row scales as [`Matrix::int8_bytes`] gives them; none where they overflow.
    pub(in crate::model) fn int8_len(rows: usize, columns: usize) -> Option<usize> {
        rows.div_ceil(TILE)
            .checked_mul(columns.div_ceil(4).checked_add(1)?)?
            .checked_mul(size_of::<Lane>())
    }

    /// Gives the bytes of an 8-bit matrix with row scales, weights and then scales, for [`Matrix::from_int8_map`]; nothing of
    /// another kind of matrix.
    pub(in crate::model) fn int8_bytes(&self) -> [&[u8]; 2] {
        match &self.weights {
            Weights::Rows { lanes, scales } => [lanes.bytes(), scales.bytes()],
            _ => [&[], &[]],
        }
    }

    /// Uses an 8-bit matrix with row scales from a memory map, in which [`Matrix::int8_bytes`] were written from byte `start`
    /// on; none where they do not lie within the map, at a multiple of 64 bytes.
    pub(in crate::model) fn from_int8_map(map: &Arc<Mmap>, start: usize, rows: usize, columns: usize) -> Option<Self> {
        let (tiles, groups) = (rows.div_ceil(TILE), columns.div_ceil(4));
        let lanes: Buffer<Lane> = Buffer::mapped(map, start, tiles.checked_mul(groups)?)?;
        let scales: Buffer<Column> = Buffer::mapped(map, start + lanes.bytes().len(), tiles)?;
        let weights = Weights::Rows { lanes, scales };
        Some(Self::of(rows, columns, weights, Activations::Int8))
    }

    /// The matrix of the chosen rows, or all of it.
    pub fn keep_rows(self, chosen: Option<&[u32]>) -> Self {
        match chosen {
            Some(chosen) => self.select_rows(chosen),
            None => self,
        }
    }

    /// The matrix of these rows alone.
    pub fn select_rows(&self, rows: &[u32]) -> Self {
        let tiles = rows.len().div_ceil(TILE);
        let places = || rows.iter().map(|row| *row as usize).enumerate();
        let columns = |from: &[Column], step: usize| {
            let mut to = Pages::<Column>::zeroed(tiles * step);
            for (new, old) in places() {
                let from = &from[old / TILE * step..][..step];
                for (to, from) in to[new / TILE * step..].iter_mut().zip(from) {
                    to.0[new % TILE] = from.0[old % TILE];
                }
            }
            to
        };
        let weights = match &self.weights {
            Weights::Floats(floats) => Weights::Floats(columns(floats, self.columns)),
            Weights::Blocks(blocks) => Weights::Blocks(blocks.select_rows(rows)),
            Weights::Rows { lanes, scales } => {
                let groups = self.columns.div_ceil(4);
                let mut to = Pages::<Lane>::zeroed(tiles * groups);
                to.fill(Lane([128; 4 * TILE]));
                for (new, old) in places() {
                    let from = &lanes[old / TILE * groups..][..groups];
                    for (to, from) in to[new / TILE * groups..].iter_mut().zip(from) {
                        to.0[new % TILE * 4..][..4].copy_from_slice(&from.0[old % TILE * 4..][..4]);
                    }
                }
                Weights::Rows {
                    lanes: to.into(),
                    scales: columns(scales, 1).into(),
                }
            }
        };
        Self {
            rows: rows.len(),
            columns: self.columns,
            weights,
            activations: self.activations,
            kernel: self.kernel,
        }
    }

    /// One row in float32, times `scale`.
    pub fn dequantize_row(&self, row: usize, scale: f32, out: &mut Vec<f32>) {
        let (tile, lane) = (row / TILE, row % TILE);
        match &self.weights {
            Weights::Floats(floats) => {
                let columns = &floats[tile * self.columns..][..self.columns];
                out.extend(columns.iter().map(|column| column.0[lane] * scale));
            }
            Weights::Blocks(blocks) => blocks.dequantize_row(row, scale, out),
            Weights::Rows { lanes, scales } => {
                let groups = self.columns.div_ceil(4);
                let d = scales[tile].0[lane];
                let weights = lanes[tile * groups..][..groups]
                    .iter()
                    .flat_map(|four| &four.0[lane * 4..][..4])
                    .map(|q| d * (i32::from(*q) - 128) as f32 * scale);
                // Lanes hold four columns each, the last perhaps fewer.
                out.extend(weights.take(self.columns));
            }
        }
    }

    /// The weights of a tile in float32, `(columns, 16)`.
    fn tile_floats(&self, tile: usize) -> Vec<Column> {
        let mut out = vec![Column([0.0; TILE]); self.columns];
        let mut row = Vec::with_capacity(self.columns);
        for lane in 0..TILE.min(self.rows - tile * TILE) {
            row.clear();
            self.dequantize_row(tile * TILE + lane, 1.0, &mut row);
            for (column, value) in out.iter_mut().zip(&row) {
                column.0[lane] = *value;
            }
        }
        out
    }

    /// `activations` `(m, columns)` times this matrix transposed: `(m, rows)`.
    pub fn matmul(&self, activations: &[f32]) -> Vec<f32> {
        self.matmul_bias(activations, None)
    }

    /// The product, with `bias` of `rows` values added to each row.
    pub fn matmul_bias(&self, activations: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let [out] = Self::matmul_many([(self, bias)], activations);
        out
    }

    /// The products with several matrices of as many columns; those in blocks share the work.
    pub fn matmul_many<const N: usize>(matrices: [(&Self, Option<&[f32]>); N], activations: &[f32]) -> [Vec<f32>; N] {
        let columns = matrices.first().map_or(1, |(first, _)| first.columns);
        assert!(
            matrices.iter().all(|(matrix, _)| matrix.columns == columns),
            "matrices that are multiplied together have as many columns"
        );
        let m = activations.len() / columns;
        assert_eq!(activations.len(), m * columns, "activations are whole rows");
        let mut out = [(); N].map(|()| Vec::new());
        let (mut kernel, mut blocks) = (Kernel::Portable, Vec::with_capacity(N));
        for ((matrix, bias), out) in matrices.into_iter().zip(&mut out) {
            let writer = Writer {
                output: SharedOutput::at_end(out, m * matrix.rows),
                rows: matrix.rows,
                bias,
            };
            match (&matrix.weights, matrix.activations) {
                (Weights::Rows { lanes, scales }, Activations::Int8) => {
                    matrix.row_product(lanes, scales, activations, m, &writer);
                }
                (Weights::Blocks(weights), Activations::Int8) => {
                    kernel = matrix.kernel;
                    blocks.push((weights, writer));
                }
                _ => matrix.float_product(activations, m, &writer),
            }
        }
        quantized::products(kernel, activations, &blocks);
        for (out, (matrix, _)) in out.iter_mut().zip(matrices) {
            // SAFETY: each kind of product writes every tile of every row.
            unsafe { out.set_len(m * matrix.rows) };
        }
        out
    }

    fn float_product(&self, activations: &[f32], m: usize, writer: &Writer) {
        let (grouped, _) = Grouped::new(m, self.columns, |row, to| {
            for (to, value) in to.zip(&activations[row * self.columns..]) {
                *to = *value;
            }
        });
        let tiles = self.rows.div_ceil(TILE);
        parallel_ranges(tiles.div_ceil(PAIR), m * self.rows * self.columns / 8, |pairs| {
            for first in pairs.map(|pair| pair * PAIR) {
                let last = tiles.min(first + PAIR);
                let unpacked: Vec<Vec<Column>> = match self.weights {
                    Weights::Floats(_) => Vec::new(),
                    _ => (first..last).map(|tile| self.tile_floats(tile)).collect(),
                };
                let weights = |tile: usize| match &self.weights {
                    Weights::Floats(floats) => &floats[tile * self.columns..][..self.columns],
                    _ => &unpacked[tile - first],
                };
                let pair = [weights(first), weights(last - 1)];
                let mut sums = [[Column([0.0; TILE]); PAIR]; gemm::GROUP];
                for (row, count, values) in grouped.groups() {
                    gemm::floats(self.kernel, &pair[..last - first], count, values, &mut sums);
                    for (i, sums) in sums[..count].iter().enumerate() {
                        for (tile, sum) in (first..last).zip(sums) {
                            // SAFETY: ranges of tiles are disjoint.
                            unsafe { writer.write(row + i, tile, sum) };
                        }
                    }
                }
            }
        });
    }

    fn row_product(&self, lanes: &[Lane], scales: &[Column], activations: &[f32], m: usize, writer: &Writer) {
        let groups = self.columns.div_ceil(4);
        let rows = IntegerRows::new(self.kernel, activations, self.columns);
        let tiles = self.rows.div_ceil(TILE);
        parallel_ranges(tiles.div_ceil(PAIR), m * self.rows * self.columns / 32, |pairs| {
            for first in pairs.map(|pair| pair * PAIR) {
                let last = tiles.min(first + PAIR);
                let tile = |tile: usize| IntegerTile {
                    lanes: &lanes[tile * groups..][..groups],
                    scales: &scales[tile],
                };
                let pair = [tile(first), tile(last - 1)];
                rows.products(&pair[..last - first], |row, tile, sum| {
                    // SAFETY: ranges of tiles are disjoint.
                    unsafe { writer.write(row, first + tile, sum) }
                });
            }
        });
    }
}

/// Where a product goes: `(m, rows)`.
pub(in crate::model) struct Writer<'a> {
    output: SharedOutput<'a>,
    rows: usize,
    bias: Option<&'a [f32]>,
}

impl Writer<'_> {
    /// Writes the sums of one row of activations with one tile, with the bias added.
    ///
    /// # Safety
    /// No other thread writes the same row and tile at the same time.
    ///
    /// # Panics
    /// When the matrix has no such tile or the output no such row.
    pub unsafe fn write(&self, row: usize, tile: usize, sum: &Column) {
        let first = tile * TILE;
        let width = TILE.min(self.rows - first);
        let mut values = sum.0;
        if let Some(bias) = self.bias {
            for (value, bias) in values.iter_mut().zip(&bias[first..][..width]) {
                *value += bias;
            }
        }
        let at = row * self.rows + first;
        // SAFETY: rows and tiles are columns and rows of the output that do not overlap, and the caller keeps threads to their
        // own. Whole tiles are told apart lest both copies become calls for any length.
        unsafe {
            if width == TILE {
                self.output.write(at, &values);
            } else {
                self.output.write(at, &values[..width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::QTensor;
    use candle_core::{Device, Tensor};

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
            let packed = Matrix::from_gguf(
                RawTensor {
                    dtype,
                    rows,
                    columns,
                    bytes: &bytes,
                },
                None,
                Activations::Int8,
            )
            .unwrap();
            let exact = !matches!(dtype, GgmlDType::F16 | GgmlDType::F32);
            for row in 0..rows {
                let mut out = Vec::new();
                packed.dequantize_row(row, 1.0, &mut out);
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
            // More columns than are unpacked at a time.
            let (rows, columns, m) = (50, 1280, 19);
            let (tensor, floats) = quantized(dtype, rows, columns);
            let bytes = tensor.data().unwrap();
            let mut packed = Matrix::from_gguf(
                RawTensor {
                    dtype,
                    rows,
                    columns,
                    bytes: &bytes,
                },
                None,
                Activations::Int8,
            )
            .unwrap();
            let x = noise(m * columns, 3);
            let all = packed.matmul(&x);
            for i in 0..m {
                let single = packed.matmul(&x[i * columns..][..columns]);
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
                        (got - expected).abs() < 0.1,
                        "{dtype:?} ({i}, {row}): {got} for {expected}"
                    );
                }
            }
            let biased = Matrix::matmul_many([(&packed, None), (&packed, Some(&x[..rows]))], &x);
            assert_eq!(biased[0], all, "{dtype:?}: beside another");
            assert_eq!(biased[1], packed.matmul_bias(&x, Some(&x[..rows])), "{dtype:?}");
            let picked = [49, 0, 17, 16, 3];
            let some = packed.select_rows(&picked).matmul(&x);
            for (some, all) in some.chunks_exact(picked.len()).zip(all.chunks_exact(rows)) {
                assert_eq!(some, picked.map(|row| all[row as usize]), "{dtype:?}: selected");
            }
            let float = RawTensor {
                dtype,
                rows,
                columns,
                bytes: &bytes,
            };
            let float = Matrix::from_gguf(float, None, Activations::F32).unwrap();
            let exact = float.matmul(&x);
            for i in 0..m {
                assert_eq!(
                    float.matmul(&x[i * columns..][..columns]),
                    exact[i * rows..][..rows],
                    "{dtype:?}: row {i}"
                );
                for row in 0..rows {
                    let terms = x[i * columns..][..columns].iter().zip(&floats[row * columns..]);
                    let expected: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    assert!(
                        (f64::from(exact[i * rows + row]) - expected).abs() < 5e-5,
                        "{dtype:?} ({i}, {row})"
                    );
                }
            }
            packed.kernel = Kernel::Portable;
            let portable = packed.matmul(&x);
            for kernel in Kernel::available() {
                packed.kernel = kernel;
                assert_eq!(packed.matmul(&x), portable, "{dtype:?}: {kernel:?}");
                let alone = &x[..columns];
                assert_eq!(packed.matmul(alone), portable[..rows], "{dtype:?}: {kernel:?}");
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
                Matrix::from_f32_row_scales(rows, columns, activations, |row| &weights[row * columns..][..columns])
            };
            let picked: Vec<u32> = (0..rows as u32).filter(|row| row % 3 != 1).collect();
            for (activations, allowed) in [(Activations::F32, 1e-5), (Activations::Int8, 0.02)] {
                let mut packed = pack(activations);
                let all = packed.matmul_bias(&x, Some(&bias));
                let some = packed.select_rows(&picked).matmul(&x);
                for i in 0..m {
                    let x = &x[i * columns..][..columns];
                    let alone = packed.matmul_bias(x, Some(&bias));
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
                    let plain = packed.matmul(x);
                    for (row, got) in picked.iter().zip(&some[i * picked.len()..]) {
                        assert_eq!(*got, plain[*row as usize], "{activations:?}");
                    }
                }
                let mut out = Vec::new();
                packed.dequantize_row(rows - 1, 2.0, &mut out);
                assert_eq!(out.len(), columns);
                for (got, weight) in out.iter().zip(&weights[(rows - 1) * columns..]) {
                    assert!((got - 2.0 * weight).abs() < 0.01);
                }
                for kernel in Kernel::available() {
                    packed.kernel = kernel;
                    for (got, expected) in packed.matmul_bias(&x, Some(&bias)).iter().zip(&all) {
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
        assert!(Matrix::from_gguf(raw(1, 32), None, Activations::Int8).is_ok());
        assert!(Matrix::from_gguf(raw(2, 32), None, Activations::F32).is_err());
        assert!(Matrix::from_gguf(raw(1, 40), None, Activations::Int8).is_err());
    }
}
