//! Activation functions and normalisation in float32 on the CPU.
//!
//! Each value depends on its own row alone, computed in a fixed order: a batch never changes a row.

use super::simd::{dispatch, exp_f32, multiply_add, sum_mapped};

/// An activation function of a feed-forward layer, by the names of transformers (`ACT2FN`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum ActivationFunction {
    Relu,
    Silu,
    /// GELU computed with the error function.
    Gelu,
    /// GELU approximated with tanh.
    GeluTanh,
}

impl ActivationFunction {
    /// Finds the activation function that a `config.json` names; `None` for an unknown name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "silu" | "swish" => Self::Silu,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Self::GeluTanh,
            _ => return None,
        })
    }

    /// Applies the activation function to each value in place.
    pub fn activate_in_place(self, values: &mut [f32]) {
        match self {
            Self::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
            Self::Silu => apply_silu(values),
            Self::Gelu => apply_gelu(values),
            Self::GeluTanh => apply_gelu_tanh(values),
        }
    }
}

#[inline(always)]
fn apply_silu_impl<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        *x /= 1.0 + exp_f32::<FMA>(-*x);
    }
}

dispatch! {
    fn apply_silu(values: &mut [f32]) = apply_silu_impl
}

#[inline(always)]
fn apply_gelu_impl<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        // The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / multiply_add::<FMA>(0.327_591_1, z, 1.0);
        let mut p = 1.061_405_4;
        for c in [-1.453_152_1, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
            p = multiply_add::<FMA>(p, t, c);
        }
        let tail = 0.5 * p * t * exp_f32::<FMA>(-z * z);
        *x *= if *x < 0.0 { tail } else { 1.0 - tail };
    }
}

dispatch! {
    fn apply_gelu(values: &mut [f32]) = apply_gelu_impl
}

#[inline(always)]
fn apply_gelu_tanh_impl<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        let z = 0.797_884_6 * multiply_add::<FMA>(0.044_715 * *x * *x, *x, *x);
        *x /= 1.0 + exp_f32::<FMA>(-2.0 * z);
    }
}

dispatch! {
    fn apply_gelu_tanh(values: &mut [f32]) = apply_gelu_tanh_impl
}

/// Normalisation over the last dimension: layer norm if there is a bias, RMS norm otherwise.
pub(in crate::model) struct Norm<V = Vec<f32>> {
    pub weight: V,
    pub bias: Option<V>,
    pub epsilon: f32,
}

impl Norm {
    /// Normalises each row of `rows`, `(rows, hidden_size)`; returns the same shape.
    pub fn normalise_rows(&self, rows: &[f32]) -> Vec<f32> {
        let width = self.weight.len();
        let mut out = vec![0f32; rows.len()];
        for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            self.normalise_row_into(row, out);
        }
        out
    }

    /// Normalises one row of `hidden_size` values into `out`.
    pub fn normalise_row_into(&self, row: &[f32], out: &mut [f32]) {
        normalise_row(row, &self.weight, self.bias.as_deref(), self.epsilon, out);
    }
}

#[inline(always)]
fn normalise_row_impl<const FMA: bool>(
    row: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    epsilon: f32,
    out: &mut [f32],
) {
    let count = row.len() as f32;
    let mean = match bias {
        Some(_) => sum_mapped(row, |x| x) / count,
        None => 0.0,
    };
    let variance = sum_mapped(row, |x| (x - mean) * (x - mean)) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(row).zip(weight) {
        *out = (x - mean) * scale * weight;
    }
    for (out, bias) in out.iter_mut().zip(bias.unwrap_or_default()) {
        *out += bias;
    }
}

dispatch! {
    fn normalise_row(row: &[f32], weight: &[f32], bias: Option<&[f32]>, epsilon: f32, out: &mut [f32]) = normalise_row_impl
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
            ActivationFunction::from_name(name).unwrap().activate_in_place(&mut got);
            for (x, got) in xs.iter().zip(got) {
                let expected = definition(f64::from(*x));
                assert!(
                    (f64::from(got) - expected).abs() < 3e-6,
                    "{name}({x}): {got} for {expected}"
                );
            }
        }
        assert_eq!(ActivationFunction::from_name("mish"), None);
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
            for (x, got) in row.iter().zip(norm.normalise_rows(&row)) {
                let expected = (x - middle) / (variance + 1e-5).sqrt() * 1.5 + if layer { 0.25 } else { 0.0 };
                assert!((got - expected).abs() < 1e-5, "{got} for {expected}");
            }
        }
    }
}
