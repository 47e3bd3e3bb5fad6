//! The summary of one article that the archive's database stores and its report shows.

use super::Article;
use crate::document::{BilingualDocument, BlockKind, Findings, FinishReason, Flag, Segment, compare_worse_first};
use crate::error::Error;
use crate::pipeline::ReadingNotice;
use crate::thai::quantity::{Language, QuantityValue, find_quantities};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Maximum number of flagged segments that the record of one article quotes.
const MAX_QUOTED_SEGMENTS: usize = 20;

/// The report on one article; one line of `report.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArticleRecord {
    /// Path of the source below the input directory, with `/` between directories.
    pub place: String,
    /// The article's first heading in Thai; its first segment if it has no heading.
    pub title: String,
    /// The English translation of `title`.
    pub title_en: String,
    /// Date of the article in ISO 8601, taken from its metadata lines; none if they hold no full date.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<String>,
    /// Size of the source file in bytes.
    pub bytes: u64,
    /// SHA-256 of the source file, in hexadecimal.
    pub sha256: String,
    /// Number of segments, those without Thai included.
    pub segments: usize,
    /// Number of segments without Thai, which were copied to the output unchanged.
    pub copied: usize,
    /// Number of segments with at least one flag that is a warning: a reader should check them.
    pub flagged: usize,
    /// For each flag, the number of segments that have it.
    pub flags: BTreeMap<Flag, usize>,
    /// Mean trust of the article's translated segments (see [`QuotedSegment::trust`]), with four decimals; none if
    /// nothing was translated, and in records of earlier versions. The share to check is `flagged` of `segments`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trust: Option<f64>,
    /// Mean of the scores of the article's translated segments (see [`QuotedSegment::score`]); none if nothing was translated.
    pub score: Option<f64>,
    /// The output files that were written for the article.
    pub outputs: Vec<WrittenOutput>,
    /// Up to 20 flagged segments, the least trusted first.
    pub worst: Vec<QuotedSegment>,
    /// Remarks for the reader on how the source was read, such as an encoding that was detected.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notices: Vec<ReadingNotice>,
    /// Error message if the article failed; none if it was translated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Set if the last run did not find the source any more. The state stores it apart from the record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gone: Option<GoneSource>,
}

/// The fate of a source that is not in the input directory any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneSource {
    /// Path below the input directory of another article with the same content; none if the source was deleted.
    pub renamed_to: Option<String>,
}

/// One output file that was written for an article.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenOutput {
    /// Name of the output format, such as `html`.
    pub format: String,
    /// Path of the file below the output directory, with `/` between directories.
    pub path: String,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// Whether the article's source or the settings have changed since the file was written.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub outdated: bool,
}

/// A flagged segment as a record quotes it, with its source and translation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotedSegment {
    /// Index of the segment in its document, from 0.
    pub id: usize,
    /// The notes and warnings about the segment.
    #[serde(flatten)]
    pub findings: Findings,
    /// The trust in the translation, from 0 to 1 with four decimals (see [`Segment::trust`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<f64>,
    /// Mean natural log-probability of the segment's output tokens, with four decimals; none if none were decoded.
    pub score: Option<f64>,
    /// The segment's Thai text.
    pub source: String,
    /// The segment's English translation.
    pub target: String,
}

impl ArticleRecord {
    /// Creates the record of a translated article. `bytes` is the size of its source, `notices` are those of reading it.
    pub fn new(
        article: &Article,
        bytes: u64,
        document: &BilingualDocument,
        notices: Vec<ReadingNotice>,
        outputs: Vec<WrittenOutput>,
    ) -> Self {
        let segments = &document.segments;
        let (title, title_en) = find_article_titles(document);
        let mut flags = BTreeMap::new();
        for flag in segments.iter().flat_map(|segment| segment.findings.flags()) {
            *flags.entry(flag).or_default() += 1;
        }
        let translated = || segments.iter().filter(|segment| segment.finish != FinishReason::Copy);
        let mut worst: Vec<&Segment> = segments.iter().filter(|segment| segment.is_flagged()).collect();
        let flagged = worst.len();
        worst.sort_by(|a, b| compare_worse_first((&a.findings, a.trust), (&b.findings, b.trust)));
        worst.truncate(MAX_QUOTED_SEGMENTS);
        Self {
            place: article.place.clone(),
            title,
            title_en,
            date: find_article_date(segments),
            bytes,
            sha256: document.header.sha256.clone(),
            segments: segments.len(),
            copied: segments.len() - translated().count(),
            flagged,
            flags,
            trust: mean_score(translated().filter_map(|segment| segment.trust)),
            score: mean_score(segments.iter().filter_map(|segment| segment.score)),
            outputs,
            worst: worst.into_iter().map(quote_segment).collect(),
            notices,
            error: None,
            gone: None,
        }
    }

    /// Creates the record of an article that failed, with the error's message.
    pub fn from_failure(article: &Article, error: &Error) -> Self {
        let within: String = error.place.iter().map(|place| format!("{place}: ")).collect();
        Self {
            place: article.place.clone(),
            error: Some(within + &error.message),
            ..Self::default()
        }
    }

    /// Adds outputs of an earlier record of the article whose paths this one does not list, such as those in other
    /// formats. `outdated` says whether the article's source or the settings have changed since.
    pub fn add_earlier_outputs(&mut self, earlier: Vec<WrittenOutput>, outdated: bool) {
        for output in earlier {
            if self.outputs.iter().all(|own| own.path != output.path) {
                self.outputs.push(WrittenOutput {
                    outdated: outdated || output.outdated,
                    ..output
                });
            }
        }
    }
}

fn quote_segment(segment: &Segment) -> QuotedSegment {
    QuotedSegment {
        id: segment.id,
        findings: segment.findings.clone(),
        trust: segment.trust.map(round_score),
        score: segment.score.map(round_score),
        source: segment.source.clone(),
        target: segment.target.clone(),
    }
}

/// Computes the mean of scores with four decimals; none if there are no scores.
fn mean_score(scores: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = scores.fold((0usize, 0.0), |(count, sum), score| (count + 1, sum + score));
    (count > 0).then(|| round_score(sum / count as f64))
}

fn round_score(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

/// Returns source and translation of the document's first heading, or of its first segment if it has no heading.
fn find_article_titles(document: &BilingualDocument) -> (String, String) {
    let is_heading = |block: &&[Segment]| block.iter().any(|segment| segment.kind == BlockKind::Heading);
    let block = document.segments_by_block().find(is_heading);
    let block = block.or_else(|| document.segments.first().map(std::slice::from_ref));
    let joined = |side: fn(&Segment) -> &str| {
        let parts: Vec<&str> = block.unwrap_or_default().iter().map(side).collect();
        parts.join(" ")
    };
    (joined(|segment| &segment.source), joined(|segment| &segment.target))
}

/// Finds the first date with year, month and day in the metadata segments, and formats it as `YYYY-MM-DD`.
fn find_article_date(segments: &[Segment]) -> Option<String> {
    let about = segments.iter().filter(|segment| segment.kind == BlockKind::Metadata);
    about
        .flat_map(|segment| find_quantities(&segment.source, Language::Thai))
        .find_map(|quantity| match quantity.value {
            QuantityValue::Date(date) => Some(format!("{:04}-{:02}-{:02}", date.year?, date.month?, date.day?)),
            _ => None,
        })
}
