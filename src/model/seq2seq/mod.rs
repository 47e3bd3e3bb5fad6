//! Encoder-decoder translation models: Marian, M2M-100 (NLLB, SMaLL-100), mBART-50 and T5 (MADLAD-400).
//!
//! References: transformers 4.57 `modeling_{marian,m2m_100,mbart,t5}.py`. Own module, because candle-transformers has
//! Marian and T5 only, without padding masks, batches or beams, and with errors in both.
//!
//! One structure, loaded by the same names, with two forwards: `slices` in float32 or 8 bits on the CPU, the fast one
//! there, and `tensors` on candle's tensors, for GPUs and 16-bit weights.

mod config;
mod load;
mod positions;
mod slices;
mod state;
mod tensors;
#[cfg(test)]
mod tests;
mod weights;

use super::cpu::matrix::Activations;
use super::cpu::ops::Norm;
use super::{Architecture, OutputIds, Spec, TranslationModel};
use crate::error::{Error, Result};
use candle_core::{DType, Device};
use config::Config;
use positions::{Make, PositionTable};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use weights::Weights;

/// How an encoder-decoder model computes.
#[derive(Clone, Debug)]
pub enum Computation {
    /// On the CPU, with weights in float32 or 8 bits. A batch never changes a row.
    Slices(Activations),
    /// On a device, with matrices and their products in this type (float32, bfloat16 or float16), and all else in float32.
    /// On the CPU products are in float32 too. A batch may change a row's last digits.
    Tensors(Device, DType),
}

/// Loads an encoder-decoder model from a directory in the layout of its Hub repository.
///
/// # Errors
/// Of kind `Model`, with the file and the key or tensor that is missing or does not fit; of kind `Memory` where the
/// device has no room for the weights.
pub fn from_directory(
    directory: &Path,
    architecture: Architecture,
    config_json: &Value,
    ids: OutputIds,
    computation: Computation,
) -> Result<Box<dyn TranslationModel>> {
    let path = directory.join("config.json");
    let config = Config::read(architecture, config_json, &path)?;
    let vocabulary = config.decoder.vocabulary;
    let OutputIds { start, end, allowed } = ids;
    if let Some(id) = start.iter().chain(&end).find(|id| **id as usize >= vocabulary) {
        let message = format!("no output begins or ends with {id}: the vocabulary has {vocabulary} tokens");
        return Err(Error::model(message)
            .path(path)
            .place("key vocab_size")
            .hint("the tokenizer's files and the weights are not of one model"));
    }
    if start.is_empty() {
        return Err(Error::model("missing; an id is expected")
            .path(path)
            .place("key decoder_start_token_id"));
    }
    let mut spec = Spec {
        vocabulary,
        source_vocabulary: config.encoder.vocabulary,
        max_positions: config.max_positions.unwrap_or(usize::MAX),
        end,
        start,
        output: None,
    };
    spec.restrict(allowed);
    Ok(match computation {
        Computation::Slices(activations) => {
            let weights = Weights::open(directory, activations)?;
            let model = load::model(config, spec, &weights)?;
            weights.keep(directory);
            Box::new(model.restricted())
        }
        Computation::Tensors(device, dtype) => {
            let weights = tensors::Weights::open(directory, device, dtype)?;
            Box::new(load::model(config, spec, &weights)?.restricted()?)
        }
    })
}

/// A matrix `M` with an optional bias `V`.
struct Linear<M, V> {
    weight: M,
    bias: Option<V>,
}

/// Attention of a sequence over itself.
struct SelfAttention<M, V> {
    norm: Norm<V>,
    /// Queries, keys and values in one.
    project: Linear<M, V>,
    output: Linear<M, V>,
}

/// Attention of the decoder over a source.
struct CrossAttention<M, V> {
    norm: Norm<V>,
    query: Linear<M, V>,
    /// Keys and values in one, of the encoder's output.
    memory: Linear<M, V>,
    output: Linear<M, V>,
}

struct FeedForward<M, V> {
    norm: Norm<V>,
    up: Linear<M, V>,
    /// Multiplied by, where the layer is gated.
    gate: Option<Linear<M, V>>,
    down: Linear<M, V>,
}

struct Layer<M, V> {
    attention: SelfAttention<M, V>,
    cross: Option<CrossAttention<M, V>>,
    feed_forward: FeedForward<M, V>,
}

/// The encoder or the decoder.
struct Stack<M, V> {
    embedding: M,
    /// None where attention has a bias instead.
    positions: Option<PositionTable<V>>,
    embedding_norm: Option<Norm<V>>,
    /// Bias by bucket, `(buckets, heads)`; none where positions have embeddings.
    bias: Option<V>,
    layers: Vec<Layer<M, V>>,
    final_norm: Option<Norm<V>>,
    heads: Heads,
}

/// The heads of one attention layer.
#[derive(Clone, Copy)]
struct Heads {
    count: usize,
    dim: usize,
    /// Multiplies the products of queries and keys.
    scale: f32,
}

impl Heads {
    fn width(self) -> usize {
        self.count * self.dim
    }
}

/// A loaded encoder-decoder model.
struct Seq2Seq<M, V> {
    config: Config,
    spec: Spec,
    encoder: Stack<M, V>,
    decoder: Stack<M, V>,
    output: Linear<M, V>,
    /// Multiplies what the output projection gets (T5 with tied embeddings).
    output_scale: f32,
}

/// A table of positions and the number of each token's row in it; none where the model has no table.
type Places<V> = Option<(Arc<V>, Vec<u32>)>;

impl<M, V> Stack<M, V> {
    /// Where these tokens stand.
    ///
    /// # Errors
    /// Of kind `Model` for tokens outside a vocabulary of `rows` and positions beyond the model's last; those of `make`.
    fn places(&self, ids: &[u32], positions: &[usize], rows: usize, make: Make<V>) -> Result<Places<V>> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
            let message = format!("token {id} is outside the model's vocabulary of {rows}");
            return Err(Error::model(message));
        }
        let table = self.positions.as_ref();
        table.map(|table| table.at(ids, positions, make)).transpose()
    }
}

fn check_sources(sources: &[&[u32]]) -> Result<()> {
    if sources.iter().any(|source| source.is_empty()) {
        Err(Error::model("a source has no tokens"))
    } else {
        Ok(())
    }
}
