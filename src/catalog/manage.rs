//! Implements the commands of `plae models`: list, describe, pull, verify and remove.

use super::cache::{self, FoundModel, Snapshot, is_commit};
use super::locate::{fetch_model, find_local_model};
use super::notice::{Notice, NoticeCallback};
use super::reference::{LocatedModel, ModelReference};
use super::settings::Settings;
use super::sha1::find_git_hash_difference;
use super::{disk, local};
use crate::catalog::manifest::{HubSource, Manifest, Manifests, is_sha256};
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::model::weights::gguf_split::part_paths;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A known model, and its files on this machine, if there are any.
#[derive(Clone, Debug)]
pub struct ModelEntry {
    /// The facts about the model, from its manifest.
    pub manifest: Manifest,
    /// Path of the model's file or directory; none if it is not on this machine.
    pub path: Option<PathBuf>,
    /// Commit of the Hub repository, or sha256 of the file, from which the model on this machine comes; none if
    /// unknown or not on this machine.
    pub revision: Option<String>,
    /// Total size of the model's files on this machine, in bytes.
    pub bytes: u64,
}

/// The result of verifying one file of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCheck {
    /// Path of the verified file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Whether the file has the right hash.
    pub verdict: HashVerdict,
}

/// Whether a file has the hash that it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashVerdict {
    /// The file's hash is the one that the manifest or the Hub gives: a sha256, or Git's own hash of a small file.
    Good,
    /// The file's hash is not the one that the manifest or the Hub gives.
    Bad {
        /// The hash that the file should have.
        expected: String,
        /// The hash that the file has.
        found: String,
    },
    /// The right hash is not known.
    Unknown,
}

/// The paths and bytes that [`remove_model`] deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedFiles {
    /// Paths of the deleted directories and files.
    pub paths: Vec<PathBuf>,
    /// Total size of the deleted files, in bytes.
    pub bytes: u64,
}

/// Lists all models that have a manifest, the best first, with their files on this machine.
///
/// # Errors
/// Fails with an error of kind `Model` if a manifest cannot be read.
pub fn list_models(settings: &Settings) -> Result<Vec<ModelEntry>> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    Ok(manifests
        .iter()
        .map(|manifest| model_entry(manifest, settings))
        .collect())
}

/// Describes one model. Unlike [`super::locate()`], it also describes a model with a manifest that this build cannot
/// load.
///
/// # Errors
/// Fails with an error of kind `Usage` for a name that stands for no model; `Model` for a repository that has no
/// manifest and is not on this machine.
pub fn describe_model(model: &str, settings: &Settings) -> Result<ModelEntry> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    let model = ModelReference::parse(model, &manifests)?;
    if let ModelReference::Listed(manifest) = &model {
        return Ok(model_entry(manifest, settings));
    }
    match (find_local_model(&model, &manifests, settings)?, model) {
        (Some(FoundModel { located, .. }), _) => Ok(ModelEntry {
            bytes: size_of_model(&located.path),
            path: Some(located.path),
            revision: located.revision,
            manifest: located.manifest,
        }),
        (None, ModelReference::Hub(source)) => Err(model_absent_error(&source.repo)),
        (None, _) => Err(model_absent_error("it")),
    }
}

/// Gives the number of bytes that fetching a model transfers; none unless the manifest gives the sizes of all files
/// of one of its sources.
pub fn download_size(manifest: &Manifest) -> Option<u64> {
    let named = |source: &&HubSource| source.patterns.is_empty() && !source.files.is_empty();
    let sum = |source: &HubSource| source.files.iter().map(|file| file.size).sum();
    let packaged = manifest.wheels.as_ref().and_then(|wheels| wheels.file.size);
    manifest.hub.iter().filter(named).find_map(sum).or(packaged)
}

fn model_entry(manifest: &Manifest, settings: &Settings) -> ModelEntry {
    let located = cache::find_cached_model(manifest, settings).map(|found| found.located);
    ModelEntry {
        bytes: located.as_ref().map_or(0, |located| size_of_model(&located.path)),
        revision: located.as_ref().and_then(|located| located.revision.clone()),
        path: located.map(|located| located.path),
        manifest: manifest.clone(),
    }
}

fn model_absent_error(name: &str) -> Error {
    Error::model(format!("{name} is not on this machine")).hint(Hint::PullModel)
}

