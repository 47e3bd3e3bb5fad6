//! Builds an encoder-decoder model from a source of weights, whose tensors it finds by their Hugging Face names.

use super::config::{Biases, PositionScheme, Seq2SeqConfig, StackConfig};
use super::positions::PositionTable;
use super::{CrossAttention, FeedForward, HeadDimensions, LayerStack, SelfAttention, Seq2SeqModel, TransformerLayer};
use crate::error::Result;
use crate::model::ModelSpec;
use crate::model::cpu::ops::Norm;
use crate::model::linear::Linear;
use crate::model::weights::{MatrixRequest, WeightForm, WeightSource};

/// Makes the tensor names of the encoder or of the decoder.
struct StackTensorNames {
    /// Prefix of the names of all layers, such as `model.decoder.layers.`.
    layers: String,
    /// Whether names follow T5's scheme instead of BART's.
    t5: bool,
    /// Whether these are the decoder's names instead of the encoder's.
    decoder: bool,
}

/// Loads the parts of one model: what to load, from where, and in which form.
struct ModelLoader<'a, F> {
    config: &'a Seq2SeqConfig,
    source: &'a dyn WeightSource,
    form: &'a F,
}

/// Loads the model that `config` describes from `source`, in the form that one of the two forward passes takes.
///
/// # Errors
/// Fails with an error of kind `Model`, with the file and the tensor that is missing or does not fit.
pub(super) fn load_model<F: WeightForm>(
    config: Seq2SeqConfig,
    spec: ModelSpec,
    source: &dyn WeightSource,
    form: &F,
) -> Result<Seq2SeqModel<F::Matrix, F::Vector>> {
    let loader = ModelLoader {
        config: &config,
        source,
        form,
    };
    let [first, second, projection] = loader.load_embeddings()?;
    let encoder = loader.load_stack(&config.encoder, first, false)?;
    let decoder = loader.load_stack(&config.decoder, second, true)?;
    let output = loader.load_output_layer(projection, &spec)?;
    Ok(Seq2SeqModel {
        config,
        spec,
        encoder,
        decoder,
        output,
    })
}

