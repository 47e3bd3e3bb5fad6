//! Decoder-only models on the CPU: Gemma 2 and 3, Qwen 3, Hunyuan dense, Llama, Mistral, from a Hub repository's files or
//! from a GGUF file (reference: transformers `modeling_{gemma2,gemma3,qwen3,hunyuan_v1_dense,llama,mistral}.py`, llama.cpp).
//!
//! One forward pass for all; what differs is in `config`. Own, because candle-transformers' modules take one sentence at a
//! time, and its quantized Gemma 3 has the wrong activation and ignores RoPE scaling. A batch has no padding: the new tokens
//! of all rows stand one after the other, and attention keeps to its row.

mod cache;
mod config;
mod load;
mod rope;
#[cfg(test)]
pub(crate) mod tests;

use super::cpu::matrix::{Activations, Matrix};
use super::cpu::ops::Norm;
use super::cpu::parallel::parallel_rows;
use super::weights::gguf::{Gguf, StoredRows};
use super::{Architecture, OutputIds, Spec, State, TranslationModel, candle_error};
use crate::error::{Error, Result};
use cache::{Cache, Heads};
use candle_core::{Device, Tensor};
use config::{Config, HeadNorm};
use rope::Rope;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A matrix with an optional bias.
struct Linear {
    weight: Matrix,
    bias: Option<Vec<f32>>,
}

impl Linear {
    fn of(&self, rows: &[f32]) -> Vec<f32> {
        self.weight.matmul_bias(rows, self.bias.as_deref())
    }

    /// Several of the same rows.
    fn all<const N: usize>(these: [&Self; N], rows: &[f32]) -> [Vec<f32>; N] {
        Matrix::matmul_many(these.map(|this| (&this.weight, this.bias.as_deref())), rows)
    }
}

struct Layer {
    attention_norm: Norm,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<Norm>,
    key_norm: Option<Norm>,
    output: Linear,
    post_attention_norm: Option<Norm>,
    feed_forward_norm: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
    post_feed_forward_norm: Option<Norm>,
}

/// Where the vectors of source tokens are.
enum Embedding {
    /// Perhaps the output projection too.
    Packed(Arc<Matrix>),
    Stored(StoredRows),
}

/// A loaded decoder-only model.
struct Decoder {
    config: Config,
    spec: Spec,
    /// `(vocabulary, width)`.
    embedding: Embedding,
    /// The output projection, or the rows that are left of it.
    output: Arc<Matrix>,
    output_norm: Norm,
    layers: Vec<Layer>,
}

/// Loads a model from an open GGUF file. Its quantized weights are used as they are, repacked; of the output projection the
/// rows of the `allowed` ids, if not all.
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
    let end = end.filter(|id| (*id as usize) < config.vocabulary).collect();
    let model = load::model(config, end, allowed, &load::Source::Gguf(gguf), activations)?;
    Ok(Box::new(model))
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
    let source = load::Source::open(directory)?;
    Ok(Box::new(load::model(
        config,
        ids.end,
        ids.allowed,
        &source,
        activations,
    )?))
}

/// The norm of each row.
fn normed(norm: &Norm, rows: &[f32]) -> Vec<f32> {
    let width = norm.weight.len();
    let mut out = vec![0f32; rows.len()];
    parallel_rows(&mut out, width, 4, |row, out| {
        norm.apply_row(&rows[row * width..][..width], out)
    });
    out
}

/// Adds each row of `width` values of `from`, normed where there is a norm.
fn add(to: &mut [f32], width: usize, from: &[f32], norm: Option<&Norm>) {
    parallel_rows(to, width, 5, |row, to| {
        let from = &from[row * width..][..width];
        let mut own = Vec::new();
        let from = match norm {
            Some(norm) => {
                own.resize(width, 0.0);
                norm.apply_row(from, &mut own);
                &own
            }
            None => from,
        };
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    });
}

impl Decoder {
    /// Norms and rotates the heads of each token's queries or keys, `(tokens, heads * dim)`.
    fn place(&self, values: &mut [f32], heads: usize, norm: Option<&Norm>, rope: &Rope, angles: &[[f32; 2]]) {
        let dim = self.config.dim;
        parallel_rows(values, heads * dim, 8, |token, row| {
            let angles = &angles[token * (dim / 2)..][..dim / 2];
            let mut normed = vec![0f32; dim];
            for head in row.chunks_exact_mut(dim) {
                let mut norm_head = |head: &mut [f32]| {
                    if let Some(norm) = norm {
                        norm.apply_row(head, &mut normed);
                        head.copy_from_slice(&normed);
                    }
                };
                if self.config.head_norm == HeadNorm::AfterRope {
                    rope.rotate(head, angles);
                    norm_head(head);
                } else {
                    norm_head(head);
                    rope.rotate(head, angles);
                }
            }
        });
    }

