//! The decoding state of an encoder-decoder model on the CPU: the keys and values of each row's tokens, and the
//! sentence that each row translates.

use super::HeadDimensions;
use crate::error::{Error, Result};
use crate::model::cpu::attention::{KvCache, QueryGroup, QueryVectors, attend_query_groups};
use crate::model::{BatchRows, DecodingState};
use std::any::Any;
use std::ops::Range;

impl HeadDimensions {
    /// Makes a KV cache with a slot for each token. `projected` has `stride` values for each token; the last `2 *
    /// heads * head_dim` of them are its keys and values.
    pub fn build_kv_cache(self, projected: &[f32], stride: usize) -> KvCache {
        let mut cache = KvCache::new(self.count, self.dim);
        let slots = projected.len().checked_div(stride).unwrap_or(0) as u32;
        for slot in 0..slots {
            let end = (slot as usize + 1) * stride;
            cache.store_token(slot, slots, &projected[end - 2 * self.total_width()..end]);
        }
        cache
    }
}

/// The decoder's state in the search for the translations of a batch.
///
/// The keys and values of each output token have a slot in a cache. A row is a list of slots, so that a beam step
/// copies slot numbers only, and tokens that several beams share are stored once.
pub(super) struct DecoderState {
    /// For each sentence of the batch, the range of its tokens among the source tokens of all sentences.
    sentences: Vec<Range<u32>>,
    /// For each decoder layer, the keys and values of all source tokens.
    cross: Vec<KvCache>,
    /// For each row, the index of the sentence that it translates.
    owners: Vec<usize>,
    /// For each row, the slot of the token at each position.
    rows: Vec<Vec<u32>>,
    /// For each decoder layer, the keys and values of the output tokens.
    own: Vec<KvCache>,
    /// Slots that no row uses any more; the next tokens reuse them.
    free: Vec<u32>,
    /// Number of slots in each cache, used or free.
    slots: u32,
}

impl DecoderState {
    /// Makes the state of a new search, with one row for each sentence and no output tokens yet.
    pub fn new(sentences: Vec<Range<u32>>, cross: Vec<KvCache>, heads: HeadDimensions) -> Self {
        Self {
            owners: (0..sentences.len()).collect(),
            rows: vec![Vec::new(); sentences.len()],
            own: cross.iter().map(|_| heads.build_kv_cache(&[], 0)).collect(),
            sentences,
            cross,
            free: Vec::new(),
            slots: 0,
        }
    }

    /// Gives access to the decoder's state inside a `DecodingState`.
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

    /// Counts the rows of the batch.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Counts the output tokens that each row has read so far, the same for all rows.
    pub fn next_position(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// Adds a slot for one more token to each row.
    pub fn add_token_slots(&mut self) {
        for row in &mut self.rows {
            row.push(self.free.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            }));
        }
    }

    /// Stores the keys and values of each row's newest token, and computes that token's attention over the row's own
    /// tokens. `projected` is `(rows, queries then keys then values)`.
    ///
    /// `bias`, `(heads, positions)` or empty, is added to the attention scores. The result is `(rows, heads *
    /// head_dim)`.
    pub fn attend_to_output_tokens(
        &mut self,
        layer: usize,
        heads: HeadDimensions,
        projected: &[f32],
        bias: &[f32],
    ) -> Vec<f32> {
        let width = heads.total_width();
        for (row, projected) in self.rows.iter().zip(projected.chunks_exact(3 * width)) {
            if let Some(slot) = row.last() {
                self.own[layer].store_token(*slot, self.slots, &projected[width..]);
            }
        }
        let positions = self.next_position();
        let groups: Vec<QueryGroup> = self
            .rows
            .iter()
            .enumerate()
            .map(|(row, slots)| QueryGroup {
                rows: row..row + 1,
                slots,
            })
            .collect();
        let queries = QueryVectors {
            values: projected,
            stride: 3 * width,
            scale: heads.scale,
        };
        attend_query_groups(&self.own[layer], queries, &groups, &|_, head, added| {
            if let Some(bias) = bias.get(head * positions..(head + 1) * positions) {
                added.extend_from_slice(bias);
            }
        })
    }

    /// Computes each row's attention over the source tokens of its sentence. `queries` and the result are `(rows,
    /// heads * head_dim)`.
    pub fn attend_to_source_tokens(&self, layer: usize, heads: HeadDimensions, queries: &[f32]) -> Vec<f32> {
        let mut groups: Vec<QueryGroup> = Vec::new();
        let all: Vec<u32> = (0..self.sentences.last().map_or(0, |last| last.end)).collect();
        let mut first = 0;
        // The beams of a sentence are neighbouring rows, and read its keys together.
        for group in self.owners.chunk_by(|a, b| a == b) {
            let tokens = &self.sentences[group[0]];
            groups.push(QueryGroup {
                rows: first..first + group.len(),
                slots: &all[tokens.start as usize..tokens.end as usize],
            });
            first += group.len();
        }
        let queries = QueryVectors {
            values: queries,
            stride: heads.total_width(),
            scale: heads.scale,
        };
        attend_query_groups(&self.cross[layer], queries, &groups, &|_, _, _| ())
    }
}

impl BatchRows for DecoderState {
    fn select_rows(&mut self, rows: &[usize]) {
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
