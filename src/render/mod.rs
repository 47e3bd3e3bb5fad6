//! Rendering: writes an aligned document in any output format, without a model.
//!
//! Each format has a renderer in a file of its own. Its name, file extension and use on standard output stand in one
//! row of `OutputFormat::format_properties`. To add a format, add a file, a variant of `OutputFormat` and a row.

mod docx;
mod escape;
mod html;
mod jsonl;
mod markdown;
mod parts;
mod plain;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use escape::{escape_html_xml, put_on_one_line};
pub(crate) use html::mark_findings;
pub use jsonl::read_jsonl;
pub use row::JsonRow;

use crate::document::BilingualDocument;
use crate::error::Result;

/// The style sheet that all HTML pages share. It sets colours and fonts.
pub(crate) const THEME: &str = include_str!("theme.css");

/// The format that a translated document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// A Thai line and an English line for each segment, with a blank line between blocks; two columns on a terminal.
    /// Warnings follow the English: `[! truncated, untranslated]`, `[! date: source 2023-11-09, target 2023-01-09]`.
    Text,
    /// The Thai of each segment as a quotation with the English below; a table if all rows are short. With
    /// [`Layout::Target`], a Markdown source gives the same bytes as [`OutputFormat::Plain`].
    Markdown,
    /// One HTML page without scripts and other files, on which a reader can switch between all layouts and jump from
    /// warning to warning.
    Html,
    /// A Word document, with a table of both languages under each heading or with paragraphs. Warnings are comments.
    Docx,
    /// Tab-separated values: a line of column names, then one line per segment with `id`, `block`, `kind`, `source`,
    /// `target`, `score` (mean natural log-probability, empty if nothing was decoded), `finish`, `flags` (joined by
    /// commas), `start` and `end` (byte offsets in the source as UTF-8), `trust` (from 0 to 1) and `details` (the flags
    /// that have values, with them). Nothing is quoted: tabs and line breaks in a field become spaces. A text that a
    /// spreadsheet program would run as a formula begins with an apostrophe.
    Tsv,
    /// The table of [`OutputFormat::Tsv`] as spreadsheet programs open it: comma-separated values by RFC 4180, as UTF-8
    /// with a byte-order mark.
    Csv,
    /// Everything known of the document, as JSON lines; [`read_jsonl`] reads the document back.
    Jsonl,
    /// The translation alone, in place of the Thai: line structure, white space and Markdown stay as in the source. An
    /// HTML source gives one line per block, with a blank line between blocks.
    Plain,
}

/// Whether several documents of one format can be written to one stream, such as standard output, and what separates
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamSeparation {
    /// A blank line separates the documents, which are pages for readers.
    BlankLine,
    /// The documents follow each other without a separator; they are lines for programs.
    Direct,
    /// A stream can hold only one document, because each is a complete file.
    Never,
}

/// The properties of an output format: its names, its file extensions, its use on standard output, and its renderer.
struct OutputFormatProperties {
    name: &'static str,
    summary: &'static str,
    extension: &'static str,
    /// Further file extensions by which the format is recognised, without the dot.
    more_extensions: &'static [&'static str],
    has_layouts: bool,
    is_binary: bool,
    succession: StreamSeparation,
    render: fn(&BilingualDocument, &RenderOptions) -> Result<Vec<u8>>,
}

