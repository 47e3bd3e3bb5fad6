//! From a checkpoint's tensors, by their Hugging Face names, to a model.

use super::config::{Config, Positions, Side};
use super::positions::PositionTable;
use super::{CrossAttention, FeedForward, Heads, Layer, Linear, SelfAttention, Seq2Seq, Stack};
use crate::error::Result;
use crate::model::Spec;
use crate::model::cpu::ops::Norm;

/// Names of one side's tensors.
struct Names {
    /// Such as `model.decoder.layers.`.
    layers: String,
    t5: bool,
    decoder: bool,
}

/// Where weights come from, by name, in the form that a forward takes.
pub(super) trait Source {
    type Matrix: Clone;
    type Vector;

    fn has(&self, name: &str) -> bool;

    /// Rows of a matrix, if it is there.
    fn rows(&self, name: &str) -> Option<usize>;

    /// Matrices of `(rows, columns)`, one below the other as one.
    fn matrix(&self, names: &[String], rows: usize, columns: usize) -> Result<Self::Matrix>;

    /// A tensor of this shape in float32.
    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>>;

    /// What is not multiplied as a matrix: values of this shape.
    fn vector(&self, values: Vec<f32>, shape: &[usize]) -> Result<Self::Vector>;
}

struct Loader<'a, S> {
    config: &'a Config,
    source: &'a S,
}

/// The model of this configuration.
///
/// # Errors
/// Of kind `Model`, with the file and the tensor that is missing or does not fit.
pub(super) fn model<S: Source>(config: Config, spec: Spec, source: &S) -> Result<Seq2Seq<S::Matrix, S::Vector>> {
    let loader = Loader {
        config: &config,
        source,
    };
    let [first, second, tied] = loader.embeddings()?;
    let encoder = loader.stack(&config.encoder, first, false)?;
    let decoder = loader.stack(&config.decoder, second, true)?;
    let bias = "final_logits_bias";
    let output = Linear {
        weight: tied,
        bias: if source.has(bias) {
            let values = source.floats(bias, &[1, spec.vocabulary])?;
            Some(source.vector(values, &[spec.vocabulary])?)
        } else {
            None
        },
    };
    let output_scale = if config.t5 && config.tied {
        (config.width as f32).powf(-0.5)
    } else {
        1.0
    };
    Ok(Seq2Seq {
        config,
        spec,
        encoder,
        decoder,
        output,
        output_scale,
    })
}

