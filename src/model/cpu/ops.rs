//! What stands between the matrix products of an encoder-decoder model, in float32 on the CPU.
//!
//! Each value depends on its own row alone, computed in a fixed order: a batch never changes a row.

use super::simd::{dispatch, dot, exp, multiply_add};

const LANES: usize = 16;

/// The function inside a feed-forward layer, by transformers' names (`ACT2FN`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Activation {
    Relu,
    Silu,
    /// By the error function.
    Gelu,
    /// Its approximation by tanh.
    GeluTanh,
}

impl Activation {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "silu" | "swish" => Self::Silu,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Self::GeluTanh,
            _ => return None,
        })
    }

    /// Applies it in place.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            Self::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
            Self::Silu => silu(values),
            Self::Gelu => gelu(values),
            Self::GeluTanh => gelu_tanh(values),
        }
    }
}

#[inline(always)]
fn silu_with<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        *x /= 1.0 + exp::<FMA>(-*x);
    }
}

dispatch! {
    fn silu(values: &mut [f32]) = silu_with
}

#[inline(always)]
fn gelu_with<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        // The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / multiply_add::<FMA>(0.327_591_1, z, 1.0);
        let mut p = 1.061_405_4;
        for c in [-1.453_152_1, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
            p = multiply_add::<FMA>(p, t, c);
        }
        let tail = 0.5 * p * t * exp::<FMA>(-z * z);
        *x *= if *x < 0.0 { tail } else { 1.0 - tail };
    }
}

dispatch! {
    fn gelu(values: &mut [f32]) = gelu_with
}

#[inline(always)]
fn gelu_tanh_with<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        let z = 0.797_884_6 * multiply_add::<FMA>(0.044_715 * *x * *x, *x, *x);
        *x /= 1.0 + exp::<FMA>(-2.0 * z);
    }
}

dispatch! {
    fn gelu_tanh(values: &mut [f32]) = gelu_tanh_with
}

/// A norm over the last dimension: with a bias, layer norm; without, RMS norm.
pub(in crate::model) struct Norm<V = Vec<f32>> {
    pub weight: V,
    pub bias: Option<V>,
    pub epsilon: f32,
}

impl Norm {
    /// Of each row of `(rows, width)`.
    pub fn of(&self, rows: &[f32]) -> Vec<f32> {
        let width = self.weight.len();
        let mut out = vec![0f32; rows.len()];
        for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            self.write(row, out);
        }
        out
    }

    /// Of one row, into `out`.
    pub fn write(&self, row: &[f32], out: &mut [f32]) {
        normalise(row, &self.weight, self.bias.as_deref(), self.epsilon, out);
    }
}

#[inline(always)]
fn sum<const FMA: bool>(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += f(chunk[i]);
        }
    }
    for (i, x) in rest.iter().enumerate() {
        sums[i] += f(*x);
    }
    sums.iter().sum()
}

#[inline(always)]
fn normalise_with<const FMA: bool>(row: &[f32], weight: &[f32], bias: Option<&[f32]>, epsilon: f32, out: &mut [f32]) {
    let count = row.len() as f32;
    let mean = match bias {
        Some(_) => sum::<FMA>(row, |x| x) / count,
        None => 0.0,
    };
    let variance = sum::<FMA>(row, |x| (x - mean) * (x - mean)) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(row).zip(weight) {
        *out = (x - mean) * scale * weight;
    }
    for (out, bias) in out.iter_mut().zip(bias.unwrap_or_default()) {
        *out += bias;
    }
}

dispatch! {
    fn normalise(row: &[f32], weight: &[f32], bias: Option<&[f32]>, epsilon: f32, out: &mut [f32]) = normalise_with
}

/// Keys and values of slots, `(slots / CHUNK, heads, keys and values, CHUNK, dim)`: a head reads its own from front to
/// back, and more slots lie behind those that there are.
pub(in crate::model) struct Memory {
    heads: usize,
    dim: usize,
    values: Vec<f32>,
}

/// Slots of a [`Memory`] that stand together.
const CHUNK: usize = 64;

impl Memory {
    pub fn new(heads: usize, dim: usize) -> Self {
        Self {
            heads,
            dim,
            values: Vec::new(),
        }
    }

