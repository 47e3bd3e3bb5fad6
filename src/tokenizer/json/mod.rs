//! Tokenizers from tokenizer.json, run by the `tokenizers` crate and loaded like `PreTrainedTokenizerFast` of
//! transformers 4.57.

mod added;
mod limits;

use super::cleanup::{clean_up_tokenization, is_space};
use super::config::{TOKEN_ID_LIMIT, TokenizerConfig, read_file};
use super::control::{is_marker, overlaps};
use super::pieces::{SPACE_MARK, parse_byte_piece};
use super::script::{bytes_can_be_english, can_be_english};
use crate::error::{Error, Result};
use added::{AddedTokens, original_range};
use hashbrown::HashSet;
use std::ops::Range;
use std::path::Path;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{
    AddedToken, DecoderWrapper, Model, ModelWrapper, Normalizer, OffsetType, PreTokenizedString, PreTokenizer, Token,
    Tokenizer,
};

/// A tokenizer of the `tokenizers` crate, read from tokenizer.json or built from GGUF metadata.
pub struct TokenizerJson {
    inner: Tokenizer,
    added: AddedTokens,
    /// The ids of tokens that stand for no text of their own: special tokens, languages, bytes.
    control_ids: HashSet<u32>,
    /// The number of token ids: one more than the highest id.
    len: usize,
    /// Whether decoding drops spaces before punctuation (`clean_up_tokenization_spaces`).
    cleans_up: bool,
    /// Whether decoding drops white space at both ends.
    trims: bool,
    /// Whether each character of a token stands for a byte, as in GPT-2.
    is_byte_level: bool,
    /// The id of the begin token (BOS) that opens every prompt, if the model uses one.
    bos: Option<u32>,
}

impl TokenizerJson {
    /// Loads a tokenizer.json, with the settings of the tokenizer_config.json beside it.
    ///
    /// # Errors
    /// Kind `Model` if the file is missing or damaged.
    pub fn open(path: &Path, config: &TokenizerConfig) -> Result<Self> {
        let fail = |e: tokenizers::Error| Error::model("cannot be read as a tokenizer").path(path).source(e);
        let bytes = read_file(path)?;
        limits::check(path, &bytes)?;
        let mut inner = Tokenizer::from_bytes(bytes).map_err(fail)?;
        inner.with_truncation(None).map_err(fail)?;
        inner.with_padding(None);
        inner.set_encode_special_tokens(config.bool_setting("split_special_tokens", false)?);
        if let Some(PreTokenizerWrapper::ByteLevel(bytes)) = inner.get_pre_tokenizer() {
            let bytes = bytes.add_prefix_space(config.bool_setting("add_prefix_space", false)?);
            inner.with_pre_tokenizer(Some(bytes));
        }
        // tokenizer_config.json overrides added tokens, and may name special tokens that tokenizer.json lacks.
        let mut tokens = config.added_tokens.clone();
        tokens.sort_by_key(|(id, _)| *id);
        let special = config.all_special_tokens(&[])?;
        let known = inner.get_added_vocabulary().get_vocab();
        let mut tokens: Vec<_> = tokens.into_iter().map(|(_, token)| token).collect();
        let more = special.iter().filter(|token| !known.contains_key(&token.content));
        let more: Vec<_> = more
            .filter(|token| tokens.iter().all(|other| other.content != token.content))
            .collect();
        tokens.extend(more.into_iter().cloned());
        let tokens = tokens.into_iter().map(|token| AddedToken {
            special: token.special || special.iter().any(|other| other.content == token.content),
            content: token.content,
            single_word: false,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized,
        });
        inner.add_tokens(tokens).map_err(fail)?;
        // Without an unknown token, encoding fails at the first character that has no token. Fail here rather than in
        // an article.
        inner.encode_fast("\u{e000}\u{10fffd}", false).map_err(fail)?;
        let cleans_up = config.bool_setting("clean_up_tokenization_spaces", false)?;
        Self::new(inner, cleans_up).map_err(|e| e.path(path))
    }

    /// Wraps a tokenizer of the `tokenizers` crate for an encoder-decoder model. `cleans_up` is the setting
    /// `clean_up_tokenization_spaces`.
    ///
    /// # Errors
    /// Kind `Model` for an id that no vocabulary has, or for added tokens that cannot be searched for.
    pub fn new(inner: Tokenizer, cleans_up: bool) -> Result<Self> {
        let highest = inner.get_vocab(true).into_values().max();
        if let Some(id) = highest.filter(|id| *id >= TOKEN_ID_LIMIT) {
            return Err(Error::model(format!(
                "token id {id}, less than {TOKEN_ID_LIMIT} expected"
            )));
        }
        let added = AddedTokens::new(&inner)
            .map_err(|e| Error::model(format!("its added tokens cannot be used: {e}")).source(e))?;
        let mut control_ids: HashSet<u32> = added.ids().filter(|id| added.is_control(*id)).collect();
        let vocabulary = inner.get_vocab(false).into_iter();
        control_ids.extend(
            vocabulary
                .filter(|(token, _)| parse_byte_piece(token).is_some())
                .map(|(_, id)| id),
        );
        if let ModelWrapper::Unigram(model) = inner.get_model() {
            // Pieces that were learned have negative scores; a language such as `<2de>` has none.
            let pieces = (0..).zip(model.iter());
            control_ids.extend(
                pieces
                    .filter(|(_, (piece, score))| *score >= 0.0 && is_marker(piece))
                    .map(|(id, _)| id),
            );
        }
        let is_bytes = |decoder: &DecoderWrapper| matches!(decoder, DecoderWrapper::ByteLevel(_));
        let is_byte_level = match inner.get_decoder() {
            Some(DecoderWrapper::Sequence(all)) => all.get_decoders().iter().any(is_bytes),
            decoder => decoder.is_some_and(is_bytes),
        };
        Ok(Self {
            len: highest.map_or(0, |id| id as usize + 1),
            inner,
            added,
            control_ids,
            cleans_up,
            trims: true,
            is_byte_level,
            bos: None,
        })
    }

