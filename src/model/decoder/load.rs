//! A decoder-only model's weights by the names of a Hub repository or of a GGUF file.

use super::config::{Config, HeadNorm};
use super::{Decoder, Embedding, Layer, Linear};
use crate::error::{Error, Result};
use crate::model::cpu::matrix::{Activations, Matrix};
use crate::model::cpu::ops::Norm;
use crate::model::weights::checkpoint::Checkpoint;
use crate::model::weights::gguf::Gguf;
use crate::model::{Spec, candle_error};
use std::path::Path;
use std::sync::Arc;

/// Where weights come from.
pub(super) enum Source<'a> {
    Checkpoint {
        checkpoint: Checkpoint,
        /// What stands before the names of all but the output projection.
        prefix: &'static str,
    },
    Gguf(&'a Gguf),
}

/// A part of a layer: its name in a repository, and in a GGUF file.
type Name = (&'static str, &'static str);

const EMBEDDING: Name = ("embed_tokens", "token_embd");
const OUTPUT_NORM: Name = ("norm", "output_norm");
const OUTPUT: &str = "output.weight";

impl Source<'_> {
    /// Opens a directory's weights. Those of the text part of a larger model have a longer prefix.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`].
    pub fn open(directory: &Path) -> Result<Self> {
        let checkpoint = Checkpoint::open(directory)?;
        let prefixes = ["model.", "language_model.model.", "model.language_model.", ""];
        let has = |prefix: &&str| checkpoint.has(&format!("{prefix}embed_tokens.weight"));
        let prefix = prefixes.into_iter().find(has).unwrap_or(prefixes[0]);
        Ok(Self::Checkpoint { checkpoint, prefix })
    }

    /// A matrix of `[rows, columns]`, or the chosen rows of it.
    fn matrix(
        &self,
        name: &str,
        [rows, columns]: [usize; 2],
        chosen: Option<&[u32]>,
        activations: Activations,
    ) -> Result<Matrix> {
        match self {
            Self::Checkpoint { checkpoint, .. } => {
                let values = checkpoint.floats(name, &[rows, columns])?;
                let all = Matrix::from_f32_block_scales(rows, columns, activations, &values).map_err(candle_error)?;
                Ok(all.keep_rows(chosen))
            }
            Self::Gguf(gguf) => {
                let tensor = gguf.tensor_of(name, rows, columns)?;
                let packed = Matrix::from_gguf(tensor, chosen, activations).map_err(|e| {
                    let message = e.to_string();
                    let line = message.lines().next().unwrap_or_default();
                    Error::model(format!("cannot be used: {line}"))
                        .path(gguf.path())
                        .place(format!("tensor {name}"))
                })?;
                gguf.release(tensor);
                Ok(packed)
            }
        }
    }

    fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        match self {
            Self::Checkpoint { checkpoint, .. } => checkpoint.floats(name, &[len]),
            Self::Gguf(gguf) => gguf.vector(name, len),
        }
    }

    /// The full name of a part, of a layer or of the model, without `.weight` or `.bias`.
    fn name(&self, layer: Option<usize>, (hub, gguf): Name) -> String {
        match (self, layer) {
            (Self::Checkpoint { prefix, .. }, Some(layer)) => format!("{prefix}layers.{layer}.{hub}"),
            (Self::Checkpoint { prefix, .. }, None) => format!("{prefix}{hub}"),
            (Self::Gguf(_), Some(layer)) => format!("blk.{layer}.{gguf}"),
            (Self::Gguf(_), None) => gguf.to_owned(),
        }
    }

    /// The output projection that is not the embedding.
    fn output(&self) -> &'static str {
        match self {
            Self::Checkpoint {
                prefix: "language_model.model.",
                ..
            } => "language_model.lm_head.weight",
            Self::Checkpoint { .. } => "lm_head.weight",
            Self::Gguf(_) => OUTPUT,
        }
    }
}

/// Reads parts of one model.
struct Loader<'a> {
    config: &'a Config,
    source: &'a Source<'a>,
    activations: Activations,
}

