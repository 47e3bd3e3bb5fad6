//! Reads weights and configurations from disk: safetensors, PyTorch pickles, GGUF, and plae's own 8-bit files.

pub(crate) mod checkpoint;
pub mod gguf;
mod gguf_header;
mod gguf_names;
mod int8_cache;
pub(crate) mod keys;
mod pickle;
mod source;
mod text_part;

#[cfg(test)]
pub(crate) use gguf_header::header_bytes;
pub use gguf_header::{GgufHeader, is_gguf};
pub(in crate::model) use gguf_names::GgufWeights;
pub(in crate::model) use int8_cache::{Int8Cache, Int8Recorder};
pub(in crate::model) use source::{
    CpuWeightForm, MatrixRequest, ScaleGrouping, TensorWeightForm, WeightForm, WeightSource,
};
pub(in crate::model) use text_part::TextPartWeights;
