//! Translation: many sentences in, as many translations out, in the same order.
//!
//! A [`Translator`] is a loaded model (`load`). A call (`call`) makes a job of each distinct text (`job`), puts the
//! text into the model's prompt (`prompt`, `language`), and decodes jobs in batches (`batch`). A call runs several
//! passes over its jobs, and a later pass may replace the results of an earlier one (`pass`). A [`MemoryTranslator`] looks
//! sources up in a translation memory before it translates them.

mod batch;
mod call;
pub(crate) mod former;
mod identity;
mod job;
mod join;
mod language;
mod load;
mod mend;
mod pass;
mod prompt;
mod recall;
mod score;
mod system;

use crate::catalog::Manifest;
use crate::decode::GenerationConfig;
pub use crate::document::Quality;
use crate::document::{Findings, FinishReason, Flag, Header, Parameters, SimilarSentence};
use crate::error::Result;
pub use crate::model::DeviceChoice;
use crate::model::{TranslationModel, device};
use crate::tokenizer::Tokenizer;
use batch::PrefixCache;
use call::TranslationCall;
use candle_core::Device;
pub use identity::{ModelIdentity, identify_model};
pub use load::{LoadOptions, OutputVocabulary, Precision};
pub use mend::list_mended_forms;
pub use pass::{DecodeOptions, DecodeOptionsId};
use prompt::InputFormat;
pub use prompt::{list_prompt_requests, split_at_text};
pub use recall::MemoryTranslator;
pub use score::PairScore;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::OnceLock;
pub use system::{DecodingId, LanguagesId, ModelId, SystemId};

/// The least beam width that [`Quality::Best`] gives an encoder-decoder model; wider beams hardly change translations.
const BEST_QUALITY_BEAM_WIDTH: usize = 8;

/// One sentence's translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// The English text; for a source without Thai letters, the source itself.
    pub text: String,
    /// Mean natural log-probability of the output tokens; none where nothing was decoded, and for a person's translation.
    pub score: Option<f64>,
    /// Why the output ended: at an end token, at the token limit, in a loop, or because nothing was decoded.
    pub finish: FinishReason,
    /// The notes and warnings about the translation, such as that it is cut or has another date than its source.
    pub findings: Findings,
    /// A person's translation of a similar sentence, from a memory; set together with [`Flag::Similar`].
    pub similar: Option<SimilarSentence>,
    /// The token ids that the model read, its prompt included; only with [`DecodeOptions::ids`].
    pub source_ids: Option<Vec<u32>>,
    /// The token ids that the model wrote; only with [`DecodeOptions::ids`].
    pub target_ids: Option<Vec<u32>>,
    /// Number of tokens of the source text, without the prompt; 0 for a copied source.
    pub source_tokens: usize,
    /// Number of tokens that the model wrote, without the end token; 0 for a copied source.
    pub target_tokens: usize,
}

impl Translation {
    /// Makes the translation of a source without Thai letters: a copy of the source, flagged unless it is blank. A date
    /// of the Buddhist era alone is translated by rule.
    pub(crate) fn from_copied_source(source: &str, options: &DecodeOptions) -> Self {
        if options.mends_text()
            && let Some(text) = mend::translate_by_rule(source, options.era)
        {
            return Self::from_rule(text);
        }
        Self {
            text: source.to_owned(),
            score: None,
            finish: FinishReason::Copy,
            findings: (!source.trim().is_empty())
                .then_some(Flag::NoThai)
                .into_iter()
                .collect(),
            similar: None,
            source_ids: options.ids.then(Vec::new),
            target_ids: options.ids.then(Vec::new),
            source_tokens: 0,
            target_tokens: 0,
        }
    }

    /// Makes the translation of a source that was translated by rule, without findings.
    fn from_rule(text: String) -> Self {
        Self {
            text,
            score: None,
            finish: FinishReason::Rule,
            findings: Findings::default(),
            similar: None,
            source_ids: None,
            target_ids: None,
            source_tokens: 0,
            target_tokens: 0,
        }
    }
}

/// How far a call of [`Translator::translate`] has come. Sources that need no model count as done from the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Number of sources that are translated.
    pub done: usize,
    /// Number of all sources of the call.
    pub total: usize,
    /// Number of output tokens written so far.
    pub tokens: usize,
}

/// A callback that is told the [`Progress`] of a call. If it returns `Break`, the call ends with an error of kind
/// `Interrupted`.
pub type Observer<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// A callback that is given translations as soon as they are final, each with the index of its source. If it returns an
/// error, the call ends with that error.
pub type TranslationReceiver<'a> = &'a mut dyn FnMut(&[(usize, Translation)]) -> Result<()>;

