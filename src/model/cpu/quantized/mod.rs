//! Matrices that keep the quantisation of their GGUF type, and their products with rounded activations on the CPU.
//!
//! For many rows of activations a tile of 16 weight rows is unpacked once, a stretch of columns at a time; for few rows
//! it is unpacked in registers. Each output depends on its own row of activations alone, summed in a fixed order: it is
//! bit-identical whatever else is in the batch and whatever the instruction set.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod layout;
mod portable;
mod unpack;

use crate::model::cpu::ggml::{QuantType, QuantizedRow};
use crate::model::cpu::pages::HugePageBuffer;
use crate::model::cpu::parallel::for_each_range_in_parallel;
use crate::model::cpu::simd::{InstructionSet, SimdLevel, prefetch_values};
use crate::model::cpu::tile::{ColumnQuad, TILE_ROWS, TileColumn, TileWriter};
use activations::{PreparedActivations, RoundedActivations};
use candle_core::{Error, Result};
pub(super) use layout::COLUMNS_PER_BLOCK;
use layout::{LANES_PER_BLOCK, PackedTile, TileLayout};
use rayon::prelude::*;
use unpack::{MAX_UNPACKED_BLOCKS, UnpackBuffer, UnpackedBlocks, unpack_block};

/// A quantised weight matrix, packed in tiles of 16 rows.
pub(super) struct QuantizedMatrix {
    layout: TileLayout,
    /// All packed tiles, [`TileLayout::tile_lane_count`] lanes each.
    tiles: HugePageBuffer<ColumnQuad>,
}

impl QuantizedMatrix {
    /// Packs a matrix of a quantised type; `read` decodes the row with the given index.
    ///
    /// # Errors
    /// Returns the first error of `read`.
    ///
    /// # Panics
    /// If the columns do not divide into whole blocks or super-blocks.
    pub fn new(
        quant: QuantType,
        rows: usize,
        columns: usize,
        read: impl Fn(usize, &mut QuantizedRow) -> Result<()> + Sync,
    ) -> Result<Self> {
        let layout = TileLayout::new(quant, columns);
        let mut tiles = HugePageBuffer::<ColumnQuad>::new_zeroed(rows.div_ceil(TILE_ROWS) * layout.tile_lane_count());
        tiles
            .par_chunks_exact_mut(layout.tile_lane_count())
            .enumerate()
            .try_for_each_init(
                || QuantizedRow::new(quant, columns),
                |row, (index, tile)| {
                    for at in 0..TILE_ROWS.min(rows - index * TILE_ROWS) {
                        read(index * TILE_ROWS + at, row)?;
                        layout.store_row(tile, at, row);
                    }
                    Ok::<_, Error>(())
                },
            )?;
        Ok(Self { layout, tiles })
    }

    /// Copies the given rows to a new matrix, in the order given.
    pub fn select_rows(&self, rows: &[u32]) -> Self {
        let tile_lanes = self.layout.tile_lane_count();
        let mut tiles = HugePageBuffer::<ColumnQuad>::new_zeroed(rows.len().div_ceil(TILE_ROWS) * tile_lanes);
        let chosen = tiles.par_chunks_exact_mut(tile_lanes).zip(rows.par_chunks(TILE_ROWS));
        chosen.for_each(|(tile, rows)| {
            let rows = rows.iter().map(|row| *row as usize);
            let rows: Vec<_> = rows
                .map(|row| (self.packed_tile(row / TILE_ROWS), row % TILE_ROWS))
                .collect();
            self.layout.copy_rows(tile, &rows);
        });
        Self {
            layout: self.layout,
            tiles,
        }
    }

    fn tile_count(&self) -> usize {
        self.tiles.len() / self.layout.tile_lane_count()
    }

    /// Gives the packed weights, scales and minima of a tile.
    fn packed_tile(&self, tile: usize) -> &[ColumnQuad] {
        &self.tiles[tile * self.layout.tile_lane_count()..][..self.layout.tile_lane_count()]
    }

