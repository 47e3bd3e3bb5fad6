//! The forward pass of encoder-decoders on candle's tensors: on a GPU, or with 16-bit weights.
//!
//! The sentences of a batch are padded to the longest, and masks hide the padding from attention. Norms, softmax and
//! the sums between layers are in float32, whatever the type of the matrices.

mod attention;
mod state;

use super::check_sources_nonempty;
use super::config::{PositionScheme, Seq2SeqConfig};
use crate::error::{Error, Result};
use crate::model::cpu::ops::{ActivationFunction, Norm};
use crate::model::linear::compute_dtype;
use crate::model::{DecodingState, ModelSpec, TranslationModel, candle_error};
use attention::{append_to_cache, padding_mask, select_part, softmax_attention, split_heads};
use candle_core::{DType, Device, Result as Outcome, Tensor};
use state::DecoderState;
use std::iter::repeat;
use std::ops::Range;

type FeedForward = super::FeedForward<Tensor, Tensor>;
type LayerStack = super::LayerStack<Tensor, Tensor>;
type Seq2SeqModel = super::Seq2SeqModel<Tensor, Tensor>;
type PositionEmbeddings = super::PositionEmbeddings<Tensor>;

impl FeedForward {
    fn forward(&self, x: &Tensor, activation: ActivationFunction) -> Outcome<Tensor> {
        let up = self.up.forward(x)?;
        let mut up = match activation {
            ActivationFunction::Relu => up.relu()?,
            ActivationFunction::Silu => up.silu()?,
            ActivationFunction::Gelu => up.gelu_erf()?,
            ActivationFunction::GeluTanh => up.gelu()?,
        };
        if let Some(gate) = &self.gate {
            up = (up * gate.forward(x)?)?;
        }
        self.down.forward(&up)
    }
}

/// Computes a residual connection, `x + f(x)`. The norm is applied to the input of `f` if `first`, otherwise to the
/// sum.
fn add_residual(
    x: &Tensor,
    norm: &Norm<Tensor>,
    first: bool,
    f: impl FnOnce(&Tensor) -> Outcome<Tensor>,
) -> Outcome<Tensor> {
    if first {
        x + f(&norm.forward(x)?)?
    } else {
        norm.forward(&(x + f(x)?)?)
    }
}

impl LayerStack {
    /// Finds the position embeddings of the tokens `ids`, which stand at `positions`, in a table on the model's
    /// device.
    fn position_embeddings_on_device(&self, ids: &[u32], positions: &[usize]) -> Result<PositionEmbeddings> {
        let device = self.embedding.device();
        let upload_rows = |rows, shape: [usize; 2]| {
            let table = Tensor::from_vec(rows, &shape[..], &Device::Cpu);
            table.and_then(|table| table.to_device(device)).map_err(candle_error)
        };
        self.find_position_embeddings(ids, positions, self.embedding.dims()[0], &upload_rows)
    }

    /// Looks up the embeddings of tokens, or zeros if `from_zero`, and adds those of their positions; gives `(tokens,
    /// hidden_size)`.
    fn embed_tokens(
        &self,
        ids: &[u32],
        position_embeddings: &PositionEmbeddings,
        config: &Seq2SeqConfig,
        from_zero: bool,
    ) -> Outcome<Tensor> {
        let device = self.embedding.device();
        let embedded = self.embedding.index_select(&Tensor::new(ids, device)?, 0)?;
        let mut hidden = embedded.to_dtype(DType::F32)?;
        if from_zero {
            hidden = hidden.zeros_like()?;
        } else if config.embedding_scale != 1.0 {
            hidden = (hidden * f64::from(config.embedding_scale))?;
        }
        if let Some((table, numbers)) = position_embeddings {
            hidden = (hidden + table.index_select(&Tensor::new(&numbers[..], device)?, 0)?)?;
        }
        match &self.embedding_norm {
            Some(norm) => norm.forward(&hidden),
            None => Ok(hidden),
        }
    }

