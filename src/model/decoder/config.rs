//! The configuration of a decoder-only model, in one form for all architectures, and its reading from `config.json`;
//! `gguf_config` reads it from a GGUF file.

use super::rope::RotaryEmbedding;
use super::variant::{ArchitectureVariant, AttentionWindows, QkNormPlacement};
use crate::error::Result;
use crate::model::Architecture;
use crate::model::cpu::ops::ActivationFunction;
use crate::model::weights::keys::ConfigKeys;
use serde_json::Value;
use std::path::Path;

/// The dimensions of a decoder-only model, and all else in which architectures differ.
#[derive(Clone, Debug)]
pub(super) struct DecoderConfig {
    pub vocabulary: usize,
    pub hidden_size: usize,
    /// Number of values inside the feed-forward layers (`intermediate_size`).
    pub feed_forward: usize,
    /// Number of query heads, a multiple of `kv_heads`.
    pub heads: usize,
    /// Number of heads of keys and values.
    pub kv_heads: usize,
    /// Number of values of one head.
    pub head_dim: usize,
    pub max_positions: usize,
    pub epsilon: f32,
    pub activation: ActivationFunction,
    pub embedding_scale: f32,
    /// Factor on the dot products of queries and keys.
    pub attention_scale: f32,
    /// Soft cap of the attention scores, `cap * tanh(score / cap)`; none if they are not capped.
    pub attention_cap: Option<f32>,
    /// Soft cap of the logits, `cap * tanh(logit / cap)`; none if they are not capped.
    pub logit_cap: Option<f32>,
    /// Whether norms stand also after attention and feed-forward layers.
    pub post_norms: bool,
    pub head_norm: QkNormPlacement,
    /// Whether the checkpoint stores norm weights less 1, so that 1 is added on loading (Gemma's checkpoints, but not
    /// its GGUF files).
    pub norms_from_one: bool,
    /// For each layer, the number of positions that a query attends to, its own included; none for all positions
    /// before it.
    pub windows: Vec<Option<usize>>,
    pub rope: RotaryEmbedding,
    /// The rotary embedding of the layers with sliding-window attention; none if it is that of the other layers.
    pub local_rope: Option<RotaryEmbedding>,
    pub attention_bias: bool,
    pub feed_forward_bias: bool,
    /// Whether a projection has a bias if the file holds one, as in GGUF files, whatever `attention_bias` and
    /// `feed_forward_bias` say.
    pub optional_biases: bool,
    /// Whether the output projection is the embedding.
    pub tied: bool,
}

/// Number of positions of a sliding window if the file gives none, as in transformers.
pub(super) const DEFAULT_WINDOW_POSITIONS: usize = 4096;

impl DecoderConfig {
    /// Reads the configuration from a parsed `config.json`; `path` is used in error messages only. A model that also
    /// takes images has its text part under `text_config`.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the key that is missing or has an unknown value.
    pub fn from_json(architecture: Architecture, value: &Value, path: &Path) -> Result<Self> {
        let text = value.get("text_config").filter(|text| text.is_object());
        let keys = ConfigKeys {
            path,
            value: text.unwrap_or(value),
        };
        let variant = ArchitectureVariant::new(architecture);
        let defaults = &variant.defaults;
        let hidden_size = keys.read_size("hidden_size", Some(defaults.hidden_size))?;
        let layers = keys.read_size("num_hidden_layers", Some(defaults.layers))?;
        let heads = keys.read_size("num_attention_heads", Some(defaults.heads))?;
        let kv_heads = match defaults.kv_heads {
            // An explicit null means as many as query heads; a missing key means the default of transformers' class.
            Some(_) if keys.value.get("num_key_value_heads").is_some_and(Value::is_null) => heads,
            default => keys.read_size("num_key_value_heads", Some(default.unwrap_or(heads)))?,
        };
        let head_dim = keys.read_size("head_dim", Some(defaults.head_dim.unwrap_or(hidden_size / heads)))?;
        check_head_dimensions(heads, kv_heads, head_dim)
            .map_err(|message| keys.model_error("num_attention_heads", message))?;
        let max_positions = keys.read_size("max_position_embeddings", Some(defaults.max_positions))?;
        let theta = keys.read_positive_number("rope_theta")?.unwrap_or(defaults.theta);
        let scaling = ConfigKeys {
            path,
            value: keys.non_null_value("rope_scaling").unwrap_or(&Value::Null),
        };
        let rope = RotaryEmbedding::from_rope_scaling(&scaling, theta, head_dim, max_positions)?;
        let local_rope = match variant.local_theta {
            Some(default) => {
                let theta = keys.read_positive_number("rope_local_base_freq")?.unwrap_or(default);
                Some(RotaryEmbedding::unscaled(theta, head_dim))
            }
            None => None,
        };
        let (name_key, default) = if variant.gemma {
            ("hidden_activation", "gelu_pytorch_tanh")
        } else {
            ("hidden_act", "silu")
        };
        let scalar = if variant.gemma {
            keys.read_positive_number("query_pre_attn_scalar")?.unwrap_or(256.0)
        } else {
            head_dim as f64
        };
        let cap = |key: &str, default: Option<f64>| -> Result<Option<f32>> {
            // A null means no cap; a missing key means the default of transformers' class.
            let found = match keys.value.get(key) {
                None => default,
                Some(_) => keys.read_positive_number(key)?.filter(|_| variant.gemma),
            };
            Ok(found.map(|cap| cap as f32))
        };
        Ok(Self {
            vocabulary: keys.read_size("vocab_size", Some(defaults.vocabulary))?,
            hidden_size,
            feed_forward: keys.read_size("intermediate_size", Some(defaults.feed_forward))?,
            heads,
            kv_heads,
            head_dim,
            max_positions,
            epsilon: keys.read_positive_number("rms_norm_eps")?.unwrap_or(defaults.epsilon) as f32,
            activation: keys.activation_by_name(name_key, keys.read_text(name_key, default)?)?,
            embedding_scale: if variant.gemma {
                (hidden_size as f32).sqrt()
            } else {
                1.0
            },
            attention_scale: scalar.sqrt().recip() as f32,
            attention_cap: cap("attn_logit_softcapping", variant.caps.map(|[attention, _]| attention))?,
            logit_cap: cap("final_logit_softcapping", variant.caps.map(|[_, logits]| logits))?,
            post_norms: variant.gemma,
            head_norm: variant.head_norm,
            norms_from_one: variant.gemma,
            windows: attention_windows_by_layer(variant.windows, &keys, layers)?,
            rope,
            local_rope,
            attention_bias: variant.attention_bias && keys.read_flag("attention_bias", false)?,
            feed_forward_bias: variant.feed_forward_bias && keys.read_flag("mlp_bias", false)?,
            optional_biases: false,
            tied: match keys.non_null_value("tie_word_embeddings") {
                // A model that also takes images has this key outside its text part.
                None => ConfigKeys { path, value }.read_flag("tie_word_embeddings", defaults.tied)?,
                Some(_) => keys.read_flag("tie_word_embeddings", defaults.tied)?,
            },
        })
    }

