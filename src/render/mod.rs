//! Rendering: an aligned document to the bytes of any output format, without a model.
//!
//! Each format is one file. What the rest of the crate has to know of it (name, extension, use on standard output) is
//! its row in `OutputFormat::facts`: a new format is a new file, a new variant and a new row.

mod docx;
mod escape;
mod html;
mod jsonl;
mod markdown;
mod parts;
mod plain;
mod row;
#[cfg(test)]
mod tests;
mod text;
mod tsv;

pub(crate) use escape::escaped;
pub use jsonl::read as read_jsonl;
pub use parts::NOTES;
pub use row::JsonRow;

use crate::document::Bilingual;
use crate::error::Result;

/// The style sheet that all HTML pages share: colours and type.
pub(crate) const THEME: &str = include_str!("theme.css");

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// A Thai line and an English line for each segment, with a blank line between blocks; two columns on a terminal.
    /// Warnings stand behind the English: `[! truncated, thai-left]`.
    Text,
    /// The Thai of each segment as a quotation with the English under it; a table where all rows are short. With
    /// [`Layout::Target`], a Markdown source gives the bytes of [`OutputFormat::Plain`].
    Markdown,
    /// One self-contained page without scripts, which can switch between all layouts.
    Html,
    /// A Word document: a two-column table under each heading, or paragraphs.
    Docx,
    /// A line of column names, then one line per segment: `id`, `block`, `kind`, `source`, `target`, `score` (mean
    /// natural log-probability, empty where nothing was decoded), `finish`, `flags` (joined by commas), and `start` and
    /// `end` (byte offsets in the source as UTF-8). Nothing is quoted: tabs and line breaks in a field become spaces.
    Tsv,
    /// All that is known of the document, as JSON lines; [`read_jsonl`] reads it back.
    Jsonl,
    /// The translation alone, in place of the Thai: line structure, white space and Markdown stay as in the source. An
    /// HTML source gives one line per block, with a blank line between.
    Plain,
}

/// A rule for several documents of one format in one stream, such as standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// They follow each other with a blank line between: pages for reading.
    BlankLine,
    /// They follow each other directly: lines for programs.
    Direct,
    /// They cannot follow each other: each is a whole file.
    Never,
}

/// Everything that the rest of the crate has to know of a format.
struct OutputFormatFacts {
    name: &'static str,
    summary: &'static str,
    extension: &'static str,
    /// Further extensions by which the format is recognised.
    more_extensions: &'static [&'static str],
    has_layouts: bool,
    is_binary: bool,
    succession: Succession,
    render: fn(&Bilingual, &RenderOptions) -> Result<Vec<u8>>,
}

impl OutputFormat {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Markdown,
        Self::Html,
        Self::Docx,
        Self::Tsv,
        Self::Jsonl,
        Self::Plain,
    ];

    /// The table of formats.
    const fn facts(self) -> OutputFormatFacts {
        match self {
            Self::Text => OutputFormatFacts {
                name: "text",
                summary: "Paired lines; columns on a terminal",
                extension: "txt",
                more_extensions: &[],
                has_layouts: true,
                is_binary: false,
                succession: Succession::BlankLine,
                render: |doc, options| Ok(text::render(doc, options).into_bytes()),
            },
            Self::Markdown => OutputFormatFacts {
                name: "md",
                summary: "Markdown",
                extension: "md",
                more_extensions: &["markdown"],
                has_layouts: true,
                is_binary: false,
                succession: Succession::BlankLine,
                render: |doc, options| Ok(markdown::render(doc, options.layout).into_bytes()),
            },
            Self::Html => OutputFormatFacts {
                name: "html",
                summary: "One self-contained page, Thai and English side by side",
                extension: "html",
                more_extensions: &["htm"],
                has_layouts: true,
                is_binary: false,
                succession: Succession::Never,
                render: |doc, options| Ok(html::render(doc, options.layout).into_bytes()),
            },
            Self::Docx => OutputFormatFacts {
                name: "docx",
                summary: "A two-column table for Word and LibreOffice",
                extension: "docx",
                more_extensions: &[],
                has_layouts: true,
                is_binary: true,
                succession: Succession::Never,
                render: |doc, options| docx::render(doc, options.layout),
            },
            Self::Tsv => OutputFormatFacts {
                name: "tsv",
                summary: "A table of segments for a spreadsheet",
                extension: "tsv",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: Succession::Direct,
                render: |doc, _| Ok(tsv::render(doc).into_bytes()),
            },
            Self::Jsonl => OutputFormatFacts {
                name: "jsonl",
                summary: "Everything known of each segment",
                extension: "jsonl",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: Succession::Direct,
                render: |doc, _| jsonl::render(doc),
            },
            Self::Plain => OutputFormatFacts {
                name: "plain",
                summary: "The English only",
                // The code of the language, as in parallel corpora.
                extension: "en",
                more_extensions: &[],
                has_layouts: false,
                is_binary: false,
                succession: Succession::Direct,
                render: |doc, _| Ok(plain::render(doc).into_bytes()),
            },
        }
    }

    /// The format's name on the command line.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// One line about the format for help texts, without a final full stop.
    pub const fn summary(self) -> &'static str {
        self.facts().summary
    }

    /// The extension of the format's files, without the dot; no two formats share one.
    pub fn extension(self) -> &'static str {
        self.facts().extension
    }

    /// Finds the format that a file's extension stands for; `extension` has no dot, and its case does not matter.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| {
            let facts = format.facts();
            facts.extension == extension || facts.more_extensions.contains(&extension.as_str())
        })
    }

    /// Whether [`RenderOptions::layout`] changes the output.
    pub fn has_layouts(self) -> bool {
        self.facts().has_layouts
    }

    /// Whether the bytes are no text, so that a terminal cannot show them.
    pub fn is_binary(self) -> bool {
        self.facts().is_binary
    }

    /// The rule for several documents of this format in one stream.
    pub fn succession(self) -> Succession {
        self.facts().succession
    }
}

/// The arrangement of source and translation on a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The source stands on the left, its translation on the right.
    #[default]
    SideBySide,
    /// Each translation stands under its source.
    Interleaved,
    /// The translation stands alone.
    Target,
}

/// Options of [`render`]. The default is side by side, for a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderOptions {
    /// The arrangement of source and translation; ignored by formats without [`OutputFormat::has_layouts`].
    pub layout: Layout,
    /// Columns of the terminal that [`OutputFormat::Text`] is written to; none (the default) for a file or pipe. Other
    /// formats ignore it.
    pub width: Option<usize>,
}

/// Renders `doc` in `format`. The same document and options always give the same bytes.
///
/// # Errors
/// Of kind `Output`, only where a library below fails to write the format.
pub fn render(doc: &Bilingual, format: OutputFormat, options: &RenderOptions) -> Result<Vec<u8>> {
    (format.facts().render)(doc, options)
}
