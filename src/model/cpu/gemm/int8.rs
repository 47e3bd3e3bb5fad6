//! Matrix products in 8 bits: activations are rounded with one scale for each row, and weights have one scale for each
//! matrix row.

use super::pack::{
    ActivationRowScales, GroupSums, Int8Tile, MAX_TILES_PER_PASS, PackedRowValuesMut, PackedRows, RowGroup,
    ZERO_GROUP_SUMS,
};
use super::portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::model::cpu::simd::{InstructionSet, SimdLevel, round_row_to_int8};
use crate::model::cpu::tile::TileColumn;

/// Activation rows rounded to 8 bits with one scale for each row, and packed for the micro-kernels of one instruction
/// set. An entry holds four columns of a row.
pub(in crate::model::cpu) struct Int8ActivationRows {
    entries: PackedInt8Rows,
    /// Number of entries in a row: a quarter of its columns, rounded up.
    lanes: usize,
    scales: Vec<f32>,
    /// Initial value of each row's integer sums. It cancels what the packed form adds to the sums, such as the 128 in
    /// every stored weight.
    starts: Vec<i32>,
}

/// Packed activation rows in the form that the micro-kernel of each instruction set reads.
enum PackedInt8Rows {
    /// Four signed bytes in an entry, for unsigned weights with 128 added.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(PackedRows<i32>),
    /// Two words in an entry: the absolute values of four activations, and a mask for the stored weights `w + 128`. The
    /// mask turns a weight into `w` where the activation is positive, and into the complement `!w` where it is
    /// negative: `|x| * !w = x * w - |x|`.
    #[cfg(target_arch = "x86_64")]
    Avx2(PackedRows<[i32; 2]>),
    /// Four signed bytes in an entry, for unsigned weights with 128 added.
    Portable(PackedRows<i32>),
}

impl Int8ActivationRows {
    /// Rounds and packs `activations`, `(rows, columns)`, for an instruction set.
    pub fn new(instructions: InstructionSet, activations: &[f32], columns: usize) -> Self {
        let (m, lanes) = (activations.len() / columns, columns.div_ceil(4));
        let round = |row: usize| {
            let mut rounded = vec![0i8; lanes * 4];
            let scale = round_row_to_int8(&activations[row * columns..][..columns], &mut rounded);
            (rounded, scale)
        };
        let fill_signed = |row: usize, to: PackedRowValuesMut<i32>| {
            let (rounded, scale) = round(row);
            (scale, pack_signed_row(&rounded, to))
        };
        let (entries, rows) = match instructions.level() {
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512Vnni => {
                let (packed, rows) = PackedRows::new(m, lanes, fill_signed);
                (PackedInt8Rows::Avx512Vnni(packed), rows)
            }
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => {
                let (packed, rows) = PackedRows::new(m, lanes, |row, to| {
                    let (rounded, scale) = round(row);
                    (scale, pack_sizes_and_signs(&rounded, to))
                });
                (PackedInt8Rows::Avx2(packed), rows)
            }
            SimdLevel::Portable => {
                let (packed, rows) = PackedRows::new(m, lanes, fill_signed);
                (PackedInt8Rows::Portable(packed), rows)
            }
        };
        let (scales, starts) = rows.into_iter().unzip();
        Self {
            entries,
            lanes,
            scales,
            starts,
        }
    }

    /// Multiplies all activation rows with one or two weight tiles. `write` is called with the index of a row, the
    /// index of a tile, and the row's products with the tile's 16 matrix rows.
    ///
    /// # Panics
    /// If there are no tiles or more than two, or if tiles and activations have different numbers of columns.
    pub fn multiply_tiles(&self, tiles: &[Int8Tile], mut write: impl FnMut(usize, usize, &TileColumn)) {
        assert!((1..=MAX_TILES_PER_PASS).contains(&tiles.len()), "one or two tiles");
        assert!(
            tiles.iter().all(|tile| tile.lanes.len() == self.lanes),
            "as many columns"
        );
        let mut sums = ZERO_GROUP_SUMS;
        let mut done = |first: usize, rows: usize, sums: &GroupSums| {
            for (row, sums) in (first..).zip(&sums[..rows]) {
                for (tile, sum) in sums[..tiles.len()].iter().enumerate() {
                    write(row, tile, sum);
                }
            }
        };
        match &self.entries {
            #[cfg(target_arch = "x86_64")]
            PackedInt8Rows::Avx512Vnni(packed) => {
                for group in packed.row_groups() {
                    // SAFETY: entries of this form are made only where the machine has the instructions; one or two
                    // tiles have as many lanes as the group has columns, as was asserted; scales and starts are those
                    // of its rows.
                    unsafe { avx512::matmul_int8(tiles, &self.row_scales(&group), group.values, &mut sums) };
                    done(group.first, group.rows, &sums);
                }
            }
            #[cfg(target_arch = "x86_64")]
            PackedInt8Rows::Avx2(packed) => {
                for group in packed.row_groups() {
                    // SAFETY: as above.
                    unsafe { avx2::matmul_int8(tiles, &self.row_scales(&group), group.values, &mut sums) };
                    done(group.first, group.rows, &sums);
                }
            }
            PackedInt8Rows::Portable(packed) => {
                for group in packed.row_groups() {
                    portable::matmul_int8(tiles, &self.row_scales(&group), group, &mut sums);
                    done(group.first, group.rows, &sums);
                }
            }
        }
    }

    fn row_scales<T>(&self, group: &RowGroup<T>) -> ActivationRowScales<'_> {
        ActivationRowScales {
            scales: &self.scales[group.first..][..group.rows],
            starts: &self.starts[group.first..][..group.rows],
        }
    }
}

/// Writes an activation row, four signed bytes to an entry; returns the initial value of the row's integer sums.
fn pack_signed_row<'a>(rounded: &[i8], to: impl Iterator<Item = &'a mut i32>) -> i32 {
    for (to, four) in to.zip(rounded.as_chunks::<4>().0) {
        *to = i32::from_le_bytes(four.map(|q| q as u8));
    }
    -128 * rounded.iter().map(|q| i32::from(*q)).sum::<i32>()
}

/// Packs a rounded activation row into `to`, four columns to an entry: first their absolute values, then their sign
/// masks. Returns the number that the row's integer sums must start from.
fn pack_sizes_and_signs<'a>(rounded: &[i8], to: impl Iterator<Item = &'a mut [i32; 2]>) -> i32 {
    let mut start = 0;
    for (to, four) in to.zip(rounded.as_chunks::<4>().0) {
        // Takes the absolute values of all four bytes at once: no byte carries into the next, as none is -128.
        let four = u32::from_le_bytes(four.map(|q| q as u8));
        let minus = four >> 7 & 0x0101_0101;
        let signs = minus * 0xff;
        let sizes = (four ^ signs) + minus;
        *to = [sizes, signs ^ 0x8080_8080].map(u32::cast_signed);
        let pairs = (sizes & signs & 0x00ff_00ff) + ((sizes & signs) >> 8 & 0x00ff_00ff);
        start += (pairs & 0xffff) + (pairs >> 16);
    }
    start.cast_signed()
}
