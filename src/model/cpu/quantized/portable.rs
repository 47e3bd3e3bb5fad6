//! Products of quantised matrices without special instructions: the reference for the other kernels, which give the
//! same bits.

use super::activations::PreparedActivations;
use super::layout::COLUMNS_PER_BLOCK;
use super::unpack::UnpackedBlocks;
use crate::model::cpu::tile::{TILE_ROWS, TileColumn};

/// Adds to `sum` the products of an unpacked stretch of a tile with one row of activations.
pub(super) fn multiply_unpacked_row(
    view: &UnpackedBlocks,
    operand: &PreparedActivations,
    row: usize,
    sum: &mut TileColumn,
) {
    let row = operand.row_from_column(row, view.start);
    for (place, (lanes, weight_scales)) in view.lanes.chunks(view.lanes_per_scale).zip(view.scales).enumerate() {
        let column = place * view.lanes_per_scale * 4;
        let scale = row.scales[column / COLUMNS_PER_BLOCK];
        let mut dots = [row.starts[place]; TILE_ROWS];
        for (lane, x) in lanes.iter().zip(row.values[column..].as_chunks::<4>().0) {
            for (dot, w) in dots.iter_mut().zip(lane.0.as_chunks::<4>().0) {
                *dot += (0..4).map(|j| i32::from(w[j]) * i32::from(x[j])).sum::<i32>();
            }
        }
        for (sum, (weight_scale, dot)) in sum.0.iter_mut().zip(weight_scales.0.iter().zip(dots)) {
            *sum = (dot as f32).mul_add(weight_scale * scale, *sum);
        }
        if let Some(minima) = view.minima.get(place) {
            for (sum, min) in sum.0.iter_mut().zip(minima.0) {
                *sum = (-min).mul_add(row.scaled[place], *sum);
            }
        }
    }
}
