//! Encoder-decoder translation models: Marian, M2M-100 (NLLB, SMaLL-100), mBART-50 and T5 (MADLAD-400).
//!
//! References: transformers 4.57 `modeling_{marian,m2m_100,mbart,t5}.py`. plae has its own code because
//! candle-transformers has only Marian and T5, without padding masks, batches or beams, and with errors in both.
//!
//! All models share one structure and one loader. There are two forward passes: `cpu`, in float32 or 8 bits, the
//! faster one on a CPU; and `tensors`, on candle's tensors, for GPUs and 16-bit weights.

mod config;
mod cpu;
mod ct2;
mod load;
mod positions;
mod state;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;

use super::cpu::matrix::ActivationPrecision;
use super::cpu::ops::Norm;
use super::linear::Linear;
use super::weights::checkpoint::Checkpoint;
use super::weights::ct2::CT2_FILE_NAME;
use super::weights::token_lists::TokenLists;
use super::weights::{CpuWeightForm, Ct2Weights, Int8Cache, Int8Recorder, ScaleGrouping, TensorWeightForm};
use super::{Architecture, ModelSpec, OutputTokenIds, TranslationModel};
use crate::error::{Error, Result};
use candle_core::{DType, Device};
use config::Seq2SeqConfig;
use positions::{PositionTable, UploadRows};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The device and the number type with which an encoder-decoder model computes.
#[derive(Clone, Debug)]
pub enum ComputeBackend {
    /// Computes on the CPU with weights in float32 or 8 bits. A row's result does not depend on the other rows of its
    /// batch.
    Cpu(ActivationPrecision),
    /// Computes with candle on a device. Matrices are stored and multiplied in this type (float32, bfloat16 or
    /// float16), on the CPU multiplied in float32; everything else is in float32. The last digits of a row's result
    /// may depend on the other rows of its batch.
    Tensors(Device, DType),
}

/// Loads an encoder-decoder model from a directory in the layout of its Hub repository.
///
/// # Errors
/// Fails with an error of kind `Model`, with the file and the key or tensor that is missing or does not fit; of kind
/// `Memory` if the device has no memory left for the weights.
pub fn load_from_directory(
    directory: &Path,
    architecture: Architecture,
    config_json: &Value,
    ids: OutputTokenIds,
    computation: ComputeBackend,
) -> Result<Box<dyn TranslationModel>> {
    let path = directory.join("config.json");
    let config = Seq2SeqConfig::from_json(architecture, config_json, &path)?;
    let spec = make_spec(&config, ids, &path)?;
    Ok(match computation {
        ComputeBackend::Cpu(activations) => load_for_cpu(directory, config, spec, activations)?,
        ComputeBackend::Tensors(device, dtype) => {
            let checkpoint = Checkpoint::open(directory)?;
            Box::new(load::load_model(
                config,
                spec,
                &checkpoint,
                &TensorWeightForm { device, dtype },
            )?)
        }
    })
}

/// Loads an encoder-decoder model in CTranslate2's format: a `model.bin`, and a `config.json`, which may be null.
///
/// # Errors
/// Fails with an error of kind `Model`, with the file and the variable that is missing, does not fit, or stands for
/// something that plae does not compute; of kind `Memory` if the device has no memory left for the weights.
pub(crate) fn load_ct2(
    directory: &Path,
    config_json: &Value,
    ids: OutputTokenIds,
    computation: ComputeBackend,
) -> Result<Box<dyn TranslationModel>> {
    let weights = Ct2Weights::open(directory)?;
    let config = Seq2SeqConfig::from_ct2(&weights, config_json)?;
    let spec = make_spec(&config, ids, &directory.join(CT2_FILE_NAME))?;
    let model: Box<dyn TranslationModel> = match computation {
        ComputeBackend::Cpu(activations) => {
            let form = CpuWeightForm {
                activations,
                scales: ScaleGrouping::Row,
            };
            Box::new(load::load_model(config, spec, &weights, &form)?)
        }
        ComputeBackend::Tensors(device, dtype) => Box::new(load::load_model(
            config,
            spec,
            &weights,
            &TensorWeightForm { device, dtype },
        )?),
    };
    ct2::refuse_unread(&weights)?;
    Ok(model)
}

/// Describes the model in a directory with a `model.bin`, without loading its weights.
///
/// # Errors
/// Fails with an error of kind `Model` if `model.bin` is damaged, or is not an encoder-decoder's.
pub(crate) fn describe_ct2(directory: &Path, lists: &TokenLists) -> Result<Ct2Description> {
    let weights = Ct2Weights::open(directory)?;
    let tokens = lists.target_set();
    Ok(Ct2Description {
        architecture: ct2::recognise_architecture(&weights, &|token| tokens.contains(token))?,
        is_int8: weights.is_int8("decoder/embeddings/weight"),
        vocabularies: ["encoder/embeddings_0/weight", "decoder/embeddings/weight"].map(|name| {
            weights
                .shape(name)
                .and_then(|shape| shape.first().copied())
                .unwrap_or(0)
        }),
    })
}

/// The facts about a model in CTranslate2's format that are known without loading its weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ct2Description {
    /// The architecture whose conventions it follows.
    pub architecture: Architecture,
    /// Whether its weights are 8-bit integers.
    pub is_int8: bool,
    /// Number of rows of the embedding of the source, and of the target.
    pub vocabularies: [usize; 2],
}

