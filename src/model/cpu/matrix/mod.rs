//! Weight matrices for the CPU, and their products with float32 activations.
//!
//! A matrix of `(rows, columns)` is packed in tiles of 16 rows: in float32, in 8 bits with one scale a row, or
//! quantised as in a GGUF file ([`super::quantized`]). The GGUF types Q4_0, Q5_0, Q8_0, Q4_K, Q5_K, Q6_K, IQ4_NL and IQ4_XS are kept
//! without loss, and others are rounded to 8 bits. Activations are rounded to 8 bits or stay float32 ([`ActivationPrecision`]).
//!
//! Each output depends on its own row of activations alone, summed in a fixed order: a product is the same bit for bit
//! whatever rows it is batched with. candle's own kernels differ between one row and many, quantise Q8_0's activations
//! by 256 columns, and keep the unpacked weights as well.

use super::gemm::{self, Int8ActivationRows, Int8Tile, MAX_TILES_PER_PASS, PackedRows, ZERO_GROUP_SUMS};
use super::ggml::{QuantType, dequantize_values};
use super::ggml_type::GgmlType;
use super::pages::{HugePageBuffer, ReadOnlyBuffer};
use super::parallel::{SharedOutput, for_each_range_in_parallel};
use super::quantized::{self, COLUMNS_PER_BLOCK, QuantizedMatrix};
use super::simd::{InstructionSet, round_row_to_int8};
use super::tile::{ColumnQuad, TILE_ROWS, TileColumn, TileWriter};
use crate::model::weights::gguf::RawTensor;
use candle_core::quantized::GgmlDType;
use candle_core::{Result, bail};
use memmap2::Mmap;
use rayon::prelude::*;
use std::sync::Arc;

/// The precision that activations have when they are multiplied with a weight matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationPrecision {
    /// 8-bit integers: several times as fast as float32, with a rounding error of about a third of a percent in each
    /// activation.
    Int8,
    /// Float32 without rounding: the reference that 8 bits are compared with.
    F32,
}

/// A weight matrix of `(rows, columns)`, packed for the vector instructions of this machine.
pub struct Matrix {
    pub(in crate::model) rows: usize,
    pub(in crate::model) columns: usize,
    weights: PackedWeights,
    activations: ActivationPrecision,
    instructions: InstructionSet,
}

enum PackedWeights {
    /// Weights in 8 bits with one scale for each matrix row, for activations that have one scale for each row, too.
    Int8 {
        /// The weights plus 128 as unsigned bytes, `(rows / 16, columns / 4)`.
        lanes: ReadOnlyBuffer<ColumnQuad>,
        /// The scale of each matrix row, 16 in a [`TileColumn`]: `(rows / 16)`.
        scales: ReadOnlyBuffer<TileColumn>,
    },
    /// Weights in the bits of a GGUF type, for activations that have a scale for each 32 columns.
    Quantized(QuantizedMatrix),
    /// Weights in float32, 16 rows in a [`TileColumn`]: `(rows / 16, columns)`.
    F32(HugePageBuffer<TileColumn>),
}

impl Matrix {
    /// Packs a tensor of a GGUF file, or only its `chosen` rows, in the order given.
    ///
    /// # Errors
    /// If a row does not divide into blocks of its type or of 32 columns, or if the number of bytes is not that of all
    /// rows.
    pub fn from_gguf(tensor: RawTensor, chosen: Option<&[u32]>, activations: ActivationPrecision) -> Result<Self> {
        let RawTensor {
            dtype,
            rows,
            columns,
            bytes,
        } = tensor;
        let from_f32 = || -> Result<Self> {
            let values = dequantize_values(dtype, bytes, rows * columns)?;
            let all = Self::from_f32_block_scales(rows, columns, activations, &values)?;
            Ok(all.keep_rows(chosen))
        };
        let row_bytes = columns / dtype.block_size() * dtype.type_size();
        let is_float = matches!(
            dtype,
            GgmlType::Candle(GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16)
        );
        if is_float && bytes.len() == rows * row_bytes {
            return from_f32();
        }
        for block in [COLUMNS_PER_BLOCK, dtype.block_size()] {
            if columns == 0 || !columns.is_multiple_of(block) {
                bail!("rows of {columns} values do not divide into blocks of {block}");
            }
        }
        if bytes.len() != rows * row_bytes {
            bail!("{} bytes for {rows} rows of {row_bytes}", bytes.len());
        }
        let quant = match (QuantType::from_ggml(dtype), activations) {
            (Some(quant), _) => quant,
            (None, ActivationPrecision::Int8) => QuantType::Q8_0,
            (None, ActivationPrecision::F32) => return from_f32(),
        };
        let kept = chosen.map_or(rows, <[u32]>::len);
        let weights = QuantizedMatrix::new(quant, kept, columns, |at, to| {
            let row = chosen.map_or(at, |chosen| chosen[at] as usize);
            to.decode_row(dtype, &bytes[row * row_bytes..][..row_bytes])
        })?;
        Ok(Self::new(kept, columns, PackedWeights::Quantized(weights), activations))
    }

