//! Models: loads weights and computes logits on a device. Encoder-decoders are in `seq2seq`, decoder-only models in
//! `decoder`. Both load from any file format in `weights`, and compute with the CPU kernels in `cpu` or with candle's
//! tensors.

pub mod architecture;
pub(crate) mod cpu;
pub mod decoder;
pub mod device;
mod linear;
pub mod seq2seq;
pub mod weights;

pub use architecture::Architecture;
pub use cpu::matrix::ActivationPrecision;
pub use device::DeviceChoice;
pub use seq2seq::ComputeBackend;

use crate::error::{Error, ErrorKind, Result};
use candle_core::{Storage, Tensor};
use std::any::Any;

/// The facts about a model that greedy and beam search need.
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// Number of tokens in the output vocabulary. The logits have a column for each, unless the output is restricted.
    pub vocabulary: usize,
    /// Number of tokens in the source vocabulary, which is the number of rows of the source embedding.
    pub source_vocabulary: usize,
    /// The most tokens that a source may have, and that an output may have; for a decoder-only model, the most of
    /// prompt and output together.
    pub max_positions: usize,
    /// Token ids that end an output.
    pub end: Vec<u32>,
    /// Token ids that the decoder reads before it computes the first logits: its start token and, if every output is
    /// forced to begin with another token, that one. Empty for a decoder-only model.
    pub start: Vec<u32>,
    /// Token id of each column of the logits, ascending, if the output is restricted to some ids; none if column `i`
    /// is token id `i`.
    pub output: Option<Vec<u32>>,
}

impl ModelSpec {
    /// Whether source and output are one token sequence, as with Gemma and Llama. An encoder-decoder keeps them apart
    /// and has start tokens.
    pub fn is_decoder_only(&self) -> bool {
        self.start.is_empty()
    }

    /// Restricts the output to the ids `allowed` and the end ids: sets [`ModelSpec::output`] to those inside the
    /// vocabulary, ascending and without duplicates. None allows the whole vocabulary.
    pub(crate) fn restrict_output(&mut self, allowed: Option<Vec<u32>>) {
        self.output = allowed.map(|mut ids| {
            ids.extend(&self.end);
            ids.retain(|id| (*id as usize) < self.vocabulary);
            ids.sort_unstable();
            ids.dedup();
            ids
        });
    }
}

/// The token ids that begin an output, end it, and may occur in it.
#[derive(Clone, Debug, Default)]
pub struct OutputTokenIds {
    /// Token ids that every output begins with: the decoder's start token and, if every output is forced to begin
    /// with another token, that one. Empty for a decoder-only model.
    pub start: Vec<u32>,
    /// Token ids that end an output.
    pub end: Vec<u32>,
    /// Token ids that an output may hold besides the end ids; logits are computed for these only. None for the whole
    /// vocabulary.
    pub allowed: Option<Vec<u32>>,
}

/// A loaded translation model. Its weights never change; everything that changes during decoding is in the [`DecodingState`].
pub trait TranslationModel: Send + Sync {
    /// Gives the facts about the model that greedy and beam search need.
    fn spec(&self) -> &ModelSpec;

    /// Reads the token ids of each source, one row of the batch each, and gives the decoding state and the logits
    /// `(rows, vocabulary)` of each row's first output token.
    ///
    /// With a decoder-only model, sources that begin with the same tokens may share them as a prefix: `prefixes[row]`
    /// is the one-row state after the prefix, and `sources[row]` holds only the tokens after it. The prefix is
    /// neither computed nor stored again. `prefixes` is empty if no source has a prefix.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` for a source that has no tokens, has a token outside the vocabulary, or is
    /// too long; of kind `Memory` if the device has no memory left.
    fn begin_decoding(
        &self,
        prefixes: &[Option<&DecodingState>],
        sources: &[&[u32]],
    ) -> Result<(DecodingState, Tensor)>;

    /// Reads one more token for each row, `last[row]`, and gives the logits `(rows, vocabulary)` of the token after
    /// it.
    ///
    /// # Errors
    /// The errors of [`TranslationModel::begin_decoding`]; also of kind `Model` if `state` belongs to another model or has
    /// another number of rows than `last`.
    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor>;
}

/// The decoding state of a batch, such as its KV cache, in a form that only the model that made it can read.
pub struct DecodingState(pub(crate) Box<dyn BatchRows>);

/// The decoding state of a batch as one kind of model stores it: one row for each sentence or beam.
pub(crate) trait BatchRows: Any + Send + Sync {
    /// Makes row `i` a copy of the former row `rows[i]`: reorders, repeats and drops rows at once.
    fn select_rows(&mut self, rows: &[usize]);

    fn as_any(&self) -> &dyn Any;

    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl DecodingState {
    /// Makes row `i` of the batch a copy of the former row `rows[i]`. Search calls it after a beam step, and to drop
    /// finished rows.
    pub fn select_rows(&mut self, rows: &[usize]) {
        self.0.select_rows(rows);
    }
}

/// Makes the error for a failure inside candle: of kind `Memory` if a device has no memory left, otherwise of kind
/// `Model`.
pub(crate) fn candle_error(error: candle_core::Error) -> Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    if OUT_OF_MEMORY_MESSAGES.iter().any(|words| line.contains(words)) {
        Error::new(ErrorKind::Memory, "the device's memory is full")
    } else {
        Error::model(format!("computation failed: {line}"))
    }
    .source(error)
}

/// Parts of the error messages by which CUDA's driver, cuBLAS and Metal report that a device's memory is full; candle
/// passes the messages on.
const OUT_OF_MEMORY_MESSAGES: [&str; 4] = [
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Failed to create metal resource",
    "kIOGPUCommandBufferCallbackErrorOutOfMemory",
];

/// Calls `f` with the values of a contiguous float32 tensor on the CPU.
pub(crate) fn with_tensor_values<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("tensor is not contiguous")
    };
    match &*storage {
        Storage::Cpu(storage) => Ok(f(&storage.as_slice::<f32>()?[start..end])),
        _ => candle_core::bail!("tensor is not on the CPU"),
    }
}
