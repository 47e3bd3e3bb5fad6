//! The report of an archive: a JSON Lines file with one line per article, and an HTML page that sorts and searches the
//! articles.

use super::STAGING_DIR_NAME;
use super::publish::{OutputPublisher, Overwrite, Replaceable};
use super::record::{ArticleRecord, GoneSource, QuotedSegment, WrittenOutput};
use super::shard::ArchiveDir;
use super::state::ArchiveState;
use crate::document::{Side, compare_worse_first};
use crate::error::Result;
use crate::file::{self, failed_write_error, format_byte_size, percent_encode};
use crate::render::{OutputFormat, THEME, escape_html_xml, mark_findings};
use indicatif::HumanCount;
use std::collections::HashSet;
use std::io::{self, Write};

/// Name of the JSON Lines report in the output directory: one [`ArticleRecord`] per line.
pub const REPORT: &str = "report.jsonl";
/// Name of the HTML report in the output directory.
pub const INDEX_FILE_NAME: &str = "index.html";
/// Maximum number of flagged segments that the HTML report quotes.
const MAX_WORST_SEGMENTS: usize = 200;

const STYLE: &str = include_str!("index.css");
const SCRIPT: &str = include_str!("index.js");

/// Writes the reports on all articles in `state`, [`REPORT`] and [`INDEX_FILE_NAME`], to the output directory. For a shard,
/// writes only [`REPORT`], to the shard's state directory. A file of another program that stands in the place of a
/// report is kept, unless `overwrite` covers it.
///
/// # Errors
/// Errors of the database; `Output` if a file cannot be written.
pub fn write_report(dir: &ArchiveDir, state: &ArchiveState, overwrite: &Overwrite) -> Result<()> {
    let staging = dir.state_dir().join(STAGING_DIR_NAME);
    let mut fill_report = |out: &mut dyn Write| {
        state.for_each_record(&mut |record| {
            serde_json::to_writer(&mut *out, &record).map_err(|error| failed_write_error(error.into()))?;
            out.write_all(b"\n").map_err(failed_write_error)
        })
    };
    if dir.shard().is_some() {
        return file::try_write_file_with(&dir.state_dir().join(REPORT), Some(&staging), true, &mut fill_report);
    }
    let publisher = OutputPublisher::new(dir, state, staging);
    let put = |name: &str, fill: &mut dyn FnMut(&mut dyn Write) -> Result<()>| {
        let replaceable = if overwrite.covers(name) {
            Replaceable::Anything
        } else {
            Replaceable::OwnOnly
        };
        let sha256 = publisher.publish(name, &replaceable, fill)?;
        state.store_output(name, &sha256)
    };
    let report = put(REPORT, &mut fill_report);
    let mut summary = ReportSummary::default();
    state.for_each_record(&mut |record| {
        summary.add_record(record);
        Ok(())
    })?;
    summary.sort_worst_segments();
    report.and(put(INDEX_FILE_NAME, &mut |out| write_html_report(out, &summary, state)))
}

/// The totals over all articles that the HTML report shows, and the flagged segments that it quotes.
#[derive(Default)]
struct ReportSummary {
    articles: usize,
    failed: usize,
    gone: usize,
    segments: usize,
    flagged: usize,
    /// Flagged segments to quote, each with the path of its article's main output and the article's title.
    worst: Vec<(QuotedSegment, Option<String>, String)>,
}

impl ReportSummary {
    fn add_record(&mut self, record: ArticleRecord) {
        self.articles += 1;
        self.failed += usize::from(record.error.is_some());
        self.gone += usize::from(record.gone.is_some());
        self.segments += record.segments;
        self.flagged += record.flagged;
        let page = main_output_path(&record).map(str::to_owned);
        let name = display_title(&record).to_owned();
        let quotes = record.worst.into_iter();
        self.worst
            .extend(quotes.map(|quote| (quote, page.clone(), name.clone())));
        if self.worst.len() > 2 * MAX_WORST_SEGMENTS {
            self.sort_worst_segments();
        }
    }

    /// Sorts the quoted segments, the worst first, drops repetitions of a source, and keeps the first [`MAX_WORST_SEGMENTS`].
    fn sort_worst_segments(&mut self) {
        self.worst
            .sort_by(|(a, ..), (b, ..)| compare_worse_first((&a.findings, a.trust), (&b.findings, b.trust)));
        let mut known = HashSet::new();
        self.worst.retain(|(quote, ..)| known.insert(quote.source.clone()));
        self.worst.truncate(MAX_WORST_SEGMENTS);
    }
}

