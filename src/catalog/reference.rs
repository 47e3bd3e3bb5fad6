//! Interprets what the user names with `--model`, and describes models that are on this machine.

use super::manifest::{HubSource, Manifest, Manifests, is_repo_name};
use crate::error::{Error, Hint, Result};
use crate::file::is_safe_relative_path;
use crate::model::weights::is_gguf;
use std::path::{Path, PathBuf};

/// A model whose files are on this machine.
#[derive(Clone, Debug)]
pub struct LocatedModel {
    /// The facts about the model: prompt, decoding defaults, licence.
    pub manifest: Manifest,
    /// Path of the model: a directory with the files of a Hub repository, or a `.gguf` file.
    pub path: PathBuf,
    /// Commit of the Hub repository, or sha256 of the single file, that the model comes from; none for a directory or
    /// file of the user's own.
    pub revision: Option<String>,
}

/// A model as the user names it: by its manifest, its repository or its path.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelReference {
    /// A model that has a manifest. If the user named a repository or revision, the manifest has only the sources
    /// that match.
    Listed(Box<Manifest>),
    /// A Hub repository that no manifest names.
    Hub(HubSource),
    /// An existing directory, expected to hold the files of a Hub repository, or an existing GGUF file.
    Path(PathBuf),
}

impl ModelReference {
    /// Interprets a text as the path of a directory or a GGUF file, the name of a manifest, or
    /// `organisation/name[@revision]`; an existing path takes precedence over a name.
    ///
    /// # Errors
    /// Fails with an error of kind `Usage` for any other text, with the names of similar models.
    pub fn parse(text: &str, manifests: &Manifests) -> Result<Self> {
        let path = Path::new(text);
        // A file that has the extension `.gguf` is taken without a look inside: loading it will say what is wrong
        // with it.
        let named_gguf = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if path.is_dir() || (path.exists() && (named_gguf || is_gguf(path))) {
            return Ok(Self::Path(path.to_owned()));
        }
        if path.is_file() {
            return Err(Error::usage("is not a model").path(path).hint(Hint::ModelForms));
        }
        if named_gguf || text.starts_with(['.', '/', '~']) || text.contains('\\') {
            return Err(Error::usage("no such file or directory").path(path));
        }
        if let Some(manifest) = manifests.get(text) {
            return Ok(Self::Listed(Box::new(manifest.clone())));
        }
        let (repo, revision) = match text.split_once('@') {
            Some((repo, revision)) => (repo, Some(revision)),
            None => (text, None),
        };
        if is_repo_name(repo) && revision.is_none_or(is_safe_relative_path) {
            return Ok(Self::from_repo_name(repo, revision, manifests));
        }
        let like = manifests.similar_names(text);
        Err(
            Error::usage(format!("no model is called `{text}`")).hint(if like.is_empty() {
                Hint::ListModelsOrNameRepository
            } else {
                Hint::SimilarModels(like.into_iter().map(str::to_owned).collect())
            }),
        )
    }

    /// Finds the manifest that has a Hub repository among its sources, reduced to that repository; a repository that
    /// no manifest names is taken as [`ModelReference::Hub`].
    fn from_repo_name(repo: &str, revision: Option<&str>, manifests: &Manifests) -> Self {
        let same = |source: &&HubSource| source.repo.eq_ignore_ascii_case(repo);
        let listed = manifests
            .iter()
            .find(|manifest| manifest.hub.iter().any(|source| same(&source)));
        let Some(manifest) = listed else {
            return Self::Hub(HubSource {
                repo: repo.to_owned(),
                revision: revision.unwrap_or("main").to_owned(),
                files: Vec::new(),
                patterns: Vec::new(),
            });
        };
        let mut manifest = manifest.clone();
        manifest.wheels = None;
        manifest.hub.retain(|source| same(&source));
        if let Some(revision) = revision {
            manifest.hub.truncate(1);
            for source in &mut manifest.hub {
                source.revision = revision.to_owned();
                // The hashes and sizes in the manifest hold for the manifest's own revision only.
                for file in &mut source.files {
                    (file.sha256, file.size) = (None, None);
                }
            }
        }
        Self::Listed(Box::new(manifest))
    }
}
