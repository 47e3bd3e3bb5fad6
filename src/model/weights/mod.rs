//! Reads weights and configurations from disk: safetensors, PyTorch pickles, CTranslate2, GGUF, and plae's own 8-bit files.

pub(crate) mod checkpoint;
pub(crate) mod ct2;
mod ct2_names;
pub mod gguf;
mod gguf_header;
mod gguf_names;
mod gguf_parse;
pub mod gguf_split;
pub(crate) mod harmless_keys;
mod int8_cache;
pub(crate) mod keys;
mod pickle;
#[cfg(test)]
pub(crate) mod published_configs;
mod source;
mod text_part;
pub(crate) mod token_lists;
mod unpickle;

pub(in crate::model) use ct2::{Ct2Weights, Scalar};
#[cfg(test)]
pub(crate) use gguf_header::header_bytes;
pub use gguf_header::{GgufHeader, is_gguf};
pub(in crate::model) use gguf_names::{GgufWeights, ROPE_FACTORS};
#[cfg(test)]
pub(crate) use gguf_parse::{put_together, take_apart};
pub(in crate::model) use int8_cache::{Int8Cache, Int8Recorder};
pub(in crate::model) use source::{
    CpuWeightForm, MatrixRequest, ScaleGrouping, TensorWeightForm, WeightForm, WeightSource,
};
pub(in crate::model) use text_part::TextPartWeights;
