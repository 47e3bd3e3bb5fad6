//! Reads the Hub's description of a repository: its commit, its files and its architecture.

use crate::catalog::manifest::{HubSource, Manifest, WeightsFormat};
use crate::catalog::unsupported::unknown_architecture_error;
use crate::error::Result;
use crate::model::Architecture;
use serde::Deserialize;

/// The fields that plae uses of the Hub's description of a repository (`/api/models/REPO`).
#[derive(Deserialize)]
pub(super) struct RepoInfo {
    /// Commit for which the requested revision stands.
    pub sha: String,
    /// All files of the repository.
    pub siblings: Vec<RepoFile>,
    gguf: Option<GgufInfo>,
    /// The facts at the beginning of the repository's README.
    #[serde(rename = "cardData")]
    card: Option<serde_json::Value>,
}

/// One file of a repository.
#[derive(Deserialize)]
pub(super) struct RepoFile {
    /// Path of the file in the repository.
    pub rfilename: String,
}

#[derive(Deserialize)]
struct GgufInfo {
    architecture: Option<String>,
}

impl RepoInfo {
    /// Lists the paths of all files of the repository.
    pub fn file_names(&self) -> Vec<String> {
        self.siblings.iter().map(|file| file.rfilename.clone()).collect()
    }

    /// Gives the repository of the model that this one was made from, if its README names one.
    pub fn base_model(&self) -> Option<String> {
        let named = &self.card.as_ref()?["base_model"];
        let first = named.as_str().or_else(|| named.get(0)?.as_str())?;
        Some(first.to_owned())
    }
}

/// Fails if a repository without a manifest has an architecture that plae cannot load; called before the weights are
/// fetched. `model_type` is the one in `config.json`; none for GGUF files, whose architecture the Hub tells.
///
/// # Errors
/// Fails with an error of kind `Model` if the architecture is unknown or cannot be loaded from these files.
pub(super) fn check_architecture(source: &HubSource, info: &RepoInfo, model_type: Option<&str>) -> Result<()> {
    // Of a repository with a projection of images beside the model, the Hub may tell the projection's.
    let in_gguf = info.gguf.as_ref().and_then(|gguf| gguf.architecture.as_deref());
    let (name, weights) = match (model_type, in_gguf.filter(|name| *name != "clip")) {
        (Some(name), _) => (name, WeightsFormat::Checkpoint),
        (None, Some(name)) => (name, WeightsFormat::Gguf),
        (None, None) => return Ok(()),
    };
    let architecture =
        Architecture::from_model_type(name).ok_or_else(|| unknown_architecture_error(name).path(&source.repo))?;
    Manifest::for_unlisted_model(source.repo.clone(), architecture).check_weights_format(weights)
}