    /// Appends one matrix row to `out` in float32, multiplied by `scale`.
    pub fn dequantize_row(&self, row: usize, scale: f32, out: &mut Vec<f32>) {
        let quant = self.layout.quant_type();
        let (bits, block_columns, offset) = (
            quant.bits_per_value(),
            quant.block_columns(),
            i16::from(quant.value_offset()),
        );
        let (tile, row) = (
            self.layout.split_tile(self.packed_tile(row / TILE_ROWS)),
            row % TILE_ROWS,
        );
        for (block, lanes) in tile.lanes.chunks_exact(bits).enumerate() {
            let four = |i: usize| lanes[i].0[row * 4..].first_chunk::<4>().expect("four bytes of 64");
            let mut values = [[0u8; 4]; LANES_PER_BLOCK];
            unpack_block(bits, four, |i, lane| values[i] = lane);
            for (i, values) in values.as_flattened().chunks_exact(block_columns).enumerate() {
                let place = block * COLUMNS_PER_BLOCK / block_columns + i;
                let d = tile.scales.value_at(place, block_columns, row);
                let min = tile
                    .minima
                    .as_ref()
                    .map_or(0.0, |minima| minima.value_at(place, block_columns, row));
                let weight = |q: &u8| (d * f32::from(i16::from(*q) - offset) - min) * scale;
                out.extend(values.iter().map(weight));
            }
        }
    }
}

/// Multiplies `activations`, `(m, columns)`, with the transpose of each matrix, and writes every value of the products
/// to the matrix's writer.
///
/// # Panics
/// If the matrices have different numbers of columns, or if the activations are not whole rows.
pub(super) fn matmul_many(
    instructions: InstructionSet,
    activations: &[f32],
    matrices: &[(&QuantizedMatrix, TileWriter)],
) {
    let Some((first, _)) = matrices.first() else { return };
    let columns = first.layout.column_count();
    let m = activations.len() / columns;
    assert_eq!(activations.len(), m * columns, "activations are whole rows");
    assert!(
        matrices
            .iter()
            .all(|(matrix, _)| matrix.layout.column_count() == columns),
        "matrices that are multiplied together have as many columns"
    );
    let rounded = RoundedActivations::new(activations, columns);
    let operands: Vec<PreparedActivations> = matrices
        .iter()
        .map(|(matrix, _)| rounded.prepare_for_type(matrix.layout.quant_type()))
        .collect();
    let tiles: Vec<(usize, usize)> = matrices
        .iter()
        .enumerate()
        .flat_map(|(index, (matrix, _))| (0..matrix.tile_count()).map(move |tile| (index, tile)))
        .collect();
    // The cost of 7 more rows stands for reading the weights, which takes most of the time if there are few rows.
    let operations = (m + 7) * tiles.len() * TILE_ROWS * columns / 32;
    for_each_range_in_parallel(tiles.len(), operations, |range| {
        let mut stretch = UnpackBuffer::new();
        let mut sums = vec![TileColumn::ZERO; m];
        for number in range {
            let (index, tile) = tiles[number];
            let (matrix, writer) = &matrices[index];
            let quant = matrix.layout.quant_type();
            let packed = matrix.layout.split_tile(matrix.packed_tile(tile));
            let next = tiles.get(number + 1);
            let mut next = next.map_or(&[][..], |(index, tile)| matrices[*index].0.packed_tile(*tile));
            sums.fill(TileColumn::ZERO);
            if !multiply_packed(instructions, quant, &packed, &operands[index], &mut sums) {
                for first in (0..columns / COLUMNS_PER_BLOCK).step_by(MAX_UNPACKED_BLOCKS) {
                    let count = MAX_UNPACKED_BLOCKS.min(columns / COLUMNS_PER_BLOCK - first);
                    let view = stretch.unpack_tile_blocks(packed, quant, first, count);
                    let share = matrix.layout.tile_lane_count() * count * COLUMNS_PER_BLOCK / columns;
                    let (soon, later) = next.split_at(next.len().min(share));
                    prefetch_values(soon);
                    next = later;
                    multiply_unpacked(instructions, &view, &operands[index], &mut sums);
                }
            }
            for (row, sum) in sums.iter().enumerate() {
                // SAFETY: each thread has tiles of its own.
                unsafe { writer.write_tile_sums(row, tile, sum) };
            }
        }
    });
}

