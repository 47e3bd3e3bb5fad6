//! Weights and configurations as they lie on disk: safetensors, PyTorch pickles, GGUF.

pub(crate) mod checkpoint;
pub mod gguf;
pub(crate) mod keys;
mod pickle;
