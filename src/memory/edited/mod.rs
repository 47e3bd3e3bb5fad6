//! Edited outputs of plae, read back as segments: source and translation, and their place in the document.

mod document;
mod docx;
mod html;
mod markdown;
mod table;

use super::unit::to_one_line;
use crate::document::{BlockKind, CLOSING_NOTE_OPENINGS};
use crate::error::{Error, Hint, Result};
use std::borrow::Cow;

/// An output format of plae that people can edit and that can be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditedFormat {
    /// A table of tab-separated values, with columns named `source` and `target`.
    Tsv,
    /// A table of segments with commas, or with the semicolons of some spreadsheet programs.
    Csv,
    /// plae's own record of a translation, with a JSON object in each line.
    Jsonl,
    /// A Word document with both languages.
    Docx,
    /// A page with both languages.
    Html,
    /// Markdown with both languages.
    Markdown,
}

impl EditedFormat {
    /// All formats that can be read back.
    pub const ALL: [Self; 6] = [
        Self::Tsv,
        Self::Csv,
        Self::Jsonl,
        Self::Docx,
        Self::Html,
        Self::Markdown,
    ];

    /// Returns the format's name, which is also the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Docx => "docx",
            Self::Html => "html",
            Self::Markdown => "md",
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
}

/// A segment of an output that somebody may have edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditedSegment {
    /// The Thai text.
    pub source: String,
    /// The English text.
    pub target: String,
    /// The number of the block that the segment belongs to. Segments of one block are adjacent.
    pub block: usize,
    /// The kind of the segment's block, as far as the output tells.
    pub kind: BlockKind,
    /// The heading level or list depth of the segment's block, from 1; 0 for blocks of other kinds.
    pub level: u8,
}

/// The segments of an output that somebody may have edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditedOutput {
    /// All segments, in the order of the file.
    pub segments: Vec<EditedSegment>,
    /// Whether a change of quotation marks counts as an edit. False for a table, where a spreadsheet program may have
    /// dropped them.
    pub quotes: bool,
    /// Whether the file has, as far as can be told, all segments in their order, and no text beside them. If not, people
    /// changed more of it than translations.
    pub has_segments_only: bool,
    /// The note at the file's end that says with which model and when it was made, if the format has one.
    pub note: Option<String>,
}

impl EditedOutput {
    /// Returns what is compared to find out whether a text on one line was edited: the whole text, or the text without
    /// quotation marks.
    pub(super) fn normalise_quotes<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.quotes || !text.contains('"') {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(to_one_line(&text.replace('"', "")))
        }
    }
}

/// Reads an output that `plae translate` wrote and somebody may have changed and saved with another program.
///
/// # Errors
/// Kind `Input` for a file of another kind or without segments.
pub fn read(bytes: &[u8], format: EditedFormat) -> Result<EditedOutput> {
    let read = match format {
        EditedFormat::Tsv | EditedFormat::Csv => table::read_table(bytes)?,
        EditedFormat::Jsonl => table::read_jsonl(bytes)?,
        EditedFormat::Docx => docx::read_docx(bytes)?,
        EditedFormat::Html => html::read_html(bytes)?,
        EditedFormat::Markdown => markdown::read_markdown(bytes)?,
    };
    Ok(EditedOutput {
        quotes: !matches!(format, EditedFormat::Tsv | EditedFormat::Csv),
        ..read
    })
}

/// Makes the error for a file that is no output of plae with both languages: `missing` says what it lacks, `which`
/// which files of the format `format` can be read.
fn no_pairs_error(missing: &str, which: &'static str, format: &'static str) -> Error {
    Error::input(missing).hint(Hint::OwnOutput {
        which,
        format,
        purpose: "learned from",
    })
}

fn is_note(text: &str) -> bool {
    CLOSING_NOTE_OPENINGS.iter().any(|opening| text.starts_with(opening))
}