    fn new(rows: usize, columns: usize, weights: PackedWeights, activations: ActivationPrecision) -> Self {
        Self {
            rows,
            columns,
            weights,
            activations,
            instructions: InstructionSet::detect_fastest(),
        }
    }

    /// Packs float32 weights: as float32, or in 8 bits with one scale for each matrix row. In 8 bits each row of
    /// activations is rounded with one scale, too.
    ///
    /// `row` returns the `columns` values of the matrix row with the given index.
    pub fn from_f32_row_scales<'a>(
        rows: usize,
        columns: usize,
        activations: ActivationPrecision,
        row: impl Fn(usize) -> &'a [f32] + Sync,
    ) -> Self {
        let weights = match activations {
            ActivationPrecision::F32 => pack_f32_weights(rows, columns, row),
            ActivationPrecision::Int8 => pack_int8_weights(rows, columns, row),
        };
        Self::new(rows, columns, weights, activations)
    }

    /// Packs weights that are 8-bit integers, with one scale for each matrix row, without rounding them again.
    ///
    /// `row` returns the matrix row with the given index: its `columns` integers, and the factor that makes weights of
    /// them.
    pub fn from_int8_row_scales<'a>(
        rows: usize,
        columns: usize,
        activations: ActivationPrecision,
        row: impl Fn(usize) -> (&'a [u8], f32) + Sync,
    ) -> Self {
        let weights = pack_int8_rows(rows, columns, |at, values| {
            let (bytes, scale) = row(at);
            for (value, byte) in values.iter_mut().zip(bytes) {
                *value = *byte as i8;
            }
            scale
        });
        Self::new(rows, columns, weights, activations)
    }

    /// Packs float32 weights, `(rows, columns)`: as float32, or in 8 bits with one scale for each 32 columns (GGUF's
    /// Q8_0).
    ///
    /// In 8 bits, activations are rounded with a scale for each 32 columns, too, as large decoder-only models need.
    /// Where 32 does not divide `columns`, each row has one scale instead.
    ///
    /// # Errors
    /// None today: rounding does not fail.
    pub fn from_f32_block_scales(
        rows: usize,
        columns: usize,
        activations: ActivationPrecision,
        values: &[f32],
    ) -> Result<Self> {
        let row = |row: usize| &values[row * columns..][..columns];
        if activations == ActivationPrecision::F32 || !columns.is_multiple_of(COLUMNS_PER_BLOCK) {
            return Ok(Self::from_f32_row_scales(rows, columns, activations, row));
        }
        let weights = QuantizedMatrix::new(QuantType::Q8_0, rows, columns, |at, to| {
            to.round_to_q8_0(row(at));
            Ok(())
        })?;
        Ok(Self::new(rows, columns, PackedWeights::Quantized(weights), activations))
    }

    /// Computes the number of bytes that [`Matrix::int8_file_bytes`] has for an 8-bit matrix with row scales; `None` if it
    /// overflows.
    pub(in crate::model) fn int8_byte_count(rows: usize, columns: usize) -> Option<usize> {
        rows.div_ceil(TILE_ROWS)
            .checked_mul(columns.div_ceil(4).checked_add(1)?)?
            .checked_mul(size_of::<ColumnQuad>())
    }

    /// Gives the bytes of an 8-bit matrix with row scales, to be written to a file that [`Matrix::from_int8_map`] maps:
    /// first the weights, then the scales. Both are empty for another kind of matrix.
    pub(in crate::model) fn int8_file_bytes(&self) -> [&[u8]; 2] {
        match &self.weights {
            PackedWeights::Int8 { lanes, scales } => [lanes.as_bytes(), scales.as_bytes()],
            _ => [&[], &[]],
        }
    }

    /// Uses an 8-bit matrix with row scales from a memory-mapped file that has [`Matrix::int8_file_bytes`] from byte `start`
    /// on; `None` if they do not lie within the map or are not aligned to 64 bytes.
    pub(in crate::model) fn from_int8_map(map: &Arc<Mmap>, start: usize, rows: usize, columns: usize) -> Option<Self> {
        let (tiles, groups) = (rows.div_ceil(TILE_ROWS), columns.div_ceil(4));
        let lanes: ReadOnlyBuffer<ColumnQuad> =
            ReadOnlyBuffer::from_mapped_file(map, start, tiles.checked_mul(groups)?)?;
        let scales: ReadOnlyBuffer<TileColumn> =
            ReadOnlyBuffer::from_mapped_file(map, start + lanes.as_bytes().len(), tiles)?;
        let weights = PackedWeights::Int8 { lanes, scales };
        Some(Self::new(rows, columns, weights, ActivationPrecision::Int8))
    }

    /// Reduces the matrix to the chosen rows, in the order given; `None` keeps it as it is.
    pub fn keep_rows(self, chosen: Option<&[u32]>) -> Self {
        match chosen {
            Some(chosen) => self.select_rows(chosen),
            None => self,
        }
    }

    /// Copies the given rows to a new matrix, in the order given.
    pub fn select_rows(&self, rows: &[u32]) -> Self {
        let tiles = rows.len().div_ceil(TILE_ROWS);
        let places = || rows.iter().map(|row| *row as usize).enumerate();
        let select_columns = |from: &[TileColumn], step: usize| {
            let mut to = HugePageBuffer::<TileColumn>::new_zeroed(tiles * step);
            for (new, old) in places() {
                let from = &from[old / TILE_ROWS * step..][..step];
                for (to, from) in to[new / TILE_ROWS * step..].iter_mut().zip(from) {
                    to.0[new % TILE_ROWS] = from.0[old % TILE_ROWS];
                }
            }
            to
        };
        let weights = match &self.weights {
            PackedWeights::F32(columns) => PackedWeights::F32(select_columns(columns, self.columns)),
            PackedWeights::Quantized(matrix) => PackedWeights::Quantized(matrix.select_rows(rows)),
            PackedWeights::Int8 { lanes, scales } => {
                let groups = self.columns.div_ceil(4);
                let mut to = HugePageBuffer::<ColumnQuad>::new_zeroed(tiles * groups);
                to.fill(ZERO_INT8_WEIGHTS);
                for (new, old) in places() {
                    let from = &lanes[old / TILE_ROWS * groups..][..groups];
                    for (to, from) in to[new / TILE_ROWS * groups..].iter_mut().zip(from) {
                        to.0[new % TILE_ROWS * 4..][..4].copy_from_slice(&from.0[old % TILE_ROWS * 4..][..4]);
                    }
                }
                PackedWeights::Int8 {
                    lanes: to.into(),
                    scales: select_columns(scales, 1).into(),
                }
            }
        };
        Self {
            rows: rows.len(),
            columns: self.columns,
            weights,
            activations: self.activations,
            instructions: self.instructions,
        }
    }

    /// Appends one matrix row to `out` in float32, multiplied by `scale`.
    pub fn dequantize_row(&self, row: usize, scale: f32, out: &mut Vec<f32>) {
        let (tile, at) = (row / TILE_ROWS, row % TILE_ROWS);
        match &self.weights {
            PackedWeights::F32(columns) => {
                let columns = &columns[tile * self.columns..][..self.columns];
                out.extend(columns.iter().map(|column| column.0[at] * scale));
            }
            PackedWeights::Quantized(matrix) => matrix.dequantize_row(row, scale, out),
            PackedWeights::Int8 { lanes, scales } => {
                let groups = self.columns.div_ceil(4);
                let d = scales[tile].0[at];
                let weights = lanes[tile * groups..][..groups]
                    .iter()
                    .flat_map(|four| &four.0[at * 4..][..4])
                    .map(|q| d * (i32::from(*q) - 128) as f32 * scale);
                // A lane holds four columns, the last perhaps fewer.
                out.extend(weights.take(self.columns));
            }
        }
    }

    /// Dequantises the 16 rows of a tile to float32: `(columns, 16)`.
    fn dequantize_tile(&self, tile: usize) -> Vec<TileColumn> {
        let mut out = vec![TileColumn::ZERO; self.columns];
        let mut row = Vec::with_capacity(self.columns);
        for at in 0..TILE_ROWS.min(self.rows - tile * TILE_ROWS) {
            row.clear();
            self.dequantize_row(tile * TILE_ROWS + at, 1.0, &mut row);
            for (column, value) in out.iter_mut().zip(&row) {
                column.0[at] = *value;
            }
        }
        out
    }

    /// Multiplies `activations`, `(m, columns)`, with this matrix transposed; returns `(m, rows)`.
    pub fn matmul(&self, activations: &[f32]) -> Vec<f32> {
        self.matmul_with_bias(activations, None)
    }

    /// Multiplies like [`Matrix::matmul`] and adds `bias`, of `rows` values, to each row of the result.
    pub fn matmul_with_bias(&self, activations: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let [out] = Self::matmul_many([(self, bias)], activations);
        out
    }

    /// Multiplies the same activations with several matrices, each with its bias if it has one. Quantised matrices
    /// share the rounding of the activations, and threads divide the work of all of them.
    ///
    /// # Panics
    /// If the matrices have different numbers of columns, if the activations are not whole rows, or if a bias does not
    /// have one value for each row of its matrix.
    pub fn matmul_many<const N: usize>(matrices: [(&Self, Option<&[f32]>); N], activations: &[f32]) -> [Vec<f32>; N] {
        let columns = matrices.first().map_or(1, |(first, _)| first.columns);
        assert!(
            matrices.iter().all(|(matrix, _)| matrix.columns == columns),
            "matrices that are multiplied together have as many columns"
        );
        let m = activations.len() / columns;
        assert_eq!(activations.len(), m * columns, "activations are whole rows");
        let mut out = [(); N].map(|()| Vec::new());
        let (mut instructions, mut quantized) = (None, Vec::with_capacity(N));
        for ((matrix, bias), out) in matrices.into_iter().zip(&mut out) {
            let output = SharedOutput::in_spare_capacity(out, m * matrix.rows);
            let writer = TileWriter::new(output, matrix.rows, bias);
            match (&matrix.weights, matrix.activations) {
                (PackedWeights::Int8 { lanes, scales }, ActivationPrecision::Int8) => {
                    matrix.matmul_int8(lanes, scales, activations, &writer);
                }
                (PackedWeights::Quantized(weights), ActivationPrecision::Int8) => {
                    instructions = Some(matrix.instructions);
                    quantized.push((weights, writer));
                }
                (PackedWeights::Int8 { .. } | PackedWeights::Quantized(_), ActivationPrecision::F32)
                | (PackedWeights::F32(_), _) => {
                    matrix.matmul_f32(activations, &writer);
                }
            }
        }
        if let Some(instructions) = instructions {
            quantized::matmul_many(instructions, activations, &quantized);
        }
        for (out, (matrix, _)) in out.iter_mut().zip(matrices) {
            // SAFETY: there is room for as many values, and each kind of product has written every tile of every row.
            unsafe { out.set_len(m * matrix.rows) };
        }
        out
    }

    /// Computes the product of float32 activations with this matrix and writes it to `writer`. Weights that are not
    /// float32 are dequantised a tile at a time.
    fn matmul_f32(&self, activations: &[f32], writer: &TileWriter) {
        let m = activations.len() / self.columns;
        let (packed, _) = PackedRows::new(m, self.columns, |row, to| {
            for (to, value) in to.zip(&activations[row * self.columns..]) {
                *to = *value;
            }
        });
        let tiles = self.rows.div_ceil(TILE_ROWS);
        for_each_range_in_parallel(
            tiles.div_ceil(MAX_TILES_PER_PASS),
            m * self.rows * self.columns / 8,
            |pairs| {
                for first in pairs.map(|pair| pair * MAX_TILES_PER_PASS) {
                    let last = tiles.min(first + MAX_TILES_PER_PASS);
                    let dequantized: Vec<Vec<TileColumn>> = match self.weights {
                        PackedWeights::F32(_) => Vec::new(),
                        _ => (first..last).map(|tile| self.dequantize_tile(tile)).collect(),
                    };
                    let weights = |tile: usize| match &self.weights {
                        PackedWeights::F32(columns) => &columns[tile * self.columns..][..self.columns],
                        _ => &dequantized[tile - first],
                    };
                    let pair = [weights(first), weights(last - 1)];
                    let mut sums = ZERO_GROUP_SUMS;
                    for group in packed.row_groups() {
                        gemm::matmul_f32(self.instructions, &pair[..last - first], group, &mut sums);
                        for (row, sums) in (group.first..).zip(&sums[..group.rows]) {
                            for (tile, sum) in (first..last).zip(sums) {
                                // SAFETY: each thread has tiles of its own.
                                unsafe { writer.write_tile_sums(row, tile, sum) };
                            }
                        }
                    }
                }
            },
        );
    }

    /// Computes the product of 8-bit weights with activations rounded to 8 bits, both with one scale for each row, and
    /// writes it to `writer`.
    fn matmul_int8(&self, lanes: &[ColumnQuad], scales: &[TileColumn], activations: &[f32], writer: &TileWriter) {
        let (m, groups) = (activations.len() / self.columns, self.columns.div_ceil(4));
        let rows = Int8ActivationRows::new(self.instructions, activations, self.columns);
        let tiles = self.rows.div_ceil(TILE_ROWS);
        for_each_range_in_parallel(
            tiles.div_ceil(MAX_TILES_PER_PASS),
            m * self.rows * self.columns / 32,
            |pairs| {
                for first in pairs.map(|pair| pair * MAX_TILES_PER_PASS) {
                    let last = tiles.min(first + MAX_TILES_PER_PASS);
                    let tile = |tile: usize| Int8Tile {
                        lanes: &lanes[tile * groups..][..groups],
                        scales: &scales[tile],
                    };
                    let pair = [tile(first), tile(last - 1)];
                    rows.multiply_tiles(&pair[..last - first], |row, tile, sum| {
                        // SAFETY: each thread has tiles of its own.
                        unsafe { writer.write_tile_sums(row, first + tile, sum) }
                    });
                }
            },
        );
    }
}

