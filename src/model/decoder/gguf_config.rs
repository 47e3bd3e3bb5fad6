//! The configuration of a decoder-only model, read from a GGUF file's metadata by the rules of llama.cpp
//! (`llama-model.cpp` `load_hparams`, and `models/{llama,gemma2,gemma3,qwen3,hunyuan-vl}.cpp`).
//!
//! A key that changes what the model computes is obeyed or refused by name; so is one that is not known.

use super::config::{DEFAULT_WINDOW_POSITIONS, DecoderConfig, check_head_dimensions};
use super::rope::{RopeBase, RotaryEmbedding};
use super::variant::{ArchitectureVariant, AttentionWindows, QkNormPlacement};
use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::weights::ROPE_FACTORS;
use crate::model::weights::gguf::{GgufFile, Value};
use crate::model::weights::keys::ConfigKeys;
use serde_json::json;

/// Keys that are read, after the name of the architecture.
const READ_KEYS: [&str; 23] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.value_length",
    "attn_logit_softcapping",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "final_logit_softcapping",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.freq_base_swa",
    "rope.global.freq_base",
    "rope.local.freq_base",
    "rope.scale_linear",
    "rope.scaling.alpha",
    "rope.scaling.attn_factor",
    "rope.scaling.factor",
    "rope.scaling.type",
];
/// Keys that change nothing, or that other keys use.
const HARMLESS_KEYS: [&str; 6] = [
    "attention.layer_norm_epsilon",
    "hidden_activation",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "tensor_data_layout",
    "vocab_size",
];
/// Beginnings of keys about parts of a model that text does not pass through: an image encoder, and how a file was made.
const HARMLESS_BEGINNINGS: [&str; 2] = ["vision.", "mm."];
/// Keys of things that no model has that plae computes, each with the value that says so.
const NEUTRAL_KEYS: [(&str, f64); 18] = [
    ("attention.causal", 1.0),
    ("attention.clamp_kqv", 0.0),
    ("attention.max_alibi_bias", 0.0),
    ("attention.temperature_scale", 0.0),
    ("embedding_scale", 1.0),
    ("expert_count", 0.0),
    ("expert_group_count", 0.0),
    ("expert_group_used_count", 0.0),
    ("expert_shared_count", 0.0),
    ("expert_used_count", 0.0),
    ("logit_scale", 1.0),
    ("nextn_predict_layers", 0.0),
    ("pooling_type", 0.0),
    ("residual_scale", 1.0),
    ("rope.scaling.yarn_beta_fast", 32.0),
    ("rope.scaling.yarn_beta_slow", 1.0),
    ("rope.scaling.yarn_ext_factor", 1.0),
    ("use_parallel_residual", 0.0),
];
/// The most positions of a model that are believed; no text is so long.
const MAX_POSITIONS: usize = 1 << 24;

/// The keys of a GGUF file's metadata that begin with the name of its architecture.
struct Metadata<'a> {
    gguf: &'a GgufFile,
    architecture: &'a str,
}

