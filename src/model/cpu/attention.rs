//! Softmax attention in float32 on the CPU, and the key-value cache of encoder-decoder models.
//!
//! There are two implementations. They differ in how keys and values lie in memory and in the order of summation, so
//! that results may differ in the last bits:
//!
//! - [`attend_query_groups`] is for encoder-decoder models. The tokens of all beams lie in numbered slots of a [`KvCache`]
//!   that the beams share, so keys are found by slot number and prefetched. Beams of one sentence read shared keys
//!   together. Scores may have a bias (T5).
//! - [`attend_parts`] is for decoder-only models. Positions are contiguous in memory, those of a shared prefix in one
//!   part and a row's own in another. Query heads may share keys (grouped-query attention), and scores may be capped
//!   (Gemma 2).
//!
//! Each query's result depends on its own operands alone, in a fixed order: a batch never changes a row.

use super::parallel::{SharedOutput, for_each_range_in_parallel};
use super::simd::{
    SIMD_LANES, dispatch, dot_product, exp_f32, max_of_values_impl, multiply_add, sum_lanes, sum_mapped,
};
use std::ops::Range;

/// Number of output values that are summed at a time, few enough for their sums to stay in registers over all
/// positions.
const VALUES_IN_REGISTERS: usize = 64;

/// Holds the keys and values of one attention layer in numbered slots, one slot for each token.
///
/// Its layout is `(slots / SLOTS_PER_CHUNK, heads, 2, SLOTS_PER_CHUNK, head_dim)`, where 2 stands for keys and values: a head reads its own
/// keys and values from front to back, and a growing cache is only extended at its end.
pub(in crate::model) struct KvCache {
    heads: usize,
    head_dim: usize,
    values: Vec<f32>,
}

/// Number of slots in a chunk of a [`KvCache`]. Within a chunk the keys of a head are contiguous, and so are its
/// values.
const SLOTS_PER_CHUNK: usize = 64;

impl KvCache {
    /// Makes a cache without slots; [`KvCache::store_token`] makes it grow.
    pub fn new(heads: usize, head_dim: usize) -> Self {
        Self {
            heads,
            head_dim,
            values: Vec::new(),
        }
    }

    /// Stores a token's key and value projections, `(2, heads, head_dim)`, in the slot numbered `slot`. The cache first
    /// grows to at least `slots` slots, which must be more than `slot`.
    pub fn store_token(&mut self, slot: u32, slots: u32, projected: &[f32]) {
        let (slot, part) = (slot as usize, SLOTS_PER_CHUNK * self.head_dim);
        let chunk = 2 * self.heads * part;
        let len = (slots as usize).div_ceil(SLOTS_PER_CHUNK) * chunk;
        if self.values.len() < len {
            self.values.resize(len, 0.0);
        }
        let (keys, values) = projected.split_at(self.heads * self.head_dim);
        let base = slot / SLOTS_PER_CHUNK * chunk + slot % SLOTS_PER_CHUNK * self.head_dim;
        for (head, (keys, values)) in keys
            .chunks_exact(self.head_dim)
            .zip(values.chunks_exact(self.head_dim))
            .enumerate()
        {
            let at = base + 2 * head * part;
            self.values[at..][..self.head_dim].copy_from_slice(keys);
            self.values[at + part..][..self.head_dim].copy_from_slice(values);
        }
    }

    /// Computes the index in `values` at which the key of a slot and a head starts. The value vector of the same slot
    /// and head starts `SLOTS_PER_CHUNK * head_dim` later.
    #[inline(always)]
    fn key_start_index(&self, slot: u32, head: usize) -> usize {
        let (slot, part) = (slot as usize, SLOTS_PER_CHUNK * self.head_dim);
        (slot / SLOTS_PER_CHUNK * self.heads + head) * 2 * part + slot % SLOTS_PER_CHUNK * self.head_dim
    }

    /// Prefetches the key or value vector that starts at index `at` of `values`. Slots are read in an order that the
    /// processor cannot predict.
    #[inline(always)]
    fn prefetch_vector(&self, at: usize) {
        #[cfg(target_arch = "x86_64")]
        for line in (at..at + self.head_dim).step_by(16) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing that the program can see, and may be given any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.values.as_ptr().wrapping_add(line).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = at;
    }
}

