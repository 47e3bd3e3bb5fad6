//! Tiles: the groups of 16 rows in which weight matrices are packed, and the output that their products are written to.
//!
//! One vector instruction multiplies a column of a tile with one activation, for 16 outputs at once.

use super::pages::PlainData;
use super::parallel::SharedOutput;

/// Number of matrix rows in a tile: the number of float32 values in an AVX-512 register.
pub(super) const TILE_ROWS: usize = 16;

/// Four neighbouring columns of a tile's 16 rows as unsigned bytes. The four bytes of a row are adjacent, so that each
/// 32-bit lane of a 512-bit register belongs to one row.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct ColumnQuad(pub [u8; 4 * TILE_ROWS]);

/// One float32 value for each of a tile's 16 rows, such as a column of weights or the sums of a product.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct TileColumn(pub [f32; TILE_ROWS]);

impl TileColumn {
    /// A column whose 16 values are zero.
    pub const ZERO: Self = Self([0.0; TILE_ROWS]);
}

// SAFETY: an array of 64 bytes with an alignment of 64: no padding, any bytes are a value.
unsafe impl PlainData for ColumnQuad {}
// SAFETY: an array of 16 floats, 64 bytes, with an alignment of 64: no padding, any bytes are a value.
unsafe impl PlainData for TileColumn {}

/// Writes the products of one weight matrix to its output, `(m, rows)`, a tile at a time and from several threads.
pub(super) struct TileWriter<'a> {
    output: SharedOutput<'a>,
    rows: usize,
    bias: Option<&'a [f32]>,
}

impl<'a> TileWriter<'a> {
    /// Makes a writer for a matrix of `rows` rows. `bias`, one value for each matrix row, is added to the products.
    ///
    /// # Panics
    /// If `bias` does not have `rows` values.
    pub fn new(output: SharedOutput<'a>, rows: usize, bias: Option<&'a [f32]>) -> Self {
        assert!(bias.is_none_or(|bias| bias.len() == rows), "a bias has a value a row");
        Self { output, rows, bias }
    }

    /// Writes the products of the activation row numbered `row` with the 16 matrix rows of the tile numbered `tile`.
    ///
    /// # Safety
    /// No other thread writes the same row and tile at the same time.
    ///
    /// # Panics
    /// If the matrix has no such tile or the output no such row.
    pub unsafe fn write_tile_sums(&self, row: usize, tile: usize, sums: &TileColumn) {
        let first = tile * TILE_ROWS;
        assert!(first < self.rows, "the matrix has no such tile");
        let width = TILE_ROWS.min(self.rows - first);
        let mut values = sums.0;
        if let Some(bias) = self.bias {
            for (value, bias) in values.iter_mut().zip(&bias[first..][..width]) {
                *value += bias;
            }
        }
        let at = row * self.rows + first;
        // SAFETY: different rows and tiles have no value of the output in common, and the caller keeps threads to their
        // own.
        unsafe {
            // A copy of a known length is two stores, one of any length a call.
            if width == TILE_ROWS {
                self.output.write_values(at, &values);
            } else {
                self.output.write_values(at, &values[..width]);
            }
        }
    }
}
