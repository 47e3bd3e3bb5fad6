//! The configuration of a decoder-only model, in one form for all architectures, and its reading from `config.json`;
//! `gguf_config` reads it from a GGUF file.

use super::rope::{RotaryEmbedding, read_rotary_embeddings};
use super::variant::{ArchitectureVariant, AttentionWindows, QkNormPlacement};
use crate::error::Result;
use crate::model::Architecture;
use crate::model::cpu::ops::ActivationFunction;
use crate::model::weights::keys::{ConfigKeys, NeutralValue};
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

/// Keys that change what other architectures compute, each with the value at which it changes nothing.
const NEUTRAL_VALUES: &[(&str, NeutralValue)] = &[
    ("add_cross_attention", NeutralValue::Flag(false)),
    ("attention_bias", NeutralValue::Flag(false)),
    ("attention_multiplier", NeutralValue::Number(1.0)),
    ("embedding_multiplier", NeutralValue::Number(1.0)),
    ("is_causal", NeutralValue::Flag(true)),
    ("is_decoder", NeutralValue::Flag(false)),
    ("logit_scale", NeutralValue::Number(1.0)),
    ("logits_scaling", NeutralValue::Number(1.0)),
    ("mamba", NeutralValue::Flag(false)),
    ("mlp_bias", NeutralValue::Flag(false)),
    // Both are RMS norms.
    ("norm_type", NeutralValue::Text("hf_rms")),
    ("norm_type", NeutralValue::Text("rms")),
    ("num_experts", NeutralValue::Number(1.0)),
    ("num_nextn_predict_layers", NeutralValue::Number(0.0)),
    ("partial_rotary_factor", NeutralValue::Number(1.0)),
    ("position_embedding_xdrope", NeutralValue::Flag(false)),
    ("qk_layernorm", NeutralValue::Flag(false)),
    ("residual_multiplier", NeutralValue::Number(1.0)),
    ("rope_interleaved", NeutralValue::Flag(false)),
    ("tie_encoder_decoder", NeutralValue::Flag(false)),
    ("use_bidirectional_attention", NeutralValue::Flag(false)),
    ("use_cla", NeutralValue::Flag(false)),
    ("use_mixed_mlp_moe", NeutralValue::Flag(false)),
    ("use_mla", NeutralValue::Flag(false)),
    ("use_mrope", NeutralValue::Flag(false)),
    ("use_parallel_residual", NeutralValue::Flag(false)),
    ("use_qk_norm", NeutralValue::Flag(true)),
    ("use_rotary_pos_emb", NeutralValue::Flag(true)),
    ("use_sliding_window", NeutralValue::Flag(false)),
];

