//! Pairs from files: two texts line by line, or one file with both languages.

use super::TextPair;
use crate::document::FinishReason;
use crate::document::spreadsheet::{TableRows, find_columns, restore_formula};
use crate::error::{Error, Hint, Result};
use crate::memory::{EditedFormat, SkippedCounts, read_edited, read_tmx_pairs};
use crate::thai::encoding::decode_text;
use crate::thai::has_thai;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::path::Path;

/// The most pairs that are checked together. What is known of them takes about 1 GB, beside the files themselves.
const MAX_PAIRS: usize = 5_000_000;
/// Number of characters of a line that an error quotes.
const QUOTED_CHARS: usize = 40;

/// A file format that holds both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairFormat {
    /// A JSON object in each line: plae's own record of a translation, a check's, an exported memory, or anyone's
    /// objects with `source` and `target`.
    Jsonl,
    /// A table with tabs; it has columns named `source` and `target`, or two columns, the Thai first.
    Tsv,
    /// A table like [`PairFormat::Tsv`] with commas or semicolons.
    Csv,
    /// A Word document of plae, edited or not.
    Docx,
    /// A page of plae.
    Html,
    /// Markdown of plae.
    Markdown,
    /// A translation memory of any tool.
    Tmx,
}

impl PairFormat {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::Jsonl,
        Self::Tsv,
        Self::Csv,
        Self::Docx,
        Self::Html,
        Self::Markdown,
        Self::Tmx,
    ];

    /// Returns the format's name, which is also the extension of its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Docx => "docx",
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Tmx => "tmx",
        }
    }

    /// Finds the format by a file's extension, given without the dot and in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "htm" => Some(Self::Html),
            "markdown" => Some(Self::Markdown),
            extension => Self::ALL.into_iter().find(|format| format.name() == extension),
        }
    }

    /// Finds the format by the first bytes of a file; none for a text without any sign of the formats, and for Markdown.
    pub fn from_content(bytes: &[u8]) -> Option<Self> {
        let start = &bytes[..bytes.len().min(1024)];
        let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
        let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let has = |part: &[u8]| {
            start
                .windows(part.len())
                .any(|window| window.eq_ignore_ascii_case(part))
        };
        match start.first()? {
            b'P' if start.starts_with(b"PK\x03\x04") => Some(Self::Docx),
            b'{' => Some(Self::Jsonl),
            b'<' if has(b"<tmx") => Some(Self::Tmx),
            b'<' => Some(Self::Html),
            _ if first_line.contains(&b'\t') => Some(Self::Tsv),
            _ => None,
        }
    }

    /// Returns the noun that [`TextPair::line`] counts in this format.
    pub fn place_noun(self) -> &'static str {
        match self {
            Self::Jsonl | Self::Tsv | Self::Csv => "line",
            Self::Docx | Self::Html | Self::Markdown => "segment",
            Self::Tmx => "unit",
        }
    }
}

/// The pairs of one file.
#[derive(Clone, Debug, Default)]
pub struct ReadPairs {
    /// The pairs, in the order of the file; never empty.
    pub pairs: Vec<TextPair<'static>>,
    /// Units of a TMX that have no pair.
    pub skipped: SkippedCounts,
}

/// Pairs the lines of two texts, Thai and English, of which the names are for errors. A blank line has a blank one as
/// its partner.
///
/// # Errors
/// Kind `Input`, if the texts have different numbers of lines, or none, or more than 5,000,000.
pub fn pair_lines<'a>(names: [&Path; 2], source: &'a str, target: &'a str) -> Result<Vec<TextPair<'a>>> {
    let [left, right] = [source, target].map(split_lines);
    for (name, lines) in names.iter().zip([&left, &right]) {
        if lines.is_empty() {
            return Err(Error::input("has no lines").path(*name));
        }
        check_pair_count(lines.len()).map_err(|error| error.path(*name))?;
    }
    if left.len() != right.len() {
        return Err(line_count_error(names, &left, &right));
    }
    let pairs = left.into_iter().zip(right).enumerate();
    let pairs = pairs.map(|(index, (source, target))| make_pair(index + 1, source, target));
    Ok(pairs.collect())
}

