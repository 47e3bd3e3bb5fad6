//! Sources and forms of weights: [`WeightSource`] reads tensors from a kind of file, [`WeightForm`] turns them into what a
//! forward pass computes with.

use crate::error::Result;
use crate::model::candle_error;
use crate::model::cpu::matrix::{ActivationPrecision, Matrix};
use crate::model::weights::gguf::StoredRows;
use candle_core::{DType, Device, Tensor};
use std::sync::Arc;

/// Reads the weights of one model by their Hugging Face names, whatever file they are stored in.
///
/// Files that name tensors otherwise have the names translated. To support another kind of file, implement this
/// trait: all forward passes can then load from it.
pub(in crate::model) trait WeightSource {
    /// Whether the source has a tensor called `name`.
    fn has_tensor(&self, name: &str) -> bool;

    /// Gives the number of rows (the first dimension) of the tensor `name`; none if it is missing.
    fn tensor_row_count(&self, name: &str) -> Option<usize>;

    /// Whether the source has a tensor `name` with other values than the tensor `other`. The default trusts a source
    /// that stores no tensor twice.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the tensor's name, if one of them is damaged.
    fn has_different_tensor(&self, name: &str, _other: &str) -> Result<bool> {
        Ok(self.has_tensor(name))
    }

    /// Reads the tensor `name`, which must have this shape, as float32 values, row by row.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file and the tensor's name, if the tensor is missing, damaged or
    /// of another shape.
    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>>;

    /// Gives a matrix that the file stores quantised in the form that the CPU kernels use. The default is none: the
    /// caller then makes the matrix from [`WeightSource::read_floats`].
    ///
    /// # Errors
    /// The errors of [`WeightSource::read_floats`].
    fn read_quantized(&self, _wanted: MatrixRequest, _activations: ActivationPrecision) -> Result<Option<Arc<Matrix>>> {
        Ok(None)
    }

    /// Gives a matrix that stays in the file, from which single rows are read on demand. The default is none: the
    /// caller then loads the whole matrix.
    ///
    /// # Errors
    /// The errors of [`WeightSource::read_floats`].
    fn open_stored_rows(&self, _name: &str, _rows: usize, _columns: usize) -> Result<Option<StoredRows>> {
        Ok(None)
    }
}

/// Describes a matrix to load: the stored matrices `names`, all of the same shape, stacked one below the other.
#[derive(Clone, Copy)]
pub(in crate::model) struct MatrixRequest<'a> {
    /// Hugging Face names of the stored matrices, in the order in which they are stacked.
    pub names: &'a [String],
    /// Number of rows of each stored matrix.
    pub rows: usize,
    /// Number of columns of each stored matrix.
    pub columns: usize,
    /// Indices of the rows to keep, in this order, of the matrix that the stored ones make when stacked; `None` keeps all.
    pub kept: Option<&'a [u32]>,
}

impl MatrixRequest<'_> {
    /// Reads the stacked matrix as float32 values, all rows, one stored matrix after the other.
    fn read_floats(&self, source: &dyn WeightSource) -> Result<Vec<f32>> {
        if let [name] = self.names {
            return source.read_floats(name, &[self.rows, self.columns]);
        }
        let mut values = Vec::new();
        for name in self.names {
            let matrix = source.read_floats(name, &[self.rows, self.columns])?;
            // Only once the first has this shape: a damaged configuration may ask for more than any memory.
            values.reserve_exact(if values.is_empty() {
                matrix.len() * self.names.len()
            } else {
                0
            });
            values.extend(matrix);
        }
        Ok(values)
    }

    /// Counts the rows of the stacked matrix, including those that `kept` drops.
    pub fn stacked_row_count(&self) -> usize {
        self.rows * self.names.len()
    }
}

/// Turns weights into the form that a forward pass computes with: one type for its matrices and one for its vectors.
pub(in crate::model) trait WeightForm {
    type Matrix: Clone;
    type Vector;

    /// Loads the matrix that `wanted` describes.
    ///
    /// # Errors
    /// The errors of the source; of kind `Memory` if a device has no memory left.
    fn load_matrix(&self, source: &dyn WeightSource, wanted: MatrixRequest) -> Result<Self::Matrix>;