    /// Computes the bias on attention scores by the distance of query and key, `(1, heads, queries, keys)`; none if
    /// the model has no such bias. `both_ways` tells keys before and after the query apart.
    fn compute_relative_bias(
        &self,
        both_ways: bool,
        queries: Range<usize>,
        keys: usize,
        config: &Seq2SeqConfig,
    ) -> Outcome<Option<Tensor>> {
        let (PositionScheme::Relative { buckets, most }, Some(bias)) = (config.positions, &self.relative_bias) else {
            return Ok(None);
        };
        let count = queries.len();
        let pairs = queries.flat_map(|query| (0..keys).map(move |key| key as isize - query as isize));
        let found: Vec<u32> = pairs
            .map(|distance| PositionScheme::distance_bucket(distance, both_ways, buckets, most) as u32)
            .collect();
        let bias = bias.index_select(&Tensor::new(found, bias.device())?, 0)?;
        let bias = bias.reshape((1, count, keys, self.heads.count))?;
        bias.permute((0, 3, 1, 2))?.contiguous().map(Some)
    }

    /// Normalises the last layer's output, if the model has a final norm.
    fn apply_final_norm(&self, hidden: Tensor) -> Outcome<Tensor> {
        match &self.final_norm {
            Some(norm) => norm.forward(&hidden),
            None => Ok(hidden),
        }
    }
}

impl Seq2SeqModel {
    fn device(&self) -> &Device {
        self.output.weight.device()
    }

    /// Runs the encoder over padded sentences, and makes the decoder's state with their keys and values.
    fn run_encoder(
        &self,
        lengths: &[usize],
        ids: &[u32],
        position_embeddings: &PositionEmbeddings,
    ) -> Outcome<DecoderState> {
        let (stack, config) = (&self.encoder, &self.config);
        let shape = (lengths.len(), ids.len() / lengths.len());
        let mask = padding_mask(lengths, shape.1, self.device())?;
        let added = match (stack.compute_relative_bias(true, 0..shape.1, shape.1, config)?, &mask) {
            (Some(bias), Some(mask)) => Some(bias.broadcast_add(mask)?),
            (Some(bias), None) => Some(bias),
            (None, mask) => mask.clone(),
        };
        let mut hidden = stack.embed_tokens(ids, position_embeddings, config, false)?;
        for layer in &stack.layers {
            let attention = &layer.attention;
            let dtype = compute_dtype(&attention.project.weight);
            hidden = add_residual(&hidden, &attention.norm, config.norm_first, |x| {
                let parts = split_heads(&attention.project.forward(x)?, shape, 3, stack.heads, dtype)?;
                let (queries, memory) = (select_part(&parts, 0)?, parts.narrow(0, 1, 2)?);
                attention.output.forward(&softmax_attention(
                    &queries,
                    &memory,
                    stack.heads.scale,
                    added.as_ref(),
                )?)
            })?;
            let FeedForward { norm, .. } = &layer.feed_forward;
            hidden = add_residual(&hidden, norm, config.norm_first, |x| {
                layer.feed_forward.forward(x, config.activation)
            })?;
        }
        let encoded = stack.apply_final_norm(hidden)?;
        let layers = self.decoder.layers.iter();
        let cross = layers.filter_map(|layer| layer.cross.as_ref()).map(|cross| {
            let memory = cross.key_value.forward(&encoded)?;
            split_heads(
                &memory,
                shape,
                2,
                self.decoder.heads,
                compute_dtype(&cross.key_value.weight),
            )
        });
        let cross = cross.collect::<Outcome<_>>()?;
        let layers = self.decoder.layers.len();
        Ok(DecoderState::new(cross, mask, lengths.len(), layers))
    }

