//! The record of one article, as the report shows it.

use super::Article;
use crate::document::{Bilingual, BlockKind, Finish, Flag, Segment};
use crate::error::Error;
use crate::thai::quantity::{Language, Value, find_quantities};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The most flagged segments of one article that its record quotes.
const MAX_QUOTES: usize = 20;

/// What the report says of one article: a line of `report.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Path of the source below the input directory, `/` between directories.
    pub place: String,
    /// The article's first heading, else its first segment, in Thai.
    pub title: String,
    /// The title in English.
    pub title_en: String,
    /// Date of the article as its metadata lines have it, in ISO 8601; none without a full date there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<String>,
    /// Size of the source in bytes.
    pub bytes: u64,
    /// SHA-256 of the source, in hexadecimal.
    pub sha256: String,
    /// All segments.
    pub segments: usize,
    /// Segments without Thai, which were copied.
    pub copied: usize,
    /// Segments that a reader should look at twice.
    pub flagged: usize,
    /// How often each flag occurs.
    pub flags: BTreeMap<Flag, usize>,
    /// Mean of the segments' scores; none where nothing was decoded.
    pub score: Option<f64>,
    /// The output files.
    pub outputs: Vec<Written>,
    /// Flagged segments, 20 at most: the worst flags first, among equal ones the lowest scores.
    pub worst: Vec<Quote>,
    /// Reason for the article's failure; none for one that was translated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// An output file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Name of the format.
    pub format: String,
    /// Path below the output directory, `/` between directories.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A flagged segment, which a reader should look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// The segment's number in its document, from 0.
    pub id: usize,
    /// The segment's flags.
    pub flags: Vec<Flag>,
    /// Mean natural log-probability of the output tokens, with four decimals; none where nothing was decoded.
    pub score: Option<f64>,
    /// The Thai.
    pub source: String,
    /// The English.
    pub target: String,
}

impl Record {
    /// The record of a translated article.
    pub fn new(article: &Article, bytes: u64, document: &Bilingual, outputs: Vec<Written>) -> Self {
        let segments = &document.segments;
        let (title, title_en) = title(document);
        let mut flags = BTreeMap::new();
        for flag in segments.iter().flat_map(|segment| &segment.flags) {
            *flags.entry(*flag).or_default() += 1;
        }
        let scores: Vec<f64> = segments.iter().filter_map(|segment| segment.score).collect();
        let mut worst: Vec<&Segment> = segments.iter().filter(|segment| segment.is_flagged()).collect();
        let flagged = worst.len();
        worst.sort_by(|a, b| worse_first((&a.flags, a.score), (&b.flags, b.score)));
        worst.truncate(MAX_QUOTES);
        Self {
            place: article.place.clone(),
            title,
            title_en,
            date: date(segments),
            bytes,
            sha256: document.header.sha256.clone(),
            segments: segments.len(),
            copied: segments.iter().filter(|segment| segment.finish == Finish::Copy).count(),
            flagged,
            flags,
            score: (!scores.is_empty()).then(|| rounded(scores.iter().sum::<f64>() / scores.len() as f64)),
            outputs,
            worst: worst.into_iter().map(quote).collect(),
            error: None,
        }
    }

    /// The record of an article that failed.
    pub fn failed(article: &Article, error: &Error) -> Self {
        let within: String = error.place.iter().map(|place| format!("{place}: ")).collect();
        Self {
            place: article.place.clone(),
            error: Some(within + &error.message),
            ..Self::default()
        }
    }
}

/// Orders two segments by flags and score: the worst flag first, among equal ones the lowest score.
pub(super) fn worse_first(a: (&[Flag], Option<f64>), b: (&[Flag], Option<f64>)) -> Ordering {
    let severity = |flags: &[Flag]| flags.iter().map(|flag| flag.rank()).max();
    let sure = |score: Option<f64>| score.unwrap_or(0.0);
    severity(b.0).cmp(&severity(a.0)).then(sure(a.1).total_cmp(&sure(b.1)))
}

fn quote(segment: &Segment) -> Quote {
    Quote {
        id: segment.id,
        flags: segment.flags.clone(),
        score: segment.score.map(rounded),
        source: segment.source.clone(),
        target: segment.target.clone(),
    }
}

fn rounded(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

/// Source and target of the first heading, else of the first segment.
fn title(document: &Bilingual) -> (String, String) {
    let is_heading = |block: &&[Segment]| block.iter().any(|segment| segment.kind == BlockKind::Heading);
    let block = document.blocks().find(is_heading);
    let block = block.or_else(|| document.segments.first().map(std::slice::from_ref));
    let joined = |side: fn(&Segment) -> &str| {
        let parts: Vec<&str> = block.unwrap_or_default().iter().map(side).collect();
        parts.join(" ")
    };
    (joined(|segment| &segment.source), joined(|segment| &segment.target))
}

/// The first full date in the metadata lines.
fn date(segments: &[Segment]) -> Option<String> {
    let about = segments.iter().filter(|segment| segment.kind == BlockKind::Metadata);
    about
        .flat_map(|segment| find_quantities(&segment.source, Language::Thai))
        .find_map(|quantity| match quantity.value {
            Value::Date(date) => Some(format!("{:04}-{:02}-{:02}", date.year?, date.month?, date.day?)),
            _ => None,
        })
}
