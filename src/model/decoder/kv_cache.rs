//! The keys and values of a decoder-only model's rows, which may share prefixes, and attention over them on the CPU.

use crate::error::{Error, Result};
use crate::model::cpu::attention::{PartAttention, attend_parts};
use crate::model::cpu::parallel::parallel_runs;
use crate::model::{Rows, State};
use std::any::Any;
use std::sync::Arc;

/// One layer's keys and values for one row, both `(positions, kv_heads * head_dim)`.
#[derive(Clone, Default)]
struct Layer {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// One row of a batch: a sentence, or a beam of one.
#[derive(Clone)]
struct Row {
    /// The row that this one continues, which has no prefix itself.
    prefix: Option<Arc<Row>>,
    layers: Vec<Layer>,
    /// Positions held, without those of the prefix.
    len: usize,
}

impl Row {
    /// The position of the first token after the prefix.
    fn start(&self) -> usize {
        self.prefix.as_ref().map_or(0, |prefix| prefix.len)
    }
}

/// The keys and values of a batch, row by row and layer by layer.
#[derive(Clone)]
pub(super) struct KvCache {
    rows: Vec<Row>,
}

/// The heads of a layer's attention, and how far back they see.
pub(super) struct AttentionHeads {
    /// Query heads, a multiple of `kv_heads`.
    pub heads: usize,
    /// Heads of keys and values; query heads that share one are neighbours (grouped-query attention).
    pub kv_heads: usize,
    /// Values of one head.
    pub head_dim: usize,
    /// Multiplies the products of queries and keys.
    pub scale: f32,
    /// Soft cap of these products, `cap * tanh(score / cap)`.
    pub cap: Option<f32>,
    /// Positions that a query sees, its own included; none for all.
    pub window: Option<usize>,
}

impl KvCache {
    /// Makes an empty cache for `rows` rows, each of which may continue a one-row state; `prefixes` is empty where none does.
    ///
    /// # Errors
    /// Of kind `Model` for prefixes of another number than rows, or that are not one row without a prefix.
    pub fn new(layers: usize, rows: usize, prefixes: &[Option<&State>]) -> Result<Self> {
        if !prefixes.is_empty() && prefixes.len() != rows {
            return Err(Error::model(format!("{} prefixes for {rows} rows", prefixes.len())));
        }
        let mut known: Vec<(&State, Arc<Row>)> = Vec::new();
        let mut cache = Self { rows: Vec::new() };
        for row in 0..rows {
            let prefix = match prefixes.get(row).copied().flatten() {
                None => None,
                Some(state) => Some(match known.iter().find(|(other, _)| std::ptr::eq(*other, state)) {
                    Some((_, row)) => row.clone(),
                    None => {
                        let row = Arc::new(Self::in_state(state)?.prefix()?.clone());
                        known.push((state, row.clone()));
                        row
                    }
                }),
            };
            cache.rows.push(Row {
                prefix,
                layers: vec![Layer::default(); layers],
                len: 0,
            });
        }
        Ok(cache)
    }

    /// The row that others may continue.
    fn prefix(&self) -> Result<&Row> {
        match self.rows.as_slice() {
            [row] if row.prefix.is_none() => Ok(row),
            _ => Err(Error::model("a prefix must be one row without a prefix of its own")),
        }
    }

    fn in_state(state: &State) -> Result<&Self> {
        state
            .0
            .as_any()
            .downcast_ref()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// The cache inside a state.
    ///
    /// # Errors
    /// Of kind `Model` where the state is of another kind of model.
    pub fn from_state(state: &mut State) -> Result<&mut Self> {
        state
            .0
            .as_any_mut()
            .downcast_mut()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// Wraps the cache up for search.
    pub fn into_state(self) -> State {
        State(Box::new(self))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The position that row `row`'s next token takes.
    pub fn position(&self, row: usize) -> usize {
        self.rows[row].start() + self.rows[row].len
    }

    /// Counts `counts[row]` tokens as held, once all layers have taken them in.
    pub fn advance(&mut self, counts: &[usize]) {
        for (row, count) in self.rows.iter_mut().zip(counts) {
            row.len += count;
        }
    }

    /// Appends the keys and values of `counts[row]` new tokens of each row, row after row, and computes their attention.
    ///
    /// `queries` is `(tokens, heads, head_dim)`, `keys` and `values` are `(tokens, kv_heads, head_dim)`. Gives
    /// `(tokens, heads * head_dim)`.
    pub fn attend(
        &mut self,
        layer: usize,
        heads: &AttentionHeads,
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
            .map(|row| counts[row] * (self.position(row) + counts[row]))
            .sum();
        let operations = positions * width / 4;
        // A unit is one token's query heads of one key-value head.
        parallel_runs(&mut out, per_group, operations, |first, out| {
            let (mut weights, mut scaled) = (Vec::new(), Vec::new());
            for (unit, out) in (first..).zip(out.chunks_exact_mut(per_group)) {
                let (token, group) = (unit / heads.kv_heads, unit % heads.kv_heads);
                let (row, index) = owners[token];
                scaled.clear();
                scaled.extend(queries[unit * per_group..][..per_group].iter().map(|q| q * heads.scale));
                let attention = PartAttention {
                    queries: &scaled,
                    head_dim: heads.head_dim,
                    parts: &self.parts(layer, row, index, heads.window, stride),
                    stride,
                    offset: group * heads.head_dim,
                    cap: heads.cap,
                };
                attend_parts(&attention, &mut weights, out);
            }
        });
        out
    }

    /// The keys and values that the `index`-th new token of a row sees: those of the prefix, then those of the row itself.
    fn parts(
        &self,
        layer: usize,
        row: usize,
        index: usize,
        window: Option<usize>,
        stride: usize,
    ) -> [(&[f32], &[f32]); 2] {
        let row = &self.rows[row];
        let prefix = row.start();
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

impl Rows for KvCache {
    fn select(&mut self, rows: &[usize]) {
        let mut uses = vec![0usize; self.rows.len()];
        for &row in rows {
            uses[row] += 1;
        }
        let mut old: Vec<Option<Row>> = std::mem::take(&mut self.rows).into_iter().map(Some).collect();
        for &row in rows {
            uses[row] -= 1;
            // The last use moves the row; beams that share it before that copy it.
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
