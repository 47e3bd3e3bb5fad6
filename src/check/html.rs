//! The report of a check as a page: what to check, the worst first, with the places marked.

use super::{CheckSummary, PairResult, TextPair, divide_at_findings, list_worst_first};
use crate::error::Result;
use crate::render::{THEME, escape_html_xml};

/// The style sheet of this page; it comes after the shared one, [`THEME`].
const STYLE: &str = include_str!("check.css");

/// Writes the page piece by piece with `put`; see [`super::write_report`].
pub(super) fn write_html(
    pairs: &[TextPair],
    results: &[PairResult],
    [title, place_noun]: [&str; 2],
    put: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let summary = CheckSummary::new(results);
    let title = escape_html_xml(title);
    put(&format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"plae\">\n\
         <title>Check of {title}</title>\n\
         <style>\n{THEME}{STYLE}</style>\n\
         </head>\n\
         <body>\n\
         <header><h1>Check of {title}</h1>\n<p>{}</p></header>\n\
         <main>\n",
        escape_html_xml(&summary.describe())
    ))?;
    if !summary.flags.is_empty() {
        put("<dl>\n")?;
        for (flag, count) in &summary.flags {
            let (name, meaning) = (flag.name(), flag.meaning_in_words());
            put(&format!("<div><dt>{count} {name}</dt><dd>{meaning}</dd></div>\n"))?;
        }
        put("</dl>\n<ol>\n")?;
        for index in list_worst_first(results) {
            put(&format_item(&pairs[index], &results[index], place_noun))?;
        }
        put("</ol>\n")?;
    }
    let version = env!("CARGO_PKG_VERSION");
    put(&format!(
        "</main>\n<footer>Checked by plae {version}. What is not marked was not proven right.</footer>\n</body>\n</html>\n"
    ))
}

/// Formats a pair to check: both texts with the places of its findings marked, and the findings in words.
fn format_item(pair: &TextPair, result: &PairResult, place_noun: &str) -> String {
    let [source, target] = divide_at_findings(pair, result).map(|parts| {
        let parts = parts.into_iter().map(|(part, is_marked)| {
            let text = escape_html_xml(part);
            if is_marked {
                format!("<mark>{text}</mark>")
            } else {
                text
            }
        });
        parts.collect::<String>()
    });
    let reasons: Vec<String> = result
        .findings
        .warnings()
        .map(|finding| {
            let meaning = escape_html_xml(&finding.meaning_in_words());
            format!("<b>{}</b>: {meaning}", finding.flag.name())
        })
        .collect();
    format!(
        "<li id=\"l{line}\"><p lang=\"th\">{source}</p><p lang=\"en\">{target}</p><small>{place_noun} <a href=\"#l{line}\">{line}</a>, \
         score {:.2}. {}</small></li>\n",
        result.score,
        reasons.join("; "),
        line = pair.line,
    )
}
