//! The differences between decoder-only architectures: one [`ArchitectureVariant`] for each.

use crate::model::Architecture;
use crate::model::cpu::ops::ActivationFunction;

/// Whether each head's queries and keys are normalised (QK norm), and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QkNormPlacement {
    None,
    /// The norm is applied before the rotary embedding: Gemma 3, Qwen 3.
    BeforeRope,
    /// The norm is applied after the rotary embedding: Hunyuan.
    AfterRope,
}

/// Which layers have sliding-window attention, if the checkpoint's `config.json` does not list the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttentionWindows {
    /// No layer has sliding-window attention.
    None,
    /// All layers have sliding-window attention, if `config.json` gives a window.
    All,
    /// All layers except each `every`-th have sliding-window attention; `config.json` may give another number than
    /// `every` under `key`.
    AllBut { every: usize, key: Option<&'static str> },
    /// The layers from number `max_window_layers` on have sliding-window attention, if `use_sliding_window` is true
    /// (Qwen).
    FromLayer,
}

/// The properties of an architecture that do not depend on the model's size.
#[derive(Debug)]
pub(super) struct ArchitectureVariant {
    pub activation: ActivationFunction,
    /// Whether the model computes as Gemma does: embeddings are scaled, norms stand also after attention and
    /// feed-forward layers, norm weights are stored less 1, and the query scale is set in `config.json`.
    pub gemma: bool,
    pub head_norm: QkNormPlacement,
    pub windows: AttentionWindows,
    /// Default soft caps of attention scores and of logits, used if the file gives none; none for an architecture
    /// without soft caps.
    pub caps: Option<[f64; 2]>,
    /// RoPE base of the layers with sliding-window attention; none if it is that of the other layers.
    pub local_theta: Option<f64>,
    /// Whether `alpha` in a RoPE scaling of type `dynamic` is obeyed.
    pub ntk_alpha: bool,
    /// Number of layers of the one model (27B) that scales queries by `hidden_size / heads` instead of `head_dim`;
    /// its GGUF file does not say so, and it is recognised by this number.
    pub scaled_by_width: Option<usize>,
    /// Whether `attention_bias` in `config.json` is obeyed.
    pub attention_bias: bool,
    /// Whether `mlp_bias` in `config.json` is obeyed.
    pub feed_forward_bias: bool,
    /// Whether RoPE in a GGUF file rotates pairs of neighbouring values of a head, because the GGUF converter
    /// reorders the rows of queries and keys.
    pub gguf_pairs_neighbours: bool,
    /// Values for keys that `config.json` lacks.
    pub defaults: ConfigDefaults,
}

/// The values used for keys that `config.json` lacks, from transformers 4.57.1's configuration classes.
#[derive(Debug)]
pub(super) struct ConfigDefaults {
    pub vocabulary: usize,
    pub hidden_size: usize,
    pub feed_forward: usize,
    pub layers: usize,
    pub heads: usize,
    /// Number of heads of keys and values; none for as many as `heads`.
    pub kv_heads: Option<usize>,
    /// Number of values of one head; none for `hidden_size / heads`.
    pub head_dim: Option<usize>,
    pub max_positions: usize,
    pub epsilon: f64,
    pub theta: f64,
    pub tied: bool,
}

/// The most common properties, from which the other variants are built, and Llama's defaults.
const LLAMA_LIKE: ArchitectureVariant = ArchitectureVariant {
    activation: ActivationFunction::Silu,
    gemma: false,
    head_norm: QkNormPlacement::None,
    windows: AttentionWindows::None,
    caps: None,
    local_theta: None,
    ntk_alpha: false,
    scaled_by_width: None,
    attention_bias: true,
    feed_forward_bias: false,
    gguf_pairs_neighbours: false,
    defaults: ConfigDefaults {
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

const LLAMA: ArchitectureVariant = ArchitectureVariant {
    feed_forward_bias: true,
    gguf_pairs_neighbours: true,
    ..LLAMA_LIKE
};

const GEMMA2: ArchitectureVariant = ArchitectureVariant {
    activation: ActivationFunction::GeluTanh,
    gemma: true,
    windows: AttentionWindows::AllBut { every: 2, key: None },
    caps: Some([50.0, 30.0]),
    scaled_by_width: Some(46),
    defaults: ConfigDefaults {
        vocabulary: 256_000,
        hidden_size: 2304,
        feed_forward: 9216,
        layers: 26,
        heads: 8,
        kv_heads: Some(4),
        head_dim: Some(256),
        max_positions: 8192,
        tied: true,
        ..LLAMA_LIKE.defaults
    },
    ..LLAMA_LIKE
};

const GEMMA3: ArchitectureVariant = ArchitectureVariant {
    head_norm: QkNormPlacement::BeforeRope,
    windows: AttentionWindows::AllBut {
        every: 6,
        key: Some("sliding_window_pattern"),
    },
    caps: None,
    local_theta: Some(10_000.0),
    scaled_by_width: Some(62),
    defaults: ConfigDefaults {
        vocabulary: 262_208,
        max_positions: 131_072,
        theta: 1_000_000.0,
        ..GEMMA2.defaults
    },
    ..GEMMA2
};

const QWEN3: ArchitectureVariant = ArchitectureVariant {
    head_norm: QkNormPlacement::BeforeRope,
    windows: AttentionWindows::FromLayer,
    defaults: ConfigDefaults {
        vocabulary: 151_936,
        feed_forward: 22_016,
        kv_heads: Some(32),
        head_dim: Some(128),
        max_positions: 32_768,
        ..LLAMA_LIKE.defaults
    },
    ..LLAMA_LIKE
};

const HUNYUAN_DENSE: ArchitectureVariant = ArchitectureVariant {
    head_norm: QkNormPlacement::AfterRope,
    ntk_alpha: true,
    defaults: ConfigDefaults {
        vocabulary: 290_943,
        epsilon: 1e-5,
        ..LLAMA_LIKE.defaults
    },
    ..LLAMA_LIKE
};

const MISTRAL: ArchitectureVariant = ArchitectureVariant {
    windows: AttentionWindows::All,
    attention_bias: false,
    defaults: ConfigDefaults {
        feed_forward: 14_336,
        kv_heads: Some(8),
        max_positions: 131_072,
        ..LLAMA_LIKE.defaults
    },
    ..LLAMA_LIKE
};

impl ArchitectureVariant {
    /// Gives the properties of an architecture; Llama's if it has no variant of its own.
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
