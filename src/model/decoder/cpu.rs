//! The forward pass of decoder-only models on the CPU, in float32 or 8 bits.
//!
//! A batch has no padding: the new tokens of all rows follow each other, and each token attends to its own row only.

use super::EmbeddingMatrix;
use super::kv_cache::{AttentionParameters, KvCache};
use super::rope::RotaryEmbedding;
use super::variant::QkNormPlacement;
use crate::error::{Error, Result};
use crate::model::cpu::matrix::Matrix;
use crate::model::cpu::ops::Norm;
use crate::model::cpu::parallel::for_each_row_in_parallel;
use crate::model::linear::Linear;
use crate::model::{DecodingState, ModelSpec, TranslationModel, candle_error};
use candle_core::{Device, Tensor};
use std::sync::Arc;

type TransformerLayer = super::TransformerLayer<Arc<Matrix>, Vec<f32>>;
type DecoderModel = super::DecoderModel<Arc<Matrix>, Vec<f32>>;

/// Applies a norm to each row and gives the normalised rows.
fn normalise_rows(norm: &Norm, rows: &[f32]) -> Vec<f32> {
    let width = norm.weight.len();
    let mut out = vec![0f32; rows.len()];
    for_each_row_in_parallel(&mut out, width, 4, |row, out| {
        norm.normalise_row_into(&rows[row * width..][..width], out)
    });
    out
}

/// Adds the rows of `from`, of `width` values each, to those of `to`; applies `norm` to each row of `from` first, if
/// given.
fn add_normed_rows(to: &mut [f32], width: usize, from: &[f32], norm: Option<&Norm>) {
    for_each_row_in_parallel(to, width, 5, |row, to| {
        let from = &from[row * width..][..width];
        let mut own = Vec::new();
        let from = match norm {
            Some(norm) => {
                own.resize(width, 0.0);
                norm.normalise_row_into(from, &mut own);
                &own
            }
            None => from,
        };
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    });
}

impl DecoderModel {
    /// Applies QK norm and RoPE to the queries or keys of each token, `(tokens, heads * head_dim)`, in the order that
    /// the architecture has.
    fn norm_and_rotate_heads(
        &self,
        values: &mut [f32],
        heads: usize,
        norm: Option<&Norm>,
        rope: &RotaryEmbedding,
        angles: &[[f32; 2]],
    ) {
        let dim = self.config.head_dim;
        for_each_row_in_parallel(values, heads * dim, 8, |token, row| {
            let angles = &angles[token * (dim / 2)..][..dim / 2];
            let mut normed = vec![0f32; dim];
            for head in row.chunks_exact_mut(dim) {
                let mut norm_head = |head: &mut [f32]| {
                    if let Some(norm) = norm {
                        norm.normalise_row_into(head, &mut normed);
                        head.copy_from_slice(&normed);
                    }
                };
                if self.config.head_norm == QkNormPlacement::AfterRope {
                    rope.rotate_head(head, angles);
                    norm_head(head);
                } else {
                    norm_head(head);
                    rope.rotate_head(head, angles);
                }
            }
        });
    }

