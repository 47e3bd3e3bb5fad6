//! The vocabulary in a GGUF file's metadata: texts and types of the tokens, and the ends of a generation, by the rules of
//! llama.cpp (`llama-vocab.cpp`, `llama_vocab::impl::load`).
//!
//! Files name one end by a key and often leave out others that the model writes, such as the end of a turn. llama.cpp
//! knows these by their texts, and takes them for control tokens whatever type the file gives them.

use super::pieces::PieceType;
use crate::error::{Error, Result};
use crate::model::weights::gguf::GgufFile;
use std::collections::BTreeSet;

/// The texts that end a generation wherever they are tokens.
const END_TEXTS: [&str; 22] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
];
/// Keys of the metadata that name an end, each with the texts that name it where the key is missing.
const END_KEYS: [(&str, &[&str]); 6] = [
    ("eos_token_id", &[]),
    ("eot_token_id", &[]),
    ("eom_token_id", &[]),
    (
        "fim_pad_token_id",
        &["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
    ),
    (
        "fim_rep_token_id",
        &["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
    ),
    ("fim_sep_token_id", &["<|file_sep|>"]),
];
/// Keys with lists of ends, which converters other than llama.cpp's write.
const END_LISTS: [&str; 3] = ["eos_token_ids", "eog_token_ids", "eot_token_ids"];
/// The tokens of a GGUF file.
pub struct GgufVocabulary<'a> {
    /// The text of each token.
    pub texts: Vec<&'a str>,
    /// The type of each token.
    pub types: Vec<PieceType>,
    /// The tokens that end a generation, ascending.
    pub ends: Vec<u32>,
}

impl<'a> GgufVocabulary<'a> {
    /// Reads the vocabulary from the `tokenizer.ggml.*` metadata of a GGUF file.
    ///
    /// # Errors
    /// Kind `Model`, with the key, if the vocabulary is missing or inconsistent, if a key names a token that it does not
    /// have, or if nothing says how a generation ends.
    pub fn read(gguf: &'a GgufFile) -> Result<Self> {
        let fail = |place: &str, message: String| Error::model(message).path(gguf.path()).place(format!("key {place}"));
        let texts = gguf.read_array("tokenizer.ggml.tokens")?;
        let types = gguf.read_array("tokenizer.ggml.token_type")?;
        if types.len() != texts.len() {
            let message = format!("{} tokens, {} types", texts.len(), types.len());
            return Err(fail("tokenizer.ggml.tokens", message));
        }
        if u32::try_from(texts.len()).is_err() {
            return Err(fail("tokenizer.ggml.tokens", "too many tokens".to_owned()));
        }
        let texts = texts.iter().enumerate().map(|(index, text)| {
            let text = text.as_text();
            text.ok_or_else(|| fail("tokenizer.ggml.tokens", format!("token {index} is no text")))
        });
        let texts = texts.collect::<Result<Vec<_>>>()?;
        let types = types.iter().enumerate().map(|(index, kind)| {
            let kind = kind.as_integer();
            let kind = kind.ok_or_else(|| fail("tokenizer.ggml.token_type", format!("token {index} has no number")))?;
            Ok(PieceType::from_number(u64::try_from(kind).unwrap_or_default()))
        });
        let types = types.collect::<Result<Vec<_>>>()?;
        let mut vocabulary = Self {
            texts,
            types,
            ends: Vec::new(),
        };
        vocabulary.ends = vocabulary.find_ends(gguf)?.into_iter().collect();
        Ok(vocabulary)
    }

    /// Finds the tokens that end a generation: those that keys name, and those whose texts llama.cpp knows. The latter
    /// become control tokens.
    fn find_ends(&mut self, gguf: &GgufFile) -> Result<BTreeSet<u32>> {
        let mut ends = BTreeSet::new();
        for (key, texts) in END_KEYS {
            let named = token_id(gguf, key, self.texts.len())?;
            let found = self
                .texts
                .iter()
                .position(|text| texts.contains(text))
                .filter(|_| named.is_none());
            if let Some(index) = found {
                self.types[index] = PieceType::Control;
            }
            ends.extend(named.or(found.map(|index| index as u32)));
        }
        for key in END_LISTS.map(|key| format!("tokenizer.ggml.{key}")) {
            for id in gguf.read_array(&key).unwrap_or_default() {
                let id = id.as_integer().and_then(|id| u32::try_from(id).ok());
                let id = id.filter(|id| (*id as usize) < self.texts.len());
                ends.insert(id.ok_or_else(|| {
                    let error = Error::model("holds what is not a token").path(gguf.path());
                    error.place(format!("key {key}"))
                })?);
            }
        }
        for (index, text) in self.texts.iter().enumerate() {
            if END_TEXTS.contains(text) {
                self.types[index] = PieceType::Control;
                ends.insert(index as u32);
            }
        }
        // Where a model has other ends of its parts and of its whole, these two are ordinary.
        let has = |wanted: &str| ends.iter().any(|id| self.texts[*id as usize] == wanted);
        let calls = has("<|call|>") || has("<|calls|>");
        let mut ordinary = Vec::new();
        if (has("<|return|>") && has("<|call|>")) || (calls && has("<|flush|>")) {
            ordinary.push(("<|end|>", PieceType::UserDefined));
        }
        if has("<|tool_response>") || has("<|plamo:eos|>") {
            ordinary.push(("</s>", PieceType::Normal));
        }
        for (text, piece_type) in ordinary {
            for index in (0..self.texts.len()).filter(|index| self.texts[*index] == text) {
                if ends.remove(&(index as u32)) {
                    self.types[index] = piece_type;
                }
            }
        }
        if gguf.metadata_value("tokenizer.ggml.eos_token_id").is_none() {
            // What sentencepiece numbers so unless told otherwise, and llama.cpp takes. For other vocabularies it takes
            // token 11, which in all of them is a comma.
            if gguf.read_string("tokenizer.ggml.model") != Some("llama") || self.texts.len() <= 2 {
                return Err(Error::model("missing; the token that ends a text is expected")
                    .path(gguf.path())
                    .place("key tokenizer.ggml.eos_token_id")
                    .hint("the conversion to GGUF is not whole; take another file of the model"));
            }
            ends.insert(2);
        }
        Ok(ends)
    }
}

/// Reads the number of a special token from `tokenizer.ggml.KEY`; none if the file does not have the key.
///
/// # Errors
/// Kind `Model`, with the key, if the vocabulary of `tokens` tokens has no such token.
pub fn token_id(gguf: &GgufFile, key: &str, tokens: usize) -> Result<Option<u32>> {
    let key = format!("tokenizer.ggml.{key}");
    let Some(value) = gguf.metadata_value(&key) else {
        return Ok(None);
    };
    match value.as_integer().and_then(|id| u32::try_from(id).ok()) {
        Some(id) if (id as usize) < tokens => Ok(Some(id)),
        _ => {
            let shown = value
                .as_integer()
                .map_or_else(|| "the value".to_owned(), |id| id.to_string());
            let message = format!("{shown} is not one of the {tokens} tokens");
            Err(Error::model(message).path(gguf.path()).place(format!("key {key}")))
        }
    }
}
