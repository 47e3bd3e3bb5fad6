//! Models: their manifests, files, devices and weights; one file an architecture.

pub mod files;
pub mod manifest;

pub use files::{Located, Settings};
pub use manifest::{Architecture, Manifest};
