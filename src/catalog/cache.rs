//! The caches on this machine: the Hub's, in the layout that all tools of the Hub share, and plae's own.

use super::contents::{CHAT_TEMPLATE_NAME, choose_model_files};
use super::disk::{list_files_below, read_json_file};
use super::local;
use super::manifest::{FileSpec, HubSource, Manifest, Manifests, WheelSource};
use super::reference::LocatedModel;
use super::settings::Settings;
use super::unsupported::{ReadJson, check_no_pointer};
use crate::error::{Error, Result};
use crate::model::weights::gguf_split::strip_gguf;
use hf_hub::{Cache, Repo, RepoType};
use std::path::{Path, PathBuf};

/// A snapshot: one commit of a repository in the Hub's cache, with all files that a loader needs.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Directory that holds the commit's files.
    pub directory: PathBuf,
    /// The commit's hash, 40 hexadecimal digits.
    pub commit: String,
    /// Paths of the files that a loader needs, relative to `directory`.
    pub files: Vec<String>,
    /// Paths of files that a loader reads too if the repository has them, and of which nothing on this machine tells
    /// whether it does.
    pub unsure: Vec<String>,
}

/// Files of a snapshot of which nothing on this machine tells whether the repository has them: another tool has filled
/// the cache, perhaps in part.
#[derive(Clone, Debug)]
pub(super) struct UnsureFiles {
    pub source: HubSource,
    /// Commit of the snapshot.
    pub commit: String,
    /// Paths of the files in the repository.
    pub names: Vec<String>,
}

impl UnsureFiles {
    /// Gives the source with the snapshot's commit as its revision.
    pub fn source_at_commit(&self) -> HubSource {
        HubSource {
            revision: self.commit.clone(),
            ..self.source.clone()
        }
    }

    /// Whether a chat template is among the files.
    pub fn has_chat_template(&self) -> bool {
        self.names.iter().any(|name| name.ends_with(CHAT_TEMPLATE_NAME))
    }
}

/// A model that was found on this machine.
pub(super) struct FoundModel {
    pub located: LocatedModel,
    /// Files that the model may lack; none if it is whole for certain.
    pub unsure: Option<UnsureFiles>,
}

impl FoundModel {
    /// Makes the description of a snapshot that was found to be the model `located`. A model whose manifest has a prompt
    /// needs no chat template.
    pub fn from_snapshot(located: LocatedModel, source: &HubSource, snapshot: Snapshot) -> Self {
        let mut names = snapshot.unsure;
        if located.manifest.prompt.is_some() {
            names.retain(|name| !name.ends_with(CHAT_TEMPLATE_NAME));
        }
        let unsure = (!names.is_empty()).then(|| UnsureFiles {
            source: source.clone(),
            commit: snapshot.commit,
            names,
        });
        Self { located, unsure }
    }
}

impl From<LocatedModel> for FoundModel {
    fn from(located: LocatedModel) -> Self {
        Self { located, unsure: None }
    }
}

impl Snapshot {
    /// Gives the path of the model: the GGUF file if there is one, or its first part, otherwise the directory that holds
    /// `config.json`.
    pub fn model_path(&self) -> PathBuf {
        if let Some(name) = self.files.iter().find(|name| strip_gguf(name).is_some()) {
            return self.directory.join(name);
        }
        match self.files.iter().find_map(|name| name.strip_suffix("/config.json")) {
            Some(folder) => self.directory.join(folder),
            None => self.directory.clone(),
        }
    }

    /// Describes the snapshot as the model of `manifest`.
    pub fn to_listed_model(&self, manifest: &Manifest) -> LocatedModel {
        LocatedModel {
            manifest: manifest.clone(),
            path: self.model_path(),
            revision: Some(self.commit.clone()),
        }
    }

    /// Describes the snapshot of a repository that no manifest names. Its own `config.json` or GGUF header may still
    /// show that it is the model of a manifest.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if this build cannot load the model.
    pub fn to_unlisted_model(&self, source: &HubSource, manifests: &Manifests) -> Result<LocatedModel> {
        let mut located = local::describe_local_model(&self.model_path(), manifests)?;
        if manifests.get(&located.manifest.name).is_none() {
            located.manifest.name = source.repo.clone();
            located.manifest.title = source.repo.clone();
        }
        located.revision = Some(self.commit.clone());
        Ok(located)
    }
}

