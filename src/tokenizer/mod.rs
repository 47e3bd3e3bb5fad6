//! Tokenizers, which encode text to token ids and decode ids to text as the files of a model say; and chat templates.
//!
//! | files | module |
//! |---|---|
//! | GGUF with `tokenizer.ggml.model` = `llama` | `spm` |
//! | GGUF with `tokenizer.ggml.model` = `gpt2` | `bpe`, run by the `tokenizers` crate |
//! | tokenizer.json | `json`, run by the `tokenizers` crate |
//! | `*.spm` or `*.model`, with vocab.json and tokenizer_config.json | `encoder_decoder`, over `sentencepiece` |
//!
//! A directory with both tokenizer.json and a sentencepiece model is treated as transformers' `AutoTokenizer` treats
//! it: tokenizer.json is used, except for Marian and M2M-100, whose classes cannot read it.

mod added;
mod bpe;
mod chat;
mod cleanup;
mod config;
mod control;
mod encoder_decoder;
mod gguf_vocabulary;
mod jinja;
mod json;
mod merge;
mod normalizer;
mod pieces;
mod proto;
mod script;
mod search;
mod sentencepiece;
mod spm;
mod trie;

#[cfg(test)]
mod gguf_tests;
#[cfg(test)]
mod tests;

pub use chat::{ChatTemplate, Conversation};

use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::weights::gguf::GgufFile;
use crate::model::weights::token_lists::TokenLists;
use config::{TokenizerConfig, default_special_token};
use control::is_marker;
use encoder_decoder::EncoderDecoder;
use gguf_vocabulary::GgufVocabulary;
use json::TokenizerJson;
use pieces::PieceType;
use spm::SpmTokenizer;
use std::ops::Range;
use std::path::Path;

/// The tokenizer classes that put a begin token first unless `add_bos_token` is false, whatever tokenizer.json says.
///
/// Each row has the class and the begin token to use if no file of the checkpoint names one. For checkpoints that name
/// no class, the architecture decides ([`Architecture::default_bos`]).
const DEFAULT_BOS_TOKENS: [(&str, &str); 2] = [("LlamaTokenizer", "<s>"), ("GemmaTokenizer", "<bos>")];

/// The tokenizer of a model, which converts between text and token ids.
pub struct Tokenizer(TokenizerKind);

enum TokenizerKind {
    Spm(Box<SpmTokenizer>),
    EncoderDecoder(Box<EncoderDecoder>),
    Json(Box<TokenizerJson>),
}

impl Tokenizer {
    /// Builds the tokenizer from the metadata of a GGUF file.
    ///
    /// # Errors
    /// Kind `Model` if the vocabulary is missing, of an unknown kind, or inconsistent.
    pub fn from_gguf(gguf: &GgufFile) -> Result<Self> {
        Ok(Self(match gguf.read_string("tokenizer.ggml.model") {
            Some("gpt2") => TokenizerKind::Json(Box::new(bpe::from_gguf(gguf)?)),
            _ => TokenizerKind::Spm(Box::new(SpmTokenizer::from_gguf(gguf)?)),
        }))
    }

    /// Returns the tokens that end a generation by a GGUF file's metadata, ascending.
    ///
    /// # Errors
    /// Kind `Model` if the vocabulary is missing or inconsistent.
    pub fn gguf_end_ids(gguf: &GgufFile) -> Result<Vec<u32>> {
        Ok(GgufVocabulary::read(gguf)?.ends)
    }

    /// Loads the tokenizer of a checkpoint directory.
    ///
    /// `model_type` is the setting of that name in config.json: `marian`, `m2m_100`, `mbart`, `t5`, `mt5` or `umt5`.
    /// Any other type is taken for a decoder-only model and needs a tokenizer.json.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing or damaged, or there is no tokenizer for the type.
    pub fn from_directory(directory: &Path, model_type: &str) -> Result<Self> {
        // This hint is kept only if the error has none of its own.
        Self::load_from_directory(directory, model_type)
            .map_err(|error| error.hint("a tokenizer file is damaged or not whole; fetch the model again"))
    }

    /// Loads the tokenizer of a model in CTranslate2's format, whose ids are the places in `lists`.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing or damaged, or if a tokenizer.json without a SentencePiece model beside it
    /// gives other ids.
    pub(crate) fn from_token_lists(directory: &Path, lists: &TokenLists, architecture: Architecture) -> Result<Self> {
        let config = TokenizerConfig::open(directory)?;
        let json = directory.join("tokenizer.json");
        if EncoderDecoder::find_piece_models(directory).is_some() || !json.exists() {
            let tokenizer = EncoderDecoder::open_lists(directory, &config, lists, architecture)?;
            return Ok(Self(TokenizerKind::EncoderDecoder(Box::new(tokenizer))));
        }
        let tokenizer = TokenizerJson::open(&json, &config)?;
        let differs =
            |(id, token): &(usize, &String)| tokenizer.token_to_id(token).is_some_and(|own| own as usize != *id);
        match lists.source.iter().enumerate().find(differs) {
            _ if lists.target.is_some() => Err(Error::model("is one tokenizer for two vocabularies")
                .path(json)
                .hint("put the SentencePiece models beside model.bin: source.spm and target.spm")),
            Some((id, token)) => Err(Error::model(format!("has another id than {id} for `{token}`"))
                .path(json)
                .hint("the files are not of one model; fetch the model again")),
            None => Ok(Self(TokenizerKind::Json(Box::new(tokenizer)))),
        }
    }

