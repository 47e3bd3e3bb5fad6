//! Edited outputs of plae, read back as pairs of source and translation.

use crate::document::spreadsheet::{TableRows, find_columns, restore_formula};
use crate::error::{Error, Hint, Result};
use crate::thai::encoding::decode_text;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{Cursor, Read};

/// An output format of plae that people can edit and that can be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditedFormat {
    /// A table of tab-separated values, with columns named `source` and `target`.
    Tsv,
    /// plae's own record of a translation, with a JSON object in each line.
    Jsonl,
    /// A Word document in the side-by-side layout.
    Docx,
}

impl EditedFormat {
    /// All formats that can be read back.
    pub const ALL: [Self; 3] = [Self::Tsv, Self::Jsonl, Self::Docx];

    /// Returns the format's name, which is also the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
            Self::Docx => "docx",
        }
    }

    /// Finds the format by a file's extension, given without the dot and in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.name() == extension)
    }
}

/// The segments of an output that somebody may have edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditedOutput {
    /// Source and target of each segment, in the order of the file.
    pub pairs: Vec<(String, String)>,
    /// Whether a change of quotation marks counts as an edit. False for a table, where a spreadsheet program may have
    /// dropped them.
    pub quotes: bool,
}

impl EditedOutput {
    /// Returns what is compared to find out whether a text on one line was edited: the whole text, or the text without
    /// quotation marks.
    pub(super) fn normalise_quotes<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.quotes || !text.contains('"') {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(super::unit::to_one_line(&text.replace('"', "")))
        }
    }
}

/// Reads an output that `plae translate` wrote and somebody may have changed and saved with another program.
///
/// # Errors
/// Kind `Input` for a file of another kind or without pairs.
pub fn read(bytes: &[u8], format: EditedFormat) -> Result<EditedOutput> {
    let pairs = match format {
        EditedFormat::Tsv => read_tsv(bytes)?,
        EditedFormat::Jsonl => read_jsonl(bytes)?,
        EditedFormat::Docx => read_docx(bytes)?,
    };
    Ok(EditedOutput {
        pairs,
        quotes: format != EditedFormat::Tsv,
    })
}

fn read_tsv(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let text = decode_text(bytes, None)?.text;
    let mut rows = TableRows::new(&text, '\t');
    let head = rows.next().map(|(_, head)| find_columns(&head, ["source", "target"]));
    let Some([Some(source), Some(target)]) = head else {
        return Err(
            Error::input("no columns named source and target").hint(Hint::OwnOutput {
                which: "a table that plae wrote with",
                format: "tsv",
                purpose: "learned from",
            }),
        );
    };
    let pair = |(_, row): (usize, Vec<Cow<str>>)| {
        let text_in = |column: usize| row.get(column).map(|cell| restore_formula(cell).to_owned());
        (text_in(source).unwrap_or_default(), text_in(target).unwrap_or_default())
    };
    Ok(rows.map(pair).collect())
}

#[derive(Deserialize)]
struct OutputLine {
    r#type: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    target: String,
}

fn read_jsonl(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut pairs = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: OutputLine = serde_json::from_slice(line).map_err(|error| {
            Error::input(format!("not a line of plae's JSONL: {error}"))
                .place(format!("line {}", index + 1))
                .hint(Hint::OwnOutput {
                    which: "a file that plae wrote with",
                    format: "jsonl",
                    purpose: "learned from",
                })
                .source(error)
        })?;
        if line.r#type == "segment" {
            pairs.push((line.source, line.target));
        }
    }
    Ok(pairs)
}

/// Path of the file that holds the text within a Word document, which is a ZIP archive.
const DOCX_BODY_PATH: &str = "word/document.xml";
/// The most bytes, uncompressed, that are read of a Word document's [`DOCX_BODY_PATH`].
const MAX_BODY_BYTES: u64 = 1 << 30;

