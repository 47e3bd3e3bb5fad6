//! An encoder-decoder on the CPU, in float32 or 8 bits, on slices.
//!
//! A batch has no padding: the tokens of all sentences stand one after the other, and attention keeps to its sentence.

use super::check_sources;
use super::config::{Config, Positions};
use super::state::Writing;
use crate::error::{Error, Result};
use crate::model::cpu::attention::{Queries, QueryGroup, attend_groups};
use crate::model::cpu::matrix::Matrix;
use crate::model::cpu::ops::{Activation, Norm};
use crate::model::cpu::parallel::parallel_runs;
use crate::model::{Spec, State, TranslationModel, candle_error};
use candle_core::{Device, Tensor};
use std::ops::Range;
use std::sync::Arc;

type Linear = super::Linear<Arc<Matrix>, Vec<f32>>;
type FeedForward = super::FeedForward<Arc<Matrix>, Vec<f32>>;
type Layer = super::Layer<Arc<Matrix>, Vec<f32>>;
type Stack = super::Stack<Arc<Matrix>, Vec<f32>>;
type Seq2Seq = super::Seq2Seq<Arc<Matrix>, Vec<f32>>;

impl Linear {
    fn of(&self, rows: &[f32]) -> Vec<f32> {
        self.weight.matmul_bias(rows, self.bias.as_deref())
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

impl FeedForward {
    fn of(&self, rows: &[f32], activation: Activation) -> Vec<f32> {
        let mut up = self.up.of(rows);
        let gate = self.gate.as_ref().map(|gate| gate.of(rows));
        let len = up.len();
        parallel_runs(&mut up, 1, len * 8, |first, up| {
            activation.apply(up);
            if let Some(gate) = &gate {
                for (up, gate) in up.iter_mut().zip(&gate[first..]) {
                    *up *= gate;
                }
            }
        });
        self.down.of(&up)
    }
}

impl Stack {
    /// Tokens at these positions, `(tokens, width)`.
    fn embed(&self, ids: &[u32], positions: &[usize], config: &Config) -> Result<Vec<f32>> {
        let places = self.places(ids, positions, self.embedding.rows, &|rows, _| Ok(rows))?;
        let mut rows = Vec::with_capacity(ids.len() * config.width);
        for id in ids {
            self.embedding
                .dequantize_row(*id as usize, config.embedding_scale, &mut rows);
        }
        if let Some((table, places)) = places {
            for (row, place) in rows.chunks_exact_mut(config.width).zip(places) {
                add(row, &table[place as usize * config.width..]);
            }
        }
        Ok(match &self.embedding_norm {
            Some(norm) => norm.apply(&rows),
            None => rows,
        })
    }

    fn feed_forward(&self, hidden: &mut Vec<f32>, layer: &Layer, config: &Config) {
        let FeedForward { norm, .. } = &layer.feed_forward;
        self.around(hidden, norm, config.norm_first, |x| {
            layer.feed_forward.of(x, config.activation)
        });
    }

    /// After the last layer.
    fn finish(&self, hidden: Vec<f32>) -> Vec<f32> {
        match &self.final_norm {
            Some(norm) => norm.apply(&hidden),
            None => hidden,
        }
    }

    /// One layer around a function, its norm before or after, its input added.
    fn around(&self, hidden: &mut Vec<f32>, norm: &Norm, first: bool, f: impl FnOnce(&[f32]) -> Vec<f32>) {
        if first {
            let out = f(&norm.apply(hidden));
            add(hidden, &out);
        } else {
            let out = f(hidden);
            add(hidden, &out);
            *hidden = norm.apply(hidden);
        }
    }
}

impl Seq2Seq {
    /// The bias of distance `key - query` for a head, where the model has one.
    fn bias(&self, stack: &Stack, both_ways: bool, head: usize, distance: isize) -> f32 {
        match (self.config.positions, &stack.bias) {
            (Positions::Relative { buckets, most }, Some(bias)) => {
                bias[Positions::bucket(distance, both_ways, buckets, most) * stack.heads.count + head]
            }
            _ => 0.0,
        }
    }

    /// The encoder's output, `(tokens, width)`, for sentences one after the other.
    fn encode(&self, sources: &[&[u32]], sentences: &[Range<u32>]) -> Result<Vec<f32>> {
        let (stack, config) = (&self.encoder, &self.config);
        let positions: Vec<usize> = sources.iter().flat_map(|source| config.places(source)).collect();
        let mut hidden = stack.embed(&sources.concat(), &positions, config)?;
        let all: Vec<u32> = (0..sentences.last().map_or(0, |last| last.end)).collect();
        let groups: Vec<QueryGroup> = sentences
            .iter()
            .map(|range| range.start as usize..range.end as usize)
            .map(|range| QueryGroup {
                rows: range.clone(),
                slots: &all[range],
            })
            .collect();
        let stride = 3 * stack.heads.width();
        let relative = stack.bias.is_some();
        for layer in &stack.layers {
            let attention = &layer.attention;
            stack.around(&mut hidden, &attention.norm, config.norm_first, |x| {
                let projected = attention.project.of(x);
                let queries = Queries {
                    values: &projected,
                    stride,
                    scale: stack.heads.scale,
                };
                let memory = stack.heads.memory(&projected, stride);
                let attended = attend_groups(&memory, queries, &groups, &|group, head, added| {
                    let count = if relative { group.slots.len() as isize } else { 0 };
                    for query in 0..count {
                        added.extend((0..count).map(|key| self.bias(stack, true, head, key - query)));
                    }
                });
                attention.output.of(&attended)
            });
            stack.feed_forward(&mut hidden, layer, config);
        }
        Ok(stack.finish(hidden))
    }

    /// Takes one token a row; the decoder's output, `(rows, width)`.
    fn decode(&self, last: &[u32], state: &mut Writing) -> Result<Vec<f32>> {
        let (stack, config) = (&self.decoder, &self.config);
        let position = state.position();
        let mut hidden = stack.embed(last, &vec![position; last.len()], config)?;
        state.advance();
        let bias: Vec<f32> = if !stack.bias.is_some() {
            Vec::new()
        } else {
            (0..stack.heads.count)
                .flat_map(|head| (0..=position).map(move |key| (head, key as isize - position as isize)))
                .map(|(head, distance)| self.bias(stack, false, head, distance))
                .collect()
        };
        for (index, layer) in stack.layers.iter().enumerate() {
            let attention = &layer.attention;
            stack.around(&mut hidden, &attention.norm, config.norm_first, |x| {
                let attended = state.attend_own(index, stack.heads, &attention.project.of(x), &bias);
                attention.output.of(&attended)
            });
            if let Some(cross) = &layer.cross {
                stack.around(&mut hidden, &cross.norm, config.norm_first, |x| {
                    let attended = state.attend_cross(index, stack.heads, &cross.query.of(x));
                    cross.output.of(&attended)
                });
            }
            stack.feed_forward(&mut hidden, layer, config);
        }
        Ok(stack.finish(hidden))
    }

    /// Keeps the rows of the output projection that the output may hold.
    pub fn restricted(mut self) -> Self {
        if let Some(ids) = &self.spec.output {
            let bias = self.output.bias.as_ref();
            self.output = Linear {
                weight: Arc::new(self.output.weight.select_rows(ids)),
                bias: bias.map(|bias| ids.iter().map(|id| bias[*id as usize]).collect()),
            };
        }
        self
    }

    fn logits(&self, mut hidden: Vec<f32>) -> Result<Tensor> {
        if self.output_scale != 1.0 {
            hidden.iter_mut().for_each(|x| *x *= self.output_scale);
        }
        let rows = hidden.len() / self.config.width;
        let logits = self.output.of(&hidden);
        Tensor::from_vec(logits, (rows, self.output.weight.rows), &Device::Cpu).map_err(candle_error)
    }
}

impl TranslationModel for Seq2Seq {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn begin(&self, _prefixes: &[Option<&State>], sources: &[&[u32]]) -> Result<(State, Tensor)> {
        check_sources(sources)?;
        let mut end = 0;
        let sentences: Vec<Range<u32>> = sources
            .iter()
            .map(|source| {
                let start = end;
                end += source.len() as u32;
                start..end
            })
            .collect();
        let encoded = self.encode(sources, &sentences)?;
        let cross = self.decoder.layers.iter().filter_map(|layer| layer.cross.as_ref());
        let heads = self.decoder.heads;
        let cross = cross
            .map(|cross| heads.memory(&cross.memory.of(&encoded), 2 * heads.width()))
            .collect();
        let mut state = Writing::new(sentences, cross, heads);
        let mut hidden = Vec::new();
        for id in &self.spec.start {
            hidden = self.decode(&vec![*id; sources.len()], &mut state)?;
        }
        let logits = self.logits(hidden)?;
        Ok((State(Box::new(state)), logits))
    }

    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor> {
        let state = Writing::of_mut(state)?;
        if last.len() != state.rows() {
            return Err(Error::model(format!("{} tokens for {} rows", last.len(), state.rows())));
        }
        let hidden = self.decode(last, state)?;
        self.logits(hidden)
    }
}
