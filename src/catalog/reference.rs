//! What `--model` names, and a model whose files are on this machine.

use super::manifest::{HubSource, Manifest, Manifests, is_repo};
use crate::error::{Error, Hint, Result};
use crate::file::is_inside;
use crate::model::weights::is_gguf;
use std::path::{Path, PathBuf};

/// A model whose files are on this machine.
#[derive(Clone, Debug)]
pub struct Located {
    /// Its known facts: prompt, decoding defaults, licence.
    pub manifest: Manifest,
    /// A directory in the layout of a Hub repository, or a `.gguf` file.
    pub path: PathBuf,
    /// The commit of a Hub repository, or the sha256 of a single file; none for the user's own directory or file.
    pub revision: Option<String>,
}

/// A model as a user names it.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelRef {
    /// A model with a manifest; its sources are narrowed where a repository or revision was asked for.
    Listed(Box<Manifest>),
    /// A repository without a manifest.
    Hub(HubSource),
    /// A directory in a Hub repository's layout, or a `.gguf` file; it exists.
    Path(PathBuf),
}

impl ModelRef {
    /// Reads the path of a directory or a GGUF file, a manifest's name, or `organisation/name[@revision]`; a path that exists
    /// goes before a name.
    ///
    /// # Errors
    /// Of kind `Usage` for anything else, with names that are alike.
    pub fn parse(text: &str, manifests: &Manifests) -> Result<Self> {
        let path = Path::new(text);
        // A file that only has the name is taken too: reading it says what is wrong with it.
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
        if is_repo(repo) && revision.is_none_or(is_inside) {
            return Ok(Self::repository(repo, revision, manifests));
        }
        let like = manifests.like(text);
        Err(
            Error::usage(format!("no model is called `{text}`")).hint(if like.is_empty() {
                Hint::ListModelsOrNameRepository
            } else {
                Hint::SimilarModels(like.into_iter().map(str::to_owned).collect())
            }),
        )
    }

    /// Finds a repository among the manifests; without one it stands for itself.
    fn repository(repo: &str, revision: Option<&str>, manifests: &Manifests) -> Self {
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
                // What is known of the files holds for the manifest's own revision only.
                for file in &mut source.files {
                    (file.sha256, file.size) = (None, None);
                }
            }
        }
        Self::Listed(Box::new(manifest))
    }
}
