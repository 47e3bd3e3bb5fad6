//! What a decoder-only checkpoint's `config.json` or a GGUF file's metadata says, in one form for all architectures.

use super::rope::Rope;
use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::cpu::ops::Activation;
use crate::model::weights::gguf::Gguf;
use crate::model::weights::keys::Keys;
use serde_json::Value;
use std::path::Path;

/// Where each head of queries and keys has its norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadNorm {
    None,
    /// Gemma 3, Qwen 3.
    BeforeRope,
    /// Hunyuan.
    AfterRope,
}

/// A decoder-only model's dimensions and choices.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub vocabulary: usize,
    pub width: usize,
    pub feed_forward: usize,
    /// Heads of queries, a multiple of those of keys and values.
    pub queries: usize,
    pub groups: usize,
    /// Size of a head.
    pub dim: usize,
    pub max_positions: usize,
    pub epsilon: f32,
    pub activation: Activation,
    pub embedding_scale: f32,
    /// Multiplies the products of queries and keys.
    pub attention_scale: f32,
    /// These products are bent so as to stay within this size, by a tanh; so are the logits.
    pub attention_cap: Option<f32>,
    pub logit_cap: Option<f32>,
    /// Norms stand behind attention and feed-forward layers too.
    pub post_norms: bool,
    pub head_norm: HeadNorm,
    /// The norms' weights are stored less 1 (a Gemma's; not in GGUF files).
    pub norms_from_one: bool,
    /// Of each layer, the positions that a query sees, its own included; none for all.
    pub windows: Vec<Option<usize>>,
    pub rope: Rope,
    /// That of layers with a window, where it differs.
    pub local_rope: Option<Rope>,
    pub attention_bias: bool,
    pub feed_forward_bias: bool,
    /// The output projection is the embedding.
    pub tied: bool,
}

/// What transformers takes for a key that `config.json` lacks.
struct Defaults {
    vocabulary: usize,
    width: usize,
    feed_forward: usize,
    layers: usize,
    queries: usize,
    /// None for as many as `queries`.
    groups: Option<usize>,
    /// None for the width divided by `queries`.
    dim: Option<usize>,
    max_positions: usize,
    epsilon: f64,
    theta: f64,
    tied: bool,
}

impl Defaults {
    /// From transformers 4.57.1's configuration classes.
    fn of(architecture: Architecture) -> Self {
        let llama = Self {
            vocabulary: 32_000,
            width: 4096,
            feed_forward: 11_008,
            layers: 32,
            queries: 32,
            groups: None,
            dim: None,
            max_positions: 2048,
            epsilon: 1e-6,
            theta: 10_000.0,
            tied: false,
        };
        let gemma = Self {
            vocabulary: 256_000,
            width: 2304,
            feed_forward: 9216,
            layers: 26,
            queries: 8,
            groups: Some(4),
            dim: Some(256),
            max_positions: 8192,
            tied: true,
            ..llama
        };
        match architecture {
            Architecture::Gemma2 => gemma,
            Architecture::Gemma3 => Self {
                vocabulary: 262_208,
                max_positions: 131_072,
                theta: 1_000_000.0,
                ..gemma
            },
            Architecture::Qwen3 => Self {
                vocabulary: 151_936,
                feed_forward: 22_016,
                groups: Some(32),
                dim: Some(128),
                max_positions: 32_768,
                ..llama
            },
            Architecture::HunyuanDense => Self {
                vocabulary: 290_943,
                epsilon: 1e-5,
                ..llama
            },
            Architecture::Mistral => Self {
                feed_forward: 14_336,
                groups: Some(8),
                max_positions: 131_072,
                ..llama
            },
            _ => llama,
        }
    }
}

/// What an architecture is, whatever its size.
struct Kind {
    activation: Activation,
    gemma: bool,
    head_norm: HeadNorm,
}

