//! The caches on this machine: the Hub's, in the layout that all tools of the Hub share, and plae's own.

use super::disk::list_file_names;
use super::local;
use super::manifest::{FileSpec, HubSource, Manifest, Manifests, WheelSource};
use super::reference::LocatedModel;
use super::settings::Settings;
use crate::error::{Error, Hint, Result};
use hf_hub::{Cache, Repo, RepoType};
use std::path::PathBuf;

/// Names of the files besides the weights that loaders and tokenizers read, in the order in which they are fetched.
const NON_WEIGHT_FILE_NAMES: [&str; 15] = [
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "source.spm",
    "target.spm",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "tokenizer.json",
    "model.safetensors.index.json",
];

/// Names of the files from which a tokenizer can be built; a repository must have one of them.
const TOKENIZER_FILE_NAMES: [&str; 6] = [
    "tokenizer.json",
    "source.spm",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "vocab.json",
];

/// A snapshot: one commit of a repository in the Hub's cache, with all files that a loader needs.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Directory that holds the commit's files.
    pub directory: PathBuf,
    /// The commit's hash, 40 hexadecimal digits.
    pub commit: String,
    /// Paths of the files that a loader needs, relative to `directory`.
    pub files: Vec<String>,
}

impl Snapshot {
    /// Gives the path of the model: the GGUF file if there is one, otherwise the directory of the snapshot.
    pub fn model_path(&self) -> PathBuf {
        match self.files.iter().find(|name| name.ends_with(".gguf")) {
            Some(name) => self.directory.join(name),
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
pub(super) fn find_cached_model(manifest: &Manifest, settings: &Settings) -> Option<LocatedModel> {
    if let Some(snapshot) = manifest.hub.iter().find_map(|source| find_snapshot(source, settings)) {
        return Some(snapshot.to_listed_model(manifest));
    }
    let source = manifest.wheels.as_ref()?;
    let path = wheel_model_path(manifest, source, settings);
    let size = std::fs::metadata(&path).ok()?.len();
    source
        .file
        .size
        .is_none_or(|whole| whole == size)
        .then(|| LocatedModel {
            manifest: manifest.clone(),
            path,
            revision: source.file.sha256.clone(),
        })
}

/// Finds the snapshot of a source's revision in the Hub's cache; none unless all files that a loader needs are there.
pub(super) fn find_snapshot(source: &HubSource, settings: &Settings) -> Option<Snapshot> {
    let commit = if is_commit(&source.revision) {
        source.revision.clone()
    } else {
        std::fs::read_to_string(reference_path(source, settings))
            .ok()?
            .trim()
            .to_owned()
    };
    if !is_commit(&commit) {
        return None;
    }
    let directory = snapshot_directory(source, &commit, settings);
    let files = select_model_files(source, &list_file_names(&directory)).ok()?;
    let complete = files.iter().all(|file| {
        let size = std::fs::metadata(directory.join(&file.name))
            .map(|data| data.len())
            .ok();
        size.is_some() && (file.size.is_none() || file.size == size)
    });
    complete.then(|| Snapshot {
        files: files.into_iter().map(|file| file.name).collect(),
        directory,
        commit,
    })
}

/// Selects the files that a loader needs from the files `names` of a repository, small ones first.
///
/// # Errors
/// Fails with an error of kind `Model` if the repository has no weights in a known format, or no tokenizer.
pub(super) fn select_model_files(source: &HubSource, names: &[String]) -> Result<Vec<FileSpec>> {
    let plain = |name: &str| FileSpec {
        name: name.to_owned(),
        sha256: None,
        size: None,
    };
    if source.files.is_empty() && source.patterns.is_empty() {
        return Ok(choose_model_files(&source.repo, names)?
            .into_iter()
            .map(plain)
            .collect());
    }
    let mut files = source.files.clone();
    for pattern in &source.patterns {
        let known = files.len();
        files.extend(
            names
                .iter()
                .filter(|name| matches_pattern(pattern, name))
                .map(|name| plain(name)),
        );
        if files.len() == known {
            return Err(Error::model(format!("{} has no file like {pattern}", source.repo)));
        }
    }
    Ok(files)
}

/// Chooses the files to fetch of a repository that has no manifest. Weights are taken from safetensors if there are
/// any, otherwise from GGUF, otherwise from PyTorch pickles.
fn choose_model_files<'a>(repo: &str, names: &'a [String]) -> Result<Vec<&'a str>> {
    let get = |wanted: &str| names.iter().map(String::as_str).find(|name| *name == wanted);
    let ggufs: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| name.ends_with(".gguf") && !name.contains('/') && !name.starts_with("mmproj"))
        .collect();
    let q4_k_m: Vec<&str> = ggufs
        .iter()
        .copied()
        .filter(|name| name.to_ascii_lowercase().contains("q4_k_m"))
        .collect();
    let safetensors = get("model.safetensors")
        .map(|name| vec![name])
        .or_else(|| find_shards(names, "model-", ".safetensors"));
    let weights = match (safetensors, ggufs.as_slice(), q4_k_m.as_slice()) {
        (Some(weights), ..) => weights,
        (None, [gguf], _) | (None, _, [gguf]) => return Ok(vec![*gguf]),
        (None, [_, ..], _) => {
            return Err(Error::model(format!(
                "{repo} has several GGUF files and no Q4_K_M among them: {}",
                ggufs.join(", ")
            ))
            .hint(Hint::NameModelFile));
        }
        (None, [], _) => get("pytorch_model.bin")
            .map(|name| vec![name])
            .or_else(|| find_shards(names, "pytorch_model-", ".bin"))
            .ok_or_else(|| Error::model(format!("{repo} has no weights in safetensors, GGUF or PyTorch form")))?,
    };
    if get("config.json").is_none() || !TOKENIZER_FILE_NAMES.iter().any(|name| get(name).is_some()) {
        return Err(Error::model(format!(
            "{repo} has weights, but no config.json or no tokenizer"
        )));
    }
    let mut files: Vec<&str> = NON_WEIGHT_FILE_NAMES.iter().filter_map(|name| get(name)).collect();
    files.extend(weights);
    Ok(files)
}

