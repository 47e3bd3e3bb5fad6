//! Models: their manifests, files, devices and weights; one file an architecture.

pub mod files;
pub mod gguf;
pub mod manifest;
mod packed;

pub use files::{Located, Settings};
pub use manifest::{Architecture, Manifest};
