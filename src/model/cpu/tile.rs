//! Tiles: the groups of 16 rows in which weight matrices are packed, and the output that their products are written to.
//!
//! One vector instruction multiplies a column of a tile, so that it feeds 16 outputs at once.

use super::pages::Plain;
use super::parallel::SharedOutput;

/// Rows of a tile: as many float32 values as an AVX-512 register holds.
pub(super) const TILE: usize = 16;

/// Four neighbouring columns of a tile's 16 rows as unsigned bytes, the four of a row together: 64 bytes, in which each
/// 32-bit lane of a register belongs to one row.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Lane(pub [u8; 4 * TILE]);

/// One float32 value for each row of a tile.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Column(pub [f32; TILE]);

impl Column {
    /// A column of zeros.
    pub const ZERO: Self = Self([0.0; TILE]);
}

// SAFETY: an array of 64 bytes with an alignment of 64: no padding, any bytes are a value.
unsafe impl Plain for Lane {}
// SAFETY: an array of 16 floats, 64 bytes, with an alignment of 64: no padding, any bytes are a value.
unsafe impl Plain for Column {}

/// Writes the products of one matrix to its output, `(m, rows)`, tile by tile, from several threads.
pub(super) struct Writer<'a> {
    output: SharedOutput<'a>,
    rows: usize,
    bias: Option<&'a [f32]>,
}

impl<'a> Writer<'a> {
    /// Makes a writer for a matrix of `rows` rows; `bias`, one value a row, is added to each product.
    ///
    /// # Panics
    /// When there are not `rows` values of `bias`.
    pub fn new(output: SharedOutput<'a>, rows: usize, bias: Option<&'a [f32]>) -> Self {
        assert!(bias.is_none_or(|bias| bias.len() == rows), "a bias has a value a row");
        Self { output, rows, bias }
    }

    /// Writes the products of activation row `row` with the matrix rows of tile `tile`.
    ///
    /// # Safety
    /// No other thread writes the same row and tile at the same time.
    ///
    /// # Panics
    /// When the matrix has no such tile or the output no such row.
    pub unsafe fn write(&self, row: usize, tile: usize, sums: &Column) {
        let first = tile * TILE;
        assert!(first < self.rows, "the matrix has no such tile");
        let width = TILE.min(self.rows - first);
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
            if width == TILE {
                self.output.write(at, &values);
            } else {
                self.output.write(at, &values[..width]);
            }
        }
    }
}
