//! Models: their manifests, files, devices and weights; one file or directory an architecture.

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

/// What search has to know of a model.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Size of a row of logits.
    pub vocabulary: usize,
    /// Tokens that a source may be of: those that have an embedding.
    pub source_vocabulary: usize,
    /// The most positions, source and output together for a decoder-only model.
    pub max_positions: usize,
    /// Ids that end an output.
    pub end: Vec<u32>,
    /// Ids that every output begins with, read before the first logits are given: the decoder's start token and one that
    /// the output is made to begin with, if any. Empty for a decoder-only model.
    pub start: Vec<u32>,
    /// The id of each column of the logits, ascending; none where a column is its id.
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

/// A loaded model: immutable weights; all that changes while decoding lives in the state.
pub trait TranslationModel: Send + Sync {
    fn spec(&self) -> &Spec;

    /// Reads the sources, one row each, and gives the logits `(rows, vocabulary)` of each row's first output token.
    ///
    /// A source of a decoder-only model may go on from a prefix (and leave it out itself): from the one-row state after it, often
    /// the same for many, which is then neither computed nor stored again. Other models are given none.
    fn begin(&self, prefixes: &[Option<&State>], sources: &[&[u32]]) -> Result<(State, Tensor)>;

    /// Takes one token a row and gives the logits `(rows, vocabulary)` of the next.
    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor>;
}

/// What changes while a batch is decoded, in a form that the model alone knows.
pub struct State(pub(crate) Box<dyn Rows>);

/// The rows of a batch as a model keeps them.
pub(crate) trait Rows: Any + Send {
    /// Makes row `i` what row `rows[i]` was: reorders, repeats and drops rows at once.
    fn select(&mut self, rows: &[usize]);

    fn as_any(&self) -> &dyn Any;

    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl State {
    /// Makes row `i` what row `rows[i]` was: after a beam step, or when rows finish.
    pub fn select(&mut self, rows: &[usize]) {
        self.0.select(rows);
    }
}

/// A failure inside candle: of kind `Memory` where a device has no room left, else of kind `Model`.
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

/// How CUDA's driver, cuBLAS and Metal say that memory is full; candle passes their words on.
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
