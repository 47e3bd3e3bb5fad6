//! Models: from weights to logits, on a device. Encoder-decoders are in `seq2seq`, decoder-only models in `decoder`; both load
//! from any `weights` and compute with the CPU's kernels in `cpu` or candle's tensors.

pub mod architecture;
pub(crate) mod cpu;
pub mod decoder;
pub mod device;
mod linear;
pub mod seq2seq;
pub mod weights;

pub use architecture::Architecture;
pub use cpu::matrix::Activations;
pub use device::DeviceChoice;
pub use seq2seq::Computation;

use crate::error::{Error, Kind, Result};
use candle_core::{Storage, Tensor};
use std::any::Any;

/// The facts of a model that search needs.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Tokens of the output vocabulary: the columns of the logits, unless the output is restricted.
    pub vocabulary: usize,
    /// Tokens of the source vocabulary: those that have an embedding.
    pub source_vocabulary: usize,
    /// Most tokens of a source and of an output; for a decoder-only model, of both together.
    pub max_positions: usize,
    /// Ids that end an output.
    pub end: Vec<u32>,
    /// Ids that every output begins with, which the decoder reads before the first logits: its start token, and one that the
    /// output is made to begin with, if any. Empty for a decoder-only model.
    pub start: Vec<u32>,
    /// Ids of the logits' columns, ascending, where the output is restricted; none where each column is its own id.
    pub output: Option<Vec<u32>>,
}

impl Spec {
    /// Whether source and output are one sequence, as with Gemma and Llama; an encoder-decoder has a start token instead.
    pub fn is_decoder_only(&self) -> bool {
        self.start.is_empty()
    }

    /// Restricts the output to `allowed` and the end ids, as far as the vocabulary has them: [`Spec::output`] gets them
    /// ascending, each once. None allows all.
    pub(crate) fn restrict(&mut self, allowed: Option<Vec<u32>>) {
        self.output = allowed.map(|mut ids| {
            ids.extend(&self.end);
            ids.retain(|id| (*id as usize) < self.vocabulary);
            ids.sort_unstable();
            ids.dedup();
            ids
        });
    }
}

/// The ids that an output is made of.
#[derive(Clone, Debug, Default)]
pub struct OutputIds {
    /// Ids that every output begins with: the start token, and one that the output is made to begin with, if any. Empty for
    /// a decoder-only model.
    pub start: Vec<u32>,
    /// Ids that end an output.
    pub end: Vec<u32>,
    /// Ids that an output may hold besides the end ids; no other logits are computed. None for all of the vocabulary.
    pub allowed: Option<Vec<u32>>,
}

/// A loaded model. Its weights never change; all that changes while decoding is in the [`State`].
pub trait TranslationModel: Send + Sync {
    /// The facts that search needs.
    fn spec(&self) -> &Spec;

    /// Reads the sources, one row each, and gives the logits `(rows, vocabulary)` of each row's first output token.
    ///
    /// A source of a decoder-only model may continue a prefix, which it then leaves out: the one-row state after the prefix is
    /// given in `prefixes`, where several sources can share it. It is neither computed nor stored again. `prefixes` is empty where
    /// no source has one.
    ///
    /// # Errors
    /// Of kind `Model` for a source without tokens, with a token outside the vocabulary, or too long; of kind `Memory` where the
    /// device has no room.
    fn begin(&self, prefixes: &[Option<&State>], sources: &[&[u32]]) -> Result<(State, Tensor)>;

    /// Reads one token for each row and gives the logits `(rows, vocabulary)` of the next.
    ///
    /// # Errors
    /// Those of [`TranslationModel::begin`], and of kind `Model` for a state of another model or another number of rows.
    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor>;
}

/// The state of a batch that is being decoded, in a form that only its model knows.
pub struct State(pub(crate) Box<dyn Rows>);

/// The rows of a batch as one kind of model keeps them.
pub(crate) trait Rows: Any + Send + Sync {
    /// Makes row `i` a copy of the former row `rows[i]`: reorders, repeats and drops rows at once.
    fn select(&mut self, rows: &[usize]);

    fn as_any(&self) -> &dyn Any;

    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl State {
    /// Makes row `i` a copy of the former row `rows[i]`, after a beam step or when rows finish.
    pub fn select(&mut self, rows: &[usize]) {
        self.0.select(rows);
    }
}

/// The error for a failure inside candle: of kind `Memory` where a device has no room left, else of kind `Model`.
pub(crate) fn candle_error(error: candle_core::Error) -> Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    if OUT_OF_MEMORY.iter().any(|words| line.contains(words)) {
        Error::new(Kind::Memory, "the device's memory is full")
    } else {
        Error::model(format!("computation failed: {line}"))
    }
    .source(error)
}

/// Words by which CUDA's driver, cuBLAS and Metal say that memory is full; candle passes them on.
const OUT_OF_MEMORY: [&str; 4] = [
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Failed to create metal resource",
    "kIOGPUCommandBufferCallbackErrorOutOfMemory",
];

/// Calls `f` with the values of a contiguous float32 tensor on the CPU.
pub(crate) fn with_slice<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("tensor is not contiguous")
    };
    match &*storage {
        Storage::Cpu(storage) => Ok(f(&storage.as_slice::<f32>()?[start..end])),
        _ => candle_core::bail!("tensor is not on the CPU"),
    }
}
