//! Finds models and their files: which models are known, where they can be fetched (the Hugging Face Hub, Python
//! packages), and whether they are on this machine already (in a cache, a directory or a GGUF file). Only this module
//! uses the network.
//!
//! The crate hf-hub gives the layout of the cache that all tools of the Hub share, and the paths of repositories in
//! the cache and in the Hub's interface. The download code is plae's own; `hub` says why.

mod cache;
mod contents;
mod disk;
mod hub;
mod local;
mod locate;
mod manage;
pub mod manifest;
mod notice;
mod reference;
mod settings;
mod sha1;
mod small100;
#[cfg(test)]
mod tests;
mod unsupported;
mod wheel;

pub(crate) use disk::read_json_file;
pub(crate) use local::{is_ct2_directory, read_ct2_config};
pub use locate::locate;
pub use manage::{
    FileCheck, HashVerdict, ModelEntry, RemovedFiles, describe_model, download_size, list_models, pull_model,
    remove_model, verify_model,
};
pub use manifest::Manifest;
pub use notice::{ModelChoice, Notice, NoticeCallback};
pub use reference::{LocatedModel, ModelReference};
pub use settings::{AccessToken, Settings};
pub use wheel::find_pip_version;