    /// Keeps the keys and then the values of all heads, for slots below `slots`.
    pub fn put(&mut self, slot: u32, slots: u32, projected: &[f32]) {
        let (slot, part) = (slot as usize, CHUNK * self.dim);
        let chunk = 2 * self.heads * part;
        let len = (slots as usize).div_ceil(CHUNK) * chunk;
        if self.values.len() < len {
            self.values.resize(len, 0.0);
        }
        let (keys, values) = projected.split_at(self.heads * self.dim);
        let base = slot / CHUNK * chunk + slot % CHUNK * self.dim;
        for (head, (keys, values)) in keys
            .chunks_exact(self.dim)
            .zip(values.chunks_exact(self.dim))
            .enumerate()
        {
            let at = base + 2 * head * part;
            self.values[at..][..self.dim].copy_from_slice(keys);
            self.values[at + part..][..self.dim].copy_from_slice(values);
        }
    }

    /// Where a slot's keys for a head start; its values start `CHUNK * dim` after.
    #[inline(always)]
    fn at(&self, slot: u32, head: usize) -> usize {
        let (slot, part) = (slot as usize, CHUNK * self.dim);
        (slot / CHUNK * self.heads + head) * 2 * part + slot % CHUNK * self.dim
    }

    /// Asks for the keys or values that start at `at`, to be used soon: they are too far apart for the machine to foresee.
    #[inline(always)]
    fn fetch(&self, at: usize) {
        #[cfg(target_arch = "x86_64")]
        for line in (at..at + self.dim).step_by(16) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: no address is read that could not be.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.values.as_ptr().wrapping_add(line).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = at;
    }
}

/// One head's attention of some queries over the same positions.
pub(in crate::model) struct Attention<'a> {
    /// `(queries, dim)`, scaled already.
    pub queries: &'a [f32],
    pub memory: &'a Memory,
    pub head: usize,
    /// The slots to attend to, in order.
    pub slots: &'a [u32],
    /// `(queries, slots)`, or empty: added to the products.
    pub bias: &'a [f32],
}

#[inline(always)]
fn attend_with<const FMA: bool>(attention: &Attention, weights: &mut Vec<f32>, out: &mut [f32]) {
    let Attention {
        queries,
        memory,
        head,
        slots,
        bias,
    } = *attention;
    let (count, dim) = (slots.len(), memory.dim);
    weights.clear();
    weights.resize(queries.len() / dim * count, 0.0);
    for (position, slot) in slots.iter().enumerate() {
        memory.fetch(memory.at(*slot, head) + CHUNK * dim);
        if let Some(slot) = slots.get(position + 4) {
            memory.fetch(memory.at(*slot, head));
        }
        let key = &memory.values[memory.at(*slot, head)..][..dim];
        for (query, weights) in queries.chunks_exact(dim).zip(weights.chunks_exact_mut(count)) {
            weights[position] = dot::<FMA>(query, key);
        }
    }
    for (weight, bias) in weights.iter_mut().zip(bias) {
        *weight += bias;
    }
    for (weights, out) in weights.chunks_exact_mut(count).zip(out.chunks_exact_mut(dim)) {
        let most = weights.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        for weight in weights.iter_mut() {
            *weight = exp::<FMA>(*weight - most);
        }
        let total = sum::<FMA>(weights, |x| x);
        let inverse = 1.0 / total;
        let mut start = 0;
        // A run of 64 values at a time stays in registers over all positions.
        while start + 64 <= dim {
            let mut sums = [0f32; 64];
            for (slot, weight) in slots.iter().zip(weights.iter()) {
                let value = &memory.values[memory.at(*slot, head) + CHUNK * dim + start..][..64];
                for i in 0..64 {
                    sums[i] = multiply_add::<FMA>(*weight, value[i], sums[i]);
                }
            }
            for i in 0..64 {
                out[start + i] = sums[i] * inverse;
            }
            start += 64;
        }
        let rest = &mut out[start..];
        rest.fill(0.0);
        for (slot, weight) in slots.iter().zip(weights.iter()) {
            let value = &memory.values[memory.at(*slot, head) + CHUNK * dim + start..][..rest.len()];
            for (out, value) in rest.iter_mut().zip(value) {
                *out = multiply_add::<FMA>(*weight, *value, *out);
            }
        }
        rest.iter_mut().for_each(|x| *x *= inverse);
    }
}

