//! Tokenizers: text to ids and back, from a model's own files.
//!
//! | files | by |
//! |---|---|
//! | a GGUF vocabulary of kind `llama` | `spm` |
//! | a GGUF vocabulary of kind `gpt2` | `bpe`, over the `tokenizers` crate |
//! | tokenizer.json | `json`, over the `tokenizers` crate |
//! | `*.spm`, `*.model` with what transformers keeps beside them | `encdec`, over `sentencepiece` |
//!
//! Which of the last two reads a directory is decided as `AutoTokenizer` decides it: tokenizer.json where it is there and the
//! class has a reader for it, which those of Marian and M2M-100 have not.

mod added;
mod bpe;
mod chat;
mod encdec;
mod files;
mod json;
mod merge;
mod normalizer;
mod pieces;
mod proto;
mod script;
mod sentencepiece;
mod spm;
mod trie;

#[cfg(test)]
mod tests;

pub use chat::ChatTemplate;

use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::weights::gguf::Gguf;
use encdec::{EncoderDecoder, plain};
use files::Settings;
use json::Json;
use pieces::Role;
use spm::SpmTokenizer;
use std::path::Path;

/// Classes of transformers that put their begin token first unless `add_bos_token` says no, and that token where no file names it.
/// The architecture says the same of checkpoints that name no class.
const DEFAULT_BOS: [(&str, &str); 2] = [("LlamaTokenizer", "<s>"), ("GemmaTokenizer", "<bos>")];

/// A model's tokenizer.
pub struct Tokenizer(Kind);

enum Kind {
    Spm(Box<SpmTokenizer>),
    EncoderDecoder(Box<EncoderDecoder>),
    Json(Box<Json>),
}

