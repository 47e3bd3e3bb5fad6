//! The settings that an archive's outputs depend on, in the form in which the archive's database stores them.

use crate::document::{Era, Format, ParagraphRule};
use crate::pipeline::{self, SplitUnit};
use crate::render::{Layout, RenderOptions};
use crate::translate::{DecodeOptionsId, ModelId, ModelIdentity, OutputVocabulary, Precision, former};
use serde::{Deserialize, Serialize};

/// All settings with which an article was read, split, translated and rendered.
///
/// The archive stores them as JSON with each article, and translates the article again if they have changed. Settings
/// that leave the text alone, such as the device, the threads and the size of batches, are not included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSettings {
    /// Identity of the model: its name, revision, prompt and decoding defaults, and the version of plae.
    pub model: ModelId,
    /// Number format that the user asked for, such as `bf16`; `auto` by default.
    pub precision: String,
    /// The set of tokens that the model may output: `auto`, `full` or `english`.
    pub vocabulary: String,
    /// Format as which a source is read if its file extension names none.
    pub format: Format,
    /// How blocks are cut into segments: `auto` (the default), `sentence`, `line` or `block`.
    pub split: String,
    /// The rule for where paragraphs of plain text end.
    pub paragraphs: ParagraphRule,
    /// Character encoding of the sources, such as `windows-874`; none if it is detected per source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Date and time to print in the outputs, RFC 3339; none for the time at which each is translated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The decoding options, such as the beam size, that can change a translation.
    pub decode: DecodeOptionsId,
    /// Whether the outputs list the token ids of each segment.
    pub ids: bool,
    /// The era in which years are written.
    #[serde(default, skip_serializing_if = "Era::is_default")]
    pub era: Era,
    /// The arrangement of source and translation on a page: `side-by-side`, `interleaved` or `target`.
    pub layout: String,
    /// Hash of the memory's human translations ([`crate::memory::Memory::hash_human_translations`]); none without a memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human_hash: Option<String>,
}

/// The typed settings of a run from which its [`StoredSettings`] is made.
#[derive(Clone, Copy)]
pub struct RunSettings<'a> {
    /// Identity of the model that translates.
    pub identity: &'a ModelIdentity,
    /// Number format that the user asked for.
    pub precision: Precision,
    /// The set of tokens that the model may output.
    pub vocabulary: OutputVocabulary,
    /// Options for reading, splitting and translating the sources.
    pub reading: &'a pipeline::Options,
    /// Options for rendering the outputs.
    pub render: &'a RenderOptions,
    /// Hash of all human translations in the memory; none without a memory.
    pub human_hash: Option<&'a str>,
}

impl RunSettings<'_> {
    /// Converts the settings to the [`StoredSettings`] that the archive stores.
    pub fn to_stored(&self) -> StoredSettings {
        // These patterns name every field: a new one does not compile until somebody decides whether it changes outputs.
        let Self {
            identity,
            precision,
            vocabulary,
            reading,
            render,
            human_hash,
        } = *self;
        let pipeline::Options {
            format,
            split,
            paragraphs,
            encoding,
            date,
            decode,
        } = reading;
        // The width concerns terminals only, and archives write files.
        let RenderOptions { layout, width: _ } = render;
        StoredSettings {
            model: identity.model.clone(),
            precision: precision_name(precision).to_owned(),
            vocabulary: vocabulary_name(vocabulary).to_owned(),
            format: *format,
            split: split_name(*split).to_owned(),
            paragraphs: *paragraphs,
            encoding: encoding.clone(),
            date: date.clone(),
            decode: decode.to_id(),
            ids: decode.ids,
            era: decode.era,
            layout: layout_name(*layout).to_owned(),
            human_hash: human_hash.map(str::to_owned),
        }
    }

    /// Returns the text that older versions of plae stored for these settings instead of a [`StoredSettings`]; `translate::former` has its form.
    pub fn to_former_text(&self) -> String {
        let (reading, decode) = (self.reading, &self.reading.decode);
        let options = former::Options {
            format: &reading.format,
            split: &reading.split,
            paragraphs: &reading.paragraphs,
            encoding: &reading.encoding,
            date: &reading.date,
            decode: former::DecodeOptions {
                quality: &decode.quality,
                beam: decode.beam,
                max_tokens: decode.max_tokens,
                min_tokens: decode.min_tokens,
                batch_tokens: decode.batch_tokens,
                normalize: decode.normalize,
                prompt: &decode.prompt,
                ids: decode.ids,
            },
        };
        former::manner_line(
            self.identity.former_line(),
            &self.precision,
            &self.vocabulary,
            &options,
            &self.render.layout,
            self.human_hash,
        )
    }
}

// The stored names are spelled out here, so that renaming a variant or a command-line value does not change them.

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Auto => "auto",
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::F16 => "f16",
        Precision::Int8 => "int8",
    }
}

fn vocabulary_name(vocabulary: OutputVocabulary) -> &'static str {
    match vocabulary {
        OutputVocabulary::Auto => "auto",
        OutputVocabulary::Full => "full",
        OutputVocabulary::English => "english",
    }
}

fn split_name(split: SplitUnit) -> &'static str {
    match split {
        SplitUnit::Auto => "auto",
        SplitUnit::Sentence => "sentence",
        SplitUnit::Line => "line",
        SplitUnit::Block => "block",
    }
}

fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::SideBySide => "side-by-side",
        Layout::Interleaved => "interleaved",
        Layout::Target => "target",
    }
}

/// Returns a [`StoredSettings`] for tests.
#[cfg(test)]
pub(super) fn sample_settings() -> StoredSettings {
    StoredSettings {
        model: crate::translate::SystemId::sample_id("model").model,
        precision: "auto".to_owned(),
        vocabulary: "auto".to_owned(),
        format: Format::Text,
        split: "auto".to_owned(),
        paragraphs: ParagraphRule::Auto,
        encoding: None,
        date: None,
        decode: DecodeOptionsId::default(),
        ids: false,
        era: Era::default(),
        layout: "side-by-side".to_owned(),
        human_hash: None,
    }
}