impl<S: Source> Loader<'_, S> {
    /// Several linear layers of the same input as one, their outputs one after the other.
    fn linear(&self, names: &[String], rows: usize, columns: usize) -> Result<Linear<S::Matrix, S::Vector>> {
        let named = |part: &str| names.iter().map(|name| format!("{name}.{part}")).collect::<Vec<_>>();
        let bias = if self.config.t5 {
            None
        } else {
            let biases = named("bias").into_iter().map(|name| self.source.floats(&name, &[rows]));
            let values = biases.collect::<Result<Vec<_>>>()?.concat();
            Some(self.source.vector(values, &[rows * names.len()])?)
        };
        Ok(Linear {
            weight: self.source.matrix(&named("weight"), rows, columns)?,
            bias,
        })
    }

    fn norm(&self, name: &str) -> Result<Norm<S::Vector>> {
        let shape = [self.config.width];
        let vector = |part: &str| {
            let values = self.source.floats(&format!("{name}.{part}"), &shape)?;
            self.source.vector(values, &shape)
        };
        Ok(Norm {
            weight: vector("weight")?,
            bias: if self.config.t5 { None } else { Some(vector("bias")?) },
            epsilon: self.config.epsilon,
        })
    }

    /// The embeddings of encoder and decoder, and the output projection; a tied weight may be stored under any of its names.
    fn embeddings(&self) -> Result<[S::Matrix; 3]> {
        let config = self.config;
        let base = if config.t5 { "" } else { "model." };
        let [shared, first, second] =
            ["shared", "encoder.embed_tokens", "decoder.embed_tokens"].map(|name| format!("{base}{name}.weight"));
        let lm_head = "lm_head.weight".to_owned();
        let find = |names: &[&String]| {
            let found = names.iter().find(|name| self.source.has(name));
            (*found.unwrap_or(&names[0])).clone()
        };
        let load = |name: &String, rows: usize| self.source.matrix(std::slice::from_ref(name), rows, config.width);
        let [source, target] = match (config.shared, config.tied) {
            (true, true) => [(); 2].map(|()| find(&[&shared, &first, &second, &lm_head])),
            (true, false) if config.separable => [find(&[&first, &shared, &second]), find(&[&second, &shared, &first])],
            (true, false) => [(); 2].map(|()| find(&[&shared, &first, &second])),
            (false, true) => [first, find(&[&second, &lm_head])],
            (false, false) => [first, second],
        };
        let encoder = load(&source, config.encoder.vocabulary)?;
        let decoder = match (source == target, config.shared || config.tied) {
            (true, _) => encoder.clone(),
            (false, true) => load(&target, config.decoder.vocabulary)?,
            // transformers' own class makes this embedding as large as the encoder's; only ids of the target are used.
            (false, false) => {
                let rows = self.source.rows(&target);
                load(&target, rows.unwrap_or(config.decoder.vocabulary))?
            }
        };
        let output = if config.tied {
            decoder.clone()
        } else {
            load(&lm_head, config.decoder.vocabulary)?
        };
        Ok([encoder, decoder, output])
    }

    fn stack(&self, side: &Side, embedding: S::Matrix, decoder: bool) -> Result<Stack<S::Matrix, S::Vector>> {
        let config = self.config;
        let name = if decoder { "decoder" } else { "encoder" };
        let base = if config.t5 {
            name.to_owned()
        } else {
            format!("model.{name}")
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
        let stored = format!("{base}.embed_positions.weight");
        let make = |rows, shape: [usize; 2]| self.source.vector(rows, &shape);
        let positions = match (config.positions, config.max_positions) {
            (Positions::Relative { .. }, _) => None,
            (Positions::Learned { first }, Some(count)) => {
                let mut rows = self.source.floats(&stored, &[count + first, config.width])?;
                rows.drain(..first * config.width);
                Some(PositionTable::stored(config, rows, &make)?)
            }
            // They may be rounded, or none of Marian's at all.
            (Positions::Marian, Some(count)) if self.source.has(&stored) => {
                let rows = self.source.floats(&stored, &[count, config.width])?;
                Some(PositionTable::stored(config, rows, &make)?)
            }
            _ => Some(PositionTable::computed(config, &make)?),
        };
        let bias = match config.positions {
            Positions::Relative { buckets, .. } => {
                let name = format!("{base}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
                let shape = [buckets, side.heads];
                Some(self.source.vector(self.source.floats(&name, &shape)?, &shape)?)
            }
            _ => None,
        };
        let final_norm = match (config.t5, config.norm_first) {
            (true, _) => Some(self.norm(&format!("{base}.final_layer_norm"))?),
            (false, true) => Some(self.norm(&format!("{base}.layer_norm"))?),
            (false, false) => None,
        };
        Ok(Stack {
            embedding,
            positions,
            embedding_norm: if config.embedding_norm {
                Some(self.norm(&format!("{base}.layernorm_embedding"))?)
            } else {
                None
            },
            bias,
            layers: (0..side.layers)
                .map(|index| self.layer(&names, index, side, heads))
                .collect::<Result<_>>()?,
            final_norm,
            heads,
        })
    }

    fn layer(&self, names: &Names, index: usize, side: &Side, heads: Heads) -> Result<Layer<S::Matrix, S::Vector>> {
        let (width, inner) = (self.config.width, heads.width());
        let attention = names.attention(index, false);
        let feed_forward = names.feed_forward(index);
        let part = |block: &str, names: &[&str]| names.iter().map(|name| format!("{block}{name}")).collect::<Vec<_>>();
        let [query, key, value, output] = if names.t5 {
            ["q", "k", "v", "o"]
        } else {
            ["q_proj", "k_proj", "v_proj", "out_proj"]
        };
        Ok(Layer {
            attention: SelfAttention {
                norm: self.norm(&attention.norm)?,
                project: self.linear(&part(&attention.block, &[query, key, value]), inner, width)?,
                output: self.linear(&part(&attention.block, &[output]), width, inner)?,
            },
            cross: if !names.decoder {
                None
            } else {
                let cross = names.attention(index, true);
                Some(CrossAttention {
                    norm: self.norm(&cross.norm)?,
                    query: self.linear(&part(&cross.block, &[query]), inner, width)?,
                    memory: self.linear(&part(&cross.block, &[key, value]), inner, width)?,
                    output: self.linear(&part(&cross.block, &[output]), width, inner)?,
                })
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
                    gate: if self.config.gated {
                        Some(self.linear(&part(&feed_forward.block, &["wi_1"]), side.feed_forward, width)?)
                    } else {
                        None
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
        if self.t5 {
            let number = if self.decoder { 2 } else { 1 };
            Place {
                norm: format!("{layer}layer.{number}.layer_norm"),
                block: format!("{layer}layer.{number}.DenseReluDense."),
            }
        } else {
            Place {
                norm: format!("{layer}final_layer_norm"),
                block: layer,
            }
        }
    }
}
