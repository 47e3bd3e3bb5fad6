//! The forward pass of encoder-decoders on the CPU, in float32 or 8 bits.
//!
//! A batch has no padding: the tokens of all sentences follow each other, and each token attends to its own sentence
//! only.

use super::check_sources_nonempty;
use super::config::{PositionScheme, Seq2SeqConfig};
use super::state::DecoderState;
use crate::error::{Error, Result};
use crate::model::cpu::attention::{QueryGroup, QueryVectors, attend_query_groups};
use crate::model::cpu::matrix::Matrix;
use crate::model::cpu::ops::{ActivationFunction, Norm};
use crate::model::cpu::parallel::for_each_row_chunk_in_parallel;
use crate::model::{DecodingState, ModelSpec, TranslationModel, candle_error};
use candle_core::{Device, Tensor};
use std::ops::Range;
use std::sync::Arc;

type FeedForward = super::FeedForward<Arc<Matrix>, Vec<f32>>;
type TransformerLayer = super::TransformerLayer<Arc<Matrix>, Vec<f32>>;
type LayerStack = super::LayerStack<Arc<Matrix>, Vec<f32>>;
type Seq2SeqModel = super::Seq2SeqModel<Arc<Matrix>, Vec<f32>>;

/// Adds each value of `from` to the value of `to` at the same index.
fn add_values(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

impl FeedForward {
    fn forward(&self, rows: &[f32], activation: ActivationFunction) -> Vec<f32> {
        let mut up = self.up.forward(rows);
        let gate = self.gate.as_ref().map(|gate| gate.forward(rows));
        let len = up.len();
        for_each_row_chunk_in_parallel(&mut up, 1, len * 8, |first, up| {
            activation.activate_in_place(up);
            if let Some(gate) = &gate {
                for (up, gate) in up.iter_mut().zip(&gate[first..]) {
                    *up *= gate;
                }
            }
        });
        self.down.forward(&up)
    }
}

impl LayerStack {
    /// Looks up the embeddings of tokens and adds those of their positions; gives `(tokens, hidden_size)`. With
    /// `from_zero`, a token at the first position has an embedding of zeros.
    fn embed_tokens(
        &self,
        ids: &[u32],
        positions: &[usize],
        config: &Seq2SeqConfig,
        from_zero: bool,
    ) -> Result<Vec<f32>> {
        let position_embeddings =
            self.find_position_embeddings(ids, positions, self.embedding.rows, &|rows, _| Ok(rows))?;
        let mut rows = Vec::with_capacity(ids.len() * config.hidden_size);
        for (id, position) in ids.iter().zip(positions) {
            let scale = if from_zero && *position == 0 {
                0.0
            } else {
                config.embedding_scale
            };
            self.embedding.dequantize_row(*id as usize, scale, &mut rows);
        }
        if let Some((table, numbers)) = position_embeddings {
            for (row, number) in rows.chunks_exact_mut(config.hidden_size).zip(numbers) {
                add_values(row, &table[number as usize * config.hidden_size..]);
            }
        }
        Ok(match &self.embedding_norm {
            Some(norm) => norm.normalise_rows(&rows),
            None => rows,
        })
    }

    /// Computes a layer's feed-forward part on `hidden` and adds the result to it.
    fn add_feed_forward(&self, hidden: &mut Vec<f32>, layer: &TransformerLayer, config: &Seq2SeqConfig) {
        let FeedForward { norm, .. } = &layer.feed_forward;
        self.add_residual(hidden, norm, config.norm_first, |x| {
            layer.feed_forward.forward(x, config.activation)
        });
    }

    /// Normalises the last layer's output, if the model has a final norm.
    fn apply_final_norm(&self, hidden: Vec<f32>) -> Vec<f32> {
        match &self.final_norm {
            Some(norm) => norm.normalise_rows(&hidden),
            None => hidden,
        }
    }

    /// Computes a residual connection, `hidden + f(hidden)`. The norm is applied to the input of `f` if `first`,
    /// otherwise to the sum.
    fn add_residual(&self, hidden: &mut Vec<f32>, norm: &Norm, first: bool, f: impl FnOnce(&[f32]) -> Vec<f32>) {
        if first {
            let out = f(&norm.normalise_rows(hidden));
            add_values(hidden, &out);
        } else {
            let out = f(hidden);
            add_values(hidden, &out);
            *hidden = norm.normalise_rows(hidden);
        }
    }
}

impl Seq2SeqModel {
    /// Gives the bias on the attention score of a head at the distance `key - query`; 0 if the model has no such
    /// bias.
    fn distance_bias(&self, stack: &LayerStack, both_ways: bool, head: usize, distance: isize) -> f32 {
        match (self.config.positions, &stack.relative_bias) {
            (PositionScheme::Relative { buckets, most }, Some(bias)) => {
                bias[PositionScheme::distance_bucket(distance, both_ways, buckets, most) * stack.heads.count + head]
            }
            _ => 0.0,
        }
    }

    /// Runs the encoder over all sentences, whose tokens follow each other; gives its output, `(tokens,
    /// hidden_size)`.
    fn run_encoder(&self, sources: &[&[u32]], sentences: &[Range<u32>]) -> Result<Vec<f32>> {
        let (stack, config) = (&self.encoder, &self.config);
        let positions: Vec<usize> = sources
            .iter()
            .flat_map(|source| config.source_positions(source))
            .collect();
        let mut hidden = stack.embed_tokens(&sources.concat(), &positions, config, false)?;
        let all: Vec<u32> = (0..sentences.last().map_or(0, |last| last.end)).collect();
        let groups: Vec<QueryGroup> = sentences
            .iter()
            .map(|range| range.start as usize..range.end as usize)
            .map(|range| QueryGroup {
                rows: range.clone(),
                slots: &all[range],
            })
            .collect();
        let stride = 3 * stack.heads.total_width();
        let relative = stack.relative_bias.is_some();
        for layer in &stack.layers {
            let attention = &layer.attention;
            stack.add_residual(&mut hidden, &attention.norm, config.norm_first, |x| {
                let projected = attention.project.forward(x);
                let queries = QueryVectors {
                    values: &projected,
                    stride,
                    scale: stack.heads.scale,
                };
                let cache = stack.heads.build_kv_cache(&projected, stride);
                let attended = attend_query_groups(&cache, queries, &groups, &|group, head, added| {
                    let count = if relative { group.slots.len() as isize } else { 0 };
                    for query in 0..count {
                        added.extend((0..count).map(|key| self.distance_bias(stack, true, head, key - query)));
                    }
                });
                attention.output.forward(&attended)
            });
            stack.add_feed_forward(&mut hidden, layer, config);
        }
        Ok(stack.apply_final_norm(hidden))
    }

    /// Runs the decoder over one more token for each row; gives its output, `(rows, hidden_size)`.
    fn run_decoder(&self, last: &[u32], state: &mut DecoderState) -> Result<Vec<f32>> {
        let (stack, config) = (&self.decoder, &self.config);
        let position = state.next_position();
        let mut hidden = stack.embed_tokens(last, &vec![position; last.len()], config, config.starts_from_zero)?;
        state.add_token_slots();
        let bias: Vec<f32> = if stack.relative_bias.is_none() {
            Vec::new()
        } else {
            (0..stack.heads.count)
                .flat_map(|head| (0..=position).map(move |key| (head, key as isize - position as isize)))
                .map(|(head, distance)| self.distance_bias(stack, false, head, distance))
                .collect()
        };
        for (index, layer) in stack.layers.iter().enumerate() {
            let attention = &layer.attention;
            stack.add_residual(&mut hidden, &attention.norm, config.norm_first, |x| {
                let attended = state.attend_to_output_tokens(index, stack.heads, &attention.project.forward(x), &bias);
                attention.output.forward(&attended)
            });
            if let Some(cross) = &layer.cross {
                stack.add_residual(&mut hidden, &cross.norm, config.norm_first, |x| {
                    let attended = state.attend_to_source_tokens(index, stack.heads, &cross.query.forward(x));
                    cross.output.forward(&attended)
                });
            }
            stack.add_feed_forward(&mut hidden, layer, config);
        }
        Ok(stack.apply_final_norm(hidden))
    }

    /// Computes the logits from the decoder's output.
    fn compute_logits(&self, mut hidden: Vec<f32>) -> Result<Tensor> {
        if self.config.output_scale != 1.0 {
            hidden.iter_mut().for_each(|x| *x *= self.config.output_scale);
        }
        let rows = hidden.len() / self.config.hidden_size;
        let logits = self.output.forward(&hidden);
        Tensor::from_vec(logits, (rows, self.output.weight.rows), &Device::Cpu).map_err(candle_error)
    }
}

impl TranslationModel for Seq2SeqModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn begin_decoding(
        &self,
        _prefixes: &[Option<&DecodingState>],
        sources: &[&[u32]],
    ) -> Result<(DecodingState, Tensor)> {
        check_sources_nonempty(sources)?;
        let mut end = 0;
        let sentences: Vec<Range<u32>> = sources
            .iter()
            .map(|source| {
                let start = end;
                end += source.len() as u32;
                start..end
            })
            .collect();
        let encoded = self.run_encoder(sources, &sentences)?;
        let cross = self.decoder.layers.iter().filter_map(|layer| layer.cross.as_ref());
        let heads = self.decoder.heads;
        let cross = cross
            .map(|cross| heads.build_kv_cache(&cross.key_value.forward(&encoded), 2 * heads.total_width()))
            .collect();
        let mut state = DecoderState::new(sentences, cross, heads);
        let mut hidden = Vec::new();
        for id in &self.spec.start {
            hidden = self.run_decoder(&vec![*id; sources.len()], &mut state)?;
        }
        let logits = self.compute_logits(hidden)?;
        Ok((DecodingState(Box::new(state)), logits))
    }

    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor> {
        let state = DecoderState::downcast_state_mut(state)?;
        if last.len() != state.row_count() {
            return Err(Error::model(format!(
                "{} tokens for {} rows",
                last.len(),
                state.row_count()
            )));
        }
        let hidden = self.run_decoder(last, state)?;
        self.compute_logits(hidden)
    }
}
