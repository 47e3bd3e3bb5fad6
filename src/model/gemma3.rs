//! Gemma 3, text only, from a GGUF file (reference: llama.cpp `gemma3`, transformers `modeling_gemma3.py`).
//!
//! Own module, because candle-transformers' `quantized_gemma3` has the wrong activation, ignores RoPE scaling, has no
//! batches and dequantizes the embedding.

use super::cache::{Cache, Heads};
use super::gguf::Gguf;
use super::kernel::{Target, gelu_times, parallel};
use super::packed::{Activations, Packed};
use super::{Spec, State, TranslationModel, candle_error, with_slice};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use candle_nn::ops::rms_norm;
use candle_nn::rotary_emb::rope_thd;

/// Layers between one that sees everything and the next: every sixth is global.
const PATTERN: usize = 6;
/// RoPE base of the layers with a window; the files carry that of the global ones only.
const LOCAL_BASE: f64 = 10_000.0;

struct Layer {
    attention_norm: Tensor,
    query: Packed,
    key: Packed,
    value: Packed,
    query_norm: Tensor,
    key_norm: Tensor,
    output: Packed,
    post_attention_norm: Tensor,
    feed_forward_norm: Tensor,
    gate: Packed,
    up: Packed,
    down: Packed,
    post_feed_forward_norm: Tensor,
    heads: Heads,
}

/// Rotary frequencies, one for each pair of dimensions.
struct Frequencies(Vec<f32>);

/// A loaded Gemma 3.
pub struct Gemma3 {
    spec: Spec,
    /// `(vocabulary, width)`; also the output projection where there is no other.
    embedding: Packed,
    /// The file's own, or the rows that are left of it.
    output: Option<Packed>,
    output_norm: Tensor,
    layers: Vec<Layer>,
    local: Frequencies,
    global: Frequencies,
    width: usize,
    epsilon: f32,
}

impl Frequencies {
    /// `base^(-2i/dim) / factor` for each pair `i`.
    fn new(dim: usize, base: f64, factor: f64) -> Self {
        let pair = |i: usize| (base.powf(-((2 * i) as f64) / dim as f64) / factor) as f32;
        Self((0..dim / 2).map(pair).collect())
    }

    /// Cosines and sines at these positions, both `(positions, dim / 2)`.
    fn at(&self, positions: &[usize]) -> candle_core::Result<(Tensor, Tensor)> {
        let angles = positions
            .iter()
            .flat_map(|position| self.0.iter().map(|f| *position as f32 * f));
        let (cosines, sines): (Vec<f32>, Vec<f32>) = angles.map(|angle| (angle.cos(), angle.sin())).unzip();
        let shape = (positions.len(), self.0.len());
        Ok((
            Tensor::from_vec(cosines, shape, &Device::Cpu)?,
            Tensor::from_vec(sines, shape, &Device::Cpu)?,
        ))
    }
}

