//! The aligned document: every segment with its translation, and the source text between segments. Every renderer reads
//! it, and JSONL is its serialised form.

use super::{BlockKind, Era, Finding, Findings, Format, ParagraphRule};
use crate::span::Span;
use serde::{Deserialize, Serialize};

/// The two possible beginnings of a document's closing note: for a translated document, and for a document without
/// Thai.
///
/// Every output format for readers ends with the note, so a file that contains one of them was written by plae.
pub const CLOSING_NOTE_OPENINGS: [&str; 2] = ["Machine translated from Thai by plae ", "Nothing was translated: plae "];

/// The author of the comments in a Word document that plae wrote; comments of others are by people.
pub const COMMENT_AUTHOR: &str = "plae";

/// The version of the JSONL schema. Raise it only if a program that reads the previous version would misread a new
/// file.
pub const SCHEMA: u32 = 3;

/// The reason why decoding of a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishReason {
    /// The model wrote its end token or a stop string.
    Stop,
    /// The output reached the token limit.
    Length,
    /// The output repeated one phrase over and over, so decoding was ended early.
    Loop,
    /// Nothing was decoded: the source has no Thai letter and was copied.
    Copy,
    /// Nothing was decoded: the source is only dates, times and numbers, and was translated by rule.
    Rule,
}

/// A sentence of the translation memory that resembles a segment's source, with its human translation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimilarSentence {
    /// The source of the similar sentence, normalised like the input of a model.
    pub source: String,
    /// The human translation of the similar sentence.
    pub target: String,
    /// How much the similar sentence resembles the segment's source: 1 minus their edit distance in characters, divided
    /// by the length of the longer of the two. Less than 1; rounded to four decimals.
    pub similarity: f64,
}

impl SimilarSentence {
    /// Returns the similarity in whole percent, rounded down.
    pub fn similarity_percent(&self) -> u32 {
        (self.similarity * 1e4).round() as u32 / 100
    }
}

/// One segment: a source text with its translation, and the source between the previous segment and this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The number of the segment in its document, from 0.
    pub id: usize,
    /// The number, from 0, of the block that the segment belongs to. Segments of one block are adjacent.
    pub block: usize,
    /// The kind of the block that the segment belongs to, such as heading or list item.
    pub kind: BlockKind,
    /// The heading level or list depth of the segment's block, from 1; 0 for blocks of other kinds.
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
    /// The mean natural log-probability of the output tokens. None if nothing was decoded.
    pub score: Option<f64>,
    /// The reason why decoding of the segment ended.
    pub finish: FinishReason,
    /// The notes and warnings about the segment.
    #[serde(flatten)]
    pub findings: Findings,
    /// The trust in the translation by what is known of it: 1 if nothing looks wrong, near 0 if it is no translation. None
    /// in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<f64>,
    /// The most similar sentence of the translation memory that a person translated. None if this segment's translation
    /// is a person's, or if no sentence is similar enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar: Option<SimilarSentence>,
    /// The token ids that the model read, with special tokens and prompt. Present only on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ids: Option<Vec<u32>>,
    /// The token ids that the model wrote, without start token, forced tokens and end token. Present only on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_ids: Option<Vec<u32>>,
}

impl Segment {
    /// Lists those findings that ask a reader to check the translation.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.warnings()
    }

    /// Whether the segment has a flag that asks a reader to check the translation.
    pub fn is_flagged(&self) -> bool {
        self.findings.has_warning()
    }
}

fn is_zero(level: &u8) -> bool {
    *level == 0
}

/// How much time decoding may spend on a better translation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// One greedy search, without retries.
    Fast,
    /// The search that the model's manifest or files ask for. A failed output is decoded again; if the output is
    /// improbable, the source is also translated in parts (the manifest sets the limit).
    #[default]
    Default,
    /// More search than `Default`: an encoder-decoder model gets a beam of at least 8; a decoder-only model also
    /// samples several outputs, and the one that agrees best with the others is taken (minimum Bayes risk).
    Best,
}

impl Quality {
    fn is_default(&self) -> bool {
        *self == Self::Default
    }
}

/// The settings of a translation run. Two runs with equal settings, source and model give the same document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// How blocks were cut into segments: `sentence`, `line` or `block`.
    pub split: String,
    /// The rule for where paragraphs of plain text end. None for other formats, and if each line is a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraphs: Option<ParagraphRule>,
    /// Whether the source text was normalised before the model read it.
    pub normalize: bool,
    /// The number of hypotheses in the beam; 1 is greedy search.
    pub beam: usize,
    /// How much time decoding was allowed for a better translation.
    #[serde(default, skip_serializing_if = "Quality::is_default")]
    pub quality: Quality,
    /// The maximum number of output tokens per segment; 0 if it depends on the length of the source.
    pub max_tokens: usize,
    /// The minimum number of output tokens per segment.
    pub min_tokens: usize,
    /// The number type of the model's weights, such as `f32`, `bf16`, `int8` or `q4_k_m`.
    pub precision: String,
    /// The name of the device that the model ran on.
    pub device: String,
    /// The output vocabulary: `full`, or `english` if the model could write only tokens of English text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vocabulary: String,
    /// The prompt of a decoder-only model, with `{text}` in place of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The era in which years are written.
    #[serde(default, skip_serializing_if = "Era::is_default")]
    pub era: Era,
}

/// The header of an aligned document, which records its source file, its model and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the JSONL schema that the document follows; [`SCHEMA`] when written.
    pub schema: u32,
    /// The name of the program that wrote the document, always `plae`.
    pub tool: String,
    /// The version of the program that wrote the document.
    pub version: String,
    /// The name of the model; `none` if no segment needed one.
    pub model: String,
    /// The revision of the model: a commit of its repository, or the sha256 of the file that was fetched. None for a
    /// local file or directory.
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
    /// The settings of the translation run.
    pub parameters: Parameters,
    /// The number of segments in the document. A file with fewer segment lines has lost its end.
    pub segments: usize,
    /// The source from the end of the last segment to the end of the file.
    pub tail: String,
}

/// A source and its translation, aligned segment by segment.
#[derive(Clone, Debug, PartialEq)]
pub struct BilingualDocument {
    /// The header, which records the source file, the model and the settings.
    pub header: Header,
    /// All segments of the document, in the order of the source.
    pub segments: Vec<Segment>,
}

impl BilingualDocument {
    /// Rebuilds the source from the segments and the text between them. The result equals the source as it was read, in
    /// UTF-8, byte for byte.
    pub fn rebuild_source(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            text.push_str(&segment.before);
            text.push_str(segment.raw.as_deref().unwrap_or(&segment.source));
        }
        text.push_str(&self.header.tail);
        text
    }

    /// Returns the blocks in order, each as the slice of its segments.
    pub fn segments_by_block(&self) -> impl Iterator<Item = &[Segment]> {
        self.segments.chunk_by(|a, b| a.block == b.block)
    }
}
