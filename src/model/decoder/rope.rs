//! Rotary position embeddings (RoPE), and the ways to scale them for longer texts (transformers
//! `modeling_rope_utils.py`).

use crate::error::Result;
use crate::model::weights::keys::ConfigKeys;
use std::f64::consts::PI;

/// A rotary position embedding: rotates pairs of a head's values by angles that grow with the position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RotaryEmbedding {
    /// Rotation of each pair per position, in radians.
    frequencies: Vec<f32>,
    /// Factor on all cosines and sines (YaRN's attention factor; otherwise 1).
    scale: f32,
    /// Whether the two values of a pair are neighbours; otherwise they are half a head apart.
    pub pairs_neighbours: bool,
}

impl RotaryEmbedding {
    /// Makes an unscaled embedding for heads of `dim` values: pair `i` has the frequency `theta^(-2i/dim)`.
    pub fn unscaled(theta: f64, dim: usize) -> Self {
        let frequency = |pair: usize| theta.powf(-((2 * pair) as f64) / dim as f64) as f32;
        Self {
            frequencies: (0..dim / 2).map(frequency).collect(),
            scale: 1.0,
            pairs_neighbours: false,
        }
    }

    /// Divides the frequencies by `factors`: one factor for all, or one for each pair.
    pub fn scale_frequencies(&mut self, factors: &[f32]) {
        for (frequency, factor) in self.frequencies.iter_mut().zip(factors.iter().cycle()) {
            *frequency /= factor;
        }
    }

    /// Multiplies all cosines and sines by `factor`.
    pub fn scale_angles(&mut self, factor: f32) {
        self.scale *= factor;
    }

    /// Makes the embedding that a `rope_scaling` object of `config.json` describes, for heads of `dim` values.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` for an unknown type of scaling, or a missing number.
    pub fn from_rope_scaling(scaling: &ConfigKeys, theta: f64, dim: usize, max_positions: usize) -> Result<Self> {
        let need = |key: &str| {
            let number = scaling.read_positive_number(key)?;
            number.ok_or_else(|| scaling.model_error(&format!("rope_scaling.{key}"), "missing; a number is expected"))
        };
        let key = if scaling.non_null_value("rope_type").is_some() {
            "rope_type"
        } else {
            "type"
        };
        let mut rope = Self::unscaled(theta, dim);
        match scaling.read_text(key, "default")? {
            "default" => {}
            "linear" => rope.scale_frequencies(&[need("factor")? as f32]),
            // With `alpha` it is Hunyuan's scaling, which does not depend on the text's length. Without it scaling
            // would begin only beyond `max_positions`, which no text exceeds.
            "dynamic" => {
                if let Some(alpha) = scaling.read_positive_number("alpha")? {
                    return Ok(Self::unscaled(theta * alpha.powf(dim as f64 / (dim as f64 - 2.0)), dim));
                }
            }
            "llama3" => {
                let (factor, low, high) = (need("factor")?, need("low_freq_factor")?, need("high_freq_factor")?);
                let original = need("original_max_position_embeddings")?;
                for frequency in &mut rope.frequencies {
                    let wavelength = 2.0 * PI / f64::from(*frequency);
                    let smooth = ((original / wavelength - low) / (high - low)).clamp(0.0, 1.0);
                    *frequency = (f64::from(*frequency) * ((1.0 - smooth) / factor + smooth)) as f32;
                }
            }
            "yarn" => {
                let factor = need("factor")?;
                let original = scaling.read_positive_number("original_max_position_embeddings")?;
                let original = original.unwrap_or(max_positions as f64);
                let turns = |turns: f64| dim as f64 * (original / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
                let mut low = turns(scaling.read_positive_number("beta_fast")?.unwrap_or(32.0));
                let mut high = turns(scaling.read_positive_number("beta_slow")?.unwrap_or(1.0));
                if scaling.read_flag("truncate", true)? {
                    (low, high) = (low.floor(), high.ceil());
                }
                let (low, mut high) = (low.max(0.0), high.min(dim as f64 - 1.0));
                if low == high {
                    high += 0.001;
                }
                for (pair, frequency) in rope.frequencies.iter_mut().enumerate() {
                    let stretched = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
                    *frequency = (f64::from(*frequency) * (stretched / factor + 1.0 - stretched)) as f32;
                }
                let magnitude = |weight: f64| {
                    if factor <= 1.0 {
                        1.0
                    } else {
                        0.1 * weight * factor.ln() + 1.0
                    }
                };
                let inferred = match (
                    scaling.read_positive_number("mscale")?,
                    scaling.read_positive_number("mscale_all_dim")?,
                ) {
                    (Some(mscale), Some(all)) => magnitude(mscale) / magnitude(all),
                    _ => magnitude(1.0),
                };
                rope.scale = scaling.read_positive_number("attention_factor")?.unwrap_or(inferred) as f32;
            }
            other => return Err(scaling.model_error(&format!("rope_scaling.{key}"), format!("`{other}` is not known"))),
        }
        Ok(rope)
    }

    /// Computes the cosine and sine of each pair's angle at each position, `(positions, dim / 2, 2)`.
    pub fn compute_cosines_and_sines(&self, positions: &[usize]) -> Vec<[f32; 2]> {
        let angle = |position: &usize, frequency: &f32| {
            let (sine, cosine) = (*position as f32 * frequency).sin_cos();
            [cosine * self.scale, sine * self.scale]
        };
        positions
            .iter()
            .flat_map(|position| self.frequencies.iter().map(move |frequency| angle(position, frequency)))
            .collect()
    }

    /// Rotates the values of one head in place by the angles of its token's position, as [`RotaryEmbedding::compute_cosines_and_sines`] gives them.
    pub fn rotate_head(&self, head: &mut [f32], angles: &[[f32; 2]]) {
        if self.pairs_neighbours {
            for (pair, [cosine, sine]) in head.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
                let [a, b] = *pair;
                *pair = [a * cosine - b * sine, b * cosine + a * sine];
            }
            return;
        }
        let (first, second) = head.split_at_mut(angles.len());
        for ((a, b), [cosine, sine]) in first.iter_mut().zip(second).zip(angles) {
            (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
        }
    }
}