impl<F: WeightForm> ModelLoader<'_, F> {
    /// Makes the output layer: the whole output projection, or only the rows of the ids to which the output is
    /// restricted.
    fn load_output_layer(&self, projection: F::Matrix, spec: &ModelSpec) -> Result<Linear<F::Matrix, F::Vector>> {
        let name = "final_logits_bias";
        let mut bias = if self.source.has_tensor(name) {
            Some(self.source.read_floats(name, &[1, spec.vocabulary])?)
        } else {
            None
        };
        let mut weight = projection;
        if let Some(allowed) = &spec.output {
            weight = self.form.select_rows(&weight, allowed)?;
            bias = bias.map(|bias| allowed.iter().map(|id| bias[*id as usize]).collect());
        }
        let vector = |values: Vec<f32>| {
            let shape = [values.len()];
            self.form.make_vector(values, &shape)
        };
        Ok(Linear {
            weight,
            bias: bias.map(vector).transpose()?,
        })
    }

    /// Loads the linear layers `names`, which have the same input, as one layer, whose output has theirs one after
    /// the other.
    fn load_linear(&self, names: &[String], rows: usize, columns: usize) -> Result<Linear<F::Matrix, F::Vector>> {
        let named = |part: &str| names.iter().map(|name| format!("{name}.{part}")).collect::<Vec<_>>();
        let bias_names = named("bias");
        let has_bias = match self.config.biases {
            Biases::All => true,
            Biases::None => false,
            Biases::Stored => bias_names.iter().any(|name| self.source.has_tensor(name)),
        };
        let bias = if has_bias {
            // Of several layers, some may have none.
            let read = |name: &String| match self.config.biases {
                Biases::Stored if !self.source.has_tensor(name) => Ok(vec![0.0; rows]),
                _ => self.source.read_floats(name, &[rows]),
            };
            let values = bias_names.iter().map(read).collect::<Result<Vec<_>>>()?.concat();
            Some(self.form.make_vector(values, &[rows * names.len()])?)
        } else {
            None
        };
        Ok(Linear {
            weight: self.load_matrix(&named("weight"), rows, columns)?,
            bias,
        })
    }

    /// Loads the matrices `names`, each `(rows, columns)`, stacked one below the other into one matrix.
    fn load_matrix(&self, names: &[String], rows: usize, columns: usize) -> Result<F::Matrix> {
        let wanted = MatrixRequest {
            names,
            rows,
            columns,
            kept: None,
        };
        self.form.load_matrix(self.source, wanted)
    }

    fn load_norm(&self, name: &str) -> Result<Norm<F::Vector>> {
        let shape = [self.config.hidden_size];
        let vector = |part: &str| {
            let values = self.source.read_floats(&format!("{name}.{part}"), &shape)?;
            self.form.make_vector(values, &shape)
        };
        Ok(Norm {
            weight: vector("weight")?,
            bias: match self.config.biases {
                Biases::All => Some(vector("bias")?),
                Biases::Stored if self.source.has_tensor(&format!("{name}.bias")) => Some(vector("bias")?),
                Biases::Stored | Biases::None => None,
            },
            epsilon: self.config.epsilon,
        })
    }

    /// Loads the embedding of the encoder, that of the decoder, and the output projection. Weights that several of
    /// the three share may be stored under any of their names; if a checkpoint nevertheless has different ones, they
    /// count, as in transformers 5.
    fn load_embeddings(&self) -> Result<[F::Matrix; 3]> {
        let config = self.config;
        let base = if config.t5_names { "" } else { "model." };
        let [shared, first, second] =
            ["shared", "encoder.embed_tokens", "decoder.embed_tokens"].map(|name| format!("{base}{name}.weight"));
        let lm_head = "lm_head.weight".to_owned();
        let find = |names: &[&String]| {
            let found = names.iter().find(|name| self.source.has_tensor(name));
            (*found.unwrap_or(&names[0])).clone()
        };
        let load = |name: &String, rows: usize| self.load_matrix(std::slice::from_ref(name), rows, config.hidden_size);
        let own_or = |own: &String, base: String| -> Result<String> {
            let is_own = self.source.has_different_tensor(own, &base)?;
            Ok(if is_own { own.clone() } else { base })
        };
        let [source, target] = match (config.shared, config.tied) {
            (true, false) if config.separable => [find(&[&first, &shared, &second]), find(&[&second, &shared, &first])],
            (true, tied) => {
                let names = [&shared, &first, &second, &lm_head];
                let base = find(if tied { &names } else { &names[..3] });
                [own_or(&first, base.clone())?, own_or(&second, base)?]
            }
            (false, true) => [first, find(&[&second, &lm_head])],
            (false, false) => [first, second],
        };
        let encoder = load(&source, config.encoder.vocabulary)?;
        let decoder = match (source == target, config.shared || config.tied) {
            (true, _) => encoder.clone(),
            (false, true) => load(&target, config.decoder.vocabulary)?,
            // transformers' own class makes this embedding as large as the encoder's; only ids of the target are used.
            (false, false) => {
                let rows = self.source.tensor_row_count(&target);
                load(&target, rows.unwrap_or(config.decoder.vocabulary))?
            }
        };
        let output = if config.tied && own_or(&lm_head, target.clone())? == target {
            decoder.clone()
        } else {
            load(&lm_head, config.decoder.vocabulary)?
        };
        Ok([encoder, decoder, output])
    }

    /// Loads the layers of the encoder or of the decoder, which gets the given embedding.
    fn load_stack(
        &self,
        side: &StackConfig,
        embedding: F::Matrix,
        decoder: bool,
    ) -> Result<LayerStack<F::Matrix, F::Vector>> {
        let config = self.config;
        let name = if decoder { "decoder" } else { "encoder" };
        let base = if config.t5_names {
            name.to_owned()
        } else {
            format!("model.{name}")
        };
        let names = StackTensorNames {
            layers: format!("{base}.{}.", if config.t5_names { "block" } else { "layers" }),
            t5: config.t5_names,
            decoder,
        };
        let dim = config.head_dims[usize::from(decoder)];
        let heads = HeadDimensions {
            count: side.heads,
            dim,
            scale: if config.scales_queries {
                (dim as f32).powf(-0.5)
            } else {
                1.0
            },
        };
        let stored = format!("{base}.embed_positions.weight");
        let upload_rows = |rows, shape: [usize; 2]| self.form.make_vector(rows, &shape);
        let positions = match (config.positions, config.max_positions) {
            (PositionScheme::Relative { .. }, _) => None,
            (PositionScheme::Learned { first }, Some(count)) => {
                let mut rows = self.source.read_floats(&stored, &[count + first, config.hidden_size])?;
                rows.drain(..first * config.hidden_size);
                Some(PositionTable::from_stored_rows(config, rows, &upload_rows)?)
            }
            // The embeddings in a checkpoint are preferred: they may be rounded, or differ from those that Marian
            // computes.
            (PositionScheme::Marian, Some(count)) if self.source.has_tensor(&stored) => {
                let rows = self.source.read_floats(&stored, &[count, config.hidden_size])?;
                Some(PositionTable::from_stored_rows(config, rows, &upload_rows)?)
            }
            _ => Some(PositionTable::with_computed_rows(config, &upload_rows)?),
        };
        let relative_bias = match config.positions {
            PositionScheme::Relative { buckets, .. } => {
                let path = if config.t5_names {
                    "block.0.layer.0.SelfAttention."
                } else {
                    ""
                };
                let name = format!("{base}.{path}relative_attention_bias.weight");
                let shape = [buckets, side.heads];
                Some(self.form.make_vector(self.source.read_floats(&name, &shape)?, &shape)?)
            }
            _ => None,
        };
        let final_norm = if config.final_norm {
            let name = if config.t5_names {
                "final_layer_norm"
            } else {
                "layer_norm"
            };
            Some(self.load_norm(&format!("{base}.{name}"))?)
        } else {
            None
        };
        Ok(LayerStack {
            embedding,
            positions,
            embedding_norm: if config.embedding_norm {
                Some(self.load_norm(&format!("{base}.layernorm_embedding"))?)
            } else {
                None
            },
            relative_bias,
            layers: (0..side.layers)
                .map(|index| self.load_layer(&names, index, side, heads))
                .collect::<Result<_>>()?,
            final_norm,
            heads,
        })
    }

    fn load_layer(
        &self,
        names: &StackTensorNames,
        index: usize,
        side: &StackConfig,
        heads: HeadDimensions,
    ) -> Result<TransformerLayer<F::Matrix, F::Vector>> {
        let (width, inner) = (self.config.hidden_size, heads.total_width());
        let attention = names.attention_names(index, false);
        let feed_forward = names.feed_forward_names(index);
        let part =
            |prefix: &str, names: &[&str]| names.iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>();
        let [query, key, value, output] = if names.t5 {
            ["q", "k", "v", "o"]
        } else {
            ["q_proj", "k_proj", "v_proj", "out_proj"]
        };
        Ok(TransformerLayer {
            attention: SelfAttention {
                norm: self.load_norm(&attention.norm)?,
                project: self.load_linear(&part(&attention.prefix, &[query, key, value]), inner, width)?,
                output: self.load_linear(&part(&attention.prefix, &[output]), width, inner)?,
            },
            cross: if !names.decoder {
                None
            } else {
                let cross = names.attention_names(index, true);
                Some(CrossAttention {
                    norm: self.load_norm(&cross.norm)?,
                    query: self.load_linear(&part(&cross.prefix, &[query]), inner, width)?,
                    key_value: self.load_linear(&part(&cross.prefix, &[key, value]), inner, width)?,
                    output: self.load_linear(&part(&cross.prefix, &[output]), width, inner)?,
                })
            },
            feed_forward: {
                let [up, gate, down] = match (names.t5, self.config.gated) {
                    (true, true) => ["wi_0", "wi_1", "wo"],
                    (true, false) => ["wi", "", "wo"],
                    (false, _) => ["fc1", "fc1_gate", "fc2"],
                };
                FeedForward {
                    norm: self.load_norm(&feed_forward.norm)?,
                    up: self.load_linear(&part(&feed_forward.prefix, &[up]), side.feed_forward, width)?,
                    gate: if self.config.gated {
                        Some(self.load_linear(&part(&feed_forward.prefix, &[gate]), side.feed_forward, width)?)
                    } else {
                        None
                    },
                    down: self.load_linear(&part(&feed_forward.prefix, &[down]), width, side.feed_forward)?,
                }
            },
        })
    }
}