impl Metadata<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn error(&self, name: &str, message: impl Into<String>) -> Error {
        let place = format!("key {}", self.key(name));
        Error::model(message).path(self.gguf.path()).place(place)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.gguf.metadata_value(&self.key(name))
    }

    /// Reads an integer of at least `least`; none if the key is missing.
    fn integer(&self, name: &str, least: usize) -> Result<Option<usize>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let size = value.as_integer().and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|size| *size >= least);
        size.map(Some)
            .ok_or_else(|| self.error(name, format!("is no number from {least} on")))
    }

    /// Reads an integer of at least 1 that must exist.
    fn size(&self, name: &str) -> Result<usize> {
        self.integer(name, 1)?
            .ok_or_else(|| self.error(name, "missing from the file's metadata"))
    }

    /// Reads an integer of at least 1 that stands in the file once, or for each layer; none if the key is missing.
    fn size_of_layers(&self, name: &str, layers: usize) -> Result<Option<usize>> {
        let Some(Value::List(values)) = self.value(name) else {
            return self.integer(name, 1);
        };
        if values.len() != layers {
            return Err(self.error(name, format!("has {} values for {layers} layers", values.len())));
        }
        let size = values[0].as_integer().and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|size| *size > 0 && values.iter().all(|value| *value == values[0]));
        size.map(Some).ok_or_else(|| {
            self.error(
                name,
                "differs between layers, which is not computed; one number is expected",
            )
        })
    }

    /// Reads a finite number; none if the key is missing.
    fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let number = value.as_number().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| self.error(name, "is no number"))
    }

    /// Reads a number above 0; none if the key is missing.
    fn positive(&self, name: &str) -> Result<Option<f64>> {
        match self.number(name)? {
            Some(number) if number <= 0.0 => Err(self.error(name, format!("{number} is not above 0"))),
            number => Ok(number),
        }
    }

    /// Checks that no key says what is not computed.
    fn check_keys(&self) -> Result<()> {
        let beginning = self.key("");
        let mut names: Vec<&str> = self
            .gguf
            .keys()
            .filter_map(|key| key.strip_prefix(&beginning))
            .collect();
        names.sort_unstable();
        // Hunyuan's dense models say that they have one expert.
        let is_dense = self.number("expert_count")?.is_none_or(|count| count <= 1.0);
        for name in names {
            let known = READ_KEYS.contains(&name)
                || HARMLESS_KEYS.contains(&name)
                || HARMLESS_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
                || CHECKED_KEYS.contains(&name)
                || (is_dense && name.starts_with("expert_"));
            if known {
                continue;
            }
            let value = match self.value(name) {
                Some(Value::Boolean(value)) => Some(f64::from(u8::from(*value))),
                value => value.and_then(Value::as_number),
            };
            match NEUTRAL_KEYS.iter().find(|(known, _)| *known == name) {
                Some((_, neutral)) if value == Some(*neutral) => {}
                Some(_) => return Err(self.error(name, "has a value that is not computed").hint(OTHER_PROGRAM)),
                None => {
                    let error = self.error(name, "is not known, and may change what the model computes");
                    return Err(error.hint(OTHER_PROGRAM));
                }
            }
        }
        if let Some(Value::List(ids)) = self.gguf.metadata_value("tokenizer.ggml.suppress_tokens")
            && !ids.is_empty()
        {
            return Err(Error::model("tokens that must not be written are not known of here")
                .path(self.gguf.path())
                .place("key tokenizer.ggml.suppress_tokens")
                .hint(OTHER_PROGRAM));
        }
        Ok(())
    }

    /// Checks a key that may only repeat what the model computes without it.
    fn check_equal(&self, name: &str, computed: f64) -> Result<()> {
        match self.number(name)? {
            Some(number) if (number - computed).abs() > 1e-4 * computed.abs() => {
                let message = format!("{number} is not computed; this model has {computed}");
                Err(self.error(name, message).hint(OTHER_PROGRAM))
            }
            _ => Ok(()),
        }
    }
}

/// Keys that may only repeat what is computed without them; see [`Metadata::check_equal`].
const CHECKED_KEYS: [&str; 7] = [
    "attention.key_length_swa",
    "attention.scale",
    "attention.value_length_swa",
    "embedding_length_out",
    "rope.dimension_count_swa",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_log_multiplier",
];
const OTHER_PROGRAM: &str =
    "the file is of a kind that this version does not run; take another file of the model, or its safetensors";