/// Makes hf-hub's description of a repository and revision, from which it derives cache paths and web addresses.
pub(super) fn hf_hub_repo(source: &HubSource) -> Repo {
    Repo::with_revision(source.repo.clone(), RepoType::Model, source.revision.clone())
}

/// Gives the directory of a repository in the Hub's cache.
pub(super) fn repo_directory(source: &HubSource, settings: &Settings) -> PathBuf {
    settings.hub_cache.join(hf_hub_repo(source).folder_name())
}

/// Gives the path of the file in the Hub's cache that holds the commit for which a branch, a tag or a pull request
/// stands.
pub(super) fn reference_path(source: &HubSource, settings: &Settings) -> PathBuf {
    repo_directory(source, settings).join("refs").join(&source.revision)
}

/// Gives the directory of one commit of a repository in the Hub's cache.
pub(super) fn snapshot_directory(source: &HubSource, commit: &str, settings: &Settings) -> PathBuf {
    Cache::new(settings.hub_cache.clone())
        .repo(hf_hub_repo(source))
        .pointer_path(commit)
}

/// Gives the path in plae's own cache of a model file that is assembled from Python packages.
pub(super) fn wheel_model_path(manifest: &Manifest, source: &WheelSource, settings: &Settings) -> PathBuf {
    wheel_model_directory(manifest, settings).join(&source.file.name)
}

/// Gives the directory of a model in plae's own cache.
pub(super) fn wheel_model_directory(manifest: &Manifest, settings: &Settings) -> PathBuf {
    settings.cache.join("models").join(&manifest.name)
}

/// Whether a revision is a commit's full hash and so always means the same files.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Finds a model in the caches: the first of its sources of which all files are there.
pub(super) fn find_cached_model(manifest: &Manifest, settings: &Settings) -> Option<FoundModel> {
    let find = |source| find_snapshot(source, settings).ok().flatten();
    if let Some((source, snapshot)) = manifest.hub.iter().find_map(|source| Some((source, find(source)?))) {
        let located = snapshot.to_listed_model(manifest);
        return Some(FoundModel::from_snapshot(located, source, snapshot));
    }
    let source = manifest.wheels.as_ref()?;
    let path = wheel_model_path(manifest, source, settings);
    let size = std::fs::metadata(&path).ok()?.len();
    let located = LocatedModel {
        manifest: manifest.clone(),
        path,
        revision: source.file.sha256.clone(),
    };
    source
        .file
        .size
        .is_none_or(|whole| whole == size)
        .then(|| located.into())
}

/// Finds the snapshot of a source's revision in the Hub's cache; none if no file of it is there.
///
/// # Errors
/// Fails with an error of kind `Model`, with the path, if only a part of the files that a loader needs is there, or if
/// plae cannot load such a model.
pub(super) fn find_snapshot(source: &HubSource, settings: &Settings) -> Result<Option<Snapshot>> {
    let commit = if is_commit(&source.revision) {
        source.revision.clone()
    } else {
        let reference = std::fs::read_to_string(reference_path(source, settings));
        reference.unwrap_or_default().trim().to_owned()
    };
    let directory = snapshot_directory(source, &commit, settings);
    let names = if is_commit(&commit) {
        list_files_below(&directory)
    } else {
        Vec::new()
    };
    if names.is_empty() {
        return Ok(None);
    }
    let mut read = |name: &str| read_json_file(&directory.join(name));
    let selected =
        select_model_files(source, &names, None, &mut read).map_err(|error| error.path(directory.as_path()))?;
    let is_missing = |file: &&FileSpec| {
        let size = std::fs::metadata(directory.join(&file.name))
            .map(|data| data.len())
            .ok();
        size.is_none() || (file.size.is_some() && file.size != size)
    };
    let incomplete = |name: &str| Error::model(format!("{name} is missing, or not whole")).path(directory.as_path());
    if let Some(file) = selected.files.iter().find(is_missing) {
        return Err(incomplete(&file.name));
    }
    for file in &selected.files {
        check_no_pointer(&directory.join(&file.name))?;
    }
    let mut unsure = selected.absent;
    if let Some(all) = read_file_list(source, &commit, settings) {
        if let Some(name) = unsure.iter().find(|name| all.contains(name)) {
            return Err(incomplete(name));
        }
        unsure.clear();
    }
    let marks = absent_files_directory(source, &commit, settings);
    unsure.retain(|name| !marks.join(name).is_file());
    Ok(Some(Snapshot {
        files: selected.files.into_iter().map(|file| file.name).collect(),
        directory,
        commit,
        unsure,
    }))
}