    /// Runs the model over `counts[row]` new tokens of each row, whose ids follow each other in `ids`; gives the
    /// logits of each row's last token, `(rows, vocabulary)`.
    fn forward(&self, ids: &[u32], counts: &[usize], cache: &mut KvCache) -> Result<Tensor> {
        let config = &self.config;
        let positions = self.new_token_positions(ids, counts, cache)?;
        let global = config.rope.compute_cosines_and_sines(&positions);
        let local = config
            .local_rope
            .as_ref()
            .map(|rope| rope.compute_cosines_and_sines(&positions));
        let mut hidden = self.embed_tokens(ids)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let windowed = config.windows[index].is_some();
            let angles = local.as_ref().filter(|_| windowed).unwrap_or(&global);
            self.add_attention(&mut hidden, index, layer, counts, angles, cache);
            self.add_feed_forward(&mut hidden, layer);
        }
        cache.add_cached_tokens(counts);
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
    fn new_token_positions(&self, ids: &[u32], counts: &[usize], cache: &KvCache) -> Result<Vec<usize>> {
        let config = &self.config;
        let mut positions = Vec::with_capacity(ids.len());
        for (row, count) in counts.iter().enumerate() {
            positions.extend((0..*count).map(|i| cache.next_position(row) + i));
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
    fn embed_tokens(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let mut hidden = Vec::with_capacity(ids.len() * self.config.hidden_size);
        let scale = self.config.embedding_scale;
        match &self.embedding {
            EmbeddingMatrix::Loaded(matrix) => ids
                .iter()
                .for_each(|id| matrix.dequantize_row(*id as usize, scale, &mut hidden)),
            EmbeddingMatrix::Stored(stored) => stored.append_rows(ids, scale, &mut hidden).map_err(candle_error)?,
        }
        Ok(hidden)
    }

    /// Computes a layer's attention and adds the result to `hidden`; the new tokens' keys and values are appended to
    /// the cache.
    fn add_attention(
        &self,
        hidden: &mut [f32],
        index: usize,
        layer: &TransformerLayer,
        counts: &[usize],
        angles: &[[f32; 2]],
        cache: &mut KvCache,
    ) {
        let config = &self.config;
        let rope = config.rope_of_layer(index);
        let x = normalise_rows(&layer.attention_norm, hidden);
        let [mut query, mut key, value] = Linear::forward_many([&layer.query, &layer.key, &layer.value], &x);
        self.norm_and_rotate_heads(&mut query, config.heads, layer.query_norm.as_ref(), rope, angles);
        self.norm_and_rotate_heads(&mut key, config.kv_heads, layer.key_norm.as_ref(), rope, angles);
        let heads = AttentionParameters {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            scale: config.attention_scale,
            cap: config.attention_cap,
            window: config.windows[index],
        };
        let attended = cache.append_and_attend(index, &heads, counts, &query, &key, &value);
        let output = layer.output.forward(&attended);
        add_normed_rows(hidden, config.hidden_size, &output, layer.post_attention_norm.as_ref());
    }

    /// Computes a layer's gated feed-forward part and adds the result to `hidden`.
    fn add_feed_forward(&self, hidden: &mut [f32], layer: &TransformerLayer) {
        let config = &self.config;
        let x = normalise_rows(&layer.feed_forward_norm, hidden);
        let [mut gate, up] = Linear::forward_many([&layer.gate, &layer.up], &x);
        for_each_row_in_parallel(&mut gate, config.feed_forward, 8, |row, gate| {
            config.activation.activate_in_place(gate);
            for (gate, up) in gate.iter_mut().zip(&up[row * config.feed_forward..]) {
                *gate *= up;
            }
        });
        let output = layer.down.forward(&gate);
        add_normed_rows(
            hidden,
            config.hidden_size,
            &output,
            layer.post_feed_forward_norm.as_ref(),
        );
    }
}

impl TranslationModel for DecoderModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn begin_decoding(
        &self,
        prefixes: &[Option<&DecodingState>],
        sources: &[&[u32]],
    ) -> Result<(DecodingState, Tensor)> {
        if sources.iter().any(|source| source.is_empty()) {
            return Err(Error::model("a source has no tokens"));
        }
        let mut cache = KvCache::new(self.layers.len(), sources.len(), prefixes)?;
        let counts: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let logits = self.forward(&sources.concat(), &counts, &mut cache)?;
        Ok((cache.into_state(), logits))
    }

    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor> {
        let cache = KvCache::downcast_state_mut(state)?;
        if last.len() != cache.row_count() {
            return Err(Error::model(format!(
                "{} tokens for {} rows",
                last.len(),
                cache.row_count()
            )));
        }
        self.forward(last, &vec![1; last.len()], cache)
    }
}