/// Fetches a model, or updates it if its source is a branch that has moved on. If the model's revision is fixed and
/// its files are all on this machine, the network is not used. A model that is whole on this machine is not fetched
/// again, nor is its cache written to, and it is success too if the Hub cannot be reached to ask for a newer one.
///
/// # Errors
/// The errors of [`super::locate()`].
pub fn pull_model(model: &str, settings: &Settings, notice: NoticeCallback) -> Result<LocatedModel> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    let model = ModelReference::parse(model, &manifests)?;
    let pinned = match &model {
        ModelReference::Listed(manifest) => manifest.hub.iter().all(is_pinned_to_content),
        ModelReference::Hub(source) => is_pinned_to_content(source),
        ModelReference::Path(_) => true,
    };
    let found = match find_local_model(&model, &manifests, settings)? {
        Some(found) if settings.offline || (pinned && found.unsure.is_none()) => return Ok(found.located),
        None if settings.offline => {
            return Err(Error::model("the network is switched off").hint(Hint::UseNetwork));
        }
        found => found.filter(|found| found.unsure.is_none()),
    };
    let mut begun = false;
    let fetched = fetch_model(&model, &manifests, settings, &mut |event| {
        begun |= matches!(event, Notice::Pulling { .. });
        notice(event);
    });
    match (fetched, found) {
        (Err(error), Some(found)) if error.kind == ErrorKind::Network && !begun => {
            notice(Notice::Unreachable {
                model: found.located.manifest.name.clone(),
                error: error.to_string(),
            });
            Ok(found.located)
        }
        (fetched, _) => fetched,
    }
}

/// Whether a source always gives the same files: it names a commit, or the hash of every file.
fn is_pinned_to_content(source: &HubSource) -> bool {
    let hashed = || source.files.iter().all(|file| file.sha256.is_some());
    is_commit(&source.revision) || (!source.files.is_empty() && source.patterns.is_empty() && hashed())
}

/// Computes the hash of each of a model's files and compares it with the known one; `notice` gets the progress.
///
/// # Errors
/// Fails with an error of kind `Model` if the model is not on this machine or a file cannot be read. A wrong hash is
/// no error but a [`HashVerdict`].
pub fn verify_model(model: &str, settings: &Settings, notice: NoticeCallback) -> Result<Vec<FileCheck>> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    let files: Vec<(PathBuf, Option<String>)> = match ModelReference::parse(model, &manifests)? {
        ModelReference::Listed(mut manifest) => {
            // Sizes are not checked when the files are looked up: a file of the wrong size is damaged, not missing.
            for source in &mut manifest.hub {
                source.files.iter_mut().for_each(|file| file.size = None);
            }
            if let Some(wheels) = &mut manifest.wheels {
                wheels.file.size = None;
            }
            match manifest
                .hub
                .iter()
                .find_map(|source| list_known_hashes(source, settings))
            {
                Some(files) => files,
                None => {
                    let found = cache::find_cached_model(&manifest, settings)
                        .ok_or_else(|| model_absent_error(&manifest.name))?;
                    vec![(found.located.path, found.located.revision)]
                }
            }
        }
        ModelReference::Hub(source) => {
            list_known_hashes(&source, settings).ok_or_else(|| model_absent_error(&source.repo))?
        }
        ModelReference::Path(path) if path.is_dir() => {
            let names = disk::list_file_names(&path).into_iter();
            names.map(|name| (path.join(name), None)).collect()
        }
        ModelReference::Path(path) => {
            let located = local::describe_local_model(&path, &manifests)?;
            let wheels = located.manifest.wheels.as_ref();
            vec![(path, wheels.and_then(|wheels| wheels.file.sha256.clone()))]
        }
    };
    let mut checks = Vec::new();
    for (path, expected) in files {
        checks.push(check_file_hash(path, expected, notice)?);
    }
    Ok(checks)
}

/// Lists the files of a source's snapshot in the Hub's cache with their hashes, taken from the manifest or from the
/// names of the cache's blobs; none if the snapshot is not complete.
fn list_known_hashes(source: &HubSource, settings: &Settings) -> Option<Vec<(PathBuf, Option<String>)>> {
    let Snapshot { directory, files, .. } = cache::find_snapshot(source, settings).ok()??;
    let hash_of = |name: &String| {
        let listed = source
            .files
            .iter()
            .find(|file| file.name == *name)
            .and_then(|file| file.sha256.clone());
        let blob = || {
            std::fs::canonicalize(directory.join(name))
                .ok()?
                .file_name()?
                .to_str()
                .map(str::to_owned)
        };
        listed.or_else(|| blob().filter(|name| is_sha256(name) || is_commit(name)))
    };
    Some(files.iter().map(|name| (directory.join(name), hash_of(name))).collect())
}

