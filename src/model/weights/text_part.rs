//! The text part of a checkpoint, under the names of a text-only checkpoint, whether or not the file also holds other
//! parts, such as Gemma 3's vision encoder.

use super::checkpoint::Checkpoint;
use super::source::WeightSource;
use crate::error::Result;
use std::path::Path;

/// Prefix of the names of a text-only checkpoint's tensors.
const TEXT_TENSOR_PREFIX: &str = "model.";
/// Prefixes that checkpoints may have in place of [`TEXT_TENSOR_PREFIX`].
const STORED_TENSOR_PREFIXES: [&str; 4] = [TEXT_TENSOR_PREFIX, "language_model.model.", "model.language_model.", ""];

/// A checkpoint of a decoder-only model whose tensors are found by the names of a text-only one (`LlamaForCausalLM`):
/// `model.layers.0…`, `lm_head.weight`.
pub(in crate::model) struct TextPartWeights {
    checkpoint: Checkpoint,
    /// The prefix of the checkpoint's tensor names that stands in place of `model.`.
    prefix: &'static str,
}

impl TextPartWeights {
    /// Opens the weights in a directory and finds out which prefix their names have.
    ///
    /// # Errors
    /// The errors of [`Checkpoint::open`].
    pub fn open(directory: &Path) -> Result<Self> {
        let checkpoint = Checkpoint::open(directory)?;
        let has_text = |prefix: &&str| checkpoint.has_tensor(&format!("{prefix}embed_tokens.weight"));
        let prefix = STORED_TENSOR_PREFIXES
            .into_iter()
            .find(has_text)
            .unwrap_or(TEXT_TENSOR_PREFIX);
        Ok(Self { checkpoint, prefix })
    }

    /// Translates a tensor's name in a text-only checkpoint to its name in this multimodal checkpoint, of which the text model
    /// is one part.
    fn stored_tensor_name(&self, name: &str) -> String {
        match name.strip_prefix(TEXT_TENSOR_PREFIX) {
            Some(rest) => format!("{}{rest}", self.prefix),
            // The output projection's name has a shorter prefix than those of the other tensors.
            None if self.prefix == "language_model.model." => format!("language_model.{name}"),
            None => name.to_owned(),
        }
    }
}

impl WeightSource for TextPartWeights {
    fn has_tensor(&self, name: &str) -> bool {
        self.checkpoint.has_tensor(&self.stored_tensor_name(name))
    }

    fn tensor_row_count(&self, name: &str) -> Option<usize> {
        self.checkpoint.tensor_row_count(&self.stored_tensor_name(name))
    }

    fn has_different_tensor(&self, name: &str, other: &str) -> Result<bool> {
        let [name, other] = [name, other].map(|name| self.stored_tensor_name(name));
        self.checkpoint.has_different_tensor(&name, &other)
    }

    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.checkpoint.read_floats(&self.stored_tensor_name(name), shape)
    }
}
