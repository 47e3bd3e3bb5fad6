//! The report of an archive: a line of JSON for each article, and a page to sort and search them by.

use super::STAGING;
use super::record::worse_first;
use super::record::{Quote, Record};
use super::shard::ArchiveDir;
use super::state::State;
use crate::error::Result;
use crate::file::{self, format_size, percent_encode, write_failure};
use crate::render::{OutputFormat, THEME, escaped};
use indicatif::HumanCount;
use std::collections::HashSet;
use std::io::{self, Write};

/// Report for programs, below the output directory: a [`Record`] a line.
pub const REPORT: &str = "report.jsonl";
/// Report for people, below the output directory.
pub const INDEX: &str = "index.html";
/// The most segments that the page quotes.
const WORST: usize = 200;

const STYLE: &str = include_str!("index.css");
const SCRIPT: &str = include_str!("index.js");

/// Writes the report of all articles in `state` beside the outputs. A shard's, without the page, goes to its own directory.
///
/// # Errors
/// The database's, and of kind `Output`.
pub fn write(dir: &ArchiveDir, state: &State) -> Result<()> {
    let staging = dir.state_dir().join(STAGING);
    let directory = match dir.shard() {
        None => dir.output_dir(),
        Some(_) => dir.state_dir(),
    };
    let put = |name: &str, fill: &mut dyn FnMut(&mut dyn Write) -> Result<()>| {
        file::fill(&directory.join(name), Some(&staging), true, fill)
    };
    put(REPORT, &mut |out| {
        state.each(&mut |record| {
            serde_json::to_writer(&mut *out, &record).map_err(|error| write_failure(error.into()))?;
            out.write_all(b"\n").map_err(write_failure)
        })
    })?;
    if dir.shard().is_some() {
        return Ok(());
    }
    let mut summary = Summary::default();
    state.each(&mut |record| {
        summary.add(record);
        Ok(())
    })?;
    summary.sort();
    put(INDEX, &mut |out| write_page(out, &summary, state))
}

/// Totals over all articles, and the segments that the page quotes.
#[derive(Default)]
struct Summary {
    articles: usize,
    failed: usize,
    segments: usize,
    flagged: usize,
    /// The worst segments, each with the path of the output it stands in and the title of its article.
    worst: Vec<(Quote, Option<String>, String)>,
}

impl Summary {
    fn add(&mut self, record: Record) {
        self.articles += 1;
        self.failed += usize::from(record.error.is_some());
        self.segments += record.segments;
        self.flagged += record.flagged;
        let page = main_output(&record).map(str::to_owned);
        let name = display_title(&record).to_owned();
        let quotes = record.worst.into_iter();
        self.worst
            .extend(quotes.map(|quote| (quote, page.clone(), name.clone())));
        if self.worst.len() > 2 * WORST {
            self.sort();
        }
    }

    /// The worst first; one of each sentence, whichever articles repeat it.
    fn sort(&mut self) {
        self.worst
            .sort_by(|(a, ..), (b, ..)| worse_first((&a.flags, a.score), (&b.flags, b.score)));
        let mut known = HashSet::new();
        self.worst.retain(|(quote, ..)| known.insert(quote.source.clone()));
        self.worst.truncate(WORST);
    }
}

/// The output to open from the page: HTML if there is any, else the first.
fn main_output(record: &Record) -> Option<&str> {
    let html = record
        .outputs
        .iter()
        .find(|output| output.format == OutputFormat::Html.name());
    html.or(record.outputs.first()).map(|output| output.path.as_str())
}

/// An article's title in English, else in Thai, else its path.
fn display_title(record: &Record) -> &str {
    let names = [&record.title_en, &record.title, &record.place];
    names
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .unwrap_or(names[2])
}

/// A path as a relative URL, percent-encoded.
fn url(path: &str) -> String {
    format!("./{}", percent_encode(path))
}

fn write_page(out: &mut dyn Write, summary: &Summary, state: &State) -> Result<()> {
    write_head(out, summary).map_err(write_failure)?;
    state.each(&mut |record| out.write_all(table_row(&record).as_bytes()).map_err(write_failure))?;
    write_foot(out, summary).map_err(write_failure)
}

