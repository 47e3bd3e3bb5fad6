//! Linear layers over the CPU kernels' matrices and over candle's tensors, and the norms over candle's tensors.

use super::cpu::matrix::Matrix;
use super::cpu::ops::Norm;
use candle_core::{DType, Result as Outcome, Tensor};
use candle_nn::ops;
use rayon::prelude::*;
use std::sync::Arc;

/// A linear layer: a matrix `(outputs, inputs)` of type `M` and an optional bias of type `V`.
pub(super) struct Linear<M, V> {
    pub weight: M,
    pub bias: Option<V>,
}

impl Linear<Arc<Matrix>, Vec<f32>> {
    /// Multiplies `inputs`, `(tokens, inputs)`, by the matrix and adds the bias; gives `(tokens, outputs)`.
    pub fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        self.weight.matmul_with_bias(inputs, self.bias.as_deref())
    }

    /// Applies several linear layers to the same `inputs` at once; gives the output `(tokens, outputs)` of each.
    pub fn forward_many<const N: usize>(layers: [&Self; N], inputs: &[f32]) -> [Vec<f32>; N] {
        Matrix::matmul_many(layers.map(|layer| (&*layer.weight, layer.bias.as_deref())), inputs)
    }
}

/// Number of rows of a 16-bit matrix that a CPU converts to float32 at a time, so that they are multiplied while
/// still in its cache.
const ROWS_CONVERTED_AT_ONCE: usize = 256;

/// Gives the number type in which products with the matrix `weight` are computed: its own type on a GPU, float32 on a
/// CPU, where candle does not multiply bfloat16.
pub(super) fn compute_dtype(weight: &Tensor) -> DType {
    if weight.device().is_cpu() {
        DType::F32
    } else {
        weight.dtype()
    }
}

impl Linear<Tensor, Tensor> {
    /// Multiplies `inputs`, `(tokens, inputs)`, by the matrix and adds the bias; gives `(tokens, outputs)`. Both are
    /// in float32.
    pub fn forward(&self, inputs: &Tensor) -> Outcome<Tensor> {
        let dtype = compute_dtype(&self.weight);
        let product = if dtype == self.weight.dtype() {
            let inputs = inputs.to_dtype(dtype)?;
            inputs.matmul(&self.weight.t()?)?.to_dtype(DType::F32)?
        } else {
            let rows = self.weight.dim(0)?;
            let blocks = (0..rows.div_ceil(ROWS_CONVERTED_AT_ONCE)).into_par_iter().map(|block| {
                let first = block * ROWS_CONVERTED_AT_ONCE;
                let block = self.weight.narrow(0, first, ROWS_CONVERTED_AT_ONCE.min(rows - first))?;
                inputs.matmul(&block.to_dtype(dtype)?.t()?)
            });
            Tensor::cat(&blocks.collect::<Outcome<Vec<_>>>()?, 1)?
        };
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }
}

impl Norm<Tensor> {
    /// Normalises the last dimension of `inputs`: by layer norm if there is a bias, otherwise by RMS norm.
    pub fn forward(&self, inputs: &Tensor) -> Outcome<Tensor> {
        match &self.bias {
            Some(bias) => ops::layer_norm(inputs, &self.weight, bias, self.epsilon),
            None => ops::rms_norm(inputs, &self.weight, self.epsilon),
        }
    }
}
