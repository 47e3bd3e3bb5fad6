//! Rotary position embeddings (RoPE), and the ways to scale them for longer texts (transformers
//! `modeling_rope_utils.py`).

use super::variant::ArchitectureVariant;
use crate::error::{Error, Result};
use crate::model::weights::keys::{ConfigKeys, NeutralValue};
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

/// The settings of a rotary embedding, without those of its scaling.
#[derive(Clone, Copy)]
pub(super) struct RopeBase {
    /// Base of the frequencies (`rope_theta`).
    pub theta: f64,
    /// Number of values of one head.
    pub dim: usize,
    /// Number of positions of the model.
    pub max_positions: usize,
    /// Whether the architecture reads `alpha` in scaling of type `dynamic` (Hunyuan).
    pub ntk_alpha: bool,
}

/// Keys of `rope_parameters` that belong to some types of scaling only.
const SCALING_NUMBERS: [&str; 9] = [
    "attention_factor",
    "beta_fast",
    "beta_slow",
    "factor",
    "high_freq_factor",
    "low_freq_factor",
    "mscale",
    "mscale_all_dim",
    "original_max_position_embeddings",
];

/// Reads the rotary embedding of a model, and that of its layers with sliding-window attention if it is another one,
/// from the keys of `config.json`.
///
/// transformers 5 writes one object, `rope_parameters`, for all layers, or one for each type of layers within it;
/// versions before wrote `rope_theta`, `rope_scaling` and, for Gemma 3, `rope_local_base_freq`. A file may have both
/// forms if they say the same.
///
/// # Errors
/// Fails with an error of kind `Model` for an unknown type of scaling, an unknown key, a missing number, or two forms
/// that say different things.
pub(super) fn read_rotary_embeddings(
    keys: &ConfigKeys,
    variant: &ArchitectureVariant,
    dim: usize,
    max_positions: usize,
) -> Result<(RotaryEmbedding, Option<RotaryEmbedding>)> {
    let (full, sliding) = match keys.read_object("rope_parameters")? {
        Some(by_layer_type) if by_layer_type.has_objects() => {
            let [full, sliding] = ["full_attention", "sliding_attention"].map(|kind| by_layer_type.read_object(kind));
            by_layer_type.refuse_unknown(&[])?;
            (full?, sliding?)
        }
        all => (all, None),
    };
    let scaling = keys.read_object("rope_scaling")?;
    // The newer form, for the layers of one type or for all; and the older one.
    let embedding = |newer: Option<&ConfigKeys>, older: Option<&ConfigKeys>, theta_key: &str, default: f64| {
        let outer = keys.read_positive_number(theta_key)?;
        let inner = newer.map_or(Ok(None), |newer| newer.read_positive_number("rope_theta"))?;
        if let (Some(outer), Some(inner)) = (outer, inner)
            && outer != inner
        {
            let message = format!("is {outer}, but rope_parameters has {inner}: only one can hold");
            return Err(keys.model_error(theta_key, message));
        }
        let base = RopeBase {
            theta: inner.or(outer).unwrap_or(default),
            dim,
            max_positions,
            ntk_alpha: variant.ntk_alpha,
        };
        let read = |keys: Option<&ConfigKeys>| keys.map(|keys| RotaryEmbedding::from_keys(keys, &base)).transpose();
        match (read(newer)?, read(older)?) {
            (Some(newer), Some(older)) if newer != older => Err(keys.model_error(
                "rope_scaling",
                "says something else than rope_parameters: only one can hold",
            )),
            (Some(rope), _) | (None, Some(rope)) => Ok(rope),
            (None, None) => Ok(RotaryEmbedding::unscaled(base.theta, dim)),
        }
    };
    let rope = embedding(full.as_ref(), scaling.as_ref(), "rope_theta", variant.defaults.theta)?;
    let local = match (variant.local_theta, &sliding) {
        (None, None) => None,
        (default, sliding) => {
            let default = default.unwrap_or(variant.defaults.theta);
            Some(embedding(sliding.as_ref(), None, "rope_local_base_freq", default)?)
        }
    };
    Ok((rope, local))
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

    /// Makes the embedding that an object of `config.json` describes, for heads of `dim` values: `rope_scaling`, or
    /// `rope_parameters` as transformers 5 writes it.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` for an unknown type of scaling, an unknown key, a missing number, or numbers
    /// that do not fit together.
    pub fn from_keys(keys: &ConfigKeys, base: &RopeBase) -> Result<Self> {
        let &RopeBase {
            theta,
            dim,
            max_positions,
            ntk_alpha,
        } = base;
        let need = |key: &str| {
            let number = keys.read_positive_number(key)?;
            number.ok_or_else(|| keys.model_error(key, "missing; a number is expected"))
        };
        let original = || keys.read_positive_number("original_max_position_embeddings");
        let original = || Ok::<f64, Error>(original()?.unwrap_or(max_positions as f64));
        let [kind, older] = ["rope_type", "type"].map(|key| keys.non_null_value(key).map(|_| key));
        let kind = kind.or(older).unwrap_or("rope_type");
        let mut rope = Self::unscaled(theta, dim);
        match keys.read_text(kind, "default")? {
            "default" => {}
            "linear" => rope.scale_frequencies(&[need("factor")? as f32]),
            // With `alpha` it is Hunyuan's scaling, which does not depend on the text's length. Without it scaling
            // would begin only beyond `max_positions`, which no text exceeds.
            "dynamic" => {
                if ntk_alpha && let Some(alpha) = keys.read_positive_number("alpha")? {
                    rope = Self::unscaled(theta * alpha.powf(dim as f64 / (dim as f64 - 2.0)), dim);
                }
            }
            "llama3" => {
                let (factor, low, high) = (need("factor")?, need("low_freq_factor")?, need("high_freq_factor")?);
                let original = original()?;
                for frequency in &mut rope.frequencies {
                    let wavelength = 2.0 * PI / f64::from(*frequency);
                    let smooth = ((original / wavelength - low) / (high - low)).clamp(0.0, 1.0);
                    *frequency = (f64::from(*frequency) * ((1.0 - smooth) / factor + smooth)) as f32;
                }
            }
            "yarn" => {
                let original = original()?;
                let factor = keys.read_positive_number("factor")?;
                let factor = factor.unwrap_or(max_positions as f64 / original);
                rope.interpolate_by_yarn(keys, base, factor, original)?;
            }
            other => return Err(keys.model_error(kind, format!("`{other}` is not known"))),
        }
        if !rope.scale.is_finite() || rope.frequencies.iter().any(|frequency| !frequency.is_finite()) {
            return Err(keys.model_error(kind, "its numbers do not fit together"));
        }
        // Numbers of another type of scaling: transformers ignores them too.
        for key in SCALING_NUMBERS {
            keys.read_positive_number(key)?;
        }
        keys.refuse_unknown(&[("partial_rotary_factor", NeutralValue::Number(1.0))])?;
        Ok(rope)
    }

    /// Scales the frequencies as YaRN does: those that turn seldom within `original` positions are divided by `factor`.
    fn interpolate_by_yarn(&mut self, keys: &ConfigKeys, base: &RopeBase, factor: f64, original: f64) -> Result<()> {
        let dim = base.dim as f64;
        let turns = |turns: f64| dim * (original / (turns * 2.0 * PI)).ln() / (2.0 * base.theta.ln());
        let mut low = turns(keys.read_positive_number("beta_fast")?.unwrap_or(32.0));
        let mut high = turns(keys.read_positive_number("beta_slow")?.unwrap_or(1.0));
        if keys.read_flag("truncate", true)? {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, mut high) = (low.max(0.0), high.min(dim - 1.0));
        if low == high {
            high += 0.001;
        }
        for (pair, frequency) in self.frequencies.iter_mut().enumerate() {
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
            keys.read_positive_number("mscale")?,
            keys.read_positive_number("mscale_all_dim")?,
        ) {
            (Some(mscale), Some(all)) => magnitude(mscale) / magnitude(all),
            _ => magnitude(1.0),
        };
        self.scale = keys.read_positive_number("attention_factor")?.unwrap_or(inferred) as f32;
        Ok(())
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
