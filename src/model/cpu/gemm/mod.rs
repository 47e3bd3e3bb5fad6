//! Matrix products of packed activation rows with tiles of 16 weight rows, in float32 and in 8 bits.
//!
//! Each output value is summed over the columns in their order, independently of all others: it is bit-identical
//! whatever else is in the batch, and in 8 bits also whatever the instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod int8;
mod pack;
mod portable;

use super::simd::{InstructionSet, SimdLevel};
use super::tile::TileColumn;
pub(super) use int8::Int8ActivationRows;
use pack::GROUP;
pub(super) use pack::{GroupSums, Int8Tile, MAX_TILES_PER_PASS, PackedRows, RowGroup, ZERO_GROUP_SUMS};

/// Computes in float32 the products of a group of activation rows with one or two weight tiles of `(columns, 16)`, into
/// `sums[row][tile]`.
///
/// # Panics
/// If there are no tiles or more than two, or if tiles and activations have different numbers of columns.
pub(super) fn matmul_f32(
    instructions: InstructionSet,
    tiles: &[&[TileColumn]],
    group: RowGroup<f32>,
    sums: &mut GroupSums,
) {
    assert!((1..=MAX_TILES_PER_PASS).contains(&tiles.len()), "one or two tiles");
    assert!((1..=GROUP).contains(&group.rows), "rows of one group");
    let fits = |tile: &&[TileColumn]| tile.len() * group.rows == group.values.len();
    assert!(tiles.iter().all(fits), "as many columns");
    match instructions.level() {
        // SAFETY: the machine has these instructions, as an `InstructionSet` is only made of what was detected; numbers
        // of tiles, rows and columns were asserted.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512Vnni => unsafe { avx512::matmul_f32(tiles, group.rows, group.values, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => unsafe { avx2::matmul_f32(tiles, group.rows, group.values, sums) },
        SimdLevel::Portable => portable::matmul_f32(tiles, group, sums),
    }
}