/// A loaded model with its tokenizer. Threads may share a translator and translate with it at the same time.
pub struct Translator {
    model: Box<dyn TranslationModel>,
    tokenizer: Tokenizer,
    manifest: Manifest,
    /// Search settings from the model's own files, such as `generation_config.json`.
    generation: GenerationConfig,
    /// Path of the model's directory or file, for error messages.
    path: PathBuf,
    input: InputFormat,
    revision: Option<String>,
    device: Device,
    precision: String,
    prefixes: PrefixCache,
    /// Which model this is; computed when a memory first asks for it.
    identity: OnceLock<ModelIdentity>,
}

impl Translator {
    /// Translates each source by itself, and returns one translation for each source, in the order of the sources.
    ///
    /// A source without Thai is copied, and one that is only dates and numbers is translated by rule. Equal sources are decoded once. A source that is too long for the model is
    /// translated in parts and flagged. An output that is empty, cut or repeats itself is decoded once more without
    /// repeated phrases, and flagged if the fault stays; not so with [`Quality::Fast`], `plain_search` or `max_tokens`,
    /// where it is only flagged.
    ///
    /// # Errors
    /// Kind `Usage` for a prompt without `{text}`, of kind `Input` for a text with a token that the model has no
    /// embedding for, of kind `Interrupted` after the observer's `Break`, and those of the model.
    pub fn translate(&self, sources: &[&str], options: &DecodeOptions, observer: Observer) -> Result<Vec<Translation>> {
        self.translate_streaming(sources, options, observer, &mut |_| Ok(()))
    }

    /// Translates like [`Self::translate`], and calls `receiver` after each batch with the translations that became
    /// final in the batch. Those made by rule come first; copied sources are never among them. After a batch that finishes no source, the list is
    /// empty.
    ///
    /// # Errors
    /// The errors of [`Self::translate`] and those of `receiver`.
    pub fn translate_streaming(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        observer: Observer,
        receiver: TranslationReceiver,
    ) -> Result<Vec<Translation>> {
        let prompter = self.make_prompter(options)?;
        let mut call = TranslationCall::new(self, &prompter, options, sources, observer, receiver)?;
        pass::run_passes(&mut call)?;
        Ok(call.into_translations())
    }

    /// Fills in a document's header: name, revision and licence of the model, and the decoding parameters.
    pub(crate) fn fill_header(&self, options: &DecodeOptions, header: &mut Header) {
        header.model = self.manifest.name.clone();
        header.revision = self.revision.clone();
        header.licence = self.manifest.licence.clone();
        header.parameters = Parameters {
            split: std::mem::take(&mut header.parameters.split),
            paragraphs: header.parameters.paragraphs,
            normalize: options.normalize.unwrap_or(true),
            beam: self.beam_width(options),
            quality: options.quality,
            max_tokens: options.max_tokens.unwrap_or(0),
            min_tokens: options.min_tokens.unwrap_or(0),
            precision: self.precision.clone(),
            device: self.device_name(),
            vocabulary: self.vocabulary_name().to_owned(),
            prompt: self.prompt_text(options),
            era: options.era,
        };
    }

    /// Returns the beam width: the caller's if set; else 1 with [`Quality::Fast`]; else that of the manifest or of the
    /// model's own files, with [`Quality::Best`] at least [`BEST_QUALITY_BEAM_WIDTH`] for an encoder-decoder.
    fn beam_width(&self, options: &DecodeOptions) -> usize {
        let own = self.manifest.decoding.beam.or(self.generation.beam).unwrap_or(1);
        let usual = match options.quality {
            Quality::Fast => 1,
            Quality::Best if !self.is_decoder_only() => own.max(BEST_QUALITY_BEAM_WIDTH),
            Quality::Default | Quality::Best => own,
        };
        options.beam.unwrap_or(usual).max(1)
    }

    /// Whether the model is decoder-only: source and output form one sequence of tokens.
    fn is_decoder_only(&self) -> bool {
        self.model.spec().is_decoder_only()
    }

    /// Returns the model's manifest: what plae knows of its files, prompt, languages and decoding.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the name of the device that the model computes on, such as `cpu`, `cuda:0` or `metal`.
    pub fn device_name(&self) -> String {
        device::device_name(&self.device)
    }

    /// Returns the name of the number format that the model computes in: `f32`, `bf16`, `f16`, `int8`; for a GGUF file
    /// its own type, such as `q4_k_m`, or `q4_k_m in f32`.
    pub fn precision_name(&self) -> String {
        self.precision.clone()
    }
}

#[cfg(test)]
mod tests;