/// Computes the products of a packed tile with few rows of activations, one for each of `sums`. Returns false, with
/// nothing computed, if this instruction set has no kernel for the type or for so many rows.
fn multiply_packed(
    instructions: InstructionSet,
    quant: QuantType,
    tile: &PackedTile,
    operand: &PreparedActivations,
    sums: &mut [TileColumn],
) -> bool {
    match (instructions.level(), sums.len()) {
        // SAFETY: the machine has these instructions, as an `InstructionSet` is only made of what was detected. The
        // tile and the operand are of this type, whose bits and kind are the kernel's parameters, and of as many
        // columns.
        #[cfg(target_arch = "x86_64")]
        (SimdLevel::Avx512Vnni, 1..=avx512::MAX_ROWS_PER_PASS) => unsafe {
            match quant {
                QuantType::Q4_0 => avx512::multiply_packed_rows::<4, false>(tile, operand, sums),
                QuantType::Q4K => avx512::multiply_packed_rows::<4, true>(tile, operand, sums),
                QuantType::Q5_0 => avx512::multiply_packed_rows::<5, false>(tile, operand, sums),
                QuantType::Q5K => avx512::multiply_packed_rows::<5, true>(tile, operand, sums),
                QuantType::Q6K => avx512::multiply_packed_rows::<6, true>(tile, operand, sums),
                QuantType::Q8_0 => avx512::multiply_packed_rows::<8, false>(tile, operand, sums),
                QuantType::Q8K => avx512::multiply_packed_rows::<8, true>(tile, operand, sums),
            }
        },
        // SAFETY: as above, and F16C was just detected.
        #[cfg(target_arch = "x86_64")]
        (SimdLevel::Avx2, 1) if is_x86_feature_detected!("f16c") => unsafe {
            match quant {
                QuantType::Q4_0 => avx2::multiply_packed_row::<4, false>(tile, operand, &mut sums[0]),
                QuantType::Q4K => avx2::multiply_packed_row::<4, true>(tile, operand, &mut sums[0]),
                QuantType::Q5_0 => avx2::multiply_packed_row::<5, false>(tile, operand, &mut sums[0]),
                QuantType::Q5K => avx2::multiply_packed_row::<5, true>(tile, operand, &mut sums[0]),
                QuantType::Q6K => avx2::multiply_packed_row::<6, true>(tile, operand, &mut sums[0]),
                QuantType::Q8_0 | QuantType::Q8K => return false,
            }
        },
        _ => return false,
    }
    true
}

/// Adds to `sums` the products of an unpacked stretch of a tile with one row of activations for each sum.
fn multiply_unpacked(
    instructions: InstructionSet,
    view: &UnpackedBlocks,
    operand: &PreparedActivations,
    sums: &mut [TileColumn],
) {
    match instructions.level() {
        // SAFETY: the machine has these instructions, as an `InstructionSet` is only made of what was detected. The
        // view and the operand are of this type, whose lanes for a scale are the kernel's parameter, and the view lies
        // within the columns.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512Vnni => unsafe {
            match view.quant {
                QuantType::Q6K => avx512::multiply_unpacked_rows::<4>(view, operand, sums),
                QuantType::Q4_0
                | QuantType::Q5_0
                | QuantType::Q8_0
                | QuantType::Q8K
                | QuantType::Q4K
                | QuantType::Q5K => {
                    avx512::multiply_unpacked_rows::<8>(view, operand, sums);
                }
            }
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => unsafe {
            match view.quant {
                QuantType::Q4_0 | QuantType::Q4K => avx2::multiply_unpacked_rows::<8, 8>(view, operand, sums),
                QuantType::Q5_0 | QuantType::Q5K => avx2::multiply_unpacked_rows::<4, 8>(view, operand, sums),
                QuantType::Q6K => avx2::multiply_unpacked_rows::<2, 4>(view, operand, sums),
                QuantType::Q8_0 | QuantType::Q8K => avx2::multiply_unpacked_rows::<1, 8>(view, operand, sums),
            }
        },
        SimdLevel::Portable => {
            for (row, sum) in sums.iter_mut().enumerate() {
                portable::multiply_unpacked_row(view, operand, row, sum);
            }
        }
    }
}
