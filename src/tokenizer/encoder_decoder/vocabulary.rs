//! The vocabulary of an encoder-decoder tokenizer, which maps tokens to ids: vocab.json, or the ids of a sentencepiece
//! model.

use crate::error::{Error, Result};
use crate::tokenizer::config::{self, TokenizerConfig, default_special_token};
use crate::tokenizer::sentencepiece::SentencePiece;
use hashbrown::HashMap;
use std::path::Path;

/// The vocabulary of an encoder-decoder tokenizer, which maps tokens to ids.
pub enum Vocabulary {
    /// Files that list the id of each token. The target language may have a file of its own.
    VocabJson {
        source: VocabJson,
        target: Option<VocabJson>,
    },
    /// The ids of the sentencepiece model, plus an offset.
    Pieces { offset: u32 },
}

/// The content of a vocab.json: tokens and their ids.
pub struct VocabJson {
    pub ids: HashMap<String, u32>,
    /// The token of each id; `None` for ids without a token.
    pub tokens: Vec<Option<String>>,
}

impl Vocabulary {
    /// Returns the id of a token in the source language. `model` is the sentencepiece model of the source language.
    pub fn token_to_id(&self, model: &SentencePiece, token: &str) -> Option<u32> {
        match self {
            Self::VocabJson { source, .. } => source.ids.get(token).copied(),
            Self::Pieces { offset } => Some(model.pieces().piece_to_id(token)? + offset),
        }
    }

    /// Returns the vocabulary's id of a piece that the sentencepiece model cut. `id` is the model's own id of the
    /// piece. `None` if the vocabulary does not have the piece.
    pub fn piece_to_id(&self, model: &SentencePiece, id: Option<u32>, piece: &str) -> Option<u32> {
        match self {
            Self::VocabJson { source, .. } => source.ids.get(piece).copied(),
            Self::Pieces { offset } => {
                let id = id.or_else(|| model.pieces().piece_to_id(piece))?;
                // With fairseq's offset of 1, piece 0 is not the unknown token of the vocabulary.
                (*offset == 0 || id > 0).then_some(id + offset)
            }
        }
    }

    /// Lists the vocabulary's id of each piece of the sentencepiece model, in the order of the pieces; `unknown` for a
    /// piece that the vocabulary does not have.
    pub fn list_piece_ids(&self, model: &SentencePiece, unknown: u32) -> Vec<u32> {
        let pieces = model.pieces().iter();
        let ids = pieces.map(|(id, piece)| self.piece_to_id(model, Some(id), piece).unwrap_or(unknown));
        ids.collect()
    }
}

impl VocabJson {
    /// Makes a vocabulary in which each token's id is its place in the list; of a token that is there twice, the first.
    pub fn from_tokens(tokens: Vec<String>) -> Self {
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            ids.entry(token.clone()).or_insert(id as u32);
        }
        Self {
            ids,
            tokens: tokens.into_iter().map(Some).collect(),
        }
    }

    /// Reads a vocab.json.
    ///
    /// # Errors
    /// Kind `Model` if the file cannot be read or a value is not a plausible id.
    pub fn open(path: &Path) -> Result<Self> {
        let object = config::read_json_object(path)?;
        let mut this = Self {
            ids: HashMap::with_capacity(object.len()),
            tokens: Vec::new(),
        };
        // Ids index a table, so a huge one must be damage and would only fill memory.
        let limit = object.len().saturating_mul(4).max(1 << 20);
        for (token, id) in object {
            let fail = || Error::model("an id expected").path(path).place(token.clone());
            let id = id
                .as_u64()
                .and_then(|id| usize::try_from(id).ok())
                .filter(|id| *id < limit);
            let id = id.ok_or_else(fail)?;
            if this.tokens.len() <= id {
                this.tokens.resize(id + 1, None);
            }
            this.tokens[id] = Some(token.clone());
            this.ids.insert(token, id as u32);
        }
        Ok(this)
    }

    /// Checks that the vocabulary has the unknown token that the settings name.
    ///
    /// # Errors
    /// Kind `Model` if the vocabulary lacks the unknown token.
    pub fn check_unknown_token(&self, path: &Path, config: &TokenizerConfig) -> Result<()> {
        let unknown = config.special_token("unk_token", &[default_special_token("unk_token", "<unk>")])?;
        match unknown.filter(|token| !self.ids.contains_key(&token.content)) {
            None => Ok(()),
            Some(token) => Err(Error::model("missing; the unknown token is expected")
                .path(path)
                .place(token.content)),
        }
    }
}
