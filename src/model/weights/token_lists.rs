//! Vocabularies that are lists of tokens, as CTranslate2 writes them beside a `model.bin`, with the special tokens that
//! `config.json` names.

use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Names of a vocabulary that source and target share, the newer form first.
pub(crate) const SHARED_NAMES: [&str; 2] = ["shared_vocabulary.json", "shared_vocabulary.txt"];
/// Names of the vocabularies of source and target.
pub(crate) const SIDE_NAMES: [[&str; 2]; 2] = [
    ["source_vocabulary.json", "source_vocabulary.txt"],
    ["target_vocabulary.json", "target_vocabulary.txt"],
];

/// Names that repositories give to SentencePiece models of source and target.
pub(crate) const SIDE_PIECE_NAMES: [(&str, &str); 4] = [
    ("source.spm", "target.spm"),
    ("src.spm.model", "tgt.spm.model"),
    ("source.spm.model", "target.spm.model"),
    ("source.model", "target.model"),
];
/// Names that repositories give to a SentencePiece model of both languages.
pub(crate) const SHARED_PIECE_NAMES: [&str; 6] = [
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "flores200_sacrebleu_tokenizer_spm.model",
];

/// Lists the names of all files that a vocabulary in lists, and its SentencePiece models, may be in.
pub(crate) fn token_file_names() -> impl Iterator<Item = &'static str> {
    let lists = SIDE_NAMES.into_iter().flatten().chain(SHARED_NAMES);
    let sides = SIDE_PIECE_NAMES
        .into_iter()
        .flat_map(|(source, target)| [source, target]);
    lists.chain(sides).chain(SHARED_PIECE_NAMES)
}

/// Whether the files that `has` knows by name include a vocabulary in lists.
pub(crate) fn has_lists(has: impl Fn(&str) -> bool) -> bool {
    let any = |names: [&str; 2]| names.into_iter().any(&has);
    any(SHARED_NAMES) || SIDE_NAMES.into_iter().all(any)
}

/// The tokens of a model in the order of their ids, and those with a special meaning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TokenLists {
    /// The file with the tokens of the source, for error messages.
    pub path: PathBuf,
    pub source: Vec<String>,
    /// The tokens of the target, if it has a list of its own.
    pub target: Option<Vec<String>>,
    /// The token for what the vocabulary lacks.
    pub unknown: String,
    /// The token that ends source and output.
    pub end: String,
    /// The token that the decoder reads first; none if the target's language token is the first.
    pub start: Option<String>,
}

impl TokenLists {
    /// Reads the vocabulary beside a `model.bin`, and the special tokens in `config` (the parsed `config.json`, or null
    /// if there is none).
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the file, if a file is missing or damaged, lacks a special token, or
    /// asks for something that plae does not do.
    pub fn read_ct2(directory: &Path, config: &Value) -> Result<Self> {
        let find = |names: &[&str]| names.iter().map(|name| directory.join(name)).find(|path| path.exists());
        let missing = |what: &str| {
            Error::model(format!("holds no {what}"))
                .path(directory)
                .hint("CTranslate2's models have a vocabulary beside model.bin; fetch the model again")
        };
        let (path, target) = match find(&SHARED_NAMES) {
            Some(shared) => (shared, None),
            None => {
                let [source, target] = SIDE_NAMES;
                let source =
                    find(&source).ok_or_else(|| missing("shared_vocabulary.json or source_vocabulary.json"))?;
                (
                    source,
                    Some(find(&target).ok_or_else(|| missing("target_vocabulary.json"))?),
                )
            }
        };
        let lists = Self {
            source: read_list(&path)?,
            target: target.as_deref().map(read_list).transpose()?,
            unknown: config["unk_token"].as_str().unwrap_or("<unk>").to_owned(),
            end: config["eos_token"].as_str().unwrap_or("</s>").to_owned(),
            start: match &config["decoder_start_token"] {
                Value::String(start) => Some(start.clone()),
                Value::Null if config.get("decoder_start_token").is_some() => None,
                _ => Some("<s>".to_owned()),
            },
            path,
        };
        if config["add_source_bos"] == true {
            return Err(
                Error::model("a source that begins with a token of its own is not supported")
                    .path(directory.join("config.json"))
                    .place("key add_source_bos"),
            );
        }
        for token in [Some(&lists.end), lists.start.as_ref()].into_iter().flatten() {
            if lists.target_id(token).is_none() {
                return Err(
                    Error::model(format!("lacks the token `{token}`, which config.json names"))
                        .path(target.as_ref().unwrap_or(&lists.path))
                        .hint("the files are not of one model; fetch the model again"),
                );
            }
        }
        Ok(lists)
    }

    /// Gives the tokens of the target.
    pub fn target_tokens(&self) -> &[String] {
        self.target.as_ref().unwrap_or(&self.source)
    }

    /// Gives the id of a token of the target.
    pub fn target_id(&self, token: &str) -> Option<u32> {
        let position = self.target_tokens().iter().position(|other| other == token);
        position.map(|id| id as u32)
    }

    /// Whether the target has any of these tokens, each looked up once.
    pub fn target_set(&self) -> HashSet<&str> {
        self.target_tokens().iter().map(String::as_str).collect()
    }
}

/// Reads a list of tokens: JSON, or a line for each.
fn read_list(path: &Path) -> Result<Vec<String>> {
    let hint = "the file is damaged; fetch it again";
    let bytes = std::fs::read(path).map_err(|error| {
        Error::model(format!("cannot be read: {error}"))
            .path(path)
            .source(error)
    })?;
    let tokens: Vec<String> = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::model("is not a list of tokens in JSON")
                .path(path)
                .place(format!("line {}", error.line()))
                .hint(hint)
                .source(error)
        })?
    } else {
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Error::model("is not UTF-8")
                .path(path)
                .place(format!("line {}", line + 1))
                .hint(hint)
        })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        text.split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned())
            .collect()
    };
    if tokens.is_empty() {
        return Err(Error::model("has no tokens").path(path).hint(hint));
    }
    Ok(tokens)
}
