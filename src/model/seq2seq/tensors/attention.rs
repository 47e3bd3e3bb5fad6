//! Attention on candle's tensors: splitting into heads, padding masks, and KV caches that grow.

use super::super::HeadDimensions;
use candle_core::{DType, Device, Result as Outcome, Tensor};
use candle_nn::ops;
use std::iter::repeat_n;

/// Number of positions that a KV cache has room for at first; the room doubles whenever it is full.
const INITIAL_CACHE_LEN: usize = 32;

/// Splits the output of a projection, `(rows * tokens, parts * heads * head_dim)`, into its parts (queries, keys,
/// values) and heads: gives `(parts, rows, heads, tokens, head_dim)` of type `dtype`.
pub(super) fn split_heads(
    x: &Tensor,
    (rows, tokens): (usize, usize),
    parts: usize,
    heads: HeadDimensions,
    dtype: DType,
) -> Outcome<Tensor> {
    x.reshape((rows, tokens, parts, heads.count, heads.dim))?
        .permute((2, 0, 3, 1, 4))?
        .to_dtype(dtype)?
        .contiguous()
}

/// Gives one of the parts (queries, keys or values) that [`split_heads`] made, without copying it.
pub(super) fn select_part(parts: &Tensor, index: usize) -> Outcome<Tensor> {
    parts.narrow(0, index, 1)?.squeeze(0)
}

/// Computes softmax attention of `queries`, `(rows, heads, queries, head_dim)`, over the keys and values in
/// `kv_cache`, `(2, rows, heads, positions, head_dim)`.
///
/// The scores are multiplied by `scale`; then `added`, a mask or a bias of shape `(rows or 1, heads or 1, queries or
/// 1, positions)`, is added. The result is `(rows * queries, heads * head_dim)`.
pub(super) fn softmax_attention(
    queries: &Tensor,
    kv_cache: &Tensor,
    scale: f32,
    added: Option<&Tensor>,
) -> Outcome<Tensor> {
    let (rows, heads, count, dim) = queries.dims4()?;
    let keys = select_part(kv_cache, 0)?;
    let mut scores = queries.matmul(&keys.t()?)?.to_dtype(DType::F32)?;
    if scale != 1.0 {
        scores = (scores * f64::from(scale))?;
    }
    if let Some(added) = added {
        scores = scores.broadcast_add(added)?;
    }
    let weights = ops::softmax_last_dim(&scores)?.to_dtype(kv_cache.dtype())?;
    weights
        .matmul(&select_part(kv_cache, 1)?)?
        .transpose(1, 2)?
        .reshape((rows * count, heads * dim))?
        .to_dtype(DType::F32)
}

/// Makes a mask that hides the padding of sentences from attention, `(sentences, 1, 1, tokens)`: 0 for the tokens of
/// a sentence, minus infinity for padding. None if all sentences have the same length.
pub(super) fn padding_mask(lengths: &[usize], tokens: usize, device: &Device) -> Outcome<Option<Tensor>> {
    if lengths.iter().all(|length| *length == tokens) {
        return Ok(None);
    }
    let row = |length: &usize| repeat_n(0f32, *length).chain(repeat_n(f32::NEG_INFINITY, tokens - length));
    let values: Vec<f32> = lengths.iter().flat_map(row).collect();
    Tensor::from_vec(values, (lengths.len(), 1, 1, tokens), device).map(Some)
}

/// Writes the keys and values of one position into a KV cache, which grows if it is full, and gives the keys and
/// values of all positions so far, `(2, rows, heads, positions + 1, head_dim)`.
pub(super) fn append_to_cache(cache: &mut Option<Tensor>, written: &Tensor, position: usize) -> Outcome<Tensor> {
    let room = match cache {
        Some(cache) => cache.dim(3)?,
        None => 0,
    };
    let cache = match cache {
        Some(cache) if position < room => cache,
        _ => {
            let (parts, rows, heads, _, dim) = written.dims5()?;
            let shape = (parts, rows, heads, (2 * room).max(INITIAL_CACHE_LEN), dim);
            let wider = Tensor::zeros(shape, written.dtype(), written.device())?;
            if let Some(cache) = cache {
                wider.slice_set(cache, 3, 0)?;
            }
            cache.insert(wider)
        }
    };
    cache.slice_set(written, 3, position)?;
    cache.narrow(3, 0, position + 1)
}
