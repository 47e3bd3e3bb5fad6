//! How sentences are decoded, and which of it a memory keys translations by.

use super::Quality;
use crate::document::Era;
use serde::{Deserialize, Serialize};

/// How sentences are decoded. `None` stands for the model's own default.
#[derive(Clone, Debug, Default)]
pub struct DecodeOptions {
    /// How much work is done for a good translation, where the options below do not say otherwise.
    pub quality: Quality,
    /// Beam width; 1 is greedy search. Default: the manifest's, else what the model's own files say, else 1; with [`Quality::Fast`] 1.
    pub beam: Option<usize>,
    /// The most output tokens for one sentence. Default: twice its source tokens and 24, within the manifest's limit; in a plain search
    /// of an encoder-decoder what the model's own files say.
    pub max_tokens: Option<usize>,
    /// Output tokens before an end is allowed. Default: what the model's own files say, else 0.
    pub min_tokens: Option<usize>,
    /// Source tokens decoded together. Default: 2048, for a decoder-only model 1536, on a GPU 16384. What does not fit into a GPU's
    /// memory is divided.
    pub batch_tokens: Option<usize>,
    /// Whether the model is given normalised text. Default: true.
    pub normalize: Option<bool>,
    /// Replaces the requests in the manifest's prompt of a decoder-only model; for a model without a manifest it is all that
    /// stands around a text, and ends an output at its first newline if it has newlines itself. It must hold `{text}` once.
    pub prompt: Option<String>,
    /// Whether each source is searched once, as the model's authors would: no length is expected, and a bad or improbable output is
    /// not tried again. A source is divided only where it is longer than the model, or 4096 tokens; for a decoder-only model,
    /// where `max_tokens` would no longer fit after it. [`Quality::Best`] still draws and chooses among several outputs. Default:
    /// false.
    pub plain_search: bool,
    /// Whether translations keep the ids that went in and came out. They are the ids of the result alone: with `plain_search` those of
    /// one search. Default: false.
    pub ids: bool,
    /// The era in which the years of a source are written, where translations are mended. Default: the common era.
    pub era: Era,
}

/// The decode options that decide a text; none stands for the model's own default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodeOptionsId {
    /// How much work is done for a good translation.
    pub quality: Quality,
    /// Beam width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beam: Option<usize>,
    /// The most output tokens for one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// Output tokens before an end is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tokens: Option<usize>,
    /// Whether the model is given normalised text.
    pub normalize: bool,
    /// The prompt around each text, for a decoder-only model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Whether each source is searched once, without a second try.
    pub plain_search: bool,
}

impl DecodeOptions {
    /// Whether the numbers and dates of a finished translation are mended, and lines of dates translated by rule: not
    /// where the plain output of the model is wanted.
    pub(crate) fn mends_text(&self) -> bool {
        self.quality != Quality::Fast && !self.plain_search && !self.ids
    }

    /// The options that decide a text, as they are given: none stands for the model's own default.
    ///
    /// The pattern names every field: a new one does not compile until somebody decides whether it is part of the key.
    pub(crate) fn to_id(&self) -> DecodeOptionsId {
        let Self {
            quality,
            beam,
            max_tokens,
            min_tokens,
            // Batches change the speed, never a text.
            batch_tokens: _,
            normalize,
            prompt,
            plain_search,
            // A record of ids changes no text.
            ids: _,
            // Years are written anew in what a memory has.
            era: _,
        } = self;
        DecodeOptionsId {
            quality: *quality,
            beam: *beam,
            max_tokens: *max_tokens,
            min_tokens: *min_tokens,
            normalize: normalize.unwrap_or(true),
            prompt: prompt.clone(),
            plain_search: *plain_search,
        }
    }
}