    /// Chooses the tokenizer of a checkpoint directory by its files and `model_type`, and loads it.
    fn load_from_directory(directory: &Path, model_type: &str) -> Result<Self> {
        let config = TokenizerConfig::open(directory)?;
        let has = |name: &str| directory.join(name).exists();
        let class = config.string_setting("tokenizer_class").unwrap_or_default().to_owned();
        let named = class.strip_suffix("Fast").unwrap_or(&class);
        let nllb = named == "NllbTokenizer" || (has("tokenizer.json") && !has("vocab.json"));
        let encoder_decoder = match model_type {
            "marian" => EncoderDecoder::open_marian(directory, config)?,
            "m2m_100" if !nllb => EncoderDecoder::open_m2m100(directory, config)?,
            "m2m_100" | "mbart" | "t5" | "mt5" | "umt5" if has("tokenizer.json") => {
                let json = TokenizerJson::open(&directory.join("tokenizer.json"), &config)?;
                return Ok(Self(TokenizerKind::Json(Box::new(json))));
            }
            "m2m_100" => EncoderDecoder::open_nllb(directory, config)?,
            "mbart" => EncoderDecoder::open_mbart(directory, config, named != "MBartTokenizer")?,
            "t5" | "mt5" | "umt5" => EncoderDecoder::open_t5(directory, config)?,
            _ if has("tokenizer.json") => {
                let json = TokenizerJson::open(&directory.join("tokenizer.json"), &config)?;
                // The classes with a default begin token ignore the post-processor of tokenizer.json.
                let default = match named {
                    "" => Architecture::from_model_type(model_type).and_then(Architecture::default_bos),
                    class => DEFAULT_BOS_TOKENS
                        .iter()
                        .find(|(name, _)| *name == class)
                        .map(|(_, token)| *token),
                };
                let bos = match default {
                    None => json.post_processor_bos(),
                    Some(_) if !config.bool_setting("add_bos_token", true)? => None,
                    Some(token) => {
                        let token = config.special_token("bos_token", &[default_special_token("bos_token", token)])?;
                        token.and_then(|token| json.token_to_id(&token.content))
                    }
                };
                return Ok(Self(TokenizerKind::Json(Box::new(json.for_decoder_only(bos)))));
            }
            other => {
                let message = format!("no tokenizer for a model of type `{other}`");
                return Err(Error::model(message)
                    .path(directory.join("config.json"))
                    .place("model_type")
                    .hint("models without an encoder need a tokenizer.json beside it"));
            }
        };
        Ok(Self(TokenizerKind::EncoderDecoder(Box::new(encoder_decoder))))
    }

    /// Returns the number of token ids: one more than the highest id.
    pub fn len(&self) -> usize {
        match &self.0 {
            TokenizerKind::Spm(spm) => spm.len(),
            TokenizerKind::EncoderDecoder(encoder_decoder) => encoder_decoder.len(),
            TokenizerKind::Json(json) => json.len(),
        }
    }

    /// Whether the tokenizer has no tokens.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the id of the begin token (BOS) that opens every prompt of a decoder-only model; `None` if the model
    /// uses no begin token, or has an encoder.
    pub fn bos_id(&self) -> Option<u32> {
        match &self.0 {
            TokenizerKind::Spm(spm) => spm.bos_id(),
            TokenizerKind::EncoderDecoder(_) => None,
            TokenizerKind::Json(json) => json.bos_id(),
        }
    }

    /// Whether the end token must be added to a source only if the source does not end with it already, as T5 does
    /// (`_add_eos_if_not_present`).
    pub fn adds_eos_if_absent(&self) -> bool {
        matches!(&self.0, TokenizerKind::EncoderDecoder(encoder_decoder) if encoder_decoder.adds_eos_if_absent())
    }

