//! Decoder-only models: Gemma 2 and 3, Qwen 3, Hunyuan dense, Llama, Mistral, loaded from a Hub repository's files or
//! from a GGUF file (references: transformers `modeling_{gemma2,gemma3,qwen3,hunyuan_v1_dense,llama,mistral}.py`,
//! llama.cpp).
//!
//! One forward pass, in `cpu`, computes all of them; `config` holds their differences. plae has its own code because
//! candle-transformers' models take one sentence at a time, and its quantized Gemma 3 has the wrong activation and
//! ignores RoPE scaling.

mod config;
mod cpu;
mod gguf_config;
mod kv_cache;
mod load;
mod rope;
#[cfg(test)]
pub(crate) mod tests;
mod variant;

use super::cpu::matrix::ActivationPrecision;
use super::cpu::ops::Norm;
use super::linear::Linear;
use super::weights::gguf::{GgufFile, StoredRows};
use super::weights::{CpuWeightForm, GgufWeights, ScaleGrouping, TextPartWeights};
use super::{Architecture, ModelSpec, OutputTokenIds, TranslationModel};
use crate::error::{Error, Result};
use config::DecoderConfig;
use serde_json::Value;
use std::path::Path;

/// The weights of one transformer layer, with matrices of type `M` and vectors of type `V`.
struct TransformerLayer<M, V> {
    attention_norm: Norm<V>,
    query: Linear<M, V>,
    key: Linear<M, V>,
    value: Linear<M, V>,
    /// Norm of each head's queries (QK norm); none if the architecture has none.
    query_norm: Option<Norm<V>>,
    /// Norm of each head's keys (QK norm); none if the architecture has none.
    key_norm: Option<Norm<V>>,
    output: Linear<M, V>,
    /// Norm of the attention's output (Gemma); none if the architecture has none.
    post_attention_norm: Option<Norm<V>>,
    /// Norm of the feed-forward layer's input.
    feed_forward_norm: Norm<V>,
    gate: Linear<M, V>,
    up: Linear<M, V>,
    down: Linear<M, V>,
    /// Norm of the feed-forward layer's output (Gemma); none if the architecture has none.
    post_feed_forward_norm: Option<Norm<V>>,
}

/// The embedding matrix, `(vocabulary, hidden_size)`, from which the vectors of input tokens are looked up.
enum EmbeddingMatrix<M> {
    /// The embedding is loaded into memory; the output projection may be the same matrix.
    Loaded(M),
    /// The embedding stays in the GGUF file, and rows are read on demand.
    Stored(StoredRows),
}

/// A loaded decoder-only model.
struct DecoderModel<M, V> {
    config: DecoderConfig,
    spec: ModelSpec,
    embedding: EmbeddingMatrix<M>,
    /// The output projection, or only its rows for the ids to which the output is restricted.
    output: M,
    output_norm: Norm<V>,
    layers: Vec<TransformerLayer<M, V>>,
}

/// Loads a decoder-only model from an open GGUF file.
///
/// Quantised weights stay quantised; their blocks are only rearranged in memory.
///
/// # Errors
/// Fails with an error of kind `Model`, with the file and the metadata key or tensor that is missing, does not fit or is
/// not known.
pub fn load_from_gguf(
    gguf: &GgufFile,
    mut ids: OutputTokenIds,
    activations: ActivationPrecision,
) -> Result<Box<dyn TranslationModel>> {
    let name = gguf.read_string("general.architecture").unwrap_or("unknown");
    let Some(architecture) = Architecture::from_model_type(name).filter(|it| it.is_decoder_only()) else {
        let message = format!("a GGUF file of architecture `{name}` cannot be run");
        return Err(Error::model(message)
            .path(gguf.path())
            .place("key general.architecture"));
    };
    let config = DecoderConfig::from_gguf(architecture, gguf)?;
    ids.end.retain(|id| (*id as usize) < config.vocabulary);
    let source = GgufWeights::new(gguf, config.post_norms);
    let model = load::load_model(config, ids, &source, &cpu_weight_form(activations))?;
    source.check_all_used()?;
    Ok(Box::new(model))
}

/// Loads a decoder-only model from a directory with a Hub repository's files; `config` is the parsed `config.json`.
///
/// # Errors
/// Fails with an error of kind `Model`, with the file and the key or tensor that is missing or does not fit.
pub fn load_from_directory(
    directory: &Path,
    architecture: Architecture,
    config: &Value,
    ids: OutputTokenIds,
    activations: ActivationPrecision,
) -> Result<Box<dyn TranslationModel>> {
    let config = DecoderConfig::from_json(architecture, config, &directory.join("config.json"))?;
    let source = TextPartWeights::open(directory)?;
    Ok(Box::new(load::load_model(
        config,
        ids,
        &source,
        &cpu_weight_form(activations),
    )?))
}

fn cpu_weight_form(activations: ActivationPrecision) -> CpuWeightForm {
    CpuWeightForm {
        activations,
        scales: ScaleGrouping::Block,
    }
}
