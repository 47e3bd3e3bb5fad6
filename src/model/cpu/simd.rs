//! Float32 inner loops for the CPU, compiled for several instruction sets and chosen at run time.
//!
//! Each result depends on its own operands alone, in a fixed order, so that a batch never changes a row.

use rayon::prelude::*;
use std::ops::Range;

/// Calls `$body` compiled for the best instruction set of this machine.
///
/// The body is an `#[inline(always)]` function with a last const parameter: whether fused multiply-add is available.
macro_rules! dispatch {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)? = $body:ident) => {
        $(#[$doc])*
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
                fn avx512($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("fma")
                {
                    // SAFETY: the features were just detected.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the features were just detected.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}

pub(in crate::model) use dispatch;

/// Runs `f` over `0..units` in ranges, on as many threads as `operations` (multiply-adds, say, in all) are worth.
///
/// On rayon's threads, whose waiting thread takes over what the others have not begun: candle's barrier pool spins
/// instead, which on a machine with other work to do takes several times as long.
pub(in crate::model) fn parallel(units: usize, operations: usize, f: impl Fn(Range<usize>) + Sync) {
    let parts = (rayon::current_num_threads() * 4).min(operations / MIN_PART).min(units);
    if parts < 2 {
        return f(0..units);
    }
    (0..parts)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|part| f(units * part / parts..units * (part + 1) / parts));
}

/// Operations below which handing a part to another thread costs more than it saves.
const MIN_PART: usize = 100_000;

/// A destination that the ranges of [`parallel`] write disjoint parts of.
pub(in crate::model) struct Target(*mut f32);
// SAFETY: only `Target::part` reaches the pointer, and its callers keep parts apart.
unsafe impl Sync for Target {}

impl Target {
    pub fn new(out: *mut f32) -> Self {
        Self(out)
    }

    /// `len` values from `start` on.
    ///
    /// # Safety
    /// They lie within what the pointer was made from, and nobody else holds any of them.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, start: usize, len: usize) -> &mut [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

/// Lanes of an accumulator: one AVX-512 register.
const LANES: usize = 16;
/// Values that attention sums at a time.
const RUN: usize = 64;

#[inline(always)]
pub(in crate::model) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e to the power of `x`, to about 2 units in the last place; 0 below -87 (Cephes `expf`).
#[inline(always)]
pub(in crate::model) fn exp<const FMA: bool>(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding and taking away 1.5 * 2^23 rounds to an integer without a call; until then it is in the low bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = multiply_add::<FMA>(n, -0.693_359_4, x);
    let r = multiply_add::<FMA>(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        5.000_000_3e-1,
    ] {
        p = multiply_add::<FMA>(p, r, c);
    }
    let p = multiply_add::<FMA>(p, r * r, r + 1.0);
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

#[inline(always)]
pub(in crate::model) fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] = multiply_add::<FMA>(a[i], b[i], sums[i]);
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[i] = multiply_add::<FMA>(*a, *b, sums[i]);
    }
    total(&mut sums)
}

/// The sum of all lanes.
#[inline(always)]
fn total(sums: &mut [f32; LANES]) -> f32 {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0]
}

/// The [`dot`] of each of four vectors of whole lanes, one after the other, with a fifth. Written out: compilers keep the sums of
/// four at a time in memory.
///
/// # Safety
/// The machine has AVX2 and FMA; `four` is four times as long as `with`, which is of whole lanes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn four_dots(four: &[f32], with: &[f32]) -> [f32; 4] {
    use std::arch::x86_64::*;
    let dim = with.len();
    let mut sums = [[_mm256_setzero_ps(); 2]; 4];
    for at in (0..dim).step_by(LANES) {
        for half in 0..2 {
            // SAFETY: the caller's promise.
            let b = unsafe { _mm256_loadu_ps(with.as_ptr().add(at + half * 8)) };
            for (n, sums) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let a = unsafe { _mm256_loadu_ps(four.as_ptr().add(n * dim + at + half * 8)) };
                sums[half] = _mm256_fmadd_ps(a, b, sums[half]);
            }
        }
    }
    // In the order of `total`.
    sums.map(|[low, high]| {
        let eight = _mm256_add_ps(low, high);
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    })
}

