//! From a checkpoint's tensors, by their Hugging Face names, to a model.

use super::config::{Config, Positions, Side};
use super::state::Heads;
use super::weights::Weights;
use super::{CrossAttention, FeedForward, Layer, Linear, SelfAttention, Seq2Seq, Stack};
use crate::error::{Error, Result};
use crate::model::ops::Norm;
use crate::model::packed::Packed;
use crate::model::{Activations, Architecture, Spec};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Names of one side's tensors.
struct Names {
    /// Such as `model.decoder.layers.`.
    layers: String,
    t5: bool,
    decoder: bool,
}

struct Loader<'a> {
    config: &'a Config,
    weights: Weights,
}

impl Seq2Seq {
    /// Loads a model from a directory in the layout of its Hub repository.
    ///
    /// `start` holds the ids that every output begins with: the start token, and one that the output is made to begin
    /// with, if any. `end` are the ids that end an output.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the key or tensor that is missing or does not fit.
    pub fn from_directory(
        directory: &Path,
        architecture: Architecture,
        config_json: &Value,
        (start, end): (Vec<u32>, Vec<u32>),
        activations: Activations,
    ) -> Result<Self> {
        let config = Config::read(architecture, config_json, &directory.join("config.json"))?;
        let loader = Loader {
            config: &config,
            weights: Weights::open(directory, activations)?,
        };
        let [first, second, tied] = loader.embeddings()?;
        let encoder = loader.stack(&config.encoder, first, false)?;
        let decoder = loader.stack(&config.decoder, second, true)?;
        let vocabulary = config.decoder.vocabulary;
        let bias = "final_logits_bias";
        let output = Linear {
            weight: tied,
            bias: match loader.weights.has(bias) {
                true => Some(loader.weights.vector(bias, &[1, vocabulary])?),
                false => None,
            },
        };
        if let Some(id) = start.iter().chain(&end).find(|id| **id as usize >= vocabulary) {
            return Err(
                Error::model(format!("{id} is not a token of the vocabulary of {vocabulary}"))
                    .path(directory.join("config.json"))
                    .place("start and end ids"),
            );
        }
        if start.is_empty() {
            return Err(Error::model("missing; an id is expected")
                .path(directory.join("config.json"))
                .place("key decoder_start_token_id"));
        }
        let output_scale = match config.t5 && config.tied {
            true => (config.width as f32).powf(-0.5),
            false => 1.0,
        };
        loader.weights.keep(directory);
        Ok(Self {
            spec: Spec {
                vocabulary,
                max_positions: config.max_positions.unwrap_or(usize::MAX),
                end,
                start,
                output: None,
            },
            config,
            encoder,
            decoder,
            output,
            output_scale,
        })
    }
}

