//! Edited Word documents: the headings, tables and paragraph pairs of plae's DOCX, as Word and others save them. Tables
//! have a column of numbers before both languages, which those of earlier versions lack.

use super::{EditedOutput, EditedSegment, is_note, no_pairs_error};
use crate::document::{BlockKind, COMMENT_AUTHOR};
use crate::error::{Error, Result};
use crate::file::format_byte_size;
use crate::thai::has_thai;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use std::io::{Cursor, Read};

/// Path of the file that holds the text within a Word document, which is a ZIP archive.
const DOCX_BODY_PATH: &str = "word/document.xml";
/// Path of the file that holds the comments of a Word document.
const DOCX_COMMENTS_PATH: &str = "word/comments.xml";
/// The most bytes, uncompressed, that are read of one file within a Word document.
const MAX_PART_BYTES: u64 = 256 << 20;
/// The deepest nesting of XML elements that is read; Word's own documents have a tenth of it.
const MAX_DEPTH: usize = 512;

/// The last two cells of the first row of the tables that plae writes; recognised by its text, since another program may have dropped its mark as
/// a head row.
const HEAD_CELLS: [&str; 2] = ["ไทย", "English"];

pub(super) fn read_docx(bytes: &[u8]) -> Result<EditedOutput> {
    let no_docx = |error: &dyn std::fmt::Display| Error::input(format!("no Word document: {error}"));
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| no_docx(&error))?;
    let mut read_part = |path: &str| -> Result<String> {
        let mut xml = String::new();
        zip.by_name(path)
            .map_err(|error| no_docx(&error))?
            .take(MAX_PART_BYTES + 1)
            .read_to_string(&mut xml)
            .map_err(|error| no_docx(&error))?;
        if xml.len() as u64 > MAX_PART_BYTES {
            let limit = format_byte_size(MAX_PART_BYTES);
            return Err(Error::input(format!("a Word document with more than {limit} of text")));
        }
        Ok(xml)
    };
    let xml = read_part(DOCX_BODY_PATH)?;
    // Comments that cannot be read hold no translation.
    let comments = read_part(DOCX_COMMENTS_PATH).unwrap_or_default();
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
        if body.path.len() > MAX_DEPTH {
            return Err(no_docx(&format_args!("elements nested more than {MAX_DEPTH} deep")));
        }
    }
    let waiting = body.waiting.take();
    body.end_waiting(waiting);
    if !body.has_pairs {
        let which = "a document with both languages of";
        return Err(no_pairs_error("no Thai beside English", which, "docx"));
    }
    Ok(EditedOutput {
        segments: body.segments,
        has_segments_only: !body.has_other_text && !has_comment_of_others(&comments),
        note: body.note,
        ..EditedOutput::default()
    })
}

/// Whether a part with comments has one that plae did not write.
fn has_comment_of_others(xml: &str) -> bool {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) if element.local_name().as_ref() == "comment" => {
                let mut attributes = element.attributes();
                let mut attributes = attributes.with_checks(false).flatten();
                let author = attributes.find(|attribute| attribute.key.local_name().as_ref() == "author");
                if author.is_none_or(|author| author.value != COMMENT_AUTHOR) {
                    return true;
                }
            }
            Ok(Event::Eof) => return false,
            Ok(_) => {}
            Err(_) => return true,
        }
    }
}

/// State of reading the XML of a Word document's text. A line break in the document becomes a newline in the text.
#[derive(Default)]
struct DocxBody {
    /// Names of the open XML elements, the outermost first.
    path: Vec<String>,
    /// Number of open tables; those within a table count as text of its cells.
    open_tables: usize,
    /// Number of open elements with text that tracked changes mark as deleted or moved away.
    open_deletions: usize,
    /// Segments read so far.
    segments: Vec<EditedSegment>,
    /// Number of blocks so far.
    blocks: usize,
    /// Whether any segment has both languages.
    has_pairs: bool,
    /// Whether there is text that plae did not write, beside the segments.
    has_other_text: bool,
    /// A Thai paragraph outside of tables whose translation may follow, with its style.
    waiting: Option<(String, ParagraphStyle)>,
    /// The note at the end of the document.
    note: Option<String>,
    /// The open table row.
    row: TableRow,
    /// Text of the open paragraph.
    paragraph: String,
    /// Style and list depth of the open paragraph.
    style: ParagraphStyle,
}

/// A row of a table that is being read.
#[derive(Default)]
struct TableRow {
    cells: Vec<TableCell>,
    /// Whether the row is the head of its table.
    is_head: bool,
    /// Whether a line stands above the row, as above the first of each block.
    has_line_above: bool,
}

/// A cell of a table that is being read.
#[derive(Default)]
struct TableCell {
    text: String,
    /// The style of the cell's first paragraph that has one.
    style: ParagraphStyle,
}

#[derive(Clone, Default)]
struct ParagraphStyle {
    name: String,
    /// The depth of a list item with a bullet of its own, from 1; 0 for other paragraphs.
    list_depth: u8,
}

impl ParagraphStyle {
    fn block_kind(&self) -> (BlockKind, u8) {
        let name = self.name.as_str();
        if let Some(level) = name.strip_prefix("Heading") {
            return (BlockKind::Heading, level.parse().unwrap_or(1));
        }
        match name {
            _ if name.starts_with("List") => (BlockKind::ListItem, self.list_depth.max(1)),
            _ if name.starts_with("Quot") => (BlockKind::Quote, 0),
            _ if name.starts_with("Caption") => (BlockKind::Caption, 0),
            _ => (BlockKind::Paragraph, 0),
        }
    }
}