/// Writes everything before the rows of the table.
fn write_head(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let counts = [
        (summary.articles, "articles"),
        (summary.segments, "segments"),
        (summary.flagged, "to check"),
        (summary.failed, "failed"),
    ];
    let counts = counts.map(|(count, noun)| format!("<b>{}</b> {noun}", HumanCount(count as u64)));
    let [articles, segments, check, failed] = &counts;
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
         <header><h1>Translated articles</h1><p>{articles}, {segments}, {check}, {failed}</p>\n\
         <label>Search <input type=\"search\" id=\"search\" accesskey=\"s\" placeholder=\"title, file, flag, error\"></label>\n\
         <output id=\"shown\" for=\"search\"></output></header>\n\
         <table id=\"articles\">\n\
         <thead><tr>{}</tr></thead>\n\
         <tbody>\n",
        COLUMNS.map(column).concat(),
    )
}

/// The columns: name, and whether it is sorted by number.
const COLUMNS: [(&str, bool); 6] = [
    ("Article", false),
    ("Date", false),
    ("Size", true),
    ("Segments", true),
    ("To check", true),
    ("Score", true),
];

fn column((name, is_number): (&str, bool)) -> String {
    let class = if is_number { " class=\"number\"" } else { "" };
    format!("<th scope=\"col\" aria-sort=\"none\"{class}><button type=\"button\">{name}</button></th>")
}

/// The row of an article.
fn table_row(record: &Record) -> String {
    let Some(error) = &record.error else {
        return translated_row(record);
    };
    // Sorted by what is to check, failed articles come first.
    format!(
        "<tr><td>{}<span class=\"error\">failed: {}</span></td><td></td><td></td><td></td><td data-value=\"Infinity\"></td>\
         <td></td></tr>\n",
        escaped(&record.place),
        escaped(error),
    )
}

/// The row of an article that did not fail.
fn translated_row(record: &Record) -> String {
    let main = main_output(record);
    let title = link(main, "", display_title(record));
    let thai = match record.title.trim() {
        "" => String::new(),
        thai => format!("<span lang=\"th\">{}</span>", escaped(thai)),
    };
    let others = record.outputs.iter().filter(|output| Some(&*output.path) != main);
    let others: String = others
        .map(|output| format!(" {}", link(Some(&output.path), "", &output.format)))
        .collect();
    let date = escaped(record.date.as_deref().unwrap_or_default());
    let flags = record.flags.iter().filter(|(flag, _)| flag.is_warning());
    let flags: Vec<String> = flags.map(|(flag, count)| format!("{count} {}", flag.name())).collect();
    let (class, check) = match record.flagged {
        0 => ("", "<td>0</td>".to_owned()),
        count => (
            " class=\"flagged\"",
            format!(
                "<td data-value=\"{count}\">{count}<small>{}</small></td>",
                flags.join(", ")
            ),
        ),
    };
    let score = record.score.map(|score| format!("{score:.2}")).unwrap_or_default();
    format!(
        "<tr{class}><td>{title}{thai}<small>{}{others}</small></td><td>{date}</td>\
         <td data-value=\"{}\">{}</td><td>{}</td>{check}<td>{score}</td></tr>\n",
        escaped(&record.place),
        record.bytes,
        format_size(record.bytes),
        record.segments,
    )
}

/// `text` that leads to an output, where there is one.
fn link(path: Option<&str>, fragment: &str, text: &str) -> String {
    match path {
        Some(path) => format!("<a href=\"{}{fragment}\">{}</a>", escaped(&url(path)), escaped(text)),
        None => escaped(text),
    }
}

/// Writes everything after the rows of the table.
fn write_foot(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    out.write_all(b"</tbody>\n</table>\n<button type=\"button\" id=\"more\" hidden></button>\n")?;
    if !summary.worst.is_empty() {
        out.write_all(b"<section id=\"worst\">\n<h2>Segments to check, the worst first</h2>\n<ol>\n")?;
        for (quote, page, article) in &summary.worst {
            let flags = quote.flags.iter().filter(|flag| flag.is_warning());
            let flags: Vec<String> = flags
                .map(|flag| format!("{}: {}", flag.name(), flag.reason()))
                .collect();
            writeln!(
                out,
                "<li><p lang=\"th\">{}</p><p>{}</p><small>{}, in {}</small></li>",
                escaped(&quote.source),
                escaped(&quote.target),
                flags.join("; "),
                link(page.as_deref(), &format!("#s{}", quote.id), article),
            )?;
        }
        out.write_all(b"</ol>\n</section>\n")?;
    }
    write!(
        out,
        "<footer>Score: mean log-probability of the output tokens; the nearer to 0, the surer was the model. \
         <a href=\"./{REPORT}\">{REPORT}</a> has the same for programs.</footer>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}