impl Loader<'_> {
    /// Several linear layers of the same input as one, their outputs one after the other.
    fn linear(&self, names: &[String], rows: usize, columns: usize) -> Result<Linear> {
        let named = |part: &str| names.iter().map(|name| format!("{name}.{part}")).collect::<Vec<_>>();
        let bias = match self.config.t5 {
            true => None,
            false => {
                let biases = named("bias")
                    .into_iter()
                    .map(|name| self.weights.vector(&name, &[rows]));
                Some(biases.collect::<Result<Vec<_>>>()?.concat())
            }
        };
        Ok(Linear {
            weight: self.weights.matrix(&named("weight"), rows, columns)?,
            bias,
        })
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let vector = |part: &str| self.weights.vector(&format!("{name}.{part}"), &[self.config.width]);
        Ok(Norm {
            weight: vector("weight")?,
            bias: match self.config.t5 {
                true => None,
                false => Some(vector("bias")?),
            },
            epsilon: self.config.epsilon,
        })
    }

    /// The embeddings of encoder and decoder, and the output projection; a tied weight may be stored under any of its names.
    fn embeddings(&self) -> Result<[Arc<Packed>; 3]> {
        let config = self.config;
        let base = if config.t5 { "" } else { "model." };
        let [shared, first, second] =
            ["shared", "encoder.embed_tokens", "decoder.embed_tokens"].map(|name| format!("{base}{name}.weight"));
        let lm_head = "lm_head.weight".to_owned();
        let load = |names: &[&String], rows: usize| -> Result<Arc<Packed>> {
            let found = names.iter().find(|name| self.weights.has(name)).unwrap_or(&names[0]);
            self.weights.matrix(&[(*found).clone()], rows, config.width)
        };
        let encoder = match (config.shared, config.tied) {
            (true, true) => load(&[&shared, &first, &second, &lm_head], config.encoder.vocabulary)?,
            (true, false) => load(&[&shared, &first, &second], config.encoder.vocabulary)?,
            (false, _) => load(&[&first], config.encoder.vocabulary)?,
        };
        let decoder = match (config.shared, config.tied) {
            (true, _) => encoder.clone(),
            (false, true) => load(&[&second, &lm_head], config.decoder.vocabulary)?,
            // transformers' own class makes this embedding as large as the encoder's; only ids of the target are used.
            (false, false) => {
                let rows = self.weights.rows(&second);
                load(&[&second], rows.unwrap_or(config.decoder.vocabulary))?
            }
        };
        let output = match config.tied {
            true => decoder.clone(),
            false => load(&[&lm_head], config.decoder.vocabulary)?,
        };
        Ok([encoder, decoder, output])
    }

    fn stack(&self, side: &Side, embedding: Arc<Packed>, decoder: bool) -> Result<Stack> {
        let config = self.config;
        let name = if decoder { "decoder" } else { "encoder" };
        let base = match config.t5 {
            true => name.to_owned(),
            false => format!("model.{name}"),
        };
        let names = Names {
            layers: format!("{base}.{}.", if config.t5 { "block" } else { "layers" }),
            t5: config.t5,
            decoder,
        };
        let dim = config.head_dims[usize::from(decoder)];
        let heads = Heads {
            count: side.heads,
            dim,
            scale: if config.t5 { 1.0 } else { (dim as f32).powf(-0.5) },
        };
        let positions = match (config.positions, config.max_positions) {
            (Positions::Learned { first }, Some(count)) => {
                let name = format!("{base}.embed_positions.weight");
                let mut table = self.weights.vector(&name, &[count + first, config.width])?;
                table.drain(..first * config.width);
                table
            }
            (computed, Some(count)) => computed.table(count, config.width).unwrap_or_default(),
            (_, None) => Vec::new(),
        };
        let bias = match config.positions {
            Positions::Relative { buckets, .. } => self.weights.vector(
                &format!("{base}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
                &[buckets, side.heads],
            )?,
            _ => Vec::new(),
        };
        let final_norm = match (config.t5, config.norm_first) {
            (true, _) => Some(self.norm(&format!("{base}.final_layer_norm"))?),
            (false, true) => Some(self.norm(&format!("{base}.layer_norm"))?),
            (false, false) => None,
        };
        Ok(Stack {
            embedding,
            positions,
            embedding_norm: match config.embedding_norm {
                true => Some(self.norm(&format!("{base}.layernorm_embedding"))?),
                false => None,
            },
            bias,
            layers: (0..side.layers)
                .map(|index| self.layer(&names, index, side, heads))
                .collect::<Result<_>>()?,
            final_norm,
            heads,
        })
    }

    fn layer(&self, names: &Names, index: usize, side: &Side, heads: Heads) -> Result<Layer> {
        let (width, inner) = (self.config.width, heads.width());
        let attention = names.attention(index, false);
        let feed_forward = names.feed_forward(index);
        let part = |block: &str, names: &[&str]| names.iter().map(|name| format!("{block}{name}")).collect::<Vec<_>>();
        let [query, key, value, output] = match names.t5 {
            true => ["q", "k", "v", "o"],
            false => ["q_proj", "k_proj", "v_proj", "out_proj"],
        };
        Ok(Layer {
            attention: SelfAttention {
                norm: self.norm(&attention.norm)?,
                project: self.linear(&part(&attention.block, &[query, key, value]), inner, width)?,
                output: self.linear(&part(&attention.block, &[output]), width, inner)?,
            },
            cross: match names.decoder {
                false => None,
                true => {
                    let cross = names.attention(index, true);
                    Some(CrossAttention {
                        norm: self.norm(&cross.norm)?,
                        query: self.linear(&part(&cross.block, &[query]), inner, width)?,
                        memory: self.linear(&part(&cross.block, &[key, value]), inner, width)?,
                        output: self.linear(&part(&cross.block, &[output]), width, inner)?,
                    })
                }
            },
            feed_forward: {
                let [up, down] = match (names.t5, self.config.gated) {
                    (true, true) => ["wi_0", "wo"],
                    (true, false) => ["wi", "wo"],
                    (false, _) => ["fc1", "fc2"],
                };
                FeedForward {
                    norm: self.norm(&feed_forward.norm)?,
                    up: self.linear(&part(&feed_forward.block, &[up]), side.feed_forward, width)?,
                    gate: match self.config.gated {
                        true => Some(self.linear(&part(&feed_forward.block, &["wi_1"]), side.feed_forward, width)?),
                        false => None,
                    },
                    down: self.linear(&part(&feed_forward.block, &[down]), width, side.feed_forward)?,
                }
            },
        })
    }
}

/// Where the tensors of one part of a layer are.
struct Place {
    norm: String,
    /// What its matrices' names begin with.
    block: String,
}

impl Names {
    fn attention(&self, index: usize, cross: bool) -> Place {
        let layer = format!("{}{index}.", self.layers);
        if self.t5 {
            let (number, name) = if cross {
                (1, "EncDecAttention")
            } else {
                (0, "SelfAttention")
            };
            return Place {
                norm: format!("{layer}layer.{number}.layer_norm"),
                block: format!("{layer}layer.{number}.{name}."),
            };
        }
        let name = if cross { "encoder_attn" } else { "self_attn" };
        Place {
            norm: format!("{layer}{name}_layer_norm"),
            block: format!("{layer}{name}."),
        }
    }

    fn feed_forward(&self, index: usize) -> Place {
        let layer = format!("{}{index}.", self.layers);
        match self.t5 {
            true => {
                let number = if self.decoder { 2 } else { 1 };
                Place {
                    norm: format!("{layer}layer.{number}.layer_norm"),
                    block: format!("{layer}layer.{number}.DenseReluDense."),
                }
            }
            false => Place {
                norm: format!("{layer}final_layer_norm"),
                block: layer,
            },
        }
    }
}
