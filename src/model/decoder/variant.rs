//! What sets one decoder-only architecture apart from another: one entry an architecture.

use crate::model::Architecture;
use crate::model::cpu::ops::Activation;

/// Which norm the heads of queries and keys have, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadNorm {
    None,
    /// Before the rotary embedding: Gemma 3, Qwen 3.
    BeforeRope,
    /// After it: Hunyuan.
    AfterRope,
}

/// Which layers see only a window of positions, where the file does not list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Windows {
    /// None does.
    None,
    /// All do, if there is a window.
    All,
    /// All but each `every`-th do; `config.json` may have another number under `key`.
    AllBut { every: usize, key: Option<&'static str> },
    /// The layers from `max_window_layers` on do, if `use_sliding_window` says so (Qwen).
    FromLayer,
}

/// An architecture's choices, whatever the model's size.
#[derive(Debug)]
pub(super) struct Variant {
    pub activation: Activation,
    /// Scaled embeddings, norms after the layers too, norms stored less 1, and query scales of their own: a Gemma's.
    pub gemma: bool,
    pub head_norm: HeadNorm,
    pub windows: Windows,
    /// Soft caps of attention scores and of logits, where the file has none.
    pub caps: Option<[f64; 2]>,
    /// RoPE base of the layers with a window, where it differs from that of the others.
    pub local_theta: Option<f64>,
    /// RoPE base of GGUF files without one.
    pub gguf_theta: f64,
    /// Layers of the model (27B) that scales queries by `hidden_size / heads` in place of `head_dim`; its GGUF file does not say so.
    pub scaled_by_width: Option<usize>,
    /// Whether `attention_bias` and `mlp_bias` in `config.json` count.
    pub attention_bias: bool,
    pub feed_forward_bias: bool,
    /// GGUF files pair neighbouring values of a head: their converter reorders the rows of queries and keys.
    pub gguf_pairs_neighbours: bool,
    pub defaults: Defaults,
}

/// The values that stand in for keys that `config.json` lacks, from transformers 4.57.1's configuration classes.
#[derive(Debug)]
pub(super) struct Defaults {
    pub vocabulary: usize,
    pub hidden_size: usize,
    pub feed_forward: usize,
    pub layers: usize,
    pub heads: usize,
    /// None for as many as `heads`.
    pub kv_heads: Option<usize>,
    /// None for `hidden_size / heads`.
    pub head_dim: Option<usize>,
    pub max_positions: usize,
    pub epsilon: f64,
    pub theta: f64,
    pub tied: bool,
}

/// The usual choices and Llama's defaults.
const USUAL: Variant = Variant {
    activation: Activation::Silu,
    gemma: false,
    head_norm: HeadNorm::None,
    windows: Windows::None,
    caps: None,
    local_theta: None,
    gguf_theta: 10_000.0,
    scaled_by_width: None,
    attention_bias: true,
    feed_forward_bias: false,
    gguf_pairs_neighbours: false,
    defaults: Defaults {
        vocabulary: 32_000,
        hidden_size: 4096,
        feed_forward: 11_008,
        layers: 32,
        heads: 32,
        kv_heads: None,
        head_dim: None,
        max_positions: 2048,
        epsilon: 1e-6,
        theta: 10_000.0,
        tied: false,
    },
};

const LLAMA: Variant = Variant {
    feed_forward_bias: true,
    gguf_pairs_neighbours: true,
    ..USUAL
};

const GEMMA2: Variant = Variant {
    activation: Activation::GeluTanh,
    gemma: true,
    windows: Windows::AllBut { every: 2, key: None },
    caps: Some([50.0, 30.0]),
    scaled_by_width: Some(46),
    defaults: Defaults {
        vocabulary: 256_000,
        hidden_size: 2304,
        feed_forward: 9216,
        layers: 26,
        heads: 8,
        kv_heads: Some(4),
        head_dim: Some(256),
        max_positions: 8192,
        tied: true,
        ..USUAL.defaults
    },
    ..USUAL
};

const GEMMA3: Variant = Variant {
    head_norm: HeadNorm::BeforeRope,
    windows: Windows::AllBut {
        every: 6,
        key: Some("sliding_window_pattern"),
    },
    caps: None,
    local_theta: Some(10_000.0),
    gguf_theta: 1_000_000.0,
    scaled_by_width: Some(62),
    defaults: Defaults {
        vocabulary: 262_208,
        max_positions: 131_072,
        theta: 1_000_000.0,
        ..GEMMA2.defaults
    },
    ..GEMMA2
};

const QWEN3: Variant = Variant {
    head_norm: HeadNorm::BeforeRope,
    windows: Windows::FromLayer,
    defaults: Defaults {
        vocabulary: 151_936,
        feed_forward: 22_016,
        kv_heads: Some(32),
        head_dim: Some(128),
        max_positions: 32_768,
        ..USUAL.defaults
    },
    ..USUAL
};

const HUNYUAN_DENSE: Variant = Variant {
    head_norm: HeadNorm::AfterRope,
    defaults: Defaults {
        vocabulary: 290_943,
        epsilon: 1e-5,
        ..USUAL.defaults
    },
    ..USUAL
};

const MISTRAL: Variant = Variant {
    windows: Windows::All,
    attention_bias: false,
    defaults: Defaults {
        feed_forward: 14_336,
        kv_heads: Some(8),
        max_positions: 131_072,
        ..USUAL.defaults
    },
    ..USUAL
};

impl Variant {
    /// Gives the entry of an architecture; that of Llama for one that has none.
    pub fn new(architecture: Architecture) -> Self {
        match architecture {
            Architecture::Gemma2 => GEMMA2,
            Architecture::Gemma3 => GEMMA3,
            Architecture::Qwen3 => QWEN3,
            Architecture::HunyuanDense => HUNYUAN_DENSE,
            Architecture::Mistral => MISTRAL,
            _ => LLAMA,
        }
    }
}
