//! Sources and forms of weights: one trait for every kind of file, and one for what a forward pass computes with.

use crate::error::Result;
use crate::model::candle_error;
use crate::model::cpu::matrix::{Activations, Matrix};
use crate::model::weights::gguf::StoredRows;
use candle_core::{DType, Device, Tensor};
use std::sync::Arc;

/// Weights of one model by their Hugging Face names, whatever file they are stored in and however.
///
/// A source of another layout translates the names: another kind of file is one more implementation, which all forward passes
/// can load from.
pub(in crate::model) trait Source {
    /// Whether there is a tensor of this name.
    fn has(&self, name: &str) -> bool;

    /// The first dimension of a tensor; none if it is not there.
    fn rows(&self, name: &str) -> Option<usize>;

    /// Reads a tensor of this shape in float32, row by row.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the tensor, where it is missing, damaged or of another shape.
    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>>;

    /// Gives a matrix that is stored quantised as the CPU's kernels take it; none where it has to be made of
    /// [`Source::floats`], as by default.
    ///
    /// # Errors
    /// Those of [`Source::floats`].
    fn quantized(&self, _wanted: Wanted, _activations: Activations) -> Result<Option<Arc<Matrix>>> {
        Ok(None)
    }

    /// Gives a matrix of which single rows are read from the file as they are needed; none, as by default, where it is to be
    /// loaded.
    ///
    /// # Errors
    /// Those of [`Source::floats`].
    fn stored_rows(&self, _name: &str, _rows: usize, _columns: usize) -> Result<Option<StoredRows>> {
        Ok(None)
    }
}

/// A matrix that is asked for: one or more of the same shape, one below the other.
#[derive(Clone, Copy)]
pub(in crate::model) struct Wanted<'a> {
    pub names: &'a [String],
    /// Rows of each.
    pub rows: usize,
    pub columns: usize,
    /// Rows of the whole that are kept, in this order; none for all.
    pub kept: Option<&'a [u32]>,
}

impl Wanted<'_> {
    /// Reads all rows in float32, the matrices one after the other.
    fn floats(&self, source: &dyn Source) -> Result<Vec<f32>> {
        if let [name] = self.names {
            return source.floats(name, &[self.rows, self.columns]);
        }
        let mut values = Vec::with_capacity(self.names.len() * self.rows * self.columns);
        for name in self.names {
            values.extend(source.floats(name, &[self.rows, self.columns])?);
        }
        Ok(values)
    }

    /// Rows of the whole, before any are dropped.
    pub fn all_rows(&self) -> usize {
        self.rows * self.names.len()
    }
}

/// The form in which a forward pass takes weights: its matrices and its vectors.
pub(in crate::model) trait Form {
    type Matrix: Clone;
    type Vector;

    /// Loads a matrix.
    ///
    /// # Errors
    /// Those of the source, and of kind `Memory` where a device has no room.
    fn matrix(&self, source: &dyn Source, wanted: Wanted) -> Result<Self::Matrix>;

    /// Makes a matrix of these rows of another.
    ///
    /// # Errors
    /// Of kind `Memory` where a device has no room.
    fn select_rows(&self, matrix: &Self::Matrix, rows: &[u32]) -> Result<Self::Matrix>;

    /// Brings values of this shape, which are not multiplied as a matrix, to where they are used.
    ///
    /// # Errors
    /// Of kind `Memory` where a device has no room.
    fn vector(&self, values: Vec<f32>, shape: &[usize]) -> Result<Self::Vector>;
}

/// The scales of the CPU's 8-bit matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Scales {
    /// One scale a row, as encoder-decoders bear it.
    Row,
    /// One scale for each 32 columns, as large decoder-only models need it.
    Block,
}

/// Matrices in float32 or 8 bits for the CPU's kernels.
pub(in crate::model) struct CpuForm {
    pub activations: Activations,
    pub scales: Scales,
}

impl Form for CpuForm {
    type Matrix = Arc<Matrix>;
    type Vector = Vec<f32>;

    fn matrix(&self, source: &dyn Source, wanted: Wanted) -> Result<Arc<Matrix>> {
        if let Some(matrix) = source.quantized(wanted, self.activations)? {
            return Ok(matrix);
        }
        let matrix = self.pack(&wanted.floats(source)?, wanted.all_rows(), wanted.columns)?;
        Ok(Arc::new(matrix.keep_rows(wanted.kept)))
    }

    fn select_rows(&self, matrix: &Arc<Matrix>, rows: &[u32]) -> Result<Arc<Matrix>> {
        Ok(Arc::new(matrix.select_rows(rows)))
    }

    fn vector(&self, values: Vec<f32>, _shape: &[usize]) -> Result<Vec<f32>> {
        Ok(values)
    }
}

impl CpuForm {
    /// Packs values `(rows, columns)`.
    fn pack(&self, values: &[f32], rows: usize, columns: usize) -> Result<Matrix> {
        match self.scales {
            Scales::Row => {
                let row = |row: usize| &values[row * columns..][..columns];
                Ok(Matrix::from_f32_row_scales(rows, columns, self.activations, row))
            }
            Scales::Block => {
                Matrix::from_f32_block_scales(rows, columns, self.activations, values).map_err(candle_error)
            }
        }
    }
}

/// candle's tensors on a device: matrices in one type, all else in float32.
pub(in crate::model) struct TensorForm {
    pub device: Device,
    /// Type of the matrices: float32, bfloat16 or float16.
    pub dtype: DType,
}

impl TensorForm {
    fn tensor(&self, values: Vec<f32>, shape: &[usize], dtype: DType) -> Result<Tensor> {
        // Made narrow first: half as much to send.
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).and_then(|tensor| tensor.to_dtype(dtype));
        tensor
            .and_then(|tensor| tensor.to_device(&self.device))
            .map_err(candle_error)
    }
}

impl Form for TensorForm {
    type Matrix = Tensor;
    type Vector = Tensor;

    fn matrix(&self, source: &dyn Source, wanted: Wanted) -> Result<Tensor> {
        let values = wanted.floats(source)?;
        let all = self.tensor(values, &[wanted.all_rows(), wanted.columns], self.dtype)?;
        match wanted.kept {
            Some(rows) => self.select_rows(&all, rows),
            None => Ok(all),
        }
    }

    fn select_rows(&self, matrix: &Tensor, rows: &[u32]) -> Result<Tensor> {
        let rows = Tensor::new(rows, &self.device).and_then(|rows| matrix.index_select(&rows, 0));
        rows.map_err(candle_error)
    }

    fn vector(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
        self.tensor(values, shape, DType::F32)
    }
}