/// One query head group's attention over a run of keys, in parts that lie apart in memory.
///
/// `queries` is `(heads, dim)`, the heads that share the keys, scaled already. Each part is `(keys, values)`, both
/// `(positions, stride)`, of which the `dim` values from `offset` on belong to this group. `out` is `(heads, dim)`. `cap`
/// bends the products by a tanh so as to stay within it.
pub(in crate::model) struct Attention<'a> {
    pub queries: &'a [f32],
    pub dim: usize,
    pub stride: usize,
    pub offset: usize,
    pub parts: &'a [(&'a [f32], &'a [f32])],
    pub cap: Option<f32>,
}

#[inline(always)]
fn attend_with<const FMA: bool>(attention: &Attention, weights: &mut Vec<f32>, out: &mut [f32]) {
    let Attention {
        queries,
        dim,
        stride,
        offset,
        parts,
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
            while FMA && head + 4 <= heads && dim.is_multiple_of(LANES) {
                // SAFETY: `dispatch` says FMA where it found both features.
                for dot in unsafe { four_dots(&queries[head * dim..][..4 * dim], key) } {
                    weights[head * positions + position] = dot;
                    head += 1;
                }
            }
            while head < heads {
                weights[head * positions + position] = dot::<FMA>(&queries[head * dim..][..dim], key);
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
        let most = maximum_with::<FMA>(weights);
        let mut sums = [0f32; LANES];
        let (chunks, rest) = weights.as_chunks_mut::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                chunk[i] = exp::<FMA>(chunk[i] - most);
                sums[i] += chunk[i];
            }
        }
        for (weight, sum) in rest.iter_mut().zip(&mut sums) {
            *weight = exp::<FMA>(*weight - most);
            *sum += *weight;
        }
        let inverse = 1.0 / total(&mut sums);
        // A run of values at a time stays in registers over all positions.
        let mut start = 0;
        while start + RUN <= dim {
            let mut sums = [0f32; RUN];
            let mut position = 0;
            for (_, values) in parts {
                for value in values.chunks_exact(stride) {
                    let (value, weight) = (&value[offset + start..][..RUN], weights[position]);
                    for i in 0..RUN {
                        sums[i] = multiply_add::<FMA>(weight, value[i], sums[i]);
                    }
                    position += 1;
                }
            }
            for i in 0..RUN {
                out[start + i] = sums[i] * inverse;
            }
            start += RUN;
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
    /// Softmax attention; `weights` is scratch.
    pub(in crate::model) fn attend(attention: &Attention, weights: &mut Vec<f32>, out: &mut [f32]) = attend_with
}

/// The largest of some numbers, by halves: one after the other would wait for each.
#[inline(always)]
fn largest(mut values: [f32; LANES]) -> f32 {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            values[i] = if values[i + width] > values[i] {
                values[i + width]
            } else {
                values[i]
            };
        }
    }
    values[0]
}

#[inline(always)]
fn round_block_with<const FMA: bool>(input: &[f32; 32], output: &mut [i8; 32]) -> f32 {
    let mut most = [0f32; LANES];
    for half in input.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            let x = half[i].abs();
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    let most = largest(most);
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (q, x) in output.iter_mut().zip(input) {
        // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
        *q = (x * inverse + 12_582_912.0).to_bits() as i8;
    }
    most / 127.0
}

#[inline(always)]
fn round_row_with<const FMA: bool>(input: &[f32], output: &mut [i8]) -> f32 {
    let mut most = [0f32; LANES];
    let (chunks, rest) = input.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            let x = chunk[i].abs();
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    let most = rest.iter().fold(largest(most), |a, b| a.max(b.abs()));
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (q, x) in output.iter_mut().zip(input) {
        // As in `round_block_with`.
        *q = (x * inverse + 12_582_912.0).to_bits() as i8;
    }
    most / 127.0
}

dispatch! {
    /// Rounds a whole row to 8 bits with one scale, which it gives; what `output` has beyond `input` is left as it is.
    pub(super) fn round_row(input: &[f32], output: &mut [i8]) -> f32 = round_row_with
}