impl DecoderConfig {
    /// Reads the configuration from a GGUF file's metadata.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the key that is missing, does not fit or is not known.
    pub fn from_gguf(architecture: Architecture, gguf: &GgufFile) -> Result<Self> {
        let keys = Metadata {
            gguf,
            architecture: gguf.read_string("general.architecture").unwrap_or_default(),
        };
        keys.check_keys()?;
        let variant = ArchitectureVariant::new(architecture);
        let hidden_size = keys.size("embedding_length")?;
        let layers = keys.size("block_count")?;
        // Each layer has tensors of its own.
        let tensors = gguf.tensor_names().count();
        if layers > tensors {
            return Err(keys.error("block_count", format!("{layers} layers in a file of {tensors} tensors")));
        }
        let per_layer = |name: &str| keys.size_of_layers(name, layers);
        let heads = per_layer("attention.head_count")?;
        let heads = heads.ok_or_else(|| keys.error("attention.head_count", "missing from the file's metadata"))?;
        let kv_heads = per_layer("attention.head_count_kv")?.unwrap_or(heads);
        let head_dim = keys.integer("attention.key_length", 1)?.unwrap_or(hidden_size / heads);
        check_heads(&keys, heads, kv_heads, head_dim)?;
        keys.check_equal("embedding_length_out", hidden_size as f64)?;
        let context = keys.size("context_length")?.min(MAX_POSITIONS);
        let mut max_positions = context;
        let windows = read_windows(&keys, &variant, layers)?;
        if let (None, Some(window)) = (&windows, keys.integer("attention.sliding_window", 0)?)
            && window > 0
        {
            // llama.cpp takes no notice of this window. Texts that are no longer come out the same with it.
            max_positions = max_positions.min(window);
        }
        let windows = windows.unwrap_or_else(|| vec![None; layers]);
        let (rope, local_rope) = read_rope(&keys, &variant, head_dim, context)?;
        let cap = |name: &str, default: Option<f64>| -> Result<Option<f32>> {
            let cap = keys.number(name)?.or(default).filter(|cap| *cap != 0.0);
            Ok(cap.map(|cap| cap as f32))
        };
        let caps = |index: usize| variant.caps.map(|caps| caps[index]);
        let per_head = if variant.scaled_by_width == Some(layers) {
            hidden_size as f32 / heads as f32
        } else {
            head_dim as f32
        };
        let attention_scale = per_head.sqrt().recip();
        keys.check_equal("attention.scale", attention_scale.into())?;
        let epsilon = keys.positive("attention.layer_norm_rms_epsilon")?;
        let feed_forward = per_layer("feed_forward_length")?;
        let config = Self {
            vocabulary: gguf.find_tensor("token_embd.weight")?.rows,
            hidden_size,
            feed_forward: feed_forward
                .ok_or_else(|| keys.error("feed_forward_length", "missing from the file's metadata"))?,
            heads,
            kv_heads,
            head_dim,
            max_positions,
            epsilon: epsilon
                .ok_or_else(|| keys.error("attention.layer_norm_rms_epsilon", "missing from the file's metadata"))?
                as f32,
            activation: variant.activation,
            embedding_scale: if variant.gemma {
                (hidden_size as f32).sqrt()
            } else {
                1.0
            },
            attention_scale,
            attention_cap: cap("attn_logit_softcapping", caps(0))?,
            logit_cap: cap("final_logit_softcapping", caps(1))?,
            post_norms: variant.gemma,
            head_norm: variant.head_norm,
            norms_from_one: false,
            windows,
            rope,
            local_rope,
            attention_bias: false,
            feed_forward_bias: false,
            optional_biases: true,
            tied: !gguf.has_tensor("output.weight"),
        };
        for (name, found, known) in [
            ("attn_logit_softcapping", config.attention_cap, variant.caps.is_some()),
            ("final_logit_softcapping", config.logit_cap, variant.gemma),
        ] {
            if found.is_some() && !known {
                let error = keys.error(name, "is a cap that models of this architecture do not have");
                return Err(error.hint(OTHER_PROGRAM));
            }
        }
        Ok(config)
    }
}