/// Finds the shards called `PREFIX00001-of-00003SUFFIX` and so on; none unless all of them are there.
fn find_shards<'a>(names: &'a [String], prefix: &str, suffix: &str) -> Option<Vec<&'a str>> {
    let total_of = |name: &str| {
        let numbers = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        let (part, total) = numbers.split_once("-of-")?;
        part.parse::<usize>().ok().and(total.parse::<usize>().ok())
    };
    let mut parts: Vec<(&str, usize)> = names
        .iter()
        .filter_map(|name| Some((name.as_str(), total_of(name)?)))
        .collect();
    parts.sort_unstable();
    let whole = !parts.is_empty() && parts.iter().all(|(_, total)| *total == parts.len());
    whole.then(|| parts.into_iter().map(|(name, _)| name).collect())
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

    fn chosen(names: &[&str]) -> Result<Vec<String>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        match choose_model_files("a/b", &names) {
            Ok(files) => Ok(files.into_iter().map(str::to_owned).collect()),
            Err(error) => Err(error.message),
        }
    }

    #[test]
    fn weights_are_chosen_by_preference() {
        let base = ["config.json", "tokenizer.json", "README.md", "train/model.safetensors"];
        let with = |more: &[&str]| chosen(&[&base[..], more].concat()).map(|files| files[2..].join(" "));
        assert_eq!(
            with(&["model.safetensors", "pytorch_model.bin", "x.gguf"]).unwrap(),
            "model.safetensors"
        );
        assert_eq!(
            with(&[
                "model.safetensors.index.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors"
            ])
            .unwrap(),
            "model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors"
        );
        assert_eq!(
            with(&["pytorch_model.bin", "tf_model.h5"]).unwrap(),
            "pytorch_model.bin"
        );
        assert!(
            with(&["model-00001-of-00002.safetensors"])
                .unwrap_err()
                .contains("no weights")
        );
        assert!(with(&["tf_model.h5"]).unwrap_err().contains("no weights"));
        assert!(
            chosen(&["config.json", "model.safetensors"])
                .unwrap_err()
                .contains("no tokenizer")
        );
    }

    #[test]
    fn one_gguf_is_chosen() {
        assert_eq!(chosen(&["x.gguf", "README.md", "mmproj-x.gguf"]).unwrap(), ["x.gguf"]);
        assert_eq!(chosen(&["x-Q8_0.gguf", "x-Q4_K_M.gguf"]).unwrap(), ["x-Q4_K_M.gguf"]);
        assert!(
            chosen(&["x-Q8_0.gguf", "x-f16.gguf"])
                .unwrap_err()
                .contains("x-Q8_0.gguf, x-f16.gguf")
        );
    }

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