fn check_file_hash(path: PathBuf, expected: Option<String>, notice: NoticeCallback) -> Result<FileCheck> {
    let failed = |error| disk::local_file_error(error, &path);
    let file = File::open(&path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let Some(expected) = expected else {
        return Ok(FileCheck {
            path,
            bytes,
            verdict: HashVerdict::Unknown,
        });
    };
    // A small file's blob in the Hub's cache bears Git's hash.
    if is_commit(&expected) {
        let verdict = match find_git_hash_difference(&path, &expected).map_err(failed)? {
            Some(found) => HashVerdict::Bad { expected, found },
            None => HashVerdict::Good,
        };
        return Ok(FileCheck { path, bytes, verdict });
    }
    let (mut done, mut shown) = (0, 0);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (found, _) = disk::compute_sha256(file, |piece| {
        done += piece.len() as u64;
        if done - shown >= 16 << 20 || done == bytes {
            shown = done;
            notice(Notice::Progress {
                file: name.clone(),
                done,
                total: bytes,
            });
        }
        Ok(())
    })
    .map_err(failed)?;
    let verdict = if found == expected {
        HashVerdict::Good
    } else {
        HashVerdict::Bad { expected, found }
    };
    Ok(FileCheck { path, bytes, verdict })
}

/// Deletes a model's files: its repositories in the Hub's cache, which other tools may use too, and its directory in
/// plae's own cache.
///
/// # Errors
/// Fails with an error of kind `Usage` for a directory or file of the user's own, outside the caches; `Model` if
/// nothing is on this machine or it cannot be deleted.
pub fn remove_model(model: &str, settings: &Settings) -> Result<RemovedFiles> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    let (name, mut paths) = match ModelReference::parse(model, &manifests)? {
        ModelReference::Listed(manifest) => {
            let mut paths: Vec<PathBuf> = manifest
                .hub
                .iter()
                .map(|source| cache::repo_directory(source, settings))
                .collect();
            if manifest.wheels.is_some() {
                paths.push(cache::wheel_model_directory(&manifest, settings));
            }
            (manifest.name, paths)
        }
        ModelReference::Hub(source) => (source.repo.clone(), vec![cache::repo_directory(&source, settings)]),
        ModelReference::Path(path) => {
            return Err(Error::usage("is your own, not in a cache of plae's")
                .path(path)
                .hint("delete it yourself, if you mean to"));
        }
    };
    paths.dedup();
    paths.retain(|path| path.exists());
    if paths.is_empty() {
        return Err(model_absent_error(&name));
    }
    let mut removed = RemovedFiles::default();
    for path in paths {
        let bytes = size_on_disk(&path);
        std::fs::remove_dir_all(&path).map_err(|error| disk::local_file_error(error, &path))?;
        removed.bytes += bytes;
        removed.paths.push(path);
    }
    Ok(removed)
}

/// Computes the size in bytes of a model: of its directory, of its file, or of all parts of a split GGUF file.
fn size_of_model(path: &Path) -> u64 {
    part_paths(path).iter().map(|part| size_on_disk(part)).sum()
}

/// Computes the size in bytes of a file or of all files in a directory and below. In a directory a link counts only
/// if it leads out of the directory, as a snapshot's links to blobs do; links within a whole repository do not count,
/// so that no blob counts twice.
fn size_on_disk(path: &Path) -> u64 {
    let Ok(root) = std::fs::canonicalize(path) else {
        return 0;
    };
    sum_file_sizes(path, &root)
}

fn sum_file_sizes(path: &Path, root: &Path) -> u64 {
    let Ok(data) = std::fs::metadata(path) else {
        return 0;
    };
    if data.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        return entries.map(|entry| sum_file_sizes(&entry.path(), root)).sum();
    }
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink());
    let inside = || std::fs::canonicalize(path).is_ok_and(|target| target.starts_with(root) && target != root);
    if is_link && inside() { 0 } else { data.len() }
}
