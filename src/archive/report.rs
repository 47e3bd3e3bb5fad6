//! The report of an archive: a line of JSON for each article, and a page to sort and search them by.

use super::STAGING;
use super::record::{Quote, Record};
use super::shard::Site;
use super::state::State;
use crate::document::Flag;
use crate::error::{Error, Result};
use crate::file;
use crate::render::{OutputFormat, escaped};
use std::io::{self, Write};

/// The report's files, below the output directory.
pub const REPORT: &str = "report.jsonl";
pub const INDEX: &str = "index.html";
/// The most segments that the page quotes.
const WORST: usize = 200;

const STYLE: &str = include_str!("index.css");
const SCRIPT: &str = include_str!("index.js");

/// Writes the report of all articles in `state`: beside the outputs, or of a shard, without the page, where it keeps its own.
///
/// # Errors
/// The database's, and of kind `Output`.
pub fn write(site: &Site, state: &State) -> Result<()> {
    let staging = site.home().join(STAGING);
    let directory = match site.shard() {
        None => site.output(),
        Some(_) => site.home(),
    };
    let put = |name: &str, fill: &mut dyn FnMut(&mut dyn Write) -> Result<io::Result<()>>| {
        let mut failed: Option<Error> = None;
        let written = file::stream(&directory.join(name), Some(&staging), true, &mut |out| {
            fill(out).unwrap_or_else(|error| {
                failed = Some(error);
                Err(io::Error::other("not read"))
            })
        });
        match failed {
            Some(error) => Err(error),
            None => written,
        }
    };
    put(REPORT, &mut |out| {
        state.each(&mut |record| {
            serde_json::to_writer(&mut *out, &record)?;
            out.write_all(b"\n")
        })
    })?;
    if site.shard().is_some() {
        return Ok(());
    }
    let mut sum = Sum::default();
    state
        .each(&mut |record| {
            sum.add(record);
            Ok(())
        })?
        .map_err(|error| file::failure(&directory.join(INDEX), error))?;
    sum.sort();
    put(INDEX, &mut |out| page(out, &sum, state))
}

/// What the page says before its table.
#[derive(Default)]
struct Sum {
    articles: usize,
    failed: usize,
    segments: usize,
    flagged: usize,
    /// With the page that each stands in.
    worst: Vec<(Quote, Option<String>, String)>,
}

impl Sum {
    fn add(&mut self, record: Record) {
        self.articles += 1;
        self.failed += usize::from(record.error.is_some());
        self.segments += record.segments;
        self.flagged += record.flagged;
        let page = reading(&record).map(str::to_owned);
        let name = heading(&record).to_owned();
        let quotes = record.worst.into_iter();
        self.worst
            .extend(quotes.map(|quote| (quote, page.clone(), name.clone())));
        if self.worst.len() > 2 * WORST {
            self.sort();
        }
    }

    /// Empty and repeating ones first, then the least sure.
    fn sort(&mut self) {
        let severity = |quote: &Quote| quote.flags.iter().map(|flag| rank(*flag)).max();
        self.worst.sort_by(|(a, ..), (b, ..)| {
            let sure = |quote: &Quote| quote.score.unwrap_or(0.0);
            severity(b).cmp(&severity(a)).then(sure(a).total_cmp(&sure(b)))
        });
        self.worst.truncate(WORST);
    }
}

/// How bad a flag is: what is lost comes before what is only odd.
fn rank(flag: Flag) -> u8 {
    match flag {
        Flag::Empty => 6,
        Flag::Repetition => 5,
        Flag::Truncated => 4,
        Flag::ThaiLeft => 3,
        Flag::Length => 2,
        Flag::Divided => 1,
        Flag::NoThai => 0,
    }
}

/// The output for reading in a browser, else any.
fn reading(record: &Record) -> Option<&str> {
    let html = record
        .outputs
        .iter()
        .find(|output| output.format == OutputFormat::Html.name());
    html.or(record.outputs.first()).map(|output| output.path.as_str())
}

/// What an article is called in English, else in Thai, else its place.
fn heading(record: &Record) -> &str {
    let names = [&record.title_en, &record.title, &record.place];
    names
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .unwrap_or(names[2])
}

/// A path as a relative reference: what a URL gives a meaning to is encoded.
fn url(path: &str) -> String {
    let mut url = String::from("./");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => url.push(char::from(byte)),
            _ => url += &format!("%{byte:02X}"),
        }
    }
    url
}