impl Gemma3 {
    /// Loads the model from an open file. Its quantized weights are used as they are, repacked.
    ///
    /// # Errors
    /// Of kind `Model`, with the file and the metadata key or tensor that is missing or does not fit.
    pub fn from_gguf(gguf: &Gguf, activations: Activations) -> Result<Self> {
        let fail = |place: &str, message: &str| Error::model(message).path(gguf.path()).place(place.to_owned());
        let key = |name: &str| format!("gemma3.{name}");
        let width = gguf.size(&key("embedding_length"))?;
        let count = gguf.size(&key("block_count"))?;
        let feed_forward = gguf.size(&key("feed_forward_length"))?;
        let queries = gguf.size(&key("attention.head_count"))?;
        let groups = gguf.size(&key("attention.head_count_kv"))?;
        let dim = gguf.size(&key("attention.key_length"))?;
        if gguf.size(&key("attention.value_length"))? != dim || queries % groups != 0 || dim % 2 != 0 {
            return Err(fail(&key("attention"), "head sizes do not fit together"));
        }
        let epsilon = gguf.float(&key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-6) as f32;
        let window = gguf.size(&key("attention.sliding_window"))?;
        let base = gguf.float(&key("rope.freq_base")).unwrap_or(1_000_000.0);
        let factor = match gguf.string(&key("rope.scaling.type")) {
            None | Some("none") => 1.0,
            Some("linear") => gguf
                .float(&key("rope.scaling.factor"))
                .filter(|f| *f > 0.0)
                .unwrap_or(1.0),
            Some(other) => {
                return Err(fail(
                    &key("rope.scaling.type"),
                    &format!("`{other}` is not known for Gemma 3"),
                ));
            }
        };
        // The 27B model (62 layers) scales by the width's share of a head instead of the head's own size.
        let per_head = if count == 62 {
            width as f32 / queries as f32
        } else {
            dim as f32
        };

        let vector = |name: &str, len: usize| -> Result<Tensor> {
            Tensor::from_vec(gguf.vector(name, len)?, len, &Device::Cpu).map_err(candle_error)
        };
        let matrix = |name: &str, rows: usize, columns: usize| -> Result<Packed> {
            let tensor = gguf.tensor_of(name, rows, columns)?;
            let packed = Packed::new(tensor, activations).map_err(|e| {
                let message = e.to_string();
                fail(&format!("tensor {name}"), message.lines().next().unwrap_or_default())
            })?;
            gguf.release(tensor);
            Ok(packed)
        };
        let vocabulary = gguf.tensor("token_embd.weight")?.rows;
        // First, because it is by far the largest: its bytes in the file are let go before the others come in.
        let embedding = matrix("token_embd.weight", vocabulary, width)?;
        let layers = (0..count)
            .map(|i| {
                let name = |part: &str| format!("blk.{i}.{part}.weight");
                Ok(Layer {
                    attention_norm: vector(&name("attn_norm"), width)?,
                    query: matrix(&name("attn_q"), queries * dim, width)?,
                    key: matrix(&name("attn_k"), groups * dim, width)?,
                    value: matrix(&name("attn_v"), groups * dim, width)?,
                    query_norm: vector(&name("attn_q_norm"), dim)?,
                    key_norm: vector(&name("attn_k_norm"), dim)?,
                    output: matrix(&name("attn_output"), width, queries * dim)?,
                    post_attention_norm: vector(&name("post_attention_norm"), width)?,
                    feed_forward_norm: vector(&name("ffn_norm"), width)?,
                    gate: matrix(&name("ffn_gate"), feed_forward, width)?,
                    up: matrix(&name("ffn_up"), feed_forward, width)?,
                    down: matrix(&name("ffn_down"), width, feed_forward)?,
                    post_feed_forward_norm: vector(&name("post_ffw_norm"), width)?,
                    heads: Heads {
                        dim,
                        queries,
                        groups,
                        scale: per_head.sqrt().recip(),
                        window: (i % PATTERN != PATTERN - 1).then_some(window),
                    },
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let end = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"];
        Ok(Self {
            spec: Spec {
                vocabulary,
                source_vocabulary: vocabulary,
                max_positions: gguf.size(&key("context_length"))?,
                end: end
                    .iter()
                    .filter_map(|key| gguf.integer(key))
                    .map(|id| id as u32)
                    .collect(),
                start: Vec::new(),
                output: None,
            },
            embedding,
            output: if gguf.has_tensor("output.weight") {
                Some(matrix("output.weight", vocabulary, width)?)
            } else {
                None
            },
            output_norm: vector("output_norm.weight", width)?,
            layers,
            local: Frequencies::new(dim, LOCAL_BASE, 1.0),
            global: Frequencies::new(dim, base, factor),
            width,
            epsilon,
        })
    }

    /// Runs `counts[row]` new tokens of each row, row after row; logits of each row's last.
    fn forward(&self, ids: &[u32], counts: &[usize], cache: &mut Cache) -> candle_core::Result<Tensor> {
        let mut positions = Vec::with_capacity(ids.len());
        for (row, count) in counts.iter().enumerate() {
            positions.extend((0..*count).map(|i| cache.position(row) + i));
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.embedding.rows) {
            candle_core::bail!("id {id} is outside the vocabulary of {}", self.embedding.rows);
        }
        if positions.iter().any(|position| *position >= self.spec.max_positions) {
            candle_core::bail!("more than the model's {} positions", self.spec.max_positions);
        }
        let (local, global) = (self.local.at(&positions)?, self.global.at(&positions)?);
        let tokens = ids.len();
        let scale = (self.width as f32).sqrt();
        let mut embedded = Vec::with_capacity(tokens * self.width);
        for id in ids {
            self.embedding.row(*id as usize, scale, &mut embedded);
        }
        let mut hidden = Tensor::from_vec(embedded, (tokens, self.width), &Device::Cpu)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let heads = &layer.heads;
            let (cosines, sines) = if heads.window.is_some() { &local } else { &global };
            let rotate = |x: Tensor, count: usize, norm: &Tensor| -> candle_core::Result<Tensor> {
                let x = rms_norm(&x.reshape((tokens * count, heads.dim))?, norm, self.epsilon)?;
                rope_thd(&x.reshape((1, tokens, count, heads.dim))?, cosines, sines)
            };
            let x = rms_norm(&hidden, &layer.attention_norm, self.epsilon)?;
            let query = rotate(x.apply_op1_no_bwd(&layer.query)?, heads.queries, &layer.query_norm)?;
            let key = rotate(x.apply_op1_no_bwd(&layer.key)?, heads.groups, &layer.key_norm)?;
            let value = x.apply_op1_no_bwd(&layer.value)?;
            let x = cache.attend(index, heads, counts, &query, &key, &value)?;
            let x = rms_norm(
                &x.apply_op1_no_bwd(&layer.output)?,
                &layer.post_attention_norm,
                self.epsilon,
            )?;
            hidden = (hidden + x)?;

            let x = rms_norm(&hidden, &layer.feed_forward_norm, self.epsilon)?;
            let (gate, up) = (x.apply_op1_no_bwd(&layer.gate)?, x.apply_op1_no_bwd(&layer.up)?);
            let x = gated(&gate, &up)?.apply_op1_no_bwd(&layer.down)?;
            let x = rms_norm(&x, &layer.post_feed_forward_norm, self.epsilon)?;
            hidden = (hidden + x)?;
        }
        cache.advance(counts);
        let mut ends: Vec<u32> = Vec::with_capacity(counts.len());
        for count in counts {
            ends.push(ends.last().map_or(0, |end| end + 1) + *count as u32 - 1);
        }
        let ends = Tensor::from_vec(ends, counts.len(), &Device::Cpu)?;
        let last = rms_norm(&hidden.index_select(&ends, 0)?, &self.output_norm, self.epsilon)?;
        last.apply_op1_no_bwd(self.output.as_ref().unwrap_or(&self.embedding))
    }
}

/// `gelu(gate) * up`.
fn gated(gate: &Tensor, up: &Tensor) -> candle_core::Result<Tensor> {
    let mut out = with_slice(gate, <[f32]>::to_vec)?;
    if gate.shape() != up.shape() {
        candle_core::bail!("shapes {:?} and {:?}", gate.shape(), up.shape());
    }
    with_slice(up, |up| {
        let target = Target::new(out.as_mut_ptr());
        parallel(up.len(), up.len() * 4, |range| {
            // SAFETY: ranges are disjoint, and `out` is as long as `up`, which has its shape.
            gelu_times(unsafe { target.part(range.start, range.len()) }, &up[range]);
        });
    })?;
    Tensor::from_vec(out, gate.shape(), &Device::Cpu)
}

impl TranslationModel for Gemma3 {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn begin(&self, shared: Option<&State>, sources: &[&[u32]]) -> Result<(State, Tensor)> {
        if sources.iter().any(|source| source.is_empty()) {
            return Err(Error::model("a source has no tokens"));
        }
        let mut cache = Cache::new(self.layers.len(), sources.len(), shared)?;
        let counts: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let logits = self
            .forward(&sources.concat(), &counts, &mut cache)
            .map_err(candle_error)?;
        Ok((cache.into_state(), logits))
    }

    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor> {
        let cache = Cache::of_mut(state)?;
        if last.len() != cache.rows() {
            return Err(Error::model(format!("{} tokens for {} rows", last.len(), cache.rows())));
        }
        self.forward(last, &vec![1; last.len()], cache).map_err(candle_error)
    }
    fn restrict(&mut self, ids: Vec<u32>) -> Result<()> {
        let ids = self.spec.restrict(ids)?;
        self.output = Some(self.output.as_ref().unwrap_or(&self.embedding).select(&ids));
        Ok(())
    }
}