    /// Returns the id of a token of the vocabulary or of an added token, such as `</s>`, `__en__`, `eng_Latn`, `en_XX`,
    /// `>>eng<<` or `<2en>`.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        match &self.0 {
            TokenizerKind::Spm(spm) => spm.token_to_id(token),
            TokenizerKind::EncoderDecoder(encoder_decoder) => encoder_decoder.token_to_id(token),
            TokenizerKind::Json(json) => json.token_to_id(token),
        }
    }

    /// Encodes a text of which no part is an article's: control tokens that are written in it become their ids where
    /// transformers does so. Nothing is added at either end: no begin, end or language tokens.
    ///
    /// A tokenizer from a GGUF file gives the same ids as a tokenizer from the files that the GGUF file was made of. A
    /// text that cannot be cut into tokens gives no ids.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_prompt(text, 0..0).unwrap_or_default()
    }

    /// Encodes a source text, in which control tokens are text; see [`Self::encode_prompt`].
    pub fn encode_source(&self, text: &str) -> Vec<u32> {
        self.encode_prompt(text, 0..text.len()).unwrap_or_default()
    }

    /// Encodes a translation as a model writes it, with the target language's own pieces if the tokenizer has some. Nothing
    /// is added at either end, and control tokens are text.
    pub fn encode_target(&self, text: &str) -> Vec<u32> {
        match &self.0 {
            TokenizerKind::EncoderDecoder(encoder_decoder) => encoder_decoder.encode_target(text),
            _ => self.encode_source(text),
        }
    }

    /// Encodes a piece of an output as the model would write it in running text, after a space if `after_space` is set.
    /// With an encoder, every text is taken to follow a space. Returns `None` if the tokens do not give the same text, as
    /// where a character has no token.
    pub fn encode_output(&self, text: &str, after_space: bool) -> Option<Vec<u32>> {
        let ids = match &self.0 {
            TokenizerKind::EncoderDecoder(_) => self.encode_target(text),
            _ if after_space => self.encode_target(&format!(" {text}")),
            _ => self.encode_target(text),
        };
        (!ids.is_empty() && self.decode(&ids).trim() == text).then_some(ids)
    }

    /// Encodes a prompt that holds a source text as its bytes `source`. Control tokens that touch the source are text,
    /// as `split_special_tokens` of transformers makes them: a source cannot end a turn or choose a language. Those in
    /// the rest of the prompt become their ids.
    ///
    /// # Errors
    /// Kind `Model` if the tokenizer cannot cut the text into tokens.
    pub fn encode_prompt(&self, text: &str, source: Range<usize>) -> Result<Vec<u32>> {
        match &self.0 {
            TokenizerKind::Spm(spm) => Ok(spm.encode(text, &source)),
            TokenizerKind::EncoderDecoder(encoder_decoder) => Ok(encoder_decoder.encode(text, &source)),
            TokenizerKind::Json(json) => json.encode(text, &source).map_err(|e| {
                let start: String = text[source].chars().take(40).collect();
                Error::model(format!("the tokenizer cannot cut `{start}` into tokens")).source(e)
            }),
        }
    }

    /// Whether a text is the name of a token that stands for no text of its own, such as `<|im_end|>` or `</s>`.
    pub fn is_control_token(&self, token: &str) -> bool {
        self.token_to_id(token).is_some_and(|id| match &self.0 {
            TokenizerKind::Spm(spm) => spm.is_control(id),
            TokenizerKind::EncoderDecoder(_) => is_marker(token),
            TokenizerKind::Json(json) => json.is_control(id),
        })
    }

    /// Decodes token ids to text, like `decode(ids, skip_special_tokens=True)` of transformers.
    /// `clean_up_tokenization_spaces` is false unless tokenizer_config.json sets it.
    ///
    /// White space at both ends is dropped if the model has an encoder, else kept. Ids without a token are skipped.
    pub fn decode(&self, ids: &[u32]) -> String {
        match &self.0 {
            TokenizerKind::Spm(spm) => spm.decode(ids),
            TokenizerKind::EncoderDecoder(encoder_decoder) => encoder_decoder.decode(ids),
            TokenizerKind::Json(json) => json.decode(ids),
        }
    }

    /// Returns the ids of the tokens that an English output can be made of, ascending: added, control, user-defined and
    /// byte tokens; single characters of every script; and tokens whose only letters are Latin.
    ///
    /// For Marian, the tokens must also be in target.spm, since the model was trained to write no others.
    pub fn english_ids(&self) -> Vec<u32> {
        match &self.0 {
            TokenizerKind::Spm(spm) => {
                let is_text = |piece_type| matches!(piece_type, PieceType::Normal | PieceType::Unused);
                let kept = spm
                    .pieces()
                    .filter(|(_, piece, piece_type)| !is_text(*piece_type) || script::can_be_english(piece));
                kept.map(|(id, ..)| id).collect()
            }
            TokenizerKind::EncoderDecoder(encoder_decoder) => encoder_decoder.english_ids(),
            TokenizerKind::Json(json) => json.english_ids(),
        }
    }

    /// Returns the ids, ascending, of the tokens whose text contains any of these strings. For a decoder-only model,
    /// the text of a special token is its name.
    pub fn ids_containing(&self, strings: &[String]) -> Vec<u32> {
        if strings.is_empty() {
            return Vec::new();
        }
        let holds = |id: &u32| {
            let text = match &self.0 {
                TokenizerKind::Spm(spm) => spm.token_text(*id),
                TokenizerKind::EncoderDecoder(encoder_decoder) => encoder_decoder.token_text(*id),
                TokenizerKind::Json(json) => json.token_text(*id),
            };
            strings.iter().any(|string| text.contains(string.as_str()))
        };
        (0..self.len() as u32).filter(holds).collect()
    }
}
