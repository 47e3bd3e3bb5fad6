//! The aligned document: every segment with its translation, and the gaps between them; what every renderer reads.

use super::{BlockKind, Flag, Format, Paragraphs};
use crate::span::Span;
use serde::{Deserialize, Serialize};

/// Version of the JSONL schema; it rises when a reader of the older one would go wrong.
pub const SCHEMA: u32 = 3;

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// At an end token or a stop string of its own.
    Stop,
    /// At the most tokens that were allowed.
    Length,
    /// Ended by the guard against endless repetition.
    Loop,
    /// Not translated: the source has no Thai letter and was copied.
    Copy,
}

/// What a person made of a sentence like a segment's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    /// As models get it: normalised.
    pub source: String,
    pub target: String,
    /// One less the edit distance in characters, as a share of the longer text: below 1, with four decimals.
    pub similarity: f64,
}

impl Similar {
    /// The similarity in whole percent.
    pub fn percent(&self) -> u32 {
        (self.similarity * 1e4).round() as u32 / 100
    }
}

/// One aligned pair, and the source text between the pair before it and this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number in the document, from 0.
    pub id: usize,
    /// The number of its block, from 0; segments of one block are adjacent.
    pub block: usize,
    pub kind: BlockKind,
    /// Heading level or list depth, 0 where neither applies.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub level: u8,
    /// The text that was translated: markup removed, entities decoded.
    pub source: String,
    /// The translation; equal to `source` where the segment was copied.
    pub target: String,
    /// The segment's bytes in the source as UTF-8.
    pub span: Span,
    /// The source between the end of the segment before and the start of this one, kept as it is.
    pub before: String,
    /// The bytes of `span`, where markup or entities make them differ from `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Mean natural log-probability of the output tokens; none where nothing was decoded.
    pub score: Option<f64>,
    pub finish: Finish,
    pub flags: Vec<Flag>,
    /// Where a machine translated the segment: what a person made of the sentence most like it, if that is near enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar: Option<Similar>,
    /// What the model was given, special ids and prompt included (`--ids`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ids: Option<Vec<u32>>,
    /// What the model gave, without start, forced and end ids (`--ids`).
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

/// How much time a translation is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Greedy search, once.
    Fast,
    /// The search that the model's manifest or files ask for; an output that is bad is tried again, and one that is less probable than
    /// the manifest says also in parts.
    #[default]
    Default,
    /// Of an encoder-decoder model a beam of at least 8; of a decoder-only model several outputs at random besides that of
    /// `Default`, and of all the one that agrees best with the others (minimum Bayes risk).
    Best,
}

impl Quality {
    fn is_default(&self) -> bool {
        *self == Self::Default
    }
}

/// How the text was cut and decoded: what has to be equal for two runs to give the same document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    pub split: String,
    /// Where the paragraphs of a plain text end; none for other sources, and where each line is one segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraphs: Option<Paragraphs>,
    pub normalize: bool,
    pub beam: usize,
    #[serde(default, skip_serializing_if = "Quality::is_default")]
    pub quality: Quality,
    /// 0 where the length of each source decides.
    pub max_tokens: usize,
    pub min_tokens: usize,
    pub precision: String,
    pub device: String,
    /// The tokens that could be written: `full` or `english`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vocabulary: String,
    /// The prompt around the text, for a decoder-only model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// Where a document came from and how it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub schema: u32,
    /// Always `plae`.
    pub tool: String,
    pub version: String,
    pub model: String,
    /// Revision of the model: a commit of its repository, or the sha256 of the file fetched; none for a file or directory of
    /// the user's own.
    pub revision: Option<String>,
    pub licence: Option<String>,
    /// Name of the source file, without its directory; none for standard input.
    pub file: Option<String>,
    pub format: Format,
    /// How the source's bytes were read, by its WHATWG name (`UTF-8`, `windows-874`).
    pub encoding: String,
    /// sha256 of the source's bytes, in hexadecimal.
    pub sha256: String,
    /// When it was translated: date and time in UTC, RFC 3339.
    pub date: String,
    pub parameters: Parameters,
    /// How many segment lines follow: fewer mean a torn file.
    pub segments: usize,
    /// The source after the last segment.
    pub tail: String,
}

/// A source and its translation, aligned segment by segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Bilingual {
    pub header: Header,
    pub segments: Vec<Segment>,
}

impl Bilingual {
    /// The source, rebuilt from its gaps and segments: byte for byte what was read, as UTF-8.
    pub fn source(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            text.push_str(&segment.before);
            text.push_str(segment.raw.as_deref().unwrap_or(&segment.source));
        }
        text.push_str(&self.header.tail);
        text
    }

    /// The segments of each block together, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &[Segment]> {
        self.segments.chunk_by(|a, b| a.block == b.block)
    }
}