fn read_docx(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let no_docx = |error: &dyn std::fmt::Display| Error::input(format!("no Word document: {error}"));
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| no_docx(&error))?;
    let mut xml = String::new();
    zip.by_name(DOCX_BODY_PATH)
        .map_err(|error| no_docx(&error))?
        .take(MAX_BODY_BYTES)
        .read_to_string(&mut xml)
        .map_err(|error| no_docx(&error))?;
    let mut reader = Reader::from_str(&xml);
    reader.config_mut().expand_empty_elements = true;
    let mut body = DocxBody::default();
    loop {
        match reader.read_event().map_err(|error| no_docx(&error))? {
            Event::Start(element) => body.handle_start_tag(&element),
            Event::End(_) => body.handle_end_tag(),
            Event::Text(text) => body.add_text(&text.xml10_content()),
            Event::CData(text) => body.add_text(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => body.add_text(character.encode_utf8(&mut [0; 4])),
                _ => body.add_text(resolve_xml_entity(&reference).unwrap_or_default()),
            },
            Event::Eof => break,
            _ => {}
        }
    }
    if body.pairs.is_empty() {
        Err(Error::input("no table of two columns").hint(Hint::OwnOutput {
            which: "the side-by-side layout of",
            format: "docx",
            purpose: "learned from",
        }))
    } else {
        Ok(body.pairs)
    }
}

/// State of reading the XML of a Word document's text. A line break in the document becomes a newline in the text.
#[derive(Default)]
struct DocxBody {
    /// Names of the open XML elements, the outermost first.
    path: Vec<String>,
    /// Pairs of source and target read so far.
    pairs: Vec<(String, String)>,
    /// Texts of the cells of the open table row.
    cells: Vec<String>,
    /// Whether the open table row is the head of its table.
    is_head: bool,
    /// Text of the open paragraph.
    paragraph: String,
    /// Name of the open paragraph's style.
    style: String,
}

impl DocxBody {
    /// Returns the number of open XML elements with this name.
    fn count_open_elements(&self, name: &str) -> usize {
        self.path.iter().filter(|open| *open == name).count()
    }

    fn handle_start_tag(&mut self, element: &BytesStart) {
        let name = element.local_name().as_ref().to_owned();
        let value = || {
            let attributes = element.attributes().flatten();
            let value = attributes.filter(|attribute| attribute.key.local_name().as_ref() == "val");
            value.map(|attribute| attribute.value.to_string()).next()
        };
        let is_outer = self.count_open_elements("tbl") < 2;
        match name.as_str() {
            "tr" if is_outer => {
                self.cells.clear();
                self.is_head = false;
            }
            "tblHeader" if is_outer => self.is_head = !matches!(value().as_deref(), Some("0" | "false" | "off")),
            "tc" if is_outer => self.cells.push(String::new()),
            "p" => {
                self.paragraph.clear();
                self.style.clear();
            }
            // A second style is the one before a tracked change.
            "pStyle" if self.style.is_empty() => self.style = value().unwrap_or_default(),
            "br" | "cr" => self.push_text("\n"),
            // A tab stop in the paragraph's properties is no tab in its text.
            "tab" if self.path.last().is_some_and(|open| open == "r") => self.push_text(" "),
            "noBreakHyphen" => self.push_text("-"),
            _ => {}
        }
        self.path.push(name);
    }

    fn handle_end_tag(&mut self) {
        let name = self.path.pop().unwrap_or_default();
        let is_outer = self.count_open_elements("tbl") < 2;
        match name.as_str() {
            "p" => self.end_paragraph(),
            "tr" if is_outer => {
                if let [source, target] = self.cells.as_slice()
                    && !self.is_head
                    && (source.as_str(), target.as_str()) != TABLE_HEAD_CELLS
                {
                    self.pairs.push((source.clone(), target.clone()));
                }
                self.cells.clear();
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        let is_warning = self.style == "Warning" || (text.starts_with("Check: ") && text.ends_with('.'));
        match self.cells.last_mut() {
            _ if is_warning => {}
            Some(cell) if cell.is_empty() => *cell = text,
            Some(cell) => {
                cell.push('\n');
                cell.push_str(&text);
            }
            // Headings have both languages, a line each.
            None if self.style.starts_with("Heading") => {
                if let Some((source, target)) = text.split_once('\n') {
                    self.pairs.push((source.to_owned(), target.to_owned()));
                }
            }
            None => {}
        }
    }

    /// Adds `text` to the open paragraph if it stands directly in a `t` element; other text is no text of the document.
    fn add_text(&mut self, text: &str) {
        if self.path.last().is_some_and(|open| open == "t") {
            self.push_text(text);
        }
    }

    /// Adds `text` to the open paragraph, unless tracked changes mark it as deleted or moved away.
    fn push_text(&mut self, text: &str) {
        if self.count_open_elements("del") + self.count_open_elements("moveFrom") == 0 {
            self.paragraph.push_str(text);
        }
    }
}

/// First row of the tables that plae writes; recognised by its text, since another program may have dropped its mark as
/// a head row.
const TABLE_HEAD_CELLS: (&str, &str) = ("ไทย", "English");