/// Packs float32 weights as float32 tiles of 16 rows; `row` returns the values of a matrix row.
fn pack_f32_weights<'a>(rows: usize, columns: usize, row: impl Fn(usize) -> &'a [f32] + Sync) -> PackedWeights {
    let mut packed = HugePageBuffer::<TileColumn>::new_zeroed(rows.div_ceil(TILE_ROWS) * columns);
    packed.par_chunks_mut(columns).enumerate().for_each(|(tile, to)| {
        for at in 0..TILE_ROWS.min(rows - tile * TILE_ROWS) {
            for (column, value) in to.iter_mut().zip(row(tile * TILE_ROWS + at)) {
                column.0[at] = *value;
            }
        }
    });
    PackedWeights::F32(packed)
}

/// Packs float32 weights in 8 bits with one scale for each row; `row` returns the values of a matrix row.
fn pack_int8_weights<'a>(rows: usize, columns: usize, row: impl Fn(usize) -> &'a [f32] + Sync) -> PackedWeights {
    pack_int8_rows(rows, columns, |at, values| round_row_to_int8(row(at), values))
}

/// Packs weights in 8 bits with one scale for each row; `fill` writes the integers of a matrix row and returns its
/// scale.
fn pack_int8_rows(rows: usize, columns: usize, fill: impl Fn(usize, &mut [i8]) -> f32 + Sync) -> PackedWeights {
    let (tiles, groups) = (rows.div_ceil(TILE_ROWS), columns.div_ceil(4));
    let mut lanes = HugePageBuffer::<ColumnQuad>::new_zeroed(tiles * groups);
    let mut scales = HugePageBuffer::<TileColumn>::new_zeroed(tiles);
    lanes
        .par_chunks_mut(groups)
        .zip(&mut *scales)
        .enumerate()
        .for_each_init(Vec::new, |values, (tile, (lanes, scales))| {
            values.resize(groups * 4, 0i8);
            lanes.fill(ZERO_INT8_WEIGHTS);
            for at in 0..TILE_ROWS.min(rows - tile * TILE_ROWS) {
                scales.0[at] = fill(tile * TILE_ROWS + at, values);
                for (lane, four) in lanes.iter_mut().zip(values.as_chunks::<4>().0) {
                    for (j, value) in four.iter().enumerate() {
                        lane.0[at * 4 + j] = (*value as u8) ^ 0x80;
                    }
                }
            }
        });
    PackedWeights::Int8 {
        lanes: lanes.into(),
        scales: scales.into(),
    }
}

/// Stored form of 8-bit weights that are zero: each byte is a weight plus 128.
const ZERO_INT8_WEIGHTS: ColumnQuad = ColumnQuad([128; 4 * TILE_ROWS]);

#[cfg(test)]
mod tests;
