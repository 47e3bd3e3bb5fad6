//! The key of a machine's translations: the model, and everything else besides the source that decides the text.

use super::pass::DecodeOptionsId;
use serde::{Deserialize, Serialize};

/// Identifies all translations of one kind: whoever asks with an equal id may reuse them.
///
/// A memory stores it as JSON. The device, threads and the size of batches are not in it, since they never change a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemId {
    /// The model, and how plae and its manifest use it.
    pub model: ModelId,
    /// The number format that the model computes in, such as `f32` or `q4_k_m`.
    pub precision: String,
    /// The tokens that can be written: `full` or `english`.
    pub vocabulary: String,
    /// How each sentence is decoded, the model's own defaults put in.
    pub decode: DecodeOptionsId,
}

/// Identifies a model by its files, by what its manifest says of its use, and by the version of plae that uses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelId {
    /// Name of the manifest; for files without one, the name of the file or directory.
    pub name: String,
    /// Commit of the repository or SHA-256 of the file that was fetched; for files of the user's own, a hash of them.
    pub revision: String,
    /// SHA-256 of the manifest's prompt, in hexadecimal; none for a manifest without a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_hash: Option<String>,
    /// How the manifest names the languages.
    pub languages: LanguagesId,
    /// How the manifest decodes where the user does not say otherwise.
    pub decoding: DecodingId,
    /// Version of plae.
    pub plae: String,
    /// Version of plae's processing of text around the model; it is raised when a sentence's translation changes.
    pub processing: u32,
}

/// The languages of a manifest, as the model's own vocabulary spells them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguagesId {
    /// Text put before each source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Language token put before the source's tokens in the encoder, such as `tha_Thai`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_token: Option<String>,
    /// Token that every output starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder_token: Option<String>,
}

/// The decoding defaults of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecodingId {
    /// Beam width; none for what the model's own files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beam: Option<usize>,
    /// The most output tokens for one sentence.
    pub max_tokens: usize,
    /// Expected output tokens for one of the source.
    pub length_ratio: f32,
    /// Weight of the expected length in an end's logit.
    pub length_prior: f32,
    /// Mean log-probability below which a source is also translated in parts; none for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divide_below: Option<f64>,
    /// Exponent of the length that scores are divided by.
    pub length_penalty: f64,
    /// Length of token sequences that may not come twice; 0 for no limit.
    pub no_repeat_ngram: usize,
    /// Divisor of the scores of tokens that came before.
    pub repetition_penalty: f32,
}

impl SystemId {
    /// The text that a memory stores: JSON, its fields in the order above.
    pub fn description(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
impl SystemId {
    /// The id of some system of a model.
    pub(crate) fn sample_id(model: &str) -> Self {
        Self {
            model: ModelId {
                name: model.to_owned(),
                revision: "0".to_owned(),
                prompt_hash: None,
                languages: LanguagesId::default(),
                decoding: DecodingId {
                    beam: None,
                    max_tokens: 512,
                    length_ratio: 1.0,
                    length_prior: 0.0,
                    divide_below: None,
                    length_penalty: 1.0,
                    no_repeat_ngram: 0,
                    repetition_penalty: 1.0,
                },
                plae: "0.1.0".to_owned(),
                processing: 1,
            },
            precision: "f32".to_owned(),
            vocabulary: "full".to_owned(),
            decode: DecodeOptionsId::default(),
        }
    }
}
