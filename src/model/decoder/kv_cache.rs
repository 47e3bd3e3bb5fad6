//! The KV cache of a decoder-only model, whose rows may share prefixes, and attention over it on the CPU.

use crate::error::{Error, Result};
use crate::model::cpu::attention::{PartAttentionOperands, attend_parts};
use crate::model::cpu::parallel::for_each_row_chunk_in_parallel;
use crate::model::{BatchRows, DecodingState};
use std::any::Any;
use std::sync::Arc;

/// The keys and the values of one row in one layer, each `(positions, kv_heads * head_dim)`.
#[derive(Clone, Default)]
struct LayerCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// The cached keys and values of one row of a batch: of a sentence, or of one of its beams.
#[derive(Clone)]
struct SequenceCache {
    /// The row whose tokens come before this row's own, if any; rows can share it. It has no prefix itself.
    prefix: Option<Arc<SequenceCache>>,
    /// The keys and values of the row's own tokens, by layer.
    layers: Vec<LayerCache>,
    /// Number of the row's own tokens in the cache, without those of the prefix.
    len: usize,
}

impl SequenceCache {
    /// Gives the position of the row's first own token: the number of tokens in its prefix.
    fn first_own_position(&self) -> usize {
        self.prefix.as_ref().map_or(0, |prefix| prefix.len)
    }
}

/// The KV cache of a batch: the keys and values of each row in each layer.
#[derive(Clone)]
pub(super) struct KvCache {
    rows: Vec<SequenceCache>,
}

/// The shape and scaling of one layer's attention.
pub(super) struct AttentionParameters {
    /// Number of query heads, a multiple of `kv_heads`.
    pub heads: usize,
    /// Number of heads of keys and values. Each serves `heads / kv_heads` neighbouring query heads (grouped-query
    /// attention).
    pub kv_heads: usize,
    /// Number of values of one head.
    pub head_dim: usize,
    /// Factor on the dot products of queries and keys.
    pub scale: f32,
    /// Soft cap of the attention scores, `cap * tanh(score / cap)`; none if they are not capped.
    pub cap: Option<f32>,
    /// Number of positions that a query attends to, its own included; none for all positions before it.
    pub window: Option<usize>,
}

impl KvCache {
    /// Makes an empty cache for `rows` rows. `prefixes[row]` is the one-row state that the row continues, if any;
    /// `prefixes` is empty if no row continues one.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if `prefixes` has neither 0 nor `rows` entries, or a prefix is not a
    /// single row without a prefix of its own.
    pub fn new(layers: usize, rows: usize, prefixes: &[Option<&DecodingState>]) -> Result<Self> {
        if !prefixes.is_empty() && prefixes.len() != rows {
            return Err(Error::model(format!("{} prefixes for {rows} rows", prefixes.len())));
        }
        let mut known: Vec<(&DecodingState, Arc<SequenceCache>)> = Vec::new();
        let mut cache = Self { rows: Vec::new() };
        for row in 0..rows {
            let prefix = match prefixes.get(row).copied().flatten() {
                None => None,
                Some(state) => Some(match known.iter().find(|(other, _)| std::ptr::eq(*other, state)) {
                    Some((_, row)) => row.clone(),
                    None => {
                        let row = Arc::new(Self::downcast_state(state)?.as_prefix()?.clone());
                        known.push((state, row.clone()));
                        row
                    }
                }),
            };
            cache.rows.push(SequenceCache {
                prefix,
                layers: vec![LayerCache::default(); layers],
                len: 0,
            });
        }
        Ok(cache)
    }

    /// Gives the cache's only row, to be used as a prefix of other rows; fails if there are several rows or it has a
    /// prefix itself.
    fn as_prefix(&self) -> Result<&SequenceCache> {
        match self.rows.as_slice() {
            [row] if row.prefix.is_none() => Ok(row),
            _ => Err(Error::model("a prefix must be one row without a prefix of its own")),
        }
    }

