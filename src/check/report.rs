//! Reports of a check for programs: JSON lines and tables.

use super::{CheckSummary, PairResult, TextPair, html};
use crate::document::Finding;
use crate::document::spreadsheet::neutralise_formula;
use crate::error::{Error, Result};
use crate::render::put_on_one_line;
use serde::Serialize;

/// The format of a report that a program or a browser reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// An object for each pair in the order of the file, and one with the summary.
    Jsonl,
    /// A page with the pairs to check, the worst first.
    Html,
    /// A table with all pairs in the order of the file.
    Tsv,
}

/// A line of [`ReportFormat::Jsonl`].
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum JsonLine<'a> {
    Pair {
        line: usize,
        source: &'a str,
        target: &'a str,
        score: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        log_probability: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        contrastive: Option<f64>,
        flags: &'a [Finding],
    },
    Summary(&'a CheckSummary),
}

/// Columns of [`ReportFormat::Tsv`].
const COLUMNS: &str = "line\tscore\tflags\tsource\ttarget\tdetails\n";

/// Writes a report of the check of `pairs`, which gave `results`, piece by piece with `put`. `title` names what was
/// checked, and `place_noun` what [`TextPair::line`] counts.
///
/// # Errors
/// The errors of `put`.
pub fn write_report(
    format: ReportFormat,
    pairs: &[TextPair],
    results: &[PairResult],
    [title, place_noun]: [&str; 2],
    put: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    match format {
        ReportFormat::Html => html::write_html(pairs, results, [title, place_noun], put),
        ReportFormat::Tsv => {
            put(COLUMNS)?;
            let rows = pairs.iter().zip(results);
            { rows }.try_for_each(|(pair, result)| put(&format_row(pair, result)))
        }
        ReportFormat::Jsonl => {
            // More decimals carry no meaning.
            let round = |number: f64| (number * 1e6).round() / 1e6;
            for (pair, result) in pairs.iter().zip(results) {
                put_json(
                    &JsonLine::Pair {
                        line: pair.line,
                        source: &pair.source,
                        target: &pair.target,
                        score: round(result.score),
                        log_probability: result.model.map(|score| round(score.log_probability)),
                        contrastive: result.model.map(|score| round(score.contrastive)),
                        flags: &result.findings,
                    },
                    put,
                )?;
            }
            put_json(&JsonLine::Summary(&CheckSummary::new(results)), put)
        }
    }
}

fn put_json(line: &JsonLine, put: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let json = serde_json::to_string(line).map_err(|error| Error::output("cannot be written as JSON").source(error))?;
    put(&(json + "\n"))
}

/// Formats a pair as a row of the table: each field on one line, and none that a spreadsheet program would run as a
/// formula.
fn format_row(pair: &TextPair, result: &PairResult) -> String {
    let flags: Vec<&str> = result.findings.flags().map(|flag| flag.name()).collect();
    let details: Vec<String> = result
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.flag.name(), finding.meaning_in_words()))
        .collect();
    let text = |text: &str| neutralise_formula(&put_on_one_line(text)).into_owned();
    format!(
        "{}\t{:.6}\t{}\t{}\t{}\t{}\n",
        pair.line,
        result.score,
        flags.join(","),
        text(&pair.source),
        text(&pair.target),
        text(&details.join("; ")),
    )
}