/// The operands of one head's attention: some queries, and the slots of a [`KvCache`] that all of them attend to.
struct SlotAttentionOperands<'a> {
    /// Query vectors, `(queries, head_dim)`, already multiplied by the attention scale.
    queries: &'a [f32],
    cache: &'a KvCache,
    head: usize,
    /// Numbers of the cache slots to attend to, in the order of the tokens' positions.
    slots: &'a [u32],
    /// Attention bias, `(queries, slots)`, which is added to the scores (T5); empty for a model without one.
    bias: &'a [f32],
}

#[inline(always)]
fn attend_slots_impl<const FMA: bool>(attention: &SlotAttentionOperands, weights: &mut Vec<f32>, out: &mut [f32]) {
    let SlotAttentionOperands {
        queries,
        cache,
        head,
        slots,
        bias,
    } = *attention;
    let (count, dim) = (slots.len(), cache.head_dim);
    weights.clear();
    weights.resize(queries.len() / dim * count, 0.0);
    for (position, slot) in slots.iter().enumerate() {
        cache.prefetch_vector(cache.key_start_index(*slot, head) + SLOTS_PER_CHUNK * dim);
        if let Some(slot) = slots.get(position + 4) {
            cache.prefetch_vector(cache.key_start_index(*slot, head));
        }
        let key = &cache.values[cache.key_start_index(*slot, head)..][..dim];
        for (query, weights) in queries.chunks_exact(dim).zip(weights.chunks_exact_mut(count)) {
            weights[position] = dot_product::<FMA>(query, key);
        }
    }
    for (weight, bias) in weights.iter_mut().zip(bias) {
        *weight += bias;
    }
    for (weights, out) in weights.chunks_exact_mut(count).zip(out.chunks_exact_mut(dim)) {
        let most = weights.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        for weight in weights.iter_mut() {
            *weight = exp_f32::<FMA>(*weight - most);
        }
        let inverse = 1.0 / sum_mapped(weights, |x| x);
        let mut start = 0;
        // The sums of `VALUES_IN_REGISTERS` values at a time stay in registers over all positions.
        while start + VALUES_IN_REGISTERS <= dim {
            let mut sums = [0f32; VALUES_IN_REGISTERS];
            for (slot, weight) in slots.iter().zip(weights.iter()) {
                let value = &cache.values[cache.key_start_index(*slot, head) + SLOTS_PER_CHUNK * dim + start..]
                    [..VALUES_IN_REGISTERS];
                for i in 0..VALUES_IN_REGISTERS {
                    sums[i] = multiply_add::<FMA>(*weight, value[i], sums[i]);
                }
            }
            for i in 0..VALUES_IN_REGISTERS {
                out[start + i] = sums[i] * inverse;
            }
            start += VALUES_IN_REGISTERS;
        }
        let rest = &mut out[start..];
        rest.fill(0.0);
        for (slot, weight) in slots.iter().zip(weights.iter()) {
            let value =
                &cache.values[cache.key_start_index(*slot, head) + SLOTS_PER_CHUNK * dim + start..][..rest.len()];
            for (out, value) in rest.iter_mut().zip(value) {
                *out = multiply_add::<FMA>(*weight, *value, *out);
            }
        }
        rest.iter_mut().for_each(|x| *x *= inverse);
    }
}

dispatch! {
    /// Computes the softmax attention of one head over cache slots into `out`, `(queries, head_dim)`; `weights` is
    /// scratch memory.
    fn attend_slots(attention: &SlotAttentionOperands, weights: &mut Vec<f32>, out: &mut [f32]) = attend_slots_impl
}

/// Consecutive query rows that attend to the same slots of a [`KvCache`].
pub(in crate::model) struct QueryGroup<'a> {
    /// Indices of the group's rows in the [`QueryVectors`].
    pub rows: Range<usize>,
    /// Numbers of the cache slots to attend to, in the order of the tokens' positions.
    pub slots: &'a [u32],
}

/// Query vectors of all heads, a row for each token: the first `heads * head_dim` of every `stride` values.
#[derive(Clone, Copy)]
pub(in crate::model) struct QueryVectors<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    /// Factor that each query is multiplied by before attention; 1 for T5, otherwise `1 / sqrt(head_dim)`.
    pub scale: f32,
}