/// Checks that the sizes of the attention heads fit the weights, each other and what is computed.
fn check_heads(keys: &Metadata, heads: usize, kv_heads: usize, head_dim: usize) -> Result<()> {
    // Before anything is made of a head's size: the weights hold as many.
    let rows = keys.gguf.find_tensor("blk.0.attn_q.weight")?.rows;
    if heads.checked_mul(head_dim) != Some(rows) {
        let message = format!("{heads} heads of {head_dim} values, but {rows} rows of weights");
        return Err(keys.error("attention.key_length", message));
    }
    for name in ["attention.value_length", "rope.dimension_count"] {
        let size = keys.integer(name, 1)?.unwrap_or(head_dim);
        if size != head_dim {
            let message = format!("{size} of the {head_dim} values of a head; all are expected");
            return Err(keys.error(name, message).hint(OTHER_PROGRAM));
        }
    }
    let place = if heads.is_multiple_of(kv_heads) {
        "attention.key_length"
    } else {
        "attention.head_count_kv"
    };
    check_head_dimensions(heads, kv_heads, head_dim).map_err(|message| keys.error(place, message))?;
    for name in [
        "attention.key_length_swa",
        "attention.value_length_swa",
        "rope.dimension_count_swa",
    ] {
        keys.check_equal(name, head_dim as f64)?;
    }
    Ok(())
}

/// Gives for each layer the number of positions that a query attends to (none for all); none for an architecture
/// without windows.
fn read_windows(keys: &Metadata, variant: &ArchitectureVariant, layers: usize) -> Result<Option<Vec<Option<usize>>>> {
    let AttentionWindows::AllBut { every, .. } = variant.windows else {
        return Ok(None);
    };
    // Gemma 2 has a window of its own if the file gives none; a Gemma 3 without one attends to all positions.
    let gemma2 = variant.local_theta.is_none();
    let window = match keys.integer("attention.sliding_window", usize::from(gemma2))? {
        None if gemma2 => Some(DEFAULT_WINDOW_POSITIONS),
        window => window.filter(|window| *window > 0),
    };
    const PATTERN: &str = "attention.sliding_window_pattern";
    let local: Vec<bool> = match keys.value(PATTERN) {
        Some(Value::List(values)) => {
            let flag = |value: &Value| match value {
                Value::Boolean(flag) => Ok(*flag),
                Value::Integer(number) => Ok(*number != 0),
                _ => Err(keys.error(PATTERN, "holds what is neither true nor false")),
            };
            let mut flags = values.iter().map(flag).collect::<Result<Vec<_>>>()?;
            flags.resize(layers, false);
            flags
        }
        _ => {
            let every = keys.integer(PATTERN, 0)?.unwrap_or(every);
            (0..layers)
                .map(|layer| every == 0 || layer % every < every - 1)
                .collect()
        }
    };
    Ok(Some(local.into_iter().map(|local| window.filter(|_| local)).collect()))
}

/// Reads the base of the rotary embedding's frequencies, raised by Hunyuan's alpha.
fn read_rope_base(keys: &Metadata, variant: &ArchitectureVariant, head_dim: usize) -> Result<f64> {
    let theta = match keys.positive("rope.freq_base")? {
        // As ollama's converter calls it.
        None => keys.positive("rope.global.freq_base")?,
        theta => theta,
    };
    let theta = match (theta, variant.local_theta) {
        (Some(theta), _) => theta,
        (None, None) => variant.defaults.theta,
        (None, Some(_)) => {
            let message = "missing; llama.cpp would take 10000, transformers 1000000";
            return Err(keys
                .error("rope.freq_base", message)
                .hint("take another file of the model"));
        }
    };
    let alpha = keys.number("rope.scaling.alpha")?.filter(|alpha| *alpha > 0.0);
    Ok(match alpha {
        Some(alpha) if variant.head_norm == QkNormPlacement::AfterRope => {
            theta * alpha.powf(head_dim as f64 / (head_dim as f64 - 2.0))
        }
        Some(_) => {
            return Err(keys
                .error("rope.scaling.alpha", "only Hunyuan's models have it")
                .hint(OTHER_PROGRAM));
        }
        None => theta,
    })
}