#[inline(always)]
fn round_blocks_with<const FMA: bool>(input: &[f32], output: &mut [i8], scales: &mut [f32], sums: &mut [i32]) {
    let blocks = input.as_chunks::<32>().0.iter().zip(output.as_chunks_mut::<32>().0);
    for (((input, output), scale), sums) in blocks.zip(scales).zip(sums.as_chunks_mut::<2>().0) {
        // Blocks side by side in a register, as the compiler would have them, would be gathered number by number.
        let input = std::hint::black_box(input);
        *scale = round_block_with::<FMA>(input, output);
        for (sum, half) in sums.iter_mut().zip(output.as_chunks::<16>().0) {
            *sum = half.iter().map(|q| i32::from(*q)).sum();
        }
    }
}

dispatch! {
    /// Rounds each 32 values to 8 bits with a scale of their own; `sums` are those of each 16 rounded values.
    pub(super) fn round_blocks(input: &[f32], output: &mut [i8], scales: &mut [f32], sums: &mut [i32]) = round_blocks_with
}

#[inline(always)]
fn maximum_with<const FMA: bool>(values: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            most[i] = if chunk[i] > most[i] { chunk[i] } else { most[i] };
        }
    }
    rest.iter().fold(largest(most), |a, b| a.max(*b))
}

dispatch! {
    /// The largest value, NaN left out; negative infinity where there is none.
    pub(crate) fn maximum(values: &[f32]) -> f32 = maximum_with
}

#[inline(always)]
fn maxima_with<const FMA: bool>(values: &[f32], block: usize) -> Vec<f32> {
    values.chunks(block).map(maximum_with::<FMA>).collect()
}

dispatch! {
    /// The [`maximum`] of each `block` values.
    pub(crate) fn maxima(values: &[f32], block: usize) -> Vec<f32> = maxima_with
}

#[inline(always)]
fn sum_exp_with<const FMA: bool>(values: &[f32], most: f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += exp::<FMA>(chunk[i] - most);
        }
    }
    let rest: f32 = rest.iter().map(|x| exp::<FMA>(x - most)).sum();
    sums.iter().sum::<f32>() + rest
}

dispatch! {
    /// The sum of the exponentials of `values - most`: what softmax divides by, where `most` is the largest value.
    pub(crate) fn sum_exp(values: &[f32], most: f32) -> f32 = sum_exp_with
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_close() {
        for i in -860..880 {
            let x = i as f32 / 10.0;
            let (got, expected) = (exp::<true>(x), x.exp());
            assert!((got - expected).abs() <= expected * 4e-7, "e^{x}: {got} for {expected}");
        }
        assert!(exp::<false>(-1000.0) < 1e-37);
    }

    #[test]
    fn sum_exp_agrees_with_its_definition() {
        let logits: Vec<f32> = (0..1003).map(|i| ((i * 37) % 101) as f32 / 10.0 - 4.0).collect();
        let most = maximum(&logits);
        assert_eq!(most, 6.0);
        let expected: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
        assert!((f64::from(sum_exp(&logits, most)) / expected - 1.0).abs() < 1e-6);
        assert_eq!(maximum(&[f32::NEG_INFINITY, f32::NAN]), f32::NEG_INFINITY);
        assert!(sum_exp(&[f32::NAN], 0.0).is_nan());
    }

    #[test]
    fn four_dots_are_dots() {
        let wave = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<_>>();
        let (four, with) = (wave(4 * 80, 0.7), wave(80, 0.3));
        let expected: Vec<f32> = four.chunks_exact(80).map(|a| dot::<true>(a, &with)).collect();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the features were just detected.
            assert_eq!(unsafe { four_dots(&four, &with) }, expected[..]);
        }
        assert_eq!(expected.len(), 4);
    }

    #[test]
    fn attention_agrees_with_its_definition_and_with_itself_in_parts() {
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
        let attention = Attention {
            queries: &queries,
            dim,
            stride,
            offset,
            parts: &whole,
            cap: None,
        };
        attend(&attention, &mut Vec::new(), &mut out);
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
        attend(
            &Attention {
                parts: &parts,
                ..attention
            },
            &mut Vec::new(),
            &mut again,
        );
        assert_eq!(out, again);
    }
}