/// Computes the multi-head attention of groups of queries over slots of a cache; returns `(rows, heads * head_dim)`.
///
/// `bias` is called with a group, a head and an empty vector. It appends the attention bias `(queries, slots)`, or
/// nothing for a model without one.
///
/// # Panics
/// If the groups' ranges of rows overlap or are not in ascending order.
pub(in crate::model) fn attend_query_groups(
    cache: &KvCache,
    queries: QueryVectors,
    groups: &[QueryGroup],
    bias: &(dyn Fn(&QueryGroup, usize, &mut Vec<f32>) + Sync),
) -> Vec<f32> {
    let apart = groups.iter().try_fold(0, |end, QueryGroup { rows, .. }| {
        (end <= rows.start && rows.start <= rows.end).then_some(rows.end)
    });
    assert!(apart.is_some(), "groups of queries must be apart and in order");
    let (heads, dim) = (cache.heads, cache.head_dim);
    let width = heads * dim;
    let mut out = vec![0f32; queries.values.len() / queries.stride * width];
    let output = SharedOutput::new(&mut out);
    let work: usize = groups.iter().map(|group| group.rows.len() * group.slots.len()).sum();
    // A position costs more than its multiply-adds: its sum and its share in the softmax.
    for_each_range_in_parallel(groups.len() * heads, work * width, |units| {
        let (mut scaled, mut weights, mut result, mut added) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for unit in units {
            let (group, head) = (&groups[unit / heads], unit % heads);
            scaled.clear();
            for row in group.rows.clone() {
                let query = &queries.values[row * queries.stride + head * dim..][..dim];
                scaled.extend(query.iter().map(|x| x * queries.scale));
            }
            added.clear();
            bias(group, head, &mut added);
            result.resize(scaled.len(), 0.0);
            let attention = SlotAttentionOperands {
                queries: &scaled,
                cache,
                head,
                slots: group.slots,
                bias: &added,
            };
            attend_slots(&attention, &mut weights, &mut result);
            for (row, result) in group.rows.clone().zip(result.chunks_exact(dim)) {
                // SAFETY: each unit is a group and a head of its own, groups have no row in common, as was asserted,
                // and heads have no column in common.
                unsafe { output.write_values(row * width + head * dim, result) };
            }
        }
    });
    out
}

/// Computes the dot products of `with` and each of the four vectors in `four`, which follow each other; bit-identical
/// to [`dot_product`]. It is written in intrinsics because compilers keep the sums of four dot products in memory.
///
/// # Safety
/// The machine has AVX2 and FMA. `four` is four times as long as `with`, whose length is a multiple of [`SIMD_LANES`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_four_vectors(four: &[f32], with: &[f32]) -> [f32; 4] {
    use std::arch::x86_64::*;
    let dim = with.len();
    let mut sums = [[_mm256_setzero_ps(); 2]; 4];
    for at in (0..dim).step_by(SIMD_LANES) {
        for half in 0..2 {
            // SAFETY: `at + half * 8 + 8` is at most `dim`, as `dim` is a multiple of `SIMD_LANES`.
            let b = unsafe { _mm256_loadu_ps(with.as_ptr().add(at + half * 8)) };
            for (n, sums) in sums.iter_mut().enumerate() {
                // SAFETY: as above; `four` holds `dim` values for each of its four vectors.
                let a = unsafe { _mm256_loadu_ps(four.as_ptr().add(n * dim + at + half * 8)) };
                sums[half] = _mm256_fmadd_ps(a, b, sums[half]);
            }
        }
    }
    // In the order of `sum_lanes`.
    sums.map(|[low, high]| {
        let eight = _mm256_add_ps(low, high);
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    })
}

/// The operands of grouped-query attention for one key-value head and the query heads that share it. Positions are
/// contiguous in memory, in one or more parts, such as a shared prefix and a row's own tokens.
pub(in crate::model) struct PartAttentionOperands<'a> {
    /// Query vectors, `(heads, head_dim)`, already multiplied by the attention scale.
    pub queries: &'a [f32],
    pub head_dim: usize,
    /// Keys and values of each part, both `(positions, stride)`.
    pub parts: &'a [(&'a [f32], &'a [f32])],
    /// Number of values from one position to the next: those of all key-value heads.
    pub stride: usize,
    /// Index of this key-value head's first value within a position.
    pub offset: usize,
    /// Soft cap of the attention scores, `cap * tanh(score / cap)` (Gemma 2); `None` for a model without one.
    pub cap: Option<f32>,
}