impl DecoderConfig {
    /// Reads the configuration from a parsed `config.json`; `path` is used in error messages only. A model that also
    /// takes images has its text part under `text_config`.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the key that is missing or has an unknown value.
    pub fn from_json(architecture: Architecture, value: &Value, path: &Path) -> Result<Self> {
        let file = ConfigKeys::new(path, value);
        let text = file.read_object("text_config")?;
        let keys = text.as_ref().unwrap_or(&file);
        let kind = keys.read_text("model_type", "")?;
        if !kind.is_empty() && Architecture::from_model_type(kind) != Some(architecture) {
            return Err(keys.model_error("model_type", format!("`{kind}` is not a model of type {architecture}")));
        }
        let variant = ArchitectureVariant::new(architecture);
        let defaults = &variant.defaults;
        let hidden_size = keys.read_size("hidden_size", Some(defaults.hidden_size))?;
        let layers = keys.read_layer_count("num_hidden_layers", Some(defaults.layers))?;
        let heads = keys.read_size("num_attention_heads", Some(defaults.heads))?;
        let kv_heads = match defaults.kv_heads {
            // An explicit null means as many as query heads; a missing key means the default of transformers' class.
            Some(_) if keys.value("num_key_value_heads").is_some_and(Value::is_null) => heads,
            default => keys.read_size("num_key_value_heads", Some(default.unwrap_or(heads)))?,
        };
        let head_dim = keys.read_size("head_dim", Some(defaults.head_dim.unwrap_or(hidden_size / heads)))?;
        check_head_dimensions(heads, kv_heads, head_dim)
            .map_err(|message| keys.model_error("num_attention_heads", message))?;
        let max_positions = keys.read_size("max_position_embeddings", Some(defaults.max_positions))?;
        let (rope, local_rope) = read_rotary_embeddings(keys, &variant, head_dim, max_positions)?;
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
            let found = match keys.value(key) {
                None => default,
                Some(_) => keys.read_positive_number(key)?,
            };
            Ok(found.map(|cap| cap as f32))
        };
        let (attention_cap, logit_cap) = if variant.gemma {
            let [attention, logits] = variant.caps.map_or([None; 2], |caps| caps.map(Some));
            (
                cap("attn_logit_softcapping", attention)?,
                cap("final_logit_softcapping", logits)?,
            )
        } else {
            (None, None)
        };
        let config = Self {
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
            attention_cap,
            logit_cap,
            post_norms: variant.gemma,
            head_norm: variant.head_norm,
            norms_from_one: variant.gemma,
            windows: attention_windows_by_layer(variant.windows, keys, layers)?,
            rope,
            local_rope,
            attention_bias: variant.attention_bias && keys.read_flag("attention_bias", false)?,
            feed_forward_bias: variant.feed_forward_bias && keys.read_flag("mlp_bias", false)?,
            optional_biases: false,
            // A model that also takes images may have this key outside its text part.
            tied: keys.read_flag(
                "tie_word_embeddings",
                file.read_flag("tie_word_embeddings", defaults.tied)?,
            )?,
        };
        file.refuse_unknown(NEUTRAL_VALUES)?;
        keys.refuse_unknown(NEUTRAL_VALUES)?;
        Ok(config)
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
    let default = (windows != AttentionWindows::None).then_some(DEFAULT_WINDOW_POSITIONS);
    let window = match keys.value("sliding_window") {
        None => default,
        Some(Value::Null) => None,
        Some(_) => Some(keys.read_size("sliding_window", None)?),
    };
    // transformers' classes without a choice of layers ignore `layer_types`.
    let (window, fixed, has_window): (_, _, Box<dyn Fn(usize) -> bool>) = match windows {
        AttentionWindows::None => (None, true, Box::new(|_| false)),
        AttentionWindows::All => (window, window.is_some(), Box::new(|_| true)),
        AttentionWindows::AllBut { every, key } => {
            let every = match key {
                Some(key) => keys.read_size(key, Some(every))?,
                None => every,
            };
            (window, false, Box::new(move |layer| (layer + 1) % every != 0))
        }
        AttentionWindows::FromLayer => {
            let first = match keys.non_null_value("max_window_layers") {
                Some(Value::Number(number)) if number.as_u64() == Some(0) => 0,
                _ => keys.read_size("max_window_layers", Some(28))?,
            };
            let window = window.filter(|_| keys.value("use_sliding_window") == Some(&Value::Bool(true)));
            (window, false, Box::new(move |layer| layer >= first))
        }
    };
    let by_rule: Vec<bool> = (0..layers).map(has_window).collect();
    let Some(types) = keys.non_null_value("layer_types") else {
        return Ok(by_rule.into_iter().map(|local| window.filter(|_| local)).collect());
    };
    let types = types.as_array().filter(|types| types.len() == layers);
    let types = types.ok_or_else(|| keys.model_error("layer_types", format!("not a list of {layers} kinds")))?;
    let kind = |kind: &Value| match kind.as_str() {
        Some("full_attention" | "attention") => Ok(false),
        Some("sliding_attention") => Ok(true),
        _ => Err(keys.model_error("layer_types", format!("{kind} is not known"))),
    };
    let local = types.iter().map(kind).collect::<Result<Vec<bool>>>()?;
    if fixed && local != by_rule {
        return Err(keys.model_error("layer_types", "the layers of this architecture are all of one kind"));
    }
    Ok(local.into_iter().map(|local| window.filter(|_| local)).collect())
}