    fn downcast_state(state: &DecodingState) -> Result<&Self> {
        state
            .0
            .as_any()
            .downcast_ref()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// Gives access to the cache inside a state.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if the state belongs to another kind of model.
    pub fn downcast_state_mut(state: &mut DecodingState) -> Result<&mut Self> {
        state
            .0
            .as_any_mut()
            .downcast_mut()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// Wraps the cache in a [`DecodingState`], which search passes from step to step.
    pub fn into_state(self) -> DecodingState {
        DecodingState(Box::new(self))
    }

    /// Counts the rows of the batch.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Gives the position of the next token of a row.
    pub fn next_position(&self, row: usize) -> usize {
        self.rows[row].first_own_position() + self.rows[row].len
    }

    /// Adds `counts[row]` to the number of cached tokens of each row; called after all layers have stored the tokens'
    /// keys and values.
    pub fn add_cached_tokens(&mut self, counts: &[usize]) {
        for (row, count) in self.rows.iter_mut().zip(counts) {
            row.len += count;
        }
    }

    /// Appends the keys and values of `counts[row]` new tokens of each row to the cache, and computes the tokens'
    /// attention. The new tokens of one row follow those of the row before.
    ///
    /// `queries` is `(tokens, heads, head_dim)`; `keys` and `values` are `(tokens, kv_heads, head_dim)`. The result
    /// is `(tokens, heads * head_dim)`.
    pub fn append_and_attend(
        &mut self,
        layer: usize,
        heads: &AttentionParameters,
        counts: &[usize],
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
    ) -> Vec<f32> {
        let stride = heads.kv_heads * heads.head_dim;
        let mut start = 0;
        for (row, count) in self.rows.iter_mut().zip(counts) {
            let (layer, end) = (&mut row.layers[layer], start + count * stride);
            layer.keys.extend_from_slice(&keys[start..end]);
            layer.values.extend_from_slice(&values[start..end]);
            start = end;
        }
        let owners: Vec<(usize, usize)> = counts
            .iter()
            .enumerate()
            .flat_map(|(row, count)| (0..*count).map(move |i| (row, i)))
            .collect();
        let width = heads.heads * heads.head_dim;
        let mut out = vec![0f32; owners.len() * width];
        let per_group = heads.heads / heads.kv_heads * heads.head_dim;
        let positions: usize = (0..counts.len())
            .map(|row| counts[row] * (self.next_position(row) + counts[row]))
            .sum();
        let operations = positions * width / 4;
        // A unit of work is one token's query heads that share one key-value head.
        for_each_row_chunk_in_parallel(&mut out, per_group, operations, |first, out| {
            let (mut weights, mut scaled) = (Vec::new(), Vec::new());
            for (unit, out) in (first..).zip(out.chunks_exact_mut(per_group)) {
                let (token, group) = (unit / heads.kv_heads, unit % heads.kv_heads);
                let (row, index) = owners[token];
                scaled.clear();
                scaled.extend(queries[unit * per_group..][..per_group].iter().map(|q| q * heads.scale));
                let attention = PartAttentionOperands {
                    queries: &scaled,
                    head_dim: heads.head_dim,
                    parts: &self.attended_keys_and_values(layer, row, index, heads.window, stride),
                    stride,
                    offset: group * heads.head_dim,
                    cap: heads.cap,
                };
                attend_parts(&attention, &mut weights, out);
            }
        });
        out
    }

    /// Gives the keys and values that the `index`-th new token of a row attends to, within the window: first those of
    /// the prefix, then those of the row itself.
    fn attended_keys_and_values(
        &self,
        layer: usize,
        row: usize,
        index: usize,
        window: Option<usize>,
        stride: usize,
    ) -> [(&[f32], &[f32]); 2] {
        let row = &self.rows[row];
        let prefix = row.first_own_position();
        let end = prefix + row.len + index + 1;
        let start = window.map_or(0, |window| end.saturating_sub(window));
        let own = &row.layers[layer];
        let (from, to) = (start.saturating_sub(prefix) * stride, (end - prefix) * stride);
        let own = (&own.keys[from..to], &own.values[from..to]);
        match &row.prefix {
            Some(shared) => {
                let layer = &shared.layers[layer];
                let range = start.min(prefix) * stride..prefix * stride;
                [(&layer.keys[range.clone()], &layer.values[range]), own]
            }
            None => [(&[], &[]), own],
        }
    }
}

impl BatchRows for KvCache {
    fn select_rows(&mut self, rows: &[usize]) {
        let mut uses = vec![0usize; self.rows.len()];
        for &row in rows {
            uses[row] += 1;
        }
        let mut old: Vec<Option<SequenceCache>> = std::mem::take(&mut self.rows).into_iter().map(Some).collect();
        for &row in rows {
            uses[row] -= 1;
            // The last use of a row moves it; the uses before copy it.
            let taken = if uses[row] == 0 {
                old[row].take()
            } else {
                old[row].clone()
            };
            self.rows.extend(taken);
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