/// Reads the rotary embedding, and that of the layers with sliding-window attention if it is another.
fn read_rope(
    keys: &Metadata,
    variant: &ArchitectureVariant,
    head_dim: usize,
    context: usize,
) -> Result<(RotaryEmbedding, Option<RotaryEmbedding>)> {
    let theta = read_rope_base(keys, variant, head_dim)?;
    let factor = match keys.number("rope.scaling.factor")? {
        None => keys.number("rope.scale_linear")?,
        factor => factor,
    };
    let factor = factor.filter(|factor| *factor != 0.0).unwrap_or(1.0);
    if factor < 0.0 {
        return Err(keys.error("rope.scaling.factor", format!("{factor} is not above 0")));
    }
    let kind = match keys.value("rope.scaling.type") {
        None => "linear",
        Some(kind) => kind
            .as_text()
            .ok_or_else(|| keys.error("rope.scaling.type", "is no name"))?,
    };
    let mut rope = RotaryEmbedding::unscaled(theta, head_dim);
    match kind {
        "none" => {}
        "linear" => rope.scale_frequencies(&[factor as f32]),
        "yarn" => {
            let original = keys.integer("rope.scaling.original_context_length", 1)?;
            let magnitude = if factor > 1.0 { 0.1 * factor.ln() + 1.0 } else { 1.0 };
            let scaling = json!({
                "rope_type": "yarn",
                "factor": factor,
                "original_max_position_embeddings": original.unwrap_or(context),
                "attention_factor": magnitude,
            });
            let base = RopeBase {
                theta,
                dim: head_dim,
                max_positions: context,
                ntk_alpha: false,
            };
            rope = RotaryEmbedding::from_keys(&ConfigKeys::new(keys.gguf.path(), &scaling), &base)?;
            keys.check_equal("rope.scaling.yarn_attn_factor", magnitude)?;
            keys.check_equal("rope.scaling.yarn_log_multiplier", 0.0)?;
        }
        other => {
            let message = format!("RoPE scaling of the type `{other}` is not computed");
            return Err(keys.error("rope.scaling.type", message).hint(OTHER_PROGRAM));
        }
    }
    if keys.gguf.has_tensor(ROPE_FACTORS) {
        rope.scale_frequencies(&keys.gguf.read_vector(ROPE_FACTORS, head_dim / 2)?);
    }
    rope.pairs_neighbours = variant.gguf_pairs_neighbours;
    let local_theta = match keys.positive("rope.freq_base_swa")? {
        None => keys.positive("rope.local.freq_base")?,
        theta => theta,
    };
    // llama.cpp scales the windowed layers of Gemma 2 by rules of their own, which no file is known to need.
    let gemma2 = variant.local_theta.is_none() && matches!(variant.windows, AttentionWindows::AllBut { .. });
    if gemma2 && ((kind == "none" && factor != 1.0) || (kind == "yarn" && local_theta.is_some())) {
        let message = "does not fit the other keys of the scaling";
        return Err(keys.error("rope.scaling.type", message).hint(OTHER_PROGRAM));
    }
    let mut local_rope = match (local_theta.or(variant.local_theta), variant.windows) {
        (Some(theta), AttentionWindows::AllBut { .. }) => {
            let mut local = RotaryEmbedding::unscaled(theta, head_dim);
            // Gemma 2 scales all layers, Gemma 3 only those without a window.
            if variant.local_theta.is_none() {
                local.scale_frequencies(&[factor as f32]);
            }
            Some(local)
        }
        _ => None,
    };
    if let Some(factor) = keys.positive("rope.scaling.attn_factor")? {
        for rope in [Some(&mut rope), local_rope.as_mut()].into_iter().flatten() {
            rope.scale_angles(factor as f32);
        }
    }
    Ok((rope, local_rope))
}