impl Tokenizer {
    /// The tokenizer inside a GGUF file.
    ///
    /// # Errors
    /// Of kind `Model` where the vocabulary is missing, of another kind, or inconsistent.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        Ok(Self(match gguf.string("tokenizer.ggml.model") {
            Some("gpt2") => Kind::Json(Box::new(bpe::from_gguf(gguf)?)),
            _ => Kind::Spm(Box::new(SpmTokenizer::from_gguf(gguf)?)),
        }))
    }

    /// The tokenizer of a checkpoint directory whose config.json says `model_type`: `marian`, `m2m_100`, `mbart`, `t5`
    /// (also `mt5`, `umt5`), or any other that has a tokenizer.json, whose model then is taken to have no encoder.
    ///
    /// # Errors
    /// Of kind `Model` where a file is missing or damaged, or the type is none of these.
    pub fn from_directory(directory: &Path, model_type: &str) -> Result<Self> {
        // What an error says itself about the way out goes before this.
        Self::read(directory, model_type)
            .map_err(|error| error.hint("a tokenizer file is damaged or not whole; fetch the model again"))
    }

    fn read(directory: &Path, model_type: &str) -> Result<Self> {
        let settings = Settings::open(directory)?;
        let has = |name: &str| directory.join(name).exists();
        let class = settings.text("tokenizer_class").unwrap_or_default().to_owned();
        let named = class.strip_suffix("Fast").unwrap_or(&class);
        let nllb = named == "NllbTokenizer" || (has("tokenizer.json") && !has("vocab.json"));
        let python = match model_type {
            "marian" => EncoderDecoder::marian(directory, settings)?,
            "m2m_100" if !nllb => EncoderDecoder::m2m100(directory, settings)?,
            "m2m_100" | "mbart" | "t5" | "mt5" | "umt5" if has("tokenizer.json") => {
                let json = Json::open(&directory.join("tokenizer.json"), &settings)?;
                return Ok(Self(Kind::Json(Box::new(json))));
            }
            "m2m_100" => EncoderDecoder::nllb(directory, settings)?,
            "mbart" => EncoderDecoder::mbart(directory, settings, named != "MBartTokenizer")?,
            "t5" | "mt5" | "umt5" => EncoderDecoder::t5(directory, settings)?,
            _ if has("tokenizer.json") => {
                let json = Json::open(&directory.join("tokenizer.json"), &settings)?;
                // Two classes do not go by the file.
                let default = match named {
                    "" => Architecture::from_model_type(model_type).and_then(Architecture::default_bos),
                    class => DEFAULT_BOS
                        .iter()
                        .find(|(name, _)| *name == class)
                        .map(|(_, token)| *token),
                };
                let bos = match default {
                    None => json.template_bos(),
                    Some(_) if !settings.flag("add_bos_token", true)? => None,
                    Some(token) => {
                        let token = settings.token("bos_token", &[plain("bos_token", token)])?;
                        token.and_then(|token| json.token_to_id(&token.content))
                    }
                };
                return Ok(Self(Kind::Json(Box::new(json.with_bos(bos)))));
            }
            other => {
                let message = format!("no tokenizer for a model of type `{other}`");
                return Err(Error::model(message)
                    .path(directory.join("config.json"))
                    .place("model_type")
                    .hint("models without an encoder need a tokenizer.json beside it"));
            }
        };
        Ok(Self(Kind::EncoderDecoder(Box::new(python))))
    }

    /// One more than the highest id of a token.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Spm(spm) => spm.len(),
            Kind::EncoderDecoder(python) => python.len(),
            Kind::Json(json) => json.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id that opens every prompt of a model without an encoder, where it wants one.
    pub fn bos_id(&self) -> Option<u32> {
        match &self.0 {
            Kind::Spm(spm) => spm.bos_id(),
            Kind::EncoderDecoder(_) => None,
            Kind::Json(json) => json.bos_id(),
        }
    }

    /// Whether a text that closes with an end token itself is not given another.
    pub fn adds_eos_if_absent(&self) -> bool {
        matches!(&self.0, Kind::EncoderDecoder(python) if python.adds_eos_if_absent())
    }

    /// The id of exactly this token of the vocabulary or among the added ones, such as `</s>`, `__en__`, `eng_Latn`,
    /// `en_XX`, `>>eng<<` or `<2en>`.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        match &self.0 {
            Kind::Spm(spm) => spm.token_to_id(token),
            Kind::EncoderDecoder(python) => python.token_to_id(token),
            Kind::Json(json) => json.token_to_id(token),
        }
    }

    /// Text to ids. Nothing is added in front or at the end: no begin, end or language tokens.
    ///
    /// Special tokens written in the text are taken as such where transformers does so, with GGUF as from the files it was made of.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match &self.0 {
            Kind::Spm(spm) => spm.encode(text),
            Kind::EncoderDecoder(python) => python.encode(text),
            Kind::Json(json) => json.encode(text),
        }
    }

    /// Ids to text, as `decode(ids, skip_special_tokens=True)` of transformers, and with its default for
    /// `clean_up_tokenization_spaces`, which is false unless tokenizer_config.json says otherwise.
    ///
    /// White space at both ends is left out where there is an encoder; else the prompt has a say in it. Ids without a token are no
    /// text.
    pub fn decode(&self, ids: &[u32]) -> String {
        match &self.0 {
            Kind::Spm(spm) => spm.decode(ids),
            Kind::EncoderDecoder(python) => python.decode(ids),
            Kind::Json(json) => json.decode(ids),
        }
    }

    /// Ids that English output can use, ascending: added, control, user-defined and byte tokens; single characters of every
    /// script; and whatever has no letters but Latin ones.
    ///
    /// With Marian, of the rest only what target.spm holds: nothing else occurs in what such a model was trained to write.
    pub fn english_ids(&self) -> Vec<u32> {
        match &self.0 {
            Kind::Spm(spm) => {
                let plain = |role| matches!(role, Role::Normal | Role::Unused);
                let kept = spm
                    .pieces()
                    .filter(|(_, piece, role)| !plain(*role) || script::serves_english(piece));
                kept.map(|(id, ..)| id).collect()
            }
            Kind::EncoderDecoder(python) => python.english_ids(),
            Kind::Json(json) => json.english_ids(),
        }
    }

    /// The tokens whose text holds any of these strings; that of a special token is its name.
    pub fn ids_containing(&self, strings: &[String]) -> Vec<u32> {
        if strings.is_empty() {
            return Vec::new();
        }
        let holds = |id: &u32| {
            let text = match &self.0 {
                Kind::Spm(spm) => spm.text(*id),
                Kind::EncoderDecoder(python) => python.text(*id),
                Kind::Json(json) => json.text(*id),
            };
            strings.iter().any(|string| text.contains(string.as_str()))
        };
        (0..self.len() as u32).filter(holds).collect()
    }
}