#[inline(always)]
fn attend_parts_impl<const FMA: bool>(attention: &PartAttentionOperands, weights: &mut Vec<f32>, out: &mut [f32]) {
    let PartAttentionOperands {
        queries,
        head_dim: dim,
        parts,
        stride,
        offset,
        cap,
    } = *attention;
    let heads = queries.len() / dim;
    let positions: usize = parts.iter().map(|(keys, _)| keys.len() / stride).sum();
    weights.clear();
    weights.resize(heads * positions, 0.0);
    let mut position = 0;
    for (keys, _) in parts {
        for key in keys.chunks_exact(stride) {
            let key = &key[offset..offset + dim];
            let mut head = 0;
            #[cfg(target_arch = "x86_64")]
            while FMA && head + 4 <= heads && dim.is_multiple_of(SIMD_LANES) {
                // SAFETY: `dispatch` sets FMA on x86-64 only where it found AVX2 and FMA; four queries of `dim` values
                // are sliced off, `key` has as many, and `dim` was found to be a multiple of `SIMD_LANES`.
                for dot in unsafe { dot_four_vectors(&queries[head * dim..][..4 * dim], key) } {
                    weights[head * positions + position] = dot;
                    head += 1;
                }
            }
            while head < heads {
                weights[head * positions + position] = dot_product::<FMA>(&queries[head * dim..][..dim], key);
                head += 1;
            }
            position += 1;
        }
    }
    if let Some(cap) = cap {
        for weight in weights.iter_mut() {
            *weight = cap * (*weight / cap).tanh();
        }
    }
    for (weights, out) in weights.chunks_exact_mut(positions).zip(out.chunks_exact_mut(dim)) {
        let most = max_of_values_impl::<FMA>(weights);
        let mut sums = [0f32; SIMD_LANES];
        let (chunks, rest) = weights.as_chunks_mut::<SIMD_LANES>();
        for chunk in chunks {
            for i in 0..SIMD_LANES {
                chunk[i] = exp_f32::<FMA>(chunk[i] - most);
                sums[i] += chunk[i];
            }
        }
        for (weight, sum) in rest.iter_mut().zip(&mut sums) {
            *weight = exp_f32::<FMA>(*weight - most);
            *sum += *weight;
        }
        let inverse = 1.0 / sum_lanes(&mut sums);
        // The sums of `VALUES_IN_REGISTERS` values at a time stay in registers over all positions.
        let mut start = 0;
        while start + VALUES_IN_REGISTERS <= dim {
            let mut sums = [0f32; VALUES_IN_REGISTERS];
            let mut position = 0;
            for (_, values) in parts {
                for value in values.chunks_exact(stride) {
                    let (value, weight) = (&value[offset + start..][..VALUES_IN_REGISTERS], weights[position]);
                    for i in 0..VALUES_IN_REGISTERS {
                        sums[i] = multiply_add::<FMA>(weight, value[i], sums[i]);
                    }
                    position += 1;
                }
            }
            for i in 0..VALUES_IN_REGISTERS {
                out[start + i] = sums[i] * inverse;
            }
            start += VALUES_IN_REGISTERS;
        }
        let rest = &mut out[start..];
        rest.fill(0.0);
        let mut position = 0;
        for (_, values) in parts {
            for value in values.chunks_exact(stride) {
                for (out, value) in rest.iter_mut().zip(&value[offset + start..offset + dim]) {
                    *out = multiply_add::<FMA>(weights[position], *value, *out);
                }
                position += 1;
            }
        }
        rest.iter_mut().for_each(|x| *x *= inverse);
    }
}

