//! The aligned document: every segment with its translation, and the source between segments. Every renderer reads it,
//! and JSONL is its serialised form.

use super::{BlockKind, Flag, Format, Paragraphs};
use crate::span::Span;
use serde::{Deserialize, Serialize};

/// The version of the JSONL schema. It rises only when a reader of the version before would misread a file.
pub const SCHEMA: u32 = 3;

/// The reason why the model stopped writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model gave its end token, or a stop string.
    Stop,
    /// The output reached the token limit.
    Length,
    /// The guard against endless repetition ended the search.
    Loop,
    /// Nothing was decoded: the source has no Thai letter and was copied.
    Copy,
}

/// A sentence like that of a segment, with the translation that a person gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    /// The similar source, normalised as for a model.
    pub source: String,
    /// Its translation by a person.
    pub target: String,
    /// The similarity of the two sources: 1 minus the edit distance in characters as a share of the longer text. Below 1,
    /// with four decimals.
    pub similarity: f64,
}

impl Similar {
    /// The similarity in whole percent, rounded down.
    pub fn percent(&self) -> u32 {
        (self.similarity * 1e4).round() as u32 / 100
    }
}

/// One aligned pair, with the source text between the previous pair and this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The segment's number in the document, from 0.
    pub id: usize,
    /// The number of its block, from 0. Segments of one block are adjacent.
    pub block: usize,
    /// The role of its block.
    pub kind: BlockKind,
    /// Heading level or list depth, from 1; 0 for other blocks.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub level: u8,
    /// The text that was translated: markup removed, entities decoded.
    pub source: String,
    /// The translation; equal to `source` for a copied segment.
    pub target: String,
    /// The byte range of the segment in the source as UTF-8, byte-order mark included.
    pub span: Span,
    /// The source between the end of the previous segment and the start of this one, unchanged.
    pub before: String,
    /// The source at `span`; present only if markup or entities make it differ from `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Mean natural log-probability of the output tokens. None where nothing was decoded.
    pub score: Option<f64>,
    /// The reason why the model stopped.
    pub finish: Finish,
    /// The flags in the order of [`Flag::ALL`].
    pub flags: Vec<Flag>,
    /// The most similar sentence that a person translated, if a machine translated this one and the memory has one that is
    /// similar enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar: Option<Similar>,
    /// The token ids that the model was given, with special ids and prompt. Present only on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ids: Option<Vec<u32>>,
    /// The token ids that the model gave, without start, forced and end ids. Present only on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_ids: Option<Vec<u32>>,
}

impl Segment {
    /// The flags that ask a reader to check the segment.
    pub fn warnings(&self) -> impl Iterator<Item = Flag> {
        self.flags.iter().copied().filter(|flag| flag.is_warning())
    }

    /// Whether a reader should check the segment.
    pub fn is_flagged(&self) -> bool {
        self.warnings().next().is_some()
    }
}

fn is_zero(level: &u8) -> bool {
    *level == 0
}

/// The trade of time against quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// One greedy search, without retries.
    Fast,
    /// The search that the model's manifest or files ask for. A failed output is tried again, and an improbable one also
    /// in parts (the manifest sets the limit).
    #[default]
    Default,
    /// More than `Default`: an encoder-decoder model gets a beam of at least 8; a decoder-only model also samples several
    /// outputs, and the one that agrees best with the others is taken (minimum Bayes risk).
    Best,
}

impl Quality {
    fn is_default(&self) -> bool {
        *self == Self::Default
    }
}

/// The settings of a run. Two runs with equal settings, source and model give the same document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// The way in which blocks were cut into segments: `sentence`, `line` or `block`.
    pub split: String,
    /// The rule for where paragraphs of plain text end. None for other formats, and with a segment per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraphs: Option<Paragraphs>,
    /// Whether the model was given normalised text.
    pub normalize: bool,
    /// The number of hypotheses in the beam; 1 is greedy search.
    pub beam: usize,
    /// The trade of time against quality.
    #[serde(default, skip_serializing_if = "Quality::is_default")]
    pub quality: Quality,
    /// The most output tokens per segment; 0 where the length of the source decides.
    pub max_tokens: usize,
    /// The fewest output tokens per segment.
    pub min_tokens: usize,
    /// The type of the weights, such as `f32`, `bf16`, `int8` or `q4_k_m`.
    pub precision: String,
    /// The name of the device that the model ran on.
    pub device: String,
    /// The output vocabulary: `full`, or `english` where only tokens of English text could be written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vocabulary: String,
    /// The prompt of a decoder-only model, with `{text}` in the place of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// The origin of a document: its source, its model and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the schema, [`SCHEMA`] when written.
    pub schema: u32,
    /// The name of the tool, always `plae`.
    pub tool: String,
    /// The version of the tool.
    pub version: String,
    /// The name of the model; `none` where no segment needed one.
    pub model: String,
    /// The revision of the model: a commit of its repository, or the sha256 of the file that was fetched. None for a local
    /// file or directory.
    pub revision: Option<String>,
    /// The licence of the model, as its manifest names it.
    pub licence: Option<String>,
    /// The name of the source file, without its directory. None for standard input.
    pub file: Option<String>,
    /// The format that the source was read as.
    pub format: Format,
    /// The encoding of the source's bytes, by its WHATWG name (`UTF-8`, `windows-874`).
    pub encoding: String,
    /// The sha256 of the source's bytes, in hexadecimal.
    pub sha256: String,
    /// The date and time of the translation in UTC, RFC 3339.
    pub date: String,
    /// The settings of the run.
    pub parameters: Parameters,
    /// The number of segments. A file with fewer segment lines has lost its end.
    pub segments: usize,
    /// The source after the last segment.
    pub tail: String,
}

/// A source and its translation, aligned segment by segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Bilingual {
    /// The document's origin.
    pub header: Header,
    /// All segments, in the order of the source.
    pub segments: Vec<Segment>,
}

impl Bilingual {
    /// Rebuilds the source from the segments and the text between them. It equals what was read, as UTF-8, byte for byte.
    pub fn source(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            text.push_str(&segment.before);
            text.push_str(segment.raw.as_deref().unwrap_or(&segment.source));
        }
        text.push_str(&self.header.tail);
        text
    }

    /// The blocks in order, each as the slice of its segments.
    pub fn blocks(&self) -> impl Iterator<Item = &[Segment]> {
        self.segments.chunk_by(|a, b| a.block == b.block)
    }
}
