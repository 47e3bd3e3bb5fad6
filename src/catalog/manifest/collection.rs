//! The collection of all manifests: the built-in ones and the user's.

use super::Manifest;
use crate::error::{Error, Result};
use rapidfuzz::distance::damerau_levenshtein;
use std::path::{Path, PathBuf};

/// The collection of all manifests, sorted by the models' rank, the best first.
#[derive(Clone, Debug)]
pub struct Manifests(Vec<Manifest>);

macro_rules! built_in {
    ($($name:literal)*) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../../models/", $name, ".toml")))),*]
    };
}

/// The manifests built into plae, as pairs of file name and TOML text.
pub(super) const BUILT_IN_MANIFESTS: &[(&str, &str)] = built_in! {
    "gemma-3-270m"
    "gemmax2-28-2b"
    "gemmax2-28-9b"
    "hy-mt2-1.8b"
    "hy-mt2-1.8b-q4"
    "hy-mt2-7b"
    "hy-mt2-7b-q4"
    "lmt-60-0.6b"
    "lmt-60-1.7b"
    "lmt-60-4b"
    "lmt-60-8b"
    "m2m100-1.2b"
    "m2m100-418m"
    "madlad400-3b"
    "mbart-large-50-many-to-one"
    "milmmt-46-12b"
    "milmmt-46-1b"
    "milmmt-46-4b"
    "nllb-200-distilled-1.3b"
    "nllb-200-distilled-600m"
    "opus-mt-tc-bible-big-tai"
    "opus-mt-th-en"
    "seed-x-ppo-7b"
    "small100"
    "translategemma-12b"
    "translategemma-4b"
    "typhoon-translate-4b"
    "typhoon-translate1.5-4b"
};

impl Manifests {
    /// Loads the built-in manifests and those in `directory` (`*.toml`), which replace built-in ones of the same
    /// name.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if the directory or one of its manifests cannot be read.
    pub fn load(directory: Option<&Path>) -> Result<Self> {
        let mut all = Vec::new();
        for (file, text) in BUILT_IN_MANIFESTS {
            all.push(Manifest::parse(text, &Path::new("models").join(file))?);
        }
        for path in directory.map(list_toml_files).transpose()?.unwrap_or_default() {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Error::model("cannot be read as a manifest").path(&path).source(error))?;
            let manifest = Manifest::parse(&text, &path)?;
            all.retain(|known: &Manifest| known.name != manifest.name);
            all.push(manifest);
        }
        all.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| a.name.cmp(&b.name)));
        Ok(Self(all))
    }

    /// Gives all manifests, the best model first.
    pub fn iter(&self) -> std::slice::Iter<'_, Manifest> {
        self.0.iter()
    }

    /// Finds the manifest of the model called `name`.
    pub fn get(&self, name: &str) -> Option<&Manifest> {
        self.iter().find(|manifest| manifest.name == name)
    }

    /// Finds up to three names of models that are similar to `name`, the most similar first.
    pub fn similar_names(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        let likeness = |other: &str| {
            if other.contains(&name) || name.contains(other) {
                1.0
            } else {
                damerau_levenshtein::normalized_similarity(name.chars(), other.chars())
            }
        };
        let mut names: Vec<(f64, &str)> = self.iter().map(|m| (likeness(&m.name), m.name.as_str())).collect();
        names.retain(|(likeness, _)| *likeness >= 0.5);
        names.sort_by(|a, b| b.0.total_cmp(&a.0));
        names.into_iter().map(|(_, name)| name).take(3).collect()
    }
}

/// Lists the manifest files (`*.toml`) in a directory, sorted by name.
pub(super) fn list_toml_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| {
        Error::model("the directory of manifests cannot be read")
            .path(directory)
            .source(error)
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