    /// Changes the tokenizer for a decoder-only model: prompts open with the begin token `bos`, and decoding keeps
    /// white space at both ends.
    pub fn for_decoder_only(self, bos: Option<u32>) -> Self {
        Self {
            bos,
            trims: false,
            ..self
        }
    }

    /// Returns the id of the begin token (BOS) that the post-processor of tokenizer.json puts before a text, if any.
    pub fn post_processor_bos(&self) -> Option<u32> {
        let ids = |special| {
            let encoding = self.inner.encode_fast("a", special);
            encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default()
        };
        let (plain, whole) = (ids(false), ids(true));
        whole.first().copied().filter(|_| !whole.starts_with(&plain))
    }

    /// Returns the number of token ids; see [`super::Tokenizer::len`].
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns the id of the begin token (BOS) that opens every prompt; see [`super::Tokenizer::bos_id`].
    pub fn bos_id(&self) -> Option<u32> {
        self.bos
    }

    /// Returns the id of a token; see [`super::Tokenizer::token_to_id`].
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Whether a token stands for no text of its own.
    pub fn is_control(&self, id: u32) -> bool {
        self.control_ids.contains(&id)
    }

    /// Encodes a text to token ids; see [`super::Tokenizer::encode_prompt`].
    ///
    /// # Errors
    /// Errors if a regular expression of the tokenizer gives up, or the model has no token for a character.
    pub fn encode(&self, text: &str, source: &Range<usize>) -> tokenizers::Result<Vec<u32>> {
        let mut parts = PreTokenizedString::from(text);
        parts.split(|_, part| Ok(self.added.cut_plain(&part, source)))?;
        let normalizer = self.inner.get_normalizer();
        parts.split(|_, mut part| {
            if let Some(normalizer) = normalizer {
                normalizer.normalize(&mut part)?;
            }
            Ok(self.added.cut_normalized(&part, source))
        })?;
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut parts)?;
        }
        parts.tokenize(|part| {
            let in_source = |range: Range<usize>| overlaps(&original_range(part, range), source);
            self.tokenize_word(part.get(), &in_source)
        })?;
        Ok(parts.into_encoding(None, 0, OffsetType::None)?.get_ids().to_vec())
    }

    /// Cuts a word into tokens. A control token that the model finds in a source (`in_source` tells, from its bytes in
    /// the word) is cut further, after its first character.
    fn tokenize_word(&self, word: &str, in_source: &dyn Fn(Range<usize>) -> bool) -> tokenizers::Result<Vec<Token>> {
        let mut all = Vec::new();
        for token in self.inner.get_model().tokenize(word)? {
            let (start, end) = token.offsets;
            let text = word.get(start..end).unwrap_or_default();
            // A byte piece that stands for a character of the word is spelled differently.
            let model_text = || self.inner.get_model().id_to_token(token.id);
            let is_spelled =
                self.is_control(token.id) && model_text().as_deref() == Some(text) && in_source(start..end);
            match text.char_indices().nth(1).filter(|_| is_spelled) {
                Some((second, _)) => {
                    for part in [&text[..second], &text[second..]] {
                        all.extend(self.tokenize_word(part, &|_| true)?);
                    }
                }
                None => all.push(token),
            }
        }
        Ok(all)
    }

    /// Decodes token ids to text; see [`super::Tokenizer::decode`].
    pub fn decode(&self, ids: &[u32]) -> String {
        let text = self.inner.decode(ids, true).unwrap_or_default();
        let text = if self.trims { text.trim_matches(is_space) } else { &text };
        if self.cleans_up {
            clean_up_tokenization(text)
        } else {
            text.to_owned()
        }
    }

    /// Returns the ids that an English output can be made of; see [`super::Tokenizer::english_ids`].
    pub fn english_ids(&self) -> Vec<u32> {
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        let usable = |token: &str| {
            if self.is_byte_level {
                bytes_can_be_english(&bytes_of_token(token))
            } else {
                can_be_english(token)
            }
        };
        let vocabulary = self.inner.get_vocab(true).into_iter();
        let kept = vocabulary.filter(|(token, id)| added.contains_key(id) || usable(token));
        let mut ids: Vec<u32> = kept.map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids
    }

    /// Returns the text that a token adds to an output; for an added token, its name.
    pub fn token_text(&self, id: u32) -> String {
        let token = self.inner.id_to_token(id).unwrap_or_default();
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        match parse_byte_piece(&token) {
            _ if added.contains_key(&id) => token,
            _ if self.is_byte_level => String::from_utf8_lossy(&bytes_of_token(&token)).into_owned(),
            Some(byte) => String::from_utf8_lossy(&[byte]).into_owned(),
            None => token.replace(SPACE_MARK, " "),
        }
    }
}

/// Returns the bytes that the characters of a byte-level token stand for (the inverse of `bytes_to_unicode` of
/// transformers). Each printable character of Latin-1 stands for its own byte; the characters from U+0100 on stand for
/// the other bytes, in ascending order.
fn bytes_of_token(token: &str) -> Vec<u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let byte = |character: char| match u8::try_from(character) {
        Ok(byte) => Some(byte).filter(|byte| printable(*byte)),
        Err(_) => {
            let index = (character as usize).checked_sub(256)?;
            (0..=u8::MAX).filter(|byte| !printable(*byte)).nth(index)
        }
    };
    token.chars().filter_map(byte).collect()
}
