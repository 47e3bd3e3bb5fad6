//! Checks of anyone's translation: pairs of Thai and English are read from files, checked, and reported.
//!
//! [`pair_lines`] or [`read_pairs`] → [`check_pairs`] → [`write_report`]. No model is needed; the scores of one
//! ([`Translator::score_pairs`](crate::translate::Translator::score_pairs)) show more.

mod html;
mod probability;
mod read;
mod report;
#[cfg(test)]
mod tests;

pub use read::{PairFormat, ReadPairs, pair_lines, read_pairs};
pub use report::{ReportFormat, write_report};

use crate::document::{Finding, Findings, FinishReason, Flag, Side, compare_worse_first, divide_into_passages};
use crate::quality::{self, CheckedPair};
use crate::span::Span;
use crate::thai::has_thai;
use crate::translate::PairScore;
use rayon::prelude::*;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A Thai text and its English translation, as they stand in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPair<'a> {
    /// The number of the line in its file, from 1; in a format without lines, the number of the pair.
    pub line: usize,
    /// The Thai text.
    pub source: Cow<'a, str>,
    /// The English text.
    pub target: Cow<'a, str>,
    /// Why the search for the translation ended, if the file says it; else `Stop`.
    pub finish: FinishReason,
}

/// The flags that a check of texts alone can find. The others say how plae made a segment.
pub const CHECKED_FLAGS: [Flag; 15] = [
    Flag::Truncated,
    Flag::Repetition,
    Flag::Empty,
    Flag::Encoding,
    Flag::Untranslated,
    Flag::Date,
    Flag::Time,
    Flag::Money,
    Flag::Unit,
    Flag::Number,
    Flag::Negation,
    Flag::Name,
    Flag::Omission,
    Flag::Addition,
    Flag::Inconsistent,
];

/// The flags that a user wants to see.
#[derive(Clone, Debug, Default)]
pub struct FlagSelection {
    /// The only flags to keep; empty for all.
    pub only: Vec<Flag>,
    /// Flags to leave out.
    pub skip: Vec<Flag>,
}

impl FlagSelection {
    /// Whether findings with this flag are kept.
    pub fn includes(&self, flag: Flag) -> bool {
        (self.only.is_empty() || self.only.contains(&flag)) && !self.skip.contains(&flag)
    }
}

/// The outcome of the check of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairResult {
    /// The notes and warnings about the pair, in the order of [`Flag::ALL`].
    pub findings: Findings,
    /// The trust in the translation, from 0 to 1; 1 if nothing looks wrong.
    pub score: f64,
    /// The probability that a model gives to the translation; none without a model, and for a pair that it could not score.
    pub model: Option<PairScore>,
}

/// Checks the pairs of one document, in parallel, and returns as many results in the same order. `scores` has a model's
/// score of each pair; it is empty without a model.
///
/// It takes time and memory in proportion to the number of pairs: about 100 bytes for a pair, and those of its findings.
pub fn check_pairs(pairs: &[TextPair], scores: &[Option<PairScore>], selection: &FlagSelection) -> Vec<PairResult> {
    let mut found: Vec<Vec<Finding>> = pairs.par_iter().map(check_pair).collect();
    let texts: Vec<(&str, &str)> = pairs.iter().map(|pair| (&*pair.source, &*pair.target)).collect();
    for (index, finding) in quality::check_document(&texts) {
        found[index].push(finding);
    }
    let results = found.into_iter().enumerate().map(|(index, mut findings)| {
        let model = scores.get(index).copied().flatten();
        findings.extend(model.as_ref().and_then(probability::check_score));
        findings.retain(|finding| selection.includes(finding.flag));
        PairResult {
            score: quality::trust_score(&findings, model.map(|score| score.log_probability)),
            findings: findings.into(),
            model,
        }
    });
    results.collect()
}

fn check_pair(pair: &TextPair) -> Vec<Finding> {
    let (source, target) = (&*pair.source, &*pair.target);
    match (source.trim(), target.trim()) {
        ("", "") => return Vec::new(),
        ("", _) => {
            let whole = Span::new(0, target.len());
            return vec![Finding::new(Flag::Addition, None, Some(whole), "the source is blank")];
        }
        _ => {}
    }
    let is_copy = source.trim() == target.trim() && !has_thai(source);
    let finish = if is_copy { FinishReason::Copy } else { pair.finish };
    let findings = quality::check_translation(&CheckedPair {
        source,
        target,
        finish,
        examples: &[],
    });
    findings.to_vec()
}

/// Counts of a whole check.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CheckSummary {
    /// Number of pairs that were checked.
    pub pairs: usize,
    /// Number of pairs with a warning, which a reader should look at.
    pub flagged: usize,
    /// Share of the flagged pairs among all, from 0 to 1.
    pub share: f64,
    /// Number of pairs with each flag that was found.
    pub flags: BTreeMap<Flag, usize>,
}

impl CheckSummary {
    /// Counts the results of a check.
    pub fn new(results: &[PairResult]) -> Self {
        let mut flags = BTreeMap::new();
        for flag in results.iter().flat_map(|result| result.findings.flags()) {
            *flags.entry(flag).or_default() += 1;
        }
        let flagged = results.iter().filter(|result| result.findings.has_warning()).count();
        Self {
            pairs: results.len(),
            flagged,
            share: flagged as f64 / results.len().max(1) as f64,
            flags,
        }
    }

    /// Describes the counts in a line: `3 of 100 pairs to check (3.0 %): 2 date, 1 number`.
    pub fn describe(&self) -> String {
        let noun = if self.pairs == 1 { "pair" } else { "pairs" };
        if self.flagged == 0 {
            return format!("{} {noun}, nothing to check", self.pairs);
        }
        let counts: Vec<String> = self
            .flags
            .iter()
            .map(|(flag, count)| format!("{count} {}", flag.name()))
            .collect();
        format!(
            "{} of {} {noun} to check ({:.1} %): {}",
            self.flagged,
            self.pairs,
            100.0 * self.share,
            counts.join(", ")
        )
    }
}

/// Returns the indices of the results with a warning, the worst first: by score, then by the most serious flag, then in
/// the order of the file.
pub fn list_worst_first(results: &[PairResult]) -> Vec<usize> {
    let mut flagged: Vec<usize> = (0..results.len())
        .filter(|index| results[*index].findings.has_warning())
        .collect();
    let key = |index: usize| (&results[index].findings, Some(results[index].score));
    flagged.sort_by(|a, b| compare_worse_first(key(*a), key(*b)));
    flagged
}

/// Divides the source and the target of a pair at the places of its warnings: returns the parts of each in order, with
/// whether a finding is about the part.
pub fn divide_at_findings<'a>(pair: &'a TextPair, result: &PairResult) -> [Vec<(&'a str, bool)>; 2] {
    let divide = |text, side| {
        let passages = divide_into_passages(text, side, result.findings.warnings()).into_iter();
        passages
            .map(|passage| (passage.text, !passage.flags.is_empty()))
            .collect()
    };
    [divide(&pair.source, Side::Source), divide(&pair.target, Side::Target)]
}