/// Returns the path of the output that the report's title links to: of those that are not outdated, if there are any,
/// the HTML output, or the first if there is none.
fn main_output_path(record: &ArticleRecord) -> Option<&str> {
    let is_html = |output: &WrittenOutput| output.format == OutputFormat::Html.name();
    let best = record
        .outputs
        .iter()
        .min_by_key(|output| (output.outdated, !is_html(output)));
    best.map(|output| output.path.as_str())
}

/// Returns the name that the report shows for an article: its English title, else its Thai title, else its path.
fn display_title(record: &ArticleRecord) -> &str {
    let names = [&record.title_en, &record.title, &record.place];
    names
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .unwrap_or(names[2])
}

/// Converts a path below the output directory to a relative URL, percent-encoded.
fn to_relative_url(path: &str) -> String {
    format!("./{}", percent_encode(path))
}

fn write_html_report(out: &mut dyn Write, summary: &ReportSummary, state: &ArchiveState) -> Result<()> {
    write_html_start(out, summary).map_err(failed_write_error)?;
    state.for_each_record(&mut |record| {
        out.write_all(format_article_row(&record).as_bytes())
            .map_err(failed_write_error)
    })?;
    write_html_end(out, summary).map_err(failed_write_error)
}

/// Writes the HTML report up to the first row of its table of articles.
fn write_html_start(out: &mut dyn Write, summary: &ReportSummary) -> io::Result<()> {
    let counts = [
        (summary.articles, "articles"),
        (summary.segments, "segments"),
        (summary.flagged, "to check"),
        (summary.failed, "failed"),
    ];
    let counts = counts.map(|(count, noun)| format!("<b>{}</b> {noun}", HumanCount(count as u64)));
    let [articles, segments, check, failed] = &counts;
    let gone = match summary.gone {
        0 => String::new(),
        gone => format!(", <b>{}</b> gone", HumanCount(gone as u64)),
    };
    let check = if summary.worst.is_empty() {
        check.clone()
    } else {
        format!("<a href=\"#worst\">{check}</a>")
    };
    write!(
        out,
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"plae\">\n\
         <title>Translated articles</title>\n\
         <style>\n{THEME}{STYLE}</style>\n\
         </head>\n\
         <body>\n\
         <header><h1>Translated articles</h1><p>{articles}, {segments}, {check}, {failed}{gone}</p>\n\
         <label>Search <input type=\"search\" id=\"search\" accesskey=\"s\" placeholder=\"title, file, flag, error\"></label>\n\
         <output id=\"shown\" for=\"search\"></output></header>\n\
         <table id=\"articles\">\n\
         <thead><tr>{}</tr></thead>\n\
         <tbody>\n",
        ARTICLE_TABLE_COLUMNS.map(format_column_heading).concat(),
    )
}

/// Columns of the table of articles: the heading, and whether the column holds numbers.
const ARTICLE_TABLE_COLUMNS: [(&str, bool); 6] = [
    ("Article", false),
    ("Date", false),
    ("Size", true),
    ("Segments", true),
    ("To check", true),
    ("Trust", true),
];

fn format_column_heading((name, is_number): (&str, bool)) -> String {
    let class = if is_number { " class=\"number\"" } else { "" };
    format!("<th scope=\"col\" aria-sort=\"none\"{class}><button type=\"button\">{name}</button></th>")
}

/// Formats an article, translated or failed, as a row of the HTML table.
fn format_article_row(record: &ArticleRecord) -> String {
    let Some(error) = &record.error else {
        return format_translated_row(record);
    };
    // Infinity puts failed articles first when the table is sorted by the share of segments to check.
    format!(
        "<tr><td>{}<span class=\"error\">failed: {}</span>{}{}</td><td></td><td></td><td></td>\
         <td data-value=\"Infinity\"></td><td></td></tr>\n",
        escape_html_xml(&record.place),
        escape_html_xml(error),
        format_gone_source(record),
        match format_other_outputs(record, None) {
            others if others.is_empty() => others,
            others => format!("<small>{}</small>", others.trim_start()),
        },
    )
}

