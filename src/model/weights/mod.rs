//! Weights and configurations as they lie on disk: safetensors, PyTorch pickles, GGUF.

pub(crate) mod checkpoint;
pub mod gguf;
mod gguf_header;
pub(crate) mod keys;
mod pickle;

#[cfg(test)]
pub(crate) use gguf_header::header_bytes;
pub use gguf_header::{GgufHeader, is_gguf};