impl Kind {
    fn of(architecture: Architecture) -> Self {
        let gemma = matches!(architecture, Architecture::Gemma2 | Architecture::Gemma3);
        Self {
            activation: if gemma { Activation::GeluTanh } else { Activation::Silu },
            gemma,
            head_norm: match architecture {
                Architecture::Gemma3 | Architecture::Qwen3 => HeadNorm::BeforeRope,
                Architecture::HunyuanDense => HeadNorm::AfterRope,
                _ => HeadNorm::None,
            },
        }
    }
}

/// Gemma 3's RoPE base of the layers with a window.
const LOCAL_THETA: f64 = 10_000.0;
/// Gemma's window where its file has none.
const WINDOW: usize = 4096;

impl Config {
    /// Reads a parsed `config.json`; `path` is for messages. The text part of a Gemma 3 with eyes is read from
    /// `text_config`.
    ///
    /// # Errors
    /// Of kind `Model`, with the key that is missing or has a value that is not known.
    pub fn read(architecture: Architecture, value: &Value, path: &Path) -> Result<Self> {
        let text = value.get("text_config").filter(|text| text.is_object());
        let keys = Keys {
            path,
            value: text.unwrap_or(value),
        };
        let defaults = Defaults::of(architecture);
        let kind = Kind::of(architecture);
        let width = keys.size("hidden_size", Some(defaults.width))?;
        let layers = keys.size("num_hidden_layers", Some(defaults.layers))?;
        let queries = keys.size("num_attention_heads", Some(defaults.queries))?;
        let groups = match defaults.groups {
            // An explicit null is as many as queries; a missing key, the class's number.
            Some(_) if keys.value.get("num_key_value_heads").is_some_and(Value::is_null) => queries,
            default => keys.size("num_key_value_heads", Some(default.unwrap_or(queries)))?,
        };
        let dim = keys.size("head_dim", Some(defaults.dim.unwrap_or(width / queries)))?;
        check_heads(queries, groups, dim).map_err(|message| keys.fail("num_attention_heads", message))?;
        let max_positions = keys.size("max_position_embeddings", Some(defaults.max_positions))?;
        let theta = keys.number("rope_theta")?.unwrap_or(defaults.theta);
        let scaling = Keys {
            path,
            value: keys.get("rope_scaling").unwrap_or(&Value::Null),
        };
        let rope = Rope::read(&scaling, theta, dim, max_positions)?;
        let local_rope = match architecture {
            Architecture::Gemma3 => {
                let theta = keys.number("rope_local_base_freq")?.unwrap_or(LOCAL_THETA);
                Some(Rope::plain(theta, dim))
            }
            _ => None,
        };
        let (name_key, default) = if kind.gemma {
            ("hidden_activation", "gelu_pytorch_tanh")
        } else {
            ("hidden_act", "silu")
        };
        let scalar = if kind.gemma {
            keys.number("query_pre_attn_scalar")?.unwrap_or(256.0)
        } else {
            dim as f64
        };
        let cap = |key: &str, default: Option<f64>| -> Result<Option<f32>> {
            // A null says that there is none; a missing key, that it is the class's.
            let found = match keys.value.get(key) {
                None => default.filter(|_| architecture == Architecture::Gemma2),
                Some(_) => keys.number(key)?.filter(|_| kind.gemma),
            };
            Ok(found.map(|cap| cap as f32))
        };
        Ok(Self {
            vocabulary: keys.size("vocab_size", Some(defaults.vocabulary))?,
            width,
            feed_forward: keys.size("intermediate_size", Some(defaults.feed_forward))?,
            queries,
            groups,
            dim,
            max_positions,
            epsilon: keys.number("rms_norm_eps")?.unwrap_or(defaults.epsilon) as f32,
            activation: keys.activation(name_key, keys.text(name_key, default)?)?,
            embedding_scale: if kind.gemma { (width as f32).sqrt() } else { 1.0 },
            attention_scale: scalar.sqrt().recip() as f32,
            attention_cap: cap("attn_logit_softcapping", Some(50.0))?,
            logit_cap: cap("final_logit_softcapping", Some(30.0))?,
            post_norms: kind.gemma,
            head_norm: kind.head_norm,
            norms_from_one: kind.gemma,
            windows: windows(architecture, &keys, layers)?,
            rope,
            local_rope,
            attention_bias: architecture != Architecture::Mistral && keys.flag("attention_bias", false)?,
            feed_forward_bias: architecture == Architecture::Llama && keys.flag("mlp_bias", false)?,
            tied: match keys.get("tie_word_embeddings") {
                // With eyes, the whole model's own word.
                None => Keys { path, value }.flag("tie_word_embeddings", defaults.tied)?,
                Some(_) => keys.flag("tie_word_embeddings", defaults.tied)?,
            },
        })
    }

