//! tokenizer.json, by the `tokenizers` crate, loaded as `PreTrainedTokenizerFast` of transformers 4.57 does.

use super::added::is_space;
use super::encdec::clean_up;
use super::files::Settings;
use super::script::serves_english;
use crate::error::{Error, Result};
use std::path::Path;
use tokenizers::{AddedToken, Tokenizer};

/// A tokenizer.json with its settings.
pub struct Json {
    inner: Tokenizer,
    len: usize,
    cleans_up: bool,
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
        let highest = inner.get_vocab(true).into_values().max();
        Ok(Self {
            len: highest.map_or(0, |id| id as usize + 1),
            inner,
            cleans_up: settings.flag("clean_up_tokenization_spaces", false)?,
        })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    pub fn encode(&self, text: &str) -> Vec<u32> {
        let encoding = self.inner.encode_fast(text, false);
        encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default()
    }

    pub fn decode(&self, ids: &[u32]) -> String {
        let text = self.inner.decode(ids, true).unwrap_or_default();
        let text = text.trim_matches(is_space);
        if self.cleans_up {
            clean_up(text)
        } else {
            text.to_owned()
        }
    }

    /// See [`super::Tokenizer::english`].
    pub fn english(&self) -> Vec<u32> {
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        let vocabulary = self.inner.get_vocab(true).into_iter();
        let kept = vocabulary.filter(|(token, id)| added.contains_key(id) || serves_english(token));
        let mut ids: Vec<u32> = kept.map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids
    }

    /// The text that a token adds to an output.
    pub fn text(&self, id: u32) -> String {
        let token = self.inner.id_to_token(id).unwrap_or_default();
        token.replace(super::pieces::SPACE, " ")
    }
}
