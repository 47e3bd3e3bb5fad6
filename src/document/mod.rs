//! Documents: bytes to blocks of translatable text, each tied to its bytes in the source.

mod bilingual;

pub use bilingual::{Bilingual, Finish, Flag, Header, Parameters, SCHEMA, Segment};

use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How an input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    Text,
    Markdown,
    Html,
}

/// What a block is, as far as its own markup or layout says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// A title or heading.
    Heading,
    Paragraph,
    ListItem,
    Quote,
    /// One cell of a table.
    Cell,
    /// A picture's caption or credit.
    Caption,
}

/// A stretch of a block's text and the source bytes that it was read from.
///
/// A run whose two lengths differ (a decoded entity, say) is atomic: no segment starts or ends inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Byte range in [`Block::text`].
    pub text: Range<usize>,
    /// Byte range in [`Document::text`].
    pub source: Span,
}

/// A block of translatable text: a paragraph, a heading, a list item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub kind: BlockKind,
    /// Heading level (1 to 6) or list depth (from 1); 0 elsewhere.
    pub level: u8,
    /// All of the block in the source, inline markup included, block markup and outer white space not.
    pub span: Span,
    /// The text as a reader sees it: inline markup removed, entities decoded.
    pub text: String,
    /// Where `text` comes from, in order and without overlap; what lies between two runs in the source is inline markup.
    pub runs: Vec<Run>,
}

/// A source read into blocks. What no block covers (blank lines, block markup, code, scripts) is kept as it is.
#[derive(Clone, Debug)]
pub struct Document {
    /// The whole source as UTF-8, without its byte-order mark.
    pub text: String,
    pub format: Format,
    /// In order, without overlap.
    pub blocks: Vec<Block>,
}
