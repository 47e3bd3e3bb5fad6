//! The state of an encoder-decoder model's search on the CPU: the keys and values of its rows, and the sentence each reads.

use super::Heads;
use crate::error::{Error, Result};
use crate::model::cpu::attention::{KvCache, Queries, QueryGroup, attend_groups};
use crate::model::{Rows, State};
use std::any::Any;
use std::ops::Range;

impl Heads {
    /// Stores the keys and values that end each `stride` of `projected`, in a slot each.
    pub fn kv_cache(self, projected: &[f32], stride: usize) -> KvCache {
        let mut cache = KvCache::new(self.count, self.dim);
        let slots = projected.len().checked_div(stride).unwrap_or(0) as u32;
        for slot in 0..slots {
            let end = (slot as usize + 1) * stride;
            cache.store(slot, slots, &projected[end - 2 * self.size()..end]);
        }
        cache
    }
}

/// The decoder's state in one search.
///
/// The keys and values of each output token have a slot. A row lists the slots of its tokens, so that a beam step moves
/// numbers only, and what beams share is stored once.
pub(super) struct DecoderState {
    /// The tokens of each sentence among those of the encoder.
    sentences: Vec<Range<u32>>,
    /// The keys and values of the source tokens, by decoder layer.
    cross: Vec<KvCache>,
    /// The sentence that each row translates.
    owners: Vec<usize>,
    /// The slots of each row, one for each position.
    rows: Vec<Vec<u32>>,
    /// The keys and values of the output tokens, by decoder layer.
    own: Vec<KvCache>,
    /// Slots that no row lists any more.
    free: Vec<u32>,
    /// Slots there are in all.
    slots: u32,
}

impl DecoderState {
    /// Starts with one row a sentence.
    pub fn new(sentences: Vec<Range<u32>>, cross: Vec<KvCache>, heads: Heads) -> Self {
        Self {
            owners: (0..sentences.len()).collect(),
            rows: vec![Vec::new(); sentences.len()],
            own: cross.iter().map(|_| heads.kv_cache(&[], 0)).collect(),
            sentences,
            cross,
            free: Vec::new(),
            slots: 0,
        }
    }

    /// The decoder's state inside a search's.
    ///
    /// # Errors
    /// Of kind `Model` where it is of another kind of model.
    pub fn from_state(state: &mut State) -> Result<&mut Self> {
        state
            .0
            .as_any_mut()
            .downcast_mut()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Number of tokens that each row has read so far.
    pub fn position(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// Gives each row a slot for one more token.
    pub fn advance(&mut self) {
        for row in &mut self.rows {
            row.push(self.free.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            }));
        }
    }

    /// Computes each row's attention over its own tokens. `projected` holds `(rows, queries then keys then values)`.
    ///
    /// `bias` is `(heads, positions)` or empty. Gives `(rows, heads * head_dim)`.
    pub fn attend_own(&mut self, layer: usize, heads: Heads, projected: &[f32], bias: &[f32]) -> Vec<f32> {
        let width = heads.size();
        for (row, projected) in self.rows.iter().zip(projected.chunks_exact(3 * width)) {
            if let Some(slot) = row.last() {
                self.own[layer].store(*slot, self.slots, &projected[width..]);
            }
        }
        let positions = self.position();
        let groups: Vec<QueryGroup> = self
            .rows
            .iter()
            .enumerate()
            .map(|(row, slots)| QueryGroup {
                rows: row..row + 1,
                slots,
            })
            .collect();
        let queries = Queries {
            values: projected,
            stride: 3 * width,
            scale: heads.scale,
        };
        attend_groups(&self.own[layer], queries, &groups, &|_, head, added| {
            if let Some(bias) = bias.get(head * positions..(head + 1) * positions) {
                added.extend_from_slice(bias);
            }
        })
    }

    /// Computes each row's attention over its sentence; `queries` and the result are `(rows, heads * head_dim)`.
    pub fn attend_cross(&self, layer: usize, heads: Heads, queries: &[f32]) -> Vec<f32> {
        let mut groups: Vec<QueryGroup> = Vec::new();
        let all: Vec<u32> = (0..self.sentences.last().map_or(0, |last| last.end)).collect();
        let mut first = 0;
        // Beams of one sentence stand together and read its keys together.
        for group in self.owners.chunk_by(|a, b| a == b) {
            let tokens = &self.sentences[group[0]];
            groups.push(QueryGroup {
                rows: first..first + group.len(),
                slots: &all[tokens.start as usize..tokens.end as usize],
            });
            first += group.len();
        }
        let queries = Queries {
            values: queries,
            stride: heads.size(),
            scale: heads.scale,
        };
        attend_groups(&self.cross[layer], queries, &groups, &|_, _, _| ())
    }
}

impl Rows for DecoderState {
    fn select(&mut self, rows: &[usize]) {
        self.owners = rows.iter().map(|row| self.owners[*row]).collect();
        self.rows = rows.iter().map(|row| self.rows[*row].clone()).collect();
        let mut used = vec![false; self.slots as usize];
        for slot in self.rows.iter().flatten() {
            used[*slot as usize] = true;
        }
        self.free.clear();
        self.free
            .extend((0..self.slots).rev().filter(|slot| !used[*slot as usize]));
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
