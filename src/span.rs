//! Positions in a source text: half-open byte ranges in its UTF-8.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A half-open byte range `[start, end)` in a source text as UTF-8. Both ends lie on character boundaries.
///
/// Serialized as an array of two numbers, `[start, end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(usize, usize)", into = "(usize, usize)")]
pub struct Span {
    /// Byte offset of the span's first byte.
    pub start: usize,
    /// Byte offset just after the span's last byte; never less than `start`.
    pub end: usize,
}

impl Span {
    /// Makes the span from byte `start` up to byte `end`, which is not included.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    /// Computes the length of the span in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span has no bytes.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Gives the part of `text` that the span covers.
    ///
    /// # Panics
    /// If the span reaches beyond `text`, or cuts a character.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

impl From<(usize, usize)> for Span {
    fn from((start, end): (usize, usize)) -> Self {
        Self { start, end }
    }
}

impl From<Span> for (usize, usize) {
    fn from(span: Span) -> Self {
        (span.start, span.end)
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}
