//! Manifests: what is known of a model before any of its files is read.

/// A model's kind, by the name that Hugging Face configurations and GGUF files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Gemma3,
}

/// One model: `models/NAME.toml`.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub name: String,
    pub architecture: Architecture,
}
