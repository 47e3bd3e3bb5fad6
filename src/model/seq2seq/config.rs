//! The configuration of an encoder-decoder model: read from `config.json`, in one form for all architectures.

use crate::error::Result;
use crate::model::Architecture;
use crate::model::cpu::ops::ActivationFunction;
use crate::model::weights::keys::{ConfigKeys, NeutralValue};
use serde_json::Value;
use std::path::Path;

/// How a model makes use of the positions of tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PositionScheme {
    /// Position embeddings of sines and cosines as Marian computes them (transformers
    /// `MarianSinusoidalPositionalEmbedding`).
    Marian,
    /// Position embeddings of sines and cosines as fairseq computes them: the first position has number `first`, and
    /// padding tokens have no position (`M2M100SinusoidalPositionalEmbedding`).
    Fairseq { first: usize },
    /// Position embeddings stored in the checkpoint; row `first` is that of the first position.
    Learned { first: usize },
    /// A bias on attention scores by the distance of query and key: there is one for each of `buckets` ranges of
    /// distances, and all distances from `most` on share the last bucket (T5).
    Relative { buckets: usize, most: usize },
}

/// Which norms and linear layers of a model have biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Biases {
    /// All have.
    All,
    /// None has (T5).
    None,
    /// A layer has a bias if the file holds one.
    Stored,
}

/// The dimensions of the encoder or of the decoder.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackConfig {
    /// Number of layers.
    pub layers: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Number of values inside the feed-forward layers (`d_ff`).
    pub feed_forward: usize,
    /// Number of tokens in the vocabulary.
    pub vocabulary: usize,
}

/// The dimensions of an encoder-decoder model, and all else in which architectures differ.
#[derive(Clone, Debug)]
pub(super) struct Seq2SeqConfig {
    /// Number of values of a token's vector between layers (`d_model`).
    pub hidden_size: usize,
    /// Number of values of one attention head: in the encoder, and in the decoder.
    pub head_dims: [usize; 2],
    pub encoder: StackConfig,
    pub decoder: StackConfig,
    pub activation: ActivationFunction,
    /// Whether feed-forward layers are gated: their activated output is multiplied by that of a second projection.
    pub gated: bool,
    /// Whether norms stand before attention and feed-forward layers (pre-norm) instead of after them (post-norm).
    pub norm_first: bool,
    /// Whether tensors have the names of T5's checkpoints instead of BART's.
    pub t5_names: bool,
    /// Which norms and linear layers have biases; a norm without a bias is an RMS norm.
    pub biases: Biases,
    /// Whether the dot products of queries and keys are multiplied by `head_dim^-0.5`.
    pub scales_queries: bool,
    pub epsilon: f32,
    pub embedding_scale: f32,
    /// Whether a norm follows the embedding.
    pub embedding_norm: bool,
    pub positions: PositionScheme,
    /// The most positions of a source and of an output; none if there is no limit, as in M2M-100 and T5.
    pub max_positions: Option<usize>,
    /// Id of the padding token.
    pub pad: u32,
    /// Whether source and target share one embedding.
    pub shared: bool,
    /// Whether a shared embedding may be stored twice, for the encoder and for the decoder, if the output projection
    /// is not tied to it.
    pub separable: bool,
    /// Whether the output projection is the decoder's embedding, unless the checkpoint has another one.
    pub tied: bool,
    /// Factor on the decoder's output before the output projection: `hidden_size^-0.5` in a T5 with tied embeddings.
    pub output_scale: f32,
    /// Whether the last layer is followed by a norm, in the encoder and in the decoder.
    pub final_norm: bool,
    /// Whether the decoder begins with an embedding of zeros, whatever its start token (Marian, in CTranslate2).
    pub starts_from_zero: bool,
}

