//! The manner of an archive's outputs: everything that they depend on besides their sources.

use crate::document::{Format, Paragraphs};
use crate::pipeline::{self, Split};
use crate::render::{Layout, RenderOptions};
use crate::translate::{DecodeId, Identity, ModelId, Precision, Vocabulary, former};
use serde::{Deserialize, Serialize};

/// Says how an article is read, split, translated and rendered. An article whose manner has changed is done again.
///
/// The archive stores it as JSON beside each article. The device, threads and the size of batches are not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manner {
    /// The model, and how plae and its manifest use it.
    pub model: ModelId,
    /// The number format that was asked for, `auto` where nothing was.
    pub precision: String,
    /// The tokens that may be written: `auto`, `full` or `english`.
    pub vocabulary: String,
    /// The format of sources that no extension tells.
    pub format: Format,
    /// How blocks are cut into segments; `auto` where nothing was asked for.
    pub split: String,
    /// Where the paragraphs of plain text end.
    pub paragraphs: Paragraphs,
    /// The encoding of the sources; none where it is detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The date and time that the outputs bear; none for that of their making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// How each sentence is decoded.
    pub decode: DecodeId,
    /// Whether the outputs hold the ids of tokens.
    pub ids: bool,
    /// How source and translation stand on a page.
    pub layout: String,
    /// Hash of what people have taught the memory ([`crate::memory::Memory::human_hash`]); none without a memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human_hash: Option<String>,
}

/// The settings of a run that its outputs depend on.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The model.
    pub identity: &'a Identity,
    /// The number format that is asked for.
    pub precision: Precision,
    /// The tokens that may be written.
    pub vocabulary: Vocabulary,
    /// How sources are read and translated.
    pub reading: &'a pipeline::Options,
    /// How outputs are written.
    pub render: &'a RenderOptions,
    /// Hash of what people have taught the memory; none without a memory.
    pub human_hash: Option<&'a str>,
}

impl Settings<'_> {
    /// Describes the outputs of these settings.
    pub fn manner(&self) -> Manner {
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
        // The width is a terminal's.
        let RenderOptions { layout, width: _ } = render;
        Manner {
            model: identity.model.clone(),
            precision: precision_name(precision).to_owned(),
            vocabulary: vocabulary_name(vocabulary).to_owned(),
            format: *format,
            split: split_name(*split).to_owned(),
            paragraphs: *paragraphs,
            encoding: encoding.clone(),
            date: date.clone(),
            decode: decode.id(),
            ids: decode.ids,
            layout: layout_name(*layout).to_owned(),
            human_hash: human_hash.map(str::to_owned),
        }
    }

    /// The text that stood for [`Self::manner`] before there was a [`Manner`]; see [`former`].
    pub fn former_manner(&self) -> String {
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
        former::manner(
            self.identity.former(),
            &self.precision,
            &self.vocabulary,
            &options,
            &self.render.layout,
            self.human_hash,
        )
    }
}

// Names of their own, so that another spelling in the code or on the command line does not change what is stored.

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Auto => "auto",
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::F16 => "f16",
        Precision::Int8 => "int8",
    }
}

fn vocabulary_name(vocabulary: Vocabulary) -> &'static str {
    match vocabulary {
        Vocabulary::Auto => "auto",
        Vocabulary::Full => "full",
        Vocabulary::English => "english",
    }
}

fn split_name(split: Split) -> &'static str {
    match split {
        Split::Auto => "auto",
        Split::Sentence => "sentence",
        Split::Line => "line",
        Split::Block => "block",
    }
}

fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::SideBySide => "side-by-side",
        Layout::Interleaved => "interleaved",
        Layout::Target => "target",
    }
}

/// The manner of some run.
#[cfg(test)]
pub(super) fn sample() -> Manner {
    Manner {
        model: crate::translate::SystemId::sample("model").model,
        precision: "auto".to_owned(),
        vocabulary: "auto".to_owned(),
        format: Format::Text,
        split: "auto".to_owned(),
        paragraphs: Paragraphs::Auto,
        encoding: None,
        date: None,
        decode: DecodeId::default(),
        ids: false,
        layout: "side-by-side".to_owned(),
        human_hash: None,
    }
}