    /// Gives the rotary embedding of a layer.
    pub fn rope_of_layer(&self, layer: usize) -> &RotaryEmbedding {
        match (&self.local_rope, self.windows[layer]) {
            (Some(local), Some(_)) => local,
            _ => &self.rope,
        }
    }
}

/// Checks that `heads` is a multiple of `kv_heads` and that `head_dim` is even; otherwise gives the error message.
pub(super) fn check_head_dimensions(heads: usize, kv_heads: usize, head_dim: usize) -> std::result::Result<(), String> {
    if heads.is_multiple_of(kv_heads) && head_dim.is_multiple_of(2) && head_dim > 0 {
        Ok(())
    } else {
        Err(format!(
            "{heads} heads of {head_dim} values over {kv_heads} of keys: they do not fit together"
        ))
    }
}

/// Gives for each layer the number of positions that a query attends to (none for all): from `layer_types` if
/// `config.json` has it, otherwise by the architecture's rule.
fn attention_windows_by_layer(
    windows: AttentionWindows,
    keys: &ConfigKeys,
    layers: usize,
) -> Result<Vec<Option<usize>>> {
    let window = match keys.value.get("sliding_window") {
        Some(Value::Null) => None,
        _ => Some(keys.read_size("sliding_window", Some(DEFAULT_WINDOW_POSITIONS))?),
    };
    let (window, has_window): (_, Box<dyn Fn(usize) -> bool>) = match windows {
        AttentionWindows::None => return Ok(vec![None; layers]),
        AttentionWindows::All => return Ok(vec![window; layers]),
        AttentionWindows::AllBut { every, key } => {
            let every = match key {
                Some(key) => keys.read_size(key, Some(every))?,
                None => every,
            };
            (window, Box::new(move |layer| (layer + 1) % every != 0))
        }
        AttentionWindows::FromLayer => {
            let first = match keys.non_null_value("max_window_layers") {
                Some(Value::Number(number)) if number.as_u64() == Some(0) => 0,
                _ => keys.read_size("max_window_layers", Some(28))?,
            };
            let window = window.filter(|_| keys.value.get("use_sliding_window") == Some(&Value::Bool(true)));
            (window, Box::new(move |layer| layer >= first))
        }
    };
    let local: Vec<bool> = match keys.non_null_value("layer_types") {
        None => (0..layers).map(has_window).collect(),
        Some(types) => {
            let types = types.as_array().filter(|types| types.len() == layers);
            let types =
                types.ok_or_else(|| keys.model_error("layer_types", format!("not a list of {layers} kinds")))?;
            let kind = |kind: &Value| match kind.as_str() {
                Some("full_attention") => Ok(false),
                Some("sliding_attention") => Ok(true),
                _ => Err(keys.model_error("layer_types", format!("{kind} is not known"))),
            };
            types.iter().map(kind).collect::<Result<_>>()?
        }
    };
    Ok(local.into_iter().map(|local| window.filter(|_| local)).collect())
}
