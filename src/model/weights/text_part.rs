//! The text part of a checkpoint that also holds other parts, such as Gemma 3's eyes, under the names of a text-only one.

use super::checkpoint::Checkpoint;
use super::source::Source;
use crate::error::Result;
use std::path::Path;

/// The text-only name of each prefix and the prefixes that checkpoints store it under.
const PREFIX: &str = "model.";
const STORED_PREFIXES: [&str; 4] = [PREFIX, "language_model.model.", "model.language_model.", ""];

/// A checkpoint of a decoder-only model, asked by the names of `LlamaForCausalLM` and its like: `model.layers.0…`,
/// `lm_head.weight`.
pub(in crate::model) struct TextPart {
    checkpoint: Checkpoint,
    /// The prefix that the checkpoint has in place of `model.`.
    prefix: &'static str,
}

impl TextPart {
    /// Opens a directory's weights.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`].
    pub fn open(directory: &Path) -> Result<Self> {
        let checkpoint = Checkpoint::open(directory)?;
        let has_text = |prefix: &&str| checkpoint.has(&format!("{prefix}embed_tokens.weight"));
        let prefix = STORED_PREFIXES.into_iter().find(has_text).unwrap_or(PREFIX);
        Ok(Self { checkpoint, prefix })
    }

    /// The checkpoint's own name of a tensor.
    fn stored(&self, name: &str) -> String {
        match name.strip_prefix(PREFIX) {
            Some(rest) => format!("{}{rest}", self.prefix),
            // The output projection stands beside the rest, not below it.
            None if self.prefix == "language_model.model." => format!("language_model.{name}"),
            None => name.to_owned(),
        }
    }
}

impl Source for TextPart {
    fn has(&self, name: &str) -> bool {
        self.checkpoint.has(&self.stored(name))
    }

    fn rows(&self, name: &str) -> Option<usize> {
        self.checkpoint.rows(&self.stored(name))
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.checkpoint.floats(&self.stored(name), shape)
    }
}
