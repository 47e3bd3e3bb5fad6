//! Builds a decoder-only model from a source of weights, whose tensors it finds by their Hugging Face names.

use super::config::DecoderConfig;
use super::variant::QkNormPlacement;
use super::{DecoderModel, EmbeddingMatrix, TransformerLayer};
use crate::error::Result;
use crate::model::cpu::ops::Norm;
use crate::model::linear::Linear;
use crate::model::weights::{MatrixRequest, WeightForm, WeightSource};
use crate::model::{ModelSpec, OutputTokenIds};

/// Loads the parts of one model: what to load, from where, and in which form.
struct ModelLoader<'a, F> {
    config: &'a DecoderConfig,
    source: &'a dyn WeightSource,
    form: &'a F,
}

/// Loads the model that `config` describes from `source`, in the form that the forward pass takes.
///
/// # Errors
/// Fails with an error of kind `Model`, with the file and the tensor that is missing or does not fit.
pub(super) fn load_model<F: WeightForm>(
    config: DecoderConfig,
    ids: OutputTokenIds,
    source: &dyn WeightSource,
    form: &F,
) -> Result<DecoderModel<F::Matrix, F::Vector>> {
    let loader = ModelLoader {
        config: &config,
        source,
        form,
    };
    let vocabulary = config.vocabulary;
    let mut spec = ModelSpec {
        vocabulary,
        source_vocabulary: vocabulary,
        max_positions: config.max_positions,
        end: ids.end,
        start: Vec::new(),
        output: None,
    };
    spec.restrict_output(ids.allowed);
    let allowed = spec.output.as_deref();
    let embedding = "model.embed_tokens.weight";
    let vectors = |name: &str, rows| loader.load_matrix(name, [vocabulary, config.hidden_size], rows);
    // As in transformers 5, an output projection of its own counts, whatever config.json says.
    let projection = "lm_head.weight";
    let tied = config.tied && !source.has_different_tensor(projection, embedding)?;
    let output = vectors(if tied { embedding } else { projection }, allowed)?;
    Ok(DecoderModel {
        embedding: match source.open_stored_rows(embedding, vocabulary, config.hidden_size)? {
            Some(stored) => EmbeddingMatrix::Stored(stored),
            None if tied && allowed.is_none() => EmbeddingMatrix::Loaded(output.clone()),
            None => EmbeddingMatrix::Loaded(vectors(embedding, None)?),
        },
        output,
        output_norm: loader.load_norm("model.norm", config.hidden_size)?,
        layers: (0..config.windows.len())
            .map(|index| loader.load_layer(index))
            .collect::<Result<_>>()?,
        spec,
        config,
    })
}

impl<F: WeightForm> ModelLoader<'_, F> {
    /// Loads the matrix `name` of shape `[rows, columns]`, or only its rows `kept`.
    fn load_matrix(&self, name: &str, [rows, columns]: [usize; 2], kept: Option<&[u32]>) -> Result<F::Matrix> {
        let wanted = MatrixRequest {
            names: &[name.to_owned()],
            rows,
            columns,
            kept,
        };
        self.form.load_matrix(self.source, wanted)
    }

    fn load_norm(&self, name: &str, len: usize) -> Result<Norm<F::Vector>> {
        let mut weight = self.source.read_floats(&format!("{name}.weight"), &[len])?;
        if self.config.norms_from_one {
            weight.iter_mut().for_each(|x| *x += 1.0);
        }
        Ok(Norm {
            weight: self.form.make_vector(weight, &[len])?,
            bias: None,
            epsilon: self.config.epsilon,
        })
    }

    fn load_linear(&self, name: &str, shape: [usize; 2], has_bias: bool) -> Result<Linear<F::Matrix, F::Vector>> {
        let bias = format!("{name}.bias");
        Ok(Linear {
            weight: self.load_matrix(&format!("{name}.weight"), shape, None)?,
            bias: if has_bias || (self.config.optional_biases && self.source.has_tensor(&bias)) {
                let values = self.source.read_floats(&bias, &shape[..1])?;
                Some(self.form.make_vector(values, &shape[..1])?)
            } else {
                None
            },
        })
    }

    fn load_layer(&self, index: usize) -> Result<TransformerLayer<F::Matrix, F::Vector>> {
        let config = self.config;
        let hidden = config.hidden_size;
        let (query_size, key_size) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let named = |part: &str| format!("model.layers.{index}.{part}");
        let norm = |part: &str| self.load_norm(&named(part), hidden);
        let attention =
            |part: &str, rows, columns| self.load_linear(&named(part), [rows, columns], config.attention_bias);
        let feed_forward =
            |part: &str, rows, columns| self.load_linear(&named(part), [rows, columns], config.feed_forward_bias);
        let head_norm = |before_rope: &str, after_rope: &str| -> Result<Option<Norm<F::Vector>>> {
            let part = match config.head_norm {
                QkNormPlacement::None => return Ok(None),
                QkNormPlacement::BeforeRope => before_rope,
                QkNormPlacement::AfterRope => after_rope,
            };
            self.load_norm(&named(part), config.head_dim).map(Some)
        };
        // Without norms after the layers, `post_attention_layernorm` is the norm before the feed-forward layer.
        let (post_attention_norm, feed_forward_norm, post_feed_forward_norm) = if config.post_norms {
            (
                Some(norm("post_attention_layernorm")?),
                norm("pre_feedforward_layernorm")?,
                Some(norm("post_feedforward_layernorm")?),
            )
        } else {
            (None, norm("post_attention_layernorm")?, None)
        };
        Ok(TransformerLayer {
            attention_norm: norm("input_layernorm")?,
            query: attention("self_attn.q_proj", query_size, hidden)?,
            key: attention("self_attn.k_proj", key_size, hidden)?,
            value: attention("self_attn.v_proj", key_size, hidden)?,
            query_norm: head_norm("self_attn.q_norm", "self_attn.query_layernorm")?,
            key_norm: head_norm("self_attn.k_norm", "self_attn.key_layernorm")?,
            output: attention("self_attn.o_proj", hidden, query_size)?,
            post_attention_norm,
            feed_forward_norm,
            gate: feed_forward("mlp.gate_proj", config.feed_forward, hidden)?,
            up: feed_forward("mlp.up_proj", config.feed_forward, hidden)?,
            down: feed_forward("mlp.down_proj", hidden, config.feed_forward)?,
            post_feed_forward_norm,
        })
    }
}
