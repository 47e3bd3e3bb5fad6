//! Micro-kernels of matrix products without special instructions, for any machine.

use super::pack::{ActivationRowScales, GroupSums, Int8Tile, RowGroup};
use crate::model::cpu::tile::{ColumnQuad, TILE_ROWS, TileColumn};

/// Computes in float32 the products of a group of activation rows with weight tiles, into `sums[row][tile]`.
pub(super) fn matmul_f32(tiles: &[&[TileColumn]], group: RowGroup<f32>, sums: &mut GroupSums) {
    for (tile, weights) in tiles.iter().enumerate() {
        for (row, sums) in sums.iter_mut().take(group.rows).enumerate() {
            dot_tile_f32(weights, group.rows, &group.values[row..], &mut sums[tile]);
        }
    }
}

/// Computes the 16 products of a weight tile with one activation row, which is every `step`-th of `values`.
fn dot_tile_f32(weights: &[TileColumn], step: usize, values: &[f32], sums: &mut TileColumn) {
    *sums = TileColumn::ZERO;
    for (weights, x) in weights.iter().zip(values.iter().step_by(step)) {
        for (sum, weight) in sums.0.iter_mut().zip(weights.0) {
            // Fused, with one rounding, only where the machine has an instruction for it: a library call would be too
            // slow.
            *sum = if cfg!(target_arch = "aarch64") {
                weight.mul_add(*x, *sum)
            } else {
                weight * x + *sum
            };
        }
    }
}

/// Computes the products of a group of activation rows with weight tiles, both in 8 bits and multiplied by their
/// scales, into `sums[row][tile]`.
pub(super) fn matmul_int8(tiles: &[Int8Tile], rows: &ActivationRowScales, group: RowGroup<i32>, sums: &mut GroupSums) {
    for (index, tile) in tiles.iter().enumerate() {
        for (row, sums) in sums.iter_mut().take(group.rows).enumerate() {
            let mut totals = [rows.starts[row]; TILE_ROWS];
            dot_tile_int8(tile.lanes, group.rows, &group.values[row..], &mut totals);
            for ((sum, total), scale) in sums[index].0.iter_mut().zip(totals).zip(tile.scales.0) {
                *sum = total as f32 * (scale * rows.scales[row]);
            }
        }
    }
}

/// Adds to 16 sums the products of an 8-bit weight tile with one activation row, which is every `step`-th of `values`,
/// four columns in a value.
fn dot_tile_int8(lanes: &[ColumnQuad], step: usize, values: &[i32], sums: &mut [i32; TILE_ROWS]) {
    for (lane, four) in lanes.iter().zip(values.iter().step_by(step)) {
        let four = four.to_le_bytes().map(|byte| i32::from(byte as i8));
        for (sum, weights) in sums.iter_mut().zip(lane.0.as_chunks::<4>().0) {
            *sum += (0..4).map(|j| i32::from(weights[j]) * four[j]).sum::<i32>();
        }
    }
}
