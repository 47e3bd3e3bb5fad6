//! Finds models and their files: which models are known, where they can be fetched (the Hugging Face Hub, Python
//! packages), and whether they are on this machine already (in a cache, a directory or a GGUF file). Only this module
//! uses the network.
//!
//! The crate hf-hub gives the layout of the cache that all tools of the Hub share, and the paths of repositories in
//! the cache and in the Hub's interface. The download code is plae's own; `hub` says why.

mod cache;
mod disk;
mod hub;
mod local;
mod locate;
mod manage;
pub mod manifest;
mod notice;
mod reference;
mod settings;
#[cfg(test)]
mod tests;
mod wheel;

pub(crate) use disk::read_json;
pub use locate::locate;
pub use manage::{FileCheck, HashVerdict, ModelEntry, RemovedFiles, download_size, info, list, pull, remove, verify};
pub use manifest::Manifest;
pub use notice::{ModelChoice, Notice, Notify};
pub use reference::{LocatedModel, ModelRef};
pub use settings::{Settings, Token};