/// Keys that change what other architectures compute, each with the value at which it changes nothing.
const NEUTRAL_VALUES: &[(&str, NeutralValue)] = &[
    ("add_cross_attention", NeutralValue::Flag(false)),
    ("is_decoder", NeutralValue::Flag(false)),
    ("layer_norm_eps", NeutralValue::Number(1e-5)),
    ("scale_decoder_outputs", NeutralValue::Flag(false)),
    ("share_encoder_decoder_embeddings", NeutralValue::Flag(true)),
    ("tie_encoder_decoder", NeutralValue::Flag(false)),
];

impl Seq2SeqConfig {
    /// Reads the configuration from a parsed `config.json`; `path` is used in error messages only.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the key that is missing or has an unknown value.
    pub fn from_json(architecture: Architecture, value: &Value, path: &Path) -> Result<Self> {
        let keys = ConfigKeys::new(path, value);
        let config = match architecture {
            Architecture::T5 => Self::read_t5(&keys)?,
            _ => Self::read_bart(architecture, &keys)?,
        };
        keys.refuse_unknown(NEUTRAL_VALUES)?;
        Ok(config)
    }

    /// Reads the configuration of a model of BART's family: Marian, M2M-100, mBART.
    fn read_bart(architecture: Architecture, keys: &ConfigKeys) -> Result<Self> {
        let marian = architecture == Architecture::Marian;
        let mbart = architecture == Architecture::Mbart;
        let width = keys.read_size("d_model", None)?;
        let vocabulary = keys.read_size("vocab_size", None)?;
        let side = |name: &str, vocabulary: usize| -> Result<StackConfig> {
            Ok(StackConfig {
                layers: keys.read_layer_count(&format!("{name}_layers"), None)?,
                heads: keys.read_size(&format!("{name}_attention_heads"), None)?,
                feed_forward: keys.read_size(&format!("{name}_ffn_dim"), None)?,
                vocabulary,
            })
        };
        let decoder_vocabulary = if marian {
            keys.read_size("decoder_vocab_size", Some(vocabulary))?
        } else {
            vocabulary
        };
        let (encoder, decoder) = (side("encoder", vocabulary)?, side("decoder", decoder_vocabulary)?);
        for (name, side) in [("encoder", encoder), ("decoder", decoder)] {
            if width % side.heads != 0 {
                return Err(keys.model_error(
                    &format!("{name}_attention_heads"),
                    format!("{} heads do not divide d_model, {width}", side.heads),
                ));
            }
        }
        let shared = !marian || keys.read_flag("share_encoder_decoder_embeddings", true)?;
        if shared && decoder_vocabulary != vocabulary {
            return Err(keys.model_error(
                "decoder_vocab_size",
                "differs from vocab_size, but the embeddings are shared",
            ));
        }
        let default_pad = if marian { 58_100 } else { 1 };
        let pad = match keys.non_null_value("pad_token_id") {
            None => default_pad,
            Some(id) => id
                .as_u64()
                .and_then(|id| u32::try_from(id).ok())
                .ok_or_else(|| keys.model_error("pad_token_id", format!("`{id}` is not an id")))?,
        };
        let name = keys.read_text("activation_function", if marian || mbart { "gelu" } else { "relu" })?;
        let scaled = keys.read_flag("scale_embedding", !marian && !mbart)?;
        Ok(Self {
            hidden_size: width,
            head_dims: [width / encoder.heads, width / decoder.heads],
            encoder,
            decoder,
            activation: keys.activation_by_name("activation_function", name)?,
            gated: false,
            norm_first: !marian,
            t5_names: false,
            biases: Biases::All,
            scales_queries: true,
            final_norm: !marian,
            starts_from_zero: false,
            epsilon: 1e-5,
            embedding_scale: if scaled { (width as f32).sqrt() } else { 1.0 },
            embedding_norm: mbart,
            positions: match architecture {
                Architecture::Marian => PositionScheme::Marian,
                Architecture::Mbart => PositionScheme::Learned { first: 2 },
                _ => PositionScheme::Fairseq {
                    first: pad as usize + 1,
                },
            },
            max_positions: match architecture {
                Architecture::M2m100 => None,
                _ => Some(keys.read_size("max_position_embeddings", Some(1024))?),
            },
            pad,
            shared,
            separable: !marian,
            tied: keys.read_flag("tie_word_embeddings", true)?,
            output_scale: 1.0,
        })
    }