    /// Reads a GGUF file's metadata (llama.cpp `llama-model.cpp`).
    ///
    /// # Errors
    /// Of kind `Model`, with the key that is missing or does not fit.
    pub fn from_gguf(architecture: Architecture, gguf: &Gguf) -> Result<Self> {
        let prefix = gguf.string("general.architecture").unwrap_or_default();
        let key = |name: &str| format!("{prefix}.{name}");
        let fail = |place: &str, message: String| Error::model(message).path(gguf.path()).place(key(place));
        let optional = |name: &str| match gguf.integer(&key(name)) {
            None => Ok(None),
            Some(_) => gguf.size(&key(name)).map(Some),
        };
        let kind = Kind::of(architecture);
        let width = gguf.size(&key("embedding_length"))?;
        let layers = gguf.size(&key("block_count"))?;
        let queries = gguf.size(&key("attention.head_count"))?;
        let groups = optional("attention.head_count_kv")?.unwrap_or(queries);
        let dim = optional("attention.key_length")?.unwrap_or(width / queries);
        let value_dim = optional("attention.value_length")?.unwrap_or(dim);
        let rotated = optional("rope.dimension_count")?.unwrap_or(dim);
        if value_dim != dim || rotated != dim {
            let message = format!("heads of {dim}, {value_dim} and {rotated} values, of one size expected");
            return Err(fail("attention.key_length", message));
        }
        check_heads(queries, groups, dim).map_err(|message| fail("attention.head_count", message))?;
        let vocabulary = gguf.tensor("token_embd.weight")?.rows;
        let gemma3 = architecture == Architecture::Gemma3;
        let default_theta = if gemma3 { 1_000_000.0 } else { 10_000.0 };
        let positive = |name: &str| gguf.float(&key(name)).filter(|value| *value > 0.0 && value.is_finite());
        let theta = positive("rope.freq_base").unwrap_or(default_theta);
        let mut rope = Rope::plain(theta, dim);
        match gguf.string(&key("rope.scaling.type")) {
            None | Some("none") => {}
            Some("linear") => rope.divide(&[positive("rope.scaling.factor").unwrap_or(1.0) as f32]),
            Some(other) => return Err(fail("rope.scaling.type", format!("`{other}` is not known"))),
        }
        if gguf.has_tensor("rope_freqs.weight") {
            rope.divide(&gguf.vector("rope_freqs.weight", dim / 2)?);
        }
        // Llama's converter reorders the rows of queries and keys, to pair neighbours.
        rope.neighbours = prefix == "llama";
        let cap = |name: &str, default: f64| {
            let found = gguf.float(&key(name)).or(Some(default));
            found
                .filter(|_| architecture == Architecture::Gemma2)
                .map(|cap| cap as f32)
        };
        // The 27B models scale by the width's share of a head instead of the head's own size.
        let large = match architecture {
            Architecture::Gemma2 => layers == 46,
            Architecture::Gemma3 => layers == 62,
            _ => false,
        };
        let per_head = if large {
            width as f32 / queries as f32
        } else {
            dim as f32
        };
        let window = optional("attention.sliding_window")?;
        let pattern = match architecture {
            Architecture::Gemma3 => Some(6),
            Architecture::Gemma2 => Some(2),
            _ => None,
        };
        Ok(Self {
            vocabulary,
            width,
            feed_forward: gguf.size(&key("feed_forward_length"))?,
            queries,
            groups,
            dim,
            max_positions: gguf.size(&key("context_length"))?,
            epsilon: positive("attention.layer_norm_rms_epsilon").unwrap_or(1e-6) as f32,
            activation: kind.activation,
            embedding_scale: if kind.gemma { (width as f32).sqrt() } else { 1.0 },
            attention_scale: per_head.sqrt().recip(),
            attention_cap: cap("attn_logit_softcapping", 50.0),
            logit_cap: cap("final_logit_softcapping", 30.0),
            post_norms: kind.gemma,
            head_norm: kind.head_norm,
            norms_from_one: false,
            windows: (0..layers)
                .map(|layer| match pattern {
                    Some(pattern) => ((layer + 1) % pattern != 0).then(|| window.unwrap_or(WINDOW)),
                    None => None,
                })
                .collect(),
            rope,
            local_rope: gemma3.then(|| Rope::plain(LOCAL_THETA, dim)),
            attention_bias: gguf.has_tensor("blk.0.attn_q.bias"),
            feed_forward_bias: gguf.has_tensor("blk.0.ffn_up.bias"),
            tied: !gguf.has_tensor("output.weight"),
        })
    }

