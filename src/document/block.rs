//! Blocks of translatable text, and the mapping from their text back to bytes of the source.

use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The role of a block in its document, as far as markup or layout tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// A title or heading.
    Heading,
    /// Running text, and every block that fits no other kind.
    Paragraph,
    /// One paragraph of a list item.
    ListItem,
    /// One paragraph of a quotation.
    Quote,
    /// One cell of a table.
    Cell,
    /// A picture's caption or credit.
    Caption,
    /// A line about the article: its date, author, source or tags.
    Metadata,
}

/// A stretch of a block's text, with the source bytes that it was read from.
///
/// A run whose text and source differ in length, such as a decoded entity, is atomic: no segment starts or ends inside
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The byte range of this stretch of text in [`Block::text`].
    pub text: Range<usize>,
    /// The byte range that this stretch of text has in [`Document::text`](super::Document::text), without inline
    /// markup.
    pub source: Span,
    /// The byte range of the run in the source with its inline markup: opening marks such as `<b>` before it, closing
    /// marks after it.
    pub outer: Span,
}

/// A block of translatable text: a paragraph, a heading, a list item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The role of the block in its document.
    pub kind: BlockKind,
    /// The heading level (1 to 6) or list depth (from 1); 0 for blocks of other kinds.
    pub level: u8,
    /// The byte range of the block in the source: with inline markup, without block markup and white space at its ends.
    pub span: Span,
    /// The text of the block as a reader sees it: inline markup removed, entities decoded. Empty only for blank lines
    /// of [`Document::by_lines`](super::Document::by_lines).
    pub text: String,
    /// The runs that make up `text`, in order and without overlap. The source between two runs is inline markup.
    pub runs: Vec<Run>,
}

impl Block {
    /// Makes a block whose text is the source at `span`, unchanged.
    pub(super) fn from_source(kind: BlockKind, level: u8, source: &str, span: Span) -> Self {
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

    /// Moves the block's spans `offset` bytes on, after a part of a source that starts there was read by itself.
    pub(super) fn moved_by(mut self, offset: usize) -> Self {
        let moved = |span: Span| Span::new(span.start + offset, span.end + offset);
        self.span = moved(self.span);
        for run in &mut self.runs {
            (run.source, run.outer) = (moved(run.source), moved(run.outer));
        }
        self
    }

    /// Appends text that was read from `source`, which must lie after the source of the block's existing text.
    pub(super) fn push(&mut self, text: &str, source: Span) {
        let start = self.text.len();
        self.text.push_str(text);
        self.span.end = source.end;
        self.runs.push(Run {
            text: start..self.text.len(),
            source,
            outer: source,
        });
    }

    /// Maps a byte range of [`Block::text`] to the byte span in [`Document::text`](super::Document::text) that it was
    /// read from.
    ///
    /// Closing marks such as `</b>` go with the text before them, and opening marks with the text after them, so that
    /// no inline mark that touches a segment is left between two segments. A range that ends inside an atomic run takes
    /// the whole run; a range that starts inside one begins after it. Ranges in order, without overlap and without
    /// outer white space therefore give spans in order and without overlap.
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let Some(final_run) = self.runs.last() else {
            return self.span;
        };
        let first = self.runs.partition_point(|run| run.text.end <= range.start);
        let run = self.runs.get(first).unwrap_or(final_run);
        let start = match range.start.saturating_sub(run.text.start) {
            0 => run.outer.start,
            _ if run.is_indivisible() => run.outer.end,
            offset => run.source.start + offset.min(run.text.len()),
        };
        let run = &self.runs[self
            .runs
            .partition_point(|run| run.text.start < range.end)
            .saturating_sub(1)];
        let end = if range.end < run.text.end && !run.is_indivisible() {
            run.source.start + range.end.saturating_sub(run.text.start)
        } else {
            run.outer.end
        };
        Span::new(start, end.max(start))
    }
}

impl Run {
    /// Whether the text of the run differs in length from its source, so that their bytes do not correspond.
    pub(super) fn is_indivisible(&self) -> bool {
        self.text.len() != self.source.len()
    }
}
