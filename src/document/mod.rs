//! Documents: a source file read into blocks of translatable text, each with the byte range that it came from, and the
//! aligned document that translation makes of them.
//!
//! ```text
//! source   ## ราคา <b>ข้าว</b> &amp; ยาง
//! text     ราคา ข้าว & ยาง               what is translated; `## ` is block markup and belongs to no block
//! runs     "ราคา "                       each stretch of text with its source
//!          "ข้าว"                         inline markup: `outer` is `<b>ข้าว</b>`
//!          " "
//!          "&"                           atomic: its source is `&amp;`
//!          " ยาง"
//! ```
//!
//! Each input format has a reader in a file of its own. Its name, file extensions and amount of markup stand in one row
//! of
//! `Format::format_properties`. To add a format, add a file, a variant of `Format` and a row.

mod bilingual;
mod block;
mod builder;
mod era;
mod finding;
mod flag;
mod html;
mod markdown;
mod passage;
mod script;
pub(crate) mod spreadsheet;
#[cfg(test)]
mod tests;
mod text;

pub use bilingual::{
    BilingualDocument, CLOSING_NOTE_OPENINGS, COMMENT_AUTHOR, FinishReason, Header, Parameters, Quality, SCHEMA,
    Segment, SimilarSentence,
};
pub use block::{Block, BlockKind, Run};
pub use era::Era;
pub use finding::{Finding, Findings, compare_worse_first};
pub use flag::{Flag, Severity};
pub(crate) use html::pieces_to_tokenize;
pub use passage::{Passage, Side, divide_into_passages};

use crate::span::Span;
use serde::{Deserialize, Serialize};

/// The format of an input file. In JSONL, a format is named by its variant in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Plain text: layout alone says what is a heading, a list item or a table.
    Text,
    /// CommonMark with tables, footnotes, task lists, strikethrough and front matter.
    Markdown,
    /// HTML, or XHTML that begins with an XML declaration.
    Html,
}

/// How much of a file of some format is markup rather than text for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkupAmount {
    /// No markup, except list markers and ornament such as a line of asterisks.
    None,
    /// Light markup and code blocks, as in Markdown. Readers see the lines of the source, so a translation can keep
    /// them.
    Light,
    /// Tags, attributes and scripts, as in HTML. Attributes and scripts often hold Thai that is not translated, and the
    /// line breaks of the source mean nothing to a reader.
    Tags,
}

/// The properties of an input format: its names, its file extensions, its amount of markup and its reader.
struct InputFormatProperties {
    name: &'static str,
    summary: &'static str,
    extensions: &'static [&'static str],
    markup: MarkupAmount,
    read: fn(&str, ParagraphRule) -> ReaderOutput,
}

impl Format {
    /// All input formats, in the order in which help texts list them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Markdown, Self::Html];

    /// Returns the properties of this format: its row in the table of input formats.
    const fn format_properties(self) -> InputFormatProperties {
        match self {
            Self::Text => InputFormatProperties {
                name: "text",
                summary: "Plain text",
                extensions: &["txt", "text", "th"],
                markup: MarkupAmount::None,
                read: text::read_plain_text,
            },
            Self::Markdown => InputFormatProperties {
                name: "md",
                summary: "Markdown",
                extensions: &["md", "markdown", "mdown", "mkd"],
                markup: MarkupAmount::Light,
                read: |source, _| markdown::read_markdown(source),
            },
            Self::Html => InputFormatProperties {
                name: "html",
                summary: "HTML",
                extensions: &["html", "htm", "xhtml"],
                markup: MarkupAmount::Tags,
                read: |source, _| html::read_html(source),
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

    /// Finds the input format for a file extension, which is given without its dot and in any case. Returns `None` if
    /// no format has this extension.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.format_properties().extensions.contains(&extension.as_str()))
    }

    /// Returns how much of a file of this format is markup rather than text for a reader.
    pub fn markup_amount(self) -> MarkupAmount {
        self.format_properties().markup
    }

    /// Reads a source into blocks with the reader of this format. Only the reader of plain text uses `paragraphs`.
    fn read(self, source: &str, paragraphs: ParagraphRule) -> ReaderOutput {
        (self.format_properties().read)(source, paragraphs)
    }
}

/// The rule for where paragraphs of plain text end. Other formats mark their paragraphs themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParagraphRule {
    /// Each line is a paragraph, unless the text is evidently hard-wrapped: then lines are joined, and a paragraph ends
    /// at a line that had room for the first word of the next line. The default.
    #[default]
    Auto,
    /// Each line is a paragraph.
    Line,
    /// A paragraph ends at a blank line, and before a list item, a quotation, a table row, or a line of metadata such
    /// as the author.
    BlankLine,
}

/// A source file read into blocks of translatable text. The bytes between blocks (blank lines, block markup, code,
/// scripts) are never changed.
#[derive(Clone, Debug)]
pub struct Document {
    /// The whole source as UTF-8, without its byte-order mark.
    pub text: String,
    /// The format that the source was read as.
    pub format: Format,
    /// The blocks of translatable text, in the order of the source and without overlap.
    pub blocks: Vec<Block>,
    /// Whether the reader joined lines to paragraphs because the text looks hard-wrapped ([`ParagraphRule::Auto`]).
    pub unwrapped: bool,
    /// The byte ranges of text that a browser does not show, or shows above a word as its reading: it is left out, also
    /// where it stands inside a block.
    pub omitted: Vec<Span>,
}

/// The result of reading a source with the reader of one format.
struct ReaderOutput {
    blocks: Vec<Block>,
    /// Whether the reader joined lines to paragraphs because the text looks hard-wrapped.
    unwrapped: bool,
    /// The byte ranges of text that is not shown and was left out.
    omitted: Vec<Span>,
}

/// Reads a source of the given format into blocks. Reading never fails, whatever the text. Only plain text uses
/// `paragraphs`.
pub fn read(text: String, format: Format, paragraphs: ParagraphRule) -> Document {
    let ReaderOutput {
        blocks,
        unwrapped,
        omitted,
    } = format.read(&text, paragraphs);
    Document {
        text,
        format,
        blocks,
        unwrapped,
        omitted,
    }
}

impl Document {
    /// Makes a document in which each line is one block, blank lines too. Markup is not interpreted. Line ends (`\n`,
    /// `\r\n`) belong to no block.
    pub fn by_lines(text: String) -> Self {
        let mut blocks = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let content = line
                .strip_suffix('\n')
                .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
            let span = Span::new(start, start + content.len());
            blocks.push(Block::from_source(BlockKind::Paragraph, 0, &text, span));
            start += line.len();
        }
        Self {
            text,
            format: Format::Text,
            blocks,
            unwrapped: false,
            omitted: Vec::new(),
        }
    }
}

/// Whether `c` is white space, or an invisible character that Thai texts use like white space: zero-width space, word
/// joiner, byte-order mark.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}
