//! Translation: many sentences in, as many translations out, in the same order.
//!
//! A [`Translator`] is a loaded model (`load`). A call (`call`) makes a job of each distinct text (`job`), puts it into the model's
//! prompt (`prompt`, `language`), and decodes jobs in batches (`batch`). It does so in passes, each of which may replace what the
//! passes before found (`pass`). A [`Recaller`] looks into a memory first.

mod batch;
mod call;
pub(crate) mod former;
mod identity;
mod job;
mod join;
mod language;
mod load;
mod options;
mod pass;
mod prompt;
mod recall;
mod system;

use crate::catalog::Manifest;
use crate::decode::GenerationConfig;
pub use crate::document::Quality;
use crate::document::{Finish, Flag, Header, Parameters, Similar};
use crate::error::Result;
pub use crate::model::DeviceChoice;
use crate::model::{TranslationModel, device};
use crate::tokenizer::Tokenizer;
use batch::PrefixCache;
use call::Call;
use candle_core::Device;
pub use identity::{Identity, identity};
pub use load::{LoadOptions, Precision, Vocabulary};
pub use options::{DecodeId, DecodeOptions};
use prompt::InputFormat;
pub use prompt::{requests, split_at_text};
pub use recall::Recaller;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::OnceLock;
pub use system::{DecodingId, LanguagesId, ModelId, SystemId};

/// The least beam of an encoder-decoder model at [`Quality::Best`]: wider ones hardly differ.
const BEST_BEAM: usize = 8;

/// One sentence's translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// The English text; of a source without Thai the source itself.
    pub text: String,
    /// Mean natural log-probability of the output tokens.
    pub score: Option<f64>,
    /// Why the output ended.
    pub finish: Finish,
    /// What looks wrong with it.
    pub flags: Vec<Flag>,
    /// A person's translation of a similar sentence: of a memory only, with [`Flag::Similar`].
    pub similar: Option<Similar>,
    /// The ids that the model read, those around the text included; only with [`DecodeOptions::ids`].
    pub source_ids: Option<Vec<u32>>,
    /// The ids that the model wrote; only with [`DecodeOptions::ids`].
    pub target_ids: Option<Vec<u32>>,
    /// Number of tokens of the source text, the prompt left out; 0 where it was copied.
    pub source_tokens: usize,
    /// Number of tokens written.
    pub target_tokens: usize,
}

impl Translation {
    /// Copies a source without Thai.
    pub(crate) fn copy(source: &str, options: &DecodeOptions) -> Self {
        Self {
            text: source.to_owned(),
            score: None,
            finish: Finish::Copy,
            flags: if source.trim().is_empty() {
                Vec::new()
            } else {
                vec![Flag::NoThai]
            },
            similar: None,
            source_ids: options.ids.then(Vec::new),
            target_ids: options.ids.then(Vec::new),
            source_tokens: 0,
            target_tokens: 0,
        }
    }
}

/// How far a call has come; sentences that need no model count as done from the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Sources that are done.
    pub done: usize,
    /// All sources of the call.
    pub total: usize,
    /// Output tokens written so far.
    pub tokens: usize,
}

/// A function that is told of progress; `Break` ends the call with an error of kind `Interrupted`.
pub type Observer<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// A function that is given translations as soon as they stand, each with the number of its source; a failure ends the call.
pub type Receiver<'a> = &'a mut dyn FnMut(&[(usize, Translation)]) -> Result<()>;

/// A loaded model with its tokenizer. It may be shared between threads, which then translate at the same time.
pub struct Translator {
    model: Box<dyn TranslationModel>,
    tokenizer: Tokenizer,
    manifest: Manifest,
    /// How the model's own files want it searched.
    generation: GenerationConfig,
    /// The model's directory or file, for messages.
    path: PathBuf,
    input: InputFormat,
    revision: Option<String>,
    device: Device,
    precision: String,
    prefixes: PrefixCache,
    /// Which model this is, found out where a memory asks.
    identity: OnceLock<Identity>,
}

impl Translator {
    /// Translates each source on its own; as many results as sources, in their order.
    ///
    /// A source without Thai is copied. Equal sources are decoded once. What is too long for the model is translated in
    /// parts and flagged. An output that is empty, cut or repeats itself is tried once more without repeated phrases (not with
    /// [`Quality::Fast`]), and flagged if it stays so.
    ///
    /// # Errors
    /// Of kind `Usage` for a prompt without `{text}`, of kind `Input` for a text with a token that the model has no embedding
    /// for, of kind `Interrupted` after the observer's `Break`, and the model's.
    pub fn translate(&self, sources: &[&str], options: &DecodeOptions, observer: Observer) -> Result<Vec<Translation>> {
        self.translate_streaming(sources, options, observer, &mut |_| Ok(()))
    }

    /// Translates like [`Self::translate`], and after each batch hands to `receiver` what is finished with it: all but the copies. After
    /// a batch that finishes nothing it is called too.
    ///
    /// # Errors
    /// Those of [`Self::translate`] and those of `receiver`.
    pub fn translate_streaming(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        observer: Observer,
        receiver: Receiver,
    ) -> Result<Vec<Translation>> {
        let prompter = self.prompter(options)?;
        let mut call = Call::new(self, &prompter, options, sources, observer, receiver)?;
        pass::run(&mut call)?;
        Ok(call.into_translations())
    }

    /// Writes into a document's header which model translates it, and how.
    pub(crate) fn describe(&self, options: &DecodeOptions, header: &mut Header) {
        header.model = self.manifest.name.clone();
        header.revision = self.revision.clone();
        header.licence = self.manifest.licence.clone();
        header.parameters = Parameters {
            split: std::mem::take(&mut header.parameters.split),
            paragraphs: header.parameters.paragraphs,
            normalize: options.normalize.unwrap_or(true),
            beam: self.beam(options),
            quality: options.quality,
            max_tokens: options.max_tokens.unwrap_or(0),
            min_tokens: options.min_tokens.unwrap_or(0),
            precision: self.precision.clone(),
            device: self.device(),
            vocabulary: self.vocabulary().to_owned(),
            prompt: self.prompt(options),
        };
    }

    /// The beam width that the caller asks for, else the quality by the manifest, else by the model's own files.
    fn beam(&self, options: &DecodeOptions) -> usize {
        let own = self.manifest.decoding.beam.or(self.generation.beam).unwrap_or(1);
        let usual = match options.quality {
            Quality::Fast => 1,
            Quality::Best if !self.is_decoder_only() => own.max(BEST_BEAM),
            Quality::Default | Quality::Best => own,
        };
        options.beam.unwrap_or(usual).max(1)
    }

    /// Whether the model has source and output in one sequence.
    fn is_decoder_only(&self) -> bool {
        self.model.spec().is_decoder_only()
    }

    /// The model's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The device that computes: `cpu`, `cuda:0`, `metal`.
    pub fn device(&self) -> String {
        device::name(&self.device)
    }

    /// The number format: `f32`, `bf16`, `f16`, `int8`; for a GGUF file its own type, such as `q4_k_m`, or `q4_k_m in f32`.
    pub fn precision(&self) -> String {
        self.precision.clone()
    }
}

#[cfg(test)]
mod tests;