fn page(out: &mut dyn Write, sum: &Sum, state: &State) -> Result<io::Result<()>> {
    let begun = begin(out, sum);
    if begun.is_err() {
        return Ok(begun);
    }
    let rows = state.each(&mut |record| out.write_all(row(&record).as_bytes()))?;
    Ok(rows.and_then(|()| end(out, sum)))
}

fn begin(out: &mut dyn Write, sum: &Sum) -> io::Result<()> {
    let counts = [
        (sum.articles, "articles"),
        (sum.segments, "segments"),
        (sum.flagged, "to check"),
        (sum.failed, "failed"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .map(|(count, noun)| format!("<b>{count}</b> {noun}"))
        .collect();
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
         <style>\n{STYLE}</style>\n\
         </head>\n\
         <body>\n\
         <header><h1>Translated articles</h1><p>{}</p>\n\
         <label>Search <input type=\"search\" id=\"search\" accesskey=\"s\" placeholder=\"title, file, flag, error\"></label>\n\
         <output id=\"shown\" for=\"search\"></output></header>\n\
         <table id=\"articles\">\n\
         <thead><tr>{}</tr></thead>\n\
         <tbody>\n",
        counts.join(", "),
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

fn row(record: &Record) -> String {
    let title = escaped(heading(record));
    let title = match reading(record) {
        Some(path) => format!("<a href=\"{}\">{title}</a>", escaped(&url(path))),
        None => title,
    };
    let others: Vec<String> = record
        .outputs
        .iter()
        .map(|output| {
            format!(
                "<a href=\"{}\">{}</a>",
                escaped(&url(&output.path)),
                escaped(&output.format)
            )
        })
        .collect();
    let thai = match record.title.trim() {
        "" => String::new(),
        thai => format!("<span lang=\"th\">{}</span>", escaped(thai)),
    };
    let flags: Vec<String> = record
        .flags
        .iter()
        .map(|(flag, count)| format!("{count} {}", escaped(&crate::render::name(flag))))
        .collect();
    let flags = match (&record.error, flags.is_empty()) {
        (Some(error), _) => format!("<span class=\"error\">failed: {}</span>", escaped(error)),
        (None, true) => String::new(),
        (None, false) => format!("<small>{}</small>", flags.join(", ")),
    };
    let class = match (&record.error, record.flagged) {
        (Some(_), _) => " class=\"failed\"",
        (None, 0) => "",
        (None, _) => " class=\"flagged\"",
    };
    let date = escaped(record.date.as_deref().unwrap_or_default());
    let score = record.score.map(|score| format!("{score:.2}")).unwrap_or_default();
    // A failed article is the worst of all.
    let check = match record.error {
        Some(_) => usize::MAX >> 12,
        None => record.flagged,
    };
    format!(
        "<tr{class}><td>{title}{thai}<small>{} {}</small></td><td>{date}</td>\
         <td class=\"number\" data-value=\"{}\">{}</td><td class=\"number\">{}</td>\
         <td class=\"number\" data-value=\"{check}\">{}{flags}</td><td class=\"number\">{score}</td></tr>\n",
        escaped(&record.place),
        others.join(" "),
        record.bytes,
        indicatif::DecimalBytes(record.bytes),
        record.segments,
        record.flagged,
    )
}

fn end(out: &mut dyn Write, sum: &Sum) -> io::Result<()> {
    out.write_all(b"</tbody>\n</table>\n")?;
    if !sum.worst.is_empty() {
        out.write_all(b"<h2>Segments to check, the worst first</h2>\n<ol id=\"worst\">\n")?;
        for (quote, page, name) in &sum.worst {
            let flags: Vec<String> = quote.flags.iter().map(crate::render::name).collect();
            let name = escaped(name);
            let link = match page {
                Some(page) => format!("<a href=\"{}#s{}\">{name}</a>", escaped(&url(page)), quote.id),
                None => name,
            };
            writeln!(
                out,
                "<li><p lang=\"th\">{}</p><p>{}</p><small>{link}, {}</small></li>",
                escaped(&quote.source),
                escaped(&quote.target),
                escaped(&flags.join(", "))
            )?;
        }
        out.write_all(b"</ol>\n")?;
    }
    write!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>\n")
}
