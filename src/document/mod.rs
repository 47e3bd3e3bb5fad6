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
//! Each input format is one file; [`Format`] holds the table of them.

mod bilingual;
mod builder;
mod flag;
mod format;
mod html;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

pub use bilingual::{Bilingual, Finish, Header, Parameters, Quality, SCHEMA, Segment, Similar};
pub use flag::{Flag, Severity};
pub use format::{Format, Markup};

use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The role of a block in its document, as far as its markup or layout tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// A title or heading.
    Heading,
    /// Running text, and whatever no other kind fits.
    Paragraph,
    /// A paragraph of a list item.
    ListItem,
    /// A paragraph of a quotation.
    Quote,
    /// One cell of a table.
    Cell,
    /// A picture's caption or credit.
    Caption,
    /// A line about the article: its date, author, source, tags.
    Metadata,
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

/// A stretch of a block's text and the source bytes that it was read from.
///
/// A run whose text and source differ in length (such as a decoded entity) is atomic: no segment starts or ends inside
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Byte range in [`Block::text`].
    pub text: Range<usize>,
    /// Byte range in [`Document::text`].
    pub source: Span,
    /// `source` together with its inline markup: opening marks before it, closing marks after it.
    pub outer: Span,
}

/// A block of translatable text: a paragraph, a heading, a list item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The block's role in the document.
    pub kind: BlockKind,
    /// Heading level (1 to 6) or list depth (from 1); 0 elsewhere.
    pub level: u8,
    /// The block's bytes in the source: with inline markup, without block markup and outer white space.
    pub span: Span,
    /// The text as a reader sees it: inline markup removed, entities decoded. Never empty, but for blank lines of
    /// [`Document::by_lines`].
    pub text: String,
    /// The sources of `text`, in order and without overlap; the source between two runs is inline markup.
    pub runs: Vec<Run>,
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
struct Reading {
    blocks: Vec<Block>,
    /// See [`Document::unwrapped`].
    unwrapped: bool,
}

/// Reads a source into blocks. It never fails, whatever the text. Only plain text heeds `paragraphs`.
pub fn read(text: String, format: Format, paragraphs: Paragraphs) -> Document {
    let Reading { blocks, unwrapped } = format.read(&text, paragraphs);
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

impl Block {
    /// Makes a block whose text is the source at `span`.
    fn verbatim(kind: BlockKind, level: u8, source: &str, span: Span) -> Self {
        let text = span.of(source).to_owned();
        let runs = match text.len() {
            0 => Vec::new(),
            length => vec![Run {
                text: 0..length,
                source: span,
                outer: span,
            }],
        };
        Self {
            kind,
            level,
            span,
            text,
            runs,
        }
    }

    /// Appends text that was read from `source`, which lies after everything that the block has.
    fn push(&mut self, text: &str, source: Span) {
        let start = self.text.len();
        self.text.push_str(text);
        self.span.end = source.end;
        self.runs.push(Run {
            text: start..self.text.len(),
            source,
            outer: source,
        });
    }

    /// The byte span in [`Document::text`] that a byte range of [`Block::text`] was read from.
    ///
    /// Closing marks go with the text before them, and opening marks with the text after them, so that no inline mark
    /// that touches a segment is left between two segments. A range that ends inside an atomic run takes the whole run;
    /// a range that starts inside one begins after it. Ranges in order, without overlap and without outer white space
    /// therefore give spans in order and without overlap.
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let Some(final_run) = self.runs.last() else {
            return self.span;
        };
        let first = self.runs.partition_point(|run| run.text.end <= range.start);
        let run = self.runs.get(first).unwrap_or(final_run);
        let start = match range.start.saturating_sub(run.text.start) {
            0 => run.outer.start,
            _ if run.is_atomic() => run.outer.end,
            offset => run.source.start + offset.min(run.text.len()),
        };
        let run = &self.runs[self
            .runs
            .partition_point(|run| run.text.start < range.end)
            .saturating_sub(1)];
        let end = if range.end < run.text.end && !run.is_atomic() {
            run.source.start + range.end.saturating_sub(run.text.start)
        } else {
            run.outer.end
        };
        Span::new(start, end.max(start))
    }
}

impl Run {
    /// Whether the run's text and its source cannot be matched byte by byte.
    fn is_atomic(&self) -> bool {
        self.text.len() != self.source.len()
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
