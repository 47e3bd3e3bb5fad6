//! Reads the Hub's description of a repository: its commit, its files and its architecture.

use crate::catalog::manifest::{FileSpec, HubSource, Manifest, WeightsFormat};
use crate::error::{Error, Hint, Result};
use crate::model::Architecture;
use serde::Deserialize;

/// The fields that plae uses of the Hub's description of a repository (`/api/models/REPO`).
#[derive(Deserialize)]
pub(super) struct RepoInfo {
    /// Commit for which the requested revision stands.
    pub sha: String,
    /// All files of the repository.
    pub siblings: Vec<RepoFile>,
    config: Option<ModelConfig>,
    gguf: Option<GgufInfo>,
}

/// One file of a repository.
#[derive(Deserialize)]
pub(super) struct RepoFile {
    /// Path of the file in the repository.
    pub rfilename: String,
}

#[derive(Deserialize)]
struct ModelConfig {
    model_type: Option<String>,
}

#[derive(Deserialize)]
struct GgufInfo {
    architecture: Option<String>,
}

/// Fails if the Hub says that a repository without a manifest has an architecture that plae cannot load; called
/// before the weights are fetched.
///
/// # Errors
/// Fails with an error of kind `Model` if the architecture is unknown or cannot be loaded from these files.
pub(super) fn check_architecture(source: &HubSource, info: &RepoInfo, files: &[FileSpec]) -> Result<()> {
    let gguf = files.iter().any(|file| file.name.ends_with(".gguf"));
    let name = if gguf {
        info.gguf.as_ref().and_then(|gguf| gguf.architecture.as_deref())
    } else {
        info.config.as_ref().and_then(|config| config.model_type.as_deref())
    };
    let Some(name) = name else {
        return Ok(());
    };
    let architecture = Architecture::from_model_type(name).ok_or_else(|| {
        Error::model(format!("{}: the architecture `{name}` is not known", source.repo)).hint(Hint::ListModels)
    })?;
    let weights = if gguf {
        WeightsFormat::Gguf
    } else {
        WeightsFormat::Checkpoint
    };
    Manifest::for_unlisted_model(source.repo.clone(), architecture).check_weights_format(weights)
}