impl OutputFormat {
    /// All output formats, in the order in which help texts list them.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Markdown,
        Self::Html,
        Self::Docx,
        Self::Tsv,
        Self::Csv,
        Self::Jsonl,
        Self::Plain,
    ];

    /// Returns the properties of this format: its row in the table of output formats.
    const fn format_properties(self) -> OutputFormatProperties {
        match self {
            Self::Text => OutputFormatProperties {
                name: "text",
                summary: "Paired lines; columns on a terminal",
                extension: "txt",
                more_extensions: &[],
                has_layouts: true,
                is_binary: false,
                succession: StreamSeparation::BlankLine,
                render: |doc, options| Ok(text::render_text(doc, options).into_bytes()),
            },
            Self::Markdown => OutputFormatProperties {
                name: "md",
                summary: "Markdown",
                extension: "md",
                more_extensions: &["markdown"],
                has_layouts: true,
                is_binary: false,
                succession: StreamSeparation::BlankLine,
                render: |doc, options| Ok(markdown::render_markdown(doc, options.layout).into_bytes()),
            },
            Self::Html => OutputFormatProperties {
                name: "html",
                summary: "One self-contained page, Thai and English side by side",
                extension: "html",
                more_extensions: &["htm"],
                has_layouts: true,
                is_binary: false,
                succession: StreamSeparation::Never,
                render: |doc, options| Ok(html::render_html(doc, options.layout).into_bytes()),
            },
            Self::Docx => OutputFormatProperties {
                name: "docx",
                summary: "A two-column table for Word and LibreOffice",
                extension: "docx",
                more_extensions: &[],
                has_layouts: true,
                is_binary: true,
                succession: StreamSeparation::Never,
                render: |doc, options| docx::render_docx(doc, options.layout),
            },
            Self::Tsv => OutputFormatProperties {
                name: "tsv",
                summary: "A table of segments for a spreadsheet",
                extension: "tsv",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: StreamSeparation::Direct,
                render: |doc, _| Ok(table::render_tsv(doc).into_bytes()),
            },
            Self::Csv => OutputFormatProperties {
                name: "csv",
                summary: "The same table with commas, for Excel",
                extension: "csv",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: StreamSeparation::Never,
                render: |doc, _| Ok(table::render_csv(doc).into_bytes()),
            },
            Self::Jsonl => OutputFormatProperties {
                name: "jsonl",
                summary: "Everything known of each segment",
                extension: "jsonl",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: StreamSeparation::Direct,
                render: |doc, _| jsonl::render_jsonl(doc),
            },
            Self::Plain => OutputFormatProperties {
                name: "plain",
                summary: "The English only",
                // The language code is the extension, as in parallel corpora.
                extension: "en",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: StreamSeparation::Direct,
                render: |doc, _| Ok(plain::render_plain(doc).into_bytes()),
            },
        }
    }

    /// Returns the name of this format on the command line, such as `md`.
    pub const fn name(self) -> &'static str {
        self.format_properties().name
    }

    /// Returns a description of this format for help texts: one line without a final full stop.
    pub const fn help_summary(self) -> &'static str {
        self.format_properties().summary
    }

    /// Returns the extension of files in this format, without the dot. No two formats share one.
    pub fn file_extension(self) -> &'static str {
        self.format_properties().extension
    }

    /// Finds the output format for a file extension, which is given without its dot and in any case. Returns `None` if
    /// no format has this extension.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| {
            let format_properties = format.format_properties();
            format_properties.extension == extension || format_properties.more_extensions.contains(&extension.as_str())
        })
    }

    /// Whether [`RenderOptions::layout`] changes the output of this format.
    pub fn has_layouts(self) -> bool {
        self.format_properties().has_layouts
    }

    /// Whether the output of this format is binary, so that a terminal cannot show it.
    pub fn is_binary(self) -> bool {
        self.format_properties().is_binary
    }

    /// Returns whether several documents of this format can be written to one stream, and what separates them.
    pub fn stream_separation(self) -> StreamSeparation {
        self.format_properties().succession
    }
}

/// How source and translation are arranged on a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The source on the left, its translation on the right.
    #[default]
    SideBySide,
    /// Each translation below its source.
    Interleaved,
    /// The translation alone, without the source.
    Target,
}

/// Options for [`render`]. By default, documents are laid out side by side and written to a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderOptions {
    /// How source and translation are arranged; ignored by formats without [`OutputFormat::has_layouts`].
    pub layout: Layout,
    /// The width in columns of the terminal that [`OutputFormat::Text`] is written to. None (the default) for a file or
    /// pipe. Other formats ignore the width.
    pub width: Option<usize>,
}

/// Renders `doc` in `format`. The same document and options always give the same bytes.
///
/// # Errors
/// Kind `Output`, only if a library that the renderer uses fails.
pub fn render(doc: &BilingualDocument, format: OutputFormat, options: &RenderOptions) -> Result<Vec<u8>> {
    (format.format_properties().render)(doc, options)
}
