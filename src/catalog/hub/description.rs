//! The Hub's description of a repository: its commit, its files and its architecture.

use crate::catalog::manifest::{FileSpec, HubSource, Manifest, Weights};
use crate::error::{Error, Hint, Result};
use crate::model::Architecture;
use serde::Deserialize;

/// The parts of the Hub's description (`/api/models/REPO`) that are used.
#[derive(Deserialize)]
pub(super) struct RepoInfo {
    /// The commit.
    pub sha: String,
    /// All files.
    pub siblings: Vec<Sibling>,
    config: Option<ModelConfig>,
    gguf: Option<GgufInfo>,
}

/// One file of a repository.
#[derive(Deserialize)]
pub(super) struct Sibling {
    /// Its path in the repository.
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

/// Refuses a repository without a manifest before its weights are fetched, if the Hub says that its architecture is not loaded.
///
/// # Errors
/// Of kind `Model`.
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
    let weights = if gguf { Weights::Gguf } else { Weights::Checkpoint };
    Manifest::unlisted(source.repo.clone(), architecture).check_form(weights)
}
