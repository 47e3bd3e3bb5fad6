//! Documents: a source read into blocks of translatable text, each tied to its bytes, and the aligned result.
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
//! Each input format is one file with a reader. What the rest of the crate has to know of it (name, extensions, markup) is
//! its row in `Format::facts`: a new format is a new file, a new variant and a new row.

mod bilingual;
mod block;
mod builder;
mod flag;
mod html;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

pub use bilingual::{Bilingual, Finish, Header, Parameters, Quality, SCHEMA, Segment, Similar};
pub use block::{Block, BlockKind, Run};
pub use flag::{Flag, Severity};

use crate::span::Span;
use serde::{Deserialize, Serialize};

/// An input format. Its name in JSONL is the variant's in lower case.
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

/// The share of a source that is not text for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Markup {
    /// None but list markers and ornament.
    None,
    /// Marks within lines that a reader sees, and code: a translation can stand in the source's own lines.
    Light,
    /// Tags, attributes and scripts: Thai in them is usual, and the lines of the source mean nothing to a reader.
    Tags,
}

/// Everything that the rest of the crate has to know of a format.
struct FormatFacts {
    name: &'static str,
    summary: &'static str,
    extensions: &'static [&'static str],
    markup: Markup,
    read: fn(&str, Paragraphs) -> ReaderOutput,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Markdown, Self::Html];

    /// The table of formats.
    const fn facts(self) -> FormatFacts {
        match self {
            Self::Text => FormatFacts {
                name: "text",
                summary: "Plain text",
                extensions: &["txt", "text", "th"],
                markup: Markup::None,
                read: text::read,
            },
            Self::Markdown => FormatFacts {
                name: "md",
                summary: "Markdown",
                extensions: &["md", "markdown", "mdown", "mkd"],
                markup: Markup::Light,
                read: |source, _| ReaderOutput {
                    blocks: markdown::read(source),
                    unwrapped: false,
                },
            },
            Self::Html => FormatFacts {
                name: "html",
                summary: "HTML",
                extensions: &["html", "htm", "xhtml"],
                markup: Markup::Tags,
                read: |source, _| ReaderOutput {
                    blocks: html::read(source),
                    unwrapped: false,
                },
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

    /// Finds the format that a file's extension stands for; `extension` has no dot, and its case does not matter.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.facts().extensions.contains(&extension.as_str()))
    }

    /// The share of a source in this format that is not text for a reader.
    pub fn markup(self) -> Markup {
        self.facts().markup
    }

    /// Reads a source into blocks. Only plain text heeds `paragraphs`.
    fn read(self, source: &str, paragraphs: Paragraphs) -> ReaderOutput {
        (self.facts().read)(source, paragraphs)
    }
}

/// The rule for where paragraphs of plain text end. Other formats mark their paragraphs themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paragraphs {
    /// Each line is a paragraph, unless the text is evidently hard-wrapped: then a paragraph ends at a line that had
    /// room for the next word. The default.
    #[default]
    Auto,
    /// Each line is a paragraph.
    Line,
    /// A paragraph ends at a blank line, and before a heading, list item, table row or line about the article.
    BlankLine,
}

/// A source read into blocks. The source between blocks (blank lines, block markup, code, scripts) is never changed.
#[derive(Clone, Debug)]
pub struct Document {
    /// The whole source as UTF-8, without its byte-order mark.
    pub text: String,
    /// The format that the source was read as.
    pub format: Format,
    /// The blocks, in the order of the source and without overlap.
    pub blocks: Vec<Block>,
    /// Whether lines were joined to paragraphs because they look hard-wrapped ([`Paragraphs::Auto`]).
    pub unwrapped: bool,
}

/// The blocks that the reader of one format found in a source.
struct ReaderOutput {
    blocks: Vec<Block>,
    /// See [`Document::unwrapped`].
    unwrapped: bool,
}

/// Reads a source into blocks. It never fails, whatever the text. Only plain text heeds `paragraphs`.
pub fn read(text: String, format: Format, paragraphs: Paragraphs) -> Document {
    let ReaderOutput { blocks, unwrapped } = format.read(&text, paragraphs);
    Document {
        text,
        format,
        blocks,
        unwrapped,
    }
}

impl Document {
    /// Makes each line a block, blank lines too, without interpreting markup. Line ends (`\n`, `\r\n`) belong to no
    /// block.
    pub fn by_lines(text: String) -> Self {
        let mut blocks = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let content = line
                .strip_suffix('\n')
                .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
            let span = Span::new(start, start + content.len());
            blocks.push(Block::verbatim(BlockKind::Paragraph, 0, &text, span));
            start += line.len();
        }
        Self {
            text,
            format: Format::Text,
            blocks,
            unwrapped: false,
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