/// Checks the start and end tokens, whose file is `path`, and gives the facts that search needs.
fn make_spec(config: &Seq2SeqConfig, ids: OutputTokenIds, path: &Path) -> Result<ModelSpec> {
    let vocabulary = config.decoder.vocabulary;
    let OutputTokenIds { start, end, allowed } = ids;
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
    let mut spec = ModelSpec {
        vocabulary,
        source_vocabulary: config.encoder.vocabulary,
        max_positions: config.max_positions.unwrap_or(usize::MAX),
        end,
        start,
        output: None,
    };
    spec.restrict_output(allowed);
    Ok(spec)
}

/// Loads a model for the CPU. 8-bit weights are read from the file that an earlier load wrote; if there is none, they
/// are made from the checkpoint, and the file is written for the next load.
fn load_for_cpu(
    directory: &Path,
    config: Seq2SeqConfig,
    spec: ModelSpec,
    activations: ActivationPrecision,
) -> Result<Box<dyn TranslationModel>> {
    let form = CpuWeightForm {
        activations,
        scales: ScaleGrouping::Row,
    };
    if activations == ActivationPrecision::F32 {
        let checkpoint = Checkpoint::open(directory)?;
        return Ok(Box::new(load::load_model(config, spec, &checkpoint, &form)?));
    }
    if let Some(cache) = Int8Cache::open(directory) {
        return Ok(Box::new(load::load_model(config, spec, &cache, &form)?));
    }
    let recorder = Int8Recorder::new(Checkpoint::open(directory)?);
    let model = load::load_model(config, spec, &recorder, &form)?;
    recorder.write_int8_cache(directory);
    Ok(Box::new(model))
}

/// The weights of self-attention: a sequence attends to its own tokens.
struct SelfAttention<M, V> {
    norm: Norm<V>,
    /// Projects a token to its queries, keys and values, which follow each other in the output.
    project: Linear<M, V>,
    output: Linear<M, V>,
}

/// The weights of cross-attention: the decoder attends to the encoder's output for the source.
struct CrossAttention<M, V> {
    norm: Norm<V>,
    query: Linear<M, V>,
    /// Projects the encoder's output to keys and values, which follow each other in the output.
    key_value: Linear<M, V>,
    output: Linear<M, V>,
}

/// The weights of a feed-forward layer, with or without a gate.
struct FeedForward<M, V> {
    norm: Norm<V>,
    up: Linear<M, V>,
    /// Projection whose output multiplies the activated output of `up`; none if the layer has no gate.
    gate: Option<Linear<M, V>>,
    down: Linear<M, V>,
}

/// The weights of one transformer layer of the encoder or of the decoder.
struct TransformerLayer<M, V> {
    attention: SelfAttention<M, V>,
    /// Cross-attention over the source; only a decoder's layers have it.
    cross: Option<CrossAttention<M, V>>,
    feed_forward: FeedForward<M, V>,
}

/// The weights of the encoder or of the decoder, with matrices of type `M` and vectors of type `V`.
struct LayerStack<M, V> {
    embedding: M,
    /// Position embeddings; none if positions act as a bias on attention instead (T5).
    positions: Option<PositionTable<V>>,
    embedding_norm: Option<Norm<V>>,
    /// Bias on attention scores for each range of distances between query and key, `(buckets, heads)` (T5); none if
    /// there are position embeddings instead.
    relative_bias: Option<V>,
    layers: Vec<TransformerLayer<M, V>>,
    final_norm: Option<Norm<V>>,
    heads: HeadDimensions,
}

/// Number and size of the attention heads of one layer.
#[derive(Clone, Copy)]
struct HeadDimensions {
    /// Number of heads.
    count: usize,
    /// Number of values of one head (`head_dim`).
    dim: usize,
    /// Factor on the dot products of queries and keys.
    scale: f32,
}

impl HeadDimensions {
    /// Returns the width of all attention heads together, for one token: number of heads times the elements of each.
    fn total_width(self) -> usize {
        self.count * self.dim
    }
}

/// A loaded encoder-decoder model.
struct Seq2SeqModel<M, V> {
    config: Seq2SeqConfig,
    spec: ModelSpec,
    encoder: LayerStack<M, V>,
    decoder: LayerStack<M, V>,
    output: Linear<M, V>,
}

/// A table of position embeddings, and for each token the row of the table that is added to it; none if the model has
/// no position embeddings.
type PositionEmbeddings<V> = Option<(Arc<V>, Vec<u32>)>;

impl<M, V> LayerStack<M, V> {
    /// Finds the position embeddings of the tokens `ids`, which stand at `positions`; checks the ids against a
    /// vocabulary of `rows` tokens.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` for a token outside the vocabulary or a position beyond the model's last;
    /// the errors of `upload_rows`.
    fn find_position_embeddings(
        &self,
        ids: &[u32],
        positions: &[usize],
        rows: usize,
        upload_rows: UploadRows<V>,
    ) -> Result<PositionEmbeddings<V>> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
            let message = format!("token {id} is outside the model's vocabulary of {rows}");
            return Err(Error::model(message));
        }
        let table = self.positions.as_ref();
        table
            .map(|table| table.look_up_rows(ids, positions, upload_rows))
            .transpose()
    }
}

/// Checks that every source has at least one token; an error of kind `Model` otherwise.
fn check_sources_nonempty(sources: &[&[u32]]) -> Result<()> {
    if sources.iter().any(|source| source.is_empty()) {
        Err(Error::model("a source has no tokens"))
    } else {
        Ok(())
    }
}