dispatch! {
    /// Computes the softmax attention of the query heads that share a key-value head into `out`, `(heads, head_dim)`;
    /// `weights` is scratch memory.
    pub(in crate::model) fn attend_parts(attention: &PartAttentionOperands, weights: &mut Vec<f32>, out: &mut [f32]) = attend_parts_impl
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_over_slots_agrees_with_its_definition_alone_and_together() {
        for dim in [12, 64, 80] {
            let wave = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<_>>();
            // Head 1 of 2, of slots in two chunks.
            let (queries, projected, bias) = (wave(2 * dim, 0.7), wave(100 * 4 * dim, 0.3), wave(10, 1.3));
            let mut cache = KvCache::new(2, dim);
            for (slot, projected) in projected.chunks_exact(4 * dim).enumerate() {
                cache.store_token(slot as u32, slot as u32 + 1, projected);
            }
            let slots = [7, 0, 93, 8, 64];
            let attention = SlotAttentionOperands {
                queries: &queries,
                cache: &cache,
                head: 1,
                slots: &slots,
                bias: &bias,
            };
            let mut out = vec![0.0; 2 * dim];
            attend_slots(&attention, &mut Vec::new(), &mut out);
            for query in 0..2 {
                let at = |slot: u32, i: usize| f64::from(projected[slot as usize * 4 * dim + dim + i]);
                let score = |p: usize| -> f64 {
                    let product = (0..dim).map(|i| f64::from(queries[query * dim + i]) * at(slots[p], i));
                    product.sum::<f64>() + f64::from(bias[query * 5 + p])
                };
                let total: f64 = (0..5).map(|p| score(p).exp()).sum();
                for i in 0..dim {
                    let expected: f64 = (0..5).map(|p| score(p).exp() / total * at(slots[p], 2 * dim + i)).sum();
                    assert!((f64::from(out[query * dim + i]) - expected).abs() < 1e-5);
                }
                let mut alone = vec![0.0; dim];
                let single = SlotAttentionOperands {
                    queries: &queries[query * dim..][..dim],
                    bias: &bias[query * 5..][..5],
                    ..attention
                };
                attend_slots(&single, &mut Vec::new(), &mut alone);
                assert_eq!(alone, out[query * dim..][..dim]);
            }
        }
    }

    #[test]
    #[should_panic(expected = "apart and in order")]
    fn groups_that_share_a_row_are_refused() {
        let groups = [0..2, 1..3].map(|rows| QueryGroup { rows, slots: &[0] });
        let queries = QueryVectors {
            values: &[0.0; 12],
            stride: 4,
            scale: 1.0,
        };
        attend_query_groups(&KvCache::new(1, 4), queries, &groups, &|_, _, _| ());
    }

    #[test]
    fn four_dots_are_dots() {
        let wave = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<_>>();
        let (four, with) = (wave(4 * 80, 0.7), wave(80, 0.3));
        let expected: Vec<f32> = four.chunks_exact(80).map(|a| dot_product::<true>(a, &with)).collect();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the features were just detected.
            assert_eq!(unsafe { dot_four_vectors(&four, &with) }, expected[..]);
        }
        assert_eq!(expected.len(), 4);
    }

    #[test]
    fn attention_over_parts_agrees_with_its_definition_however_it_is_divided() {
        for (heads, dim) in [(2, 20), (5, 80)] {
            attention_agrees(heads, dim);
        }
    }

    fn attention_agrees(heads: usize, dim: usize) {
        let (stride, offset, positions) = (2 * dim, dim, 7);
        let wave = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<_>>();
        let (queries, keys, values) = (
            wave(heads * dim, 0.7),
            wave(positions * stride, 0.3),
            wave(positions * stride, 1.1),
        );
        let mut out = vec![0.0; heads * dim];
        let whole = [(&keys[..], &values[..])];
        let attention = PartAttentionOperands {
            queries: &queries,
            head_dim: dim,
            stride,
            offset,
            parts: &whole,
            cap: None,
        };
        attend_parts(&attention, &mut Vec::new(), &mut out);
        for head in 0..heads {
            let score = |p: usize| -> f64 {
                (0..dim)
                    .map(|i| f64::from(queries[head * dim + i]) * f64::from(keys[p * stride + offset + i]))
                    .sum()
            };
            let total: f64 = (0..positions).map(|p| score(p).exp()).sum();
            for i in 0..dim {
                let value = |p: usize| f64::from(values[p * stride + offset + i]);
                let expected: f64 = (0..positions).map(|p| score(p).exp() / total * value(p)).sum();
                assert!((f64::from(out[head * dim + i]) - expected).abs() < 1e-5);
            }
        }
        let cut = 3 * stride;
        let parts = [(&keys[..cut], &values[..cut]), (&keys[cut..], &values[cut..])];
        let mut again = vec![0.0; heads * dim];
        attend_parts(
            &PartAttentionOperands {
                parts: &parts,
                ..attention
            },
            &mut Vec::new(),
            &mut again,
        );
        assert_eq!(out, again);
    }
}