/// Makes the error for texts with different numbers of lines. Its place is the first line that has no partner; its hint
/// names the first line that is blank on one side only, where the texts may have lost their step.
fn line_count_error(names: [&Path; 2], left: &[&str], right: &[&str]) -> Error {
    let shorter = left.len().min(right.len());
    let (longer_name, longer) = if left.len() > right.len() {
        (names[0], left)
    } else {
        (names[1], right)
    };
    let quote: String = longer[shorter].chars().take(QUOTED_CHARS).collect();
    let [first, second] = names.map(|name| name.display().to_string());
    let is_blank = |line: &str| line.trim().is_empty();
    let parting = (0..shorter).find(|index| is_blank(left[*index]) != is_blank(right[*index]));
    let parting = parting.map_or(String::new(), |index| {
        let blank = if is_blank(left[index]) { &first } else { &second };
        format!("; they may part at line {}, which is blank in {blank} only", index + 1)
    });
    Error::input(format!(
        "has no partner: {first} has {} lines, {second} {}; the line begins \"{quote}\"",
        left.len(),
        right.len()
    ))
    .path(longer_name)
    .place(format!("line {}", shorter + 1))
    .hint(format!(
        "the translation of each line stands in the line with the same number{parting}"
    ))
}

/// Splits a text into lines at LF or CR LF, or at CR in a text without LF.
fn split_lines(text: &str) -> Vec<&str> {
    let end = if text.contains('\n') { '\n' } else { '\r' };
    let lines = text.split_terminator(end);
    lines.map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
}

fn make_pair<'a>(line: usize, source: impl Into<Cow<'a, str>>, target: impl Into<Cow<'a, str>>) -> TextPair<'a> {
    TextPair {
        line,
        source: source.into(),
        target: target.into(),
        finish: FinishReason::Stop,
    }
}

fn check_pair_count(count: usize) -> Result<()> {
    if count > MAX_PAIRS {
        return Err(Error::input(format!("has more than {MAX_PAIRS} pairs")).hint("divide it into several files"));
    }
    Ok(())
}

/// Reads the pairs of a file that holds both languages.
///
/// # Errors
/// Kind `Input`, with the place where it is known, for a file that is damaged, of another kind, without pairs, or with
/// more than 5,000,000.
pub fn read_pairs(bytes: &[u8], format: PairFormat) -> Result<ReadPairs> {
    let mut skipped = SkippedCounts::default();
    let pairs = match format {
        PairFormat::Jsonl => read_jsonl(&decode(bytes)?)?,
        PairFormat::Tsv | PairFormat::Csv => read_table(&decode(bytes)?)?,
        PairFormat::Docx => read_output(bytes, EditedFormat::Docx)?,
        PairFormat::Html => read_output(bytes, EditedFormat::Html)?,
        PairFormat::Markdown => read_output(bytes, EditedFormat::Markdown)?,
        PairFormat::Tmx => {
            let mut pairs = Vec::new();
            skipped = read_tmx_pairs(&mut &*bytes, &mut |unit| {
                pairs.push(TextPair {
                    finish: unit.machine.map_or(FinishReason::Stop, |machine| machine.finish),
                    ..make_pair(pairs.len() + 1, unit.source, unit.target)
                });
                check_pair_count(pairs.len())
            })?;
            pairs
        }
    };
    check_pair_count(pairs.len())?;
    if pairs.is_empty() {
        return Err(Error::input("has no pairs of Thai and English").hint(WHICH_FILES_HINT));
    }
    Ok(ReadPairs { pairs, skipped })
}

/// Advice for a file without pairs.
const WHICH_FILES_HINT: &str = "outputs of plae with both languages can be checked, TMX, and tables or JSON lines with \
     `source` and `target`; or name two files, one line a sentence";

/// Decodes a text. Valid UTF-8 is taken as it is, control characters included.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text))),
        _ => Ok(Cow::Owned(decode_text(bytes, None)?.text)),
    }
}

/// Reads an output of plae that its own reader knows best.
fn read_output(bytes: &[u8], format: EditedFormat) -> Result<Vec<TextPair<'static>>> {
    let edited = read_edited(bytes, format).map_err(|mut error| {
        if let Some(Hint::OwnOutput { purpose, .. }) = error.hint.as_deref_mut() {
            *purpose = "checked";
        }
        error
    })?;
    let segments = edited.segments.into_iter().enumerate();
    Ok(segments
        .map(|(index, segment)| make_pair(index + 1, segment.source, segment.target))
        .collect())
}

/// A line of JSON with a pair, or with the segments of a row that `plae translate --from jsonl` translated.
#[derive(Deserialize)]
struct JsonPair<'a> {
    /// The kind of a line in plae's own files; other files have none.
    r#type: Option<String>,
    source: Option<String>,
    target: Option<String>,
    finish: Option<FinishReason>,
    #[serde(borrow)]
    segments: Option<&'a RawValue>,
}