dispatch! {
    /// Softmax attention, `(queries, dim)` into `out`; `weights` is scratch.
    pub(in crate::model) fn attend(attention: &Attention, weights: &mut Vec<f32>, out: &mut [f32]) = attend_with
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_agree_with_their_definitions() {
        let xs: Vec<f32> = (-400..400).map(|i| i as f32 / 40.0).collect();
        let tanh_form = |x: f64| 0.5 * x * (1.0 + (0.797_884_560_8 * (x + 0.044_715 * x.powi(3))).tanh());
        // The error function by its series, which converges everywhere.
        let erf = |x: f64| {
            let (mut term, mut total) = (x, x);
            for n in 1..200 {
                term *= -x * x / f64::from(n);
                total += term / f64::from(2 * n + 1);
            }
            total * std::f64::consts::FRAC_2_SQRT_PI
        };
        type Case<'a> = (&'a str, &'a dyn Fn(f64) -> f64);
        let cases: [Case; 4] = [
            ("relu", &|x| x.max(0.0)),
            ("swish", &|x| x / (1.0 + (-x).exp())),
            ("gelu", &|x| {
                0.5 * x
                    * (1.0
                        + if x.abs() > 5.0 {
                            x.signum()
                        } else {
                            erf(x / 2f64.sqrt())
                        })
            }),
            ("gelu_new", &tanh_form),
        ];
        for (name, definition) in cases {
            let mut got = xs.clone();
            Activation::from_name(name).unwrap().apply(&mut got);
            for (x, got) in xs.iter().zip(got) {
                let expected = definition(f64::from(*x));
                assert!(
                    (f64::from(got) - expected).abs() < 3e-6,
                    "{name}({x}): {got} for {expected}"
                );
            }
        }
        assert_eq!(Activation::from_name("mish"), None);
    }

    #[test]
    fn norms_agree_with_their_definitions() {
        let row: Vec<f32> = (0..37).map(|i| (i as f32 * 0.7).sin() * 3.0 + 1.0).collect();
        let (weight, bias) = (vec![1.5f32; 37], vec![0.25f32; 37]);
        let mean = row.iter().sum::<f32>() / 37.0;
        for layer in [true, false] {
            let middle = if layer { mean } else { 0.0 };
            let variance = row.iter().map(|x| (x - middle).powi(2)).sum::<f32>() / 37.0;
            let norm = Norm {
                weight: weight.clone(),
                bias: layer.then(|| bias.clone()),
                epsilon: 1e-5,
            };
            for (x, got) in row.iter().zip(norm.of(&row)) {
                let expected = (x - middle) / (variance + 1e-5).sqrt() * 1.5 + if layer { 0.25 } else { 0.0 };
                assert!((got - expected).abs() < 1e-5, "{got} for {expected}");
            }
        }
    }

    #[test]
    fn attention_agrees_with_its_definition_alone_and_together() {
        for dim in [12, 64, 80] {
            let wave = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<_>>();
            // Head 1 of 2, of slots in two chunks.
            let (queries, projected, bias) = (wave(2 * dim, 0.7), wave(100 * 4 * dim, 0.3), wave(10, 1.3));
            let mut memory = Memory::new(2, dim);
            for (slot, projected) in projected.chunks_exact(4 * dim).enumerate() {
                memory.put(slot as u32, slot as u32 + 1, projected);
            }
            let slots = [7, 0, 93, 8, 64];
            let attention = Attention {
                queries: &queries,
                memory: &memory,
                head: 1,
                slots: &slots,
                bias: &bias,
            };
            let mut out = vec![0.0; 2 * dim];
            attend(&attention, &mut Vec::new(), &mut out);
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
                let single = Attention {
                    queries: &queries[query * dim..][..dim],
                    bias: &bias[query * 5..][..5],
                    ..attention
                };
                attend(&single, &mut Vec::new(), &mut alone);
                assert_eq!(alone, out[query * dim..][..dim]);
            }
        }
    }
}