    /// Runs the decoder over one more token for each row; gives its output, `(rows, hidden_size)`.
    fn run_decoder(
        &self,
        last: &[u32],
        position_embeddings: &PositionEmbeddings,
        state: &mut DecoderState,
    ) -> Outcome<Tensor> {
        let (stack, config) = (&self.decoder, &self.config);
        let (position, heads) = (state.position, stack.heads);
        let bias = stack.compute_relative_bias(false, position..position + 1, position + 1, config)?;
        let from_zero = config.starts_from_zero && position == 0;
        let mut hidden = stack.embed_tokens(last, position_embeddings, config, from_zero)?;
        for (index, layer) in stack.layers.iter().enumerate() {
            let attention = &layer.attention;
            let dtype = compute_dtype(&attention.project.weight);
            hidden = add_residual(&hidden, &attention.norm, config.norm_first, |x| {
                let parts = split_heads(&attention.project.forward(x)?, (last.len(), 1), 3, heads, dtype)?;
                let memory = append_to_cache(&mut state.own[index], &parts.narrow(0, 1, 2)?, position)?;
                let attended = softmax_attention(&select_part(&parts, 0)?, &memory, heads.scale, bias.as_ref())?;
                attention.output.forward(&attended)
            })?;
            if let Some(cross) = &layer.cross {
                let (fold, memory) = (&state.fold, &state.cross[index]);
                let shape = (memory.dim(1)?, fold.width);
                hidden = add_residual(&hidden, &cross.norm, config.norm_first, |x| {
                    let queries = fold.group_by_sentence(cross.query.forward(x)?)?;
                    let queries = select_part(&split_heads(&queries, shape, 1, heads, memory.dtype())?, 0)?;
                    let attended = softmax_attention(&queries, memory, heads.scale, state.mask.as_ref())?;
                    cross.output.forward(&fold.restore_row_order(attended)?)
                })?;
            }
            let FeedForward { norm, .. } = &layer.feed_forward;
            hidden = add_residual(&hidden, norm, config.norm_first, |x| {
                layer.feed_forward.forward(x, config.activation)
            })?;
        }
        state.position += 1;
        stack.apply_final_norm(hidden)
    }

    /// Checks the ids of one more token for each row, and runs the decoder over them; gives its output, `(rows,
    /// hidden_size)`.
    fn run_decoder_on_last_tokens(&self, last: &[u32], state: &mut DecoderState) -> Result<Tensor> {
        let position_embeddings = self
            .decoder
            .position_embeddings_on_device(last, &vec![state.position; last.len()])?;
        self.run_decoder(last, &position_embeddings, state)
            .map_err(candle_error)
    }

    /// Computes the logits from the decoder's output and copies them to the CPU, where search reads them.
    fn compute_logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let logits = || {
            let hidden = if self.config.output_scale == 1.0 {
                hidden.clone()
            } else {
                (hidden * f64::from(self.config.output_scale))?
            };
            self.output.forward(&hidden)?.to_device(&Device::Cpu)
        };
        logits().map_err(candle_error)
    }
}

impl TranslationModel for Seq2SeqModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn begin_decoding(
        &self,
        _prefixes: &[Option<&DecodingState>],
        sources: &[&[u32]],
    ) -> Result<(DecodingState, Tensor)> {
        check_sources_nonempty(sources)?;
        let lengths: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let tokens = lengths.iter().copied().max().unwrap_or(0);
        // Any token can be the padding: the mask hides it.
        let ids: Vec<u32> = sources
            .iter()
            .flat_map(|source| source.iter().copied().chain(repeat(0)).take(tokens))
            .collect();
        let positions: Vec<usize> = ids
            .chunks_exact(tokens.max(1))
            .flat_map(|row| self.config.source_positions(row))
            .collect();
        let position_embeddings = self.encoder.position_embeddings_on_device(&ids, &positions)?;
        let mut state = self
            .run_encoder(&lengths, &ids, &position_embeddings)
            .map_err(candle_error)?;
        let [first @ .., last] = &self.spec.start[..] else {
            return Err(Error::model("no token starts an output"));
        };
        for id in first {
            self.run_decoder_on_last_tokens(&vec![*id; sources.len()], &mut state)?;
        }
        let hidden = self.run_decoder_on_last_tokens(&vec![*last; sources.len()], &mut state)?;
        let logits = self.compute_logits(&hidden)?;
        Ok((DecodingState(Box::new(state)), logits))
    }

    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor> {
        let state = DecoderState::downcast_state_mut(state)?;
        state.apply_row_selection(self.device()).map_err(candle_error)?;
        if last.len() != state.owners.len() {
            let message = format!("{} tokens for {} rows", last.len(), state.owners.len());
            return Err(Error::model(message));
        }
        let hidden = self.run_decoder_on_last_tokens(last, state)?;
        self.compute_logits(&hidden)
    }
}