impl Loader<'_> {
    fn norm(&self, layer: Option<usize>, name: Name, len: usize) -> Result<Norm> {
        let mut weight = self
            .source
            .vector(&format!("{}.weight", self.source.name(layer, name)), len)?;
        if self.config.norms_from_one {
            weight.iter_mut().for_each(|x| *x += 1.0);
        }
        Ok(Norm {
            weight,
            bias: None,
            epsilon: self.config.epsilon,
        })
    }

    fn linear(&self, layer: usize, name: Name, shape: [usize; 2], bias: bool) -> Result<Linear> {
        let name = self.source.name(Some(layer), name);
        Ok(Linear {
            weight: self
                .source
                .matrix(&format!("{name}.weight"), shape, None, self.activations)?,
            bias: if bias {
                Some(self.source.vector(&format!("{name}.bias"), shape[0])?)
            } else {
                None
            },
        })
    }

    fn layer(&self, index: usize) -> Result<Layer> {
        let config = self.config;
        let norm = |name| self.norm(Some(index), name, config.width);
        let (queries, keys) = (config.queries * config.dim, config.groups * config.dim);
        let attention =
            |name, rows, columns| self.linear(index, (name, gguf_name(name)), [rows, columns], config.attention_bias);
        let feed_forward = |name, rows, columns| {
            self.linear(
                index,
                (name, gguf_name(name)),
                [rows, columns],
                config.feed_forward_bias,
            )
        };
        let head_norm = |names: [Name; 2]| -> Result<Option<Norm>> {
            let name = match config.head_norm {
                HeadNorm::None => return Ok(None),
                HeadNorm::BeforeRope => names[0],
                HeadNorm::AfterRope => names[1],
            };
            self.norm(Some(index), name, config.dim).map(Some)
        };
        let (q_norm, k_norm) = ("attn_q_norm", "attn_k_norm");
        // Where norms stand behind the layers too, the name that others have for the feed-forward's is taken.
        let (post_attention, before_feed_forward, post_feed_forward) = if config.post_norms {
            (
                Some(norm(("post_attention_layernorm", "post_attention_norm"))?),
                norm(("pre_feedforward_layernorm", "ffn_norm"))?,
                Some(norm(("post_feedforward_layernorm", "post_ffw_norm"))?),
            )
        } else {
            (None, norm(("post_attention_layernorm", "ffn_norm"))?, None)
        };
        Ok(Layer {
            attention_norm: norm(("input_layernorm", "attn_norm"))?,
            query: attention("self_attn.q_proj", queries, config.width)?,
            key: attention("self_attn.k_proj", keys, config.width)?,
            value: attention("self_attn.v_proj", keys, config.width)?,
            query_norm: head_norm([("self_attn.q_norm", q_norm), ("self_attn.query_layernorm", q_norm)])?,
            key_norm: head_norm([("self_attn.k_norm", k_norm), ("self_attn.key_layernorm", k_norm)])?,
            output: attention("self_attn.o_proj", config.width, queries)?,
            post_attention_norm: post_attention,
            feed_forward_norm: before_feed_forward,
            gate: feed_forward("mlp.gate_proj", config.feed_forward, config.width)?,
            up: feed_forward("mlp.up_proj", config.feed_forward, config.width)?,
            down: feed_forward("mlp.down_proj", config.width, config.feed_forward)?,
            post_feed_forward_norm: post_feed_forward,
        })
    }
}

/// What a GGUF file calls a layer's matrix.
fn gguf_name(hub: &str) -> &'static str {
    match hub {
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        _ => "ffn_down",
    }
}

/// The model of this configuration; `end` are the ids that end an output, `allowed` those that it may hold, if not all.
///
/// # Errors
/// Of kind `Model`, with the file and the tensor that is missing or does not fit.
pub(super) fn model(
    config: Config,
    end: Vec<u32>,
    allowed: Option<Vec<u32>>,
    source: &Source,
    activations: Activations,
) -> Result<Decoder> {
    let loader = Loader {
        config: &config,
        source,
        activations,
    };
    let embedding = format!("{}.weight", source.name(None, EMBEDDING));
    let (vocabulary, width) = (config.vocabulary, config.width);
    let mut spec = Spec {
        vocabulary,
        source_vocabulary: vocabulary,
        max_positions: config.max_positions,
        end,
        start: Vec::new(),
        output: None,
    };
    spec.restrict(allowed);
    let chosen = spec.output.as_deref();
    let matrix = |name: &str, chosen| source.matrix(name, [vocabulary, width], chosen, activations);
    let output = if config.tied { &embedding } else { source.output() };
    let output = Arc::new(matrix(output, chosen)?);
    Ok(Decoder {
        embedding: match source {
            Source::Gguf(gguf) => Embedding::Stored(gguf.rows_of(&embedding, vocabulary, width)?),
            Source::Checkpoint { .. } if config.tied && chosen.is_none() => Embedding::Packed(output.clone()),
            Source::Checkpoint { .. } => Embedding::Packed(Arc::new(matrix(&embedding, None)?)),
        },
        output,
        output_norm: loader.norm(None, OUTPUT_NORM, width)?,
        layers: (0..config.windows.len())
            .map(|index| loader.layer(index))
            .collect::<Result<_>>()?,
        spec,
        config,
    })
}
