//! The forward pass of decoder-only models on the CPU, in float32 or 8 bits.
//!
//! A batch has no padding: the new tokens of all rows follow each other, and each token attends to its own row only.

use super::Embedding;
use super::kv_cache::{AttentionHeads, KvCache};
use super::rope::Rope;
use super::variant::HeadNorm;
use crate::error::{Error, Result};
use crate::model::cpu::matrix::Matrix;
use crate::model::cpu::ops::Norm;
use crate::model::cpu::parallel::parallel_rows;
use crate::model::linear::Linear;
use crate::model::{Spec, State, TranslationModel, candle_error};
use candle_core::{Device, Tensor};
use std::sync::Arc;

type Layer = super::Layer<Arc<Matrix>, Vec<f32>>;
type Decoder = super::Decoder<Arc<Matrix>, Vec<f32>>;

/// Applies a norm to each row and gives the normalised rows.
fn normalise_rows(norm: &Norm, rows: &[f32]) -> Vec<f32> {
    let width = norm.weight.len();
    let mut out = vec![0f32; rows.len()];
    parallel_rows(&mut out, width, 4, |row, out| {
        norm.apply_row(&rows[row * width..][..width], out)
    });
    out
}

/// Adds the rows of `from`, of `width` values each, to those of `to`; applies `norm` to each row of `from` first, if
/// given.
fn add_rows(to: &mut [f32], width: usize, from: &[f32], norm: Option<&Norm>) {
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
    /// Applies QK norm and RoPE to the queries or keys of each token, `(tokens, heads * head_dim)`, in the order that
    /// the architecture has.
    fn rotate_heads(&self, values: &mut [f32], heads: usize, norm: Option<&Norm>, rope: &Rope, angles: &[[f32; 2]]) {
        let dim = self.config.head_dim;
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

    /// Runs the model over `counts[row]` new tokens of each row, whose ids follow each other in `ids`; gives the
    /// logits of each row's last token, `(rows, vocabulary)`.
    fn forward(&self, ids: &[u32], counts: &[usize], cache: &mut KvCache) -> Result<Tensor> {
        let config = &self.config;
        let positions = self.positions(ids, counts, cache)?;
        let global = config.rope.angles(&positions);
        let local = config.local_rope.as_ref().map(|rope| rope.angles(&positions));
        let mut hidden = self.embed(ids)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let windowed = config.windows[index].is_some();
            let angles = local.as_ref().filter(|_| windowed).unwrap_or(&global);
            self.attend(&mut hidden, index, layer, counts, angles, cache);
            self.feed_forward(&mut hidden, layer);
        }
        cache.advance(counts);
        let mut last = Vec::with_capacity(counts.len() * config.hidden_size);
        let mut end = 0;
        for count in counts {
            end += count;
            last.extend_from_slice(&hidden[(end - 1) * config.hidden_size..end * config.hidden_size]);
        }
        let mut logits = self.output.matmul(&normalise_rows(&self.output_norm, &last));
        if let Some(cap) = config.logit_cap {
            logits.iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
        }
        Tensor::from_vec(logits, (counts.len(), self.output.rows), &Device::Cpu).map_err(candle_error)
    }

    /// Gives the positions of the new tokens. Fails if a token is outside the vocabulary or a position is beyond the
    /// model's last.
    fn positions(&self, ids: &[u32], counts: &[usize], cache: &KvCache) -> Result<Vec<usize>> {
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
        Ok(positions)
    }

    /// Looks up the embeddings of tokens, `(tokens, hidden_size)`.
    fn embed(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let mut hidden = Vec::with_capacity(ids.len() * self.config.hidden_size);
        let scale = self.config.embedding_scale;
        match &self.embedding {
            Embedding::Loaded(matrix) => ids
                .iter()
                .for_each(|id| matrix.dequantize_row(*id as usize, scale, &mut hidden)),
            Embedding::Stored(stored) => stored.read(ids, scale, &mut hidden).map_err(candle_error)?,
        }
        Ok(hidden)
    }

    /// Computes a layer's attention and adds the result to `hidden`; the new tokens' keys and values are appended to
    /// the cache.
    fn attend(
        &self,
        hidden: &mut [f32],
        index: usize,
        layer: &Layer,
        counts: &[usize],
        angles: &[[f32; 2]],
        cache: &mut KvCache,
    ) {
        let config = &self.config;
        let rope = config.rope(index);
        let x = normalise_rows(&layer.attention_norm, hidden);
        let [mut query, mut key, value] = Linear::forward_many([&layer.query, &layer.key, &layer.value], &x);
        self.rotate_heads(&mut query, config.heads, layer.query_norm.as_ref(), rope, angles);
        self.rotate_heads(&mut key, config.kv_heads, layer.key_norm.as_ref(), rope, angles);
        let heads = AttentionHeads {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            scale: config.attention_scale,
            cap: config.attention_cap,
            window: config.windows[index],
        };
        let attended = cache.attend(index, &heads, counts, &query, &key, &value);
        let output = layer.output.forward(&attended);
        add_rows(hidden, config.hidden_size, &output, layer.post_attention_norm.as_ref());
    }

    /// Computes a layer's gated feed-forward part and adds the result to `hidden`.
    fn feed_forward(&self, hidden: &mut [f32], layer: &Layer) {
        let config = &self.config;
        let x = normalise_rows(&layer.feed_forward_norm, hidden);
        let [mut gate, up] = Linear::forward_many([&layer.gate, &layer.up], &x);
        parallel_rows(&mut gate, config.feed_forward, 8, |row, gate| {
            config.activation.apply(gate);
            for (gate, up) in gate.iter_mut().zip(&up[row * config.feed_forward..]) {
                *gate *= up;
            }
        });
        let output = layer.down.forward(&gate);
        add_rows(
            hidden,
            config.hidden_size,
            &output,
            layer.post_feed_forward_norm.as_ref(),
        );
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
        let mut cache = KvCache::new(self.layers.len(), sources.len(), prefixes)?;
        let counts: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let logits = self.forward(&sources.concat(), &counts, &mut cache)?;
        Ok((cache.into_state(), logits))
    }

    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor> {
        let cache = KvCache::from_state(state)?;
        if last.len() != cache.rows() {
            return Err(Error::model(format!("{} tokens for {} rows", last.len(), cache.rows())));
        }
        self.forward(last, &vec![1; last.len()], cache)
    }
}