    /// Runs `counts[row]` new tokens of each row, row after row; logits of each row's last.
    fn forward(&self, ids: &[u32], counts: &[usize], cache: &mut Cache) -> Result<Tensor> {
        let config = &self.config;
        let mut positions = Vec::with_capacity(ids.len());
        for (row, count) in counts.iter().enumerate() {
            positions.extend((0..*count).map(|i| cache.position(row) + i));
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= config.vocabulary) {
            let message = format!("token {id} is outside the model's vocabulary of {}", config.vocabulary);
            return Err(Error::model(message));
        }
        if positions.iter().any(|position| *position >= config.max_positions) {
            let message = format!("more than the model's {} positions", config.max_positions);
            return Err(Error::model(message));
        }
        let global = config.rope.angles(&positions);
        let local = config.local_rope.as_ref().map(|rope| rope.angles(&positions));
        let mut hidden = Vec::with_capacity(ids.len() * config.width);
        let scale = config.embedding_scale;
        match &self.embedding {
            Embedding::Packed(packed) => ids
                .iter()
                .for_each(|id| packed.dequantize_row(*id as usize, scale, &mut hidden)),
            Embedding::Stored(stored) => stored.read(ids, scale, &mut hidden).map_err(candle_error)?,
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let (rope, window) = (config.rope(index), config.windows[index]);
            let angles = local.as_ref().filter(|_| window.is_some()).unwrap_or(&global);
            let x = normed(&layer.attention_norm, &hidden);
            let [mut query, mut key, value] = Linear::all([&layer.query, &layer.key, &layer.value], &x);
            self.place(&mut query, config.queries, layer.query_norm.as_ref(), rope, angles);
            self.place(&mut key, config.groups, layer.key_norm.as_ref(), rope, angles);
            let heads = Heads {
                dim: config.dim,
                queries: config.queries,
                groups: config.groups,
                scale: config.attention_scale,
                cap: config.attention_cap,
                window,
            };
            let x = cache.attend(index, &heads, counts, &query, &key, &value);
            add(
                &mut hidden,
                config.width,
                &layer.output.of(&x),
                layer.post_attention_norm.as_ref(),
            );

            let x = normed(&layer.feed_forward_norm, &hidden);
            let [mut gate, up] = Linear::all([&layer.gate, &layer.up], &x);
            parallel_rows(&mut gate, config.feed_forward, 8, |row, gate| {
                config.activation.apply(gate);
                for (gate, up) in gate.iter_mut().zip(&up[row * config.feed_forward..]) {
                    *gate *= up;
                }
            });
            add(
                &mut hidden,
                config.width,
                &layer.down.of(&gate),
                layer.post_feed_forward_norm.as_ref(),
            );
        }
        cache.advance(counts);
        let mut last = Vec::with_capacity(counts.len() * config.width);
        let mut end = 0;
        for count in counts {
            end += count;
            last.extend_from_slice(&hidden[(end - 1) * config.width..end * config.width]);
        }
        let mut logits = self.output.matmul(&normed(&self.output_norm, &last));
        if let Some(cap) = config.logit_cap {
            logits.iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
        }
        Tensor::from_vec(logits, (counts.len(), self.output.rows), &Device::Cpu).map_err(candle_error)
    }
}

impl TranslationModel for Decoder {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn begin(&self, prefixes: &[Option<&State>], sources: &[&[u32]]) -> Result<(State, Tensor)> {
        if sources.iter().any(|source| source.is_empty()) {
            return Err(Error::model("a source has no tokens"));
        }
        let mut cache = Cache::new(self.layers.len(), sources.len(), prefixes)?;
        let counts: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let logits = self.forward(&sources.concat(), &counts, &mut cache)?;
        Ok((cache.into_state(), logits))
    }

    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor> {
        let cache = Cache::of_mut(state)?;
        if last.len() != cache.rows() {
            return Err(Error::model(format!("{} tokens for {} rows", last.len(), cache.rows())));
        }
        self.forward(last, &vec![1; last.len()], cache)
    }
}