    /// The RoPE of a layer.
    pub fn rope(&self, layer: usize) -> &Rope {
        match (&self.local_rope, self.windows[layer]) {
            (Some(local), Some(_)) => local,
            _ => &self.rope,
        }
    }
}

fn check_heads(queries: usize, groups: usize, dim: usize) -> std::result::Result<(), String> {
    if queries.is_multiple_of(groups) && dim.is_multiple_of(2) && dim > 0 {
        Ok(())
    } else {
        Err(format!(
            "{queries} heads of {dim} values over {groups} of keys: they do not fit together"
        ))
    }
}

/// What each layer sees.
fn windows(architecture: Architecture, keys: &Keys, layers: usize) -> Result<Vec<Option<usize>>> {
    let window = match keys.value.get("sliding_window") {
        Some(Value::Null) => None,
        _ => Some(keys.size("sliding_window", Some(WINDOW))?),
    };
    let (window, pattern): (_, Box<dyn Fn(usize) -> bool>) = match architecture {
        Architecture::Gemma2 => (window, Box::new(|layer| (layer + 1) % 2 != 0)),
        Architecture::Gemma3 => {
            let pattern = keys.size("sliding_window_pattern", Some(6))?;
            (window, Box::new(move |layer| (layer + 1) % pattern != 0))
        }
        Architecture::Qwen3 => {
            let first = match keys.get("max_window_layers") {
                Some(Value::Number(number)) if number.as_u64() == Some(0) => 0,
                _ => keys.size("max_window_layers", Some(28))?,
            };
            let window = window.filter(|_| keys.value.get("use_sliding_window") == Some(&Value::Bool(true)));
            (window, Box::new(move |layer| layer >= first))
        }
        Architecture::Mistral => return Ok(vec![window; layers]),
        _ => return Ok(vec![None; layers]),
    };
    let local: Vec<bool> = match keys.get("layer_types") {
        None => (0..layers).map(pattern).collect(),
        Some(types) => {
            let types = types.as_array().filter(|types| types.len() == layers);
            let types = types.ok_or_else(|| keys.fail("layer_types", format!("not a list of {layers} kinds")))?;
            let kind = |kind: &Value| match kind.as_str() {
                Some("full_attention") => Ok(false),
                Some("sliding_attention") => Ok(true),
                _ => Err(keys.fail("layer_types", format!("{kind} is not known"))),
            };
            types.iter().map(kind).collect::<Result<_>>()?
        }
    };
    Ok(local.into_iter().map(|local| window.filter(|_| local)).collect())
}
