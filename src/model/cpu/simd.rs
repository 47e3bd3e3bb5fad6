//! Vectorised loops for the CPU, compiled for several instruction sets and chosen at run time.
//!
//! Each result depends on its own operands alone, in a fixed order, so that a batch never changes a row.

/// An instruction set that matrix kernels are written for. It can only be made of one that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InstructionSet(SimdLevel);

/// Names of the instruction sets that matrix kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SimdLevel {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl InstructionSet {
    /// Detects the fastest instruction set of this machine.
    pub fn detect_fastest() -> Self {
        Self::detect_all()[0]
    }

    /// Detects all instruction sets that this machine has, the fastest first.
    pub fn detect_all() -> Vec<Self> {
        let mut all = vec![Self(SimdLevel::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.insert(0, Self(SimdLevel::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                all.insert(0, Self(SimdLevel::Avx512Vnni));
            }
        }
        all
    }

    /// Gives the name of the instruction set, for a `match`.
    pub fn level(self) -> SimdLevel {
        self.0
    }
}

/// Prefetches values that will be read soon into the second-level cache.
pub(super) fn prefetch_values<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(values)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see, and may be given any address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(values.as_ptr().wrapping_byte_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Defines a function that calls `$body`, compiled for the best instruction set of this machine.
///
/// The body is an `#[inline(always)]` function with one const parameter: whether fused multiply-add is available. On
/// x86-64 a machine with it has AVX2, too.
macro_rules! dispatch {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)? = $body:ident) => {
        $(#[$doc])*
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
                fn run_with_avx512($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn run_with_avx2($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("fma")
                {
                    // SAFETY: the features were just detected.
                    return unsafe { run_with_avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the features were just detected.
                    return unsafe { run_with_avx2($($arg),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}

pub(super) use dispatch;

/// Number of float32 values that a loop sums side by side: those of one AVX-512 register.
pub(super) const SIMD_LANES: usize = 16;

/// Computes `a * b + c`, rounded only once if the machine has fused multiply-add (`FMA`).
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Computes e to the power of `x`, to about 2 units in the last place; `x` is clamped to -87 to 88 (Cephes `expf`).
#[inline(always)]
pub(super) fn exp_f32<const FMA: bool>(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding and subtracting 1.5 * 2^23 rounds to an integer without a library call; in between, the integer is in the
    // low bits.
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

/// Computes the dot product of two vectors of equal length.
#[inline(always)]
pub(super) fn dot_product<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; SIMD_LANES];
    let (a, a_rest) = a.as_chunks::<SIMD_LANES>();
    let (b, b_rest) = b.as_chunks::<SIMD_LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..SIMD_LANES {
            sums[i] = multiply_add::<FMA>(a[i], b[i], sums[i]);
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[i] = multiply_add::<FMA>(*a, *b, sums[i]);
    }
    sum_lanes(&mut sums)
}

/// Sums the lanes of an accumulator by halves: adds the upper half to the lower one until a single lane is left.
#[inline(always)]
pub(super) fn sum_lanes(sums: &mut [f32; SIMD_LANES]) -> f32 {
    let mut width = SIMD_LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0]
}

/// Sums `f(value)` over all values, in 16 lanes that are added one after the other at the end. [`sum_lanes`] adds lanes
/// in another order.
#[inline(always)]
pub(super) fn sum_mapped(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0f32; SIMD_LANES];
    let (chunks, rest) = values.as_chunks::<SIMD_LANES>();
    for chunk in chunks {
        for i in 0..SIMD_LANES {
            sums[i] += f(chunk[i]);
        }
    }
    for (i, x) in rest.iter().enumerate() {
        sums[i] += f(*x);
    }
    sums.iter().sum()
}

/// Finds the largest lane by halves: comparing one lane after the other would be slower, as each step waits for the
/// last.
#[inline(always)]
fn max_lanes(mut values: [f32; SIMD_LANES]) -> f32 {
    let mut width = SIMD_LANES;
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

/// Rounds a block of 32 values to 8 bits; returns the block's scale.
#[inline(always)]
fn round_block_to_int8<const FMA: bool>(input: &[f32; 32], output: &mut [i8; 32]) -> f32 {
    let mut most = [0f32; SIMD_LANES];
    for half in input.as_chunks::<SIMD_LANES>().0 {
        for i in 0..SIMD_LANES {
            let x = half[i].abs();
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    let most = max_lanes(most);
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (q, x) in output.iter_mut().zip(input) {
        // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
        *q = (x * inverse + 12_582_912.0).to_bits() as i8;
    }
    most / 127.0
}

#[inline(always)]
fn round_row_to_int8_impl<const FMA: bool>(input: &[f32], output: &mut [i8]) -> f32 {
    let mut most = [0f32; SIMD_LANES];
    let (chunks, rest) = input.as_chunks::<SIMD_LANES>();
    for chunk in chunks {
        for i in 0..SIMD_LANES {
            let x = chunk[i].abs();
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    let most = rest.iter().fold(max_lanes(most), |a, b| a.max(b.abs()));
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (q, x) in output.iter_mut().zip(input) {
        // The nearest integer, like in `round_block_to_int8`.
        *q = (x * inverse + 12_582_912.0).to_bits() as i8;
    }
    most / 127.0
}

dispatch! {
    /// Rounds a whole row to 8 bits with a single scale, which it returns. Values of `output` beyond the length of
    /// `input` are left as they are.
    pub(super) fn round_row_to_int8(input: &[f32], output: &mut [i8]) -> f32 = round_row_to_int8_impl
}

#[inline(always)]
fn round_blocks_to_int8_impl<const FMA: bool>(input: &[f32], output: &mut [i8], scales: &mut [f32], sums: &mut [i32]) {
    let blocks = input.as_chunks::<32>().0.iter().zip(output.as_chunks_mut::<32>().0);
    for (((input, output), scale), sums) in blocks.zip(scales).zip(sums.as_chunks_mut::<2>().0) {
        // Keeps the compiler from taking several blocks into one register, whose values it would gather one by one.
        let input = std::hint::black_box(input);
        *scale = round_block_to_int8::<FMA>(input, output);
        for (sum, half) in sums.iter_mut().zip(output.as_chunks::<16>().0) {
            *sum = half.iter().map(|q| i32::from(*q)).sum();
        }
    }
}

dispatch! {
    /// Rounds each block of 32 values to 8 bits with a scale of its own, and writes the sum of each 16 rounded values
    /// to `sums`.
    pub(super) fn round_blocks_to_int8(input: &[f32], output: &mut [i8], scales: &mut [f32], sums: &mut [i32]) = round_blocks_to_int8_impl
}

#[inline(always)]
pub(super) fn max_of_values_impl<const FMA: bool>(values: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; SIMD_LANES];
    let (chunks, rest) = values.as_chunks::<SIMD_LANES>();
    for chunk in chunks {
        for i in 0..SIMD_LANES {
            most[i] = if chunk[i] > most[i] { chunk[i] } else { most[i] };
        }
    }
    rest.iter().fold(max_lanes(most), |a, b| a.max(*b))
}

dispatch! {
    /// Finds the largest value that is not NaN; negative infinity if there is none.
    pub(crate) fn max_of_values(values: &[f32]) -> f32 = max_of_values_impl
}

#[inline(always)]
fn block_maxima_impl<const FMA: bool>(values: &[f32], block: usize) -> Vec<f32> {
    values.chunks(block).map(max_of_values_impl::<FMA>).collect()
}

dispatch! {
    /// Finds the [`max_of_values`] of each block of `block` values.
    pub(crate) fn block_maxima(values: &[f32], block: usize) -> Vec<f32> = block_maxima_impl
}

#[inline(always)]
fn sum_shifted_exp_impl<const FMA: bool>(values: &[f32], most: f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<SIMD_LANES>();
    let mut sums = [0f32; SIMD_LANES];
    for chunk in chunks {
        for i in 0..SIMD_LANES {
            sums[i] += exp_f32::<FMA>(chunk[i] - most);
        }
    }
    let rest: f32 = rest.iter().map(|x| exp_f32::<FMA>(x - most)).sum();
    sums.iter().sum::<f32>() + rest
}

dispatch! {
    /// Sums `exp(value - most)` over all values. If `most` is the largest value, the sum is the denominator of a
    /// softmax.
    pub(crate) fn sum_shifted_exp(values: &[f32], most: f32) -> f32 = sum_shifted_exp_impl
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_close() {
        for i in -860..880 {
            let x = i as f32 / 10.0;
            let (got, expected) = (exp_f32::<true>(x), x.exp());
            assert!((got - expected).abs() <= expected * 4e-7, "e^{x}: {got} for {expected}");
        }
        assert!(exp_f32::<false>(-1000.0) < 1e-37);
    }

    #[test]
    fn sum_exp_agrees_with_its_definition() {
        let logits: Vec<f32> = (0..1003).map(|i| ((i * 37) % 101) as f32 / 10.0 - 4.0).collect();
        let most = max_of_values(&logits);
        assert_eq!(most, 6.0);
        let expected: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
        assert!((f64::from(sum_shifted_exp(&logits, most)) / expected - 1.0).abs() < 1e-6);
        assert_eq!(max_of_values(&[f32::NEG_INFINITY, f32::NAN]), f32::NEG_INFINITY);
        assert!(sum_shifted_exp(&[f32::NAN], 0.0).is_nan());
    }
}