fn read_jsonl(text: &str) -> Result<Vec<TextPair<'static>>> {
    let mut pairs = Vec::new();
    for (index, line) in text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        read_json_line(line, number, &mut pairs).map_err(|error| error.place(format!("line {number}")))?;
        check_pair_count(pairs.len())?;
    }
    Ok(pairs)
}

fn read_json_line(line: &str, number: usize, pairs: &mut Vec<TextPair<'static>>) -> Result<()> {
    let no_json = |error: serde_json::Error| {
        // serde_json counts lines from the start of `line`.
        let message = error
            .to_string()
            .replace(&format!(" at line {} ", error.line()), " at ");
        Error::input(format!("no JSON object with a pair: {message}"))
            .hint(WHICH_FILES_HINT)
            .source(error)
    };
    let json: JsonPair = serde_json::from_str(line).map_err(no_json)?;
    match json.r#type.as_deref() {
        Some("header" | "summary") => return Ok(()),
        None | Some("segment" | "pair") => {}
        Some(other) => {
            return Err(Error::input(format!("a line of the type {other:?}, which is no pair")).hint(WHICH_FILES_HINT));
        }
    }
    let of = |source: String, target: String, finish: Option<FinishReason>| TextPair {
        finish: finish.unwrap_or(FinishReason::Stop),
        ..make_pair(number, source, target)
    };
    match (json.source, json.target, json.segments) {
        (Some(source), Some(target), _) => pairs.push(of(source, target, json.finish)),
        (None, None, Some(segments)) => {
            let segments: Vec<JsonPair> = serde_json::from_str(segments.get()).map_err(no_json)?;
            for segment in segments {
                let texts = (segment.source.unwrap_or_default(), segment.target.unwrap_or_default());
                pairs.push(of(texts.0, texts.1, segment.finish));
            }
        }
        _ => return Err(Error::input("has no `source` and `target`").hint(WHICH_FILES_HINT)),
    }
    Ok(())
}

/// The characters that may separate columns. A table with commas is saved with semicolons where the comma is a decimal
/// mark.
const SEPARATORS: [char; 3] = ['\t', ',', ';'];

/// Names of the column with the Thai text, and of that with the English one.
const COLUMN_NAMES: [[&str; 5]; 2] = [
    ["source", "th", "tha", "thai", "ไทย"],
    ["target", "en", "eng", "english", "translation"],
];

/// Reads a table that has columns of the [`COLUMN_NAMES`], or two columns without names, the Thai first.
fn read_table(text: &str) -> Result<Vec<TextPair<'static>>> {
    let cell = |row: &[Cow<str>], column: Option<usize>| {
        let cell = column.and_then(|column| row.get(column));
        cell.map_or(String::new(), |cell| restore_formula(cell).to_owned())
    };
    for separator in SEPARATORS {
        let mut rows = TableRows::new(text, separator);
        let Some((_, head)) = rows.next() else { break };
        let [source, target] = COLUMN_NAMES.map(|names| find_columns(&head, names).into_iter().flatten().next());
        let [finish] = find_columns(&head, ["finish"]);
        if source.is_some() && target.is_some() {
            let pairs = rows.map(|(line, row)| {
                let finish = serde_json::from_value(cell(&row, finish).into());
                TextPair {
                    finish: finish.unwrap_or(FinishReason::Stop),
                    ..make_pair(line, cell(&row, source), cell(&row, target))
                }
            });
            return Ok(pairs.collect());
        }
        if source.is_some() || target.is_some() {
            return Err(unnamed_columns_error());
        }
    }
    for separator in SEPARATORS {
        let is_pair = |row: &[Cow<str>]| row.len() == 2 && (has_thai(&row[0]) || !has_thai(&row[1]));
        let rows = || TableRows::new(text, separator);
        if rows().all(|(_, row)| is_pair(&row)) && rows().any(|(_, row)| has_thai(&row[0])) {
            let pairs = rows().map(|(line, row)| make_pair(line, cell(&row, Some(0)), cell(&row, Some(1))));
            return Ok(pairs.collect());
        }
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    Err(unnamed_columns_error())
}

fn unnamed_columns_error() -> Error {
    Error::input("a table without columns named source and target")
        .hint("name the columns in the first line; a table without names has two columns, the Thai first")
}