    /// Reads the configuration of a T5.
    fn read_t5(keys: &ConfigKeys) -> Result<Self> {
        let width = keys.read_size("d_model", None)?;
        let layers = keys.read_layer_count("num_layers", None)?;
        let side = StackConfig {
            layers,
            heads: keys.read_size("num_heads", None)?,
            feed_forward: keys.read_size("d_ff", None)?,
            vocabulary: keys.read_size("vocab_size", None)?,
        };
        let dim = keys.read_size("d_kv", None)?;
        let (gated, name) = match keys.read_text("feed_forward_proj", "relu")? {
            "gated-gelu" => (true, "gelu_new"),
            other => match other.strip_prefix("gated-") {
                Some(name) => (true, name),
                None => (false, other),
            },
        };
        if name.contains('-') {
            return Err(keys.model_error("feed_forward_proj", format!("the activation `{name}` is not known")));
        }
        // transformers saves the settings that it derives from this key, and prefers them when it reads the file
        // again.
        let gated = keys.read_flag("is_gated_act", gated)?;
        let (key, name) = match keys.non_null_value("dense_act_fn") {
            None => ("feed_forward_proj", name),
            Some(_) => ("dense_act_fn", keys.read_text("dense_act_fn", "relu")?),
        };
        let epsilon = keys.read_positive_number("layer_norm_epsilon")?.unwrap_or(1e-6);
        let tied = keys.read_flag("tie_word_embeddings", true)?;
        let pad = keys.non_null_value("pad_token_id").and_then(Value::as_u64).unwrap_or(0) as u32;
        let buckets = keys.read_size("relative_attention_num_buckets", Some(32))?;
        let most = keys.read_size("relative_attention_max_distance", Some(128))?;
        if buckets < 4 || most <= buckets / 2 {
            return Err(keys.model_error(
                "relative_attention_num_buckets",
                format!("{buckets} buckets do not fit distances up to {most}"),
            ));
        }
        Ok(Self {
            hidden_size: width,
            head_dims: [dim; 2],
            encoder: side,
            decoder: StackConfig {
                layers: keys.read_layer_count("num_decoder_layers", Some(layers))?,
                ..side
            },
            activation: keys.activation_by_name(key, name)?,
            gated,
            norm_first: true,
            t5_names: true,
            biases: Biases::None,
            scales_queries: false,
            final_norm: true,
            starts_from_zero: false,
            epsilon: epsilon as f32,
            embedding_scale: 1.0,
            embedding_norm: false,
            positions: PositionScheme::Relative { buckets, most },
            max_positions: None,
            pad,
            shared: true,
            separable: false,
            tied,
            // Before version 5, transformers wrote no key of its own for it.
            output_scale: if keys.read_flag("scale_decoder_outputs", tied)? {
                (width as f32).powf(-0.5)
            } else {
                1.0
            },
        })
    }
}

impl PositionScheme {
    /// Gives the bucket of the distance `key - query` (T5's `_relative_position_bucket`). With `both_ways` keys
    /// before and after the query have different buckets; otherwise keys after the query count as distance 0.
    pub fn distance_bucket(distance: isize, both_ways: bool, buckets: usize, most: usize) -> usize {
        let (base, buckets) = if both_ways {
            (if distance > 0 { buckets / 2 } else { 0 }, buckets / 2)
        } else {
            (0, buckets)
        };
        let distance = if both_ways {
            distance.unsigned_abs()
        } else {
            (-distance).max(0) as usize
        };
        let exact = buckets / 2;
        if distance < exact {
            return base + distance;
        }
        // Computed in float32, as in transformers.
        let ratio = (distance as f32 / exact as f32).ln() / (most as f64 / exact as f64).ln() as f32;
        let far = exact + (ratio * (buckets - exact) as f32) as usize;
        base + far.min(buckets - 1)
    }
}