/// Formats the remark on an article whose source is gone; empty for others.
fn format_gone_source(record: &ArticleRecord) -> String {
    match &record.gone {
        None => String::new(),
        Some(GoneSource { renamed_to: None }) => "<span class=\"error\">source deleted</span>".to_owned(),
        Some(GoneSource {
            renamed_to: Some(place),
        }) => {
            format!(
                "<span class=\"error\">source renamed to {}</span>",
                escape_html_xml(place)
            )
        }
    }
}

/// Formats links to the outputs of an article, without the one at the path `main`, each after a space.
fn format_other_outputs(record: &ArticleRecord, main: Option<&str>) -> String {
    let others = record.outputs.iter().filter(|output| Some(&*output.path) != main);
    let format_other = |output: &WrittenOutput| {
        let link = format_html_link(Some(&output.path), "", &output.format);
        match output.outdated {
            false => format!(" {link}"),
            true => format!(" {link} (outdated)"),
        }
    };
    others.map(format_other).collect()
}

/// Formats an article that was translated as a row of the HTML table.
fn format_translated_row(record: &ArticleRecord) -> String {
    let main = main_output_path(record);
    let title = format_html_link(main, "", display_title(record));
    let thai = match record.title.trim() {
        "" => String::new(),
        thai => format!("<span lang=\"th\">{}</span>", escape_html_xml(thai)),
    };
    let others = format_other_outputs(record, main);
    let notices = record.notices.iter().filter(|notice| !notice.is_minor());
    let notices: String = notices
        .map(|notice| format!("<small>{}</small>", escape_html_xml(&notice.to_string())))
        .collect();
    let gone = format_gone_source(record);
    let date = escape_html_xml(record.date.as_deref().unwrap_or_default());
    let flags = record.flags.iter().filter(|(flag, _)| flag.is_warning());
    let flags: Vec<String> = flags.map(|(flag, count)| format!("{count} {}", flag.name())).collect();
    let (class, check) = match record.flagged {
        0 => ("", "<td>0</td>".to_owned()),
        count => (
            " class=\"flagged\"",
            format!(
                "<td data-value=\"{:.6}\">{count} / {}<small>{}</small></td>",
                count as f64 / record.segments.max(1) as f64,
                record.segments,
                flags.join(", ")
            ),
        ),
    };
    let trust = record.trust.map(|trust| format!("{trust:.2}")).unwrap_or_default();
    format!(
        "<tr{class}><td>{title}{thai}{gone}<small>{}{others}</small>{notices}</td><td>{date}</td>\
         <td data-value=\"{}\">{}</td><td>{}</td>{check}<td>{trust}</td></tr>\n",
        escape_html_xml(&record.place),
        record.bytes,
        format_byte_size(record.bytes),
        record.segments,
    )
}

/// Formats `text` as an HTML link to the output at `path`, or as plain escaped text if there is no path.
fn format_html_link(path: Option<&str>, fragment: &str, text: &str) -> String {
    match path {
        Some(path) => format!(
            "<a href=\"{}{fragment}\">{}</a>",
            escape_html_xml(&to_relative_url(path)),
            escape_html_xml(text)
        ),
        None => escape_html_xml(text),
    }
}

/// Writes the HTML report from the end of its table of articles: the quoted segments and the footer.
fn write_html_end(out: &mut dyn Write, summary: &ReportSummary) -> io::Result<()> {
    out.write_all(b"</tbody>\n</table>\n<button type=\"button\" id=\"more\" hidden></button>\n")?;
    if !summary.worst.is_empty() {
        out.write_all(b"<section id=\"worst\">\n<h2>Segments to check, the worst first</h2>\n<ol>\n")?;
        for (quote, page, article) in &summary.worst {
            let flags: Vec<String> = quote
                .findings
                .warnings()
                .map(|finding| format!("{}: {}", finding.flag.name(), finding.meaning_in_words()))
                .collect();
            writeln!(
                out,
                "<li><p lang=\"th\">{}</p><p>{}</p><small>{}, in {}</small></li>",
                mark_findings(&quote.source, Side::Source, &quote.findings),
                mark_findings(&quote.target, Side::Target, &quote.findings),
                escape_html_xml(&flags.join("; ")),
                format_html_link(page.as_deref(), &format!("#s{}", quote.id), article),
            )?;
        }
        out.write_all(b"</ol>\n</section>\n")?;
    }
    write!(
        out,
        "<footer>Trust: 1 where nothing looks wrong, near 0 where the output is no translation; the mean of an article's segments. \
         <a href=\"./{REPORT}\">{REPORT}</a> has the same for programs.</footer>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}
