//! Decoder-only models: Gemma 2 and 3, Qwen 3, Hunyuan dense, Llama, Mistral, from a Hub repository's files or from a GGUF
//! file (reference: transformers `modeling_{gemma2,gemma3,qwen3,hunyuan_v1_dense,llama,mistral}.py`, llama.cpp).
//!
//! One forward pass, in `cpu`, serves all: `config` holds what differs. Own, because candle-transformers' modules take one
//! sentence at a time, and its quantized Gemma 3 has the wrong activation and ignores RoPE scaling.

mod config;
mod cpu;
mod kv_cache;
mod load;
mod rope;
#[cfg(test)]
pub(crate) mod tests;
mod variant;

use super::cpu::matrix::Activations;
use super::cpu::ops::Norm;
use super::linear::Linear;
use super::weights::gguf::{Gguf, StoredRows};
use super::weights::{CpuForm, GgufWeights, Scales, TextPart};
use super::{Architecture, OutputIds, Spec, TranslationModel};
use crate::error::{Error, Result};
use config::Config;
use serde_json::Value;
use std::path::Path;

/// One transformer layer, its matrices of form `M` and its vectors of form `V`.
struct Layer<M, V> {
    attention_norm: Norm<V>,
    query: Linear<M, V>,
    key: Linear<M, V>,
    value: Linear<M, V>,
    /// Norms of each head's queries and keys.
    query_norm: Option<Norm<V>>,
    key_norm: Option<Norm<V>>,
    output: Linear<M, V>,
    post_attention_norm: Option<Norm<V>>,
    feed_forward_norm: Norm<V>,
    gate: Linear<M, V>,
    up: Linear<M, V>,
    down: Linear<M, V>,
    post_feed_forward_norm: Option<Norm<V>>,
}

/// The embedding of source tokens, `(vocabulary, hidden_size)`.
enum Embedding<M> {
    /// In memory; perhaps the output projection too.
    Loaded(M),
    /// Left in the file, its rows read as they are needed.
    Stored(StoredRows),
}

/// A loaded decoder-only model.
struct Decoder<M, V> {
    config: Config,
    spec: Spec,
    embedding: Embedding<M>,
    /// The output projection, or the rows of the ids that an output may hold.
    output: M,
    output_norm: Norm<V>,
    layers: Vec<Layer<M, V>>,
}

/// Loads a model from an open GGUF file.
///
/// Its quantised weights are used as they are, repacked. Of the output projection only the rows of the `allowed` ids and the
/// end ids are loaded; none stands for all.
///
/// # Errors
/// Of kind `Model`, with the file and the metadata key or tensor that is missing or does not fit.
pub fn from_gguf(
    gguf: &Gguf,
    allowed: Option<Vec<u32>>,
    activations: Activations,
) -> Result<Box<dyn TranslationModel>> {
    let name = gguf.string("general.architecture").unwrap_or("unknown");
    let Some(architecture) = Architecture::from_model_type(name).filter(|it| it.is_decoder_only()) else {
        let message = format!("a GGUF file of architecture `{name}` cannot be run");
        return Err(Error::model(message)
            .path(gguf.path())
            .place("key general.architecture"));
    };
    let config = Config::from_gguf(architecture, gguf)?;
    let ids = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"];
    let end = ids.iter().filter_map(|key| gguf.integer(key)).map(|id| id as u32);
    let ids = OutputIds {
        start: Vec::new(),
        end: end.filter(|id| (*id as usize) < config.vocabulary).collect(),
        allowed,
    };
    let source = GgufWeights::new(gguf, config.post_norms);
    Ok(Box::new(load::load(config, ids, &source, &cpu_form(activations))?))
}

/// Loads a model from a Hub repository's files; `config` is its parsed `config.json`.
///
/// # Errors
/// Of kind `Model`, with the file and the key or tensor that is missing or does not fit.
pub fn from_directory(
    directory: &Path,
    architecture: Architecture,
    config: &Value,
    ids: OutputIds,
    activations: Activations,
) -> Result<Box<dyn TranslationModel>> {
    let config = Config::read(architecture, config, &directory.join("config.json"))?;
    let source = TextPart::open(directory)?;
    Ok(Box::new(load::load(config, ids, &source, &cpu_form(activations))?))
}

fn cpu_form(activations: Activations) -> CpuForm {
    CpuForm {
        activations,
        scales: Scales::Block,
    }
}
