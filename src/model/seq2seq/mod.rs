//! Encoder-decoder translation models: Marian, M2M-100 (NLLB, SMaLL-100), mBART-50 and T5 (MADLAD-400).
//!
//! References: transformers 4.57 `modeling_{marian,m2m_100,mbart,t5}.py`. Own module, because candle-transformers has
//! Marian and T5 only, without padding masks, batches or beams, and with errors in both.
//!
//! One structure, loaded by one loader, with two forward passes: `cpu` in float32 or 8 bits, the fast one on a CPU, and
//! `tensors` on candle's tensors, for GPUs and 16-bit weights.

mod config;
mod cpu;
mod load;
mod positions;
mod state;
mod tensors;
#[cfg(test)]
mod tests;

use super::cpu::matrix::Activations;
use super::cpu::ops::Norm;
use super::linear::Linear;
use super::weights::checkpoint::Checkpoint;
use super::weights::{CpuForm, Int8Cache, Int8Recorder, Scales, TensorForm};
use super::{Architecture, OutputIds, Spec, TranslationModel};
use crate::error::{Error, Result};
use candle_core::{DType, Device};
use config::Config;
use positions::{PlaceRows, PositionTable};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The device and the number type that an encoder-decoder model computes with.
#[derive(Clone, Debug)]
pub enum Computation {
    /// On the CPU, with weights in float32 or 8 bits. A batch never changes a row.
    Cpu(Activations),
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
        Computation::Cpu(activations) => load_for_cpu(directory, config, spec, activations)?,
        Computation::Tensors(device, dtype) => {
            let checkpoint = Checkpoint::open(directory)?;
            Box::new(load::load(config, spec, &checkpoint, &TensorForm { device, dtype })?)
        }
    })
}

/// Loads a model for the CPU. In 8 bits the weights come from the file of an earlier load, or such a file is left for the next.
fn load_for_cpu(
    directory: &Path,
    config: Config,
    spec: Spec,
    activations: Activations,
) -> Result<Box<dyn TranslationModel>> {
    let form = CpuForm {
        activations,
        scales: Scales::Row,
    };
    if activations == Activations::F32 {
        let checkpoint = Checkpoint::open(directory)?;
        return Ok(Box::new(load::load(config, spec, &checkpoint, &form)?));
    }
    if let Some(cache) = Int8Cache::open(directory) {
        return Ok(Box::new(load::load(config, spec, &cache, &form)?));
    }
    let recorder = Int8Recorder::new(Checkpoint::open(directory)?);
    let model = load::load(config, spec, &recorder, &form)?;
    recorder.write(directory);
    Ok(Box::new(model))
}

/// Attention of a sequence over itself.
struct SelfAttention<M, V> {
    norm: Norm<V>,
    /// Queries, keys and values, one after the other.
    project: Linear<M, V>,
    output: Linear<M, V>,
}

/// Attention of the decoder over a source.
struct CrossAttention<M, V> {
    norm: Norm<V>,
    query: Linear<M, V>,
    /// Keys and values, one after the other, of the encoder's output.
    key_value: Linear<M, V>,
    output: Linear<M, V>,
}

/// A feed-forward layer, gated or not.
struct FeedForward<M, V> {
    norm: Norm<V>,
    up: Linear<M, V>,
    /// Multiplies the activated half, where the layer is gated.
    gate: Option<Linear<M, V>>,
    down: Linear<M, V>,
}

/// One transformer layer; only a decoder's has cross-attention.
struct Layer<M, V> {
    attention: SelfAttention<M, V>,
    cross: Option<CrossAttention<M, V>>,
    feed_forward: FeedForward<M, V>,
}

/// The encoder or the decoder, its matrices of form `M` and its vectors of form `V`.
struct Stack<M, V> {
    embedding: M,
    /// None where attention has a bias instead.
    positions: Option<PositionTable<V>>,
    embedding_norm: Option<Norm<V>>,
    /// Attention bias by bucket of distance, `(buckets, heads)`; none where positions have embeddings.
    relative_bias: Option<V>,
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
    /// Values of all heads together.
    fn size(self) -> usize {
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

/// A table of position embeddings and the row of each token in it; none where the model has no table.
type PositionRows<V> = Option<(Arc<V>, Vec<u32>)>;

impl<M, V> Stack<M, V> {
    /// Finds the position embeddings of tokens at these positions.
    ///
    /// # Errors
    /// Of kind `Model` for tokens outside a vocabulary of `rows` and positions beyond the model's last; those of `place_rows`.
    fn position_rows(
        &self,
        ids: &[u32],
        positions: &[usize],
        rows: usize,
        place_rows: PlaceRows<V>,
    ) -> Result<PositionRows<V>> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
            let message = format!("token {id} is outside the model's vocabulary of {rows}");
            return Err(Error::model(message));
        }
        let table = self.positions.as_ref();
        table.map(|table| table.rows_at(ids, positions, place_rows)).transpose()
    }
}

/// Refuses a source without tokens.
fn check_sources(sources: &[&[u32]]) -> Result<()> {
    if sources.iter().any(|source| source.is_empty()) {
        Err(Error::model("a source has no tokens"))
    } else {
        Ok(())
    }
}