/// The tensor names of one part of a layer: of its self-attention, its cross-attention, or its feed-forward layer.
struct LayerPartNames {
    /// Name of the norm that belongs to the part.
    norm: String,
    /// Prefix of the names of the part's matrices.
    prefix: String,
}

impl StackTensorNames {
    fn attention_names(&self, index: usize, cross: bool) -> LayerPartNames {
        let layer = format!("{}{index}.", self.layers);
        if self.t5 {
            let (number, name) = if cross {
                (1, "EncDecAttention")
            } else {
                (0, "SelfAttention")
            };
            return LayerPartNames {
                norm: format!("{layer}layer.{number}.layer_norm"),
                prefix: format!("{layer}layer.{number}.{name}."),
            };
        }
        let name = if cross { "encoder_attn" } else { "self_attn" };
        LayerPartNames {
            norm: format!("{layer}{name}_layer_norm"),
            prefix: format!("{layer}{name}."),
        }
    }

    fn feed_forward_names(&self, index: usize) -> LayerPartNames {
        let layer = format!("{}{index}.", self.layers);
        if self.t5 {
            let number = if self.decoder { 2 } else { 1 };
            LayerPartNames {
                norm: format!("{layer}layer.{number}.layer_norm"),
                prefix: format!("{layer}layer.{number}.DenseReluDense."),
            }
        } else {
            LayerPartNames {
                norm: format!("{layer}final_layer_norm"),
                prefix: layer,
            }
        }
    }
}