    /// Makes a matrix of the given rows of `matrix`, in the given order.
    ///
    /// # Errors
    /// Fails with an error of kind `Memory` if a device has no memory left.
    fn select_rows(&self, matrix: &Self::Matrix, rows: &[u32]) -> Result<Self::Matrix>;

    /// Makes a vector, or another tensor that is not used as a matrix, of `values` in this shape, on the device that
    /// uses it.
    ///
    /// # Errors
    /// Fails with an error of kind `Memory` if a device has no memory left.
    fn make_vector(&self, values: Vec<f32>, shape: &[usize]) -> Result<Self::Vector>;
}

/// How many scales a matrix gets when it is quantised to 8 bits for the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum ScaleGrouping {
    /// One scale for each row: precise enough for encoder-decoders.
    Row,
    /// One scale for each 32 columns of a row: large decoder-only models need it.
    Block,
}

/// Makes matrices in float32 or 8 bits for the CPU kernels.
pub(in crate::model) struct CpuWeightForm {
    pub activations: ActivationPrecision,
    pub scales: ScaleGrouping,
}

impl WeightForm for CpuWeightForm {
    type Matrix = Arc<Matrix>;
    type Vector = Vec<f32>;

    fn load_matrix(&self, source: &dyn WeightSource, wanted: MatrixRequest) -> Result<Arc<Matrix>> {
        if let Some(matrix) = source.read_quantized(wanted, self.activations)? {
            return Ok(matrix);
        }
        let matrix = self.pack_matrix(&wanted.read_floats(source)?, wanted.stacked_row_count(), wanted.columns)?;
        Ok(Arc::new(matrix.keep_rows(wanted.kept)))
    }

    fn select_rows(&self, matrix: &Arc<Matrix>, rows: &[u32]) -> Result<Arc<Matrix>> {
        Ok(Arc::new(matrix.select_rows(rows)))
    }

    fn make_vector(&self, values: Vec<f32>, _shape: &[usize]) -> Result<Vec<f32>> {
        Ok(values)
    }
}

impl CpuWeightForm {
    /// Makes a matrix for the CPU kernels from float32 values `(rows, columns)`.
    fn pack_matrix(&self, values: &[f32], rows: usize, columns: usize) -> Result<Matrix> {
        match self.scales {
            ScaleGrouping::Row => {
                let row = |row: usize| &values[row * columns..][..columns];
                Ok(Matrix::from_f32_row_scales(rows, columns, self.activations, row))
            }
            ScaleGrouping::Block => {
                Matrix::from_f32_block_scales(rows, columns, self.activations, values).map_err(candle_error)
            }
        }
    }
}

/// Makes candle tensors on a device: matrices of type `dtype`, everything else in float32.
pub(in crate::model) struct TensorWeightForm {
    pub device: Device,
    /// Number type of the matrices: float32, bfloat16 or float16.
    pub dtype: DType,
}

impl TensorWeightForm {
    fn make_tensor(&self, values: Vec<f32>, shape: &[usize], dtype: DType) -> Result<Tensor> {
        // Converted before it is sent to the device: a 16-bit type is half as much to send.
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).and_then(|tensor| tensor.to_dtype(dtype));
        tensor
            .and_then(|tensor| tensor.to_device(&self.device))
            .map_err(candle_error)
    }
}

impl WeightForm for TensorWeightForm {
    type Matrix = Tensor;
    type Vector = Tensor;

    fn load_matrix(&self, source: &dyn WeightSource, wanted: MatrixRequest) -> Result<Tensor> {
        let values = wanted.read_floats(source)?;
        let all = self.make_tensor(values, &[wanted.stacked_row_count(), wanted.columns], self.dtype)?;
        match wanted.kept {
            Some(rows) => self.select_rows(&all, rows),
            None => Ok(all),
        }
    }

    fn select_rows(&self, matrix: &Tensor, rows: &[u32]) -> Result<Tensor> {
        let rows = Tensor::new(rows, &self.device).and_then(|rows| matrix.index_select(&rows, 0));
        rows.map_err(candle_error)
    }

    fn make_vector(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
        self.make_tensor(values, shape, DType::F32)
    }
}
