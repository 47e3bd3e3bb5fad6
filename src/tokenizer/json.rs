//! tokenizer.json, by the `tokenizers` crate, loaded as `PreTrainedTokenizerFast` of transformers 4.57 does.

use super::added::is_space;
use super::encdec::clean_up;
use super::files::Settings;
use super::pieces::{SPACE, byte_of};
use super::script::{bytes_serve_english, serves_english};
use crate::error::{Error, Result};
use std::path::Path;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{AddedToken, DecoderWrapper, Tokenizer};

/// A tokenizer.json with its settings, or what is equal to one.
pub struct Json {
    inner: Tokenizer,
    len: usize,
    cleans_up: bool,
    /// Whether white space at both ends of an output is left out.
    trims: bool,
    /// Whether tokens spell bytes (GPT-2), one character for each.
    byte_level: bool,
    bos: Option<u32>,
}

impl Json {
    /// # Errors
    /// Of kind `Model` where the file is missing or damaged.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self> {
        let fail = |e: tokenizers::Error| Error::model("cannot be read as a tokenizer").path(path).source(e);
        let mut inner = Tokenizer::from_file(path).map_err(fail)?;
        inner.with_truncation(None).map_err(fail)?;
        inner.with_padding(None);
        inner.set_encode_special_tokens(settings.flag("split_special_tokens", false)?);
        if let Some(PreTokenizerWrapper::ByteLevel(bytes)) = inner.get_pre_tokenizer() {
            let bytes = bytes.add_prefix_space(settings.flag("add_prefix_space", false)?);
            inner.with_pre_tokenizer(Some(bytes));
        }
        // tokenizer_config.json has the last word on added tokens, and may name special ones that the file lacks.
        let mut tokens = settings.added.clone();
        tokens.sort_by_key(|(id, _)| *id);
        let special = settings.special(&[])?;
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
        // A vocabulary without an unknown token fails at the first character it lacks: better here than in mid-article.
        inner.encode_fast("\u{e000}\u{10fffd}", false).map_err(fail)?;
        Ok(Self::new(inner, settings.flag("clean_up_tokenization_spaces", false)?))
    }

    /// From a tokenizer of the crate; `cleans_up` is `clean_up_tokenization_spaces`.
    pub fn new(inner: Tokenizer, cleans_up: bool) -> Self {
        let highest = inner.get_vocab(true).into_values().max();
        let is_bytes = |decoder: &DecoderWrapper| matches!(decoder, DecoderWrapper::ByteLevel(_));
        let byte_level = match inner.get_decoder() {
            Some(DecoderWrapper::Sequence(all)) => all.get_decoders().iter().any(is_bytes),
            decoder => decoder.is_some_and(is_bytes),
        };
        Self {
            len: highest.map_or(0, |id| id as usize + 1),
            inner,
            cleans_up,
            trims: true,
            byte_level,
            bos: None,
        }
    }

    /// As a decoder-only model needs it: a prompt that opens with `bos`, an output kept to its white space.
    pub fn with_bos(self, bos: Option<u32>) -> Self {
        Self {
            bos,
            trims: false,
            ..self
        }
    }

    /// The id that the file's own post-processor puts before a text.
    pub fn template_bos(&self) -> Option<u32> {
        let ids = |special| {
            let encoding = self.inner.encode_fast("a", special);
            encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default()
        };
        let (plain, whole) = (ids(false), ids(true));
        whole.first().copied().filter(|_| !whole.starts_with(&plain))
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bos_id(&self) -> Option<u32> {
        self.bos
    }

    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    pub fn encode(&self, text: &str) -> Vec<u32> {
        let encoding = self.inner.encode_fast(text, false);
        encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default()
    }

    pub fn decode(&self, ids: &[u32]) -> String {
        let text = self.inner.decode(ids, true).unwrap_or_default();
        let text = if self.trims { text.trim_matches(is_space) } else { &text };
        if self.cleans_up {
            clean_up(text)
        } else {
            text.to_owned()
        }
    }

    /// See [`super::Tokenizer::english_ids`].
    pub fn english_ids(&self) -> Vec<u32> {
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        let serves = |token: &str| {
            if self.byte_level {
                bytes_serve_english(&spelled(token))
            } else {
                serves_english(token)
            }
        };
        let vocabulary = self.inner.get_vocab(true).into_iter();
        let kept = vocabulary.filter(|(token, id)| added.contains_key(id) || serves(token));
        let mut ids: Vec<u32> = kept.map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids
    }

    /// The text that a token adds to an output.
    pub fn text(&self, id: u32) -> String {
        let token = self.inner.id_to_token(id).unwrap_or_default();
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        match byte_of(&token) {
            _ if added.contains_key(&id) => token,
            _ if self.byte_level => String::from_utf8_lossy(&spelled(&token)).into_owned(),
            Some(byte) => String::from_utf8_lossy(&[byte]).into_owned(),
            None => token.replace(SPACE, " "),
        }
    }
}

/// The bytes that a token of the GPT-2 kind spells: printable ones of Latin-1 stand for themselves, the others in their order for
/// what comes after (`bytes_to_unicode` of transformers).
fn spelled(token: &str) -> Vec<u8> {
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