impl DocxBody {
    fn handle_start_tag(&mut self, element: &BytesStart) {
        let name = element.local_name().as_ref().to_owned();
        let value = || {
            let mut attributes = element.attributes();
            // The check for repeated attributes takes quadratic time.
            let attributes = attributes.with_checks(false).flatten();
            let value = attributes.filter(|attribute| attribute.key.local_name().as_ref() == "val");
            value.map(|attribute| attribute.value.to_string()).next()
        };
        let inside = self.path.last().map_or("", String::as_str);
        let is_outer = self.open_tables < 2;
        match name.as_str() {
            "tbl" => self.open_tables += 1,
            "del" | "moveFrom" => self.open_deletions += 1,
            "tr" if is_outer => self.row = TableRow::default(),
            "tblHeader" if is_outer => self.row.is_head = !matches!(value().as_deref(), Some("0" | "false" | "off")),
            "tc" if is_outer => self.row.cells.push(TableCell::default()),
            "top" if is_outer && inside == "tcBorders" => {
                self.row.has_line_above |= !matches!(value().as_deref(), None | Some("nil" | "none"));
            }
            "p" => {
                self.paragraph.clear();
                self.style = ParagraphStyle::default();
            }
            // A second style is the one before a tracked change.
            "pStyle" if self.style.name.is_empty() => self.style.name = value().unwrap_or_default(),
            "ilvl" => self.style.list_depth = value().and_then(|level| level.parse().ok()).unwrap_or(0u8).min(8) + 1,
            "br" | "cr" => self.push_text("\n"),
            // A tab stop in the paragraph's properties is no tab in its text.
            "tab" if inside == "r" => self.push_text(" "),
            "noBreakHyphen" => self.push_text("-"),
            _ => {}
        }
        self.path.push(name);
    }

    fn handle_end_tag(&mut self) {
        let name = self.path.pop().unwrap_or_default();
        match name.as_str() {
            "tbl" => self.open_tables = self.open_tables.saturating_sub(1),
            "del" | "moveFrom" => self.open_deletions = self.open_deletions.saturating_sub(1),
            "p" => self.end_paragraph(),
            "tr" if self.open_tables < 2 => self.end_row(),
            _ => {}
        }
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        let (number, pair) = match row.cells.as_slice() {
            [number, pair @ ..] if pair.len() == 2 => (number.text.trim(), pair),
            cells => ("", cells),
        };
        let is_head = row.is_head || pair.iter().map(|cell| &*cell.text).eq(HEAD_CELLS);
        // The number of a row that somebody added is empty.
        let is_number = number.chars().all(|c| c.is_ascii_digit());
        match pair {
            [source, target] if !is_head && is_number => {
                let style = if source.style.name.is_empty() {
                    &target.style
                } else {
                    &source.style
                };
                let (kind, level) = style.block_kind();
                let has_bullet = style.list_depth > 0;
                let continues = self.segments.last().is_some_and(|last| last.kind == kind);
                self.blocks += usize::from(row.has_line_above || has_bullet || !continues);
                self.push_segment(source.text.clone(), target.text.clone(), kind, level);
                self.has_pairs = true;
            }
            _ => self.has_other_text |= !is_head && row.cells.iter().any(|cell| !cell.text.trim().is_empty()),
        }
    }

    fn push_segment(&mut self, source: String, target: String, kind: BlockKind, level: u8) {
        self.segments.push(EditedSegment {
            source,
            target,
            block: self.blocks,
            kind,
            level,
        });
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        let style = std::mem::take(&mut self.style);
        let is_warning = style.name == "Warning" || (text.starts_with("Check: ") && text.ends_with('.'));
        if is_warning {
            return;
        }
        if let Some(cell) = self.row.cells.last_mut() {
            if !cell.text.is_empty() {
                cell.text.push('\n');
            } else if cell.style.name.is_empty() {
                cell.style = style;
            }
            cell.text.push_str(&text);
            return;
        }
        if text.trim().is_empty() {
            return;
        }
        if let (BlockKind::Heading, level) = style.block_kind() {
            let waiting = self.waiting.take();
            self.end_waiting(waiting);
            self.blocks += 1;
            // Headings have both languages, a line each, unless nothing was translated.
            let pair = text.split_once('\n');
            self.has_pairs |= pair.is_some();
            let (source, target) = pair.unwrap_or((&text, &text));
            self.push_segment(source.to_owned(), target.to_owned(), BlockKind::Heading, level);
            return;
        }
        if is_note(&text) {
            self.note = Some(text);
            return;
        }
        // In the interleaved layout the English follows the Thai. A paragraph without Thai may be anybody's.
        let source = self.waiting.take();
        if has_thai(&text) {
            self.end_waiting(source);
            self.waiting = Some((text, style));
        } else {
            let (kind, level) = source.as_ref().map_or(&style, |(_, style)| style).block_kind();
            self.has_pairs |= source.is_some();
            self.has_other_text |= source.is_none();
            self.blocks += 1;
            self.push_segment(source.map_or(text.clone(), |(source, _)| source), text, kind, level);
        }
    }

    /// Makes a segment without translation of a Thai paragraph that no English one follows.
    fn end_waiting(&mut self, waiting: Option<(String, ParagraphStyle)>) {
        if let Some((source, style)) = waiting {
            let (kind, level) = style.block_kind();
            self.has_other_text = true;
            self.blocks += 1;
            self.push_segment(source, String::new(), kind, level);
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
        if self.open_deletions == 0 {
            self.paragraph.push_str(text);
        }
    }
}