/// Gives the directory in the Hub's cache with an empty file for each file that a commit is known not to have. The
/// Hub's other tools read and write it too.
fn absent_files_directory(source: &HubSource, commit: &str, settings: &Settings) -> PathBuf {
    repo_directory(source, settings).join(".no_exist").join(commit)
}

/// Notes in the Hub's cache that a commit does not have these files, so that the Hub need not be asked again. If the
/// cache cannot be written to, nothing is noted.
pub(super) fn record_absent_files(source: &HubSource, commit: &str, names: &[String], settings: &Settings) {
    let marks = absent_files_directory(source, commit, settings);
    for mark in names.iter().map(|name| marks.join(name)).filter(|mark| !mark.exists()) {
        let made = std::fs::create_dir_all(mark.parent().unwrap_or(Path::new("")));
        let _ = made.and_then(|()| std::fs::File::create(&mark));
    }
}

/// Reads the names of all files of a commit from the list that newer versions of the Hub's own tools keep in the cache
/// (`trees/COMMIT.json`); none if there is no such list.
fn read_file_list(source: &HubSource, commit: &str, settings: &Settings) -> Option<Vec<String>> {
    let path = repo_directory(source, settings)
        .join("trees")
        .join(format!("{commit}.json"));
    let list = read_json_file(&path).ok()?;
    let files = list["files"].as_object().filter(|_| list["format_version"] == 1)?;
    Some(files.keys().cloned().collect())
}

/// The files of a source that a loader needs, chosen by [`select_model_files`].
pub(super) struct SelectedFiles {
    /// The files, small ones first.
    pub files: Vec<FileSpec>,
    /// The `model_type` in `config.json`; none for a GGUF model, or if the source itself names the files.
    pub model_type: Option<String>,
    /// Paths of files that a loader would read too, but that the repository does not have.
    pub absent: Vec<String>,
}

/// Selects the files that a loader needs from the files `names` of a repository. `base` is the repository of the model
/// that it was made from, if the Hub names one; `read` reads a JSON file of the repository.
///
/// # Errors
/// Fails with an error of kind `Model` if the repository holds no model that plae can load, or not all of it; with the
/// errors of `read`.
pub(super) fn select_model_files(
    source: &HubSource,
    names: &[String],
    base: Option<&str>,
    read: ReadJson,
) -> Result<SelectedFiles> {
    if source.files.is_empty() && source.patterns.is_empty() {
        let chosen = choose_model_files(names, base, read)?;
        return Ok(SelectedFiles {
            files: chosen.names.into_iter().map(FileSpec::unverified).collect(),
            model_type: chosen.model_type,
            absent: chosen.absent,
        });
    }
    let mut files = source.files.clone();
    for pattern in &source.patterns {
        let known = files.len();
        let matching = names.iter().filter(|name| matches_pattern(pattern, name));
        files.extend(matching.cloned().map(FileSpec::unverified));
        if files.len() == known {
            return Err(Error::model(format!("{} has no file like {pattern}", source.repo)));
        }
    }
    Ok(SelectedFiles {
        files,
        model_type: None,
        absent: Vec::new(),
    })
}

/// Whether a file name matches a pattern, in which `*` stands for any characters except `/`.
pub(super) fn matches_pattern(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(tail) = name.strip_prefix(start) else {
        return false;
    };
    let reach = tail.find('/').unwrap_or(tail.len());
    (0..=reach).any(|skip| tail.get(skip..).is_some_and(|tail| matches_pattern(rest, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*.part0*", "p/data/x.gguf.part00", false),
            ("*/data/*.part0*", "p/data/x.gguf.part00", true),
            ("*.gguf", "ก.gguf", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXc", false),
            ("x", "x", true),
            ("x", "xy", false),
            ("*", "a/b", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), fits, "{pattern} {name}");
        }
    }
}
