//! Linear layers in every form of weights, and what is shared by forward passes on candle's tensors.

use super::cpu::matrix::Matrix;
use super::cpu::ops::Norm;
use candle_core::{DType, Result as Outcome, Tensor};
use candle_nn::ops;
use rayon::prelude::*;
use std::sync::Arc;

/// A linear layer: a matrix `(outputs, inputs)` of form `M` with an optional bias of form `V`.
pub(super) struct Linear<M, V> {
    pub weight: M,
    pub bias: Option<V>,
}

impl Linear<Arc<Matrix>, Vec<f32>> {
    /// Computes `(tokens, outputs)` of `(tokens, inputs)`.
    pub fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        self.weight.matmul_bias(inputs, self.bias.as_deref())
    }

    /// Computes several layers of the same inputs at once.
    pub fn forward_many<const N: usize>(layers: [&Self; N], inputs: &[f32]) -> [Vec<f32>; N] {
        Matrix::matmul_many(layers.map(|layer| (&*layer.weight, layer.bias.as_deref())), inputs)
    }
}

/// Rows of a 16-bit matrix that a CPU widens at a time, to be used while they are in its cache.
const WIDENED_ROWS: usize = 256;

/// The type in which products with such a matrix are computed. On a CPU that is float32: candle has no bfloat16 there.
pub(super) fn compute_dtype(weight: &Tensor) -> DType {
    if weight.device().is_cpu() {
        DType::F32
    } else {
        weight.dtype()
    }
}

impl Linear<Tensor, Tensor> {
    /// Computes `(tokens, outputs)` of `(tokens, inputs)`, both in float32.
    pub fn forward(&self, inputs: &Tensor) -> Outcome<Tensor> {
        let dtype = compute_dtype(&self.weight);
        let product = if dtype == self.weight.dtype() {
            let inputs = inputs.to_dtype(dtype)?;
            inputs.matmul(&self.weight.t()?)?.to_dtype(DType::F32)?
        } else {
            let rows = self.weight.dim(0)?;
            let blocks = (0..rows.div_ceil(WIDENED_ROWS)).into_par_iter().map(|block| {
                let first = block * WIDENED_ROWS;
                let block = self.weight.narrow(0, first, WIDENED_ROWS.min(rows - first))?;
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
    /// Normalises the last dimension.
    pub fn forward(&self, inputs: &Tensor) -> Outcome<Tensor> {
        match &self.bias {
            Some(bias) => ops::layer_norm(inputs, &self.weight, bias, self.epsilon),
            None => ops::rms_norm(inputs, &self.weight, self.epsilon),
        }
    }
}
